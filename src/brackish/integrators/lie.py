r"""Steps along exponentials, for states that a group moves, $\dot y=A(t,y)\,y$: unit vectors stay unit vectors, and
density operators keep their eigenvalues, whatever the step.
"""

from typing import ClassVar

import jax

from brackish.errors import UnsupportedHamiltonian
from brackish.integrators.base import Integrator
from brackish.randomness import StepDraws
from brackish.theory import HasGenerators, Status


class LieHeun(Integrator):
    r"""Predictor and corrector, $y'=e^{\delta t\,A(t,y)}y$ and then
    $y_1=e^{\frac12\delta t\,[A(t,y)+A(t+\delta t,y')]}y$, between two halves of the random motion, if there is any:
    means are of second order too. For unit vectors it is a step of `Depondt` between two halves of the noise.
    """

    order: ClassVar[int] = 2

    def check(self, theory, hamiltonian):
        if not isinstance(theory, HasGenerators):
            raise UnsupportedHamiltonian(
                f"LieHeun needs a theory whose states a group moves; {type(theory).__name__} offers no generators. Its "
                "default integrator will do."
            )

    def stepper(self, theory, hamiltonian, dt):
        generators = theory.generators(hamiltonian)

        def step(t, y, draws):
            first, second = halves(draws)
            start = theory.shaken(hamiltonian, t, 0.5 * dt, y, first)
            before = generators(t, start)
            after = generators(t + dt, theory.moved(hamiltonian, start, before, dt))
            mean = jax.tree_util.tree_map(lambda a, b: 0.5 * (a + b), before, after)
            end = theory.moved(hamiltonian, start, mean, dt)
            return theory.shaken(hamiltonian, t + 0.5 * dt, 0.5 * dt, end, second), Status.fine

        return step


def halves(draws: StepDraws) -> tuple[StepDraws, StepDraws]:
    """Draws of their own for the two halves of a step."""
    return StepDraws(draws.key, 2 * draws.step), StepDraws(draws.key, 2 * draws.step + 1)
