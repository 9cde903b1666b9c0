"""Magnets: one description of spins, bonds, fields and lattices for quantum and classical theories."""

from brackish.spins import lattices
from brackish.spins.anisotropy import Cubic, Uniaxial
from brackish.spins.bonds import NO_BONDS, Bonds
from brackish.spins.lattices import Lattice, Shells
from brackish.spins.system import NeighbourTable, SpinSystem, require_magnet
from brackish.spins.units import MagneticUnits, RealUnits, ReducedUnits

__all__ = [
    "NO_BONDS",
    "Bonds",
    "Cubic",
    "Lattice",
    "MagneticUnits",
    "NeighbourTable",
    "RealUnits",
    "ReducedUnits",
    "Shells",
    "SpinSystem",
    "Uniaxial",
    "lattices",
    "require_magnet",
]
