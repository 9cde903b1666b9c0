r"""Trajectories from the exact factorization: Ehrenfest, and the coupling of neighbours that its derivation leaves out.

$$\dot x^j=\xi^{jk}\pi_k,\qquad\dot\pi_k=-\mathrm{Tr}(\hat\rho\,\partial_k\hat H)+F_k,\qquad
i\hbar\,\dot{\hat\rho}=[\hat H+\delta\hat H,\hat\rho]$$

$$\delta\hat H=-\frac{\hbar^2}{2n}\xi^{ij}\partial_i(n\,\partial_j\hat\rho)
=\hbar u^j\partial_j\hat\rho-\frac{\hbar^2}2\Delta_M\hat\rho,\qquad
F_k=-\frac{\hbar^2}n\xi^{ij}\partial_i(n\,g_{kj})=2\hbar u^jg_{kj}-\hbar^2\xi^{ij}\partial_ig_{kj}$$

Eqs. (66)-(68) and (64) of Martinazzo and Burghardt, "Quantum hydrodynamics of coupled electron-nuclear systems",
without the quantum force. $g_{kj}=\frac12\mathrm{Tr}(\partial_k\hat\rho\,\partial_j\hat\rho)$ is the Fubini-Study
metric and $u^j=-\frac\hbar2\xi^{ij}\partial_i\ln n$ the osmotic velocity. Both corrections follow from one energy, that
of Fubini and Study, which is taken over pairs of trajectories (`_fubini_study.py`); its two halves are the rows of the
paper's Table II. There is no force $v\times B$: along the flow the electrons make it by themselves.
"""

import abc
import dataclasses
from typing import Annotated, ClassVar

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
from jax import lax

from brackish.errors import InvalidInput
from brackish.hamiltonians import SeparableHamiltonian
from brackish.integrators import Strang
from brackish.manifolds import Canonical, PhasePoint
from brackish.observables import Observable
from brackish.promises import ENERGY, NORM
from brackish.quantum import apply, dagger, eigensystem, product, propagate
from brackish.theories.trajectories._ensembles import (
    EnsembleState,
    InSpreads,
    components_of,
    density_of,
    ensemble,
    given_width,
    matrices,
    mean_energy,
)
from brackish.theories.trajectories._fubini_study import (
    Neighbours,
    about_neighbours,
    check_width,
    coupling_energy,
    coupling_operator,
    coupling_operator_and_force,
    mean_neighbours,
    neighbours,
    resolved_width,
)
from brackish.theory import Requirements, Theory
from brackish.typing import Array, Complex, Float, Inexact, RealScalar

# -- the rows of Table II ------------------------------------------------------------------------------------


class Coupling(eqx.Module):
    """What trajectories feel of their neighbours: a row of Table II."""

    @abc.abstractmethod
    def operator_and_force(
        self, hamiltonian: SeparableHamiltonian, near: Neighbours, psi: Complex[Array, "N d r"]
    ) -> tuple[Inexact[Array, "N d d"], Float[Array, "n N"]]:
        r"""$\delta\hat H$ of each trajectory, (N, d, d), in hartree, and its force beyond Ehrenfest's, (n, N), in
        hartree per bohr.
        """

    def operator(
        self, hamiltonian: SeparableHamiltonian, near: Neighbours, psi: Complex[Array, "N d r"]
    ) -> Inexact[Array, "N d d"]:
        r"""$\delta\hat H$ alone."""
        return self.operator_and_force(hamiltonian, near, psi)[0]

    def energy(self, near: Neighbours, psi: Complex[Array, "N d r"]) -> RealScalar:
        """What it adds to the energy, in hartree: nothing, where there is no energy that it follows from."""
        return jnp.zeros(())


class GeometricAndQuantum(Coupling):
    """Both halves, from the Fubini-Study energy: eqs. (67) and (64).

    Conserves energy and total momentum, and moves no population by itself, for any width and any number of
    trajectories.
    """

    def operator_and_force(self, hamiltonian, near, psi):
        operator, force = coupling_operator_and_force(near, components_of(psi))
        return matrices(operator, psi.shape[1]), force

    def operator(self, hamiltonian, near, psi):
        return matrices(coupling_operator(near, components_of(psi)), psi.shape[1])

    def energy(self, near, psi):
        return coupling_energy(near, components_of(psi))


