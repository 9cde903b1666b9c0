r"""Magnets from the files of UppASD: atoms of a cell, their moments, exchange and Dzyaloshinskii-Moriya vectors.

UppASD counts every pair **twice** and takes unit vectors, energies in mRy:
$$H=-\sum_{i\ne j}J_{ij}\,\mathbf e_i\cdot\mathbf e_j-\sum_{i\ne j}\mathbf D_{ij}\cdot(\mathbf e_i\times\mathbf e_j)$$
(UppASD manual, Hamiltonian parameters). Here each pair counts once, between spins $s_i\mathbf n_i$: the exchange of a
bond is $2J_{ij}/s_is_j$ and its Dzyaloshinskii-Moriya vector $-2\mathbf D_{ij}/s_is_j$, in meV.
"""

import abc
import itertools
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path

import equinox as eqx
import numpy as np

from brackish.errors import InvalidInput
from brackish.spins.bonds import Bonds
from brackish.spins.lattices import Lattice, Links, Periodic, Shape, forwards
from brackish.spins.system import SpinSystem
from brackish.spins.units import RealUnits
from brackish.typing import Float

MILLIRYDBERG = 13.605693122994
"""In meV (CODATA 2018)."""
CLOSE = 1e-3
"""How far, in cell vectors, a bond may end from an atom: files round to few digits."""


class Coordinates(eqx.Module):
    """How the files write places: `posfiletype`."""

    @abc.abstractmethod
    def cartesian(self, place: np.ndarray, cell: np.ndarray) -> np.ndarray:
        """Places in Cartesian coordinates, in units of the lattice constant."""


class Cartesian(Coordinates):
    """x, y, z in units of the lattice constant (`posfiletype C`)."""

    def cartesian(self, place, cell):
        return place


class Direct(Coordinates):
    """In units of the cell vectors (`posfiletype D`)."""

    def cartesian(self, place, cell):
        return place @ cell


class Mapping(eqx.Module):
    """How the files say which atoms a bond joins: `maptype`."""

    @abc.abstractmethod
    def links(self, entry: "_Entry", atoms: "_Atoms", symmetry: "Symmetry") -> "set[Link]":
        """First site, second site and cell offset of all bonds that a line stands for."""


class ByVector(Mapping):
    """Types of the two atoms, and the vector from one to the other, as places are written (`maptype 1`)."""

    coordinates: Coordinates = Cartesian()

    def links(self, entry, atoms, symmetry):
        vector = self.coordinates.cartesian(entry.vector, atoms.cell)
        found = set()
        for turned in symmetry.operations() @ vector:
            for i, j in itertools.product(atoms.of_type(entry.first), atoms.of_type(entry.second)):
                offset = (atoms.place[i] + turned - atoms.place[j]) @ np.linalg.inv(atoms.cell)
                if np.all(np.abs(offset - np.rint(offset)) < CLOSE):
                    found.add((i, j, *(int(n) for n in np.rint(offset))))
        return found


class ByCell(Mapping):
    """Numbers of the two atoms, and how many cells away the second is (`maptype 2`)."""

    def links(self, entry, atoms, symmetry):
        if len(symmetry.operations()) > 1:
            raise InvalidInput("Bonds by cells are listed in full: `ByCell()` goes with `NoSymmetry()`.")
        offset = np.rint(entry.vector)
        known = range(1, len(atoms.place) + 1)
        if entry.first not in known or entry.second not in known or np.any(offset != entry.vector):
            return set()
        return {(entry.first - 1, entry.second - 1, *(int(n) for n in offset))}


class Symmetry(eqx.Module):
    """Which bonds one line of the exchange file stands for: `sym`. Dzyaloshinskii-Moriya vectors are never turned."""

    @abc.abstractmethod
    def operations(self) -> Float[np.ndarray, "operations 3 3"]:
        """Rotations and reflections that turn a bond into equal ones."""


class NoSymmetry(Symmetry):
    """Every bond is listed, in both directions (`sym 0`)."""

    def operations(self):
        return np.eye(3)[None]


class CubicSymmetry(Symmetry):
    """The 48 operations of a cube (`sym 1`)."""

    def operations(self):
        return _signed_permutations(3)


class SquareSymmetry(Symmetry):
    """The 8 operations of a square in the x-y plane (`sym 2`)."""

    def operations(self):
        flat = _signed_permutations(2)
        full = np.tile(np.eye(3), (len(flat), 1, 1))
        full[:, :2, :2] = flat
        return full


class HexagonalSymmetry(Symmetry):
    """The 24 operations of a hexagonal prism along z (`sym 3`)."""

    def operations(self):
        made = []
        for step, mirror, flip in itertools.product(range(6), (1, -1), (1, -1)):
            c, s = np.cos(step * np.pi / 3), np.sin(step * np.pi / 3)
            made.append(np.array([[c, -mirror * s, 0], [s, mirror * c, 0], [0, 0, flip]]))
        return np.stack(made)


