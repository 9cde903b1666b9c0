"""What files of all kinds say of damage, in the same words."""

import hashlib
from pathlib import Path

from brackish.errors import warn

DAMAGED = "damaged"
"""The attribute that names what a rescued dataset lacks."""


def digest_of(*parts: bytes) -> str:
    """128 bits of the SHA-256 of these parts one after the other, in hexadecimal digits."""
    digest = hashlib.sha256()
    for part in parts:
        digest.update(part)
    return digest.hexdigest()[:32]


def warn_of_no_digests(path: Path) -> None:
    """Warn whoever reads `path` that damage to it would not be noticed."""
    warn(f"{path} was written without digests, by an older version: what it holds cannot be verified.")


def first_line(error: Exception) -> str:
    """The first line of what an error says, or its class if it says nothing."""
    return (str(error).splitlines() or [type(error).__name__])[0]
