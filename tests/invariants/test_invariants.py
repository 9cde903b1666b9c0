"""What must hold for any Hamiltonian, on random ones: energy, norm, covariance, reversal.

A matrix of random sines, any number of levels and coordinates, complex unless said otherwise. A stored result
would keep a wrong force for ever; these fail for it (see the force without coherences below).
"""

from typing import ClassVar

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from jax import lax
from jax.tree_util import Partial

import brackish as bk
from brackish.integrators import RungeKutta4, Strang
from brackish.quantum import apply, dagger, density_from_spinor, eigensystem, propagate, purity
from brackish.randomness import StepDraws
from brackish.theories.exact.split_operator import WavefunctionState
from brackish.theories.trajectories.ehrenfest import EhrenfestState
from brackish.theories.trajectories.mean_field import MeanFieldState
from brackish.theories.trajectories.surface_hopping import HoppingState

SHAPES = ((2, 1), (3, 2))  # levels and coordinates
seeds = st.integers(0, 2**32 - 1)
shapes = st.sampled_from(SHAPES)


def waves(strengths, wavevectors, origin, q):
    phases = jnp.sum(wavevectors * (q - origin)[None, :], axis=1)
    return jnp.sum(strengths * jnp.sin(phases)[:, None, None], axis=0)


def random_system(seed, levels, coordinates, real=False, shift=0.0, frequencies=True):
    rng = np.random.default_rng(seed)
    strengths = rng.normal(size=(3, levels, levels)) + (0 if real else 1j) * rng.normal(
        size=(3, levels, levels)
    )
    strengths = 0.2 * (strengths + strengths.conj().swapaxes(1, 2))
    wavevectors = rng.normal(size=(3, coordinates))
    masses = rng.uniform(0.5, 3.0, coordinates)
    harmonic = rng.uniform(0.3, 1.5, coordinates) if frequencies else None
    function = Partial(waves, strengths, wavevectors, np.full(coordinates, shift))
    return bk.hamiltonian(function, masses, frequencies=harmonic)


def random_spinor(rng, levels):
    psi = rng.normal(size=levels) + 1j * rng.normal(size=levels)
    return jnp.asarray(psi / np.linalg.norm(psi))


def random_start(seed, levels, coordinates):
    rng = np.random.default_rng(seed + 1)
    z = bk.PhasePoint(jnp.asarray(rng.normal(size=coordinates)), jnp.asarray(rng.normal(size=coordinates)))
    return EhrenfestState(z, random_spinor(rng, levels))


def random_cloud(seed, levels, coordinates):
    rng = np.random.default_rng(seed + 1)
    cloud = bk.PhasePoint(*(jnp.asarray(rng.normal(size=(3, coordinates))) for _ in range(2)))
    first, second = (density_from_spinor(random_spinor(rng, levels)) for _ in range(2))
    return MeanFieldState(cloud, jnp.array([0.5, 0.3, 0.2]), 0.7 * first + 0.3 * second)


@eqx.filter_jit
def _walk(theory, hamiltonian, y, dt, steps, key):
    relay = theory.default_integrator(hamiltonian).relay(theory, hamiltonian, dt)
    step = lambda number, y: relay.step(number * dt, y, StepDraws(key, number))[0]  # noqa: E731
    return relay.finish(lax.fori_loop(0, steps, step, relay.begin(y)))


def walk(theory, hamiltonian, y, dt, steps, seed=0):
    """The state after `steps` steps of the default integrator; times and numbers are no constants of the
    program.
    """
    key = jax.random.key_data(jax.random.fold_in(jax.random.key(5), seed))
    return _walk(theory, hamiltonian, y, np.asarray(dt), np.asarray(steps), key)


