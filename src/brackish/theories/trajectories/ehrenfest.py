r"""Ehrenfest dynamics: every trajectory carries its own quantum state.

$$\dot q_a=\partial_{p_a}\langle\psi_a|\hat H_a\psi_a\rangle,\quad
  \dot p_a=-\partial_{q_a}\langle\psi_a|\hat H_a\psi_a\rangle,\quad
  i\hbar\dot\psi_a=\hat H_a\psi_a,\qquad \hat H_a=\hat H(q_a,p_a)$$

Eq. (6) of Tronci and Gay-Balmaz, "Lagrangian trajectories and closure models in mixed quantum-classical
dynamics"; the quantum density operator is $\hat\rho=\sum_aw_a\psi_a\psi_a^\dagger$.
"""

from typing import ClassVar

import equinox as eqx
import jax
import jax.numpy as jnp

from brackish.hamiltonians import SeparableHamiltonian
from brackish.integrators import ImplicitMidpoint, Strang
from brackish.manifolds import PhasePoint
from brackish.promises import ENERGY_OF_EACH, NORM
from brackish.quantum import density_from_spinor, propagate
from brackish.theory import Requirements, Status, Theory, Weighted, flow_of_energy
from brackish.typing import Array, Complex, Point


class EhrenfestState(eqx.Module):
    """One trajectory: `point` on the classical manifold, `psi` (d,) complex of unit norm."""

    point: Point
    psi: Complex[Array, " d"]


class Ehrenfest(Theory):
    """Ehrenfest trajectories, on any manifold.

    Conserves for each trajectory: the norm of psi (to round-off) and the energy <psi|H|psi>. Its weakness: a
    trajectory feels the mean force, so packets that should split do not, and coherence outlives its time.
    """

    coupled: ClassVar[bool] = False
    random: ClassVar[bool] = False
    has_trajectories: ClassVar[bool] = True
    averages: ClassVar[bool] = True

    def requirements(self):
        return Requirements()

    def promises(self, hamiltonian):
        return ENERGY_OF_EACH, NORM

    def default_integrator(self, hamiltonian):
        return Strang() if isinstance(hamiltonian, SeparableHamiltonian) else ImplicitMidpoint()

    def prepare(self, hamiltonian, preparation, index, key):
        start = preparation.draw(hamiltonian, index, key)
        return EhrenfestState(start.point, start.psi), start.weight

    def energy(self, hamiltonian, y):
        return hamiltonian.expect(y.point, y.psi)

    def flow(self, hamiltonian, t, y):
        """Eq. (6), by one gradient of the energy through the bracket."""
        manifold = hamiltonian.manifold

        def energy(point, psi):
            return hamiltonian.expect(manifold.project(point), psi)

        return EhrenfestState(*flow_of_energy(energy, manifold, y.point, y.psi))

    def parts(self, hamiltonian):
        """Free motion, exact; the kick of the mean force and the turn of psi, both exact at rest."""
        Requirements(separable=True).check("Splitting Ehrenfest into exact parts", hamiltonian)

        def drift(duration):
            flow = hamiltonian.free_flow(duration)
            return lambda y: EhrenfestState(flow(y.point), y.psi)

        def kick(duration):
            def flow(y):
                gradient = jax.grad(hamiltonian.potential_expect)(y.point.position, y.psi)
                return EhrenfestState(
                    PhasePoint(y.point.position, y.point.momentum - duration * gradient), y.psi
                )

            return flow

        def turn(duration):
            def flow(y):
                potential = hamiltonian.potential(y.point.position)
                return EhrenfestState(y.point, propagate(potential, y.psi, duration))

            return flow

        return drift, kick, turn

    def classical_points(self, hamiltonian, y):
        points = jax.tree_util.tree_map(lambda leaf: leaf[None], y.point)
        return Weighted(points, density_from_spinor(y.psi)[None], jnp.ones(1))

    def check(self, hamiltonian, y):
        norm = jnp.sum(y.psi.real**2 + y.psi.imag**2)
        finite = jax.tree_util.tree_reduce(
            lambda well, leaf: well & jnp.all(jnp.isfinite(leaf)), y.point, jnp.isfinite(norm)
        )
        lost = jnp.where(jnp.abs(norm - 1) > 1e-6, Status.lost_norm, Status.fine)
        return jnp.where(finite, lost, Status.not_finite)
