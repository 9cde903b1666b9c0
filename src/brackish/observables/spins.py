"""What is kept of every run of a magnet, classical or quantum, under the same names and axes."""

import jax.numpy as jnp

from brackish.observables.base import Observable
from brackish.observables.standard import energy


def _spin_direction(theory, magnet, y):
    """<S_i>/s_i, (N, 3): what the theory offers."""
    return theory.spin_direction(magnet, y)


def _magnetization(theory, magnet, y):
    """sum_i g_i <S_i> / sum_i |g_i| s_i, (3,)."""
    spins, factors = jnp.asarray(magnet.spins), jnp.asarray(magnet.g_factor)
    moments = (factors * spins)[:, None] * theory.spin_direction(magnet, y)
    return jnp.sum(moments, axis=0) / jnp.sum(jnp.abs(factors) * spins)


spin_direction = Observable(
    "spin_direction",
    _spin_direction,
    ("spin", "axis"),
    "1",
    "mean spin over its length: a direction, or a Bloch vector of spin 1/2",
)
magnetization = Observable(
    "magnetization",
    _magnetization,
    ("axis",),
    "1",
    "total moment over the largest that the spins can have",
)
SPIN_OBSERVABLES = (
    spin_direction,
    magnetization,
    Observable("energy", energy, (), "hartree", "total energy"),
)
"""The standard observables of a theory of magnets, which offers `spin_direction(magnet, y)`, the mean spins over their
lengths, (N, 3), and `energy`."""
