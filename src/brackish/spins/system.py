r"""A magnet: spins, what couples them, and the field they stand in. One description for quantum and classical
theories.

$$H=\sum_{\text{bonds}}\big[-J_{ij}\,\mathbf S_i\cdot\mathbf S_j+\mathbf D_{ij}\cdot(\mathbf S_i\times\mathbf S_j)
+\mathbf S_i^T\Gamma_{ij}\mathbf S_j\big]
-\sum_i\big[K_i(\mathbf S_i\cdot\mathbf e_i)^2+K^c_i\textstyle\sum_a(\mathbf S_i\cdot\mathbf e_a)^4
+g_i\mu_B\,\mathbf B\cdot\mathbf S_i\big]$$

Each bond is counted once, J > 0 is ferromagnetic, a moment $g\mu_B\mathbf S$ is parallel to its spin. $\mathbf S_i$
is the operator of a quantum spin $s_i$ in units of hbar, or $s_i\mathbf n_i$ with a unit vector.
"""

import dataclasses
import math
from collections.abc import Callable, Sequence
from typing import Annotated, Any

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np

from brackish.errors import InvalidInput, UnsupportedHamiltonian
from brackish.hamiltonians import HybridHamiltonian
from brackish.manifolds import Spheres
from brackish.memory import COMPLEX, REAL, in_words, number, require_memory
from brackish.quantum import spin_operators, tensor
from brackish.spins.anisotropy import Cubic, Uniaxial
from brackish.spins.bonds import NO_BONDS, Bonds
from brackish.spins.drive import LargestField, largest_field
from brackish.spins.units import REDUCED, MagneticUnits
from brackish.tracing import follow
from brackish.typing import Array, Complex, Float, Int, RealScalar
from brackish.units import require_units

LARGEST_MATRIX = 1024
"""The largest dimension of a Hamiltonian that is written out as a matrix."""
DIPOLAR_NUMBERS = 60
"""For each pair of dipoles: its tensor in a list of bonds and, in both directions, in a table, and what makes them."""
STEPS_A_PERIOD = 60
"""Of the fastest precession, in a suggested step."""

Field = Float[np.ndarray | Array, "*spins 3"]
"""A magnetic field: (3,), the same for all spins, or (spins, 3)."""


class NeighbourTable(eqx.Module):
    """Each spin's partners, as many columns as the most connected one has; empty places name the spin itself,
    uncoupled.

    `site`: (N, Z). `exchange`: J, (N, Z). `matrix`: what stands between S_i and S_j, (N, Z, 3, 3), where bonds are
    more than exchange, else None.
    """

    site: Int[np.ndarray | Array, "N Z"]
    exchange: Float[np.ndarray | Array, "N Z"]
    matrix: Float[np.ndarray | Array, "N Z 3 3"] | None


