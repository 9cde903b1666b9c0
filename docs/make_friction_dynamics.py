"""The picture and the numbers of the page on dynamics with friction: `python docs/make_friction_dynamics.py
[relaxation]`.
"""

import sys

import jax
import jax.numpy as jnp
import numpy as np
from make_gallery import keep

import brackish as bk
from brackish.analysis import fitted_kernel
from brackish.analysis import friction as ef

MASS, WIDTH, LEVELS, TEMPERATURE, LASTING = 2000.0, 0.02, 200, 0.004, 3000.0
CASES = ((0.004, 0.006, 0.3, 7.5), (0.01, 0.012, 0.2, 5.0), (0.03, 0.03, 0.1, 2.5))
"""Frequency of the atom, slope of its level, how far it is pulled away, and the step."""
ELECTRONS = bk.IndependentElectrons(TEMPERATURE)


def relaxations(frequency: float, slope: float, away: float, step: float):
    """The energy of the atom over time by three theories, as a share of the first."""
    system = bk.models.newns_anderson(
        MASS, frequency, slope=slope, width=WIDTH, levels=bk.models.TrapezoidLevels(LEVELS)
    )
    samples = np.linspace(0.0, 800.0, 401)
    levels = ef.electronic_levels(ef.electronic_matrix(system), jnp.zeros(1))
    correlation = ef.force_correlation(ELECTRONS, levels, jnp.asarray(samples)).total[:, 0, 0]
    fit = fitted_kernel(samples, np.asarray(correlation), 8)
    middle = -0.5 * slope / (MASS * frequency**2)
    lower, upper = 2 * middle - 2 * away, 2 * away
    options = {"random_force": False, "table": bk.Table(lower, upper, 64)}

    def markov(q):
        return ef.ResonantLevel(slope * q[0], WIDTH, slope).friction(ELECTRONS)

    theories = {
        "mixed-state Ehrenfest": bk.MixedStateEhrenfest(ELECTRONS),
        "memory friction": bk.MolecularDynamicsWithFriction(
            ELECTRONS, bk.MemoryFriction(fit.kernel), **options
        ),
        "Markovian friction": bk.MolecularDynamicsWithFriction(ELECTRONS, markov, **options),
    }
    surface = theories["memory friction"].resolve(system, None, None)

    @jax.jit
    def at_rest(positions):
        return jax.vmap(lambda q: surface.surface(system, q) + system.harmonic(q))(positions)

    floor = np.asarray(at_rest(jnp.linspace(lower, upper, 4001)[:, None])).min()
    start, times = bk.Points([middle + away], [0.0]), bk.times(LASTING, 200, step=step)
    shares, rates = {}, {}
    for name, theory in theories.items():
        run = bk.simulate(system, theory, start, times, trajectories=1, workers=1, follow=0)
        position, momentum = run.position.values, run.momentum.values[:, 0]
        energy = momentum**2 / (2 * MASS) + np.asarray(at_rest(jnp.asarray(position))) - floor
        shares[name] = energy / energy[0]
        rates[name] = -np.polyfit(run.time.values, np.log(energy), 1)[0]
    print(f"frequency / width {frequency / WIDTH:.2g}; kernel fitted to {fit.error:.1e}; rates of energy:")
    for name, rate in rates.items():
        print(f"  {name}: {rate:.4g}, {rate / rates['mixed-state Ehrenfest']:.3f} of Ehrenfest's")
    slow, fast = fit.kernel.spectrum([0.0, frequency]) / MASS
    print(f"  eta / m: {fast:.4g} at this frequency, {slow:.4g} at 0")
    return run.time.values, shares


def relaxation() -> None:
    """An atom that vibrates slowly, as fast as the electrons forget, and faster."""
    panels = {}
    for case in CASES:
        times, shares = relaxations(*case)
        panels[f"energy left, $\\omega={case[0] / WIDTH:.1f}\\,\\Gamma$"] = shares
    figure = bk.plot.curves(
        times,
        panels,
        label="time (atomic units)",
        title="Friction out of electrons: an atom vibrates on a metal",
        subtitle=f"a level of width 0.02 hartree in a band of {LEVELS} levels, k$_B$T = 0.004 hartree",
    )
    keep(figure, "friction_relaxation")


SCENES = {"relaxation": relaxation}

if __name__ == "__main__":
    for name in sys.argv[1:] or SCENES:
        SCENES[name]()
