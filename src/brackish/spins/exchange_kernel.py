"""The loops of `turning.py` for large magnets on CPUs, in numba. Their meaning is there.

Directions lie as (N, 3) in memory, so that a partner is one line of the cache; each spin is looked at once, from its
partners to its angular velocity.

This module imports numba: import it inside functions only.
"""

import numba
import numpy as np
from numba import types

from brackish.compiled import Frame, argument, argument_size, is_question, register, result

LARGEST_ANGLE = 1.0  # radians of a step, up to which seven terms of a series are exact to round-off

_compile = numba.njit(
    fastmath={"contract", "reassoc", "nsz", "arcp", "nnan"}, error_model="numpy", cache=True
)


@_compile
def _damped(n, i, x, y, z, along, across, out):
    """out_i = along * (x, y, z) - across * n_i x (x, y, z)."""
    u, v, w = n[i, 0], n[i, 1], n[i, 2]
    out[i, 0] = along * x - across * (v * z - w * y)
    out[i, 1] = along * y - across * (w * x - u * z)
    out[i, 2] = along * z - across * (u * y - v * x)


@_compile
def turn_by_exchange(site, exchange, field, n, along, across, out):
    """Angular velocities where spins have exchange and a field alone."""
    spins, partners = site.shape
    for i in range(spins):
        x, y, z = field[i, 0], field[i, 1], field[i, 2]
        for k in range(partners):
            j, coupling = site[i, k], exchange[i, k]
            x += coupling * n[j, 0]
            y += coupling * n[j, 1]
            z += coupling * n[j, 2]
        _damped(n, i, x, y, z, along, across, out)


@_compile
def turn_by_all(site, matrix, axis, uniaxial, cubic_axes, cubic, field, n, along, across, out):
    """Angular velocities with matrices on the bonds and crystal fields."""
    spins, partners = site.shape
    for i in range(spins):
        x, y, z = field[i, 0], field[i, 1], field[i, 2]
        for k in range(partners):
            j, coupling = site[i, k], matrix[i, k]
            u, v, w = n[j, 0], n[j, 1], n[j, 2]
            x += coupling[0, 0] * u + coupling[0, 1] * v + coupling[0, 2] * w
            y += coupling[1, 0] * u + coupling[1, 1] * v + coupling[1, 2] * w
            z += coupling[2, 0] * u + coupling[2, 1] * v + coupling[2, 2] * w
        u, v, w = n[i, 0], n[i, 1], n[i, 2]
        size = uniaxial[i] * (u * axis[i, 0] + v * axis[i, 1] + w * axis[i, 2])
        x += size * axis[i, 0]
        y += size * axis[i, 1]
        z += size * axis[i, 2]
        for a in range(3):
            size = cubic[i] * (u * cubic_axes[a, 0] + v * cubic_axes[a, 1] + w * cubic_axes[a, 2]) ** 3
            x += size * cubic_axes[a, 0]
            y += size * cubic_axes[a, 1]
            z += size * cubic_axes[a, 2]
        _damped(n, i, x, y, z, along, across, out)


@_compile
def _rotated(n, i, u, v, w, sine, cosine, out):
    """out_i = n_i + sine * n_i x h + cosine * (n_i x h) x h for h = (u, v, w), at unit length."""
    p, q, r = n[i, 0], n[i, 1], n[i, 2]
    x, y, z = q * w - r * v, r * u - p * w, p * v - q * u
    p += sine * x + cosine * (y * w - z * v)
    q += sine * y + cosine * (z * u - x * w)
    r += sine * z + cosine * (x * v - y * u)
    size = 1.5 - 0.5 * (p * p + q * q + r * r)
    out[i, 0], out[i, 1], out[i, 2] = size * p, size * q, size * r


