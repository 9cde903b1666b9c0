"""A level in a band: special functions, closed forms, and bands of levels that become them."""

import functools

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
import pytest
import scipy.special
from hypothesis import given
from hypothesis import strategies as st

from brackish.analysis import friction as ef
from brackish.analysis.friction.polygamma import digamma, log_gamma_modulus, polygamma
from brackish.errors import InvalidInput
from brackish.quantum import IndependentElectrons

ENERGY, SLOPE, WIDTH, DECAY = 0.0, 0.05, 0.02, 0.2
POSITIONS = np.linspace(-1.0, 1.0, 5)[:, None]
WARM = IndependentElectrons(0.005)


def plane(count=200):
    """Places in the right half plane, near the poles and far."""
    draw = np.random.default_rng(0)
    size = 10 ** draw.uniform(-0.5, 3, count)
    real = np.maximum(size * np.cos(draw.uniform(-1.57, 1.57, count)), 0.5)
    return real + 1j * size * draw.uniform(-1, 1, count)


def test_the_gamma_function_and_its_slope():
    z = plane()
    expected = scipy.special.digamma(z)
    assert np.abs(digamma(jnp.asarray(z)) / expected - 1).max() < 1e-13
    expected = scipy.special.loggamma(z).real
    assert np.abs(log_gamma_modulus(jnp.asarray(z)) - expected).max() < 1e-13 * np.abs(expected).max()


def test_polygamma_is_its_derivative():
    """Against scipy on the real axis, and off it by Cauchy's integral of the digamma function about each place."""
    z = plane(50)
    derivatives = jax.jit(jax.vmap(functools.partial(polygamma, 10)))
    found, on_axis = (np.asarray(derivatives(places)) for places in (z, z.real + 0j))
    circle = np.exp(2j * np.pi * np.arange(256) / 256)[:, None]
    radius = 0.7 * np.abs(z)
    around = scipy.special.digamma(z[None, :] + radius[None, :] * circle)
    for place, order in enumerate(range(1, 11)):
        assert np.abs(on_axis[:, place].real / scipy.special.polygamma(order, z.real) - 1).max() < 1e-12
        scale = scipy.special.factorial(order) / radius**order
        expected = scale * np.mean(around / circle**order, axis=0)
        # the sum around the circle errs by 0.7^256, and by round-off of the digamma function
        scale = np.maximum(scale * np.abs(around).max(axis=0), np.abs(expected))
        assert np.abs((found[:, place] - expected) / scale).max() < 1e-13


@functools.cache
def level(position):
    width = WIDTH * np.exp(-DECAY * position)
    return ef.ResonantLevel(ENERGY + SLOPE * position, width, SLOPE, -DECAY * width)


def as_arrays(tree):
    """Numbers as arrays, so that one compiled program serves all of them."""
    return jax.tree_util.tree_map(jnp.asarray, tree)


markov_friction = eqx.filter_jit(lambda *arguments: ef.markov_kernel(*arguments).friction[0, 0])
head_gordon_tully, levels_at = eqx.filter_jit(ef.head_gordon_tully), eqx.filter_jit(ef.electronic_levels)
at_frequency = eqx.filter_jit(
    lambda level, electrons, frequencies: jax.vmap(lambda f: level.friction(electrons, f))(frequencies)
)


@eqx.filter_jit
def _everything(level, electrons):
    return level.friction(electrons), level.occupation(electrons), level.free_energy(electrons)


def everything(level, electrons):
    """Friction, occupation and free energy."""
    return _everything(as_arrays(level), as_arrays(electrons))


def by_quadrature(position, temperature, frequency):
    """The integral over energies of the docstring, by a trapezoid that is far finer than level and temperature."""
    a = 0.5 * float(level(position).width)
    energy, bent = float(level(position).energy), float(level(position).width_slope) / (4 * a)
    angle = np.linspace(-np.pi / 2, np.pi / 2, 200_001)[1:-1]
    e, jacobian = 0.01 * np.tan(angle), 0.01 / np.cos(angle) ** 2

    def density(e):
        return a / np.pi / ((e - energy) ** 2 + a**2)

    def filled(e):
        return 0.5 * (1 - np.tanh(0.5 * e / temperature))

    force = SLOPE + bent * (2 * e + frequency - 2 * energy)
    pairs = density(e) * density(e + frequency) * force**2 * (filled(e) - filled(e + frequency))
    return np.pi / frequency * np.sum(pairs * jacobian) * np.pi / 200_000


