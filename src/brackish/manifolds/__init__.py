"""Where classical variables live, and the bracket that moves them."""

from brackish.manifolds.base import Manifold
from brackish.manifolds.canonical import Canonical, PhasePoint
from brackish.manifolds.extensions import AsWritten, Extension, Homogeneous
from brackish.manifolds.product import Product, ProductPoint
from brackish.manifolds.spheres import Spheres

__all__ = [
    "AsWritten",
    "Canonical",
    "Extension",
    "Homogeneous",
    "Manifold",
    "PhasePoint",
    "Product",
    "ProductPoint",
    "Spheres",
]
