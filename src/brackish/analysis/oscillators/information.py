r"""How much two parts of a Gaussian state know of each other, in nats."""

from collections.abc import Sequence

import jax.numpy as jnp
import numpy as np

from brackish.analysis.oscillators.linear import LinearOscillators
from brackish.typing import Array, Float, RealScalar


def gaussian_information(
    covariance: Float[np.ndarray | Array, "x x"], first: Sequence[int], second: Sequence[int]
) -> RealScalar:
    r"""$I(A{:}B)=\tfrac12\ln\frac{\det\Sigma_A\det\Sigma_B}{\det\Sigma_{AB}}$ between two sets of entries of X.

    For two entries $-\tfrac12\ln(1-r^2)$, eq. (63) of "Classical-quantum oscillators as diffusive processes in phase
    space" (arXiv 2510.07402). Where quantum entries take part it is a number of the Wigner function alone; see
    `classical_quantum_information`.
    """

    def log_volume(entries):
        chosen = jnp.asarray(entries)
        return jnp.linalg.slogdet(jnp.asarray(covariance)[chosen[:, None], chosen[None, :]])[1]

    both = (*first, *second)
    return 0.5 * (log_volume(tuple(first)) + log_volume(tuple(second)) - log_volume(both))


def two_time_coefficients(system: LinearOscillators, time) -> Float[Array, "x x"]:
    r"""Correlation coefficients $r_{ij}$ of $X_i(t)$ with $X_j(0)$ in the steady state, (2N, 2N): eq. (64)."""
    spread = jnp.sqrt(jnp.diag(system.steady_covariance()))
    return system.two_time(time) / (spread[:, None] * spread[None, :])


def two_time_information(system: LinearOscillators, time) -> Float[Array, "x x"]:
    r"""$-\tfrac12\ln(1-r_{ij}^2)$ between $X_i(t)$ and $X_j(0)$ in the steady state, (2N, 2N): eqs. (63)-(68).

    Infinite on the diagonal at time 0. Between quantum entries it is a measure of a symmetrised correlation, not of a
    joint distribution.
    """
    return -0.5 * jnp.log1p(-(two_time_coefficients(system, time) ** 2))


def symplectic_eigenvalues(
    covariance: Float[np.ndarray | Array, "z z"], planck: Float[np.ndarray | Array, ""] | float = 1.0
) -> Float[Array, " m"]:
    r"""Of a covariance of m quantum oscillators, (2m, 2m), in units of hbar: one half for each pure one."""
    pairs = covariance.shape[0] // 2
    form = jnp.kron(jnp.eye(pairs), jnp.array([[0.0, 1.0], [-1.0, 0.0]]))
    root = jnp.linalg.cholesky(jnp.asarray(covariance))
    # i L^T J L is Hermitian with the eigenvalues of i J Sigma, which come in pairs of opposite sign
    return jnp.linalg.eigvalsh(1j * root.T @ form @ root)[pairs:] / planck


def quantum_entropy(
    covariance: Float[np.ndarray | Array, "z z"], planck: Float[np.ndarray | Array, ""] | float = 1.0
) -> RealScalar:
    r"""Von Neumann entropy of a Gaussian state, $\sum g(\nu)$,
    $g(\nu)=(\nu+\tfrac12)\ln(\nu+\tfrac12)-(\nu-\tfrac12)\ln(\nu-\tfrac12)$.
    """
    values = symplectic_eigenvalues(covariance, planck)
    above, below = values + 0.5, jnp.maximum(values - 0.5, 0.0)
    # 0 ln 0 = 0, also for derivatives
    safe = jnp.where(below > 0, below, 1.0)
    return jnp.sum(above * jnp.log(above) - below * jnp.log(safe))


def conditional_covariance(
    system: LinearOscillators, covariance: Float[np.ndarray | Array, "x x"]
) -> Float[Array, "z z"]:
    """Of the quantum oscillators, given the values of all classical ones at the same time, (2m, 2m)."""
    covariance = jnp.asarray(covariance)
    split = 2 * system.classical
    across = covariance[split:, :split]
    return covariance[split:, split:] - across @ jnp.linalg.solve(covariance[:split, :split], across.T)


def classical_quantum_information(
    system: LinearOscillators, covariance: Float[np.ndarray | Array, "x x"]
) -> RealScalar:
    r"""What the classical oscillators know of the quantum ones: $S(\hat\rho_Q)-\int dz\,P(z)\,S(\hat\rho(z)/P(z))$.

    The entropy that the quantum side loses, on average, when positions and momenta of the classical side are read.
    """
    split = 2 * system.classical
    whole = quantum_entropy(jnp.asarray(covariance)[split:, split:], system.planck)
    return whole - quantum_entropy(conditional_covariance(system, covariance), system.planck)
