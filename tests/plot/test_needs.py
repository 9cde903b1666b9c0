"""What can be drawn from a dataset is offered, and nothing else."""

import inspect

import numpy as np
import pytest
from typer.testing import CliRunner

import brackish as bk
from brackish.cli import app
from brackish.plot import needs


def molecule():
    packet = bk.GaussianPacket(-2.0, 20.0, 0.5, state=bk.Adiabatic(0))
    run = (packet, bk.times(4.0, 2, step=2.0))
    return bk.simulate(bk.models.tully(1), bk.Ehrenfest(), *run, trajectories=4, follow=4)


def magnet():
    start = bk.Directions([[1.0, 0.0, 0.0], [0.0, 0.0, 1.0]])
    return bk.simulate(bk.models.spin_dimer(), bk.LLG(0.1), start, bk.times(1.0, 2))


def quantum_magnet():
    kept = (bk.observables.correlation_matrix(), bk.observables.bell_nonlocality())
    return bk.simulate(
        bk.models.spin_dimer(), bk.QuantumLLG(0.1), bk.Singlet(), bk.times(1.0, 2), observables=kept
    )


def friction():
    system = bk.models.newns_anderson(levels=bk.models.TrapezoidLevels(4), band=bk.models.FlatBand(0.1))
    theory = bk.MolecularDynamicsWithFriction(
        bk.IndependentElectrons("300 K"), bk.ConstantFriction(0.1), table=bk.Table(-3.0, 3.0, 32)
    )
    return bk.simulate(system, theory, bk.Points([0.1], [0.0]), bk.times(20.0, 2, 10.0), trajectories=2)


def field_theory():
    start = bk.GaussianPacket(1.0, 0.0, 0.5**0.5, state=0)
    grid = bk.PhaseSpace((-6.0, -6.0), (6.0, 6.0), (32, 32))
    return bk.simulate(bk.models.rabi(), bk.AleksandrovGerasimenko(grid), start, bk.times(0.02, 2, step=0.01))


MUST = {
    molecule: {"compare", "populations", "coherence", "phase_space", "cloud", "potentials", "motion"},
    magnet: {"compare", "magnet", "spin_components"},
    quantum_magnet: {"compare", "magnet", "spin_components", "correlations", "nonlocality"},
    friction: {"compare", "motion"},
    field_theory: {"compare", "populations", "coherence"},
}


@pytest.mark.parametrize("make", MUST, ids=lambda make: make.__name__)
def test_what_is_offered_is_drawn_and_all_else_refused(make, tmp_path):
    dataset = make()
    offered = needs.drawable(dataset)
    assert MUST[make] <= set(offered)
    for figure in needs.NEEDS:
        if figure in offered:
            assert getattr(bk.plot, figure)(dataset).axes
        else:
            with pytest.raises(bk.InvalidInput):
                getattr(bk.plot, figure)(dataset)
    bk.write_netcdf(dataset, tmp_path / "it.nc")
    refused = next(figure for figure in needs.NEEDS if figure not in offered)
    ended = CliRunner().invoke(app, ["plot", str(tmp_path / "it.nc"), "--kind", refused])
    assert ended.exit_code == 2
    assert ended.output.count("\n") == 1
    assert f"needs {needs.lacking(refused, dataset)}; what can be drawn" in ended.output
    assert all(figure in ended.output for figure in offered)


def test_every_figure_of_one_dataset_says_what_it_needs():
    drawn = {name: getattr(bk.plot, name) for name in bk.plot.__all__}
    firsts = {"dataset", "fields", "panels"}
    of_datasets = {
        name
        for name, draw in drawn.items()
        if inspect.isfunction(draw) and next(iter(inspect.signature(draw).parameters)) in firsts
    }
    assert of_datasets - set(needs.NEEDS) <= {"densities"}
    assert set(needs.NEEDS) <= set(drawn)


def test_a_variable_without_numbers_and_a_wrong_size_are_named():
    dataset = molecule()
    empty = dataset.assign(purity=dataset["purity"] * np.nan)
    assert needs.lacking("coherence", empty) == "'purity', in which the dataset has no numbers"
    assert needs.lacking("plane", dataset) == "a run with two coordinates, but the dataset has one"
