"""Structure-keeping steps composed from exact sub-flows."""

from typing import ClassVar

from brackish.integrators.base import Integrator, require_parts
from brackish.theory import Status


class Strang(Integrator):
    """Symmetric second-order composition: half of each outer part, the whole of the innermost, the halves
    mirrored.

    G. Strang, SIAM J. Numer. Anal. 5, 506 (1968).
    """

    order: ClassVar[int] = 2

    def check(self, theory, hamiltonian):
        require_parts(self, theory, hamiltonian)

    def stepper(self, theory, hamiltonian, dt):
        *outer, innermost = theory.parts(hamiltonian)
        halves = [part(dt / 2) for part in outer]
        whole = innermost(dt)

        def step(t, y, key):
            for flow in halves:
                y = flow(y)
            y = whole(y)
            for flow in reversed(halves):
                y = flow(y)
            return y, Status.fine

        return step


class TripleJump(Integrator):
    """Fourth order from three Strang steps, the middle one backwards.

    H. Yoshida, Phys. Lett. A 150, 262 (1990). Every part must accept negative durations.
    """

    order: ClassVar[int] = 4

    def check(self, theory, hamiltonian):
        require_parts(self, theory, hamiltonian)

    def stepper(self, theory, hamiltonian, dt):
        outer_weight = 1 / (2 - 2 ** (1 / 3))
        outer = Strang().stepper(theory, hamiltonian, outer_weight * dt)
        inner = Strang().stepper(theory, hamiltonian, (1 - 2 * outer_weight) * dt)

        def step(t, y, key):
            for stage in (outer, inner, outer):
                y, _ = stage(t, y, key)
            return y, Status.fine

        return step


class BlanesMoan(Integrator):
    """Fourth order with six stages and a small error constant, for theories of exactly two parts.

    S. Blanes and P. C. Moan, J. Comput. Appl. Math. 142, 313 (2002), method S6 of order 4.
    """

    order: ClassVar[int] = 4
    first_weights: ClassVar[tuple[float, ...]] = (0.0792036964311957, 0.353172906049774, -0.0420650803577195)
    second_weights: ClassVar[tuple[float, ...]] = (0.209515106613362, -0.143851773179818)

    def check(self, theory, hamiltonian):
        require_parts(self, theory, hamiltonian, exactly=2)

    def stepper(self, theory, hamiltonian, dt):
        first, second = theory.parts(hamiltonian)
        middle_first = 1 - 2 * sum(self.first_weights)
        middle_second = 0.5 - sum(self.second_weights)
        outer = [first(weight * dt) for weight in self.first_weights]
        inner = [second(weight * dt) for weight in (*self.second_weights, middle_second)]
        centre = first(middle_first * dt)

        def step(t, y, key):
            for first_flow, second_flow in zip(outer, inner, strict=True):
                y = second_flow(first_flow(y))
            y = centre(y)
            for first_flow, second_flow in zip(reversed(outer), reversed(inner), strict=True):
                y = first_flow(second_flow(y))
            return y, Status.fine

        return step
