"""The two loops of `deposit` and `gather` for CPUs, in numba. Their meaning is in `deposit.py`.

A particle touches 2 h + 1 nodes along each axis. Its stencil is walked row by row along the last axis, where nodes are
neighbours in memory and the fields of a node lie side by side, eight to a vector. Gaussians on equidistant
nodes need two exponentials an axis; the rest are products. Scratch memory is used through bare pointers: numba then
neither checks the sign of an index nor multiplies by strides.

This module imports numba: import it inside functions only.
"""

import math

import numba
import numpy as np
from llvmlite import ir
from numba import types
from numba.core import cgutils
from numba.extending import intrinsic

from brackish.compiled import (
    Frame,
    argument,
    argument_size,
    is_question,
    keep,
    pointer,
    register,
    result,
    result_size,
)

EMPTY = -1
SCATTER = 0x1E3779B97F4A7C15  # any odd number of this size: keys that are neighbours are to lie far apart
LARGEST_INDEX = 2.0**30
LANES = 8  # numbers in a vector
WORD = 8  # bytes of a number

_compile = numba.njit(fastmath={"contract", "reassoc", "nsz", "arcp"}, error_model="numpy", cache=True)
_VECTOR = ir.VectorType(ir.DoubleType(), LANES)


def _load(builder, address):
    return builder.load(builder.inttoptr(address, _VECTOR.as_pointer()), align=WORD)


def _store(builder, value, address):
    builder.store(value, builder.inttoptr(address, _VECTOR.as_pointer()), align=WORD)


def _sum_of_products(builder, total, first, second):
    product = builder.fmul(first, second, flags=("contract",))
    return builder.fadd(total, product, flags=("contract",))


@intrinsic
def _add_run(context, target, source, weight, count, stride):
    """target += weight * source, eight fields of `count` nodes; addresses, nodes `stride` bytes apart."""

    def build(context, builder, signature, arguments):
        target, source, weight, count, stride = arguments
        factor = _load(builder, weight)
        with cgutils.for_range(builder, count) as loop:
            here = builder.mul(loop.index, stride)
            to, of = builder.add(target, here), builder.add(source, here)
            _store(builder, _sum_of_products(builder, _load(builder, to), factor, _load(builder, of)), to)
        return context.get_dummy_value()

    return types.void(*[types.int64] * 5), build


@intrinsic
def _two_sums(context, source, first, second, count, stride, into):
    """Sums of source * first and of source * second over `count` nodes, eight fields of each, added to the eight
    numbers at `into`; addresses.
    """

    def build(context, builder, signature, arguments):
        source, first, second, count, stride, into = arguments
        places = (into, builder.add(into, ir.IntType(64)(LANES * WORD)))
        totals = [cgutils.alloca_once_value(builder, _load(builder, place)) for place in places]
        with cgutils.for_range(builder, count) as loop:
            here = builder.mul(loop.index, stride)
            values = _load(builder, builder.add(source, here))
            for total, factors in zip(totals, (first, second), strict=True):
                more = _load(builder, builder.add(factors, here))
                builder.store(_sum_of_products(builder, builder.load(total), values, more), total)
        for total, place in zip(totals, places, strict=True):
            _store(builder, builder.load(total), place)
        return context.get_dummy_value()

    return types.void(*[types.int64] * 6), build


@numba.njit
def _numbers(array):
    """An array as a bare pointer."""
    return pointer(array.ctypes.data, np.float64)


@_compile
def _place(key, keys):
    """The place of a key in an open-addressing table: where it stands, or where it may be put."""
    mask = keys.shape[0] - 1
    place = ((key * SCATTER) >> 24) & mask
    while keys[place] != EMPTY and keys[place] != key:
        place = (place + 1) & mask
    return place


