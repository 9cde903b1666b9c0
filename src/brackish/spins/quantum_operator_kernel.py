"""The loop of `SpinOperator.apply` for CPUs, in numba. Its meaning is in `quantum_operator.py`.

This module imports numba: import it inside functions only.
"""

import numba
import numpy as np
from numba import types

from brackish.compiled import Frame, argument, argument_size, is_question, register, result

_compile = numba.njit(fastmath={"contract", "nsz"}, error_model="numpy", cache=True)


@_compile
def apply_spin_operator(shapes, matrices, state, out):
    """out = sum over terms of a matrix on two axes of the state; numbers are pairs of real and imaginary parts.

    `shapes` (M, 5): the lengths before the first axis, of it, between, of the second, and behind. `matrices` (M, d, d,
    d, d, 2). `state`, `out`: (2 D r,).
    """
    out[:] = 0.0
    for term in range(shapes.shape[0]):
        before, first, between, second, behind = shapes[term]
        run = 2 * behind
        step_second = run
        step_between = step_second * second
        step_first = step_between * between
        step_before = step_first * first
        for x in range(first):
            for y in range(second):
                to = x * step_first + y * step_second
                for u in range(first):
                    for v in range(second):
                        real = matrices[term, x, y, u, v, 0]
                        imaginary = matrices[term, x, y, u, v, 1]
                        if real == 0.0 and imaginary == 0.0:
                            continue
                        of = u * step_first + v * step_second
                        for outer in range(before):
                            for middle in range(between):
                                base = outer * step_before + middle * step_between
                                a, b = base + to, base + of
                                if imaginary == 0.0:
                                    for k in range(run):
                                        out[a + k] += real * state[b + k]
                                else:
                                    for k in range(0, run, 2):
                                        s, t = state[b + k], state[b + k + 1]
                                        out[a + k] += real * s - imaginary * t
                                        out[a + k + 1] += real * t + imaginary * s


@numba.cfunc(types.int64(Frame), cache=True)
def _apply_call(frame):
    if is_question(frame):
        return 0
    terms, largest = argument_size(frame, 1, 0), argument_size(frame, 1, 1)
    numbers = 2 * argument_size(frame, 2, 0) * argument_size(frame, 2, 1)
    apply_spin_operator(
        numba.carray(argument(frame, 0, np.int64), (terms, 5)),
        numba.carray(argument(frame, 1, np.float64), (terms, largest, largest, largest, largest, 2)),
        numba.carray(argument(frame, 2, np.float64), numbers),
        numba.carray(result(frame, 0, np.float64), numbers),
    )
    return 0


register("brackish_apply_spin_operator", _apply_call)
