"""Makes every picture of the documentation, and prints the numbers that its pages quote, by running brackish.

    python docs/make_gallery.py             all of them, a few minutes on two cores
    python docs/make_gallery.py tully3      some of them, by name

Each scene below is complete: a model, a start, the theories, the figure. Copy one to begin with.
"""

import sys
from pathlib import Path

import numpy as np
from PIL import Image  # comes with matplotlib

import brackish as bk

PICTURES = Path(__file__).parent / "pictures"
COLOURS = 256
TRAJECTORIES = 2000


def keep(figure, name: str) -> None:
    """Write a picture, with a palette: a third of the size, and no difference to be seen."""
    path = PICTURES / f"{name}.png"
    bk.plot.save(figure, path)
    with Image.open(path) as picture:
        small = picture.convert("RGB").quantize(COLOURS)
    small.save(path, optimize=True)


def at_end(result, quantity: str, **chosen) -> str:
    """The last value of a quantity, with its standard error where there is one."""
    value = float(result[quantity].sel(chosen).isel(time=-1))
    error = float(result[f"{quantity}_standard_error"].sel(chosen).isel(time=-1))
    return f"{value:.4f} +- {error:.4f}" if error > 0 else f"{value:.4f}"


def smallest_eigenvalue(result) -> float:
    """The smallest eigenvalue that a density matrix ever has; below zero it describes no state."""
    return float(np.linalg.eigvalsh(result["density_matrix"].values).min())


def tully1() -> None:
    """Simple avoided crossing: what `brackish compare tully1` shows."""
    packet = bk.GaussianPacket(position=-8.0, momentum=20.0, width=0.5, state=bk.Adiabatic(0))
    theories = [bk.Exact(), bk.BornOppenheimer(), bk.Ehrenfest(), bk.MeanField(), bk.SurfaceHopping()]
    result = bk.compare(
        bk.models.tully(1), theories, packet, bk.times(1700.0, 100), trajectories=TRAJECTORIES, seed=1
    )
    keep(bk.plot.compare(result), "tully1")
    for theory in result.theory.values:
        print(
            f"  {theory}: adiabatic population 0",
            at_end(result, "adiabatic_population", theory=theory, level=0),
        )
        print(f"  {theory}: purity", at_end(result, "purity", theory=theory))
    smallest = smallest_eigenvalue(result.sel(theory="SurfaceHopping"))
    print(f"  SurfaceHopping: smallest eigenvalue of the density matrix {smallest:.4f}")


def tully3() -> None:
    """Extended coupling at a low momentum: a packet that splits, and trajectories that should."""
    packet = bk.GaussianPacket(position=-10.0, momentum=10.0, width=1.0, state=bk.Adiabatic(0))
    theories = [bk.Exact(), bk.Ehrenfest(), bk.SurfaceHopping()]
    times = bk.times(4400.0, 100)
    result = bk.compare(bk.models.tully(3), theories, packet, times, trajectories=TRAJECTORIES, seed=1)
    keep(bk.plot.compare(result), "tully3")
    keep(bk.plot.phase_space(result), "tully3_phase_space")
    damped = bk.SurfaceHopping(decoherence=bk.EnergyBasedDecoherence())
    further = bk.simulate(bk.models.tully(3), damped, packet, times, trajectories=TRAJECTORIES, seed=1)
    for name, run in [
        *((name, result.sel(theory=name)) for name in result.theory.values),
        ("damped", further),
    ]:
        for side in ("left", "right"):
            for level in (0, 1):
                value = at_end(run, "scattering", side=side, level=level)
                print(f"  {name}: {side}, adiabatic level {level}: {value}")


def dephasing() -> None:
    """A qubit that an oscillator dephases and rephases; one quantum state for all never loses purity."""
    equal = [0.5**0.5, 0.5**0.5]
    packet = bk.GaussianPacket(position=0.0, momentum=0.0, width=0.5**0.5, state=equal)
    theories = [bk.Exact(), bk.Ehrenfest(), bk.MeanField(), bk.SurfaceHopping()]
    result = bk.compare(
        bk.models.pure_dephasing(), theories, packet, bk.times(15.0, 150), trajectories=TRAJECTORIES, seed=1
    )
    keep(bk.plot.coherence(result), "dephasing")
    for theory in result.theory.values:
        purity = result.purity.sel(theory=theory)
        turn = float(purity.sel(time=2 * np.pi, method="nearest"))
        print(f"  {theory}: purity at its lowest {float(purity.min()):.4f}, after one period {turn:.4f}")


