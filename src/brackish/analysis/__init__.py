"""Pure functions of Hamiltonians and states, for theories to build on and for users to look at."""

from brackish.analysis.geometry import (
    adiabatic_energy,
    berry_curvature,
    diagonal_correction,
    fubini_study_metric,
    is_complex,
    level_resolvent,
    potential_derivatives,
    quantum_geometric_tensor,
)
from brackish.analysis.growth import linear_growth_rate
from brackish.analysis.invariants import (
    casimir,
    cell_fluxes,
    fluctuation_force,
    flux_casimir,
    poincare_integral,
)
from brackish.analysis.potentials import potential_curves, visited_positions

__all__ = [
    "adiabatic_energy",
    "berry_curvature",
    "casimir",
    "cell_fluxes",
    "diagonal_correction",
    "fluctuation_force",
    "flux_casimir",
    "fubini_study_metric",
    "is_complex",
    "level_resolvent",
    "linear_growth_rate",
    "poincare_integral",
    "potential_curves",
    "potential_derivatives",
    "quantum_geometric_tensor",
    "visited_positions",
]
