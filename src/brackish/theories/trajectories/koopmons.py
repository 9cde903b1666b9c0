r"""Koopmons: Hamiltonian trajectories with quantum-classical correlations beyond Ehrenfest.

$$h=\sum_aw_a\mathrm{Tr}\,\hat\rho_a\hat H(\zeta_a)+\frac{i\hbar}2\int\frac1{\bar D}\,
\mathrm{Tr}\big([\bar{\mathcal P},\partial_j\bar{\mathcal P}]\,\hat X_H^j\big)\,dz,\qquad
\bar{\mathcal P}=\sum_aw_a\hat\rho_aK(z-\zeta_a),\quad\bar D=\mathrm{Tr}\bar{\mathcal P}$$

$$\dot q_a=\frac1{w_a}\frac{\partial h}{\partial p_a},\quad\dot p_a=-\frac1{w_a}\frac{\partial h}{\partial q_a},\quad
i\hbar\dot\psi_a=\hat{\mathcal H}_a\psi_a,\quad\hat{\mathcal H}_a=\frac1{w_a}\frac{\partial
h}{\partial\hat\rho_a},\qquad \hat X_H=(\partial_p\hat H,-\partial_q\hat H)$$

Eqs. (14)–(16) of Tronci and Gay-Balmaz, "Lagrangian trajectories and closure models in mixed quantum-classical
dynamics", with the double sum over pairs of koopmons written as the integral that it is: work then grows as N, not as
N^2 times the number of nodes. K is a Gaussian whose widths are part of the model.

In components (`quantum/components.py`), $\hat\rho=\hat 1/d+\tfrac12s\cdot\hat\lambda$ and
$\hat X^j=x^j\cdot\hat\lambda$ up to a multiple of the identity, the second term is
$-\frac\hbar2\int\bar D^{-1}\,(S\times\partial_jS)\cdot x^j\,dz$ with $S=\sum_aw_as_aK(z-\zeta_a)$: for two levels the
Bloch vector and the cross product.
"""

import abc
import dataclasses
from typing import Annotated, Any, ClassVar, NamedTuple

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
from jax import lax

from brackish.analysis.invariants import fluctuation_force
from brackish.errors import InvalidInput, UnresolvedCorrelation, UnsupportedHamiltonian, warn
from brackish.grids.deposit import EDGE, Lattice, Tiles, deposit, gather
from brackish.hamiltonians import HybridHamiltonian, SeparableHamiltonian
from brackish.integrators import ImplicitMidpoint, Strang
from brackish.manifolds import Canonical, PhasePoint
from brackish.observables import Observable
from brackish.promises import ENERGY, NORM
from brackish.quantum import product, propagate, propagate_columns
from brackish.quantum.components import components, cross
from brackish.theories.trajectories._ensembles import (
    EnsembleState,
    InSpreads,
    act,
    components_of,
    ensemble,
    given_width,
    matrices,
    mean_energy,
)
from brackish.theory import Requirements, Status, Theory
from brackish.typing import Array, Complex, Float, RealScalar

EMPTY = 1e-100
"""Where the smoothed density is below this there is nothing: every term is bounded by a kernel, so leaving it out
changes nothing; its third power, which derivatives divide by, is still a number."""
TILES_AT_ONCE = 256
PAIRS_AT_ONCE = 2**17
"""Pairs of a node and a koopmon that are worked on at once: a kernel matrix of one megabyte."""
MOST_NODES = 2**20
"""Nodes of one koopmon in a product of rules."""
MISSED = 0.05
"""The share of the correlation energy that chosen nodes may miss at the start."""
DEAREST = 2**22
"""Pairs of a node and a koopmon that chosen nodes may make: as many as 2000 koopmons with one node each."""
RANDOM_PAIRS = 2**23
"""Pairs by which the integral is estimated that nodes are held against; once in a run."""
MOST_COORDINATES = 2**18
"""Coordinates of all nodes together."""
WORTH = 1.25
"""More nodes have to miss less by this factor, or are not worth their time."""
TURNS = (0.3, 1.0, 3.0)
"""Angles, see `choose_nodes`."""
LIGHTEST = 1e-60
"""A koopmon of weight 0 is a tracer: it moves as if it had this weight, and nothing feels it."""


class Correlation(eqx.Module):
    r"""The second term of h, and its derivatives per unit weight.

    `energy`: hartree. `by_point`: $w_a^{-1}\partial h/\partial\zeta_a$, a tree of (N, n). `by_component`:
    $w_a^{-1}\partial h/\partial s_a$, (N, d^2 - 1).
    """

    energy: RealScalar
    by_point: PhasePoint
    by_component: Float[Array, "N k"]


class Sources(eqx.Module):
    """What koopmons bring into the integral: `place` (N, 2 n) in phase space, `component` (N, d^2 - 1), `weight`
    (N,).
    """

    place: Float[Array, "N m"]
    component: Float[Array, "N k"]
    weight: Float[Array, " N"]


# -- where the integral is taken -----------------------------------------------------------------------------


