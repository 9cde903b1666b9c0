"""Surface hopping whose trajectories correct each other: the rate against exact waves, and what must hold inside."""

import functools

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from jax import lax

import brackish as bk
from brackish.quantum import apply, dagger, eigensystem
from brackish.randomness import StepDraws
from brackish.theories.trajectories import surface_hopping
from brackish.theories.trajectories._fubini_study import neighbours
from brackish.theories.trajectories.surface_hopping import HoppingEnsemble

TULLY = bk.models.tully(2)
MASS = 2000.0
FULL = bk.FullCorrection([0.2])
OSMOTIC = bk.OsmoticCorrection([0.2])
DIABATIC = bk.InDiabaticBasis()


# -- the rate, against an exact solution of the Schroedinger equation ------------------------------------------


def projectors(position):
    """Projectors on both eigenstates of V, (2, d, d), without any eigenvector: (1 -+ V'/|V'|)/2, traceless V'."""
    potential = TULLY.potential(position)
    traceless = potential - 0.5 * jnp.trace(potential) * jnp.eye(2)
    direction = traceless / jnp.sqrt(0.5 * jnp.sum(traceless**2))
    return 0.5 * jnp.stack([jnp.eye(2) - direction, jnp.eye(2) + direction])


@functools.cache
def residuals():
    """On the packet of Tully II, k = 16, amidst its crossing: n times what the formula with the whole correction, with
    the osmotic one, and without one leaves of -dp_n/dt; and n times the correction; each (nodes, 2).
    """
    packet = bk.GaussianPacket(-10.0, 16.0, 10 / 16, bk.Adiabatic(0))
    grid = bk.Grid(-20.0, 20.0, 1024)
    run = bk.simulate(
        TULLY,
        bk.Exact(grid),
        packet,
        bk.times(1200.0, 1, step=1.0),
        observables=(bk.observables.wavefunction(),),
    )
    fields = bk.analysis.factorize_run(TULLY, run, 1200.0)

    def left(position, velocity, density, rate, *corrections):
        turning = jax.jvp(projectors, (position,), (velocity,))[1]
        along = jnp.sum(turning * density.T[None] + projectors(position) * rate.T[None], axis=(1, 2)).real
        return [
            jnp.sum(bk.analysis.population_flows(TULLY, position, velocity, density, correction), axis=1)
            + along
            for correction in corrections
        ]

    def by_node(field):
        return jnp.moveaxis(field, -1, 0)

    turned = fields.osmotic_velocity[0][None, None] * fields.conditional_slope[0]
    rate = fields.material_rate_of(lambda fields: fields.conditional_density)
    values = (fields.velocity, fields.conditional_density, rate)
    corrections = (fields.coupling, turned, jnp.zeros_like(turned))
    found = jax.jit(jax.vmap(left))(jnp.asarray(grid.nodes()), *map(by_node, (*values, *corrections)))
    return np.array([fields.density[:, None] * value for value in found]) * grid.cell


def test_the_rate_with_the_whole_correction_is_exact():
    """-dp_n/dt along the flow, from the Schroedinger equation alone, against the sum of the flows to other states."""
    whole, _, without = residuals()
    assert np.abs(without).max() > 1e-7
    assert np.abs(whole).max() < 1e-10 * np.abs(without).max()


def test_the_approximate_rate_misses_a_good_part_of_the_correction():
    """Between a tenth and more than the whole of it, in the mean over the packet."""
    _, approximate, without = residuals()
    assert 0.1 < np.abs(approximate).sum() / np.abs(without).sum() < 3.0


# -- what the correction does to quantum states ---------------------------------------------------------------


def cloud(seed, count=40, levels=2):
    """Positions and states at random."""
    rng = np.random.default_rng(seed)
    psi = rng.normal(size=(count, levels)) + 1j * rng.normal(size=(count, levels))
    psi = psi / np.linalg.norm(psi, axis=1, keepdims=True)
    return jnp.asarray(rng.normal(size=(count, 1))), jnp.asarray(psi), jnp.full(count, 1 / count)


