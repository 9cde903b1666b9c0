"""Ensembles whose trajectories know each other: how many neighbours they have, and starts that have a spread."""

import warnings

import numpy as np
import pytest

import brackish as bk

BATH = bk.models.spin_boson(modes=30, bath=bk.models.DebyeBath(0.1, 0.02))
WARM = bk.ThermalBath(temperature=1.0, state=[0.6, 0.8])


def test_without_neighbours_the_run_says_that_it_is_hardly_coupled():
    with pytest.warns(
        UserWarning, match="neighbours within its kernel.*more trajectories, or a wider `width`"
    ):
        run = bk.simulate(BATH, bk.ExactFactorization(), WARM, bk.times(0.1, 1), trajectories=32)
    assert float(run.neighbours.max()) < 1
    assert "hardly feels" in run.attrs["remarks"]


def test_neighbours_are_counted_by_their_gaussians():
    """Three points in a line, one kernel width apart, and nothing said of a lack."""
    system = bk.models.tully(1)
    points = bk.Points([0.0, 1.0, 2.0], [10.0, 10.0, 10.0])
    with warnings.catch_warnings():
        warnings.simplefilter("error", UserWarning)
        run = bk.simulate(system, bk.ExactFactorization(width=1.0), points, bk.times(0.01, 1, step=0.01))
    near, far = np.exp(-0.5), np.exp(-2.0)
    assert float(run.neighbours[0]) == pytest.approx((2 * (near + far) + 2 * near) / 3, rel=1e-10)


def test_the_width_follows_from_every_start_that_has_a_spread():
    system = bk.hamiltonian(lambda q: np.eye(2) * q[0], [2.0], frequencies=[0.5])
    rng = np.random.default_rng(0)
    positions, momenta = rng.normal(1.0, 0.7, (2, 64, 1))
    deviation = np.sqrt(0.25 / np.tanh(0.125)) / (np.sqrt(2.0) * 0.5)
    expected = (
        (bk.Points(positions, momenta), positions.std()),
        (bk.ThermalBath(temperature=2.0), deviation),
        (bk.PacketLattice(bk.GaussianPacket(0.0, 0.0, 0.4), (4, 4)), 0.4),
        (bk.QuasiRandom(bk.GaussianPacket(0.0, 0.0, 0.4)), 0.4),
    )
    for preparation, spread in expected:
        theory = bk.ExactFactorization(width=bk.InSpreads(0.5)).resolve(system, preparation, None)
        assert float(theory.width[0]) == pytest.approx(0.5 * spread, rel=1e-10), preparation


def test_a_start_without_a_spread_asks_for_a_number():
    points = bk.Points([[1.0], [1.0]], [[0.0], [0.0]])
    with pytest.raises(bk.UnsupportedHamiltonian, match="give `width` a number"):
        bk.ExactFactorization().resolve(bk.models.tully(1), points, None)


def test_points_are_laid_out_evenly_where_that_helps_and_drawn_in_many_coordinates():
    def preparation(modes):
        packet = bk.GaussianPacket(np.zeros(modes), np.zeros(modes), np.ones(modes))
        system = bk.models.spin_boson(modes=modes)
        theory = bk.ExactFactorization(width=10.0)
        return bk.simulate(system, theory, packet, bk.times(0.01, 1), trajectories=8).attrs["preparation"]

    assert "QuasiRandom" in str(preparation(2))
    assert "QuasiRandom" not in str(preparation(12))


def test_decoherence_without_its_parameter_acts_at_rest():
    """C = 0 leaves a time of 1 / gap, whatever the kinetic energy; also none."""
    damping = bk.EnergyBasedDecoherence(0.0)
    active, energies = np.array([1.0, 0.0]), np.array([0.0, 2.0])
    for kinetic in (0.0, 5.0):
        after = damping.damp(np.array([0.8 + 0j, 0.6]), energies, active, kinetic, 0.1)
        assert np.abs(np.asarray(after)[1]) == pytest.approx(0.6 * np.exp(-0.2), rel=1e-12)
    at_rest = bk.EnergyBasedDecoherence().damp(np.array([0.8 + 0j, 0.6]), energies, active, 0.0, 0.1)
    np.testing.assert_allclose(np.asarray(at_rest), [0.8, 0.6], rtol=0, atol=1e-15)
