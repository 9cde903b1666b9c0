"""Arguments of a wrong type: one line from our own class of errors, whatever is called."""

import importlib.util
from pathlib import Path

import jax.numpy as jnp
import numpy as np
import pytest

import brackish as bk
from brackish import integrators, spins

SYSTEM = bk.models.tully(1)
PACKET = bk.GaussianPacket(-2.0, 20.0, 0.5)
TIMES = bk.times(20.0, 2)


def run(**changed):
    """A small run, with some of its arguments replaced."""
    usual = {"hamiltonian": SYSTEM, "theory": bk.Ehrenfest(), "preparation": PACKET, "times": TIMES}
    return bk.simulate(**{**usual, **changed})


def compare(theories):
    """A small comparison."""
    return bk.compare(SYSTEM, theories, PACKET, TIMES)


def the_script(name):
    """A script that stands beside this file, as a module."""
    description = importlib.util.spec_from_file_location(name, Path(__file__).with_name(f"{name}.py"))
    module = importlib.util.module_from_spec(description)
    description.loader.exec_module(module)
    return module


def test_random_calls_end_well_or_in_one_line():
    foreign = [end for end in the_script("random_calls").calls(300, seed=5) if end is not None]
    assert not foreign, "\n".join(f"{end.call}: {end.error}" for end in foreign)


@pytest.mark.parametrize(
    ("call", "words"),
    [
        (lambda: run(theory=bk.Ehrenfest), "`theory` must be a Theory, got the class Ehrenfest: write Ehrenfest()"),
        (lambda: run(theory=PACKET, preparation=bk.Ehrenfest()), "`theory` must be a Theory, got a GaussianPacket"),
        (lambda: run(hamiltonian=lambda q: q), "`hamiltonian` must be a HybridHamiltonian, got the function"),
        (lambda: run(hamiltonian="tully"), "`hamiltonian` must be a HybridHamiltonian, got 'tully'"),
        (lambda: run(times=100.0), "`times` must be a Times, got 100.0"),
        (lambda: run(observables=bk.observables.magnetization), "`observables` must be"),
        (lambda: run(integrator=integrators.Strang), "write Strang()"),
        (lambda: run(trajectories="ten"), "`trajectories` must be a whole number, got 'ten'"),
        (lambda: compare(bk.Ehrenfest()), "`theories` must be"),
        (lambda: compare([bk.Ehrenfest]), "Entry 0 of argument `theories` must be a Theory, got the class Ehrenfest"),
        (lambda: compare({"mine": "Exact"}), "Entry 'mine' of argument `theories` must be a Theory, got 'Exact'"),
        (lambda: bk.times("text"), "`stop`"),
        (lambda: bk.times(np.nan), "`stop` must be finite, got nan"),
        (lambda: bk.times(10**400), "`stop` must be finite"),
        (lambda: bk.times(10.0, 10**400), "`saves` must be below 2^63"),
        (lambda: bk.times(10.0, 2.5), "`saves` must be a whole number, got 2.5"),
        (lambda: bk.times(10.0, True), "`saves` must be a whole number, got True"),
        (lambda: bk.models.spin_dimer(1.0), "`coupling` must be a DimerCoupling, got 1.0"),
        (lambda: bk.SpinSystem([0.5], uniaxial=[1.0, [0.0, 0.0, 1.0]]), "`uniaxial` must be an Uniaxial"),
        (lambda: bk.SurfaceHopping(decoherence=bk.EnergyBasedDecoherence), "write EnergyBasedDecoherence()"),
        (lambda: bk.EnergyBasedDecoherence(np.nan), "`parameter` must be finite"),
        (lambda: bk.EnergyBasedDecoherence(-0.1), "`parameter` of EnergyBasedDecoherence must not be negative"),
        (lambda: bk.GaussianPacket(["a"], 0.0, 1.0), "`position`"),
        (lambda: bk.GaussianPacket(1 + 2j, 0.0, 1.0), "`position` must be numbers"),
        (lambda: bk.Grid(-5.0, 5.0, 16.5), "`points`"),
        (lambda: bk.Adiabatic("lowest"), "`level` must be a whole number, got 'lowest'"),
        (lambda: run(store="a\0b"), "`store` must be a path"),
        (lambda: bk.read_store("x" * 300), "longer than the name of a file can be"),
    ],
)  # fmt: skip
def test_each_gets_its_line(call, words):
    with pytest.raises(bk.BrackishError) as refused:
        call()
    message = str(refused.value)
    assert words in message
    assert "\n" not in message
    assert len(message) < 400


@pytest.mark.parametrize("number", [np.int64(2), np.int8(2), np.uint16(2), np.array(2), jnp.asarray(2)])
def test_whole_numbers_of_any_kind(number):
    assert bk.times(10.0, number).saves == 2
    assert type(bk.times(10.0, number).saves) is int
    assert bk.Adiabatic(number).level == 2
    assert bk.Grid(-1.0, 1.0, 8 * number).points == (16,)


@pytest.mark.parametrize("number", [np.float32(0.5), np.float16(0.5), np.array(0.5), jnp.asarray(0.5)])
def test_real_numbers_of_any_kind(number):
    assert bk.times(number).stop == 0.5
    assert bk.GaussianPacket(number, number, number).width == pytest.approx([0.5])
    assert bk.models.tully(np.int64(1), number).manifold.masses == pytest.approx([0.5])
    assert bk.LLG(number).damping == 0.5
    assert bk.Exact(edge_tolerance=number).edge_tolerance == 0.5


def test_a_run_takes_numbers_of_numpy():
    few = {"trajectories": np.int64(2), "seed": np.uint32(3), "follow": np.int16(1), "workers": np.int64(1)}
    one, other = (run(**some) for some in (few, {n: int(v) for n, v in few.items()}))
    assert np.array_equal(one.population.values, other.population.values)


def test_the_home_folder(tmp_path, monkeypatch):
    monkeypatch.setenv("HOME", str(tmp_path))
    dataset = run(trajectories=2, store="~/kept.zarr")
    assert (tmp_path / "kept.zarr").is_dir()
    assert np.array_equal(bk.read_store("~/kept.zarr").population, dataset.population)
    bk.write_netcdf(dataset, "~/kept.nc")
    assert (tmp_path / "kept.nc").is_file()


def test_every_public_type_reads_its_arguments():
    assert spins.Uniaxial(np.float32(0.5)).constant == 0.5
    with pytest.raises(bk.InvalidInput):
        spins.Uniaxial("strong")


def test_friction_is_a_number_some_of_them_a_function_or_a_friction():
    electrons = bk.ManyElectronStates(0.1)

    def function(q):
        return q[0] ** 2

    assert bk.MolecularDynamicsWithFriction(electrons, function).friction.function is function
    for numbers in (1, 0.5, np.float32(0.5), [0.5, 1.0], jnp.ones((2, 2))):
        read = bk.MolecularDynamicsWithFriction(electrons, numbers).friction.values
        np.testing.assert_array_equal(read, np.asarray(numbers, dtype=float))
    for wrong in ("text", None, 1j, bk.FrictionFromElectrons):
        with pytest.raises(
            bk.InvalidInput, match="`friction` must be a Friction or a MemoryFriction or a function"
        ):
            bk.MolecularDynamicsWithFriction(electrons, wrong)
