"""Density operators: how mixed, how coherent, what remains of a part."""

import jax.numpy as jnp

from brackish.typing import Array, Complex, Inexact, RealScalar, SquareMatrix


def density_from_spinor(psi: Inexact[Array, " d"]) -> Complex[Array, "d d"]:
    """The projector |psi><psi|, free of any phase convention."""
    return (psi[:, None] * jnp.conj(psi)[None, :]).astype(complex)


def purity(density: SquareMatrix) -> RealScalar:
    r"""Quantum purity $\mathrm{Tr}\,\hat\rho^2$, between 1/d (fully mixed) and 1 (pure), dimensionless.

    Hermiticity and unit trace are not checked here. Constant in the mean-field model and not in Ehrenfest:
    property 5 of Tronci and Gay-Balmaz, "Lagrangian trajectories and closure models", section 1.
    """
    return jnp.sum(jnp.abs(density) ** 2)


def coherence(density: SquareMatrix) -> RealScalar:
    r"""Size of what is off the diagonal, $\sqrt{\sum_{n\neq m}|\rho_{nm}|^2}$, dimensionless, in the basis of
    `density`.
    """
    off_diagonal = jnp.where(jnp.eye(density.shape[0], dtype=bool), 0.0, jnp.abs(density))
    return jnp.sqrt(jnp.sum(off_diagonal**2))


def partial_trace(
    density: Inexact[Array, "whole whole"], dimensions: tuple[int, ...], keep: int
) -> Inexact[Array, "part part"]:
    """The reduced density matrix of factor `keep` of a tensor product with the given `dimensions`."""
    count = len(dimensions)
    tensor = density.reshape(dimensions + dimensions)
    for factor in reversed(range(count)):
        if factor != keep:
            tensor = jnp.trace(tensor, axis1=factor, axis2=factor + tensor.ndim // 2)
    return tensor
