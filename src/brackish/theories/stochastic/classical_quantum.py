r"""Classical-quantum diffusion: a trajectory with noise, and the pure state that the same noise drives.

The hybrid state $\hat\rho(q,p)$, a positive operator at every point of phase space, obeys

$$\partial_t\hat\rho=-i[\hat H,\hat\rho]+\tfrac12\big(\{\hat H,\hat\rho\}-\{\hat\rho,\hat H\}\big)
+\partial_{p_i}(\gamma_{ij}p_j\hat\rho)+\tfrac12\partial_{p_i}\partial_{p_j}(D_{ij}\hat\rho)
-\tfrac12D_0^{ij}[\hat f_i,[\hat f_j,\hat\rho]],\qquad\hat f_i=-\partial_{q_i}\hat V_I$$

Eqs. (3)-(5) of "Classical-quantum oscillators as diffusive processes in phase space", arXiv:2510.07402, for any number
of coordinates. It stays positive if and only if $D_0\succeq\tfrac14D^{-1}$: what is known of the force decoheres.

With $D_0=\frac14D^{-1}$ and $D=\sigma\sigma^T$ it is the mean over trajectories $z_t$ with pure states $\psi_t$ (Ito),

$$dq_i=\frac{p_i}{m_i}dt,\qquad dp_i=\big(-\partial_iV_C-\gamma_{ij}p_j+\langle\hat f_i\rangle\big)dt+\sigma_{ij}dW_j,$$
$$d\psi=\Big[-i(\hat H_Q+\hat V_I)dt-\tfrac18(D^{-1})_{ij}(\hat f_i-\langle\hat f_i\rangle)(\hat f_j-\langle\hat
f_j\rangle)dt+\tfrac12(\sigma^{-1})_{ji}(\hat f_i-\langle\hat f_i\rangle)dW_j\Big]\psi$$

(J. Oppenheim, I. Layton and Z. Weller-Davies, "The healthier semi-classical dynamics"). At rest in q this is a
measurement of $\hat u_j=(\sigma^{-1})_{ji}\hat f_i$ with the record $dY_j=\langle\hat u_j\rangle dt+dW_j$, by which the
momentum moves, $dp=\sigma\,dY$. Over a time h, for an operator with eigenvalues $u_k$, it is done exactly:

$$\Delta Y=u_sh+\sqrt h\,\xi,\qquad\psi_k\to\psi_k\,e^{-\frac h4(u_k-\Delta Y/h)^2}\ \text{(normalised)},$$

with s drawn from $|\psi_s|^2$ and $\xi$ a normal deviate: the outcome is a mixture of Gaussians. A step is a symmetric
composition of exact pieces, and its mean one of the master equation: means are of second order in the step.

More decoherence, $D_0=\kappa\frac14D^{-1}$ with $\kappa>1$, keeps states pure by random phases
$e^{-\frac i2\sqrt{\kappa-1}\,\hat u_j\Delta V_j}$ with independent $\Delta V_j$ of variance h; or their mean is taken,
and states become mixed: $\rho_{kl}\to\rho_{kl}\,e^{-\frac{\kappa-1}8h(u_k-u_l)^2}$.
"""

import dataclasses
from collections.abc import Callable
from typing import Any, ClassVar

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
from jax import lax
from jax.tree_util import Partial

from brackish.errors import InvalidInput
from brackish.hamiltonians import SeparableHamiltonian
from brackish.integrators import StrangAroundNoise
from brackish.manifolds import Canonical, PhasePoint
from brackish.observables import Observable, standard_observables
from brackish.promises import NORM
from brackish.quantum import (
    apply,
    cosine_and_sine,
    dagger,
    density_from_spinor,
    eigensystem,
    expect,
    product,
    propagate,
    propagator,
    purity,
    trace_product,
)
from brackish.randomness import normals
from brackish.theories._trade_off import KeptTradeOff, TradeOff, trade_off
from brackish.theory import NoisyParts, Requirements, Status, Theory, Weighted
from brackish.typing import Array, Complex, Float, Inexact, Position, RealScalar

SINGULAR = 1e-12
"""A diffusion along one direction below this share of the largest one is none."""
COMMUTES = 1e-10
"""What is smaller than this share of the forces is round-off."""
LARGEST_POLYNOMIAL = 10**6
"""Numbers in the second derivatives of a coupling, up to which it is asked whether they share a basis."""


