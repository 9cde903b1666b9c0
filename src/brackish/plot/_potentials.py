"""Potential curves along the one coordinate of a system."""

from collections.abc import Sequence
from typing import Any

import numpy as np

from brackish.plot.reading import Need, Run, require, runs_of, subtitle_of, title_of
from brackish.plot.style import (
    FAINT,
    HEADER,
    INK,
    LABELS,
    LEVEL_COLOURS,
    SMALL,
    TEXT,
    direct_labels,
    header,
    new_figure,
    place,
)

CURVES = Need(("potential_position", "diabatic_energy", "adiabatic_energy"))


def potentials(dataset: Any):
    """Diabatic and adiabatic potential energies over the stretch that was visited, mean energy and start."""
    runs = require(dataset, "potentials", CURVES)
    figure = new_figure(8.0, 5.0)
    axes = place(figure, 0.85, 0.55, 8.0 - LABELS, 5.0 - HEADER - 0.1)
    draw_potentials(axes, runs, runs_of(dataset))
    header(figure, 0.85, title_of(dataset), subtitle_of(dataset))
    return figure


def draw_potentials(axes, holders: Sequence[Run], runs: Sequence[Run]) -> None:
    """Curves of the run that went farthest; energy and start of the first run that knows them."""
    # single trajectories tell better than the moments of a packet where it has been
    followed = [run for run in holders if run.has("trajectory_position")] or holders
    widest = max(followed, key=lambda run: float(np.ptp(run.data["potential_position"].values)))
    position = widest.data["potential_position"].values
    adiabatic = widest.data["adiabatic_energy"].transpose("point", "level").values
    matrices = widest.data["diabatic_energy"].transpose("point", "level", "level_").values
    diabatic = np.diagonal(matrices, axis1=1, axis2=2).real
    ends = []
    for level in range(adiabatic.shape[1]):
        colour = LEVEL_COLOURS[level % len(LEVEL_COLOURS)]
        axes.plot(position, adiabatic[:, level], color=colour, linewidth=1.8, zorder=3)
        axes.plot(
            position,
            diabatic[:, level],
            color=colour,
            linewidth=1.1,
            linestyle=(0, (4, 2)),
            alpha=0.8,
            zorder=2,
        )
        ends.append((float(adiabatic[-1, level]), f"adiabatic {level}", colour))
        ends.append((float(diabatic[-1, level]), f"diabatic {level}", colour))
    axes.set_xlim(position[0], position[-1])
    axes.set_xlabel("position (bohr)", fontsize=TEXT, color=INK)
    axes.set_ylabel("energy (hartree)", fontsize=TEXT, color=INK)
    low, high = float(min(adiabatic.min(), diabatic.min())), float(max(adiabatic.max(), diabatic.max()))
    span = high - low if high > low else max(abs(high), 1e-3)
    _draw_start(axes, runs, low, high, span)
    if adiabatic.shape[1] <= 6:
        direct_labels(axes, ends)


def _draw_start(axes, runs: Sequence[Run], low: float, high: float, span: float) -> None:
    """The mean energy at the start as a line (in words, if far off the curves) and the first packet on it."""
    energy = next((float(run.data["energy"].values[0]) for run in runs if run.has("energy")), None)
    within = energy is not None and low - 0.5 * span <= energy <= high + span
    bottom, top = low - 0.08 * span, high + 0.22 * span
    base = top - 0.13 * span
    if energy is not None and within:
        base, bottom, top = energy, min(bottom, energy - 0.08 * span), max(top, energy)
        axes.axhline(energy, color=FAINT, linewidth=0.8, zorder=1)
        # room for the packet on the line
        top = max(top, energy + 0.12 * (top - bottom))
    axes.set_ylim(bottom, top)
    left, right = axes.get_xlim()
    unit = top - bottom
    start = next((run for run in runs if run.has("position") and run.has("momentum")), None)
    if start is not None:
        centre, spread, momentum = (
            _at_start(start, name) for name in ("position", "position_spread", "momentum")
        )
        if spread > 0:
            around = np.linspace(-3, 3, 61)
            hill = base + 0.08 * unit * np.exp(-(around**2) / 2)
            axes.fill_between(
                centre + spread * around, base, hill, color=FAINT, alpha=0.35, linewidth=0, zorder=2
            )
        if momentum != 0:
            height, reach = base + 0.028 * unit, 0.09 * (right - left) * np.sign(momentum)
            arrow = {"arrowstyle": "->", "color": INK, "linewidth": 1.0, "shrinkA": 0}
            axes.annotate("", xy=(centre + reach, height), xytext=(centre, height), arrowprops=arrow)
    if energy is not None:
        off = "" if within else ", above this scale" if energy > high else ", below this scale"
        axes.text(
            right - 0.02 * (right - left),
            base + 0.015 * unit,
            f"mean energy {energy:.3g} hartree{off}",
            fontsize=SMALL,
            color=FAINT,
            ha="right",
            va="bottom",
            bbox={"facecolor": "white", "alpha": 0.7, "linewidth": 0, "pad": 0.5},
        )


def _at_start(run: Run, variable: str) -> float:
    """The first value of the first coordinate; zero if there is none."""
    if not run.has(variable):
        return 0.0
    return float(run.data[variable].transpose("time", "coordinate").values[0, 0])
