"""Electronic friction: kernels of any electronic Hamiltonian, and closed forms."""

from brackish.analysis.friction.broadening import Broadening, FiniteTime, GaussianBroadening, Lorentzian
from brackish.analysis.friction.ground_state import (
    ground_state_correlation,
    ground_state_friction,
    head_gordon_tully,
)
from brackish.analysis.friction.kernels import (
    ForceCorrelation,
    MarkovKernel,
    excitation_kernel,
    force_correlation,
    friction_spectrum,
    kubo_force_correlation,
    markov_kernel,
    pseudo_magnetic_field,
)
from brackish.analysis.friction.levels import ElectronicLevels, electronic_levels, electronic_matrix
from brackish.analysis.friction.resonant_level import ResonantLevel

__all__ = [
    "Broadening",
    "ElectronicLevels",
    "FiniteTime",
    "ForceCorrelation",
    "GaussianBroadening",
    "Lorentzian",
    "MarkovKernel",
    "ResonantLevel",
    "electronic_levels",
    "electronic_matrix",
    "excitation_kernel",
    "force_correlation",
    "friction_spectrum",
    "ground_state_correlation",
    "ground_state_friction",
    "head_gordon_tully",
    "kubo_force_correlation",
    "markov_kernel",
    "pseudo_magnetic_field",
]
