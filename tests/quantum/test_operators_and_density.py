"""Spins and oscillators by their algebra; density operators by product and entangled states."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from brackish.quantum import (
    annihilation,
    coherence,
    density_from_spinor,
    momentum_operator,
    partial_trace,
    pauli_x,
    pauli_y,
    pauli_z,
    position_operator,
    purity,
    spin_operators,
    tensor,
)

traced = jax.jit(partial_trace, static_argnums=(1, 2))


def commutator(a, b):
    return a @ b - b @ a


@pytest.mark.parametrize("spin", [0.5, 1.0, 1.5, 2.0, 6.5])
def test_spins_have_the_algebra_of_rotations(spin):
    x, y, z = spin_operators(spin)
    for first, second, third in ((x, y, z), (y, z, x), (z, x, y)):
        np.testing.assert_allclose(commutator(first, second), 1j * third, atol=1e-13)
    size = round(2 * spin) + 1
    np.testing.assert_allclose(x @ x + y @ y + z @ z, spin * (spin + 1) * np.eye(size), atol=1e-12)
    np.testing.assert_array_equal(np.diag(z), np.arange(spin, -spin - 1, -1))


def test_spin_one_half_is_half_the_pauli_matrices():
    for spin, pauli in zip(spin_operators(0.5), (pauli_x, pauli_y, pauli_z), strict=True):
        np.testing.assert_allclose(spin, 0.5 * pauli, atol=1e-15)


def test_oscillators_have_the_canonical_commutator_up_to_the_cut():
    size = 9
    lowering, q, p = annihilation(size), position_operator(size), momentum_operator(size)
    np.testing.assert_allclose(np.diag(lowering.T @ lowering), np.arange(size), atol=1e-14)
    np.testing.assert_allclose(commutator(q, p)[:-1, :-1], 1j * np.eye(size)[:-1, :-1], atol=1e-13)
    np.testing.assert_allclose(q, q.conj().T)
    np.testing.assert_allclose(p, p.conj().T)


def random_density(random, size):
    entries = random.normal(size=(size, size)) + 1j * random.normal(size=(size, size))
    density = entries @ entries.conj().T
    return density / np.trace(density)


@given(st.integers(0, 2**32 - 1))
def test_the_partial_trace_of_a_product_gives_its_factors(seed):
    random = np.random.default_rng(seed)
    sizes = (2, 3, 2)
    factors = [random_density(random, size) for size in sizes]
    for keep, factor in enumerate(factors):
        np.testing.assert_allclose(traced(tensor(*factors), sizes, keep), factor, atol=1e-14)


@given(st.integers(0, 2**32 - 1))
def test_the_partial_trace_keeps_expectations_of_an_entangled_state(seed):
    random = np.random.default_rng(seed)
    density, operator = random_density(random, 6), random_density(random, 3)
    expected = np.trace(density @ tensor(np.eye(2), operator))
    np.testing.assert_allclose(np.trace(traced(density, (2, 3), 1) @ operator), expected, atol=1e-14)


def test_entanglement_shows_in_the_purity_of_a_part():
    bell = density_from_spinor(jnp.array([1.0, 0, 0, 1.0]) / np.sqrt(2))
    assert abs(purity(bell) - 1) < 1e-15
    assert abs(purity(partial_trace(bell, (2, 2), 0)) - 0.5) < 1e-15


@given(st.sampled_from([1, 2, 5]), st.integers(0, 2**32 - 1))
def test_purity_and_coherence_bounds(size, seed):
    density = jnp.asarray(random_density(np.random.default_rng(seed), size))
    assert 1 / size - 1e-14 <= purity(density) <= 1 + 1e-14
    diagonal = np.sum(np.diag(density).real ** 2)
    np.testing.assert_allclose(coherence(density) ** 2 + diagonal, purity(density), atol=1e-14)
    assert coherence(jnp.diag(jnp.diag(density))) == 0


def test_the_density_of_a_spinor_is_its_projector():
    psi = jnp.array([0.6, 0.8j])
    np.testing.assert_allclose(density_from_spinor(psi), [[0.36, -0.48j], [0.48j, 0.64]], atol=1e-15)
    np.testing.assert_allclose(density_from_spinor(1j * psi), density_from_spinor(psi), atol=1e-15)
