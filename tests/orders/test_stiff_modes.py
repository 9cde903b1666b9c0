r"""Harmonic modes that turn by a radian and more in a step: forces and phases are those of the averaged Hamiltonian.

Under a constant force F a mode circles around $-F/m\omega^2$, and while no mean force acts two levels that differ by
$2Fq$ gather the phase $\int2Fq\,dt$ of the free motion. Both are exact for any step if kicks and turns see positions
averaged over the whole step, and wrong in the second order of $\omega\tau$ if they see anything else.
"""

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
import pytest
from jax import lax

import brackish as bk
from brackish.integrators import StrangAroundJumps
from brackish.manifolds import PhasePoint
from brackish.randomness import StepDraws
from brackish.theories.trajectories.surface_hopping import HoppingState

FREQUENCIES, MASSES, FORCES = np.array([1.0, 2.5]), np.array([1.0, 3.0]), np.array([0.7, -0.4])
POSITION, MOMENTUM = np.array([[0.3, -0.6]]), np.array([[0.5, 1.1]])
STEP, STEPS = 0.9, 4  # 0.9 and 2.25 radians a step
ONE = [1.0, 1.0 / 3.0**0.5]  # a kernel width as it has to fall with the masses
THEORIES = {
    "Ehrenfest": bk.Ehrenfest(),
    "MeanField": bk.MeanField(),
    "SurfaceHopping": bk.SurfaceHopping(),
    "SurfaceHopping in ensembles": bk.SurfaceHopping(correction=bk.FullCorrection(width=ONE)),
    "ExactFactorization": bk.ExactFactorization(width=ONE),
    "BornOppenheimer": bk.BornOppenheimer(),
    "MixedStateEhrenfest": bk.MixedStateEhrenfest(bk.ManyElectronStates(1.0)),
}
OWN_START = ("BornOppenheimer", "MixedStateEhrenfest")
"""Theories whose electrons do not start as the preparation says."""


def free(q, p, time):
    """The motion of the modes by themselves."""
    cosine, sine = np.cos(FREQUENCIES * time), np.sin(FREQUENCIES * time)
    stiffness = MASSES * FREQUENCIES
    return cosine * q + sine * p / stiffness, cosine * p - stiffness * sine * q


def run(theory, function, state, **options):
    system = bk.hamiltonian(function, MASSES, frequencies=FREQUENCIES)
    points = bk.Points(POSITION, MOMENTUM, state=state)
    return bk.simulate(system, theory, points, bk.times(STEP * STEPS, STEPS, step=STEP), **options)


def same_force(q):
    """Two levels with one force, a constant distance apart."""
    return jnp.sum(FORCES * q) * jnp.eye(2) + jnp.diag(jnp.array([0.0, 5.0]))


@pytest.mark.parametrize("name", THEORIES)
def test_a_constant_force_is_exact_for_any_step(name):
    result = run(THEORIES[name], same_force, 0)
    centre = -FORCES / (MASSES * FREQUENCIES**2)
    q, p = free(POSITION[0] - centre, MOMENTUM[0], STEP * STEPS)
    np.testing.assert_allclose(result.position[-1], q + centre, rtol=0, atol=1e-12)
    np.testing.assert_allclose(result.momentum[-1], p, rtol=0, atol=1e-12)
    # and so it is H itself that is kept at whole steps
    np.testing.assert_allclose(result.energy, result.energy[0], rtol=0, atol=1e-12)


def opposite_forces(q):
    """No mean force on an equal superposition."""
    return jnp.sum(FORCES * q) * jnp.diag(jnp.array([1.0, -1.0]))


def force_above(q):
    """No force on the lower level; the upper one is far away."""
    return jnp.diag(jnp.array([0.0, 30.0])) + 2 * jnp.sum(FORCES * q) * jnp.diag(jnp.array([0.0, 1.0]))


def phase_of_the_free_motion():
    """The integral of 2 F q."""
    time = STEP * STEPS
    q, p = POSITION[0], MOMENTUM[0]
    sine, cosine = np.sin(FREQUENCIES * time), np.cos(FREQUENCIES * time)
    along = sine / FREQUENCIES * q + (1 - cosine) / (MASSES * FREQUENCIES**2) * p
    return 2 * np.sum(FORCES * along)


@pytest.mark.parametrize("name", [name for name in THEORIES if name not in OWN_START])
def test_the_phase_between_levels_is_exact_for_any_step(name):
    """Of two neighbours in the same place and state the operators of a correction are zero."""
    hopping = "Hopping" in name
    state = [0.6, 0.8] if hopping else [0.5**0.5, 0.5**0.5]
    # a seed for which the lower surface is drawn
    result = run(THEORIES[name], force_above if hopping else opposite_forces, state, seed=3)
    if hopping:
        assert float(result.population[-1, 0]) == pytest.approx(1.0)
    coherence = complex(result.density_matrix[-1, 0, 1])
    phase = phase_of_the_free_motion()
    expected = phase + 30.0 * STEP * STEPS if hopping else -phase
    assert abs(coherence) == pytest.approx(0.48 if hopping else 0.5, abs=1e-12)
    assert coherence / abs(coherence) == pytest.approx(np.exp(1j * expected), abs=1e-11)


