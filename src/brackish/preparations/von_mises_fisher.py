"""Clouds of classical spins about a direction."""

from typing import ClassVar

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np

from brackish.errors import InvalidInput, UnsupportedHamiltonian
from brackish.manifolds import Spheres
from brackish.preparations.base import Draw, Preparation
from brackish.preparations.electronic import ElectronicState, electronic_state
from brackish.typing import Array, Float


def _directions(value) -> np.ndarray:
    value = np.atleast_2d(np.asarray(value, dtype=float))
    if value.ndim != 2 or value.shape[-1] != 3 or value.size == 0:
        raise InvalidInput(f"Argument `direction` must have shape (3,) or (spins, 3), got {value.shape}.")
    length = np.linalg.norm(value, axis=-1, keepdims=True)
    if not np.all(np.isfinite(value)) or np.any(length == 0):
        raise InvalidInput("Argument `direction` must be finite and not zero.")
    return value / length


def _concentrations(value) -> np.ndarray:
    return np.atleast_1d(np.asarray(value, dtype=float))


class VonMisesFisher(Preparation):
    r"""Classical spins spread about a direction, independently of each other.

    Each has the von Mises–Fisher density $\frac{c}{2\pi(1-e^{-2c})}\,e^{c(n\cdot m-1)}$ about a direction m.
    `direction`: (3,), the same for all spins, or (spins, 3); it is normalised. `concentration`: c > 0, one number or
    one per spin; for large c the cloud is a Gaussian of width $c^{-1/2}$ in radians. `state`: as for `GaussianPacket`.

    R. Fisher, Proc. R. Soc. Lond. A 217, 295 (1953).
    """

    direction: Float[np.ndarray | Array, "spins 3"] = eqx.field(converter=_directions)
    concentration: Float[np.ndarray | Array, " spins_or_one"] = eqx.field(converter=_concentrations)
    state: ElectronicState = eqx.field(converter=electronic_state, default=0)
    random: ClassVar[bool] = True

    def __check_init__(self):
        value = self.concentration
        if isinstance(value, np.ndarray) and not np.all(np.isfinite(value) & (value > 0)):
            raise InvalidInput(f"Argument `concentration` must be positive and finite, got {value.tolist()}.")

    def check(self, hamiltonian):
        if not isinstance(hamiltonian.manifold, Spheres):
            raise UnsupportedHamiltonian(
                f"VonMisesFisher needs a manifold of spheres, got {hamiltonian.manifold.describe()}."
            )
        spins = hamiltonian.manifold.count
        for name in ("direction", "concentration"):
            size = getattr(self, name).shape[0]
            if size not in (1, spins):
                raise InvalidInput(f"Argument `{name}` must be one or {spins} (one per spin), got {size}.")
        self.state.check(hamiltonian)

    def spread(self, manifold: Spheres) -> tuple[Array, Array]:
        """Directions (spins, 3) and concentrations (spins,)."""
        direction = jnp.broadcast_to(jnp.asarray(self.direction), (manifold.count, 3))
        return direction, jnp.broadcast_to(jnp.asarray(self.concentration), (manifold.count,))

    def point_from_uniforms(
        self, manifold: Spheres, uniforms: Float[Array, "spins 2"]
    ) -> Float[Array, "spins 3"]:
        """The point that belongs to numbers in [0, 1): the first of each spin sets the polar cosine, by the inverse of
        its cumulative distribution, the second the azimuth.
        """
        direction, concentration = self.spread(manifold)
        # the height under m, 1 - n.m, from 0 to 2; exact also where c is small
        depth = -jnp.log1p(uniforms[:, 0] * jnp.expm1(-2 * concentration)) / concentration
        radius = jnp.sqrt(jnp.maximum(depth * (2 - depth), 0.0))[:, None]
        azimuth = 2 * jnp.pi * uniforms[:, 1, None]
        first, second = _frame(direction)
        point = (1 - depth)[:, None] * direction
        return point + radius * (jnp.cos(azimuth) * first + jnp.sin(azimuth) * second)

    def draw(self, hamiltonian, index, key):
        manifold = hamiltonian.manifold
        point = self.point_from_uniforms(manifold, jax.random.uniform(key, (manifold.count, 2)))
        return Draw(point, self.state.spinor(hamiltonian, point), jnp.ones(()))

    def density(self, hamiltonian, z):
        """The density at a point (spins, 3), of unit integral in the areas of the unit spheres."""
        direction, concentration = self.spread(hamiltonian.manifold)
        factor = concentration / (-2 * jnp.pi * jnp.expm1(-2 * concentration))
        return jnp.prod(factor * jnp.exp(concentration * (jnp.sum(z * direction, axis=1) - 1)))


def _frame(direction: Float[Array, "spins 3"]) -> tuple[Array, Array]:
    """Two unit vectors (spins, 3) across each direction."""
    # the axis that is farthest from the direction is never along it
    farthest = jnp.eye(3)[jnp.argmin(jnp.abs(direction), axis=1)]
    first = jnp.cross(direction, farthest)
    first = first / jnp.sqrt(jnp.sum(first**2, axis=1, keepdims=True))
    return first, jnp.cross(direction, first)
