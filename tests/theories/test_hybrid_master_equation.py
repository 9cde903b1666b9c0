"""The hybrid master equation: as it is printed, for a dephasing qubit, and what must hold for any system."""

import functools

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from jax import lax
from jax.tree_util import Partial
from scipy.linalg import expm

import brackish as bk
from brackish.hamiltonians import change_basis
from brackish.observables import Observable
from brackish.quantum import field_product, pauli_x, pauli_z, propagator
from brackish.theories.fields import hybrid_master_equation
from brackish.theories.fields.hybrid_master_equation import HybridState
from brackish.theory import Status

LEVELS = 3
BOX = bk.PhaseSpace((-6.5, -6.5), (6.5, 6.5), 64)
THEORY = bk.HybridMasterEquation(0.4, BOX, friction=0.3, trade_off=1.7)


def waves(strengths, wavenumbers, q):
    return jnp.sum(strengths * jnp.sin(wavenumbers * (q[0] + 1))[:, None, None], axis=0)


def random_system(seed):
    """Three levels, complex, in a bowl."""
    rng = np.random.default_rng(seed)
    strengths = rng.normal(size=(2, LEVELS, LEVELS)) + 1j * rng.normal(size=(2, LEVELS, LEVELS))
    strengths = 0.15 * (strengths + strengths.conj().swapaxes(1, 2))
    quantum = np.diag([0.3, 0.0, -0.5])
    coupling = Partial(waves, strengths, rng.uniform(0.3, 1.2, 2))
    return bk.hamiltonian(coupling, [1.3], frequencies=[0.8], quantum=quantum, step=0.1)


def random_state(seed):
    """A packet whose quantum state is mixed, and turns from place to place."""
    rng = np.random.default_rng(seed + 1)
    q, p = (x.reshape(BOX.shape) for x in (BOX.points().position, BOX.points().momentum))
    density = np.exp(-((q - 0.4) ** 2) / 1.2 - (p + 0.3) ** 2 / 1.1)
    parts = rng.normal(size=(2, LEVELS, 2)) @ np.array([1, 1j])
    psi = parts[..., None, None] * np.exp(1j * np.linspace(-0.4, 0.4, LEVELS)[:, None, None] * q)
    operator = np.einsum("ka...,kb...->ab...", psi, psi.conj()) * density
    return HybridState(jnp.asarray(operator / (np.trace(operator).real.sum() * BOX.plane.cell)))


@eqx.filter_jit
def walk(theory, system, y, dt, steps):
    step = theory.default_integrator(system).stepper(theory, system, dt)
    return lax.fori_loop(0, steps, lambda _, y: step(0.0, y, None)[0], y)


def walked(theory, system, y, duration=0.8, steps=8):
    """The operator after so many steps, whose number is no constant of the program."""
    return np.asarray(walk(theory, system, y, np.asarray(duration / steps), np.asarray(steps)).operator)


def least_eigenvalue(operator):
    return np.linalg.eigvalsh(np.moveaxis(operator, (0, 1), (-2, -1))).min()


def right_hand_side(theory, system, y):
    """The equation as it is printed, with the brackets of operators one by one, and derivatives of waves."""
    nodes = jnp.asarray(BOX.points().position)
    whole = jax.vmap(lambda q: system.potential(q) + system.harmonic(q) * jnp.eye(LEVELS))
    potential, slope = (
        jnp.moveaxis(values, 0, -1).reshape(LEVELS, LEVELS, *BOX.shape)
        for values in (whole(nodes), jax.vmap(jax.jacfwd(lambda q: whole(q[None])[0]))(nodes)[..., 0])
    )
    momentum = jnp.asarray(BOX.points().momentum.reshape(1, 1, *BOX.shape))
    along_q, along_p = BOX.gradient(y.operator)

    def commutator(a, b):
        return field_product(a, b) - field_product(b, a)

    force = 0.5 * (field_product(slope, along_p) + field_product(along_p, slope))
    slowed = BOX.gradient(theory.friction * momentum * y.operator)[1]
    spread = 0.5 * theory.diffusion * BOX.gradient(along_p)[1]
    double = commutator(slope, commutator(slope, y.operator))
    drifted = -momentum / system.manifold.masses[0] * along_q
    turned = -1j * commutator(potential, y.operator)
    ratio = theory.trade_off.ratio
    return turned + drifted + force + slowed + spread - ratio / (8 * theory.diffusion) * double


