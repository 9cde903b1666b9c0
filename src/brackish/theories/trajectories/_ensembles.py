"""What theories of coupled ensembles share: their state, mixed states by amplitudes, kernel widths in spreads."""

from typing import Any

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np

from brackish.errors import InvalidInput
from brackish.hamiltonians import HybridHamiltonian
from brackish.manifolds import PhasePoint
from brackish.quantum.components import basis, components
from brackish.theory import Status, Weighted
from brackish.typing import Array, Complex, Float, RealScalar


class EnsembleState(eqx.Module):
    r"""`point`: positions and momenta, each (N, n). `psi`: (N, d, r) amplitudes, such that
    $\hat\rho_a=\psi_a\psi_a^\dagger$ has unit trace; r = 1 for pure states. `weight`: (N,), summing to 1; 0 for
    tracers.
    """

    point: PhasePoint
    psi: Complex[Array, "N d r"]
    weight: Float[Array, " N"]

    def points(self) -> Weighted:
        """The points with their density operators."""
        return Weighted(self.point, density_of(self.psi), self.weight)

    def status(self) -> Array:
        """A `Status` number: whether all is finite, and every state still of unit norm."""
        norm = jnp.sum(self.psi.real**2 + self.psi.imag**2, axis=(1, 2))
        finite = jnp.all(jnp.isfinite(self.point.position + self.point.momentum)) & jnp.all(
            jnp.isfinite(norm)
        )
        lost = jnp.where(jnp.any(jnp.abs(norm - 1) > 1e-6), Status.lost_norm, Status.fine)
        return jnp.where(finite, lost, Status.not_finite)


def ensemble(hamiltonian: HybridHamiltonian, preparation: Any, index: Array, keys: Array) -> EnsembleState:
    """All trajectories of a preparation, with weights that sum to 1."""
    start = jax.vmap(preparation.draw, in_axes=(None, 0, 0))(hamiltonian, index, keys)
    psi = start.psi if start.psi.ndim == 3 else start.psi[:, :, None]
    return EnsembleState(start.point, psi, start.weight / jnp.sum(start.weight))


def mean_energy(hamiltonian: HybridHamiltonian, y: EnsembleState) -> RealScalar:
    r"""$\sum_aw_a\mathrm{Tr}\,\hat\rho_a\hat H(z_a)$, in hartree."""
    columns = jax.vmap(hamiltonian.expect, in_axes=(None, 1))
    return jnp.sum(y.weight[:, None] * jax.vmap(columns)(y.point, y.psi))


class InSpreads(eqx.Module):
    """A kernel width, as so many standard deviations of the cloud at the start: `factor`."""

    factor: float

    def __check_init__(self):
        if not (np.isfinite(self.factor) and self.factor > 0):
            raise InvalidInput(f"Argument `factor` of InSpreads must be positive, got {self.factor}.")


def given_width(value):
    """Numbers as an array; `InSpreads` and what JAX traces as they are."""
    return value if isinstance(value, InSpreads | Array) else np.asarray(value, dtype=float)


def density_of(psi: Complex[Array, "N d r"]) -> Complex[Array, "N d d"]:
    """psi psi^dagger."""
    return jnp.sum(psi[:, :, None, :] * jnp.conj(psi)[:, None, :, :], axis=-1)


def components_of(psi: Complex[Array, "N d r"]) -> Float[Array, "N k"]:
    """Components of psi psi^dagger."""
    return jax.vmap(components)(density_of(psi))


def matrices(coefficients: Float[Array, "N k"], levels: int) -> Complex[Array, "N d d"]:
    r"""$\sum_kc_k\hat\lambda_k$."""
    return jnp.sum(coefficients[:, :, None, None] * basis(levels)[None], axis=1)


def act(coefficients: Float[Array, "N k"], psi: Complex[Array, "N d r"]) -> Complex[Array, "N d r"]:
    """The same matrices applied to psi."""
    return jnp.sum(matrices(coefficients, psi.shape[1])[..., None] * psi[:, None], axis=2)
