"""Friction along a coordinate, and its kernels: what is drawn is what was given."""

import numpy as np
import pytest

from brackish import plot
from brackish.errors import InvalidInput

X = np.linspace(-1.0, 1.0, 11)


def test_lines_and_the_dots_on_them():
    figure = plot.friction(
        X, {"cold": X**2, "hot": 2 * X**2}, dots={"hot": (X[::5], X[::5] ** 2)}, title="Two"
    )
    (axes,) = figure.axes
    cold, hot, dots = axes.lines
    assert np.array_equal(cold.get_ydata(), X**2)
    assert np.array_equal(dots.get_xydata(), np.stack([X[::5], X[::5] ** 2], axis=1))
    assert tuple(dots.get_markeredgecolor()) == tuple(hot.get_color()) != tuple(cold.get_color())
    assert [text.get_text() for text in axes.get_legend().get_texts()] == ["cold", "hot"]
    assert "bohr" in axes.get_xlabel()


def test_kernels_stand_beside_each_other():
    figure = plot.friction_kernels(X, {"a": X, "b": -X}, X[:4], {"b": X[:4]})
    left, right = figure.axes
    # the first line of each panel is its zero
    assert np.array_equal(left.lines[2].get_ydata(), -X)
    assert np.array_equal(right.lines[1].get_xdata(), X[:4])
    assert np.array_equal(left.lines[2].get_color(), right.lines[1].get_color())


def test_what_does_not_fit_is_refused():
    with pytest.raises(InvalidInput, match=r"Curve 'short' of friction must have the shape \(11,\)"):
        plot.friction(X, {"short": X[:3]})
    with pytest.raises(InvalidInput, match=r"none named .*warm"):
        plot.friction(X, {"cold": X}, dots={"warm": (X, X)})
