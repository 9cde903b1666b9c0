"""A classical magnet through the public `simulate` against Spirit and against hand-written C, without and with noise.

A simple cubic lattice of 32 x 32 x 32 spins, periodic, nearest neighbours, in double precision on one core; everyone
reads a general list of neighbours. Printed: spin-steps per CPU second and their ratios. brackish and C must arrive at
the same directions by the same rule (Heun). Spirit is left out, with a line, where it is not installed.
"""

import os

os.environ["OMP_NUM_THREADS"] = "1"

import shutil
import subprocess
import tempfile
import time
from pathlib import Path

import numpy as np
from _measuring import alternate, cpu_seconds, median, ratio
from yardstick import FLAGS

import brackish as bk
from brackish.integrators import Depondt, HeunSpins, LieHeun

SIDE, STEP, DAMPING, TEMPERATURE, ROUNDS = 32, 0.02, 0.1, 1.0, 5
STEPS = 400
SOURCE = Path(__file__).parent / "kernels" / "llg.c"


def magnet() -> bk.SpinSystem:
    """Spins of length 1, J = 1."""
    lattice = bk.lattices.cubic(SIDE)
    return bk.SpinSystem(1.0, lattice.bonds(1.0), positions=lattice.positions)


def run(system, theory, start, steps, integrator):
    """`steps` steps through the front door."""
    times = bk.times(stop=STEP * steps, saves=1, step=STEP)
    return bk.simulate(system, theory, start, times, integrator=integrator, follow=0, workers=1)


def speed(system, theory, start, integrator) -> float:
    """Spin-steps per CPU second; what a run costs besides its steps is subtracted."""
    seconds = [cpu_seconds(lambda s=s: run(system, theory, start, s, integrator)) for s in (50, 50 + STEPS)]
    return system.count * STEPS / (seconds[1] - seconds[0])


class ByHand:
    """`kernels/llg.c`, compiled once; use as a context manager."""

    def __enter__(self):
        if shutil.which("gcc") is None:
            raise SystemExit("The yardstick is a C program: gcc was not found, please install it.")
        self._folder = tempfile.TemporaryDirectory(prefix="llg-kernel-")
        self._program = Path(self._folder.name) / "llg"
        subprocess.run(["gcc", *FLAGS, str(SOURCE), "-o", str(self._program), "-lm"], check=True)
        return self

    def __exit__(self, *error):
        self._folder.cleanup()

    def run(self, system, directions, steps) -> tuple[np.ndarray, float]:
        """Directions after the steps, and spin-steps per CPU second."""
        table = system.neighbours
        numbers = (
            np.asarray(table.site, np.int32),
            np.asarray(table.exchange),
            np.asarray(directions, float),
        )
        words = [str(word) for word in (*table.site.shape, DAMPING, STEP, steps)]
        done = subprocess.run(
            [str(self._program), *words],
            input=b"".join(part.tobytes() for part in numbers),
            capture_output=True,
            check=True,
        )
        return np.frombuffer(done.stdout).reshape(-1, 3), system.count * steps / float(done.stderr)


def spirit_speed(temperature: float, steps: int = 100) -> float:
    """Spin-steps per CPU second of Spirit, by Heun; its steps are called from inside."""
    from spirit import configuration, geometry, hamiltonian, simulation, state
    from spirit.parameters import llg

    with state.State("", True) as p:
        geometry.set_n_cells(p, [SIDE] * 3)
        hamiltonian.set_boundary_conditions(p, [True] * 3)
        hamiltonian.set_field(p, 0.0, [0, 0, 1])
        hamiltonian.set_anisotropy(p, 0.0, [0, 0, 1])
        hamiltonian.set_exchange(p, 1, [1.0])
        hamiltonian.set_dmi(p, 0, [])
        hamiltonian.set_ddi(p, 0)
        llg.set_damping(p, DAMPING)
        llg.set_timestep(p, 1e-3)
        llg.set_temperature(p, temperature)
        llg.set_convergence(p, 0.0)
        llg.set_output_general(p, any=False)
        configuration.random(p)
        seconds = []
        for count in (10, 10 + steps):
            llg.set_iterations(p, count, count)
            start = time.process_time()
            simulation.start(p, simulation.METHOD_LLG, simulation.SOLVER_HEUN, count, count)
            seconds.append(time.process_time() - start)
    return SIDE**3 * steps / (seconds[1] - seconds[0])


def has_spirit() -> bool:
    """Whether Spirit is installed."""
    try:
        import spirit.state  # noqa: F401
    except ImportError:
        print("Spirit is not installed (pip install spirit); it is left out.")
        return False
    return True


def main() -> None:
    """Measure and print."""
    system = magnet()
    random = np.random.default_rng(0).normal(size=(system.count, 3))
    directions = random / np.linalg.norm(random, axis=1, keepdims=True)
    start = bk.Directions(directions)
    cold, hot = bk.LLG(DAMPING), bk.LLG(DAMPING, TEMPERATURE)
    with ByHand() as kernel:
        reached = run(system, cold, start, 50, HeunSpins()).spin_direction.values[-1]
        apart = float(np.abs(kernel.run(system, directions, 50)[0] - reached).max())
        if apart > 1e-11:
            raise SystemExit(f"The two sides disagree: directions differ by {apart}.")
        run(system, cold, start, 50, Depondt())
        for integrator in (Depondt(), LieHeun()):
            run(system, hot, start, 50, integrator)  # all are compiled now
        sides = [
            lambda: speed(system, cold, start, Depondt()),
            lambda: speed(system, hot, start, Depondt()),
            lambda: speed(system, hot, start, LieHeun()),
            lambda: kernel.run(system, directions, STEPS)[1],
        ]
        if has_spirit():
            sides += [lambda: spirit_speed(0.0), lambda: spirit_speed(10.0)]
        ours, ours_hot, ours_best, by_hand, *spirit = alternate(ROUNDS, *sides)
    print("spin-steps per CPU second:")
    print(f"  brackish (Depondt)     {median(ours)}, with noise {median(ours_hot)}")
    print(f"  brackish (LieHeun), with noise {median(ours_best)}")
    print(f"  C ({' '.join(FLAGS)}) {median(by_hand)}")
    if spirit:
        print(f"  Spirit (Heun)          {median(spirit[0])}, with noise {median(spirit[1])}")
        print(
            f"brackish against Spirit: {ratio(ours, spirit[0])}, with noise {ratio(ours_hot, spirit[1])}, "
            f"by the default there {ratio(ours_best, spirit[1])}"
        )
    print(f"brackish against C: {ratio(ours, by_hand)}")


if __name__ == "__main__":
    main()
