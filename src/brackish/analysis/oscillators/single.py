r"""One classical oscillator with noise: appendix A of "Classical-quantum oscillators as diffusive processes in phase
space" (arXiv 2510.07402), whose equation numbers are quoted.
"""

import equinox as eqx
import jax.numpy as jnp
import numpy as np

from brackish.analysis.oscillators._checks import at_least, real
from brackish.analysis.oscillators._damping import damped_motions
from brackish.analysis.oscillators.linear import LinearOscillators
from brackish.typing import Array, Complex, Float, RealScalar


class StochasticOscillator(eqx.Module):
    r"""An oscillator whose momentum diffuses, and which nothing damps: it is heated without end. Eqs. (113)-(122).

    `mass`, `stiffness` and `diffusion` D, $\langle dp^2\rangle=D\,dt$. Raises `InvalidInput` for a mass or stiffness
    that is not positive, or negative diffusion.
    """

    mass: Float[np.ndarray | Array, ""] | float = eqx.field(converter=lambda value: real("mass", value, 0))
    stiffness: Float[np.ndarray | Array, ""] | float = eqx.field(
        converter=lambda value: real("stiffness", value, 0)
    )
    diffusion: Float[np.ndarray | Array, ""] | float = eqx.field(
        converter=lambda value: real("diffusion", value, 0)
    )

    def __check_init__(self):
        at_least("mass", self.mass, 0.0, open_end=True)
        at_least("stiffness", self.stiffness, 0.0, open_end=True)
        at_least("diffusion", self.diffusion, 0.0)

    def linear(self) -> LinearOscillators:
        """The same as a linear system."""
        return _alone(self.mass, self.stiffness, jnp.zeros(()), self.diffusion)

    def mean_energy(self, time, start) -> RealScalar:
        r"""$\langle E\rangle_t=\langle E\rangle_0+\frac D{2m}t$, eq. (121)."""
        return jnp.asarray(start + 0.5 * self.diffusion / self.mass * time)

    def covariance_from_rest(self, time) -> Float[Array, "2 2"]:
        """Of (q, p) after a time, from a point; solves eqs. (115) and (116)."""
        squared = jnp.asarray(self.stiffness) / self.mass
        frequency = jnp.sqrt(squared)
        beat = jnp.sin(2 * frequency * time) / (2 * frequency)
        position = self.diffusion / (2 * self.mass**2 * squared) * (time - beat)
        both = self.diffusion / (2 * self.mass * squared) * jnp.sin(frequency * time) ** 2
        return jnp.array([[position, both], [both, 0.5 * self.diffusion * (time + beat)]])


class DampedOscillator(eqx.Module):
    r"""An oscillator with noise and friction, at temperature $T=D/2\alpha$. Eqs. (123)-(132).

    `mass`, `stiffness`, `friction` $\alpha$ (force per velocity) and `diffusion` D, $\langle dp^2\rangle=D\,dt$. Raises
    `InvalidInput` for a mass, stiffness or friction that is not positive, or negative diffusion.
    """

    mass: Float[np.ndarray | Array, ""] | float = eqx.field(converter=lambda value: real("mass", value, 0))
    stiffness: Float[np.ndarray | Array, ""] | float = eqx.field(
        converter=lambda value: real("stiffness", value, 0)
    )
    friction: Float[np.ndarray | Array, ""] | float = eqx.field(
        converter=lambda value: real("friction", value, 0)
    )
    diffusion: Float[np.ndarray | Array, ""] | float = eqx.field(
        converter=lambda value: real("diffusion", value, 0)
    )

    def __check_init__(self):
        for name in ("mass", "stiffness", "friction"):
            at_least(name, getattr(self, name), 0.0, open_end=True)
        at_least("diffusion", self.diffusion, 0.0)

    def linear(self) -> LinearOscillators:
        """The same as a linear system."""
        return _alone(self.mass, self.stiffness, self.friction, self.diffusion)

    def temperature(self) -> RealScalar:
        r"""$T=D/2\alpha$, $k_B=1$."""
        return jnp.asarray(self.diffusion) / (2 * self.friction)

    def eigenvalues(self) -> Complex[Array, "2"]:
        r"""$\frac\gamma2\big(1\pm\sqrt{1-4\omega^2/\gamma^2}\big)$, eq. (127), with $\gamma=\alpha/m$."""
        half = 0.5 * self.friction / self.mass
        root = jnp.sqrt(half**2 - self.stiffness / self.mass + 0j)
        return jnp.stack([half + root, half - root])

    def steady_covariance(self) -> Float[Array, "2 2"]:
        r"""Of (q, p): $T/k$ and $mT$, the Gibbs state, eqs. (129)-(132)."""
        return jnp.diag(
            self.temperature() * jnp.stack([1 / jnp.asarray(self.stiffness), jnp.asarray(self.mass)])
        )

    def correlation(self, time) -> RealScalar:
        r"""$\langle q(t)q(0)\rangle=\frac Tke^{-\gamma t/2}\big(\cos at+\frac\gamma{2a}\sin at\big)$,
        $a^2=\omega^2-\gamma^2/4$, in the steady state; at any damping, the critical one, $a=0$, included.
        """
        half = 0.5 * self.friction / self.mass
        cosine, sine = damped_motions(half, self.stiffness / self.mass, time)
        return self.temperature() / self.stiffness * (cosine + half * sine)


def _alone(mass, stiffness, friction, diffusion) -> LinearOscillators:
    square = (jnp.reshape(jnp.asarray(value), (1, 1)) for value in (stiffness, friction, diffusion))
    return LinearOscillators(jnp.reshape(jnp.asarray(mass), (1,)), *square)
