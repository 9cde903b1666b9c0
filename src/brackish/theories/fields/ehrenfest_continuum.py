r"""Ehrenfest dynamics as fields: a classical density whose every point carries a quantum state.

$$\partial_tD+\nabla\!\cdot(D\mathcal X)=0,\qquad i\hbar(\partial_t+\mathcal X\!\cdot\!\nabla)\psi=\hat H\psi,\qquad
\mathcal X=\langle\psi|\hat X_H|\psi\rangle$$

Eq. (1) of Gay-Balmaz and Tronci, "Dynamics of mixed quantum-classical spin systems", with $\hat{\mathcal
P}=D\psi\psi^\dagger$. Carried as a Koopman spinor $\Upsilon=\sqrt D\,\psi$, so that $\hat{\mathcal
P}=\Upsilon\Upsilon^\dagger$ and with it D and $\hat\rho=\int\hat{\mathcal P}$ are positive by construction.
"""

from typing import ClassVar

import equinox as eqx
import jax
import jax.numpy as jnp

from brackish.grids import FieldGrid, hybrid_fields
from brackish.integrators import RungeKutta4
from brackish.manifolds import Canonical, Spheres
from brackish.promises import ENERGY_OF_FIELD, NORM_OF_FIELD
from brackish.quantum import field_apply, field_expect, field_outer
from brackish.theories.fields._on_grid import (
    advected,
    check_grid,
    explicit_step,
    field_status,
    grid_of,
    points_of_operator,
    starting_wave,
)
from brackish.theory import Requirements, Theory
from brackish.typing import Array, Complex


class EhrenfestFieldState(eqx.Module):
    r"""`psi`: the Koopman spinor $\Upsilon=\sqrt D\,\psi$ at the nodes, (d, *grid); its phase means nothing."""

    psi: Complex[Array, "d *grid"]


class ContinuumEhrenfest(Theory):
    r"""Ehrenfest dynamics of a whole density on a grid: what `Ehrenfest` tends to for many trajectories.

    Conserves the norm (to the order of the step), the energy $\int D\langle\hat H\rangle$ as far as the grid resolves
    the fields, and positivity always. `grid`: a grid of the manifold; its `dealias` is applied to the motion, so that
    waves beyond its cutoff are left out. `planck`: the size of hbar.
    """

    grid: FieldGrid | None = None
    planck: float = 1.0
    coupled: ClassVar[bool] = True
    random: ClassVar[bool] = False
    has_trajectories: ClassVar[bool] = False

    def requirements(self):
        return Requirements(manifolds=(Canonical, Spheres), largest_coordinates=1)

    def promises(self, hamiltonian):
        return ENERGY_OF_FIELD, NORM_OF_FIELD

    def default_integrator(self, hamiltonian):
        return RungeKutta4()

    def suggested_step(self, hamiltonian):
        return explicit_step(hamiltonian, self.nodes, self.planck)

    def resolve(self, hamiltonian, preparation, times):
        check_grid(self, hamiltonian, preparation)
        return self

    @property
    def nodes(self):
        """The grid. Raises `InvalidInput` if there is none."""
        return grid_of(self)

    def prepare(self, hamiltonian, preparation, index, key):
        return EhrenfestFieldState(starting_wave(hamiltonian, preparation, self.nodes)), jnp.ones(())

    def flow(self, hamiltonian, t, y):
        r"""$\partial_t\Upsilon=-\frac12[\mathcal X\!\cdot\!\nabla\Upsilon+\nabla\!\cdot(\mathcal X\Upsilon)]-\frac
        i\hbar(\hat H-\langle\hat H\rangle)\Upsilon$.

        The mean energy turns phases alone; without it $\Upsilon$ stays smooth.
        """
        grid, fields = self.nodes, hybrid_fields(hamiltonian, self.nodes)
        density = jnp.sum(jnp.abs(y.psi) ** 2, axis=0)
        inverse = jnp.where(density > 0, 1 / jnp.where(density > 0, density, 1.0), 0.0)
        mean_flow = jax.vmap(field_expect, in_axes=(0, None))(fields.operator_flow, y.psi) * inverse[None]
        mean_energy = field_expect(fields.operator, y.psi) * inverse
        turned = field_apply(fields.operator, y.psi) - mean_energy[None] * y.psi
        moved = advected(grid, fields.classical_flow + mean_flow, y.psi, grid.gradient(y.psi))
        return EhrenfestFieldState(grid.dealias(moved - 1j / self.planck * turned))

    def energy(self, hamiltonian, y):
        fields = hybrid_fields(hamiltonian, self.nodes)
        classical = fields.classical * jnp.sum(jnp.abs(y.psi) ** 2, axis=0)
        return self.nodes.integrate(classical + field_expect(fields.operator, y.psi))

    def quantum_density(self, hamiltonian, y):
        return self.nodes.integrate(field_outer(y.psi, y.psi))

    def classical_points(self, hamiltonian, y):
        return points_of_operator(self.nodes, field_outer(y.psi, y.psi))

    def check(self, hamiltonian, y):
        norm = self.nodes.integrate(jnp.sum(jnp.abs(y.psi) ** 2, axis=0))
        return field_status(self.nodes, y.psi, norm)
