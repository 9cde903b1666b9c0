"""Koopmons on spheres: against independent numbers and formulae, their symmetries, limits and invariants."""

import json
from pathlib import Path

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
import pytest
from jax import lax
from jax.tree_util import Partial

import brackish as bk
from brackish.quantum import pauli_x, pauli_y, pauli_z
from brackish.theories.trajectories.ehrenfest import EhrenfestState
from brackish.theories.trajectories.spin_koopmons import SpinKoopmonState

DATA = Path(__file__).parents[1] / "published" / "data" / "koopman.json"
REFERENCE = json.loads(DATA.read_text())["spin"]
KAPPA, PLANCK = REFERENCE["kappa"], REFERENCE["hbar"]
SIGMA = np.stack([pauli_x.astype(complex), pauli_y, pauli_z.astype(complex)])
POLAR = (16, 24, 48)


# -- systems: one spin whose field is a polynomial, so that all of them are one compiled program ------------------


def field_energy(linear, quadratic, z):
    """v_0 = linear . n + n . quadratic n."""
    return jnp.sum(linear * z[0]) + jnp.sum(quadratic * z[0][:, None] * z[0][None])


def field_operator(constant, linear, quadratic, z):
    """v . sigma with v_i = constant_i + linear_ij n_j + quadratic_ijk n_j n_k."""
    n = z[0]
    v = constant + jnp.sum(linear * n[None], axis=1)
    v = v + jnp.sum(quadratic * n[None, :, None] * n[None, None, :], axis=(1, 2))
    return jnp.sum(SIGMA * v[:, None, None], axis=0)


def entries(shape, **values):
    """An array with few entries that are not zero, by their indices: `i021=0.3`."""
    array = np.zeros(shape)
    for name, value in values.items():
        array[tuple(int(digit) for digit in name[1:])] = value
    return array


FIELDS = {
    "gen": (entries(3, i2=0.5), entries((3, 3), i00=0.7, i11=0.4, i22=0.6), entries((3, 3, 3), i012=0.2)),
    "gamma0": (np.zeros(3), entries((3, 3), i02=0.7), entries((3, 3, 3), i001=0.3)),
    "iso": (np.zeros(3), 0.9 * np.eye(3), np.zeros((3, 3, 3))),
}


def system(name, length=1.0, rotation=None):
    """A system, on spins of this length, turned by a rotation."""
    rotation = np.eye(3) if rotation is None else rotation
    constant, linear, quadratic = FIELDS[name]
    own = (np.zeros(3), np.zeros((3, 3))) if name == "iso" else (np.array([0.3, 0, 0]), np.diag([0, 0, 0.5]))
    quadratic = np.einsum("iab,ja,kb->ijk", quadratic, rotation, rotation)
    return bk.hamiltonian(
        Partial(field_operator, constant, linear @ rotation.T, quadratic),
        manifold=bk.Spheres(1, length),
        external=Partial(field_energy, rotation @ own[0], rotation @ own[1] @ rotation.T),
        step=0.1,
    )


def spinors(s):
    """States (N, 2, 1) with the Bloch vectors `s` (N, 3)."""
    polar, azimuth = np.arccos(s[:, 2] / np.linalg.norm(s, axis=1)), np.arctan2(s[:, 1], s[:, 0])
    return np.stack([np.cos(polar / 2), np.sin(polar / 2) * np.exp(1j * azimuth)], axis=1)[:, :, None]


def directions(values):
    values = np.asarray(values)
    return values / np.linalg.norm(values, axis=-1, keepdims=True)


N = directions(REFERENCE["n"])
W = np.array(REFERENCE["w"]) / np.sum(REFERENCE["w"])
S = directions(REFERENCE["iso"]["s"])


def state(n=N, s=S, w=W):
    return SpinKoopmonState(jnp.asarray(n)[:, None], jnp.asarray(spinors(s)), jnp.asarray(w))


def theory(polar=24, kappa=KAPPA, planck=PLANCK):
    return bk.SpinKoopmons(kappa, quadrature=bk.SphereQuadrature(polar), planck=planck)


def of_koopmons(kappa=KAPPA):
    return bk.SpinKoopmons(kappa, quadrature=bk.KoopmonNodes(), planck=PLANCK)


