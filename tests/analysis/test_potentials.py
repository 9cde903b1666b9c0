"""Potential curves, and the stretch of positions they are drawn over."""

import jax.numpy as jnp
import numpy as np
import pytest

import brackish as bk
from brackish.analysis.potentials import potential_curves, visited_positions


def test_curves_of_a_crossing_have_the_energies_of_its_matrix():
    positions = np.linspace(-4.0, 4.0, 41)
    diabatic, adiabatic = potential_curves(bk.models.tully(1), positions)
    upper = np.sign(positions) * 0.01 * (1 - np.exp(-1.6 * np.abs(positions)))
    coupling = 0.005 * np.exp(-(positions**2))
    np.testing.assert_allclose(diabatic[:, 0, 0], upper, atol=1e-15)
    np.testing.assert_allclose(diabatic[:, 1, 1], -upper, atol=1e-15)
    np.testing.assert_allclose(diabatic[:, 0, 1], coupling, atol=1e-15)
    gap = np.sqrt(upper**2 + coupling**2)
    np.testing.assert_allclose(adiabatic, np.stack([-gap, gap], axis=1), atol=1e-15)


@pytest.mark.parametrize("levels", [1, 3])
def test_the_harmonic_part_is_included(levels):
    steps = np.arange(levels, dtype=float)
    system = bk.hamiltonian(
        lambda q: jnp.diag(steps) + 0.0 * q[0], masses=[4.0], frequencies=[0.5], external=lambda q: q[0]
    )
    positions = np.linspace(-1.0, 1.0, 5)
    _, adiabatic = potential_curves(system, positions)
    expected = (0.5 * 4.0 * 0.25 * positions**2 + positions)[:, None] + steps[None]
    np.testing.assert_allclose(adiabatic, expected, atol=1e-14)


def test_complex_couplings_count_in_the_energies():
    system = bk.hamiltonian(lambda q: jnp.array([[0.0, -1j], [1j, 0.0]]) * q[0], masses=[1.0])
    diabatic, adiabatic = potential_curves(system, np.array([2.0]))
    np.testing.assert_allclose(adiabatic, [[-2.0, 2.0]], atol=1e-14)
    assert np.iscomplexobj(diabatic)


def test_without_trajectories_the_spread_says_where_a_packet_has_been():
    means = {
        "position": np.array([[-8.0], [0.0], [5.0]]),
        "position_spread": np.array([[0.5], [1.0], [10.0]]),
    }
    where = visited_positions(means, points=11)
    assert where.shape == (11,)
    np.testing.assert_allclose(np.diff(where), np.diff(where)[0])
    # the end reaches 1.5 spreads around the mean, from -10 to 20; a margin of 4 per cent on each side
    np.testing.assert_allclose(where[[0, -1]], [-10 - 1.2, 20 + 1.2])


def test_many_trajectories_say_it_themselves():
    means = {
        "position": np.array([[0.0], [50.0]]),
        "position_spread": np.array([[1.0], [60.0]]),
        "trajectory_position": np.linspace(-1.0, 98.0, 40).reshape(20, 2, 1),
    }
    where = visited_positions(means)
    np.testing.assert_allclose(where[[0, -1]], [-2.0 - 4.0, 98.0 + 4.0])


def test_a_point_at_rest_still_gets_a_stretch():
    where = visited_positions({"position": np.zeros((3, 1)), "position_spread": np.full((3, 1), np.nan)})
    assert where[0] == -1
    assert where[-1] == 1
