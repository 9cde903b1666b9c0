"""Quantities with units, in files and in Python, turned into atomic units (hbar = 1), or into those of a magnet.

Plain numbers are in these units already. A quantity is a text such as "10 fs", "2000 electron_mass" or "200
cm^-1", or one of pint; pint knows the units and their values.
"""

import dataclasses
import functools
import math
import re
from collections.abc import Mapping
from typing import Any

from brackish.errors import InvalidInput, shortened

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
MAGNETIC = {
    "magnetic energy": "meV (or J)",
    "magnetic field": "T (or J/mu_B)",
    "magnet temperature": "K (or J/k_B)",
    "magnet length": "angstrom (or a)",
}
"""The dimensions of magnets, in meV and so on; in reduced units (in brackets) no quantity can be given."""
UNITS = {**ATOMIC, **MAGNETIC}


class InUnit(float):
    """A time in atomic units, or another number, that was given with a unit, and so cannot be one of a system that is
    measured in units of its own.
    """


@dataclasses.dataclass(frozen=True)
class Labels:
    """What times and energies of a system are measured in, as datasets and figures name it.

    `reduced`: whether its numbers are made for a unit of energy of their own, with hbar = 1, as often as for atomic
    units, so that a time in seconds says nothing. `physical`: whether `time` and `energy` are units that anybody else
    knows.
    """

    time: str = ATOMIC["time"]
    energy: str = ATOMIC["energy"]
    reduced: bool = False
    physical: bool = True

    def of(self, units: str) -> str:
        """A unit written in hartrees, in the units of this system."""
        return units.replace(ATOMIC["energy"], self.energy)

    def measure(self, dimension: str) -> bool:
        """Whether quantities of a dimension, one of `UNITS`, are converted into what the system is measured in."""
        return self.physical and (dimension in MAGNETIC) == (self.energy != ATOMIC["energy"])

    def on_clock(self, time: float) -> float:
        """A plain number for a time; one given with a unit is converted from atomic units. For `physical` ones."""
        if not isinstance(time, InUnit):
            return time
        return (
            float(time) if self.time == ATOMIC["time"] else float(time) / quantity(f"1 {self.time}", "time")
        )


ATOMIC_LABELS = Labels()
REDUCED_LABELS = Labels(reduced=True, physical=False)

EXAMPLES = {
    "time": "10 fs",
    "length": "0.5 angstrom",
    "mass": "1 dalton",
    "energy": "200 cm^-1",
    "momentum": "20 hbar/bohr",
    "temperature": "300 K",
    "duration": "30 s",
    "magnetic energy": "10 meV",
    "magnetic field": "1 T",
    "magnet temperature": "300 K",
    "magnet length": "3 angstrom",
}

_QUANTITY = re.compile(r"\s*([+-]?(?:\d+\.?\d*|\.\d+)(?:[eE][+-]?\d+)?)\s*(.*?)\s*", re.DOTALL)
MINUS = "\N{MINUS SIGN}"
"""The minus of typography, as it comes with what is copied from a page."""


def is_quantity(value: Any) -> bool:
    """Whether a value is a text, or a quantity of pint, whichever registry it belongs to."""
    return isinstance(value, str) or (hasattr(value, "magnitude") and hasattr(value, "units"))


def holds_quantity(value: Any) -> bool:
    """Whether a value, or an entry of a list, was given with a unit."""
    if isinstance(value, list | tuple):
        return any(holds_quantity(entry) for entry in value)
    return is_quantity(value) or isinstance(value, InUnit)


def begins_with_number(text: str) -> bool:
    """Whether a text is a number and perhaps a unit, rather than a name."""
    return _QUANTITY.fullmatch(text.replace(MINUS, "-")) is not None


def unit_of(text: str) -> str:
    """The unit of a quantity as it is written; empty for a text that has none."""
    match = _QUANTITY.fullmatch(text.replace(MINUS, "-"))
    return match[2] if match else ""


