"""Numbers in the columns of text files: read strictly, and refused with file and line.

A number is what Fortran and C write, `1`, `-0.5`, `1.0d-3`, `2.E+5`; nothing else is, neither `1_000` nor `nan`. A line
has as many columns as it should.
"""

import dataclasses
import math
import re
from collections.abc import Iterator, Sequence
from pathlib import Path

from brackish.errors import InvalidInput

_NUMBER = re.compile(r"[+-]?(?P<whole>\d*)(\.(?P<part>\d*))?([eEdD](?P<power>[+-]?\d+))?", re.ASCII)
SHOWN = 60
"""Characters of a line that an error repeats."""


@dataclasses.dataclass(frozen=True)
class Row:
    """One line: its words, the numbers they are, and where it stands."""

    words: tuple[str, ...]
    numbers: tuple[float, ...]
    where: str

    def whole(self, column: int) -> int:
        """The whole number in a column, counted from 0; `InvalidInput` if it is none."""
        value = self.numbers[column]
        if value != math.floor(value):
            raise InvalidInput(f"{self.where}: column {column + 1} must be a whole number, got {value:g}.")
        return int(value)

    def last_digit(self, column: int) -> float:
        """One unit of the last digit that is written in a column."""
        match = _NUMBER.fullmatch(self.words[column])
        assert match is not None
        return 10.0 ** (int(match["power"] or 0) - len(match["part"] or ""))


def number(word: str) -> float | None:
    """The number that a word is, else None."""
    match = _NUMBER.fullmatch(word)
    if match is None or not (match["whole"] or match["part"]):
        return None
    value = float(word.lower().replace("d", "e"))
    return value if math.isfinite(value) else None


def read_text(path: str | Path) -> str:
    """A text file, with or without a byte order mark. Raises `InvalidInput` if it cannot be read, or is no text."""
    try:
        return Path(path).read_bytes().decode("utf-8-sig")
    except UnicodeDecodeError as error:
        raise InvalidInput(
            f"Cannot read {path}: byte {error.start + 1} belongs to no text (UTF-8)."
        ) from None
    except (OSError, ValueError) as error:
        raise InvalidInput(f"Cannot read {path}: {getattr(error, 'strerror', None) or error}.") from None


def rows(
    lines: Sequence[str],
    where: str,
    widths: Sequence[int],
    *,
    columns: str = "",
    comments: Sequence[str] = ("#", "!"),
    first: int = 1,
) -> Iterator[Row]:
    """The lines that are not empty, each with one of the `widths` of columns.

    `where`: the file, as errors name it. `columns`: what stands in them, for errors. `comments`: what ends a line.
    `first`: the number of the first line. Raises `InvalidInput`.
    """
    for place, line in enumerate(lines, start=first):
        text = line
        for mark in comments:
            text = text.partition(mark)[0]
        words = tuple(text.split())
        if not words:
            continue
        here = f"{where}, line {place}"
        shown = repr(line.strip()[:SHOWN])
        values = [number(word) for word in words]
        numbers = tuple(value for value in values if value is not None)
        if len(numbers) < len(values):
            raise InvalidInput(f"{here}: expected numbers, got {shown}.")
        if len(numbers) not in widths:
            wanted = " or ".join(str(width) for width in widths)
            what = f" ({columns})" if columns else ""
            raise InvalidInput(f"{here}: expected {wanted} numbers{what}, got {len(numbers)}: {shown}.")
        yield Row(words, numbers, here)


def read_rows(path: str | Path, widths: Sequence[int], *, columns: str = "") -> list[Row]:
    """The lines of a file of columns; see `rows`. Raises `InvalidInput`, also if there is none."""
    found = list(rows(read_text(path).splitlines(), str(path), widths, columns=columns))
    if not found:
        raise InvalidInput(f"{path} holds no numbers.")
    return found
