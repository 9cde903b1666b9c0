"""Koopmons, Ehrenfest and surface hopping against exact quantum mechanics: an error table over kernel widths and N.

Root mean squares over all saves of a run of what differs from `Exact`: population, purity, size of the coherence,
means and spreads of position and momentum. Trajectories of coupled theories start from evenly spread points of the
packet's Wigner function, those of surface hopping from random ones. `python benchmarks/koopmon_accuracy.py [N ...]`
prints Markdown.
"""

import sys

import numpy as np

import brackish as bk

HALF = 0.5**0.5
SYSTEMS = {
    "Tully I, k = 10": (bk.models.tully(1), bk.GaussianPacket(-8.0, 10.0, 1.0, 0), 4000.0, 4.0),
    "Tully I, k = 20": (bk.models.tully(1), bk.GaussianPacket(-8.0, 20.0, 0.5, 0), 2000.0, 2.0),
    "Tully II, k = 16": (bk.models.tully(2), bk.GaussianPacket(-8.0, 16.0, 0.625, 0), 2400.0, 2.0),
    "Tully III, k = 10": (
        bk.models.tully(3),
        bk.GaussianPacket(-8.0, 10.0, 1.0, 1),
        3600.0,
        4.0,
    ),
    "Tully III, k = 30": (
        bk.models.tully(3),
        bk.GaussianPacket(-8.0, 30.0, 1 / 3, 1),
        1600.0,
        2.0,
    ),
    "Pure dephasing": (
        bk.models.pure_dephasing(frequency=1.0, splitting=1.0, coupling=0.5),
        bk.GaussianPacket(0.0, 0.0, HALF, [HALF, HALF]),
        12.0,
        0.04,
    ),
    "Rabi, ultrastrong": (
        bk.models.rabi(frequency=1.0, splitting=1.0, coupling=1.0),
        bk.GaussianPacket(2.0, 0.0, HALF, 0),
        12.0,
        0.02,
    ),
}
WIDTHS = ((0.3, 1.0), (0.3, 2.0), (0.5, 1.0), (0.5, 2.0))
COLUMNS = {
    "population": lambda data: data.population.values[:, 0],
    "purity": lambda data: data.purity.values,
    "coherence": lambda data: data.coherence.values,
    "mean q": lambda data: data.position.values[:, 0],
    "mean p": lambda data: data.momentum.values[:, 0],
    "spread q": lambda data: data.position_spread.values[:, 0],
    "spread p": lambda data: data.momentum_spread.values[:, 0],
}


def row(label: str, data, exact) -> str:
    """One line of the table."""
    errors = [np.sqrt(np.mean((column(data) - column(exact)) ** 2)) for column in COLUMNS.values()]
    ends = f"{data.position_spread.values[-1, 0]:.3g}, {data.momentum_spread.values[-1, 0]:.3g}"
    return f"| {label} | " + " | ".join(f"{error:.3f}" for error in errors) + f" | {ends} |"


def table(name: str, counts: list[int]) -> None:
    """All theories on one system."""
    system, packet, stop, step = SYSTEMS[name]
    times = bk.times(stop=stop, saves=50, step=step)
    exact = bk.simulate(system, bk.Exact(), packet, bk.times(stop=stop, saves=50))
    spread = f"{exact.position_spread.values[-1, 0]:.3g}, {exact.momentum_spread.values[-1, 0]:.3g}"
    print(f"\n### {name}\n\n| theory | " + " | ".join(COLUMNS) + f" | last spreads (exact: {spread}) |")
    print("|" + " --- |" * (len(COLUMNS) + 2))
    even = bk.QuasiRandom(packet)
    for count in counts:
        ehrenfest = bk.simulate(system, bk.Ehrenfest(), even, times, trajectories=count)
        print(row(f"Ehrenfest, N = {count}", ehrenfest, exact), flush=True)
        if count == counts[-1]:
            hopping = bk.simulate(system, bk.SurfaceHopping(), packet, times, trajectories=2000)
            print(row("surface hopping, N = 2000", hopping, exact), flush=True)
        for position, momentum in WIDTHS:
            theory = bk.Koopmons(bk.InSpreads(position), bk.InSpreads(momentum))
            try:
                data = bk.simulate(system, theory, even, times, trajectories=count)
            except bk.RunFailed as error:
                print(f"| koopmons {position}, {momentum}, N = {count} | {error} |", flush=True)
                continue
            label = f"koopmons {position}, {momentum}, N = {count}"
            print(row(label, data, exact), flush=True)


def convergence() -> None:
    """Tully II, k = 16 with kernels of 0.3 and 1 spreads: what more koopmons and a finer quadrature change."""
    system, packet, stop, step = SYSTEMS["Tully II, k = 16"]
    times = bk.times(stop=stop, saves=50, step=step)
    widths = bk.InSpreads(0.3), bk.InSpreads(1.0)
    even = bk.QuasiRandom(packet)
    finest = bk.simulate(system, bk.Koopmons(*widths), even, times, trajectories=2000)
    print("\n### Convergence: Tully II, k = 16, against 2000 koopmons on the default lattice")
    print("\n| koopmons | " + " | ".join(COLUMNS) + " | last spreads |")
    print("|" + " --- |" * (len(COLUMNS) + 2))
    for count in (125, 250, 500, 1000):
        data = bk.simulate(system, bk.Koopmons(*widths), even, times, trajectories=count)
        print(row(f"N = {count}", data, finest), flush=True)
    default = bk.simulate(system, bk.Koopmons(*widths), even, times, trajectories=500)
    quadratures = {
        "lattice of 0.5 widths": bk.LatticeQuadrature(0.5, 6.0),
        "lattice of 1.2 widths": bk.LatticeQuadrature(1.2),
        "nodes at the koopmons": bk.ParticleQuadrature(),
    }
    for label, quadrature in quadratures.items():
        data = bk.simulate(system, bk.Koopmons(*widths, quadrature), even, times, trajectories=500)
        print(row(f"N = 500, {label} (against the default lattice)", data, default), flush=True)


if __name__ == "__main__":
    for system_name in SYSTEMS:
        table(system_name, [int(count) for count in sys.argv[1:]] or [250, 500])
    convergence()
