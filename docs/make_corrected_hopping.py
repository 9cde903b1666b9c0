"""The table of corrected hopping on the page on surface hopping.

`python docs/make_corrected_hopping.py [tully1_k10 ...]`: all systems, or some of them. Each row is 4000 trajectories:
at once where they are alone, in 8 ensembles of 500 where they correct each other. Numbers are those at the end, with
standard errors in the last digit; the two columns of errors are root mean squares over all saves of what differs from
`Exact`.
"""

import sys

import jax
import jax.numpy as jnp
import numpy as np

import brackish as bk
from brackish.quantum import apply, dagger, eigensystem

SYSTEMS = {
    "tully1_k10": ("Tully I, k = 10", 1, 10.0, -8.0, 4000.0),
    "tully1_k20": ("Tully I, k = 20", 1, 20.0, -8.0, 2000.0),
    "tully2_k16": ("Tully II, k = 16", 2, 16.0, -10.0, 3000.0),
    "tully2_k30": ("Tully II, k = 30", 2, 30.0, -10.0, 1600.0),
    "tully3_k10": ("Tully III, k = 10", 3, 10.0, -10.0, 4500.0),
}
ENSEMBLES, SIZE = 8, 500
DAMPED = bk.EnergyBasedDecoherence()
THEORIES = {
    "uncorrected": bk.SurfaceHopping(),
    "uncorrected, energy-based decoherence": bk.SurfaceHopping(decoherence=DAMPED),
    "`OsmoticCorrection`": bk.SurfaceHopping(correction=bk.OsmoticCorrection()),
    "`FullCorrection`": bk.SurfaceHopping(correction=bk.FullCorrection()),
    "`FullCorrection`, energy-based decoherence": bk.SurfaceHopping(
        correction=bk.FullCorrection(), decoherence=DAMPED
    ),
}


def carried(theory, hamiltonian, y):
    """Of each trajectory |c_n|^2, what its electronic state says of the populations, (N, d), and its weight, (N,)."""

    def of_one(trajectory):
        _, vectors = eigensystem(hamiltonian.potential(trajectory.point.position))
        return jnp.abs(apply(dagger(vectors), trajectory.psi)) ** 2

    if theory.coupled:
        return jax.vmap(of_one)(y.trajectory), y.weight
    return of_one(y)[None], jnp.ones(1)


def carried_population(theory, hamiltonian, y):
    """The mean of |c_1|^2."""
    populations, weight = carried(theory, hamiltonian, y)
    return jnp.sum(weight * populations[:, 1])


def indicator(theory, hamiltonian, y):
    """The mean of |c_0|^2 |c_1|^2: what coherence each trajectory has left by itself."""
    populations, weight = carried(theory, hamiltonian, y)
    return jnp.sum(weight * populations[:, 0] * populations[:, 1])


OWN = (bk.Observable("carried", carried_population), bk.Observable("indicator", indicator))


def exact_indicator(hamiltonian, run) -> float:
    """The same of an exact wavefunction, at the end: the mean of p_0 p_1 over the nuclear density."""
    fields = bk.analysis.factorize_run(hamiltonian, run, float(run.time[-1]))
    populations = fields.adiabatic_population
    return float(jnp.sum(fields.density * populations[0] * populations[1]) * fields.grid.cell)


def with_error(value, error) -> str:
    """A number with the standard error of its last digit in brackets."""
    digits = 4 if not error > 0 else max(0, min(4, -int(np.floor(np.log10(2 * error)))))
    return f"{value:.{digits}f}" + (f"({round(error * 10**digits)})" if error > 0 else "")


def ends(run, name: str, *place: int) -> str:
    """The last value of a quantity."""
    return with_error(*(run[name + kind].values[(-1, *place)] for kind in ("", "_standard_error")))


def rms(run, exact, quantity) -> str:
    """The root mean square over all saves of what differs from the exact run."""
    return f"{np.sqrt(np.mean((quantity(run) - quantity(exact)) ** 2)):.3f}"


def row(label: str, run, exact, left: str, hops: str) -> str:
    """One line of the table."""
    cells = [
        label,
        ends(run, "adiabatic_population", 1),
        ends(run, "carried") if "carried" in run else "",
        left,
        rms(run, exact, lambda data: data.coherence.values),
        ends(run, "momentum", 0),
        rms(run, exact, lambda data: data.momentum.values[:, 0]),
        hops,
    ]
    return "| " + " | ".join(cells) + " |"


def table(name: str) -> None:
    """All kinds of hopping on one system."""
    title, model, momentum, position, stop = SYSTEMS[name]
    system, times = bk.models.tully(model), bk.times(stop, saves=100)
    packet = bk.GaussianPacket(position, momentum, 10 / momentum, bk.Adiabatic(0))
    exact = bk.simulate(system, bk.Exact(), packet, times, observables=(bk.observables.wavefunction(),))
    print(
        f"\n| {title} | upper population | mean of $\\lvert c_1\\rvert^2$ | indicator | coherence, error | momentum |"
        " momentum, error | hops |"
    )
    print("|" + " --- |" * 8)
    print(row("exact", exact, exact, f"{exact_indicator(system, exact):.4f}", ""), flush=True)
    for label, theory in THEORIES.items():
        size = SIZE if theory.coupled else SIZE * ENSEMBLES
        ensembles = ENSEMBLES if theory.coupled else 1
        run = bk.simulate(
            system,
            theory,
            packet,
            times,
            trajectories=size,
            ensembles=ensembles,
            seed=1,
            observables=OWN,
            follow=256,
        )
        upper = run.trajectory_adiabatic_population.values[..., 1] > 0.5
        hops = np.mean(np.sum(upper[:, 1:] != upper[:, :-1], axis=1))
        print(row(label, run, exact, ends(run, "indicator"), f"{hops:.2f}"), flush=True)


if __name__ == "__main__":
    for chosen in sys.argv[1:] or SYSTEMS:
        table(chosen)
