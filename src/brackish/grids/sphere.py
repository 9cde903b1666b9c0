r"""A sphere with its spherical harmonics: the phase space of one classical spin of fixed length.

$$\{f,g\}=\frac1{\mathcal J}\,n\cdot\nabla f\times\nabla g,\qquad X_h=\frac1{\mathcal J}\nabla h\times n$$

Gauss–Legendre nodes in $\cos\theta$ times equidistant azimuths. A field goes to amplitudes of $Y_{lm}$ by a Fourier
transform along the azimuth and, for each m, a small matrix of associated Legendre functions; all products of two
waves that the nodes carry are integrated exactly.
"""

import functools
from typing import ClassVar

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np

from brackish.errors import InvalidInput, UnsupportedHamiltonian
from brackish.grids.base import FieldGrid
from brackish.manifolds import Spheres
from brackish.memory import REAL, require_memory
from brackish.typing import Array, Complex, Float, Inexact


class SphereGrid(FieldGrid):
    r"""Nodes on the unit sphere for fields of spherical harmonics up to $l=$ `largest_degree`, which `dealias` keeps.

    `latitudes`: Gauss–Legendre nodes; by default half as many again as the degrees, so that the product of two kept
    fields has no aliases among the kept. There are twice as many azimuths; the nodes carry waves up to
    l = `latitudes` - 1. `length`: $\mathcal J$ of the spin, the same as of the manifold.
    """

    largest_degree: int = eqx.field(static=True)
    shape: tuple[int, int] = eqx.field(static=True)
    length: float = eqx.field(static=True)
    components: ClassVar[int] = 3

    def __init__(self, largest_degree: int, latitudes: int | None = None, length: float = 1.0):
        self.largest_degree = int(largest_degree)
        rings = int(1 + (3 * self.largest_degree + 1) // 2 if latitudes is None else latitudes)
        self.shape = (rings, 2 * rings)
        self.length = float(length)

    def __check_init__(self):
        if self.largest_degree < 1:
            raise InvalidInput(f"Argument `largest_degree` must be at least 1, got {self.largest_degree}.")
        if self.latitudes <= self.largest_degree:
            raise InvalidInput(
                f"Argument `latitudes` must be more than the largest degree {self.largest_degree}, got "
                f"{self.latitudes}."
            )
        if not (np.isfinite(self.length) and self.length > 0):
            raise InvalidInput(f"Argument `length` must be positive and finite, got {self.length}.")
        tables = 3 * (2 * self.latitudes - 1) * self.latitudes**2
        what = f"The Legendre functions of a SphereGrid of {self.latitudes} latitudes"
        require_memory(REAL * tables, what, "give a smaller `largest_degree`")

    @property
    def latitudes(self) -> int:
        """Nodes along the polar angle."""
        return self.shape[0]

    def matches(self, manifold):
        if not (isinstance(manifold, Spheres) and manifold.count == 1):
            raise UnsupportedHamiltonian(
                f"A SphereGrid needs Spheres(1), one classical spin, got {manifold.describe()}."
            )
        if abs(float(manifold.length) - self.length) > 1e-12 * self.length:
            raise UnsupportedHamiltonian(
                f"This SphereGrid is for a spin of length {self.length:g}, the Hamiltonian has one of length "
                f"{float(manifold.length):g}; give the grid that `length`."
            )

    def refined(self):
        degree, latitudes = (-(-4 * number // 3) for number in (self.largest_degree, self.latitudes))
        return SphereGrid(degree, latitudes, self.length)

    def points(self) -> Float[np.ndarray, "G 1 3"]:
        return np.moveaxis(self._directions(), 0, -1).reshape(-1, 1, 3)

    def axes(self):
        return {
            "node_polar_angle": (self._polar_angles(), "rad", "angles of the nodes from the z axis"),
            "node_azimuth": (
                self._azimuths(),
                "rad",
                "angles of the nodes from the x axis, about the z axis",
            ),
        }

    def weights(self):
        _, weights = _nodes(self.latitudes)
        return np.repeat(weights[:, None] * np.pi / self.latitudes, self.shape[1], axis=1)

    def transform(self, field: Inexact[Array, "*leading first second"]) -> Complex[Array, "*leading m l"]:
        """Amplitudes of $Y_{lm}$, m in the order of the discrete Fourier transform; of a real field m >= 0 alone."""
        return self._analysis(self._along_azimuth(field), _tables(self.latitudes).waves)

    def inverse_transform(
        self, amplitudes: Complex[Array, "*leading m l"], real: bool = False
    ) -> Inexact[Array, "*leading first second"]:
        """The field of given amplitudes; `real` if they are those of a real one."""
        return self._around(self._synthesis(amplitudes, _tables(self.latitudes).waves), real)

    def gradient(self, field):
        """The tangential gradient, Cartesian components."""
        real, tables = not jnp.iscomplexobj(field), _tables(self.latitudes)
        amplitudes = self.transform(field)
        along_polar = self._around(self._synthesis(amplitudes, tables.slopes), real)
        along_azimuth = self._around(1j * self._synthesis(amplitudes, tables.turns), real)
        polar, azimuth = self._tangents(field.ndim)
        return polar * along_polar[None] + azimuth * along_azimuth[None]

    def divergence(self, vector):
        """The divergence of the tangential part: minus the adjoint of `gradient`."""
        return self._below(self._divergence(vector), self.latitudes - 1, not jnp.iscomplexobj(vector))

    def _divergence(self, vector):
        tables = _tables(self.latitudes)
        polar, azimuth = self._tangents(vector.ndim - 1)
        along_polar = self._along_azimuth(jnp.sum(polar * vector, axis=0))
        along_azimuth = self._along_azimuth(jnp.sum(azimuth * vector, axis=0))
        return 1j * self._analysis(along_azimuth, tables.turns) - self._analysis(along_polar, tables.slopes)

    def bracket(self, gradient, other):
        normal = jnp.expand_dims(jnp.asarray(self._directions()), tuple(range(1, gradient.ndim - 2)))
        return jnp.sum(normal * jnp.cross(gradient, other, axis=0), axis=0) / self.length

    def vector_field(self, gradient):
        normal = jnp.expand_dims(jnp.asarray(self._directions()), tuple(range(1, gradient.ndim - 2)))
        return jnp.cross(gradient, normal, axis=0) / self.length

    def dealias(self, field):
        return self._below(self.transform(field), self.largest_degree, not jnp.iscomplexobj(field))

    def highest_waves(self, field):
        lower = int(0.8 * self.largest_degree)
        return self.dealias(field) - self._below(self.transform(field), lower, not jnp.iscomplexobj(field))

    def largest_rate(self, vector):
        speed = jnp.sqrt(jnp.max(jnp.sum(vector**2, axis=0)))
        return speed * np.sqrt(self.largest_degree * (self.largest_degree + 1))

    # -- angles and transforms ------------------------------------------------------------------------------

    def _polar_angles(self) -> np.ndarray:
        return _nodes(self.latitudes)[0]

    def _azimuths(self) -> np.ndarray:
        return np.pi * np.arange(self.shape[1]) / self.latitudes

    def _directions(self) -> Float[np.ndarray, "three first second"]:
        polar, azimuth = np.meshgrid(self._polar_angles(), self._azimuths(), indexing="ij")
        return np.stack([np.sin(polar) * np.cos(azimuth), np.sin(polar) * np.sin(azimuth), np.cos(polar)])

    def _tangents(self, axes: int) -> tuple[Array, Array]:
        """Unit vectors along the polar angle and along the azimuth, to multiply fields with so many axes."""
        polar, azimuth = np.meshgrid(self._polar_angles(), self._azimuths(), indexing="ij")
        along_polar = [np.cos(polar) * np.cos(azimuth), np.cos(polar) * np.sin(azimuth), -np.sin(polar)]
        along_azimuth = [-np.sin(azimuth), np.cos(azimuth), np.zeros(self.shape)]
        between = tuple(range(1, axes - 1))
        first, second = (np.expand_dims(np.stack(v), between) for v in (along_polar, along_azimuth))
        return jnp.asarray(first), jnp.asarray(second)

    def _along_azimuth(self, field):
        """Fourier coefficients along the azimuth, (*leading, theta, m)."""
        wanted = self.latitudes  # m = 0 ... latitudes - 1; the wave without a partner is left out
        if not jnp.iscomplexobj(field):
            return jnp.fft.rfft(field)[..., :wanted]
        return jnp.delete(jnp.fft.fft(field), wanted, axis=-1)

    def _around(self, coefficients, real: bool):
        """The inverse of `_along_azimuth`, without its normalisation, which the tables hold."""
        if real:
            padded = jnp.pad(coefficients, [(0, 0)] * (coefficients.ndim - 1) + [(0, 1)])
            return jnp.fft.irfft(padded, self.shape[1])
        return jnp.fft.ifft(jnp.insert(coefficients, self.latitudes, 0.0, axis=-1))

    def _analysis(self, coefficients, table):
        """(*leading, theta, m) with a table (m, l, theta) to (*leading, m, l)."""
        _, weights = _nodes(self.latitudes)
        weighted = table[_orders(coefficients.shape[-1], self.latitudes)] * (weights * np.pi / self.latitudes)
        return _contract("mlt,...tm->...ml", weighted, coefficients)

    def _synthesis(self, amplitudes, table):
        """(*leading, m, l) with a table (m, l, theta) to (*leading, theta, m)."""
        summed = table[_orders(amplitudes.shape[-2], self.latitudes)] * self.shape[1]
        return _contract("mlt,...ml->...tm", summed, amplitudes)

    def _below(self, amplitudes, degree: int, real: bool):
        degrees = np.arange(self.latitudes).reshape((1,) * (amplitudes.ndim - 1) + (-1,))
        kept = jnp.where(degrees <= degree, amplitudes, 0.0)
        return self.inverse_transform(kept, real)


class _Tables(eqx.Module):
    r"""Of the normalised associated Legendre functions $\bar P_{lm}(\cos\theta)$, each (m, l, theta) with m in the
    order of the discrete Fourier transform: themselves, their derivatives by theta, and $m\bar P_{lm}/\sin\theta$.
    """

    waves: np.ndarray
    slopes: np.ndarray
    turns: np.ndarray


@functools.cache
def _nodes(latitudes: int) -> tuple[np.ndarray, np.ndarray]:
    """Polar angles of the Gauss–Legendre nodes and their weights.

    Roots are found as angles: near the poles an arc cosine of a root would lose half of its digits.
    """
    from scipy.special import sph_legendre_p_all

    polar = np.arccos(np.polynomial.legendre.leggauss(latitudes)[0][::-1])
    for _ in range(2):
        values, slopes = sph_legendre_p_all(latitudes, 0, polar, diff_n=1)[:, latitudes, 0]
        polar = polar - values / slopes
    return polar, (2 * latitudes + 1) / (2 * np.pi * slopes**2)


@functools.cache
def _tables(latitudes: int) -> _Tables:
    from scipy.special import sph_legendre_p_all

    polar, _ = _nodes(latitudes)
    values, slopes = sph_legendre_p_all(latitudes - 1, latitudes - 1, polar, diff_n=1)
    values, slopes = (np.swapaxes(x, 0, 1) for x in (values, slopes))
    order = np.concatenate([np.arange(latitudes), np.arange(1 - latitudes, 0)])
    return _Tables(values, slopes, order[:, None, None] * values / np.sin(polar))


def _orders(count: int, latitudes: int) -> slice:
    """The rows of a table for so many m: all, or those with m >= 0."""
    return slice(0, latitudes) if count == latitudes else slice(None)


def _contract(subscripts: str, table: np.ndarray, numbers: Complex[Array, "..."]) -> Complex[Array, "..."]:
    """A sum over products of a real table and complex numbers, without complex products."""
    both = jnp.einsum(subscripts, jnp.asarray(table), jnp.stack([numbers.real, numbers.imag]))
    return jax.lax.complex(both[0], both[1])
