"""Grids and the operations that belong to them."""

from brackish.grids.nodes import HybridFields, hybrid_fields
from brackish.grids.phase_space import PhaseSpace
from brackish.grids.spectral import Grid, kinetic_phase

__all__ = ["Grid", "HybridFields", "PhaseSpace", "hybrid_fields", "kinetic_phase"]