def in_atomic_units(value: Any, dimension: str) -> Any:
    """A quantity, or a list of quantities and numbers, in atomic units or those of magnets; `dimension` is one of
    `UNITS`.

    Raises `ValueError` if a text is no quantity, its unit is unknown, or it is of another dimension.
    """
    if isinstance(value, list | tuple):
        return [in_atomic_units(entry, dimension) for entry in value]
    if not isinstance(value, str) and is_quantity(value):
        return _in_atomic_units(value.magnitude, str(value.units), dimension)
    return quantity(value, dimension) if isinstance(value, str) else value


def quantity(value: str | int | float, dimension: str) -> float:
    """`value` in atomic units or those of magnets; `dimension` is one of `UNITS`. Numbers pass as they are.

    Raises `ValueError` if the text is no quantity, its unit is unknown, or it is of another dimension.
    """
    example = f"'{EXAMPLES[dimension]}'"
    if isinstance(value, str):
        match = _QUANTITY.fullmatch(value.replace(MINUS, "-"))
        if match is None:
            raise ValueError(f"{shortened(value)} must be a number and a unit, such as {example}")
        if not match[2]:
            raise ValueError(
                f"{shortened(value)} has no unit: add one, or leave out the quotes for {UNITS[dimension]}"
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
        if dimension == "magnet temperature" and not given.check("[temperature]"):
            return (_energy(given, registry, text) / registry.boltzmann_constant).m_as("kelvin")
        if dimension == "magnetic energy":
            return _energy(given, registry, text).m_as("meV")
        if dimension in ("energy", "temperature"):
            return _energy(given, registry, text).m_as("hartree")
        return given.m_as({**_PINT_UNITS, **_PINT_UNITS_OF_MAGNETS}[dimension])
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
_PINT_UNITS_OF_MAGNETS = {
    "magnetic field": "tesla",
    "magnet temperature": "kelvin",
    "magnet length": "angstrom",
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


# -- what was given with a unit --------------------------------------------------------------------------------------

GIVEN = "_given_with_units"
"""Where a module remembers which of its arguments had units, each with its dimension; for none of its results."""


def note_given(module: Any, dimensions: Mapping[str, str]) -> None:
    """Remember that arguments of a module (by name, with their dimensions) were given with units."""
    object.__setattr__(module, GIVEN, {**given_with_units(module), **dimensions})


def given_with_units(module: Any) -> dict[str, str]:
    """The arguments of a module that were given with units, each with its dimension."""
    return dict(vars(module).get(GIVEN, {})) if hasattr(module, "__dict__") else {}


def require_units(value: Any, labels: Labels, system: str) -> None:
    """Raise `InvalidInput` if an argument of `value`, or of what it is made of, was given with a unit that says nothing
    in a `system` measured as `labels` say.
    """
    for name, dimension in given_with_units(value).items():
        if not labels.measure(dimension):
            raise InvalidInput(f"Argument `{name}` of {type(value).__name__} {unit_refusal(labels, system)}")
    if dataclasses.is_dataclass(value) and not isinstance(value, type):
        for field in dataclasses.fields(value):
            require_units(getattr(value, field.name, None), labels, system)
    elif isinstance(value, list | tuple):
        for entry in value:
            require_units(entry, labels, system)


def read_quantities(name: str, value: Any, dimension: str) -> tuple[Any, dict[str, str]]:
    """An argument with its quantities as plain numbers, and its dimension by its name if there were any.

    Raises `InvalidInput`.
    """
    try:
        return in_atomic_units(value, dimension), {name: dimension} if holds_quantity(value) else {}
    except ValueError as error:
        raise InvalidInput(f"Argument `{name}`: {error}.") from None


def unit_refusal(labels: Labels, system: str) -> str:
    """Why an argument may not have a unit, and what to give."""
    if labels.physical:
        return (
            f"was given with a unit, but {system} is measured in {labels.time} and {labels.energy}: give a plain "
            "number."
        )
    return f"was given with a unit, but {system} is measured in units of its own: give a plain number."
