"""The loop of `lattice_sums` for CPUs, in numba. Its meaning is in `smoothing.py`.

Nodes lie side by side in memory, one line for each column, and a stencil has the same length always: each pass over it
is four vectors of eight numbers, written out.

This module imports numba: import it inside functions only.
"""

import numba
import numpy as np
from llvmlite import ir
from numba import types
from numba.extending import intrinsic

from brackish.compiled import (
    Frame,
    argument,
    argument_size,
    is_question,
    keep,
    register,
    result,
    result_size,
)

LANES = 8  # numbers in a vector
WORD = 8  # bytes of a number
STENCIL = 32  # nodes that a kernel reaches
MOST_NODES = 2**23  # longer lines than this (or of a length that overflows) mean that a particle has run away

_compile = numba.njit(fastmath={"contract", "reassoc", "nsz", "arcp"}, error_model="numpy", cache=True)
_VECTOR = ir.VectorType(ir.DoubleType(), LANES)
_FAST = ("contract", "reassoc")


def _vectors(builder, address):
    """The places of the vectors of a stencil that begins at an address."""
    for part in range(0, STENCIL, LANES):
        place = builder.add(address, ir.IntType(64)(part * WORD))
        yield builder.inttoptr(place, _VECTOR.as_pointer())


def _picked(builder, vector, first, count):
    """Some neighbours out of a vector."""
    lanes = ir.Constant(ir.VectorType(ir.IntType(32), count), list(range(first, first + count)))
    return builder.shuffle_vector(vector, vector, lanes)


@intrinsic
def _add_scaled(context, target, source, factor):
    """target += factor * source over a stencil; addresses."""

    def build(context, builder, signature, arguments):
        target, source, factor = arguments
        one = builder.insert_element(ir.Constant(_VECTOR, ir.Undefined), factor, ir.IntType(32)(0))
        lanes = ir.Constant(ir.VectorType(ir.IntType(32), LANES), [0] * LANES)
        many = builder.shuffle_vector(one, one, lanes)
        for to, of in zip(_vectors(builder, target), _vectors(builder, source), strict=True):
            more = builder.fmul(many, builder.load(of, align=WORD), flags=_FAST)
            builder.store(builder.fadd(builder.load(to, align=WORD), more, flags=_FAST), to, align=WORD)
        return context.get_dummy_value()

    return types.void(types.int64, types.int64, types.float64), build


@intrinsic
def _sum_of_products(context, first, second):
    """The sum of first * second over a stencil; addresses."""

    def build(context, builder, signature, arguments):
        first, second = arguments
        total = ir.Constant(_VECTOR, [0.0] * LANES)
        for a, b in zip(_vectors(builder, first), _vectors(builder, second), strict=True):
            more = builder.fmul(builder.load(a, align=WORD), builder.load(b, align=WORD), flags=_FAST)
            total = builder.fadd(total, more, flags=_FAST)
        half = LANES
        while half > 1:
            half //= 2
            low, high = (_picked(builder, total, first, half) for first in (0, half))
            total = builder.fadd(low, high, flags=_FAST)
        return builder.extract_element(total, ir.IntType(32)(0))

    return types.float64(types.int64, types.int64), build


@_compile
def smooth(starts, kernels, tilted, columns, values, slopes):
    """Deposit `columns` (N, c) with the `kernels` (N, STENCIL) on nodes from `starts` (N,) on, and take them back: with
    the kernels into `values`; with their derivatives `tilted` (N, STENCIL) into `slopes`, if that has room.
    """
    particles, quantities = columns.shape
    first, last = starts[0], starts[0]
    for a in range(1, particles):
        first, last = min(first, starts[a]), max(last, starts[a])
    length = last - first + STENCIL
    if not STENCIL <= length <= MOST_NODES:
        values[:] = np.nan
        slopes[:] = np.nan
        return
    lines = np.zeros((quantities, length))
    data, line, stencil = lines.ctypes.data, WORD * length, WORD * STENCIL
    for a in range(particles):
        place, kernel = data + WORD * (starts[a] - first), kernels.ctypes.data + stencil * a
        for f in range(quantities):
            _add_scaled(place + line * f, kernel, columns[a, f])
    for a in range(particles):
        place, kernel = data + WORD * (starts[a] - first), kernels.ctypes.data + stencil * a
        for f in range(quantities):
            values[a, f] = _sum_of_products(place + line * f, kernel)
        if slopes.shape[0] > 0:
            tilt = tilted.ctypes.data + stencil * a
            for f in range(quantities):
                slopes[a, f] = _sum_of_products(place + line * f, tilt)
    keep(lines)


@numba.cfunc(types.int64(Frame), cache=True)
def _smooth_call(frame):
    if is_question(frame):
        return 0
    particles, quantities = argument_size(frame, 3, 0), argument_size(frame, 3, 1)
    smooth(
        numba.carray(argument(frame, 0, np.int64), particles),
        numba.carray(argument(frame, 1, np.float64), (particles, STENCIL)),
        numba.carray(argument(frame, 2, np.float64), (particles, STENCIL)),
        numba.carray(argument(frame, 3, np.float64), (particles, quantities)),
        numba.carray(result(frame, 0, np.float64), (particles, quantities)),
        numba.carray(result(frame, 1, np.float64), (result_size(frame, 1, 0), quantities)),
    )
    return 0


register("brackish_smooth", _smooth_call)
