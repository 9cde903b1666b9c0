"""A run that cannot go on says which theory, which trajectory and when; what was reached stays readable."""

import multiprocessing
import re
from concurrent.futures import ProcessPoolExecutor

import jax.numpy as jnp
import numpy as np
import pytest

import brackish as bk

LIMIT = 2.0
MASS = 1000.0


def ends_beyond_the_limit(q):
    """Two flat levels; beyond `LIMIT` there is no potential."""
    energy = jnp.where(q[0] < LIMIT, 0.01, jnp.nan)
    return jnp.array([[0.0, 0.002], [0.002, 0.0]]) + energy * jnp.eye(2)


@pytest.fixture(scope="module")
def broken():
    return bk.hamiltonian(ends_beyond_the_limit, [MASS], step=1.0)


def failure(*arguments, **options):
    with pytest.raises(bk.RunFailed) as caught:
        bk.simulate(*arguments, **options)
    message = str(caught.value)
    assert "\n" not in message
    return message


# Trajectory 11 moves with unit velocity from 0 and is at the limit at time 2; all others are slow.
MOMENTA = np.where(np.arange(20) == 11, MASS, 0.1 * MASS)
LONE_RUNNER = bk.Points(np.zeros(20), MOMENTA)
TIMES = bk.times(12.0, saves=120, step=0.05)


def test_a_trajectory_that_is_no_longer_a_number(broken, tmp_path):
    store = tmp_path / "run.zarr"
    message = failure(broken, bk.SurfaceHopping(), LONE_RUNNER, TIMES, store=store, workers=1)
    assert message.startswith("SurfaceHopping: trajectory 11 is no longer a number")
    moment = float(re.search(r"time ([\d.]+)\)", message)[1])
    assert abs(moment - LIMIT) <= 0.15
    reached = bk.read_store(store)
    assert abs(reached.time.values[-1] - moment) < 0.11
    assert reached.time.values[-1] < moment
    for name in ("population", "position", "energy", "trajectory_position"):
        assert np.all(np.isfinite(reached[name].values)), name
    assert reached.attrs["complete"] == 0


def test_the_first_to_fail_is_named_whatever_the_workers(broken):
    """Blocks are looked at in order, so that the message is the same each time."""
    momenta = np.full(600, 0.1 * MASS)
    momenta[[300, 301, 520]] = MASS
    start = bk.Points(np.zeros(600), momenta)
    messages = {failure(broken, bk.Ehrenfest(), start, TIMES, workers=workers) for workers in (1, 2)}
    assert len(messages) == 1
    assert "trajectory 300" in messages.pop()


def test_finished_blocks_of_a_failed_run_stay_readable(broken, tmp_path):
    momenta = np.full(600, 0.1 * MASS)
    momenta[300] = MASS
    store = tmp_path / "run.zarr"
    failure(broken, bk.Ehrenfest(), bk.Points(np.zeros(600), momenta), TIMES, workers=1, store=store)
    reached = bk.read_store(store)
    assert reached.attrs["lanes_done"] == 256
    np.testing.assert_allclose(reached.position.values[:, 0], 0.1 * reached.time.values, atol=1e-12)
    # and the run cannot be coaxed past its failure
    with pytest.raises(bk.RunFailed, match="trajectory 300"):
        bk.simulate(
            broken,
            bk.Ehrenfest(),
            bk.Points(np.zeros(600), momenta),
            TIMES,
            workers=1,
            store=store,
            resume=True,
        )


def test_a_start_that_is_no_number_leaves_no_store(broken, tmp_path):
    store = tmp_path / "run.zarr"
    start = bk.Points(np.full(20, LIMIT + 1), np.zeros(20), state=bk.Adiabatic(0))
    message = failure(broken, bk.Ehrenfest(), start, TIMES, store=store, workers=1)
    assert "trajectory 0" in message
    assert "time 0)" in message
    assert not store.exists()


def test_an_ensemble_that_is_no_longer_a_number(broken):
    start = bk.GaussianPacket(position=0.0, momentum=MASS, width=0.1)
    message = failure(broken, bk.MeanField(), start, TIMES, trajectories=8, ensembles=2, workers=1)
    assert message.startswith("MeanField: ensemble 0 is no longer a number")


SYSTEM = bk.models.tully(1)


def test_a_norm_that_is_lost():
    """Heun's rule lets the norm grow; with a step far too long for the gap it is soon lost."""
    start = bk.GaussianPacket(position=-4.0, momentum=10.0, width=0.5)
    integrator = bk.integrators.Heun()
    times = bk.times(2000.0, saves=20, step=100.0)
    message = failure(SYSTEM, bk.Ehrenfest(), start, times, trajectories=16, integrator=integrator, workers=1)
    assert re.match(r"Ehrenfest: trajectory \d+ has lost its norm .*The time step is 100\.", message)


