"""What each figure of one dataset needs of it, so that only what can be drawn is offered."""

from typing import Any

from brackish.plot import _decoherence, _motion, _phase_space, _sphere, conditional, fluid, magnets
from brackish.plot._coherence import QUANTITIES
from brackish.plot._potentials import CURVES
from brackish.plot.reading import Need

_POPULATIONS = (Need(("population",)), Need(("adiabatic_population",)))

NEEDS: dict[str, tuple[Need, ...]] = {
    "bloch": (conditional.BLOCH_VECTOR,),
    "cloud": tuple(_phase_space.NEEDS.values()),
    "coherence": (Need(QUANTITIES),),
    "compare": (*_POPULATIONS, magnets.MAGNETIZATION, _motion.NEED),
    "correlations": (magnets.CORRELATIONS,),
    "decoherence": (_decoherence.NEED,),
    "forces": (conditional.ALL_FORCES,),
    "magnet": (magnets.MAGNETIZATION,),
    "motion": (_motion.NEED,),
    "nonlocality": (magnets.NONLOCALITY,),
    "phase_space": tuple(_phase_space.NEEDS.values()),
    "plane": (fluid.IN_PLANE,),
    "populations": _POPULATIONS,
    "potentials": (CURVES,),
    "quantum_trajectories": (fluid.OVER_DENSITY,),
    "sphere": (_sphere.FIELD, _sphere.FOLLOWED),
    "spin_components": (magnets.DIRECTIONS,),
}
"""For each figure that the command line can draw: one of these must be met."""


def lacking(figure: str, dataset: Any) -> str:
    """What the dataset lacks for a figure, one of `NEEDS`, in words; empty if it can be drawn."""
    missing = [need.holders(dataset)[1] for need in NEEDS[figure]]
    return "" if "" in missing else missing[0]


def drawable(dataset: Any) -> list[str]:
    """The figures that can be drawn from a dataset."""
    return [figure for figure in NEEDS if not lacking(figure, dataset)]
