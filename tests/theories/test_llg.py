"""Classical magnets: closed forms, exact symmetries, and the Gibbs state of the thermal field."""

import equinox as eqx
import hypothesis.strategies as st
import jax.numpy as jnp
import numpy as np
import pytest
from hypothesis import given
from jax import lax

import brackish as bk
from brackish.integrators import (
    Depondt,
    HeunSpins,
    ImplicitMidpoint,
    LieHeun,
    RungeKutta4,
    SemiImplicit,
)
from brackish.randomness import StepDraws
from brackish.theories.spins.llg import MagnetState

STEPPERS = [Depondt(), SemiImplicit(), HeunSpins()]


def unit(random, count):
    n = random.normal(size=(count, 3))
    return n / np.linalg.norm(n, axis=1, keepdims=True)


def solve(integrator, theory, magnet, directions, duration, steps, first=0):
    """Directions after `steps` equal steps; numbers are no constants, so that one program does many."""
    numbers = np.asarray(duration / steps), np.asarray(first), np.asarray(steps)
    return np.asarray(_solve(integrator, theory, magnet, jnp.asarray(directions), *numbers))


@eqx.filter_jit
def _solve(integrator, theory, magnet, directions, dt, first, steps):
    stepper = integrator.stepper(theory, magnet, dt)
    key = jnp.asarray([3, 14], jnp.uint32)

    def step(number, y):
        return stepper(number * dt, y, StepDraws(key, number))[0]

    start = MagnetState(directions, first * dt)
    return lax.fori_loop(first, first + steps, step, start).directions


def parts(random):
    """What a magnet of four unlike spins is made of, every term of the Hamiltonian among it."""
    return {
        "spins": np.array([0.5, 1.0, 1.5, 0.5]),
        "first": np.array([0, 1, 2, 0]),
        "second": np.array([1, 2, 3, 3]),
        "couplings": random.normal(size=(4, 3, 3)),
        "field": random.normal(size=(4, 3)),
        "g_factor": random.uniform(0.5, 2, size=4),
        "constants": random.normal(size=4),
        "axis": unit(random, 4),
        "axes": np.eye(3),
    }


def built(part):
    bonds = bk.Bonds(part["first"], part["second"], 0.3, [0.0, 0.0, 0.1], part["couplings"])
    bonds = eqx.tree_at(lambda b: b.dzyaloshinskii_moriya, bonds, None, is_leaf=lambda x: x is None)
    return bk.SpinSystem(
        part["spins"],
        bonds,
        part["field"],
        g_factor=part["g_factor"],
        uniaxial=bk.Uniaxial(part["constants"], part["axis"]),
        cubic=bk.Cubic(0.2, part["axes"]),
    )


flow = eqx.filter_jit(
    lambda theory, magnet, n: theory.flow(magnet, 0.0, MagnetState(n, jnp.zeros(()))).directions
)
energy = eqx.filter_jit(lambda magnet, n: magnet.classical_energy(n))


# -- closed forms --------------------------------------------------------------------------------------------------


def switched(t, damping, start=2.5, larmor=2.0):
    """A spin in a field along z: tan(theta/2) decays, phi turns."""
    rate = larmor / (1 + damping**2)
    polar = 2 * np.arctan(np.tan(start / 2) * np.exp(-damping * rate * t))
    return np.array([np.sin(polar) * np.cos(rate * t), -np.sin(polar) * np.sin(rate * t), np.cos(polar)])


def test_a_spin_in_a_field_follows_its_closed_form():
    magnet, start = bk.SpinSystem([0.5], field=[0.0, 0.0, 2.0]), switched(0.0, 0.3)[None]
    end = solve(RungeKutta4(), bk.LLG(0.3), magnet, start, 3.0, 6000)
    np.testing.assert_allclose(end[0], switched(3.0, 0.3), atol=8e-12)
    # without damping a constant field turns by one exact rotation, however long
    end = solve(Depondt(), bk.LLG(0.0), magnet, start, 30.0, 3)
    np.testing.assert_allclose(end[0], switched(30.0, 0.0), atol=1e-12)


