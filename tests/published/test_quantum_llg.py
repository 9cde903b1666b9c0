"""The figures of "Quantum Analog of Landau-Lifshitz-Gilbert Dynamics" in numbers, Y. Liu et al., Phys. Rev. Lett. 133,
266704 (2024).

Numbers: data/quantum_llg.json, made with numpy and scipy alone: closed forms for two eigenvalues, DOP853 on the density
operator in its eigenbasis for others.
"""

import functools
import json
from pathlib import Path

import numpy as np
import pytest

import brackish as bk
from brackish.quantum import pauli_x, pauli_y, pauli_z, singlet, triplets

DATA = json.loads((Path(__file__).parent / "data" / "quantum_llg.json").read_text())
CASES = {case["name"]: case for case in DATA["cases"] if case["law"] != "LLG"}
PAULI = np.stack([pauli_x, pauli_y, pauli_z])
BELL = {
    "Psi+": triplets[1],
    "Psi-": singlet,
    "Phi+": (triplets[0] + triplets[2]) / np.sqrt(2),
    "Phi-": (triplets[0] - triplets[2]) / np.sqrt(2),
}
DIAGONAL = (3**-0.5,) * 3
SPACING = 0.005
OBSERVED = (
    bk.observables.correlation_matrix(),
    bk.observables.bell_nonlocality(),
    bk.observables.concurrence(),
)


def one_spin(bloch):
    return 0.5 * (np.eye(2) + np.einsum("a,axy->xy", bloch, PAULI))


def state_of(words, p=None):
    """The start that a case names; wavefunctions where there are some, to share a compiled program."""
    if words == "up,down":
        return np.array([0.0, 1.0, 0.0, 0.0])
    if words.startswith("product"):
        return np.kron(one_spin([0, 0, 0.8]), one_spin([0.3, 0, -0.5]))
    psi = BELL[words.split()[1]]
    return psi if p is None else p * np.outer(psi, psi) + (1 - p) / 4 * np.eye(4)


@functools.cache
def run(sign, dzyaloshinskii_moriya, direction, words, p=None, damping=0.5, theory=bk.QuantumLLG, stop=8.0):
    """H/|J| = -(w/2) b.(s1 + s2) + sign s1.s2 + D z.(s1 x s2) with Pauli's s = 2 S and w = 1."""
    bonds = bk.Bonds([0], [1], -4 * sign, (0.0, 0.0, 4 * dzyaloshinskii_moriya))
    magnet = bk.SpinSystem([0.5, 0.5], bonds, direction)
    saves = round(stop / SPACING)
    start = bk.SpinState(state_of(words, p))
    return bk.simulate(magnet, theory(damping), start, bk.times(stop, saves), observables=OBSERVED)


@pytest.mark.parametrize("name", CASES)
def test_tables(name):
    case = CASES[name]
    parameters, expected = case["params"], case["observables"]
    theory = {"q-LLG": bk.QuantumLLG, "q-LL": bk.QuantumLL}[case["law"]]
    direction = DIAGONAL if abs(parameters["b"][1]) > 0 else (1.0, 0.0, 0.0)
    start, damping, p = parameters["initial"], parameters["kappa"], parameters.get("p")
    found = run(parameters["J"], parameters["D"], direction, start, p, damping, theory)
    at = found.isel(time=np.rint(np.array(case["t"]) / SPACING).astype(int))
    for spin, column in enumerate(("r1", "r2")):
        assert np.allclose(at.spin_direction.isel(spin=spin), expected[column], rtol=0, atol=1e-9)
    assert np.allclose(at.correlation_matrix, expected["T"], rtol=0, atol=1e-9)
    assert np.allclose(at.energy, expected["energy"], rtol=0, atol=1e-9)
    # square roots next to their zeros, in the reference
    assert np.allclose(at.bell_nonlocality, expected["B"], rtol=0, atol=1e-7)
    assert np.allclose(at.concurrence, expected["concurrence"], rtol=0, atol=1e-7)
    assert np.ptp(found.purity.values) < 1e-12
    assert abs(float(found.purity[0]) - expected["purity"][0]) < 1e-9
    assert np.diff(found.energy.values).max() < 1e-12


FIGURE_1 = {
    "b": ((1.0, 0.0), (0.0, 0.0, 0.0)),
    "c": ((-1.0, 0.6), (0.9607, 0.2239, 0.0)),
    "d": ((1.0, 0.6), (0.0358, 0.1230, 0.0)),
}


