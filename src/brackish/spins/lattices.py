"""Lattices: where the spins of a crystal stand, and which of them are bound to each other.

Neighbours come in shells of equal distance. They are looked for once, around one cell, and then repeated in all cells,
so that the work grows with the number of spins.
"""

import math
from collections.abc import Callable, Sequence

import equinox as eqx
import numpy as np

from brackish.errors import InvalidInput
from brackish.memory import REAL, number, require_memory
from brackish.showing import in_text
from brackish.spins.bonds import NO_BONDS, Bonds
from brackish.typing import Float, Int
from brackish.units import note_given, read_quantities

TOLERANCE = 1e-6
"""Distances that differ by less than this part of themselves belong to one shell."""

Vector = Sequence[float | str] | Float[np.ndarray, "3"]
Shape = int | tuple[int, ...]
Periodic = bool | tuple[bool, ...]


class Shells(eqx.Module):
    """The neighbours of a site deep inside a lattice, nearest first.

    `distance`: of each shell, (shells,). `coordination`: how many sites stand there, (shells, basis), one column for
    each site of the basis.
    """

    distance: Float[np.ndarray, " shells"]
    coordination: Int[np.ndarray, "shells basis"]


class Lattice(eqx.Module):
    """A crystal cut to a box: `shape` cells along the three rows of `cell`, with the sites of the `basis` in each.

    `cell`: the vectors of a unit cell, (3, 3), length. `basis`: where the sites of a cell stand, (basis, 3), length.
    `shape`: how many cells along each vector. `periodic`: along which of them the crystal closes into a ring.
    A direction of one cell that is not periodic has no extent: a chain and a layer are lattices of that kind.

    Sites are numbered with the basis fastest, then the cells along the third, second and first vector.

    Raises `InvalidInput` for an empty lattice, for vectors that do not span space and for sites at one place.
    """

    cell: Float[np.ndarray, "3 3"]
    basis: Float[np.ndarray, "basis 3"]
    shape: tuple[int, int, int] = eqx.field(static=True)
    periodic: tuple[bool, bool, bool] = eqx.field(static=True)

    def __init__(self, cell, basis=((0.0, 0.0, 0.0),), shape: Shape = 1, periodic: Periodic = True):
        self.cell, self.basis = np.asarray(cell, dtype=float), np.asarray(basis, dtype=float)
        if self.cell.shape != (3, 3) or not abs(np.linalg.det(self.cell)) > 0:
            raise InvalidInput("The `cell` of a lattice must be three vectors that span space, as rows.")
        if self.basis.ndim != 2 or self.basis.shape[1:] != (3,) or not np.all(np.isfinite(self.basis)):
            raise InvalidInput(
                f"The `basis` of a lattice must have shape (sites, 3), got {self.basis.shape}."
            )
        self.shape, self.periodic = _shape(shape, 3), _periodic(periodic, 3)
        if not len(self.basis):
            raise InvalidInput("An empty lattice: its `basis` has no sites.")
        what = f"The positions of the {number(self.count)} sites of this lattice"
        require_memory(3 * REAL * self.count, what, "give a smaller `shape`")

    def __repr__(self) -> str:
        return in_text(self)

    @property
    def count(self) -> int:
        """The number of sites."""
        return math.prod(self.shape) * len(self.basis)

    @property
    def positions(self) -> Float[np.ndarray, "sites 3"]:
        """Where the sites stand, length."""
        cells = np.indices(self.shape).reshape(3, -1).T
        return ((cells @ self.cell)[:, None, :] + self.basis).reshape(-1, 3)

    def shells(self, count: int) -> Shells:
        """The first `count` shells of neighbours.

        Raises `InvalidInput` if a lattice with open ends has fewer.
        """
        links, shell, distance = self._links(count)
        coordination = np.zeros((count, len(self.basis)), int)
        np.add.at(coordination, (shell, links.first), 1)
        return Shells(distance, coordination)

    def bonds(
        self,
        exchange: float | str | Sequence[float | str] = (),
        dzyaloshinskii_moriya: Sequence[Vector | Callable[[np.ndarray], Vector] | None] = (),
    ) -> Bonds:
        r"""Bonds to the neighbours in the nearest shells, each **once**; those across a periodic edge included.

        `exchange`: J of each shell, energy, $-J\,\mathbf S_i\cdot\mathbf S_j$; one number for the nearest alone.
        `dzyaloshinskii_moriya`: for each shell a vector D, energy, or a function of the bond vector
        $\mathbf r=\mathbf r_j-\mathbf r_i$ that returns one (`lambda r: 0.1 * r` for D along the bond), or None;
        $+\mathbf D\cdot(\mathbf S_i\times\mathbf S_j)$. Bonds point forwards: the first of the components x, y, z of r
        that is not zero is positive.

        In a ring of two cells both ways around lead to the same site: there are two bonds then, as in the crystal that
        the box stands for.

        Raises `InvalidInput` if a bond would join a site to its own image, or if there are fewer shells.
        """
        exchange, of_exchange = read_quantities("exchange", exchange, "magnetic energy")
        vectors, of_vectors = read_quantities(
            "dzyaloshinskii_moriya", list(dzyaloshinskii_moriya), "magnetic energy"
        )
        strengths = np.atleast_1d(np.asarray(exchange, dtype=float)).tolist()
        count = max(len(strengths), len(vectors))
        if count == 0:
            return NO_BONDS
        strengths += [0.0] * (count - len(strengths))
        vectors += [None] * (count - len(vectors))
        links, shell, _ = self._links(count)
        coupled = np.array([vectors[s] is not None or strengths[s] != 0 for s in range(count)])
        kept = coupled[shell] & forwards(links.vector)
        links, shell = links.chosen(kept), shell[kept]
        own = self.own_images(links)
        if np.any(own):
            raise InvalidInput(
                f"Shell {shell[own][0] + 1} of neighbours does not fit the periodic box of {self.shape} cells: a bond "
                "would join a site to its own image. Take more cells or open ends."
            )
        first, second, which = self.repeated(links)
        of_links = [_dzyaloshinskii_moriya(vectors[s], r) for s, r in zip(shell, links.vector, strict=True)]
        twist = None
        if any(vector is not None for vector in vectors):
            twist = np.array(of_links).reshape(-1, 3)[which]
        bonds = Bonds(first, second, np.array(strengths)[shell][which], twist)
        note_given(bonds, of_exchange | of_vectors)
        return bonds

    # -- neighbours of one cell --------------------------------------------------------------------------------------

    def _links(self, count: int) -> "tuple[Links, np.ndarray, np.ndarray]":
        """All neighbours of the sites of one cell in the first shells, their shells, and the distances of these."""
        if count < 1:
            raise InvalidInput(f"A lattice has shells from 1 on, got {count}.")
        # a ring has no end, open ends stop the search; a direction without extent has no other cells
        furthest = np.array(
            [np.inf if ring else size - 1 for size, ring in zip(self.shape, self.periodic, strict=True)]
        )
        extended = furthest > 0
        heights = np.full(3, np.inf)
        heights[extended] = 1 / np.linalg.norm(np.linalg.pinv(self.cell[extended]), axis=0)
        spread = max(float(np.max(np.linalg.norm(self.basis - site, axis=1))) for site in self.basis)
        reach = 0
        while True:
            reach += 1
            links = self._within(np.minimum(reach, furthest).astype(int))
            shell, distance = _by_distance(links.vector)
            if distance.size and distance[0] == 0:
                raise InvalidInput("Two sites of the lattice stand at the same place.")
            unseen = np.where(furthest > reach, (reach + 1) * heights - spread, np.inf).min()
            if np.sum(distance < unseen) >= count:
                near = shell < count
                return links.chosen(near), shell[near], distance[:count]
            if np.isinf(unseen):
                raise InvalidInput(
                    f"This lattice with open ends has {distance.size} shells of neighbours, but {count} are asked for."
                )

    def _within(self, reach: np.ndarray) -> "Links":
        """All pairs of a site in one cell and another site at most `reach` cells away."""
        offsets = np.stack(
            np.meshgrid(*[np.arange(-n, n + 1) for n in reach], indexing="ij"), axis=-1
        ).reshape(-1, 3)
        sites = np.arange(len(self.basis))
        first, second, cell = (
            x.ravel() for x in np.meshgrid(sites, sites, np.arange(len(offsets)), indexing="ij")
        )
        other = (first != second) | np.any(offsets[cell] != 0, axis=1)
        first, second, offset = first[other], second[other], offsets[cell[other]]
        return Links(first, second, offset, self.basis[second] + offset @ self.cell - self.basis[first])

    def own_images(self, links: "Links") -> np.ndarray:
        """Which links come back to where they started, around a ring that is too short; a mask."""
        size, ring = np.array(self.shape), np.array(self.periodic)
        closes = np.all(np.where(ring, links.offset % size, links.offset) == 0, axis=1)
        return closes & (links.first == links.second)

    def repeated(self, links: "Links") -> tuple[np.ndarray, np.ndarray, np.ndarray]:
        """The links of one cell in all cells: first and second sites, and the link each comes from."""
        cells = np.indices(self.shape).reshape(3, 1, -1)
        there = cells + links.offset.T[:, :, None]
        inside = np.ones(there.shape[1:], bool)
        for axis, (size, ring) in enumerate(zip(self.shape, self.periodic, strict=True)):
            if ring:
                there[axis] %= size
            else:
                inside &= (there[axis] >= 0) & (there[axis] < size)
        sites = len(self.basis)
        here = np.arange(cells.shape[2]) * sites + links.first[:, None]
        number = (there[0] * self.shape[1] + there[1]) * self.shape[2] + there[2]
        beyond = number * sites + links.second[:, None]
        which = np.broadcast_to(np.arange(len(links.first))[:, None], inside.shape)
        return here[inside], beyond[inside], which[inside]


