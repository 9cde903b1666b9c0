"""Langevin nuclei among thermal electrons, held against closed forms, quadratures and other theories."""

import functools

import equinox as eqx
import hypothesis.strategies as st
import jax
import jax.numpy as jnp
import numpy as np
import pytest
from hypothesis import given
from jax import lax
from scipy.integrate import cumulative_trapezoid
from scipy.linalg import expm, solve_discrete_lyapunov

import brackish as bk
from brackish.analysis import friction as kernels
from brackish.analysis import prony_kernel
from brackish.randomness import StepDraws
from brackish.theories.stochastic.molecular_dynamics_with_friction import FrictionState, relaxation
from brackish.theories.trajectories.born_oppenheimer import BornOppenheimerState

TEMPERATURE = 0.02
CHANCE = 1.95
"""A Kolmogorov-Smirnov statistic is above this, over the root of the number of samples, once in a thousand."""


@eqx.filter_jit
def walked(theory, system, y, keys, dt, steps):
    """Many states after so many steps, each with its own key."""
    relay = theory.default_integrator(system).relay(theory, system, dt)

    def step(number, y):
        return jax.vmap(lambda y, key: relay.step(0.0, y, StepDraws(key, number))[0])(y, keys)

    y = lax.fori_loop(0, steps, step, jax.vmap(relay.begin)(y))
    return jax.vmap(relay.finish)(y)


def started(position, momentum, bath=0):
    """States at rows of positions and momenta."""

    def one(q, p):
        return FrictionState(bk.PhasePoint(q, p), jnp.zeros(bath), jnp.zeros(()))

    return jax.vmap(one)(jnp.asarray(position), jnp.asarray(momentum))


def keys_of(count, seed=0):
    return jnp.asarray(np.random.default_rng(seed).integers(0, 2**32, (count, 2)), jnp.uint32)


# -- friction and noise at rest --------------------------------------------------------------------------------------


relaxed_in = jax.jit(relaxation)


@given(st.integers(0, 10**6), st.sampled_from([1, 4]), st.floats(-6, 1.5))
def test_relaxation_is_exact_and_keeps_the_variance(seed, size, magnitude):
    """Also with a field, and with directions without friction."""
    random = np.random.default_rng(seed)
    half, turn = random.normal(size=(size, max(1, size - 1))), random.normal(size=(size, size))
    rates = 10.0**magnitude * (half @ half.T + turn - turn.T)
    done = relaxed_in(jnp.asarray(rates), 0.7)
    exact = expm(-0.7 * rates)
    # each of the doublings loses a bit
    tolerance = 1e-14 * max(1.0, 0.7 * np.abs(rates).sum())
    np.testing.assert_allclose(done.change + np.eye(size), exact, atol=tolerance)
    np.testing.assert_allclose(
        done.noise @ done.noise.T, np.eye(size) - exact @ exact.T, atol=4 * size * tolerance
    )
    np.testing.assert_array_equal(np.triu(done.noise, 1), 0)


def test_many_coordinates_relax_as_one_does():
    rates = jnp.asarray([0.0, 1e-9, 0.3, 50.0])
    alone, together = relaxation(rates, 0.7), relaxation(jnp.diag(rates), 0.7)
    np.testing.assert_allclose(jnp.diagonal(together.change), alone.change, rtol=1e-13)
    np.testing.assert_allclose(jnp.diagonal(together.noise), alone.noise, rtol=1e-9)


# -- the canonical distribution --------------------------------------------------------------------------------------


def crossing(q):
    """Two levels that avoid each other: a free energy with two wells that friction straddles."""
    return jnp.array([[0.05 * q[0], 0.01], [0.01, -0.05 * q[0]]])


def one_coordinate(**options):
    return bk.hamiltonian(crossing, masses=[1.0], external=lambda q: 0.06 * q[0] ** 2, **options)


def slippery(q):
    return 0.3 * jnp.exp(-((q[0] - 0.5) ** 2)) + 0.05