@given(
    position=st.floats(-1, 1),
    temperature=st.floats(1e-3, 2e-2),
    exponent=st.floats(-4, -1.5),
    sign=st.sampled_from([-1, 1]),
)
def test_friction_at_a_frequency_is_the_integral_over_energies(position, temperature, exponent, sign):
    """With a width that changes too, on both sides of where the Taylor series ends, and even in the frequency."""
    electrons, frequency = IndependentElectrons(temperature), 10**exponent
    found = at_frequency(as_arrays(level(position)), electrons, jnp.asarray([sign * frequency]))[0]
    # the integral loses digits to the difference of occupations over the frequency
    assert abs(found / by_quadrature(position, temperature, frequency) - 1) < 1e-11


def test_friction_is_smooth_in_frequency_at_all_temperatures():
    frequencies = jnp.linspace(-2e-3, 2e-3, 401)
    for temperature in (0.0, 1e-4, 5e-3):
        electrons = IndependentElectrons(temperature)
        eta = at_frequency(as_arrays(level(0.3)), electrons, frequencies)
        fourth = np.diff(np.asarray(eta), 4)
        # steps of 1e-5 against a width of 2e-2: the fourth difference is round-off, and a step would stand out
        assert np.abs(fourth).max() < 1e-11 * np.abs(eta).max()


def test_cold_and_hot():
    """Zero is the limit from above, with errors of second order; a hot level has the Fermi function alone."""
    cold, *warm = (float(everything(level(0.3), IndependentElectrons(t))[0]) for t in (0.0, 2e-4, 1e-4))
    near = [abs(value / cold - 1) for value in warm]
    assert near[0] < 0.01
    assert abs(near[0] / near[1] - 4) < 0.1
    hot = IndependentElectrons(0.01)
    friction, occupation, free_energy = everything(ef.ResonantLevel(0.01, 1e-7), hot)
    _, _, below = everything(ef.ResonantLevel(-0.02, 1e-7), hot)
    assert abs(occupation - hot.occupations(jnp.array([0.01]))[0]) < 1e-5
    expected = hot.free_energy(jnp.array([0.01])) - hot.free_energy(jnp.array([-0.02]))
    assert abs(free_energy - below - expected) < 1e-6
    # eta = (slope)^2 (-f') / Gamma for a level far narrower than the temperature
    assert abs(friction * 1e-7 * hot.temperature * 4 * np.cosh(0.5) ** 2 - 1) < 1e-4


def energy_function(q):
    return ENERGY + SLOPE * q[0]


def width_function(q):
    return WIDTH * jnp.exp(-DECAY * q[0])


def in_band(band):
    return ef.LevelInBand(energy_function, width_function, band)


@pytest.mark.parametrize("temperature", [0.0, 0.001, 0.005, 0.05])
def test_phase_shifts_in_a_wide_band_are_the_closed_form(temperature):
    electrons = IndependentElectrons(temperature, 0.002, spins=2)
    found = in_band(ef.WideBand()).friction(electrons, POSITIONS)[:, 0, 0]
    expected = np.array([float(everything(level(float(x)), electrons)[0]) for x in POSITIONS[:, 0]])
    assert np.abs(found / expected - 1).max() < 1e-12


