"""How coherent the quantum state is at each classical point, for those who ask for it."""

import jax
import jax.numpy as jnp

from brackish.observables.base import Observable
from brackish.quantum import dagger, eigensystem, product


def _conditional_coherence(theory, hamiltonian, y):
    points = theory.classical_points(hamiltonian, y)

    def at_one(point, density):
        _, vectors = eigensystem(hamiltonian.quantum() + hamiltonian.interaction(point))
        adiabatic = product(product(dagger(vectors), density), vectors)
        return jnp.sum(jnp.abs(jnp.triu(adiabatic, 1)) ** 2)

    return jnp.sum(points.weight * jax.vmap(at_one)(points.point, points.density))


conditional_coherence = Observable(
    "conditional_coherence",
    _conditional_coherence,
    (),
    "1",
    "mean of |rho_lk|^2 over points and pairs of adiabatic states",
    "S. K. Min, F. Agostini and E. K. U. Gross, Phys. Rev. Lett. 115, 073001 (2015)",
)
"""The indicator of decoherence: zero where every point is on one adiabatic state, however many the ensemble has. To be
asked for, as `simulate(..., observables=(bk.observables.conditional_coherence,))`."""
