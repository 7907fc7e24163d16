"""Closed forms: what one mode does while the other is frozen, and where learning ends (§3.2, §3.3, Appendices C-F, M).

Throughout, S = sum of b^(T-i) s_i and B = sum of b^(2(T-i)); with ``outputs="all"`` T becomes t and both also sum over
t. Leading axes of all arguments broadcast and are independent; times t are among these arguments and add no axis, so
that many times of many modes are ``t[:, None]`` against modes (N,). Modes are real, except in `zero_loss` and
`extrapolation_error`. A mode that is NaN stays in its own row; data, times and tau must be finite.
"""

from __future__ import annotations

import numpy as np

from lrnn_helpers import _lags
from lrnn_helpers import _validation as valid
from lrnn_helpers.solutions import _passage, _riccati, _series


def input_output_mode(t, u0, b, s, tau=1.0, *, outputs="last"):
    """The input-output mode u(t) for a frozen recurrent mode and a = c: (47), with T outputs (157).

    Written so that no exponential grows: u0 / (e^-z + u0 B (1 - e^-z) / S), z = 2 S t / tau, times e^z above and below
    where z < 0. At S = 0 it is u0 / (1 + 2 B u0 t / tau).

    Parameters
    ----------
    t : array_like, (...)
        Time in the units of `tau`. Before 0 the solution may have come from infinity: NaN from there on.
    u0 : array_like, (...)
        u = ac at time 0, > 0.
    b : array_like, (...)
        The frozen recurrent mode.
    s : array_like, (..., T) or (..., T, T)
        Task dynamics, real; ``s[..., t, i]`` lower-triangular where ``outputs="all"``.
    tau : array_like, (...)
        Learning timescale, > 0.
    outputs : {"last", "all"}
        Whether the network answers at the last timestep only or at every one.

    Returns
    -------
    float64, (...)
        The leading axes of all arguments, broadcast.

    Raises
    ------
    ValueError
        If u0 <= 0, tau <= 0, `t` or `s` is not finite, `s` is empty or not lower-triangular, or shapes do not
        broadcast.
    TypeError
        If an argument is complex or does not hold numbers.
    """
    (t, u0, b, tau), d, n = _arguments(s, outputs, t=t, u0=u0, b=b, tau=tau)
    _balanced(u0)
    with np.errstate(all="ignore"):
        S, B = _lags.level(d, n, b)
        z = 2 * S * (t / tau)
        grown = np.sign(t) * -np.expm1(-np.abs(z)) / np.abs(S)
        grown = np.where(np.abs(z) < 1e-8, 2 * (t / tau) * (1 - np.abs(z) / 2), grown)
        below = np.exp(-np.maximum(z, 0)) + u0 * B * grown
        return np.where(below > 0, u0 * np.exp(np.minimum(z, 0)) / below, np.nan)[()]


def input_output_mode_unbalanced(t, a0, c0, b, s, tau=1.0, *, outputs="last"):
    """The input-output mode u(t) = a(t) c(t) for a frozen recurrent mode and any start; not in the paper.

    With w = exp(2 theta), theta' = S - u B, the sums a + c and a - c are (a0 + c0) sqrt(w) and (a0 - c0) / sqrt(w), and
    w solves a Riccati equation with constant coefficients. So a = c, a = -c, zeros and any signs are ordinary cases.

    Parameters
    ----------
    t : array_like, (...)
        Time in the units of `tau`. Before 0 the solution may have come from infinity: NaN from there on.
    a0, c0 : array_like, (...)
        Input and output mode at time 0.
    b, s, tau, outputs
        As in `input_output_mode`.

    Returns
    -------
    float64, (...)
        The leading axes of all arguments, broadcast.

    Raises
    ------
    ValueError, TypeError
        As `input_output_mode`, without the condition on u0.
    """
    (t, a0, c0, b, tau), d, n = _arguments(s, outputs, t=t, a0=a0, c0=c0, b=b, tau=tau)
    with np.errstate(all="ignore"):
        return _riccati.product(t / tau, a0, c0, *_lags.level(d, n, b))[()]