def density(psi):
    return jnp.sum(psi[:, :, None] * jnp.conj(psi)[:, None], axis=-1)


def bloch(psi):
    return jnp.sum(SIGMA[None] * jnp.swapaxes(density(psi), 1, 2)[:, None], axis=(2, 3)).real


@eqx.filter_jit
def rates(theory, hamiltonian, y):
    """dn/dt and ds/dt of every koopmon."""
    slope = theory.flow(hamiltonian, 0.0, y)
    return slope.point, jax.jvp(bloch, (y.psi,), (slope.psi,))[1]


@eqx.filter_jit
def energies(theory, hamiltonian, y):
    return theory.mean_energy(hamiltonian, y), theory.correlation_energy(hamiltonian, y)


@eqx.filter_jit
def ehrenfest_rates(hamiltonian, y, planck=1.0):
    """The same of Ehrenfest trajectories, whose hbar is 1."""

    def one(point, psi):
        slope = bk.Ehrenfest().flow(hamiltonian, 0.0, EhrenfestState(point, psi))
        return slope.point, slope.psi

    points, slopes = jax.vmap(one)(y.point, y.psi[:, :, 0])
    return points, jax.jvp(bloch, (y.psi,), (slopes[:, :, None] / planck,))[1]


def walk(theory, hamiltonian, y, duration, steps):
    """The state after so many steps of the theory's own integrator, and the worst status of any of them."""
    return _walk(theory, hamiltonian, y, np.asarray(duration / steps), np.asarray(steps))


@eqx.filter_jit
def _walk(theory, hamiltonian, y, dt, steps):
    step = theory.default_integrator(hamiltonian).stepper(theory, hamiltonian, dt)

    def one(_, inner):
        y, worst = inner
        y, status = step(0.0, y, None)
        return y, jnp.maximum(worst, status)

    return lax.fori_loop(0, steps, one, (y, 0))


@eqx.filter_jit
def by_runge_kutta(theory, hamiltonian, y, duration, steps):
    """The classical rule of order 4, written with one flow, which compiles four times as fast."""
    dt = duration / steps
    add = lambda y, factor, k: jax.tree_util.tree_map(lambda a, b: a + factor * b, y, k)  # noqa: E731

    def stage(inner, coefficients):
        y, k, following = inner
        k = theory.flow(hamiltonian, 0.0, add(y, dt * coefficients[0], k))
        return (y, k, add(following, dt * coefficients[1], k)), None

    def step(_, y):
        rule = jnp.array([[0, 1 / 6], [0.5, 1 / 3], [0.5, 1 / 3], [1, 1 / 6]])
        return lax.scan(stage, (y, jax.tree_util.tree_map(jnp.zeros_like, y), y), rule)[0][2]

    return lax.fori_loop(0, steps, step, y)


def far(a, b):
    return float(np.abs(np.asarray(a) - np.asarray(b)).max())


# -- the reference -------------------------------------------------------------------------------------------


@pytest.mark.parametrize("name", ["gamma0", "iso"])
def test_energies_and_rates_are_those_of_the_reference(name):
    known = REFERENCE[name]
    y, hamiltonian = state(s=directions(known["s"])), system(name)
    for polar in POLAR:
        mean, correlation = energies(theory(polar), hamiltonian, y)
        assert abs(mean - known["h_el"]) < 1e-12
        # each number of angles is a quadrature of its own, with its own error: all digits agree
        assert abs(correlation - known["h_hbar"][str(polar)]) < 1e-12
    dn, ds = rates(theory(), hamiltonian, y)
    assert far(dn[:, 0], known["ndot"]) < 3e-12
    assert far(ds, known["sdot"]) < 1e-11
    assert far(np.sum(W[:, None] * (dn[:, 0] + PLANCK / 2 * ds), axis=0), known["dJdt"]) < 1e-12


