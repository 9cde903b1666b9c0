"""Random numbers inside the loop over time: they belong to a trajectory and a step, and cost next to nothing.

JAX's own generator takes as long as the rest of a surface-hopping step on a CPU (measured). Inside the loop
stands a counter-based one in plain 64-bit arithmetic, "squares" of B. Widynski, arXiv:2004.06278: the key is
the trajectory's, drawn by JAX, and the counter is the number of the step. Nothing is carried along, so
chunks, threads and restarts cannot change a draw.
"""

import equinox as eqx
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Float, Int, UInt32, UInt64

from brackish.trigonometry import cosine_and_sine

DRAWS_A_STEP = 16
ANOTHER_STREAM = 0xA3C59AC2F0367B5E
"""Mixed into the key of bits, so that they share no counter with the uniform numbers."""


class StepDraws(eqx.Module):
    """What one trajectory may draw in one step. `key`: (2,), the trajectory's; `step`: its number from the
    start.
    """

    key: UInt32[Array, "2"]
    step: Int[Array, ""]

    def uniform(self, which: int = 0) -> Float[Array, ""]:
        """A number in [0, 1); a step has `DRAWS_A_STEP` independent ones."""
        counter = self.step.astype(jnp.uint64) * jnp.uint64(DRAWS_A_STEP) + jnp.uint64(which)
        return (_squares(counter, self._whole_key()) >> 11).astype(float) * 2.0**-53

    def bits(self, count: int) -> UInt64[Array, " count"]:
        """Random bits, (count,) words of 64, independent of `uniform`."""
        counter = self.step.astype(jnp.uint64) * jnp.uint64(count) + jnp.arange(count, dtype=jnp.uint64)
        return _squares(counter, self._whole_key() ^ jnp.uint64(ANOTHER_STREAM))

    def _whole_key(self):
        return (self.key[0].astype(jnp.uint64) << 32) | self.key[1].astype(jnp.uint64) | jnp.uint64(1)


def normals(bits: UInt64[Array, " pairs"]) -> Float[Array, " two_pairs"]:
    """Independent normal deviates, (2 pairs,), by the rule of Box and Muller from the two halves of each word; none is
    larger than 6.8.
    """
    radius = jnp.sqrt(-2 * jnp.log(((bits >> 32).astype(float) + 0.5) * 2.0**-32))
    angle = (bits & jnp.uint64(2**32 - 1)).astype(float) * (2 * np.pi * 2.0**-32)
    cosine, sine = cosine_and_sine(angle)
    return jnp.concatenate([radius * cosine, radius * sine])


def _squares(counter, key):
    """Five rounds of squaring, as printed in the paper (64 bits out)."""
    x = y = counter * key
    z = y + key
    x = _swapped(x * x + y)
    x = _swapped(x * x + z)
    x = _swapped(x * x + y)
    last = x * x + z
    x = _swapped(last)
    return last ^ ((x * x + y) >> 32)


def _swapped(x):
    return (x >> 32) | (x << 32)
