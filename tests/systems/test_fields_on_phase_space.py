"""Theories of fields on phase space, against exact quantum mechanics, trajectories, and each other."""

import json
from pathlib import Path
from typing import ClassVar, NamedTuple

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
import pytest

import brackish as bk
from brackish.analysis import linear_growth_rate
from brackish.hamiltonians import change_basis
from brackish.integrators import RungeKutta4
from brackish.preparations import Preparation
from brackish.preparations.electronic import Amplitudes
from brackish.quantum import pauli_x, pauli_y, pauli_z
from brackish.theories.fields.aleksandrov_gerasimenko import HybridOperatorState
from brackish.theories.fields.ehrenfest_continuum import EhrenfestFieldState
from brackish.theories.fields.nonlinear_koopman import KoopmanSpinorState
from brackish.theory import Status

pytestmark = pytest.mark.slow

PUBLISHED = Path(__file__).parents[1] / "published" / "data" / "koopman.json"
NEGATIVE = json.loads(PUBLISHED.read_text())["misc"]["aleksandrov_gerasimenko"]
BOX = bk.PhaseSpace((-6.0, -6.0), (6.0, 6.0), 64)


def linear_coupling(q):
    return 0.7 * q[0] * pauli_x


RABI = bk.hamiltonian(linear_coupling, [1.0], frequencies=[1.0], quantum=pauli_z, step=0.05)


# -- Aleksandrov and Gerasimenko ---------------------------------------------------------------------------


@pytest.fixture(scope="module")
def squeezed():
    """A classical density well below the uncertainty relation."""
    cloud = bk.GaussianCloud(0.0, 0.0, 0.3, 0.3)
    grid = bk.PhaseSpace((-6.0, -6.0), (6.0, 6.0), 80)
    return bk.simulate(RABI, bk.AleksandrovGerasimenko(grid), cloud, bk.times(4.7, 47))


def test_a_density_below_uncertainty_makes_the_density_operator_indefinite(squeezed):
    for reference in NEGATIVE["runs"]:
        now = squeezed.sel(time=reference["t"], method="nearest")
        eigenvalues = np.linalg.eigvalsh(now.density_matrix.values)
        np.testing.assert_allclose(eigenvalues, reference["rho_q_eig"], atol=1e-6)
        np.testing.assert_allclose(now.purity, reference["purity"], atol=1e-6)
    assert squeezed.least_eigenvalue[-1] < -0.15
    assert squeezed.purity[-1] > 1.3
    np.testing.assert_allclose(squeezed.norm, 1.0, atol=1e-11)
    np.testing.assert_allclose(squeezed.energy, squeezed.energy[0], atol=1e-6)


def test_linear_coupling_to_a_harmonic_mode_is_exact_quantum_mechanics():
    packet = bk.GaussianPacket(0.6, -0.4, np.sqrt(0.5), state=[0.6, 0.8j])
    times = bk.times(3.0, 6, step=0.05)
    exact = bk.simulate(RABI, bk.Exact(bk.Grid(-8.0, 8.0, 64)), packet, times)
    fields = bk.simulate(RABI, bk.AleksandrovGerasimenko(BOX), packet, times)
    for name in ("density_matrix", "position", "momentum", "position_spread", "momentum_spread", "energy"):
        np.testing.assert_allclose(fields[name], exact[name], atol=1e-6, err_msg=name)
    assert float(fields.purity.min()) < 0.75


def test_dephasing_has_its_closed_form():
    system = bk.models.pure_dephasing(1.3, 0.7, 0.4)
    packet = bk.GaussianPacket(0.3, 0.2, np.sqrt(0.5), state=np.array([1.0, 1.0]) / np.sqrt(2))
    data = bk.simulate(system, bk.AleksandrovGerasimenko(BOX), packet, bk.times(4.0, 8, step=0.05))
    expected = 0.5 * system.exact_coherence(data.time.values, 0.3, 0.2)
    np.testing.assert_allclose(data.density_matrix[:, 0, 1], expected, atol=1e-6)


def crossing(q):
    return jnp.array([[0.4 * jnp.tanh(q[0]), 0.3], [0.3, -0.4 * jnp.tanh(q[0])]])


CROSSING = bk.hamiltonian(crossing, [1.5], frequencies=[1.0], step=0.02)
PACKET = bk.GaussianPacket(0.5, 0.8, 0.6, state=[0.6, 0.8j])
LATTICE = bk.PacketLattice(PACKET, shape=(32, 32))
SEEN = ("density_matrix", "position", "momentum", "position_spread", "momentum_spread")


def walked(y, parts, dt):
    for part in parts:
        y = part(dt)(y)
    return y


