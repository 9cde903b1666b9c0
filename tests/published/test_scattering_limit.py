"""Packets so wide that they are plane waves, against the scattering probabilities of Tully's models.

The wavenumbers of a packet of width sigma spread by 1/(2 sigma), at most 0.05 here, over which probabilities
change by less than 1e-3. The numbers are those of the stationary coupled-channel problem, start on the lower
adiabat from the left.
"""

import numpy as np
import pytest

import brackish as bk

STRANG = bk.integrators.Strang()

# model, wavenumber, width, box, spacing, stop, step, integrator, [reflected, transmitted] by level
CASES = {
    "model I, slow": (1, 10, 15.0, (-220, 220), 0.11, 36000.0, 4.0, STRANG, [[0, 0], [0.84452, 0.15548]]),
    "model I, fast": (1, 20, 15.0, (-220, 220), 0.11, 20000.0, 4.0, STRANG, [[0, 0], [0.50679, 0.49321]]),
    "model II": (2, 16, 15.0, (-220, 220), 0.1, 25000.0, 2.5, STRANG, [[0, 0], [0.79827, 0.20173]]),
    "model III": (3, 10, 10.0, (-150, 400), 0.08, 26000.0, 6.5, None, [[0.08993, 0.20991], [0.70016, 0]]),
}


def scattered(model, wavenumber, width, box, spacing, stop, step, integrator, absorber=None):
    """A run until everything has left the origin."""
    start = -6.5 * width
    points = 2 * round((box[1] - box[0]) / (2 * spacing))
    packet = bk.GaussianPacket(start, wavenumber, width, state=bk.Adiabatic(0))
    theory = bk.Exact(bk.Grid(box[0], box[1], points), absorber)
    times = bk.times(stop, 2, step=step)
    return bk.simulate(bk.models.tully(model), theory, packet, times, integrator=integrator)


@pytest.mark.parametrize("case", CASES)
def test_transmission_and_reflection_by_level(case):
    *how, expected = CASES[case]
    run = scattered(*how)
    found = np.asarray(run.scattering[-1])
    assert np.abs(found - expected).max() < 1e-3
    assert abs(found.sum() - 1) < 1e-9


def test_an_absorbing_boundary_counts_what_has_left():
    """Model III on less than half the box; 2e-3 covers what the boundary throws back."""
    model, wavenumber, width, _, spacing, stop, step, integrator, expected = CASES["model III"]
    absorber = bk.Absorber(length=35.0, strength=0.03)
    run = scattered(model, wavenumber, width, (-150, 60), spacing, stop, step, integrator, absorber)
    found = np.asarray(run.scattering[-1])
    assert np.abs(found - expected).max() < 2e-3
    # what has been absorbed and what is still in the box make one
    assert abs(found.sum() - 1) < 1e-6
    assert float(run.norm[-1]) < 0.35
