"""Pure dephasing: the closed form against motion in Fock states, and the model against its equation."""

import jax.numpy as jnp
import numpy as np
import pytest

from brackish.errors import InvalidInput
from brackish.manifolds import PhasePoint
from brackish.models import pure_dephasing
from brackish.quantum import annihilation

SIZE = 80  # Fock states


def coherent_state(position, momentum):
    """A coherent state in Fock states: the amplitudes alpha^n / sqrt(n!), scaled to norm 1."""
    alpha = (position + 1j * momentum) / np.sqrt(2)
    ratios = alpha / np.sqrt(np.arange(1.0, SIZE))
    return np.exp(-0.5 * abs(alpha) ** 2) * np.concatenate([[1.0], np.cumprod(ratios)])


def fock_coherence(times, frequency, splitting, coupling, position, momentum):
    """<chi_1(t)|chi_0(t)>, each oscillator state moved by the Hamiltonian of its own level."""
    lowering = annihilation(SIZE)
    start = coherent_state(position, momentum)
    moved = []
    for sign in (1.0, -1.0):
        energies, vectors = np.linalg.eigh(
            frequency * (lowering.T @ lowering + 0.5 * np.eye(SIZE))
            + sign * coupling * (lowering + lowering.T)
            + sign * 0.5 * splitting * np.eye(SIZE)
        )
        moved.append(np.exp(-1j * np.outer(times, energies)) * (vectors.T @ start) @ vectors.T)
    return np.sum(np.conj(moved[1]) * moved[0], axis=1)


@pytest.mark.parametrize(("position", "momentum"), [(0.0, 0.0), (1.3, 0.0), (0.0, -0.8), (-1.1, 1.7)])
@pytest.mark.parametrize(("frequency", "splitting", "coupling"), [(1.0, 1.0, 0.5), (0.8, -0.3, -1.1)])
def test_the_closed_form_is_the_motion_in_fock_states(frequency, splitting, coupling, position, momentum):
    times = np.linspace(0.0, 12.0, 61)
    system = pure_dephasing(frequency, splitting, coupling)
    expected = fock_coherence(times, frequency, splitting, coupling, position, momentum)
    assert np.abs(system.exact_coherence(times, position, momentum) - expected).max() < 1e-10


def test_the_coherence_dies_and_comes_back():
    system = pure_dephasing(frequency=0.5, coupling=0.5)
    size = np.abs(system.exact_coherence([0.0, 2 * np.pi, 4 * np.pi], position=2.0))
    assert np.abs(size - [1.0, np.exp(-8), 1.0]).max() < 1e-12


def test_the_hamiltonian_term_by_term():
    system = pure_dephasing(2.0, 0.6, 0.3)
    z = PhasePoint(jnp.array([0.7]), jnp.array([-1.1]))
    oscillator = 0.5 * 2.0 * (0.7**2 + 1.1**2)
    shift = 0.3 + np.sqrt(2) * 0.3 * 0.7
    expected = np.diag([oscillator + shift, oscillator - shift])
    assert np.abs(np.asarray(system.operator(z)) - expected).max() < 1e-14
    assert np.abs(np.asarray(system.coupling(0.0 * z.position))).max() == 0
    assert 0 < system.suggested_step() < 0.2


@pytest.mark.parametrize(
    ("arguments", "word"),
    [
        ({"frequency": 0.0}, "frequency"),
        ({"frequency": float("nan")}, "frequency"),
        ({"frequency": "fast"}, "frequency"),
        ({"splitting": float("inf")}, "splitting"),
        ({"splitting": [1.0]}, "splitting"),
        ({"coupling": None}, "coupling"),
    ],
)
def test_bad_input_gets_one_line(arguments, word):
    with pytest.raises(InvalidInput, match=f"`{word}`") as caught:
        pure_dephasing(**arguments)
    assert "\n" not in str(caught.value)


def test_a_displacement_that_is_no_number_is_refused():
    with pytest.raises(InvalidInput, match="`position`"):
        pure_dephasing().exact_coherence([0.0, 1.0], position="left")
