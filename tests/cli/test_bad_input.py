"""Bad input: one clear line a mistake, a non-zero exit, no traceback, and nothing that exists is touched."""

import shutil
import subprocess
import sys
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pytest
import xarray
from typer.testing import CliRunner

import brackish as bk
from brackish.cli import app
from brackish.run import config, folder

GOOD = """\
[model]
name = "tully"
number = 1
mass = 2000.0

[preparation]
kind = "GaussianPacket"
position = -2.0
momentum = 20.0
width = 0.5

[[theory]]
kind = "Ehrenfest"

[times]
stop = 120.0
saves = 120

[run]
trajectories = 4
"""
VIBRONIC = """
name = "linear_vibronic_coupling"
energies = [0.0, 1.0]
frequencies = [1.0]
"""


@dataclass(frozen=True)
class Case:
    """A file made from GOOD by replacements, and the lines that it must get: place and words."""

    name: str
    replacements: tuple[tuple[str, str], ...]
    lines: tuple[tuple[str, str], ...]


def case(name, *replacements, lines):
    return Case(name, replacements, tuple(lines))


MODEL = 'name = "tully"\nnumber = 1\nmass = 2000.0\n'
PACKET = 'kind = "GaussianPacket"\nposition = -2.0\nmomentum = 20.0\nwidth = 0.5\n'
THEORY = 'kind = "Ehrenfest"'

