"""The mark in the folder of a run: which of the files in it are ours, and as we wrote them.

    .brackish   {"run": {"id": ..., "replaces": null, "settling": false, "wrote": {"run.toml": digest, ...}}}

Only what the mark names is ever replaced or removed; a file that has changed since belongs to whoever changed it, and
is moved aside as NAME.kept.
"""

import contextlib
import dataclasses
import hashlib
import json
import os
import secrets
from collections.abc import Iterator
from pathlib import Path

from brackish.errors import InvalidInput
from brackish.io.files import put_aside, remove, replacing
from brackish.io.zarr import is_store, remove_store, replace_store

NAME = ".brackish"
LOCK = ".lock"
ANY = "any"
"""In place of a digest: whatever is there was being written by us, or is a store, which has digests of its own."""


@dataclasses.dataclass(frozen=True)
class Mark:
    """What a run wrote: `wrote`, the digest of each file; `replaces`, the name of the folder beside it that it replaces
    once it is over, which it does while `settling`; `extends`, whether it goes on from that one; `id`, its own random
    name.
    """

    id: str
    wrote: dict[str, str]
    replaces: str | None = None
    settling: bool = False
    extends: bool = False

    def has(self, folder: Path, name: str) -> bool:
        """Whether `name` is there, and as it was written."""
        path, digest = folder / name, self.wrote.get(name)
        if digest is None or not os.path.lexists(path):
            return False
        if path.is_dir():
            return not path.is_symlink() and is_store(path)
        return digest == ANY or digest == _digest(path)

    def has_whole(self, folder: Path, name: str) -> bool:
        """Whether the file `name` is there, and nobody broke off writing it."""
        return self.wrote.get(name) != ANY and self.has(folder, name)


def new(replaces: str | None, extends: bool = False) -> Mark:
    """The mark of a run that begins."""
    return Mark(secrets.token_hex(8), {}, replaces, extends=extends)


def read(folder: Path) -> Mark | None:
    """The mark of a folder, if it has one that can be read."""
    try:
        found = json.loads((folder / NAME).read_bytes())["run"]
        where = (found["replaces"], bool(found["settling"]), bool(found.get("extends", False)))
        return Mark(str(found["id"]), dict(found["wrote"]), *where)
    except (OSError, ValueError, KeyError, TypeError):
        return None


def write(folder: Path, mark: Mark) -> None:
    """Put the mark into the folder."""
    with replacing(folder / NAME) as scratch:
        scratch.write_text(json.dumps({"run": dataclasses.asdict(mark)}, indent=1), encoding="utf-8")


@contextlib.contextmanager
def writing(folder: Path, name: str) -> Iterator[Path]:
    """A place to write the file `name` of a run to; afterwards it is on the mark. What somebody else put there is moved
    aside.
    """
    mark = read(folder) or new(None)
    if not mark.has(folder, name):
        put_aside(folder / name)
    write(folder, dataclasses.replace(mark, wrote={**mark.wrote, name: ANY}))
    yield folder / name
    write(folder, dataclasses.replace(mark, wrote={**mark.wrote, name: _digest(folder / name)}))


def settle(place: Path, out: Path) -> None:
    """The run in `place` is over and takes the place of the one in `out`: of its files, and of nothing else there.

    It may be broken off at any moment, and be called again. Raises `InvalidInput`.
    """
    place = place.absolute()  # nobody can remove "."
    mark = read(place)
    if mark is None:
        raise InvalidInput(f"{place} has lost its mark {NAME}; what it holds is complete, and stays there.")
    write(place, dataclasses.replace(mark, settling=True))
    try:
        out.mkdir(parents=True, exist_ok=True)
        old = read(out) or new(None)
        if old.id != mark.id:
            _make_room(out, old, mark)
            write(out, dataclasses.replace(mark, replaces=None, extends=False))
        # the file of the run is written first and moved last: while it is here, the run can be found
        for name in reversed(mark.wrote):
            if os.path.lexists(place / name):
                _move(place / name, out / name)
        remove(place / LOCK)
        for path in sorted(place.iterdir()):
            if path.name != NAME:
                put_aside(out / path.name)
                os.rename(path, out / path.name)
        remove(place / NAME)
        place.rmdir()
    except OSError as error:
        raise InvalidInput(f"Cannot replace {out}: {error.strerror or error}; it is in {place}.") from error


def _make_room(out: Path, old: Mark, mark: Mark) -> None:
    """Files of the `old` run go, unless those of the new one take their names; those of anybody else get others."""
    for name in old.wrote:
        if name not in mark.wrote and old.has(out, name):
            (remove_store if (out / name).is_dir() else remove)(out / name)
    for name in mark.wrote:
        if not old.has(out, name):
            put_aside(out / name)


def _move(file: Path, goal: Path) -> None:
    if file.is_dir() and goal.is_dir():
        replace_store(file, goal)
    elif goal.is_symlink():
        with replacing(goal) as scratch:
            scratch.write_bytes(file.read_bytes())
        file.unlink()
    else:
        os.replace(file, goal)


def _digest(path: Path) -> str:
    try:
        return hashlib.sha256(path.read_bytes()).hexdigest()
    except OSError:
        return ""
