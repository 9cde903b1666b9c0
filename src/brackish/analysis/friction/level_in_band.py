r"""One level in a band of any shape: friction from its phase shift, quick enough for whole surfaces.

The electrons of energy E that meet the level leave with a phase shift
$$\delta(E,x)=\arg\big(\epsilon_d(x)+\Gamma(x)\,\sigma^*(E)-E\big),\qquad
\eta_{kj}=\frac1\pi\int\!(-f')\,\partial_k\delta\,\partial_j\delta\,dE$$

for each spin: eq. (121) of R. Martinazzo and I. Burghardt, "Quantum hydrodynamics of coupled electron-nuclear
systems", with the trace over a level and its band done. Since the band stays as it is, its self-energy $\sigma$ is
summed up once; a position then costs a few hundred complex numbers, whatever the number of levels in the band.
"""

from collections.abc import Callable

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np

from brackish.analysis.friction.bands import Band, DiscreteBand
from brackish.errors import InvalidInput
from brackish.identity import jit_by_content
from brackish.quantum.thermal import IndependentElectrons
from brackish.typing import Array, Float, Position, RealScalar

REACH = 36.0
"""Energies up to so many k_B T from the chemical potential: the Fermi function has its last bit at 36."""
NODES = 6.0
"""Nodes of the trapezoid rule to the distance of the nearest pole: it errs by exp(-2 pi 6), 1e-16."""
LARGEST = 200_000
"""So many nodes are as good as no end."""


class LevelInBand(eqx.Module):
    """A level whose energy and width are functions of the position, in a band that stays as it is.

    `energy` and `width`: functions (n,) -> scalar, in hartree, written with `jax.numpy`. `band`: a `WideBand`, a
    `FlatBand`, a `SemiEllipticBand` or a `DiscreteBand`.
    """

    energy: Callable[[Position], RealScalar]
    width: Callable[[Position], RealScalar]
    band: Band

    def friction(
        self, electrons: IndependentElectrons, positions: Float[np.ndarray | Array, "N n"]
    ) -> Float[Array, "N n n"]:
        """The friction tensor at each of N positions in bohr, in electron masses per atomic unit of time.

        For plain Python: the energies that are summed over are laid out by the temperature and the widths at hand, so
        that the sum is good to 1e-12.

        Raises `InvalidInput` where the width of the level is not positive, or far too small for the temperature.
        """
        positions = jnp.asarray(positions)
        widths = np.asarray(_widths(self, positions))
        if not np.all(widths > 0):
            place = int(np.argmin(widths))
            raise InvalidInput(
                f"The width of a level in a band must be positive, but at position {place} it is {widths[place]} "
                "hartree."
            )
        energies, weights = _thermal_nodes(electrons, float(widths.min()))
        sigma = self.band.self_energy(energies)
        return electrons.spins * _frictions(self, positions, energies, weights, sigma)

    def matrix(self, position: Position) -> Float[Array, "d d"]:
        """The Hamiltonian of one electron: the level first, then the levels of a `DiscreteBand`.

        Raises `InvalidInput` for a band without levels.
        """
        if not isinstance(self.band, DiscreteBand):
            raise InvalidInput(
                f"A {type(self.band).__name__} has no levels; put one into levels with `discretised`."
            )
        return arrow_matrix(self.energy(position), self.width(position), self.band)


def arrow_matrix(energy: RealScalar, width: RealScalar, band: DiscreteBand) -> Float[Array, "d d"]:
    """A level of an `energy` and a `width`, in hartree, and the levels of a band, (1 + K, 1 + K)."""
    arms = jnp.sqrt(width) * jnp.asarray(band.couplings)
    matrix = jnp.diag(jnp.concatenate([jnp.reshape(energy, (1,)), jnp.asarray(band.energies)]))
    return matrix.at[0, 1:].set(arms).at[1:, 0].set(arms)


def _thermal_nodes(electrons, narrowest) -> tuple[np.ndarray, np.ndarray]:
    """Energies and weights for the integral of -f' over smooth functions with poles half of `narrowest` away."""
    temperature, middle = float(electrons.temperature), float(electrons.chemical_potential)
    if temperature == 0:
        return np.array([middle]), np.ones(1)
    step = min(np.pi * temperature, 0.5 * narrowest) / NODES
    count = int(np.ceil(REACH * temperature / step))
    if count > LARGEST:
        raise InvalidInput(
            f"A width of {narrowest:.3g} hartree is too small for a temperature of {temperature:.3g} hartree: "
            "electrons on such a level hop, and there is no friction to speak of."
        )
    apart = step * np.arange(-count, count + 1)
    return middle + apart, step / (4 * temperature * np.cosh(0.5 * apart / temperature) ** 2)


@jit_by_content
def _widths(system, positions):
    return jax.vmap(system.width)(positions)


@jit_by_content
def _frictions(system, positions, energies, weights, sigma):
    def at(position):
        energy, width = system.energy(position), system.width(position)
        by_energy, by_width = jax.grad(system.energy)(position), jax.grad(system.width)(position)
        green = 1 / (energies - energy - width * sigma)
        # d(phase shift) = - Im[(d energy + sigma d width) G]
        first, second = green.imag, (sigma * green).imag
        overlaps = [jnp.sum(weights * a * b) for a, b in ((first, first), (first, second), (second, second))]
        cross = jnp.outer(by_energy, by_width)
        return (
            overlaps[0] * jnp.outer(by_energy, by_energy)
            + overlaps[1] * (cross + cross.T)
            + overlaps[2] * jnp.outer(by_width, by_width)
        ) / jnp.pi

    return jax.lax.map(at, positions)
