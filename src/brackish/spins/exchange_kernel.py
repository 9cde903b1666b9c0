"""The loops of `turning.py` for large magnets on CPUs, in numba. Their meaning is there.

Directions lie as (N, 3) in memory, so that a partner is one line of the cache; each spin is looked at once, from its
partners to its angular velocity.

This module imports numba: import it inside functions only.
"""

import math

import numba
import numpy as np
from numba import types

from brackish.compiled import Frame, argument, argument_size, is_question, register, result

LARGEST_ANGLE = 1.0  # radians of a step, up to which nine terms of a series are exact to round-off
_BATCH = 64  # spins whose numbers fit the nearest cache
_SINES, _COSINES = (
    tuple((-1) ** k / math.factorial(2 * k + first) for k in range(9)) for first in (1, 2)
)  # sin(x)/x and (1 - cos(x))/x^2 in powers of x^2

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
def rotate(n, first, second, duration, out):
    """Rotations by the mean of two angular velocities. A batch of spins at a time lies component by component, so that
    vectors can be used: for n + sine n x h + cosine (n x h) x h at unit length, with large angles once more.
    """
    half, a, b = 0.5 * duration, _SINES, _COSINES
    u, v, w, squared = np.empty(_BATCH), np.empty(_BATCH), np.empty(_BATCH), np.empty(_BATCH)
    p, q, r = np.empty(_BATCH), np.empty(_BATCH), np.empty(_BATCH)
    sine, cosine = np.empty(_BATCH), np.empty(_BATCH)
    for start in range(0, n.shape[0], _BATCH):
        count = min(_BATCH, n.shape[0] - start)
        for i in range(count):
            u[i] = half * (first[start + i, 0] + second[start + i, 0])
            v[i] = half * (first[start + i, 1] + second[start + i, 1])
            w[i] = half * (first[start + i, 2] + second[start + i, 2])
            p[i], q[i], r[i] = n[start + i, 0], n[start + i, 1], n[start + i, 2]
        for i in range(count):
            s = u[i] * u[i] + v[i] * v[i] + w[i] * w[i]
            sine[i] = a[0] + s * (
                a[1] + s * (a[2] + s * (a[3] + s * (a[4] + s * (a[5] + s * (a[6] + s * (a[7] + s * a[8]))))))
            )
            cosine[i] = b[0] + s * (
                b[1] + s * (b[2] + s * (b[3] + s * (b[4] + s * (b[5] + s * (b[6] + s * (b[7] + s * b[8]))))))
            )
            squared[i] = s
        for i in range(count):
            if squared[i] > LARGEST_ANGLE**2:
                angle = np.sqrt(squared[i])
                sine[i] = np.sin(angle) / angle
                cosine[i] = 2 * (np.sin(0.5 * angle) / angle) ** 2
        for i in range(count):
            x = q[i] * w[i] - r[i] * v[i]
            y = r[i] * u[i] - p[i] * w[i]
            z = p[i] * v[i] - q[i] * u[i]
            f = p[i] + sine[i] * x + cosine[i] * (y * w[i] - z * v[i])
            g = q[i] + sine[i] * y + cosine[i] * (z * u[i] - x * w[i])
            h = r[i] + sine[i] * z + cosine[i] * (x * v[i] - y * u[i])
            size = 1.5 - 0.5 * (f * f + g * g + h * h)
            u[i], v[i], w[i] = size * f, size * g, size * h
        for i in range(count):
            out[start + i, 0], out[start + i, 1], out[start + i, 2] = u[i], v[i], w[i]


_SINE, _COSINE = (
    tuple(
        np.polynomial.Chebyshev.interpolate(function, 9, [0, 0.25])
        .convert(kind=np.polynomial.Polynomial)
        .coef
    )
    for function in (lambda s: 2 * np.pi * np.sinc(2 * np.sqrt(s)), lambda s: np.cos(2 * np.pi * np.sqrt(s)))
)  # sin(2 pi f)/f and cos(2 pi f) in powers of f^2, up to f = 1/2

_ONE = np.int64(0x3FF0000000000000)  # the bits of 1.0
_ROOT = np.int64(0x3FE6A09E667F3BCD)  # of the square root of 1/2
_WHOLE = np.int64(
    0x4338000000000000
)  # of 3 * 2^51: with a whole number added to its bits it is that much larger


# no sums in another order: exponents are told from their bits by rounding
@numba.njit(fastmath={"contract", "nsz", "nnan"}, error_model="numpy", cache=True)
def normals(bits, out):
    """Deviates of Box and Muller, without a call: logarithm, sine and cosine by series, so that vectors can be used."""
    pairs = bits.shape[0]
    radius, angle, exponent = np.empty(_BATCH), np.empty(_BATCH), np.empty(_BATCH)
    radius_bits, angle_bits, exponent_bits = (
        radius.view(np.int64),
        angle.view(np.int64),
        exponent.view(np.int64),
    )
    for start in range(0, pairs, _BATCH):
        count = min(_BATCH, pairs - start)
        for i in range(count):
            word = np.int64(bits[start + i])
            radius_bits[i] = ((word >> 12) & np.int64(0x000FFFFFFFF00000)) | _ONE | np.int64(0x80000)
            angle_bits[i] = ((word & np.int64(0xFFFFFFFF)) << 20) | _ONE
        for i in range(count):
            radius[i] -= 1.0
        for i in range(count):
            power = (radius_bits[i] - _ROOT) >> 52
            exponent_bits[i] = power + _WHOLE
            radius_bits[i] -= power << 52
        for i in range(count):
            s = (radius[i] - 1) / (radius[i] + 1)
            z = s * s
            series = 1 / 7 + z * (1 / 9 + z * (1 / 11 + z * (1 / 13 + z / 15)))
            logarithm = 2 * s * (1 + z * (1 / 3 + z * (1 / 5 + z * series)))
            size = -np.sqrt(-2 * ((exponent[i] - 6755399441055744.0) * 0.6931471805599453 + logarithm))
            f = angle[i] - 1.5
            z = f * f
            sine, cosine = _SINE[9], _COSINE[9]
            for k in range(8, -1, -1):
                sine = _SINE[k] + z * sine
                cosine = _COSINE[k] + z * cosine
            out[start + i] = size * cosine
            out[pairs + start + i] = size * f * sine


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


@numba.cfunc(types.int64(Frame), cache=True)
def _normals_call(frame):
    if is_question(frame):
        return 0
    pairs = argument_size(frame, 0, 0)
    normals(
        numba.carray(argument(frame, 0, np.uint64), pairs),
        numba.carray(result(frame, 0, np.float64), 2 * pairs),
    )
    return 0


register("brackish_normals", _normals_call)
register("brackish_turn_by_exchange", _turn_by_exchange_call)
register("brackish_turn_by_all", _turn_by_all_call)
register("brackish_rotate", _rotate_call)
