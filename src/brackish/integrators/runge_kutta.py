"""Explicit Runge–Kutta rules: for short references. Energy and norm drift; structure is not kept."""

from typing import ClassVar

from brackish.integrators.base import Integrator, advance, combine, require_flow
from brackish.theory import Status


class Heun(Integrator):
    """The explicit trapezoidal rule, order 2."""

    order: ClassVar[int] = 2

    def check(self, theory, hamiltonian):
        require_flow(self, theory)

    def stepper(self, theory, hamiltonian, dt):
        def step(t, y, draws):
            first = theory.flow(hamiltonian, t, y)
            second = theory.flow(hamiltonian, t + dt, advance(y, dt, first))
            return advance(y, dt, combine((0.5, 0.5), (first, second))), Status.fine

        return step


class RungeKutta4(Integrator):
    """The classical rule of Kutta, order 4."""

    order: ClassVar[int] = 4

    def check(self, theory, hamiltonian):
        require_flow(self, theory)

    def stepper(self, theory, hamiltonian, dt):
        def step(t, y, draws):
            first = theory.flow(hamiltonian, t, y)
            second = theory.flow(hamiltonian, t + dt / 2, advance(y, dt / 2, first))
            third = theory.flow(hamiltonian, t + dt / 2, advance(y, dt / 2, second))
            fourth = theory.flow(hamiltonian, t + dt, advance(y, dt, third))
            slope = combine((1 / 6, 1 / 3, 1 / 3, 1 / 6), (first, second, third, fourth))
            return advance(y, dt, slope), Status.fine

        return step
