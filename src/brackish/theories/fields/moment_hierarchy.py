r"""The hierarchy of mechanical momentum moments of a mixed state on one surface, ended by a closure.

$$\begin{aligned}
\partial_t\mathcal M^{(0)}&=-\xi^{ij}\partial_i\mathcal M^{(1)}_j\\
\partial_t\mathcal M^{(1)}_k&=-\xi^{ij}\partial_i\mathcal M^{(2)}_{kj}+F_k\mathcal M^{(0)}
  +\xi^{ij}B_{ki}\mathcal M^{(1)}_j\\
\partial_t\mathcal M^{(2)}_{km}&=-\xi^{ij}\partial_i\mathcal M^{(3)}_{kmj}+F_k\mathcal M^{(1)}_m
  +F_m\mathcal M^{(1)}_k+\xi^{ij}\big(B_{ki}\mathcal M^{(2)}_{mj}+B_{mi}\mathcal M^{(2)}_{kj}\big)
\end{aligned}$$

Eqs. (49)-(51) of Martinazzo and Burghardt, "Quantum hydrodynamics of coupled electron-nuclear systems", $\hbar=1$. They
are moved in the form of eq. (53), along the flow $d/dt=\partial_t+v^j\partial_j$ of $\pi_k=\mathcal M^{(1)}_k/n$, with
the variance of the momenta at a place, $c_{kj}=\mathcal C^{(2)}_{kj}/n$:

$$\begin{aligned}
\frac{d\ln n}{dt}&=-\xi^{ij}\partial_i\pi_j\\
\frac{d\pi_k}{dt}&=F_k+\xi^{ij}B_{ki}\pi_j-\xi^{ij}(\partial_ic_{kj}+c_{kj}\,\partial_i\ln n)\\
\frac{dc_{km}}{dt}&=\xi^{ij}\big[(B_{ki}-\partial_i\pi_k)\,c_{mj}+(B_{mi}-\partial_i\pi_m)\,c_{kj}\big]
  -\frac1n\xi^{ij}\partial_i\mathcal C^{(3)}_{kmj}
\end{aligned}$$

Nothing is divided by a density that may be nothing, and the density cannot turn negative.
"""

import abc
from typing import Annotated, ClassVar

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np

from brackish.errors import InvalidInput, UnsupportedHamiltonian
from brackish.grids import Differences, Grid, along, open_differences
from brackish.integrators import RungeKutta4
from brackish.manifolds import Canonical, PhasePoint
from brackish.promises import ENERGY_OF_FIELD
from brackish.theory import Moments, Requirements, Status, Theory, Weighted, variance
from brackish.typing import Array, Float

STARTING_ERROR = 1e-6
"""How far from 1 the integral of the starting density over the box may be."""
LARGEST_LOSS = 1e-3
"""How far from 1 it may be later: the equations keep it, and their differences keep it where they resolve the state."""
LARGEST_ROUGHNESS = 1e-2
"""How much of ln n may change its sign from node to node, in the mean over the density."""


class MomentState(eqx.Module):
    r"""A fluid at the nodes. `log_density`: $\ln n$, (*grid). `momentum`: $\pi_k$, (n, *grid). `variance`: $c_{kj}$,
    (n, n, *grid), where the closure moves it, else None.
    """

    log_density: Float[Array, "*grid"]
    momentum: Float[Array, "n *grid"]
    variance: Float[Array, "n n *grid"] | None


class Slopes(eqx.Module):
    """Derivatives on a box with open edges: what a closure may use. `lines`: the differences along each coordinate."""

    lines: tuple[Differences, ...]

    def gradient(self, field: Float[Array, "..."]) -> Float[Array, "n ..."]:
        """The derivatives along all coordinates, in front."""
        first = field.ndim - len(self.lines)
        return jnp.stack([along(line.first, field, first + k) for k, line in enumerate(self.lines)])

    def second(self, field: Float[Array, "*grid"]) -> Float[Array, "n n *grid"]:
        """All second derivatives."""
        slopes = self.gradient(field)
        rows = [
            [
                along(line.second, field, k) if k == j else along(line.first, slopes[j], k)
                for j in range(len(self.lines))
            ]
            for k, line in enumerate(self.lines)
        ]
        return jnp.stack([jnp.stack(row) for row in rows])

    def roughness(self, field: Float[Array, "..."]) -> Float[Array, "n ..."]:
        """What changes its sign from node to node along each coordinate, in front, times -1."""
        first = field.ndim - len(self.lines)
        return jnp.stack([along(line.roughness, field, first + k) for k, line in enumerate(self.lines)])


