"""Quantum trajectories: the distribution that they keep, closed forms, circulation, nodes, symmetries."""

import equinox as eqx
import hypothesis.strategies as st
import jax
import jax.numpy as jnp
import numpy as np
import pytest
from hypothesis import given, settings
from jax.tree_util import Partial
from scipy.special import ndtri

import brackish as bk
from brackish.analysis import kelvin_circulation
from brackish.integrators import BlanesMoan, Strang
from brackish.quantum import pauli_x, pauli_y, pauli_z
from brackish.theories.trajectories.quantum_trajectories import QuantumTrajectoriesState
from brackish.theory import Status

GRID = bk.Grid(-12.0, 14.0, 432)
PACKET = bk.QuasiRandom(bk.GaussianPacket(-5.0, 16.0, 0.625, bk.Adiabatic(0)))
STRATA = (np.arange(50) + 0.5) / 50


@eqx.filter_jit
def _walk(integrator, theory, system, y, step, steps):
    stepper = integrator.stepper(theory, system, step)
    return jax.lax.fori_loop(0, steps, lambda i, y: stepper(i * step, y, None)[0], y)


def walk(theory, system, y, time, steps, integrator=None):
    integrator = integrator or theory.default_integrator(system)
    return _walk(integrator, theory, system, y, np.asarray(time / steps), np.asarray(steps))


@eqx.filter_jit
def start(theory, system, preparation, count=50):
    keys = jax.random.split(jax.random.key(3), count)
    y, _ = theory.prepare(system, preparation, jnp.arange(count), keys)
    return y


@eqx.filter_jit
def points_of(theory, system, y):
    return theory.classical_points(system, y)


def quantiles_of(y, grid):
    """The quantile at which each position stands, by the integral of all waves of the density."""
    density = np.sum(np.abs(y.psi) ** 2, axis=0)
    waves, number = np.fft.fft(density), grid.wavenumbers()[0]
    with np.errstate(all="ignore"):
        integral = np.where(number == 0, 0, waves / (1j * number)) / density.size
    x = np.append(y.position[:, 0], grid.lower[0]) - grid.lower[0]
    reached = (np.exp(1j * number * x[:, None]) @ integral).real + density.mean() * x
    return reached[:-1] - reached[-1]


# -- two levels: Tully II ------------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def passage():
    """A packet through both crossings, some interference on its way."""
    theory, system = bk.QuantumTrajectories(GRID), bk.models.tully(2)
    before = start(theory, system, PACKET)
    return theory, system, before, walk(theory, system, before, 1200.0, 150)


def test_every_trajectory_stays_at_its_quantile(passage):
    """Equivariance, to the accuracy of the interpolation; in one coordinate none crosses another."""
    *_, before, after = passage
    np.testing.assert_allclose(quantiles_of(before, GRID), STRATA, rtol=0, atol=1e-11)
    np.testing.assert_allclose(quantiles_of(after, GRID), STRATA, rtol=0, atol=1e-9)
    assert np.all(np.diff(after.position[:, 0]) > 0)
    assert np.ptp(after.position) > 1.3 * np.ptp(before.position), "a passage that does nothing shows nothing"


def test_trajectories_carry_the_conditional_state(passage):
    """Each is pure; together they have the populations of the wavefunction, as well as 50 strata know them."""
    theory, system, _, y = passage
    points = points_of(theory, system, y)
    np.testing.assert_allclose(jnp.einsum("aij,aji->a", points.density, points.density), 1, atol=1e-12)
    exact = np.sum(np.abs(y.psi) ** 2, axis=1) * GRID.cell
    mean = np.einsum("a,aii->i", points.weight, points.density).real
    assert np.abs(mean - exact).max() < 3e-3
    momentum = np.sum((np.conj(y.psi) * GRID.derivative(y.psi, 0)).imag) * GRID.cell
    assert abs(points.weight @ points.point.momentum[:, 0] - momentum) < 2e-2
    assert abs(theory.energy(system, y) - theory.energy(system, passage[2])) < 1e-9


