r"""The unitary $e^{-i\hat H\,\delta t}$ of a small Hermitian matrix, acting on a state.

Two levels: closed form, $\cos(\Omega\delta t)-i\,\hat h\,\sin(\Omega\delta t)/\Omega$ with the traceless part
$\hat h=\hat H-\tfrac1d\mathrm{Tr}\hat H$ and $\Omega=|\hat h|$. More levels: a Taylor series of an order that
round-off cannot tell from the exponential, over as many equal parts as the norm of $\hat H\,\delta t$ asks
for; from `EIGEN_FROM` levels on by eigenstates. The derivative is known in closed form, without the differences of
eigenvectors: also backwards, where JAX cannot go through a loop of unknown length, and at a degeneracy.
"""

import jax
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
    return _propagate_many(matrix, psi, jnp.asarray(duration, float))


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
    return _propagate_many(matrix, columns, jnp.asarray(duration, float))


@jax.custom_jvp
def _propagate_many(matrix, psi, duration):
    """One state (d,), or columns (d, r)."""
    if psi.ndim == 2:
        return _propagate_by_taylor(matrix, psi, duration, product)
    if matrix.shape[-1] < EIGEN_FROM:
        return _propagate_by_taylor(matrix, psi, duration)
    energies, vectors = eigensystem(matrix)
    energies = energies - jnp.sum(energies) / matrix.shape[-1]
    return apply(vectors, jnp.exp(-1j * energies * duration) * apply(dagger(vectors), psi))


@_propagate_many.defjvp
def _derivative_of_propagation(primals, tangents):
    r"""In eigenstates, $\langle m|\delta e^{-i\hat Ht}|n\rangle=-it\,e^{-i(E_m+E_n)t/2}\,
    \frac{\sin(E_m-E_n)t/2}{(E_m-E_n)t/2}\,\langle m|\delta\hat H|n\rangle$, with no denominator that vanishes (Yu. L.
    Daleckii and S. G. Krein, 1956).
    """
    matrix, psi, duration = primals
    change, change_of_psi, change_of_duration = tangents
    times = product if psi.ndim == 2 else apply
    levels = matrix.shape[-1]
    energies, vectors = eigensystem(matrix)
    energies, back = energies - jnp.sum(energies) / levels, dagger(vectors)
    phases = _along_columns(jnp.exp(-1j * energies * duration), psi)
    inside = times(back, psi)

    mean, half = 0.5 * (energies[:, None] + energies[None, :]), 0.5 * (energies[:, None] - energies[None, :])
    divided = -1j * duration * jnp.exp(-1j * mean * duration) * jnp.sinc(half * duration / jnp.pi)
    traceless = change - jnp.trace(change).real / levels * jnp.eye(levels)
    mixed = divided * product(back, product(traceless, vectors))
    turned = times(mixed, inside) + phases * times(back, change_of_psi)
    turned = turned - 1j * change_of_duration * _along_columns(energies, psi) * phases * inside
    return times(vectors, phases * inside), times(vectors, turned)


def _along_columns(numbers, psi):
    """One number for each level, shaped to multiply a state or columns."""
    return numbers if psi.ndim == 1 else numbers[:, None]


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
