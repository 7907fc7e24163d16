"""Compiled gradient descent of wide networks with few channels, one by one; imported only where numba is there.

W_h is read once a lag, from the second cache, and multiplied by TALL rows at a time: what it costs is arithmetic, and
the sums stay in registers. The step is taken where the gradient of W_h is summed, which is kept nowhere. Rows have a
common `width`, a multiple of WIDE, and are filled up with zeros.
"""

from __future__ import annotations

from math import sqrt

from numba import njit

from lrnn_helpers._jit import FUSED
from lrnn_helpers._lanes import aligned
from lrnn_helpers._simd import EIGHT, added, load_any, store_any, sums, times, zeros

TALL, WIDE = 4, 2 * EIGHT


@njit(**FUSED)
def _add(C, c, count, C_row, C_column, scale, A, a, A_row, A_column, B, B_row, B_column, depth, width):
    """C + scale · A B: `count` rows of C from entry c, a multiple of TALL, and `width` columns, one of WIDE.

    Entries of a row or column stand apart by what is given for each matrix; WIDE columns of B and C are neighbours.
    """
    for j in range(0, width, WIDE):
        for r in range(0, count, TALL):
            c00, c01, c10, c11 = zeros(), zeros(), zeros(), zeros()
            c20, c21, c30, c31 = zeros(), zeros(), zeros(), zeros()
            left, right = a + r * A_row, j * B_column
            for _ in range(depth):
                b0, b1 = load_any(B, right), load_any(B, right + EIGHT)
                a0, a1, a2, a3 = A[left], A[left + A_row], A[left + 2 * A_row], A[left + 3 * A_row]
                c00, c01 = added(c00, a0, b0), added(c01, a0, b1)
                c10, c11 = added(c10, a1, b0), added(c11, a1, b1)
                c20, c21 = added(c20, a2, b0), added(c21, a2, b1)
                c30, c31 = added(c30, a3, b0), added(c31, a3, b1)
                left += A_column
                right += B_row
            i = c + r * C_row + j * C_column
            store_any(C, i, added(load_any(C, i), scale, c00))
            store_any(C, i + EIGHT, added(load_any(C, i + EIGHT), scale, c01))
            i += C_row
            store_any(C, i, added(load_any(C, i), scale, c10))
            store_any(C, i + EIGHT, added(load_any(C, i + EIGHT), scale, c11))
            i += C_row
            store_any(C, i, added(load_any(C, i), scale, c20))
            store_any(C, i + EIGHT, added(load_any(C, i + EIGHT), scale, c21))
            i += C_row
            store_any(C, i, added(load_any(C, i), scale, c30))
            store_any(C, i + EIGHT, added(load_any(C, i + EIGHT), scale, c31))