class MomentClosure(eqx.Module):
    """What ends the hierarchy. `moves_variance`: whether $c$ moves by its own equation, or follows from the density."""

    moves_variance: eqx.AbstractClassVar[bool]

    @abc.abstractmethod
    def variance(
        self, slopes: Slopes, masses: Float[np.ndarray | Array, " n"], y: MomentState
    ) -> Float[Array, "n n *grid"]:
        """c at the nodes."""

    def waves(
        self, spacings: tuple[float, ...], masses: Float[np.ndarray | Array, " n"]
    ) -> Float[np.ndarray | Array, " n"]:
        """The speed that the shortest waves of a grid have on top of that of sound, along each coordinate."""
        return jnp.zeros(len(spacings))


class ColdFluid(MomentClosure):
    r"""$c=0$: all particles at a place have one momentum.

    Right until the first caustic, where fast ones would overtake slow ones; a fluid cannot pass through itself, and its
    density becomes infinite.
    """

    moves_variance: ClassVar[bool] = False

    def variance(self, slopes, masses, y):
        count = y.momentum.shape[0]
        return jnp.zeros((count, *y.momentum.shape))


class Isothermal(MomentClosure):
    r"""$c_{kj}=k_BT\,\xi^{-1}_{kj}$: a classical gas in a bath that takes or gives the heat to keep its temperature.

    `temperature`: $k_BT$ in hartree.
    """

    temperature: Annotated[Float[np.ndarray | Array, ""], "temperature"] = eqx.field(
        converter=lambda t: np.asarray(t, dtype=float)
    )
    moves_variance: ClassVar[bool] = False

    def __check_init__(self):
        temperature = self.temperature
        if isinstance(temperature, np.ndarray) and not (np.isfinite(temperature) and temperature >= 0):
            raise InvalidInput(
                f"Argument `temperature` of Isothermal must not be negative, got {temperature}."
            )

    def variance(self, slopes, masses, y):
        thermal = self.temperature * jnp.diag(jnp.asarray(masses))
        return jnp.multiply.outer(thermal, jnp.ones_like(y.log_density))


class PureState(MomentClosure):
    r"""$c_{kj}=-\tfrac14\partial_k\partial_j\ln n$, eq. (72): the quantum pressure of one wavefunction.

    Exact for a pure state until the first node, where $\ln n$ becomes infinite.
    """

    moves_variance: ClassVar[bool] = False

    def variance(self, slopes, masses, y):
        return -0.25 * slopes.second(y.log_density)

    def waves(self, spacings, masses):
        return jnp.pi / (jnp.asarray(spacings) * jnp.asarray(masses))


class Gaussian(MomentClosure):
    r"""$\mathcal C^{(3)}=0$: at each place the momenta are spread as a Gaussian, whose variance has its own equation.

    Exact for Gaussian states of quadratic Hamiltonians, pure or mixed.
    """

    moves_variance: ClassVar[bool] = True

    def variance(self, slopes, masses, y):
        return y.variance


