r"""Mechanical momentum moments of a nuclear density matrix, and their equations of motion.

$$\mathcal M^{(n)}_{ij\ldots k}(q)=\frac{\pi_i+\pi_i'^*}2\,\frac{\pi_j+\pi_j'^*}2\cdots\frac{\pi_k+\pi_k'^*}2\,
  \sigma(x,x')\Big|_{x=x'=q},\qquad\pi_k=-i\partial_k-A_k$$

Eqs. (47)-(53) of Martinazzo and Burghardt, "Quantum hydrodynamics of coupled electron-nuclear systems", in units of
$\hbar=1$, with $A_k$ in units of momentum. The density matrix is given by its members,
$\sigma=\sum_\alpha w_\alpha|\psi_\alpha\rangle\langle\psi_\alpha|$, so that no array of grid by grid is
ever built. A change of gauge $A_k\to A_k+\partial_k\varphi$, $\psi\to e^{i\varphi}\psi$ changes no moment.

Any two leftmost indices may be exchanged; the others may not where the magnetic field
$B_{jk}=\partial_jA_k-\partial_kA_j$ varies:

$$\mathcal M^{(3)}_{ijk}-\mathcal M^{(3)}_{ikj}=\tfrac14(\partial_iB_{jk})\,\mathcal M^{(0)}$$
"""

import equinox as eqx
import jax.numpy as jnp
from jax import lax

from brackish.grids import Grid
from brackish.typing import Array, Complex, Float

FLOOR = 1e-10
"""Below this share of the largest density quotients by the density go to zero."""


class MomentumMoments(eqx.Module):
    r"""The moments of order 0 to 3 at every node, with their indices in front, left to right as in (48).

    `density`: $\mathcal M^{(0)}=n$, (*grid), of the norm of the members. `first`, `second`, `third`: (n, *grid),
    (n, n, *grid), (n, n, n, *grid), in powers of $\hbar$/bohr times the density.
    """

    density: Float[Array, "*grid"]
    first: Float[Array, "n *grid"]
    second: Float[Array, "n n *grid"]
    third: Float[Array, "n n n *grid"]


def mechanical_moments(
    grid: Grid,
    psi: Complex[Array, "members *grid"],
    weights: Float[Array, " members"],
    gauge: Float[Array, "n *grid"] | None = None,
) -> MomentumMoments:
    r"""The moments (48) of $\sigma(x,x')=\sum_\alpha w_\alpha\psi_\alpha(x)\psi_\alpha^*(x')$.

    `gauge`: the potentials $A_k$ in $\hbar$/bohr, zero by default.
    """
    operators = operator_moments(grid, psi[:, None], weights, gauge, order=3)
    return MomentumMoments(
        *(
            operator.real.reshape(*[grid.coordinates] * order, *grid.points)
            for order, operator in enumerate(operators)
        )
    )


def operator_moments(
    grid: Grid,
    psi: Complex[Array, "members d *grid"],
    weights: Float[Array, " members"],
    gauge: Float[Array, "n *grid"] | None = None,
    order: int = 2,
) -> tuple[Complex[Array, "..."], ...]:
    r"""The same moments of $\sum_\alpha w_\alpha\Psi_\alpha(x)\Psi_\alpha^\dagger(x')$, from order 0 to `order`.

    Each is a Hermitian matrix behind its indices, (..., d, d, *grid). `order`: at most 3.
    """
    powers = [psi]
    for _ in range(order):
        powers.append(_mechanical_momentum(grid, powers[-1], gauge))
    names = "ijk"

    def product(left: str, right: str) -> Array:
        """Sum of w |pi_left psi><pi_right psi|, indices in the order of i, j, k."""
        indices = "".join(sorted(left + right))
        return jnp.einsum(
            f"m,{left}ma...,{right}mb...->{indices}ab...",
            weights,
            powers[len(left)],
            jnp.conj(powers[len(right)]),
        )

    def moment(indices: str) -> Array:
        # one share of the operators acts on x and the rest on x'; the other half of the ways is the adjoint
        ways = [product("", "")] if not indices else []
        if indices:
            first, others = indices[0], indices[1:]
            for choice in range(2 ** len(others)):
                left = "".join(name for bit, name in enumerate(others) if choice >> bit & 1)
                right = "".join(name for name in others if name not in left)
                ways.append(product(first + left, right))
        half = sum(ways) / 2 ** len(indices)
        return half + _adjoint(half, len(indices)) if indices else half

    return tuple(moment(names[:count]) for count in range(order + 1))


def magnetic_field(grid: Grid, gauge: Float[Array, "n *grid"]) -> Float[Array, "n n *grid"]:
    r"""$B_{jk}=\partial_jA_k-\partial_kA_j$ of periodic potentials, in $\hbar$/bohr²."""
    slopes = grid.gradient(gauge)
    return slopes - jnp.swapaxes(slopes, 0, 1)


def inverse_density(density: Float[Array, "*grid"], floor: float = FLOOR) -> Float[Array, "*grid"]:
    r"""$n/(n^2+\epsilon^2n_{max}^2)$: $1/n$ where the density is more than a share `floor`, $\epsilon$, of its largest
    value, and zero where there is none.
    """
    least = floor * lax.stop_gradient(jnp.max(jnp.abs(density)))
    return density / (density**2 + jnp.maximum(least, 1e-150) ** 2)