@pytest.mark.parametrize(("rule", "steps"), [(BlanesMoan(), (40, 80)), (Strang(), (75, 150))], ids=["4", "2"])
def test_positions_converge_to_the_order_of_the_rule(passage, rule, steps):
    theory, system, before, _ = passage
    best = walk(theory, system, before, 600.0, 300).position
    errors = [np.abs(walk(theory, system, before, 600.0, n, rule).position - best).max() for n in steps]
    assert np.log2(errors[0] / errors[1]) == pytest.approx(rule.order, abs=0.3)


def test_backwards_in_time_they_return(passage):
    theory, system, before, after = passage
    turned = QuantumTrajectoriesState(jnp.conj(after.psi), after.edge, after.position, after.weight)
    back = walk(theory, system, turned, 1200.0, 150)
    np.testing.assert_allclose(back.position, before.position, rtol=0, atol=1e-7)


# -- one level, closed forms ---------------------------------------------------------------------------------


def quadratic(stiffness, centre, q):
    return (0.5 * stiffness * jnp.sum((q - centre) ** 2)).reshape(1, 1)


def trap(stiffness, centre=0.0, masses=(1.0,)):
    return bk.hamiltonian(Partial(quadratic, np.asarray(stiffness), np.asarray(centre)), masses=masses)


@settings(max_examples=6)
@given(stiffness=st.floats(0.0, 1.5), shift=st.floats(-1, 1), momentum=st.floats(-1, 1))
def test_in_a_trap_anywhere_they_breathe_with_the_packet(stiffness, shift, momentum):
    """x(t) = <x> + s sigma(t), pi = <p> + s d(sigma)/dt, wherever trap and packet lie on the grid."""
    theory, system = bk.QuantumTrajectories(bk.Grid(-9.0, 9.0, 144)), trap(stiffness, shift)
    packet = bk.QuasiRandom(bk.GaussianPacket(0.4 + shift, momentum, 0.8))
    y = walk(theory, system, start(theory, system, packet), 1.5, 400, Strang())
    w = np.sqrt(stiffness)
    cosine, sine = np.cos(1.5 * w), 1.5 * np.sinc(1.5 * w / np.pi)
    sigma = np.hypot(0.8 * cosine, sine / 1.6)
    rate = cosine * sine * (0.25 / 0.64 - stiffness * 0.64) / sigma
    points = points_of(theory, system, y)
    s = ndtri(STRATA)
    np.testing.assert_allclose(
        y.position[:, 0], shift + 0.4 * cosine + momentum * sine + s * sigma, rtol=0, atol=1e-5
    )
    np.testing.assert_allclose(
        points.point.momentum[:, 0],
        momentum * cosine - 0.4 * stiffness * sine + s * rate,
        rtol=0,
        atol=1e-5,
    )


PAIR = bk.Superposition([bk.GaussianPacket(-4.0, 2.0, 0.7), bk.GaussianPacket(4.0, -2.0, 0.7)])


def test_where_two_packets_meet_none_passes_the_plane_between_them():
    """Fringes with deep minima, of which the middle one stays a barrier by symmetry: the packets exchange places, the
    trajectories turn back."""
    theory, system = bk.QuantumTrajectories(bk.Grid(-16.0, 16.0, 256)), trap(0.0)
    before = start(theory, system, PAIR)
    middle = walk(theory, system, before, 2.0, 80)
    density = np.sum(np.abs(middle.psi) ** 2, axis=0)[100:156]
    deep = (
        (density[1:-1] < density[:-2])
        & (density[1:-1] < density[2:])
        & (density[1:-1] < 0.05 * density.max())
    )
    assert deep.sum() >= 2, "no fringes, no test"
    after = walk(theory, system, middle, 2.5, 200)
    assert np.array_equal(np.sign(after.position), np.sign(before.position))
    np.testing.assert_allclose(after.position, -after.position[::-1], rtol=0, atol=1e-8)
    # where the density is a hundredth, trajectories are fast, and the step decides
    np.testing.assert_allclose(quantiles_of(after, theory.box), STRATA, rtol=0, atol=2e-4)


