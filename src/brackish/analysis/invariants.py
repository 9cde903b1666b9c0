r"""What Hamiltonian theories of points with quantum states keep, whatever their energy.

Casimirs and Poincare's integral of section 2 of Tronci and Gay-Balmaz, "Lagrangian trajectories and closure models in
mixed quantum-classical dynamics". They hold for Ehrenfest and for koopmons alike, and a broken one points at the
integrator. Tracers (points of weight 0, from `Points(..., weights=...)`) carry the loops and meshes.
"""

from collections.abc import Callable

import jax
import jax.numpy as jnp
from jax import lax

from brackish.hamiltonians import HybridHamiltonian
from brackish.quantum import product
from brackish.theory import Weighted
from brackish.typing import Array, Complex, Float, Inexact, RealScalar


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
    share = 2 * jnp.pi / position.shape[0]
    return _momentum_around(position, momentum), -share * planck * jnp.sum(
        (jnp.conj(psi) * _slope_around(psi)).imag
    )


def _slope_around(values: Array) -> Array:
    """The derivative by the angle along a closed loop of values (M, ...), by waves."""
    count = values.shape[0]
    waves = 1j * jnp.fft.fftfreq(count, 1 / count)
    return jnp.fft.ifft(waves[:, None] * jnp.fft.fft(values, axis=0), axis=0)


def _momentum_around(position, momentum):
    """The integral of p dq along a closed loop."""
    return 2 * jnp.pi / position.shape[0] * jnp.sum(momentum * _slope_around(position).real)


def kelvin_circulation(
    position: Float[Array, "M n"], momentum: Float[Array, "M n"], density: Inexact[Array, "M d d"]
) -> tuple[RealScalar, RealScalar]:
    r"""Circulation $\oint\pi_kdx^k$ and flux $\hbar\oint A_kdx^k$ along a closed loop of M fluid elements; their sum is
    $2\pi\hbar$ times a whole number, which no motion of the fluid changes ($\hbar=1$).

    `momentum`: $\pi(x)$ of each; `density`: its conditional density operator, pure, from which the flux follows without
    phases: $-\arg\mathrm{Tr}\,\hat\rho_1\hat\rho_2\cdots\hat\rho_M$, known up to whole turns. For a canonical momentum
    $p=\pi+A$ the first is already the sum. A loop that the fluid does not carry jumps by $2\pi$ when a node passes over
    it. How far the sum is from a whole number of turns tells how well the loop is resolved: near a node it takes many
    elements.

    Eq. (12) and appendix A of Martinazzo and Burghardt, "Quantum hydrodynamics of coupled electron-nuclear systems".
    """
    turned = density[0]
    turned, _ = lax.scan(lambda before, here: (product(before, here), None), density[0], density[1:])
    return _momentum_around(position, momentum), -jnp.angle(jnp.trace(turned) + 0j)


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
