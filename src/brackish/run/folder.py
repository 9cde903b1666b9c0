"""A run in a folder: its TOML file, one Zarr store for each theory while it goes on, its results at the end.

    run.toml       the file as it was given
    ehrenfest.zarr the store of a theory, from which the run can go on
    results.nc     the dataset, once the run is over

A run that replaces another one stands in `NAME.part` until it is over, and then takes its place.
"""

import contextlib
import os
import shutil
from pathlib import Path
from typing import Any

from brackish.errors import CheckpointError, InvalidInput
from brackish.io import read_netcdf, read_store, store_exists
from brackish.run.compare import side_by_side
from brackish.run.config import Setup, parse
from brackish.run.progress import Watch
from brackish.run.simulate import simulate

FILE = "run.toml"
RESULTS = "results.nc"
FIGURE = "figure.png"
PART = ".part"


def claim(out: Path, overwrite: bool) -> Path:
    """The folder in which a new run is to stand. Nothing is written yet.

    Raises `InvalidInput` if `out` cannot be written, or holds results and may not be replaced.
    """
    check_writable(out)
    if not out.exists() or not any(out.iterdir()):
        return out
    if not (out / FILE).exists():
        raise InvalidInput(f"{out} is not empty, and nothing that brackish wrote: choose another folder.")
    if not overwrite:
        done = (out / RESULTS).exists()
        cure = "give --overwrite" if done else f"go on with it (brackish resume {out}), give --overwrite"
        raise InvalidInput(f"{out} holds a run already: {cure} or choose another --out.")
    place = out.with_name(out.name + PART)
    if place.exists():
        raise InvalidInput(f"{place} holds a run that was stopped: brackish resume {place}, or remove it.")
    return place


def check_writable(folder: Path) -> None:
    """Raise `InvalidInput` unless `folder` is, or can become, a folder that may be written to."""
    existing = folder
    while not os.path.lexists(existing) and existing != existing.parent:
        existing = existing.parent
    if not existing.is_dir():
        raise InvalidInput(f"Cannot write {folder}: {existing} is not a folder.")
    if not os.access(existing, os.W_OK | os.X_OK):
        raise InvalidInput(f"Cannot write {folder}: no permission in {existing}.")


def check_replaceable(figure: Path, dataset: Path) -> None:
    """Raise `InvalidInput` if one of the two files is there, and is not from an earlier comparison."""
    import h5py

    schema = None
    if dataset.exists():
        with contextlib.suppress(OSError), h5py.File(dataset, "r") as opened:
            schema = opened.attrs.get("brackish_schema")
    for path in (figure, dataset):
        if path.exists() and schema is None:
            raise InvalidInput(f"{path} is there, and nothing that brackish wrote: choose another --out.")


def make(folder: Path) -> None:
    """Make a folder and those above it."""
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise InvalidInput(f"Cannot write {folder}: {error.strerror or error}.") from error


def begin(place: Path, text: str) -> None:
    """Make the folder of a new run, with its file."""
    make(place)
    try:
        scratch = place / f".{FILE}.part"
        scratch.write_text(text, encoding="utf-8")
        os.replace(scratch, place / FILE)
    except OSError as error:
        raise InvalidInput(f"Cannot write {place}: {error.strerror or error}.") from error


def go_on(setup: Setup, text: str, place: Path, watch: bool | Watch, workers: int | None):
    """Run every theory from where its store stands to its end. Returns the dataset."""
    options = {**setup.options, **({} if workers is None else {"workers": workers})}
    results = []
    for name, theory, integrator in zip(setup.names, setup.theories, setup.integrators, strict=True):
        store = store_of(place, name)
        result = simulate(
            setup.hamiltonian,
            theory,
            setup.preparation,
            setup.times,
            integrator=integrator,
            store=store,
            resume=store_exists(store),
            note={"config": text},
            progress=watch,
            **(options if theory.has_trajectories else without_trajectories(options)),
        )
        results.append(result)
    if len(results) == 1:
        return results[0]
    dataset = side_by_side(setup.names, results)
    dataset.attrs["config"] = text
    return dataset


def without_trajectories(options: dict[str, Any]) -> dict[str, Any]:
    """The options that mean something to a theory of the whole wavefunction."""
    return {name: value for name, value in options.items() if name not in ("trajectories", "ensembles")}


def store_of(place: Path, name: str) -> Path:
    """The store of the theory called `name`."""
    return place / f"{name.lower().replace(' ', '_')}.zarr"


def settle(place: Path) -> Path:
    """A run is over: if it replaces another one, it takes its place. Returns the folder."""
    out = final(place)
    if out != place:
        exchange(place, out)
    return out


def final(place: Path) -> Path:
    """Where a run that stands in `place` ends up."""
    return place.with_name(place.name.removesuffix(PART)) if place.name.endswith(PART) else place


def exchange(new: Path, old: Path) -> None:
    """Put the folder `new` in the place of `old`, which may exist: one of them is there at every moment."""
    previous = old.with_name(f"{old.name}.previous")
    try:
        if old.exists():
            shutil.rmtree(previous, ignore_errors=True)
            os.rename(old, previous)
        os.rename(new, old)
        shutil.rmtree(previous, ignore_errors=True)
    except OSError as error:
        raise InvalidInput(f"Cannot replace {old}: {error.strerror or error}; it is in {new}.") from error


def stopped(path: Path) -> tuple[Path, str, Setup]:
    """A run to go on with, found by its folder or one of its stores: its folder, its text, what it asks for.

    Raises `CheckpointError` if nothing that `brackish run` wrote is there.
    """
    if not path.exists():
        raise CheckpointError(f"There is no {path}.")
    folder = path
    if not (path / FILE).exists():
        if not path.is_dir():
            raise CheckpointError(
                f"{path} is a file; a run goes on from its folder or from a Zarr store in it."
            )
        text = read_store(path).attrs.get("config")
        if text is None:
            raise CheckpointError(
                f"{path} does not say how it was made: it was not written by `brackish run`."
            )
        folder = path.parent
        if not (folder / FILE).exists():
            raise CheckpointError(f"{path} has lost its run: there is no {folder / FILE} beside it.")
        if (folder / FILE).read_text(encoding="utf-8") != text:
            raise CheckpointError(f"{path} belongs to another run than {folder / FILE}.")
    text = (folder / FILE).read_text(encoding="utf-8")
    return folder, text, parse(text, str(folder / FILE))


def read(path: Path):
    """The dataset in a NetCDF file, in a store, or in the folder of a run."""
    if path.is_dir() and (path / FILE).exists():
        if not (path / RESULTS).exists():
            raise InvalidInput(f"{path} holds no results yet: go on with brackish resume {path}.")
        return read_netcdf(path / RESULTS)
    return read_store(path) if path.is_dir() else read_netcdf(path)