@_compile
def _lay_out(a, positions, spacing, width, falls, reach, kernel, start):
    """The kernel of particle a and its first two derivatives on the nodes of its stencil, along each axis: `kernel` is
    (axes, 3, 2 h + 1) as a pointer. The first node along each axis into `start`. False if the particle is out of range.
    """
    stencil = 2 * reach + 1
    for axis in range(positions.shape[1]):
        scaled = positions[a, axis] / spacing[axis]
        if not abs(scaled) < LARGEST_INDEX:
            return False
        centre = math.floor(scaled + 0.5)
        start[axis] = int(centre) - reach
        values, slopes, bends = (3 * axis) * stencil, (3 * axis + 1) * stencil, (3 * axis + 2) * stencil
        inverse = 1.0 / (width[axis] * width[axis])
        distance = centre * spacing[axis] - positions[a, axis]
        middle = math.exp(-0.5 * distance * distance * inverse) / (math.sqrt(2 * math.pi) * width[axis])
        up_ratio = math.exp(-distance * spacing[axis] * inverse)
        down_ratio = 1.0 / up_ratio
        fall = falls[axis]
        kernel[values + reach] = middle
        up, down, falling = middle, middle, fall
        for k in range(1, reach + 1):
            up *= up_ratio * falling
            down *= down_ratio * falling
            falling *= fall * fall
            kernel[values + reach + k] = up
            kernel[values + reach - k] = down
        for k in range(stencil):
            x = distance + (k - reach) * spacing[axis]
            value = kernel[values + k]
            kernel[slopes + k] = -x * inverse * value
            kernel[bends + k] = (x * x * inverse - 1.0) * inverse * value
    return True


@_compile
def _rows_of_stencil(reach, axes):
    """All rows of a stencil, counted from the first along each outer axis, (rows, axes - 1); the last of them
    fastest.
    """
    stencil = 2 * reach + 1
    rows = np.empty((stencil ** (axes - 1), axes - 1), np.int64)
    for number in range(rows.shape[0]):
        rest = number
        for axis in range(axes - 2, -1, -1):
            rows[number, axis] = rest % stencil
            rest //= stencil
    return rows


@_compile
def _weigh_rows(picks, derivative, kernel, first_of, padded, weights):
    """For each row and field the product of the kernel's outer factors, differentiated once more along outer axis
    `derivative` - 1: (rows, fields) from `weights` on. All rows before any is used: a vector that is read where single
    numbers have just been written makes a processor wait.
    """
    _, kinds, rows, axes = picks.shape
    for kind in range(kinds):
        for row in range(rows):
            weight = kernel[picks[derivative, kind, row, 0]]
            for axis in range(1, axes):
                weight *= kernel[picks[derivative, kind, row, axis]]
            for f in range(first_of[kind], first_of[kind + 1]):
                weights[row * padded + f] = weight


@_compile
def _picks(rows, orders, first_of, stencil):
    """Where in `kernel` the factors of a row's weight stand: (derivatives, kinds of orders, rows, outer axes)."""
    picks = np.empty((orders.shape[1], first_of.shape[0] - 1, rows.shape[0], rows.shape[1]), np.int64)
    for derivative in range(picks.shape[0]):
        for kind in range(picks.shape[1]):
            for axis in range(picks.shape[3]):
                order = orders[first_of[kind], axis] + (1 if derivative == axis + 1 else 0)
                picks[derivative, kind, :, axis] = (3 * axis + order) * stencil + rows[:, axis]
    return picks


@_compile
def _first_of_kinds(orders):
    """Where, among the fields, new orders along the outer axes begin; and the number of fields."""
    first_of = np.empty(orders.shape[0] + 1, np.int64)
    kinds = 0
    for f in range(orders.shape[0]):
        if f == 0 or np.any(orders[f, :-1] != orders[f - 1, :-1]):
            first_of[kinds] = f
            kinds += 1
    first_of[kinds] = orders.shape[0]
    return first_of[: kinds + 1]


