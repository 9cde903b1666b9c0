"""Theories of magnets."""

from brackish.theories.spins.llg import LL, LLG
from brackish.theories.spins.quantum_llg import QuantumLL, QuantumLLG

__all__ = ["LL", "LLG", "QuantumLL", "QuantumLLG"]
