"""Linear classical-quantum oscillators: three routes that must agree, on random systems, and what is refused."""

import functools

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
import pytest
import scipy.integrate
import scipy.linalg
from hypothesis import assume, given, settings
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
    two_time_coefficients,
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


@pytest.mark.parametrize("friction", [0.6, 2 * np.sqrt(1.3 * 0.9), 2.1, 4.0])
def test_the_damped_oscillator_and_its_correlation(friction):
    oscillator = DampedOscillator(1.3, 0.9, friction, 0.8)
    linear = oscillator.linear()
    assert np.abs(linear.steady_covariance() - oscillator.steady_covariance()).max() < 1e-13
    assert float(linear.two_time(1.7)[0, 0]) == pytest.approx(float(oscillator.correlation(1.7)), rel=1e-12)
    found, expected = (np.sort_complex(np.asarray(x.eigenvalues())) for x in (linear, oscillator))
    # where both meet, round-off moves them by its square root
    nearness = np.sqrt(np.finfo(float).eps) if abs(np.ptp(expected)) < 1e-6 else 1e-13
    assert np.abs(found - expected).max() < nearness
    assert float(linear.entropy_production()) == pytest.approx(0.0, abs=1e-13)


def test_critical_damping_is_no_exception():
    """Value and slopes of the correlation where both rates meet, against the matrix exponential and its derivatives."""
    drift = np.array([[0.0, -1.0], [1.0, 2.0]])
    expected = scipy.linalg.expm(-1.5 * drift)[0, 0] * 0.5 / 4
    assert float(DampedOscillator(1, 1, 2, 0.5).correlation(1.5)) == pytest.approx(expected, rel=1e-14)

    def by_formula(friction, time):
        return DampedOscillator(1.0, 1.0, friction, 0.5).correlation(time)

    def by_matrix(friction, time):
        drift = jnp.array([[0.0, -1.0], [1.0, friction]])
        return jax.scipy.linalg.expm(-time * drift)[0, 0] * 0.25 / friction

    for time in (0.0, 1.5, 40.0):
        slopes = [
            jax.jacfwd(jax.grad(f, argnums=(0, 1)), argnums=(0, 1))(2.0, time)
            for f in (by_formula, by_matrix)
        ]
        np.testing.assert_allclose(*slopes, rtol=1e-9, atol=1e-13)
    # no overflow far beyond it, and no jump near it
    assert float(by_formula(1e4, 1e3)) == pytest.approx(0.25e-4 * np.exp(-1e3 / 1e4), rel=1e-6)
    near = [float(by_formula(2.0 + shift, 1.5)) for shift in (-1e-7, 0.0, 1e-7)]
    assert abs(near[0] - 2 * near[1] + near[2]) < 1e-12


@pytest.mark.parametrize("second", [QuantumOscillator(), ClassicalOscillator(0.3)])
def test_small_coupling_at_critical_damping(second):
    """The expansions miss the solution by matrices by the next order, as anywhere else."""
    errors = []
    for strength in (2e-3, 1e-3):
        pair = OscillatorPair([1.0, 0.7], [1.0, 2.1], Bilinear(strength), 2.0, 0.8, second)
        system, time = pair.linear(), 1.7
        pairs = (
            (pair.weak_correlations(time), system.two_time(time)[0::2, 0::2]),
            (pair.weak_responses(time), system.response(time)),
        )
        errors.append([np.abs(weak - exact) / np.abs(exact) for weak, exact in pairs])
        poles = pair.weak_poles()
        assert np.all(np.isfinite(poles.frequency))
        # the root of a_1^2 is of first order, so its error is of second order
        exact = np.asarray(system.poles())
        assert (
            np.abs(exact[:, None] - np.asarray(poles.frequency - 1j * poles.decay)).min(axis=0).max()
            < strength
        )
    assert np.max(errors) < 2e-2
    assert np.max(np.asarray(errors[1]) / np.maximum(errors[0], 1e-9)) < 0.6
    for function in (pair.weak_coefficients, pair.weak_information):
        assert np.all(np.isfinite(function(1.7)))


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


