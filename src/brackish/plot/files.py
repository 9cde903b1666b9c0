"""Figures into files."""

import contextlib
import os
from pathlib import Path

from brackish.errors import InvalidInput


def save(figure, path: str | Path) -> None:
    """Write a figure; the ending of `path` says how: png, pdf, svg, jpg ...

    An existing file is replaced only once the new one is complete. Raises `InvalidInput` where nothing can be
    written.
    """
    path = Path(path)
    kind = path.suffix.removeprefix(".").lower()
    known = figure.canvas.get_supported_filetypes()
    if kind not in known:
        endings = ", ".join(f".{name}" for name in sorted(known))
        raise InvalidInput(f"Cannot write {path}: the name of a figure must end in one of {endings}.")
    if path.is_dir():
        raise InvalidInput(f"Cannot write {path}: it is a folder.")
    scratch = path.with_name(f".{path.name}.{os.getpid()}.part")
    try:
        figure.savefig(scratch, format=kind)
        os.replace(scratch, path)
    except OSError as error:
        raise InvalidInput(f"Cannot write {path}: {error.strerror or error}.") from error
    finally:
        with contextlib.suppress(OSError):
            scratch.unlink(missing_ok=True)
