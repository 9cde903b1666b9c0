"""How fast trajectories of classical-quantum diffusion are, on one core, beside QuTiP's stochastic solver.

`python benchmarks/classical_quantum.py` runs 1e4 trajectories of the oscillator pair, the quantum one in 24 Fock
states, over 1e3 steps; and with QuTiP (`pip install qutip`) the oscillator that is monitored in the same way, without a
classical one beside it, over fewer trajectories and steps. Printed are processor seconds for a step of a trajectory and
their ratio, for QuTiP's default (`platen`) and for the cheapest of its methods, of order 1/2 (`euler`), which is not
always stable at this step.
"""

import _one_core  # noqa: F401
import numpy as np
from _measuring import alternate, cpu_seconds, median, ratio

import brackish as bk

ROUNDS = 3
TRAJECTORIES, STEPS, STEP = 10_000, 1_000, 0.02
THEIR_TRAJECTORIES, THEIR_STEPS = 8, 500
DIFFUSION, FRICTION, COUPLING, LEVELS = 1.0, 0.5, 0.5, 24


def ours() -> float:
    """Processor seconds for a step of a trajectory, through `simulate`."""
    pair = bk.models.oscillator_pair(coupling=bk.analysis.oscillators.Spring(COUPLING))
    start = bk.GaussianCloud(position=0.5, momentum=0.0, width=0.5, momentum_width=0.5)
    theory = bk.ClassicalQuantum(DIFFUSION, friction=FRICTION)
    times = bk.times(STEPS * STEP, 10, step=STEP)

    def run():
        bk.simulate(pair, theory, start, times, trajectories=TRAJECTORIES, workers=1, follow=0)

    return cpu_seconds(run) / (TRAJECTORIES * STEPS)


def theirs(method: str) -> float:
    """The same with QuTiP: an oscillator whose position is measured, d(psi) with 1/2 sigma^-1 f in front of dW."""
    import qutip

    stiffness = 1 + COUPLING
    lowering = qutip.destroy(LEVELS)
    position = (lowering + lowering.dag()) / np.sqrt(2) / stiffness**0.25
    energy = np.sqrt(stiffness) * (lowering.dag() * lowering + 0.5)
    monitored = 0.5 * COUPLING / np.sqrt(DIFFUSION) * position
    saves = np.linspace(0.0, THEIR_STEPS * STEP, 11)
    options = {"method": method, "dt": STEP, "progress_bar": "", "store_states": False}
    start = qutip.basis(LEVELS, 0)

    def run():
        qutip.ssesolve(
            energy,
            start,
            saves,
            sc_ops=[monitored],
            e_ops=[position],
            ntraj=THEIR_TRAJECTORIES,
            options=options,
        )

    return cpu_seconds(run) / (THEIR_TRAJECTORIES * THEIR_STEPS)


if __name__ == "__main__":
    ours()  # compiles
    methods = ("euler", "platen")
    try:
        mine, *others = alternate(ROUNDS, ours, *(lambda method=method: theirs(method) for method in methods))
    except ImportError:
        mine, others = [ours() for _ in range(ROUNDS)], []
        print("QuTiP is not installed, so nothing stands beside it")
    print(f"brackish: {median([1e6 * one for one in mine])} microseconds for a step of a trajectory")
    for method, other in zip(methods, others, strict=False):
        print(
            f"QuTiP, {method}: {median([1e6 * one for one in other])} microseconds, {ratio(other, mine)} as long"
        )