class MomentHierarchy(Theory):
    r"""Nuclear moments on one surface, for 1 to 3 coordinates, ended by a `closure`.

    `grid`: the nodes. Its edges are open: beyond them $\ln n$ goes on as a parabola. `magnetic`: a uniform field
    $B_{12}$ in $\hbar$/bohr², of two coordinates; the momenta of the start are the mechanical ones.

    Starts from a `GaussianPacket` or a `GaussianCloud`; the closures without a variance of their own take its density
    and mean momentum alone. Norm, momentum without a force, and energy are kept as far as the grid resolves the state
    (`Isothermal` does not keep the energy, but the free energy $\int n(\tfrac12\xi^{kj}\pi_k\pi_j+V+k_BT\ln n)$).
    What changes its sign from node to node is damped at the rate at which waves pass a node. A run ends when the norm
    is lost or $\ln n$ has become rough: after a caustic or at a node.
    """

    grid: Grid | None = None
    closure: MomentClosure = Gaussian()
    magnetic: float = eqx.field(static=True, default=0.0)
    coupled: ClassVar[bool] = True
    random: ClassVar[bool] = False
    has_trajectories: ClassVar[bool] = False
    has_phase_space: ClassVar[bool] = False
    light: ClassVar[bool] = False

    def requirements(self):
        return Requirements(manifolds=(Canonical,), separable=True, largest_coordinates=3, largest_levels=1)

    def default_integrator(self, hamiltonian):
        return RungeKutta4()

    def promises(self, hamiltonian):
        """The energy, but where a bath gives and takes."""
        return () if isinstance(self.closure, Isothermal) else (ENERGY_OF_FIELD,)

    def suggested_step(self, hamiltonian):
        """That of the Hamiltonian, or a shorter one in which the shortest waves of the closure are stable."""
        masses = np.asarray(hamiltonian.manifold.masses)
        rate = float(np.sum(self.closure.waves(self.box.spacings, masses) / np.asarray(self.box.spacings)))
        steps = [step for step in (hamiltonian.suggested_step(), 2 / rate if rate else None) if step]
        return min(steps, default=None)

    def resolve(self, hamiltonian, preparation, times):
        coordinates = hamiltonian.manifold.coordinates
        if self.box.coordinates != coordinates:
            raise InvalidInput(
                f"Argument `grid` of MomentHierarchy has {self.box.coordinates} coordinates, the Hamiltonian has "
                f"{coordinates}."
            )
        if self.magnetic and coordinates != 2:
            raise InvalidInput(
                f"Argument `magnetic` of MomentHierarchy is for two coordinates; the Hamiltonian has {coordinates}."
            )
        if self.magnetic and isinstance(self.closure, PureState):
            raise InvalidInput(
                "Argument `magnetic` of MomentHierarchy does not go with PureState: a pure state in a magnetic field "
                "has momenta with a curl, and this start has none."
            )
        if not hasattr(preparation, "spread"):
            raise UnsupportedHamiltonian(
                f"MomentHierarchy cannot start from {type(preparation).__name__}; give a GaussianPacket or a "
                "GaussianCloud."
            )
        total = float(jnp.sum(jnp.exp(self._start(hamiltonian, preparation).log_density)) * self.box.cell)
        if not abs(total - 1) < STARTING_ERROR:
            raise InvalidInput(
                f"Argument `grid` of MomentHierarchy does not hold the starting density: it integrates to {total:.8g} "
                "instead of 1. Give a larger box, or more points."
            )
        return self

    def in_coordinates(self, shift, scale):
        """The box moves along, and a magnetic field is one per area."""
        magnetic = self.magnetic / float(np.prod(scale)) if self.magnetic else 0.0
        return MomentHierarchy(self.box.in_coordinates(shift, scale), self.closure, magnetic)

    @property
    def box(self) -> Grid:
        """The grid. Raises `InvalidInput` if there is none."""
        if self.grid is None:
            raise InvalidInput("MomentHierarchy has no `grid`: give one.")
        return self.grid

    def prepare(self, hamiltonian, preparation, index, key):
        return self._start(hamiltonian, preparation), jnp.ones(())

    def _start(self, hamiltonian, preparation):
        position, momentum, width, momentum_width = preparation.spread(hamiltonian.manifold)
        log_density = -jnp.sum(jnp.log(jnp.sqrt(2 * jnp.pi) * width)) * jnp.ones(self.box.points)
        for axis, x in enumerate(self.box.positions()):
            log_density -= self.box.along(axis, 0.5 * ((x - position[axis]) / width[axis]) ** 2)
        everywhere = jnp.ones_like(log_density)
        variance = jnp.multiply.outer(jnp.diag(momentum_width**2), everywhere)
        return MomentState(
            log_density,
            jnp.multiply.outer(momentum, everywhere),
            variance if self.closure.moves_variance else None,
        )

    def flow(self, hamiltonian, t, y):
        """The equations along the flow, seen from the nodes, and the damping."""
        masses = jnp.asarray(hamiltonian.manifold.masses)
        slopes = self._slopes()
        inverse_mass = 1 / masses
        variance = self.closure.variance(slopes, masses, y)
        of_log, of_momentum, of_variance = (
            slopes.gradient(field) for field in (y.log_density, y.momentum, variance)
        )
        velocity = jnp.einsum("i,i...->i...", inverse_mass, y.momentum)

        def carried(gradient):
            return jnp.einsum("i...,ik...->k...", velocity, gradient)

        magnetic = self._magnetic()
        pressure = jnp.einsum("j,jkj...->k...", inverse_mass, of_variance)
        pressure = pressure + jnp.einsum("j,kj...,j...->k...", inverse_mass, variance, of_log)
        change = MomentState(
            -jnp.einsum("i,ii...->...", inverse_mass, of_momentum)
            - jnp.einsum("i...,i...->...", velocity, of_log),
            self._force(hamiltonian)
            + jnp.einsum("ki,i...->k...", magnetic, velocity)
            - pressure
            - carried(of_momentum),
            None,
        )
        if self.closure.moves_variance:
            one_way = jnp.einsum("ki,i,mi...->km...", magnetic, inverse_mass, variance)
            one_way = one_way - jnp.einsum("ik...,i,mi...->km...", of_momentum, inverse_mass, variance)
            turned = one_way + jnp.swapaxes(one_way, 0, 1)
            of_variance = turned - jnp.einsum("i...,ikm...->km...", velocity, of_variance)
            change = MomentState(change.log_density, change.momentum, of_variance)
        rate = self._passing_rate(masses, velocity, variance)

        def damped(change, field):
            rough = slopes.roughness(field)
            between = tuple(range(1, 1 + field.ndim - self.box.coordinates))
            return change + jnp.sum(jnp.expand_dims(rate, between) * rough, axis=0)

        return jax.tree_util.tree_map(damped, change, y)

    def _passing_rate(self, masses, velocity, variance):
        """How many nodes a wave passes per time along each coordinate, (n, *grid): flow, sound and shortest waves."""
        over_grid = (slice(None),) + (None,) * self.box.coordinates
        sound = jnp.sqrt(3 * jnp.abs(jnp.einsum("kk...->k...", variance))) / masses[over_grid]
        waves = self.closure.waves(self.box.spacings, masses)[over_grid]
        return (jnp.abs(velocity) + sound + waves) / jnp.asarray(self.box.spacings)[over_grid]

    def energy(self, hamiltonian, y):
        r"""$\int n\,[\tfrac12\xi^{kj}(\pi_k\pi_j+c_{kj})+V]$."""
        masses = jnp.asarray(hamiltonian.manifold.masses)
        kinetic = 0.5 * jnp.einsum("k,k...->...", 1 / masses, self._mean_square(masses, y))
        surface = jax.vmap(lambda q: _surface(hamiltonian, q))(jnp.asarray(self.box.nodes()))
        return jnp.sum(jnp.exp(y.log_density) * (kinetic + surface.reshape(self.box.points))) * self.box.cell

    def classical_points(self, hamiltonian, y):
        """The nodes, with their share of the density and the momentum field."""
        nodes = jnp.asarray(self.box.nodes())
        weight = jnp.exp(y.log_density).ravel() * self.box.cell
        point = PhasePoint(nodes, y.momentum.reshape(self.box.coordinates, -1).T)
        return Weighted(point, jnp.ones((weight.size, 1, 1), complex), weight)

    def moments(self, hamiltonian, y):
        """Means over the density; the variance of a momentum is that of its means and the mean of those at a place."""
        points = self.classical_points(hamiltonian, y)
        nodes, momentum, weight = points.point.position, points.point.momentum, points.weight[:, None]
        there = self._variance(hamiltonian.manifold.masses, y).reshape(self.box.coordinates, -1).T
        return Moments(
            jnp.sum(weight * nodes, axis=0),
            jnp.sum(weight * momentum, axis=0),
            variance(points.weight, nodes),
            variance(points.weight, momentum) + jnp.sum(weight * there, axis=0) / jnp.sum(weight),
        )

    def check(self, hamiltonian, y):
        share = jnp.exp(y.log_density) * self.box.cell
        norm = jnp.sum(share)
        rough = jnp.sqrt(jnp.sum(share[None] * self._slopes().roughness(y.log_density) ** 2) / norm)
        status = jnp.where(rough > LARGEST_ROUGHNESS, Status.not_resolved, Status.fine)
        status = jnp.where(jnp.abs(norm - 1) > LARGEST_LOSS, Status.lost_norm, status)
        return jnp.where(jnp.isfinite(norm) & jnp.isfinite(rough), status, Status.not_finite)

    def _mean_square(self, masses, y):
        """The mean square of each momentum at each place, (n, *grid)."""
        return y.momentum**2 + self._variance(masses, y)

    def _variance(self, masses, y):
        """The variance of each momentum at each place, (n, *grid)."""
        return jnp.einsum("kk...->k...", self.closure.variance(self._slopes(), jnp.asarray(masses), y))

    def _slopes(self):
        pairs = zip(self.box.points, self.box.spacings, strict=True)
        return Slopes(tuple(open_differences(points, spacing) for points, spacing in pairs))

    def _force(self, hamiltonian):
        """-dV/dq at the nodes, (n, *grid)."""
        slopes = jax.vmap(jax.grad(lambda q: _surface(hamiltonian, q)))(jnp.asarray(self.box.nodes()))
        return -slopes.T.reshape(self.box.coordinates, *self.box.points)

    def _magnetic(self):
        field = np.zeros((self.box.coordinates,) * 2)
        if self.magnetic:
            field[0, 1], field[1, 0] = self.magnetic, -self.magnetic
        return field


def _surface(hamiltonian, position):
    """V at one position, a number."""
    return hamiltonian.potential(position)[0, 0].real + hamiltonian.harmonic(position)
