"""Zarr stores: a dataset that grows while a run goes on, and beside it the checkpoint to go on from.

A store is replaced as a whole: the new one is written next to the old one and then takes its name, so that at
every moment one complete store is on the disk, under its own name or, for the blink of an exchange, as
NAME.previous.
"""

import json
import os
import shutil
import zlib
from pathlib import Path
from typing import Any

import numpy as np

from brackish.errors import CheckpointError, InvalidInput

GROUP = "checkpoint"


def write_store(
    path: str | Path, dataset, checkpoint: dict[str, np.ndarray] | None, header: dict[str, Any]
) -> None:
    """Replace the store at `path` by `dataset` and, if the run is not over, the arrays to go on from."""
    import zarr

    path = Path(path)
    scratch, previous = _scratch(path), _previous(path)
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        for leftover in (scratch, previous):
            if leftover.exists() and path.exists():
                shutil.rmtree(leftover)
        _with_names_as(dataset, object).to_zarr(scratch, mode="w", consolidated=False)
        group = zarr.open_group(scratch, mode="a").create_group(GROUP)
        group.attrs["header"] = json.dumps(header)
        digests = {}
        for name, array in (checkpoint or {}).items():
            group.create_array(name, data=np.asarray(array))
            digests[name] = _digest(np.asarray(array))
        group.attrs["digests"] = json.dumps(digests)
        group.attrs["complete"] = True
        if path.exists():
            os.rename(path, previous)
        os.rename(scratch, path)
        if previous.exists():
            shutil.rmtree(previous)
    except OSError as error:
        raise InvalidInput(f"Cannot write {path}: {error.strerror or error}.") from error


def read_store(path: str | Path):
    """The dataset in a store, complete or as far as it got (see its attribute `complete`)."""
    import xarray

    path = _existing(path)
    try:
        dataset = xarray.open_zarr(path, consolidated=False).load()
    except Exception as error:
        raise CheckpointError(f"{path} is not a readable store of brackish: {_first_line(error)}") from error
    if "brackish_schema" not in dataset.attrs:
        raise CheckpointError(f"{path} is a Zarr store, but not one of brackish.")
    return _with_names_as(dataset, str)


def read_checkpoint(path: str | Path) -> tuple[dict[str, Any], dict[str, np.ndarray]]:
    """Header and arrays of the checkpoint in a store. Raises `CheckpointError` if it is truncated or foreign."""
    import zarr

    path = _existing(path)
    try:
        group = zarr.open_group(path, mode="r", path=GROUP)
        if not group.attrs.get("complete"):
            raise CheckpointError(f"The checkpoint in {path} is incomplete.")
        header = json.loads(str(group.attrs["header"]))
        arrays = {name: np.asarray(array[...]) for name, array in group.arrays()}
    except CheckpointError:
        raise
    except Exception as error:
        raise CheckpointError(f"{path} holds no checkpoint of brackish: {_first_line(error)}") from error
    digests = json.loads(str(group.attrs.get("digests", "{}")))
    missing = [name for name in header.get("arrays", []) if name not in arrays]
    if missing:
        raise CheckpointError(f"The checkpoint in {path} is truncated: it lacks {', '.join(missing[:3])}.")
    # Zarr reads a file that is gone as zeros, so what was read is held against what was written
    altered = [name for name, array in arrays.items() if digests.get(name) != _digest(array)]
    if altered:
        raise CheckpointError(
            f"The checkpoint in {path} is damaged: {', '.join(altered[:3])} cannot be what was written."
        )
    return header, arrays


def store_exists(path: str | Path) -> bool:
    """Whether there is a store, under its own name or, after a crash during an exchange, as NAME.previous."""
    return Path(path).exists() or _previous(Path(path)).exists()


def _with_names_as(dataset, kind: type):
    """The dataset with the words along its axes as `kind`: Zarr has a settled format only for those of any length."""
    words = {name: axis for name, axis in dataset.coords.items() if axis.dtype.kind in "UTO"}
    return dataset.assign_coords(
        {name: (axis.dims, np.array(list(axis.values), kind)) for name, axis in words.items()}
    )


def _digest(array: np.ndarray) -> int:
    return zlib.crc32(np.ascontiguousarray(array).tobytes())


def _existing(path) -> Path:
    path = Path(path)
    if path.exists():
        return path
    if _previous(path).exists():
        return _previous(path)
    raise CheckpointError(f"There is no store {path}.")


def _scratch(path: Path) -> Path:
    return path.with_name(f".{path.name}.part")


def _previous(path: Path) -> Path:
    return path.with_name(f"{path.name}.previous")


def _first_line(error: Exception) -> str:
    return (str(error).splitlines() or [type(error).__name__])[0]
