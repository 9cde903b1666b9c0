"""The interface of an integrator, and arithmetic on states."""

import abc
from collections.abc import Callable
from typing import Any, ClassVar, NamedTuple

import equinox as eqx
import jax

from brackish.errors import UnsupportedHamiltonian
from brackish.hamiltonians import HybridHamiltonian, SeparableHamiltonian
from brackish.showing import in_text
from brackish.theory import HasFlow, HasParts, Theory
from brackish.typing import Array, State

Step = Callable[[Any, State, Any], tuple[State, Array]]
"""A map (t, y, draws) -> (y after the step, a `Status` number); `draws` are the `StepDraws` of this step."""


class Relay(NamedTuple):
    """A walk of n steps: `begin`, n times `step`, `finish`. In between, states are not at whole steps."""

    begin: Callable[[State], State]
    step: Step
    finish: Callable[[State], State]


def _unchanged(y: State) -> State:
    return y


class Integrator(eqx.Module):
    """The interface of every integrator. `order`: the error after a fixed time falls as dt to this power.

    `jumps`: whether it makes the random jumps of a theory that has them.
    """

    order: eqx.AbstractClassVar[int]
    jumps: ClassVar[bool] = False

    def __repr__(self) -> str:
        return in_text(self)

    @abc.abstractmethod
    def check(self, theory: Theory, hamiltonian: HybridHamiltonian) -> None:
        """Raise `UnsupportedHamiltonian` if the theory does not offer what this integrator uses."""

    def relay(self, theory: Theory, hamiltonian: HybridHamiltonian, dt: Any) -> "Relay":
        """The same steps for a walk of many: what the end of one shares with the start of the next is done once."""
        return Relay(_unchanged, self.stepper(theory, hamiltonian, dt), _unchanged)

    @abc.abstractmethod
    def stepper(self, theory: Theory, hamiltonian: HybridHamiltonian, dt: Any) -> Step:
        """The map over one step of length `dt`. What can be computed before the loop over time is computed here."""


def require_flow(integrator: Integrator, theory: Theory) -> None:
    """Raise unless `theory` offers a flow."""
    if not isinstance(theory, HasFlow):
        raise UnsupportedHamiltonian(
            f"{type(integrator).__name__} needs a theory with a flow dy/dt; {type(theory).__name__} offers none. "
            "Its default integrator will do."
        )


def require_parts(
    integrator: Integrator, theory: Theory, hamiltonian: HybridHamiltonian, exactly=None
) -> None:
    """Raise unless `theory` can be split into exact parts for this Hamiltonian (`exactly` so many of them)."""
    if not isinstance(theory, HasParts):
        raise UnsupportedHamiltonian(
            f"{type(integrator).__name__} needs a theory made of exact parts; {type(theory).__name__} offers none. "
            "Its default integrator will do."
        )
    count = len(theory.parts(hamiltonian))
    if exactly is not None and count != exactly:
        raise UnsupportedHamiltonian(
            f"{type(integrator).__name__} composes exactly {exactly} parts; {type(theory).__name__} has {count}. "
            "Use TripleJump for order 4."
        )


def within_step(theory: Any, hamiltonian: HybridHamiltonian, dt: Any) -> HybridHamiltonian:
    """The Hamiltonian whose parts make up one symmetric step of order 2 and length `dt`: averaged over the step where
    the theory wants that.
    """
    if theory.averages and isinstance(hamiltonian, SeparableHamiltonian):
        return hamiltonian.averaged(dt)
    return hamiltonian


def advance(y: State, dt: Any, slope: State) -> State:
    """y + dt * slope for the real and complex leaves of a state; whole numbers stay as they are."""
    return jax.tree_util.tree_map(lambda a, k: a + dt * k if eqx.is_inexact_array(a) else a, y, slope)


def combine(coefficients, trees) -> State:
    """The linear combination of states or slopes."""
    return jax.tree_util.tree_map(
        lambda *leaves: (
            sum(c * leaf for c, leaf in zip(coefficients, leaves, strict=True))
            if eqx.is_inexact_array(leaves[0])
            else leaves[0]
        ),
        *trees,
    )