class ConditionalState(eqx.Module):
    """One trajectory: `point` of phase space; `psi`, (d,), of unit norm, the quantum state given its past."""

    point: PhasePoint
    psi: Complex[Array, " d"]

    def at(self, point: PhasePoint) -> "ConditionalState":
        """The same quantum state elsewhere."""
        return ConditionalState(point, self.psi)

    def seen_in(self, matrix: Inexact[Array, "d d"]) -> "ConditionalState":
        """The state on which a `matrix` has acted."""
        return ConditionalState(self.point, apply(matrix, self.psi))

    def turned(self, operator: Inexact[Array, "d d"], duration) -> "ConditionalState":
        """The state after a turn by an energy `operator`."""
        return ConditionalState(self.point, propagate(operator, self.psi, duration))

    def normalised(self) -> "ConditionalState":
        """The state with norm 1."""
        return ConditionalState(self.point, self.psi / jnp.sqrt(jnp.sum(self.population)))

    @property
    def population(self) -> Float[Array, " d"]:
        """How much of the norm is on each level, (d,)."""
        return self.psi.real**2 + self.psi.imag**2

    @property
    def density(self) -> Complex[Array, "d d"]:
        """The projector on it."""
        return density_from_spinor(self.psi)

    def weighed(
        self,
        size: Float[Array, " d"],
        phases: Float[Array, " d"],
        values: Float[Array, "m d"],
        beyond,
        deviates: Float[Array, " m"],
    ) -> "ConditionalState":
        r"""The amplitudes times `size` and $e^{i\phi}$, and random phases from normal `deviates`, for decoherence
        `beyond` the least, $(\kappa-1)h$ or None, by operators with these `values`.
        """
        if beyond is not None:
            phases = phases - 0.5 * jnp.sqrt(beyond) * apply(values.T, deviates)
        cosine, sine = cosine_and_sine(phases)
        psi = lax.complex(
            size * (cosine * self.psi.real - sine * self.psi.imag),
            size * (cosine * self.psi.imag + sine * self.psi.real),
        )
        return ConditionalState(self.point, psi)

    def mean(self, first: Inexact[Array, "d d"], *others: Inexact[Array, "d d"]) -> RealScalar:
        """The real part of the mean of a product of Hermitian operators."""
        if not others:
            return expect(first, self.psi)
        acted = self.psi
        for operator in reversed(others):
            acted = apply(operator, acted)
        return jnp.sum(jnp.conj(apply(first, self.psi)) * acted).real


class MixedConditionalState(eqx.Module):
    """One trajectory: `point` of phase space; `density`, (d, d), of unit trace, the quantum state given its past where
    part of that is forgotten.
    """

    point: PhasePoint
    density: Complex[Array, "d d"]

    def at(self, point: PhasePoint) -> "MixedConditionalState":
        """The same quantum state elsewhere."""
        return MixedConditionalState(point, self.density)

    def seen_in(self, matrix: Inexact[Array, "d d"]) -> "MixedConditionalState":
        """The state on which a `matrix` has acted, from both sides."""
        matrix = matrix.astype(complex)
        return MixedConditionalState(self.point, product(product(matrix, self.density), dagger(matrix)))

    def turned(self, operator: Inexact[Array, "d d"], duration) -> "MixedConditionalState":
        """The state after a turn by an energy `operator`."""
        return self.seen_in(propagator(operator, duration))

    def normalised(self) -> "MixedConditionalState":
        """The state with trace 1."""
        return MixedConditionalState(self.point, self.density / jnp.sum(self.population))

    @property
    def population(self) -> Float[Array, " d"]:
        """How much of the trace is on each level, (d,)."""
        return jnp.diagonal(self.density).real

    def weighed(
        self,
        size: Float[Array, " d"],
        phases: Float[Array, " d"],
        values: Float[Array, "m d"],
        beyond,
        deviates: Float[Array, " m"],
    ) -> "MixedConditionalState":
        """As of a `ConditionalState`, in the mean over the deviates."""
        cosine, sine = cosine_and_sine(phases)
        factor = lax.complex(size * cosine, size * sine)
        density = factor[:, None] * jnp.conj(factor)[None] * self.density
        if beyond is not None:
            apart = jnp.sum((values[:, :, None] - values[:, None, :]) ** 2, axis=0)
            density = density * jnp.exp(-0.125 * beyond * apart)
        return MixedConditionalState(self.point, density)

    def mean(self, first: Inexact[Array, "d d"], *others: Inexact[Array, "d d"]) -> RealScalar:
        """The real part of the mean of a product of Hermitian operators."""
        acted = self.density
        for operator in reversed(others):
            acted = product(operator, acted)
        return trace_product(first, acted)


