"""Names for the shapes that appear everywhere. All arrays are float64 or complex128."""

from collections.abc import Sequence
from typing import Any

import numpy as np
from jaxtyping import Array, Bool, Complex, Float, Inexact, Int, Num, PRNGKeyArray, Real, UInt32

__all__ = [
    "Array",
    "Bool",
    "Complex",
    "Float",
    "Inexact",
    "Int",
    "Key",
    "Numbers",
    "Point",
    "Position",
    "RealScalar",
    "Reals",
    "Spinor",
    "SquareMatrix",
    "State",
    "UInt32",
]

Key = PRNGKeyArray
Position = Float[np.ndarray | Array, " n"]
"""Positions of one configuration, (n,), bohr; from a user perhaps as a numpy array."""
RealScalar = Float[Array, ""]
Reals = Real[np.ndarray | Array, "..."] | Sequence[Any]
"""Real numbers from a user: an array, or lists nested as deep as it has axes."""
Numbers = Num[np.ndarray | Array, "..."] | Sequence[Any]
"""The same of complex numbers."""
Spinor = Complex[Array, " d"]
"""A quantum state of one trajectory, shape (d,), unit norm."""
SquareMatrix = Inexact[Array, "d d"]
"""An operator on the d quantum levels; real where the Hamiltonian is real."""
Point = Any
"""A point of a classical manifold: `PhasePoint`, an array of directions, or a `ProductPoint`."""
State = Any
"""What a theory evolves: a tree of arrays whose layout the theory's file writes down."""
