"""A run in a folder: its TOML file, one Zarr store for each theory while it goes on, its results at the end.

    run.toml       the file as it was given
    ehrenfest.zarr the store of a theory, from which the run can go on
    results.nc     the dataset, once the run is over
    figure.png     its figure
    .brackish      the mark: which of these files are ours (see `marks`)

A run that replaces another one stands in `NAME.part` until it is over; then its files take the place of those of the
other. What else lies in the folder stays.
"""

import contextlib
import os
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any

from brackish.errors import CheckpointError, InvalidInput
from brackish.io import read_netcdf, read_store, require_whole, store_exists, write_netcdf
from brackish.io.files import real, replacing
from brackish.io.processes import only_writer
from brackish.run import marks
from brackish.run.comparison import side_by_side, store_of
from brackish.run.config import Setup, parse
from brackish.run.progress import Watch
from brackish.run.simulation import simulate

FILE = "run.toml"
RESULTS = "results.nc"
FIGURE = "figure.png"
PART = ".part"


def claim(out: Path, overwrite: bool) -> Path:
    """The folder in which a new run is to stand. Nothing is written yet.

    Raises `InvalidInput` if `out` cannot be written, or holds results and may not be replaced; `CheckpointError` if
    another process writes there.
    """
    check_writable(out)
    if not out.exists() or _is_bare(out):
        return out
    if not _is_run(out):
        raise InvalidInput(f"{out} is not empty, and nothing that brackish wrote: choose another folder.")
    if not overwrite:
        done = (out / RESULTS).exists()
        cure = "give --overwrite" if done else f"go on with it (brackish resume {out}), give --overwrite"
        raise InvalidInput(f"{out} holds a run already: {cure} or choose another --out.")
    place = real(out)
    place = place.with_name(place.name + PART)
    left = marks.read(place)
    if left is not None and left.settling and not (place / FILE).exists():
        # all that it held has been moved already
        marks.settle(place, real(out))
    if _is_run(place):
        raise InvalidInput(f"{place} holds a run that was stopped: brackish resume {place}, or remove it.")
    if os.path.lexists(place) and not (place.is_dir() and _is_bare(place)):
        raise InvalidInput(f"{place} is there, and nothing that brackish wrote: choose another --out.")
    with writer_of(real(out)):
        pass  # what would be refused when this run is over is refused before it begins
    return place


def _is_bare(folder: Path) -> bool:
    """Whether nothing is in there but what a run sets up first, which was killed before it had its file."""
    return not {path.name for path in folder.iterdir()} - {marks.LOCK, marks.NAME}


def _is_run(folder: Path) -> bool:
    """Whether a folder is that of a run; older versions set no mark, but their files say whose they are."""
    return (folder / FILE).is_file() and (marks.read(folder) is not None or bool(_older(folder).wrote))


def _older(folder: Path) -> marks.Mark:
    """The mark that an older version would have set: on stores and results made from this very file."""
    text, found = (folder / FILE).read_text(encoding="utf-8", errors="replace"), marks.new(None)
    stores = [
        path for path in folder.glob("*.zarr") if marks.is_store(path) and _config(path) in (text, None)
    ]
    found.wrote.update({path.name: marks.ANY for path in stores})
    if (folder / RESULTS).exists():
        with contextlib.suppress(InvalidInput):
            if read_netcdf(folder / RESULTS, rescue=True).attrs.get("config") == text:
                found.wrote.update({RESULTS: marks.ANY, FIGURE: marks.ANY})
    if found.wrote:
        found.wrote[FILE] = marks.ANY
    return found


def _config(store: Path) -> str | None:
    with contextlib.suppress(CheckpointError):
        return read_store(store, rescue=True).attrs.get("config")
    return None


def check_writable(folder: Path) -> None:
    """Raise `InvalidInput` unless `folder` is, or can become, a folder that may be written to."""
    existing = folder
    while not os.path.lexists(existing) and existing != existing.parent:
        existing = existing.parent
    if not existing.is_dir():
        raise InvalidInput(f"Cannot write {folder}: {existing} is not a folder.")
    if not os.access(existing, os.W_OK | os.X_OK):
        raise InvalidInput(f"Cannot write {folder}: no permission in {existing}.")