def energy_derivative(n, u, b, s, *, outputs="last"):
    """The derivative d^n(-tau E)/db^n: (49), with T outputs (158), as sums without negative powers.

    Parameters
    ----------
    n : int
        Order, >= 1.
    u, b : array_like, (...)
        The input-output mode u = ac and the recurrent mode.
    s, outputs
        As in `input_output_mode`.

    Returns
    -------
    float64, (...)
        Divided by tau it is the derivative of -E, so for n = 1 it is tau db/dt, (6). 0 where n > 2T - 2.

    Raises
    ------
    ValueError, TypeError
        As `recurrent_series`, of `n`, which is >= 1.
    """
    n = valid.integer("n", n, at_least=1)
    (u, b), d, count = _arguments(s, outputs, u=u, b=b)
    data, regularization = np.zeros(b.shape), np.zeros(b.shape)
    with np.errstate(all="ignore"):
        for k in range(len(count)):
            if k >= n:
                data = data + _series.falling(k, n) * d[..., k] * b ** (k - n)
            if 2 * k >= n:
                regularization = regularization + _series.falling(2 * k, n) * count[k] * b ** (2 * k - n)
        return (u * data - u**2 / 2 * regularization)[()]


def recurrent_series(b0, u, s, order, *, outputs="last"):
    """Coefficients of the Taylor series of b(t) for a frozen input-output mode: b^(n)(0) / n! of (48) and (62)-(67).

    They come from a recursion on power series, about order^2 T operations, not from the sum over partitions.

    Parameters
    ----------
    b0, u : array_like, (...)
        The recurrent mode at time 0 and the frozen input-output mode u = ac.
    s, outputs
        As in `input_output_mode`.
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
    """
    order = valid.integer("order", order, at_least=0)
    (b0, u), d, n = _arguments(s, outputs, b0=b0, u=u)
    with np.errstate(all="ignore"):
        return _series.expand(b0, u[..., None] * _series.drift(d, n, u), order)


def recurrent_mode(t, b0, u, s, tau=1.0, order=5, window=None, *, outputs="last"):
    """The recurrent mode b(t) for a frozen input-output mode, by its Taylor expansion: (58)-(61) for order 5.

    Parameters
    ----------
    t : array_like, (...)
        Time in the units of `tau`; negative t goes back.
    b0, u : array_like, (...)
        The recurrent mode at time 0 and the frozen input-output mode u = ac.
    s, tau, outputs
        As in `input_output_mode`.
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
    """
    order = valid.integer("order", order, at_least=0)
    window = np.abs(valid.array("t", t, real=True)).max(initial=0.0) or 1.0 if window is None else window
    (t, *_), d, n = _arguments(s, outputs, t=t, b0=b0, u=u, tau=tau, window=window)
    # Without the axes of t, a window is expanded once for all the times in it.
    b0, u, tau, window = (np.asarray(x, dtype=float) for x in (b0, u, tau, window))
    out = np.broadcast_to(b0, t.shape)
    with np.errstate(all="ignore"):
        p = u[..., None] * _series.drift(d, n, u)
        for sign in (1, -1):
            start, step = b0, 0
            while ((rest := sign * t - step * window) > 0).any():
                series = _series.expand(start, p, order)
                out = np.where(rest > 0, _series.horner(series, sign * rest / tau), out)
                start, step = _series.horner(series, sign * window / tau), step + 1
    return out.copy()[()]


def recurrent_time(b, b0, u, s, tau=1.0, *, outputs="last"):
    """The exact time at which b(t) = b for a frozen input-output mode, inverse to `recurrent_mode`; not in the paper.

    t = tau sum_j Re[log((b - r_j) / (b0 - r_j)) / P'(r_j)] over the roots r_j of P(b) = d(-tau E)/db; where roots
    (nearly) coincide, the integral of 1 / P instead.

    Parameters
    ----------
    b : array_like, (...)
        The recurrent mode to reach.
    b0, u, s, tau, outputs
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
    """
    (b, b0, tau, _), d, n = _arguments(s, outputs, b=b, b0=b0, tau=tau, u=u)
    u = np.asarray(u, dtype=float)
    with np.errstate(all="ignore"):
        return (tau * _passage.passage(u[..., None] * _series.drift(d, n, u), b0, b))[()]


