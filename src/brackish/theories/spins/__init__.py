"""Theories of magnets."""

from brackish.theories.spins.llg import LL, LLG

__all__ = ["LL", "LLG"]
