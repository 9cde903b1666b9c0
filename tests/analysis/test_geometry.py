"""The quantum geometric tensor: closed forms, projectors moved by hand, no phase and no basis matters."""

import itertools

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from brackish.analysis import (
    adiabatic_energy,
    berry_curvature,
    diagonal_correction,
    fubini_study_metric,
    geometry,
    is_complex,
    level_resolvent,
    quantum_geometric_tensor,
)
from brackish.hamiltonians import change_basis, hamiltonian
from brackish.models._tully import double_arch, tully

MASSES = np.array([2.0, 0.7, 1.3])
ONE_COORDINATE = [tully(1), tully(2), tully(3), double_arch()]


def random_hermitian(seed, count, levels, is_real=False):
    draw = np.random.default_rng(seed)
    matrices = draw.normal(size=(count, levels, levels)) + 1j * draw.normal(size=(count, levels, levels))
    matrices = matrices + matrices.conj().swapaxes(1, 2)
    return matrices.real if is_real else matrices


def random_system(seed=0, levels=3, coordinates=3, is_real=False):
    """Levels about 2 apart, mixed smoothly and not linearly by every coordinate."""
    matrices = random_hermitian(seed, 2 * coordinates, levels, is_real)

    def potential(q):
        weights = jnp.concatenate([jnp.sin(q), jnp.cos(2 * q)])
        mixed = 0.2 * jnp.sum(weights[:, None, None] * matrices, axis=0)
        return jnp.diag(2.0 * jnp.arange(levels)) + mixed

    return hamiltonian(potential, masses=np.resize(MASSES, coordinates))


def cone(gap=0.5, slope=1.0):
    """gap sigma_z + slope (x sigma_x + y sigma_y)."""

    def potential(q):
        across = slope * (q[0] - 1j * q[1])
        return jnp.array([[gap + 0j, across], [jnp.conj(across), -gap + 0j]])

    return hamiltonian(potential, masses=[2.0, 2.0])


def compiled(function, *arguments):
    """One value of a function, in one compiled program: quicker than its operations one by one."""
    return jax.jit(function)(*arguments)


def tensors(system, position):
    """The geometric tensors of all levels, (d, n, n)."""

    def of_all_levels(q):
        return jnp.stack([quantum_geometric_tensor(system, q, level) for level in range(system.levels)])

    return compiled(of_all_levels, jnp.asarray(position))


def gradient_of_correction(system, position, level):
    return compiled(jax.grad(lambda q: diagonal_correction(system, q, level)), jnp.asarray(position))


def tensor_by_differences(system, position, level, step=2e-3):
    """Tr(P d_kP d_jP), with projectors from numpy and differences of fourth order."""
    shifts = np.concatenate(
        [[np.zeros_like(position)], *(c * step * np.eye(len(position)) for c in (1, -1, 2, -2))]
    )
    _, vectors = np.linalg.eigh(compiled(jax.vmap(system.potential), jnp.asarray(position + shifts)))
    own = vectors[:, :, level]
    projectors = own[:, :, None] * own[:, None, :].conj()
    plus, minus, far_plus, far_minus = np.split(projectors[1:], 4)
    slopes = (8 * (plus - minus) - (far_plus - far_minus)) / (12 * step)
    return np.einsum("ab,kbc,jca->kj", projectors[0], slopes, slopes)


@pytest.mark.parametrize(
    ("position", "curvature", "trace"),
    [
        # gap = 0.5, slope = 1, the lower level; from the closed forms B = gap slope^2 / 2R^3 and
        # g_xx + g_yy = (slope^2 gap^2 / R^4 + slope^2 / R^2) / 4 with R^2 = slope^2 r^2 + gap^2
        ([0.7, -0.3], 0.330615240933, 0.391929162433),
        ([1.5, 0.4], 0.0576258777711, 0.102818135564),
    ],
)
def test_cone_against_closed_forms(position, curvature, trace):
    system = cone()

    def everything(q):
        lower = quantum_geometric_tensor(system, q, 0)
        return lower, berry_curvature(system, q, 1), diagonal_correction(system, q, 0)

    lower, upper, correction = compiled(everything, jnp.array(position))
    assert abs(-2 * lower[0, 1].imag - curvature) < 1e-12
    assert abs(-2 * lower[1, 0].imag + curvature) < 1e-12
    assert abs(upper[0, 1] + curvature) < 1e-12
    assert abs(jnp.trace(lower) - trace) < 1e-12
    assert abs(correction - trace / 4) < 1e-12


