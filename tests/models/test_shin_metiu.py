"""The Shin-Metiu model against Born-Oppenheimer energies and couplings of the electron on a grid."""

import importlib

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from brackish.errors import InvalidInput
from brackish.models._shin_metiu import electronic_states, parallel_transport, shin_metiu

# The function of the same name hides the module from an ordinary import.
module = importlib.import_module("brackish.models._shin_metiu")

# L = 19, R_f = 5.0, R_l = 3.1, R_r = 4.0 bohr: three lowest energies (hartree) with the repulsion of the
# ions, from a Fourier grid of 200 points on [-40, 40] for the electron, independent of this library.
REFERENCE = {
    -9.0: (1.48988456131, 1.62506290134, 1.70654377716),
    -4.0: (-0.265544068302, -0.164477217217, -0.119189700574),
    -1.5: (-0.270273776203, -0.200075375066, -0.176721220097),
    0.0: (-0.256031863847, -0.214122801061, -0.184496396723),
    2.0: (-0.227820884906, -0.222815470456, -0.172638792354),
    5.5: (-0.167515788425, -0.10300369887, -0.0779353116812),
    7.0: (-0.0343397647731, 0.0480227506102, 0.0650511637758),
    8.5: (0.55513481423, 0.648709964828, 0.660282846095),
}
HALF, RADII, BOX = 9.5, (5.0, 3.1, 4.0), 40.0


@pytest.fixture(scope="module", params=[2, 3, 4])
def model(request):
    return shin_metiu(request.param)


def potentials(model, positions):
    return np.asarray(jax.jit(jax.vmap(lambda x: model.potential(x[None])))(jnp.asarray(positions)))


def slopes(model, positions):
    return np.asarray(
        jax.jit(jax.vmap(jax.jacfwd(lambda x: model.potential(x[None]))))(jnp.asarray(positions))
    )


def adiabatic_couplings(energies, gradient):
    """<a|dH/dR|b> / (E_b - E_a) from a gradient already in the eigenbasis, up to the signs of the states."""
    gaps = energies[:, None, :] - energies[:, :, None] + np.eye(energies.shape[-1])
    return np.abs(gradient / gaps) * (1 - np.eye(energies.shape[-1]))


def test_eigenvalues_are_the_born_oppenheimer_energies(model):
    kept = min(model.levels, 3)
    energies = np.linalg.eigvalsh(potentials(model, list(REFERENCE)))[:, :kept]
    assert np.abs(energies - np.array(list(REFERENCE.values()))[:, :kept]).max() < 1e-10


def test_the_closest_approach_of_the_two_lowest_surfaces():
    energies = np.linalg.eigvalsh(potentials(shin_metiu(2), [1.90625]))
    assert abs(np.diff(energies[0])[0] - 0.0047080663665) < 1e-10


def test_couplings_are_those_of_the_electron(model):
    """<a|dH/dR|b>/(E_b - E_a) from the small matrix equals that of the whole electron: V is diabatic."""
    positions = np.array([-6.03, -2.51, 0.013, 1.906, 3.3, 6.97])
    grid, energies, functions = electronic_states(positions, model.levels, HALF, RADII, BOX, 160)
    difference = 1e-3  # exact enough in fourth order: the attraction varies over several bohr
    shifted = [
        module._attraction(grid[None, :] - positions[:, None] - k * difference, RADII[0])
        for k in (-2, -1, 1, 2)
    ]
    force = (shifted[0] - 8 * shifted[1] + 8 * shifted[2] - shifted[3]) / (12 * difference)
    expected = adiabatic_couplings(energies, np.einsum("kra,kr,krb->kab", functions, force, functions))

    values, vectors = np.linalg.eigh(potentials(model, positions))
    gradient = vectors.swapaxes(1, 2) @ slopes(model, positions) @ vectors
    assert np.abs(adiabatic_couplings(values, gradient) - expected).max() < 1e-6
    assert expected.max() > 0.5


def test_signs_of_the_electronic_states_do_not_matter(model, monkeypatch):
    draw = np.random.default_rng(3)

    def with_random_signs(*arguments):
        grid, energies, functions = electronic_states(*arguments)
        return grid, energies, functions * draw.choice([-1.0, 1.0], (len(functions), 1, functions.shape[2]))

    monkeypatch.setattr(module, "electronic_states", with_random_signs)
    other = shin_metiu(model.levels)
    assert np.abs(other.coefficients - model.coefficients).max() < 1e-11


def test_converged_in_the_table_and_in_the_electron_grid(model):
    fine = shin_metiu(model.levels, spacing=0.025, electron_spacing=0.6, electron_box=44.0)
    positions = np.linspace(-9.5, 9.5, 301)
    assert np.abs(potentials(fine, positions) - potentials(model, positions)).max() < 1e-9


