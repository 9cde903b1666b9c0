"""Arguments that theories of magnets share, checked."""

from collections.abc import Callable

import jax.numpy as jnp
import numpy as np

from brackish.errors import InvalidInput
from brackish.tracing import follow


def damping_number(value) -> np.ndarray:
    """A damping, 0 or more. Raises `InvalidInput`."""
    value = np.asarray(value, dtype=float)
    if value.ndim or not np.isfinite(value) or value < 0:
        raise InvalidInput(f"Argument `damping` must be one finite number, 0 or more, got {value.tolist()}.")
    return value


def temperature_or_function(value) -> np.ndarray | Callable | None:
    """A temperature, 0 or more, or a function of time; None for 0, which draws nothing. Raises `InvalidInput`."""
    if callable(value):
        shape = follow("The function `temperature`", lambda t: jnp.asarray(value(t), float), 0.0).shape
        if shape:
            raise InvalidInput(
                f"The function `temperature` must return one number, got an array of shape {shape}."
            )
        return value
    if value is None:
        return value
    value = np.asarray(value, dtype=float)
    if value.ndim or not np.isfinite(value) or value < 0:
        raise InvalidInput(
            f"Argument `temperature` must be one finite number, 0 or more, or a function of time, got {value.tolist()}."
        )
    return value if value > 0 else None