def two_coordinates():
    def matrix(q):
        return jnp.array(
            [[0.03 * q[0], 0.03 * (q[0] - 1j * q[1])], [0.03 * (q[0] + 1j * q[1]), -0.03 * q[1]]]
        )

    return bk.hamiltonian(matrix, masses=[1.0, 2.0], external=lambda q: 0.05 * q[0] ** 2 + 0.04 * q[1] ** 2)


def turning(q):
    """A tensor that changes, with one weak direction, and a field."""
    return jnp.array([[0.3 + 0.2 * jnp.tanh(q[0]), 0.1 + 0.2 * q[1]], [0.1 - 0.2 * q[1], 0.12]])


def levels_of(system, places):
    return np.linalg.eigvalsh(np.asarray(jax.vmap(kernels.electronic_matrix(system))(jnp.asarray(places))))


def boltzmann(system, places):
    """exp(-Phi / kT) by sums over levels at places, (N, n)."""
    external = np.asarray(jax.vmap(system.external)(jnp.asarray(places)))
    return np.exp(-external / TEMPERATURE) * np.sum(np.exp(-levels_of(system, places) / TEMPERATURE), axis=-1)


def largest_distance(samples, grid, density):
    """The Kolmogorov-Smirnov statistic of samples against a density on a grid, times the root of their number."""
    total = cumulative_trapezoid(density, grid, initial=0.0)
    expected = np.interp(np.sort(samples), grid, total / total[-1])
    count = samples.size
    steps = np.arange(count + 1) / count
    return np.sqrt(count) * max(np.max(steps[1:] - expected), np.max(expected - steps[:-1]))


GRID = np.linspace(-5.0, 5.0, 201)
MEMORY = bk.MemoryFriction(
    prony_kernel([0.2, 0.1 - 0.02j], [1.0, 0.5 + 1.0j]), lambda q: 1 + 0.5 * jnp.tanh(q)
)


@pytest.mark.parametrize("friction", [slippery, MEMORY], ids=["markov", "memory"])
def test_one_coordinate_samples_the_canonical_distribution(friction):
    """Samples far from each other in time, of trajectories that know nothing of each other."""
    system, count = one_coordinate(), 4000
    table = bk.Table(-6.0, 6.0, 400) if friction is slippery else None
    theory = bk.MolecularDynamicsWithFriction(bk.ManyElectronStates(TEMPERATURE), friction, table=table)
    theory = theory.resolve(system, None, None)
    bath = 0 if friction is slippery else MEMORY.memory.coupling.size
    y = started(np.full((count, 1), 1.0), np.zeros((count, 1)), bath)
    y = walked(theory, system, y, keys_of(count), 0.25, 600)
    assert (
        largest_distance(np.asarray(y.point.position[:, 0]), GRID, boltzmann(system, GRID[:, None])) < CHANCE
    )
    fine = np.linspace(-1.0, 1.0, 2001)
    assert (
        largest_distance(np.asarray(y.point.momentum[:, 0]), fine, np.exp(-0.5 * fine**2 / TEMPERATURE))
        < CHANCE
    )
    if bath:
        for variable in np.asarray(y.bath).T:
            assert largest_distance(variable, fine, np.exp(-0.5 * fine**2 / TEMPERATURE)) < CHANCE


def test_two_coordinates_with_a_field_sample_it_too():
    system, count = two_coordinates(), 4000
    theory = bk.MolecularDynamicsWithFriction(bk.ManyElectronStates(TEMPERATURE), turning)
    y = started(np.full((count, 2), 0.5), np.zeros((count, 2)))
    y = walked(theory, system, y, keys_of(count, 1), 0.25, 600)
    grid = GRID[::2]
    places = np.stack(np.meshgrid(grid, grid, indexing="ij"), axis=-1)
    density = boltzmann(system, places.reshape(-1, 2)).reshape(grid.size, grid.size)
    fine = np.linspace(-1.5, 1.5, 2001)
    for index, mass in enumerate((1.0, 2.0)):
        alone = np.interp(GRID, grid, density.sum(axis=1 - index))
        assert largest_distance(np.asarray(y.point.position[:, index]), GRID, alone) < CHANCE
        normal = np.exp(-0.5 * fine**2 / (mass * TEMPERATURE))
        assert largest_distance(np.asarray(y.point.momentum[:, index]), fine, normal) < CHANCE


