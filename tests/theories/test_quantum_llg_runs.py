"""Runs of quantum magnets beside SciPy, representations of a state beside each other, long spins beside vectors."""

import numpy as np
import pytest
from scipy.integrate import solve_ivp

import brackish as bk
from brackish.quantum import gilbert_kernel, landau_lifshitz_kernel, spin_operators


def rate(density, matrix, kernel):
    """The equation in the eigenbasis of the density operator, in NumPy alone."""
    weights, vectors = np.linalg.eigh(density)
    difference = weights[:, None] - weights[None]
    inside = vectors.conj().T @ matrix @ vectors
    return vectors @ (1j * difference * kernel(difference) * inside) @ vectors.conj().T


def magnet(random, spins):
    first, second = np.triu_indices(len(spins), 1)
    bonds = bk.Bonds(first, second, random.normal(size=first.size), random.normal(size=(first.size, 3)))
    return bk.SpinSystem(spins, bonds, random.normal(size=(len(spins), 3)))


def mixture(random, size, rank):
    states = np.linalg.qr(random.normal(size=(size, rank)) + 1j * random.normal(size=(size, rank)))[0].T
    probabilities = np.arange(1.0, rank + 1)
    return states, probabilities / probabilities.sum()


@pytest.mark.parametrize(
    ("theory", "kernel"), [(bk.QuantumLLG, gilbert_kernel), (bk.QuantumLL, landau_lifshitz_kernel)]
)
def test_three_spins_in_a_mixed_state_beside_scipy(theory, kernel):
    random, damping, stop = np.random.default_rng(5), 1.3, 2.0
    system = magnet(random, [0.5, 1.0, 0.5])
    states, probabilities = mixture(random, 12, 12)
    density = (states.T * probabilities) @ states.conj()
    matrix, spins = system.matrix(), system.spin_operators()

    def motion(t, flat):
        return rate(flat.reshape(12, 12), matrix, kernel(damping)).ravel()

    end = solve_ivp(motion, (0, stop), density.ravel(), rtol=1e-10, atol=1e-12, method="DOP853").y[:, -1]
    end = end.reshape(12, 12)
    expected = np.einsum("naxy,yx->na", spins, end).real / np.array([0.5, 1.0, 0.5])[:, None]
    found = bk.simulate(system, theory(damping), bk.SpinState(density), bk.times(stop, 8))
    np.testing.assert_allclose(found.spin_direction[-1], expected, atol=1e-8)
    assert float(found.energy[-1]) == pytest.approx(np.trace(end @ matrix).real, abs=1e-8)
    assert np.ptp(found.purity.values) < 1e-12
    assert np.all(np.diff(found.energy.values) < 0)


def test_few_columns_are_the_whole_density_operator():
    """A state of rank two by its two columns, and by all eight."""
    random = np.random.default_rng(6)
    system = magnet(random, [0.5] * 3)
    states, probabilities = mixture(random, 8, 2)
    # so little of everything else that it does not count, but enough to be carried along
    whole = (states.T * probabilities) @ states.conj()
    whole = (1 - 1e-11) * whole + 1e-11 * np.diag(np.arange(8.0) / 28)
    times = bk.times(3.0, 4)
    few = bk.simulate(system, bk.QuantumLLG(0.8), bk.SpinMixture(states, probabilities), times)
    all_of_them = bk.simulate(system, bk.QuantumLLG(0.8), bk.SpinState(whole), times)
    np.testing.assert_allclose(few.spin_direction, all_of_them.spin_direction, atol=1e-9)


@pytest.mark.parametrize("spin", [1.0, 1.5])
def test_polarised_long_spins_keep_their_form_in_a_field_alone(spin):
    r"""$\hat\rho=(1+\boldsymbol\eta\cdot\mathbf S)/(2s+1)$, the paper's eq. (4), is closed under a Hamiltonian that is
    linear in S, and not with a crystal field.
    """
    x, y, z = spin_operators(spin)
    size = round(2 * spin + 1)
    density = (np.eye(size) + 0.4 * x + 0.1 * y - 0.3 * z) / size
    basis = np.stack([np.eye(size), x, y, z]).astype(complex)
    basis /= np.linalg.norm(basis, axis=(1, 2))[:, None, None]

    def leak(matrix):
        found = rate(density, matrix, gilbert_kernel(1.5))
        inside = np.einsum("bxy,axy,aij->bij", found[None], basis.conj(), basis)[0]
        return np.linalg.norm(found - inside) / np.linalg.norm(found)

    assert leak(0.7 * x - 1.1 * z) < 1e-13
    assert leak(0.7 * x - 1.1 * z + 0.5 * z @ z) > 0.01


def test_long_spins_become_vectors_at_a_minimum_alone():
    """Coherent states of two spins s with exchange J/s, beside LLG, in whose numbers s does not matter: next to the
    minimum of an antiferromagnetic pair the distance falls as 1/s, from a bend of half a radian it stops falling, and
    next to a maximum (ferromagnetic exchange, opposite spins) it does not fall at all.
    """

    def distance(spin, exchange, bend, stop):
        system = bk.SpinSystem([spin] * 2, bk.Bonds([0], [1], exchange / spin), field=[0.0, 0.0, 0.3])
        start = np.array([[np.sin(bend), 0.0, np.cos(bend)], [0.0, 0.0, -1.0]])
        runs = [
            bk.simulate(system, theory, bk.Directions(start), bk.times(stop, 2, step=0.01))
            for theory in (bk.QuantumLLG(0.5), bk.LLG(0.5))
        ]
        return np.abs(runs[0].spin_direction.values - runs[1].spin_direction.values).max()

    at_minimum, bent, at_maximum = (
        [distance(spin, *system) for spin in (2.0, 8.0)]
        for system in ((-1.0, 0.05, 0.5), (-1.0, 0.5, 0.5), (1.0, 0.5, 1.5))
    )
    assert at_minimum[0] / at_minimum[1] == pytest.approx(4, rel=0.2), at_minimum
    assert bent[0] / bent[1] < 2.5, bent
    assert at_maximum[1] > at_maximum[0] > 0.5, at_maximum
