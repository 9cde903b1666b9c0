"""The interface of a preparation."""

import abc
from typing import Any, ClassVar

import equinox as eqx

from brackish.errors import UnsupportedHamiltonian
from brackish.hamiltonians import HybridHamiltonian
from brackish.manifolds import Canonical
from brackish.preparations.electronic import Mixture
from brackish.quantum import SpectralState
from brackish.showing import in_text
from brackish.spins import SpinSystem
from brackish.typing import Array, Complex, Float, Key, Point, RealScalar


class Draw(eqx.Module):
    """One trajectory's start: a point, a quantum state of unit norm, and a weight.

    `psi`: (d,), or for a mixed state (d, r) with density operator psi psi^dagger.
    """

    point: Point
    psi: Complex[Array, "d *columns"]
    weight: Float[Array, ""]


class Preparation(eqx.Module):
    """The interface of every preparation.

    `random`: whether trajectories are drawn (then means carry standard errors) or laid out. `repeats`: whether what is
    laid out may be started from again and again, by theories whose motion is random.
    """

    random: eqx.AbstractClassVar[bool]
    repeats: ClassVar[bool] = False

    def __repr__(self) -> str:
        return in_text(self)

    @abc.abstractmethod
    def draw(self, hamiltonian: HybridHamiltonian, index: Array, key: Key) -> Draw:
        """The start of trajectory `index`, with its own random key."""

    @abc.abstractmethod
    def check(self, hamiltonian: HybridHamiltonian) -> None:
        """Raise `InvalidInput` or `UnsupportedHamiltonian` if this preparation does not fit the Hamiltonian."""

    def mixed(self) -> bool:
        """Whether trajectories start in mixed quantum states, which few theories carry."""
        start: Any = next((getattr(self, n) for n in ("packet", "start") if hasattr(self, n)), self)
        return isinstance(getattr(start, "state", None), Mixture)

    def count(self) -> int | None:
        """The number of trajectories, if the preparation fixes it."""
        return None

    def standard_deviations(self, hamiltonian: HybridHamiltonian) -> tuple[Array, Array]:
        """Those of positions and of momenta at the start, each (n,)."""
        spread: Any = getattr(self, "spread", None)
        if spread is None or not isinstance(hamiltonian.manifold, Canonical):
            raise UnsupportedHamiltonian(f"{type(self).__name__} has no spread of positions and momenta.")
        return spread(hamiltonian.manifold)[2:]

    def wavefunction(self, hamiltonian: HybridHamiltonian, positions: Any) -> Array:
        """The wavefunction (d, *grid) on a grid given by one array of positions per coordinate, unit norm."""
        raise UnsupportedHamiltonian(
            f"{type(self).__name__} has no wavefunction; start Exact from a GaussianPacket."
        )

    def spin_state(self, magnet: SpinSystem) -> SpectralState:
        """The state of all spins of a quantum magnet; outside compiled code."""
        raise UnsupportedHamiltonian(
            f"{type(self).__name__} has no state of quantum spins; start them from Directions, SpinState or another "
            "preparation of spins."
        )

    def parted(
        self, quantum: tuple[int, ...], classical: tuple[int, ...]
    ) -> tuple["Preparation", "Preparation"]:
        """For a magnet of which some sites are `quantum` and some `classical`: the starts of the two parts."""
        raise UnsupportedHamiltonian(
            f"{type(self).__name__} does not say where the two parts of a magnet start; give Directions, or "
            "QuantumAndClassical."
        )

    def density(self, hamiltonian: HybridHamiltonian, z: Point) -> RealScalar:
        """The probability density of the classical side at one point: of unit integral in dq dp, or in the area
        of the sphere.
        """
        raise UnsupportedHamiltonian(
            f"{type(self).__name__} has no smooth classical density; start a theory of fields from a GaussianPacket or "
            "a GaussianCloud."
        )


def require_canonical(preparation: Preparation, hamiltonian: HybridHamiltonian) -> None:
    """Raise unless the Hamiltonian lives on positions and momenta."""
    if not isinstance(hamiltonian.manifold, Canonical):
        raise UnsupportedHamiltonian(
            f"{type(preparation).__name__} needs a canonical manifold, got {hamiltonian.manifold.describe()}."
        )