@pytest.mark.parametrize("duration", [0.1, -2.0])
def test_the_map_of_few_levels_is_the_action_of_many(monkeypatch, duration):
    system, y = random_system(4), random_state(4)
    coupled = THEORY.parts(system)[-1](duration)(y).operator
    monkeypatch.setattr(hybrid_master_equation, "LARGEST_MAP", LEVELS - 1)
    acted = THEORY.parts(system)[-1](duration)(y).operator
    np.testing.assert_allclose(acted, coupled, atol=1e-12 * float(jnp.max(jnp.abs(coupled))))


def test_a_step_is_the_equation_and_the_energy_changes_as_stated():
    system, y, dt = random_system(3), random_state(3), 2e-4
    ahead, behind = walked(THEORY, system, y, dt, 1), walked(THEORY, system, y, -dt, 1)
    expected = right_hand_side(THEORY, system, y)
    assert float(jnp.max(jnp.abs(expected))) > 0.1
    np.testing.assert_allclose((ahead - behind) / (2 * dt), expected, atol=2e-6)
    energies = [THEORY.energy(system, HybridState(jnp.asarray(rho))) for rho in (ahead, behind)]
    rate = (energies[0] - energies[1]) / (2 * dt)
    np.testing.assert_allclose(THEORY.energy_rate(system, y), rate, atol=1e-6)


@settings(max_examples=4)
@given(seed=st.integers(0, 2**32 - 1))
def test_any_system_keeps_trace_and_positivity_at_every_node_and_is_covariant(seed):
    system, y = random_system(seed), random_state(seed)
    end = walked(THEORY, system, y)
    assert abs(np.trace(end).real.sum() * BOX.plane.cell - 1) < 1e-11
    np.testing.assert_allclose(end, np.conj(np.swapaxes(end, 0, 1)), atol=1e-12)
    assert least_eigenvalue(end) > -1e-7
    rng = np.random.default_rng(seed)
    hermitian = rng.normal(size=(LEVELS, LEVELS)) + 1j * rng.normal(size=(LEVELS, LEVELS))
    unitary = propagator(jnp.asarray(hermitian + hermitian.conj().T), 1.0)

    def turned(operator):
        return jnp.einsum("ab,bc...,dc->ad...", unitary, operator, jnp.conj(unitary))

    changed = walked(THEORY, change_basis(system, unitary), HybridState(turned(y.operator)))
    np.testing.assert_allclose(changed, turned(end), atol=1e-11)


def test_steps_are_of_second_order():
    system, y = random_system(5), random_state(5)
    exact = walked(THEORY, system, y, steps=128)
    errors = [np.abs(walked(THEORY, system, y, steps=steps) - exact).max() for steps in (8, 16)]
    assert errors[0] > 1e-5
    assert np.log2(errors[0] / errors[1]) == pytest.approx(2, abs=0.15)


def test_less_decoherence_than_the_noise_asks_for_breaks_positivity():
    system, y = random_system(3), random_state(3)
    violated = bk.HybridMasterEquation(0.4, BOX, 0.3, bk.ViolatedTradeOff(0.0))
    end = walked(violated, system, y)
    assert abs(np.trace(end).real.sum() * BOX.plane.cell - 1) < 1e-11
    assert least_eigenvalue(end) < -1e-4
    least = violated.least_hybrid_eigenvalue(system, HybridState(jnp.asarray(end)))
    np.testing.assert_allclose(least, least_eigenvalue(end), rtol=1e-9)
    assert least_eigenvalue(walked(THEORY, system, y)) > -1e-7


