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
    ByCellAsWritten,
    ByVector,
    Cartesian,
    CubicSymmetry,
    Direct,
    HexagonalSymmetry,
    MomentAgainstSpin,
    MomentAlongSpin,
    NoSymmetry,
    ScalarExchange,
    SquareSymmetry,
    TensorExchange,
    read_inpsd,
    read_uppasd,
    read_uppasd_restart,
)

__all__ = [
    "NO_BONDS",
    "Bonds",
    "ByCell",
    "ByCellAsWritten",
    "ByVector",
    "Cartesian",
    "Cubic",
    "CubicSymmetry",
    "Direct",
    "HexagonalSymmetry",
    "Lattice",
    "MagneticUnits",
    "MomentAgainstSpin",
    "MomentAlongSpin",
    "NeighbourTable",
    "NoSymmetry",
    "RealUnits",
    "ReducedUnits",
    "ScalarExchange",
    "Shells",
    "SpinOperator",
    "SpinSpace",
    "SpinSystem",
    "SquareSymmetry",
    "TensorExchange",
    "Uniaxial",
    "lattices",
    "read_inpsd",
    "read_uppasd",
    "read_uppasd_restart",
    "require_magnet",
    "spin_space",
]
