"""Quantities with units, in files and in Python, turned into atomic units (hbar = 1).

Plain numbers are atomic units already. A quantity is a text such as "10 fs", "2000 electron_mass" or "200
cm^-1", or one of pint; pint knows the units and their values.
"""

import dataclasses
import functools
import math
import re
from typing import Any

from brackish.errors import shortened

ATOMIC = {
    "time": "hbar/hartree",
    "length": "bohr",
    "mass": "electron_mass",
    "energy": "hartree",
    "momentum": "hbar/bohr",
    "temperature": "hartree (k_B T)",
    "duration": "s",
}
"""The dimensions that can be asked for, and the unit in which a plain number is understood.

An `energy` may also be a wavenumber, a frequency in hertz (times h), an angular frequency in rad/s (times
hbar), or an energy per mole. A `temperature` is k_B T, so an energy will do. A `duration` is time on the
clock.
"""


@dataclasses.dataclass(frozen=True)
class Labels:
    """What times and energies of a system are measured in, as datasets and figures name it.

    `reduced`: whether its numbers are made for a unit of energy of their own, with hbar = 1, as often as for atomic
    units, so that a time in seconds says nothing.
    """

    time: str = ATOMIC["time"]
    energy: str = ATOMIC["energy"]
    reduced: bool = False

    def of(self, units: str) -> str:
        """A unit written in hartrees, in the units of this system."""
        return units.replace(ATOMIC["energy"], self.energy)


ATOMIC_LABELS = Labels()
REDUCED_LABELS = Labels(reduced=True)

EXAMPLES = {
    "time": "10 fs",
    "length": "0.5 angstrom",
    "mass": "1 dalton",
    "energy": "200 cm^-1",
    "momentum": "20 hbar/bohr",
    "temperature": "300 K",
    "duration": "30 s",
}

_QUANTITY = re.compile(r"\s*([+-]?(?:\d+\.?\d*|\.\d+)(?:[eE][+-]?\d+)?)\s*(.*?)\s*", re.DOTALL)
MINUS = "\N{MINUS SIGN}"
"""The minus of typography, as it comes with what is copied from a page."""


def is_quantity(value: Any) -> bool:
    """Whether a value is a text, or a quantity of pint, whichever registry it belongs to."""
    return isinstance(value, str) or (hasattr(value, "magnitude") and hasattr(value, "units"))


def in_atomic_units(value: Any, dimension: str) -> Any:
    """A quantity, or a list of quantities and numbers, in atomic units; `dimension` is one of `ATOMIC`.

    Raises `ValueError` if a text is no quantity, its unit is unknown, or it is of another dimension.
    """
    if isinstance(value, list | tuple):
        return [in_atomic_units(entry, dimension) for entry in value]
    if not isinstance(value, str) and is_quantity(value):
        return _in_atomic_units(value.magnitude, str(value.units), dimension)
    return quantity(value, dimension) if isinstance(value, str) else value


def quantity(value: str | int | float, dimension: str) -> float:
    """`value` in atomic units; `dimension` is one of `ATOMIC`. Numbers pass as they are.

    Raises `ValueError` if the text is no quantity, its unit is unknown, or it is of another dimension.
    """
    example = f"'{EXAMPLES[dimension]}'"
    if isinstance(value, str):
        match = _QUANTITY.fullmatch(value.replace(MINUS, "-"))
        if match is None:
            raise ValueError(f"{shortened(value)} must be a number and a unit, such as {example}")
        if not match[2]:
            raise ValueError(
                f"{shortened(value)} has no unit: add one, or leave out the quotes for {ATOMIC[dimension]}"
            )
        number = float(_in_atomic_units(float(match[1]), match[2], dimension))
    elif isinstance(value, bool) or not isinstance(value, int | float):
        raise ValueError(f"must be a number or a text with a unit, such as {example}, got {shortened(value)}")
    else:
        number = _as_float(value)
    if not math.isfinite(number):
        raise ValueError(f"must be finite, got {shortened(value)}")
    return number


def _as_float(value: int | float) -> float:
    try:
        return float(value)
    except OverflowError:
        return math.inf


@functools.cache
def _registry() -> Any:
    import pint

    return pint.UnitRegistry(cache_folder=None)


def _in_atomic_units(number: Any, unit: str, dimension: str) -> Any:
    """A number, or an array of them, of this unit in atomic units."""
    import pint

    shown = f"{number:g}" if isinstance(number, float) else str(number)
    registry, text = _registry(), shortened(f"{shown} {unit}")
    try:
        if len(unit) > LONGEST_UNIT:
            raise ValueError
        given = registry.Quantity(number, registry.parse_units(unit))
    except pint.UndefinedUnitError:
        raise ValueError(f"{text} has an unknown unit: write it as in '{EXAMPLES[dimension]}'") from None
    except Exception:  # pint has no common root for what it raises on a broken expression
        raise ValueError(f"{text} has an unreadable unit: write it as in '{EXAMPLES[dimension]}'") from None
    try:
        if dimension == "temperature" and given.check("[temperature]"):
            return (given.to("kelvin") * registry.boltzmann_constant).m_as("hartree")
        if dimension in ("energy", "temperature"):
            return _energy(given, registry, text).m_as("hartree")
        return given.m_as(_PINT_UNITS[dimension])
    except pint.DimensionalityError:
        article = "an" if dimension == "energy" else "a"
        raise ValueError(
            f"{text} must be {article} {dimension}, such as '{EXAMPLES[dimension]}', but is {_what(given)}"
        ) from None


LONGEST_UNIT = 100
"""Characters: what is longer is no unit, and pint would take long to say so."""

_PINT_UNITS = {
    "time": "atomic_unit_of_time",
    "length": "bohr",
    "mass": "electron_mass",
    "momentum": "hbar/bohr",
    "duration": "second",
}


def _energy(given: Any, registry: Any, text: str) -> Any:
    """What physicists call an energy, as one."""
    if given.check("1/[length]"):
        return given * registry.planck_constant * registry.speed_of_light
    if given.check("[energy]/[substance]"):
        return given / registry.avogadro_constant
    if given.check("1/[time]"):
        names = list(given._units)
        if any(name.endswith("hertz") for name in names):
            return given * registry.planck_constant
        if "radian" in names:
            return given * registry.hbar
        raise ValueError(
            f"{text} is ambiguous: write Hz for cycles (times h) or rad/s for an angle (times hbar)"
        )
    return given


def _what(given: Any) -> str:
    """The dimension of a quantity in words."""
    for dimension, unit in {**_PINT_UNITS, "energy": "hartree", "temperature": "kelvin"}.items():
        if given.is_compatible_with(unit):
            return f"{'an' if dimension == 'energy' else 'a'} {dimension}"
    return f"of dimension {given.dimensionality}"
