r"""Exact quantum mechanics on a grid: the answer beside which every other theory stands.

$$i\hbar\,\partial_t\Psi(q,t)=\Big[\sum_k\frac{\hat p_k^2}{2m_k}+\hat V(q)\Big]\Psi(q,t),\qquad
\Psi(q,t)\in\mathbb C^d$$

The classical coordinates are quantised on a periodic grid; $e^{-i\hat V\delta t}$ is a d x d matrix at each
grid point and $e^{-i\hat T\delta t}$ a phase at each wavenumber (M. D. Feit, J. A. Fleck and A. Steiger, J.
Comput. Phys. 47, 412 (1982)).
"""

import dataclasses
from typing import Annotated, ClassVar

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np

from brackish.errors import InvalidInput, UnsupportedHamiltonian
from brackish.grids import Grid
from brackish.integrators import BlanesMoan
from brackish.manifolds import Canonical, PhasePoint
from brackish.promises import ENERGY, NORM
from brackish.quantum import eigensystem
from brackish.theories.exact._propagation import (
    check_size,
    chosen_grid,
    edge_probability,
    kinetic_flow,
    potential_flow,
    wave_energy,
    wave_status,
)
from brackish.theory import Moments, Requirements, Theory, Weighted, variance
from brackish.typing import Array, Complex, Float


class WavefunctionState(eqx.Module):
    """`psi`: (d, *grid), diabatic basis. `edge`: the largest probability ever met at the edge of the box.

    `absorbed`: (2, d), probability taken by the absorber on the left and right of the first coordinate, by
    adiabatic level.
    """

    psi: Complex[Array, "..."]
    edge: Float[Array, ""]
    absorbed: Float[Array, "2 d"]


class Absorber(eqx.Module):
    r"""An absorbing boundary: the potential $-iW(q)$, $W=\eta\,(x/\ell)^2$ over the last $\ell$ bohr on each
    side of each coordinate.

    `length`: $\ell$ in bohr. `strength`: $\eta$ in hartree. What is absorbed is counted by side and adiabatic
    level, so that transmission and reflection stay complete.
    """

    length: Annotated[float, "length"] = eqx.field(static=True)
    strength: Annotated[float, "energy"] = eqx.field(static=True)

    def __check_init__(self):
        for name in ("length", "strength"):
            value = getattr(self, name)
            if not (np.isfinite(value) and value > 0):
                raise InvalidInput(f"Argument `{name}` of Absorber must be positive, got {value}.")

    def rate(self, grid: Grid) -> Array:
        """W on the grid, hartree."""
        total = jnp.zeros(grid.points)
        for axis, x in enumerate(grid.positions()):
            depth = np.maximum(grid.lower[axis] + self.length - x, x - (grid.upper[axis] - self.length))
            total = total + grid.along(axis, self.strength * np.maximum(depth / self.length, 0.0) ** 2)
        return total


