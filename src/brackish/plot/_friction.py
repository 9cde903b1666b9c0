"""Electronic friction along a coordinate, and its kernels in time and in frequency."""

from collections.abc import Mapping
from typing import Any

import numpy as np

from brackish.errors import InvalidInput
from brackish.plot.style import (
    DASHES,
    FAINT,
    HEADER,
    INK,
    SMALL,
    TEXT,
    frame_values,
    header,
    new_figure,
    place,
)

LEFT, BOTTOM, WIDTH = 0.85, 0.55, 8.2
ETA = "friction (electron masses / a.u. of time)"


def friction(
    positions: Any,
    curves: Mapping[str, Any],
    *,
    dots: Mapping[str, tuple[Any, Any]] | None = None,
    title: str = "Electronic friction",
    subtitle: str = "",
):
    """Friction along one coordinate: one line for each entry of `curves`, (N,) like the `positions` in bohr.

    `dots`: by the name of a curve, the places and values of the same friction found in another way, in its colour.
    Colours follow the order of the curves, from dark to light, as of a temperature that rises.

    Raises `InvalidInput` if a curve is not as long as the positions, or dots go with no curve.
    """
    positions = np.asarray(positions)
    strangers = set(dots or {}) - set(curves)
    if strangers:
        raise InvalidInput(f"Dots of friction must go with a curve; there is none named {sorted(strangers)}.")
    figure = new_figure(WIDTH, 4.2)
    axes = place(figure, LEFT, BOTTOM, WIDTH - 0.3, 4.2 - HEADER)
    for name, colour in _shades(curves).items():
        values = _as_long_as(positions, name, curves[name])
        axes.plot(positions, values, color=colour, linewidth=1.6, label=name)
        if name in (dots or {}):
            places, found = dots[name]  # type: ignore[index]
            axes.plot(
                places, found, "o", color="white", markeredgecolor=colour, markersize=4.5, markeredgewidth=1.2
            )
    axes.set_xlim(positions[0], positions[-1])
    frame_values(axes, floor=0.0)
    axes.set_xlabel("position (bohr)", fontsize=TEXT, color=INK)
    axes.set_ylabel(ETA, fontsize=TEXT, color=INK)
    axes.legend(frameon=False, fontsize=SMALL + 0.5, labelcolor=INK, loc="upper right")
    header(figure, LEFT, title, subtitle)
    return figure


def friction_kernels(
    times: Any,
    correlations: Mapping[str, Any],
    frequencies: Any,
    spectra: Mapping[str, Any],
    *,
    title: str = "The memory of electronic friction",
    subtitle: str = "",
):
    """The kernel in time, on the left, and its friction at every frequency, on the right, with one colour a name.

    `correlations`: by name, W(t) in hartree/bohr^2, (T,) like the `times` in atomic units. `spectra`: by name,
    eta(omega), (W,) like the `frequencies` in hartree.

    Raises `InvalidInput` if a curve is not as long as its axis.
    """
    shades = _shades({**correlations, **spectra})
    figure = new_figure(WIDTH, 3.6)
    middle, gap = 0.5 * (LEFT + WIDTH - 0.25), 0.45
    panels = (
        (LEFT, middle - gap, times, correlations, "time (atomic units)", r"W (hartree / bohr$^2$)"),
        (
            middle + gap,
            WIDTH - 0.25,
            frequencies,
            spectra,
            "frequency (hartree)",
            r"$\eta$ (electron masses / a.u.)",
        ),
    )
    for left, right, variable, lines, below, beside in panels:
        axes = place(figure, left, BOTTOM, right, 3.6 - HEADER)
        axes.axhline(0.0, color=FAINT, linewidth=0.8)
        for number, (name, values) in enumerate(lines.items()):
            drawn = _as_long_as(np.asarray(variable), name, values)
            dashes = DASHES[number % len(DASHES)]
            axes.plot(variable, drawn, color=shades[name], linewidth=1.6, linestyle=dashes, label=name)
        axes.set_xlim(variable[0], variable[-1])
        frame_values(axes)
        axes.set_xlabel(below, fontsize=TEXT, color=INK)
        axes.set_ylabel(beside, fontsize=TEXT, color=INK)
        axes.legend(frameon=False, fontsize=SMALL, labelcolor=INK, loc="upper right")
    header(figure, LEFT, title, subtitle)
    return figure


def _shades(names) -> dict[str, Any]:
    from matplotlib import colormaps

    return dict(zip(names, colormaps["viridis"](np.linspace(0.0, 0.82, len(names))), strict=True))


def _as_long_as(variable, name, values):
    values = np.asarray(values, dtype=float)
    if values.shape != variable.shape:
        raise InvalidInput(
            f"Curve '{name}' of friction must have the shape {variable.shape}, got {values.shape}."
        )
    return values