class SpinSystem(HybridHamiltonian):
    r"""A magnet of N spins, for quantum and for classical theories alike; see the Hamiltonian above.

    `spins`: s_i = 1/2, 1, 3/2, ..., (N,), or as many as there are `positions` if one number. `bonds`: `Bonds`, each
    pair **once**; J > 0 is **ferromagnetic** ($-J\,\mathbf S_i\cdot\mathbf S_j$). `field`: B, (3,) or (N, 3), or a
    function t -> B of the time; the energy is $-g\mu_B\,\mathbf B\cdot\mathbf S$, so that for g > 0 spins point
    along B and precess as $\hbar\dot{\mathbf S}=g\mu_B\,\mathbf S\times\mathbf B$. `g_factor`: one number or (N,);
    by default that of the `units`. `uniaxial`,
    `cubic`: anisotropies. `positions`: (N, 3), for figures, files and the `dipolar` coupling, which is added to the
    bonds if asked for (all pairs, so for small systems). `units`: `ReducedUnits()` or `RealUnits()` (meV, ps, T, K,
    angstrom); only the latter go with texts such as `["0 T", "0 T", "1 T"]` for the field or "10 meV" for an exchange.

    As a `HybridHamiltonian` it is that of the classical spins $s_i\mathbf n_i$.

    Raises `InvalidInput` for no spins, a spin that is no positive multiple of 1/2, and whatever does not fit.
    """

    spins: Float[np.ndarray | Array, " N"]
    bonds: Bonds
    field: Annotated[Field | Callable[[Any], Field], "magnetic field"]
    g_factor: Float[np.ndarray | Array, " N"]
    uniaxial: Uniaxial | None
    cubic: Cubic | None
    positions: Annotated[Float[np.ndarray | Array, "N 3"] | None, "magnet length"]
    units: MagneticUnits
    neighbours: NeighbourTable = eqx.field(repr=False)
    manifold: Spheres
    levels: int = eqx.field(static=True)

    def __init__(
        self,
        spins,
        bonds: Bonds = NO_BONDS,
        field=(0.0, 0.0, 0.0),
        *,
        g_factor=None,
        uniaxial: Uniaxial | None = None,
        cubic: Cubic | None = None,
        positions=None,
        dipolar: bool = False,
        units: MagneticUnits = REDUCED,
    ):
        self.positions = _checked_positions(positions)
        self.spins = _checked_spins(spins, self.positions)
        count = self.spins.size
        self.units = units
        if dipolar:
            bonds = bonds + _dipolar_bonds(self.positions, count, _g_factors(g_factor, units, count), units)
        outside = np.concatenate([bonds.first, bonds.second])
        if np.any((outside < 0) | (outside >= count)):
            worst = outside[(outside < 0) | (outside >= count)][0]
            raise InvalidInput(f"A bond names site {worst}, but the magnet has sites 0 to {count - 1}.")
        self.bonds = bonds
        self.field = _checked_field(field, count)
        self.g_factor = _g_factors(g_factor, units, count)
        self.uniaxial, self.cubic = uniaxial, cubic
        for name, part in (("uniaxial", uniaxial), ("cubic", cubic)):
            if part is not None and np.shape(part.constant) not in ((), (count,)):
                raise InvalidInput(
                    f"The constants of `{name}` must be one number or {count}, one for each spin."
                )
        if uniaxial is not None and np.shape(uniaxial.axis) not in ((3,), (count, 3)):
            raise InvalidInput(f"The axis of `uniaxial` must have shape (3,) or ({count}, 3).")
        self.neighbours = _neighbour_table(bonds, count)
        lengths = np.unique(units.planck * self.spins)
        self.manifold = Spheres(count, lengths[0] if lengths.size == 1 else units.planck * self.spins)
        self.levels = 1
        require_units(self, self.labels, f"a magnet in {type(units).__name__}")

    # -- sizes ---------------------------------------------------------------------------------------------------

    @property
    def count(self) -> int:
        """The number of spins, N."""
        return self.manifold.count

    @property
    def labels(self):
        """Units of time and energy."""
        return self.units.labels

    def dimensions(self) -> tuple[int, ...]:
        """2 s_i + 1 of every spin; outside compiled code."""
        return tuple(int(n) for n in np.rint(2 * np.asarray(self.spins) + 1))

    @property
    def driven(self) -> bool:
        """Whether the field depends on the time."""
        return callable(self.field)

    # -- the classical magnet --------------------------------------------------------------------------------------

    def field_at(self, t) -> Float[Array, "N 3"]:
        """B at every spin at a time."""
        field = self.field(t) if callable(self.field) else self.field
        return jnp.broadcast_to(jnp.asarray(field, float), (self.count, 3))

    def classical_energy(self, directions: Float[Array, "N 3"], t=0.0) -> RealScalar:
        """The energy of classical spins s_i n_i, each bond once."""
        spins = jnp.asarray(self.spins)[:, None] * directions
        zeeman = -jnp.sum(self._moment()[:, None] * self.field_at(t) * directions)
        return 0.5 * jnp.sum(spins * self._from_bonds(spins)) + self._of_crystal(spins) + zeeman

    def precession(self, directions: Float[Array, "N 3"], t=0.0) -> Float[Array, "N 3"]:
        r"""$\boldsymbol\omega_i=-\frac1{\hbar s_i}\,\partial E/\partial\mathbf n_i$: without damping $\dot{\mathbf
        n}_i=\mathbf n_i\times\boldsymbol\omega_i$, and $\boldsymbol\omega=g\mu_B\mathbf B/\hbar$ for a field alone.
        """
        spins = jnp.asarray(self.spins)[:, None] * directions
        slope = self._from_bonds(spins) + jax.grad(self._of_crystal)(spins)
        zeeman = self._magneton()[:, None] * self.field_at(t)
        return (zeeman - slope) / self.units.planck

    def effective_field(self, directions: Float[Array, "N 3"], t=0.0) -> Float[Array, "N 3"]:
        r"""$\mathbf B_i=-\partial E/\partial\mathbf m_i$ with the moment $\mathbf m=g\mu_B\mathbf S$."""
        return self.units.planck / self._magneton()[:, None] * self.precession(directions, t)

    def _magneton(self) -> Float[Array, " N"]:
        """g mu_B of every spin."""
        return jnp.asarray(self.g_factor) * self.units.bohr_magneton

    def _moment(self) -> Float[Array, " N"]:
        return self._magneton() * jnp.asarray(self.spins)

    def _from_bonds(self, spins: Float[Array, "N 3"]) -> Float[Array, "N 3"]:
        """sum_j A_ij S_j, energy."""
        table = self.neighbours
        partners = spins[table.site]
        if table.matrix is None:
            return -jnp.sum(table.exchange[..., None] * partners, axis=1)
        return jnp.sum(table.matrix * partners[:, :, None, :], axis=(1, 3))

    def _of_crystal(self, spins: Float[Array, "N 3"]) -> RealScalar:
        energy = jnp.zeros(())
        if self.uniaxial is not None:
            axis = jnp.broadcast_to(self.uniaxial.axis, spins.shape)
            energy -= jnp.sum(self.uniaxial.constant * jnp.sum(spins * axis, axis=1) ** 2)
        if self.cubic is not None:
            along = jnp.sum(spins[:, None, :] * self.cubic.axes[None], axis=-1)
            energy -= jnp.sum(self.cubic.constant * jnp.sum(along**4, axis=1))
        return energy

    def suggested_step(self):
        """A part of the shortest period of precession that bonds, field and crystal can make."""
        return self.suggest_dt()

    def fastest_until(self, stop):
        """The same magnet with every spin in the largest field that it meets until `stop`, and with the pace at which
        its field changes; see `brackish.spins.drive` for what is looked at.
        """
        if not callable(self.field):
            return self
        step_in = lambda field: self.with_field(field)._step()  # noqa: E731
        return self.with_field(largest_field(self.field, self.count, stop, step_in))

    def suggest_dt(self) -> float:
        """A time step that resolves the fastest precession, by a bound on the local field at every spin; of a field
        that changes with the time it knows the value at time 0 (`fastest_until` looks at a whole run).
        """
        step = self._step()
        if np.isinf(step):
            when = "during the run" if isinstance(self.field, LargestField) else "at time 0"
            raise InvalidInput(
                f"This magnet has neither bonds nor a field {when}, so it suggests no step: give one, as in "
                "times(stop, saves, step=...)."
            )
        return step

    def _step(self) -> float:
        fastest = self._fastest_precession()
        precession = 2 * np.pi / (STEPS_A_PERIOD * fastest) if fastest > 0 else np.inf
        return min(precession, self.step_of_field())

    def step_of_field(self) -> float:
        """As much of a period of the fastest change that is known of the field."""
        return np.pi * self.field.pace / STEPS_A_PERIOD if isinstance(self.field, LargestField) else np.inf

    def _fastest_precession(self) -> float:
        """A bound on the largest frequency of precession, in the field at time 0."""
        table, spins = self.neighbours, np.asarray(self.spins)
        couplings = (
            np.abs(table.exchange)
            if table.matrix is None
            else np.linalg.norm(np.asarray(table.matrix), ord=2, axis=(2, 3))
        )
        bound = np.sum(couplings * spins[np.asarray(table.site)], axis=1)
        if self.uniaxial is not None:
            bound = bound + 2 * np.abs(self.uniaxial.constant) * spins
        if self.cubic is not None:
            bound = bound + 4 * np.abs(self.cubic.constant) * spins**3
        field = np.linalg.norm(np.asarray(self.field_at(0.0)), axis=1)
        bound = bound + np.abs(self.g_factor) * self.units.bohr_magneton * field
        return float(np.max(bound)) / self.units.planck

    # -- as a HybridHamiltonian --------------------------------------------------------------------------------------

    def classical(self, z):
        if self.driven:
            raise UnsupportedHamiltonian(
                "A SpinSystem whose field is a function of time is for LLG, LL, QuantumLLG, QuantumLL and HybridMagnet."
            )
        return self.classical_energy(z)

    def quantum(self):
        return jnp.zeros((1, 1))

    def interaction(self, z):
        return jnp.zeros((1, 1))

    # -- the quantum magnet --------------------------------------------------------------------------------------------

    def spin_operators(self) -> Complex[np.ndarray, "N 3 D D"]:
        """S_x, S_y, S_z of every spin in the space of all; the first spin varies slowest. Outside compiled code."""
        sizes = self.dimensions()
        what = f"Three matrices of dimension {number(math.prod(sizes))} for each of {self.count} spins"
        require_memory(3 * COMPLEX * self.count * math.prod(sizes) ** 2, what, "take fewer quantum spins")
        return np.stack(
            [
                np.stack(
                    [
                        tensor(
                            np.eye(math.prod(sizes[:site])), operator, np.eye(math.prod(sizes[site + 1 :]))
                        )
                        for operator in spin_operators(float(spin))
                    ]
                )
                for site, spin in enumerate(np.asarray(self.spins))
            ]
        ).astype(complex)

    def matrix(self, t=0.0) -> Complex[np.ndarray, "D D"]:
        """The Hamiltonian of the quantum magnet, energy; outside compiled code.

        Raises `UnsupportedHamiltonian` if it is too large to write out.
        """
        size = math.prod(self.dimensions())
        if size > LARGEST_MATRIX:
            raise UnsupportedHamiltonian(
                f"The Hamiltonian of this magnet is a matrix of dimension {number(size)}, "
                f"{in_words(COMPLEX * size**2)}; the largest written out is of dimension {LARGEST_MATRIX}."
            )
        spins = self.spin_operators()
        total = np.zeros((size, size), complex)
        for i, j, coupling in zip(self.bonds.first, self.bonds.second, self.bonds.matrices(), strict=True):
            total += np.einsum("ab,axy,byz->xz", coupling, spins[i], spins[j], optimize=True)
        field = np.asarray(self.field_at(t))
        for site, spin in enumerate(spins):
            moment = self.g_factor[site] * self.units.bohr_magneton
            total -= np.einsum("a,axy->xy", moment * field[site], spin)
            total += self._crystal_operator(site, spin)
        return total

    def _crystal_operator(self, site: int, spin: np.ndarray) -> np.ndarray:
        energy = np.zeros(spin.shape[1:], complex)
        if self.uniaxial is not None:
            constant = np.broadcast_to(self.uniaxial.constant, (self.count,))[site]
            along = np.einsum("a,axy->xy", np.broadcast_to(self.uniaxial.axis, (self.count, 3))[site], spin)
            energy -= constant * along @ along
        if self.cubic is not None:
            constant = np.broadcast_to(self.cubic.constant, (self.count,))[site]
            for axis in np.asarray(self.cubic.axes):
                along = np.einsum("a,axy->xy", axis, spin)
                energy -= constant * np.linalg.matrix_power(along, 4)
        return energy

    # -- others like it -----------------------------------------------------------------------------------------------

    def with_field(self, field) -> "SpinSystem":
        """The same magnet in another field: (3,), (N, 3) or a function of time."""
        field = _checked_field(field, self.count)
        return eqx.tree_at(lambda system: system.field, self, field, is_leaf=lambda leaf: leaf is self.field)

    def part(self, sites: Sequence[int]) -> "SpinSystem":
        """The magnet of some of the spins, with the bonds among them; outside compiled code."""
        chosen = np.asarray(sites, dtype=int)
        number = np.full(self.count, -1)
        number[chosen] = np.arange(chosen.size)
        within = self.bonds.chosen((number[self.bonds.first] >= 0) & (number[self.bonds.second] >= 0))

        def of(value, rank: int):
            """Of a value for all spins or for each: what belongs to these."""
            return value if value is None or np.ndim(value) == rank else np.asarray(value)[chosen]

        field = _FieldOfSites(self.field, chosen) if callable(self.field) else of(self.field, 1)
        return SpinSystem(
            np.asarray(self.spins)[chosen],
            dataclasses.replace(within, first=number[within.first], second=number[within.second]),
            field,
            g_factor=np.asarray(self.g_factor)[chosen],
            uniaxial=self.uniaxial and Uniaxial(of(self.uniaxial.constant, 0), of(self.uniaxial.axis, 1)),
            cubic=self.cubic and Cubic(of(self.cubic.constant, 0), self.cubic.axes),
            positions=of(self.positions, 0),
            units=self.units,
        )