@eqx.filter_jit
def largest_drift(theory, hamiltonian, y, dt, steps):
    """The largest departure from the initial energy at any step."""
    step = theory.default_integrator(hamiltonian).stepper(theory, hamiltonian, dt)
    start = theory.energy(hamiltonian, y)

    def one(number, carry):
        y, largest = carry
        y, _ = step(number * dt, y, None)
        return y, jnp.maximum(largest, jnp.abs(theory.energy(hamiltonian, y) - start))

    return lax.fori_loop(0, steps, one, (y, jnp.zeros(())))[1]


def drift_is_second_order(theory, hamiltonian, y, duration=2.0, steps=64):
    """Whether half the step leaves a quarter of the drift, and not a constant of its own."""
    coarse, fine = (
        largest_drift(theory, hamiltonian, y, np.asarray(duration / n), np.asarray(n))
        for n in (steps, 2 * steps)
    )
    return bool(fine <= 0.3 * coarse + 1e-11)


# -- energy and norm ------------------------------------------------------------------------------------


@given(shape=shapes, seed=seeds)
def test_ehrenfest_keeps_energy_to_second_order_and_the_norm_to_round_off(shape, seed):
    system, y = random_system(seed, *shape), random_start(seed, *shape)
    assert drift_is_second_order(bk.Ehrenfest(), system, y)
    assert abs(np.linalg.norm(walk(bk.Ehrenfest(), system, y, 2.0 / 64, 64).psi) - 1) < 1e-12


class WithoutCoherences(eqx.Module):
    """Ehrenfest with a deliberate mistake: a force from populations alone, as if the levels did not mix."""

    averages: ClassVar[bool] = False

    def default_integrator(self, hamiltonian):
        return Strang()

    def energy(self, hamiltonian, y):
        return hamiltonian.expect(y.point, y.psi)

    def parts(self, hamiltonian):
        drift, _, turn = bk.Ehrenfest().parts(hamiltonian)

        def kick(duration):
            def flow(y):
                populations = jnp.abs(y.psi) ** 2

                def mean(position):
                    return jnp.sum(populations * jnp.diagonal(hamiltonian.potential(position)).real)

                point = bk.PhasePoint(
                    y.point.position, y.point.momentum - duration * jax.grad(mean)(y.point.position)
                )
                return EhrenfestState(point, y.psi)

            return flow

        return drift, kick, turn


@pytest.mark.parametrize("shape", SHAPES, ids=str)
def test_a_force_without_coherences_is_caught(shape):
    """The check above is no check if it passes for a wrong force."""
    for seed in range(10):
        system, y = random_system(seed, *shape), random_start(seed, *shape)
        assert not drift_is_second_order(WithoutCoherences(), system, y), seed


@given(shape=shapes, seed=seeds)
def test_mean_field_keeps_energy_to_second_order_and_the_spectrum_to_round_off(shape, seed):
    system, y = random_system(seed, *shape), random_cloud(seed, *shape)
    assert drift_is_second_order(bk.MeanField(), system, y)
    end = walk(bk.MeanField(), system, y, 2.0 / 64, 64).density
    np.testing.assert_allclose(np.linalg.eigvalsh(end), np.linalg.eigvalsh(y.density), rtol=0, atol=1e-12)
    assert abs(purity(end) - purity(y.density)) < 1e-12


@given(seed=seeds)
@settings(max_examples=5)
def test_an_ensemble_of_ehrenfest_does_not_keep_its_purity(seed):
    """Its trajectories carry states of their own: the property that the mean-field model lacks."""
    system, y = random_system(seed, 3, 2), random_start(seed, 3, 2)
    ends = []
    for offset in (-1.0, 0.0, 1.0):
        start = EhrenfestState(bk.PhasePoint(y.point.position + offset, y.point.momentum), y.psi)
        ends.append(density_from_spinor(walk(bk.Ehrenfest(), system, start, 3.0 / 64, 64).psi))
    assert purity(sum(ends) / 3) < 1 - 1e-4


BOUND = bk.hamiltonian(
    lambda q: jnp.array([[0.3, 0.5 * q[0]], [0.5 * q[0], -0.3]]) + 0.05 * q[0] ** 4 * jnp.eye(2),
    [1.0],
    frequencies=[1.0],
)