def test_transport_is_of_fourth_order():
    def last(intervals):
        table = np.linspace(-8.0, 8.0, 2 * intervals + 1)
        _, _, functions = electronic_states(table, 3, HALF, RADII, BOX, 100)
        functions = functions * np.where(functions[:, 60:61, :] < 0, -1.0, 1.0)
        return np.abs(parallel_transport(functions, table)[-1])

    exact = last(640)
    errors = [np.abs(last(intervals) - exact).max() for intervals in (40, 80, 160)]
    assert np.all(np.abs(np.diff(np.log2(errors)) + 4) < 0.3)


def test_starts_adiabatic_at_the_reference():
    for reference in (-9.0, 1.23):
        matrix = potentials(shin_metiu(3, reference=reference), [reference])[0]
        assert np.abs(matrix - np.diag(np.diagonal(matrix))).max() < 1e-13
        assert np.all(np.diff(np.diagonal(matrix)) > 0)


def test_hermitian_smooth_and_bounded_below_everywhere(model):
    positions = np.array([-1e3, -30.0, -9.6, -9.0, -8.99, -3.3, 0.0, 4.4, 8.99, 9.0, 9.4, 14.0, 1e3])
    matrices = potentials(model, positions)
    assert np.array_equal(matrices, matrices.swapaxes(1, 2))
    assert np.all(np.isfinite(matrices))
    energies = np.linalg.eigvalsh(matrices)[:, 0]
    assert np.all(np.diff(energies[:5]) < 0)
    assert np.all(np.diff(energies[-5:]) > 0)


def test_gradient_against_finite_differences(model):
    positions = np.concatenate([np.linspace(-11.03, 11.01, 57), [-9.0, 9.0, -9.0 + 0.05, 1.9]])
    difference = 1e-4
    numeric = potentials(model, positions + difference) - potentials(model, positions - difference)
    numeric = numeric / (2 * difference)
    psi = jnp.arange(1.0, model.levels + 1) * jnp.exp(0.7j * jnp.arange(model.levels))
    psi = psi / jnp.linalg.norm(psi)
    force = jax.jit(jax.vmap(jax.grad(lambda x: model.potential_expect(x[None], psi))))(
        jnp.asarray(positions)
    )
    expected = np.einsum("a,kab,b->k", psi.conj(), numeric, psi).real
    assert np.abs(np.asarray(force) - expected).max() < 1e-6 * max(1.0, np.abs(expected).max())


def test_second_derivative_is_continuous_at_the_ends_of_the_range(model):
    curvature = jax.jit(jax.vmap(jax.hessian(lambda x: model.potential(x[None]))))
    for end in model.positions:
        inside, outside = np.asarray(curvature(jnp.array([end - 1e-7, end + 1e-7])))
        assert np.abs(inside - outside).max() < 1e-4 * np.abs(inside).max()


def test_parts_add_up_to_the_potential(model):
    position = jnp.array([0.37])
    total = model.external(position) * jnp.eye(model.levels) + model.quantum() + model.coupling(position)
    assert np.abs(np.asarray(total - model.potential(position))).max() < 1e-14
    assert model.frequencies is None
    assert model.manifold.masses.tolist() == [1836.0]
    assert 0.1 < model.suggested_step() < 2.0


@pytest.mark.parametrize(
    ("arguments", "word"),
    [
        ({"states": 1}, "states"),
        ({"states": 5}, "states"),
        ({"states": 2.0}, "states"),
        ({"states": True}, "states"),
        ({"mass": -1.0}, "mass"),
        ({"mass": "heavy"}, "mass"),
        ({"separation": 0.0}, "separation"),
        ({"separation": 0.8}, "separation"),
        ({"radius": float("nan")}, "radius"),
        ({"left_radius": -3.1}, "left_radius"),
        ({"right_radius": 1e-4}, "radius"),
        ({"positions": (-9.5, 9.0)}, "positions"),
        ({"positions": (-9.0, 12.0)}, "positions"),
        ({"positions": (3.0, -3.0)}, "positions"),
        ({"positions": 4.0}, "positions"),
        ({"reference": 9.2}, "reference"),
        ({"spacing": 0.0}, "spacing"),
        ({"spacing": 1e-7}, "spacing"),
        ({"states": 4, "spacing": 2.0}, "spacing"),
        ({"states": 2, "radius": 1.5, "left_radius": 1.5, "right_radius": 1.5, "spacing": 0.5}, "states"),
        ({"electron_spacing": 2.0}, "electron_spacing"),
        ({"electron_box": 12.0}, "electron_box"),
    ],
)
def test_bad_input_gets_one_line(arguments, word):
    with pytest.raises(InvalidInput, match=word) as caught:
        shin_metiu(**arguments)
    assert "\n" not in str(caught.value)
