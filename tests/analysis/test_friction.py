"""Electronic friction of any Hamiltonian: many electrons against one, bases, rotations, positivity and checks."""

import functools
import itertools

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
import pytest
import scipy.linalg
import scipy.stats
from hypothesis import given
from hypothesis import strategies as st

from brackish.analysis import friction as ef
from brackish.errors import InvalidInput
from brackish.quantum import IndependentElectrons, ManyElectronStates

ORBITALS, COORDINATES = 3, 2
POSITION = jnp.array([0.3, -0.2])
TIMES = jnp.array([0.0, 0.7, 3.1])
FREQUENCIES = jnp.array([0.9, -0.9, 0.02, -0.02])
BROADENINGS = [ef.Lorentzian(0.1), ef.GaussianBroadening(0.1), ef.FiniteTime(0.1), ef.UpToTime(9.0)]


def one_electron(seed, is_real=False):
    """Orbitals about 1 apart, mixed smoothly by both coordinates."""
    draw = np.random.default_rng(seed)
    parts = draw.normal(size=(2 * COORDINATES, ORBITALS, ORBITALS))
    if not is_real:
        parts = parts + 1j * draw.normal(size=parts.shape)
    parts = 0.3 * (parts + parts.conj().swapaxes(1, 2))

    def matrix(q):
        weights = jnp.concatenate([jnp.sin(q), jnp.cos(2 * q)])
        return jnp.diag(jnp.arange(ORBITALS) - 1.0) + jnp.tensordot(weights, parts, 1)

    return matrix


@functools.cache
def creation_operators():
    """c^dagger of each orbital in the space of all occupations, with the signs of Jordan and Wigner."""
    raising, sign, one = np.array([[0.0, 0.0], [1.0, 0.0]]), np.diag([1.0, -1.0]), np.eye(2)
    return [
        functools.reduce(np.kron, [sign] * place + [raising] + [one] * (ORBITALS - place - 1))
        for place in range(ORBITALS)
    ]


def all_electrons(matrix, chemical_potential):
    """The same electrons as states of all of them: sum (h_ij - mu) c^dagger_i c_j."""
    create = creation_operators()
    pairs = np.array([[a @ b.T for b in create] for a in create])

    def many(q):
        shifted = matrix(q) - chemical_potential * jnp.eye(ORBITALS)
        return jnp.tensordot(shifted, pairs, 2)

    return many


class Everything(eqx.Module):
    """All kernels of some electrons at one place."""

    correlation: ef.ForceCorrelation
    markov: list
    field: jax.Array
    spectrum: jax.Array
    excitation: jax.Array


def everything(electrons, levels):
    broadening = ef.GaussianBroadening(0.1)
    return Everything(
        ef.force_correlation(electrons, levels, TIMES),
        [ef.markov_kernel(electrons, levels, each) for each in BROADENINGS],
        ef.pseudo_magnetic_field(electrons, levels),
        ef.friction_spectrum(electrons, levels, FREQUENCIES, broadening),
        ef.excitation_kernel(electrons, levels, FREQUENCIES, broadening),
    )


kernels = eqx.filter_jit(everything)
levels_at = eqx.filter_jit(ef.electronic_levels)
correlation, kubo_correlation = (
    eqx.filter_jit(ef.force_correlation),
    eqx.filter_jit(ef.kubo_force_correlation),
)
markov_kernel = eqx.filter_jit(ef.markov_kernel)
pseudo_magnetic_field = eqx.filter_jit(ef.pseudo_magnetic_field)
ground_state_correlation = eqx.filter_jit(ef.ground_state_correlation)
ground_state_friction = eqx.filter_jit(ef.ground_state_friction)
excitation_kernel = eqx.filter_jit(ef.excitation_kernel)


def largest_difference(first, second):
    """Of any entry, as a share of the largest of its array, or of 1 where that is larger."""
    leaves = zip(jax.tree_util.tree_leaves(first), jax.tree_util.tree_leaves(second), strict=True)
    return max(np.abs(np.asarray(a - b)).max() / max(1.0, np.abs(np.asarray(a)).max()) for a, b in leaves)


def test_independent_electrons_are_many_electron_states():
    """Eq. (121) against (114), (116) and (119) in the space of all occupations, where nothing is known of orbitals."""
    temperature, chemical_potential = 0.6, 0.15
    matrix = one_electron(0)
    orbitals = kernels(IndependentElectrons(temperature, chemical_potential), levels_at(matrix, POSITION))
    states = kernels(
        ManyElectronStates(temperature), levels_at(all_electrons(matrix, chemical_potential), POSITION)
    )
    # sums over 64 pairs instead of 9
    assert largest_difference(orbitals, states) < 1e-13


def test_spins_are_counted():
    levels = levels_at(one_electron(0), POSITION)
    one, both = (kernels(IndependentElectrons(0.6, 0.15, spins), levels) for spins in (1, 2))
    assert largest_difference(jax.tree_util.tree_map(lambda x: 2 * x, one), both) < 1e-13


