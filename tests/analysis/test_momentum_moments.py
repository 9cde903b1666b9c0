"""Momentum moments of mixed states in gauge fields: their definition, their symmetries, their equations of motion."""

import functools
from typing import NamedTuple

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
import pytest

from brackish.analysis import momentum_moments as moments_of
from brackish.grids import Grid

GRID = Grid((-8.0, -7.5), (8.0, 7.5), (64, 60))
X, Y = np.meshgrid(*GRID.positions(), indexing="ij")
INVERSE_MASS = jnp.array([[1.0, 0.3], [0.3, 0.7]])
WAVES = [2 * np.pi / 16, 2 * np.pi / 15]
# periodic potentials: smooth on the box, with a magnetic field that varies, and an electric one from V
POTENTIAL = (
    0.8 * np.cos(WAVES[0] * X) - 0.5 * np.cos(WAVES[1] * Y) + 0.2 * np.sin(WAVES[0] * X + WAVES[1] * Y)
)
GAUGE = np.stack([0.6 * np.sin(WAVES[1] * Y), 0.5 * np.cos(WAVES[0] * X) + 0.3 * np.sin(WAVES[1] * Y)])
WEIGHTS = jnp.array([0.5, 0.3, 0.2])


def packet(centre, momentum, width):
    """A Gaussian with a quadratic phase."""
    shift = [X - centre[0], Y - centre[1]]
    exponent = -sum((0.25 / s**2 + 0.1j * s) * r**2 for s, r in zip(width, shift, strict=True))
    return np.exp(exponent + 1j * sum(p * r for p, r in zip(momentum, shift, strict=True)) + 0.1j * X * Y)


MEMBERS = jnp.asarray(
    np.stack(
        [
            packet((0.4, -0.3), (0.7, -0.4), (0.6, 0.55)),
            packet((-0.5, 0.2), (-0.3, 0.9), (0.55, 0.65)) * (1.3 + 0.4j * X),
            packet((0.0, 0.4), (0.2, 0.1), (0.65, 0.55)),
        ]
    )
)


class Case(NamedTuple):
    """Moments, their rates of change from the Schroedinger equation of the members, and of the momentum field."""

    moments: moments_of.MomentumMoments
    rates: moments_of.MomentumMoments
    velocity: jax.Array
    momentum_rate: jax.Array
    written: dict[str, jax.Array]


def pi(psi, axis):
    return -1j * GRID.derivative(psi, axis) - GAUGE[axis][None] * psi


def schroedinger(psi):
    """-i H psi of each member, H = xi^ij pi_i pi_j / 2 + V."""
    raised = [pi(psi, axis) for axis in range(2)]
    kinetic = sum(0.5 * INVERSE_MASS[i, j] * pi(raised[j], i) for i in range(2) for j in range(2))
    return -1j * (kinetic + POTENTIAL[None] * psi)


@functools.cache
def case() -> Case:
    @eqx.filter_jit
    def all_at_once(members):
        def moments_at(psi):
            return moments_of.mechanical_moments(GRID, psi, WEIGHTS, jnp.asarray(GAUGE))

        moments, rates = jax.jvp(moments_at, (members,), (schroedinger(members),))
        inverse = moments_of.inverse_density(moments.density)[None]
        momentum = moments.first * inverse
        velocity = jnp.einsum("ij,j...->i...", INVERSE_MASS, momentum)
        slopes = moments_of.momentum_gradient(GRID, moments.density, moments.first)
        along = (rates.first - momentum * rates.density[None]) * inverse
        along = along + jnp.sum(velocity[:, None] * slopes, axis=0)
        force = -GRID.gradient(jnp.asarray(POTENTIAL))
        magnetic = moments_of.magnetic_field(GRID, jnp.asarray(GAUGE))
        m = moments
        written = {
            "density": moments_of.density_rate(GRID, INVERSE_MASS, m.first),
            "first": moments_of.first_rate(GRID, INVERSE_MASS, m.density, m.first, m.second, force, magnetic),
            "second": moments_of.second_rate(GRID, INVERSE_MASS, m.first, m.second, m.third, force, magnetic),
            "momentum": moments_of.momentum_rate(GRID, INVERSE_MASS, moments, force, magnetic),
        }
        return Case(moments, rates, velocity, along, written)

    return all_at_once(MEMBERS)


