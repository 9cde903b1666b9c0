"""brackish against QC Lab on Tully's model I: speed of a step, and time to equal error.

Printed, per CPU second and from the same initial points (k = 20, 2000 electron masses):
  - trajectory-steps of mean field (Ehrenfest) and fewest-switches surface hopping, against QC Lab with its
    own packaged model and against QC Lab with ingredients that we compiled for it;
  - the processor time that 16384 mean-field trajectories need for a population error of 1e-4, relative to
    the limit dt -> 0 on identical points: each side with the longest step that reaches it, at every one of
    20 saves, and at the last save alone.
"""

import numpy as np
import peer_qclab
from _measuring import alternate, cpu_seconds, median, ratio
from yardstick import initial_points

import brackish as bk

TRAJECTORIES, ROUNDS = 16384, 5
STOP, SAVES, ERROR = 2000.0, 20, 1e-4
FEW = 64
"""Points from which errors are found; speed does not depend on the step, so it is measured with many."""

THEORIES = {"mean field": bk.Ehrenfest(), "surface hopping": bk.SurfaceHopping()}
PEER_STEPS = {"mean field": 100, "surface hopping": 50}


def speed_of_a_step() -> dict[str, list[float]]:
    """Print the ratios of trajectory-steps per CPU second; QC Lab's best speeds in mean field, for later."""
    tully = bk.models.tully(1)
    positions, momenta = initial_points(TRAJECTORIES)
    points = bk.Points(positions, momenta, state=0)
    steps = 1000
    speeds: dict[str, list[float]] = {}
    for name, theory in THEORIES.items():
        times = bk.times(stop=float(steps), saves=1, step=1.0)

        def ours(theory=theory, times=times):
            return (
                TRAJECTORIES
                * steps
                / cpu_seconds(lambda: bk.simulate(tully, theory, points, times, workers=1))
            )

        def theirs(model, name=name):
            many = slice(None, peer_qclab.BEST_BATCH)
            return peer_qclab.tully_one(
                name, positions[many], momenta[many], PEER_STEPS[name], 1.0, model=model
            ).trajectory_steps_per_second

        ours()  # compiles
        brackish, packaged, compiled = alternate(
            ROUNDS, ours, lambda: theirs("packaged"), lambda: theirs("compiled")
        )
        print(f"{name}: brackish {median(brackish)} trajectory-steps per CPU second")
        print(f"  QC Lab, packaged model {median(packaged)}: brackish is {ratio(brackish, packaged)}")
        print(f"  QC Lab, compiled model {median(compiled)}: brackish is {ratio(brackish, compiled)}")
        if name == "mean field":
            speeds = {"packaged": packaged, "compiled": compiled}
    return speeds


def our_populations(points, steps_a_save: int) -> np.ndarray:
    """Population of state 0 at all saves, (saves + 1,), with so many steps between two saves."""
    times = bk.times(stop=STOP, saves=SAVES, step=STOP / SAVES / steps_a_save)
    dataset = bk.simulate(bk.models.tully(1), bk.Ehrenfest(), points, times, workers=1)
    return np.asarray(dataset["population"])[:, 0]


def fewest_steps(population, limit, measure) -> int:
    """The fewest steps a save for which `measure` of population - limit stays within ERROR, to 5 %."""

    def fits(steps):
        return measure(population(steps) - limit) <= ERROR

    good = 1
    while not fits(good):
        good *= 2
    bad = good // 2
    while good - bad > max(1, 0.05 * good):
        middle = (good + bad) // 2
        good, bad = (middle, bad) if fits(middle) else (good, middle)
    return good


def time_to_equal_error(peer_speeds: dict[str, list[float]]) -> None:
    """Print the ratios of processor time for the same error."""
    positions, momenta = initial_points(TRAJECTORIES)
    few = bk.Points(positions[:FEW], momenta[:FEW], state=0)
    many = bk.Points(positions, momenta, state=0)

    def theirs(steps):
        run = peer_qclab.tully_one(
            "mean field",
            positions[:FEW],
            momenta[:FEW],
            SAVES * steps,
            STOP / SAVES / steps,
            SAVES,
            model="compiled",
        )
        return run.population[:, 0]

    limit = our_populations(few, 800)
    extrapolated = 2 * theirs(200) - theirs(100)  # QC Lab is of first order
    print(f"limits dt -> 0 of the two sides differ by {np.abs(limit - extrapolated).max():.1e} at most")
    measures = {
        "at every save": lambda error: np.abs(error).max(),
        "at the last save": lambda error: abs(error[-1]),
    }
    for name, measure in measures.items():
        our_steps = fewest_steps(lambda steps: our_populations(few, steps), limit, measure)
        their_steps = fewest_steps(theirs, limit, measure)
        our_populations(many, our_steps)  # compiles for this many
        seconds = [cpu_seconds(lambda steps=our_steps: our_populations(many, steps)) for _ in range(ROUNDS)]
        print(f"population error {ERROR:g} {name}:")
        print(f"  brackish, dt = {STOP / SAVES / our_steps:.3g}: {median(seconds)} CPU seconds")
        for model, speeds in peer_speeds.items():
            needed = [TRAJECTORIES * SAVES * their_steps / speed for speed in speeds]
            step, faster = STOP / SAVES / their_steps, ratio(needed, seconds)
            print(f"  QC Lab, {model} model, dt = {step:.3g}: {median(needed)} CPU seconds; ratio {faster}")


if __name__ == "__main__":
    time_to_equal_error(speed_of_a_step())
