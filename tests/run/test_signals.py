"""Ctrl-C and the signals of batch systems: a last store, the usual exit codes, and handlers as they were before."""

import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import numpy as np
import pytest

import brackish as bk
from brackish.run.marks import NAME

SYSTEM = bk.models.tully(1)
PACKET = bk.GaussianPacket(position=-8.0, momentum=10.0, width=0.7)

MAIN = "from brackish.cli import main; main()"
FILE = """
[model]
name = "tully"
[preparation]
kind = "GaussianPacket"
position = -8.0
momentum = 0.01
width = 0.7
[[theory]]
kind = "Ehrenfest"
[times]
stop = 100000000.0
saves = 2
step = 1.0
[run]
trajectories = 300
"""


def kill_after(reports, number):
    def begin(title, total, done):
        count = iter(range(reports, 0, -1))

        def move(done):
            if next(count, 0) == 1:
                os.kill(os.getpid(), number)

        return move

    return begin


@pytest.fixture
def _signals_end_processes():
    """As in a shell; whoever runs the tests under nohup ignores one of them."""
    before = {number: signal.signal(number, signal.SIG_DFL) for number in (signal.SIGTERM, signal.SIGHUP)}
    yield
    for number, handler in before.items():
        signal.signal(number, handler)


@pytest.mark.usefixtures("_signals_end_processes")
@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGHUP])
@pytest.mark.parametrize("workers", [1, 2])
def test_a_signal_leaves_a_store_to_go_on_from(number, workers, tmp_path, monkeypatch):
    monkeypatch.setattr(sys.modules["brackish.run.block"], "SECONDS_A_CALL", 0.0)
    times = bk.times(60.0, saves=2, step=1.0)
    arguments = (SYSTEM, bk.Ehrenfest(), PACKET, times)
    options = {"trajectories": 40, "workers": workers, "store": tmp_path / "run.zarr"}
    with pytest.raises(SystemExit) as stopped:
        bk.simulate(*arguments, **options, progress=kill_after(3, number))
    assert stopped.value.code == 128 + number
    assert signal.getsignal(number) is signal.SIG_DFL
    assert bk.read_store(options["store"]).attrs["complete"] == 0
    resumed = bk.simulate(*arguments, **options, resume=True)
    whole = bk.simulate(*arguments, trajectories=40, workers=1)
    np.testing.assert_array_equal(resumed.population.values, whole.population.values)


def test_handlers_of_ones_own_and_what_is_ignored_stay(tmp_path):
    heard = []
    times = bk.times(60.0, saves=2, step=1.0)
    before = signal.signal(signal.SIGTERM, lambda number, frame: heard.append(number))
    ignored = signal.signal(signal.SIGHUP, signal.SIG_IGN)
    try:
        for number in (signal.SIGTERM, signal.SIGHUP):
            watch = kill_after(1, number)
            bk.simulate(SYSTEM, bk.Ehrenfest(), PACKET, times, trajectories=40, workers=1, progress=watch)
    finally:
        signal.signal(signal.SIGTERM, before)
        signal.signal(signal.SIGHUP, ignored)
    assert heard == [signal.SIGTERM]


@pytest.mark.usefixtures("_signals_end_processes")
@pytest.mark.slow
@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM, signal.SIGHUP])
@pytest.mark.parametrize("workers", ["1", "2"])
def test_a_command_is_stopped_in_the_middle_of_a_block(number, workers, tmp_path):
    """The run would take days, and its first save hours."""
    file, out = tmp_path / "long.toml", tmp_path / "out"
    file.write_text(FILE.replace("[run]", "[run]\ncheckpoint_every = 0.5"))
    command = [sys.executable, "-c", MAIN, "run", str(file), "--out", str(out), "--workers", workers]
    with subprocess.Popen(command, stderr=subprocess.PIPE, text=True) as process:
        while not (out / "ehrenfest.zarr").exists() and process.poll() is None:
            time.sleep(0.2)
        process.send_signal(number)
        _, words = process.communicate(timeout=60)
    assert process.returncode == 128 + number
    assert words.startswith("stopped at")
    assert words.count("\n") == 1
    assert bk.read_store(out / "ehrenfest.zarr").attrs["complete"] == 0
    # the mark of the folder stays, and nothing half written
    assert [path.name for path in Path(out).iterdir() if path.name.startswith(".")] == [NAME]
