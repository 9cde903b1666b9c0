"""Liouville, Koopman–von Neumann, Koopman–van Hove and hybrid Koopman fields against closed forms.

On spheres: characteristics, rigid rotations, one small eigenproblem for each degree, and reference numbers of another
code. On the plane: the Liouville equation by trajectories run backwards. Each Hamiltonian is one family with
parameters, so that one program serves many systems.
"""

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
import pytest
from jax.tree_util import Partial
from scipy.integrate import solve_ivp
from scipy.spatial.transform import Rotation
from scipy.special import sph_harm_y

import brackish as bk
from brackish.grids import hybrid_fields
from brackish.integrators import BlanesMoan, Exponential
from brackish.quantum import pauli_x, pauli_y, pauli_z
from brackish.theories.fields.hybrid_koopman import HybridKoopmanState
from brackish.theories.fields.koopman_van_hove import KoopmanVanHoveState

PAULI = np.stack([pauli_x.astype(complex), pauli_y, pauli_z.astype(complex)])
TILT = np.array([np.sqrt(0.75), 0.0, 0.5])
"""Where the clouds of the reference start, with concentration 10."""
POINTS = np.array([[2.5, 2.0, 3.0], [-3.0, 8.0, 1.0], [9.0, -1.0, 2.0], [1.0, -6.0, -7.0]])
POINTS /= np.linalg.norm(POINTS, axis=1, keepdims=True)


def spin_energy(field, twist, n):
    return jnp.sum(field * n[0]) + 0.5 * twist * n[0, 2] ** 2


def spin_coupling(linear, square, n):
    strengths = jnp.sum(linear * n[0][None, :], axis=1) + square * n[0, 2] ** 2
    return jnp.sum(jnp.asarray(PAULI) * strengths[:, None, None], axis=0)


def nothing(levels, z):
    return jnp.zeros((levels, levels))


def classical_spin(field=(0.0, 0.0, 0.0), twist=0.0, length=1.0):
    """B.n + twist n_z^2 / 2, one level."""
    return bk.hamiltonian(
        Partial(nothing, 1),
        manifold=bk.Spheres(1, length),
        external=Partial(spin_energy, np.asarray(field, float), np.asarray(float(twist))),
    )


def hybrid_spin(field, twist, linear, square, quantum):
    """B.n + twist n_z^2 / 2 + sum_a sigma_a (linear_a . n + square_a n_z^2 + quantum_a)."""
    return bk.hamiltonian(
        Partial(spin_coupling, np.asarray(linear, float), np.asarray(square, float)),
        manifold=bk.Spheres(1),
        quantum=np.tensordot(np.asarray(quantum, complex), PAULI, axes=1),
        external=Partial(spin_energy, np.asarray(field, float), np.asarray(float(twist))),
    )


def paper_spin(gamma):
    """n_z / 2 + n_x sigma_x + gamma sigma_z."""
    linear = np.zeros((3, 3))
    linear[0, 0] = 1.0
    return hybrid_spin([0, 0, 0.5], 0.0, linear, np.zeros(3), [0, 0, gamma])


def cloud(direction=TILT, concentration=10.0, state=0):
    return bk.VonMisesFisher(direction, concentration, state)


@eqx.filter_jit
def start(theory, hamiltonian, preparation):
    return theory.prepare(hamiltonian, preparation, jnp.arange(1), jax.random.key(0))[0]


@eqx.filter_jit
def after(theory, hamiltonian, y, dt, steps=1, integrator=None):
    integrator = Exponential() if integrator is None else integrator
    step = integrator.stepper(theory, hamiltonian, dt)
    return jax.lax.fori_loop(0, steps, lambda _, y: step(0.0, y, None)[0], y)


def moved(theory, hamiltonian, y, time, steps=1, integrator=None):
    """The state after a time; neither time nor the number of steps is a constant of the program."""
    return after(theory, hamiltonian, y, jnp.asarray(time / steps), jnp.asarray(steps), integrator)