def test_ehrenfest_has_no_drift_over_a_million_steps():
    """A bound particle and two levels, strongly coupled, for some 30000 periods: energies of tenths side by side.

    The motion is chaotic: which way a single energy wanders is decided by round-off. A drift is common to all starts.
    """
    theory = bk.Ehrenfest()
    momenta = jnp.linspace(0.25, 0.35, 8)
    starts = jax.vmap(
        lambda p: EhrenfestState(bk.PhasePoint(jnp.array([1.0]), p[None]), jnp.array([0.6, 0.8j]))
    )(momenta)

    @eqx.filter_jit
    def run(integrator, starts, dt, stretches):
        relay = integrator.relay(theory, BOUND, dt)
        step = lambda _, y: relay.step(0.0, y, None)[0]  # noqa: E731

        def stretch(y, _):
            y = relay.finish(lax.fori_loop(0, 100, step, relay.begin(y)))
            return y, (theory.energy(BOUND, y), jnp.sum(jnp.abs(y.psi) ** 2))

        return jax.vmap(lambda y: lax.scan(stretch, y, length=stretches)[1])(starts)

    energies, norms = (np.asarray(x) for x in run(theory.default_integrator(BOUND), starts, 0.2, 10_000))
    scatter = np.mean(np.std(energies, axis=1))
    energies = energies - energies[:, :1]
    tenths = energies.reshape(len(momenta), 10, -1).mean(axis=(0, 2))
    assert 1e-5 < scatter < 0.05  # a step long enough to see something
    # means of a tenth lie as close together as those of a bounded, slowly wandering oscillation do
    assert np.ptp(tenths) < 0.5 * scatter, (tenths, scatter)
    assert abs(tenths[-1] - tenths[0]) < 0.2 * scatter, (tenths, scatter)
    assert np.ptp(energies[:, -1000:], axis=1).mean() < 1.2 * np.ptp(energies[:, :1000], axis=1).mean()
    assert np.abs(norms - 1).max() < 1e-10
    # a rule of higher order that keeps no structure is far away after a tenth of the time
    energies, norms = (np.asarray(x) for x in run(RungeKutta4(), starts, 0.2, 1_000))
    assert np.all(np.abs(energies[:, -1] - energies[:, 0]) > 10 * scatter)
    assert np.all(np.abs(norms[:, -1] - 1) > 1e-3)


SPIN = 0.5 * np.stack([[[0, 1], [1, 0]], [[0, -1j], [1j, 0]], [[1, 0], [0, -1]]])
SPINS = bk.hamiltonian(
    lambda n: jnp.sum(SPIN * (0.7 * n[0] + jnp.array([0.3, 0.0, 0.1]))[:, None, None], axis=0),
    manifold=bk.Spheres(1, 1.5),
    external=lambda n: 0.4 * n[0, 2] ** 2 + 0.1 * n[0, 0],
)


def test_spins_keep_their_lengths_and_have_no_drift():
    """A quantum and a classical spin: the implicit midpoint keeps both lengths exactly and the energy on
    average.
    """
    theory = bk.Ehrenfest()
    start = EhrenfestState(jnp.array([[0.6, 0.0, 0.8]]), jnp.array([0.6, 0.8j]))

    @eqx.filter_jit
    def run(y, dt):
        step = theory.default_integrator(SPINS).stepper(theory, SPINS, dt)

        def stretch(carry, _):
            y, status = carry

            def one(_, carry):
                y, new = step(0.0, carry[0], None)
                return y, jnp.maximum(carry[1], jnp.asarray(new, jnp.int32))

            y, status = lax.fori_loop(0, 20, one, (y, status))
            return (y, status), (theory.energy(SPINS, y), jnp.sum(jnp.abs(y.psi) ** 2), jnp.sum(y.point**2))

        (_, status), seen = lax.scan(stretch, (y, jnp.asarray(0, jnp.int32)), length=1000)
        return status, seen

    status, (energies, norms, lengths) = run(start, 0.2)
    assert status == 0
    assert np.abs(norms - 1).max() < 1e-9
    assert np.abs(lengths - 1).max() < 1e-9
    tenths = np.asarray(energies).reshape(10, -1).mean(axis=1)
    scatter = np.std(energies)
    assert scatter > 1e-7
    assert abs(tenths[-1] - tenths[0]) < 0.5 * scatter


