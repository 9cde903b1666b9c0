r"""The flow of population between the eigenstates of V(q) along a trajectory, and the hops that it asks for.

$$-\dot p_n=\sum_{m\ne n}J_{nm},\qquad
J_{nm}=2\,\big[\mathrm{Re}(d^j_{nm}\rho_{mn})\,v^j-\mathrm{Im}(X_{nm}\rho_{mn})\big],\qquad
\bar\gamma_{n\to m}=\frac{(J_{nm})_+}{p_n}$$

with $p_n=\langle u_n|\hat\rho|u_n\rangle$, $d^j_{nm}=\langle u_n|\partial_ju_m\rangle=\langle
u_n|\partial_j\hat V|u_m\rangle/(E_m-E_n)$ and $X_{nm}=\langle u_n|\delta\hat H|u_m\rangle$: the hopping probability of
section IV A of Martinazzo and Burghardt, "Quantum hydrodynamics of coupled electron-nuclear systems", with hbar = 1.
Without $\delta\hat H$ it is that of J. C. Tully, J. Chem. Phys. 93, 1061 (1990). Phases of eigenvectors drop out of
every product.
"""

import jax
import jax.numpy as jnp
import numpy as np

from brackish.hamiltonians import SeparableHamiltonian
from brackish.quantum import dagger, eigensystem, product
from brackish.typing import Array, Float, Inexact


def population_flows(
    hamiltonian: SeparableHamiltonian,
    position: Float[Array, " n"],
    velocity: Float[Array, " n"],
    density: Inexact[Array, "d d"],
    correction: Inexact[Array, "d d"] | None = None,
) -> Float[Array, "d d"]:
    r"""$J_{nm}$, (d, d), antisymmetric: what flows from eigenstate n to m in unit time (atomic units).

    `velocity`: (n,), bohr per unit time. `density`: the density operator $\hat\rho$ that the trajectory carries.
    `correction`: $\delta\hat H$, hartree, of its neighbours; None for a trajectory alone. Both in the diabatic basis.
    Not finite where levels touch.
    """
    potential, change = jax.jvp(hamiltonian.potential, (position,), (velocity,))
    energies, vectors = eigensystem(potential)
    same = np.eye(hamiltonian.levels, dtype=bool)
    gaps = jnp.where(same, 1.0, energies[None, :] - energies[:, None])
    turning = jnp.where(same, 0.0, _in(vectors, change) / gaps)
    from_other = _in(vectors, density).T
    flows = 2 * (turning * from_other).real
    if correction is not None:
        flows = flows - 2 * (_in(vectors, correction) * from_other).imag
    return jnp.where(same, 0.0, flows)


def hopping_rates(
    hamiltonian: SeparableHamiltonian,
    position: Float[Array, " n"],
    velocity: Float[Array, " n"],
    density: Inexact[Array, "d d"],
    correction: Inexact[Array, "d d"] | None = None,
) -> Float[Array, "d d"]:
    r"""$\bar\gamma_{n\to m}$, (d, d), per unit time: the flows where they are positive, by the population of n; zero
    from states that are empty.

    Arguments as for `population_flows`.
    """
    flows = population_flows(hamiltonian, position, velocity, density, correction)
    _, vectors = eigensystem(hamiltonian.potential(position))
    population = jnp.diagonal(_in(vectors, density)).real[:, None]
    filled = population > 0
    return jnp.where(filled, jnp.maximum(flows, 0.0) / jnp.where(filled, population, 1.0), 0.0)


def _in(vectors, matrix):
    """A matrix in the eigenstates."""
    return product(dagger(vectors), product(matrix, vectors))
