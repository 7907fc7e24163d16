"""The connectivity modes of one dimension: energy, its gradient flow and descent, its curvature, its minimum.

A mode of an aligned linear RNN answers an input of lag k = T - i (k = t - i with T outputs) with c b^k a, and its
energy is the squared distance to the task dynamics `s`. Everything broadcasts over leading axes and belongs to one
dimension each: nothing sums over alpha. Complex modes are those of rotational dynamics (Appendices N and O).

The paper's inputs are white. Where a dimension's inputs have a covariance C over time, the same modes have the energy

    tau E = 1/2 (s - m)^H C (s - m),    m_i = c b^(T-i) a,

in which `s` holds the weights that the best linear map gives each input (with white inputs the task dynamics are just
these); with T outputs that is summed over the outputs, each of which sees the inputs up to its own time. Every function
takes C as `inputs`.
"""

from __future__ import annotations

import warnings
from typing import TYPE_CHECKING, Any, Literal, NamedTuple

import numpy as np

from lrnn_helpers import _jit, _lags, _threads
from lrnn_helpers import _validation as valid
from lrnn_helpers.modes import _best, _curvature, _descend

if TYPE_CHECKING:
    from numpy.typing import ArrayLike

RADAU = "lrnn_helpers.modes._radau"

__all__ = [
    "Best",
    "Modes",
    "best",
    "descend",
    "energy",
    "energy_terms",
    "flow",
    "hessian",
    "sharpness",
    "stable_rate",
    "velocity",
]


class Modes(NamedTuple):
    """Connectivity modes of a dimension, or of many along leading axes.

    Attributes
    ----------
    a, b, c : array_like, (...)
        Input, recurrent and output mode; real or complex.

    Examples
    --------
    >>> from lrnn_helpers.modes import Modes
    >>> Modes(a=0.5, b=0.9, c=0.2).u
    0.1
    """

    a: Any
    b: Any
    c: Any

    @property
    def u(self):
        """The input-output mode u = ac."""
        a, c = (np.asarray(x) if isinstance(x, (list, tuple)) else x for x in (self.a, self.c))
        with np.errstate(all="ignore"):
            return a * c


class Best(NamedTuple):
    """The global minimum of tau E over the input-output mode and the recurrent mode, as `best` returns it.

    Attributes
    ----------
    u, b : float64, (...)
        The modes. Where the minimum is only tended to, b = ±inf with u = 0; or u = ±inf with b = 0, where the last
        inputs never vary.
    energy : float64, (...)
        tau E there, or what it tends to.
    """

    u: Any
    b: Any
    energy: Any


def energy(
    modes: Modes,
    s: ArrayLike,
    tau: ArrayLike = 1.0,
    *,
    outputs: Literal["last", "all"] = "last",
    inputs: ArrayLike | None = None,
) -> np.ndarray:
    """Energy (8), with T outputs (156), with complex modes (186): 1/(2 tau) times the sum of |s_i - c b^(T-i) a|^2.

    Parameters
    ----------
    modes : Modes
        Real or complex, each (...). NaN or inf stays in its own row.
    s : array_like, (..., T) or (..., T, T)
        Task dynamics; ``s[..., t, i]`` lower-triangular where ``outputs="all"``. Real or complex. Where `inputs` are
        given, the weights that the best linear map gives each of them.
    tau : array_like, (...)
        Learning timescale, > 0.
    outputs : {"last", "all"}
        Whether the network answers at the last timestep only or at every one.
    inputs : array_like, (..., T, T), optional
        Covariance over time of this dimension's input, symmetric and positive semi-definite. Complex ones are
        Hermitian, entry (i, j) being the mean of x_i* x_j. By default inputs are white: the identity.

    Returns
    -------
    float64, (...)
        One energy a dimension; the leading axes of all arguments, broadcast.

    Raises
    ------
    ValueError
        If `s` is empty, not finite or not lower-triangular, `inputs` are not symmetric or have a negative eigenvalue,
        tau <= 0, or leading axes do not broadcast.
    TypeError
        If an argument does not hold numbers or `tau` is complex.

    Notes
    -----
    In the book: :doc:`/book/results/energy_function`.

    Examples
    --------
    An echo that halves at every step fits the dynamics 1/4, 1/2, 1, and misses others by half the squared distance:

    >>> from lrnn_helpers import modes
    >>> from lrnn_helpers.modes import Modes
    >>> echo = Modes(a=2.0, b=0.5, c=0.5)
    >>> modes.energy(echo, [[0.25, 0.5, 1.0], [0.25, 0.5, 3.0]])
    array([0., 2.])

    Where neighbouring inputs resemble each other, missing them in the same direction costs more:

    >>> C = [[1.0, 0.5], [0.5, 1.0]]
    >>> modes.energy(Modes(1.0, 1.0, 1.0), [[2.0, 2.0], [0.0, 2.0]], inputs=C)
    array([1.5, 0.5])
    """
    (a, b, c), s, tau, inputs = _arguments(modes, s, tau, outputs, inputs)
    with np.errstate(all="ignore"):
        if inputs is not None:
            gap = s - _lags.spread(_answers(a, b, c, s.shape[-1]), outputs)
            return _lags.square(_lags.whitened(gap, outputs, inputs)).sum(axis=-1) / (2 * tau)
        total = np.zeros(a.shape)
        for lag, echo in zip(_lags.entries(s, outputs), _lags.echoes(a, b, c), strict=False):
            total = total + _lags.square(lag - echo[..., None]).sum(axis=-1)
        return total / (2 * tau)


