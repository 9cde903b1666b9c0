r"""Gaussian wave packets, as wavefunctions and as samples of their Wigner function."""

from typing import Annotated, Any, ClassVar

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np

from brackish.errors import InvalidInput
from brackish.manifolds import Canonical, PhasePoint
from brackish.preparations.base import Draw, Preparation, require_canonical
from brackish.preparations.electronic import Adiabatic, ElectronicState, electronic_state
from brackish.typing import Array, Complex, Float, Key, RealScalar


def _vector(value) -> np.ndarray:
    return np.atleast_1d(np.asarray(value, dtype=float))


class GaussianPacket(Preparation):
    r"""A minimum-uncertainty packet $\propto\exp[-(q-q_0)^2/4\sigma^2+ip_0(q-q_0)]$ in one quantum state.

    `position`, `momentum`, `width`: one number, or one per coordinate (n,); bohr and atomic units of
    momentum. `width` is the standard deviation $\sigma$ of the position density; that of the momentum density
    is $1/2\sigma$.
    `state`: a level (diabatic), `Diabatic(level)`, `Adiabatic(level)`, or amplitudes. A packet in an
    adiabatic state follows the eigenstate from place to place.
    """

    position: Annotated[Float[np.ndarray | Array, " n"], "length"] = eqx.field(converter=_vector)
    momentum: Annotated[Float[np.ndarray | Array, " n"], "momentum"] = eqx.field(converter=_vector)
    width: Annotated[Float[np.ndarray | Array, " n"], "length"] = eqx.field(converter=_vector)
    state: ElectronicState = eqx.field(converter=electronic_state, default=0)
    random: ClassVar[bool] = True

    def __check_init__(self):
        if isinstance(self.width, np.ndarray) and not np.all(np.isfinite(self.width) & (self.width > 0)):
            raise InvalidInput(f"Argument `width` must be positive and finite, got {self.width.tolist()}.")
        for name in ("position", "momentum"):
            value = getattr(self, name)
            if isinstance(value, np.ndarray) and not np.all(np.isfinite(value)):
                raise InvalidInput(f"Argument `{name}` must be finite, got {value.tolist()}.")

    def check(self, hamiltonian):
        require_canonical(self, hamiltonian)
        self.check_sizes(hamiltonian.manifold.coordinates)
        self.state.check(hamiltonian)

    def check_sizes(self, coordinates: int) -> None:
        """Raise `InvalidInput` unless every field is one number or has one for each coordinate."""
        for name in ("position", "momentum", "width"):
            size = getattr(self, name).shape[0]
            if size not in (1, coordinates):
                raise InvalidInput(
                    f"Argument `{name}` must be one number or {coordinates} (one per coordinate), got {size}."
                )

    def spread(self, manifold: Canonical) -> tuple[Array, Array, Array, Array]:
        """Position, momentum and their standard deviations, each (n,)."""
        position, momentum, width = (
            jnp.broadcast_to(jnp.asarray(value), manifold.masses.shape)
            for value in (self.position, self.momentum, self.width)
        )
        return position, momentum, width, 0.5 / width

    def draw_point(self, manifold: Canonical, key: Key) -> PhasePoint:
        """A point drawn from the Wigner function of the packet."""
        return self.point_from_normals(manifold, jax.random.normal(key, (2, manifold.coordinates)))

    def point_from_normals(self, manifold: Canonical, normals: Float[Array, "2 n"]) -> PhasePoint:
        """The point at so many standard deviations, of positions and of momenta, from the centre."""
        position, momentum, width, momentum_width = self.spread(manifold)
        return PhasePoint(position + width * normals[0], momentum + momentum_width * normals[1])

    def draw(self, hamiltonian, index, key):
        point = self.draw_point(hamiltonian.manifold, key)
        return Draw(point, self.state.spinor(hamiltonian, point), jnp.ones(()))

    def density(self, hamiltonian, z):
        """The Wigner function of the packet, Gaussian and positive."""
        return gaussian_density(self.spread(hamiltonian.manifold), z)

    def wavefunction(self, hamiltonian, positions):
        centre, momentum, width, _ = self.spread(hamiltonian.manifold)
        envelope = jnp.ones(())
        for axis, x in enumerate(positions):
            shifted = jnp.asarray(x) - centre[axis]
            factor = jnp.exp(-(shifted**2) / (4 * width[axis] ** 2) + 1j * momentum[axis] * shifted)
            factor = factor / jnp.sqrt(jnp.sum(jnp.abs(factor) ** 2) * (x[1] - x[0]))
            envelope = envelope[..., None] * factor[(None,) * envelope.ndim]
        nodes = jnp.stack([x.ravel() for x in jnp.meshgrid(*positions, indexing="ij")], axis=-1)
        spinors = jax.vmap(lambda q: self.state.spinor(hamiltonian, PhasePoint(q, jnp.zeros_like(q))))(nodes)
        spinors = spinors.reshape(*envelope.shape, hamiltonian.levels)
        if isinstance(self.state, Adiabatic):
            origin = tuple(jnp.argmin(jnp.abs(x - c)) for x, c in zip(positions, centre, strict=True))
            spinors = parallel_transport(spinors, origin)
        return jnp.moveaxis(envelope[..., None] * spinors, -1, 0)


def gaussian_density(spread: tuple[Array, Array, Array, Array], z: PhasePoint) -> RealScalar:
    r"""The Gaussian $\prod_k(2\pi\sigma_{q_k}\sigma_{p_k})^{-1}\exp[-(q_k-\bar q_k)^2/2\sigma_{q_k}^2
    -(p_k-\bar p_k)^2/2\sigma_{p_k}^2]$ at one point; `spread`: means and standard deviations, each (n,).
    """
    position, momentum, width, momentum_width = spread
    exponent = ((z.position - position) / width) ** 2 + ((z.momentum - momentum) / momentum_width) ** 2
    return jnp.prod(jnp.exp(-0.5 * exponent) / (2 * jnp.pi * width * momentum_width))


def parallel_transport(
    spinors: Complex[Array, "*grid d"], origin: tuple[Any, ...]
) -> Complex[Array, "*grid d"]:
    """Remove the random phases of eigenvectors on a grid, outwards from the grid point `origin`, axis after
    axis.

    Each vector gets the phase that makes its overlap with its inner neighbour real and positive. On more than
    one axis the result depends on the order of the axes where the Berry curvature does not vanish.
    """
    for axis in reversed(range(len(origin))):
        # the later axes are straight already: one phase for each of their lines, found where they cross the
        # origin
        line = spinors
        for later in range(axis + 1, len(origin)):
            line = jnp.take(line, origin[later][None], axis=later)
        line = jnp.moveaxis(line, axis, 0)
        overlaps = jnp.sum(jnp.conj(line[:-1]) * line[1:], axis=-1)
        size = jnp.abs(overlaps)
        turns = jnp.where(size > 0, jnp.conj(overlaps) / jnp.where(size > 0, size, 1.0), 1.0)
        phases = jnp.concatenate([jnp.ones_like(turns[:1]), jnp.cumprod(turns, axis=0)])
        phases = phases * jnp.conj(jnp.take(phases, origin[axis], axis=0))[None]
        spinors = spinors * jnp.moveaxis(phases, 0, axis)[..., None]
    return spinors
