"""Theories of magnets."""

from brackish.theories.spins.hybrid_magnet import HybridMagnet
from brackish.theories.spins.llg import LL, LLG
from brackish.theories.spins.quantum_llg import QuantumLL, QuantumLLG

__all__ = ["LL", "LLG", "HybridMagnet", "QuantumLL", "QuantumLLG"]
