"""What each figure of one dataset needs of it, so that only what can be drawn is offered."""

import dataclasses
from collections.abc import Mapping
from typing import Any

from brackish.plot.reading import runs_of


@dataclasses.dataclass(frozen=True)
class Need:
    """`variables` that one theory in the dataset must have, and the smallest and largest `sizes` of dimensions."""

    variables: tuple[str, ...]
    sizes: Mapping[str, tuple[int, int]] = dataclasses.field(default_factory=dict)

    def lacking(self, dataset: Any) -> str:
        """What the dataset lacks, in words; empty if nothing."""
        for name, (least, most) in self.sizes.items():
            size = dataset.sizes.get(name, 0)
            if name in dataset.dims and not least <= size <= most:
                return f"{_number(least, most)} along '{name}', where it has {size}"
        absent = [name for name in (*self.variables, "time") if name not in dataset]
        if absent:
            return f"'{absent[0]}'"
        runs = runs_of(dataset)
        for name in (*self.variables, "time"):
            runs = [run for run in runs if run.has(name)]
            if not runs:
                return f"numbers in '{name}'"
        return ""


_MANY = 2**62
_FOLLOWED = ("trajectory_position", "trajectory_momentum")
_ALONG_ONE = {"node_0": (1, _MANY), "node_1": (0, 0)}
_SHADED = tuple(
    Need((*_FOLLOWED, shade)) for shade in ("trajectory_population", "trajectory_adiabatic_population")
)
_POPULATIONS = (Need(("population",)), Need(("adiabatic_population",)))
_FIELDS = ("density", "adiabatic_energy", "electronic_energy", "scalar_potential")
_ALL_FORCES = ("total_force", "mean_force", "fubini_study_force", "quantum_force")

NEEDS: dict[str, tuple[Need, ...]] = {
    "bloch": (Need(("density", "conditional_density"), {"level": (2, 2), **_ALONG_ONE}),),
    "cloud": _SHADED,
    "coherence": (Need(("purity", "coherence")),),
    "compare": (*_POPULATIONS, Need(("magnetization", "energy")), Need(("energy",))),
    "correlations": (Need(("correlation_matrix",)),),
    "decoherence": (Need(("adiabatic_population", "conditional_coherence"), {"level": (2, _MANY)}),),
    "forces": (Need((*_FIELDS, *_ALL_FORCES), _ALONG_ONE),),
    "magnet": (Need(("magnetization", "energy")),),
    "motion": (Need(("energy",)),),
    "nonlocality": (Need(("bell_nonlocality",)),),
    "phase_space": _SHADED,
    "plane": (Need(("trajectory_position",), {"followed_coordinate": (2, _MANY)}),),
    "populations": _POPULATIONS,
    "potentials": (Need(("potential_position", "diabatic_energy", "adiabatic_energy")),),
    "quantum_trajectories": (Need(("trajectory_position", "probability_density")),),
    "sphere": (Need(("classical_density", "node_polar_angle")), Need(("trajectory_spin",))),
    "spin_components": (Need(("spin_direction",)),),
}
"""For each figure that the command line can draw: one of these must be met."""


def lacking(figure: str, dataset: Any) -> str:
    """What the dataset lacks for a figure, one of `NEEDS`, in words; empty if it can be drawn."""
    missing = [need.lacking(dataset) for need in NEEDS[figure]]
    return "" if "" in missing else missing[0]


def drawable(dataset: Any) -> list[str]:
    """The figures that can be drawn from a dataset."""
    return [figure for figure in NEEDS if not lacking(figure, dataset)]


def _number(least: int, most: int) -> str:
    if most == _MANY:
        return f"{least} or more entries"
    return f"{least} entries" if least == most else f"{least} to {most} entries"
