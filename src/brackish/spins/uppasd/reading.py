r"""Magnets from the files of UppASD: atoms of a cell, their moments, exchange, Dzyaloshinskii-Moriya vectors, crystal
fields; and directions of moments from its restart files.

UppASD counts every pair **twice** and takes unit vectors, energies in mRy:
$$H=-\sum_{i\ne j}J_{ij}\,\mathbf e_i\cdot\mathbf e_j-\sum_{i\ne j}\mathbf D_{ij}\cdot(\mathbf e_i\times\mathbf e_j)$$
(UppASD manual, Hamiltonian parameters). Here each pair counts once, between spins $s_i\mathbf n_i$: the exchange of a
bond is $2J_{ij}/s_is_j$ and its Dzyaloshinskii-Moriya vector $-2\mathbf D_{ij}/s_is_j$, in meV.

UppASD's moments precess as those of electrons, $\dot{\mathbf e}=-\gamma\,\mathbf e\times\mathbf B$, against the sense
of this library, where moments are along spins; see `Sense`.
"""

from collections.abc import Sequence
from pathlib import Path

import numpy as np

from brackish.columns import read_rows
from brackish.errors import InvalidInput
from brackish.spins.anisotropy import Cubic, Uniaxial
from brackish.spins.bonds import NO_BONDS, Bonds
from brackish.spins.lattices import Lattice, Periodic, Shape
from brackish.spins.system import SpinSystem
from brackish.spins.units import RealUnits
from brackish.spins.uppasd.conventions import (
    Atoms,
    ByVector,
    Cartesian,
    Coordinates,
    Coupling,
    DzyaloshinskiiMoriya,
    Mapping,
    MomentAlongSpin,
    NoSymmetry,
    ScalarExchange,
    Sense,
    Symmetry,
    folded,
)
from brackish.spins.uppasd.shells import Found, read_bonds
from brackish.typing import Float

MILLIRYDBERG = 13.605693122994
"""In meV (CODATA 2018)."""


def read_uppasd(
    posfile: str | Path,
    jfile: str | Path,
    cell: Float[np.ndarray, "3 3"] | Sequence[Sequence[float]],
    shape: Shape,
    *,
    momfile: str | Path | None = None,
    dmfile: str | Path | None = None,
    kfile: str | Path | None = None,
    periodic: Periodic = True,
    mapping: Mapping = ByVector(),  # noqa: B008  (immutable)
    symmetry: Symmetry = NoSymmetry(),  # noqa: B008  (immutable)
    coordinates: Coordinates = Cartesian(),  # noqa: B008  (immutable)
    exchange: Coupling = ScalarExchange(),  # noqa: B008  (immutable)
    sense: Sense = MomentAlongSpin(),  # noqa: B008  (immutable)
    map_multiple: bool = False,
    exchange_scale: float = 1.0,
    dm_scale: float = 1.0,
    lattice_constant: float = 1.0,
    field=(0.0, 0.0, 0.0),
) -> SpinSystem:
    """A magnet from UppASD files, in `RealUnits` (meV, ps, tesla, kelvin, angstrom).

    `posfile`, `jfile`, `momfile`, `dmfile`, `kfile`: as named in `inpsd.dat` (which `read_inpsd` reads), whose entries
    are the other arguments: `cell` the three vectors, `shape` `ncell`, `periodic` `BC`, `mapping` `maptype`, `symmetry`
    `sym`, `coordinates` `posfiletype`, `exchange` `do_jtensor`, `map_multiple` by its name, `exchange_scale`
    `jij_scale`, `dm_scale` by its name, `lattice_constant` `alat`, in angstrom. Ordered crystals only. `field`: as of
    `SpinSystem`. The first two columns of `jfile` and `dmfile` are sites of the cell, from which their types are taken.

    `sense`: `MomentAlongSpin()`, in which spins are the moments of the files and precess the other way round than in
    UppASD, or `MomentAgainstSpin()`, UppASD's own sense, in which spins are opposite to them.

    A moment m (Bohr magnetons; 2 without a `momfile`) becomes the spin s next to m/2, with the g-factor m/s: energies
    and moments are those of the files. Where m/2 is no multiple of 1/2, frequencies are m/2s times too high.

    Raises `InvalidInput`, naming file and line, for what cannot be read, for columns too many or too few, for a bond
    that ends at no atom, that is listed twice, or that is not listed in the other direction with the same strength, and
    for a box too small for its bonds.
    """
    vectors = np.asarray(cell, dtype=float)
    if vectors.shape != (3, 3):
        raise InvalidInput(f"Argument `cell` must be three vectors, as rows, got shape {vectors.shape}.")
    if not abs(np.linalg.det(vectors)) > 0:
        raise InvalidInput("Argument `cell` must be three vectors that span space.")
    atoms = _atoms(posfile, vectors, coordinates)
    moments = _moments(momfile, atoms.count)
    lattice = Lattice(lattice_constant * vectors, lattice_constant * atoms.place, shape, periodic)
    cells = lattice.count // atoms.count
    spins = np.maximum(np.rint(moments), 1) / 2

    def bonds(path, coupling, turned, scale):
        found = read_bonds(path, coupling, atoms, lattice, mapping, coordinates, turned, map_multiple)
        return _between_spins(found, scale, np.tile(spins, cells))

    all_bonds = bonds(jfile, exchange, symmetry, exchange_scale)
    if dmfile is not None:
        all_bonds = all_bonds + bonds(dmfile, DzyaloshinskiiMoriya(), NoSymmetry(), dm_scale)
    uniaxial, cubic = (None, None) if kfile is None else _crystal(kfile, spins, cells)
    return SpinSystem(
        np.tile(spins, cells),
        all_bonds,
        field,
        g_factor=np.tile(sense.sign * moments / spins, cells),
        uniaxial=uniaxial,
        cubic=cubic,
        positions=lattice.positions,
        units=RealUnits(),
    )


