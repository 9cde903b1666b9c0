"""Zarr stores: a dataset that grows while a run goes on, and beside it the checkpoint to go on from.

A store is replaced as a whole: the new one is written next to the old one and then takes its name, so that at
every moment one complete store is on the disk, under its own name or, for the blink of an exchange, as
NAME.previous. One process writes a store at a time; .NAME.lock says which.

Every array carries the checksum of Zarr (CRC-32C), which any program checks that reads it. Besides, the group of the
checkpoint lists all other files of the store with their digests, and a digest of that list: so a file that is gone,
which Zarr would read as fill values, is noticed, and one that belongs to another store, or a changed attribute.
"""

import contextlib
import json
import os
import re
import zlib
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any

import numpy as np

from brackish.errors import CheckpointError, InvalidInput
from brackish.io.damage import DAMAGED, digest_of, first_line, warn_of_no_digests
from brackish.io.files import clean, real, remove, scratch, told
from brackish.io.processes import only_writer
from brackish.io.schema import SCHEMA, VERSION

GROUP = "checkpoint"
LIST = f"{GROUP}/zarr.json"
"""The file with the list of all others."""
_OF_ZARR = re.compile(r"(.+/)?(zarr\.json|c(/\d+)*)")


@contextlib.contextmanager
def writer_of(path: str | Path) -> Iterator[None]:
    """Within, this thread is the only writer of the store at `path`.

    Raises `CheckpointError` if there is another one, or something that is no store stands where one will be, and
    `InvalidInput` if nothing can be written there.
    """
    path = Path(path)
    place = real(path)
    with told(path):
        place.parent.mkdir(parents=True, exist_ok=True)
    with only_writer(place.with_name(f".{place.name}.lock"), path):
        for name in (place, _previous(place)):
            if os.path.lexists(name) and not is_store(name):
                raise CheckpointError(f"{name} is not a readable store of brackish: choose another name.")
        clean(place)
        yield


def write_store(
    path: str | Path, dataset, checkpoint: dict[str, np.ndarray] | None, header: dict[str, Any]
) -> None:
    """Replace the store at `path` by `dataset` and, if the run is not over, the arrays to go on from.

    What else lies in the old store is moved to the new one. Raises `InvalidInput` where nothing can be written, and
    `DiskFull`; then the old store stays.
    """
    path = Path(path)
    place = real(path)
    new, previous = scratch(place), _previous(place)
    with told(path):
        place.parent.mkdir(parents=True, exist_ok=True)
        for name in (place, previous):
            if os.path.lexists(name) and not is_store(name):
                raise InvalidInput(f"Cannot write {path}: {name} is no store of brackish.")
        try:
            _write(new, dataset, checkpoint or {}, header)
            if place.exists():
                replace_store(new, place)
            else:
                os.rename(new, place)
        finally:
            remove(new)
        if previous.exists():
            _remove(previous, place)


def read_store(path: str | Path, rescue: bool = False):
    """The dataset in a store, complete or as far as it got (see its attribute `complete`).

    What was read is held against the digests in the store; of one without digests, from an older version, a warning
    says that it cannot be. `rescue`: of a damaged store, whatever is whole; its attribute `damaged` names the rest.

    Raises `CheckpointError`, naming the file, if it is damaged, and for what is no store.
    """
    import xarray

    path = _existing(path)
    damaged = _damaged(path, checkpoint=False)
    if rescue and damaged:
        return _rescued(path, damaged)
    if damaged:
        raise _damage(path, damaged, "; what is whole is read by read_store(..., rescue=True)")
    try:
        dataset = xarray.open_zarr(path, consolidated=False).load()
    except Exception as error:
        raise CheckpointError(f"{path} is not a readable store of brackish: {first_line(error)}") from error
    if SCHEMA not in dataset.attrs:
        raise CheckpointError(f"{path} is a Zarr store, but not one of brackish.")
    return _with_names_as(dataset, str)


