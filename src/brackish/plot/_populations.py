"""Populations over time."""

from collections.abc import Sequence
from typing import Any

import numpy as np

from brackish.plot.reading import Need, Run, is_adiabatic, require, runs_of, subtitle_of, title_of
from brackish.plot.style import (
    HEADER,
    LABELS,
    TEXT,
    direct_labels,
    draw_runs,
    header,
    name_panel,
    new_figure,
    place,
    time_axis,
)

MOST_PANELS = 9


def populations(dataset: Any, adiabatic: bool | None = None):
    """Populations of the levels over time, one panel a level, for all theories.

    `adiabatic`: those of the eigenstates of the potential; None: in the representation in which the run was
    prepared. Of more than nine levels, the nine that are populated most are shown.
    """
    variable = chosen_populations(dataset, adiabatic)
    runs = require(dataset, "populations", Need((variable,)))
    levels = most_populated(runs, variable, MOST_PANELS)
    columns = min(len(levels), 2 if len(levels) in (2, 4) else 3)
    rows = -(-len(levels) // columns)
    width, height = (4.0 if columns > 1 else 6.0), (3.0 if rows == 1 else 2.2)
    left, gap, between = 0.7, 0.4, 0.35
    total = HEADER + 0.3 + rows * height + (rows - 1) * between + 0.55
    figure = new_figure(left + columns * (width + gap) - gap + LABELS, total)
    for number, level in enumerate(levels):
        row, column = divmod(number, columns)
        start, top = left + column * (width + gap), total - HEADER - 0.3 - row * (height + between)
        axes = place(figure, start, top - height, start + width, top)
        ends = draw_runs(axes, runs, variable, level=level)
        lowest = number + columns >= len(levels)
        time_axis(axes, runs[0], label=lowest)
        axes.set_ylim(-0.03, 1.03)
        axes.tick_params(labelbottom=lowest, labelleft=column == 0)
        name_panel(axes, f"level {level}")
        if column == 0:
            axes.set_ylabel(population_label(variable), fontsize=TEXT)
        if column == columns - 1 or number == len(levels) - 1:
            direct_labels(axes, ends)
    header(figure, left, title_of(dataset), subtitle_of(dataset, runs, variable))
    return figure


def chosen_populations(dataset: Any, adiabatic: bool | None) -> str:
    """The variable to draw: as asked for, or else as the run was prepared (and as the dataset has it)."""
    if adiabatic is not None:
        return "adiabatic_population" if adiabatic else "population"
    held = any(run.has("adiabatic_population") for run in runs_of(dataset))
    return "adiabatic_population" if held and is_adiabatic(dataset) else "population"


def population_label(variable: str) -> str:
    """What stands on the axis."""
    return "adiabatic population" if variable == "adiabatic_population" else "diabatic population"


def most_populated(runs: Sequence[Run], variable: str, count: int) -> list[int]:
    """The levels, in rising order, that reach the largest populations in any theory."""
    values = [run.data[variable].transpose("time", "level").values for run in runs]
    largest = np.nanmax(np.concatenate(values), axis=0)
    return sorted(int(level) for level in np.argsort(-largest, kind="stable")[:count])
