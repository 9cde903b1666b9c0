"""Spheres seen from outside: the density of a theory of fields, and trajectories of classical spins."""

from collections.abc import Sequence
from typing import Any

import numpy as np

from brackish.errors import InvalidInput
from brackish.plot.reading import Need, Run, in_words, require, runs_of, subtitle_of, title_of
from brackish.plot.style import FAINT, HEADER, INK, SMALL, TEXT, header, new_figure, place

NEGATIVE, NOTHING, POSITIVE = ("#0B2A5B", "#3F7CC4"), "#FBFAF7", ("#F2B35E", "#C4501B", "#5E1A08")
"""Colours of densities below zero, of none, and above: from dark to pale and to dark again."""
PATH = "#1B7A5A"
PIXELS = 240
MOST_PANELS = 4
FIELD = Need(("classical_density", "node_polar_angle"))
FOLLOWED = Need(("trajectory_spin",))


def sphere(dataset: Any, over: Any = None, times: Sequence[float] | None = None, view=None):
    """Spheres at some `times` (by default up to four saves from the first to the last), one row a theory.

    Colours show the classical density of theories of fields, negative ones in blue with the negative mass beside
    them; lines and points the trajectories that were followed (of sphere number 0). Trajectories of another
    dataset, `over`, are drawn over all of them. `view`: the direction (3,) from which one looks; by default from
    where most of what is shown is seen, a little from above.
    """
    runs = [run for run in runs_of(dataset) if FIELD.met_by(run) or FOLLOWED.met_by(run)]
    if not runs:
        require(dataset, "sphere", FIELD)
    overlay = None if over is None else require(over, "sphere", FOLLOWED)[0]
    chosen = _saves(runs[0], times)
    camera = _camera(runs, overlay, chosen, view)
    size, gap, left, bar, under = 1.9, 0.12, 0.3, 0.95, 0.36
    width = left + len(chosen) * (size + gap) + bar
    height = HEADER + 0.1 + len(runs) * (size + under + 0.22)
    figure, drawn = new_figure(width, height), None
    scale = _scale(runs, chosen)
    for row, run in enumerate(runs):
        top = height - HEADER - 0.22 - row * (size + under + 0.22)
        for column, save in enumerate(chosen):
            start = left + column * (size + gap)
            axes = _globe(figure, start, top - size, start + size, top)
            shown = _draw_density(axes, run, save, camera, scale)
            drawn = drawn if shown is None else shown
            _draw_trajectories(axes, run, run.time[save], camera)
            if overlay is not None:
                _draw_trajectories(axes, overlay, run.time[save], camera)
            _name_poles(axes, camera)
            if row == 0:
                axes.set_title(f"t = {run.time[save]:g}", fontsize=TEXT, color=INK, pad=3)
            if column == 0:
                axes.annotate(
                    in_words(run.name),
                    (-0.04, 0.5),
                    xycoords="axes fraction",
                    rotation=90,
                    ha="right",
                    va="center",
                    fontsize=TEXT,
                    color=INK,
                )
            _name_negative_mass(axes, run, save)
    if drawn is not None:
        top = height - HEADER - 0.22
        cell = place(figure, width - bar + 0.1, top - size + 0.1, width - bar + 0.22, top - 0.1)
        cell.grid(False)
        colours = figure.colorbar(drawn, cax=cell)
        colours.outline.set_visible(False)
        cell.tick_params(labelsize=SMALL, color=FAINT, labelcolor=INK, length=3, width=0.7)
        cell.set_title("density", fontsize=SMALL, color=FAINT, pad=4, loc="left")
    header(figure, left, title_of(dataset), subtitle_of(dataset))
    return figure


def _saves(run: Run, times: Sequence[float] | None) -> list[int]:
    if times is None:
        return sorted(set(np.linspace(0, len(run.time) - 1, MOST_PANELS).round().astype(int).tolist()))
    if len(times) == 0:
        raise InvalidInput("Argument `times` of the figure `sphere` must name at least one time.")
    return [int(np.argmin(np.abs(run.time - time))) for time in times]


