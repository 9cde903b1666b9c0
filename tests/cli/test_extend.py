"""`brackish extend`: a finished run in a folder goes on, and its file says what it has become."""

import dataclasses
import itertools

import numpy as np
import pytest
from typer.testing import CliRunner

import brackish as bk
from brackish.cli import app
from brackish.run import config, extension, marks
from brackish.run.extension import edited
from brackish.run.time_grid import Times

TOML = """\
# my crossing
[model]
name = "tully1"

[preparation]
kind = "GaussianPacket"
position = -2.0
momentum = 20.0
width = 0.5
state = { kind = "Adiabatic", level = 0 }

[[theory]]
kind = "Ehrenfest"

[[theory]]
kind = "MeanField"

[times]
stop = 6.0   # short
saves = 3
step = 1.0

[run]
trajectories = 4
seed = 3
"""
LONGER = TOML.replace("stop = 6.0 ", "stop = 10.0 ").replace("saves = 3", "saves = 5")
EXACT = TOML.replace("Ehrenfest", "Exact").replace('[[theory]]\nkind = "MeanField"\n\n', "")


def invoke(*arguments, code=0):
    result = CliRunner().invoke(app, [str(argument) for argument in arguments])
    assert result.exit_code == code, result.output
    assert "Traceback" not in result.output
    if code:
        (line,) = result.output.strip().splitlines()
        return line
    return result.output


def assert_identical(first, second):
    one, other = (bk.read_netcdf(place / "results.nc") for place in (first, second))
    assert set(one.variables) == set(other.variables)
    for name in one.variables:
        assert np.asarray(one[name].values).tobytes() == np.asarray(other[name].values).tobytes(), name
    assert one.attrs == other.attrs


@pytest.fixture
def here(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "one.toml").write_text(TOML)
    (tmp_path / "longer.toml").write_text(LONGER)
    (tmp_path / "exact.toml").write_text(EXACT)
    return tmp_path


def run(file, out):
    return invoke("run", file, "--out", out, "--no-progress")


def extend(out, *options, code=0):
    return invoke("extend", out, "--no-progress", *options, code=code)


def test_a_folder_is_extended_and_its_file_keeps_its_words(here):
    run("one.toml", "out")
    (here / "out" / "notes.txt").write_text("mine")
    run("longer.toml", "all")
    extend("out", "--stop", "10.0")
    assert_identical(here / "out", here / "all")
    assert (here / "out" / "run.toml").read_text() == LONGER
    names = [
        ".brackish",
        "ehrenfest.zarr",
        "figure.png",
        "meanfield.zarr",
        "notes.txt",
        "results.nc",
        "run.toml",
    ]
    assert sorted(path.name for path in (here / "out").iterdir()) == names
    assert "complete already" in invoke("resume", "out")


class Crash(BaseException):
    """What kills a process, in its place."""


def test_a_crash_leaves_the_old_run_and_one_to_resume(here, monkeypatch):
    """In the second of two theories, and while files move."""
    from brackish.run import folder

    run("one.toml", "out")
    run("longer.toml", "all")
    simulate, asked = folder.simulate, []

    def crashing(*arguments, **options):
        asked.append(options)
        if len(asked) == 2:
            raise Crash
        return simulate(*arguments, **options)

    with monkeypatch.context() as patch:
        patch.setattr(folder, "simulate", crashing)
        with pytest.raises(Crash):
            CliRunner().invoke(app, ["extend", "out", "--stop", "10.0"], catch_exceptions=False)
    assert "complete already" in invoke("resume", "out")
    assert (here / "out" / "run.toml").read_text() == TOML
    assert "out.part holds a run that was stopped" in extend("out", "--stop", "10.0", code=2)

    asked.clear()
    with monkeypatch.context() as patch:
        patch.setattr(folder, "simulate", lambda *a, **o: asked.append(o) or simulate(*a, **o))
        moved, count = marks._move, itertools.count()

        def moving(*arguments):
            if next(count) == 2:
                raise Crash
            moved(*arguments)

        patch.setattr(marks, "_move", moving)
        with pytest.raises(Crash):
            CliRunner().invoke(app, ["resume", "out.part"], catch_exceptions=False)
    # the first one resumed what it had, the second one began from the finished store
    assert [(one["resume"], one["extend"] is not None) for one in asked] == [(True, False), (False, True)]
    invoke("resume", "out.part")
    assert_identical(here / "out", here / "all")
    assert not (here / "out.part").exists()


@pytest.mark.parametrize("left", [[".lock"], [".lock", ".brackish"]])
def test_a_crash_before_there_is_anything_to_resume(here, left):
    """A folder with a lock and a mark alone stands in nobody's way."""
    from brackish.run import folder

    (here / "out").mkdir()
    (here / "out" / "run.toml").write_text(TOML)
    marks.write(here / "out", marks.new(None))
    (here / "out.part").mkdir()
    (here / "out.part" / ".lock").write_text("")
    if ".brackish" in left:
        marks.write(here / "out.part", marks.new("out", extends=True))
    place = folder.claim(here / "out", overwrite=True)
    folder.begin(place, LONGER, here / "out", ["Ehrenfest"], extends=True)
    assert (here / "out.part" / "run.toml").read_text() == LONGER