# -- the error of the step -------------------------------------------------------------------------------------------

STIFFNESS, FRICTION = 1.3, 0.4


@functools.cache
def oscillator():
    """One level, with the spring as a potential, so that kicks and drifts split it."""
    return bk.hamiltonian(
        lambda q: jnp.zeros((1, 1)), masses=[1.0], external=lambda q: 0.5 * STIFFNESS * q[0] ** 2
    )


@eqx.filter_jit
def linear_maps(theory, system, dt):
    """A step of the oscillator before the noise and after it, and the noise itself, as matrices."""
    parts = theory.around_noise(system)
    kick, drift, *exchange = [part(dt / 2) for part in parts.outer]
    memory = isinstance(theory.friction, bk.MemoryFriction)
    bath = theory.friction.memory.coupling.size if memory else 0
    rates = theory.friction.memory.generator if memory else jnp.full((1, 1), FRICTION)
    middle = relaxation(rates, dt)

    def through(flows):
        def moved(x):
            y = FrictionState(bk.PhasePoint(x[:1], x[1:2]), x[2:], jnp.zeros(()))
            for flow in flows:
                y = flow(y)
            return jnp.concatenate([y.point.position, y.point.momentum, y.bath])

        return jax.jacfwd(moved)(jnp.zeros(2 + bath))

    random = slice(2, None) if memory else slice(1, 2)
    relaxed = jnp.eye(2 + bath).at[random, random].add(middle.change)
    noise = jnp.zeros((2 + bath, 2 + bath)).at[random, random].set(middle.noise @ middle.noise.T)
    return through([kick, drift, *exchange]), relaxed, noise, through([*exchange, drift, kick])


def stationary(theory, dt):
    """The covariance in which a step leaves the oscillator, from its linear map and its noise: no samples."""
    first, relaxed, noise, last = (
        np.asarray(matrix) for matrix in linear_maps(theory, oscillator(), jnp.asarray(dt))
    )
    return solve_discrete_lyapunov(last @ relaxed @ first, TEMPERATURE * last @ noise @ last.T)


def test_the_variance_of_an_oscillator_is_exact_and_that_of_momenta_off_by_a_known_square():
    """The closed form of BAOAB: B. Leimkuhler and C. Matthews, J. Chem. Phys. 138, 174102 (2013)."""
    theory = bk.MolecularDynamicsWithFriction(bk.ManyElectronStates(TEMPERATURE), FRICTION)
    for dt in (0.1, 0.5, 1.2):
        covariance = stationary(theory, dt)
        np.testing.assert_allclose(covariance[0, 0], TEMPERATURE / STIFFNESS, rtol=1e-12)
        np.testing.assert_allclose(covariance[1, 1], TEMPERATURE * (1 - STIFFNESS * dt**2 / 4), rtol=1e-12)


def test_with_memory_the_bias_is_of_second_order():
    friction = bk.MemoryFriction(prony_kernel([0.4, 0.2 - 0.05j], [1.0, 0.5 + 1.0j]))
    theory = bk.MolecularDynamicsWithFriction(bk.ManyElectronStates(TEMPERATURE), friction)
    exact = TEMPERATURE * np.diag([1 / STIFFNESS, *np.ones(1 + friction.memory.coupling.size)])
    steps = (0.4, 0.2, 0.1)
    biases = [np.abs(stationary(theory, dt) - exact).max() for dt in steps]
    slopes = np.diff(np.log(biases)) / np.diff(np.log(steps))
    np.testing.assert_allclose(slopes, 2.0, atol=0.05)


