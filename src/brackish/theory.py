r"""How a theory says what it is.

A theory is an immutable description; everything that evolves is in the state, whose layout the theory's file
writes down. It offers one or more of the following, and an integrator picks the offer that it can use:

- `HasEnergy`: the energy h of the state. Motion follows by one derivative through the bracket:
  $\dot z=X_h(z)/w$ and $i\,\dot\psi=w^{-1}\,\partial h/\partial\psi^*$.
- `HasFlow`: the time derivative of the state, a tree like the state.
- `HasGenerator`: a linear generator, the same at all times, whose exponential moves the state exactly.
- `HasParts`: exact sub-flows to be composed; `part(duration)` returns the map of that duration, and whatever
  it can compute beforehand (a propagator, a rotation) is computed there, once, outside the loop over time.
- `HasRotation`: unit vectors that turn, each at its own angular velocity, part of which may be random.
- `HasGenerators`: generators of a group that moves the state, which may also be shaken at random.
- `HasJump`: a random change after each step, from the trajectory's own draws.
- `HasNoisyPart`: exact sub-flows to be composed around one that is random.
"""

import abc
import dataclasses
import enum
from collections.abc import Callable
from typing import Any, ClassVar, NamedTuple, Protocol, runtime_checkable

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np

from brackish.errors import UnsupportedHamiltonian
from brackish.hamiltonians import HybridHamiltonian, SeparableHamiltonian
from brackish.manifolds import Canonical, Manifold, Product, Spheres
from brackish.promises import Conserved
from brackish.randomness import StepDraws
from brackish.showing import in_text
from brackish.typing import Array, Float, Inexact, Key, Point, RealScalar, State


class Status(enum.IntEnum):
    """What happened to a trajectory in compiled code; zero is well. The host makes it a readable error."""

    fine = 0
    not_finite = 1
    lost_norm = 2
    reached_edge = 3
    reached_largest_momentum = 4
    did_not_converge = 5
    highest_waves_grew = 6
    not_resolved = 7
    lattice_too_small = 8
    mesh_folded = 9
    reached_highest_level = 10
    left_table = 11
    broke_promise = 12
    not_hermitian = 13
    potential_not_finite = 14


class Weighted(eqx.Module):
    """Points of the classical side, each with a weight and the quantum state that belongs to it.

    `point`: a tree whose leaves have a leading axis of N points. `density`: (N, d, d), conditional density
    operators in the diabatic basis, unit trace. `weight`: (N,), summing to the norm of the state.
    """

    point: Point
    density: Inexact[Array, "points d d"]
    weight: Float[Array, " points"]


class Moments(eqx.Module):
    """Means and variances of positions and momenta, each of shape (n,).

    Variances and not mean squares: far from the origin the difference of two large squares is round-off.
    """

    position: Float[Array, " n"]
    momentum: Float[Array, " n"]
    position_variance: Float[Array, " n"]
    momentum_variance: Float[Array, " n"]

    @property
    def position_squared(self) -> Float[Array, " n"]:
        """Mean squares of the positions, of a normalised state."""
        return self.position_variance + self.position**2

    @property
    def momentum_squared(self) -> Float[Array, " n"]:
        """Mean squares of the momenta, of a normalised state."""
        return self.momentum_variance + self.momentum**2


def variance(weight: Float[np.ndarray | Array, " N"], values: Float[Array, "N *n"]) -> Float[Array, "*n"]:
    """The variance of values with weights, which are normalised here."""
    whole = jnp.sum(weight)
    share = (weight / jnp.where(whole == 0, 1.0, whole)).reshape(-1, *(1,) * (values.ndim - 1))
    centre = jnp.sum(share * values, axis=0)
    return jnp.sum(share * (values - centre[None]) ** 2, axis=0)


