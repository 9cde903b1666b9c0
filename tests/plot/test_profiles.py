"""Fields along one coordinate: a panel a time, a line a name."""

import numpy as np
import pytest

from brackish import plot
from brackish.errors import InvalidInput

X, TIMES = np.linspace(-3.0, 3.0, 31), np.array([0.0, 2.5])
HILL = np.exp(-((X[None] - TIMES[:, None]) ** 2))


def test_a_panel_for_each_time_with_all_curves_over_the_density():
    broken = np.where(HILL > 0.01, 0.5, np.nan)
    figure = plot.profiles(
        X, TIMES, {"Exact": HILL, "other": broken}, label="density (1/bohr)", title="A hill", density=HILL
    )
    assert [axes.get_title(loc="left") for axes in figure.axes] == ["t = 0 (atomic units)", "t = 2.5"]
    assert {axes.get_ylim() for axes in figure.axes} == {(0.0, figure.axes[0].get_ylim()[1])}
    for axes, hill, part in zip(figure.axes, HILL, broken, strict=True):
        first, second = axes.lines
        np.testing.assert_array_equal(first.get_ydata(), hill)
        np.testing.assert_array_equal(second.get_ydata(), part)
        assert first.get_color() != second.get_color()
        assert first.get_linestyle() != second.get_linestyle()
        assert len(axes.collections) == 1
    assert [text.get_text() for text in figure.legends[0].get_texts()] == ["density", "Exact", "other"]
    assert figure.axes[0].get_ylabel() == "density (1/bohr)"


def test_a_curve_of_another_shape_is_refused():
    with pytest.raises(InvalidInput, match="Curve 'short' of profiles must have the shape"):
        plot.profiles(X, TIMES, {"short": HILL[:1]}, label="", title="")
