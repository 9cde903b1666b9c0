"""A dataset carries its potential curves, so that figures need no Hamiltonian."""

import jax.numpy as jnp
import numpy as np

import brackish as bk

CURVES = {"potential_position", "diabatic_energy", "adiabatic_energy"}


def run(hamiltonian, preparation):
    return bk.simulate(
        hamiltonian, bk.Ehrenfest(), preparation, bk.times(20.0, saves=2, step=5.0), trajectories=16
    )


def test_one_coordinate_has_curves_where_the_run_has_been():
    packet = bk.GaussianPacket(position=-1.0, momentum=20.0, width=0.5)
    found = run(bk.models.tully(1), packet)
    assert found.diabatic_energy.dims == ("point", "level", "level_")
    assert found.adiabatic_energy.dims == ("point", "level")
    assert found.potential_position[0] <= found.trajectory_position.min()
    assert found.potential_position[-1] >= found.trajectory_position.max()
    np.testing.assert_allclose(
        np.linalg.eigvalsh(found.diabatic_energy.values), found.adiabatic_energy, atol=1e-14
    )
    bk.plot.compare(found)


def test_several_coordinates_have_none():
    system = bk.hamiltonian(lambda q: jnp.diag(q), masses=[1000.0, 1000.0])
    found = run(system, bk.GaussianPacket(position=0.0, momentum=1.0, width=1.0))
    assert not CURVES & set(found.data_vars)
