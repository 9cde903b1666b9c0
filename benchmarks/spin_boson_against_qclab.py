"""brackish against QC Lab on the spin-boson model: mean field, 100 and 1000 bath modes.

E = V = 0.5, kT = 1, Debye bath with cutoff 0.1 and reorganisation energy 0.02. Printed: the ratio of
trajectory-steps per CPU second; and that brackish, which rotates the modes exactly, moves in the same step
with 100 modes and with 1000, although the stiffest of the thousand is ten times as fast.
"""

import numpy as np
import peer_qclab
from _measuring import alternate, cpu_seconds, median, ratio

import brackish as bk

ROUNDS = 5
STEPS, SAVES, STOP = 1000, 2, 20.0
"""Both sides take this many steps and look twice; the cost of a step does not depend on its length."""
TRAJECTORIES = {100: 2048, 1000: 256}
LONG_STEP = 0.1
"""A step of brackish whose error is printed: short for the spin, long for the stiffest modes."""
EXACT = {10.0: 0.73284, 20.0: 0.67354}
"""Numerically exact population of state 0 at these times."""


def main() -> None:
    """Measure and print."""
    bath = bk.ThermalBath(temperature=1.0, state=0, classical=True)
    for modes, trajectories in TRAJECTORIES.items():
        system = bk.models.spin_boson(modes=modes)

        def run(step=STOP / STEPS, system=system, trajectories=trajectories):
            times = bk.times(stop=STOP, saves=SAVES, step=step)
            return bk.simulate(
                system, bk.Ehrenfest(), bath, times, trajectories=trajectories, seed=1, workers=1
            )

        fine, coarse = run(), run(LONG_STEP)  # the first compiles
        change = float(np.abs(coarse["population"] - fine["population"]).max())
        drift = float(np.abs(coarse["energy"] - coarse["energy"][0]).max())
        ours, theirs = alternate(
            ROUNDS,
            lambda run=run, work=trajectories * STEPS: work / cpu_seconds(run),
            lambda modes=modes: (
                peer_qclab.spin_boson(
                    "mean field", modes, peer_qclab.BEST_BATCH_BATH[modes], STEPS, STOP / STEPS, SAVES
                ).trajectory_steps_per_second
            ),
        )
        print(f"{modes} modes, stiffest frequency {np.max(system.frequencies):.3g}")
        print(f"  brackish {median(ours)}, QC Lab {median(theirs)} trajectory-steps per CPU second")
        print(f"  brackish against QC Lab: {ratio(ours, theirs)}")
        for time, exact in EXACT.items():
            population = float(fine["population"].sel(time=time)[0])
            error = float(fine["population_standard_error"].sel(time=time)[0])
            print(f"  P0({time:g}) = {population:.4f} +- {error:.4f}, numerically exact {exact}")
        print(
            f"  step {LONG_STEP}: populations differ by {change:.1e}, energy drifts by {drift:.1e} hartree",
            flush=True,
        )


if __name__ == "__main__":
    main()
