"""Small matrices on a grid: (d, d, *grid), and states (d, *grid); the same products, with the grid trailing.

Multiply-and-sum over the leading axes keeps the long axis innermost, where it vectorises.
"""

import jax.numpy as jnp

from brackish.typing import Array, Float, Inexact


def field_product(
    left: Inexact[Array, "l m *grid"], right: Inexact[Array, "m n *grid"]
) -> Inexact[Array, "l n *grid"]:
    """The matrix product A(z) B(z) at each node."""
    return jnp.sum(left[:, :, None] * right[None], axis=1)


def field_apply(
    matrix: Inexact[Array, "m d *grid"], psi: Inexact[Array, "d *grid"]
) -> Inexact[Array, "m *grid"]:
    """The state A(z) psi(z) at each node."""
    return jnp.sum(matrix * psi[None], axis=1)


def field_dagger(matrix: Inexact[Array, "m n *grid"]) -> Inexact[Array, "n m *grid"]:
    """The Hermitian conjugate at each node."""
    return jnp.conj(jnp.swapaxes(matrix, 0, 1))


def field_trace(matrix: Inexact[Array, "d d *grid"]) -> Float[Array, "*grid"]:
    """The trace of a Hermitian field."""
    return jnp.trace(matrix).real


def field_expect(
    matrix: Inexact[Array, "d d *grid"], psi: Inexact[Array, "d *grid"]
) -> Float[Array, "*grid"]:
    """<psi|A|psi> of a Hermitian field at each node; not divided by <psi|psi>."""
    return jnp.sum(jnp.conj(psi) * field_apply(matrix, psi), axis=0).real


def field_trace_product(
    left: Inexact[Array, "d d *grid"], right: Inexact[Array, "d d *grid"]
) -> Float[Array, "*grid"]:
    """Re Tr(A B) at each node."""
    return jnp.sum(left * jnp.swapaxes(right, 0, 1), axis=(0, 1)).real


def field_outer(
    psi: Inexact[Array, "m *grid"], other: Inexact[Array, "n *grid"]
) -> Inexact[Array, "m n *grid"]:
    """The matrix |psi><other| at each node."""
    return psi[:, None] * jnp.conj(other)[None]
