"""Grids and the operations that belong to them."""

from brackish.grids.spectral import Grid, kinetic_phase

__all__ = ["Grid", "kinetic_phase"]
