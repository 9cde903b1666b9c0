"""Classical-quantum diffusion by trajectories, held against closed forms and closed linear equations."""

import functools

import equinox as eqx
import hypothesis.strategies as st
import jax
import jax.numpy as jnp
import numpy as np
import pytest
from hypothesis import given, settings
from jax import lax
from scipy.linalg import expm

import brackish as bk
from brackish.quantum import apply, expect
from brackish.randomness import StepDraws
from brackish.theories.stochastic.classical_quantum import (
    ConditionalState,
    force_operators,
    has_one_basis,
    measured,
    root_of,
)

X, Y, Z = np.array([[[0, 1], [1, 0]], [[0, -1j], [1j, 0]], [[1, 0], [0, -1]]])
ERRORS = 4.0
"""Standard errors that a mean may be off."""


def close(run, name, exact):
    """Whether means of a run at its last save are the exact ones, within so many standard errors."""
    mean, error = run[name].values[-1], run[name + "_standard_error"].values[-1]
    exact = np.asarray(exact)
    # errors of complex numbers are those of both parts together
    np.testing.assert_array_less(np.abs(mean - exact), ERRORS * error + 1e-12)


# -- a qubit that dephases: exact, and not Gaussian ------------------------------------------------------------------

STRENGTH, DIFFUSION, FRICTION, SPLITTING = 0.35, 0.3, 0.4, 0.8
CENTRE, SPREAD = np.array([0.5, -0.2]), np.diag([0.3, 0.25])
TILTED = np.array([np.cos(0.55), np.sin(0.55) * np.exp(0.4j)])


def dephasing():
    return bk.hamiltonian(
        lambda q: STRENGTH * q[0] * Z, masses=[1.0], frequencies=[1.0], quantum=0.5 * SPLITTING * Z
    )


def exact_dephasing(time, trade_off):
    """The coherence, and mean position and momentum, from the oscillator that is forced by the level: its integral
    $\\int q\\,ds$ is Gaussian.
    """
    drift = np.array([[0.0, 1.0, 0.0], [-1.0, -FRICTION, 0.0], [1.0, 0.0, 0.0]])

    def mean(force):
        forced = np.zeros((4, 4))
        forced[:3, :3], forced[1, 3] = drift, force
        return (expm(forced * time) @ np.array([*CENTRE, 0.0, 1.0]))[:3]

    # van Loan's block exponential
    noise = np.diag([0.0, DIFFUSION, 0.0])
    block = expm(np.block([[-drift, noise], [np.zeros((3, 3)), drift.T]]) * time)
    flow = block[3:, 3:].T
    start = np.zeros((3, 3))
    start[:2, :2] = SPREAD
    variance = flow @ start @ flow.T + flow @ block[:3, 3:]
    decoherence = 2 * trade_off / (4 * DIFFUSION) * STRENGTH**2 * time
    exponent = -1j * SPLITTING * time - decoherence
    exponent += -2j * STRENGTH * mean(0.0)[2] - 2 * STRENGTH**2 * variance[2, 2]
    weights = np.abs(TILTED) ** 2
    forced = weights[0] * mean(-STRENGTH) + weights[1] * mean(STRENGTH)
    return TILTED[0] * np.conj(TILTED[1]) * np.exp(exponent), forced[0], forced[1]


def test_the_closed_form_is_that_of_the_reference():
    """Two rows of a table made by another program, at the least decoherence."""
    coherence, position, momentum = exact_dephasing(0.25, 1.0)
    np.testing.assert_allclose(coherence, 0.327111944265 - 0.265825262678j, atol=1e-11)
    np.testing.assert_allclose([position, momentum], [0.433098722763, -0.330245299567], atol=1e-11)
    coherence, position, momentum = exact_dephasing(0.5, 1.0)
    np.testing.assert_allclose(coherence, 0.229229017542 - 0.321968767559j, atol=1e-11)


def weighed_populations(theory, hamiltonian, y):
    """The product of the populations, of which coherence and purity are made."""
    return jnp.prod(y.population)


