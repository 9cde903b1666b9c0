"""The rival: QC Lab (https://github.com/tempelaar-team/qclab), run as fast as we know how to.

Mean field and fewest-switches surface hopping on Tully's avoided crossing and on the spin-boson model, each a
function that returns a `PeerRun`. CPU time is `time.process_time`, taken after a warm-up run, so that numba's
compilation is not counted against QC Lab. Nothing in these runs uses more than one thread: QC Lab's compiled
loops are serial, and its matrices are far too small for a threaded BLAS.

`python benchmarks/peer_qclab.py` scans the batch sizes, from which `BEST_BATCH` and `BEST_BATCH_BATH` come.

What QC Lab 1.3 does in a step (read from its recipes)
------------------------------------------------------
Classical coordinates are the complex numbers z = sqrt(m h / 2) q + i p / sqrt(2 m h), with masses m and
weights h (h = 1 for Tully, h = the mode's frequency for the bath); forces are derivatives with respect to
conj(z), and dz/dt = -i dH/dconj(z). In a step z moves by the classical Runge-Kutta rule of order four with
the quantum state frozen; then the quantum state moves (mean field: by the same rule, surface hopping: by the
exact exponential) with the matrix of the step's start. Freezing one half and then the other is first order in
time.

QC Lab's spin-boson model
-------------------------
    H = E sigma_z + V sigma_x + sigma_z sum_j c_j q_j + sum_j (p_j^2 + w_j^2 q_j^2) / 2,   start in state 0,
    w_j = W tan(pi (j - 1/2) / (2 A)),   c_j = w_j sqrt(2 l_reorg / A),   j = 1..A,   unit masses,
hence sum_j c_j^2 / (2 w_j^2) = l_reorg: the Debye bath J(w) = 2 l_reorg W w / (w^2 + W^2), each of its A
modes with an equal share of the reorganisation energy. `l_reorg` is the energy by which the bath relaxes in
one spin state; the Marcus energy between the two states is four times as large. (The packaged default is
0.005.) At the start the bath is a classical Boltzmann ensemble that does not know of the spin.

The numerically exact populations P0(10) = 0.73284 and P0(20) = 0.67354 at (E, V, kT, W) = (0.5, 0.5, 1, 0.1)
belong to sum_j c_j^2 / (2 w_j^2) = 0.02, that is, to l_reorg = 0.02: hierarchical equations of motion with
two Matsubara terms and eleven levels give 0.732836 and 0.67357 for it, but 0.75802 and 0.70494 for 0.005.
Mean field with 10^4 trajectories gives 0.750(2) and 0.695(2) at 0.02, and 0.763(2) and 0.712(2) at 0.005.
"""

import time
from dataclasses import dataclass
from typing import ClassVar

import numba
import numpy as np
from qclab import Model, Simulation, ingredients
from qclab.algorithms import FewestSwitchesSurfaceHopping, MeanField
from qclab.dynamics import serial_driver
from qclab.models import SpinBoson, TullyProblemOne

MASS = 2000.0
"""Mass of the particle in Tully's models, in electron masses."""

BEST_BATCH = 8192
"""Trajectories a batch at which QC Lab is fastest on Tully's model: larger is no faster."""

BEST_BATCH_BATH = {100: 400, 1000: 50}
"""The same for the spin-boson model, by number of modes."""


@dataclass(frozen=True)
class PeerRun:
    """What a run of QC Lab gave and what it cost.

    `time` (saves + 1,) in atomic units, `population` (saves + 1, 2) diabatic, `cpu_seconds` of the whole run.
    """

    time: np.ndarray
    population: np.ndarray
    cpu_seconds: float
    trajectories: int
    steps: int

    @property
    def trajectory_steps_per_second(self) -> float:
        """Trajectories times steps per second of processor time."""
        return self.trajectories * self.steps / self.cpu_seconds


