"""The numbers and the picture of docs/theories/spin-koopmons.md; `python docs/make_spin_koopmons.py`, some minutes.

A quantum spin of length J = 10 beside a quantum spin 1/2, solved exactly, against the theories in which it is
classical. A coherent state of the long spin has the Wigner function of a von Mises-Fisher cloud of concentration 2J,
to first order in 1/J.
"""

import numpy as np
from make_gallery import keep

import brackish as bk
from brackish.run.comparison import side_by_side

LENGTH, FIELD, EXCHANGE, GAMMA = 10, 5.0, 2.0, 0.7
POLAR = np.arctan2(0.6, 0.8)
TIMES = bk.times(stop=12.0, saves=60)


def exact(dataset):
    """The dataset of another theory, with the numbers of the fully quantum pair in it."""
    numbers = np.arange(LENGTH, -LENGTH - 1, -1)
    raising = np.diag(np.sqrt(LENGTH * (LENGTH + 1) - numbers[1:] * (numbers[1:] + 1)), 1)
    spin = np.stack([(raising + raising.T) / 2, (raising - raising.T) / 2j, np.diag(numbers)])
    sigma_x, sigma_z = np.array([[0, 1], [1, 0]]), np.diag([1, -1])
    hamiltonian = FIELD / LENGTH * np.kron(spin[2], np.eye(2)) + EXCHANGE / LENGTH * np.kron(spin[0], sigma_x)
    energies, vectors = np.linalg.eigh(hamiltonian + GAMMA * np.kron(np.eye(2 * LENGTH + 1), sigma_z))
    turns, basis = np.linalg.eigh(spin[1])
    coherent = basis @ (np.exp(-1j * POLAR * turns) * basis[0].conj())
    psi = vectors.conj().T @ np.kron(coherent, [1, 0])
    result = dataset.copy(deep=True)
    for index, time in enumerate(dataset.time.values):
        state = (vectors @ (np.exp(-1j * energies * time) * psi)).reshape(-1, 2)
        density = state.T @ state.conj()
        result.density_matrix[index] = density
        result.population[index] = np.diagonal(density).real
        result.purity[index] = np.trace(density @ density).real
        result.coherence[index] = np.sqrt(2) * abs(density[0, 1])
        means = [np.vdot(state, s @ state).real / LENGTH for s in spin]
        result.spin_direction[index] = np.array(means)[None]
    unknown = [name for name in result if name.endswith("_standard_error") or "adiabatic" in name]
    return result.drop_vars(unknown)


def errors(result, reference):
    """Root mean square errors over the run: population 0, purity, x component of the long spin."""
    pairs = (
        (result.population[:, 0], reference.population[:, 0]),
        (result.purity, reference.purity),
        (result.spin_direction[:, 0, 0], reference.spin_direction[:, 0, 0]),
    )
    return [float(np.sqrt(np.mean((ours - theirs) ** 2))) for ours, theirs in pairs]


def main() -> None:
    """Run, print and draw."""
    system = bk.models.hybrid_spins(field=FIELD, exchange=EXCHANGE, gamma=GAMMA, length=LENGTH)
    start = bk.VonMisesFisher([np.sin(POLAR), 0.0, np.cos(POLAR)], 2.0 * LENGTH, state=0)
    ehrenfest = bk.simulate(system, bk.Ehrenfest(), start, TIMES, trajectories=5000, seed=1)
    reference = exact(ehrenfest)
    print("Ehrenfest", *(f"{error:.3f}" for error in errors(ehrenfest, reference)))
    for concentration, count in ((10.0, 300), (20.0, 300), (40.0, 300), (40.0, 600)):
        result = bk.simulate(system, bk.SpinKoopmons(concentration), start, TIMES, trajectories=count, seed=1)
        drift = float(abs(result.energy - result.energy[0]).max())
        numbers = " ".join(f"{error:.3f}" for error in errors(result, reference))
        print(f"{concentration:g}, {count} koopmons: {numbers}; drift of the energy {drift:.1e}", flush=True)
    together = side_by_side(["Quantum spins", "Ehrenfest", "SpinKoopmons"], [reference, ehrenfest, result])
    keep(bk.plot.compare(together), "spin_koopmons")


if __name__ == "__main__":
    main()
