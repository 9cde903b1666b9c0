"""Potential energies along the one coordinate of a system, and the stretch of it that a run has visited."""

from collections.abc import Mapping

import jax
import jax.numpy as jnp
import numpy as np

from brackish.hamiltonians import SeparableHamiltonian
from brackish.identity import jit_by_content
from brackish.quantum import eigensystem
from brackish.typing import Array, Float, Inexact

FEW = 16
"""Fewer trajectories than this do not show where an ensemble has been."""


@jit_by_content
def potential_curves(
    hamiltonian: SeparableHamiltonian, positions: Float[np.ndarray | Array, " points"]
) -> tuple[Inexact[Array, "points d d"], Float[Array, "points d"]]:
    """The diabatic potential matrix, (points, d, d), and its eigenvalues in rising order, (points, d).

    For one coordinate: `positions` (points,) in bohr, energies in hartree. The harmonic part is included.
    """

    def at_one(position):
        matrix = hamiltonian.potential(position) + hamiltonian.harmonic(position) * jnp.eye(
            hamiltonian.levels
        )
        energies, _ = eigensystem(matrix)
        return matrix, energies

    return jax.vmap(at_one)(jnp.asarray(positions)[:, None])


def visited_positions(means: Mapping[str, np.ndarray], points: int = 401) -> np.ndarray:
    """Equally spaced positions, (points,), over the stretch where a run has been.

    `means`: results of a run with one coordinate, by name. The stretch takes in every `trajectory_position`
    that was kept and the start with two standard deviations (`position_spread`). Where too few were kept to
    tell (a wavefunction has none), it takes in the mean `position` at all times with 1.5 standard deviations:
    a packet that has split in halves lies one standard deviation to each side of its mean.
    """
    position = np.asarray(means["position"])
    spread = np.nan_to_num(np.broadcast_to(means.get("position_spread", 0.0), position.shape))
    followed = np.asarray(means.get("trajectory_position", np.zeros(0)))
    visited = [position[0] - 2 * spread[0], position[0] + 2 * spread[0], followed.ravel()]
    if len(followed) < FEW:
        visited += [(position - 1.5 * spread).ravel(), (position + 1.5 * spread).ravel()]
    reached = np.concatenate(visited)
    lowest, highest = float(np.nanmin(reached)), float(np.nanmax(reached))
    # a point that does not move still gets a curve around it
    margin = 0.04 * (highest - lowest) if highest > lowest else 1.0
    return np.linspace(lowest - margin, highest + margin, points)