class Root(eqx.Module):
    r"""A square root of the diffusion, $D=\sigma\sigma^T$: `sigma` and its (pseudo-)inverse `inverse`, (n, n)."""

    sigma: Float[Array, "n n"]
    inverse: Float[Array, "n n"]


def root_of(diffusion: Float[np.ndarray | Array, "..."], coordinates: int) -> Root:
    """The root of one number, of (n,) or (n, n) numbers; its columns are the principal axes of the noise. Not a number
    where the diffusion is negative.
    """
    diffusion = jnp.asarray(diffusion, float)
    if coordinates == 1 or diffusion.ndim < 2:
        variances, axes = jnp.broadcast_to(diffusion.reshape(-1), (coordinates,)), jnp.eye(coordinates)
    else:
        variances, axes = eigensystem(diffusion)
    noisy = jnp.abs(variances) > SINGULAR * jnp.max(jnp.abs(variances))
    size = jnp.sqrt(jnp.where(noisy, variances, 0.0))
    inverse = jnp.where(noisy, 1 / jnp.where(noisy, size, 1.0), 0.0)
    return Root(axes * size[None, :], inverse[:, None] * axes.T)


# -- decoherence beyond the least ------------------------------------------------------------------------------------


class RandomPhases(eqx.Module):
    r"""Decoherence beyond the least as noise of the phases: each trajectory keeps a pure state."""

    def begin(self, point: PhasePoint, psi: Inexact[Array, " d"]) -> ConditionalState:
        """A trajectory at its start."""
        return ConditionalState(point, psi)


class MixedStates(eqx.Module):
    r"""Decoherence beyond the least in the mean: each trajectory carries a density matrix, $d^2$ numbers, and loses
    purity where $\kappa>1$. May start from mixed states.
    """

    def begin(
        self, point: PhasePoint, psi: Inexact[Array, " d"] | Inexact[Array, "d r"]
    ) -> MixedConditionalState:
        """A trajectory at its start, from one state or the columns of a mixed one."""
        columns = psi.reshape(psi.shape[0], -1).astype(complex)
        return MixedConditionalState(point, product(columns, dagger(columns)))


# -- measuring the force ---------------------------------------------------------------------------------------------


def measured(
    theory: "ClassicalQuantum",
    y: ConditionalState | MixedConditionalState,
    values: Float[Array, "m d"],
    duration,
    chance: Float[Array, ""],
    deviates: Float[Array, "2 m"],
    phases: Float[Array, " d"],
) -> tuple[ConditionalState | MixedConditionalState, Float[Array, " m"]]:
    r"""The state, and the record $\Delta Y$, (m,), after m commuting operators were measured for a `duration`. The
    state may have any norm, and comes back with another, which does not drift: it is that of one step alone.

    `values`: their eigenvalues, for the states that the amplitudes of y belong to. `chance`, `deviates`: a uniform
    number and normal ones, for the record and beyond. `phases`: by which the amplitudes turn meanwhile. Exact in law.
    """
    probability = y.population
    # a cumulative sum, as the product that is quickest
    reached = apply(jnp.tri(probability.shape[0]), probability)
    # rounding might draw the one after the last
    drawn = jnp.take(values, jnp.sum(reached <= chance * reached[-1]), axis=1, mode="clip")
    record = duration * drawn + jnp.sqrt(duration) * deviates[0]
    # or XLA fuses the draws into what follows, and makes them anew for every level
    record = lax.optimization_barrier(record)
    # of all exponents that of the drawn state is -deviates^2 / 4: nothing can vanish altogether. What is divided by is
    # the norm before: that of the outcome would take another pass
    distance = values - record[:, None] / duration
    size = jnp.exp(-0.25 * duration * jnp.sum(distance**2, axis=0)) / jnp.sqrt(reached[-1])
    ratio = theory.trade_off.ratio
    beyond = (ratio - 1) * duration if ratio > 1 else None
    return y.weighed(size, phases, values, beyond, deviates[1]), record


