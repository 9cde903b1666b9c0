"""The Hamiltonian as it acts, against the matrix written out."""

import equinox as eqx
import jax.numpy as jnp
import numpy as np
import pytest

import brackish as bk
from brackish.spins import spin_space


def mixed_magnet(rng):
    """Spins 1/2, 1, 3/2 and a lonely 1/2, with all that a magnet may have; one pair has two bonds, read both ways."""
    bonds = bk.Bonds(
        [0, 2, 1, 1], [1, 0, 2, 0], rng.normal(size=4), rng.normal(size=(4, 3)), rng.normal(size=(4, 3, 3))
    )
    return bk.SpinSystem(
        [0.5, 1.0, 1.5, 0.5],
        bonds,
        rng.normal(size=(4, 3)),
        g_factor=[1.0, 2.0, -1.0, 0.5],
        uniaxial=bk.Uniaxial(0.3, (1, 1, 0)),
        cubic=bk.Cubic([0.1, 0.2, 0.3, 0.4]),
        units=bk.RealUnits(),
    )


@eqx.filter_jit
def applied(space, magnet, field, columns):
    operator = space.operator(magnet, field)
    return operator.apply(columns), operator.apply_by_axes(columns), operator.bounds(), operator.trace()


@pytest.mark.parametrize("make", [mixed_magnet, lambda rng: bk.SpinSystem([1.5], field=rng.normal(size=3))])
def test_it_is_the_matrix(make):
    rng = np.random.default_rng(1)
    magnet = make(rng)
    space = spin_space(magnet)
    matrix = magnet.matrix()
    columns = rng.normal(size=(space.size, 3)) + 1j * rng.normal(size=(space.size, 3))
    by_loop, by_axes, (lowest, highest), trace = applied(space, magnet, magnet.field_at(0.0), columns)
    assert np.allclose(by_loop, matrix @ columns, rtol=0, atol=1e-13)
    assert np.allclose(by_axes, matrix @ columns, rtol=0, atol=1e-13)
    energies = np.linalg.eigvalsh(matrix)
    assert lowest <= energies[0]
    assert energies[-1] <= highest
    assert float(trace) == pytest.approx(np.trace(matrix).real, rel=1e-12)


def test_a_periodic_chain_has_every_kind_of_loop():
    """Seven spins: pairs near and far, in front and behind."""
    rng = np.random.default_rng(2)
    count = 7
    ends = np.arange(count)
    bonds = bk.Bonds(ends, (ends + 1) % count, -1.0, rng.normal(size=(count, 3)))
    magnet = bk.SpinSystem(np.full(count, 0.5), bonds, (0.3, 0.2, 0.1))
    space, matrix = spin_space(magnet), magnet.matrix()
    for width in (1, 5):
        columns = rng.normal(size=(space.size, width)) + 1j * rng.normal(size=(space.size, width))
        by_loop = applied(space, magnet, magnet.field_at(0.0), columns)[0]
        assert np.allclose(by_loop, matrix @ columns, rtol=0, atol=1e-13)


def test_what_is_seen_of_a_part():
    rng = np.random.default_rng(3)
    magnet = mixed_magnet(rng)
    space = spin_space(magnet)
    columns = np.linalg.qr(rng.normal(size=(space.size, 2)) + 1j * rng.normal(size=(space.size, 2)))[0]
    weights = np.array([0.7, 0.3])
    density = columns @ np.diag(weights) @ columns.conj().T
    expected = np.einsum("naxy,yx->na", magnet.spin_operators(), density).real
    assert np.allclose(
        space.spin_expectations(jnp.asarray(columns), jnp.asarray(weights)), expected, atol=1e-13
    )
    # the state of sites 2 and 0, in this order
    axes = density.reshape(2, 3, 4, 2, 2, 3, 4, 2)
    part = np.einsum("abcdAbCd->caCA", axes).reshape(8, 8)
    assert np.allclose(space.reduced(jnp.asarray(columns), jnp.asarray(weights), (2, 0)), part, atol=1e-14)
