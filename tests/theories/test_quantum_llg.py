"""Quantum LLG and LL: closed forms, what is conserved, where a run ends, and the limits of the model."""

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
from brackish.integrators import CommutatorFree, RetractedRungeKutta8
from brackish.quantum import density_rate, pauli_x, pauli_y, pauli_z
from brackish.randomness import StepDraws
from brackish.run import catalogue

PAULI = np.stack([pauli_x, pauli_y, pauli_z])


def one_spin(bloch):
    return 0.5 * (np.eye(2) + np.einsum("a,axy->xy", np.asarray(bloch), PAULI))


def random_density(rng, size, rank=None):
    columns = rng.normal(size=(size, rank or size)) + 1j * rng.normal(size=(size, rank or size))
    density = columns @ columns.conj().T
    return density / np.trace(density).real


def random_magnet(rng, spins):
    count = len(spins)
    first, second = np.triu_indices(count, 1)
    bonds = bk.Bonds(first, second, rng.normal(size=first.size), rng.normal(size=(first.size, 3)))
    return bk.SpinSystem(spins, bonds, rng.normal(size=(count, 3)), uniaxial=bk.Uniaxial(0.4))


def started(theory, magnet, density):
    """The theory with its start, and the first state."""
    preparation = bk.SpinState(density)
    preparation.check(magnet)
    theory = theory.resolve(magnet, preparation, None)
    return theory, theory.prepare(magnet, preparation, None, None)[0]


@eqx.filter_jit
def rate(theory, magnet, y):
    """d rho/dt of a state by the flow of its eigenvectors, and the state's energy and spins."""
    slope = theory.flow(magnet, y.time, y)
    half = (slope.columns * y.spectral.excess()[None]) @ jnp.conj(y.columns).T
    return half + jnp.conj(half).T, theory.energy(magnet, y), theory.spin_direction(magnet, y)


# -- the equation -----------------------------------------------------------------------------------------------


@given(
    seed=st.integers(0, 2**32 - 1),
    damping=st.floats(0, 3),
    kind=st.sampled_from([bk.QuantumLLG, bk.QuantumLL]),
    rank=st.sampled_from([1, 2, 12]),
)
def test_eigenvectors_move_as_the_density_operator(seed, damping, kind, rank):
    """A spin 1/2, a 1 and a 1/2: pure, of rank 2, and full."""
    rng = np.random.default_rng(seed)
    spins = [0.5, 1.0, 0.5]
    magnet, density = random_magnet(rng, spins), random_density(rng, 12, rank)
    theory, y = started(kind(damping), magnet, density)
    moved, energy, direction = rate(theory, magnet, y)
    matrix = magnet.matrix()
    expected = density_rate(jnp.asarray(density), jnp.asarray(matrix), theory.kernel())
    assert np.allclose(moved, expected, rtol=0, atol=1e-11)
    assert float(energy) == pytest.approx(np.trace(density @ matrix).real, abs=1e-11)
    means = np.einsum("naxy,yx->na", magnet.spin_operators(), density).real
    assert np.allclose(direction, means / np.array(spins)[:, None], atol=1e-12)


@functools.cache
def mixed_dimer():
    """Two spins 1/2 from a generic full state, until they stand still."""
    rng = np.random.default_rng(15)
    magnet = random_magnet(rng, [0.5, 0.5])
    columns = np.linalg.qr(rng.normal(size=(4, 4)) + 1j * rng.normal(size=(4, 4)))[0]
    weights = np.array([0.6, 0.25, 0.1, 0.05])
    run = bk.simulate(
        magnet,
        bk.QuantumLLG(2.0),
        bk.SpinState(columns @ np.diag(weights) @ columns.conj().T),
        bk.times(400.0, 40),
        observables=(
            bk.observables.renyi_entropy(3.0, 0, 1),
            bk.observables.entanglement_entropy(0, 1, name="entropy"),
        ),
    )
    return magnet, weights, run


def test_a_mixed_state_keeps_its_spectrum_and_loses_energy():
    """Over nearly ten thousand steps."""
    _, weights, run = mixed_dimer()
    assert run.attrs["step"] < 0.05
    assert np.max(np.abs(run.purity.values - np.sum(weights**2))) < 1e-12
    assert np.max(np.abs(run.renyi_entropy.values + np.log(np.sum(weights**3)) / 2)) < 1e-12
    assert np.max(np.abs(run.entropy.values + np.sum(weights * np.log(weights)))) < 1e-12
    assert np.diff(run.energy.values).max() < 1e-12