@pytest.mark.parametrize("kind", [bk.AleksandrovGerasimenko, bk.HybridMeanField])
def test_exact_parts_and_flow_are_the_same_motion(kind):
    theory = kind(BOX, 0.8)
    y, _ = theory.prepare(CROSSING, PACKET, None, None)

    @eqx.filter_jit
    def both(y, dt=1e-4):
        parts = theory.parts(CROSSING)
        ahead, behind = walked(y, parts, dt), walked(y, parts, -dt)
        rate = jax.tree_util.tree_map(lambda a, b: (a - b) / (2 * dt), ahead, behind)
        return rate, theory.flow(CROSSING, 0.0, y)

    for rate, flow in zip(*(jax.tree_util.tree_leaves(x) for x in both(y)), strict=True):
        np.testing.assert_allclose(flow, rate, atol=3e-4)  # the flow keeps fewer waves


def test_without_operators_it_is_the_equation_of_liouville():
    """One level: the density is the initial one, carried back along the trajectories of a turned oscillator. The
    sum of the two brackets, as printed in section 4.2 of the paper on spins, would leave the density where it is.
    """
    one = bk.hamiltonian(lambda q: jnp.zeros((1, 1)), [1.0], frequencies=[1.0], step=0.05)
    cloud = bk.GaussianCloud(1.0, 0.5, 0.5, 0.7)
    data = bk.simulate(one, bk.AleksandrovGerasimenko(BOX), cloud, bk.times(np.pi / 2, 1, step=np.pi / 40))
    np.testing.assert_allclose(data.position[1], 0.5, atol=1e-7)
    np.testing.assert_allclose(data.momentum[1], -1.0, atol=1e-7)
    np.testing.assert_allclose(data.position_spread[1], 0.7, atol=1e-6)


# -- mean field and Ehrenfest, against trajectories --------------------------------------------------------


def test_mean_field_is_that_of_many_trajectories():
    times = bk.times(2.0, 4, step=0.02)
    fields = bk.simulate(CROSSING, bk.HybridMeanField(BOX), PACKET, times)
    points = bk.simulate(CROSSING, bk.MeanField(), LATTICE, times)
    for name in SEEN:
        np.testing.assert_allclose(fields[name], points[name], atol=1e-4, err_msg=name)
    np.testing.assert_allclose(fields.purity, 1.0, atol=1e-12)
    np.testing.assert_allclose(fields.energy, fields.energy[0], atol=1e-4)


def test_ehrenfest_is_that_of_many_trajectories():
    times = bk.times(1.5, 3, step=0.02)
    grid = bk.PhaseSpace((-6.0, -6.0), (6.0, 6.0), 80)
    fields = bk.simulate(CROSSING, bk.ContinuumEhrenfest(grid), PACKET, times)
    points = bk.simulate(CROSSING, bk.Ehrenfest(), LATTICE, times)
    for name in SEEN:
        np.testing.assert_allclose(fields[name], points[name], atol=1e-4, err_msg=name)
    np.testing.assert_allclose(fields.energy, fields.energy[0], atol=1e-6)
    assert fields.purity[-1] < 0.95


# -- what the nonlinear model keeps, and where it ends -----------------------------------------------------

WHOLE = 2 * np.pi
TORUS = bk.PhaseSpace(0.0, WHOLE, 24, cutoff=7)
PLANE = bk.Canonical([1.0])


def periodic(z):
    """Three levels, complex."""
    q, p = z.position[0], z.momentum[0]
    upper = jnp.stack([0.3 * jnp.cos(q) + 0.2j * jnp.sin(p), 0.25 * jnp.exp(1j * q), 0.2j * jnp.cos(q + p)])
    matrix = jnp.zeros((3, 3), complex).at[jnp.triu_indices(3, 1)].set(upper)
    return matrix + jnp.conj(matrix.T) + jnp.diag(jnp.stack([jnp.sin(q), 0.4 * jnp.cos(p), 0 * q]))


def bare(z):
    return 0.5 * jnp.cos(z.position[0]) + 0.4 * jnp.cos(z.momentum[0])


THREE_LEVELS = bk.hamiltonian(periodic, manifold=PLANE, external=bare)


def smooth_spinor(grid, levels, uniform=False):
    q, p = (x.reshape(grid.shape) for x in (grid.points().position, grid.points().momentum))
    turn = 0.0 if uniform else 0.4
    psi = np.stack([np.exp(1j * turn * np.sin(q + k)) * (1 + turn * np.cos(p - k)) for k in range(levels)])
    return jnp.asarray(psi / np.sqrt(np.sum(np.abs(psi) ** 2) * grid.plane.cell))