@jax.jit
def operators(positions, psi, weight):
    """The whole and the osmotic correction of an ensemble, each (N, d, d)."""
    near = neighbours(positions, weight, np.array([0.3]), np.array([MASS]))
    return [correction.operator(near, psi) for correction in (FULL, OSMOTIC)]


@given(seed=st.integers(0, 2**31), levels=st.integers(2, 3))
def test_the_whole_correction_moves_no_population_in_the_mean(seed, levels):
    """Whatever the states, and however few the trajectories: the sum of W [dH, rho] is zero."""
    positions, psi, weight = map(np.asarray, cloud(seed, 24, levels))
    density = psi[:, :, None] * psi[:, None, :].conj()
    whole, osmotic = (
        np.einsum("a,aij->ij", weight, operator @ density - density @ operator)
        for operator in map(np.asarray, operators(positions, psi, weight))
    )
    assert np.abs(whole).max() < 1e-15
    assert np.abs(osmotic).max() > 1e-6


def test_the_osmotic_correction_is_the_velocity_times_the_slope():
    """States that turn evenly over a Gaussian density, for which both are known; the kernel widens the density."""
    spread, width, turning = 3.0, 0.3, 0.1
    x = spread * jax.scipy.special.ndtri((jnp.arange(2000) + 0.5) / 2000)
    angle = turning * x
    psi = jnp.stack([jnp.cos(angle), jnp.sin(angle)], axis=1) + 0j
    weight = jnp.full(2000, 1 / 2000)
    slope = turning * jnp.stack(
        [-jnp.sin(2 * angle), jnp.cos(2 * angle), jnp.cos(2 * angle), jnp.sin(2 * angle)]
    )
    expected = ((x / (2 * MASS * (spread**2 + width**2)))[None] * slope).T.reshape(-1, 2, 2)
    inner = jnp.abs(x) < 4.5
    _, found = operators(x[:, None], psi, weight)
    assert np.abs((found - expected)[inner]).max() < 0.02 * np.abs(expected[inner]).max()


# -- ensembles on their way -------------------------------------------------------------------------------------

CROSSING = bk.GaussianPacket(-3.0, 16.0, 0.5, [0.8, 0.6j])
COUNT, STEP, STEPS = 48, 4.0, 200


@eqx.filter_jit
def walk(theory, y, dt, steps, key):
    """So many steps of the default integrator. `key`: of a trajectory that is alone."""
    relay = bk.integrators.StrangAroundJumps().relay(theory, TULLY, dt)
    move = lambda number, y: relay.step(number * dt, y, StepDraws(key, number))[0]  # noqa: E731
    return relay.finish(lax.fori_loop(0, steps, move, relay.begin(y)))


UNUSED = jnp.zeros(2, jnp.uint32)


@eqx.filter_jit
def begun(theory, count=COUNT):
    """An ensemble of the packet, each trajectory with a key of its own."""
    indices = jnp.arange(count)
    keys = jax.vmap(jax.random.fold_in, in_axes=(None, 0))(jax.random.key(5), indices)
    y, _ = theory.prepare(TULLY, bk.QuasiRandom(CROSSING), indices, keys)
    return y


def corrected(representation=DIABATIC, correction=FULL):
    return bk.SurfaceHopping(representation=representation, correction=correction)


@functools.cache
def whole():
    return walk(corrected(), begun(corrected()), STEP, STEPS, UNUSED)


def assert_same(first, second, atol=1e-9):
    """Points, surfaces and density operators, trajectory by trajectory."""
    theory = corrected()
    np.testing.assert_array_equal(first.trajectory.active, second.trajectory.active)
    a, b = (theory.classical_points(TULLY, y) for y in (first, second))
    np.testing.assert_allclose(a.point.position, b.point.position, rtol=0, atol=atol)
    np.testing.assert_allclose(a.point.momentum, b.point.momentum, rtol=0, atol=atol)
    np.testing.assert_allclose(a.density, b.density, rtol=0, atol=atol)