def _signed_permutations(dimensions: int) -> np.ndarray:
    """The axes in any order, each with either sign."""
    axes = np.eye(dimensions)
    return np.stack(
        [
            np.diag(signs) @ axes[list(order)]
            for order in itertools.permutations(range(dimensions))
            for signs in itertools.product((1.0, -1.0), repeat=dimensions)
        ]
    )


Link = tuple[int, int, int, int, int]


def read_uppasd(
    posfile: str | Path,
    jfile: str | Path,
    cell: Float[np.ndarray, "3 3"] | Sequence[Sequence[float]],
    shape: Shape,
    *,
    momfile: str | Path | None = None,
    dmfile: str | Path | None = None,
    periodic: Periodic = True,
    mapping: Mapping = ByVector(),  # noqa: B008  (immutable)
    symmetry: Symmetry = NoSymmetry(),  # noqa: B008  (immutable)
    coordinates: Coordinates = Cartesian(),  # noqa: B008  (immutable)
    lattice_constant: float = 1.0,
    field=(0.0, 0.0, 0.0),
) -> SpinSystem:
    """A magnet from UppASD files, in `RealUnits` (meV, ps, tesla, kelvin, angstrom).

    `posfile`, `jfile`, `momfile`, `dmfile`: as named in `inpsd.dat`, whose entries are the other arguments: `cell` the
    three vectors, `shape` `ncell`, `periodic` `BC`, `mapping` `maptype`, `symmetry` `sym`, `coordinates` `posfiletype`,
    `lattice_constant` `alat`, in angstrom. Ordered crystals only. `field`: as of `SpinSystem`.

    A moment m (Bohr magnetons; 2 without a `momfile`) becomes the spin s next to m/2, with the g-factor m/s: energies
    and moments are those of the files. Where m/2 is no multiple of 1/2, frequencies are m/2s times too high.

    Raises `InvalidInput`, naming file and line, for what cannot be read, for a bond that ends at no atom, that is
    listed twice, or that is not listed in the other direction, and for a box too small for its bonds.
    """
    vectors = np.asarray(cell, dtype=float)
    if vectors.shape != (3, 3):
        raise InvalidInput(f"Argument `cell` must be three vectors, as rows, got shape {vectors.shape}.")
    rows = sorted(_rows(posfile, 5), key=lambda row: row.numbers[0])
    if [row.numbers[0] for row in rows] != list(range(1, len(rows) + 1)):
        raise InvalidInput(f"{posfile}: the sites must be numbered from 1 on.")
    place = coordinates.cartesian(np.array([row.numbers[2:5] for row in rows]), vectors)
    atoms = _Atoms(vectors, place, np.array([row.whole(1) for row in rows]))
    moments = _moments(momfile, len(rows))
    lattice = Lattice(lattice_constant * vectors, lattice_constant * place, shape, periodic)

    spins = np.maximum(np.rint(moments), 1) / 2
    exchange = _bonds(jfile, 1, atoms, lattice, mapping, symmetry, lambda value: value)
    couplings = [_scaled(exchange, spins, dzyaloshinskii_moriya=False)]
    if dmfile is not None:
        twist = _bonds(dmfile, 3, atoms, lattice, mapping, NoSymmetry(), lambda value: -value)
        couplings.append(_scaled(twist, spins, dzyaloshinskii_moriya=True))
    bonds = couplings[0] if len(couplings) == 1 else couplings[0] + couplings[1]
    cells = lattice.count // len(rows)
    return SpinSystem(
        np.tile(spins, cells),
        bonds,
        field,
        g_factor=np.tile(moments / spins, cells),
        positions=lattice.positions,
        units=RealUnits(),
    )


# -- files ---------------------------------------------------------------------------------------------------------


class _Row(eqx.Module):
    """The numbers of one line, and where it stands."""

    numbers: list[float]
    where: str

    def whole(self, column: int) -> int:
        value = self.numbers[column]
        if value != int(value):
            raise InvalidInput(f"{self.where}: column {column + 1} must be a whole number, got {value:g}.")
        return int(value)


class _Entry(eqx.Module):
    """A line of bonds: sites or types, a vector, and the strength, (1,) or (3,)."""

    first: int
    second: int
    vector: np.ndarray
    strength: np.ndarray
    where: str


class _Atoms(eqx.Module):
    """The sites of a cell, (atoms, 3) in units of the lattice constant, and their types."""

    cell: np.ndarray
    place: np.ndarray
    kind: np.ndarray

    def of_type(self, kind: int) -> list[int]:
        return np.flatnonzero(self.kind == kind).tolist()


