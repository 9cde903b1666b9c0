r"""The two motions of a damped oscillator, $\ddot x+2h\dot x+\omega^2x=0$, without a division by the difference of its
rates: at critical damping, $\omega=h$, they and all their derivatives are as smooth as elsewhere.
"""

from math import factorial

import jax.numpy as jnp

from brackish.typing import RealScalar

NEAR = 1.0
r"""Below this size of $(\omega^2-h^2)t^2$ both motions are summed as series."""
TERMS = 11
"""Of the series: the next one is below round-off."""


def damped_motions(half_rate, squared_frequency, time) -> tuple[RealScalar, RealScalar]:
    r"""$e^{-ht}\cos at$ and $e^{-ht}\sin(at)/a$ with $a^2=\omega^2-h^2$ of any sign: hyperbolic where overdamped.

    `half_rate`: h. `squared_frequency`: $\omega^2$.
    """
    squared = jnp.asarray(squared_frequency - half_rate**2, dtype=float)
    near = jnp.abs(squared) * time**2 < NEAR
    # a square root has no slope at 0, also where it is not chosen
    root = jnp.sqrt(jnp.where(near, 1.0, jnp.abs(squared)))
    decay = jnp.exp(-half_rate * time)
    # the slower of two rates without the difference of near numbers, and neither ever grows
    slower, faster = (
        jnp.exp(-rate * time) for rate in (squared_frequency / (half_rate + root), half_rate + root)
    )
    swinging = squared > 0
    cosine = jnp.where(swinging, decay * jnp.cos(root * time), 0.5 * (slower + faster))
    sine = jnp.where(swinging, decay * jnp.sin(root * time), 0.5 * (slower - faster)) / root
    series = _series(jnp.where(near, squared * time**2, 0.0))
    return jnp.where(near, decay * series[0], cosine), jnp.where(near, decay * time * series[1], sine)


def _series(x):
    r"""$\cos\sqrt x$ and $\sin\sqrt x/\sqrt x$."""
    even, odd = jnp.zeros_like(x), jnp.zeros_like(x)
    for power in reversed(range(TERMS)):
        even = (-1) ** power / factorial(2 * power) + x * even
        odd = (-1) ** power / factorial(2 * power + 1) + x * odd
    return even, odd