class Requirements(eqx.Module):
    """What a theory needs of a Hamiltonian; everything else is refused by name."""

    manifolds: tuple[type[Manifold], ...] = eqx.field(static=True, default=(Canonical, Spheres, Product))
    separable: bool = eqx.field(static=True, default=False)
    largest_coordinates: int | None = eqx.field(static=True, default=None)
    smallest_levels: int = eqx.field(static=True, default=1)
    largest_levels: int | None = eqx.field(static=True, default=None)

    def check(self, name: str, hamiltonian: HybridHamiltonian) -> None:
        """Raise `UnsupportedHamiltonian`, naming the theory `name`, unless the Hamiltonian will do."""
        manifold = hamiltonian.manifold
        kinds = " or ".join(kind.__name__.lower() for kind in self.manifolds)
        most = f" of at most {self.largest_coordinates} coordinates" if self.largest_coordinates else ""
        too_many = (
            self.largest_coordinates is not None
            and isinstance(manifold, Canonical)
            and manifold.coordinates > self.largest_coordinates
        )
        if not isinstance(manifold, self.manifolds) or too_many:
            raise UnsupportedHamiltonian(f"{name} needs a {kinds} manifold{most}, got {manifold.describe()}.")
        if self.separable and not isinstance(hamiltonian, SeparableHamiltonian):
            raise UnsupportedHamiltonian(
                f"{name} needs kinetic energy plus a potential V(q), got {type(hamiltonian).__name__}, a general H(z); "
                "build it with hamiltonian(function, masses=...)."
            )
        if hamiltonian.levels < self.smallest_levels:
            raise UnsupportedHamiltonian(
                f"{name} needs at least {self.smallest_levels} quantum levels, got {hamiltonian.levels}."
            )
        if self.largest_levels is not None and hamiltonian.levels > self.largest_levels:
            limit = (
                "a Hamiltonian of 1 level, a function on the classical manifold, got one of"
                if self.largest_levels == 1
                else f"at most {self.largest_levels} quantum levels, got"
            )
            words = " quantum levels" if self.largest_levels == 1 else ""
            raise UnsupportedHamiltonian(f"{name} needs {limit} {hamiltonian.levels}{words}.")


class Theory(eqx.Module):
    """The interface of every theory.

    `coupled` says what a state is: False, one trajectory (the runner makes it many, averages them and
    attaches standard errors); True, the whole ensemble, or a wavefunction. `random`: whether the motion draws
    random numbers.
    `has_trajectories`: whether the classical side is made of points that can be followed.
    `light`: whether a ready-made comparison of all theories may run it unasked, in seconds.
    `mixed`: whether its trajectories may carry mixed states.
    `has_phase_space`: whether there is a classical side at all, with a density of positions and momenta at once.
    `averages`: whether compositions of its parts take them of the Hamiltonian `averaged` over a step, so that stiff
    harmonic modes do not set the step.
    """

    coupled: eqx.AbstractClassVar[bool]
    random: eqx.AbstractClassVar[bool]
    has_trajectories: eqx.AbstractClassVar[bool]
    has_phase_space: ClassVar[bool] = True
    light: ClassVar[bool] = True
    mixed: ClassVar[bool] = False
    averages: ClassVar[bool] = False

    def __repr__(self) -> str:
        return in_text(self)

    @abc.abstractmethod
    def requirements(self) -> Requirements:
        """What the theory needs; checked in plain Python before anything is compiled."""

    @abc.abstractmethod
    def default_integrator(self, hamiltonian: HybridHamiltonian) -> Any:
        """An integrator that keeps the structure of this theory."""

    @abc.abstractmethod
    def prepare(
        self, hamiltonian: HybridHamiltonian, preparation: Any, index: Array, key: Key
    ) -> tuple[State, Float[Array, ""]]:
        """The initial state and its weight.

        One trajectory: `index` and `key` are its own. A coupled theory gets all indices and keys, shape (N,),
        at once.
        """

    @abc.abstractmethod
    def classical_points(self, hamiltonian: HybridHamiltonian, y: State) -> Weighted:
        """The classical side of the state: points, weights, and the quantum state conditional on each point."""

    @abc.abstractmethod
    def energy(self, hamiltonian: HybridHamiltonian, y: State) -> RealScalar:
        """The total energy of the state, in hartree."""

    def configurations(self, hamiltonian: HybridHamiltonian, y: State) -> Point | None:
        """Where the Hamiltonian acts on this state: points of the manifold with a leading axis; None if it has none."""
        return self.classical_points(hamiltonian, y).point

    def quantum_density(self, hamiltonian: HybridHamiltonian, y: State) -> Inexact[Array, "d d"]:
        """The density operator of the quantum side, (d, d), diabatic basis."""
        points = self.classical_points(hamiltonian, y)
        return jnp.sum(points.weight[:, None, None] * points.density, axis=0)

    def moments(self, hamiltonian: HybridHamiltonian, y: State) -> Moments:
        """Moments of positions and momenta (canonical manifolds)."""
        points = self.classical_points(hamiltonian, y)
        canonical = points.point.canonical if isinstance(hamiltonian.manifold, Product) else points.point
        weight = points.weight[:, None]
        return Moments(
            jnp.sum(weight * canonical.position, axis=0),
            jnp.sum(weight * canonical.momentum, axis=0),
            variance(points.weight, canonical.position),
            variance(points.weight, canonical.momentum),
        )

    def check(self, hamiltonian: HybridHamiltonian, y: State) -> Array:
        """A `Status` number for the state, computed when it is saved."""
        return jnp.asarray(Status.fine)

    def promises(self, hamiltonian: HybridHamiltonian) -> tuple[Conserved, ...]:
        """What the motion keeps but for the error of the step; a run warns, or stops, where it does not."""
        return ()

    def standard_observables(self, hamiltonian: HybridHamiltonian) -> tuple[Any, ...] | None:
        """What is kept of every run of this theory, where it is not what the manifold and the levels suggest."""
        return None

    def own_observables(self, hamiltonian: HybridHamiltonian) -> tuple[Any, ...]:
        """Observables that this theory alone has; kept beside the standard ones."""
        return ()

    def remarks(self, means: dict[str, np.ndarray]) -> tuple[str, ...]:
        """What a user has to know of a finished run; `means`: of the observables over time, by name. One line each."""
        return ()

    def suggested_step(self, hamiltonian: HybridHamiltonian) -> float | None:
        """A time step for this theory on this Hamiltonian, if the Hamiltonian suggests one."""
        return hamiltonian.suggested_step()

    def resolve(self, hamiltonian: HybridHamiltonian, preparation: Any, times: Any) -> "Theory":
        """This theory with every choice left to it made (a grid, a kernel width), as recorded with the result."""
        return self

    def in_coordinates(self, shift: Float[np.ndarray, " n"], scale: Float[np.ndarray, " n"]) -> "Theory":
        r"""The same theory in other canonical coordinates, $q'=a+bq$ and $p'=p/b$ with `shift` a and `scale` b > 0.

        Whatever the theory measures with a ruler changes with them: boxes, widths of kernels. By default that is its
        `grid`, if it has one that knows how; most theories have no ruler, and stay as they are.
        """
        grid: Any = getattr(self, "grid", None)
        if not hasattr(grid, "in_coordinates"):
            return self
        changed: dict[str, Any] = {"grid": grid.in_coordinates(shift, scale)}
        return dataclasses.replace(self, **changed)

    def refined(self) -> "Theory | None":
        """The same theory with a third more of what stands for a continuum, nodes of a grid or of a quadrature: what
        that changes is an error, not physics. None if nothing is approximated but time.

        By default that is its `grid` or its `quadrature`, if it has one that can be refined.
        """
        for name in ("grid", "quadrature"):
            part: Any = getattr(self, name, None)
            if hasattr(part, "refined"):
                changed: dict[str, Any] = {name: part.refined()}
                return dataclasses.replace(self, **changed)
        return None