def test_at_a_node_momenta_are_clipped_and_counted():
    """An odd wavefunction: at its node the momentum is zero and not a division by it; next to it, the flux decides."""
    odd = bk.Superposition(PAIR.packets, [1.0, -1.0])
    theory, system = (
        bk.QuantumTrajectories(bk.Grid(-16.0, 16.0, 256), tracers=[[0.0], [1e-9], [0.3]]),
        trap(0.0),
    )
    y = walk(theory, system, start(theory, system, odd, 3), 2.0, 100, Strang())
    # the one in the middle of three stands on the node itself
    y = QuantumTrajectoriesState(y.psi, y.edge, y.position.at[1, 0].set(0.0), y.weight)
    points = points_of(theory, system, y)
    assert np.all(np.isfinite(points.point.momentum))
    assert abs(points.point.momentum[1, 0]) < 1e-3
    assert float(eqx.filter_jit(theory.near_node)(y)) == pytest.approx(1 / 3)
    assert np.array_equal(y.weight, [1 / 3] * 3 + [0.0] * 3)


# -- two coordinates: circulation ----------------------------------------------------------------------------

PLANE = bk.Grid([-7.0, -7.0], [7.0, 7.0], [48, 48])
ANGLES = 2 * np.pi * np.arange(128) / 128
CIRCLE = np.stack([np.cos(ANGLES), np.sin(ANGLES)], axis=1)
CORNERS = ([1.0, 0.0], [0.0, 1.0], [-1.0, 0.0], [0.0, -1.0])
# each packet has its phase at its own centre: without what they have travelled, they would make no whirl
PHASES = np.array([1, 1j, -1, -1j]) * np.exp(0.9j * np.array(CORNERS)[:, 1])
VORTEX = bk.Superposition([bk.GaussianPacket(c, [0.0, 0.9], 0.8) for c in CORNERS], PHASES)


@pytest.fixture(scope="module")
def whirl():
    """A packet with a vortex in its middle that travels upwards; a loop around it is carried along."""
    theory, system = bk.QuantumTrajectories(PLANE, tracers=0.9 * CIRCLE), trap(0.3, 0.0, (1.0, 1.3))
    before = start(theory, system, VORTEX, 40)
    return theory, system, before, walk(theory, system, before, 1.5, 40, Strang())


def circulation(theory, system, y, loop=None):
    """The circulation along the tracers, or along a `loop` that stays where it is."""
    if loop is not None:
        y = QuantumTrajectoriesState(y.psi, y.edge, jnp.asarray(loop), jnp.zeros(len(loop)))
    points = points_of(theory, system, y)
    along = slice(-128, None)
    return kelvin_circulation(
        points.point.position[along], points.point.momentum[along], points.density[along]
    )


def test_a_loop_around_a_vortex_keeps_its_circulation(whirl):
    theory, system, before, after = whirl
    for y in (before, after):
        mechanical, flux = circulation(theory, system, y)
        assert abs(mechanical - 2 * np.pi) < 1e-6
        assert abs(flux) < 1e-12
    assert np.abs(after.position - before.position).max() > 1


def test_a_node_that_crosses_a_resting_loop_changes_its_circulation_by_whole_turns(whirl):
    """Behind the vortex, around it, and through it, where the integral is finite and no whole number of turns."""
    theory, system, before, _ = whirl
    found = []
    for centre in (-1.6, 0.0, 0.5, 1.6):
        mechanical, _ = circulation(theory, system, before, 0.5 * CIRCLE + np.array([[0.0, centre]]))
        found.append(float(mechanical) / (2 * np.pi))
    np.testing.assert_allclose([found[0], found[1], found[3]], [0, 1, 0], atol=1e-5)
    assert np.isfinite(found[2])
    assert abs(found[2] - round(found[2])) > 0.05


def turning(q):
    """Two levels whose coupling turns around the origin: a real magnetic field of Berry's."""
    return 0.4 * (q[0] * pauli_x + q[1] * pauli_y) + 0.5 * pauli_z + 0.1 * jnp.sum(q**2) * jnp.eye(2)


