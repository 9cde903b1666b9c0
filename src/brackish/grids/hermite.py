r"""Polynomials on the nodes of the normal distribution: for what is smooth in the labels of a Gaussian.

The nodes $s_a$ and weights $W_a$ of Gauss and Hermite integrate polynomials of degree 2M - 1 against the normal
density. A function is the polynomial of degree M - 1 through its values at the nodes; derivatives and values elsewhere
are those of that polynomial, and converge exponentially with M where it is analytic.
"""

import equinox as eqx
import jax.numpy as jnp
import numpy as np

from brackish.errors import InvalidInput
from brackish.typing import Array, Float


class HermiteMesh(eqx.Module):
    """`nodes` along each of so many `coordinates`; values at all of them have shape (nodes^coordinates, ...)."""

    nodes: int = eqx.field(static=True)
    coordinates: int = eqx.field(static=True)

    def __check_init__(self):
        if isinstance(self.nodes, bool) or not isinstance(self.nodes, int | np.integer) or self.nodes < 2:
            raise InvalidInput(
                f"Argument `nodes` must be a whole number of at least 2 per coordinate, got {self.nodes!r}."
            )

    def labels(self) -> Float[np.ndarray, "nodes n"]:
        """All nodes, in standard deviations."""
        line, _ = _rule(self.nodes)
        return np.stack([s.ravel() for s in np.meshgrid(*[line] * self.coordinates, indexing="ij")], axis=-1)

    def weights(self) -> Float[np.ndarray, " nodes"]:
        """The probability that belongs to each node."""
        _, line = _rule(self.nodes)
        return np.prod(np.meshgrid(*[line] * self.coordinates, indexing="ij"), axis=0).ravel()

    def derivative(self, values: Float[Array, "nodes *more"], axis: int) -> Float[Array, "nodes *more"]:
        """The derivative along one label."""
        after = self.nodes ** (self.coordinates - 1 - axis)
        lines = values.reshape(-1, self.nodes, after * int(np.prod(values.shape[1:])))
        return jnp.einsum("ij,ajb->aib", jnp.asarray(_slopes(self.nodes)), lines).reshape(values.shape)

    def at(
        self, values: Float[Array, "nodes *more"], labels: Float[np.ndarray | Array, "N n"]
    ) -> Float[Array, "N *more"]:
        """Values at any labels."""
        count, more = labels.shape[0], values.shape[1:]
        found = jnp.broadcast_to(values.reshape(1, -1), (count, values.size))
        for axis in range(self.coordinates):
            found = found.reshape(count, self.nodes, -1)
            found = jnp.einsum("ai,aib->ab", _shares(self.nodes, labels[:, axis]), found)
        return found.reshape(count, *more)


def _rule(nodes: int) -> tuple[np.ndarray, np.ndarray]:
    places, weights = np.polynomial.hermite_e.hermegauss(nodes)
    return places, weights / weights.sum()


def _slopes(nodes: int) -> np.ndarray:
    """The matrix of the derivative at the nodes (J.-P. Berrut and L. N. Trefethen, SIAM Rev. 46, 501 (2004)), whose
    barycentric weights are the roots of the weights of the rule, with alternating signs.
    """
    places, weights = _rule(nodes)
    barycentric = (-1.0) ** np.arange(nodes) * np.sqrt(weights)
    difference = places[:, None] - places[None, :] + np.eye(nodes)
    matrix = barycentric[None, :] / barycentric[:, None] / difference
    # by Hermite's equation, and not as minus the sum of the others, which cancel
    return np.where(np.eye(nodes, dtype=bool), places[:, None] / 2, matrix)


def _shares(nodes: int, label) -> Array:
    """What each node gives to the value at labels (N,): a sum over orthonormal polynomials, (N, nodes)."""
    places, weights = _rule(nodes)

    def polynomials(s):
        values = [jnp.ones_like(s), s]
        for degree in range(2, nodes):
            values.append((s * values[-1] - np.sqrt(degree - 1) * values[-2]) / np.sqrt(degree))
        return jnp.stack(values[:nodes], axis=-1)

    return jnp.einsum(
        "ak,ik,i->ai", polynomials(label), polynomials(jnp.asarray(places)), jnp.asarray(weights)
    )
