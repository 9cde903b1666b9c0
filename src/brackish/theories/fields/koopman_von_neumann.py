r"""Koopman–von Neumann mechanics: the Liouville equation for a wavefunction.

$$i\hbar\,\partial_t\chi=i\hbar\{H,\chi\},\qquad D=|\chi|^2$$

Eq. (12) of Gay-Balmaz and Tronci, "Dynamics of mixed quantum-classical spin systems". For Hamiltonians of one
level: there is no quantum side.
"""

from typing import ClassVar

import equinox as eqx
import jax.numpy as jnp

from brackish.grids import FieldGrid
from brackish.manifolds import Canonical, Spheres
from brackish.promises import ENERGY_OF_FIELD, NORM
from brackish.theories.fields._koopman import (
    along_flow,
    carried_by_drift,
    carried_by_potential,
    classical_fields,
    linear_integrator,
    linear_step,
    require_separable,
)
from brackish.theories.fields._on_grid import (
    check_grid,
    field_status,
    grid_of,
    points_of_operator,
    starting_density,
)
from brackish.theory import Generator, Requirements, Theory
from brackish.typing import Array, Inexact


class KoopmanVonNeumannState(eqx.Module):
    r"""`psi`: the wavefunction $\chi$ at the nodes, (*grid), $\int|\chi|^2=1$; real as it starts, as its phase does
    nothing.
    """

    psi: Inexact[Array, "*grid"]


class KoopmanVonNeumann(Theory):
    r"""Koopman–von Neumann mechanics of a classical Hamiltonian, one coordinate or one sphere.

    On the waves below the cutoff of the `grid` the generator is a Hermitian matrix, $\frac\hbar2(\nabla
    H\cdot\mathbf L+\mathbf L\cdot\nabla H)$ on a sphere, so the norm is kept to round-off and $D=|\chi|^2$ is never
    negative. Energy is kept as far as the grid resolves $\chi$; on a sphere, linear H are rigid rotations, exact at
    any degree. hbar (`planck`) drops out of everything that can be observed.
    """

    grid: FieldGrid | None = None
    planck: float = 1.0
    coupled: ClassVar[bool] = True
    random: ClassVar[bool] = False
    has_trajectories: ClassVar[bool] = False

    def requirements(self):
        return Requirements(manifolds=(Canonical, Spheres), largest_coordinates=1, largest_levels=1)

    def promises(self, hamiltonian):
        return ENERGY_OF_FIELD, NORM

    def default_integrator(self, hamiltonian):
        return linear_integrator(hamiltonian)

    def suggested_step(self, hamiltonian):
        return linear_step(hamiltonian)

    def resolve(self, hamiltonian, preparation, times):
        check_grid(self, hamiltonian, preparation)
        return self

    @property
    def nodes(self):
        """The grid. Raises `InvalidInput` if there is none."""
        return grid_of(self)

    def prepare(self, hamiltonian, preparation, index, key):
        psi = self.nodes.dealias(jnp.sqrt(starting_density(hamiltonian, preparation, self.nodes)))
        return KoopmanVonNeumannState(psi / jnp.sqrt(self.nodes.integrate(psi**2))), jnp.ones(())

    def generator(self, hamiltonian):
        r"""$\chi\to\{H,\chi\}$."""
        grid, fields = self.nodes, classical_fields(hamiltonian, self.nodes)

        def apply(y):
            return KoopmanVonNeumannState(along_flow(grid, fields.flow, y.psi))

        return Generator(apply, grid.largest_rate(jnp.abs(fields.flow)))

    def flow(self, hamiltonian, t, y):
        return self.generator(hamiltonian).apply(y)

    def parts(self, hamiltonian):
        """For kinetic energy plus V(q): the push of the force and the drift, each an exact shear."""
        require_separable("KoopmanVonNeumann", hamiltonian)
        grid, fields = self.nodes, classical_fields(hamiltonian, self.nodes)

        def potential(duration):
            move = carried_by_potential(grid, fields.flow, duration)
            return lambda y: KoopmanVonNeumannState(move(y.psi))

        def drift(duration):
            move = carried_by_drift(grid, fields.flow, duration)
            return lambda y: KoopmanVonNeumannState(move(y.psi))

        return potential, drift

    def energy(self, hamiltonian, y):
        return self.nodes.integrate(classical_fields(hamiltonian, self.nodes).energy * jnp.abs(y.psi) ** 2)

    def quantum_density(self, hamiltonian, y):
        return self.nodes.integrate(jnp.abs(y.psi) ** 2)[None, None].astype(complex)

    def classical_points(self, hamiltonian, y):
        return points_of_operator(self.nodes, (jnp.abs(y.psi) ** 2)[None, None].astype(complex))

    def check(self, hamiltonian, y):
        return field_status(self.nodes, y.psi, self.nodes.integrate(jnp.abs(y.psi) ** 2))
