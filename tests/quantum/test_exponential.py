"""The propagators against scipy's matrix exponential and against phases of known eigenstates."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest
import scipy.linalg
from hypothesis import given
from hypothesis import strategies as st

from brackish.quantum import propagate, propagate_columns, propagator

DURATIONS = np.array([0.0, 1e-9, 0.3, -0.3, 7.0, -60.0])
over_durations = jax.jit(jax.vmap(propagate, in_axes=(None, None, 0)))
once = jax.jit(propagate)
whole = jax.jit(propagator)


def hermitian(seed, levels, complex_entries, scale=1.0):
    random = np.random.default_rng(seed)
    entries = random.normal(size=(levels, levels))
    if complex_entries:
        entries = entries + 1j * random.normal(size=(levels, levels))
    return scale * 0.5 * (entries + entries.conj().T)


def traceless(matrix):
    """What `propagate` exponentiates: the overall phase is left out."""
    return matrix - np.trace(matrix) / len(matrix) * np.eye(len(matrix))


def spinor(seed, levels):
    random = np.random.default_rng(seed)
    psi = random.normal(size=levels) + 1j * random.normal(size=levels)
    return psi / np.linalg.norm(psi)


@pytest.mark.parametrize(
    ("levels", "complex_entries"), [(d, True) for d in range(1, 15)] + [(d, False) for d in (1, 2, 3, 7, 14)]
)
def test_propagation_is_the_matrix_exponential(levels, complex_entries):
    """One to fourteen levels: through the closed form, the Taylor series and the eigenstates."""
    matrix, psi = hermitian(levels, levels, complex_entries), spinor(levels, levels)
    expected = [scipy.linalg.expm(-1j * traceless(matrix) * duration) @ psi for duration in DURATIONS]
    np.testing.assert_allclose(over_durations(matrix, psi, DURATIONS), expected, rtol=0, atol=3e-13)
    np.testing.assert_allclose(whole(matrix, 7.0), scipy.linalg.expm(-7j * matrix), rtol=0, atol=3e-13)


@given(
    st.sampled_from([1, 2, 3, 5, 12]),
    st.booleans(),
    st.floats(-8, 2),
    st.floats(-30, 30),
    st.integers(0, 2**32 - 1),
)
def test_the_norm_is_kept_to_round_off(levels, complex_entries, exponent, duration, seed):
    matrix = hermitian(seed, levels, complex_entries, scale=10**exponent)
    after = once(matrix, spinor(seed, levels), duration)
    turns = np.abs(matrix).sum(axis=1).max() * abs(duration)
    assert abs(np.linalg.norm(after) - 1) < 2e-15 * (2 + np.sqrt(turns))


@pytest.mark.parametrize("levels", [1, 2, 3, 7, 12])
def test_a_long_duration_turns_every_eigenstate_by_its_phase(levels):
    matrix, psi, duration = hermitian(3, levels, True), spinor(4, levels), 1e4
    energies, vectors = np.linalg.eigh(traceless(matrix))
    expected = vectors @ (np.exp(-1j * energies * duration) * (vectors.conj().T @ psi))
    np.testing.assert_allclose(once(matrix, psi, duration), expected, rtol=0, atol=1e-10)


@given(st.sampled_from([2, 3, 5, 12]), st.floats(-20, 20), st.floats(-20, 20), st.integers(0, 2**32 - 1))
def test_durations_add_and_a_negative_one_undoes(levels, first, second, seed):
    matrix, psi = hermitian(seed, levels, True), spinor(seed, levels)
    twice = once(matrix, once(matrix, psi, first), second)
    np.testing.assert_allclose(twice, once(matrix, psi, first + second), rtol=0, atol=1e-12)
    np.testing.assert_allclose(once(matrix, once(matrix, psi, first), -first), psi, rtol=0, atol=1e-12)


@pytest.mark.parametrize("energy", [0.0, 0.7, -3.0])
@pytest.mark.parametrize("levels", [2, 3, 12])
def test_a_degenerate_matrix_changes_nothing_but_the_phase(levels, energy):
    psi, matrix = spinor(1, levels), energy * np.eye(levels)
    np.testing.assert_allclose(once(matrix, psi, 2.5), psi, rtol=0, atol=1e-15)
    np.testing.assert_allclose(whole(matrix, 2.5), np.exp(-2.5j * energy) * np.eye(levels), atol=1e-15)


@pytest.mark.parametrize("scale", [0.0, 1e-170, 1e-12, 1.0])
@pytest.mark.parametrize(
    ("levels", "complex_entries"), [(2, False), (2, True), (3, True), (5, False), (12, True)]
)
def test_derivatives_are_right_also_at_a_degeneracy(levels, scale, complex_entries):
    """The change of the propagated state along any direction, against the series of the exponential."""
    direction = traceless(hermitian(8, levels, complex_entries))
    matrix = 0.4 * np.eye(levels) + scale * hermitian(7, levels, complex_entries)
    psi, duration = spinor(9, levels), 1.7

    def end(step):
        return once(matrix + step * direction, psi, duration)

    forward = jax.jvp(end, (0.0,), (1.0,))[1]
    expected = (
        scipy.linalg.expm_frechet(-1j * traceless(matrix) * duration, -1j * direction * duration)[1] @ psi
    )
    np.testing.assert_allclose(forward, expected, rtol=0, atol=1e-11)
    backward = jax.grad(lambda step: jnp.sum(jnp.abs(end(step) - psi) ** 2))(0.0)
    expected = 2 * np.vdot(np.asarray(end(0.0)) - psi, expected).real
    np.testing.assert_allclose(backward, expected, rtol=0, atol=1e-11)
    by_time = jax.jvp(lambda t: once(matrix, psi, t), (duration,), (1.0,))[1]
    np.testing.assert_allclose(by_time, -1j * traceless(matrix) @ np.asarray(end(0.0)), rtol=0, atol=1e-12)


@pytest.mark.parametrize("levels", [3, 12])
def test_derivatives_by_the_state_and_of_columns(levels):
    """Backwards through the state, and the same derivative for several columns at once."""
    matrix, direction = hermitian(3, levels, True), hermitian(4, levels, True)
    states = jnp.stack([spinor(5, levels), spinor(6, levels)], axis=1)

    def overlap(states):
        return jnp.vdot(states[:, 0], once(matrix, states[:, 1], 0.9)).real

    turned = scipy.linalg.expm(-0.9j * traceless(matrix)) @ states[:, 1]
    ours = jax.grad(overlap)(states)
    np.testing.assert_allclose(jnp.conj(ours[:, 0]), turned, rtol=0, atol=1e-12)
    columns = jax.jvp(lambda s: propagate_columns(matrix + s * direction, states, 0.9), (0.0,), (1.0,))[1]
    one = jax.jvp(lambda s: once(matrix + s * direction, states[:, 1], 0.9), (0.0,), (1.0,))[1]
    np.testing.assert_allclose(columns[:, 1], one, rtol=0, atol=1e-12)
