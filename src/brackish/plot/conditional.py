"""The fields of an exact factorization over the density: potentials, forces, and the quantum state of each element."""

from collections.abc import Sequence
from typing import Any

import numpy as np

from brackish.errors import InvalidInput
from brackish.plot.reading import ALONG_ONE, Need, Size, require, subtitle_of, title_of
from brackish.plot.style import (
    FAINT,
    HEADER,
    INK,
    LABELS,
    SMALL,
    TEXT,
    direct_labels,
    header,
    name_panel,
    new_figure,
    place,
)

WORTH_DRAWING = 1e-3
"""Fields are drawn where the density is above this part of its maximum at that time."""
WITHIN = 1e-2
"""Limits are chosen for what lies where the density is above this part: near nodes forces grow without bound."""
MOST_TIMES = 4

DENSITY = "#DCE3EA"
POTENTIALS: tuple[tuple[str, str, str, Any], ...] = (
    ("electronic_energy", "mean electronic", "#0072B2", (0, (4, 1.6))),
    ("scalar_potential", "with Fubini–Study", "#D55E00", "solid"),
)
FORCES: tuple[tuple[str, str, str, Any], ...] = (
    ("total_force", "total", "#000000", "solid"),
    ("mean_force", "mean", "#0072B2", (0, (4, 1.6))),
    ("fubini_study_force", "Fubini–Study", "#D55E00", "solid"),
    ("quantum_force", "quantum", "#009E73", (0, (1.4, 1.2))),
)
COMPONENTS: tuple[tuple[str, str, Any], ...] = (
    ("$s_x$", "#0072B2", "solid"),
    ("$s_y$", "#D55E00", (0, (4, 1.6))),
    ("$s_z$", "#000000", "solid"),
)
ALL_FORCES = Need(("density", *(name for name, *_ in (*POTENTIALS, *FORCES)), "adiabatic_energy"), ALONG_ONE)
BLOCH_VECTOR = Need(
    ("density", "conditional_density"),
    (*ALONG_ONE, Size("level", 2, 2, "two levels, but the dataset has {size}")),
)


def forces(fields: Any, times: Sequence[float] | None = None):
    """Potentials and forces on the elements of the fluid over the density, one column a time.

    `fields`: the dataset of `bk.analysis.conditional_fields`, one coordinate. `times`: up to four of its times. Raises
    `InvalidInput` if the dataset is another one.
    """
    moments = _moments(fields, "forces", times, ALL_FORCES)
    figure, panels = _columns(fields, moments, rows=2)
    for energy, force in panels:
        energy.tick_params(labelbottom=False)
        force.axhline(0, color=FAINT, linewidth=0.7, zorder=2)
    for (energy, force), moment in zip(panels, moments, strict=True):
        seen, position = _worth_drawing(moment), moment["node_0"].values
        for level in moment["adiabatic_energy"].transpose("level", "node_0").values:
            energy.plot(position, level, color=FAINT, linewidth=0.9, zorder=3)
        for name, _, colour, dashes in POTENTIALS:
            values = np.where(seen, moment[name].values, np.nan)
            energy.plot(position, values, color=colour, linestyle=dashes, linewidth=1.7, zorder=4)
        for name, _, colour, dashes in FORCES:
            values = np.where(seen, moment[name].values[0], np.nan)
            wide = 2.4 if name == "total_force" else 1.5
            force.plot(position, values, color=colour, linestyle=dashes, linewidth=wide, zorder=4)
    _same_height([row[0] for row in panels], moments, [name for name, *_ in POTENTIALS], "adiabatic_energy")
    _same_height([row[1] for row in panels], moments, [name for name, *_ in FORCES])
    _fill_densities(panels, moments)
    panels[0][0].set_ylabel("energy (hartree)", fontsize=TEXT, color=INK)
    panels[0][1].set_ylabel("force (hartree/bohr)", fontsize=TEXT, color=INK)
    _labels(panels[-1][0], [(label, colour) for _, label, colour, _ in POTENTIALS] + [("adiabatic", FAINT)])
    _labels(panels[-1][1], [(label, colour) for _, label, colour, _ in FORCES])
    return figure


