"""Born-Oppenheimer dynamics: trajectories from an independent program, order, invariants, adiabatic limit."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest
import scipy.linalg
from jax import lax

from brackish.errors import InvalidInput, UnsupportedHamiltonian
from brackish.hamiltonians import hamiltonian
from brackish.integrators import RungeKutta4, Strang, TripleJump
from brackish.manifolds import PhasePoint, Spheres
from brackish.models._tully import tully
from brackish.preparations import GaussianPacket
from brackish.theories.trajectories.born_oppenheimer import BornOppenheimer, BornOppenheimerState
from brackish.theories.trajectories.ehrenfest import Ehrenfest, EhrenfestState
from brackish.theory import Status

MASS, SLOPE, GAP, STIFFNESS = 2.0, 1.0, 0.5, 0.4
BERRY = BornOppenheimer(diagonal_correction=False)

# (x, y, px, py) at t = 5, 20, 60 from (1.2, 0, 0.1, 0.8), with the parameters above, on the lower surface of
# k r^2/2 + slope (x sigma_x + y sigma_y) + gap sigma_z. Equations of motion in closed form: E = k r^2/2 - R,
# B_xy = slope^2 gap / 2R^3, phi_FS = (slope^2 gap^2/R^4 + slope^2/R^2) / 8m, R^2 = slope^2 r^2 + gap^2;
# solved by an adaptive integrator of high order, independent of this library.
REFERENCE = {
    "no Berry force": (
        BornOppenheimer(diagonal_correction=False, berry_force=False),
        [
            [2.83131177346, 2.28460053935, 0.45345245435, 0.704958648668],
            [-2.57428430902, 2.97456769645, -0.0824093921301, -0.277695700425],
            [3.09651652267, 2.37733993132, -0.390883326887, 0.00992646358531],
        ],
    ),
    "Berry force": (
        BERRY,
        [
            [2.94329304859, 2.18328123262, 0.486703425715, 0.644820530607],
            [-2.09723604505, 3.31233723127, -0.0376006405879, -0.336825236811],
            [3.69689054496, 0.767093167719, -0.651072915777, 0.0903190509559],
        ],
    ),
    "Berry force and diagonal correction": (
        BornOppenheimer(),
        [
            [3.05539622048, 2.18313843442, 0.488948516972, 0.622219309795],
            [-1.87965545316, 3.44841229755, 0.0323309175214, -0.501330147059],
            [3.41814478334, 0.0230883932036, -1.07914257219, 0.238475551265],
        ],
    ),
}


def radius(position):
    """Half the gap of the cone, R."""
    return jnp.sqrt(SLOPE**2 * jnp.sum(position**2) + GAP**2)


def cone(position):
    across = SLOPE * (position[0] - 1j * position[1])
    return jnp.array([[GAP + 0j, across], [jnp.conj(across), -GAP + 0j]])


def conical(inside_the_matrix=False):
    """The cone in its harmonic well, which is moved exactly or stands in the potential."""
    if not inside_the_matrix:
        return hamiltonian(cone, masses=[MASS, MASS], frequencies=np.full(2, np.sqrt(STIFFNESS / MASS)))
    return hamiltonian(lambda q: cone(q) + 0.5 * STIFFNESS * jnp.sum(q**2) * jnp.eye(2), masses=[MASS, MASS])


def random_system(levels=3, coordinates=3, is_real=False):
    """Levels about 2 apart in a well, mixed smoothly by every coordinate."""
    draw = np.random.default_rng(1)
    matrices = draw.normal(size=(2, 2 * coordinates, levels, levels))
    matrices = matrices[0] if is_real else matrices[0] + 1j * matrices[1]
    matrices = matrices + matrices.conj().swapaxes(1, 2)

    def potential(q):
        weights = jnp.concatenate([jnp.sin(q), jnp.cos(2 * q)])
        mixed = 0.2 * jnp.sum(weights[:, None, None] * matrices, axis=0)
        return jnp.diag(2.0 * jnp.arange(levels)) + 0.3 * jnp.sum(q**4) * jnp.eye(levels) + mixed

    return hamiltonian(
        potential,
        masses=np.linspace(1.0, 2.2, coordinates),
        frequencies=np.linspace(0.0, 1.5, coordinates),
    )


def state(position, momentum):
    return BornOppenheimerState(PhasePoint(jnp.asarray(position), jnp.asarray(momentum)))


def start():
    return state([1.2, 0.0], [0.1, 0.8])


def vector(y):
    return jnp.concatenate([y.point.position, y.point.momentum])


def solver(theory, system, integrator):
    """The map (y, dt, steps) -> y after so many steps; compiles once for all `dt` and `steps`."""

    def solve(y, dt, steps):
        step = integrator.stepper(theory, system, dt)
        return lax.fori_loop(0, steps, lambda _, y: step(0.0, y, None)[0], y)

    return jax.jit(solve)


@pytest.mark.parametrize("name", REFERENCE)
def test_against_the_closed_equations_of_motion(name):
    theory, expected = REFERENCE[name]
    solve = solver(theory, conical(), TripleJump())
    found = np.array([vector(solve(start(), 0.02, round(stop / 0.02))) for stop in (5, 20, 60)])
    assert np.abs(found - np.array(expected)).max() < 2e-6


def test_the_harmonic_well_may_stand_in_the_potential():
    theory, y = BornOppenheimer(), start()
    one, other = conical(), conical(inside_the_matrix=True)
    assert abs(theory.energy(one, y) + 0.807047004657) < 1e-12
    assert abs(theory.energy(one, y) - theory.energy(other, y)) < 1e-14
    difference = vector(theory.flow(one, 0.0, y)) - vector(theory.flow(other, 0.0, y))
    assert jnp.max(jnp.abs(difference)) < 1e-14


CASES = {
    "two coordinates": (BornOppenheimer(), conical, [[1.2, 0.0], [0.1, 0.8]], 4.0),
    "three coordinates": (BornOppenheimer(1), random_system, [[0.3, -0.5, 0.8], [1.0, 0.4, -0.9]], 4.0),
    "one coordinate": (BornOppenheimer(), lambda: tully(2), [[-3.0], [20.0]], 200.0),
}


@pytest.mark.parametrize("case", CASES)
def test_order(case):
    theory, build, point, stop = CASES[case]
    system, y = build(), state(*point)
    fourth = solver(theory, system, TripleJump())
    exact = vector(fourth(y, stop / 1600, 1600))
    for order, solve, counts in (
        (2, solver(theory, system, Strang()), (100, 200, 400)),
        (4, fourth, (40, 80, 160)),
    ):
        errors = [jnp.linalg.norm(vector(solve(y, stop / count, count)) - exact) for count in counts]
        slope = -np.polyfit(np.log(counts), np.log(errors), 1)[0]
        assert abs(slope - order) < 0.25, errors


@pytest.mark.parametrize("shape", [(3, 3), (2, 5)])
def test_parts_add_up_to_the_flow(shape):
    """The rate of a step at dt = 0 is dy/dt: the parts have the signs and factors of eq. (97)."""
    system = random_system(*shape)
    y = state(*np.random.default_rng(2).normal(size=(2, system.manifold.coordinates)))
    theory = BornOppenheimer(1)

    def rates(y):
        def after(dt):
            return Strang().stepper(theory, system, dt)(0.0, y, None)[0]

        return vector(jax.jvp(after, (0.0,), (1.0,))[1]), vector(theory.flow(system, 0.0, y))

    of_the_step, of_the_flow = jax.jit(rates)(y)
    assert jnp.max(jnp.abs(of_the_step - of_the_flow)) < 1e-12 * jnp.max(jnp.abs(of_the_flow))


@pytest.mark.parametrize("level", [0, 1, 2])
def test_energy_is_constant_along_the_flow(level):
    """dE/dt = 0 at random points: no force but the gradient of the energy does work."""
    system, theory = random_system(), BornOppenheimer(level)

    def rate(position, momentum):
        y = state(position, momentum)
        slope = theory.flow(system, 0.0, y)
        return jax.jvp(lambda y: theory.energy(system, y), (y,), (slope,))[1], vector(slope)

    points = jax.random.normal(jax.random.key(level), (2, 100, 3))
    rates, slopes = jax.jit(jax.vmap(rate))(*points)
    assert jnp.max(jnp.abs(rates) / (1 + jnp.sum(slopes**2, axis=1))) < 1e-13


def test_energy_does_not_drift_and_angular_momentum_is_kept():
    """100000 steps: the energy swings with dt^2 and comes back, and so does L_z - gap / 2R (lower level)."""
    theory, system = BornOppenheimer(), conical()
    step = Strang().stepper(theory, system, 0.05)

    def invariants(y):
        x, momentum = y.point.position, y.point.momentum
        angular = x[0] * momentum[1] - x[1] * momentum[0] - GAP / (2 * radius(x))
        return jnp.stack([theory.energy(system, y), angular])

    def stretch(y, _):
        def one(y, _):
            y = step(0.0, y, None)[0]
            return y, invariants(y) - invariants(start())

        y, errors = lax.scan(one, y, length=10_000)
        return y, (jnp.mean(errors, axis=0), jnp.max(jnp.abs(errors), axis=0))

    _, (means, largest) = jax.jit(lambda y: lax.scan(stretch, y, length=10))(start())
    assert jnp.max(largest) < 2e-3
    assert jnp.max(jnp.ptp(means, axis=0)) < 0.02 * jnp.max(largest)
    assert abs(invariants(start())[1] - 0.767692307692) < 1e-12


@pytest.mark.parametrize("coordinates", [2, 3])
def test_the_turn_is_an_exact_rotation(coordinates):
    system, theory = random_system(2, coordinates), BornOppenheimer()
    draw = np.random.default_rng(3)
    y = state(*draw.normal(size=(2, coordinates)))
    _, turn, _ = theory.parts(system)
    duration, mass = 50.0, system.manifold.masses
    turned = jax.jit(turn(duration))(y)

    def force(momentum):
        return theory.flow(system, 0.0, state(y.point.position, momentum)).point.momentum

    generator = np.asarray(jax.jit(jax.jacfwd(force))(y.point.momentum))
    assert np.linalg.norm(generator * duration) > 1
    expected = scipy.linalg.expm(generator * duration) @ np.asarray(y.point.momentum)
    assert np.abs(turned.point.momentum - expected).max() < 1e-11
    assert jnp.array_equal(turned.point.position, y.point.position)
    before, after = (jnp.sum(point.momentum**2 / mass) for point in (y.point, turned.point))
    assert abs(after / before - 1) < 1e-14


def test_without_a_berry_force_a_step_is_position_verlet():
    for system in (tully(1), random_system(is_real=True)):
        assert len(BornOppenheimer().parts(system)) == 2
    assert len(BornOppenheimer(berry_force=False).parts(conical())) == 2
    assert len(BornOppenheimer().parts(conical())) == 3
    system, dt, position, momentum = tully(1), 0.7, -0.4, 11.0
    middle = position + 0.5 * dt * momentum / 2000.0
    lower = jax.grad(lambda x: jnp.linalg.eigvalsh(system.potential(x[None]))[0])
    expected = momentum - dt * lower(middle)
    y, _ = Strang().stepper(BERRY, system, dt)(0.0, state([position], [momentum]), None)
    assert abs(y.point.momentum[0] - expected) < 1e-14
    assert abs(y.point.position[0] - (middle + 0.5 * dt * expected / 2000.0)) < 1e-14


def test_slow_ehrenfest_feels_the_berry_force():
    """With the gap stretched by s and the lower surface kept, Ehrenfest tends to eq. (97) as 1/s."""

    def stretched(s):
        return hamiltonian(
            lambda q: s * (cone(q) + radius(q) * jnp.eye(2)),
            masses=[MASS, MASS],
            frequencies=np.full(2, np.sqrt(STIFFNESS / MASS)),
        )

    theories = (BERRY, BornOppenheimer(diagonal_correction=False, berry_force=False))
    with_force, without = (
        solver(theory, stretched(1.0), TripleJump())(start(), 0.01, 500).point.position for theory in theories
    )
    _, vectors = np.linalg.eigh(np.asarray(cone(start().point.position)))
    distances = []
    for s in (10, 40):
        y = EhrenfestState(start().point, jnp.asarray(vectors[:, 0], complex))
        end = solver(Ehrenfest(), stretched(s), Strang())(y, 0.04 / s, 125 * s).point.position
        distances.append(jnp.linalg.norm(end - with_force))
    assert distances[1] < 0.35 * distances[0]
    assert distances[1] < 0.02 * jnp.linalg.norm(with_force - without)


def test_the_upper_level_mirrors_the_lower():
    """On the two surfaces of a cone the slopes of E_n and B have opposite signs; phi_FS is the same."""
    system = conical()

    def force(y, level, with_correction):
        return BornOppenheimer(level, with_correction).flow(system, 0.0, y).point.momentum

    below, above = (jax.jit(lambda y, n=n: force(y, n, False))(start()) for n in (0, 1))
    well = -STIFFNESS * start().point.position
    assert jnp.max(jnp.abs((below - well) + (above - well))) < 1e-14
    lower, upper = (jax.jit(lambda y, n=n: force(y, n, True))(start()) for n in (0, 1))
    assert jnp.max(jnp.abs((lower - below) - (upper - above))) < 1e-14
    assert jnp.max(jnp.abs(lower - below)) > 1e-2


def test_the_quantum_state_is_the_level():
    system, theory = random_system(), BornOppenheimer(1)
    y = state([0.3, -0.5, 0.8], [1.0, 0.4, -0.9])
    points = theory.classical_points(system, y)
    assert points.point.position.shape == (1, 3)
    assert points.weight.tolist() == [1.0]
    density = np.asarray(points.density[0])
    energies, vectors = np.linalg.eigh(np.asarray(system.potential(y.point.position)))
    assert np.iscomplexobj(density)
    assert np.abs(density - np.outer(vectors[:, 1], vectors[:, 1].conj())).max() < 1e-14
    assert np.abs(theory.quantum_density(system, y) - density).max() < 1e-15
    expected = (
        system.manifold.kinetic_energy(y.point.momentum) + system.harmonic(y.point.position) + energies[1]
    )
    assert abs(BornOppenheimer(1, False).energy(system, y) - expected) < 1e-14


def test_the_prepared_quantum_state_is_ignored():
    key, index = jax.random.key(0), jnp.asarray(0)
    for quantum_state in (0, 1):
        packet = GaussianPacket(position=-8.0, momentum=20.0, width=1.0, state=quantum_state)
        y, weight = BornOppenheimer().prepare(tully(1), packet, index, key)
        drawn = packet.draw(tully(1), index, key)
        assert jnp.array_equal(y.point.position, drawn.point.position)
        assert jnp.array_equal(y.point.momentum, drawn.point.momentum)
        assert weight == drawn.weight


def test_a_level_that_touches_another_stops_the_run():
    system = hamiltonian(lambda q: cone(q) - GAP * jnp.diag(jnp.array([1.0, -1.0])), masses=[MASS, MASS])
    theory, y = BornOppenheimer(), state([0.0, 0.0], [0.0, 0.0])
    assert theory.check(system, y) == Status.fine
    y, _ = Strang().stepper(theory, system, 0.1)(0.0, y, None)
    assert theory.check(system, y) == Status.not_finite


@pytest.mark.parametrize("level", [-1, 2, 7])
def test_a_level_that_does_not_exist_is_refused(level):
    with pytest.raises(InvalidInput, match=f"level {level}, but the Hamiltonian has levels 0 to 1") as caught:
        BornOppenheimer(level).resolve(tully(1), None, None)
    assert "\n" not in str(caught.value)
    theory = BornOppenheimer(1)
    assert theory.resolve(tully(1), None, None) is theory


def test_what_has_no_potential_is_refused():
    spin = hamiltonian(lambda n: jnp.diag(jnp.stack([n[0, 2], -n[0, 2]])), manifold=Spheres(1))
    with pytest.raises(UnsupportedHamiltonian, match="BornOppenheimer needs a canonical manifold"):
        BornOppenheimer().requirements().check("BornOppenheimer", spin)


def test_runge_kutta_uses_the_flow():
    theory, expected = REFERENCE["Berry force and diagonal correction"]
    y = solver(theory, conical(), RungeKutta4())(start(), 0.02, 250)
    assert jnp.max(jnp.abs(vector(y) - jnp.array(expected[0]))) < 1e-7
