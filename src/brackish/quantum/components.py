r"""Hermitian matrices as real vectors: the Bloch vector, for any number of levels.

$$\hat A=\frac{\mathrm{Tr}\hat A}{d}\,\hat 1+\tfrac12\sum_ka_k\hat\lambda_k,\qquad a_k=\mathrm{Tr}(\hat
A\hat\lambda_k),\qquad [\hat\lambda_j,\hat\lambda_k]=2i\sum_lf_{jkl}\hat\lambda_l$$

with the d^2 - 1 matrices of Gell-Mann, of which those for d = 2 are Pauli's and $f_{jkl}=\varepsilon_{jkl}$.
"""

from functools import cache

import jax.numpy as jnp
import numpy as np

from brackish.typing import Array, Float, Inexact

WRITTEN_OUT = 4
"""Up to so many levels products are written out; the thousands of terms of more levels would compile for minutes."""


@cache
def basis(levels: int) -> np.ndarray:
    r"""The matrices $\hat\lambda_k$, (d^2 - 1, d, d): Hermitian, traceless,
    $\mathrm{Tr}\hat\lambda_j\hat\lambda_k=2\delta_{jk}$.
    """
    matrices = []
    for column in range(1, levels):
        for row in range(column):
            unit = np.zeros((levels, levels), complex)
            unit[row, column] = 1.0
            matrices += [unit + unit.T, -1j * unit + 1j * unit.T]
        diagonal = np.append(np.ones(column), -column) * np.sqrt(2 / (column * (column + 1)))
        matrices.append(np.diag(np.append(diagonal, np.zeros(levels - column - 1))).astype(complex))
    return np.array(matrices).reshape(levels**2 - 1, levels, levels)


@cache
def structure_constants(levels: int) -> tuple[tuple[int, int, int, float], ...]:
    """All (j, k, l, f_jkl) with f_jkl not zero."""
    matrices = basis(levels)
    commutators = np.einsum("jab,kbc->jkac", matrices, matrices)
    commutators = commutators - np.swapaxes(commutators, 0, 1)
    constants = (np.einsum("jkac,lca->jkl", commutators, matrices) / 4j).real
    return tuple(
        (int(j), int(k), int(into), float(constants[j, k, into]))
        for j, k, into in np.argwhere(np.abs(constants) > 1e-14)
    )


def components(matrix: Inexact[np.ndarray | Array, "d d"]) -> Float[Array, " k"]:
    r"""$a_k=\mathrm{Tr}(\hat A\hat\lambda_k)$ of a Hermitian matrix, (d^2 - 1,), in its units."""
    levels = matrix.shape[-1]
    if levels > WRITTEN_OUT:
        return jnp.einsum("ab,kba->k", matrix, basis(levels)).real
    return jnp.stack([_trace(matrix, other) for other in basis(levels)])


def _trace(matrix, constant: np.ndarray):
    """Re Tr(A B), written out: B has few entries that are not zero."""
    terms = [
        (matrix[column, row] * constant[row, column]).real
        for row, column in np.argwhere(np.abs(constant) > 0)
    ]
    return sum(terms[1:], terms[0])


def cross(first: Float[Array, "k ..."], second: Float[Array, "k ..."], levels: int) -> Float[Array, "k ..."]:
    r"""$\sum_{jk}f_{jkl}\,a_jb_k$: the components of $-i[\hat A,\hat B]$; for two levels the cross product."""
    if levels > WRITTEN_OUT:
        left, right = (0.5 * jnp.tensordot(basis(levels), x, axes=(0, 0)) for x in (first, second))
        one_way = jnp.einsum("ab...,bc...->ac...", left, right)
        commutator = one_way - jnp.conj(jnp.swapaxes(one_way, 0, 1))
        return jnp.tensordot(basis(levels), -1j * commutator, axes=((1, 2), (1, 0))).real
    sums: list[list[Array]] = [[] for _ in range(levels**2 - 1)]
    for j, k, into, value in structure_constants(levels):
        sums[into].append(value * (first[j] * second[k]))
    return jnp.stack([sum(terms[1:], terms[0]) for terms in sums])
