r"""Molecular dynamics with electronic friction: nuclei on a free energy, slowed and shaken by thermal electrons.

$$\dot\pi_k=-\partial_k\big(V_C+\Phi_{el}\big)-\sum_j\eta_{kj}\dot q^j+\sum_jB_{kj}\dot q^j+R_k,\qquad
\langle R_k(t)R_j(t')\rangle=2k_BT\,\eta_{kj}\,\delta(t-t'),\qquad\dot q_k=\frac{\pi_k}{m_k}$$

Eq. (116) of Martinazzo and Burghardt, "Quantum hydrodynamics of coupled electron-nuclear systems", in the classical
limit (without the quantum force of 112). The mean force is that of the free energy $\Phi_{el}$ of the electrons at
rest; what they lag behind is friction $\eta$, symmetric, and a pseudo-magnetic force B, antisymmetric:
$\gamma=\eta-B$. The random force belongs to the friction alone (the theorem of fluctuation and dissipation), and the
canonical distribution $e^{-(\pi^2/2m+V_C+\Phi_{el})/k_BT}$ is kept whatever $\gamma(q)$ is. $\pi$ is mass times
velocity.

With memory, and a coupling that depends on the place,

$$\dot\pi_k=-\partial_k(V_C+\Phi_{el})-g_k(q_t)\int_0^tK(t-s)\,g_j(q_s)\,\dot q^j_s\,ds+g_k(q_t)\,\xi(t),\qquad
\langle\xi(t)\xi(t')\rangle=k_BT\,K(|t-t'|)$$

the kernel is that of a bath of a few variables, $K(t)=\mathbf b^Te^{-At}\mathbf b$ (`brackish.analysis.MemoryKernel`):

$$\dot\pi_k=\ldots+g_k\,\mathbf b^T\mathbf y,\qquad\dot{\mathbf y}=-A\mathbf y-\mathbf b\,g_j\dot q^j+\text{noise}$$

A step is "BAOAB" (B. Leimkuhler and C. Matthews, Appl. Math. Res. Express 2013, 34): half a kick, half a drift,
friction and noise at rest, exact in law, and mirrored. With memory the momentum and the bath are exchanged, a
rotation, around what the bath does alone. Each piece keeps the canonical distribution but for the kick and the drift
together, which keep it to second order in the step.
"""

import abc
import dataclasses
from collections.abc import Callable
from typing import Annotated, Any, ClassVar

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
from jax import lax
from jax.tree_util import Partial

from brackish.analysis import MemoryKernel
from brackish.analysis.friction import (
    Broadening,
    check_broadening,
    electronic_matrix,
    levels_from,
    markov_kernel,
)
from brackish.arguments import CONVERTS
from brackish.errors import InvalidInput
from brackish.hamiltonians import SeparableHamiltonian
from brackish.identity import jit_by_content
from brackish.integrators import StrangAroundNoise
from brackish.manifolds import Canonical, PhasePoint
from brackish.observables import Observable, standard_observables
from brackish.promises import Conserved, kinetic_scale
from brackish.quantum import ThermalElectrons, apply, dagger, eigensystem, product, trace_product
from brackish.randomness import normals
from brackish.theory import NoisyParts, Requirements, Status, Theory, Weighted
from brackish.tracing import follow
from brackish.typing import Array, Float, Position, RealScalar

TAYLOR_ORDER = 14
"""Terms of an exponential whose exponent is at most 1/2: the rest is below round-off."""
SINGULAR = 1e-12
"""A share of the largest friction, or of the noise, below which one along some direction is none."""
REACHES = (0.0, 1.0, -3.0)
"""Multiples of a probe position at which a friction that is a function is looked at before a run."""


class FrictionState(eqx.Module):
    """One trajectory: `point` of phase space, with the mechanical momentum; `bath`, (a,), the variables that carry the
    memory, in units of the root of an energy; none without memory. `heat`: the energy given to the electrons so far, in
    hartree, with that in the bath.
    """

    point: PhasePoint
    bath: Float[Array, " a"]
    heat: RealScalar