def test_trajectories_hop_and_keep_norm_and_energy():
    """Each its own energy, also across hops: with the correction nothing is paid that was not paid without it."""
    alone, start, end = bk.SurfaceHopping(), begun(corrected()), whole()
    assert 3 < int(jnp.sum(start.trajectory.active != end.trajectory.active)) < COUNT
    norm = jnp.sum(jnp.abs(end.trajectory.psi) ** 2, axis=1)
    np.testing.assert_allclose(norm, 1, rtol=0, atol=1e-11)
    energies = [jax.vmap(alone.energy, in_axes=(None, 0))(TULLY, y.trajectory) for y in (start, end)]
    np.testing.assert_allclose(*energies, rtol=0, atol=2e-5)
    assert float(corrected().energy(TULLY, end)) == pytest.approx(float(jnp.mean(energies[1])), abs=1e-14)


def test_neither_order_nor_phases_of_the_trajectories_matter():
    order = np.random.default_rng(1).permutation(COUNT)
    phases = jnp.exp(1j * jnp.arange(COUNT) ** 2)[:, None]
    y = begun(corrected())
    turned = eqx.tree_at(
        lambda y: (y.trajectory.psi, y.trajectory.marked),
        y,
        (phases * y.trajectory.psi, phases * y.trajectory.marked),
    )
    end = walk(corrected(), jax.tree.map(lambda leaf: leaf[order], turned), STEP, STEPS, UNUSED)
    assert_same(end, jax.tree.map(lambda leaf: leaf[order], whole()))


def test_neither_representation_nor_phases_of_eigenvectors_matter(monkeypatch):
    """Carried by overlaps of eigenvectors whose phases jump about from place to place: the same hops."""

    def with_phases(matrix):
        energies, vectors = eigensystem(matrix)
        turns = (1e4 * matrix[0, 0].real + 3e4 * matrix[0, 1].real) * jnp.array([1.0, -1.7])
        return energies, vectors * jnp.exp(1j * turns)[None, :]

    theory = corrected(bk.InAdiabaticBasis())
    start = begun(theory)
    monkeypatch.setattr(surface_hopping, "eigensystem", with_phases)
    end = walk(theory, start, STEP, STEPS, UNUSED)
    monkeypatch.undo()
    assert_same(end, whole())


def test_one_trajectory_is_not_corrected():
    """Ensembles of one: each hops as it does alone, with the same draws."""
    alone, y = bk.SurfaceHopping(), begun(corrected())
    hopped = 0
    for place in range(12):
        trajectory, key = jax.tree.map(lambda leaf, place=place: leaf[place], (y.trajectory, y.key))
        start, keys = jax.tree.map(lambda leaf: leaf[None], (trajectory, key))
        found = walk(corrected(), HoppingEnsemble(start, jnp.ones(1), keys), STEP, STEPS, UNUSED)
        end = walk(alone, trajectory, STEP, STEPS, key)
        expected = HoppingEnsemble(jax.tree.map(lambda leaf: leaf[None], end), jnp.ones(1), keys)
        assert_same(found, expected, atol=1e-11)
        hopped += int(end.active != trajectory.active)
    assert 0 < hopped < 12


def test_equal_states_are_not_corrected():
    positions, psi, weight = cloud(3)
    equal, different = (operators(positions, states, weight) for states in (psi[:1] + 0 * psi, psi))
    for none, some in zip(equal, different, strict=True):
        assert np.abs(none).max() < 1e-14 * np.abs(some).max()


class Never(eqx.Module):
    """Draws that no hop asks for."""

    key: jax.Array
    step: jax.Array

    def uniform(self, which=0):
        return jnp.ones(())


