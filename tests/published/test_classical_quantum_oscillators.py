"""The numbers behind "Classical-quantum oscillators as diffusive processes in phase space" (arXiv 2510.07402).

Numbers: data/classical_quantum.json, in exact arithmetic, rounded to 12 digits. CC: both oscillators classical; CQ: the
second quantum.
"""

import functools
import json
from pathlib import Path

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
import pytest

from brackish.analysis.oscillators import (
    Bilinear,
    ClassicalOscillator,
    DampedOscillator,
    OscillatorPair,
    QuantumOscillator,
    Spring,
    StochasticOscillator,
    classical_quantum_information,
    conditional_covariance,
    gaussian_information,
    quantum_entropy,
    symplectic_eigenvalues,
    two_time_information,
)

DATA = json.loads((Path(__file__).parent / "data" / "classical_quantum.json").read_text())
SETS = DATA["gaussian_sets"]
CASES = [(name, kind) for name in SETS for kind in ("cc", "cq")]
BOTH = pytest.mark.parametrize(("name", "kind"), CASES)


def the_pair(name, kind):
    p = SETS[name]["params"]
    coupling = {"spring": Spring, "bilinear": Bilinear}[p["coupling"]](p["lam"])
    second = ClassicalOscillator(p["D2"]) if kind == "cc" else QuantumOscillator(1.0, p["hbar"])
    return OscillatorPair([p["m1"], p["m2"]], [p["k1"], p["k2"]], coupling, p["alpha"], p["D1"], second)


@eqx.filter_jit
def by_matrices(system, times, mean, covariance, transient_times):
    steady = system.steady_covariance()
    return {
        "A": system.drift(),
        "BBT": system.noise(),
        "steady": steady,
        "poles": system.poles(),
        "C": jax.vmap(system.two_time)(times),
        "response": jax.vmap(system.response)(times),
        "information": jax.vmap(lambda t: two_time_information(system, t))(times),
        "mean": jax.vmap(lambda t: system.mean(t, mean))(transient_times),
        "covariance": jax.vmap(lambda t: system.covariance(t, covariance))(transient_times),
        "energy": jnp.stack([system.energy(steady), system.heating(), system.damping(steady)]),
        "entropy": system.entropy_production(),
        "uncertainty": system.uncertainty(steady),
        "between": gaussian_information(steady, (0, 1), (2, 3)),
        "positions": gaussian_information(steady, (0,), (2,)),
        "spectrum": system.spectrum(0.83),
    }


@functools.cache
def matrices(name, kind):
    expected, pair = SETS[name][kind], the_pair(name, kind)
    times, transient = expected["correlators"]["t"], expected["transient"]
    arrays = map(np.asarray, (times, transient["mean0"], transient["cov0"], transient["t"]))
    return by_matrices(pair.linear(), *arrays)


def close(found, expected):
    expected = np.asarray(expected)
    assert np.abs(np.asarray(found) - expected).max() < 1e-10 * np.abs(expected).max()


@BOTH
def test_matrices_poles_and_moments(name, kind):
    found, expected = matrices(name, kind), SETS[name][kind]
    close(found["A"], expected["A"])
    close(found["BBT"], expected["BBT"])
    close(found["steady"], expected["steady_covariance"])
    poles = [pole["re"] + 1j * pole["im"] for pole in expected["poles_of_D_lower_half_plane"]]
    close(np.sort_complex(np.asarray(found["poles"])), np.sort_complex(poles))
    close(found["C"], expected["correlators"]["C"])
    close(found["response"], expected["correlators"]["response"])
    close(found["mean"], expected["transient"]["mean"])
    close(found["covariance"], expected["transient"]["cov"])


@BOTH
def test_information(name, kind):
    found, expected = matrices(name, kind), SETS[name][kind]
    for word, entry in (("I_q1_q1", (0, 0)), ("I_q1_q2", (0, 2)), ("I_q2_q2", (2, 2))):
        later = slice(1, None) if word != "I_q1_q2" else slice(None)
        close(found["information"][(later, *entry)], expected["correlators"][word][later])
    close(found["between"], expected["gaussian_I_osc1_osc2"])
    close(found["positions"], expected["equal_time_I_q1_q2"])


@BOTH
def test_energy_flows_and_makes_entropy(name, kind):
    found, expected, pair = matrices(name, kind), SETS[name][kind], the_pair(name, kind)
    flow = expected["energy_balance"]
    close(found["energy"], [expected["energy"]["total"], flow["injected"], flow["removed"]])
    close(pair.energy_flux(), flow["flux_2_to_1"])
    assert found["entropy"] == pytest.approx(float(pair.entropy_production()), rel=1e-9)