# -- friction and noise at rest, exact -------------------------------------------------------------------------------


class Relaxation(eqx.Module):
    r"""What $dx=-Gx\,dt+\text{noise}$ does in a time h when $G+G^T$ times the temperature is the variance of the
    noise a time: $x\to x+Ex+\sqrt{k_BT}\,L\xi$ with $E=e^{-Gh}-1$ and $LL^T=1-e^{-Gh}e^{-G^Th}$, so that variances
    $k_BT$ stay.

    `change`: E; `noise`: L. (n,) if G is diagonal, else (n, n), and L is a lower triangle.
    """

    change: Float[Array, "..."]
    noise: Float[Array, "..."]

    def __call__(self, x: Float[Array, " n"], size, deviates: Float[Array, " n"]) -> Float[Array, " n"]:
        """x after that time, with noise of the given `size`, the root of the temperature."""
        if self.change.ndim == 1:
            return x + self.change * x + size * self.noise * deviates
        return x + apply(self.change, x) + size * apply(self.noise, deviates)


def relaxation(rates: Float[np.ndarray | Array, "..."], duration) -> Relaxation:
    """For rates G, (n,) or (n, n), whose symmetric part is not negative; not a number where it is."""
    exponent = -jnp.asarray(rates) * duration
    if exponent.ndim == 1:
        change = jnp.expm1(exponent)
        return Relaxation(change, jnp.sqrt(-change * (2 + change)))
    size = jnp.max(jnp.sum(jnp.abs(exponent), axis=1))
    doublings = jnp.ceil(jnp.log2(jnp.maximum(2 * size, 1.0))).astype(int)
    small = exponent * 2.0**-doublings
    change = small
    for order in range(TAYLOR_ORDER, 1, -1):
        change = small + product(small, change) / order
    # e^x - 1 over twice the time is (e^x - 1)(e^x + 1): nothing is lost where it is small
    change = lax.fori_loop(0, doublings, lambda _, x: 2 * x + product(x, x), change)
    return Relaxation(change, lower_root(-(change + change.T + product(change, change.T))))


def lower_root(matrix: Float[Array, "n n"]) -> Float[Array, "n n"]:
    """The lower triangle L with L L^T the matrix, which may be singular; not a number where it has a negative
    direction.
    """
    size = matrix.shape[0]
    tiny = SINGULAR * jnp.max(jnp.abs(jnp.diagonal(matrix)))
    rest, columns = matrix, []
    for index in range(size):
        pivot = rest[index, index]
        usable = jnp.abs(pivot) > tiny
        root = jnp.sqrt(jnp.where(usable, pivot, 1.0))
        column = jnp.where(usable & (jnp.arange(size) >= index), rest[:, index] / root, 0.0)
        rest = rest - column[:, None] * column[None, :]
        columns.append(column)
    return jnp.stack(columns, axis=1)


# -- the friction ----------------------------------------------------------------------------------------------------


