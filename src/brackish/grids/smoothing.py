r"""Sums over all pairs of particles with a Gaussian kernel, without looking at all pairs where that can be helped.

$$S_{If}=\sum_JG_{IJ}\,c_{Jf},\qquad\partial_kS_{If}=\sum_J\frac{\partial G_{IJ}}{\partial x_{Ik}}\,c_{Jf},\qquad
G_{IJ}=\exp\Big[-\sum_k\frac{(x_{Ik}-x_{Jk})^2}{2h_k^2}\Big]$$

Along one coordinate the Gaussian is itself an integral of two narrower ones,

$$G_{IJ}=\frac{\Delta}{h\sqrt{\pi/2}}\sum_m e^{-(x_I-y_m)^2/h^2}\,e^{-(y_m-x_J)^2/h^2},\qquad y_m=m\Delta,$$

and the sum over a lattice is the integral to the last digits of a double (trapezoidal sums of a Gaussian converge
exponentially). So particles are deposited on nodes and taken back, with N work instead of $N^2$, and what comes out is
symmetric in I and J, and unchanged by translations, to round-off. On CPUs that is done by numba
(`smoothing_kernel.py`); elsewhere, and along several coordinates, it is done pair by pair, as matrix products.
"""

import abc
from functools import cache

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
from jax import lax

from brackish.typing import Array, Float, Int

STENCIL = 32
"""Nodes that a kernel reaches."""
SPACING = 0.378
"""Distance of nodes in kernel widths h: what the lattice and the cut leave out is then equally small, 1e-15."""
KEPT = 2048
"""Up to this many particles the matrix of all pairs is kept; beyond, it is made anew in strips of PAIRS_AT_ONCE."""
PAIRS_AT_ONCE = 2**17


class GaussianSums(eqx.Module):
    """Sums over all pairs, for particles that stand still."""

    @abc.abstractmethod
    def values(self, columns: Float[Array, "N c"]) -> Float[Array, "N c"]:
        r"""$\sum_JG_{IJ}c_{Jf}$, (N, c)."""

    @abc.abstractmethod
    def values_and_slopes(
        self, columns: Float[Array, "N c"]
    ) -> tuple[Float[Array, "N c"], Float[Array, "n N c"]]:
        r"""The same, and $\sum_J\partial G_{IJ}/\partial x_{Ik}\,c_{Jf}$, (n, N, c)."""


def gaussian_sums(positions: Float[Array, "N n"], width: Float[np.ndarray | Array, " n"]) -> GaussianSums:
    """Sums for particles at `positions`, (N, n), with standard deviations `width`, (n,), of the kernel."""
    if positions.shape[1] == 1:
        return lattice_sums(positions[:, 0], jnp.asarray(width)[0])
    return pair_sums(positions, width)


class LatticeSums(GaussianSums):
    """Sums along one coordinate by way of a lattice: `kernel` (N, STENCIL) and its derivative on the nodes of each
    particle, which begin at node number `start` (N,). What made them stays at hand for machines that do it by pairs.
    """

    start: Int[Array, " N"]
    kernel: Float[Array, "N nodes"]
    tilted: Float[Array, "N nodes"]
    position: Float[Array, " N"]
    width: Float[Array, ""]

    def values(self, columns):
        return lax.platform_dependent(
            columns,
            cpu=lambda c: self._smooth(c, slopes=False)[0],
            default=lambda c: self._by_pairs().values(c),
        )

    def values_and_slopes(self, columns):
        def on_cpu(columns):
            values, slopes = self._smooth(columns, slopes=True)
            return values, slopes[None]

        return lax.platform_dependent(
            columns, cpu=on_cpu, default=lambda c: self._by_pairs().values_and_slopes(c)
        )

    def _by_pairs(self) -> "PairSums":
        return pair_sums(self.position[:, None], self.width[None])

    def _smooth(self, columns, slopes: bool):
        _load_kernel()
        rows, quantities = columns.shape
        shapes = [jax.ShapeDtypeStruct((count, quantities), float) for count in (rows, rows if slopes else 0)]
        call = jax.ffi.ffi_call("brackish_smooth", shapes, vmap_method="sequential")
        return call(self.start, self.kernel, self.tilted, columns)


@cache
def _load_kernel() -> None:
    """Compile the loop, or read it from numba's cache, and make it known to XLA; once in a process."""
    from brackish.grids import smoothing_kernel  # noqa: F401


def lattice_sums(position: Float[Array, " N"], width: Float[Array, ""]) -> LatticeSums:
    """Sums along one coordinate: the kernels of all particles on their nodes."""
    spacing = SPACING * width
    start = jnp.floor(position / spacing).astype(int) - STENCIL // 2 + 1
    # the first node is subtracted before the others are counted from it, so that no digits are lost far from the origin
    first = position - start * spacing
    distance = (first[:, None] - spacing * np.arange(STENCIL)[None]) / width
    size = np.sqrt(SPACING / np.sqrt(np.pi / 2))
    kernel = size * jnp.exp(-(distance**2))
    return LatticeSums(start, kernel, -2 / width * distance * kernel, position, width)


class PairSums(GaussianSums):
    """Sums over pairs, as matrix products: `scaled` (N, n) are positions in kernel widths. `matrix`: G, (N, N), or None
    for so many particles that it is made anew each time, in strips.
    """

    scaled: Float[Array, "N n"]
    width: Float[Array, " n"]
    matrix: Float[Array, "N N"] | None

    def values(self, columns):
        if self.matrix is not None:
            return self.matrix @ columns
        count = self.scaled.shape[0]
        size = max(8, PAIRS_AT_ONCE // count)
        padded = jnp.pad(self.scaled, ((0, -count % size), (0, 0)))
        strips = padded.reshape(-1, size, padded.shape[1])
        sums = lax.map(lambda strip: _matrix(strip, self.scaled) @ columns, strips)
        return sums.reshape(-1, columns.shape[1])[:count]

    def values_and_slopes(self, columns):
        moments = [self.scaled[:, [k]] * columns for k in range(self.scaled.shape[1])]
        sums = self.values(jnp.concatenate([columns, *moments], axis=1))
        values, *moments = jnp.split(sums, 1 + len(moments), axis=1)
        slopes = [(moment - self.scaled[:, [k]] * values) / self.width[k] for k, moment in enumerate(moments)]
        return values, jnp.stack(slopes)


def pair_sums(positions: Float[Array, "N n"], width: Float[np.ndarray | Array, " n"]) -> PairSums:
    """Sums along several coordinates."""
    width = jnp.asarray(width)
    # differences lose fewer digits near the origin
    scaled = (positions - jnp.mean(positions, axis=0)[None]) / width[None]
    return PairSums(scaled, width, _matrix(scaled, scaled) if positions.shape[0] <= KEPT else None)


def _matrix(rows: Float[Array, "M n"], columns: Float[Array, "N n"]) -> Float[Array, "M N"]:
    squared = sum((rows[:, [k]] - columns[None, :, k]) ** 2 for k in range(rows.shape[1]))
    return jnp.exp(-0.5 * squared)
