"""What a result was made from, in words that a file can keep."""

import dataclasses
import hashlib
import importlib.metadata
import inspect
import json
import platform
from typing import Any

import jax
import numpy as np

LARGEST_LISTED = 64
"""Arrays up to this many entries are written out; larger ones appear by shape and digest."""


def describe(value: Any) -> Any:
    """A tree of plain JSON values that says what `value` is: modules by type and fields, functions by name
    and digest.
    """
    if value is None or isinstance(value, bool | int | float | str):
        return value
    if isinstance(value, np.ndarray | jax.Array | np.generic):
        return _array(np.asarray(value))
    if isinstance(value, jax.tree_util.Partial):
        return {"type": "Partial", "function": describe(value.func), "arguments": describe(list(value.args))}
    if dataclasses.is_dataclass(value) and not isinstance(value, type):
        fields = {field.name: describe(getattr(value, field.name)) for field in dataclasses.fields(value)}
        return {"type": type(value).__name__, **fields}
    if isinstance(value, dict):
        return {str(key): describe(entry) for key, entry in value.items()}
    if isinstance(value, tuple | list):
        return [describe(entry) for entry in value]
    if callable(value):
        return {
            "function": getattr(value, "__qualname__", repr(type(value))),
            "digest": _digest_of_function(value),
        }
    return repr(value)


def fingerprint(description: Any) -> str:
    """A digest that is equal for equal descriptions."""
    text = json.dumps(description, sort_keys=True)
    return hashlib.sha256(text.encode()).hexdigest()[:32]


def versions() -> dict[str, str]:
    """Versions of everything that a number may depend on."""
    packages = {
        name: importlib.metadata.version(name) for name in ("brackish", "jax", "jaxlib", "equinox", "numpy")
    }
    return {**packages, "python": platform.python_version(), "platform": jax.default_backend()}


def _array(value: np.ndarray) -> Any:
    if value.size <= LARGEST_LISTED:
        if np.iscomplexobj(value):
            return {"real": value.real.tolist(), "imaginary": value.imag.tolist()}
        return value.tolist()
    digest = hashlib.sha256(np.ascontiguousarray(value).tobytes()).hexdigest()[:16]
    return {"array": list(value.shape), "digest": digest}


def _digest_of_function(function: Any) -> str:
    try:
        text = inspect.getsource(function)
    except (OSError, TypeError):
        code = getattr(function, "__code__", None)
        text = code.co_code.hex() if code is not None else repr(type(function))
    closure = getattr(function, "__closure__", None) or ()
    contents = [describe(cell.cell_contents) if not callable(cell.cell_contents) else "" for cell in closure]
    return hashlib.sha256((text + json.dumps(contents, sort_keys=True)).encode()).hexdigest()[:16]