class Friction(eqx.Module):
    r"""The interface of friction without memory: the kernel $\gamma=\eta-B$ at a position.

    `steady`: whether it is the same everywhere.
    """

    steady: eqx.AbstractClassVar[bool]

    @abc.abstractmethod
    def kernel(
        self, hamiltonian: SeparableHamiltonian, electrons: ThermalElectrons, position: Position
    ) -> Float[Array, "..."]:
        """One number for all coordinates, (n,) or (n, n); momentum per length."""

    def at(
        self, hamiltonian: SeparableHamiltonian, electrons: ThermalElectrons, position: Position, eigenstates
    ) -> Float[Array, "..."]:
        """The same where the `eigenstates` of the electrons, energies and vectors, are known."""
        return self.kernel(hamiltonian, electrons, position)

    def follow(self, place: np.ndarray) -> None:
        """Raise `InvalidInput` if a function of the user cannot be compiled for a place (n,)."""

    def check(
        self, electrons: ThermalElectrons, place: np.ndarray, energies: np.ndarray, kernel: np.ndarray
    ) -> None:
        """Raise `InvalidInput` unless the kernel at a place (n,) has a shape that fits and takes energy away;
        `energies`: the levels there. In plain Python, before a run.
        """
        coordinates, where = place.shape[0], f" at position {place.tolist()}"
        if kernel.shape not in ((), (coordinates,), (coordinates, coordinates)):
            raise InvalidInput(
                f"Argument `friction` must be a number or have shape ({coordinates},) or ({coordinates}, "
                f"{coordinates}), got shape {kernel.shape}{where}."
            )
        _check_kernel(kernel, where)

    @abc.abstractmethod
    def in_coordinates(self, shift: Float[np.ndarray, " n"], scale: Float[np.ndarray, " n"]) -> "Friction":
        """The same friction in the coordinates shift + scale q."""


class ConstantFriction(Friction):
    r"""The same kernel everywhere. `values`: a number, (n,), or $\gamma=\eta-B$, (n, n): its symmetric part is
    friction, minus its antisymmetric one a magnetic field. Momentum per length.

    Raises `InvalidInput` if the symmetric part has a negative eigenvalue.
    """

    values: Float[np.ndarray | Array, "..."] = eqx.field(converter=lambda v: np.asarray(v, dtype=float))
    steady: ClassVar[bool] = True

    def __check_init__(self):
        if isinstance(self.values, np.ndarray):
            _check_kernel(self.values, "")

    def kernel(self, hamiltonian, electrons, position):
        return jnp.asarray(self.values)

    def in_coordinates(self, shift, scale):
        return ConstantFriction(_scaled(self.values, scale))


class FrictionFunction(Friction):
    r"""A kernel that depends on the position: `function` of q, (n,), which returns a number, (n,), or $\gamma=\eta-B$,
    (n, n), as `ConstantFriction` takes them.
    """

    function: Callable
    steady: ClassVar[bool] = False

    def kernel(self, hamiltonian, electrons, position):
        return jnp.asarray(self.function(position))

    def follow(self, place):
        follow("The function `friction`", self.function, place)

    def in_coordinates(self, shift, scale):
        return FrictionFunction(Partial(_kernel_elsewhere, self.function, shift, scale))


class FrictionFromElectrons(Friction):
    r"""$\gamma=\eta-B$ of the levels themselves, eq. (116), found anew at every position. `broadening`: one of
    `brackish.analysis.friction`, narrower than the temperature and wider than the distance of the levels, which a run
    asks for at a few places.
    """

    broadening: Broadening
    steady: ClassVar[bool] = False

    def kernel(self, hamiltonian, electrons, position):
        eigenstates = eigensystem(electronic_matrix(hamiltonian)(jnp.asarray(position)))
        return self.at(hamiltonian, electrons, position, eigenstates)

    def at(self, hamiltonian, electrons, position, eigenstates):
        levels = levels_from(electronic_matrix(hamiltonian), jnp.asarray(position), *eigenstates)
        kernel = markov_kernel(electrons, levels, self.broadening)
        return kernel.friction - kernel.magnetic

    def check(self, electrons, place, energies, kernel):
        check_broadening(electrons, energies, self.broadening)
        super().check(electrons, place, energies, kernel)

    def in_coordinates(self, shift, scale):
        return self


