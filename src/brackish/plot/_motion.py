"""How the classical part moves: mean positions and momenta, the energy, and what a bath has taken of it."""

from typing import Any

from brackish.plot.reading import Need, in_words, require, subtitle_of, title_of
from brackish.plot.style import (
    HEADER,
    INK,
    LABELS,
    TEXT,
    direct_labels,
    draw_runs,
    frame_values,
    header,
    new_figure,
    stack,
    time_axis,
)

NEED = Need(("energy",))
QUANTITIES = ("position", "momentum", "energy", "heat")
MOST_COORDINATES = 3


def motion(dataset: Any):
    """Mean position and momentum of up to three coordinates, energy, and the heat given to electrons, where the dataset
    has them, over time, for all theories. It needs no populations.
    """
    runs = require(dataset, "motion", NEED)
    drawn = [
        (variable, {"coordinate": number} if "coordinate" in dataset[variable].dims else {})
        for variable in QUANTITIES
        if any(run.has(variable) for run in runs)
        for number in range(min(MOST_COORDINATES, dataset[variable].sizes.get("coordinate", 1)))
    ]
    left, width, gap = 0.9, 5.6, 0.2
    height = 1.45 * len(drawn)
    total = HEADER + 0.2 + height + 0.55
    figure = new_figure(left + width + (LABELS if len(runs) > 1 else 0.4), total)
    panels = stack(figure, left, 0.55, left + width, 0.55 + height, count=len(drawn), gap=gap)
    for axes, (variable, chosen) in zip(panels, drawn, strict=True):
        ends = draw_runs(axes, runs, variable, **chosen)
        frame_values(axes)
        time_axis(axes, runs[0], label=axes is panels[-1])
        units = dataset[variable].attrs.get("units", "1").replace("hbar", "ħ")
        several = dataset[variable].sizes.get("coordinate", 1) > 1
        which = f" {chosen['coordinate']}" if several else ""
        axes.set_ylabel(f"{variable}{which} ({units})", fontsize=TEXT, color=INK)
        if len(runs) > 1:
            direct_labels(axes, ends)
    alone = f"{in_words(runs[0].name)}: " if len(runs) == 1 else ""
    header(
        figure, left, f"{alone}{title_of(dataset)}", subtitle_of(dataset, runs, *(name for name, _ in drawn))
    )
    return figure