def second_cumulant(
    density: Float[Array, "*grid"],
    first: Float[Array, "n *grid"],
    second: Float[Array, "n n *grid"],
    floor: float = FLOOR,
) -> Float[Array, "n n *grid"]:
    r"""$\mathcal C^{(2)}_{kj}=\mathcal M^{(2)}_{kj}-\mathcal M^{(1)}_k\mathcal M^{(1)}_j/\mathcal M^{(0)}$, eq. (52).

    The pressure of the fluid, quantum or thermal.
    """
    return second - first[:, None] * first[None] * inverse_density(density, floor)[None, None]


def momentum_gradient(
    grid: Grid, density: Float[Array, "*grid"], first: Float[Array, "n *grid"], floor: float = FLOOR
) -> Float[Array, "n n *grid"]:
    r"""$\partial_i\pi_k$ of $\pi_k=\mathcal M^{(1)}_k/\mathcal M^{(0)}$, first i, then k.

    By the rule of quotients: $\pi$ itself has no waves to speak of, for it is not smooth where there is no density.
    """
    inverse = inverse_density(density, floor)[None]
    momentum = first * inverse
    return (grid.gradient(first) - grid.gradient(density)[:, None] * momentum[None]) * inverse[None]


def density_rate(
    grid: Grid, inverse_mass: Float[Array, "n n"], first: Float[Array, "n *grid"]
) -> Float[Array, "*grid"]:
    r"""$\partial_t\mathcal M^{(0)}=-\xi^{ij}\partial_i\mathcal M^{(1)}_j$, eq. (49)."""
    return -_divergence(grid, inverse_mass, first)


def first_rate(
    grid: Grid,
    inverse_mass: Float[Array, "n n"],
    density: Float[Array, "*grid"],
    first: Float[Array, "n *grid"],
    second: Float[Array, "n n *grid"],
    force: Float[Array, "n *grid"],
    magnetic: Float[Array, "n n *grid"],
) -> Float[Array, "n *grid"]:
    r"""$\partial_t\mathcal M^{(1)}_k=-\xi^{ij}\partial_i\mathcal M^{(2)}_{kj}+F_k\mathcal M^{(0)}
    +\xi^{ij}B_{ki}\mathcal M^{(1)}_j$, eq. (50). `force`: $F_k=-\partial_k\mathcal V+E_k$, hartree/bohr.
    """
    turned = jnp.einsum("ij,ki...,j...->k...", inverse_mass, magnetic, first)
    return force * density[None] - _divergence(grid, inverse_mass, second) + turned


def second_rate(
    grid: Grid,
    inverse_mass: Float[Array, "n n"],
    first: Float[Array, "n *grid"],
    second: Float[Array, "n n *grid"],
    third: Float[Array, "n n n *grid"],
    force: Float[Array, "n *grid"],
    magnetic: Float[Array, "n n *grid"],
) -> Float[Array, "n n *grid"]:
    r"""$\partial_t\mathcal M^{(2)}_{km}=-\xi^{ij}\partial_i\mathcal M^{(3)}_{kmj}
    +F_k\mathcal M^{(1)}_m+F_m\mathcal M^{(1)}_k
    +\xi^{ij}(B_{ki}\mathcal M^{(2)}_{mj}+B_{mi}\mathcal M^{(2)}_{kj})$, eq. (51).
    """
    turned = jnp.einsum("ij,ki...,mj...->km...", inverse_mass, magnetic, second)
    one_way = turned + force[:, None] * first[None]
    return one_way + jnp.swapaxes(one_way, 0, 1) - _divergence(grid, inverse_mass, third)


def momentum_rate(
    grid: Grid,
    inverse_mass: Float[Array, "n n"],
    moments: MomentumMoments,
    force: Float[Array, "n *grid"],
    magnetic: Float[Array, "n n *grid"],
    floor: float = FLOOR,
) -> Float[Array, "n *grid"]:
    r"""$d\pi_k/dt=-\xi^{ij}\partial_i\mathcal C^{(2)}_{kj}/\mathcal M^{(0)}+F_k+B_{kj}v^j$ along the flow
    $v^j=\xi^{jk}\pi_k$ of $\pi_k=\mathcal M^{(1)}_k/\mathcal M^{(0)}$, eq. (53); in hartree/bohr.
    """
    inverse = inverse_density(moments.density, floor)[None]
    momentum = moments.first * inverse
    velocity = jnp.tensordot(inverse_mass, momentum, axes=1)
    # the divergence of C by the rule of quotients: its waves would carry what is wrong where there is no density
    slopes = momentum_gradient(grid, moments.density, moments.first, floor)
    stress = _divergence(grid, inverse_mass, moments.second)
    stress = stress - momentum * _divergence(grid, inverse_mass, moments.first)[None]
    stress = stress * inverse - jnp.sum(velocity[:, None] * slopes, axis=0)
    return force + jnp.einsum("ki...,i...->k...", magnetic, velocity) - stress


def _divergence(grid, inverse_mass, tensor):
    """The sum of xi^ij d_i over the last index j before the grid."""
    vector = jnp.moveaxis(tensor, -grid.coordinates - 1, 0)
    slopes = [grid.derivative(vector, axis) for axis in range(grid.coordinates)]
    return sum(jnp.tensordot(row, slope, axes=1) for row, slope in zip(inverse_mass, slopes, strict=True))


def _mechanical_momentum(grid, psi, gauge):
    """pi_k psi for all k, stacked in front."""
    momentum = -1j * grid.gradient(psi)
    if gauge is None:
        return momentum
    between = psi.ndim - grid.coordinates
    return momentum - gauge.reshape(gauge.shape[0], *[1] * between, *grid.points) * psi[None]


def _adjoint(moment, indices: int):
    """The Hermitian conjugate of the matrix behind so many indices."""
    return jnp.conj(jnp.swapaxes(moment, indices, indices + 1))