FILES = [
    # the text
    case("syntax", ("mass = 2000.0", "mass = = 2000.0"), lines=[("not valid TOML", "line 4")]),
    case("open text", ('"tully"', '"tully'), lines=[("not valid TOML", "line 2")]),
    case("twice", ("number = 1", "number = 1\nnumber = 2"), lines=[("not valid TOML", "overwrite")]),
    case(
        "empty file",
        (GOOD, ""),
        lines=[
            ("model:", "[model] is missing"),
            ("preparation:", "[preparation] is missing"),
            ("theory:", "[[theory]] is missing"),
            ("times:", "[times] is missing"),
        ],
    ),
    # tables
    case("unknown table", ("[run]", "[runs]"), lines=[("runs:", "did you mean 'run'")]),
    case("unknown entry", ("[model]", "colour = 1\n[model]"), lines=[("colour:", "unknown table")]),
    case("no model", ("[model]\n" + MODEL, ""), lines=[("model:", "the table [model] is missing")]),
    case("no preparation", ("[preparation]\n" + PACKET, ""), lines=[("preparation:", "is missing")]),
    case("no theory", ("[[theory]]\n" + THEORY, ""), lines=[("theory:", "[[theory]] is missing")]),
    case("no times", ("[times]\nstop = 120.0\nsaves = 120", ""), lines=[("times:", "[times] is missing")]),
    case("one theory table", ("[[theory]]", "[theory]"), lines=[("theory:", "must be written [[theory]]")]),
    case("two models", ("[model]", "[[model]]"), lines=[("model:", "must be one table")]),
    case(
        "model is a text",
        ("[model]\n" + MODEL, ""),
        ("[preparation]", 'model = "tully"\n[preparation]'),
        lines=[("model:", "must be a table")],
    ),
    case(
        "times is a number",
        ("[times]\nstop = 120.0\nsaves = 120", ""),
        ("[model]", "times = 3\n[model]"),
        lines=[("times:", "must be a table")],
    ),
    # names
    case("unknown model", ('"tully"', '"tuly"'), lines=[("model.name", "Did you mean 'tully'")]),
    case("model without name", ('name = "tully"\n', ""), lines=[("model.name", "is missing; known: ")]),
    case("name is a number", ('name = "tully"', "name = 1"), lines=[("model.name", "must be a name, got 1")]),
    case(
        "unknown preparation",
        ('"GaussianPacket"', '"GaussianPaket"'),
        lines=[("preparation.kind", "Did you mean 'GaussianPacket'")],
    ),
    case(
        "unknown theory",
        ('"Ehrenfest"', '"Erenfest"'),
        lines=[("theory[1].kind", "Did you mean 'Ehrenfest'")],
    ),
    case("theory without kind", (THEORY, ""), lines=[("theory[1].kind", "is missing; known: ")]),
    # keys
    case(
        "run is a text",
        ("[run]\ntrajectories = 4\n", ""),
        ("[model]", 'run = "text"\n[model]'),
        lines=[("run:", "must be a table [run], got 'text'")],
    ),
    case(
        "a kind where none is chosen",
        ("[run]", '[run]\nkind = "fast"'),
        lines=[("run.kind", "unknown key")],
    ),
    case(
        "a kind in a model",
        ("number = 1", 'number = 1\nkind = "fast"'),
        lines=[("model.kind", "unknown key")],
    ),
    case(
        "hundreds of digits", ("-2.0", "1" * 400), lines=[("preparation.position", "must be finite, got 111")]
    ),
    case("thousands of digits", ("-2.0", "1" * 5000), lines=[("not valid TOML", "4300 digits")]),
    case("brackets", ("-2.0", "[" * 5000 + "]" * 5000), lines=[("not valid TOML", "nested too deeply")]),
    case("zero byte", ("-2.0", '"\\u0000"'), lines=[("preparation.position", "must be a number and a unit")]),
    case("zero byte in a path", ("[run]", '[run]\nout = "a\\u0000b"'), lines=[("run.out", "must be a path")]),
    case("long name", ('"tully"', '"' + "y" * 5000 + '"'), lines=[("model.name", "yyy.... Known")]),
    case("long key", ("number = 1", "n" * 5000 + " = 1"), lines=[("model.nnn", "unknown key")]),
    case("late stop", ("stop = 120.0", "stop = 1e300"), lines=[("times.stop", "steps of 1 until 1e+300")]),
    case(
        "tiny step",
        ("saves = 120", "saves = 120\nstep = 1e-300"),
        lines=[("times.step", "asks for 1e+302 steps of 1e-300")],
    ),
    case(
        "more trajectories than keys",
        ("trajectories = 4", "trajectories = 1000000000000000"),
        lines=[("run.trajectories", "must be at most 2^32")],
    ),
    case(
        "unknown key of a model",
        ("number = 1", "numbr = 1"),
        lines=[("model.numbr", "did you mean 'number'")],
    ),
    case(
        "unknown key of a packet",
        ("width", "widht"),
        lines=[("preparation.widht", "did you mean 'width'")],
    ),
    case(
        "unknown key of a theory",
        (THEORY, THEORY + "\nhops = true"),
        lines=[("theory[1].hops", "unknown key")],
    ),
    case(
        "unknown key of times", ("saves = 120", "saves = 120\nstepp = 1.0"), lines=[("times.stepp", "'step'")]
    ),
    case(
        "unknown key of run", ("trajectories", "trajectorys"), lines=[("run.trajectorys", "'trajectories'")]
    ),
    case("missing key", ("momentum = 20.0\n", ""), lines=[("preparation.momentum", "is missing")]),
    case("missing stop", ("stop = 120.0\n", ""), lines=[("times.stop", "is missing")]),
    # types
    case(
        "text for a number",
        ("width = 0.5", 'width = "wide"'),
        lines=[("preparation.width", "a number and a unit")],
    ),
    case("flag for a number", ("width = 0.5", "width = true"), lines=[("preparation.width", "got True")]),
    case(
        "table for a number", ("width = 0.5", "width = {}"), lines=[("preparation.width", "must be a number")]
    ),
    case(
        "date for a number",
        ("width = 0.5", "width = 2020-01-01"),
        lines=[("preparation.width", "must be a number")],
    ),
    case(
        "list for a number", ("mass = 2000.0", "mass = [2000.0]"), lines=[("model.mass", "must be a number")]
    ),
    case("empty list", ("width = 0.5", "width = []"), lines=[("preparation.width", "must not be empty")]),
    case("ragged list", ("position = -2.0", "position = [1.0, [2.0]]"), lines=[("preparation", "")]),
    case("not a number", ("width = 0.5", "width = nan"), lines=[("preparation.width", "must be finite")]),
    case("infinite", ("stop = 120.0", "stop = inf"), lines=[("times.stop", "must be finite")]),
    case(
        "half a trajectory",
        ("trajectories = 4", "trajectories = 4.5"),
        lines=[("run.trajectories", "must be a whole number, got 4.5")],
    ),
    case("number for a text", ("[run]", "[run]\nout = 3"), lines=[("run.out", "must be a text")]),
    # units
    case("wrong unit of time", ("stop = 120.0", 'stop = "10 kg"'), lines=[("times.stop", "must be a time")]),
    case("wrong unit of mass", ("mass = 2000.0", 'mass = "10 fs"'), lines=[("model.mass", "must be a mass")]),
    case(
        "wrong unit of length",
        ("position = -2.0", 'position = "2 eV"'),
        lines=[("preparation.position", "must be a length, such as '0.5 angstrom', but is an energy")],
    ),
    case(
        "wrong unit of momentum",
        ("momentum = 20.0", 'momentum = "20 bohr"'),
        lines=[("preparation.momentum", "must be a momentum")],
    ),
    case("unknown unit", ("stop = 120.0", 'stop = "10 parsnips"'), lines=[("times.stop", "unknown unit")]),
    case("no unit", ("stop = 120.0", 'stop = "120"'), lines=[("times.stop", "has no unit")]),
    case("broken unit", ("stop = 120.0", 'stop = "10 fs**"'), lines=[("times.stop", "unreadable unit")]),
    case(
        "unit on a plain number",
        (THEORY, 'kind = "Exact"\nedge_tolerance = "1 eV"'),
        lines=[("theory[1].edge_tolerance", "must be a plain number")],
    ),
    case(
        "ambiguous frequency",
        (MODEL, 'name = "rabi"\nfrequency = "1 fs^-1"'),
        lines=[("model.frequency", "ambiguous")],
    ),
    # ranges
    case(
        "negative mass",
        ("mass = 2000.0", "mass = -2000.0"),
        lines=[("model.mass", "must be positive, got -2000.0")],
    ),
    case(
        "negative mass with unit",
        ("mass = 2000.0", 'mass = "-2 dalton"'),
        lines=[("model.mass", "must be positive, got -2 dalton")],
    ),
    case("massless", ("mass = 2000.0", "mass = 0"), lines=[("model.mass", "must be positive, got 0")]),
    case("no such tully", ("number = 1", "number = 4"), lines=[("model", "must be 1, 2 or 3")]),
    case("zero width", ("width = 0.5", "width = 0.0"), lines=[("preparation.width", "must be positive")]),
    case(
        "negative width in a list",
        ("width = 0.5", "width = [-0.5]"),
        lines=[("preparation.width", "must be positive, got -0.5")],
    ),
    case(
        "no trajectories",
        ("trajectories = 4", "trajectories = 0"),
        lines=[("run.trajectories", "must be at least 1, got 0")],
    ),
    case("no workers", ("[run]", "[run]\nworkers = 0"), lines=[("run.workers", "must be at least 1")]),
    case("negative seed", ("[run]", "[run]\nseed = -1"), lines=[("run.seed", "must be at least 0")]),
    case(
        "huge seed",
        ("[run]", "[run]\nseed = 99999999999999999999"),
        lines=[("run.seed", "must be less than")],
    ),
    case("no saves", ("saves = 120", "saves = 0"), lines=[("times.saves", "must be at least 1")]),
    case("times run backwards", ("stop = 120.0", "stop = -1.0"), lines=[("times.stop", "must be positive")]),
    case(
        "negative temperature",
        (PACKET, 'kind = "ThermalBath"\ntemperature = -1.0'),
        (MODEL, 'name = "spin_boson"'),
        lines=[("preparation.temperature", "must not be negative")],
    ),
    # states
    case(
        "state out of range",
        ("width = 0.5", "width = 0.5\nstate = 2"),
        lines=[("preparation.state", "asks for level 2, but the Hamiltonian has levels 0 to 1")],
    ),
    case(
        "unknown state",
        ("width = 0.5", 'width = 0.5\nstate = {kind = "Adiabtic", level = 0}'),
        lines=[("preparation.state", "Did you mean 'Adiabatic'")],
    ),
    case(
        "adiabatic without level",
        ("width = 0.5", 'width = 0.5\nstate = "Adiabatic"'),
        lines=[("preparation.state.level", "is missing")],
    ),
    case(
        "state is a number",
        ("width = 0.5", "width = 0.5\nstate = 0.5"),
        lines=[("preparation.state", "must be a level, Diabatic(level)")],
    ),
    case(
        "amplitudes of another size",
        ("width = 0.5", "width = 0.5\nstate = [1.0, 0.0, 0.0]"),
        lines=[("preparation.state", "one amplitude for each of 2 levels")],
    ),
    case(
        "amplitudes not normalised",
        ("width = 0.5", "width = 0.5\nstate = [1.0, 1.0]"),
        lines=[("preparation.state", "must have norm 1")],
    ),
    case(
        "amplitudes of text",
        ("width = 0.5", 'width = 0.5\nstate = ["up", "down"]'),
        lines=[("preparation.state", "complex ones as '0.6+0.8j'")],
    ),
    # options of theories
    case(
        "unknown option",
        (THEORY, 'kind = "SurfaceHopping"\nrescaling = "AlongMomentm"'),
        lines=[("theory[1].rescaling", "Did you mean 'AlongMomentum'")],
    ),
    case(
        "option of another kind",
        (THEORY, 'kind = "SurfaceHopping"\nrescaling = "NoDecoherence"'),
        lines=[("theory[1].rescaling", "unknown rescaling 'NoDecoherence'")],
    ),
    case(
        "option is a number",
        (THEORY, 'kind = "SurfaceHopping"\nrescaling = 3'),
        lines=[("theory[1].rescaling", "must be a name or a table with a kind, got 3")],
    ),
    case(
        "option without kind",
        (THEORY, 'kind = "SurfaceHopping"\ndecoherence = {parameter = 0.1}'),
        lines=[("theory[1].decoherence.kind", "is missing")],
    ),
    case(
        "key of an option",
        (THEORY, 'kind = "SurfaceHopping"\ndecoherence = {kind = "EnergyBasedDecoherence", paramter = 0.1}'),
        lines=[("theory[1].decoherence.paramter", "did you mean 'parameter'")],
    ),
    case(
        "unit of an option",
        (
            THEORY,
            'kind = "SurfaceHopping"\ndecoherence = {kind = "EnergyBasedDecoherence", parameter = "1 fs"}',
        ),
        lines=[("theory[1].decoherence.parameter", "must be an energy")],
    ),
    case(
        "unknown integrator",
        (THEORY, THEORY + '\nintegrator = "TrippleJump"'),
        lines=[("theory[1].integrator", "Did you mean 'TripleJump'")],
    ),
    case(
        "integrator that does not fit",
        (THEORY, THEORY + '\nintegrator = "WithJumps"'),
        lines=[("theory[1].integrator", "needs a theory with jumps")],
    ),
    case(
        "grid upside down",
        (THEORY, 'kind = "Exact"\ngrid = {lower = 5.0, upper = -5.0, points = 64}'),
        lines=[("theory[1].grid.lower", "must be below `upper`")],
    ),
    case(
        "grid of other coordinates",
        (THEORY, 'kind = "Exact"\ngrid = {lower = [-5.0, -5.0], upper = [5.0, 5.0], points = [64, 64]}'),
        lines=[("theory[1].grid", "has 2 coordinates, the Hamiltonian has 1")],
    ),
    case(
        "absorber that amplifies",
        (THEORY, 'kind = "Exact"\nabsorber = {length = 2.0, strength = -1.0}'),
        lines=[("theory[1].absorber.strength", "must be positive")],
    ),
    # what does not go together
    case(
        "theory on too many coordinates",
        (MODEL, 'name = "spin_boson"\nmodes = 5'),
        (THEORY, 'kind = "Exact"'),
        lines=[("theory[1]", "at most 3 coordinates, got Canonical(5)")],
    ),
    case(
        "bath without modes",
        (PACKET, 'kind = "ThermalBath"\ntemperature = "300 K"'),
        lines=[("preparation", "needs a Hamiltonian with harmonic frequencies")],
    ),
    case(
        "packet of other coordinates",
        ("position = -2.0", "position = [-2.0, 1.0]"),
        lines=[("preparation.position", "must be one number or 1")],
    ),
    case(
        "points of other shape",
        (PACKET, 'kind = "Points"\npositions = [1.0, 2.0]\nmomenta = [1.0]'),
        ("trajectories = 4", ""),
        lines=[("preparation.positions", "must have the same shape")],
    ),
    case(
        "count of laid-out points",
        (PACKET, 'kind = "Points"\npositions = [1.0, 2.0]\nmomenta = [1.0, 1.0]'),
        lines=[("run.trajectories", "is 4, but Points lays out 2")],
    ),
    # operators that are not Hermitian, arrays that do not fit
    case(
        "couplings not symmetric",
        (MODEL, VIBRONIC + "couplings = [[[0.0], [1.0]], [[2.0], [0.0]]]"),
        lines=[("model.couplings", "must be symmetric in the states")],
    ),
    case(
        "couplings on the diagonal",
        (MODEL, VIBRONIC + "couplings = [[[1.0], [0.0]], [[0.0], [0.0]]]"),
        lines=[("model.couplings", "must be zero for equal states")],
    ),
    case(
        "gradients of other shape",
        (MODEL, VIBRONIC + "gradients = [[1.0, 2.0]]"),
        lines=[("model.gradients", "must have shape (2, 1)")],
    ),
    case(
        "unknown bath",
        (MODEL, 'name = "spin_boson"\nbath = "DebyBath"'),
        lines=[("model.bath", "Did you mean 'DebyeBath'")],
    ),
    case(
        "bath with negative cutoff",
        (MODEL, 'name = "spin_boson"\nbath = {kind = "DebyeBath", cutoff = -1.0}'),
        lines=[("model.bath.cutoff", "must be positive")],
    ),
    # several at once: all are told
    case(
        "three mistakes",
        ("mass = 2000.0", "mass = -2000.0"),
        ("stop = 120.0", 'stop = "10 kg"'),
        ("width", "widht"),
        lines=[
            ("model.mass", "must be positive"),
            ("preparation.widht", "unknown key"),
            ("times.stop", "must be a time"),
        ],
    ),
    case(
        "second theory",
        (THEORY, THEORY + '\n[[theory]]\nkind = "Hopping"\n[[theory]]\nkind = "Exact"\ngrid = 3'),
        lines=[("theory[2].kind", "unknown theory"), ("theory[3].grid", "must be a name or a table")],
    ),
    case(
        "two of one table",
        (MODEL, VIBRONIC + "gradients = [[1.0, 2.0]]\ncouplings = [[[0.0], [1.0]], [[2.0], [0.0]]]"),
        lines=[("model.couplings", "symmetric"), ("model.gradients", "shape")],
    ),
]


