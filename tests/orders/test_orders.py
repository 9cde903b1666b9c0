"""Every integrator proves its order: the slope of the error over the step, against exact or far finer answers."""

import diffrax
import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
import pytest
from jax import lax
from jax.tree_util import Partial

import brackish as bk
from brackish import integrators
from brackish.integrators import Integrator
from brackish.quantum import pauli_x, pauli_y, pauli_z
from brackish.randomness import StepDraws
from brackish.theories.exact.split_operator import WavefunctionState
from brackish.theories.trajectories.born_oppenheimer import BornOppenheimerState
from brackish.theories.trajectories.ehrenfest import EhrenfestState
from brackish.theories.trajectories.mean_field import MeanFieldState
from brackish.theories.trajectories.surface_hopping import HoppingState


def solve(integrator, theory, hamiltonian, y, duration, steps):
    """The state after `steps` equal steps; their number is no constant, so that one program does all of them."""
    return _solve(integrator, theory, hamiltonian, y, np.asarray(duration / steps), np.asarray(steps))


@eqx.filter_jit
def _solve(integrator, theory, hamiltonian, y, dt, steps):
    relay = integrator.relay(theory, hamiltonian, dt)
    draws = jax.random.key_data(jax.random.fold_in(jax.random.key(1), 0))

    def step(number, y):
        return relay.step(number * dt, y, StepDraws(draws, number))[0]

    return relay.finish(lax.fori_loop(0, steps, step, relay.begin(y)))


def seen(y):
    """All numbers of a state that have a meaning: no overall phase of psi."""
    point = getattr(y, "point", None)
    numbers = [leaf.ravel() for leaf in jax.tree_util.tree_leaves(point)]
    if hasattr(y, "density"):
        numbers += [y.density.real.ravel(), y.density.imag.ravel()]
    elif hasattr(y, "psi"):
        density = jnp.outer(y.psi.ravel(), y.psi.ravel().conj())
        numbers += [density.real.ravel(), density.imag.ravel()]
    return np.concatenate([np.asarray(x) for x in numbers])


def slope(integrator, system, counts):
    """The measured order, and the errors it was measured from."""
    theory, hamiltonian, y, duration, exact = system
    errors = [
        np.abs(seen(solve(integrator, theory, hamiltonian, y, duration, n)) - exact).max() for n in counts
    ]
    return -np.polyfit(np.log(counts), np.log(errors), 1)[0], errors


# -- systems --------------------------------------------------------------------------------------------


def waves(strengths, wavevectors, q):
    """A smooth complex Hermitian matrix of several coordinates: a sum of sines."""
    phases = jnp.sum(wavevectors * q[None, :], axis=1)
    return jnp.sum(strengths * jnp.sin(phases)[:, None, None], axis=0)


def random_waves(levels, coordinates, seed=0):
    rng = np.random.default_rng(seed)
    strengths = rng.normal(size=(4, levels, levels)) + 1j * rng.normal(size=(4, levels, levels))
    return Partial(waves, strengths + strengths.conj().swapaxes(1, 2), rng.normal(size=(4, coordinates)))


def spinor(levels, seed=1):
    real, imaginary = np.random.default_rng(seed).normal(size=(2, levels))
    return jnp.asarray((real + 1j * imaginary) / np.linalg.norm(real + 1j * imaginary))


def point(*position, momentum):
    return bk.PhasePoint(jnp.asarray(position, float), jnp.asarray(momentum, float))


def by_fine_steps(theory, hamiltonian, y, duration, steps=2**13):
    """The answer by a rule of order 4 that uses the flow alone, with errors near 1e-11."""
    exact = seen(solve(integrators.RungeKutta4(), theory, hamiltonian, y, duration, steps))
    return theory, hamiltonian, y, duration, exact


def dual_crossing():
    """Tully's second model, smooth, passed at momentum 25."""
    y = EhrenfestState(point(-3.0, momentum=[25.0]), jnp.array([1.0 + 0j, 0.0]))
    return by_fine_steps(bk.Ehrenfest(), bk.models.tully(2), y, 480.0)


def three_levels():
    """Complex, three levels, two coordinates."""
    hamiltonian = bk.hamiltonian(random_waves(3, 2), [2.0, 3.0])
    y = EhrenfestState(point(0.3, -0.4, momentum=[1.0, 0.5]), spinor(3))
    return by_fine_steps(bk.Ehrenfest(), hamiltonian, y, 1.5)


