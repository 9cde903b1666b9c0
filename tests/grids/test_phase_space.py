"""Plane waves on phase space against derivatives known in closed form."""

import jax.numpy as jnp
import numpy as np
import pytest

import brackish as bk
from brackish.grids import PhaseSpace

GRID = PhaseSpace(lower=(-1.0, 0.5), upper=(2.0, 3.0), points=(24, 18))


def waves(grid):
    q, p = (x.reshape(grid.shape) for x in (grid.points().position[:, 0], grid.points().momentum[:, 0]))
    a, b = 2 * np.pi / 3.0, 2 * np.pi / 2.5
    f = np.sin(a * q) * np.cos(2 * b * p) + 0.3
    gradient = np.stack([a * np.cos(a * q) * np.cos(2 * b * p), -2 * b * np.sin(a * q) * np.sin(2 * b * p)])
    return jnp.asarray(f), jnp.asarray(gradient)


def test_gradient_bracket_divergence_and_integral_are_those_of_the_waves():
    f, exact = waves(GRID)
    both = GRID.gradient(jnp.stack([f, 2 * f]))
    np.testing.assert_allclose(both[:, 0], exact, atol=1e-12)
    np.testing.assert_allclose(both[:, 1], 2 * exact, atol=1e-12)
    assert both.dtype == float
    np.testing.assert_allclose(GRID.gradient(f + 1j * f), exact * (1 + 1j), atol=1e-12)
    np.testing.assert_allclose(
        GRID.bracket(exact, exact**2), exact[0] * exact[1] * (exact[1] - exact[0]), atol=1e-12
    )
    field = GRID.vector_field(GRID.gradient(f))
    np.testing.assert_allclose(field, np.stack([exact[1], -exact[0]]), atol=1e-12)
    np.testing.assert_allclose(GRID.divergence(field), 0, atol=1e-11)
    np.testing.assert_allclose(GRID.integrate(f), 0.3 * 3.0 * 2.5, atol=1e-12)
    np.testing.assert_allclose(np.sum(GRID.weights()), 3.0 * 2.5)


def test_dealias_keeps_what_is_below_the_cutoff_and_nothing_else():
    f, _ = waves(GRID)
    noise = jnp.asarray(np.random.default_rng(0).normal(size=GRID.shape))
    np.testing.assert_allclose(GRID.dealias(f), f, atol=1e-13)
    once = GRID.dealias(noise)
    np.testing.assert_allclose(GRID.dealias(once), once, atol=1e-13)
    kept = np.abs(np.fft.fft2(once)) > 1e-10
    assert kept.sum() == (2 * GRID.cutoff[0] + 1) * (2 * GRID.cutoff[1] + 1)
    assert GRID.cutoff == (7, 5)


def test_a_grid_of_the_wrong_kind_is_refused_by_name():
    GRID.matches(bk.Canonical([1.0]))
    with pytest.raises(
        bk.UnsupportedHamiltonian, match=r"PhaseSpace grid needs Canonical\(1\).*Spheres\(2\)"
    ):
        GRID.matches(bk.Spheres(2))
    with pytest.raises(bk.InvalidInput, match="`cutoff`"):
        PhaseSpace((0, 0), (1, 1), 16, cutoff=8)