@eqx.filter_jit
def density_of(theory, hamiltonian, y):
    weight = theory.classical_points(hamiltonian, y).weight
    return weight.reshape(theory.grid.shape) / theory.grid.weights()


@eqx.filter_jit
def mean_direction(theory, hamiltonian, y):
    points = theory.classical_points(hamiltonian, y)
    return jnp.sum(points.weight[:, None] * points.point[:, 0], axis=0)


def directions(grid):
    return grid.points()[:, 0].reshape(*grid.shape, 3)


def von_mises_fisher(direction, concentration, n):
    norm = concentration / (2 * np.pi * (1 - np.exp(-2 * concentration)))
    return norm * np.exp(concentration * (n @ direction - 1))


def at_directions(grid, field, n):
    """A field at any direction, by its spherical harmonics."""
    amplitudes = np.asarray(grid.transform(jnp.asarray(field, complex)))
    polar, azimuth = np.arccos(n[:, 2]), np.arctan2(n[:, 1], n[:, 0])
    return sum(
        amplitudes[m, degree] * sph_harm_y(degree, m, polar, azimuth)
        for degree in range(grid.latitudes)
        for m in range(-degree, degree + 1)
    )


# -- spheres: classical motion ------------------------------------------------------------------------------


@pytest.mark.parametrize("kind", [bk.KoopmanVonNeumann, bk.Liouville, bk.KoopmanVanHove])
def test_twisting_by_characteristics(kind):
    """Azimuths turn by n_z t: the mean direction is an integral over the starting density."""
    theory, twisted = kind(bk.SphereGrid(24)), classical_spin(twist=1.0)
    end = moved(theory, twisted, start(theory, twisted, cloud()), 1.0)
    # reference numbers: by quadrature along characteristics, and by another spectral code
    np.testing.assert_allclose(
        mean_direction(theory, twisted, end), [0.692836290945, 0.298510128319, 0.450000002061], atol=1e-11
    )
    if kind is bk.KoopmanVonNeumann:
        later = moved(theory, twisted, end, 4.0)
        spectral = [-0.203491659403, 0.280659235134, 0.450000002061]
        np.testing.assert_allclose(mean_direction(theory, twisted, later), spectral, atol=1e-11)
        norm = float(theory.grid.integrate(jnp.abs(later.psi) ** 2))
        assert abs(norm - 1) < 1e-13
        assert float(jnp.min(density_of(theory, twisted, later))) >= 0


@pytest.mark.parametrize("kind", [bk.KoopmanVonNeumann, bk.KoopmanVanHove])
@pytest.mark.parametrize("length", [1.0, 0.5])
def test_linear_hamiltonians_are_rigid_rotations(kind, length):
    field, time = np.array([0.3, -0.2, 0.9]), 2.0
    theory, system = kind(bk.SphereGrid(24, length=length)), classical_spin(field, length=length)
    end = moved(theory, system, start(theory, system, cloud()), time)
    turned = Rotation.from_rotvec(field * time / length).apply(TILT)
    exact = von_mises_fisher(turned, 10.0, directions(theory.grid))
    np.testing.assert_allclose(density_of(theory, system, end), exact, atol=1e-13)


# the part of the exponent that the unit sphere does not fix makes the radial derivative
def on_all_vectors(n):
    envelope = np.exp(5.0 * n @ TILT - 2.5 * np.sum(n**2, axis=-1))
    return envelope * np.exp(1j * (0.3 * n[..., 0] + 0.2 * n[..., 1] * n[..., 2]))


def van_hove_state(grid):
    n, step = directions(grid), 1e-3
    stencil = ((1, 4 / 5), (2, -1 / 5), (3, 4 / 105), (4, -1 / 280))
    ends = (
        (k, c, on_all_vectors(n * (1 + k * step)) - on_all_vectors(n * (1 - k * step))) for k, c in stencil
    )
    radial = sum(c * difference / step for k, c, difference in ends)
    return KoopmanVanHoveState(jnp.asarray(on_all_vectors(n)), jnp.asarray(radial))


