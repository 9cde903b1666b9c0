r"""Fewest-switches surface hopping: trajectories on one adiabatic surface at a time, with hops between them.

A trajectory moves on the surface of its active state a, $\dot p=-\langle u_a|\nabla\hat V|u_a\rangle$, while
$\psi$ follows $i\hbar\dot\psi=\hat V(q)\psi$ along it. What a step carries from state a to state b,

$$B_{ab}=\mathrm{Re}\,\langle\psi(t+\delta t)|P_b(t+\delta t)\,U\,P_a(t)|\psi(t)\rangle,\qquad
  |c_b(t+\delta t)|^2=\sum_aB_{ab},\quad|c_a(t)|^2=\sum_bB_{ab},$$

with projectors $P_n=|u_n\rangle\langle u_n|$ and the propagator U of the step, decides the probability to
hop:

$$P_{a\to b}=\frac{(B_{ab})_+\,(1+r)}{|c_a(t)|^2},\qquad
  r=\Big[-\sum_{b\ne a}B_{ba}\Big/\sum_{b\ne a}B_{ab}\Big]_0^1$$

For short steps $B_{ba}=-B_{ab}$ is half of the flow of population, r = 1, and this is the rule of J. C.
Tully, J. Chem. Phys. 93, 1061 (1990). Nothing depends on phase or sign of an eigenvector. A sharp crossing,
where states swap their names within a step, is never missed, whatever the superposition (compare G. Granucci,
M. Persico and A. Toniolo, J. Chem. Phys. 114, 10608 (2001), whose rule asks for the net change of $|c_a|^2$
and so misses a crossing of equal populations).

**With a correction** the quantum states of neighbouring trajectories act on each other, as they do in the exact
factorization of a wavefunction: $i\hbar\dot\psi=(\hat V+\delta\hat H)\psi$ with $\delta\hat
H=-\frac{\hbar^2}{2n}\xi^{ij}\partial_i(n\,\partial_j\hat\rho)$ from $\hat\rho=\psi\psi^\dagger$ of all trajectories and
their density n. The rule above stays as it is; with the propagator U of the corrected equation its rate for short
steps is that of Martinazzo and Burghardt, "Quantum hydrodynamics of coupled electron-nuclear systems", section IV A,

$$\bar\gamma_{a\to b}=\frac2{p_a}\Big[\mathrm{Re}(\langle u_a|\partial_ju_b\rangle\rho_{ba})\,v^j
-\mathrm{Im}(X_{ab}\rho_{ba})\Big],\qquad X_{ab}=\frac1\hbar\langle u_a|\delta\hat H|u_b\rangle
=\langle u_a|u^j\partial_j\hat\rho-\frac\hbar2\Delta_M\hat\rho|u_b\rangle .$$

The force stays that of the active surface.
"""

import abc
import dataclasses
from typing import Annotated, ClassVar

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np

from brackish.errors import InvalidInput
from brackish.hamiltonians import SeparableHamiltonian
from brackish.integrators import Strang, StrangAroundJumps, WithJumps
from brackish.manifolds import Canonical, PhasePoint
from brackish.observables import Observable
from brackish.promises import ENERGY, ENERGY_OF_EACH, NORM
from brackish.quantum import apply, dagger, eigensystem, expect, product, propagate
from brackish.randomness import StepDraws
from brackish.theories.trajectories._ensembles import InSpreads, components_of, given_width, matrices
from brackish.theories.trajectories._fubini_study import (
    Neighbours,
    about_neighbours,
    check_width,
    coupling_operator,
    mean_neighbours,
    neighbours,
    osmotic_operator,
    resolved_width,
)
from brackish.theory import Requirements, Status, Theory, Weighted
from brackish.typing import Array, Complex, Float, Inexact, Int, UInt32


class HoppingState(eqx.Module):
    """One trajectory on one surface.

    `psi`: (d,), the electronic state, in the basis `frame` (None: the diabatic basis). `marked`: (d,), what
    has become of the part of psi that was on the active surface at the last decision, same basis. `active`:
    the surface, 0 the lowest.
    """

    point: PhasePoint
    psi: Complex[Array, " d"]
    marked: Complex[Array, " d"]
    frame: Inexact[Array, "d d"] | None
    active: Int[Array, ""]


class HoppingEnsemble(eqx.Module):
    """Trajectories that know of each other: N of them as one `HoppingState` with a leading axis.

    `weight`: (N,), summing to 1. `key`: (N, 2), from which each trajectory draws, one hop a step, whatever becomes
    of the others.
    """

    trajectory: HoppingState
    weight: Float[Array, " N"]
    key: UInt32[Array, "N 2"]


