"""One description of a magnet: its classical energy, its precession and its quantum Hamiltonian agree."""

import hypothesis.strategies as st
import jax
import jax.numpy as jnp
import numpy as np
import pytest
from hypothesis import given

import brackish as bk
from brackish.quantum import spin_operators

SPINS = [0.5, 1.0, 1.5, 0.5]


def directions(random, count):
    n = random.normal(size=(count, 3))
    return n / np.linalg.norm(n, axis=1, keepdims=True)


def some_bonds(random):
    return bk.Bonds(
        [0, 1, 2, 0],
        [1, 2, 3, 3],
        random.normal(size=4),
        random.normal(size=(4, 3)),
        random.normal(size=(4, 3, 3)),
    )


def some_magnet(random, spins=SPINS):
    return bk.SpinSystem(
        spins,
        some_bonds(random),
        random.normal(size=(4, 3)),
        g_factor=random.uniform(0.5, 2, size=4),
        uniaxial=bk.Uniaxial(random.normal(size=4), random.normal(size=3)),
        cubic=bk.Cubic(0.3),
    )


@given(seed=st.integers(0, 10**6))
def test_precession_is_the_gradient_of_the_energy(seed):
    random = np.random.default_rng(seed)
    system = some_magnet(random)
    n = jnp.asarray(directions(random, 4))
    slope = jax.grad(system.classical_energy)(n)
    np.testing.assert_allclose(
        system.precession(n), -slope / np.array(SPINS)[:, None], rtol=1e-12, atol=1e-12
    )


@given(seed=st.integers(0, 10**6))
def test_products_of_coherent_states_have_the_classical_energy(seed):
    """Spins 1/2 without crystal fields: <H> in a product state is the classical energy."""
    random = np.random.default_rng(seed)
    system = bk.SpinSystem([0.5] * 4, some_bonds(random), random.normal(size=(4, 3)))
    n = directions(random, 4)
    state = np.ones(1)
    for polar, azimuth in zip(np.arccos(n[:, 2]), np.arctan2(n[:, 1], n[:, 0]), strict=True):
        state = np.kron(state, [np.cos(polar / 2), np.exp(1j * azimuth) * np.sin(polar / 2)])
    quantum = (state.conj() @ system.matrix() @ state).real
    assert quantum == pytest.approx(float(system.classical_energy(jnp.asarray(n))), abs=1e-12)


def test_signs():
    """J > 0 favours parallel spins, D the right-handed screw, spins point along the field, K > 0 makes an easy axis."""
    up, down, along_x = [0.0, 0.0, 1.0], [0.0, 0.0, -1.0], [1.0, 0.0, 0.0]

    def energy(n, **options):
        return float(bk.SpinSystem([0.5] * len(n), **options).classical_energy(jnp.asarray(n)))

    pair = bk.Bonds([0], [1], 1.0)
    assert energy([up, up], bonds=pair) == pytest.approx(-0.25)
    assert energy([up, down], bonds=pair) == pytest.approx(0.25)
    twisted = bk.Bonds([0], [1], 0.0, [0.0, 0.0, 1.0])
    assert energy([along_x, [0.0, 1.0, 0.0]], bonds=twisted) == pytest.approx(0.25)
    assert energy([up], field=[0.0, 0.0, 2.0]) == pytest.approx(-1.0)
    assert energy([up], uniaxial=bk.Uniaxial(1.0)) < energy([along_x], uniaxial=bk.Uniaxial(1.0))


def test_crystal_operators_of_one_spin():
    x, y, z = spin_operators(2.0)
    system = bk.SpinSystem([2.0], uniaxial=bk.Uniaxial(0.7, [0.0, 1.0, 0.0]), cubic=bk.Cubic(0.2))
    expected = -0.7 * y @ y - 0.2 * sum(np.linalg.matrix_power(s, 4) for s in (x, y, z))
    np.testing.assert_allclose(system.matrix(), expected, atol=1e-12)


def test_dipoles():
    """Two spins in a row attract head to tail, two times stronger than they repel side by side."""

    def energy(apart, n):
        system = bk.SpinSystem(0.5, positions=[[0.0] * 3, apart], dipolar=True, units=bk.RealUnits())
        return float(system.classical_energy(jnp.asarray([n, n])))

    row, beside = energy([0.0, 0.0, 2.0], [0.0, 0.0, 1.0]), energy([2.0, 0.0, 0.0], [0.0, 0.0, 1.0])
    assert row == pytest.approx(-2 * beside)
    # two moments of one Bohr magneton two angstroms apart: mu_0 mu_B^2 / (4 pi r^3)
    assert beside == pytest.approx(0.0536815 / 8)


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (lambda: bk.SpinSystem([]), "at least one spin"),
        (lambda: bk.SpinSystem([0.3]), "length of 1/2, 1, 3/2"),
        (lambda: bk.Bonds([0], [0], 0.0, [0.0, 0.0, 1.0]), "joins site 0 to itself"),
        (lambda: bk.SpinSystem([0.5], bk.Bonds([0], [1], 1.0)), "names site 1"),
        (lambda: bk.SpinSystem([0.5], field=[1.0, np.nan, 0.0]), "`field` must be finite"),
        (lambda: bk.SpinSystem([0.5], g_factor=0.0), "`g_factor`"),
        (lambda: bk.SpinSystem(0.5, positions=[[0.0] * 3] * 2, dipolar=True), "at the same place"),
        (lambda: bk.Bonds([0, 1], [1], 1.0), "2 first ends and 1 second"),
    ],
)
def test_bad_input(make, message):
    with pytest.raises(bk.InvalidInput, match=message):
        make()


def test_any_theory_of_classical_spins_runs_it():
    random = np.random.default_rng(3)
    system = some_magnet(random)
    run = bk.simulate(system, bk.Ehrenfest(), bk.Directions(directions(random, 4)), bk.times(0.5, 2))
    np.testing.assert_allclose(run.energy, run.energy[0], rtol=1e-4)
    assert run.time.attrs["units"] == "hbar/J"
    assert run.energy.attrs["units"] == "J"
