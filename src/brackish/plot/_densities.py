"""Densities on planes of phase space, at several times, with another answer drawn over them as lines."""

import dataclasses
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from brackish.errors import InvalidInput
from brackish.plot.style import (
    FAINT,
    HEADER,
    INK,
    SMALL,
    TEXT,
    caption_height,
    caption_lines,
    header,
    name_panel,
    new_figure,
    place,
    write_caption,
)

SIDE, GAP, BETWEEN, LEFT, BOTTOM, BAR = 1.62, 0.12, 0.62, 0.8, 0.5, 0.85
BANDS = 32
LEVELS = np.array([-0.75, -0.5, -0.25, -0.1, 0.1, 0.25, 0.5, 0.75])
"""Of the lines of the other answer, in its largest value."""


@dataclasses.dataclass(frozen=True)
class Plane:
    """A density on a plane over time: `values`, (T, H, V), at the nodes `horizontal`, (H,), and `vertical`, (V,), with
    their `labels`; `unit`: of the density. `other`: another answer, of the same shape. `limits`: how far from zero
    either axis is shown.
    """

    horizontal: Any
    vertical: Any
    values: Any
    other: Any
    labels: tuple[str, str]
    unit: str
    limits: tuple[float, float]


def densities(
    columns: Sequence[str],
    rows: Mapping[str, Plane],
    *,
    title: str,
    subtitle: str = "",
    caption: str = "",
):
    """A row for each plane, a column for each time with its name; one scale of colours a row, white at zero.

    The other answer is drawn as lines at a tenth, a quarter, a half and three quarters of its largest value, dashed
    where it is negative. Raises `InvalidInput` if a plane has not as many times as there are columns.
    """
    for name, plane in rows.items():
        if np.shape(plane.values)[0] != len(columns) or np.shape(plane.other) != np.shape(plane.values):
            raise InvalidInput(
                f"Plane '{name}' must hold {len(columns)} times, and another answer of the same shape, got "
                f"{np.shape(plane.values)} and {np.shape(plane.other)}."
            )
    width = LEFT + len(columns) * (SIDE + GAP) + BAR
    lines = caption_lines(caption, width - LEFT - 0.15)
    bottom = BOTTOM + caption_height(lines)
    height = bottom + len(rows) * SIDE + (len(rows) - 1) * BETWEEN + HEADER + 0.3
    figure = new_figure(width, height)
    for row, (name, plane) in enumerate(rows.items()):
        top = height - HEADER - 0.3 - row * (SIDE + BETWEEN)
        largest = float(np.max(np.abs(plane.values)))
        drawn = None
        for column, words in enumerate(columns):
            start = LEFT + column * (SIDE + GAP)
            axes = place(figure, start, top - SIDE, start + SIDE, top)
            nodes = (np.asarray(plane.horizontal), np.asarray(plane.vertical))
            drawn = axes.contourf(
                *nodes,
                np.asarray(plane.values)[column].T,
                levels=np.linspace(-largest, largest, 2 * BANDS),
                cmap="RdBu_r",
            )
            other = np.asarray(plane.other)[column].T
            axes.contour(*nodes, other, levels=LEVELS * np.max(np.abs(other)), colors=INK, linewidths=0.5)
            axes.set_xlim(-plane.limits[0], plane.limits[0])
            axes.set_ylim(-plane.limits[1], plane.limits[1])
            axes.locator_params(nbins=4)
            axes.tick_params(labelleft=column == 0)
            axes.set_xlabel(plane.labels[0], fontsize=SMALL, color=INK, labelpad=2)
            if column == 0:
                axes.set_ylabel(plane.labels[1], fontsize=SMALL, color=INK)
            name_panel(axes, words if row == 0 else "")
        beside = LEFT + len(columns) * (SIDE + GAP) + 0.02
        scale = figure.add_axes((beside / width, (top - SIDE) / height, 0.1 / width, SIDE / height))
        bar = figure.colorbar(drawn, cax=scale, ticks=np.linspace(-largest, largest, 5).round(2))
        bar.set_label(f"{name} ({plane.unit})", fontsize=TEXT - 1, color=INK)
        bar.outline.set_visible(False)
        scale.tick_params(labelsize=SMALL, color=FAINT, labelcolor=INK, length=3, width=0.7)
    header(figure, LEFT, title, subtitle)
    write_caption(figure, LEFT, bottom, lines)
    return figure
