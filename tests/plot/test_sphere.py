"""Spheres: where a density is drawn, from which side, and how its sign is told."""

import matplotlib
import numpy as np
import pytest
import xarray

from brackish import plot
from brackish.errors import InvalidInput
from brackish.plot._sphere import _interpolated

SAVES = 7


def fields(negative=True):
    """A density about the x axis, with a hole about z that opens as time goes on."""
    nodes = np.polynomial.legendre.leggauss(20)[0][::-1]
    polar, azimuth = np.arccos(nodes), np.pi * np.arange(40) / 20
    x = np.sin(polar)[:, None] * np.cos(azimuth)
    hole = np.linspace(0, 0.5 if negative else 0.0, SAVES)[:, None, None] * np.cos(polar)[:, None] ** 8
    density = np.exp(3 * (x - 1)) - hole
    mass = -0.1 * np.arange(SAVES) / (SAVES - 1) if negative else np.zeros(SAVES)
    values = {
        "classical_density": (("time", "node_row", "node_column"), density),
        "node_polar_angle": (("node_row",), polar),
        "node_azimuth": (("node_column",), azimuth),
        "negative_mass": (("time",), mass),
        "spin_direction": (("time", "spin", "axis"), np.tile([1.0, 0.0, 0.0], (SAVES, 1, 1))),
    }
    attributes = {"theory": '{"type": "HybridKoopman"}'}
    return xarray.Dataset(values, {"time": np.linspace(0.0, 3.0, SAVES)}, attributes)


def trajectories(count=5):
    time = np.linspace(0.0, 3.0, SAVES)
    angle = time[None] + np.linspace(0, 1, count)[:, None]
    spins = np.stack([np.cos(angle), np.sin(angle), 0 * angle], axis=-1)[:, :, None]
    values = {"trajectory_spin": (("trajectory", "time", "spin", "axis"), spins)}
    return xarray.Dataset(values, {"time": time}, {"theory": '{"type": "Ehrenfest"}'})


def images(axes):
    return [image.get_array() for image in axes.images]


def test_one_sphere_a_save_with_one_scale_and_the_negative_mass_below():
    *panels, bar = plot.sphere(fields()).axes
    assert [axes.get_title() for axes in panels] == ["t = 0", "t = 1", "t = 2", "t = 3"]
    assert len({(*image.get_clim(),) for axes in panels for image in axes.images}) == 1
    low, high = panels[0].images[0].get_clim()
    assert low == -high < -0.9
    texts = [[text.get_text() for text in axes.texts] for axes in panels]
    assert "negative mass −0.100" in texts[-1]
    assert not any("negative" in text for text in texts[0])
    assert bar.get_title(loc="left") == "density"


def test_the_density_is_drawn_where_it_is():
    towards_x, towards_z = (
        plot.sphere(fields(), times=[3.0], view=view).axes[0] for view in ((1, 0, 0), (0, 0, 1))
    )
    (image,) = images(towards_x)
    middle = image.shape[0] // 2
    assert image[middle, middle] == pytest.approx(1.0, abs=0.02)
    assert np.isnan(np.ma.filled(image, np.nan)[0, 0])
    (image,) = images(towards_z)
    assert image[middle, middle] == pytest.approx(np.exp(-3) - 0.5, abs=0.05)
    shown = {text.get_text(): text.xy for text in towards_z.texts if text.get_text() in "xyz"}
    np.testing.assert_allclose(shown["z"], (0, 0), atol=1e-12)
    assert "y" in shown


def test_fields_between_nodes_are_bilinear_and_periodic():
    polar, azimuth = np.array([0.5, 1.0, 1.5]), np.pi / 2 * np.arange(4)
    field = np.arange(12.0).reshape(3, 4)

    def value(theta, phi):
        direction = [np.sin(theta) * np.cos(phi), np.sin(theta) * np.sin(phi), np.cos(theta)]
        return _interpolated(polar, azimuth, field, np.array(direction)[:, None]).item()

    assert value(0.5, np.pi / 4) == pytest.approx(0.5)
    assert value(0.75, np.pi) == pytest.approx(4.0)
    assert value(1.0, -np.pi / 4) == pytest.approx(5.5)
    assert value(0.0, np.pi / 2) == pytest.approx(1.5)  # nearer to the pole than any node
    assert value(0.25, np.pi / 2) == pytest.approx(1.25)
    assert value(np.pi, 0.0) == pytest.approx(9.5)


def test_trajectories_alone_and_over_a_density():
    alone = plot.sphere(trajectories()).axes
    assert len(alone) == 4  # no bar without a density
    ends = [line for line in alone[-1].lines if line.get_marker() == "o"]
    assert len(ends) == 5
    over = plot.sphere(fields(), over=trajectories()).axes
    assert len([line for line in over[3].lines if line.get_marker() == "o"]) == 5
    hidden = plot.sphere(trajectories(1), times=[3.0], view=(1, 0, 0)).axes[0]
    (end,) = (line for line in hidden.lines if line.get_marker() == "o")
    assert end.get_color() == "none"  # at three radians it is on the far side
    seen = plot.sphere(trajectories(1), times=[3.0], view=(-1, 0, 0)).axes[0]
    (end,) = (line for line in seen.lines if line.get_marker() == "o")
    assert matplotlib.colors.to_hex(end.get_color()) != "none"


def test_theories_get_rows_of_their_own(tmp_path):
    both = xarray.concat(
        [fields(), trajectories()],
        xarray.DataArray(["HybridKoopman", "Ehrenfest"], dims="theory", name="theory"),
    )
    figure = plot.sphere(both)
    assert len(figure.axes) == 9
    plot.save(figure, tmp_path / "sphere.png")


@pytest.mark.parametrize("view", [(0, 0, 0), (1, 2), (np.nan, 0, 1)])
def test_what_cannot_be_drawn_is_said_in_one_line(view):
    with pytest.raises(InvalidInput, match="`view`"):
        plot.sphere(fields(), view=view)
    with pytest.raises(InvalidInput, match=r"'classical_density'.*lacks"):
        plot.sphere(fields().drop_vars("classical_density"))
    with pytest.raises(InvalidInput, match="`times`"):
        plot.sphere(fields(), times=[])
    with pytest.raises(InvalidInput, match=r"'trajectory_spin'.*lacks"):
        plot.sphere(fields(), over=fields())
