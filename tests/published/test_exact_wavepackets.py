"""Exact wavepackets against an independent program, and against themselves at half the step and spacing."""

import functools
import json
from pathlib import Path

import numpy as np
import pytest

import brackish as bk

REFERENCE = json.loads((Path(__file__).parent / "data" / "exact_wavepackets.json").read_text())

# (model, wavenumber): start and end of the run. The packets of the reference, and model III slow and fast.
STARTS = {
    (1, 10): (-8.0, 4000.0),
    (2, 16): (-10.0, 3000.0),
    (3, 10): (-10.0, 3000.0),
    (3, 30): (-10.0, 1200.0),
}

# Models I and III have a kink in V'' at the origin: the error of populations falls as the fourth power of
# the spacing and is to be below 1e-6 on the grid that is chosen by default. Model II is analytic, and nothing
# but the step is left.
ACCURACY = {1: 1e-6, 2: 1e-8, 3: 1e-6}

# A population that is wrong sits in the wrong packet, and packets are up to 20 bohr or momentum units apart.
APART = 20.0


@functools.cache
def on_the_default_grid(model, wavenumber):
    """A run with every numerical choice left to the library."""
    start, stop = STARTS[model, wavenumber]
    packet = bk.GaussianPacket(start, wavenumber, width=10 / wavenumber, state=bk.Adiabatic(0))
    return bk.simulate(bk.models.tully(model), bk.Exact(), packet, bk.times(stop, 20))


@functools.cache
def refined(model, wavenumber):
    """The same run in the same box with half the spacing and half the step."""
    coarse = on_the_default_grid(model, wavenumber)
    box = json.loads(coarse.attrs["theory"])["grid"]
    grid = bk.Grid(box["lower"], box["upper"], [2 * points for points in box["points"]])
    start, stop = STARTS[model, wavenumber]
    packet = bk.GaussianPacket(start, wavenumber, width=10 / wavenumber, state=bk.Adiabatic(0))
    times = bk.times(stop, 20, step=coarse.attrs["step"] / 2)
    return bk.simulate(bk.models.tully(model), bk.Exact(grid), packet, times)


def largest(values):
    """The largest absolute value."""
    return np.abs(np.asarray(values)).max()


@pytest.mark.parametrize(("model", "wavenumber"), [(1, 10), (2, 16)])
def test_the_whole_time_series_is_that_of_an_independent_program(model, wavenumber):
    reference = REFERENCE[f"tully{model}_k{wavenumber}"]
    series, run = reference["series"], on_the_default_grid(model, wavenumber)
    errors = reference["estimated_error"]
    accuracy = ACCURACY[model]
    assert np.array_equal(run.time, reference["times"])
    for name, listed in (("adiabatic_population", "pop_ad"), ("population", "pop_dia"), ("purity", "purity")):
        assert largest(run[name] - np.array(series[listed])) < accuracy + errors[listed], name
    gamma = np.array(series["gamma_dia"])
    coherence = gamma[:, 1] + 1j * gamma[:, 2]
    density = np.array([[gamma[:, 0], coherence], [coherence.conj(), gamma[:, 3]]]).transpose(2, 0, 1)
    assert largest(run.density_matrix - density) < accuracy + errors["pop_dia"]
    for name, listed in (("position", "R"), ("momentum", "P")):
        assert largest(run[name][:, 0] - series[listed]) < APART * accuracy + errors[listed], name
    # the energy is conserved to the order of the step; the digits listed allow this much
    assert largest(run.energy - np.array(series["energy"])) < 1e-10
    assert largest(run.norm - 1) < 1e-10


@pytest.mark.parametrize(("model", "wavenumber"), list(STARTS))
def test_half_the_step_and_half_the_spacing_change_nothing(model, wavenumber):
    coarse, fine = on_the_default_grid(model, wavenumber), refined(model, wavenumber)
    for name in ("adiabatic_population", "population", "density_matrix", "purity", "norm"):
        assert largest(coarse[name] - fine[name]) < ACCURACY[model], name
    for name in ("position", "momentum"):
        assert largest(coarse[name] - fine[name]) < APART * ACCURACY[model], name
    assert largest(coarse.energy - fine.energy) < 1e-9


def test_shin_metiu_in_a_few_electronic_states_is_the_full_electron_and_ion():
    """What is left is the truncation: the states left out hold at most 3e-4 and 2e-5 of the probability."""
    reference = REFERENCE["shin_metiu"]
    width = 0.5 / np.sqrt(reference["parameters"]["a"])
    packet = bk.GaussianPacket(reference["parameters"]["R0"], 0.0, width, state=bk.Adiabatic(1))
    errors = []
    for states, allowed in ((3, 3.2e-4), (4, 1.8e-5)):
        run = bk.simulate(bk.models.shin_metiu(states), bk.Exact(), packet, bk.times(1600.0, 20))
        assert np.allclose(run.time, reference["times"])
        errors.append(largest(run.adiabatic_population[:, :3] - np.array(reference["series"]["pop_bo"])))
        # populations wrong by so much, over the 10 bohr between the wells
        assert largest(run.position[:, 0] - reference["series"]["R"]) < 10 * allowed
        assert errors[-1] < allowed
    assert errors[1] < 0.1 * errors[0]
