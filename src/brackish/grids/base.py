r"""What every grid of a classical manifold offers to theories of fields.

Fields have any leading axes and the grid trailing, (..., *shape), real or complex; vectors have their components
leading, (components, ..., *shape): 2 on the plane (along q and p), 3 on a sphere (Cartesian, tangential).
"""

import abc
from typing import Any

import equinox as eqx
import jax.numpy as jnp
import numpy as np

from brackish.manifolds import Manifold
from brackish.showing import in_text
from brackish.typing import Array, Float, Inexact, Point


class FieldGrid(eqx.Module):
    """The interface of a grid of `shape` nodes. `components`: of a gradient."""

    components: eqx.AbstractClassVar[int]
    shape: eqx.AbstractVar[tuple[int, int]]

    def __repr__(self) -> str:
        return in_text(self)

    @abc.abstractmethod
    def matches(self, manifold: Manifold) -> None:
        """Raise `UnsupportedHamiltonian` unless fields on this grid are functions on the `manifold`."""

    @abc.abstractmethod
    def refined(self) -> "FieldGrid":
        """The same grid with a third more waves along each axis: what that changes is an error of the grid."""

    @abc.abstractmethod
    def points(self) -> Point:
        """All nodes, in the order of a flattened field: a tree of arrays with a leading axis of G nodes."""

    @abc.abstractmethod
    def axes(self) -> dict[str, tuple[np.ndarray, str, str]]:
        """For each of the two axes a name, the values along it, their unit, and what they are."""

    @abc.abstractmethod
    def weights(self) -> Float[np.ndarray, "*shape"]:
        """The area that belongs to each node."""

    def integrate(self, field: Inexact[Array, "*leading first second"]) -> Inexact[Array, "*leading"]:
        """The integral over the manifold."""
        weights = np.expand_dims(self.weights(), tuple(range(field.ndim - 2)))
        return jnp.sum(field * weights, axis=(-2, -1))

    @abc.abstractmethod
    def gradient(self, field: Inexact[Array, "*leading first second"]) -> Inexact[Array, "components *field"]:
        """The gradient, exact for the waves of the grid."""

    @abc.abstractmethod
    def divergence(
        self, vector: Inexact[Array, "components *field"]
    ) -> Inexact[Array, "*leading first second"]:
        """The divergence of a tangential vector: minus the adjoint of `gradient`."""

    @abc.abstractmethod
    def bracket(self, gradient: Any, other: Any) -> Inexact[Array, "*leading first second"]:
        """The Poisson bracket {f, g} from the gradients of f and g, element by element."""

    @abc.abstractmethod
    def vector_field(self, gradient: Any) -> Inexact[Array, "components *field"]:
        r"""The Hamiltonian vector field $X_h^j=J^{jk}\partial_kh$ from the gradient of h."""

    @abc.abstractmethod
    def dealias(
        self, field: Inexact[Array, "*leading first second"]
    ) -> Inexact[Array, "*leading first second"]:
        """The field without the waves beyond the cutoff."""

    @abc.abstractmethod
    def highest_waves(
        self, field: Inexact[Array, "*leading first second"]
    ) -> Inexact[Array, "*leading first second"]:
        """The waves that `dealias` keeps in the outermost fifth: where trouble shows first."""

    @abc.abstractmethod
    def largest_rate(self, vector: Inexact[Array, "components *shape"]) -> Float[Array, ""]:
        r"""A bound on $|\mathcal X\cdot k|$ for the waves k below the cutoff and a vector field $\mathcal X$: the
        largest frequency of motion along it.
        """
