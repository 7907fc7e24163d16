"""The compiled step of `modes.descend`; imported only where numba is there."""

from __future__ import annotations

import numpy as np
from numba import njit

from lrnn_helpers._jit import OPTIONS

# Modes of one block, and what goes with them: enough to hide the loop, few enough for the nearest cache.
BLOCK = 256


@njit(**OPTIONS)
def steps(a, b, c, d, n, rate, count):
    """So many steps of `modes.descend` on real modes (S,), in place, to the bit what numpy makes of them.

    d (T, S) and n (T,) are the sums and numbers of each lag.
    """
    u, power, last = np.empty(BLOCK), np.empty(BLOCK), np.empty(BLOCK)
    level, slope = np.empty(BLOCK), np.empty(BLOCK)
    for start in range(0, len(a), BLOCK):
        size = min(BLOCK, len(a) - start)
        a_, b_, c_, rate_ = a[start:], b[start:], c[start:], rate[start:]
        for _ in range(count):
            for i in range(size):
                u[i], power[i], last[i], level[i], slope[i] = c_[i] * a_[i], 1.0, 0.0, 0.0, 0.0
            for k in range(len(d)):
                lag, number, data = float(k), n[k], d[k, start:]
                for i in range(size):
                    residual = data[i] - number * (u[i] * power[i])
                    level[i] += power[i] * residual
                    if k:
                        slope[i] += lag * last[i] * residual
                    last[i] = power[i]
                    power[i] *= b_[i]
            for i in range(size):
                da, db, dc = c_[i] * level[i], u[i] * slope[i], a_[i] * level[i]
                a_[i] += rate_[i] * da
                b_[i] += rate_[i] * db
                c_[i] += rate_[i] * dc


@njit(**OPTIONS)
def coloured_steps(a, b, c, d, n, rate, count):
    """The same with a matrix n (T, T, S), where inputs are not white."""
    T = len(d)
    powers, answers = np.empty((T, BLOCK)), np.empty((T, BLOCK))
    u, level, slope, total = np.empty(BLOCK), np.empty(BLOCK), np.empty(BLOCK), np.empty(BLOCK)
    for start in range(0, len(a), BLOCK):
        size = min(BLOCK, len(a) - start)
        a_, b_, c_, rate_ = a[start:], b[start:], c[start:], rate[start:]
        for _ in range(count):
            for i in range(size):
                u[i], powers[0, i], level[i], slope[i] = a_[i] * c_[i], 1.0, 0.0, 0.0
                answers[0, i] = u[i]
            for k in range(1, T):
                for i in range(size):
                    powers[k, i] = powers[k - 1, i] * b_[i]
                    answers[k, i] = u[i] * powers[k, i]
            for k in range(T):
                lag, data = float(k), d[k, start:]
                for i in range(size):
                    total[i] = 0.0
                for j in range(T):
                    row = n[k, j, start:]
                    for i in range(size):
                        total[i] += row[i] * answers[j, i]
                for i in range(size):
                    residual = data[i] - total[i]
                    level[i] += powers[k, i] * residual
                    if k:
                        slope[i] += lag * powers[k - 1, i] * residual
            for i in range(size):
                da, db, dc = c_[i] * level[i], u[i] * slope[i], a_[i] * level[i]
                a_[i] += rate_[i] * da
                b_[i] += rate_[i] * db
                c_[i] += rate_[i] * dc
