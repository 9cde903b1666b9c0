r"""What a theory promises to keep, on what scale a change is measured, and how large a change may be.

A theory lists its promises; the runner compares them, at every save, with their values at the start. The scale of an
energy must not depend on a constant added to H. It is made of what moves: the kinetic energy, the standard deviation of
the levels of the quantum side, and, on a sphere, the torque.
"""

from collections.abc import Callable
from typing import Any, ClassVar

import equinox as eqx
import jax
import jax.numpy as jnp

from brackish.manifolds import Canonical, Product, Spheres
from brackish.typing import Array, Float, Point, RealScalar, SquareMatrix, State


def unit(theory: Any, hamiltonian: Any, y: State) -> RealScalar:
    """The scale of what has a size of its own, such as a norm or a purity."""
    return jnp.ones(())


class Conserved(eqx.Module):
    """A quantity that the motion keeps, but for the error of the step.

    `quantity`: its name. `function`: (theory, hamiltonian, state) -> a real number. `scale`: likewise, a number that is
    not negative; of a trajectory the largest one since the start counts, or the mean over the trajectories beside it if
    that is larger. `tolerance`: the share of the scale by which the quantity may
    change; a run in which it changes by more warns. `limit`: the share at which a run stops. `units`: as those of an
    observable. `may_fall`: whether only a rise breaks the promise. `also`: what cures a change, beside a smaller step.
    """

    quantity: str = eqx.field(static=True)
    function: Callable = eqx.field(static=True)
    scale: Callable = eqx.field(static=True, default=unit)
    tolerance: float = eqx.field(static=True, default=1e-8)
    limit: float = eqx.field(static=True, default=1e-6)
    units: str = eqx.field(static=True, default="1")
    may_fall: bool = eqx.field(static=True, default=False)
    also: str = eqx.field(static=True, default="")

    def change(self, start: Float[Array, "..."], now: Float[Array, "..."]) -> Float[Array, "..."]:
        """By how much the promise is broken, in the units of the quantity; zero or more."""
        return jnp.maximum(now - start, 0.0) if self.may_fall else jnp.abs(now - start)


class Empty(eqx.Module):
    """A population that should stay zero, or else the levels or nodes of a model are too few.

    `quantity`, `function`, `tolerance`, `limit`: as of `Conserved`, but for the value itself, whatever the start.
    `cure`: what would help.
    """

    quantity: str = eqx.field(static=True)
    function: Callable = eqx.field(static=True)
    cure: str = eqx.field(static=True)
    tolerance: float = eqx.field(static=True, default=1e-2)
    limit: float = eqx.field(static=True, default=0.5)
    scale: ClassVar[Callable] = staticmethod(unit)
    units: ClassVar[str] = "1"

    def change(self, start: Float[Array, "..."], now: Float[Array, "..."]) -> Float[Array, "..."]:
        """The value."""
        return now


Promise = Conserved | Empty


def total_energy(theory: Any, hamiltonian: Any, y: State) -> RealScalar:
    """The total energy of a state."""
    return theory.energy(hamiltonian, y)


def total_norm(theory: Any, hamiltonian: Any, y: State) -> RealScalar:
    """The trace of the quantum density operator."""
    return jnp.trace(theory.quantum_density(hamiltonian, y)).real


def purity(theory: Any, hamiltonian: Any, y: State) -> RealScalar:
    """Tr rho^2 of the quantum density operator."""
    return jnp.sum(jnp.abs(theory.quantum_density(hamiltonian, y)) ** 2)


def energy_scale(theory: Any, hamiltonian: Any, y: State) -> RealScalar:
    """The mean over the points of a state of kinetic energy, standard deviation of the levels, and torque on the spins;
    no constant in H changes it.
    """
    points = theory.classical_points(hamiltonian, y)
    each = jax.vmap(lambda point: _spread_at(hamiltonian, point) + _torque(hamiltonian, point))
    scale = jnp.sum(jnp.abs(points.weight) * each(points.point))
    return scale + kinetic_scale(theory, hamiltonian, y)


def kinetic_scale(theory: Any, hamiltonian: Any, y: State) -> RealScalar:
    """The mean kinetic energy, zero where there are no momenta."""
    manifold = hamiltonian.manifold
    canonical = manifold.canonical if isinstance(manifold, Product) else manifold
    if not isinstance(canonical, Canonical):
        return jnp.zeros(())
    squares = theory.moments(hamiltonian, y).momentum_squared
    return jnp.abs(0.5 * jnp.sum(squares / jnp.asarray(canonical.masses)))


def spread_of_levels(matrix: SquareMatrix) -> RealScalar:
    """The standard deviation of the eigenvalues of a Hermitian matrix, which needs no eigenvalues."""
    levels = matrix.shape[0]
    centred = matrix - jnp.trace(matrix).real / levels * jnp.eye(levels)
    return jnp.sqrt(jnp.sum(jnp.abs(centred) ** 2) / levels)


def _spread_at(hamiltonian: Any, point: Point) -> RealScalar:
    if hamiltonian.levels == 1:
        return jnp.zeros(())
    return spread_of_levels(hamiltonian.quantum() + hamiltonian.interaction(point))


def _torque(hamiltonian: Any, point: Point) -> RealScalar:
    """The size of n x dH_C/dn, summed over the spins."""
    manifold = hamiltonian.manifold
    if isinstance(manifold, Canonical):
        return jnp.zeros(())
    slope = jax.grad(lambda z: jnp.asarray(hamiltonian.classical(z)))(point)
    if not isinstance(manifold, Spheres):
        slope, point = slope.spheres, point.spheres
    return jnp.sum(jnp.linalg.norm(jnp.cross(point, slope), axis=-1))


ENERGY_OF_EACH = Conserved("energy", total_energy, energy_scale, tolerance=1e-2, limit=0.5, units="hartree")
"""The energy of a single trajectory: populations are right to some percent where it is kept."""
ENERGY = Conserved("energy", total_energy, energy_scale, tolerance=1e-3, limit=0.1, units="hartree")
"""The energy of an ensemble, in which the errors of single points cancel in part."""
ENERGY_OF_FIELD = Conserved(
    "energy", total_energy, energy_scale, tolerance=1e-2, limit=0.5, units="hartree", also="a finer grid"
)
"""The energy of a field on a grid, which is kept as far as the grid resolves the field."""
NORM = Conserved("norm", total_norm)
"""Where every step is unitary, but for round-off."""
NORM_OF_FIELD = Conserved("norm", total_norm, tolerance=1e-7, also="a finer grid")
"""Where it is kept to the order of the step."""
PURITY = Conserved("purity", purity, tolerance=1e-7, limit=1e-4)
