"""The effective energy of the Dirac task (96), s_1 = beta and s_T = 1/beta, and where it is least (Appendix H).

Let n = T - 1, Z = sum_{i=0}^n b^(2i), P = sum_{i=1}^n i b^(2i-2) and Q = sum_{j=0}^{n-1} (n-j) b^(2j). The slope of the
effective energy E* is a positive multiple of -(beta^2 b^n + 1) (beta^2 b^(n-1) Q - b P), so a stationary point is b = 0
(where n > 1), or has b^n = -1/beta^2, or beta^2 = g(b) = P / (b^(n-2) Q). The factor 1/(2 tau) of the energy (8) is
left out, as in the paper. E* keeps its value where beta and b turn into 1/beta and 1/b. `stationary_modes` does the
same for any other task dynamics.
"""

from __future__ import annotations

import math
from fractions import Fraction
from typing import TYPE_CHECKING

import numpy as np

from lrnn_helpers import _validation as valid

if TYPE_CHECKING:
    import sympy as sp
    from numpy.typing import ArrayLike

__all__ = [
    "apparent_transition",
    "effective_energy",
    "folds",
    "landau_coefficients",
    "minimum",
    "optimal_u",
    "stationary_beta",
    "stationary_modes",
    "stationary_points",
]


# By how the sign of the condition turns at a stationary point with b > 0; the slope of E* has the opposite sign.
KINDS = {1: "max", 0: "saddle", -1: "min"}


def effective_energy(b: ArrayLike, beta: ArrayLike, T: int) -> np.ndarray:
    """Effective energy E* (102): the energy (97) with u = ac at its best, `optimal_u`.

    Computed as a sum of squares, so that it is accurate where it is small, and for b beyond ±1 by the duality, so that
    no power overflows: E* tends to 1/beta^2 there.

    Parameters
    ----------
    b : array_like, (...)
        Recurrent mode, real. NaN stays in its own row, ±inf gives the limit.
    beta : array_like, (...)
        Square root of the ratio s_1/s_T of recurrent to feedforward computation, > 0.
    T : int
        Trajectory length, >= 2.

    Returns
    -------
    float64, (...)
        In units of the squared singular values, between 0 and beta^2 + 1/beta^2.

    Raises
    ------
    ValueError
        If beta <= 0 or not finite, T < 2, or shapes do not broadcast.
    TypeError
        If an argument is complex or no number, or `T` is not an integer.

    Notes
    -----
    In the book: :doc:`/book/appendices/h_landau`.

    Examples
    --------
    >>> from lrnn_helpers import transitions
    >>> transitions.effective_energy([0.0, 1.0], beta=1.0, T=4)  # at beta = 1 the two are level
    array([1., 1.])
    """
    b, beta, n, _ = _folded(b, beta, T)
    with np.errstate(all="ignore"):
        # Lagrange's identity: |s|^2 |v|^2 - (s.v)^2 is the sum of (s_i v_j - s_j v_i)^2 over pairs of timesteps.
        ends = (beta - b**n / beta) ** 2
        middle = ((beta * b) ** 2 + (b / beta) ** 2) * _geometric(b * b, n - 1)
        return (ends + middle) / _geometric(b * b, n + 1)


def optimal_u(b: ArrayLike, beta: ArrayLike, T: int) -> np.ndarray:
    """The input-output mode u = ac that minimises the energy (97) at a given b (101).

    Parameters
    ----------
    b, beta, T
        As in `effective_energy`.

    Returns
    -------
    float64, (...)
        1/beta at b = 0; tends to 0 as b goes to ±infinity.

    Raises
    ------
    ValueError, TypeError
        As `effective_energy`.

    Notes
    -----
    In the book: :doc:`/book/appendices/h_landau`.

    Examples
    --------
    >>> from lrnn_helpers import transitions
    >>> transitions.optimal_u([0.0, 1.0], beta=2.0, T=4)
    array([0.5  , 0.625])
    """
    b, beta, n, far = _folded(b, beta, T)
    with np.errstate(all="ignore"):
        power = b**n
        return (beta * power + 1 / beta) * np.where(far, power, 1.0) / _geometric(b * b, n + 1)