def rotating(t):
    return jnp.stack([0.2 * jnp.cos(1.3 * t), -0.2 * jnp.sin(1.3 * t), jnp.asarray(1.0)])


def test_a_rotating_field_drives_a_spin_as_rabi_says():
    """Also the energy is that of the field at the time of the save."""
    magnet = bk.SpinSystem([1.5], field=rotating)
    run = bk.simulate(magnet, bk.LLG(0.0), bk.Directions([[0.0, 0.0, 1.0]]), bk.times(30.0, 30, step=0.02))
    frequency = np.hypot(0.2, 0.3)
    expected = 1 - 2 * (0.2 / frequency) ** 2 * np.sin(0.5 * frequency * run.time.values) ** 2
    np.testing.assert_allclose(run.spin_direction.values[:, 0, 2], expected, atol=2e-4)
    # in the frame of the field nothing depends on the time: (1 - 1.3) n_z + 0.2 n_x is conserved
    along = -run.energy.values / 1.5 - run.spin_direction.values[:, 0, 2]
    np.testing.assert_allclose(along - 0.3 * run.spin_direction.values[:, 0, 2], -0.3, atol=2e-4)
    assert list(run.magnetization.dims) == ["time", "axis"]


# -- order and structure -------------------------------------------------------------------------------------------


def moving(t):
    return jnp.stack([jnp.cos(t), jnp.sin(2 * t), 0.5 * jnp.ones_like(t)])


@pytest.mark.parametrize("integrator", STEPPERS, ids=lambda i: type(i).__name__)
def test_steppers_are_of_second_order_and_keep_unit_lengths(integrator):
    random = np.random.default_rng(5)
    magnet, start = built(parts(random)).with_field(moving), unit(random, 4)
    fine = solve(RungeKutta4(), bk.LLG(0.4), magnet, start, 1.0, 2000)
    ends = [solve(integrator, bk.LLG(0.4), magnet, start, 1.0, steps) for steps in (64, 128, 256)]
    errors = [np.abs(end - fine).max() for end in ends]
    assert errors[0] < 0.05
    assert abs(-np.polyfit(np.log([64, 128, 256]), np.log(errors), 1)[0] - 2) < 0.2, errors
    long = solve(integrator, bk.LLG(0.4, temperature=0.5), magnet, start, 100.0, 5000)
    np.testing.assert_allclose(np.linalg.norm(long, axis=1), 1, rtol=0, atol=1e-15)


@given(seed=st.integers(0, 10**6))
def test_energy_is_conserved_without_damping_and_falls_with_it(seed):
    random = np.random.default_rng(seed)
    magnet, n = built(parts(random)), unit(random, 4)
    step = 0.1 * magnet.suggest_dt()
    energies = [float(energy(magnet, n))]
    for _ in range(8):
        n = solve(Depondt(), bk.LLG(0.2), magnet, n, 20 * step, 20)
        energies.append(float(energy(magnet, n)))
    assert np.all(np.diff(energies) < 1e-9), energies
    drifts = []
    for steps in (100, 200):
        end = solve(Depondt(), bk.LLG(0.0), magnet, n, 100 * step, steps)
        drifts.append(abs(float(energy(magnet, end)) - energies[-1]))
    assert drifts[1] < 0.35 * drifts[0] + 1e-7, drifts


def test_the_midpoint_rule_keeps_quadratic_energies():
    random = np.random.default_rng(8)
    magnet = eqx.tree_at(lambda m: m.cubic.constant, built(parts(random)), np.asarray(0.0))
    n = unit(random, 4)
    end = solve(ImplicitMidpoint(), bk.LLG(0.0), magnet, n, 20.0, 400)
    assert float(energy(magnet, end)) == pytest.approx(float(energy(magnet, n)), abs=1e-10)


