"""NetCDF for exchange. The format has no complex numbers: they are stored as a trailing axis (real, imaginary).

Every array of numbers carries the checksum of HDF5 (Fletcher-32). Besides, one attribute of the file holds a digest of
each variable with its name, axes and attributes, and one of the attributes of the whole, so that exchanged or changed
ones are noticed.
"""

import contextlib
import io
import json
from pathlib import Path
from typing import Any

import numpy as np

from brackish.errors import InvalidInput
from brackish.io.damage import DAMAGED, digest_of, first_line, warn_of_no_digests
from brackish.io.files import replacing
from brackish.io.schema import SCHEMA

PAIR = "real_imaginary"
DIGESTS = "brackish_digests"
"""The attribute with the digests, by the names of variables; that of the attributes has no name."""
_LINKS = {"DIMENSION_LIST", "REFERENCE_LIST", DIGESTS}
"""Attributes that are addresses within the file, or hold the digests."""


def write_netcdf(dataset, path: str | Path) -> None:
    """Write a dataset; an existing file is replaced only once the new one is complete.

    Raises `InvalidInput` where nothing can be written, and `DiskFull`.
    """
    if not hasattr(dataset, "data_vars"):
        raise InvalidInput(f"Argument `dataset` must be a dataset of xarray, got {type(dataset).__name__}.")
    out = dataset.copy()
    for name, variable in dataset.data_vars.items():
        if np.iscomplexobj(variable):
            pairs = np.stack([variable.values.real, variable.values.imag], axis=-1)
            out[name] = ((*variable.dims, PAIR), pairs, variable.attrs)
    checked = [
        name for name, variable in out.variables.items() if variable.size and variable.dtype.kind in "biuf"
    ]
    encoding = {name: {"fletcher32": True} for name in checked if out[name].ndim}
    content = _in_memory(out, encoding)
    with replacing(path) as scratch:
        scratch.write_bytes(content)


def is_ours(path: str | Path) -> bool:
    """Whether `path` is a NetCDF file that `write_netcdf` wrote."""
    import h5py

    with contextlib.suppress(OSError), h5py.File(path, "r") as file:
        return SCHEMA in file.attrs
    return False


def _in_memory(dataset, encoding: dict[str, Any]) -> bytes:
    """The content of the file. HDF5 does not survive a disk that is full, so it never sees one."""
    import h5netcdf
    import h5py
    from xarray.backends import H5NetCDFStore

    content = io.BytesIO()
    with h5netcdf.File(content, "w") as file:
        dataset.dump_to_store(H5NetCDFStore(file), encoding=encoding)
    with h5py.File(content, "r+") as file:
        file.attrs[DIGESTS] = json.dumps(_digests(file))
    return content.getvalue()


def read_netcdf(path: str | Path, rescue: bool = False):
    """Read a dataset that `write_netcdf` wrote.

    What was read is held against the digests in the file; of one without digests, from an older version, a warning says
    that it cannot be. `rescue`: of a damaged file, whatever is whole; its attribute `damaged` names the rest.

    Raises `InvalidInput`, naming the file, if it is damaged, and for what is no such file.
    """
    import xarray

    path = Path(path)
    if not path.exists():
        raise InvalidInput(f"There is no file {path}.")
    damaged = _damaged(path)
    if damaged and not rescue:
        raise InvalidInput(
            f"{path} is damaged: {', '.join(damaged[:3])} cannot be what was written; what is whole is read by "
            "read_netcdf(..., rescue=True)."
        )
    try:
        lost = [name for name in damaged if name != ATTRIBUTES]
        with xarray.open_dataset(path, engine="h5netcdf", drop_variables=lost) as opened:
            dataset = opened.load()
    except Exception as error:
        raise InvalidInput(f"{path} is not a readable NetCDF file: {first_line(error)}") from error
    if SCHEMA not in dataset.attrs and not damaged:
        raise InvalidInput(f"{path} is a NetCDF file, but not a dataset of brackish.")
    for name, variable in list(dataset.data_vars.items()):
        if PAIR in variable.dims:
            values = variable.values[..., 0] + 1j * variable.values[..., 1]
            dataset[name] = (variable.dims[:-1], values, variable.attrs)
    dataset.attrs.pop(DIGESTS, None)
    if damaged:
        dataset.attrs[DAMAGED] = ", ".join(damaged)
    return dataset.drop_vars(PAIR, errors="ignore")


ATTRIBUTES = "the attributes"


def _damaged(path: Path) -> list[str]:
    """The variables, and the attributes, that are not what was written."""
    import h5py

    try:
        with h5py.File(path, "r") as file:
            written = json.loads(file.attrs[DIGESTS]) if DIGESTS in file.attrs else None
            if written is None:
                if SCHEMA in file.attrs:
                    warn_of_no_digests(path)
                return []
            found = _digests(file)
    except Exception as error:
        raise InvalidInput(f"{path} is not a readable NetCDF file: {first_line(error)}") from error
    names = [name for name in {**written, **found} if written.get(name) != found.get(name)]
    return sorted(name or ATTRIBUTES for name in names)


def _digests(file) -> dict[str, str | None]:
    """The digest of each array in an HDF5 file, and under the empty name that of its attributes; None of what cannot be
    read.
    """
    return {"": _digest(file), **{name: _digest(file[name]) for name in file}}


def _digest(item) -> str | None:
    try:
        attributes = json.dumps(_attributes(item), sort_keys=True).encode()
        if not hasattr(item, "shape"):
            return digest_of(attributes)
        axes = [sorted(str(scale.name) for scale in axis.values()) for axis in item.dims]
        shape = json.dumps([item.name, str(item.dtype), list(item.shape), axes]).encode()
        return digest_of(attributes, shape, _content(item[()]))
    except Exception:  # of a damaged file anything may be raised
        return None


def _content(values: Any) -> bytes:
    array = np.asarray(values)
    if array.dtype.kind != "O":
        return np.ascontiguousarray(array).tobytes()
    words = [word.decode() if isinstance(word, bytes) else str(word) for word in array.ravel()]
    return json.dumps(words).encode()


def _attributes(item) -> dict[str, Any]:
    return {
        name: [str(np.asarray(value).dtype.kind), _content(value).hex()]
        for name, value in item.attrs.items()
        if name not in _LINKS
    }
