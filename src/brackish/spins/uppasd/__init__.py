"""Files of UppASD."""

from brackish.spins.uppasd.conventions import (
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
)
from brackish.spins.uppasd.inpsd import read_inpsd
from brackish.spins.uppasd.reading import MILLIRYDBERG, read_uppasd, read_uppasd_restart

__all__ = [
    "MILLIRYDBERG",
    "ByCell",
    "ByCellAsWritten",
    "ByVector",
    "Cartesian",
    "CubicSymmetry",
    "Direct",
    "HexagonalSymmetry",
    "MomentAgainstSpin",
    "MomentAlongSpin",
    "NoSymmetry",
    "ScalarExchange",
    "SquareSymmetry",
    "TensorExchange",
    "read_inpsd",
    "read_uppasd",
    "read_uppasd_restart",
]
