"""Fewest-switches surface hopping: against exact populations, and what must hold inside the theory."""

import json
from pathlib import Path

import jax.numpy as jnp
import numpy as np
import pytest

import brackish as bk
from brackish.quantum import apply, dagger, eigensystem
from brackish.theories.trajectories import surface_hopping

PUBLISHED = Path(__file__).parents[1] / "published" / "data" / "exact_wavepackets.json"
REFERENCE = json.loads(PUBLISHED.read_text())


# -- what is kept beside the standard observables ----


def amplitudes(hamiltonian, y):
    """Adiabatic amplitudes of one trajectory's electronic state, (d,), and a mask of its active surface."""
    _, vectors = eigensystem(hamiltonian.potential(y.point.position))
    psi = y.psi if y.frame is None else apply(y.frame, y.psi)
    return apply(dagger(vectors), psi), jnp.arange(hamiltonian.levels) == y.active


def carried(theory, hamiltonian, y):
    """|c_n|^2, what the electronic state says of the populations, (d,)."""
    return jnp.abs(amplitudes(hamiltonian, y)[0]) ** 2


def stray(theory, hamiltonian, y):
    """Population of the other surfaces, counted at the active surface, (d,)."""
    values, active = amplitudes(hamiltonian, y)
    return jnp.where(active, jnp.sum(jnp.where(active, 0.0, jnp.abs(values) ** 2)), 0.0)


OBSERVABLES = (
    bk.Observable("carried", carried, ("level",)),
    bk.Observable("stray", stray, ("level",)),
)


SAVES = 10


def hopping(theory, model, positions, momenta, stop, step=1.0, observables=OBSERVABLES):
    """Trajectories from given points, each on the lower surface."""
    points = bk.Points(positions, momenta, state=bk.Adiabatic(0))
    times = bk.times(stop, SAVES, step=step)
    return bk.simulate(bk.models.tully(model), theory, points, times, observables=observables, seed=3)


# -- against exact populations ----

COUNT = 2048


def from_a_packet(model, wavenumber, start, stop):
    """Points drawn from the Wigner function of Tully's packet: standard errors of populations up to 0.011."""
    normal = np.random.default_rng(1).standard_normal((2, COUNT))
    width = 10 / wavenumber
    positions, momenta = start + width * normal[0], wavenumber + 0.5 / width * normal[1]
    return hopping(bk.SurfaceHopping(), model, positions, momenta, stop)


def test_a_single_crossing_at_high_momentum_is_right():
    """Lower transmission is 0.50679 for a plane wave; the spread of the packet moves it by 1e-3."""
    run = from_a_packet(1, 20.0, -8.0, 2000.0)
    error = float(run.scattering_standard_error[-1, 1, 0])
    assert error == pytest.approx(np.sqrt(0.25 / COUNT), rel=0.05)
    assert abs(float(run.scattering[-1, 1, 0]) - 0.50679) < 4 * error + 1e-3


@pytest.mark.parametrize(
    ("model", "wavenumber", "start", "stop", "off"),
    [
        # slow, near the threshold of the upper surface: right to a few hundredths (Tully 1990, figure 4)
        (1, 10.0, -8.0, 4000.0, 0.03),
        # the waves of two crossings interfere, and trajectories have no right phase (Tully 1990, figure 5)
        (2, 16.0, -10.0, 3000.0, 0.1),
    ],
)
def test_elsewhere_it_is_off_by_what_is_known(model, wavenumber, start, stop, off):
    reference = REFERENCE[f"tully{model}_k{wavenumber:.0f}"]
    run = from_a_packet(model, wavenumber, start, stop)
    assert np.allclose(run.time, reference["times"][::2])
    error = float(run.adiabatic_population_standard_error.max())
    exact = np.array(reference["series"]["pop_ad"])[::2]
    assert np.abs(np.asarray(run.adiabatic_population) - exact).max() < off + 4 * error


# -- trajectories that differ in their random numbers alone ----


def from_one_point(theory, model=1, start=(-8.0, 20.0), stop=2000.0, **options):
    """By default through the crossing of model I, at momentum 20."""
    return hopping(theory, model, np.full(COUNT, start[0]), np.full(COUNT, start[1]), stop, **options)


def energy_error(run):
    """The root mean square, over trajectories, of what their energy has changed by; the largest over time."""
    spread = run.energy_standard_error * np.sqrt(COUNT - 1)
    return float(np.sqrt(spread**2 + (run.energy - run.energy[0]) ** 2).max())


@pytest.fixture(scope="module")
def plain():
    """The default theory."""
    return from_one_point(bk.SurfaceHopping())


def test_surfaces_and_amplitudes_agree_after_a_single_passage(plain):
    """What fewest switches are made for: the fraction of trajectories on a surface is the mean of |c|^2."""
    error = float(plain.adiabatic_population_standard_error[-1, 0])
    assert abs(float(plain.adiabatic_population[-1, 0] - plain.carried[-1, 0])) < 4 * error
    # and |c|^2 itself is that of a mean trajectory, but for the branching
    assert float(plain.carried[-1, 0]) == pytest.approx(0.5006, abs=0.01)


def test_a_long_step_misses_no_crossing(plain):
    """0.2 bohr a step: probabilities follow from populations before and after, not from a rate."""
    coarse = from_one_point(bk.SurfaceHopping(), step=20.0)
    error = np.hypot(*(run.adiabatic_population_standard_error[-1, 0] for run in (plain, coarse)))
    assert abs(float(coarse.adiabatic_population[-1, 0] - plain.adiabatic_population[-1, 0])) < 4 * error


