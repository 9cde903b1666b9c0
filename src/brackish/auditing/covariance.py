r"""Property 3: covariance under quantum unitary transformations and classical canonical transformations.

The run is repeated with the same Hamiltonian, the same start and the same theory written in another basis,
$\hat H\to U\hat H U^\dagger$, and in other canonical coordinates, $z\to\Phi(z)$. What comes out, written back, must be
what came out before.
"""

import numpy as np

from brackish.auditing.bench import Bench, Record, middle_of_motion
from brackish.auditing.coordinates import (
    CanonicalMap,
    Moved,
    PlaneTurn,
    ScaleAndShift,
    SphereTurn,
    TurnBoth,
)
from brackish.auditing.finding import Finding, Measurement
from brackish.errors import RunFailed, UnsupportedHamiltonian
from brackish.manifolds import Canonical, Product

NAME = "covariance"
SAME = 1e-5
"""Far above round-off, and far below any effect of interest."""
FINER = 3.0
"""Grids and lattices do not move along: what a finer one changes in the run itself, times this, is no violation."""
ANGLE = 0.3
SHORTER = 8


def examine(bench: Bench) -> Finding:
    """A random unitary, and the canonical maps that the theory takes."""
    record = bench.record
    measurements = _both(record, bench.run(unitary=random_unitary(bench)), "random unitary")
    notes: list[str] = []
    tried = ["a random unitary"]
    manifold = bench.hamiltonian.manifold
    if isinstance(manifold, Canonical):
        change = scaled_and_shifted(record, manifold)
        measurements += _both(record, bench.run(change=change), change.name, bench.grid_errors)
        tried.append(change.name)
    mixing = mixing_map(bench, record)
    try:
        bench.theory.requirements().check(type(bench.theory).__name__, Moved(bench.hamiltonian, mixing))
        measurements += _mixed(bench, mixing)
        tried.append(mixing.name)
    except UnsupportedHamiltonian as refusal:
        notes.append(f"{mixing.name}: refused ({refusal})")
    except RunFailed as failure:
        notes.append(f"{mixing.name}: no answer ({failure})")
    return Finding(
        3, NAME, tuple(measurements), "the same run written with " + ", ".join(tried), tuple(notes)
    )


def _mixed(bench: Bench, mixing: CanonicalMap) -> list[Measurement]:
    """The run without and with the mixing map.

    Both as the same kind of Hamiltonian, in general not separable, so that they have the same integrator and the same
    error of the step. Its integrator may need a shorter step than the one that splits; then a second attempt is made.
    """
    try:
        return _mixed_in_steps(bench, mixing, 1)
    except RunFailed:
        return _mixed_in_steps(bench, mixing, SHORTER)


def _mixed_in_steps(bench: Bench, mixing: CanonicalMap, steps: int) -> list[Measurement]:
    before = bench.run(change=unturned(mixing), steps=steps)
    after = bench.run(change=mixing, steps=steps)
    errors = (0.0, 0.0)
    if bench.finer_theory is not None:
        # the turned cloud may fit the grid less well than the other one
        finer = bench.run(change=mixing, steps=2 * steps, theory=bench.finer_theory)
        quantum, classical = bench.grid_errors
        errors = quantum + after.quantum_distance(finer), classical + after.classical_distance(finer)
    return _both(before, after, mixing.name, errors)


def _both(
    before: Record, after: Record, how: str, errors: tuple[float, float] = (0.0, 0.0)
) -> list[Measurement]:
    """The distances of two runs, of the density operator and of the classical moments, with their `errors`."""
    why = "round-off, with room to spare"
    if any(errors):
        why = "for canonical maps also three times what a finer grid changes, which does not move along"
    quantum, classical = (FINER * error for error in errors)
    return [
        Measurement(f"density operator, {how}", before.quantum_distance(after), SAME + quantum, why),
        Measurement(f"classical moments, {how}", before.classical_distance(after), SAME + classical, why),
    ]


def random_unitary(bench: Bench) -> np.ndarray:
    """A unitary (d, d) with random phases, drawn evenly from all."""
    rng = np.random.default_rng((bench.seed, 3))
    levels = bench.hamiltonian.levels
    orthogonal, triangle = np.linalg.qr(rng.normal(size=(levels, levels, 2)) @ np.array([1, 1j]))
    diagonal = np.diagonal(triangle)
    return orthogonal * (diagonal / np.abs(diagonal))


def scaled_and_shifted(record, manifold: Canonical) -> ScaleAndShift:
    """Another unit for each position, another origin by about the spread."""
    position, _, _ = middle_of_motion(record, manifold)
    scale = 1.3 + 0.2 * np.cos(np.arange(position.size))
    return ScaleAndShift(-0.37 * record.spread[: position.size] - 0.1 * position, scale)


def mixing_map(bench: Bench, record) -> CanonicalMap:
    """A rotation: of the planes (q, p) about the middle of the motion, and of the spins."""
    manifold = bench.hamiltonian.manifold
    if isinstance(manifold, Canonical):
        return PlaneTurn(np.asarray(ANGLE), *middle_of_motion(record, manifold))
    spins = SphereTurn(_rotation(np.random.default_rng((bench.seed, 4))))
    if isinstance(manifold, Product):
        plane = PlaneTurn(np.asarray(ANGLE), *middle_of_motion(record, manifold.canonical))
        return TurnBoth(plane, spins)
    return spins


def unturned(mixing: CanonicalMap) -> CanonicalMap:
    """A map of the same kind that changes nothing."""
    if isinstance(mixing, PlaneTurn):
        return PlaneTurn(np.zeros(()), mixing.position, mixing.momentum, mixing.ratio)
    if isinstance(mixing, TurnBoth):
        plane = mixing.canonical
        return TurnBoth(
            PlaneTurn(np.zeros(()), plane.position, plane.momentum, plane.ratio), SphereTurn(np.eye(3))
        )
    return SphereTurn(np.eye(3))


def _rotation(rng: np.random.Generator) -> np.ndarray:
    """A rotation (3, 3), drawn evenly from all."""
    orthogonal, triangle = np.linalg.qr(rng.normal(size=(3, 3)))
    orthogonal = orthogonal * np.sign(np.diagonal(triangle))
    return orthogonal * np.linalg.det(orthogonal)
