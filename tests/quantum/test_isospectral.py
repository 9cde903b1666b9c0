"""Motion that keeps eigenvalues: three ways to write it, and what it conserves, on random Hamiltonians and states."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from jax import lax

from brackish.integrators import RetractedRungeKutta8
from brackish.quantum import (
    SpectralState,
    dagger,
    density_rate,
    exponential_action,
    frame_rate,
    gilbert_kernel,
    landau_lifshitz_kernel,
    nearest_orthonormal,
    orthonormal,
    spectral_state,
)

SIZE = 4
KERNELS = [gilbert_kernel, landau_lifshitz_kernel]


class _Plain:
    """What an integrator asks of a theory."""

    def __init__(self, rate, retract=lambda y: y):
        self.rate, self.back = rate, retract

    def flow(self, matrix, t, y):
        return self.rate(matrix, y)

    def retract(self, matrix, y):
        return self.back(y)


def walk(theory, matrix, y, dt, steps):
    step = RetractedRungeKutta8().stepper(theory, matrix, dt)
    return lax.fori_loop(0, steps, lambda _, y: step(0.0, y, None)[0], y)


@jax.jit
def three_ways(matrix, columns, weights, rest, damping, dt, steps):
    """For both kernels: the density operator, walked itself, by its eigenvectors, and in closed form if it has two
    eigenvalues.
    """
    results = []
    for of_damping in KERNELS:
        kernel = of_damping(damping)

        def by_frame(matrix, y, kernel=kernel):
            return frame_rate(y, matrix @ y, weights, rest, kernel)

        def by_density(matrix, y, kernel=kernel):
            return density_rate(y, matrix, kernel)

        density = SpectralState(columns, weights, rest).density()
        plain = walk(_Plain(by_density), matrix, density, dt, steps)
        frame = walk(_Plain(by_frame, nearest_orthonormal), matrix, columns, dt, steps)
        radius = jnp.sqrt(jnp.sum(jnp.abs(matrix) ** 2))
        factor = -1j * dt * steps * kernel(rest - weights[0])
        apply = lambda y: _planes(matrix @ lax.complex(y[0], y[1]))  # noqa: E731
        closed = exponential_action(apply, -radius, radius, factor, orthonormal)(columns)
        ends = [SpectralState(end, weights, rest) for end in (frame, closed)]
        results.append((plain, ends[0].density(), ends[0].purity(), ends[1].density()))
    return results


def _planes(columns):
    return jnp.stack([columns.real, columns.imag])


def random_hermitian(rng, size=SIZE):
    matrix = rng.normal(size=(2, size, size))
    matrix = matrix[0] + 1j * matrix[1]
    return 0.5 * (matrix + matrix.conj().T)


def random_columns(rng, count):
    return np.linalg.qr(rng.normal(size=(SIZE, count)) + 1j * rng.normal(size=(SIZE, count)))[0]


@given(seed=st.integers(0, 2**32 - 1), damping=st.floats(0, 3), two=st.booleans())
def test_all_ways_agree(seed, damping, two):
    """Two eigenvalues: the density operator, the normalised exponential and Schrodinger's way; else the frame."""
    rng = np.random.default_rng(seed)
    matrix = random_hermitian(rng)
    count = 1 if two else SIZE
    weights = rng.dirichlet(np.ones(SIZE + 1))[:count]
    rest = (1 - weights.sum()) / (SIZE - count) if two else 0.0
    weights = weights if two else weights / weights.sum()
    columns = random_columns(rng, count)
    found = three_ways(matrix, columns, weights, np.asarray(rest), damping, np.asarray(0.01), 60)
    purity = np.sum(weights**2) + rest**2 * (SIZE - count)
    for plain, frame, kept, closed in found:
        assert np.allclose(plain, frame, rtol=0, atol=1e-9)
        assert abs(kept - purity) < 1e-13
        assert np.allclose(np.linalg.eigvalsh(frame)[-count:], np.sort(weights)[-count:], atol=1e-13) or two
        if two:
            assert np.allclose(closed, frame, rtol=0, atol=1e-9)


def test_the_density_operator_obeys_its_own_equation():
    """Eq. (3) as printed, and Wieser's, with commutators alone."""
    rng = np.random.default_rng(3)
    matrix, columns = random_hermitian(rng), random_columns(rng, SIZE)
    density = columns @ np.diag([0.5, 0.3, 0.15, 0.05]) @ columns.conj().T
    commutator = lambda a, b: a @ b - b @ a  # noqa: E731
    turning = 1j * commutator(density, matrix)
    rate = np.asarray(density_rate(jnp.asarray(density), jnp.asarray(matrix), gilbert_kernel(1.7)))
    assert np.allclose(rate, turning + 1.7j * commutator(density, rate), atol=1e-13)
    rate = np.asarray(density_rate(jnp.asarray(density), jnp.asarray(matrix), landau_lifshitz_kernel(1.7)))
    assert np.allclose(rate, turning + 1.7j * commutator(density, turning), atol=1e-13)


@pytest.mark.parametrize("count", [1, 2, SIZE])
def test_another_basis_is_the_same_motion(count):
    rng = np.random.default_rng(4)
    matrix, columns, unitary = random_hermitian(rng), random_columns(rng, count), random_columns(rng, SIZE)
    weights, rest, kernel = jnp.array([0.6, 0.25, 0.1, 0.05])[:count], jnp.zeros(()), gilbert_kernel(0.8)
    here = frame_rate(jnp.asarray(columns), jnp.asarray(matrix @ columns), weights, rest, kernel)
    moved = unitary @ columns
    there = frame_rate(jnp.asarray(moved), jnp.asarray(unitary @ matrix @ columns), weights, rest, kernel)
    assert np.allclose(there, unitary @ here, atol=1e-13)
    # a motion inside the columns' own space, and out of it, keeps them orthonormal
    assert np.allclose(
        dagger(jnp.asarray(columns)) @ here + dagger(here) @ jnp.asarray(columns), 0, atol=1e-13
    )


def test_spectra_are_told_apart():
    """Pure states and Werner's keep one column, full ones all, and what is written out is what was read."""
    rng = np.random.default_rng(5)
    columns = random_columns(rng, SIZE)
    for weights, count in (((1, 0, 0, 0), 1), ((0.7, 0.1, 0.1, 0.1), 1), ((0.25,) * 4, 1)):
        density = columns @ np.diag(weights) @ columns.conj().T
        state = spectral_state(density)
        assert state.columns.shape == (SIZE, count)
        assert np.allclose(state.density(), density, atol=1e-14)
        assert float(state.purity()) == pytest.approx(np.sum(np.square(weights)), abs=1e-14)
    full = columns @ np.diag([0.4, 0.3, 0.2, 0.1]) @ columns.conj().T
    assert spectral_state(full).columns.shape == (SIZE, SIZE)
    assert np.allclose(spectral_state(full).density(), full, atol=1e-14)


def test_the_nearest_orthonormal_columns():
    rng = np.random.default_rng(6)
    columns = random_columns(rng, 3)
    off = columns + 1e-4 * rng.normal(size=columns.shape)
    found = np.asarray(nearest_orthonormal(jnp.asarray(off)))
    left, _, right = np.linalg.svd(off, full_matrices=False)
    assert np.allclose(found.conj().T @ found, np.eye(3), atol=1e-14)
    assert np.allclose(found, left @ right, atol=1e-14)
