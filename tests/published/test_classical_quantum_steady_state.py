"""The steady state of two oscillators on a spring, one classical and one quantum, from trajectories with Fock states:
every covariance, correlation over time, occupation and information of "Classical-quantum oscillators as diffusive
processes in phase space" (arXiv 2510.07402), beside the closed forms.

`pytest -m slow -s` prints the table of the run with 1e5 trajectories.
"""

import dataclasses
import functools

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
import pytest
from jax import lax

import brackish as bk
from brackish.analysis.oscillators import (
    OscillatorPair,
    Spring,
    classical_quantum_information,
    gaussian_information,
)
from brackish.quantum import apply, expect
from brackish.randomness import StepDraws

STRENGTH, FRICTION, DIFFUSION, LEVELS = 0.7, 0.9, 0.9, 20
STEP, BEFORE, LAG, LAGS = 0.1, 250, 10, 8
"""Steps until the start is forgotten, steps between the times of correlations, and how many of these there are."""
GROUP = 250
"""Trajectories that run together; errors are those of a jackknife over groups."""
WORTH = 0.2
"""A correlation coefficient whose information is looked at: that of smaller ones is no normal deviate."""

EXACT = OscillatorPair((1.0, 1.0), (1.0, 1.0), Spring(STRENGTH), FRICTION, DIFFUSION)
SYSTEM = bk.models.oscillator_pair(coupling=Spring(STRENGTH), basis=bk.models.FockBasis(LEVELS))
POSITION, MOMENTUM = (jnp.asarray(matrix) for matrix in (SYSTEM.quantum_position, SYSTEM.quantum_momentum))
THEORY = bk.ClassicalQuantum(DIFFUSION, FRICTION, truncation_tolerance=1e-2)
STEADY = np.asarray(EXACT.steady_covariance())
SCALE = float(np.sqrt(STEADY[2, 2]))
"""In whose units the quantum position is written where states are multiplied by it."""
ENTRIES = ((0, 0), (0, 1), (0, 2), (0, 3), (1, 1), (1, 2), (1, 3), (2, 2), (2, 3), (3, 3))
NAMES = ("q", "p", "x", "π")


@dataclasses.dataclass(frozen=True)
class Compared:
    """Quantities by trajectories, their standard errors, and the closed forms, each (M,), with their `names`."""

    names: list[str]
    found: np.ndarray
    errors: np.ndarray
    exact: np.ndarray

    def __str__(self):
        rows = zip(self.names, self.found, self.errors, self.exact, strict=True)
        return "\n".join(
            f"{name:26s} {found:10.5f} +- {error:.5f} {exact:10.5f} {(found - exact) / error:6.2f}"
            for name, found, error, exact in rows
        )


def seen(y):
    """q, p and the means of x and pi, (4,)."""
    quantum = [expect(matrix, y.psi) for matrix in (POSITION, MOMENTUM)]
    return jnp.stack([y.point.position[0], y.point.momentum[0], *quantum])


def moments(y):
    """Means and second moments of (q, p, x, pi), symmetrised, (14,)."""
    means = seen(y)
    moved, turned = apply(POSITION, y.psi), apply(MOMENTUM, y.psi)
    own = {(2, 2): jnp.vdot(moved, moved), (2, 3): jnp.vdot(moved, turned), (3, 3): jnp.vdot(turned, turned)}
    second = [own[entry].real if entry in own else means[entry[0]] * means[entry[1]] for entry in ENTRIES]
    return jnp.concatenate([means, jnp.stack(second)])


def multiplied(y, sign):
    r"""The state $(1\pm\hat x/\ell)\psi$, normalised, and its weight."""
    psi = y.psi + sign / SCALE * apply(POSITION, y.psi)
    weight = jnp.sum(jnp.abs(psi) ** 2)
    return eqx.tree_at(lambda y: y.psi, y, psi / jnp.sqrt(weight)), weight


