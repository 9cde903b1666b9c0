"""Particles to fields and back: the compiled loops against the same in JAX, and both against plain sums."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from brackish.grids.deposit import Lattice, Tiles, deposit, deposit_reference, gather, gather_reference

SMALL = Lattice(
    np.array([0.4, 0.3]), np.array([0.5, 0.4]), 6, ((0, 0),) * 4 + ((0, 1),) * 3 + ((1, 0),) * 3, 512
)
FOUR_AXES = Lattice(
    np.full(4, 0.9), np.full(4, 1.0), 2, ((0, 0, 0, 0), (0, 0, 1, 0), (0, 0, 0, 1), (1, 0, 0, 0)), 2048
)


def cloud(lattice, particles, seed=0):
    rng = np.random.default_rng(seed)
    place = rng.normal(size=(particles, lattice.axes)) * 1.5 + np.linspace(-3, 10, lattice.axes)
    return jnp.asarray(place), jnp.asarray(rng.normal(size=(particles, len(lattice.orders))))


def by_node(tiles):
    """The fields of each node, by its place: tiles may stand in any order."""
    count, edge = int(tiles.count), tiles.fields.shape[1]
    found = {}
    for origin, fields in zip(
        np.asarray(tiles.origin)[:count], np.asarray(tiles.fields)[:count], strict=True
    ):
        for step in range(edge):
            found[(*origin[:-1], origin[-1] + step)] = fields[step]
    return found


def plain_sum(lattice, positions, values, node):
    """The definition, for one node."""
    total = np.zeros(len(lattice.orders))
    for position, value in zip(np.asarray(positions), np.asarray(values), strict=True):
        centre = np.floor(position / lattice.spacing + 0.5)
        if np.any(np.abs(np.array(node) - centre) > lattice.reach):
            continue
        x = np.array(node) * lattice.spacing - position
        gaussian = np.exp(-0.5 * (x / lattice.width) ** 2) / (np.sqrt(2 * np.pi) * lattice.width)
        slope = -x / lattice.width**2 * gaussian
        for f, order in enumerate(lattice.orders):
            total[f] += value[f] * np.prod(np.where(np.array(order) == 1, slope, gaussian))
    return total


@pytest.mark.parametrize("lattice", [SMALL, FOUR_AXES])
def test_fields_are_sums_over_particles(lattice):
    positions, values = cloud(lattice, 40 if lattice is SMALL else 3)
    compiled = by_node(jax.jit(lambda z, v: deposit(lattice, z, v))(positions, values))
    plain = by_node(jax.jit(lambda z, v: deposit_reference(lattice, z, v))(positions, values))
    assert compiled.keys() == plain.keys()
    assert max(np.abs(compiled[node] - plain[node]).max() for node in plain) < 1e-13
    fields = len(lattice.orders)
    for node in list(plain)[:: max(1, len(plain) // 60)]:
        np.testing.assert_allclose(
            compiled[node][:fields], plain_sum(lattice, positions, values, node), rtol=0, atol=1e-13
        )


@pytest.mark.parametrize("lattice", [SMALL, FOUR_AXES])
def test_gather_is_the_derivative_of_deposit(lattice):
    positions, values = cloud(lattice, 30 if lattice is SMALL else 3, seed=1)
    tiles = jax.jit(lambda z, v: deposit(lattice, z, v))(positions, values)
    rng = np.random.default_rng(2)
    slopes = Tiles(jnp.asarray(rng.normal(size=tiles.fields.shape)), tiles.origin, tiles.count, tiles.slot)
    compiled = jax.jit(lambda z, v, t: gather(lattice, z, v, t))(positions, values, slopes)
    plain = jax.jit(lambda z, v, t: gather_reference(lattice, z, v, t))(positions, values, slopes)
    for ours, reference in zip(compiled, plain, strict=True):
        np.testing.assert_allclose(ours, reference, rtol=0, atol=1e-12 * np.abs(reference).max())


def test_far_clumps_cost_only_what_they_touch():
    positions, values = cloud(SMALL, 20)
    near = jax.jit(lambda z, v: deposit(SMALL, z, v).count)(positions, values)
    far = jax.jit(lambda z, v: deposit(SMALL, z, v).count)(
        jnp.concatenate([positions, positions + jnp.array([[4e4, 0.0]])]), jnp.concatenate([values, values])
    )
    assert int(far) <= 2 * int(near) + 10


def test_too_little_room_is_reported():
    lattice = Lattice(SMALL.spacing, SMALL.width, 6, SMALL.orders, 8)
    positions, values = cloud(lattice, 20)
    assert int(jax.jit(lambda z, v: deposit(lattice, z, v).count)(positions, values)) > 8


def test_a_position_that_is_no_number_harms_nobody_else():
    positions, values = cloud(SMALL, 5)
    broken = positions.at[2, 0].set(jnp.nan)
    tiles = jax.jit(lambda z, v: deposit(SMALL, z, v))(broken, values)
    by_position, _ = jax.jit(lambda z, v, t: gather(SMALL, z, v, t))(broken, values, tiles)
    assert np.isnan(by_position[2]).all()
    assert np.isfinite(np.delete(by_position, 2, axis=0)).all()
