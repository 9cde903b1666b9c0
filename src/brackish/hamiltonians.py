r"""What the system is: one operator-valued function on a classical manifold.

$$\hat H(z)=H_C(z)\,\hat 1+\hat H_Q+\hat H_I(z)$$

Everything here is written for ONE configuration z; batching is the runner's business. The split into three
parts is what makes "without interaction" well defined: `scale_interaction(hamiltonian, 0.0)` moves the two
sides apart.
"""

import abc
from collections.abc import Callable
from typing import Annotated, Any

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
from jax import lax
from jax.tree_util import Partial

from brackish.arguments import reads_arguments
from brackish.errors import InvalidInput
from brackish.manifolds import Canonical, Manifold, PhasePoint, Product, Spheres
from brackish.quantum import apply, expect
from brackish.showing import in_text
from brackish.tracing import explained, follow
from brackish.typing import (
    Array,
    Float,
    Inexact,
    Numbers,
    Point,
    Position,
    Reals,
    RealScalar,
    Spinor,
    SquareMatrix,
)
from brackish.units import ATOMIC_LABELS, Labels


class HybridHamiltonian(eqx.Module):
    """The interface of every Hamiltonian: d quantum `levels` whose operator depends on a point of a classical
    `manifold`.

    Energies in hartree, hbar = 1, unless `labels` says otherwise. A large or structured model may override
    `expect` and `apply`.
    """

    manifold: eqx.AbstractVar[Manifold]
    levels: eqx.AbstractVar[int]

    def __repr__(self) -> str:
        return in_text(self)

    @property
    def labels(self) -> Labels:
        """The units of its numbers in words; fields of this name may say others."""
        return ATOMIC_LABELS

    @abc.abstractmethod
    def classical(self, z: Point) -> RealScalar:
        """The energy of the classical side alone, times the identity: a real scalar."""

    @abc.abstractmethod
    def quantum(self) -> SquareMatrix:
        """The Hamiltonian of the quantum side alone, (d, d), Hermitian."""

    @abc.abstractmethod
    def interaction(self, z: Point) -> SquareMatrix:
        """The coupling of the two sides, (d, d), Hermitian."""

    def operator(self, z: Point) -> SquareMatrix:
        """The whole operator H(z), (d, d)."""
        return self.classical(z) * jnp.eye(self.levels) + self.quantum() + self.interaction(z)

    def expect(self, z: Point, psi: Spinor) -> RealScalar:
        """<psi|H(z)|psi>: the energy h from which a single trajectory moves."""
        norm = jnp.sum(psi.real**2 + psi.imag**2)
        return self.classical(z) * norm + expect(self.quantum() + self.interaction(z), psi)

    def apply(self, z: Point, psi: Spinor) -> Spinor:
        """H(z) psi, shape (d,)."""
        return self.classical(z) * psi + apply(self.quantum() + self.interaction(z), psi)

    def interaction_field(self, z: Point) -> Point:
        r"""The operator-valued Hamiltonian vector field $\hat X^j=J^{jk}\partial_k\hat H_I$ of the interaction: a tree
        like `z`, each leaf with two trailing axes (d, d), Hermitian.

        That of the whole operator differs by a multiple of the identity, the field of `classical`.
        """
        gradient = jax.jacfwd(self.interaction)(z)
        field = self.manifold.hamiltonian_field
        for _ in range(2):
            field = jax.vmap(field, in_axes=(0, None))
        if jnp.iscomplexobj(jax.tree_util.tree_leaves(gradient)[0]):
            # vectors are real: the two parts of a complex operator move apart
            real, imaginary = (
                field(jax.tree_util.tree_map(part, gradient), z) for part in (jnp.real, jnp.imag)
            )
            vectors = jax.tree_util.tree_map(lax.complex, real, imaginary)
        else:
            vectors = field(gradient, z)
        return jax.tree_util.tree_map(lambda leaf: jnp.moveaxis(leaf, (0, 1), (-2, -1)), vectors)

    def suggested_step(self) -> float | None:
        """A time step (atomic units) that resolves this system, or None if nobody has looked."""
        return None

    def promises(self) -> tuple[Any, ...]:
        """What a run should keep whatever its theory (`brackish.promises`), such as the last levels empty."""
        return ()

    def fastest_until(self, stop: float) -> "HybridHamiltonian":
        """What a step is suggested for in a run from time 0 to `stop`: this Hamiltonian, and where it changes with
        the time, one as fast as it is at its fastest.
        """
        return self


