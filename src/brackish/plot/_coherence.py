"""Purity and coherence of the quantum side over time."""

from collections.abc import Sequence
from typing import Any

from brackish.plot.reading import Need, Run, require, subtitle_of, title_of
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

QUANTITIES = ("purity", "coherence")
_WORDS = {"purity": "purity Tr ρ²", "conditional_coherence": "mean of |ρ₀₁|² over the points"}


def coherence(dataset: Any):
    """Purity and coherence over time, for all theories.

    The purity is Tr rho^2, the coherence the size of the off-diagonal part of the diabatic density matrix.
    """
    runs = require(dataset, "coherence", Need(QUANTITIES))
    figure = new_figure(8.0, 5.8)
    left, right, top = 0.75, 8.0 - LABELS, 5.8 - HEADER - 0.45
    panels = stack(figure, left, 0.55, right, top, count=2, gap=0.2)
    for axes, variable in zip(panels, QUANTITIES, strict=True):
        draw_quantity(axes, runs, variable, labels=True)
    time_axis(panels[0], runs[0], label=False, femtoseconds=True)
    time_axis(panels[1], runs[0])
    header(figure, left, title_of(dataset), subtitle_of(dataset, runs, *QUANTITIES))
    return figure


def draw_quantity(axes, runs: Sequence[Run], variable: str, labels: bool = False) -> None:
    """One quantity of all theories in one panel."""
    ends = draw_runs(axes, runs, variable)
    frame_values(axes, least=0.05, floor=0.0, ceiling=1.0)
    axes.set_ylabel(_WORDS.get(variable, variable), fontsize=TEXT, color=INK)
    if labels:
        direct_labels(axes, ends)