@eqx.filter_jit
def by_formulas(pair, times):
    return {
        "steady": pair.steady_covariance(),
        "spectra": pair.propagators(0.83)[0],
        "weak C": jax.vmap(pair.weak_correlations)(times),
        "weak R": jax.vmap(pair.weak_responses)(times),
        "polynomial": pair.characteristic_polynomial(),
        "poles": pair.weak_poles(),
    }


@BOTH
def test_closed_forms(name, kind):
    expected = SETS[name][kind]
    found = by_formulas(the_pair(name, kind), np.asarray(expected["correlators"]["t"]))
    close(found["steady"], expected["steady_covariance"])
    close(found["spectra"], matrices(name, kind)["spectrum"][0::2, 0::2])
    close(np.poly(-np.asarray(expected["A"])), found["polynomial"])
    if "small_coupling" not in expected:
        return
    weak = expected["small_coupling"]
    for column, word in enumerate(weak["order"]):
        kind_of, row, across = word[0], int(word[1]) - 1, int(word[2]) - 1
        close(found[f"weak {kind_of}"][:, row, across], np.asarray(weak["values"])[:, column])
    first, decay_1, second, decay_2 = weak["poles_a1_b1_a2_b2_to_second_order"]
    close(found["poles"].frequency, [first["re"] + 1j * first["im"], second])
    close(found["poles"].decay, [decay_1, decay_2])


@eqx.filter_jit
def of_the_quantum_side(pair, steady):
    system = pair.linear()
    inside = steady[2:, 2:]
    planck = pair.second.planck
    return {
        "n_dressed": pair.occupation(),
        "n_bare": pair.bare_occupation(),
        "n_leading_small_coupling": pair.weak_occupation(),
        "T_crit_leading": pair.weak_coldest_temperature(),
        "T_crit_exact_dressed": pair.coldest_temperature(),
        "n_min_exact_dressed": pair.lowest_occupation(),
        "symplectic_eig_reduced": symplectic_eigenvalues(inside, planck)[0],
        "entropy_reduced": quantum_entropy(inside, planck),
        "entropy_conditional": quantum_entropy(conditional_covariance(system, steady), planck),
        "mutual_information_CQ": classical_quantum_information(system, steady),
        "filtered": pair.steady_filtered_covariance(),
    }


@pytest.mark.parametrize("name", SETS)
def test_the_quantum_oscillator(name):
    expected = SETS[name]["cq"]
    found = of_the_quantum_side(the_pair(name, "cq"), matrices(name, "cq")["steady"])
    for word, value in {**expected, **expected["hybrid_information"]}.items():
        if word in found:
            close(found[word], value)
    assert {"n_dressed", "T_crit_leading", "mutual_information_CQ"} <= {
        *expected,
        *expected["hybrid_information"],
    }
    pure = expected["conditional_pure_state"]
    close(found["filtered"], [[pure["Vx"], pure["C"]], [pure["C"], pure["Vp"]]])
    close(matrices(name, "cq")["uncertainty"], expected["min_eig_Sigma_plus_ihbarJ_over_2"])


def test_less_decoherence_than_the_trade_off_asks_for_is_no_quantum_state():
    """The reason for refusing it: the steady state of the same process violates the uncertainty relation."""
    for row in DATA["trade_off_violation"]["rows"]:
        second = ClassicalOscillator(row["kappa"] * row["lam"] ** 2 / (4 * row["D1"]))
        arguments = (
            [row["m1"], row["m2"]],
            [row["k1"], row["k2"]],
            Spring(row["lam"]),
            row["alpha"],
            row["D1"],
        )
        covariance = OscillatorPair(*arguments, second).steady_covariance()
        lowest = OscillatorPair(*arguments).linear().uncertainty(covariance)
        assert float(lowest) == pytest.approx(row["min_eig"], abs=2e-7)
        assert (float(lowest) < 0) == (row["kappa"] < 1)


def test_single_oscillators():
    p = DATA["single_oscillator"]["params"]
    heated = StochasticOscillator(p["m"], p["k"], p["D"])
    for row in DATA["single_oscillator"]["undamped_from_rest"]:
        expected = [[row["var_x"], row["cov_xp"]], [row["cov_xp"], row["var_p"]]]
        close(heated.covariance_from_rest(row["t"]), expected)
        close(heated.mean_energy(row["t"], 0.0), row["energy"])
    damped, steady = (
        DampedOscillator(p["m"], p["k"], p["alpha"], p["D"]),
        DATA["single_oscillator"]["damped_steady"],
    )
    close(damped.steady_covariance(), np.diag([steady["var_x"], steady["var_p"]]))
    close(damped.eigenvalues(), [value["re"] + 1j * value["im"] for value in steady["eigenvalues_A"]])
