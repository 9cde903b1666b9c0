"""The pair of a classical and a quantum oscillator against operators written down by hand, in both bases."""

import jax.numpy as jnp
import numpy as np
import pytest

from brackish.analysis.oscillators import Bilinear, Spring
from brackish.errors import InvalidInput
from brackish.grids import Grid
from brackish.manifolds import PhasePoint
from brackish.models import FockBasis, PositionBasis, oscillator_pair

MASSES, STIFFNESS = (1.3, 0.7), (0.9, 2.1)
Z = PhasePoint(jnp.array([0.6]), jnp.array([-0.4]))
BASES = [FockBasis(40), PositionBasis(Grid(-8.0, 8.0, 64))]


@pytest.mark.parametrize("basis", BASES, ids=lambda basis: type(basis).__name__)
@pytest.mark.parametrize(
    ("coupling", "stiffening", "pull"), [(Spring(0.4), 0.4, 0.4), (Bilinear(0.4), 0.0, -0.4)]
)
def test_the_energies_at_one_configuration(basis, coupling, stiffening, pull):
    """At a fixed q the quantum oscillator is displaced by c q / K2: its levels are known in closed form."""
    system = oscillator_pair(MASSES, STIFFNESS, coupling, basis)
    stiff = STIFFNESS[1] + stiffening
    classical = 0.4**2 / (2 * 1.3) + 0.5 * (STIFFNESS[0] + stiffening) * 0.6**2
    expected = np.sqrt(stiff / 0.7) * (np.arange(6) + 0.5) - (pull * 0.6) ** 2 / (2 * stiff) + classical
    found = np.linalg.eigvalsh(np.asarray(system.operator(Z)))[:6]
    assert np.abs(found - expected).max() < 1e-10


@pytest.mark.parametrize("basis", BASES, ids=lambda basis: type(basis).__name__)
def test_a_coherent_state_is_a_minimal_packet_at_its_place(basis):
    system = oscillator_pair(MASSES, STIFFNESS, Spring(0.4), basis)
    psi = system.coherent_state(0.5, -0.8)
    x, p = system.quantum_position, system.quantum_momentum
    mean = [np.vdot(psi, operator @ psi).real for operator in (x, p)]
    squares = [np.vdot(operator @ psi, operator @ psi).real for operator in (x, p)]
    impedance = np.sqrt(0.7 * 2.5)
    assert np.abs(np.array(mean) - [0.5, -0.8]).max() < 1e-9
    assert np.abs(np.array(squares) - [0.25 + 0.5 / impedance, 0.64 + 0.5 * impedance]).max() < 1e-9


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        ({"masses": (1.0,)}, "`masses` must have one entry for each of 2"),
        ({"masses": (1.0, -1.0)}, "`masses` must be positive"),
        ({"stiffness": (1.0, 0.2), "coupling": Spring(-0.3)}, "`stiffness` with what the coupling adds"),
    ],
)
def test_bad_arguments_are_refused(arguments, words):
    with pytest.raises(InvalidInput, match=words):
        oscillator_pair(**arguments)


def test_bad_bases_are_refused():
    with pytest.raises(InvalidInput, match="`grid` of PositionBasis must have one coordinate"):
        PositionBasis(Grid([-1.0, -1.0], [1.0, 1.0], [8, 8]))
    with pytest.raises(InvalidInput, match="`cut_off` must be a whole number"):
        FockBasis(0)
