"""Observables by name in files and on the command line; theories under names of one's own."""

import re

import pytest
import xarray
from typer.testing import CliRunner

from brackish.cli import app
from brackish.run import config

FILE = """
[model]
name = "tully1"
[preparation]
kind = "GaussianPacket"
position = -2.0
momentum = 20.0
width = 0.5
[[theory]]
kind = "{theory}"
[times]
stop = 4.0
saves = 2
[run]
trajectories = 4
observables = {observables}
"""


def setup_of(observables, theory="Ehrenfest"):
    return config.parse(FILE.format(observables=observables, theory=theory), "f.toml")


def mistakes_of(observables):
    with pytest.raises(config.InvalidDocument) as refused:
        setup_of(observables)
    return refused.value.mistakes


def test_a_file_names_observables():
    kept = setup_of('["conditional_coherence", {kind = "wavefunction", coordinates = 2}]').options[
        "observables"
    ]
    assert [one.name for one in kept] == ["conditional_coherence", "wavefunction"]
    assert kept[1].dims == ("level", "node_0", "node_1")
    (kept,) = setup_of('[{kind = "renyi_entropy", order = 2, spins = [0, 2], name = "of_two"}]').options[
        "observables"
    ]
    assert kept.name == "of_two"
    assert kept.function.spins == (0, 2)
    assert setup_of("[]").options["observables"] == ()


@pytest.mark.parametrize(
    ("written", "line"),
    [
        (
            '["conditional_coherense"]',
            r"run.observables\[1\].kind: unknown observable .* mean 'conditional_coherence'",
        ),
        ('["wavefunction", "wavefunction"]', r"run.observables\[2\]: is 'wavefunction', as another one"),
        (
            '"wavefunction"',
            "run.observables: must be a list of names, got 'wavefunction'; known: bell_nonlocality",
        ),
        (
            '[{kind = "wavefunction", coordinates = 7}]',
            r"run.observables\[1\].coordinates: .*must be 1, 2 or 3",
        ),
        ('[{kind = "concurrence", third = 1}]', r"run.observables\[1\].third: unknown key"),
        ('[{kind = "concurrence", first = -1}]', r"run.observables\[1\].*two different spins"),
        ('[{kind = "renyi_entropy", order = "x"}]', r"run.observables\[1\].order: must be a"),
        ('[{kind = "concurrence", name = "energy"}]', "run.observables: .*energy"),
        ("[7]", r"run.observables\[1\]: must be a table, got 7"),
    ],
)
def test_what_no_observable_is_gets_one_line(written, line):
    (mistake,) = mistakes_of(written)
    assert re.search(line, mistake), mistake


def run(*arguments):
    return CliRunner().invoke(app, [str(argument) for argument in arguments])


def test_the_command_line_names_observables_and_labels_theories(tmp_path):
    two = (
        "--theory",
        "cold=SurfaceHopping",
        "--theory",
        "simple = SurfaceHopping{rescaling = 'AlongMomentum'}",
    )
    few = ("--trajectories", 4, "--observable", "conditional_coherence", "--no-progress")
    ended = run("compare", "rabi", *two, *few, f"--out={tmp_path}")
    assert ended.exit_code == 0, ended.output
    with xarray.open_dataset(tmp_path / "dataset.nc") as dataset:
        assert list(dataset["theory"].values) == ["cold", "simple"]
        assert dataset["conditional_coherence"].notnull().all()
    assert "cold" in ended.output
    assert "simple" in ended.output
    listed = run("list", "observables")
    assert "conditional_coherence: mean of" in listed.output
    assert "order" in listed.output


@pytest.mark.parametrize(
    ("option", "line"),
    [
        (("--theory", "cold=SurfaceHoping"), "did you mean 'SurfaceHopping'"),
        (("--theory", "cold=SurfaceHopping{rescaling"), "Option --theory must be KIND, LABEL=KIND"),
        (("--theory", "=SurfaceHopping"), "Option --theory must be KIND"),
        (
            ("--theory", "a=Ehrenfest", "--theory", "a=Exact"),
            "theory[2].label: is 'a', as that of another theory",
        ),
        (("--observable", "wavefunktion"), "did you mean 'wavefunction'"),
    ],
)
def test_a_wrong_option_gets_one_line(option, line, tmp_path):
    ended = run("compare", "rabi", *option, f"--out={tmp_path}")
    assert ended.exit_code == 2
    assert line.lower() in ended.output.lower()
    assert ended.output.count("\n") == 1


def test_the_home_folder_is_written_out_in_options(tmp_path, monkeypatch):
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.chdir(tmp_path)
    (tmp_path / "f.toml").write_text(FILE.format(theory="Ehrenfest", observables="[]"))
    ended = run("run", "~/f.toml", "--out=~/here", "--no-progress")
    assert ended.exit_code == 0, ended.output
    assert (tmp_path / "here" / "results.nc").is_file()
    assert not (tmp_path / "~").exists()
    assert run("plot", "--kind=coherence", "--out=~/c.png", "~/here").exit_code == 0
    assert (tmp_path / "c.png").is_file()
