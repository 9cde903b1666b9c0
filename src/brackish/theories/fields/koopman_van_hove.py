r"""Koopman–van Hove mechanics: classical mechanics for a wavefunction whose phase follows the action.

$$i\hbar\,\partial_t\chi=i\hbar\{H,\chi\}-\mathcal L\chi,\qquad
D=|\chi|^2+\mathrm{div}(n|\chi|^2)+\hbar\,\mathrm{Im}\{\chi^*,\chi\},\qquad\mathcal L=n\cdot\nabla H-H$$

Eqs. (13) and (15) of Gay-Balmaz and Tronci, "Dynamics of mixed quantum-classical spin systems". On the plane
$\mathcal L=p\,\partial_pH-H$ and $\partial_p(p|\chi|^2)$ stands for the divergence. D obeys the Liouville equation
exactly. For Hamiltonians of one level: there is no quantum side.

**On a sphere** the equation lives on vectors of any length r. It does not mix lengths, but D has a radial
derivative, so the state carries $\partial_r\chi$ too, which by differentiation obeys

$$\partial_t\chi_r=\{H,\chi_r\}+\{\mathcal L,\chi\}+\tfrac i\hbar(\mathcal L\chi_r+\partial_r^2H\,\chi)$$

and everything at r = 1 depends on how H is continued off the sphere: see `Extension`.
"""

from typing import ClassVar

import equinox as eqx
import jax
import jax.numpy as jnp

from brackish.grids import FieldGrid
from brackish.grids.nodes import components, on_grid
from brackish.manifolds import Canonical, Extension, Homogeneous, Spheres
from brackish.promises import ENERGY_OF_FIELD
from brackish.theories.fields._koopman import (
    along_flow,
    classical_fields,
    drift_shear,
    lagrangian,
    linear_integrator,
    linear_step,
    potential_shear,
    require_separable,
    starting_phase,
    van_hove_operator,
    whole_function,
)
from brackish.theories.fields._on_grid import (
    check_grid,
    field_status,
    grid_of,
    points_of_operator,
    starting_density,
)
from brackish.theory import Generator, Requirements, Theory
from brackish.typing import Array, Complex, Float

STARTING_RADIAL_POWER = -1.5
r"""A run on a sphere starts with $\chi\propto r^{-3/2}$: then $\mathrm{div}(n|\chi|^2)=0$ and D is $|\chi|^2$."""


class KoopmanVanHoveState(eqx.Module):
    r"""`psi`: $\chi$ at the nodes, (*grid), $\int|\chi|^2=1$; its phase means something. `radial`: $\partial_r\chi$
    on a sphere, None on the plane.
    """

    psi: Complex[Array, "*grid"]
    radial: Complex[Array, "*grid"] | None


