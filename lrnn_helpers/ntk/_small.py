"""The tangent kernel of a small network in one compiled call; imported only where numba is there.

The sum is that of `_routes.by_jacobian`. Columns of the Jacobian's transpose stand in panels of WIDE, so that a tile of
the kernel, TALL rows of such a panel, is summed in registers; of the tiles only those above the diagonal are.
"""

from __future__ import annotations

import numpy as np
from numba import njit

from lrnn_helpers import _simd
from lrnn_helpers._jit import FUSED
from lrnn_helpers._lanes import aligned

EIGHT = _simd.EIGHT
TALL, WIDE = 4, 2 * EIGHT


@njit(**FUSED)
def _readout(last, spread, p, y):
    """The part of W_y in a row of a tile: h_T·h_T, where row and column are of the same output."""
    low, high, N_h = _simd.zeros(), _simd.zeros(), last.shape[1]
    for j in range(N_h):
        h, i = last[p, j], (y * N_h + j) * WIDE
        low, high = (
            _simd.added(low, h, _simd.load_any(spread, i)),
            _simd.added(high, h, _simd.load_any(spread, i + EIGHT)),
        )
    return low, high


@njit(**FUSED)
def _tile(C, c, width, J, depth, row, column, last, spread, p, y):
    """TALL × WIDE entries of the kernel from `row` and `column`, into C from c, where rows are `width` apart."""
    c00, c01 = _readout(last, spread, p[row], y[row])
    c10, c11 = _readout(last, spread, p[row + 1], y[row + 1])
    c20, c21 = _readout(last, spread, p[row + 2], y[row + 2])
    c30, c31 = _readout(last, spread, p[row + 3], y[row + 3])
    left, right = row // WIDE * depth * WIDE + row % WIDE, column * depth
    for k in range(0, depth * WIDE, WIDE):
        b0, b1 = _simd.load_any(J, right + k), _simd.load_any(J, right + k + EIGHT)
        a0, a1, a2, a3 = J[left + k], J[left + k + 1], J[left + k + 2], J[left + k + 3]
        c00, c01 = _simd.added(c00, a0, b0), _simd.added(c01, a0, b1)
        c10, c11 = _simd.added(c10, a1, b0), _simd.added(c11, a1, b1)
        c20, c21 = _simd.added(c20, a2, b0), _simd.added(c21, a2, b1)
        c30, c31 = _simd.added(c30, a3, b0), _simd.added(c31, a3, b1)
    _simd.store_any(C, c, c00)
    _simd.store_any(C, c + EIGHT, c01)
    _simd.store_any(C, c + width, c10)
    _simd.store_any(C, c + width + EIGHT, c11)
    _simd.store_any(C, c + 2 * width, c20)
    _simd.store_any(C, c + 2 * width + EIGHT, c21)
    _simd.store_any(C, c + 3 * width, c30)
    _simd.store_any(C, c + 3 * width + EIGHT, c31)


@njit(**FUSED)
def _jacobian(J, last, read, back, sums, Wx, Wh, Wy):
    """Panels J of the Jacobian of ŷ_T in W_x and W_h, and h_T, (n, N_h); `read` (T, N_x + N_h, n) comes with x."""
    T, _, n = read.shape
    (N_h, N_x), N_y = Wx.shape, len(Wy)
    depth = (N_x + N_h) * N_h
    for j in range(N_h):
        for p in range(n):
            read[0, N_x + j, p] = 0.0
    for t in range(T):
        for j in range(N_h):
            for p in range(n):
                sums[p] = 0.0
            for i in range(N_x):
                for p in range(n):
                    sums[p] += Wx[j, i] * read[t, i, p]
            for i in range(N_h):
                for p in range(n):
                    sums[p] += Wh[j, i] * read[t, N_x + i, p]
            for p in range(n):
                if t < T - 1:
                    read[t + 1, N_x + j, p] = sums[p]
                else:
                    last[p, j] = sums[p]
    for y in range(N_y):
        for j in range(N_h):
            back[T - 1, y, j] = Wy[y, j]
    for t in range(T - 2, -1, -1):
        for y in range(N_y):
            for j in range(N_h):
                total = 0.0
                for i in range(N_h):
                    total += back[t + 1, y, i] * Wh[i, j]
                back[t, y, j] = total
    for i in range(N_x + N_h):
        for j in range(N_h):
            for y in range(N_y):
                for p in range(n):
                    sums[p] = 0.0
                for t in range(T):
                    for p in range(n):
                        sums[p] += back[t, y, j] * read[t, i, p]
                for p in range(n):
                    column = p * N_y + y
                    J[(column // WIDE * depth + i * N_h + j) * WIDE + column % WIDE] = sums[p]


@njit(nogil=True, **FUSED)
def kernels(Wx, Wh, Wy, x, K):
    """Kernels of ŷ_T of all networks, into K (B, rows, rows)."""
    n, T, N_x = x.shape
    N_h, N_y = Wh.shape[1], Wy.shape[1]
    rows, depth = n * N_y, (N_x + N_h) * N_h
    J = aligned(-(-rows // WIDE) * depth * WIDE)
    J[:] = 0.0
    read, back, sums = np.empty((T, N_x + N_h, n)), np.empty((T, N_y, N_h)), np.empty(n)
    last = np.zeros((n + TALL, N_h))
    # Sample and output of each row of the kernel.
    index = np.arange(rows + TALL)
    sample, output = index // N_y, index % N_y
    # For a panel, h_T of its columns in the rows of their own output, zero in those of the others.
    spread, rest = aligned(N_y * N_h * WIDE), aligned(TALL * WIDE)
    for t in range(T):
        for i in range(N_x):
            for p in range(n):
                read[t, i, p] = x[p, t, i]
    for network in range(len(K)):
        _jacobian(J, last, read, back, sums, Wx[network], Wh[network], Wy[network])
        out, flat = K[network], K[network].reshape(-1)
        for column in range(0, rows, WIDE):
            wide = min(WIDE, rows - column)
            spread[:] = 0.0
            for i in range(wide):
                for j in range(N_h):
                    spread[(output[column + i] * N_h + j) * WIDE + i] = last[sample[column + i], j]
            for row in range(0, column + wide, TALL):
                if wide == WIDE and row + TALL <= rows:
                    _tile(flat, row * rows + column, rows, J, depth, row, column, last, spread, sample, output)
                else:
                    _tile(rest, 0, WIDE, J, depth, row, column, last, spread, sample, output)
                    for r in range(min(TALL, rows - row)):
                        for i in range(wide):
                            out[row + r, column + i] = rest[r * WIDE + i]
            if wide == WIDE:
                for row in range(0, column, EIGHT):
                    for i in range(column, column + WIDE, EIGHT):
                        _simd.transpose(flat, row * rows + i, rows, flat, i * rows + row, rows)
            else:
                for row in range(column):
                    for i in range(column, rows):
                        out[i, row] = out[row, i]
