"""The folder of a run: nothing of anybody else is removed, and what is lost beside complete stores is made again."""

import os
import shutil
import subprocess
import sys

import pytest
from typer.testing import CliRunner

import brackish as bk
from brackish.cli import app
from brackish.io import writer_of
from brackish.run import folder, marks

TOML = """\
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

[times]
stop = 4.0
saves = 2
step = 1.0

[run]
trajectories = 4
seed = 3
"""
TWO = TOML.replace("[times]", '[[theory]]\nkind = "MeanField"\n\n[times]')
NAMES = [".brackish", "ehrenfest.zarr", "figure.png", "results.nc", "run.toml"]


def invoke(*arguments, code=0):
    result = CliRunner().invoke(app, [str(argument) for argument in arguments])
    assert result.exit_code == code, result.output
    assert "Traceback" not in result.output
    return result.output


def names(place):
    return sorted(path.name for path in place.iterdir())


@pytest.fixture
def here(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "one.toml").write_text(TOML)
    (tmp_path / "other.toml").write_text(TOML.replace("seed = 3", "seed = 4"))
    (tmp_path / "two.toml").write_text(TWO)
    return tmp_path


def run(file, out, *options, code=0):
    return invoke("run", file, "--out", out, "--no-progress", *options, code=code)


def seed_in(place):
    return bk.read_netcdf(place / "results.nc").attrs["seed"]


def test_a_folder_called_part_takes_nobodys_place(here):
    (here / "foo").mkdir()
    (here / "foo" / "thesis.txt").write_text("years of work")
    run("one.toml", "foo.part")
    assert names(here / "foo") == ["thesis.txt"]
    assert names(here / "foo.part") == NAMES
    assert "complete already" in invoke("resume", "foo.part")


def test_what_is_replaced_is_what_was_written(here):
    """Notes stay, also within a store; a figure with remarks on it is moved aside; a theory that is gone goes."""
    run("two.toml", "out")
    (here / "out.previous").mkdir()
    (here / "out.previous" / "thesis.txt").write_text("years of work")
    (here / "out" / "notes.txt").write_text("mine")
    (here / "out" / "ehrenfest.zarr" / "notes.txt").write_text("mine as well")
    (here / "out" / "meanfield.zarr" / "notes.txt").write_text("and this")
    figure = (here / "out" / "figure.png").read_bytes() + b"with remarks"
    (here / "out" / "figure.png").write_bytes(figure)
    run("other.toml", "out", "--overwrite")
    assert seed_in(here / "out") == 4
    assert names(here / "out") == sorted([*NAMES, "figure.png.kept", "notes.txt", "meanfield.zarr.kept"])
    assert (here / "out" / "figure.png.kept").read_bytes() == figure
    assert (here / "out" / "ehrenfest.zarr" / "notes.txt").read_text() == "mine as well"
    assert names(here / "out" / "meanfield.zarr.kept") == ["notes.txt"]
    assert (here / "out.previous" / "thesis.txt").read_text() == "years of work"
    assert names(here) == ["one.toml", "other.toml", "out", "out.previous", "two.toml"]


def test_a_link_to_a_folder_stays_a_link(here):
    (here / "disk").mkdir()
    (here / "disk" / "real").mkdir()
    (here / "out").symlink_to(here / "disk" / "real")
    run("one.toml", "out")
    run("other.toml", "out", "--overwrite")
    assert (here / "out").is_symlink()
    assert names(here / "disk") == ["real"]
    assert seed_in(here / "disk" / "real") == 4


def test_a_foreign_folder_in_the_way_stays(here):
    run("one.toml", "out")
    (here / "out.part").mkdir()
    (here / "out.part" / "thesis.txt").write_text("years of work")
    assert "out.part is there, and nothing that brackish wrote" in run(
        "other.toml", "out", "--overwrite", code=2
    )
    (here / "mine").mkdir()
    (here / "mine" / "run.toml").write_text("the file of another program")
    assert "nothing that brackish wrote" in run("one.toml", "mine", "--overwrite", code=2)
    assert (here / "mine" / "run.toml").read_text() == "the file of another program"


class Crash(BaseException):
    """What kills a process, in its place."""


@pytest.mark.parametrize("moves", range(5))
def test_a_crash_while_one_run_takes_the_place_of_another(here, monkeypatch, moves):
    """However many files have moved, the run is in one of the two places, and `resume` brings it to its own."""
    run("one.toml", "out")
    (here / "out" / "notes.txt").write_text("mine")
    moved, done = marks._move, []

    def crashing(*arguments):
        if len(done) == moves:
            raise Crash
        done.append(arguments)
        moved(*arguments)

    command = ["run", "other.toml", "--out", "out", "--overwrite"]
    with monkeypatch.context() as patch:
        patch.setattr(marks, "_move", crashing)
        if moves == 4:
            patch.setattr("pathlib.Path.rmdir", crashing)
        with pytest.raises(Crash):
            CliRunner().invoke(app, command, catch_exceptions=False)
    if (here / "out.part" / "run.toml").exists():
        monkeypatch.chdir(here / "out.part")
        invoke("resume", ".", "--no-progress")
        monkeypatch.chdir(here)
    else:
        run("one.toml", "out", code=2)
        run("other.toml", "out", "--overwrite")
    assert seed_in(here / "out") == 4
    assert names(here / "out") == sorted([*NAMES, "notes.txt"])
    assert not (here / "out.part").exists()
    assert "complete already" in invoke("resume", "out")


