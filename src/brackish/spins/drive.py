"""Fields that change with the time, looked at over a whole run before a step is chosen for it.

A field is a function of which only values are known. It is looked at on a grid of `INSTANTS` times, fewer where it
differs from spin to spin (`NUMBERS` vectors in all, but `FEWEST` times), and on a finer one if the step that follows
is shorter than two of the grid's spacings, up to `MOST` times. What is shorter than a spacing may be missed.
"""

import math
from collections.abc import Callable

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np

from brackish.typing import Array, Float

INSTANTS, NUMBERS, FEWEST, MOST = 2**16, 2**22, 2**12, 2**20
"""Times at which a field is looked at; see above."""
TOGETHER = 2**18
"""Vectors that are looked at in one call."""
SWITCH = 8
"""A field that changes within fewer spacings of the grid is switched: no step resolves that."""


class LargestField(eqx.Module):
    """Of each spin the largest field that it meets in a run, at all times. `pace`: how long the field takes, at its
    fastest, to change by as much as it does in the run.
    """

    vectors: Float[np.ndarray, "N 3"]
    pace: float = eqx.field(static=True)

    def __call__(self, t) -> Float[Array, "N 3"]:
        return jnp.asarray(self.vectors)


def largest_field(
    field: Callable, count: int, stop: float, step_in: Callable[[LargestField], float]
) -> LargestField:
    """What `count` spins meet of a field in a run from time 0 to `stop`; `step_in` says the step in such a field."""
    of_all = len(jax.eval_shape(field, 0.0).shape) == 1
    instants = INSTANTS if of_all else min(INSTANTS, max(FEWEST, NUMBERS // count))
    while True:
        found = _on_grid(field, count, stop, instants, 1 if of_all else count)
        finer = min(math.ceil(2 * stop / step_in(found)), MOST)
        if finer <= instants:
            return found
        instants = finer


def _on_grid(field: Callable, count: int, stop: float, instants: int, vectors: int) -> LargestField:
    times = np.linspace(0.0, stop, instants + 1)
    low, high = np.full((vectors, 3), np.inf), np.full((vectors, 3), -np.inf)
    largest, size, changes = np.zeros((vectors, 3)), np.zeros(vectors), []
    look = jax.jit(lambda t: _looked_at(jnp.reshape(jax.vmap(field)(t), (t.size, vectors, 3))))
    block = max(2, min(TOGETHER // vectors, instants))
    for start in range(0, instants, block):
        # the first of a block is the last of the one before; beyond the end the field is not asked
        which = np.minimum(np.arange(start, start + block + 1), instants)
        lowest, highest, peak, change = (np.asarray(x) for x in look(times[which]))
        low, high = np.minimum(low, lowest), np.maximum(high, highest)
        larger = np.linalg.norm(peak, axis=1) > size
        largest[larger], size = peak[larger], np.maximum(size, np.linalg.norm(peak, axis=1))
        changes.append(change)
    reach = float(np.max(np.linalg.norm(high - low, axis=1)))
    change = np.concatenate(changes)
    resolved = change[change * SWITCH < reach]
    fastest = float(np.max(resolved, initial=0.0)) * instants / stop
    return LargestField(np.broadcast_to(largest, (count, 3)).copy(), reach / fastest if fastest else math.inf)


def _looked_at(values: Float[Array, "times vectors 3"]) -> tuple[Array, Array, Array, Array]:
    """Bounds of every component, (vectors, 3); the largest vectors, (vectors, 3); changes from time to time, of the
    spin that changes most.
    """
    size = jnp.sum(values**2, axis=2)
    peak = jnp.take_along_axis(values, jnp.argmax(size, axis=0)[None, :, None], axis=0)[0]
    change = jnp.max(jnp.linalg.norm(jnp.diff(values, axis=0), axis=2), axis=1)
    return jnp.min(values, axis=0), jnp.max(values, axis=0), peak, change
