"""The compiled step of `modes.descend`; imported only where numba is there."""

from __future__ import annotations

from numba import njit

from lrnn_helpers._jit import OPTIONS
from lrnn_helpers._lanes import LANES, aligned, every, load, store


@njit(nogil=True, **OPTIONS)
def steps(state, d, n, matrix, rate, count, first, end):
    """So many steps of `modes.descend` on real modes first … end - 1 of (3, S), in place, to the bit what numpy makes.

    d (T, S) and n (T,) are the sums and numbers of each lag, rate is (1, S); n has no entries where it is 1
    throughout. Where inputs are not white, matrix is (T·T, S), and has no rows otherwise. LANES modes go to the end
    before the next ones.
    """
    T = len(d)
    abc, pace, seen = aligned(len(state) * LANES), aligned(len(rate) * LANES), aligned(len(matrix) * LANES)
    data, answers, residuals = aligned(T * LANES), aligned(T * LANES), aligned(T * LANES)
    for start in range(first, end, LANES):
        size = min(LANES, end - start)
        _gather(state, start, size, abc)
        _gather(rate, start, size, pace)
        _gather(d, start, size, data)
        _gather(matrix, start, size, seen)
        a, b, c, eta = load(abc, 0), load(abc, LANES), load(abc, 2 * LANES), load(pace, 0)
        for _ in range(count):
            u = a * c
            answer = u
            if len(matrix):
                for k in range(T):
                    store(answers, k * LANES, answer)
                    answer = answer * b
                for k in range(T):
                    total = every(0.0)
                    for j in range(T):
                        total = total + load(seen, (k * T + j) * LANES) * load(answers, j * LANES)
                    store(residuals, k * LANES, load(data, k * LANES) - total)
            elif len(n):
                for k in range(T):
                    store(residuals, k * LANES, load(data, k * LANES) - every(n[k]) * answer)
                    answer = answer * b
            else:
                for k in range(T):
                    store(residuals, k * LANES, load(data, k * LANES) - answer)
                    answer = answer * b
            level, slope = load(residuals, (T - 1) * LANES), every(0.0)
            for k in range(T - 2, -1, -1):
                slope = slope * b + level
                level = level * b + load(residuals, k * LANES)
            da, db, dc = c * level, u * slope, a * level
            a, b, c = a + eta * da, b + eta * db, c + eta * dc
        store(abc, 0, a)
        store(abc, LANES, b)
        store(abc, 2 * LANES, c)
        for i in range(3):
            for lane in range(size):
                state[i, start + lane] = abc[i * LANES + lane]


@njit(**OPTIONS)
def _gather(rows, start, size, out):
    """So many columns of (·, S), from `start`, one row after the other in LANES."""
    for i in range(len(rows)):
        for lane in range(LANES):
            out[i * LANES + lane] = rows[i, start + lane] if lane < size else 0.0
