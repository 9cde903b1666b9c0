"""UppASD's files, read as UppASD reads them: against sums over pairs by the rules of that program."""

import itertools

import jax.numpy as jnp
import numpy as np
import pytest

import brackish as bk
from brackish.spins import (
    ByCell,
    ByCellAsWritten,
    CubicSymmetry,
    Direct,
    MomentAgainstSpin,
    TensorExchange,
)
from brackish.spins.uppasd import MILLIRYDBERG

CUBE = np.eye(3)
SKEWED = np.array([[1.0, 0.1, 0.0], [0.0, 1.2, 0.2], [-0.1, 0.0, 0.9]])
PLACES = np.array([[0.02, 0.05, 0.1], [0.55, 0.1, 0.3], [0.2, 0.6, 0.7]])
TYPES = (1, 1, 2)


@pytest.fixture
def write(tmp_path):
    def one(name, text):
        (tmp_path / name).write_text(text)
        return tmp_path / name

    return one


def random_directions(count, seed=5):
    n = np.random.default_rng(seed).normal(size=(count, 3))
    return n / np.linalg.norm(n, axis=1, keepdims=True)


def energy(magnet, n):
    return float(magnet.classical_energy(jnp.asarray(n)))


# -- sites, types, cells -------------------------------------------------------------------------------------------


@pytest.mark.parametrize("mapping", [None, ByCell()])
def test_the_first_two_columns_are_sites(write, mapping):
    """Atoms of types 1, 1, 2 on a line, and a bond of sites 1 and 2; read as types it would be that of 2 and 3."""
    pos = write("posfile", "1 1 0 0 0\n2 1 0.25 0 0\n3 2 0.5 0 0\n")
    lines = {None: "1 2 0.25 0 0 1.0\n2 1 -0.25 0 0 1.0\n", ByCell(): "1 2 0 0 0 1.0\n2 1 0 0 0 1.0\n"}
    options = {} if mapping is None else {"mapping": mapping}
    magnet = bk.read_uppasd(pos, write("jfile", lines[mapping]), CUBE, 1, periodic=False, **options)
    assert list(zip(magnet.bonds.first.tolist(), magnet.bonds.second.tolist(), strict=True)) == [(0, 1)]


def a_crystal(vectors_as):
    """Atoms of three types of places, two types of atoms, and lines for all pairs nearer than 1.1: the numbers of lines
    and, by the rule of the manual, every ordered pair of the crystal's first cell.
    """
    rng, lines, pairs, seen = np.random.default_rng(2), [], [], {}
    places = PLACES @ SKEWED
    for i, j in itertools.product(range(3), repeat=2):
        for cells in itertools.product((-1, 0, 1), repeat=3):
            vector = places[j] + np.array(cells) @ SKEWED - places[i]
            if not 0 < np.linalg.norm(vector) < 1.1:
                continue
            # the strength of a pair is that of its reverse
            key = min((i, j, *cells), (j, i, *(-c for c in cells)))
            # lattice vectors are shared by the two atoms of a type
            shared = (TYPES[i], *sorted([tuple(cells), tuple(-c for c in cells)])) if i == j else key
            value = seen.setdefault(shared, round(float(rng.uniform(-2, 2)), 4))
            lines.append((i + 1, j + 1, *vectors_as(vector, cells), value))
            pairs.append((i, j, cells, value))
    return "".join(" ".join(f"{x:.8g}" for x in line) + "\n" for line in lines), pairs


def by_the_manual(pairs, n):
    """-sum of J e_i.e_j over all ordered pairs of a periodic box; n: (n1, n2, n3, 3 atoms, 3)."""
    total = 0.0
    for i, j, cells, value in pairs:
        there = np.roll(n[:, :, :, j], [-c for c in cells], axis=(0, 1, 2))
        total -= value * np.sum(n[:, :, :, i] * there)
    return MILLIRYDBERG * total