@_compile
def _reserve(positions, spacing, reach, edge, rows, origins, fields, slots):
    """Find all rows that particles touch, and lay their tiles one behind the other, so that every row is one stretch of
    memory. Into `slots` the node, counted in the whole store, where each row of each stencil begins; -1 if there is no
    room. Returns the number of tiles needed.
    """
    particles, axes = positions.shape
    capacity, last = origins.shape[0], axes - 1
    most_rows = capacity // 2 + 1 if 2 * reach + 1 > edge else capacity  # of at least two tiles each
    table = 1
    while table < 2 * most_rows:
        table *= 2
    keys, row_of_key = np.full(table, EMPTY, np.int64), np.empty(table, np.int32)
    lowest, highest = np.empty(most_rows, np.int64), np.empty(most_rows, np.int64)
    outer = np.empty((most_rows, last), np.int64)
    start = np.empty(axes, np.int64)
    bits = 60 // last
    used, overflow = 0, 0
    for a in range(particles):
        inside = True
        for axis in range(axes):
            scaled = positions[a, axis] / spacing[axis]
            inside = inside and abs(scaled) < LARGEST_INDEX
            start[axis] = math.floor(scaled + 0.5) - reach if inside else 0
        if not inside:
            slots[a, :] = EMPTY
            continue
        low, high = start[last] // edge, (start[last] + 2 * reach) // edge
        for number in range(rows.shape[0]):
            key = 0
            for axis in range(last):
                key |= ((start[axis] + rows[number, axis]) & ((1 << bits) - 1)) << (bits * axis)
            place = _place(key, keys)
            if keys[place] == EMPTY:
                if used == most_rows:
                    overflow += 1
                    slots[a, number] = EMPTY
                    continue
                keys[place], row_of_key[place] = key, used
                lowest[used], highest[used] = low, high
                for axis in range(last):
                    outer[used, axis] = start[axis] + rows[number, axis]
                used += 1
            row = row_of_key[place]
            lowest[row], highest[row] = min(lowest[row], low), max(highest[row], high)
            slots[a, number] = row
    needed = overflow
    first_tile = np.empty(used, np.int64)
    for row in range(used):
        first_tile[row] = needed if needed + highest[row] - lowest[row] < capacity else EMPTY
        if first_tile[row] != EMPTY:
            for tile in range(highest[row] - lowest[row] + 1):
                for axis in range(last):
                    origins[needed + tile, axis] = outer[row, axis]
                origins[needed + tile, last] = (lowest[row] + tile) * edge
        needed += highest[row] - lowest[row] + 1
    for a in range(particles):
        for number in range(rows.shape[0]):
            row = np.int64(slots[a, number])
            if row != EMPTY:
                node = math.floor(positions[a, last] / spacing[last] + 0.5) - reach - lowest[row] * edge
                slots[a, number] = first_tile[row] * edge + node if first_tile[row] != EMPTY else EMPTY
    fields[: min(needed, capacity)] = 0.0
    return needed


@_compile
def deposit(positions, values, spacing, width, reach, orders, fields, origins, count, slots):
    """See `deposit.deposit`. Results are written into the last four arguments."""
    particles, axes = positions.shape
    edge, padded = fields.shape[1], fields.shape[2]
    quantities, last, stencil = orders.shape[0], axes - 1, 2 * reach + 1
    rows, first_of = _rows_of_stencil(reach, axes), _first_of_kinds(orders)
    picks = _picks(rows, orders, first_of, stencil)
    count[0] = _reserve(positions, spacing, reach, edge, rows, origins, fields, slots)
    start, falls = np.empty(axes, np.int64), np.exp(-0.5 * (spacing / width) ** 2)
    kernels, lines, row_weights = (
        np.empty(axes * 3 * stencil),
        np.zeros(stencil * padded),
        np.zeros(rows.shape[0] * padded),
    )
    kernel, line, weights = _numbers(kernels), _numbers(lines), _numbers(row_weights)
    stride, data, source, weight = (
        WORD * padded,
        fields.ctypes.data,
        lines.ctypes.data,
        row_weights.ctypes.data,
    )
    for a in range(particles):
        if not _lay_out(a, positions, spacing, width, falls, reach, kernel, start):
            continue
        for f in range(quantities):
            along = (3 * last + orders[f, last]) * stencil
            for k in range(stencil):
                line[k * padded + f] = values[a, f] * kernel[along + k]
        _weigh_rows(picks, 0, kernel, first_of, padded, weights)
        for row in range(rows.shape[0]):
            node = np.int64(slots[a, row])
            if node != EMPTY:
                for part in range(0, stride, LANES * WORD):
                    _add_run(
                        data + stride * node + part,
                        source + part,
                        weight + stride * row + part,
                        stencil,
                        stride,
                    )
    keep(kernels)
    keep(lines)
    keep(row_weights)