def spin_boson() -> None:
    """Two levels in a bath of 100 modes; numerically exact are P0(10) = 0.73284 and P0(20) = 0.67354."""
    bath = bk.ThermalBath(temperature=1.0, state=0)
    theories = [bk.Ehrenfest(), bk.MeanField(), bk.SurfaceHopping()]
    result = bk.compare(
        bk.models.spin_boson(), theories, bath, bk.times(20.0, 100), trajectories=TRAJECTORIES, seed=1
    )
    keep(bk.plot.populations(result), "spin_boson")
    for theory in result.theory.values:
        for time in (10.0, 20.0):
            value = result.population.sel(theory=theory, level=0).sel(time=time, method="nearest")
            print(f"  {theory}: population 0 at {time:g}: {float(value):.4f}")
    smallest = smallest_eigenvalue(result.sel(theory="SurfaceHopping"))
    print(f"  SurfaceHopping: smallest eigenvalue of the density matrix {smallest:.4f}")


def shin_metiu() -> None:
    """An electron that an ion carries along, or not: three Born-Oppenheimer states."""
    packet = bk.GaussianPacket(position=-4.0, momentum=0.0, width=0.296, state=bk.Adiabatic(1))
    theories = [bk.Exact(), bk.BornOppenheimer(level=1), bk.Ehrenfest(), bk.SurfaceHopping()]
    result = bk.compare(
        bk.models.shin_metiu(states=3),
        theories,
        packet,
        bk.times(1400.0, 100),
        trajectories=TRAJECTORIES,
        seed=1,
    )
    keep(bk.plot.compare(result), "shin_metiu")
    for theory in result.theory.values:
        print(
            f"  {theory}: adiabatic population 1",
            at_end(result, "adiabatic_population", theory=theory, level=1),
        )


def koopman_spins() -> None:
    """A classical and a quantum spin: where the linear hybrid makes the classical density negative."""
    start = bk.VonMisesFisher([0.75**0.5, 0.0, 0.5], 10.0)
    theories = [bk.HybridKoopman(bk.SphereGrid(28)), bk.Ehrenfest()]
    times = bk.times(2.4, 24)
    result = bk.compare(
        bk.models.hybrid_spins(gamma=0.7), theories, start, times, trajectories=1000, follow=40, seed=1
    )
    keep(bk.plot.sphere(result), "koopman_spins")
    for theory in result.theory.values:
        run = result.sel(theory=theory)
        print(f"  {theory}: population 1", at_end(run, "population", level=1))
        print(f"  {theory}: purity", at_end(run, "purity"))
    run = result.sel(theory="HybridKoopman")
    lowest = int(np.argmin(run.negative_mass.values))
    print(f"  negative mass {float(run.negative_mass[lowest]):.4f} at {float(run.time[lowest]):g},", end=" ")
    print(
        f"smallest density {float(run.least_density.min()):.4f} of {float(run.classical_density[0].max()):.4f}"
    )
    print(f"  smallest eigenvalue of the density operator {smallest_eigenvalue(run):.2e}")
    quiet = bk.simulate(bk.models.hybrid_spins(gamma=0.0), theories[0], start, times)
    print(f"  without gamma: smallest density {float(quiet.least_density.min()):.1e}")


SCENES = {
    scene.__name__: scene for scene in (tully1, tully3, dephasing, spin_boson, shin_metiu, koopman_spins)
}


def main() -> None:
    """Make the scenes that are named, or all."""
    unknown = [name for name in sys.argv[1:] if name not in SCENES]
    if unknown:
        raise SystemExit(f"No scene is called {', '.join(unknown)}; known: {', '.join(SCENES)}.")
    PICTURES.mkdir(exist_ok=True)
    for name in sys.argv[1:] or SCENES:
        print(f"{name}: {SCENES[name].__doc__}")
        SCENES[name]()


if __name__ == "__main__":
    main()
