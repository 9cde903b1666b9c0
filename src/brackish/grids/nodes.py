r"""A Hamiltonian on the nodes of a grid of the classical manifold: its operators and their vector fields.

Derivatives of the Hamiltonian are exact, by automatic differentiation at each node, never by waves of the grid: a
potential need not be periodic, nor resolved.
"""

from typing import Any

import equinox as eqx
import jax
import jax.numpy as jnp

from brackish.hamiltonians import HybridHamiltonian
from brackish.typing import Array, Float, Inexact, Point


class HybridFields(eqx.Module):
    r"""$\hat H=H_C+\hat H_R$ on a grid, with the classical part apart from the rest.

    `classical`: $H_C$, (*grid). `operator`: $\hat H_R=\hat H_Q+\hat H_I$, (d, d, *grid). `classical_flow`:
    $X_{H_C}^j$, (components, *grid). `operator_flow`: $\hat X_I^j$, (components, d, d, *grid), Hermitian. Energies in
    hartree.
    """

    classical: Float[Array, "*grid"]
    operator: Inexact[Array, "d d *grid"]
    classical_flow: Float[Array, "components *grid"]
    operator_flow: Inexact[Array, "components d d *grid"]


def hybrid_fields(hamiltonian: HybridHamiltonian, grid: Any) -> HybridFields:
    """The Hamiltonian and its vector fields at every node of a grid that matches its manifold."""
    points = jax.tree_util.tree_map(jnp.asarray, grid.points())

    def at_node(z):
        velocity = hamiltonian.manifold.hamiltonian_field(jax.grad(hamiltonian.classical)(z), z)
        operator = hamiltonian.quantum() + hamiltonian.interaction(z)
        return hamiltonian.classical(z), operator, velocity, hamiltonian.interaction_field(z)

    classical, operator, velocity, field = jax.vmap(at_node)(points)
    return HybridFields(
        on_grid(classical, grid), on_grid(operator, grid), components(velocity, grid), components(field, grid)
    )


def on_grid(values: Inexact[Array, "G *trailing"], grid: Any) -> Inexact[Array, "*trailing Q P"]:
    """Values at the nodes, one after the other, as a field with the grid trailing."""
    return jnp.moveaxis(values, 0, -1).reshape(*values.shape[1:], *grid.shape)


def components(vectors: Point, grid: Any) -> Inexact[Array, "components *trailing Q P"]:
    """A tree of vectors at the nodes (leaves (G, 1, ...) of positions and momenta, or (G, 1, 3, ...) of a direction) as
    a field, its components leading.
    """
    leaves = jax.tree_util.tree_leaves(vectors)
    if len(leaves) == 1:
        leaves = [leaves[0][:, 0]]
    return on_grid(jnp.concatenate(leaves, axis=1), grid)
