r"""Quantum trajectories: fluid elements of the probability, guided by an exact wavefunction.

$$\dot x^j=\xi^{jk}\pi_k(x,t),\qquad\pi_k=\mathrm{Im}\,\Psi^\dagger\partial_k\Psi/n,\qquad n=\Psi^\dagger\Psi,\qquad
i\,\partial_t\Psi=\Big[-\tfrac12\xi^{ij}\partial_i\partial_j+\hat V(x)\Big]\Psi$$

with $\hbar=1$ and $\xi^{ij}=\delta_{ij}/m_i$: eqs. (10) and (37) of Martinazzo and Burghardt, "Quantum hydrodynamics of
coupled electron-nuclear systems"; D. Bohm, Phys. Rev. 85, 166 (1952). An ensemble that starts distributed as n stays so
for ever (equivariance), and each trajectory carries the conditional density operator $\hat\rho=\Psi\Psi^\dagger/n$.
"""

import dataclasses
from typing import ClassVar

import equinox as eqx
import jax.numpy as jnp
import numpy as np
from jax import lax

from brackish.errors import InvalidInput
from brackish.grids import Grid, kinetic_phase
from brackish.grids.between import BetweenNodes
from brackish.integrators import BlanesMoan
from brackish.manifolds import Canonical, PhasePoint
from brackish.observables import Observable
from brackish.promises import ENERGY
from brackish.theories.exact._propagation import (
    chosen_grid,
    edge_probability,
    potential_flow,
    wave_energy,
    wave_status,
)
from brackish.theories.trajectories._fluid import even_places
from brackish.theory import Requirements, Status, Theory, Weighted
from brackish.typing import Array, Complex, Float

NODE = 1e-10
"""Of the largest density. Where there is less, next to a node, the momentum is the flux over this density: it stays
finite, and vanishes at the node itself."""
LARGEST_DRAWING = 1024
"""Grid points of one coordinate at which the density is kept."""


class QuantumTrajectoriesState(eqx.Module):
    """`psi`: (d, *grid), diabatic basis. `edge`: the largest probability ever met at the edge of the box. `position`:
    (N, n), trajectories first, then tracers. `weight`: (N,), summing to 1; 0 for tracers.
    """

    psi: Complex[Array, "..."]
    edge: Float[Array, ""]
    position: Float[Array, "N n"]
    weight: Float[Array, " N"]


def _rows(value) -> np.ndarray | None:
    if value is None:
        return None
    value = np.asarray(value, dtype=float)
    return value[:, None] if value.ndim == 1 else value


