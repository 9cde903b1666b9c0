"""The bench on which a theory is examined: runs of one system that differ in one thing at a time.

All runs go through `simulate` with the same seed, so that they begin with the same draws. The interaction can be
scaled, the basis and the coordinates changed, the quantum state replaced, the step halved; where the theory allows
it all these runs share one compiled program.
"""

import dataclasses
import functools
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np

from brackish.auditing.coordinates import (
    CanonicalMap,
    MovedPreparation,
    ScaleAndShift,
    identity,
    moved,
)
from brackish.errors import UnsupportedHamiltonian
from brackish.hamiltonians import HybridHamiltonian, change_basis, scale_interaction
from brackish.integrators import Integrator
from brackish.manifolds import Canonical
from brackish.observables import Observable, standard_observables
from brackish.preparations import Diabatic, Preparation
from brackish.preparations.electronic import Amplitudes, ElectronicState
from brackish.run import Times, simulate
from brackish.theory import Theory
from brackish.units import require_units

ROUND_OFF = 1e-9
"""What sums of many rounded numbers may differ by."""


@dataclasses.dataclass(frozen=True)
class Record:
    """What a run leaves, one entry a save: `density` (T, d, d) and its standard error in the original basis, `moments`
    (T, 2, k), means and mean squares of the k classical variables in the original coordinates, and the weights.
    """

    time: np.ndarray
    density: np.ndarray
    density_error: np.ndarray
    purity: np.ndarray
    purity_error: np.ndarray
    moments: np.ndarray
    negative: np.ndarray
    total: np.ndarray
    lowest: np.ndarray | None

    @property
    def spread(self) -> np.ndarray:
        """How far each classical variable is spread during the run, (k,): its largest standard deviation and the length
        of its way, in squares; 1 where there is neither. A density of no sign may have no deviation.
        """
        mean, square = self.moments[:, 0], self.moments[:, 1]
        width = np.sqrt(np.maximum(np.max(square - mean**2, axis=0), 0.0))
        ruler = np.hypot(width, np.ptp(mean, axis=0))
        return np.where(ruler > 1e-6 * np.maximum(1.0, np.abs(mean).max(axis=0)), ruler, 1.0)

    def classical_distance(self, other: "Record") -> float:
        """The largest difference of means and variances from another run, in units of the spread."""
        mean = (self.moments[:, 0] - other.moments[:, 0]) / self.spread
        variance = (_variance(self.moments) - _variance(other.moments)) / self.spread**2
        return float(np.max(np.abs(np.stack([mean, variance]))))

    def quantum_distance(self, other: "Record") -> float:
        """The largest difference of an entry of the density operator from another run."""
        return float(np.max(np.abs(self.density - other.density)))


def _variance(moments: np.ndarray) -> np.ndarray:
    return moments[:, 1] - moments[:, 0] ** 2


