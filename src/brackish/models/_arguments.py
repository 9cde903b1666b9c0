"""Reading what a user passed to a model: every refusal is one line that names the argument."""

from typing import Any

import numpy as np

from brackish.errors import InvalidInput
from brackish.units import ATOMIC_LABELS, REDUCED_LABELS, InUnit, Labels, given_with_units


def number(name: str, value) -> np.ndarray:
    """A finite real number, as an array of no dimension."""
    try:
        array = np.asarray(value, dtype=float)
    except (TypeError, ValueError):
        raise InvalidInput(f"Argument `{name}` must be a number, got {value!r}.") from None
    if array.ndim != 0 or isinstance(value, str | bool | np.bool_):
        raise InvalidInput(f"Argument `{name}` must be a number, got {_short(value)}.")
    if not np.isfinite(array):
        raise InvalidInput(f"Argument `{name}` must be finite, got {array}.")
    return array


def positive(name: str, value) -> np.ndarray:
    """A finite number above zero, as an array of no dimension."""
    array = number(name, value)
    if array <= 0:
        raise InvalidInput(f"Argument `{name}` must be positive, got {array}.")
    return array


def not_negative(name: str, value) -> np.ndarray:
    """A finite number, zero or more, as an array of no dimension."""
    array = number(name, value)
    if array < 0:
        raise InvalidInput(f"Argument `{name}` must not be negative, got {array}.")
    return array


def whole(name: str, value, largest: int) -> int:
    """A whole number from 1 to `largest`."""
    if isinstance(value, bool) or not isinstance(value, int | np.integer) or not 1 <= value <= largest:
        raise InvalidInput(
            f"Argument `{name}` must be a whole number from 1 to {largest}, got {_short(value)}."
        )
    return int(value)


def real_array(name: str, value, dimensions: int) -> np.ndarray:
    """A finite real array with so many `dimensions`, none of them empty."""
    try:
        array = np.asarray(value)
    except ValueError:
        raise InvalidInput(f"Argument `{name}` must be an array, but its rows differ in length.") from None
    if array.dtype.kind not in "iuf":
        raise InvalidInput(f"Argument `{name}` must hold real numbers, got {_short(value)}.")
    if array.ndim != dimensions or array.size == 0:
        raise InvalidInput(f"Argument `{name}` must have {dimensions} dimension(s), got shape {array.shape}.")
    if not np.all(np.isfinite(array)):
        raise InvalidInput(f"Argument `{name}` must be finite, got {_short(value)}.")
    return array.astype(float)


def positive_array(name: str, value) -> np.ndarray:
    """A finite array (n,) of numbers above zero."""
    array = real_array(name, value, 1)
    if np.any(array <= 0):
        place = int(np.argmin(array))
        raise InvalidInput(f"Argument `{name}` must be positive, but its entry {place} is {array[place]}.")
    return array


def labels_of(*given: Any) -> Labels:
    """What a model without units of its own is measured in: atomic units as soon as one argument was given with a unit,
    else units of its own.
    """
    physical = any(isinstance(value, InUnit) or given_with_units(value) for value in given)
    return ATOMIC_LABELS if physical else REDUCED_LABELS


def _short(value) -> str:
    text = " ".join(repr(value).split())
    return text if len(text) <= 80 else text[:77] + "..."
