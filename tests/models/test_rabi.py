"""The quantum Rabi model against its diagonalisation in Fock states, at any coupling."""

import jax.numpy as jnp
import numpy as np
import pytest

import brackish as bk
from brackish.errors import InvalidInput
from brackish.hamiltonians import scale_interaction
from brackish.manifolds import PhasePoint
from brackish.models import rabi
from brackish.quantum import annihilation, pauli_x, pauli_z, tensor


def sinc_grid_energies(system, count):
    """The lowest energies on a sinc grid (Colbert and Miller, J. Chem. Phys. 96, 1982 (1992)), from V(q)."""
    x = np.linspace(-11.0, 11.0, 90)
    apart = np.arange(x.size)[:, None] - np.arange(x.size)[None, :]
    second = np.where(apart == 0, np.pi**2 / 3, 2 * (-1.0) ** apart / np.where(apart == 0, 1, apart) ** 2)
    kinetic = second / (2 * system.manifold.masses[0] * (x[1] - x[0]) ** 2)
    matrix = np.kron(kinetic, np.eye(2)).reshape(x.size, 2, x.size, 2)
    for place, value in enumerate(x):
        q = jnp.array([value])
        matrix[place, :, place, :] += np.asarray(system.potential(q)) + system.harmonic(q) * np.eye(2)
    return np.linalg.eigvalsh(matrix.reshape(2 * x.size, -1))[:count]


@pytest.mark.parametrize("coupling", [0.0, 0.05, 0.5, 2.0])
@pytest.mark.parametrize(("frequency", "splitting"), [(1.0, 1.0), (0.7, -1.9)])
def test_the_spectrum_is_that_of_the_fock_basis(frequency, splitting, coupling):
    lowering = annihilation(120)
    number_of_quanta = lowering.T @ lowering
    fock = (
        frequency * tensor(np.eye(2), number_of_quanta + 0.5 * np.eye(120))
        + 0.5 * splitting * tensor(pauli_z, np.eye(120))
        + coupling * tensor(pauli_x, lowering + lowering.T)
    )
    expected = np.linalg.eigvalsh(fock)[:12]
    assert np.abs(sinc_grid_energies(rabi(frequency, splitting, coupling), 12) - expected).max() < 1e-9


def test_the_hamiltonian_term_by_term():
    system = rabi(2.0, 0.6, 0.3)
    z = PhasePoint(jnp.array([0.7]), jnp.array([-1.1]))
    mode = 0.5 * 2.0 * (0.7**2 + 1.1**2)
    side = np.sqrt(2) * 0.3 * 0.7
    expected = np.array([[mode + 0.3, side], [side, mode - 0.3]])
    assert np.abs(np.asarray(system.operator(z)) - expected).max() < 1e-14
    apart = np.asarray(scale_interaction(system, 0.0).operator(z))
    assert np.abs(apart - np.diag([mode + 0.3, mode - 0.3])).max() < 1e-14


def test_the_step_resolves_deep_strong_coupling():
    steps = [rabi(coupling=coupling).suggested_step() for coupling in (0.0, 0.5, 3.0)]
    assert steps[0] > steps[1] > steps[2] > 0


@pytest.mark.parametrize(
    ("arguments", "word"),
    [
        ({"frequency": 0.0}, "frequency"),
        ({"frequency": -1.0}, "frequency"),
        ({"frequency": "fast"}, "frequency"),
        ({"frequency": [1.0, 2.0]}, "frequency"),
        ({"splitting": float("nan")}, "splitting"),
        ({"splitting": None}, "splitting"),
        ({"coupling": float("inf")}, "coupling"),
        ({"coupling": True}, "coupling"),
        ({"coupling": 0.1j}, "coupling"),
    ],
)
def test_bad_input_gets_one_line(arguments, word):
    with pytest.raises(InvalidInput, match=f"`{word}`") as caught:
        rabi(**arguments)
    assert "\n" not in str(caught.value)


def test_datasets_say_that_units_are_the_models_own():
    """Of a model that is made for any unit of energy; figures then have no femtoseconds."""
    start = bk.Points([0.0], [0.0])
    for model, own in ((bk.models.rabi(), True), (bk.models.tully(1), False)):
        run = bk.simulate(model, bk.Ehrenfest(), start, bk.times(1.0, 1, step=0.5))
        assert run.time.attrs["units"] == "hbar/hartree"
        assert ("reduced_units" in run.time.attrs) == own
