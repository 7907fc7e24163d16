"""Compiled gradient descent of many small networks at once: one SIMD lane is one network.

Imported only where numba is there. Matrices are cut into tiles of SIDE × SIDE entries, filled up with zeros; a tile
holds the entries of LANES networks side by side, entry (i, j) in lanes (i·SIDE + j)·LANES …, so that each line below is
one vector operation on LANES networks. A group of networks is trained to the end before the next one: what it needs
stays in the cache. All groups go through the same instructions, so a network's result does not depend on its group.
"""

from __future__ import annotations

import numpy as np
from numba import njit

from lrnn_helpers._jit import OPTIONS

LANES = 16
SIDE = 4
TILE = SIDE * SIDE * LANES
# A multiplication and an addition become one instruction; nothing else may be rearranged.
FUSED = OPTIONS | {"fastmath": {"contract"}}


@njit(**FUSED)
def _entry(a0, a1, a2, a3, B, b, r):
    """A row of a tile times the column of tile b that begins at r."""
    return a0 * B[b, r] + a1 * B[b, r + 4 * LANES] + a2 * B[b, r + 8 * LANES] + a3 * B[b, r + 12 * LANES]


def _multiplier(transposed, first):
    """C = A B, or C + A B unless `first`, for one tile each; A is `transposed`. Strides must be constants here."""
    down, across = (1, SIDE) if transposed else (SIDE, 1)

    @njit(**FUSED)
    def multiply(C, c, A, a, B, b):
        for i in range(SIDE):
            for lane in range(LANES):
                p, q = i * down * LANES + lane, i * SIDE * LANES + lane
                a0, a1 = A[a, p], A[a, p + across * LANES]
                a2, a3 = A[a, p + 2 * across * LANES], A[a, p + 3 * across * LANES]
                x0, x1 = _entry(a0, a1, a2, a3, B, b, lane), _entry(a0, a1, a2, a3, B, b, lane + LANES)
                x2, x3 = _entry(a0, a1, a2, a3, B, b, lane + 2 * LANES), _entry(a0, a1, a2, a3, B, b, lane + 3 * LANES)
                if not first:
                    x0 += C[c, q]
                    x1 += C[c, q + LANES]
                    x2 += C[c, q + 2 * LANES]
                    x3 += C[c, q + 3 * LANES]
                C[c, q], C[c, q + LANES], C[c, q + 2 * LANES], C[c, q + 3 * LANES] = x0, x1, x2, x3

    return multiply


_set = _multiplier(False, True)
_add = _multiplier(False, False)
_add_transposed = _multiplier(True, False)


@njit(**FUSED)
def _mix(C, c, M, row, column, B, b):
    """C + M B for one tile of B and C, where all networks share M."""
    for i in range(SIDE):
        m0, m1, m2, m3 = M[row + i, column], M[row + i, column + 1], M[row + i, column + 2], M[row + i, column + 3]
        for lane in range(LANES):
            q = i * SIDE * LANES + lane
            C[c, q] += _entry(m0, m1, m2, m3, B, b, lane)
            C[c, q + LANES] += _entry(m0, m1, m2, m3, B, b, lane + LANES)
            C[c, q + 2 * LANES] += _entry(m0, m1, m2, m3, B, b, lane + 2 * LANES)
            C[c, q + 3 * LANES] += _entry(m0, m1, m2, m3, B, b, lane + 3 * LANES)


@njit(**FUSED)
def _product(C, c, A, a, B, b, n, k, m, first):
    """C = A B, or C + A B unless `first`: n × k times k × m tiles."""
    for i in range(n):
        for j in range(m):
            for q in range(k):
                if first and q == 0:
                    _set(C, c + i * m + j, A, a + i * k, B, b + j)
                else:
                    _add(C, c + i * m + j, A, a + i * k + q, B, b + q * m + j)


@njit(**FUSED)
def _add_outer(C, A, a, B, b, n, k, m):
    """C + Aᵀ B: k × n and k × m tiles."""
    for i in range(n):
        for j in range(m):
            for q in range(k):
                _add_transposed(C, i * m + j, A, a + q * n + i, B, b + q * m + j)


@njit(**FUSED)
def _transpose(C, A, n, m):
    """C = Aᵀ of n × m tiles."""
    for i in range(n):
        for j in range(m):
            for x in range(SIDE):
                for y in range(SIDE):
                    for lane in range(LANES):
                        C[j * n + i, (y * SIDE + x) * LANES + lane] = A[i * m + j, (x * SIDE + y) * LANES + lane]


@njit(**FUSED)
def _error(E, G, covariance, diagonal, correlation, rows, columns):
    """E = covariance · G - correlation, or with the diagonal alone, for rows × columns tiles."""
    for i in range(rows):
        for j in range(columns):
            t = i * columns + j
            if len(diagonal):
                for x in range(SIDE):
                    for e in range(x * SIDE * LANES, (x + 1) * SIDE * LANES):
                        E[t, e] = diagonal[i * SIDE + x] * G[t, e]
            else:
                E[t] = 0
                for k in range(rows):
                    _mix(E, t, covariance, i * SIDE, k * SIDE, G, k * columns + j)
            for x in range(SIDE):
                for y in range(SIDE):
                    for lane in range(LANES):
                        E[t, (x * SIDE + y) * LANES + lane] -= correlation[i * SIDE + x, j * SIDE + y]


