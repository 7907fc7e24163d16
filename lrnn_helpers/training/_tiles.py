"""Compiled gradient descent of many small networks at once: one SIMD lane is one network.

Imported only where numba is there. Matrices are cut into tiles of SIDE × SIDE entries, filled up with zeros; a tile
holds the entries of REGISTER networks side by side, entry (i, j) in lanes (i·SIDE + j)·REGISTER …, so that a row of a
tile is a value of `lanes`. A group of networks is trained to the end before the next one: what it needs stays in the
cache. All groups go through the same instructions, so a network's result does not depend on its group.
"""

from __future__ import annotations

from math import sqrt

from llvmlite import ir
from numba import njit, types
from numba.core import cgutils
from numba.extending import intrinsic

from lrnn_helpers._jit import FUSED, OPTIONS
from lrnn_helpers._lanes import LANES, REGISTER, aligned, every, four, load, pointer, store

SIDE = LANES // REGISTER
TILE = SIDE * LANES
# Rows of a tile whose sums are kept in registers at once: half of the 32, or of the 16, that there are.
ROWS = SIDE if REGISTER == 8 else SIDE // 2


def _multiplier(left, right):
    """How to sum products of tiles; a side is as it "stands", "turned" over its diagonal or "shared" by all networks.

    A shared tile has SIDE × SIDE numbers.
    """
    entry = ir.VectorType(ir.DoubleType(), REGISTER)

    @intrinsic
    def product(_typing, C, c, A, a, a_step, B, b, b_step, count, more):
        """Tile c of C = or, if there is `more`, += A[a] B[b] + A[a + a_step] B[b + b_step] + …, `count` products."""

        def codegen(context, builder, signature, args):
            arrays = dict(zip("CcAa+Bb-", signature.args, strict=False))
            C, c, A, a, a_step, B, b, b_step, count, more = args

            def at(name, array, tile, i, j, how):
                i, j = (j, i) if how == "turned" else (i, j)
                size, kind = (1, ir.DoubleType()) if how == "shared" else (REGISTER, entry)
                first = builder.mul(tile, tile.type(SIDE * SIDE * size))
                return pointer(
                    context, builder, arrays[name], array, builder.add(first, c.type((i * SIDE + j) * size)), kind
                )

            def read(*where):
                found = builder.load(at(*where))
                if found.type == entry:
                    found.align = 8 * REGISTER
                    return found
                one = builder.insert_element(ir.Constant(entry, ir.Undefined), found, ir.IntType(32)(0))
                mask = ir.Constant(ir.VectorType(ir.IntType(32), REGISTER), [0] * REGISTER)
                return builder.shuffle_vector(one, one, mask)

            for top in range(0, SIDE, ROWS):
                places = [(i, j) for i in range(top, top + ROWS) for j in range(SIDE)]
                sums = {place: cgutils.alloca_once_value(builder, ir.Constant(entry, None)) for place in places}
                for place in places:
                    builder.store(ir.Constant(entry, None), sums[place])
                with builder.if_then(more):
                    for place in places:
                        builder.store(read("C", C, c, *place, "stands"), sums[place])
                with cgutils.for_range(builder, count) as loop:
                    from_a = builder.add(a, builder.mul(loop.index, a_step))
                    from_b = builder.add(b, builder.mul(loop.index, b_step))
                    for q in range(SIDE):
                        column = [read("B", B, from_b, q, j, right) for j in range(SIDE)]
                        for i in range(top, top + ROWS):
                            factor = read("A", A, from_a, i, q, left)
                            for j in range(SIDE):
                                total = builder.fadd(builder.load(sums[i, j]), builder.fmul(factor, column[j]))
                                builder.store(total, sums[i, j])
                for place in places:
                    builder.store(builder.load(sums[place]), at("C", C, c, *place, "stands")).align = 8 * REGISTER

        n = types.intp
        return types.void(C, n, A, n, n, B, n, n, n, types.boolean), codegen

    return product


_product = _multiplier("stands", "stands")
_product_turned = _multiplier("stands", "turned")
_turned_product = _multiplier("turned", "stands")
_shared_product = _multiplier("shared", "stands")


