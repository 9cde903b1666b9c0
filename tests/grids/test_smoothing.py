"""Gaussian sums over all pairs: by lattice, by strips and by matrix against the double sum."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from brackish.grids import smoothing
from brackish.grids.smoothing import gaussian_sums, lattice_sums


def double_sum(positions, width, columns):
    """Values (N, c) and slopes (n, N, c), pair by pair."""
    difference = (positions[:, None] - positions[None]) / width
    matrix = np.exp(-0.5 * np.sum(difference**2, axis=-1))
    slopes = -np.moveaxis(difference, -1, 0) / np.asarray(width)[:, None, None] * matrix
    return matrix @ columns, slopes @ columns


@pytest.mark.parametrize("coordinates", [1, 2])
@pytest.mark.parametrize("count", [1, 37])
def test_sums_are_those_over_all_pairs(coordinates, count):
    draw = np.random.default_rng(coordinates).normal
    positions, columns = 5 + draw(size=(count, coordinates)), draw(size=(count, 3))
    width = np.array([0.2, 0.5])[:coordinates]
    expected = double_sum(positions, width, columns)
    sums = gaussian_sums(jnp.asarray(positions), width)
    for got, want in zip(sums.values_and_slopes(jnp.asarray(columns)), expected, strict=True):
        assert np.abs(got - want).max() < 1e-12 * max(1.0, np.abs(want).max())
    assert np.allclose(sums.values(jnp.asarray(columns)), expected[0], rtol=0, atol=1e-13 * count)


def test_strips_are_the_whole_matrix(monkeypatch):
    draw = np.random.default_rng(0).normal
    positions, columns = jnp.asarray(draw(size=(100, 2))), jnp.asarray(draw(size=(100, 2)))
    width = np.array([0.4, 0.3])
    whole = gaussian_sums(positions, width).values_and_slopes(columns)
    monkeypatch.setattr(smoothing, "KEPT", 10)
    monkeypatch.setattr(smoothing, "PAIRS_AT_ONCE", 1700)
    strips = gaussian_sums(positions, width).values_and_slopes(columns)
    for one, other in zip(whole, strips, strict=True):
        assert np.abs(one - other).max() < 1e-12


def test_lattice_sums_are_symmetric_and_do_not_feel_translations():
    """So that what depends on them conserves momentum to round-off."""
    draw = np.random.default_rng(1)
    position = jnp.asarray(np.concatenate([draw.normal(size=50), 30 + draw.normal(size=50)]))
    columns = jnp.asarray(draw.normal(size=(100, 2)))
    width = jnp.asarray(0.15)
    values = lattice_sums(position, width).values(columns)
    assert abs(columns[:, 0] @ values[:, 1] - columns[:, 1] @ values[:, 0]) < 1e-12
    moved, slopes = lattice_sums(position + 1 / 3, width).values_and_slopes(columns)
    assert np.abs(moved - values).max() < 1e-12
    pushes = columns * slopes[0]
    assert abs(jnp.sum(pushes)) < 1e-13 * jnp.sum(jnp.abs(pushes))


def test_sums_on_other_machines_and_under_vmap_are_the_same():
    draw = np.random.default_rng(2).normal
    positions, columns = jnp.asarray(draw(size=(2, 20, 1))), jnp.asarray(draw(size=(2, 20, 3)))
    width = np.array([0.3])

    def both(positions, columns):
        return gaussian_sums(positions, width).values(columns)

    together = jax.jit(jax.vmap(both))(positions, columns)
    by_pairs = [smoothing.pair_sums(x, width).values(c) for x, c in zip(positions, columns, strict=True)]
    assert np.abs(together - jnp.stack(by_pairs)).max() < 1e-13


def test_a_particle_that_has_run_away_gives_no_number():
    position = jnp.array([0.0, 1e9])
    assert np.isnan(lattice_sums(position, jnp.asarray(0.1)).values(jnp.ones((2, 1)))).all()
