"""brackish: mixed quantum-classical dynamics. One Hamiltonian, every theory, the exact answer beside them.

A run takes a Hamiltonian (what the system is), a preparation (where it starts), a theory (how it moves), an
integrator (how time is cut) and observables (what is kept), and returns one labelled dataset. Atomic units,
hbar = 1; the Poisson bracket is {f, g} = df/dq dg/dp - df/dp dg/dq, on spheres n . grad f x grad g.
"""

import os

# LAPACK inside a compiled program waits, on a thread of XLA's pool, for other threads of it: workers as many as these
# threads, one for each processor, may wait for each other for ever
os.environ.setdefault("PJRT_NPROC", str(2 * (os.cpu_count() or 1)))

import jax

jax.config.update("jax_enable_x64", True)

# ruff: noqa: E402  (threads and float64 come before everything else)
from brackish import (
    analysis,
    arguments,
    integrators,
    models,
    observables,
    plot,
    preparations,
    quantum,
    reproduce,
    spins,
    theories,
)
from brackish.auditing import Audit, audit, audit_table
from brackish.errors import (
    BrackishError,
    CheckpointError,
    InvalidInput,
    RunFailed,
    UnsupportedHamiltonian,
)
from brackish.grids import PhaseSpace, SphereGrid
from brackish.hamiltonians import (
    HybridHamiltonian,
    SeparableHamiltonian,
    add,
    change_basis,
    hamiltonian,
    scale_interaction,
)
from brackish.io import read_netcdf, read_ovf, read_store, write_netcdf, write_ovf
from brackish.manifolds import Canonical, PhasePoint, Product, ProductPoint, Spheres
from brackish.observables import Observable
from brackish.preparations import (
    Adiabatic,
    Diabatic,
    Directions,
    FluidElements,
    GaussianCloud,
    GaussianPacket,
    Mixture,
    PacketLattice,
    PhiMinus,
    PhiPlus,
    Points,
    QuantumAndClassical,
    QuasiRandom,
    Singlet,
    SpinMixture,
    SpinState,
    Superposition,
    ThermalBath,
    ThermalSpins,
    Together,
    Triplet,
    UniformDirections,
    VonMisesFisher,
    Wavefunction,
    Werner,
)
from brackish.run import Times, at_end, compare, keep_compiled_programs, simulate, times
from brackish.spins import (
    Bonds,
    Cubic,
    Lattice,
    RealUnits,
    ReducedUnits,
    SpinSystem,
    Uniaxial,
    lattices,
    read_inpsd,
    read_uppasd,
    read_uppasd_restart,
)
from brackish.theories import *  # noqa: F403  (the room's own list says what is public)
from brackish.theories import __all__ as _theories

__version__ = "0.1.0"

__all__ = [
    "Adiabatic",
    "Audit",
    "Bonds",
    "BrackishError",
    "Canonical",
    "CheckpointError",
    "Cubic",
    "Diabatic",
    "Directions",
    "FluidElements",
    "GaussianCloud",
    "GaussianPacket",
    "HybridHamiltonian",
    "InvalidInput",
    "Lattice",
    "Mixture",
    "Observable",
    "PacketLattice",
    "PhasePoint",
    "PhaseSpace",
    "PhiMinus",
    "PhiPlus",
    "Points",
    "Product",
    "ProductPoint",
    "QuantumAndClassical",
    "QuasiRandom",
    "RealUnits",
    "ReducedUnits",
    "RunFailed",
    "SeparableHamiltonian",
    "Singlet",
    "SphereGrid",
    "Spheres",
    "SpinMixture",
    "SpinState",
    "SpinSystem",
    "Superposition",
    "ThermalBath",
    "ThermalSpins",
    "Times",
    "Together",
    "Triplet",
    "Uniaxial",
    "UniformDirections",
    "UnsupportedHamiltonian",
    "VonMisesFisher",
    "Wavefunction",
    "Werner",
    "add",
    "analysis",
    "at_end",
    "audit",
    "audit_table",
    "change_basis",
    "compare",
    "hamiltonian",
    "keep_compiled_programs",
    "integrators",
    "lattices",
    "models",
    "observables",
    "plot",
    "quantum",
    "read_inpsd",
    "read_netcdf",
    "read_ovf",
    "read_store",
    "read_uppasd",
    "read_uppasd_restart",
    "reproduce",
    "scale_interaction",
    "simulate",
    "times",
    "write_netcdf",
    "write_ovf",
    *_theories,
]

# units, numbers of numpy and wrong types are dealt with where users come in, for whatever is public
for _room in (integrators, models, observables, preparations, spins, theories):
    arguments.read_arguments(vars(_room), _room.__all__)
arguments.read_arguments(globals(), __all__)