@pytest.mark.parametrize(
    ("mapping", "vectors_as"),
    [
        (None, lambda vector, cells: vector @ np.linalg.inv(SKEWED)),
        (ByCell(), lambda vector, cells: cells),
    ],
)
def test_a_skewed_crystal_in_direct_coordinates(write, mapping, vectors_as):
    """`posfiletype D` is said once, for places and vectors; bonds by cells of atoms of one type are one list."""
    text, pairs = a_crystal(vectors_as)
    pos = write(
        "posfile",
        "".join(f"{s + 1} {TYPES[s]} " + " ".join(map(str, PLACES[s])) + "\n" for s in range(3)),
    )
    options = {} if mapping is None else {"mapping": mapping}
    magnet = bk.read_uppasd(pos, write("jfile", text), SKEWED, (3, 4, 3), coordinates=Direct(), **options)
    n = random_directions(magnet.count)
    assert energy(magnet, n) == pytest.approx(by_the_manual(pairs, n.reshape(3, 4, 3, 3, 3)))


def test_atoms_outside_the_cell(write):
    """UppASD folds places into the cell before it counts cells (`maptype 2`), or after (`maptype 3`)."""
    pos = write("posfile", "1 1 0 0 0\n2 2 1.5 0.5 0.5\n")
    cells = write("jfile", "1 2 0 0 0 1.0\n2 1 0 0 0 1.0\n")
    near, far = (
        bk.read_uppasd(pos, cells, CUBE, 4, periodic=False, mapping=mapping)
        for mapping in (ByCell(), ByCellAsWritten())
    )
    for magnet, apart in ((near, [0.5, 0.5, 0.5]), (far, [1.5, 0.5, 0.5])):
        steps = magnet.positions[magnet.bonds.second] - magnet.positions[magnet.bonds.first]
        np.testing.assert_allclose(steps * np.sign(steps[:, :1]), np.tile(apart, (len(steps), 1)))


def test_symmetry_turns_bonds_by_cells_too(write):
    """`maptype 2` with `sym 1`: one line for all eight neighbours in a body-centred cube."""
    pos = write("posfile", "1 1 0 0 0\n2 1 0.5 0.5 0.5\n")
    options = {"symmetry": CubicSymmetry()}
    cells = bk.read_uppasd(pos, write("a", "1 2 0 0 0 1.3\n"), CUBE, 3, mapping=ByCell(), **options)
    vectors = bk.read_uppasd(pos, write("b", "1 1 0.5 0.5 0.5 1.3\n"), CUBE, 3, **options)
    n = random_directions(54)
    assert cells.bonds.count == 8 * 27
    assert energy(cells, n) == pytest.approx(energy(vectors, n))


def test_many_atoms_of_one_type(write):
    """A layer of 1600 atoms, all of one type, is the square lattice; work grows with the bonds, not their square."""
    places = [(x, y) for x in range(40) for y in range(40)]
    pos = write("posfile", "".join(f"{s + 1} 1 {x} {y} 0\n" for s, (x, y) in enumerate(places)))
    listed = "".join(
        f"{s + 1} {(x + 1) % 40 * 40 + y + 1} 1 0 0 0.5\n{s + 1} {(x - 1) % 40 * 40 + y + 1} -1 0 0 0.5\n"
        f"{s + 1} {x * 40 + (y + 1) % 40 + 1} 0 1 0 0.5\n{s + 1} {x * 40 + (y - 1) % 40 + 1} 0 -1 0 0.5\n"
        for s, (x, y) in enumerate(places)
    )
    magnet = bk.read_uppasd(
        pos, write("jfile", listed), np.diag([40.0, 40.0, 1.0]), 1, periodic=(True, True, True)
    )
    lattice = bk.lattices.square(40)
    other = bk.SpinSystem(1.0, lattice.bonds(2 * 0.5 * MILLIRYDBERG), positions=lattice.positions)
    n = random_directions(1600)
    assert magnet.bonds.count == 3200
    assert energy(magnet, n) == pytest.approx(energy(other, n))


# -- what a line says ----------------------------------------------------------------------------------------------


