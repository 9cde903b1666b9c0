"""The hybrid Wigner equation against its own Fourier transforms.

A classical oscillator on a spring with a quantum one in a quartic well, `HybridWigner` through the public `simulate`,
with and without friction; the rival does nothing but the same real JAX transforms, as many of them, on an array of the
same shape. Times of both are per step: the difference of a long and a short run, so that set-up is left out. Printed:
time of the theory over time of its transforms (1 would mean that the rest is free).
"""

import jax
import jax.numpy as jnp
import numpy as np
from _measuring import alternate, cpu_seconds, median, ratio
from jax import lax

import brackish as bk

ROUNDS = 3
SHORT, LONG = 4, 24
DIFFUSION, FRICTION, STEP = 0.4, 0.3, 0.02
POINTS = (32, 48)
AXES = ((0, 2), (1, 3))
"""Each step goes to waves and back once in both positions (drift), and once in both momenta (potential)."""


def quartic(z):
    """V(q, x) of a spring and a quartic well: z (2,) -> (1, 1)."""
    q, x = z
    return jnp.reshape(0.5 * q**2 + 0.5 * x**2 + 0.1 * x**4 + 0.2 * (q - x) ** 2, (1, 1))


@jax.jit
def transforms_alone(wigner, steps):
    """As many transforms of a Wigner function (Q, P, X, K) as `steps` steps take."""

    def step(_, wigner):
        for axes in AXES:
            shape = [wigner.shape[axis] for axis in axes]
            wigner = jnp.fft.irfftn(jnp.fft.rfftn(wigner, axes=axes), shape, axes=axes)
        return wigner

    return lax.fori_loop(0, steps, step, wigner)


def main() -> None:
    """Measure and print."""
    system = bk.hamiltonian(quartic, np.ones(2), step=STEP)
    start = bk.GaussianPacket([0.3, 0.2], [0.0, 0.0], [0.7, 0.7])
    for points in POINTS:
        plane = bk.PhaseSpace((-6.0, -6.0), (6.0, 6.0), points)
        wigner = jnp.ones((points,) * 4)
        for friction in (0.0, FRICTION):
            theory = bk.HybridWigner(DIFFUSION, plane, plane, friction, tolerance=1.0)

            def whole(steps, theory=theory):
                bk.simulate(
                    system, theory, start, bk.times(steps * STEP, 1, step=STEP), workers=1, observables=()
                )

            def alone(steps, wigner=wigner):
                transforms_alone(wigner, steps).block_until_ready()

            def per_step(run):
                return (
                    1e3 * (cpu_seconds(lambda: run(LONG)) - cpu_seconds(lambda: run(SHORT))) / (LONG - SHORT)
                )

            whole(SHORT), alone(SHORT)  # compiles
            ours, theirs = alternate(ROUNDS, lambda: per_step(whole), lambda: per_step(alone))
            print(
                f"{points}^4 points, friction {friction}: {median(ours)} ms a step, transforms {median(theirs)}"
            )
            print(f"  HybridWigner against its transforms: {ratio(ours, theirs)}", flush=True)


if __name__ == "__main__":
    main()
