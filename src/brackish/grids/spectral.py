"""Periodic grids with their plane waves."""

import math
from typing import Annotated

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np

from brackish.errors import InvalidInput
from brackish.memory import COMPLEX, number, require_memory
from brackish.showing import in_text
from brackish.typing import Array, Complex, Float, Inexact


def _floats(value) -> tuple[float, ...]:
    return tuple(float(x) for x in np.atleast_1d(np.asarray(value, dtype=float)))


def _whole_numbers(value) -> tuple[int, ...]:
    return tuple(int(x) for x in np.atleast_1d(np.asarray(value)))


class Grid(eqx.Module):
    """A periodic box in 1 to 3 coordinates. `lower`, `upper`: bohr; `points`: how many; each one number or
    one per coordinate.
    """

    lower: Annotated[tuple[float, ...], "length"] = eqx.field(static=True, converter=_floats)
    upper: Annotated[tuple[float, ...], "length"] = eqx.field(static=True, converter=_floats)
    points: tuple[int, ...] = eqx.field(static=True, converter=_whole_numbers)

    def __check_init__(self):
        if not len(self.lower) == len(self.upper) == len(self.points):
            raise InvalidInput(
                f"Arguments `lower`, `upper` and `points` of Grid must have one entry per coordinate each, got "
                f"{len(self.lower)}, {len(self.upper)} and {len(self.points)}."
            )
        for lower, upper, points in zip(self.lower, self.upper, self.points, strict=True):
            if not (np.isfinite(lower) and np.isfinite(upper) and lower < upper):
                raise InvalidInput(
                    f"Argument `lower` of Grid must be below `upper`, got {lower} and {upper}."
                )
            if points < 8:
                raise InvalidInput(
                    f"Argument `points` of Grid must be at least 8 per coordinate, got {points}."
                )
        size = math.prod(self.points)
        what = f"A single complex field on the {number(size)} points of this Grid"
        require_memory(COMPLEX * size, what, "give fewer `points`")

    def __repr__(self) -> str:
        return in_text(self)

    @property
    def coordinates(self) -> int:
        """How many coordinates the grid has."""
        return len(self.points)

    def in_coordinates(self, shift: Float[np.ndarray, " n"], scale: Float[np.ndarray, " n"]) -> "Grid":
        """The same points in the coordinates q' = a + b q."""
        return Grid(
            shift + scale * np.asarray(self.lower), shift + scale * np.asarray(self.upper), self.points
        )

    @property
    def spacings(self) -> tuple[float, ...]:
        """The distance of neighbours along each coordinate."""
        return tuple(
            (upper - lower) / points
            for lower, upper, points in zip(self.lower, self.upper, self.points, strict=True)
        )

    @property
    def cell(self) -> float:
        """The volume that belongs to a grid point."""
        return float(np.prod(self.spacings))

    def positions(self) -> tuple[np.ndarray, ...]:
        """One array of positions per coordinate."""
        return tuple(
            lower + spacing * np.arange(points)
            for lower, spacing, points in zip(self.lower, self.spacings, self.points, strict=True)
        )

    def wavenumbers(self) -> tuple[np.ndarray, ...]:
        """One array of wavenumbers per coordinate, in the order of the discrete Fourier transform."""
        return tuple(
            2 * np.pi * np.fft.fftfreq(points, spacing)
            for points, spacing in zip(self.points, self.spacings, strict=True)
        )

    def nodes(self) -> np.ndarray:
        """All grid points, (G, n)."""
        return np.stack([x.ravel() for x in np.meshgrid(*self.positions(), indexing="ij")], axis=-1)

    def traced_positions(self) -> tuple[Float[Array, " points"], ...]:
        """The `positions` inside a compiled program, behind a barrier: what is made from them on the whole grid is
        computed when the program runs, and neither stored in it nor worked out by the compiler.
        """
        return jax.lax.optimization_barrier(tuple(jnp.asarray(x) for x in self.positions()))

    def traced_nodes(self) -> Float[Array, "G n"]:
        """The `nodes` inside a compiled program, likewise."""
        meshes = jnp.meshgrid(*self.traced_positions(), indexing="ij")
        return jnp.stack([x.ravel() for x in meshes], axis=-1)

    def transform(self, values: Complex[Array, "..."]) -> Complex[Array, "..."]:
        """The discrete Fourier transform over the trailing grid axes."""
        return jnp.fft.fftn(values, axes=self.axes) if self.coordinates > 1 else jnp.fft.fft(values)

    def inverse_transform(self, values: Complex[Array, "..."]) -> Complex[Array, "..."]:
        """The inverse of `transform`."""
        return jnp.fft.ifftn(values, axes=self.axes) if self.coordinates > 1 else jnp.fft.ifft(values)

    def derivative(self, values: Inexact[Array, "..."], axis: int) -> Inexact[Array, "..."]:
        """The derivative along one coordinate of values over the trailing grid axes, by their waves.

        The wave of alternating signs has no derivative of its own on an even grid, and is left out. Real values stay
        real.
        """
        wavenumbers = self.wavenumbers()[axis]
        if self.points[axis] % 2 == 0:
            wavenumbers = np.where(np.arange(self.points[axis]) == self.points[axis] // 2, 0.0, wavenumbers)
        along = axis - self.coordinates
        waves = jnp.expand_dims(
            self.along(axis, 1j * wavenumbers), tuple(range(values.ndim - self.coordinates))
        )
        slope = jnp.fft.ifft(waves * jnp.fft.fft(values, axis=along), axis=along)
        return slope if jnp.iscomplexobj(values) else slope.real

    def gradient(self, values: Inexact[Array, "..."]) -> Inexact[Array, "n ..."]:
        """The derivatives along all coordinates, stacked in front: (n, ...)."""
        return jnp.stack([self.derivative(values, axis) for axis in range(self.coordinates)])

    @property
    def axes(self) -> tuple[int, ...]:
        """The trailing axes of an array on this grid."""
        return tuple(range(-self.coordinates, 0))

    def along(self, axis: int, values) -> Array:
        """One value per node of one coordinate, shaped to multiply an array on the grid."""
        shape = [1] * self.coordinates
        shape[axis] = self.points[axis]
        return jnp.reshape(jnp.asarray(values), shape)


def kinetic_phase(grid: Grid, masses, duration) -> Complex[Array, "..."]:
    """exp(-i k^2 duration / 2m) on the wavenumbers of the grid, shape of the grid."""
    energy = sum(grid.along(axis, k**2 / 2) / masses[axis] for axis, k in enumerate(grid.wavenumbers()))
    return jnp.exp(-1j * duration * energy)