def with_frequencies():
    """Two harmonic modes, which the splitting moves exactly, coupled to three levels."""
    hamiltonian = bk.hamiltonian(random_waves(3, 2), [2.0, 3.0], frequencies=[1.0, 4.0])
    y = EhrenfestState(point(0.3, -0.4, momentum=[1.0, 0.5]), spinor(3))
    return by_fine_steps(bk.Ehrenfest(), hamiltonian, y, 1.5)


def surface_with_frequencies():
    """One adiabatic surface over two harmonic modes."""
    hamiltonian = bk.hamiltonian(random_waves(3, 2), [2.0, 3.0], frequencies=[1.0, 4.0])
    y = BornOppenheimerState(point(0.3, -0.4, momentum=[1.0, 0.5]))
    return by_fine_steps(bk.BornOppenheimer(berry_force=False), hamiltonian, y, 0.5)


def mean_field():
    hamiltonian = bk.hamiltonian(random_waves(3, 2), [2.0, 3.0], frequencies=[1.0, 4.0])
    rng = np.random.default_rng(3)
    psi, other = spinor(3), spinor(3, 2)
    density = 0.6 * jnp.outer(psi, psi.conj()) + 0.4 * jnp.outer(other, other.conj())
    cloud = bk.PhasePoint(jnp.asarray(rng.normal(size=(3, 2))), jnp.asarray(rng.normal(size=(3, 2))))
    y = MeanFieldState(cloud, jnp.array([0.5, 0.2, 0.3]), density)
    return by_fine_steps(bk.MeanField(), hamiltonian, y, 1.5)


def two_packets(q):
    coupling = 0.8 * jnp.exp(-(q[0] ** 2) + 0.5j * q[0])
    first, second = 0.5 * q[0] ** 2 + 0.6 * jnp.cos(2 * q[0]), 0.5 * (q[0] - 1.0) ** 2 + 0.3
    return jnp.array([[first, coupling], [jnp.conj(coupling), second]])


def wavefunction():
    """On a grid the exact answer is one exponential of a matrix."""
    hamiltonian = bk.hamiltonian(two_packets, [1.0])
    theory = bk.Exact(bk.Grid(-6.0, 7.0, 48))
    x = theory.grid.positions()[0]
    psi = np.stack([np.exp(-((x + 1) ** 2) / 2 + 0.5j * x), 0.3 * np.exp(-(x**2))])
    psi /= np.sqrt(np.sum(np.abs(psi) ** 2) * theory.grid.cell)
    fourier = np.fft.fft(np.eye(x.size))
    kinetic = np.linalg.inv(fourier) @ np.diag(theory.grid.wavenumbers()[0] ** 2 / 2) @ fourier
    potential = np.asarray(jax.vmap(hamiltonian.potential)(jnp.asarray(x[:, None])))
    whole = np.kron(np.eye(2), kinetic)
    for i in range(2):
        for j in range(2):
            whole[i * x.size : (i + 1) * x.size, j * x.size : (j + 1) * x.size] += np.diag(potential[:, i, j])
    energies, vectors = np.linalg.eigh(whole)
    duration = 2.0
    end = vectors @ (np.exp(-1j * energies * duration) * (vectors.conj().T @ psi.ravel()))
    start = WavefunctionState(jnp.asarray(psi), jnp.zeros(()), jnp.zeros((2, 2)))
    exact = seen(WavefunctionState(jnp.asarray(end), jnp.zeros(()), jnp.zeros((2, 2))))
    return theory, hamiltonian, start, duration, exact


SPIN = np.stack([pauli_x.astype(complex), pauli_y, pauli_z.astype(complex)])


def coupled_spins(n):
    return jnp.sum(SPIN * (0.7 * n[0] + 0.2 * n[1] + jnp.array([0.3, 0.0, 0.1]))[:, None, None], axis=0)


def between_spins(n):
    return 0.4 * jnp.sum(n[0] * n[1]) + 0.5 * n[0, 2] ** 2


def spins():
    """A quantum spin and two classical ones."""
    hamiltonian = bk.hamiltonian(coupled_spins, manifold=bk.Spheres(2, 1.5), external=between_spins)
    directions = np.array([[1.0, 0.2, -0.4], [0.1, 0.8, 0.5]])
    directions /= np.linalg.norm(directions, axis=1, keepdims=True)
    y = EhrenfestState(jnp.asarray(directions), spinor(2))
    return by_fine_steps(bk.Ehrenfest(), hamiltonian, y, 3.0)