@pytest.mark.parametrize("name", ["gamma0", "iso"])
def test_trajectories_are_those_of_the_reference(name):
    known, hamiltonian = REFERENCE[name], system(name)
    start = state(s=directions(known["s"]))
    # kernels that are the same everywhere have no correlations: Ehrenfest
    for label, kappa in (("koopmon", KAPPA), ("ehrenfest", 1e-9)):
        y, before = start, 0.0
        for record in known[f"trajectory_{label}"]:
            assert abs(record["t"] - before - 0.5) < 1e-9
            y, before = by_runge_kutta(theory(24, kappa), hamiltonian, y, 0.5, 200), record["t"]
            assert far(y.point[:, 0], record["n"]) < 1e-10
            assert far(bloch(y.psi), record["s"]) < 2e-10
            assert abs(sum(energies(theory(24, kappa), hamiltonian, y)) - record["h"]) < 1e-10


# -- independent formulae --------------------------------------------------------------------------------------


def two_level_energy(n, s, polar):
    """Mean and correlation energy of `gen` in Bloch vectors and numpy, analytic in `n` and `s`."""
    cosine, share = np.polynomial.legendre.leggauss(polar)
    azimuth = np.pi / polar * np.arange(2 * polar)
    sine = np.sqrt(1 - cosine**2)
    x = np.stack([np.outer(sine, np.cos(azimuth)), np.outer(sine, np.sin(azimuth))])
    g = np.stack([x[0], x[1], cosine[:, None] + 0 * x[0]]).reshape(3, -1)
    area = np.repeat(np.pi / polar * share, 2 * polar)
    kernel = KAPPA / (2 * np.pi * (1 - np.exp(-2 * KAPPA))) * np.exp(KAPPA * (n @ g - 1))
    weighted = W[:, None] * kernel
    total, mean = np.sum(weighted, axis=0), s.T @ weighted
    moments = np.einsum("bj,bi,bg->jig", n, s, weighted)
    gradient = np.zeros((3, 3, g.shape[1]))  # of v_i along n_k
    gradient[0] = [0.7 + 0 * g[0], 0.2 * g[2], 0.2 * g[1]]
    gradient[1, 1], gradient[2, 2] = 0.4, 0.6
    flow = np.cross(gradient, g[None], axis=1)
    correlation = sum(np.sum(np.cross(mean, moments[j], axis=0) * flow[:, j], axis=0) for j in range(3))
    v = np.stack([0.7 * n[:, 0] + 0.2 * n[:, 1] * n[:, 2], 0.4 * n[:, 1], 0.5 + 0.6 * n[:, 2]], axis=1)
    own = 0.5 * n[:, 2] ** 2 + 0.3 * n[:, 0]
    mean_energy = np.sum(W * (own + np.sum(v * s, axis=1)))
    return mean_energy, -0.5 * PLANCK * KAPPA * np.sum(area * correlation / total)


def test_energy_and_motion_are_those_of_the_formula_in_bloch_vectors():
    hamiltonian, y = system("gen"), state()
    mean, correlation = energies(theory(24), hamiltonian, y)
    expected = two_level_energy(N, S, 24)
    assert abs(mean - expected[0]) < 1e-14
    assert abs(correlation - expected[1]) < 1e-14
    assert abs(correlation) > 1e-3

    def gradients(which):
        found = np.zeros((6, 3))
        for index in np.ndindex(6, 3):
            shift = np.zeros((6, 3), complex)
            shift[index] = 1e-30j
            n, s = (N + shift, S) if which == "n" else (N, S + shift)
            found[index] = sum(two_level_energy(n, s, 24)).imag / 1e-30
        return found / W[:, None]

    dn, ds = rates(theory(24), hamiltonian, y)
    assert far(dn[:, 0], np.cross(gradients("n"), N)) < 1e-12
    assert far(ds, 2 / PLANCK * np.cross(gradients("s"), S)) < 1e-12


MIXED = bk.Product(bk.Canonical([1.0]), bk.Spheres(2, 1.5))


def hermitian(seed, levels=3):
    rng = np.random.default_rng(seed)
    a = rng.normal(size=(levels, levels)) + 1j * rng.normal(size=(levels, levels))
    return a + a.conj().T


A, B, C = hermitian(1), hermitian(2), hermitian(3)


