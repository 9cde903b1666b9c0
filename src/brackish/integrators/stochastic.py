"""Steps with a random change at their end, or in their middle."""

from typing import ClassVar

from brackish.errors import UnsupportedHamiltonian
from brackish.integrators.base import Integrator, Relay, within_step
from brackish.integrators.splitting import Strang
from brackish.theory import HasJump, HasNoisyPart, Status


class WithJumps(Integrator):
    """A step of `smooth`, then the theory's random jump, from the trajectory's own draws for this step.

    The smooth motion between jumps has the order of `smooth`; the jump probabilities are right to first order
    in dt.
    """

    smooth: Integrator = Strang()
    order: ClassVar[int] = 1
    jumps: ClassVar[bool] = True

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


class StrangAroundJumps(Integrator):
    """Strang's composition with the first part of the theory innermost, then the random jump.

    Before a jump and after it the other parts stand at the same positions and see the same Hamiltonian, as the jump
    does, so that what is computed there (eigenstates, for surface hopping) serves all of them. Between jumps the motion
    is of second order; the jump probabilities are right to first order in dt. Where stiff harmonic modes are averaged,
    `WithJumps` keeps the energy better: forces act in the middle of its steps.
    """

    order: ClassVar[int] = 1
    jumps: ClassVar[bool] = True

    def check(self, theory, hamiltonian):
        WithJumps().check(theory, hamiltonian)

    def stepper(self, theory, hamiltonian, dt):
        relay = self.relay(theory, hamiltonian, dt)

        def step(t, y, draws):
            y, status = relay.step(t, relay.begin(y), draws)
            return relay.finish(y), status

        return step

    def relay(self, theory, hamiltonian, dt):
        hamiltonian = within_step(theory, hamiltonian, dt)
        innermost, *others = theory.parts(hamiltonian)
        whole = innermost(dt)
        halves = [part(dt / 2) for part in others]
        undone = [part(-dt / 2) for part in others]

        def begin(y):
            return _through(halves, y)

        def step(t, y, draws):
            y = _through(reversed(halves), whole(y))
            return begin(theory.jump(hamiltonian, dt, y, draws)), Status.fine

        return Relay(begin, step, lambda y: _through(reversed(undone), y))


class StrangAroundNoise(Integrator):
    """Strang's composition around a part that is random, and exact in law: half of each other part, the whole of the
    random one, the halves mirrored. Means over trajectories are of second order in dt.
    """

    order: ClassVar[int] = 2

    def check(self, theory, hamiltonian):
        if not isinstance(theory, HasNoisyPart):
            raise UnsupportedHamiltonian(
                f"StrangAroundNoise needs a theory with a random part; {type(theory).__name__} offers none."
            )

    def stepper(self, theory, hamiltonian, dt):
        relay = self.relay(theory, hamiltonian, dt)

        def step(t, y, draws):
            y, status = relay.step(t, relay.begin(y), draws)
            return relay.finish(y), status

        return step

    def relay(self, theory, hamiltonian, dt):
        parts = theory.around_noise(hamiltonian)
        outermost, *inner = parts.outer
        halves, random, whole = [part(dt / 2) for part in inner], parts.noisy(dt), outermost(dt)

        def step(t, y, draws):
            y = random(_through(halves, y), draws)
            return whole(_through(reversed(halves), y)), Status.fine

        first, undone = outermost(dt / 2), outermost(-dt / 2)
        return Relay(lambda y: first(parts.enter(y)), step, lambda y: parts.leave(undone(y)))


def _through(flows, y):
    for flow in flows:
        y = flow(y)
    return y
