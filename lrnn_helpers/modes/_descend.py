"""The right-hand sides of (5)-(7), and gradient descent along them: by numpy, the reference, and compiled."""

from __future__ import annotations

import numpy as np

from lrnn_helpers import _jit, _lags, _threads

COMPILED = "lrnn_helpers.modes._compiled"
# Steps of modes for which it pays to start a thread.
WORTH = 200_000


def ascent(a, b, c, d, n, times=np.multiply):
    """Tau times the velocity, from what the modes see of the data, lags first."""
    # One lag after the other: a row of a batch is then bit for bit what it is alone.
    conj = _lags.conj
    u, power = a * c, _lags.powers(b, len(d))
    answers = _lags.weigh(n, [times(u, x) for x in power])
    level, slope = np.zeros_like(b), np.zeros_like(b)
    for k in range(len(d)):
        residual = d[k] - answers[k]
        level = level + times(conj(power[k]), residual)
        if k:
            slope = slope + times(k * conj(power[k - 1]), residual)
    return times(conj(c), level), times(conj(u), slope), times(conj(a), level)


def by_numpy(state, d, n, eta, steps):
    """So many steps, in place; `state` is (3, ...)."""
    a, b, c = state
    for _ in range(steps):
        da, db, dc = ascent(a, b, c, d, n)
        a, b, c = a + eta * da, b + eta * db, c + eta * dc
    state[:] = a, b, c


def by_compiled(state, d, n, eta, steps):
    """The same to the last bit, for real modes."""
    shape, steps_of = state.shape[1:], _jit.compiled(COMPILED)
    data = np.stack([np.broadcast_to(lag, shape).reshape(-1) for lag in d])
    flat, eta = state.reshape(3, -1), np.array(eta).reshape(-1)
    if n.ndim == 1:
        advance, n = steps_of.steps, np.array(n, dtype=float)
    else:
        n = np.broadcast_to(_lags.over(n, len(shape)), (*n.shape[:2], *shape)).reshape(*n.shape[:2], -1)
        advance, n = steps_of.coloured_steps, np.array(n)

    def part(rows):
        advance(*flat, data, n, eta, steps, rows.start, rows.stop)

    # A thread is worth starting for some milliseconds of work.
    _threads.over(part, len(eta), steps_of.BLOCK, least=1 + WORTH // (steps_of.BLOCK * max(steps, 1)))