class QuantumTrajectories(Theory):
    r"""Trajectories guided by the wavefunction, which moves exactly as in `Exact`.

    They start at the quantiles of $|\Psi|^2$: evenly in one coordinate, by a sequence of low discrepancy in two or
    three (conditional quantiles, of a density that is constant in each cell of the grid). A preparation that is random
    shifts all of them by one random number per coordinate, so that several ensembles have a spread; `QuasiRandom`
    shifts nothing. The momentum of a trajectory is $\pi(x)$, so means over the points have all flow, and no osmotic
    part, of the momentum spread.

    `grid`: the box, chosen as for `Exact` if none is given. `tracers`: (M, n) further starting positions, of weight 0,
    such as a closed loop. The run stops with an error when more than `edge_tolerance` of the probability stands at the
    edge of the box or at the largest momenta of the grid.

    Conserves the norm to round-off, the energy to the order of the step, and the distribution of the trajectories:
    in one coordinate each stays at its quantile, and none crosses another. Its weakness: at a node the momentum has no
    bound, and trajectories that pass one closely need short steps; below $10^{-10}$ of the largest density the momentum
    is clipped, and `near_node` counts the trajectories there.
    """

    grid: Grid | None = None
    tracers: Float[np.ndarray | Array, "M n"] | None = eqx.field(converter=_rows, default=None)
    edge_tolerance: float = eqx.field(static=True, default=1e-8)
    coupled: ClassVar[bool] = True
    random: ClassVar[bool] = False
    has_trajectories: ClassVar[bool] = True
    has_phase_space: ClassVar[bool] = False
    light: ClassVar[bool] = False

    def requirements(self):
        return Requirements(manifolds=(Canonical,), separable=True, largest_coordinates=3)

    def promises(self, hamiltonian):
        return (ENERGY,)

    def default_integrator(self, hamiltonian):
        return BlanesMoan()

    def suggested_step(self, hamiltonian):
        """As for `Exact`: order 4 affords four times the step of trajectories."""
        step = hamiltonian.suggested_step()
        return None if step is None else 4 * step

    def resolve(self, hamiltonian, preparation, times):
        coordinates = hamiltonian.manifold.coordinates
        if self.tracers is not None and self.tracers.shape[1:] != (coordinates,):
            raise InvalidInput(
                f"Argument `tracers` of QuantumTrajectories must have shape (tracers, {coordinates}), got "
                f"{self.tracers.shape}."
            )
        grid = chosen_grid("QuantumTrajectories", self.grid, hamiltonian, preparation, times.stop)
        return dataclasses.replace(self, grid=grid)

    def in_coordinates(self, shift, scale):
        tracers = None if self.tracers is None else shift + scale * self.tracers
        return dataclasses.replace(self, grid=self.box.in_coordinates(shift, scale), tracers=tracers)

    @property
    def box(self) -> Grid:
        """The grid, given or chosen. Raises `InvalidInput` before a choice has been made."""
        if self.grid is None:
            raise InvalidInput("QuantumTrajectories has no grid yet: give one, or let `resolve` choose it.")
        return self.grid

    def prepare(self, hamiltonian, preparation, index, key):
        """All trajectories at once; `key`: of them, the first alone is used, and only if the preparation is random."""
        psi = jnp.asarray(preparation.wavefunction(hamiltonian, self.box.positions()))
        position = quantiles(self.box, psi, even_places(preparation, key, self.box.coordinates))
        weight = jnp.full(index.shape, 1 / index.size)
        if self.tracers is not None:
            position = jnp.concatenate([position, jnp.asarray(self.tracers)])
            weight = jnp.concatenate([weight, jnp.zeros(self.tracers.shape[0])])
        return QuantumTrajectoriesState(psi, edge_probability(self.box, psi), position, weight), jnp.ones(())

    def parts(self, hamiltonian):
        """The potential, exact, with trajectories at rest; free motion of the wavefunction, exact, with trajectories
        guided by it (Kutta's rule, which sees the wavefunction at the start, the middle and the end).
        """

        def potential(duration):
            turn = potential_flow(hamiltonian, self.box, duration)

            def flow(y):
                psi = turn(y.psi)
                edge = jnp.maximum(y.edge, edge_probability(self.box, psi))
                return QuantumTrajectoriesState(psi, edge, y.position, y.weight)

            return flow

        def free(duration):
            masses = jnp.asarray(hamiltonian.manifold.masses)
            late = np.array([0.0, 0.5, 0.5, 1.0])
            phases = jnp.stack([kinetic_phase(self.box, masses, duration * part) for part in late])
            between = BetweenNodes(self.box)

            def flow(y):
                waves, floor = self.box.transform(y.psi), _floor(y.psi)

                def stage(carry, rule):
                    velocity, moved = carry
                    phase, part, share = rule
                    momentum, _, _ = _guided(
                        between,
                        between.fine(phase[None] * waves),
                        floor,
                        y.position + part * duration * velocity,
                    )
                    velocity = momentum / masses[None]
                    return (velocity, moved + share * duration * velocity), None

                # a loop over the stages: this program is compiled once, and not four times
                rest = jnp.zeros_like(y.position)
                shares = np.array([1, 2, 2, 1]) / 6
                (_, moved), _ = lax.scan(stage, (rest, rest), (phases, late, shares))
                psi = self.box.inverse_transform(phases[-1][None] * waves)
                return QuantumTrajectoriesState(psi, y.edge, y.position + moved, y.weight)

            return flow

        return potential, free

    def energy(self, hamiltonian, y):
        """The energy of the wavefunction."""
        return wave_energy(hamiltonian, self.box, y.psi)

    def classical_points(self, hamiltonian, y):
        """Trajectories and tracers with the momentum $\\pi(x)$ and the conditional density operator at each."""
        between = BetweenNodes(self.box)
        momentum, density, psi = _guided(
            between, between.fine(self.box.transform(y.psi)), _floor(y.psi), y.position
        )
        safe = jnp.where(density > 0, density, 1.0)
        operator = psi.T[:, :, None] * jnp.conj(psi.T)[:, None, :] / safe[:, None, None]
        return Weighted(PhasePoint(y.position, momentum), operator, y.weight)

    def near_node(self, y: QuantumTrajectoriesState) -> Float[Array, ""]:
        """The share of trajectories in less than `NODE` of the largest density, where momenta are clipped."""
        between = BetweenNodes(self.box)
        floor = _floor(y.psi)
        _, density, _ = _guided(between, between.fine(self.box.transform(y.psi)), floor, y.position)
        return jnp.sum(jnp.where(density < floor, y.weight, 0.0))

    def own_observables(self, hamiltonian):
        return _OBSERVABLES if hamiltonian.manifold.coordinates == 1 else _OBSERVABLES[:1]

    def check(self, hamiltonian, y):
        status = wave_status(self.box, y.psi, y.edge, self.edge_tolerance)
        return jnp.where(jnp.all(jnp.isfinite(y.position)), status, Status.not_finite)


