"""Compiled loops of large magnets against the formulas of small ones, and what no loop may change: derivatives."""

import equinox as eqx
import jax
import jax.export
import jax.numpy as jnp
import numpy as np
import pytest
import scipy.stats

import brackish as bk
from brackish.randomness import StepDraws, normals
from brackish.spins.turning import _rotate, random_vectors, rotate, turning

COUNT = 150
PLATFORMS = ("cpu", "cuda")
ANY = [
    jax.export.DisabledSafetyCheck.custom_call(f"brackish_{name}")
    for name in ("turn_by_exchange", "rotate", "normals")
]


def some_magnet(random, everything):
    """A magnet large enough for the loops, every site with its own number of partners."""
    first = random.integers(0, COUNT - 1, 400)
    second = (first + random.integers(1, COUNT - 1, 400)) % COUNT
    spins, field = random.choice([0.5, 1.0, 1.5], COUNT), random.normal(size=(COUNT, 3))
    if not everything:
        return bk.SpinSystem(
            spins, bk.Bonds(first, second, random.normal(size=400)), field, units=bk.RealUnits()
        )
    bonds = bk.Bonds(
        first,
        second,
        random.normal(size=400),
        random.normal(size=(400, 3)),
        random.normal(size=(400, 3, 3)),
    )
    axes = np.linalg.qr(random.normal(size=(3, 3)))[0]
    return bk.SpinSystem(
        spins,
        bonds,
        field,
        g_factor=random.uniform(0.5, 2, COUNT),
        uniaxial=bk.Uniaxial(random.normal(size=COUNT), random.normal(size=(COUNT, 3))),
        cubic=bk.Cubic(random.normal(size=COUNT), axes),
    )


def unit(random, *shape):
    n = random.normal(size=(*shape, 3))
    return jnp.asarray(n / np.linalg.norm(n, axis=-1, keepdims=True))


@pytest.mark.parametrize("everything", [False, True], ids=["exchange", "everything"])
def test_angular_velocities_of_the_loop_are_those_of_the_formula(everything):
    random = np.random.default_rng(1)
    magnet = some_magnet(random, everything)
    n, thermal, weights = unit(random, 2, COUNT), random.normal(size=(COUNT, 3)), unit(random, COUNT)

    @eqx.filter_jit
    def both(magnet, n):
        omega = turning(magnet, jnp.asarray(0.8), jnp.asarray(0.3))
        loop = lambda n: omega(0.0, n, jnp.asarray(thermal))  # noqa: E731
        formula = lambda n: omega._by_formula(0.0, n, thermal)  # noqa: E731
        slopes = [jax.grad(lambda n, f=f: jnp.sum(f(n) * weights))(n[0]) for f in (loop, formula)]
        return jax.vmap(loop)(n), jax.vmap(formula)(n), slopes

    loop, formula, slopes = both(magnet, n)
    np.testing.assert_allclose(loop, formula, rtol=0, atol=2e-12)
    np.testing.assert_allclose(*slopes, rtol=0, atol=2e-12)


def test_rotations_of_the_loop_are_those_of_the_formula():
    """From no angle at all to many turns; against matrices too."""
    random = np.random.default_rng(2)
    n, axis = unit(random, COUNT), unit(random, COUNT)
    angle = np.concatenate([[0.0, 1e-9, 0.999, 1.001, 3.0], np.geomspace(1e-4, 40.0, COUNT - 5)])
    turn = jnp.asarray(angle[:, None] * axis)
    compiled = jax.jit(lambda n, a, b, t: (rotate(n, a, b, t), _rotate(n, a, b, t)))
    for loop_or_formula in compiled(n, 3 * turn, -turn, 1.0):
        expected = [
            scipy.spatial.transform.Rotation.from_rotvec(-h).apply(v)
            for h, v in zip(np.array(turn), np.array(n), strict=True)
        ]
        np.testing.assert_allclose(loop_or_formula, expected, rtol=0, atol=1e-13)
        np.testing.assert_allclose(np.linalg.norm(loop_or_formula, axis=1), 1, rtol=0, atol=5e-16)
    slope = jax.jit(jax.grad(lambda t: rotate(n, turn, turn, t)[7, 0]))(0.3)
    direct = jnp.cross(_rotate(n, turn, turn, 0.3), turn)[7, 0]
    assert float(slope) == pytest.approx(float(direct), rel=1e-9)


def test_random_vectors_are_normal_and_belong_to_a_step():
    key = jnp.asarray([123, 456], jnp.uint32)
    draw = jax.jit(lambda step, key: random_vectors(StepDraws(key, step), 20001), static_argnums=())
    first, second, other = draw(0, key), draw(1, key), draw(0, key + 1)
    plain = normals(StepDraws(key, jnp.asarray(0)).bits(30002))[:60003].reshape(-1, 3)
    np.testing.assert_allclose(first, plain, rtol=0, atol=1e-12)
    together = np.concatenate([first.ravel(), second.ravel(), other.ravel()])
    assert scipy.stats.kstest(together, "norm").pvalue > 1e-3
    components = np.stack([first, second, other]).reshape(3, -1, 3)
    columns = np.concatenate([*components], axis=1)
    assert np.abs(np.corrcoef(columns.T) - np.eye(9)).max() < 4.5 / np.sqrt(20001)
    assert np.abs(np.mean(columns[1:] * columns[:-1], axis=0)).max() < 4.5 / np.sqrt(20000)


def test_other_machines_need_no_loop():
    """What is compiled for a GPU calls nothing that is for CPUs alone."""
    random = np.random.default_rng(3)
    magnet = some_magnet(random, False)

    def step(n, step):
        omega = turning(magnet, jnp.asarray(0.8), jnp.asarray(0.3))
        velocity = omega(0.0, n, random_vectors(StepDraws(jnp.zeros(2, jnp.uint32), step), COUNT))
        return rotate(n, velocity, velocity, 0.1)

    shapes = jax.ShapeDtypeStruct((COUNT, 3), float), jax.ShapeDtypeStruct((), int)
    on = {
        name: jax.export.export(jax.jit(step), platforms=[name], disabled_checks=ANY)(*shapes)
        for name in PLATFORMS
    }
    assert "brackish_" not in on["cuda"].mlir_module()
    assert "brackish_rotate" in on["cpu"].mlir_module()
