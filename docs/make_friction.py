"""The pictures and numbers of the page on electronic friction.

python docs/make_friction.py [surface kernels numbers]
"""

import sys

import jax
import jax.numpy as jnp
import numpy as np
from make_gallery import keep

import brackish as bk
from brackish.analysis import friction as ef

WIDTH, SLOPE, HALF_WIDTH, LEVELS = 0.02, 0.05, 0.6, 300
SYSTEM = bk.models.newns_anderson(
    width=WIDTH, slope=SLOPE, band=bk.models.FlatBand(HALF_WIDTH), levels=bk.models.TrapezoidLevels(LEVELS)
)
MATRIX = ef.electronic_matrix(SYSTEM)
KELVIN = 3.1668115634564e-6


def closed_form(electrons, positions, frequency=0.0):
    """The friction of a level in a wide band."""

    def at(x):
        return ef.ResonantLevel(SLOPE * x, WIDTH, SLOPE).friction(electrons, frequency)

    return np.asarray(jax.jit(jax.vmap(at))(jnp.asarray(positions)))


def from_levels(electrons, positions, time=900.0):
    """The same from the eigenvectors of a band of 300 levels."""

    def at(x):
        levels = ef.electronic_levels(MATRIX, x[None])
        return ef.markov_kernel(electrons, levels, ef.UpToTime(time)).friction[0, 0]

    return np.asarray(jax.jit(lambda xs: jax.lax.map(at, xs))(jnp.asarray(positions)))


def surface() -> None:
    """Friction along the coordinate at four temperatures: the closed form, and a hundred levels."""
    positions, places = np.linspace(-1.5, 1.5, 301), np.linspace(-1.4, 1.4, 15)
    curves, dots = {}, {}
    for kelvin in (0, 600, 1500, 4000):
        electrons, name = bk.IndependentElectrons(kelvin * KELVIN), f"{kelvin} K"
        curves[name] = closed_form(electrons, positions)
        if kelvin:
            dots[name] = (places, from_levels(electrons, places))
            print(
                f"  {name}: levels / closed form {np.round(dots[name][1] / closed_form(electrons, places), 3)}"
            )
    keep(
        bk.plot.friction(
            positions,
            curves,
            dots=dots,
            title="A level moves through the Fermi energy of a metal",
            subtitle="lines: closed form of a wide band; circles: from the eigenvectors of a band of 300 levels",
        ),
        "friction_surface",
    )


def kernels() -> None:
    """The kernel in time and the friction at every frequency, at the Fermi energy and above it."""
    electrons = bk.IndependentElectrons(1500 * KELVIN)
    times, frequencies = np.linspace(0.0, 600.0, 301), np.linspace(0.0, 0.08, 161)
    correlations, spectra = {}, {}
    for x in (0.0, 0.4, 0.8):
        name = rf"$\epsilon_d$ = {SLOPE * x:g} hartree"
        levels = ef.electronic_levels(MATRIX, jnp.array([x]))
        correlations[name] = ef.force_correlation(electrons, levels, jnp.asarray(times)).total[:, 0, 0]
        level = ef.ResonantLevel(SLOPE * x, WIDTH, SLOPE)
        spectra[name] = jax.vmap(lambda w, level=level: level.friction(electrons, w))(
            jnp.asarray(frequencies)
        )
    keep(
        bk.plot.friction_kernels(
            times,
            correlations,
            frequencies,
            spectra,
            subtitle="a level at and above the Fermi energy, 0.02 hartree wide, 1500 K",
        ),
        "friction_kernels",
    )


def numbers() -> None:
    """What the page quotes."""
    electrons = bk.IndependentElectrons(1500 * KELVIN)
    x = np.array([0.2])
    exact = ef.LevelInBand(SYSTEM.level_energy, SYSTEM.level_width, bk.models.FlatBand(HALF_WIDTH))
    exact = exact.friction(electrons, x[:, None])[0, 0, 0]
    levels = ef.electronic_levels(MATRIX, jnp.asarray(x))
    print(f"  closed form of a wide band {closed_form(electrons, x)[0]:.6f}, of this band {exact:.6f}")
    for broadening in (
        ef.UpToTime(900.0),
        ef.GaussianBroadening(0.004),
        ef.GaussianBroadening(0.008),
        ef.Lorentzian(0.004),
        ef.Lorentzian(0.008),
    ):
        found = ef.markov_kernel(electrons, levels, broadening).friction[0, 0]
        print(f"  {broadening}: {found:.6f}, off by {100 * (found / exact - 1):.2g} %")


SCENES = {"surface": surface, "kernels": kernels, "numbers": numbers}

if __name__ == "__main__":
    for name in sys.argv[1:] or SCENES:
        SCENES[name]()
