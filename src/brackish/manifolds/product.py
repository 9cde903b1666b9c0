"""Orbital motion and spins together: the product of a canonical manifold and spheres."""

import equinox as eqx
import numpy as np

from brackish.manifolds.base import Manifold
from brackish.manifolds.canonical import Canonical, PhasePoint
from brackish.manifolds.spheres import Spheres
from brackish.typing import Array, Float


class ProductPoint(eqx.Module):
    """`canonical`: a `PhasePoint`; `spheres`: unit vectors, shape (count, 3)."""

    canonical: PhasePoint
    spheres: Float[np.ndarray | Array, "*points spins 3"]


class Product(Manifold):
    """The product manifold; its bracket is the sum of the two brackets."""

    canonical: Canonical
    spheres: Spheres

    def hamiltonian_field(self, gradient: ProductPoint, point: ProductPoint) -> ProductPoint:
        return ProductPoint(
            self.canonical.hamiltonian_field(gradient.canonical, point.canonical),
            self.spheres.hamiltonian_field(gradient.spheres, point.spheres),
        )

    def project(self, point: ProductPoint) -> ProductPoint:
        return ProductPoint(point.canonical, self.spheres.project(point.spheres))

    def describe(self) -> str:
        return f"Product({self.canonical.describe()}, {self.spheres.describe()})"

    def probe(self) -> ProductPoint:
        return ProductPoint(self.canonical.probe(), self.spheres.probe())
