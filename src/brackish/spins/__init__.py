"""Magnets: one description of spins, bonds, fields and lattices for quantum and classical theories."""

from brackish.spins import lattices
from brackish.spins.anisotropy import Cubic, Uniaxial
from brackish.spins.bonds import NO_BONDS, Bonds
from brackish.spins.lattices import Lattice, Shells
from brackish.spins.quantum_operator import SpinOperator, SpinSpace, spin_space
from brackish.spins.system import NeighbourTable, SpinSystem, require_magnet
from brackish.spins.units import MagneticUnits, RealUnits, ReducedUnits
from brackish.spins.uppasd import (
    ByCell,
    ByVector,
    Cartesian,
    CubicSymmetry,
    Direct,
    HexagonalSymmetry,
    NoSymmetry,
    SquareSymmetry,
    read_uppasd,
)

__all__ = [
    "NO_BONDS",
    "Bonds",
    "ByCell",
    "ByVector",
    "Cartesian",
    "Cubic",
    "CubicSymmetry",
    "Direct",
    "HexagonalSymmetry",
    "Lattice",
    "MagneticUnits",
    "NeighbourTable",
    "NoSymmetry",
    "RealUnits",
    "ReducedUnits",
    "Shells",
    "SpinOperator",
    "SpinSpace",
    "SpinSystem",
    "SquareSymmetry",
    "Uniaxial",
    "lattices",
    "read_uppasd",
    "require_magnet",
    "spin_space",
]
