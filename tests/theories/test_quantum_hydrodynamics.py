"""Quantum hydrodynamics against closed forms of Gaussian packets, exact packets, and what a fluid conserves."""

import equinox as eqx
import hypothesis.strategies as st
import jax
import jax.numpy as jnp
import numpy as np
import pytest
from hypothesis import given, settings
from jax.tree_util import Partial
from scipy.linalg import expm

import brackish as bk
from brackish.analysis import kelvin_circulation
from brackish.integrators import BlanesMoan, ImplicitMidpoint
from brackish.theories.trajectories.quantum_hydrodynamics import QuantumHydrodynamicsState

MASS = 2.0
ANGLES = 2 * np.pi * np.arange(32) / 32
RING = 1.2 * np.stack([np.cos(ANGLES), np.sin(ANGLES)], axis=1)


def polynomial(coefficients, q):
    return jnp.polyval(coefficients, q[0]).reshape(1, 1)


def well(*coefficients, mass=1.0):
    """The potential sum_k c_k x^k; the coefficients are no constants of compiled programs."""
    return bk.hamiltonian(Partial(polynomial, np.array([*reversed(coefficients)], float)), masses=[mass])


@eqx.filter_jit
def _walk(integrator, theory, system, y, step, steps):
    stepper = integrator.stepper(theory, system, step)
    return jax.lax.fori_loop(0, steps, lambda i, y: stepper(i * step, y, None)[0], y)


def walk(theory, system, y, time, steps, integrator=None):
    integrator = integrator or theory.default_integrator(system)
    return _walk(integrator, theory, system, y, np.asarray(time / steps), np.asarray(steps))


def start(theory, system, packet, count=5):
    keys = jax.random.split(jax.random.key(0), count)
    y, _ = theory.prepare(system, bk.QuasiRandom(packet), jnp.arange(count), keys)
    return y


def covariance(theory, system, y):
    """Mean (n,) and covariance (n, n) of the positions of the fluid."""
    weight = theory.mesh(system).weights()
    position = np.asarray(y.point.position)
    mean = weight @ position
    return mean, (weight[:, None] * (position - mean)).T @ (position - mean)


# -- Gaussian packets, closed forms --------------------------------------------------------------------------


@pytest.mark.parametrize("stiffness", [0.0, 0.9, -0.4], ids=["free", "well", "barrier"])
def test_a_packet_breathes_as_in_closed_form(stiffness):
    """Fourth order leaves 1e-9; every element keeps its quantile, x(s) = <x> + s sigma."""
    theory, system = bk.QuantumHydrodynamics(4), well(0.0, 0.3, stiffness / 2, 0.0, mass=MASS)
    time, sigma = 1.7, 0.45
    y = walk(
        theory, system, start(theory, system, bk.GaussianPacket(0.4, 1.1, sigma)), time, 200, BlanesMoan()
    )
    rates = np.array([[0, 1 / MASS], [-stiffness, 0]])
    turn = expm(time * rates)
    if stiffness == 0:
        push = np.array([-0.3 * time**2 / (2 * MASS), -0.3 * time])
        spread = sigma * np.sqrt(1 + (time / (2 * MASS * sigma**2)) ** 2)
    else:
        push = np.linalg.solve(rates, (turn - np.eye(2)) @ [0, -0.3])
        spread = np.hypot(turn[0, 0] * sigma, turn[0, 1] / (2 * sigma))
    centre = (turn @ [0.4, 1.1] + push)[0]
    elements = theory.elements(system, y, y.label)
    np.testing.assert_allclose(elements.position[:, 0], centre + spread * y.label[:, 0], rtol=0, atol=2e-9)
    mean, squared = covariance(theory, system, y)
    assert abs(mean[0] - centre) < 2e-9
    assert abs(squared[0, 0] - spread**2) < 4e-9