def landau_coefficients(T: int, order: int) -> dict[int, sp.Expr]:
    """The Taylor coefficients of E* (102) at b = 0, exactly; what (105) and (106) should be for T = 3.

    Parameters
    ----------
    T : int
        Trajectory length, >= 2.
    order : int
        The highest power of b, >= 0.

    Returns
    -------
    dict
        {power of b: sympy expression in the positive symbol beta}, with every power from 0 to `order`.

    Raises
    ------
    ValueError
        If T < 2 or order < 0.
    TypeError
        If `T` or `order` is not an integer.

    Notes
    -----
    In the book: :doc:`/book/appendices/h_landau`.

    Examples
    --------
    >>> from lrnn_helpers import transitions
    >>> transitions.landau_coefficients(3, 2)
    {0: beta**2, 1: 0, 2: -2 + beta**(-2)}
    """
    with valid.extra("symbolic"):
        import sympy as sp

    n = valid.integer("T", T, at_least=2) - 1
    order = valid.integer("order", order, at_least=0)
    beta = sp.Symbol("beta", positive=True)

    def inverse(k):
        # 1/Z = (1 - b^2) / (1 - b^(2T)), a geometric series.
        return {0: 1, 2: -1}.get(k % (2 * T), 0) if k >= 0 else 0

    series = {k: -(inverse(k) / beta**2 + 2 * inverse(k - n) + inverse(k - 2 * n) * beta**2) for k in range(order + 1)}
    series[0] += beta**2 + 1 / beta**2
    return series


def stationary_points(beta: float, T: int) -> list[tuple[float, float, str]]:
    """Every real stationary point of E* (102), negative b and b = 0 included.

    `beta` is taken as the exact rational that the float is. The stationary points are then roots of polynomials with
    integer coefficients: sympy counts and isolates them exactly (the method of Vincent, Akritas and Strzebonski), and
    exact signs narrow them down to the last bit. The kind is exact too: a minimum where the slope goes from - to +, a
    maximum where it goes from + to -, a "saddle" where it keeps its sign.

    Parameters
    ----------
    beta : float
        As in `effective_energy`; one number.
    T : int
        Trajectory length, >= 2. The time grows about as T^3: T = 60 takes a tenth of a second.

    Returns
    -------
    list of (float, float, str)
        (b, E*, "min" | "max" | "saddle"), sorted by b.

    Raises
    ------
    ValueError
        If `beta` is not a scalar, not finite or <= 0, or T < 2.
    TypeError
        If `beta` is complex or no number, or `T` is not an integer.

    Notes
    -----
    b = 0 is stationary for T >= 3, but not for T = 2, where the slope there is -2. Degenerate cases need beta^2 = 1/2
    (T = 3) or beta at one of the `folds` (T = 4). These are irrational, so no float is one: the float next to
    1/sqrt(2) lies on one side of it and gets that side's answer. At T = 5, beta = 1 the curvature at b = ±1 is 0, and
    still it is a maximum.

    In the book: :doc:`/book/appendices/h_landau`.

    Examples
    --------
    >>> from lrnn_helpers import transitions
    >>> for b, energy, kind in transitions.stationary_points(1.25, T=3):
    ...     print(f"{b:+.4f}  {energy:.4f}  {kind}")
    -2.2039  0.5992  min
    +0.0000  1.5625  max
    +2.2039  0.5992  min
    """
    from lrnn_helpers.transitions._roots import positive_roots, to_float

    beta = valid.positive("beta", beta)
    if beta.ndim:
        raise ValueError(f"beta must be one number, got shape {beta.shape}")
    beta, T = float(beta), valid.integer("T", T, at_least=2)
    n, q = T - 1, Fraction(beta) ** 2
    if n == 1:
        return [(to_float(-1 / q), to_float(q + 1 / q), "max"), (to_float(q), 0.0, "min")]
    # By the duality q >= 1 is enough; its roots are not large, which isolation would be slow with.
    flip = q < 1
    p, d = (q.denominator, q.numerator) if flip else (q.numerator, q.denominator)
    found = [
        (sign * root, KINDS[turn])
        for root, turn in positive_roots(_condition(p, d, n))
        for sign in ((1,) if n % 2 else (1, -1))
    ]
    if n % 2:
        found += [(-root, "max") for root, _ in positive_roots([-d] + [0] * (n - 1) + [p])]
    points = [(to_float(1 / b if flip else b), kind) for b, kind in found]
    points.append((0.0, "max" if n == 2 and 2 * q > 1 else "min"))
    return [(b, float(effective_energy(b, beta, T)), kind) for b, kind in sorted(points)]