class Quadrature(eqx.Module):
    """How the integral over phase space is taken."""

    @abc.abstractmethod
    def check(self, hamiltonian: HybridHamiltonian) -> None:
        """Raise `UnsupportedHamiltonian` unless it covers this Hamiltonian."""

    @abc.abstractmethod
    def correlation(
        self, hamiltonian: HybridHamiltonian, width: Float[np.ndarray | Array, " m"], sources: Sources
    ) -> Correlation:
        """The second term of h with its derivatives, for hbar = 1 and kernels of standard deviations `width`, positions
        first.
        """

    @abc.abstractmethod
    def energy(
        self, hamiltonian: HybridHamiltonian, width: Float[np.ndarray | Array, " m"], sources: Sources
    ) -> RealScalar:
        """The same term alone."""

    def status(
        self, hamiltonian: HybridHamiltonian, width: Float[np.ndarray | Array, " m"], sources: Sources
    ) -> Array:
        """A `Status` number: whether the quadrature holds these koopmons."""
        return jnp.asarray(Status.fine)


class LatticeQuadrature(Quadrature):
    r"""A fixed lattice, of which only the nodes near koopmons are stored: one coordinate, or two in a compact cloud.

    `spacing`: between nodes, in kernel widths; where kernels overlap well the correlation energy is right to some 1e-5
    of itself at 0.9, to 1e-8 at 0.5. `reach`: where kernels end, in kernel widths. `tiles`: room, in rows of 8 nodes; a
    run that needs more says so, and an energy asked for directly is NaN.
    """

    spacing: float = 0.9
    reach: float = 5.0
    tiles: int = eqx.field(static=True, default=2**13)

    def __check_init__(self):
        if not 0 < self.spacing <= 1.5:
            raise InvalidInput(
                f"Argument `spacing` of LatticeQuadrature must be between 0 and 1.5 kernel widths, got {self.spacing}: "
                "a coarser lattice does not resolve the kernel."
            )
        if not (np.isfinite(self.reach) and self.reach >= 2):
            raise InvalidInput(
                f"Argument `reach` of LatticeQuadrature must be at least 2 kernel widths, got {self.reach}."
            )
        if self.tiles < 1:
            raise InvalidInput(f"Argument `tiles` of LatticeQuadrature must be at least 1, got {self.tiles}.")

    def refined(self):
        """The same with a smaller spacing."""
        return LatticeQuadrature(0.75 * self.spacing, self.reach, 2 * self.tiles)

    def check(self, hamiltonian):
        if hamiltonian.manifold.coordinates > 2:
            raise UnsupportedHamiltonian(
                f"LatticeQuadrature covers one or two coordinates, got {hamiltonian.manifold.coordinates}; use "
                "ParticleQuadrature()."
            )

    def lattice(self, hamiltonian, width) -> Lattice:
        """The lattice, with the fields D and S and the derivatives of S along the axes that H couples."""
        axes, extent = 2 * hamiltonian.manifold.coordinates, hamiltonian.levels**2 - 1
        flat = (0,) * axes
        orders = [flat] * (1 + extent)
        for axis in _coupled_axes(hamiltonian):
            orders += [(*flat[:axis], 1, *flat[axis + 1 :])] * extent
        reach = int(self.reach / self.spacing)
        return Lattice(self.spacing * jnp.asarray(width), width, reach, tuple(orders), self.tiles)

    def correlation(self, hamiltonian, width, sources):
        lattice = self.lattice(hamiltonian, width)
        single = _fields_of_one(hamiltonian, sources)
        tiles = deposit(lattice, sources.place, sources.weight[:, None] * single)
        energy_of_batch = _energy_of_batch(hamiltonian, lattice)

        def batch(first, new, carry):
            """The fields of a batch are replaced by the derivatives of the energy, so nothing is copied."""
            store, total = carry
            fields = lax.dynamic_slice_in_dim(store, first, new.shape[0])
            field_of_h = self._field_of_h(
                hamiltonian, lattice, lax.dynamic_slice_in_dim(tiles.origin, first, new.shape[0])
            )
            value, slope = jax.value_and_grad(energy_of_batch)(jnp.where(new, fields, 0.0), field_of_h)
            return lax.dynamic_update_slice_in_dim(
                store, jnp.where(new, slope, fields), first, 0
            ), total + value

        slopes, total = _over_batches(tiles, batch, (tiles.fields, jnp.zeros(())))
        by_place, by_single = gather(
            lattice, sources.place, single, Tiles(slopes, tiles.origin, tiles.count, tiles.slot)
        )
        extent = sources.component.shape[1]
        starts = range(1, by_single.shape[1], extent)
        by_component = jnp.sum(jnp.stack([by_single[:, k : k + extent] for k in starts]), axis=0)
        found = Correlation(total, _phase_point(by_place), by_component)
        return jax.tree_util.tree_map(lambda x: _where_all_fit(tiles, x), found)

    def energy(self, hamiltonian, width, sources):
        lattice = self.lattice(hamiltonian, width)
        tiles = deposit(
            lattice, sources.place, sources.weight[:, None] * _fields_of_one(hamiltonian, sources)
        )
        energy_of_batch = _energy_of_batch(hamiltonian, lattice)

        def batch(first, new, total):
            fields, origin = (
                lax.dynamic_slice_in_dim(x, first, new.shape[0]) for x in (tiles.fields, tiles.origin)
            )
            field_of_h = self._field_of_h(hamiltonian, lattice, origin)
            return total + energy_of_batch(jnp.where(new, fields, 0.0), field_of_h)

        return _where_all_fit(tiles, _over_batches(tiles, batch, jnp.zeros(())))

    def status(self, hamiltonian, width, sources):
        tiles = deposit(
            self.lattice(hamiltonian, width),
            sources.place,
            sources.weight[:, None] * _fields_of_one(hamiltonian, sources),
        )
        return jnp.where(_all_fit(tiles), Status.fine, Status.lattice_too_small)

    def _field_of_h(self, hamiltonian, lattice, origin):
        """Components of the coupled X^j at the nodes of tiles, (tiles, nodes, j, k); where H is separable they are the
        same at all nodes of a tile, which differ in the last momentum alone: (tiles, 1, j, k).
        """
        nodes = 1 if isinstance(hamiltonian, SeparableHamiltonian) else EDGE
        along_row = np.zeros((nodes, lattice.axes), int)
        along_row[:, -1] = np.arange(nodes)
        places = (origin[:, None, :] + along_row[None]) * lattice.spacing[None, None]
        return jax.vmap(jax.vmap(lambda place: _coupling_field(hamiltonian, place)))(places)


