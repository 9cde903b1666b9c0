"""Portraits of single trajectories in phase space."""

from collections.abc import Sequence
from typing import Any

import numpy as np

from brackish.plot.reading import Need, Run, in_words, is_adiabatic, require, runs_of, subtitle_of, title_of
from brackish.plot.style import FAINT, HEADER, INK, SMALL, TEXT, header, name_panel, new_figure, place

POINTS = ("trajectory_position", "trajectory_momentum")
NEEDS = {
    shade: Need((*POINTS, shade)) for shade in ("trajectory_population", "trajectory_adiabatic_population")
}
"""By the population that gives the colours."""
POPULATION_COLOURS = ("#E08214", "#A9A29C", "#2D4FA0")
"""From an empty level to a full one."""


def phase_space(dataset: Any):
    """Position and momentum of the trajectories that were followed, one panel a theory.

    Colours follow the population of the level in which most of them start: adiabatic if the run was prepared
    so and the dataset has it, else diabatic. Of several coordinates, the one is shown that moves most.
    """
    from matplotlib.colors import LinearSegmentedColormap, Normalize

    shade = chosen_shade(dataset)
    runs = require(dataset, "phase_space", NEEDS[shade])
    columns = min(len(runs), 3)
    rows = -(-len(runs) // columns)
    width, height, gap, between = (3.1 if columns > 1 else 5.0), (2.9 if columns > 1 else 3.6), 0.25, 0.4
    left, bar = 0.75, 0.85
    total = HEADER + 0.3 + rows * height + (rows - 1) * between + 0.55
    figure = new_figure(left + columns * (width + gap) + bar, total)
    colours = LinearSegmentedColormap.from_list("population", POPULATION_COLOURS)
    level = int(np.nanargmax(runs[0].data[shade].isel(time=0).mean("trajectory").values))
    coordinate, which = livelier_coordinate(runs[0])
    limits = [limits_of(runs, name, coordinate) for name in POINTS]
    collection = None
    for number, run in enumerate(runs):
        row, column = divmod(number, columns)
        start, top = left + column * (width + gap), total - HEADER - 0.3 - row * (height + between)
        axes = place(figure, start, top - height, start + width, top)
        collection = _draw_trajectories(
            axes, run, coordinate, run.data[shade].isel(level=level), colours, Normalize(0, 1)
        )
        axes.set_xlim(*limits[0])
        axes.set_ylim(*limits[1])
        name_panel(axes, in_words(run.name))
        lowest = number + columns >= len(runs)
        axes.tick_params(labelbottom=lowest, labelleft=column == 0)
        if lowest:
            axes.set_xlabel(f"position{which} (bohr)", fontsize=TEXT, color=INK)
        if column == 0:
            axes.set_ylabel(f"momentum{which} (ħ/bohr)", fontsize=TEXT, color=INK)
    beside, top = left + columns * (width + gap), total - HEADER - 0.3
    draw_bar(figure, collection, (beside, top - height, beside + 0.12, top))
    kind = "diabatic" if shade == "trajectory_population" else "adiabatic"
    figure.axes[-1].set_ylabel(f"{kind} population of level {level}", fontsize=TEXT, color=INK)
    figure.legend(
        *figure.axes[0].get_legend_handles_labels(),
        loc="upper right",
        fontsize=SMALL,
        frameon=False,
        labelcolor=FAINT,
        ncols=2,
        handletextpad=0.0,
        columnspacing=0.8,
    )
    header(figure, left, title_of(dataset), subtitle_of(dataset))
    return figure


def chosen_shade(dataset: Any) -> str:
    """The population that gives the colours: adiabatic if the run was prepared so and the dataset has it."""
    diabatic, adiabatic = NEEDS
    held = any(run.has(adiabatic) for run in runs_of(dataset))
    return adiabatic if held and is_adiabatic(dataset) else diabatic


def livelier_coordinate(run: Run) -> tuple[int, str]:
    """The coordinate whose trajectories go farthest, measured by how widely they start, and words for it."""
    position = run.data["trajectory_position"].transpose("followed_coordinate", "trajectory", "time").values
    if len(position) == 1:
        return 0, ""
    reach = np.nanmean(np.ptp(position, axis=2), axis=1)
    spread = np.nanstd(position[:, :, 0], axis=1)
    farthest = int(np.nanargmax(reach / np.where(spread > 0, spread, 1.0)))
    return farthest, f" of coordinate {farthest}"


def followed_values(run: Run, variable: str, coordinate: int) -> np.ndarray:
    """One coordinate of every trajectory, (trajectories, saves)."""
    return run.data[variable].isel(followed_coordinate=coordinate).transpose("trajectory", "time").values


def limits_of(runs: Sequence[Run], variable: str, coordinate: int) -> tuple[float, float]:
    """Where an axis begins and ends that holds what was followed in all runs."""
    values = np.concatenate([followed_values(run, variable, coordinate).ravel() for run in runs])
    low, high = float(np.nanmin(values)), float(np.nanmax(values))
    margin = 0.04 * (high - low) if high > low else 1.0
    return low - margin, high + margin


def _draw_trajectories(axes, run: Run, coordinate: int, population, colours, scale):
    from matplotlib.collections import LineCollection

    position, momentum = (followed_values(run, name, coordinate) for name in POINTS)
    population = population.transpose("trajectory", "time").values
    points = np.stack([position, momentum], axis=-1)
    pieces = np.stack([points[:, :-1], points[:, 1:]], axis=-2)
    shades = 0.5 * (population[:, :-1] + population[:, 1:])
    whole = np.isfinite(pieces).all(axis=(-2, -1))
    # line by line in time, so that no trajectory hides all others
    drawn = LineCollection(
        np.swapaxes(pieces, 0, 1)[whole.T],
        array=np.swapaxes(shades, 0, 1)[whole.T],
        cmap=colours,
        norm=scale,
        linewidths=0.8,
        capstyle="round",
        zorder=2,
    )
    axes.add_collection(drawn, autolim=False)
    axes.plot(
        position[:, 0],
        momentum[:, 0],
        "o",
        markersize=3.6,
        markerfacecolor="white",
        markeredgecolor=INK,
        markeredgewidth=0.7,
        zorder=3,
        label="start",
    )
    axes.plot(
        position[:, -1],
        momentum[:, -1],
        "o",
        markersize=3.2,
        markerfacecolor=INK,
        markeredgewidth=0,
        zorder=3,
        label="end",
    )
    return drawn


def draw_bar(figure, drawn, cell: tuple[float, float, float, float]) -> None:
    """The bar of colours of what was drawn, in a cell of the figure (inches)."""
    axes = place(figure, *cell)
    axes.grid(False)
    bar = figure.colorbar(drawn, cax=axes)
    bar.outline.set_visible(False)
    axes.tick_params(labelsize=SMALL, color=FAINT, labelcolor=INK, length=3, width=0.7)