def test_two_directions_that_differ_in_the_last_digit(write):
    pos = write("posfile", "1 1 0 0 0\n")
    magnet = bk.read_uppasd(pos, write("j", "1 1 1 0 0 1.337\n1 1 -1 0 0 1.338\n"), CUBE, 4)
    np.testing.assert_allclose(magnet.bonds.exchange, 2 * 1.3375 * MILLIRYDBERG)
    with pytest.raises(
        bk.InvalidInput, match=r"line 1: .* other direction too, with the same strength; .* line 2"
    ):
        bk.read_uppasd(pos, write("j", "1 1 1 0 0 1.337\n1 1 -1 0 0 1.339\n"), CUBE, 4)


@pytest.mark.parametrize("count", [6, 150])
def test_tensors(write, count):
    """Nine numbers a bond, by the sum of the manual: a chain, with the loop for large magnets too; the force is the
    slope of that energy.
    """
    tensor = np.array([[1.2, 0.3, -0.5], [0.1, 0.9, 0.2], [0.4, -0.6, 1.1]])
    lines = "".join(
        f"1 1 0 0 {step} " + " ".join(map(str, matrix.ravel())) + "\n"
        for step, matrix in ((1, tensor), (-1, tensor.T))
    )
    magnet = bk.read_uppasd(
        write("posfile", "1 1 0 0 0\n"),
        write("jfile", lines),
        CUBE,
        (1, 1, count),
        momfile=write("momfile", "1 1 3 0 0 1\n"),
        periodic=(False, False, True),
        exchange=TensorExchange(),
    )
    n = random_directions(count)
    after = np.roll(n, -1, axis=0)
    expected = -2 * MILLIRYDBERG * np.einsum("na,ab,nb->", n, tensor, after)
    assert energy(magnet, n) == pytest.approx(expected)
    from brackish.spins.turning import turning

    felt = 2 * MILLIRYDBERG * (after @ tensor.T + np.roll(n, 1, axis=0) @ tensor) / 1.5 / magnet.units.planck
    np.testing.assert_allclose(
        turning(magnet, jnp.ones(()), jnp.zeros(()))(0.0, jnp.asarray(n)), felt, atol=1e-10
    )


def test_tensors_of_the_two_known_kinds(write):
    """A multiple of the unit matrix is exchange alone; an antisymmetric tensor is the line of a `dmfile`."""
    pos = write("posfile", "1 1 0 0 0\n")
    options = {"cell": CUBE, "shape": (1, 1, 5), "periodic": (False, False, True)}
    same = "1.7 0 0 0 1.7 0 0 0 1.7"
    alike = bk.read_uppasd(
        pos, write("t", f"1 1 0 0 1 {same}\n1 1 0 0 -1 {same}\n"), exchange=TensorExchange(), **options
    )
    plain = bk.read_uppasd(pos, write("j", "1 1 0 0 1 1.7\n1 1 0 0 -1 1.7\n"), **options)
    assert alike.bonds.dzyaloshinskii_moriya is None
    assert alike.bonds.anisotropic is None
    np.testing.assert_allclose(alike.bonds.exchange, plain.bonds.exchange)
    # D = (0.1, 0.2, 0.3) in e_i . J e_j = D . (e_i x e_j)
    twist, back = "0 0.3 -0.2 -0.3 0 0.1 0.2 -0.1 0", "0 -0.3 0.2 0.3 0 -0.1 -0.2 0.1 0"
    turned = bk.read_uppasd(
        pos, write("t", f"1 1 0 0 1 {twist}\n1 1 0 0 -1 {back}\n"), exchange=TensorExchange(), **options
    )
    listed = bk.read_uppasd(
        pos,
        write("j", "1 1 0 0 1 0\n1 1 0 0 -1 0\n"),
        dmfile=write("d", "1 1 0 0 1 0.1 0.2 0.3\n1 1 0 0 -1 -0.1 -0.2 -0.3\n"),
        **options,
    )
    n = random_directions(5)
    assert energy(turned, n) == pytest.approx(energy(listed, n))
    assert turned.bonds.anisotropic is None


