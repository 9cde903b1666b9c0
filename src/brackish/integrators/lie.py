r"""Steps along exponentials, for states that a group moves, $\dot y=A(t,y)\,y$: unit vectors stay unit vectors, and
density operators keep their eigenvalues, whatever the step.
"""

from typing import ClassVar

import jax

from brackish.errors import UnsupportedHamiltonian
from brackish.integrators.base import Integrator
from brackish.theory import HasGenerators, Status


class LieHeun(Integrator):
    r"""Predictor and corrector, $y'=e^{\delta t\,A(t,y)}y$ and then
    $y_1=e^{\frac12\delta t\,[A(t,y)+A(t+\delta t,y')]}y$. With noise, the same in both stages, the Stratonovich
    integral. For unit vectors alone it is `Depondt`.
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
            noise = theory.noise(hamiltonian, t, dt, draws)
            before = generators(t, y, noise)
            after = generators(t + dt, theory.moved(hamiltonian, y, before, dt), noise)
            mean = jax.tree_util.tree_map(lambda a, b: 0.5 * (a + b), before, after)
            return theory.moved(hamiltonian, y, mean, dt), Status.fine

        return step
