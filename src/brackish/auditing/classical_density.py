r"""Property 1: the classical system is identified by a probability density at all times.

The density is read from the points of the classical side, $D=\sum_iw_i\,\delta(z-z_i)$ or, on a grid, $D(z_i)$ times
the area of a node. It must nowhere be negative, and its integral is 1.
"""

import numpy as np

from brackish.auditing.bench import Bench
from brackish.auditing.finding import Finding, Measurement

NAME = "classical density"
NEGATIVE_MASS = 1e-6
"""A smooth positive field that is cut off at the shortest wave of its grid may ring by this much."""
LOWEST = -1e-4
"""The same for the lowest density over the highest."""
WHY = "a positive field may ring by this much where its grid ends"
FINER = ", and three times what a finer grid changes"


def examine(bench: Bench) -> Finding:
    """Run with interaction; look at all weights at all saves."""
    if not bench.theory.has_phase_space:
        return Finding(1, NAME, (), "nothing", ("the theory has no classical phase space",))
    record = bench.record
    on_a_grid = bench.finer_theory is not None
    ringing = 3 * float(np.max(np.abs(record.negative - bench.finer.negative)))
    why = WHY + FINER if on_a_grid else "round-off"
    measurements = [
        Measurement(
            "negative mass of the density", float(np.max(record.negative)), NEGATIVE_MASS + ringing, why
        ),
        Measurement(
            "distance of its integral from 1",
            float(np.max(np.abs(record.total - 1))),
            1e-6,
            "the norm is kept to this",
        ),
    ]
    if record.lowest is not None and bench.finer.lowest is not None:
        ringing = 3 * float(np.max(np.abs(record.lowest - bench.finer.lowest)))
        lowest = Measurement(
            "lowest density over highest", float(np.min(record.lowest)), LOWEST - ringing, why, at_most=False
        )
        measurements.append(lowest)
    done = f"all weights of the classical side at {record.time.size} times until {record.time[-1]:g}"
    return Finding(1, NAME, tuple(measurements), done)
