r"""What theories of noise on a grid share: the trade-off between decoherence and diffusion, and friction."""

import equinox as eqx
import jax.numpy as jnp
import numpy as np

from brackish.errors import InvalidInput
from brackish.grids import PhaseSpace
from brackish.typing import Array, Float


class TradeOff(eqx.Module):
    r"""How much decoherence comes with diffusion: the `ratio` $\kappa=4DD_0$."""

    ratio: eqx.AbstractVar[float]


class KeptTradeOff(TradeOff):
    r"""A `ratio` $\kappa\ge1$, which keeps hybrid states positive. At 1, the least decoherence, it is saturated.

    Raises `InvalidInput` for less than 1.
    """

    ratio: float = 1.0

    def __check_init__(self):
        if not (np.isfinite(self.ratio) and self.ratio >= 1):
            raise InvalidInput(
                f"Argument `trade_off` must be at least 1, got {self.ratio}: with less decoherence than "
                "1 / (4 diffusion) a hybrid state does not stay positive. ViolatedTradeOff shows what happens."
            )


class ViolatedTradeOff(TradeOff):
    r"""A `ratio` $0\le\kappa<1$: a look at what goes wrong. At 0 there is diffusion without decoherence.

    Raises `InvalidInput` outside of this range.
    """

    ratio: float

    def __check_init__(self):
        if not 0 <= self.ratio < 1:
            raise InvalidInput(
                f"Argument `ratio` of ViolatedTradeOff must be from 0 to below 1, got {self.ratio}; from 1 on the "
                "trade-off is kept."
            )


def trade_off(value) -> TradeOff:
    """A number is a trade-off that is kept."""
    return value if isinstance(value, TradeOff) else KeptTradeOff(float(value))


def check_noise(diffusion: float, friction: float) -> None:
    """Raise `InvalidInput` for a diffusion that is not positive, and for a negative friction."""
    if not (np.isfinite(diffusion) and diffusion > 0):
        raise InvalidInput(
            f"Argument `diffusion` must be positive, got {diffusion}: without noise in the momentum there can "
            "be no back-reaction of a quantum system. AleksandrovGerasimenko goes without, and loses positivity."
        )
    if not (np.isfinite(friction) and friction >= 0):
        raise InvalidInput(f"Argument `friction` must be a rate of at least 0, got {friction}.")


def dilation(grid: PhaseSpace, exponent) -> Float[Array, "P P"]:
    r"""$f(p)\to e^xf(e^xp)$ for the `exponent` x as a matrix that acts from the right.

    On waves $\tilde f(s)\to\tilde f(e^{-x}s)$; for a function that vanishes at the rim, a wave between those of the
    grid is a sum over nodes like any other.
    """
    nodes, waves = (jnp.asarray(part[1]) for part in (grid.plane.positions(), grid.plane.wavenumbers()))
    before = jnp.exp(-1j * jnp.exp(-exponent) * nodes[:, None] * waves[None])
    return (before @ jnp.exp(1j * waves[:, None] * nodes[None])).real / len(nodes)