def test_without_the_quantum_force_a_packet_does_not_spread():
    free = well(0.0, 0.0, 0.0, 0.0, mass=MASS)
    theory = bk.QuantumHydrodynamics(4, bk.WithoutQuantumForce())
    y = walk(theory, free, start(theory, free, bk.GaussianPacket(0.4, 1.1, 0.45)), 3.0, 10)
    mean, squared = covariance(theory, free, y)
    assert abs(mean[0] - 0.4 - 1.1 * 3.0 / MASS) < 1e-12
    assert abs(squared[0, 0] - 0.45**2) < 1e-12


FIELD, TRAP = 1.3, 0.2


def magnetic(gauge, z):
    """A charge in a uniform magnetic field and a weak trap; `gauge` adds a gradient to the vector potential."""
    x, y = z.position
    potential = 0.5 * FIELD * jnp.stack([-y, x]) + gauge * jnp.stack([y + x, x - 2 * y])
    return (
        0.5 * jnp.sum((z.momentum - potential) ** 2) / MASS + 0.5 * TRAP * jnp.sum(z.position**2)
    ).reshape(1, 1)


def in_field(gauge=0.0):
    return bk.hamiltonian(Partial(magnetic, np.asarray(gauge)), manifold=bk.Canonical([MASS, MASS]))


PACKET = bk.GaussianPacket([0.7, -0.2], [0.5, 0.9], [0.6, 0.9])


@pytest.fixture(scope="module")
def orbit():
    """The packet in the field, before and after most of a cyclotron period."""
    theory, system = bk.QuantumHydrodynamics(3), in_field()
    before = start(theory, system, PACKET)
    return theory, system, before, walk(theory, system, before, 4.0, 800)


def test_a_packet_in_a_magnetic_field_turns_and_breathes_as_its_covariance_matrix(orbit):
    """Independent of any fluid: Heisenberg's equations of a quadratic Hamiltonian, exponentiated."""
    theory, system, _, after = orbit
    hessian = jax.hessian(lambda z: magnetic(0.0, bk.PhasePoint(z[:2], z[2:]))[0, 0])(jnp.zeros(4))
    turn = expm(4.0 * np.block([[np.zeros((2, 2)), np.eye(2)], [-np.eye(2), np.zeros((2, 2))]]) @ hessian)
    sigma = np.array([0.6, 0.9])
    exact = turn @ np.diag([*sigma**2, *(0.25 / sigma**2)]) @ turn.T
    mean, squared = covariance(theory, system, after)
    # second order, 800 steps
    np.testing.assert_allclose(mean, (turn @ [0.7, -0.2, 0.5, 0.9])[:2], rtol=0, atol=2e-5)
    np.testing.assert_allclose(squared, exact[:2, :2], rtol=0, atol=4e-5)
    assert np.ptp(np.linalg.eigvalsh(squared)) > 0.02, "round packets would not show how it turns"


def test_circulation_of_a_moving_loop_is_constant_and_its_parts_are_not(orbit):
    """Kelvin: the integral of the canonical momentum; the mechanical one changes with the flux through the loop."""
    theory, system, before, after = orbit
    ones = jnp.ones((32, 1, 1))
    found = []
    for y in (before, after):
        loop = theory.elements(system, y, RING)
        whole, _ = kelvin_circulation(loop.position, loop.momentum, ones)
        x, v = loop.position[:, 0], loop.position[:, 1]
        area = 0.5 * np.sum(x * np.roll(v, -1) - v * np.roll(x, -1)) / np.sinc(2 / 32)
        potential = 0.5 * FIELD * np.stack([-v, x], axis=1)
        mechanical, _ = kelvin_circulation(loop.position, loop.momentum - potential, ones)
        assert abs(mechanical + FIELD * area - whole) < 1e-10
        found.append((float(whole), float(mechanical)))
    assert abs(found[0][0]) < 1e-10
    assert abs(found[1][0]) < 1e-10
    assert abs(found[1][1] - found[0][1]) > 0.1