DEPHASING = {
    "pure": bk.ClassicalQuantum(DIFFUSION, FRICTION, 2.0),
    "mixed": bk.ClassicalQuantum(DIFFUSION, FRICTION, bk.KeptTradeOff(2.0), excess=bk.MixedStates()),
    "any basis": bk.ClassicalQuantum(DIFFUSION, FRICTION, forces=bk.BasisOfEach()),
}


@functools.cache
def dephasing_run(name):
    start = bk.GaussianCloud(*CENTRE, *np.sqrt(np.diag(SPREAD)), TILTED)
    times, kept = bk.times(1.5, 3, step=0.1), (bk.Observable("populations", weighed_populations),)
    return bk.simulate(
        dephasing(),
        DEPHASING[name],
        start,
        times,
        trajectories=12000,
        seed=3,
        follow=0,
        observables=kept,
    )


@pytest.mark.parametrize("name", DEPHASING)
def test_a_dephasing_qubit(name):
    run = dephasing_run(name)
    coherence, position, momentum = exact_dephasing(1.5, DEPHASING[name].trade_off.ratio)
    diagonal = np.abs(TILTED) ** 2
    close(run, "density_matrix", [[diagonal[0], coherence], [np.conj(coherence), diagonal[1]]])
    close(run, "position", [position])
    close(run, "momentum", [momentum])


def test_mixed_states_scatter_less_and_lose_their_purity_as_they_should():
    """Where the force is diagonal, coherences decay beyond those of pure states by a factor that is no accident."""
    pure, mixed = dephasing_run("pure"), dephasing_run("mixed")
    assert "conditional_purity" not in pure
    scatter = [run.density_matrix_standard_error.values[-1, 0, 1] for run in (pure, mixed)]
    assert scatter[1] < 0.9 * scatter[0]
    left = np.exp(
        -mixed.time.values * STRENGTH**2 / DIFFUSION
    )  # of the square, at twice the least decoherence
    np.testing.assert_allclose(
        mixed.conditional_purity.values, 1 - 2 * mixed.populations.values * (1 - left), atol=1e-12
    )
    assert mixed.conditional_purity.values[-1] < 0.95


# -- momenta as records: two forces that do not commute, noise that is correlated, more decoherence than needed ------

FORCES = np.stack([0.8 * Z + 0.3 * np.eye(2), 0.6 * X - 0.2 * Y])
NOISE = np.array([[0.7, 0.25], [0.25, 0.5]])
TURN = 0.9 * X + 0.4 * Y
EXCESS, LASTING = 1.5, 2.0


def records():
    """So heavy that positions stand still."""

    def coupling(q):
        return -(q[0] * FORCES[0] + q[1] * FORCES[1])

    return bk.hamiltonian(coupling, masses=[1e12, 1e12], quantum=TURN)


def moments_of_records():
    """The density operator, and with one or two momenta: a closed linear equation, by one matrix exponential."""
    half, identity = FORCES / 2, np.eye(2)
    rates = 0.25 * EXCESS * np.linalg.inv(NOISE)

    def left(a):
        return np.kron(a, identity)

    def right(a):
        return np.kron(identity, a.T)

    def commute(a):
        return left(a) - right(a)

    alone = -1j * commute(TURN)
    for i in range(2):
        for j in range(2):
            alone = alone - 0.5 * rates[i, j] * commute(FORCES[i]) @ commute(FORCES[j])
    pushes = [left(f) + right(f) for f in half]
    friction = FRICTION * np.eye(4)
    zero = np.zeros((4, 4), complex)
    # density, two with a momentum, and pairs (0, 0), (0, 1), (1, 1)
    rows = [
        [alone, zero, zero, zero, zero, zero],
        [pushes[0], alone - friction, zero, zero, zero, zero],
        [pushes[1], zero, alone - friction, zero, zero, zero],
        [NOISE[0, 0] * np.eye(4), 2 * pushes[0], zero, alone - 2 * friction, zero, zero],
        [NOISE[0, 1] * np.eye(4), pushes[1], pushes[0], zero, alone - 2 * friction, zero],
        [NOISE[1, 1] * np.eye(4), zero, 2 * pushes[1], zero, zero, alone - 2 * friction],
    ]
    start = np.zeros(24, complex)
    start[:4] = np.outer(TILTED, TILTED.conj()).ravel()
    return (expm(np.block(rows) * LASTING) @ start).reshape(6, 2, 2)


