"""Figures of magnets from a dataset alone, as the command line draws them."""

import numpy as np
import pytest
import xarray
from typer.testing import CliRunner

import brackish as bk
from brackish.cli import app

DIMER = """
[model]
name = "spin_dimer"
coupling = "Ferromagnetic"
dzyaloshinskii_moriya = 0.6

[preparation]
kind = "Directions"
directions = [[0.0, 0.0, 1.0], [0.0, 0.0, -1.0]]

[[theory]]
kind = "LLG"
damping = 0.5

[times]
stop = 0.5
saves = 4
"""


@pytest.fixture(scope="module")
def dataset():
    """Two theories of two spins; the second has no correlations."""
    time = np.linspace(0, 1, 5)
    turning = np.stack([np.cos(time), np.sin(time), 0.1 * time], axis=-1)
    spins = np.stack([turning, -turning], axis=1)
    correlations = np.tile(-np.eye(3), (5, 1, 1)) + 0.3 * time[:, None, None] * np.eye(3, k=1)
    nothing = np.full_like(correlations, np.nan)
    return xarray.Dataset(
        {
            "spin_direction": (("theory", "time", "spin", "axis"), np.stack([spins, 0.5 * spins])),
            "magnetization": (("theory", "time", "axis"), np.stack([turning, 0.5 * turning])),
            "energy": (("theory", "time"), np.stack([-time, -2 * time]), {"units": "J"}),
            "bell_nonlocality": (("theory", "time"), np.stack([time, np.full(5, np.nan)])),
            "correlation_matrix": (("theory", "time", "axis", "axis_"), np.stack([correlations, nothing])),
        },
        coords={"theory": ["QuantumLLG", "LLG"], "time": ("time", time, {"units": "ps"})},
    )


def test_components_of_one_spin(dataset):
    """Components of both theories, the length of the first, and the zero line; the second spin is the first, turned."""
    first, second = (bk.plot.spin_components(dataset, spin=spin).axes[0].lines for spin in (0, 1))
    assert len(first) == 1 + 1 + 2 * 3
    np.testing.assert_allclose(first[2].get_ydata(), np.cos(dataset.time))
    np.testing.assert_allclose(second[2].get_ydata(), -np.cos(dataset.time))
    legend = bk.plot.spin_components(dataset).legends[0]
    assert [text.get_text() for text in legend.get_texts()] == ["Quantum LLG", "LLG"]


def test_correlations_that_stay_zero_are_left_out(dataset):
    axes = bk.plot.correlations(dataset).axes
    assert len(axes) == 1
    assert len(axes[0].lines) == 1 + 3 + 2
    assert axes[0].get_xlabel() == "time (ps)"


def test_nonlocality_of_the_theories_that_have_it(dataset):
    assert len(bk.plot.nonlocality(dataset).axes[0].lines) == 1 + 1


def test_a_comparison_of_magnets(dataset):
    """Three components and the energy, in the units of the dataset."""
    panels = bk.plot.compare(dataset).axes
    assert [len(axes.lines) for axes in panels] == [2] * 4
    assert panels[3].get_ylabel() == "energy (J)"
    assert panels[3].get_xlabel() == "time (ps)"
    np.testing.assert_allclose(panels[1].lines[1].get_ydata(), 0.5 * np.sin(dataset.time))


def test_a_file_about_a_magnet_runs(tmp_path):
    (tmp_path / "dimer.toml").write_text(DIMER)
    out = tmp_path / "out"
    done = CliRunner().invoke(app, ["run", str(tmp_path / "dimer.toml"), "--out", str(out), "--no-progress"])
    assert done.exit_code == 0, done.output
    assert "m_x" in done.output
    assert (out / "figure.png").exists()


def test_what_is_lacking_is_named(dataset):
    without = dataset.drop_vars(["correlation_matrix", "bell_nonlocality"])
    with pytest.raises(bk.InvalidInput, match="`correlations` needs 'correlation_matrix'"):
        bk.plot.correlations({"": {"one": without}})
    with pytest.raises(bk.InvalidInput, match="`nonlocality` needs 'bell_nonlocality'"):
        bk.plot.nonlocality(without)
    with pytest.raises(bk.InvalidInput, match="`spin_components` needs at least one panel"):
        bk.plot.spin_components({})
    with pytest.raises(bk.InvalidInput, match="There is no spin 2"):
        bk.plot.spin_components(dataset, spin=2)
    with pytest.raises(bk.InvalidInput, match="`magnet` needs 'magnetization'"):
        bk.plot.magnet(dataset.drop_vars("magnetization"))
