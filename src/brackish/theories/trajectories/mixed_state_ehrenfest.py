r"""Mixed-state Ehrenfest dynamics: every trajectory carries the density operator of electrons that start in
equilibrium.

$$\dot q_k=\frac{\pi_k}{m_k},\qquad\dot\pi_k=-\partial_kV_C-\mathrm{Tr}(\hat\rho\,\partial_k\hat H_{el}),\qquad
i\dot{\hat\rho}=[\hat H_{el}(q),\hat\rho],\qquad\hat\rho(0)=\hat\rho^0(q_0)$$

The equations from which eq. (113) of Martinazzo and Burghardt, "Quantum hydrodynamics of coupled electron-nuclear
systems", and with it electronic friction follow by linear response; here nothing is linearised, and no memory is cut.
For independent electrons $\hat\rho$ is the one-electron density matrix, whose trace is their number: the motion is
that of one determinant of all of them, averaged over the thermal occupations.

$\hat\rho=\sum_af_a|\phi_a\rangle\langle\phi_a|$ keeps its occupations $f_a$; the orbitals turn. Where the electronic
Hamiltonian changes with the position in a few states alone, as for a level beside a band, $\hat H_{el}(q)=\hat H_0+\hat
W\hat C(q)\hat W^\dagger$ with a small matrix $\hat C$, a step turns all orbitals by phases, in the eigenbasis of
$\hat H_0$, and by the exponential of $\hat C$: its cost is that of the orbitals themselves.
"""

import dataclasses
from typing import Any, ClassVar

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np

from brackish.analysis.friction import electronic_matrices, electronic_matrix
from brackish.hamiltonians import SeparableHamiltonian
from brackish.integrators import Strang
from brackish.manifolds import Canonical, PhasePoint
from brackish.observables import standard_observables
from brackish.promises import ENERGY_OF_EACH
from brackish.quantum import (
    ThermalElectrons,
    dagger,
    eigensystem,
    product,
    propagate_columns,
    propagator,
    trace_product,
)
from brackish.theory import Requirements, Status, Theory, Weighted
from brackish.typing import Array, Complex, Float, Inexact, Position, SquareMatrix

SMALL_SHARE = 8
"""The Hamiltonian changes in a few states if they are no more than one in so many."""
ROUND_OFF = 1e-11
"""What is smaller than this share of the changes of the Hamiltonian is none."""
FEWEST_LEVELS = 12
"""With fewer levels there is nothing to gain."""
REACHES = (0.3, 1.0, -3.0, 10.0)
"""Multiples of a probe position at which is asked in which states the Hamiltonian changes."""


class MixedState(eqx.Module):
    r"""One trajectory: `point`; `orbitals`, (d, d), orthonormal columns $\phi_a$ in the basis of the theory's `frame`;
    `occupations`, (d,), of each of them, which do not change.
    """

    point: PhasePoint
    orbitals: Complex[Array, "d d"]
    occupations: Float[Array, " d"]


class Frame(eqx.Module):
    r"""In which states the Hamiltonian changes, in the eigenbasis of $\hat H_0$, that of q = 0.

    `energies`: of $\hat H_0$, (d,). `basis`: its eigenvectors as columns, (d, d). `changing`: $\hat W$, (d, k),
    orthonormal columns in that basis.
    """

    energies: Float[np.ndarray | Array, " d"]
    basis: Inexact[np.ndarray | Array, "d d"]
    changing: Inexact[np.ndarray | Array, "d k"]

    def matrix(self, hamiltonian: SeparableHamiltonian, position: Position) -> Inexact[Array, "k k"]:
        """C at a position."""
        change = hamiltonian.coupling(position) - hamiltonian.coupling(jnp.zeros_like(position))
        columns = product(jnp.asarray(self.basis), jnp.asarray(self.changing))
        return product(dagger(columns), product(change.astype(columns.dtype), columns))


def frame_of(hamiltonian: SeparableHamiltonian) -> Frame | None:
    """The frame of a Hamiltonian that changes in a few states alone, as seen at a few places; None for any other."""
    levels, probe = hamiltonian.levels, np.asarray(hamiltonian.manifold.probe().position)
    if levels < FEWEST_LEVELS:
        return None
    places = [reach * probe for reach in REACHES]
    places += [reach * probe * one for reach in REACHES[1:] for one in np.eye(probe.size)]
    start, *there = np.asarray(electronic_matrices(hamiltonian, np.stack([np.zeros(probe.size), *places])))
    changes = [matrix - start for matrix in there]
    states, sizes, _ = np.linalg.svd(np.concatenate(changes, axis=1), full_matrices=False)
    # not a number, where the Hamiltonian is none, is not small
    changing = int(np.sum(~(sizes <= ROUND_OFF * sizes[0])))
    if changing > levels // SMALL_SHARE:
        return None
    energies, basis = np.linalg.eigh(start)
    return Frame(energies, basis, basis.conj().T @ states[:, : max(1, changing)])