class Seen(NamedTuple):
    psi: jax.Array
    rho: jax.Array
    norm: jax.Array
    energy: jax.Array
    electronic: jax.Array


@eqx.filter_jit
def moved(theory, system, psi, time=0.1, steps=20):
    """What there is to see before and after a walk."""
    step = RungeKutta4().stepper(theory, system, time / steps)
    start = KoopmanSpinorState(psi)
    end = jax.lax.fori_loop(0, steps, lambda _, y: step(0.0, y, None)[0], start)

    def seen(y):
        rho = theory.quantum_density(system, y)
        energies = theory.energy(system, y), theory.mean_energy(system, y)
        return Seen(y.psi, rho, jnp.trace(rho).real, *energies)

    return seen(start), seen(end)


def test_three_levels_keep_energy_and_norm_and_follow_a_change_of_basis():
    theory = bk.NonlinearKoopman(TORUS, 0.6, 1.0)
    psi = TORUS.dealias(smooth_spinor(TORUS, 3))
    rng = np.random.default_rng(3)
    unitary, _ = np.linalg.qr(rng.normal(size=(3, 3)) + 1j * rng.normal(size=(3, 3)))
    system, other = (change_basis(THREE_LEVELS, u) for u in (np.eye(3, dtype=complex), unitary))
    start, end = moved(theory, system, psi)
    assert float(jnp.abs(end.psi - psi).max()) > 1e-3
    assert abs(end.energy - start.energy) < 1e-6
    assert abs(end.electronic - start.electronic) > 1e-4
    assert abs(end.norm - start.norm) < 1e-9
    _, turned = moved(theory, other, jnp.einsum("ij,jqp->iqp", unitary, psi))
    np.testing.assert_allclose(turned.rho, unitary @ end.rho @ unitary.conj().T, atol=1e-11)
    np.testing.assert_allclose(
        np.sum(np.abs(turned.psi) ** 2, axis=0), np.sum(np.abs(end.psi) ** 2, axis=0), atol=1e-11
    )


def along_x(z):
    return 0.5 * jnp.cos(z.position[0]) * pauli_x.astype(complex)


def test_ehrenfest_keeps_a_vanishing_spin_that_the_correlations_turn():
    """H0 + HI sigma_x with <sigma_x> = 0 everywhere (section 3.3 of the paper on spins, in canonical coordinates)."""
    system = bk.hamiltonian(along_x, manifold=PLANE, external=bare)
    q, p = (x.reshape(TORUS.shape) for x in (TORUS.points().position, TORUS.points().momentum))
    density = 1 + 0.3 * np.cos(q) + 0.3 * np.sin(p)
    # (cos a, i sin a) has no sigma_x
    angle = 0.5 + 0.3 * np.sin(p) + 0.2 * np.cos(q)
    psi = np.sqrt(density / (density.sum() * TORUS.plane.cell)) * np.stack(
        [np.cos(angle), 1j * np.sin(angle)]
    )

    def spins(psi):
        return 2 * np.real(np.conj(psi[0]) * psi[1])

    ehrenfest = bk.ContinuumEhrenfest(TORUS)
    rate = eqx.filter_jit(ehrenfest.flow)(system, 0.0, EhrenfestFieldState(jnp.asarray(psi))).psi
    koopman = bk.NonlinearKoopman(TORUS)
    correlated = eqx.filter_jit(koopman.flow)(system, 0.0, KoopmanSpinorState(jnp.asarray(psi))).psi

    def spin_rate(rate):
        return 2 * np.real(np.conj(psi[0]) * rate[1] + np.conj(rate[0]) * psi[1])

    assert np.abs(spins(psi)).max() < 1e-15
    assert np.abs(spin_rate(rate)).max() < 1e-12
    assert np.abs(spin_rate(correlated)).max() > 1e-3
    # and yet the mean over the density stands still, because sigma_x commutes with H
    assert abs(np.sum(spin_rate(correlated))) * TORUS.plane.cell < 1e-10


def spin_waves(z):
    q, p = z.position[0], z.momentum[0]
    return 0.4 * jnp.cos(q) * pauli_x + 0.25 * jnp.sin(q + p) * pauli_y + 0.3 * jnp.cos(p) * pauli_z


