"""How files come to be: complete, in one moment, and never over what somebody else made.

What is being written has a name of its own, which says who writes it; it takes the wanted name when it is complete.
What a process that is no more left behind is removed by the next one that writes the same thing.
"""

import contextlib
import errno
import os
import re
import secrets
import shutil
from collections.abc import Iterator
from pathlib import Path

from brackish.errors import BrackishError, DiskFull, InvalidInput
from brackish.io.processes import Process, this_process

KEPT = ".kept"
LONGEST = 120
"""Letters of a name that stand in the name of its scratch file."""
_MAKER = re.compile(r"\.([0-9a-f]{8})-(\d+)-([0-9a-f]{8})-[0-9a-f]{8}\.part")
_FULL = (errno.ENOSPC, errno.EDQUOT, errno.EFBIG)


@contextlib.contextmanager
def replacing(path: str | Path) -> Iterator[Path]:
    """A name to write to, file or folder; at the end it takes the place of the file at `path`, if one is there.

    A symbolic link stays one: its target is replaced. If anything goes wrong, what was written is removed and the old
    file stays. Raises `InvalidInput` where nothing can be written, and `DiskFull`.
    """
    path = Path(path)
    place = real(path)
    clean(place)
    new = scratch(place)
    with told(path):
        try:
            yield new
            os.replace(new, place)
        finally:
            remove(new)


@contextlib.contextmanager
def told(path: Path) -> Iterator[None]:
    """What keeps `path` from being written is raised in one line: `DiskFull`, or `InvalidInput`."""
    try:
        yield
    except BrackishError:
        raise
    except Exception as error:
        if (full := no_room(error)) is not None:
            raise DiskFull(f"Cannot write {path}: {full}.") from error
        if not isinstance(error, OSError):
            raise
        raise InvalidInput(f"Cannot write {path}: {error.strerror or str(error).splitlines()[0]}.") from error


def no_room(error: BaseException | None) -> str | None:
    """The words of an error, or of what it came from, if they say that there is no room left."""
    while error is not None:
        for number in _FULL:
            words = os.strerror(number)
            # libhdf5 tells the number in words
            said = words in str(error) or f"errno = {number}," in str(error)
            if said or (isinstance(error, OSError) and error.errno == number):
                return words
        error = error.__cause__ or error.__context__
    return None


def real(path: Path) -> Path:
    """Where `path` leads, if it is a symbolic link."""
    return Path(os.path.realpath(path)) if path.is_symlink() else path


def scratch(path: Path) -> Path:
    """A name beside `path` that says which process writes there."""
    maker = this_process()
    mark = f"{maker.system}-{maker.number}-{maker.started or '0' * 8}-{secrets.token_hex(4)}"
    return path.with_name(f".{path.name[:LONGEST]}.{mark}.part")


def clean(path: Path) -> None:
    """Remove what processes that are no more left when they wrote `path`."""
    beginning = f".{path.name[:LONGEST]}"
    with contextlib.suppress(OSError):
        for entry in path.parent.iterdir():
            if not entry.name.startswith(beginning):
                continue
            found = _MAKER.fullmatch(entry.name[len(beginning) :])
            if found and Process("", found[1], int(found[2]), found[3]).runs() is False:
                remove(entry)


def remove(ours: Path) -> None:
    """Remove a file or folder of our own, if it is there."""
    if ours.is_dir() and not ours.is_symlink():
        shutil.rmtree(ours, ignore_errors=True)
    else:
        with contextlib.suppress(OSError):
            ours.unlink(missing_ok=True)


def put_aside(path: Path) -> None:
    """What is at `path`, if anything, gets the name NAME.kept."""
    if os.path.lexists(path):
        goal = path.with_name(path.name + KEPT)
        while os.path.lexists(goal):
            goal = goal.with_name(goal.name + KEPT)
        os.rename(path, goal)
