"""Compiled gradient descent of wide networks with few channels, one by one; imported only where numba is there.

W_h is read once a lag, from the second cache, and multiplied by TALL rows at a time: what it costs is arithmetic, and
the sums stay in registers. The step is taken where the gradient of W_h is summed, which is kept nowhere. Rows have a
common `width`, a multiple of WIDE, and are filled up with zeros.
"""

from __future__ import annotations

from numba import njit

from lrnn_helpers._jit import OPTIONS
from lrnn_helpers._lanes import aligned
from lrnn_helpers._simd import LANES, added, load, store, sums, times, zeros

# A multiplication and an addition become one instruction; nothing else may be rearranged.
FUSED = OPTIONS | {"fastmath": {"contract"}}
TALL, WIDE = 4, 2 * LANES


@njit(**FUSED)
def _add(C, c, scale, A, a, down, across, B, width, depth):
    """C + scale · A B for TALL rows of C, whose first is c, and `depth` rows of B; A has its own two strides."""
    for j in range(0, width, WIDE):
        c00, c01, c10, c11 = zeros(), zeros(), zeros(), zeros()
        c20, c21, c30, c31 = zeros(), zeros(), zeros(), zeros()
        for k in range(depth):
            b0, b1, i = load(B, k * width + j), load(B, k * width + j + LANES), a + k * across
            a0, a1, a2, a3 = A[i], A[i + down], A[i + 2 * down], A[i + 3 * down]
            c00, c01 = added(c00, a0, b0), added(c01, a0, b1)
            c10, c11 = added(c10, a1, b0), added(c11, a1, b1)
            c20, c21 = added(c20, a2, b0), added(c21, a2, b1)
            c30, c31 = added(c30, a3, b0), added(c31, a3, b1)
        i = c * width + j
        store(C, i, added(load(C, i), scale, c00))
        store(C, i + LANES, added(load(C, i + LANES), scale, c01))
        i += width
        store(C, i, added(load(C, i), scale, c10))
        store(C, i + LANES, added(load(C, i + LANES), scale, c11))
        i += width
        store(C, i, added(load(C, i), scale, c20))
        store(C, i + LANES, added(load(C, i + LANES), scale, c21))
        i += width
        store(C, i, added(load(C, i), scale, c30))
        store(C, i + LANES, added(load(C, i + LANES), scale, c31))


@njit(**FUSED)
def _dots(C, c, across, A, a, B, width, count):
    """A Bᵀ for TALL rows of A, whose first is a, and `count` rows of B, a multiple of LANES; rows of C are `across`."""
    for j in range(0, count, LANES):
        for r in range(0, TALL, 2):
            c0, c1, c2, c3, c4, c5, c6, c7 = zeros(), zeros(), zeros(), zeros(), zeros(), zeros(), zeros(), zeros()
            d0, d1, d2, d3, d4, d5, d6, d7 = zeros(), zeros(), zeros(), zeros(), zeros(), zeros(), zeros(), zeros()
            for k in range(0, width, LANES):
                x, y, i = load(A, (a + r) * width + k), load(A, (a + r + 1) * width + k), j * width + k
                b = load(B, i)
                c0, d0 = times(c0, x, b), times(d0, y, b)
                b = load(B, i + width)
                c1, d1 = times(c1, x, b), times(d1, y, b)
                b = load(B, i + 2 * width)
                c2, d2 = times(c2, x, b), times(d2, y, b)
                b = load(B, i + 3 * width)
                c3, d3 = times(c3, x, b), times(d3, y, b)
                b = load(B, i + 4 * width)
                c4, d4 = times(c4, x, b), times(d4, y, b)
                b = load(B, i + 5 * width)
                c5, d5 = times(c5, x, b), times(d5, y, b)
                b = load(B, i + 6 * width)
                c6, d6 = times(c6, x, b), times(d6, y, b)
                b = load(B, i + 7 * width)
                c7, d7 = times(c7, x, b), times(d7, y, b)
            store(C, (c + r) * across + j, sums(c0, c1, c2, c3, c4, c5, c6, c7))
            store(C, (c + r + 1) * across + j, sums(d0, d1, d2, d3, d4, d5, d6, d7))


