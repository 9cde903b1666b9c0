"""Trajectories of the exact factorization, row by row of its hierarchy, against exact quantum mechanics.

For Tully's models, the double arch and Shin and Metiu's at several momenta: the final upper-state population, and root
mean squares over all saves of what differs from `Exact`: population, indicator of decoherence (mean of |rho_01|^2 over
the points, adiabatic basis), mean momentum, spread of the momentum. Coupled theories and Ehrenfest start from
evenly spread points of the packet's Wigner function or, where the table says so, from fluid elements with one momentum,
surface hopping from random ones.
`python benchmarks/factorization_accuracy.py [trajectories]` prints Markdown.
"""

import sys

import numpy as np

import brackish as bk

COHERENCE = bk.observables.conditional_coherence


def tully(number: int, wavenumber: float, start: float, stop: float, step: float):
    """A packet of the density's standard deviation 10/k on the lower adiabat."""
    packet = bk.GaussianPacket(start, wavenumber, 10 / wavenumber, bk.Adiabatic(0))
    return bk.models.tully(number), packet, stop, step


SYSTEMS = {
    "Tully I, k = 10": tully(1, 10.0, -8.0, 4000.0, 2.0),
    "Tully I, k = 20": tully(1, 20.0, -8.0, 2000.0, 1.0),
    "Tully II, k = 16": tully(2, 16.0, -10.0, 3000.0, 1.0),
    "Tully II, k = 30": tully(2, 30.0, -10.0, 1600.0, 1.0),
    "Tully III, k = 10": tully(3, 10.0, -10.0, 4000.0, 2.0),
    "Tully III, k = 30": tully(3, 30.0, -10.0, 1600.0, 1.0),
    "Double arch, k = 20": (
        bk.models.double_arch(),
        bk.GaussianPacket(-15.0, 20.0, 0.5, bk.Adiabatic(0)),
        3000.0,
        1.0,
    ),
    "Double arch, k = 40": (
        bk.models.double_arch(),
        bk.GaussianPacket(-15.0, 40.0, 0.25, bk.Adiabatic(0)),
        1600.0,
        1.0,
    ),
    "Shin-Metiu": (
        bk.models.shin_metiu(3),
        bk.GaussianPacket(-4.0, 0.0, 0.5 / 2.85**0.5, bk.Adiabatic(1)),
        1600.0,
        2.0,
    ),
}
WIDTHS = (0.2, 0.3, 0.4)
FLUID_WIDTHS = (0.1, 0.15, 0.2)
ROWS = {
    "geometric alone": bk.GeometricAlone(),
    "quantum alone, no net transfer": bk.QuantumAlone(),
    "quantum alone": bk.QuantumAlone(without_net_transfer=False),
}
COLUMNS = {
    "population": lambda data: data.adiabatic_population.values[:, 1],
    "decoherence": lambda data: data.conditional_coherence.values,
    "mean p": lambda data: data.momentum.values[:, 0],
    "spread p": lambda data: data.momentum_spread.values[:, 0],
}


def row(label: str, data, exact) -> str:
    """One line of the table."""
    errors = [np.sqrt(np.mean((column(data) - column(exact)) ** 2)) for column in COLUMNS.values()]
    upper, momentum = data.adiabatic_population.values[-1, 1], data.momentum.values[-1, 0]
    coherence = data.conditional_coherence.values[-1]
    return (
        f"| {label} | {upper:.4f} | {momentum:.2f} | {coherence:.3f} | "
        + " | ".join(f"{error:.4f}" for error in errors)
        + " |"
    )


def table(name: str, count: int) -> None:
    """All theories on one system."""
    system, packet, stop, step = SYSTEMS[name]
    times, even = bk.times(stop=stop, saves=50, step=step), bk.QuasiRandom(packet)
    exact = bk.simulate(system, bk.Exact(), packet, bk.times(stop, 50), observables=(COHERENCE,))
    print(
        f"\n### {name}\n\n| theory | final upper population | final p | final coherence | "
        + " | ".join(COLUMNS)
        + " |"
    )
    print("|" + " --- |" * (len(COLUMNS) + 4))
    print(row("exact", exact, exact).rsplit("|", 5)[0] + "| | | | |")
    hopping = {"surface hopping": bk.NoDecoherence(), "with decoherence": bk.EnergyBasedDecoherence()}
    runs = {"Ehrenfest": (bk.Ehrenfest(), even, count)}
    for label, decoherence in hopping.items():
        runs[f"{label}, N = 5000"] = (bk.SurfaceHopping(decoherence=decoherence), packet, 5000)
    for width in WIDTHS:
        theory = bk.ExactFactorization(width=bk.InSpreads(width))
        runs[f"**geometric and quantum**, width {width}"] = (theory, even, count)
    for width in FLUID_WIDTHS:
        theory = bk.ExactFactorization(width=bk.InSpreads(width))
        runs[f"**the same from fluid elements**, width {width}"] = (
            theory,
            bk.FluidElements(packet, count),
            None,
        )
    for label, coupling in ROWS.items():
        runs[label] = (bk.ExactFactorization(coupling), even, count)
    for label, (theory, start, trajectories) in runs.items():
        try:
            data = bk.simulate(
                system, theory, start, times, trajectories=trajectories, observables=(COHERENCE,)
            )
        except bk.RunFailed as error:
            print(f"| {label} | {error} |", flush=True)
            continue
        print(row(label, data, exact), flush=True)


if __name__ == "__main__":
    for system_name in SYSTEMS:
        table(system_name, int(sys.argv[1]) if len(sys.argv) > 1 else 400)