def test_all_parts_around_a_jump_see_the_same_hamiltonian():
    """Without hops `StrangAroundJumps` is the composition of the parts of one averaged Hamiltonian."""
    system = bk.hamiltonian(force_above, MASSES, frequencies=FREQUENCIES)
    theory, psi = bk.SurfaceHopping(), jnp.array([0.6 + 0j, 0.8])
    y = HoppingState(PhasePoint(POSITION[0], MOMENTUM[0]), psi, psi, None, jnp.asarray(0))
    drift, kick, turn = theory.parts(system.averaged(STEP))
    by_hand = y
    for part in (kick(STEP / 2), turn(STEP / 2), drift(STEP), turn(STEP / 2), kick(STEP / 2)):
        by_hand = part(by_hand)
    draws = StepDraws(jax.random.key_data(jax.random.key(0)), jnp.asarray(0))
    stepped, _ = StrangAroundJumps().stepper(theory, system, STEP)(0.0, y, draws)
    for name in ("psi", "point"):
        for got, wanted in zip(
            *(jax.tree_util.tree_leaves(getattr(state, name)) for state in (stepped, by_hand)), strict=True
        ):
            np.testing.assert_allclose(got, wanted, rtol=0, atol=1e-12)


# -- hops ------------------------------------------------------------------------------------------------------

BATH = bk.models.spin_boson(modes=24, bias=1.0, coupling=1.0, bath=bk.models.DebyeBath(1.0, 0.125))
START = bk.ThermalBath(temperature=4.0, state=0, classical=True)
FASTEST = float(BATH.frequencies.max())


@eqx.filter_jit
def changes_of_energy(theory, integrator, dt, steps):
    """Of each of 256 trajectories, and whether it hopped."""
    lanes = jnp.arange(256)
    keys = jax.vmap(jax.random.fold_in, in_axes=(None, 0))(jax.random.key(5), lanes)
    relay = integrator.relay(theory, BATH, dt)

    def one(lane, key):
        y, _ = theory.prepare(BATH, START, lane, key)
        draws = jax.random.key_data(jax.random.fold_in(key, 7))
        walk = lambda n, y: relay.step(n * dt, y, StepDraws(draws, n))[0]  # noqa: E731
        end = relay.finish(lax.fori_loop(0, steps, walk, relay.begin(y)))
        hopped = end.active != y.active if hasattr(y, "active") else jnp.asarray(False)
        return theory.energy(BATH, end) - theory.energy(BATH, y), hopped

    return jax.vmap(one)(lanes, keys)


def energy_error(theory, radians, duration=10.0):
    """The root mean square change after a time, where the fastest mode turns by so many `radians` a step."""
    steps = int(np.ceil(duration * FASTEST / radians))
    integrator = theory.default_integrator(BATH)
    change, hopped = changes_of_energy(theory, integrator, np.asarray(duration / steps), np.asarray(steps))
    return float(np.sqrt(np.mean(np.asarray(change) ** 2))), float(np.mean(hopped))


def test_hops_keep_the_energy_to_the_order_of_the_step_where_modes_turn_by_a_radian():
    """H of each trajectory is kept in the second order, as well as on a single surface, though half of them hop."""
    errors, hopped = zip(
        *(energy_error(bk.SurfaceHopping(), radians) for radians in (1.0, 0.5, 0.25)), strict=True
    )
    assert min(hopped) > 0.25
    order = np.polyfit(np.log([1.0, 0.5, 0.25]), np.log(errors), 1)[0]
    assert order == pytest.approx(2, abs=0.25), errors
    alone, _ = energy_error(bk.BornOppenheimer(level=1), 0.5)
    assert errors[1] < 2 * alone


@pytest.mark.parametrize("theory", [bk.SurfaceHopping(), bk.BornOppenheimer(1)])
def test_theories_of_adiabatic_states_resolve_the_modes_that_carry_the_coupling(theory):
    """Half a radian of the fastest mode of such a bath; modes that couple to nothing do not count."""
    bath = bk.models.spin_boson(60)
    assert bath.suggested_step() * max(bath.frequencies) > 0.9
    assert theory.suggested_step(bath) * max(bath.frequencies) == pytest.approx(0.5, rel=0.15)
    idle = bk.hamiltonian(
        lambda q: jnp.array([[q[0], 0.1], [0.1, -q[0]]]),
        [1.0, 1.0],
        frequencies=[1.0, 40.0],
        step=0.3,
    )
    assert theory.suggested_step(idle) == 0.3