@pytest.mark.parametrize("system", ONE_COORDINATE, ids=lambda system: type(system).__name__)
def test_one_coordinate_against_the_mixing_angle(system):
    """V = mean + r (cos t sigma_z + sin t sigma_x) turns states by t/2: phi_FS = t'^2 / 8m on each."""

    def slope_of_angle(x):
        matrix, slope = jax.jvp(lambda q: system.potential(q[None]), (x,), (jnp.ones(()),))
        z, x = 0.5 * (matrix[0, 0] - matrix[1, 1]), matrix[0, 1]
        z_slope, x_slope = 0.5 * (slope[0, 0] - slope[1, 1]), slope[0, 1]
        return (z * x_slope - x * z_slope) / (z**2 + x**2)

    positions = jnp.array([-4.7, -1.3, -0.4, 0.02, 0.9, 2.2, 4.1])
    expected = compiled(jax.vmap(slope_of_angle), positions) ** 2 / (8 * system.manifold.masses[0])
    for level in (0, 1):
        found = compiled(
            jax.vmap(lambda x, level=level: diagonal_correction(system, x[None], level)), positions
        )
        assert jnp.max(jnp.abs(found / expected - 1)) < 1e-11


@pytest.mark.parametrize(("levels", "is_real"), [(2, True), (2, False), (4, True), (4, False)])
def test_against_differences_of_projectors(levels, is_real):
    system, position = random_system(1, levels, 3, is_real), np.array([0.3, -0.5, 0.8])
    assert is_complex(system) != is_real

    def everything(q):
        functions = (quantum_geometric_tensor, fubini_study_metric, diagonal_correction)
        return [[function(system, q, level) for function in functions] for level in range(levels)]

    for level, (found, metric, correction) in enumerate(compiled(everything, jnp.asarray(position))):
        expected = tensor_by_differences(system, position, level)
        assert jnp.iscomplexobj(found) != is_real
        assert np.abs(found - expected).max() < 1e-8
        assert np.abs(metric - expected.real).max() < 1e-8
        assert abs(correction - 0.5 * np.sum(np.diagonal(expected).real / MASSES)) < 1e-8


def test_hermitian_positive_and_curvatures_of_all_levels_sum_to_zero():
    found = np.asarray(tensors(random_system(2, 4, 3), [0.3, -0.5, 0.8]))
    assert np.abs(found - found.conj().swapaxes(1, 2)).max() < 1e-14
    assert np.linalg.eigvalsh(found).min() > -1e-14
    assert np.abs(found.imag).max() > 1e-2
    assert np.abs(found.imag.sum(0)).max() < 1e-14


def test_curvature_has_no_divergence():
    """d_1 B_23 + d_2 B_31 + d_3 B_12 = 0: B is a curvature, and can be differentiated."""
    system = random_system(3)
    slopes = compiled(jax.jacfwd(lambda q: berry_curvature(system, q, 1)), jnp.array([0.3, -0.5, 0.8]))
    assert abs(slopes[1, 2, 0] + slopes[2, 0, 1] + slopes[0, 1, 2]) < 1e-13
    assert jnp.max(jnp.abs(slopes)) > 1e-2


@pytest.mark.parametrize("levels", [2, 3])
def test_the_basis_does_not_matter(levels):
    system, position = random_system(4, levels, 3), jnp.array([0.3, -0.5, 0.8])
    unitary = jnp.linalg.qr(random_hermitian(9, 1, levels)[0])[0]
    rotated = change_basis(system, unitary)

    assert jnp.max(jnp.abs(tensors(rotated, position) - tensors(system, position))) < 1e-12
    difference = gradient_of_correction(rotated, position, 1) - gradient_of_correction(system, position, 1)
    assert jnp.max(jnp.abs(difference)) < 1e-12


