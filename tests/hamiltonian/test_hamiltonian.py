"""Hamiltonians: their parts, sums, scalings and bases, and what is refused."""

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

import brackish as bk
from brackish.errors import InvalidInput
from brackish.hamiltonians import FunctionHamiltonian, SeparableFunctionHamiltonian
from brackish.quantum import pauli_x, pauli_y, pauli_z
from brackish.theories.trajectories.ehrenfest import EhrenfestState

SPIN = np.stack([pauli_x.astype(complex), pauli_y, pauli_z.astype(complex)])


def crossing(q):
    energy = 0.3 * jnp.tanh(q[0]) + 0.1 * q[1]
    coupling = 0.2 * jnp.exp(-(q[1] ** 2)) * jnp.exp(0.5j * q[0])
    return jnp.array([[energy, coupling], [jnp.conj(coupling), -energy]])


def tilted(q):
    return jnp.cos(q[0]) * jnp.asarray(pauli_x) + q[1] ** 2 * jnp.asarray(pauli_z)


def outside(q):
    return 0.25 * q[0] ** 2 + 0.1 * q[0] * q[1]


def spins(n):
    return jnp.sum(SPIN * (0.4 * n[0] + 0.1 * n[1])[:, None, None], axis=0)


def anisotropy(n):
    return 0.3 * n[0, 2] ** 2


MASSES, FREQUENCIES, QUANTUM = [2.0, 5.0], [0.0, 0.7], 0.11 * SPIN[1]


@pytest.fixture
def system():
    return bk.hamiltonian(crossing, MASSES, frequencies=FREQUENCIES, quantum=QUANTUM, external=outside)


@pytest.fixture
def spin_system():
    return bk.hamiltonian(spins, manifold=bk.Spheres(2, 1.5), quantum=QUANTUM, external=anisotropy)


def phase_point(seed=0):
    q, p = np.random.default_rng(seed).normal(size=(2, 2))
    return bk.PhasePoint(jnp.asarray(q), jnp.asarray(p))


def directions(seed=0):
    n = np.random.default_rng(seed).normal(size=(2, 3))
    return jnp.asarray(n / np.linalg.norm(n, axis=1, keepdims=True))


def spinor(seed=0, levels=2):
    real, imaginary = np.random.default_rng(seed).normal(size=(2, levels))
    psi = real + 1j * imaginary
    return jnp.asarray(psi / np.linalg.norm(psi))


def unitary(seed, levels=2):
    real, imaginary = np.random.default_rng(seed).normal(size=(2, levels, levels))
    return np.linalg.qr(real + 1j * imaginary)[0]


def test_the_parts_add_up(system):
    z, psi = phase_point(), spinor()
    energy = z.momentum[0] ** 2 / 4 + z.momentum[1] ** 2 / 10 + 2.5 * (0.7 * z.position[1]) ** 2
    expected = (energy + outside(z.position)) * np.eye(2) + QUANTUM + crossing(z.position)
    np.testing.assert_allclose(system.operator(z), expected, atol=1e-15)
    np.testing.assert_allclose(system.apply(z, psi), expected @ psi, atol=1e-15)
    np.testing.assert_allclose(system.expect(z, psi), np.vdot(psi, expected @ psi).real, atol=1e-15)
    np.testing.assert_allclose(
        system.potential(z.position),
        outside(z.position) * np.eye(2) + QUANTUM + crossing(z.position),
        atol=1e-15,
    )
    np.testing.assert_allclose(
        system.potential_expect(z.position, psi), system.expect(z, psi) - energy, atol=1e-15
    )


def test_energies_scale_with_the_norm(system, spin_system):
    """<psi|H|psi> is a quadratic form, so that its gradient by psi is H psi for any norm."""
    for hamiltonian, z in ((system, phase_point()), (spin_system, directions())):
        np.testing.assert_allclose(hamiltonian.expect(z, 2 * spinor()), 4 * hamiltonian.expect(z, spinor()))


def test_on_other_manifolds_the_function_is_the_whole_operator(spin_system):
    n = directions()
    expected = anisotropy(n) * np.eye(2) + QUANTUM + spins(n)
    np.testing.assert_allclose(spin_system.operator(n), expected, atol=1e-15)
    assert isinstance(spin_system, FunctionHamiltonian)
    assert spin_system.levels == 2


@given(st.floats(-20, 20))
def test_the_free_flow_moves_kinetic_and_harmonic_energy_exactly(duration):
    """Drift without, rotation with a frequency: against the matrix exponential, kept symplectic."""
    system = bk.hamiltonian(crossing, MASSES, frequencies=FREQUENCIES)
    z = phase_point(3)
    end = system.free_flow(duration)(z)
    np.testing.assert_allclose(end.position[0], z.position[0] + duration * z.momentum[0] / 2, rtol=1e-12)
    assert end.momentum[0] == z.momentum[0]
    turn = 0.7 * duration
    q, p = z.position[1], z.momentum[1]
    np.testing.assert_allclose(end.position[1], q * np.cos(turn) + p * np.sin(turn) / 3.5, atol=1e-12)
    np.testing.assert_allclose(end.momentum[1], p * np.cos(turn) - q * np.sin(turn) * 3.5, atol=1e-12)
    back = system.free_flow(-duration)(end)
    np.testing.assert_allclose(back.position, z.position, atol=1e-12)


