"""Ehrenfest trajectories against an independent program, and against converged populations."""

import json
from pathlib import Path

import jax.numpy as jnp
import numpy as np
import pytest

import brackish as bk

REFERENCE = json.loads((Path(__file__).parent / "data" / "ehrenfest.json").read_text())
SINGLE = REFERENCE["single"]
NAMES = [f"momentum {record['P0']:g}" for record in SINGLE]


def single(record, step):
    """One trajectory of the reference, saved at its times."""
    system = bk.models.tully(1, mass=record["mass"])
    matrix = np.asarray(system.potential(jnp.array([record["R0"]])))
    angle = 0.5 * np.arctan2(2 * matrix[0, 1], matrix[0, 0] - matrix[1, 1])
    lower, upper = (complex(*amplitude) for amplitude in record["c_ad"])
    state = lower * np.array([-np.sin(angle), np.cos(angle)]) + upper * np.array(
        [np.cos(angle), np.sin(angle)]
    )
    start = bk.Points([record["R0"]], [record["P0"]], state=state / np.linalg.norm(state))
    last = record["records"][-1]["t"]
    return bk.simulate(system, bk.Ehrenfest(), start, bk.times(last, 4, step=step))


def column(records, key):
    """One quantity of the reference over time; pairs of a real and an imaginary part become complex."""
    values = np.array([record[key] for record in records])
    return values[:, 0] + 1j * values[:, 1] if key.startswith("rho") else values


def worst_population(run, records):
    """The largest error of an adiabatic population."""
    return np.abs(np.asarray(run.adiabatic_population) - column(records, "pop_ad")).max()


@pytest.mark.parametrize("record", SINGLE, ids=NAMES)
def test_single_trajectories_are_those_of_an_independent_program(record):
    """A step of 4 leaves about 1e-4; a sixteenth of it, at order two, 1e-6 at most."""
    run, records = single(record, 0.25), record["records"]
    found = {
        "R": run.position[:, 0],
        "P": run.momentum[:, 0],
        "pop_dia": run.population,
        "pop_ad": run.adiabatic_population,
        "rho01_dia": run.density_matrix[:, 0, 1],
        "energy": run.energy,
    }
    for key, values in found.items():
        assert np.abs(np.asarray(values) - column(records, key)).max() < 1e-6, key
    assert np.abs(np.asarray(run.norm) - 1).max() < 1e-12


@pytest.mark.parametrize("record", SINGLE, ids=NAMES)
def test_the_error_falls_as_the_square_of_the_step(record):
    """Measured over a factor of 16, as chance decides where in a step the kink of V'' is met."""
    errors = [worst_population(single(record, step), record["records"]) for step in (4.0, 0.25)]
    order = np.log(errors[0] / errors[1]) / np.log(16)
    assert order == pytest.approx(2, abs=0.15)


@pytest.mark.parametrize(("momentum", "stop", "expected"), [(10, 4200.0, 0.8321612), (20, 2100.0, 0.5006206)])
def test_the_lower_population_after_the_crossing(momentum, stop, expected):
    start = bk.Points([-10.0], [momentum], state=bk.Adiabatic(0))
    run = bk.simulate(bk.models.tully(1), bk.Ehrenfest(), start, bk.times(stop, 4, step=0.25))
    assert float(run.position[-1, 0]) > 8
    assert float(run.adiabatic_population[-1, 0]) == pytest.approx(expected, abs=1e-5)


def test_an_ensemble_of_laid_out_points_is_that_of_an_independent_program():
    reference = REFERENCE["ensemble"]
    records, points = reference["records"], np.array(reference["points"])
    start = bk.Points(points[:, 0], points[:, 1], state=bk.Adiabatic(0))
    run = bk.simulate(bk.models.tully(1), bk.Ehrenfest(), start, bk.times(2000.0, 4, step=0.5))
    found = {
        "R": run.position[:, 0],
        "P": run.momentum[:, 0],
        "pop_dia": run.population,
        "pop_ad": run.adiabatic_population,
        "rho01_dia": run.density_matrix[:, 0, 1],
        "purity_dia": run.purity,
    }
    for key, values in found.items():
        # single trajectories of these momenta have errors of 1e-6 at this step
        assert np.abs(np.asarray(values) - column(records, key)).max() < 2e-6, key
    # <q^2> reaches 131, so that an error of 1e-6 in q is one of 2e-5 here
    square = np.asarray(run.position_spread[:, 0]) ** 2 + np.asarray(run.position[:, 0]) ** 2
    assert np.abs(square - column(records, "R2")).max() < 5e-5
    assert int(run.attrs["trajectories"]) == 64


def spin_boson_run(integrator, step):
    """The trajectory of 20 modes, from a function and arrays as a user would write them."""
    reference = REFERENCE["spin_boson"]
    couplings, bias, tunnelling = np.array(reference["c"]), reference["eps"], reference["Delta"]

    def matrix(q):
        shift = bias + jnp.sum(couplings * q)
        return jnp.array([[shift, tunnelling], [tunnelling, -shift]])

    system = bk.hamiltonian(matrix, masses=np.ones(20), frequencies=np.array(reference["omega"]))
    start = bk.Points([reference["Q0"]], [reference["P0"]], state=0)
    run = bk.simulate(system, bk.Ehrenfest(), start, bk.times(20.0, 20, step=step), integrator=integrator)
    return run.sel(time=[record["t"] for record in reference["records"]])


def spin_boson_errors(run):
    """The largest error of each quantity of the reference."""
    reference = REFERENCE["spin_boson"]
    records, modes = reference["records"], reference["reported_modes"]
    found = {
        "pop": run.population,
        "rho01": run.density_matrix[:, 0, 1],
        "Q": run.position[:, modes],
        "P": run.momentum[:, modes],
        "energy": run.energy,
    }
    return {key: np.abs(np.asarray(values) - column(records, key)).max() for key, values in found.items()}


def test_a_spin_in_a_bath_is_that_of_an_independent_program():
    """Frequencies up to 10 and ten digits in the constants: order four and a step of 0.005 are as exact."""
    errors = spin_boson_errors(spin_boson_run(bk.integrators.TripleJump(), 0.005))
    assert max(errors.values()) < 1e-7, errors


def test_a_spin_in_a_bath_is_of_second_order_by_default():
    coarse, fine = (spin_boson_errors(spin_boson_run(None, step)) for step in (0.02, 0.01))
    for key in coarse:
        assert np.log2(coarse[key] / fine[key]) == pytest.approx(2, abs=0.05), key