class QuantumAlone(Coupling):
    r"""The half with the density: $\delta\hat H=\hbar u^j\partial_j\hat\rho$, $F_k=2\hbar u^jg_{kj}$; eqs. (106) and
    (107).

    What the literature calls coupled-trajectory mixed quantum-classical dynamics, with the gradient of the state
    taken from neighbours. By itself it moves population where nothing couples. `without_net_transfer`: the zero of u is
    shifted, for each pair of adiabatic states and each coordinate, so that on average it does not, as is usual (S. K.
    Min, F. Agostini and E. K. U. Gross, Phys. Rev. Lett. 115, 073001 (2015)); where that would take a shift beyond all
    values of u, it is shifted as far as they go. Conserves neither energy nor momentum.
    """

    without_net_transfer: bool = eqx.field(static=True, default=True)

    def operator_and_force(self, hamiltonian, near, psi):
        levels = psi.shape[1]
        turning = jnp.stack([matrices(0.5 * slope, levels) for slope in near.slopes(components_of(psi))])
        velocity = near.osmotic_velocity[..., None, None]
        if not self.without_net_transfer:
            return _osmotic(velocity, turning)
        _, vectors = jax.vmap(lambda q: eigensystem(hamiltonian.potential(q)))(near.position)

        def adiabatic(matrix):
            return jax.vmap(lambda m, v: product(product(dagger(v), m), v))(matrix, vectors)

        turning, density = jax.vmap(adiabatic)(turning), adiabatic(density_of(psi))
        transfer = near.weight[None, :, None, None] * (turning * jnp.swapaxes(density, -1, -2)[None]).imag
        net = jnp.sum(transfer, axis=1, keepdims=True)
        zero = jnp.sum(velocity * transfer, axis=1, keepdims=True) / jnp.where(net == 0, 1.0, net)
        ends = (end(velocity, axis=1, keepdims=True) for end in (jnp.min, jnp.max))
        operator, force = _osmotic(velocity - jnp.clip(zero, *ends), turning)
        return jax.vmap(lambda m, v: product(product(v, m), dagger(v)))(operator, vectors), force


def _osmotic(velocity: Float[Array, "n N a b"], turning: Complex[Array, "n N d d"]):
    r"""$\hbar u^j\partial_j\hat\rho$ and $2\hbar u^jg_{kj}=\hbar
    u^j\mathrm{Tr}(\partial_k\hat\rho\,\partial_j\hat\rho)$; the velocity may differ from entry to entry.
    """
    operator = jnp.sum(velocity * turning, axis=0)
    return operator, jnp.sum((jnp.conj(turning) * operator[None]).real, axis=(-2, -1))


class GeometricAlone(Coupling):
    r"""The half without the density: $\delta\hat H=-\frac{\hbar^2}2\Delta_M\hat\rho$,
    $F_k=-\hbar^2\xi^{ij}\partial_ig_{kj}$; eqs. (96) and (99), geometric Ehrenfest.

    Taken as the whole less the other half. Conserves neither energy nor momentum, and moves population where nothing
    couples.
    """

    def operator_and_force(self, hamiltonian, near, psi):
        whole = GeometricAndQuantum().operator_and_force(hamiltonian, near, psi)
        half = QuantumAlone(without_net_transfer=False).operator_and_force(hamiltonian, near, psi)
        return whole[0] - half[0], whole[1] - half[1]


class NoCoupling(Coupling):
    """Nothing: Ehrenfest, eqs. (100) and (101)."""

    def operator_and_force(self, hamiltonian, near, psi):
        levels = psi.shape[1]
        return jnp.zeros((psi.shape[0], levels, levels)), jnp.zeros_like(near.density_slope)