@pytest.mark.parametrize("name", ["figure.png", "results.nc"])
@pytest.mark.parametrize("harm", ["missing", "damaged"])
def test_what_is_lost_is_made_again(here, name, harm):
    run("one.toml", "out")
    path = here / "out" / name
    whole = bk.read_netcdf(here / "out" / "results.nc")
    content = bytearray(path.read_bytes())
    path.unlink()
    if harm == "damaged":
        content[len(content) // 2] ^= 1
        path.write_bytes(content)
    assert "complete already" not in invoke("resume", "out", "--no-progress")
    assert bk.read_netcdf(here / "out" / "results.nc").identical(whole)
    assert (here / "out" / "figure.png").read_bytes().startswith(b"\x89PNG")
    assert "complete already" in invoke("resume", "out")
    assert (here / "out" / f"{name}.kept").exists() == (harm == "damaged")


def test_a_damaged_store_of_a_complete_run_is_named(here):
    """Whichever file it is; the results are whole. A store that was removed as a whole is nobody's loss."""
    run("one.toml", "out")
    store = here / "out" / "ehrenfest.zarr"
    array = next(path for path in (store / "checkpoint").rglob("c/**/*") if path.is_file())
    for path in (
        store / "population" / "c" / "0" / "0",
        array,
        store / "zarr.json",
        store / "checkpoint" / "zarr.json",
    ):
        content = path.read_bytes()
        damaged = bytearray(content)
        damaged[len(content) // 2] ^= 1
        for harmed, what in ((None, "is missing"), (damaged, "is not what was written")):
            path.unlink()
            if harmed is not None:
                path.write_bytes(harmed)
            (line,) = invoke("resume", "out", code=2).splitlines()
            assert f"ehrenfest.zarr is damaged: {path.relative_to(store).as_posix()} {what}" in line
            assert line.endswith("results.nc can be read.")
            path.write_bytes(content)
    assert "complete already" in invoke("resume", "out")
    assert "time" in bk.read_netcdf(here / "out" / "results.nc")
    shutil.rmtree(store)
    assert "complete already" in invoke("resume", "out")


def test_two_commands_on_one_folder(here):
    run("one.toml", "out")
    with folder.writer_of(here / "out"):
        said = invoke("resume", "out", code=2)
        assert f"is being written by process {os.getpid()}" in said
        assert len(said.splitlines()) == 1
    with writer_of(here / "new" / "ehrenfest.zarr"):
        pass
    assert names(here / "new") == []


def test_a_run_that_is_to_replace_one_under_way_is_refused_before_its_work(here):
    run("one.toml", "out")
    with folder.writer_of(here / "out"):
        said = invoke("run", "one.toml", "--out", "out", "--overwrite", "--no-progress", code=2)
    assert f"is being written by process {os.getpid()}" in said
    assert not (here / "out.part").exists()


def test_a_folder_of_an_older_version_is_known(here):
    run("one.toml", "out")
    (here / "out" / ".brackish").unlink()
    (here / "out" / "notes.txt").write_text("mine")
    assert "complete already" in invoke("resume", "out")
    run("other.toml", "out", "--overwrite")
    assert names(here / "out") == sorted([*NAMES, "notes.txt"])


def test_figures_of_others_are_not_drawn_over(here):
    run("one.toml", "out")
    photo = here / "photo.png"
    photo.write_bytes(b"\x89PNG a photo")
    assert "no figure of brackish" in invoke("plot", "out", "--out", "photo.png", code=2)
    assert photo.read_bytes() == b"\x89PNG a photo"
    for name in ("mine.png", "mine.pdf", "mine.svg", "mine.eps"):
        invoke("plot", "out", "--out", name)
        invoke("plot", "out", "--out", name)
    (here / "results" / "rabi").mkdir(parents=True)
    (here / "results" / "rabi" / "figure.png").write_bytes(b"\x89PNG a photo")
    assert "nothing that brackish wrote" in invoke("compare", "rabi", "--trajectories", 4, code=2)


FULL = """
import resource, sys
resource.setrlimit(resource.RLIMIT_FSIZE, (12_000, resource.RLIM_INFINITY))
sys.argv = ["brackish", "run", "one.toml", "--out", "out", "--no-progress"]
from brackish.cli import main
main()
"""


def test_a_run_on_a_full_disk_fails_in_one_line(here):
    """Exit code 1, as of every run that fails; and nothing half-written stays to fill the disk further."""
    done = subprocess.run(
        [sys.executable, "-c", FULL], capture_output=True, text=True, check=False, cwd=here,
        env={**os.environ, "JAX_COMPILATION_CACHE_DIR": "", "JAX_ENABLE_COMPILATION_CACHE": "false"},
    )  # fmt: skip
    assert done.returncode == 1, done.stderr
    assert len(done.stderr.splitlines()) == 1, done.stderr
    assert "Cannot write" in done.stderr
    left = [path for path in (here / "out").rglob("*") if path.name.endswith(".part")]
    assert left == []
    assert bk.read_store(here / "out" / "ehrenfest.zarr").attrs["complete"]
