"""What theories of fields share: a grid, a start on it, and what observables see of matrices and spinors on nodes."""

import math
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np

from brackish.errors import InvalidInput, UnsupportedHamiltonian
from brackish.grids import hybrid_fields
from brackish.hamiltonians import HybridHamiltonian, SeparableHamiltonian
from brackish.identity import jit_by_content
from brackish.memory import COMPLEX, require_memory
from brackish.quantum import field_outer
from brackish.theory import Status, Weighted
from brackish.typing import Array, Complex, Float, Inexact, RealScalar

LARGEST_SHARE = 1e-2
"""How much of a field may stand in the highest waves that are kept."""
STARTING_ERROR = 1e-6
"""How far from 1 the integral of the starting density over the nodes may be."""
MATRICES = 4
"""Fields of matrices that are there at once: the Hamiltonian, its gradient, and what moves."""


def check_grid(theory: Any, hamiltonian: HybridHamiltonian, preparation: Any) -> None:
    """Make sure that the grid of a theory carries functions on the manifold and holds the starting density.

    Raises `UnsupportedHamiltonian` if there is no grid or one of another manifold, `InvalidInput` if the density does
    not integrate to 1 on it.
    """
    name = type(theory).__name__
    if theory.grid is None:
        raise UnsupportedHamiltonian(
            f"{name} needs a `grid` on {hamiltonian.manifold.describe()}: PhaseSpace(lower, upper, points) for one "
            "position and its momentum, SphereGrid(largest_degree) for one sphere."
        )
    theory.grid.matches(hamiltonian.manifold)
    require_fields(name, theory.grid.shape, hamiltonian.levels)
    total = float(_total(hamiltonian, preparation, theory.grid))
    if not abs(total - 1) < STARTING_ERROR:
        raise InvalidInput(
            f"Argument `grid` of {name} does not hold the starting density: it integrates to {total:.8g} instead of 1. "
            "Give a larger box, or more points."
        )


def require_fields(name: str, shape: tuple[int, ...], levels: int) -> None:
    """Raise `InvalidInput` if the matrices of a Hamiltonian and of a state do not fit on a grid of this shape."""
    points = math.prod(shape)
    what = f"{name} on {points} nodes with {levels} levels, {MATRICES} fields of matrices,"
    require_memory(MATRICES * COMPLEX * levels**2 * points, what, "give a `grid` of fewer points")


def grid_of(theory: Any) -> Any:
    """The grid of a theory. Raises `InvalidInput` if there is none."""
    if theory.grid is None:
        raise InvalidInput(f"{type(theory).__name__} has no `grid`: give one.")
    return theory.grid


@jit_by_content
def _total(hamiltonian, preparation, grid):
    return grid.integrate(density_at_nodes(hamiltonian, preparation, grid))


def density_at_nodes(hamiltonian: HybridHamiltonian, preparation: Any, grid: Any) -> Float[Array, "*grid"]:
    """The classical density of a preparation at each node."""
    points = jax.tree_util.tree_map(jnp.asarray, grid.points())
    return jax.vmap(preparation.density, in_axes=(None, 0))(hamiltonian, points).reshape(grid.shape)


def starting_density(hamiltonian: HybridHamiltonian, preparation: Any, grid: Any) -> Float[Array, "*grid"]:
    """The classical density of a preparation, of unit integral over the nodes."""
    density = density_at_nodes(hamiltonian, preparation, grid)
    return density / grid.integrate(density)


def starting_spinors(
    hamiltonian: HybridHamiltonian, preparation: Any, grid: Any
) -> Complex[Array, "d *grid"]:
    """The local quantum state of a preparation at each node."""
    points = jax.tree_util.tree_map(jnp.asarray, grid.points())
    spinors = jax.vmap(preparation.state.spinor, in_axes=(None, 0))(hamiltonian, points)
    return jnp.moveaxis(spinors, 0, -1).reshape(hamiltonian.levels, *grid.shape)


def starting_wave(hamiltonian: HybridHamiltonian, preparation: Any, grid: Any) -> Complex[Array, "d *grid"]:
    """The root of the density times the local state, on the waves that are kept, of unit norm."""
    amplitude = jnp.sqrt(starting_density(hamiltonian, preparation, grid))
    psi = grid.dealias(amplitude[None] * starting_spinors(hamiltonian, preparation, grid))
    return psi / jnp.sqrt(grid.integrate(jnp.sum(jnp.abs(psi) ** 2, axis=0)))


def starting_operator(
    hamiltonian: HybridHamiltonian, preparation: Any, grid: Any
) -> Complex[Array, "d d *grid"]:
    """The density of a preparation times its local projector: free of phases of the local state."""
    spinors = starting_spinors(hamiltonian, preparation, grid)
    return starting_density(hamiltonian, preparation, grid)[None, None] * field_outer(spinors, spinors)


