r"""Classical spins: unit vectors with the Lie–Poisson bracket $\{f,g\}=n\cdot\nabla f\times\nabla g$.

A spin of length $\mathcal J$ (in units of hbar) divides the bracket by $\mathcal J$, so that $\dot n=\nabla
h\times n/\mathcal J$.
"""

import equinox as eqx
import jax.numpy as jnp
import numpy as np

from brackish.errors import InvalidInput
from brackish.manifolds.base import Manifold
from brackish.typing import Array, Float, Inexact


def _length(length) -> np.ndarray:
    length = np.asarray(length, dtype=float)
    if not np.all(np.isfinite(length)) or np.any(length <= 0):
        raise InvalidInput(f"Argument `length` must be positive and finite, got {length.tolist()}.")
    return length


class Spheres(Manifold):
    """`count` classical spins. A point is an array of unit vectors, shape (count, 3); `length` is one number
    for all, or (count,).
    """

    count: int = eqx.field(static=True)
    length: Float[np.ndarray | Array, "*count"] = eqx.field(converter=_length, default=1.0)

    def __check_init__(self):
        if self.count < 1:
            raise InvalidInput(f"Argument `count` must be at least 1 sphere, got {self.count}.")
        if np.shape(self.length) not in ((), (self.count,)):
            raise InvalidInput(
                f"Argument `length` must be one number or {self.count}, got an array of shape {np.shape(self.length)}."
            )

    def hamiltonian_field(
        self, gradient: Inexact[np.ndarray | Array, "spins 3"], point: Float[np.ndarray | Array, "spins 3"]
    ) -> Inexact[Array, "spins 3"]:
        return jnp.cross(gradient, point) / jnp.broadcast_to(self.length, self.count)[:, None]

    def project(self, point: Float[np.ndarray | Array, "spins 3"]) -> Float[Array, "spins 3"]:
        """Unit vectors along the given ones. An energy h(n/|n|) makes the midpoint rule the symplectic
        spherical midpoint of McLachlan, Modin and Verdier, Phys. Rev. E 89, 061301 (2014).
        """
        return jnp.asarray(point) / jnp.sqrt(jnp.sum(point**2, axis=1, keepdims=True))

    def describe(self) -> str:
        return f"Spheres({self.count})"

    def probe(self) -> Float[np.ndarray, "spins 3"]:
        angle = 0.4 + np.arange(self.count)
        return np.stack([0.6 * np.cos(angle), 0.6 * np.sin(angle), np.full(self.count, 0.8)], axis=1)