@runtime_checkable
class HasFit(Protocol):
    """Offers, for theories of coupled ensembles, what it can choose when the ensemble is there: this theory with those
    choices made, and what there is to say about them, as attributes of the dataset.
    """

    def fit(self, hamiltonian: HybridHamiltonian, y: State) -> tuple[Theory, dict[str, Any]]: ...


@runtime_checkable
class HasEnergy(Protocol):
    """Offers the energy of the state, as every Hamiltonian theory does."""

    def energy(self, hamiltonian: HybridHamiltonian, y: State) -> RealScalar: ...


@runtime_checkable
class HasFlow(Protocol):
    """Offers dy/dt, the same tree as y."""

    def flow(self, hamiltonian: HybridHamiltonian, t: Any, y: State) -> State: ...


@runtime_checkable
class HasParts(Protocol):
    """Offers exact sub-flows, outermost first; composed symmetrically around the last one."""

    def parts(self, hamiltonian: HybridHamiltonian) -> tuple[Callable, ...]: ...


class Generator(eqx.Module):
    """dy/dt = A y with a linear A, the same at all times, and skew-Hermitian but for what couples a state to its own
    derivatives.

    `apply`: y -> A y. `bound`: no less than the largest frequency, the size of an eigenvalue of A.
    """

    apply: Callable[[State], State]
    bound: RealScalar


@runtime_checkable
class HasGenerator(Protocol):
    """Offers the generator of its linear motion; what does not change with the state is computed here, once."""

    def generator(self, hamiltonian: HybridHamiltonian) -> Generator: ...