def test_a_tensor_between_quantum_spins(write):
    """Two spins 1/2 by the Kronecker product, in the matrix and in the operator that acts without one."""
    tensor = np.array([[1.0, 0.2, 0.3], [-0.4, 0.5, 0.6], [0.7, -0.8, 0.9]])
    lines = "".join(
        f"{a} {b} 0 0 {step} " + " ".join(map(str, matrix.ravel())) + "\n"
        for a, b, step, matrix in ((1, 2, 0.5, tensor), (2, 1, -0.5, tensor.T))
    )
    pair = bk.read_uppasd(
        write("posfile", "1 1 0 0 0\n2 2 0 0 0.5\n"),
        write("jfile", lines),
        CUBE,
        (1, 1, 1),
        momfile=write("momfile", "1 1 1 0 0 1\n2 1 1 0 0 1\n"),
        periodic=False,
        exchange=TensorExchange(),
    )
    pauli = np.array([[[0, 1], [1, 0]], [[0, -1j], [1j, 0]], [[1, 0], [0, -1]]])
    # unit vectors are twice the spins 1/2, which are half the matrices of Pauli
    expected = (
        -2
        * MILLIRYDBERG
        * sum(tensor[a, b] * np.kron(pauli[a], pauli[b]) for a in range(3) for b in range(3))
    )
    np.testing.assert_allclose(pair.matrix(), expected, atol=1e-12)
    operator = bk.spins.spin_space(pair).operator(pair, jnp.zeros((2, 3)))
    np.testing.assert_allclose(operator.apply(jnp.eye(4, dtype=complex)), expected, atol=1e-12)


def test_crystal_fields(write):
    """`kfile`: K1 (e.a)^2 with an axis, and -K1 times the sum over pairs of squares for a cube, in mRy."""
    pos = write("posfile", "1 1 0 0 0\n2 2 0.5 0.5 0.5\n")
    magnet = bk.read_uppasd(
        pos,
        write("jfile", "1 2 0.5 0.5 0.5 0\n2 1 -0.5 -0.5 -0.5 0\n"),
        CUBE,
        2,
        momfile=write("momfile", "1 1 3 0 0 1\n2 1 2 0 0 1\n"),
        kfile=write("kfile", "1 1 -0.3 0 1 1 0 0\n2 2 0.5 0.0 0 0 1 0\n"),
    )
    n = random_directions(16)
    uniaxial = -0.3 * np.sum((n[0::2] @ [1, 1, 0]) ** 2 / 2)
    squares = n[1::2] ** 2
    cubic = -0.5 * np.sum(squares[:, [0, 0, 1]] * squares[:, [1, 2, 2]])
    # a constant of the cubic part is left out here: a quarter of the sum of fourth powers stands for the pairs
    shift = -0.5 * 0.5 * 8
    assert energy(magnet, n) == pytest.approx(MILLIRYDBERG * (uniaxial + cubic - shift))


def test_the_sense_of_uppasd(write):
    """A moment of 2 Bohr magnetons along x in 1 T along z: there it turns towards y, here away from it. In UppASD's
    sense spins are opposite to moments and have their energies.
    """
    pos, jfile = write("posfile", "1 1 0 0 0\n"), write("jfile", "1 1 1 0 0 0\n1 1 -1 0 0 0\n")
    build = lambda **sense: bk.read_uppasd(  # noqa: E731
        pos, jfile, CUBE, (2, 1, 1), periodic=False, field=[0.0, 0.0, 1.0], **sense
    )
    moment = np.tile([1.0, 0.0, 0.0], (2, 1))
    time = 5.0
    angle = 2 * bk.RealUnits.bohr_magneton / bk.RealUnits.planck * time
    for magnet, sign in ((build(), 1), (build(sense=MomentAgainstSpin()), -1)):
        run = bk.simulate(magnet, bk.LLG(0.0), bk.Directions(sign * moment), bk.times(time, 1))
        moments = sign * run.spin_direction.values[-1, 0]
        np.testing.assert_allclose(moments, [np.cos(angle), -sign * np.sin(angle), 0.0], atol=1e-3)
    n = random_directions(2)
    assert energy(build(), n) == pytest.approx(energy(build(sense=MomentAgainstSpin()), -n))


# -- restart files, inpsd.dat --------------------------------------------------------------------------------------


RESTART = "# File type: R\n# iter ens iatom |Mom| M_x M_y M_z\n"