def stationary_modes(s: ArrayLike) -> list[tuple[float, float, float, str]]:
    """Every real stationary point in b of the energy (8) of any task dynamics, with u = ac at its best; exactly.

    With S = sum_i s_i b^(T-i) and Z = sum_i b^(2(T-i)) the best u is S/Z; what is left, E* = sum_i s_i^2 - S^2/Z, has
    the slope -S (2 S' Z - S Z') / Z^2. The numbers in `s` are taken as the exact rationals that the floats are, so the
    points are roots of a polynomial with integer coefficients, counted and classified as in `stationary_points`, which
    is the Dirac task's own, faster form of this.

    Parameters
    ----------
    s : array_like, (T,)
        Task dynamics of one dimension, real, T >= 2, not all zero.

    Returns
    -------
    list of (float, float, float, str)
        (b, u, E*, "min" | "max" | "saddle"), sorted by b. As elsewhere in this room E* is without the factor 1/(2 tau).
        A number beyond the range of floats is ±inf, or 0, of its sign.

    Raises
    ------
    ValueError
        If `s` is not one-dimensional, T < 2, `s` is not finite, or all zero.
    TypeError
        If `s` is complex or holds no numbers.

    Notes
    -----
    In the book: :doc:`/book/results/solutions`.

    Examples
    --------
    >>> from lrnn_helpers import transitions
    >>> for b, u, energy, kind in transitions.stationary_modes([0.25, 0.5, 1.0]):
    ...     print(f"b = {b:+.4f}  u = {u:+.4f}  {kind}")
    b = -3.5987  u = +0.0134  max
    b = +0.5000  u = +1.0000  min
    """
    from lrnn_helpers.transitions._roots import positive_roots, to_float

    s = valid.array("s", s, real=True)
    if s.ndim != 1 or len(s) < 2 or not s.any():
        raise ValueError(f"s must be (T,) with T >= 2 and not all zero, got {s}")
    lags = [Fraction(x) for x in s[::-1].tolist()]
    common = math.lcm(*(x.denominator for x in lags))
    n = len(lags) - 1
    # Polynomials in b as arrays of Python integers, the constant first.
    S = np.array([int(x * common) for x in lags], dtype=object)
    Z = np.array([(k + 1) % 2 for k in range(2 * n + 1)], dtype=object)
    dS, dZ = (c[1:] * np.arange(1, len(c)).astype(object) for c in (S, Z))
    slope = np.convolve(S, 2 * np.convolve(dS, Z) - np.convolve(S, dZ)).tolist()
    order = next(k for k, x in enumerate(slope) if x)
    found = [(b, KINDS[turn]) for b, turn in positive_roots(slope)]
    # Seen from b = 0 to the left a turn is the other way round, and the derivative has the other sign.
    mirrored = [-x if k % 2 == 0 else x for k, x in enumerate(slope)]
    found += [(-b, KINDS[turn]) for b, turn in positive_roots(mirrored)]
    if order:
        found.append((Fraction(0), "saddle" if order % 2 == 0 else "max" if slope[order] > 0 else "min"))
    points, s = [], s[::-1]
    with np.errstate(all="ignore"):
        for b, kind in sorted(found):
            b = to_float(b)
            # Powers of 1/b where |b| > 1: then none overflows. Nor does a sum of data, or a square, of the size of 1.
            power = b ** np.arange(n + 1.0) if abs(b) <= 1 else (1 / b) ** np.arange(n, -1.0, -1)
            unit, size = _to_unit(s)
            u = np.ldexp((power @ unit) / (power @ power), size)
            rest, size = _to_unit(s - u * power)
            points.append(
                (b, float(u if abs(b) <= 1 else u * (1 / b) ** n), float(np.ldexp(rest @ rest, 2 * size)), kind)
            )
    return points


