"""From the lines of an exchange file to bonds between sites, as UppASD goes that way.

A line names two *sites* of the cell. UppASD takes their types from it and keeps, for each type of the first atom, a
list of vectors (shells): every atom of that type is joined to whatever atom of the second type a vector, or one that
symmetry turns it into, ends at. What would be read otherwise than UppASD does it is refused.
"""

import equinox as eqx
import numpy as np

from brackish.columns import Row, read_rows
from brackish.errors import InvalidInput
from brackish.spins.lattices import Lattice, Links, forwards
from brackish.spins.uppasd.conventions import Atoms, Coordinates, Coupling, Mapping, Symmetry

CLOSE = 5e-3
"""How far, in lattice constants, a bond may end from an atom: files round to few digits."""
LOOSE = 0.1
"""How far it may end for UppASD, which then takes the atom and says nothing."""
SAME = 10**-2.5
"""Vectors that differ by less are one shell, for UppASD as here."""
TOGETHER = 2**18
"""Ends of bonds that are looked for at once."""


class Found(eqx.Module):
    """Bonds of a whole magnet, each once, by the two sites, and the tensor of each in the units of the file."""

    first: np.ndarray
    second: np.ndarray
    tensor: np.ndarray


class _Shells(eqx.Module):
    """Shells of a file: types of the two atoms, vector, numbers and a unit of their last digits, and the line."""

    first: np.ndarray
    second: np.ndarray
    vector: np.ndarray
    values: np.ndarray
    digit: np.ndarray
    where: list[str]


def read_bonds(
    path,
    coupling: Coupling,
    atoms: Atoms,
    lattice: Lattice,
    mapping: Mapping,
    coordinates: Coordinates,
    symmetry: Symmetry,
    multiple: bool,
) -> Found:
    """All bonds of a file in the lattice. Raises `InvalidInput`, naming file and line."""
    shells = _shells(path, coupling, atoms, mapping, coordinates)
    links, shell = _links(shells, coupling, atoms, symmetry)
    place = lambda link: shells.where[shell[link]]  # noqa: E731
    values = _both_ways(links, shell, shells, coupling)
    own = lattice.own_images(links)
    if np.any(own):
        raise InvalidInput(
            f"{place(np.argmax(own))}: in a periodic box of {lattice.shape} cells this bond would join a site to its "
            "own image."
        )
    _check_box(links, lattice, multiple, place)
    once = forwards(links.vector)
    here, there, which = lattice.repeated(links.chosen(once))
    return Found(here, there, coupling.tensors(values[once])[which])


# -- lines ---------------------------------------------------------------------------------------------------------


def _shells(path, coupling: Coupling, atoms: Atoms, mapping: Mapping, coordinates: Coordinates) -> _Shells:
    """The lines of a file, those that say the same once."""
    least = 5 + coupling.width
    what = f"site, site, x, y, z, {coupling.columns}, and at most the length of the vector"
    rows = read_rows(path, (least, least + 1), columns=what)
    sites = np.array([[_site(row, column, atoms) for column in (0, 1)] for row in rows])
    numbers = np.array([row.numbers[:least] for row in rows])
    vector = mapping.vectors(sites[:, 0], sites[:, 1], numbers[:, 2:5], atoms, coordinates)
    for row, r in zip(rows, vector, strict=True):
        _check_length(row, least, r)
    kinds = atoms.kind[sites]
    seen: dict[int, int] = {}
    for line, shell in enumerate(_numbered(kinds[:, 0], vector)):
        before = seen.setdefault(int(shell), line)
        if before != line:
            _check_repeated(rows, kinds, sites, before, line)
    kept = np.array(sorted(seen.values()))
    digit = np.array([[rows[line].last_digit(5 + n) for n in range(coupling.width)] for line in kept])
    return _Shells(
        kinds[kept, 0],
        kinds[kept, 1],
        vector[kept],
        numbers[kept, 5:],
        digit,
        [rows[line].where for line in kept],
    )


def _site(row: Row, column: int, atoms: Atoms) -> int:
    site = row.whole(column)
    if not 1 <= site <= atoms.count:
        raise InvalidInput(
            f"{row.where}: column {column + 1} must be a site of the cell, 1 to {atoms.count}, got {site}."
        )
    return site - 1


def _check_length(row: Row, column: int, vector: np.ndarray) -> None:
    """A number behind the strength is the length of the vector, which some programs add, or it is one too many."""
    if len(row.numbers) > column and abs(row.numbers[column] - np.linalg.norm(vector)) > max(
        CLOSE, row.last_digit(column)
    ):
        raise InvalidInput(
            f"{row.where}: column {column + 1} is one too many; only the length of the bond in lattice constants, "
            f"{np.linalg.norm(vector):.6g}, may stand there, got {row.words[column]}."
        )


