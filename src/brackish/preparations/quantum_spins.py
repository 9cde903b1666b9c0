r"""Where quantum spins start: given states, the named ones of two spins 1/2, thermal equilibrium.

Basis states are products of those of the single spins, $S_z$ falling from s to -s, the first spin varying slowest: of
two spins 1/2 they are $\uparrow\uparrow,\uparrow\downarrow,\downarrow\uparrow,\downarrow\downarrow$.
"""

import abc
import math
from typing import Annotated, ClassVar

import equinox as eqx
import numpy as np

from brackish.errors import InvalidInput, UnsupportedHamiltonian
from brackish.preparations.base import Preparation
from brackish.quantum import SpectralState, singlet, spectral_state, triplets
from brackish.spins import SpinSystem, require_magnet
from brackish.typing import Array, Complex, Float

CLOSE = 1e-8
"""How far a norm or a trace may be from 1."""
HERMITIAN = 1e-10
"""How far a density operator may be from Hermitian, and its eigenvalues below zero."""


class _QuantumSpins(Preparation):
    """Preparations of a quantum magnet, which has no trajectories to draw."""

    random: ClassVar[bool] = False

    @abc.abstractmethod
    def size(self) -> int | None:
        """The dimension of the states, if it is known before the magnet."""

    def check(self, hamiltonian):
        require_magnet(type(self).__name__, hamiltonian)
        size, wanted = self.size(), math.prod(hamiltonian.dimensions())
        if size is not None and size != wanted:
            raise InvalidInput(
                f"{type(self).__name__} has states of dimension {size}, those of this magnet have {wanted}."
            )

    def draw(self, hamiltonian, index, key):
        raise UnsupportedHamiltonian(
            f"{type(self).__name__} is a state of quantum spins; start classical ones from Directions, "
            "UniformDirections or VonMisesFisher."
        )


def _checked_state(value) -> np.ndarray:
    value = np.asarray(value, dtype=complex)
    if value.ndim not in (1, 2) or value.size == 0 or (value.ndim == 2 and value.shape[0] != value.shape[1]):
        raise InvalidInput(
            "Argument `state` of SpinState must be a wavefunction (D,) or a density operator (D, D), got shape "
            f"{value.shape}."
        )
    if not np.all(np.isfinite(value)):
        raise InvalidInput("Argument `state` of SpinState must be finite.")
    if value.ndim == 1:
        _check_norm(float(np.linalg.norm(value)))
        return value
    if np.max(np.abs(value - value.conj().T)) > HERMITIAN:
        raise InvalidInput("Argument `state` of SpinState is a density operator that is not Hermitian.")
    if not abs(np.trace(value) - 1) < CLOSE:
        trace = np.trace(value).real
        raise InvalidInput(
            f"Argument `state` of SpinState must have trace 1, got {trace:.6g}; divide it by that."
        )
    lowest = np.linalg.eigvalsh(value)[0]
    if lowest < -HERMITIAN:
        raise InvalidInput(f"Argument `state` of SpinState has a negative eigenvalue, {lowest:.3g}.")
    return value


def _check_norm(norm: float) -> None:
    if not abs(norm - 1) < CLOSE:
        raise InvalidInput(
            f"Argument `state` of SpinState must have norm 1, got {norm:.6g}; divide it by that."
        )


class SpinState(_QuantumSpins):
    """A given state of all spins: a wavefunction, (D,), of unit norm, or a density operator, (D, D), Hermitian,
    positive, of unit trace.

    Raises `InvalidInput` for anything else, and when the run starts if the magnet has another dimension.
    """

    state: Complex[np.ndarray | Array, "D *D"] = eqx.field(converter=_checked_state)

    def size(self):
        return self.state.shape[0]

    def spin_state(self, magnet):
        return _pure(self.state) if self.state.ndim == 1 else spectral_state(np.asarray(self.state))


class SpinMixture(_QuantumSpins):
    r"""A mixture of a few wavefunctions, for magnets whose density operator would be too large to write: $\sum_rp_r
    |\psi_r\rangle\langle\psi_r|$.

    `states`: (r, D), of unit norm, orthogonal or not. `probabilities`: (r,), not negative, summing to 1.

    Raises `InvalidInput` for anything else.
    """

    states: Complex[np.ndarray | Array, "r D"] = eqx.field(converter=lambda v: np.asarray(v, dtype=complex))
    probabilities: Float[np.ndarray | Array, " r"] = eqx.field(converter=lambda v: np.asarray(v, dtype=float))

    def __check_init__(self):
        states, probabilities = self.states, self.probabilities
        if states.ndim != 2 or probabilities.shape != states.shape[:1] or states.size == 0:
            raise InvalidInput(
                "SpinMixture needs `states` of shape (r, D) and `probabilities` of shape (r,), got "
                f"{states.shape} and {probabilities.shape}."
            )
        if not np.all(np.abs(np.linalg.norm(states, axis=1) - 1) < CLOSE):
            raise InvalidInput("Every one of the `states` of SpinMixture must have norm 1.")
        if np.any(probabilities < 0) or not abs(np.sum(probabilities) - 1) < CLOSE:
            raise InvalidInput("The `probabilities` of SpinMixture must be 0 or more, and sum to 1.")

    def size(self):
        return self.states.shape[1]

    def spin_state(self, magnet):
        rows = np.sqrt(self.probabilities)[:, None] * self.states
        columns, roots, _ = np.linalg.svd(rows.T, full_matrices=False)
        # a direction without weight would be carried along for nothing
        there = roots**2 > HERMITIAN
        return SpectralState(columns[:, there], roots[there] ** 2, np.zeros(()))


