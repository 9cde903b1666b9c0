"""Magnets: one description of spins, bonds, fields and lattices for quantum and classical theories."""

from brackish.spins.anisotropy import Cubic, Uniaxial
from brackish.spins.bonds import NO_BONDS, Bonds
from brackish.spins.system import NeighbourTable, SpinSystem, require_magnet
from brackish.spins.units import MagneticUnits, RealUnits, ReducedUnits

__all__ = [
    "NO_BONDS",
    "Bonds",
    "Cubic",
    "MagneticUnits",
    "NeighbourTable",
    "RealUnits",
    "ReducedUnits",
    "SpinSystem",
    "Uniaxial",
    "require_magnet",
]
