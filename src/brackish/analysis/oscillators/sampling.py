"""Trajectories of linear oscillators, drawn from their exact law."""

import equinox as eqx
import numpy as np

from brackish.analysis.oscillators.linear import LinearOscillators
from brackish.errors import InvalidInput
from brackish.typing import Float

_exact_step = eqx.filter_jit(LinearOscillators.step)


def sample_paths(
    system: LinearOscillators,
    start: Float[np.ndarray, "M x"],
    step: float,
    saves: int,
    every: int = 1,
    seed: int = 0,
) -> Float[np.ndarray, "M saves x"]:
    r"""Trajectories of X from each of M starts, kept at times $k\cdot$`every`$\cdot$`step`, k = 1, ..., `saves`.

    Each step is $X'=e^{-Ah}X+\xi$ with the exact covariance of $\xi$: no error from `step`, of whatever length. One
    stream of numbers, trajectory by trajectory, so that more starts do not change the first ones. For quantum
    oscillators the points are drawn from the Wigner function of a Gaussian state, which is positive.

    Raises `InvalidInput` for a step or counts that are not positive.
    """
    from brackish.analysis.oscillators.sampling_kernel import walk

    if not (np.isfinite(step) and step > 0):
        raise InvalidInput(f"Argument `step` must be a positive time, got {step}.")
    for name, value in (("saves", saves), ("every", every)):
        if value < 1:
            raise InvalidInput(f"Argument `{name}` must be at least 1, got {value}.")
    start = np.ascontiguousarray(start, dtype=float)
    moved, spread = (np.asarray(part) for part in _exact_step(system, step))
    paths = np.empty((start.shape[0], saves, start.shape[1]))
    generator = np.random.Generator(np.random.SFC64(seed))
    walk(generator, moved, covariance_root(spread), start, paths, every)
    return paths


def covariance_root(covariance: Float[np.ndarray, "x x"]) -> Float[np.ndarray, "x x"]:
    """L with L L^T the covariance, which may be singular."""
    values, vectors = np.linalg.eigh(covariance)
    return vectors * np.sqrt(np.maximum(values, 0.0))