def test_energy_is_that_of_the_wavefunction_and_stays(orbit):
    theory, system, before, after = orbit
    x, y, p, k = 0.7, -0.2, 0.5, 0.9
    sigma = np.array([0.6, 0.9])
    spring = 0.5 * (FIELD**2 / (4 * MASS) + TRAP)
    exact = (p**2 + k**2 + np.sum(0.25 / sigma**2)) / (2 * MASS) - FIELD * (x * k - y * p) / (2 * MASS)
    exact += spring * (x**2 + y**2 + np.sum(sigma**2))
    assert abs(theory.energy(system, before) - exact) < 1e-12
    assert abs(theory.energy(system, after) - exact) < 1e-5


def test_another_gauge_moves_no_element(orbit):
    """A + grad f with p + grad f: the same positions, to round-off and the tolerance of the implicit step."""
    theory, _, before, after = orbit
    gauge = 0.37
    system = in_field(gauge)

    def shifted(point):
        x, y = point.position.T
        return QuantumHydrodynamicsState(
            bk.PhasePoint(point.position, point.momentum + gauge * jnp.stack([y + x, x - 2 * y], axis=1)),
            before.label,
        )

    other = walk(theory, system, shifted(before.point), 4.0, 800)
    # the implicit rule is covariant under linear canonical maps, and grad f is linear
    np.testing.assert_allclose(other.point.position, after.point.position, rtol=0, atol=1e-11)
    np.testing.assert_allclose(other.point.momentum, shifted(after.point).point.momentum, rtol=0, atol=1e-11)


# -- anharmonic wells ----------------------------------------------------------------------------------------

ANHARMONIC = well(0.0, 0.0, 0.5, 0.01, 0.0025)
DISPLACED = bk.GaussianPacket(1.0, 0.0, 0.8)


@pytest.fixture(scope="module")
def exact():
    return bk.simulate(
        ANHARMONIC, bk.Exact(bk.Grid(-10.0, 10.0, 128)), DISPLACED, bk.times(3.0, 1, step=0.05)
    )


@pytest.mark.parametrize(("nodes", "largest"), [(4, 3e-6), (6, 6e-9), (8, 1.5e-9)])
def test_an_anharmonic_packet_converges_exponentially_with_the_nodes(exact, nodes, largest):
    theory = bk.QuantumHydrodynamics(nodes)
    y = walk(
        theory, ANHARMONIC, start(theory, ANHARMONIC, DISPLACED), 3.0, 400 * (nodes > 4) + 100, BlanesMoan()
    )
    moments = theory.moments(ANHARMONIC, y)
    spread = float(jnp.sqrt(moments.position_squared - moments.position**2)[0])
    assert abs(float(moments.position[0]) - float(exact.position[1, 0])) < largest
    assert abs(spread - float(exact.position_spread[1, 0])) < largest


@pytest.mark.parametrize(
    "rule", [None, BlanesMoan(), ImplicitMidpoint()], ids=["Strang", "BlanesMoan", "implicit"]
)
def test_order_of_convergence(rule):
    theory = bk.QuantumHydrodynamics(4)
    y = start(theory, ANHARMONIC, DISPLACED)
    best = walk(theory, ANHARMONIC, y, 1.5, 1024, BlanesMoan()).point.position
    errors = [np.abs(walk(theory, ANHARMONIC, y, 1.5, n, rule).point.position - best).max() for n in (32, 64)]
    order = 4 if isinstance(rule, BlanesMoan) else 2
    assert np.log2(errors[0] / errors[1]) == pytest.approx(order, abs=0.15)


seeds = st.integers(0, 2**32 - 1)


def random_well(seed):
    """A stiff well with a weak cubic and quartic part, a packet in it and the reach of a shift."""
    rng = np.random.default_rng(seed)
    stiffness, cubic, quartic = rng.uniform(0.5, 1.5), rng.uniform(-0.02, 0.02), rng.uniform(0.002, 0.01)
    packet = bk.GaussianPacket(rng.uniform(-0.5, 0.5), rng.normal(), rng.uniform(0.7, 0.9))
    return [0.0, 0.0, stiffness / 2, cubic, quartic], packet, rng.uniform(-2, 2)


