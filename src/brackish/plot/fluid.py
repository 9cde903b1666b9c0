"""Paths of fluid elements: over the density in space and time, and in the plane."""

from collections.abc import Sequence
from typing import Any

import numpy as np

from brackish.errors import InvalidInput
from brackish.plot.reading import MANY, Need, Size, _decoded, require, subtitle_of, title_of
from brackish.plot.style import FAINT, HEADER, INK, SMALL, TEXT, header, new_figure, place, time_axis

OVER_DENSITY = Need(("trajectory_position", "probability_density"))
IN_PLANE = Need(
    ("trajectory_position",),
    (Size("followed_coordinate", 2, MANY, "a run with two coordinates, but the dataset has one"),),
)
PATH = "#D55E00"
"""Trajectories: the orange of the palette of Okabe and Ito, on a blue density."""
LOOPS = ("#0072B2", "#009E73", "#E69F00", "#CC79A7", "#56B4E9")


def quantum_trajectories(dataset: Any, positions: tuple[float, float] | None = None, paths: int = 40):
    """Trajectories over the probability density of one coordinate, in space and time.

    `dataset`: of a run of `QuantumTrajectories` that was followed (`simulate(..., follow=40)`). `positions`: the
    stretch to show, bohr; by default that of the trajectories. `paths`: no more than so many are drawn. The density is
    shown by its square root, in which faint fringes can be seen.
    """
    run = require(dataset, "quantum_trajectories", OVER_DENSITY)[0]
    density = run.data["probability_density"].transpose("time", "grid_point").values
    path = run.data["trajectory_position"].isel(followed_coordinate=0).transpose("trajectory", "time").values
    path = path[:: -(-path.shape[0] // paths)]
    nodes = _nodes(dataset, density.shape[1])
    if positions is None:
        reach = 0.08 * np.ptp(path)
        positions = (float(path.min() - reach), float(path.max() + reach))
    shown = (nodes >= positions[0]) & (nodes <= positions[1])
    left, width, height, total = 0.75, 5.4, 3.6, HEADER + 0.15 + 3.6 + 0.55
    figure = new_figure(left + width + 1.1, total)
    axes = place(figure, left, 0.55, left + width, 0.55 + height)
    axes.grid(False)
    drawn = axes.pcolormesh(
        run.time,
        nodes[shown],
        np.sqrt(density[:, shown].T),
        cmap="Blues",
        shading="gouraud",
        vmin=0,
        rasterized=True,
    )
    axes.plot(run.time, path.T, color=PATH, linewidth=0.7)
    axes.set_ylim(*positions)
    time_axis(axes, run)
    axes.set_ylabel("position (bohr)", fontsize=TEXT, color=INK)
    bar = place(figure, left + width + 0.15, 0.55, left + width + 0.27, 0.55 + height)
    bar.grid(False)
    figure.colorbar(drawn, cax=bar).outline.set_visible(False)
    bar.tick_params(labelsize=SMALL, color=FAINT, labelcolor=INK, length=3, width=0.7)
    bar.set_ylabel("root of the density (bohr$^{-1/2}$)", fontsize=TEXT, color=INK)
    header(figure, left, title_of(dataset), subtitle_of(dataset))
    return figure


def _nodes(dataset: Any, count: int) -> np.ndarray:
    """The positions of the grid points at which the density was kept, from the grid that the dataset names."""
    grid = _decoded(dataset.attrs.get("theory")).get("grid") or {}
    if not {"lower", "upper", "points"} <= set(grid):
        raise InvalidInput(
            "The figure `quantum_trajectories` needs the grid of the run in the attribute 'theory'."
        )
    lower, upper, points = (grid[name][0] for name in ("lower", "upper", "points"))
    every = -(-points // count)
    return np.linspace(lower, upper, points, endpoint=False)[::every]


def plane(dataset: Any, loop: str | None = None, times: Sequence[float] | None = None, paths: int = 40):
    """Trajectories of the first two coordinates, and a closed loop of fluid elements at some times.

    `dataset`: of a run with two coordinates whose trajectories were followed. `loop`: the name of a variable of shape
    (time, element, coordinate) in bohr, such as an `Observable` of the user's own. `times`: when to draw it; by default
    at the start, the end, and at three times between. `paths`: no more than so many are drawn.
    """
    further = () if loop is None else (loop,)
    run = require(dataset, "plane", Need((*IN_PLANE.variables, *further), IN_PLANE.sizes))[0]
    path = run.data["trajectory_position"].transpose("trajectory", "time", "followed_coordinate").values
    path = path[:: -(-path.shape[0] // paths)]
    left, size = 0.75, 4.4
    figure = new_figure(left + size + 1.3, HEADER + 0.15 + size + 0.55)
    axes = place(figure, left, 0.55, left + size, 0.55 + size)
    axes.set_aspect("equal", adjustable="datalim")
    axes.plot(path[..., 0].T, path[..., 1].T, color=FAINT, linewidth=0.5, alpha=0.45)
    axes.plot(
        path[:, 0, 0],
        path[:, 0, 1],
        "o",
        color="white",
        markeredgecolor=INK,
        markersize=2.6,
        markeredgewidth=0.5,
    )
    axes.plot(path[:, -1, 0], path[:, -1, 1], "o", color=INK, markersize=2.2)
    if loop is not None:
        places = run.data[loop].values
        clock = (
            run.time[np.linspace(0, len(run.time) - 1, 5).astype(int)] if times is None else np.asarray(times)
        )
        saves = [int(np.argmin(np.abs(run.time - moment))) for moment in clock]
        for number, save in enumerate(saves):
            closed = np.concatenate([places[save], places[save][:1]])
            colour = LOOPS[number % len(LOOPS)]
            axes.plot(
                closed[:, 0], closed[:, 1], color=colour, linewidth=1.8, label=f"t = {run.time[save]:.3g}"
            )
        legend = axes.legend(
            loc="upper left",
            bbox_to_anchor=(1.01, 1),
            fontsize=SMALL,
            frameon=False,
            title="loop at",
            handlelength=1.4,
        )
        legend.get_title().set_fontsize(SMALL)
    axes.set_xlabel("first coordinate (bohr)", fontsize=TEXT, color=INK)
    axes.set_ylabel("second coordinate (bohr)", fontsize=TEXT, color=INK)
    header(figure, left, title_of(dataset), subtitle_of(dataset))
    return figure
