"""Compiled programs outlive the process: where they are kept, and who decides."""

import os
import subprocess
import sys

import jax
import pytest

import brackish as bk
from brackish.run import programs

RUN = """
import sys
from pathlib import Path
import brackish as bk
import jax.numpy as jnp
jnp.ones(3).sum()
folder = Path(sys.argv[1]) / "brackish"
assert not folder.exists(), "importing wrote"
bk.simulate(bk.models.tully(1), bk.Ehrenfest(), bk.Points([-1.0], [20.0]), bk.times(1.0, 1, step=1.0), follow=0)
print(len(list(folder.glob("*"))) if folder.exists() else 0)
"""


def kept_by(cache, **variables):
    """How many files a process leaves that has compiled something before its run."""
    mine = ("JAX_COMPILATION_CACHE_DIR", programs.VARIABLE)
    environment = {name: value for name, value in os.environ.items() if name not in mine}
    environment |= {"XDG_CACHE_HOME": str(cache), **variables}
    done = subprocess.run(
        [sys.executable, "-c", RUN, str(cache)], env=environment, capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr
    return int(done.stdout.split()[-1])


def test_a_run_in_python_keeps_its_programs_and_importing_writes_nothing(tmp_path):
    assert kept_by(tmp_path) > 2


@pytest.fixture
def undecided(monkeypatch):
    """A process in which nobody has chosen; what is chosen is returned in a list instead of being done."""
    used = []
    monkeypatch.setattr(programs, "_Choice", type("_Choice", (), {"made": False}))
    monkeypatch.setattr(programs, "_use", lambda folder: used.append(folder) or folder)
    monkeypatch.delenv("JAX_COMPILATION_CACHE_DIR", raising=False)
    monkeypatch.delenv(programs.VARIABLE, raising=False)
    told = jax.config.jax_compilation_cache_dir
    jax.config.update("jax_compilation_cache_dir", None)
    yield used
    jax.config.update("jax_compilation_cache_dir", told)


def test_the_first_run_decides_once(undecided, monkeypatch, tmp_path):
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    programs.keep_by_default()
    programs.keep_by_default()
    assert undecided == [tmp_path / "brackish"]


def test_the_environment_may_say_where_or_nowhere(undecided, monkeypatch, tmp_path):
    monkeypatch.setenv(programs.VARIABLE, str(tmp_path / "mine"))
    programs.keep_by_default()
    programs._Choice.made = False
    monkeypatch.setenv(programs.VARIABLE, "off")
    programs.keep_by_default()
    assert undecided == [tmp_path / "mine", None]


def test_what_was_chosen_in_python_stays(undecided, tmp_path):
    bk.keep_compiled_programs(False)
    programs.keep_by_default()
    assert undecided == [None]
    assert bk.keep_compiled_programs(str(tmp_path / "there")) == tmp_path / "there"
    assert (tmp_path / "there").is_dir()


def test_a_folder_of_jax_is_left_alone(undecided, monkeypatch):
    monkeypatch.setenv("JAX_COMPILATION_CACHE_DIR", "/somewhere")
    programs.keep_by_default()
    assert undecided == []


def test_where_nothing_can_be_written_nothing_is_kept(undecided, monkeypatch, tmp_path):
    (tmp_path / "file").write_text("")
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "file"))
    programs.keep_by_default()
    assert undecided == [None]
    with pytest.raises(bk.InvalidInput, match="cannot be written"):
        bk.keep_compiled_programs(tmp_path / "file" / "below")
