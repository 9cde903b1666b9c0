"""A spin in a Debye bath against numerically exact populations.

H = E sigma_z + V sigma_x + sigma_z sum c q with E = V = 0.5, kT = 1, cutoff 0.1, reorganisation energy 0.02,
from level 0 with the bath in equilibrium by itself: P_0(10) = 0.73284 and P_0(20) = 0.67354 (hierarchical
equations of motion). Neither theory is exact; what is asked is how far each may be off, statistical error
included.
"""

import numpy as np
import pytest

import brackish as bk

EXACT = np.array([0.73284, 0.67354])


@pytest.mark.parametrize(
    ("theory", "allowed"),
    [(bk.Ehrenfest(), 0.03), (bk.SurfaceHopping(), 0.08)],
    ids=["Ehrenfest", "SurfaceHopping"],
)
def test_populations_of_a_spin_in_a_debye_bath(theory, allowed):
    bath = bk.models.DebyeBath(cutoff=0.1, reorganisation=0.02)
    system = bk.models.spin_boson(modes=100, bias=0.5, coupling=0.5, bath=bath)
    start = bk.ThermalBath(temperature=1.0, state=0)
    run = bk.simulate(system, theory, start, bk.times(20.0, 2), trajectories=2000)
    assert np.abs(np.asarray(run.population[1:, 0]) - EXACT).max() < allowed
    # 2000 trajectories leave an error well below what is asked
    assert float(run.population_standard_error[1:, 0].max()) < 0.01