class Links(eqx.Module):
    """Pairs of sites: `first` in one cell, `second` in the cell `offset` away, `vector` from one to the other."""

    first: np.ndarray
    second: np.ndarray
    offset: np.ndarray
    vector: np.ndarray

    def chosen(self, which: np.ndarray) -> "Links":
        return Links(self.first[which], self.second[which], self.offset[which], self.vector[which])


def _by_distance(vectors: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """The shell of each vector, and the distance of each shell."""
    length = np.linalg.norm(vectors, axis=1)
    order = np.argsort(length, kind="stable")
    ordered = length[order]
    begins = np.diff(ordered, prepend=-np.inf) > TOLERANCE * ordered
    shell = np.empty(len(length), int)
    shell[order] = np.cumsum(begins) - 1
    return shell, ordered[begins]


def forwards(vectors: np.ndarray) -> np.ndarray:
    """Whether the first component that is not zero is positive: true for one of r and -r."""
    size = TOLERANCE * np.linalg.norm(vectors, axis=1, keepdims=True)
    sign = np.where(np.abs(vectors) < size, 0, np.sign(vectors)).astype(int)
    return sign @ np.array([9, 3, 1]) > 0


def _dzyaloshinskii_moriya(rule, vector: np.ndarray) -> np.ndarray:
    if rule is None:
        return np.zeros(3)
    value = np.asarray(rule(vector) if callable(rule) else rule, dtype=float)
    if value.shape != (3,):
        raise InvalidInput(f"A Dzyaloshinskii-Moriya vector must have shape (3,), got {value.shape}.")
    return value


def _shape(shape, dimensions: int) -> tuple:
    sizes = (shape,) * dimensions if np.ndim(shape) == 0 else tuple(shape)
    whole = all(isinstance(size, int | np.integer) and not isinstance(size, bool) for size in sizes)
    if len(sizes) != dimensions or not whole or min(sizes) < 1:
        numbers = "a whole number" if dimensions == 1 else f"one or {dimensions} whole numbers"
        raise InvalidInput(f"The shape of this lattice must be {numbers}, at least 1, got {shape}.")
    return tuple(int(size) for size in sizes)


def _periodic(periodic, dimensions: int) -> tuple:
    rings = (periodic,) * dimensions if np.ndim(periodic) == 0 else tuple(periodic)
    if len(rings) != dimensions or not all(isinstance(ring, bool | np.bool_) for ring in rings):
        raise InvalidInput(f"`periodic` must be True or False, once or {dimensions} times, got {periodic}.")
    return tuple(bool(ring) for ring in rings)


# -- the lattices that have names ----------------------------------------------------------------------------------


def _made(vectors, basis, shape: Shape, periodic: Periodic, spacing: float) -> Lattice:
    """A lattice from vectors and basis in units of `spacing`; directions that are not given have no extent."""
    if not (np.ndim(spacing) == 0 and np.isfinite(spacing) and spacing > 0):
        raise InvalidInput(f"Argument `spacing` of a lattice must be positive, got {spacing}.")
    dimensions = len(vectors)
    missing = 3 - dimensions
    cell = np.eye(3)
    cell[:dimensions, : len(vectors[0])] = vectors
    return Lattice(
        spacing * cell,
        spacing * np.asarray(basis),
        _shape(shape, dimensions) + (1,) * missing,
        _periodic(periodic, dimensions) + (False,) * missing,
    )


ORIGIN = ((0.0, 0.0, 0.0),)


def chain(length: int, *, periodic: bool = True, spacing: float = 1.0) -> Lattice:
    """`length` sites along x, each two `spacing` apart; a ring if `periodic`."""
    return _made([[1.0]], ORIGIN, length, periodic, spacing)


def square(shape: Shape, *, periodic: Periodic = True, spacing: float = 1.0) -> Lattice:
    """A square lattice in the x-y plane, neighbours `spacing` apart; `shape` one number or two."""
    return _made(np.eye(2), ORIGIN, shape, periodic, spacing)


def triangular(shape: Shape, *, periodic: Periodic = True, spacing: float = 1.0) -> Lattice:
    """A triangular lattice in the x-y plane, six neighbours `spacing` away; `shape` one number or two."""
    return _made(_HEXAGONAL, ORIGIN, shape, periodic, spacing)


def kagome(shape: Shape, *, periodic: Periodic = True, spacing: float = 1.0) -> Lattice:
    """Triangles that share corners, in the x-y plane: three sites a cell, four neighbours `spacing` away."""
    corners = [[0.0, 0.0, 0.0], [1.0, 0.0, 0.0], [0.5, 0.5 * 3**0.5, 0.0]]
    return _made(2 * _HEXAGONAL, corners, shape, periodic, spacing)


def cubic(shape: Shape, *, periodic: Periodic = True, spacing: float = 1.0) -> Lattice:
    """A simple cubic lattice, neighbours `spacing` apart; `shape` one number or three."""
    return _made(np.eye(3), ORIGIN, shape, periodic, spacing)


def bcc(shape: Shape, *, periodic: Periodic = True, spacing: float = 1.0) -> Lattice:
    """A body-centred cubic lattice: cubes with edges of `spacing`, two sites in each."""
    return _made(np.eye(3), [[0.0, 0.0, 0.0], [0.5, 0.5, 0.5]], shape, periodic, spacing)


def fcc(shape: Shape, *, periodic: Periodic = True, spacing: float = 1.0) -> Lattice:
    """A face-centred cubic lattice: cubes with edges of `spacing`, four sites in each."""
    faces = [[0.0, 0.0, 0.0], [0.0, 0.5, 0.5], [0.5, 0.0, 0.5], [0.5, 0.5, 0.0]]
    return _made(np.eye(3), faces, shape, periodic, spacing)


_HEXAGONAL = np.array([[1.0, 0.0], [0.5, 0.5 * 3**0.5]])
