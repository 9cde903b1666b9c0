"""Derivatives on periodic grids by their waves."""

import jax.numpy as jnp
import numpy as np

import brackish as bk


def test_gradient_is_that_of_a_gaussian_and_keeps_real_values_real():
    grid = bk.Grid([-8.0, -9.0], [8.0, 9.0], [64, 72])
    x, y = grid.positions()
    field = jnp.exp(-(x[:, None] ** 2) / 2 - y[None] ** 2 / 3)
    slope = np.asarray(grid.gradient(field))
    assert slope.dtype == float
    assert np.abs(slope[0] + x[:, None] * field).max() < 1e-11
    assert np.abs(slope[1] + 2 / 3 * y[None] * field).max() < 1e-10


def test_the_wave_of_alternating_signs_has_no_derivative():
    grid = bk.Grid(0.0, 1.0, 16)
    assert np.abs(np.asarray(grid.derivative((-1.0) ** jnp.arange(16), 0))).max() < 1e-12
