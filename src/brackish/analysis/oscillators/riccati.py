r"""The matrix Riccati equation, solved exactly for any length of time.

$$\dot V=FV+VF^T+N-VGV$$

Its flow over a time is $V\mapsto E+A\,V(1+GV)^{-1}A^T$ with three matrices that are made for a short time by one
exponential of a Hamiltonian matrix, and for twice the time from those for once: the doubling of E. K.-W. Chu, H.-Y. Fan
and W.-W. Lin, Linear Algebra Appl. 396, 55 (2005). Nothing grows on the way, and JAX can differentiate it.
"""

import equinox as eqx
import jax
import jax.numpy as jnp
from jax import lax

from brackish.typing import Array, Float


class RiccatiFlow(eqx.Module):
    """The flow over some time. `moved`, A: what is left of a small start. `reached`, E: where a start of zero comes to.
    `watched`, G: how much a start has been seen meanwhile. Each (z, z).
    """

    moved: Float[Array, "z z"]
    reached: Float[Array, "z z"]
    watched: Float[Array, "z z"]

    def __call__(self, start: Float[Array, "z z"]) -> Float[Array, "z z"]:
        """V at the end, from V at the start."""
        unit = jnp.eye(start.shape[0])
        carried = jnp.linalg.solve((unit + self.watched @ start).T, start.T).T
        return _symmetrised(self.reached + self.moved @ carried @ self.moved.T)

    def doubled(self) -> "RiccatiFlow":
        """Over twice the time."""
        size = self.moved.shape[0]
        both = jnp.concatenate([self.moved, self.reached], axis=1)
        solved = jnp.linalg.solve(jnp.eye(size) + self.reached @ self.watched, both)
        once, carried = solved[:, :size], solved[:, size:]
        seen = self.moved.T @ self.watched @ once
        return RiccatiFlow(
            self.moved @ once,
            _symmetrised(self.reached + self.moved @ carried @ self.moved.T),
            _symmetrised(self.watched + seen),
        )


def riccati_flow(
    drift: Float[Array, "z z"],
    noise: Float[Array, "z z"],
    gain: Float[Array, "z z"],
    time,
    doublings: int,
) -> RiccatiFlow:
    """The flow over a time, from F, N and G; `doublings`: how often the time may be halved before it is short."""
    size = drift.shape[0]
    generator = jnp.block([[drift, noise], [gain, -drift.T]])
    reach = time * jnp.max(jnp.sum(jnp.abs(generator), axis=0))
    halvings = jnp.minimum(jnp.ceil(jnp.log2(jnp.maximum(lax.stop_gradient(reach), 1.0))), doublings)
    block = jax.scipy.linalg.expm(time / 2.0**halvings * generator)
    last = block[size:, size:]
    moved = jnp.linalg.inv(last).T
    short = RiccatiFlow(moved, block[:size, size:] @ moved.T, moved.T @ block[size:, :size])

    def double(flow, number):
        twice = flow.doubled()
        return jax.tree_util.tree_map(
            lambda new, old: jnp.where(number < halvings, new, old), twice, flow
        ), None

    flow, _ = lax.scan(double, short, jnp.arange(doublings))
    return flow


def _symmetrised(matrix):
    return 0.5 * (matrix + matrix.T)
