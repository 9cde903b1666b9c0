r"""Exponentials of generators that change with time, without commutators of them."""

from typing import ClassVar

from brackish.errors import UnsupportedHamiltonian
from brackish.integrators.base import Integrator
from brackish.theory import HasExponential, Status

_NODES = (0.5 - 3**0.5 / 6, 0.5 + 3**0.5 / 6)
_WEIGHTS = (0.25 + 3**0.5 / 6, 0.25 - 3**0.5 / 6)


class CommutatorFree(Integrator):
    r"""$y_1=e^{\delta t(bA_1+aA_2)}\,e^{\delta t(aA_1+bA_2)}\,y_0$ with the generators at the two nodes of Gauss, order
    4; where the generator does not change, one exponential, exact for a step of any length.

    S. Blanes and P. C. Moan, Appl. Numer. Math. 56, 1519 (2006).
    """

    order: ClassVar[int] = 4

    def check(self, theory, hamiltonian):
        if not isinstance(theory, HasExponential):
            raise UnsupportedHamiltonian(
                f"CommutatorFree needs a theory with exponentials of its generator; {type(theory).__name__} offers "
                "none. Its default integrator will do."
            )
        theory.require_exponential(hamiltonian)

    def stepper(self, theory, hamiltonian, dt):
        if theory.steady(hamiltonian):
            whole = theory.exponential(hamiltonian, (0.0,), (1.0,), dt)
            return lambda t, y, draws: (whole(y), Status.fine)

        def step(t, y, draws):
            times = tuple(t + node * dt for node in _NODES)
            for weights in (_WEIGHTS, _WEIGHTS[::-1]):
                y = theory.exponential(hamiltonian, times, weights, dt)(y)
            return y, Status.fine

        return step
