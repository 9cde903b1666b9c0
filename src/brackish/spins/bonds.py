r"""Pairs of spins and what couples them.

$$H_{pairs}=\sum_{\text{bonds }(i,j)}\mathbf S_i^TA_{ij}\mathbf S_j
=\sum_{\text{bonds}}\big[-J_{ij}\,\mathbf S_i\cdot\mathbf S_j+\mathbf D_{ij}\cdot(\mathbf S_i\times\mathbf S_j)
+\mathbf S_i^T\Gamma_{ij}\mathbf S_j\big]$$

Every bond is counted **once**; $J>0$ is ferromagnetic; $\mathbf D_{ji}=-\mathbf D_{ij}$ belongs to the same bond
read the other way.
"""

from typing import Annotated

import equinox as eqx
import numpy as np

from brackish.errors import InvalidInput
from brackish.showing import in_text
from brackish.typing import Array, Float, Int
from brackish.units import given_with_units, note_given


def _sites(value) -> np.ndarray:
    value = np.asarray(value)
    if value.ndim != 1 or (value.size and not np.issubdtype(value.dtype, np.integer)):
        raise InvalidInput(
            f"The ends of bonds must be a list of site numbers, got an array of shape {value.shape}."
        )
    return value.astype(np.int64)


class Bonds(eqx.Module):
    r"""A list of bonds, each once.

    `first`, `second`: the sites i and j of each bond, (M,). `exchange`: J_ij, one number or (M,), energy; J > 0 is
    ferromagnetic, $-J\,\mathbf S_i\cdot\mathbf S_j$. `dzyaloshinskii_moriya`: D_ij, (3,) or (M, 3), $+\mathbf
    D\cdot(\mathbf S_i\times\mathbf S_j)$. `anisotropic`: Gamma_ij, (3, 3) or (M, 3, 3), $+\mathbf S_i^T\Gamma\mathbf
    S_j$. A text such as "10 meV" is converted, for magnets in `RealUnits`.

    Raises `InvalidInput` for a bond of a site with itself, for sizes that do not fit, and for what is not finite.
    """

    first: Int[np.ndarray, " bonds"]
    second: Int[np.ndarray, " bonds"]
    exchange: Annotated[Float[np.ndarray, " bonds"], "magnetic energy"]
    dzyaloshinskii_moriya: Annotated[Float[np.ndarray, "bonds 3"] | None, "magnetic energy"]
    anisotropic: Annotated[Float[np.ndarray, "bonds 3 3"] | None, "magnetic energy"]

    def __init__(self, first, second, exchange=0.0, dzyaloshinskii_moriya=None, anisotropic=None):
        self.first, self.second = _sites(first), _sites(second)
        count = self.first.size
        if self.second.size != count:
            raise InvalidInput(f"Bonds have {count} first ends and {self.second.size} second ends.")
        same = np.flatnonzero(self.first == self.second)
        if same.size:
            raise InvalidInput(
                f"Bond {same[0]} joins site {self.first[same[0]]} to itself; a spin has neither exchange nor a "
                "Dzyaloshinskii-Moriya vector with itself (for a term of one site use an anisotropy)."
            )
        self.exchange = _of_bonds("exchange", exchange, (), count)
        self.dzyaloshinskii_moriya = (
            None
            if dzyaloshinskii_moriya is None
            else _of_bonds("dzyaloshinskii_moriya", dzyaloshinskii_moriya, (3,), count)
        )
        self.anisotropic = (
            None if anisotropic is None else _of_bonds("anisotropic", anisotropic, (3, 3), count)
        )

    def __repr__(self) -> str:
        return in_text(self)

    @property
    def count(self) -> int:
        """The number of bonds."""
        return self.first.size

    def matrices(self) -> Float[np.ndarray | Array, "bonds 3 3"]:
        """A_ij of every bond, energy."""
        coupling = -self.exchange[:, None, None] * np.eye(3)[None]
        if self.dzyaloshinskii_moriya is not None:
            # products and sums alone, which compiled code can trace too
            turned = _LEVI_CIVITA[None] * self.dzyaloshinskii_moriya[:, None, None, :]
            coupling = coupling + turned.sum(axis=-1)
        if self.anisotropic is not None:
            coupling = coupling + self.anisotropic
        return coupling

    def __add__(self, other: "Bonds") -> "Bonds":
        """Both lists, one after the other."""

        def joined(name, shape):
            mine, theirs = getattr(self, name), getattr(other, name)
            if mine is None and theirs is None:
                return None
            parts = [
                np.zeros((bonds.count, *shape)) if part is None else part
                for bonds, part in ((self, mine), (other, theirs))
            ]
            return np.concatenate(parts)

        both = Bonds(
            np.concatenate([self.first, other.first]),
            np.concatenate([self.second, other.second]),
            joined("exchange", ()),
            joined("dzyaloshinskii_moriya", (3,)),
            joined("anisotropic", (3, 3)),
        )
        note_given(both, given_with_units(self) | given_with_units(other))
        return both

    def chosen(self, which: np.ndarray) -> "Bonds":
        """Some of the bonds: a mask, or their numbers."""
        pick = lambda values: None if values is None else values[which]  # noqa: E731
        some = Bonds(
            self.first[which],
            self.second[which],
            self.exchange[which],
            pick(self.dzyaloshinskii_moriya),
            pick(self.anisotropic),
        )
        note_given(some, given_with_units(self))
        return some


_LEVI_CIVITA = np.zeros((3, 3, 3))
_LEVI_CIVITA[0, 1, 2] = _LEVI_CIVITA[1, 2, 0] = _LEVI_CIVITA[2, 0, 1] = 1.0
_LEVI_CIVITA[0, 2, 1] = _LEVI_CIVITA[2, 1, 0] = _LEVI_CIVITA[1, 0, 2] = -1.0


def _of_bonds(name: str, value, shape: tuple[int, ...], count: int) -> np.ndarray:
    value = np.asarray(value, dtype=float)
    if value.shape not in (shape, (count, *shape)):
        one = f"shape {shape}" if shape else "one number"
        raise InvalidInput(
            f"Argument `{name}` of Bonds must be {one} or have shape {(count, *shape)}, got {value.shape}."
        )
    if not np.all(np.isfinite(value)):
        raise InvalidInput(f"Argument `{name}` of Bonds must be finite.")
    return np.array(np.broadcast_to(value, (count, *shape)))


NO_BONDS = Bonds(np.zeros(0, int), np.zeros(0, int))
