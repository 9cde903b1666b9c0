"""The figures of the classical-quantum oscillators: the numbers behind their lines, by independent routes."""

import numpy as np
import pytest
import scipy.linalg

from brackish import reproduce
from brackish.reproduce._classical_quantum_oscillators import CLASSICAL, QUANTUM

NAMES = [f"figure{number}" for number in range(1, 7)]


@pytest.fixture(scope="module")
def figures():
    return {figure.name: figure for figure in reproduce.classical_quantum_oscillators()}


def only(figure):
    """The dataset of a figure that has one."""
    ((runs),) = figure.panels.values()
    ((data),) = runs.values()
    return data


def drift(strength, stiffness=(1.0, 1.0), friction=0.3):
    """A of dX = -A X dt, of two oscillators of unit mass on a spring."""
    first, second = np.array(stiffness) + strength
    return np.array(
        [[0, -1, 0, 0], [first, friction, -strength, 0], [0, 0, 0, -1], [-strength, 0, second, 0]],
        dtype=float,
    )


def steady(strength, noise):
    """The covariance of the steady state, by SciPy."""
    return scipy.linalg.solve_continuous_lyapunov(drift(strength), np.diag([0, noise[0], 0, noise[1]]))


def coefficients(strength, noise, clock):
    """Of positions, (T, 2, 2)."""
    covariance = steady(strength, noise)
    spread = np.sqrt(np.diag(covariance))
    over = np.array([scipy.linalg.expm(-drift(strength) * t) @ covariance for t in clock])
    return (over / np.outer(spread, spread))[:, 0::2, 0::2]


def test_every_figure_is_there_and_says_what_must_be_seen(figures):
    assert list(figures) == NAMES
    assert all("To be seen:" in figure.caption for figure in figures.values())


def test_figure_1_has_the_roots_of_the_characteristic_polynomial(figures):
    data = only(figures["figure1"])
    for row in (5, 40, 80):
        roots = -1j * np.linalg.eigvals(drift(data.strength.values[row], (1.0, 2.0), 0.5))
        found = data.pole.values[row]
        assert np.abs(found[:, None] - roots[None, :]).min(axis=0).max() < 1e-12
    assert np.all(data.pole.values[1:].imag < 0)
    weak = data.expansion.sel(strength=[0.05, 0.1], method="nearest").values
    exact = data.pole.sel(strength=[0.05, 0.1], method="nearest").values
    off = np.abs(exact[:, :, None] - weak[:, None, :]).min(axis=1).max(axis=1)
    assert np.log2(off[1] / off[0]) == pytest.approx(3, abs=0.3)


def test_figure_2_spreads_as_predicted(figures):
    """Standard deviations of 4000 trajectories, to 1/sqrt(2 * 4000) each; and the covariance by quadrature."""
    data = only(figures["figure2"])
    noise = np.diag([0, 0.2, 0, 0.2])
    for time in (1.0, 20.0):
        nodes, weights = np.polynomial.legendre.leggauss(60)
        moved = [scipy.linalg.expm(-drift(0.1) * 0.5 * time * (1 + node)) for node in nodes]
        covariance = sum(w * 0.5 * time * m @ noise @ m.T for w, m in zip(weights, moved, strict=True))
        found = data.spread.sel(time=time, method="nearest").values
        assert found == pytest.approx(np.sqrt(np.diag(covariance))[0::2], rel=1e-9)
    last = np.sqrt(np.diag(steady(0.1, (0.2, 0.2))))[0::2]
    assert data.spread.values[-1] == pytest.approx(last, rel=0.01)
    off = np.abs(data.measured_spread.values[1:] / data.spread.values[1:] - 1) * np.sqrt(2 * 4000)
    assert np.mean(off < 4) >= 0.95
    assert off.max() < 6


def test_figures_3_and_4_by_another_route(figures):
    clock = only(figures["figure3"]).time.values[[0, 17, 133, 400]]
    cases = [(only(figures["figure3"]), 0.02, (0.2, 0.2))]
    for strength in (0.02, 0.4):
        data = figures["figure4"].panels["quantum"][f"spring {strength:g}"]
        cases.append((data, strength, (0.2, strength**2 / 0.8)))
    for data, strength, noise in cases:
        found = data.coefficient.sel(time=clock, method="nearest").values
        assert np.abs(found - coefficients(strength, noise, clock)).max() < 1e-8
    classical = only(figures["figure3"])
    expected = -0.5 * np.log(1 - 0.25 * np.cos(clock) ** 2)
    decayed = np.exp(-2 * 0.02**2 / (2 * 0.3) * clock)  # b_2 = lambda^2 / 2 alpha k, of the square of r
    found = classical.late_information.sel(time=clock, method="nearest").values
    assert found == pytest.approx(-0.5 * np.log(1 - (1 - np.exp(-2 * expected)) * decayed), rel=1e-9)


def test_figure_5_has_its_minima_where_the_uncertainty_relation_allows(figures):
    runs = figures["figure5"].panels["occupation"]
    temperatures = runs["λ → 0"].temperature.values
    exact = temperatures + 1 / (16 * temperatures) - 0.5
    assert runs["λ → 0"].occupation.values == pytest.approx(exact, rel=1e-9, abs=1e-12)
    assert runs["λ → 0, κ = 4"].occupation.values.min() == pytest.approx(0.5, abs=1e-3)
    for strength in (0.5, 0.2):
        found, frequency = runs[f"λ = {strength}"].occupation.values, np.sqrt(1 + strength)
        for row in (0, 120, 240):
            noise = 0.6 * temperatures[row]
            covariance = steady(strength, (noise, strength**2 / (4 * noise)))
            energy = 0.5 * covariance[3, 3] + 0.5 * frequency**2 * covariance[2, 2]
            assert found[row] == pytest.approx(energy / frequency - 0.5, rel=1e-9)
        assert found.min() > 0
    assert "0.388 at T = 0.512 (λ = 0.5) and 0.091 at T = 0.319 (λ = 0.2)" in figures["figure5"].caption


def test_figure_6_starts_at_two_places_and_stays_a_state(figures):
    """The start by its wavefunction; then the grid beside the closed form, to the order of the step, and normalised."""
    data = only(figures["figure6"])
    x, momentum = QUANTUM.plane.positions()
    fine = np.linspace(-14.0, 14.0, 1401)
    wave = lambda x: np.exp(-((x - 2.0) ** 2) / 2) + np.exp(-((x + 2.0) ** 2) / 2)  # noqa: E731
    norm = np.trapezoid(wave(fine) ** 2, fine)
    for row, column in ((18, 24), (12, 20), (18, 27)):
        integrand = np.exp(-1j * momentum[column] * fine) * wave(x[row] + fine / 2) * wave(x[row] - fine / 2)
        expected = np.trapezoid(integrand.real, fine) / (2 * np.pi * norm)
        assert data.quantum.values[0, row, column] == pytest.approx(expected, abs=1e-5)
        assert data.quantum_exact.values[0, row, column] == pytest.approx(expected, abs=1e-9)
    for name, cell in (("classical", CLASSICAL.plane.cell), ("quantum", QUANTUM.plane.cell)):
        values, exact = data[name].values, data[f"{name}_exact"].values
        assert np.abs(values - exact).max() < 2e-3 * exact.max()
        assert values.sum(axis=(1, 2)) * cell == pytest.approx(1, abs=1e-5)
    assert data.classical.values.min() > -1e-4
    assert np.all(np.diff(data.quantum.values.min(axis=(1, 2))) > 0)
    assert np.all(np.diff(data.quantum_purity.values) < 0)
