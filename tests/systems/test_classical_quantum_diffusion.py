"""Trajectories of classical-quantum diffusion beside their master equation: all moments of a quartic oscillator on a
spring, and of one that is coupled by q x^2, each in its lowest four levels.
"""

import functools

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from jax.tree_util import Partial

import brackish as bk
from brackish.quantum import momentum_operator, position_operator

LEVELS, ENOUGH = 4, 40
DIFFUSION, FRICTION, EXCESS = 0.4, 0.3, 1.5
TIMES = bk.times(2.0, 4, step=0.05)
BOX = bk.PhaseSpace((-5.5, -5.5), (5.5, 5.5), 48)
START = bk.GaussianCloud(0.5, -0.3, 0.55, 0.5, state=[0.8, 0.5j, 0.3, np.sqrt(0.02)])


def coupled(constant, linear, quadratic, q):
    return constant + q[0] * linear + q[0] ** 2 * quadratic


def in_levels(*matrices):
    """Energies of p^2/2 + x^2/2 + x^4/8, and the matrices, between its lowest levels."""
    x, p = position_operator(ENOUGH), momentum_operator(ENOUGH)
    energies, vectors = np.linalg.eigh((p @ p).real / 2 + x @ x / 2 + np.linalg.matrix_power(x, 4) / 8)
    lowest = vectors[:, :LEVELS]
    return np.diag(energies[:LEVELS]), *(lowest.T @ matrix @ lowest for matrix in matrices)


def system(name):
    x = position_operator(ENOUGH)
    energies, place, square = in_levels(x, x @ x)
    none = np.zeros_like(place)
    spring = (0.3 * square, -0.6 * place, 0.3 * np.eye(LEVELS))  # 0.3 (q - x)^2
    coefficients = {"a spring": spring, "q x^2": (none, 0.4 * square, none)}[name]
    return bk.hamiltonian(Partial(coupled, *coefficients), [1.0], frequencies=[1.0], quantum=energies)


def moments(theory, hamiltonian, y):
    """The density operator with 1, q, p, q^2, qp and p^2."""
    points = theory.classical_points(hamiltonian, y)
    q, p = points.point.position[:, 0], points.point.momentum[:, 0]
    factors = jnp.stack([jnp.ones_like(q), q, p, q**2, q * p, p**2])
    return jnp.einsum("fk,k,kab->fab", factors, points.weight, points.density)


MOMENTS = bk.Observable("moments", moments, ("factor", "level", "level_"))


@functools.cache
def of_the_master_equation(name):
    theory = bk.HybridMasterEquation(DIFFUSION, BOX, FRICTION, EXCESS, tolerance=1e-4)
    return bk.simulate(system(name), theory, START, TIMES, observables=(MOMENTS,))


def of_trajectories(name, excess):
    theory = bk.ClassicalQuantum(DIFFUSION, FRICTION, EXCESS, excess=excess)
    return bk.simulate(
        system(name),
        theory,
        START,
        TIMES,
        trajectories=12000,
        seed=7,
        follow=0,
        observables=(MOMENTS,),
    )


@pytest.mark.parametrize("excess", [bk.RandomPhases(), bk.MixedStates()], ids=lambda one: type(one).__name__)
@pytest.mark.parametrize("name", ["a spring", "q x^2"])
def test_trajectories_have_the_moments_of_the_master_equation(name, excess):
    """Of 384 numbers at four times at least 95 of 100 within four standard errors, and none beyond six."""
    run, exact = of_trajectories(name, excess), of_the_master_equation(name)
    off = np.abs(run.moments.values - exact.moments.values)[1:]
    error = run.moments_standard_error.values[1:] + 1e-9
    assert off.size == 384
    assert np.mean(off < 4 * error) >= 0.95
    assert np.max(off / error) < 6
    energy = np.abs(run.energy.values - exact.energy.values)
    assert np.all(energy[1:] < 4 * run.energy_standard_error.values[1:])


@pytest.mark.parametrize("name", ["a spring", "q x^2"])
def test_the_master_equation_keeps_its_balance(name):
    """Positive at every node; the energy is the integral of its rate, but for the errors of both rules for time."""
    run = of_the_master_equation(name)
    assert float(run.least_hybrid_eigenvalue.min()) > -1e-7
    assert float(run.edge_population.max()) < 1e-5
    weights = np.array([1, 4, 2, 4, 1]) / 6  # Simpson's rule
    gained = float(run.energy[-1] - run.energy[0])
    assert gained == pytest.approx(float(np.sum(weights * run.energy_rate.values)), abs=0.005)
    assert abs(gained) > 0.1
    np.testing.assert_allclose(jax.device_get(run.norm), 1.0, atol=1e-11)