@pytest.mark.parametrize("friction", [slippery, MEMORY], ids=["markov", "memory"])
def test_energy_and_heat_together_are_kept_to_second_order(friction):
    """Of every trajectory, whatever its noise."""
    system, count = one_coordinate(), 200
    theory = bk.MolecularDynamicsWithFriction(bk.ManyElectronStates(TEMPERATURE), friction)
    bath = 0 if friction is slippery else MEMORY.memory.coupling.size
    y = started(np.full((count, 1), 1.0), np.full((count, 1), 0.3), bath)

    def total(y):
        return jax.vmap(lambda y: theory.energy(system, y) + y.heat)(y)

    def drift(dt, steps):
        ended = walked(theory, system, y, keys_of(count), dt, steps)
        assert np.abs(ended.heat).max() > 0.02
        return np.sqrt(np.mean((total(ended) - total(y)) ** 2))

    # the noise of the two differs: only means can be compared, to a tenth or so
    assert np.log2(drift(0.4, 50) / drift(0.2, 100)) == pytest.approx(2.0, abs=0.4)


# -- memory as an integral over the past -----------------------------------------------------------------------------


def test_memory_is_the_integral_over_the_past():
    """At temperature zero, on one anharmonic level, against the integral by the trapezoid rule."""
    amplitudes, rates = np.array([0.5, 0.3 - 0.1j]), np.array([1.0, 0.5 + 1.5j])
    system = bk.hamiltonian(lambda q: jnp.zeros((1, 1)), masses=[1.0], external=lambda q: 0.25 * q[0] ** 4)
    friction = bk.MemoryFriction(prony_kernel(amplitudes, rates), lambda q: 1 + 0.4 * jnp.sin(q))
    theory = bk.MolecularDynamicsWithFriction(bk.ManyElectronStates(0.0), friction)
    lasting = 6.0

    def ours(steps):
        y = started(np.array([[1.2]]), np.zeros((1, 1)), friction.memory.coupling.size)
        y = walked(theory, system, y, keys_of(1), lasting / steps, steps)
        return np.array([y.point.position[0, 0], y.point.momentum[0, 0]])

    def theirs(steps):
        h = lasting / steps
        kernel = np.real(np.exp(-np.outer(h * np.arange(steps + 1), rates)) @ amplitudes)
        q, v, moved = 1.2, 0.0, np.zeros(steps + 1)

        def factor(q):
            return 1 + 0.4 * np.sin(q)

        def force(q, v, now):
            moved[now] = factor(q) * v
            past = np.dot(kernel[now::-1], moved[: now + 1]) - 0.5 * (
                kernel[now] * moved[0] + kernel[0] * moved[now]
            )
            return -(q**3) - factor(q) * h * past

        for now in range(steps):
            here = force(q, v, now)
            there = force(q + h * v, v + h * here, now + 1)
            q, v = q + h * v + 0.5 * h**2 * here, v + 0.5 * h * (here + there)
        return np.array([q, v])

    exact = (4 * theirs(2000) - theirs(1000)) / 3
    errors = [np.abs(ours(steps) - exact).max() for steps in (100, 200)]
    assert errors[1] < 1e-3
    assert np.log2(errors[0] / errors[1]) == pytest.approx(2.0, abs=0.1)


# -- from the electrons ----------------------------------------------------------------------------------------------


def conical():
    def matrix(q):
        return jnp.array([[q[0], q[1] - 0.5j], [q[1] + 0.5j, -q[0]]])

    return bk.hamiltonian(matrix, masses=[20.0, 30.0], external=lambda q: jnp.sum(q**2))


def test_cold_electrons_without_friction_are_born_and_oppenheimers():
    """The mean force, and the sign and size of the field: against a theory that gets both from one eigenstate."""
    system = conical()
    broadening = kernels.FiniteTime(1e-9)
    theory = bk.MolecularDynamicsWithFriction(
        bk.ManyElectronStates(0.0), bk.FrictionFromElectrons(broadening)
    )
    q, p = np.array([[0.6, 0.2]]), np.array([[1.0, 4.0]])
    ours = walked(theory, system, started(q, p), keys_of(1), 0.01, 400).point.position

    def others(berry_force):
        other = bk.BornOppenheimer(diagonal_correction=False, berry_force=berry_force)
        y = jax.vmap(lambda q, p: BornOppenheimerState(bk.PhasePoint(q, p)))(jnp.asarray(q), jnp.asarray(p))
        return walked(other, system, y, keys_of(1), 0.01, 400).point.position

    assert np.abs(others(False) - ours).max() > 1e-2
    np.testing.assert_allclose(ours, others(True), atol=1e-5)