# -- parts and flow -------------------------------------------------------------------------------------


@given(shape=shapes, seed=seeds)
def test_the_parts_of_ehrenfest_add_up_to_the_gradient_flow(shape, seed):
    parts, flow = sum_of_parts_and_flow(
        bk.Ehrenfest(), random_system(seed, *shape), random_start(seed, *shape)
    )
    assert_same_tangents(parts, flow)


@given(shape=shapes, seed=seeds)
def test_the_parts_of_mean_field_add_up_to_the_flow(shape, seed):
    parts, flow = sum_of_parts_and_flow(
        bk.MeanField(), random_system(seed, *shape), random_cloud(seed, *shape)
    )
    assert_same_tangents(parts, flow)


def matrix_of(y):
    """The quantum side without the overall phase, which the parts leave out."""
    return y.density if hasattr(y, "density") else jnp.outer(y.psi, y.psi.conj())


@eqx.filter_jit
def sum_of_parts_and_flow(theory, hamiltonian, y):
    def visible(y):
        return y.point.position, y.point.momentum, matrix_of(y)

    tangents = [
        jax.jvp(lambda t, part=part: visible(part(t)(y)), (0.0,), (1.0,))[1]
        for part in theory.parts(hamiltonian)
    ]
    flow = theory.flow(hamiltonian, 0.0, y)
    whole = jax.jvp(visible, (y,), (flow,))[1]
    return jax.tree_util.tree_map(lambda *leaves: sum(leaves), *tangents), whole


def assert_same_tangents(parts, flow):
    for a, b in zip(parts, flow, strict=True):
        assert np.abs(b).max() > 1e-6
        np.testing.assert_allclose(a, b, rtol=0, atol=1e-11)


# -- bases, phases, places, directions of time ----------------------------------------------------------


def random_unitary(seed, levels):
    rng = np.random.default_rng(seed + 2)
    return np.linalg.qr(rng.normal(size=(levels, levels)) + 1j * rng.normal(size=(levels, levels)))[0]


def hopping_start(hamiltonian, y, representation):
    """The same start for surface hopping: the middle surface is active, the state is what it is."""
    _, vectors = eigensystem(hamiltonian.potential(y.point.position))
    active = 1
    marked = vectors[:, active] * jnp.sum(jnp.conj(vectors[:, active]) * y.psi)
    if isinstance(representation, bk.InDiabaticBasis):
        return HoppingState(y.point, y.psi, marked + 0j, None, jnp.asarray(active))
    psi, marked = (apply(dagger(vectors), x) + 0j for x in (y.psi, marked))
    return HoppingState(y.point, psi, marked, vectors, jnp.asarray(active))


def diabatic(y):
    return y.psi if y.frame is None else apply(y.frame, y.psi)


@given(shape=shapes, seed=seeds)
def test_ehrenfest_does_not_know_the_basis(shape, seed):
    system, y, u = random_system(seed, *shape), random_start(seed, *shape), random_unitary(seed, shape[0])
    end = walk(bk.Ehrenfest(), system, y, 0.02, 100)
    turned = walk(bk.Ehrenfest(), bk.change_basis(system, u), EhrenfestState(y.point, u @ y.psi), 0.02, 100)
    assert_same_points(end, turned)
    np.testing.assert_allclose(turned.psi, u @ end.psi, rtol=0, atol=1e-10)


