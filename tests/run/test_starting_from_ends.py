"""A run starts from the end of another one: every trajectory with its own quantum state, or a whole wavefunction."""

import warnings

import numpy as np
import pytest

import brackish as bk

SYSTEM = bk.models.tully(1)
PACKET = bk.GaussianPacket(position=-1.5, momentum=12.0, width=0.5, state=bk.Adiabatic(0))
SHORT, LONG = bk.times(100.0, saves=5, step=2.0), bk.times(200.0, saves=10, step=2.0)
BOX = bk.Grid(-12.0, 12.0, 256)
KEPT = (bk.observables.wavefunction(),)


def run(theory, start, times, **options):
    options = {"seed": 3, "workers": 1, **options}
    return bk.simulate(SYSTEM, theory, start, times, **options)


def assert_continued(first, second, whole, tolerance=1e-12):
    """Means of `second` are those of the second half of `whole`."""
    for name in ("population", "position", "momentum", "energy", "density_matrix", "position_spread"):
        if name in whole:
            wanted = whole[name].values[first.sizes["time"] - 1 :]
            np.testing.assert_allclose(
                second[name].values, wanted, rtol=tolerance, atol=tolerance, err_msg=name
            )


def test_trajectories_go_on_with_their_own_states(tmp_path):
    store = tmp_path / "run.zarr"
    whole = run(bk.Ehrenfest(), PACKET, LONG, trajectories=40)
    first = run(bk.Ehrenfest(), PACKET, SHORT, trajectories=40, store=store)
    start = bk.at_end(store)
    states = start.state.values
    assert states.shape == (40, 2)
    assert np.ptp(np.abs(states[:, 0])) > 0.01
    assert_continued(first, run(bk.Ehrenfest(), start, SHORT), whole)


def test_weights_go_on(tmp_path):
    start = bk.Points([-1.5, -1.2, -1.8], [12.0, 13.0, 11.0], weights=[1.0, 2.0, 0.0], state=PACKET.state)
    run(bk.Ehrenfest(), start, SHORT, store=tmp_path / "run.zarr")
    with pytest.raises(bk.InvalidInput, match="independent trajectories: leave it out"):
        bk.at_end(tmp_path / "run.zarr", ensemble=0)
    end = bk.at_end(tmp_path / "run.zarr")
    np.testing.assert_allclose(end.weights / end.weights.sum(), [1 / 3, 2 / 3, 0.0])


@pytest.mark.slow
def test_weights_and_ensembles_go_on(tmp_path):
    store = tmp_path / "run.zarr"
    start = bk.Points([-1.5, -1.2, -1.8], [12.0, 13.0, 11.0], weights=[1.0, 2.0, 0.0], state=PACKET.state)
    theory = bk.Koopmons(position_width=0.5, momentum_width=1.0)
    whole = run(theory, start, LONG)
    first = run(theory, start, SHORT, store=store)
    end = bk.at_end(store)
    np.testing.assert_allclose(end.weights / end.weights.sum(), [1 / 3, 2 / 3, 0.0])
    assert_continued(first, run(theory, end, SHORT), whole)
    run(theory, PACKET, SHORT, trajectories=5, ensembles=2, store=tmp_path / "two.zarr")
    with pytest.raises(bk.InvalidInput, match="holds 2 ensembles: say which one"):
        bk.at_end(tmp_path / "two.zarr")
    assert bk.at_end(tmp_path / "two.zarr", ensemble=1).positions.shape == (5, 1)


@pytest.mark.parametrize("basis", ["InDiabaticBasis", "InAdiabaticBasis"])
def test_surface_hopping_draws_its_surfaces_anew(basis, tmp_path):
    """Both bases keep the same state; the one that starts from it has the populations of psi."""
    from brackish.theories.trajectories import surface_hopping

    theory = bk.SurfaceHopping(representation=getattr(surface_hopping, basis)())
    run(theory, PACKET, SHORT, trajectories=20, store=tmp_path / "run.zarr")
    with pytest.warns(UserWarning, match="active surface of each trajectory is drawn anew"):
        start = bk.at_end(tmp_path / "run.zarr")
    short = bk.times(100.0, saves=1, step=2.0)
    again = run(bk.SurfaceHopping(), PACKET, short, trajectories=20)
    np.testing.assert_allclose(start.positions.mean(), again["position"].values[-1, 0], rtol=1e-6)
    # without a crossing in the way, psi follows the potential alone: as Ehrenfest's does
    followed = run(bk.Ehrenfest(), PACKET, short, trajectories=20)["density_matrix"].values[-1]
    states = start.state.values
    mine = np.einsum("ai,aj->ij", states, states.conj()) / 20
    np.testing.assert_allclose(mine, followed, atol=0.05)


