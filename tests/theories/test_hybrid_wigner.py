"""The hybrid Wigner equation: its towers term by term, and independent moments of an anharmonic pair."""

import functools

import equinox as eqx
import jax.numpy as jnp
import numpy as np
import pytest
from jax import lax

import brackish as bk
from brackish.theories.fields.hybrid_wigner import WignerState
from brackish.theory import Status

CLASSICAL = bk.PhaseSpace((-4.5, -4.5), (4.5, 4.5), 26)
QUANTUM = bk.PhaseSpace((-4.2, -6.5), (4.2, 6.5), (28, 32))
THEORY = bk.HybridWigner(0.3, CLASSICAL, QUANTUM, 0.4)


def quartic_spring(z):
    q, x = z
    return jnp.reshape(0.5 * q**2 + 0.5 * x**2 + 0.125 * x**4 + 0.25 * (q - x) ** 2, (1, 1))


PAIR = bk.hamiltonian(quartic_spring, [1.0, 1.0], step=0.05)
START = bk.GaussianCloud([0.8, -0.6], [0.0, 0.3], [0.3**0.5, 0.5], [0.3**0.5, 1.0])


@eqx.filter_jit
def walk(theory, system, y, dt, steps):
    step = theory.default_integrator(system).stepper(theory, system, dt)
    y = lax.fori_loop(0, steps, lambda _, y: step(0.0, y, None)[0], y)
    moments = theory.moments(system, y)
    means = jnp.stack([moments.position, moments.momentum])
    return (
        y,
        means,
        theory.second_moments(system, y),
        theory.quantum_purity(system, y),
        theory.energy(system, y),
    )


@functools.cache
def seen(theory, steps, duration=0.5):
    """Means, second moments, purity and energy after a walk from START."""
    y, _ = theory.prepare(PAIR, START, None, None)
    _, *numbers = walk(theory, PAIR, y, np.asarray(duration / steps), np.asarray(steps))
    return [np.asarray(number) for number in numbers]


def extrapolated(theory):
    """Two walks of second order make one of fourth."""
    return [(4 * fine - coarse) / 3 for coarse, fine in zip(seen(theory, 10), seen(theory, 20), strict=True)]


def test_moments_of_an_anharmonic_pair():
    """Independent numbers, from a basis of Hermite functions and eigenstates."""
    means, second, purity, energy = extrapolated(THEORY)
    np.testing.assert_allclose(
        means, [[0.6345561694, -0.270194182], [-0.6065162661, 0.9542934963]], atol=3e-5
    )
    q, p, x, momentum = range(4)
    expected = {
        (q, q): 0.6746452639,
        (q, p): -0.4281599213,
        (p, p): 0.7411581076,
        (x, x): 0.4216284268,
        (x, momentum): -0.0768039125,
        (momentum, momentum): 1.825630871,
        (q, x): -0.1415085628,
        (p, x): 0.2150173109,
        (q, momentum): 0.6602558134,
        (p, momentum): -0.6128855545,
    }
    for pair, value in expected.items():
        np.testing.assert_allclose(second[pair], value, atol=6e-5, err_msg=str(pair))
    np.testing.assert_allclose(purity, 0.9388486714, atol=3e-5)
    np.testing.assert_allclose(energy, 2.23727938859, atol=6e-5)


def test_steps_are_of_second_order():
    exact = extrapolated(THEORY)[1]
    errors = [np.abs(seen(THEORY, steps)[1] - exact).max() for steps in (10, 20)]
    assert errors[0] > 1e-4
    assert np.log2(errors[0] / errors[1]) == pytest.approx(2, abs=0.1)


def test_a_tower_that_is_cut_misses_what_is_quantum():
    """One term leaves the quartic well without the third derivative in the momentum; the spring it has whole."""
    cut = extrapolated(bk.HybridWigner(0.3, CLASSICAL, QUANTUM, 0.4, coupling=bk.MoyalTower(1)))
    whole = extrapolated(THEORY)
    np.testing.assert_allclose(cut[1][:2, :2], whole[1][:2, :2], atol=1e-3)
    assert abs(cut[2] - whole[2]) > 5e-4  # of the purity, which the whole has to 3e-5