CARRYING = 0.95
"""The share of the coupling whose modes a step resolves that is suggested for adiabatic states."""
RESOLVED = 0.5
"""Radians by which the fastest of them may turn in such a step."""


class SeparableHamiltonian(HybridHamiltonian):
    r"""A Hamiltonian whose momenta appear as kinetic energy alone, on a canonical manifold:

    $$\hat H=\sum_k\Big(\frac{p_k^2}{2m_k}+\tfrac12m_k\omega_k^2q_k^2\Big)+V_C(q)+\hat H_Q+\hat V_I(q)$$

    The first bracket (`frequencies`; None: no harmonic part) has an exact flow in closed form, so that stiff
    harmonic modes do not set the time step; everything else is the `potential`, a matrix that depends on q
    alone.
    """

    manifold: eqx.AbstractVar[Canonical]
    frequencies: eqx.AbstractVar[Float[np.ndarray | Array, " n"] | None]

    @abc.abstractmethod
    def external(self, position: Position) -> RealScalar:
        """V_C(q): a classical potential beside the harmonic one, in hartree."""

    @abc.abstractmethod
    def coupling(self, position: Position) -> SquareMatrix:
        """V_I(q), (d, d), Hermitian."""

    def classical(self, z: PhasePoint) -> RealScalar:
        return (
            self.manifold.kinetic_energy(z.momentum) + self.harmonic(z.position) + self.external(z.position)
        )

    def interaction(self, z: PhasePoint) -> SquareMatrix:
        return self.coupling(z.position)

    def harmonic(self, position: Position) -> RealScalar:
        """The harmonic energy, in hartree."""
        if self.frequencies is None:
            return jnp.zeros(())
        return 0.5 * jnp.sum(self.manifold.masses * (self.frequencies * position) ** 2)

    def potential(self, position: Position) -> SquareMatrix:
        """Everything that depends on q alone, except the harmonic part: V_C(q) + H_Q + V_I(q), (d, d)."""
        return self.external(position) * jnp.eye(self.levels) + self.quantum() + self.coupling(position)

    def potential_expect(self, position: Position, psi: Spinor) -> RealScalar:
        """<psi|V(q)|psi>: the scalar whose gradient is the force. Overridable for large or structured
        models.
        """
        return expect(self.potential(position), psi)

    def averaging(self, step) -> Callable[[Position], Position]:
        r"""The map q -> A q to positions averaged over the free motion of a `step` $\tau$ around its middle.

        $A=\sin(\omega\tau/2)/(\omega\tau/2)$.
        """
        if self.frequencies is None:
            return Partial(_unchanged)
        return Partial(jnp.multiply, jnp.sinc(jnp.asarray(self.frequencies) * step / (2 * jnp.pi)))

    def averaged(self, step) -> "SeparableHamiltonian":
        r"""What a symmetric composition of length `step` $\tau$ is made of: V(A q) for V(q), see `averaging`.

        A mode that swings to and fro within a step no longer resonates with the kicks. Symplectic, second order, and
        nothing where there is no frequency (B. Garcia-Archilla, J. M. Sanz-Serna and R. D. Skeel, SIAM J. Sci.
        Comput. 20, 930 (1999)). With the kick in the middle of the step a constant force is exact for any step, so
        that at whole steps it is H(q, p) itself that is conserved.
        """
        return self if self.frequencies is None else AveragedHamiltonian(self, self.averaging(step))

    def before_averaging(self) -> tuple["SeparableHamiltonian", Callable[[Position], Position]]:
        """The Hamiltonian that this one is `averaged` from and the map to averaged positions; by default itself."""
        return self, Partial(_unchanged)

    def coupled_frequency(self, share: float) -> float:
        r"""The frequency below which modes have this `share` of $\sum_jm_j^{-1}\|\partial_j\hat V\|^2$, at one
        position; parts of V that are a multiple of the identity do not count. 0 where nothing couples.

        That sum is what levels jitter by at rest, and by it a hop that is paid along the coupling is shared among the
        modes. In a Debye bath the fastest modes have most of it.
        """
        if self.frequencies is None:
            return 0.0

        def coupling(position):
            potential = self.potential(position)
            return potential - jnp.trace(potential) / self.levels * jnp.eye(self.levels)

        position = jnp.asarray(self.manifold.probe().position)
        real = jax.jacrev(lambda q: coupling(q).real)(position)
        imaginary = jax.jacrev(lambda q: coupling(q).imag)(position)
        strength = np.sum(np.asarray(real) ** 2 + np.asarray(imaginary) ** 2, axis=(0, 1))
        order = np.argsort(self.frequencies)
        below = np.cumsum((strength / self.manifold.masses)[order])
        if below[-1] == 0:
            return 0.0
        return float(np.asarray(self.frequencies)[order][np.searchsorted(below, share * below[-1])])

    def adiabatic_step(self) -> float | None:
        """The suggested step, or RESOLVED over the frequency of the modes that carry the coupling, if that is shorter:
        for theories of adiabatic states, whose energies and gradients jitter with those modes.
        """
        step, frequency = self.suggested_step(), self.coupled_frequency(CARRYING)
        return step if step is None or frequency == 0 else min(step, RESOLVED / frequency)

    def free_flow(self, duration) -> Callable[[PhasePoint], PhasePoint]:
        """The exact motion of p^2/2m + m w^2 q^2/2 for a `duration`: straight drift, or rotation where there
        is a frequency.
        """
        masses = jnp.asarray(self.manifold.masses)
        if self.frequencies is None:
            reach = duration / masses
            return lambda z: PhasePoint(z.position + reach * z.momentum, z.momentum)
        frequencies = jnp.asarray(self.frequencies)
        bound = frequencies > 0
        cosine, sine = jnp.cos(frequencies * duration), jnp.sin(frequencies * duration)
        reach = jnp.where(bound, sine / jnp.where(bound, frequencies, 1.0), duration) / masses
        pull = masses * frequencies * sine
        return lambda z: PhasePoint(
            cosine * z.position + reach * z.momentum, cosine * z.momentum - pull * z.position
        )


