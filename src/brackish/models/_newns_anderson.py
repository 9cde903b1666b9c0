r"""An atom that vibrates on a metal: one electronic level in a band, the Newns-Anderson (or Anderson-Holstein) model.

$$\hat H=\frac{p^2}{2m}+\tfrac12m\omega^2x^2+\hat h(x),\qquad\hat h(x)=\epsilon_d(x)\,d^\dagger d
+\sqrt{\Gamma(x)}\sum_kc_k\,(d^\dagger c_k+c_k^\dagger d)+\sum_k\epsilon_k\,c_k^\dagger c_k$$
$$\epsilon_d(x)=\epsilon_0+s\,x,\qquad\Gamma(x)=\Gamma_0\,e^{-\kappa x}$$

D. M. Newns, Phys. Rev. 178, 1123 (1969). The quantum levels are those of one electron, and are filled by
`IndependentElectrons`: level 0 is that of the atom, the others are the band.
"""

from typing import Annotated

import equinox as eqx
import jax.numpy as jnp
import numpy as np

from brackish.analysis.friction import (
    BandLevels,
    Continuum,
    DiscreteBand,
    FlatBand,
    LevelInBand,
    TrapezoidLevels,
    arrow_matrix,
    discretised,
)
from brackish.arguments import reads_arguments
from brackish.hamiltonians import SeparableHamiltonian
from brackish.manifolds import Canonical
from brackish.models._arguments import number, positive
from brackish.typing import Array, Float


class NewnsAnderson(SeparableHamiltonian):
    """A level in a band, on a spring; made by `newns_anderson` or `anderson_holstein`."""

    manifold: Canonical
    frequencies: Float[np.ndarray | Array, "1"]
    energy: Float[np.ndarray | Array, ""]
    """epsilon_0, in hartree."""
    slope: Float[np.ndarray | Array, ""]
    """s, in hartree per bohr."""
    width: Float[np.ndarray | Array, ""]
    """Gamma_0, the full width at half maximum, in hartree."""
    decay: Float[np.ndarray | Array, ""]
    """kappa, in inverse bohr."""
    continuum: Continuum
    """The band before it was put into levels."""
    band: DiscreteBand
    levels: int = eqx.field(static=True)

    def level_energy(self, position):
        """epsilon_d(x), in hartree."""
        return self.energy + self.slope * position[0]

    def level_width(self, position):
        """Gamma(x), in hartree."""
        return self.width * jnp.exp(-self.decay * position[0])

    def level_in_band(self) -> LevelInBand:
        """The level in the band without gaps between its levels, for friction on whole surfaces."""
        return LevelInBand(self.level_energy, self.level_width, self.continuum)

    def external(self, position):
        return jnp.zeros(())

    def quantum(self):
        return jnp.zeros((self.levels, self.levels))

    def coupling(self, position):
        return arrow_matrix(self.level_energy(position), self.level_width(position), self.band)

    def suggested_step(self):
        """A thirtieth of the period of the oscillator and of the whole band together."""
        energies = np.asarray(self.band.energies)
        fastest = (
            self.frequencies[0] + np.ptp(energies) + np.sqrt(self.width * np.sum(self.band.couplings**2))
        )
        return float(2 * np.pi / (30 * fastest))


@reads_arguments
def newns_anderson(
    mass: Annotated[float, "mass"] = 2000.0,
    frequency: Annotated[float, "energy"] = 2e-3,
    energy: Annotated[float, "energy"] = 0.0,
    slope: float = 0.05,
    width: Annotated[float, "energy"] = 0.02,
    decay: float = 0.0,
    band: Continuum | None = None,
    levels: BandLevels | None = None,
) -> NewnsAnderson:
    """An atom of one level on a metal, held by a spring.

    `mass`: in electron masses. `frequency` omega: of the spring, in hartree. `energy` epsilon_0 and `slope` s: of the
    level, in hartree and hartree per bohr. `width` Gamma_0: of the level at x = 0, the full width at half maximum in
    the middle of the band, in hartree. `decay` kappa: by which the width falls off along x, in inverse bohr.
    `band`: a `FlatBand` or a `SemiEllipticBand` about zero energy; by default flat, with a half width of ten times
    Gamma_0. `levels`: `TrapezoidLevels(count)` or `GaussLegendreLevels(count)`; by default 100 at equal distances.
    The distance should be well below width and temperature, and the band well above.

    Raises `InvalidInput` for parameters out of range.
    """
    mass, frequency = positive("mass", mass), positive("frequency", frequency)
    full_width = positive("width", width)
    band = FlatBand(10 * float(full_width)) if band is None else band
    discrete = discretised(band, TrapezoidLevels(100) if levels is None else levels)
    return NewnsAnderson(
        manifold=Canonical(mass),
        frequencies=frequency[None],
        energy=number("energy", energy),
        slope=number("slope", slope),
        width=full_width,
        decay=number("decay", decay),
        continuum=band,
        band=discrete,
        levels=1 + discrete.energies.shape[0],
    )


@reads_arguments
def anderson_holstein(
    mass: Annotated[float, "mass"] = 2000.0,
    frequency: Annotated[float, "energy"] = 2e-4,
    displacement: Annotated[float, "length"] = 20.6097,
    driving: Annotated[float, "energy"] = -3.8e-3,
    width: Annotated[float, "energy"] = 6.4e-3,
    band: Continuum | None = None,
    levels: BandLevels | None = None,
) -> NewnsAnderson:
    """An oscillator that its charge displaces, on a metal: a benchmark of electron transfer.

    Without an electron the potential is m omega^2 x^2 / 2, with one m omega^2 (x - g)^2 / 2 + Delta G. `displacement`
    g, in bohr; `driving` Delta G, in hartree; all else as for `newns_anderson`, but that the half width of the band is
    five times the width by default, and there are 40 levels in it. The other defaults, for k_B T = 9.5e-4, are those of
    W. Ouyang, W. Dou, A. Jain and J. E. Subotnik, J. Chem. Theory Comput. 12, 4178 (2016), with the largest of widths
    from 1e-4, where electrons hop, to 6.4e-3, where they rub.

    Raises `InvalidInput` for parameters out of range.
    """
    mass, frequency = positive("mass", mass), positive("frequency", frequency)
    reach, drive = number("displacement", displacement), number("driving", driving)
    stiffness = mass * frequency**2
    return newns_anderson(
        float(mass),
        float(frequency),
        energy=drive + 0.5 * stiffness * reach**2,
        slope=-stiffness * reach,
        width=width,
        band=FlatBand(5 * float(positive("width", width))) if band is None else band,
        levels=TrapezoidLevels(40) if levels is None else levels,
    )