# -- how the electronic state is written ---------------------------------------------------------------------


class InDiabaticBasis(eqx.Module):
    """The electronic state in the basis of the Hamiltonian; its turn is an exact exponential."""

    def frame(self, hamiltonian, position):
        """No frame: the basis is fixed."""
        return None

    def turn(self, hamiltonian, position, y, duration, correction=None):
        """psi and its marked part after a turn under V(q) at rest, and under a `correction` to it, (d, d)."""
        potential = hamiltonian.potential(position)
        if correction is not None:
            potential = potential + correction
        return propagate(potential, y.psi, duration), propagate(potential, y.marked, duration), None


class InAdiabaticBasis(eqx.Module):
    """The electronic state in the eigenstates of V(q), carried from place to place by their overlaps.

    The overlap takes whatever phases and signs the eigenvectors come with into account (local diabatisation),
    so that no phase is ever assumed and no derivative coupling is needed.
    """

    def frame(self, hamiltonian, position):
        """The eigenvectors here."""
        _, vectors = eigensystem(hamiltonian.potential(position))
        return vectors

    def turn(self, hamiltonian, position, y, duration, correction=None):
        """Amplitudes carried to the eigenstates here, then turned by their energies, and by a `correction` to V(q),
        (d, d), diabatic basis.
        """
        energies, vectors = eigensystem(hamiltonian.potential(position))

        def turned(amplitudes):
            if correction is None:
                return jnp.exp(-1j * energies * duration) * amplitudes
            seen_here = product(dagger(vectors), product(correction, vectors))
            return propagate(jnp.diag(energies) + seen_here, amplitudes, duration)

        psi, marked = (turned(_adiabatic(amplitudes, y.frame, vectors)) for amplitudes in (y.psi, y.marked))
        return psi, marked, vectors


# -- where the energy of a hop comes from --------------------------------------------------------------------


class AlongCoupling(eqx.Module):
    """Rescale the momentum along the nonadiabatic coupling vector d_ab; along itself where that vanishes.

    It vanishes where levels cross without coupling: there a trajectory must be free to go on along its
    diabat.
    """

    def direction(self, hamiltonian, point, vectors, active, target):
        r"""$\langle u_a|\nabla\hat V|u_b\rangle$, (n,), with the phase that makes it as large as it can be
        (for a real Hamiltonian: the real vector); its sign does not matter.
        """
        bra, ket = apply(vectors, active), apply(vectors, target)

        def element(position):
            return jnp.sum(jnp.conj(bra) * apply(hamiltonian.potential(position), ket))

        coupling = jax.grad(lambda q: element(q).real)(point.position)
        if jnp.iscomplexobj(vectors):
            whole = coupling + 1j * jax.grad(lambda q: element(q).imag)(point.position)
            coupling = (whole * jnp.exp(-0.5j * jnp.angle(jnp.sum(whole**2)))).real
        return jnp.where(jnp.sum(coupling**2) > 0, coupling, point.momentum)


class AlongMomentum(eqx.Module):
    """Rescale the momentum along itself."""

    def direction(self, hamiltonian, point, vectors, active, target):
        """The momentum, (n,)."""
        return point.momentum


class NoRescaling(eqx.Module):
    """Let hops change the energy. For comparison: the energy of a trajectory is not conserved."""


# -- what happens to a hop without the energy for it ---------------------------------------------------------


class KeepVelocity(eqx.Module):
    """A frustrated hop leaves the momentum as it is."""

    def rebound(self, momentum, direction, ratio):
        """The momentum after the frustrated hop, (n,)."""
        return momentum


class ReverseVelocity(eqx.Module):
    """A frustrated hop reverses the momentum along the direction of rescaling."""

    def rebound(self, momentum, direction, ratio):
        """The momentum after the frustrated hop, (n,)."""
        return momentum - ratio * direction


# -- how coherence is lost -----------------------------------------------------------------------------------


class NoDecoherence(eqx.Module):
    """The electronic state keeps its coherence, as in Tully's original scheme."""

    def damp(self, amplitudes, energies, active, kinetic, dt):
        """The amplitudes, unchanged."""
        return amplitudes


