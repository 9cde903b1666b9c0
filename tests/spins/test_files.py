"""Files of other programs: UppASD's pairs against lattices written by hand, OVF vectors there and back."""

import jax.numpy as jnp
import numpy as np
import pytest

import brackish as bk
from brackish.spins.uppasd import (
    MILLIRYDBERG,
    ByCell,
    CubicSymmetry,
    Direct,
    HexagonalSymmetry,
    SquareSymmetry,
)

BCC = [[-0.5, 0.5, 0.5], [0.5, -0.5, 0.5], [0.5, 0.5, -0.5]]
ONE_ATOM = "1 1 0.0 0.0 0.0\n"


@pytest.fixture
def write(tmp_path):
    def one(name, text):
        (tmp_path / name).write_text(text)
        return tmp_path / name

    return one


def random_directions(count):
    n = np.random.default_rng(5).normal(size=(count, 3))
    return n / np.linalg.norm(n, axis=1, keepdims=True)


def energy_by_the_manual(places, box, directions, vectors, strength):
    """-sum over i != j of J_ij e_i.e_j: every pair of the periodic box twice, as UppASD counts."""
    energy = 0.0
    for vector in vectors:
        there = places[:, None] + vector - places[None]
        wrapped = there @ np.linalg.inv(box)
        hit = np.all(np.abs(wrapped - np.rint(wrapped)) < 1e-6, axis=2)
        i, j = np.nonzero(hit)
        energy -= strength * np.sum(directions[i] * directions[j])
    return energy


def test_bcc_iron_has_the_energy_of_the_manual(write):
    """The first shell of iron, by symmetry and spelled out, against the sum of the manual over all ordered pairs."""
    corners = [[a, b, c] for a in (-0.5, 0.5) for b in (-0.5, 0.5) for c in (-0.5, 0.5)]
    pos, mom = write("posfile", "# Fe\n" + ONE_ATOM), write("momfile", "1 1 2.2 0.0 0.0 1.0\n")
    short = bk.read_uppasd(
        pos, write("j1", "1 1 0.5 0.5 0.5 1.36d0 0.866\n"), BCC, 4, momfile=mom, symmetry=CubicSymmetry()
    )
    lines = "".join(f"1 1 {a} {b} {c} 1.36\n" for a, b, c in corners)
    full = bk.read_uppasd(pos, write("j2", lines), BCC, 4, momfile=mom, lattice_constant=2.87)
    n = random_directions(64)
    expected = MILLIRYDBERG * energy_by_the_manual(
        short.positions, 4 * np.array(BCC), n, np.array(corners), 1.36
    )
    for system in (short, full):
        assert system.bonds.count == 4 * 64
        assert float(system.classical_energy(jnp.asarray(n))) == pytest.approx(expected)
        np.testing.assert_allclose(system.g_factor * system.spins, 2.2)
    np.testing.assert_allclose(full.positions, 2.87 * short.positions, atol=1e-12)


def test_two_kinds_of_atoms_by_cells_and_by_vectors(write):
    """The B2 structure: both ways of naming its bonds give the same magnet."""
    pos = write("posfile", "1 1 0 0 0\n2 2 0.5 0.5 0.5\n")
    mom = write("momfile", "1 1 3 0 0 1\n2 1 2 0 0 1\n")
    offsets = [(a, b, c) for a in (-1, 0) for b in (-1, 0) for c in (-1, 0)]
    by_cell = [f"1 2 {a} {b} {c} 1.8\n2 1 {-a} {-b} {-c} 1.8\n" for a, b, c in offsets]
    options = {"cell": np.eye(3), "shape": (2, 3, 2), "momfile": mom, "periodic": (False, True, True)}
    cells = bk.read_uppasd(pos, write("jc", "".join(by_cell)), mapping=ByCell(), **options)
    text = "1 2 0.5 0.5 0.5 1.8\n2 1 0.5 0.5 0.5 1.8\n"
    vectors = bk.read_uppasd(pos, write("jv", text), symmetry=CubicSymmetry(), **options)
    direct = bk.read_uppasd(
        pos,
        write("jv", text),
        coordinates=Direct(),
        symmetry=CubicSymmetry(),
        **options,
    )
    n = jnp.asarray(random_directions(24))
    energies = [float(system.classical_energy(n)) for system in (cells, vectors, direct)]
    assert energies == pytest.approx([energies[0]] * 3)
    assert set(cells.spins.tolist()) == {1.0, 1.5}
    np.testing.assert_allclose(cells.bonds.exchange, 2 * 1.8 * MILLIRYDBERG / 1.5)


