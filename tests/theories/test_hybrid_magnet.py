"""A quantum cluster in a classical magnet: its limits, its energy, its symmetries and its random fields."""

import hypothesis.strategies as st
import jax
import jax.numpy as jnp
import numpy as np
import pytest
from hypothesis import given, settings

import brackish as bk
from brackish.quantum import density_rate, gilbert_kernel

COUNT = 5
CUT = (0, 3)
ENDS = (np.array([0, 1, 2, 3, 0, 1]), np.array([1, 2, 3, 4, 4, 3]))


def unit(vectors):
    return vectors / np.linalg.norm(vectors, axis=-1, keepdims=True)


def rotation(random):
    turn, triangle = np.linalg.qr(random.normal(size=(3, 3)))
    turn = turn * np.sign(np.diag(triangle))
    return turn if np.linalg.det(turn) > 0 else -turn


def some(seed, field=None):
    """A frustrated magnet of five spins 1/2 with Dzyaloshinskii-Moriya bonds, and where it starts."""
    random = np.random.default_rng(seed)
    bonds = bk.Bonds(*ENDS, random.normal(size=6), random.normal(size=(6, 3)))
    own = random.normal(size=(COUNT, 3))
    system = bk.SpinSystem([0.5] * COUNT, bonds, own if field is None else field)
    return system, unit(random.normal(size=(COUNT, 3)))


def run(system, theory, start, stop=2.0, saves=4, step=0.01, **options):
    start = bk.Directions(start) if isinstance(start, np.ndarray) else start
    return bk.simulate(system, theory, start, bk.times(stop, saves, step=step), **options)


def test_without_classical_spins_it_is_the_quantum_analogue():
    """To the order of its step, which is two."""
    system, start = some(1)
    three, start = system.part([0, 1, 2]), start[:3]
    expected = run(three, bk.QuantumLLG(0.4), start).spin_direction.values
    errors = [
        np.abs(run(three, bk.HybridMagnet(range(3), 0.4), start, step=step).spin_direction.values - expected)
        for step in (0.02, 0.005)
    ]
    assert errors[1].max() < 1e-4
    assert np.log2(errors[0].max() / errors[1].max()) / 2 == pytest.approx(2, abs=0.15)


def test_without_quantum_spins_it_is_gilberts_equation():
    """With a thermal field too: the same steps, the same draws."""
    system, start = some(2)
    for temperature in (0.0, 0.3):
        hybrid = bk.HybridMagnet((), 0.4, temperature=temperature)
        found = run(system, hybrid, start, seed=5).spin_direction.values
        expected = run(system, bk.LLG(0.4, temperature), start, seed=5).spin_direction.values
        np.testing.assert_allclose(found, expected, atol=1e-12)


def test_one_quantum_spin_is_a_classical_one():
    """A single spin 1/2 in a pure state is a vector: with a classical partner of the same length and the same damping,
    the pair is a classical pair.
    """
    system, start = some(3)
    pair, start = system.part([0, 1]), start[:2]
    classical = run(pair, bk.LLG(0.5), start, step=0.0025).spin_direction.values
    errors = [
        np.abs(
            run(pair, bk.HybridMagnet((1,), 0.5), start, step=step).spin_direction.values - classical
        ).max()
        for step in (0.02, 0.01)
    ]
    assert errors[1] < 2e-4
    assert errors[0] / errors[1] == pytest.approx(4, rel=0.2)


def test_energy_is_conserved_without_damping_and_falls_with_it():
    system, start = some(4)
    drift = [
        np.ptp(run(system, bk.HybridMagnet(CUT, 0.0), start, step=step).energy.values)
        for step in (0.01, 0.005)
    ]
    assert drift[1] < 2e-5
    assert drift[0] / drift[1] == pytest.approx(4, rel=0.15)
    damped = run(system, bk.HybridMagnet(CUT, 0.2, 0.7), start, saves=40)
    assert np.all(np.diff(damped.energy.values) < 0)
    parts = damped.cluster_energy + damped.lattice_energy + damped.coupling_energy
    np.testing.assert_allclose(parts, damped.energy, atol=1e-13)


def test_what_damping_takes():
    r"""$\dot E=-\hbar\alpha\sum_js_j|\dot{\mathbf n}_j|^2+\mathrm{Tr}\,\dot\rho H$, with the rate of q-LLG by its
    eigenbasis.
    """
    system, start = some(6)
    mixed = np.diag([0.4, 0.3, 0.2, 0.1]).astype(complex)
    theory = bk.HybridMagnet(CUT, 0.3, 0.6)
    preparation = bk.QuantumAndClassical(bk.SpinState(mixed), bk.Directions(start[[1, 2, 4]]))
    theory = theory.resolve(system, preparation, None)
    y, _ = theory.prepare(system, preparation, jnp.asarray(0), jax.random.key(0))

    def energy_after(dt):
        generators = theory.generators(system)(0.0, y)
        return theory.energy(system, theory.moved(system, y, generators, dt))

    lost = float(jax.grad(energy_after)(0.0))
    generators = theory.generators(system)(0.0, y)
    speed = np.cross(y.directions, generators.angular_velocity)
    cluster = theory.cut.cluster
    matrix = cluster.hamiltonian(0.0, theory.cut.field_of_lattice(y))
    rate = density_rate(y.spectral.density(), matrix, gilbert_kernel(0.6))
    expected = -0.3 * 0.5 * np.sum(speed**2) + np.trace(rate @ matrix).real
    assert lost == pytest.approx(expected, rel=1e-9)
    assert np.trace(rate @ matrix).real < 0


