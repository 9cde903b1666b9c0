"""Products of small matrices by multiply-and-sum."""

import jax.numpy as jnp
from jax import lax

from brackish.typing import Array, Inexact, RealScalar

DENSE_FROM = 12
"""From this many levels on, a matrix product by BLAS beats multiply-and-sum (measured: between 8 and 16)."""


def apply(matrix: Inexact[Array, "m d"], psi: Inexact[Array, " d"]) -> Inexact[Array, " m"]:
    """The vector A psi, shape (m,).

    Real and imaginary parts are multiplied apart, here and below: complex products do not vectorise on CPUs.
    """
    if matrix.shape[-1] >= DENSE_FROM and (jnp.iscomplexobj(matrix) or not jnp.iscomplexobj(psi)):
        return matrix @ psi
    if not jnp.iscomplexobj(psi):
        if not jnp.iscomplexobj(matrix):
            return jnp.sum(matrix * psi[None, :], axis=-1)
        return lax.complex(apply(matrix.real, psi), apply(matrix.imag, psi))
    if not jnp.iscomplexobj(matrix):
        return lax.complex(apply(matrix, psi.real), apply(matrix, psi.imag))
    real = apply(matrix.real, psi.real) - apply(matrix.imag, psi.imag)
    return lax.complex(real, apply(matrix.real, psi.imag) + apply(matrix.imag, psi.real))


def product(left: Inexact[Array, "l m"], right: Inexact[Array, "m n"]) -> Inexact[Array, "l n"]:
    """The matrix A B, shape (l, n)."""
    if left.shape[-1] >= DENSE_FROM:
        return left @ right
    return jnp.sum(left[:, :, None] * right[None, :, :], axis=1)


def expect(matrix: Inexact[Array, "d d"], psi: Inexact[Array, " d"]) -> RealScalar:
    """The expectation <psi|A|psi> of a Hermitian matrix: a real scalar, in the units of A."""
    real, imaginary = psi.real, psi.imag
    symmetric = matrix.real
    value = jnp.sum(real * apply(symmetric, real)) + jnp.sum(imaginary * apply(symmetric, imaginary))
    if jnp.iscomplexobj(matrix):
        value = value + 2 * jnp.sum(imaginary * apply(matrix.imag, real))
    return value


def dagger(matrix: Inexact[Array, "m n"]) -> Inexact[Array, "n m"]:
    """The Hermitian conjugate."""
    return jnp.conj(jnp.swapaxes(matrix, -1, -2))


def trace_product(left: Inexact[Array, "d d"], right: Inexact[Array, "d d"]) -> RealScalar:
    """Re Tr(A B): the expectation of the operator A in the density matrix B."""
    return jnp.sum(left * jnp.swapaxes(right, -1, -2)).real
