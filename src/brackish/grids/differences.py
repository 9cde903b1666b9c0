r"""Differences of eighth order on a box with open edges, for fields that look like a parabola far out.

Beyond the edges a field goes on as the parabola through its last three nodes. The logarithm of a Gaussian is a parabola
everywhere, and so its differences are exact.
"""

import math
from typing import NamedTuple

import jax.numpy as jnp
import numpy as np

from brackish.typing import Array, Float

REACH = 4
"""Neighbours on each side in a central difference."""


class Differences(NamedTuple):
    r"""Matrices along one coordinate, each (N, N): the first and the second derivative, and the `roughness`.

    That is minus the eighth difference over $2^8$: nothing for what is smooth, minus the field for what changes its
    sign from node to node.
    """

    first: np.ndarray
    second: np.ndarray
    roughness: np.ndarray


def open_differences(points: int, spacing: float) -> Differences:
    """The differences along a line of so many `points`, at a distance of `spacing` from each other."""
    offsets = np.arange(-REACH, REACH + 1)
    powers = np.vander(offsets, increasing=True).T.astype(float)

    def derivative(order):
        wanted = np.zeros(offsets.size)
        wanted[order] = math.factorial(order) / spacing**order
        return np.linalg.solve(powers, wanted)

    eighth = np.array([(-1.0) ** k * math.comb(2 * REACH, k) for k in range(2 * REACH + 1)])
    continued = _continued_as_parabola(points)
    stencils = (derivative(1), derivative(2), -eighth / 2 ** (2 * REACH))
    return Differences(*(_at_each_node(stencil, points) @ continued for stencil in stencils))


def along(
    matrix: Float[np.ndarray, "N N"], field: Float[Array, "*field"], axis: int
) -> Float[Array, "*field"]:
    """A matrix applied along one axis of a field."""
    return jnp.moveaxis(jnp.tensordot(matrix, field, axes=(1, axis)), 0, axis)


def _at_each_node(stencil, points):
    matrix = np.zeros((points, points + 2 * REACH))
    for node in range(points):
        matrix[node, node : node + stencil.size] = stencil
    return matrix


def _continued_as_parabola(points):
    """From values at the nodes to those with `REACH` more on each side."""
    matrix = np.zeros((points + 2 * REACH, points))
    matrix[REACH : REACH + points] = np.eye(points)
    for step in range(1, REACH + 1):
        weights = [(step + 1) * (step + 2) / 2, -step * (step + 2), step * (step + 1) / 2]
        matrix[REACH - step, :3] = weights
        matrix[REACH + points - 1 + step, points - 3 :] = weights[::-1]
    return matrix