@pytest.mark.parametrize("panel", FIGURE_1)
def test_figure_1_ends(panel):
    (sign, coupling), end = FIGURE_1[panel]
    found = run(sign, coupling, (1.0, 0.0, 0.0), "up,down", stop=32.0)
    assert np.allclose(found.spin_direction.isel(spin=0, time=-1), end, rtol=0, atol=2e-4)


def test_figure_1a_speed():
    """The spin is quick to point along the field, slow to get there, and shrinks on the way."""
    found = run(-1.0, 0.0, (1.0, 0.0, 0.0), "up,down")
    expected = DATA["fig1a_speed"]["quantum"]
    bloch, time = found.spin_direction.values[:, 0], found.time.values
    for level in ("0.5", "0.9", "0.99"):
        assert time[np.argmax(bloch[:, 0] > float(level))] == pytest.approx(
            expected[f"t_x>{level}"], abs=SPACING
        )
    assert np.linalg.norm(bloch, axis=1).min() == pytest.approx(expected["min|r1|"], abs=1e-4)
    crossings = time[:-1][np.diff(np.sign(bloch[:, 2])) != 0][:4]
    assert np.diff(crossings).mean() == pytest.approx(expected["half_period_of_z"], abs=2 * SPACING)


def test_figure_2_correlations():
    without, split = (run(1.0, coupling, (1.0, 0.0, 0.0), "up,down", stop=32.0) for coupling in (0.0, 0.6))
    assert np.allclose(without.correlation_matrix.isel(time=-1), -np.eye(3), atol=1e-4)
    tensor = split.correlation_matrix.values
    assert np.max(np.abs(tensor[:, 0, 1] + tensor[:, 1, 0])) < 1e-9
    assert tensor[1600, 0, 1] == pytest.approx(-0.535, abs=6e-4)
    differ = np.abs(without.correlation_matrix.values[:, 0, 1] - without.correlation_matrix.values[:, 1, 0])
    # every quarter of a unit, as in the tables; between them it comes to 1.48
    assert differ[::50].max() == pytest.approx(1.39, abs=6e-3)
    assert differ.max() == pytest.approx(1.48, abs=6e-3)
    assert differ[-1] < 1e-4


def test_figure_3_nonlocality():
    found = run(1.0, 0.0, (1.0, 0.0, 0.0), "Bell Psi+")
    expected = 1 / np.cosh(2 * 0.5 * found.time.values / (1 + 0.5**2))
    assert np.allclose(found.bell_nonlocality, expected, rtol=0, atol=1e-9)
    for coupling, least, end in ((0.2, 0.104, 0.99866), (0.4, 0.595, 0.99540), (0.6, 0.424, 0.99177)):
        found = run(1.0, coupling, (1.0, 0.0, 0.0), "Bell Psi+", stop=32.0)
        nonlocality = found.bell_nonlocality.values
        assert nonlocality.min() == pytest.approx(least, abs=6e-4)
        assert nonlocality[-1] == pytest.approx(end, abs=6e-6)
        # what the first spin keeps is what nonlocality lacks
        spin = found.spin_direction.values[:, 0]
        assert np.allclose(nonlocality**2 + np.sum(spin**2, axis=1), 1, atol=1e-9)


@pytest.mark.parametrize("name", DATA["fig4_summary"])
def test_figure_4_revivals(name):
    _, kind, bell = name.split("_")
    found = run({"AFM": 1.0, "FM": -1.0}[kind], 0.4, DIAGONAL, f"Werner {bell}", 0.9)
    expected = DATA["fig4_summary"][name]
    nonlocality = found.bell_nonlocality.values[: round(6 / SPACING) + 1]
    alive = nonlocality > 0
    assert np.sum(alive[:-1] & ~alive[1:]) == expected["deaths"]
    assert np.sum(~alive[:-1] & alive[1:]) == expected["revivals_from_zero"]
    rising = np.diff(nonlocality)
    assert np.sum((rising[:-1] > 0) & (rising[1:] <= 0)) == expected["local_maxima"]
    assert nonlocality.mean() == pytest.approx(expected["mean_B_0_to_6"], abs=2e-3)
    assert nonlocality[-1] == pytest.approx(expected["B_at_6"], abs=1e-8)
    # the pure problem at damping p kappa
    pure = run({"AFM": 1.0, "FM": -1.0}[kind], 0.4, DIAGONAL, f"Bell {bell}", None, 0.45)
    law = np.sqrt(np.maximum(0.81 * (1 + pure.concurrence.values**2) - 1, 0))
    assert np.allclose(found.bell_nonlocality, law, atol=1e-7)
