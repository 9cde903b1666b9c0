"""Linear classical-quantum oscillators: three routes that must agree, on random systems, and what is refused."""

import functools

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
import pytest
import scipy.linalg
from hypothesis import assume, given
from hypothesis import strategies as st

from brackish.analysis.oscillators import (
    Bilinear,
    ClassicalOscillator,
    DampedOscillator,
    LinearOscillators,
    OscillatorPair,
    QuantumOscillator,
    Spring,
    StochasticOscillator,
    classical_quantum_information,
    sample_paths,
    symplectic_eigenvalues,
)
from brackish.errors import InvalidInput

numbers = functools.partial(st.floats, allow_nan=False)
pairs = st.tuples(numbers(0.5, 2.0), numbers(0.5, 2.0))


@eqx.filter_jit
def two_routes(pair):
    return pair.steady_covariance(), pair.linear().steady_covariance()


@given(pairs, pairs, numbers(0.05, 1.0), numbers(0.1, 1.0), numbers(0.1, 3.0), numbers(1.0, 3.0))
def test_the_closed_form_solves_the_linear_equation(
    masses, stiffness, strength, friction, diffusion, trade_off
):
    pair = OscillatorPair(
        masses, stiffness, Spring(strength), friction, diffusion, QuantumOscillator(trade_off)
    )
    closed, solved = two_routes(jax.tree_util.tree_map(jnp.asarray, pair))
    assert np.abs(closed - solved).max() < 1e-10 * np.abs(closed).max()


@eqx.filter_jit
def of_a_crowd(root, friction, noise, trade_off, time):
    """Two classical oscillators and a quantum one, with matrices that are symmetric and positive by construction."""
    rows = jnp.eye(2)
    system = LinearOscillators(
        jnp.array([1.0, 0.7, 1.4]),
        root @ root.T + 0.3 * jnp.eye(3),
        friction @ friction.T + 0.1 * rows,
        noise @ noise.T + 0.2 * rows,
        trade_off,
    )
    steady = system.steady_covariance()
    start = jnp.diag(jnp.array([0.3, 0.4, 0.2, 0.9, 0.6, 0.5]))
    moved = system.propagator(time)
    return {
        "drift": system.drift(),
        "noise": system.noise(),
        "steady": steady,
        "slowest": jnp.min(system.eigenvalues().real),
        "step": system.covariance(time, start),
        "known": steady + moved @ (start - steady) @ moved.T,
        "balance": jnp.stack([system.heating(), system.damping(steady)]),
        "entropy": system.entropy_production(),
        "uncertainty": system.uncertainty(steady),
        "information": classical_quantum_information(system, steady),
        "spectrum": system.spectrum(0.6),
    }


squares = st.lists(numbers(-1.0, 1.0), min_size=4, max_size=4).map(lambda x: np.reshape(x, (2, 2)))
cubes = st.lists(numbers(-1.0, 1.0), min_size=9, max_size=9).map(lambda x: np.reshape(x, (3, 3)))


@given(cubes, squares, squares, numbers(1.0, 3.0), numbers(0.01, 30.0))
def test_many_oscillators(root, friction, noise, trade_off, time):
    found = of_a_crowd(root, friction, noise, jnp.asarray(trade_off), jnp.asarray(time))
    assume(float(found["slowest"]) > 1e-3)
    steady, drift, noise = (np.asarray(found[word]) for word in ("steady", "drift", "noise"))
    scale = np.abs(steady).max()
    assert np.abs(drift @ steady + steady @ drift.T - noise).max() < 1e-11 * scale * np.abs(drift).max()
    assert np.abs(found["step"] - found["known"]).max() < 1e-10 * scale
    heating, damping = found["balance"]
    assert abs(heating - damping) < 1e-9 * heating
    assert found["entropy"] > -1e-9
    assert found["uncertainty"] > -1e-9
    assert found["information"] > -1e-9
    assert np.linalg.eigvalsh(found["spectrum"]).min() > -1e-9 * scale


def test_the_step_is_exact_where_there_is_no_steady_state():
    oscillator = StochasticOscillator(1.3, 0.9, 0.8)
    empty = np.zeros((2, 2))
    step = eqx.filter_jit(oscillator.linear().covariance)
    for time in (1e-3, 0.4, 37.0):
        found, expected = step(time, empty), oscillator.covariance_from_rest(time)
        assert np.abs(found - expected).max() < 1e-11 * np.abs(expected).max()


@pytest.mark.parametrize("friction", [0.6, 4.0])
def test_the_damped_oscillator_and_its_correlation(friction):
    oscillator = DampedOscillator(1.3, 0.9, friction, 0.8)
    linear = oscillator.linear()
    assert np.abs(linear.steady_covariance() - oscillator.steady_covariance()).max() < 1e-13
    assert float(linear.two_time(1.7)[0, 0]) == pytest.approx(float(oscillator.correlation(1.7)), rel=1e-12)
    found, expected = (np.sort_complex(np.asarray(x.eigenvalues())) for x in (linear, oscillator))
    assert np.abs(found - expected).max() < 1e-13
    assert float(linear.entropy_production()) == pytest.approx(0.0, abs=1e-13)