@pytest.fixture(scope="module")
def finished(tmp_path_factory):
    """A run that is over: results that nobody may touch."""
    place = tmp_path_factory.mktemp("finished") / "results"
    setup = config.parse(GOOD, "run.toml")
    place.mkdir(parents=True, exist_ok=True)
    folder.begin(place, GOOD, place, ["Ehrenfest"])
    bk.write_netcdf(folder.go_on(setup, GOOD, place, False, 1), place / folder.RESULTS)
    return place


@pytest.fixture(scope="module")
def stopped(tmp_path_factory):
    """A run that was stopped half-way, with its checkpoint."""
    place = tmp_path_factory.mktemp("stopped") / "stopped"

    def interrupt(title, total, done):
        left = [2]

        def advance(done):
            left[0] -= 1
            if left[0] == 0:
                raise KeyboardInterrupt

        return advance

    place.mkdir(parents=True, exist_ok=True)
    folder.begin(place, GOOD, place, ["Ehrenfest"])
    with pytest.raises(KeyboardInterrupt):
        folder.go_on(config.parse(GOOD, "run.toml"), GOOD, place, interrupt, 1)
    assert not bk.read_store(place / "ehrenfest.zarr").attrs["complete"]
    return place


@pytest.fixture
def here(tmp_path, monkeypatch, finished, stopped):
    """A folder to work in, with a finished and a stopped run."""
    monkeypatch.chdir(tmp_path)
    shutil.copytree(finished, tmp_path / "results")
    shutil.copytree(stopped, tmp_path / "stopped")
    return tmp_path