class MemoryFriction(eqx.Module):
    r"""Friction with memory. `memory`: the kernel K. `factor`: function of the position that returns g, (n,); without
    it g = 1, for one coordinate. For electrons whose force on the nuclei is a number times one operator, g is that
    number.
    """

    memory: MemoryKernel
    factor: Callable | None = None

    def factors(self, position: Position) -> Array:
        """g at a position, (n,)."""
        return jnp.ones(1) if self.factor is None else jnp.asarray(self.factor(position))

    def at(self, hamiltonian, electrons, position, eigenstates) -> Array:
        """What `check` asks for: g."""
        return self.factors(position)

    def follow(self, place: np.ndarray) -> None:
        """Raise `InvalidInput` if a function of the user cannot be compiled for a place (n,)."""
        if self.factor is not None:
            follow("The function `factor`", self.factor, place)

    def check(
        self, electrons: ThermalElectrons, place: np.ndarray, energies: np.ndarray, factors: np.ndarray
    ) -> None:
        """Raise `InvalidInput` unless g at a place (n,) is a number for each coordinate."""
        if factors.shape != place.shape:
            raise InvalidInput(
                f"Argument `factor` of MemoryFriction must return {place.shape[0]} numbers, one for each coordinate, "
                f"got shape {factors.shape}."
            )

    def in_coordinates(self, shift, scale):
        """The same friction in the coordinates shift + scale q."""
        return MemoryFriction(self.memory, Partial(_factor_elsewhere, self, shift, scale))


def _scaled(kernel, scale):
    """A kernel in the coordinates scale q: forces are divided by the scale, and so are velocities."""
    return kernel / (scale[:, None] * scale[None, :]) if kernel.ndim == 2 else kernel / scale**2


def _kernel_elsewhere(function, shift, scale, position):
    return _scaled(jnp.asarray(function((position - shift) / scale)), jnp.asarray(scale))


def _factor_elsewhere(friction, shift, scale, position):
    return friction.factors((position - shift) / scale) / scale


def _check_kernel(kernel: np.ndarray, where: str) -> None:
    """Raise unless it is a number, (n,) or (n, n) of them, that takes energy away."""
    square = kernel.ndim < 2 or (kernel.ndim == 2 and kernel.shape[0] == kernel.shape[1])
    if not square or kernel.size == 0 or not np.all(np.isfinite(kernel)):
        raise InvalidInput(
            f"Argument `friction` must be a finite number, (n,) or (n, n) of them, got {kernel.tolist()}{where}."
        )
    least = np.min(kernel) if kernel.ndim < 2 else np.linalg.eigvalsh(kernel + kernel.T)[0] / 2
    if least < -SINGULAR * np.abs(kernel).max():
        raise InvalidInput(
            f"Argument `friction` must not drive: its smallest eigenvalue is {least:.6g}{where}, below 0."
        )


def _friction(value) -> Friction | MemoryFriction:
    if isinstance(value, Friction | MemoryFriction):
        return value
    if callable(value):
        return FrictionFunction(value)
    values = np.asarray(value, dtype=float)
    _check_kernel(values, "")
    return ConstantFriction(values)


# -- a table along one coordinate ------------------------------------------------------------------------------------


class Table(eqx.Module):
    """Along one coordinate, forces, free energy and friction as polynomials between `nodes` even places from `lower` to
    `upper`, in bohr, computed once when a run starts. A trajectory that leaves the table stops the run.

    The force is a cubic spline and the free energy its integral, so that the motion is that of a potential; friction is
    monotone between nodes (F. N. Fritsch and R. E. Carlson, SIAM J. Numer. Anal. 17, 238 (1980)), so that what is not
    negative there is so everywhere.

    Raises `InvalidInput` for bounds in the wrong order and fewer than 4 nodes.
    """

    lower: Annotated[float, "length"]
    upper: Annotated[float, "length"]
    nodes: int = eqx.field(static=True, default=1024)

    def __check_init__(self):
        if not (np.isfinite(self.upper - self.lower) and self.lower < self.upper and self.nodes >= 4):
            raise InvalidInput(
                "Table needs `lower` below `upper` and at least 4 nodes, got "
                f"{self.lower}, {self.upper} and {self.nodes}."
            )

    def in_coordinates(self, shift, scale):
        """The same table in the coordinate shift + scale q."""
        return Table(
            float(shift[0] + scale[0] * self.lower), float(shift[0] + scale[0] * self.upper), self.nodes
        )