def test_van_hove_density_is_carried_along_trajectories():
    """The reference point of eq. (15), and every extension gives the same classical motion."""
    grid, system = bk.SphereGrid(30), classical_spin(twist=1.0)
    theory = bk.KoopmanVanHove(grid, planck=0.5, extension=bk.AsWritten())
    y = van_hove_state(grid)
    end = density_of(theory, system, moved(theory, system, y, 1.3))
    value = at_directions(grid, end, POINTS[:1])[0]
    np.testing.assert_allclose(value, 357.726430565, rtol=1e-8)
    # the phase matters: a wavefunction moved without it misses
    still = bk.KoopmanVanHove(grid, planck=0.5, extension=bk.Homogeneous(1.0))
    without = moved(still, system, y, 1.3)
    np.testing.assert_allclose(density_of(still, system, without), end, atol=1e-7 * float(jnp.max(end)))
    mixed = KoopmanVanHoveState(without.psi, moved(theory, system, y, 1.3).radial)
    assert np.max(np.abs(density_of(theory, system, mixed) - end)) > 1.0


# -- spheres: the hybrid ------------------------------------------------------------------------------------


def test_hybrid_reference_numbers_and_where_the_classical_density_is_negative():
    """koopman.json, section sphere, hybrid_spinor_eq28 at t = 0.5, 1, 2."""
    theory = bk.HybridKoopman(bk.SphereGrid(22), planck=0.5)
    run = bk.simulate(paper_spin(0.7), theory, cloud(), bk.times(2.0, 4)).isel(time=[1, 2, 4])
    excited = [0.101107122679, 0.158840563079, 0.136186752856]
    coherence = [-0.000666983248842 - 0.00264915683809j, -0.021672595656 - 0.0321233342264j]
    np.testing.assert_allclose(run.population.values[:, 1], excited, atol=1e-11)
    np.testing.assert_allclose(run.density_matrix.values[:2, 0, 1], coherence, atol=1e-11)
    # the reference looked at the nodes of its own grid, the same as here
    least, mass = [-0.00266462593533, -0.288477264818, -0.182331398744], [-0.000262623326, -0.115111866408]
    np.testing.assert_allclose(run.least_density, least, atol=1e-10)
    np.testing.assert_allclose(run.negative_mass[:2], mass, atol=1e-10)
    assert np.all(run.least_eigenvalue > 0.1)
    assert np.ptp(run.energy.values) < 1e-13
    assert np.max(np.abs(run.norm.values - 1)) < 1e-13
    there = run.least_density_place.values[1]
    row = np.argmin(np.abs(run.node_polar_angle.values - there[0]))
    column = np.argmin(np.abs(run.node_azimuth.values - there[1]))
    assert float(run.classical_density[1, row, column]) == pytest.approx(float(run.least_density[1]))

    values = at_directions(theory.grid, run.classical_density.values[1], POINTS)
    np.testing.assert_allclose(values, [0.70459775873, 0.00742603859, 0.605079137184, 1.42073e-06], atol=1e-7)

    quiet = bk.simulate(paper_spin(0.0), theory, cloud(), bk.times(2.0, 4)).isel(time=[1, 2, 4])
    np.testing.assert_allclose(
        quiet.population.values[:, 1], [0.119654705555, 0.317113040406, 0.470897714654]
    )
    assert np.all(quiet.least_density > 0)
    assert np.all(quiet.negative_mass == 0)


def angular_momentum(degree):
    """L_x, L_y, L_z on Y_lm, m = -l ... l."""
    m = np.arange(-degree, degree + 1)
    raising = np.diag(np.sqrt(degree * (degree + 1) - m[:-1] * (m[:-1] + 1)), -1)
    return (raising + raising.T) / 2, (raising - raising.T) / 2j, np.diag(m)


