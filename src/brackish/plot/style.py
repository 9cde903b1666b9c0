"""How every figure looks: colours, axes, bands, and labels that stand beside their lines.

matplotlib is imported where it is used, and never through pyplot: figures belong to nobody's global state.
"""

import io
import re
import textwrap
import zlib
from collections.abc import Iterable, Sequence
from functools import partial
from typing import Any

import numpy as np

from brackish.plot.reading import Run, in_words

FEMTOSECONDS = 0.02418884326586
"""One atomic unit of time in femtoseconds (CODATA 2018)."""

COLOURS = {
    "Exact": "#000000",
    "Ehrenfest": "#0072B2",
    "SurfaceHopping": "#D55E00",
    "MeanField": "#009E73",
    "BornOppenheimer": "#CC79A7",
}
"""One colour a theory, in all figures: the palette of Okabe and Ito, safe for colour-blind readers."""
OTHER_COLOURS = ("#E69F00", "#56B4E9", "#8C564B", "#7A68A6", "#8A8D00", "#5F6B6D")
"""For other theories; which one depends on the name alone, unless two would share it in one figure."""
DASHES = ("solid", (0, (5, 1.6)), (0, (1.4, 1.4)), (0, (5, 1.4, 1.2, 1.4)))
"""The same theory with other options ("SurfaceHopping 2") keeps its colour and changes its dashes."""
LEVEL_COLOURS = ("#5E4FA2", "#B8407E", "#3D8B8B", "#B07C1E", "#6B6B6B", "#7FA03A")

INK, FAINT, GRID = "#222222", "#6E6E6E", "#E4E4E4"
TEXT, SMALL = 9.0, 8.0
HEADER = 0.64
"""Inches that a title takes above the panels."""
LABELS = 1.3
"""Inches that labels take beside a panel."""
LINE = 0.155
"""Inches a line of a caption takes."""
CAPTION_LETTER = 0.066
"""Inches a letter of a caption takes, on average."""
CAPTION_GAP = 0.62
"""Inches between the lowest axes and a caption, for their tick labels and name."""
RESOLUTION = 160
LABEL_GAP = 13
"""Points between axes and the labels beside them."""
MARGIN = 0.1
"""Inches that stay free at the right edge."""


def colours_of(runs: Sequence[Run]) -> dict[str, Any]:
    """A colour for each name of a theory."""
    chosen: dict[str, Any] = {}
    taken: dict[str, str] = {}
    for run in runs:
        kind = _kind(run.name)
        if kind not in taken:
            taken[kind] = COLOURS.get(kind) or _other_colour(kind, set(taken.values()))
        chosen[run.name] = taken[kind]
    return chosen


def dashes_of(name: str) -> Any:
    """The dashes of a theory: solid, unless its name carries a number."""
    number = re.search(r" (\d+)$", name)
    return DASHES[(int(number.group(1)) - 1) % len(DASHES)] if number else DASHES[0]


def _kind(name: str) -> str:
    return re.sub(r" \d+$", "", name)


def _other_colour(kind: str, taken: set[str]) -> str:
    start = zlib.crc32(kind.encode())
    for offset in range(len(OTHER_COLOURS)):
        colour = OTHER_COLOURS[(start + offset) % len(OTHER_COLOURS)]
        if colour not in taken:
            return colour
    return OTHER_COLOURS[start % len(OTHER_COLOURS)]


def new_figure(width: float, height: float):
    """An empty figure of this size in inches, which also shows itself in a notebook."""
    from matplotlib.backends.backend_agg import FigureCanvasAgg
    from matplotlib.figure import Figure

    figure = Figure(figsize=(width, height), dpi=RESOLUTION, facecolor="white")
    FigureCanvasAgg(figure)
    # notebooks know how to show figures of pyplot alone
    figure._repr_png_ = partial(_as_png, figure)  # type: ignore[attr-defined]
    return figure


def _as_png(figure) -> bytes:
    buffer = io.BytesIO()
    figure.savefig(buffer, format="png")
    return buffer.getvalue()


def place(figure, left: float, bottom: float, right: float, top: float):
    """Axes whose edges lie at these distances in inches from the left and the bottom of the figure."""
    width, height = figure.get_size_inches()
    axes = figure.add_axes((left / width, bottom / height, (right - left) / width, (top - bottom) / height))
    axes.grid(True, color=GRID, linewidth=0.6)
    axes.set_axisbelow(True)
    axes.tick_params(labelsize=SMALL, color=FAINT, labelcolor=INK, length=3, width=0.7)
    for side, spine in axes.spines.items():
        spine.set_visible(side in ("left", "bottom"))
        spine.set_color(FAINT)
        spine.set_linewidth(0.7)
    return axes


