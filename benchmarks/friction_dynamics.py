"""How fast Langevin trajectories with tabulated friction are, on one core, beside the same loop written by hand in C.

`python benchmarks/friction_dynamics.py` runs 1e4 trajectories of an atom on a metal over 1e4 steps: of two electronic
levels at a temperature, with friction that depends on the place, all of it read from a table of 1024 places; through
`simulate`, and with `kernels/langevin.c` (gcc -O3 -march=native -ffast-math), which reads the same table, makes the
same steps and draws as many normal deviates. Printed are trajectory-steps for a processor second. Needs gcc.
"""

import subprocess
import sys
import tempfile
from pathlib import Path

import _one_core  # noqa: F401
import jax.numpy as jnp
import numpy as np
from _measuring import alternate, cpu_seconds, median, ratio
from yardstick import FLAGS

import brackish as bk

ROUNDS = 3
TRAJECTORIES, STEPS, STEP = 10_000, 10_000, 20.0
TEMPERATURE, MASS = 0.01, 2000.0
SOURCE = Path(__file__).parent / "kernels" / "langevin.c"


def system():
    """Two levels that avoid each other, on a spring."""

    def matrix(q):
        return jnp.array([[0.01 * jnp.tanh(q[0]), 0.02], [0.02, -0.01 * jnp.tanh(q[0])]])

    return bk.hamiltonian(matrix, masses=[MASS], external=lambda q: 0.01 * q[0] ** 2)


def theory():
    """Friction around the origin, from a table."""
    electrons = bk.ManyElectronStates(TEMPERATURE)
    return bk.MolecularDynamicsWithFriction(
        electrons, lambda q: 0.5 + jnp.exp(-(q[0] ** 2)), table=bk.Table(-8.0, 8.0)
    )


def ours(steps: int) -> float:
    """Trajectory-steps a processor second, through `simulate`."""
    start, times = bk.Points([0.0], [0.0]), bk.times(steps * STEP, 2, step=STEP)

    def run():
        return bk.simulate(system(), theory(), start, times, trajectories=TRAJECTORIES, workers=1, follow=0)

    return TRAJECTORIES * steps / cpu_seconds(run)


def theirs(program: Path, table: Path) -> float:
    """The same by the loop in C."""
    numbers = (TRAJECTORIES, STEPS, STEP, TEMPERATURE, MASS, -8.0, 8.0)
    command = [str(program), str(table), *(str(number) for number in numbers)]
    words = subprocess.run(command, check=True, capture_output=True, text=True).stdout.split()
    return float(words[1])


if __name__ == "__main__":
    with tempfile.TemporaryDirectory(prefix="langevin-") as folder:
        program, table = Path(folder) / "langevin", Path(folder) / "table"
        done = subprocess.run(["gcc", *FLAGS, str(SOURCE), "-o", str(program), "-lm"], check=False)
        if done.returncode:
            sys.exit("The yardstick is a C program: gcc is needed.")
        read = theory().resolve(system(), None, None).tabulated
        np.concatenate([read.force, read.friction]).tofile(table)
        ours(10)  # compiles
        mine, others = alternate(ROUNDS, lambda: ours(STEPS), lambda: theirs(program, table))
    print(f"brackish: {median([one / 1e6 for one in mine])} million trajectory-steps a second")
    print(f"C: {median([one / 1e6 for one in others])} million, {ratio(others, mine)} as fast")