def _weighed(theory, hamiltonian, y):
    p = y.point.momentum
    factors = jnp.stack([1.0, p[0], p[1], p[0] ** 2, p[0] * p[1], p[1] ** 2])
    return factors[:, None, None] * y.density[None]


WEIGHED = bk.Observable("weighed", _weighed, ("factor", "level", "level_"))


PURE, MIXED = bk.RandomPhases(), bk.MixedStates()


@functools.cache
def recorded(step, trajectories, excess=PURE):
    theory = bk.ClassicalQuantum(NOISE, FRICTION, EXCESS, excess=excess)
    start = bk.Points([[0.0, 0.0]], [[0.0, 0.0]], state=TILTED)
    times = bk.times(LASTING, 1, step=step)
    return bk.simulate(
        records(), theory, start, times, trajectories=trajectories, seed=5, observables=(WEIGHED,), follow=0
    )


@pytest.mark.parametrize("excess", [PURE, MIXED], ids=lambda one: type(one).__name__)
def test_forces_that_do_not_commute(excess):
    close(recorded(0.1, 15000, excess), "weighed", moments_of_records())


@eqx.filter_jit
def one_step(theory, system, y, key):
    return bk.integrators.StrangAroundNoise().stepper(theory, system, 0.3)(
        0.0, y, StepDraws(key, jnp.asarray(0))
    )[0]


@pytest.mark.parametrize(
    ("system", "forces", "diffusion"),
    [(dephasing(), bk.OneBasis(), DIFFUSION), (records(), bk.BasisOfEach(), NOISE)],
    ids=["one basis", "any basis"],
)
def test_with_the_least_decoherence_mixed_states_are_the_pure_ones(system, forces, diffusion):
    pure = bk.ClassicalQuantum(diffusion, FRICTION, forces=forces)
    mixed = bk.ClassicalQuantum(diffusion, FRICTION, forces=forces, excess=MIXED)
    point = bk.PhasePoint(*jnp.full((2, system.manifold.coordinates), 0.3))
    key = jax.random.key_data(jax.random.key(0))
    ends = [
        one_step(each, system, each.excess.begin(point, jnp.asarray(TILTED)), key) for each in (pure, mixed)
    ]
    assert np.abs(ends[0].psi - TILTED).max() > 0.05
    np.testing.assert_allclose(ends[1].density, ends[0].density, atol=1e-13)
    np.testing.assert_allclose(ends[1].point.momentum, ends[0].point.momentum, atol=1e-13)


def test_a_mixed_state_is_the_mean_over_random_phases():
    """Of what one measurement leaves, by quadrature over the normal deviates."""
    values, psi = jnp.array([[0.7, -0.4, 1.1]]), jnp.array([0.6, 0.48j, 0.64])
    nodes, weights = np.polynomial.hermite_e.hermegauss(24)
    point = bk.PhasePoint(jnp.zeros(1), jnp.zeros(1))

    def left(excess, deviate):
        theory, y = bk.ClassicalQuantum(1.0, 0.0, 2.3, excess=excess), excess.begin(point, psi)
        deviates = jnp.stack([jnp.array([0.4]), deviate[None]])
        return measured(theory, y, values, 0.8, jnp.array(0.35), deviates, jnp.array([0.1, 0.5, -0.3]))

    pure, records = jax.vmap(lambda deviate: left(PURE, deviate))(jnp.asarray(nodes))
    mixed, record = left(MIXED, jnp.array(0.9))
    densities = jax.vmap(lambda psi: jnp.outer(psi, jnp.conj(psi)))(pure.psi)
    mean = np.einsum("k,kab->ab", weights / weights.sum(), densities)
    assert np.abs(mixed.density - densities[12]).max() > 0.01
    np.testing.assert_allclose(mixed.density, mean, atol=1e-12)
    np.testing.assert_allclose(records, np.tile(record, (24, 1)), atol=1e-14)


