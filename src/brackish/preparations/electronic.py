"""In which quantum state a run starts."""

import equinox as eqx
import jax.numpy as jnp
import numpy as np

from brackish.errors import InvalidInput
from brackish.hamiltonians import HybridHamiltonian
from brackish.quantum import eigensystem
from brackish.typing import Array, Complex, Point


class Diabatic(eqx.Module):
    """Basis state number `level` (from 0) of the Hamiltonian as it is written."""

    level: int = eqx.field(static=True)

    def check(self, hamiltonian: HybridHamiltonian) -> None:
        """Raise `InvalidInput` if there is no such level."""
        _check_level(self.level, hamiltonian)

    def spinor(self, hamiltonian: HybridHamiltonian, z: Point) -> Complex[Array, " d"]:
        """The state, (d,)."""
        return jnp.zeros(hamiltonian.levels, complex).at[self.level].set(1.0)


class Adiabatic(eqx.Module):
    """Eigenstate number `level` (from 0, the lowest) of H at the classical point where the trajectory starts.

    The overall phase means nothing.
    """

    level: int = eqx.field(static=True)

    def check(self, hamiltonian: HybridHamiltonian) -> None:
        """Raise `InvalidInput` if there is no such level."""
        _check_level(self.level, hamiltonian)

    def spinor(self, hamiltonian: HybridHamiltonian, z: Point) -> Complex[Array, " d"]:
        """The state, (d,)."""
        _, vectors = eigensystem(hamiltonian.quantum() + hamiltonian.interaction(z))
        return vectors[:, self.level].astype(complex)


class Amplitudes(eqx.Module):
    """A given state in the basis of the Hamiltonian: (d,) complex amplitudes of unit norm."""

    values: Complex[np.ndarray | Array, " d"] = eqx.field(converter=lambda v: np.asarray(v, dtype=complex))

    def check(self, hamiltonian: HybridHamiltonian) -> None:
        """Raise `InvalidInput` unless there is one amplitude per level and the norm is 1."""
        if self.values.shape != (hamiltonian.levels,):
            raise InvalidInput(
                f"Argument `state` must have one amplitude for each of {hamiltonian.levels} levels, "
                f"got shape {self.values.shape}."
            )
        norm = np.linalg.norm(self.values)
        if not abs(norm - 1) < 1e-8:
            raise InvalidInput(f"Argument `state` must have norm 1, got {norm:.6g}; divide it by that.")

    def spinor(self, hamiltonian: HybridHamiltonian, z: Point) -> Complex[Array, " d"]:
        """The state, (d,)."""
        return jnp.asarray(self.values)


class AmplitudesOfEach(eqx.Module):
    """A given state for each of N points in the basis of the Hamiltonian: (N, d) complex amplitudes, rows of norm 1."""

    values: Complex[np.ndarray | Array, "N d"] = eqx.field(converter=lambda v: np.asarray(v, dtype=complex))

    def check(self, hamiltonian: HybridHamiltonian) -> None:
        """Raise `InvalidInput` unless there is one amplitude per level in each row and all norms are 1."""
        if self.values.ndim != 2 or self.values.shape[1] != hamiltonian.levels:
            raise InvalidInput(
                f"Argument `state` must have one row for each point and one amplitude for each of {hamiltonian.levels} "
                f"levels in it, got shape {self.values.shape}."
            )
        norms = np.linalg.norm(self.values, axis=1)
        wrong = ~(np.abs(norms - 1) < 1e-8)
        if wrong.any():
            row = int(np.argmax(wrong))
            raise InvalidInput(
                f"Argument `state` must have rows of norm 1, but that of point {row} is {norms[row]:.6g}; divide it by "
                "that."
            )

    def spinor_of(self, index: Array) -> Complex[Array, " d"]:
        """The state of point `index`, (d,)."""
        return jnp.asarray(self.values)[index]


class Mixture(eqx.Module):
    """A mixed state: (d, d) density operator in the basis of the Hamiltonian, Hermitian, positive, of unit trace.

    For theories whose trajectories carry density operators: koopmons.
    """

    density: Complex[np.ndarray | Array, "d d"] = eqx.field(converter=lambda v: np.asarray(v, dtype=complex))

    def check(self, hamiltonian: HybridHamiltonian) -> None:
        """Raise `InvalidInput` unless it is a density operator on the levels of the Hamiltonian."""
        if self.density.shape != (hamiltonian.levels,) * 2:
            raise InvalidInput(
                f"Argument `density` of Mixture must have shape ({hamiltonian.levels}, {hamiltonian.levels}), "
                f"got {self.density.shape}."
            )
        hermitian = np.allclose(self.density, self.density.conj().T, rtol=0, atol=1e-10)
        if not hermitian or not abs(np.trace(self.density) - 1) < 1e-8:
            raise InvalidInput("Argument `density` of Mixture must be Hermitian with trace 1.")
        if np.linalg.eigvalsh(self.density)[0] < -1e-10:
            raise InvalidInput("Argument `density` of Mixture must not have a negative eigenvalue.")

    def spinor(self, hamiltonian: HybridHamiltonian, z: Point) -> Complex[Array, "d d"]:
        """Amplitudes psi with psi psi^dagger the density operator, one column an eigenstate, (d, d)."""
        values, vectors = jnp.linalg.eigh(jnp.asarray(self.density))
        return vectors * jnp.sqrt(jnp.maximum(values, 0.0))[None]


ElectronicState = Diabatic | Adiabatic | Amplitudes | Mixture


def electronic_state(value) -> ElectronicState:
    """Read a state: a whole number is a diabatic level, a sequence is amplitudes."""
    if isinstance(value, ElectronicState):
        return value
    if isinstance(value, bool) or not isinstance(value, int | np.integer | list | tuple | np.ndarray | Array):
        raise InvalidInput(
            f"Argument `state` must be a level, Diabatic(level), Adiabatic(level) or amplitudes, got {value!r}."
        )
    return Diabatic(int(value)) if isinstance(value, int | np.integer) else Amplitudes(np.asarray(value))


def _check_level(level: int, hamiltonian: HybridHamiltonian) -> None:
    if not 0 <= level < hamiltonian.levels:
        raise InvalidInput(
            f"Argument `state` asks for level {level}, but the Hamiltonian has levels 0 to {hamiltonian.levels - 1}."
        )
