"""The exact propagation against its own Fourier transforms.

Exact on Tully's model I (two levels, one coordinate) and on a two-coordinate model, through the public
`simulate`; the rival does nothing but the same JAX transforms, as many of them, on an array of the same
shape. Times of both are per step: the difference of a long and a short run, so that set-up is left out.
Printed: time of Exact over time of its transforms (1 would mean that the rest is free).
"""

import jax
import jax.numpy as jnp
from _measuring import alternate, cpu_seconds, median, ratio
from jax import lax

import brackish as bk

ROUNDS = 5
SHORT = 10
TRANSFORMS = 6
"""Pairs of transforms in a step of the default integrator: six kinetic stages (Blanes and Moan)."""


def conical(q):
    """Two coupled oscillators with a conical intersection: q (2,) -> (2, 2), hartree."""
    mean = 0.5 * 0.01 * jnp.sum(q**2)
    return jnp.array([[mean + 0.01 * q[0], 0.01 * q[1]], [0.01 * q[1], mean - 0.01 * q[0]]])


def cases():
    """Name, system, packet, grid and number of steps of what is measured."""
    tully = bk.models.tully(1)
    packet = bk.GaussianPacket(position=-8.0, momentum=20.0, width=1.0, state=0)
    for points in (512, 2048, 8192):
        yield f"Tully I, {points} points", tully, packet, bk.Grid(-32.0, 32.0, points), 2_000_000 // points
    plane = bk.hamiltonian(conical, masses=[100.0, 100.0])
    start = bk.GaussianPacket(position=[1.0, 0.0], momentum=[0.0, 0.0], width=[0.7, 0.7], state=0)
    for points in (64, 256):
        grid = bk.Grid([-8.0, -8.0], [8.0, 8.0], [points, points])
        yield f"conical intersection, {points} x {points} points", plane, start, grid, 2_000_000 // points**2


@jax.jit
def transforms_alone(psi, steps):
    """As many transforms over the trailing axes of psi (2, ...) as `steps` steps take."""
    axes = tuple(range(1, psi.ndim))

    def step(_, psi):
        for _ in range(TRANSFORMS):
            psi = (
                jnp.fft.ifft(jnp.fft.fft(psi))
                if len(axes) == 1
                else jnp.fft.ifftn(jnp.fft.fftn(psi, axes=axes), axes=axes)
            )
        return psi

    return lax.fori_loop(0, steps, step, psi)


def main() -> None:
    """Measure and print."""
    for name, system, packet, grid, long in cases():
        theory = bk.Exact(grid=grid, edge_tolerance=1.0)
        psi = jnp.ones((2, *grid.points), dtype=complex)

        def exact(steps, system=system, theory=theory, packet=packet):
            bk.simulate(system, theory, packet, bk.times(stop=float(steps), saves=1, step=1.0), workers=1)

        def alone(steps, psi=psi):
            transforms_alone(psi, steps).block_until_ready()

        def per_step(run, long=SHORT + long):
            return 1e6 * (cpu_seconds(lambda: run(long)) - cpu_seconds(lambda: run(SHORT))) / (long - SHORT)

        exact(SHORT), alone(SHORT)  # compiles
        ours, theirs = alternate(ROUNDS, lambda: per_step(exact), lambda: per_step(alone))
        print(f"{name}, processor microseconds a step: {median(ours)}, its transforms alone {median(theirs)}")
        print(f"  Exact against its transforms: {ratio(ours, theirs)}", flush=True)


if __name__ == "__main__":
    main()