class _FieldOfSites(eqx.Module):
    """A field that changes with time, at some of the sites."""

    field: Callable[[Any], Field]
    sites: Int[np.ndarray | Array, " n"]

    def __call__(self, t):
        field = jnp.asarray(self.field(t))
        return field if field.ndim == 1 else field[self.sites]


def require_magnet(name: str, hamiltonian: HybridHamiltonian) -> None:
    """Raise `UnsupportedHamiltonian`, naming the theory `name`, unless the Hamiltonian is a `SpinSystem`."""
    if not isinstance(hamiltonian, SpinSystem):
        raise UnsupportedHamiltonian(f"{name} needs a SpinSystem, got {type(hamiltonian).__name__}.")


# -- checks and tables ---------------------------------------------------------------------------------------------


def _checked_positions(positions) -> np.ndarray | None:
    if positions is None:
        return None
    positions = np.asarray(positions, dtype=float)
    if positions.ndim != 2 or positions.shape[1] != 3 or not np.all(np.isfinite(positions)):
        raise InvalidInput(
            f"Argument `positions` must be finite, of shape (spins, 3), got {positions.shape}."
        )
    return positions


def _checked_spins(spins, positions: np.ndarray | None) -> np.ndarray:
    spins = np.asarray(spins, dtype=float)
    if spins.ndim == 0 and positions is not None:
        spins = np.full(len(positions), float(spins))
    if spins.ndim != 1 or spins.size == 0:
        raise InvalidInput(
            "A magnet needs at least one spin: `spins` must be a list of spin lengths, or one length with "
            f"`positions`, got an array of shape {spins.shape}."
        )
    if positions is not None and len(positions) != spins.size:
        raise InvalidInput(f"There are {spins.size} spins and {len(positions)} positions.")
    wrong = ~((spins > 0) & (np.abs(2 * spins - np.rint(2 * spins)) < 1e-12))
    if np.any(wrong):
        site = int(np.argmax(wrong))
        raise InvalidInput(f"Spin {site} must have a length of 1/2, 1, 3/2, ..., got {spins[site]:g}.")
    return spins


