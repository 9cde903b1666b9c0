"""Where a run starts: packets, thermal baths, explicit points, lattices."""

from brackish.preparations.base import Draw, Preparation
from brackish.preparations.cloud import GaussianCloud
from brackish.preparations.electronic import Adiabatic, Amplitudes, AmplitudesOfEach, Diabatic, Mixture
from brackish.preparations.fluid_elements import FluidElements
from brackish.preparations.lattice import PacketLattice
from brackish.preparations.packet import GaussianPacket
from brackish.preparations.points import Points
from brackish.preparations.quantum_spins import (
    PhiMinus,
    PhiPlus,
    Singlet,
    SpinMixture,
    SpinState,
    ThermalSpins,
    Triplet,
    Werner,
)
from brackish.preparations.quasi_random import QuasiRandom, evenly
from brackish.preparations.spins import Directions, QuantumAndClassical, Together, UniformDirections
from brackish.preparations.superposition import Superposition
from brackish.preparations.thermal import ThermalBath
from brackish.preparations.von_mises_fisher import VonMisesFisher
from brackish.preparations.wavefunction import Wavefunction

__all__ = [
    "Adiabatic",
    "Amplitudes",
    "AmplitudesOfEach",
    "Diabatic",
    "Directions",
    "Draw",
    "FluidElements",
    "GaussianCloud",
    "GaussianPacket",
    "Mixture",
    "PacketLattice",
    "PhiMinus",
    "PhiPlus",
    "Points",
    "Preparation",
    "QuantumAndClassical",
    "QuasiRandom",
    "Singlet",
    "SpinMixture",
    "SpinState",
    "Superposition",
    "ThermalBath",
    "ThermalSpins",
    "Together",
    "Triplet",
    "UniformDirections",
    "VonMisesFisher",
    "Wavefunction",
    "Werner",
    "evenly",
]