def test_phases_of_eigenvectors_do_not_matter(monkeypatch):
    system, position = random_system(4, 3, 3), jnp.array([0.3, -0.5, 0.8])
    counter, draw, solve = itertools.count(), np.random.default_rng(0), geometry.eigensystem

    def with_random_phases(matrix):
        next(counter)
        energies, vectors = solve(matrix)
        return energies, vectors * jnp.exp(1j * draw.uniform(0, 2 * np.pi, vectors.shape[0]))[None, :]

    def everything():
        return tensors(system, position), gradient_of_correction(system, position, 1)

    before = everything()
    monkeypatch.setattr(geometry, "eigensystem", with_random_phases)
    for one, other in zip(before, everything(), strict=True):
        assert jnp.max(jnp.abs(one - other)) < 1e-13
    assert next(counter) >= 2


@pytest.mark.parametrize(("levels", "is_real"), [(1, True), (2, True), (2, False), (4, False)])
@pytest.mark.parametrize("function", [adiabatic_energy, diagonal_correction])
def test_first_and_second_derivatives(function, levels, is_real):
    system, position, direction = (
        random_system(6, levels, 2, is_real),
        np.array([0.3, -0.5]),
        np.array([0.8, 0.6]),
    )

    def along(t):
        return function(system, position + t * direction, levels - 1)

    step = 1e-3
    at = step * jnp.arange(-2.0, 3.0)
    derivatives = (along, jax.grad(along), jax.grad(jax.grad(along)))
    for below, above in itertools.pairwise(compiled(jax.vmap(lambda t: [f(t) for f in derivatives]), at)):
        expected = (8 * (below[3] - below[1]) - (below[4] - below[0])) / (12 * step)
        assert abs(above[2] - expected) < 1e-8


def test_other_levels_may_be_degenerate():
    """V = 1 - 2 |u><u| with u on the sphere: g of the lowest of three levels is the round metric."""

    def potential(q):
        u = jnp.stack([jnp.cos(q[0]), jnp.sin(q[0]) * jnp.cos(q[1]), jnp.sin(q[0]) * jnp.sin(q[1])])
        return jnp.eye(3) - 2 * u[:, None] * u[None, :]

    system = hamiltonian(potential, masses=[1.0, 1.0])
    polar = 0.6
    position = jnp.array([polar, 1.1])
    round_metric = jnp.diag(jnp.array([1.0, np.sin(polar) ** 2]))
    assert jnp.max(jnp.abs(tensors(system, position)[0] - round_metric)) < 1e-13
    gradient = gradient_of_correction(system, position, 0)
    assert jnp.max(jnp.abs(gradient - jnp.array([np.sin(polar) * np.cos(polar), 0.0]))) < 1e-13


@pytest.mark.parametrize("is_real", [True, False])
def test_a_bath_of_many_modes(is_real):
    """More modes than matrix entries are differentiated and summed another way: the same numbers."""
    modes, matrices = 7, random_hermitian(8, 3, 2, is_real)
    strengths = np.linspace(0.1, 0.4, modes)
    masses = np.linspace(1.0, 2.0, modes)

    def potential(q):
        first, second = jnp.sum(strengths * q), jnp.sum(strengths[::-1] * q**2)
        return matrices[0] + first * matrices[1] + second * matrices[2]

    system = hamiltonian(potential, masses=masses)
    position = jnp.asarray(np.linspace(-0.5, 0.9, modes))
    expected = tensor_by_differences(system, np.asarray(position), 0)
    assert np.abs(tensors(system, position)[0] - expected).max() < 1e-8

    def by_tensor(q):
        return 0.5 * jnp.sum(jnp.diagonal(quantum_geometric_tensor(system, q, 0)).real / masses)

    value, slope = compiled(jax.value_and_grad(by_tensor), position)
    assert abs(compiled(lambda q: diagonal_correction(system, q, 0), position) - value) < 1e-14
    assert jnp.max(jnp.abs(gradient_of_correction(system, position, 0) - slope)) < 1e-13


def test_resolvent_inverts_on_the_other_levels():
    matrix = jnp.asarray(random_hermitian(11, 1, 4)[0])
    for level in range(4):
        energy, projector, resolvent = level_resolvent(matrix, level)
        others = np.eye(4) - projector
        assert np.abs(matrix @ projector - energy * projector).max() < 1e-13
        assert np.abs((energy * np.eye(4) - matrix) @ resolvent - others).max() < 1e-13
        assert np.abs(projector @ resolvent).max() < 1e-13
