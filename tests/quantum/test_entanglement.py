"""What two spins share, against definitions, bounds and states whose values are known."""

import functools

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from brackish import quantum
from brackish.quantum import pauli_x, pauli_y, pauli_z, singlet, triplets

PAULI = np.stack([pauli_x, pauli_y, pauli_z])


@jax.jit
def everything(density):
    return {
        "bloch": quantum.bloch_vectors(density),
        "T": quantum.correlation_matrix(density),
        "B": quantum.bell_nonlocality(density),
        "C": quantum.concurrence(density),
        "N": quantum.negativity(density, (2, 2)),
        "S": quantum.von_neumann_entropy(quantum.partial_trace(density, (2, 2), 0)),
        "R": quantum.renyi_entropy(density, 2.0),
        "R1": quantum.renyi_entropy(density, 1),
        "singlet": quantum.singlet_fidelity(density),
        "triplets": quantum.triplet_fidelities(density),
    }


def found(density):
    return {name: np.asarray(value) for name, value in everything(jnp.asarray(density, complex)).items()}


def random_state(rng, rank):
    columns = rng.normal(size=(4, rank)) + 1j * rng.normal(size=(4, rank))
    density = columns @ columns.conj().T
    return density / np.trace(density).real


@given(seed=st.integers(0, 2**32 - 1), rank=st.integers(1, 4))
def test_random_states(seed, rank):
    rng = np.random.default_rng(seed)
    density = random_state(rng, rank)
    values = found(density)
    two = [np.kron(PAULI[k], np.eye(2)) for k in range(3)]
    assert np.allclose(values["bloch"][0], [np.trace(density @ s).real for s in two], atol=1e-13)
    table = [[np.trace(density @ np.kron(a, b)).real for b in PAULI] for a in PAULI]
    assert np.allclose(values["T"], table, atol=1e-13)
    singular = np.linalg.svd(np.array(table), compute_uv=False)
    assert values["B"] == pytest.approx(np.sqrt(max(singular[0] ** 2 + singular[1] ** 2 - 1, 0)), abs=1e-7)
    # Wootters' formula as printed
    flipped = np.kron(pauli_y, pauli_y) @ density.conj() @ np.kron(pauli_y, pauli_y)
    roots = np.sqrt(np.maximum(np.sort(np.linalg.eigvals(density @ flipped).real), 0))
    assert values["C"] == pytest.approx(max(roots[3] - roots[:3].sum(), 0), abs=1e-6)
    transposed = density.reshape(2, 2, 2, 2).transpose(0, 3, 2, 1).reshape(4, 4)
    assert values["N"] == pytest.approx((np.abs(np.linalg.eigvalsh(transposed)).sum() - 1) / 2, abs=1e-12)
    assert 2 * values["N"] <= values["C"] + 1e-7
    weights = np.maximum(np.linalg.eigvalsh(density), 1e-300)
    assert values["R"] == pytest.approx(-np.log(np.sum(weights**2)), abs=1e-10)
    assert values["R1"] == pytest.approx(-np.sum(weights * np.log(weights)), abs=1e-10)
    assert values["R"] <= values["R1"] + 1e-10
    if rank == 1:
        # pure states: B = C = 2 N, and |r|^2 + C^2 = 1
        assert values["B"] == pytest.approx(values["C"], abs=1e-6)
        assert 2 * values["N"] == pytest.approx(values["C"], abs=1e-7)
        assert values["bloch"][0] @ values["bloch"][0] + values["C"] ** 2 == pytest.approx(1, abs=1e-9)
    # turning each spin by itself changes nothing of what they share
    turns = [np.linalg.qr(rng.normal(size=(2, 2)) + 1j * rng.normal(size=(2, 2)))[0] for _ in range(2)]
    turn = np.kron(*turns)
    after = found(turn @ density @ turn.conj().T)
    for name in ("C", "N", "S", "R"):
        assert after[name] == pytest.approx(values[name], abs=1e-7)


@functools.cache
def of_bell(index):
    psi = [singlet, triplets[1], (triplets[0] + triplets[2]) / np.sqrt(2)][index]
    return psi, found(np.outer(psi, psi.conj()))


@pytest.mark.parametrize("index", [0, 1, 2])
def test_bell_states(index):
    psi, values = of_bell(index)
    assert np.allclose(values["bloch"], 0, atol=1e-15)
    expected = [(-1, -1, -1), (1, 1, -1), (1, -1, 1)][index]
    assert np.allclose(values["T"], np.diag(expected), atol=1e-14)
    for name, value in (("B", 1), ("C", 1), ("N", 0.5), ("S", np.log(2)), ("R", 0)):
        assert values[name] == pytest.approx(value, abs=1e-12), name
    # Werner's states of it: separable up to p = 1/3, local up to 1/sqrt 2
    for p in (0.2, 1 / 3, 0.6, 0.9):
        mixed = found(p * np.outer(psi, psi) + (1 - p) / 4 * np.eye(4))
        assert mixed["C"] == pytest.approx(max((3 * p - 1) / 2, 0), abs=1e-12)
        assert mixed["N"] == pytest.approx(max((3 * p - 1) / 4, 0), abs=1e-12)
        assert mixed["B"] == pytest.approx(np.sqrt(max(2 * p**2 - 1, 0)), abs=1e-12)


def test_total_spins():
    values = found(np.outer(singlet, singlet))
    assert values["singlet"] == pytest.approx(1)
    assert np.allclose(values["triplets"], 0)
    up_down = np.array([0, 1, 0, 0])
    values = found(np.outer(up_down, up_down))
    assert values["singlet"] == pytest.approx(0.5)
    assert np.allclose(values["triplets"], [0, 0.5, 0])


def test_longer_spins():
    """A spin 1 and a spin 3/2, in the state of the largest S_z of each."""
    top = np.zeros((12, 12))
    top[0, 0] = 1
    assert np.allclose(quantum.spin_expectations(jnp.asarray(top), (3, 4)), [[0, 0, 1], [0, 0, 1.5]])
