"""Wherever the compiled calls of a run are cut, also between two saves: the same numbers, to the last bit."""

import sys

import numpy as np
import pytest

import brackish as bk

CROSSING = bk.models.tully(1)
PACKET = bk.GaussianPacket(position=-1.5, momentum=12.0, width=0.5, state=bk.Adiabatic(0))
TIMES = bk.times(60.0, saves=4, step=1.0)  # fifteen steps between two saves
MAGNET = bk.SpinSystem([0.5, 1.0], field=[0.0, 0.3, 2.0])
DIRECTIONS = bk.Directions([[0.0, 0.6, 0.8], [1.0, 0.0, 0.0]])
FEW = {"trajectories": 20}
CASES = {
    "parts": (CROSSING, bk.Ehrenfest(), PACKET, FEW),
    "flow": (CROSSING, bk.Ehrenfest(), PACKET, {**FEW, "integrator": bk.integrators.RungeKutta4()}),
    "jumps": (CROSSING, bk.SurfaceHopping(), PACKET, FEW),
    "coupled": (CROSSING, bk.MeanField(), PACKET, {"trajectories": 12, "ensembles": 2}),
    "wavefunction": (CROSSING, bk.Exact(bk.Grid(-12.0, 12.0, 256)), PACKET, {}),
    "magnet with noise": (MAGNET, bk.LLG(0.2, temperature=0.5), DIRECTIONS, FEW),
}


class Stop(BaseException):
    """An interruption from outside."""


def run(name, **options):
    hamiltonian, theory, preparation, further = CASES[name]
    return bk.simulate(hamiltonian, theory, preparation, TIMES, seed=3, workers=1, **further, **options)


def cut_at_random(patch, seed):
    """Let each compiled call take 1 to 40 steps by chance, and be the last before a report."""
    block = sys.modules["brackish.run.block"]
    chance = np.random.default_rng(seed)

    def note(pace, steps, seconds):
        pace.steps = int(chance.integers(1, 40))

    patch.setattr(block.Pace, "note", note)
    patch.setattr(block, "SECONDS_A_CALL", 0.0)


def watch(after, places):
    """A bar that notes where the run is, and stops it after so many reports."""

    def begin(title, total, done):
        def move(done):
            places.append(done)
            if len(places) == after:
                raise Stop

        return move

    return begin


@pytest.mark.parametrize("name", CASES)
def test_where_calls_are_cut_changes_nothing(name, tmp_path, monkeypatch):
    whole = run(name)
    spacing = round(TIMES.spacing / TIMES.step)
    places = []
    for seed in range(3):
        store = tmp_path / f"{seed}.zarr"
        cut_at_random(monkeypatch, seed)
        with pytest.raises(Stop):
            run(name, store=store, progress=watch(2 + seed, stopped := []))
        assert bk.read_store(store).attrs["complete"] == 0
        again = run(name, store=store, resume=True, progress=watch(None, further := []))
        places += stopped + further
        assert set(again.variables) == set(whole.variables)
        for variable in whole.variables:
            np.testing.assert_array_equal(again[variable].values, whole[variable].values, err_msg=variable)
    assert sum(place % spacing != 0 for place in places) > 5  # or this test sees nothing
