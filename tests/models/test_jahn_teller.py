"""The linear E x e Jahn-Teller model: its matrix, and the curvature of the lower state in closed form."""

import jax.numpy as jnp
import numpy as np
import pytest

from brackish.analysis import berry_curvature
from brackish.analysis.friction import electronic_levels, electronic_matrix, pseudo_magnetic_field
from brackish.errors import InvalidInput
from brackish.models import jahn_teller
from brackish.quantum import ManyElectronStates


def test_the_matrix_term_by_term():
    system = jahn_teller(0.02, 0.03, 0.01)
    q = jnp.array([0.4, -0.7])
    across = 0.03 * (0.4 + 0.7j)
    expected = np.array([[0.01, across], [np.conj(across), -0.01]])
    assert np.abs(system.potential(q) - expected).max() < 1e-16
    assert abs(system.harmonic(q) - 0.01 * (0.4**2 + 0.7**2)) < 1e-16
    assert 0 < jahn_teller(0.02, 0.3).suggested_step() < system.suggested_step()


@pytest.mark.parametrize("gap", [0.01, -0.02])
def test_the_field_of_the_lower_state(gap):
    system, kappa = jahn_teller(0.02, 0.03, gap), 0.03
    q = jnp.array([0.4, -0.7])
    expected = kappa**2 * gap / (2 * (kappa**2 * (0.4**2 + 0.7**2) + gap**2) ** 1.5)
    assert abs(berry_curvature(system, q, 0)[0, 1] / expected - 1) < 1e-12
    levels = electronic_levels(electronic_matrix(system), q)
    cold = pseudo_magnetic_field(ManyElectronStates(0.0), levels)
    assert abs(cold[0, 1] / expected - 1) < 1e-12
    # the upper state has the opposite field
    warm = pseudo_magnetic_field(ManyElectronStates(0.02), levels)
    gap_at_q = levels.energies[1] - levels.energies[0]
    assert abs(warm[0, 1] / (expected * np.tanh(gap_at_q / 0.04)) - 1) < 1e-12


@pytest.mark.parametrize(
    ("arguments", "word"), [({"frequency": 0.0}, "frequency"), ({"gap": float("inf")}, "gap")]
)
def test_bad_input_gets_one_line(arguments, word):
    with pytest.raises(InvalidInput, match=f"`{word}`"):
        jahn_teller(**arguments)
