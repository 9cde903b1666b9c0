"""The loop of `SpinOperator.apply_planes` for CPUs, in numba. Its meaning is in `quantum_operator.py`.

Each number that is not zero in the matrix of a pair adds a part of the state to another part. These are boxes of three
axes, before, between and behind the two spins; the innermost loop goes along the longest, or along the last if that is
long enough, for there numbers lie side by side.

This module imports numba: import it inside functions only.
"""

import numba
import numpy as np
from numba import types

from brackish.compiled import Frame, argument, argument_size, is_question, register, result

SIDE_BY_SIDE = 8  # numbers in a row that are worth a loop of their own

_compile = numba.njit(fastmath={"contract", "nsz"}, error_model="numpy", cache=True)


@_compile
def _add(out, to, state, of, count, step, factor):
    """Add a row of numbers, a `step` apart, to another row."""
    if step == 1:
        target, source = out[to : to + count], state[of : of + count]
        for k in range(count):
            target[k] += factor * source[k]
    else:
        rare, far = out[to : to + count * step : step], state[of : of + count * step : step]
        for k in range(count):
            rare[k] += factor * far[k]


@_compile
def _add_complex(out, to, state, of, count, step, real, imaginary):
    """The same for a complex factor; imaginary parts of all numbers lie behind all real parts."""
    plane = state.size // 2
    if real != 0.0:
        _add(out, to, state, of, count, step, real)
        _add(out, plane + to, state, plane + of, count, step, real)
    if imaginary != 0.0:
        _add(out, to, state, plane + of, count, step, -imaginary)
        _add(out, plane + to, state, of, count, step, imaginary)


@_compile
def apply_spin_operator(shapes, real, imaginary, state, out):
    """out = sum over terms of a matrix on two axes of the state.

    `shapes` (M, 5): the lengths before the first axis, of it, between, of the second, and behind. `real`, `imaginary`
    (M, d, d, d, d). `state`, `out`: (2 D r,), real parts before imaginary ones.
    """
    out[:] = 0.0
    largest = real.shape[1] ** 4
    to, of = np.empty(largest, np.int64), np.empty(largest, np.int64)
    parts = np.empty((largest, 2))
    for term in range(shapes.shape[0]):
        before, first, between, second, behind = shapes[term]
        step_between = second * behind
        step_first = between * step_between
        step_before = first * step_first
        entries = 0
        for x in range(first):
            for y in range(second):
                for u in range(first):
                    for v in range(second):
                        a, b = real[term, x, y, u, v], imaginary[term, x, y, u, v]
                        if a != 0.0 or b != 0.0:
                            to[entries], of[entries] = (
                                x * step_first + y * behind,
                                u * step_first + v * behind,
                            )
                            parts[entries, 0], parts[entries, 1] = a, b
                            entries += 1
        # two loops outside, one inside: lengths and steps
        if behind >= SIDE_BY_SIDE or (behind >= before and behind >= between):
            n, step_n, m, step_m, count, step = before, step_before, between, step_between, behind, 1
        elif between >= before:
            n, step_n, m, step_m, count, step = before, step_before, behind, 1, between, step_between
        else:
            n, step_n, m, step_m, count, step = between, step_between, behind, 1, before, step_before
        for outer in range(n):
            for e in range(entries):
                for middle in range(m):
                    base = outer * step_n + middle * step_m
                    _add_complex(
                        out, base + to[e], state, base + of[e], count, step, parts[e, 0], parts[e, 1]
                    )


@numba.cfunc(types.int64(Frame), cache=True)
def _apply_call(frame):
    if is_question(frame):
        return 0
    terms, largest = argument_size(frame, 1, 0), argument_size(frame, 1, 1)
    shape = (terms, largest, largest, largest, largest)
    numbers = 2 * argument_size(frame, 3, 1) * argument_size(frame, 3, 2)
    apply_spin_operator(
        numba.carray(argument(frame, 0, np.int64), (terms, 5)),
        numba.carray(argument(frame, 1, np.float64), shape),
        numba.carray(argument(frame, 2, np.float64), shape),
        numba.carray(argument(frame, 3, np.float64), numbers),
        numba.carray(result(frame, 0, np.float64), numbers),
    )
    return 0


register("brackish_apply_spin_operator", _apply_call)
