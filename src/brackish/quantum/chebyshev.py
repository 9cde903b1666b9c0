r"""Exponentials of a Hermitian operator that is known by its action alone, for complex times.

$$e^{z\hat x}=I_0(z)+2\sum_{k\ge1}I_k(z)\,T_k(\hat x),\qquad T_{k+1}=2\hat xT_k-T_{k-1}$$

for eigenvalues of $\hat x$ in [-1, 1]: a Chebyshev series, whose terms vanish faster than any power beyond $k=|z|$ (H.
Tal-Ezer and R. Kosloff, J. Chem. Phys. 81, 3967 (1984)).
"""

from collections.abc import Callable

import jax.numpy as jnp
import numpy as np
from jax import lax

from brackish.typing import Array, Complex, Float, Int

LONGEST = 32.0
"""The largest |z| of a series; more is done in equal parts."""
LARGEST_GROWTH = 4.0
"""The largest real part of z: a state may shrink by as much as another grows, and loses the digits between."""
TERMS = 80
SMALLEST = 1e-15
"""Terms beyond the last coefficient above this one, in units of the largest, are left out; their round-off is below."""


def exponential_action(
    apply: Callable[[Float[Array, "2 D r"]], Float[Array, "2 D r"]],
    lowest: Float[Array, ""],
    highest: Float[Array, ""],
    factor: Complex[Array, ""],
    tidy: Callable[[Complex[Array, "D r"]], Complex[Array, "D r"]],
) -> Callable[[Complex[Array, "D r"]], Complex[Array, "D r"]]:
    """The map of columns to exp(factor H) times them, but for a number, to round-off.

    `apply`: the action of H, whose eigenvalues lie between `lowest` and `highest`, on real parts before imaginary ones:
    complex products do not vectorise on CPUs. `tidy`: a normalisation, done after each part of a long exponential. What
    does not depend on the columns is computed here.
    """
    centre, radius = 0.5 * (lowest + highest), 0.5 * (highest - lowest)
    radius = jnp.where(radius > 0, radius, 1.0)
    parts, coefficients, count = series(factor * radius)

    slope, shift = 1 / radius, centre / radius

    def weighed(k, term):
        real, imaginary = coefficients[k].real, coefficients[k].imag
        return jnp.stack([real * term[0] - imaginary * term[1], real * term[1] + imaginary * term[0]])

    def part(_, columns):
        def term(k, carry):
            before, now, total = carry
            following = 2 * (slope * apply(now) - shift * now) - before
            return now, following, total + weighed(k, following)

        begin = jnp.stack([columns.real, columns.imag])
        first = slope * apply(begin) - shift * begin
        start = (begin, first, weighed(0, begin) + weighed(1, first))
        total = lax.fori_loop(2, count, term, start)[2]
        return tidy(lax.complex(total[0], total[1]))

    return lambda columns: lax.fori_loop(0, parts, part, columns)


def series(argument: Complex[Array, ""]) -> tuple[Int[Array, ""], Complex[Array, " terms"], Int[Array, ""]]:
    """Into how many equal parts an exponential falls, the coefficients of a part, and how many of them count."""
    longest = jnp.maximum(jnp.abs(argument) / LONGEST, jnp.abs(argument.real) / LARGEST_GROWTH)
    parts = jnp.maximum(1, jnp.ceil(longest)).astype(int)
    coefficients = _coefficients(argument / parts)
    size = jnp.abs(coefficients)
    count = jnp.max(jnp.where(size > SMALLEST * jnp.max(size), np.arange(TERMS), 1)) + 1
    return parts, coefficients, count


def _coefficients(argument: Complex[Array, ""]) -> Complex[Array, " terms"]:
    """I_0 and 2 I_k, by Bessel's integral over enough nodes to be exact."""
    nodes, terms = np.arange(2 * TERMS), np.arange(TERMS)[:, None]
    # whole numbers first: large angles have few digits
    turned = np.cos(np.pi / TERMS * (terms * nodes[None] % (2 * TERMS)))
    values = jnp.mean(jnp.exp(argument * np.cos(np.pi / TERMS * nodes))[None] * turned, axis=1)
    return values * np.where(np.arange(TERMS) == 0, 1.0, 2.0)
