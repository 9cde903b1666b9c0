r"""Waves of a grid between its nodes: values and slopes at any positions, by a short sum over near nodes.

A field $f(x)=\sum_kc_ke^{ik(x-x_0)}$ is written as $f(x)=\sum_jg_jK((x-x_j)/h)$ on a grid of half the spacing, with
$g_j=\sum_kc_k\hat K(kh)^{-1}e^{ik(x_j-x_0)}$ and the kernel $K(u)=e^{\beta(\sqrt{1-(2u/w)^2}-1)}$, which ends after
`REACH` nodes: the type-2 nonuniform Fourier transform of A. H. Barnett, J. Magland and L. af Klinteberg, SIAM J. Sci.
Comput. 41, C479 (2019). Its error is $10^{-10}$ of the largest value, whatever the waves.
"""

import equinox as eqx
import jax.numpy as jnp
import numpy as np

from brackish.grids.spectral import Grid
from brackish.typing import Array, Complex, Float

REACH = 12
"""Nodes of the finer grid, per coordinate, that a value is summed from: w above."""
SHAPE = 2.3 * REACH
"""The exponent of the kernel: beta above."""


class BetweenNodes(eqx.Module):
    """Values of waves on `grid` at positions between its nodes."""

    grid: Grid

    def fine(self, waves: Complex[Array, "d *grid"]) -> Complex[Array, "d *fine"]:
        """The coefficients g on the grid of half the spacing, from the discrete Fourier `transform` of a field."""
        for axis, points in enumerate(self.grid.points):
            along = axis + 1
            number = np.fft.fftfreq(points, 1 / points)
            # the wave of alternating signs belongs to no direction on an even grid, and is left out
            share = np.where(2 * np.abs(number) == points, 0.0, 2 / _transform(np.pi * number / points))
            waves = waves * self.grid.along(axis, share)[None]
            positive = (points + 1) // 2
            empty = jnp.zeros((*waves.shape[:along], points, *waves.shape[along + 1 :]), waves.dtype)
            low, high = jnp.split(waves, [positive], axis=along)
            waves = jnp.concatenate([low, empty, high], axis=along)
        return jnp.fft.ifftn(waves, axes=tuple(range(1, waves.ndim)))

    def at(
        self, fine: Complex[Array, "d *fine"], positions: Float[Array, "N n"]
    ) -> tuple[Complex[Array, "d N"], Complex[Array, "n d N"]]:
        """Values and slopes along each coordinate of the field with these `fine` coefficients; the box is periodic."""
        place = jnp.zeros((positions.shape[0],) + (1,) * self.grid.coordinates, int)
        kernels = []
        for axis, (lower, spacing, points) in enumerate(
            zip(self.grid.lower, self.grid.spacings, self.grid.points, strict=True)
        ):
            along = (positions[:, axis] - lower) * (2 / spacing)
            node = jnp.ceil(along - REACH / 2)[:, None] + np.arange(REACH)[None]
            value, slope = _kernel(along[:, None] - node)
            kernels.append((value, slope * (2 / spacing)))
            shape = [-1] + [1] * self.grid.coordinates
            shape[axis + 1] = REACH
            place = 2 * points * place + jnp.mod(node.astype(int), 2 * points).reshape(shape)
        near = fine.reshape(fine.shape[0], -1)[:, place]
        plain: Array = near
        sloped: list[Array] = []
        for value, slope in reversed(kernels):
            sloped = [_summed(one, value) for one in sloped]
            sloped.insert(0, _summed(plain, slope))
            plain = _summed(plain, value)
        return plain, jnp.stack(sloped)


def _summed(near, weight):
    """The sum over the last axis of (d, N, ..., REACH) with weights (N, REACH)."""
    shape = (1, weight.shape[0]) + (1,) * (near.ndim - 3) + (REACH,)
    return jnp.sum(near * weight.reshape(shape), axis=-1)


def _kernel(u):
    """K and its derivative at distances u in nodes of the finer grid."""
    x = 2 / REACH * u
    root = jnp.sqrt(
        jnp.maximum(1 - x**2, 1e-4)
    )  # at the very end the kernel is 1e-12, its slope should be too
    value = jnp.exp(SHAPE * (root - 1))
    return value, -(2 / REACH) * SHAPE * x / root * value


def _transform(wavenumber: np.ndarray) -> np.ndarray:
    """The Fourier transform of K at wavenumbers per node of the finer grid."""
    nodes, weights = np.polynomial.legendre.leggauss(200)
    u, weights = 0.25 * REACH * (nodes + 1), 0.5 * REACH * weights
    shape = np.exp(SHAPE * (np.sqrt(1 - (2 / REACH * u) ** 2) - 1))
    return np.sum(weights * shape * np.cos(wavenumber[:, None] * u), axis=1)
