"""Small-matrix algebra. The one room that knows how products of small matrices are made fast.

A batched `matrix @ vector` becomes a call per matrix on a CPU; the same product written as multiply-and-sum
fuses with its neighbours and runs over ten times faster up to about 8 levels. Every function here is for one
configuration.
"""

from brackish.quantum.chebyshev import exponential_action
from brackish.quantum.density import coherence, density_from_spinor, partial_trace, purity
from brackish.quantum.eigen import eigensystem, level_projectors
from brackish.quantum.entanglement import (
    bell_nonlocality,
    bloch_vectors,
    concurrence,
    correlation_matrix,
    fidelity,
    negativity,
    renyi_entropy,
    singlet,
    singlet_fidelity,
    spin_expectations,
    triplet_fidelities,
    triplets,
    von_neumann_entropy,
)
from brackish.quantum.exponential import propagate, propagate_columns, propagator
from brackish.quantum.fields import (
    field_apply,
    field_dagger,
    field_expect,
    field_outer,
    field_product,
    field_trace,
    field_trace_product,
)
from brackish.quantum.isospectral import (
    Kernel,
    SpectralState,
    density_rate,
    frame_generator,
    frame_rate,
    gilbert_kernel,
    landau_lifshitz_kernel,
    nearest_orthonormal,
    orthonormal,
    spectral_state,
)
from brackish.quantum.operators import (
    annihilation,
    momentum_operator,
    pauli_x,
    pauli_y,
    pauli_z,
    position_operator,
    spin_operators,
    tensor,
)
from brackish.quantum.small import apply, dagger, expect, product, trace_product
from brackish.quantum.thermal import IndependentElectrons, ManyElectronStates, ThermalElectrons
from brackish.trigonometry import cosine_and_sine

__all__ = [
    "IndependentElectrons",
    "Kernel",
    "ManyElectronStates",
    "SpectralState",
    "ThermalElectrons",
    "annihilation",
    "apply",
    "bell_nonlocality",
    "bloch_vectors",
    "coherence",
    "concurrence",
    "correlation_matrix",
    "cosine_and_sine",
    "dagger",
    "density_from_spinor",
    "density_rate",
    "eigensystem",
    "expect",
    "exponential_action",
    "fidelity",
    "field_apply",
    "field_dagger",
    "field_expect",
    "field_outer",
    "field_product",
    "field_trace",
    "field_trace_product",
    "frame_generator",
    "frame_rate",
    "gilbert_kernel",
    "landau_lifshitz_kernel",
    "level_projectors",
    "momentum_operator",
    "nearest_orthonormal",
    "negativity",
    "orthonormal",
    "partial_trace",
    "pauli_x",
    "pauli_y",
    "pauli_z",
    "position_operator",
    "product",
    "propagate",
    "propagate_columns",
    "propagator",
    "purity",
    "renyi_entropy",
    "singlet",
    "singlet_fidelity",
    "spectral_state",
    "spin_expectations",
    "spin_operators",
    "tensor",
    "trace_product",
    "triplet_fidelities",
    "triplets",
    "von_neumann_entropy",
]
