"""The hierarchy of momentum moments: each closure where it has an answer in closed form, or the exact packet."""

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.linalg import expm

import brackish as bk
from brackish.analysis import momentum_moments as moments_of
from brackish.grids import Grid, along, open_differences
from brackish.integrators import RungeKutta4
from brackish.theories.fields.moment_hierarchy import MomentState

LINE = Grid(-8.0, 8.0, 64)
X = LINE.positions()[0]
OSCILLATOR = bk.hamiltonian(lambda q: jnp.zeros((1, 1)), masses=[1.3], frequencies=[0.9])
QUARTIC = bk.hamiltonian(
    lambda q: (0.5 * q[0] ** 2 + 0.02 * q[0] ** 4).reshape(1, 1), masses=[1.0], step=0.01
)
FREE = bk.hamiltonian(lambda q: jnp.zeros((1, 1)), masses=[1.3])


def later(theory, hamiltonian, y, step, steps):
    """The state after so many steps of RungeKutta4; one program for all steps and numbers of them."""
    return _later(theory, hamiltonian, y, jnp.asarray(step), jnp.asarray(steps))


@eqx.filter_jit
def _later(theory, hamiltonian, y, step, steps):
    one = RungeKutta4().stepper(theory, hamiltonian, step)
    return jax.lax.fori_loop(0, steps, lambda _, y: one(0.0, y, None)[0], y)


@eqx.filter_jit
def start(theory, hamiltonian, preparation):
    return theory.prepare(hamiltonian, preparation, 0, None)[0]


def means_and_covariance(theory, hamiltonian, y):
    m = eqx.filter_jit(theory.moments)(hamiltonian, y)
    values = (m.position[0], m.momentum[0], m.position_squared[0], m.momentum_squared[0])
    q, p, qq, pp = (float(value) for value in values)
    return np.array([q, p]), np.array([qq - q**2, pp - p**2])


# -- differences on a box with open edges -----------------------------------------------------------------------


def test_differences_are_of_eighth_order_inside_and_exact_for_parabolas_everywhere():
    errors = []
    for points in (32, 64):
        line = open_differences(points, 4.0 / points)
        x = 4.0 / points * np.arange(points)
        inside = slice(6, -6)
        exact = (2 * np.cos(2 * x), -4 * np.sin(2 * x), 0 * x)
        errors.append([np.abs(m @ np.sin(2 * x) - e)[inside].max() for m, e in zip(line, exact, strict=True)])
        parabola = 3 - x + 0.7 * x**2
        np.testing.assert_allclose(line.first @ parabola, -1 + 1.4 * x, atol=1e-9)
        np.testing.assert_allclose(line.second @ parabola, 1.4, atol=1e-8)
        np.testing.assert_allclose(line.roughness @ parabola, 0.0, atol=1e-11)
        rough = (-1.0) ** np.arange(points)
        np.testing.assert_allclose((line.roughness @ rough)[inside], -rough[inside], rtol=1e-12)
        assert np.linalg.eigvals(line.roughness).real.max() < 1e-12  # it damps, at the edges too
    assert np.all(np.log2(np.array(errors[0]) / errors[1]) > 7.5)
    field = jnp.asarray(np.arange(24.0).reshape(2, 4, 3))
    matrix = np.arange(16.0).reshape(4, 4)
    np.testing.assert_allclose(along(matrix, field, 1), np.einsum("ab,ibc->iac", matrix, field))


# -- the equations ----------------------------------------------------------------------------------------------


