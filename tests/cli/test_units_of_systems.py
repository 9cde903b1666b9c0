"""Quantities meet the units of the system: its own clock where that has a unit, one line where it has none."""

import numpy as np
import pytest

import brackish as bk
from brackish.hamiltonians import add, change_basis, scale_interaction
from brackish.run import config
from brackish.units import REDUCED_LABELS, Labels

PICOSECONDS = Labels("ps", "meV")
OWN = "measured in units of its own: give a plain number"


def magnet(units=None, **further):
    units = bk.RealUnits() if units is None else units
    return bk.SpinSystem([0.5], field=(0.0, 0.0, 2.0), units=units, **further)


def run(system, times, start=None, theory=None):
    start = bk.Directions([[1.0, 0.0, 0.0]]) if start is None else start
    theory = bk.LLG(0.0) if theory is None else theory
    return bk.simulate(system, theory, start, times, trajectories=1, seed=1)


def test_a_time_with_a_unit_is_one_of_the_clock_of_the_system():
    written, plain = (
        run(magnet(), bk.times(stop, 4, step)) for stop, step in (("10 ps", "20 fs"), (10.0, 0.02))
    )
    np.testing.assert_allclose(written["time"], plain["time"], rtol=1e-12)
    np.testing.assert_allclose(written["spin_direction"], plain["spin_direction"], atol=1e-8)
    assert bk.times("10 ps").on_clock_of(bk.models.tully(1)).stop == pytest.approx(413413.73, rel=1e-6)


@pytest.mark.parametrize(
    "system",
    [
        bk.models.rabi(),
        bk.models.spin_boson(4),
        bk.models.pure_dephasing(),
        bk.models.hybrid_spins(),
        bk.models.oscillator_pair(),
        magnet(bk.ReducedUnits()),
        scale_interaction(bk.models.rabi(), 0.5),
    ],
    ids=lambda system: type(system).__name__,
)
def test_a_system_in_units_of_its_own_takes_plain_times_alone(system):
    for times in (bk.times("10 ps"), bk.times(10.0, step="1 fs")):
        with pytest.raises(bk.InvalidInput, match=OWN):
            times.on_clock_of(system)
    assert bk.times(10.0, step=0.5).on_clock_of(system) == bk.times(10.0, step=0.5)


def test_simulate_and_audit_refuse_what_has_no_meaning():
    packet = bk.GaussianPacket(1.0, 0.0, 0.7)
    with pytest.raises(bk.InvalidInput, match=f"`stop`.*{OWN}"):
        bk.simulate(bk.models.rabi(), bk.Ehrenfest(), packet, bk.times("10 fs"))
    with pytest.raises(bk.InvalidInput, match=f"`stop`.*{OWN}"):
        bk.audit(bk.Ehrenfest(), bk.models.rabi(), packet, bk.times("10 fs"))
    system, times = bk.models.spin_boson(4), bk.times(10.0)
    for start in (bk.ThermalBath("300 K"), bk.ThermalBath("0.1 eV")):
        with pytest.raises(bk.InvalidInput, match=f"`temperature` of ThermalBath.*SpinBoson.*{OWN}"):
            bk.simulate(system, bk.Ehrenfest(), start, times)
    with pytest.raises(bk.InvalidInput, match=f"`position` of GaussianPacket.*{OWN}"):
        bk.simulate(bk.models.rabi(), bk.Ehrenfest(), bk.GaussianPacket("1 angstrom", 0.0, 0.7), times)
    hopping = bk.SurfaceHopping(decoherence=bk.EnergyBasedDecoherence("1 eV"))
    with pytest.raises(bk.InvalidInput, match=f"`parameter` of EnergyBasedDecoherence.*{OWN}"):
        bk.simulate(system, hopping, bk.ThermalBath(1.0), times)


def test_a_model_whose_numbers_have_units_is_in_atomic_units():
    system = bk.models.spin_boson(4, bias="100 cm^-1", coupling="100 cm^-1")
    assert system.labels == bk.models.tully(1).labels
    dataset = bk.simulate(
        system, bk.Ehrenfest(), bk.ThermalBath("300 K"), bk.times("5 fs", 2), trajectories=2
    )
    assert float(dataset["time"][-1]) == pytest.approx(5 * 41.341373, rel=1e-6)
    bath = bk.models.DebyeBath("100 cm^-1", "20 cm^-1")
    assert bk.models.spin_boson(4, 0.0, 1e-3, bath).labels == system.labels


def test_transforms_keep_the_units():
    swap = np.array([[0.0, 1.0], [1.0, 0.0]])
    for system in (bk.models.rabi(), bk.models.hybrid_spins()):
        changed = (
            scale_interaction(system, 0.5),
            change_basis(system, swap),
            add(system, system),
            add(scale_interaction(system, 2.0), system),
        )
        assert {other.labels for other in changed} == {REDUCED_LABELS}
    assert bk.models.rabi().averaged(0.1).labels == REDUCED_LABELS
    one = scale_interaction(magnet(), 0.5)
    assert one.labels == PICOSECONDS
    assert add(one, bk.hamiltonian(lambda n: np.zeros((1, 1)), manifold=one.manifold)).labels == PICOSECONDS
    with pytest.raises(bk.InvalidInput, match="in meV and ps and in J and hbar/J cannot be added"):
        add(one, elsewhere(magnet(bk.ReducedUnits()), one))