@_compile
def gather(positions, values, spacing, width, reach, orders, fields, slots, by_position, by_value):
    """See `deposit.gather`. Results are written into the last two arguments.

    Each row gives two sums for each field: over the kernel along the last axis, and over its derivative. Those of all
    rows are added up with the outer factors: as they are, and differentiated along each outer axis.
    """
    particles, axes = positions.shape
    padded = fields.shape[2]
    quantities, last, stencil = orders.shape[0], axes - 1, 2 * reach + 1
    rows, first_of = _rows_of_stencil(reach, axes), _first_of_kinds(orders)
    picks = _picks(rows, orders, first_of, stencil)
    start, falls = np.empty(axes, np.int64), np.exp(-0.5 * (spacing / width) ** 2)
    kernels, all_lines = np.empty(axes * 3 * stencil), np.zeros(2 * stencil * padded)
    all_weights = np.zeros((axes, rows.shape[0] * padded))
    all_of_row, all_sums = np.zeros(2 * padded), np.empty((axes + 1) * padded)
    kernel, lines, weight_data = _numbers(kernels), _numbers(all_lines), all_weights.ctypes.data
    of_row, sums = _numbers(all_of_row), _numbers(all_sums)
    stride, data, first = WORD * padded, fields.ctypes.data, all_lines.ctypes.data
    for a in range(particles):
        if not _lay_out(a, positions, spacing, width, falls, reach, kernel, start):
            by_position[a, :] = np.nan
            by_value[a, :] = np.nan
            continue
        for f in range(quantities):
            along = (3 * last + orders[f, last]) * stencil
            for k in range(stencil):
                lines[k * padded + f] = kernel[along + k]
                lines[(stencil + k) * padded + f] = kernel[along + stencil + k]
        for k in range((axes + 1) * padded):
            sums[k] = 0.0
        for m in range(axes):
            _weigh_rows(picks, m, kernel, first_of, padded, _numbers(all_weights[m]))
        for row in range(rows.shape[0]):
            node = np.int64(slots[a, row])
            if node == EMPTY:
                continue
            for k in range(2 * padded):
                of_row[k] = 0.0
            for part in range(0, stride, LANES * WORD):
                value = all_of_row.ctypes.data + 2 * part
                second = first + stencil * stride
                _two_sums(data + stride * node + part, first + part, second + part, stencil, stride, value)
                # m = 0: the sum itself; then its derivatives along the outer axes; the last: along the last axis
                for m in range(axes + 1):
                    weight = weight_data + part + stride * ((m if m < axes else 0) * rows.shape[0] + row)
                    source = value if m < axes else value + LANES * WORD
                    _add_run(all_sums.ctypes.data + stride * m + part, source, weight, 1, stride)
        for axis in range(axes):
            by_position[a, axis] = 0.0
        for f in range(quantities):
            by_value[a, f] = sums[f]
            for axis in range(axes):
                by_position[a, axis] -= values[a, f] * sums[(axis + 1) * padded + f]
    keep(kernels)
    keep(all_lines)


@numba.cfunc(types.int64(Frame), cache=True)
def _deposit_call(frame):
    if is_question(frame):
        return 0
    particles, axes = argument_size(frame, 0, 0), argument_size(frame, 0, 1)
    quantities = argument_size(frame, 1, 1)
    room = (result_size(frame, 0, 0), result_size(frame, 0, 1), result_size(frame, 0, 2))
    deposit(
        numba.carray(argument(frame, 0, np.float64), (particles, axes)),
        numba.carray(argument(frame, 1, np.float64), (particles, quantities)),
        numba.carray(argument(frame, 2, np.float64), axes),
        numba.carray(argument(frame, 3, np.float64), axes),
        argument(frame, 4, np.int64)[0],
        numba.carray(argument(frame, 5, np.int64), (quantities, axes)),
        numba.carray(result(frame, 0, np.float64), room),
        numba.carray(result(frame, 1, np.int64), (room[0], axes)),
        numba.carray(result(frame, 2, np.int64), 1),
        numba.carray(result(frame, 3, np.int32), (particles, result_size(frame, 3, 1))),
    )
    return 0


@numba.cfunc(types.int64(Frame), cache=True)
def _gather_call(frame):
    if is_question(frame):
        return 0
    particles, axes = argument_size(frame, 0, 0), argument_size(frame, 0, 1)
    quantities = argument_size(frame, 1, 1)
    room = (argument_size(frame, 6, 0), argument_size(frame, 6, 1), argument_size(frame, 6, 2))
    gather(
        numba.carray(argument(frame, 0, np.float64), (particles, axes)),
        numba.carray(argument(frame, 1, np.float64), (particles, quantities)),
        numba.carray(argument(frame, 2, np.float64), axes),
        numba.carray(argument(frame, 3, np.float64), axes),
        argument(frame, 4, np.int64)[0],
        numba.carray(argument(frame, 5, np.int64), (quantities, axes)),
        numba.carray(argument(frame, 6, np.float64), room),
        numba.carray(argument(frame, 7, np.int32), (particles, argument_size(frame, 7, 1))),
        numba.carray(result(frame, 0, np.float64), (particles, axes)),
        numba.carray(result(frame, 1, np.float64), (particles, quantities)),
    )
    return 0


register("brackish_deposit", _deposit_call)
register("brackish_gather", _gather_call)
