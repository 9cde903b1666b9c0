"""Runge and Kutta's eighth order, brought back to the space where the state lives after every step."""

from typing import ClassVar

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
from jax import lax

from brackish.errors import UnsupportedHamiltonian
from brackish.integrators.base import Integrator, require_flow
from brackish.theory import HasRetraction, Status

_ROOT = 21**0.5
_LATE, _EARLY = (7 + _ROOT) / 14, (7 - _ROOT) / 14
_NODES = (0, 1 / 2, 1 / 2, _LATE, _LATE, 1 / 2, _EARLY, _EARLY, 1 / 2, _LATE, 1)
_STAGES = (
    (1 / 2,),
    (1 / 4, 1 / 4),
    (1 / 7, (-7 - 3 * _ROOT) / 98, (21 + 5 * _ROOT) / 49),
    ((11 + _ROOT) / 84, 0, (18 + 4 * _ROOT) / 63, (21 - _ROOT) / 252),
    ((5 + _ROOT) / 48, 0, (9 + _ROOT) / 36, (-231 + 14 * _ROOT) / 360, (63 - 7 * _ROOT) / 80),
    (
        *((10 - _ROOT) / 42, 0, (-432 + 92 * _ROOT) / 315, (633 - 145 * _ROOT) / 90),
        *((-504 + 115 * _ROOT) / 70, (63 - 13 * _ROOT) / 35),
    ),
    (1 / 14, 0, 0, 0, (14 - 3 * _ROOT) / 126, (13 - 3 * _ROOT) / 63, 1 / 9),
    (
        *(1 / 32, 0, 0, 0, (91 - 21 * _ROOT) / 576, 11 / 72),
        *((-385 - 75 * _ROOT) / 1152, (63 + 13 * _ROOT) / 128),
    ),
    (
        *(1 / 14, 0, 0, 0, 1 / 9, (-733 - 147 * _ROOT) / 2205),
        *((515 + 111 * _ROOT) / 504, (-51 - 11 * _ROOT) / 56, (132 + 28 * _ROOT) / 245),
    ),
    (
        *(0, 0, 0, 0, (-42 + 7 * _ROOT) / 18, (-18 + 28 * _ROOT) / 45),
        *((-273 - 53 * _ROOT) / 72, (301 + 53 * _ROOT) / 72, (28 - 28 * _ROOT) / 45, (49 - 7 * _ROOT) / 18),
    ),
)
_WEIGHTS = (1 / 20, 0, 0, 0, 0, 0, 0, 49 / 180, 16 / 45, 49 / 180, 1 / 20)

_ROWS = np.array([np.pad(row, (0, len(_NODES) - len(row))) for row in ((), *_STAGES)])


class RetractedRungeKutta8(Integrator):
    """Eleven stages of order 8, then the theory's own retraction to the space of states (unitary frames, unit vectors):
    what that space conserves is conserved to round-off, the rest to the order of the step.

    G. J. Cooper and J. H. Verner, SIAM J. Numer. Anal. 9, 389 (1972); for retractions, E. Celledoni and B. Owren, SIAM
    J. Numer. Anal. 40, 2069 (2002).
    """

    order: ClassVar[int] = 8

    def check(self, theory, hamiltonian):
        require_flow(self, theory)
        if not isinstance(theory, HasRetraction):
            raise UnsupportedHamiltonian(
                f"RetractedRungeKutta8 needs a theory with a retraction; {type(theory).__name__} offers none. "
                "Its default integrator will do."
            )

    def stepper(self, theory, hamiltonian, dt):
        # the stages are one loop and not eleven copies of the flow, which would compile for as much longer
        def step(t, y, draws):
            def stage(number, slopes):
                here = _moved(y, dt, jnp.asarray(_ROWS)[number], slopes)
                slope = theory.flow(hamiltonian, t + jnp.asarray(_NODES)[number] * dt, here)
                return jax.tree_util.tree_map(lambda kept, new: kept.at[number].set(new), slopes, slope)

            none = jax.tree_util.tree_map(lambda leaf: jnp.zeros((len(_NODES), *leaf.shape), leaf.dtype), y)
            slopes = lax.fori_loop(0, len(_NODES), stage, none)
            return theory.retract(hamiltonian, _moved(y, dt, jnp.asarray(_WEIGHTS), slopes)), Status.fine

        return step


def _moved(y, dt, coefficients, slopes):
    """y + dt times the combination of slopes, which lie along the first axis of each leaf."""
    return jax.tree_util.tree_map(
        lambda leaf, kept: (
            leaf + dt * jnp.tensordot(coefficients.astype(kept.dtype), kept, axes=1)
            if eqx.is_inexact_array(leaf)
            else leaf
        ),
        y,
        slopes,
    )