@njit(**FUSED)
def _square(D, count):
    total = 0.0
    for i in range(count):
        total += D[i] ** 2
    return total


@njit(**FUSED)
def _descend(W, D, count, rate):
    for i in range(count):
        W[i] -= rate * D[i]


@njit(nogil=True, **FUSED)
def train(Wx, Wh, Wy, rate, live, taken, covariance, diagonal, correlation, lags, steps, tolerance):
    """So many steps down the gradient of `_gradient.gradient`, in place, for all networks that are `live`.

    Data rows come filled up to a multiple of TALL, lag by lag, and columns to one of WIDE; without off-diagonal
    covariance `diagonal` holds the rest, and is empty otherwise. With a `tolerance` >= 0, a network whose gradient norm
    is not above it is live no more, and the steps `taken` until then are counted.
    """
    (_, N_h, N_x), N_y, (rows, Y) = Wx.shape, Wy.shape[1], correlation.shape
    X, H = rows // lags, -(-N_h // LANES) * LANES
    width = -(-N_h // WIDE) * WIDE
    if width % 64 == 0:  # rows that are a whole page apart would share a place in the cache
        width += WIDE
    # Rows W_xᵀ, (W_h W_x)ᵀ, … as in `_gradient._hidden_response`: the first of them is W_x itself.
    states, adjoint = aligned(rows * width), aligned(rows * width)
    wh, wy, dy = aligned(H * width), aligned(Y * width), aligned(Y * width)
    dh = aligned(H * width if tolerance >= 0 else 0)
    G, E = aligned(rows * Y), aligned(rows * Y)
    for network in range(len(rate)):
        if not live[network]:
            continue
        pace = rate[network]
        for i in range(N_h):
            for j in range(N_x):
                states[j * width + i] = Wx[network, i, j]
            for j in range(N_h):
                wh[i * width + j] = Wh[network, i, j]
            for j in range(N_y):
                wy[j * width + i] = Wy[network, j, i]
        for _ in range(steps):
            for row in range(X, rows, TALL):
                _dots(states, row, width, states, row - X, wh, width, H)
            for row in range(0, rows, TALL):
                _dots(G, row, Y, states, row, wy, width, Y)
            for row in range(rows):
                for y in range(Y):
                    factor = diagonal[row] if len(diagonal) else 0.0
                    E[row * Y + y] = factor * G[row * Y + y] - correlation[row, y]
            if not len(diagonal):
                for row in range(0, rows, TALL):
                    _add(E, row, 1.0, covariance, row * rows, rows, 1, G, Y, rows)
            adjoint[:] = 0.0
            for row in range(rows - TALL, -1, -TALL):
                _add(adjoint, row, 1.0, E, row * Y, Y, 1, wy, width, N_y)
                if row < rows - X:
                    _add(adjoint, row, 1.0, adjoint, (row + X) * width, width, 1, wh, width, N_h)
            dy[:] = 0.0
            for y in range(0, N_y, TALL):
                _add(dy, y, 1.0, E, y, 1, Y, states, width, rows)
            if tolerance >= 0:
                dh[:] = 0.0
                for i in range(0, H, TALL):
                    _add(dh, i, 1.0, adjoint, X * width + i, 1, width, states, width, rows - X)
                square = _square(adjoint, X * width) + _square(dh, H * width) + _square(dy, Y * width)
                if not square > tolerance**2:
                    live[network] = False
                    break
                taken[network] += 1
                _descend(wh, dh, H * width, pace)
            else:
                for i in range(0, H, TALL):
                    _add(wh, i, -pace, adjoint, X * width + i, 1, width, states, width, rows - X)
            _descend(wy, dy, Y * width, pace)
            _descend(states, adjoint, X * width, pace)
        for i in range(N_h):
            for j in range(N_x):
                Wx[network, i, j] = states[j * width + i]
            for j in range(N_h):
                Wh[network, i, j] = wh[i * width + j]
            for j in range(N_y):
                Wy[network, j, i] = wy[j * width + i]
