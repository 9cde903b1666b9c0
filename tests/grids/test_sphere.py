"""Spherical harmonics on nodes against those of scipy, and vector calculus against closed forms."""

import jax.numpy as jnp
import numpy as np
import pytest
from scipy.special import sph_harm_y

import brackish as bk
from brackish.grids import SphereGrid

GRID = SphereGrid(largest_degree=40)
SMALL = SphereGrid(largest_degree=8, length=2.0)


def wave(grid, degree, order):
    polar, azimuth = np.meshgrid(*(values for values, _, _ in grid.axes().values()), indexing="ij")
    return sph_harm_y(degree, order, polar, azimuth)


def cartesian(grid):
    return jnp.asarray(np.moveaxis(grid.points()[:, 0], -1, 0).reshape(3, *grid.shape))


@pytest.mark.parametrize(("degree", "order"), [(0, 0), (1, -1), (7, 3), (40, -40), (40, 2), (60, -3)])
def test_amplitudes_of_one_wave_to_round_off(degree, order):
    expected = np.zeros((2 * GRID.latitudes - 1, GRID.latitudes))
    expected[order, degree] = 1
    amplitudes = GRID.transform(jnp.asarray(wave(GRID, degree, order)))
    np.testing.assert_allclose(amplitudes, expected, atol=2e-14)
    back = GRID.inverse_transform(amplitudes)
    np.testing.assert_allclose(back, wave(GRID, degree, order), atol=2e-13)


def test_gradient_divergence_bracket_and_integral_in_closed_form():
    x, y, z = n = cartesian(SMALL)
    f, by_f = 0.3 * x + z**2 * y, jnp.stack([0.3 + 0 * x, z**2, 2 * y * z])
    g, by_g = x * y - z, jnp.stack([y, x, -1 + 0 * z])
    by_f, by_g = (v - n * jnp.sum(n * v, axis=0)[None] for v in (by_f, by_g))
    both = SMALL.gradient(jnp.stack([f, 2 * f]))
    assert both.dtype == float
    np.testing.assert_allclose(both, np.stack([by_f, 2 * by_f], axis=1), atol=1e-13)
    np.testing.assert_allclose(SMALL.gradient(f * (1 + 2j)), by_f * (1 + 2j), atol=1e-13)
    bracket = np.sum(n * np.cross(by_f, by_g, axis=0), axis=0) / 2.0
    np.testing.assert_allclose(SMALL.bracket(by_f, by_g), bracket, atol=1e-14)
    field = SMALL.vector_field(by_g)
    np.testing.assert_allclose(np.sum(by_f * field, axis=0), bracket, atol=1e-14)
    np.testing.assert_allclose(SMALL.divergence(field), 0, atol=1e-12)
    # -6 Y for l = 2, -2 for l = 1
    np.testing.assert_allclose(SMALL.divergence(SMALL.gradient(g)), -6 * x * y + 2 * z, atol=1e-12)
    np.testing.assert_allclose(SMALL.integrate(x**2 + y), 4 * np.pi / 3, atol=1e-13)
    np.testing.assert_allclose(np.sum(SMALL.weights()), 4 * np.pi, atol=1e-13)


def test_divergence_is_minus_the_adjoint_of_the_gradient_and_dealias_a_projection():
    rng = np.random.default_rng(0)
    f, v = (jnp.asarray(rng.normal(size=size)) for size in (SMALL.shape, (3, *SMALL.shape)))
    along = SMALL.integrate(jnp.sum(v * SMALL.gradient(f), axis=0))
    np.testing.assert_allclose(SMALL.integrate(f * SMALL.divergence(v)), -along, atol=1e-12)
    kept = SMALL.dealias(f)
    np.testing.assert_allclose(SMALL.dealias(kept), kept, atol=1e-13)
    amplitudes = SMALL.transform(kept + 0j)
    assert np.max(np.abs(amplitudes[:, 9:])) < 1e-14
    assert np.count_nonzero(np.abs(amplitudes) > 1e-8) == 81
    assert np.abs(SMALL.highest_waves(kept)).max() > 0.01
    np.testing.assert_allclose(SMALL.highest_waves(jnp.asarray(wave(SMALL, 6, 2))), 0, atol=1e-14)


def test_a_grid_of_the_wrong_kind_is_refused_by_name():
    SMALL.matches(bk.Spheres(1, length=2.0))
    with pytest.raises(bk.UnsupportedHamiltonian, match=r"SphereGrid needs Spheres\(1\).*Canonical\(1\)"):
        SMALL.matches(bk.Canonical([1.0]))
    with pytest.raises(bk.UnsupportedHamiltonian, match="length 2, the Hamiltonian has one of length 1"):
        SMALL.matches(bk.Spheres(1))
    with pytest.raises(bk.InvalidInput, match="`latitudes`"):
        SphereGrid(8, latitudes=8)