def energy_terms(
    modes: Modes,
    s: ArrayLike,
    tau: ArrayLike = 1.0,
    *,
    outputs: Literal["last", "all"] = "last",
    inputs: ArrayLike | None = None,
) -> tuple[np.ndarray, np.ndarray]:
    """The two terms of the energy (9), with T outputs (159); they add up to it.

    The regularization is a sum of |b|^(2k) instead of the closed ratio, so it is right at b = ±1 too; where `inputs`
    are given it is the same form m^H C m.

    Parameters
    ----------
    modes, s, tau, outputs, inputs
        As in `energy`.

    Returns
    -------
    data_driven, regularization : float64, (...)
        The part that knows the data and the effective regularization.

    Raises
    ------
    ValueError, TypeError
        As `energy`.

    Notes
    -----
    In the book: :doc:`/book/results/energy_function`.

    Examples
    --------
    A mode that remembers more is pushed down harder, whatever the data:

    >>> from lrnn_helpers import modes
    >>> from lrnn_helpers.modes import Modes
    >>> data_driven, regularization = modes.energy_terms(Modes(1.0, [0.0, 0.5, 1.0], 1.0), [1.0, 1.0, 1.0])
    >>> regularization
    array([0.5    , 0.65625, 1.5    ])
    >>> data_driven + regularization
    array([1.     , 0.40625, 0.     ])
    """
    (a, b, c), s, tau, inputs = _arguments(modes, s, tau, outputs, inputs)
    with np.errstate(all="ignore"):
        if inputs is not None:
            model = _lags.whitened(_lags.spread(_answers(a, b, c, s.shape[-1]), outputs), outputs, inputs)
            target = _lags.whitened(s, outputs, inputs)
            data = _lags.square(target).sum(axis=-1) - 2 * (_lags.conj(target) * model).real.sum(axis=-1)
            return data / (2 * tau), _lags.square(model).sum(axis=-1) / (2 * tau)
        data, regularization = np.zeros(a.shape), np.zeros(a.shape)
        for lag, echo in zip(_lags.entries(s, outputs), _lags.echoes(a, b, c), strict=False):
            data = data + _lags.square(lag).sum(axis=-1) - 2 * _lags.times(np.conj(lag.sum(axis=-1)), echo).real
            regularization = regularization + lag.shape[-1] * _lags.square(echo)
        return _lags.nan_where(a, b, c, data / (2 * tau)), regularization / (2 * tau)


def velocity(
    modes: Modes,
    s: ArrayLike,
    tau: ArrayLike = 1.0,
    *,
    outputs: Literal["last", "all"] = "last",
    inputs: ArrayLike | None = None,
) -> Modes:
    """Gradient flow of the modes, d/dt: the right-hand sides of (5)–(7) over tau; (152)–(155) with T outputs.

    With complex modes or data these are the conjugate forms (182)–(184).

    Parameters
    ----------
    modes, s, tau, outputs, inputs
        As in `energy`.

    Returns
    -------
    Modes
        da/dt, db/dt, dc/dt, each (...); complex where the modes, `s` or `inputs` are.

    Raises
    ------
    ValueError, TypeError
        As `energy`.

    Notes
    -----
    In the book: :doc:`/book/results/energy_function`.

    Examples
    --------
    A small network moves a and c long before b:

    >>> from lrnn_helpers import modes
    >>> from lrnn_helpers.modes import Modes
    >>> rate = modes.velocity(Modes(0.1, 0.1, 0.1), [0.25, 0.5, 1.0])
    >>> f"{rate.a:.3f} {rate.b:.3f} {rate.c:.3f}"
    '0.104 0.005 0.104'
    """
    (a, b, c), s, tau, inputs = _arguments(modes, s, tau, outputs, inputs)
    with np.errstate(all="ignore"):
        rates = _descend.ascent(a, b, c, *_by_lag(s, outputs, inputs), times=_lags.times)
        return Modes(*(_lags.nan_where(a, b, c, rate / tau) for rate in rates))


