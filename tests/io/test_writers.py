"""One writer at a time; nothing of anybody else is removed; a full disk leaves what was there."""

import errno
import json
import multiprocessing
import os
import platform
import resource
import signal
import subprocess
import sys
from importlib.util import module_from_spec, spec_from_file_location
from pathlib import Path

import numpy as np
import pytest

import brackish as bk
from brackish.io import files, write_store, writer_of
from brackish.io.processes import Process, this_process

specification = spec_from_file_location("damage_files", Path(__file__).with_name("damage_files.py"))
assert specification is not None
damage_files = module_from_spec(specification)
specification.loader.exec_module(damage_files)

SMALL = damage_files.dataset(np.random.default_rng(0))
HOLD = """
import sys, time
from brackish.io import writer_of
with writer_of(sys.argv[1]):
    print("held", flush=True)
    time.sleep(600)
"""


def names(folder):
    return sorted(path.name for path in folder.iterdir())


def refusal(path):
    with pytest.raises(bk.CheckpointError) as caught, writer_of(path):
        pass
    assert "\n" not in str(caught.value)
    return str(caught.value)


# -- locks ----------------------------------------------------------------------------------------------


def test_the_second_writer_is_refused(tmp_path):
    with writer_of(tmp_path / "run.zarr"):
        said = refusal(tmp_path / "run.zarr")
        assert f"process {os.getpid()} on {platform.node()}" in said
        with writer_of(tmp_path / "other.zarr"):
            pass
    assert names(tmp_path) == []


def test_a_lock_outlives_a_crash_and_is_taken_over(tmp_path):
    store = tmp_path / "run.zarr"
    holder = subprocess.Popen([sys.executable, "-c", HOLD, str(store)], stdout=subprocess.PIPE, text=True)
    try:
        assert holder.stdout.readline() == "held\n"
        assert f"process {holder.pid}" in refusal(store)
        holder.send_signal(signal.SIGKILL)
        # what is left of a process until its parent has asked for it writes no more
        while this_process().runs() and Process(**described(tmp_path)).runs():
            pass
        assert names(tmp_path) == [".run.zarr.lock"]
        with writer_of(store):
            assert described(tmp_path)["number"] == os.getpid()
    finally:
        holder.kill()
        holder.communicate()
    assert names(tmp_path) == []


def described(folder):
    written = json.loads((folder / ".run.zarr.lock").read_text())
    return {key: written[key] for key in ("host", "system", "number", "started")}


def test_a_writer_out_of_sight_is_not_taken_for_dead(tmp_path):
    elsewhere = {
        "lock": "run.zarr",
        "host": "moon",
        "system": "0" * 8,
        "number": 1,
        "started": "0",
        "since": "1969",
    }
    lock = tmp_path / ".run.zarr.lock"
    lock.write_text(json.dumps(elsewhere))
    said = refusal(tmp_path / "run.zarr")
    assert "process 1 on moon" in said
    assert f"remove {lock}" in said


def test_a_number_that_came_again_is_another_process(tmp_path):
    mine = this_process()
    again = {
        "lock": "",
        "host": mine.host,
        "system": mine.system,
        "number": mine.number,
        "started": "another",
    }
    (tmp_path / ".run.zarr.lock").write_text(json.dumps(again))
    with writer_of(tmp_path / "run.zarr"):
        pass


def test_what_is_no_lock_is_left_alone(tmp_path):
    (tmp_path / ".run.zarr.lock").write_text("my notes")
    assert "no lock of brackish" in refusal(tmp_path / "run.zarr")
    assert (tmp_path / ".run.zarr.lock").read_text() == "my notes"


def _race(path, barrier, results):
    barrier.wait()
    try:
        with writer_of(path):
            results.put(True)
            barrier.wait()
    except bk.CheckpointError:
        results.put(False)
        barrier.wait()


def test_of_many_who_find_a_dead_lock_one_gets_it(tmp_path):
    mine = this_process()
    dead = {
        "lock": "",
        "host": mine.host,
        "system": mine.system,
        "number": 1,
        "started": "never",
        "since": "",
    }
    (tmp_path / ".run.zarr.lock").write_text(json.dumps(dead))
    context = multiprocessing.get_context("spawn")
    barrier, results = context.Barrier(3), context.Queue()
    racers = [context.Process(target=_race, args=(tmp_path / "run.zarr", barrier, results)) for _ in range(3)]
    for racer in racers:
        racer.start()
    won = [results.get(timeout=120) for _ in racers]
    for racer in racers:
        racer.join(60)
    assert sorted(won) == [False, False, True]


