"""The loop of `sample_paths`, in numba. Its meaning is in `sampling.py`.

This module imports numba: import it inside functions only.
"""

import numba
import numpy as np


@numba.njit(fastmath={"contract", "reassoc"}, cache=True)
def walk(generator, matrix, root, state, paths, every):
    """Fill `paths` (M, saves, x) from `state` (M, x), trajectory by trajectory."""
    size = state.shape[1]
    here, there, deviates = np.empty(size), np.empty(size), np.empty(size)
    for number in range(state.shape[0]):
        here[:] = state[number]
        for save in range(paths.shape[1]):
            for _ in range(every):
                for entry in range(size):
                    deviates[entry] = generator.standard_normal()
                for row in range(size):
                    total = 0.0
                    for column in range(size):
                        total += matrix[row, column] * here[column] + root[row, column] * deviates[column]
                    there[row] = total
                for entry in range(size):
                    here[entry] = there[entry]
            paths[number, save] = here