def walk(theory, key, y, dt, first, count):
    """So many steps of one trajectory, from step number `first`."""
    relay, bits = theory.default_integrator(SYSTEM).relay(theory, SYSTEM, dt), jax.random.key_data(key)
    step = lambda i, y: relay.step(0.0, y, StepDraws(bits, i))[0]  # noqa: E731
    return relay.finish(lax.fori_loop(first, first + count, step, relay.begin(y)))


def along(theory, key):
    r"""What one trajectory adds to all means: `moments`; products of q and x with the earlier q and x, (LAGS, 2, 2);
    how far the norm is off.

    $\frac12\langle\hat x(t)\hat x(0)+\hat x(0)\hat x(t)\rangle$ is the mean of x(t) from the start $\frac12\{\hat
    x,\hat\rho\}$, a difference of two states: $\frac\ell4[(1+\hat x/\ell)\hat\rho(1+\hat x/\ell)-(1-\hat
    x/\ell)\hat\rho(1-\hat x/\ell)]$. Both move by the same random numbers.
    """
    cloud = bk.GaussianCloud(0.0, 0.0, np.sqrt(STEADY[0, 0]), np.sqrt(STEADY[1, 1]), SYSTEM.coherent_state())
    y, _ = theory.prepare(SYSTEM, cloud, 0, key)
    y = walk(theory, key, y, STEP, jnp.zeros((), int), BEFORE)
    branches = [(y, 1.0), multiplied(y, 1.0), multiplied(y, -1.0)]
    states = jax.tree_util.tree_map(lambda *leaves: jnp.stack(leaves), *(state for state, _ in branches))
    _, above, below = (weight for _, weight in branches)

    def later(states, number):
        states = jax.vmap(lambda y: walk(theory, key, y, STEP, BEFORE + number * LAG, LAG))(states)
        plain, plus, minus = jax.vmap(seen)(states)[:, 0::2]
        with_q, with_x = plain * y.point.position[0], SCALE / 4 * (above * plus - below * minus)
        return states, jnp.stack([with_q, with_x], axis=1)

    _, products = lax.scan(later, states, jnp.arange(LAGS))
    defect = jnp.abs(jnp.sum(jnp.abs(y.psi) ** 2) - 1)
    return moments(y), products, defect, jnp.abs(y.psi[-1]) ** 2


@functools.cache
def group():
    """A compiled function: means over a group of trajectories with these keys."""
    theory = THEORY.resolve(SYSTEM, None, None)

    @eqx.filter_jit
    def means(keys):
        first, products, defect, last = jax.vmap(lambda key: along(theory, key))(keys)
        return jnp.mean(first, axis=0), jnp.mean(products, axis=0), jnp.max(defect), jnp.mean(last)

    return means


def quantities(first, products):
    """Everything that is compared, from means over trajectories."""
    second = jnp.zeros((4, 4))
    for value, (row, column) in zip(first[4:], ENTRIES, strict=True):
        second = second.at[row, column].set(value).at[column, row].set(value)
    linear = EXACT.linear()
    stiff = EXACT.whole_stiffness()[1]
    energies = [0.5 * (second[3, 3] + k * second[2, 2]) / jnp.sqrt(k) - 0.5 for k in (stiff, 1.0)]
    information = [
        classical_quantum_information(linear, second),
        gaussian_information(second, (0, 1), (2, 3)),
        gaussian_information(second, (0,), (2,)),
    ]
    spread = jnp.sqrt(jnp.diag(second)[0::2])
    coefficients = products / (spread[:, None] * spread[None, :])[None]
    return {
        "moments": first,
        "occupation": jnp.stack(energies),
        "information": jnp.stack(information),
        "correlations": products,
        "over time": -0.5 * jnp.log1p(-(coefficients**2)),
    }