def test_an_implicit_step_that_does_not_converge():
    start = bk.GaussianPacket(position=-4.0, momentum=10.0, width=0.5)
    integrator = bk.integrators.ImplicitMidpoint()
    times = bk.times(4000.0, saves=2, step=2000.0)
    message = failure(SYSTEM, bk.Ehrenfest(), start, times, trajectories=16, integrator=integrator, workers=1)
    assert "needs a smaller step" in message


@pytest.mark.parametrize(
    ("grid", "cause"),
    [
        (bk.Grid(-8.0, 4.0, 256), "reached the edge of its box; give a larger grid or a stronger absorber"),
        (bk.Grid(-20.0, 20.0, 128), "reached the largest momentum of its grid; give more points"),
    ],
    ids=["edge", "momentum"],
)
def test_a_packet_that_leaves_its_grid(grid, cause, tmp_path):
    """At momentum 10 a wave has length 0.6 bohr: 128 points on 40 bohr are too few, 12 bohr soon end."""
    start = bk.GaussianPacket(position=-4.0, momentum=10.0, width=0.5)
    store = tmp_path / "run.zarr"
    message = failure(SYSTEM, bk.Exact(grid), start, bk.times(3000.0, saves=60), store=store)
    assert message.startswith("Exact: the wavefunction has " + cause)
    assert re.search(r"time [\d.]+\)", message)
    if "edge" in cause:
        reached = bk.read_store(store)
        assert 2 < reached.sizes["time"] < 61
        np.testing.assert_allclose(reached.norm.values, 1.0, atol=1e-10)


def test_what_is_refused_before_anything_is_computed(broken, tmp_path):
    start = bk.GaussianPacket(position=0.0, momentum=1.0, width=0.1)

    def attempt(**options):
        arguments = {"hamiltonian": broken, "theory": bk.Ehrenfest(), "preparation": start, "times": TIMES}
        with pytest.raises(bk.BrackishError) as caught:
            bk.simulate(**{**arguments, **options})
        assert "\n" not in str(caught.value)
        return str(caught.value)

    for name, values in {
        "trajectories": (0, -1, True),
        "ensembles": (0,),
        "chunk": (0, True),
        "workers": (0, -2, True),
        "seed": (-1, 2**63),
        "follow": (-1,),
    }.items():
        for value in values:
            assert f"`{name}`" in attempt(**{name: value})
    assert "lays out 20" in attempt(preparation=LONE_RUNNER, trajectories=30)
    assert "does not suggest a time step" in attempt(
        hamiltonian=bk.hamiltonian(ends_beyond_the_limit, [MASS]), times=bk.times(1.0, saves=1)
    )
    assert "width" in attempt(preparation=bk.GaussianPacket(0.0, 0.0, [1.0, 1.0]))
    assert "levels 0 to 1" in attempt(preparation=bk.GaussianPacket(0.0, 0.0, 1.0, state=2))
    spins = bk.hamiltonian(lambda n: jnp.diag(n[0, :2]), manifold=bk.Spheres(1), step=0.1)
    assert "canonical" in attempt(hamiltonian=spins)
    assert "canonical" in attempt(hamiltonian=spins, theory=bk.MeanField())
    assert "offers none" in attempt(integrator=bk.integrators.WithJumps())
    assert "exactly 2 parts" in attempt(integrator=bk.integrators.BlanesMoan())
    assert "flow" in attempt(theory=bk.SurfaceHopping(), integrator=bk.integrators.RungeKutta4())


@pytest.mark.parametrize(
    "arguments", [(0,), (-1.0,), (np.inf,), (1.0, 0), (1.0, True), (1.0, 2, 0), (1.0, 2, np.nan)]
)
def test_impossible_times_are_refused(arguments):
    with pytest.raises(bk.InvalidInput, match="Argument `"):
        bk.times(*arguments)


def test_an_executor_that_forks_is_refused():
    """JAX has threads; a fork of the process that ran it waits for locks which nobody will open."""
    context = multiprocessing.get_context("fork")
    with ProcessPoolExecutor(1, mp_context=context) as pool, pytest.raises(bk.InvalidInput) as caught:
        bk.simulate(
            bk.models.tully(1), bk.Ehrenfest(), bk.GaussianPacket(-2, 10, 0.5), bk.times(1, 1), executor=pool
        )
    assert "spawn" in str(caught.value)
    assert "\n" not in str(caught.value)
