r"""The Hamiltonian of a quantum magnet as it acts on states, without a matrix of the whole.

$$\hat H=\sum_{(i,j)}\hat h_{ij},\qquad\hat h_{ij}=\mathbf S_i^TA_{ij}\mathbf S_j+\dots$$

with one matrix a pair of coupled spins; the terms of a single spin, field and crystal, are added to the first pair that
it is in. A term acts on two axes of a state of N axes, at the cost of the state times what is
not zero in a column of $\hat h_{ij}$: 2^N, not 4^N. On CPUs that is done by numba (`quantum_operator_kernel.py`).
"""

import math
from functools import cache

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
from jax import lax

from brackish.quantum import SpectralState, spin_operators
from brackish.spins.system import SpinSystem
from brackish.typing import Array, Complex, Float, RealScalar

NOBODY = -1
"""The partner of a spin without bonds."""


class SpinSpace(eqx.Module):
    """What is known of a magnet's states before anything is compiled.

    `dimensions`: 2 s_i + 1. `pairs`: the coupled pairs (i, j) with i < j, each once, and (i, NOBODY) for a spin without
    bonds. `places`: for each bond of the magnet, the number of its pair and whether it is read the other way.
    """

    dimensions: tuple[int, ...] = eqx.field(static=True)
    pairs: tuple[tuple[int, int], ...] = eqx.field(static=True)
    places: tuple[tuple[int, bool], ...] = eqx.field(static=True)

    @property
    def size(self) -> int:
        """The dimension of the space."""
        return math.prod(self.dimensions)

    def spins(self) -> Float[np.ndarray, " N"]:
        """s_i."""
        return 0.5 * (np.asarray(self.dimensions) - 1)

    def operator(self, magnet: SpinSystem, field: Float[Array, "N 3"]) -> "SpinOperator":
        """The Hamiltonian of the magnet with this field in place of its own, energy."""
        single, count = self._of_single_spins(magnet, field), len(self.pairs)
        vectors, ones = self._padded()
        couplings = jnp.zeros((count, 3, 3))
        if self.places:
            bonds = jnp.asarray(magnet.bonds.matrices())
            where, other_way = (np.array(column) for column in zip(*self.places, strict=True))
            read = jnp.where(other_way[:, None, None], jnp.swapaxes(bonds, 1, 2), bonds)
            couplings = couplings.at[where].add(read)
        first, second = np.array(self.pairs).T
        matrices = jnp.einsum("mab,maxu,mbyv->mxyuv", couplings, vectors[first], vectors[second])
        home = np.array([self._home(site) for site in range(len(self.dimensions))])
        of_first = first[home] == np.arange(home.size)
        ones = ones[np.where(of_first, second[home], first[home])]
        left = single[:, :, None, :, None] * ones[:, None, :, None, :]
        right = ones[:, :, None, :, None] * single[:, None, :, None, :]
        matrices = matrices.at[home].add(jnp.where(of_first[:, None, None, None, None], left, right))
        return SpinOperator(self, matrices)

    def _home(self, site: int) -> int:
        """The pair to which the terms of a single spin are added: the first that it is in."""
        return next(number for number, pair in enumerate(self.pairs) if site in pair)

    def _padded(self) -> tuple[np.ndarray, np.ndarray]:
        """S of every spin, (N + 1, 3, d, d), and the identity, (N + 1, d, d), padded to the largest; nobody last."""
        largest = max(self.dimensions)
        vectors = np.zeros((len(self.dimensions) + 1, 3, largest, largest), complex)
        ones = np.zeros((len(self.dimensions) + 1, largest, largest))
        for site, size in enumerate((*self.dimensions, 1)):
            vectors[site, :, :size, :size] = spin_operators(0.5 * (size - 1))
            ones[site, :size, :size] = np.eye(size)
        return vectors, ones

    def _of_single_spins(self, magnet: SpinSystem, field: Float[Array, "N 3"]) -> Complex[Array, "N d d"]:
        """Field and crystal."""
        vectors = self._padded()[0][:-1]
        moment = jnp.asarray(magnet.g_factor) * magnet.units.bohr_magneton
        energy = -jnp.einsum("na,naxy->nxy", moment[:, None] * field, vectors)
        if magnet.uniaxial is not None:
            axis = jnp.broadcast_to(jnp.asarray(magnet.uniaxial.axis), field.shape)
            along = jnp.einsum("na,naxy->nxy", axis, vectors)
            energy = energy - self._each(magnet.uniaxial.constant) * (along @ along)
        if magnet.cubic is not None:
            for easy in range(3):
                along = jnp.einsum("a,naxy->nxy", jnp.asarray(magnet.cubic.axes)[easy], vectors)
                energy = energy - self._each(magnet.cubic.constant) * jnp.linalg.matrix_power(along, 4)
        return energy

    def _each(self, constant) -> Float[Array, "N 1 1"]:
        """One number, or one a spin, before matrices."""
        return jnp.broadcast_to(constant, (len(self.dimensions),))[:, None, None]

    def spin_expectations(
        self, columns: Complex[Array, "D r"], weights: Float[Array, " r"]
    ) -> Float[Array, "N 3"]:
        """sum_j w_j <a_j|S_i|a_j> of every spin."""
        vectors = [np.stack(spin_operators(0.5 * (size - 1))) for size in self.dimensions]
        densities = (self.reduced(columns, weights, (site,)) for site in range(len(self.dimensions)))
        return jnp.stack(
            [
                jnp.sum(vector * jnp.swapaxes(density, 0, 1)[None], axis=(1, 2)).real
                for vector, density in zip(vectors, densities, strict=True)
            ]
        )

    def reduced_density(self, state: SpectralState, sites: tuple[int, ...]) -> Complex[Array, "part part"]:
        """The density operator of some of the spins, the first of `sites` varying slowest."""
        part = self.reduced(jnp.asarray(state.columns), state.excess(), sites)
        return part + state.rest * (self.size / part.shape[0]) * jnp.eye(part.shape[0])

    def reduced(
        self, columns: Complex[Array, "D r"], weights: Float[Array, " r"], sites: tuple[int, ...]
    ) -> Complex[Array, "part part"]:
        """The operator sum_j w_j |a_j><a_j| traced over all spins but `sites`, the first of which varies slowest."""
        axes = columns.reshape(*self.dimensions, columns.shape[1])
        front = jnp.moveaxis(axes, sites, range(len(sites)))
        size = math.prod(self.dimensions[site] for site in sites)
        # a column is an index like those of the other spins
        flat = front.reshape(size, -1, columns.shape[1])
        weighted = (flat * weights[None, None]).reshape(size, -1)
        return weighted @ jnp.conj(flat.reshape(size, -1)).T