def test_dzyaloshinskii_moriya_vectors(write):
    """Each pair twice and with a minus sign there: a chain along z that turns the other way."""
    exchange = write("jfile", "1 1 0 0 1 1.0\n1 1 0 0 -1 1.0\n")
    twist = write("dmfile", "1 1 0 0 1 0 0 0.36\n1 1 0 0 -1 0 0 -0.36\n")
    system = bk.read_uppasd(
        write("posfile", ONE_ATOM),
        exchange,
        np.eye(3),
        (1, 1, 6),
        dmfile=twist,
        periodic=(False, False, True),
    )
    n = random_directions(6)
    after = np.roll(n, -1, axis=0)
    expected = -2 * np.sum(n * after) - 2 * 0.36 * np.sum(np.cross(n, after)[:, 2])
    assert float(system.classical_energy(jnp.asarray(n))) == pytest.approx(MILLIRYDBERG * expected)


@pytest.mark.parametrize(
    ("symmetry", "neighbours"), [(CubicSymmetry(), 24), (SquareSymmetry(), 8), (HexagonalSymmetry(), 24)]
)
def test_symmetries_are_groups(symmetry, neighbours):
    operations = symmetry.operations()
    products = np.einsum("aij,bjk->abik", operations, operations).reshape(-1, 9)
    assert len(np.unique(np.round(products, 9) + 0.0, axis=0)) == len(operations)
    turned = operations @ np.array([1.0, 0.2, 0.2 if len(operations) == 48 else 0.5])
    assert len(np.unique(np.round(turned, 9) + 0.0, axis=0)) == neighbours


@pytest.mark.parametrize(
    ("posfile", "jfile", "message"),
    [
        ("", "1 1 1 0 0 1.0", "posfile holds no numbers"),
        ("1 1 0 0 0", "1 1 1 0 0", "jfile, line 1: expected 6"),
        ("1 1 0 0 0", "\n1 1 1 zero 0 1.0", "jfile, line 2: expected numbers"),
        ("2 1 0 0 0", "1 1 1 0 0 1.0", "numbered from 1"),
        ("1 1 0 0 0", "1 1 0.5 0 0 1.0", "line 1: this bond does not end at an atom"),
        ("1 1 0 0 0", "1 1.5 1 0 0 1.0", "column 2 must be a whole number"),
        ("1 1 0 0 0", "1 1 1 0 0 1.0\n1 1 1 0 0 1.0", "line 2: this bond is listed already"),
        ("1 1 0 0 0", "1 1 1 0 0 1.0", "line 1: this bond must be listed in the other direction"),
        ("1 1 0 0 0", "1 1 3 0 0 1.0\n1 1 -3 0 0 1.0", "line 1: in a periodic box"),
    ],
)
def test_bad_files_of_uppasd(write, posfile, jfile, message):
    with pytest.raises(bk.InvalidInput, match=message):
        bk.read_uppasd(write("posfile", posfile), write("jfile", jfile), np.eye(3), 3)


def test_a_file_that_is_missing(write, tmp_path):
    with pytest.raises(bk.InvalidInput, match=r"Cannot read .*nowhere"):
        bk.read_uppasd(tmp_path / "nowhere", write("jfile", "1 1 1 0 0 1"), np.eye(3), 3)


@pytest.mark.parametrize("binary", [True, False])
@pytest.mark.parametrize("lattice", [bk.lattices.cubic((2, 3, 4), spacing=2.5), bk.lattices.kagome((2, 3))])
def test_vectors_there_and_back(tmp_path, lattice, binary):
    """A rectangular mesh comes back with x fastest, an irregular one in its own order; nothing is lost."""
    n, path = random_directions(lattice.count), tmp_path / "spins.ovf"
    bk.write_ovf(n, path, lattice.positions, binary=binary)
    vectors, places = bk.read_ovf(path)
    order = np.lexsort(lattice.positions.T) if lattice.count == 24 else np.arange(lattice.count)
    np.testing.assert_array_equal(vectors, n[order])
    np.testing.assert_allclose(places, lattice.positions[order], atol=1e-14)
    head = path.read_bytes()
    assert head.startswith(b"# OOMMF OVF 2.0\n")
    assert b"each once, of -J Si.Sj + D.(Si x Sj), J > 0 ferromagnetic" in head
    assert (b"meshtype: rectangular" in head) == (lattice.count == 24)


