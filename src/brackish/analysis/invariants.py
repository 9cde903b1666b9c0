r"""What Hamiltonian theories of points with quantum states keep, whatever their energy.

Casimirs and Poincare's integral of section 2 of Tronci and Gay-Balmaz, "Lagrangian trajectories and closure models in
mixed quantum-classical dynamics". They hold for Ehrenfest and for koopmons alike, and a broken one points at the
integrator. Tracers (points of weight 0, from `Points(..., weights=...)`) carry the loops and meshes.
"""

from collections.abc import Callable

import jax
import jax.numpy as jnp

from brackish.hamiltonian import HybridHamiltonian
from brackish.quantum import product
from brackish.theory import Weighted
from brackish.typing import Array, Complex, Float, RealScalar


def casimir(points: Weighted, function: Callable[[Float[Array, " d"]], Float[Array, " d"]]) -> RealScalar:
    r"""$C_1=\mathrm{Tr}\int D\,\Phi(\mathcal P/D)\,dz=\sum_aw_a\mathrm{Tr}\,\Phi(\hat\rho_a)$.

    `function`: $\Phi$ of the eigenvalues, such as `lambda p: -p * jnp.log(p)` for an entropy of mixed states; constant
    for every theory in which each state turns unitarily.
    """
    values = jax.vmap(jnp.linalg.eigvalsh)(points.density)
    return jnp.sum(points.weight * jnp.sum(jax.vmap(function)(values), axis=1))


def poincare_integral(
    position: Float[Array, "M n"],
    momentum: Float[Array, "M n"],
    psi: Complex[Array, "M d"],
    planck: float = 1.0,
) -> tuple[RealScalar, RealScalar]:
    r"""$\oint p\,dq$ and $\oint\langle\psi|i\hbar\,d\psi\rangle$ along a closed loop of M tracers, evenly laid at the
    start; their sum is constant.

    The derivative along the loop is spectral, so a smooth loop of 64 has it to round-off; it must be laid with states
    that are smooth along it.
    """
    count = position.shape[0]
    waves = 1j * jnp.fft.fftfreq(count, 1 / count)

    def slope(values):
        return jnp.fft.ifft(waves[:, None] * jnp.fft.fft(values, axis=0), axis=0)

    share = 2 * jnp.pi / count
    classical = share * jnp.sum(momentum * slope(position).real)
    return classical, -share * planck * jnp.sum((jnp.conj(psi) * slope(psi)).imag)


def cell_fluxes(
    position: Float[Array, "A B"],
    momentum: Float[Array, "A B"],
    psi: Complex[Array, "A B d"],
    planck: float = 1.0,
) -> Float[Array, "A-1 B-1"]:
    r"""The two-form $\Omega=\omega+\hbar\,\mathrm{Im}\langle d\psi|\wedge d\psi\rangle$ over each cell of a mesh of
    tracers in one coordinate: constant as the mesh moves.

    $\omega=dq\wedge dp$ is taken of the polygon; the second part is the phase around it, which no phases of the states
    change. Cells must be small, for a phase is known up to a whole turn.
    """
    corners = [(slice(None, -1), slice(None, -1)), (slice(1, None), slice(None, -1))]
    corners += [(slice(1, None), slice(1, None)), (slice(None, -1), slice(1, None))]
    area, overlap = jnp.zeros(()), jnp.ones(())
    for here, there in zip(corners, corners[1:] + corners[:1], strict=True):
        area = area + 0.5 * (position[here] * momentum[there] - position[there] * momentum[here])
        overlap = overlap * jnp.sum(jnp.conj(psi[here]) * psi[there], axis=-1)
    return area + planck * jnp.angle(overlap)


def flux_casimir(
    mass: Float[Array, "A B"], flux: Float[Array, "A B"], function: Callable[[Array], Array]
) -> RealScalar:
    r"""$C_2=\int D\,\Lambda(D^{-1}\Omega)$ over the cells of a mesh: `mass` is the weight that each encloses,
    constant in time, `flux` comes from `cell_fluxes`.
    """
    return jnp.sum(mass * function(flux / mass))


def fluctuation_force(hamiltonian: HybridHamiltonian, points: Weighted) -> Float[Array, " component"]:
    r"""Root mean square of $\hat X_H^j-\langle\hat X_H^j\rangle$ in the states of the points: of the velocity and of
    the force, coordinate by coordinate, or of the torque on spins.

    What drives correlations beyond Ehrenfest: section 4.1 of Gay-Balmaz and Tronci, "Dynamics of mixed
    quantum-classical spin systems".
    """

    def variance(point, density):
        field = hamiltonian.interaction_field(point)
        matrices = jnp.concatenate(
            [leaf.reshape(-1, *leaf.shape[-2:]) for leaf in jax.tree_util.tree_leaves(field)]
        )

        def one(matrix):
            mean = jnp.sum(matrix * density.T).real
            return jnp.sum(product(matrix, matrix) * density.T).real - mean**2

        return jax.vmap(one)(matrices)

    spread = jax.vmap(variance)(points.point, points.density)
    return jnp.sqrt(jnp.maximum(jnp.sum(points.weight[:, None] * spread, axis=0), 0.0))