def test_what_has_no_states_of_its_own_is_refused_by_name(tmp_path):
    def refusal(theory, **options):
        store = tmp_path / f"{type(theory).__name__}.zarr"
        run(theory, PACKET, bk.times(2.0, 1, step=2.0), trajectories=4, store=store, **options)
        with pytest.raises(bk.BrackishError) as caught:
            bk.at_end(store)
        assert "\n" not in str(caught.value)
        return str(caught.value)

    assert "Trajectories of MeanField have no" in refusal(bk.MeanField())
    assert "Trajectories of BornOppenheimer have no" in refusal(bk.BornOppenheimer())
    assert "no ends to start from" in refusal(bk.Ehrenfest(), keep_ends=False)


def test_states_of_points_are_checked():
    def refusal(state):
        with pytest.raises(bk.InvalidInput) as caught:
            bk.Points([0.0, 1.0], [1.0, 1.0], state=state).check(SYSTEM)
        return str(caught.value)

    assert "a row for each of 2 points, got shape (3, 2)" in refusal(np.eye(3)[:, :2])
    assert "one amplitude for each of 2 levels" in refusal(np.eye(3)[:2])
    assert "that of point 1 is 0.5" in refusal([[1.0, 0.0], [0.3j, 0.4]])
    bk.Points([0.0, 1.0], [1.0, 1.0], state=[[1.0, 0.0], [0.6j, 0.8]]).check(SYSTEM)


def test_a_wavefunction_goes_on_from_an_observable_and_from_a_store(tmp_path):
    store = tmp_path / "run.zarr"
    whole = run(bk.Exact(BOX), PACKET, LONG)
    first = run(bk.Exact(BOX), PACKET, SHORT, observables=KEPT, store=store)
    kept = bk.Wavefunction(first["wavefunction"].values[-1], BOX)
    second = run(bk.Exact(), kept, SHORT, observables=KEPT)
    assert_continued(first, second, whole)
    np.testing.assert_array_equal(second["wavefunction"].values[0], kept.values)
    assert_continued(first, run(bk.Exact(BOX), bk.at_end(store), SHORT), whole)
    # the same start for trajectories that the wavefunction guides
    guided = run(bk.QuantumTrajectories(), kept, bk.times(20.0, 1, step=2.0), trajectories=50)
    np.testing.assert_allclose(guided["energy"].values, second["energy"].values[0], rtol=1e-6)


def test_an_eigenstate_stays():
    mass, frequency = 2.0, 0.7
    oscillator = bk.hamiltonian(lambda q: 0.5 * mass * frequency**2 * q[0] ** 2 * np.eye(1), masses=[mass])
    box = bk.Grid(-9.0, 9.0, 128)
    (x,) = box.positions()
    # the second excited state
    y = np.sqrt(mass * frequency) * x
    psi = (mass * frequency / np.pi) ** 0.25 / np.sqrt(8) * (4 * y**2 - 2) * np.exp(-(y**2) / 2)
    run = bk.simulate(
        oscillator,
        bk.Exact(),
        bk.Wavefunction(psi[None], box),
        bk.times(20.0, 4, step=0.01),
        observables=KEPT,
    )
    np.testing.assert_allclose(run["energy"].values, 2.5 * frequency, rtol=1e-8)
    np.testing.assert_allclose(
        np.abs(run["wavefunction"].values[:, 0]), np.abs(psi)[None].repeat(5, 0), atol=1e-6
    )


def test_wavefunctions_that_do_not_fit_are_refused():
    psi = np.zeros((2, 256), complex)
    psi[0, 128] = 1 / np.sqrt(BOX.cell)
    start = bk.Wavefunction(psi, BOX)
    for arguments, words in (
        ((psi * 2, BOX), "norm 1, got 2; divide"),
        ((psi[0], BOX), "shape (levels, 256)"),
        ((psi * np.nan, BOX), "must be finite"),
        ((psi[:1], BOX), "has 1 levels, the Hamiltonian has 2"),
    ):
        with pytest.raises(bk.InvalidInput) as caught:
            bk.Wavefunction(*arguments).check(SYSTEM)
        assert words in str(caught.value)
    with pytest.raises(bk.InvalidInput, match=r"must be that of the Wavefunction.* or be left out"):
        run(bk.Exact(bk.Grid(-12.0, 12.0, 300)), start, SHORT)
    with pytest.raises(bk.UnsupportedHamiltonian, match="no points of phase space to draw"):
        run(bk.Ehrenfest(), start, SHORT)


def test_no_warning_where_all_is_taken(tmp_path):
    run(bk.Ehrenfest(), PACKET, bk.times(2.0, 1, step=2.0), trajectories=4, store=tmp_path / "run.zarr")
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        bk.at_end(tmp_path / "run.zarr")
