r"""A classical oscillator coupled to a quantum one: the hybrid Hamiltonian of the classical-quantum oscillators.

$$\hat H=\frac{p^2}{2m_1}+\frac{K_1}2q^2+\frac{\hat\pi^2}{2m_2}+\frac{K_2}2\hat x^2-c\,q\,\hat x$$

Eq. (1) of "Classical-quantum oscillators as diffusive processes in phase space" (arXiv 2510.07402), with the spring
written out: $K_i=k_i+\lambda$, $c=\lambda$. Friction and diffusion belong to the theory, not to the Hamiltonian.
"""

import abc
from typing import Annotated

import equinox as eqx
import jax.numpy as jnp
import numpy as np

from brackish.analysis.oscillators import OscillatorCoupling, Spring
from brackish.arguments import reads_arguments
from brackish.errors import InvalidInput
from brackish.grids import Grid
from brackish.hamiltonians import SeparableHamiltonian
from brackish.manifolds import Canonical
from brackish.models._arguments import number, positive_array, real_array, whole
from brackish.promises import Empty
from brackish.quantum import momentum_operator, position_operator
from brackish.typing import Array, Complex, Float, Inexact, Reals
from brackish.units import REDUCED_LABELS, Labels

LARGEST_BASIS = 2000  # levels: matrices of this size are written out


class OscillatorBasis(eqx.Module):
    """The interface of every basis in which the quantum oscillator is written; mass m, stiffness K."""

    @abc.abstractmethod
    def levels(self) -> int:
        """How many basis states there are."""

    @abc.abstractmethod
    def outermost(self) -> tuple[int, ...]:
        """The basis states that must stay empty, or else there are too few."""

    @abc.abstractmethod
    def position(self, mass: float, stiffness: float) -> Float[np.ndarray, "d d"]:
        """The position, bohr."""

    @abc.abstractmethod
    def momentum(self, mass: float, stiffness: float) -> Complex[np.ndarray, "d d"]:
        """The momentum, hbar per bohr."""

    @abc.abstractmethod
    def energy(self, mass: float, stiffness: float) -> Inexact[np.ndarray, "d d"]:
        """Kinetic energy plus K x^2 / 2, hartree."""

    @abc.abstractmethod
    def coherent_state(
        self, mass: float, stiffness: float, position: float, momentum: float
    ) -> Complex[np.ndarray, " d"]:
        """The ground state moved to a mean position and momentum, unit norm within the basis."""


def _cut_off(value) -> int:
    return whole("cut_off", value, LARGEST_BASIS)


class FockBasis(OscillatorBasis):
    """The lowest `cut_off` eigenstates of the oscillator with its whole stiffness K, so that its energy is diagonal."""

    cut_off: int = eqx.field(static=True, converter=_cut_off, default=24)

    def levels(self):
        return self.cut_off

    def outermost(self):
        return (self.cut_off - 1,)

    def position(self, mass, stiffness):
        return position_operator(self.cut_off) / (mass * stiffness) ** 0.25

    def momentum(self, mass, stiffness):
        return momentum_operator(self.cut_off) * (mass * stiffness) ** 0.25

    def energy(self, mass, stiffness):
        return np.diag(np.sqrt(stiffness / mass) * (np.arange(self.cut_off) + 0.5))

    def coherent_state(self, mass, stiffness, position, momentum):
        width = (mass * stiffness) ** 0.25
        amplitude = (width * position + 1j * momentum / width) / np.sqrt(2)
        # each entry from the one before: a^n / sqrt(n!) without large numbers
        state = np.cumprod(np.append(1.0 + 0j, amplitude / np.sqrt(np.arange(1, self.cut_off))))
        return state / np.linalg.norm(state)


class PositionBasis(OscillatorBasis):
    """The nodes of a periodic `grid` of one coordinate: the position, and with it every force, is diagonal."""

    grid: Grid

    def __check_init__(self):
        if self.grid.coordinates != 1:
            raise InvalidInput(
                f"Argument `grid` of PositionBasis must have one coordinate, got {self.grid.coordinates}."
            )

    def levels(self):
        return self.grid.points[0]

    def outermost(self):
        return (0, self.grid.points[0] - 1)

    def position(self, mass, stiffness):
        return np.diag(self.grid.positions()[0])

    def momentum(self, mass, stiffness):
        return self._of_waves(lambda k: k)

    def energy(self, mass, stiffness):
        potential = 0.5 * stiffness * self.grid.positions()[0] ** 2
        return self._of_waves(lambda k: k**2 / (2 * mass)).real + np.diag(potential)

    def coherent_state(self, mass, stiffness, position, momentum):
        x = self.grid.positions()[0]
        state = np.exp(-0.5 * np.sqrt(mass * stiffness) * (x - position) ** 2 + 1j * momentum * x)
        return state / np.linalg.norm(state)

    def _of_waves(self, function) -> np.ndarray:
        """A function of the momentum as a Hermitian matrix between nodes."""
        values = function(self.grid.wavenumbers()[0])
        matrix = np.fft.ifft(values[:, None] * np.fft.fft(np.eye(self.levels()), axis=0), axis=0)
        return 0.5 * (matrix + matrix.conj().T)


