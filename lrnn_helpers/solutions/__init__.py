"""Closed forms: what one mode does while the other is frozen, and where learning ends (§3.2, §3.3, Appendices C-F, M).

Throughout, S = sum of b^(T-i) s_i and B = sum of b^(2(T-i)); with ``outputs="all"`` T becomes t and both also sum over
t. Where a dimension's `inputs` have the covariance C over time, and s are the weights that the best linear map gives
each, S = v.C s and B = v.C v with v_i = b^(T-i), and every form holds with these. Leading axes of all arguments
broadcast and are independent; times t are among these arguments and add no axis, so that many times of many modes are
``t[:, None]`` against modes (N,). A mode that is NaN stays in its own row; data, times and tau must be finite.

With complex modes (rotational dynamics) S = v^H C s. While b is frozen, u then goes straight from its start to S / B,
so that both forms of the input-output mode hold for them too. A complex b does not: b' has b and its conjugate in it,
and neither can be had without the other. So whatever freezes u is for real modes, which includes all that a common
turn makes real: a task s_i = r_i exp(i phi (T - i)), r real, learns b exp(-i phi) as r learns b.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Literal

import numpy as np

from lrnn_helpers import _lags
from lrnn_helpers import _validation as valid
from lrnn_helpers.solutions import _passage, _riccati, _series, _straight

if TYPE_CHECKING:
    from numpy.typing import ArrayLike

__all__ = [
    "convergence_radius",
    "energy_derivative",
    "extrapolation_error",
    "input_output_mode",
    "input_output_mode_unbalanced",
    "learning_time",
    "recurrent_mode",
    "recurrent_series",
    "recurrent_time",
    "zero_loss",
]


def input_output_mode(
    t: ArrayLike,
    u0: ArrayLike,
    b: ArrayLike,
    s: ArrayLike,
    tau: ArrayLike = 1.0,
    *,
    outputs: Literal["last", "all"] = "last",
    inputs: ArrayLike | None = None,
) -> np.ndarray:
    """The input-output mode u(t) for a frozen recurrent mode and a = c: (47), with T outputs (157).

    Written so that no exponential grows: u0 / (e^-z + u0 B (1 - e^-z) / S), z = 2 S t / tau, times e^z above and below
    where z < 0. At S = 0 it is u0 / (1 + 2 B u0 t / tau).

    Complex modes have a twin, for |a| = |c|, which is not in the paper: with u0 turned by the phase of S and p + iq the
    root of that, |S| (p e^(z/2) + iq e^(-z/2))^2 / (|S| + B (p^2 (e^z - 1) + q^2 (1 - e^-z))), z = 2 |S| t / tau, and
    turned back. It is a straight line from u0 to S / B.

    Parameters
    ----------
    t : array_like, (...)
        Time in the units of `tau`. Before 0 the solution may have come from infinity: NaN from there on.
    u0 : array_like, (...)
        u = ac at time 0, > 0. Where this, `b`, `s` or `inputs` are complex, not 0, and that of |a| = |c|.
    b : array_like, (...)
        The frozen recurrent mode.
    s : array_like, (..., T) or (..., T, T)
        Task dynamics; ``s[..., t, i]`` lower-triangular where ``outputs="all"``. Where `inputs` are given, the weights
        that the best linear map gives each of them.
    tau : array_like, (...)
        Learning timescale, > 0.
    outputs : {"last", "all"}
        Whether the network answers at the last timestep only or at every one.
    inputs : array_like, (..., T, T), optional
        Covariance over time of this dimension's input, as in `modes.energy`. By default inputs are white.

    Returns
    -------
    float64 or complex128, (...)
        The leading axes of all arguments, broadcast.

    Raises
    ------
    ValueError
        If u0 <= 0 (= 0 if complex), tau <= 0, `t` or `s` is not finite, `s` is empty or not lower-triangular, `inputs`
        are not symmetric or have a negative eigenvalue, or shapes do not broadcast.
    TypeError
        If `t` or `tau` is complex, or an argument does not hold numbers.

    Notes
    -----
    In the book: :doc:`/book/results/solutions`.

    Examples
    --------
    A mode that starts a hundred times too small, half way at about log(100) / (2 S):

    >>> import numpy as np
    >>> from lrnn_helpers import solutions
    >>> t = np.array([0.0, 1.0, 2.0, 4.0])
    >>> solutions.input_output_mode(t, 0.01, 0.5, [0.25, 0.5, 1.0]).round(3)
    array([0.01 , 0.122, 0.658, 0.997])

    A complex one does not turn about 0 but goes straight to its end:

    >>> solutions.input_output_mode(t[1:], 0.01j, 0.5, [0.25, 0.5, 1.0]).round(3)
    array([0.064+0.009j, 0.488+0.005j, 0.995+0.j   ])
    """
    (t, u0, b, tau), d, n = _arguments(s, outputs, inputs, None, t=t, u0=u0, b=b, tau=tau)
    with np.errstate(all="ignore"):
        S, B = _lags.level(d, n, b)
        if np.iscomplexobj(u0):
            if (u0 == 0).any():
                raise ValueError("u0 must not be 0, where a and c stay for all time, got 0")
            return _straight.balanced(t / tau, u0, S, B)[()]
        _balanced(u0)
        z = 2 * S * (t / tau)
        grown = np.sign(t) * -np.expm1(-np.abs(z)) / np.abs(S)
        grown = np.where(np.abs(z) < 1e-8, 2 * (t / tau) * (1 - np.abs(z) / 2), grown)
        below = np.exp(-np.maximum(z, 0)) + u0 * B * grown
        return np.where(below > 0, u0 * np.exp(np.minimum(z, 0)) / below, np.nan)[()]


def input_output_mode_unbalanced(
    t: ArrayLike,
    a0: ArrayLike,
    c0: ArrayLike,
    b: ArrayLike,
    s: ArrayLike,
    tau: ArrayLike = 1.0,
    *,
    outputs: Literal["last", "all"] = "last",
    inputs: ArrayLike | None = None,
) -> np.ndarray:
    """The input-output mode u(t) = a(t) c(t) for a frozen recurrent mode and any start; not in the paper.

    With w = exp(2 theta), theta' = S - u B, the sums a + c and a - c are (a0 + c0) sqrt(w) and (a0 - c0) / sqrt(w), and
    w solves a Riccati equation with constant coefficients. So a = c, a = -c, zeros and any signs are ordinary cases.

    For complex modes (u0 + S K) / (1 + B K) with K = (v^2 B + 4 Re(S* u0)) (cosh(wt) - 1) / w^2 + N sinh(wt) / w, v and
    N being |a0|^2 -+ |c0|^2 and w^2 = v^2 B^2 + 4 |S|^2: u goes straight to S / B.

    Parameters
    ----------
    t : array_like, (...)
        Time in the units of `tau`. Before 0 the solution may have come from infinity: NaN from there on.
    a0, c0 : array_like, (...)
        Input and output mode at time 0.
    b, s, tau, outputs, inputs
        As in `input_output_mode`.

    Returns
    -------
    float64 or complex128, (...)
        The leading axes of all arguments, broadcast. A complex u is good to rounding of the larger of |u0| and |u|.

    Raises
    ------
    ValueError, TypeError
        As `input_output_mode`, without the condition on u0.

    Notes
    -----
    In the book: :doc:`/book/appendices/c_input_output_mode`.

    Examples
    --------
    Where a and c start with opposite signs, the smaller one first passes through zero:

    >>> import numpy as np
    >>> from lrnn_helpers import solutions
    >>> t = np.array([0.0, 1.0, 2.0, 4.0])
    >>> solutions.input_output_mode_unbalanced(t, 0.2, -0.1, 0.5, [0.25, 0.5, 1.0]).round(3)
    array([-0.02 ,  0.032,  0.328,  0.989])
    """
    (t, a0, c0, b, tau), d, n = _arguments(s, outputs, inputs, None, t=t, a0=a0, c0=c0, b=b, tau=tau)
    with np.errstate(all="ignore"):
        product = _straight.product if np.iscomplexobj(a0) else _riccati.product
        return product(t / tau, a0, c0, *_lags.level(d, n, b))[()]


def energy_derivative(
    n: int,
    u: ArrayLike,
    b: ArrayLike,
    s: ArrayLike,
    *,
    outputs: Literal["last", "all"] = "last",
    inputs: ArrayLike | None = None,
) -> np.ndarray:
    """The derivative d^n(-tau E)/db^n: (49), with T outputs (158), as sums without negative powers.

    Parameters
    ----------
    n : int
        Order, >= 1.
    u, b : array_like, (...)
        The input-output mode u = ac and the recurrent mode.
    s, outputs, inputs
        As in `input_output_mode`, real.

    Returns
    -------
    float64, (...)
        Divided by tau it is the derivative of -E, so for n = 1 it is tau db/dt, (6). 0 where n > 2T - 2.

    Raises
    ------
    ValueError, TypeError
        As `recurrent_series`, of `n`, which is >= 1.

    Notes
    -----
    In the book: :doc:`/book/appendices/d_recurrent_mode`.

    Examples
    --------
    At b = 0 the data of lag 1 pull, and all but lag 0 regularize:

    >>> from lrnn_helpers import solutions
    >>> [float(solutions.energy_derivative(n, 1.0, 0.0, [0.25, 0.5, 1.0])) for n in (1, 2, 3)]
    [0.5, -0.5, 0.0]
    """
    n = valid.integer("n", n, at_least=1)
    (u, b), d, N = _arguments(s, outputs, inputs, NOT_ANALYTIC, u=u, b=b)
    N = _lags.spectrum(N)
    data, regularization = np.zeros(b.shape), np.zeros(b.shape)
    with np.errstate(all="ignore"):
        for k in range(n, d.shape[-1]):
            data = data + _series.falling(k, n) * d[..., k] * b ** (k - n)
        for m in range(n, N.shape[-1]):
            regularization = regularization + _series.falling(m, n) * N[..., m] * b ** (m - n)
        return (u * data - u**2 / 2 * regularization)[()]


def recurrent_series(
    b0: ArrayLike,
    u: ArrayLike,
    s: ArrayLike,
    order: int,
    *,
    outputs: Literal["last", "all"] = "last",
    inputs: ArrayLike | None = None,
) -> np.ndarray:
    """Coefficients of the Taylor series of b(t) for a frozen input-output mode: b^(n)(0) / n! of (48) and (62)-(67).

    They come from a recursion on power series, about order^2 T operations, not from the sum over partitions.

    Parameters
    ----------
    b0, u : array_like, (...)
        The recurrent mode at time 0 and the frozen input-output mode u = ac.
    s, outputs, inputs
        As in `input_output_mode`, real.
    order : int
        The last power, >= 0.

    Returns
    -------
    float64, (..., order + 1)
        Coefficients of (t / tau)^n for n = 0, ..., order.

    Raises
    ------
    ValueError
        If order < 0, `s` is not finite, empty or not lower-triangular, or shapes do not broadcast.
    TypeError
        If `order` is not an integer, or an argument is complex or does not hold numbers.

    Notes
    -----
    In the book: :doc:`/book/appendices/d_recurrent_mode`.

    Examples
    --------
    >>> from lrnn_helpers import solutions
    >>> solutions.recurrent_series(0.1, 1.0, [0.25, 0.5, 1.0], order=3).round(4)
    array([ 0.1   ,  0.448 , -0.1254, -0.0167])
    """
    order = valid.integer("order", order, at_least=0)
    (b0, u), d, n = _arguments(s, outputs, inputs, NOT_ANALYTIC, b0=b0, u=u)
    with np.errstate(all="ignore"):
        return _series.expand(b0, u[..., None] * _series.drift(d, _lags.spectrum(n), u), order)


def recurrent_mode(
    t: ArrayLike,
    b0: ArrayLike,
    u: ArrayLike,
    s: ArrayLike,
    tau: ArrayLike = 1.0,
    order: int = 5,
    window: ArrayLike | None = None,
    *,
    outputs: Literal["last", "all"] = "last",
    inputs: ArrayLike | None = None,
) -> np.ndarray:
    """The recurrent mode b(t) for a frozen input-output mode, by its Taylor expansion: (58)-(61) for order 5.

    Parameters
    ----------
    t : array_like, (...)
        Time in the units of `tau`; negative t goes back.
    b0, u : array_like, (...)
        The recurrent mode at time 0 and the frozen input-output mode u = ac.
    s, tau, outputs, inputs
        As in `input_output_mode`, real.
    order : int
        The last power of the expansion, >= 0.
    window : array_like, (...), optional
        Expand again after each window of this length, > 0, in the units of t. The error of a fixed `order` falls as
        window^order. None expands once, which is good for nothing beyond tau times `convergence_radius`.

    Returns
    -------
    float64, (...)
        The leading axes of all arguments, broadcast. Beyond the radius of convergence it may overflow.

    Raises
    ------
    ValueError, TypeError
        As `recurrent_series`, and if tau <= 0, window <= 0 or `t` is not finite.

    Notes
    -----
    In the book: :doc:`/book/results/solutions`.

    Examples
    --------
    Expanded once, the series is lost beyond its radius, 1.48 here; in windows it is not:

    >>> from lrnn_helpers import solutions
    >>> s = [0.25, 0.5, 1.0]
    >>> solutions.recurrent_mode([1.0, 2.0, 4.0], 0.1, 1.0, s).round(3)
    array([ 0.413,  1.005, 26.019])
    >>> solutions.recurrent_mode([1.0, 2.0, 4.0], 0.1, 1.0, s, window=0.1).round(3)
    array([0.406, 0.486, 0.5  ])
    """
    order = valid.integer("order", order, at_least=0)
    window = np.abs(valid.array("t", t, real=True)).max(initial=0.0) or 1.0 if window is None else window
    (t, *_), d, n = _arguments(s, outputs, inputs, NOT_ANALYTIC, t=t, b0=b0, u=u, tau=tau, window=window)
    # Without the axes of t, a window is expanded once for all the times in it.
    b0, u, tau, window = (np.asarray(x, dtype=float) for x in (b0, u, tau, window))
    out = np.broadcast_to(b0, t.shape)
    with np.errstate(all="ignore"):
        p = u[..., None] * _series.drift(d, _lags.spectrum(n), u)
        for sign in (1, -1):
            start, step = b0, 0
            while ((rest := sign * t - step * window) > 0).any():
                series = _series.expand(start, p, order)
                out = np.where(rest > 0, _series.horner(series, sign * rest / tau), out)
                start, step = _series.horner(series, sign * window / tau), step + 1
    return out.copy()[()]


def recurrent_time(
    b: ArrayLike,
    b0: ArrayLike,
    u: ArrayLike,
    s: ArrayLike,
    tau: ArrayLike = 1.0,
    *,
    outputs: Literal["last", "all"] = "last",
    inputs: ArrayLike | None = None,
) -> np.ndarray:
    """The exact time at which b(t) = b for a frozen input-output mode, inverse to `recurrent_mode`; not in the paper.

    t = tau sum_j Re[log((b - r_j) / (b0 - r_j)) / P'(r_j)] over the roots r_j of P(b) = d(-tau E)/db; where roots
    (nearly) coincide, the integral of 1 / P instead.

    Parameters
    ----------
    b : array_like, (...)
        The recurrent mode to reach.
    b0, u, s, tau, outputs, inputs
        As in `recurrent_mode`.

    Returns
    -------
    float64, (...)
        In the units of `tau`; negative where b(t) was b before it was b0. Infinite where b is the rest point that the
        trajectory tends to (-inf: comes from), NaN beyond it. Whether P is 0 is decided to rounding.

    Raises
    ------
    ValueError, TypeError
        As `recurrent_mode`.

    Notes
    -----
    In the book: :doc:`/book/appendices/d_recurrent_mode`.

    Examples
    --------
    Half of the way, nearly all of it, and all:

    >>> from lrnn_helpers import solutions
    >>> solutions.recurrent_time([0.3, 0.499, 0.5], 0.1, 1.0, [0.25, 0.5, 1.0]).round(2)
    array([0.53, 3.34,  inf])
    """
    (b, b0, tau, _), d, n = _arguments(s, outputs, inputs, NOT_ANALYTIC, b=b, b0=b0, tau=tau, u=u)
    u = np.asarray(u, dtype=float)
    with np.errstate(all="ignore"):
        return (tau * _passage.passage(u[..., None] * _series.drift(d, _lags.spectrum(n), u), b0, b))[()]


def convergence_radius(
    b0: ArrayLike,
    u: ArrayLike,
    s: ArrayLike,
    *,
    outputs: Literal["last", "all"] = "last",
    inputs: ArrayLike | None = None,
) -> np.ndarray:
    """Radius of convergence of the Taylor series (48) of b(t) for a frozen input-output mode; not in the paper.

    It is the least |t| at which the solution, continued to complex t, is infinite: an integral of db / P from b0 to
    infinity, over a way that the solution really takes. (The least of these integrals over all ways is often that of
    another branch of b, and smaller.)

    Parameters
    ----------
    b0, u, s, outputs, inputs
        As in `recurrent_series`.

    Returns
    -------
    float64, (...)
        In units of tau. inf for T <= 2, u = 0 or b0 at rest. NaN where roots of P differ so much in size that no
        singularity can be told from its neighbours (seen for u of 1e-4 times the data).

    Raises
    ------
    ValueError, TypeError
        As `recurrent_series`.

    Notes
    -----
    In the book: :doc:`/book/appendices/d_recurrent_mode`.

    Examples
    --------
    A larger ac makes it faster, and the series shorter:

    >>> from lrnn_helpers import solutions
    >>> solutions.convergence_radius(0.1, [0.5, 1.0, 2.0], [0.25, 0.5, 1.0]).round(2)
    array([3.66, 1.48, 0.53])
    """
    (b0, u), d, n = _arguments(s, outputs, inputs, NOT_ANALYTIC, b0=b0, u=u)
    out = np.empty(b0.shape)
    with np.errstate(all="ignore"):
        p = u[..., None] * _series.drift(d, _lags.spectrum(n), u)
        for row in np.ndindex(out.shape):
            out[row] = _passage.radius(p[row], b0[row])
    return out[()]


def zero_loss(s: ArrayLike, *, outputs: Literal["last", "all"] = "last") -> tuple[np.ndarray, np.ndarray]:
    """The modes of zero loss, u = s_T and b = s_(T-1) / s_T, where they exist: the complete form of F.2, and of M.3.

    They exist if s_i = s_T lam^(T-i) with s_T != 0, where lam = 0 leaves s_T alone, or if s is 0. For T >= 2 and s_T
    != 0 they are unique; a and c are any with ac = u. For s = (s_1, 0, ..., 0) zero is an infimum for b to infinity.

    Parameters
    ----------
    s : array_like, (..., T) or (..., T, T)
        Task dynamics, real or complex; ``s[..., t, i]`` lower-triangular where ``outputs="all"``.
    outputs : {"last", "all"}
        As in `input_output_mode`.

    Returns
    -------
    u, b : float64 or complex128, (...)
        (0, 0) where s is 0; b = 0 for T = 1, where it is free.

    Raises
    ------
    ValueError
        If an entry of `s` has no zero-loss solution, to a relative 1e-9 of each value and 16 units of rounding of the
        largest; or if `s` is not finite, empty or not lower-triangular.
    TypeError
        If `s` does not hold numbers.

    Notes
    -----
    In the book: :doc:`/book/appendices/f_zero_loss`.

    Examples
    --------
    >>> from lrnn_helpers import solutions
    >>> u, b = solutions.zero_loss([0.25, 0.5, 1.0])
    >>> float(u), float(b)
    (1.0, 0.5)
    >>> solutions.zero_loss([0.0, 1.0, 0.0])
    Traceback (most recent call last):
    ...
    ValueError: s must be s_i = s_T lam^(T-i) with s_T != 0, or 0, to have a zero-loss solution, got [0. 1. 0.]
    """
    s = valid.trajectory("s", s, valid.outputs(outputs))
    axes = (-1,) if outputs == "last" else (-2, -1)
    last = s if outputs == "last" else s[..., -1, :]
    u, b = last[..., -1], np.zeros_like(last[..., -1])
    with np.errstate(all="ignore"):
        if s.shape[-1] > 1:
            b = np.where(u == 0, 0, last[..., -2] / u)
        slack = 1e-9 * np.abs(s) + 16 * _series.EPS * np.abs(s).max(axis=axes, keepdims=True)
        fits = (np.abs(s - _lags.model(u, b, s.shape[-1], outputs)) <= slack).all(axis=axes)
    if not fits.all():
        row = tuple(int(i) for i in np.argwhere(~fits)[0])
        where = f" in entry {row}" if row else ""
        raise ValueError(
            f"s must be s_i = s_T lam^(T-i) with s_T != 0, or 0, to have a zero-loss solution, got {s[row]}{where}"
        )
    return u.copy()[()], b[()]


def learning_time(
    fraction: ArrayLike,
    u0: ArrayLike,
    b: ArrayLike,
    s: ArrayLike,
    tau: ArrayLike = 1.0,
    *,
    outputs: Literal["last", "all"] = "last",
    inputs: ArrayLike | None = None,
) -> np.ndarray:
    """The time at which u(t) of (47) is a fraction of its limit u* = S / B, for a frozen recurrent mode and a = c.

    t = (tau / 2S) log[f (u* - u0) / (u0 (1 - f))]; not in the paper.

    Parameters
    ----------
    fraction : array_like, (...)
        f; from 0 to 1 for a mode that grows, above 1 for one that starts above u*.
    u0, b, s, tau, outputs, inputs
        As in `input_output_mode`, real.

    Returns
    -------
    float64, (...)
        In the units of `tau`. NaN where u never is f u*, as for S <= 0 or f = 1, or was so before time 0 only.

    Raises
    ------
    ValueError, TypeError
        As `input_output_mode`, and if `fraction` is not finite.

    Notes
    -----
    In the book: :doc:`/book/appendices/c_input_output_mode`.

    Examples
    --------
    Ten times smaller a start costs log(10) / (2 S) more:

    >>> import numpy as np
    >>> from lrnn_helpers import solutions
    >>> late, later = solutions.learning_time(0.5, [0.01, 0.001], 0.5, [0.25, 0.5, 1.0])
    >>> round(float(later - late), 3), round(float(np.log(10) / 2 / 1.3125), 3)
    (0.881, 0.877)
    """
    (fraction, u0, b, tau), d, n = _arguments(s, outputs, inputs, NO_FRACTION, fraction=fraction, u0=u0, b=b, tau=tau)
    _balanced(u0)
    with np.errstate(all="ignore"):
        S, B = _lags.level(d, n, b)
        aim = fraction * (S / B)
        time = tau / (2 * S) * np.log1p((aim - u0) / (u0 * (1 - fraction)))
        time = np.where(aim == u0, 0.0, time)
        return np.where((S > 0) & (time >= 0) & np.isfinite(time), time, np.nan)[()]


def extrapolation_error(
    u: ArrayLike,
    b: ArrayLike,
    s_test: ArrayLike,
    *,
    outputs: Literal["last", "all"] = "last",
    inputs: ArrayLike | None = None,
) -> np.ndarray:
    """The energy tau E of (8) at another length T': 1/2 sum of |s_i - u b^(T'-i)|^2 over i = 1, ..., T'.

    Parameters
    ----------
    u, b : array_like, (...)
        Learned input-output and recurrent mode, real or complex.
    s_test : array_like, (..., T') or (..., T', T')
        What the task asks for at the length T'; lower-triangular where ``outputs="all"``. Real or complex.
    outputs : {"last", "all"}
        As in `input_output_mode`.
    inputs : array_like, (..., T', T'), optional
        Covariance over time of this dimension's input at the length T', as in `modes.energy`.

    Returns
    -------
    float64, (...)
        The leading axes of all arguments, broadcast.

    Raises
    ------
    ValueError
        If `s_test` is not finite, empty or not lower-triangular, `inputs` are not symmetric or have a negative
        eigenvalue, or shapes do not broadcast.
    TypeError
        If an argument does not hold numbers.

    Notes
    -----
    In the book: :doc:`/book/results/stability`.

    Examples
    --------
    What learned to take the mean of 6 inputs takes a sixth of the sum of 12:

    >>> import numpy as np
    >>> from lrnn_helpers import solutions
    >>> round(float(solutions.extrapolation_error(1 / 6, 1.0, np.full(12, 1 / 12))), 4)
    0.0417

    If it is always the same input that comes again, the error in the sum counts, which is 1:

    >>> round(float(solutions.extrapolation_error(1 / 6, 1.0, np.full(12, 1 / 12), inputs=np.ones((12, 12)))), 4)
    0.5
    """
    s = valid.trajectory("s_test", s_test, valid.outputs(outputs))
    u, b = valid.array("u", u, finite=False), valid.array("b", b, finite=False)
    axes = (-1,) if outputs == "last" else (-2, -1)
    shapes = {"u": u.shape, "b": b.shape, "s_test": s.shape[: -len(axes)]}
    if inputs is not None:
        inputs = valid.covariance("inputs", inputs, s.shape[-1])
        shapes["inputs"] = inputs.shape[:-2]
    lead = valid.broadcast(**shapes)
    u, b = np.broadcast_to(u, lead), np.broadcast_to(b, lead)
    with np.errstate(all="ignore"):
        residual = s - _lags.model(u, b, s.shape[-1], outputs)
        if inputs is not None:
            residual, axes = _lags.whitened(residual, outputs, inputs), (-1,)
        return (0.5 * (residual.real**2 + residual.imag**2).sum(axis=axes))[()]


# Why what freezes u, or asks for a fraction of its limit, refuses complex modes.
NOT_ANALYTIC = "a complex b moves together with its conjugate, so that its energy and way are no functions of b alone"
NO_FRACTION = "a complex u is no fraction of its limit on its way there; input_output_mode tells where it is"


def _arguments(s, outputs, inputs, real, **values):
    """The values as arrays of the common leading shape, and what the modes see of the data by lag.

    Modes and data are of one dtype, and complex only where there is no reason that they be `real`.
    """
    s = valid.trajectory("s", s, valid.outputs(outputs))
    arrays = {
        name: valid.positive(name, x)
        if name in ("tau", "window")
        else valid.array(name, x, finite=name in ("t", "fraction"), real=name in ("t", "fraction"))
        for name, x in values.items()
    }
    shapes = {name: x.shape for name, x in arrays.items()}
    shapes["s"] = s.shape[:-1] if outputs == "last" else s.shape[:-2]
    data = {"s": s}
    if inputs is not None:
        data["inputs"] = inputs = valid.covariance("inputs", inputs, s.shape[-1])
        shapes["inputs"] = inputs.shape[:-2]
    found = next((name for name, x in (arrays | data).items() if x.dtype.kind == "c"), None)
    if found and real:
        raise TypeError(f"{found} must be real, got dtype complex128: {real}")
    if found:
        arrays = {name: x if name in ("t", "tau") else x.astype(complex) for name, x in arrays.items()}
    lead = valid.broadcast(**shapes)
    return [np.broadcast_to(x, lead) for x in arrays.values()], *_lags.sums(s, outputs, inputs)


def _balanced(u0):
    if (u0 <= 0).any():
        raise ValueError(
            f"u0 must be > 0, as u = ac with a = c is, got {u0[u0 <= 0].flat[0]}; "
            "for other starts use input_output_mode_unbalanced(t, a0, c0, b, s)"
        )
