"""A qubit and an oscillator: exact wavepackets against the same system in Fock states, and a closed form."""

import numpy as np
import pytest

import brackish as bk

SIZE = 120
STATE = np.array([0.6, 0.8j])
POSITION, MOMENTUM = 1.0, -0.5
SIGMA_X = np.array([[0.0, 1.0], [1.0, 0.0]])
SIGMA_Z = np.array([[1.0, 0.0], [0.0, -1.0]])
LOWERING = np.diag(np.sqrt(np.arange(1.0, SIZE)), k=1)


def in_fock_states(hamiltonian, times):
    """Density matrix of the qubit, means of position and momentum, and energy, by diagonalisation."""
    alpha = (POSITION + 1j * MOMENTUM) / np.sqrt(2)
    logarithms = np.concatenate([[0.0], np.cumsum(np.log(np.arange(1.0, SIZE)))])
    coherent = np.exp(-0.5 * abs(alpha) ** 2 + np.arange(SIZE) * np.log(alpha) - 0.5 * logarithms)
    energies, vectors = np.linalg.eigh(hamiltonian)
    start = vectors.conj().T @ np.kron(STATE, coherent)
    psi = np.exp(-1j * np.outer(times, energies)) * start @ vectors.T
    psi = psi.reshape(len(times), 2, SIZE)
    density = np.einsum("tan,tbn->tab", psi, psi.conj())
    lowered = np.einsum("tan,nm,tam->t", psi.conj(), LOWERING, psi)
    return (
        density,
        np.sqrt(2) * lowered.real,
        np.sqrt(2) * lowered.imag,
        np.sum(energies * np.abs(start) ** 2),
    )


def fock_hamiltonian(frequency, splitting, coupling, through):
    """omega (a^+ a + 1/2) + (splitting/2) sigma_z + g `through` (a + a^+)."""
    counted = frequency * np.diag(np.arange(SIZE) + 0.5)
    coupled = coupling * np.kron(through, LOWERING + LOWERING.T)
    return np.kron(np.eye(2), counted) + 0.5 * splitting * np.kron(SIGMA_Z, np.eye(SIZE)) + coupled


def on_a_grid(system, stop, step):
    """The wavefunction of qubit and oscillator, whose ground state is 1/sqrt(2) wide, in a box of 24."""
    packet = bk.GaussianPacket(POSITION, MOMENTUM, np.sqrt(0.5), state=STATE)
    return bk.simulate(system, bk.Exact(bk.Grid(-12.0, 12.0, 160)), packet, bk.times(stop, 20, step=step))


@pytest.mark.parametrize(
    ("build", "through", "coupling"),
    [
        (bk.models.rabi, SIGMA_X, 0.3),
        # deep strong coupling: more than the frequency of the mode
        (bk.models.rabi, SIGMA_X, 1.2),
        (bk.models.pure_dephasing, SIGMA_Z, 0.5),
    ],
    ids=["Rabi, ultrastrong", "Rabi, deep strong", "pure dephasing"],
)
def test_the_wavefunction_on_a_grid_is_that_in_fock_states(build, through, coupling):
    frequency, splitting = 1.0, 0.8
    run = on_a_grid(build(frequency, splitting, coupling), stop=20.0, step=0.02)
    expected = in_fock_states(fock_hamiltonian(frequency, splitting, coupling, through), np.asarray(run.time))
    found = (run.density_matrix, run.position[:, 0], run.momentum[:, 0], run.energy)
    for values, right in zip(found, expected, strict=True):
        assert np.abs(np.asarray(values) - right).max() < 1e-8


def test_a_dephasing_qubit_has_a_closed_form():
    r"""rho_01 is the overlap of two displaced coherent states, $\alpha_\pm=\alpha e^{-i\omega t}\pm
    (g/\omega)(e^{-i\omega t}-1)$, times the phases that they gather."""
    frequency, splitting, coupling = 1.0, 0.8, 0.5
    run = on_a_grid(bk.models.pure_dephasing(frequency, splitting, coupling), stop=20.0, step=0.02)
    time, alpha = np.asarray(run.time), (POSITION + 1j * MOMENTUM) / np.sqrt(2)
    ratio = coupling / frequency
    turned = np.exp(-1j * frequency * time)
    upper, lower = alpha * turned + ratio * (turned - 1), alpha * turned - ratio * (turned - 1)
    # |alpha_+><alpha_-| traced, with the phase of each displaced state
    overlap = np.exp(-0.5 * np.abs(upper) ** 2 - 0.5 * np.abs(lower) ** 2 + np.conj(lower) * upper)
    phases = np.exp(2j * ratio * np.imag(alpha * (turned - 1)) - 1j * splitting * time)
    expected = STATE[0] * np.conj(STATE[1]) * overlap * phases
    assert np.abs(np.asarray(run.density_matrix[:, 0, 1]) - expected).max() < 1e-8
    assert np.abs(np.asarray(run.population) - np.abs(STATE) ** 2).max() < 1e-10
