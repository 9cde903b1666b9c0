r"""A periodic piece of phase space: one position, one momentum, with their plane waves.

$$\{f,g\}=\partial_qf\,\partial_pg-\partial_pf\,\partial_qg,\qquad X_h=(\partial_ph,\,-\partial_qh)$$

Every method takes fields with any leading axes and the grid trailing, (..., Q, P), real or complex.
"""

from typing import ClassVar

import equinox as eqx
import jax.numpy as jnp
import numpy as np

from brackish.errors import InvalidInput, UnsupportedHamiltonian
from brackish.grids.base import FieldGrid
from brackish.grids.spectral import Grid
from brackish.manifolds import Canonical, Manifold, PhasePoint
from brackish.typing import Array, Float, Inexact


def _two_floats(value) -> tuple[float, float]:
    first, second = np.broadcast_to(np.asarray(value, dtype=float), (2,))
    return float(first), float(second)


def _two_whole_numbers(value) -> tuple[int, int]:
    first, second = np.broadcast_to(np.asarray(value), (2,))
    return int(first), int(second)


class PhaseSpace(FieldGrid):
    """A periodic box of one position (bohr) and one momentum (atomic units of momentum).

    `lower`, `upper`: its corners, each (q, p). `points`: how many, one number or (Q, P). `cutoff`: the largest mode
    numbers (waves across the box) that `dealias` keeps, one number or one for q and one for p; by default
    just below a third of the points, so that the product of two kept fields has no aliases among the kept.
    """

    lower: tuple[float, float] = eqx.field(static=True)
    upper: tuple[float, float] = eqx.field(static=True)
    shape: tuple[int, int] = eqx.field(static=True)
    cutoff: tuple[int, int] = eqx.field(static=True)
    components: ClassVar[int] = 2

    def __init__(self, lower, upper, points: int | tuple[int, ...] | list[int], cutoff=None):
        self.lower, self.upper, self.shape = (
            _two_floats(lower),
            _two_floats(upper),
            _two_whole_numbers(points),
        )
        self.cutoff = _two_whole_numbers([(n - 1) // 3 for n in self.shape] if cutoff is None else cutoff)

    def __check_init__(self):
        Grid(self.lower, self.upper, self.shape)  # has a line for each mistake
        for points, cutoff in zip(self.shape, self.cutoff, strict=True):
            if not 1 <= cutoff < points / 2:
                raise InvalidInput(
                    f"Argument `cutoff` of PhaseSpace must be a mode number from 1 to below half of the "
                    f"{points} points, got {cutoff}."
                )

    @property
    def plane(self) -> Grid:
        """The same box as a grid of two coordinates: its nodes, spacings and wavenumbers."""
        return Grid(self.lower, self.upper, self.shape)

    def matches(self, manifold: Manifold) -> None:
        """Raise `UnsupportedHamiltonian` unless fields on this grid are functions on the `manifold`."""
        if not (isinstance(manifold, Canonical) and manifold.coordinates == 1):
            raise UnsupportedHamiltonian(
                f"A PhaseSpace grid needs Canonical(1), one position and its momentum, got {manifold.describe()}."
            )

    def in_coordinates(
        self, shift: Float[np.ndarray, " one"], scale: Float[np.ndarray, " one"]
    ) -> "PhaseSpace":
        """The same nodes in the coordinates q' = a + b q, p' = p / b."""
        lower, upper = (
            (float(shift[0] + scale[0] * q), float(p / scale[0])) for q, p in (self.lower, self.upper)
        )
        return PhaseSpace(lower, upper, self.shape, self.cutoff)

    def refined(self):
        points, cutoff = (tuple(-(-4 * number // 3) for number in pair) for pair in (self.shape, self.cutoff))
        return PhaseSpace(self.lower, self.upper, points, cutoff)

    def points(self) -> PhasePoint:
        """All nodes, in the order of a flattened field: position and momentum, each (G, 1)."""
        nodes = self.plane.nodes()
        return PhasePoint(nodes[:, :1], nodes[:, 1:])

    def axes(self) -> dict[str, tuple[np.ndarray, str, str]]:
        """Positions and momenta of the nodes."""
        position, momentum = self.plane.positions()
        return {
            "node_position": (position, "bohr", "positions of the nodes"),
            "node_momentum": (momentum, "hbar/bohr", "momenta of the nodes"),
        }

    def weights(self) -> Float[np.ndarray, "Q P"]:
        """The area dq dp that belongs to each node."""
        return np.full(self.shape, self.plane.cell)

    def integrate(self, field: Inexact[Array, "*leading Q P"]) -> Inexact[Array, "*leading"]:
        """The integral over the box; exact for the waves of the grid."""
        return jnp.sum(field, axis=(-2, -1)) * self.plane.cell

    def transform(self, field: Inexact[Array, "*leading Q P"]) -> Inexact[Array, "*leading Q K"]:
        """Plane-wave amplitudes: of a real field those with k >= 0 along p alone."""
        return jnp.fft.fft2(field) if jnp.iscomplexobj(field) else jnp.fft.rfft2(field)

    def gradient(self, field: Inexact[Array, "*leading Q P"]) -> Inexact[Array, "two *leading Q P"]:
        """(d/dq, d/dp) by plane waves; the one wave without a partner (half of an even number of points) is
        left out.
        """
        waves = self.transform(field)
        along_q, along_p = (self._shown(k, axis, waves) for axis, k in enumerate(self.odd_wavenumbers()))
        return jnp.stack([self._field(1j * along * waves, field) for along in (along_q, along_p)])

    def bracket(
        self, gradient: Inexact[Array, "two *leading Q P"], other: Inexact[Array, "two *leading Q P"]
    ) -> Inexact[Array, "*leading Q P"]:
        """{f, g} from the gradients of f and g, element by element."""
        return gradient[0] * other[1] - gradient[1] * other[0]

    def vector_field(
        self, gradient: Inexact[Array, "two *leading Q P"]
    ) -> Inexact[Array, "two *leading Q P"]:
        """X_h = (dh/dp, -dh/dq) from the gradient of h."""
        return jnp.stack([gradient[1], -gradient[0]])

    def divergence(self, vector: Inexact[Array, "two *leading Q P"]) -> Inexact[Array, "*leading Q P"]:
        """dv_q/dq + dv_p/dp."""
        waves = self.transform(vector)
        along_q, along_p = (self._shown(k, axis, waves[0]) for axis, k in enumerate(self.odd_wavenumbers()))
        return self._field(1j * along_q * waves[0] + 1j * along_p * waves[1], vector)

    def dealias(self, field: Inexact[Array, "*leading Q P"]) -> Inexact[Array, "*leading Q P"]:
        """The field without the waves beyond the cutoff."""
        return self._below(field, 1.0)

    def highest_waves(self, field: Inexact[Array, "*leading Q P"]) -> Inexact[Array, "*leading Q P"]:
        """The waves that `dealias` keeps in the outermost fifth, along q or along p: where trouble shows first."""
        return self._below(field, 1.0) - self._below(field, 0.8)

    def largest_rate(self, vector: Float[Array, "two Q P"]) -> Float[Array, ""]:
        r"""The largest $|\mathcal X^q|k_q+|\mathcal X^p|k_p$ over nodes, at the cutoff: a bound on frequencies."""
        largest = [np.abs(k[cutoff]) for k, cutoff in zip(self.odd_wavenumbers(), self.cutoff, strict=True)]
        return jnp.max(jnp.abs(vector[0]) * largest[0] + jnp.abs(vector[1]) * largest[1])

    def mode_numbers(self) -> tuple[np.ndarray, np.ndarray]:
        """Waves across the box, along q and along p, in the order of the discrete Fourier transform."""
        along_q, along_p = (np.rint(np.fft.fftfreq(n, 1 / n)).astype(int) for n in self.shape)
        return along_q, along_p

    def odd_wavenumbers(self) -> list[np.ndarray]:
        """Wavenumbers along q and along p for odd derivatives: zero for a wave without a partner."""
        numbers = zip(self.plane.wavenumbers(), self.mode_numbers(), self.shape, strict=True)
        return [np.where(2 * np.abs(mode) == points, 0.0, k) for k, mode, points in numbers]

    def _below(self, field: Array, share: float) -> Array:
        """The field on mode numbers up to this share of the cutoff."""
        waves = self.transform(field)
        pairs = zip(self.mode_numbers(), self.cutoff, strict=True)
        kept = [np.abs(numbers) <= share * cutoff for numbers, cutoff in pairs]
        keep_q, keep_p = (self._shown(keep, axis, waves) for axis, keep in enumerate(kept))
        return self._field(jnp.where(keep_q & keep_p, waves, 0.0), field)

    def _shown(self, values: np.ndarray, axis: int, waves: Array) -> Array:
        """One value per mode of one axis, shaped to multiply the `waves`, of which there may be half along p."""
        kept = values[: waves.shape[axis - 2]]
        return jnp.reshape(jnp.asarray(kept), (1,) * (waves.ndim - 2) + ((-1, 1) if axis == 0 else (1, -1)))

    def _field(self, waves: Array, like: Array) -> Array:
        return jnp.fft.ifft2(waves) if jnp.iscomplexobj(like) else jnp.fft.irfft2(waves, self.shape)