@given(shape=shapes, seed=seeds)
def test_mean_field_does_not_know_the_basis(shape, seed):
    system, y, u = random_system(seed, *shape), random_cloud(seed, *shape), random_unitary(seed, shape[0])
    end = walk(bk.MeanField(), system, y, 0.02, 100)
    start = MeanFieldState(y.point, y.weight, u @ y.density @ u.conj().T)
    turned = walk(bk.MeanField(), bk.change_basis(system, u), start, 0.02, 100)
    assert_same_points(end, turned)
    np.testing.assert_allclose(turned.density, u @ end.density @ u.conj().T, rtol=0, atol=1e-10)


@pytest.mark.parametrize(
    "representation", [bk.InDiabaticBasis(), bk.InAdiabaticBasis()], ids=lambda r: type(r).__name__
)
@given(seed=seeds)
def test_surface_hopping_does_not_know_the_basis(representation, seed):
    """With the same draws: the same hops, whatever phases the eigenvectors come with."""
    theory = bk.SurfaceHopping(representation)
    system, y, u = random_system(seed, 3, 2), random_start(seed, 3, 2), random_unitary(seed, 3)
    other = bk.change_basis(system, u)
    end = walk(theory, system, hopping_start(system, y, representation), 0.02, 100, seed)
    start = hopping_start(other, EhrenfestState(y.point, u @ y.psi), representation)
    turned = walk(theory, other, start, 0.02, 100, seed)
    assert end.active == turned.active
    assert_same_points(end, turned)
    np.testing.assert_allclose(diabatic(turned), u @ diabatic(end), rtol=0, atol=1e-10)


def test_surface_hops_in_these_tests():
    hops = [
        int(walk(theory, system, hopping_start(system, y, theory.representation), 0.02, 100, seed).active)
        for theory in (bk.SurfaceHopping(bk.InDiabaticBasis()),)
        for seed in range(20)
        for system, y in [(random_system(seed, 3, 2), random_start(seed, 3, 2))]
    ]
    assert len(set(hops)) == 3


@given(seed=seeds)
@settings(max_examples=5)
def test_the_exact_theory_does_not_know_the_basis(seed):
    theory = bk.Exact(bk.Grid(-8.0, 8.0, 64))
    system, u = random_system(seed, 2, 1), random_unitary(seed, 2)
    x = theory.grid.positions()[0]
    spinor = random_spinor(np.random.default_rng(seed), 2)
    psi = spinor[:, None] * jnp.exp(-(x**2) + 0.5j * x)[None, :]
    psi = psi / jnp.sqrt(jnp.sum(jnp.abs(psi) ** 2) * theory.grid.cell)
    start = lambda psi: WavefunctionState(psi, jnp.zeros(()), jnp.zeros((2, 2)))  # noqa: E731
    end = walk(theory, system, start(psi), 0.05, 40)
    turned = walk(theory, bk.change_basis(system, u), start(u @ psi), 0.05, 40)
    np.testing.assert_allclose(turned.psi, u @ end.psi, rtol=0, atol=1e-10)
    assert abs(np.sum(np.abs(end.psi) ** 2) * theory.grid.cell - 1) < 1e-12


def assert_same_points(first, second, shift=0.0, atol=1e-10):
    np.testing.assert_allclose(second.point.position, first.point.position + shift, rtol=0, atol=atol)
    np.testing.assert_allclose(second.point.momentum, first.point.momentum, rtol=0, atol=atol)


@given(shape=shapes, seed=seeds, phase=st.floats(0, 6))
def test_the_phase_of_the_state_means_nothing(shape, seed, phase):
    system, y = random_system(seed, *shape), random_start(seed, *shape)
    factor = np.exp(1j * phase)
    end = walk(bk.Ehrenfest(), system, y, 0.02, 100)
    turned = walk(bk.Ehrenfest(), system, EhrenfestState(y.point, factor * y.psi), 0.02, 100)
    assert_same_points(end, turned)
    np.testing.assert_allclose(turned.psi, factor * end.psi, rtol=0, atol=1e-10)