@pytest.mark.parametrize("seed", [1, 2])
def test_the_two_forms_of_the_kernel(seed):
    """(114) by the derivative of the density matrix, (117) by integrals over the inverse temperature, by quadrature."""
    beta = 1.7
    electrons, matrix = ManyElectronStates(1 / beta), one_electron(seed)
    levels = levels_at(matrix, POSITION)
    hamiltonian = np.asarray(matrix(POSITION))
    forces = -np.moveaxis(np.asarray(jax.jacfwd(matrix)(POSITION)), -1, 0)
    rho = np.asarray(electrons.density(jnp.asarray(hamiltonian)))
    forces = forces - np.einsum("ab,kba->k", rho, forces)[:, None, None] * np.eye(ORBITALS)
    nodes, weights = np.polynomial.legendre.leggauss(24)
    expected = np.zeros((len(TIMES), COORDINATES, COORDINATES), complex)
    for alpha, weight in zip(0.5 * beta * (nodes + 1), 0.5 * beta * weights, strict=True):
        up, down = scipy.linalg.expm(alpha * hamiltonian), scipy.linalg.expm(-alpha * hamiltonian)
        for place, time in enumerate(TIMES):
            turn = scipy.linalg.expm(1j * hamiltonian * time)
            moved = [turn @ force @ turn.conj().T for force in forces]
            for k, j in itertools.product(range(COORDINATES), repeat=2):
                expected[place, k, j] += weight * np.trace(rho @ up @ forces[j] @ down @ moved[k])
    for kernel in (correlation, kubo_correlation):
        assert np.abs(kernel(electrons, levels, TIMES).total - expected).max() < 1e-12


@given(seed=st.integers(0, 10_000))
def test_bases_and_phases_do_not_matter(seed):
    """Eigenvectors with any phases, a degenerate level in any basis, the whole matrix in another basis."""
    draw = np.random.default_rng(seed)
    energies = jnp.array([-0.4, 0.3, 0.3])
    forces = draw.normal(size=(2, 3, 3)) + 1j * draw.normal(size=(2, 3, 3))
    forces = forces + forces.conj().swapaxes(1, 2)
    turned = scipy.linalg.block_diag(
        np.exp(2j * np.pi * draw.random()), scipy.stats.unitary_group.rvs(2, random_state=seed)
    )
    for electrons in (ManyElectronStates(0.3), IndependentElectrons(0.3, 0.1)):
        before, after = (
            kernels(electrons, ef.ElectronicLevels(energies, jnp.asarray(d)))
            for d in (forces, turned.conj().T @ forces @ turned)
        )
        assert largest_difference(before, after) < 1e-13


@given(angle=st.floats(0, 6.3), seed=st.integers(0, 100))
def test_tensors_turn_with_the_coordinates(angle, seed):
    turn = np.array([[np.cos(angle), -np.sin(angle)], [np.sin(angle), np.cos(angle)]])
    levels = levels_at(one_electron(seed), POSITION)
    turned = ef.ElectronicLevels(levels.energies, jnp.tensordot(turn, levels.derivatives, 1))
    electrons = IndependentElectrons(0.6, 0.15)
    expected = jax.tree_util.tree_map(lambda tensor: turn @ tensor @ turn.T, kernels(electrons, levels))
    assert largest_difference(kernels(electrons, turned), expected) < 1e-13


@given(seed=st.integers(0, 10_000), temperature=st.floats(0.05, 3.0))
def test_what_holds_for_any_electrons(seed, temperature):
    levels = levels_at(one_electron(seed), POSITION)
    for electrons in (ManyElectronStates(temperature), IndependentElectrons(temperature, 0.15)):
        found = kernels(electrons, levels)
        scale = float(jnp.max(jnp.abs(found.spectrum))) + 1e-300
        # never negative, at any frequency, but for a kernel cut off at a time
        assert np.linalg.eigvalsh(found.spectrum).min() > -1e-13 * scale
        for markov in found.markov[:3]:
            assert np.linalg.eigvalsh(markov.friction).min() > -1e-13 * np.abs(markov.friction).max()
        assert np.linalg.eigvalsh(found.correlation.persistent).min() > -1e-12
        # detailed balance, eq. (120)
        for there, back in ((0, 1), (2, 3)):
            balance = (
                found.excitation[there] + jnp.exp(FREQUENCIES[there] / temperature) * found.excitation[back].T
            )
            assert np.abs(balance).max() < 1e-12 * np.abs(found.excitation[there]).max() + 1e-300
        # one is symmetric and one antisymmetric, by construction and by value
        for markov in found.markov:
            assert (
                np.abs(markov.friction - markov.friction.T).max()
                < 1e-12 * np.abs(markov.friction).max() + 1e-300
            )
            assert (
                np.abs(markov.magnetic + markov.magnetic.T).max()
                < 1e-12 * np.abs(markov.magnetic).max() + 1e-300
            )


def test_a_real_hamiltonian_has_no_magnetic_field():
    levels = levels_at(one_electron(3, is_real=True), POSITION)
    found = kernels(ManyElectronStates(0.4), levels)
    assert np.abs(found.field).max() == 0.0
    for markov in found.markov:
        assert np.abs(markov.magnetic).max() == 0.0
    symmetric = found.correlation.decaying
    assert np.abs(symmetric - symmetric.swapaxes(1, 2)).max() < 1e-13


