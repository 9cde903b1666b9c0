r"""The logarithm of the gamma function and its derivatives in the right half of the complex plane.

By recurrence to $|z|\ge16$ and Stirling's series from there on; M. Abramowitz and I. A. Stegun, Handbook of
Mathematical Functions, 6.1.40, 6.3.18 and 6.4.11.
"""

import math

import jax.numpy as jnp
import numpy as np

from brackish.typing import Array, Complex, Float

SHIFT = 16
BERNOULLI = (1 / 6, -1 / 30, 1 / 42, -1 / 30, 5 / 66, -691 / 2730, 7 / 6, -3617 / 510)
"""$B_2,B_4,\\dots,B_{16}$: enough for round-off from 16 on, up to the tenth derivative."""


def digamma(z: Complex[Array, "..."]) -> Complex[Array, "..."]:
    r"""$\psi(z)=\Gamma'(z)/\Gamma(z)$ for Re z > 0."""
    far = z + SHIFT
    square = 1 / (far * far)
    tail = sum(b * square**k / (2 * k) for k, b in enumerate(BERNOULLI, start=1))
    steps = jnp.sum(1 / _shifted(z), axis=-1)
    return jnp.log(far) - 0.5 / far - tail - steps


def polygamma(highest: int, z: Complex[Array, ""]) -> Complex[Array, " highest"]:
    r"""The derivatives $\psi^{(m)}(z)$ of the digamma function for m = 1 to `highest`, 10 at most, at one z with
    Re z > 0.
    """
    m = np.arange(1, highest + 1)
    lower, same = np.array([[float(math.factorial(n)) for n in values] for values in (m - 1, m)])
    table = np.array(
        [
            [
                b * math.factorial(2 * k + n - 1) / math.factorial(2 * k)
                for k, b in enumerate(BERNOULLI, start=1)
            ]
            for n in m.tolist()
        ]
    )
    far = z + SHIFT
    tail = table @ jnp.exp(-2 * jnp.log(far) * np.arange(1, 1 + len(BERNOULLI)))
    series = (lower + same / (2 * far) + tail) * jnp.exp(-jnp.log(far) * m)
    steps = jnp.sum(jnp.exp(-jnp.log(_shifted(z))[:, None] * (m + 1.0)[None, :]), axis=0)
    return (-1.0) ** (m + 1) * (series + same * steps)


def log_gamma_modulus(z: Complex[Array, "..."]) -> Float[Array, "..."]:
    r"""$\ln|\Gamma(z)|$ for Re z > 0."""
    far = z + SHIFT
    square = 1 / (far * far)
    tail = sum(b * square ** (k - 1) / (2 * k * (2 * k - 1)) for k, b in enumerate(BERNOULLI, start=1)) / far
    steps = jnp.sum(jnp.log(jnp.abs(_shifted(z))), axis=-1)
    return ((far - 0.5) * jnp.log(far) - far + 0.5 * np.log(2 * np.pi) + tail).real - steps


def _shifted(z):
    """z, z + 1, ..., before the series is good, along a new last axis."""
    return jnp.expand_dims(z, -1) + jnp.arange(SHIFT).reshape((1,) * jnp.ndim(z) + (SHIFT,))
