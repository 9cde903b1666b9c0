"""A terminal that knows no more than ASCII."""

import os
import subprocess
import sys


def test_a_comparison_ends_well_on_an_ascii_terminal(tmp_path):
    asked = [
        "compare",
        "tully1",
        "--trajectories",
        "2",
        "--theory",
        "Ehrenfest",
        "--out",
        str(tmp_path / "out"),
    ]
    environment = {**os.environ, "PYTHONIOENCODING": "ascii", "LANG": "C"}
    code = "from brackish.cli import main; main()"
    ended = subprocess.run([sys.executable, "-c", code, *asked], capture_output=True, env=environment)
    assert ended.returncode == 0, ended.stderr
    assert b"+- 0.004" in ended.stdout
    assert (tmp_path / "out" / "dataset.nc").is_file()
