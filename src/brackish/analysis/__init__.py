"""Pure functions of Hamiltonians and states, for theories to build on and for users to look at."""

from brackish.analysis import friction, oscillators
from brackish.analysis.exact_factorization import (
    AdiabaticForces,
    Circulation,
    Factorization,
    Forces,
    adiabatic_forces,
    circulation,
    conditional_fields,
    factorize,
    factorize_run,
)
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
from brackish.analysis.hopping import hopping_rates, population_flows
from brackish.analysis.invariants import (
    casimir,
    cell_fluxes,
    fluctuation_force,
    flux_casimir,
    kelvin_circulation,
    poincare_integral,
)
from brackish.analysis.memory_kernels import KernelFit, MemoryKernel, fitted_kernel, prony_kernel
from brackish.analysis.mixtures import (
    ElectronicMoments,
    Mixture,
    metric_second_moment,
    mixture,
    pure_first_moment,
    pure_second_moment,
    type_e,
    type_n,
)
from brackish.analysis.momentum_moments import (
    MomentumMoments,
    magnetic_field,
    mechanical_moments,
    momentum_rate,
    second_cumulant,
)
from brackish.analysis.potentials import potential_curves, visited_positions

__all__ = [
    "AdiabaticForces",
    "Circulation",
    "ElectronicMoments",
    "Factorization",
    "Forces",
    "KernelFit",
    "MemoryKernel",
    "Mixture",
    "MomentumMoments",
    "adiabatic_energy",
    "adiabatic_forces",
    "berry_curvature",
    "casimir",
    "cell_fluxes",
    "circulation",
    "conditional_fields",
    "diagonal_correction",
    "factorize",
    "factorize_run",
    "fitted_kernel",
    "fluctuation_force",
    "flux_casimir",
    "friction",
    "fubini_study_metric",
    "hopping_rates",
    "is_complex",
    "kelvin_circulation",
    "level_resolvent",
    "linear_growth_rate",
    "magnetic_field",
    "mechanical_moments",
    "metric_second_moment",
    "mixture",
    "momentum_rate",
    "oscillators",
    "poincare_integral",
    "population_flows",
    "potential_curves",
    "potential_derivatives",
    "prony_kernel",
    "pure_first_moment",
    "pure_second_moment",
    "quantum_geometric_tensor",
    "second_cumulant",
    "type_e",
    "type_n",
    "visited_positions",
]
