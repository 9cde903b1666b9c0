r"""Motion of a density operator that keeps its eigenvalues: $\dot\rho=i[\rho,\hat K]$ with a generator K that may
depend on $\rho$.

$$\hat\rho=p_0\,\hat 1+\sum_j(p_j-p_0)\,|a_j\rangle\langle a_j|,\qquad
K_{ij}=h_{ij}\,G(p_i-p_j),\qquad h_{ij}=\langle a_i|\hat H|a_j\rangle$$

The theory is in the kernel G, a function of the differences of eigenvalues with $G(-D)=G(D)^*$. Written for the
eigenvectors, the motion needs neither an eigendecomposition nor an iteration, and G does not change with time:

$$i\,\partial_t|a_j\rangle=\sum_i|a_i\rangle\,h_{ij}\,G(p_i-p_j)
+\Big(\hat 1-\sum_i|a_i\rangle\langle a_i|\Big)\hat H|a_j\rangle\,G(p_0-p_j)$$

Pure states are one column with $p_0=0$; a full density operator is a unitary matrix of columns.
"""

from collections.abc import Callable

import equinox as eqx
import jax.numpy as jnp
import numpy as np

from brackish.quantum.small import dagger, product
from brackish.typing import Array, Complex, Float, Inexact, RealScalar

Kernel = Callable[[Array], Array]
"""G, of an array of differences of eigenvalues."""
SAME = 1e-12
"""Eigenvalues closer than this count as one."""
SWEEPS = 2
"""Of `nearest_orthonormal`: a defect of 1e-4 is gone after two."""


class SpectralState(eqx.Module):
    r"""A density operator $p_0\hat1+\sum_j(p_j-p_0)|a_j\rangle\langle a_j|$ by its eigenvectors.

    `columns`: orthonormal $a_j$, (D, r). `weights`: their eigenvalues $p_j$, (r,). `rest`: $p_0$, that of all others.
    """

    columns: Complex[np.ndarray | Array, "D r"]
    weights: Float[np.ndarray | Array, " r"]
    rest: Float[np.ndarray | Array, ""]

    def excess(self) -> Float[Array, " r"]:
        """p_j - p_0."""
        return jnp.asarray(self.weights) - self.rest

    def density(self) -> Complex[Array, "D D"]:
        """The density operator written out."""
        columns = jnp.asarray(self.columns)
        size = columns.shape[0]
        return (columns * self.excess()[None]) @ dagger(columns) + self.rest * jnp.eye(size)

    def defect(self) -> RealScalar:
        """How far the squared norm of a column is from 1, at most."""
        return jnp.max(jnp.abs(jnp.sum(jnp.abs(jnp.asarray(self.columns)) ** 2, axis=0) - 1))

    def purity(self) -> RealScalar:
        r"""$\mathrm{Tr}\,\hat\rho^2$ from the columns as they are, so that a loss of orthonormality shows."""
        columns, excess = jnp.asarray(self.columns), self.excess()
        overlaps = jnp.abs(dagger(columns) @ columns) ** 2
        linear = jnp.sum(excess * jnp.sum(jnp.abs(columns) ** 2, axis=0))
        return excess @ overlaps @ excess + 2 * self.rest * linear + self.rest**2 * columns.shape[0]


def spectral_state(density: Complex[np.ndarray, "D D"]) -> SpectralState:
    """A density operator by its eigenvectors; outside compiled code. The most degenerate eigenvalue is the rest, unless
    the others are more than half of all: then all have columns.
    """
    weights, vectors = np.linalg.eigh(density)
    same = np.abs(weights[:, None] - weights[None]) < SAME
    most = int(np.argmax(np.sum(same, axis=1)))
    own = ~same[most]
    if 2 * np.sum(own) > weights.size:
        return SpectralState(vectors.astype(complex), weights, np.zeros(()))
    if not np.any(own):
        own[0] = True
    rest = np.where(np.abs(weights[most]) < SAME, 0.0, weights[most])
    return SpectralState(vectors[:, own].astype(complex), weights[own], rest)


