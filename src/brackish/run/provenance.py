"""What a result was made from, in words that a file can keep."""

import dataclasses
import hashlib
import importlib.metadata
import json
import platform
from typing import Any

import jax
import numpy as np

from brackish.identity import identity, is_users_class

LARGEST_LISTED = 64
"""Arrays up to this many entries are written out; larger ones appear by shape and digest."""


def describe(value: Any) -> Any:
    """A tree of plain JSON values that says what `value` is: modules by type and fields, functions by name and by the
    digest of all that they depend on, and so the user's own classes.
    """
    if value is None or isinstance(value, bool | int | float | str):
        return value
    if isinstance(value, np.ndarray | jax.Array | np.generic):
        return _array(np.asarray(value))
    if isinstance(value, jax.tree_util.Partial):
        return {
            "type": "Partial",
            "function": describe(value.func),
            "arguments": describe(list(value.args)),
            **({"keywords": describe(value.keywords)} if value.keywords else {}),
        }
    if dataclasses.is_dataclass(value) and not isinstance(value, type):
        fields = {field.name: describe(getattr(value, field.name)) for field in dataclasses.fields(value)}
        return {"type": type(value).__name__, **_code_of(type(value)), **fields}
    if isinstance(value, dict):
        return {str(key): describe(entry) for key, entry in value.items()}
    if isinstance(value, tuple | list):
        return [describe(entry) for entry in value]
    if callable(value):
        return {"function": getattr(value, "__qualname__", type(value).__name__), "digest": _digest(value)}
    return {"type": type(value).__name__, "digest": _digest(value)}


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


def _code_of(kind: type) -> dict[str, str]:
    return {"code": _digest(kind)} if is_users_class(kind) else {}


def _digest(value: Any) -> str:
    return identity(value).digest[:32]