def compare(groups, seed=1):
    """So many groups of trajectories beside the closed forms."""
    keys = jax.random.split(jax.random.key(seed), groups * GROUP).reshape(groups, GROUP)
    rows = [group()(some) for some in keys]
    first, products, defects, last = (np.stack([np.asarray(row[n]) for row in rows]) for n in range(4))
    # pure states stay pure, and the ladder of levels is long enough
    assert defects.max() < 1e-10
    assert last.mean() < 1e-6

    without = [(part.sum(axis=0) - part) / (groups - 1) for part in (first, products)]
    evaluate = eqx.filter_jit(quantities)
    found = evaluate(first.mean(axis=0), products.mean(axis=0))
    jackknife = eqx.filter_jit(jax.vmap(quantities))(*without)
    times = STEP * LAG * np.arange(1, LAGS + 1)
    linear = EXACT.linear()
    known = jax.vmap(linear.two_time)(times)[:, 0::2, 0::2]
    closed = np.concatenate([np.zeros(4), [STEADY[entry] for entry in ENTRIES]])
    exact = evaluate(closed, known)
    # occupation and information of the steady state have closed forms of their own
    assert np.allclose(exact["occupation"], [EXACT.occupation(), EXACT.bare_occupation()], rtol=1e-12)

    names = {
        "moments": [*NAMES, *(f"{NAMES[a]} {NAMES[b]}" for a, b in ENTRIES)],
        "occupation": ["quanta", "quanta, bare"],
        "information": ["I(C:Q)", "I(q,p : x,π), Wigner", "I(q : x), Wigner"],
    }
    for kind, letter in (("correlations", "C"), ("over time", "I")):
        names[kind] = [
            f"{letter}: {b} at {t:.0f} and {a} at 0" for t in times for b in ("q", "x") for a in ("q", "x")
        ]
    enough = np.asarray(exact["over time"]).ravel() > -0.5 * np.log1p(-(WORTH**2))
    columns: list[list] = [[], [], [], []]
    for kind, labels in names.items():
        value, truth = np.asarray(found[kind]).ravel(), np.asarray(exact[kind]).ravel()
        each = np.asarray(jackknife[kind]).reshape(groups, -1)
        error = np.sqrt((groups - 1) * np.mean((each - each.mean(axis=0)) ** 2, axis=0))
        keep = enough if kind == "over time" else np.ones(value.size, dtype=bool)
        for column, part in zip(columns, (np.array(labels), value, error, truth), strict=True):
            column.extend(part[keep])
    return Compared([str(name) for name in columns[0]], *(np.array(part) for part in columns[1:]))


@pytest.mark.parametrize(
    "groups",
    [16, pytest.param(400, marks=pytest.mark.slow)],
    ids=lambda groups: f"{groups * GROUP} trajectories",
)
def test_the_steady_state(groups):
    """At least 95 of 100 quantities within four standard errors, and none beyond six."""
    compared = compare(groups)
    print(compared)
    off = np.abs(compared.found - compared.exact) / compared.errors
    print(
        f"{np.sum(off < 4)} of {off.size} within 4 standard errors, {np.sum(off < 2)} within 2, largest {off.max():.2f}"
    )
    assert np.mean(off < 4) >= 0.95
    assert off.max() < 6


@pytest.mark.parametrize("time", [0.8, 20.0])
def test_the_state_along_one_trajectory_is_the_filtered_one(time):
    """Its covariance is the same along every trajectory, from the ground state on: by the Riccati equation, to second
    order in the step.
    """
    theory = THEORY.resolve(SYSTEM, None, None)
    here = bk.Points([0.0], [0.0], state=SYSTEM.coherent_state())
    start, _ = theory.prepare(SYSTEM, here, 0, jax.random.key(2))
    width = np.sqrt(1 + STRENGTH)
    exact = EXACT.linear().filtered_covariance(time, np.diag([0.5 / width, 0.5 * width]))
    errors = []
    for dt in (0.2, 0.1):
        y = one_walk(theory, start, np.asarray(dt), np.asarray(round(time / dt)))
        values = np.asarray(moments(y))
        x, p, x2, xp, p2 = values[2], values[3], *values[-3:]
        errors.append(np.array([[x2 - x**2, xp - x * p], [xp - x * p, p2 - p**2]]) - exact)
    errors = np.abs(errors).max(axis=(1, 2))
    assert errors[1] < 1e-3
    assert np.log2(errors[0] / errors[1]) == pytest.approx(2, abs=0.2)


@eqx.filter_jit
def one_walk(theory, start, dt, count):
    return walk(theory, jax.random.key(5), start, dt, 0, count)