def _numbered(kind: np.ndarray, vector: np.ndarray) -> np.ndarray:
    """The shell of each line: lines of one type whose vectors are the same but for rounding."""
    from scipy.spatial import cKDTree

    # types lie far apart along a fourth axis
    points = np.column_stack([vector, kind.astype(float)])
    alike, line = np.unique(np.round(points, 6) + 0.0, axis=0, return_inverse=True)
    root = np.arange(len(alike))
    for a, b in sorted(cKDTree(alike).query_pairs(SAME)):
        root[b] = root[a]
    return root[line.ravel()]


def _check_repeated(rows: list[Row], kinds: np.ndarray, sites: np.ndarray, before: int, line: int) -> None:
    """Two lines of one shell name other sites of the same types, and the same strength."""
    earlier, later = rows[before], rows[line]
    if np.array_equal(sites[before], sites[line]):
        raise InvalidInput(f"{later.where}: this bond is listed already, in {earlier.where}.")
    if kinds[before, 1] != kinds[line, 1]:
        raise InvalidInput(
            f"{later.where}: from type {kinds[line, 0]} this vector leads to type {kinds[line, 1]}, in "
            f"{earlier.where} to type {kinds[before, 1]}; UppASD knows a vector of a type once: give atoms with other "
            "neighbours other types."
        )
    if later.numbers[5:] != earlier.numbers[5:]:
        raise InvalidInput(
            f"{later.where}: this shell has another strength in {earlier.where} (UppASD would take the last): sites "
            f"{sites[line, 0] + 1} and {sites[before, 0] + 1} are of one type; give them different ones."
        )


# -- bonds ---------------------------------------------------------------------------------------------------------


