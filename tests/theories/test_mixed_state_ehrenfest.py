"""Ehrenfest trajectories of thermal electrons: what they conserve, what they are without mixture, and friction in
them.
"""

import dataclasses

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
import pytest
from jax import lax

import brackish as bk
from brackish.analysis import fitted_kernel
from brackish.analysis import friction as kernels
from brackish.randomness import StepDraws
from brackish.theories.trajectories.ehrenfest import EhrenfestState

ELECTRONS = bk.IndependentElectrons(0.004)


@eqx.filter_jit
def walked(theory, system, y, dt, steps):
    """One state after so many steps."""
    relay = bk.integrators.Strang().relay(theory, system, dt)
    y = lax.fori_loop(0, steps, lambda number, y: relay.step(0.0, y, None)[0], relay.begin(y))
    return relay.finish(y)


def started(theory, system, position=0.5, momentum=1.0):
    """The resolved theory, and its state at one point."""
    theory = theory.resolve(system, None, None)
    point = bk.Points([position], [momentum])
    return theory, theory.prepare(system, point, jnp.asarray(0), jax.random.key(0))[0]


def band(slope=0.05, count=30, **options):
    return bk.models.newns_anderson(
        mass=200.0,
        frequency=0.01,
        slope=slope,
        width=0.02,
        levels=bk.models.TrapezoidLevels(count),
        **options,
    )


def density_of(theory, system, y):
    return np.asarray(theory.classical_points(system, y).density[0])


def without_frame(theory, y):
    """The same state and theory with full matrices."""
    orbitals = jnp.asarray(theory.frame.basis) @ y.orbitals
    changed = dataclasses.replace(y, orbitals=orbitals.astype(complex))
    return dataclasses.replace(theory, frame=None), changed


def test_a_pure_state_is_ehrenfests():
    tully = bk.models.tully(2)
    theory, y = started(bk.MixedStateEhrenfest(bk.ManyElectronStates(0.0)), tully, -3.0, 20.0)
    ground = np.linalg.eigh(np.asarray(tully.potential(y.point.position)))[1][:, 0]
    other = EhrenfestState(y.point, jnp.asarray(ground.astype(complex)))
    ended = walked(theory, tully, y, 5.0, 100)
    alone = walked(bk.Ehrenfest(), tully, other, 5.0, 100)
    np.testing.assert_allclose(ended.point.position, alone.point.position, atol=1e-10)
    projector = np.outer(alone.psi, np.conj(alone.psi))
    np.testing.assert_allclose(density_of(theory, tully, ended), projector, atol=1e-10)


@pytest.mark.parametrize("decay", [0.0, 0.3])
def test_occupations_stay_and_energy_is_kept_to_second_order(decay):
    system = band(decay=decay)
    theory, y = started(bk.MixedStateEhrenfest(ELECTRONS), system)
    assert theory.frame.changing.shape[1] == (1 if decay == 0 else 2)
    start = density_of(theory, system, y)
    np.testing.assert_allclose(
        start, ELECTRONS.density(kernels.electronic_matrix(system)(y.point.position)), atol=1e-12
    )
    errors = []
    for steps in (100, 200):
        ended = walked(theory, system, y, 400.0 / steps, steps)
        there = density_of(theory, system, ended)
        np.testing.assert_allclose(np.linalg.eigvalsh(there), np.linalg.eigvalsh(start), atol=1e-11)
        assert np.abs(there - start).max() > 1e-2
        errors.append(abs(theory.energy(system, ended) - theory.energy(system, y)))
    # a hundredth of the energy of the atom
    assert errors[1] < 5e-5
    assert np.log2(errors[0] / errors[1]) == pytest.approx(2.0, abs=0.5)


def test_few_changing_states_and_full_matrices_are_the_same_motion():
    """Both of second order, with different errors: so their distance goes with the square of the step."""
    system = band(decay=0.3, count=15)
    theory, y = started(bk.MixedStateEhrenfest(ELECTRONS), system)
    full, same = without_frame(theory, y)
    assert full.energy(system, same) == pytest.approx(float(theory.energy(system, y)), abs=1e-12)
    gaps = []
    for steps in (50, 100):
        here, there = (
            walked(theory, system, y, 200.0 / steps, steps),
            walked(full, system, same, 200.0 / steps, steps),
        )
        gaps.append(np.abs(density_of(theory, system, here) - density_of(full, system, there)).max())
    assert gaps[1] < 1e-2
    assert np.log2(gaps[0] / gaps[1]) == pytest.approx(2.0, abs=0.3)


def test_a_hamiltonian_that_changes_everywhere_has_no_frame():
    full = np.random.default_rng(0).normal(size=(16, 16))
    system = bk.hamiltonian(lambda q: jnp.asarray(full + full.T) * jnp.tanh(q[0]), masses=[1.0])
    theory, _ = started(bk.MixedStateEhrenfest(ELECTRONS), system)
    assert theory.frame is None


def test_friction_with_memory_is_its_linear_response():
    """The energy that an atom has lost after three periods, by finite-band Ehrenfest and by the kernel of (114); the
    Markovian friction of the same kernel takes far more, for the atom is as fast as the electrons.
    """
    slope, mass, frequency, lasting = 0.03, 2000.0, 0.03, 600.0
    system = bk.models.newns_anderson(
        mass, frequency, slope=slope, width=0.02, levels=bk.models.TrapezoidLevels(80)
    )
    exact, y = started(
        bk.MixedStateEhrenfest(ELECTRONS), system, -slope / 2 / (mass * frequency**2) + 0.05, 0.0
    )
    ended = walked(exact, system, y, 2.5, 240)
    samples = np.linspace(0.0, lasting, 301)
    levels = kernels.electronic_levels(kernels.electronic_matrix(system), jnp.zeros(1))
    correlation = kernels.force_correlation(ELECTRONS, levels, jnp.asarray(samples)).total[:, 0, 0]
    kernel = fitted_kernel(samples, np.asarray(correlation), 6, tolerance=1e-3).kernel
    kept = []
    for friction in (bk.MemoryFriction(kernel), kernel.spectrum(0.0)):
        theory = bk.MolecularDynamicsWithFriction(
            ELECTRONS, friction, random_force=False, table=bk.Table(-0.2, 0.1, 40)
        )
        theory = theory.resolve(system, None, None)
        start = bk.Points(np.asarray(y.point.position), np.zeros(1))
        state = theory.prepare(system, start, jnp.asarray(0), jax.random.key(0))[0]
        relay = bk.integrators.StrangAroundNoise().relay(theory, system, 2.5)
        draws = StepDraws(jnp.zeros(2, jnp.uint32), jnp.asarray(0))
        moved = jax.jit(
            lambda y, relay=relay, draws=draws: lax.fori_loop(
                0, 240, lambda _, y: relay.step(0.0, y, draws)[0], relay.begin(y)
            )
        )
        kept.append(theory.energy(system, relay.finish(moved(state))) - theory.energy(system, state))
    surface = dataclasses.replace(theory)

    def nuclear(y):
        position = y.point.position
        at_rest = system.harmonic(position) + surface.surface(system, position)
        return system.manifold.kinetic_energy(y.point.momentum) + at_rest

    lost = float(nuclear(ended) - nuclear(y))
    assert lost < 0
    # what is left out is of second order in the amplitude, slope * 0.05 / width, and the levels of the band are few
    assert kept[0] == pytest.approx(lost, rel=0.05)
    assert kept[1] < 3 * lost
