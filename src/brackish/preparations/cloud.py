r"""Gaussian clouds of classical points, free of the uncertainty relation."""

from typing import Annotated, ClassVar

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np

from brackish.errors import InvalidInput
from brackish.manifolds import Canonical, PhasePoint
from brackish.preparations.base import Draw, Preparation, require_canonical
from brackish.preparations.electronic import ElectronicState, electronic_state
from brackish.preparations.packet import gaussian_density
from brackish.typing import Array, Float


def _vector(value) -> np.ndarray:
    return np.atleast_1d(np.asarray(value, dtype=float))


class GaussianCloud(Preparation):
    r"""A classical Gaussian density $\propto\exp[-(q-q_0)^2/2\sigma_q^2-(p-p_0)^2/2\sigma_p^2]$, all in one quantum
    state.

    `position`, `momentum`: its centre; `width`, `momentum_width`: the standard deviations $\sigma_q$, $\sigma_p$; each
    one number, or one per coordinate (n,), bohr and atomic units of momentum. Nothing ties the two widths: a
    cloud with $\sigma_q\sigma_p<1/2$ is no quantum state, but a classical side in its own right. `state`: a level
    (diabatic), `Diabatic(level)`, `Adiabatic(level)`, or amplitudes.
    """

    position: Annotated[Float[np.ndarray | Array, " n"], "length"] = eqx.field(converter=_vector)
    momentum: Annotated[Float[np.ndarray | Array, " n"], "momentum"] = eqx.field(converter=_vector)
    width: Annotated[Float[np.ndarray | Array, " n"], "length"] = eqx.field(converter=_vector)
    momentum_width: Annotated[Float[np.ndarray | Array, " n"], "momentum"] = eqx.field(converter=_vector)
    state: ElectronicState = eqx.field(converter=electronic_state, default=0)
    random: ClassVar[bool] = True

    def __check_init__(self):
        for name in ("width", "momentum_width"):
            value = getattr(self, name)
            if isinstance(value, np.ndarray) and not np.all(np.isfinite(value) & (value > 0)):
                raise InvalidInput(f"Argument `{name}` must be positive and finite, got {value.tolist()}.")
        for name in ("position", "momentum"):
            value = getattr(self, name)
            if isinstance(value, np.ndarray) and not np.all(np.isfinite(value)):
                raise InvalidInput(f"Argument `{name}` must be finite, got {value.tolist()}.")

    def check(self, hamiltonian):
        require_canonical(self, hamiltonian)
        coordinates = hamiltonian.manifold.coordinates
        for name in ("position", "momentum", "width", "momentum_width"):
            size = getattr(self, name).shape[0]
            if size not in (1, coordinates):
                raise InvalidInput(
                    f"Argument `{name}` must be one number or {coordinates} (one per coordinate), got {size}."
                )
        self.state.check(hamiltonian)

    def spread(self, manifold: Canonical) -> tuple[Array, Array, Array, Array]:
        """Position, momentum and their standard deviations, each (n,)."""
        position, momentum, width, momentum_width = (
            jnp.broadcast_to(jnp.asarray(value), manifold.masses.shape)
            for value in (self.position, self.momentum, self.width, self.momentum_width)
        )
        return position, momentum, width, momentum_width

    def point_from_normals(self, manifold: Canonical, normals: Float[Array, "2 n"]) -> PhasePoint:
        """The point at so many standard deviations, of positions and of momenta, from the centre."""
        position, momentum, width, momentum_width = self.spread(manifold)
        return PhasePoint(position + width * normals[0], momentum + momentum_width * normals[1])

    def draw(self, hamiltonian, index, key):
        manifold = hamiltonian.manifold
        point = self.point_from_normals(manifold, jax.random.normal(key, (2, manifold.coordinates)))
        return Draw(point, self.state.spinor(hamiltonian, point), jnp.ones(()))

    def density(self, hamiltonian, z):
        return gaussian_density(self.spread(hamiltonian.manifold), z)