def test_the_flow_is_that_of_the_hierarchy():
    """Eqs. (49)-(51) of the moments, from the change of their logarithms, variances and momenta."""
    grid = Grid((-6.0, -6.0), (6.0, 6.0), (64, 64))
    x, y = np.meshgrid(*grid.positions(), indexing="ij")
    bent = np.exp(-0.1 * (x**2 + y**2))
    log_density = -(x**2) / 1.2 - y**2 / 1.5 + 0.3 * x * y + 0.2 * np.sin(x) * bent
    momentum = np.stack([0.4 + 0.3 * np.sin(0.8 * y) * bent, -0.2 + 0.5 * x * bent])
    variance = np.stack([[0.8 + 0.2 * np.cos(x) * bent, 0.1 * y * bent], [0.1 * y * bent, 0.6 + 0.0 * x]])
    state = MomentState(*(jnp.asarray(field) for field in (log_density, momentum, variance)))
    hamiltonian = bk.hamiltonian(
        lambda q: (0.5 * q[0] ** 2 + 0.3 * q[0] * q[1] + jnp.cos(q[1])).reshape(1, 1), masses=[1.0, 1.7]
    )
    theory = bk.MomentHierarchy(grid, magnetic=0.7)

    def moments(state):
        n, p = jnp.exp(state.log_density), state.momentum
        second = n[None, None] * (p[:, None] * p[None] + state.variance)
        return n, n[None] * p, second

    @eqx.filter_jit
    def both(state):
        now, change = jax.jvp(moments, (state,), (theory.flow(hamiltonian, 0.0, state),))
        n, first, second = now
        p = state.momentum
        third = (
            p[:, None, None] * second[None]
            + p[None, :, None] * second[:, None]
            + p[None, None] * second[:, :, None]
        )
        third = third - 2 * n[None, None, None] * p[:, None, None] * (p[:, None] * p[None])[None]
        force = np.stack([-x - 0.3 * y, -0.3 * x + np.sin(y)])
        field = np.multiply.outer(np.array([[0.0, 0.7], [-0.7, 0.0]]), np.ones(grid.points))
        inverse_mass = jnp.diag(1 / jnp.array([1.0, 1.7]))
        fields = (jnp.asarray(force), jnp.asarray(field))
        written = (
            moments_of.density_rate(grid, inverse_mass, first),
            moments_of.first_rate(grid, inverse_mass, n, first, second, *fields),
            moments_of.second_rate(grid, inverse_mass, first, second, third, *fields),
        )
        return change, written

    for found, expected in zip(*both(state), strict=True):
        error = np.abs(found - expected).max() / np.abs(expected).max()
        assert error < 2e-6


# -- Gaussian states of quadratic Hamiltonians ------------------------------------------------------------------


@given(
    st.floats(-1.0, 1.0), st.floats(-1.0, 1.0), st.floats(0.5, 0.9), st.floats(0.6, 1.2), st.floats(0.1, 2.0)
)
def test_thermal_gaussians_are_exact_in_a_harmonic_well(position, momentum, width, momentum_width, time):
    """The squeezed thermal state, whatever its temperature and squeezing: also where no wavefunction is so narrow."""
    theory = bk.MomentHierarchy(LINE)
    cloud = bk.GaussianCloud(position, momentum, width, momentum_width)
    y = later(theory, OSCILLATOR, start(theory, OSCILLATOR, cloud), time / 300, 300)
    mass, frequency = 1.3, 0.9
    cosine, sine = np.cos(frequency * time), np.sin(frequency * time) / (mass * frequency)
    turn = np.array([[cosine, sine], [-((mass * frequency) ** 2) * sine, cosine]])
    means = turn @ [position, momentum]
    spreads = turn @ np.diag([width**2, momentum_width**2]) @ turn.T
    found, variances = means_and_covariance(theory, OSCILLATOR, y)
    np.testing.assert_allclose(found, means, atol=1e-6)
    np.testing.assert_allclose(variances, np.diag(spreads), atol=1e-6)
    density = np.exp(-((X - means[0]) ** 2) / (2 * spreads[0, 0])) / np.sqrt(2 * np.pi * spreads[0, 0])
    np.testing.assert_allclose(np.exp(y.log_density), density, atol=1e-6)


def test_a_charged_cloud_in_a_magnetic_field():
    """Two coordinates: the moments of second order turn by the matrix of the linear motion."""
    grid = Grid((-7.0, -7.0), (7.0, 7.0), (36, 36))
    masses, frequencies, field = np.array([1.0, 1.6]), np.array([0.6, 0.4]), 0.8
    hamiltonian = bk.hamiltonian(lambda q: jnp.zeros((1, 1)), masses=masses, frequencies=frequencies)
    theory = bk.MomentHierarchy(grid, magnetic=field)
    cloud = bk.GaussianCloud([0.3, -0.2], [0.5, 0.4], [0.9, 0.8], [0.7, 0.9])
    y = later(theory, hamiltonian, start(theory, hamiltonian, cloud), 0.01, 120)
    drift = np.diag(1 / masses)
    turn = np.array([[0.0, field], [-field, 0.0]]) @ drift
    motion = expm(1.2 * np.block([[np.zeros((2, 2)), drift], [-np.diag(masses * frequencies**2), turn]]))
    means = motion @ [0.3, -0.2, 0.5, 0.4]
    spreads = motion @ np.diag([0.9, 0.8, 0.7, 0.9]) ** 2 @ motion.T
    m = eqx.filter_jit(theory.moments)(hamiltonian, y)
    np.testing.assert_allclose(np.concatenate([m.position, m.momentum]), means, atol=1e-5)
    squares = np.concatenate([m.position_squared, m.momentum_squared])
    np.testing.assert_allclose(squares, np.diag(spreads) + means**2, atol=1e-5)

    # the same in coordinates of another scale
    scale = np.array([2.0, 0.5])
    scaled = theory.in_coordinates(np.zeros(2), scale)
    hamiltonian = bk.hamiltonian(
        lambda q: jnp.zeros((1, 1)), masses=masses / scale**2, frequencies=frequencies
    )
    cloud = bk.GaussianCloud(scale * [0.3, -0.2], [0.5, 0.4] / scale, scale * [0.9, 0.8], [0.7, 0.9] / scale)
    same = later(scaled, hamiltonian, start(scaled, hamiltonian, cloud), 0.01, 120)
    np.testing.assert_allclose(same.log_density, y.log_density - np.log(np.prod(scale)), atol=1e-9)
    np.testing.assert_allclose(same.momentum, y.momentum / scale[:, None, None], atol=1e-9)