def test_mixed_states_may_start_mixed():
    mixture = np.diag([0.7, 0.3]).astype(complex)
    start, times = bk.Points([0.2], [0.1], state=bk.Mixture(mixture)), bk.times(0.4, 1, step=0.2)
    run = bk.simulate(dephasing(), DEPHASING["mixed"], start, times, trajectories=64, seed=1, follow=0)
    np.testing.assert_allclose(run.conditional_purity.values[0], 0.58, atol=1e-12)
    np.testing.assert_allclose(run.norm, 1.0, atol=1e-12)
    with pytest.raises(bk.UnsupportedHamiltonian, match="carries pure states"):
        bk.simulate(dephasing(), DEPHASING["pure"], start, times, trajectories=64)


def test_means_are_of_second_order():
    """With steps so long that their error stands far above that of the mean."""
    exact = moments_of_records()
    long, short = recorded(2.0, 40000), recorded(1.0, 40000)
    errors = [np.linalg.norm(run.weighed.values[-1] - exact) for run in (long, short)]
    assert errors[1] > 5 * np.linalg.norm(short.weighed_standard_error.values[-1])
    assert abs(np.log2(errors[0] / errors[1]) - bk.integrators.StrangAroundNoise.order) < 0.4, errors


# -- the oscillator pair: moments obey a linear equation -------------------------------------------------------------

PULL = 0.6


PAIR = bk.models.oscillator_pair(coupling=bk.analysis.oscillators.Spring(PULL))


def squares(theory, hamiltonian, y):
    """Products of q, p and the means of x and pi; in the place of the square of the mean of x, the mean of x^2."""
    x = expect(hamiltonian.quantum_position, y.psi)
    z = jnp.stack([y.point.position[0], y.point.momentum[0], x, expect(hamiltonian.quantum_momentum, y.psi)])
    position = jnp.asarray(hamiltonian.quantum_position)
    return jnp.outer(z, z).at[2, 2].set(expect(position @ position, y.psi))


def impurity(theory, hamiltonian, y):
    return jnp.abs(jnp.sum(jnp.abs(y.psi) ** 2) - 1)


@functools.cache
def pair_run(displacement=-0.4):
    start = bk.GaussianCloud(0.5, -0.3, 0.6, 0.5, PAIR.coherent_state(displacement, 0.2))
    theory = bk.ClassicalQuantum(DIFFUSION, FRICTION, truncation_tolerance=1e-3)
    kept = (bk.Observable("squares", squares, ("one", "other")), bk.Observable("impurity", impurity))
    times = bk.times(3.0, 3, step=0.0625)
    return bk.simulate(PAIR, theory, start, times, trajectories=4096, seed=2, observables=kept, follow=0)


def exact_pair(time):
    """Second moments of (q, p, x, pi) about zero."""
    stiffness = 1 + PULL
    drift = np.array([[0, 1, 0, 0], [-stiffness, -FRICTION, PULL, 0], [0, 0, 0, 1], [PULL, 0, -stiffness, 0]])
    noise = np.diag([0.0, DIFFUSION, 0.0, PULL**2 / (4 * DIFFUSION)])
    width = 1 / (2 * np.sqrt(stiffness))
    start = np.diag([0.36, 0.25, width, 0.25 / width])
    block = expm(np.block([[-drift, noise], [np.zeros((4, 4)), drift.T]]) * time)
    flow = block[4:, 4:].T
    mean = flow @ np.array([0.5, -0.3, -0.4, 0.2])
    return flow @ start @ flow.T + flow @ block[:4, 4:] + np.outer(mean, mean)


