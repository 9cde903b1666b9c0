"""The mean-field model beside Ehrenfest: the same for one trajectory, without decoherence for more."""

import json
from pathlib import Path

import numpy as np
import pytest

import brackish as bk

PUBLISHED = Path(__file__).parents[1] / "published" / "data" / "ehrenfest.json"
ENSEMBLE = json.loads(PUBLISHED.read_text())["ensemble"]

KEPT = ("population", "adiabatic_population", "density_matrix", "position", "momentum", "energy", "purity")


def test_one_trajectory_is_ehrenfest():
    start = bk.Points([-8.0], [15.0], state=bk.Adiabatic(0))
    times, system = bk.times(2400.0, 12), bk.models.tully(1)
    mean_field, ehrenfest = (
        bk.simulate(system, theory, start, times) for theory in (bk.MeanField(), bk.Ehrenfest())
    )
    for name in KEPT:
        # the round-off of 2400 steps; neighbouring trajectories hardly part here
        assert np.abs(np.asarray(mean_field[name] - ehrenfest[name])).max() < 1e-10, name


def test_many_trajectories_do_not_decohere():
    """The 64 points whose purity in Ehrenfest falls from 1 to 0.5698 (independent program): here it stays."""
    points = np.array(ENSEMBLE["points"])
    start = bk.Points(points[:, 0], points[:, 1], state=0)
    run = bk.simulate(bk.models.tully(1), bk.MeanField(), start, bk.times(2000.0, 20))
    assert ENSEMBLE["records"][-1]["purity_dia"] == pytest.approx(0.5698, abs=1e-4)
    assert np.abs(np.asarray(run.purity) - 1).max() < 1e-12
    assert np.abs(np.asarray(run.norm) - 1).max() < 1e-12
    # populations move all the same, and the energy is kept to the order of the step
    assert 0.3 < float(run.population[-1, 0]) < 0.7
    assert float(np.abs(run.energy - run.energy[0]).max()) < 1e-6


# -- a qubit in an equal superposition beside an oscillator ----

FREQUENCY, SPLITTING, COUPLING = 1.3, 0.7, 0.4


@pytest.fixture(scope="module")
def dephasing():
    """Both theories on a lattice of points that stands for the Gaussian integral."""
    system = bk.models.pure_dephasing(FREQUENCY, SPLITTING, COUPLING)
    packet = bk.GaussianPacket(0.0, 0.0, np.sqrt(0.5), state=np.array([1.0, 1.0]) / np.sqrt(2))
    lattice = bk.PacketLattice(packet, shape=(24, 24), reach=5.0)
    times = bk.times(8.0, 20, step=0.02)
    theories = {"mean field": bk.MeanField(), "Ehrenfest": bk.Ehrenfest()}
    return {name: bk.simulate(system, theory, lattice, times) for name, theory in theories.items()}


def test_ehrenfest_dephases_as_it_should(dephasing):
    r"""There is no mean force, and the oscillator turns freely: the phases $\int2\sqrt2\,gq\,dt$ of the
    trajectories are those of the exact answer, $|\rho_{01}(t)|=\frac12\exp[-(8g^2/\omega^2)\sin^2(\omega t/2)]$.

    The lattice leaves out 1e-6 of the Gaussian; the step, to second order, 1e-4 of a turn of phase.
    """
    time = np.asarray(dephasing["Ehrenfest"].time)
    decay = 8 * (COUPLING / FREQUENCY) ** 2 * np.sin(0.5 * FREQUENCY * time) ** 2
    expected = 0.5 * np.exp(-decay - 1j * SPLITTING * time)
    assert np.abs(np.asarray(dephasing["Ehrenfest"].density_matrix[:, 0, 1]) - expected).max() < 2e-4
    assert np.abs(expected).min() < 0.25


def test_the_mean_field_model_gathers_one_phase_for_all(dephasing):
    run = dephasing["mean field"]
    assert np.abs(np.abs(np.asarray(run.density_matrix[:, 0, 1])) - 0.5).max() < 1e-12
    assert np.abs(np.asarray(run.purity) - 1).max() < 1e-12
