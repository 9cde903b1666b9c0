r"""Quantum magnets with damping: the analogue of Gilbert's equation, and Wieser's of Landau and Lifshitz'.

$$\text{q-LLG:}\quad\dot{\hat\rho}=\frac i\hbar[\hat\rho,\hat H]+i\kappa[\hat\rho,\dot{\hat\rho}],\qquad
\text{q-LL:}\quad\dot{\hat\rho}=\frac i\hbar[\hat\rho,\hat H]-\frac\kappa\hbar[\hat\rho,[\hat\rho,\hat H]]$$

Eq. (3) of Y. Liu et al., "Quantum Analog of Landau-Lifshitz-Gilbert Dynamics", Phys. Rev. Lett. 133, 266704 (2024), and
R. Wieser, Phys. Rev. Lett. 110, 147201 (2013). In the eigenbasis of $\hat\rho$, with $D_{ij}=p_i-p_j$, both are

$$\dot\rho_{ij}=\frac i\hbar D_{ij}H_{ij}\,G(D_{ij}),\qquad G_{LLG}=\frac1{1-i\kappa D},\qquad G_{LL}=1+i\kappa D,$$

so no eigenvalue moves, and the energy falls at the rate $\kappa\sum_{ij}|H_{ij}|^2D_{ij}^2\,\hbar^{-1}$, for q-LLG
with $1+\kappa^2D_{ij}^2$ below each term. A pure state moves by

$$i\hbar\,\partial_t|\psi\rangle=\frac{\hat H-\langle\hat H\rangle}{1+i\kappa}|\psi\rangle,$$

and in general eigenvectors move as in `brackish.quantum.frame_rate`. If $\hat\rho$ has two eigenvalues $a>b$ alone, as
pure states and Werner's have, the motion is linear but for a normalisation: the vectors of a are those of
$e^{-i\hat Ht\,G(b-a)/\hbar}$ times the first ones, orthonormal again.
"""

import abc
import dataclasses
import math
from typing import Any, ClassVar

import equinox as eqx
import jax.numpy as jnp
import numpy as np

from brackish.errors import InvalidInput, UnsupportedHamiltonian
from brackish.integrators import CommutatorFree, RetractedRungeKutta8
from brackish.manifolds import Spheres
from brackish.memory import COMPLEX, number, require_memory
from brackish.observables import PURITY, SPIN_OBSERVABLES
from brackish.promises import ENERGY
from brackish.quantum import (
    Kernel,
    SpectralState,
    exponential_action,
    frame_rate,
    gilbert_kernel,
    landau_lifshitz_kernel,
    nearest_orthonormal,
    orthonormal,
)
from brackish.spins import SpinOperator, SpinSpace, SpinSystem, require_magnet, spin_space
from brackish.theories.spins._arguments import damping_number
from brackish.theory import Requirements, Status, Theory
from brackish.typing import Array, Complex, Float, RealScalar

PHASE_A_STEP = 0.15
"""Of the fastest half of the spectrum, in a step of order 8 on a spectrum of many eigenvalues."""
COPIES = 6
"""Of the eigenvectors, that the terms of an exponential or the stages of a step hold at once."""
LARGEST_DEFECT = 1e-6
"""Of the norms of eigenvectors, before a run is stopped."""


class QuantumMagnetState(eqx.Module):
    r"""A density operator $p_0\hat1+\sum_j(p_j-p_0)|a_j\rangle\langle a_j|$.

    `columns`: $a_j$, (D, r); a pure state is one. `weights`, `rest`: $p_j$, (r,), and $p_0$, which never change.
    `time`: at which the field is meant.
    """

    columns: Complex[Array, "D r"]
    weights: Float[Array, " r"]
    rest: RealScalar
    time: RealScalar

    @property
    def spectral(self) -> SpectralState:
        """Without the time."""
        return SpectralState(self.columns, self.weights, self.rest)


class Start(eqx.Module):
    """Where a run starts, settled before anything is compiled. `linear`: whether there are two eigenvalues alone."""

    space: SpinSpace
    state: SpectralState
    linear: bool = eqx.field(static=True)