class MixedStateEhrenfest(Theory):
    """Ehrenfest trajectories with mixed states of thermal electrons.

    `electrons`: `ManyElectronStates`, or `IndependentElectrons` where the levels of the Hamiltonian are orbitals; with
    them every trajectory starts, whatever quantum state the preparation has. Positions and momenta are those of the
    preparation.

    Conserves for each trajectory: the occupations of the orbitals, which stay orthonormal, to round-off; the energy, to
    second order in the step. Electrons take energy from fast nuclei as they should, with all memory; their fluctuations
    do not push the nuclei, so that nuclei cool down below the temperature. A band of levels gives it back after the
    time 2 pi / (distance of the levels).

    Raises `InvalidInput` for a ground state that is degenerate at temperature 0, as seen at one place.
    """

    electrons: ThermalElectrons
    frame: Frame | None = eqx.field(default=None, metadata={"settled": True})
    coupled: ClassVar[bool] = False
    random: ClassVar[bool] = False
    has_trajectories: ClassVar[bool] = True
    light: ClassVar[bool] = False
    averages: ClassVar[bool] = True

    def requirements(self):
        return Requirements(manifolds=(Canonical,), separable=True)

    def promises(self, hamiltonian):
        return (ENERGY_OF_EACH,)

    def default_integrator(self, hamiltonian):
        return Strang()

    def resolve(self, hamiltonian, preparation, times):
        place = np.asarray(hamiltonian.manifold.probe().position)
        self.electrons.check_definite(np.linalg.eigvalsh(electronic_matrices(hamiltonian, place[None])[0]))
        return self._with_frame(frame_of(hamiltonian))

    def in_coordinates(self, shift, scale):
        return self._with_frame(None)

    def _with_frame(self, frame):
        changed: dict[str, Any] = {"frame": frame}
        return dataclasses.replace(self, **changed)

    def prepare(self, hamiltonian, preparation, index, key):
        start = preparation.draw(hamiltonian, index, key)
        energies, vectors = eigensystem(electronic_matrix(hamiltonian)(start.point.position))
        if self.frame is not None:
            vectors = product(dagger(jnp.asarray(self.frame.basis)).astype(vectors.dtype), vectors)
        return MixedState(
            start.point, vectors.astype(complex), self.electrons.occupations(energies)
        ), start.weight

    # -- the electrons -----------------------------------------------------------------------------------------------

    def _seen(self, y) -> tuple[Complex[Array, "k k"], Float[Array, ""]]:
        """The density matrix in the states that change, and the energy of what does not."""
        if self.frame is None:
            return _density(y.orbitals, y.occupations), jnp.zeros(())
        kept = product(dagger(jnp.asarray(self.frame.changing)).astype(complex), y.orbitals)
        squares = y.orbitals.real**2 + y.orbitals.imag**2
        still = jnp.sum(jnp.asarray(self.frame.energies)[:, None] * squares * y.occupations[None])
        return _density(kept, y.occupations), still

    def _matrix(self, hamiltonian, position) -> SquareMatrix:
        """The electronic Hamiltonian, or the part of it that changes."""
        if self.frame is None:
            return electronic_matrix(hamiltonian)(position)
        return self.frame.matrix(hamiltonian, position)

    def energy(self, hamiltonian, y):
        density, still = self._seen(y)
        position = y.point.position
        return (
            hamiltonian.classical(y.point)
            + still
            + trace_product(density, self._matrix(hamiltonian, position))
        )

    # -- the motion --------------------------------------------------------------------------------------------------

    def parts(self, hamiltonian):
        """Free motion; the kick of the mean force; and the turn of all orbitals. Each is exact at rest."""

        def drift(duration):
            free = hamiltonian.free_flow(duration)
            return lambda y: MixedState(free(y.point), y.orbitals, y.occupations)

        def kick(duration):
            def flow(y):
                density, _ = self._seen(y)

                def energy(position):
                    electronic = trace_product(density, self._matrix(hamiltonian, position))
                    return hamiltonian.external(position) + electronic

                pushed = y.point.momentum - duration * jax.grad(energy)(y.point.position)
                return MixedState(PhasePoint(y.point.position, pushed), y.orbitals, y.occupations)

            return flow

        def turn(duration):
            def flow(y):
                matrix = self._matrix(hamiltonian, y.point.position)
                return MixedState(y.point, self._turned(matrix, y.orbitals, duration), y.occupations)

            return flow

        if self.frame is None:
            return drift, kick, turn
        energies = jnp.asarray(self.frame.energies)

        def phases(duration):
            phase = jnp.exp(-1j * duration * energies)
            return lambda y: MixedState(y.point, phase[:, None] * y.orbitals, y.occupations)

        return phases, drift, kick, turn

    def _turned(self, matrix, orbitals, duration):
        if self.frame is None:
            return propagate_columns(matrix, orbitals, duration)
        changing = jnp.asarray(self.frame.changing).astype(complex)
        change = propagator(matrix, duration) - jnp.eye(matrix.shape[0])
        return orbitals + product(changing, product(change, product(dagger(changing), orbitals)))

    # -- what is seen of it ------------------------------------------------------------------------------------------

    def classical_points(self, hamiltonian, y):
        """One point, with the density matrix of the electrons: of trace 1, or of as many electrons as there are."""
        orbitals = (
            y.orbitals
            if self.frame is None
            else product(jnp.asarray(self.frame.basis).astype(complex), y.orbitals)
        )
        point = jax.tree_util.tree_map(lambda leaf: leaf[None], y.point)
        return Weighted(point, _density(orbitals, y.occupations)[None], jnp.ones(1))

    def standard_observables(self, hamiltonian):
        """For a band of levels without what needs eigenstates or pairs of levels, which would cost more than the
        motion.
        """
        if self.frame is None:
            return None
        left_out = ("density_matrix", "adiabatic_population", "scattering")
        return tuple(kept for kept in standard_observables(hamiltonian) if kept.name not in left_out)

    def check(self, hamiltonian, y):
        norms = jnp.sum(y.orbitals.real**2 + y.orbitals.imag**2, axis=0)
        finite = jnp.all(jnp.isfinite(norms)) & jnp.all(jnp.isfinite(y.point.position + y.point.momentum))
        lost = jnp.where(jnp.max(jnp.abs(norms - 1)) > 1e-6, Status.lost_norm, Status.fine)
        return jnp.where(finite, lost, Status.not_finite)


def _density(orbitals, occupations):
    """The sum of occupations times projectors on orbitals."""
    return product(orbitals * occupations[None, :], dagger(orbitals))
