"""As many workers as processors, each with LAPACK inside its compiled program."""

import subprocess
import sys

import pytest

PROGRAM = """
import brackish as bk
pair = bk.models.oscillator_pair(coupling=bk.analysis.oscillators.Spring(0.5))
theory = bk.ClassicalQuantum(diffusion=0.5, friction=0.5, truncation_tolerance=0.02)
start = bk.GaussianCloud(0.0, 0.0, 0.7, 0.7, pair.coherent_state())
bk.simulate(pair, theory, start, bk.times(40.0, 80, step=0.1), trajectories=2000, seed=0)
print("done")
"""


@pytest.mark.slow
def test_workers_do_not_wait_for_each_other():
    """Some 20 seconds, or for ever: in an interpreter of its own, whose pool has the size that the front door gives."""
    finished = subprocess.run(
        [sys.executable, "-c", PROGRAM], capture_output=True, text=True, timeout=500, check=False
    )
    assert finished.stdout.strip() == "done", finished.stderr