def test_eigenvalues_of_a_mixed_cluster_are_kept():
    system, start = some(7)
    preparation = bk.QuantumAndClassical(bk.Werner(0.7), bk.Directions(start[[1, 2, 4]]))
    found = run(system, bk.HybridMagnet(CUT, 0.3), preparation, stop=10.0, step=0.02)
    purity = 0.25 * (1 + 3 * 0.7**2)
    np.testing.assert_allclose(found.purity, purity, atol=1e-12)
    lengths = np.linalg.norm(found.spin_direction.values, axis=-1)
    np.testing.assert_allclose(lengths[:, [1, 2, 4]], 1.0, atol=1e-12)
    assert np.all(lengths[1:, list(CUT)] < 1)


@settings(max_examples=3)
@given(seed=st.integers(0, 10**6))
def test_rotations_of_all_spins_and_other_numbers_for_them_change_nothing(seed):
    random = np.random.default_rng(seed)
    turn, order = rotation(random), random.permutation(COUNT)
    system, start = some(seed)
    found = run(system, bk.HybridMagnet(CUT, 0.4), start).spin_direction.values
    place = np.argsort(order)
    bonds = bk.Bonds(
        place[ENDS[0]],
        place[ENDS[1]],
        system.bonds.exchange,
        system.bonds.dzyaloshinskii_moriya @ turn.T,
    )
    other = bk.SpinSystem([0.5] * COUNT, bonds, (np.asarray(system.field) @ turn.T)[order])
    there = tuple(int(place[site]) for site in CUT)
    turned = run(other, bk.HybridMagnet(there, 0.4), (start @ turn.T)[order]).spin_direction.values
    np.testing.assert_allclose(turned[:, place] @ turn, found, atol=1e-10)


def test_a_field_may_change_with_time():
    """Two uncoupled spins in a rotating field, one quantum and one classical, stay the same vector, to second order."""

    def field(t):
        return jnp.stack([0.5 * jnp.cos(1.3 * t), 0.5 * jnp.sin(1.3 * t), jnp.ones_like(t)])

    system = bk.SpinSystem([0.5, 0.5], field=field)
    start = unit(np.array([[0.0, 0.6, 0.8]] * 2))
    theory = bk.HybridMagnet((0,), 0.1)
    found = [run(system, theory, start, stop=6.0, step=step).spin_direction.values for step in (0.02, 0.01)]
    apart = [np.abs(both[:, 0] - both[:, 1]).max() for both in found]
    assert apart[1] < 1e-4
    assert apart[0] / apart[1] == pytest.approx(4, rel=0.1), apart
    assert np.ptp(found[1][:, 0, 2]) > 0.1


def test_random_fields_lead_to_the_distribution_of_langevin():
    """A classical and a quantum spin in one field, each with its random field, uncoupled: both are classical vectors
    then, and $L(x)=\\coth x-1/x$ is not Brillouin's $\\tanh x$ (0.31 and 0.76 at x = 1).
    """
    system = bk.SpinSystem([0.5, 0.5], field=[0.0, 0.0, 2.0])
    theory = bk.HybridMagnet((1,), 0.7, temperature=1.0, cluster_temperature=1.0)
    start = unit(np.array([[1.0, 0.0, 0.3]] * 2))
    found = run(system, theory, start, stop=12.0, saves=2, step=0.05, trajectories=2000)
    along, error = (
        found[name].values[-1, :, 2] for name in ("spin_direction", "spin_direction_standard_error")
    )
    expected = 1 / np.tanh(1.0) - 1.0
    assert np.all(np.abs(along - expected) < 4 * error), (along, error)
    assert np.all(error < 0.02)
    assert float(found.purity[-1]) == pytest.approx(1, abs=1e-12)


@pytest.mark.parametrize(
    ("theory", "start", "message"),
    [
        (bk.HybridMagnet((5,), 0.1), None, "names site 5; the magnet has sites 0 to 4"),
        (bk.HybridMagnet((1, 1), 0.1), None, "names a site twice"),
        (bk.HybridMagnet((0,), 0.1), bk.UniformDirections(), "give Directions, or QuantumAndClassical"),
        (
            bk.HybridMagnet((0,), 0.1),
            bk.QuantumAndClassical(bk.Singlet(), bk.UniformDirections()),
            "states of dimension 4, those of this magnet have 2",
        ),
    ],
)
def test_bad_input(theory, start, message):
    system, directions = some(1)
    with pytest.raises(bk.BrackishError, match=message):
        run(system, theory, directions if start is None else start)


def test_clusters_that_are_too_large_are_refused():
    system = bk.SpinSystem([0.5] * 9, field=[0.0, 0.0, 1.0])
    with pytest.raises(bk.UnsupportedHamiltonian, match="at most 256 states, these 9 spins have 512"):
        run(system, bk.HybridMagnet(range(9), 0.1), unit(np.ones((9, 3))))


def test_entanglement_inside_the_cluster_is_seen():
    """By the numbers that spins have in the magnet."""
    system, start = some(9)
    preparation = bk.QuantumAndClassical(bk.Singlet(), bk.Directions(start[[1, 2, 4]]))
    found = run(
        system,
        bk.HybridMagnet(CUT, 0.3),
        preparation,
        observables=(bk.observables.concurrence(*CUT),),
    )
    assert float(found.concurrence[0]) == pytest.approx(1, abs=1e-12)
    with pytest.raises(bk.UnsupportedHamiltonian, match="not all in the quantum cluster"):
        run(system, bk.HybridMagnet(CUT, 0.3), preparation, observables=(bk.observables.concurrence(0, 1),))
