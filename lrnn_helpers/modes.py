"""The connectivity modes of one dimension: energy, its gradient flow and descent, its curvature.

A mode of an aligned linear RNN answers an input of lag k = T - i with c b^k a (k = t - i with T outputs), and its
energy is the squared distance to the task dynamics `s`. Everything broadcasts over leading axes and belongs to one
dimension each: nothing sums over alpha. Complex modes are those of rotational dynamics (Appendices N and O).
"""

from __future__ import annotations

import warnings
from typing import Any, NamedTuple

import numpy as np

from lrnn_helpers import _flow, _numba
from lrnn_helpers import _validation as valid


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
    (a, b, c), lags, tau = _arguments(modes, s, tau, outputs)
    total = np.zeros(a.shape)
    with np.errstate(all="ignore"):
        for lag, echo in zip(lags, _echoes(a, b, c), strict=False):
            total = total + _square(lag - echo[..., None]).sum(axis=-1)
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
    (a, b, c), lags, tau = _arguments(modes, s, tau, outputs)
    data, regularization = np.zeros(a.shape), np.zeros(a.shape)
    with np.errstate(all="ignore"):
        for lag, echo in zip(lags, _echoes(a, b, c), strict=False):
            data = data + _square(lag).sum(axis=-1) - 2 * _times(np.conj(lag.sum(axis=-1)), echo).real
            regularization = regularization + lag.shape[-1] * _square(echo)
        return _nan_where(a, b, c, data / (2 * tau)), regularization / (2 * tau)


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
    (a, b, c), lags, tau = _arguments(modes, s, tau, outputs)
    with np.errstate(all="ignore"):
        rates = _ascent(a, b, c, *_sums(lags), times=_times)
        return Modes(*(_nan_where(a, b, c, rate / tau) for rate in rates))


