"""Mixed states of electrons and nuclei: the moments of the electrons, and the equations that they obey."""

import functools
from typing import NamedTuple

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
import pytest

import brackish as bk
from brackish.analysis import mixtures
from brackish.grids import Grid

PAULI = np.array([[[0, 1], [1, 0]], [[0, -1j], [1j, 0]], [[1, 0], [0, -1]]])


def spinor(angle, phase):
    """A state that turns from place to place, (2, *grid)."""
    return np.stack([np.cos(angle) * np.exp(0.5j * phase), np.sin(angle) * np.exp(-0.5j * phase)])


class Setting(NamedTuple):
    """A Hamiltonian of two levels, a grid, packets and turning states on it."""

    hamiltonian: object
    grid: Grid
    nuclear: np.ndarray  # (members, *grid)
    electronic: np.ndarray  # (members, 2, *grid)
    inverse_mass: object


WEIGHTS = jnp.array([0.6, 0.4])


def one_coordinate() -> Setting:
    """Tully's second model; two packets at its crossings."""
    grid = Grid(-11.0, 11.0, 256)
    x = grid.positions()[0]
    nuclear = [np.exp(-((x - 0.3) ** 2) / 2 + 16j * x), np.exp(-((x + 0.5) ** 2) / 2.6 + 13j * x)]
    electronic = [
        spinor(0.7 * np.sin(0.9 * x) + 0.4, 0.8 * np.cos(0.7 * x)),
        spinor(0.5 * np.cos(0.6 * x), 1.0 + 0.6 * np.sin(x)),
    ]
    return Setting(bk.models.tully(2), grid, np.stack(nuclear), np.stack(electronic), None)


def two_coordinates() -> Setting:
    """A complex model with a full inverse mass tensor."""

    def matrix(q):
        x, y = q[0], q[1]
        field = [0.3 * jnp.cos(0.5 * x + y), 0.4 * jnp.sin(0.8 * y), 0.2 * x - 0.1 * jnp.sin(x * y)]
        return sum(f * s for f, s in zip(field, jnp.asarray(PAULI), strict=True)) + 0.1 * (
            x**2 + y**2
        ) * jnp.eye(2)

    grid = Grid((-7.0, -7.0), (7.0, 7.0), (64, 64))
    x, y = np.meshgrid(*grid.positions(), indexing="ij")
    nuclear = [
        np.exp(-((x - 0.2) ** 2) / 1.6 - (y + 0.1) ** 2 / 2 + 1j * (1.1 * x - 0.4 * y + 0.1 * x * y)),
        np.exp(-((x + 0.3) ** 2) / 2 - (y - 0.2) ** 2 / 1.7 + 1j * (0.2 * x + 0.9 * y)),
    ]
    electronic = [
        spinor(0.6 * np.sin(0.5 * x - 0.4 * y), 0.7 * np.cos(0.4 * x) * y / 3),
        spinor(0.4 + 0.5 * np.cos(0.6 * y), 0.6 * np.sin(0.5 * x + 0.3 * y)),
    ]
    hamiltonian = bk.hamiltonian(matrix, masses=[1.0, 1.0])
    inverse_mass = np.array([[1.0, 0.3], [0.3, 0.7]])
    return Setting(hamiltonian, grid, np.stack(nuclear), np.stack(electronic), inverse_mass)


SETTINGS = {"one coordinate": one_coordinate, "two coordinates": two_coordinates}
KINDS = {
    "any": lambda s: s.nuclear[:, None] * s.electronic,
    "type-n": lambda s: mixtures.type_n(s.nuclear, s.electronic[0]),
    "type-e": lambda s: mixtures.type_e(s.nuclear[0], s.electronic),
    "pure": lambda s: np.repeat(s.nuclear[:1, None] * s.electronic[:1], 2, axis=0),  # one state, twice
}


class Answers(NamedTuple):
    """What is asked of a mixture, in one compiled program."""

    resolved: jax.Array
    moments: mixtures.ElectronicMoments
    slopes: mixtures.ElectronicMoments
    exact: mixtures.ElectronicMoments
    written: dict[str, jax.Array]
    metric: jax.Array
    magnetic: jax.Array
    purity: jax.Array
    coupling: jax.Array


