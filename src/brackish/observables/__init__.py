"""What is kept of a run. Each observable carries its name, axes, unit and source."""

from brackish.observables.base import Derived, Observable
from brackish.observables.conditional import conditional_coherence
from brackish.observables.spins import SPIN_OBSERVABLES, magnetization, spin_direction
from brackish.observables.standard import (
    adiabatic_populations_at,
    derived_observables,
    drawn_nodes,
    standard_observables,
)
from brackish.observables.wavefunction import wavefunction

__all__ = [
    "SPIN_OBSERVABLES",
    "Derived",
    "Observable",
    "adiabatic_populations_at",
    "conditional_coherence",
    "derived_observables",
    "drawn_nodes",
    "magnetization",
    "spin_direction",
    "standard_observables",
    "wavefunction",
]
