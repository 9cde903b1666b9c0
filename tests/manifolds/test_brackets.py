"""What makes a bracket a Poisson bracket, on random functions at random points of every manifold."""

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from jax.flatten_util import ravel_pytree

from brackish.errors import InvalidInput
from brackish.manifolds import Canonical, PhasePoint, Product, ProductPoint, Spheres

MANIFOLDS = {
    "canonical": Canonical([3.0, 0.5]),
    "spheres": Spheres(2, 1.7),
    "product": Product(Canonical([2.0]), Spheres(1, 0.4)),
}
seeds = st.integers(0, 2**32 - 1)
everywhere = pytest.mark.parametrize("name", MANIFOLDS)


class Smooth(eqx.Module):
    """A random function: one plane wave and one quadratic form in all entries of the point."""

    wave: np.ndarray
    form: np.ndarray

    def __call__(self, point):
        z = ravel_pytree(point)[0]
        return jnp.sin(jnp.sum(self.wave * z)) + jnp.sum(z[:, None] * self.form * z[None, :])


def smooth(random, manifold):
    size = ravel_pytree(manifold.probe())[0].size
    return Smooth(random.normal(size=size), 0.3 * random.normal(size=(size, size)))


def point_of(random, manifold):
    point = jax.tree_util.tree_map(lambda leaf: random.normal(size=leaf.shape), manifold.probe())
    return manifold.project(jax.tree_util.tree_map(jnp.asarray, point))


@jax.jit
def identities(manifold, f, g, h, z):
    """By how much each identity fails."""

    def bracket(a, b):
        return lambda point: manifold.bracket(a, b, point)

    def times(a, b):
        return lambda point: a(point) * b(point)

    def combination(point):
        return 2.0 * f(point) - 3.0 * g(point)

    return {
        "antisymmetry": bracket(f, g)(z) + bracket(g, f)(z),
        "linearity": bracket(combination, h)(z) - 2.0 * bracket(f, h)(z) + 3.0 * bracket(g, h)(z),
        "leibniz": bracket(times(f, g), h)(z) - f(z) * bracket(g, h)(z) - g(z) * bracket(f, h)(z),
        "jacobi": bracket(f, bracket(g, h))(z) + bracket(g, bracket(h, f))(z) + bracket(h, bracket(f, g))(z),
        "own energy": bracket(h, h)(z),
    }, bracket(f, g)(z)


@everywhere
@given(seed=seeds)
def test_identities_of_a_poisson_bracket(name, seed):
    random, manifold = np.random.default_rng(seed), MANIFOLDS[name]
    functions = [smooth(random, manifold) for _ in range(3)]
    failures, _ = identities(manifold, *functions, point_of(random, manifold))
    for identity, value in failures.items():
        assert abs(value) < 1e-10, identity


@everywhere
def test_the_bracket_is_not_zero(name):
    """The identities above would hold for a bracket that vanishes."""
    random, manifold = np.random.default_rng(1), MANIFOLDS[name]
    _, value = identities(manifold, *(smooth(random, manifold) for _ in range(3)), point_of(random, manifold))
    assert abs(value) > 1e-2


@everywhere
@given(seed=seeds)
def test_the_field_moves_every_function_by_its_bracket_and_keeps_the_energy(name, seed):
    random, manifold = np.random.default_rng(seed), MANIFOLDS[name]
    f, h, z = smooth(random, manifold), smooth(random, manifold), point_of(random, manifold)
    along, own, bracket = moved(manifold, f, h, z)
    np.testing.assert_allclose(along, bracket, rtol=0, atol=1e-11)
    assert abs(own) < 1e-11


@jax.jit
def moved(manifold, f, h, z):
    velocity = manifold.hamiltonian_field(jax.grad(h)(z), z)
    return jax.jvp(f, (z,), (velocity,))[1], jax.jvp(h, (z,), (velocity,))[1], manifold.bracket(f, h, z)


@given(seed=seeds)
def test_positions_and_momenta_are_conjugate(seed):
    manifold = MANIFOLDS["canonical"]
    z = point_of(np.random.default_rng(seed), manifold)
    for i in range(2):
        for j in range(2):
            assert manifold.bracket(lambda z: z.position[i], lambda z: z.momentum[j], z) == (i == j)  # noqa: B023
            assert manifold.bracket(lambda z: z.position[i], lambda z: z.position[j], z) == 0  # noqa: B023
            assert manifold.bracket(lambda z: z.momentum[i], lambda z: z.momentum[j], z) == 0  # noqa: B023