class AveragedHamiltonian(SeparableHamiltonian):
    """A Hamiltonian whose potential sees averaged positions; its harmonic part is as it was. Made by `averaged`."""

    original: SeparableHamiltonian
    average: Callable[[Position], Position]
    manifold: Canonical
    levels: int = eqx.field(static=True)
    frequencies: Float[np.ndarray | Array, " n"] | None

    def __init__(self, original: SeparableHamiltonian, average: Callable[[Position], Position]):
        self.original, self.average = original, average
        self.manifold, self.levels, self.frequencies = (
            original.manifold,
            original.levels,
            original.frequencies,
        )

    @property
    def labels(self):
        """Those of the original."""
        return self.original.labels

    def before_averaging(self):
        return self.original, self.average

    def external(self, position):
        return self.original.external(self.average(position))

    def quantum(self):
        return self.original.quantum()

    def coupling(self, position):
        return self.original.coupling(self.average(position))

    def potential(self, position):
        return self.original.potential(self.average(position))

    def potential_expect(self, position, psi):
        return self.original.potential_expect(self.average(position), psi)

    def harmonic(self, position):
        return self.original.harmonic(position)

    def free_flow(self, duration):
        return self.original.free_flow(duration)


class FunctionHamiltonian(HybridHamiltonian):
    """A Hamiltonian assembled from functions of one configuration; made by `hamiltonian`."""

    manifold: Manifold
    levels: int = eqx.field(static=True)
    classical_function: Callable
    quantum_part: Inexact[np.ndarray | Array, "d d"]
    interaction_function: Callable
    step: float | None = eqx.field(static=True, default=None)
    labels: Labels = eqx.field(static=True, default=ATOMIC_LABELS, repr=False, kw_only=True)

    def classical(self, z):
        return self.classical_function(z)

    def quantum(self):
        return self.quantum_part

    def interaction(self, z):
        return self.interaction_function(z)

    def suggested_step(self):
        return self.step


