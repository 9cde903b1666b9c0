"""Electronic friction: kernels of any electronic Hamiltonian, and closed forms."""

from brackish.analysis.friction.bands import (
    Band,
    BandLevels,
    Continuum,
    DiscreteBand,
    FlatBand,
    GaussLegendreLevels,
    SemiEllipticBand,
    TrapezoidLevels,
    WideBand,
    discretised,
)
from brackish.analysis.friction.broadening import (
    Broadening,
    FiniteTime,
    GaussianBroadening,
    Lorentzian,
    UpToTime,
)
from brackish.analysis.friction.checks import check_broadening, check_positive, positive_part
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
from brackish.analysis.friction.level_in_band import LevelInBand, arrow_matrix
from brackish.analysis.friction.levels import (
    ElectronicLevels,
    electronic_levels,
    electronic_matrices,
    electronic_matrix,
    levels_from,
)
from brackish.analysis.friction.resonant_level import ResonantLevel

__all__ = [
    "Band",
    "BandLevels",
    "Broadening",
    "Continuum",
    "DiscreteBand",
    "ElectronicLevels",
    "FiniteTime",
    "FlatBand",
    "ForceCorrelation",
    "GaussLegendreLevels",
    "GaussianBroadening",
    "LevelInBand",
    "Lorentzian",
    "MarkovKernel",
    "ResonantLevel",
    "SemiEllipticBand",
    "TrapezoidLevels",
    "UpToTime",
    "WideBand",
    "arrow_matrix",
    "check_broadening",
    "check_positive",
    "discretised",
    "electronic_levels",
    "electronic_matrices",
    "electronic_matrix",
    "excitation_kernel",
    "force_correlation",
    "friction_spectrum",
    "ground_state_correlation",
    "ground_state_friction",
    "head_gordon_tully",
    "kubo_force_correlation",
    "levels_from",
    "markov_kernel",
    "positive_part",
    "pseudo_magnetic_field",
]
