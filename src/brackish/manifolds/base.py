"""The interface of a classical manifold: a Poisson bracket on the points of one configuration."""

import abc
from collections.abc import Callable

import equinox as eqx
import jax
import jax.numpy as jnp

from brackish.typing import Point, RealScalar


class Manifold(eqx.Module):
    """A Poisson manifold. Points are trees of real arrays; gradients and velocities have the same tree."""

    @abc.abstractmethod
    def hamiltonian_field(self, gradient: Point, point: Point) -> Point:
        """The velocity X_h at `point` of a function h with the given `gradient`: df/dt = {f, h} for every f."""

    @abc.abstractmethod
    def describe(self) -> str:
        """A short name with sizes, as used in messages: `Canonical(1)`, `Spheres(2)`."""

    @abc.abstractmethod
    def probe(self) -> Point:
        """Some point of the manifold, away from symmetric places: used to check shapes and hermiticity."""

    def project(self, point: Point) -> Point:
        """The nearest point of the manifold; for the stages of integrators that step off it."""
        return point

    def bracket(self, f: Callable, g: Callable, point: Point) -> RealScalar:
        """The Poisson bracket {f, g} of two real functions at `point`, by automatic differentiation."""
        velocity = self.hamiltonian_field(jax.grad(g)(point), point)
        products = jax.tree_util.tree_map(lambda a, b: jnp.sum(a * b), jax.grad(f)(point), velocity)
        return jax.tree_util.tree_reduce(jnp.add, products)
