"""The hand-written C kernel that JAX is held against, compiled for this machine and run.

`python benchmarks/yardstick.py` prints its speed alone. Needs gcc.
"""

import shutil
import subprocess
import tempfile
from dataclasses import dataclass
from pathlib import Path

import numpy as np

SOURCE = Path(__file__).parent / "kernels" / "ehrenfest.c"
FLAGS = ("-O3", "-march=native", "-ffast-math")


@dataclass(frozen=True)
class KernelRun:
    """What one run of the kernel did: its speed, and final position and norm averaged over trajectories."""

    trajectories: int
    steps: int
    trajectory_steps_per_second: float
    mean_position: float
    norm: float


class EhrenfestKernel:
    """`kernels/ehrenfest.c`, compiled once into a temporary folder; use as a context manager."""

    def __enter__(self):
        if shutil.which("gcc") is None:
            raise SystemExit("The yardstick is a C program: gcc was not found, please install it.")
        self._folder = tempfile.TemporaryDirectory(prefix="ehrenfest-kernel-")
        self._program = Path(self._folder.name) / "ehrenfest"
        subprocess.run(["gcc", *FLAGS, str(SOURCE), "-o", str(self._program), "-lm"], check=True)
        return self

    def __exit__(self, *error):
        self._folder.cleanup()

    def run(self, trajectories: int = 16384) -> KernelRun:
        """Run 1000 steps of one atomic time unit from `initial_points`, all in diabatic state 0."""
        command = [str(self._program), str(trajectories)]
        words = subprocess.run(command, check=True, capture_output=True, text=True).stdout.split()
        value = dict(zip(words[::2], words[1::2], strict=True))
        return KernelRun(
            int(value["trajectories"]),
            int(value["steps"]),
            float(value["trajectory_steps_per_s"]),
            float(value["mean_q"]),
            float(value["norm"]),
        )

    def run_together(self, copies: int, trajectories: int = 16384) -> None:
        """Run `copies` at once and wait for all: what the machine gives to independent programs."""
        command = [str(self._program), str(trajectories)]
        running = [subprocess.Popen(command, stdout=subprocess.DEVNULL) for _ in range(copies)]
        for process in running:
            process.wait()


def initial_points(trajectories: int) -> tuple[np.ndarray, np.ndarray]:
    """The kernel's initial positions and momenta, each (trajectories,), in atomic units."""
    k = np.arange(trajectories)
    return -8 + 0.3 * np.sin(k), 20 + 0.5 * np.cos(k)


def main() -> None:
    """Print the kernel's speed, five times."""
    with EhrenfestKernel() as kernel:
        for _ in range(5):
            run = kernel.run()
            print(
                f"{run.trajectory_steps_per_second:.3e} trajectory-steps per CPU second, "
                f"mean final position {run.mean_position:.9f}"
            )


if __name__ == "__main__":
    main()