def test_linear_hybrids_are_one_small_eigenproblem_for_each_degree():
    """H = H_c + b_i n_i: i hbar dUpsilon/dt = (hbar b.L + H_c) Upsilon, by scipy's harmonics and numpy's eigh."""
    rng, planck, time = np.random.default_rng(3), 0.7, 1.7
    field, linear, quantum = rng.normal(size=3), rng.normal(size=(3, 3)), rng.normal(size=3)
    system = hybrid_spin(field, 0.0, linear, np.zeros(3), quantum)
    theory = bk.HybridKoopman(bk.SphereGrid(6), planck, bk.AsWritten())
    grid, amplitudes = theory.grid, {}
    polar, azimuth = np.meshgrid(*(values for values, _, _ in grid.axes().values()), indexing="ij")
    first, last = np.zeros((2, 2, *grid.shape), complex)
    generator = [field[i] * np.eye(2) + np.tensordot(linear[:, i], PAULI, axes=1) for i in range(3)]
    for degree in range(7):
        waves = [sph_harm_y(degree, m, polar, azimuth) for m in range(-degree, degree + 1)]
        amplitudes = rng.normal(size=(2 * degree + 1, 2)) + 1j * rng.normal(size=(2 * degree + 1, 2))
        whole = np.kron(np.eye(2 * degree + 1), np.tensordot(quantum, PAULI, axes=1))
        for component, matrix in zip(angular_momentum(degree), generator, strict=True):
            whole = whole + planck * np.kron(component, matrix)
        energies, vectors = np.linalg.eigh(whole)
        phases = np.exp(-1j * energies * time / planck)
        end = vectors @ (phases * (vectors.conj().T @ amplitudes.ravel()))
        first += np.tensordot(amplitudes.T, waves, axes=1)
        last += np.tensordot(end.reshape(-1, 2).T, waves, axes=1)
    for steps in (1, 5):
        got = moved(theory, system, HybridKoopmanState(jnp.asarray(first)), time, steps).psi
        np.testing.assert_allclose(got, last, atol=1e-12 * np.abs(last).max())


def smooth_spinor(grid, seed, degree=3):
    """A random spinor of low degree, so that products with it are exact on the nodes."""
    rng = np.random.default_rng(seed)
    psi = rng.normal(size=(2, *grid.shape)) + 1j * rng.normal(size=(2, *grid.shape))
    psi = grid.inverse_transform(
        grid.transform(jnp.asarray(psi)) * jnp.asarray(np.arange(grid.latitudes) <= degree)[None, None]
    )
    return HybridKoopmanState(psi / jnp.sqrt(grid.integrate(jnp.sum(jnp.abs(psi) ** 2, axis=0))))


@eqx.filter_jit
def identities(theory, hamiltonian, y, weights_of_divergence):
    """i hbar d rho/dt and d rho_c/dt by differentiation of the state; [H, D] and Tr{H, D} from D and its own gradient.

    `weights_of_divergence`: H_r and L at the nodes, which stand for what the divergence is across a thin shell.
    """
    grid, planck = theory.grid, theory.planck
    change = theory.flow(hamiltonian, 0.0, y)
    _, by_quantum = jax.jvp(lambda y: theory.quantum_density(hamiltonian, y), (y,), (change,))
    trace = lambda y: jnp.trace(theory.hybrid_operator(hamiltonian, y)).real  # noqa: E731
    _, by_classical = jax.jvp(trace, (y,), (change,))
    points = jax.tree_util.tree_map(jnp.asarray, grid.points())
    operator = jnp.moveaxis(jax.vmap(hamiltonian.operator)(points), 0, -1).reshape(2, 2, *grid.shape)
    hybrid = theory.hybrid_operator(hamiltonian, y)
    pure = y.psi[:, None] * jnp.conj(y.psi)[None]
    slope, lagrangian = weights_of_divergence

    def commutator(a, b):
        return jnp.einsum("ijxy,jkxy->ikxy", a, b) - jnp.einsum("ijxy,jkxy->ikxy", b, a)

    def motion_of_trace(matrices):
        """Tr{H, M} with the exact vector field of H and waves for the derivatives of M."""
        gradient, fields = grid.gradient(matrices), hybrid_fields(hamiltonian, grid)
        classical = jnp.sum(fields.classical_flow * jnp.trace(gradient, axis1=1, axis2=2), axis=0)
        return -(classical + jnp.einsum("cijxy,cjixy->xy", fields.operator_flow, gradient)).real

    def traced_bracket(a, b):
        brackets = grid.bracket(grid.gradient(a), jnp.swapaxes(grid.gradient(b), 1, 2))
        return jnp.sum(brackets, axis=(0, 1)).real

    expected_quantum = grid.integrate(commutator(operator, hybrid) - commutator(slope, pure))
    expected_classical = motion_of_trace(hybrid) - traced_bracket(lagrangian, pure)
    return 1j * planck * by_quantum, expected_quantum, by_classical, expected_classical


