"""The right-hand sides of (5)-(7), and gradient descent along them: by numpy, the reference, and compiled."""

from __future__ import annotations

import numpy as np

from lrnn_helpers import _jit

COMPILED = "lrnn_helpers.modes._compiled"


def ascent(a, b, c, d, n):
    """Tau times the velocity, from the sums `d` and numbers `n` of each lag."""
    # One lag after the other: a row of a batch is then bit for bit what it is alone.
    conj = np.conj if np.iscomplexobj(a) else lambda x: x
    u, power, last = a * c, np.ones_like(b), None
    level, slope = np.zeros_like(b), np.zeros_like(b)
    for k in range(len(d)):
        residual = d[k] - n[k] * (u * power)
        level = level + conj(power) * residual
        if k:
            slope = slope + k * conj(last) * residual
        last, power = power, power * b
    return conj(c) * level, conj(u) * slope, conj(a) * level


def by_numpy(state, d, n, eta, steps):
    """So many steps, in place; `state` is (3, ...)."""
    a, b, c = state
    for _ in range(steps):
        da, db, dc = ascent(a, b, c, d, n)
        a, b, c = a + eta * da, b + eta * db, c + eta * dc
    state[:] = a, b, c


def by_compiled(state, d, n, eta, steps):
    """The same to the last bit, for real modes."""
    d = np.stack([np.broadcast_to(lag, state.shape[1:]).reshape(-1) for lag in d])
    flat = state.reshape(3, -1)
    _jit.compiled(COMPILED).steps(*flat, d, np.array(n, dtype=float), np.array(eta).reshape(-1), steps)
