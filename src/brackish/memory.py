"""How much memory there is, and a refusal of what cannot fit, before it is asked for."""

import contextlib
import math
import os
from collections.abc import Iterator
from functools import cache
from pathlib import Path

from brackish.errors import InvalidInput

COMPLEX, REAL = 16, 8
"""Bytes of a complex and of a real number in double precision."""


def require_memory(size: int, what: str, advice: str) -> None:
    """Raise `InvalidInput` if `size` bytes are more than this process can ever have. `what` takes them, `advice` is
    what to do about it.
    """
    there = available_bytes()
    if size > there:
        raise InvalidInput(
            f"{what} would take {in_words(size)} of memory, this process can have {in_words(there)}: {advice}."
        )


def in_words(size: int) -> str:
    """A number of bytes with three digits, however large."""
    if size < 1000:
        return f"{size} bytes"
    power = 3 * int(math.log10(size) // 3)
    return f"{number(size)} bytes" if power > 15 else f"{size / 10**power:.3g} {' kMGTP'[power // 3]}B"


def number(count: int) -> str:
    """A whole number, from 10^15 on with three digits, however large."""
    if count < 10**15:
        return str(count)
    exponent = math.floor(math.log10(count))
    return f"{count // 10 ** (exponent - 2) / 100:.2f}e{exponent}"


@cache
def available_bytes() -> int:
    """The least of the machine's memory, the limits of the control groups of this process, and its own limit."""
    return min(_limits(), default=2**63)


def _limits() -> Iterator[int]:
    # not everywhere is POSIX
    with contextlib.suppress(AttributeError, OSError, ValueError):
        yield os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES")
    try:
        import resource
    except ImportError:
        pass
    else:
        soft, _ = resource.getrlimit(resource.RLIMIT_AS)
        if soft != resource.RLIM_INFINITY:
            yield soft
    yield from _of_control_groups(Path("/proc/self/cgroup"), Path("/sys/fs/cgroup"))


def _of_control_groups(groups: Path, mounted: Path) -> Iterator[int]:
    """The limits of the groups that a process is in, and of those around them; versions 1 and 2 of Linux."""
    try:
        lines = groups.read_text().splitlines()
    except (OSError, UnicodeDecodeError):
        return
    for line in lines:
        _, controllers, path = [*line.split(":", 2), "", ""][:3]
        if controllers and "memory" not in controllers.split(","):
            continue
        root, name = (mounted / "memory", "memory.limit_in_bytes") if controllers else (mounted, "memory.max")
        inside = root / path.strip("/")
        for folder in (inside, *inside.parents):
            if not folder.is_relative_to(root):
                break
            try:
                text = (folder / name).read_text().strip()
            except (OSError, UnicodeDecodeError):
                continue
            if text.isdigit():
                yield int(text)
