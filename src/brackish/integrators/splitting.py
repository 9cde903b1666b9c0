"""Structure-keeping steps composed from exact sub-flows."""

from typing import ClassVar

from brackish.integrators.base import Integrator, Relay, require_parts, within_step
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
        outermost, *inner = theory.parts(within_step(theory, hamiltonian, dt))
        return _through([outermost(dt / 2), *_mirrored(inner, dt), outermost(dt / 2)])

    def relay(self, theory, hamiltonian, dt):
        outermost, *inner = theory.parts(within_step(theory, hamiltonian, dt))
        step = _through([*_mirrored(inner, dt), outermost(dt)])
        return Relay(outermost(dt / 2), step, outermost(-dt / 2))


def _mirrored(parts, dt):
    """Half of each outer part, the whole of the last, the halves mirrored: a list of flows."""
    *outer, innermost = parts
    halves = [part(dt / 2) for part in outer]
    return [*halves, innermost(dt), *reversed(halves)]


def _through(flows):
    """One step through all flows in turn."""

    def step(t, y, draws):
        for flow in flows:
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

        def step(t, y, draws):
            for stage in (outer, inner, outer):
                y, _ = stage(t, y, draws)
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
        outermost = first(self.first_weights[0] * dt)
        return _through([outermost, *self._inner(first, second, dt), outermost])

    def relay(self, theory, hamiltonian, dt):
        first, second = theory.parts(hamiltonian)
        end = self.first_weights[0] * dt
        step = _through([*self._inner(first, second, dt), first(2 * end)])
        return Relay(first(end), step, first(-end))

    def _inner(self, first, second, dt):
        """All flows but the outermost two."""
        inner = [first(weight * dt) for weight in self.first_weights[1:]]
        centre = first((1 - 2 * sum(self.first_weights)) * dt)
        seconds = [second(weight * dt) for weight in (*self.second_weights, 0.5 - sum(self.second_weights))]
        half = [seconds[0], inner[0], seconds[1], inner[1], seconds[2]]
        return [*half, centre, *reversed(half)]
