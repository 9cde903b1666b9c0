"""How a population moves and coherence is lost, for a family of theories."""

from typing import Any

from brackish.plot._coherence import draw_quantity
from brackish.plot.reading import MANY, Need, Size, require, subtitle_of, title_of
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

NEED = Need(
    ("adiabatic_population", "conditional_coherence"), (Size("level", 2, MANY, "two levels or more"),)
)


def decoherence(dataset: Any, level: int = 1):
    """The adiabatic population of one level, and the mean of |rho_lk|^2 over the classical points, over time.

    For runs that kept `bk.observables.conditional_coherence`.
    """
    runs = require(dataset, "decoherence", NEED)
    figure = new_figure(8.2, 6.2)
    left, right, top = 0.85, 8.2 - LABELS - 0.4, 6.2 - HEADER - 0.45
    panels = stack(figure, left, 0.55, right, top, count=2, gap=0.2)
    ends = draw_runs(panels[0], runs, "adiabatic_population", level=level)
    frame_values(panels[0], least=0.05, floor=0.0, ceiling=1.0)
    panels[0].set_ylabel(f"population of adiabatic level {level}", fontsize=TEXT, color=INK)
    direct_labels(panels[0], ends)
    draw_quantity(panels[1], runs, "conditional_coherence", labels=True)
    time_axis(panels[0], runs[0], label=False, femtoseconds=True)
    time_axis(panels[1], runs[0])
    header(figure, left, title_of(dataset), subtitle_of(dataset, runs, "conditional_coherence"))
    return figure
