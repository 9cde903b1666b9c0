"""One file a theory. A theory says how the state moves; it knows no models, no runner and no other theory."""

from brackish.analysis.friction import FiniteTime, GaussianBroadening, Lorentzian, UpToTime
from brackish.grids import PhaseSpace, SphereGrid
from brackish.manifolds import AsWritten, Homogeneous
from brackish.quantum import IndependentElectrons, ManyElectronStates
from brackish.theories._trade_off import KeptTradeOff, ViolatedTradeOff
from brackish.theories.exact.split_operator import Absorber, Exact, Grid
from brackish.theories.fields.aleksandrov_gerasimenko import AleksandrovGerasimenko
from brackish.theories.fields.ehrenfest_continuum import ContinuumEhrenfest
from brackish.theories.fields.hybrid_koopman import HybridKoopman
from brackish.theories.fields.hybrid_master_equation import HybridMasterEquation
from brackish.theories.fields.hybrid_mean_field import HybridMeanField
from brackish.theories.fields.hybrid_wigner import EveryOrder, HybridWigner, MoyalTower
from brackish.theories.fields.koopman_van_hove import KoopmanVanHove
from brackish.theories.fields.koopman_von_neumann import KoopmanVonNeumann
from brackish.theories.fields.liouville import Liouville
from brackish.theories.fields.moment_hierarchy import (
    ColdFluid,
    Gaussian,
    Isothermal,
    MomentHierarchy,
    PureState,
)
from brackish.theories.fields.nonlinear_koopman import NonlinearKoopman
from brackish.theories.spins import LL, LLG, HybridMagnet, QuantumLL, QuantumLLG
from brackish.theories.stochastic.classical_quantum import (
    BasisOfEach,
    ClassicalQuantum,
    MixedStates,
    OneBasis,
    RandomPhases,
)
from brackish.theories.stochastic.molecular_dynamics_with_friction import (
    ConstantFriction,
    FrictionFromElectrons,
    FrictionFunction,
    MemoryFriction,
    MolecularDynamicsWithFriction,
    Table,
)
from brackish.theories.trajectories._ensembles import InSpreads
from brackish.theories.trajectories.born_oppenheimer import BornOppenheimer
from brackish.theories.trajectories.ehrenfest import Ehrenfest
from brackish.theories.trajectories.exact_factorization import (
    ExactFactorization,
    GeometricAlone,
    GeometricAndQuantum,
    NoCoupling,
    QuantumAlone,
)
from brackish.theories.trajectories.koopmons import (
    Koopmons,
    LatticeQuadrature,
    ParticleQuadrature,
    RandomQuadrature,
    WithoutCorrelation,
    koopmon_scan,
)
from brackish.theories.trajectories.mean_field import MeanField
from brackish.theories.trajectories.mixed_state_ehrenfest import MixedStateEhrenfest
from brackish.theories.trajectories.quantum_hydrodynamics import (
    QuantumForce,
    QuantumHydrodynamics,
    WithoutQuantumForce,
)
from brackish.theories.trajectories.quantum_trajectories import QuantumTrajectories
from brackish.theories.trajectories.spin_koopmons import KoopmonNodes, SphereQuadrature, SpinKoopmons
from brackish.theories.trajectories.surface_hopping import (
    AlongCoupling,
    AlongMomentum,
    EnergyBasedDecoherence,
    FullCorrection,
    InAdiabaticBasis,
    InDiabaticBasis,
    KeepVelocity,
    NoCorrection,
    NoDecoherence,
    NoRescaling,
    OsmoticCorrection,
    ReverseVelocity,
    SurfaceHopping,
)

__all__ = [
    "LL",
    "LLG",
    "Absorber",
    "AleksandrovGerasimenko",
    "AlongCoupling",
    "AlongMomentum",
    "AsWritten",
    "BasisOfEach",
    "BornOppenheimer",
    "ClassicalQuantum",
    "ColdFluid",
    "ConstantFriction",
    "ContinuumEhrenfest",
    "Ehrenfest",
    "EnergyBasedDecoherence",
    "EveryOrder",
    "Exact",
    "ExactFactorization",
    "FiniteTime",
    "FrictionFromElectrons",
    "FrictionFunction",
    "FullCorrection",
    "Gaussian",
    "GaussianBroadening",
    "GeometricAlone",
    "GeometricAndQuantum",
    "Grid",
    "Homogeneous",
    "HybridKoopman",
    "HybridMagnet",
    "HybridMasterEquation",
    "HybridMeanField",
    "HybridWigner",
    "InAdiabaticBasis",
    "InDiabaticBasis",
    "InSpreads",
    "IndependentElectrons",
    "Isothermal",
    "KeepVelocity",
    "KeptTradeOff",
    "KoopmanVanHove",
    "KoopmanVonNeumann",
    "KoopmonNodes",
    "Koopmons",
    "LatticeQuadrature",
    "Liouville",
    "Lorentzian",
    "ManyElectronStates",
    "MeanField",
    "MemoryFriction",
    "MixedStateEhrenfest",
    "MixedStates",
    "MolecularDynamicsWithFriction",
    "MomentHierarchy",
    "MoyalTower",
    "NoCorrection",
    "NoCoupling",
    "NoDecoherence",
    "NoRescaling",
    "NonlinearKoopman",
    "OneBasis",
    "OsmoticCorrection",
    "ParticleQuadrature",
    "PhaseSpace",
    "PureState",
    "QuantumAlone",
    "QuantumForce",
    "QuantumHydrodynamics",
    "QuantumLL",
    "QuantumLLG",
    "QuantumTrajectories",
    "RandomPhases",
    "RandomQuadrature",
    "ReverseVelocity",
    "SphereGrid",
    "SphereQuadrature",
    "SpinKoopmons",
    "SurfaceHopping",
    "Table",
    "UpToTime",
    "ViolatedTradeOff",
    "WithoutCorrelation",
    "WithoutQuantumForce",
    "koopmon_scan",
]
