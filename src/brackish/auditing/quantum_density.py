r"""Property 2: the quantum system is identified by a positive-semidefinite density operator $\hat\rho$ at all times."""

import numpy as np

from brackish.auditing.bench import Bench
from brackish.auditing.finding import Finding, Measurement

NAME = "quantum density"
LOWEST = -1e-6
"""A pure state has the eigenvalue zero, which a grid or a step may miss by this much."""
STANDARD_ERRORS = 3.0


def examine(bench: Bench) -> Finding:
    """Run with interaction; the least eigenvalue of the density operator at all saves, hermiticity and trace."""
    if bench.hamiltonian.levels == 1:
        return Finding(2, NAME, (), "nothing", ("one level: there is no quantum side",))
    record = bench.record
    adjoint = np.conj(np.swapaxes(record.density, 1, 2))
    least = least_eigenvalue(record.density)
    trace = np.trace(record.density, axis1=1, axis2=2)
    allowance = 3 * np.abs(least - least_eigenvalue(bench.finer.density))
    why = "a pure state has the eigenvalue 0, which the step may miss by this much"
    if bench.finer_theory is not None:
        why += ", and three times what a finer grid changes"
    if bench.theory.random:
        # an eigenvalue moves by no more than the norm of what is added to the matrix
        allowance = allowance + STANDARD_ERRORS * np.sqrt(np.sum(record.density_error**2, axis=(1, 2)))
        why += ", and three standard errors, as the motion itself is drawn at random"
    margin = least - LOWEST + allowance
    worst = int(np.argmin(margin if np.any(margin < 0) else least))
    measurements = (
        Measurement(
            "least eigenvalue", float(least[worst]), float(LOWEST - allowance[worst]), why, at_most=False
        ),
        Measurement(
            "distance from its adjoint", float(np.max(np.abs(record.density - adjoint))), 1e-9, "round-off"
        ),
        Measurement(
            "distance of its trace from 1", float(np.max(np.abs(trace - 1))), 1e-6, "the norm is kept to this"
        ),
    )
    done = f"eigenvalues of the density operator at {record.time.size} times until {record.time[-1]:g}"
    return Finding(2, NAME, measurements, done)


def least_eigenvalue(density: np.ndarray) -> np.ndarray:
    """The least eigenvalue of the Hermitian part of each operator, (T, d, d) -> (T,)."""
    return np.linalg.eigvalsh(0.5 * (density + np.conj(np.swapaxes(density, 1, 2))))[:, 0]
