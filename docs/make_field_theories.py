"""Makes the picture of the page on theories of fields, and prints the numbers that the page quotes.

python docs/make_field_theories.py      half a minute on two cores
"""

from typing import Any, ClassVar

import jax.numpy as jnp
import numpy as np
from make_gallery import keep

import brackish as bk
from brackish.preparations import Preparation
from brackish.preparations.electronic import Amplitudes
from brackish.quantum import pauli_x, pauli_z

LINEAR = bk.hamiltonian(
    lambda q: 0.7 * q[0] * pauli_x, masses=[1.0], frequencies=[1.0], quantum=pauli_z, step=0.05
)
BOX = bk.PhaseSpace(lower=(-6.0, -6.0), upper=(6.0, 6.0), points=96)
"""A spin coupled linearly to a harmonic mode: there Aleksandrov and Gerasimenko are exact."""


class OnTorus(Preparation):
    """D ~ exp(cos(q - pi) + cos(p - pi)) on a torus, with the quantum spin along x."""

    state: Amplitudes
    random: ClassVar[bool] = False

    def draw(self, hamiltonian: Any, index: Any, key: Any) -> Any:
        raise NotImplementedError

    def check(self, hamiltonian: Any) -> None:
        pass

    def density(self, hamiltonian: Any, z: Any) -> Any:
        shape = jnp.exp(jnp.cos(z.position[0] - jnp.pi) + jnp.cos(z.momentum[0] - jnp.pi))
        return shape / (2 * np.pi * np.i0(1.0)) ** 2


def positivity():
    """A classical density below the uncertainty relation."""
    cloud = bk.GaussianCloud(0.0, 0.0, width=0.3, momentum_width=0.3)
    theories = (bk.AleksandrovGerasimenko(BOX), bk.ContinuumEhrenfest(BOX), bk.HybridMeanField(BOX))
    results = {}
    for theory in theories:
        name = type(theory).__name__
        stop = 4.0 if name == "ContinuumEhrenfest" else 6.0  # its fields grow too fine for the grid
        results[name] = bk.simulate(LINEAR, theory, cloud, bk.times(stop, int(10 * stop)))
        least = results[name].least_eigenvalue
        when = float(least.time[int(np.argmin(least.values))])
        drift = float(abs(results[name].energy - results[name].energy[0]).max())
        print(
            f"  {name}: least eigenvalue {float(least.min()):.4f} at t = {when:.1f}, energy drift {drift:.1e},"
        )
        print(f"    largest purity {float(results[name].purity.max()):.4f}")
    return results


def decoherence():
    """A packet, so that there is an exact answer."""
    packet = bk.GaussianPacket(0.0, 0.0, width=0.5**0.5, state=0)
    theories = (
        bk.Exact(),
        bk.AleksandrovGerasimenko(BOX),
        bk.ContinuumEhrenfest(BOX),
        bk.HybridMeanField(BOX),
        bk.NonlinearKoopman(bk.PhaseSpace((-5.0, -5.0), (5.0, 5.0), 40)),
    )
    results = {}
    for theory in theories:
        name = type(theory).__name__
        stop = 0.8 if name == "NonlinearKoopman" else 3.0
        results[name] = bk.simulate(LINEAR, theory, packet, bk.times(stop, int(20 * stop)))
        for time in (0.1, 0.5, 3.0):
            if time <= stop:
                now = results[name].sel(time=time, method="nearest")
                print(
                    f"  {name}: t = {time}: population 0 {float(now.population[0]):.4f},"
                    f" purity {float(now.purity):.4f}, energy drift {float(now.energy - results[name].energy[0]):.1e}"
                )
    return results


def growth():
    """Dephasing on a torus: how the highest waves grow."""
    system = bk.hamiltonian(
        lambda z: 0.5 * jnp.cos(z.position[0]) * pauli_z,
        manifold=bk.Canonical([1.0]),
        external=lambda z: 0.6 * jnp.cos(z.position[0]) + 0.5 * jnp.cos(z.momentum[0]),
    )
    start = OnTorus(Amplitudes([0.5**0.5, 0.5**0.5]))
    results = {}
    for points, waves, stop in ((48, 15, 1.12), (64, 21, 0.8)):
        grid = bk.PhaseSpace(0.0, 2 * np.pi, points, cutoff=waves)
        theory = bk.NonlinearKoopman(grid, planck=0.7, largest_content=1.0)
        result = bk.simulate(system, theory, start, bk.times(stop, 28 if waves == 15 else 20, step=0.01))
        results[waves] = result
        drift = np.abs(result.energy - result.energy[0])
        for time in (0.4, 0.8, stop):
            now = result.sel(time=time, method="nearest")
            error = float(drift.sel(time=time, method="nearest"))
            print(
                f"  {waves} waves: t = {time}: content {float(now.highest_wave_content):.1e},"
                f" growth rate {float(now.growth_rate):.1f}, energy drift {error:.1e}"
            )
    return results


def main() -> None:
    import matplotlib.pyplot as plt

    figure, (left, middle, right) = plt.subplots(1, 3, figsize=(11, 3.4), layout="constrained")
    for name, result in positivity().items():
        left.plot(result.time, result.least_eigenvalue, label=name)
    left.axhline(0.0, color="0.6", linewidth=0.8)
    left.set(xlabel="time (atomic units)", ylabel="least eigenvalue of the density operator")
    left.legend(fontsize=7)
    for name, result in decoherence().items():
        middle.plot(result.time, result.purity, "--" if name == "AleksandrovGerasimenko" else "-", label=name)
    middle.set(xlabel="time (atomic units)", ylabel="purity")
    middle.legend(fontsize=7, loc="center right", bbox_to_anchor=(1.0, 0.78))
    for waves, result in growth().items():
        right.semilogy(result.time[1:], result.highest_wave_content[1:], label=f"{waves} waves kept")
    right.set(xlabel="time (atomic units)", ylabel="share in the highest waves")
    right.legend(fontsize=7)
    keep(figure, "field_theories")


if __name__ == "__main__":
    main()