@pytest.mark.parametrize(("sense", "sign"), [({}, 1), ({"sense": MomentAgainstSpin()}, -1)])
def test_restart_files_in_our_order(write, sense, sign):
    """Atom by atom, then along the first vector of the cell: each direction comes to the site where it belongs."""
    lattice = bk.Lattice(np.diag([1.0, 10.0, 100.0]), [[0.0, 0.0, 0.0], [0.25, 0.0, 0.0]], (2, 3, 4))
    lines, order = [], itertools.product(range(4), range(3), range(2), (0.0, 0.25))
    for atom, (z, y, x, offset) in enumerate(order, start=1):
        place = np.array([x + offset, 10 * y, 100 * z]) + 1.0
        lines.append(f"-7 1 {atom} 2.2E+00 " + " ".join(f"{v:.12E}" for v in place / np.linalg.norm(place)))
    path = write("restart.out", RESTART + "\n".join(lines) + "\n")
    directions = bk.read_uppasd_restart(path, (2, 3, 4), **sense)
    places = lattice.positions + 1.0
    np.testing.assert_allclose(directions, sign * places / np.linalg.norm(places, axis=1, keepdims=True))


def test_several_ensembles_and_bad_restart_files(write):
    lines = [f"0 {e} {a} 1 {e} {a} 0" for e in (1, 2) for a in (1, 2)]
    two = bk.read_uppasd_restart(write("two", RESTART + "\n".join(lines)), (2, 1, 1))
    assert two.shape == (2, 2, 3)
    np.testing.assert_allclose(two[1, 0], np.array([2, 1, 0]) / 5**0.5)
    for text, message in (
        ("\n".join(lines[::-1]), "line 1: expected all atoms"),
        (lines[0], "1 atoms do not fill"),
        ("1 1 1.0 0 0 1", "line 1: expected 7 numbers"),
        ("0 1 1 1 0 0 0\n0 1 2 1 0 0 1", "line 1: a direction must not be zero"),
    ):
        with pytest.raises(bk.InvalidInput, match=message):
            bk.read_uppasd_restart(write("bad", text), (2, 1, 1))


INPSD = """simid bccFe
ncell   4 3 5            system size
BC      P P 0
cell    1.0 0.0 0.0
        0.0 1.0 0.0
        0.0 0.0 1.0
Sym     1                symmetry
% a comment
posfile  ./posfile
exchange ./jfile
momfile  ./momfile
anisotropy ./kfile
dm ./dmfile
ip_mode M
ip_mcanneal 1
 1000 300.0
alat 2.87d-10
hfield 0 0 -1.5
Temp 100.0
do_ralloy 0
jij_scale 0.5
"""


@pytest.fixture
def iron(write):
    write("posfile", "1 1 0 0 0\n2 1 0.5 0.5 0.5\n")
    write("jfile", "1 1 0.5 0.5 0.5 1.36 0.8660\n1 1 1 0 0 0.75 1.0\n")
    write("momfile", "1 1 2.2 0 0 1\n2 1 2.2 0 0 1\n")
    write("kfile", "1 1 -0.02 0 0 0 1 0\n2 1 -0.02 0 0 0 1 0\n")
    write("dmfile", "1 1 0 0 1 0 0 0.36\n1 1 0 0 -1 0 0 -0.36\n")
    return lambda text=INPSD: write("inpsd.dat", text)