def gilbert_kernel(damping) -> Kernel:
    r"""$G(D)=1/(1-i\kappa D)$, of $\dot\rho=i[\rho,H]+i\kappa[\rho,\dot\rho]$.

    Eq. (3) of Y. Liu et al., "Quantum Analog of Landau-Lifshitz-Gilbert Dynamics", Phys. Rev. Lett. 133, 266704 (2024).
    """
    return lambda difference: 1 / (1 - 1j * damping * difference)


def landau_lifshitz_kernel(damping) -> Kernel:
    r"""$G(D)=1+i\kappa D$, of $\dot\rho=i[\rho,H]-\kappa[\rho,[\rho,H]]$ (R. Wieser, Phys. Rev. Lett. 110, 147201
    (2013)).
    """
    return lambda difference: 1 + 1j * damping * difference


def frame_rate(
    columns: Complex[Array, "D r"],
    applied: Complex[Array, "D r"],
    weights: Float[Array, " r"],
    rest: Float[Array, ""],
    kernel: Kernel,
) -> Complex[Array, "D r"]:
    """The time derivative of the columns; `applied`: H times each of them, over hbar.

    Entries between equal eigenvalues turn vectors inside their own space alone; they are left out.
    """
    inside = product(dagger(columns), applied)
    difference = weights[:, None] - weights[None]
    turning = jnp.where(jnp.abs(difference) < SAME, 0.0, inside * kernel(difference))
    if columns.shape[0] == columns.shape[1]:
        return -1j * product(columns, turning)
    outside = kernel(rest - weights)[None]
    return -1j * (product(columns, turning - inside * outside) + applied * outside)


def frame_generator(
    columns: Complex[Array, "D r"],
    applied: Complex[Array, "D r"],
    weights: Float[Array, " r"],
    rest: Float[Array, ""],
    kernel: Kernel,
) -> Complex[Array, "D D"]:
    r"""The Hermitian K of $i\,\partial_t|a_j\rangle=\hat K|a_j\rangle$, for steps along exponentials; arguments as for
    `frame_rate`, which is -i K times the columns.
    """
    rate = 1j * frame_rate(columns, applied, weights, rest, kernel)
    inside = product(columns, product(dagger(columns), rate))
    outside = product(rate - inside, dagger(columns))
    return product(inside, dagger(columns)) + outside + dagger(outside)


def density_rate(
    density: Complex[Array, "D D"], matrix: Inexact[Array, "D D"], kernel: Kernel
) -> Complex[Array, "D D"]:
    r"""The time derivative of a density operator, by its eigenbasis: $\dot\rho_{ij}=i\,D_{ij}h_{ij}\,G(D_{ij})$ with
    $D_{ij}=p_i-p_j$; `matrix`: H over hbar. The plain way, for references: an eigendecomposition at every call.
    """
    weights, vectors = jnp.linalg.eigh(density)
    difference = weights[:, None] - weights[None]
    inside = dagger(vectors) @ matrix @ vectors
    return vectors @ (1j * difference * kernel(difference) * inside) @ dagger(vectors)


def nearest_orthonormal(columns: Complex[Array, "D r"]) -> Complex[Array, "D r"]:
    r"""Columns that are orthonormal to round-off, from nearly orthonormal ones.

    Two steps of Newton and Schulz, $A\to\tfrac12A(3-A^\dagger A)$, towards the polar factor, which is the nearest.
    """
    identity = jnp.eye(columns.shape[1])
    for _ in range(SWEEPS):
        columns = columns @ (1.5 * identity - 0.5 * (dagger(columns) @ columns))
    return columns


def orthonormal(columns: Complex[Array, "D r"]) -> Complex[Array, "D r"]:
    """An orthonormal basis of what the columns span."""
    if columns.shape[1] == 1:
        return columns / jnp.sqrt(jnp.sum(jnp.abs(columns) ** 2))
    return jnp.linalg.qr(columns)[0]
