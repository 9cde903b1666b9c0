r"""What two and more spins share: Bloch vectors, correlations, nonlocality, entanglement.

Density operators of spins 1/2 stand in the basis of products, the first spin varying slowest, up before down: of two
spins it is $\uparrow\uparrow,\uparrow\downarrow,\downarrow\uparrow,\downarrow\downarrow$. Entropies are in nats.
"""

import jax.numpy as jnp
import numpy as np

from brackish.quantum.density import partial_trace
from brackish.quantum.operators import pauli_x, pauli_y, pauli_z, spin_operators
from brackish.typing import Array, Complex, Float, Inexact, RealScalar, SquareMatrix

singlet = np.sqrt(0.5) * np.array([0.0, 1.0, -1.0, 0.0])
r"""$\Psi^-$, total spin 0, (4,)."""
triplets = np.array([[1.0, 0.0, 0.0, 0.0], [0.0, np.sqrt(0.5), np.sqrt(0.5), 0.0], [0.0, 0.0, 0.0, 1.0]])
r"""Total spin 1 with $S_z$ = 1, 0 ($\Psi^+$), -1, as rows, (3, 4)."""

_PAULI = np.stack([pauli_x, pauli_y, pauli_z])
_FLIP = np.kron(pauli_y, pauli_y).real


def spin_expectations(density: Inexact[Array, "D D"], dimensions: tuple[int, ...]) -> Float[Array, "spins 3"]:
    """<S_i> of every spin, in units of hbar; `dimensions`: 2 s_i + 1."""
    return jnp.stack(
        [
            jnp.stack(
                [
                    jnp.sum(operator * partial_trace(density, dimensions, site).T).real
                    for operator in spin_operators(0.5 * (size - 1))
                ]
            )
            for site, size in enumerate(dimensions)
        ]
    )


def bloch_vectors(density: Inexact[Array, "D D"]) -> Float[Array, "spins 3"]:
    r"""$\langle\boldsymbol\sigma_i\rangle$ of every one of the spins 1/2 of a density operator of dimension $2^N$."""
    return 2 * spin_expectations(density, (2,) * round(np.log2(density.shape[0])))


def correlation_matrix(density: Inexact[Array, "4 4"]) -> Float[Array, "3 3"]:
    r"""$T_{kl}=\langle\sigma_k\otimes\sigma_l\rangle$ of two spins 1/2."""
    axes = density.reshape(2, 2, 2, 2)
    return jnp.einsum("kxu,lyv,uvxy->kl", _PAULI, _PAULI, axes).real


def bell_nonlocality(density: Inexact[Array, "4 4"]) -> RealScalar:
    r"""$B=\sqrt{\max(u_1^2+u_2^2-1,\,0)}$ with the two largest singular values of the correlation matrix: between 0,
    where no inequality of Clauser, Horne, Shimony and Holt is broken, and 1, where one is broken as much as it can be.

    R., P. and M. Horodecki, Phys. Lett. A 200, 340 (1995).
    """
    correlations = correlation_matrix(density)
    squares = jnp.linalg.eigvalsh(correlations.T @ correlations)
    return jnp.sqrt(jnp.maximum(squares[1] + squares[2] - 1, 0.0))


def concurrence(density: Inexact[Array, "4 4"]) -> RealScalar:
    r"""$C=\max(\lambda_1-\lambda_2-\lambda_3-\lambda_4,\,0)$ of two spins 1/2, between 0 (separable) and 1.

    The $\lambda$ are the singular values of $A^T(\sigma_y\otimes\sigma_y)A$ with $\rho=AA^\dagger$: W. K. Wootters,
    Phys. Rev. Lett. 80, 2245 (1998), without the square root of a product that would lose half the digits.
    """
    weights, vectors = jnp.linalg.eigh(density)
    factor = vectors * jnp.sqrt(jnp.maximum(weights, 0.0))[None]
    values = jnp.linalg.svd(factor.T @ _FLIP @ factor, compute_uv=False)
    return jnp.maximum(2 * values[0] - jnp.sum(values), 0.0)


def negativity(density: Inexact[Array, "D D"], dimensions: tuple[int, int]) -> RealScalar:
    r"""Minus the sum of the negative eigenvalues of the partial transpose, for two parts of the given `dimensions`; 1/2
    in a Bell state.

    G. Vidal and R. F. Werner, Phys. Rev. A 65, 032314 (2002).
    """
    axes = density.reshape(*dimensions, *dimensions)
    transposed = jnp.swapaxes(axes, 0, 2).reshape(density.shape)
    return -jnp.sum(jnp.minimum(jnp.linalg.eigvalsh(transposed), 0.0))


def von_neumann_entropy(density: SquareMatrix) -> RealScalar:
    r"""$-\mathrm{Tr}\,\rho\ln\rho$; of a part of a pure state, its entanglement entropy with the rest."""
    weights = jnp.linalg.eigvalsh(density)
    there = weights > 0
    return -jnp.sum(jnp.where(there, weights * jnp.log(jnp.where(there, weights, 1.0)), 0.0))


def renyi_entropy(density: SquareMatrix, order: float | int) -> RealScalar:
    r"""$\frac{\ln\mathrm{Tr}\,\rho^\alpha}{1-\alpha}$ of an `order` alpha > 0; 1 gives the entropy of von Neumann."""
    if order == 1:
        return von_neumann_entropy(density)
    weights = jnp.maximum(jnp.linalg.eigvalsh(density), 0.0)
    return jnp.log(jnp.sum(weights**order)) / (1 - order)


def fidelity(density: SquareMatrix, psi: Inexact[np.ndarray | Array, " d"]) -> RealScalar:
    r"""$\langle\psi|\rho|\psi\rangle$."""
    psi = jnp.asarray(psi, complex)
    return jnp.sum(jnp.conj(psi)[:, None] * density * psi[None, :]).real


def singlet_fidelity(density: Complex[Array, "4 4"]) -> RealScalar:
    """The probability of total spin 0 of two spins 1/2."""
    return fidelity(density, singlet)


def triplet_fidelities(density: Complex[Array, "4 4"]) -> Float[Array, "3"]:
    """The probabilities of the three states of total spin 1, S_z = 1, 0, -1."""
    return jnp.stack([fidelity(density, psi) for psi in triplets])
