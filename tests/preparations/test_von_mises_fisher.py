"""Clouds of spins: the sampler against moments in closed form, the density against its integral."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest

import brackish as bk
from brackish.quantum import pauli_x

DIRECTION = np.array([0.6, -0.48, 0.64])
ONE = bk.hamiltonian(lambda z: z[0, 0] * pauli_x, manifold=bk.Spheres(1))
TWO = bk.hamiltonian(lambda z: z[0, 0] * z[1, 2] * pauli_x, manifold=bk.Spheres(2))


def draws(preparation, hamiltonian, count=20_000):
    keys = jax.random.split(jax.random.key(4), count)
    return np.asarray(
        jax.jit(jax.vmap(lambda key: preparation.draw(hamiltonian, jnp.zeros(()), key).point))(keys)
    )


@pytest.mark.parametrize("concentration", [1e-9, 0.5, 5.0, 300.0, 1e5])
def test_draws_have_the_moments_of_the_density(concentration):
    n = draws(bk.VonMisesFisher(3 * DIRECTION, concentration), ONE)[:, 0]
    np.testing.assert_allclose(np.sum(n**2, axis=1), 1, atol=1e-12)
    depth = 1 - n @ DIRECTION
    # 1 - n.m is exponential with rate c, cut at 2
    rate, cut = concentration, np.exp(-2 * concentration)
    small = concentration < 1e-6
    mean = 1.0 if small else 1 / rate - 2 * cut / (1 - cut)
    square = 4 / 3 if small else 2 / rate**2 - (4 + 4 / rate) * cut / (1 - cut)
    error = 4 / np.sqrt(n.shape[0])
    assert abs(np.mean(depth) / mean - 1) < error
    assert abs(np.mean(depth**2) / square - 1) < 3 * error
    # and nothing is preferred around the direction
    across = n - np.outer(n @ DIRECTION, DIRECTION)
    assert np.linalg.norm(np.mean(across, axis=0)) < 2 * error * np.sqrt(np.mean(across**2))


def test_the_density_has_unit_integral_and_the_ratio_of_its_name():
    cloud = bk.VonMisesFisher(DIRECTION, 6.0)
    cosine, share = np.polynomial.legendre.leggauss(40)
    azimuth = np.pi / 40 * np.arange(80)
    sine = np.sqrt(1 - cosine**2)
    nodes = np.stack(
        [np.outer(sine, np.cos(azimuth)), np.outer(sine, np.sin(azimuth)), np.outer(cosine, 1 + 0 * azimuth)],
        axis=-1,
    ).reshape(-1, 1, 3)
    values = jax.vmap(cloud.density, in_axes=(None, 0))(ONE, jnp.asarray(nodes))
    assert abs(np.sum(np.repeat(np.pi / 40 * share, 80) * values) - 1) < 1e-12
    ratio = cloud.density(ONE, jnp.asarray(DIRECTION)[None]) / cloud.density(
        ONE, -jnp.asarray(DIRECTION)[None]
    )
    assert abs(ratio / np.exp(12.0) - 1) < 1e-10


def test_spins_are_independent_and_each_has_its_own():
    cloud = bk.VonMisesFisher([DIRECTION, [0.0, 0.0, -1.0]], [50.0, 4.0], state=1)
    n = draws(cloud, TWO)
    assert n.shape[1:] == (2, 3)
    means = [1 / np.tanh(c) - 1 / c for c in (50.0, 4.0)]
    np.testing.assert_allclose(np.mean(n[:, 0], axis=0), means[0] * DIRECTION, atol=0.01)
    np.testing.assert_allclose(np.mean(n[:, 1], axis=0), [0, 0, -means[1]], atol=0.02)
    assert abs(np.corrcoef(n[:, 0, 2], n[:, 1, 2])[0, 1]) < 0.03
    z = jnp.asarray(n[0])
    apart = [
        bk.VonMisesFisher(DIRECTION, 50.0).density(ONE, z[:1]),
        bk.VonMisesFisher([0.0, 0.0, -1.0], 4.0).density(ONE, z[1:]),
    ]
    assert abs(cloud.density(TWO, z) / (apart[0] * apart[1]) - 1) < 1e-12


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (
            lambda: bk.VonMisesFisher([0.0, 0.0], 1.0),
            "Argument `direction` must have shape (3,) or (spins, 3), got (1, 2).",
        ),
        (
            lambda: bk.VonMisesFisher([0.0, 0.0, 0.0], 1.0),
            "Argument `direction` must be finite and not zero.",
        ),
        (
            lambda: bk.VonMisesFisher([0.0, 0.0, 1.0], 0.0),
            "Argument `concentration` must be positive and finite, got [0.0].",
        ),
        (
            lambda: bk.VonMisesFisher([0.0, 0.0, 1.0], [1.0, 2.0]).check(ONE),
            "Argument `concentration` must be one or 1 (one per spin), got 2.",
        ),
        (
            lambda: bk.VonMisesFisher([0.0, 0.0, 1.0], 1.0).check(bk.models.tully(1)),
            "VonMisesFisher needs a manifold of spheres, got Canonical(1).",
        ),
        (
            lambda: bk.VonMisesFisher([0.0, 0.0, 1.0], 1.0, state=2).check(ONE),
            "Argument `state` asks for level 2, but the Hamiltonian has levels 0 to 1.",
        ),
    ],
)
def test_refusals_are_one_line_that_names_what_is_wrong(make, message):
    with pytest.raises(bk.BrackishError) as refused:
        make()
    assert str(refused.value) == message
