"""Ehrenfest through the public `simulate`, from a user's own Hamiltonian function, against hand-written C.

Tully's model I, 16384 trajectories from the same initial points, 1000 steps of one atomic time unit.
Printed: the ratio of trajectory-steps per CPU second (1 means as fast as C), and how much sooner two
threads are done than one. Both sides must arrive at the same mean position.
"""

import jax.numpy as jnp
from _measuring import alternate, cpu_seconds, median, ratio, wall_seconds
from yardstick import EhrenfestKernel, initial_points

import brackish as bk

TRAJECTORIES, STEPS, ROUNDS = 16384, 1000, 7


def crossing(q):
    """Tully's model I, written as a user would: q (1,) -> (2, 2), hartree."""
    diagonal = jnp.sign(q[0]) * 0.01 * (1 - jnp.exp(-1.6 * jnp.abs(q[0])))
    coupling = 0.005 * jnp.exp(-(q[0] ** 2))
    return jnp.array([[diagonal, coupling], [coupling, -diagonal]])


def main() -> None:
    """Measure and print."""
    system = bk.hamiltonian(crossing, masses=[2000.0])
    positions, momenta = initial_points(TRAJECTORIES)
    points = bk.Points(positions, momenta, state=0)
    times = bk.times(stop=float(STEPS), saves=1, step=1.0)

    def run(workers):
        return bk.simulate(system, bk.Ehrenfest(), points, times, workers=workers)

    reached = float(run(1)["position"][-1, 0])  # compiles, too
    work = TRAJECTORIES * STEPS
    with EhrenfestKernel() as kernel:
        check = kernel.run(TRAJECTORIES)
        if abs(reached - check.mean_position) > 1e-8:
            raise SystemExit(f"The two sides disagree: mean position {reached} and {check.mean_position}.")
        ours, theirs = alternate(
            ROUNDS,
            lambda: work / cpu_seconds(lambda: run(1)),
            lambda: kernel.run(TRAJECTORIES).trajectory_steps_per_second,
        )
        print(f"brackish    {median(ours)} trajectory-steps per CPU second, set-up included")
        print(f"C kernel    {median(theirs)}")
        print(f"brackish against C: {ratio(ours, theirs)}")
        one, two, apart, together = alternate(
            ROUNDS,
            lambda: wall_seconds(lambda: run(1)),
            lambda: wall_seconds(lambda: run(2)),
            lambda: wall_seconds(lambda: [kernel.run(TRAJECTORIES) for _ in range(2)]),
            lambda: wall_seconds(lambda: kernel.run_together(2, TRAJECTORIES)),
        )
    print(f"wall time, one thread against two: {ratio(one, two)}")
    print(f"  two C programs, in turn against at once: {ratio(apart, together)} (2 on two idle cores)")


if __name__ == "__main__":
    main()
