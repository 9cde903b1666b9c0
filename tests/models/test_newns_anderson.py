"""A level in a band on a spring: the matrix term by term, and the benchmark in the words of its paper."""

import jax.numpy as jnp
import numpy as np
import pytest

from brackish.analysis.friction import ResonantLevel, electronic_matrix
from brackish.errors import InvalidInput
from brackish.models import (
    FlatBand,
    GaussLegendreLevels,
    SemiEllipticBand,
    TrapezoidLevels,
    anderson_holstein,
    newns_anderson,
)
from brackish.quantum import IndependentElectrons


def test_the_matrix_term_by_term():
    system = newns_anderson(1800.0, 3e-3, 0.01, -0.04, 0.02, 0.3, FlatBand(0.2), TrapezoidLevels(4))
    q = jnp.array([0.7])
    width = 0.02 * np.exp(-0.3 * 0.7)
    expected = np.diag([0.01 - 0.04 * 0.7, -0.15, -0.05, 0.05, 0.15])
    # 2 pi V^2 / spacing is the width
    expected[0, 1:] = expected[1:, 0] = np.sqrt(width * 0.1 / (2 * np.pi))
    assert np.abs(electronic_matrix(system)(q) - expected).max() < 1e-16
    assert np.abs(system.potential(q) - expected).max() < 1e-16
    assert abs(system.harmonic(q) - 0.5 * 1800 * 3e-3**2 * 0.49) < 1e-16


@pytest.mark.parametrize("band", [FlatBand(0.2), SemiEllipticBand(0.2)])
@pytest.mark.parametrize("levels", [TrapezoidLevels(200), GaussLegendreLevels(100)])
def test_all_the_coupling_is_in_the_band(band, levels):
    """The sum of V_k^2 is the integral of the width over the band, over 2 pi."""
    system = newns_anderson(width=0.03, band=band, levels=levels)
    area = 0.4 if isinstance(band, FlatBand) else 0.1 * np.pi
    strength = np.sum(np.asarray(system.coupling(jnp.zeros(1)))[0, 1:] ** 2)
    # the edges of the ellipse cost (2 / levels)^(3/2)
    assert abs(strength / (0.03 * area / (2 * np.pi)) - 1) < 1e-3


def test_the_benchmark_has_two_parabolas():
    system = anderson_holstein()
    x = np.array([-5.0, 0.0, 10.0, 20.6097])
    empty = np.array([system.harmonic(jnp.array([place])) for place in x])
    level = np.array([system.level_energy(jnp.array([place])) for place in x])
    stiffness = 2000 * 2e-4**2
    assert np.abs(empty + level - (0.5 * stiffness * (x - 20.6097) ** 2 - 3.8e-3)).max() < 1e-16
    assert system.levels == 41
    assert abs(np.asarray(system.band.energies).max() - (0.032 - 0.0008)) < 1e-15


def test_friction_of_the_model_is_that_of_its_level():
    """In a band of ten widths to either side the friction is the closed form of a wide one, but for a few per cent."""
    system, electrons = newns_anderson(energy=0.005), IndependentElectrons(5e-3)
    found = system.level_in_band().friction(electrons, np.array([[0.2]]))[0, 0, 0]
    expected = ResonantLevel(0.015, 0.02, 0.05).friction(electrons)
    # Re sigma slopes by 1 / (pi D), so the level feels a slope that is smaller by Gamma / (pi D), twice
    assert abs(found / expected - 1) < 4 * 0.02 / (np.pi * 0.2)
    assert isinstance(system.continuum, FlatBand)


@pytest.mark.parametrize(
    ("arguments", "word"),
    [
        ({"mass": 0.0}, "mass"),
        ({"frequency": -1.0}, "frequency"),
        ({"width": 0.0}, "width"),
        ({"energy": float("nan")}, "energy"),
        ({"slope": "steep"}, "slope"),
        ({"decay": [1.0, 2.0]}, "decay"),
    ],
)
def test_bad_input_gets_one_line(arguments, word):
    with pytest.raises(InvalidInput, match=word) as caught:
        newns_anderson(**arguments)
    assert "\n" not in str(caught.value)
