"""NetCDF for exchange. The format has no complex numbers: they are stored as a trailing axis (real, imaginary)."""

import contextlib
import os
from pathlib import Path

import numpy as np

from brackish.errors import InvalidInput

PAIR = "real_imaginary"


def write_netcdf(dataset, path: str | Path) -> None:
    """Write a dataset; an existing file is replaced only once the new one is complete."""
    if not hasattr(dataset, "data_vars"):
        raise InvalidInput(f"Argument `dataset` must be a dataset of xarray, got {type(dataset).__name__}.")
    path = Path(path)
    out = dataset.copy()
    for name, variable in dataset.data_vars.items():
        if np.iscomplexobj(variable):
            pairs = np.stack([variable.values.real, variable.values.imag], axis=-1)
            out[name] = ((*variable.dims, PAIR), pairs, variable.attrs)
    scratch = path.with_name(f".{path.name}.{os.getpid()}.part")
    try:
        out.to_netcdf(scratch, engine="h5netcdf")
        os.replace(scratch, path)
    except OSError as error:
        raise InvalidInput(f"Cannot write {path}: {error.strerror or error}.") from error
    finally:
        with contextlib.suppress(OSError):
            scratch.unlink(missing_ok=True)


def read_netcdf(path: str | Path):
    """Read a dataset that `write_netcdf` wrote."""
    import xarray

    path = Path(path)
    if not path.exists():
        raise InvalidInput(f"There is no file {path}.")
    try:
        with xarray.open_dataset(path, engine="h5netcdf") as opened:
            dataset = opened.load()
    except (OSError, ValueError, KeyError) as error:
        raise InvalidInput(f"{path} is not a readable NetCDF file: {str(error).splitlines()[0]}") from error
    if "brackish_schema" not in dataset.attrs:
        raise InvalidInput(f"{path} is a NetCDF file, but not a dataset of brackish.")
    for name, variable in list(dataset.data_vars.items()):
        if PAIR in variable.dims:
            values = variable.values[..., 0] + 1j * variable.values[..., 1]
            dataset[name] = (variable.dims[:-1], values, variable.attrs)
    return dataset.drop_vars(PAIR, errors="ignore")