def test_the_field_is_the_thermal_mean_of_curvatures():
    """Each level's own curvature from small loops of overlaps, weighted with its occupation."""
    electrons, matrix, side = ManyElectronStates(0.5), one_electron(4), 1e-3
    corners = [(-1, -1), (1, -1), (1, 1), (-1, 1)]
    states = [np.linalg.eigh(matrix(POSITION + 0.5 * side * jnp.array(c)))[1] for c in corners]
    overlaps = [a.conj().T @ b for a, b in zip(states, states[1:] + states[:1], strict=True)]
    loop = np.prod([np.diagonal(overlap) for overlap in overlaps], axis=0)
    levels = levels_at(matrix, POSITION)
    # the phase of a loop is minus Im q_xy of both orders, times its area
    expected = np.sum(electrons.occupations(levels.energies) * np.angle(loop)) / side**2
    assert abs(abs(pseudo_magnetic_field(electrons, levels)[0, 1]) - abs(expected)) < 1e-4 * abs(expected)


def test_temperature_zero_is_the_ground_state_alone():
    """(108) and (110) against (114) and (116) of no temperature, and of a very low one."""
    levels, rate = levels_at(one_electron(5), POSITION), jnp.asarray(0.1)
    cold, nearly = ManyElectronStates(0.0), ManyElectronStates(5e-3)
    expected = 2 * ground_state_correlation(levels, TIMES).real
    bar = ground_state_friction(levels, rate)
    for electrons in (cold, nearly):
        found = correlation(electrons, levels, TIMES)
        assert np.abs(found.decaying - expected).max() < 1e-12
        assert np.abs(found.persistent).max() < 1e-12
        markov = markov_kernel(electrons, levels, ef.FiniteTime(rate))
        assert np.abs(markov.friction - markov.magnetic - bar.real).max() < 1e-12
    # the regulator reaches the geometric tensor as its square
    vanishing = ground_state_friction(levels, jnp.asarray(1e-7)).real
    field = pseudo_magnetic_field(cold, levels)
    assert np.abs(0.5 * (vanishing.T - vanishing) - field).max() < 1e-12
    assert np.all(excitation_kernel(cold, levels, FREQUENCIES, ef.Lorentzian(0.1))[1::2] == 0)


def test_a_width_below_the_distance_of_levels_is_refused():
    energies = np.linspace(-1.0, 1.0, 100)
    warm = IndependentElectrons(0.05)
    for broadening in (ef.Lorentzian(0.03), ef.GaussianBroadening(0.03), ef.UpToTime(2 * np.pi / 0.03)):
        ef.check_broadening(warm, energies, broadening)
    for broadening in (ef.Lorentzian(0.01), ef.GaussianBroadening(0.01), ef.UpToTime(2 * np.pi / 0.01)):
        with pytest.raises(InvalidInput, match=rf"{type(broadening).__name__} resolves 0.01 .* 0.0202"):
            ef.check_broadening(warm, energies, broadening)
    ef.check_broadening(warm, energies, ef.FiniteTime(1e-6))
    # levels far from the chemical potential may be as far apart as they like
    ef.check_broadening(warm, np.concatenate([energies, [3.0, 9.0]]), ef.Lorentzian(0.03))
    with pytest.raises(InvalidInput, match="one level alone"):
        ef.check_broadening(warm, np.zeros(1), ef.Lorentzian(0.03))
    with pytest.raises(InvalidInput, match="degenerate"):
        ef.check_broadening(IndependentElectrons(0.0), np.array([-0.01, 0.0, 0.01]), ef.Lorentzian(0.03))


def test_a_tensor_that_is_not_positive():
    bad = np.array([[1.0, 2.0], [2.0, 1.0]])
    with pytest.raises(InvalidInput, match="lowest eigenvalue is -1"):
        ef.check_positive(bad)
    with pytest.raises(InvalidInput, match="symmetric"):
        ef.check_positive(np.array([[1.0, 0.1], [-0.1, 1.0]]))
    with pytest.raises(InvalidInput, match="finite"):
        ef.check_positive(np.array([[np.nan]]))
    clipped = ef.positive_part(jnp.asarray(bad))
    assert np.abs(clipped - 1.5 * np.ones((2, 2))).max() < 1e-14
    ef.check_positive(clipped)
    ef.check_positive(np.zeros((2, 2)))


@pytest.mark.parametrize("kind", [ef.Lorentzian, ef.GaussianBroadening, ef.FiniteTime, ef.UpToTime])
def test_a_broadening_is_a_peak_of_weight_one(kind):
    broadening = kind(0.2) if kind is not ef.UpToTime else kind(5.0)
    energy = np.linspace(-2000, 2000, 2_000_001)
    # the wings of a Lorentzian hold 2 w / pi E beyond E, those of a sine 2 / pi E t at most
    assert abs(np.trapezoid(broadening.resonance(energy), energy) - 1) < 1e-4
    with pytest.raises(InvalidInput, match="must be positive"):
        kind(0.0)