class _QuantumMagnet(Theory):
    """What the two share: all but the kernel."""

    damping: eqx.AbstractVar[Float[np.ndarray | Array, ""]]
    start: eqx.AbstractVar[Start | None]
    coupled: ClassVar[bool] = True
    random: ClassVar[bool] = False
    has_trajectories: ClassVar[bool] = False
    has_phase_space: ClassVar[bool] = False

    @abc.abstractmethod
    def kernel(self) -> Kernel:
        """G of a difference of eigenvalues."""

    def requirements(self):
        return Requirements(manifolds=(Spheres,), largest_levels=1)

    def resolve(self, hamiltonian, preparation, times):
        """The start decides how much of the spectrum is carried along, and which integrator will do."""
        require_magnet(type(self).__name__, hamiltonian)
        size = math.prod(hamiltonian.dimensions())
        self._require_memory(size, 1)
        state = preparation.spin_state(hamiltonian)
        self._require_memory(size, state.columns.shape[1])
        linear = bool(np.ptp(np.asarray(state.weights)) == 0)
        changed: dict[str, Any] = {"start": Start(spin_space(hamiltonian), state, linear)}
        return type(self)(self.damping, **changed)

    def _require_memory(self, size: int, rank: int) -> None:
        """Room for a density operator of this rank, and for what the steps make of it."""
        spins = f"{type(self).__name__} with a state of rank {rank} in {number(size)} dimensions"
        advice = "take fewer quantum spins, or a HybridMagnet, in which some are classical"
        require_memory(COPIES * COMPLEX * size * rank, spins, advice)

    def _started(self) -> Start:
        if self.start is None:
            raise InvalidInput(
                f"{type(self).__name__} has no start yet: let `resolve` take it from a preparation."
            )
        return self.start

    def default_integrator(self, hamiltonian):
        return CommutatorFree() if self._started().linear else RetractedRungeKutta8()

    def suggested_step(self, hamiltonian):
        """None is needed where the motion is linear and the field constant; else a part of the shortest period."""
        if self._started().linear:
            return hamiltonian.suggest_dt() if hamiltonian.driven else np.inf
        lowest, highest = self.operator(hamiltonian, 0.0).bounds()
        state = self._started().state
        widest = np.ptp(np.append(state.weights, state.rest))
        fastest = jnp.maximum(highest - lowest, 1e-300) * jnp.maximum(1, jnp.abs(self.kernel()(widest)))
        own = float(2 * PHASE_A_STEP * hamiltonian.units.planck / fastest)
        return min(own, hamiltonian.step_of_field())

    def promises(self, hamiltonian):
        """In a field that does not change: the energy, or with damping that it never grows."""
        if hamiltonian.driven:
            return ()
        return (dataclasses.replace(ENERGY, scale=_energy_uncertainty, may_fall=bool(self.damping > 0)),)

    def standard_observables(self, hamiltonian):
        return (*SPIN_OBSERVABLES, PURITY)

    def prepare(self, hamiltonian, preparation, index, key):
        state = self._started().state
        columns, weights, rest = (jnp.asarray(leaf) for leaf in (state.columns, state.weights, state.rest))
        return QuantumMagnetState(columns, weights, rest, jnp.zeros(())), jnp.ones(())

    def operator(self, hamiltonian: SpinSystem, t) -> SpinOperator:
        """H at a time, energy."""
        return self._started().space.operator(hamiltonian, hamiltonian.field_at(t))

    # -- the motion ------------------------------------------------------------------------------------------------

    def flow(self, hamiltonian, t, y):
        """The eigenvectors' time derivative."""
        applied = self.operator(hamiltonian, t).apply(y.columns) / hamiltonian.units.planck
        rate = frame_rate(y.columns, applied, y.weights, y.rest, self.kernel())
        return QuantumMagnetState(rate, jnp.zeros_like(y.weights), jnp.zeros(()), jnp.ones(()))

    def retract(self, hamiltonian, y):
        """The nearest orthonormal eigenvectors."""
        return QuantumMagnetState(nearest_orthonormal(y.columns), y.weights, y.rest, y.time)

    def require_exponential(self, hamiltonian):
        if not self._started().linear:
            raise UnsupportedHamiltonian(
                f"The motion of {type(self).__name__} is linear for density operators of two eigenvalues alone, such "
                "as pure states; from this start use RetractedRungeKutta8()."
            )

    def steady(self, hamiltonian):
        return not hamiltonian.driven

    def exponential(self, hamiltonian, nodes, weights, dt):
        r"""$e^{-i\,\delta t\,G\sum_kw_k\hat H(t_k)/\hbar}$ times the columns, orthonormal again."""
        start = self._started()
        # H is linear in the field, and the weights of a whole step add up to one, those of half of one to a half
        total = sum(weights)
        field = sum(w / total * hamiltonian.field_at(t) for w, t in zip(weights, nodes, strict=True))
        operator = start.space.operator(hamiltonian, field)
        own = jnp.asarray(start.state.weights)[0]
        speed = self.kernel()(jnp.asarray(start.state.rest) - own)
        factor = -1j * dt * total * speed / hamiltonian.units.planck
        turn = exponential_action(operator.apply_planes, *operator.bounds(), factor, orthonormal)
        return lambda y: QuantumMagnetState(turn(y.columns), y.weights, y.rest, y.time + dt * total)

    # -- what is seen of it ----------------------------------------------------------------------------------------

    def energy(self, hamiltonian, y):
        operator = self.operator(hamiltonian, y.time)
        return operator.expect(y.columns, y.spectral.excess()) + y.rest * operator.trace()

    def spin_direction(self, hamiltonian, y):
        """<S_i>/s_i, (N, 3); for spins 1/2 their Bloch vectors."""
        space = self._started().space
        return space.spin_expectations(y.columns, y.spectral.excess()) / space.spins()[:, None]

    def purity(self, hamiltonian, y):
        """Tr rho^2."""
        return y.spectral.purity()

    def reduced_density(self, hamiltonian, y, sites: tuple[int, ...]) -> Complex[Array, "part part"]:
        """The density operator of some of the spins, the first of `sites` varying slowest."""
        return self._started().space.reduced_density(y.spectral, sites)

    def quantum_density(self, hamiltonian, y):
        return y.spectral.density()

    def configurations(self, hamiltonian, y):
        return None

    def classical_points(self, hamiltonian, y):
        raise UnsupportedHamiltonian(
            f"{type(self).__name__} is quantum throughout: it has no classical points."
        )

    def check(self, hamiltonian, y):
        defect = y.spectral.defect()
        lost = jnp.where(defect > LARGEST_DEFECT, Status.lost_norm, Status.fine)
        return jnp.where(jnp.isfinite(defect), lost, Status.not_finite)


