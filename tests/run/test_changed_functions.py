"""A function that reads something else than before is another function: for compiled programs and for resuming."""

import equinox as eqx
import jax.numpy as jnp
import numpy as np
import pytest

import brackish as bk
from brackish.quantum import pauli_x

COUPLING = 0.02
PARAMETERS = {"coupling": 0.02}
TABLE = None
TIMES = bk.times(60.0, saves=4, step=1.0)
START = bk.Points(np.zeros(16), np.zeros(16))


def by_constant(q):
    return COUPLING * jnp.asarray(pauli_x) * (1 + q[0])


def by_entry(q):
    return PARAMETERS["coupling"] * jnp.asarray(pauli_x) * (1 + q[0])


class ByMethod(bk.SeparableHamiltonian):
    """A class of the user whose method reads a constant of its module."""

    manifold: bk.Canonical
    frequencies: None = None
    levels: int = eqx.field(static=True, default=2)

    def external(self, position):
        return 0.0 * position[0]

    def quantum(self):
        return jnp.zeros((2, 2))

    def coupling(self, position):
        return by_constant(position)


def run(system, **options):
    return bk.simulate(system, bk.Ehrenfest(), START, TIMES, workers=1, **options)


def with_coupling(monkeypatch, value):
    monkeypatch.setattr(f"{__name__}.COUPLING", value)
    monkeypatch.setitem(PARAMETERS, "coupling", value)


SYSTEMS = {
    "constant": lambda: bk.hamiltonian(by_constant, [2000.0]),
    "entry": lambda: bk.hamiltonian(by_entry, [2000.0]),
    "method": lambda: ByMethod(bk.Canonical([2000.0])),
}


@pytest.mark.parametrize("name", SYSTEMS)
def test_a_changed_constant_is_seen_in_one_process(name, monkeypatch):
    """The Rabi formula without motion: the force on the heavy particle changes it little."""
    for coupling in (0.02, 0.01):
        with_coupling(monkeypatch, coupling)
        population = run(SYSTEMS[name]()).population.values[:, 1]
        np.testing.assert_allclose(population, np.sin(coupling * TIMES.grid()) ** 2, atol=2e-3)


@pytest.mark.parametrize("name", SYSTEMS)
def test_a_changed_constant_is_no_run_to_resume(name, monkeypatch, tmp_path):
    store = tmp_path / "run.zarr"
    whole = run(SYSTEMS[name](), store=store)
    again = run(SYSTEMS[name](), store=store, resume=True)
    np.testing.assert_array_equal(again.population.values, whole.population.values)
    with_coupling(monkeypatch, 0.01)
    with pytest.raises(bk.CheckpointError, match="belongs to another run"):
        run(SYSTEMS[name](), store=store, resume=True)


def test_another_observable_of_the_same_name_is_no_run_to_resume(tmp_path):
    store = tmp_path / "run.zarr"

    def kept(power):
        return (bk.Observable("kept", lambda theory, hamiltonian, y: y.point.position[0] ** power),)

    run(SYSTEMS["constant"](), observables=kept(1), store=store)
    run(SYSTEMS["constant"](), observables=kept(1), store=store, resume=True)
    with pytest.raises(bk.CheckpointError, match="belongs to another run"):
        run(SYSTEMS["constant"](), observables=kept(2), store=store, resume=True)


def test_a_function_that_reads_an_open_file_is_run_anew_but_not_resumed(monkeypatch, tmp_path):
    (tmp_path / "coupling.txt").write_text("0.02")

    def by_file(q):
        TABLE.seek(0)
        return float(TABLE.read()) * jnp.asarray(pauli_x) * (1 + q[0])

    store = tmp_path / "run.zarr"
    with (tmp_path / "coupling.txt").open() as opened:
        monkeypatch.setattr(f"{__name__}.TABLE", opened)
        first = run(bk.hamiltonian(by_file, [2000.0]), store=store)
        with pytest.raises(bk.CheckpointError, match="cannot be resumed: `TABLE` of `by_file`") as caught:
            run(bk.hamiltonian(by_file, [2000.0]), store=store, resume=True)
        assert "\n" not in str(caught.value)
        (tmp_path / "coupling.txt").write_text("0.01")
        second = run(bk.hamiltonian(by_file, [2000.0]))
    assert abs(second.population.values[-1, 1] - first.population.values[-1, 1]) > 0.1


def test_curves_are_those_of_the_function_as_it_is(monkeypatch):
    for coupling in (0.02, 0.01):
        with_coupling(monkeypatch, coupling)
        _, adiabatic = bk.analysis.potential_curves(SYSTEMS["constant"](), np.zeros(3))
        np.testing.assert_allclose(adiabatic, [[-coupling, coupling]] * 3, atol=1e-15)