class Tabulated(eqx.Module):
    """Polynomials of the place within each interval, highest power first, (powers, intervals), in units of an interval.

    `lower`, `upper`: the bounds. `force`, `free_energy`, and `friction`, if there is one without memory.
    """

    lower: Float[np.ndarray | Array, ""]
    upper: Float[np.ndarray | Array, ""]
    force: Float[np.ndarray | Array, "4 intervals"]
    free_energy: Float[np.ndarray | Array, "5 intervals"]
    friction: Float[np.ndarray | Array, "4 intervals"] | None

    def look(
        self, polynomials: Float[np.ndarray | Array, "powers intervals"], place: RealScalar
    ) -> RealScalar:
        """One of them at a place; at a bound, if it lies beyond."""
        intervals = polynomials.shape[1]
        along = (jnp.clip(place, self.lower, self.upper) - self.lower) * (
            intervals / (self.upper - self.lower)
        )
        interval = jnp.minimum(along.astype(jnp.int32), intervals - 1)
        rest = along - interval
        value = jnp.zeros(())
        for power in jnp.asarray(polynomials):
            value = value * rest + power[interval]
        return value

    def energy(self, place: RealScalar) -> RealScalar:
        """The free energy at a place; beyond a bound it goes on as a straight line, since the force stays the same.

        So the energy that is kept tells a trajectory that left the table from one whose step is too long.
        """
        beyond = place - jnp.clip(place, self.lower, self.upper)
        return self.look(self.free_energy, place) - self.look(self.force, place) * beyond


def _polynomials(spline, spacing: float) -> np.ndarray:
    """The coefficients of a spline, in units of an interval."""
    powers = np.arange(spline.c.shape[0] - 1, -1, -1)
    return np.ascontiguousarray(spline.c * spacing ** powers[:, None])


# -- looks before a run, each by one compiled program ----------------------------------------------------------------


def _mean_force(hamiltonian, position, density) -> Float[Array, " n"]:
    """Minus the gradient of the free energy, (115), of electrons with a density matrix (d, d)."""

    def energy(position):
        return hamiltonian.external(position) + trace_product(
            density, electronic_matrix(hamiltonian)(position)
        )

    return -jax.grad(energy)(position)


@jit_by_content
def _seen_at(hamiltonian, electrons, friction, places):
    """Energies of the levels at places (N, n), and what the friction wants to be checked by."""

    def here(position):
        eigenstates = eigensystem(electronic_matrix(hamiltonian)(position))
        return eigenstates[0], friction.at(hamiltonian, electrons, position, eigenstates)

    return lax.map(here, jnp.asarray(places))


@jit_by_content
def _at_nodes(hamiltonian, electrons, friction, places):
    """Mean force, free energy with V_C, and friction at places (N, n), from one diagonalisation at each."""

    def here(position):
        energies, vectors = eigensystem(electronic_matrix(hamiltonian)(position))
        density = product(vectors * electrons.occupations(energies)[None, :], dagger(vectors))
        return (
            _mean_force(hamiltonian, position, density),
            hamiltonian.external(position) + electrons.free_energy(energies),
            friction.at(hamiltonian, electrons, position, (energies, vectors)),
        )

    return lax.map(here, jnp.asarray(places))


# -- the theory ------------------------------------------------------------------------------------------------------


