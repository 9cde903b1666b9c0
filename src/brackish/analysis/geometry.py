r"""How the eigenstates of a Hamiltonian turn with the coordinates: the quantum geometric tensor of a level.

$$q_{kj}=\mathrm{Tr}\big(\hat P\,\partial_k\hat P\,\partial_j\hat P\big)
  =\sum_{m\neq n}\frac{\langle n|\partial_k\hat H|m\rangle\langle m|\partial_j\hat H|n\rangle}{(E_n-E_m)^2},$$
$$g_{kj}=\mathrm{Re}\,q_{kj},\qquad B_{kj}=-2\,\mathrm{Im}\,q_{kj}\qquad(\hbar=1)$$

with $\hat P=|n\rangle\langle n|$: eqs. (73) and (97) of Martinazzo and Burghardt, "Quantum hydrodynamics of
coupled electron-nuclear systems". J. P. Provost and G. Vallee, Commun. Math. Phys. 76, 289 (1980); M. V.
Berry, Proc. R. Soc. A 392, 45 (1984).

Eigenvectors come with phases that mean nothing, so none is ever differentiated: everything is built from the
projector and the reduced resolvent of the level, whose derivatives are known in closed form. The functions
here are for one position; they can be differentiated and vectorised as often as wanted. They are not finite
where the level touches another one.
"""

from functools import partial

import jax
import jax.numpy as jnp
import numpy as np

from brackish.hamiltonians import SeparableHamiltonian
from brackish.quantum import dagger, eigensystem, product, trace_product
from brackish.typing import Array, Float, Inexact, RealScalar


@partial(jax.custom_jvp, nondiff_argnums=(1,))
def level_resolvent(
    matrix: Inexact[Array, "d d"], level: int
) -> tuple[RealScalar, Inexact[Array, "d d"], Inexact[Array, "d d"]]:
    r"""Energy $E$, projector $\hat P$ and reduced resolvent $\hat R$ of one level of a Hermitian matrix.

    $\hat R=\sum_{m\neq n}|m\rangle\langle m|/(E_n-E_m)$, in inverse hartree, inverts $E_n-\hat H$ on all
    other levels. Those may be degenerate among themselves: derivatives do not ask which of them is which.
    """
    energies, vectors = eigensystem(matrix)
    same = np.arange(matrix.shape[-1]) == level
    gaps = jnp.where(same, 1.0, energies[level] - energies)
    inverse = jnp.where(same, 0.0, 1 / gaps)
    own = vectors[:, level]
    projector = own[:, None] * jnp.conj(own)[None, :]
    return energies[level], projector, product(vectors * inverse[None, :], dagger(vectors))


@level_resolvent.defjvp
def _derivative_of_level_resolvent(level, primals, tangents):
    """dE = Tr(P dH), dP = R dH P + h.c., dR = R (dH - dE) R - (R R dH P + h.c.).

    They follow from P P = P, R P = 0 and (E - H) R = 1 - P.
    """
    (matrix,), (change,) = primals, tangents
    energy, projector, resolvent = level_resolvent(matrix, level)
    change_of_energy = trace_product(projector, change)
    mixing = product(resolvent, product(change, projector))
    shifted = change - change_of_energy * jnp.eye(matrix.shape[-1])
    outward = product(resolvent, mixing)
    change_of_resolvent = product(resolvent, product(shifted, resolvent)) - outward - dagger(outward)
    return (energy, projector, resolvent), (change_of_energy, mixing + dagger(mixing), change_of_resolvent)


def is_complex(hamiltonian: SeparableHamiltonian) -> bool:
    """Whether V(q) is a complex matrix, known before any number is; a real one has no Berry curvature."""
    position = jax.ShapeDtypeStruct((hamiltonian.manifold.coordinates,), float)
    return jnp.issubdtype(jax.eval_shape(hamiltonian.potential, position).dtype, jnp.complexfloating)


