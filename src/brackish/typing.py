"""Names for the shapes that appear everywhere. All arrays are float64 or complex128."""

from typing import Any

from jaxtyping import Array, Bool, Complex, Float, Inexact, Int, PRNGKeyArray

__all__ = [
    "Array",
    "Bool",
    "Complex",
    "Float",
    "Inexact",
    "Int",
    "Key",
    "Point",
    "RealScalar",
    "Spinor",
    "SquareMatrix",
    "State",
]

Key = PRNGKeyArray
RealScalar = Float[Array, ""]
Spinor = Complex[Array, " d"]
"""A quantum state of one trajectory, shape (d,), unit norm."""
SquareMatrix = Inexact[Array, "d d"]
"""An operator on the d quantum levels; real where the Hamiltonian is real."""
Point = Any
"""A point of a classical manifold: `PhasePoint`, an array of directions, or a `ProductPoint`."""
State = Any
"""What a theory evolves: a tree of arrays whose layout the theory's file writes down."""