def _links(shells: _Shells, coupling: Coupling, atoms: Atoms, symmetry: Symmetry) -> tuple[Links, np.ndarray]:
    """Every bond of one cell in both directions, and the shell of each."""
    from scipy.spatial import cKDTree

    inverse = np.linalg.inv(atoms.cell)
    direct = atoms.place @ inverse
    direct = np.mod(direct - np.floor(direct), 1.0)
    tree = cKDTree(direct, boxsize=1.0)
    shell, turned = _turned(shells, symmetry)
    parts = []
    for kind in np.unique(shells.first):
        sites = np.flatnonzero(atoms.kind == kind)
        of_kind = np.flatnonzero(shells.first[shell] == kind)
        for start in range(0, len(of_kind), max(1, TOGETHER // len(sites))):
            chosen = of_kind[start : start + max(1, TOGETHER // len(sites))]
            ends = (atoms.place[sites][None] + turned[chosen][:, None]) @ inverse
            _, nearest = tree.query(ends)
            offset = np.rint(ends - direct[nearest])
            apart = np.linalg.norm((ends - direct[nearest] - offset) @ atoms.cell, axis=2)
            which = np.broadcast_to(shell[chosen][:, None], apart.shape)
            fits = atoms.kind[nearest] == shells.second[which]
            _check_ends(shells, coupling, which, apart, fits, nearest)
            hit = fits & (apart < CLOSE)
            first = np.broadcast_to(sites, hit.shape)[hit]
            # places lie in the cell but for FOLD: count cells from there
            shift = np.rint(atoms.place @ inverse - direct)
            cells = offset[hit] - shift[nearest[hit]]
            parts.append((first, nearest[hit], cells.astype(int), which[hit]))
    first, second, offset, which = (np.concatenate(part) for part in zip(*parts, strict=True))
    _check_found(shells, first, second, offset, which)
    vector = atoms.place[second] + offset @ atoms.cell - atoms.place[first]
    return Links(first, second, offset, vector), which


def _turned(shells: _Shells, symmetry: Symmetry) -> tuple[np.ndarray, np.ndarray]:
    """The vectors that symmetry makes of each shell, and the shell of each."""
    operations = symmetry.operations()
    if len(operations) == 1:
        return np.arange(len(shells.vector)), shells.vector
    shell, turned = [], []
    for number, vector in enumerate(shells.vector):
        images = operations @ vector
        distance = np.linalg.norm(images[:, None] - images[None], axis=2)
        between = (distance >= SAME) & (distance < LOOSE)
        if np.any(between):
            raise InvalidInput(
                f"{shells.where[number]}: symmetry makes two vectors of this one that are "
                f"{distance[between].min():.2g} apart; UppASD takes them for one. List the bonds in full, "
                "with NoSymmetry() (`sym 0`)."
            )
        new = images[np.argmax(distance < SAME, axis=1) == np.arange(len(images))]
        shell.append(np.full(len(new), number))
        turned.append(new)
    return np.concatenate(shell), np.concatenate(turned)


def _check_ends(shells: _Shells, coupling: Coupling, which, apart, fits, nearest) -> None:
    """No end lies where UppASD would find an atom and we none, or the other way round."""
    near = apart < LOOSE
    loose = near & (apart >= CLOSE) & (fits | (not coupling.typed))
    if np.any(loose):
        at = np.argmax(loose)
        raise InvalidInput(
            f"{shells.where[which.flat[at]]}: this bond ends {apart.flat[at]:.2g} lattice constants beside site "
            f"{nearest.flat[at] + 1}, where UppASD would still join it; give places and vectors with more digits."
        )
    strange = near & ~fits
    if np.any(strange) and not coupling.typed:
        at = np.argmax(strange)
        raise InvalidInput(
            f"{shells.where[which.flat[at]]}: this bond also ends at site {nearest.flat[at] + 1}, which is of another "
            f"type than {shells.second[which.flat[at]]}; UppASD would couple both: give their partners other types."
        )


def _check_found(shells: _Shells, first, second, offset, which) -> None:
    missing = np.setdiff1d(np.arange(len(shells.where)), which)
    if missing.size:
        raise InvalidInput(
            f"{shells.where[missing[0]]}: this bond does not end at an atom of its second type."
        )
    alone = (first == second) & np.all(offset == 0, axis=1)
    if np.any(alone):
        raise InvalidInput(f"{shells.where[which[np.argmax(alone)]]}: this bond joins an atom to itself.")
    repeated = _later_of_equal(np.column_stack([first, second, offset]))
    if repeated is not None:
        later, earlier = sorted((int(which[n]) for n in repeated), reverse=True)
        raise InvalidInput(f"{shells.where[later]}: this bond is listed already, in {shells.where[earlier]}.")


def _later_of_equal(rows: np.ndarray) -> tuple[int, int] | None:
    """Two equal rows, if there are any."""
    _, first, inverse = np.unique(rows, axis=0, return_index=True, return_inverse=True)
    again = np.flatnonzero(first[inverse.ravel()] != np.arange(len(rows)))
    return None if not again.size else (int(again[0]), int(first[inverse.ravel()[again[0]]]))


def _both_ways(links: Links, shell: np.ndarray, shells: _Shells, coupling: Coupling) -> np.ndarray:
    """The numbers of every bond: the mean of its two directions, which may differ in the last digit."""
    forth = np.column_stack([links.first, links.second, links.offset])
    back = np.column_stack([links.second, links.first, -links.offset])
    count = len(forth)
    _, inverse = np.unique(np.concatenate([forth, back]), axis=0, return_inverse=True)
    inverse = inverse.ravel()
    partner = np.full(inverse.max() + 1, -1)
    partner[inverse[:count]] = np.arange(count)
    partner = partner[inverse[count:]]
    lonely = np.flatnonzero(partner < 0)
    if lonely.size:
        raise InvalidInput(
            f"{shells.where[shell[lonely[0]]]}: this bond must be listed in the other direction too, with the same "
            "strength."
        )
    values, other = shells.values[shell], coupling.read_back(shells.values[shell[partner]])
    digits = shells.digit[shell], coupling.read_back(shells.digit[shell[partner]])
    unit = np.maximum(np.abs(digits[0]), np.abs(digits[1]))
    differs = np.any(np.abs(values - other) > 1.001 * unit, axis=1)
    if np.any(differs):
        at = int(np.argmax(differs))
        raise InvalidInput(
            f"{shells.where[shell[at]]}: this bond must be listed in the other direction too, with the same strength; "
            f"{shells.where[shell[partner[at]]]} has another."
        )
    return 0.5 * (values + other)


def _check_box(links: Links, lattice: Lattice, multiple: bool, place) -> None:
    """What UppASD does in a small box is what the crystal does."""
    ring, size = np.array(lattice.periodic), np.array(lattice.shape)
    if np.prod(size) == 1 and np.any(links.offset[:, ~ring]):
        at = int(np.argmax(np.any(links.offset[:, ~ring] != 0, axis=1)))
        raise InvalidInput(
            f"{place(at)}: this bond leaves a box of one cell with open ends, which UppASD closes to a ring all the "
            "same; take periodic=True, or more cells."
        )
    ends = np.where(ring, links.offset % size, links.offset)
    again = None if multiple else _later_of_equal(np.column_stack([links.first, links.second, ends]))
    if again is not None:
        raise InvalidInput(
            f"{place(again[0])}: in a periodic box of {lattice.shape} cells this bond and that of {place(again[1])} "
            "join the same two sites, of which UppASD keeps the first alone; take more cells, or map_multiple=True."
        )
