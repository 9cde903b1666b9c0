"""Where classical spins start."""

from typing import ClassVar

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np

from brackish.errors import InvalidInput, UnsupportedHamiltonian
from brackish.manifolds import Product, ProductPoint, Spheres
from brackish.preparations.base import Draw, Preparation
from brackish.preparations.electronic import ElectronicState, electronic_state
from brackish.preparations.packet import GaussianPacket
from brackish.preparations.quantum_spins import coherent_states
from brackish.typing import Array, Float


def _sets_of_directions(value) -> np.ndarray:
    value = np.asarray(value, dtype=float)
    if value.ndim not in (2, 3) or value.shape[-1] != 3 or value.size == 0:
        raise InvalidInput(
            "Argument `directions` must have shape (spins, 3), or (points, spins, 3) for several, got "
            f"{value.shape}."
        )
    length = np.linalg.norm(value, axis=-1, keepdims=True)
    if not np.all(np.isfinite(value)) or np.any(length == 0):
        raise InvalidInput("Argument `directions` must be finite and not zero.")
    return np.atleast_3d(value / length) if value.ndim == 3 else (value / length)[None]


class Directions(Preparation):
    """Given directions of the classical spins: (spins, 3), or (points, spins, 3) for several starts; they are
    normalised. Quantum spins start in the product of their coherent states along one set of directions.

    `state`: as for `GaussianPacket`. Means over laid-out points carry no standard error.
    """

    directions: Float[np.ndarray | Array, "points spins 3"] = eqx.field(converter=_sets_of_directions)
    state: ElectronicState = eqx.field(converter=electronic_state, default=0)
    random: ClassVar[bool] = False
    repeats: ClassVar[bool] = True

    def check(self, hamiltonian):
        spins = _count_spins(self, hamiltonian)
        if self.directions.shape[1] != spins:
            raise InvalidInput(
                f"Argument `directions` has {self.directions.shape[1]} spins, the Hamiltonian has {spins}."
            )
        self.state.check(hamiltonian)

    def count(self):
        return self.directions.shape[0]

    def draw(self, hamiltonian, index, key):
        point = jnp.asarray(self.directions)[index % self.directions.shape[0]]
        return Draw(point, self.state.spinor(hamiltonian, point), jnp.ones(()))

    def spin_state(self, magnet):
        if self.directions.shape[0] != 1:
            raise InvalidInput(
                f"Quantum spins start from one set of directions, got {self.directions.shape[0]} of them."
            )
        return coherent_states(magnet, np.asarray(self.directions)[0])

    def parted(self, quantum, classical):
        """The same directions on both sides."""
        every = np.asarray(self.directions)
        if quantum and every.shape[0] != 1:
            raise InvalidInput(
                f"Quantum spins start from one set of directions, got {every.shape[0]} of them."
            )
        quantum_part, classical_part = (
            Directions(every[:, list(sites)]) if sites else self for sites in (quantum, classical)
        )
        return quantum_part, classical_part


class QuantumAndClassical(Preparation):
    """A magnet of two parts: where its quantum spins start, `SpinState`, `Singlet`, ..., and where its classical ones,
    `Directions`, `UniformDirections`, ...; each counts its own spins alone.
    """

    quantum: Preparation
    classical: Preparation

    @property
    def random(self) -> bool:  # type: ignore[override]
        """Whether classical directions are drawn."""
        return self.classical.random

    @property
    def repeats(self) -> bool:  # type: ignore[override]
        """As the classical directions."""
        return self.classical.repeats

    def check(self, hamiltonian):
        """Each part is checked when the magnet is cut."""
        _count_spins(self, hamiltonian)

    def count(self):
        return self.classical.count()

    def draw(self, hamiltonian, index, key):
        raise UnsupportedHamiltonian("QuantumAndClassical is for HybridMagnet.")

    def parted(self, quantum, classical):
        return self.quantum, self.classical


class UniformDirections(Preparation):
    """Every classical spin points anywhere on its sphere with the same probability, independently of the others."""

    state: ElectronicState = eqx.field(converter=electronic_state, default=0)
    random: ClassVar[bool] = True

    def check(self, hamiltonian):
        _count_spins(self, hamiltonian)
        self.state.check(hamiltonian)

    def draw(self, hamiltonian, index, key):
        normal = jax.random.normal(key, (_count_spins(self, hamiltonian), 3))
        point = normal / jnp.sqrt(jnp.sum(normal**2, axis=1, keepdims=True))
        return Draw(point, self.state.spinor(hamiltonian, point), jnp.ones(()))


class Together(Preparation):
    """Orbital motion and spins: a `packet` for positions, momenta and the quantum state; given `directions`
    of the spins.

    `directions`: (spins, 3), the same for every trajectory.
    """

    packet: GaussianPacket
    directions: Float[np.ndarray | Array, "points spins 3"] = eqx.field(converter=_sets_of_directions)
    random: ClassVar[bool] = True

    def check(self, hamiltonian):
        if not isinstance(hamiltonian.manifold, Product):
            raise UnsupportedHamiltonian(
                f"Together needs a product manifold, got {hamiltonian.manifold.describe()}."
            )
        spins = hamiltonian.manifold.spheres.count
        if self.directions.shape[:2] != (1, spins):
            raise InvalidInput(f"Argument `directions` must have shape ({spins}, 3) for this Hamiltonian.")
        self.packet.check_sizes(hamiltonian.manifold.canonical.coordinates)
        self.packet.state.check(hamiltonian)

    def draw(self, hamiltonian, index, key):
        orbital = self.packet.draw_point(hamiltonian.manifold.canonical, key)
        point = ProductPoint(orbital, jnp.asarray(self.directions)[0])
        return Draw(point, self.packet.state.spinor(hamiltonian, point), jnp.ones(()))


def _count_spins(preparation: Preparation, hamiltonian) -> int:
    if not isinstance(hamiltonian.manifold, Spheres):
        raise UnsupportedHamiltonian(
            f"{type(preparation).__name__} needs a manifold of spheres, got {hamiltonian.manifold.describe()}."
        )
    return hamiltonian.manifold.count
