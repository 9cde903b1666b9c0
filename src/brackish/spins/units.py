r"""Units of a magnet: reduced ones, or those of spintronics.

Everything is computed with the numbers that the user gives; `planck` turns an energy into a frequency,
`bohr_magneton` a field into an energy, `boltzmann` a temperature into an energy. Values: CODATA 2018.
"""

from typing import ClassVar

import equinox as eqx

from brackish.units import Labels


class MagneticUnits(eqx.Module):
    """What energies, times, fields, lengths and temperatures of a magnet are measured in.

    `planck`: hbar, energy times time. `bohr_magneton`: energy over field. `boltzmann`: energy over temperature.
    `dipolar`: mu_0 mu_B^2 / 4 pi, energy times volume. `g_factor`: that of a spin of which nothing is said.
    """

    planck: eqx.AbstractClassVar[float]
    bohr_magneton: eqx.AbstractClassVar[float]
    boltzmann: eqx.AbstractClassVar[float]
    dipolar: eqx.AbstractClassVar[float]
    g_factor: eqx.AbstractClassVar[float]
    labels: eqx.AbstractClassVar[Labels]
    field: eqx.AbstractClassVar[str]
    temperature: eqx.AbstractClassVar[str]
    length: eqx.AbstractClassVar[str]


class ReducedUnits(MagneticUnits):
    """An energy J is the unit, hbar = k_B = mu_B = 1: times in hbar/J, fields such that g = 1 gives an energy."""

    planck: ClassVar[float] = 1.0
    bohr_magneton: ClassVar[float] = 1.0
    boltzmann: ClassVar[float] = 1.0
    dipolar: ClassVar[float] = 1.0
    g_factor: ClassVar[float] = 1.0
    labels: ClassVar[Labels] = Labels(time="hbar/J", energy="J", physical=False)
    field: ClassVar[str] = "J/mu_B"
    temperature: ClassVar[str] = "J/k_B"
    length: ClassVar[str] = "a"


class RealUnits(MagneticUnits):
    """Millielectronvolts, picoseconds, teslas, kelvins and angstroms; g = 2."""

    planck: ClassVar[float] = 0.6582119569
    bohr_magneton: ClassVar[float] = 0.057883818060
    boltzmann: ClassVar[float] = 0.08617333262
    dipolar: ClassVar[float] = 0.0536815
    g_factor: ClassVar[float] = 2.0
    labels: ClassVar[Labels] = Labels(time="ps", energy="meV")
    field: ClassVar[str] = "T"
    temperature: ClassVar[str] = "K"
    length: ClassVar[str] = "angstrom"


REDUCED = ReducedUnits()
