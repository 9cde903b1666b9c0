"""How fast trajectories of a classical and a quantum oscillator are drawn from their exact law, on one core.

`python benchmarks/gaussian_oscillators.py` prints steps per second of processor time: of trajectories of which only the
end is kept, and of those kept after each step; beside the same loop in NumPy, one array operation for all trajectories.
"""

import os
import statistics

for name in ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS", "NUMBA_NUM_THREADS"):
    os.environ.setdefault(name, "1")

import numpy as np
from _measuring import alternate, cpu_seconds

from brackish.analysis.oscillators import OscillatorPair, Spring, sample_paths
from brackish.analysis.oscillators.sampling import covariance_root

ROUNDS = 5
PATHS, STEPS, STEP = 2000, 1000, 0.1


def in_numpy(system) -> None:
    """All trajectories at once."""
    moved, spread = (np.asarray(part) for part in system.step(STEP))
    root, generator = covariance_root(spread), np.random.Generator(np.random.SFC64(0))
    here = np.zeros((PATHS, 4))
    for _ in range(STEPS):
        here = here @ moved.T + generator.standard_normal(here.shape) @ root.T


def main() -> None:
    system = OscillatorPair((1.0, 1.3), (1.0, 2.0), Spring(0.3), 0.3, 0.5).linear()
    start = np.zeros((PATHS, 4))
    sample_paths(system, start[:1], STEP, 1)  # compiles
    ends, kept, numpy = alternate(
        ROUNDS,
        lambda: cpu_seconds(lambda: sample_paths(system, start, STEP, 1, STEPS)),
        lambda: cpu_seconds(lambda: sample_paths(system, start, STEP, STEPS)),
        lambda: cpu_seconds(lambda: in_numpy(system)),
    )
    for words, seconds in (("only the end kept", ends), ("each step kept", kept), ("NumPy", numpy)):
        print(
            f"{words}: {PATHS * STEPS / statistics.median(seconds) / 1e6:.1f} million steps per second and core"
        )


if __name__ == "__main__":
    main()