def read_checkpoint(path: str | Path) -> tuple[dict[str, Any], dict[str, np.ndarray]]:
    """Header and arrays of the checkpoint in a store. Raises `CheckpointError` if it is truncated or foreign."""
    import zarr

    path = _existing(path)
    damaged = _damaged(path, results=False)
    if damaged == [LIST]:
        raise CheckpointError(f"{path} holds no checkpoint of brackish: {_harm(path, LIST)}.")
    try:
        group = zarr.open_group(path, mode="r", path=GROUP)
        if not group.attrs.get("complete"):
            raise CheckpointError(f"The checkpoint in {path} is incomplete.")
        header = json.loads(str(group.attrs["header"]))
        missing = [name for name in header.get("arrays", []) if not (path / GROUP / name).is_dir()]
        if missing:
            raise CheckpointError(
                f"The checkpoint in {path} is truncated: it lacks {', '.join(missing[:3])}."
            )
        if damaged:
            raise _damage(path, damaged, "")
        arrays = {name: np.asarray(array[...]) for name, array in group.arrays()}
        # an older version kept digests of the numbers alone
        older = json.loads(str(group.attrs.get("digests", "{}")))
        altered = [
            name for name in older if zlib.crc32(np.ascontiguousarray(arrays[name]).tobytes()) != older[name]
        ]
        if altered:
            raise _damage(path, [f"{GROUP}/{name}" for name in altered], "")
        return header, arrays
    except CheckpointError:
        raise
    except Exception as error:
        if damaged:
            raise _damage(path, damaged, "") from error
        raise CheckpointError(f"{path} holds no checkpoint of brackish: {first_line(error)}") from error


def require_whole(path: str | Path, cure: str) -> None:
    """Raise `CheckpointError`, naming the first file, if anything in a store, results or checkpoint, is not what was
    written; `cure` ends the sentence.
    """
    path = _existing(path)
    damaged = _damaged(path)
    if damaged:
        raise _damage(path, damaged, cure)
    if not is_store(path):
        raise CheckpointError(f"{path} is not a readable store of brackish{cure}.")


def store_exists(path: str | Path) -> bool:
    """Whether there is a store, under its own name or, after a crash during an exchange, as NAME.previous."""
    place = real(Path(path))
    return os.path.lexists(place) or is_store(_previous(place))


def is_store(path: Path) -> bool:
    """Whether `path` is a store that brackish wrote, whole or damaged."""
    for name in ("zarr.json", LIST):
        # the text, so that also one with a damaged header is known
        with contextlib.suppress(OSError):
            if SCHEMA in (path / name).read_text(encoding="utf-8", errors="replace"):
                return True
    return False


def replace_store(new: Path, old: Path) -> None:
    """The store `new` takes the name of the store `old`; what else lies in that one is moved to it."""
    previous = _previous(old)
    if os.path.lexists(previous) and not is_store(previous):
        raise InvalidInput(f"Cannot replace {old}: {previous} is no store of brackish.")
    if previous.exists():
        _remove(previous, new)
    os.rename(old, previous)
    os.rename(new, old)
    _remove(previous, old)


def remove_store(store: Path) -> None:
    """Remove a store; what else lies in it stays."""
    kept = store.with_name(f"{store.name}.kept")
    _remove(store, kept)


# -- writing -------------------------------------------------------------------------------------------------


def _write(new: Path, dataset, checkpoint: dict[str, np.ndarray], header: dict[str, Any]) -> None:
    import zarr
    from zarr.codecs import Crc32cCodec, ZstdCodec

    codecs = (ZstdCodec(), Crc32cCodec())
    out = _with_names_as(dataset, object)
    encoding = {name: {"compressors": codecs} for name in out.variables}
    out.to_zarr(new, mode="w", consolidated=False, encoding=encoding)
    group = zarr.open_group(new, mode="a").create_group(GROUP)
    for name, array in checkpoint.items():
        group.create_array(name, data=np.asarray(array), compressors=codecs)
    files = json.dumps(_digests(new))
    listed: dict[str, Any] = {SCHEMA: VERSION, "header": json.dumps(header), "complete": True, "files": files}
    group.attrs.update({**listed, "seal": _seal(listed)})


def _digests(store: Path) -> dict[str, str]:
    """All files of a store but the one with the list, each with its digest."""
    files = (path for path in sorted(store.rglob("*")) if path.is_file())
    names = {path.relative_to(store).as_posix(): path for path in files}
    return {name: _digest(path) for name, path in names.items() if name != LIST}


def _digest(path: Path) -> str:
    return digest_of(path.read_bytes())


def _seal(listed: dict[str, Any]) -> str:
    return digest_of(json.dumps(listed, sort_keys=True).encode())


