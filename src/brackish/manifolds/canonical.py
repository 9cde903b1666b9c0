r"""Positions and momenta with the canonical bracket
$\{f,g\}=\partial_qf\,\partial_pg-\partial_pf\,\partial_qg$.
"""

import equinox as eqx
import numpy as np

from brackish.errors import InvalidInput
from brackish.manifolds.base import Manifold
from brackish.typing import Array, Float, RealScalar


class PhasePoint(eqx.Module):
    """A point of phase space: `position` (n,) in bohr and `momentum` (n,) in atomic units. Many points:
    leading axes.
    """

    position: Float[np.ndarray | Array, "*points n"]
    momentum: Float[np.ndarray | Array, "*points n"]


def _masses(masses) -> np.ndarray:
    masses = np.atleast_1d(np.asarray(masses, dtype=float))
    if masses.ndim != 1 or masses.size == 0:
        raise InvalidInput(
            f"Argument `masses` must be one mass per coordinate, got an array of shape {masses.shape}."
        )
    if not np.all(np.isfinite(masses)) or np.any(masses <= 0):
        raise InvalidInput(f"Argument `masses` must be positive and finite, got {masses.tolist()}.")
    return masses


class Canonical(Manifold):
    """n coordinates with their momenta. `masses`: (n,) electron masses, one per coordinate."""

    masses: Float[np.ndarray | Array, " n"] = eqx.field(converter=_masses)

    @property
    def coordinates(self) -> int:
        """How many coordinates n there are."""
        return self.masses.shape[0]

    def velocity(self, momentum):
        """p / m, shape (n,)."""
        return momentum / self.masses

    def kinetic_energy(self, momentum) -> RealScalar:
        """The sum of p^2 / 2m, in hartree."""
        return 0.5 * (momentum**2 / self.masses).sum()

    def hamiltonian_field(self, gradient: PhasePoint, point: PhasePoint) -> PhasePoint:
        return PhasePoint(gradient.momentum, -gradient.position)

    def describe(self) -> str:
        return f"Canonical({self.coordinates})"

    def probe(self) -> PhasePoint:
        spread = np.linspace(0.31, 0.73, self.coordinates)
        return PhasePoint(spread, spread[::-1].copy())