def test_a_tensor_has_along_each_direction_the_friction_of_that_direction():
    """Two coordinates that move level and width in different ways, on several surfaces of one temperature."""
    positions, direction = np.array([[0.2, -0.1], [0.0, 0.3]]), np.array([0.6, -1.3])
    system = ef.LevelInBand(
        lambda q: 0.05 * q[0] - 0.02 * q[1] ** 2,
        lambda q: 0.02 * jnp.exp(0.1 * q[0] - 0.3 * q[1]),
        ef.WideBand(),
    )
    tensors = np.asarray(system.friction(WARM, positions))
    for position, tensor in zip(positions, tensors, strict=True):
        slopes = [
            direction @ np.asarray(jax.grad(function)(jnp.asarray(position)))
            for function in (system.energy, system.width)
        ]
        values = [function(jnp.asarray(position)) for function in (system.energy, system.width)]
        along, _, _ = everything(ef.ResonantLevel(*values, *slopes), WARM)
        assert abs(direction @ tensor @ direction / along - 1) < 1e-12
        assert np.array_equal(tensor, tensor.T)
        ef.check_positive(tensor)


def test_the_closed_form_can_be_differentiated():
    @jax.jit
    def eta(x, electrons):
        return ef.ResonantLevel(SLOPE * x, WIDTH * jnp.exp(-DECAY * x), SLOPE).friction(electrons, 1e-3)

    slope, h = jax.jit(jax.grad(eta)), 1e-4
    for electrons in (IndependentElectrons(0.0), WARM):
        difference = (eta(0.3 + h, electrons) - eta(0.3 - h, electrons)) / (2 * h)
        # the third derivative is about eta / (0.2 bohr)^3
        assert abs(slope(0.3, electrons) / difference - 1) < 1e-5


def test_a_wide_band_is_the_limit_of_flat_ones():
    expected = np.asarray(in_band(ef.WideBand()).friction(WARM, POSITIONS))
    errors = [
        np.abs(in_band(ef.FlatBand(half_width)).friction(WARM, POSITIONS) / expected - 1).max()
        for half_width in (1.0, 2.0, 4.0)
    ]
    # Re sigma is E / (pi D) inside: an error of the first order in width over half width
    assert errors[0] < 0.02
    assert abs(errors[0] / errors[1] - 2) < 0.1
    assert abs(errors[1] / errors[2] - 2) < 0.05


@pytest.mark.parametrize("band", [ef.FlatBand(0.3), ef.SemiEllipticBand(0.3)])
def test_the_self_energy_is_the_integral_over_the_band(band):
    """Off the band by quadrature; on it, -2 Im sigma is the shape."""
    nodes, weights = np.polynomial.legendre.leggauss(400)
    inside = band.half_width * nodes
    outside = np.array([-0.9, -0.4, 0.35, 2.0])
    expected = (
        (band.shape(inside)[None, :] / (outside[:, None] - inside[None, :])) @ weights * 0.3 / (2 * np.pi)
    )
    assert np.abs(band.self_energy(outside) - expected).max() < 1e-7
    places = np.array([-0.2, 0.0, 0.13])
    assert np.abs(-2 * band.self_energy(places).imag - band.shape(places)).max() < 1e-15
    # a band of dense levels, smeared, is the same where the band is smooth
    smeared = ef.discretised(band, ef.TrapezoidLevels(1000)).self_energy(places)
    assert np.abs(smeared - band.self_energy(places)).max() < 2e-5


@functools.cache
def by_levels(band, levels):
    """From the eigenvectors of the whole matrix, up to a time before the levels of the band are felt."""
    system = in_band(ef.discretised(band, levels))

    def at(position):
        kernel = ef.markov_kernel(WARM, ef.electronic_levels(system.matrix, position), ef.UpToTime(1200.0))
        return kernel.friction[0, 0]

    return np.asarray(jax.jit(lambda positions: jax.lax.map(at, positions))(jnp.asarray(POSITIONS)))