@eqx.filter_jit
def ask(mix):
    written = {"momentum": mix.momentum_rate, "zeroth": mix.zeroth_rate, "first": mix.first_rate}
    return Answers(
        mix.resolved,
        mix.moments,
        mix.slopes,
        mix.material_rates,
        written,
        mix.metric,
        mix.magnetic,
        mix.purity,
        mix.coupling,
    )


@functools.cache
def case(where: str, kind: str):
    setting = SETTINGS[where]()
    members = jnp.asarray(KINDS[kind](setting))
    mix = mixtures.mixture(
        setting.hamiltonian, setting.grid, members, WEIGHTS, floor=1e-4, inverse_mass=setting.inverse_mass
    )
    return setting, mix, ask(mix)


def off(found, exact):
    """The largest difference, in shares of the largest value."""
    return float(jnp.abs(found - exact).max() / jnp.abs(exact).max())


@pytest.mark.parametrize("kind", ["any", "type-e"])
@pytest.mark.parametrize(("where", "smallest"), [("one coordinate", 1e-11), ("two coordinates", 5e-9)])
def test_equations_of_motion_hold_for_any_mixture(where, kind, smallest):
    """(78), (85) and the corrected (88), against the Schroedinger equation of the members."""
    _, _, answers = case(where, kind)
    for name, written in answers.written.items():
        assert off(written, getattr(answers.exact, name)) < smallest, name


@pytest.mark.parametrize(("where", "error"), [("one coordinate", 0.011), ("two coordinates", 0.29)])
def test_the_first_moment_equation_as_printed_is_wrong(where, error):
    """The term that is not Hermitian, put back in."""
    _, mix, answers = case(where, "any")
    m, inverse_mass = answers.moments, mix.setting.inverse_mass
    right = jnp.einsum("ij,ki...,jab...->kab...", inverse_mass, m.log_curvature, m.zeroth_slope)
    printed = jnp.einsum("ij,ki...,jab...->kab...", inverse_mass, m.log_curvature, m.first)
    as_printed = answers.written["first"] - 0.25 * right + 0.5j * printed
    assert off(as_printed, answers.exact.first) == pytest.approx(error, rel=0.1)


@pytest.mark.parametrize("where", SETTINGS)
def test_traces(where):
    """(89), with the metric and the magnetic field of a type-e mixture by their definitions (76) and (84)."""
    setting, _, answers = case(where, "type-e")
    m, grid, seen = answers.moments, setting.grid, answers.resolved
    np.testing.assert_allclose(jnp.einsum("aa...->...", m.zeroth)[seen], 1.0, atol=1e-12)
    np.testing.assert_allclose(jnp.einsum("kaa...->k...", m.first), 0.0, atol=1e-10)

    def one_way(difference):
        """Ordinary differences of the turning states, which are not periodic."""
        return np.stack([difference(axis) for axis in range(grid.coordinates)])

    states = setting.electronic
    slope = one_way(lambda k: np.gradient(states, grid.spacings[k], axis=2 + k, edge_order=2))
    connection = np.einsum("m,ma...,kma...->k...", WEIGHTS, states.conj(), slope)  # <u|d_k u>, imaginary
    covariant = slope - connection[:, None, None] * states[None]
    tensor = np.einsum("m,kma...,jma...->kj...", WEIGHTS, covariant.conj(), covariant)
    size = np.abs(tensor).max()
    inner = np.asarray(m.density) > 0.05 * np.asarray(m.density).max()
    np.testing.assert_allclose(answers.metric[..., inner], tensor.real[..., inner], atol=0.02 * size)
    np.testing.assert_allclose(answers.magnetic[..., inner], -2 * tensor.imag[..., inner], atol=0.04 * size)


