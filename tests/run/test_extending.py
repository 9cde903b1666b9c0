"""A finished run goes on, to longer times and with more trajectories: the same as all at once, to the bit."""

import numpy as np
import pytest

import brackish as bk

SYSTEM = bk.models.tully(1)
PACKET = bk.GaussianPacket(position=-1.5, momentum=12.0, width=0.5, state=bk.Adiabatic(0))
SHORT, LONG = bk.times(40.0, saves=4, step=2.0), bk.times(100.0, saves=10, step=2.0)
HOPPING, MEAN, EXACT = bk.SurfaceHopping(), bk.MeanField(), bk.Exact(bk.Grid(-12.0, 12.0, 256))


def run(theory, times, **options):
    return bk.simulate(SYSTEM, theory, PACKET, times, **{"seed": 3, "workers": 1, **options})


def assert_identical(first, second):
    assert set(first.variables) == set(second.variables)
    for name in first.variables:
        assert np.asarray(first[name].values).tobytes() == np.asarray(second[name].values).tobytes(), name
    assert first.attrs == second.attrs


@pytest.mark.parametrize(
    ("theory", "few", "many"),
    [
        (HOPPING, (SHORT, {"trajectories": 300}), (LONG, {"trajectories": 300})),
        (HOPPING, (SHORT, {"trajectories": 300}), (SHORT, {"trajectories": 600})),
        (HOPPING, (SHORT, {"trajectories": 512}), (LONG, {"trajectories": 600})),
        (HOPPING, (SHORT, {"trajectories": 40}), (LONG, {"trajectories": 300})),
        (MEAN, (SHORT, {"trajectories": 20, "ensembles": 2}), (LONG, {"trajectories": 20, "ensembles": 3})),
        (EXACT, (SHORT, {}), (LONG, {})),
    ],
    ids=["longer", "more", "longer and more", "other blocks", "ensembles", "wavefunction"],
)
def test_an_extension_is_what_asking_at_once_would_have_given(theory, few, many, tmp_path):
    store = tmp_path / "run.zarr"
    run(theory, few[0], **few[1], store=store)
    extended = run(theory, many[0], **many[1], extend=store, store=store)
    assert_identical(extended, run(theory, many[0], **many[1]))
    assert bk.read_store(store).attrs["complete"] == 1


def test_extended_twice_and_stopped_between(tmp_path):
    """The last block is not full the first two times, and the sums without it are needed the third time."""
    first, second = tmp_path / "first.zarr", tmp_path / "second.zarr"
    run(HOPPING, SHORT, trajectories=300, store=first)

    def stop(title, total, done):
        def move(done):
            raise KeyboardInterrupt

        return move

    with pytest.raises(KeyboardInterrupt):
        run(HOPPING, LONG, trajectories=300, extend=first, store=second, progress=stop)
    assert bk.read_store(second).attrs["complete"] == 0
    run(HOPPING, LONG, trajectories=300, store=second, resume=True)
    more = run(HOPPING, LONG, trajectories=600, extend=second)
    assert_identical(more, run(HOPPING, LONG, trajectories=600))


def test_what_does_not_fit_is_refused_with_what_would(tmp_path):
    store, bare = tmp_path / "run.zarr", tmp_path / "bare.zarr"
    run(EXACT, SHORT, store=store)
    run(EXACT, SHORT, store=bare, keep_ends=False)

    def refusal(path=store, times=LONG, **options):
        with pytest.raises(bk.BrackishError) as caught:
            run(options.pop("theory", EXACT), times, extend=path, **options)
        assert "\n" not in str(caught.value)
        return str(caught.value)

    assert "times(100, 10, step=2) would" in refusal(times=bk.times(100.0, saves=20, step=1.0))
    assert "holds 4 saves" in refusal(times=bk.times(20.0, saves=2, step=2.0))
    assert "its theory must be the same" in refusal(theory=bk.Exact(bk.Grid(-12.0, 12.0, 300)))
    assert "its seed must be the same" in refusal(seed=4)
    assert "keep_ends=False" in refusal(bare)
    assert "exclude each other" in refusal(resume=True, store=store)