def test_the_input_file_of_uppasd(iron, tmp_path):
    magnet = bk.read_inpsd(iron())
    other = bk.read_uppasd(
        tmp_path / "posfile",
        tmp_path / "jfile",
        CUBE,
        (4, 3, 5),
        momfile=tmp_path / "momfile",
        kfile=tmp_path / "kfile",
        dmfile=tmp_path / "dmfile",
        periodic=(True, True, False),
        symmetry=CubicSymmetry(),
        exchange_scale=0.5,
        lattice_constant=2.87,
        field=[0.0, 0.0, -1.5],
    )
    n = random_directions(120)
    assert energy(magnet, n) == pytest.approx(energy(other, n))
    np.testing.assert_allclose(magnet.positions, other.positions)
    np.testing.assert_allclose(magnet.field, [0, 0, -1.5])


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (lambda text: text.replace("do_ralloy 0", "do_ralloy 1"), "line 20: `do_ralloy` changes the magnet"),
        (lambda text: text + "do_dip 1\n", "`do_dip` changes the magnet"),
        (lambda text: text + "bq ./bqfile\n", "`bq` changes the magnet"),
        (
            lambda text: text.replace("Sym     1", "Sym     4"),
            "line 7: `sym` must be 0 or 1 or 2 or 3, got '4'",
        ),
        (
            lambda text: text.replace("4 3 5 ", "4 3 five "),
            "line 2: `ncell` must be a whole number, got 'five'",
        ),
        (lambda text: text.replace("        0.0 0.0 1.0\n", ""), "`cell` needs 9 values, got 6"),
        (lambda text: text + "alat 1.0\n", "line 22: `alat` stands in line 17 already"),
        (lambda text: text.replace("exchange ./jfile\n", ""), "there is no `exchange`"),
        (lambda text: text.replace("./kfile", "./kfil"), "Cannot read .*kfil"),
        (lambda text: text + "block_size 2\n", "`block_size` changes the order"),
    ],
)
def test_input_files_that_are_refused(iron, change, message):
    with pytest.raises(bk.InvalidInput, match=message):
        bk.read_inpsd(iron(change(INPSD)))


def test_tensors_are_asked_for_by_two_keywords(iron, write):
    """`do_jtensor 1` alone reads one number a bond, in UppASD too; nine of them are refused then, not cut."""
    nine = "1.3 0 0 0 1.3 0 0 0 1.2"
    write("jfile", f"1 1 0 0 1 {nine}\n1 1 0 0 -1 {nine}\n")
    text = INPSD.replace("Sym     1 ", "Sym     0 ") + "do_jtensor 1\n"
    with pytest.raises(bk.InvalidInput, match=r"jfile, line 1: expected 6 or 7 numbers .*got 14"):
        bk.read_inpsd(iron(text))
    magnet = bk.read_inpsd(iron(text + "calc_jtensor F\n"))
    assert magnet.bonds.anisotropic is not None


# -- what is refused -----------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("posfile", "jfile", "message"),
    [
        ("1 1 1 0.5 0 0 0", "1 1 1 0 0 1", "posfile, line 1: expected 5 numbers .*random alloys"),
        ("1 1 0 0 0", "1 1 1 0 0 1.0 7.0", "jfile, line 1: column 7 is one too many"),
        ("1 1 0 0 0", "1 1 1 0 0 1.0 1.0 2.0", "jfile, line 1: expected 6 or 7 numbers"),
        ("1 1 0 0 0", "1 1 1 0 0 1_000", "jfile, line 1: expected numbers"),
        ("1 1 0 0 0", "1 1 1 0 0 nan", "jfile, line 1: expected numbers"),
        ("1 1 0 0 0", "1 2 1 0 0 1.0", "jfile, line 1: column 2 must be a site of the cell, 1 to 1, got 2"),
        ("1 1 0 0 0", "1 1 0 0 0 1.0", "jfile, line 1: this bond joins an atom to itself"),
        (
            "1 1 0 0 0",
            "1 1 1.02 0 0 1\n1 1 -1.02 0 0 1",
            "jfile, line 1: this bond ends 0.02 lattice constants",
        ),
        (
            "1 1 0 0 0\n2 1 0.5 0 0",
            "1 1 1 0 0 1.0\n2 2 1 0 0 1.5\n1 1 -1 0 0 1.0",
            "line 2: this shell has another strength in .*line 1",
        ),
        (
            "1 1 0 0 0\n2 1 0 0.5 0\n3 2 0.5 0 0\n4 3 0.5 0.5 0",
            "1 3 0.5 0 0 1.0\n2 4 0.5 0 0 1.0",
            "line 2: from type 1 this vector leads to type 3, in .*line 1 to type 2",
        ),
        (
            "1 1 0 0 0",
            "1 1 2 0 0 1.0\n1 1 -2 0 0 1.0",
            r"in a periodic box of \(4, 4, 4\) .*join the same two sites",
        ),
    ],
)
def test_what_would_be_read_differently_is_refused(write, posfile, jfile, message):
    with pytest.raises(bk.InvalidInput, match=message):
        bk.read_uppasd(write("posfile", posfile), write("jfile", jfile), CUBE, 4)