def contents(place: Path) -> dict[str, bytes]:
    """Every file below a folder, byte by byte."""
    return {
        str(path.relative_to(place)): path.read_bytes() if path.is_file() else b""
        for path in sorted(place.rglob("*"))
    }


def refused(untouched, arguments, lines, code=2):
    """Run a command that must fail with these lines, each with all its words, and leave all as it was."""
    before = contents(untouched)
    result = CliRunner().invoke(app, arguments)
    got = result.stderr.splitlines()
    assert result.exit_code == code, result.output
    assert "Traceback" not in result.output
    assert len(got) == len(lines), result.stderr
    for words in lines:
        assert any(all(word in line for word in words) for line in got), (words, result.stderr)
    assert contents(untouched) == before


@pytest.mark.parametrize("case", FILES, ids=lambda case: case.name.replace(" ", "_"))
def test_a_file_with_mistakes(here, case):
    text = GOOD
    for old, new in case.replacements:
        assert old in text
        text = text.replace(old, new, 1)
    (here / "bad.toml").write_text(text)
    lines = [(f"bad.toml: {place}", words) for place, words in case.lines]
    refused(here, ["run", "bad.toml", "--out", "results", "--overwrite"], lines)


# Commands: what lies there beforehand, the arguments, and what is said of them.
def nothing(here):
    pass


