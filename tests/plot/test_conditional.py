"""Figures of conditional fields, on a small dataset made by hand."""

import json

import numpy as np
import pytest
import xarray

from brackish import plot
from brackish.errors import InvalidInput

POSITION = np.linspace(-4.0, 4.0, 81)


def fields(times=3, levels=2):
    """A hill that moves to the right, with a quantum state that turns on it; nothing is resolved beyond +-3.5."""
    hill = np.array([np.exp(-((POSITION - 0.5 * k) ** 2)) for k in range(times)])
    angle = np.linspace(0, np.pi, POSITION.size)
    density = np.zeros((times, levels, levels, POSITION.size), complex)
    density[:, 0, 0], density[:, 1, 1] = np.cos(angle / 2) ** 2, np.sin(angle / 2) ** 2
    density[:, 0, 1] = 0.5j * np.sin(angle)
    density[:, 1, 0] = -0.5j * np.sin(angle)
    energies = np.stack(times * [np.stack([0.1 * level + 0.01 * POSITION for level in range(levels)])])
    wave = np.stack([np.sin(POSITION + k) for k in range(times)])
    resolved = np.stack(times * [np.abs(POSITION) < 3.5])
    along = ("time", "node_0")
    variables = {
        "density": (along, hill),
        "resolved": (along, resolved),
        "conditional_density": (("time", "level", "level_", "node_0"), density),
        "adiabatic_energy": (("time", "level", "node_0"), energies),
        "electronic_energy": (along, energies[:, 0]),
        "scalar_potential": (along, energies[:, 0] + 0.01),
    }
    for size, name in enumerate(("total", "mean", "fubini_study", "quantum"), start=1):
        variables[f"{name}_force"] = (("time", "coordinate", "node_0"), size * 1e-3 * wave[:, None])
    attributes = {"hamiltonian": json.dumps({"type": "ShinMetiu"})}
    return xarray.Dataset(variables, {"time": 100.0 * np.arange(times), "node_0": POSITION}, attributes)


def drawn(axes, colour):
    """The line of this colour in a panel."""
    return next(line for line in axes.lines if line.get_color() == colour)


def test_forces_draws_each_force_where_there_is_density():
    figure = plot.forces(fields(), [0.0, 200.0])
    assert [axes.get_title(loc="left") for axes in figure.axes] == ["t = 0", "", "t = 200", ""]
    force = figure.axes[3]
    total = drawn(force, "#000000").get_ydata()
    hill = np.exp(-((POSITION - 1.0) ** 2))
    seen = (np.abs(POSITION) < 3.5) & (hill > 1e-3 * hill.max())
    assert np.array_equal(np.isfinite(total), seen)
    assert np.allclose(total[seen], 1e-3 * np.sin(POSITION + 2)[seen])
    assert figure.axes[0].get_ylim() == figure.axes[2].get_ylim()
    assert {text.get_text() for text in force.texts} == {"total", "mean", "Fubini–Study", "quantum"}
    assert any("Shin–Metiu" in text.get_text() for text in figure.texts)


def test_bloch_draws_the_components_of_the_state():
    (axes,) = plot.bloch(fields(times=1)).axes
    angle = np.linspace(0, np.pi, POSITION.size)
    for colour, wanted in (("#0072B2", 0 * angle), ("#D55E00", -np.sin(angle)), ("#000000", np.cos(angle))):
        values = drawn(axes, colour).get_ydata()
        seen = np.isfinite(values)
        assert seen.sum() > 40
        assert np.allclose(values[seen], wanted[seen], atol=1e-12)


@pytest.mark.parametrize(
    ("wrong", "words"),
    [
        (lambda: plot.forces(fields().drop_vars("mean_force")), "mean_force"),
        (lambda: plot.forces(fields(times=5)), "room for 4 times, got 5"),
        (lambda: plot.bloch(fields(levels=3)), "two levels, but the dataset has 3"),
        (lambda: plot.bloch(fields().expand_dims("node_1")), "along one coordinate"),
    ],
)
def test_what_cannot_be_drawn_is_refused(wrong, words):
    with pytest.raises(InvalidInput, match=words):
        wrong()