def _all_fit(tiles: Tiles):
    """Whether there was room for every tile that koopmons reach."""
    return tiles.count <= tiles.fields.shape[0]


def _where_all_fit(tiles: Tiles, values):
    """A sum over the tiles; no number where some of them are missing."""
    return jnp.where(_all_fit(tiles), values, jnp.nan)


def _fields_of_one(hamiltonian: HybridHamiltonian, sources: Sources) -> Float[Array, "N fields"]:
    """What one koopmon of unit weight brings to the fields D, S and the derivatives of S."""
    ones = jnp.ones((sources.weight.shape[0], 1))
    return jnp.concatenate([ones] + [sources.component] * (1 + len(_coupled_axes(hamiltonian))), axis=1)


def _energy_of_batch(hamiltonian: HybridHamiltonian, lattice: Lattice):
    r"""$-\tfrac12\sum\bar D^{-1}(S\times\partial_jS)\cdot x^j$ times the cell, as a function of the fields (tiles,
    nodes, fields) and of x (tiles, nodes, j, k).
    """
    levels = hamiltonian.levels
    extent, cell = levels**2 - 1, jnp.prod(lattice.spacing)

    def energy(fields, field_of_h):
        density = fields[..., 0]
        there = density > EMPTY
        smooth = jnp.moveaxis(fields[..., 1 : 1 + extent], -1, 0)
        total = jnp.zeros(density.shape)
        for j in range(field_of_h.shape[2]):
            start = 1 + extent * (1 + j)
            slope = jnp.moveaxis(fields[..., start : start + extent], -1, 0)
            total += jnp.sum(
                cross(smooth, slope, levels) * jnp.moveaxis(field_of_h[..., j, :], -1, 0), axis=0
            )
        return -0.5 * cell * jnp.sum(jnp.where(there, total, 0.0) / jnp.where(there, density, 1.0))

    return energy


