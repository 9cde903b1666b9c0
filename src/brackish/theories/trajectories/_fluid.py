"""What theories of a probability fluid share: where its elements start."""

from typing import Any

import jax
import jax.numpy as jnp

from brackish.preparations.quasi_random import evenly_spread
from brackish.typing import Array, Float


def even_places(preparation: Any, key: Array, coordinates: int) -> Float[Array, "N n"]:
    """N evenly spread points of the unit cube, one for each `key`: equal strata in one coordinate, a sequence of low
    discrepancy in more.

    A preparation that is random shifts all of them by one random number per coordinate.
    """
    count = key.shape[0]
    shift = jax.random.uniform(key[0], (coordinates,)) if preparation.random else jnp.full(coordinates, 0.5)
    if coordinates == 1:
        return (jnp.arange(count)[:, None] + shift[None]) / count
    return jax.vmap(lambda index: evenly_spread(index, coordinates, shift))(jnp.arange(count))
