"""The implicit midpoint rule: symplectic, and exact for every quadratic invariant (norms, spin lengths)."""

from typing import ClassVar

import equinox as eqx
import jax
import jax.numpy as jnp
from jax import lax

from brackish.integrators.base import Integrator, advance, combine, require_flow
from brackish.theory import Status


class ImplicitMidpoint(Integrator):
    """y1 = y0 + dt f((y0 + y1)/2), solved by fixed-point sweeps to `tolerance` (largest change of any entry).

    A step that has not converged after `sweeps` sweeps is reported, never passed over: take a smaller step.
    """

    tolerance: float = 1e-13
    sweeps: int = eqx.field(static=True, default=60)
    order: ClassVar[int] = 2

    def check(self, theory, hamiltonian):
        require_flow(self, theory)

    def stepper(self, theory, hamiltonian, dt):
        def step(t, y, draws):
            def sweep(carry):
                guess, _, count = carry
                middle = combine((0.5, 0.5), (y, guess))
                following = advance(y, dt, theory.flow(hamiltonian, t + 0.5 * dt, middle))
                return following, _largest_difference(guess, following), count + 1

            def unfinished(carry):
                _, change, count = carry
                return (change > self.tolerance) & (count < self.sweeps)

            explicit = advance(y, dt, theory.flow(hamiltonian, t, y))
            following, change, _ = lax.while_loop(unfinished, sweep, (explicit, jnp.asarray(jnp.inf), 0))
            status = jnp.where(change > 1e3 * self.tolerance, Status.did_not_converge, Status.fine)
            return following, status

        return step


def _largest_difference(a, b):
    """The largest change of any entry, relative to the size of its array (absolute below 1)."""
    leaves = zip(jax.tree_util.tree_leaves(a), jax.tree_util.tree_leaves(b), strict=True)
    changes = [
        jnp.max(jnp.abs(x - y)) / jnp.maximum(1.0, jnp.max(jnp.abs(x)))
        for x, y in leaves
        if eqx.is_inexact_array(x) and x.size
    ]
    return jnp.max(jnp.stack(changes))
