"""The connectivity modes of one dimension: energy, its gradient flow and descent, its curvature.

A mode of an aligned linear RNN answers an input of lag k = T - i with c b^k a (k = t - i with T outputs), and its
energy is the squared distance to the task dynamics `s`. Everything broadcasts over leading axes and belongs to one
dimension each: nothing sums over alpha. Complex modes are those of rotational dynamics (Appendices N and O).
"""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np

from lrnn_helpers import _jit, _lags
from lrnn_helpers import _validation as valid
from lrnn_helpers.modes import _best, _curvature, _descend


class Modes(NamedTuple):
    """Connectivity modes of a dimension, or of many along leading axes.

    Attributes
    ----------
    a, b, c : array_like, (...)
        Input, recurrent and output mode; real or complex.
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
    """The global minimum of tau E over the input-output mode and the recurrent mode.

    Attributes
    ----------
    u, b : float64, (...)
        The modes; b = ±inf where the infimum is only tended to, u being 0 then.
    energy : float64, (...)
        tau E there, or what it tends to.
    """

    u: Any
    b: Any
    energy: Any


def energy(modes, s, tau=1.0, *, outputs="last"):
    """Energy (8), with T outputs (156), with complex modes (186): 1/(2 tau) times the sum of |s_i - c b^(T-i) a|^2.

    Parameters
    ----------
    modes : Modes
        Real or complex, each (...). NaN or inf stays in its own row.
    s : array_like, (..., T) or (..., T, T)
        Task dynamics; ``s[..., t, i]`` lower-triangular where ``outputs="all"``. Real or complex.
    tau : array_like, (...)
        Learning timescale, > 0.
    outputs : {"last", "all"}
        Whether the network answers at the last timestep only or at every one.

    Returns
    -------
    float64, (...)
        One energy a dimension; the leading axes of all arguments, broadcast.

    Raises
    ------
    ValueError
        If `s` is empty, not finite or not lower-triangular, tau <= 0, or leading axes do not broadcast.
    TypeError
        If an argument does not hold numbers or `tau` is complex.
    """
    (a, b, c), s, tau = _arguments(modes, s, tau, outputs)
    total, power = np.zeros(a.shape), np.ones_like(b)
    with np.errstate(all="ignore"):
        for lag in _lags.entries(s, outputs):
            total = total + _square(lag - (c * power * a)[..., None]).sum(axis=-1)
            power = power * b
        return total / (2 * tau)


def energy_terms(modes, s, tau=1.0, *, outputs="last"):
    """The two terms of the energy (9), with T outputs (159); they add up to it.

    The regularization is a sum of |b|^(2k) instead of the closed ratio, so it is right at b = ±1 too.

    Parameters
    ----------
    modes, s, tau, outputs
        As in `energy`.

    Returns
    -------
    data_driven, regularization : float64, (...)
        The part that knows the data and the effective regularization.

    Raises
    ------
    ValueError, TypeError
        As `energy`.
    """
    (a, b, c), s, tau = _arguments(modes, s, tau, outputs)
    data, regularization, power = np.zeros(a.shape), np.zeros(a.shape), np.ones_like(b)
    with np.errstate(all="ignore"):
        for lag in _lags.entries(s, outputs):
            model = c * power * a
            data = data + _square(lag).sum(axis=-1) - 2 * (np.conj(lag.sum(axis=-1)) * model).real
            regularization = regularization + lag.shape[-1] * _square(model)
            power = power * b
        return data / (2 * tau), regularization / (2 * tau)


def velocity(modes, s, tau=1.0, *, outputs="last"):
    """Gradient flow of the modes, d/dt: the right-hand sides of (5)–(7) over tau; (152)–(155) with T outputs.

    With complex modes or data these are the conjugate forms (182)–(184).

    Parameters
    ----------
    modes, s, tau, outputs
        As in `energy`.

    Returns
    -------
    Modes
        da/dt, db/dt, dc/dt, each (...); complex where the modes or `s` are.

    Raises
    ------
    ValueError, TypeError
        As `energy`.
    """
    (a, b, c), s, tau = _arguments(modes, s, tau, outputs)
    with np.errstate(all="ignore"):
        return Modes(*(rate / tau for rate in _descend.ascent(a, b, c, *_by_lag(s, outputs))))


def flow(modes, s, times, tau=1.0, *, outputs="last"):
    """Modes along the gradient flow (5)–(7) at the given times; (152)–(155) with T outputs, (182)–(184) if complex.

    Solved by LSODA, which turns to a stiff method where it must, for each dimension on its own; accurate to 1e-7.
    It moves along |a|^2 - |c|^2 = const, exactly so in the results, and however small a mode starts or becomes, it
    keeps its digits.

    Parameters
    ----------
    modes : Modes
        The state at time 0.
    s, tau, outputs
        As in `energy`.
    times : array_like, (n,)
        One-dimensional, not empty, >= 0, nondecreasing; in the units of `tau`.

    Returns
    -------
    Modes
        Each (n, ...), the times first. A dimension that starts from NaN or inf is NaN; one whose solver gives up is
        NaN at all times.

    Raises
    ------
    ValueError
        As `energy`, and if `times` is not one-dimensional, empty, negative, decreasing or not finite.
    TypeError
        As `energy`, and if `times` is complex.
    """
    (a, b, c), s, tau = _arguments(modes, s, tau, outputs)
    from lrnn_helpers.modes import _flow  # scipy's integrators take a quarter of a second to load

    times = valid.times("times", times)
    d, n = _lags.sums(s, outputs)
    d = np.broadcast_to(d, (*a.shape, len(n)))
    out = np.full((3, len(times), *a.shape), np.nan, dtype=a.dtype)
    with np.errstate(all="ignore"):
        for row in np.ndindex(a.shape):
            start = a[row], b[row], c[row]
            if np.isfinite(start).all():
                out[(slice(None), slice(None), *row)] = _flow.solve(*start, d[row], n, times / tau[row])
    return Modes(*out)


def descend(modes, s, learning_rate, steps, record_every=None, *, outputs="last", compiled=None):
    """Gradient descent on tau E: (5)–(7), (152)–(155) or (182)–(184) in steps of the learning rate, all modes at once.

    Parameters
    ----------
    modes : Modes
        The start.
    s, outputs
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
    """
    eta = valid.positive("learning_rate", learning_rate)
    steps = valid.integer("steps", steps, at_least=0)
    every = max(steps, 1) if record_every is None else valid.integer("record_every", record_every, at_least=1)
    (a, b, c), s, eta = _arguments(modes, s, eta, outputs, scale="learning_rate")
    d, n = _by_lag(s, outputs)
    if compiled and a.dtype.kind == "c":
        raise ValueError("compiled=True needs real modes and s, got complex ones")
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


def hessian(modes, s, *, outputs="last"):
    """Second derivatives of tau E, (8), (156) or (186), in the order (a, b, c).

    Parameters
    ----------
    modes : Modes
        Each (...), real or complex.
    s, outputs
        As in `energy`.

    Returns
    -------
    float64, (..., 3, 3) or (..., 6, 6)
        Symmetric. Where modes or `s` are complex, by the real numbers (Re a, Im a, Re b, Im b, Re c, Im c).

    Raises
    ------
    ValueError, TypeError
        As `energy`.
    """
    (a, b, c), s, _ = _arguments(modes, s, 1.0, outputs)
    with np.errstate(all="ignore"):
        return _curvature.hessian(a, b, c, *_by_lag(s, outputs))


def sharpness(modes, s, *, outputs="last"):
    """The largest eigenvalue of `hessian`: how steeply tau E rises in the direction in which it curves most.

    Parameters
    ----------
    modes, s, outputs
        As in `hessian`.

    Returns
    -------
    float64, (...)
        Negative only where tau E curves downwards in every direction. NaN for modes that have left the floats.

    Raises
    ------
    ValueError, TypeError
        As `energy`.
    """
    return _curvature.largest_eigenvalue(hessian(modes, s, outputs=outputs))[()]


def stable_rate(modes, s, *, outputs="last"):
    """The learning rate above which descent leaves a minimum, 2 over `sharpness`.

    Parameters
    ----------
    modes, s, outputs
        As in `hessian`.

    Returns
    -------
    float64, (...)
        inf where the sharpness is not positive; NaN for modes that have left the floats.

    Raises
    ------
    ValueError, TypeError
        As `energy`.
    """
    curvature = np.asarray(sharpness(modes, s, outputs=outputs))
    with np.errstate(all="ignore"):
        return np.where(curvature <= 0, np.inf, 2 / curvature)[()]


def best(s, *, outputs="last"):
    """The global minimum of tau E, (8) or (156), over u = ac and b: what the best single mode makes of the task.

    Parameters
    ----------
    s : array_like, (..., T) or (..., T, T)
        Task dynamics, real.
    outputs
        As in `energy`.

    Returns
    -------
    Best
        u, b and tau E, each (...).

    Raises
    ------
    ValueError
        As `energy`.
    TypeError
        As `energy`, and if `s` is complex: over complex b the stationary points are not the roots of one polynomial, so
        that no search could promise to have seen them all.
    """
    s = valid.trajectory("s", s, valid.outputs(outputs))
    if s.dtype.kind == "c":
        raise TypeError(
            "s must be real for best, got dtype complex128: "
            "over complex b the stationary points are not the roots of one polynomial"
        )
    data = 1 if outputs == "last" else 2
    rows = s.reshape(-1, *s.shape[-data:])
    with np.errstate(all="ignore"):
        u, b, answers = _best.least(rows, outputs, None)
        gap = rows - _lags.spread(answers, outputs)
    energy = 0.5 * (gap * gap).reshape(len(rows), -1).sum(axis=-1)
    return Best(*(x.reshape(s.shape[:-data])[()] for x in (u, b, energy)))


def _arguments(modes, s, tau, outputs, *, scale="tau"):
    """Checked modes and tau of the full leading shape and one dtype, and checked `s`."""
    s = valid.trajectory("s", s, valid.outputs(outputs))
    tau = valid.positive(scale, tau)
    modes = valid.modes(modes)
    axes = s.shape[:-1] if outputs == "last" else s.shape[:-2]
    shapes = {f"modes.{name}": x.shape for name, x in zip("abc", modes, strict=True)}
    lead = valid.broadcast(**shapes, s=axes, **{scale: tau.shape})
    dtype = np.result_type(s, *modes)
    modes = [np.broadcast_to(x, lead).astype(dtype) for x in modes]
    return modes, s, np.broadcast_to(tau, lead)


def _by_lag(s, outputs):
    """What the gradient needs of each lag: the sum of its entries, lags first, and their number."""
    d, n = _lags.sums(s, outputs)
    return np.moveaxis(d, -1, 0), n


def _square(z):
    return z.real**2 + z.imag**2 if np.iscomplexobj(z) else z * z
