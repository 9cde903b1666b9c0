"""Quantities with units stand wherever an argument has a dimension, in Python as in files."""

import subprocess
import sys
import warnings

import numpy as np
import pytest

import brackish as bk
from brackish.arguments import dimension_of
from brackish.run import catalogue
from brackish.units import EXAMPLES, in_atomic_units

FEMTOSECOND, ANGSTROM, KELVIN, ELECTRONVOLT = 41.341373336, 1.889726125, 3.166811563e-6, 1 / 27.211386246


def test_times_packets_baths_and_models_take_quantities():
    assert bk.times("100 fs", 100, step="0.1 fs").step == pytest.approx(0.1 * FEMTOSECOND)
    packet = bk.GaussianPacket("-8 angstrom", "20 hbar/bohr", width="0.5 angstrom")
    assert packet.position == pytest.approx([-8 * ANGSTROM])
    assert packet.width == pytest.approx([0.5 * ANGSTROM])
    assert bk.ThermalBath("300 K").temperature == pytest.approx(300 * KELVIN)
    assert bk.models.tully(1, "1 dalton").manifold.masses == pytest.approx([1822.888486])
    assert bk.models.DebyeBath(cutoff="0.5 eV").cutoff == pytest.approx(0.5 * ELECTRONVOLT)
    assert bk.Absorber("1 angstrom", "1 eV").length == pytest.approx(ANGSTROM)
    assert bk.EnergyBasedDecoherence("1 eV").parameter == pytest.approx(ELECTRONVOLT)
    assert bk.hamiltonian(lambda q: np.eye(2), "1 dalton").manifold.masses == pytest.approx([1822.888486])


def test_the_minus_of_a_printed_page():
    assert bk.GaussianPacket("\N{MINUS SIGN}8 angstrom", 20.0, 0.5).position == pytest.approx([-8 * ANGSTROM])


def test_lists_of_quantities_and_numbers():
    packet = bk.GaussianPacket(["1 angstrom", 2.0], [0, 0], 0.5)
    assert packet.position == pytest.approx([ANGSTROM, 2.0])
    assert bk.Grid(["-1 angstrom", -2], [2, 2], [16, 16]).lower == pytest.approx((-ANGSTROM, -2.0))
    system = bk.models.linear_vibronic_coupling(["0 eV", "1 eV"], frequencies=["0.1 eV"])
    assert system.energies == pytest.approx([0.0, ELECTRONVOLT])


def test_quantities_of_any_registry():
    import pint

    registry = pint.UnitRegistry()
    assert bk.times(registry.Quantity(100, "fs")).stop == pytest.approx(100 * FEMTOSECOND)
    positions = registry.Quantity(np.array([1.0, 2.0]), "angstrom")
    assert bk.GaussianPacket(positions, 0.0, 1.0).position == pytest.approx([ANGSTROM, 2 * ANGSTROM])


@pytest.mark.parametrize(
    ("call", "words"),
    [
        (lambda: bk.times("100 parsnip"), "`stop`: '100 parsnip' has an unknown unit"),
        (lambda: bk.times("100 kg"), "`stop`: '100 kg' must be a time, such as '10 fs', but is a mass"),
        (lambda: bk.times("100"), "`stop`: '100' has no unit"),
        (lambda: bk.ThermalBath("5 angstrom"), "`temperature`: '5 angstrom' must be a temperature"),
        (lambda: bk.models.spin_boson(modes="3 eV"), "`modes` must be a whole number, got '3 eV'"),
    ],
)
def test_wrong_units_get_one_line(call, words):
    with pytest.raises(bk.InvalidInput) as refused:
        call()
    assert words in str(refused.value)
    assert "\n" not in str(refused.value)


def test_files_and_python_have_one_source_of_dimensions():
    named = {**catalogue.named_models(), **catalogue.named_preparations()}
    dimensions = {
        (name, parameter.name): parameter.dimension
        for name, target in named.items()
        for parameter in catalogue.parameters(target)
        if parameter.dimension is not None
    }
    assert dimensions[("GaussianPacket", "width")] == "length"
    assert dimensions[("rabi", "coupling")] == "energy"
    for (name, parameter), dimension in dimensions.items():
        # what a file may say with a unit, Python may say: a quantity of another dimension is known as such
        with pytest.raises(bk.InvalidInput, match=f"`{parameter}`.*dimension"):
            named[name](**{parameter: "1 tesla"}, **_others(named[name], parameter))
        assert in_atomic_units(EXAMPLES[dimension], dimension) > 0


def _others(target, given):
    """Something for every other required parameter."""
    return {
        parameter.name: 1.0
        for parameter in catalogue.parameters(target)
        if parameter.required and parameter.name != given
    }


def test_a_dimension_is_found_inside_a_union():
    assert dimension_of(bk.Grid.__dataclass_fields__["lower"].type) == "length"
    assert dimension_of(float | None) is None


def test_plain_numbers_do_not_import_pint():
    code = "import sys, brackish as bk; bk.times(100.0, 10); bk.models.tully(1); print('pint' in sys.modules)"
    printed = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert printed.stdout.strip() == "False"


def test_a_temperature_in_kelvins_without_a_unit_is_noticed():
    system = bk.models.spin_boson(10)
    with pytest.warns(UserWarning, match=r'for kelvins write ThermalBath\("300 K"\)'):
        bk.ThermalBath(300).check(system)
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        # what reduced units and real ones may mean
        bk.ThermalBath(1.0).check(system)
        bk.ThermalBath("300 K").check(system)