class MolecularDynamicsWithFriction(Theory):
    r"""Langevin trajectories of nuclei among thermal electrons.

    `electrons`: `ManyElectronStates` or `IndependentElectrons`, with the temperature of everything. `friction`: a
    number, (n,), $\gamma=\eta-B$ as (n, n), a function of the position that returns one of these,
    `FrictionFromElectrons`, or `MemoryFriction`; momentum per length. `random_force`: whether it acts; without it
    nuclei are slowed and not shaken, as in Ehrenfest dynamics. `table`: for one coordinate, a `Table` from which all
    forces are read; without it the levels are found anew in every step.

    At temperature 0 nothing is random. Keeps the canonical distribution to second order in the step. The energy and the
    `heat` given to the electrons together are conserved by every trajectory, up to an error of the step. Right where
    the electrons forget faster than the nuclei move, or with their memory; its weakness: nuclei that leave the
    free-energy surface for good, by a jump to another one.

    Raises `InvalidInput` for a negative or misshapen friction, a table with several coordinates, and a ground state
    that is degenerate at temperature 0, as seen at one place.
    """

    electrons: ThermalElectrons
    friction: Friction | MemoryFriction = eqx.field(
        converter=_friction, metadata={CONVERTS: Callable | float}
    )
    random_force: bool = eqx.field(static=True, default=True)
    table: Table | None = None
    tabulated: Tabulated | None = eqx.field(default=None, metadata={"settled": True})
    coupled: ClassVar[bool] = False
    random: ClassVar[bool] = True
    has_trajectories: ClassVar[bool] = True
    light: ClassVar[bool] = False

    def requirements(self):
        return Requirements(manifolds=(Canonical,), separable=True)

    def default_integrator(self, hamiltonian):
        return StrangAroundNoise()

    def resolve(self, hamiltonian, preparation, times):
        coordinates = hamiltonian.manifold.coordinates
        probe = np.asarray(hamiltonian.manifold.probe().position)
        self.friction.follow(probe)
        places = np.stack([reach * probe for reach in REACHES])
        energies, values = (
            np.asarray(seen) for seen in _seen_at(hamiltonian, self.electrons, self.friction, places)
        )
        self.electrons.check_definite(energies[REACHES.index(1.0)])
        for place, levels, value in zip(places, energies, values, strict=True):
            self.friction.check(self.electrons, place, levels, np.asarray(value))
        if self.table is None:
            return self
        if coordinates > 1:
            raise InvalidInput(f"Argument `table` is for one coordinate, but there are {coordinates}.")
        changed: dict[str, Any] = {"tabulated": self._tabulated(hamiltonian, self.table)}
        return dataclasses.replace(self, **changed)

    def _tabulated(self, hamiltonian, table: Table) -> Tabulated:
        from scipy.interpolate import CubicSpline, PchipInterpolator

        places = np.linspace(table.lower, table.upper, table.nodes)
        spacing = places[1] - places[0]
        friction = self.friction if isinstance(self.friction, Friction) else ConstantFriction(np.zeros(()))
        at_nodes = _at_nodes(hamiltonian, self.electrons, friction, places[:, None])
        force, energy, kernel = (np.asarray(value).reshape(table.nodes) for value in at_nodes)
        for place, value in zip(places, kernel, strict=True):
            _check_kernel(np.asarray(value), f" at position {place:.6g}")
        if not np.all(np.isfinite(force)):
            raise InvalidInput(
                "Argument `table` reaches where the mean force is not a number; make it narrower."
            )
        spline = CubicSpline(places, force)
        integral = spline.antiderivative()
        integral.c *= -1
        integral.c[-1] += energy[0]
        rubbing = PchipInterpolator(places, kernel)
        return Tabulated(
            np.asarray(table.lower),
            np.asarray(table.upper),
            _polynomials(spline, spacing),
            _polynomials(integral, spacing),
            _polynomials(rubbing, spacing) if isinstance(self.friction, Friction) else None,
        )

    def in_coordinates(self, shift, scale):
        changed: dict[str, Any] = {"friction": self.friction.in_coordinates(shift, scale), "tabulated": None}
        if self.table is not None:
            changed["table"] = self.table.in_coordinates(shift, scale)
        return dataclasses.replace(self, **changed)

    def prepare(self, hamiltonian, preparation, index, key):
        """Position and momentum of the preparation; its quantum state is ignored. The bath starts in equilibrium."""
        start = preparation.draw(hamiltonian, index, key)
        variables = self.friction.memory.coupling.shape[0] if isinstance(self.friction, MemoryFriction) else 0
        bath = self._noise() * jax.random.normal(jax.random.fold_in(key, 1), (variables,))
        return FrictionState(start.point, bath, jnp.zeros(())), start.weight

    # -- the surface -------------------------------------------------------------------------------------------------

    def _noise(self) -> RealScalar:
        """The root of the temperature of the random force."""
        return jnp.sqrt(jnp.asarray(self.electrons.temperature)) if self.random_force else jnp.zeros(())

    def surface(self, hamiltonian: SeparableHamiltonian, position: Position) -> RealScalar:
        """V_C and the free energy of the electrons, in hartree; without the harmonic part."""
        if self.tabulated is not None:
            return self.tabulated.energy(position[0])
        energies, _ = eigensystem(electronic_matrix(hamiltonian)(position))
        return hamiltonian.external(position) + self.electrons.free_energy(energies)

    def force(self, hamiltonian: SeparableHamiltonian, position: Position) -> Float[Array, " n"]:
        """The force of that surface, (n,)."""
        if self.tabulated is not None:
            return self.tabulated.look(self.tabulated.force, position[0])[None]
        position = jnp.asarray(position)
        return _mean_force(
            hamiltonian, position, self.electrons.density(electronic_matrix(hamiltonian)(position))
        )

    def _kernel(self, hamiltonian, friction: Friction, position) -> Float[Array, "..."]:
        """gamma, from the table if there is one: a number, (n,) or (n, n)."""
        if self.tabulated is not None and self.tabulated.friction is not None:
            return self.tabulated.look(self.tabulated.friction, position[0])
        kernel = friction.kernel(hamiltonian, self.electrons, position)
        return kernel.reshape(()) if kernel.size == 1 else kernel

    # -- the motion --------------------------------------------------------------------------------------------------

    def around_noise(self, hamiltonian):
        """Kick and drift; and friction with its noise. With memory, the exchange with the bath, and what it does
        alone."""

        def kick(duration):
            def flow(y):
                pushed = y.point.momentum + duration * self.force(hamiltonian, y.point.position)
                return FrictionState(PhasePoint(y.point.position, pushed), y.bath, y.heat)

            return flow

        def drift(duration):
            free = hamiltonian.free_flow(duration)
            return lambda y: FrictionState(free(y.point), y.bath, y.heat)

        if isinstance(self.friction, MemoryFriction):
            return NoisyParts(
                (kick, drift, self._exchange(hamiltonian, self.friction)), self._bath(self.friction)
            )
        return NoisyParts((kick, drift), self._friction(hamiltonian, self.friction))

    def _friction(self, hamiltonian, friction: Friction):
        """Momenta relax, in units in which all have the mass 1."""
        coordinates = hamiltonian.manifold.coordinates
        root, size = jnp.sqrt(jnp.asarray(hamiltonian.manifold.masses)), self._noise()

        def friction_part(duration):
            def at(position):
                kernel = self._kernel(hamiltonian, friction, position)
                if kernel.ndim == 2:
                    return relaxation(kernel / (root[:, None] * root[None, :]), duration)
                return relaxation(kernel / root**2, duration)

            everywhere = at(jnp.asarray(hamiltonian.manifold.probe().position)) if friction.steady else None

            def flow(y, draws):
                relaxed = at(y.point.position) if everywhere is None else everywhere
                deviates = normals(draws.bits((coordinates + 1) // 2))[:coordinates]
                before = y.point.momentum / root
                after = relaxed(before, size, deviates)
                point = PhasePoint(y.point.position, root * after)
                return FrictionState(point, y.bath, y.heat + _lost(before, after))

            return flow

        return friction_part

    def _exchange(self, hamiltonian, friction: MemoryFriction):
        r"""The momentum along g and the bath along b turn into each other, at rest: an exact rotation."""
        root = jnp.sqrt(jnp.asarray(hamiltonian.manifold.masses))
        strength = jnp.sqrt(jnp.sum(jnp.asarray(friction.memory.coupling) ** 2))
        towards = friction.memory.coupling / strength

        def exchange(duration):
            def flow(y):
                along = friction.factors(y.point.position) / root
                length = jnp.sqrt(jnp.sum(along**2))
                along = along / jnp.where(length > 0, length, 1.0)
                angle = duration * length * strength
                before = y.point.momentum / root
                ours, theirs = jnp.sum(along * before), jnp.sum(towards * y.bath)
                cosine_less, sine = -2 * jnp.sin(angle / 2) ** 2, jnp.sin(angle)
                after = before + along * (cosine_less * ours + sine * theirs)
                bath = y.bath + towards * (cosine_less * theirs - sine * ours)
                point = PhasePoint(y.point.position, root * after)
                return FrictionState(point, bath, y.heat + _lost(before, after))

            return flow

        return exchange

    def _bath(self, friction: MemoryFriction):
        """The bath without the nuclei."""
        size = self._noise()

        def bath(duration):
            relaxed = relaxation(friction.memory.generator, duration)

            def flow(y, draws):
                variables = y.bath.shape[0]
                deviates = normals(draws.bits((variables + 1) // 2))[:variables]
                return FrictionState(y.point, relaxed(y.bath, size, deviates), y.heat)

            return flow

        return bath

    # -- what is seen of it ------------------------------------------------------------------------------------------

    def energy(self, hamiltonian, y):
        """Kinetic energy and free energy."""
        position = y.point.position
        at_rest = hamiltonian.harmonic(position) + self.surface(hamiltonian, position)
        return hamiltonian.manifold.kinetic_energy(y.point.momentum) + at_rest

    def classical_points(self, hamiltonian, y):
        """One point, with the density matrix of the electrons there: of trace 1, or of as many electrons as there
        are.
        """
        point = jax.tree_util.tree_map(lambda leaf: leaf[None], y.point)
        density = self.electrons.density(electronic_matrix(hamiltonian)(y.point.position))
        return Weighted(point, density[None].astype(complex), jnp.ones(1))

    def promises(self, hamiltonian):
        return (_BALANCE,)

    def standard_observables(self, hamiltonian):
        """Without what needs the levels, which a table spares, and without populations of eigenstates, which are
        known.
        """
        left_out = {"adiabatic_population", "scattering"}
        if self.tabulated is not None:
            left_out |= {"density_matrix", "population", "norm"}
        return tuple(kept for kept in standard_observables(hamiltonian) if kept.name not in left_out)

    def own_observables(self, hamiltonian):
        return _OBSERVABLES

    def check(self, hamiltonian, y):
        finite = jnp.all(jnp.isfinite(y.point.position) & jnp.isfinite(y.point.momentum))
        status = jnp.asarray(Status.fine)
        if self.tabulated is not None:
            place = y.point.position[0]
            inside = (place >= self.tabulated.lower) & (place <= self.tabulated.upper)
            status = jnp.where(inside, status, Status.left_table)
        return jnp.where(finite, status, Status.not_finite)


def _energy_and_heat(theory, hamiltonian, y) -> RealScalar:
    return theory.energy(hamiltonian, y) + y.heat


def _thermal_scale(theory, hamiltonian, y) -> RealScalar:
    """The kinetic energy that there is, and the one that there will be."""
    thermal = 0.5 * hamiltonian.manifold.coordinates * theory.electrons.temperature
    return kinetic_scale(theory, hamiltonian, y) + thermal


_BALANCE = Conserved("energy with heat", _energy_and_heat, _thermal_scale, 1e-2, 0.5, "hartree")


def _lost(before, after) -> RealScalar:
    """Kinetic energy that went, with all masses 1."""
    return 0.5 * jnp.sum((before - after) * (before + after))


_OBSERVABLES = (
    Observable(
        "heat",
        lambda theory, hamiltonian, y: y.heat,
        (),
        "hartree",
        "energy given to the electrons since the start",
    ),
)
