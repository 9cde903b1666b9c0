"""Settings of JAX that every number depends on, so that those of the user cannot change a result."""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import jax

from brackish.errors import InvalidInput


@contextmanager
def pinned() -> Iterator[None]:
    """Inside, or around a function that it decorates, random keys are those that JAX makes by default."""
    with jax.threefry_partitionable(True), jax.default_prng_impl("threefry2x32"):
        yield


def require_settings() -> None:
    """Raise `InvalidInput` unless numbers have 64 bits and seeds are taken as they are."""
    set_to: Any = jax.config  # JAX declares none of its settings
    if not set_to.jax_enable_x64:
        raise InvalidInput(
            "64-bit numbers are switched off in JAX (jax_enable_x64 is False); brackish switched them on when it was "
            'imported, and needs them: jax.config.update("jax_enable_x64", True), and make all arrays anew.'
        )
    if offset := set_to.jax_random_seed_offset:
        raise InvalidInput(f"JAX would add {offset} to every seed (jax_random_seed_offset); set it to 0.")
