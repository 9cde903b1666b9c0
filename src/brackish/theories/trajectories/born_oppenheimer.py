r"""Born-Oppenheimer dynamics: the quantum side stays in one eigenstate, the classical side on its surface.

$$\dot q_k=\pi_k/m_k,\qquad \dot\pi_k=-\partial_k(E_n+\phi_{FS})+\sum_j\dot q_jB_{kj},\qquad
  \phi_{FS}=\tfrac12\sum_kg_{kk}/m_k$$

Eq. (97) of Martinazzo and Burghardt, "Quantum hydrodynamics of coupled electron-nuclear systems" (there for
the lowest level, as the adiabatic limit of their eq. 96). $g$ is the Fubini-Study metric of the level and $B$
its Berry curvature; $\pi$ is the mechanical momentum, mass times velocity, so no gauge is ever chosen.
"""

from typing import ClassVar

import equinox as eqx
import jax
import jax.numpy as jnp

from brackish.analysis import (
    adiabatic_energy,
    berry_curvature,
    diagonal_correction,
    is_complex,
    level_resolvent,
)
from brackish.errors import InvalidInput
from brackish.integrators import Strang
from brackish.manifolds import Canonical, PhasePoint
from brackish.promises import ENERGY_OF_EACH
from brackish.quantum import apply, propagate
from brackish.theory import Requirements, Status, Theory, Weighted
from brackish.typing import Array


class BornOppenheimerState(eqx.Module):
    """One trajectory: `point`, with the mechanical momentum. The quantum state follows from the position."""

    point: PhasePoint


class BornOppenheimer(Theory):
    r"""Motion on one adiabatic surface.

    `level`: the eigenstate, from 0, the lowest. `diagonal_correction`: whether $\phi_{FS}$ is part of the
    potential. `berry_force`: whether the force of $B$ acts; for a real Hamiltonian or one coordinate there is
    none, at no cost.

    Conserves the energy $\sum_k(\pi_k^2/2m_k+\tfrac12m_k\omega_k^2q_k^2)+E_n+\phi_{FS}$ of each trajectory:
    the Berry force does no work. Right where the motion is slow against the gaps to all other levels. Its
    weakness: the level never changes, and where it touches another one the force is infinite: the run stops.
    """

    level: int = eqx.field(static=True, default=0)
    diagonal_correction: bool = eqx.field(static=True, default=True)
    berry_force: bool = eqx.field(static=True, default=True)
    coupled: ClassVar[bool] = False
    random: ClassVar[bool] = False
    has_trajectories: ClassVar[bool] = True
    averages: ClassVar[bool] = True

    def requirements(self):
        return Requirements(manifolds=(Canonical,), separable=True)

    def promises(self, hamiltonian):
        return (ENERGY_OF_EACH,)

    def suggested_step(self, hamiltonian):
        """The surface, and still more its diagonal correction, jitters with the modes that carry the coupling."""
        return hamiltonian.adiabatic_step()

    def default_integrator(self, hamiltonian):
        return Strang()

    def resolve(self, hamiltonian, preparation, times):
        if not 0 <= self.level < hamiltonian.levels:
            raise InvalidInput(
                f"Argument `level` of BornOppenheimer asks for level {self.level}, but the Hamiltonian has "
                f"levels 0 to {hamiltonian.levels - 1}."
            )
        return self

    def prepare(self, hamiltonian, preparation, index, key):
        """Position and momentum of the preparation; its quantum state is ignored: it is always `level`."""
        start = preparation.draw(hamiltonian, index, key)
        return BornOppenheimerState(start.point), start.weight

    def surface(self, hamiltonian, position):
        """The potential of the motion without the harmonic part: E_n, and phi_FS if wanted, in hartree."""
        energy = adiabatic_energy(hamiltonian, position, self.level)
        if self.diagonal_correction:
            energy = energy + diagonal_correction(hamiltonian, position, self.level)
        return energy

    def feels_berry_force(self, hamiltonian) -> bool:
        """Whether there is a Berry force: wanted, more than one coordinate, and a complex Hamiltonian."""
        return self.berry_force and hamiltonian.manifold.coordinates > 1 and is_complex(hamiltonian)

    def energy(self, hamiltonian, y):
        at_rest = hamiltonian.harmonic(y.point.position) + self.surface(hamiltonian, y.point.position)
        return hamiltonian.manifold.kinetic_energy(y.point.momentum) + at_rest

    def flow(self, hamiltonian, t, y):
        """Eq. (97)."""
        position, velocity = y.point.position, hamiltonian.manifold.velocity(y.point.momentum)

        def potential(position):
            return hamiltonian.harmonic(position) + self.surface(hamiltonian, position)

        force = -jax.grad(potential)(position)
        if self.feels_berry_force(hamiltonian):
            force = force + apply(berry_curvature(hamiltonian, position, self.level), velocity)
        return BornOppenheimerState(PhasePoint(velocity, force))

    def parts(self, hamiltonian):
        """Free motion; the turn of the momentum by the Berry force at rest; the kick of the surface at rest.

        Each is exact. The kick, which costs most, stands innermost: it is needed once a step. Without a Berry
        force the composition is symplectic. With one it keeps the volume of phase space, and reverses in time
        if some symmetry of the system turns B around. Where none does, the error of the energy, which is of
        order dt^2, may creep (E. Hairer and C. Lubich, BIT 58, 969 (2018), on the Boris method).
        """

        def drift(duration):
            flow = hamiltonian.free_flow(duration)
            return lambda y: BornOppenheimerState(flow(y.point))

        def turn(duration):
            root = jnp.sqrt(jnp.asarray(hamiltonian.manifold.masses))

            def flow(y):
                curvature = berry_curvature(hamiltonian, y.point.position, self.level)
                scaled = _turned(
                    curvature / (root[:, None] * root[None, :]), y.point.momentum / root, duration
                )
                return BornOppenheimerState(PhasePoint(y.point.position, root * scaled))

            return flow

        def kick(duration):
            # what averages is the energy of the surface, not the gradients of states in its diagonal correction
            original, average = hamiltonian.before_averaging()

            def flow(y):
                gradient = jax.grad(lambda q: self.surface(original, average(q)))(y.point.position)
                return BornOppenheimerState(
                    PhasePoint(y.point.position, y.point.momentum - duration * gradient)
                )

            return flow

        return (drift, turn, kick) if self.feels_berry_force(hamiltonian) else (drift, kick)

    def classical_points(self, hamiltonian, y):
        points = jax.tree_util.tree_map(lambda leaf: leaf[None], y.point)
        _, projector, _ = level_resolvent(hamiltonian.potential(y.point.position), self.level)
        return Weighted(points, projector[None].astype(complex), jnp.ones(1))

    def check(self, hamiltonian, y):
        finite = jnp.all(jnp.isfinite(y.point.position)) & jnp.all(jnp.isfinite(y.point.momentum))
        return jnp.where(finite, Status.fine, Status.not_finite)


def _turned(generator, vector, duration) -> Array:
    """exp(A duration) x for an antisymmetric A, (n, n): a rotation, which keeps the length of x."""
    if vector.shape[0] == 2:
        angle = generator[0, 1] * duration
        cosine, sine = jnp.cos(angle), jnp.sin(angle)
        return jnp.stack([cosine * vector[0] + sine * vector[1], cosine * vector[1] - sine * vector[0]])
    # i A is Hermitian, and exp(A t) = exp(-i (i A) t)
    return propagate(1j * generator, vector.astype(complex), duration).real
