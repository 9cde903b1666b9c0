"""What is kept of a run. Each observable carries its name, axes, unit and source."""

from brackish.observables._wavefunction import wavefunction
from brackish.observables.base import Derived, Observable
from brackish.observables.conditional import conditional_coherence
from brackish.observables.spins import (
    PURITY,
    SPIN_OBSERVABLES,
    bell_nonlocality,
    concurrence,
    correlation_matrix,
    entanglement_entropy,
    magnetization,
    negativity,
    renyi_entropy,
    singlet_fidelity,
    spin_direction,
    triplet_fidelities,
)
from brackish.observables.standard import (
    adiabatic_populations_at,
    derived_observables,
    drawn_nodes,
    standard_observables,
)

__all__ = [
    "PURITY",
    "SPIN_OBSERVABLES",
    "Derived",
    "Observable",
    "adiabatic_populations_at",
    "bell_nonlocality",
    "concurrence",
    "conditional_coherence",
    "correlation_matrix",
    "derived_observables",
    "drawn_nodes",
    "entanglement_entropy",
    "magnetization",
    "negativity",
    "renyi_entropy",
    "singlet_fidelity",
    "spin_direction",
    "standard_observables",
    "triplet_fidelities",
    "wavefunction",
]