def _camera(runs: Sequence[Run], overlay: Run | None, saves: Sequence[int], view) -> np.ndarray:
    """Unit vectors to the right, upwards and towards the eye, (3, 3)."""
    if view is None:
        towards = np.zeros(3)
        for run in [*runs, *([] if overlay is None else [overlay])]:
            if run.has("spin_direction"):
                mean = run.data["spin_direction"].isel(spin=0).transpose("time", "axis").values
                towards = towards + np.nansum(mean[[min(save, len(mean) - 1) for save in saves]], axis=0)
        level = np.linalg.norm(towards[:2])
        towards = np.append(towards[:2] / level if level > 1e-6 else (1.0, -0.6), 0.45)
    else:
        towards = np.asarray(view, dtype=float)
        if towards.shape != (3,) or not np.all(np.isfinite(towards)) or not np.any(towards):
            raise InvalidInput(f"Argument `view` must be a direction of three numbers, got {view!r}.")
    towards = towards / np.linalg.norm(towards)
    right = np.cross((0.0, 0.0, 1.0), towards)
    right = right / np.linalg.norm(right) if np.linalg.norm(right) > 1e-6 else np.array([1.0, 0.0, 0.0])
    return np.stack([right, np.cross(towards, right), towards])


def _globe(figure, left: float, bottom: float, right: float, top: float):
    from matplotlib.patches import Circle

    axes = place(figure, left, bottom, right, top)
    axes.grid(False)
    axes.axis("off")
    axes.set_xlim(-1.06, 1.06)
    axes.set_ylim(-1.06, 1.06)
    axes.add_patch(Circle((0, 0), 1, facecolor=NOTHING, edgecolor=FAINT, linewidth=0.8, zorder=0))
    axes.add_patch(Circle((0, 0), 1, facecolor="none", edgecolor=FAINT, linewidth=0.8, zorder=4))
    return axes


def _draw_circles(axes, camera: np.ndarray) -> None:
    """The equator and four meridians, where they are seen."""
    angle = np.linspace(0, 2 * np.pi, 361)
    circles = [np.stack([np.cos(angle), np.sin(angle), 0 * angle])]
    for azimuth in (0.0, np.pi / 2):
        along = np.array([np.cos(azimuth), np.sin(azimuth), 0.0])
        circles.append(np.outer(along, np.sin(angle)) + np.outer((0.0, 0.0, 1.0), np.cos(angle)))
    for circle in circles:
        x, y, depth = camera @ circle
        seen = np.where(depth >= 0, 1.0, np.nan)
        axes.plot(x * seen, y * seen, color=FAINT, linewidth=0.5, alpha=0.6, zorder=2)


def _name_poles(axes, camera: np.ndarray) -> None:
    _draw_circles(axes, camera)
    for name, direction in zip("xyz", np.eye(3), strict=True):
        x, y, depth = camera @ direction
        if depth < -1e-9:
            continue
        axes.plot(x, y, ".", color=INK, markersize=2.5, zorder=5)
        axes.annotate(name, (x, y), (3, 2), textcoords="offset points", fontsize=SMALL, color=INK, zorder=5)


def _scale(runs: Sequence[Run], saves: Sequence[int]):
    """Colours for all panels, zero in the middle; and square roots, so that thin tails are seen."""
    from matplotlib.colors import FuncNorm, LinearSegmentedColormap

    stops = [(0.0, NEGATIVE[0]), (0.3, NEGATIVE[1]), (0.5, NOTHING)]
    stops += [(0.66, POSITIVE[0]), (0.85, POSITIVE[1]), (1.0, POSITIVE[2])]
    colours = LinearSegmentedColormap.from_list("density", stops)
    fields = [
        run.data["classical_density"].isel(time=list(saves)).values for run in runs if FIELD.met_by(run)
    ]
    largest = max((float(np.nanmax(np.abs(field))) for field in fields), default=1.0) or 1.0

    def forward(x):
        return np.sign(x) * np.sqrt(np.abs(x) / largest)

    def back(x):
        return np.sign(x) * largest * np.asarray(x) ** 2

    return colours, FuncNorm((forward, back), vmin=-largest, vmax=largest)


