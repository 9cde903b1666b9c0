"""The critical temperature of the simple cubic Heisenberg magnet, from the crossing of Binder's cumulants.

Unit spins, energy -J S.S with each bond once. LLG with some damping samples Gibbs states of cubes of several sizes at
temperatures around the critical one; U = 1 - <m^4>/(3 <m^2>^2) of the magnetisation m is the same for all large sizes
there, and straight lines through U(T) of two sizes cross near it. Accepted: k_B T_c = 1.443 J (K. Chen, A. M.
Ferrenberg and D. P. Landau, Phys. Rev. B 48, 3249 (1993)). Takes about ten minutes on one core.
"""

import itertools

import numpy as np

import brackish as bk
from brackish.integrators import LieHeun

SIZES, TEMPERATURES = (6, 8, 12), (1.41, 1.44, 1.47)
DAMPING, STEP, LANES, SEEDS = 0.5, 0.05, 8, 4
SETTLE, SAMPLE, SAVES = 80.0, 320.0, 400
ACCEPTED = 1.443


def _power(order):
    def moment(theory, magnet, y):
        m = bk.observables.magnetization.function(theory, magnet, y)
        return (m @ m) ** (order // 2)

    return bk.observables.Observable(f"moment_{order}", moment)


MOMENTS = (_power(2), _power(4))


def cumulants(side: int, temperature: float) -> np.ndarray:
    """Binder's cumulant from each of SEEDS independent runs, (SEEDS,)."""
    lattice = bk.lattices.cubic(side)
    magnet = bk.SpinSystem(1.0, lattice.bonds(1.0), positions=lattice.positions)
    start = bk.Directions(np.tile([0.0, 0.0, 1.0], (LANES, magnet.count, 1)))
    theory = bk.LLG(DAMPING, temperature)
    times = bk.times(SETTLE + SAMPLE, SAVES, step=STEP)
    found = []
    for seed in range(SEEDS):
        run = bk.simulate(
            magnet,
            theory,
            start,
            times,
            seed=seed,
            integrator=LieHeun(),
            observables=MOMENTS,
            follow=0,
        )
        settled = run.sel(time=slice(SETTLE, None))
        second, fourth = float(settled.moment_2.mean()), float(settled.moment_4.mean())
        found.append(1 - fourth / (3 * second**2))
    return np.array(found)


def crossing(first: np.ndarray, second: np.ndarray) -> tuple[float, float]:
    """Where the lines through two cumulants, (temperatures, SEEDS), cross, and the standard error over the seeds."""
    difference = first - second

    def root(values):
        slope, level = np.polyfit(TEMPERATURES, values, 1)
        return -level / slope

    without = [root(np.delete(difference, seed, axis=1).mean(axis=1)) for seed in range(SEEDS)]
    return root(difference.mean(axis=1)), float(np.std(without) * np.sqrt(SEEDS - 1))


def main() -> None:
    """Run and print."""
    values = {}
    for side in SIZES:
        values[side] = np.array([cumulants(side, temperature) for temperature in TEMPERATURES])
        means, errors = values[side].mean(axis=1), values[side].std(axis=1, ddof=1) / np.sqrt(SEEDS)
        line = ", ".join(
            f"{t}: {u:.4f}({1e4 * e:.0f})" for t, u, e in zip(TEMPERATURES, means, errors, strict=True)
        )
        print(f"U of {side}^3 spins at k_B T/J of {line}", flush=True)
    for small, large in itertools.combinations(SIZES, 2):
        where, error = crossing(values[small], values[large])
        print(
            f"sizes {small} and {large} cross at {where:.4f} +- {error:.4f}: {where / ACCEPTED - 1:+.2%} of {ACCEPTED}"
        )


if __name__ == "__main__":
    main()
