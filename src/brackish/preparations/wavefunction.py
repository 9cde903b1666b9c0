"""Any wavefunction on a grid."""

import math
from typing import ClassVar

import equinox as eqx
import jax.numpy as jnp
import numpy as np

from brackish.errors import InvalidInput, UnsupportedHamiltonian
from brackish.grids import Grid
from brackish.preparations.base import Preparation, require_canonical
from brackish.typing import Array, Complex


class Wavefunction(Preparation):
    """A wavefunction given by its values at the nodes of a grid: for theories of wavefunctions.

    `values`: (levels, *grid.points) complex, basis of the Hamiltonian, bohr^(-1/2) per coordinate, of unit norm; such
    as the observable `wavefunction` at one save of another run, or any function at `grid.positions()`. `grid`: the
    `Grid` of these nodes. A theory without a grid takes this one; one with another grid refuses, for nothing is
    interpolated.
    """

    values: Complex[np.ndarray | Array, "levels *grid"] = eqx.field(
        converter=lambda v: np.asarray(v, dtype=complex)
    )
    grid: Grid
    random: ClassVar[bool] = False

    def __check_init__(self):
        if not isinstance(self.grid, Grid):
            raise InvalidInput(
                f"Argument `grid` of Wavefunction must be a Grid, got {type(self.grid).__name__}."
            )
        if not isinstance(self.values, np.ndarray):
            return
        points = self.grid.points
        if self.values.ndim != len(points) + 1 or self.values.shape[1:] != points:
            raise InvalidInput(
                f"Argument `values` of Wavefunction must have shape (levels, {', '.join(map(str, points))}) to fit its "
                f"grid, got {self.values.shape}."
            )
        if not np.all(np.isfinite(self.values)):
            raise InvalidInput("Argument `values` of Wavefunction must be finite.")
        norm = math.sqrt(np.sum(np.abs(self.values) ** 2) * self.grid.cell)
        if not abs(norm - 1) < 1e-8:
            raise InvalidInput(
                f"Argument `values` of Wavefunction must have norm 1, got {norm:.10g}; divide them by that."
            )

    def check(self, hamiltonian):
        require_canonical(self, hamiltonian)
        if self.grid.coordinates != hamiltonian.manifold.coordinates:
            raise InvalidInput(
                f"Argument `grid` of Wavefunction has {self.grid.coordinates} coordinates, the Hamiltonian has "
                f"{hamiltonian.manifold.coordinates}."
            )
        if self.values.shape[0] != hamiltonian.levels:
            raise InvalidInput(
                f"Argument `values` of Wavefunction has {self.values.shape[0]} levels, the Hamiltonian has "
                f"{hamiltonian.levels}."
            )

    def draw(self, hamiltonian, index, key):
        raise UnsupportedHamiltonian(
            "A Wavefunction has no points of phase space to draw; start Exact or QuantumTrajectories from it."
        )

    def wavefunction(self, hamiltonian, positions):
        if tuple(len(x) for x in positions) != self.grid.points:
            raise InvalidInput("A Wavefunction is known at the nodes of its own grid alone.")
        return jnp.asarray(self.values)