def _draw_density(axes, run: Run, save: int, camera: np.ndarray, scale):
    """The density on the half that is seen, by bilinear interpolation between nodes; what was drawn, or None."""
    if not FIELD.met_by(run):
        return None
    colours, norm = scale
    polar, azimuth = (run.data[name].values for name in ("node_polar_angle", "node_azimuth"))
    field = run.data["classical_density"].isel(time=save).transpose("node_row", "node_column").values
    rows, columns = np.isfinite(polar), np.isfinite(azimuth)
    polar, azimuth, field = polar[rows], azimuth[columns], field[rows][:, columns]
    ticks = (np.arange(PIXELS) + 0.5) / PIXELS * 2 - 1
    x, y = np.meshgrid(ticks, ticks)
    inside = x**2 + y**2 < 1
    depth = np.sqrt(np.where(inside, 1 - x**2 - y**2, 0.0))
    direction = np.tensordot(camera.T, np.stack([x, y, depth]), axes=1)
    values = _interpolated(polar, azimuth, field, direction)
    image = np.where(inside, values, np.nan)
    return axes.imshow(
        image,
        extent=(-1, 1, -1, 1),
        origin="lower",
        cmap=colours,
        norm=norm,
        zorder=1,
        interpolation="bilinear",
    )


def _interpolated(polar, azimuth, field, direction) -> np.ndarray:
    """A field at directions (3, ...), from its values at polar angles times equidistant azimuths.

    At the poles, where no nodes are, it has the mean of the nearest ring.
    """
    first, last = (np.full((1, len(azimuth)), ring.mean()) for ring in (field[0], field[-1]))
    polar, field = np.concatenate([[0.0], polar, [np.pi]]), np.concatenate([first, field, last])
    theta = np.arccos(np.clip(direction[2], -1, 1))
    phi = np.mod(np.arctan2(direction[1], direction[0]), 2 * np.pi)
    column = phi / (2 * np.pi) * len(azimuth)
    left = np.floor(column).astype(int)
    across = column - left
    left, right = left % len(azimuth), (left + 1) % len(azimuth)
    below = np.clip(np.searchsorted(polar, theta) - 1, 0, len(polar) - 2)
    along = (theta - polar[below]) / (polar[below + 1] - polar[below])
    upper = (1 - across) * field[below, left] + across * field[below, right]
    lower = (1 - across) * field[below + 1, left] + across * field[below + 1, right]
    return (1 - along) * upper + along * lower


def _draw_trajectories(axes, run: Run, time: float, camera: np.ndarray) -> None:
    """Where each trajectory has been until a time, pale on the far side, and where it is."""
    if not FOLLOWED.met_by(run):
        return
    spins = run.data["trajectory_spin"].isel(spin=0).transpose("trajectory", "time", "axis").values
    until = int(np.argmin(np.abs(run.time - time)))
    for path in np.einsum("ij,atj->ati", camera, spins[:, : until + 1]):
        if not np.all(np.isfinite(path)):
            continue
        near = np.where(path[:, 2] >= 0, 1.0, np.nan)
        axes.plot(path[:, 0], path[:, 1], color=PATH, linewidth=0.5, alpha=0.25, zorder=3)
        axes.plot(path[:, 0] * near, path[:, 1] * near, color=PATH, linewidth=0.9, alpha=0.9, zorder=3)
        solid = path[-1, 2] >= 0
        axes.plot(
            *path[-1, :2],
            "o",
            markersize=3.0,
            color=PATH if solid else "none",
            markeredgecolor="white" if solid else PATH,
            markeredgewidth=0.5,
            zorder=5,
        )


def _name_negative_mass(axes, run: Run, save: int) -> None:
    if not (FIELD.met_by(run) and run.has("negative_mass")):
        return
    mass = float(run.data["negative_mass"].isel(time=save))
    if mass > -5e-4:
        return
    axes.annotate(
        f"negative mass −{-mass:.3f}",
        (0.5, -0.03),
        xycoords="axes fraction",
        ha="center",
        va="top",
        fontsize=SMALL,
        color=NEGATIVE[0],
    )
