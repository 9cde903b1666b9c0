"""The models of Tully and the double arch against their printed formulas, in plain Python."""

from math import exp

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from brackish.errors import InvalidInput
from brackish.hamiltonians import scale_interaction
from brackish.manifolds import PhasePoint
from brackish.models import double_arch, tully

POSITIONS = [-10.0, -4.0, -1.3, -0.2, 0.0, 0.15, 0.9, 4.0, 6.1, 10.0]


def simple(x):
    """Tully 1990, eq. (21)."""
    diagonal = 0.01 * (1 - exp(-1.6 * x)) if x > 0 else -0.01 * (1 - exp(1.6 * x))
    return diagonal, 0.005 * exp(-(x**2)), -diagonal


def dual(x):
    """Tully 1990, eq. (23)."""
    return 0.0, 0.015 * exp(-0.06 * x**2), -0.10 * exp(-0.28 * x**2) + 0.05


def extended(x):
    """Tully 1990, eq. (24), with the levels in his order."""
    return 6e-4, 0.10 * (exp(0.90 * x) if x < 0 else 2 - exp(-0.90 * x)), -6e-4


def arch(x):
    """Subotnik and Shenvi 2011: the coupling of the extended model switched on at -4 and off at 4."""
    if x < -4:
        coupling = 0.1 * (exp(0.9 * (x + 4)) - exp(0.9 * (x - 4)))
    elif x < 4:
        coupling = 0.1 * (2 - exp(-0.9 * (x + 4)) - exp(0.9 * (x - 4)))
    else:
        coupling = 0.1 * (exp(-0.9 * (x - 4)) - exp(-0.9 * (x + 4)))
    return 6e-4, coupling, -6e-4


SYSTEMS = [
    (lambda: tully(1), simple),
    (lambda: tully(2), dual),
    (lambda: tully(3), extended),
    (double_arch, arch),
]
NAMES = ["tully1", "tully2", "tully3", "double_arch"]


@pytest.mark.parametrize(("build", "formula"), SYSTEMS, ids=NAMES)
def test_values_are_those_of_the_printed_formula(build, formula):
    system = build()
    for x in POSITIONS:
        first, coupling, second = formula(x)
        potential = np.asarray(system.potential(jnp.array([x])))
        assert np.abs(potential - [[first, coupling], [coupling, second]]).max() < 1e-15
    assert system.manifold.masses.tolist() == [2000.0]
    assert system.levels == 2
    assert system.frequencies is None


@pytest.mark.parametrize(("build", "formula"), SYSTEMS, ids=NAMES)
def test_the_gradient_is_finite_everywhere_and_right_where_it_exists(build, formula):
    system = build()
    psi = jnp.array([0.6, 0.8j * np.exp(0.4j)])
    force = jax.jit(jax.grad(lambda x: system.potential_expect(x[None], psi)))
    for x in POSITIONS:
        value = float(force(jnp.asarray(x)))
        assert np.isfinite(value)
        if x not in (
            -4.0,
            4.0,
        ):  # the formulas of the double arch have kinks in their second derivative there
            slopes = [(a - b) / 2e-5 for a, b in zip(formula(x + 1e-5), formula(x - 1e-5), strict=True)]
            overlap = float((jnp.conj(psi[0]) * psi[1]).real)
            expected = 0.36 * slopes[0] + 0.64 * slopes[2] + 2 * overlap * slopes[1]
            assert abs(value - expected) < 1e-6


@pytest.mark.parametrize(("build", "formula"), SYSTEMS, ids=NAMES)
def test_without_interaction_the_particle_is_free(build, formula):
    system = scale_interaction(build(), 0.0)
    z = PhasePoint(jnp.array([0.3]), jnp.array([20.0]))
    assert np.abs(np.asarray(system.operator(z)) - 0.1 * np.eye(2)).max() < 1e-15


def test_the_lower_diabat_changes_where_model_one_crosses():
    left, right = (np.diag(tully(1).potential(jnp.array([x]))) for x in (-10.0, 10.0))
    assert left[0] < left[1]
    assert right[0] > right[1]
    assert np.abs(left + right).max() < 1e-15
    assert np.abs(left - [-0.01, 0.01]).max() < 1e-8


def test_the_double_arch_is_open_on_both_sides_and_closed_between():
    gaps = [np.ptp(np.linalg.eigvalsh(double_arch().potential(jnp.array([x])))) for x in (-20.0, 0.0, 20.0)]
    assert np.abs(np.array([gaps[0], gaps[2]]) - 1.2e-3).max() < 1e-8
    assert gaps[1] > 0.3


def test_another_mass_changes_the_kinetic_energy_alone():
    heavy, light = tully(2, mass=4000.0), tully(2)
    assert heavy.manifold.masses.tolist() == [4000.0]
    q = jnp.array([0.4])
    assert np.array_equal(heavy.potential(q), light.potential(q))


@pytest.mark.parametrize("number", [0, 4, "one", None, 1.5, True, [1]])
def test_there_are_three_models(number):
    with pytest.raises(InvalidInput, match="`number`") as caught:
        tully(number)
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize("mass", [0.0, -2000.0, float("nan"), "heavy", [2000.0, 2000.0]])
def test_a_mass_must_be_positive(mass):
    for build in (tully, double_arch):
        with pytest.raises(InvalidInput, match="mass"):
            build(mass=mass)