def three_level_operator(z):
    """H_I = q n_0x A + sin(p) n_1z B + n_0y n_1x C."""
    q, p, n = z.canonical.position[0], z.canonical.momentum[0], z.spheres
    return 0.3 * (q * n[0, 0] * A + jnp.sin(p) * n[1, 2] * B + n[0, 1] * n[1, 0] * C)


def oscillator(z):
    return 0.5 * z.canonical.momentum[0] ** 2 + 0.5 * z.canonical.position[0] ** 2 + 0.4 * z.spheres[0, 2]


def three_level_flow(q, p, n):
    """X_H of the interaction above by hand, (q, p, six directions), each (3, 3); spins of length 1.5."""
    gradient = 0.3 * np.array(
        [
            [q * A, n[1, 0] * C, 0 * A],
            [n[0, 1] * C, 0 * A, np.sin(p) * B],
        ]
    )
    spins = np.cross(np.moveaxis(gradient, 1, -1), n[:, None, None, :], axis=-1) / 1.5
    position, momentum = 0.3 * np.cos(p) * n[1, 2] * B, -0.3 * n[0, 0] * A
    return [position, momentum, *np.moveaxis(spins, -1, 1).reshape(6, 3, 3)]


WIDTHS = {"concentration": [3.0, 6.0], "position_width": 0.5, "momentum_width": 0.9}


def mixed_state(middle=0.0, count=5):
    rng = np.random.default_rng(7)
    z = bk.ProductPoint(
        bk.PhasePoint(
            jnp.asarray(middle + 0.5 * rng.normal(size=(count, 1))), jnp.asarray(rng.normal(size=(count, 1)))
        ),
        jnp.asarray(directions(rng.normal(size=(count, 2, 3)) + np.array([1.0, 0.5, 0.5]))),
    )
    psi = rng.normal(size=(count, 3, 2)) + 1j * rng.normal(size=(count, 3, 2))
    psi /= np.sqrt(np.sum(np.abs(psi) ** 2, axis=(1, 2), keepdims=True))
    weight = rng.uniform(0.5, 1.5, count)
    return SpinKoopmonState(z, jnp.asarray(psi), jnp.asarray(weight / weight.sum()))


MIXED_SYSTEM = bk.hamiltonian(three_level_operator, manifold=MIXED, external=oscillator)


def test_orbit_and_two_spins_are_the_double_sum_over_all_poisson_blocks():
    """One node each, kernels and their derivatives written out; mixed states of three levels, far from the origin."""
    y = mixed_state(40.0)
    q, p = np.asarray(y.point.canonical.position)[:, 0], np.asarray(y.point.canonical.momentum)[:, 0]
    n, w, rho = np.asarray(y.point.spheres), np.asarray(y.weight), np.asarray(density(y.psi))
    expected = 0.0
    for c in range(5):
        flow = three_level_flow(q[c], p[c], n[c])
        smoothed, derivatives = np.zeros((3, 3), complex), np.zeros((8, 3, 3), complex)
        for b in range(5):
            kernel = np.exp(-((q[c] - q[b]) ** 2) / 0.5 - (p[c] - p[b]) ** 2 / 1.62)
            kernel *= np.exp(3 * (n[c, 0] @ n[b, 0] - 1) + 6 * (n[c, 1] @ n[b, 1] - 1))
            slopes = [(q[b] - q[c]) / 0.25, (p[b] - p[c]) / 0.81, *(3 * n[b, 0]), *(6 * n[b, 1])]
            smoothed += w[b] * kernel * rho[b]
            derivatives += np.array(slopes)[:, None, None] * w[b] * kernel * rho[b]
        total = np.trace(smoothed).real
        for slope, x in zip(derivatives, flow, strict=True):
            commutator = smoothed @ slope - slope @ smoothed
            expected += 0.5 * PLANCK * w[c] * (1j * np.trace(commutator @ x)).real / total**2
    koopmons = bk.SpinKoopmons(**WIDTHS, quadrature=bk.KoopmonNodes(), planck=PLANCK)
    correlation = energies(koopmons, MIXED_SYSTEM, y)[1]
    assert abs(correlation - expected) < 1e-12
    assert abs(expected) > 1e-3