@pytest.mark.parametrize(("coupling", "order"), [(Spring, 3), (Bilinear, 4)])
def test_weak_poles_miss_the_next_order(coupling, order):
    errors = []
    for strength in (0.04, 0.02, 0.01):
        pair = OscillatorPair([1.3, 0.7], [0.9, 2.1], coupling(strength), 0.6, 0.8)
        exact = np.asarray(pair.linear().poles())
        weak = pair.weak_poles()
        found = np.asarray(weak.frequency - 1j * weak.decay)
        errors.append(np.abs(exact[:, None] - found[None, :]).min(axis=0).max())
    slopes = np.log2(np.array(errors[:-1]) / errors[1:])
    assert np.abs(slopes - order).max() < 0.3


def test_identical_classical_oscillators_remember():
    """Eqs. (62) and (66): the correlation of q_1 that the second oscillator keeps alive."""
    mass, stiff, friction, strength, noise = 1.2, 0.8, 0.5, 1e-3, (0.4, 0.3)
    pair = OscillatorPair(
        [mass] * 2, [stiff] * 2, Spring(strength), friction, noise[0], ClassicalOscillator(noise[1])
    )
    time = 60.0
    frequency = np.sqrt(stiff / mass)
    start, later = (np.asarray(pair.weak_correlations(t)) for t in (0.0, time))
    assert later[0, 0] == pytest.approx(
        noise[1] / (2 * friction * stiff) * np.cos(frequency * time), rel=1e-3
    )
    forth = later[0, 1] / np.sqrt(start[0, 0] * start[1, 1])
    assert forth == pytest.approx(np.sqrt(noise[1] / sum(noise)) * np.sin(frequency * time), rel=1e-3)
    exact = np.asarray(pair.linear().two_time(time))[0::2, 0::2]
    sizes = np.sqrt(np.diag(start))
    assert np.abs((exact - later) / np.outer(sizes, sizes)).max() < 0.05


def test_strong_diffusion_is_thermal():
    """Eqs. (95)-(100): what is left falls with the square of the temperature."""
    left = []
    for diffusion in (1e2, 1e3):
        pair = OscillatorPair([1.3, 0.7], [0.9, 2.1], Spring(0.4), 0.6, diffusion)
        exact, thermal = pair.steady_covariance(), pair.thermal_covariance()
        left.append(float(jnp.max(jnp.abs(exact - thermal)) / pair.temperature()))
    assert left[0] < 1e-2
    assert left[0] / left[1] == pytest.approx(100.0, rel=1e-6)


def test_the_occupation_is_smallest_where_the_formula_says():
    pair = OscillatorPair([1.3, 0.7], [0.9, 2.1], Spring(0.4), 0.6, 0.8)

    def at(temperature):
        return eqx.tree_at(lambda p: p.diffusion, pair, 2 * 0.6 * temperature).occupation()

    coldest = pair.coldest_temperature()
    assert float(at(coldest)) == pytest.approx(float(pair.lowest_occupation()), rel=1e-12)
    assert abs(float(jax.grad(at)(coldest))) < 1e-12


@pytest.mark.parametrize("trade_off", [1.0, 2.5])
def test_what_is_filtered_and_what_is_known_add_up(trade_off):
    """The means of the conditional states are driven by the noise of the classical momentum: their own covariance, and
    that of a conditional state, make the steady covariance.
    """
    pair = OscillatorPair([1.3, 0.7], [0.9, 2.1], Spring(0.4), 0.6, 0.8, QuantumOscillator(trade_off))
    conditional = np.asarray(pair.filtered_covariance())
    pull = 0.4 * conditional[0] / np.sqrt(0.8)
    kicks = np.array([0.0, np.sqrt(0.8), *pull])
    drift = np.asarray(pair.linear().drift())
    means = scipy.linalg.solve_continuous_lyapunov(drift, np.outer(kicks, kicks))
    means[2:, 2:] += conditional
    assert np.abs(means - pair.steady_covariance()).max() < 1e-12
    assert np.linalg.det(conditional) == pytest.approx(trade_off / 4, rel=1e-12)


def test_symplectic_eigenvalues_do_not_see_canonical_transformations():
    rng = np.random.default_rng(3)
    form = np.kron(np.eye(2), [[0.0, 1.0], [-1.0, 0.0]])
    generator = rng.normal(size=(4, 4))
    turn = scipy.linalg.expm(form @ (generator + generator.T) / 3)
    covariance = turn @ np.diag([0.5, 0.5, 1.7, 1.7]) @ turn.T
    assert np.abs(np.asarray(symplectic_eigenvalues(covariance)) - [0.5, 1.7]).max() < 1e-10


