"""The spin-boson model and its baths against integrals, a table and the equation term by term."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.integrate import quad

from brackish.errors import InvalidInput
from brackish.hamiltonians import scale_interaction
from brackish.manifolds import PhasePoint
from brackish.models import DebyeBath, DiscreteBath, OhmicBath, spin_boson

# Ohmic bath, strength 0.2, cutoff 2.5, highest frequency 10, 20 modes: frequencies and couplings from a
# program independent of this library.
OHMIC_FREQUENCIES = [
    0.1258244443, 0.2583187816, 0.3982299254, 0.5464377323, 0.703988552, 0.8721400798, 1.0524224094,
    1.2467228594, 1.4574066292, 1.6874931316, 1.9409219982, 2.2229697403, 2.5409326896, 2.9053107643,
    3.3320097785, 3.8468369644, 4.495928806, 5.3750017765, 6.7427809589, 10.0,
]  # fmt: skip
OHMIC_COUPLINGS = [
    0.0197115584, 0.040468017, 0.0623863867, 0.0856045051, 0.1102862925, 0.1366287786, 0.1648716664,
    0.195310622, 0.2283161756, 0.264361346, 0.3040633128, 0.3482486901, 0.3980605155, 0.455143698,
    0.5219900297, 0.6026424515, 0.7043286686, 0.8420435484, 1.0563187587, 1.5665921303,
]  # fmt: skip


def correlation(frequencies, couplings, time):
    """The force correlation of a classical bath at temperature 1: the sum of c^2 / w^2 cos(w t)."""
    return np.sum((couplings / frequencies) ** 2 * np.cos(frequencies * time))


def test_the_ohmic_bath_is_the_table():
    frequencies, couplings = OhmicBath(0.2, 2.5, highest=10.0).discretise(20)
    assert np.abs(frequencies - OHMIC_FREQUENCIES).max() < 1e-10
    assert np.abs(couplings - OHMIC_COUPLINGS).max() < 1e-10


@given(
    modes=st.integers(1, 2000),
    cutoff=st.floats(1e-3, 1e2),
    reorganisation=st.just(0.0) | st.floats(1e-6, 10.0),
)
def test_the_debye_bath_has_its_reorganisation_energy_for_any_number_of_modes(modes, cutoff, reorganisation):
    system = spin_boson(modes, bath=DebyeBath(cutoff, reorganisation))
    assert system.frequencies.shape == system.couplings.shape == (modes,)
    assert np.all(np.diff(system.frequencies) > 0)
    assert abs(system.reorganisation() - reorganisation) <= 1e-12 * reorganisation


@pytest.mark.parametrize("time", [0.0, 2.0, 7.0, 20.0])
def test_many_modes_give_the_correlation_of_the_debye_bath(time):
    """(2/pi) int J(w)/w cos(w t) dw = 2 lambda exp(-w_c t) with J = 2 lambda w w_c / (w^2 + w_c^2)."""
    cutoff, reorganisation = 0.1, 0.02
    modes = DebyeBath(cutoff, reorganisation).discretise(20000)
    expected = 2 * reorganisation * np.exp(-cutoff * time)
    assert abs(correlation(*modes, time) - expected) < 2e-3 * reorganisation


@pytest.mark.parametrize("time", [0.0, 0.3, 1.0, 4.0])
def test_many_modes_give_the_correlation_of_the_ohmic_bath(time):
    strength, cutoff = 0.2, 2.5
    modes = OhmicBath(strength, cutoff).discretise(20000)
    expected, _ = quad(lambda w: strength * np.exp(-w / cutoff) * np.cos(w * time), 0, 5 * cutoff, limit=200)
    assert abs(correlation(*modes, time) - expected) < 1e-3 * strength
    assert abs(0.5 * correlation(*modes, 0.0) - 0.5 * strength * cutoff * (1 - np.exp(-5))) < 1e-12


def test_the_hamiltonian_term_by_term():
    frequencies, couplings = np.array([0.3, 1.1, 2.0]), np.array([0.2, -0.5, 0.7])
    system = spin_boson(bias=0.4, coupling=0.25, bath=DiscreteBath(frequencies, couplings))
    q, p = np.array([0.5, -1.2, 0.3]), np.array([0.1, 0.9, -0.4])
    bath = 0.5 * np.sum(p**2 + frequencies**2 * q**2)
    force = couplings @ q
    expected = np.array([[bath + 0.4 + force, 0.25], [0.25, bath - 0.4 - force]])
    point = PhasePoint(jnp.asarray(q), jnp.asarray(p))
    assert np.abs(np.asarray(system.operator(point)) - expected).max() < 1e-14
    assert system.manifold.masses.tolist() == [1.0, 1.0, 1.0]
    apart = scale_interaction(system, 0.0)
    assert np.abs(np.asarray(apart.operator(point)) - bath * np.eye(2) - system.quantum()).max() < 1e-14


def test_the_reorganisation_energy_is_what_either_level_falls():
    """The lowest bath energy on each level is -lambda, and 4 lambda higher straight above it on the other."""
    system = spin_boson(7, bias=0.0, coupling=0.0, bath=OhmicBath(0.4, 1.0))
    reorganisation = system.reorganisation()
    for level, sign in ((0, -1), (1, 1)):
        lowest = PhasePoint(jnp.asarray(sign * system.couplings / system.frequencies**2), jnp.zeros(7))
        energies = np.diag(system.operator(lowest))
        assert abs(energies[level] + reorganisation) < 1e-14
        assert abs(energies[1 - level] - energies[level] - 4 * reorganisation) < 1e-14


def test_the_mean_force_is_the_coupling_times_the_polarisation():
    system = spin_boson(1000)
    psi = jnp.array([0.6, 0.8j])
    force = jax.jit(jax.grad(system.potential_expect))(jnp.linspace(-3.0, 5.0, 1000), psi)
    assert np.abs(np.asarray(force) - (0.36 - 0.64) * system.couplings).max() < 1e-14


def test_the_step_does_not_depend_on_the_stiffest_mode():
    steps = [spin_boson(modes).suggested_step() for modes in (100, 1000, 10000)]
    assert np.ptp(steps) < 1e-3 * steps[0]
    assert 0.05 < steps[0] < 0.2
    assert np.isfinite(spin_boson(3, 0.0, 0.0, DebyeBath(0.1, 0.0)).suggested_step())


def test_the_number_of_modes():
    assert spin_boson().frequencies.size == 100
    assert spin_boson(17).frequencies.size == 17
    given_modes = DiscreteBath([0.1, 0.2], [1.0, 2.0])
    assert spin_boson(bath=given_modes).frequencies.tolist() == [0.1, 0.2]
    assert spin_boson(2, bath=given_modes).couplings.tolist() == [1.0, 2.0]


@pytest.mark.parametrize(
    ("build", "word"),
    [
        (lambda: spin_boson(0), "modes"),
        (lambda: spin_boson(2.0), "modes"),
        (lambda: spin_boson(True), "modes"),
        (lambda: spin_boson("many"), "modes"),
        (lambda: spin_boson(10**12), "modes"),
        (lambda: spin_boson(bias="high"), "bias"),
        (lambda: spin_boson(bias=[0.1, 0.2]), "bias"),
        (lambda: spin_boson(coupling=float("nan")), "coupling"),
        (lambda: spin_boson(coupling=0.5j), "coupling"),
        (lambda: spin_boson(bath="debye"), "bath"),
        (lambda: spin_boson(bath=DebyeBath), "bath"),
        (lambda: spin_boson(3, bath=DiscreteBath([1.0], [1.0])), "modes"),
        (lambda: DebyeBath(cutoff=0.0), "cutoff"),
        (lambda: DebyeBath(cutoff="low"), "cutoff"),
        (lambda: DebyeBath(reorganisation=-0.02), "reorganisation"),
        (lambda: OhmicBath(strength=-1.0), "strength"),
        (lambda: OhmicBath(cutoff=float("inf")), "cutoff"),
        (lambda: OhmicBath(highest=-3.0), "highest"),
        (lambda: DiscreteBath([1.0, 0.0], [1.0, 1.0]), "frequencies"),
        (lambda: DiscreteBath([1.0, 2.0], [1.0]), "couplings"),
        (lambda: DiscreteBath([], []), "frequencies"),
        (lambda: DiscreteBath([[1.0]], [1.0]), "frequencies"),
        (lambda: DiscreteBath([1.0], ["a"]), "couplings"),
        (lambda: DiscreteBath([1.0], [float("nan")]), "couplings"),
        (lambda: DiscreteBath([[1.0], [1.0, 2.0]], [1.0]), "frequencies"),
    ],
)
def test_bad_input_gets_one_line(build, word):
    with pytest.raises(InvalidInput, match=f"`{word}`") as caught:
        build()
    assert "\n" not in str(caught.value)