def test_orbit_and_spins_keep_energy_lengths_and_spectra():
    koopmons = bk.SpinKoopmons(**WIDTHS, quadrature=bk.KoopmonNodes(), planck=PLANCK)
    y, errors = mixed_state(), []
    start = sum(energies(koopmons, MIXED_SYSTEM, y))
    for steps in (40, 80):
        end, status = walk(koopmons, MIXED_SYSTEM, y, 1.0, steps)
        assert status == 0
        errors.append(abs(sum(energies(koopmons, MIXED_SYSTEM, end)) - start))
    assert errors[0] < 2e-2
    assert errors[1] < 0.3 * errors[0]
    assert far(np.linalg.norm(end.point.spheres, axis=-1), 1) < 1e-12
    before, after = (np.linalg.eigvalsh(density(x.psi)) for x in (y, end))
    assert far(before, after) < 1e-12


def test_without_spins_in_the_coupling_it_is_the_double_sum_on_the_plane():
    """All spins in one place: A_ab = (p_a - p_b) / 2 alpha_p^2 times v'(q) sigma at the nodes."""
    manifold = bk.Product(bk.Canonical([2.0]), bk.Spheres(1))
    coupled = bk.hamiltonian(
        lambda z: jnp.sin(z.canonical.position[0]) * pauli_x + 0.2 * z.canonical.position[0] * pauli_z,
        manifold=manifold,
    )
    rng = np.random.default_rng(2)
    q, p = rng.normal(size=(2, 6))
    point = bk.ProductPoint(
        bk.PhasePoint(jnp.asarray(q[:, None]), jnp.asarray(p[:, None])), jnp.tile(jnp.eye(3)[:1], (6, 1, 1))
    )
    y = SpinKoopmonState(point, jnp.asarray(spinors(S)), jnp.asarray(W))
    kernel = W[None] * np.exp(-((q[:, None] - q[None]) ** 2) / 0.32 - (p[:, None] - p[None]) ** 2 / 1.28)
    total, mean = kernel.sum(axis=1), kernel @ S
    slope = np.einsum("cb,cb,bi->ci", kernel, (p[None] - p[:, None]) / 0.64, S)
    force = np.stack([np.cos(q), 0 * q, 0.2 + 0 * q], axis=1)
    expected = 0.5 * np.sum(W * np.sum(np.cross(mean, slope) * force, axis=1) / total**2)
    koopmons = bk.SpinKoopmons(7.0, 0.4, 0.8, bk.KoopmonNodes())
    assert abs(energies(koopmons, coupled, y)[1] - expected) < 1e-13
    assert abs(expected) > 1e-2


# -- quadratures ----------------------------------------------------------------------------------------------


def cloud(count=60, seed=3, concentration=8.0):
    preparation = bk.VonMisesFisher([0.2, 0.1, 1.0], concentration)
    keys = jax.random.split(jax.random.key(seed), count)
    n = jax.vmap(lambda key: preparation.draw(system("gen"), jnp.zeros(()), key).point)(keys)[:, 0]
    # quantum states that are a smooth function of the place
    field = np.stack([np.sin(2 * n[:, 0]), n[:, 1], 1 + n[:, 0] * n[:, 1]], axis=1)
    return state(np.asarray(n), directions(field), np.full(count, 1 / count))


def test_quadratures_of_a_cloud():
    """The number of angles follows the concentration; a sum over the koopmons is the integral from a sample."""
    y, hamiltonian = cloud(), system("gen")
    chosen = bk.SpinKoopmons(8.0).resolve(hamiltonian, bk.UniformDirections(), None).quadrature
    assert chosen.polar == int(np.ceil(4 * np.sqrt(8.0) + 16))
    value, fine = (energies(theory(polar, 8.0), hamiltonian, y)[1] for polar in (chosen.polar, 48))
    assert abs(fine) > 1e-4
    assert abs(value - fine) < 1e-6 * abs(fine)
    from_sample = energies(of_koopmons(8.0), hamiltonian, y)[1]
    assert 0.5 < float(from_sample / fine) < 2


