"""What is kept of a run. Each observable carries its name, axes, unit and source."""

from brackish.observables.base import Derived, Observable
from brackish.observables.standard import derived_observables, standard_observables

__all__ = ["Derived", "Observable", "derived_observables", "standard_observables"]
