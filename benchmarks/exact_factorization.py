"""Coupled trajectories of the exact factorization on Tully I: how many trajectory-steps a CPU second gives.

One core, compile time aside, for 100 to 10000 trajectories, side by side with the sums over pairs that a step needs,
made as matrix products by BLAS (31 columns: density, predictor, middle of the step, force; the matrix of Gaussians
is made once and not counted), and with the same sums by the lattice alone. G-CTMQC, a code in Fortran for the method
that `QuantumAlone` stands for, does 1.9e5, 1.2e5 and 7.7e4 trajectory-steps a second at 100, 200 and 400
trajectories on such a core (measured elsewhere). `python benchmarks/exact_factorization.py`
"""

import os

if hasattr(os, "sched_setaffinity"):
    os.sched_setaffinity(0, {min(os.sched_getaffinity(0))})
for name in ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS"):
    os.environ[name] = "1"

import resource
import time

import jax
import jax.numpy as jnp
import numpy as np

import brackish as bk
from brackish.grids.smoothing import gaussian_sums

FORTRAN = {100: 1.9e5, 200: 1.2e5, 400: 7.7e4}
COLUMNS = 31
STRIP = 1000
ROUNDS = 5


def whole_run(trajectories: int, steps: int) -> float:
    """Seconds a step, of the best of some runs."""
    packet = bk.GaussianPacket(-8.0, 10.0, 1.0, bk.Adiabatic(0))
    theory, times = bk.ExactFactorization(width=0.2), bk.times(float(steps), 2)

    def run() -> float:
        start = time.process_time()
        bk.simulate(bk.models.tully(1), theory, packet, times, trajectories=trajectories, workers=1)
        return time.process_time() - start

    run()
    return min(run() for _ in range(ROUNDS)) / steps


def matrix_products(trajectories: int) -> float:
    """Seconds for the sums of a step as products of a matrix of all pairs with columns, in strips."""
    draw = np.random.default_rng(0)
    position, columns = draw.normal(size=trajectories), draw.normal(size=(trajectories, COLUMNS))
    rows = min(STRIP, trajectories)
    strip = np.exp(-0.5 * ((position[:rows, None] - position[None]) / 0.2) ** 2)

    def run() -> float:
        start = time.process_time()
        for _ in range(trajectories // rows):
            strip @ columns
        return (time.process_time() - start) * trajectories / (trajectories // rows * rows)

    return min(run() for _ in range(ROUNDS + 1))


def lattice(trajectories: int) -> float:
    """Seconds for the same number of columns by the lattice."""
    draw = np.random.default_rng(0)
    position = jnp.asarray(draw.normal(size=(trajectories, 1)))
    columns = jnp.asarray(draw.normal(size=(trajectories, COLUMNS)))
    sums = jax.jit(lambda x, c: gaussian_sums(x, np.array([0.2])).values(c))

    def run() -> float:
        start = time.process_time()
        sums(position, columns).block_until_ready()
        return time.process_time() - start

    return min(run() for _ in range(20 * ROUNDS))


def memory() -> float:
    """The largest memory of this process so far, in MiB."""
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024


def main() -> None:
    """Print the table."""
    print(
        "| trajectories | trajectory-steps a second | microseconds each | over Fortran | step/BLAS | BLAS/lattice |"
    )
    print("|" + " --- |" * 6)
    before = memory()
    for trajectories, steps in ((100, 4000), (200, 4000), (400, 4000), (4096, 400), (10000, 200)):
        step, products, sums = (
            whole_run(trajectories, steps),
            matrix_products(trajectories),
            lattice(trajectories),
        )
        rate = trajectories / step
        fortran = f"{rate / FORTRAN[trajectories]:.1f}" if trajectories in FORTRAN else ""
        print(
            f"| {trajectories} | {rate:.2e} | {1e6 * step / trajectories:.2f} | {fortran} | {step / products:.2g} | "
            f"{products / sums:.1f} |",
            flush=True,
        )
    print(f"\nlargest memory: {memory():.0f} MiB, of which {before:.0f} MiB before the first run")


if __name__ == "__main__":
    main()