def test_blocks_of_nodes_change_nothing(monkeypatch):
    y, hamiltonian = state(), system("gen")
    whole = rates(theory(24), hamiltonian, y)
    # 1152 nodes in blocks of 59, the last one not full
    monkeypatch.setattr("brackish.theories.trajectories.spin_koopmons.BLOCK", 59 * 6)
    slope = jax.jit(lambda y: theory(24).flow(hamiltonian, 0.0, y))(y)
    assert far(whole[0], slope.point) < 1e-13
    assert far(whole[1], jax.jvp(bloch, (y.psi,), (slope.psi,))[1]) < 1e-13


def test_narrow_kernels_leave_nothing_that_is_not_a_number():
    """Between koopmons far apart the smoothed density is below the smallest number."""
    for kappa in (400.0, 4000.0, 40000.0):
        assert all(np.all(np.isfinite(rate)) for rate in rates(theory(24, kappa), system("gen"), state()))


# -- limits ---------------------------------------------------------------------------------------------------


def test_limits_are_ehrenfest():
    hamiltonian = system("gen")

    def apart(kappa, y):
        dn, ds = rates(theory(24, kappa), hamiltonian, y)
        plain = ehrenfest_rates(hamiltonian, y, PLANCK)
        return max(far(dn, plain[0]), far(ds, plain[1]))

    assert apart(KAPPA, state()) > 0.1
    # wide kernels: as kappa^2
    assert apart(1e-3, state()) < 1e-5
    assert abs(apart(1e-2, state()) / apart(1e-3, state()) / 100 - 1) < 0.05
    # kernels that do not overlap: exponentially
    assert apart(400.0, state()) < 1e-8
    alone = SpinKoopmonState(state().point[:1], state().psi[:1], jnp.ones(1))
    assert apart(KAPPA, alone) < 1e-13
    equal = eqx.tree_at(lambda y: y.psi, state(), jnp.tile(state().psi[:1], (6, 1, 1)))
    # equal states: no correlation energy, but its gradient already turns the states away from each other
    assert abs(energies(theory(24), hamiltonian, equal)[1]) < 1e-15
    assert far(rates(theory(24), hamiltonian, equal)[0], ehrenfest_rates(hamiltonian, equal)[0]) < 1e-13


def test_without_a_field_that_splits_the_levels_single_koopmons_leave_the_plane_and_their_mean_does_not():
    """H_0 + H_I sigma_x: section 3.3 of the paper on spins."""
    y, hamiltonian = state(s=directions(REFERENCE["gamma0"]["s"])), system("gamma0")
    assert far(ehrenfest_rates(hamiltonian, y)[1][:, 0], 0) < 1e-15
    ds = np.asarray(rates(theory(), hamiltonian, y)[1])[:, 0]
    assert np.abs(ds).max() > 0.5
    assert abs(W @ ds) < 1e-14
    end, _ = walk(theory(24), hamiltonian, y, 1.0, 20)
    s = np.asarray(bloch(end.psi))[:, 0]
    assert np.abs(s).max() > 0.1
    assert abs(W @ s) < 1e-12


# -- symmetries -------------------------------------------------------------------------------------------------


def rotation(seed=1):
    orthogonal, triangle = np.linalg.qr(np.random.default_rng(seed).normal(size=(3, 3)))
    orthogonal = orthogonal * np.sign(np.diagonal(triangle))
    return orthogonal * np.linalg.det(orthogonal)


@pytest.mark.parametrize(
    ("koopmons", "error"), [(of_koopmons(), 1e-13), (theory(24), 1e-7)], ids=["sum", "integral"]
)
def test_rotations_are_symmetries_as_far_as_nodes_turn_with_the_koopmons(koopmons, error):
    turn = rotation()
    dn, ds = rates(koopmons, system("gen"), state())
    turned = rates(koopmons, system("gen", rotation=turn), state(N @ turn.T))
    assert far(turned[0], np.asarray(dn) @ turn.T) < error
    assert far(turned[1], ds) < error


