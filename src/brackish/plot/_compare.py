"""The one figure of a comparison."""

from collections.abc import Sequence
from typing import Any

import numpy as np

from brackish.plot._coherence import QUANTITIES, draw_quantity
from brackish.plot._motion import motion
from brackish.plot._populations import chosen_populations, most_populated, population_label
from brackish.plot._potentials import CURVES, draw_potentials
from brackish.plot.magnets import magnet
from brackish.plot.reading import Need, Run, first_level, require, subtitle_of, title_of
from brackish.plot.style import (
    HEADER,
    INK,
    LABELS,
    TEXT,
    direct_labels,
    draw_runs,
    frame_values,
    header,
    name_within,
    new_figure,
    place,
    room_for_labels,
    stack,
    time_axis,
)

MOST_PANELS = 3
FEW_COORDINATES = 3

Place = tuple[float, float, float, float]
"""Left, bottom, right, top in inches."""


def compare(dataset: Any):
    """Populations, purity and coherence, mean momentum and potential curves in one figure, for all theories.

    Of two levels the one is shown in which the run starts; of more than three, the three that are populated
    most. Without potential curves (several coordinates, spins), purity and coherence take their place. One
    theory alone is welcome too. Of a magnet, the magnetization and the energy; without populations, `motion`.
    """
    variables = getattr(dataset, "data_vars", ())
    if "magnetization" in variables:
        return magnet(dataset)
    if "energy" in variables and not {"population", "adiabatic_population"} & set(variables):
        return motion(dataset)
    variable = chosen_populations(dataset, None)
    runs = require(dataset, "compare", Need((variable,)))
    beyond = room_for_labels(runs) - LABELS
    width, height, split = 11.0 + beyond, 8.0, 3.75
    left, right = (0.8, 5.6), (5.6 + LABELS + 0.6 + beyond, width - 0.3)
    low, high = (0.55, split - 0.35), (split + 0.35, height - HEADER - 0.45)
    figure = new_figure(width, height)
    _draw_populations(figure, (left[0], high[0], left[1], high[1]), runs, variable)
    curves = [run for run in runs if CURVES.met_by(run)]
    quantities = [[name] for name in QUANTITIES if any(run.has(name) for run in runs)]
    beside: Place = (right[0], high[0], right[1], high[1])
    below: Place = (left[0], low[0], left[1], low[1])
    last: Place = (right[0], low[0], right[1], low[1])
    if curves:
        draw_potentials(place(figure, *below), curves, runs)
        together = [name for names in quantities for name in names]
        cells = [(beside, together)] if together else []
        free = [last]
    else:
        free = [beside, below, last]
        cells = list(zip(free[1:], quantities, strict=False))
    for cell, names in cells:
        for axes, name in zip(stack(figure, *cell, count=len(names), gap=0.15), names, strict=True):
            draw_quantity(axes, runs, name)
            is_top = cell is beside and name == names[0]
            time_axis(axes, runs[0], label=name == names[-1], femtoseconds=is_top)
    moved = _motion(runs, variable)
    if moved is not None:
        moving, chosen, label = moved
        axes = place(figure, *free[0])
        draw_runs(axes, runs, moving, **chosen)
        frame_values(axes, least=1e-3)
        axes.set_ylabel(label, fontsize=TEXT, color=INK)
        time_axis(axes, runs[0], femtoseconds=free[0] is beside)
    header(figure, left[0], title_of(dataset), subtitle_of(dataset, runs, variable, *QUANTITIES))
    return figure


def _draw_populations(figure, cell: Place, runs: Sequence[Run], variable: str) -> None:
    levels = most_populated(runs, variable, MOST_PANELS)
    count = runs[0].data.sizes["level"]
    if count == 2:
        # the other level holds the rest
        levels = [first_level(runs[0], variable)]
    panels = stack(figure, *cell, count=len(levels), gap=0.15)
    for axes, level in zip(panels, levels, strict=True):
        ends = draw_runs(axes, runs, variable, level=level)
        if len(levels) == 1:
            frame_values(axes, least=0.3, floor=0.0, ceiling=1.0)
            axes.set_ylabel(f"population of {_kind(variable)} level {level}", fontsize=TEXT, color=INK)
        else:
            axes.set_ylim(-0.05, 1.05)
            name_within(axes, f"level {level}")
        time_axis(axes, runs[0], label=axes is panels[-1], femtoseconds=axes is panels[0])
        if axes is panels[0]:
            direct_labels(axes, ends)
    if len(levels) > 1:
        panels[len(panels) // 2].set_ylabel(population_label(variable), fontsize=TEXT, color=INK)


def _motion(runs: Sequence[Run], population: str) -> tuple[str, dict[str, int], str] | None:
    """What shows how the rest moves: a variable, which entry of it, and a label.

    It is the mean momentum (of several coordinates, the one that changes most), or the component of a spin.
    Of a bath no single coordinate says much, so populations in the other representation are shown.
    """
    words = {"momentum": "mean momentum", "spin_direction": "mean direction", "energy": "mean energy"}
    for variable, name in words.items():
        holders = [run for run in runs if run.has(variable)]
        if not holders:
            continue
        values = holders[0].data[variable]
        if variable == "momentum" and values.sizes["coordinate"] > FEW_COORDINATES:
            other = "population" if population == "adiabatic_population" else "adiabatic_population"
            if any(run.has(other) for run in runs):
                level = first_level(next(run for run in runs if run.has(other)), other)
                return other, {"level": level}, f"population of {_kind(other)} level {level}"
        change = values.max("time") - values.min("time")
        if change.size > 1 and holders[0].has(f"{variable}_spread"):
            # coordinates of different kinds: how far, in terms of how widely they are spread at the start
            spread = holders[0].data[f"{variable}_spread"].isel(time=0)
            change = change / spread.where(spread > 0, 1.0)
        place_of_largest = np.unravel_index(int(np.nanargmax(change.values)), change.shape)
        chosen = {str(dim): int(index) for dim, index in zip(change.dims, place_of_largest, strict=True)}
        if variable == "momentum":
            which = f" of coordinate {chosen['coordinate']}" if values.sizes["coordinate"] > 1 else ""
            return variable, chosen, f"{name}{which} (ħ/bohr)"
        if variable == "spin_direction":
            return variable, chosen, f"{'xyz'[chosen['axis']]} component of spin {chosen['spin']}"
        return variable, chosen, f"{name} (hartree)"
    return None


def _kind(variable: str) -> str:
    return "adiabatic" if variable == "adiabatic_population" else "diabatic"
