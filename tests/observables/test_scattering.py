"""What is left and what is right of the origin, where a node or a trajectory may stand on it."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from scipy.stats import norm

import brackish as bk
from brackish.observables.standard import scattering

TULLY = bk.models.tully(2)


def shares(theory, packet):
    """What is left and right, summed over levels, at the start."""
    y, _ = theory.prepare(TULLY, packet, jnp.asarray(0), jax.random.key(0))
    return np.asarray(scattering(theory, TULLY, y)).sum(axis=1)


@pytest.mark.parametrize("offset", [0.0, 0.3, 0.5])
def test_a_grid_is_cut_at_the_origin_with_an_error_of_second_order(offset):
    """A node on the origin, and nodes beside it: the share of its cell counts, half of it where it is cut in two."""
    packet, exact = bk.GaussianPacket(0.4, 0.0, width=0.7), norm.cdf(0.4 / 0.7)
    slope = 0.4 / 0.7**2 * norm.pdf(0.0, loc=0.4, scale=0.7)
    errors = []
    for points in (64, 128, 256):
        shift = offset * 16.0 / points
        left, right = shares(bk.Exact(bk.Grid(-8.0 + shift, 8.0 + shift, points)), packet)
        assert abs(left + right - 1) < 1e-12
        errors.append(abs(right - exact))
    # the Euler-Maclaurin formula, with a node at this part of a spacing from the origin; the rest is of third order
    leading = abs(1 / 12 - offset**2 / 2) * slope * (16.0 / 256) ** 2
    assert errors[2] == pytest.approx(leading, rel=0.1)
    assert np.all(np.log2(np.array(errors[:-1]) / errors[1:]) > 1.7), errors


def test_fields_on_phase_space_are_cut_alike():
    theory = bk.ContinuumEhrenfest(bk.PhaseSpace([-8.0, -4.0], [8.0, 4.0], [64, 32]))
    assert np.allclose(shares(theory, bk.GaussianPacket(0.0, 0.0, width=0.7)), 0.5, atol=1e-6)


def test_a_trajectory_on_the_origin_is_half_on_either_side():
    assert np.allclose(shares(bk.Ehrenfest(), bk.Points([0.0], [1.0])), 0.5)
    assert np.allclose(shares(bk.Ehrenfest(), bk.Points([1e-12], [1.0])), [0, 1])