class PackagedCrossing(TullyProblemOne):
    """QC Lab's own model of Tully's avoided crossing, in NumPy as its documentation teaches.

    It starts from the given `positions` and `momenta` (N,): QC Lab hands out the seeds 0..N-1, and a seed is
    the index of a point here.
    """

    def __init__(self, positions, momenta):
        self.points = _complex_points(positions, momenta)
        super().__init__({"mass": MASS})

    def init_classical(self, parameters, **kwargs):
        return self.points[kwargs["seed"]]

    ingredients: ClassVar = [*TullyProblemOne.ingredients, ("init_classical", init_classical)]


class CompiledCrossing(Model):
    """The same model from ingredients of our own that numba compiles: the fastest QC Lab that we could make.

    J. C. Tully, J. Chem. Phys. 93, 1061 (1990), eq. 21; arguments as for `PackagedCrossing`.
    """

    def __init__(self, positions, momenta):
        self.points = _complex_points(positions, momenta)
        self.scale = float(np.sqrt(2.0 / MASS))  # q = scale * Re z
        self.indices: dict[int, tuple] = {}
        super().__init__()
        self.update_dh_qc_dzc = True  # dH/dq depends on q
        self.update_h_q = False

    def _init_model(self, parameters, **kwargs):
        self.constants.num_quantum_states = 2
        self.constants.num_classical_coordinates = 1
        self.constants.classical_coordinate_mass = np.array([MASS])
        self.constants.classical_coordinate_weight = np.array([1.0])

    def init_classical(self, parameters, **kwargs):
        return self.points[kwargs["seed"]]

    def h_qc(self, parameters, **kwargs):
        return _crossing_matrices(kwargs["z"], self.scale)

    def dh_qc_dzc(self, parameters, **kwargs):
        batch = len(kwargs["z"])
        if batch not in self.indices:  # (trajectory, coordinate, row, column) of each entry never change
            row, column = np.tile([0, 0, 1, 1], batch), np.tile([0, 1, 0, 1], batch)
            self.indices[batch] = (
                np.repeat(np.arange(batch), 4),
                np.zeros(4 * batch, dtype=int),
                row,
                column,
            )
        return self.indices[batch], _crossing_gradients(kwargs["z"], self.scale), (batch, 1, 2, 2)

    ingredients: ClassVar = [
        ("h_q", ingredients.h_q_two_level),
        ("h_qc", h_qc),
        ("h_c", ingredients.h_c_free),
        ("dh_qc_dzc", dh_qc_dzc),
        ("dh_c_dzc", ingredients.dh_c_dzc_free),
        ("init_classical", init_classical),
        ("hop", ingredients.hop_free),
        ("_init_model", _init_model),
    ]


def _complex_points(positions, momenta) -> np.ndarray:
    """QC Lab's complex coordinates z (N, 1) of the given points, with weight h = 1."""
    z = np.sqrt(0.5 * MASS) * np.asarray(positions) + 1j * np.sqrt(0.5 / MASS) * np.asarray(momenta)
    return z[:, np.newaxis]


@numba.njit
def _crossing_matrices(z, scale):
    """H(q) of each trajectory, (batch, 2, 2) complex, at q = `scale` Re z."""
    matrices = np.empty((z.shape[0], 2, 2), dtype=np.complex128)
    for k in range(z.shape[0]):
        q = scale * z[k, 0].real
        diagonal = 0.01 * (1.0 - np.exp(-1.6 * abs(q))) * (1.0 if q >= 0 else -1.0)
        coupling = 0.005 * np.exp(-q * q)
        matrices[k, 0, 0], matrices[k, 1, 1] = diagonal, -diagonal
        matrices[k, 0, 1] = matrices[k, 1, 0] = coupling
    return matrices


@numba.njit
def _crossing_gradients(z, scale):
    """dH/dconj(z): the entries 00, 01, 10, 11 of every trajectory in one flat array, (4 batch,)."""
    entries = np.empty(4 * z.shape[0], dtype=np.complex128)
    for k in range(z.shape[0]):
        q = scale * z[k, 0].real
        diagonal = 0.5 * scale * 0.016 * np.exp(-1.6 * abs(q))
        coupling = -0.5 * scale * 0.01 * q * np.exp(-q * q)
        entries[4 * k], entries[4 * k + 3] = diagonal, -diagonal
        entries[4 * k + 1] = entries[4 * k + 2] = coupling
    return entries