def test_a_mixed_state_ends_passive():
    """The largest eigenvalue on the lowest level, and so on: not a thermal state."""
    magnet, weights, run = mixed_dimer()
    passive = weights @ np.linalg.eigvalsh(magnet.matrix())
    assert float(run.energy[-1]) == pytest.approx(passive, abs=1e-9)
    assert float(run.energy[0]) - passive > 0.5


# -- pure states ------------------------------------------------------------------------------------------------


def test_the_two_equations_are_one_for_pure_states():
    rng = np.random.default_rng(12)
    magnet, kappa = random_magnet(rng, [0.5, 1.0]), 0.7
    psi = np.linalg.qr(rng.normal(size=(6, 1)) + 1j * rng.normal(size=(6, 1)))[0][:, 0]
    gilbert = bk.simulate(magnet, bk.QuantumLLG(kappa), bk.SpinState(psi), bk.times(3.0 * (1 + kappa**2), 6))
    lifshitz = bk.simulate(magnet, bk.QuantumLL(kappa), bk.SpinState(psi), bk.times(3.0, 6))
    assert np.allclose(gilbert.spin_direction, lifshitz.spin_direction, rtol=0, atol=1e-12)
    assert np.allclose(gilbert.energy, lifshitz.energy, rtol=0, atol=1e-12)
    # by order 8 on the nonlinear equation
    walked = bk.simulate(
        magnet,
        bk.QuantumLL(kappa),
        bk.SpinState(psi),
        bk.times(3.0, 6, step=0.02),
        integrator=RetractedRungeKutta8(),
    )
    assert np.allclose(walked.spin_direction, lifshitz.spin_direction, rtol=0, atol=1e-9)
    assert np.max(np.abs(walked.purity.values - 1)) < 1e-12


def spiral(start, damping, field, times):
    """LLG of one spin in a field along z: tan(theta/2) falls exponentially."""
    speed = field / (1 + damping**2)
    tangent = np.tan(np.arccos(start[2]) / 2) * np.exp(-damping * speed * times)
    angle = np.arctan2(start[1], start[0]) - speed * times
    return np.stack([2 * tangent * np.cos(angle), 2 * tangent * np.sin(angle), 1 - tangent**2], axis=1) / (
        1 + tangent[:, None] ** 2
    )


def test_one_spin_is_llg():
    """A Bloch vector of any length r: damping kappa |r|. A coherent state of any spin: damping kappa."""
    unit, times = np.array([0.6, 0.0, -0.8]), np.linspace(0, 6, 7)
    for length in (1.0, 0.4):
        run = bk.simulate(
            bk.SpinSystem([0.5], field=(0, 0, 1.3)),
            bk.QuantumLLG(0.8),
            bk.SpinState(one_spin(length * unit)),
            bk.times(6.0, 6),
        )
        expected = length * spiral(unit, 0.8 * length, 1.3, times)
        assert np.allclose(run.spin_direction[:, 0], expected, rtol=0, atol=1e-11)
    magnet = bk.SpinSystem([1.5], field=(0, 0, 1.3))
    run = bk.simulate(magnet, bk.QuantumLLG(0.8), bk.Directions([unit]), bk.times(6.0, 6))
    assert np.allclose(run.spin_direction[:, 0], spiral(unit, 0.8, 1.3, times), rtol=0, atol=1e-11)


def along(direction):
    """The spinor of a spin 1/2 along a direction."""
    psi = np.linalg.eigh(one_spin(direction))[1][:, 1]
    return psi / np.linalg.norm(psi)


def test_uncoupled_pure_spins_go_their_own_ways():
    starts = [np.array([0.6, 0.0, -0.8]), np.array([0.0, 0.8, 0.6])]
    magnet = bk.SpinSystem([0.5, 0.5], field=[(0, 0, 1.0), (0, 0, 0.4)])
    psi = bk.SpinState(np.kron(*(along(start) for start in starts)))
    run = bk.simulate(magnet, bk.QuantumLLG(0.5), psi, bk.times(5.0, 5))
    for spin, (start, field) in enumerate(zip(starts, (1.0, 0.4), strict=True)):
        expected = spiral(start, 0.5, field, run.time.values)
        assert np.allclose(run.spin_direction[:, spin], expected, rtol=0, atol=1e-11)


# -- limits of the model -----------------------------------------------------------------------------------------


def test_an_idle_mixed_neighbour_halves_the_damping():
    """Not separable: a pure spin beside a maximally mixed one, uncoupled, is damped with kappa / 2."""
    start = np.array([0.6, 0.0, -0.8])
    density = np.kron(one_spin(start), np.eye(2) / 2)
    magnet = bk.SpinSystem([0.5, 0.5], field=[(0, 0, 1.0), (0, 0, 0)])
    run = bk.simulate(magnet, bk.QuantumLLG(0.6), bk.SpinState(density), bk.times(5.0, 5))
    expected = spiral(start, 0.3, 1.0, run.time.values)
    assert np.allclose(run.spin_direction[:, 0], expected, rtol=0, atol=1e-10)
    assert np.allclose(run.spin_direction[:, 1], 0, atol=1e-12)