def _to_unit(x):
    """`x` over a power of 2 that brings its largest entry to the size of 1, and the exponent."""
    size = np.frexp(np.abs(x).max())[1]
    return np.ldexp(x, -size), size


def stationary_beta(b: ArrayLike, T: int) -> np.ndarray:
    """The beta at which a given b > 0 is a stationary point of E* (102): the curve beta^2 = g(b) of its branches.

    Parameters
    ----------
    b : array_like, (...)
        Recurrent mode, > 0.
    T : int
        Trajectory length, >= 2.

    Returns
    -------
    float64, (...)

    Raises
    ------
    ValueError
        If b <= 0 or not finite, or T < 2.
    TypeError
        If `b` is complex or no number, or `T` is not an integer.

    Notes
    -----
    In the book: :doc:`/book/appendices/h_landau`.

    Examples
    --------
    >>> from lrnn_helpers import transitions
    >>> round(float(transitions.stationary_beta(1.0, T=4)), 6)
    1.0
    """
    b, n = valid.positive("b", b), valid.integer("T", T, at_least=2) - 1
    far = b > 1
    b = np.where(far, 1 / b, b)
    P, Q = np.zeros_like(b), np.zeros_like(b)
    for i in range(1, n + 1):
        P, Q = P * b * b + (n + 1 - i), Q * b * b + i
    with np.errstate(all="ignore"):
        beta = np.sqrt(P / Q) * b ** (1 - n / 2)
        return np.where(far, 1 / beta, beta)[()]


def folds(T: int) -> list[tuple[float, float]]:
    """Where two stationary points with b > 0 merge: the points at which beta^2 = g(b) turns back, counted exactly.

    There are none but for T = 4, which has two. For T >= 5 this says that g, which falls from infinity to 0, falls all
    along: each beta has exactly one stationary point with b > 0, and as b = 0 is a minimum it is a maximum.

    Parameters
    ----------
    T : int
        Trajectory length, >= 2.

    Returns
    -------
    list of (float, float)
        (b, beta), sorted by b.

    Raises
    ------
    ValueError
        If T < 2.
    TypeError
        If `T` is not an integer.

    Notes
    -----
    In the book: :doc:`/book/appendices/h_landau`.

    Examples
    --------
    >>> from lrnn_helpers import transitions
    >>> [(round(b, 4), round(beta, 4)) for b, beta in transitions.folds(4)]
    [(0.6436, 0.954), (1.5538, 1.0482)]
    >>> transitions.folds(5)
    []
    """
    with valid.extra("symbolic"):
        import sympy as sp

    from lrnn_helpers.transitions._roots import positive_roots, to_float

    n = valid.integer("T", T, at_least=2) - 1
    x = sp.Symbol("x")
    P = sp.Poly(range(n, 0, -1), x)
    Q = sp.Poly(range(1, n + 1), x)
    # 2 x P Q times the logarithmic derivative of g by x = b^2.
    slope = 2 * x * (P.diff() * Q - P * Q.diff()) - (n - 2) * P * Q
    turns = [x for x, turn in positive_roots([int(c) for c in slope.all_coeffs()[::-1]]) if turn]
    return [(float(b), float(stationary_beta(b, T))) for b in np.sqrt([to_float(x) for x in turns])]


def minimum(beta: ArrayLike, T: int) -> np.ndarray:
    """The infimum of E* (102) over all b, and the smallest b >= 0 that has it, or infinity where only b → ∞ nears it.

    For T >= 4 it is the trivial branch, b = 0 with E* = beta^2, up to exactly beta = 1, and b → ∞ with E* = 1/beta^2
    beyond. For T = 3 a finite minimum joins the two, 1/sqrt(2) < beta < sqrt(2). For T = 2 there is no loss at
    b = beta^2.

    Parameters
    ----------
    beta, T
        As in `effective_energy`.

    Returns
    -------
    b, energy : float64, (...)

    Raises
    ------
    ValueError, TypeError
        As `effective_energy`.

    Notes
    -----
    In the book: :doc:`/book/appendices/h_landau`.

    Examples
    --------
    >>> from lrnn_helpers import transitions
    >>> transitions.minimum([0.9, 1.1], T=5)
    (array([ 0., inf]), array([0.81      , 0.82644628]))
    """
    beta, T = valid.positive("beta", beta), valid.integer("T", T, at_least=2)
    with np.errstate(all="ignore"):
        q = beta * beta
        if T == 2:
            return q, np.zeros_like(q)[()]
        if T == 3:
            b = np.where(q >= 2, np.inf, np.sqrt(np.maximum(2 * q - 1, 0) / (2 - q)))
        else:
            b = np.where(beta > 1, np.inf, 0.0)
    return b[()], effective_energy(b, beta, T)


