"""Kernels as baths, held against the exponentials that they stand for and against quadrature."""

import hypothesis.strategies as st
import numpy as np
import pytest
from hypothesis import assume, given
from scipy.linalg import expm

import brackish as bk
from brackish.analysis import MemoryKernel, fitted_kernel, prony_kernel

TIMES = np.linspace(0.0, 12.0, 301)
POSITIVE = [
    ([1.0], [1.0]),
    ([2.0, -1.0], [1.0, 2.0]),  # smooth at time 0: the spectrum falls with the fourth power
    ([1.0 + 0.3j], [0.4 + 1j]),
    ([1.0, 0.5 - 0.2j], [1.0, 2.0 + 3.0j]),
    ([1.0, 3.0], [1.0, 0.1]),
]


def exponentials(amplitudes, rates, times):
    return np.real(np.exp(-np.outer(times, rates)) @ np.asarray(amplitudes))


@pytest.mark.parametrize(("amplitudes", "rates"), POSITIVE)
def test_a_bath_has_the_kernel_that_was_asked_for(amplitudes, rates):
    kernel = prony_kernel(amplitudes, rates)
    exact = exponentials(amplitudes, rates, TIMES)
    np.testing.assert_allclose(kernel(TIMES), exact, atol=1e-9)
    # by its definition, without eigenvectors
    b = kernel.coupling
    np.testing.assert_allclose(
        b @ expm(-1.7 * kernel.generator) @ b, exponentials(amplitudes, rates, 1.7), atol=1e-9
    )
    # one source of noise
    variances = np.linalg.eigvalsh(kernel.generator + kernel.generator.T)
    assert np.all(np.abs(variances[:-1]) < 1e-12 * variances[-1])


@pytest.mark.parametrize(("amplitudes", "rates"), POSITIVE)
def test_the_spectrum_is_the_cosine_transform(amplitudes, rates):
    kernel = prony_kernel(amplitudes, rates)
    for frequency in (0.0, 0.7, 3.0):
        exact = np.sum(np.asarray(amplitudes) / (np.asarray(rates) - 1j * frequency))
        exact += np.sum(np.asarray(amplitudes) / (np.asarray(rates) + 1j * frequency))
        np.testing.assert_allclose(kernel.spectrum(frequency), 0.5 * exact.real, atol=1e-9)


@given(st.integers(0, 10**6), st.integers(1, 5))
def test_what_comes_from_a_bath_goes_back_into_one(seed, variables):
    """Any bath with one source of noise, by the exponentials of its kernel."""
    random = np.random.default_rng(seed)
    coupled, noise, b = random.normal(size=(variables, variables)), *random.normal(size=(2, variables))
    generator = coupled - coupled.T + np.outer(noise, noise)
    rates, vectors = np.linalg.eig(generator)
    amplitudes = (b @ vectors) * np.linalg.solve(vectors, b.astype(complex))
    apart = np.abs(rates[:, None] - rates[None, :]) + 10 * np.eye(variables)
    # rates that are nearly alike, and modes that hardly decay, are another matter
    assume(apart.min() > 0.3 and rates.real.min() > 0.05)
    kept = rates.imag >= 0
    kernel = prony_kernel(np.where(rates.imag > 0, 2, 1)[kept] * amplitudes[kept], rates[kept])
    exact = [b @ expm(-time * generator) @ b for time in TIMES[::50]]
    np.testing.assert_allclose(kernel(TIMES[::50]), exact, atol=1e-7 * (b @ b))


def test_a_kernel_that_would_drive_is_refused():
    with pytest.raises(bk.InvalidInput, match="its spectrum is negative"):
        prony_kernel([1.0, -0.5], [1.0, 3.0])
    with pytest.raises(bk.InvalidInput, match=r"positive at time 0, got -0.01"):
        prony_kernel([1.0, -1.01], [1.0, 2.0])
    with pytest.raises(bk.InvalidInput, match="positive real parts"):
        prony_kernel([1.0], [-1.0])
    with pytest.raises(bk.InvalidInput, match=r"smallest eigenvalue of A \+ A\^T is -2"):
        MemoryKernel([[-1.0]], [1.0])
    with pytest.raises(bk.InvalidInput, match="the coupling not 0"):
        MemoryKernel([[1.0]], [0.0])
    with pytest.raises(bk.InvalidInput, match="fit `coupling`"):
        MemoryKernel([[1.0]], [1.0, 2.0])


@pytest.mark.parametrize(("amplitudes", "rates"), POSITIVE)
def test_samples_of_exponentials_are_fitted_exactly(amplitudes, rates):
    fit = fitted_kernel(TIMES, exponentials(amplitudes, rates, TIMES), 4)
    assert fit.error < 1e-9
    np.testing.assert_allclose(fit.kernel(2 * TIMES), exponentials(amplitudes, rates, 2 * TIMES), atol=1e-8)


def test_a_fit_of_other_samples_says_its_error_and_converges():
    gaussian = np.exp(-0.5 * TIMES**2)
    fits = [fitted_kernel(TIMES, gaussian, count, tolerance=1.0) for count in (2, 4, 6)]
    for fit in fits:
        assert fit.error == pytest.approx(np.abs(fit.kernel(TIMES) - gaussian).max(), rel=1e-12)
        assert np.all(fit.kernel.spectrum(np.linspace(0.0, 30.0, 500)) > -1e-14)
    assert fits[2].error < fits[1].error / 10 < fits[0].error / 100
    assert fits[2].kernel.spectrum(0.0) == pytest.approx(np.sqrt(np.pi / 2), abs=12 * fits[2].error)


def test_samples_that_are_no_friction_are_refused():
    with pytest.raises(bk.InvalidInput, match="more than the tolerance"):
        fitted_kernel(TIMES, np.exp(-0.3 * TIMES) * np.cos(2 * TIMES) - 0.5 * np.exp(-0.2 * TIMES), 6)
    with pytest.raises(bk.InvalidInput, match="even times from 0 on"):
        fitted_kernel(TIMES[1:], np.exp(-TIMES[1:]), 2)
    with pytest.raises(bk.InvalidInput, match="positive at time 0"):
        fitted_kernel(TIMES, -np.exp(-TIMES), 2)