def test_entangled_spins_signal():
    """A field on the second spin alone moves the first, as quantum mechanics forbids."""
    psi = np.array([1.0, 0.5j, 0.3, 0.9])
    psi = bk.SpinState(psi / np.linalg.norm(psi))
    magnet = bk.SpinSystem([0.5, 0.5], field=[(0, 0, 0.0), (0.3, 0, 1.0)])
    moved, still = (
        bk.simulate(magnet, bk.QuantumLLG(damping), psi, bk.times(5.0, 5)).spin_direction.values[:, 0]
        for damping in (0.8, 0.0)
    )
    assert np.abs(moved - moved[0]).max() > 0.1
    assert np.allclose(still, still[0], atol=1e-12)


def test_a_thermal_long_spin_does_not_turn_rigidly():
    """A Gibbs state of a spin 3/2 loses length when the field is turned; numbers by scipy."""
    warm = bk.ThermalSpins(1.0).spin_state(bk.SpinSystem([1.5], field=(0, 0, 1.2)))
    magnet = bk.SpinSystem([1.5], field=(1.0, 0, 0))
    run = bk.simulate(magnet, bk.QuantumLLG(2.0), bk.SpinState(np.asarray(warm.density())), bk.times(2.0, 1))
    lengths = 1.5 * np.linalg.norm(run.spin_direction.values[:, 0], axis=1)
    assert lengths == pytest.approx([1.1022, 1.0154], abs=6e-5)


# -- fields in time, steps, mixtures -----------------------------------------------------------------------------


def rotating(t):
    return jnp.stack([0.5 * jnp.cos(1.1 * t), -0.5 * jnp.sin(1.1 * t), jnp.asarray(0.8)])


@eqx.filter_jit
def walk(integrator, theory, magnet, y, dt, steps):
    step = integrator.stepper(theory, magnet, dt)
    draws = StepDraws(jax.random.key_data(jax.random.key(0)), jnp.asarray(0))
    return lax.fori_loop(0, steps, lambda number, y: step(number * dt, y, draws)[0], y)


@pytest.mark.parametrize(
    ("integrator", "counts", "pure"),
    [(CommutatorFree(), (8, 16, 32), True), (RetractedRungeKutta8(), (6, 9, 12), False)],
    ids=["CommutatorFree", "RetractedRungeKutta8"],
)
def test_orders(integrator, counts, pure):
    """Two coupled spins in a field that turns: against far smaller steps of order 8."""
    rng = np.random.default_rng(13)
    magnet = bk.SpinSystem([0.5, 0.5], bk.Bonds([0], [1], -1.0, (0, 0, 0.5)), rotating)
    theory, y = started(bk.QuantumLLG(0.5), magnet, random_density(rng, 4, 1 if pure else 4))

    def end(integrator, count):
        found = walk(integrator, theory, magnet, y, np.asarray(4.0 / count), np.asarray(count))
        assert float(found.time) == pytest.approx(4.0)
        assert abs(float(found.spectral.purity()) - float(y.spectral.purity())) < 1e-13
        return np.asarray(found.spectral.density())

    exact = end(RetractedRungeKutta8(), 200)
    errors = [np.abs(end(integrator, count) - exact).max() for count in counts]
    slope = -np.polyfit(np.log(counts), np.log(errors), 1)[0]
    assert slope == pytest.approx(integrator.order, abs=0.6), errors


def test_resonance():
    """Rabi's formula, near resonance: a spin in a field that turns about z."""
    off, strength = 0.4, 0.3

    def field(t):
        turned = (2.0 + off) * t
        return jnp.stack([strength * jnp.cos(turned), -strength * jnp.sin(turned), jnp.asarray(2.0)])

    run = bk.simulate(
        bk.SpinSystem([0.5], field=field),
        bk.QuantumLLG(0.0),
        bk.Directions([[0, 0, 1.0]]),
        bk.times(20.0, 20, step=0.01),
    )
    rabi = np.hypot(strength, off)
    expected = 1 - 2 * (strength / rabi) ** 2 * np.sin(rabi * run.time.values / 2) ** 2
    assert np.allclose(run.spin_direction[:, 0, 2], expected, rtol=0, atol=1e-7)


