"""The right-hand sides of (5)-(7), and gradient descent along them: by numpy, the reference, and compiled."""

from __future__ import annotations

import numpy as np

from lrnn_helpers import _jit, _lags, _threads

COMPILED = "lrnn_helpers.modes._compiled"
# Steps of modes for which it pays to start a thread.
WORTH = 500_000


def ascent(a, b, c, d, n, times=np.multiply):
    """Tau times the velocity, from what the modes see of the data, lags first."""
    # One lag after the other: a row of a batch is then bit for bit what it is alone.
    conj = _lags.conj
    u = a * c
    answers = [u]
    for _ in range(len(d) - 1):
        answers.append(times(answers[-1], b))
    # The sums of b^k r_k and of k b^(k-1) r_k by Horner's rule. Each residual is one difference: sums over the data
    # and over the answers apart would lose half the digits near zero loss.
    residuals = [data - answer for data, answer in zip(d, _lags.weigh(n, answers), strict=True)]
    level, slope, across = residuals.pop(), np.zeros_like(b), conj(b)
    for residual in reversed(residuals):
        slope = times(slope, across) + level
        level = times(level, across) + residual
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
    shape, compiled = state.shape[1:], _jit.compiled(COMPILED)
    data = np.stack([np.broadcast_to(lag, shape).reshape(-1) for lag in d])
    flat, eta = state.reshape(3, -1), np.array(eta).reshape(1, -1)
    matrix = np.empty((0, flat.shape[1]))
    if n.ndim > 1:
        matrix = np.array(np.broadcast_to(_lags.over(n, len(shape)), (*n.shape[:2], *shape))).reshape(len(d) ** 2, -1)
    numbers = np.array(n if n.ndim == 1 and (n != 1).any() else (), dtype=float)

    def part(rows):
        compiled.steps(flat, data, numbers, matrix, eta, steps, rows.start, rows.stop)

    # A thread is worth starting for some milliseconds of work.
    _threads.over(part, eta.size, compiled.LANES, least=1 + WORTH // (compiled.LANES * max(steps, 1)))
