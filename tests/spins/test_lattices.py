"""Lattices against counting: shells of textbooks, all pairs of small boxes, energies of uniform magnets."""

import jax.numpy as jnp
import numpy as np
import pytest

import brackish as bk
from brackish import lattices

SHELLS = [
    (lattices.chain(9), [2, 2, 2], [1, 2, 3]),
    (lattices.square(9), [4, 4, 4], [1, 2**0.5, 2]),
    (lattices.triangular(9), [6, 6, 6], [1, 3**0.5, 2]),
    (lattices.kagome(9), [4, 4, 6], [1, 3**0.5, 2]),
    (lattices.cubic(9), [6, 12, 8], [1, 2**0.5, 3**0.5]),
    (lattices.bcc(9), [8, 6, 12], [0.75**0.5, 1, 2**0.5]),
    (lattices.fcc(9), [12, 6, 24], [0.5**0.5, 1, 1.5**0.5]),
]
NAMES = ["chain", "square", "triangular", "kagome", "cubic", "bcc", "fcc"]


@pytest.mark.parametrize(("lattice", "numbers", "distances"), SHELLS, ids=NAMES)
def test_shells_of_the_textbooks(lattice, numbers, distances):
    shells = lattice.shells(3)
    np.testing.assert_allclose(shells.distance, distances)
    assert np.all(shells.coordination == np.array(numbers)[:, None])


def pairs_by_brute_force(lattice, distance):
    """All pairs of sites at this distance, by looking at every image in every periodic direction."""
    found = []
    wide = [range(-2, 3) if ring else (0,) for ring in lattice.periodic]
    for shift in np.stack(np.meshgrid(*wide, indexing="ij"), axis=-1).reshape(-1, 3):
        box = (shift * np.array(lattice.shape)) @ lattice.cell
        apart = lattice.positions[None] + box - lattice.positions[:, None]
        i, j = np.nonzero(np.isclose(np.linalg.norm(apart, axis=2), distance))
        found += [(int(a), int(b)) for a, b in zip(i, j, strict=True) if a < b]
    return sorted(found)


@pytest.mark.parametrize(
    "lattice",
    [
        lattices.chain(5, periodic=False),
        lattices.square((3, 4), periodic=(True, False)),
        lattices.kagome((3, 2)),
        lattices.triangular((3, 4), periodic=(False, True), spacing=0.7),
        lattices.bcc(3, periodic=(True, False, True)),
        lattices.fcc((2, 3, 2), spacing=3.6),
    ],
    ids=["chain", "square", "kagome", "triangular", "bcc", "fcc"],
)
def test_each_bond_once_and_none_is_missed(lattice):
    for number, distance in enumerate(lattice.shells(2).distance):
        bonds = lattice.bonds([0.0] * number + [1.0])
        ends = np.sort(np.stack([bonds.first, bonds.second]), axis=0).T.tolist()
        assert sorted(map(tuple, ends)) == pairs_by_brute_force(lattice, distance)


def test_energy_of_a_ferromagnet():
    """-S^2 sum_n z_n J_n / 2 a site, whatever the direction."""
    lattice = lattices.cubic(4)
    system = bk.SpinSystem(1.5, lattice.bonds([1.0, 0.3, -0.1]), positions=lattice.positions)
    n = jnp.broadcast_to(jnp.array([0.6, 0.0, 0.8]), (64, 3))
    a_site = 1.5**2 * (6 * 1.0 + 12 * 0.3 + 8 * -0.1) / 2
    assert float(system.classical_energy(n)) == pytest.approx(-64 * a_site)


def test_vectors_of_dzyaloshinskii_and_moriya_follow_the_bonds():
    lattice = lattices.square((3, 5), periodic=False)
    bonds = lattice.bonds([1.0], [lambda r: 0.2 * r])
    apart = lattice.positions[bonds.second] - lattice.positions[bonds.first]
    np.testing.assert_allclose(bonds.dzyaloshinskii_moriya, 0.2 * apart, atol=1e-15)
    assert np.all(apart.sum(axis=1) > 0)
    fixed = lattice.bonds(dzyaloshinskii_moriya=[None, (0.0, 0.0, 0.1)])
    assert np.all(fixed.exchange == 0)
    np.testing.assert_allclose(fixed.dzyaloshinskii_moriya, np.tile([0.0, 0.0, 0.1], (2 * 2 * 4, 1)))


def test_a_lattice_of_your_own():
    """Honeycomb: two sites a cell, three neighbours, then six."""
    cell = [[3**0.5, 0.0, 0.0], [0.5 * 3**0.5, 1.5, 0.0], [0.0, 0.0, 1.0]]
    honeycomb = bk.Lattice(cell, [[0.0] * 3, [0.0, 1.0, 0.0]], (4, 4, 1), (True, True, False))
    assert honeycomb.shells(2).coordination.tolist() == [[3, 3], [6, 6]]
    assert honeycomb.bonds([1.0]).count == 3 * honeycomb.count // 2


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (lambda: lattices.chain(0), "at least 1"),
        (lambda: lattices.square((3, -1)), "at least 1"),
        (lambda: lattices.cubic((2, 2)), "one or 3 whole numbers"),
        (lambda: bk.Lattice(np.eye(3), np.zeros((0, 3)), 2), "empty lattice"),
        (lambda: bk.Lattice(np.ones((3, 3))), "span space"),
        (lambda: bk.Lattice(np.eye(3), np.zeros((2, 3)), 2).bonds([1.0]), "same place"),
        (lambda: lattices.chain(3).bonds([1.0, 1.0, 1.0]), "Shell 3 .* its own image"),
        (lambda: lattices.chain(3, periodic=False).bonds([1.0, 1.0, 1.0]), "has 2 shells"),
        (lambda: lattices.bcc(3, spacing=0.0), "`spacing`"),
        (lambda: lattices.kagome(3, periodic=(True,)), "`periodic`"),
        (lambda: lattices.square(4).bonds([1.0], [[0.0, 1.0]]), r"shape \(3,\)"),
    ],
)
def test_bad_input(make, message):
    with pytest.raises(bk.InvalidInput, match=message):
        make()
