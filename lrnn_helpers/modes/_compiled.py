"""The compiled step of `modes.descend`; imported only where numba is there."""

from __future__ import annotations

import numpy as np
from numba import njit

from lrnn_helpers._jit import OPTIONS

# Modes of one block, and what goes with them: enough to hide the loop, few enough for the nearest cache.
BLOCK = 256


@njit(nogil=True, **OPTIONS)
def steps(a, b, c, d, n, rate, count, first, end):
    """So many steps of `modes.descend` on real modes first … end - 1 of (S,), in place, to the bit what numpy makes.

    d (T, S) and n (T,) are the sums and numbers of each lag. Four lags go through the registers at once.
    """
    u, power, last = np.empty(BLOCK), np.empty(BLOCK), np.empty(BLOCK)
    level, slope = np.empty(BLOCK), np.empty(BLOCK)
    for start in range(first, end, BLOCK):
        size = min(BLOCK, end - start)
        a_, b_, c_, rate_ = a[start:], b[start:], c[start:], rate[start:]
        for _ in range(count):
            for i in range(size):
                u[i], power[i], last[i], level[i], slope[i] = c_[i] * a_[i], 1.0, 0.0, 0.0, 0.0
            for k in range(0, len(d) - 3, 4):
                k0, k1, k2, k3 = float(k), k + 1.0, k + 2.0, k + 3.0
                n0, n1, n2, n3 = n[k], n[k + 1], n[k + 2], n[k + 3]
                d0, d1, d2, d3 = d[k, start:], d[k + 1, start:], d[k + 2, start:], d[k + 3, start:]
                for i in range(size):
                    p0, v, w = power[i], u[i], b_[i]
                    p1 = p0 * w
                    p2 = p1 * w
                    p3 = p2 * w
                    r0, r1 = d0[i] - n0 * (v * p0), d1[i] - n1 * (v * p1)
                    r2, r3 = d2[i] - n2 * (v * p2), d3[i] - n3 * (v * p3)
                    level[i] = (((level[i] + p0 * r0) + p1 * r1) + p2 * r2) + p3 * r3
                    low = (slope[i] + k0 * last[i] * r0) + k1 * p0 * r1
                    slope[i] = (low + k2 * p1 * r2) + k3 * p2 * r3
                    last[i], power[i] = p3, p3 * w
            for k in range(len(d) // 4 * 4, len(d)):
                lag, number, data = float(k), n[k], d[k, start:]
                for i in range(size):
                    residual = data[i] - number * (u[i] * power[i])
                    level[i] += power[i] * residual
                    slope[i] += lag * last[i] * residual
                    last[i] = power[i]
                    power[i] *= b_[i]
            for i in range(size):
                da, db, dc = c_[i] * level[i], u[i] * slope[i], a_[i] * level[i]
                a_[i] += rate_[i] * da
                b_[i] += rate_[i] * db
                c_[i] += rate_[i] * dc


@njit(nogil=True, **OPTIONS)
def coloured_steps(a, b, c, d, n, rate, count, first, end):
    """The same with a matrix n (T, T, S), where inputs are not white."""
    T = len(d)
    powers, answers = np.empty((T, BLOCK)), np.empty((T, BLOCK))
    u, level, slope, total = np.empty(BLOCK), np.empty(BLOCK), np.empty(BLOCK), np.empty(BLOCK)
    for start in range(first, end, BLOCK):
        size = min(BLOCK, end - start)
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
