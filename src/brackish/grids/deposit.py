r"""Particles to fields and back: a lattice quadrature that stores only those nodes that particles touch.

$$F_f(z_g)=\sum_av_{af}\,\partial^{o_f}K(z_g-\zeta_a),\qquad
K(z)=\prod_j\frac{e^{-z_j^2/2\alpha_j^2}}{\sqrt{2\pi}\,\alpha_j}$$

on the fixed lattice $z_g=g\Delta$ with whole numbers g, each kernel cut h nodes from the node nearest to its centre.
Rows of nodes along the last axis are found by hashing, so memory is O(particles + occupied nodes) whatever the shape of
the cloud, and nothing is ever anchored to it: the discrete energy does not depend on time.

On CPUs the two loops are compiled by numba (`deposit_kernel.py`), because scatter-adds of XLA are ten times slower
there. `deposit_reference` says the same in JAX: the reference in tests, and the way on other machines.
"""

from functools import cache, partial

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
from jax import lax

from brackish.typing import Array, Float, Int

EDGE = 8
"""Nodes of a tile, all on one row along the last axis."""
CHUNK = 256
"""Particles that the JAX form takes at once."""


class Lattice(eqx.Module):
    """A lattice over two or more axes of phase space with a Gaussian kernel.

    `spacing`, `width`: Delta and alpha, one for each axis. `reach`: h, nodes on each side of a centre.
    `orders`: for each field how often the kernel is differentiated along each axis, 0 or 1. `capacity`: tiles for which
    there is room.
    """

    spacing: Float[np.ndarray | Array, " axes"]
    width: Float[np.ndarray | Array, " axes"]
    reach: int = eqx.field(static=True)
    orders: tuple[tuple[int, ...], ...] = eqx.field(static=True)
    capacity: int = eqx.field(static=True)

    @property
    def axes(self) -> int:
        """How many axes there are."""
        return len(self.orders[0])

    @property
    def stencil(self) -> int:
        """Nodes that a kernel reaches along each axis."""
        return 2 * self.reach + 1

    @property
    def padded(self) -> int:
        """Numbers stored for each node: the fields, and zeros up to a multiple of eight."""
        return -(-len(self.orders) // 8) * 8


class Tiles(eqx.Module):
    """Fields on the occupied tiles: only the first `count` of them mean anything.

    `fields`: (capacity, nodes of a tile, fields), zeros behind the fields up to a multiple of eight. `origin`:
    (capacity, axes), the first node of each tile, in units of the spacing; the others follow along the last axis.
    `count`: how many tiles were needed; above the capacity, something was left out. `slot`: the node, counted in the
    whole store, where each row of each particle's stencil begins, -1 for none.
    """

    fields: Float[Array, "capacity nodes padded"]
    origin: Int[Array, "capacity axes"]
    count: Int[Array, ""]
    slot: Int[Array, "particles rows"]


def deposit(
    lattice: Lattice, positions: Float[Array, "particles axes"], values: Float[Array, "particles fields"]
) -> Tiles:
    """The fields of `values` carried by particles at `positions`."""
    return lax.platform_dependent(
        positions, values, cpu=partial(_deposit_on_cpu, lattice), default=partial(deposit_reference, lattice)
    )


def gather(
    lattice: Lattice,
    positions: Float[Array, "particles axes"],
    values: Float[Array, "particles fields"],
    tiles: Tiles,
) -> tuple[Float[Array, "particles axes"], Float[Array, "particles fields"]]:
    r"""Derivatives of $e=\sum_{afg}v_{af}\,\partial^{o_f}K(z_g-\zeta_a)\,A_{fg}$ by positions and by values.

    `tiles`: A as its fields, on the tiles that `deposit` found for these positions.
    """
    return lax.platform_dependent(
        positions,
        values,
        tiles,
        cpu=partial(_gather_on_cpu, lattice),
        default=partial(gather_reference, lattice),
    )


@cache
def _load_kernels() -> None:
    """Compile the loops, or read them from numba's cache, and make them known to XLA; once in a process."""
    from brackish.grids import deposit_kernel  # noqa: F401


def _numbers(lattice: Lattice):
    spacing, width = (jnp.asarray(x, dtype=float) for x in (lattice.spacing, lattice.width))
    return spacing, width, np.array([lattice.reach], np.int64), np.array(lattice.orders, np.int64)


def _deposit_on_cpu(lattice: Lattice, positions, values) -> Tiles:
    _load_kernels()
    shapes = (
        jax.ShapeDtypeStruct((lattice.capacity, EDGE, lattice.padded), float),
        jax.ShapeDtypeStruct((lattice.capacity, lattice.axes), np.int64),
        jax.ShapeDtypeStruct((1,), np.int64),
        jax.ShapeDtypeStruct((positions.shape[0], lattice.stencil ** (lattice.axes - 1)), np.int32),
    )
    call = jax.ffi.ffi_call("brackish_deposit", shapes, vmap_method="sequential")
    fields, origin, count, slot = call(positions, values, *_numbers(lattice))
    return Tiles(fields, origin, count[0], slot)


def _gather_on_cpu(lattice: Lattice, positions, values, tiles: Tiles):
    _load_kernels()
    shapes = (jax.ShapeDtypeStruct(positions.shape, float), jax.ShapeDtypeStruct(values.shape, float))
    call = jax.ffi.ffi_call("brackish_gather", shapes, vmap_method="sequential")
    return tuple(call(positions, values, *_numbers(lattice), tiles.fields, tiles.slot))


# -- the same in JAX ---------------------------------------------------------------------------------------------


def deposit_reference(lattice: Lattice, positions, values) -> Tiles:
    """`deposit` by sorting and scatter-adds."""
    capacity, fields = lattice.capacity, len(lattice.orders)
    first = _first_nodes(lattice, positions)
    outer = first[:, None, :-1] + _rows_of_stencil(lattice)[None]
    low, high = first[:, -1] // EDGE, (first[:, -1] + 2 * lattice.reach) // EDGE
    nowhere = jnp.iinfo(jnp.int64).max
    key = _keys(outer)
    known, place = jnp.unique(key.reshape(-1), size=capacity + 1, fill_value=nowhere, return_index=True)
    row = jnp.searchsorted(known, key)
    spread = jnp.broadcast_to(low[:, None], row.shape), jnp.broadcast_to(high[:, None], row.shape)
    lowest = jnp.full(capacity + 1, nowhere).at[row].min(spread[0])
    length = jnp.where(
        known != nowhere, jnp.full(capacity + 1, -nowhere).at[row].max(spread[1]) - lowest + 1, 0
    )
    end = jnp.cumsum(length)
    row_of_tile = jnp.searchsorted(end, jnp.arange(capacity), side="right")
    tile = lowest[row_of_tile] + jnp.arange(capacity) - (end - length)[row_of_tile]
    origin = jnp.concatenate(
        [outer.reshape(-1, lattice.axes - 1)[place[row_of_tile]], EDGE * tile[:, None]], axis=1
    )
    slot = (end - length)[row] * EDGE + first[:, -1:] - lowest[row] * EDGE
    slot = jnp.where((end[row] <= capacity) & (row < capacity), slot, -1)

    def add(store, chunk):
        nodes = chunk[2][..., None] + jnp.arange(lattice.stencil)[None, None]
        nodes = jnp.where(chunk[2][..., None] < 0, capacity * EDGE, nodes)
        carried = chunk[1][:, None, None, :] * _kernels(lattice, chunk[0])
        return store.at[nodes, :fields].add(carried, mode="drop"), None

    empty = jnp.zeros((capacity * EDGE, lattice.padded))
    store, _ = lax.scan(add, empty, _in_chunks((positions, values, slot)))
    return Tiles(store.reshape(capacity, EDGE, -1), origin, end[-1], slot.astype(np.int32))


def gather_reference(lattice: Lattice, positions, values, tiles: Tiles):
    """`gather` by automatic differentiation."""
    store = tiles.fields.reshape(-1, lattice.padded)[:, : values.shape[1]]

    def energy(positions, values, slots):
        nodes = slots[..., None] + jnp.arange(lattice.stencil)[None, None]
        here = jnp.where(slots[..., None, None] >= 0, store[nodes], 0.0)
        return jnp.sum(values[:, None, None, :] * _kernels(lattice, positions) * here)

    chunks = _in_chunks((positions, values, tiles.slot))
    derivatives = lax.map(lambda chunk: jax.grad(energy, argnums=(0, 1))(*chunk), chunks)
    count = positions.shape[0]
    return tuple(x.reshape(-1, x.shape[-1])[:count] for x in derivatives)


def _in_chunks(arrays):
    """Arrays of particles, cut into chunks of one length; what is added at the end meets no row."""
    positions, values, slots = arrays
    missing = -positions.shape[0] % CHUNK
    positions, values = (jnp.pad(x, ((0, missing), (0, 0))) for x in (positions, values))
    slots = jnp.pad(slots, ((0, missing), (0, 0)), constant_values=-1)
    return tuple(x.reshape(-1, CHUNK, *x.shape[1:]) for x in (positions, values, slots))


def _first_nodes(lattice: Lattice, positions):
    """The first node that each kernel reaches, (particles, axes)."""
    scaled = positions / jnp.asarray(lattice.spacing)[None]
    return jnp.floor(scaled + 0.5).astype(int) - lattice.reach


def _rows_of_stencil(lattice: Lattice):
    """All rows of a stencil, counted from the first along each outer axis, (rows, axes - 1)."""
    shape = (lattice.stencil,) * (lattice.axes - 1)
    return np.stack([x.ravel() for x in np.indices(shape)], axis=-1)


def _keys(outer):
    """One whole number for each row."""
    bits = 60 // outer.shape[-1]
    return jnp.sum((outer & ((1 << bits) - 1)) << (bits * np.arange(outer.shape[-1]))[None, None], axis=-1)


def _kernels(lattice: Lattice, positions):
    """The kernel of each particle, differentiated as each field asks: (particles, rows, nodes along a row, fields)."""
    first = _first_nodes(lattice, positions)
    nodes = first[:, :, None] + np.arange(lattice.stencil)[None, None]
    x = nodes * jnp.asarray(lattice.spacing)[None, :, None] - positions[:, :, None]
    width = jnp.asarray(lattice.width)[None, :, None]
    gaussian = jnp.exp(-0.5 * (x / width) ** 2) / (jnp.sqrt(2 * jnp.pi) * width)
    factors = (gaussian, -x / width**2 * gaussian)
    rows = _rows_of_stencil(lattice)

    def one(order):
        along = [factors[o][:, axis] for axis, o in enumerate(order)]
        outer = jnp.ones((1, 1))
        for axis in range(lattice.axes - 1):
            outer = outer * along[axis][:, rows[:, axis]]
        return outer[:, :, None] * along[-1][:, None, :]

    return jnp.stack([one(order) for order in lattice.orders], axis=-1)