def _over_batches(tiles: Tiles, batch, start):
    """`carry = batch(first, new, carry)` over the occupied tiles, some at a time: from tile `first` on, those that are
    `new` (tiles, 1, 1); the last batch may reach back into one that is done.
    """
    room = tiles.fields.shape[0]
    size = min(TILES_AT_ONCE, room)

    def one(number, carry):
        first = jnp.minimum(number * size, room - size)
        tile = jnp.arange(size) + first
        return batch(first, ((tile >= number * size) & (tile < tiles.count))[:, None, None], carry)

    return lax.fori_loop(0, (jnp.minimum(tiles.count, room) + size - 1) // size, one, start)


class ParticleQuadrature(Quadrature):
    r"""Nodes that koopmons carry along, for any number of coordinates: $N^2$ work, N memory.

    $\sum_cw_cK_c/\bar D=1$ makes the integral a sum over koopmons, each with the `nodes`^(2n) nodes of a Gauss–Hermite
    rule for its kernel. With one node each, at the koopmon itself, it is a Hamiltonian closure in its own right, in
    which constants of the kernel cancel; with many it converges to the integral. Exactly covariant under translations.
    """

    nodes: int = eqx.field(static=True, default=1)

    def __check_init__(self):
        _check_nodes(self, self.nodes)

    def check(self, hamiltonian):
        axes = 2 * hamiltonian.manifold.coordinates
        if self.nodes > 1 and int(self.nodes) ** axes > MOST_NODES:
            raise UnsupportedHamiltonian(
                f"ParticleQuadrature({self.nodes}) has {self.nodes} nodes along each of {axes} axes of phase space, "
                f"{float(self.nodes) ** axes:.1e} for each koopmon; at most {MOST_NODES} can be: take fewer, or "
                "RandomQuadrature."
            )

    def nodes_of(self, width, sources):
        places, shares = np.polynomial.hermite_e.hermegauss(self.nodes)
        offset, share = np.zeros((1, 0)), np.ones(1)
        for _ in range(sources.place.shape[1]):
            along = np.tile(places, len(share))[:, None]
            offset = np.concatenate([np.repeat(offset, len(places), axis=0), along], axis=1)
            share = np.repeat(share, len(places)) * np.tile(shares, len(share))
        return _around(width, sources, offset[None], share / share.sum())

    def correlation(self, hamiltonian, width, sources):
        return _correlation_of_nodes(self, hamiltonian, width, sources)

    def energy(self, hamiltonian, width, sources):
        return _energy_of_all_nodes(hamiltonian, width, sources, *self.nodes_of(width, sources))


class RandomQuadrature(Quadrature):
    r"""Nodes drawn from the kernel of each koopmon once and for all, which it carries along: $N^2$ work times `nodes`,
    in any number of coordinates.

    The integral of `ParticleQuadrature`, with an error that falls as the root of the number of all nodes, and with no
    bias. The energy is a function of the koopmons, so that what it conserves is kept; exactly covariant under
    translations. `nodes`: of each koopmon; two by two on opposite sides. None leaves the number to the start of a run
    (see `choose_nodes`); until then it is one.
    """

    nodes: int | None = eqx.field(static=True, default=None)

    def __check_init__(self):
        if self.nodes is not None:
            _check_nodes(self, self.nodes)

    def check(self, hamiltonian):
        pass

    def nodes_of(self, width, sources):
        count = 1 if self.nodes is None else int(self.nodes)
        half = (sources.place.shape[0], (count + 1) // 2, sources.place.shape[1])
        offset = jax.random.normal(jax.random.key(0), half)
        offset = jnp.concatenate([offset, -offset], axis=1)[:, :count]
        return _around(width, sources, offset, np.full(count, 1 / count))

    def correlation(self, hamiltonian, width, sources):
        return _correlation_of_nodes(self, hamiltonian, width, sources)

    def energy(self, hamiltonian, width, sources):
        return _energy_of_all_nodes(hamiltonian, width, sources, *self.nodes_of(width, sources))


def _check_nodes(quadrature: Quadrature, nodes: Any) -> None:
    if isinstance(nodes, bool) or not isinstance(nodes, int | np.integer) or nodes < 1:
        raise InvalidInput(
            f"Argument `nodes` of {type(quadrature).__name__} must be a whole number of at least 1, got {nodes!r}."
        )


def _around(width, sources: Sources, offset, share):
    """All nodes (G, m) and their weights (G,): at `offset` (N or 1, nodes, m), in kernel widths, from each koopmon."""
    node = (sources.place[:, None, :] + jnp.asarray(width)[None, None] * offset).reshape(
        -1, sources.place.shape[1]
    )
    return node, (sources.weight[:, None] * share[None]).reshape(-1)


def _correlation_of_nodes(quadrature: Quadrature, hamiltonian, width, sources: Sources) -> Correlation:
    """By automatic differentiation of the energy."""
    # a tracer has no energy of its own, but derivatives per unit weight
    weight = jnp.maximum(sources.weight, LIGHTEST)

    def energy(place, component):
        return quadrature.energy(hamiltonian, width, Sources(place, component, weight))

    total, slopes = jax.value_and_grad(energy, argnums=(0, 1))(sources.place, sources.component)
    by_place, by_component = (slope / weight[:, None] for slope in slopes)
    return Correlation(total, _phase_point(by_place), by_component)


def _energy_of_all_nodes(hamiltonian, width, sources: Sources, node, node_weight) -> RealScalar:
    """Eq. (K4): the sum over koopmons and their nodes, in blocks of which nothing is kept for the derivative."""
    columns = _columns(hamiltonian, sources)

    def block_energy(total, block):
        return total + _energy_of_nodes(hamiltonian, width, sources, columns, *block), None

    blocks = _blocks_of_nodes(sources, node, node_weight)
    total, _ = lax.scan(jax.checkpoint(block_energy, prevent_cse=False), jnp.zeros(()), blocks)
    return total


def _columns(hamiltonian: HybridHamiltonian, sources: Sources) -> Float[Array, "N columns"]:
    """What kernels multiply: weights, components, and components times places along the coupled axes."""
    carried = sources.weight[:, None] * sources.component
    moments = [carried] + [carried * sources.place[:, [axis]] for axis in _coupled_axes(hamiltonian)]
    return jnp.concatenate([sources.weight[:, None], *moments], axis=1)


def _energy_of_nodes(hamiltonian, width, sources: Sources, columns, node, weight) -> RealScalar:
    """The share of some nodes (B, m), of these weights, in the correlation energy."""
    levels, extent = hamiltonian.levels, hamiltonian.levels**2 - 1
    difference = (node[:, None, :] - sources.place[None]) / jnp.asarray(width)[None, None]
    fields = jnp.exp(-0.5 * jnp.sum(difference**2, axis=-1)) @ columns
    there = fields[:, 0] > EMPTY
    density = jnp.where(there, fields[:, 0], 1.0)
    smooth = fields[:, 1 : 1 + extent].T
    field_of_h = jax.vmap(lambda place: _coupling_field(hamiltonian, place))(node)
    rate = jnp.zeros(density.shape)
    for j, axis in enumerate(_coupled_axes(hamiltonian)):
        moment = fields[:, 1 + extent * (1 + j) : 1 + extent * (2 + j)].T
        slope = (moment - node[:, axis][None] * smooth) / width[axis] ** 2
        rate += jnp.sum(cross(smooth, slope, levels) * field_of_h[:, j].T, axis=0)
    return -0.5 * jnp.sum(jnp.where(there, weight * rate / density**2, 0.0))


def _blocks_of_nodes(sources: Sources, node, weight):
    """Nodes and weights in blocks of one size; what fills up the last one weighs nothing."""
    count = node.shape[0]
    size = min(count, max(8, PAIRS_AT_ONCE // sources.weight.shape[0]))
    missing = -count % size
    return (
        jnp.concatenate([node, jnp.repeat(node[:1], missing, axis=0)]).reshape(-1, size, node.shape[1]),
        jnp.pad(weight, (0, missing)).reshape(-1, size),
    )


# -- how many nodes ------------------------------------------------------------------------------------------


class NodeChoice(NamedTuple):
    """`nodes` of each koopmon, and by what part of itself the correlation energy is `missed` with them."""

    nodes: int
    missed: float


def choose_nodes(
    hamiltonian: HybridHamiltonian, width: Float[np.ndarray | Array, " m"], y: EnsembleState
) -> NodeChoice:
    """The fewest nodes of a `RandomQuadrature` with which the correlation energy is the integral of eq. (15) but for
    `MISSED` of itself; if there are none, the fewest that are about as good as the best that `DEAREST` allows.

    At the start states may be all alike, and have none of this energy. So it is taken for the states of the start and
    for those into which they turn where they stand, and compared as a root mean square. The integral comes from many
    other random nodes, whose scatter counts as missed.
    """
    sources = _sources(y)
    components = jnp.stack([components_of(psi) for psi in _likely_states(hamiltonian, y)])
    count, axes = sources.place.shape

    def energies(node, weight):
        blocks = zip(*_blocks_of_nodes(sources, node, weight), strict=True)
        return sum(
            np.asarray(_energies_of_nodes(hamiltonian, width, sources, components, *b)) for b in blocks
        )

    groups = 8
    drawn = min(RANDOM_PAIRS // (groups * count), MOST_COORDINATES // axes) // count
    drawn = max(1, drawn)
    random = np.random.default_rng(0).standard_normal((groups, count, drawn, axes))
    share = np.full(drawn, 1 / drawn)
    parts = np.stack([energies(*_around(width, sources, offset, share)) for offset in random])
    integral, scatter = parts.mean(axis=0), parts.std(axis=0, ddof=1) / np.sqrt(groups)
    size = np.sqrt(np.sum(integral**2))

    choices: list[NodeChoice] = []
    nodes, most = 1, min(DEAREST // count, MOST_COORDINATES // axes) // count
    while not choices or (choices[-1].missed > MISSED and nodes <= most):
        found = energies(*RandomQuadrature(nodes).nodes_of(width, sources))
        missed = np.sqrt(np.sum((found - integral) ** 2 + scatter**2))
        choices.append(NodeChoice(nodes, float(missed / size) if size > 0 else 0.0))
        nodes *= 2
    best = min(choice.missed for choice in choices)
    return next(choice for choice in choices if choice.missed <= max(MISSED, WORTH * best))


@eqx.filter_jit
def _energies_of_nodes(hamiltonian, width, sources: Sources, components, node, weight):
    """The share of some nodes in the correlation energy, for several sets of states: (sets,)."""

    def of(component):
        these = Sources(sources.place, component, sources.weight)
        return _energy_of_nodes(hamiltonian, width, these, _columns(hamiltonian, these), node, weight)

    return jax.vmap(of)(components)


@eqx.filter_jit
def _likely_states(hamiltonian: HybridHamiltonian, y: EnsembleState) -> list[Array]:
    """The states of the start, and what they turn into at rest, while the operators of different places turn them apart
    by the angles `TURNS`.
    """
    operators = jax.vmap(hamiltonian.operator)(y.point)
    apart = operators - jnp.sum(y.weight[:, None, None] * operators, axis=0)[None]
    trace = jnp.trace(apart, axis1=1, axis2=2)[:, None, None] / hamiltonian.levels
    apart = apart - trace * jnp.eye(hamiltonian.levels)[None]
    spread = jnp.sqrt(jnp.sum(y.weight[:, None, None] * jnp.abs(apart) ** 2))
    turned = jax.vmap(propagate_columns, in_axes=(0, 0, None))
    return [y.psi, *(turned(operators, y.psi, turn / jnp.where(spread > 0, spread, 1.0)) for turn in TURNS)]


class WithoutCorrelation(Quadrature):
    """The second term left out: koopmons become Ehrenfest trajectories."""

    def check(self, hamiltonian):
        pass

    def correlation(self, hamiltonian, width, sources):
        still = jnp.zeros_like(sources.place)
        return Correlation(jnp.zeros(()), _phase_point(still), jnp.zeros_like(sources.component))

    def energy(self, hamiltonian, width, sources):
        return jnp.zeros(())


# -- the theory ----------------------------------------------------------------------------------------------


class Koopmons(Theory):
    r"""Koopmons on positions and momenta, for any number of levels.

    `position_width`, `momentum_width`: standard deviations of the kernel, one number or one per coordinate (bohr,
    atomic units of momentum), or `InSpreads(factor)`, in those of the cloud at the start. `quadrature`: by default
    `LatticeQuadrature()` for one coordinate, for more `RandomQuadrature()`, with as many nodes as the start needs.
    `planck`: the size of hbar. `sweeps`:
    of the implicit midpoint rule that moves the correlation term; m leave an error of order m + 1 in the step: 2 keep
    the order of `Strang`, 4 that of `TripleJump`, more keep the energy of long runs from creeping where steps are long.

    The widths are a part of the model: converge in the number of koopmons at fixed widths, then vary the widths (see
    `koopmon_scan`). Kernels far narrower or far wider than the cloud, a single koopmon, and equal quantum states all
    give Ehrenfest. Without a finite width the equations are ill-posed.

    Conserves h (not the mean energy alone), the spectrum of every $\hat\rho_a$ (norms to round-off), expectations of
    what commutes with H everywhere, the symplectic form. Covariant under constant unitaries, and under translations
    as far as the quadrature is exact; general canonical maps are no symmetries, for kernels keep their shape.
    """

    position_width: Annotated[InSpreads | Float[np.ndarray | Array, "*n"], "length"] = eqx.field(
        converter=given_width, default=InSpreads(0.4)
    )
    momentum_width: Annotated[InSpreads | Float[np.ndarray | Array, "*n"], "momentum"] = eqx.field(
        converter=given_width, default=InSpreads(1.0)
    )
    quadrature: Quadrature | None = None
    planck: float = 1.0
    sweeps: int = eqx.field(static=True, default=4)
    coupled: ClassVar[bool] = True
    random: ClassVar[bool] = False
    has_trajectories: ClassVar[bool] = True
    mixed: ClassVar[bool] = True
    light: ClassVar[bool] = False

    def __check_init__(self):
        for name in ("position_width", "momentum_width", "planck"):
            value = getattr(self, name)
            if isinstance(value, np.ndarray | float | int) and not np.all(np.isfinite(value) & (value > 0)):
                raise InvalidInput(
                    f"Argument `{name}` of Koopmons must be positive, got {np.asarray(value).tolist()}."
                )
        if self.sweeps < 1:
            raise InvalidInput(f"Argument `sweeps` of Koopmons must be at least 1, got {self.sweeps}.")

    def requirements(self):
        return Requirements(manifolds=(Canonical,))

    def promises(self, hamiltonian):
        return ENERGY, NORM

    def default_integrator(self, hamiltonian):
        """Symplectic, and exact for norms, either way."""
        separable = isinstance(hamiltonian, SeparableHamiltonian)
        return Strang() if separable else ImplicitMidpoint(tolerance=1e-14)

    def resolve(self, hamiltonian, preparation, times):
        coordinates = hamiltonian.manifold.coordinates
        widths: dict[str, Any] = {}
        for place, name in enumerate(("position_width", "momentum_width")):
            value = getattr(self, name)
            if isinstance(value, InSpreads):
                if not hasattr(preparation, "spread"):
                    raise UnsupportedHamiltonian(
                        f"Koopmons cannot measure the spread of {type(preparation).__name__}; give `{name}` a number."
                    )
                value = value.factor * np.asarray(preparation.spread(hamiltonian.manifold)[2 + place])
            if value.shape not in ((), (1,), (coordinates,)):
                raise InvalidInput(
                    f"Argument `{name}` of Koopmons must be one number or {coordinates} (one per coordinate), got "
                    f"{value.size}."
                )
            widths[name] = jnp.broadcast_to(value, (coordinates,))
            if not isinstance(value, Array):
                widths[name] = np.asarray(widths[name])
        quadrature = self.quadrature
        if quadrature is None:
            quadrature = LatticeQuadrature() if coordinates == 1 else RandomQuadrature()
        quadrature.check(hamiltonian)
        return dataclasses.replace(self, quadrature=quadrature, **widths)

    def fit(self, hamiltonian, y):
        """With as many nodes as the start needs, if that was left open, and a warning where more would be needed."""
        if not (isinstance(self.quadrature, RandomQuadrature) and self.quadrature.nodes is None):
            return self, {}
        choice = choose_nodes(hamiltonian, self._width(hamiltonian), y)
        if choice.missed > MISSED:
            warn(
                f"Koopmons: the correlation energy of this start is missed by {100 * choice.missed:.2g} % of itself "
                f"with {choice.nodes} node{'s' * (choice.nodes > 1)} for each koopmon; give "
                f"`quadrature=RandomQuadrature({8 * choice.nodes})` or more nodes, or take wider kernels.",
                UnresolvedCorrelation,
            )
        fitted = dataclasses.replace(self, quadrature=RandomQuadrature(choice.nodes))
        return fitted, {"correlation_energy_missed": float(f"{choice.missed:.3g}")}

    def in_coordinates(self, shift, scale):
        widths = self.position_width, self.momentum_width
        if any(isinstance(width, InSpreads) for width in widths):
            return self
        return dataclasses.replace(self, position_width=widths[0] * scale, momentum_width=widths[1] / scale)

    def prepare(self, hamiltonian, preparation, index, key):
        return ensemble(hamiltonian, preparation, index, key), jnp.ones(())

    def energy(self, hamiltonian, y):
        """The energy h, of which everything follows: `mean_energy` + `correlation_energy`."""
        return self.mean_energy(hamiltonian, y) + self.correlation_energy(hamiltonian, y)

    def mean_energy(self, hamiltonian, y) -> RealScalar:
        r"""$\sum_aw_a\mathrm{Tr}\,\hat\rho_a\hat H(\zeta_a)$: the energy of Ehrenfest, which is not conserved here."""
        return mean_energy(hamiltonian, y)

    def correlation_energy(self, hamiltonian, y) -> RealScalar:
        """The second term of h."""
        return self.planck * self._chosen.energy(hamiltonian, self._width(hamiltonian), _sources(y))

    def _correlation(self, hamiltonian, y) -> Correlation:
        found = self._chosen.correlation(hamiltonian, self._width(hamiltonian), _sources(y))
        return jax.tree_util.tree_map(lambda x: self.planck * x, found)

    @property
    def _chosen(self) -> Quadrature:
        return LatticeQuadrature() if self.quadrature is None else self.quadrature

    def _width(self, hamiltonian) -> Float[Array, " m"]:
        """Standard deviations of the kernel along all axes, positions first."""
        if isinstance(self.position_width, InSpreads) or isinstance(self.momentum_width, InSpreads):
            raise InvalidInput(
                "The kernel widths of Koopmons are not chosen yet: give numbers, or let `resolve` choose."
            )
        shape = (hamiltonian.manifold.coordinates,)
        widths = self.position_width, self.momentum_width
        return jnp.concatenate([jnp.broadcast_to(jnp.asarray(width), shape) for width in widths])

    def flow(self, hamiltonian, t, y):
        """Eq. (16): the derivatives of h through the bracket, per unit weight."""

        def mean(point, psi):
            return jnp.sum(jax.vmap(jax.vmap(hamiltonian.expect, in_axes=(None, 1)))(point, psi))

        by_point, by_psi = jax.grad(mean, argnums=(0, 1))(y.point, y.psi)
        correlation = self._correlation(hamiltonian, y)
        by_point = jax.tree_util.tree_map(jnp.add, by_point, correlation.by_point)
        # JAX returns 2 dh/dpsi of a real h, so dh/dpsi* is half its conjugate
        turned = 0.5 * jnp.conj(by_psi) + act(correlation.by_component, y.psi)
        velocity = hamiltonian.manifold.hamiltonian_field(by_point, y.point)
        return EnsembleState(velocity, -1j / self.planck * turned, jnp.zeros_like(y.weight))

    def parts(self, hamiltonian):
        """The potential, exact at rest; free motion, exact; the correlation term, by the implicit midpoint rule."""
        Requirements(separable=True).check("Splitting koopmons into parts", hamiltonian)

        def potential(duration):
            """States turn in V(q), momenta change by what the turning states feel."""

            def turned(position, psi):
                return jax.vmap(
                    lambda column: propagate(hamiltonian.potential(position), column, duration / self.planck),
                    1,
                    1,
                )(psi)

            def impulse(position, psi):
                r"""$\int\langle\psi(t)|\partial_qV|\psi(t)\rangle
                dt=i\hbar\langle\psi(\tau)|\partial_q\psi(\tau)\rangle$, and of the trace, whose phase psi does not
                carry.
                """
                after, push = jax.vjp(lambda q: turned(q, psi), position)
                (of_state,) = push(1j * self.planck * jnp.conj(after))
                mean = lambda q: jnp.trace(hamiltonian.potential(q)).real / hamiltonian.levels  # noqa: E731
                return of_state + duration * jax.grad(mean)(position), after

            def flow(y):
                change, psi = jax.vmap(impulse)(y.point.position, y.psi)
                return EnsembleState(PhasePoint(y.point.position, y.point.momentum - change), psi, y.weight)

            return flow

        def drift(duration):
            flow = jax.vmap(hamiltonian.free_flow(duration))
            return lambda y: EnsembleState(flow(y.point), y.psi, y.weight)

        def correlation(duration):
            if isinstance(self.quadrature, WithoutCorrelation):
                return lambda y: y
            half = 0.5 * duration

            def flow(y):
                def sweep(_, middle):
                    found = self._correlation(hamiltonian, middle)
                    velocity = hamiltonian.manifold.hamiltonian_field(found.by_point, middle.point)
                    point = jax.tree_util.tree_map(lambda x, v: x + half * v, y.point, velocity)
                    return EnsembleState(
                        point, _half_turn(found.by_component, y.psi, half / self.planck), y.weight
                    )

                middle = lax.fori_loop(0, self.sweeps, sweep, y)
                point, psi = jax.tree_util.tree_map(
                    lambda x, x0: 2 * x - x0, (middle.point, middle.psi), (y.point, y.psi)
                )
                return EnsembleState(point, psi, y.weight)

            return flow

        return potential, drift, correlation

    def hybrid_operator(
        self, hamiltonian, y, place: Float[Array, " m"]
    ) -> tuple[Complex[Array, "d d"], Complex[Array, "d d"]]:
        r"""$\hat{\mathcal D}(z)$ at one place (q, p) of phase space: the state part, smoothed, and the correlation
        part,

        $$\sum_aw_a\hat\rho_aK(z-\zeta_a),\qquad
        -\frac{i\hbar}2J^{jk}\partial_k\Big(\frac{[\bar{\mathcal P},\partial_j\bar{\mathcal P}]}{\bar D}\Big)$$

        The second has no trace and no integral; $\mathrm{Tr}\int\hat H\hat{\mathcal D}$ of it is the correlation
        energy. Their sum is Hermitian, of no definite sign.
        """
        width = self._width(hamiltonian)
        points = self.classical_points(hamiltonian, y)
        sources = _sources(y)
        x = place[None] - sources.place
        normalisation = jnp.prod(jnp.sqrt(2 * jnp.pi) * width)
        kernel = y.weight * jnp.exp(-0.5 * jnp.sum((x / width[None]) ** 2, axis=1)) / normalisation
        slope = -x / width[None] ** 2 * kernel[:, None]
        density = points.density
        smooth = jnp.sum(kernel[:, None, None] * density, axis=0)
        slopes = jnp.sum(slope[:, :, None, None] * density[:, None], axis=0)
        total, falls = jnp.sum(kernel), jnp.sum(slope, axis=0)
        there = total > EMPTY
        safe = jnp.where(there, total, 1.0)
        coordinates = place.shape[0] // 2
        twist = jnp.zeros_like(smooth)
        for q in range(coordinates):
            # J^{jk} for (j, k) = (q, p) is 1, for (p, q) it is -1; second derivatives cancel
            for j, k, sign in ((q, q + coordinates, 1), (q + coordinates, q, -1)):
                twist += sign * _commutator(slopes[k], slopes[j]) / safe
                twist -= sign * falls[k] * _commutator(smooth, slopes[j]) / safe**2
        return smooth, jnp.where(there, -0.5j * self.planck * twist, 0.0)

    def own_observables(self, hamiltonian):
        return _OBSERVABLES

    def classical_points(self, hamiltonian, y):
        return y.points()

    def check(self, hamiltonian, y):
        status = y.status()
        held = self._chosen.status(hamiltonian, self._width(hamiltonian), _sources(y))
        # what the lattice has left out is the cause of what is no longer a number
        return jnp.where((status == Status.fine) | (held == Status.lattice_too_small), held, status)


def koopmon_scan(
    position_factors: tuple[float, ...] = (0.3, 0.5),
    momentum_factors: tuple[float, ...] = (1.0, 2.0),
    **options: Any,
) -> list[Koopmons]:
    """Koopmons at all pairs of kernel widths, in spreads of the start: what to hand to `compare`.

    `options`: further arguments of `Koopmons`.
    """
    return [
        Koopmons(InSpreads(position), InSpreads(momentum), **options)
        for position in position_factors
        for momentum in momentum_factors
    ]


_SOURCE = "Tronci and Gay-Balmaz, Lagrangian trajectories and closure models, eqs. (15), (16)"
_OBSERVABLES = (
    Observable(
        "mean_energy",
        lambda theory, hamiltonian, y: theory.mean_energy(hamiltonian, y),
        (),
        "hartree",
        "sum of w Tr rho H, not conserved",
        _SOURCE,
    ),
    Observable(
        "fluctuation_force",
        lambda theory, hamiltonian, y: fluctuation_force(
            hamiltonian, theory.classical_points(hamiltonian, y)
        ),
        ("component",),
        "atomic units",
        "root mean square fluctuation of velocity and force",
        "Gay-Balmaz and Tronci, Dynamics of mixed quantum-classical spin systems, section 4.1",
    ),
)


def _coupled_axes(hamiltonian: HybridHamiltonian) -> tuple[int, ...]:
    """The axes of phase space along which X_H is more than a number: momenta, where the potential alone couples."""
    coordinates = hamiltonian.manifold.probe().position.shape[0]
    first = coordinates if isinstance(hamiltonian, SeparableHamiltonian) else 0
    return tuple(range(first, 2 * coordinates))


def _coupling_field(hamiltonian: HybridHamiltonian, place: Float[Array, " m"]) -> Float[Array, "j k"]:
    r"""Components x of $\hat X^j=x^j\cdot\hat\lambda+\dots$ along the coupled axes, at one place of phase space."""
    field = hamiltonian.interaction_field(_phase_point(place))
    operators = jnp.concatenate([field.position, field.momentum])
    return jnp.stack([0.5 * components(operators[axis]) for axis in _coupled_axes(hamiltonian)])


def _commutator(first, second):
    return product(first, second) - product(second, first)


def _phase_point(place: Float[Array, "*points m"]) -> PhasePoint:
    coordinates = place.shape[-1] // 2
    return PhasePoint(place[..., :coordinates], place[..., coordinates:])


def _sources(y: EnsembleState) -> Sources:
    place = jnp.concatenate([y.point.position, y.point.momentum], axis=1)
    return Sources(place, components_of(y.psi), y.weight)


def _half_turn(component: Float[Array, "N k"], psi: Complex[Array, "N d r"], time) -> Complex[Array, "N d r"]:
    r"""$(1+i\tau\hat H/2)^{-1}\psi$ for half a step `time` $=\tau/2$: the state in the middle of Cayley's unitary
    step.
    """
    levels = psi.shape[1]
    if levels == 2:  # (1 + i b.sigma)^{-1} = (1 - i b.sigma) / (1 + b^2)
        size = 1 + time**2 * jnp.sum(component**2, axis=1)
        return (psi - 1j * time * act(component, psi)) / size[:, None, None]
    return jnp.linalg.solve(jnp.eye(levels)[None] + 1j * time * matrices(component, levels), psi)