class ClassicalQuantumOscillators(SeparableHamiltonian):
    """A classical oscillator and a quantum one; made by `oscillator_pair`."""

    manifold: Canonical
    frequencies: Float[np.ndarray | Array, "1"]
    pull: Float[np.ndarray | Array, ""]
    """c: the force on one oscillator per displacement of the other, hartree per bohr squared."""
    quantum_energy: Inexact[np.ndarray | Array, "d d"]
    quantum_position: Float[np.ndarray | Array, "d d"]
    quantum_momentum: Complex[np.ndarray | Array, "d d"]
    quantum_mass: Float[np.ndarray | Array, ""]
    quantum_stiffness: Float[np.ndarray | Array, ""]
    basis: OscillatorBasis
    levels: int = eqx.field(static=True)
    labels: Labels = eqx.field(static=True, default=REDUCED_LABELS, repr=False, kw_only=True)

    def external(self, position):
        return jnp.zeros(())

    def quantum(self):
        return self.quantum_energy

    def coupling(self, position):
        return -self.pull * position[0] * self.quantum_position

    def coherent_state(self, position=0.0, momentum=0.0) -> Complex[np.ndarray, " d"]:
        """The ground state of the quantum oscillator by itself, moved to this mean position and momentum."""
        position, momentum = number("position", position), number("momentum", momentum)
        return self.basis.coherent_state(
            float(self.quantum_mass), float(self.quantum_stiffness), float(position), float(momentum)
        )

    def promises(self):
        """The last level, or the ends of the grid, stay empty."""
        return (_ENDS,)

    def suggested_step(self):
        """A thirtieth of the shorter period of the two oscillators."""
        fastest = max(float(self.frequencies[0]), float(np.sqrt(self.quantum_stiffness / self.quantum_mass)))
        return float(2 * np.pi / (30 * fastest))


def _population_of_the_ends(theory, hamiltonian, y):
    density = theory.quantum_density(hamiltonian, y)
    return sum(density[end, end].real for end in hamiltonian.basis.outermost())


_ENDS = Empty(
    "population of the last level, or of the ends of the grid",
    _population_of_the_ends,
    "give the basis of `oscillator_pair` more of them",
)


@reads_arguments
def oscillator_pair(
    masses: Annotated[Reals, "mass"] = (1.0, 1.0),
    stiffness: Reals = (1.0, 1.0),
    coupling: OscillatorCoupling = Spring(0.3),  # noqa: B008  (immutable)
    basis: OscillatorBasis = FockBasis(),  # noqa: B008  (immutable)
) -> ClassicalQuantumOscillators:
    """A classical oscillator (first) and a quantum one (second), tied by a spring or by the product of their positions.

    `masses` m_1, m_2 and `stiffness` k_1, k_2, (2,) each; `coupling`: `Spring(strength)` or `Bilinear(strength)`;
    `basis`: `FockBasis(cut_off)` or `PositionBasis(grid)` for the quantum oscillator. Atomic units, or any other with
    hbar = 1.

    Raises `InvalidInput` for parameters out of range, and where the coupling leaves an oscillator without a restoring
    force of its own.
    """
    masses, stiffness = positive_array("masses", masses), real_array("stiffness", stiffness, 1)
    for name, value in (("masses", masses), ("stiffness", stiffness)):
        if value.shape != (2,):
            raise InvalidInput(
                f"Argument `{name}` must have one entry for each of 2 oscillators, got {value.size}."
            )
    whole_stiffness = stiffness + float(coupling.stiffening())
    if np.any(whole_stiffness <= 0):
        raise InvalidInput(
            "Argument `stiffness` with what the coupling adds must be positive, got "
            f"{whole_stiffness.tolist()} for the two oscillators."
        )
    mass, stiff = float(masses[1]), float(whole_stiffness[1])
    return ClassicalQuantumOscillators(
        manifold=Canonical(masses[:1]),
        frequencies=np.sqrt(whole_stiffness[:1] / masses[:1]),
        pull=np.asarray(coupling.pull()),
        quantum_energy=basis.energy(mass, stiff),
        quantum_position=basis.position(mass, stiff),
        quantum_momentum=basis.momentum(mass, stiff),
        quantum_mass=np.asarray(mass),
        quantum_stiffness=np.asarray(stiff),
        basis=basis,
        levels=basis.levels(),
    )
