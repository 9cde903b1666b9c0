"""Equal shapes compile once; several theories make one dataset."""

import logging

import jax
import jax.numpy as jnp
import numpy as np
import pytest

import brackish as bk


def compiled_in(caplog, work):
    """Names of the programs that XLA compiled meanwhile."""
    caplog.clear()
    with caplog.at_level(logging.DEBUG, logger="jax"), jax.log_compiles():
        work()
    return [r.getMessage() for r in caplog.records if r.getMessage().startswith("Compiling")]


@pytest.mark.parametrize(
    "theory",
    [bk.Ehrenfest(), bk.MeanField(), bk.Exact(bk.Grid(-12.0, 12.0, 256))],
    ids=lambda t: type(t).__name__,
)
def test_only_the_first_of_equal_shapes_is_compiled(theory, caplog):
    """Another step, mass, packet, parameter, length, seed or number of trajectories is the same program."""

    def run(mass, momentum, stop, step, seed, trajectories, depth=0.01):
        system = bk.models.tully(1, mass=mass)
        system = type(system)(system.manifold, A=jnp.asarray(depth))  # plain numbers are constants
        packet = bk.GaussianPacket(position=-2.0, momentum=momentum, width=0.5)
        times = bk.times(stop, saves=4, step=step)
        many = None if isinstance(theory, bk.MeanField) else trajectories
        bk.simulate(system, theory, packet, times, trajectories=many or 32, seed=seed, workers=1)

    first = compiled_in(caplog, lambda: run(2000.0, 10.0, 40.0, 2.0, 0, 300))
    assert any("_advance" in message for message in first)  # or this test sees nothing
    again = compiled_in(caplog, lambda: run(1800.0, 11.0, 80.0, 1.0, 5, 280, depth=0.02))
    assert not [message for message in again if "_advance" in message or "_start" in message]
    assert len(again) < len(first) / 4, again


def two_levels(q):
    return jnp.array([[0.01 * q[0], 0.003], [0.003, -0.01 * q[0]]])


@pytest.fixture(scope="module")
def compared(tmp_path_factory):
    system = bk.hamiltonian(two_levels, [500.0], step=2.0)
    packet = bk.GaussianPacket(position=-1.0, momentum=5.0, width=0.5)
    theories = [bk.Exact(bk.Grid(-8.0, 8.0, 128)), bk.Ehrenfest(), bk.MeanField(), bk.Ehrenfest()]
    store = tmp_path_factory.mktemp("compared")

    def run(**options):
        return bk.compare(
            system, theories, packet, bk.times(40.0, saves=4), trajectories=32, seed=2, **options
        )

    alone = bk.simulate(system, bk.Ehrenfest(), packet, bk.times(40.0, saves=4), trajectories=32, seed=2)
    return run(store=store), alone, store, run


def test_a_comparison_has_a_theory_axis(compared):
    together, alone, _, _ = compared
    assert together.theory.values.tolist() == ["Exact", "Ehrenfest", "MeanField", "Ehrenfest 2"]
    assert together.population.dims == ("theory", "time", "level")
    assert together.sizes["theory"] == 4
    assert set(alone.data_vars) <= set(together.data_vars)
    assert together.population.attrs["units"] == "1"
    for name in ("population", "purity", "position", "trajectory_position"):
        np.testing.assert_array_equal(together[name].sel(theory="Ehrenfest").values, alone[name].values)
        np.testing.assert_array_equal(together[name].sel(theory="Ehrenfest 2").values, alone[name].values)


def test_what_a_theory_lacks_is_not_a_number(compared):
    together = compared[0]
    assert np.all(np.isnan(together.trajectory_position.sel(theory="Exact")))
    assert np.all(np.isfinite(together.trajectory_position.sel(theory="MeanField")))
    assert np.all(np.isfinite(together.population))


def test_a_comparison_is_resumed_theory_by_theory(compared):
    together, _, store, run = compared
    assert len(list(store.glob("*.zarr"))) == 4
    (store / "ehrenfest.zarr").rename(store / "ehrenfest.zarr.previous")  # as a crash might leave it
    again = run(store=store, resume=True)
    for name in together.data_vars:
        assert np.array_equal(again[name].values, together[name].values, equal_nan=True), name
    with pytest.raises(bk.CheckpointError, match="exists already"):
        run(store=store)


def test_datasets_carry_what_they_were_made_from(compared):
    alone = compared[1]
    for key in ("hamiltonian", "theory", "preparation", "integrator", "times", "versions"):
        assert alone.attrs[key].startswith("{"), key
    assert alone.attrs["seed"] == 2
    assert alone.attrs["trajectories"] == 32
    for name, variable in alone.data_vars.items():
        assert variable.attrs.get("units"), name
        assert variable.attrs.get("long_name"), name
    for name in ("population", "density_matrix", "purity", "coherence", "position", "energy", "scattering"):
        assert alone[name].dims[0] == "time"
        assert alone[name + "_standard_error"].dims == alone[name].dims
    assert alone.density_matrix.dims == ("time", "level", "level_")
    assert np.iscomplexobj(alone.density_matrix.values)


def test_a_comparison_of_nothing_is_refused():
    system = bk.models.tully(1)
    with pytest.raises(bk.InvalidInput, match="at least one theory"):
        bk.compare(system, [], bk.GaussianPacket(0.0, 0.0, 1.0), bk.times(1.0))
