"""The observables that every run keeps, written once through the maps that each theory offers."""

import jax
import jax.numpy as jnp
import numpy as np

from brackish.grids import FieldGrid, PhaseSpace
from brackish.hamiltonians import HybridHamiltonian, SeparableHamiltonian
from brackish.manifolds import Canonical, Product
from brackish.observables.base import Derived, Observable
from brackish.promises import total_energy, total_norm
from brackish.quantum import eigensystem, product


def density_matrix(theory, hamiltonian, y):
    """The quantum density operator, (d, d), diabatic basis."""
    return theory.quantum_density(hamiltonian, y)


def population(theory, hamiltonian, y):
    """Diabatic populations, (d,)."""
    return jnp.diagonal(theory.quantum_density(hamiltonian, y)).real


norm, energy = total_norm, total_energy


def adiabatic_populations_at(hamiltonian, point, density):
    """Populations <u_n|rho|u_n> of the eigenstates of H at one classical point, (d,): free of their phases."""
    _, vectors = eigensystem(hamiltonian.quantum() + hamiltonian.interaction(point))
    return jnp.sum(jnp.conj(vectors) * product(density, vectors), axis=0).real


def _adiabatic_of_points(theory, hamiltonian, y):
    """Adiabatic populations at each classical point, (N, d), times the weights; and the points."""
    points = theory.classical_points(hamiltonian, y)
    populations = jax.vmap(adiabatic_populations_at, in_axes=(None, 0, 0))(
        hamiltonian, points.point, points.density
    )
    return points.weight[:, None] * populations, points.point


def adiabatic_population(theory, hamiltonian, y):
    """Populations of the eigenstates of H at each classical point, (d,), lowest first."""
    populations, _ = _adiabatic_of_points(theory, hamiltonian, y)
    return jnp.sum(populations, axis=0) + jnp.sum(_scattered(theory, hamiltonian, y), axis=0)


def scattering(theory, hamiltonian, y):
    """Adiabatic populations on the left (q_0 < 0, reflected) and right (transmitted) of the origin, (2, d)."""
    populations, point = _adiabatic_of_points(theory, hamiltonian, y)
    right = _share_on_the_right(theory, point.position[:, :1])
    sides = [jnp.sum(share * populations, axis=0) for share in (1 - right, right)]
    return jnp.stack(sides) + _scattered(theory, hamiltonian, y)


def _share_on_the_right(theory, position):
    """How much of each point stands at q > 0: of a node of a grid that part of its cell, so that a sum over nodes
    misses the integral by the second order of their distance; a point that moves has no cell, and is half on either
    side if it stands on the origin.
    """
    grid = None if theory.has_trajectories else getattr(theory, "grid", None)
    if grid is None:
        return jnp.heaviside(position, 0.5)
    plane = grid.plane if isinstance(grid, PhaseSpace) else grid
    return jnp.clip(position / plane.spacings[0] + 0.5, 0.0, 1.0)


def _scattered(theory, hamiltonian, y):
    """What an absorbing boundary has already counted, (2, d)."""
    if hasattr(theory, "scattered"):
        return theory.scattered(hamiltonian, y)
    return jnp.zeros((2, hamiltonian.levels))


def position(theory, hamiltonian, y):
    """Mean positions, (n,)."""
    return theory.moments(hamiltonian, y).position


def momentum(theory, hamiltonian, y):
    """Mean momenta, (n,)."""
    return theory.moments(hamiltonian, y).momentum


def position_variance(theory, hamiltonian, y):
    """Variances of the positions within one state, (n,)."""
    return theory.moments(hamiltonian, y).position_variance


def momentum_variance(theory, hamiltonian, y):
    """Variances of the momenta within one state, (n,)."""
    return theory.moments(hamiltonian, y).momentum_variance


def spin_direction(theory, hamiltonian, y):
    """Mean directions of the classical spins, (spins, 3)."""
    points = theory.classical_points(hamiltonian, y)
    directions = points.point.spheres if isinstance(hamiltonian.manifold, Product) else points.point
    return jnp.sum(points.weight[:, None, None] * directions, axis=0)


def _density_at_nodes(theory, hamiltonian, y):
    """The classical density at the nodes of a theory of fields: negative where the theory makes it so."""
    weight = theory.classical_points(hamiltonian, y).weight
    return weight.reshape(theory.grid.shape) / theory.grid.weights()