def test_small_boxes(write):
    """Both ways around a ring of two lead to one site: UppASD keeps one of them, unless it is told otherwise; a single
    cell it closes to a ring whatever is said of its ends.
    """
    pos, chain = write("posfile", "1 1 0 0 0\n"), write("jfile", "1 1 1 0 0 1\n1 1 -1 0 0 1\n")
    with pytest.raises(bk.InvalidInput, match="UppASD keeps the first alone"):
        bk.read_uppasd(pos, chain, CUBE, (2, 1, 1))
    assert bk.read_uppasd(pos, chain, CUBE, (2, 1, 1), map_multiple=True).bonds.count == 2
    with pytest.raises(bk.InvalidInput, match="box of one cell with open ends"):
        bk.read_uppasd(pos, chain, CUBE, 1, periodic=False)


def test_symmetry_that_uppasd_would_blur(write):
    pos = write("posfile", "1 1 0 0 0\n2 1 0.5 0.03 0\n")
    with pytest.raises(bk.InvalidInput, match=r"line 1: symmetry makes two vectors .*apart"):
        bk.read_uppasd(pos, write("j", "1 2 0.5 0.03 0 1\n"), CUBE, 4, symmetry=CubicSymmetry())


@pytest.mark.parametrize(
    ("momfile", "kfile", "message"),
    [
        ("1 1 2 0 0", None, "momfile, line 1: expected 6 numbers"),
        ("1 1 2 0 0 1 2.0", None, "momfile, line 1: expected 6 numbers .*set_landeg"),
        ("1 1 2 0 0 1", "1 7 -0.1 0 0 0 1 0.1", "kfile, line 1: uniaxial and cubic together"),
        ("1 1 2 0 0 1", "1 1 -0.1 0.2 0 0 1 0", "kfile, line 1: K2"),
        ("1 1 2 0 0 1", "1 1 -0.1 0 0 0 0 0", "kfile, line 1: an axis must not be zero"),
        ("1 1 2 0 0 1", "1 1 -0.1 0 0 0 1", "kfile, line 1: expected 8 numbers"),
        ("1 1 2 0 0 1", "2 1 -0.1 0 0 0 1 0", "kfile, line 1: expected one line for each site"),
    ],
)
def test_bad_moments_and_crystal_fields(write, momfile, kfile, message):
    with pytest.raises(bk.InvalidInput, match=message):
        bk.read_uppasd(
            write("posfile", "1 1 0 0 0"),
            write("jfile", "1 1 1 0 0 1\n1 1 -1 0 0 1"),
            CUBE,
            4,
            momfile=write("momfile", momfile),
            kfile=None if kfile is None else write("kfile", kfile),
        )


def test_a_byte_order_mark_is_no_crime(write):
    write("posfile", "\ufeff1 1 0 0 0\n")
    magnet = bk.read_uppasd(
        write("posfile", "\ufeff1 1 0 0 0\r\n"), write("j", "\ufeff1 1 1 0 0 1.\n1 1 -1 0 0 1.D0\n"), CUBE, 4
    )
    assert magnet.bonds.count == 64


def test_dm_vectors_know_no_second_type(write):
    """UppASD gives a Dzyaloshinskii-Moriya vector to every atom of the first type, whatever stands at its end."""
    pos = write("posfile", "1 1 0 0 0\n2 1 0 0.5 0\n3 2 0.5 0 0\n4 3 0.5 0.5 0\n")
    bonds = write("j", "1 3 0.5 0 0 1.0\n3 1 -0.5 0 0 1.0\n")
    twist = write("d", "1 3 0.5 0 0 0 0 1\n3 1 -0.5 0 0 0 0 -1\n")
    assert bk.read_uppasd(pos, bonds, CUBE, 4).bonds.count == 64
    with pytest.raises(
        bk.InvalidInput, match="d, line 1: this bond also ends at site 4, which is of another type"
    ):
        bk.read_uppasd(pos, bonds, CUBE, 4, dmfile=twist)