@_compile
def rotate(n, first, second, duration, out):
    """Rotations by the mean of two angular velocities: first by a series; where an angle is large, again by sine and
    cosine.
    """
    half = 0.5 * duration
    largest = 0.0
    for i in range(n.shape[0]):
        u = half * (first[i, 0] + second[i, 0])
        v = half * (first[i, 1] + second[i, 1])
        w = half * (first[i, 2] + second[i, 2])
        s = u * u + v * v + w * w
        largest = max(largest, s)
        sine = 1 + s * (
            -1 / 6 + s * (1 / 120 + s * (-1 / 5040 + s * (1 / 362880 + s * (-1 / 39916800 + s / 6227020800))))
        )
        cosine = 0.5 + s * (
            -1 / 24
            + s * (1 / 720 + s * (-1 / 40320 + s * (1 / 3628800 + s * (-1 / 479001600 + s / 87178291200))))
        )
        _rotated(n, i, u, v, w, sine, cosine, out)
    if largest <= LARGEST_ANGLE**2:
        return
    for i in range(n.shape[0]):
        u = half * (first[i, 0] + second[i, 0])
        v = half * (first[i, 1] + second[i, 1])
        w = half * (first[i, 2] + second[i, 2])
        s = u * u + v * v + w * w
        if s > LARGEST_ANGLE**2:
            angle = np.sqrt(s)
            _rotated(n, i, u, v, w, np.sin(angle) / angle, 2 * (np.sin(0.5 * angle) / angle) ** 2, out)


@numba.cfunc(types.int64(Frame), cache=True)
def _turn_by_exchange_call(frame):
    if is_question(frame):
        return 0
    spins, partners = argument_size(frame, 0, 0), argument_size(frame, 0, 1)
    turn_by_exchange(
        numba.carray(argument(frame, 0, np.int64), (spins, partners)),
        numba.carray(argument(frame, 1, np.float64), (spins, partners)),
        numba.carray(argument(frame, 2, np.float64), (spins, 3)),
        numba.carray(argument(frame, 3, np.float64), (spins, 3)),
        argument(frame, 4, np.float64)[0],
        argument(frame, 5, np.float64)[0],
        numba.carray(result(frame, 0, np.float64), (spins, 3)),
    )
    return 0


@numba.cfunc(types.int64(Frame), cache=True)
def _turn_by_all_call(frame):
    if is_question(frame):
        return 0
    spins, partners = argument_size(frame, 0, 0), argument_size(frame, 0, 1)
    turn_by_all(
        numba.carray(argument(frame, 0, np.int64), (spins, partners)),
        numba.carray(argument(frame, 1, np.float64), (spins, partners, 3, 3)),
        numba.carray(argument(frame, 2, np.float64), (spins, 3)),
        numba.carray(argument(frame, 3, np.float64), spins),
        numba.carray(argument(frame, 4, np.float64), (3, 3)),
        numba.carray(argument(frame, 5, np.float64), spins),
        numba.carray(argument(frame, 6, np.float64), (spins, 3)),
        numba.carray(argument(frame, 7, np.float64), (spins, 3)),
        argument(frame, 8, np.float64)[0],
        argument(frame, 9, np.float64)[0],
        numba.carray(result(frame, 0, np.float64), (spins, 3)),
    )
    return 0


@numba.cfunc(types.int64(Frame), cache=True)
def _rotate_call(frame):
    if is_question(frame):
        return 0
    spins = argument_size(frame, 0, 0)
    rotate(
        numba.carray(argument(frame, 0, np.float64), (spins, 3)),
        numba.carray(argument(frame, 1, np.float64), (spins, 3)),
        numba.carray(argument(frame, 2, np.float64), (spins, 3)),
        argument(frame, 3, np.float64)[0],
        numba.carray(result(frame, 0, np.float64), (spins, 3)),
    )
    return 0


register("brackish_turn_by_exchange", _turn_by_exchange_call)
register("brackish_turn_by_all", _turn_by_all_call)
register("brackish_rotate", _rotate_call)
