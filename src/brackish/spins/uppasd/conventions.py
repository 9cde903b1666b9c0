"""What files of UppASD leave to `inpsd.dat`: how places are written, where a bond leads, what is said of it."""

import abc
import itertools
from typing import ClassVar

import equinox as eqx
import numpy as np

from brackish.typing import Float

FOLD = 1e-5
"""Atoms that lie less than this below a face of the cell belong to the cell above."""


class Atoms(eqx.Module):
    """The atoms of a cell, (atoms, 3) in units of the lattice constant, and the number of each one's type.

    `written`: as in the file; `place`: folded into the cell, as UppASD does before it reads a bond.
    """

    cell: Float[np.ndarray, "3 3"]
    written: Float[np.ndarray, "atoms 3"]
    place: Float[np.ndarray, "atoms 3"]
    kind: np.ndarray

    @property
    def count(self) -> int:
        return len(self.kind)


def folded(cell: np.ndarray, written: np.ndarray, kind: np.ndarray) -> Atoms:
    """Atoms at these places."""
    direct = written @ np.linalg.inv(cell)
    return Atoms(cell, written, written - np.floor(direct + FOLD) @ cell, kind)


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
    """How a line says where a bond leads: `maptype`. Its first two columns are sites of the cell."""

    @abc.abstractmethod
    def vectors(
        self,
        first: np.ndarray,
        second: np.ndarray,
        written: np.ndarray,
        atoms: Atoms,
        coordinates: Coordinates,
    ) -> np.ndarray:
        """From the first atom to the second, (lines, 3) in Cartesian coordinates, in units of the lattice constant."""


class ByVector(Mapping):
    """The vector from one atom to the other, as places are written (`maptype 1`)."""

    def vectors(self, first, second, written, atoms, coordinates):
        return coordinates.cartesian(written, atoms.cell)


class ByCell(Mapping):
    """How many cells away the second atom is, from the places folded into the cell (`maptype 2`)."""

    def vectors(self, first, second, written, atoms, coordinates):
        return atoms.place[second] - atoms.place[first] + written @ atoms.cell


class ByCellAsWritten(Mapping):
    """How many cells away the second atom is, from the places as they are written (`maptype 3`)."""

    def vectors(self, first, second, written, atoms, coordinates):
        return atoms.written[second] - atoms.written[first] + written @ atoms.cell


class Symmetry(eqx.Module):
    """Which bonds one line of the exchange file stands for: `sym`. Exchange tensors and Dzyaloshinskii-Moriya vectors
    themselves are never turned, and the latter are listed in full.
    """

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


class Coupling(eqx.Module):
    """What a line says of a bond, in mRy between unit vectors: the numbers behind the vector.

    `width`: how many. `columns`: their names. `typed`: whether a bond has to end at an atom of the second one's type;
    UppASD asks that of scalar exchange alone.
    """

    width: eqx.AbstractClassVar[int]
    columns: eqx.AbstractClassVar[str]
    typed: ClassVar[bool] = False

    @abc.abstractmethod
    def read_back(self, values: np.ndarray) -> np.ndarray:
        """The numbers, (..., width), of the same bond read in the other direction."""

    @abc.abstractmethod
    def tensors(self, values: np.ndarray) -> Float[np.ndarray, "bonds 3 3"]:
        r"""J of $-\sum_{i\ne j}\mathbf e_i^TJ_{ij}\mathbf e_j$."""


class ScalarExchange(Coupling):
    r"""One number, $-J_{ij}\,\mathbf e_i\cdot\mathbf e_j$."""

    width: ClassVar[int] = 1
    columns: ClassVar[str] = "J"
    typed: ClassVar[bool] = True

    def read_back(self, values):
        return values

    def tensors(self, values):
        return values[..., None] * np.eye(3)[None]


class TensorExchange(Coupling):
    r"""Nine numbers, the rows of $J_{ij}$ in $-\mathbf e_i^TJ_{ij}\mathbf e_j$: Jxx, Jxy, Jxz, Jyx, ... (`do_jtensor 1`
    with `calc_jtensor F`).
    """

    width: ClassVar[int] = 9
    columns: ClassVar[str] = "Jxx, Jxy, ..., Jzz"

    def read_back(self, values):
        return np.swapaxes(self.tensors(values), -1, -2).reshape(values.shape)

    def tensors(self, values):
        return values.reshape(*values.shape[:-1], 3, 3)


class DzyaloshinskiiMoriya(Coupling):
    r"""Three numbers, $-\mathbf D_{ij}\cdot(\mathbf e_i\times\mathbf e_j)$: the lines of a `dmfile`."""

    width: ClassVar[int] = 3
    columns: ClassVar[str] = "Dx, Dy, Dz"

    def read_back(self, values):
        return -values

    def tensors(self, values):
        x, y, z = np.moveaxis(values, -1, 0)
        zero = np.zeros_like(x)
        rows = [[zero, z, -y], [-z, zero, x], [y, -x, zero]]
        return np.stack([np.stack(row, axis=-1) for row in rows], axis=-2)


class Sense(eqx.Module):
    r"""How a moment stands to the spin that carries it, which says which way round both precess.

    `sign`: of the g-factor.
    """

    sign: eqx.AbstractClassVar[int]


class MomentAlongSpin(Sense):
    r"""A moment along its spin, as everywhere in this library: $\dot{\mathbf e}=\gamma\,\mathbf e\times\mathbf B$, and
    directions of spins are those of the moments in the files.
    """

    sign: ClassVar[int] = 1


class MomentAgainstSpin(Sense):
    r"""A moment against its spin, as UppASD and electrons have it: $\dot{\mathbf e}=-\gamma\,\mathbf e\times\mathbf B$.
    g-factors are negative, and **directions of spins are opposite to the moments e** in the files, at the start and in
    every result; energies are the same.
    """

    sign: ClassVar[int] = -1