def test_without_frequencies_the_free_flow_is_straight():
    z = phase_point(4)
    end = bk.hamiltonian(crossing, MASSES).free_flow(3.0)(z)
    np.testing.assert_allclose(end.position, z.position + 3 * z.momentum / np.array(MASSES), atol=1e-15)
    np.testing.assert_array_equal(end.momentum, z.momentum)


# -- sums ------------------------------------------------------------------------------------------


def test_a_sum_adds_operators(system):
    other = bk.hamiltonian(tilted, [3.0, 1.0], frequencies=[0.4, 0.2], quantum=0.2 * pauli_x)
    together, z = bk.add(system, other), phase_point(1)
    assert isinstance(together, SeparableFunctionHamiltonian)  # so that every theory still runs
    np.testing.assert_allclose(together.operator(z), system.operator(z) + other.operator(z), atol=1e-14)
    for part in ("classical", "interaction"):
        expected = getattr(system, part)(z) + getattr(other, part)(z)
        np.testing.assert_allclose(getattr(together, part)(z), expected, atol=1e-14)


def test_a_sum_of_spin_hamiltonians_adds_operators(spin_system):
    other = bk.hamiltonian(lambda n: n[1, 0] * jnp.asarray(pauli_z), manifold=bk.Spheres(2, 1.5))
    n = directions(1)
    expected = spin_system.operator(n) + other.operator(n)
    np.testing.assert_allclose(bk.add(spin_system, other).operator(n), expected, atol=1e-15)


def test_a_sum_of_unlike_hamiltonians_is_refused(system, spin_system):
    three = bk.hamiltonian(lambda q: jnp.diag(jnp.stack([q[0], q[1], q[0]])), MASSES)
    shorter = bk.hamiltonian(spins, manifold=bk.Spheres(2, 1.0))
    for first, second in ((system, three), (system, spin_system), (spin_system, shorter)):
        with pytest.raises(InvalidInput, match="cannot be added"):
            bk.add(first, second)


# -- scaled interactions ---------------------------------------------------------------------------


def test_scaling_touches_the_interaction_alone(system, spin_system):
    for hamiltonian, z in ((system, phase_point()), (spin_system, directions())):
        scaled = bk.scale_interaction(hamiltonian, 0.3)
        np.testing.assert_allclose(scaled.interaction(z), 0.3 * hamiltonian.interaction(z), atol=1e-16)
        assert scaled.classical(z) == hamiltonian.classical(z)
        np.testing.assert_array_equal(scaled.quantum(), hamiltonian.quantum())


def test_without_interaction_the_two_sides_move_alone(system):
    """Populations of the eigenstates of H_Q are constant, and the classical side does not see the quantum state."""
    free = bk.scale_interaction(system, 0.0)
    z = phase_point(2)
    ends = []
    for psi in (spinor(1), spinor(2)):
        start = EhrenfestState(z, psi)
        end = strang(free, start, 200)
        np.testing.assert_allclose(
            abs(SPIN_STATES.conj().T @ end.psi), abs(SPIN_STATES.conj().T @ psi), atol=1e-13
        )
        ends.append(end.point)
    np.testing.assert_allclose(ends[0].position, ends[1].position, rtol=0, atol=1e-13)
    np.testing.assert_allclose(ends[0].momentum, ends[1].momentum, rtol=0, atol=1e-13)
    assert abs(ends[0].position[0] - z.position[0]) > 0.1
    with_interaction = strang(system, start, 200)
    assert abs(with_interaction.point.position[0] - ends[1].position[0]) > 1e-2


SPIN_STATES = np.linalg.eigh(QUANTUM)[1]


@eqx.filter_jit
def strang(hamiltonian, start, steps):
    step = bk.integrators.Strang().stepper(bk.Ehrenfest(), hamiltonian, 0.02)
    return jax.lax.fori_loop(0, steps, lambda i, y: step(0.0, y, None)[0], start)


# -- bases -----------------------------------------------------------------------------------------


@given(st.integers(0, 2**32 - 1))
def test_another_basis_gives_the_same_energies(seed):
    u = unitary(seed)
    for hamiltonian, z in (
        (bk.hamiltonian(crossing, MASSES, quantum=QUANTUM, external=outside), phase_point(seed)),
        (bk.hamiltonian(spins, manifold=bk.Spheres(2), quantum=QUANTUM), directions(seed)),
    ):
        turned = bk.change_basis(hamiltonian, u)
        np.testing.assert_allclose(turned.operator(z), u @ hamiltonian.operator(z) @ u.conj().T, atol=1e-13)
        psi = spinor(seed)
        np.testing.assert_allclose(
            turned.expect(z, jnp.asarray(u) @ psi), hamiltonian.expect(z, psi), rtol=0, atol=1e-13
        )


