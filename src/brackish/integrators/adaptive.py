"""Adaptive steps by diffrax, behind a real view of the state."""

from typing import ClassVar

import equinox as eqx
import jax
import jax.numpy as jnp

from brackish.integrators.base import Integrator, require_flow
from brackish.theory import Status


class Adaptive(Integrator):
    """Dormand–Prince 8(7) with error control, as diffrax has it: for accurate references of smooth flows.

    The `dt` of a run becomes the spacing at which the controller starts afresh, not the step. Structure is
    not kept beyond the tolerances.
    """

    relative_tolerance: float = 1e-10
    absolute_tolerance: float = 1e-12
    largest_count: int = eqx.field(static=True, default=100_000)
    order: ClassVar[int] = 8

    def check(self, theory, hamiltonian):
        require_flow(self, theory)

    def stepper(self, theory, hamiltonian, dt):
        import diffrax

        def step(t, y, draws):
            evolving, fixed = eqx.partition(y, eqx.is_inexact_array)

            def field(time, real, _):
                slope = theory.flow(hamiltonian, time, eqx.combine(_complex_view(real, evolving), fixed))
                return _real_view(eqx.filter(slope, eqx.is_inexact_array))

            solution = diffrax.diffeqsolve(
                diffrax.ODETerm(field),
                diffrax.Dopri8(),
                t,
                t + dt,
                None,
                _real_view(evolving),
                stepsize_controller=diffrax.PIDController(self.relative_tolerance, self.absolute_tolerance),
                max_steps=self.largest_count,
                throw=False,
            )
            end = _complex_view(jax.tree_util.tree_map(lambda leaf: leaf[-1], solution.ys), evolving)
            done = solution.result == diffrax.RESULTS.successful
            return eqx.combine(end, fixed), jnp.where(done, Status.fine, Status.did_not_converge)

        return step


def _real_view(tree):
    return jax.tree_util.tree_map(
        lambda x: jnp.stack([x.real, x.imag]) if jnp.iscomplexobj(x) else jnp.asarray(x), tree
    )


def _complex_view(real, like):
    return jax.tree_util.tree_map(
        lambda x, template: x[0] + 1j * x[1] if jnp.iscomplexobj(template) else x, real, like
    )