class OneBasis(eqx.Module):
    r"""For $\hat V_I(q)=\hat A+q_i\hat B_i+\frac12q_iq_j\hat C_{ij}$ where all $\hat B_i$ and $\hat C_{ij}$ commute,
    as for one coordinate coupled linearly: forces are diagonal in one basis, found once. Between saves states are
    written in it.
    """

    def parts(self, theory: "ClassicalQuantum", hamiltonian: SeparableHamiltonian):
        r"""Turn by $\hat H_Q$ and what is left of $\hat A$, friction and drift; and the measurement with the turn by
        all else of $\hat V_I(q)$, which commutes with it.

        What is left of $\hat A$ is orthogonal to all $\hat B_i$ and $\hat C_{ij}$: so it does not depend on where the
        origin of q is, nor does a step.
        """
        coordinates = hamiltonian.manifold.coordinates
        vectors, linear, quadratic = shared_basis(hamiltonian)
        root_at = theory.root(hamiltonian)
        start = hamiltonian.coupling(jnp.zeros(coordinates))
        along = jnp.concatenate([linear, quadratic.reshape(-1, hamiltonian.levels)])
        diagonal = jnp.sum(jnp.conj(vectors) * product(start, vectors), axis=0).real
        constant = apply(jnp.linalg.pinv(along, rtol=COMMUTES), apply(along, diagonal))
        rest = hamiltonian.quantum() + start - product(vectors * constant[None, :], dagger(vectors))

        def turn(duration):
            matrix = propagator(rest, duration)
            inside = product(dagger(vectors).astype(complex), product(matrix, vectors.astype(complex)))
            return lambda y: y.seen_in(inside)

        def measurement(duration):
            def flow(y, draws):
                position = y.point.position
                bent = jnp.sum(quadratic * position[None, :, None], axis=1)
                energies = constant + jnp.sum((linear + 0.5 * bent) * position[:, None], axis=0)
                forces, root = -(linear + bent), root_at(position)
                values = product(root.inverse, forces)
                deviates = normals(draws.bits(coordinates)).reshape(2, coordinates)
                y, record = measured(
                    theory, y, values, duration, draws.uniform(), deviates, -duration * energies
                )
                push = apply(root.sigma, record) + duration * noiseless(root, jnp.mean(forces, axis=1))
                return y.at(theory.pushed(hamiltonian, y.point, push, duration))

            return flow

        # the turn commutes with friction and drift; outermost, two halves of it are done as one
        outer = (turn, theory.friction_part(hamiltonian), theory.drift_part(hamiltonian))
        return NoisyParts(
            outer,
            measurement,
            enter=lambda y: y.seen_in(dagger(vectors)),
            leave=lambda y: y.normalised().seen_in(vectors),
        )


class BasisOfEach(eqx.Module):
    r"""For any $\hat V_I(q)$: one noise after the other measures its operator, in its own eigenbasis at this place,
    composed symmetrically. Forces need not commute with each other.
    """

    def parts(self, theory: "ClassicalQuantum", hamiltonian: SeparableHamiltonian):
        """Friction, drift and the turn at rest; and the measurements."""
        coordinates = hamiltonian.manifold.coordinates
        root_at = theory.root(hamiltonian)
        levels = hamiltonian.levels
        order = [*range(coordinates - 1), *range(coordinates - 1, -1, -1)]

        def turn(duration):
            def flow(y):
                potential = hamiltonian.quantum() + hamiltonian.coupling(y.point.position)
                return y.turned(potential, duration)

            return flow

        def measurement(duration):
            def flow(y, draws):
                forces, root = force_operators(hamiltonian, y.point.position), root_at(y.point.position)
                operators = jnp.sum(root.inverse[:, :, None, None] * forces[None], axis=1)
                words = draws.bits(2 * len(order))
                chances = (words[: len(order)] >> 11).astype(float) * 2.0**-53
                deviates = normals(words[len(order) :]).reshape(2, len(order))
                bases = [eigensystem(operators[noise]) for noise in range(coordinates)]
                record = jnp.zeros(coordinates)
                for number, noise in enumerate(order):
                    values, vectors = bases[noise]
                    lasting = duration if noise == coordinates - 1 else duration / 2
                    y, outcome = measured(
                        theory,
                        y.seen_in(dagger(vectors)),
                        values[None],
                        lasting,
                        chances[number],
                        deviates[:, number : number + 1],
                        jnp.zeros(levels),
                    )
                    y = y.seen_in(vectors)
                    record = record + outcome[0] * (jnp.arange(coordinates) == noise)
                mean = jnp.trace(forces, axis1=1, axis2=2).real / levels
                push = apply(root.sigma, record) + duration * noiseless(root, mean)
                return y.normalised().at(theory.pushed(hamiltonian, y.point, push, duration))

            return flow

        outer = (theory.friction_part(hamiltonian), theory.drift_part(hamiltonian), turn)
        return NoisyParts(outer, measurement)


