r"""How two oscillators are tied together.

$$V=\tfrac12K_1q_1^2+\tfrac12K_2q_2^2-c\,q_1q_2$$
"""

import abc

import equinox as eqx
import jax.numpy as jnp
import numpy as np

from brackish.analysis.oscillators._checks import real
from brackish.typing import Array, Float


class OscillatorCoupling(eqx.Module):
    """The interface of every quadratic coupling of two oscillators."""

    @abc.abstractmethod
    def stiffening(self) -> Float[np.ndarray | Array, ""]:
        """What it adds to the stiffness of either oscillator, K - k, mass over time squared."""

    @abc.abstractmethod
    def pull(self) -> Float[np.ndarray | Array, ""]:
        """c: the force on one oscillator per displacement of the other."""


class Spring(OscillatorCoupling):
    r"""A spring between the two, $V_I=\tfrac\lambda2(q_1-q_2)^2$; `strength` is $\lambda$, any sign."""

    strength: Float[np.ndarray | Array, ""] | float = eqx.field(
        converter=lambda value: real("strength", value, 0)
    )

    def stiffening(self):
        return self.strength

    def pull(self):
        return self.strength


class Bilinear(OscillatorCoupling):
    r"""The product of the two, $V_I=\lambda q_1q_2$; `strength` is $\lambda$, any sign."""

    strength: Float[np.ndarray | Array, ""] | float = eqx.field(
        converter=lambda value: real("strength", value, 0)
    )

    def stiffening(self):
        return jnp.zeros(())

    def pull(self):
        return -jnp.asarray(self.strength)
