"""Grids and the operations that belong to them."""

from brackish.grids.base import FieldGrid
from brackish.grids.nodes import HybridFields, hybrid_fields
from brackish.grids.phase_space import PhaseSpace
from brackish.grids.spectral import Grid, kinetic_phase
from brackish.grids.sphere import SphereGrid

__all__ = ["FieldGrid", "Grid", "HybridFields", "PhaseSpace", "SphereGrid", "hybrid_fields", "kinetic_phase"]
