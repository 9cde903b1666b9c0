r"""Property 5: with an interaction the quantum purity $\mathrm{Tr}\,\hat\rho^2$ is not a constant of motion.

Without an interaction it is one: that is part of property 4.
"""

import numpy as np

from brackish.auditing.bench import Bench
from brackish.auditing.finding import Finding, Measurement

NAME = "decoherence"
SMALLEST_CHANGE = 1e-6
STANDARD_ERRORS = 3.0


def examine(bench: Bench) -> Finding:
    """Run with interaction; the largest change of the purity since the start."""
    if bench.hamiltonian.levels == 1:
        return Finding(5, NAME, (), "nothing", ("one level: there is no quantum side",))
    record = bench.record
    change = np.abs(record.purity - record.purity[0])
    limit, why = np.full_like(change, SMALLEST_CHANGE), "far above round-off, and grids and steps"
    if bench.theory.random:
        limit = limit + STANDARD_ERRORS * record.purity_error
        why += ", and three standard errors, as the motion itself is drawn at random"
    clearest = int(np.argmax(change - limit))
    done = f"purity at {record.time.size} times until {record.time[-1]:g}"
    measured = Measurement(
        "change of the purity", float(change[clearest]), float(limit[clearest]), why, at_most=False
    )
    return Finding(5, NAME, (measured,), done)