def spin_space(magnet: SpinSystem) -> SpinSpace:
    """The space of a magnet's states; outside compiled code."""
    ends = list(zip(np.asarray(magnet.bonds.first), np.asarray(magnet.bonds.second), strict=True))
    pairs = dict.fromkeys((int(min(i, j)), int(max(i, j))) for i, j in ends)
    bound = {site for pair in pairs for site in pair}
    number = {pair: place for place, pair in enumerate(pairs)}
    places = tuple((number[int(min(i, j)), int(max(i, j))], bool(i > j)) for i, j in ends)
    alone = tuple((site, NOBODY) for site in range(magnet.count) if site not in bound)
    return SpinSpace(magnet.dimensions(), (*pairs, *alone), places)


class SpinOperator(eqx.Module):
    """A sum of terms of pairs: `matrices` (M, d, d, d, d), rows (i, j) before columns, padded with zeros where a spin
    is shorter than the longest.
    """

    space: SpinSpace
    matrices: Complex[Array, "M d d d d"]

    def apply(self, columns: Complex[Array, "D r"]) -> Complex[Array, "D r"]:
        """H times each column."""
        return lax.complex(*self.apply_planes(planes(columns)))

    def apply_planes(self, columns: Float[Array, "2 D r"]) -> Float[Array, "2 D r"]:
        """The same for real parts before imaginary ones, as fast loops want them."""
        return lax.platform_dependent(
            columns,
            cpu=lambda c: self._by_kernel(c),
            default=lambda c: planes(self.apply_by_axes(lax.complex(c[0], c[1]))),
        )

    def apply_by_axes(self, columns: Complex[Array, "D r"]) -> Complex[Array, "D r"]:
        """The same, pair by pair on the axes of the state, in JAX alone."""
        total = jnp.zeros_like(columns)
        for matrix, shape in zip(self.matrices, self._shapes(columns.shape[1]), strict=True):
            first, second = shape[1], shape[3]
            small = matrix[:first, :second, :first, :second]
            acted = jnp.einsum("xyuv,lumvr->lxmyr", small, columns.reshape(shape))
            total = total + acted.reshape(columns.shape)
        return total

    def _by_kernel(self, columns: Float[Array, "2 D r"]) -> Float[Array, "2 D r"]:
        _load_kernel()
        shapes = np.array(self._shapes(columns.shape[2]), np.int64)
        kind = jax.ShapeDtypeStruct(columns.shape, float)
        call = jax.ffi.ffi_call("brackish_apply_spin_operator", kind, vmap_method="sequential")
        return call(shapes, self.matrices.real, self.matrices.imag, columns)

    def _shapes(self, right: int) -> list[tuple[int, int, int, int, int]]:
        """For each pair, how a state falls into axes: before i, i, between, j, behind j."""
        sizes = self.space.dimensions
        return [
            (math.prod(sizes[:i]), sizes[i], math.prod(sizes[i + 1 :]), 1, right)
            if j == NOBODY
            else (
                math.prod(sizes[:i]),
                sizes[i],
                math.prod(sizes[i + 1 : j]),
                sizes[j],
                math.prod(sizes[j + 1 :]) * right,
            )
            for i, j in self.space.pairs
        ]

    def bounds(self) -> tuple[RealScalar, RealScalar]:
        """Two energies between which all eigenvalues lie: the sums of Gershgorin's bounds of the terms."""
        size = self.matrices.shape[1] ** 2
        square = self.matrices.reshape(-1, size, size)
        centre = jnp.diagonal(square, axis1=1, axis2=2).real
        reach = jnp.sum(jnp.abs(square), axis=2) - jnp.abs(centre)
        return jnp.sum(jnp.min(centre - reach, axis=1)), jnp.sum(jnp.max(centre + reach, axis=1))

    def trace(self) -> RealScalar:
        """The trace of H over the whole space."""
        traces = jnp.einsum("mxyxy->m", self.matrices).real
        sizes = [
            self.space.dimensions[i] * (1 if j == NOBODY else self.space.dimensions[j])
            for i, j in self.space.pairs
        ]
        return jnp.sum(traces * (self.space.size / np.array(sizes)))

    def expect(self, columns: Complex[Array, "D r"], weights: Float[Array, " r"]) -> RealScalar:
        """sum_j w_j <a_j|H|a_j>."""
        return jnp.sum(jnp.conj(columns) * self.apply(columns) * weights[None]).real


def planes(columns: Complex[Array, "D r"]) -> Float[Array, "2 D r"]:
    """Real parts before imaginary ones."""
    return jnp.stack([columns.real, columns.imag])


@cache
def _load_kernel() -> None:
    """Compile the loop, or read it from numba's cache, and make it known to XLA; once in a process."""
    from brackish.spins import quantum_operator_kernel  # noqa: F401