def flow(
    modes: Modes,
    s: ArrayLike,
    times: ArrayLike,
    tau: ArrayLike = 1.0,
    *,
    outputs: Literal["last", "all"] = "last",
    inputs: ArrayLike | None = None,
    rtol: float = 1e-7,
    compiled: bool | None = None,
) -> Modes:
    """Modes along the gradient flow (5)–(7) at the given times; (152)–(155) with T outputs, (182)–(184) if complex.

    Solved for each dimension on its own, with steps of its own, by a method that a stiff task does not slow down: real
    modes by collocation at Radau points, compiled, or else by LSODA. It moves along |a|^2 - |c|^2 = const, exactly so
    in the results, and however small a mode starts or becomes, it keeps its digits, down to 1e-40 of its start. Where
    the sums over the data cancel, at S(b) = 0 with a or c next to 0, rounding leaves fewer: then the error is up to
    1e-15 of the larger of a and c.

    Parameters
    ----------
    modes : Modes
        The state at time 0.
    s, tau, outputs, inputs
        As in `energy`.
    times : array_like, (n,)
        One-dimensional, not empty, >= 0, nondecreasing; in the unit of `tau`.
    rtol : float
        How far off a mode may be, as a part of itself, 1e-9 <= rtol < 1. A task that stretches errors, by a saddle that
        is left late, may take more.
    compiled : bool, optional
        Whether to run compiled by numba, on all cores, for real modes and data only; by default where numba is
        installed. What the compiled solver gives up LSODA takes. Both are as accurate as `rtol` says.

    Returns
    -------
    Modes
        Each (n, ...), the times first. A dimension that starts from NaN or inf is NaN.

    Warns
    -----
    RuntimeWarning
        If no solver reaches the end for some dimensions, which are NaN then: the message names their rows.

    Raises
    ------
    ValueError
        As `energy`, and if `times` is not one-dimensional, empty, negative, decreasing or not finite.
    TypeError
        As `energy`, and if `times` is complex.

    Notes
    -----
    In the book: :doc:`/book/results/energy_function`.

    Examples
    --------
    A small network waits, then learns how much (u), then how long (b):

    >>> from lrnn_helpers import modes
    >>> from lrnn_helpers.modes import Modes
    >>> path = modes.flow(Modes(0.01, 0.01, 0.01), [0.25, 0.5, 1.0], [0.0, 3.0, 6.0, 9.0])
    >>> path.u.round(3), path.b.round(3)
    (array([0.   , 0.04 , 1.001, 1.   ]), array([0.01 , 0.02 , 0.473, 0.5  ]))
    """
    (a, b, c), s, tau, inputs = _arguments(modes, s, tau, outputs, inputs)
    times, rtol = valid.times("times", times), valid.at_least("rtol", rtol, 1e-9)
    if rtol >= 1:
        raise ValueError(f"rtol must be < 1, got {rtol:g}")
    if compiled and a.dtype.kind == "c":
        raise ValueError("compiled=True needs real modes, s and inputs, got complex ones")
    d, n = _lags.sums(s, outputs, inputs)
    d = np.broadcast_to(d, (*a.shape, d.shape[-1]))
    out, left = np.full((3, len(times), *a.shape), np.nan, dtype=a.dtype), np.isfinite(a + b + c)
    if a.dtype.kind != "c" and _jit.wanted(compiled, RADAU, {}):
        left = _by_radau(out, a, b, c, d, n, times, tau, rtol)
    lost = _by_scipy(out, left, a, b, c, d, n, times, tau, rtol) if left.any() else []
    if lost:
        rows = ", ".join(map(str, lost[:5])) + (", …" if len(lost) > 5 else "")
        warnings.warn(
            f"no solver reached the end of the flow in {len(lost)} of {a.size} rows, NaN now: {rows}",
            RuntimeWarning,
            stacklevel=2,
        )
    return Modes(*out)


