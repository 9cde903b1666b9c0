r"""Functions of a direction, continued off the unit sphere.

Koopman–van Hove theory of spins lives on all vectors $rn$, not on directions: the phase $n\cdot\nabla H-H$ and the
density contain radial derivatives, which a function on the sphere alone does not have. So it must be said how it is
continued.
"""

import abc
from collections.abc import Callable

import equinox as eqx
import jax
import jax.numpy as jnp

from brackish.typing import Array, Float


class Extension(eqx.Module):
    """How a function on the sphere is continued to vectors of any length."""

    @abc.abstractmethod
    def radial_derivatives(
        self, function: Callable, direction: Float[Array, "spins 3"]
    ) -> tuple[Array, Array]:
        r"""$\partial_rf$ and $\partial_r^2f$ of a function at a direction, $r=1$; of arrays, entry by entry."""


class AsWritten(Extension):
    """The function as it is written, evaluated at vectors of any length: n_z^2 / 2 is quadratic in the length."""

    def radial_derivatives(self, function, direction):
        def along(length):
            return function(length * direction)

        def slope(length):
            return jax.jvp(along, (length,), (jnp.ones(()),))[1]

        return jax.jvp(slope, (jnp.ones(()),), (jnp.ones(()),))


class Homogeneous(Extension):
    r"""$f(rn)=r^kf(n)$ with `degree` k, whatever is written. Degree 1 makes the phase $n\cdot\nabla H-H$ zero."""

    degree: float = 1.0

    def radial_derivatives(self, function, direction):
        value = function(direction)
        return self.degree * value, self.degree * (self.degree - 1) * value