def _energy_uncertainty(theory, hamiltonian, y) -> RealScalar:
    """The standard deviation of H in the states of which the density operator is made, by their shares."""
    columns = y.columns
    applied = theory.operator(hamiltonian, y.time).apply(columns)
    mean = jnp.sum(jnp.conj(columns) * applied, axis=0)
    spread = jnp.sqrt(jnp.sum(jnp.abs(applied - mean[None] * columns) ** 2, axis=0))
    return jnp.sum(jnp.abs(y.spectral.excess()) * spread)


class QuantumLLG(_QuantumMagnet):
    r"""The quantum analogue of Gilbert's equation, $\dot\rho=\frac i\hbar[\rho,H]+i\kappa[\rho,\dot\rho]$.

    `damping`: kappa, 0 or more; `start` is taken from the preparation. Pure states cost as much as
    Schrödinger's equation, 2^N for N spins 1/2, mixed ones that times their rank. Norms, and every eigenvalue of the
    density operator with them, are kept to round-off; the energy never grows without drive.

    For one spin this is LLG. For more it is a model with limits: it is not separable for mixed states, it signals
    between entangled spins, and it ends in a passive state, not in a thermal one.

    Raises `InvalidInput` for a negative damping.
    """

    damping: Float[np.ndarray | Array, ""] = eqx.field(converter=damping_number)
    start: Start | None = eqx.field(default=None, metadata={"settled": True})

    def kernel(self):
        return gilbert_kernel(self.damping)


class QuantumLL(_QuantumMagnet):
    r"""Wieser's quantum Landau–Lifshitz equation, $\dot\rho=\frac i\hbar[\rho,H]-\frac\kappa\hbar[\rho,[\rho,H]]$.

    `damping`: kappa, 0 or more; `start` is taken from the preparation. For pure states it is `QuantumLLG`
    in a time shorter by $1+\kappa^2$; for mixed ones no scaling makes them equal.

    Raises `InvalidInput` for a negative damping.
    """

    damping: Float[np.ndarray | Array, ""] = eqx.field(converter=damping_number)
    start: Start | None = eqx.field(default=None, metadata={"settled": True})

    def kernel(self):
        return landau_lifshitz_kernel(self.damping)
