r"""Steps for unit vectors that turn, $\dot{\mathbf n}=\mathbf n\times\boldsymbol\Omega(t,\mathbf n)$: all keep
$|\mathbf n|=1$ to round-off, and with noise all converge to the Stratonovich integral, as each uses the same random
numbers in its two stages.
"""

from collections.abc import Callable
from typing import ClassVar

import jax.numpy as jnp

from brackish.errors import UnsupportedHamiltonian
from brackish.integrators.base import Integrator
from brackish.spins.turning import at_unit_length, cross, rotate
from brackish.theory import HasRotation, Status
from brackish.typing import Array, Float

Vectors = Float[Array, "N 3"]


class Depondt(Integrator):
    r"""Predictor and corrector by exact rotations R,
    $\mathbf n'=R[\boldsymbol\Omega(\mathbf n)\,\delta t]\,\mathbf n$, then
    $R[\tfrac12(\boldsymbol\Omega(\mathbf n)+\boldsymbol\Omega(\mathbf n'))\,\delta t]\,\mathbf n$: exact in a constant
    field without damping.

    Source: P. Depondt and F. G. Mertens, J. Phys.: Condens. Matter 21, 336005 (2009).
    """

    order: ClassVar[int] = 2

    def check(self, theory, hamiltonian):
        _require_rotation(self, theory)

    def stepper(self, theory, hamiltonian, dt):
        def step(start: Vectors, first: Callable, second: Callable) -> Vectors:
            before = first(start)
            after = second(rotate(start, before, before, dt))
            return rotate(start, before, after, dt)

        return _two_stages(theory, hamiltonian, dt, 1.0, step)


class SemiImplicit(Integrator):
    r"""The implicit midpoint rule with one sweep for the angular velocity,
    $\mathbf n'=\mathbf n+\tfrac12\delta t(\mathbf n+\mathbf n')\times\boldsymbol\Omega(\mathbf n)$, then
    $\mathbf n_1=\mathbf n+\tfrac12\delta t(\mathbf n+\mathbf n_1)\times\boldsymbol\Omega(\tfrac12(\mathbf n+\mathbf
    n'))$, each solved exactly; of the midpoint rule it keeps that energies drift little (scheme B).

    Source: J. H. Mentink et al., J. Phys.: Condens. Matter 22, 176001 (2010).
    """

    order: ClassVar[int] = 2

    def check(self, theory, hamiltonian):
        _require_rotation(self, theory)

    def stepper(self, theory, hamiltonian, dt):
        def step(start: Vectors, first: Callable, second: Callable) -> Vectors:
            predicted = _cayley(start, 0.5 * dt * first(start))
            return _cayley(start, 0.5 * dt * second(0.5 * (start + predicted)))

        return _two_stages(theory, hamiltonian, dt, 0.5, step)


class HeunSpins(Integrator):
    """The rule of Heun, every stage brought back to unit length: the common one, kept for comparison."""

    order: ClassVar[int] = 2

    def check(self, theory, hamiltonian):
        _require_rotation(self, theory)

    def stepper(self, theory, hamiltonian, dt):
        def step(start: Vectors, first: Callable, second: Callable) -> Vectors:
            slope = cross(start, first(start))
            predicted = _normalised(start + dt * slope)
            return _normalised(start + 0.5 * dt * (slope + cross(predicted, second(predicted))))

        return _two_stages(theory, hamiltonian, dt, 1.0, step)


def _two_stages(theory, hamiltonian, dt, later: float, step):
    """A step of unit vectors that asks for the angular velocity at t and at t + later * dt."""

    velocity = theory.angular_velocity(hamiltonian)

    def whole(t, y, draws):
        noise = theory.noise(hamiltonian, t, dt, draws)
        first = lambda n: velocity(t, n, noise)  # noqa: E731
        second = lambda n: velocity(t + later * dt, n, noise)  # noqa: E731
        return theory.turned(y, step(theory.directions(y), first, second), t + dt), Status.fine

    return whole


def _cayley(directions: Vectors, half: Vectors) -> Vectors:
    r"""The solution of $\mathbf n'=\mathbf n+(\mathbf n+\mathbf n')\times\mathbf h$."""
    squared = jnp.sum(half**2, axis=1, keepdims=True)
    along = jnp.sum(half * directions, axis=1, keepdims=True)
    turned = (directions * (1 - squared) + 2 * cross(directions, half) + 2 * along * half) / (1 + squared)
    return at_unit_length(turned)


def _normalised(vectors: Vectors) -> Vectors:
    return vectors / jnp.sqrt(jnp.sum(vectors**2, axis=1, keepdims=True))


def _require_rotation(integrator: Integrator, theory) -> None:
    if not isinstance(theory, HasRotation):
        raise UnsupportedHamiltonian(
            f"{type(integrator).__name__} needs a theory of unit vectors that turn; {type(theory).__name__} offers "
            "none. Its default integrator will do."
        )