class EnergyBasedDecoherence(eqx.Module):
    r"""Amplitudes off the active surface decay with $\tau_b=|E_b-E_a|^{-1}\,(1+C/T)$, T the kinetic energy.

    G. Granucci and M. Persico, J. Chem. Phys. 126, 134114 (2007), eq. (17). `parameter`: C in hartree, not negative;
    0 leaves $\tau_b=|E_b-E_a|^{-1}$, also at rest.
    """

    parameter: Annotated[float, "energy"] = 0.1

    def __check_init__(self):
        if isinstance(self.parameter, float) and not self.parameter >= 0:
            raise InvalidInput(
                f"Argument `parameter` of EnergyBasedDecoherence must not be negative, got {self.parameter}."
            )

    def damp(self, amplitudes, energies, active, kinetic, dt):
        """The damped amplitudes, (d,), unit norm."""
        gap = jnp.abs(energies - jnp.sum(active * energies))
        whole = kinetic + self.parameter
        rate = gap * jnp.where(whole > 0, kinetic / jnp.where(whole > 0, whole, 1.0), 1.0)
        others = jnp.where(active > 0, 0.0, amplitudes * jnp.exp(-dt * rate))
        left = jnp.sum(others.real**2 + others.imag**2)
        here = jnp.sum(jnp.where(active > 0, amplitudes, 0.0))
        size = jnp.abs(here)
        phase = jnp.where(size > 0, here / jnp.where(size > 0, size, 1.0), 1.0)
        return others + active * phase * jnp.sqrt(jnp.maximum(1 - left, 0.0))


# -- what trajectories know of each other ----------------------------------------------------------------------


class NoCorrection(eqx.Module):
    """Nothing: each trajectory is alone, as in Tully's scheme."""


class Correction(eqx.Module):
    r"""A $\delta\hat H$ from the quantum states of neighbouring trajectories: it turns $\psi$ and decides hops.

    `width`: standard deviation of the Gaussians by which trajectories know each other, one number or one per coordinate
    (bohr; to fall as $1/\sqrt{m_k}$ where masses differ), or `InSpreads(factor)`, in the spread of the start.
    """

    width: eqx.AbstractVar[InSpreads | Float[np.ndarray | Array, "*n"]]

    def __check_init__(self):
        check_width(self)

    @abc.abstractmethod
    def coefficients(self, near: Neighbours, components: Float[Array, "N k"]) -> Float[Array, "N k"]:
        r"""$\delta\hat H$ of each trajectory from the components of all $\hat\rho$, as coefficients of
        $\hat\lambda$, (N, k), in hartree.
        """

    def operator(self, near: Neighbours, psi: Complex[Array, "N d"]) -> Complex[Array, "N d d"]:
        r"""$\delta\hat H$ of each trajectory, in hartree, from all quantum states, both in the diabatic basis."""
        return matrices(self.coefficients(near, components_of(psi[:, :, None])), psi.shape[1])


class FullCorrection(Correction):
    r"""The whole, $\delta\hat H=-\frac{\hbar^2}{2n}\xi^{ij}\partial_i(n\,\partial_j\hat\rho)$, as a sum over pairs.

    By itself it moves no population in the mean over the ensemble, to round-off, for any width.
    """

    width: Annotated[InSpreads | Float[np.ndarray | Array, "*n"], "length"] = eqx.field(
        converter=given_width, default=InSpreads(0.3)
    )

    def coefficients(self, near, components):
        return coupling_operator(near, components)


class OsmoticCorrection(Correction):
    r"""The half with the density, $\delta\hat H=\hbar u^j\partial_j\hat\rho$: the paper's approximate form of the
    hopping rate.

    By itself it moves population where nothing couples, as the half that is left out no longer stands against it.
    """

    width: Annotated[InSpreads | Float[np.ndarray | Array, "*n"], "length"] = eqx.field(
        converter=given_width, default=InSpreads(0.3)
    )

    def coefficients(self, near, components):
        return osmotic_operator(near, components)


# -- the theory ------------------------------------------------------------------------------------------------


