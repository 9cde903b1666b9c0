"""The levels of an electronic Hamiltonian at one position of the nuclei, and the forces between them."""

from collections.abc import Callable
from typing import NamedTuple

import jax
import jax.numpy as jnp
import numpy as np

from brackish.hamiltonians import SeparableHamiltonian
from brackish.identity import jit_by_content
from brackish.quantum import dagger, eigensystem
from brackish.typing import Array, Float, Inexact, Position, SquareMatrix


class ElectronicLevels(NamedTuple):
    r"""Energies $E_a$, (d,), and $D^k_{ab}=\langle a|\partial_k\hat H|b\rangle$, (n, d, d); hartree, hartree/bohr.

    The phases of the levels, and the basis of levels of one energy, are whatever the eigensolver gave; no function
    that takes levels depends on them.
    """

    energies: Float[Array, " d"]
    derivatives: Inexact[Array, "n d d"]


def electronic_matrix(hamiltonian: SeparableHamiltonian) -> Callable[[Position], SquareMatrix]:
    """The electronic Hamiltonian, position (n,) -> (d, d), without the potential in which the nuclei move anyway.

    For independent electrons it is the matrix of one electron; a nuclear potential in it would shift every orbital.
    """

    def matrix(position):
        return hamiltonian.quantum() + hamiltonian.coupling(position)

    return matrix


@jit_by_content
def electronic_matrices(
    hamiltonian: SeparableHamiltonian, positions: Float[np.ndarray | Array, "N n"]
) -> Inexact[Array, "N d d"]:
    """The electronic Hamiltonian at many positions, (N, n), by one compiled program: for looks before a run."""
    return jax.vmap(electronic_matrix(hamiltonian))(jnp.asarray(positions))


def electronic_levels(
    matrix: Callable[[Position], SquareMatrix], position: Float[Array, " n"]
) -> ElectronicLevels:
    """Levels at a position (n,) in bohr of a Hamiltonian `matrix`: a function (n,) -> (d, d), Hermitian, in hartree.

    Derivatives come from JAX, one sweep for each coordinate.
    """
    return levels_from(matrix, position, *eigensystem(matrix(position)))


def levels_from(
    matrix: Callable[[Position], SquareMatrix],
    position: Float[Array, " n"],
    energies: Float[Array, " d"],
    vectors: Inexact[Array, "d d"],
) -> ElectronicLevels:
    """The same where the eigenstates are known: their energies, (d,), and vectors as columns, (d, d)."""
    derivatives = jnp.moveaxis(jax.jacfwd(matrix)(position), -1, 0)
    return ElectronicLevels(energies, dagger(vectors)[None] @ (derivatives @ vectors[None]))
