"""Figures of published papers, made anew: each from the paper's own parameters, with a caption that says what must be
seen, and where the paper's words and its equations disagree.
"""

from brackish.reproduce._classical_quantum_oscillators import classical_quantum_oscillators
from brackish.reproduce._quantum_llg import quantum_llg
from brackish.reproduce.figure import PaperFigure

PAPERS = {"cq-oscillators": classical_quantum_oscillators, "quantum-llg": quantum_llg}
"""What can be reproduced, by name."""

__all__ = ["PAPERS", "PaperFigure", "classical_quantum_oscillators", "quantum_llg"]