def _every(length: int) -> int:
    """Of so many nodes along an axis, every which is drawn."""
    return -(-length // LARGEST_DRAWING)


def classical_density(theory, hamiltonian, y):
    """The classical density, at no more than LARGEST_DRAWING nodes along each axis."""
    rows, columns = (_every(length) for length in theory.grid.shape)
    return _density_at_nodes(theory, hamiltonian, y)[::rows, ::columns]


def drawn_nodes(theory) -> dict[str, tuple[np.ndarray, str, str]]:
    """By name, the places of the nodes at which `classical_density` is kept, their units and meaning; none without a
    grid of fields.
    """
    if not _has_fields(theory):
        return {}
    return {
        name: (values[:: _every(len(values))], units, what)
        for name, (values, units, what) in theory.grid.axes().items()
    }


def least_density(theory, hamiltonian, y):
    """The smallest value of the classical density at any node."""
    return jnp.min(_density_at_nodes(theory, hamiltonian, y))


def least_density_place(theory, hamiltonian, y):
    """Where that is, (2,): position and momentum, or polar angle and azimuth."""
    lowest = jnp.argmin(_density_at_nodes(theory, hamiltonian, y))
    row, column = jnp.divmod(lowest, theory.grid.shape[1])
    rows, columns = (jnp.asarray(values) for values, _, _ in theory.grid.axes().values())
    return jnp.stack([rows[row], columns[column]])


def negative_mass(theory, hamiltonian, y):
    """The integral of the classical density over where it is negative; zero or less."""
    return jnp.sum(jnp.minimum(theory.classical_points(hamiltonian, y).weight, 0.0))


LARGEST_DRAWING = 96
"""Nodes along an axis that are kept for figures."""

_CONSISTENCY = "Tronci and Gay-Balmaz, Lagrangian trajectories and closure models, section 1"

_QUANTUM = (
    Observable(
        "density_matrix", density_matrix, ("level", "level_"), "1", "quantum density operator", _CONSISTENCY
    ),
    Observable("population", population, ("level",), "1", "diabatic population"),
    Observable("norm", norm, (), "1", "trace of the density operator"),
    Observable("energy", energy, (), "hartree", "total energy"),
)
_CANONICAL = (
    Observable("position", position, ("coordinate",), "bohr", "mean position"),
    Observable("momentum", momentum, ("coordinate",), "hbar/bohr", "mean momentum"),
    Observable("position_variance", position_variance, ("coordinate",), "bohr^2", hidden=True),
    Observable("momentum_variance", momentum_variance, ("coordinate",), "hbar^2/bohr^2", hidden=True),
)
_SPINS = (
    Observable(
        "spin_direction", spin_direction, ("spin", "axis"), "1", "mean direction of the classical spins"
    ),
)
_ADIABATIC = Observable("adiabatic_population", adiabatic_population, ("level",), "1", "adiabatic population")
_SCATTERING = Observable(
    "scattering", scattering, ("side", "level"), "1", "adiabatic population left and right of the origin"
)
_FIELDS = (
    Observable(
        "classical_density",
        classical_density,
        ("node_row", "node_column"),
        "1/hbar, or 1 on a sphere",
        "classical density",
        _CONSISTENCY,
    ),
    Observable(
        "least_density",
        least_density,
        (),
        "1/hbar, or 1 on a sphere",
        "smallest value of the classical density",
        _CONSISTENCY,
    ),
    Observable(
        "least_density_place",
        least_density_place,
        ("node_axis",),
        "as the nodes",
        "place of the smallest classical density",
    ),
    Observable(
        "negative_mass", negative_mass, (), "1", "integral of the negative part of the classical density"
    ),
)

_DERIVED = (
    Derived(
        "purity",
        ("density_matrix",),
        lambda means: np.sum(np.abs(means["density_matrix"]) ** 2, axis=(-2, -1)),
        long_name="quantum purity Tr rho^2",
        source=_CONSISTENCY,
    ),
    Derived(
        "least_eigenvalue",
        ("density_matrix", "least_density"),
        lambda means: np.linalg.eigvalsh(means["density_matrix"])[..., 0],
        long_name="smallest eigenvalue of the density operator",
        source=_CONSISTENCY,
    ),
    Derived(
        "coherence",
        ("density_matrix",),
        lambda means: _off_diagonal(means["density_matrix"]),
        long_name="size of the off-diagonal of the diabatic density matrix",
    ),
    Derived(
        "correlation_energy",
        ("energy", "mean_energy"),
        lambda means: means["energy"] - means["mean_energy"],
        units="hartree",
        long_name="energy beyond the mean of H in the states of the points",
        source="Tronci and Gay-Balmaz, Lagrangian trajectories and closure models, eq. (11)",
    ),
    Derived(
        "position_spread",
        ("position", "position_variance"),
        lambda means: _spread(means["position_scatter"], means["position_variance"]),
        ("coordinate",),
        "bohr",
        "standard deviation of the position",
        scatters=("position",),
    ),
    Derived(
        "momentum_spread",
        ("momentum", "momentum_variance"),
        lambda means: _spread(means["momentum_scatter"], means["momentum_variance"]),
        ("coordinate",),
        "hbar/bohr",
        "standard deviation of the momentum",
        scatters=("momentum",),
    ),
)


def _off_diagonal(density):
    inside = np.eye(density.shape[-1], dtype=bool)
    return np.sqrt(np.sum(np.where(inside, 0.0, np.abs(density)) ** 2, axis=(-2, -1)))


def _spread(among_states, within_states):
    """The standard deviation over an ensemble, by the variance of the means of its states and the mean of their own."""
    return np.sqrt(np.maximum(among_states + within_states, 0.0))


def _has_fields(theory) -> bool:
    """Whether the classical side is a field on a grid, with signs of its own."""
    return isinstance(getattr(theory, "grid", None), FieldGrid)


def standard_observables(hamiltonian: HybridHamiltonian, theory=None) -> tuple[Observable, ...]:
    """The observables that fit the manifold of this Hamiltonian, and the kind of `theory`, if one is given."""
    if theory is not None and (own := theory.standard_observables(hamiltonian)) is not None:
        return own
    manifold = hamiltonian.manifold
    chosen: tuple[Observable, ...] = _QUANTUM
    if isinstance(manifold, Canonical | Product):
        chosen = chosen + _CANONICAL
    if not isinstance(manifold, Canonical):
        chosen = chosen + _SPINS
    if hamiltonian.levels > 1:
        chosen = (*chosen, _ADIABATIC)
    if isinstance(hamiltonian, SeparableHamiltonian):
        chosen = (*chosen, _SCATTERING)
    if _has_fields(theory):
        chosen = chosen + _FIELDS
    return chosen


def derived_observables(observables: tuple[Observable, ...]) -> tuple[Derived, ...]:
    """The functions of means that can be made from these observables."""
    names = {observable.name for observable in observables}
    return tuple(
        derived for derived in _DERIVED if names.issuperset(derived.needs) and derived.name not in names
    )