def test_derivatives_of_both_routes_agree():
    @jax.jit
    def slopes(parameters):
        def variance(route, parameters):
            strength, friction, diffusion = parameters
            pair = OscillatorPair([1.3, 0.7], [0.9, 2.1], Spring(strength), friction, diffusion)
            return route(pair)[2, 2]

        routes = (lambda pair: pair.steady_covariance(), lambda pair: pair.linear().steady_covariance())
        return [jax.grad(functools.partial(variance, route))(parameters) for route in routes]

    closed, solved = slopes(jnp.array([0.4, 0.6, 0.8]))
    assert np.abs(closed - solved).max() < 1e-9 * np.abs(closed).max()


@pytest.fixture(scope="module")
def paths():
    system = OscillatorPair([1.3, 0.7], [0.9, 2.1], Spring(0.4), 0.6, 0.8).linear()
    steady = np.asarray(system.steady_covariance())
    start = np.random.default_rng(0).multivariate_normal(np.zeros(4), steady, size=40000)
    return system, steady, start, sample_paths(system, start, 0.3, saves=2, every=5, seed=1)


def test_sampled_paths_stay_steady_and_remember(paths):
    system, steady, start, drawn = paths
    known = np.asarray(system.two_time(1.5))
    spread = np.sqrt(np.outer(np.diag(steady), np.diag(steady)) * 2 / start.shape[0])
    assert np.abs((np.cov(drawn[:, 1].T) - steady) / spread).max() < 5
    assert np.abs((drawn[:, 0].T @ start / start.shape[0] - known) / spread).max() < 5


def test_more_paths_do_not_change_the_first(paths):
    system, _, start, drawn = paths
    assert np.array_equal(sample_paths(system, start[:7], 0.3, saves=2, every=5, seed=1), drawn[:7])
    assert not np.array_equal(sample_paths(system, start[:7], 0.3, saves=2, every=5, seed=2), drawn[:7])


ONE = np.eye(1)
FINE = {
    "masses": [1.0, 1.0],
    "stiffness": [[1.0, -0.3], [-0.3, 1.0]],
    "friction": ONE,
    "diffusion": ONE,
}


@pytest.mark.parametrize(
    ("changed", "words"),
    [
        ({"masses": [1.0, -1.0]}, "`masses` must be above 0"),
        ({"masses": [[1.0, 1.0]]}, "`masses` must be a vector"),
        ({"stiffness": [[1.0, -0.3], [0.3, 1.0]]}, "`stiffness` must be symmetric"),
        ({"stiffness": ONE}, "`stiffness` must have a row for each of 2 masses"),
        ({"friction": -ONE}, "`friction` must not have negative eigenvalues"),
        ({"diffusion": -ONE}, "`diffusion` must not have negative eigenvalues"),
        ({"diffusion": np.eye(2)}, "`friction` and `diffusion` must have a row for each classical"),
        ({"diffusion": 0 * ONE}, "`diffusion` must not vanish where quantum oscillators push"),
        ({"diffusion": [[np.nan]]}, "`diffusion` must be finite"),
        ({"trade_off": 0.9}, "`trade_off` must be at least 1, got 0.9"),
    ],
)
def test_bad_matrices_are_refused(changed, words):
    with pytest.raises(InvalidInput, match=words):
        LinearOscillators(**{**FINE, **changed})


@pytest.mark.parametrize(
    ("make", "words"),
    [
        (
            lambda: OscillatorPair([1.0, 1.0], [1.0, 1.0], Spring(0.3), 0.3, -1.0),
            "`diffusion` must be above 0",
        ),
        (lambda: OscillatorPair([1.0, 1.0], [1.0, 1.0], Spring(0.3), 0.0, 1.0), "`friction` must be above 0"),
        (lambda: QuantumOscillator(0.5), "`trade_off` must be at least 1, got 0.5"),
        (lambda: ClassicalOscillator(-0.5), "`diffusion` must be at least 0"),
        (lambda: Spring("soft"), "`strength` must hold real numbers"),
        (lambda: StochasticOscillator(1.0, 0.0, 1.0), "`stiffness` must be above 0"),
        (
            lambda: OscillatorPair([1.0, 1.0], [1.0, 1.0], Bilinear(1.5)).steady_covariance(),
            "no steady state: the slowest eigenvalue .* has the real part -",
        ),
        (lambda: StochasticOscillator(1.0, 1.0, 1.0).linear().steady_covariance(), "no steady state"),
        (
            lambda: OscillatorPair([1, 1], [1, 1], second=ClassicalOscillator(1.0)).occupation(),
            "`second` must be a QuantumOscillator",
        ),
        (
            lambda: sample_paths(LinearOscillators(**FINE), np.zeros((1, 4)), -0.1, 1),
            "`step` must be a positive time",
        ),
    ],
)
def test_what_has_no_answer_is_refused(make, words):
    with pytest.raises(InvalidInput, match=words):
        make()
