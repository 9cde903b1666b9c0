r"""A packet as a fluid: elements of equal probability, each with the momentum that the wavefunction has there."""

from typing import Any, ClassVar

import equinox as eqx
import jax.numpy as jnp
import numpy as np
from jax.scipy.special import ndtri

from brackish.errors import InvalidInput
from brackish.manifolds import PhasePoint
from brackish.preparations.base import Draw, Preparation
from brackish.preparations.packet import GaussianPacket
from brackish.preparations.quasi_random import evenly_spread


def _whole(value: Any) -> Any:
    return int(value) if isinstance(value, np.integer) else value


class FluidElements(Preparation):
    r"""Points of equal weight at the quantiles $(k+\frac12)/N$ of the position density of `packet`, all with its mean
    momentum, which is the momentum field $\mathrm{Im}\,\Psi^\dagger\partial\Psi/n$ of a Gaussian everywhere.

    The start of quantum hydrodynamics, and of theories in which neighbours know of each other by their positions: there
    is one momentum and one quantum state at each place, as in an exact wavefunction, where points of a Wigner function
    have many. The spread of momenta that comes with the uncertainty relation is left out. Along further coordinates
    points are laid by a sequence of low discrepancy.

    `packet`: a `GaussianPacket`. `number`: N, how many. Means carry no standard error, for nothing is random.
    """

    packet: GaussianPacket
    number: int = eqx.field(static=True, converter=_whole)
    random: ClassVar[bool] = False

    def __check_init__(self):
        if isinstance(self.number, bool) or not isinstance(self.number, int) or self.number < 1:
            raise InvalidInput(
                f"Argument `number` of FluidElements must be a whole number of at least 1, got {self.number!r}."
            )

    def check(self, hamiltonian):
        self.packet.check(hamiltonian)

    def count(self):
        """N."""
        return self.number

    def spread(self, manifold):
        """Position, momentum and their standard deviations, each (n,); that of the momenta is zero."""
        position, momentum, width, _ = self.packet.spread(manifold)
        return position, momentum, width, jnp.zeros_like(width)

    def draw(self, hamiltonian, index, key):
        position, momentum, width, _ = self.packet.spread(hamiltonian.manifold)
        place = evenly_spread(index, position.shape[0]).at[0].set((index + 0.5) / self.number)
        point = PhasePoint(position + width * ndtri(place), momentum)
        return Draw(point, self.packet.state.spinor(hamiltonian, point), jnp.ones(()))

    def wavefunction(self, hamiltonian, positions):
        return self.packet.wavefunction(hamiltonian, positions)