ALGORITHMS = {"mean field": MeanField, "surface hopping": FewestSwitchesSurfaceHopping}
CROSSINGS = {"packaged": PackagedCrossing, "compiled": CompiledCrossing}


def tully_one(
    algorithm, positions, momenta, steps, step, saves=1, batch=BEST_BATCH, model="packaged"
) -> PeerRun:
    """Tully's model I from the given points (N,), every trajectory starting in diabatic state 0.

    `algorithm`: "mean field" or "surface hopping"; `model`: "packaged" or "compiled"; `step` in atomic units
    of time; `steps` must be a multiple of `saves`.
    """
    crossing = CROSSINGS[model]
    _run(crossing(positions[:4], momenta[:4]), algorithm, 4, 2, step, 1, 4)
    return _run(crossing(positions, momenta), algorithm, len(positions), steps, step, saves, batch)


def spin_boson(
    algorithm, modes, trajectories, steps, step, saves=1, batch=None, reorganisation=0.02
) -> PeerRun:
    """Spin and Debye bath, E = V = 0.5, kT = 1, W = 0.1, from state 0.

    `reorganisation` is sum_j c_j^2 / (2 w_j^2), QC Lab's `l_reorg`; without a `batch` the fastest known is
    taken.
    """
    constants = {"A": modes, "E": 0.5, "V": 0.5, "kBT": 1.0, "W": 0.1, "l_reorg": reorganisation}
    if batch is None:
        batch = BEST_BATCH_BATH[min(BEST_BATCH_BATH, key=lambda known: abs(known - modes))]
    _run(SpinBoson({**constants, "A": 4}), algorithm, 4, 2, step, 1, 4)
    return _run(SpinBoson(constants), algorithm, trajectories, steps, step, saves, batch)


def _run(model, algorithm, trajectories, steps, step, saves, batch) -> PeerRun:
    """One timed run of `model` from state 0, with `saves` equally spaced records after the initial one."""
    simulation = Simulation(
        {
            "num_trajs": trajectories,
            "batch_size": min(batch, trajectories),
            "tmax": steps * step,
            "dt_update": step,
            "dt_collect": steps // saves * step,
            "progress_bar": False,
        }
    )
    simulation.model = model
    simulation.algorithm = ALGORITHMS[algorithm]()
    simulation.initial_state["wf_db"] = np.array([1, 0], dtype=complex)
    start = time.process_time()
    data = serial_driver(simulation).data_dict
    seconds = time.process_time() - start
    population = np.real(np.stack([data["dm_db"][:, k, k] for k in range(2)], axis=1))
    return PeerRun(np.arange(saves + 1) * (steps // saves) * step, population, seconds, trajectories, steps)


def main() -> None:
    """Scan QC Lab's batch sizes and print trajectory-steps per CPU second."""
    points = np.arange(16384)
    positions, momenta = -8 + 0.3 * np.sin(points), 20 + 0.5 * np.cos(points)
    for algorithm in ALGORITHMS:
        for model in CROSSINGS:
            print(f"Tully I, {algorithm}, {model} model")
            for batch in (256, 1024, 2048, 4096, 8192, 16384):
                run = tully_one(
                    algorithm, positions[:batch], momenta[:batch], 100, 1.0, batch=batch, model=model
                )
                print(f"  batch {batch:6d}: {run.trajectory_steps_per_second:.2e}", flush=True)
        for modes, batches in ((100, (50, 100, 200, 400, 1000)), (1000, (10, 25, 50, 100))):
            print(f"spin-boson, {modes} modes, {algorithm}")
            for batch in batches:
                run = spin_boson(algorithm, modes, batch, 200, 0.01, batch=batch)
                print(f"  batch {batch:6d}: {run.trajectory_steps_per_second:.2e}", flush=True)


if __name__ == "__main__":
    main()