def test_electrons_of_a_type_n_mixture_obey_the_equation_of_a_pure_state_at_first():
    """(66)-(67) with the mean density; not so for other mixtures, whose electrons are mixed at each place."""
    for where in SETTINGS:
        for kind, right in (("type-n", True), ("any", False)):
            _, mix, answers = case(where, kind)
            whole = mix.setting.potential + answers.coupling
            turned = jnp.einsum("ab...,bc...->ac...", whole, answers.moments.zeroth)
            written = -1j * (turned - jnp.conj(jnp.swapaxes(turned, 0, 1)))
            error = off(written, answers.exact.zeroth)
            assert (error < 1e-7) == right, (where, kind, error)
            purity = answers.purity[answers.resolved]
            assert np.allclose(purity, 1.0, atol=1e-10) == right


@pytest.mark.parametrize("where", SETTINGS)
def test_closures_hold_for_pure_states_and_not_for_mixtures(where):
    _, _, answers = case(where, "pure")
    m, slopes = answers.moments, answers.slopes
    assert off(mixtures.pure_first_moment(m), m.first) < 1e-8
    assert off(mixtures.pure_second_moment(m, slopes), m.second) < 1e-6
    _, _, answers = case(where, "type-e")
    m, slopes = answers.moments, answers.slopes
    assert off(mixtures.pure_first_moment(m), m.first) > 0.1
    assert off(mixtures.pure_second_moment(m, slopes), m.second) > 0.1
    by_metric = mixtures.metric_second_moment(m)
    traces = [jnp.einsum("kjaa...->kj...", second) for second in (by_metric, m.second)]
    np.testing.assert_allclose(*traces, atol=1e-10)
    assert off(by_metric, m.second) > 0.1


def test_nothing_is_infinite_where_there_is_no_density():
    _, _, answers = case("one coordinate", "any")
    assert not np.all(answers.resolved)
    for leaf in jax.tree_util.tree_leaves((answers.moments, answers.slopes, answers.written)):
        assert np.all(np.isfinite(leaf))


def test_the_electrons_as_a_whole_are_moved_by_their_hamiltonian_alone():
    """(86), against the change of the members."""
    setting, mix, answers = case("two coordinates", "any")
    change = jax.jvp(
        lambda members: eqx.tree_at(lambda mix: mix.members, mix, members).electronic_density,
        (mix.members,),
        (jax.vmap(lambda psi: eqx.tree_at(lambda f: f.psi, mix.setting, psi).rate)(mix.members),),
    )[1]
    np.testing.assert_allclose(mix.electronic_density_rate, change, atol=1e-12 * float(jnp.abs(change).max()))
    norm = jnp.sum(answers.moments.density) * setting.grid.cell
    np.testing.assert_allclose(jnp.trace(mix.electronic_density), norm, rtol=1e-12)


def test_slopes_are_slopes():
    """Of the conditional density operator, against neighbouring nodes."""
    setting, _, answers = case("two coordinates", "any")
    m = answers.moments
    np.testing.assert_allclose(answers.slopes.zeroth, m.zeroth_slope, atol=1e-9)
    inner = np.asarray(m.density) > 0.05 * np.asarray(m.density).max()
    for axis in range(2):
        step = 2 * setting.grid.spacings[axis]
        for name in ("zeroth", "momentum", "second"):
            field = np.asarray(getattr(m, name))
            along = axis + field.ndim - 2
            near = (np.roll(field, -1, axis=along) - np.roll(field, 1, axis=along)) / step
            slope = np.asarray(getattr(answers.slopes, name)[axis])
            np.testing.assert_allclose(
                near[..., inner], slope[..., inner], atol=0.1 * np.abs(slope[..., inner]).max()
            )


def test_members_and_weights_must_fit():
    setting = one_coordinate()
    members = setting.nuclear[:, None] * setting.electronic
    with pytest.raises(bk.InvalidInput, match="one number for each of 2 members, got 3"):
        mixtures.mixture(setting.hamiltonian, setting.grid, members, np.ones(3))
    with pytest.raises(bk.InvalidInput, match="must be positive"):
        mixtures.mixture(setting.hamiltonian, setting.grid, members, np.array([1.0, -1.0]))
