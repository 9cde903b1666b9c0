"""A process that is killed at a bad moment leaves something to go on from."""

import sys
from pathlib import Path

import numpy as np
import pytest

import brackish as bk

SYSTEM = bk.models.tully(1)
PACKET = bk.GaussianPacket(position=-1.5, momentum=12.0, width=0.5, state=bk.Adiabatic(0))
TIMES = bk.times(20.0, saves=2, step=1.0)


class Killed(BaseException):
    """The process is gone."""


def test_killed_while_the_old_store_is_removed(tmp_path, monkeypatch):
    """Half a store has lost what marks it as one; the whole one beside it is what counts."""
    store = tmp_path / "run.zarr"
    arguments = (SYSTEM, bk.Ehrenfest(), PACKET, TIMES)
    whole = bk.simulate(*arguments, trajectories=20, store=store)

    def half(path):
        if path.is_dir():
            for file in path.rglob("zarr.json"):
                file.unlink()
            raise Killed

    with monkeypatch.context() as patch:
        patch.setattr(sys.modules["brackish.io.zarr"], "remove", half)
        with pytest.raises(Killed):
            bk.simulate(*arguments, trajectories=20, store=store, resume=True)
    again = bk.simulate(*arguments, trajectories=20, store=store, resume=True)
    np.testing.assert_array_equal(again.population.values, whole.population.values)


@pytest.mark.slow
def test_killed_at_random_moments(tmp_path, monkeypatch):
    monkeypatch.syspath_prepend(str(Path(__file__).parent))
    monkeypatch.delitem(sys.modules, "kill_and_resume", raising=False)
    import kill_and_resume

    assert kill_and_resume.main(2, 3, tmp_path, ["wavefunction"]) == 0
