"""How a wavefunction moves on a grid: its two exact sub-flows, its energy, what can go wrong, and a box that fits."""

import math
from collections.abc import Callable
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np

from brackish.errors import InvalidInput, UnsupportedHamiltonian, warn
from brackish.grids import Grid, kinetic_phase
from brackish.hamiltonians import SeparableHamiltonian
from brackish.memory import COMPLEX, in_words, require_memory
from brackish.preparations import Wavefunction
from brackish.quantum import apply, propagator
from brackish.theory import Status
from brackish.typing import Array, Complex, Float, Inexact, Position, RealScalar

WaveFlow = Callable[[Complex[Array, "d *grid"]], Complex[Array, "d *grid"]]


def potential_flow(hamiltonian: SeparableHamiltonian, grid: Grid, duration: Any) -> WaveFlow:
    r"""$\Psi\mapsto e^{-i\hat V\delta t}\Psi$: a unitary at each grid point."""
    matrices = jax.vmap(lambda q: propagator(whole_potential(hamiltonian, q), duration))(grid.traced_nodes())
    matrices = jnp.moveaxis(matrices, 0, -1).reshape(hamiltonian.levels, hamiltonian.levels, *grid.points)
    return lambda psi: jnp.sum(matrices * psi[None], axis=1)


def kinetic_flow(hamiltonian: SeparableHamiltonian, grid: Grid, duration: Any) -> WaveFlow:
    r"""$\Psi\mapsto e^{-i\hat T\delta t}\Psi$: a phase at each wavenumber."""
    phase = kinetic_phase(grid, hamiltonian.manifold.masses, duration)
    return lambda psi: grid.inverse_transform(phase[None] * grid.transform(psi))


def whole_potential(hamiltonian: SeparableHamiltonian, position: Position) -> Inexact[Array, "d d"]:
    """V(q) with the harmonic energy that trajectories move exactly."""
    return hamiltonian.potential(position) + hamiltonian.harmonic(position) * jnp.eye(hamiltonian.levels)


def wave_energy(hamiltonian: SeparableHamiltonian, grid: Grid, psi: Complex[Array, "d *grid"]) -> RealScalar:
    """<Psi|H|Psi>, hartree."""
    waves = grid.transform(psi)
    kinetic = jnp.zeros(())
    for axis, k in enumerate(grid.wavenumbers()):
        kinetic = kinetic + grid.along(axis, k**2 / 2) / hamiltonian.manifold.masses[axis]
    in_motion = jnp.sum(kinetic[None] * (waves.real**2 + waves.imag**2)) / np.prod(grid.points)
    flat = psi.reshape(hamiltonian.levels, -1)
    acted = jax.vmap(lambda q, psi: apply(whole_potential(hamiltonian, q), psi), in_axes=(0, 1), out_axes=1)(
        grid.traced_nodes(), flat
    )
    return (in_motion + jnp.sum((jnp.conj(flat) * acted).real)) * grid.cell