@pytest.mark.parametrize(
    "representation", [bk.InDiabaticBasis(), bk.InAdiabaticBasis()], ids=lambda r: type(r).__name__
)
def test_signs_and_phases_of_eigenvectors_mean_nothing(representation, monkeypatch):
    """Eigenvectors with a wild phase of their own at every place change no hop and no observable."""
    import brackish.theories.trajectories.surface_hopping as module

    theory, seeds = bk.SurfaceHopping(representation), range(12)
    cases = [(random_system(s, 3, 2), random_start(s, 3, 2)) for s in seeds]

    def ends():
        eqx.clear_caches()
        return [
            walk(theory, system, hopping_start(system, y, representation), 0.02, 100, s)
            for s, (system, y) in zip(seeds, cases, strict=True)
        ]

    before = ends()

    def wild(matrix):
        energies, vectors = eigensystem(matrix)
        phases = 1e4 * (matrix[0, 0].real + jnp.arange(matrix.shape[0]) * matrix[1, 1].real)
        return energies, vectors * jnp.exp(1j * phases)[None, :]

    with monkeypatch.context() as patch:
        patch.setattr(module, "eigensystem", wild)
        after = ends()
    eqx.clear_caches()
    for first, second in zip(before, after, strict=True):
        assert first.active == second.active
        assert_same_points(first, second, atol=1e-9)
        np.testing.assert_allclose(
            density_from_spinor(diabatic(second)), density_from_spinor(diabatic(first)), rtol=0, atol=1e-9
        )


@given(shape=shapes, seed=seeds, shift=st.floats(-20, 20))
def test_a_shifted_system_moves_in_the_same_way(shape, seed, shift):
    """Without harmonic modes, which are tied to the origin."""
    y = random_start(seed, *shape)
    end = walk(bk.Ehrenfest(), random_system(seed, *shape, frequencies=False), y, 0.02, 100)
    start = EhrenfestState(bk.PhasePoint(y.point.position + shift, y.point.momentum), y.psi)
    moved = walk(
        bk.Ehrenfest(), random_system(seed, *shape, shift=shift, frequencies=False), start, 0.02, 100
    )
    assert_same_points(end, moved, shift)
    np.testing.assert_allclose(moved.psi, end.psi, rtol=0, atol=1e-10)


@given(shape=shapes, seed=seeds)
def test_motion_of_a_real_hamiltonian_goes_back_when_reversed(shape, seed):
    system, y = random_system(seed, *shape, real=True), random_start(seed, *shape)

    def reversed_in_time(y):
        return EhrenfestState(bk.PhasePoint(y.point.position, -y.point.momentum), jnp.conj(y.psi))

    there = walk(bk.Ehrenfest(), system, y, 0.03, 300)
    back = reversed_in_time(walk(bk.Ehrenfest(), system, reversed_in_time(there), 0.03, 300))
    moved = np.abs(np.concatenate([there.point.position - y.point.position, there.psi - y.psi])).max()
    assert moved > 1e-3
    assert_same_points(back, y, atol=1e-9)
    np.testing.assert_allclose(back.psi, y.psi, rtol=0, atol=1e-9)


@given(seed=seeds)
def test_turns_commute_with_a_change_of_basis(seed):
    rng = np.random.default_rng(seed)
    matrix = rng.normal(size=(3, 3)) + 1j * rng.normal(size=(3, 3))
    matrix, u, psi = matrix + matrix.conj().T, random_unitary(seed, 3), random_spinor(rng, 3)
    turned = turn(u @ matrix @ u.conj().T, u @ psi)
    np.testing.assert_allclose(turned, u @ turn(matrix, psi), rtol=0, atol=1e-12)


turn = jax.jit(lambda matrix, psi: propagate(matrix, psi, 0.7))