@njit(**OPTIONS)
def _place(x, y, lane, across):
    """Where an entry is in tiles of which `across` are in a row."""
    return (x // SIDE * across + y // SIDE) * TILE + (x % SIDE * SIDE + y % SIDE) * REGISTER + lane


@njit(**OPTIONS)
def _load(states, wh, wy, Wx, Wh, Wy, start, count):
    """Put so many networks into tiles, W_x turned."""
    for tiles in (states, wh, wy):
        for e in range(len(tiles)):
            tiles[e] = 0.0
    N_h, across = Wh.shape[1], -(-Wh.shape[1] // SIDE)
    for lane in range(count):
        for i in range(N_h):
            for j in range(N_h):
                wh[_place(i, j, lane, across)] = Wh[start + lane, i, j]
            for j in range(Wx.shape[2]):
                states[_place(j, i, lane, across)] = Wx[start + lane, i, j]
            for j in range(Wy.shape[1]):
                wy[_place(j, i, lane, across)] = Wy[start + lane, j, i]


@njit(**OPTIONS)
def _store(states, wh, wy, Wx, Wh, Wy, start, count):
    """Take them back."""
    N_h, across = Wh.shape[1], -(-Wh.shape[1] // SIDE)
    for lane in range(count):
        for i in range(N_h):
            for j in range(N_h):
                Wh[start + lane, i, j] = wh[_place(i, j, lane, across)]
            for j in range(Wx.shape[2]):
                Wx[start + lane, i, j] = states[_place(j, i, lane, across)]
            for j in range(Wy.shape[1]):
                Wy[start + lane, j, i] = wy[_place(j, i, lane, across)]


@njit(**FUSED)
def _descend(W, D, tiles, pace):
    rate = load(pace, 0)
    for row in range(0, tiles * TILE, LANES):
        store(W, row, load(W, row) - rate * load(D, row))


@njit(**FUSED)
def _square(D, tiles):
    total = every(0.0)
    for row in range(0, tiles * TILE, LANES):
        total = total + load(D, row) * load(D, row)
    return total


@njit(**OPTIONS)
def _pace(pace, rate, live, start, count):
    """The rates of networks `start` …, once for each entry of a row; 0 for those that have stopped."""
    for e in range(LANES):
        lane = e % REGISTER
        pace[e] = rate[start + lane] if lane < count and live[start + lane] else 0.0


@njit(nogil=True, **FUSED)
def train(Wx, Wh, Wy, rate, live, taken, covariance, diagonal, correlation, lags, steps, tolerance):
    """So many steps down the gradient of `_gradient.gradient`, in place, for all networks that are `live`.

    Data come filled up to whole tiles, lag by lag: covariance and correlation as shared tiles; without off-diagonal
    covariance `diagonal` holds the rest, and is empty otherwise. With a `tolerance` >= 0, a network whose gradient
    norm is not above it is live no more, and the steps `taken` until then are counted.
    """
    H, X, Y = -(-Wh.shape[1] // SIDE), -(-Wx.shape[2] // SIDE), -(-Wy.shape[1] // SIDE)
    # Rows W_xᵀ, (W_h W_x)ᵀ, … as in `_gradient._hidden_response`: the first of them is W_x itself.
    size, rows = X * H, lags * X
    states, adjoint = aligned(rows * H * TILE), aligned(rows * H * TILE)
    wh, wy = aligned(H * H * TILE), aligned(Y * H * TILE)
    dh, dy = aligned(H * H * TILE), aligned(Y * H * TILE)
    E = aligned(rows * Y * TILE)
    G = E if len(diagonal) else aligned(rows * Y * TILE)
    pace, norm = aligned(H * LANES), aligned(H * LANES)  # of which LANES are used
    for start in range(0, len(rate), REGISTER):
        count = min(REGISTER, len(rate) - start)
        _pace(pace, rate, live, start, count)
        _load(states, wh, wy, Wx, Wh, Wy, start, count)
        for _ in range(steps):
            for i in range(X, rows):
                for j in range(H):
                    _product_turned(states, i * H + j, states, (i - X) * H, 1, wh, j * H, 1, H, False)
            for i in range(rows):
                for j in range(Y):
                    _product_turned(G, i * Y + j, states, i * H, 1, wy, j * H, 1, H, False)
            for i in range(rows):
                for j in range(Y):
                    t = i * Y + j
                    if not len(diagonal):
                        _shared_product(E, t, covariance, i * rows, 1, G, j, Y, rows, False)
                    for x in range(SIDE):
                        row = t * TILE + x * LANES
                        error = load(E, row)
                        if len(diagonal):
                            error = every(diagonal[i * SIDE + x]) * error
                        store(E, row, error - four(correlation, (t * SIDE + x) * SIDE))
            for i in range(Y):
                for j in range(H):
                    _turned_product(dy, i * H + j, E, i, Y, states, j, H, rows, False)
            for i in range(rows - 1, -1, -1):
                for j in range(H):
                    _product(adjoint, i * H + j, E, i * Y, 1, wy, j, H, Y, False)
                    if i < rows - X:
                        _product(adjoint, i * H + j, adjoint, (i + X) * H, 1, wh, j, H, H, True)
            for i in range(H):
                for j in range(H):
                    _turned_product(dh, i * H + j, adjoint, size + i, H, states, j, H, rows - X, False)
            if tolerance >= 0:
                store(norm, 0, _square(adjoint, size) + _square(dh, H * H) + _square(dy, Y * H))
                going = False
                for lane in range(count):
                    total = 0.0
                    for e in range(lane, LANES, REGISTER):
                        total += norm[e]
                    length = sqrt(total)
                    steps_on = live[start + lane] and not length <= tolerance  # where it is NaN once more, to be NaN
                    live[start + lane] &= length > tolerance
                    taken[start + lane] += steps_on
                    going |= steps_on
                    for e in range(lane, LANES, REGISTER):
                        pace[e] = rate[start + lane] if steps_on else 0.0
                if not going:
                    break
            _descend(wh, dh, H * H, pace)
            _descend(wy, dy, Y * H, pace)
            _descend(states, adjoint, size, pace)
        _store(states, wh, wy, Wx, Wh, Wy, start, count)
