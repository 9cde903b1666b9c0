"""Linear classical-quantum dynamics in closed form: oscillators with friction, diffusion and couplings."""

from brackish.analysis.oscillators.coupling import Bilinear, OscillatorCoupling, Spring
from brackish.analysis.oscillators.information import (
    classical_quantum_information,
    conditional_covariance,
    gaussian_information,
    quantum_entropy,
    symplectic_eigenvalues,
    two_time_coefficients,
    two_time_information,
)
from brackish.analysis.oscillators.linear import LinearOscillators
from brackish.analysis.oscillators.pair import (
    ClassicalOscillator,
    OscillatorPair,
    QuantumOscillator,
    SecondOscillator,
    WeakPoles,
)
from brackish.analysis.oscillators.sampling import sample_paths
from brackish.analysis.oscillators.single import DampedOscillator, StochasticOscillator

__all__ = [
    "Bilinear",
    "ClassicalOscillator",
    "DampedOscillator",
    "LinearOscillators",
    "OscillatorCoupling",
    "OscillatorPair",
    "QuantumOscillator",
    "SecondOscillator",
    "Spring",
    "StochasticOscillator",
    "WeakPoles",
    "classical_quantum_information",
    "conditional_covariance",
    "gaussian_information",
    "quantum_entropy",
    "sample_paths",
    "symplectic_eigenvalues",
    "two_time_coefficients",
    "two_time_information",
]