def _floor(psi):
    """The density below which momenta are clipped."""
    return NODE * jnp.max(jnp.sum(psi.real**2 + psi.imag**2, axis=0))


def _guided(between, fine, floor, position):
    """Momenta (N, n), densities (N,) and wavefunctions (d, N) at these positions."""
    psi, slope = between.at(fine, position)
    density = jnp.sum(psi.real**2 + psi.imag**2, axis=0)
    flux = jnp.sum((jnp.conj(psi)[None] * slope).imag, axis=1)
    return (flux / jnp.maximum(density, floor)[None]).T, density, psi


def quantiles(grid: Grid, psi: Complex[Array, "d *grid"], place: Float[Array, "N n"]) -> Float[Array, "N n"]:
    r"""The positions at which $|\Psi|^2$ has these quantiles, numbers in (0, 1): conditional ones, axis by axis.

    To round-off in one coordinate; in more, of a density that is constant in the cell of each grid point.
    """
    density = jnp.sum(psi.real**2 + psi.imag**2, axis=0)
    lines, found = density[None], []
    for axis, (lower, spacing, points) in enumerate(zip(grid.lower, grid.spacings, grid.points, strict=True)):
        marginal = jnp.sum(lines, axis=tuple(range(2, lines.ndim)))
        reached = jnp.cumsum(marginal, axis=1)
        wanted = place[:, [axis]] * reached[:, -1:]
        node = jnp.minimum(jnp.sum(reached < wanted, axis=1), points - 1)
        line = jnp.arange(node.shape[0]) if axis > 0 else jnp.zeros_like(node)
        here = marginal[line, node]
        inside = (wanted[:, 0] - reached[line, node]) / jnp.where(here > 0, here, 1.0)
        found.append(lower + (node + 0.5 + inside) * spacing)
        lines = lines[line, node]
    position = jnp.stack(found, axis=1)
    return position if grid.coordinates > 1 else _polished(grid, density, place[:, 0], position)


def _polished(grid, density, place, position):
    """Quantiles in one coordinate by Newton's rule: the density and its integral, from their waves."""
    waves = jnp.fft.fft(density)
    number = grid.wavenumbers()[0]
    integral = jnp.where(number == 0, 0.0, waves / jnp.where(number == 0, 1.0, 1j * number))
    between = BetweenNodes(grid)
    fine = between.fine(integral[None])
    mean = jnp.mean(density)
    (start,), _ = between.at(fine, jnp.array([grid.lower]))
    wanted = place * grid.cell * jnp.sum(density)

    def sweep(_, x):
        (value,), ((slope,),) = between.at(fine, x)
        missing = wanted - mean * (x[:, 0] - grid.lower[0]) - (value - start).real
        here = mean + slope.real
        step = missing / jnp.where(here > 0, here, 1.0)
        # the start is right to a cell: a longer step comes from a density that is nothing but round-off
        return x + jnp.clip(step, -grid.cell, grid.cell)[:, None]

    return lax.fori_loop(0, 6, sweep, position)


def _drawn_density(theory, hamiltonian, y):
    every = -(-theory.box.points[0] // LARGEST_DRAWING)
    return jnp.sum(y.psi.real**2 + y.psi.imag**2, axis=0)[::every]


_SOURCE = "Martinazzo and Burghardt, Quantum hydrodynamics of coupled electron-nuclear systems, eq. (10)"
_OBSERVABLES = (
    Observable(
        "near_node",
        lambda theory, hamiltonian, y: theory.near_node(y),
        (),
        "1",
        "share of trajectories so near a node that their momentum is clipped",
        _SOURCE,
    ),
    Observable(
        "probability_density",
        _drawn_density,
        ("grid_point",),
        "1/bohr",
        "probability density at every so many grid points",
        _SOURCE,
    ),
)