def test_growth_rises_with_the_waves_kept_unless_the_spinor_is_uniform():
    system = bk.hamiltonian(spin_waves, manifold=PLANE, external=bare)
    few, many = (bk.PhaseSpace(0.0, WHOLE, points, cutoff=cutoff) for points, cutoff in ((12, 3), (24, 8)))
    low, high = (
        linear_growth_rate(bk.NonlinearKoopman(grid), system, KoopmanSpinorState(smooth_spinor(grid, 2)))
        for grid in (few, many)
    )
    uniform = KoopmanSpinorState(smooth_spinor(many, 2, uniform=True))
    ehrenfest = EhrenfestFieldState(smooth_spinor(many, 2))
    assert high > 2.5 * low
    assert linear_growth_rate(bk.NonlinearKoopman(many), system, uniform) < 0.2 * high
    assert linear_growth_rate(bk.ContinuumEhrenfest(many), system, ehrenfest) < 0.2 * high


def dephasing(z):
    return 0.5 * jnp.cos(z.position[0]) * pauli_z.astype(complex)


class OnTorus(Preparation):
    """D ~ exp(cos(Q - pi) + cos(P - pi)), with the quantum spin along x."""

    state: Amplitudes
    random: ClassVar[bool] = False

    def draw(self, hamiltonian, index, key):
        raise NotImplementedError

    def check(self, hamiltonian):
        pass

    def density(self, hamiltonian, z):
        shape = jnp.exp(jnp.cos(z.position[0] - jnp.pi) + jnp.cos(z.momentum[0] - jnp.pi))
        return shape / (WHOLE * np.i0(1.0)) ** 2


def test_a_run_ends_where_the_highest_waves_take_over():
    """With 15 waves the spectral solution is lost at t = 1.26 (section 3 of the note): the run ends before."""
    system = bk.hamiltonian(
        dephasing,
        manifold=PLANE,
        external=lambda z: 0.6 * jnp.cos(z.position[0]) + 0.5 * jnp.cos(z.momentum[0]),
    )
    theory = bk.NonlinearKoopman(bk.PhaseSpace(0.0, WHOLE, 48, cutoff=15), 0.7)
    start = OnTorus(Amplitudes([np.sqrt(0.5), np.sqrt(0.5)]))
    with pytest.raises(bk.RunFailed, match=r"has grown the highest waves of its grid.*time 1\.2"):
        bk.simulate(system, theory, start, bk.times(1.5, 15))


def test_a_packet_decoheres_twice_too_fast_and_keeps_its_energy():
    """1 - P0 = (A + A') t^2 / 4 at first, A = 4 (0.7)^2 sigma_q^2 and A' = 0.7^2 / sigma_p^2 (the note, (K5) without a
    kernel); exact is A alone. Most of the box holds almost nothing of the packet.
    """
    packet = bk.GaussianPacket(0.0, 0.0, 0.8, state=0)
    box = bk.PhaseSpace((-5.0, -5.0), (5.0, 5.0), 40)
    data = bk.simulate(RABI, bk.NonlinearKoopman(box), packet, bk.times(0.6, 12))
    exact_part, too_much = 4 * 0.49 * 0.64, 0.49 / 0.625**2
    law = (exact_part + too_much) * 0.05**2 / 4
    assert float(data.population[1, 1]) == pytest.approx(law, rel=0.01)
    np.testing.assert_allclose(data.energy, data.energy[0], atol=1e-6)
    np.testing.assert_allclose(data.norm, 1.0, atol=1e-8)
    assert abs(float(data.mean_energy[-1] - data.mean_energy[0])) > 1e-3
    assert float(data.least_density.min()) >= 0


def test_a_field_that_is_no_longer_smooth_is_noticed():
    """An explicit rule beyond its limit of stability keeps the trace, and fills the highest waves."""
    theory = bk.AleksandrovGerasimenko(BOX)
    y, _ = theory.prepare(CROSSING, PACKET, None, None)
    rough = 1.0 + 0.3 * np.cos(2 * np.pi * 20 * np.arange(64) / 64)
    spoiled = HybridOperatorState(y.operator * jnp.asarray(rough)[None, None, None])
    assert theory.check(CROSSING, y) == Status.fine
    assert theory.check(CROSSING, spoiled) == Status.not_resolved


def test_grids_that_do_not_fit_are_refused():
    times = bk.times(1.0, 1)
    with pytest.raises(bk.UnsupportedHamiltonian, match="NonlinearKoopman needs a `grid`"):
        bk.simulate(RABI, bk.NonlinearKoopman(), PACKET, times)
    small = bk.PhaseSpace((-1.0, -1.0), (1.0, 1.0), 32)
    with pytest.raises(bk.InvalidInput, match="does not hold the starting density: it integrates to 0"):
        bk.simulate(RABI, bk.ContinuumEhrenfest(small), PACKET, times)
    with pytest.raises(bk.UnsupportedHamiltonian, match="Points has no smooth classical density"):
        bk.simulate(RABI, bk.HybridMeanField(BOX), bk.Points([0.0], [0.0]), times)