def test_constant_unitaries_are_symmetries_exactly():
    y, hamiltonian, unitary = state(), system("gen"), np.linalg.qr(hermitian(4, 2))[0]
    assert far(unitary @ unitary.conj().T, np.eye(2)) < 1e-14
    dn, ds = rates(theory(24), hamiltonian, y)
    turned = eqx.tree_at(lambda y: y.psi, y, jnp.asarray(unitary @ np.asarray(y.psi)))
    slope = jax.jit(lambda y: theory(24).flow(bk.change_basis(hamiltonian, unitary), 0.0, y))(turned)
    assert far(slope.point, dn) < 1e-13
    assert (
        far(jax.jvp(bloch, (y.psi,), (jnp.asarray(unitary.conj().T @ np.asarray(slope.psi)),))[1], ds) < 1e-13
    )


@pytest.mark.parametrize("length", [1.0, 2.5])
def test_the_whole_spin_is_conserved_where_no_direction_is_preferred(length):
    hamiltonian, y, koopmons = system("iso", length), state(), of_koopmons()

    def whole(y):
        return np.sum(W[:, None] * (length * np.asarray(y.point)[:, 0] + PLANCK / 2 * bloch(y.psi)), axis=0)

    end, status = walk(koopmons, hamiltonian, y, 4.0, 80)
    assert status == 0
    assert far(whole(end), whole(y)) < 1e-12
    assert (
        far(np.sum(W[:, None, None] * end.point, axis=0), np.sum(W[:, None, None] * y.point, axis=0)) > 1e-2
    )
    dn, ds = rates(theory(48), hamiltonian, y)
    assert far(np.sum(W[:, None] * (length * dn[:, 0] + PLANCK / 2 * ds), axis=0), 0) < 1e-12


def test_longer_spins_are_slower_and_more_classical():
    """On length J everything is as on length 1 with hbar / J, J times as slow."""
    y, length = state(), 2.5
    dn, ds = rates(theory(24), system("gen", length), y)
    expected = rates(theory(24, planck=PLANCK / length), system("gen"), y)
    assert far(dn, expected[0] / length) < 1e-13
    assert far(ds, expected[1] / length) < 1e-13


def test_a_tracer_moves_and_is_not_felt():
    """A koopmon of weight 0 goes where one of a very small weight goes."""
    hamiltonian, y = system("gen"), state()

    def with_weight(weight):
        weights = jnp.concatenate([y.weight[:5], jnp.array([weight])])
        return rates(theory(24), hamiltonian, eqx.tree_at(lambda y: y.weight, y, weights))

    tracer, light = with_weight(0.0), with_weight(1e-12)
    assert far(tracer[0], light[0]) < 1e-10
    assert far(tracer[1], light[1]) < 1e-10
    assert np.abs(tracer[1][5]).max() > 0.1


# -- the integrator -------------------------------------------------------------------------------------------


def test_the_midpoint_rule_is_of_order_two():
    hamiltonian, y = system("gen"), state()
    exact = by_runge_kutta(theory(24), hamiltonian, y, 0.5, 200)
    counts, errors = (8, 16, 32), []
    for steps in counts:
        end, status = walk(theory(24), hamiltonian, y, 0.5, steps)
        assert status == 0
        errors.append(max(far(end.point, exact.point), far(density(end.psi), density(exact.psi))))
    assert abs(-np.polyfit(np.log(counts), np.log(errors), 1)[0] - 2) < 0.1, errors


def test_over_ten_thousand_steps_energy_is_bounded_and_lengths_are_exact():
    koopmons, hamiltonian, y = of_koopmons(2.0), system("gen"), state()
    start, off = sum(energies(koopmons, hamiltonian, y)), []
    for _ in range(10):
        y, status = walk(koopmons, hamiltonian, y, 50.0, 1000)
        assert status == 0
        off.append(abs(sum(energies(koopmons, hamiltonian, y)) - start))
        assert far(np.linalg.norm(y.point, axis=-1), 1) < 1e-12
        assert far(np.sum(np.abs(y.psi) ** 2, axis=(1, 2)), 1) < 1e-12
    # no drift: the second half of the run is not worse than the first
    assert max(off) < 2e-3
    assert max(off[5:]) < 3 * max(off[:5])


# -- as a user ----------------------------------------------------------------------------------------------------


