"""Eigenstates against numpy's; their phases mean nothing, so projectors are compared."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from brackish.quantum import eigensystem, level_projectors

solve = jax.jit(eigensystem)
projectors = jax.jit(level_projectors)


def hermitian(seed, levels, complex_entries):
    random = np.random.default_rng(seed)
    entries = random.normal(size=(levels, levels))
    if complex_entries:
        entries = entries + 1j * random.normal(size=(levels, levels))
    return 0.5 * (entries + entries.conj().T)


def check(matrix, atol=1e-13):
    energies, vectors = (np.asarray(x) for x in solve(matrix))
    scale = max(1.0, np.abs(matrix).max())
    levels = len(energies)
    assert np.all(np.diff(energies) >= 0)
    np.testing.assert_allclose(energies, np.linalg.eigvalsh(matrix), rtol=0, atol=atol * scale)
    np.testing.assert_allclose(vectors.conj().T @ vectors, np.eye(levels), rtol=0, atol=atol)
    np.testing.assert_allclose(matrix @ vectors, vectors * energies, rtol=0, atol=atol * scale)
    assert np.iscomplexobj(vectors) == np.iscomplexobj(matrix)


@given(st.sampled_from([1, 2, 3, 4, 9, 14]), st.booleans(), st.integers(0, 2**32 - 1))
def test_random_matrices(levels, complex_entries, seed):
    check(hermitian(seed, levels, complex_entries))


entry = st.floats(-1, 1) | st.floats(-1e-7, 1e-7) | st.sampled_from([0.0, 1.0, -1.0, 1e-12])


@given(entry, entry, entry, entry, st.floats(-10, 10))
def test_two_levels_with_small_and_vanishing_entries(half, real, imaginary, energy, exponent):
    """The closed form keeps its digits where differences are tiny, on both sides of every sign."""
    scale = 10**exponent
    coupling = real + 1j * imaginary
    check(scale * np.array([[energy + half, coupling], [np.conj(coupling), energy - half]]))
    check(scale * np.array([[energy + half, real], [real, energy - half]]))


@pytest.mark.parametrize("levels", [2, 3, 12])
def test_degenerate_matrices(levels):
    check(0.3 * np.eye(levels))
    check(np.zeros((levels, levels), complex))
    check(np.diag([1.0, 1.0, -2.0][:levels] + [0.5] * (levels - 3)))


def test_through_a_crossing_the_projectors_of_the_diabats_exchange():
    below, above = (solve(np.diag([x, -x]))[1] for x in (-1e-3, 1e-3))
    np.testing.assert_allclose(projectors(below)[0], np.diag([1.0, 0.0]), atol=1e-15)
    np.testing.assert_allclose(projectors(above)[0], np.diag([0.0, 1.0]), atol=1e-15)


def test_through_an_avoided_crossing_the_projectors_are_smooth():
    """The closed form changes branch where the diagonal changes sign; nothing observable may jump there."""
    x = np.linspace(-1e-3, 1e-3, 201)
    matrices = np.stack([np.array([[a, 0.1 - 0.2j], [0.1 + 0.2j, -a]]) for a in x])
    lowest = np.asarray(jax.vmap(lambda m: level_projectors(eigensystem(m)[1])[0])(matrices))
    assert np.abs(np.diff(lowest, axis=0)).max() < 1e-4


@given(st.sampled_from([2, 3, 5]), st.integers(0, 2**32 - 1), st.integers(0, 2**32 - 1))
def test_projectors_do_not_know_phases(levels, seed, phases):
    _, vectors = solve(hermitian(seed, levels, True))
    turned = vectors * np.exp(2j * np.pi * np.random.default_rng(phases).uniform(size=levels))[None, :]
    before, after = projectors(vectors), projectors(turned)
    np.testing.assert_allclose(after, before, rtol=0, atol=1e-14)
    np.testing.assert_allclose(jnp.sum(before, axis=0), np.eye(levels), rtol=0, atol=1e-13)
    np.testing.assert_allclose(before[0] @ before[0], before[0], rtol=0, atol=1e-13)


def test_energies_of_a_degenerate_pair_have_finite_derivatives():
    derivative = jax.jacfwd(lambda x: solve((0.2 + x) * jnp.eye(2))[0])(0.0)
    np.testing.assert_allclose(derivative, [1.0, 1.0], atol=1e-15)
    assert np.all(np.isfinite(jax.jacfwd(lambda m: solve(m)[1])(jnp.zeros((2, 2)))))
