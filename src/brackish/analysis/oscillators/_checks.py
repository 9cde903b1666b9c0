"""Reading the parameters of oscillators. What JAX traces has no value yet, and is taken as it is."""

import jax
import jax.numpy as jnp
import numpy as np

from brackish.errors import InvalidInput
from brackish.typing import Array


def known(*values) -> bool:
    """Whether all values are there, not traced by a transformation of JAX."""
    return not any(
        isinstance(leaf, jax.core.Tracer) for value in values for leaf in jax.tree_util.tree_leaves(value)
    )


def real(name: str, value, dimensions: int) -> np.ndarray | Array:
    """A finite real array of so many dimensions; traced values keep what they are."""
    if not known(value):
        return jnp.asarray(value, dtype=float)
    try:
        array = np.asarray(value, dtype=float)
    except (TypeError, ValueError):
        raise InvalidInput(f"Argument `{name}` must hold real numbers.") from None
    if array.ndim != dimensions:
        kind = ("a number", "a vector", "a matrix")[dimensions]
        raise InvalidInput(f"Argument `{name}` must be {kind}, got an array of shape {array.shape}.")
    if not np.all(np.isfinite(array)):
        raise InvalidInput(f"Argument `{name}` must be finite.")
    return array


def at_least(name: str, value, smallest: float, open_end: bool = False) -> None:
    """Refuse numbers below `smallest`, or equal to it at an `open_end`."""
    if not known(value):
        return
    lowest = float(np.min(value))
    if lowest < smallest or (open_end and lowest == smallest):
        wanted = f"above {smallest:g}" if open_end else f"at least {smallest:g}"
        raise InvalidInput(f"Argument `{name}` must be {wanted}, got {lowest:g}.")


def symmetric(name: str, value) -> None:
    """Refuse a matrix that differs from its transpose."""
    if value.shape[0] != value.shape[1]:
        raise InvalidInput(f"Argument `{name}` must be square, got shape {value.shape}.")
    if not known(value):
        return
    value = np.asarray(value)
    asymmetry = np.abs(value - value.T).max(initial=0.0)
    if asymmetry > 1e-12 * np.abs(value).max(initial=1.0):
        raise InvalidInput(f"Argument `{name}` must be symmetric; its largest asymmetry is {asymmetry:.3g}.")


def not_negative_matrix(name: str, value) -> None:
    """Refuse a symmetric matrix with a negative eigenvalue."""
    symmetric(name, value)
    if not known(value):
        return
    value = np.asarray(value)
    lowest = float(np.linalg.eigvalsh(value).min(initial=0.0))
    if lowest < -1e-12 * np.abs(value).max(initial=1.0):
        raise InvalidInput(
            f"Argument `{name}` must not have negative eigenvalues; its smallest is {lowest:.3g}."
        )
