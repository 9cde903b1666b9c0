"""Quantities with units against published values (CODATA 2018)."""

import pytest

from brackish.units import ATOMIC, quantity

FEMTOSECOND = 41.341373336
DALTON = 1822.888486
INVERSE_CENTIMETRE = 4.556335253e-6
KELVIN = 3.166811563e-6


@pytest.mark.parametrize(
    ("text", "dimension", "value"),
    [
        ("10 fs", "time", 10 * FEMTOSECOND),
        ("0.01ps", "time", 10 * FEMTOSECOND),
        ("2000 electron_mass", "mass", 2000.0),
        ("1 dalton", "mass", DALTON),
        ("1 amu", "mass", DALTON),
        ("0.01 hartree", "energy", 0.01),
        ("200 cm^-1", "energy", 200 * INVERSE_CENTIMETRE),
        ("200 1/cm", "energy", 200 * INVERSE_CENTIMETRE),
        ("1 eV", "energy", 1 / 27.211386246),
        ("1 kcal/mol", "energy", 1 / 627.5094740631),
        ("1 THz", "energy", 1.519829846e-4),
        ("1 rad/fs", "energy", 1 / FEMTOSECOND),
        ("300 K", "temperature", 300 * KELVIN),
        ("26.85 degC", "temperature", 300 * KELVIN),
        ("0.001 hartree", "temperature", 0.001),
        ("1 angstrom", "length", 1.889726125),
        ("-8 bohr", "length", -8.0),
        ("20 hbar/bohr", "momentum", 20.0),
        ("1 electron_mass*bohr/atomic_unit_of_time", "momentum", 1.0),
        ("2 minutes", "duration", 120.0),
        (-3, "length", -3.0),
        (0.25, "energy", 0.25),
    ],
)
def test_quantities(text, dimension, value):
    assert quantity(text, dimension) == pytest.approx(value, rel=1e-8)


@pytest.mark.parametrize("dimension", sorted(ATOMIC))
@pytest.mark.parametrize(
    "text", ["3 tesla", "1 parsnip", "10", "ten fs", "", "1 fs +", "1e999 fs", True, "nan s"]
)
def test_what_is_no_quantity(text, dimension):
    with pytest.raises(ValueError, match=r"must|unit"):
        quantity(text, dimension)
