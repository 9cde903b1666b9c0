"""Named systems, one family a file. A lower-case function makes the system; the class says what it holds."""

from brackish.analysis.friction import (
    BandLevels,
    Continuum,
    FlatBand,
    GaussLegendreLevels,
    SemiEllipticBand,
    TrapezoidLevels,
)
from brackish.analysis.oscillators import Bilinear, OscillatorCoupling, Spring
from brackish.models._hybrid_spins import HybridSpins, hybrid_spins
from brackish.models._jahn_teller import JahnTeller, jahn_teller
from brackish.models._newns_anderson import NewnsAnderson, anderson_holstein, newns_anderson
from brackish.models._rabi import Rabi, rabi
from brackish.models._shin_metiu import ShinMetiu, shin_metiu
from brackish.models._spin_boson import Bath, DebyeBath, DiscreteBath, OhmicBath, SpinBoson, spin_boson
from brackish.models._tully import (
    DoubleArch,
    DualAvoidedCrossing,
    ExtendedCoupling,
    SimpleAvoidedCrossing,
    double_arch,
    tully,
)
from brackish.models.dephasing import PureDephasing, pure_dephasing
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
from brackish.models.vibronic import LinearVibronicCoupling, linear_vibronic_coupling

__all__ = [
    "Antiferromagnetic",
    "BandLevels",
    "Bath",
    "Bilinear",
    "BohrMagnetons",
    "ClassicalQuantumOscillators",
    "Continuum",
    "DebyeBath",
    "DimerCoupling",
    "DimerSpins",
    "DiscreteBath",
    "DoubleArch",
    "DualAvoidedCrossing",
    "ExtendedCoupling",
    "Ferromagnetic",
    "FlatBand",
    "FockBasis",
    "GaussLegendreLevels",
    "HybridSpins",
    "JahnTeller",
    "LinearVibronicCoupling",
    "NewnsAnderson",
    "OhmicBath",
    "OscillatorBasis",
    "OscillatorCoupling",
    "PositionBasis",
    "PureDephasing",
    "Rabi",
    "SemiEllipticBand",
    "ShinMetiu",
    "SimpleAvoidedCrossing",
    "SpinBoson",
    "SpinsOneHalf",
    "Spring",
    "TrapezoidLevels",
    "anderson_holstein",
    "double_arch",
    "hybrid_spins",
    "jahn_teller",
    "linear_vibronic_coupling",
    "newns_anderson",
    "oscillator_pair",
    "pure_dephasing",
    "rabi",
    "shin_metiu",
    "spin_boson",
    "spin_dimer",
    "tully",
]