def test_a_table_reads_as_the_electrons_are():
    system = one_coordinate()
    electrons = bk.ManyElectronStates(TEMPERATURE)
    free = bk.MolecularDynamicsWithFriction(electrons, slippery)
    table = bk.MolecularDynamicsWithFriction(electrons, slippery, table=bk.Table(-3.0, 3.0, 600))
    table = table.resolve(system, None, None)
    places = jnp.asarray(np.random.default_rng(0).uniform(-3, 3, (200, 1)))
    # cubic splines: h^4 times fourth derivatives of tanh-like curves; the monotone one is of third order at least
    for name, tolerance in (("force", 1e-7), ("surface", 1e-7)):
        here, there = (
            jax.vmap(functools.partial(getattr(one, name), system))(places) for one in (free, table)
        )
        np.testing.assert_allclose(here, there, atol=tolerance)
    read = jax.vmap(lambda q: table.tabulated.look(table.tabulated.friction, q[0]))(places)
    np.testing.assert_allclose(read, jax.vmap(slippery)(places), atol=1e-5)
    # the force is minus the slope of the surface, in the table too
    slopes = jax.vmap(jax.grad(lambda q: table.surface(system, q)))(places)
    np.testing.assert_allclose(slopes, -jax.vmap(lambda q: table.force(system, q))(places), atol=1e-12)


# -- what every theory owes ------------------------------------------------------------------------------------------


def test_nothing_is_random_at_temperature_zero():
    system, y = one_coordinate(), started(np.array([[1.0]]), np.array([[0.2]]))

    def ended(temperature, seed):
        theory = bk.MolecularDynamicsWithFriction(bk.ManyElectronStates(temperature), slippery)
        return walked(theory, system, y, keys_of(1, seed), jnp.asarray(0.25), 40)

    np.testing.assert_array_equal(ended(0.0, 1).point.position, ended(0.0, 2).point.position)
    assert np.abs(ended(TEMPERATURE, 1).point.position - ended(TEMPERATURE, 2).point.position).max() > 1e-2
    assert ended(0.0, 1).heat[0] > 0.01


def test_other_units_of_length_are_the_same_motion():
    shift, scale = np.array([0.3, -0.2]), np.array([2.0, 0.5])
    system = two_coordinates()

    def there(function):
        return lambda q: function((q - shift) / scale)

    elsewhere = bk.hamiltonian(
        there(system.coupling), masses=np.array([1.0, 2.0]) / scale**2, external=there(system.external)
    )
    memory = bk.MemoryFriction(MEMORY.memory, lambda q: jnp.stack([1 + q[1], q[0]]))
    q, p = np.random.default_rng(2).normal(size=(2, 20, 2))
    for friction in (turning, memory):
        theory = bk.MolecularDynamicsWithFriction(bk.ManyElectronStates(TEMPERATURE), friction)
        bath = memory.memory.coupling.size if friction is memory else 0
        here = walked(theory, system, started(q, p, bath), keys_of(20), 0.1, 10)
        other = theory.in_coordinates(shift, scale)
        far = walked(other, elsewhere, started(shift + scale * q, p / scale, bath), keys_of(20), 0.1, 10)
        np.testing.assert_allclose(
            far.point.position, shift + scale * np.asarray(here.point.position), atol=1e-10
        )
        np.testing.assert_allclose(far.heat, here.heat, atol=1e-10)