class Singlet(_QuantumSpins):
    r"""Two spins 1/2 of total spin 0, $\Psi^-=(\uparrow\downarrow-\downarrow\uparrow)/\sqrt2$."""

    def size(self):
        return 4

    def spin_state(self, magnet):
        return _pure(singlet)


class Triplet(_QuantumSpins):
    r"""Two spins 1/2 of total spin 1 and $S_z$ = `projection`: $\uparrow\uparrow$ (1), $\Psi^+=(\uparrow\downarrow
    +\downarrow\uparrow)/\sqrt2$ (0) or $\downarrow\downarrow$ (-1).
    """

    projection: int = eqx.field(static=True, default=0)

    def __check_init__(self):
        if self.projection not in (1, 0, -1):
            raise InvalidInput(f"Argument `projection` of Triplet must be 1, 0 or -1, got {self.projection}.")

    def size(self):
        return 4

    def spin_state(self, magnet):
        return _pure(triplets[1 - self.projection])


class PhiPlus(_QuantumSpins):
    r"""The Bell state of two spins 1/2 $\Phi^+=(\uparrow\uparrow+\downarrow\downarrow)/\sqrt2$."""

    def size(self):
        return 4

    def spin_state(self, magnet):
        return _pure(triplets[0] + triplets[2])


class PhiMinus(_QuantumSpins):
    r"""The Bell state of two spins 1/2 $\Phi^-=(\uparrow\uparrow-\downarrow\downarrow)/\sqrt2$."""

    def size(self):
        return 4

    def spin_state(self, magnet):
        return _pure(triplets[0] - triplets[2])


class Werner(_QuantumSpins):
    r"""Werner's state of two spins 1/2, $p\,|\psi\rangle\langle\psi|+\frac{1-p}4\hat 1$.

    `purity_weight`: p, 0 to 1. `state`: `Singlet()`, `Triplet(...)`, `PhiPlus()` or `PhiMinus()`.

    R. F. Werner, Phys. Rev. A 40, 4277 (1989). Raises `InvalidInput` for another p.
    """

    purity_weight: float = eqx.field(converter=float)
    state: Singlet | Triplet | PhiPlus | PhiMinus = Singlet()

    def __check_init__(self):
        if not 0 <= self.purity_weight <= 1:
            raise InvalidInput(
                f"Argument `purity_weight` of Werner must be 0 to 1, got {self.purity_weight}."
            )

    def size(self):
        return 4

    def spin_state(self, magnet):
        rest = 0.25 * (1 - self.purity_weight)
        pure = self.state.spin_state(magnet)
        return SpectralState(pure.columns, np.array([rest + self.purity_weight]), np.array(rest))


class ThermalSpins(_QuantumSpins):
    r"""The Gibbs state $e^{-\hat H/k_BT}/Z$ of the magnet in its field at time 0.

    `temperature`: above 0, in the units of the magnet. For magnets whose Hamiltonian can be written out.
    """

    temperature: Annotated[float, "magnet temperature"] = eqx.field(converter=float)

    def __check_init__(self):
        if not (np.isfinite(self.temperature) and self.temperature > 0):
            raise InvalidInput(
                f"Argument `temperature` of ThermalSpins must be positive and finite, got {self.temperature}."
            )

    def size(self):
        return None

    def spin_state(self, magnet):
        energies, vectors = np.linalg.eigh(magnet.matrix(0.0))
        weights = np.exp(-(energies - energies[0]) / (magnet.units.boltzmann * self.temperature))
        return spectral_state((vectors * (weights / weights.sum())) @ vectors.conj().T)


def coherent_states(magnet: SpinSystem, directions: Float[np.ndarray, "N 3"]) -> SpectralState:
    """The product of the coherent states of all spins, each along its direction; outside compiled code."""
    psi = np.ones(1, complex)
    for size, direction in zip(magnet.dimensions(), directions, strict=True):
        psi = np.kron(psi, _coherent_state(size, direction))
    return _pure(psi)


def _coherent_state(size: int, direction: np.ndarray) -> np.ndarray:
    r"""$\sum_m\sqrt{\tbinom{2s}{s-m}}\,u^{s+m}v^{s-m}|m\rangle$ with the spinor (u, v) along the direction."""
    angle = np.arctan2(np.hypot(direction[0], direction[1]), direction[2])
    up, down = np.cos(angle / 2), np.sin(angle / 2) * np.exp(1j * np.arctan2(direction[1], direction[0]))
    lowered = np.arange(size)
    roots = np.sqrt([math.comb(size - 1, int(k)) for k in lowered])
    return roots * up ** (size - 1 - lowered) * down**lowered


def _pure(psi) -> SpectralState:
    """A wavefunction, which is brought to unit norm."""
    psi = np.asarray(psi, complex)
    return SpectralState((psi / np.linalg.norm(psi))[:, None], np.ones(1), np.zeros(()))