@pytest.mark.parametrize("name", ["density", "first", "second"])
def test_equations_of_motion_hold_along_an_exact_solution(name):
    """Eqs. (49)-(51), three members, a varying magnetic field and a full inverse mass tensor."""
    exact, written = getattr(case().rates, name), case().written[name]
    assert float(jnp.abs(exact).max()) > 0.1
    error = float(jnp.abs(written - exact).max() / jnp.abs(exact).max())
    assert error < 1e-9


def test_the_momentum_field_obeys_its_equation():
    """Eq. (53) where there is density."""
    here = case().moments.density > 1e-4 * case().moments.density.max()
    exact = jnp.where(here[None], case().momentum_rate, 0.0)
    error = jnp.where(here[None], case().written["momentum"] - exact, 0.0)
    assert float(jnp.abs(error).max() / jnp.abs(exact).max()) < 2e-7


def test_which_indices_may_be_exchanged():
    """The two leftmost always; the others differ by the slope of the magnetic field, (48) and below."""
    m = case().moments
    third = m.third
    size = float(jnp.abs(third).max())
    np.testing.assert_allclose(m.second, jnp.swapaxes(m.second, 0, 1), atol=1e-12)
    np.testing.assert_allclose(third, jnp.swapaxes(third, 0, 1), atol=1e-12 * size)
    magnetic = np.zeros((2, 2, *GRID.points))
    magnetic[0, 1] = -0.5 * WAVES[0] * np.sin(WAVES[0] * X) - 0.6 * WAVES[1] * np.cos(WAVES[1] * Y)
    magnetic[1, 0] = -magnetic[0, 1]
    slopes = GRID.gradient(jnp.asarray(magnetic))
    swapped = third - jnp.swapaxes(third, 1, 2)
    assert float(jnp.abs(swapped).max()) > 1e-3
    np.testing.assert_allclose(swapped, 0.25 * slopes * m.density[None, None, None], atol=1e-11 * size)


def test_a_change_of_gauge_changes_nothing():
    angle = 0.7 * np.sin(WAVES[0] * X) * np.cos(WAVES[1] * Y) + np.sin(2 * WAVES[1] * Y)
    turned = MEMBERS * np.exp(1j * angle)[None]
    gauge = GAUGE + np.asarray(GRID.gradient(jnp.asarray(angle)))
    moments = eqx.filter_jit(moments_of.mechanical_moments)(GRID, turned, WEIGHTS, jnp.asarray(gauge))
    for name in ("density", "first", "second", "third"):
        before, after = getattr(case().moments, name), getattr(moments, name)
        np.testing.assert_allclose(after, before, atol=1e-10 * float(jnp.abs(before).max()), err_msg=name)


def test_a_pure_state_has_the_pressure_of_its_density():
    """Eq. (72), and the third moment of a plane wave with an envelope, in closed form."""
    grid = Grid(-12.0, 12.0, 128)
    x = grid.positions()[0]
    psi = np.exp(-(x**2) / 4 / 1.2**2 + 0.8j * x)[None]
    m = moments_of.mechanical_moments(grid, jnp.asarray(psi), jnp.ones(1))
    density = np.exp(-(x**2) / 2 / 1.2**2)
    pressure = density / 4 / 1.2**2
    cumulant = moments_of.second_cumulant(m.density, m.first, m.second)[0, 0]
    np.testing.assert_allclose(m.density, density, atol=1e-14)
    np.testing.assert_allclose(m.first[0], 0.8 * density, atol=1e-13)
    np.testing.assert_allclose(cumulant, pressure, atol=1e-9)
    np.testing.assert_allclose(m.third[0, 0, 0], 0.8**3 * density + 3 * 0.8 * pressure, atol=1e-12)


def test_where_there_is_no_density_nothing_is_infinite():
    density = jnp.asarray(np.concatenate([np.zeros(8), np.linspace(0.0, 1.0, 8)]))
    inverse = moments_of.inverse_density(density, 1e-3)
    assert np.all(np.isfinite(inverse))
    assert np.all(inverse[:8] == 0)
    np.testing.assert_allclose(inverse[10:] * density[10:], 1.0, rtol=1e-4)
    assert np.all(moments_of.inverse_density(jnp.zeros(4)) == 0)