def flow(modes, s, times, tau=1.0, *, outputs="last", rtol=1e-7):
    """Modes along the gradient flow (5)–(7) at the given times; (152)–(155) with T outputs, (182)–(184) if complex.

    Solved by LSODA, which turns to a stiff method where it must, for each dimension on its own. It moves along
    |a|^2 - |c|^2 = const, exactly so in the results, and however small a mode starts or becomes, it keeps its digits,
    down to 1e-40 of its start. Where the sums over the data cancel, at S(b) = 0 with a or c next to 0, rounding leaves
    fewer: then the error is up to 1e-15 of the larger of a and c.

    Parameters
    ----------
    modes : Modes
        The state at time 0.
    s, tau, outputs
        As in `energy`.
    times : array_like, (n,)
        One-dimensional, not empty, >= 0, nondecreasing; in the units of `tau`.
    rtol : float
        How far off a mode may be, as a part of itself, 1e-9 <= rtol < 1. A task that stretches errors, by a saddle that
        is left late, may take more.

    Returns
    -------
    Modes
        Each (..., n). A dimension that starts from NaN or inf is NaN.

    Warns
    -----
    RuntimeWarning
        If no solver reaches the end for some dimensions, which are NaN then: the message names their rows.

    Raises
    ------
    ValueError
        As `energy`, and if `times` is not one-dimensional, empty, negative, decreasing or not finite, or `rtol` is out
        of its range.
    TypeError
        As `energy`, and if `times` is complex.
    """
    (a, b, c), lags, tau = _arguments(modes, s, tau, outputs)
    times = valid.times("times", times)
    rtol = valid.at_least("rtol", rtol, 1e-9)
    if rtol >= 1:
        raise ValueError(f"rtol must be < 1, got {rtol:g}")
    d, n = _sums(lags)
    d, n = np.stack([np.broadcast_to(lag, a.shape) for lag in d], axis=-1), np.array(n, dtype=float)
    out = np.full((3, *a.shape, len(times)), np.nan, dtype=a.dtype)
    lost = []
    with np.errstate(all="ignore"), warnings.catch_warnings():
        warnings.simplefilter("ignore")
        warnings.simplefilter("error", _flow.ODEintWarning)
        for row in np.ndindex(a.shape):
            start = a[row], b[row], c[row]
            if np.isfinite(start).all():
                out[(slice(None), *row)] = _flow.solve(*start, d[row], n, times / tau[row], rtol)
                if np.isnan(out[(slice(None), *row)]).any():
                    lost.append(row)
    if lost:
        rows = ", ".join(map(str, lost[:5])) + (", …" if len(lost) > 5 else "")
        warnings.warn(
            f"no solver reached the end of the flow in {len(lost)} of {a.size} rows, NaN now: {rows}",
            RuntimeWarning,
            stacklevel=2,
        )
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
        Each (...), the last ones; with `record_every` each (..., steps // r + 1), the first being the start. A
        dimension that diverges is NaN from there on.

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
    (a, b, c), lags, eta = _arguments(modes, s, eta, outputs, scale="learning_rate")
    d, n = _sums(lags)
    if compiled and a.dtype.kind == "c":
        raise ValueError("compiled=True needs real modes and s, got complex ones")
    fast = a.dtype.kind != "c" and _numba.wanted(compiled, {})
    advance = _descend_compiled if fast else _descend_numpy
    records = np.empty((3, *a.shape, steps // every + 1), dtype=a.dtype)
    state = np.ascontiguousarray([a, b, c])  # one block, for the compiled steps to change in place
    with np.errstate(all="ignore"):
        for r in range(steps // every + 1):
            if r:
                advance(state, d, n, eta, every)
            # A mode that has left the floats never comes back, so looking only here misses nothing.
            state[:, ~np.isfinite(state).all(axis=0)] = np.nan
            records[..., r] = state
    return Modes(*(x[..., -1].copy()[()] if record_every is None else x for x in records))


def _descend_numpy(state, d, n, eta, steps):
    a, b, c = state
    for _ in range(steps):
        da, db, dc = _ascent(a, b, c, d, n)
        a, b, c = a + eta * da, b + eta * db, c + eta * dc
    state[:] = a, b, c


def _descend_compiled(state, d, n, eta, steps):
    d = np.stack([np.broadcast_to(lag, state.shape[1:]).reshape(-1) for lag in d])
    flat = state.reshape(3, -1)
    _numba.kernels().descend(*flat, d, np.array(n, dtype=float), np.array(eta).reshape(-1), steps)


def hessian(modes, s, *, outputs="last"):
    """Second derivatives of tau E, (8) or (156), in the order (a, b, c); real modes.

    Parameters
    ----------
    modes : Modes
        Real, each (...).
    s, outputs
        As in `energy`, real.

    Returns
    -------
    float64, (..., 3, 3)
        Symmetric.

    Raises
    ------
    ValueError
        As `energy`.
    TypeError
        As `energy`, and if the modes or `s` are complex.
    """
    valid.array("s", s, real=True)
    for name, mode in zip("abc", _three(modes), strict=True):
        valid.array(f"modes.{name}", mode, finite=False, real=True)
    (a, b, c), lags, _ = _arguments(modes, s, 1.0, outputs)
    H = np.zeros((*a.shape, 3, 3))
    power, first, second = np.ones_like(b), np.zeros_like(b), np.zeros_like(b)
    with np.errstate(all="ignore"):
        for k, (d, n) in enumerate(zip(*_sums(lags), strict=True)):
            residual = d - n * _times(_times(c, power), a)
            slopes = _times(c, power), _times(_times(c, first), a), _times(power, a)
            for i, j in np.ndindex(3, 3):
                H[..., i, j] += n * _times(slopes[i], slopes[j])
            bent = _times(_times(c, second), a)
            for i, j, bend in ((0, 1, _times(c, first)), (0, 2, power), (1, 2, _times(first, a)), (1, 1, bent)):
                H[..., i, j] -= _times(residual, bend)
                if i != j:
                    H[..., j, i] -= _times(residual, bend)
            # First and second derivative of b^(k+1), by the product rule: no negative power, so b = 0 is exact.
            power, first, second = power * b, (k + 1) * power, (k + 1) * first
    return _nan_where(*(x[..., None, None] for x in (a, b, c)), H)


def _three(modes):
    if not isinstance(modes, tuple) or len(modes) != 3:
        raise TypeError(f"modes must be Modes(a, b, c), got {modes!r}")
    return modes


def _arguments(modes, s, tau, outputs, *, scale="tau"):
    """Checked modes and tau of the full leading shape and one dtype, and `s` by lag."""
    s = valid.trajectory("s", s, valid.outputs(outputs))
    tau = valid.positive(scale, tau)
    modes = [valid.array(f"modes.{name}", x, finite=False) for name, x in zip("abc", _three(modes), strict=True)]
    axes = s.shape[:-1] if outputs == "last" else s.shape[:-2]
    shapes = {f"modes.{name}": x.shape for name, x in zip("abc", modes, strict=True)}
    lead = valid.broadcast(**shapes, s=axes, **{scale: tau.shape})
    dtype = np.result_type(s, *modes)
    modes = [np.broadcast_to(x, lead).astype(dtype) for x in modes]
    return modes, _by_lag(s, outputs), np.broadcast_to(tau, lead)


def _by_lag(s, outputs):
    """The entries of `s` that c b^k a has to meet, along a last axis, for k = 0, ..., T - 1: one, or a diagonal."""
    T = s.shape[-1]
    if outputs == "last":
        return [s[..., T - 1 - k : T - k] for k in range(T)]
    return [np.diagonal(s, -k, -2, -1) for k in range(T)]


def _sums(lags):
    """What the gradient needs of each lag: the sum of its entries and their number."""
    return [lag.sum(axis=-1) for lag in lags], [lag.shape[-1] for lag in lags]


def _square(z):
    return z.real**2 + z.imag**2 if np.iscomplexobj(z) else z * z


def _times(x, y):
    """The product, where nothing times infinity is nothing: an overflow then stays in the terms that are large."""
    return np.where((x == 0) | (y == 0), 0.0, x * y)


def _nan_where(a, b, c, value):
    """The value, NaN where a mode is."""
    return np.where(np.isnan(a) | np.isnan(b) | np.isnan(c), np.nan, value)[()]


def _echoes(a, b, c):
    """The echoes c b^k a of lag k = 0, 1, ..., without end."""
    power, run = np.ones_like(b), a * c
    while True:
        echo = c * power * a
        yield np.where(np.isfinite(echo), echo, run)  # a power may overflow where its product with ac does not
        power, run = power * b, run * b


def _ascent(a, b, c, d, n, times=np.multiply):
    """Tau times the velocity, from the sums `d` and numbers `n` of each lag."""
    # One lag after the other: a row of a batch is then bit for bit what it is alone.
    conj = np.conj if np.iscomplexobj(a) else lambda x: x
    u, power, last = a * c, np.ones_like(b), None
    level, slope = np.zeros_like(b), np.zeros_like(b)
    for k in range(len(d)):
        residual = d[k] - n[k] * times(u, power)
        level = level + times(conj(power), residual)
        if k:
            slope = slope + times(k * conj(last), residual)
        last, power = power, power * b
    return times(conj(c), level), times(conj(u), slope), times(conj(a), level)
