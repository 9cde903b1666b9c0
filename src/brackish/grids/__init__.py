"""Grids and the operations that belong to them."""

from brackish.grids.phase_space import PhaseSpace
from brackish.grids.spectral import Grid, kinetic_phase

__all__ = ["Grid", "PhaseSpace", "kinetic_phase"]