def test_a_run_of_one_layer_is_written(tmp_path):
    """The box of a single layer is one step high, and the binary numbers begin as the format asks."""
    lattice = bk.lattices.square((3, 2), spacing=0.5)
    bk.write_ovf(random_directions(6), tmp_path / "layer.ovf", lattice.positions)
    raw = (tmp_path / "layer.ovf").read_bytes()
    for line in (b"# znodes: 1\n", b"# zstepsize: 0.5\n", b"# xmax: 1.25\n"):
        assert line in raw
    data = raw[raw.index(b"Data binary 8\n") + len(b"Data binary 8\n") :]
    assert data[:8] == bytes.fromhex("40DE77832112DC42")
    assert data[8 * 19 :] == b"\n# End: Data binary 8\n# End: Segment\n"


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (lambda raw: raw[2:], "line 1: this is no OVF 2.0"),
        (lambda raw: raw.replace(b"valuedim: 3", b"valuedim: 1"), "three components"),
        (lambda raw: raw.replace(b"xnodes: 2", b"xnodes: two"), "`xnodes` must be a whole number"),
        (lambda raw: raw.replace(b"ybase: 0.0", b"ybase: low"), "`ybase` must be a number"),
        (lambda raw: raw.replace(b"Data text", b"Data words"), "text, binary 4 or binary 8"),
        (lambda raw: raw.replace(b"\n1.0 0.0 0.0", b"\n1.0 0.0 0.O", 1), "line 30: expected numbers"),
        (lambda raw: raw.replace(b"\n1.0 0.0 0.0", b"", 1), "expected 12 numbers"),
        (
            lambda raw: raw.replace(b"\n1.0 0.0 0.0", b"\n1.0 0.0", 1),
            r"line 30: expected 3 numbers \(a vector\), got 2",
        ),
        (
            lambda raw: raw.replace(b"\n1.0 0.0 0.0", b"\n1.0 0.0 0.0 0.0", 1),
            "line 30: expected 3 numbers .*got 4",
        ),
        (lambda raw: raw.replace(b"\n1.0 0.0 0.0", b"\n1_0 0.0 0.0", 1), "line 30: expected numbers"),
        (lambda raw: raw.replace(b"ybase: 0.0", b"ybase: 0_0"), "`ybase` must be a number, got 0_0"),
    ],
)
def test_damaged_vectors(tmp_path, change, message):
    path = tmp_path / "spins.ovf"
    bk.write_ovf(np.tile([1.0, 0.0, 0.0], (4, 1)), path, bk.lattices.square(2).positions, binary=False)
    path.write_bytes(change(path.read_bytes()))
    with pytest.raises(bk.InvalidInput, match=message):
        bk.read_ovf(path)


def test_a_byte_order_mark_before_vectors(tmp_path):
    path, n = tmp_path / "spins.ovf", random_directions(4)
    for binary in (True, False):
        bk.write_ovf(n, path, bk.lattices.square(2).positions + 0.5, binary=binary)
        path.write_bytes(b"\xef\xbb\xbf" + path.read_bytes())
        assert sorted(map(tuple, bk.read_ovf(path)[0])) == sorted(map(tuple, n))


def test_binary_vectors_end_where_they_should(tmp_path):
    path = tmp_path / "spins.ovf"
    bk.write_ovf(random_directions(4), path, bk.lattices.square(2).positions)
    raw = path.read_bytes()
    path.write_bytes(raw.replace(b"xnodes: 2", b"xnodes: 1"))
    with pytest.raises(bk.InvalidInput, match="more behind the 6 binary numbers"):
        bk.read_ovf(path)


def test_vectors_that_do_not_fit(tmp_path):
    with pytest.raises(bk.InvalidInput, match="4 vectors and 9 positions"):
        bk.write_ovf(np.ones((4, 3)), tmp_path / "a.ovf", bk.lattices.square(3).positions)
    with pytest.raises(bk.InvalidInput, match="`vectors` must be finite"):
        bk.write_ovf(np.ones((4, 2)), tmp_path / "a.ovf", np.ones((4, 3)))