def test_moments_of_the_oscillator_pair():
    run, exact = pair_run(), exact_pair(3.0)
    mean, error = run.squares.values[-1], run.squares_standard_error.values[-1]
    # of the quantum side alone, the mean of a square is no square of a mean: only x^2 is kept
    inside = np.ones((4, 4), bool)
    inside[2, 3] = inside[3, 2] = inside[3, 3] = False
    np.testing.assert_array_less(np.abs(mean - exact)[inside], ERRORS * error[inside])
    # the forces of the pair are diagonal in one basis, which is found
    assert has_one_basis(PAIR)


def test_states_stay_pure():
    assert pair_run().impurity.values.max() < 1e-10


def test_the_population_of_the_last_level_is_kept_and_stops_a_run():
    assert 0 < pair_run().highest_level_population.values[-1] < 1e-6
    with pytest.raises(bk.RunFailed, match="has reached the last of its levels"):
        pair_run(displacement=4.5)


# -- energy: what noise and decoherence give, and friction takes -----------------------------------------------------


def test_energy_balance_of_any_coupling_and_a_diffusion_that_depends_on_the_position():
    def coupling(q):
        return 0.5 * jnp.tanh(q[0]) * Z.real + 0.4 * jnp.exp(-(q[0] ** 2)) * X.real

    def diffusion(q):
        return 0.4 + 0.3 * jnp.tanh(q[0])

    system = bk.hamiltonian(coupling, masses=[1.3], external=lambda q: 0.1 * q[0] ** 4, quantum=0.3 * X.real)
    assert not has_one_basis(system)

    def supply(theory, hamiltonian, y):
        """Of the master equation: dE/dt = D/2m - gamma p^2/m - D_0/2 <[f, [f, H]]>."""
        q, p = y.point.position, y.point.momentum[0]
        force = force_operators(hamiltonian, q)[0]
        operator = hamiltonian.quantum() + hamiltonian.coupling(q)
        once, energy = apply(force, y.psi), jnp.vdot
        nested = 2 * energy(y.psi, apply(force, apply(force, apply(operator, y.psi)))).real
        nested = nested - 2 * energy(once, apply(operator, once)).real
        heating = diffusion(q) / 2.6 - FRICTION * p**2 / 1.3
        return heating - 0.5 / (4 * diffusion(q)) * nested

    times = bk.times(2.0, 40, step=0.05)
    run = bk.simulate(
        system,
        bk.ClassicalQuantum(diffusion, FRICTION),
        bk.GaussianPacket(-0.7, 0.8, 0.5, TILTED),
        times,
        trajectories=20000,
        seed=4,
        observables=(bk.Observable("supply", supply),),
        follow=0,
    )
    energy, rate = run.energy.values, run.supply.values
    np.testing.assert_allclose(run.energy_rate, rate, atol=1e-12)
    supplied = np.sum(0.5 * (rate[1:] + rate[:-1])) * 0.05
    assert abs(supplied) > 20 * run.energy_standard_error.values[-1]  # there is something to balance
    assert abs(energy[-1] - energy[0] - supplied) < ERRORS * run.energy_standard_error.values[-1]


def test_with_one_level_it_is_langevin_dynamics():
    """Two coupled Brownian oscillators, friction and noise as full matrices, one of them without noise in one
    direction, where a number may push.
    """
    rates = np.array([[0.5, 0.2], [0.1, 0.3]])
    noise = np.outer([1.0, 0.4], [1.0, 0.4])
    stiffness = np.array([[1.0, 0.3], [0.3, 1.5]])

    def coupling(q):
        return jnp.array([[0.5 * q @ stiffness @ q]])

    run = bk.simulate(
        bk.hamiltonian(coupling, masses=[1.0, 2.0]),
        bk.ClassicalQuantum(noise, rates),
        bk.Points([[0.6, -0.4]], [[0.0, 0.5]]),
        bk.times(2.0, 1, step=0.05),
        trajectories=20000,
        seed=6,
        follow=0,
    )
    drift = np.block([[np.zeros((2, 2)), np.diag([1.0, 0.5])], [-stiffness, -rates]])
    block = np.zeros((8, 8))
    block[:4, :4], block[4:, 4:], block[2:4, 6:] = -drift, drift.T, noise
    block = expm(2.0 * block)
    flow = block[4:, 4:].T
    mean = flow @ np.array([0.6, -0.4, 0.0, 0.5])
    spread = np.sqrt(np.diag(flow @ block[:4, 4:]))
    close(run, "position", mean[:2])
    close(run, "momentum", mean[2:])
    close(run, "position_spread", spread[:2])
    close(run, "momentum_spread", spread[2:])