@given(seed=st.integers(0, 10**6), temperature=st.sampled_from([0.0, 0.7]), damping=st.floats(0.05, 1.5))
def test_gilbert_is_landau_and_lifshitz_at_another_time(seed, temperature, damping):
    """Step by step, to round-off; with the same thermal field too."""
    random = np.random.default_rng(seed)
    magnet, n = built(parts(random)), unit(random, 4)
    duration = 20 * magnet.suggest_dt()
    gilbert = solve(Depondt(), bk.LLG(damping, temperature), magnet, n, (1 + damping**2) * duration, 20)
    landau = solve(Depondt(), bk.LL(damping, temperature), magnet, n, duration, 20)
    np.testing.assert_allclose(gilbert, landau, rtol=0, atol=1e-10)
    assert np.abs(landau - n).max() > 1e-2


# -- symmetries ----------------------------------------------------------------------------------------------------


@given(seed=st.integers(0, 10**6))
def test_symmetries(seed):
    """Turn everything, number the sites otherwise, or reverse the time."""
    random = np.random.default_rng(seed)
    part, n = parts(random), unit(random, 4)
    slope = flow(bk.LLG(0.3), built({**part}), n)
    turn = np.linalg.qr(random.normal(size=(3, 3)))[0]
    turn *= np.linalg.det(turn)
    couplings = part["couplings"] - 0.3 * np.eye(3)  # the scalar exchange is added again
    turned = {
        **part,
        "couplings": turn @ couplings @ turn.T + 0.3 * np.eye(3),
        "field": part["field"] @ turn.T,
        "axis": part["axis"] @ turn.T,
        "axes": turn.T.copy(),
    }
    np.testing.assert_allclose(flow(bk.LLG(0.3), built(turned), n @ turn.T), slope @ turn.T, atol=1e-11)

    order = random.permutation(4)
    place = np.argsort(order)
    renumbered = {
        **part,
        **{name: part[name][order] for name in ("spins", "field", "g_factor", "constants", "axis")},
        "first": place[part["first"]],
        "second": place[part["second"]],
    }
    np.testing.assert_allclose(flow(bk.LLG(0.3), built(renumbered), n[order]), slope[order], atol=1e-11)

    # -n(-t) in the opposite field: precession runs back, damping does not
    reverse = flow(bk.LLG(0.3), built({**part, "field": -part["field"]}), -n)
    free = flow(bk.LLG(0.0), built(part), n) / (1 + 0.3**2)
    np.testing.assert_allclose(reverse + slope, 2 * free, atol=1e-11)


# -- temperature ---------------------------------------------------------------------------------------------------


def langevin(x):
    return 1 / np.tanh(x) - 1 / x


DIMERS = 500


@pytest.fixture(scope="module")
def gas():
    """Spins alone in a field, and pairs with exchange alone; unlike lengths and moments."""
    alone, pair = np.arange(2 * DIMERS), 2 * DIMERS + np.arange(2 * DIMERS).reshape(DIMERS, 2)
    spins = np.concatenate([np.tile([0.5, 1.5], DIMERS), np.tile([0.5, 1.0], DIMERS)])
    field = np.zeros((4 * DIMERS, 3))
    field[alone, 2] = np.tile([1.5, 0.8], DIMERS)
    return bk.SpinSystem(spins, bk.Bonds(pair[:, 0], pair[:, 1], 2.0), field, g_factor=1.3)