FIELD, LINEAR, SQUARE, QUANTUM = np.split(np.random.default_rng(5).normal(size=18), [3, 12, 15])
LINEAR = LINEAR.reshape(3, 3)


def nonlinear_spin(turn=1.0, strength=1.0):
    """A Hamiltonian of all terms; its Pauli matrices turned, its interaction scaled."""
    turn = turn * np.eye(3) if np.ndim(turn) == 0 else turn
    return hybrid_spin(FIELD, 0.8, strength * turn @ LINEAR, strength * turn @ SQUARE, turn @ QUANTUM)


@pytest.mark.parametrize("extension", [bk.Homogeneous(1.0), bk.AsWritten()], ids=lambda e: type(e).__name__)
def test_spherical_hybrid_obeys_its_equations_of_motion(extension):
    """(31) and (32), across the shell: what the divergence gives is there, and is seen when left out."""
    system = nonlinear_spin()
    theory = bk.HybridKoopman(bk.SphereGrid(12), 0.6, extension)
    n = np.moveaxis(directions(theory.grid), -1, 0)
    parts = [
        np.asarray(jax.vmap(system.classical)(theory.grid.points())).reshape(theory.grid.shape),
        0.8 * 0.5 * n[2] ** 2,
    ]
    identity = np.eye(2)[:, :, None, None]
    classical, twist = (identity * part for part in parts)
    interaction = np.moveaxis(np.asarray(jax.vmap(system.interaction)(theory.grid.points())), 0, -1)
    interaction = interaction.reshape(2, 2, *theory.grid.shape)
    quadratic = twist + np.tensordot(SQUARE, PAULI, axes=1)[:, :, None, None] * n[2] ** 2
    constant = np.tensordot(QUANTUM, PAULI, axes=1)[:, :, None, None] * np.ones(theory.grid.shape)
    # degree 1: H_r = H_C + H_I. As written n_z^2 is of degree 2, and counts twice
    slope = classical + interaction + (quadratic if isinstance(extension, bk.AsWritten) else 0)
    lagrangian = slope - classical - interaction - constant
    y = smooth_spinor(theory.grid, 1)
    weights = jnp.asarray(slope, complex), jnp.asarray(lagrangian, complex)
    quantum_rate, quantum_expected, classical_rate, classical_expected = identities(
        theory, system, y, weights
    )
    np.testing.assert_allclose(quantum_rate, quantum_expected, atol=1e-12)
    np.testing.assert_allclose(classical_rate, classical_expected, atol=1e-11)
    left_out = jax.tree_util.tree_map(jnp.zeros_like, weights)
    _, wrong_quantum, _, wrong_classical = identities(theory, system, y, left_out)
    assert np.max(np.abs(wrong_quantum - quantum_rate)) > 0.1
    if isinstance(extension, bk.Homogeneous):  # L is H_Q alone: (32) holds as printed
        np.testing.assert_allclose(wrong_classical, classical_rate, atol=1e-11)
    else:
        assert np.max(np.abs(wrong_classical - classical_rate)) > 0.1