# -- how it is put together ------------------------------------------------------------------------------------------


def test_a_walk_is_its_steps_one_by_one_and_needs_no_order_of_turn_and_friction():
    system, theory = dephasing(), bk.ClassicalQuantum(DIFFUSION, FRICTION, forces=bk.OneBasis())
    integrator = bk.integrators.StrangAroundNoise()
    step, relay = integrator.stepper(theory, system, 0.1), integrator.relay(theory, system, 0.1)
    y = ConditionalState(bk.PhasePoint(jnp.array([0.3]), jnp.array([0.2])), jnp.asarray(TILTED))
    key = jax.random.key_data(jax.random.key(0))

    @eqx.filter_jit
    def both(y):
        one_by_one = lax.fori_loop(0, 5, lambda i, y: step(0.1 * i, y, StepDraws(key, i))[0], y)
        along = lax.fori_loop(0, 5, lambda i, y: relay.step(0.1 * i, y, StepDraws(key, i))[0], relay.begin(y))
        return one_by_one, relay.finish(along)

    first, second = both(y)
    for one, other in zip(jax.tree_util.tree_leaves(first), jax.tree_util.tree_leaves(second), strict=True):
        np.testing.assert_allclose(one, other, rtol=0, atol=1e-13)


def test_nothing_depends_on_how_the_work_is_cut():
    start = bk.GaussianPacket(0.5, -0.2, 0.5, TILTED)

    def run(**cut):
        theory = bk.ClassicalQuantum(DIFFUSION, FRICTION)
        return bk.simulate(
            dephasing(), theory, start, bk.times(0.5, 2, step=0.125), trajectories=700, seed=1, **cut
        )

    assert run(workers=1).equals(run(workers=2, chunk=512))


def sine(q):
    return 0.4 * jnp.sin(q[0]) * Z.real


def parabola(q):
    return (0.4 * q[0] - 0.1 * q[0] ** 2) * Z.real + 0.2 * X.real


@pytest.mark.parametrize(
    ("coupling", "forces"), [(sine, bk.BasisOfEach()), (parabola, bk.OneBasis())], ids=["sine", "parabola"]
)
def test_other_coordinates_are_the_same_motion(coupling, forces):
    """q' = a + b q, p' = p / b: the same draws make the same step, wherever the origin is."""
    shift, scale = np.array([0.7]), np.array([2.0])
    key = jax.random.key_data(jax.random.key(0))
    theory = bk.ClassicalQuantum(lambda q: 0.3 + 0.1 * jnp.cos(q[0]), FRICTION, forces=forces)
    position, momentum = jnp.array([0.4]), jnp.array([0.3])
    psi = jnp.asarray(TILTED)

    def after(theory, system, position, momentum):
        return one_step(theory, system, ConditionalState(bk.PhasePoint(position, momentum), psi), key)

    here = after(theory, bk.hamiltonian(coupling, masses=[1.0], quantum=X.real), position, momentum)
    scaled = bk.hamiltonian(lambda q: coupling((q - shift) / scale), masses=1.0 / scale**2, quantum=X.real)
    there = after(theory.in_coordinates(shift, scale), scaled, shift + scale * position, momentum / scale)
    np.testing.assert_allclose(there.point.position, shift + scale * here.point.position, atol=1e-13)
    np.testing.assert_allclose(there.point.momentum, here.point.momentum / scale, atol=1e-13)
    np.testing.assert_allclose(there.psi, here.psi, atol=1e-13)
    assert np.abs(here.psi - TILTED).max() > 0.05