class _Found(eqx.Module):
    """Bonds of a magnet by their two sites in the cell, and their strengths."""

    first: np.ndarray
    second: np.ndarray
    sites: int
    strength: np.ndarray


def _rows(path: str | Path, least: int) -> list[_Row]:
    """The lines of a file as numbers; empty ones and comments are passed over."""
    try:
        text = Path(path).read_text()
    except (OSError, UnicodeDecodeError) as error:
        raise InvalidInput(f"Cannot read {path}: {getattr(error, 'strerror', None) or error}.") from error
    rows = list(_read(str(path), text, least))
    if not rows:
        raise InvalidInput(f"{path} holds no numbers.")
    return rows


def _read(path: str, text: str, least: int) -> Iterator[_Row]:
    for number, line in enumerate(text.splitlines(), start=1):
        words = line.split("#")[0].split("!")[0].split()
        if not words:
            continue
        where = f"{path}, line {number}"
        try:
            # Fortran writes 1.0d-3 for 1.0e-3
            numbers = [float(word.lower().replace("d", "e")) for word in words[:least]]
        except ValueError:
            raise InvalidInput(f"{where}: expected numbers, got {line.strip()[:60]!r}.") from None
        if len(numbers) < least or not np.all(np.isfinite(numbers)):
            raise InvalidInput(f"{where}: expected {least} finite numbers, got {line.strip()[:60]!r}.")
        yield _Row(numbers, where)


def _moments(path: str | Path | None, atoms: int) -> np.ndarray:
    """The moment of each atom of the cell, in Bohr magnetons."""
    moments = np.full(atoms, 2.0)
    if path is None:
        return moments
    seen = set()
    for row in _rows(path, 3):
        site, moment = row.whole(0), row.numbers[2]
        if site not in range(1, atoms + 1) or site in seen or row.whole(1) != 1:
            raise InvalidInput(f"{row.where}: expected one moment for each site from 1 to {atoms}.")
        if moment <= 0:
            raise InvalidInput(f"{row.where}: a moment must be positive, got {moment:g}.")
        moments[site - 1] = moment
        seen.add(site)
    if len(seen) < atoms:
        raise InvalidInput(f"{path}: {len(seen)} moments for {atoms} sites.")
    return moments


def _bonds(
    path: str | Path,
    width: int,
    atoms: _Atoms,
    lattice: Lattice,
    mapping: Mapping,
    symmetry: Symmetry,
    signed: Callable[[np.ndarray], np.ndarray],
) -> _Found:
    """All bonds of a file in the lattice, once each; strengths in meV, both directions added up."""
    strengths: dict[Link, tuple[np.ndarray, str]] = {}
    for row in _rows(path, 5 + width):
        value = MILLIRYDBERG * np.array(row.numbers[5:])
        entry = _Entry(row.whole(0), row.whole(1), np.array(row.numbers[2:5]), value, row.where)
        links = mapping.links(entry, atoms, symmetry)
        if not links:
            raise InvalidInput(f"{row.where}: this bond does not end at an atom.")
        for link in links:
            if link in strengths:
                raise InvalidInput(f"{row.where}: this bond is listed already, in {strengths[link][1]}.")
            strengths[link] = (value, row.where)
    parity = 1 if width == 1 else -1
    for (i, j, u, v, w), (value, where) in strengths.items():
        back = strengths.get((j, i, -u, -v, -w))
        if back is None or not np.allclose(back[0], parity * value, rtol=1e-6, atol=1e-9):
            raise InvalidInput(
                f"{where}: this bond must be listed in the other direction too, with the same strength."
            )
    table = np.array(list(strengths))
    first, second, offset = table[:, 0], table[:, 1], table[:, 2:]
    vector = atoms.place[second] + offset @ atoms.cell - atoms.place[first]
    once = forwards(vector)
    values = 2 * signed(np.array([value for value, _ in strengths.values()]))[once]
    there_and_back = Links(first, second, offset, vector)
    own = lattice.own_images(there_and_back)
    if np.any(own):
        where = list(strengths.values())[int(np.argmax(own))][1]
        raise InvalidInput(
            f"{where}: in a periodic box of {lattice.shape} cells this bond would join a site to its own image."
        )
    here, there, which = lattice.repeated(there_and_back.chosen(once))
    return _Found(here, there, len(atoms.place), values[which])


def _scaled(found: _Found, spins: np.ndarray, dzyaloshinskii_moriya: bool) -> Bonds:
    """Strengths between unit vectors as strengths between spins."""
    product = spins[found.first % found.sites] * spins[found.second % found.sites]
    strength = found.strength / product[:, None]
    if dzyaloshinskii_moriya:
        return Bonds(found.first, found.second, 0.0, strength)
    return Bonds(found.first, found.second, strength[:, 0])
