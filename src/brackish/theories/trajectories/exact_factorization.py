r"""Trajectories from the exact factorization: Ehrenfest, and the coupling of neighbours that its derivation leaves out.

$$\dot x^j=\xi^{jk}\pi_k,\qquad\dot\pi_k=-\mathrm{Tr}(\hat\rho\,\partial_k\hat H)+F_k,\qquad
i\hbar\,\dot{\hat\rho}=[\hat H+\delta\hat H,\hat\rho]$$

$$\delta\hat H=-\frac{\hbar^2}{2n}\xi^{ij}\partial_i(n\,\partial_j\hat\rho)=\hbar u^j\partial_j\hat\rho-\frac{\hbar^2}2\Delta_M\hat\rho,
\qquad F_k=-\frac{\hbar^2}n\xi^{ij}\partial_i(n\,g_{kj})=2\hbar u^jg_{kj}-\hbar^2\xi^{ij}\partial_ig_{kj}$$

Eqs. (66)-(68) and (64) of Martinazzo and Burghardt, "Quantum hydrodynamics of coupled electron-nuclear systems", without
the quantum force. $g_{kj}=\frac12\mathrm{Tr}(\partial_k\hat\rho\,\partial_j\hat\rho)$ is the Fubini-Study metric and
$u^j=-\frac\hbar2\xi^{ij}\partial_i\ln n$ the osmotic velocity. Both follow from one energy, that of Fubini and Study, which is
taken over pairs of trajectories (`_fubini_study.py`); its two halves are the rows of the paper's Table II. There is no
force $v\times B$: along the flow the electrons make it by themselves.
"""

import abc
import dataclasses
from typing import Any, ClassVar

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
from jax import lax

from brackish.errors import InvalidInput, UnsupportedHamiltonian
from brackish.hamiltonian import HybridHamiltonian
from brackish.integrators import Strang
from brackish.manifolds import Canonical, PhasePoint
from brackish.observables import Observable
from brackish.quantum import apply, dagger, eigensystem, product, propagate
from brackish.quantum.components import basis
from brackish.theories.trajectories._ensembles import InSpreads, act, components_of, given_width
from brackish.theories.trajectories._fubini_study import (
    Neighbours,
    coupling_energy,
    coupling_operator,
    coupling_operator_and_force,
    even_widths,
    neighbours,
)
from brackish.theory import Requirements, Status, Theory, Weighted
from brackish.typing import Array, Complex, Float, Inexact, RealScalar


class FactorizationState(eqx.Module):
    r"""`point`: positions and momenta, each (N, n). `psi`: (N, d, r) amplitudes, such that
    $\hat\rho_I=\psi_I\psi_I^\dagger$ has unit trace; r = 1 for pure states. `weight`: (N,), summing to 1, constant.
    """

    point: PhasePoint
    psi: Complex[Array, "N d r"]
    weight: Float[Array, " N"]


# -- the rows of Table II ------------------------------------------------------------------------------------


class Coupling(eqx.Module):
    """What trajectories feel of their neighbours: a row of Table II."""

    @abc.abstractmethod
    def operator(
        self, hamiltonian: HybridHamiltonian, near: Neighbours, psi: Complex[Array, "N d r"]
    ) -> Inexact[Array, "N d d"]:
        r"""$\delta\hat H$ of each trajectory, (N, d, d), in hartree."""

    @abc.abstractmethod
    def operator_and_force(
        self, hamiltonian: HybridHamiltonian, near: Neighbours, psi: Complex[Array, "N d r"]
    ) -> tuple[Inexact[Array, "N d d"], Float[Array, "n N"]]:
        r"""$\delta\hat H$, and the force F beyond Ehrenfest's, (n, N), in hartree per bohr."""

    def energy(self, near: Neighbours, psi: Complex[Array, "N d r"]) -> RealScalar:
        """What it adds to the energy, in hartree: nothing, where there is no energy that it follows from."""
        return jnp.zeros(())


class GeometricAndQuantum(Coupling):
    """Both halves, from the Fubini-Study energy: eqs. (67) and (64).

    Conserves energy, total momentum and, beyond what the Hamiltonian does by itself, all populations.
    """

    def operator(self, hamiltonian, near, psi):
        return _matrices(coupling_operator(near, components_of(psi)), psi.shape[1])

    def operator_and_force(self, hamiltonian, near, psi):
        operator, force = coupling_operator_and_force(near, components_of(psi))
        return _matrices(operator, psi.shape[1]), force

    def energy(self, near, psi):
        return coupling_energy(near, components_of(psi))


class QuantumAlone(Coupling):
    r"""The half with the density: $\delta\hat H=\hbar u^j\partial_j\hat\rho$, $F_k=2\hbar u^jg_{kj}$; eqs. (106) and (107).

    What the literature calls coupled-trajectory mixed quantum-classical dynamics, with the gradient of the state
    taken from neighbours. By itself it moves population where nothing couples. `without_net_transfer`: shift the zero of
    u, for each pair of adiabatic states and each coordinate, so that it does not on average, as is usual (S. K. Min,
    F. Agostini and E. K. U. Gross, Phys. Rev. Lett. 115, 073001 (2015)). Conserves neither energy nor momentum.
    """

    without_net_transfer: bool = eqx.field(static=True, default=True)

    def operator(self, hamiltonian, near, psi):
        return self.operator_and_force(hamiltonian, near, psi)[0]

    def operator_and_force(self, hamiltonian, near, psi):
        slopes = 0.5 * near.slopes(components_of(psi))
        turning = jnp.stack([_matrices(slope, psi.shape[1]) for slope in slopes])
        velocity = jnp.broadcast_to(near.osmotic_velocity[..., None, None], turning.shape)
        if self.without_net_transfer:
            raise NotImplementedError
        operator = jnp.sum(velocity * turning, axis=0)
        metric = 0.5 * jnp.sum((turning[:, None] * jnp.conj(turning)[None]).real, axis=(-2, -1))
        return operator, 2 * jnp.sum(near.osmotic_velocity[None] * metric, axis=1)


class GeometricAlone(Coupling):
    r"""The half without the density: $\delta\hat H=-\frac{\hbar^2}2\Delta_M\hat\rho$, $F_k=-\hbar^2\xi^{ij}\partial_ig_{kj}$; eqs.
    (96) and (99), geometric Ehrenfest.

    Taken as the whole less the other half. Conserves neither energy nor momentum, and moves population where nothing
    couples.
    """

    def operator(self, hamiltonian, near, psi):
        whole, other = (half.operator(hamiltonian, near, psi) for half in _HALVES)
        return whole - other

    def operator_and_force(self, hamiltonian, near, psi):
        whole, other = (half.operator_and_force(hamiltonian, near, psi) for half in _HALVES)
        return whole[0] - other[0], whole[1] - other[1]


_HALVES = (GeometricAndQuantum(), QuantumAlone(without_net_transfer=False))