def test_two_runs_on_one_store(tmp_path):
    """The second one is refused while the first goes on, and has changed nothing."""
    asked = (bk.models.tully(1), bk.Ehrenfest(), bk.GaussianPacket(-2, 10, 0.5), bk.times(2.0, 1, step=1.0))
    said = []

    def watch(title, total, done):
        with pytest.raises(bk.CheckpointError) as caught:
            bk.simulate(*asked, trajectories=4, store=tmp_path / "run.zarr")
        said.append(str(caught.value))
        return lambda *parts: None

    run = bk.simulate(*asked, trajectories=4, store=tmp_path / "run.zarr", progress=watch)
    assert "is being written by process" in said[0]
    assert bk.read_store(tmp_path / "run.zarr").identical(run)
    assert names(tmp_path) == ["run.zarr"]


# -- what is somebody else's ----------------------------------------------------------------------------


def test_scratch_files_go_when_their_maker_is_dead(tmp_path):
    mine, path = this_process(), tmp_path / "run.nc"
    alive = files.scratch(path)
    dead = alive.with_name(alive.name.replace(mine.started, "00000000"))
    elsewhere = alive.with_name(alive.name.replace(mine.system, "00000000"))
    foreign = tmp_path / ".run.nc.notes.part"
    for name in (alive, dead, elsewhere, foreign):
        name.write_text("half")
    bk.write_netcdf(SMALL, path)
    assert names(tmp_path) == sorted(name.name for name in (alive, elsewhere, foreign, path))


@pytest.mark.parametrize("name", ["run.zarr", "run.zarr.previous"])
def test_a_foreign_folder_in_the_place_of_a_store_stays(tmp_path, name):
    (tmp_path / name).mkdir()
    (tmp_path / name / "thesis.txt").write_text("years of work")
    assert name in refusal(tmp_path / "run.zarr")
    with pytest.raises(bk.InvalidInput, match=name.replace(".", r"\.")):
        write_store(tmp_path / "run.zarr", SMALL, {}, {})
    assert (tmp_path / name / "thesis.txt").read_text() == "years of work"


def test_notes_in_a_store_move_to_the_next_one(tmp_path):
    store = tmp_path / "run.zarr"
    write_store(store, SMALL, {}, {})
    (store / "notes").mkdir()
    (store / "notes" / "zarr.json").write_text("looks like a part of the store")
    (store / "energy" / "why.txt").write_text("because")
    write_store(store, SMALL, {}, {})
    write_store(store, SMALL, {}, {})
    assert (store / "notes" / "zarr.json").read_text() == "looks like a part of the store"
    assert (store / "energy" / "why.txt").read_text() == "because"
    assert names(tmp_path) == ["run.zarr"]


def test_links_stay_links(tmp_path):
    (tmp_path / "disk").mkdir()
    for name, write in (
        ("run.nc", lambda path: bk.write_netcdf(SMALL, path)),
        ("run.zarr", lambda path: write_store(path, SMALL, {}, {})),
        ("run.ovf", lambda path: bk.write_ovf(np.ones((1, 3)), path, np.zeros((1, 3)))),
    ):
        write(tmp_path / "disk" / name)
        (tmp_path / name).symlink_to(tmp_path / "disk" / name)
        before = (tmp_path / "disk" / name).stat().st_ino
        write(tmp_path / name)
        assert (tmp_path / name).is_symlink()
        assert (tmp_path / "disk" / name).stat().st_ino != before
    assert names(tmp_path / "disk") == ["run.nc", "run.ovf", "run.zarr"]


# -- full disks -----------------------------------------------------------------------------------------

FULL = """
import resource, sys, numpy as np, brackish as bk
from brackish.io import write_store
import xarray
path = sys.argv[1]
big = xarray.Dataset({"noise": ("x", np.random.default_rng(0).normal(size=60_000))})
resource.setrlimit(resource.RLIMIT_FSIZE, (100_000, resource.RLIM_INFINITY))
for write in (
    lambda: write_store(path + "/run.zarr", big, {}, {}),
    lambda: write_store(path + "/run.zarr", big[[]], {"carry": big.noise.values}, {}),
    lambda: bk.write_netcdf(big, path + "/run.nc"),
    lambda: bk.write_ovf(np.ones((9000, 3)), path + "/run.ovf", np.random.default_rng(0).random((9000, 3))),
):
    try:
        write()
    except bk.errors.DiskFull as error:
        print(error)
"""


def test_a_full_disk_leaves_what_was_there_and_nothing_else(tmp_path):
    """Every file that would be longer than 100 kB finds no room."""
    assert resource.getrlimit(resource.RLIMIT_FSIZE)[1] == resource.RLIM_INFINITY
    write_store(tmp_path / "run.zarr", SMALL, {}, {})
    bk.write_netcdf(SMALL, tmp_path / "run.nc")
    done = subprocess.run(
        [sys.executable, "-c", FULL, str(tmp_path)], capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr
    assert done.stderr == ""
    said = done.stdout.splitlines()
    assert len(said) == 4
    assert all("Cannot write" in line and os.strerror(errno.EFBIG) in line for line in said)
    assert names(tmp_path) == ["run.nc", "run.zarr"]
    assert bk.read_store(tmp_path / "run.zarr").identical(SMALL)
    assert bk.read_netcdf(tmp_path / "run.nc").identical(SMALL)
