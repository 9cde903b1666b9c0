"""A packet's Wigner function on a deterministic lattice of phase space."""

from typing import ClassVar

import equinox as eqx
import jax.numpy as jnp
import numpy as np

from brackish.errors import InvalidInput
from brackish.manifolds import PhasePoint
from brackish.preparations.base import Draw, Preparation
from brackish.preparations.packet import GaussianPacket


class PacketLattice(Preparation):
    """The Wigner function of `packet` as weights on a regular lattice: smooth in every parameter, and without
    noise.

    `shape`: points per coordinate in position and in momentum, the same for each coordinate. `reach`: half
    the extent of the lattice, in standard deviations; with 6 the second moments are right to 1e-6.
    """

    packet: GaussianPacket
    shape: tuple[int, int] = eqx.field(static=True, default=(24, 24))
    reach: float = 6.0
    random: ClassVar[bool] = False

    def __check_init__(self):
        if len(self.shape) != 2 or any(n < 1 for n in self.shape):
            raise InvalidInput(f"Argument `shape` must be two positive numbers of points, got {self.shape}.")

    def check(self, hamiltonian):
        self.packet.check(hamiltonian)
        if hamiltonian.manifold.coordinates > 2:
            raise InvalidInput(
                f"PacketLattice is for at most 2 coordinates, got {hamiltonian.manifold.coordinates}; "
                "sample the packet itself."
            )

        if self._coordinates() != hamiltonian.manifold.coordinates:
            raise InvalidInput(
                f"The packet of a PacketLattice must give one position for each of "
                f"{hamiltonian.manifold.coordinates} coordinates, so that the points can be counted."
            )

    def _coordinates(self) -> int:
        return max(v.shape[0] for v in (self.packet.position, self.packet.momentum, self.packet.width))

    def standard_deviations(self, hamiltonian):
        return self.packet.standard_deviations(hamiltonian)

    def count(self):
        return int(np.prod(self.shape)) ** self._coordinates()

    def draw(self, hamiltonian, index, key):
        position, momentum, width, momentum_width = self.packet.spread(hamiltonian.manifold)
        q_nodes, p_nodes = (
            jnp.asarray(np.linspace(-self.reach, self.reach, n + 2)[1:-1]) for n in self.shape
        )
        offsets_q, offsets_p, weight = [], [], self.count()
        for _ in range(position.shape[0]):
            index, i = jnp.divmod(index, self.shape[0])
            index, j = jnp.divmod(index, self.shape[1])
            offsets_q.append(q_nodes[i])
            offsets_p.append(p_nodes[j])
            for nodes, k in ((q_nodes, i), (p_nodes, j)):
                gaussian = jnp.exp(-0.5 * nodes**2)
                weight = weight * gaussian[k] / jnp.sum(gaussian)
        point = PhasePoint(
            position + width * jnp.stack(offsets_q), momentum + momentum_width * jnp.stack(offsets_p)
        )
        return Draw(point, self.packet.state.spinor(hamiltonian, point), weight)
