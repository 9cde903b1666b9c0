"""Named systems, one family a file."""

from brackish.models.tully import double_arch, tully

__all__ = ["double_arch", "tully"]