def noiseless(root: Root, force: Float[Array, " n"]) -> Float[Array, " n"]:
    """The part of a force, (n,), along directions without noise, where no record carries it."""
    return force - apply(product(root.sigma, root.inverse), force)


def force_operators(hamiltonian: SeparableHamiltonian, position: Position) -> Inexact[Array, "n d d"]:
    r"""$\hat f_i=-\partial_i\hat V_I(q)$, with their parts that are numbers, (n, d, d)."""
    return -jnp.moveaxis(jax.jacfwd(hamiltonian.coupling)(jnp.asarray(position)), -1, 0)


def shared_basis(
    hamiltonian: SeparableHamiltonian,
) -> tuple[Inexact[Array, "d d"], Float[Array, "n d"], Float[Array, "n n d"]]:
    r"""Columns in which the derivatives of $\hat V_I$ at q = 0 are diagonal if they commute, (d, d), and the diagonals
    of the first, (n, d), and of the second ones, (n, n, d).
    """
    vectors, first, second = _derivatives_in_shared_basis(hamiltonian)
    return (
        vectors,
        jnp.diagonal(first, axis1=1, axis2=2).real,
        jnp.diagonal(second, axis1=2, axis2=3).real,
    )


def _derivatives_in_shared_basis(hamiltonian):
    levels, coordinates = hamiltonian.levels, hamiltonian.manifold.coordinates
    origin = jnp.zeros(coordinates)
    first = jnp.moveaxis(jax.jacfwd(hamiltonian.coupling)(origin), -1, 0)
    second = jnp.moveaxis(jax.jacfwd(jax.jacfwd(hamiltonian.coupling))(origin), (-2, -1), (0, 1))
    # operators that commute share the eigenvectors of a combination of them in which no two states are alike by chance
    each = jnp.concatenate([first, second.reshape(-1, levels, levels)])
    shares = np.random.default_rng(0).uniform(0.5, 1.0, each.shape[0])
    _, vectors = eigensystem(jnp.sum(shares[:, None, None] * each, axis=0))

    def seen(operators):
        return jnp.einsum("ak,...ab,bl->...kl", jnp.conj(vectors), operators, vectors)

    return vectors, seen(first), seen(second)


def has_one_basis(hamiltonian: SeparableHamiltonian) -> bool:
    """Whether the coupling is of second degree at most, with coefficients that commute: see `OneBasis`."""
    coordinates, levels = hamiltonian.manifold.coordinates, hamiltonian.levels
    if (coordinates * levels) ** 2 > LARGEST_POLYNOMIAL:
        return False
    vectors, first, second = (np.asarray(part) for part in _derivatives_in_shared_basis(hamiltonian))
    outside = ~np.eye(levels, dtype=bool)
    scale = max(np.abs(first).max(), np.abs(second).max())
    off = max(np.abs(first * outside).max(), np.abs(second * outside).max())
    # not a number, where derivatives do not exist, is not small
    if not off <= COMMUTES * scale:
        return False
    start = np.asarray(hamiltonian.coupling(jnp.zeros(coordinates)))
    for reach in (0.3, 1.0, -3.0, 10.0):
        q = reach * hamiltonian.manifold.probe().position
        polynomial = np.einsum("i,ikl->kl", q, first) + 0.5 * np.einsum("i,j,ijkl->kl", q, q, second)
        there = np.asarray(hamiltonian.coupling(jnp.asarray(q))) - start
        if not np.abs(vectors @ polynomial @ vectors.conj().T - there).max() <= COMMUTES * scale * (
            1 + reach**2
        ):
            return False
    return True


# -- arguments -------------------------------------------------------------------------------------------------------


def _rates(value) -> np.ndarray:
    value = np.asarray(value, dtype=float)
    square = value.ndim == 0 or (value.ndim == 2 and value.shape[0] == value.shape[1])
    if not square or not np.all(np.isfinite(value)):
        raise InvalidInput(
            f"Argument `friction` must be one finite rate or an (n, n) matrix of them, got {value.tolist()}."
        )
    rates = value if value.ndim == 0 else np.linalg.eigvals(value).real
    if np.min(rates) < -SINGULAR * np.max(np.abs(value)):
        raise InvalidInput(
            f"Argument `friction` must not drive: its smallest rate is {np.min(rates):.6g}, below 0."
        )
    return value