def good_file(here):
    (here / "good.toml").write_text(GOOD)


def binary_file(here):
    (here / "binary.toml").write_bytes(b"\xff\xfe\x00\x01")


def foreign_folder(here):
    good_file(here)
    (here / "mine").mkdir()
    (here / "mine" / "thesis.txt").write_text("years of work")


def plain_file(here):
    good_file(here)
    (here / "file").write_text("a file")


def foreign_figure(here):
    (here / "mine").mkdir()
    (here / "mine" / "figure.png").write_bytes(b"a figure of mine")


def replacement_stopped(here):
    good_file(here)
    shutil.copytree(here / "stopped", here / "results.part")


def foreign_netcdf(here):
    xarray.Dataset({"a": ("x", np.arange(3.0))}).to_netcdf(here / "foreign.nc", engine="h5netcdf")


def truncated_netcdf(here):
    data = (here / "results" / "results.nc").read_bytes()
    (here / "short.nc").write_bytes(data[: len(data) // 2])


def foreign_zarr(here):
    xarray.Dataset({"a": ("x", np.arange(3.0))}).to_zarr(here / "foreign.zarr", consolidated=False)


def store_without_file(here):
    packet = bk.GaussianPacket(-2.0, 20.0, 0.5)
    bk.simulate(
        bk.models.tully(1), bk.Ehrenfest(), packet, bk.times(1.0, 1), trajectories=2, store=here / "mine.zarr"
    )


def array_lost(here):
    shutil.rmtree(next((here / "stopped" / "ehrenfest.zarr" / "checkpoint").glob("*carry.0000")))


def chunk_lost(here):
    next(
        path
        for path in (here / "stopped" / "ehrenfest.zarr" / "checkpoint").glob("*carry.0000/c/**/*")
        if path.is_file()
    ).unlink()


def chunk_truncated(here):
    path = next(
        path
        for path in (here / "stopped" / "ehrenfest.zarr" / "checkpoint").glob("*carry.0000/c/**/*")
        if path.is_file()
    )
    path.write_bytes(path.read_bytes()[:5])


def chunk_changed(here):
    array = next((here / "stopped" / "ehrenfest.zarr" / "checkpoint").glob("*carry.0000"))
    import zarr

    values = zarr.open_array(array, mode="r+")
    values[...] = np.asarray(values[...]) * 2


def checkpoint_lost(here):
    shutil.rmtree(here / "stopped" / "ehrenfest.zarr" / "checkpoint")


def metadata_broken(here):
    (here / "stopped" / "ehrenfest.zarr" / "checkpoint" / "zarr.json").write_text('{"zarr_format": 3')


def other_runs_store(here):
    other = GOOD.replace("momentum = 20.0", "momentum = 10.0")
    (here / "stopped" / folder.FILE).write_text(other)


def file_broken(here):
    (here / "stopped" / folder.FILE).write_text(GOOD.replace("mass = 2000.0", "mass = -1.0"))


def file_lost(here):
    (here / "stopped" / folder.FILE).unlink()


def figure_is_a_folder(here):
    (here / "results" / "figure.png").mkdir()


@dataclass(frozen=True)
class Command:
    """A command line that is refused in one line that contains all of `words`."""

    prepare: Callable
    arguments: str
    words: tuple[str, ...]


COMMANDS = [
    # the command line itself
    Command(nothing, "compar tully1", ("compar", "compare")),
    Command(nothing, "compare", ("argument",)),
    Command(nothing, "compare tully1 --colour red", ("--colour",)),
    Command(nothing, "run", ("argument",)),
    Command(nothing, "list colours", ("colours", "models")),
    # compare
    Command(nothing, "compare tully9", ("tully9", "tully1", "spin_boson")),
    Command(nothing, "compare tully1 --trajectories 0", ("--trajectories",)),
    Command(nothing, "compare tully1 --trajectories many", ("--trajectories",)),
    Command(nothing, "compare tully1 --seed -1", ("--seed",)),
    Command(nothing, "compare tully1 --workers 0", ("--workers",)),
    Command(nothing, "compare tully1 --momentum 0", ("--momentum", "between 1 and 1000")),
    Command(nothing, "compare tully1 --momentum nan", ("--momentum",)),
    Command(nothing, "compare rabi --momentum 3", ("--momentum", "rabi")),
    Command(nothing, "compare tully1 --theory Erenfest", ("Did you mean 'Ehrenfest'",)),
    Command(nothing, "compare spin_boson --theory Exact", ("theory[1]", "at most 3 coordinates")),
    Command(plain_file, "compare tully1 --out file/below", ("file is not a folder",)),
    Command(plain_file, "compare tully1 --out file", ("file is not a folder",)),
    Command(figure_is_a_folder, "compare tully1 --out results", ("figure.png", "is a folder")),
    Command(foreign_figure, "compare tully1 --out mine", ("figure.png", "nothing that brackish wrote")),
    # audit
    Command(nothing, "audit Ehrenfest", ("model",)),
    Command(nothing, "audit Erenfest tully1", ("theory", "Did you mean 'Ehrenfest'")),
    Command(nothing, "audit Ehrenfest tuly1", ("model", "Did you mean 'tully1'")),
    Command(nothing, "audit Exact spin_boson", ("theory[1]", "at most 3 coordinates")),
    Command(nothing, "audit Ehrenfest rabi --momentum 3", ("--momentum", "rabi")),
    Command(nothing, "audit Ehrenfest tully1 --trajectories 0", ("--trajectories",)),
    Command(nothing, "audit Ehrenfest tully1 --seed -1", ("--seed",)),
    # run
    Command(nothing, "run absent.toml", ("absent.toml", "No such file")),
    Command(nothing, "run results", ("Cannot read results",)),
    Command(binary_file, "run binary.toml", ("not a text file",)),
    Command(good_file, "run good.toml --workers 0", ("--workers",)),
    Command(good_file, "run good.toml --out results", ("results holds a run already", "--overwrite")),
    Command(
        good_file, "run good.toml --out stopped", ("stopped holds a run already", "brackish resume stopped")
    ),
    Command(plain_file, "run good.toml --out file", ("file is not a folder",)),
    Command(plain_file, "run good.toml --out file/below/it", ("file is not a folder",)),
    Command(foreign_folder, "run good.toml --out mine", ("mine is not empty",)),
    Command(foreign_folder, "run good.toml --out mine --overwrite", ("mine is not empty",)),
    Command(replacement_stopped, "run good.toml --out results --overwrite", ("results.part", "resume")),
    # resume
    Command(nothing, "resume absent", ("There is no absent",)),
    Command(good_file, "resume good.toml", ("good.toml is a file",)),
    Command(nothing, "resume results/results.nc", ("results.nc is a file",)),
    Command(foreign_netcdf, "resume foreign.nc", ("foreign.nc is a file",)),
    Command(foreign_zarr, "resume foreign.zarr", ("foreign.zarr", "not one of brackish")),
    Command(foreign_folder, "resume mine", ("mine is not a readable store",)),
    Command(store_without_file, "resume mine.zarr", ("mine.zarr", "not written by `brackish run`")),
    Command(array_lost, "resume stopped", ("ehrenfest.zarr", "truncated")),
    Command(chunk_lost, "resume stopped", ("ehrenfest.zarr", "damaged")),
    Command(chunk_truncated, "resume stopped", ("ehrenfest.zarr",)),
    Command(chunk_changed, "resume stopped", ("ehrenfest.zarr", "damaged")),
    Command(checkpoint_lost, "resume stopped", ("ehrenfest.zarr", "no checkpoint")),
    Command(metadata_broken, "resume stopped", ("ehrenfest.zarr", "no checkpoint")),
    Command(other_runs_store, "resume stopped", ("ehrenfest.zarr", "belongs to another run")),
    Command(other_runs_store, "resume stopped/ehrenfest.zarr", ("belongs to another run",)),
    Command(file_broken, "resume stopped", ("run.toml: model.mass", "must be positive")),
    Command(file_lost, "resume stopped/ehrenfest.zarr", ("lost its run",)),
    # plot
    Command(nothing, "plot absent.nc", ("There is no file absent.nc",)),
    Command(good_file, "plot good.toml", ("good.toml is not a readable NetCDF file",)),
    Command(foreign_netcdf, "plot foreign.nc", ("foreign.nc", "not a dataset of brackish")),
    Command(truncated_netcdf, "plot short.nc", ("short.nc is not a readable NetCDF file",)),
    Command(foreign_zarr, "plot foreign.zarr", ("foreign.zarr", "not one of brackish")),
    Command(nothing, "plot stopped", ("stopped holds no results yet", "resume")),
    Command(nothing, "plot results --kind cake", ("cake", "populations")),
    Command(nothing, "plot results --out figure.doc", ("figure.doc",)),
    Command(plain_file, "plot results --out file/figure.png", ("file is not a folder",)),
]


@pytest.mark.parametrize(
    "command", COMMANDS, ids=lambda c: f"{c.prepare.__name__}:{c.arguments}".replace(" ", "_")
)
def test_a_command_that_is_refused(here, command):
    command.prepare(here)
    refused(here, command.arguments.split(), [command.words])


def test_there_are_enough_cases():
    assert len(FILES) + len(COMMANDS) >= 60
    assert len({case.name for case in FILES}) == len(FILES)


def test_a_run_that_fails_leaves_what_it_was_to_replace(here):
    box = 'kind = "Exact"\ngrid = {lower = -4.0, upper = 0.0, points = 256}'
    (here / "edge.toml").write_text(GOOD.replace(THEORY, box))
    command = ["run", "edge.toml", "--out", "results", "--overwrite"]
    refused(here / "results", command, [("Exact", "has reached", "results.part")], code=1)


def test_what_nobody_foresaw_is_one_line(here, monkeypatch):
    def broken(*arguments, **options):
        raise RuntimeError("first\nsecond")

    monkeypatch.setattr(folder, "claim", broken)
    good_file(here)
    refused(here, ["run", "good.toml"], [("RuntimeError: first second", "--debug")], code=1)
    with pytest.raises(RuntimeError):
        CliRunner().invoke(app, ["--debug", "run", "good.toml"], catch_exceptions=False)


@pytest.mark.parametrize(
    ("arguments", "word"), [(["run", "bad.toml"], "must be positive"), (["resume", "foreign"], "no foreign")]
)
def test_in_a_process_of_its_own(here, arguments, word):
    (here / "bad.toml").write_text(GOOD.replace("mass = 2000.0", "mass = -2000.0"))
    program = [sys.executable, "-c", "from brackish.cli import main; main()", *arguments]
    result = subprocess.run(program, capture_output=True, text=True, check=False)
    assert result.returncode == 2
    assert result.stdout == ""
    assert len(result.stderr.splitlines()) == 1
    assert word in result.stderr