@pytest.mark.parametrize("matrix", [np.eye(3), np.array([[1.0, 1.0], [0.0, 1.0]]), np.ones(2), 2 * np.eye(2)])
def test_a_basis_must_be_unitary(system, matrix):
    with pytest.raises(InvalidInput, match="unitary"):
        bk.change_basis(system, matrix)


def test_a_suggested_step_survives_changes():
    system = bk.hamiltonian(crossing, MASSES, step=0.5)
    assert system.suggested_step() == 0.5
    assert bk.scale_interaction(system, 0.5).suggested_step() == 0.5
    assert bk.change_basis(system, np.eye(2)).suggested_step() == 0.5


def test_changes_are_arguments_of_compiled_programs(system):
    """A sweep over strengths or bases compiles once."""
    traced = []

    @eqx.filter_jit
    def energy(hamiltonian, z, psi):
        traced.append(type(hamiltonian))
        return hamiltonian.expect(z, psi)

    z, psi = phase_point(), spinor()
    energies = [energy(bk.scale_interaction(system, factor), z, psi) for factor in (0.1, 0.2, 0.3)]
    assert len(traced) == 1
    np.testing.assert_allclose(energies[2] - energies[1], energies[1] - energies[0], rtol=1e-12)
    for seed in range(3):
        energy(bk.change_basis(system, unitary(seed)), z, psi)
    assert len(traced) == 2


# -- what is refused -------------------------------------------------------------------------------

REFUSED = {
    "neither masses nor manifold": lambda: bk.hamiltonian(crossing),
    "both masses and manifold": lambda: bk.hamiltonian(crossing, MASSES, manifold=bk.Spheres(2)),
    "negative mass": lambda: bk.hamiltonian(crossing, [1.0, -1.0]),
    "zero mass": lambda: bk.hamiltonian(crossing, [1.0, 0.0]),
    "mass that is no number": lambda: bk.hamiltonian(crossing, [1.0, np.nan]),
    "too few coordinates": lambda: bk.hamiltonian(lambda q: q[:, None] * q[None, :, None], [1.0]),
    "not Hermitian": lambda: bk.hamiltonian(lambda q: jnp.array([[0.0, q[0]], [0.0, 1.0]]), MASSES),
    "complex and symmetric": lambda: bk.hamiltonian(lambda q: jnp.array([[0, 1j], [1j, 0]]) * q[0], MASSES),
    "complex diagonal": lambda: bk.hamiltonian(lambda q: jnp.array([[1j, 0], [0, 0]]) * q[0], MASSES),
    "not square": lambda: bk.hamiltonian(lambda q: jnp.ones((2, 3)) * q[0], MASSES),
    "a vector": lambda: bk.hamiltonian(lambda q: q, MASSES),
    "a number": lambda: bk.hamiltonian(lambda q: q[0], MASSES),
    "not finite": lambda: bk.hamiltonian(lambda q: jnp.diag(jnp.log(-jnp.abs(q))), MASSES),
    "infinite": lambda: bk.hamiltonian(lambda q: jnp.diag(q / 0.0), MASSES),
    "failing": lambda: bk.hamiltonian(lambda q: q["x"], MASSES),
    "negative frequency": lambda: bk.hamiltonian(crossing, MASSES, frequencies=[1.0, -1.0]),
    "frequencies on spheres": lambda: bk.hamiltonian(spins, manifold=bk.Spheres(2), frequencies=[1.0]),
    "too many frequencies": lambda: bk.hamiltonian(crossing, MASSES, frequencies=[1.0, 1.0, 1.0]),
    "step of no length": lambda: bk.hamiltonian(crossing, MASSES, step=0.0),
    "step that is no number": lambda: bk.hamiltonian(crossing, MASSES, step=np.nan),
    "quantum part of another size": lambda: bk.hamiltonian(crossing, MASSES, quantum=np.eye(3)),
    "quantum part not Hermitian": lambda: bk.hamiltonian(crossing, MASSES, quantum=[[0.0, 1.0], [0.0, 0.0]]),
    "quantum part not finite": lambda: bk.hamiltonian(crossing, MASSES, quantum=np.diag([np.nan, 0.0])),
    "external of another shape": lambda: bk.hamiltonian(crossing, MASSES, external=lambda q: q),
    "external not finite": lambda: bk.hamiltonian(crossing, MASSES, external=lambda q: q[0] / 0.0),
}


@pytest.mark.parametrize("case", REFUSED)
def test_what_is_refused(case):
    with pytest.raises(InvalidInput) as caught:
        REFUSED[case]()
    assert "\n" not in str(caught.value)
    assert len(str(caught.value)) > 30