@settings(max_examples=10)
@given(
    entries=st.lists(st.floats(-2, 2), min_size=9, max_size=9), rank=st.integers(1, 3), whole=st.booleans()
)
def test_the_root_of_a_diffusion(entries, rank, whole):
    """sigma sigma^T = D; with its pseudo-inverse it is the projector on directions with noise."""
    factor = np.array(entries).reshape(3, 3)[:, :rank] + np.eye(3)[:, :rank] * 3
    diffusion = factor @ factor.T if whole else np.diag(factor @ factor.T).copy()
    root = root_of(diffusion, 3)
    square = diffusion if whole else np.diag(diffusion)
    np.testing.assert_allclose(root.sigma @ root.sigma.T, square, atol=1e-10)
    projector = np.linalg.pinv(square, rcond=1e-10) @ square
    np.testing.assert_allclose(
        root.sigma @ root.inverse, projector, atol=1e-7 * np.linalg.cond(factor.T @ factor)
    )


@pytest.mark.parametrize(
    ("coupling", "coordinates", "shared"),
    [
        (lambda q: q[0] * X.real, 1, True),
        (lambda q: q[0] * Z.real + q[0] * q[1] * Z.real + q[1] ** 2 * jnp.eye(2), 2, True),
        (lambda q: q[0] * Z.real + q[1] * X.real, 2, False),
        (lambda q: q[0] ** 3 * Z.real, 1, False),
        (lambda q: jnp.abs(q[0]) * Z.real, 1, False),
        (lambda q: jnp.sqrt(q[0] ** 2) * Z.real, 1, False),
    ],
    ids=["linear", "quadratic", "not commuting", "cubic", "kink", "no derivative"],
)
def test_one_basis_is_taken_where_there_is_one(coupling, coordinates, shared):
    assert has_one_basis(bk.hamiltonian(coupling, masses=np.ones(coordinates))) == shared


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"diffusion": -0.1}, "must not be negative"),
        ({"diffusion": np.array([[1.0, 0.5], [0.4, 1.0]])}, "symmetric"),
        ({"diffusion": np.array([[1.0, 2.0], [2.0, 1.0]])}, "must not be negative"),
        ({"diffusion": 1.0, "trade_off": 0.9}, "`trade_off` must be at least 1"),
        ({"diffusion": 1.0, "trade_off": bk.ViolatedTradeOff(0.5)}, "or a KeptTradeOff"),
        ({"diffusion": 1.0, "friction": -0.1}, "`friction` must not drive"),
        ({"diffusion": 1.0, "friction": np.ones(2)}, "`friction`"),
        ({"diffusion": np.ones(3)}, r"got shape \(3,\)"),
        ({"diffusion": lambda q: jnp.ones(3)}, r"got shape \(3,\)"),
        ({"diffusion": 1.0, "friction": np.eye(3)}, r"shape \(2, 2\)"),
        ({"diffusion": np.array([1.0, 0.0])}, "coordinate 1 without noise"),
        ({"diffusion": 0.0}, "without noise"),
        ({"diffusion": 1.0, "forces": bk.OneBasis()}, "leave it out"),
        ({"diffusion": 1.0, "truncation_tolerance": 0.0}, "`truncation_tolerance`"),
    ],
    ids=lambda value: value if isinstance(value, str) else "",
)
def test_what_cannot_be_is_refused_before_anything_runs(options, message):
    with pytest.raises(bk.InvalidInput, match=message):
        bk.ClassicalQuantum(**options).resolve(records(), None, None)


def test_other_integrators_and_hamiltonians_are_refused():
    start, times = bk.Points([0.5], [0.0]), bk.times(1.0, 1, step=0.1)
    with pytest.raises(bk.UnsupportedHamiltonian, match="StrangAroundNoise needs a theory with a random"):
        bk.simulate(dephasing(), bk.Ehrenfest(), start, times, integrator=bk.integrators.StrangAroundNoise())
    with pytest.raises(bk.UnsupportedHamiltonian, match="Strang needs a theory made of exact parts"):
        bk.simulate(dephasing(), bk.ClassicalQuantum(1.0), start, times, integrator=bk.integrators.Strang())