def turning(z):
    """Orbital motion with a spin in a field that depends on the place."""
    q, n = z.canonical.position, z.spheres[0]
    return jnp.sum(SPIN * (0.5 * n + 0.3 * jnp.stack([q[0], q[0] ** 2, 1 + 0 * q[0]]))[:, None, None], axis=0)


def oscillating(z):
    q, p = z.canonical.position[0], z.canonical.momentum[0]
    return 0.5 * p**2 + 0.5 * q**2 + 0.4 * q * z.spheres[0, 0]


def orbit_and_spin():
    manifold = bk.Product(bk.Canonical([1.0]), bk.Spheres(1))
    hamiltonian = bk.hamiltonian(turning, manifold=manifold, external=oscillating)
    z = bk.ProductPoint(point(0.7, momentum=[0.2]), jnp.array([[0.6, 0.0, 0.8]]))
    return by_fine_steps(bk.Ehrenfest(), hamiltonian, EhrenfestState(z, spinor(2)), 2.0)


SYSTEMS = {
    f.__name__: f
    for f in (
        dual_crossing,
        three_levels,
        with_frequencies,
        surface_with_frequencies,
        mean_field,
        wavefunction,
        spins,
        orbit_and_spin,
    )
}


@pytest.fixture(scope="module")
def system():
    known = {}

    def made(name):
        if name not in known:
            known[name] = SYSTEMS[name]()
        return known[name]

    return made


# -- orders ---------------------------------------------------------------------------------------------

CASES = {
    integrators.Strang(): {
        "dual_crossing": (64, 128, 256),
        "three_levels": (32, 64, 128),
        "with_frequencies": (32, 64, 128),
        "mean_field": (32, 64, 128),
        "wavefunction": (32, 64, 128),
    },
    integrators.TripleJump(): {
        "dual_crossing": (64, 128, 256),
        "three_levels": (64, 128, 256),
        "with_frequencies": (64, 128, 256),
        "mean_field": (64, 128, 256),
        "wavefunction": (32, 64, 128),
    },
    integrators.BlanesMoan(): {"wavefunction": (64, 96, 128), "surface_with_frequencies": (16, 32, 64)},
    integrators.ImplicitMidpoint(): {
        "three_levels": (32, 64, 128),
        "spins": (32, 64, 128),
        "orbit_and_spin": (32, 64, 128),
    },
    integrators.Heun(): {
        "three_levels": (64, 128, 256),
        "mean_field": (128, 256, 512),
        "spins": (64, 128, 256),
    },
    integrators.RungeKutta4(): {"three_levels": (64, 128, 256), "orbit_and_spin": (32, 64, 128)},
}
# one chooses its own steps, two are random: below; one is exact for any step: tests/systems/test_linear_koopman.py
# and those of magnets: tests/theories/test_llg.py, test_quantum_llg.py and test_hybrid_magnet.py
APART = {"Adaptive", "Exponential", "WithJumps", "StrangAroundJumps"}
APART |= {"Depondt", "SemiImplicit", "HeunSpins"}
APART |= {"CommutatorFree", "RetractedRungeKutta8", "LieHeun"}
APART |= {"StrangAroundNoise"}  # tests/theories/test_classical_quantum.py


def test_no_integrator_is_left_out():
    """A new integrator without a measured order makes this fail."""
    everyone = {name for name in integrators.__all__ if getattr(integrators, name) is not Integrator}
    assert {type(integrator).__name__ for integrator in CASES} | APART == everyone


@pytest.mark.parametrize(
    ("integrator", "name"),
    [(integrator, name) for integrator, names in CASES.items() for name in names],
    ids=lambda value: value if isinstance(value, str) else type(value).__name__,
)
def test_order(integrator, name, system):
    measured, errors = slope(integrator, system(name), CASES[integrator][name])
    assert errors[0] < 0.1, errors  # or it is not the limit of small steps that is seen
    assert errors[-1] > 3e-12, errors  # nor round-off
    assert abs(measured - integrator.order) < 0.2, (measured, errors)


def test_the_error_of_adaptive_steps_follows_the_tolerance(system):
    """The rule inside is diffrax's, of the order it claims; what the user chooses is the tolerance."""
    theory, hamiltonian, y, duration, exact = system("three_levels")
    tolerances, errors = (1e-5, 1e-7, 1e-9), []
    for tolerance in tolerances:
        integrator = integrators.Adaptive(tolerance, tolerance)
        errors.append(np.abs(seen(solve(integrator, theory, hamiltonian, y, duration, 1)) - exact).max())
    assert all(error < 30 * tolerance for error, tolerance in zip(errors, tolerances, strict=True)), errors
    assert 0.7 < np.polyfit(np.log(tolerances), np.log(errors), 1)[0] < 1.3, errors
    assert diffrax.Dopri8().order(diffrax.ODETerm(lambda t, y, _: y)) == integrators.Adaptive.order


