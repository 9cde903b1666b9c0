r"""What theories of noise on a grid share: diffusion, friction and decoherence, and how friction is done."""

from typing import Protocol, runtime_checkable

import equinox as eqx
import jax.numpy as jnp
import numpy as np

from brackish.errors import InvalidInput
from brackish.grids import PhaseSpace
from brackish.theories._trade_off import TradeOff
from brackish.typing import Array, Float


@runtime_checkable
class HasNoise(Protocol):
    """The fields of a theory with noise."""

    diffusion: float
    friction: float
    trade_off: TradeOff


class MomentumNoise(eqx.Module):
    """What theories with a `diffusion`, a `friction` and a `trade_off` have in common.

    Raises `InvalidInput` for a diffusion that is not positive, and for a negative friction.
    """

    def __check_init__(self: HasNoise):
        if not (np.isfinite(self.diffusion) and self.diffusion > 0):
            raise InvalidInput(
                f"Argument `diffusion` must be positive, got {self.diffusion}: without noise in the momentum there can "
                "be no back-reaction of a quantum system. AleksandrovGerasimenko goes without, and loses positivity."
            )
        if not (np.isfinite(self.friction) and self.friction >= 0):
            raise InvalidInput(f"Argument `friction` must be a rate of at least 0, got {self.friction}.")

    @property
    def decoherence(self: HasNoise) -> float:
        r"""$D_0=\kappa/4D$."""
        return self.trade_off.ratio / (4 * self.diffusion)


def dilation(grid: PhaseSpace, exponent) -> Float[Array, "P P"]:
    r"""$f(p)\to e^xf(e^xp)$ for the `exponent` x as a matrix that acts from the right.

    On waves $\tilde f(s)\to\tilde f(e^{-x}s)$; for a function that vanishes at the rim, a wave between those of the
    grid is a sum over nodes like any other.
    """
    nodes, waves = (jnp.asarray(part[1]) for part in (grid.plane.positions(), grid.plane.wavenumbers()))
    before = jnp.exp(-1j * jnp.exp(-exponent) * nodes[:, None] * waves[None])
    return (before @ jnp.exp(1j * waves[:, None] * nodes[None])).real / len(nodes)
