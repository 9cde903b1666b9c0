"""Magnets over time: a spin's direction under several theories, correlations of two spins, nonlocality.

Each figure takes a dataset, or panels by name with runs by name in each, so that one figure may hold several systems.
"""

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from brackish.errors import InvalidInput
from brackish.plot.reading import Need, in_words, require, subtitle_of, title_of
from brackish.plot.style import (
    DASHES,
    FAINT,
    HEADER,
    INK,
    LABELS,
    SMALL,
    TEXT,
    caption_height,
    caption_lines,
    direct_labels,
    draw_runs,
    frame_values,
    header,
    name_panel,
    new_figure,
    place,
    stack,
    time_axis,
    write_caption,
)

Panels = Mapping[str, Mapping[str, Any]]
"""Panels by name; in each of them datasets by name. Where a dataset is given, its theories are the runs."""

COMPONENTS = (("x", "#0072B2"), ("y", "#D55E00"), ("z", "#000000"))
LENGTH = "#9A9A9A"
ORDERED = ("#000000", "#0072B2", "#D55E00", "#009E73", "#CC79A7", "#E69F00", "#56B4E9")
DIRECTIONS = Need(("spin_direction",))
MAGNETIZATION = Need(("magnetization", "energy"))
CORRELATIONS = Need(("correlation_matrix",))
NONLOCALITY = Need(("bell_nonlocality",))
WORTH_NAMING = 5e-3
"""Correlations below this at all times share one label."""


def spin_components(panels: Panels | Any, spin: int = 0, title: str = "", caption: str = ""):
    """The components of one spin's direction over time, and the length of the first run's, grey.

    `panels`: a dataset, or panels of datasets, with `spin_direction`; the first run of a panel is drawn solid, the
    others dashed and dotted. Raises `InvalidInput` for datasets that lack it, and for a spin that is not there.
    """
    title = title or _title(panels)
    panels = _by_panel("spin_components", panels, DIRECTIONS)
    figure, places = _panels(panels, title, "", caption, columns=2)
    everything = []
    for axes, (_, runs) in places:
        ends: list[tuple[float, str, str]] = []
        for number, dataset in enumerate(runs.values()):
            directions = dataset["spin_direction"].transpose("time", "spin", "axis").values
            if not 0 <= spin < directions.shape[1]:
                raise InvalidInput(f"There is no spin {spin}: the magnet has {directions.shape[1]}.")
            time, vector = dataset["time"].values, directions[:, spin]
            if number == 0:
                length = np.linalg.norm(vector, axis=1)
                axes.plot(time, length, color=LENGTH, linewidth=2.2, zorder=2)
                ends.append((float(length[-1]), "length", LENGTH))
            style = {"linestyle": DASHES[number % len(DASHES)], "linewidth": 1.1 if number else 1.7}
            for values, (name, colour) in zip(vector.T, COMPONENTS, strict=True):
                axes.plot(time, values, color=colour, zorder=4 if number == 0 else 3, **style)
                if number == 0:
                    ends.append((float(values[-1]), name, colour))
        everything.append((axes, ends))
    lowest = min(float(line.get_ydata().min()) for axes, _ in everything for line in axes.lines[1:])
    for axes, ends in everything:
        axes.set_ylim(max(-1.0, lowest) - 0.06, 1.06)
        direct_labels(axes, ends, size=SMALL)
    _name_lines(figure, list(next(iter(panels.values()))))
    _name_vertical(places, f"spin {spin + 1}")
    return figure


def magnet(dataset: Any):
    """The magnetization, by components, and the energy, for all theories.

    Raises `InvalidInput` if the dataset has no `magnetization` or no `energy`.
    """
    runs = require(dataset, "magnet", MAGNETIZATION)
    left, width, height, gap = 0.8, 5.6, 5.6, 0.22
    total = HEADER + 0.2 + height + 0.55
    figure = new_figure(left + width + LABELS, total)
    panels = stack(figure, left, 0.55, left + width, 0.55 + height, count=4, gap=gap)
    clock, energy = dataset["time"].attrs.get("units", "1"), dataset["energy"].attrs.get("units", "1")
    drawn = [("magnetization", {"axis": number}, f"$m_{axis}$") for number, axis in enumerate("xyz")]
    for axes, (variable, chosen, label) in zip(
        panels, [*drawn, ("energy", {}, f"energy ({energy})")], strict=True
    ):
        ends = draw_runs(axes, runs, variable, **chosen)
        frame_values(axes)
        time_axis(axes, runs[0], label=False)
        axes.set_ylabel(label, fontsize=TEXT, color=INK)
        direct_labels(axes, ends)
    panels[-1].set_xlabel(f"time ({clock})", fontsize=TEXT, color=INK)
    # the level of a start of spins alone is always the only one
    start = subtitle_of(dataset, runs, "magnetization").replace(", diabatic level 0", "")
    header(figure, left, title_of(dataset), start)
    return figure