@pytest.mark.parametrize(
    ("theory", "integrator"),
    [(bk.LL, Depondt()), *((bk.LLG, integrator) for integrator in (*STEPPERS, LieHeun()))],
    ids=lambda value: getattr(value, "__name__", type(value).__name__),
)
def test_the_gibbs_state_is_reached(gas, theory, integrator):
    """Langevin's function of g B s/kT for spins alone, of J s s'/kT for what pairs have in common."""
    n = unit(np.random.default_rng(4), 4 * DIMERS)
    seen = []
    for save in range(16):
        n = solve(integrator, theory(0.7, temperature=0.6), gas, n, 1.5, 60, first=60 * save)
        pair = n[2 * DIMERS :].reshape(DIMERS, 2, 3)
        alone = n[: 2 * DIMERS, 2].reshape(DIMERS, 2)
        seen.append(np.column_stack([alone, np.sum(pair[:, 0] * pair[:, 1], axis=1)]))
    samples = np.mean(seen[6:], axis=0)
    expected = langevin(np.array([1.3 * 1.5 * 0.5, 1.3 * 0.8 * 1.5, 2.0 * 0.5 * 1.0]) / 0.6)
    error = np.std(samples, axis=0) / np.sqrt(DIMERS)
    assert np.all(error < 0.02)
    assert np.all(np.abs(np.mean(samples, axis=0) - expected) < 4 * error + 2e-3), (samples.mean(0), expected)


def test_noise_around_a_step_makes_means_of_second_order():
    """At a step where those of `Depondt` are visibly off."""
    magnet = bk.SpinSystem(np.ones(10000), field=[0.0, 0.0, 2.0])
    off = {}
    for integrator in (Depondt(), LieHeun()):
        n, seen = unit(np.random.default_rng(6), 10000), []
        for save in range(14):
            n = solve(integrator, bk.LLG(2.0, temperature=1.0), magnet, n, 1.5, 10, first=10 * save)
            seen.append(np.mean(n[:, 2]))
        off[type(integrator).__name__] = abs(np.mean(seen[4:]) - langevin(2.0))
    assert off["Depondt"] > 0.015, off
    assert off["LieHeun"] < 0.007, off


def constant(t):
    return 0.5 + 0 * t


def test_a_thermal_run_belongs_to_its_seed_alone():
    """Not to workers and chunks; a temperature may be a function of time."""
    magnet = bk.SpinSystem([0.5, 0.5], bk.Bonds([0], [1], 1.0), [0.0, 0.0, 1.0])

    def run(temperature, **options):
        theory = bk.LLG(0.3, temperature)
        return bk.simulate(
            magnet, theory, bk.UniformDirections(), bk.times(2.0, 2), trajectories=600, seed=2, **options
        )

    one = run(0.5, workers=1)
    assert one.equals(run(0.5, workers=2, chunk=512))
    assert float(one.magnetization_standard_error[-1, 2]) > 0
    np.testing.assert_array_equal(one.energy, run(constant).energy)


# -- what is refused -----------------------------------------------------------------------------------------------


@pytest.mark.parametrize("kind", [bk.LLG, bk.LL])
@pytest.mark.parametrize(
    ("arguments", "message"),
    [((-0.1,), "`damping`"), ((0.1, -1.0), "`temperature`"), ((0.1, np.nan), "`temperature`")],
)
def test_bad_input(kind, arguments, message):
    with pytest.raises(bk.InvalidInput, match=message):
        kind(*arguments)


def test_what_does_not_fit_is_refused_by_name():
    magnet, start = bk.SpinSystem([0.5], field=[0.0, 0.0, 1.0]), bk.Directions([[1.0, 0.0, 0.0]])
    other = bk.hamiltonian(lambda n: jnp.asarray([[n[0, 2]]]), manifold=bk.Spheres(1), step=0.1)
    with pytest.raises(bk.UnsupportedHamiltonian, match="LLG needs a SpinSystem"):
        bk.simulate(other, bk.LLG(0.1), start, bk.times(1.0, 1))
    with pytest.raises(bk.UnsupportedHamiltonian, match="thermal field"):
        bk.simulate(magnet, bk.LL(0.1, 1.0), start, bk.times(1.0, 1), integrator=RungeKutta4())
    with pytest.raises(bk.UnsupportedHamiltonian, match="Depondt needs a theory of unit vectors"):
        bk.simulate(magnet, bk.Ehrenfest(), start, bk.times(1.0, 1), integrator=Depondt())
