"""The Hamiltonian where the trajectories are: at every save it must be finite and Hermitian there."""

from typing import Any

import jax
import jax.numpy as jnp

from brackish.hamiltonians import HybridHamiltonian
from brackish.quantum import dagger
from brackish.theory import Status, Theory
from brackish.typing import Array, Point

ROUND_OFF = 1e-10
"""The asymmetry that round-off may leave, as a share of the largest entry."""
SMALLEST = 1e-12
"""An asymmetry below this is none, in the unit of energy."""
EXPLAINED = (Status.fine, Status.lost_norm, Status.not_finite)
"""What an operator that is not Hermitian, or not finite, does to a state."""


def acted_on(theory: Theory, hamiltonian: HybridHamiltonian, state: Any, status: Array) -> Array:
    """The status of each lane, (lanes,), once it is known under which operators the lanes move. `status`: that of the
    states alone.
    """
    found = jax.vmap(lambda y: _at_configurations(theory, hamiltonian, y))(state)
    explained = jnp.isin(status, jnp.asarray([int(one) for one in EXPLAINED]))
    return jnp.where((found != Status.fine) & explained, found, status)


def _at_configurations(theory: Theory, hamiltonian: HybridHamiltonian, y: Any) -> Array:
    points = theory.configurations(hamiltonian, y)
    if points is None:
        return jnp.asarray(int(Status.fine))
    return jnp.max(jax.vmap(lambda z: operator_status(hamiltonian, z))(points))


def operator_status(hamiltonian: HybridHamiltonian, z: Point) -> Array:
    """What is the matter with H(z). Nothing, where z itself is not finite."""
    here = jnp.stack([jnp.all(jnp.isfinite(leaf)) for leaf in jax.tree_util.tree_leaves(z)])
    matrix = hamiltonian.quantum() + hamiltonian.interaction(z)
    finite = jnp.all(jnp.isfinite(matrix)) & jnp.isfinite(hamiltonian.classical(z))
    asymmetry = jnp.max(jnp.abs(matrix - dagger(matrix)))
    skew = asymmetry > SMALLEST + ROUND_OFF * jnp.max(jnp.abs(matrix))
    wrong = jnp.where(
        finite, jnp.where(skew, int(Status.not_hermitian), int(Status.fine)), int(Status.potential_not_finite)
    )
    return jnp.where(jnp.all(here), wrong, int(Status.fine))