def test_with_levels_circulation_and_flux_together_are_constant():
    theory = bk.QuantumTrajectories(PLANE, tracers=0.7 * CIRCLE + np.array([[0.2, -0.1]]))
    system = bk.hamiltonian(turning, masses=[1.0, 1.3])
    y = start(theory, system, bk.GaussianPacket([0.5, 0.0], [0.3, 0.6], [0.9, 0.8], [0.8, 0.6j]), 8)
    parts = []
    for steps in (0, 20, 20):
        y = walk(theory, system, y, 0.05 * steps, steps, Strang()) if steps else y
        parts.append([float(part) for part in circulation(theory, system, y)])
    parts = np.array(parts)
    # the flux is that of a polygon of 128 corners
    np.testing.assert_allclose(parts.sum(axis=1), 0, atol=2e-3)
    assert abs(parts[-1, 0]) > 0.05


def test_two_coordinates_start_as_the_density(whirl):
    """Low discrepancy: first and second moments of 400 points to a percent; a random start shifts them all."""
    theory, system = bk.QuantumTrajectories(PLANE), whirl[1]
    packet = bk.GaussianPacket([0.5, -0.3], [0.0, 0.0], [0.6, 1.1])
    position = start(theory, system, bk.QuasiRandom(packet), 400).position
    np.testing.assert_allclose(np.mean(position, axis=0), [0.5, -0.3], atol=0.02)
    np.testing.assert_allclose(np.std(position, axis=0), [0.6, 1.1], rtol=0.03)
    assert abs(np.corrcoef(position.T)[0, 1]) < 0.05
    drawn = start(theory, system, packet, 400).position
    np.testing.assert_allclose(np.mean(drawn, axis=0), [0.5, -0.3], atol=0.04)
    assert np.abs(drawn - position).max() > 0.1


# -- runs and refusals ---------------------------------------------------------------------------------------


def test_a_run_has_all_observables_of_trajectories_and_the_density():
    result = bk.simulate(
        bk.models.tully(2),
        bk.QuantumTrajectories(GRID),
        PACKET,
        bk.times(200.0, 2, step=10.0),
        trajectories=100,
        follow=3,
        integrator=Strang(),
    )
    np.testing.assert_allclose(result.norm, 1, atol=1e-12)
    exact = (result.probability_density * GRID.positions()[0]).sum("grid_point") * GRID.cell
    assert abs(result.position[:, 0] - exact).max() < 2e-3
    assert abs(float(result.momentum[0, 0]) - 16.0) < 1e-9
    assert float(result.adiabatic_population[0, 0]) == pytest.approx(1, abs=1e-12)
    assert float(result.near_node.max()) == 0
    assert result.trajectory_position.shape == (3, 3, 1)
    np.testing.assert_allclose(result.probability_density.sum("grid_point") * GRID.cell, 1, rtol=1e-10)


def test_what_it_cannot_do_is_refused_by_name():
    free, times = trap(0.0), bk.times(1.0, 1, step=0.5)
    with pytest.raises(
        bk.UnsupportedHamiltonian, match="QuantumTrajectories cannot choose a grid for Superposition"
    ):
        bk.simulate(free, bk.QuantumTrajectories(), PAIR, times)
    with pytest.raises(
        bk.InvalidInput, match=r"`tracers` of QuantumTrajectories must have shape \(tracers, 1\)"
    ):
        bk.simulate(free, bk.QuantumTrajectories(GRID, tracers=CIRCLE), PACKET.start, times)
    with pytest.raises(
        bk.UnsupportedHamiltonian, match="A Superposition has no points of phase space to draw"
    ):
        bk.simulate(free, bk.Ehrenfest(), PAIR, times)
    with pytest.raises(bk.InvalidInput, match="one number for each of 2 packets"):
        bk.Superposition(PAIR.packets, [1.0])
    with pytest.raises(bk.InvalidInput, match="must be one GaussianPacket or more"):
        bk.Superposition([])
    y = start(bk.QuantumTrajectories(GRID), bk.models.tully(2), PACKET)
    for psi, edge, status in ((y.psi, 1e-3, "reached_edge"), (1.1 * y.psi, 0.0, "lost_norm")):
        state = QuantumTrajectoriesState(psi, jnp.asarray(edge), y.position, y.weight)
        assert bk.QuantumTrajectories(GRID).check(bk.models.tully(2), state) == Status[status]
