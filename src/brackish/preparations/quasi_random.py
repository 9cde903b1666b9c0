r"""Points that fill a Gaussian density evenly: far less noise than independent draws, for coupled ensembles."""

from typing import Any, ClassVar

import jax.numpy as jnp
import numpy as np
from jax.scipy.special import ndtri

from brackish.hamiltonians import HybridHamiltonian
from brackish.manifolds import Canonical
from brackish.preparations.base import Draw, Preparation
from brackish.preparations.cloud import GaussianCloud
from brackish.preparations.packet import GaussianPacket
from brackish.typing import Array


class QuasiRandom(Preparation):
    r"""The Wigner function of a packet, or the density of a cloud, by a sequence of low discrepancy.

    Point k, counted from 1, of the additive recurrence $u_j=\mathrm{frac}(\tfrac12+k/\varphi^j)$, $j=1\dots2n$, with
    $\varphi^{2n+1}=\varphi+1$, through the inverse of the normal distribution (positions first). Any number of them
    fills the density evenly, so coupled ensembles of some hundred are as good as thousands of independent draws, in up
    to about four coordinates; in thirty they are no better than draws. Means carry no standard error, for nothing is
    random.

    `start`: a `GaussianPacket` or a `GaussianCloud`.
    """

    start: GaussianPacket | GaussianCloud
    random: ClassVar[bool] = False

    def check(self, hamiltonian):
        self.start.check(hamiltonian)

    def spread(self, manifold):
        """Position, momentum and their standard deviations, each (n,)."""
        return self.start.spread(manifold)

    def draw(self, hamiltonian, index, key):
        manifold = hamiltonian.manifold
        normals = ndtri(evenly_spread(index, 2 * manifold.coordinates)).reshape(2, manifold.coordinates)
        point = self.start.point_from_normals(manifold, normals)
        return Draw(point, self.start.state.spinor(hamiltonian, point), jnp.ones(()))

    def density(self, hamiltonian, z):
        return self.start.density(hamiltonian, z)

    def wavefunction(self, hamiltonian, positions) -> Array:
        return self.start.wavefunction(hamiltonian, positions)


def evenly_spread(index: Array, dimensions: int, shift: Any = 0.5) -> Array:
    """Point number `index` (from 0) of the sequence in the unit cube of so many dimensions, (dimensions,)."""
    steps = jnp.asarray(_steps(dimensions))
    # each product is cut before it grows, so that no digits are lost at large k
    return jnp.mod(shift + jnp.mod((index + 1) * steps, 1.0), 1.0)


LARGEST_EVEN = 4
"""Coordinates up to which the points of the sequence are better than drawn ones: beyond, some thousand of them leave
as much noise, but none that could be measured.
"""


def evenly(preparation: Preparation, hamiltonian: HybridHamiltonian) -> Preparation:
    """The even form of a packet or a cloud, for one coupled ensemble in few coordinates; else as it is."""
    if not isinstance(preparation, GaussianPacket | GaussianCloud):
        return preparation
    manifold = hamiltonian.manifold
    few = isinstance(manifold, Canonical) and manifold.coordinates <= LARGEST_EVEN
    return QuasiRandom(preparation) if few else preparation


def _steps(dimensions: int) -> np.ndarray:
    """1 / phi^j for j = 1 ... dimensions, phi the positive root of phi^(dimensions + 1) = phi + 1."""
    phi = 2.0
    for _ in range(64):
        phi = (1 + phi) ** (1 / (dimensions + 1))
    return phi ** -np.arange(1.0, dimensions + 1)
