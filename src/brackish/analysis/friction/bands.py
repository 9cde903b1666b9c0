r"""Bands of a metal as an electronic level feels them.

A level that hops into a band with a width $\Gamma$ in its middle has the self-energy $\Gamma\sigma(E)$,
$$\sigma(E)=\frac1{2\pi}\int\frac{s(E')}{E-E'+i0}\,dE',\qquad-2\,\mathrm{Im}\,\sigma(E)=s(E),\qquad s(0)=1,$$
with the shape $s$ of the band. A band of levels is a sum with $s(E)\,dE=2\pi c_k^2$, so that the level is coupled to
each by $\sqrt\Gamma\,c_k$. Energies in hartree, from the middle of the band.
"""

import abc
from typing import Annotated

import equinox as eqx
import numpy as np

from brackish.errors import InvalidInput
from brackish.typing import Array, Complex, Float


class Band(eqx.Module):
    """The interface of every band."""

    @abc.abstractmethod
    def self_energy(self, energies: Float[np.ndarray, " energies"]) -> Complex[np.ndarray, " energies"]:
        r"""$\sigma(E)$, without unit, from above the real axis."""


class Continuum(Band):
    """A band without gaps between its levels, which can be put into levels by a rule."""

    half_width: eqx.AbstractVar[float]

    @abc.abstractmethod
    def shape(self, energies: Float[np.ndarray, " energies"]) -> Float[np.ndarray, " energies"]:
        """s(E): the strength of the coupling at an energy inside, relative to the middle."""


class FlatBand(Continuum):
    """The same coupling at all energies up to `half_width` from the middle, in hartree.

    Raises `InvalidInput` unless the half width is positive.
    """

    half_width: Annotated[float, "energy"] = eqx.field(converter=float)

    def __check_init__(self):
        _check_half_width(self)

    def shape(self, energies):
        return np.ones_like(energies)

    def self_energy(self, energies):
        above = np.log(np.abs((energies + self.half_width) / (energies - self.half_width)))
        inside = np.abs(energies) < self.half_width
        return (above - 1j * np.pi * inside) / (2 * np.pi)


class SemiEllipticBand(Continuum):
    r"""Coupling $\sqrt{1-E^2/D^2}$ up to D = `half_width` from the middle, in hartree: the end of a chain of atoms.

    Raises `InvalidInput` unless the half width is positive.
    """

    half_width: Annotated[float, "energy"] = eqx.field(converter=float)

    def __check_init__(self):
        _check_half_width(self)

    def shape(self, energies):
        return np.sqrt(np.maximum(1 - (energies / self.half_width) ** 2, 0.0))

    def self_energy(self, energies):
        ratio = energies / self.half_width
        root = np.sign(ratio) * np.sqrt(np.maximum(ratio**2 - 1, 0.0)) + 1j * self.shape(energies)
        return 0.5 * (ratio - root)


class WideBand(Band):
    """The same coupling at all energies, without end: s = 1. It has no levels to count."""

    def self_energy(self, energies):
        return np.full(energies.shape, -0.5j)


class DiscreteBand(Band):
    r"""A band of levels at `energies` (K,), coupled by $\sqrt\Gamma\,c_k$ with `couplings` c (K,).

    As a self-energy each level stands for a Gaussian of standard deviation `smearing`, in hartree, which should not be
    less than the distance of the levels. The smearing blurs the band, not the level in it: where the band is
    smooth it does no harm.

    Raises `InvalidInput` if the arrays do not fit or the smearing is less than half the distance of two levels.
    """

    energies: Float[np.ndarray | Array, " K"]
    couplings: Float[np.ndarray | Array, " K"]
    smearing: float = eqx.field(converter=float)

    def __check_init__(self):
        energies, couplings = np.asarray(self.energies), np.asarray(self.couplings)
        if energies.ndim != 1 or energies.size < 2 or couplings.shape != energies.shape:
            raise InvalidInput(
                "A DiscreteBand needs two levels at least, with one of `couplings` for each of `energies`, got shapes "
                f"{couplings.shape} and {energies.shape}."
            )
        widest = np.max(np.diff(np.sort(energies)))
        if not (np.isfinite(self.smearing) and self.smearing >= 0.5 * widest):
            raise InvalidInput(
                f"Argument `smearing` of a DiscreteBand is {self.smearing:.3g} hartree, less than half of "
                f"{widest:.3g}, the largest distance of two levels: between them there would be no band. Take more "
                "levels, or smear more."
            )

    def self_energy(self, energies):
        from scipy.special import wofz

        scale = np.sqrt(2) * self.smearing
        apart = (energies[:, None] - np.asarray(self.energies)[None, :]) / scale
        return -1j * np.sqrt(np.pi) / scale * (wofz(apart) @ np.asarray(self.couplings) ** 2)


class BandLevels(eqx.Module):
    """The interface of every rule that puts a band into `count` levels."""

    count: eqx.AbstractVar[int]

    @abc.abstractmethod
    def nodes(self) -> tuple[Float[np.ndarray, " K"], Float[np.ndarray, " K"]]:
        """Nodes between -1 and 1, and weights, whose sum is 2; both (K,)."""

    def __check_init__(self):
        if isinstance(self.count, bool) or self.count < 2:
            raise InvalidInput(
                f"Argument `count` of {type(self).__name__} must be 2 or more levels, got {self.count}."
            )


class TrapezoidLevels(BandLevels):
    """`count` levels at equal distances, each in the middle of its share of the band."""

    count: int = eqx.field(static=True, default=100)

    def nodes(self):
        place = (2 * np.arange(self.count) + 1) / self.count - 1
        return place, np.full(self.count, 2 / self.count)


class GaussLegendreLevels(BandLevels):
    """`count` levels at the nodes of the Gauss-Legendre rule: exact for smooth bands, with dense levels at the edges.

    N. Shenvi, J. R. Schmidt, S. T. Edwards and J. C. Tully, Phys. Rev. A 78, 022502 (2008).
    """

    count: int = eqx.field(static=True, default=100)

    def nodes(self):
        return np.polynomial.legendre.leggauss(self.count)


def discretised(band: Band, levels: BandLevels, smearing: float | None = None) -> DiscreteBand:
    """A band put into levels by a rule.

    `smearing`: as of `DiscreteBand`; by default the largest distance of two levels.

    Raises `InvalidInput` for a band without edges.
    """
    if not isinstance(band, Continuum):
        raise InvalidInput(
            f"A {type(band).__name__} has no edges, so it cannot be put into levels: use a FlatBand."
        )
    places, weights = levels.nodes()
    energies = band.half_width * places
    couplings = np.sqrt(band.half_width * weights * band.shape(energies) / (2 * np.pi))
    return DiscreteBand(energies, couplings, np.max(np.diff(energies)) if smearing is None else smearing)


def _check_half_width(band):
    if not (np.isfinite(band.half_width) and band.half_width > 0):
        raise InvalidInput(
            f"Argument `half_width` of {type(band).__name__} must be positive, got {band.half_width} hartree."
        )