def _diffusion_or_function(value) -> np.ndarray | Callable:
    if callable(value):
        return value
    value = np.asarray(value, dtype=float)
    if value.ndim > 2 or value.size == 0 or not np.all(np.isfinite(value)):
        raise InvalidInput(
            "Argument `diffusion` must be a finite number, (n,) or (n, n) of them, or a function of position, got "
            f"{value.tolist()}."
        )
    if value.ndim < 2:
        least = np.min(value)
    else:
        if value.shape[0] != value.shape[1] or np.abs(value - value.T).max() > SINGULAR * np.abs(value).max():
            raise InvalidInput(f"Argument `diffusion` must be a symmetric matrix, got {value.tolist()}.")
        least = np.linalg.eigvalsh(value)[0]
    if least < -SINGULAR * np.abs(value).max():
        raise InvalidInput(f"Argument `diffusion` must not be negative; its smallest value is {least:.6g}.")
    return value


class ClassicalQuantum(Theory):
    r"""Classical-quantum diffusion by trajectories with conditional pure states.

    `diffusion` of momenta, $dp=\sigma\,dW$ with $D=\sigma\sigma^T$ and $\langle dW_idW_j\rangle=\delta_{ij}dt$: a
    number, one per coordinate (n,), a symmetric matrix (n, n), or a function of the position (n,) that returns one of
    these; momentum squared per time. `friction`: $\gamma$ in $\dot p_i=-\gamma_{ij}p_j$, a number or (n, n), per time.
    `trade_off`: $\kappa\ge1$ in $D_0=\kappa\frac14D^{-1}$, a number or a `KeptTradeOff`; 1, the least decoherence that
    there may be, by default.
    `truncation_tolerance`: for a ladder of levels that is cut, such as Fock states, the largest population of the last
    one; a run with a trajectory above it is stopped. None: not looked at, but for the mean that is kept
    (`highest_level_population`). `forces`: how they are measured, `OneBasis` or `BasisOfEach`; by default the first
    where the coupling allows it, as it is the faster one. `excess`: decoherence beyond the least is noise of the phases
    of pure states, `RandomPhases`, or makes states mixed, `MixedStates`: the same means with less scatter, for $d^2$
    numbers instead of d.

    Exactly kept: the norm, positivity, and purity unless `excess` takes it. The mean energy is not conserved, but
    changes as `energy_rate` says: it grows by $D_{ii}/2m_i$ and by decoherence, and friction takes it away. With one
    level this is Langevin's equation.

    Raises `InvalidInput` for a negative or asymmetric diffusion, a trade-off below 1, shapes that do not fit, and
    directions without noise in which the quantum side would act on the classical one.
    """

    diffusion: Float[np.ndarray | Array, "..."] | Callable[[Any], Any] = eqx.field(
        converter=_diffusion_or_function
    )
    friction: Float[np.ndarray | Array, "..."] = eqx.field(converter=_rates, default=0.0)
    trade_off: TradeOff = eqx.field(converter=trade_off, default=1.0)
    truncation_tolerance: float | None = eqx.field(static=True, default=None)
    forces: OneBasis | BasisOfEach | None = None
    excess: RandomPhases | MixedStates = RandomPhases()
    coupled: ClassVar[bool] = False
    random: ClassVar[bool] = True
    has_trajectories: ClassVar[bool] = True
    light: ClassVar[bool] = False

    @property
    def mixed(self) -> bool:  # type: ignore[override]
        """Whether trajectories carry mixed states."""
        return isinstance(self.excess, MixedStates)

    def __check_init__(self):
        if not isinstance(self.trade_off, KeptTradeOff):
            raise InvalidInput(
                f"Argument `trade_off` of ClassicalQuantum must be a number of at least 1 or a KeptTradeOff, got "
                f"{self.trade_off}: a hybrid state that does not stay positive is no mean over states of trajectories. "
                "HybridMasterEquation takes it."
            )
        if self.truncation_tolerance is not None and not self.truncation_tolerance > 0:
            raise InvalidInput(
                f"Argument `truncation_tolerance` must be a positive population, got {self.truncation_tolerance}."
            )

    def requirements(self):
        return Requirements(manifolds=(Canonical,), separable=True)

    def promises(self, hamiltonian):
        return (NORM,)

    def default_integrator(self, hamiltonian):
        return StrangAroundNoise()

    def resolve(self, hamiltonian, preparation, times):
        self._check_sizes(hamiltonian)
        self._check_back_reaction(hamiltonian)
        if self.forces is None:
            forces = OneBasis() if has_one_basis(hamiltonian) else BasisOfEach()
            return dataclasses.replace(self, forces=forces)
        if isinstance(self.forces, OneBasis) and not has_one_basis(hamiltonian):
            raise InvalidInput(
                "Argument `forces` is OneBasis(), but the forces of this Hamiltonian are not diagonal in one basis "
                "everywhere; leave it out."
            )
        return self

    def _check_sizes(self, hamiltonian):
        coordinates = hamiltonian.manifold.coordinates
        diffusion = self.diffusion
        if callable(diffusion):
            diffusion = np.asarray(diffusion(jnp.asarray(hamiltonian.manifold.probe().position)))
            _diffusion_or_function(diffusion)
        if diffusion.shape not in ((), (coordinates,), (coordinates, coordinates)):
            raise InvalidInput(
                f"Argument `diffusion` of ClassicalQuantum must be a number or have one for each of {coordinates} "
                f"coordinates, or for each pair of them, got shape {diffusion.shape}."
            )
        if self.friction.shape not in ((), (coordinates, coordinates)):
            raise InvalidInput(
                f"Argument `friction` of ClassicalQuantum must be a number or of shape ({coordinates}, {coordinates}), "
                f"got {self.friction.shape}."
            )

    def _check_back_reaction(self, hamiltonian):
        """No force of the quantum side along a direction without noise, as seen at a few places."""
        for reach in (0.0, 1.0, -3.0):
            position = jnp.asarray(reach * hamiltonian.manifold.probe().position)
            forces = np.asarray(force_operators(hamiltonian, position))
            mean = np.trace(forces, axis1=1, axis2=2)[:, None, None] / hamiltonian.levels
            forces = forces - mean * np.eye(hamiltonian.levels)
            root = self.root(hamiltonian)(position)
            left = forces - np.einsum("ij,jkl->ikl", np.asarray(product(root.sigma, root.inverse)), forces)
            if np.abs(left).max() > COMMUTES * max(1.0, np.abs(forces).max()):
                where = int(np.argmax(np.abs(left).max(axis=(1, 2))))
                raise InvalidInput(
                    f"Argument `diffusion` leaves coordinate {where} without noise along a force of the quantum side: "
                    "no back-reaction without diffusion; give it a positive value there."
                )

    def in_coordinates(self, shift, scale):
        diffusion: Any
        if callable(self.diffusion):
            diffusion = Partial(_diffusion_elsewhere, self.diffusion, shift, scale)
        elif self.diffusion.ndim < 2:
            diffusion = self.diffusion / scale**2
        else:
            diffusion = self.diffusion / np.outer(scale, scale)
        friction = (
            self.friction if self.friction.ndim == 0 else self.friction * scale[None, :] / scale[:, None]
        )
        return dataclasses.replace(self, diffusion=diffusion, friction=friction)

    def prepare(self, hamiltonian, preparation, index, key):
        start = preparation.draw(hamiltonian, index, key)
        return self.excess.begin(start.point, start.psi), start.weight

    # -- the motion --------------------------------------------------------------------------------------------------

    def around_noise(self, hamiltonian):
        """Turn of the quantum side, friction and drift, each exact; and the measurement of the force, with all that
        pushes and turns at rest.
        """
        forces = self.forces if self.forces is not None else BasisOfEach()
        return forces.parts(self, hamiltonian)

    def root(self, hamiltonian: SeparableHamiltonian) -> Callable[[Position], Root]:
        """The root of the diffusion at a position; found once if it is the same everywhere."""
        coordinates = hamiltonian.manifold.coordinates
        if callable(self.diffusion):
            diffusion = self.diffusion
            return lambda position: root_of(diffusion(position), coordinates)
        root = root_of(self.diffusion, coordinates)
        return lambda position: root

    def friction_part(self, hamiltonian):
        """exp(-gamma t) on momenta."""

        def friction(duration):
            if self.friction.ndim == 0:
                left = jnp.exp(-jnp.asarray(self.friction) * duration)
                slowed = lambda momentum: left * momentum  # noqa: E731
            else:
                matrix = jax.scipy.linalg.expm(-jnp.asarray(self.friction) * duration)
                slowed = lambda momentum: apply(matrix, momentum)  # noqa: E731
            return lambda y: y.at(PhasePoint(y.point.position, slowed(y.point.momentum)))

        return friction

    def drift_part(self, hamiltonian):
        """Free motion, with the harmonic part of the Hamiltonian."""

        def drift(duration):
            free = hamiltonian.free_flow(duration)
            return lambda y: y.at(free(y.point))

        return drift

    def pushed(self, hamiltonian, point: PhasePoint, push: Float[Array, " n"], duration) -> PhasePoint:
        """The point after a `push` and that of the classical potential."""
        gradient = jax.grad(hamiltonian.external)(point.position)
        return PhasePoint(point.position, point.momentum + push - duration * gradient)

    # -- what is seen of it ------------------------------------------------------------------------------------------

    def energy(self, hamiltonian, y):
        quantum = y.mean(hamiltonian.quantum() + hamiltonian.interaction(y.point))
        return hamiltonian.classical(y.point) * jnp.sum(y.population) + quantum

    def energy_rate(self, hamiltonian, y) -> RealScalar:
        r"""What changes the mean energy, at this trajectory:

        $$\frac{d\langle\hat H\rangle}{dt}=\frac{D_{ii}}{2m_i}-\frac{\gamma_{ij}}{m_i}\langle p_ip_j\rangle
        -\tfrac12D_0^{ij}\langle[\hat f_i,[\hat f_j,\hat H]]\rangle .$$
        """
        position, momentum = y.point.position, y.point.momentum
        root, rates = self.root(hamiltonian)(position), jnp.asarray(self.friction)
        slowed = apply(rates, momentum) if rates.ndim else rates * momentum
        classical = 0.5 * jnp.sum(root.sigma**2, axis=1) - momentum * slowed
        energy = hamiltonian.quantum() + hamiltonian.coupling(position)
        operators = jnp.einsum("ji,ikl->jkl", root.inverse, force_operators(hamiltonian, position))
        # the mean of half a double commutator for each noise
        nested = [y.mean(one, one, energy) - y.mean(one, energy, one) for one in operators]
        heating = -0.25 * self.trade_off.ratio * jnp.sum(jnp.stack(nested))
        return jnp.sum(classical / jnp.asarray(hamiltonian.manifold.masses)) + heating

    def classical_points(self, hamiltonian, y):
        point = jax.tree_util.tree_map(lambda leaf: leaf[None], y.point)
        return Weighted(point, y.density[None], jnp.ones(1))

    def standard_observables(self, hamiltonian):
        """Without those that need eigenstates of H at every trajectory: for a ladder of levels they would cost more
        than the motion.
        """
        chosen = standard_observables(hamiltonian)
        return tuple(kept for kept in chosen if kept.name not in ("adiabatic_population", "scattering"))

    def own_observables(self, hamiltonian):
        return (*_OBSERVABLES, _CONDITIONAL_PURITY) if self.mixed else _OBSERVABLES

    def check(self, hamiltonian, y):
        norm = jnp.sum(y.population)
        finite = jnp.isfinite(norm) & jnp.all(jnp.isfinite(y.point.position + y.point.momentum))
        status = jnp.where(jnp.abs(norm - 1) > 1e-6, Status.lost_norm, Status.fine)
        if self.truncation_tolerance is not None:
            high = y.population[-1] > self.truncation_tolerance
            status = jnp.where(high, Status.reached_highest_level, status)
        return jnp.where(finite, status, Status.not_finite)


def _diffusion_elsewhere(function, shift, scale, position):
    """A diffusion that depends on the position, seen in the coordinates shift + scale q."""
    value = jnp.asarray(function((position - shift) / scale))
    return value / scale**2 if value.ndim < 2 else value / (scale[:, None] * scale[None, :])


_OBSERVABLES = (
    Observable(
        "highest_level_population",
        lambda theory, hamiltonian, y: y.population[-1],
        (),
        "1",
        "population of the last level, where a ladder of levels is cut",
    ),
    Observable(
        "energy_rate",
        lambda theory, hamiltonian, y: theory.energy_rate(hamiltonian, y),
        (),
        "hartree^2/hbar",
        "rate of change of the energy",
    ),
)
_CONDITIONAL_PURITY = Observable(
    "conditional_purity",
    lambda theory, hamiltonian, y: purity(y.density),
    (),
    "1",
    "mean purity of the states of trajectories",
)