def test_without_noise_and_decoherence_it_is_the_equation_of_aleksandrov_and_gerasimenko():
    system, y = random_system(2), random_state(2)
    quiet = bk.HybridMasterEquation(1e-14, BOX, trade_off=bk.ViolatedTradeOff(0.0))

    @eqx.filter_jit
    def both(y):
        _, coupling = quiet.parts(system)
        potential, _ = bk.AleksandrovGerasimenko(BOX).parts(system)
        return coupling(0.3)(y).operator, potential(0.3)(y).operator

    mine, theirs = both(y)
    assert float(jnp.max(jnp.abs(mine - y.operator))) > 1e-2
    np.testing.assert_allclose(mine, theirs, atol=1e-11)


def test_other_units_of_length_change_nothing():
    system, y = random_system(4), random_state(4)
    shift, scale = 0.7, 1.6
    scaled = THEORY.in_coordinates(np.array([shift]), np.array([scale]))
    assert scaled.diffusion == pytest.approx(THEORY.diffusion / scale**2)
    there = bk.hamiltonian(
        lambda q: (
            system.potential((q - shift) / scale) + system.harmonic((q - shift) / scale) * jnp.eye(LEVELS)
        ),
        [1.3 / scale**2],
        step=0.1,
    )
    np.testing.assert_allclose(walked(scaled, there, y), walked(THEORY, system, y), atol=1e-11)


# -- the dephasing qubit -----------------------------------------------------------------------------------

FRICTION, NOISE, STRENGTH, SPLITTING = 0.4, 0.3, 0.35, 0.8
QUBIT = bk.hamiltonian(
    lambda q: STRENGTH * q[0] * pauli_z,
    [1.0],
    frequencies=[1.0],
    quantum=0.5 * SPLITTING * pauli_z,
    step=0.125,
)
START = bk.GaussianCloud(0.5, -0.2, 0.3**0.5, 0.25**0.5, state=[np.cos(0.55), np.sin(0.55) * np.exp(0.4j)])
QUBIT_THEORY = bk.HybridMasterEquation(NOISE, bk.PhaseSpace((-5.5, -5.5), (5.5, 5.5), 56), FRICTION)


def _of_position(theory, hamiltonian, y):
    position = theory.grid.points().position.reshape(1, 1, *theory.grid.shape)
    return theory.grid.integrate(y.operator * position)


OF_POSITION = Observable("position_density_matrix", _of_position, ("level", "level_"), "bohr")


@functools.cache
def qubit_run(step):
    times = bk.times(4.0, 4, step=step)
    return bk.simulate(QUBIT, QUBIT_THEORY, START, times, observables=(OF_POSITION,))


def extrapolated(name):
    """Two runs of second order make one of fourth."""
    coarse, fine = (qubit_run(step)[name].values for step in (0.04, 0.02))
    return (4 * fine - coarse) / 3


def closed_form(time, side):
    """Mean and covariance of (q, p, Y), Y the integral of q, under a constant force `side` times the coupling."""
    drift = np.array([[0, 1, 0], [-1, -FRICTION, 0], [1, 0, 0]])
    noise = np.diag([0, NOISE, 0])
    whole = expm(np.block([[-drift, noise], [np.zeros((3, 3)), drift.T]]) * time)
    moved = whole[3:, 3:].T
    covariance = moved @ np.diag([0.3, 0.25, 0]) @ moved.T + moved @ whole[:3, 3:]
    pushed = np.zeros((4, 4))
    pushed[:3, :3], pushed[1, 3] = drift, -side * STRENGTH
    return (expm(pushed * time) @ np.array([0.5, -0.2, 0, 1]))[:3], covariance