def correlations(panels: Panels | Any, title: str = "", subtitle: str = "", caption: str = ""):
    r"""The correlations $T_{kl}=\langle\sigma_k\otimes\sigma_l\rangle$ of two spins over time: diagonal ones solid, the
    others dashed, $T_{kl}$ and $T_{lk}$ in one colour. Those that stay at zero are not drawn.

    `panels`: a dataset, or panels of one dataset each, with `correlation_matrix`. Raises `InvalidInput` if one lacks
    it.
    """
    title = title or _title(panels)
    by_panel = _by_panel("correlations", panels, CORRELATIONS)
    if len(by_panel) == 1:
        by_panel = {run or name: {run: data} for name, runs in by_panel.items() for run, data in runs.items()}
    figure, places = _panels(by_panel, title, subtitle, caption)
    pairs = {(0, 1): "#0072B2", (0, 2): "#E69F00", (1, 2): "#009E73"}
    diagonal = ("#000000", "#D55E00", "#CC79A7")
    for axes, (_, runs) in places:
        dataset = next(iter(runs.values()))
        matrix = dataset["correlation_matrix"].values
        ends = []
        for k in range(3):
            for other in range(3):
                values = matrix[:, k, other]
                if np.max(np.abs(values)) < WORTH_NAMING:
                    continue
                colour = diagonal[k] if k == other else pairs[min(k, other), max(k, other)]
                dashes = DASHES[0] if k == other else DASHES[1 if k < other else 2]
                axes.plot(dataset["time"].values, values, color=colour, linestyle=dashes, linewidth=1.6)
                ends.append((float(values[-1]), f"$T_{{{'xyz'[k]}{'xyz'[other]}}}$", colour))
        axes.set_ylim(-1.06, 1.06)
        direct_labels(axes, ends, size=SMALL)
    _name_vertical(places, "correlation")
    return figure


def nonlocality(panels: Panels | Any, title: str = "", subtitle: str = "", caption: str = ""):
    r"""Bell nonlocality $\mathcal B$ of two spins over time, one line a run.

    `panels`: a dataset, or panels of datasets, with `bell_nonlocality`. Raises `InvalidInput` if one lacks it.
    """
    title = title or _title(panels)
    panels = _by_panel("nonlocality", panels, NONLOCALITY)
    figure, places = _panels(panels, title, subtitle, caption)
    for axes, (_, runs) in places:
        ends = []
        for number, (name, dataset) in enumerate(runs.items()):
            colour = ORDERED[number % len(ORDERED)]
            values = dataset["bell_nonlocality"].values
            dashes = DASHES[number % len(DASHES)]
            axes.plot(dataset["time"].values, values, color=colour, linestyle=dashes, linewidth=1.7)
            ends.append((float(values[-1]), name, colour))
        axes.set_ylim(-0.04, 1.06)
        direct_labels(axes, ends)
    _name_vertical(places, r"nonlocality $\mathcal{B}$")
    return figure


def _title(panels: Panels | Any) -> str:
    return title_of(panels) if hasattr(panels, "data_vars") else "A magnet"


def _by_panel(figure: str, panels: Panels | Any, need: Need) -> Panels:
    """Panels of runs that have what the figure needs; one panel with all theories, if a dataset is given."""
    if hasattr(panels, "data_vars"):
        return {"": {in_words(run.name): run.data for run in require(panels, figure, need)}}
    if not panels or not all(panels.values()):
        raise InvalidInput(f"The figure `{figure}` needs at least one panel with one run.")
    for runs in panels.values():
        for dataset in runs.values():
            require(dataset, figure, need)
    return panels


def _panels(panels: Panels, title: str, subtitle: str, caption: str, columns: int = 1):
    """A figure with a grid of axes over time, one for each panel, and the caption below."""
    columns = min(columns, len(panels))
    rows, height = -(-len(panels) // columns), (1.9 if columns > 1 else 2.3)
    left, width, gap, between = 0.7, (3.0 if columns > 1 else 5.6), 1.0, 0.45
    wide = left + columns * (width + gap) + (0.0 if columns > 1 else LABELS - gap)
    lines = caption_lines(caption, wide - left - 0.15)
    foot = 0.55 + caption_height(lines)
    total = HEADER + 0.3 + rows * height + (rows - 1) * between + foot
    figure = new_figure(wide, total)
    header(figure, left, title, subtitle)
    write_caption(figure, left, foot, lines)
    places = []
    for number, (name, runs) in enumerate(panels.items()):
        row, column = divmod(number, columns)
        start, top = left + column * (width + gap), total - HEADER - 0.3 - row * (height + between)
        axes = place(figure, start, top - height, start + width, top)
        clock = next(iter(runs.values()))["time"]
        axes.set_xlim(float(clock[0]), float(clock[-1]))
        axes.locator_params(axis="x", nbins=6)
        axes.axhline(0, color=FAINT, linewidth=0.7, zorder=1)
        lowest = number + columns >= len(panels)
        axes.tick_params(labelbottom=lowest, labelleft=column == 0)
        if lowest:
            axes.set_xlabel(f"time ({clock.attrs.get('units', '1')})", fontsize=TEXT, color=INK)
        name_panel(axes, name)
        places.append((axes, (column, runs)))
    return figure, places


def _name_vertical(places: Sequence[Any], text: str) -> None:
    for axes, (column, _) in places:
        if column == 0:
            axes.set_ylabel(text, fontsize=TEXT, color=INK)


def _name_lines(figure, names: Sequence[str]) -> None:
    """What solid, dashed and dotted lines are, below the title."""
    from matplotlib.lines import Line2D

    width, height = figure.get_size_inches()
    styles: list[Any] = [DASHES[number % len(DASHES)] for number in range(len(names))]
    lines = [
        Line2D([], [], color=INK, linestyle=style, linewidth=1.1 if number else 1.7)
        for number, style in enumerate(styles)
    ]
    figure.legend(
        lines,
        names,
        loc="center left",
        bbox_to_anchor=(0.7 / width, 1 - 0.48 / height),
        ncols=len(names),
        frameon=False,
        fontsize=SMALL,
        labelcolor=FAINT,
        borderaxespad=0,
        borderpad=0,
        handlelength=2.6,
    )
