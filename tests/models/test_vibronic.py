"""Linear vibronic coupling against its equation entry by entry, and against Fock states of its modes."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from brackish.errors import InvalidInput
from brackish.hamiltonians import scale_interaction
from brackish.manifolds import PhasePoint
from brackish.models import linear_vibronic_coupling, rabi
from brackish.quantum import annihilation, tensor


def random_arrays(states, modes, seed):
    draw = np.random.default_rng(seed)
    couplings = draw.normal(size=(states, states, modes))
    couplings = couplings + couplings.swapaxes(0, 1)
    couplings[np.arange(states), np.arange(states)] = 0.0
    return (
        draw.normal(size=states),
        draw.uniform(0.5, 2.0, modes),
        draw.normal(size=(states, modes)),
        couplings,
    )


@given(states=st.integers(1, 5), modes=st.integers(1, 6), seed=st.integers(0, 1000))
def test_every_entry_is_that_of_the_equation(states, modes, seed):
    energies, frequencies, gradients, couplings = random_arrays(states, modes, seed)
    system = linear_vibronic_coupling(energies, frequencies, gradients, couplings)
    q, p = np.random.default_rng(seed + 1).normal(size=(2, modes))
    vibration = sum(0.5 * w * (x**2 + y**2) for w, x, y in zip(frequencies, q, p, strict=True))
    expected = np.zeros((states, states))
    for i in range(states):
        expected[i, i] += vibration + energies[i]
        for k in range(modes):
            expected[i, i] += gradients[i, k] * q[k]
            for j in range(states):
                expected[i, j] += couplings[i, j, k] * q[k]
    z = PhasePoint(jnp.asarray(q), jnp.asarray(p))
    operator = np.asarray(system.operator(z))
    assert np.abs(operator - expected).max() < 1e-12
    assert np.array_equal(operator, operator.T)
    apart = np.asarray(scale_interaction(system, 0.0).operator(z))
    assert np.abs(apart - np.diag(vibration + energies)).max() < 1e-12
    assert system.levels == states
    assert 0 < system.suggested_step() < 1


def test_the_mean_force_is_that_of_the_equation():
    energies, frequencies, gradients, couplings = random_arrays(3, 50, 4)
    system = linear_vibronic_coupling(energies, frequencies, gradients, couplings)
    psi = jnp.array([0.6, 0.48j, 0.64])
    force = jax.grad(system.potential_expect)(jnp.linspace(-1.0, 2.0, 50), psi)
    expected = np.einsum("i,ik->k", np.abs(psi) ** 2, gradients)
    expected = expected + np.einsum("i,ijk,j->k", psi.conj(), couplings, psi).real
    assert np.abs(np.asarray(force) - expected).max() < 1e-12


def test_the_spectrum_is_that_of_the_fock_basis():
    """A conical intersection: two states, a tuning mode and a coupling mode. V(q) is used on a grid alone."""
    frequencies, tuning, mixing = np.array([0.8, 1.1]), 0.5, 0.4
    gradients = np.array([[tuning, 0.0], [-tuning, 0.0]])
    couplings = np.zeros((2, 2, 2))
    couplings[0, 1, 1] = couplings[1, 0, 1] = mixing
    system = linear_vibronic_coupling([-0.1, 0.2], frequencies, gradients, couplings)

    size = 22
    lowering, one, two = annihilation(size), np.eye(size), np.eye(2)
    position = (lowering + lowering.T) / np.sqrt(2)
    quanta = lowering.T @ lowering + 0.5 * one
    fock = (
        frequencies[0] * tensor(two, quanta, one)
        + frequencies[1] * tensor(two, one, quanta)
        + tensor(np.diag([-0.1, 0.2]), one, one)
        + tuning * tensor(np.diag([1.0, -1.0]), position, one)
        + mixing * tensor(np.array([[0.0, 1.0], [1.0, 0.0]]), one, position)
    )
    expected = np.linalg.eigvalsh(fock)[:6]

    # Sinc grid: D. T. Colbert and W. H. Miller, J. Chem. Phys. 96, 1982 (1992).
    x = np.linspace(-6.5, 6.5, 22)
    apart = np.arange(x.size)[:, None] - np.arange(x.size)[None, :]
    second = np.where(apart == 0, np.pi**2 / 3, 2 * (-1.0) ** apart / np.where(apart == 0, 1, apart) ** 2)
    kinetic = second / (2 * (x[1] - x[0]) ** 2)
    first_mass, second_mass = system.manifold.masses
    one = np.eye(x.size)
    matrix = tensor(kinetic / first_mass, one, two) + tensor(one, kinetic / second_mass, two)
    nodes = np.stack([axis.ravel() for axis in np.meshgrid(x, x, indexing="ij")], axis=-1)
    local = jax.vmap(lambda q: system.potential(q) + system.harmonic(q) * jnp.eye(2))(jnp.asarray(nodes))
    matrix = matrix.reshape(len(nodes), 2, len(nodes), 2)
    places = np.arange(len(nodes))
    matrix[places, :, places, :] += np.asarray(local)
    energies = np.linalg.eigvalsh(matrix.reshape(2 * len(nodes), -1))[:6]
    assert np.abs(energies - expected).max() < 1e-6


def test_two_states_and_one_mode_are_the_rabi_model():
    couplings = np.zeros((2, 2, 1))
    couplings[0, 1, 0] = couplings[1, 0, 0] = np.sqrt(2) * 0.3
    system = linear_vibronic_coupling([0.4, -0.4], [1.5], couplings=couplings)
    other = rabi(1.5, 0.8, 0.3)
    z = PhasePoint(jnp.array([0.9]), jnp.array([0.2]))
    assert np.abs(np.asarray(system.operator(z) - other.operator(z))).max() < 1e-14


GOOD = {"energies": [0.0, 1.0], "frequencies": [1.0, 2.0, 3.0]}


@pytest.mark.parametrize(
    ("arguments", "word"),
    [
        ({"energies": []}, "energies"),
        ({"energies": 1.0}, "energies"),
        ({"energies": [0.0, "high"]}, "energies"),
        ({"energies": [0.0, 1j]}, "energies"),
        ({"energies": [0.0, float("nan")]}, "energies"),
        ({"energies": None}, "energies"),
        ({"frequencies": [1.0, 0.0, 2.0]}, "frequencies"),
        ({"frequencies": [1.0, -1.0]}, "frequencies"),
        ({"frequencies": [[1.0]]}, "frequencies"),
        ({"gradients": np.zeros((3, 2))}, "gradients"),
        ({"gradients": [0.1, 0.2]}, "gradients"),
        ({"couplings": np.zeros((2, 3, 2))}, "couplings"),
        ({"couplings": np.arange(12.0).reshape(2, 2, 3)}, "couplings"),
        ({"couplings": np.ones((2, 2, 3))}, "couplings"),
        ({"couplings": np.full((2, 2, 3), np.inf)}, "couplings"),
        ({"couplings": [[[1.0], [2.0, 3.0]]]}, "couplings"),
    ],
)
def test_bad_input_gets_one_line(arguments, word):
    with pytest.raises(InvalidInput, match=f"`{word}`") as caught:
        linear_vibronic_coupling(**{**GOOD, **arguments})
    assert "\n" not in str(caught.value)