def test_rescaling_conserves_the_energy_of_each_trajectory(plain):
    """To the second order of the smooth motion; a hop at one momentum would change it by up to 0.02."""
    coarse = from_one_point(bk.SurfaceHopping(), step=4.0)
    assert energy_error(plain) < 1e-6
    assert np.log(energy_error(coarse) / energy_error(plain)) / np.log(4) == pytest.approx(2, abs=0.15)


def test_without_rescaling_the_energy_is_not_conserved():
    """Half of the trajectories end on the upper surface, having hopped where the gap was 0.01 or more."""
    run = from_one_point(bk.SurfaceHopping(rescaling=bk.NoRescaling()))
    assert float(run.energy[-1] - run.energy[0]) > 0.004
    assert energy_error(run) > 0.005


# -- frustrated hops: model III, where the upper surface closes on the right ----


@pytest.fixture(scope="module")
def frustrated():
    """Slow trajectories in model III, by what becomes of hops that the energy forbids."""
    theories = {"kept": bk.KeepVelocity(), "reversed": bk.ReverseVelocity()}
    return {
        name: from_one_point(bk.SurfaceHopping(frustrated=kind), model=3, start=(-10.0, 8.0), stop=4000.0)
        for name, kind in theories.items()
    }


def test_hops_without_the_energy_for_them_do_not_happen(frustrated):
    """The upper surface is closed on the right: the amplitude stays there, no trajectory does."""
    for run in frustrated.values():
        assert float(run.scattering[-1, 1, 1]) < 1e-12
        error = float(run.adiabatic_population_standard_error[-1, 1])
        assert float(run.carried[-1, 1] - run.adiabatic_population[-1, 1]) > 4 * error
        assert energy_error(run) < 1e-5


def test_reversed_velocities_send_trajectories_back(frustrated):
    kept, reversed_ = (frustrated[name].scattering[-1].sum("level") for name in ("kept", "reversed"))
    assert float(reversed_[0]) > float(kept[0])
    assert float(reversed_[1]) < float(kept[1])


# -- decoherence, representation, phases ----

REPRESENTATIONS = (bk.InDiabaticBasis(), bk.InAdiabaticBasis())


def decohering(representation):
    """The theory with everything in it."""
    return bk.SurfaceHopping(representation=representation, decoherence=bk.EnergyBasedDecoherence())


@pytest.fixture(scope="module")
def damped():
    """Runs with decoherence, one in each representation."""
    return [from_one_point(decohering(representation)) for representation in REPRESENTATIONS]


def test_decoherence_lowers_the_coherence(plain, damped):
    assert float(plain.coherence[-1]) > 0.5
    assert float(damped[0].coherence[-1]) < 1e-3


def test_amplitudes_off_the_active_surface_decay_at_the_printed_rate(damped):
    """Far away gap and kinetic energy T stand still: |c_b|^2 falls as exp(-2 t |E_b - E_a| T / (T + C))."""
    time = np.asarray(damped[0].time)
    gap, total, parameter = 0.02, 0.5 * 20**2 / 2000 - 0.01, 0.1
    kinetic = total + np.array([0.01, -0.01])
    rate = 2 * gap * kinetic / (kinetic + parameter)
    late = slice(7, None)
    falls = -np.diff(np.log(np.asarray(damped[0].stray)[late]), axis=0) / np.diff(time[late])[:, None]
    # from 6 bohr on, the surfaces are flat to exp(-1.6 * 6)
    assert np.abs(falls / rate - 1).max() < 1e-4


COMPARED = (
    "population",
    "density_matrix",
    "position",
    "momentum",
    "energy",
    "trajectory_position",
    "trajectory_momentum",
)


def largest_difference(first, second):
    """Over all that is kept of two runs, single trajectories among it."""
    return max(float(np.abs(first[name] - second[name]).max()) for name in COMPARED)


def test_both_representations_are_the_same_theory(damped):
    """Amplitudes carried by overlaps are the diabatic ones in another basis: the same hops, to round-off."""
    assert largest_difference(*damped) < 1e-10


@pytest.mark.parametrize("which", [0, 1], ids=["diabatic", "adiabatic"])
def test_phases_of_eigenvectors_change_nothing(which, damped, monkeypatch):
    """Every eigenvector is multiplied by a phase that jumps about from place to place."""
    asked = []

    def with_phases(matrix):
        asked.append(matrix.shape)
        energies, vectors = eigensystem(matrix)
        turns = (1e4 * matrix[0, 0] + 3e4 * matrix[0, 1]) * jnp.array([1.0, -1.7])
        return energies, vectors * jnp.exp(1j * turns)[None, :]

    monkeypatch.setattr(surface_hopping, "eigensystem", with_phases)
    # other observables, so that the program compiled for the run without phases is not taken again
    nothing = bk.Observable("nothing", lambda theory, hamiltonian, y: jnp.zeros(()))
    run = from_one_point(decohering(REPRESENTATIONS[which]), observables=(nothing,))
    assert asked
    assert largest_difference(run, damped[which]) < 1e-10


def test_levels_that_cross_without_coupling_keep_their_diabats():
    """Pure dephasing: the diabatic population is a constant, and every crossing of the levels is a hop."""
    system = bk.models.pure_dephasing(frequency=1.0, splitting=0.5, coupling=0.5)
    start = bk.GaussianPacket(1.0, 0.0, 0.5**0.5, state=[0.5**0.5, 0.5**0.5])
    times = bk.times(12.0, saves=24, step=0.02)
    run = bk.simulate(system, bk.SurfaceHopping(), start, times, trajectories=2000, seed=3)
    error = run.population_standard_error.max("time").sel(level=0).item()
    assert np.abs(run.population.sel(level=0).values - 0.5).max() < 4.5 * error
    spread = np.ptp(run.adiabatic_population.sel(level=0).values)
    assert spread > 0.1  # the levels do cross