STEEPEST = 0.05
"""Radians by which neighbours may turn in the field of each other in a suggested step."""
LONGEST = 1.0
"""Beyond as many radians a step has no meaning: round-off grows until it is everything."""


# -- the theory ----------------------------------------------------------------------------------------------


class ExactFactorization(Theory):
    r"""Coupled trajectories of the exact factorization, for any number of coordinates and levels.

    `coupling`: which row of the paper's Table II, by default the whole, `GeometricAndQuantum()`. `width`: standard
    deviation of the Gaussians by which trajectories know each other, one number or one per coordinate (bohr; to fall as
    $1/\sqrt{m_k}$ where masses differ), or `InSpreads(factor)`, in the spread of the start, for several coordinates
    the geometric mean of their spreads in mass-weighted coordinates. `sweeps`: of the midpoint rule that turns the
    states in the field of each other; m leave an error of order m + 1 in the step.

    The equations hold as the width goes to zero and the number of trajectories to infinity, in this order of sizes:
    spacing of trajectories, width, length over which the quantum state turns. Conserves with the default coupling the
    energy (to the order of the step), total momentum in the absence of a potential that varies, and by its coupling
    moves no population, both to round-off; with any the spectrum of every density operator. One trajectory, or equal
    states, give Ehrenfest.
    """

    coupling: Coupling = GeometricAndQuantum()
    width: Annotated[InSpreads | Float[np.ndarray | Array, "*n"], "length"] = eqx.field(
        converter=given_width, default=InSpreads(0.3)
    )
    sweeps: int = eqx.field(static=True, default=2)
    coupled: ClassVar[bool] = True
    random: ClassVar[bool] = False
    has_trajectories: ClassVar[bool] = True
    averages: ClassVar[bool] = True
    mixed: ClassVar[bool] = True

    def __check_init__(self):
        check_width(self)
        if self.sweeps < 1:
            raise InvalidInput(
                f"Argument `sweeps` of ExactFactorization must be at least 1, got {self.sweeps}."
            )

    def requirements(self):
        return Requirements(manifolds=(Canonical,), separable=True, smallest_levels=2)

    def default_integrator(self, hamiltonian):
        return Strang()

    def promises(self, hamiltonian):
        """The energy, with couplings that follow from one."""
        return (ENERGY, NORM) if isinstance(self.coupling, GeometricAndQuantum | NoCoupling) else (NORM,)

    def suggested_step(self, hamiltonian):
        """That of the Hamiltonian, or the one in which neighbours turn by STEEPEST, if that is shorter."""
        step, width = hamiltonian.suggested_step(), self.width
        if step is None or isinstance(width, InSpreads | Array) or isinstance(self.coupling, NoCoupling):
            return step
        lightest = float(np.min(hamiltonian.manifold.masses * width**2))
        return min(step, 2 * STEEPEST * lightest)

    def resolve(self, hamiltonian, preparation, times):
        return dataclasses.replace(self, width=resolved_width(self, hamiltonian, preparation))

    def in_coordinates(self, shift, scale):
        return (
            self if isinstance(self.width, InSpreads) else dataclasses.replace(self, width=self.width * scale)
        )

    def prepare(self, hamiltonian, preparation, index, key):
        return ensemble(hamiltonian, preparation, index, key), jnp.ones(())

    def energy(self, hamiltonian, y):
        r"""$\sum_IW_I[\frac12\xi^{ij}\pi_i\pi_j+\mathrm{Tr}\hat\rho_I\hat H(x_I)]+E_{FS}$; without the last term for
        couplings that follow from no energy.
        """
        return mean_energy(hamiltonian, y) + self.coupling_energy(hamiltonian, y)

    def coupling_energy(self, hamiltonian, y) -> RealScalar:
        """The Fubini-Study energy, in hartree."""
        return self.coupling.energy(self._neighbours(hamiltonian, y), y.psi)

    def _neighbours(self, hamiltonian, y) -> Neighbours:
        if isinstance(self.width, InSpreads):
            raise InvalidInput(
                "The width of ExactFactorization is not chosen yet: give a number, or let `resolve` choose."
            )
        width = jnp.broadcast_to(jnp.asarray(self.width), hamiltonian.manifold.masses.shape)
        return neighbours(y.point.position, y.weight, width, hamiltonian.manifold.masses)

    def flow(self, hamiltonian, t, y):
        """Eqs. (66)-(68), as a time derivative."""

        def mean(point, psi):
            return jnp.sum(jax.vmap(jax.vmap(hamiltonian.expect, in_axes=(None, 1)))(point, psi))

        by_point = jax.grad(mean)(y.point, y.psi)
        velocity = hamiltonian.manifold.hamiltonian_field(by_point, y.point)
        operator, force = self.coupling.operator_and_force(
            hamiltonian, self._neighbours(hamiltonian, y), y.psi
        )
        operator = operator + jax.vmap(hamiltonian.potential)(y.point.position)
        turned = jax.vmap(jax.vmap(apply, (None, 1), 1))(operator, y.psi)
        point = PhasePoint(velocity.position, velocity.momentum + force.T)
        return EnsembleState(point, -1j * turned, jnp.zeros_like(y.weight))

    def parts(self, hamiltonian):
        """Free motion, exact; the kick of the mean force, exact at rest; the turn of the states in V and in the field
        of each other, with the force that comes from it, by a midpoint rule that keeps every norm.
        """

        def drift(duration):
            flow = jax.vmap(hamiltonian.free_flow(duration))
            return lambda y: EnsembleState(flow(y.point), y.psi, y.weight)

        def kick(duration):
            def mean_potential(position, psi):
                columns = jax.vmap(hamiltonian.potential_expect, in_axes=(None, 1))
                return jnp.sum(columns(position, psi))

            def flow(y):
                gradient = jax.vmap(jax.grad(mean_potential))(y.point.position, y.psi)
                momentum = y.point.momentum - duration * gradient
                return EnsembleState(PhasePoint(y.point.position, momentum), y.psi, y.weight)

            return flow

        def turn(duration):
            def turned(operator, psi, time):
                return jax.vmap(jax.vmap(lambda m, column: propagate(m, column, time), (None, 1), 1))(
                    operator, psi
                )

            def flow(y):
                near = self._neighbours(hamiltonian, y)
                # numbers stop being numbers, and the run says so, instead of going on with wrong ones
                near = eqx.tree_at(
                    lambda n: n.stiffness,
                    near,
                    jnp.where(near.stiffness * abs(duration) < LONGEST, near.stiffness, jnp.nan),
                )
                potential = jax.vmap(hamiltonian.potential)(y.point.position)

                def sweep(_, middle):
                    operator = potential + self.coupling.operator(hamiltonian, near, middle)
                    return turned(operator, y.psi, duration / 2)

                middle = lax.fori_loop(0, self.sweeps - 1, sweep, y.psi, unroll=True)
                operator, force = self.coupling.operator_and_force(hamiltonian, near, middle)
                point = PhasePoint(y.point.position, y.point.momentum + duration * force.T)
                return EnsembleState(point, turned(potential + operator, y.psi, duration), y.weight)

            return flow

        return drift, kick, turn

    def own_observables(self, hamiltonian):
        return _OBSERVABLES

    def remarks(self, means):
        return about_neighbours("ExactFactorization", means)

    def classical_points(self, hamiltonian, y):
        return y.points()

    def check(self, hamiltonian, y):
        return y.status()


_OBSERVABLES = (
    Observable(
        "neighbours",
        lambda theory, hamiltonian, y: mean_neighbours(theory._neighbours(hamiltonian, y)),
        (),
        "1",
        "neighbours of a trajectory within its kernel",
    ),
    Observable(
        "fubini_study_energy",
        lambda theory, hamiltonian, y: theory.coupling_energy(hamiltonian, y),
        (),
        "hartree",
        "energy of the turning of the quantum state from place to place",
        "Martinazzo and Burghardt, Quantum hydrodynamics of coupled electron-nuclear systems, section IV A",
    ),
)