class KoopmanVanHove(Theory):
    r"""Koopman–van Hove mechanics of a classical Hamiltonian, one coordinate or one sphere.

    Linear, and unitary in $\chi$: the norm is kept to round-off with `Exponential`. D obeys the Liouville equation,
    so $\int D$ and the energy $\int HD$ are kept as far as the grid resolves the wavefunction, and D keeps its sign
    wherever it has one. `extension`: how H is continued off a sphere; at degree 1 (the default) $\mathcal L=0$, and
    $\chi$ moves as in Koopman–von Neumann theory.

    On a sphere the run starts from the density prepared. On the plane it starts from $|\chi|^2$ as prepared, with
    the phase $\bar p(q-\bar q)+\frac12(p-\bar p)(q-\bar q)$ over hbar about its mean: then D has the means
    prepared, but is $\frac12\nabla\!\cdot[(z-\bar z)|\chi|^2]+|\chi|^2$, negative in the tails; no smooth phase
    would do better. `planck`: the size of hbar.
    """

    grid: FieldGrid | None = None
    planck: float = 1.0
    extension: Extension = Homogeneous()
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
        density = starting_density(hamiltonian, preparation, self.nodes)
        phase = starting_phase(hamiltonian, self.nodes, density, self.planck)
        psi = self.nodes.dealias(jnp.sqrt(density) * phase)
        psi = psi / jnp.sqrt(self.nodes.integrate(jnp.abs(psi) ** 2))
        flat = isinstance(hamiltonian.manifold, Canonical)
        return KoopmanVanHoveState(psi, None if flat else STARTING_RADIAL_POWER * psi), jnp.ones(())

    def generator(self, hamiltonian):
        r"""$\chi\to\{H,\chi\}+\frac i\hbar\mathcal L\chi$, and the same differentiated by r."""
        grid, fields = self.nodes, classical_fields(hamiltonian, self.nodes)
        lagrangian = _lagrangian(hamiltonian, grid, self.extension)

        def moved(psi):
            turned = 1j / self.planck * grid.dealias(lagrangian * psi)
            return along_flow(grid, fields.flow, psi) + turned

        bound = grid.largest_rate(jnp.abs(fields.flow)) + jnp.max(jnp.abs(lagrangian)) / self.planck
        if isinstance(hamiltonian.manifold, Canonical):
            return Generator(lambda y: KoopmanVanHoveState(moved(y.psi), None), bound)
        flow, slope = _radial_terms(hamiltonian, grid, self.extension)

        def apply(y):
            driven = 1j / self.planck * grid.dealias(slope * y.psi)
            radial = moved(y.radial) + along_flow(grid, flow, y.psi) + driven
            return KoopmanVanHoveState(moved(y.psi), radial)

        return Generator(apply, bound)

    def flow(self, hamiltonian, t, y):
        return self.generator(hamiltonian).apply(y)

    def parts(self, hamiltonian):
        """For kinetic energy plus V(q): the potential and the drift, each an exact shear with its phase."""
        require_separable("KoopmanVanHove", hamiltonian)

        def potential(duration):
            move = potential_shear(hamiltonian, self.nodes, self.planck, duration)
            return lambda y: KoopmanVanHoveState(move(y.psi[None])[0], None)

        def drift(duration):
            move = drift_shear(hamiltonian, self.nodes, self.planck, duration)
            return lambda y: KoopmanVanHoveState(move(y.psi[None])[0], None)

        return potential, drift

    def density(self, hamiltonian, y) -> Float[Array, "*grid"]:
        """D of eq. (15) at the nodes; of no sign where it was given none."""
        density = van_hove_operator(hamiltonian, self.nodes, y.psi[None], self.planck)[0, 0].real
        if y.radial is None:
            return density
        return density + 3 * jnp.abs(y.psi) ** 2 + 2 * (jnp.conj(y.psi) * y.radial).real

    def energy(self, hamiltonian, y):
        energy = classical_fields(hamiltonian, self.nodes).energy
        return self.nodes.integrate(energy * self.density(hamiltonian, y))

    def quantum_density(self, hamiltonian, y):
        return self.nodes.integrate(self.density(hamiltonian, y))[None, None].astype(complex)

    def classical_points(self, hamiltonian, y):
        return points_of_operator(self.nodes, self.density(hamiltonian, y)[None, None].astype(complex))

    def check(self, hamiltonian, y):
        return field_status(self.nodes, y.psi, self.nodes.integrate(jnp.abs(y.psi) ** 2))


def _lagrangian(hamiltonian, grid, extension) -> Float[Array, "*grid"]:
    r"""$\mathcal L$ at the nodes."""
    points = jax.tree_util.tree_map(jnp.asarray, grid.points())
    function = whole_function(hamiltonian)
    return on_grid(jax.vmap(lambda z: lagrangian(hamiltonian, function, extension, z))(points), grid)


def _radial_terms(
    hamiltonian, grid, extension
) -> tuple[Float[Array, "components *grid"], Float[Array, "*grid"]]:
    r"""At the nodes of a sphere: the vector field of $\mathcal L$, and $\partial_r\mathcal L=\partial_r^2H$."""
    function = whole_function(hamiltonian)

    def at_node(z):
        by_direction = jax.grad(lambda z: lagrangian(hamiltonian, function, extension, z))(z)
        _, second = extension.radial_derivatives(function, z)
        return hamiltonian.manifold.hamiltonian_field(by_direction, z), second

    flow, slope = jax.vmap(at_node)(jnp.asarray(grid.points()))
    return components(flow, grid), on_grid(slope, grid)