class SeparableFunctionHamiltonian(SeparableHamiltonian):
    """A separable Hamiltonian assembled from functions of one position; made by `hamiltonian`."""

    manifold: Canonical
    levels: int = eqx.field(static=True)
    frequencies: Float[np.ndarray | Array, " n"] | None
    external_function: Callable
    quantum_part: Inexact[np.ndarray | Array, "d d"]
    coupling_function: Callable
    step: float | None = eqx.field(static=True, default=None)
    labels: Labels = eqx.field(static=True, default=ATOMIC_LABELS, repr=False, kw_only=True)

    def external(self, position):
        return self.external_function(position)

    def quantum(self):
        return self.quantum_part

    def coupling(self, position):
        return self.coupling_function(position)

    def potential(self, position):
        if self.external_function is nothing:
            return self.quantum_part + self.coupling_function(position)
        return super().potential(position)

    def suggested_step(self):
        return self.step


COORDINATES = "coordinates, one for each mass"
FURTHER = (1.0, -1.0, 10.0, -10.0, 100.0, -100.0)
"""Where a function is looked at first, in multiples of the probe: a logarithm need not be finite everywhere."""


def _unchanged(position: Position) -> Position:
    return position


def nothing(z: Point) -> RealScalar:
    """The zero function: no classical potential."""
    return jnp.zeros(())


@reads_arguments
def hamiltonian(
    function: Callable[[Point], SquareMatrix],
    masses: Annotated[Any, "mass"] = None,
    *,
    manifold: Manifold | None = None,
    frequencies: Annotated[Reals | float | None, "energy"] = None,
    quantum: Numbers | None = None,
    external: Callable[[Point], RealScalar] | None = None,
    step: Annotated[float | None, "time"] = None,
) -> HybridHamiltonian:
    """Your own Hamiltonian, from a plain function of one configuration.

    With `masses` (electron masses, one per coordinate) the function is the potential matrix V(q): it takes
    positions of shape (n,) in bohr and returns a Hermitian (d, d) array in hartree; kinetic energy is added.
    With a `manifold` the function is the operator H(z) on that manifold. Derivatives come from JAX, so write
    it with `jax.numpy`.

    `frequencies`: (n,), adds m w^2 q^2 / 2, moved exactly. `quantum`: (d, d), the part that acts on the
    quantum side alone.
    `external`: a scalar function that acts on the classical side alone. `step`: a time step that resolves the
    system.

    Raises `InvalidInput` if JAX cannot follow the function, if it asks for a coordinate that does not exist, or if
    it does not return a Hermitian square matrix, or one that is finite nowhere near. Runs look at it where they are.

        def crossing(q):
            return jnp.array([[0.01 * jnp.tanh(q[0]), 0.005], [0.005, -0.01 * jnp.tanh(q[0])]])
        system = bk.hamiltonian(crossing, masses=[2000.0])
    """
    if (masses is None) == (manifold is None):
        raise InvalidInput(
            "hamiltonian() needs either `masses` (then the function is V(q)) or `manifold` (then it is H(z)), not "
            + ("both." if masses is not None else "none of them.")
        )
    if step is not None and not (np.isfinite(step) and step > 0):
        raise InvalidInput(f"Argument `step` must be a positive time in atomic units, got {step}.")
    if manifold is None:
        manifold = Canonical(masses)
        probe = manifold.probe().position
        levels = _checked_levels(function, probe, COORDINATES)
        _check_external(external, probe, COORDINATES)
        if frequencies is not None:
            frequencies = np.asarray(frequencies, dtype=float)
            if frequencies.shape not in ((), (1,), manifold.masses.shape):
                raise InvalidInput(
                    f"Argument `frequencies` must be one number or {manifold.coordinates} (one per coordinate), got an "
                    f"array of shape {frequencies.shape}."
                )
            frequencies = np.broadcast_to(frequencies, manifold.masses.shape)
            if not np.all(np.isfinite(frequencies)) or np.any(frequencies < 0):
                raise InvalidInput(
                    f"Argument `frequencies` must not be negative, got {frequencies.tolist()}."
                )
        return SeparableFunctionHamiltonian(
            manifold, levels, frequencies, external or nothing, _quantum_part(quantum, levels), function, step
        )
    if frequencies is not None:
        raise InvalidInput(
            "Argument `frequencies` goes with `masses`; on a manifold write the energy into the function."
        )
    entries = COORDINATES if isinstance(manifold, Canonical) else "entries of a configuration"
    levels = _checked_levels(function, manifold.probe(), entries)
    _check_external(external, manifold.probe(), entries)
    return FunctionHamiltonian(
        manifold, levels, external or nothing, _quantum_part(quantum, levels), function, step
    )


