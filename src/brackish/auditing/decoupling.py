r"""Property 4: in the absence of an interaction, uncoupled quantum and classical dynamics.

With $\hat H=H_C(z)\hat1+\hat H_Q$ the density operator must follow $\hat\rho(t)=e^{-i\hat H_Qt/\hbar}\hat\rho(0)
e^{i\hat H_Qt/\hbar}$, and every point of the classical side $\dot z=X_{H_C}(z)$, whatever the quantum state.
"""

from typing import Any, ClassVar

import jax
import numpy as np

from brackish.auditing.bench import ROUND_OFF, Bench
from brackish.auditing.finding import Finding, Measurement
from brackish.hamiltonians import SeparableHamiltonian
from brackish.integrators import RungeKutta4, TripleJump
from brackish.manifolds import PhasePoint
from brackish.theory import Theory, Weighted

NAME = "uncoupled without interaction"
SAME_MOTION = 1e-6
"""In units of the spread: what different phases of a quantum state may change in a classical moment by round-off, or by
the truncation of a grid."""
WHY = "three times what half the step, and a finer grid if there is one, change, and round-off"
SHORTER = 4
"""The reference takes that many steps for one of the theory, so that its own error does not matter."""


class ClassicalMotion(Theory):
    """The points with which the theory `of` begins, each moved by the classical energy alone: the reference.

    The state is `Weighted`; densities stay as they were.
    """

    of: Theory
    random: ClassVar[bool] = False

    @property
    def coupled(self) -> bool:  # type: ignore[override]
        """As the theory whose points these are."""
        return self.of.coupled

    @property
    def has_trajectories(self) -> bool:  # type: ignore[override]
        """As the theory whose points these are."""
        return self.of.has_trajectories

    @property
    def mixed(self) -> bool:  # type: ignore[override]
        """As the theory whose points these are."""
        return self.of.mixed

    def requirements(self):
        return self.of.requirements()

    def default_integrator(self, hamiltonian):
        """Of fourth order; where it can be, exact for harmonic modes, however stiff."""
        return TripleJump() if isinstance(hamiltonian, SeparableHamiltonian) else RungeKutta4()

    def prepare(self, hamiltonian, preparation, index, key):
        y, weight = self.of.prepare(hamiltonian, preparation, index, key)
        return self.of.classical_points(hamiltonian, y), weight

    def flow(self, hamiltonian, t, y):
        """dz/dt = X_H of the classical energy, point by point."""

        def velocity(point):
            return hamiltonian.manifold.hamiltonian_field(jax.grad(hamiltonian.classical)(point), point)

        velocities = jax.vmap(velocity)(y.point)
        return Weighted(velocities, 0.0 * y.density, 0.0 * y.weight)

    def parts(self, hamiltonian):
        """For kinetic energy plus V_C(q): free motion and the kick of V_C, both exact."""

        def drift(duration):
            free = jax.vmap(hamiltonian.free_flow(duration))
            return lambda y: Weighted(free(y.point), y.density, y.weight)

        def kick(duration):
            def flow(y):
                push = duration * jax.vmap(jax.grad(hamiltonian.external))(y.point.position)
                return Weighted(PhasePoint(y.point.position, y.point.momentum - push), y.density, y.weight)

            return flow

        return drift, kick

    def energy(self, hamiltonian, y):
        return (y.weight * jax.vmap(hamiltonian.classical)(y.point)).sum()

    def classical_points(self, hamiltonian, y):
        return y


def examine(bench: Bench) -> Finding:
    """Four comparisons of runs without interaction."""
    first, second = bench.random_state(1), bench.random_state(2)
    arguments: dict[str, Any] = {"interaction": 0.0, "state": first}
    record = bench.run(**arguments)
    other = bench.run(interaction=0.0, state=second)
    quantum_error, classical_error = bench.errors(record, **arguments)
    measurements, notes = [], []
    if bench.hamiltonian.levels > 1:
        measurements += _quantum_side(bench, record, quantum_error)
    else:
        notes.append("one level: no quantum side to compare")
    measurements.append(
        Measurement(
            "classical moments, one quantum state beside another",
            record.classical_distance(other),
            SAME_MOTION + 6 * classical_error,
            "in units of the spread; the same for each of the two",
        )
    )
    if bench.theory.has_phase_space:
        alone = bench.run(**arguments, theory=ClassicalMotion(bench.theory), steps=SHORTER)
        measurements.append(
            Measurement(
                "classical moments beside motion in H_C alone",
                record.classical_distance(alone),
                SAME_MOTION + 3 * classical_error,
                "in units of the spread; " + WHY,
            )
        )
    else:
        notes.append("no classical phase space to compare with classical motion")
    if bench.hamiltonian.levels > 1 and not np.any(np.asarray(bench.hamiltonian.quantum())):
        notes.append("H_Q is zero here: the density operator must stand still")
    done = "interaction scaled to zero, two random quantum states, beside exact quantum and classical motion"
    return Finding(4, NAME, tuple(measurements), done, tuple(notes))


def _quantum_side(bench: Bench, record, error: float) -> list[Measurement]:
    """Its purity, and its motion beside free motion."""
    follows = _distance_from_free_motion(record, np.asarray(bench.hamiltonian.quantum()), bench.planck)
    purity = float(np.max(np.abs(record.purity - record.purity[0])))
    return [
        Measurement("change of the purity", purity, ROUND_OFF + 6 * error, WHY),
        Measurement("density operator beside exp(-i H_Q t)", follows, ROUND_OFF + 3 * error, WHY),
    ]


def _distance_from_free_motion(record, energy: np.ndarray, planck: float) -> float:
    """The largest entry of rho(t) - U(t) rho(0) U(t)^dagger, U by diagonalisation."""
    values, vectors = np.linalg.eigh(energy)
    phases = np.exp(-1j * values[None, :] * record.time[:, None] / planck)
    turn = (vectors[None] * phases[:, None, :]) @ vectors.conj().T[None]
    expected = turn @ record.density[:1] @ np.conj(np.swapaxes(turn, 1, 2))
    return float(np.max(np.abs(record.density - expected)))