def descend(
    modes: Modes,
    s: ArrayLike,
    learning_rate: ArrayLike,
    steps: int,
    record_every: int | None = None,
    *,
    outputs: Literal["last", "all"] = "last",
    inputs: ArrayLike | None = None,
    compiled: bool | None = None,
) -> Modes:
    """Gradient descent on tau E: (5)–(7), (152)–(155) or (182)–(184) in steps of the learning rate, all modes at once.

    Parameters
    ----------
    modes : Modes
        The start.
    s, outputs, inputs
        As in `energy`.
    learning_rate : array_like, (...)
        > 0; broadcasts with the leading axes, so one call sweeps it too.
    steps : int
        Number of steps, >= 0.
    record_every : int, optional
        Record the modes after 0, r, 2r, ... steps, r >= 1.
    compiled : bool, optional
        Whether to run compiled by numba, for real modes and data only; by default where numba is installed. The
        results are the same to the last bit.

    Returns
    -------
    Modes
        Each (...), the last ones; with `record_every` each (steps // r + 1, ...), the records first, the start being
        the first of them. A dimension that diverges is NaN from there on.

    Raises
    ------
    ValueError
        As `energy`, and if learning_rate <= 0, steps < 0 or record_every < 1; if complex numbers shall be `compiled`.
    TypeError
        As `energy`, and if a count is not an integer.
    ImportError
        If `compiled` is asked for and numba is not installed.

    Notes
    -----
    In the book: :doc:`/book/results/phase_transitions`.

    Examples
    --------
    >>> from lrnn_helpers import modes
    >>> from lrnn_helpers.modes import Modes
    >>> path = modes.descend(Modes(0.1, 0.1, 0.1), [0.25, 0.5, 1.0], 0.1, steps=60, record_every=20)
    >>> path.u.round(3), path.b.round(3)
    (array([0.01 , 0.392, 1.002, 1.   ]), array([0.1  , 0.212, 0.496, 0.5  ]))
    """
    eta = valid.positive("learning_rate", learning_rate)
    steps = valid.integer("steps", steps, at_least=0)
    every = max(steps, 1) if record_every is None else valid.integer("record_every", record_every, at_least=1)
    (a, b, c), s, eta, inputs = _arguments(modes, s, eta, outputs, inputs, scale="learning_rate")
    d, n = _by_lag(s, outputs, inputs)
    if compiled and a.dtype.kind == "c":
        raise ValueError("compiled=True needs real modes, s and inputs, got complex ones")
    fast = a.dtype.kind != "c" and _jit.wanted(compiled, _descend.COMPILED, {})
    advance = _descend.by_compiled if fast else _descend.by_numpy
    records = np.empty((3, steps // every + 1, *a.shape), dtype=a.dtype)
    state = np.ascontiguousarray([a, b, c])  # one block, for the compiled steps to change in place
    with np.errstate(all="ignore"):
        for r in range(steps // every + 1):
            if r:
                advance(state, d, n, eta, every)
            # A mode that has left the floats never comes back, so looking only here misses nothing.
            state[:, ~np.isfinite(state).all(axis=0)] = np.nan
            records[:, r] = state
    return Modes(*(x[-1].copy()[()] if record_every is None else x for x in records))


def hessian(
    modes: Modes, s: ArrayLike, *, outputs: Literal["last", "all"] = "last", inputs: ArrayLike | None = None
) -> np.ndarray:
    """Second derivatives of tau E, (8), (156) or (186), in the order (a, b, c).

    Parameters
    ----------
    modes : Modes
        Each (...), real or complex.
    s, outputs, inputs
        As in `energy`.

    Returns
    -------
    float64, (..., 3, 3) or (..., 6, 6)
        Symmetric. Where modes, `s` or `inputs` are complex, by the real numbers (Re a, Im a, Re b, Im b, Re c, Im c).

    Raises
    ------
    ValueError, TypeError
        As `energy`.

    Notes
    -----
    In the book: :doc:`/book/results/stability`.

    Examples
    --------
    >>> from lrnn_helpers import modes
    >>> from lrnn_helpers.modes import Modes
    >>> modes.hessian(Modes(2.0, 0.0, 3.0), [5.0])
    array([[9., 0., 7.],
           [0., 0., 0.],
           [7., 0., 4.]])
    """
    (a, b, c), s, _, inputs = _arguments(modes, s, 1.0, outputs, inputs)
    with np.errstate(all="ignore"):
        return _curvature.hessian(a, b, c, *_by_lag(s, outputs, inputs))


def sharpness(
    modes: Modes, s: ArrayLike, *, outputs: Literal["last", "all"] = "last", inputs: ArrayLike | None = None
) -> np.ndarray:
    """The largest eigenvalue of `hessian`: how steeply tau E rises in the direction in which it curves most.

    Parameters
    ----------
    modes, s, outputs, inputs
        As in `energy`.

    Returns
    -------
    float64, (...)
        Negative only where tau E curves downwards in every direction. NaN for modes that have left the floats.

    Raises
    ------
    ValueError, TypeError
        As `energy`.

    Notes
    -----
    In the book: :doc:`/book/results/stability`.

    Examples
    --------
    The same integrator is thirty times as sharp over 10 steps as over 3:

    >>> from lrnn_helpers import modes
    >>> from lrnn_helpers.modes import Modes
    >>> [round(float(modes.sharpness(Modes(1.0, 1.0, 1.0), [1.0] * T)), 1) for T in (3, 10)]
    [9.8, 299.5]
    """
    return _curvature.largest_eigenvalue(hessian(modes, s, outputs=outputs, inputs=inputs))[()]


def stable_rate(
    modes: Modes, s: ArrayLike, *, outputs: Literal["last", "all"] = "last", inputs: ArrayLike | None = None
) -> np.ndarray:
    """The learning rate above which descent leaves a minimum, 2 over `sharpness`.

    Parameters
    ----------
    modes, s, outputs, inputs
        As in `energy`.

    Returns
    -------
    float64, (...)
        inf where the sharpness is not positive; NaN for modes that have left the floats.

    Raises
    ------
    ValueError, TypeError
        As `energy`.

    Notes
    -----
    In the book: :doc:`/book/results/stability`.

    Examples
    --------
    >>> from lrnn_helpers import modes
    >>> from lrnn_helpers.modes import Modes
    >>> s, end = [1.0] * 10, Modes(1.0, 1.0, 1.0)
    >>> rate = modes.stable_rate(end, s)
    >>> start = Modes(1.0, 1.001, 1.0)
    >>> ends = [modes.descend(start, s, factor * rate, 1000) for factor in (0.95, 1.05)]
    >>> [bool(abs(m.b - 1) < 1e-9) for m in ends]
    [True, False]
    """
    curvature = np.asarray(sharpness(modes, s, outputs=outputs, inputs=inputs))
    with np.errstate(all="ignore"):
        return np.where(curvature <= 0, np.inf, 2 / curvature)[()]


def best(s: ArrayLike, *, outputs: Literal["last", "all"] = "last", inputs: ArrayLike | None = None) -> Best:
    """The global minimum of tau E, (8) or (156), over u = ac and b: what the best single mode makes of the task.

    Of all stationary points, which are roots of a polynomial, and of infinity it is the least. Of points that are
    equally good (to rounding) the one of the smallest |b| is taken, and of b and -b the positive one, so that b = 0
    where it is free (T = 1, or s = 0).

    Parameters
    ----------
    s : array_like, (..., T) or (..., T, T)
        Task dynamics, real.
    outputs
        As in `energy`.
    inputs : array_like, (..., T, T), optional
        As in `energy`, real.

    Returns
    -------
    Best
        u, b and tau E, each (...). b is ±inf, and u 0, where the infimum is only tended to, or where u leaves the
        floats before it is reached.

    Raises
    ------
    ValueError
        As `energy`.
    TypeError
        As `energy`, and if `s` is complex: over complex b the stationary points are not the roots of one polynomial, so
        that no search could promise to have seen them all.

    Notes
    -----
    In the book: :doc:`/book/appendices/f_zero_loss`.

    Examples
    --------
    No echo repeats the last input but one; the best ones leave two thirds of the loss:

    >>> from lrnn_helpers import modes
    >>> u, b, energy = modes.best([0.0, 1.0, 0.0])
    >>> print(f"u = {u:.3f}, b = {b:.3f}, {energy / 0.5:.3f} of the loss")
    u = 0.333, b = 1.000, 0.667 of the loss

    The first input alone is reached only as b goes to infinity:

    >>> print(*modes.best([1.0, 0.0, 0.0]))
    0.0 inf 0.0
    """
    s = valid.trajectory("s", s, valid.outputs(outputs))
    if s.dtype.kind == "c":
        raise TypeError(
            "s must be real for best, got dtype complex128: "
            "over complex b the stationary points are not the roots of one polynomial"
        )
    data, lead = (1, s.shape[:-1]) if outputs == "last" else (2, s.shape[:-2])
    if inputs is not None:
        inputs = valid.covariance("inputs", inputs, s.shape[-1], real=True)
        lead = valid.broadcast(s=lead, inputs=inputs.shape[:-2])
        if inputs.ndim > 2:
            inputs = np.broadcast_to(inputs, (*lead, *inputs.shape[-2:])).reshape(-1, *inputs.shape[-2:])
    rows = np.broadcast_to(s, (*lead, *s.shape[-data:])).reshape(-1, *s.shape[-data:])
    with np.errstate(all="ignore"):
        u, b, answers = _best.least(rows, outputs, inputs)
        gap = rows - _lags.spread(answers, outputs)
        gap = gap if inputs is None else _lags.whitened(gap, outputs, inputs)
    rest = 0.5 * (gap * gap).reshape(len(rows), gap[0].size if len(gap) else 1).sum(axis=-1)
    return Best(*(x.reshape(lead)[()] for x in (u, b, rest)))


def _by_radau(out, a, b, c, d, n, times, tau, rtol):
    """Fill `out` by the compiled solver; which rows are left."""
    radau, S, T = _jit.compiled(RADAU), a.size, d.shape[-1]
    flat = [np.ascontiguousarray(x, dtype=float).reshape(-1) for x in (a, b, c, tau)]
    white = n.ndim == 1
    matrix = np.empty((S, 0, 0)) if white else np.ascontiguousarray(np.broadcast_to(n, (*a.shape, T, T)), dtype=float)
    matrix = matrix if white else matrix.reshape(S, T, T)
    n, d = n.astype(float) if white else np.empty(0), np.ascontiguousarray(d, dtype=float).reshape(S, T)
    got, solved = np.full((S, 3, len(times)), np.nan), np.zeros(S, dtype=bool)
    eps = max(radau.SHARE * rtol, radau.LEAST)

    def part(rows):
        a, b, c, tau = (x[rows] for x in flat)
        radau.rows(a, b, c, d[rows], n, matrix[rows], times, tau, eps, got[rows], solved[rows])

    if S:
        _threads.over(part, S)
    out[:] = np.moveaxis(got, 0, -1).reshape(out.shape)
    return ~solved.reshape(a.shape)


def _by_scipy(out, left, a, b, c, d, n, times, tau, rtol):
    """Fill those rows of `out` that are `left`; the list of those that no solver brings to the end."""
    from lrnn_helpers.modes import _flow  # scipy's integrators take a quarter of a second to load

    n, lost = np.broadcast_to(n, (*a.shape, *n.shape[-1 if n.ndim == 1 else -2 :])), []
    with np.errstate(all="ignore"), warnings.catch_warnings():
        warnings.simplefilter("ignore")
        warnings.simplefilter("error", _flow.ODEintWarning)
        for row in zip(*(x.tolist() for x in np.nonzero(left)), strict=True) if left.ndim else [()]:
            one = _flow.solve(a[row], b[row], c[row], d[row], n[row], times / tau[row], rtol)
            out[(slice(None), slice(None), *row)] = one
            if np.isnan(one).any():
                lost.append(row)
    return lost


def _arguments(modes, s, tau, outputs, inputs, *, scale="tau"):
    """Checked modes and tau of the full leading shape and one dtype, and checked `s` and `inputs`."""
    s = valid.trajectory("s", s, valid.outputs(outputs))
    tau = valid.positive(scale, tau)
    modes = valid.modes(modes)
    shapes = {f"modes.{name}": x.shape for name, x in zip("abc", modes, strict=True)}
    shapes["s"] = s.shape[:-1] if outputs == "last" else s.shape[:-2]
    dtype = np.result_type(s, *modes)
    if inputs is not None:
        inputs = valid.covariance("inputs", inputs, s.shape[-1])
        shapes["inputs"], dtype = inputs.shape[:-2], np.result_type(inputs, dtype)
    lead = valid.broadcast(**shapes, **{scale: tau.shape})
    modes = [np.broadcast_to(x, lead).astype(dtype) for x in modes]
    return modes, s, np.broadcast_to(tau, lead), inputs


def _answers(a, b, c, T):
    """The echoes of lag 0, ..., T - 1 along a last axis."""
    return np.stack([echo for _, echo in zip(range(T), _lags.echoes(a, b, c), strict=False)], axis=-1)


def _by_lag(s, outputs, inputs):
    """What the gradient needs of the data, lags first."""
    d, n = _lags.sums(s, outputs, inputs)
    return np.moveaxis(d, -1, 0), n if inputs is None else np.moveaxis(n, (-2, -1), (0, 1))
