"""Curves of one variable, panel above panel, and poles in the complex plane: for answers in closed form."""

from collections.abc import Mapping
from typing import Any

import numpy as np

from brackish.errors import InvalidInput
from brackish.plot.style import (
    DASHES,
    FAINT,
    HEADER,
    INK,
    LABELS,
    OTHER_COLOURS,
    SMALL,
    TEXT,
    caption_height,
    caption_lines,
    direct_labels,
    frame_values,
    header,
    new_figure,
    place,
    stack,
    write_caption,
)

PANEL, WIDTH, LEFT, BOTTOM = 1.75, 8.2, 0.85, 0.55
PALETTE = ("#0072B2", "#D55E00", "#009E73", *OTHER_COLOURS)


def curves(
    variable: Any,
    panels: Mapping[str, Mapping[str, Any]],
    *,
    label: str,
    title: str,
    subtitle: str = "",
    caption: str = "",
    bands: Mapping[str, Any] | None = None,
    edges: Mapping[str, Any] | None = None,
    points: Mapping[str, Mapping[str, Any]] | None = None,
    logarithmic: bool = False,
):
    """One panel for each entry of `panels`, the first on top: its vertical label, with a unit, and its lines by name,
    each (N,) like the `variable`; what is not finite is left out. A name keeps its colour in all panels.

    `label`: of the horizontal axis. `caption`: below the figure. `bands`: for a panel, half the width of a band around
    zero, such as a standard deviation: a number, or one for each value of the variable. `edges`: the same, drawn as
    thin dashed lines. `points`: dots on lines, by panel and name of the line, each (horizontal, vertical).
    `logarithmic`: the horizontal axis. Raises `InvalidInput` if a line is not as long as the variable.
    """
    variable = np.asarray(variable)
    bands, edges, points = bands or {}, edges or {}, points or {}
    names = list(dict.fromkeys(name for lines in panels.values() for name in lines))
    lines_below = caption_lines(caption, WIDTH - LEFT - 0.15)
    bottom = BOTTOM + caption_height(lines_below)
    height = bottom + len(panels) * PANEL + HEADER
    figure = new_figure(WIDTH, height)
    axes = stack(figure, LEFT, bottom, WIDTH - LABELS - 0.3, height - HEADER, count=len(panels), gap=0.2)
    for panel, (words, lines) in zip(axes, panels.items(), strict=True):
        half = bands.get(words)
        if half is not None:
            half = np.broadcast_to(half, variable.shape)
            panel.fill_between(variable, -half, half, color=FAINT, alpha=0.2, linewidth=0)
        for sign in (1, -1) if words in edges else ():
            edge = sign * np.broadcast_to(edges[words], variable.shape)
            panel.plot(variable, edge, color=INK, linewidth=0.8, linestyle=DASHES[1], zorder=3)
        ends = []
        for name, values in lines.items():
            values = np.asarray(values, dtype=float)
            if values.shape != variable.shape:
                raise InvalidInput(
                    f"Curve '{name}' of curves must have the shape {variable.shape}, got {values.shape}."
                )
            index = names.index(name)
            values = np.where(np.isfinite(values), values, np.nan)
            colour = PALETTE[index % len(PALETTE)]
            dashes = DASHES[index % len(DASHES)] if len(lines) > 1 else DASHES[0]
            panel.plot(variable, values, linewidth=1.6, color=colour, linestyle=dashes)
            ends.append((float(values[np.isfinite(values)][-1]), name, colour))
            if name in points.get(words, {}):
                panel.plot(*points[words][name], "o", color=colour, markersize=5, zorder=5)
        if logarithmic:
            panel.set_xscale("log")
        panel.set_xlim(variable[0], variable[-1])
        frame_values(panel)
        panel.set_ylabel(words, fontsize=TEXT, color=INK)
        direct_labels(panel, ends)
    axes[-1].set_xlabel(label, fontsize=TEXT, color=INK)
    header(figure, LEFT, title, subtitle)
    write_caption(figure, LEFT, bottom, lines_below)
    return figure


def pole_map(
    strength: Any,
    poles: Any,
    expansion: Any = None,
    *,
    label: str,
    title: str,
    subtitle: str = "",
    caption: str = "",
    unit: str = "atomic units",
):
    """Where the poles of a response lie in the complex plane as a parameter grows.

    `poles`: (S, P), complex, in any order; `strength`: (S,), the parameter, rising, with its `label`. The first row is
    drawn as open circles. Every pole has a pale mirror image at its complex conjugate. `expansion`: (S, E), poles of an
    approximation, each column a line. `caption`: below the figure. `unit`: of the poles.

    Raises `InvalidInput` if there is not one row of poles for each value.
    """
    strength, poles = np.asarray(strength), np.asarray(poles)
    if poles.ndim != 2 or poles.shape[0] != strength.size:
        raise InvalidInput(
            f"Poles must have a row for each of {strength.size} values, got shape {poles.shape}."
        )
    lines = caption_lines(caption, 7.4 - LEFT - 0.15)
    bottom = BOTTOM + caption_height(lines)
    height = bottom + 3.85
    figure = new_figure(7.4, height)
    axes = place(figure, LEFT, bottom, 6.0, height - HEADER - 0.1)
    axes.axhline(0.0, color=FAINT, linewidth=0.9)
    axes.axvline(0.0, color=FAINT, linewidth=0.9)
    colours = np.repeat(strength, poles.shape[1])
    flat = poles.ravel()
    axes.scatter(flat.real, -flat.imag, c=colours, s=7, cmap="viridis", alpha=0.25, linewidth=0)
    drawn = axes.scatter(flat.real, flat.imag, c=colours, s=9, cmap="viridis", linewidth=0)
    axes.scatter(poles[0].real, poles[0].imag, s=46, facecolor="none", edgecolor=INK, linewidth=1.1, zorder=4)
    if expansion is not None:
        for column in np.asarray(expansion).T:
            axes.plot(column.real, column.imag, color=INK, linewidth=1.1, linestyle=DASHES[2], zorder=3)
    axes.set_xlabel(rf"Re $\omega$ ({unit})", fontsize=TEXT, color=INK)
    axes.set_ylabel(rf"Im $\omega$ ({unit})", fontsize=TEXT, color=INK)
    white = {"facecolor": "white", "alpha": 0.8, "linewidth": 0, "pad": 1.0}
    for level, words in ((0.97, "advanced"), (0.03, "retarded")):
        axes.text(
            0.5,
            level,
            words,
            transform=axes.transAxes,
            fontsize=SMALL,
            color=FAINT,
            ha="center",
            va="top" if level > 0.5 else "bottom",
            bbox=white,
        )
    tall = height - HEADER - 0.1 - bottom
    scale = figure.add_axes((6.2 / 7.4, bottom / height, 0.14 / 7.4, tall / height))
    bar = figure.colorbar(drawn, cax=scale)
    bar.set_label(label, fontsize=TEXT, color=INK)
    bar.outline.set_visible(False)
    scale.tick_params(labelsize=SMALL, color=FAINT, labelcolor=INK, length=3, width=0.7)
    header(figure, LEFT, title, subtitle)
    write_caption(figure, LEFT, bottom, lines)
    return figure