@pytest.mark.parametrize(
    ("friction", "message"),
    [
        (-0.1, "must not drive: its smallest eigenvalue is -0.1"),
        ([[0.1, 0.3], [0.3, 0.1]], "must not drive: its smallest eigenvalue is -0.2"),
        ([[0.1, np.nan], [0.3, 0.1]], "must be a finite number"),
        (np.ones((2, 3)), r"\(n,\) or \(n, n\) of them"),
    ],
)
def test_friction_that_is_none_is_refused(friction, message):
    with pytest.raises(bk.InvalidInput, match=message):
        bk.MolecularDynamicsWithFriction(bk.ManyElectronStates(0.1), friction)


def test_the_rest_is_refused_before_a_run():
    def run(friction, system=None, **options):
        theory = bk.MolecularDynamicsWithFriction(bk.ManyElectronStates(0.1), friction, **options)
        system = one_coordinate() if system is None else system
        coordinates = system.manifold.coordinates
        start = bk.Points(np.zeros((1, coordinates)), np.full((1, coordinates), 30.0))
        return bk.simulate(system, theory, start, bk.times(5.0, 1, step=0.1))

    with pytest.raises(bk.InvalidInput, match="0 or more"):
        bk.ManyElectronStates(-0.1)
    with pytest.raises(bk.InvalidInput, match=r"smallest eigenvalue is -0.93 at position"):
        run(lambda q: q[0])
    with pytest.raises(bk.InvalidInput, match=r"shape \(3,\)"):
        run(np.ones(3))
    with pytest.raises(bk.InvalidInput, match="`factor` of MemoryFriction must return 2 numbers"):
        run(bk.MemoryFriction(MEMORY.memory), two_coordinates())
    alike = bk.hamiltonian(lambda q: q[0] * jnp.eye(2), masses=[1.0])
    for theory in (
        bk.MolecularDynamicsWithFriction(bk.ManyElectronStates(0.0), 0.1),
        bk.MixedStateEhrenfest(bk.ManyElectronStates(0.0)),
    ):
        with pytest.raises(bk.InvalidInput, match="ground state at temperature 0 is degenerate"):
            theory.resolve(alike, None, None)
    fine = bk.FrictionFromElectrons(bk.GaussianBroadening(1e-4))
    metal = bk.MolecularDynamicsWithFriction(bk.IndependentElectrons(0.005), fine)
    with pytest.raises(bk.InvalidInput, match=r"resolves 0\.0001 hartree, less than .* the distance"):
        metal.resolve(bk.models.newns_anderson(), None, None)
    with pytest.raises(bk.InvalidInput, match="one coordinate, but there are 2"):
        run(0.1, two_coordinates(), table=bk.Table(-1.0, 1.0))
    with pytest.raises(bk.InvalidInput, match="at least 4 nodes"):
        bk.Table(1.0, -1.0)
    with pytest.raises(bk.InvalidInput, match="below 0"):
        run(lambda q: 4.0 - q[0] ** 2, table=bk.Table(-3.0, 3.0, 50))
    with pytest.raises(bk.RunFailed, match="has left its table; give it wider bounds"):
        run(0.1, table=bk.Table(-3.0, 3.0, 50))


def test_friction_from_electrons_is_set_up_by_a_handful_of_programs():
    """Those of one set-up serve all of its shapes."""
    electrons, friction = (
        bk.IndependentElectrons(0.01),
        bk.FrictionFromElectrons(bk.GaussianBroadening(0.006)),
    )
    warmer = bk.IndependentElectrons(0.011)

    def set_up(electrons, reach):
        table = bk.Table(-reach, reach, 37)
        bk.MolecularDynamicsWithFriction(electrons, friction, table=table).resolve(
            bk.models.newns_anderson(), None, None
        )

    assert compiled_in(lambda: set_up(electrons, 10.0)) <= 6
    assert compiled_in(lambda: set_up(warmer, 9.0)) == 0


def compiled_in(call):
    """How many programs a call compiles, or finds in a cache of files."""
    found = []

    def listen(name, duration, **rest):
        if listening and name == "/jax/core/compile/backend_compile_duration":
            found.append(rest)

    # JAX keeps its listeners for good
    listening = [True]
    jax.monitoring.register_event_duration_secs_listener(listen)
    call()
    listening.clear()
    return len(found)
