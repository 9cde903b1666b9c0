"""Steps that end in a random change."""

from typing import ClassVar

from brackish.errors import UnsupportedHamiltonian
from brackish.integrators.base import Integrator
from brackish.integrators.splitting import Strang
from brackish.theory import HasJump


class WithJumps(Integrator):
    """A step of `smooth`, then the theory's random jump, from the trajectory's own draws for this step.

    The smooth motion between jumps has the order of `smooth`; the jump probabilities are right to first order
    in dt.
    """

    smooth: Integrator = Strang()
    order: ClassVar[int] = 1

    def check(self, theory, hamiltonian):
        self.smooth.check(theory, hamiltonian)
        if not isinstance(theory, HasJump):
            raise UnsupportedHamiltonian(
                f"WithJumps needs a theory with jumps; {type(theory).__name__} offers none."
            )

    def stepper(self, theory, hamiltonian, dt):
        smooth = self.smooth.stepper(theory, hamiltonian, dt)

        def step(t, y, draws):
            y, status = smooth(t, y, draws)
            return theory.jump(hamiltonian, dt, y, draws), status

        return step