def elsewhere(system, other):
    """`system` on the spheres of another."""
    import equinox as eqx

    return eqx.tree_at(lambda tree: tree.manifold, system, other.manifold)


def test_magnets_in_real_units_take_quantities():
    field = ["0 T", "0 T", "500 mT"]
    bonds = bk.Bonds([0], [1], "2.418 THz") + bk.Bonds([0], [1], 0.0, ["0 meV", "0 meV", "1 meV"])
    system = bk.SpinSystem([0.5, 0.5], bonds, field, uniaxial=bk.Uniaxial("0.1 meV"), units=bk.RealUnits())
    np.testing.assert_allclose(system.field, [0.0, 0.0, 0.5])
    np.testing.assert_allclose(system.bonds.exchange, [10.0, 0.0], rtol=1e-4, atol=1e-12)
    assert float(system.uniaxial.constant) == pytest.approx(0.1)
    assert float(bk.LLG(0.1, "300 K").temperature) == pytest.approx(300)
    assert float(bk.LLG(0.1, "1 meV").temperature) == pytest.approx(1 / 0.08617333262, rel=1e-6)
    assert bk.ThermalSpins("4 K").temperature == pytest.approx(4)
    ring = bk.lattices.chain(4).bonds("10 meV", [["0 meV", "0 meV", "1 meV"]])
    np.testing.assert_allclose(ring.exchange, 10.0)
    assert bk.SpinSystem([0.5] * 4, ring, units=bk.RealUnits()).count == 4


@pytest.mark.parametrize(
    ("further", "name"),
    [
        ({"field": ["0 T", "0 T", "1 T"]}, "field` of SpinSystem"),
        ({"bonds": bk.Bonds([0], [1], "1 meV") + bk.Bonds([0], [1], 0.1)}, "exchange` of Bonds"),
        ({"bonds": bk.lattices.chain(2, periodic=False).bonds(["1 meV"])}, "exchange` of Bonds"),
        ({"uniaxial": bk.Uniaxial("1 meV")}, "constant` of Uniaxial"),
    ],
)
def test_magnets_in_reduced_units_take_plain_numbers(further, name):
    with pytest.raises(bk.InvalidInput, match=f"`{name}.*ReducedUnits.*{OWN}"):
        bk.SpinSystem([0.5, 0.5], **further)


def test_temperatures_of_theories_and_starts_of_magnets():
    reduced = magnet(bk.ReducedUnits())
    with pytest.raises(bk.InvalidInput, match=f"`temperature` of LLG.*{OWN}"):
        run(reduced, bk.times(1.0, 2), theory=bk.LLG(0.1, "300 K"))
    with pytest.raises(bk.InvalidInput, match=f"`temperature` of ThermalSpins.*{OWN}"):
        run(reduced, bk.times(1.0, 2), bk.ThermalSpins("4 K"), bk.QuantumLLG(0.1))


FILE = """
[model]
name = "spin_boson"
modes = 4
{model}
[preparation]
kind = "ThermalBath"
temperature = {temperature}
[[theory]]
kind = "Ehrenfest"
[times]
stop = {stop}
[run]
trajectories = 2
"""


def test_files_say_the_same():
    document = {"model": "", "temperature": '"300 K"', "stop": '"10 ps"'}
    with pytest.raises(config.InvalidDocument) as refused:
        config.parse(FILE.format(**document), "f.toml")
    assert [line.split(": ")[1] for line in refused.value.mistakes] == [
        "times.stop",
        "preparation.temperature",
    ]
    assert all("units of its own" in line for line in refused.value.mistakes)
    setup = config.parse(FILE.format(**{**document, "model": 'bias = "100 cm^-1"'}), "f.toml")
    assert setup.times.stop == pytest.approx(413413.73, rel=1e-6)
    assert type(setup.times.stop) is float


WIDTHS = """
[model]
name = "tully1"
[preparation]
kind = "GaussianPacket"
position = -2.0
momentum = 20.0
width = 0.5
[[theory]]
kind = "Koopmons"
position_width = {position}
momentum_width = {momentum}
[times]
stop = 4.0
saves = 2
[run]
trajectories = 4
"""


@pytest.mark.parametrize("position", ['"0.1 angstrom"', '["0.1 angstrom"]', "0.18897261"])
def test_a_width_that_is_also_a_choice_takes_a_unit(position):
    (theory,) = config.parse(WIDTHS.format(position=position, momentum='"2 hbar/bohr"'), "f.toml").theories
    assert theory.position_width == pytest.approx(0.18897261, rel=1e-6)
    assert theory.momentum_width == pytest.approx(2.0)
    assert bk.Koopmons(position_width="0.1 angstrom").position_width == pytest.approx(0.18897261, rel=1e-6)


@pytest.mark.parametrize(
    ("position", "line"),
    [
        (
            '"1 fs"',
            "theory[1].position_width: '1 fs' must be a length, such as '0.5 angstrom', but is a time",
        ),
        ('"InSpread"', "did you mean 'InSpreads'"),
        ('"0.1"', "theory[1].position_width: '0.1' has no unit"),
        ('["a"]', "theory[1].position_width: 'a' must be a number and a unit"),
    ],
)
def test_a_wrong_width_gets_one_line(position, line):
    with pytest.raises(config.InvalidDocument) as refused:
        config.parse(WIDTHS.format(position=position, momentum=2.0), "f.toml")
    (mistake,) = refused.value.mistakes
    assert line.lower() in mistake.lower()
