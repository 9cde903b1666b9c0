"""The pictures of docs/theories/llg.md; `python docs/make_llg.py`, some minutes.

A spin that is turned over by a field, beside its closed form; and the magnetisation of a simple cubic Heisenberg magnet
against the temperature.
"""

import numpy as np
from make_gallery import keep

import brackish as bk
from brackish.plot.style import INK, TEXT, direct_labels, header, new_figure, place

DAMPINGS = ((0.05, "#0072B2"), (0.1, "#D55E00"), (0.5, "#009E73"))
POLAR = 3.0
SIZES = ((4, "#56B4E9"), (10, "#D55E00"))
TEMPERATURES = (0.1, 0.3, 0.5, 0.7, 0.9, 1.1, 1.2, 1.3, 1.4, 1.5, 1.6, 1.8, 2.1, 2.4)
CRITICAL = 1.443


def switching():
    """One spin 1/2 in a field of one tesla, against which it points at first."""
    magnet = bk.SpinSystem([0.5], field=[0.0, 0.0, 1.0], units=bk.RealUnits())
    start = bk.Directions([[np.sin(POLAR), 0.0, np.cos(POLAR)]])
    rate = 2 * magnet.units.bohr_magneton / magnet.units.planck
    figure = new_figure(7.4, 3.4)
    axes = place(figure, 0.85, 0.5, 6.2, 2.7)
    header(
        figure,
        0.85,
        "A field turns a spin over",
        "B = 1 T along z, g = 2; lines: bk.LLG, dots: the closed form",
    )
    ends = []
    for damping, colour in DAMPINGS:
        run = bk.simulate(magnet, bk.LLG(damping), start, bk.times(300.0, 300, step=0.5))
        z = run.spin_direction.values[:, 0, 2]
        t = run.time.values
        exact = np.cos(2 * np.arctan(np.tan(POLAR / 2) * np.exp(-damping * rate * t / (1 + damping**2))))
        print(f"damping {damping}: error {np.abs(z - exact).max():.1e}")
        axes.plot(t, z, color=colour, linewidth=1.4)
        axes.plot(t[::15], exact[::15], ".", color=colour, markersize=5)
        ends.append((z[-1], f"α = {damping:g}", colour))
    axes.set(xlim=(0, 300), ylim=(-1.05, 1.08), yticks=(-1, -0.5, 0, 0.5, 1))
    axes.set_xlabel("time (ps)", fontsize=TEXT, color=INK)
    axes.set_ylabel("direction along z", fontsize=TEXT, color=INK)
    direct_labels(axes, ends)
    return figure


def size_of_magnetization(theory, magnet, y):
    """|m|, one number."""
    m = bk.observables.magnetization.function(theory, magnet, y)
    return (m @ m) ** 0.5


SIZE = bk.observables.Observable("size", size_of_magnetization, long_name="size of the magnetisation")


def equilibrium(side, temperature):
    """Mean size of the magnetisation of a periodic cube."""
    lattice = bk.lattices.cubic(side)
    magnet = bk.SpinSystem(1.0, lattice.bonds(1.0), positions=lattice.positions)
    start = bk.Directions(np.tile([0.0, 0.0, 1.0], (8, magnet.count, 1)))
    times = bk.times(120.0, 60, step=0.025)
    run = bk.simulate(magnet, bk.LLG(0.5, temperature), start, times, observables=(SIZE,), follow=0)
    return float(run["size"].sel(time=slice(40.0, None)).mean())


def magnetization():
    """Against the temperature, for two sizes."""
    figure = new_figure(7.4, 3.6)
    axes = place(figure, 0.85, 0.5, 6.2, 2.9)
    header(
        figure,
        0.85,
        "A Heisenberg magnet loses its order",
        "simple cubic, unit spins, energy −J S·S; bk.LLG with a thermal field, mean of |m| over time",
    )
    ends = []
    for side, colour in SIZES:
        values = [equilibrium(side, temperature) for temperature in TEMPERATURES]
        print(side, " ".join(f"{t}: {m:.3f}" for t, m in zip(TEMPERATURES, values, strict=True)), flush=True)
        axes.plot((0.0, *TEMPERATURES), (1.0, *values), "o-", color=colour, linewidth=1.2, markersize=3.5)
        ends.append((values[-1], f"{side}³ spins", colour))
    axes.axvline(CRITICAL, color=INK, linewidth=0.8, linestyle=(0, (4, 3)))
    axes.annotate(
        f"{CRITICAL} J, infinite magnet",
        (CRITICAL, 0.93),
        xytext=(5, 0),
        textcoords="offset points",
        fontsize=TEXT,
        color=INK,
    )
    axes.set(xlim=(0, 2.45), ylim=(0, 1.02))
    axes.set_xlabel("temperature, $k_BT/J$", fontsize=TEXT, color=INK)
    axes.set_ylabel("magnetisation", fontsize=TEXT, color=INK)
    direct_labels(axes, ends)
    return figure


if __name__ == "__main__":
    keep(switching(), "llg_switching")
    keep(magnetization(), "llg_magnetization")