def read_uppasd_restart(
    path: str | Path,
    shape: Shape,
    *,
    sense: Sense = MomentAlongSpin(),  # noqa: B008  (immutable)
) -> Float[np.ndarray, "*ensembles spins 3"]:
    """Directions of the spins in a restart file of UppASD, (spins, 3), as `Directions` takes them, in the order of
    `read_uppasd`; (ensembles, spins, 3) if the file holds several ensembles.

    `shape`: `ncell`. `sense`: as of `read_uppasd`; with `MomentAgainstSpin()` spins are opposite to the moments. Of the
    moments' lengths nothing is taken. The legacy format, with six columns, is not read.

    Raises `InvalidInput`, naming file and line.
    """
    size = Lattice(np.eye(3), shape=shape).shape
    rows = read_rows(path, (7,), columns="step, ensemble, atom, moment, x, y, z")
    ensembles = max(row.whole(1) for row in rows)
    atoms, left = divmod(len(rows), max(ensembles, 1))
    for number, row in enumerate(rows):
        if left or (row.whole(1), row.whole(2)) != (number // atoms + 1, number % atoms + 1):
            raise InvalidInput(f"{row.where}: expected all atoms of all ensembles, in their order.")
    basis, left = divmod(atoms, int(np.prod(size)))
    if left or not basis:
        raise InvalidInput(f"{path}: {atoms} atoms do not fill {size} cells.")
    vectors = np.array([row.numbers[4:] for row in rows])
    length = np.linalg.norm(vectors, axis=1, keepdims=True)
    if np.any(length == 0):
        raise InvalidInput(f"{rows[int(np.argmin(length))].where}: a direction must not be zero.")
    # there the first vector of the cell is the quickest behind the atoms of a cell, here the third
    directions = (sense.sign * vectors / length).reshape(ensembles, *size[::-1], basis, 3)
    directions = directions.transpose(0, 3, 2, 1, 4, 5).reshape(ensembles, atoms, 3)
    return directions[0] if ensembles == 1 else directions


# -- single files --------------------------------------------------------------------------------------------------


def _atoms(path: str | Path, cell: np.ndarray, coordinates: Coordinates) -> Atoms:
    rows = read_rows(path, (5,), columns="site, type, x, y, z; random alloys, which have seven, are not read")
    rows = sorted(rows, key=lambda row: row.numbers[0])
    if [row.numbers[0] for row in rows] != list(range(1, len(rows) + 1)):
        raise InvalidInput(f"{path}: the sites must be numbered from 1 on.")
    written = coordinates.cartesian(np.array([row.numbers[2:] for row in rows]), cell)
    return folded(cell, written, np.array([row.whole(1) for row in rows]))


def _moments(path: str | Path | None, atoms: int) -> np.ndarray:
    """The moment of each atom of the cell, in Bohr magnetons."""
    moments = np.full(atoms, 2.0)
    if path is None:
        return moments
    seen = set()
    what = "site, 1, moment, and its direction; a g-factor, as set_landeg 1 asks for, is not read"
    for row in read_rows(path, (6,), columns=what):
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


def _between_spins(found: Found, scale: float, spins: np.ndarray) -> Bonds:
    """Tensors between unit vectors, each pair twice, as exchange, Dzyaloshinskii-Moriya vectors and the rest between
    spins; what is zero throughout is left out.
    """
    if not found.first.size:
        return NO_BONDS
    product = spins[found.first] * spins[found.second]
    tensor = -2 * scale * MILLIRYDBERG * found.tensor / product[:, None, None]
    exchange = -np.trace(tensor, axis1=1, axis2=2) / 3
    turned = np.swapaxes(tensor, 1, 2)
    twist = 0.5 * (tensor - turned)
    rest = 0.5 * (tensor + turned) + exchange[:, None, None] * np.eye(3)
    rest[np.abs(rest) < 8 * np.finfo(float).eps * np.abs(tensor).max()] = 0.0
    vector = np.stack([twist[:, 1, 2], twist[:, 2, 0], twist[:, 0, 1]], axis=1)
    return Bonds(
        found.first,
        found.second,
        exchange,
        vector if np.any(vector) else None,
        rest if np.any(rest) else None,
    )


NO_CRYSTAL, UNIAXIAL, CUBIC, BOTH = 0, 1, 2, 7
"""Types of crystal fields in a `kfile`."""


def _crystal(path: str | Path, spins: np.ndarray, cells: int) -> tuple[Uniaxial | None, Cubic | None]:
    r"""Crystal fields: there $K_1(\mathbf e\cdot\mathbf a)^2$ and $-K_1\sum_{a<b}e_a^2e_b^2$, between unit vectors, in
    mRy.
    """
    uniaxial, cubic = np.zeros(len(spins)), np.zeros(len(spins))
    axis = np.tile([0.0, 0.0, 1.0], (len(spins), 1))
    seen = set()
    for row in read_rows(path, (8,), columns="site, type, K1, K2, axis, share of the cubic part"):
        site, kind = row.whole(0), row.whole(1)
        if site not in range(1, len(spins) + 1) or site in seen:
            raise InvalidInput(f"{row.where}: expected one line for each site from 1 to {len(spins)}.")
        seen.add(site)
        if kind == BOTH:
            raise InvalidInput(f"{row.where}: uniaxial and cubic together (type 7) are not read.")
        if kind not in (NO_CRYSTAL, UNIAXIAL, CUBIC):
            raise InvalidInput(f"{row.where}: a crystal field has the type 0, 1 or 2, got {kind}.")
        if row.numbers[3] != 0 and kind != NO_CRYSTAL:
            raise InvalidInput(f"{row.where}: K2, of the next order, is not read; it must be 0.")
        first = MILLIRYDBERG * row.numbers[2]
        if kind == UNIAXIAL:
            axis[site - 1] = row.numbers[4:7]
            if not np.any(axis[site - 1]):
                raise InvalidInput(f"{row.where}: an axis must not be zero.")
            uniaxial[site - 1] = -first / spins[site - 1] ** 2
        elif kind == CUBIC:
            # the sum over pairs of squares is 1/2 less half the sum of fourth powers
            cubic[site - 1] = -0.5 * first / spins[site - 1] ** 4
    if len(seen) < len(spins):
        raise InvalidInput(f"{path}: {len(seen)} crystal fields for {len(spins)} sites.")
    return (
        Uniaxial(np.tile(uniaxial, cells), np.tile(axis, (cells, 1))) if np.any(uniaxial) else None,
        Cubic(np.tile(cubic, cells)) if np.any(cubic) else None,
    )
