"""Spin and Fock operators as plain numpy matrices (built once, outside any compiled code)."""

import numpy as np

pauli_x = np.array([[0.0, 1.0], [1.0, 0.0]])
pauli_y = np.array([[0.0, -1.0j], [1.0j, 0.0]])
pauli_z = np.array([[1.0, 0.0], [0.0, -1.0]])


def spin_operators(spin: float) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """S_x, S_y, S_z of a spin (1/2, 1, 3/2, ...), each (2s+1, 2s+1), in units of hbar, with S_z falling along
    the diagonal.
    """
    size = round(2 * spin) + 1
    projection = spin - np.arange(size)
    raising = np.diag(np.sqrt(spin * (spin + 1) - projection[1:] * (projection[1:] + 1)), k=1)
    return 0.5 * (raising + raising.T), -0.5j * (raising - raising.T), np.diag(projection)


def annihilation(size: int) -> np.ndarray:
    """The annihilation operator a of a harmonic mode, cut to `size` Fock states, shape (size, size)."""
    return np.diag(np.sqrt(np.arange(1.0, size)), k=1)


def position_operator(size: int) -> np.ndarray:
    """Dimensionless position (a + a^dagger)/sqrt(2) in `size` Fock states."""
    lowering = annihilation(size)
    return (lowering + lowering.T) / np.sqrt(2)


def momentum_operator(size: int) -> np.ndarray:
    """Dimensionless momentum (a - a^dagger)/(i sqrt(2)) in `size` Fock states."""
    lowering = annihilation(size)
    return -1j * (lowering - lowering.T) / np.sqrt(2)


def tensor(*operators: np.ndarray) -> np.ndarray:
    """The Kronecker product of operators, the first factor varying slowest."""
    result = np.eye(1)
    for operator in operators:
        result = np.kron(result, operator)
    return result
