"""However the work is cut, shared, stopped and resumed: the same numbers, to the last bit."""

import multiprocessing
import sys
from concurrent.futures import ProcessPoolExecutor, ThreadPoolExecutor

import numpy as np
import pytest

import brackish as bk

TRAJECTORIES = 700  # three blocks, the last of them not full
TIMES = bk.times(120.0, saves=120, step=1.0)  # three calls of a compiled program a block
SYSTEM = bk.models.tully(1)
PACKET = bk.GaussianPacket(position=-1.5, momentum=12.0, width=0.5, state=bk.Adiabatic(0))


def run(theory, **options):
    return bk.simulate(SYSTEM, theory, PACKET, TIMES, **{"seed": 3, "workers": 1, **options})


CASES = {
    "Ehrenfest": (bk.Ehrenfest(), {"trajectories": TRAJECTORIES}),
    "SurfaceHopping": (bk.SurfaceHopping(), {"trajectories": TRAJECTORIES}),
    "MeanField": (bk.MeanField(), {"trajectories": 40, "ensembles": 3}),
    "Exact": (bk.Exact(bk.Grid(-12.0, 12.0, 256)), {}),
}


@pytest.fixture(scope="module")
def whole():
    """Each theory in one go, run once."""
    known = {}

    def result(name):
        if name not in known:
            theory, options = CASES[name]
            known[name] = run(theory, **options)
        return known[name]

    return result


def assert_identical(first, second):
    assert set(first.variables) == set(second.variables)
    for name in first.variables:
        a, b = first[name].values, second[name].values
        assert a.dtype == b.dtype, name
        assert np.array_equal(a, b, equal_nan=a.dtype.kind in "fc"), name
    assert first.attrs == second.attrs


def test_the_runs_are_worth_comparing(whole):
    """Hops happen, populations move, and another seed gives another result."""
    hopping = whole("SurfaceHopping")
    assert 0.02 < hopping.adiabatic_population.values[-1, 1] < 0.5
    other = run(bk.SurfaceHopping(), trajectories=TRAJECTORIES, seed=4)
    assert not np.array_equal(other.population.values, hopping.population.values)
    assert hopping.sizes["time"] == TIMES.saves + 1


@pytest.mark.parametrize(
    "cut", [{"chunk": 1}, {"chunk": 300}, {"chunk": 700}, {"workers": 2}, {"workers": 4}], ids=str
)
@pytest.mark.parametrize("name", ["Ehrenfest", "SurfaceHopping"])
def test_chunks_and_threads_change_nothing(name, cut, whole):
    theory, options = CASES[name]
    assert_identical(run(theory, **options, **cut), whole(name))


def test_ensembles_in_threads_change_nothing(whole):
    theory, options = CASES["MeanField"]
    assert_identical(run(theory, **options, workers=2), whole("MeanField"))


def test_an_executor_of_threads_changes_nothing(whole):
    theory, options = CASES["SurfaceHopping"]
    with ThreadPoolExecutor(3) as executor:
        assert_identical(run(theory, **options, executor=executor), whole("SurfaceHopping"))


def test_an_executor_of_processes_changes_nothing(whole):
    theory, options = CASES["SurfaceHopping"]
    with ProcessPoolExecutor(2, mp_context=multiprocessing.get_context("spawn")) as executor:
        assert_identical(run(theory, **options, executor=executor), whole("SurfaceHopping"))


def test_a_trajectory_does_not_depend_on_how_many_others_there_are(whole):
    few = run(bk.SurfaceHopping(), trajectories=TRAJECTORIES - 300)
    name = "trajectory_position"
    np.testing.assert_array_equal(few[name].values, whole("SurfaceHopping")[name].values)


# -- stopped and resumed --------------------------------------------------------------------------------


class Stop(BaseException):
    """An interruption from outside, such as Ctrl-C."""


def stop_after(monkeypatch, segments, error):
    """Make the progress bar raise after so many finished calls of the compiled program."""
    module = sys.modules["brackish.run.simulation"]
    original, count = module.progress_bar, iter(range(segments, -1, -1))

    def watched(*arguments):
        class Bar:
            def __enter__(self):
                self.inner = original(*arguments)
                advance = self.inner.__enter__()

                def counting():
                    advance()
                    if next(count, 0) == 1:
                        raise error

                return counting

            def __exit__(self, *reason):
                return self.inner.__exit__(*reason)

        return Bar()

    monkeypatch.setattr(module, "progress_bar", watched)