def test_constant_unitaries_and_no_interaction():
    """Covariance under a change of the quantum basis; two sides that do not meet stay a product."""
    system = nonlinear_spin()
    theory = bk.HybridKoopman(bk.SphereGrid(12), 0.6)
    y = smooth_spinor(theory.grid, 2)
    unitary, _ = np.linalg.qr(np.random.default_rng(4).normal(size=(2, 2)) + 0.7j * PAULI[0])
    turned = HybridKoopmanState(jnp.tensordot(jnp.asarray(unitary), y.psi, axes=1))
    # U sigma_b U^dagger = sum_a turn_ab sigma_a
    turn = np.einsum("aij,jk,bkl,il->ab", PAULI, unitary, PAULI, unitary.conj()).real / 2
    there = moved(theory, nonlinear_spin(turn), turned, 0.8).psi
    np.testing.assert_allclose(
        there, jnp.tensordot(unitary, moved(theory, system, y, 0.8).psi, axes=1), atol=1e-12
    )

    apart = nonlinear_spin(strength=0.0)
    begin = start(theory, apart, cloud(concentration=2.0, state=[0.6, 0.8j]))
    end = moved(theory, apart, begin, 0.8)
    frequencies, vectors = np.linalg.eigh(np.tensordot(QUANTUM, PAULI, axes=1))
    local = vectors @ (np.exp(-1j * frequencies * 0.8 / 0.6) * (vectors.conj().T @ [0.6, 0.8j]))
    rho = theory.quantum_density(apart, end)
    np.testing.assert_allclose(rho, np.outer(local, local.conj()), atol=1e-12)
    # and the classical side moves by the Liouville equation of H_C
    alone = classical_spin(FIELD, 0.8)
    classical = bk.KoopmanVonNeumann(theory.grid)
    expected = moved(classical, alone, start(classical, alone, cloud(concentration=2.0)), 0.8)
    np.testing.assert_allclose(
        density_of(theory, apart, end), density_of(classical, alone, expected), atol=1e-12
    )


# -- the plane ----------------------------------------------------------------------------------------------


def well(stiffness, quartic, q):
    return 0.5 * stiffness * q[0] ** 2 + quartic * q[0] ** 4


def kinks(linear, q):
    return jnp.sum(jnp.asarray(PAULI) * (linear * jnp.sin(0.7 * q[0]))[:, None, None], axis=0)


def classical_well(quartic=0.02):
    parameters = np.asarray(1.0), np.asarray(quartic)
    return bk.hamiltonian(Partial(nothing, 1), [1.0], external=Partial(well, *parameters))


def hybrid_well(linear, quantum, quartic=0.02):
    return bk.hamiltonian(
        Partial(kinks, np.asarray(linear, float)),
        [1.0],
        quantum=np.tensordot(np.asarray(quantum, complex), PAULI, axes=1),
        external=Partial(well, np.asarray(1.0), np.asarray(quartic)),
    )


PLANE = bk.PhaseSpace((-6.0, -6.0), (6.0, 6.0), 90)
BLOB = bk.GaussianCloud(0.6, -0.3, 0.6, 0.6, state=[0.6, 0.8])


def plane_nodes(grid=PLANE):
    return grid.points().position[:, 0], grid.points().momentum[:, 0]


def backwards(quartic, time, q, p):
    """Where trajectories come from, by scipy."""
    flow = lambda t, z: np.concatenate([-z[q.size :], z[: q.size] + 4 * quartic * z[: q.size] ** 3])  # noqa: E731
    end = solve_ivp(flow, (0, time), np.concatenate([q, p]), method="DOP853", rtol=1e-10, atol=1e-10).y[:, -1]
    return end[: q.size], end[q.size :]


def gaussian(q, p):
    return np.exp(-((q - 0.6) ** 2 + (p + 0.3) ** 2) / 0.72) / (2 * np.pi * 0.36)