@pytest.mark.parametrize("levels", [ef.TrapezoidLevels(160), ef.GaussLegendreLevels(200)])
def test_general_route_and_quick_route(levels):
    """All eigenvectors of a level in 200 others, and the phase shifts of the band that these stand for."""
    exact = np.asarray(in_band(ef.SemiEllipticBand(0.3)).friction(WARM, POSITIONS))[:, 0, 0]
    # exp(-Gamma t) and exp(-2 pi k_B T t) are 1e-10 at t = 1200; what is left oscillates with the edges of the band
    assert np.abs(by_levels(ef.SemiEllipticBand(0.3), levels) / exact - 1).max() < 3e-5
    smeared = in_band(ef.discretised(ef.SemiEllipticBand(0.3), levels)).friction(WARM, POSITIONS)[:, 0, 0]
    # the smearing blurs a shape that curves by 1 / D^2: an error of (smearing / D)^2
    assert np.abs(smeared / exact - 1).max() < 5e-4


def test_a_band_of_levels_converges_to_the_closed_form():
    """Levels out to infinity, dense near the Fermi level: friction from eigenvectors becomes digamma functions."""
    expected = float(everything(level(0.3), WARM)[0])
    errors = []
    angle = np.pi * ((np.arange(500) + 0.5) / 500 - 0.5)
    couplings = np.sqrt(0.15 / np.cos(angle) ** 2 / (2 * 500))
    band = ef.DiscreteBand(0.15 * np.tan(angle), couplings, smearing=1e9)
    levels = levels_at(in_band(band).matrix, jnp.array([0.3]))
    for time in (400.0, 800.0, 1000.0):
        found = markov_friction(WARM, levels, ef.UpToTime(time))
        errors.append(abs(float(found) / expected - 1))
    # the kernel falls off as exp(-Gamma t)
    assert errors[0] < 1e-3
    assert errors[1] < 1e-6
    assert errors[2] < 1e-8


def test_head_gordon_and_tully():
    """Two Dirac functions at the Fermi level are the limit of temperature zero, with errors of the broadening."""
    exact = float(in_band(ef.FlatBand(0.3)).friction(IndependentElectrons(0.0), POSITIONS[3:4])[0, 0, 0])
    system = in_band(ef.discretised(ef.FlatBand(0.3), ef.TrapezoidLevels(400)))
    levels = levels_at(system.matrix, jnp.asarray(POSITIONS[3]))
    errors = []
    for width in (4e-3, 2e-3):
        broadening = ef.GaussianBroadening(width)
        found = head_gordon_tully(levels, 0.0, broadening)[0, 0]
        pairs = markov_friction(IndependentElectrons(0.0), levels, broadening)
        # no pair of levels is closer than their distance: of the peak that share is missing
        assert abs(pairs / exact - 1 + 1.5e-3 / (np.sqrt(2 * np.pi) * width)) < 0.02
        errors.append(abs(found / exact - 1))
    # a Gaussian errs in the square of its width
    assert errors[1] < 0.03
    assert abs(errors[0] / errors[1] - 4) < 0.5


@pytest.mark.parametrize(
    ("build", "word"),
    [
        (lambda: ef.ResonantLevel(0.0, 0.0), "width"),
        (lambda: ef.FlatBand(-1.0), "half_width"),
        (lambda: ef.SemiEllipticBand(float("nan")), "half_width"),
        (lambda: ef.TrapezoidLevels(1), "count"),
        (lambda: ef.DiscreteBand(np.zeros(1), np.zeros(1), 1.0), "two levels"),
        (lambda: ef.DiscreteBand(np.arange(3.0), np.ones(3), 0.4), "smearing"),
        (lambda: ef.discretised(ef.WideBand(), ef.TrapezoidLevels(5)), "WideBand has no edges"),
        (lambda: in_band(ef.WideBand()).matrix(jnp.zeros(1)), "WideBand has no levels"),
        (
            lambda: ef.LevelInBand(energy_function, lambda q: q[0], ef.WideBand()).friction(WARM, POSITIONS),
            "positive",
        ),
        (
            lambda: ef.LevelInBand(energy_function, lambda q: 1e-9 + 0 * q[0], ef.WideBand()).friction(
                WARM, POSITIONS
            ),
            "too small",
        ),
    ],
)
def test_bad_input_gets_one_line(build, word):
    with pytest.raises(InvalidInput, match=word) as caught:
        build()
    assert "\n" not in str(caught.value)
