r"""The unitary $e^{-i\hat H\,\delta t}$ of a small Hermitian matrix, acting on a state.

Two levels: closed form, $e^{-i\bar H\delta t}\,[\cos(\Omega\delta t)-i\,\hat h\,\sin(\Omega\delta t)/\Omega]$ with
$\hat h=\hat H-\bar H$ and $\Omega=|\hat h|$. More levels: a Taylor series of an order that round-off cannot tell from the
exponential, over as many equal parts as the norm of $\hat H\,\delta t$ asks for.
"""

import jax.numpy as jnp
from jax import lax

from brackish.quantum.eigen import eigensystem
from brackish.quantum.small import apply, dagger, product
from brackish.typing import Array, Complex, Inexact

TAYLOR_ORDER = 18
EIGEN_FROM = 12


def propagate(matrix: Inexact[Array, "d d"], psi: Complex[Array, " d"], duration) -> Complex[Array, " d"]:
    """The state exp(-i H duration) psi, shape (d,), with its norm kept to round-off. `duration` times H is dimensionless."""
    levels = matrix.shape[-1]
    if levels == 1:
        return psi * jnp.exp(-1j * matrix[0].real * duration)
    if levels == 2:
        return _propagate_two_levels(matrix, psi, duration)
    if levels < EIGEN_FROM:
        return _propagate_by_taylor(matrix, psi, duration)
    energies, vectors = eigensystem(matrix)
    return apply(vectors, jnp.exp(-1j * energies * duration) * apply(dagger(vectors), psi))


def propagator(matrix: Inexact[Array, "d d"], duration) -> Complex[Array, "d d"]:
    """The unitary matrix exp(-i H duration), shape (d, d). For set-up; in hot loops act on states with `propagate`."""
    energies, vectors = eigensystem(matrix)
    return product(vectors * jnp.exp(-1j * energies * duration)[None, :], dagger(vectors).astype(complex))


def _sine_over(frequency, duration):
    """sin(frequency duration) / frequency, with its limit `duration` at frequency 0."""
    at_zero = frequency == 0.0
    return jnp.where(at_zero, duration, jnp.sin(frequency * duration) / jnp.where(at_zero, 1.0, frequency))


def _propagate_two_levels(matrix, psi, duration):
    # real and imaginary parts apart: twice as fast as complex products, which do not vectorise on CPUs
    mean = 0.5 * (matrix[0, 0] + matrix[1, 1]).real
    z = 0.5 * (matrix[0, 0] - matrix[1, 1]).real
    x = matrix[0, 1].real
    if jnp.iscomplexobj(matrix):
        y = matrix[0, 1].imag
        frequency = jnp.sqrt(x * x + y * y + z * z)
    else:
        y = None
        frequency = jnp.sqrt(x * x + z * z)
    cosine, sine = jnp.cos(frequency * duration), _sine_over(frequency, duration)
    a, b, c, d = psi[0].real, psi[0].imag, psi[1].real, psi[1].imag
    ha, hb, hc, hd = z * a + x * c, z * b + x * d, x * a - z * c, x * b - z * d
    if y is not None:
        ha, hb, hc, hd = ha - y * d, hb + y * c, hc + y * b, hd - y * a
    real = jnp.stack([cosine * a + sine * hb, cosine * c + sine * hd])
    imaginary = jnp.stack([cosine * b - sine * ha, cosine * d - sine * hc])
    phase_cosine, phase_sine = jnp.cos(mean * duration), jnp.sin(mean * duration)
    return lax.complex(
        phase_cosine * real + phase_sine * imaginary, phase_cosine * imaginary - phase_sine * real
    )


def _propagate_by_taylor(matrix, psi, duration):
    levels = matrix.shape[-1]
    mean = jnp.trace(matrix).real / levels
    generator = (matrix - mean * jnp.eye(levels)) * duration
    norm = jnp.max(jnp.sum(jnp.abs(generator), axis=-1))
    parts = jnp.maximum(1, jnp.ceil(norm)).astype(int)
    generator = -1j * generator / parts

    def one_part(_, vector):
        term, total = vector, vector
        for order in range(1, TAYLOR_ORDER + 1):
            term = apply(generator, term) / order
            total = total + term
        return total

    return jnp.exp(-1j * mean * duration) * lax.fori_loop(0, parts, one_part, psi)