def test_the_step_is_of_fourth_order_and_motion_can_be_turned_back():
    theory = bk.MomentHierarchy(LINE)
    y = start(theory, OSCILLATOR, bk.GaussianCloud(0.7, 0.5, 0.7, 1.1))
    ends = [later(theory, OSCILLATOR, y, 1.0 / steps, steps) for steps in (40, 80, 640)]
    errors = [float(jnp.abs(jnp.exp(end.log_density) - jnp.exp(ends[2].log_density)).max()) for end in ends]
    assert np.log2(errors[0] / errors[1]) == pytest.approx(4, abs=0.3)
    turned = MomentState(ends[2].log_density, -ends[2].momentum, ends[2].variance)
    back = later(theory, OSCILLATOR, turned, 1.0 / 640, 640)
    np.testing.assert_allclose(jnp.exp(back.log_density), jnp.exp(y.log_density), atol=1e-9)


# -- closures without a variance of their own -------------------------------------------------------------------


def exact_packet(psi, x, time, steps=500):
    """A wavefunction in the quartic well, by products of its phases in position and momentum."""
    step, k = time / steps, 2 * np.pi * np.fft.fftfreq(x.size, x[1] - x[0])
    half = np.exp(-0.5j * step * (0.5 * x**2 + 0.02 * x**4))
    for _ in range(steps):
        psi = half * np.fft.ifft(np.exp(-0.5j * step * k**2) * np.fft.fft(half * psi))
    return psi


def test_a_pure_state_is_the_exact_packet_in_an_anharmonic_well():
    theory, grid = bk.MomentHierarchy(Grid(-4.5, 4.5, 96), bk.PureState()), Grid(-9.0, 9.0, 192)
    y = start(theory, QUARTIC, bk.GaussianPacket(0.6, 0.0, 0.7))
    end = later(theory, QUARTIC, y, 0.005, 200)
    psi = np.exp(-((grid.positions()[0] - 0.6) ** 2) / 4 / 0.49) / (2 * np.pi * 0.49) ** 0.25
    psi = exact_packet(psi, grid.positions()[0], 1.0)
    exact = moments_of.mechanical_moments(grid, jnp.asarray(psi)[None], jnp.ones(1))
    inside = slice(48, 144)  # the nodes of the fluid
    np.testing.assert_allclose(np.exp(end.log_density), exact.density[inside], atol=3e-6)
    np.testing.assert_allclose(np.exp(end.log_density) * end.momentum[0], exact.first[0, inside], atol=3e-6)
    assert float(jnp.abs(jnp.exp(y.log_density) - jnp.exp(end.log_density)).max()) > 0.1
    energy = eqx.filter_jit(theory.energy)
    assert float(energy(QUARTIC, end)) == pytest.approx(float(energy(QUARTIC, y)), abs=2e-6)


def test_a_cold_fluid_focuses_and_stops_at_the_caustic():
    """All particles meet at a quarter of the period; the run says so."""
    theory, cloud = bk.MomentHierarchy(LINE, bk.ColdFluid()), bk.GaussianCloud(0.5, 0.0, 0.7, 0.1)
    quarter = np.pi / 2 / 0.9
    y = later(theory, OSCILLATOR, start(theory, OSCILLATOR, cloud), quarter / 800, 600)
    means, variances = means_and_covariance(theory, OSCILLATOR, y)
    shrunk, faster = np.cos(0.75 * np.pi / 2), 0.9 * 1.3 * np.sin(0.75 * np.pi / 2)
    np.testing.assert_allclose(means, [0.5 * shrunk, -0.5 * faster], atol=1e-6)
    np.testing.assert_allclose(np.sqrt(variances), [0.7 * shrunk, 0.7 * faster], atol=1e-6)
    with pytest.raises(bk.RunFailed, match="MomentHierarchy: the wavefunction"):
        bk.simulate(OSCILLATOR, theory, cloud, bk.times(1.25 * quarter, 5, step=quarter / 800))