def test_a_run_with_every_choice_left_to_the_library():
    spins = bk.models.hybrid_spins(gamma=0.0)
    start = bk.VonMisesFisher([0.3, 0.0, 1.0], 20.0, state=0)
    run = bk.simulate(spins, bk.SpinKoopmons(), start, bk.times(1.0, 2), trajectories=24)
    assert '"SphereQuadrature"' in run.attrs["theory"]
    np.testing.assert_allclose(run.mean_energy + run.correlation_energy, run.energy, rtol=1e-12)
    assert float(abs(run.energy - run.energy[0]).max()) < 1e-3
    assert float(abs(run.mean_energy - run.mean_energy[0]).max()) > 3e-3
    # the mean of sigma_x is kept; purity is not
    assert float(abs(run.density_matrix.sel(level=0, level_=1).real).max()) < 1e-12
    assert float(run.purity[-1]) < 0.9


def test_what_is_left_open_is_chosen_from_the_start():
    manifold = bk.Product(bk.Canonical([1.0]), bk.Spheres(2))
    hamiltonian = bk.hamiltonian(
        lambda z: z.spheres[0, 0] * z.canonical.position[0] * pauli_x, manifold=manifold, step=0.1
    )
    start = bk.Together(bk.GaussianPacket(1.0, 2.0, 0.5), [[0.0, 0.0, 1.0], [1.0, 0.0, 0.0]])
    chosen = bk.SpinKoopmons().resolve(hamiltonian, start, None)
    assert isinstance(chosen.quadrature, bk.KoopmonNodes)
    assert chosen.concentration.tolist() == [25.0, 25.0]
    assert abs(chosen.position_width - 0.25) < 0.03
    assert abs(chosen.momentum_width - 1.5) < 0.15
    given = bk.SpinKoopmons(3.0, 0.1, 0.2).resolve(hamiltonian, start, None)
    assert (given.concentration, given.position_width, given.momentum_width) == (3.0, 0.1, 0.2)


ONE = bk.hamiltonian(lambda z: z[0, 0] * pauli_x, manifold=bk.Spheres(1))
PACKET = bk.GaussianPacket(0.0, 1.0, 1.0)
TWO = bk.hamiltonian(lambda z: z[0, 0] * pauli_x, manifold=bk.Spheres(2))


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (lambda: bk.SpinKoopmons(0.0), "Argument `concentration` must be positive and finite, got 0.0."),
        (
            lambda: bk.SpinKoopmons([1.0, np.nan]),
            "Argument `concentration` must be finite, got [1.0, nan].",
        ),
        (lambda: bk.SpinKoopmons(1.0, planck=-1.0), "Argument `planck` must be positive and finite, got -1.0."),
        (
            lambda: bk.SpinKoopmons(1.0, momentum_width=np.inf),
            "Argument `momentum_width` must be finite, got inf.",
        ),
        (lambda: bk.SphereQuadrature(0), "Argument `polar` must be a whole number of at least 1, got 0."),
        (
            lambda: bk.SpinKoopmons([1.0, 2.0]).resolve(ONE, bk.UniformDirections(), None),
            "Argument `concentration` must be one number or 1 for Spheres(1), got 2.",
        ),
        (
            lambda: bk.SpinKoopmons(1.0, 0.5).resolve(ONE, bk.UniformDirections(), None),
            "Argument `position_width` has no meaning on Spheres(1).",
        ),
        (
            lambda: bk.SpinKoopmons(1.0, quadrature=bk.SphereQuadrature()).resolve(TWO, bk.UniformDirections(), None),
            "SphereQuadrature covers one sphere, got Spheres(2); use KoopmonNodes().",
        ),
        (
            lambda: bk.simulate(bk.models.tully(1), bk.SpinKoopmons(), PACKET, bk.times(1.0, 1)),
            "SpinKoopmons needs a spheres or product manifold, got Canonical(1).",
        ),
        (
            lambda: bk.SpinKoopmons(1.0).energy(ONE, state()),
            "SpinKoopmons leaves the `quadrature` open: give it, or call theory.resolve(hamiltonian, preparation, "
            "times), as simulate does.",
        ),
    ],
)  # fmt: skip
def test_refusals_are_one_line_that_names_what_is_wrong(make, message):
    with pytest.raises(bk.BrackishError) as refused:
        make()
    assert str(refused.value) == message