def test_coefficients_and_information_of_identical_classical_oscillators():
    """Eqs. (61) and (63)-(68) as they are printed, at a coupling so small that nothing else is left."""
    mass, stiff, friction, strength, (first, second) = 1.2, 0.8, 0.5, 1e-5, (0.4, 0.3)
    pair = OscillatorPair(
        [mass] * 2, [stiff] * 2, Spring(strength), friction, first, ClassicalOscillator(second)
    )
    rate, frequency = friction / mass, np.sqrt(stiff / mass)
    swing = np.sqrt(frequency**2 - rate**2 / 4)
    fading = lambda t: np.exp(-rate * t / 2) * (np.cos(swing * t) + rate / (2 * swing) * np.sin(swing * t))  # noqa: E731
    for time in (0.7, 9.0):
        one = (first * fading(time) + second * np.cos(frequency * time)) / (first + second)
        across = np.sqrt(second / (first + second)) * np.sin(frequency * time)
        expected = np.array([[one, across], [-across, np.cos(frequency * time)]])
        assert np.abs(pair.weak_coefficients(time) - expected).max() < 1e-8
        assert np.abs(pair.weak_information(time) + 0.5 * np.log(1 - expected**2)).max() < 1e-7
    share = second / (first + second) * np.cos(frequency * 40.0)
    assert float(pair.late_information(40.0)) == pytest.approx(-0.5 * np.log(1 - share**2), rel=1e-6)
    ratio = strength / (friction * frequency) * np.sqrt((first + second) / second)
    assert float(pair.weak_amplitude_ratio()) == pytest.approx(ratio, rel=1e-8)


@eqx.filter_jit
def weak_and_exact(pair, time, late):
    system = pair.linear()
    exact = [two_time_coefficients(system, t)[0::2, 0::2] for t in (time, late)]
    return (
        pair.weak_coefficients(time) - exact[0],
        pair.late_information(late) + 0.5 * jnp.log1p(-(exact[1][0, 0] ** 2)),
    )


@pytest.mark.parametrize(("coupling", "order"), [(Spring, 1), (Bilinear, 2)])
def test_weak_coefficients_miss_the_next_order(coupling, order):
    """The shift of the frequency, which is left out, is of first order for a spring and of second for a product. The
    late information is held at a time at which all else has died, to e^{-23}.
    """
    errors = []
    for strength in (0.0016, 0.0008, 0.0004):
        pair = OscillatorPair([1.3, 0.7], [0.9, 2.1], coupling(strength), 2.0, 0.8, ClassicalOscillator(0.5))
        weak, late = weak_and_exact(jax.tree_util.tree_map(jnp.asarray, pair), 2.3, 30.0)
        errors.append([np.abs(weak).max(), abs(float(late))])
    slopes = np.log2(np.array(errors[:-1]) / np.array(errors[1:]))
    assert np.abs(slopes - order).max() < 0.3


@eqx.filter_jit
def missed(pair, time):
    return pair.weak_correlations(time) - pair.linear().two_time(time)[0::2, 0::2]


@pytest.mark.parametrize("friction", [0.6, 3.0])
@pytest.mark.parametrize(("coupling", "order"), [(Spring, 1), (Bilinear, 2)])
def test_weak_correlations_with_a_quantum_oscillator_miss_the_next_order(coupling, order, friction):
    """Off the diagonal they begin one order higher."""
    errors = []
    for strength in (0.01, 0.005):
        second = QuantumOscillator(1.4, 0.8)
        pair = OscillatorPair([1.3, 0.7], [0.9, 2.1], coupling(strength), friction, 0.8, second)
        errors.append(np.abs(missed(jax.tree_util.tree_map(jnp.asarray, pair), 2.3)))
    expected = order + np.array([[0, 1], [1, 0]])
    assert np.abs(np.log2(errors[0] / errors[1]) - expected).max() < 0.2


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
def test_what_is_filtered_of_a_pair(trade_off):
    """The closed form is the fixed point of the equation for any number of oscillators."""
    pair = OscillatorPair([1.3, 0.7], [0.9, 2.1], Spring(0.4), 0.6, 0.8, QuantumOscillator(trade_off))
    closed = np.asarray(pair.steady_filtered_covariance())
    assert np.abs(closed - pair.linear().steady_filtered_covariance()).max() < 1e-13
    assert np.linalg.det(closed) == pytest.approx(trade_off / 4, rel=1e-12)