def potential_derivatives(
    hamiltonian: SeparableHamiltonian, position: Float[Array, " n"]
) -> Inexact[Array, "n d d"]:
    """The derivatives of the matrix V(q) along each coordinate, hartree per bohr."""
    potential = hamiltonian.potential
    if not _many_modes(hamiltonian):
        return jnp.moveaxis(jax.jacfwd(potential)(position), -1, 0)
    # one sweep backwards for each entry costs less than one forwards for each mode
    derivatives = jax.jacrev(lambda q: potential(q).real)(position)
    if is_complex(hamiltonian):
        derivatives = derivatives + 1j * jax.jacrev(lambda q: potential(q).imag)(position)
    return jnp.moveaxis(derivatives, -1, 0)


def adiabatic_energy(
    hamiltonian: SeparableHamiltonian, position: Float[Array, " n"], level: int
) -> RealScalar:
    """Eigenvalue number `level` (from 0, the lowest) of V(q), in hartree: without the harmonic part."""
    return level_resolvent(hamiltonian.potential(position), level)[0]


def diagonal_correction(
    hamiltonian: SeparableHamiltonian, position: Float[Array, " n"], level: int
) -> RealScalar:
    r"""The Fubini-Study potential $\phi_{FS}=\tfrac12\sum_kg_{kk}/m_k$ of a level, in hartree.

    The diagonal Born-Oppenheimer correction: the kinetic energy that the turning of the quantum state costs.
    Never negative, and infinite where the level touches another.
    """
    masses = jnp.asarray(hamiltonian.manifold.masses)
    if not _many_modes(hamiltonian):
        turning = _turning(hamiltonian, position, level)
        return 0.5 * jnp.sum((turning.real**2 + turning.imag**2) / masses[:, None, None])
    # Tr(P d_kV R R d_kV) with the sum over k first: no products of matrices for each mode, and far faster
    _, projector, resolvent = level_resolvent(hamiltonian.potential(position), level)
    entries = potential_derivatives(hamiltonian, position).reshape(masses.shape[0], -1)
    pairs = product(dagger(entries / masses[:, None]), entries).reshape((hamiltonian.levels,) * 4)
    ends = product(resolvent, resolvent)[:, None, :, None] * projector.T[None, :, None, :]
    return 0.5 * jnp.sum(pairs * ends).real


def quantum_geometric_tensor(
    hamiltonian: SeparableHamiltonian, position: Float[Array, " n"], level: int
) -> Inexact[Array, "n n"]:
    """The tensor q of a level, (n, n), in bohr^-2: Hermitian, positive, real for a real Hamiltonian."""
    turning = _turning(hamiltonian, position, level)
    turning = turning.reshape(turning.shape[0], -1)
    return product(jnp.conj(turning), turning.T)


def fubini_study_metric(
    hamiltonian: SeparableHamiltonian, position: Float[Array, " n"], level: int
) -> Float[Array, "n n"]:
    """The metric g = Re q, (n, n), in bohr^-2: the squared distance of the states at nearby positions."""
    return quantum_geometric_tensor(hamiltonian, position, level).real


def berry_curvature(
    hamiltonian: SeparableHamiltonian, position: Float[Array, " n"], level: int
) -> Float[Array, "n n"]:
    """The curvature B = -2 Im q, (n, n), antisymmetric, in bohr^-2; the force on k is the sum of B_kj v_j."""
    return -2 * quantum_geometric_tensor(hamiltonian, position, level).imag


def _many_modes(hamiltonian) -> bool:
    """Whether there are more coordinates than entries of the matrix V(q): a bath."""
    return hamiltonian.manifold.coordinates > hamiltonian.levels**2


def _turning(hamiltonian, position, level):
    """R d_kV P for each coordinate k, (n, d, d): the half of d_kP that leads out of the level."""
    _, projector, resolvent = level_resolvent(hamiltonian.potential(position), level)

    def out_of_level(derivative):
        return product(resolvent, product(derivative, projector))

    return jax.vmap(out_of_level)(potential_derivatives(hamiltonian, position))
