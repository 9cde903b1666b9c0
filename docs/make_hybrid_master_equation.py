"""Makes the picture of the page on the hybrid master equation, and prints the numbers that the page quotes.

python docs/make_hybrid_master_equation.py      a minute on two cores
"""

from typing import Any

import jax.numpy as jnp
import numpy as np
from make_gallery import keep
from scipy.linalg import expm

import brackish as bk
from brackish.quantum import pauli_x, pauli_z

DIFFUSION, FRICTION, COUPLING = 0.6, 0.8, 1.2
WIDTH = 0.6
QUBIT = bk.hamiltonian(lambda q: COUPLING * q[0] * pauli_z, masses=[1.0], frequencies=[1.0], step=0.02)
START = bk.GaussianCloud(0.0, 0.0, WIDTH, WIDTH, state=np.array([1.0, 1.0]) / np.sqrt(2))
BOX = bk.PhaseSpace(lower=(-6.0, -6.0), upper=(6.0, 6.0), points=80)
TIMES = bk.times(6.0, 120, step=0.0125)
BLUE, ORANGE, GREEN, INK = "#0072B2", "#D55E00", "#009E73", "#222222"


def theory(ratio: float) -> bk.HybridMasterEquation:
    """The master equation at a ratio of decoherence to noise that may violate the trade-off."""
    trade_off = ratio if ratio >= 1 else bk.ViolatedTradeOff(ratio)
    return bk.HybridMasterEquation(DIFFUSION, BOX, FRICTION, trade_off)


def closed_form(times: np.ndarray, ratio: float) -> tuple[np.ndarray, np.ndarray]:
    """Where the oscillator is pushed by the first level, and the size of the coherence."""
    drift = np.array([[0, 1, 0], [-1, -FRICTION, 0], [1, 0, 0]])
    blocks = np.block([[-drift, np.diag([0, DIFFUSION, 0])], [np.zeros((3, 3)), drift.T]])
    pushed, force = drift[:2, :2], np.array([0, -COUPLING])
    means, coherences = [], []
    for time in times:
        whole = expm(blocks * time)
        moved = whole[3:, 3:].T
        spread = moved @ np.diag([WIDTH**2, WIDTH**2, 0]) @ moved.T + moved @ whole[:3, 3:]
        means.append(np.linalg.solve(pushed, (expm(pushed * time) - np.eye(2)) @ force)[0])
        coherences.append(0.5 * np.exp(-2 * COUPLING**2 * (time * ratio / (4 * DIFFUSION) + spread[2, 2])))
    return np.array(means), np.array(coherences)


def dephasing() -> dict[float, Any]:
    """One qubit at several ratios."""
    results = {}
    for ratio in (2.0, 1.0, 0.5, 0.0):
        result = bk.simulate(QUBIT, theory(ratio), START, TIMES)
        exact = closed_form(result.time.values, ratio)[1]
        error = np.abs(np.abs(result.density_matrix[:, 0, 1]) - exact).max()
        work = np.trapezoid(result.energy_rate, result.time)
        print(
            f"  ratio {ratio}: coherence off by {float(error):.1e}, norm by {float(abs(result.norm - 1).max()):.1e},"
            f" least eigenvalue {float(result.least_hybrid_eigenvalue.min()):.2e},"
            f" energy gained {float(result.energy[-1] - result.energy[0]):.5f}, by its rate {float(work):.5f}"
        )
        results[ratio] = result
    return results


def orders() -> None:
    """Halving the step."""
    exact = closed_form(np.array([2.0]), 1.0)[1][0]
    for step in (0.1, 0.05, 0.025):
        result = bk.simulate(QUBIT, theory(1.0), START, bk.times(2.0, 1, step=step))
        print(
            f"  step {step}: coherence at t = 2 off by {abs(float(abs(result.density_matrix[-1, 0, 1])) - exact):.2e}"
        )


def trajectories() -> None:
    """A qubit whose levels mix, beside the mean of many trajectories with pure states."""
    mixing = bk.hamiltonian(
        lambda q: 0.5 * q[0] * pauli_x + 0.2 * jnp.tanh(q[0]) * pauli_z,
        masses=[1.0],
        frequencies=[1.0],
        quantum=0.6 * pauli_z,
        step=0.02,
    )
    start = bk.GaussianCloud(0.8, 0.0, WIDTH, WIDTH, state=0)
    times = bk.times(4.0, 4, step=0.02)
    fields = bk.simulate(mixing, bk.HybridMasterEquation(0.4, BOX, 0.4), start, times)
    points = bk.simulate(
        mixing, bk.ClassicalQuantum(diffusion=0.4, friction=0.4), start, times, trajectories=40_000, seed=1
    )
    for name in ("population", "purity", "position", "momentum", "energy"):
        values = [np.ravel(data[name][-1])[0] for data in (fields, points)]
        error = np.ravel(points[name + "_standard_error"][-1])[0]
        print(f"  {name}: master equation {values[0]:.5f}, trajectories {values[1]:.5f} +- {error:.5f}")


def main() -> None:
    import matplotlib.pyplot as plt

    results = dephasing()
    orders()
    trajectories()
    figure, (left, middle, right) = plt.subplots(1, 3, figsize=(11, 3.5), layout="constrained")
    time = results[1.0].time.values
    position, momentum = BOX.plane.positions()
    density = results[1.0].classical_density.values.sum(axis=-1) * (momentum[1] - momentum[0])
    mesh = left.pcolormesh(time, position, density.T, cmap="Blues", shading="gouraud", rasterized=True)
    mean = closed_form(time, 1.0)[0]
    for side in (1, -1):
        left.plot(time, side * mean, color=ORANGE, linestyle="--", linewidth=1.2)
    left.annotate("mean given each level", (time[-1], 0.25), color=ORANGE, fontsize=8, ha="right")
    left.set(ylim=(-3.5, 3.5), xlabel="time (atomic units)", ylabel="position q (bohr)")
    left.set_title("density of the classical oscillator", fontsize=9, loc="left")
    figure.colorbar(mesh, ax=left, label="probability per bohr")
    styles = {2.0: (GREEN, "κ = 2"), 1.0: (BLUE, "κ = 1"), 0.0: (ORANGE, "no decoherence, κ = 0")}
    for ratio, (colour, label) in styles.items():
        middle.semilogy(time, np.abs(results[ratio].density_matrix[:, 0, 1]), color=colour, label=label)
        middle.plot(time[::8], closed_form(time[::8], ratio)[1], "o", color=colour, markersize=3.5)
    middle.plot([], [], "o", color=INK, markersize=3.5, label="closed form")
    middle.set(xlabel="time (atomic units)", ylabel="coherence |ρ₀₁|", ylim=(1e-5, 0.8), xlim=(0, 3))
    middle.set_title("coherence of the qubit", fontsize=9, loc="left")
    middle.legend(fontsize=8)
    for ratio, colour, label in (
        (1.0, BLUE, "κ = 1"),
        (0.5, GREEN, "κ = 0.5, violated"),
        (0.0, ORANGE, "κ = 0, violated"),
    ):
        right.plot(time, results[ratio].least_hybrid_eigenvalue, color=colour, label=label)
    right.set(xlabel="time (atomic units)", ylabel="least eigenvalue of ρ(q, p) (1/ħ)", xlim=(0, 3))
    right.set_title("positivity", fontsize=9, loc="left")
    right.legend(fontsize=8)
    keep(figure, "hybrid_master_equation")


if __name__ == "__main__":
    main()
