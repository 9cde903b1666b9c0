"""Named systems, one family a file. A lower-case function makes the system; the class says what it holds."""

from brackish.analysis.oscillators import Bilinear, OscillatorCoupling, Spring
from brackish.models.dephasing import PureDephasing, pure_dephasing
from brackish.models.hybrid_spins import HybridSpins, hybrid_spins
from brackish.models.magnets import (
    Antiferromagnetic,
    BohrMagnetons,
    DimerCoupling,
    DimerSpins,
    Ferromagnetic,
    SpinsOneHalf,
    spin_dimer,
)
from brackish.models.oscillators import (
    ClassicalQuantumOscillators,
    FockBasis,
    OscillatorBasis,
    PositionBasis,
    oscillator_pair,
)
from brackish.models.rabi import Rabi, rabi
from brackish.models.shin_metiu import ShinMetiu, shin_metiu
from brackish.models.spin_boson import Bath, DebyeBath, DiscreteBath, OhmicBath, SpinBoson, spin_boson
from brackish.models.tully import (
    DoubleArch,
    DualAvoidedCrossing,
    ExtendedCoupling,
    SimpleAvoidedCrossing,
    double_arch,
    tully,
)
from brackish.models.vibronic import LinearVibronicCoupling, linear_vibronic_coupling

__all__ = [
    "Antiferromagnetic",
    "Bath",
    "Bilinear",
    "BohrMagnetons",
    "ClassicalQuantumOscillators",
    "DebyeBath",
    "DimerCoupling",
    "DimerSpins",
    "DiscreteBath",
    "DoubleArch",
    "DualAvoidedCrossing",
    "ExtendedCoupling",
    "Ferromagnetic",
    "FockBasis",
    "HybridSpins",
    "LinearVibronicCoupling",
    "OhmicBath",
    "OscillatorBasis",
    "OscillatorCoupling",
    "PositionBasis",
    "PureDephasing",
    "Rabi",
    "ShinMetiu",
    "SimpleAvoidedCrossing",
    "SpinBoson",
    "SpinsOneHalf",
    "Spring",
    "double_arch",
    "hybrid_spins",
    "linear_vibronic_coupling",
    "oscillator_pair",
    "pure_dephasing",
    "rabi",
    "shin_metiu",
    "spin_boson",
    "spin_dimer",
    "tully",
]