@pytest.mark.parametrize(
    ("name", "segments", "workers"),
    [
        ("Ehrenfest", 1, 1),
        ("Ehrenfest", 5, 1),
        ("Ehrenfest", 9, 1),
        ("SurfaceHopping", 2, 1),
        ("SurfaceHopping", 3, 1),
        ("SurfaceHopping", 4, 2),
        ("SurfaceHopping", 8, 2),
        ("MeanField", 1, 1),
        ("MeanField", 7, 2),
        ("Exact", 1, 1),
        ("Exact", 2, 1),
        ("Exact", 3, 1),
    ],
)
def test_stopped_and_resumed(name, segments, workers, whole, tmp_path, monkeypatch):
    """Also in the middle of time, and between the end of a block and its addition to the others."""
    theory, options = CASES[name]
    store = tmp_path / "run.zarr"
    with monkeypatch.context() as patch:
        stop_after(patch, segments, KeyboardInterrupt() if segments % 2 else Stop())
        with pytest.raises((KeyboardInterrupt, Stop)):
            run(theory, **options, store=store, workers=workers)
    halfway = bk.read_store(store)
    assert halfway.attrs["complete"] == 0
    assert 1 < halfway.sizes["time"] <= TIMES.saves + 1
    resumed = run(theory, **options, store=store, resume=True)
    assert_identical(resumed, whole(name))
    stored = bk.read_store(store)
    assert stored.attrs["complete"] == 1
    np.testing.assert_array_equal(stored.population.values, resumed.population.values)


def test_what_is_done_is_not_done_again(tmp_path, monkeypatch, whole):
    theory, options = CASES["Ehrenfest"]
    store = tmp_path / "run.zarr"
    with monkeypatch.context() as patch:
        stop_after(patch, 8, Stop())
        with pytest.raises(Stop):
            run(theory, **options, store=store)
    calls = []
    module = sys.modules["brackish.run.block"]
    original = module._advance
    monkeypatch.setattr(module, "_advance", lambda *a: calls.append(1) or original(*a))
    assert_identical(run(theory, **options, store=store, resume=True), whole("Ehrenfest"))
    assert len(calls) == 1


def test_stopped_twice(tmp_path, monkeypatch, whole):
    theory, options = CASES["SurfaceHopping"]
    store = tmp_path / "run.zarr"
    for attempt in range(2):
        with monkeypatch.context() as patch:
            stop_after(patch, 3 + attempt, Stop())
            with pytest.raises(Stop):
                run(theory, **options, store=store, resume=attempt > 0)
    assert_identical(run(theory, **options, store=store, resume=True), whole("SurfaceHopping"))


def test_a_finished_run_is_read_back_without_running(tmp_path, monkeypatch, whole):
    theory, options = CASES["Ehrenfest"]
    store = tmp_path / "run.zarr"
    run(theory, **options, store=store)
    monkeypatch.setattr(sys.modules["brackish.run.block"], "_advance", None)
    assert_identical(run(theory, **options, store=store, resume=True), whole("Ehrenfest"))


@pytest.mark.parametrize(
    "change",
    [
        {"seed": 4},
        {"trajectories": 699},
        {"integrator": bk.integrators.RungeKutta4()},
        {"times": bk.times(240.0, saves=120, step=1.0)},
        {"times": bk.times(120.0, saves=120, step=0.5)},
        {"hamiltonian": bk.models.tully(1, mass=1999.0)},
        {"hamiltonian": bk.models.tully(2)},
        {"preparation": bk.GaussianPacket(position=-1.5, momentum=12.5, width=0.5, state=bk.Adiabatic(0))},
        {"theory": bk.SurfaceHopping()},
        {"follow": 3},
    ],
    ids=str,
)
def test_the_checkpoint_of_another_run_is_refused(change, finished_store):
    parts = {"hamiltonian": SYSTEM, "theory": bk.Ehrenfest(), "preparation": PACKET, "times": TIMES}
    parts |= {key: change[key] for key in parts if key in change}
    options = {"trajectories": TRAJECTORIES, "seed": 3} | {k: v for k, v in change.items() if k not in parts}
    before = {path: path.stat().st_mtime_ns for path in finished_store.rglob("*")}
    with pytest.raises(bk.CheckpointError, match="belongs to another run") as caught:
        bk.simulate(*parts.values(), store=finished_store, resume=True, **options)
    assert "\n" not in str(caught.value)
    assert {path: path.stat().st_mtime_ns for path in finished_store.rglob("*")} == before


@pytest.fixture(scope="module")
def finished_store(tmp_path_factory):
    store = tmp_path_factory.mktemp("finished") / "run.zarr"
    run(bk.Ehrenfest(), trajectories=TRAJECTORIES, store=store)
    return store


def test_an_existing_store_is_not_overwritten(finished_store):
    with pytest.raises(bk.CheckpointError, match="exists already"):
        run(bk.Ehrenfest(), trajectories=TRAJECTORIES, store=finished_store)


def test_a_store_left_under_its_previous_name_is_not_overwritten(tmp_path, finished_store):
    """After a crash in the exchange of two stores only NAME.previous may be left: it is the one to resume."""
    left = tmp_path / "run.zarr.previous"
    left.symlink_to(finished_store)
    with pytest.raises(bk.CheckpointError, match="exists already"):
        run(bk.Ehrenfest(), trajectories=TRAJECTORIES, store=tmp_path / "run.zarr")


def test_resuming_needs_a_store(tmp_path):
    with pytest.raises(bk.InvalidInput, match="needs a `store`"):
        run(bk.Ehrenfest(), resume=True)
    with pytest.raises(bk.CheckpointError, match="There is no store"):
        run(bk.Ehrenfest(), resume=True, store=tmp_path / "nothing.zarr")