class Exact(Theory):
    """The full wavefunction on a grid, for 1 to 3 coordinates and any number of levels.

    `grid`: the box; by default it is chosen from the packet, the potential and the length of the run, and the
    choice is recorded with the result. `absorber`: an absorbing boundary. The run stops with an error when
    more than
    `edge_tolerance` of the probability stands in the outermost 2 % of the box, or at the largest momenta of
    the grid. Conserves the norm to round-off and the energy to the order of the step.
    """

    grid: Grid | None = None
    absorber: Absorber | None = None
    edge_tolerance: float = eqx.field(static=True, default=1e-8)
    coupled: ClassVar[bool] = True
    random: ClassVar[bool] = False
    has_trajectories: ClassVar[bool] = False
    has_phase_space: ClassVar[bool] = False

    def requirements(self):
        return Requirements(manifolds=(Canonical,), separable=True, largest_coordinates=3)

    def promises(self, hamiltonian):
        """Nothing beside an absorber, but that what it takes is counted."""
        return (
            (dataclasses.replace(ENERGY, tolerance=1e-5, limit=1e-2), NORM) if self.absorber is None else ()
        )

    def default_integrator(self, hamiltonian):
        return BlanesMoan()

    def suggested_step(self, hamiltonian):
        """The fourth-order composition affords a longer step than the second-order ones of trajectories."""
        step = hamiltonian.suggested_step()
        return None if step is None else 4 * step

    def resolve(self, hamiltonian, preparation, times):
        margin = 0.0 if self.absorber is None else self.absorber.length
        grid = chosen_grid("Exact", self.grid, hamiltonian, preparation, times.stop, margin)
        check_size(grid, hamiltonian.levels, times.saves * times.steps_for(self, hamiltonian))
        return Exact(grid, self.absorber, self.edge_tolerance)

    def in_coordinates(self, shift, scale):
        """The box moves along; an absorber has one length for all coordinates, so their scales must be equal."""
        absorber = self.absorber
        if absorber is not None:
            if np.ptp(scale) > 0:
                raise UnsupportedHamiltonian(
                    "The absorber of Exact needs the same scale for all coordinates."
                )
            absorber = Absorber(float(absorber.length * scale[0]), absorber.strength)
        return Exact(self.box.in_coordinates(shift, scale), absorber, self.edge_tolerance)

    @property
    def box(self) -> Grid:
        """The grid, given or chosen. Raises `InvalidInput` before a choice has been made."""
        if self.grid is None:
            raise InvalidInput("Exact has no grid yet: give one, or let `resolve` choose it.")
        return self.grid

    def prepare(self, hamiltonian, preparation, index, key):
        psi = jnp.asarray(preparation.wavefunction(hamiltonian, self.box.traced_positions()))
        start = WavefunctionState(psi, edge_probability(self.box, psi), jnp.zeros((2, hamiltonian.levels)))
        return start, jnp.ones(())

    def parts(self, hamiltonian):
        """The potential, exact at each grid point; the kinetic energy, exact at each wavenumber."""

        def potential(duration):
            turn = potential_flow(hamiltonian, self.box, duration)

            def flow(y):
                psi = turn(y.psi)
                return WavefunctionState(
                    psi, jnp.maximum(y.edge, edge_probability(self.box, psi)), y.absorbed
                )

            if self.absorber is None:
                return flow
            damp = self._damping(self.absorber, hamiltonian, duration)
            return lambda y: damp(flow(y))

        def kinetic(duration):
            spread = kinetic_flow(hamiltonian, self.box, duration)
            return lambda y: WavefunctionState(spread(y.psi), y.edge, y.absorbed)

        return potential, kinetic

    def _damping(self, absorber, hamiltonian, duration):
        """The exact flow of -iW, with a count of what it takes, by side and adiabatic level."""
        factor = jnp.exp(-absorber.rate(self.box) * duration)
        lost = (1 - factor**2) * self.box.cell
        vectors = _adiabatic_vectors(hamiltonian, self.box)
        left = self.box.along(0, self.box.positions()[0] < 0.5 * (self.box.lower[0] + self.box.upper[0]))
        space = tuple(range(1, self.box.coordinates + 1))

        def flow(y):
            adiabatic = jnp.sum(jnp.conj(vectors) * y.psi[:, None], axis=0)
            taken = (adiabatic.real**2 + adiabatic.imag**2) * lost[None]
            sides = jnp.stack(
                [jnp.sum(jnp.where(side[None], taken, 0.0), axis=space) for side in (left, ~left)]
            )
            return WavefunctionState(factor[None] * y.psi, y.edge, y.absorbed + sides)

        return flow

    def energy(self, hamiltonian, y):
        return wave_energy(hamiltonian, self.box, y.psi)

    def classical_points(self, hamiltonian, y):
        """Grid points with probability |Psi|^2, the conditional density operator, and the momentum field
        Im(Psi^+ dPsi)/n.
        """
        flat = y.psi.reshape(hamiltonian.levels, -1)
        probability = jnp.sum(flat.real**2 + flat.imag**2, axis=0)
        safe = jnp.where(probability > 0, probability, 1.0)
        density = jnp.moveaxis(flat[:, None] * jnp.conj(flat)[None] / safe[None, None], -1, 0)
        waves = self.box.transform(y.psi)
        momentum = []
        for axis, k in enumerate(self.box.wavenumbers()):
            gradient = self.box.inverse_transform(1j * self.box.along(axis, k)[None] * waves)
            flux = jnp.sum((jnp.conj(flat) * gradient.reshape(flat.shape)).imag, axis=0)
            momentum.append(flux / safe)
        point = PhasePoint(self.box.traced_nodes(), jnp.stack(momentum, axis=-1))
        return Weighted(point, density, probability * self.box.cell)

    def moments(self, hamiltonian, y):
        probability = jnp.sum(y.psi.real**2 + y.psi.imag**2, axis=0) * self.box.cell
        waves = self.box.transform(y.psi)
        spectrum = jnp.sum(waves.real**2 + waves.imag**2, axis=0) * self.box.cell / np.prod(self.box.points)

        def mean(weights, values):
            return jnp.stack([jnp.sum(weights * self.box.along(axis, x)) for axis, x in enumerate(values)])

        def spread(weights, values):
            others = (tuple(i for i in range(len(values)) if i != axis) for axis in range(len(values)))
            marginals = (jnp.sum(weights, axis=rest) for rest in others)
            return jnp.stack([variance(w, jnp.asarray(x)) for w, x in zip(marginals, values, strict=True)])

        positions, wavenumbers = self.box.positions(), self.box.wavenumbers()
        return Moments(
            mean(probability, positions),
            mean(spectrum, wavenumbers),
            spread(probability, positions),
            spread(spectrum, wavenumbers),
        )

    def scattered(self, hamiltonian, y):
        """Probability already taken by the absorber, (2, d): left and right of the box, by adiabatic level."""
        return y.absorbed

    def check(self, hamiltonian, y):
        return wave_status(self.box, y.psi, y.edge, self.edge_tolerance, jnp.sum(y.absorbed))


def _adiabatic_vectors(hamiltonian, grid):
    """Eigenvectors of V on the grid, (d, level, *grid); their phases mean nothing."""
    _, vectors = jax.vmap(lambda q: eigensystem(hamiltonian.potential(q)))(grid.traced_nodes())
    return jnp.moveaxis(vectors, 0, -1).reshape(hamiltonian.levels, hamiltonian.levels, *grid.points)