def test_a_step_that_would_change_is_written_down_to_be_kept(tmp_path, monkeypatch):
    """As that of a magnet does whose field grows later."""
    before = config.parse(TOML.replace("step = 1.0\n", ""), "run.toml")
    after = config.parse(LONGER.replace("step = 1.0\n", ""), "run.toml")
    monkeypatch.setattr(Times, "steps_for", lambda self, theory, hamiltonian: 4 if self.stop < 8 else 9)
    with pytest.raises(
        bk.InvalidInput, match=r"not 0\.5; to keep .* write step = 0\.5 into \[times\] in"
    ) as caught:
        extension._require_the_same_choices(before, after, tmp_path / "run.toml")
    assert "\n" not in str(caught.value)


def test_more_trajectories_of_what_can_have_more(here):
    alone = TOML.replace('[[theory]]\nkind = "MeanField"\n\n', "")
    (here / "alone.toml").write_text(alone)
    (here / "many.toml").write_text(alone.replace("trajectories = 4", "trajectories = 20"))
    run("alone.toml", "out")
    run("many.toml", "all")
    extend("out", "--trajectories", "20")
    assert_identical(here / "out", here / "all")
    run("one.toml", "coupled")
    assert "give more `ensembles` instead" in extend("coupled", "--trajectories", "20", code=2)
    assert not (here / "coupled.part").exists()


def test_what_does_not_fit_is_refused_with_what_would(here):
    run("one.toml", "out")
    assert "'10' or '12' would fit" in extend("out", "--stop", "11.0", code=2)
    # 0.25 fs are 10.3 atomic units
    assert "'0.241888432659 fs' or '0.29026611919 fs' would fit" in extend("out", "--stop", "0.25 fs", code=2)
    assert "must be a time" in extend("out", "--stop", "10 bohr", code=2)
    assert "until 6 already" in extend("out", "--stop", "4", code=2)
    assert "is there already" in extend("out", "--stop", "6", code=2)
    assert "is there already" in extend("out", code=2)
    assert "There is no" in extend("nowhere", "--stop", "10", code=2)
    assert not (here / "out.part").exists()
    extend("out", "--stop", "0.241888432659 fs")
    assert "stop = 10.0 " in (here / "out" / "run.toml").read_text()


def test_a_stop_with_a_unit_is_read_on_the_clock_of_the_system(here):
    """A magnet in real units counts picoseconds; a model in units of its own has no unit of time, here as in a file."""
    own = TOML.replace('name = "tully1"', 'name = "rabi"').replace("width = 0.5", "width = 0.7")
    (here / "own.toml").write_text(own)
    run("own.toml", "own")
    wanted = (
        "Option --stop was given with a unit, but Rabi is measured in units of its own: give a plain number."
    )
    assert wanted in extend("own", "--stop", "80 fs", code=2)
    magnet = bk.SpinSystem([0.5], field=(0.0, 0.0, 2.0), units=bk.RealUnits())
    before = dataclasses.replace(config.parse(own, "own.toml"), hamiltonian=magnet)
    assert extension._longer("10000 fs", before) == {("times", "stop"): "10000 fs", ("times", "saves"): 5}
    with pytest.raises(bk.InvalidInput, match="'10000 fs' or '12000 fs' would fit"):
        extension._longer("1.1e4 fs", before)


def test_a_grid_that_was_chosen_is_written_down_to_be_kept(here):
    run("exact.toml", "out")
    line = extend("out", "--stop", "300.0", code=2)
    assert "theory[1] (Exact) would take another grid" in line
    grid = line[line.index("grid = {") : line.index("}") + 1]
    text = (here / "out" / "run.toml").read_text().replace('kind = "Exact"', f'kind = "Exact"\n{grid}')
    (here / "out" / "run.toml").write_text(text)
    extend("out", "--stop", "300.0")
    (here / "all.toml").write_text(
        text.replace("stop = 6.0 ", "stop = 300.0 ").replace("saves = 3", "saves = 150")
    )
    run("all.toml", "all")
    assert_identical(here / "out", here / "all")
    assert (here / "out" / "run.toml.kept").read_text() == text


def test_values_are_changed_wherever_they_are_written(tmp_path):
    file = tmp_path / "out" / "run.toml"
    edits = {("times", "stop"): "80 fs", ("times", "saves"): 4, ("run", "trajectories"): 7}
    text = '[times] # when\nstop="40 fs"# short\n[run]\n  trajectories = 1_000\n[model]\nstop = 1'
    wanted = '[times] # when\nsaves = 4\nstop="80 fs"# short\n[run]\n  trajectories = 7\n[model]\nstop = 1\n'
    assert edited(text, edits, file) == wanted
    assert edited("[times]\nstop = 1.0\n", {("run", "trajectories"): 7}, file).endswith(
        "\n[run]\ntrajectories = 7\n"
    )
    with pytest.raises(bk.InvalidInput, match=r"set times\.stop = 2\.0 by hand, then give brackish extend"):
        edited("times = { stop = 1.0 }\n", {("times", "stop"): 2.0}, file)
    with pytest.raises(bk.InvalidInput, match="by hand"):
        edited(
            '[times]\nstop = 1.0\ntitle = """\nstop = 1\n"""\n[times.more]\n',
            {("times", "saves"): 2, ("times.more", "x"): 1},
            file,
        )


def test_the_time_between_saves_is_the_same_for_all_numbers_of_saves():
    """Quotients of rounded products differ in the last digit; a run and its extension take the same steps."""
    chance = np.random.default_rng(0)
    spacings = [float(f"{x:.14g}") for x in 10 ** chance.uniform(-4, 4, 200)]
    for spacing in spacings:
        assert {Times(count * spacing, count).spacing for count in (1, 3, 7, 150, 4001)} == {spacing}
    quotients = {count * 0.7 / count for count in (1, 3, 7, 150, 4001)} | {0.7 * 3 / 3, 2.1 / 3}
    assert len(quotients) > 1