def test_a_dephasing_qubit_has_its_closed_form():
    """The coherence feels no mean force; each level pushes the oscillator its own way."""
    start = np.sin(0.55) * np.cos(0.55) * np.exp(-0.4j)
    share = np.cos(0.55) ** 2
    found = {name: extrapolated(name) for name in ("density_matrix", "position", "position_density_matrix")}
    for k, time in enumerate(qubit_run(0.02).time.values):
        mean, covariance = closed_form(time, 0)
        decay = 2 * STRENGTH**2 * (time / (4 * NOISE) + covariance[2, 2])
        coherence = start * np.exp(-1j * SPLITTING * time - 2j * STRENGTH * mean[2] - decay)
        np.testing.assert_allclose(found["density_matrix"][k, 0, 1], coherence, atol=2e-7)
        weighted = coherence * (mean[0] - 2j * STRENGTH * covariance[0, 2])
        np.testing.assert_allclose(found["position_density_matrix"][k, 0, 1], weighted, atol=2e-7)
        upper, lower = (closed_form(time, side)[0][0] for side in (1, -1))
        np.testing.assert_allclose(found["position"][k, 0], share * upper + (1 - share) * lower, atol=2e-7)


def test_the_qubit_says_how_well_it_is():
    """The energy by its rate, positivity and the rim, as a dataset keeps them."""
    run = qubit_run(0.02)
    assert float(run.least_hybrid_eigenvalue.min()) > -1e-7
    assert float(run.edge_population.max()) < 1e-8
    np.testing.assert_allclose(run.norm, 1.0, atol=1e-11)
    gained = run.energy[-1] - run.energy[0]
    assert abs(float(gained)) > 0.1
    assert float(run.energy_rate[0]) == pytest.approx(0.5 * NOISE - FRICTION * (0.25 + 0.2**2), abs=1e-6)


def test_published_numbers_of_the_dephasing_qubit():
    """Independent exact numbers of the same qubit at t = 4."""
    rho, mean, purity = (extrapolated(name)[-1] for name in ("density_matrix", "position", "purity"))
    np.testing.assert_allclose(rho[0, 1], -0.115594497441 + 0.0416460090982j, atol=2e-7)
    np.testing.assert_allclose([mean[0], purity], [-0.34773169509, 0.633067676511], atol=2e-7)
    spread = extrapolated("position_spread")[-1, 0], extrapolated("momentum_spread")[-1, 0]
    np.testing.assert_allclose(np.square(spread), [0.537481919566, 0.369125632128], atol=1e-6)


# -- what is refused, and seen ------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        ({"diffusion": -0.1}, "`diffusion` must be positive, got -0.1"),
        ({"diffusion": 0.0}, "no back-reaction"),
        ({"friction": -1.0}, "`friction` must be a rate of at least 0"),
        ({"trade_off": 0.5}, "`trade_off` must be at least 1, got 0.5"),
    ],
    ids=str,
)
def test_what_has_no_meaning_is_refused(arguments, words):
    with pytest.raises(bk.InvalidInput, match=words):
        bk.HybridMasterEquation(**{"diffusion": 1.0, "grid": BOX, **arguments})


def test_a_violation_must_be_one():
    with pytest.raises(bk.InvalidInput, match="from 0 to below 1, got 1"):
        bk.ViolatedTradeOff(1.0)


def test_other_systems_are_refused_by_name():
    spins = bk.hamiltonian(lambda n: n[0, 2] * pauli_x, manifold=bk.Spheres(1), step=0.1)
    with pytest.raises(bk.UnsupportedHamiltonian, match="HybridMasterEquation needs a canonical manifold"):
        bk.simulate(spins, QUBIT_THEORY, bk.UniformDirections(), bk.times(1.0, 1))


def test_density_at_the_rim_is_seen():
    y = random_state(1)
    assert THEORY.check(None, y) == Status.fine
    rolled = HybridState(jnp.roll(y.operator, BOX.shape[0] // 2, axis=-2))
    assert THEORY.edge_population(None, rolled) > 0.05
    assert THEORY.check(None, rolled) == Status.reached_edge