def make(folder: Path) -> None:
    """Make a folder and those above it."""
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise InvalidInput(f"Cannot write {folder}: {error.strerror or error}.") from error


@contextlib.contextmanager
def writer_of(place: Path) -> Iterator[None]:
    """Within, this process is the only one that writes into the folder, which is made."""
    make(place)
    with only_writer(place / marks.LOCK, place):
        yield


def begin(place: Path, text: str, goal: Path, names: Iterable[str], extends: bool = False) -> None:
    """Set up the folder of a new run of these theories, which is to end up in `goal`; `extends`: and goes on from the
    finished one there.
    """
    if marks.read(place) is not None and not _is_bare(place):
        raise InvalidInput(f"{place} holds a run already, begun in this moment.")
    old = real(goal)
    if place != goal and marks.read(old) is None:
        marks.write(old, _older(old))
    mark = marks.new(old.name if place != goal else None, extends)
    mark.wrote.update(dict.fromkeys((FILE, *(store_of(place, name).name for name in names)), marks.ANY))
    marks.write(place, mark)
    with marks.writing(place, FILE) as path, replacing(path) as scratch:
        scratch.write_text(text, encoding="utf-8")


def keep(place: Path, dataset: Any) -> None:
    """Write the results of a run."""
    if marks.read(place) is None:
        marks.write(place, _older(place))
    with marks.writing(place, RESULTS) as path:
        write_netcdf(dataset, path)


def is_complete(place: Path) -> bool:
    """Whether results and figure are there, and as they were written."""
    mark = marks.read(place)
    if mark is None:
        return (place / RESULTS).exists()
    return mark.settling or all(mark.has_whole(place, name) for name in (RESULTS, FIGURE))


def require_whole_stores(place: Path, names: Iterable[str]) -> None:
    """Raise `CheckpointError`, naming the file, if a store of a complete run is damaged. The results do not need the
    stores, so one that was removed as a whole is not missed.
    """
    for store in (store_of(place, name) for name in names):
        if store_exists(store):
            require_whole(store, f"; the run cannot be extended, but {place / RESULTS} can be read")


def go_on(setup: Setup, text: str, place: Path, watch: bool | Watch, workers: int | None):
    """Run every theory from where its store stands. Returns the dataset; that of a run which is over is read."""
    mark = marks.read(place)
    if mark is not None and mark.has_whole(place, RESULTS):
        return read_netcdf(place / RESULTS)
    asked = {} if workers is None else {"workers": workers}
    results = []
    for name, theory, integrator in zip(setup.names, setup.theories, setup.integrators, strict=True):
        store = store_of(place, name)
        begun = store_exists(store)
        result = simulate(
            setup.hamiltonian,
            theory,
            setup.preparation,
            setup.times,
            integrator=integrator,
            store=store,
            resume=begun,
            extend=None if begun else _predecessor(place, name),
            note={"config": text},
            progress=watch,
            **{**setup.options_of(theory), **asked},
        )
        results.append(result)
    if len(results) == 1:
        return results[0]
    dataset = side_by_side(setup.names, results)
    dataset.attrs["config"] = text
    return dataset


def _predecessor(place: Path, name: str) -> Path | None:
    """The finished store of the theory called `name` from which a run that extends another one begins."""
    mark = marks.read(place)
    if mark is None or not mark.extends or final(place) == place:
        return None
    store = store_of(real(final(place)), name)
    return store if store_exists(store) else None


def settle(place: Path) -> Path:
    """A run is over: if it replaces another one, its files take the place of those. Returns the folder."""
    out = final(place)
    if out != place:
        with writer_of(out):
            marks.settle(place, out)
    return out


def final(place: Path) -> Path:
    """Where a run that stands in `place` ends up: its mark says so."""
    mark = marks.read(place)
    if mark is None or mark.replaces is None:
        return place
    if place.name:
        return place.with_name(mark.replaces)
    # from within the folder itself
    return Path(os.path.relpath(Path.cwd().with_name(mark.replaces)))


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