@njit(**FUSED)
def _dots(C, c, C_row, A, a, A_row, rows, B, B_row, B_column, count, width):
    """A Bᵀ into C from entry c, for an even number of `rows` of A from entry a and `count`, of EIGHT, of B."""
    for j in range(0, count, EIGHT):
        for r in range(0, rows, 2):
            c0, c1, c2, c3, c4, c5, c6, c7 = zeros(), zeros(), zeros(), zeros(), zeros(), zeros(), zeros(), zeros()
            d0, d1, d2, d3, d4, d5, d6, d7 = zeros(), zeros(), zeros(), zeros(), zeros(), zeros(), zeros(), zeros()
            for k in range(0, width, WIDE):
                for half in range(0, WIDE, EIGHT):
                    i = a + r * A_row + k + half
                    x, y = load_any(A, i), load_any(A, i + A_row)
                    i = j * B_row + k * B_column + half
                    b = load_any(B, i)
                    c0, d0 = times(c0, x, b), times(d0, y, b)
                    b = load_any(B, i + B_row)
                    c1, d1 = times(c1, x, b), times(d1, y, b)
                    b = load_any(B, i + 2 * B_row)
                    c2, d2 = times(c2, x, b), times(d2, y, b)
                    b = load_any(B, i + 3 * B_row)
                    c3, d3 = times(c3, x, b), times(d3, y, b)
                    b = load_any(B, i + 4 * B_row)
                    c4, d4 = times(c4, x, b), times(d4, y, b)
                    b = load_any(B, i + 5 * B_row)
                    c5, d5 = times(c5, x, b), times(d5, y, b)
                    b = load_any(B, i + 6 * B_row)
                    c6, d6 = times(c6, x, b), times(d6, y, b)
                    b = load_any(B, i + 7 * B_row)
                    c7, d7 = times(c7, x, b), times(d7, y, b)
            i = c + r * C_row + j
            store_any(C, i, sums(c0, c1, c2, c3, c4, c5, c6, c7))
            store_any(C, i + C_row, sums(d0, d1, d2, d3, d4, d5, d6, d7))


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
    X, H = rows // lags, -(-N_h // EIGHT) * EIGHT
    width = -(-N_h // WIDE) * WIDE
    line = width + WIDE if width % 64 == 0 else width  # rows that are pages apart would share a place in the cache
    # W_h stands in panels of WIDE columns: every product runs through it from begin to end.
    panel = H * WIDE
    # Rows W_xᵀ, (W_h W_x)ᵀ, … as in `_gradient._hidden_response`: the first of them is W_x itself.
    states, adjoint = aligned(rows * line), aligned(rows * line)
    wh, wy, dy = aligned(H * width), aligned(Y * line), aligned(Y * line)
    dh = aligned(H * width if tolerance >= 0 else 0)
    G, E = aligned(rows * Y), aligned(rows * Y)
    G[:] = 0.0
    for network in range(len(rate)):
        if not live[network]:
            continue
        pace = rate[network]
        states[:], wh[:], wy[:] = 0.0, 0.0, 0.0  # what fills them up is not finite after a network that diverged
        for i in range(N_h):
            for j in range(N_x):
                states[j * line + i] = Wx[network, i, j]
            for j in range(N_h):
                wh[j // WIDE * panel + i * WIDE + j % WIDE] = Wh[network, i, j]
            for j in range(N_y):
                wy[j * line + i] = Wy[network, j, i]
        for _ in range(steps):
            for i in range(X * line, rows * line, X * line):
                _dots(states, i, line, states, i - X * line, line, X, wh, WIDE, H, H, width)
            _dots(G, 0, Y, states, 0, line, rows, wy, line, 1, -(-N_y // EIGHT) * EIGHT, width)
            for row in range(rows):
                for y in range(Y):
                    factor = diagonal[row] if len(diagonal) else 0.0
                    E[row * Y + y] = factor * G[row * Y + y] - correlation[row, y]
            if not len(diagonal):
                _add(E, 0, rows, Y, 1, 1.0, covariance, 0, rows, 1, G, Y, 1, rows, Y)
            adjoint[:] = 0.0
            _add(adjoint, 0, rows, line, 1, 1.0, E, 0, Y, 1, wy, line, 1, N_y, width)
            for i in range((rows - 2 * X) * line, -1, -X * line):
                _add(adjoint, i, X, line, 1, 1.0, adjoint, i + X * line, line, 1, wh, WIDE, H, N_h, width)
            dy[:] = 0.0
            _add(dy, 0, -(-N_y // TALL) * TALL, line, 1, 1.0, E, 0, 1, Y, states, line, 1, rows, width)
            if tolerance >= 0:
                dh[:] = 0.0
                _add(dh, 0, H, WIDE, H, 1.0, adjoint, X * line, 1, line, states, line, 1, rows - X, width)
                size = sqrt(_square(adjoint, X * line) + _square(dh, H * width) + _square(dy, Y * line))
                live[network] = size > tolerance
                if size <= tolerance:
                    break
                taken[network] += 1  # where it is NaN this step is the last one, and the network NaN itself
                _descend(wh, dh, H * width, pace)
            else:
                _add(wh, 0, H, WIDE, H, -pace, adjoint, X * line, 1, line, states, line, 1, rows - X, width)
            _descend(wy, dy, Y * line, pace)
            _descend(states, adjoint, X * line, pace)
            if not live[network]:
                break
        for i in range(N_h):
            for j in range(N_x):
                Wx[network, i, j] = states[j * line + i]
            for j in range(N_h):
                Wh[network, i, j] = wh[j // WIDE * panel + i * WIDE + j % WIDE]
            for j in range(N_y):
                Wy[network, j, i] = wy[j * line + i]