def stack(figure, left: float, bottom: float, right: float, top: float, count: int, gap: float = 0.3):
    """`count` axes above each other in this place, first on top; the lowest alone has tick labels below."""
    height = (top - bottom - gap * (count - 1)) / count
    panels = []
    for row in range(count):
        base = bottom + (count - 1 - row) * (height + gap)
        panels.append(place(figure, left, base, right, base + height))
        panels[-1].tick_params(labelbottom=row == count - 1)
    return panels


def header(figure, left: float, title: str, subtitle: str = "") -> None:
    """What was run, above everything; `left` in inches. A long line gets smaller letters rather than an end cut off."""
    width, height = figure.get_size_inches()
    first = figure.text(
        left / width, 1 - 0.24 / height, title, fontsize=12, weight="bold", color=INK, va="center"
    )
    second = figure.text(
        left / width, 1 - 0.48 / height, subtitle, fontsize=SMALL + 0.5, color=FAINT, va="center"
    )
    for text in (first, second):
        room, wanted = width - left - MARGIN, _right_end(figure, text) - left
        if wanted > room:
            text.set_fontsize(text.get_fontsize() * room / wanted)


def _right_end(figure, text) -> float:
    """Where a text ends, in inches from the left of the figure."""
    box = text.get_window_extent(figure.canvas.get_renderer())
    return box.x1 / figure.dpi


def room_for_labels(runs: Sequence[Run]) -> float:
    """Inches that the names of theories take beside a panel: `LABELS`, or what the longest needs."""
    from matplotlib.textpath import TextPath

    longest = max(
        (TextPath((0, 0), in_words(run.name), size=SMALL + 0.5).get_extents().width for run in runs),
        default=0.0,
    )
    return max(LABELS, (longest + LABEL_GAP) / 72 + MARGIN)


def make_room(figure, texts: Iterable[Any]) -> None:
    """A figure wide enough for texts that would end beyond its right edge; nothing in it moves."""
    width, height = figure.get_size_inches()
    needed = max((_right_end(figure, text) for text in texts), default=0.0) + MARGIN
    if needed <= width:
        return
    kept = width / needed
    for axes in figure.axes:
        place_ = axes.get_position()
        axes.set_position((place_.x0 * kept, place_.y0, place_.width * kept, place_.height))
    for text in figure.texts:
        text.set_x(text.get_position()[0] * kept)
    figure.set_size_inches(needed, height)


def caption_lines(caption: str, width: float) -> list[str]:
    """A caption broken into lines of a width in inches; equations are not broken at their signs."""
    unbroken = caption.replace(" = ", "\u00a0=\u00a0").replace(" − ", "\u00a0−\u00a0")
    return textwrap.wrap(unbroken, int(width / CAPTION_LETTER)) if caption else []


def caption_height(lines: Sequence[str]) -> float:
    """Inches that lines of a caption take below the axes, beyond what their labels need."""
    return 0.12 + LINE * len(lines) if lines else 0.0


def write_caption(figure, left: float, bottom: float, lines: Sequence[str]) -> None:
    """Lines below the axes, whose lower edge is at `bottom`; inches."""
    width, height = figure.get_size_inches()
    for number, line in enumerate(lines):
        level = (bottom - CAPTION_GAP - LINE * number) / height
        figure.text(left / width, level, line, fontsize=SMALL, color=INK, va="top")


def name_panel(axes, text: str) -> None:
    """A short name above the left corner."""
    axes.set_title(text, loc="left", fontsize=TEXT, color=INK, pad=5)


def name_within(axes, text: str) -> None:
    """A short name inside the right upper corner."""
    place_ = {"xy": (1, 1), "xytext": (-5, -3), "xycoords": "axes fraction", "textcoords": "offset points"}
    white = {"facecolor": "white", "alpha": 0.7, "linewidth": 0, "pad": 0.5}
    axes.annotate(text, **place_, fontsize=SMALL, color=FAINT, ha="right", va="top", bbox=white)


def time_axis(axes, run: Run, label: bool = True, femtoseconds: bool = False) -> None:
    """Limits and label of the time axis of a run; femtoseconds above, if wanted and if the run has any."""
    first, last = float(run.time[0]), float(run.time[-1])
    axes.set_xlim(first, last if last > first else first + 1.0)
    axes.locator_params(axis="x", nbins=6)
    if label:
        axes.set_xlabel(run.clock, fontsize=TEXT, color=INK)
    if femtoseconds and run.physical:
        above = axes.secondary_xaxis("top", functions=(_in_femtoseconds, _in_atomic_units))
        above.tick_params(labelsize=SMALL, color=FAINT, labelcolor=FAINT, length=3, width=0.7)
        above.spines["top"].set_visible(False)
        above.set_xlabel("time (fs)", fontsize=SMALL, color=FAINT, labelpad=3)


def _in_femtoseconds(time):
    return np.asarray(time) * FEMTOSECONDS


def _in_atomic_units(time):
    return np.asarray(time) / FEMTOSECONDS