@settings(max_examples=8)
@given(seed=seeds)
def test_energy_reversal_and_translation(seed):
    """Half the step, a quarter of the energy's error; turned around, back to the start; and the same elsewhere."""
    theory = bk.QuantumHydrodynamics(4)
    coefficients, packet, shift = random_well(seed)
    system = well(*coefficients)
    y = start(theory, system, packet)
    before = theory.energy(system, y)
    ends = [walk(theory, system, y, 2.0, n) for n in (64, 128)]
    errors = [abs(theory.energy(system, end) - before) for end in ends]
    assert errors[1] < 0.3 * errors[0] + 1e-9
    turned = bk.PhasePoint(ends[0].point.position, -ends[0].point.momentum)
    back = walk(theory, system, QuantumHydrodynamicsState(turned, y.label), 2.0, 64)
    np.testing.assert_allclose(back.point.position, y.point.position, rtol=0, atol=1e-10)
    np.testing.assert_allclose(back.point.momentum, -y.point.momentum, rtol=0, atol=1e-10)
    moved = well(*np.poly1d(coefficients[::-1])(np.poly1d([1, -shift])).coeffs[::-1])
    away = bk.GaussianPacket(packet.position + shift, packet.momentum, packet.width)
    other = walk(theory, moved, start(theory, moved, away), 2.0, 64)
    np.testing.assert_allclose(other.point.position - shift, ends[0].point.position, rtol=0, atol=1e-9)


def test_energy_does_not_drift():
    """A hundred periods: the error of the energy swings, and does not grow."""
    theory = bk.QuantumHydrodynamics(4)
    system = well(0.0, 0.0, 0.5, 0.0, 0.0)
    y = start(theory, system, bk.GaussianPacket(0.6, 0.0, 0.6))
    before = theory.energy(system, y)
    errors = []
    for _ in range(40):
        y = walk(theory, system, y, 16.0, 256)
        errors.append(float(theory.energy(system, y) - before))
    assert np.abs(errors[20:]).max() < 1.2 * np.abs(errors[:20]).max()
    assert np.abs(errors).max() < 5e-3 * float(before)


# -- runs ----------------------------------------------------------------------------------------------------


def test_a_run_keeps_evenly_spread_elements_and_says_what_it_is():
    result = bk.simulate(
        ANHARMONIC,
        bk.QuantumHydrodynamics(),
        DISPLACED,
        bk.times(1.0, 2, step=0.02),
        trajectories=50,
        follow=50,
    )
    paths = result.trajectory_position.values[:, :, 0]
    assert paths.shape == (50, 3)
    assert np.all(np.diff(paths, axis=0) > 0), "elements of a fluid do not cross"
    assert abs(paths[:, -1].mean() - float(result.position[-1, 0])) < 1e-2
    assert np.allclose(result.norm, 1)


def test_a_fold_is_an_error():
    """Waves that a steep double well sends through each other: no fluid without nodes follows them."""
    split = well(0.0, 0.0, -2.0, 0.0, 0.3)
    with pytest.raises(
        bk.RunFailed, match="QuantumHydrodynamics: ensemble 0 has folded: a fluid without a wave"
    ):
        bk.simulate(split, bk.QuantumHydrodynamics(), DISPLACED, bk.times(4.0, 4, step=0.01), trajectories=5)


def test_what_it_cannot_do_is_refused_by_name():
    with pytest.raises(bk.UnsupportedHamiltonian, match="of 1 level"):
        bk.simulate(bk.models.tully(1), bk.QuantumHydrodynamics(), DISPLACED, bk.times(1.0, 1))
    points = bk.Points([0.0, 1.0], [0.0, 0.0])
    with pytest.raises(bk.UnsupportedHamiltonian, match="starts from a GaussianPacket, got Points"):
        bk.simulate(ANHARMONIC, bk.QuantumHydrodynamics(), points, bk.times(1.0, 1, step=0.1))
    with pytest.raises(bk.InvalidInput, match="`nodes` must be a whole number of at least 2"):
        bk.simulate(ANHARMONIC, bk.QuantumHydrodynamics(1), DISPLACED, bk.times(1.0, 1, step=0.1))
