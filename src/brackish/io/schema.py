"""From arrays to a labelled dataset."""

import json
from typing import Any

import numpy as np

from brackish.units import ATOMIC_LABELS, Labels

SCHEMA = "brackish_schema"
"""The attribute by which a dataset of ours is known; its value is `VERSION`."""
VERSION = 1
"""Of names and dimensions in stored datasets."""


def build_dataset(
    time: np.ndarray,
    variables: dict[str, tuple[tuple[str, ...], np.ndarray, dict[str, Any]]],
    provenance: dict[str, Any],
    labels: Labels = ATOMIC_LABELS,
):
    """An `xarray.Dataset` from (dims, values, attributes) by name; `time`, in the unit that `labels` names, leads.

    `provenance` becomes attributes; what is not a plain value is stored as JSON text.
    """
    import xarray

    attributes = {
        key: value
        if isinstance(value, str | int | float) and not isinstance(value, bool)
        else json.dumps(value)
        for key, value in provenance.items()
    }
    name = "time (atomic units)" if labels.time == ATOMIC_LABELS.time else f"time ({labels.time})"
    clock = {"units": labels.time, "long_name": name, **({"reduced_units": 1} if labels.reduced else {})}
    coordinates: dict[str, Any] = {"time": ("time", time, clock)}
    sizes = {
        dim: size
        for dims, values, _ in variables.values()
        for dim, size in zip(dims, values.shape, strict=True)
    }
    if "side" in sizes:
        coordinates["side"] = ("side", np.array(["left", "right"]))
    if "axis" in sizes:
        coordinates["axis"] = ("axis", np.array(["x", "y", "z"]))
    for dim, size in sizes.items():
        if dim not in coordinates:
            coordinates[dim] = (dim, np.arange(size))
    return xarray.Dataset(variables, coordinates, {**attributes, SCHEMA: VERSION})
