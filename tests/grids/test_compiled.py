"""Loops compiled by numba, run where memory that has been given back is filled with large numbers."""

import os
import subprocess
import sys
from pathlib import Path

CHOSEN = "37-1 or lattice0"  # one coordinate, many particles; a lattice of few axes


def test_scratch_arrays_live_until_the_loops_end():
    """In an interpreter of its own, as the C library asks for the byte to fill with when it starts."""
    files = [str(Path(__file__).with_name(name)) for name in ("test_smoothing.py", "test_deposit.py")]
    command = [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", *files, "-k", CHOSEN]
    environment = {**os.environ, "MALLOC_PERTURB_": "65"}
    done = subprocess.run(command, env=environment, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout
    assert "3 passed" in done.stdout