def bent(z):
    q, x = z
    return jnp.reshape(0.5 * q**2 + 0.125 * x**4 - 0.3 * x**3 + 0.3 * q * x**2, (1, 1))


def test_a_step_is_the_equation_with_its_towers_term_by_term():
    """V of fourth degree and L of second: each tower has terms beyond the first, which are all there are."""
    system, dt = bk.hamiltonian(bent, [1.3, 0.8], step=0.05), 1e-4
    theory = bk.HybridWigner(0.3, CLASSICAL, QUANTUM, 0.4, 1.7)
    y, _ = theory.prepare(system, START, None, None)
    ahead, behind = (walk(theory, system, y, np.asarray(sign * dt), np.asarray(1)) for sign in (1, -1))
    rate = (ahead[0].wigner - behind[0].wigner) / (2 * dt)
    grid = bk.Grid(
        CLASSICAL.lower + QUANTUM.lower, CLASSICAL.upper + QUANTUM.upper, CLASSICAL.shape + QUANTUM.shape
    )
    q, p, x, momentum = (grid.along(axis, line) for axis, line in enumerate(grid.positions()))

    @functools.cache
    def slope(*axes):
        return grid.derivative(slope(*axes[:-1]), axes[-1]) if axes else y.wigner

    force = q + 0.3 * x**2
    decoherence = 1.7 / (4 * 0.3)
    expected = (
        -p / 1.3 * slope(0)
        - momentum / 0.8 * slope(2)
        + (0.5 * x**3 - 0.9 * x**2 + 0.6 * q * x) * slope(3)
        - (3 * x - 1.8) / 24 * slope(3, 3, 3)
        + force * slope(1)
        - 0.6 / 8 * slope(3, 3, 1)
        + 0.5 * decoherence * (0.6 * x) ** 2 * slope(3, 3)
        + 0.4 * grid.derivative(p * y.wigner, 1)
        + 0.15 * slope(1, 1)
    )
    assert float(jnp.max(jnp.abs(expected))) > 0.1
    np.testing.assert_allclose(rate, expected, atol=2e-5)
    np.testing.assert_allclose((ahead[-1] - behind[-1]) / (2 * dt), theory.energy_rate(system, y), atol=2e-5)
    two_terms = bk.HybridWigner(0.3, CLASSICAL, QUANTUM, 0.4, 1.7, bk.MoyalTower(2))

    @eqx.filter_jit
    def both():
        return theory._potential(system), two_terms._potential(system)

    for whole, cut in zip(*both(), strict=True):
        np.testing.assert_allclose(whole, cut, atol=1e-9)


def test_what_does_not_fit_is_refused():
    with pytest.raises(bk.InvalidInput, match="`terms` of MoyalTower must be at least 1"):
        bk.MoyalTower(0)
    with pytest.raises(bk.InvalidInput, match="`diffusion` must be positive"):
        bk.HybridWigner(0.0, CLASSICAL, QUANTUM)
    one = bk.hamiltonian(lambda q: jnp.reshape(q[0] ** 2, (1, 1)), [1.0], step=0.1)
    with pytest.raises(bk.UnsupportedHamiltonian, match="needs two coordinates"):
        bk.simulate(one, THEORY, bk.GaussianCloud(0.0, 0.0, 0.5, 0.5), bk.times(1.0, 1))
    narrow = bk.HybridWigner(0.3, bk.PhaseSpace((-1.0, -1.0), (1.0, 1.0), 16), QUANTUM)
    with pytest.raises(bk.InvalidInput, match="do not hold the starting density"):
        bk.simulate(PAIR, narrow, START, bk.times(1.0, 1))


def test_density_at_the_rim_is_seen():
    y, _ = THEORY.prepare(PAIR, START, None, None)
    assert THEORY.check(PAIR, y) == Status.fine
    moved = WignerState(jnp.roll(y.wigner, CLASSICAL.shape[1] // 2, axis=1))
    assert THEORY.check(PAIR, moved) == Status.reached_edge