@eqx.filter_jit
def filtered(root, noise, trade_off, time):
    """Two classical oscillators and two quantum ones."""
    system = LinearOscillators(
        jnp.array([1.0, 0.7, 1.4, 0.9]),
        root @ root.T + 0.3 * jnp.eye(4),
        0.4 * jnp.eye(2),
        noise @ noise.T + 0.2 * jnp.eye(2),
        trade_off,
    )
    start = jnp.diag(jnp.array([0.9, 0.6, 0.5, 0.5]))
    steady = system.steady_filtered_covariance()
    return {
        "drift": system.drift(),
        "noise": system.noise(),
        "diffusion": system.diffusion,
        "pull": jnp.asarray(system.stiffness)[:2, 2:],
        "steady": steady,
        "whole": system.steady_covariance(),
        "slowest": jnp.min(system.eigenvalues().real),
        "after": system.filtered_covariance(time, start),
        "start": start,
        "symplectic": symplectic_eigenvalues(steady),
        "pure": system.filtered_covariance(time, 0.5 * jnp.eye(4)),
    }


@settings(max_examples=20)
@given(
    st.lists(numbers(-1.0, 1.0), min_size=16, max_size=16).map(lambda x: np.reshape(x, (4, 4))),
    squares,
    st.sampled_from([1.0, 2.0]),
    numbers(0.01, 20.0),
)
def test_what_is_filtered_and_what_is_known_add_up(root, noise, trade_off, time):
    """The Riccati equation and its fixed point by SciPy. The means of the conditional states are driven by the noise of
    the classical momenta: their own covariance, and that of a conditional state, make the steady covariance.
    """
    found = filtered(root, noise, jnp.asarray(trade_off), jnp.asarray(time))
    assume(float(found["slowest"]) > 1e-2)
    found = {name: np.asarray(value) for name, value in found.items()}
    steady, diffusion = found["steady"], found["diffusion"]
    inside, heating = -found["drift"][4:, 4:], found["noise"][4:, 4:]
    record = np.zeros((2, 4))
    record[:, 0::2] = -found["pull"]
    solved = scipy.linalg.solve_continuous_are(inside.T, record.T, heating, diffusion)
    assert np.abs(steady - solved).max() < 1e-7 * np.abs(solved).max()
    gained = steady @ record.T @ np.linalg.inv(diffusion)
    known = np.zeros((8, 8))
    kicks = np.zeros((8, 2))
    kicks[1:4:2], kicks[4:] = np.eye(2), gained
    known = scipy.linalg.solve_continuous_lyapunov(found["drift"], kicks @ diffusion @ kicks.T)
    known[4:, 4:] += steady
    assert np.abs(known - found["whole"]).max() < 1e-7 * np.abs(known).max()
    if trade_off == 1:
        assert np.abs(found["symplectic"] - 0.5).max() < 1e-6
        assert np.abs(symplectic_eigenvalues(found["pure"]) - 0.5).max() < 1e-6

    def rate(_, y):
        v = y.reshape(4, 4)
        seen = record @ v
        return (inside @ v + v @ inside.T + heating - seen.T @ np.linalg.solve(diffusion, seen)).ravel()

    exact = scipy.integrate.solve_ivp(rate, (0, time), found["start"].ravel(), rtol=1e-9, atol=1e-10).y[:, -1]
    assert np.abs(exact.reshape(4, 4) - found["after"]).max() < 1e-6


def test_a_conditional_state_without_end_is_refused():
    """Two quantum oscillators alike: their difference moves unseen."""
    stiffness = [[2.0, -0.3, -0.3], [-0.3, 1.0, 0.0], [-0.3, 0.0, 1.0]]
    system = LinearOscillators([1.0, 1.0, 1.0], stiffness, [[0.3]], [[0.5]])
    with pytest.raises(InvalidInput, match="`stiffness` hides a motion of the quantum oscillators"):
        system.steady_filtered_covariance()


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
        (lambda: Spring("soft"), "`strength` must be a number, got"),
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
