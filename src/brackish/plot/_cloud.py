"""A cloud of points in phase space at some times, coloured by quantum state."""

from collections.abc import Sequence
from typing import Any

import numpy as np

from brackish.plot._phase_space import (
    NEEDS,
    POINTS,
    POPULATION_COLOURS,
    chosen_shade,
    draw_bar,
    followed_values,
    limits_of,
    livelier_coordinate,
)
from brackish.plot.reading import in_words, require, subtitle_of, title_of
from brackish.plot.style import HEADER, INK, SMALL, TEXT, header, name_panel, new_figure, place

PANEL, GAP, BETWEEN = 1.9, 0.12, 0.4


def cloud(dataset: Any, times: Sequence[float] | None = None):
    """Positions and momenta of the trajectories that were followed, one row a theory, one column a time.

    Colours follow the population of the level in which most of them start, as in `phase_space`: a cloud that splits
    into parts of different colours has decohered. `times`: when, in atomic units; by default the start and three more.
    Follow enough trajectories: `simulate(..., follow=500)`.
    """
    from matplotlib.colors import LinearSegmentedColormap, Normalize

    shade = chosen_shade(dataset)
    runs = require(dataset, "cloud", NEEDS[shade])
    clock = np.asarray(dataset["time"].values)
    wanted = (
        clock[np.linspace(0, len(clock) - 1, 4).astype(int)] if times is None else np.asarray(times, float)
    )
    saves = [int(np.argmin(np.abs(clock - moment))) for moment in wanted]
    left, bar, below = 0.85, 0.85, 0.55
    total = HEADER + 0.35 + len(runs) * (PANEL + BETWEEN) + below
    figure = new_figure(left + len(saves) * (PANEL + GAP) + bar, total)
    colours = LinearSegmentedColormap.from_list("population", POPULATION_COLOURS)
    level = int(np.nanargmax(runs[0].data[shade].isel(time=0).mean("trajectory").values))
    coordinate, which = livelier_coordinate(runs[0])
    limits = [limits_of(runs, name, coordinate) for name in POINTS]
    drawn = None
    for row, run in enumerate(runs):
        position, momentum = (followed_values(run, name, coordinate) for name in POINTS)
        state = run.data[shade].isel(level=level).transpose("trajectory", "time").values
        top = total - HEADER - 0.35 - row * (PANEL + BETWEEN)
        for column, save in enumerate(saves):
            start = left + column * (PANEL + GAP)
            axes = place(figure, start, top - PANEL, start + PANEL, top)
            drawn = axes.scatter(
                position[:, save],
                momentum[:, save],
                c=state[:, save],
                cmap=colours,
                norm=Normalize(0, 1),
                s=5,
                linewidths=0,
                alpha=0.9,
            )
            axes.set_xlim(*limits[0])
            axes.set_ylim(*limits[1])
            axes.tick_params(labelbottom=row == len(runs) - 1, labelleft=column == 0, labelsize=SMALL)
            if row == 0:
                axes.set_title(f"t = {clock[save]:g}", fontsize=SMALL, color=INK, loc="right")
            if column == 0:
                name_panel(axes, in_words(run.name))
                axes.set_ylabel(f"momentum{which} (ħ/bohr)", fontsize=TEXT, color=INK)
            if row == len(runs) - 1:
                axes.set_xlabel(f"position{which} (bohr)", fontsize=TEXT, color=INK)
    beside, top = left + len(saves) * (PANEL + GAP) + 0.1, total - HEADER - 0.35
    draw_bar(figure, drawn, (beside, top - PANEL, beside + 0.12, top))
    kind = "diabatic" if shade == "trajectory_population" else "adiabatic"
    figure.axes[-1].set_ylabel(f"{kind} population of level {level}", fontsize=TEXT, color=INK)
    header(figure, left, title_of(dataset), subtitle_of(dataset))
    return figure
