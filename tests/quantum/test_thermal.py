"""Thermal electrons against exponentials of matrices, finite differences and the limit of temperature zero."""

import dataclasses

import jax
import jax.numpy as jnp
import numpy as np
import pytest
import scipy.linalg
from hypothesis import given
from hypothesis import strategies as st

from brackish.errors import InvalidInput
from brackish.quantum import IndependentElectrons, ManyElectronStates

KINDS = [ManyElectronStates(0.7), IndependentElectrons(0.7, 0.2), IndependentElectrons(0.7, -0.3, spins=2)]
COLD = [ManyElectronStates(0.0), IndependentElectrons(0.0, 0.2, spins=2)]
LEVELS = 4


def hermitian(seed):
    draw = np.random.default_rng(seed)
    matrix = draw.normal(size=(LEVELS, LEVELS)) + 1j * draw.normal(size=(LEVELS, LEVELS))
    return matrix + matrix.conj().T


density = jax.jit(lambda electrons, matrix: electrons.density(matrix))
change = jax.jit(
    lambda electrons, matrix, along: jax.jvp(electrons.density, (matrix,), (along,))[1],
)
free_energy = jax.jit(lambda electrons, matrix: electrons.free_energy(jnp.linalg.eigvalsh(matrix)))
response_and_occupations = jax.jit(
    lambda electrons, energies: (electrons.response(energies), electrons.occupations(energies))
)


def direct_density(electrons, matrix):
    """From exponentials of the matrix."""
    beta, one = 1 / electrons.temperature, np.eye(len(matrix))
    if isinstance(electrons, ManyElectronStates):
        boltzmann = scipy.linalg.expm(-beta * matrix)
        return boltzmann / np.trace(boltzmann)
    return electrons.spins * np.linalg.inv(
        scipy.linalg.expm(beta * (matrix - electrons.chemical_potential * one)) + one
    )


@pytest.mark.parametrize("electrons", KINDS)
def test_the_density_is_that_of_the_ensemble(electrons):
    for seed in range(3):
        matrix = hermitian(seed)
        expected = direct_density(electrons, matrix)
        assert np.abs(density(electrons, matrix) - expected).max() < 1e-13 * np.abs(expected).max() * LEVELS


@pytest.mark.parametrize("electrons", KINDS + COLD)
def test_the_density_is_the_derivative_of_the_free_energy(electrons):
    """Tr(rho dH) is the change of the free energy: errors of central differences are of fourth order here."""
    matrix, along = hermitian(1), hermitian(2)
    h = 1e-3

    def at(s):
        return float(free_energy(electrons, matrix + s * along))

    difference = (8 * (at(h) - at(-h)) - (at(2 * h) - at(-2 * h))) / (12 * h)
    expected = np.trace(np.asarray(density(electrons, matrix)) @ along).real
    # the fifth derivative is at most some tens of |along|^5, |along| about 6
    assert abs(difference - expected) < 1e-7 * abs(expected) + 1e-8


@pytest.mark.parametrize("electrons", KINDS + COLD)
def test_the_change_of_the_density_by_divided_differences(electrons):
    matrix, along = hermitian(3), hermitian(4)
    h = 1e-4
    forward, backward = (np.asarray(density(electrons, matrix + s * along)) for s in (h, -h))
    exact = np.asarray(change(electrons, matrix, along))
    assert np.abs((forward - backward) / (2 * h) - exact).max() < 1e-6 * np.abs(exact).max()


@pytest.mark.parametrize("electrons", KINDS)
def test_levels_that_touch_are_nothing_special(electrons):
    """At H = 0 the change of the density is its derivative as a function of a number."""
    along = hermitian(5)
    h = 1e-4

    def at(s):
        return np.asarray(density(electrons, s * along))

    exact = np.asarray(change(electrons, np.zeros((LEVELS, LEVELS), complex), along))
    assert np.all(np.isfinite(exact))
    assert np.abs((at(h) - at(-h)) / (2 * h) - exact).max() < 1e-6 * np.abs(exact).max()


@given(temperature=st.floats(1e-4, 10.0), gap=st.floats(0.0, 3.0))
def test_response_is_a_divided_difference_that_never_fails(temperature, gap):
    """Between two levels: minus the difference of occupations over the gap, at any ratio of gap and temperature."""
    energies = jnp.array([-0.3, -0.3 + gap])
    for electrons in (ManyElectronStates(temperature), IndependentElectrons(temperature, 0.1)):
        response, p = (np.asarray(x) for x in response_and_occupations(electrons, energies))
        assert np.all(response >= 0)
        assert np.array_equal(response, response.T)
        # the difference on the left loses digits when the gap is small, which is why it is not taken
        assert abs(response[0, 1] * gap - (p[0] - p[1])) < 1e-15 + 1e-12 * abs(p[0] - p[1])


@pytest.mark.parametrize("cold", COLD)
def test_zero_is_the_limit_of_low_temperatures(cold):
    matrix = hermitian(6)
    warm = dataclasses.replace(cold, temperature=1e-3)
    energies = jnp.linalg.eigvalsh(matrix)
    # levels are tenths apart, hundreds of k_B T
    assert np.abs(density(cold, matrix) - density(warm, matrix)).max() < 1e-13
    assert abs(free_energy(cold, matrix) - free_energy(warm, matrix)) < 1e-13 * abs(free_energy(cold, matrix))
    along = jnp.asarray(hermitian(7))
    changes = [np.asarray(electrons.density_change(energies, along)) for electrons in (cold, warm)]
    assert np.abs(changes[0] - changes[1]).max() < 1e-12 * np.abs(changes[0]).max()


def test_what_temperature_zero_leaves_open_is_refused():
    level = np.array([-1.0, -1.0 + 1e-14, 0.5])
    with pytest.raises(InvalidInput, match=r"ground state at temperature 0 is degenerate.*\n?"):
        ManyElectronStates(0.0).check_definite(level)
    with pytest.raises(InvalidInput, match="chemical potential"):
        IndependentElectrons(0.0, 0.5).check_definite(level)
    ManyElectronStates(1e-6).check_definite(level)
    IndependentElectrons(0.0, 0.4).check_definite(level)
    # in compiled code they share
    assert np.allclose(ManyElectronStates(0.0).occupations(jnp.asarray(level)), [0.5, 0.5, 0.0])
    assert np.allclose(IndependentElectrons(0.0, 0.5).occupations(jnp.asarray(level)), [1.0, 1.0, 0.5])


@pytest.mark.parametrize(
    ("build", "word"),
    [
        (lambda: ManyElectronStates(-0.1), "temperature"),
        (lambda: ManyElectronStates(float("nan")), "temperature"),
        (lambda: ManyElectronStates([0.1, 0.2]), "temperature"),
        (lambda: IndependentElectrons(-1e-9), "temperature"),
        (lambda: IndependentElectrons(0.1, float("inf")), "chemical_potential"),
        (lambda: IndependentElectrons(0.1, 0.0, spins=3), "spins"),
    ],
)
def test_bad_input_gets_one_line(build, word):
    with pytest.raises(InvalidInput, match=f"`{word}`") as caught:
        build()
    assert "\n" not in str(caught.value)
