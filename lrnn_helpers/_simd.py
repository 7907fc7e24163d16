"""Vectors of eight doubles inside compiled code; imported only where numba is there.

The compiler finds vector operations in plain loops by itself, but makes them half as wide as the processor can, and
keeps no sums in registers across a loop. Here a variable is a vector. Where registers are narrower, it is several.
"""

from __future__ import annotations

import numpy as np
from llvmlite import ir
from numba import njit, types
from numba.core import cgutils
from numba.extending import intrinsic, models, register_model

from lrnn_helpers._jit import OPTIONS

LANES = 8
_DOUBLE = ir.DoubleType()
_VECTOR = ir.VectorType(_DOUBLE, LANES)


class _Vector(types.Type):
    def __init__(self):
        super().__init__(name="Vector")


@register_model(_Vector)
class _Model(models.PrimitiveModel):
    def __init__(self, manager, kind):
        super().__init__(manager, kind, _VECTOR)


vector = _Vector()


def _load(context, builder, kind, array, i):
    out = builder.load(_address(context, builder, kind, array, i))
    out.align = 8  # that of a double: entry i may be any
    return out


def _store(context, builder, kind, array, i, value):
    builder.store(value, _address(context, builder, kind, array, i)).align = 8
    return context.get_dummy_value()


def _address(context, builder, kind, array, i):
    data = context.make_array(kind)(context, builder, array).data
    return builder.bitcast(builder.gep(data, [i]), _VECTOR.as_pointer())


def _shuffled(builder, a, b, lanes):
    return builder.shuffle_vector(a, b, ir.Constant(ir.VectorType(cgutils.int32_t, LANES), lanes))


@intrinsic
def zeros(typing):
    """Eight zeros."""
    return vector(), lambda context, builder, signature, args: ir.Constant(_VECTOR, [0.0] * LANES)


@intrinsic
def load(typing, array, i):
    """Entries i … i + 7 of a contiguous array of doubles, counted through all of it."""
    return vector(array, types.intp), lambda c, b, signature, args: _load(c, b, signature.args[0], *args)


@intrinsic
def store(typing, array, i, value):
    """Put a vector there."""
    return types.void(array, types.intp, vector), lambda c, b, signature, args: _store(c, b, signature.args[0], *args)


@intrinsic
def added(typing, total, number, value):
    """total + number · value, in one instruction where there is one."""

    def code(context, builder, signature, args):
        total, number, value = args
        number = builder.insert_element(ir.Constant(_VECTOR, ir.Undefined), number, cgutils.int32_t(0))
        product = builder.fmul(_shuffled(builder, number, number, [0] * LANES), value, flags=("contract",))
        return builder.fadd(total, product, flags=("contract",))

    return vector(vector, types.float64, vector), code


@njit(**OPTIONS)
def aligned(count):
    """Room for so many doubles that begins where a cache line does: a vector that lies across two costs twice."""
    room = np.empty(count + LANES - 1)
    start = -(room.ctypes.data // room.itemsize) % LANES
    return room[start : start + count]


@intrinsic
def transpose(typing, source, i, width, target, j, height):
    """Copy the 8 × 8 block at entry i, rows `width` apart, to entry j as its transpose, rows `height` apart."""

    def code(context, builder, signature, args):
        rows, (source, i, width, target, j, height) = [], args
        for _ in range(LANES):
            rows.append(_load(context, builder, signature.args[0], source, i))
            i = builder.add(i, width)
        # Swap what stands across in blocks of one, two and four.
        for d in (1, 2, 4):
            low = [LANES + lane - d if lane & d else lane for lane in range(LANES)]
            high = [LANES + lane if lane & d else lane + d for lane in range(LANES)]
            for r in range(LANES):
                if not r & d:
                    rows[r], rows[r + d] = (_shuffled(builder, rows[r], rows[r + d], m) for m in (low, high))
        for row in rows:
            _store(context, builder, signature.args[3], target, j, row)
            j = builder.add(j, height)
        return context.get_dummy_value()

    where = types.intp
    return types.void(source, where, where, target, where, where), code
