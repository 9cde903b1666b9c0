r"""The classical Liouville equation on a grid.

$$\partial_tD=\{H,D\}$$

On a sphere eq. (5) of Gay-Balmaz and Tronci, "Dynamics of mixed quantum-classical spin systems". For Hamiltonians
of one level: there is no quantum side.
"""

from typing import ClassVar

import equinox as eqx
import jax.numpy as jnp

from brackish.grids import FieldGrid
from brackish.manifolds import Canonical, Spheres
from brackish.promises import ENERGY_OF_FIELD
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
from brackish.typing import Array, Float


class LiouvilleState(eqx.Module):
    """`probability`: the classical density D at the nodes, (*grid), real, of unit integral."""

    probability: Float[Array, "*grid"]


class Liouville(Theory):
    r"""The Liouville equation of a classical Hamiltonian, one coordinate or one sphere.

    Moves the waves below the cutoff of the `grid` by a skew-symmetric generator, so that $\int D^2$ is kept to
    round-off; $\int D$ and the energy are kept, and D stays positive, as far as the grid resolves D: filaments
    become ever thinner, and there is nothing to smooth them. Where they are lost, D rings and turns negative
    (`negative_mass`).
    """

    grid: FieldGrid | None = None
    coupled: ClassVar[bool] = True
    random: ClassVar[bool] = False
    has_trajectories: ClassVar[bool] = False

    def requirements(self):
        return Requirements(manifolds=(Canonical, Spheres), largest_coordinates=1, largest_levels=1)

    def promises(self, hamiltonian):
        return (ENERGY_OF_FIELD,)

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
        return LiouvilleState(starting_density(hamiltonian, preparation, self.nodes)), jnp.ones(())

    def generator(self, hamiltonian):
        r"""$D\to\{H,D\}$."""
        grid, fields = self.nodes, classical_fields(hamiltonian, self.nodes)

        def apply(y):
            return LiouvilleState(along_flow(grid, fields.flow, y.probability))

        return Generator(apply, grid.largest_rate(jnp.abs(fields.flow)))

    def flow(self, hamiltonian, t, y):
        return self.generator(hamiltonian).apply(y)

    def parts(self, hamiltonian):
        """For kinetic energy plus V(q): the push of the force and the drift, each an exact shear."""
        require_separable("Liouville", hamiltonian)
        grid, fields = self.nodes, classical_fields(hamiltonian, self.nodes)

        def potential(duration):
            move = carried_by_potential(grid, fields.flow, duration)
            return lambda y: LiouvilleState(move(y.probability))

        def drift(duration):
            move = carried_by_drift(grid, fields.flow, duration)
            return lambda y: LiouvilleState(move(y.probability))

        return potential, drift

    def energy(self, hamiltonian, y):
        return self.nodes.integrate(classical_fields(hamiltonian, self.nodes).energy * y.probability)

    def quantum_density(self, hamiltonian, y):
        return self.nodes.integrate(y.probability)[None, None].astype(complex)

    def classical_points(self, hamiltonian, y):
        return points_of_operator(self.nodes, y.probability[None, None].astype(complex))

    def check(self, hamiltonian, y):
        return field_status(self.nodes, y.probability, self.nodes.integrate(y.probability))
