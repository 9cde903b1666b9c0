r"""How much decoherence comes with diffusion, as all classical-quantum theories mean it.

A momentum that has felt the force knows the quantum state, as well as its noise D allows, and so the state decoheres by
$D_0\succeq\frac14D^{-1}$: eq. (5) of "Classical-quantum oscillators as diffusive processes in phase space",
arXiv:2510.07402.
"""

import equinox as eqx
import numpy as np

from brackish.errors import InvalidInput


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
    return value if isinstance(value, TradeOff) else KeptTradeOff(value)
