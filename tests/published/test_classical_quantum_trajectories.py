"""Trajectories of classical-quantum diffusion beside the hybrid master equation of a quartic oscillator, solved by
another program (Hermite functions in phase space times eigenstates; good to 1e-6).
"""

import json
from pathlib import Path

import jax.numpy as jnp
import numpy as np
import pytest

import brackish as bk
from brackish.quantum import expect, momentum_operator, position_operator

DATA = Path(__file__).parent / "data" / "classical_quantum.json"
KNOWN = json.loads(DATA.read_text())["anharmonic_bruteforce"]["quartic_spring"]
PARAMETERS = KNOWN["params"]
LEVELS, ENOUGH, FREQUENCY = 32, 48, 2.0
"""Kept levels; levels in which powers are taken before; the frequency whose Fock states these are."""

NAMES = [name for name in KNOWN["obs"] if name not in ("norm", "purity_reduced_quantum")]


def operators():
    """x, x^2, x^4, pi, pi^2 and (x pi + pi x)/2, right up to the cut."""
    x = position_operator(ENOUGH) / np.sqrt(FREQUENCY)
    p = momentum_operator(ENOUGH) * np.sqrt(FREQUENCY)
    powers = {"x": x, "x2": x @ x, "x4": x @ x @ x @ x, "pi": p, "pi2": (p @ p).real}
    powers["xpi_sym"] = 0.5 * (x @ p + p @ x)
    return {name: matrix[:LEVELS, :LEVELS] for name, matrix in powers.items()}


POWERS = operators()


def coherent(position, momentum):
    amplitude = (np.sqrt(FREQUENCY) * position + 1j * momentum / np.sqrt(FREQUENCY)) / np.sqrt(2)
    state = np.cumprod(np.append(1.0 + 0j, amplitude / np.sqrt(np.arange(1, LEVELS))))
    return state / np.linalg.norm(state)


def together(theory, hamiltonian, y):
    """Every observable of the table, in its order."""
    q, p = y.point.position[0], y.point.momentum[0]
    quantum = {name: expect(jnp.asarray(matrix), y.psi) for name, matrix in POWERS.items()}
    values = {"q": q, "p": p, "q2": q**2, "qp": q * p, "p2": p**2, "q4": q**4, **quantum}
    values |= {"q_x": q * quantum["x"], "p_x": p * quantum["x"], "q_pi": q * quantum["pi"]}
    values |= {"p_pi": p * quantum["pi"], "q2_x2": q**2 * quantum["x2"]}
    return jnp.stack([values[name] for name in NAMES])


@pytest.mark.slow
def test_a_quartic_oscillator():
    """All moments at four times: at least 95 of 100 within four standard errors, and none beyond six."""
    strength = PARAMETERS["lam"]

    def spring(q):
        inside = q[0] ** 2 * jnp.eye(LEVELS) - 2 * q[0] * POWERS["x"] + POWERS["x2"]
        return 0.5 * strength * inside

    alone = 0.5 * POWERS["pi2"] + 0.5 * POWERS["x2"] + 0.25 * PARAMETERS["g4"] * POWERS["x4"]
    system = bk.hamiltonian(spring, masses=[1.0], frequencies=[1.0], quantum=alone)
    begin = PARAMETERS["init"]
    start = bk.GaussianCloud(
        begin["q_mean"],
        begin["p_mean"],
        np.sqrt(begin["q_var"]),
        np.sqrt(begin["p_var"]),
        coherent(begin["x0"], begin["pi0"]),
    )
    theory = bk.ClassicalQuantum(PARAMETERS["D"], PARAMETERS["alpha"], truncation_tolerance=1e-2)
    kept = bk.Observable("moments", together, ("moment",))
    run = bk.simulate(
        system,
        theory,
        start,
        bk.times(4.0, 8, step=0.05),
        trajectories=10000,
        seed=1,
        observables=(kept,),
        follow=0,
    )
    rows = [number for number, time in enumerate(KNOWN["t"]) if 0 < time <= 4]
    saves = [round(2 * KNOWN["t"][row]) for row in rows]
    exact = np.array([KNOWN["obs"][name] for name in NAMES]).T[rows]
    off = np.abs(run.moments.values[saves] - exact) / run.moments_standard_error.values[saves]
    assert np.mean(off < 4) >= 0.95
    assert off.max() < 6
    energy = np.array(KNOWN["energy_total"])[rows]
    assert np.all(np.abs(run.energy.values[saves] - energy) < 4 * run.energy_standard_error.values[saves])
