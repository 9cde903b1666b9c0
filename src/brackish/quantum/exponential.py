r"""The unitary $e^{-i\hat H\,\delta t}$ of a small Hermitian matrix, acting on a state.

Two levels: closed form, $\cos(\Omega\delta t)-i\,\hat h\,\sin(\Omega\delta t)/\Omega$ with the traceless part
$\hat h=\hat H-\tfrac1d\mathrm{Tr}\hat H$ and $\Omega=|\hat h|$. More levels: a Taylor series of an order that
round-off cannot tell from the exponential, over as many equal parts as the norm of $\hat H\,\delta t$ asks
for.
"""

import jax.numpy as jnp
from jax import lax

from brackish.quantum.eigen import eigensystem
from brackish.quantum.small import apply, dagger, product
from brackish.trigonometry import cosine_and_sine
from brackish.typing import Array, Complex, Inexact

TAYLOR_ORDER = 18
EIGEN_FROM = 12
TINY = 1e-300
"""Under a square root: far below round-off, yet sin(wt)/w and all derivatives keep their limits at a degeneracy."""


def propagate(matrix: Inexact[Array, "d d"], psi: Complex[Array, " d"], duration) -> Complex[Array, " d"]:
    """The state exp(-i (H - Tr H / d) duration) psi, shape (d,), with its norm kept to round-off.

    The overall phase exp(-i duration Tr H / d) is left out: no observable sees it, and it would cost a third
    of the time of a step. `duration` times H is dimensionless.
    """
    levels = matrix.shape[-1]
    if levels == 1:
        return psi
    if levels == 2:
        return _propagate_two_levels(matrix, psi, duration)
    if levels < EIGEN_FROM:
        return _propagate_by_taylor(matrix, psi, duration)
    energies, vectors = eigensystem(matrix)
    energies = energies - jnp.sum(energies) / levels
    return apply(vectors, jnp.exp(-1j * energies * duration) * apply(dagger(vectors), psi))


def propagator(matrix: Inexact[Array, "d d"], duration) -> Complex[Array, "d d"]:
    """The unitary matrix exp(-i H duration), shape (d, d). For set-up; in hot loops act on states with `propagate`."""
    energies, vectors = eigensystem(matrix)
    return product(vectors * jnp.exp(-1j * energies * duration)[None, :], dagger(vectors).astype(complex))


def _propagate_two_levels(matrix, psi, duration):
    # Real and imaginary parts apart, and whole vectors at a time: measured to be what XLA fuses best on CPUs.
    z = 0.5 * (matrix[0, 0] - matrix[1, 1]).real
    x = matrix[0, 1].real
    real, imaginary = psi.real, psi.imag

    def symmetric(v):
        return jnp.stack([z * v[0] + x * v[1], x * v[0] - z * v[1]])

    if not jnp.iscomplexobj(matrix):
        frequency = jnp.sqrt(x * x + z * z + TINY)
        acted_real, acted_imaginary = symmetric(real), symmetric(imaginary)
    else:
        y = matrix[0, 1].imag
        frequency = jnp.sqrt(x * x + y * y + z * z + TINY)

        def antisymmetric(v):
            return jnp.stack([y * v[1], -y * v[0]])

        acted_real = symmetric(real) - antisymmetric(imaginary)
        acted_imaginary = symmetric(imaginary) + antisymmetric(real)
    cosine, sine = cosine_and_sine(frequency * duration)
    sine = sine / frequency
    return lax.complex(cosine * real + sine * acted_imaginary, cosine * imaginary - sine * acted_real)


def propagate_columns(
    matrix: Inexact[Array, "d d"], columns: Complex[Array, "d r"], duration
) -> Complex[Array, "d r"]:
    """exp(-i (H - Tr H / d) duration) times each of some columns, shape (d, r), all of them at once."""
    return _propagate_by_taylor(matrix, columns, duration, product)


def _propagate_by_taylor(matrix, psi, duration, times=apply):
    levels = matrix.shape[-1]
    mean = jnp.trace(matrix).real / levels
    generator = (matrix - mean * jnp.eye(levels)) * duration
    norm = jnp.max(jnp.sum(jnp.abs(generator), axis=-1))
    parts = jnp.maximum(1, jnp.ceil(norm)).astype(int)
    generator = -1j * generator / parts

    def one_part(_, vector):
        term, total = vector, vector
        for order in range(1, TAYLOR_ORDER + 1):
            term = times(generator, term) / order
            total = total + term
        return total

    return lax.fori_loop(0, parts, one_part, psi)