def draw_runs(axes, runs: Sequence[Run], variable: str, **chosen: int) -> list[tuple[float, str, Any]]:
    """One line a theory over time, with a band of one standard error where one is known.

    `chosen`: the entries of further dimensions. Returns what `direct_labels` needs: last value, name, colour.
    """
    colours = colours_of(runs)
    ends = []
    for run in runs:
        if not run.has(variable):
            continue
        values = run.data[variable].isel(chosen).transpose("time").values
        colour, exact = colours[run.name], _kind(run.name) == "Exact"
        known = np.isfinite(values)
        errors = run.data.get(variable + "_standard_error")
        if errors is not None:
            errors = errors.isel(chosen).transpose("time").values
            banded = known & np.isfinite(errors)
            if np.any(errors[banded] > 0):
                axes.fill_between(
                    run.time,
                    values - errors,
                    values + errors,
                    where=banded,
                    color=colour,
                    alpha=0.2,
                    linewidth=0,
                    zorder=2,
                )
        # the exact line is the widest and lies lowest, so that what agrees with it is seen on it
        axes.plot(
            run.time,
            values,
            color=colour,
            linestyle=dashes_of(run.name),
            linewidth=2.6 if exact else 1.5,
            zorder=3 if exact else 4,
            solid_capstyle="butt",
        )
        if known.any():
            ends.append((float(values[known][-1]), in_words(run.name), colour))
    return ends


def frame_values(axes, least: float = 0.02, floor: float | None = None, ceiling: float | None = None) -> None:
    """Vertical limits just beyond lines and bands, at least `least` apart; floor and ceiling hold them."""
    drawn = [np.asarray(line.get_ydata(), dtype=float) for line in axes.lines]
    drawn += [path.vertices[:, 1] for band in axes.collections for path in band.get_paths()]
    values = np.concatenate(drawn or [np.zeros(0)])
    values = values[np.isfinite(values)]
    if values.size == 0:
        return
    low, high = float(values.min()), float(values.max())
    if high - low < least:
        middle = 0.5 * (low + high)
        low, high = middle - 0.5 * least, middle + 0.5 * least
    margin = 0.06 * (high - low)
    low, high = low - margin, high + margin
    if floor is not None:
        low = max(low, floor - margin)
    if ceiling is not None:
        high = min(high, ceiling + margin)
    axes.set_ylim(low, high)


def direct_labels(axes, ends: Iterable[tuple[float, str, Any]], size: float = SMALL + 0.5) -> None:
    """Names to the right of the axes, each beside the end of its line, moved apart where they would overlap.

    `ends`: (value, text, colour). To be called when the limits are final.
    """
    figure = axes.figure
    height = axes.get_position().height * figure.get_size_inches()[1] * 72
    low, high = axes.get_ylim()
    shown = sorted(
        # rounded, so that the order of equal ends depends on the names alone
        (round(float(np.clip((end - low) / (high - low), 0, 1)), 3), text, colour)
        for end, text, colour in ends
    )
    wanted = np.array([level for level, _, _ in shown])
    places = spread_apart(wanted, 1.35 * size / height, lowest=0.5 * size / height)
    width = axes.get_position().width * figure.get_size_inches()[0] * 72
    labels = [
        axes.annotate(
            text,
            xy=(1 + 1.5 / width, level),
            xytext=(1 + LABEL_GAP / width, place_),
            xycoords="axes fraction",
            textcoords="axes fraction",
            color=colour,
            fontsize=size,
            va="center",
            ha="left",
            annotation_clip=False,
            arrowprops={
                "arrowstyle": "-",
                "color": colour,
                "linewidth": 0.7,
                "shrinkA": 1,
                "shrinkB": 0,
                "relpos": (0, 0.5),
            },
        )
        for (level, text, colour), place_ in zip(shown, places, strict=True)
    ]
    make_room(figure, labels)


def spread_apart(wanted: np.ndarray, distance: float, lowest: float = 0.0) -> np.ndarray:
    """Places in rising order as near as possible to the `wanted` ones (sorted), at least `distance` apart.

    Least squares under the constraint, by pooling neighbours that press on each other (isotonic regression);
    between `lowest` and 1 if there is room.
    """
    offsets = distance * np.arange(len(wanted))
    pools: list[list[float]] = []  # mean, count
    for value in wanted - offsets:
        pools.append([value, 1])
        while len(pools) > 1 and pools[-2][0] > pools[-1][0]:
            mean, count = pools.pop()
            other, size = pools[-1]
            pools[-1] = [(mean * count + other * size) / (count + size), count + size]
    flat = np.array([mean for mean, count in pools for _ in range(int(count))])
    highest = 1 - distance * (len(flat) - 1)
    if highest < lowest:
        return offsets + 0.5 * highest
    return np.clip(flat, lowest, highest) + offsets