def _checked_field(field, count: int) -> np.ndarray | Callable:
    if callable(field):
        followed = follow("The function `field`", lambda t: jnp.asarray(field(t)), 0.0)
        shape = followed.shape
        if jnp.issubdtype(followed.dtype, jnp.complexfloating):
            raise InvalidInput("The function `field` must return real numbers, got complex ones.")
        if shape not in ((3,), (count, 3)):
            raise InvalidInput(
                f"The function `field` must return a vector (3,) or one for each spin, ({count}, 3); got {shape}."
            )
        return field
    field = np.asarray(field, dtype=float)
    if field.shape not in ((3,), (count, 3)) or not np.all(np.isfinite(field)):
        raise InvalidInput(
            f"Argument `field` must be finite, of shape (3,) or ({count}, 3), or a function of time; got "
            f"{field.shape}."
        )
    return field


def _g_factors(g_factor, units: MagneticUnits, count: int) -> np.ndarray:
    value = np.asarray(units.g_factor if g_factor is None else g_factor, dtype=float)
    if value.shape not in ((), (count,)) or not np.all(np.isfinite(value)) or np.any(value == 0):
        raise InvalidInput(f"Argument `g_factor` must be one number or {count}, finite and not zero.")
    return np.array(np.broadcast_to(value, (count,)))


