"""Figures into files."""

from pathlib import Path

from brackish.errors import InvalidInput
from brackish.io.files import replacing

MADE_BY = "a figure of brackish"
_MARKS = {
    "png": {"Software": MADE_BY},
    **{kind: {"Creator": MADE_BY} for kind in ("pdf", "svg", "ps", "eps")},
}
"""Where each kind of file says what it is."""


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
    with replacing(path) as scratch:
        draw(figure, scratch, kind)


def draw(figure, path: Path, kind: str) -> None:
    """Write a figure of this kind, with its mark."""
    figure.savefig(path, format=kind, metadata=_MARKS.get(kind))


def drew(path: str | Path) -> bool:
    """Whether there is a figure at `path` that `save` wrote: its metadata say so, in those kinds that have any."""
    try:
        return MADE_BY.encode() in Path(path).read_bytes()
    except OSError:
        return False
