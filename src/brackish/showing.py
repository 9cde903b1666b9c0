"""How packets, models and theories show themselves: by name, with their numbers."""

import dataclasses
from typing import Any

import numpy as np

MOST_NUMBERS = 12
"""Of an array; a larger one shows its shape."""
DIGITS = 6
WIDTH = 100
"""Characters in a line; what is longer gets a line for each entry."""


def in_text(value: Any) -> str:
    """A value as text: data by their entries, small arrays by their numbers, functions by name.

    Entries that a calculation made (`repr=False`, or settled before a run and still open) are left out.
    """
    if dataclasses.is_dataclass(value) and not isinstance(value, type):
        entries = [
            f"{field.name}={in_text(getattr(value, field.name, None))}"
            for field in dataclasses.fields(value)
            if field.repr and not (field.metadata.get("settled") and getattr(value, field.name, None) is None)
        ]
        return _bracketed(type(value).__name__ + "(", entries, ")")
    if isinstance(value, tuple | list):
        first, last = "()" if isinstance(value, tuple) else "[]"
        alone = "," if isinstance(value, tuple) and len(value) == 1 else ""
        return _bracketed(first, [in_text(entry) for entry in value], alone + last)
    if isinstance(value, dict):
        return _bracketed("{", [f"{key!r}: {in_text(entry)}" for key, entry in value.items()], "}")
    if hasattr(value, "shape") and hasattr(value, "dtype"):
        return _array(value)
    if isinstance(value, float | complex) and not isinstance(value, bool):
        return f"{value:.{DIGITS}g}"
    if callable(value) and not isinstance(value, type):
        return getattr(value, "__qualname__", None) or type(value).__name__
    return repr(value)


def _array(value: Any) -> str:
    kind, size = np.dtype(value.dtype) if not _is_key(value) else None, int(np.prod(value.shape))
    # what is being traced has no numbers
    if kind is None or size > MOST_NUMBERS or not hasattr(value, "__array__") or _is_traced(value):
        name = "key" if kind is None else f"{kind.kind}{8 * kind.itemsize}"
        return f"{name}[{','.join(map(str, value.shape))}]"
    return _numbers(np.asarray(value).tolist())


def _numbers(value: Any) -> str:
    return f"[{', '.join(map(_numbers, value))}]" if isinstance(value, list) else in_text(value)


def _is_key(value: Any) -> bool:
    return not isinstance(value.dtype, np.dtype)


def _is_traced(value: Any) -> bool:
    import jax

    return isinstance(value, jax.core.Tracer)


def _bracketed(first: str, entries: list[str], last: str) -> str:
    line = first + ", ".join(entries) + last
    if len(line) <= WIDTH and "\n" not in line:
        return line
    inside = ",\n".join(entries).replace("\n", "\n  ")
    return f"{first}\n  {inside}{',' if entries else ''}\n{last}"
