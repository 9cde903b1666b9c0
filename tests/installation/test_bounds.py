"""The lowest and the highest versions that the bounds allow install, and do their work, in clean environments."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]


@pytest.fixture(scope="module")
def uv(tmp_path_factory):
    """The resolver that `make lock` uses, in an environment of its own."""
    place = tmp_path_factory.mktemp("uv")
    subprocess.run([sys.executable, "-m", "venv", place], check=True)
    subprocess.run([place / "bin" / "python", "-m", "pip", "install", "--quiet", "uv>=0.5,<1"], check=True)
    return place / "bin" / "uv"


@pytest.mark.slow
@pytest.mark.parametrize("resolution", ["lowest-direct", "highest"])
def test_both_ends_of_the_bounds(uv, tmp_path, resolution):
    python = tmp_path / "clean" / "bin" / "python"
    subprocess.run([uv, "venv", "--quiet", "--python", sys.executable, tmp_path / "clean"], check=True)
    install = [uv, "pip", "install", "--quiet", "--python", python, "--resolution", resolution, ROOT]
    subprocess.run(install, check=True)
    clean = {key: value for key, value in os.environ.items() if key not in ("PYTHONPATH", "VIRTUAL_ENV")}
    # programs that were compiled by another version are none of its business
    clean["JAX_COMPILATION_CACHE_DIR"] = str(tmp_path / "compiled")
    smoke = [python, Path(__file__).with_name("smoke.py")]
    done = subprocess.run(smoke, capture_output=True, text=True, check=False, env=clean, cwd=tmp_path)
    assert done.returncode == 0, done.stderr
    assert done.stdout.splitlines()[-1] == "done"