def apparent_transition(T: int, b_max: ArrayLike) -> np.ndarray:
    """The infimum of the beta at which some b in (0, b_max] reaches the trivial energy beta^2.

    It is where a search of b on a bounded range would place the transition. A given b > 0 reaches beta^2 once
    beta^2 >= (sqrt(Z) - 1) / b^n; the infimum over b lies at b → 0 for T = 2 (beta = 0) and T = 3 (1/sqrt(2)), not
    attained; at b = min(b_max, 1) for T = 4, so that it is 1 once the range holds b = 1; and at b_max for T >= 5.

    Parameters
    ----------
    T : int
        Trajectory length, >= 2.
    b_max : array_like, (...)
        End of the range, > 0; infinity gives the transition of `minimum`, 1 for every T >= 4.

    Returns
    -------
    float64, (...)

    Raises
    ------
    ValueError
        If T < 2, or b_max <= 0 or NaN.
    TypeError
        If `T` is not an integer, or `b_max` is complex or no number.

    Notes
    -----
    The bound falls with b exactly where Q^2 > n^2 Z. For T = 2 and 3 it never does. For T = 4 it does up to b = 1,
    where it is 1, and it is never less, since Z - (1 + b^3)^2 = (b - b^2)^2. For T >= 5 it does for all b: Q^2 - n^2 Z
    has no negative coefficient from T = 8 on, and no positive root for T = 5, 6 and 7.

    In the book: :doc:`/book/appendices/h_landau`.

    Examples
    --------
    >>> from lrnn_helpers import transitions
    >>> [round(float(transitions.apparent_transition(T, 1.0)), 4) for T in (3, 4, 5)]
    [0.7071, 1.0, 1.1118]
    """
    n, b_max = valid.integer("T", T, at_least=2) - 1, valid.array("b_max", b_max, finite=False, real=True)
    if not (b_max > 0).all():
        raise ValueError(f"b_max must be > 0, got {b_max[~(b_max > 0)].flat[0]}")
    b = np.minimum(b_max, {1: 0.0, 2: 0.0, 3: 1.0}.get(n, np.inf))
    with np.errstate(all="ignore"):
        far = b > 1
        b = np.where(far, 1 / b, b)
        root = np.sqrt(_geometric(b * b, n + 1))
        # sqrt(Z) - 1 = (Z - 1) / (sqrt(Z) + 1) loses no digits; beyond 1, Z(b) = b^(2n) Z(1/b).
        near = b ** (1 - n / 2) * np.sqrt(_geometric(b * b, n) / (root + 1))
        return np.where(far, np.sqrt(root - b**n), near)[()]


def _folded(b, beta, T):
    """Checked b, beta and n = T - 1, with (b, beta) inverted where |b| > 1; and where that is."""
    b, beta = valid.array("b", b, finite=False, real=True), valid.positive("beta", beta)
    n = valid.integer("T", T, at_least=2) - 1
    valid.broadcast(b=b.shape, beta=beta.shape)
    with np.errstate(all="ignore"):
        far = np.abs(b) > 1
        return np.where(far, 1 / b, b), np.where(far, 1 / beta, beta), n, far


def _geometric(x, terms):
    """1 + x + x^2 + …, so many terms; a sum, so that it is right at x = 1 too."""
    total = np.zeros_like(x)
    for _ in range(terms):
        total = 1 + x * total
    return total


def _condition(p, d, n):
    """Coefficients, ascending, of p b^(n-2) Q - d P; with p/d = beta^2, E* falls with b > 0 where it is positive."""
    c = [0] * (3 * n - 3)
    for j in range(n):
        c[n - 2 + 2 * j] += p * (n - j)
        c[2 * j] -= d * (j + 1)
    return c