def test_the_fourth_order_composition_of_six_stages_has_a_small_constant(system):
    """Blanes and Moan against Yoshida at equal cost: six stages against three steps of Strang."""
    known = system("wavefunction")
    _, many = slope(integrators.BlanesMoan(), known, (48, 64))
    _, few = slope(integrators.TripleJump(), known, (96, 128))
    assert many[1] < few[1] / 20


@pytest.mark.parametrize(
    "integrator", [integrators.Strang(), integrators.TripleJump()], ids=lambda i: type(i).__name__
)
def test_a_walk_of_many_steps_is_the_steps_one_by_one(integrator, system):
    """What the end of a step shares with the start of the next is done once, and nothing changes by it."""
    theory, hamiltonian, y, duration, _ = system("with_frequencies")
    step = eqx.filter_jit(integrator.stepper(theory, hamiltonian, duration / 20))
    one_by_one = y
    for _ in range(20):
        one_by_one, status = step(0.0, one_by_one, None)
        assert status == 0
    together = solve(integrator, theory, hamiltonian, y, duration, 20)
    np.testing.assert_allclose(seen(together), seen(one_by_one), rtol=0, atol=1e-12)


# -- jumps ----------------------------------------------------------------------------------------------


def test_between_jumps_the_motion_has_the_order_of_the_smooth_part():
    """Levels whose eigenvectors do not turn have no hops: what is left is Strang."""
    hamiltonian = bk.hamiltonian(uncoupled, [1.0])
    y = hopping(hamiltonian, 0.4, 0.8, 0)
    theory, duration = bk.SurfaceHopping(), 2.0
    fine = integrators.WithJumps(integrators.TripleJump())
    exact = seen(solve(fine, theory, hamiltonian, y, duration, 4096))
    orders = {
        integrators.WithJumps(integrators.Strang()): 2,
        integrators.WithJumps(integrators.TripleJump()): 4,
        integrators.StrangAroundJumps(): 2,
    }
    for integrator, order in orders.items():
        measured, errors = slope(integrator, (theory, hamiltonian, y, duration, exact), (32, 64, 128))
        assert abs(measured - order) < 0.2, (integrator, measured, errors)


def uncoupled(q):
    return jnp.diag(jnp.stack([0.5 * q[0] ** 2 + 0.1 * q[0] ** 4, 3 + jnp.cos(q[0])]))


def hopping(hamiltonian, position, momentum, active):
    levels = hamiltonian.levels
    z = point(position, momentum=[momentum])
    _, vectors = np.linalg.eigh(hamiltonian.potential(z.position))
    psi = jnp.asarray(vectors[:, active], complex)
    assert psi.shape == (levels,)
    return HoppingState(z, psi, psi, None, jnp.asarray(active))


@pytest.mark.parametrize(
    "integrator", [integrators.WithJumps(), integrators.StrangAroundJumps()], ids=lambda i: type(i).__name__
)
def test_jump_probabilities_are_right_to_first_order(integrator):
    """Three levels passed at a fixed speed: populations after many random walks, against far finer steps."""
    hamiltonian = bk.hamiltonian(random_waves(3, 1, seed=4), [1e6])
    theory = bk.SurfaceHopping(rescaling=bk.NoRescaling())
    y, lanes = hopping(hamiltonian, 0.0, 1.5e6, 0), 2**13
    keys = jax.vmap(lambda i: jax.random.key_data(jax.random.fold_in(jax.random.key(0), i)))(
        jnp.arange(lanes)
    )

    @eqx.filter_jit
    def populations(keys, steps):
        dt = 1.0 / steps
        step = integrator.stepper(theory, hamiltonian, dt)

        def one(key):
            walk = lambda i, y: step(i * dt, y, StepDraws(key, i))[0]  # noqa: E731
            return lax.fori_loop(0, steps, walk, y).active

        active = jax.vmap(one)(keys)
        return jnp.stack([jnp.mean(active == level) for level in range(3)])

    fine = populations(keys, np.asarray(48))
    errors = {steps: np.abs(populations(keys, np.asarray(steps)) - fine).max() for steps in (4, 8, 16)}
    noise = np.sqrt(0.5 / lanes)
    assert errors[4] > 3 * noise  # there is something to converge
    for steps, error in errors.items():
        assert error < 0.6 / steps + 3 * noise, errors
