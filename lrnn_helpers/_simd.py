"""Vectors of eight doubles inside compiled code; imported only where numba is there.

The compiler finds vector operations in plain loops by itself, but makes them half as wide as the processor can, and
keeps no sums in registers across a loop. Here a variable is a vector. Where registers are narrower, it is several.
"""

from __future__ import annotations

from llvmlite import ir
from numba import types
from numba.core import cgutils
from numba.extending import intrinsic, models, register_model

from lrnn_helpers._lanes import pointer

EIGHT = 8
_DOUBLE = ir.DoubleType()
_VECTOR = ir.VectorType(_DOUBLE, EIGHT)


class _Vector(types.Type):
    def __init__(self):
        super().__init__(name="Vector")


@register_model(_Vector)
class _Model(models.PrimitiveModel):
    def __init__(self, manager, kind):
        super().__init__(manager, kind, _VECTOR)


vector = _Vector()


def _load(context, builder, kind, array, i):
    out = builder.load(pointer(context, builder, kind, array, i, _VECTOR))
    out.align = 8  # that of a double: entry i may be any
    return out


def _store(context, builder, kind, array, i, value):
    builder.store(value, pointer(context, builder, kind, array, i, _VECTOR)).align = 8


def _shuffled(builder, a, b, lanes):
    return builder.shuffle_vector(a, b, ir.Constant(ir.VectorType(cgutils.int32_t, EIGHT), lanes))


# The pairs of eight vectors whose lanes change places, in blocks of one, two and four.
_BUTTERFLY = [(r, d) for d in (1, 2, 4) for r in range(EIGHT) if not r & d]


def _crossed(builder, a, b, d):
    """Vectors a and b of which every second block of d lanes of a, and every first of b, have changed places."""
    low = [EIGHT + lane - d if lane & d else lane for lane in range(EIGHT)]
    high = [EIGHT + lane if lane & d else lane + d for lane in range(EIGHT)]
    return _shuffled(builder, a, b, low), _shuffled(builder, a, b, high)


@intrinsic
def zeros(typing):
    """Eight zeros."""
    return vector(), lambda context, builder, signature, args: ir.Constant(_VECTOR, [0.0] * EIGHT)


@intrinsic
def load_any(typing, array, i):
    """Entries i … i + 7 of a contiguous array of doubles, counted through all of it."""
    return vector(array, types.intp), lambda c, b, signature, args: _load(c, b, signature.args[0], *args)


@intrinsic
def store_any(typing, array, i, value):
    """Put a vector there."""
    return types.void(array, types.intp, vector), lambda c, b, signature, args: _store(c, b, signature.args[0], *args)


@intrinsic
def added(typing, total, number, value):
    """total + number · value, in one instruction where there is one."""

    def code(context, builder, signature, args):
        total, number, value = args
        number = builder.insert_element(ir.Constant(_VECTOR, ir.Undefined), number, cgutils.int32_t(0))
        product = builder.fmul(_shuffled(builder, number, number, [0] * EIGHT), value, flags=("contract",))
        return builder.fadd(total, product, flags=("contract",))

    return vector(vector, types.float64, vector), code


@intrinsic
def transpose(typing, source, i, width, target, j, height):
    """Copy the 8 × 8 block at entry i, rows `width` apart, to entry j as its transpose, rows `height` apart."""

    def code(context, builder, signature, args):
        rows, (source, i, width, target, j, height) = [], args
        for _ in range(EIGHT):
            rows.append(_load(context, builder, signature.args[0], source, i))
            i = builder.add(i, width)
        for r, d in _BUTTERFLY:
            rows[r], rows[r + d] = _crossed(builder, rows[r], rows[r + d], d)
        for row in rows:
            _store(context, builder, signature.args[3], target, j, row)
            j = builder.add(j, height)

    where = types.intp
    return types.void(source, where, where, target, where, where), code


@intrinsic
def sums(typing, v0, v1, v2, v3, v4, v5, v6, v7):
    """The sums of the entries of eight vectors."""

    def code(context, builder, signature, args):
        rows = list(args)
        for r, d in _BUTTERFLY:
            if not r & (d - 1):
                rows[r] = builder.fadd(*_crossed(builder, rows[r], rows[r + d], d))
        return rows[0]

    return vector(*[vector] * EIGHT), code


@intrinsic
def times(typing, total, a, b):
    """total + a · b, lane by lane."""

    def code(context, builder, signature, args):
        total, a, b = args
        return builder.fadd(total, builder.fmul(a, b, flags=("contract",)), flags=("contract",))

    return vector(vector, vector, vector), code