def test_a_mixture_of_a_few_states_is_its_density_operator():
    rng = np.random.default_rng(14)
    magnet = random_magnet(rng, [0.5, 0.5, 0.5])
    states = rng.normal(size=(2, 8)) + 1j * rng.normal(size=(2, 8))
    states = states / np.linalg.norm(states, axis=1, keepdims=True)
    few = bk.SpinMixture(states, [0.75, 0.25])
    density = np.einsum("r,rx,ry->xy", few.probabilities, states, states.conj())
    state = few.spin_state(magnet)
    assert state.columns.shape == (8, 2)
    assert np.allclose(state.density(), density, atol=1e-14)


# -- refusals ----------------------------------------------------------------------------------------------------

DIMER = bk.SpinSystem([0.5, 0.5], bk.Bonds([0], [1], 1.0))


@pytest.mark.parametrize(
    ("build", "words"),
    [
        (lambda: bk.SpinState([1.0, 1.0]), "norm 1, got 1.41421"),
        (lambda: bk.SpinState(np.eye(4)), "trace 1, got 4"),
        (lambda: bk.SpinState(np.array([[0.5, 1.0], [0.0, 0.5]])), "not Hermitian"),
        (lambda: bk.SpinState(np.diag([1.2, -0.2])), "negative eigenvalue, -0.2"),
        (lambda: bk.SpinState(np.ones((2, 3))), r"\(D, D\), got shape \(2, 3\)"),
        (lambda: bk.SpinState([np.nan, 0.0]), "finite"),
        (lambda: bk.SpinMixture(np.eye(4)[:2], [0.5, 0.4]), "sum to 1"),
        (lambda: bk.SpinMixture(2 * np.eye(4)[:2], [0.5, 0.5]), "norm 1"),
        (lambda: bk.Werner(1.2), "0 to 1, got 1.2"),
        (lambda: bk.Triplet(2), "1, 0 or -1, got 2"),
        (lambda: bk.ThermalSpins(0.0), "positive and finite"),
        (lambda: bk.QuantumLLG(-0.1), "0 or more"),
        (lambda: bk.SpinState(np.eye(3)[0]).check(DIMER), "dimension 3, those of this magnet have 4"),
        (lambda: bk.Singlet().check(bk.SpinSystem([0.5])), "dimension 4"),
        (lambda: bk.observables.concurrence(1, 1), "two different spins"),
        (lambda: bk.simulate(DIMER, bk.QuantumLLG(0.1), bk.Directions(np.ones((3, 2, 3))), bk.times(1, 1)), "one set"),
    ],
)  # fmt: skip
def test_bad_input(build, words):
    with pytest.raises(bk.InvalidInput, match=words) as refused:
        build()
    assert "\n" not in str(refused.value)


def test_refusals_by_name():
    times = bk.times(1.0, 1)
    system = bk.hamiltonian(lambda n: jnp.zeros((1, 1)), manifold=bk.Spheres(2), step=0.1)
    with pytest.raises(bk.UnsupportedHamiltonian, match="QuantumLLG needs a SpinSystem"):
        bk.simulate(system, bk.QuantumLLG(0.1), bk.UniformDirections(), times)
    with pytest.raises(bk.UnsupportedHamiltonian, match="UniformDirections has no state of quantum spins"):
        bk.simulate(DIMER, bk.QuantumLLG(0.1), bk.UniformDirections(), times)
    with pytest.raises(bk.UnsupportedHamiltonian, match="start classical ones from Directions"):
        bk.simulate(DIMER, bk.LLG(0.1), bk.Singlet(), times)
    mixed = bk.SpinState(np.diag([0.4, 0.3, 0.2, 0.1]))
    with pytest.raises(bk.UnsupportedHamiltonian, match="two eigenvalues alone"):
        bk.simulate(DIMER, bk.QuantumLLG(0.1), mixed, times, integrator=CommutatorFree())
    longer = bk.SpinSystem([1.0, 1.0], bk.Bonds([0], [1], 1.0))
    start, asked = bk.Directions([[0, 0, 1.0], [1.0, 0, 0]]), (bk.observables.concurrence(),)
    with pytest.raises(bk.UnsupportedHamiltonian, match="two spins 1/2"):
        bk.simulate(longer, bk.QuantumLLG(0.1), start, times, observables=asked)
    with pytest.raises(bk.UnsupportedHamiltonian, match="LLG has no density operator"):
        bk.simulate(longer, bk.LLG(0.1), start, times, observables=asked)
    start = bk.Directions([[0, 0, 1.0], [1.0, 0, 0]])
    with pytest.raises(bk.UnsupportedHamiltonian, match="a quantum side; QuantumLLG keeps"):
        bk.audit(bk.QuantumLLG(0.1), DIMER, start, times)
    assert "not applicable: The audit" in bk.audit_table([bk.QuantumLL(0.1)], DIMER, start, times)
    assert [parameter.name for parameter in catalogue.parameters(bk.QuantumLLG)] == ["damping"]
