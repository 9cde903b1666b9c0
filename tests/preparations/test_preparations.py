"""Where runs start: moments of samples, lattices and wavefunctions against their formulas."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

import brackish as bk
import brackish.preparations.electronic as electronic
from brackish.preparations import Amplitudes
from brackish.quantum import eigensystem

MASSES = [2.0, 5.0]


def mixed(q):
    """Two levels whose eigenstates turn smoothly, with a complex coupling where there are two coordinates."""
    last = q[-1]
    coupling = 0.3 * jnp.exp(-0.2 * q[0] ** 2) * jnp.exp(0.4j * last)
    return jnp.array([[jnp.sin(q[0]), coupling], [jnp.conj(coupling), -jnp.sin(q[0]) + 0.1 * last]])


def real(q):
    return jnp.array([[jnp.tanh(q[0]), 0.4], [0.4, -jnp.tanh(q[0])]])


ONE = bk.hamiltonian(real, [2.0])
TWO = bk.hamiltonian(mixed, MASSES)


def draws(preparation, system, count):
    """A batch of starts, as a run draws them."""
    keys = jax.vmap(jax.random.fold_in, in_axes=(None, 0))(jax.random.key(7), jnp.arange(count))
    return jax.vmap(preparation.draw, in_axes=(None, 0, 0))(system, jnp.arange(count), keys)


def assert_normal(sample, mean, deviation):
    """Mean and variance within four standard errors, and no correlation of the columns."""
    count = sample.shape[0]
    assert np.all(np.abs(sample.mean(axis=0) - mean) < 4 * deviation / np.sqrt(count))
    assert np.all(np.abs(sample.var(axis=0) / deviation**2 - 1) < 4 * np.sqrt(2 / count))
    correlation = np.corrcoef(sample.T) - np.eye(sample.shape[1])
    assert np.abs(correlation).max() < 4.5 / np.sqrt(count)


# -- packets --------------------------------------------------------------------------------------------

PACKET = bk.GaussianPacket([0.5, -1.0], [3.0, 2.0], [0.4, 0.7])


def test_samples_have_the_moments_of_the_wigner_function():
    points = draws(PACKET, TWO, 40_000).point
    sample = np.concatenate([points.position, points.momentum], axis=1)
    # a momentum spread of 1 / (2 width)
    assert_normal(sample, np.array([0.5, -1.0, 3.0, 2.0]), np.array([0.4, 0.7, 1.25, 0.5 / 0.7]))


CLOUD = bk.GaussianCloud([0.5, -1.0], 3.0, [0.4, 0.7], [0.2, 1.5])


def test_clouds_have_the_widths_that_they_are_given():
    points = draws(CLOUD, TWO, 40_000).point
    sample = np.concatenate([points.position, points.momentum], axis=1)
    assert_normal(sample, np.array([0.5, -1.0, 3.0, 3.0]), np.array([0.4, 0.7, 0.2, 1.5]))


@pytest.mark.parametrize("preparation", [PACKET, CLOUD])
def test_densities_are_those_of_the_samples(preparation):
    """The mean of the density over its own samples is known for a Gaussian: its peak times 1/4 for two coordinates."""
    points = draws(preparation, TWO, 40_000).point
    values = np.asarray(jax.vmap(preparation.density, in_axes=(None, 0))(TWO, points))
    widths = np.prod(np.asarray(preparation.spread(TWO.manifold)[2:]))
    mean = 1 / ((2 * np.pi) ** 2 * widths) / 4
    assert abs(values.mean() - mean) < 4 * values.std() / np.sqrt(40_000)


def test_normals_are_standard_deviations_from_the_centre():
    z = CLOUD.point_from_normals(TWO.manifold, jnp.array([[1.0, -2.0], [0.5, 0.0]]))
    np.testing.assert_allclose(z.position, [0.9, -2.4])
    np.testing.assert_allclose(z.momentum, [3.1, 3.0])


def test_a_start_without_a_density_says_so():
    points = bk.Points([0.0], [0.0])
    with pytest.raises(bk.UnsupportedHamiltonian, match="Points has no smooth classical density"):
        points.density(ONE, ONE.manifold.probe())


def test_clouds_name_what_is_wrong():
    with pytest.raises(bk.InvalidInput, match="`momentum_width` must be positive"):
        bk.GaussianCloud(0.0, 0.0, 1.0, 0.0)
    with pytest.raises(bk.InvalidInput, match="`position` must be one number or 1"):
        CLOUD.check(ONE)


GRID = (np.arange(-6, 6, 12 / 90), np.arange(-8, 7, 15 / 80))


def moments(psi, positions):
    """Norm, means and variances of positions and momenta of a wavefunction, by sums and Fourier sums."""
    cell = np.prod([x[1] - x[0] for x in positions])
    axes = tuple(range(1, psi.ndim))
    density = np.sum(np.abs(psi) ** 2, axis=0) * cell
    spectrum = np.sum(np.abs(np.fft.fftn(psi, axes=axes)) ** 2, axis=0) * cell / density.size
    result = [np.sum(density)]
    for values, weight in ((positions, density), (None, spectrum)):
        for axis, x in enumerate(positions):
            line = x if values is not None else 2 * np.pi * np.fft.fftfreq(x.size, x[1] - x[0])
            others = tuple(other for other in range(weight.ndim) if other != axis)
            marginal = weight.sum(axis=others)
            mean = np.sum(marginal * line)
            result += [mean, np.sum(marginal * line**2) - mean**2]
    return np.array(result)


@pytest.mark.parametrize("state", [1, Amplitudes([0.6, 0.8j])], ids=["level", "amplitudes"])
def test_the_wavefunction_has_the_moments_of_the_samples(state):
    packet = bk.GaussianPacket([0.5, -1.0], [3.0, 2.0], [0.4, 0.7], state=state)
    psi = np.asarray(packet.wavefunction(TWO, GRID))
    assert psi.shape == (2, 90, 80)
    expected = [1, 0.5, 0.4**2, -1.0, 0.7**2, 3.0, 1.25**2, 2.0, (0.5 / 0.7) ** 2]
    np.testing.assert_allclose(moments(psi, GRID), expected, rtol=0, atol=1e-9)
    spinor = [0, 1] if state == 1 else [0.6, 0.8j]
    share = np.einsum("ixy,jxy->ij", psi, psi.conj()) * np.prod([x[1] - x[0] for x in GRID])
    np.testing.assert_allclose(share, np.outer(spinor, np.conj(spinor)), atol=1e-12)


@given(
    position=st.floats(-2, 2),
    momentum=st.floats(-8, 8),
    width=st.floats(0.3, 1.0),
    state=st.sampled_from([0, 1]),
)
def test_wavefunctions_have_unit_norm(position, momentum, width, state):
    packet = bk.GaussianPacket(position, momentum, width, state=bk.Adiabatic(state))
    psi = packet.wavefunction(ONE, (GRID[0],))
    assert abs(np.sum(np.abs(psi) ** 2) * (12 / 90) - 1) < 1e-12


# -- adiabatic states -----------------------------------------------------------------------------------


def wild(matrix):
    """Eigenvectors with a phase, or for real matrices a sign, that jumps from place to place."""
    energies, vectors = eigensystem(matrix)
    turns = 1e5 * (matrix[0, 0].real + (1 + jnp.arange(matrix.shape[0])) * matrix[1, 1].real)
    if jnp.iscomplexobj(matrix):
        return energies, vectors * jnp.exp(1j * turns)[None, :]
    return energies, vectors * jnp.where(jnp.sin(turns) > 0, 1.0, -1.0)[None, :]


def high_frequencies(psi):
    """The share of the norm beyond two thirds of the largest wavenumber: almost nothing for a smooth function."""
    axes = tuple(range(1, psi.ndim))
    waves = np.abs(np.fft.fftn(psi, axes=axes)) ** 2
    far = np.zeros(waves.shape[1:], bool)
    for axis, size in enumerate(psi.shape[1:]):
        shape = [1] * (psi.ndim - 1)
        shape[axis] = size
        far |= (np.abs(np.fft.fftfreq(size)) > 1 / 3).reshape(shape)
    return waves[:, far].sum() / waves.sum()


@pytest.mark.parametrize(
    ("system", "packet", "positions"),
    [
        (ONE, bk.GaussianPacket(-0.5, 2.0, 0.8, state=bk.Adiabatic(0)), GRID[:1]),
        (ONE, bk.GaussianPacket(0.7, -2.0, 0.8, state=bk.Adiabatic(1)), GRID[:1]),
        (TWO, bk.GaussianPacket([0.3, -0.5], [2.0, 1.0], [0.6, 0.8], state=bk.Adiabatic(0)), GRID),
        (TWO, bk.GaussianPacket([0.3, -0.5], [2.0, 1.0], [0.6, 0.8], state=bk.Adiabatic(1)), GRID),
    ],
    ids=["one lower", "one upper", "two lower", "two upper"],
)
def test_adiabatic_wavefunctions_are_smooth_whatever_the_signs(system, packet, positions, monkeypatch):
    smooth = np.asarray(packet.wavefunction(system, positions))
    monkeypatch.setattr(electronic, "eigensystem", wild)
    raw = np.asarray(
        jax.vmap(lambda x: packet.state.spinor(system, bk.PhasePoint(x, jnp.zeros_like(x))))(
            jnp.stack([x.ravel() for x in jnp.meshgrid(*positions, indexing="ij")], axis=-1)
        )
    )
    rough = np.moveaxis(raw.reshape(*smooth.shape[1:], 2), -1, 0) * np.linalg.norm(smooth, axis=0)
    assert high_frequencies(rough) > 1e-3  # the phases do jump
    psi = np.asarray(packet.wavefunction(system, positions))
    assert high_frequencies(psi) < 1.01 * high_frequencies(smooth) + 1e-14 < 1e-5
    # the same function, up to one overall phase, of the right norm and density
    overlap = np.vdot(smooth, psi) / np.vdot(smooth, smooth)
    assert abs(abs(overlap) - 1) < 1e-10
    np.testing.assert_allclose(psi, overlap * smooth, rtol=0, atol=1e-8)
    assert abs(moments(psi, positions)[0] - 1) < 1e-12


def test_adiabatic_wavefunctions_are_eigenstates_everywhere():
    packet = bk.GaussianPacket([0.3, -0.5], [2.0, 1.0], [0.6, 0.8], state=bk.Adiabatic(1))
    psi = np.asarray(packet.wavefunction(TWO, GRID)).reshape(2, -1)
    nodes = jnp.stack([x.ravel() for x in jnp.meshgrid(*GRID, indexing="ij")], axis=-1)
    matrices = np.asarray(jax.vmap(TWO.potential)(nodes))
    upper = np.linalg.eigvalsh(matrices)[:, 1]
    acted = np.einsum("gij,jg->ig", matrices, psi)
    np.testing.assert_allclose(acted, upper[None] * psi, rtol=0, atol=1e-11)


def test_samples_in_an_adiabatic_state_follow_the_eigenstate():
    start = draws(bk.GaussianPacket([0.5, -1.0], [3.0, 2.0], [0.4, 0.7], state=bk.Adiabatic(0)), TWO, 50)
    for q, psi in zip(start.point.position, start.psi, strict=True):
        matrix = np.asarray(TWO.potential(q))
        np.testing.assert_allclose(matrix @ psi, np.linalg.eigvalsh(matrix)[0] * psi, atol=1e-12)
    np.testing.assert_allclose(np.linalg.norm(start.psi, axis=1), 1.0, atol=1e-13)


def test_the_phase_of_an_adiabatic_start_changes_no_result(monkeypatch):
    packet = bk.GaussianPacket(-0.5, 2.0, 0.8, state=bk.Adiabatic(0))
    times = bk.times(1.0, saves=2, step=0.05)

    def results():
        jax.clear_caches()
        return [
            bk.simulate(ONE, theory, packet, times, trajectories=32, workers=1)
            for theory in (bk.Ehrenfest(), bk.Exact(bk.Grid(-14.0, 16.0, 216)))
        ]

    before = results()
    monkeypatch.setattr(electronic, "eigensystem", wild)
    after = results()
    jax.clear_caches()
    for first, second in zip(before, after, strict=True):
        for name in ("population", "density_matrix", "position", "energy", "scattering"):
            np.testing.assert_allclose(
                second[name].values, first[name].values, rtol=0, atol=1e-10, err_msg=name
            )


# -- lattices, points, baths ----------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("packet", "system"), [(PACKET, TWO), (bk.GaussianPacket(0.5, 3.0, 0.4), ONE)], ids=["two", "one"]
)
def test_lattices_have_the_moments_of_the_packet(packet, system):
    lattice = bk.PacketLattice(packet, shape=(16, 14))
    n = system.manifold.coordinates
    assert lattice.count() == (16 * 14) ** n
    start = draws(lattice, system, lattice.count())
    weight = np.asarray(start.weight)
    assert abs(weight.sum() / lattice.count() - 1) < 1e-12
    sample = np.concatenate([start.point.position, start.point.momentum], axis=1)
    mean = weight @ sample / weight.sum()
    covariance = (weight * (sample - mean).T) @ (sample - mean) / weight.sum()
    deviation = np.array([0.4, 0.7][:n] + [1.25, 0.5 / 0.7][:n])
    np.testing.assert_allclose(mean, [0.5, -1.0][:n] + [3.0, 2.0][:n], atol=1e-12)
    np.testing.assert_allclose(covariance / np.outer(deviation, deviation), np.eye(2 * n), rtol=0, atol=1e-6)
    assert len(np.unique(sample, axis=0)) == lattice.count()


def test_a_lattice_is_the_limit_of_samples():
    packet = bk.GaussianPacket(-1.5, 12.0, 0.5, state=bk.Adiabatic(0))
    times = bk.times(200.0, saves=1, step=2.0)
    laid_out, finer = (
        bk.simulate(bk.models.tully(1), bk.Ehrenfest(), bk.PacketLattice(packet, (n, n)), times, workers=1)
        for n in (20, 30)
    )
    drawn = bk.simulate(bk.models.tully(1), bk.Ehrenfest(), packet, times, trajectories=4096, workers=1)
    scores = (drawn.population - laid_out.population) / drawn.population_standard_error
    assert np.abs(scores.values[-1]).max() < 4
    np.testing.assert_allclose(laid_out.population.values, finer.population.values, rtol=0, atol=1e-5)


def test_points_are_where_they_were_put():
    positions, momenta = np.arange(6.0).reshape(3, 2), -np.arange(6.0).reshape(3, 2)
    start = draws(bk.Points(positions, momenta, weights=[1.0, 0.0, 3.0], state=1), TWO, 3)
    np.testing.assert_array_equal(start.point.position, positions)
    np.testing.assert_array_equal(start.point.momentum, momenta)
    np.testing.assert_allclose(start.weight, [0.75, 0.0, 2.25])  # they sum to the number of points
    np.testing.assert_array_equal(start.psi, np.tile([0, 1], (3, 1)))
    np.testing.assert_array_equal(draws(bk.Points([1.0, 2.0], [0.0, 0.0]), ONE, 2).weight, [1, 1])


OSCILLATORS = bk.hamiltonian(real, [2.0, 5.0, 1.0], frequencies=[0.3, 1.0, 4.0])
FREQUENCIES, BATH_MASSES = np.array([0.3, 1.0, 4.0]), np.array([2.0, 5.0, 1.0])


@pytest.mark.parametrize(
    ("temperature", "classical"), [(0.0, False), (0.2, False), (3.0, False), (0.2, True), (3.0, True)]
)
def test_baths_have_the_variances_of_equilibrium(temperature, classical):
    """w/2 coth(w/2kT) in each degree of freedom, or kT: m w^2 <q^2> = <p^2>/m."""
    points = draws(bk.ThermalBath(temperature, classical=classical), OSCILLATORS, 20_000).point
    if classical:
        energy = np.full(3, temperature)
    elif temperature == 0:
        energy = FREQUENCIES / 2
    else:
        energy = FREQUENCIES / 2 / np.tanh(FREQUENCIES / (2 * temperature))
    deviation = np.concatenate([np.sqrt(energy / BATH_MASSES) / FREQUENCIES, np.sqrt(energy * BATH_MASSES)])
    assert_normal(np.concatenate([points.position, points.momentum], axis=1), np.zeros(6), deviation)


def test_a_quantum_bath_is_classical_when_hot():
    hot = bk.ThermalBath(1e3), bk.ThermalBath(1e3, classical=True)
    quantum, classical = (draws(bath, OSCILLATORS, 10).point.position for bath in hot)
    np.testing.assert_allclose(quantum, classical, rtol=1e-5)


def test_a_bath_stays_in_equilibrium_without_interaction():
    system = bk.scale_interaction(OSCILLATORS, 0.0)
    run = bk.simulate(
        system,
        bk.Ehrenfest(),
        bk.ThermalBath(0.5),
        bk.times(30.0, saves=3, step=0.5),
        trajectories=4096,
        workers=1,
    )
    for name in ("position_spread", "momentum_spread"):
        change = np.abs(run[name].values / run[name].values[0] - 1)
        assert change.max() < 5 / np.sqrt(2 * 4096)


# -- spins ----------------------------------------------------------------------------------------------

SPINS = bk.hamiltonian(lambda n: jnp.diag(n[0, :2]), manifold=bk.Spheres(2))


def test_uniform_directions_have_no_preference():
    n = np.asarray(draws(bk.UniformDirections(), SPINS, 20_000).point)
    np.testing.assert_allclose(np.linalg.norm(n, axis=2), 1.0, atol=1e-13)
    assert_normal(n[:, 0], np.zeros(3), np.full(3, np.sqrt(1 / 3)))
    flat = n.reshape(-1, 6)
    np.testing.assert_allclose(flat.T @ flat / 20_000, np.eye(6) / 3, atol=0.012)


def test_given_directions_are_normalised():
    start = draws(bk.Directions([[[0, 0, 2.0], [3.0, 0, 4.0]]]), SPINS, 1)
    np.testing.assert_allclose(start.point[0], [[0, 0, 1], [0.6, 0, 0.8]])


# -- what is refused ------------------------------------------------------------------------------------

REFUSED = {
    "width of zero": lambda: bk.GaussianPacket(0.0, 0.0, 0.0),
    "negative width": lambda: bk.GaussianPacket(0.0, 0.0, -1.0),
    "position that is no number": lambda: bk.GaussianPacket(np.nan, 0.0, 1.0),
    "infinite momentum": lambda: bk.GaussianPacket(0.0, np.inf, 1.0),
    "state that is no state": lambda: bk.GaussianPacket(0.0, 0.0, 1.0, state="up"),
    "too many positions": lambda: bk.GaussianPacket([0.0, 1.0], 0.0, 1.0).check(ONE),
    "level beyond the last": lambda: bk.GaussianPacket(0.0, 0.0, 1.0, state=2).check(ONE),
    "negative level": lambda: bk.GaussianPacket(0.0, 0.0, 1.0, state=bk.Adiabatic(-1)).check(ONE),
    "amplitudes of another norm": lambda: bk.GaussianPacket(0.0, 0.0, 1.0, state=[1.0, 1.0]).check(ONE),
    "too few amplitudes": lambda: bk.GaussianPacket(0.0, 0.0, 1.0, state=[1.0]).check(ONE),
    "packet on spheres": lambda: bk.GaussianPacket(0.0, 0.0, 1.0).check(SPINS),
    "points of unequal number": lambda: bk.Points([0.0, 1.0], [0.0]),
    "no points": lambda: bk.Points([], []),
    "points that are no numbers": lambda: bk.Points([np.nan], [0.0]),
    "negative weight": lambda: bk.Points([0.0, 1.0], [0.0, 0.0], weights=[1.0, -1.0]),
    "no weight at all": lambda: bk.Points([0.0, 1.0], [0.0, 0.0], weights=[0.0, 0.0]),
    "points of more coordinates": lambda: bk.Points([[0.0, 1.0]], [[0.0, 0.0]]).check(ONE),
    "negative temperature": lambda: bk.ThermalBath(-1.0),
    "no temperature for a classical bath": lambda: bk.ThermalBath(0.0, classical=True),
    "bath without frequencies": lambda: bk.ThermalBath(1.0).check(ONE),
    "bath with a free mode": lambda: bk.ThermalBath(1.0).check(
        bk.hamiltonian(real, [1.0], frequencies=[0.0])
    ),
    "lattice without points": lambda: bk.PacketLattice(PACKET, shape=(0, 4)),
    "lattice in many coordinates": lambda: bk.PacketLattice(bk.GaussianPacket(0.0, 0.0, 1.0)).check(
        OSCILLATORS
    ),
    "direction of no length": lambda: bk.Directions([[0.0, 0.0, 0.0]]),
    "too few directions": lambda: bk.Directions([[0.0, 0.0, 1.0]]).check(SPINS),
}


@pytest.mark.parametrize("case", REFUSED)
def test_what_is_refused(case):
    with pytest.raises(bk.BrackishError) as caught:
        REFUSED[case]()
    assert "\n" not in str(caught.value)
    assert len(str(caught.value)) > 25


def test_fluid_elements_are_quantiles_with_one_momentum():
    packet = bk.GaussianPacket(1.0, 5.0, 2.0, 0)
    elements = bk.FluidElements(packet, 8)
    system, key = bk.models.tully(1), jax.random.key(0)
    points = [elements.draw(system, jnp.asarray(k), key).point for k in range(8)]
    position = np.array([float(p.position[0]) for p in points])
    assert np.allclose(
        jax.scipy.stats.norm.cdf(position, 1.0, 2.0), (np.arange(8) + 0.5) / 8, rtol=0, atol=1e-12
    )
    assert all(float(p.momentum[0]) == 5.0 for p in points)
    with pytest.raises(bk.InvalidInput, match="`number` of FluidElements"):
        bk.FluidElements(packet, 0)