@runtime_checkable
class HasRotation(Protocol):
    r"""Offers unit vectors that turn, $\dot{\mathbf n}_i=\mathbf n_i\times\boldsymbol\Omega_i$, to steps that keep
    their lengths.
    """

    def directions(self, y: State) -> Float[Array, "N 3"]:
        """The unit vectors."""
        ...

    def turned(self, y: State, directions: Float[Array, "N 3"], t: Any) -> State:
        """The state at time t, with these unit vectors."""
        ...

    def noise(self, hamiltonian: HybridHamiltonian, t: Any, dt: Any, draws: StepDraws) -> Any:
        """What is random in a step of length `dt` from t on, the same for all stages of the step, or None."""
        ...

    def angular_velocity(self, hamiltonian: HybridHamiltonian) -> Callable[[Any, Array, Any], Array]:
        r"""(t, unit vectors, noise) -> $\boldsymbol\Omega$ of every vector, (N, 3); what does not change from step to
        step is computed here, once. Where noise depends on the vectors, a Stratonovich integral is meant.
        """
        ...


@runtime_checkable
class HasGenerators(Protocol):
    r"""Offers the motion $\dot y=A(t,y)\,y$ of a group, and random motion, to steps along exponentials."""

    def generators(self, hamiltonian: HybridHamiltonian) -> Callable[[Any, State], Any]:
        """(t, state) -> the generator A, a tree of arrays that can be averaged."""
        ...

    def moved(self, hamiltonian: HybridHamiltonian, y: State, generators: Any, dt: Any) -> State:
        """The state after exp(A dt)."""
        ...

    def shaken(self, hamiltonian: HybridHamiltonian, t: Any, dt: Any, y: State, draws: StepDraws) -> State:
        """The state after a time dt of random motion alone, from t on; the same state if nothing is random."""
        ...


@runtime_checkable
class HasRetraction(Protocol):
    """Offers the way back to the space of its states, for a state that a step has left by an error of its own."""

    def retract(self, hamiltonian: HybridHamiltonian, y: State) -> State: ...


@runtime_checkable
class HasExponential(Protocol):
    """Offers exponentials of its linear generator A(t): the map of y to exp(dt sum of weights times A at the nodes) y,
    and whether A is the same at all times. `require_exponential` raises `UnsupportedHamiltonian` where the motion is
    not linear.
    """

    def require_exponential(self, hamiltonian: HybridHamiltonian) -> None: ...

    def steady(self, hamiltonian: HybridHamiltonian) -> bool: ...

    def exponential(
        self, hamiltonian: HybridHamiltonian, nodes: tuple, weights: tuple, dt: Any
    ) -> Callable[[State], State]: ...


@runtime_checkable
class HasJump(Protocol):
    """Offers a random change at the end of a step of length `dt`."""

    def jump(self, hamiltonian: HybridHamiltonian, dt: Any, y: State, draws: StepDraws) -> State: ...


def _as_it_is(y: State) -> State:
    return y


class NoisyParts(NamedTuple):
    """Exact sub-flows `outer`, outermost first, and a `noisy` one in their middle that is random and exact in law:
    `noisy(duration)` is a map (y, draws) -> y. `enter` and `leave`: to the form in which they want the state, and back.
    """

    outer: tuple[Callable, ...]
    noisy: Callable
    enter: Callable[[State], State] = _as_it_is
    leave: Callable[[State], State] = _as_it_is


@runtime_checkable
class HasNoisyPart(Protocol):
    """Offers exact sub-flows to be composed around one that is random."""

    def around_noise(self, hamiltonian: HybridHamiltonian) -> NoisyParts: ...


def flow_of_energy(
    energy: Callable[[Point, Array], RealScalar],
    manifold: Manifold,
    point: Point,
    psi: Array,
    weight: Any = 1.0,
) -> tuple[Point, Array]:
    r"""Motion from an energy h(z, psi) by one gradient through the bracket: $\dot z=X_h(z)/w$,
    $i\dot\psi=w^{-1}\partial h/\partial\psi^*$.

    JAX returns $2\,\partial h/\partial\psi$ for a real h, so $\partial h/\partial\psi^*$ is half its
    conjugate.
    """
    by_point, by_psi = jax.grad(energy, argnums=(0, 1))(point, psi)
    velocity = jax.tree_util.tree_map(lambda x: x / weight, manifold.hamiltonian_field(by_point, point))
    return velocity, -0.5j * jnp.conj(by_psi) / weight
