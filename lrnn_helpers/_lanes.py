"""Vectors of float64 for compiled code: one lane is one setting; imported only where numba is there.

A loop over lanes that is left to the compiler goes through memory after each line, and in half of the 512 bits that
there may be. A value of type `lanes` stays in registers. Lanes never meet, so results do not depend on their number.

numba keeps compiled code by the date of the file that calls these: after a change here, or in `_simd` or `_jit`, touch
`training/_tiles.py`, `training/_wide.py`, `ntk/_small.py` and `modes/_compiled.py`, or it goes on running the old one.
"""

from __future__ import annotations

import operator

import llvmlite.binding as llvm
import numpy as np
from llvmlite import ir
from numba import njit, types
from numba.core.datamodel import PrimitiveModel
from numba.core.typing.templates import AbstractTemplate, infer_global, signature
from numba.extending import intrinsic, lower_builtin, register_model

from lrnn_helpers._jit import OPTIONS


def _wide_registers():
    try:
        return bool(llvm.get_host_cpu_features().get("avx512f"))
    except RuntimeError:  # where LLVM cannot tell
        return False


# Those of one register, and of one value: enough values at once to hide how long each operation takes.
REGISTER = 8 if _wide_registers() else 4
LANES = 4 * REGISTER
ALIGNED = 64  # bytes; a register that lies across two lines of the cache takes twice the time


class _Lanes(types.Type):
    pass


lanes = _Lanes("lanes")
VALUE = ir.VectorType(ir.DoubleType(), LANES)


@register_model(_Lanes)
class _Model(PrimitiveModel):
    def __init__(self, manager, of):
        super().__init__(manager, of, VALUE)


def _arithmetic(symbol, instruction):
    @infer_global(symbol)
    class _(AbstractTemplate):
        def generic(self, args, _):
            return signature(lanes, lanes, lanes) if args == (lanes, lanes) else None

    @lower_builtin(symbol, lanes, lanes)
    def _(_context, builder, _signature, args):
        return getattr(builder, instruction)(*args)


for _symbol, _instruction in ((operator.add, "fadd"), (operator.sub, "fsub"), (operator.mul, "fmul")):
    _arithmetic(_symbol, _instruction)


def pointer(context, builder, array, value, entry, kind):
    """To `entry` of a contiguous array, as one to a vector of that kind."""
    data = context.make_array(array)(context, builder, value).data
    return builder.bitcast(builder.gep(data, [entry]), kind.as_pointer())


@intrinsic
def load(_typing, array, entry):
    """The entries of an aligned array that begin at `entry`, a multiple of LANES, counted through all its axes."""

    def codegen(context, builder, signature, args):
        found = builder.load(pointer(context, builder, signature.args[0], *args, VALUE))
        found.align = ALIGNED
        return found

    return lanes(array, types.intp), codegen


@intrinsic
def store(_typing, array, entry, value):
    """Put them there."""

    def codegen(context, builder, signature, args):
        where = pointer(context, builder, signature.args[0], *args[:2], VALUE)
        builder.store(args[2], where).align = ALIGNED

    return types.void(array, types.intp, lanes), codegen


def _spread(builder, few):
    """Each of the entries of a short vector as often as it takes to fill a value."""
    here = [ir.Constant(ir.IntType(32), i * few.type.count // LANES) for i in range(LANES)]
    return builder.shuffle_vector(few, few, ir.Constant(ir.VectorType(ir.IntType(32), LANES), here))


@intrinsic
def every(_typing, number):
    """A number in every lane."""

    def codegen(_context, builder, _signature, args):
        few = ir.Constant(ir.VectorType(ir.DoubleType(), 1), ir.Undefined)
        return _spread(builder, builder.insert_element(few, args[0], ir.IntType(32)(0)))

    return lanes(types.float64), codegen


@intrinsic
def four(_typing, array, entry):
    """Four entries of an array, each in a quarter of the lanes."""

    def codegen(context, builder, signature, args):
        few = builder.load(pointer(context, builder, signature.args[0], *args, ir.VectorType(ir.DoubleType(), 4)))
        few.align = 8
        return _spread(builder, few)

    return lanes(array, types.intp), codegen


@intrinsic
def _skip(_typing, array):
    """How many entries it is to the first that is aligned."""

    def codegen(context, builder, signature, args):
        data = context.make_array(signature.args[0])(context, builder, *args).data
        size = ir.IntType(64)
        gone = builder.lshr(builder.ptrtoint(data, size), size(3))
        return builder.and_(builder.neg(gone), size(ALIGNED // 8 - 1))

    return types.intp(array), codegen


@njit(**OPTIONS)
def aligned(entries):
    """Room for so many, where `load` finds them."""
    room = np.empty(entries + ALIGNED // 8)
    skip = _skip(room)
    return room[skip : skip + entries]
