"""Curves of one variable above each other, and poles in the complex plane."""

import numpy as np
import pytest

from brackish import plot
from brackish.errors import InvalidInput

T = np.linspace(0.0, 4.0, 9)
POLES = np.stack([np.array([1.0 - 0.2j, -1.0 - 0.2j]) + 0.1 * s for s in T])


def test_a_name_has_one_colour_and_what_is_not_finite_is_left_out():
    broken = np.where(T > 0, 1 / np.maximum(T, 1e-9), np.inf)
    panels = {"height (bohr)": {"one": np.sin(T), "two": np.cos(T)}, "weight": {"two": broken}}
    figure = plot.curves(T, panels, label="time", title="Two", bands={"weight": 0.5})
    above, below = figure.axes
    assert [line.get_linestyle() for line in above.lines] == ["-", "--"]
    assert above.lines[1].get_color() == below.lines[0].get_color() != above.lines[0].get_color()
    assert np.isnan(below.lines[0].get_ydata()[0])
    assert [axes.get_ylabel() for axes in figure.axes] == ["height (bohr)", "weight"]
    assert (len(above.collections), len(below.collections)) == (0, 1)
    assert {text.get_text() for text in above.texts} == {"one", "two"}


def test_poles_are_drawn_with_their_mirror_images_and_their_start():
    figure = plot.pole_map(T, POLES, label="spring", title="Poles")
    mirrored, drawn, start = (points.get_offsets() for points in figure.axes[0].collections)
    assert np.array_equal(drawn, np.stack([POLES.ravel().real, POLES.ravel().imag], axis=1))
    assert np.array_equal(mirrored, drawn * [1, -1])
    assert np.array_equal(start, [[1.0, -0.2], [-1.0, -0.2]])


def test_shapes_that_do_not_fit_are_refused():
    with pytest.raises(InvalidInput, match=r"Curve 'short' of curves must have the shape \(9,\)"):
        plot.curves(T, {"x": {"short": T[:3]}}, label="", title="")
    with pytest.raises(InvalidInput, match="Poles must have a row for each of 9 values"):
        plot.pole_map(T, POLES[:3], label="", title="")


def test_bands_may_vary_and_dots_lie_on_their_lines():
    panels = {"q": {"one": np.sin(T), "two": np.cos(T)}}
    figure = plot.curves(
        T,
        panels,
        label="time",
        title="One",
        caption="What must be seen.",
        bands={"q": T},
        edges={"q": 2 * T},
        points={"q": {"two": (0.0, 1.0)}},
    )
    axes = figure.axes[0]
    assert axes.collections[0].get_paths()[0].vertices[:, 1].max() == 4.0
    above, below, _, two, dot = (line.get_ydata() for line in axes.lines)
    assert np.array_equal(above, 2 * T)
    assert np.array_equal(below, -2 * T)
    assert np.array_equal(two, np.cos(T))
    assert list(dot) == [1.0]
    assert axes.lines[4].get_color() == axes.lines[3].get_color()
    assert figure.texts[-1].get_text() == "What must be seen."


def test_an_expansion_is_drawn_beside_the_poles():
    figure = plot.pole_map(T, POLES, POLES + 0.01, label="spring", title="Poles")
    drawn = [line for line in figure.axes[0].lines if len(line.get_xdata()) == T.size]
    assert np.allclose(np.array([line.get_xdata() for line in drawn]).T, POLES.real + 0.01)


def test_densities_stand_in_rows_and_columns():
    line = np.linspace(-1.0, 1.0, 7)
    values = np.stack([np.outer(line, line) + 2, np.outer(line, line) - 1])
    plane = plot.Plane(line, line, values, values, ("x", "π"), "1/ħ", (0.5, 0.8))
    figure = plot.densities(["t = 0", "t = 1"], {"W": plane}, title="W", caption="Two.")
    first, second, scale = figure.axes
    assert [axes.get_title(loc="left") for axes in (first, second)] == ["t = 0", "t = 1"]
    assert first.get_ylim() == (-0.8, 0.8)
    assert scale.get_ylabel() == "W (1/ħ)"
    with pytest.raises(InvalidInput, match="Plane 'W' must hold 1 times"):
        plot.densities(["t = 0"], {"W": plane}, title="")