def convergence_radius(b0, u, s, *, outputs="last"):
    """Radius of convergence of the Taylor series (48) of b(t) for a frozen input-output mode; not in the paper.

    It is the least |t| at which the solution, continued to complex t, is infinite: an integral of db / P from b0 to
    infinity, over a way that the solution really takes. (The least of these integrals over all ways is often that of
    another branch of b, and smaller.)

    Parameters
    ----------
    b0, u, s, outputs
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
    """
    (b0, u), d, n = _arguments(s, outputs, b0=b0, u=u)
    out = np.empty(b0.shape)
    with np.errstate(all="ignore"):
        p = u[..., None] * _series.drift(d, n, u)
        for row in np.ndindex(out.shape):
            out[row] = _passage.radius(p[row], b0[row])
    return out[()]


def zero_loss(s, *, outputs="last"):
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


def learning_time(fraction, u0, b, s, tau=1.0, *, outputs="last"):
    """The time at which u(t) of (47) is a fraction of its limit u* = S / B, for a frozen recurrent mode and a = c.

    t = (tau / 2S) log[f (u* - u0) / (u0 (1 - f))]; not in the paper.

    Parameters
    ----------
    fraction : array_like, (...)
        f; from 0 to 1 for a mode that grows, above 1 for one that starts above u*.
    u0, b, s, tau, outputs
        As in `input_output_mode`.

    Returns
    -------
    float64, (...)
        In the units of `tau`. NaN where u never is f u*, as for S <= 0 or f = 1, or was so before time 0 only.

    Raises
    ------
    ValueError, TypeError
        As `input_output_mode`, and if `fraction` is not finite.
    """
    (fraction, u0, b, tau), d, n = _arguments(s, outputs, fraction=fraction, u0=u0, b=b, tau=tau)
    _balanced(u0)
    with np.errstate(all="ignore"):
        S, B = _lags.level(d, n, b)
        aim = fraction * (S / B)
        time = tau / (2 * S) * np.log1p((aim - u0) / (u0 * (1 - fraction)))
        time = np.where(aim == u0, 0.0, time)
        return np.where((S > 0) & (time >= 0) & np.isfinite(time), time, np.nan)[()]


def extrapolation_error(u, b, s_test, *, outputs="last"):
    """The energy tau E of (8) at another length T': 1/2 sum of |s_i - u b^(T'-i)|^2 over i = 1, ..., T'.

    Parameters
    ----------
    u, b : array_like, (...)
        Learned input-output and recurrent mode, real or complex.
    s_test : array_like, (..., T') or (..., T', T')
        What the task asks for at the length T'; lower-triangular where ``outputs="all"``. Real or complex.
    outputs : {"last", "all"}
        As in `input_output_mode`.

    Returns
    -------
    float64, (...)
        The leading axes of all arguments, broadcast.

    Raises
    ------
    ValueError
        If `s_test` is not finite, empty or not lower-triangular, or shapes do not broadcast.
    TypeError
        If an argument does not hold numbers.
    """
    s = valid.trajectory("s_test", s_test, valid.outputs(outputs))
    u, b = valid.array("u", u, finite=False), valid.array("b", b, finite=False)
    axes = (-1,) if outputs == "last" else (-2, -1)
    lead = valid.broadcast(u=u.shape, b=b.shape, s_test=s.shape[: -len(axes)])
    u, b = np.broadcast_to(u, lead), np.broadcast_to(b, lead)
    with np.errstate(all="ignore"):
        residual = s - _lags.model(u, b, s.shape[-1], outputs)
        return (0.5 * (residual.real**2 + residual.imag**2).sum(axis=axes))[()]


def _arguments(s, outputs, **values):
    """The values as real arrays of the common leading shape, and `s` by lag: its sums and numbers."""
    valid.array("s", s, real=True)
    s = valid.trajectory("s", s, valid.outputs(outputs))
    arrays = {
        name: valid.positive(name, x)
        if name in ("tau", "window")
        else valid.array(name, x, finite=name in ("t", "fraction"), real=True)
        for name, x in values.items()
    }
    axes = s.shape[:-1] if outputs == "last" else s.shape[:-2]
    lead = valid.broadcast(**{name: x.shape for name, x in arrays.items()}, s=axes)
    return [np.broadcast_to(x, lead) for x in arrays.values()], *_lags.sums(s, outputs)


def _balanced(u0):
    if (u0 <= 0).any():
        raise ValueError(
            f"u0 must be > 0, as u = ac with a = c is, got {u0[u0 <= 0].flat[0]}; "
            "for other starts use input_output_mode_unbalanced(t, a0, c0, b, s)"
        )