def _neighbour_table(bonds: Bonds, count: int) -> NeighbourTable:
    here = np.concatenate([bonds.first, bonds.second])
    there = np.concatenate([bonds.second, bonds.first])
    order = np.argsort(here, kind="stable")
    rows = here[order]
    column = np.arange(rows.size) - np.searchsorted(rows, rows)
    width = int(column.max()) + 1 if rows.size else 0
    site = np.repeat(np.arange(count)[:, None], width, axis=1)
    site[rows, column] = there[order]
    exchange = np.zeros((count, width))
    exchange[rows, column] = np.concatenate([bonds.exchange, bonds.exchange])[order]
    if bonds.dzyaloshinskii_moriya is None and bonds.anisotropic is None:
        return NeighbourTable(site, exchange, None)
    forth = bonds.matrices()
    matrix = np.zeros((count, width, 3, 3))
    matrix[rows, column] = np.concatenate([forth, np.swapaxes(forth, 1, 2)])[order]
    return NeighbourTable(site, exchange, matrix)


def _dipolar_bonds(positions, count: int, g_factor: np.ndarray, units: MagneticUnits) -> Bonds:
    r"""$\frac{\mu_0\mu_B^2g_ig_j}{4\pi r^3}[1-3\hat r\hat r^T]$ between all pairs."""
    if positions is None:
        raise InvalidInput("Dipolar coupling needs `positions`.")
    pairs = count * (count - 1) // 2
    require_memory(
        DIPOLAR_NUMBERS * REAL * pairs, f"The dipolar coupling of {pairs} pairs", "take fewer spins"
    )
    first, second = np.triu_indices(count, 1)
    apart = positions[second] - positions[first]
    distance = np.linalg.norm(apart, axis=1)
    if np.any(distance == 0):
        worst = int(np.argmin(distance))
        raise InvalidInput(
            f"Sites {first[worst]} and {second[worst]} are at the same place; dipoles would diverge."
        )
    along = apart / distance[:, None]
    strength = units.dipolar * g_factor[first] * g_factor[second] / distance**3
    tensor_part = np.eye(3) - 3 * along[:, :, None] * along[:, None, :]
    return Bonds(first, second, 0.0, None, strength[:, None, None] * tensor_part)
