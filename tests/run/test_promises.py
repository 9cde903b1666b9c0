"""A run holds its theory to what it promises to keep: it warns where the step is too long, and stops where it is far
too long, each time with a step that would do.
"""

import re
import warnings

import jax.numpy as jnp
import numpy as np
import pytest

import brackish as bk
from brackish.errors import PromiseBroken

STIFF = 31.6
"""A frequency for which the step 0.1 is beyond the limit of stability, 2 / 31.6."""


def packet(momentum=20.0, level=0):
    return bk.GaussianPacket(position=-8.0, momentum=momentum, width=0.5, state=bk.Adiabatic(level))


def at_rest(position, momentum=0.0):
    return bk.GaussianPacket(position=position, momentum=momentum, width=0.5, state=0)


def stiff():
    """Two levels on a parabola that is hidden from the exact flow of harmonic modes."""

    def potential(q):
        return 0.5 * STIFF**2 * q[0] ** 2 * jnp.eye(2) + jnp.array([[0.0, 0.1], [0.1, 0.5]])

    return bk.hamiltonian(potential, [1.0], step=0.1)


def cusp():
    """Two levels that all but touch at q = 0, where the diagonal correction of the lower one is a spike."""

    def potential(q):
        return 0.02 * jnp.array([[q[0], 1e-4], [1e-4, -q[0]]])

    return bk.hamiltonian(potential, [2000.0], step=1.0)


def advised(message):
    return float(re.search(r"try step=([\d.e+-]*\d)", message)[1])


def warned(*arguments, **options):
    with pytest.warns(PromiseBroken) as caught:
        dataset = bk.simulate(*arguments, **options)
    assert len(caught) == 1
    return dataset, str(caught[0].message)


def quietly(*arguments, **options):
    with warnings.catch_warnings():
        warnings.simplefilter("error", PromiseBroken)
        return bk.simulate(*arguments, **options)


def failure(*arguments, **options):
    with pytest.raises(bk.RunFailed) as caught:
        bk.simulate(*arguments, **options)
    message = str(caught.value)
    assert "\n" not in message
    return message


def test_a_step_that_is_too_long_is_said_once_with_one_that_will_do():
    model, times = bk.models.tully(number=1), bk.times(1700.0, 10, step=170.0)
    run = (model, bk.SurfaceHopping(), packet(), times)
    dataset, message = warned(*run, trajectories=300)
    assert message.startswith("SurfaceHopping: trajectory ")
    assert "changed its energy by" in message
    assert "The time step is 170;" in message
    assert dataset.attrs["broken_promises"].startswith('["trajectory ')
    steps = int(np.ceil(170.0 / advised(message)))
    again = quietly(*run[:3], bk.times(1700.0, 10, step=170.0 / steps), trajectories=300)
    assert "broken_promises" not in again.attrs


def test_where_all_is_well_nothing_is_said():
    dataset = quietly(
        bk.models.tully(number=1), bk.Ehrenfest(), packet(), bk.times(1700.0, 4), trajectories=64
    )
    assert "broken_promises" not in dataset.attrs


@pytest.mark.parametrize("theory", [bk.Ehrenfest(), bk.MeanField(), bk.SurfaceHopping()])
def test_an_energy_that_explodes_stops_the_run(theory):
    message = failure(stiff(), theory, at_rest(1.0), bk.times(10.0, 20, step=0.1), trajectories=64)
    assert "changed its energy by" in message
    assert advised(message) < 2 / STIFF


def test_a_spike_that_a_step_jumps_over_stops_the_run():
    start = bk.Points([[-1.0]], [[10.0]])
    run = (cusp(), bk.BornOppenheimer(), start, bk.times(400.0, 20, step=4.0))
    message = failure(*run)
    assert message.startswith("BornOppenheimer: trajectory 0 changed its energy by")
    assert advised(message) < 4.0


def test_a_constant_in_the_hamiltonian_changes_no_verdict():
    def shifted(constant):
        def crossing(q):
            slope = 0.01 * jnp.tanh(1.6 * q[0])
            return constant * jnp.eye(2) + jnp.array([[slope, 0.005], [0.005, -slope]])

        return bk.hamiltonian(crossing, [2000.0], step=170.0)

    allowed = []
    for constant in (0.0, -1000.0):
        _, message = warned(
            shifted(constant), bk.Ehrenfest(), packet(), bk.times(1700.0, 10), trajectories=64
        )
        allowed.append(re.search(r"changed its energy by (\S+) hartree.*at most (\S+) is", message).groups())
    assert allowed[0] == allowed[1]


def test_the_exact_theory_tells_a_long_step_from_a_small_box():
    model = bk.models.tully(number=1)
    message = failure(model, bk.Exact(), packet(), bk.times(2890.0, 17, step=170.0))
    assert "changed its energy by" in message
    assert advised(message) < 170.0
    small = bk.Exact(grid=bk.Grid((-12.0,), (0.0,), (512,)))
    assert "edge of its box" in failure(model, small, packet(), bk.times(1700.0, 10, step=10.0))


@pytest.mark.filterwarnings("ignore::brackish.errors.PromiseBroken")
def test_a_broken_promise_survives_a_stop_and_does_not_depend_on_the_workers(tmp_path):
    model, store = bk.models.tully(number=1), tmp_path / "run.zarr"
    run = (model, bk.Ehrenfest(), packet(), bk.times(60 * 85.0, 60, step=85.0))
    options = {"trajectories": 300, "workers": 1}

    def stop_at_once(title, total, done):
        def advance(done):
            raise KeyboardInterrupt

        return advance

    whole, _ = warned(*run, **options)
    with pytest.raises(KeyboardInterrupt):
        bk.simulate(*run, **options, store=store, progress=stop_at_once, checkpoint_every=0.0)
    resumed, _ = warned(*run, **options, store=store, resume=True)
    assert resumed.attrs["broken_promises"] == whole.attrs["broken_promises"]
    assert resumed.energy.values.tobytes() == whole.energy.values.tobytes()
    spread, _ = warned(*run, trajectories=300, workers=2)
    assert spread.attrs["broken_promises"] == whole.attrs["broken_promises"]


@pytest.mark.parametrize("theory", [bk.ClassicalQuantum(0.5, friction=0.1), bk.Ehrenfest()])
def test_a_ladder_that_is_cut_too_low_is_said(theory):
    """Of two oscillators on a spring, one of them in four or in twelve Fock states."""

    def run(cut_off):
        pair = bk.models.oscillator_pair(basis=bk.models.FockBasis(cut_off))
        start = bk.GaussianPacket(position=1.0, momentum=0.0, width=0.7, state=pair.coherent_state(1.0))
        return pair, theory, start, bk.times(6.0, 5)

    _, message = warned(*run(4), trajectories=64)
    assert "as its population of the last level" in message
    assert "step" not in message
    quietly(*run(12), trajectories=64)