def _remove(store: Path, heir: Path) -> None:
    """Remove a store of ours; what somebody else put into it goes to its heir."""
    files = _listed(store)
    ours = None if files is None else {*files, LIST}
    for path in sorted(store.rglob("*")):
        name = path.relative_to(store).as_posix()
        if path.is_dir() and not path.is_symlink():
            continue
        if not (_OF_ZARR.fullmatch(name) if ours is None else name in ours):
            goal = heir / name
            while os.path.lexists(goal):
                goal = goal.with_name(f"{goal.name}.kept")
            goal.parent.mkdir(parents=True, exist_ok=True)
            os.rename(path, goal)
    # in one step it is no longer a store: whoever is killed now leaves nothing that looks like a foreign folder
    dying = scratch(store.with_name(store.name.removesuffix(".previous")))
    os.rename(store, dying)
    remove(dying)


# -- what is whole -------------------------------------------------------------------------------------------


def _attributes(store: Path) -> dict[str, Any]:
    """The attributes beside the checkpoint; empty if they cannot be read."""
    try:
        found = json.loads((store / LIST).read_bytes())["attributes"]
    except (OSError, ValueError, KeyError, TypeError):
        return {}
    return found if isinstance(found, dict) else {}


def _listed(store: Path) -> dict[str, str] | None:
    """The files of a store with their digests; None if the list is damaged, or there is none."""
    found = _attributes(store)
    seal = found.pop("seal", None)
    return json.loads(found["files"]) if seal is not None and seal == _seal(found) else None


def _damaged(store: Path, *, results: bool = True, checkpoint: bool = True) -> list[str]:
    """Files of the results, of the checkpoint or of both that are not what was written, or are gone."""
    files = _listed(store)
    if files is None:
        if "digests" in _attributes(store):
            warn_of_no_digests(store)
            return []
        return [LIST] if is_store(store) else []
    wanted = [name for name in files if (checkpoint if name.startswith(f"{GROUP}/") else results)]
    return [name for name in wanted if not _is_whole(store / name, files[name])]


def _is_whole(path: Path, digest: str) -> bool:
    try:
        return _digest(path) == digest
    except OSError:
        return False


def _damage(store: Path, damaged: list[str], cure: str) -> CheckpointError:
    others = f" (and {len(damaged) - 1} more files)" if len(damaged) > 1 else ""
    return CheckpointError(f"{store} is damaged: {_harm(store, damaged[0])}{others}{cure}.")


def _harm(store: Path, name: str) -> str:
    return f"{name} is not what was written" if (store / name).exists() else f"{name} is missing"


def _rescued(store: Path, damaged: Iterable[str]):
    """The arrays of a store that are whole, and its attributes if they are; `damaged` names files."""
    import xarray
    import zarr

    lost = {name.partition("/")[0] for name in damaged}
    try:
        attributes = (
            {} if "zarr.json" in lost else json.loads((store / "zarr.json").read_bytes())["attributes"]
        )
    except (OSError, ValueError, KeyError):
        attributes = {}
    arrays: dict[str, Any] = {}
    for folder in sorted(path for path in store.iterdir() if path.is_dir() and path.name != GROUP):
        if folder.name in lost:
            continue
        try:
            array = zarr.open_array(folder, mode="r")
            own = {key: value for key, value in array.attrs.items() if not key.startswith("_")}
            arrays[folder.name] = (array.metadata.dimension_names, np.asarray(array[...]), own)  # type: ignore[union-attr]
        except Exception:  # without a list of digests this shows what is damaged
            lost.add(folder.name)
    axes = {name for name, (dims, _, _) in arrays.items() if tuple(dims) == (name,)}
    dataset = xarray.Dataset(
        {name: array for name, array in arrays.items() if name not in axes},
        {name: array for name, array in arrays.items() if name in axes},
        {
            **attributes,
            DAMAGED: ", ".join(sorted("attributes" if name == "zarr.json" else name for name in lost)),
        },
    )
    return _with_names_as(dataset, str)


def _with_names_as(dataset, kind: type):
    """The dataset with the words along its axes as `kind`: Zarr has a settled format only for those of any length."""
    words = {name: axis for name, axis in dataset.coords.items() if axis.dtype.kind in "UTO"}
    return dataset.assign_coords(
        {name: (axis.dims, np.array(list(axis.values), kind)) for name, axis in words.items()}
    )


def _existing(path) -> Path:
    path = Path(path)
    if path.exists():
        return path
    if is_store(_previous(real(path))):
        return _previous(real(path))
    raise CheckpointError(f"There is no store {path}.")


def _previous(path: Path) -> Path:
    return path.with_name(f"{path.name}.previous")