class SurfaceHopping(Theory):
    """Fewest-switches surface hopping.

    `representation` of the electronic state: `InDiabaticBasis` or `InAdiabaticBasis`. `rescaling` of the
    momentum at a hop: `AlongCoupling`, `AlongMomentum` or `NoRescaling`. `frustrated` hops: `KeepVelocity`
    or `ReverseVelocity`. `decoherence`: `NoDecoherence` or `EnergyBasedDecoherence`. `correction` of the
    electronic equation, and so of the probability to hop, by neighbouring trajectories: `NoCorrection`,
    `FullCorrection` or `OsmoticCorrection`; with one, a state is a whole ensemble, and standard errors come from
    several (see `ensembles` of `simulate`).

    Conserves the norm of psi to round-off and, with rescaling, the energy of each trajectory to the order of
    the step. Its weakness: the density matrix (populations from the active surface, coherences from psi) need
    not be positive.
    """

    representation: InDiabaticBasis | InAdiabaticBasis = InDiabaticBasis()
    rescaling: AlongCoupling | AlongMomentum | NoRescaling = AlongCoupling()
    frustrated: KeepVelocity | ReverseVelocity = KeepVelocity()
    decoherence: NoDecoherence | EnergyBasedDecoherence = NoDecoherence()
    correction: NoCorrection | Correction = NoCorrection()
    random: ClassVar[bool] = True
    has_trajectories: ClassVar[bool] = True
    averages: ClassVar[bool] = True

    @property
    def coupled(self) -> bool:  # type: ignore[override]
        """Whether trajectories correct each other."""
        return isinstance(self.correction, Correction)

    @property
    def _alone(self) -> "SurfaceHopping":
        """What a single trajectory of an ensemble does by itself."""
        return dataclasses.replace(self, correction=NoCorrection())

    def requirements(self):
        return Requirements(manifolds=(Canonical,), separable=True, smallest_levels=2)

    def promises(self, hamiltonian):
        if isinstance(self.rescaling, NoRescaling):
            return (NORM,)
        return (ENERGY if self.coupled else ENERGY_OF_EACH), NORM

    def suggested_step(self, hamiltonian):
        """Adiabatic states jitter with the modes that carry the coupling, and these pay for hops."""
        return hamiltonian.adiabatic_step()

    def default_integrator(self, hamiltonian):
        """With harmonic modes hops are decided at whole steps, where the energy that they keep is H(q, p) itself;
        without, where the force is taken, and one set of eigenstates serves all.
        """
        return StrangAroundJumps() if hamiltonian.frequencies is None else WithJumps(Strang())

    def resolve(self, hamiltonian, preparation, times):
        if not isinstance(self.correction, Correction):
            return self
        return self._with_width(resolved_width(self.correction, hamiltonian, preparation))

    def in_coordinates(self, shift, scale):
        if not isinstance(self.correction, Correction) or isinstance(self.correction.width, InSpreads):
            return self
        return self._with_width(self.correction.width * scale)

    def _with_width(self, width):
        return dataclasses.replace(self, correction=dataclasses.replace(self.correction, width=width))

    def prepare(self, hamiltonian, preparation, index, key):
        """The active surface is drawn with the probabilities of the initial state."""
        if self.coupled:
            each = jax.vmap(self._alone.prepare, in_axes=(None, None, 0, 0))
            trajectory, weight = each(hamiltonian, preparation, index, key)
            # position and active surface have taken fold_in(key, 0) and fold_in(key, 1)
            keys = jax.vmap(lambda own: jax.random.key_data(jax.random.fold_in(own, 2)))(key)
            return HoppingEnsemble(trajectory, weight / jnp.sum(weight), keys), jnp.ones(())
        start = preparation.draw(hamiltonian, index, key)
        _, vectors = eigensystem(hamiltonian.potential(start.point.position))
        adiabatic = apply(dagger(vectors), start.psi)
        chance = jax.random.uniform(jax.random.fold_in(key, 1))
        below = jnp.cumsum(jnp.abs(adiabatic) ** 2) < chance
        active = jnp.minimum(jnp.sum(below), hamiltonian.levels - 1)
        frame = self.representation.frame(hamiltonian, start.point.position)
        return self._settled(start.point, adiabatic, vectors, frame, active), start.weight

    def energy(self, hamiltonian, y):
        if self.coupled:
            each = jax.vmap(self._alone.energy, in_axes=(None, 0))
            return jnp.sum(y.weight * each(hamiltonian, y.trajectory))
        energies, _ = eigensystem(hamiltonian.potential(y.point.position))
        kinetic = hamiltonian.manifold.kinetic_energy(y.point.momentum)
        on_surface = jnp.sum(_one_hot(y.active, hamiltonian) * energies)
        return kinetic + hamiltonian.harmonic(y.point.position) + on_surface

    def parts(self, hamiltonian):
        """Free motion, exact; the kick of the active surface and the turn of psi, both exact at rest."""
        if isinstance(self.correction, Correction):
            return self._parts_of_ensemble(hamiltonian, self.correction)

        def drift(duration):
            flow = hamiltonian.free_flow(duration)
            return lambda y: eqx.tree_at(lambda s: s.point, y, flow(y.point))

        def kick(duration):
            def flow(y):
                position = y.point.position
                _, vectors = eigensystem(hamiltonian.potential(position))
                surface = apply(vectors, _one_hot(y.active, hamiltonian))
                # Hellmann-Feynman: the eigenvector is held while the potential is differentiated
                gradient = jax.grad(lambda q: expect(hamiltonian.potential(q), surface))(position)
                point = PhasePoint(position, y.point.momentum - duration * gradient)
                return eqx.tree_at(lambda s: s.point, y, point)

            return flow

        def turn(duration):
            def flow(y):
                position = y.point.position
                psi, marked, frame = self.representation.turn(hamiltonian, position, y, duration)
                return HoppingState(y.point, psi, marked, frame, y.active)

            return flow

        return drift, kick, turn

    def _parts_of_ensemble(self, hamiltonian, correction):
        """Each trajectory drifts and is kicked by itself. The states turn in V and in the field of each other, by a
        midpoint rule that keeps every norm.
        """
        drift, kick, _ = self._alone.parts(hamiltonian)

        def of_each(part):
            def with_duration(duration):
                flow = jax.vmap(part(duration))
                return lambda y: HoppingEnsemble(flow(y.trajectory), y.weight, y.key)

            return with_duration

        def turn(duration):
            def turned(y, operator, time):
                position = y.point.position
                psi, marked, frame = self.representation.turn(hamiltonian, position, y, time, operator)
                return HoppingState(y.point, psi, marked, frame, y.active)

            each = jax.vmap(turned, in_axes=(0, 0, None))

            def flow(y):
                start = y.trajectory
                positions, masses = start.point.position, hamiltonian.manifold.masses
                near = neighbours(positions, y.weight, correction.width, masses)
                middle = each(start, correction.operator(near, _diabatic_states(start)), duration / 2)
                operator = correction.operator(near, _diabatic_states(middle))
                return HoppingEnsemble(each(start, operator, duration), y.weight, y.key)

            return flow

        return of_each(drift), of_each(kick), turn

    def jump(self, hamiltonian, dt, y, draws):
        """Decide on a hop, pay for it, lose coherence."""
        if self.coupled:

            def own(trajectory, key):
                return self._alone.jump(hamiltonian, dt, trajectory, StepDraws(key, draws.step))

            return HoppingEnsemble(jax.vmap(own)(y.trajectory, y.key), y.weight, y.key)
        energies, vectors = eigensystem(hamiltonian.potential(y.point.position))
        amplitudes = _adiabatic(y.psi, y.frame, vectors)
        marked = _adiabatic(y.marked, y.frame, vectors)
        active = _one_hot(y.active, hamiltonian)
        target = self._target(amplitudes, marked, active, draws.uniform())
        momentum, hops = self._paid(hamiltonian, y.point, energies, vectors, active, target)
        active = jnp.where(hops, target, active)
        point = PhasePoint(y.point.position, momentum)
        kinetic = hamiltonian.manifold.kinetic_energy(momentum)
        amplitudes = self.decoherence.damp(amplitudes, energies, active, kinetic, dt)
        frame = None if y.frame is None else vectors
        return self._settled(point, amplitudes, vectors, frame, jnp.argmax(active))

    def _target(self, amplitudes, marked, active, chance):
        """The surface to hop to, (d,), one-hot, or all zero: the probabilities of the head of this file."""
        before = jnp.sum(marked.real**2 + marked.imag**2)
        flux = (
            amplitudes.real * marked.real + amplitudes.imag * marked.imag
        )  # B_ab, and B_aa for the active one
        here = jnp.where(active > 0, amplitudes.real**2 + amplitudes.imag**2 - flux, 0.0)
        outwards = jnp.sum(jnp.where(active > 0, 0.0, flux))
        returned = -jnp.sum(here) / jnp.where(outwards == 0, 1.0, outwards)
        flux = jnp.where(active > 0, 0.0, jnp.maximum(0.0, flux))
        probability = flux * (1 + jnp.clip(returned, 0.0, 1.0)) / jnp.where(before > 0, before, 1.0)
        reached = jnp.cumsum(probability)
        return ((reached > chance) & (reached - probability <= chance)).astype(float)

    def _paid(self, hamiltonian, point, energies, vectors, active, target):
        """The momentum after the hop to `target`, or after a frustrated one, and whether there is a hop."""
        wanted = jnp.sum(target) > 0
        if isinstance(self.rescaling, NoRescaling):
            return point.momentum, wanted
        masses = jnp.asarray(hamiltonian.manifold.masses)
        cost = jnp.sum((target - active) * energies)
        direction = self.rescaling.direction(hamiltonian, point, vectors, active, target)
        # kinetic energy along the line p + s * direction: quadratic * s^2 + linear * s
        quadratic = jnp.sum(direction**2 / (2 * masses))
        linear = jnp.sum(point.momentum * direction / masses)
        discriminant = linear**2 - 4 * quadratic * cost
        safe = jnp.where(quadratic > 0, quadratic, 1.0)
        affordable = (discriminant >= 0) & (quadratic > 0)
        root = jnp.sqrt(jnp.where(affordable, discriminant, 0.0))
        shift = (-linear + jnp.where(linear < 0, -root, root)) / (2 * safe)
        hopped = point.momentum + shift * direction
        rebound = self.frustrated.rebound(point.momentum, direction, linear / safe)
        momentum = jnp.where(affordable, hopped, rebound)
        return jnp.where(wanted, momentum, point.momentum), wanted & affordable

    def _settled(self, point, amplitudes, vectors, frame, active):
        """A state after a decision: psi in the representation's basis, its active part marked."""
        on_active = jnp.where(jnp.arange(amplitudes.shape[0]) == active, amplitudes, 0.0)
        if frame is None:
            amplitudes, on_active = apply(vectors, amplitudes), apply(vectors, on_active)
        return HoppingState(point, amplitudes + 0j, on_active + 0j, frame, active)

    def classical_points(self, hamiltonian, y):
        """The density operator has its populations from the active surface and its coherences from psi
        (B. R. Landry, M. J. Falk and J. E. Subotnik, J. Chem. Phys. 139, 211101 (2013), method 3)."""
        if self.coupled:
            each = jax.vmap(self._alone.classical_points, in_axes=(None, 0))(hamiltonian, y.trajectory)
            return Weighted(y.trajectory.point, each.density[:, 0], y.weight)
        _, vectors = eigensystem(hamiltonian.potential(y.point.position))
        amplitudes = _adiabatic(y.psi, y.frame, vectors)
        coherences = amplitudes[:, None] * jnp.conj(amplitudes)[None, :]
        mixed = jnp.where(
            jnp.eye(hamiltonian.levels, dtype=bool), jnp.diag(_one_hot(y.active, hamiltonian)), coherences
        )
        density = product(product(vectors, mixed), dagger(vectors))
        points = jax.tree_util.tree_map(lambda leaf: leaf[None], y.point)
        return Weighted(points, density[None], jnp.ones(1))

    def own_observables(self, hamiltonian):
        return _OF_ENSEMBLES if self.coupled else ()

    def remarks(self, means):
        return about_neighbours("SurfaceHopping", means) if self.coupled else ()

    def check(self, hamiltonian, y):
        if self.coupled:
            return jnp.max(jax.vmap(self._alone.check, in_axes=(None, 0))(hamiltonian, y.trajectory))
        norm = jnp.sum(y.psi.real**2 + y.psi.imag**2)
        finite = jnp.isfinite(norm) & jnp.all(jnp.isfinite(y.point.position + y.point.momentum))
        lost = jnp.where(jnp.abs(norm - 1) > 1e-6, Status.lost_norm, Status.fine)
        return jnp.where(finite, lost, Status.not_finite)


def _neighbours_of(theory, hamiltonian, y):
    positions, masses = y.trajectory.point.position, hamiltonian.manifold.masses
    return mean_neighbours(neighbours(positions, y.weight, theory.correction.width, masses))


_OF_ENSEMBLES = (
    Observable("neighbours", _neighbours_of, (), "1", "neighbours of a trajectory within its kernel"),
)


def _one_hot(active: Int[Array, ""], hamiltonian: SeparableHamiltonian) -> Float[Array, " d"]:
    """Selecting by multiply-and-sum; gathers are slow on CPUs."""
    return (jnp.arange(hamiltonian.levels) == active).astype(float)


def _diabatic(psi, frame):
    """A state in `frame` (None: the diabatic basis) in the diabatic basis."""
    return psi if frame is None else apply(frame, psi)


def _diabatic_states(y):
    """The electronic states of an ensemble in the diabatic basis, (N, d)."""
    return jax.vmap(_diabatic)(y.psi, y.frame)


def _adiabatic(psi, frame, vectors):
    """Amplitudes in the eigenvectors here, of a state in `frame` (None: the diabatic basis)."""
    return apply(dagger(vectors), _diabatic(psi, frame))