def van_hove_gaussian(q, p):
    """|chi|^2 + div[(z - mean) |chi|^2] / 2: what a Gaussian amplitude means in Koopman–van Hove theory."""
    return gaussian(q, p) * (2 - 0.5 * ((q - 0.6) ** 2 + (p + 0.3) ** 2) / 0.36)


@pytest.mark.parametrize(
    ("kind", "density"),
    [(bk.Liouville, gaussian), (bk.KoopmanVonNeumann, gaussian), (bk.KoopmanVanHove, van_hove_gaussian)],
)
def test_classical_fields_on_the_plane_by_trajectories_run_backwards(kind, density):
    theory, system, time = kind(PLANE), classical_well(), 1.2
    y = start(theory, system, bk.GaussianCloud(0.6, -0.3, 0.6, 0.6))
    q, p = plane_nodes()
    np.testing.assert_allclose(density_of(theory, system, y).ravel(), density(q, p), atol=2e-6)
    end = moved(theory, system, y, time, 20, BlanesMoan())
    exact = density(*backwards(0.02, time, q, p)).reshape(PLANE.shape)
    np.testing.assert_allclose(density_of(theory, system, end), exact, atol=2e-5)
    # the generator is another way to the same place
    np.testing.assert_allclose(density_of(theory, system, moved(theory, system, y, time)), exact, atol=2e-5)


def test_plane_hybrid_obeys_its_equations_of_motion_and_keeps_norm_and_energy():
    """(31) and (32) with the whole divergence, on the plane; shears of order 4 against the exponential."""
    system = hybrid_well([0.5, 0.2, -0.7], [0.3, 0.0, 0.4])
    theory = bk.HybridKoopman(PLANE, planck=0.8)
    y = moved(theory, system, start(theory, system, BLOB), 0.5)
    zero = jnp.zeros((2, 2, *PLANE.shape), complex)
    quantum_rate, quantum_expected, classical_rate, classical_expected = identities(
        theory, system, y, (zero, zero)
    )
    np.testing.assert_allclose(quantum_rate, quantum_expected, atol=1e-7)
    np.testing.assert_allclose(classical_rate, classical_expected, atol=1e-5)
    assert np.max(np.abs(quantum_rate)) > 0.05
    assert np.max(np.abs(classical_rate)) > 0.05
    energy = eqx.filter_jit(theory.energy)
    end = moved(theory, system, y, 1.5)
    assert abs(float(energy(system, end) - energy(system, y))) < 1e-12
    assert abs(float(jnp.trace(theory.quantum_density(system, end)).real) - 1) < 1e-12
    ends = [moved(theory, system, y, 1.5, steps, BlanesMoan()).psi for steps in (2, 4, 48)]
    errors = [float(jnp.max(jnp.abs(psi - ends[-1]))) for psi in ends[:-1]]
    assert 12 < errors[0] / errors[1] < 20
    np.testing.assert_allclose(end.psi, ends[-1], atol=1e-5)


def test_what_does_not_fit_is_refused_by_name():
    times = bk.times(1.0, 1)
    with pytest.raises(bk.UnsupportedHamiltonian, match="Liouville needs a Hamiltonian of 1 level"):
        bk.simulate(paper_spin(0.0), bk.Liouville(bk.SphereGrid(8)), cloud(), times)
    with pytest.raises(bk.UnsupportedHamiltonian, match="HybridKoopman needs a `grid` on Spheres"):
        bk.simulate(paper_spin(0.0), bk.HybridKoopman(), cloud(), times)
    with pytest.raises(bk.UnsupportedHamiltonian, match="SphereGrid needs Spheres"):
        bk.simulate(classical_well(), bk.KoopmanVanHove(bk.SphereGrid(8)), bk.GaussianPacket(0, 0, 1), times)
    with pytest.raises(bk.UnsupportedHamiltonian, match="Exponential needs a theory with a linear generator"):
        bk.simulate(paper_spin(0.0), bk.Ehrenfest(), cloud(), times, integrator=Exponential())