def test_between_hops_the_motion_is_of_second_order(monkeypatch):
    monkeypatch.setattr(surface_hopping, "StepDraws", Never)
    theory, counts = corrected(), np.array([16, 32, 64])
    y = begun(theory, 12)
    unhopping = eqx.filter_jit(walk.__wrapped__)

    def seen(steps):
        end = unhopping(theory, y, np.asarray(400.0 / steps), np.asarray(steps), UNUSED)
        points = end.trajectory.point
        psi = end.trajectory.psi
        density = psi[:, :, None] * jnp.conj(psi)[:, None, :]
        return np.concatenate([np.ravel(x) for x in (points.position, points.momentum, density)])

    fine = seen(512)
    errors = [np.abs(seen(int(count)) - fine).max() for count in counts]
    assert -np.polyfit(np.log(counts), np.log(errors), 1)[0] == pytest.approx(2, abs=0.25), errors


def test_probabilities_follow_the_rate():
    """What a short step carries to the other state, twice over, is the flow of the formula times the step."""
    theory, y, dt = corrected(), begun(corrected()), 0.02
    near = neighbours(y.trajectory.point.position, y.weight, np.array([0.2]), np.array([MASS]))
    operator = FULL.operator(near, y.trajectory.psi)
    stepped, _ = bk.integrators.Strang().stepper(theory, TULLY, dt)(0.0, y, None)

    def flows(before, after, correction):
        point, psi = before.point, before.psi
        density = psi[:, None] * jnp.conj(psi)[None, :]
        expected = bk.analysis.population_flows(
            TULLY, point.position, point.momentum / MASS, density, correction
        )
        _, vectors = eigensystem(TULLY.potential(after.point.position))
        here, marked = (apply(dagger(vectors), state) for state in (after.psi, after.marked))
        carried = 2 * (jnp.conj(here) * marked).real / dt
        other = jnp.arange(2) != before.active
        return jnp.sum(jnp.where(other, carried, 0.0)), jnp.sum(
            jnp.where(other, expected[before.active], 0.0)
        )

    found, expected = jax.jit(jax.vmap(flows))(y.trajectory, stepped.trajectory, operator)
    assert np.abs(found - expected).max() < 0.01 * np.abs(expected).max()
    assert np.abs(expected).max() > 0


# -- as a run ------------------------------------------------------------------------------------------------------


def test_draws_belong_to_trajectories_and_steps():
    """More saves, more calls of the compiled program, more threads, more ensembles beside: the same first ensemble."""
    packet = bk.GaussianPacket(-3.0, 16.0, 0.5, bk.Adiabatic(0))

    def run(ensembles, workers):
        times = bk.times(480.0, saves=60, step=4.0)
        options = {"trajectories": 24, "seed": 3, "follow": 24}
        return bk.simulate(TULLY, corrected(), packet, times, ensembles=ensembles, workers=workers, **options)

    first, second = run(3, 1), run(3, 2)
    assert first.equals(second)
    assert np.all(first.adiabatic_population_standard_error.values[-1] > 0)
    assert first.attrs["ensembles"] == 3
    two = run(2, 2)
    np.testing.assert_array_equal(two.trajectory_position, first.trajectory_position)
    hops = np.diff(first.trajectory_adiabatic_population.values[..., 1].round(), axis=1)
    assert np.any(hops != 0)


def test_widths_that_make_no_sense_are_refused():
    with pytest.raises(bk.InvalidInput, match="`width` of FullCorrection must be positive"):
        bk.FullCorrection(-0.1)
    points = bk.Points([0.0, 0.0], [1.0, 1.0])
    with pytest.raises(bk.UnsupportedHamiltonian, match="FullCorrection cannot measure the spread of Points"):
        bk.simulate(TULLY, bk.SurfaceHopping(correction=bk.FullCorrection()), points, bk.times(1.0, 1))
    assert not bk.SurfaceHopping().coupled
    assert corrected().in_coordinates(np.zeros(1), np.array([2.0])).correction.width == pytest.approx(0.4)
