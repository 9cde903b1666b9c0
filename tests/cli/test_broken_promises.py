"""A step that is too long is said on the command line: one line on the error stream, and a mark in the table."""

import pytest
from typer.testing import CliRunner

import brackish as bk
from brackish.cli import app

TOML = """\
[model]
name = "tully1"

[preparation]
kind = "GaussianPacket"
position = -3.0
momentum = 20.0
width = 0.5
state = { kind = "Adiabatic", level = 0 }

[[theory]]
kind = "Ehrenfest"

[[theory]]
kind = "Exact"

[times]
stop = 680.0
saves = 4
step = 85.0

[run]
trajectories = 16
"""


@pytest.fixture
def result(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "long.toml").write_text(TOML)
    return CliRunner().invoke(app, ["run", "long.toml", "--no-progress"])


def test_one_line_and_a_mark_in_the_table(result):
    assert result.exit_code == 0, result.output
    said = [line for line in result.stderr.splitlines() if line.startswith("warning: ")]
    assert len(said) == 1
    assert said[0].startswith("warning: Ehrenfest: trajectory ")
    assert "try step=" in said[0]
    assert "Ehrenfest !" in result.stdout
    assert "Exact !" not in result.stdout
    assert "!: the run changed what its theory promises to keep" in " ".join(result.stdout.split())
    assert "Ehrenfest" in bk.read_netcdf("results/long/results.nc").attrs["broken_promises"]