def points_of_operator(grid: Any, operator: Inexact[Array, "d d *grid"]) -> Weighted:
    """The nodes, each with its share of the classical density (negative where that is) and the local state.

    Where there is no density the local state is not defined, and the even mixture stands in its place.
    """
    levels = operator.shape[0]
    density = jnp.trace(operator).real
    empty = jnp.abs(density) <= 1e-14 * jnp.max(jnp.abs(density))
    mixture = jnp.eye(levels).reshape(levels, levels, *([1] * density.ndim)) / levels
    share = jnp.where(empty, 1.0, density)[None, None]
    local = jnp.where(empty[None, None], mixture, operator / share)
    points = jax.tree_util.tree_map(jnp.asarray, grid.points())
    flat = jnp.moveaxis(local.reshape(levels, levels, -1), -1, 0)
    return Weighted(points, flat, (density * grid.weights()).ravel())


def field_status(grid: Any, field: Inexact[Array, "*leading first second"], norm: RealScalar) -> Array:
    """A `Status` of a field that should be smooth: of norm 1 to 1e-6, and little of it in the highest waves."""
    square = jnp.sum(grid.integrate(jnp.abs(field) ** 2))
    highest = jnp.sum(grid.integrate(jnp.abs(grid.highest_waves(field)) ** 2))
    lost = jnp.where(jnp.abs(norm - 1) > 1e-6, Status.lost_norm, Status.fine)
    lost = jnp.where(highest > LARGEST_SHARE * square, Status.not_resolved, lost)
    return jnp.where(jnp.isfinite(square), lost, Status.not_finite)


def explicit_step(hamiltonian: HybridHamiltonian, grid: Any, planck: float) -> float:
    """A step in which RungeKutta4 is stable and accurate for waves below the cutoff, and for the quantum side."""
    motion, turn = (float(rate) for rate in _largest_rates(hamiltonian, grid))
    step = 1.0 / (motion + 2 * turn / planck)
    suggested = hamiltonian.suggested_step()
    return step if suggested is None else min(step, suggested)


def step_of_parts_or_flow(hamiltonian: HybridHamiltonian, grid: Any, planck: float) -> float | None:
    """The step of the Hamiltonian where there are exact parts, else one for an explicit rule."""
    if isinstance(hamiltonian, SeparableHamiltonian):
        return hamiltonian.suggested_step()
    return explicit_step(hamiltonian, grid, planck)


@jit_by_content
def _largest_rates(hamiltonian, grid):
    """The largest frequency of motion along X_H below the cutoff, and the largest traceless H."""
    fields = hybrid_fields(hamiltonian, grid)
    size = jnp.sqrt(jnp.sum(jnp.abs(fields.operator_flow) ** 2, axis=(1, 2)))
    levels = fields.operator.shape[0]
    mean = jnp.trace(fields.operator)[None, None] / levels * jnp.eye(levels)[:, :, None, None]
    turning = jnp.sqrt(jnp.max(jnp.sum(jnp.abs(fields.operator - mean) ** 2, axis=(0, 1))))
    return grid.largest_rate(jnp.abs(fields.classical_flow) + size), turning


# -- Hermitian fields as real ones ----------------------------------------------------------------------------


def _upper(levels: int, axes: int) -> np.ndarray:
    return np.triu(np.ones((levels, levels), bool)).reshape(levels, levels, *([1] * axes))


def packed(field: Complex[Array, "d d *grid"]) -> Float[Array, "d d *grid"]:
    """A Hermitian field as one real number an entry: real parts on and above the diagonal, imaginary ones below."""
    return jnp.where(_upper(field.shape[0], field.ndim - 2), field.real, field.imag)


def unpacked(field: Float[Array, "d d *grid"]) -> Complex[Array, "d d *grid"]:
    """The Hermitian field that `packed` made real."""
    levels = field.shape[0]
    upper = _upper(levels, field.ndim - 2)
    diagonal = np.eye(levels, dtype=bool).reshape(levels, levels, *([1] * (field.ndim - 2)))
    turned = jnp.swapaxes(field, 0, 1)
    real = jnp.where(upper, field, turned)
    imaginary = jnp.where(diagonal, 0.0, jnp.where(upper, -turned, field))
    return jax.lax.complex(real, imaginary)


def hermitian_gradient(
    grid: Any, field: Complex[Array, "d d *grid"]
) -> Complex[Array, "components d d *grid"]:
    """The gradient of a Hermitian field, by transforms of real numbers."""
    return jax.vmap(unpacked)(grid.gradient(packed(field)))


def hermitian_divergence(
    grid: Any, vector: Complex[Array, "components d d *grid"]
) -> Complex[Array, "d d *grid"]:
    """The divergence of a vector of Hermitian fields."""
    return unpacked(grid.divergence(jax.vmap(packed)(vector)))


def advected(
    grid: Any, velocity: Float[Array, "components *grid"], field: Inexact[Array, "n *grid"], gradient: Array
) -> Inexact[Array, "n *grid"]:
    r"""$-\frac12[\mathcal X\cdot\nabla f+\nabla\cdot(\mathcal Xf)]$ of a half-density f with its `gradient`.

    Whatever the grid, $\int|f|^2$ does not change.
    """
    moved = jnp.sum(velocity[:, None] * gradient, axis=0)
    return -0.5 * (moved + grid.divergence(velocity[:, None] * field[None]))
