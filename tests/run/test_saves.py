"""Any number of saves comes out, also one that does not fill the last compiled call."""

import numpy as np
import pytest

import brackish as bk

SYSTEM = bk.models.tully(1)
START = bk.Points([-1.0], [10.0])


@pytest.mark.parametrize("saves", [1, 49, 50, 51, 99, 100, 103, 110])
def test_every_save_is_there(saves):
    run = bk.simulate(SYSTEM, bk.Ehrenfest(), START, bk.times(2.0 * saves, saves=saves, step=1.0), workers=1)
    np.testing.assert_allclose(run.time.values, 2.0 * np.arange(saves + 1))
    moved = np.diff(run.position.values[:, 0])
    assert run.position.values[0, 0] == -1.0
    assert np.all(moved > 0.005)  # each save is two steps further, none stands for another


def test_an_integrator_that_leaves_out_the_jumps_is_refused():
    with pytest.raises(bk.UnsupportedHamiltonian, match="would leave out the jumps of SurfaceHopping"):
        bk.simulate(
            SYSTEM, bk.SurfaceHopping(), START, bk.times(2.0, saves=1), integrator=bk.integrators.TripleJump()
        )