@dataclasses.dataclass(frozen=True)
class Bench:
    """A theory, a system and a start, ready to be run in many ways. `step`: that of the undisturbed run."""

    theory: Theory
    hamiltonian: HybridHamiltonian
    preparation: Preparation
    times: Times
    trajectories: int | None
    seed: int
    integrator: Integrator | None
    step: float

    @staticmethod
    def of(
        theory: Theory,
        hamiltonian: HybridHamiltonian,
        preparation: Preparation,
        times: Times,
        trajectories: int,
        seed: int,
        integrator: Integrator | None,
    ) -> "Bench":
        """Check everything in plain Python, and settle the choices that the theory leaves open."""
        theory.requirements().check(type(theory).__name__, hamiltonian)
        kept = [observable.name for observable in standard_observables(hamiltonian, theory)]
        if "density_matrix" not in kept:
            raise UnsupportedHamiltonian(
                "The audit is for theories that keep the density matrix of a quantum side; "
                f"{type(theory).__name__} keeps {', '.join(kept)}."
            )
        preparation.check(hamiltonian)
        for part in (theory, integrator, preparation):
            require_units(part, hamiltonian.labels, type(hamiltonian).__name__)
        preparation = _with_amplitudes(preparation, hamiltonian.levels)
        theory = theory.resolve(hamiltonian, preparation, times)
        steps = times.steps_for(theory, hamiltonian)
        laid_out = not theory.has_trajectories or preparation.count() is not None
        count = None if laid_out else trajectories
        return Bench(theory, hamiltonian, preparation, times, count, seed, integrator, times.spacing / steps)

    @functools.cached_property
    def record(self) -> Record:
        """The run as it was asked for, with interaction."""
        return self.run()

    @functools.cached_property
    def finer_theory(self) -> Theory | None:
        """The theory on a finer grid or with a finer quadrature, if it has one."""
        return self.theory.refined()

    @functools.cached_property
    def finer(self) -> Record:
        """The run on a finer grid in steps half as long, with interaction; if there is no grid, the run itself."""
        theory = self.finer_theory
        return self.record if theory is None else self.run(theory=theory, steps=2)

    @functools.cached_property
    def grid_errors(self) -> tuple[float, float]:
        """What a finer grid alone changes in the run: the largest difference of the density operator and of the
        classical moments; both runs in steps half as long, as a finer grid may need them.
        """
        if self.finer_theory is None:
            return 0.0, 0.0
        coarse = self.run(steps=2)
        return coarse.quantum_distance(self.finer), coarse.classical_distance(self.finer)

    @property
    def planck(self) -> float:
        """The quantum of action of the theory: 1 unless it has one of its own."""
        return float(getattr(self.theory, "planck", 1.0))

    def random_state(self, which: int) -> np.ndarray:
        """A quantum state drawn at random, (d,)."""
        rng = np.random.default_rng((self.seed, which))
        psi = rng.normal(size=(2, self.hamiltonian.levels))
        psi = psi[0] + 1j * psi[1]
        return psi / np.linalg.norm(psi)

    def run(
        self,
        *,
        interaction: float = 1.0,
        unitary: np.ndarray | None = None,
        change: CanonicalMap | None = None,
        state: np.ndarray | None = None,
        steps: int = 1,
        theory: Theory | None = None,
        integrator: Integrator | None = None,
    ) -> Record:
        """One run; every argument is one thing that is different.

        `interaction`: its factor. `unitary`: another basis. `change`: other coordinates. `state`: the start in another
        quantum state. `steps`: that many steps for each one. `theory`, `integrator`: others.
        """
        system = self.hamiltonian
        basis = np.eye(system.levels, dtype=complex) if unitary is None else unitary
        change = identity(system) if change is None else change
        # always all three, also where they change nothing: then the runs share one compiled program
        hamiltonian = moved(change_basis(scale_interaction(system, interaction), basis), change)
        original = self.preparation if state is None else _in_state(self.preparation, state)
        start = MovedPreparation(original, system, change, basis)
        runner = self.theory if theory is None else theory
        if isinstance(change, ScaleAndShift) and _moves(change):
            runner = runner.in_coordinates(np.asarray(change.shift), np.asarray(change.scale))
        times = Times(self.times.stop, self.times.saves, self.step / steps)
        dataset = simulate(
            hamiltonian,
            runner,
            start,
            times,
            trajectories=self.trajectories,
            seed=self.seed,
            integrator=integrator or self.integrator,
            observables=_observables(runner),
            follow=0,
        )
        return _record(dataset, basis)

    def errors(self, coarse: Record, **arguments: Any) -> tuple[float, float]:
        """What half the step, and a finer grid if there is one, change in a run: the largest difference of the density
        operator and of the classical moments.
        """
        fine = self.run(**arguments, steps=2, theory=self.finer_theory)
        return coarse.quantum_distance(fine), coarse.classical_distance(fine)


def _moves(change: ScaleAndShift) -> bool:
    return bool(np.any(np.asarray(change.shift) != 0) or np.any(np.asarray(change.scale) != 1))


# -- quantum states in preparations of any make --------------------------------------------------------------


