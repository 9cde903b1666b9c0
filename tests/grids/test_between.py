"""Values between the nodes of grids, and on meshes of labels: against sums over all waves, and polynomials."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from brackish.errors import InvalidInput
from brackish.grids import Grid
from brackish.grids.between import BetweenNodes
from brackish.grids.hermite import HermiteMesh

BOXES = (((-3.0,), (5.0,), (33,)), ((1.0,), (2.0,), (64,)), ((-3.0, 0.0), (5.0, 2.0), (16, 21)))


@pytest.mark.parametrize("box", BOXES, ids=["odd", "even", "plane"])
def test_values_and_slopes_are_the_sum_over_all_waves(box):
    """Any waves that the grid carries, up to the largest; positions anywhere, also outside the periodic box."""
    grid, rng = Grid(*box), np.random.default_rng(7)
    waves = rng.normal(size=(2, *grid.points)) + 1j * rng.normal(size=(2, *grid.points))
    positions = rng.uniform(-4, 6, size=(5, grid.coordinates))
    number = np.stack([k.ravel() for k in np.meshgrid(*grid.wavenumbers(), indexing="ij")])
    largest = np.pi / np.array(grid.spacings)[:, None]
    kept = np.all(np.abs(number) < largest * (1 - 1e-9), axis=0)  # not the wave of alternating signs
    phases = kept * np.exp(1j * (positions - np.array(grid.lower)) @ number) / kept.size
    exact = waves.reshape(2, -1) @ phases.T
    between = BetweenNodes(grid)
    found, slopes = jax.jit(lambda w, x: between.at(between.fine(w), x))(waves, positions)
    assert np.abs(found - exact).max() < 1e-9 * np.abs(exact).max()
    for axis in range(grid.coordinates):
        slope = (1j * number[axis] * waves.reshape(2, -1)) @ phases.T
        assert np.abs(slopes[axis] - slope).max() < 1e-8 * np.abs(slope).max()


def test_polynomials_of_labels_are_exact():
    mesh = HermiteMesh(7, 2)

    def function(s):
        return np.stack([s[:, 0] ** 4 * s[:, 1] ** 2, s[:, 1] ** 6 - s[:, 0]], axis=1)

    s = mesh.labels()
    values = jnp.asarray(function(s))
    by_first = np.stack([4 * s[:, 0] ** 3 * s[:, 1] ** 2, -np.ones(49)], axis=1)
    by_second = np.stack([2 * s[:, 0] ** 4 * s[:, 1], 6 * s[:, 1] ** 5], axis=1)
    np.testing.assert_allclose(mesh.derivative(values, 0), by_first, rtol=1e-11, atol=1e-9)
    np.testing.assert_allclose(mesh.derivative(values, 1), by_second, rtol=1e-11, atol=1e-9)
    label = np.random.default_rng(0).normal(size=(4, 2))
    np.testing.assert_allclose(mesh.at(values, label), function(label), rtol=1e-11, atol=1e-10)
    # moments of the normal distribution: <s^4> <s^2> = 3, <s^6> = 15
    np.testing.assert_allclose(mesh.weights() @ function(s), [3, 15], rtol=1e-12)
    with pytest.raises(InvalidInput, match="`nodes` must be a whole number of at least 2"):
        HermiteMesh(1, 1)
