"""Electronic friction against an independent program: resonant level, and two levels without time reversal."""

import functools
import json
from pathlib import Path

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
import pytest

from brackish.analysis import friction as ef
from brackish.quantum import IndependentElectrons, ManyElectronStates, pauli_x, pauli_y, pauli_z

REFERENCE = json.loads((Path(__file__).parent / "data" / "friction.json").read_text())
RESONANT = REFERENCE["newns_anderson"]
TWO_LEVELS = REFERENCE["few_level"]["two_level"]["data"]
# the reference is written with 13 digits
DIGITS = 1e-12
SLOPE, WIDTH = RESONANT["parameters"]["s"], RESONANT["parameters"]["Gamma"]


@eqx.filter_jit
def resonant(energy, width_slope, electrons, frequency):
    """Friction, occupation, and the slope of the free energy."""
    level = ef.ResonantLevel(energy, WIDTH, SLOPE, width_slope)

    def free_energy(energy):
        return ef.ResonantLevel(energy, WIDTH).free_energy(electrons)

    return level.friction(electrons, frequency), level.occupation(electrons), jax.grad(free_energy)(energy)


def resonant_numbers(row, electrons, frequency=0.0):
    energy, slope = jnp.asarray(row["eps_d"]), jnp.asarray(row.get("dGamma_dx", 0.0))
    return [float(x) for x in resonant(energy, slope, electrons, jnp.asarray(frequency))]


def test_the_resonant_level():
    assert len(RESONANT["rows"]) == 20
    for row in RESONANT["rows"]:
        eta, occupied, slope = resonant_numbers(row, IndependentElectrons(1 / row["beta"]))
        assert abs(eta / row["eta"] - 1) < DIGITS
        assert abs(occupied - row["n_d"]) < DIGITS
        assert abs(-SLOPE * slope / row["mean_force"] - 1) < DIGITS


def test_the_resonant_level_at_temperature_zero():
    for row in RESONANT["rows"]:
        eta, occupied, slope = resonant_numbers(row, IndependentElectrons(0.0))
        assert abs(eta / row["eta_T0_limit"] - 1) < DIGITS
        assert abs(occupied - slope) < DIGITS


def test_the_resonant_level_at_a_frequency():
    for row in RESONANT["frequency"]:
        eta, _, _ = resonant_numbers(row, IndependentElectrons(1 / row["beta"]), row["omega"])
        assert abs(eta / row["eta"] - 1) < DIGITS


def test_a_width_that_changes_too():
    for row in RESONANT["brute_force"]:
        eta, _, _ = resonant_numbers(row, IndependentElectrons(1 / row["beta"]))
        assert abs(eta / row["eta_analytic"] - 1) < DIGITS


markov_kernel = eqx.filter_jit(ef.markov_kernel)


def two_level_matrix(q):
    return q[0] * pauli_x + q[1] * pauli_y + 0.25 * pauli_z


@functools.cache
def two_levels(index):
    """A row of the reference, its electrons and their levels."""
    row = TWO_LEVELS[index]
    position = jnp.array([row["x"], row["y"]])
    return (
        row,
        ManyElectronStates(1 / row["beta"]),
        eqx.filter_jit(ef.electronic_levels)(two_level_matrix, position),
    )


@pytest.mark.parametrize("index", range(len(TWO_LEVELS)))
def test_the_kernel_in_time(index):
    row, electrons, levels = two_levels(index)
    times = jnp.array([entry["t"] for entry in row["W"]])
    expected = np.array([entry["W"] for entry in row["W"]])
    for kernel in (ef.force_correlation, ef.kubo_force_correlation):
        found = eqx.filter_jit(kernel)(electrons, levels, times)
        assert np.abs(np.asarray(found.total) - expected).max() < 2 * DIGITS
        assert np.abs(found.persistent - np.array(row["static_I"])).max() < DIGITS


@pytest.mark.parametrize("index", range(len(TWO_LEVELS)))
def test_the_integrated_kernel(index):
    row, electrons, levels = two_levels(index)
    for entry in row["integrated"]:
        found = markov_kernel(electrons, levels, ef.FiniteTime(entry["eps"]))
        expected = np.array(entry["gamma_DMS_without_static"])
        assert np.abs(found.friction - found.magnetic - expected).max() < 2 * DIGITS
        assert np.abs(found.friction - np.array(entry["sym"])).max() < DIGITS
        assert abs(found.magnetic[0, 1] + entry["antisym_xy"]) < 2 * DIGITS
    field = ef.pseudo_magnetic_field(electrons, levels)
    assert abs(field[0, 1] - row["B_xy"]) < 2 * DIGITS
    # the regulator reaches the curvature as its square
    far, near = (abs(-entry["antisym_xy"] - field[0, 1]) for entry in row["integrated"][1:3])
    assert abs(far / near - 25) < 0.2


@pytest.mark.parametrize("index", range(len(TWO_LEVELS)))
def test_the_weights_of_the_spectrum(index):
    """A resonance far from all others carries the weight of the reference, absorbed and emitted."""
    row, electrons, levels = two_levels(index)
    (stick,) = row["sticks"]
    broadening = ef.GaussianBroadening(1e-3)
    frequencies = jnp.array([stick["omega"], -stick["omega"]])
    up, down = eqx.filter_jit(ef.excitation_kernel)(
        electrons, levels, frequencies, broadening
    ) / broadening.resonance(0.0)
    assert abs(up[0, 0] - stick["weight_xx"]) < 1e-9
    assert abs(up[1, 1] - stick["weight_yy"]) < 1e-9
    assert abs(up[0, 1] - complex(*stick["weight_xy"])) < 1e-9
    assert abs(down[0, 0] - stick["weight_xx_at_minus_omega"]) < 1e-9
