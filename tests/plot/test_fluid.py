"""Paths of fluid elements: what is drawn is what is in the dataset, and what is missing is named."""

import json

import numpy as np
import pytest
import xarray

from brackish import plot
from brackish.errors import InvalidInput

TIME = np.linspace(0.0, 4.0, 9)
GRID = {"type": "Grid", "lower": [-4.0], "upper": [4.0], "points": [64]}


def dataset(coordinates=1):
    """Six paths that drift apart, over the density of 32 of 64 grid points; a loop that grows."""
    spread = np.linspace(-1, 1, 6)[:, None, None] * (1 + TIME[None, :, None])
    angle = 2 * np.pi * np.arange(12) / 12
    circle = np.stack([np.cos(angle), np.sin(angle)], axis=-1)
    nodes = np.linspace(-4, 4, 32, endpoint=False)
    values = {
        "trajectory_position": (
            ("trajectory", "time", "followed_coordinate"),
            np.repeat(spread, coordinates, axis=2),
        ),
        "probability_density": (
            ("time", "grid_point"),
            np.exp(-((nodes[None] / (1 + TIME[:, None])) ** 2)),
        ),
        "ring": (("time", "element", "coordinate"), (1 + TIME[:, None, None]) * circle[None]),
    }
    theory = json.dumps({"type": "QuantumTrajectories", "grid": GRID})
    return xarray.Dataset(values, {"time": TIME}, attrs={"theory": theory, "trajectories": "6"})


def test_trajectories_lie_over_the_density_of_their_grid():
    figure = plot.quantum_trajectories(dataset(), positions=(-3.0, 3.0), paths=3)
    axes, bar = figure.axes
    assert len(axes.lines) == 3
    np.testing.assert_array_equal(axes.lines[1].get_ydata(), dataset().trajectory_position[2, :, 0])
    assert axes.get_ylim() == (-3.0, 3.0)
    assert "bohr" in axes.get_ylabel()
    assert "density" in bar.get_ylabel()
    (density,) = axes.collections
    corners = density.get_coordinates()[..., 1]
    assert corners.min() == -3.0, "every second grid point was kept: nodes at multiples of 1/4"
    np.testing.assert_allclose(np.diff(corners[:, 0]), 0.25)
    assert plot.quantum_trajectories(dataset()).axes[0].get_ylim()[1] > 5


def test_a_loop_is_closed_and_drawn_at_the_times_asked_for():
    axes = plot.plane(dataset(2), loop="ring", times=[0.0, 4.0]).axes[0]
    loops = [line for line in axes.lines if str(line.get_label()).startswith("t = ")]
    assert [line.get_label() for line in loops] == ["t = 0", "t = 4"]
    for line, size in zip(loops, (1, 5), strict=True):
        points = line.get_xydata()
        np.testing.assert_array_equal(points[0], points[-1])
        np.testing.assert_allclose(np.hypot(*points.T), size)
    assert len(plot.plane(dataset(2)).axes[0].lines) == 6 + 2


def test_what_is_missing_is_named():
    with pytest.raises(InvalidInput, match="needs 'probability_density'"):
        plot.quantum_trajectories(dataset().drop_vars("probability_density"))
    with pytest.raises(InvalidInput, match="needs the grid of the run"):
        plot.quantum_trajectories(dataset().assign_attrs(theory="{}"))
    with pytest.raises(InvalidInput, match="two coordinates, but the dataset has one"):
        plot.plane(dataset())
    with pytest.raises(InvalidInput, match="needs 'orbit'"):
        plot.plane(dataset(2), loop="orbit")
