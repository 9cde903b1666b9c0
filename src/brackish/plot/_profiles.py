"""Fields along one coordinate at several times, side by side."""

from collections.abc import Mapping
from typing import Any

import numpy as np

from brackish.errors import InvalidInput
from brackish.plot.style import (
    COLOURS,
    FAINT,
    HEADER,
    INK,
    OTHER_COLOURS,
    SMALL,
    TEXT,
    header,
    new_figure,
    place,
)

PANEL, GAP, LEFT, BOTTOM, HEIGHT = 2.35, 0.16, 0.75, 0.55, 2.2
DASHED = (0, (4, 1.8))


def profiles(
    position: Any,
    times: Any,
    curves: Mapping[str, Any],
    *,
    label: str,
    title: str,
    subtitle: str = "",
    density: Any = None,
):
    """One panel a time, one line a name. `position`: (N,), bohr; `times`: (T,), atomic units; each curve (T, N), not a
    number where there is nothing to draw. `label`: of the vertical axis, with its unit. `density`: (T, N), filled
    behind the lines, to a scale of its own.

    The first curve is solid, the others dashed on top of it, so that equal lines stay visible. Raises `InvalidInput`
    if a shape does not fit.
    """
    position, times = np.asarray(position), np.asarray(times)
    for name, values in {**curves, **({} if density is None else {"density": density})}.items():
        if np.shape(values) != (times.size, position.size):
            raise InvalidInput(
                f"Curve '{name}' of profiles must have the shape {(times.size, position.size)}, got {np.shape(values)}."
            )
    width = LEFT + times.size * (PANEL + GAP)
    figure = new_figure(width, BOTTOM + HEIGHT + HEADER + 0.3)
    low, high = _frame(list(curves.values()))
    for panel, time in enumerate(times):
        left = LEFT + panel * (PANEL + GAP)
        axes = place(figure, left, BOTTOM, left + PANEL, BOTTOM + HEIGHT)
        if density is not None:
            hill = low + 0.9 * (high - low) * density[panel] / np.max(density)
            axes.fill_between(position, low, hill, color=FAINT, alpha=0.25, linewidth=0, label="density")
        others = iter(OTHER_COLOURS)
        for index, (name, values) in enumerate(curves.items()):
            colour = COLOURS.get(name) or next(others)
            dashes, thick = ("solid", 1.8) if index == 0 else (DASHED, 1.6)
            axes.plot(position, values[panel], color=colour, linewidth=thick, linestyle=dashes, label=name)
        axes.set_xlim(position[0], position[-1])
        axes.set_ylim(low, high)
        unit = " (atomic units)" if panel == 0 else ""
        axes.set_title(f"t = {time:g}{unit}", loc="left", fontsize=TEXT, color=INK, pad=5)
        axes.set_xlabel("position (bohr)", fontsize=TEXT, color=INK)
        axes.tick_params(labelleft=panel == 0)
        if panel == 0:
            axes.set_ylabel(label, fontsize=TEXT, color=INK)
    lines, names = axes.get_legend_handles_labels()
    figure.legend(
        lines,
        names,
        loc="upper right",
        bbox_to_anchor=(1 - GAP / width, 1 - (HEADER - 0.1) / figure.get_figheight()),
        ncols=len(names),
        frameon=False,
        fontsize=SMALL,
        handlelength=2.6,
        borderpad=0,
    )
    header(figure, LEFT, title, subtitle)
    return figure


def _frame(curves) -> tuple[float, float]:
    """What all curves fit in, with a little room; from zero, if they do not go below it by far."""
    low, high = float(np.nanmin(curves)), float(np.nanmax(curves))
    room = 0.06 * (high - low) or 1.0
    return (0.0 if 0 <= low < 0.3 * high else low - room), high + room
