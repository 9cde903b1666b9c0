"""How fast electronic friction is on whole surfaces, on one core, beside a loop over LAPACK.

`python benchmarks/friction.py` takes a level in a flat band of 200 levels, eta(x) at 1000 positions. The quick route is
`LevelInBand`, by phase shifts; the general one `markov_kernel`, which knows nothing of a band, from all eigenvectors.
The yardstick is what one would write with numpy: `eigh` of each matrix and the sum over pairs. Printed are processor
seconds for 1000 positions, and ratios.
"""

import _one_core  # noqa: F401
import jax
import jax.numpy as jnp
import numpy as np
from _measuring import alternate, cpu_seconds, median, ratio

import brackish as bk
from brackish.analysis import friction as ef

ROUNDS, GEOMETRIES, FEW = 3, 1000, 20
TEMPERATURE, WIDTH, SLOPE, DECAY, HALF_WIDTH, LEVELS = 0.005, 0.02, 0.05, 0.2, 0.3, 200
WAIT = 1200.0
POSITIONS = np.linspace(-1.0, 1.0, GEOMETRIES)[:, None]
SOME = POSITIONS[:: GEOMETRIES // FEW]
ELECTRONS = bk.IndependentElectrons(TEMPERATURE)
BAND = ef.discretised(ef.FlatBand(HALF_WIDTH), ef.TrapezoidLevels(LEVELS))
SYSTEM = ef.LevelInBand(lambda q: SLOPE * q[0], lambda q: WIDTH * jnp.exp(-DECAY * q[0]), BAND)


def quick():
    """eta at every position, from the phase shifts of the band."""
    return np.asarray(SYSTEM.friction(ELECTRONS, POSITIONS))[:, 0, 0]


@jax.jit
def _general(positions):
    def at(position):
        levels = ef.electronic_levels(SYSTEM.matrix, position)
        return ef.markov_kernel(ELECTRONS, levels, ef.UpToTime(WAIT)).friction[0, 0]

    return jax.lax.map(at, positions)


def general():
    """eta at some positions, from all eigenvectors."""
    return np.asarray(_general(SOME))


def by_numpy():
    """The same with numpy alone."""
    energies, couplings = np.asarray(BAND.energies), np.asarray(BAND.couplings)
    eta = []
    for (x,) in SOME:
        width = WIDTH * np.exp(-DECAY * x)
        matrix = np.diag(np.concatenate([[SLOPE * x], energies]))
        matrix[0, 1:] = matrix[1:, 0] = np.sqrt(width) * couplings
        values, vectors = np.linalg.eigh(matrix)
        arms = -0.5 * DECAY * np.sqrt(width) * couplings @ vectors[1:]
        force = (
            SLOPE * np.outer(vectors[0], vectors[0]) + np.outer(vectors[0], arms) + np.outer(arms, vectors[0])
        )
        filled = 0.5 * (1 - np.tanh(0.5 * values / TEMPERATURE))
        gap = values[:, None] - values[None, :]
        apart = np.abs(gap) > 1e-12
        slope = np.where(
            apart,
            (filled[None, :] - filled[:, None]) / np.where(apart, gap, 1.0),
            (filled * (1 - filled))[:, None] / TEMPERATURE,
        )
        eta.append(np.sum(force**2 * slope * WAIT * np.sinc(gap * WAIT / np.pi)))
    return np.array(eta)


def main() -> None:
    """Warm up, compare the answers, measure in turn, print."""
    answers = quick()[:: GEOMETRIES // FEW], general(), by_numpy()
    print(f"quick against numpy: {np.abs(answers[0] / answers[2] - 1).max():.1e} at most")
    print(f"general against numpy: {np.abs(answers[1] / answers[2] - 1).max():.1e} at most")
    share = GEOMETRIES / FEW
    sides = alternate(
        ROUNDS,
        lambda: cpu_seconds(quick),
        lambda: share * cpu_seconds(general),
        lambda: share * cpu_seconds(by_numpy),
    )
    for name, seconds in zip(("quick", "general", "numpy"), sides, strict=True):
        print(f"{name}: {median(seconds)} s for {GEOMETRIES} positions, {LEVELS} levels in the band")
    print(f"numpy / quick: {ratio(sides[2], sides[0])}")
    print(f"numpy / general: {ratio(sides[2], sides[1])}")


if __name__ == "__main__":
    main()
