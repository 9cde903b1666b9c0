"""Grids and the operations that belong to them."""

from brackish.grids.base import FieldGrid
from brackish.grids.differences import Differences, along, open_differences
from brackish.grids.nodes import HybridFields, hybrid_fields
from brackish.grids.phase_space import PhaseSpace
from brackish.grids.spectral import Grid, kinetic_phase
from brackish.grids.sphere import SphereGrid

__all__ = [
    "Differences",
    "FieldGrid",
    "Grid",
    "HybridFields",
    "PhaseSpace",
    "SphereGrid",
    "along",
    "hybrid_fields",
    "kinetic_phase",
    "open_differences",
]
