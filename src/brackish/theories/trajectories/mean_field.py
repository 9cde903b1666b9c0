r"""The mean-field model: one quantum state for the whole ensemble.

$$\partial_tD+\{D,\langle\hat H\rangle\}=0,\qquad i\hbar\,\dot{\hat\rho}=\Big[\int D\hat
H\,dq\,dp,\;\hat\rho\Big]$$

Eq. (2) of Tronci and Gay-Balmaz, "Lagrangian trajectories and closure models in mixed quantum-classical
dynamics", with its closure $D=\sum_iw_i\,\delta(z-\zeta_i)$, $\hat\rho=\sum_iw_i\psi_i\psi_i^\dagger$. For
one trajectory it is Ehrenfest; for more it is not: the purity of $\hat\rho$ never changes, so there is no
decoherence.
"""

from typing import ClassVar

import equinox as eqx
import jax
import jax.numpy as jnp

from brackish.integrators import Strang
from brackish.manifolds import Canonical, PhasePoint
from brackish.promises import ENERGY, NORM, PURITY
from brackish.quantum import dagger, product, propagator, trace_product
from brackish.theory import Requirements, Status, Theory, Weighted
from brackish.typing import Array, Complex, Float


class MeanFieldState(eqx.Module):
    """`point`: positions and momenta, each (N, n). `weight`: (N,), summing to 1. `density`: (d, d), the one
    quantum state.
    """

    point: PhasePoint
    weight: Float[Array, " N"]
    density: Complex[Array, "d d"]


class MeanField(Theory):
    r"""The mean-field model with N trajectories.

    Conserves the spectrum of $\hat\rho$ (hence its purity, to round-off) and the energy
    $\sum_iw_i\mathrm{Tr}\,\hat\rho\hat H(\zeta_i)$. It lacks the fifth consistency property: interaction does
    not decohere.
    """

    coupled: ClassVar[bool] = True
    random: ClassVar[bool] = False
    has_trajectories: ClassVar[bool] = True
    averages: ClassVar[bool] = True

    def requirements(self):
        return Requirements(manifolds=(Canonical,), separable=True)

    def promises(self, hamiltonian):
        return ENERGY, NORM, PURITY

    def default_integrator(self, hamiltonian):
        return Strang()

    def prepare(self, hamiltonian, preparation, index, key):
        start = jax.vmap(preparation.draw, in_axes=(None, 0, 0))(hamiltonian, index, key)
        weight = start.weight / jnp.sum(start.weight)
        density = jnp.sum(
            weight[:, None, None] * start.psi[:, :, None] * jnp.conj(start.psi)[:, None, :], axis=0
        )
        return MeanFieldState(start.point, weight, density), jnp.ones(())

    def energy(self, hamiltonian, y):
        def one(point):
            quantum = trace_product(hamiltonian.quantum() + hamiltonian.interaction(point), y.density)
            return hamiltonian.classical(point) + quantum

        return jnp.sum(y.weight * jax.vmap(one)(y.point))

    def flow(self, hamiltonian, t, y):
        """Eq. (2): every point moves in Tr(rho H); rho moves in the mean of H over the points."""

        def mean_energy(point):
            return trace_product(hamiltonian.operator(point), y.density)

        def velocity(point):
            return hamiltonian.manifold.hamiltonian_field(jax.grad(mean_energy)(point), point)

        mean = jnp.sum(y.weight[:, None, None] * jax.vmap(hamiltonian.operator)(y.point), axis=0)
        commutator = product(mean, y.density) - product(y.density, mean)
        return MeanFieldState(jax.vmap(velocity)(y.point), jnp.zeros_like(y.weight), -1j * commutator)

    def parts(self, hamiltonian):
        """Free motion, exact; the kicks of the mean force and the turn of rho, both exact at rest."""

        def drift(duration):
            flow = jax.vmap(hamiltonian.free_flow(duration))
            return lambda y: MeanFieldState(flow(y.point), y.weight, y.density)

        def kick(duration):
            def flow(y):
                def mean_potential(position):
                    return trace_product(hamiltonian.potential(position), y.density)

                gradient = jax.vmap(jax.grad(mean_potential))(y.point.position)
                point = PhasePoint(y.point.position, y.point.momentum - duration * gradient)
                return MeanFieldState(point, y.weight, y.density)

            return flow

        def turn(duration):
            def flow(y):
                potentials = jax.vmap(hamiltonian.potential)(y.point.position)
                unitary = propagator(jnp.sum(y.weight[:, None, None] * potentials, axis=0), duration)
                density = product(product(unitary, y.density), dagger(unitary))
                return MeanFieldState(y.point, y.weight, density)

            return flow

        return drift, kick, turn

    def classical_points(self, hamiltonian, y):
        count = y.weight.shape[0]
        return Weighted(y.point, jnp.broadcast_to(y.density, (count, *y.density.shape)), y.weight)

    def check(self, hamiltonian, y):
        trace = jnp.trace(y.density).real
        finite = jnp.isfinite(trace) & jnp.all(jnp.isfinite(y.point.position + y.point.momentum))
        lost = jnp.where(jnp.abs(trace - 1) > 1e-6, Status.lost_norm, Status.fine)
        return jnp.where(finite, lost, Status.not_finite)
