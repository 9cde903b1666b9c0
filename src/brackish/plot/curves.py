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
    direct_labels,
    frame_values,
    header,
    new_figure,
    place,
    stack,
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
    bands: Mapping[str, float] | None = None,
    logarithmic: bool = False,
):
    """One panel for each entry of `panels`, the first on top: its vertical label, with a unit, and its lines by name,
    each (N,) like the `variable`; what is not finite is left out. A name keeps its colour in all panels.

    `label`: of the horizontal axis. `bands`: for a panel, half the width of a band around zero, such as a standard
    deviation. `logarithmic`: the horizontal axis. Raises `InvalidInput` if a line is not as long as the variable.
    """
    variable = np.asarray(variable)
    names = list(dict.fromkeys(name for lines in panels.values() for name in lines))
    height = BOTTOM + len(panels) * PANEL + HEADER
    figure = new_figure(WIDTH, height)
    axes = stack(figure, LEFT, BOTTOM, WIDTH - LABELS - 0.3, height - HEADER, count=len(panels), gap=0.2)
    for panel, (words, lines) in zip(axes, panels.items(), strict=True):
        half = (bands or {}).get(words)
        if half is not None:
            panel.axhspan(-half, half, color=FAINT, alpha=0.2, linewidth=0)
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
        if logarithmic:
            panel.set_xscale("log")
        panel.set_xlim(variable[0], variable[-1])
        frame_values(panel)
        panel.set_ylabel(words, fontsize=TEXT, color=INK)
        direct_labels(panel, ends)
    axes[-1].set_xlabel(label, fontsize=TEXT, color=INK)
    header(figure, LEFT, title, subtitle)
    return figure


def pole_map(strength: Any, poles: Any, *, label: str, title: str, subtitle: str = ""):
    """Where the poles of a response lie in the complex plane, in atomic units, as a parameter grows.

    `poles`: (S, P), complex, in any order; `strength`: (S,), the parameter, rising, with its `label`. The first row is
    drawn as open circles. Every pole has a pale mirror image at its complex conjugate.

    Raises `InvalidInput` if there is not one row of poles for each value.
    """
    strength, poles = np.asarray(strength), np.asarray(poles)
    if poles.ndim != 2 or poles.shape[0] != strength.size:
        raise InvalidInput(
            f"Poles must have a row for each of {strength.size} values, got shape {poles.shape}."
        )
    figure = new_figure(7.4, 4.4)
    axes = place(figure, LEFT, BOTTOM, 6.0, 4.4 - HEADER - 0.1)
    axes.axhline(0.0, color=FAINT, linewidth=0.9)
    axes.axvline(0.0, color=FAINT, linewidth=0.9)
    colours = np.repeat(strength, poles.shape[1])
    flat = poles.ravel()
    axes.scatter(flat.real, -flat.imag, c=colours, s=7, cmap="viridis", alpha=0.25, linewidth=0)
    drawn = axes.scatter(flat.real, flat.imag, c=colours, s=9, cmap="viridis", linewidth=0)
    axes.scatter(poles[0].real, poles[0].imag, s=46, facecolor="none", edgecolor=INK, linewidth=1.1, zorder=4)
    axes.set_xlabel(r"Re $\omega$ (atomic units)", fontsize=TEXT, color=INK)
    axes.set_ylabel(r"Im $\omega$ (atomic units)", fontsize=TEXT, color=INK)
    white = {"facecolor": "white", "alpha": 0.8, "linewidth": 0, "pad": 1.0}
    for height, words in ((0.97, "advanced"), (0.03, "retarded")):
        axes.text(
            0.5,
            height,
            words,
            transform=axes.transAxes,
            fontsize=SMALL,
            color=FAINT,
            ha="center",
            va="top" if height > 0.5 else "bottom",
            bbox=white,
        )
    width, tall = figure.get_size_inches()
    scale = figure.add_axes((6.2 / width, BOTTOM / tall, 0.14 / width, (tall - HEADER - 0.1 - BOTTOM) / tall))
    bar = figure.colorbar(drawn, cax=scale)
    bar.set_label(label, fontsize=TEXT, color=INK)
    bar.outline.set_visible(False)
    scale.tick_params(labelsize=SMALL, color=FAINT, labelcolor=INK, length=3, width=0.7)
    header(figure, LEFT, title, subtitle)
    return figure