def test_a_cold_fluid_expands_freely():
    theory = bk.MomentHierarchy(LINE, bk.ColdFluid())
    pull = 0.8
    y = MomentState(jnp.asarray(-(X**2)), jnp.asarray(pull * X)[None], None)
    end = later(theory, FREE, y, 0.01, 150)
    grown = 1 + pull * 1.5 / 1.3
    np.testing.assert_allclose(end.log_density, -((X / grown) ** 2) - np.log(grown), atol=1e-6)
    np.testing.assert_allclose(end.momentum[0], pull * X / grown, atol=1e-6)


def test_sound_of_an_isothermal_gas():
    """A small bump parts in two, which travel at the root of kT/m."""
    temperature, mass, time = 0.6, 1.3, 4.0
    grid = Grid(-8.0, 8.0, 160)
    x = grid.positions()[0]
    theory = bk.MomentHierarchy(grid, bk.Isothermal(temperature))
    small = 1e-5
    y = MomentState(jnp.asarray(small * np.exp(-(x**2))), jnp.zeros((1, x.size)), None)
    end = later(theory, FREE, y, time / 400, 400)
    reach = np.sqrt(temperature / mass) * time
    expected = 0.5 * small * (np.exp(-((x - reach) ** 2)) + np.exp(-((x + reach) ** 2)))
    np.testing.assert_allclose(end.log_density, expected, atol=2e-4 * small)


# -- what is kept -----------------------------------------------------------------------------------------------


@pytest.mark.parametrize("closure", [bk.Gaussian(), bk.Isothermal(1.0)], ids=["Gaussian", "Isothermal"])
def test_norm_momentum_and_energy(closure):
    """In a quartic well the norm and an energy; without a force the momentum too."""
    grid = Grid(-5.0, 5.0, 80)
    theory = bk.MomentHierarchy(grid, closure)
    y = start(theory, QUARTIC, bk.GaussianCloud(0.4, 0.3, 0.6, 0.9))
    x, cell = grid.positions()[0], grid.cell

    def free_energy(state):
        n, p = np.exp(state.log_density), state.momentum[0]
        return float(np.sum(n * (0.5 * p**2 + 0.5 * x**2 + 0.02 * x**4 + state.log_density)) * cell)

    energy = eqx.filter_jit(theory.energy)
    kept = free_energy if isinstance(closure, bk.Isothermal) else lambda state: float(energy(QUARTIC, state))
    end = later(theory, QUARTIC, y, 0.005, 200)
    assert float(jnp.sum(jnp.exp(end.log_density)) * cell) == pytest.approx(1.0, abs=1e-7)
    assert kept(end) == pytest.approx(kept(y), abs=1e-7)
    drifting = later(theory, FREE, y, 0.005, 100)
    momentum = float(jnp.sum(jnp.exp(drifting.log_density) * drifting.momentum[0]) * cell)
    assert momentum == pytest.approx(0.3, abs=1e-6)


# -- what is refused --------------------------------------------------------------------------------------------


def test_refusals():
    cloud, times = bk.GaussianCloud(0.0, 0.0, 0.7, 0.7), bk.times(1.0, 1, step=0.1)
    plane = bk.hamiltonian(lambda q: jnp.zeros((1, 1)), masses=[1.0, 1.0])
    box = Grid((-8.0, -8.0), (8.0, 8.0), (32, 32))
    cases = [
        (FREE, bk.MomentHierarchy(), cloud, "has no `grid`"),
        (FREE, bk.MomentHierarchy(box), cloud, "has 2 coordinates, the Hamiltonian has 1"),
        (FREE, bk.MomentHierarchy(LINE, magnetic=0.1), cloud, "is for two coordinates"),
        (plane, bk.MomentHierarchy(box, bk.PureState(), magnetic=0.1), cloud, "momenta with a curl"),
        (FREE, bk.MomentHierarchy(Grid(0.0, 8.0, 32)), cloud, "does not hold the starting density"),
        (FREE, bk.MomentHierarchy(LINE), bk.Points([[0.0]], [[0.0]]), "cannot start from Points"),
        (bk.models.tully(1), bk.MomentHierarchy(LINE), cloud, "needs a Hamiltonian of 1 level"),
    ]
    for hamiltonian, theory, preparation, message in cases:
        with pytest.raises((bk.InvalidInput, bk.UnsupportedHamiltonian), match=message):
            bk.simulate(hamiltonian, theory, preparation, times)
    with pytest.raises(bk.InvalidInput, match="must not be negative"):
        bk.Isothermal(-1.0)