@njit(**OPTIONS)
def _load(tiles, A, start, across):
    """Put networks `start` … of A (B, ·, ·) into tiles, `across` in a row."""
    tiles[:] = 0
    for lane in range(min(LANES, len(A) - start)):
        for i in range(A.shape[1]):
            for j in range(A.shape[2]):
                tiles[i // SIDE * across + j // SIDE, (i % SIDE * SIDE + j % SIDE) * LANES + lane] = A[
                    start + lane, i, j
                ]


@njit(**OPTIONS)
def _store(tiles, A, start, across):
    """Take them back."""
    for lane in range(min(LANES, len(A) - start)):
        for i in range(A.shape[1]):
            for j in range(A.shape[2]):
                A[start + lane, i, j] = tiles[
                    i // SIDE * across + j // SIDE, (i % SIDE * SIDE + j % SIDE) * LANES + lane
                ]


@njit(**FUSED)
def _descend(W, D, tiles, rate):
    for t in range(tiles):
        for e in range(SIDE * SIDE):
            for lane in range(LANES):
                W[t, e * LANES + lane] -= rate[lane] * D[t, e * LANES + lane]


@njit(**OPTIONS)
def _square(D, tiles, out):
    for t in range(tiles):
        for e in range(SIDE * SIDE):
            for lane in range(LANES):
                out[lane] += D[t, e * LANES + lane] ** 2


@njit(nogil=True, **OPTIONS)
def train(Wx, Wh, Wy, rate, live, taken, covariance, diagonal, correlation, lags, steps, tolerance):
    """So many steps down the gradient of `_gradient.gradient`, in place, for all networks that are `live`.

    Data rows and columns come filled up to whole tiles, lag by lag; without off-diagonal covariance `diagonal` holds
    the rest, and is empty otherwise. With a `tolerance` >= 0, a network whose gradient norm is not
    above it is live no more, and the steps `taken` until then are counted.
    """
    H, X, Y = -(-Wh.shape[1] // SIDE), -(-Wx.shape[2] // SIDE), -(-Wy.shape[1] // SIDE)
    size = X * H
    wx, wh, wy = np.empty((H * X, TILE)), np.empty((H * H, TILE)), np.empty((Y * H, TILE))
    whT, wyT = np.empty((H * H, TILE)), np.empty((H * Y, TILE))
    dh, dy = np.empty((H * H, TILE)), np.empty((Y * H, TILE))
    # Rows W_xᵀ, (W_h W_x)ᵀ, … as in `_gradient._hidden_response`: the first of them is W_x itself.
    states = np.empty((lags * size, TILE))
    G, E = np.empty((lags * X * Y, TILE)), np.empty((lags * X * Y, TILE))
    adjoint, later = np.empty((size, TILE)), np.empty((size, TILE))
    pace, norm = np.empty(LANES), np.empty(LANES)
    for start in range(0, len(rate), LANES):
        count = min(LANES, len(rate) - start)
        pace[:] = 0
        for lane in range(count):
            if live[start + lane]:
                pace[lane] = rate[start + lane]
        _load(wx, Wx, start, X)
        _load(wh, Wh, start, H)
        _load(wy, Wy, start, H)
        _transpose(states, wx, H, X)
        for _ in range(steps):
            _transpose(whT, wh, H, H)
            _transpose(wyT, wy, Y, H)
            for k in range(1, lags):
                _product(states, k * size, states, (k - 1) * size, whT, 0, X, H, H, True)
            _product(G, 0, states, 0, wyT, 0, lags * X, H, Y, True)
            _error(E, G, covariance, diagonal, correlation, lags * X, Y)
            dh[:] = 0
            dy[:] = 0
            _add_outer(dy, E, 0, states, 0, Y, lags * X, H)
            for k in range(lags - 1, -1, -1):
                adjoint, later = later, adjoint
                _product(adjoint, 0, E, k * X * Y, wy, 0, X, Y, H, True)
                if k < lags - 1:
                    _product(adjoint, 0, later, 0, wh, 0, X, H, H, False)
                if k > 0:
                    _add_outer(dh, adjoint, 0, states, (k - 1) * size, H, X, H)
            if tolerance >= 0:
                norm[:] = 0
                _square(adjoint, size, norm)
                _square(dh, H * H, norm)
                _square(dy, Y * H, norm)
                going = False
                for lane in range(count):
                    if live[start + lane]:
                        if norm[lane] > tolerance**2:
                            taken[start + lane] += 1
                            going = True
                        else:
                            live[start + lane] = False
                            pace[lane] = 0
                if not going:
                    break
            _descend(wh, dh, H * H, pace)
            _descend(wy, dy, Y * H, pace)
            _descend(states, adjoint, size, pace)
        _transpose(wx, states, X, H)
        _store(wx, Wx, start, X)
        _store(wh, Wh, start, H)
        _store(wy, Wy, start, H)
