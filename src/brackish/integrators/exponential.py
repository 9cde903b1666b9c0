r"""The exponential of a linear generator, to round-off for a step of any length.

$$e^{\tau S}=J_0(\tau)+2\sum_{k\ge1}J_k(\tau)\,\phi_k(S),\qquad\phi_0=1,\quad\phi_1=S,\quad
\phi_{k+1}=2S\phi_k+\phi_{k-1}$$

for a skew-Hermitian S with eigenvalues in $[-i,i]$: a Chebyshev series, whose terms vanish faster than any power
beyond $k=\tau$ (H. Tal-Ezer and R. Kosloff, J. Chem. Phys. 81, 3967 (1984)).
"""

from typing import ClassVar

import jax
import jax.numpy as jnp
import numpy as np
from jax import lax

from brackish.errors import UnsupportedHamiltonian
from brackish.integrators.base import Integrator, combine
from brackish.theory import HasGenerator, Status

LONGEST = 32.0
"""Longest series, as a phase: a step of a larger one is done in equal parts. Longer ones would gain little."""
TERMS = 80
SMALLEST = 1e-16
"""Terms beyond the last coefficient above this one are left out."""


class Exponential(Integrator):
    """exp(A dt) y for a theory with a linear generator A: norms are kept to round-off, and the error of a step does
    not depend on its length. `order` says the least of it.

    A step costs about 2.3 applications of A per unit of dt times its largest frequency, and never less than 10 or
    so: long steps are cheap.
    """

    order: ClassVar[int] = TERMS

    def check(self, theory, hamiltonian):
        if not isinstance(theory, HasGenerator):
            raise UnsupportedHamiltonian(
                f"Exponential needs a theory with a linear generator; {type(theory).__name__} offers none. "
                "Its default integrator will do."
            )

    def stepper(self, theory, hamiltonian, dt):
        generator = theory.generator(hamiltonian)
        phase = generator.bound * dt
        parts = jnp.maximum(1, jnp.ceil(jnp.abs(phase) / LONGEST)).astype(int)
        coefficients = _coefficients(phase / parts)
        count = jnp.max(jnp.where(jnp.abs(coefficients) > SMALLEST, np.arange(TERMS), 1)) + 1
        scale = jnp.where(generator.bound > 0, 1 / jnp.where(generator.bound > 0, generator.bound, 1.0), 0.0)

        def part(_, y):
            def term(k, carry):
                before, now, total = carry
                factor = jnp.where(k == 1, scale, 2 * scale)
                following = combine((factor, 1.0), (generator.apply(now), before))
                return now, following, combine((1.0, coefficients[k]), (total, following))

            nothing, first = combine((0.0,), (y,)), combine((coefficients[0],), (y,))
            return lax.fori_loop(1, count, term, (nothing, y, first))[2]

        def step(t, y, draws):
            return lax.fori_loop(0, parts, part, y), Status.fine

        return step


def _coefficients(phase) -> jax.Array:
    """J_0 and 2 J_k of a phase up to LONGEST, (TERMS,), by Bessel's integral over enough nodes to be exact."""
    nodes, terms = np.arange(2 * TERMS)[None, :], np.arange(TERMS)[:, None]
    # whole numbers first: large angles have few digits
    turned = np.pi / TERMS * (terms * nodes % (2 * TERMS)) - phase * np.sin(np.pi / TERMS * nodes)
    return jnp.mean(jnp.cos(turned), axis=1) * np.where(np.arange(TERMS) == 0, 1.0, 2.0)
