"""From arrays to a labelled dataset."""

import json
from typing import Any

import numpy as np

SCHEMA = 1
"""The version of names and dimensions in stored datasets."""


def build_dataset(
    time: np.ndarray,
    variables: dict[str, tuple[tuple[str, ...], np.ndarray, dict[str, Any]]],
    provenance: dict[str, Any],
):
    """An `xarray.Dataset` from (dims, values, attributes) by name; `time` in atomic units leads.

    `provenance` becomes attributes; what is not a plain value is stored as JSON text.
    """
    import xarray

    attributes = {
        key: value
        if isinstance(value, str | int | float) and not isinstance(value, bool)
        else json.dumps(value)
        for key, value in provenance.items()
    }
    coordinates: dict[str, Any] = {
        "time": ("time", time, {"units": "hbar/hartree", "long_name": "time (atomic units)"})
    }
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
    return xarray.Dataset(variables, coordinates, {**attributes, "brackish_schema": SCHEMA})
