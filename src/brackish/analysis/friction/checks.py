"""What compiled code cannot refuse: questions to ask of a friction before it is used. For plain Python."""

import jax.numpy as jnp
import numpy as np

from brackish.analysis.friction.broadening import Broadening
from brackish.errors import InvalidInput
from brackish.identity import jit_by_content
from brackish.quantum.thermal import ThermalElectrons
from brackish.typing import Array, Float

ACTIVE = 0.01
"""A gap between two levels counts where their occupations change by this share of the fastest change, or more."""
ASYMMETRY, NEGATIVE = 1e-9, 1e-9
"""Shares of the largest entry or eigenvalue that are put down to round-off and to what a kernel left over."""


def check_broadening(
    electrons: ThermalElectrons, energies: Float[np.ndarray | Array, " d"], broadening: Broadening
) -> None:
    """Raise `InvalidInput` if a broadening is below the distance of the levels that a temperature stirs.

    `energies`: of the levels at one position, (d,), in hartree. The friction would then tell one level from the next,
    and not be that of a metal. Nothing is asked of a `FiniteTime`, which is not for a continuum, but that the ground
    state at temperature zero is not degenerate.
    """
    electrons.check_definite(energies)
    if not broadening.continuum:
        return
    if np.size(energies) < 2:
        raise InvalidInput(
            f"{type(broadening).__name__} stands for a continuum, but there is one level alone."
        )
    energies = np.sort(np.asarray(energies))
    response = np.diagonal(np.asarray(_response(electrons, jnp.asarray(energies))), offset=1)
    gaps = np.diff(energies)
    widest = float(np.max(gaps[response >= ACTIVE * response.max()]))
    if float(broadening.breadth) < widest:
        raise InvalidInput(
            f"{type(broadening).__name__} resolves {float(broadening.breadth):.3g} hartree, less than {widest:.3g}, "
            "the distance of the levels that matter: take more levels, or a broader one."
        )


@jit_by_content
def _response(electrons, energies):
    return electrons.response(energies)


def check_positive(friction: Float[np.ndarray | Array, "n n"]) -> None:
    """Raise `InvalidInput` unless a friction tensor (n, n) is symmetric and has no negative eigenvalue.

    One that has would heat what it should slow, and no noise belongs to it.
    """
    friction = np.asarray(friction)
    largest = np.max(np.abs(friction))
    if not np.all(np.isfinite(friction)):
        raise InvalidInput(f"A friction tensor must be finite, got {friction.tolist()}.")
    if np.max(np.abs(friction - friction.T)) > ASYMMETRY * largest:
        raise InvalidInput(
            f"A friction tensor must be symmetric, got {friction.tolist()}: the other part is a magnetic field."
        )
    lowest = np.linalg.eigvalsh(friction)[0]
    if lowest < -NEGATIVE * largest:
        raise InvalidInput(
            f"A friction tensor must not be negative along any direction, but its lowest eigenvalue is {lowest:.6g}. "
            "`positive_part` clips it; better, find out where it comes from."
        )


def positive_part(friction: Float[Array, "n n"]) -> Float[Array, "n n"]:
    """The nearest friction tensor without negative eigenvalues, (n, n): those below zero become zero.

    For tensors that interpolation, or a kernel cut off at a time, has made negative. In compiled code too.
    """
    energies, directions = jnp.linalg.eigh(0.5 * (friction + friction.T))
    return (directions * jnp.maximum(energies, 0.0)[None, :]) @ directions.T