def bloch(fields: Any, times: Sequence[float] | None = None):
    r"""The Bloch vector of the conditional density operator over the density, one column a time: $s_z=1$ is the
    diabatic level 0. For two levels and one coordinate; arguments as in `forces`, and the same error.
    """
    moments = _moments(fields, "bloch", times, BLOCH_VECTOR)
    figure, panels = _columns(fields, moments, rows=1)
    for (axes,), moment in zip(panels, moments, strict=True):
        axes.axhline(0, color=FAINT, linewidth=0.7, zorder=2)
        seen, position = _worth_drawing(moment), moment["node_0"].values
        matrix = moment["conditional_density"].transpose("level", "level_", "node_0").values
        vector = (2 * matrix[0, 1].real, -2 * matrix[0, 1].imag, (matrix[0, 0] - matrix[1, 1]).real)
        for (_, colour, dashes), values in zip(COMPONENTS, vector, strict=True):
            drawn = np.where(seen, values, np.nan)
            axes.plot(position, drawn, color=colour, linestyle=dashes, linewidth=1.6, zorder=4)
        axes.set_ylim(-1.08, 1.08)
    _fill_densities(panels, moments)
    panels[0][0].set_ylabel("Bloch vector", fontsize=TEXT, color=INK)
    _labels(panels[-1][0], [(label, colour) for label, colour, _ in COMPONENTS])
    return figure


def _moments(fields: Any, figure: str, times: Sequence[float] | None, need: Need) -> list[Any]:
    """The dataset at each of the times to draw."""
    require(fields, figure, need)
    clock = fields["time"].values
    wanted = clock if times is None else np.asarray(times, dtype=float)
    if len(wanted) > MOST_TIMES:
        raise InvalidInput(
            f"The figure `{figure}` has room for {MOST_TIMES} times, got {len(wanted)}; choose `times`."
        )
    return [fields.isel(time=int(np.argmin(np.abs(clock - moment)))) for moment in wanted]


def _worth_drawing(moment: Any, part: float = WORTH_DRAWING) -> np.ndarray:
    density = moment["density"].values
    return moment["resolved"].values & (density > part * density.max())


def _columns(fields: Any, moments: Sequence[Any], rows: int):
    """A figure with a column of panels for each time, all with the same stretch of the coordinate."""
    left, gap, between, width, height = 0.85, 0.16, 0.16, 6.4 / max(len(moments), 2), 2.1
    total = HEADER + 0.3 + rows * height + (rows - 1) * between + 0.55
    figure = new_figure(left + len(moments) * (width + gap) + LABELS + 0.15, total)
    seen = np.any([_worth_drawing(moment) for moment in moments], axis=0)
    visited = fields["node_0"].values[seen]
    panels = []
    for column, moment in enumerate(moments):
        start, top = left + column * (width + gap), total - HEADER - 0.3
        stack = []
        for row in range(rows):
            upper = top - row * (height + between)
            axes = place(figure, start, upper - height, start + width, upper)
            axes.set_xlim(visited[0], visited[-1])
            axes.tick_params(labelleft=column == 0)
            axes.locator_params(axis="x", nbins=6)
            stack.append(axes)
        name_panel(stack[0], f"t = {float(moment['time']):g}")
        stack[-1].set_xlabel("position (bohr)", fontsize=TEXT, color=INK)
        panels.append(tuple(stack))
    header(figure, left, title_of(fields), subtitle_of(fields) + "  ·  shaded: density")
    return figure, panels


def _same_height(row: Sequence[Any], moments: Sequence[Any], names: Sequence[str], *levels: str) -> None:
    """One vertical scale for all columns, which holds the fields where there is density, and these levels of energy."""
    values = [
        moment[name].values[..., _worth_drawing(moment, WITHIN)] for moment in moments for name in names
    ]
    values += [
        moment[name].transpose("level", "node_0").values[:2, _worth_drawing(moment, WITHIN)]
        for moment in moments
        for name in levels
    ]
    low, high = min(v.min() for v in values), max(v.max() for v in values)
    margin = 0.1 * (high - low) if high > low else 1.0
    for axes in row:
        axes.set_ylim(low - margin, high + margin)


def _fill_densities(panels: Sequence[Sequence[Any]], moments: Sequence[Any]) -> None:
    """The density from the bottom of each panel, on one scale, four fifths of the height at most."""
    highest = max(float(moment["density"].max()) for moment in moments)
    for column, moment in zip(panels, moments, strict=True):
        for axes in column:
            low, high = axes.get_ylim()
            hill = low + 0.8 * (high - low) * moment["density"].values / highest
            axes.fill_between(moment["node_0"].values, low, hill, color=DENSITY, linewidth=0, zorder=1)
            axes.set_ylim(low, high)


def _labels(axes, named: Sequence[tuple[str, str]]) -> None:
    """Names beside the lines' ends in the last column, in the order of their last values."""
    low, high = axes.get_ylim()
    lines = [line for line in axes.lines if len(line.get_xdata()) > 2]
    ends = []
    for label, colour in named:
        own = next(line for line in lines if line.get_color() == colour)
        drawn = np.asarray(own.get_ydata(), dtype=float)
        last = drawn[np.isfinite(drawn)][-1]
        ends.append((float(np.clip(last, low, high)), label, colour))
    direct_labels(axes, ends, size=SMALL)