def _quantum_part(quantum, levels: int) -> np.ndarray:
    if quantum is None:
        return np.zeros((levels, levels))
    quantum = np.asarray(quantum)
    quantum = quantum.astype(complex if np.iscomplexobj(quantum) else float)
    if quantum.shape != (levels, levels):
        raise InvalidInput(f"Argument `quantum` must have shape ({levels}, {levels}), got {quantum.shape}.")
    if not np.allclose(quantum, quantum.conj().T, rtol=0, atol=1e-12 * max(1.0, np.abs(quantum).max())):
        raise InvalidInput(
            "Argument `quantum` must be Hermitian; its largest asymmetry is "
            f"{np.abs(quantum - quantum.conj().T).max():.3g}."
        )
    return quantum


def _check_external(external, probe, entries: str) -> None:
    if external is None:
        return
    value = _value("The function `external`", external, probe, entries)
    if value.shape != () or np.iscomplexobj(value) or not np.isfinite(value):
        raise InvalidInput(
            f"The function `external` must return one finite real number for one configuration, got {value.tolist()}."
        )


def _value(what: str, function, probe, entries: str) -> np.ndarray:
    """What a user's function returns at one configuration, once JAX has followed it: at a multiple of the probe, if it
    is not finite at the probe itself.
    """
    probe = jax.tree_util.tree_map(jnp.asarray, probe)
    follow(what, function, probe, entries=entries)
    factors = FURTHER if entries == COORDINATES else FURTHER[:1]
    with explained(what):
        values = (np.asarray(function(_scaled_point(factor, probe))) for factor in factors)
        first = next(values)
        if np.all(np.isfinite(first)):
            return first
        return next((value for value in values if np.all(np.isfinite(value))), first)


def _scaled_point(factor: float, point: Point) -> Point:
    return jax.tree_util.tree_map(lambda leaf: factor * leaf, point)


def _checked_levels(function, probe, entries: str) -> int:
    """The number of levels d of a user's function, after one evaluation at a probe point."""
    value = _value("The Hamiltonian function", function, probe, entries)
    if value.ndim != 2 or value.shape[0] != value.shape[1] or value.shape[0] == 0:
        raise InvalidInput(
            f"The Hamiltonian function must return a (d, d) array for one configuration, got shape {value.shape}."
        )
    if not np.all(np.isfinite(value)):
        raise InvalidInput(f"The Hamiltonian function returned a value that is not finite: {value.tolist()}.")
    asymmetry = np.abs(value - value.conj().T).max()
    if asymmetry > 1e-10 * max(1.0, np.abs(value).max()):
        row, column = np.unravel_index(np.argmax(np.abs(value - value.conj().T)), value.shape)
        raise InvalidInput(
            f"The Hamiltonian function must return a Hermitian matrix: entries [{row}, {column}] and [{column}, {row}] "
            f"are {value[row, column]:.6g} and {value[column, row]:.6g}, not complex conjugates of each other."
        )
    return value.shape[0]


# -- sums, scalings, basis changes ---------------------------------------------------------------------------


def add(first: HybridHamiltonian, second: HybridHamiltonian) -> HybridHamiltonian:
    """The sum of two Hamiltonians on the same manifold and the same levels, part by part (kinetic energies
    add too). One in atomic units, as those of plain functions are, is taken to be in the other one's units.

    Raises `InvalidInput` for Hamiltonians on different spaces, or in different units of their own.
    """
    if first.levels != second.levels or not _same_space(first.manifold, second.manifold):
        raise InvalidInput(
            f"Hamiltonians on {first.manifold.describe()} with {first.levels} levels and on "
            f"{second.manifold.describe()} with {second.levels} levels cannot be added."
        )
    labels = _common_labels(first, second)
    quantum = first.quantum() + second.quantum()
    if isinstance(first, SeparableHamiltonian) and isinstance(second, SeparableHamiltonian):
        inverse_mass = 1 / first.manifold.masses + 1 / second.manifold.masses
        stiffness = _stiffness(first) + _stiffness(second)
        return SeparableFunctionHamiltonian(
            Canonical(1 / inverse_mass),
            first.levels,
            np.sqrt(stiffness * inverse_mass),
            Partial(_sum_of, (_Method(first, "external"), _Method(second, "external"))),
            quantum,
            Partial(_sum_of, (_Method(first, "coupling"), _Method(second, "coupling"))),
            labels=labels,
        )
    return FunctionHamiltonian(
        first.manifold,
        first.levels,
        Partial(_sum_of, (_Method(first, "classical"), _Method(second, "classical"))),
        quantum,
        Partial(_sum_of, (_Method(first, "interaction"), _Method(second, "interaction"))),
        labels=labels,
    )