def edge_probability(grid: Grid, psi: Complex[Array, "d *grid"]) -> RealScalar:
    """Probability in the outermost 2 % of each coordinate, at both ends."""
    total = jnp.zeros(())
    for axis, points in enumerate(grid.points):
        width = max(1, points // 50)
        for strip in (
            jax.lax.slice_in_dim(psi, 0, width, axis=axis + 1),
            jax.lax.slice_in_dim(psi, points - width, points, axis=axis + 1),
        ):
            total = total + jnp.sum(strip.real**2 + strip.imag**2)
    return total * grid.cell


def wave_status(
    grid: Grid,
    psi: Complex[Array, "d *grid"],
    edge: Float[Array, ""],
    tolerance: float,
    absorbed: Any = 0.0,
) -> Array:
    """A `Status`: whether the norm, with what was `absorbed`, is 1, and no more than `tolerance` of the probability
    ever stood at the `edge` of the box or stands at the largest momenta of the grid.
    """
    norm = jnp.sum(psi.real**2 + psi.imag**2) * grid.cell
    waves = grid.transform(psi)
    spectrum = jnp.sum(waves.real**2 + waves.imag**2, axis=0) * grid.cell / np.prod(grid.points)
    fastest = jnp.zeros(())
    for axis, k in enumerate(grid.wavenumbers()):
        fastest += jnp.sum(spectrum * grid.along(axis, np.abs(k) > 0.95 * np.abs(k).max()))
    status = jnp.where(jnp.abs(norm + absorbed - 1) > 1e-6, Status.lost_norm, Status.fine)
    status = jnp.where(fastest > tolerance, Status.reached_largest_momentum, status)
    status = jnp.where(edge > tolerance, Status.reached_edge, status)
    return jnp.where(jnp.isfinite(norm), status, Status.not_finite)


def chosen_grid(
    theory: str,
    grid: Grid | None,
    hamiltonian: SeparableHamiltonian,
    preparation: Any,
    stop: float,
    margin: float = 0.0,
) -> Grid:
    """The `grid` that was given, or a box that holds everything until the time `stop`, with `margin` bohr to spare.

    Raises `InvalidInput` or `UnsupportedHamiltonian`, naming the `theory`, if the one does not fit or the other cannot
    be found.
    """
    coordinates = hamiltonian.manifold.coordinates
    if isinstance(preparation, Wavefunction):
        if grid is not None and grid != preparation.grid:
            raise InvalidInput(
                f"Argument `grid` of {theory} must be that of the Wavefunction, {preparation.grid!r}, or be left out: "
                "nothing is interpolated."
            )
        return preparation.grid
    if grid is not None:
        if grid.coordinates != coordinates:
            raise InvalidInput(
                f"Argument `grid` of {theory} has {grid.coordinates} coordinates, the Hamiltonian has {coordinates}."
            )
        return grid
    if not hasattr(preparation, "spread"):
        raise UnsupportedHamiltonian(
            f"{theory} cannot choose a grid for {type(preparation).__name__}; give a `grid`, or start from a "
            "GaussianPacket."
        )
    return _fitting_grid(hamiltonian, preparation, stop, margin)


LARGEST_AXIS = 2**24
"""Points along one coordinate: no grid that has more is allowed, and a fast size would be searched for long."""
OVERSAMPLING = {1: 4.5, 2: 2.0, 3: 1.4}
"""Largest wavenumber of a chosen grid over the largest that the energy allows. Kinks in V'' (Tully I and III)
make the error fall only as the fourth power of the spacing, so one coordinate affords a generous factor.
"""


def _fitting_grid(hamiltonian: SeparableHamiltonian, packet: Any, stop: float, margin: float) -> Grid:
    """A box that holds every place that the packet's energy and the length of the run allow, coordinate by
    coordinate.
    """
    masses = np.asarray(hamiltonian.manifold.masses)
    centre, momentum, width, momentum_width = (np.asarray(v) for v in packet.spread(hamiltonian.manifold))
    levels = jax.jit(jax.vmap(lambda q: jnp.linalg.eigvalsh(whole_potential(hamiltonian, q))))
    corners = centre + np.linspace(-5, 5, 41)[:, None] * width
    kinetic = np.sum((np.abs(momentum) + 6 * momentum_width) ** 2 / (2 * masses))
    energy = kinetic + float(np.max(np.asarray(levels(corners))[20:21]))
    lower, upper, points = [], [], []
    for axis, mass in enumerate(masses):
        fastest = np.sqrt(
            2 * max(energy - _deepest(levels, centre, axis, width, kinetic, mass, stop), 0.0) / mass
        )
        reach = fastest * stop + 10 * width[axis] + 4.0 / np.sqrt(mass * 0.01)
        ends = []
        deepest = np.inf
        for direction in (-1, 1):
            distance = np.linspace(0, reach, 4000)
            line = np.repeat(centre[None], distance.size, axis=0)
            line[:, axis] += direction * distance
            lowest = np.asarray(levels(line))[:, 0]
            forbidden = np.sqrt(2 * mass * np.maximum(lowest - energy, 0.0))
            # beyond a turning point the wavefunction falls as exp(-action); forty e-foldings are nothing
            action = np.cumsum(forbidden) * (distance[1] - distance[0])
            end = distance[min(int(np.searchsorted(action, 20.0)), distance.size - 1)]
            end = max(end, 9 * width[axis])
            deepest = min(deepest, lowest[distance <= end].min())
            ends.append(centre[axis] + direction * end)
        largest = np.sqrt(2 * mass * max(energy - deepest, 0.0)) + 6 * momentum_width[axis]
        room = max(0.03 * (ends[1] - ends[0]), margin)
        ends = [ends[0] - room, ends[1] + room]
        if len(masses) == 1:
            ends = _rounded(*ends)
        needed = (ends[1] - ends[0]) * largest * OVERSAMPLING[len(masses)] / np.pi
        if not needed <= LARGEST_AXIS:
            raise InvalidInput(
                f"The grid that fits this run would have {needed:.0e} points along coordinate {axis}; give a `grid`, "
                "or check mass, momentum, width and time."
            )
        lower.append(ends[0])
        upper.append(ends[1])
        size = _common_size if len(masses) == 1 else _fast_size
        points.append(size(max(32, int(np.ceil(needed)))))
    if np.prod([float(n) for n in points]) > 2**24:
        raise InvalidInput(
            f"The grid that fits this run would have {'x'.join(map(str, points))} points; give a `grid`, or run "
            "Exact with an `absorber`."
        )
    return Grid(tuple(lower), tuple(upper), tuple(points))


def _deepest(levels, centre, axis, width, kinetic, mass, stop):
    """The lowest potential energy within reach at the speed that the kinetic energy alone allows."""
    reach = np.sqrt(2 * kinetic / mass) * stop + 10 * width[axis]
    line = np.repeat(centre[None], 4001, axis=0)
    line[:, axis] += np.linspace(-reach, reach, 4001)
    return float(np.asarray(levels(line))[:, 0].min())


def _rounded(lower: float, upper: float) -> list[float]:
    """A box around this one that near boxes share, so that one compiled program serves them all."""
    unit = 2.0 ** np.floor(np.log2(upper - lower)) / 4
    return [float(unit * np.floor(lower / unit)), float(unit * np.ceil(upper / unit))]


def _common_size(size: int) -> int:
    """The next of 32, 40, 48, 64, 80, 96, 128, ..."""
    power = 2 ** int(np.floor(np.log2(size)))
    return next(n for n in (power, power * 5 // 4, power * 3 // 2, 2 * power) if n >= size)


PER_LEVEL, PER_MATRIX = 12, 12
"""Complex numbers of a run for each grid point: so many times the levels for the wavefunction and what is made of it in
a step, so many times their square for the propagators of the potential (six in the default integrator) and for spectra.
"""
SECONDS = 4e-8
"""For each point, level and transform, about, on one core; the default integrator takes 12 transforms a step."""
LONG = 60.0
"""Seconds of a run from which on it says what to expect."""


def needed_bytes(grid: Grid, levels: int) -> int:
    """About the memory that a run on this grid takes."""
    return math.prod(grid.points) * COMPLEX * (PER_LEVEL * levels + PER_MATRIX * levels**2)


def check_size(grid: Grid, levels: int, steps: int) -> None:
    """Raise `InvalidInput` if a run on this grid cannot fit the memory; warn if it takes long."""
    points, size = math.prod(grid.points), needed_bytes(grid, levels)
    shape = "x".join(map(str, grid.points))
    time = points * levels * 12 * SECONDS * steps
    expected = f"{points} points ({shape}), {steps} steps and about {_duration(time)} of one core"
    require_memory(
        size,
        f"Exact on a grid of {expected}",
        "give a coarser or smaller `grid`, or an `absorber`",
    )
    if time > LONG:
        warn(
            f"Exact works on a grid of {expected}, in {in_words(size)} of memory; a coarser `grid` is faster."
        )


def _duration(seconds: float) -> str:
    for size, name in ((86400.0, "days"), (3600.0, "hours"), (60.0, "minutes")):
        if seconds > 2 * size:
            return f"{seconds / size:.0f} {name}"
    return f"{seconds:.0f} seconds"


def _fast_size(size: int) -> int:
    """The next even number with factors 2, 3 and 5 alone, on which Fourier transforms are fast."""
    while True:
        rest = size
        for factor in (2, 3, 5):
            while rest % factor == 0:
                rest //= factor
        if rest == 1 and size % 2 == 0:
            return size
        size += 1