def _is_state(value: Any) -> bool:
    return isinstance(value, ElectronicState)


def _with_amplitudes(preparation: Preparation, levels: int) -> Preparation:
    """The same start with levels of the basis written as amplitudes."""

    def written(value):
        return Amplitudes(np.eye(levels)[value.level]) if isinstance(value, Diabatic) else value

    return jax.tree_util.tree_map(written, preparation, is_leaf=_is_state)


def _in_state(preparation: Preparation, psi: np.ndarray) -> Preparation:
    """The same start in the state `psi`, wherever the preparation keeps its state."""

    def replaced(value):
        return Amplitudes(psi) if _is_state(value) else value

    return jax.tree_util.tree_map(replaced, preparation, is_leaf=_is_state)


# -- what is kept of a run -----------------------------------------------------------------------------------


def classical_moments(theory, hamiltonian, y):
    """Means and mean squares of the classical variables in the original coordinates, (2, k)."""
    change = hamiltonian.change
    if isinstance(change, ScaleAndShift):
        new = theory.moments(hamiltonian, y)
        shift, scale = jnp.asarray(change.shift), jnp.asarray(change.scale)
        position_squared = new.position_squared - 2 * shift * new.position + shift**2
        mean = jnp.concatenate([(new.position - shift) / scale, new.momentum * scale])
        return jnp.stack(
            [mean, jnp.concatenate([position_squared / scale**2, new.momentum_squared * scale**2])]
        )
    points = theory.classical_points(hamiltonian, y)
    old = jax.vmap(change.back)(points.point)
    variables = jnp.concatenate(
        [leaf.reshape(leaf.shape[0], -1) for leaf in jax.tree_util.tree_leaves(old)], axis=1
    )
    weight = points.weight[:, None]
    return jnp.stack([jnp.sum(weight * variables, axis=0), jnp.sum(weight * variables**2, axis=0)])


def negative_weight(theory, hamiltonian, y):
    """How much of the classical density lies below zero."""
    weight = theory.classical_points(hamiltonian, y).weight
    return jnp.sum(jnp.maximum(-weight, 0.0))


def total_mass(theory, hamiltonian, y):
    """The integral of the classical density."""
    return jnp.sum(theory.classical_points(hamiltonian, y).weight)


def lowest_density(theory, hamiltonian, y):
    """The lowest value of a density on a grid over its highest."""
    weight = theory.classical_points(hamiltonian, y).weight
    density = weight / jnp.asarray(theory.grid.weights()).ravel()
    return jnp.min(density) / jnp.max(density)


_EVERYWHERE = (
    Observable("classical_moments", classical_moments, ("power", "variable")),
    Observable("negative_weight", negative_weight),
    Observable("total_mass", total_mass),
)
_ON_A_GRID = Observable("lowest_density", lowest_density)


def _observables(theory: Theory) -> tuple[Observable, ...]:
    on_a_grid = theory.has_phase_space and hasattr(getattr(theory, "grid", None), "weights")
    return (*_EVERYWHERE, _ON_A_GRID) if on_a_grid else _EVERYWHERE


def _record(dataset: Any, basis: np.ndarray) -> Record:
    density = dataset["density_matrix"].values
    return Record(
        time=dataset["time"].values,
        density=basis.conj().T @ density @ basis,
        density_error=np.nan_to_num(dataset["density_matrix_standard_error"].values),
        purity=dataset["purity"].values,
        purity_error=np.nan_to_num(dataset["purity_standard_error"].values),
        moments=dataset["classical_moments"].values,
        negative=dataset["negative_weight"].values,
        total=dataset["total_mass"].values,
        lowest=dataset["lowest_density"].values if "lowest_density" in dataset else None,
    )


def middle_of_motion(record: Record, manifold: Canonical) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Where the cloud is on the average, positions and momenta, and how wide in momentum for each unit of position."""
    n = manifold.coordinates
    mean = record.moments[:, 0].mean(axis=0)
    return mean[:n], mean[n : 2 * n], record.spread[n : 2 * n] / record.spread[:n]