def _common_labels(first: HybridHamiltonian, second: HybridHamiltonian) -> Labels:
    """What both are measured in."""
    own = [system.labels for system in (first, second) if system.labels != ATOMIC_LABELS]
    if len(own) == 2 and own[0] != own[1]:
        raise InvalidInput(
            f"Hamiltonians in {own[0].energy} and {own[0].time} and in {own[1].energy} and {own[1].time} cannot be "
            "added."
        )
    return own[0] if own else ATOMIC_LABELS


def _same_space(first: Manifold, second: Manifold) -> bool:
    """Whether two manifolds have the same points and the same bracket (masses belong to the energy, not to
    either).
    """
    spheres = [
        manifold.spheres if isinstance(manifold, Product) else manifold for manifold in (first, second)
    ]
    lengths = [np.unique(part.length).tolist() for part in spheres if isinstance(part, Spheres)]
    return first.describe() == second.describe() and all(length == lengths[0] for length in lengths)


def scale_interaction(system: HybridHamiltonian, factor: float) -> HybridHamiltonian:
    """The same system with its interaction multiplied by `factor`; 0 leaves two uncoupled sides."""
    return _rebuilt(system, system.quantum(), Partial(_scaled, np.asarray(float(factor))))


def change_basis(system: HybridHamiltonian, unitary: np.ndarray | Array) -> HybridHamiltonian:
    """The same system in another constant basis of the quantum side: H -> U H U^dagger. States change as psi
    -> U psi.
    """
    unitary = np.asarray(unitary)
    if unitary.shape != (system.levels, system.levels) or not np.allclose(
        unitary @ unitary.conj().T, np.eye(system.levels), atol=1e-10
    ):
        raise InvalidInput(f"Argument `unitary` must be a unitary ({system.levels}, {system.levels}) matrix.")
    return _rebuilt(
        system, unitary @ np.asarray(system.quantum()) @ unitary.conj().T, Partial(_rotated, unitary)
    )


class _Method(eqx.Module):
    """A method of a Hamiltonian as a tree, so that compiled programs see its arrays as arguments, not as
    constants.
    """

    owner: HybridHamiltonian
    name: str = eqx.field(static=True)

    def __call__(self, z):
        return getattr(self.owner, self.name)(z)


def _sum_of(functions, z):
    return sum(function(z) for function in functions)


def _scaled(factor, function, z):
    return factor * function(z)


def _rotated(unitary, function, z):
    return unitary @ function(z) @ unitary.conj().T


def _stiffness(system: SeparableHamiltonian):
    frequencies = 0.0 if system.frequencies is None else system.frequencies
    return system.manifold.masses * frequencies**2


def _rebuilt(system: HybridHamiltonian, quantum, change: Partial) -> HybridHamiltonian:
    """`system` with another quantum part and with `change` applied to its interaction.

    A `Partial` around another would hide the arrays of the inner one from JAX: each change a new program.
    """
    if isinstance(system, SeparableHamiltonian):
        return SeparableFunctionHamiltonian(
            system.manifold,
            system.levels,
            system.frequencies,
            _Method(system, "external"),
            quantum,
            Partial(change.func, *change.args, _Method(system, "coupling")),
            system.suggested_step(),
            labels=system.labels,
        )
    return FunctionHamiltonian(
        system.manifold,
        system.levels,
        _Method(system, "classical"),
        quantum,
        Partial(change.func, *change.args, _Method(system, "interaction")),
        system.suggested_step(),
        labels=system.labels,
    )