@given(seed=seeds, length=st.floats(0.1, 10))
def test_components_of_a_spin_have_the_algebra_of_rotations(seed, length):
    """{n_x, n_y} = n_z / length and cyclic; different spins do not know each other."""
    manifold = Spheres(2, length)
    n = point_of(np.random.default_rng(seed), manifold)
    for first, second, third in ((0, 1, 2), (1, 2, 0), (2, 0, 1)):
        bracket = manifold.bracket(lambda n: n[0, first], lambda n: n[0, second], n)  # noqa: B023
        np.testing.assert_allclose(bracket, n[0, third] / length, rtol=1e-13)
        assert manifold.bracket(lambda n: n[0, first], lambda n: n[1, second], n) == 0  # noqa: B023


@given(seed=seeds)
def test_the_bracket_of_spins_is_the_triple_product(seed):
    random, manifold = np.random.default_rng(seed), MANIFOLDS["spheres"]
    f, g, n = smooth(random, manifold), smooth(random, manifold), point_of(random, manifold)
    by_f, by_g = jax.grad(f)(n), jax.grad(g)(n)
    expected = np.sum(n * np.cross(by_f, by_g)) / manifold.length
    np.testing.assert_allclose(manifold.bracket(f, g, n), expected, rtol=0, atol=1e-12)
    assert abs(manifold.bracket(lambda n: jnp.sum(n[1] ** 2), g, n)) < 1e-13  # the length commutes with all


def test_a_spin_turns_about_its_field():
    """h = B . n gives dn/dt = B x n / length."""
    manifold, field = Spheres(1, 2.0), jnp.array([[0.0, 0.0, 3.0]])
    velocity = manifold.hamiltonian_field(field, jnp.array([[1.0, 0.0, 0.0]]))
    np.testing.assert_allclose(velocity, [[0.0, 1.5, 0.0]])


def test_a_product_moves_its_factors_by_their_own_brackets():
    manifold = MANIFOLDS["product"]
    z = point_of(np.random.default_rng(0), manifold)
    q, p, n_x, n_y = (
        lambda z: z.canonical.position[0],
        lambda z: z.canonical.momentum[0],
        lambda z: z.spheres[0, 0],
        lambda z: z.spheres[0, 1],
    )
    assert manifold.bracket(q, p, z) == 1
    assert manifold.bracket(q, n_x, z) == 0
    np.testing.assert_allclose(manifold.bracket(n_x, n_y, z), z.spheres[0, 2] / 0.4)


@everywhere
def test_probes_and_projections_lie_on_the_manifold(name):
    manifold = MANIFOLDS[name]
    for point in (manifold.probe(), point_of(np.random.default_rng(2), manifold)):
        spheres = point.spheres if isinstance(point, ProductPoint) else point
        if not isinstance(spheres, PhasePoint):
            np.testing.assert_allclose(np.linalg.norm(spheres, axis=1), 1.0, rtol=1e-14)
        again = manifold.project(jax.tree_util.tree_map(jnp.asarray, point))
        np.testing.assert_allclose(ravel_pytree(again)[0], ravel_pytree(point)[0], atol=1e-15)


def test_names_say_the_sizes():
    assert MANIFOLDS["canonical"].describe() == "Canonical(2)"
    assert MANIFOLDS["product"].describe() == "Product(Canonical(1), Spheres(1))"


def test_kinetic_energy_and_velocity():
    manifold = MANIFOLDS["canonical"]
    momentum = jnp.array([6.0, 2.0])
    assert manifold.kinetic_energy(momentum) == 36 / 6 + 4 / 1
    np.testing.assert_array_equal(manifold.velocity(momentum), [2.0, 4.0])


@pytest.mark.parametrize(
    "make",
    [
        lambda: Canonical([]),
        lambda: Canonical([[1.0, 2.0]]),
        lambda: Canonical([1.0, -2.0]),
        lambda: Canonical([0.0]),
        lambda: Canonical([np.nan]),
        lambda: Canonical([np.inf]),
        lambda: Spheres(0),
        lambda: Spheres(2, length=-1.0),
        lambda: Spheres(2, length=np.nan),
    ],
)
def test_impossible_manifolds_are_refused_in_one_line(make):
    with pytest.raises(InvalidInput) as caught:
        make()
    assert "Argument `" in str(caught.value)
    assert "\n" not in str(caught.value)
