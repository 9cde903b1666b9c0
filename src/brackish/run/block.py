"""The compiled heart of a run: one block of trajectories, many steps, sums at each save.

A block has the same shape whatever the number of trajectories, workers or chunks, so one program is compiled
and each trajectory goes through identical arithmetic: results agree to the last bit however the work is cut.
Inside, the loop over time runs over a block that stays in the processor's cache.
"""

import dataclasses
from collections.abc import Callable
from typing import Any

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
from jax import lax

from brackish.hamiltonian import HybridHamiltonian
from brackish.manifolds import Canonical, Product, Spheres
from brackish.observables import Observable, adiabatic_populations_at
from brackish.promises import Conserved
from brackish.randomness import StepDraws
from brackish.run.promises import Kept, compared, judged, largest_of_lanes, nothing_kept
from brackish.theory import Status, Theory
from brackish.typing import Array, Int

GROUPS = 16
"""Trajectory i belongs to group i mod 16; leaving out one group at a time gives the errors of purities and spreads."""
CACHE = 16384
"""Numbers of a block that stay in a core's cache."""
SMALL = 256
"""Numbers of a lane that cost next to nothing."""
LARGEST_GROUPED = 64
"""Observables with more entries than this are summed over all groups at once."""
FOLLOWED_COORDINATES = 3


class Problem(eqx.Module):
    """All that a block needs to know, resolved: it travels to workers and into compiled programs as one tree."""

    hamiltonian: HybridHamiltonian
    theory: Theory
    integrator: Any
    preparation: Any
    observables: tuple[Observable, ...]
    promises: tuple[Conserved, ...]
    seed: Int[np.ndarray | Array, ""] = eqx.field(
        converter=np.asarray
    )  # no constant: another seed, the same program
    ensemble_size: int = eqx.field(static=True)
    followed: int = eqx.field(static=True)
    code: str = eqx.field(static=True, default="")
    """The digest of all functions and classes in it, see `brackish.identity`: what they read is built into programs."""


@dataclasses.dataclass(frozen=True)
class Plan:
    """How the work is cut: `lanes` states in all (trajectories, or ensembles of a coupled theory), `width` of
    them a block.

    The start and `saves` saves after it, `segment` of them a call; `steps` time steps of length `step` between two.
    """

    lanes: int
    width: int
    saves: int
    segment: int
    steps: int
    step: float

    @property
    def blocks(self) -> int:
        """The number of blocks."""
        return -(-self.lanes // self.width)

    @property
    def segments(self) -> int:
        """The number of calls that take a block to its end."""
        return -(-(self.saves + 1) // self.segment)

    def steps_before_saves(self, segment: int) -> np.ndarray:
        """Steps before each save of a segment; none before save 0, the start, nor beyond the end."""
        saves = np.arange(segment * self.segment, (segment + 1) * self.segment)
        return np.where((saves > 0) & (saves <= self.saves), self.steps, 0)


@dataclasses.dataclass
class BlockRecord:
    """What a block has so far: `segment` calls are done, `carry` goes on from there, `saves` holds sums per save."""

    segment: int
    carry: Any
    saves: list[dict[str, np.ndarray]]
    failure: tuple[int, int, int] | None = None  # status, lane, save


def block_width(hamiltonian: HybridHamiltonian, theory: Theory, lanes: int) -> int:
    """How many lanes make a block: what fits a core's cache, at least 16 (so that groups are whole). One, if there is
    one, if they are coupled, if one fills the cache, or if a few are large: empty lanes would cost as much as they do.
    """
    if theory.coupled:
        return 1
    leaves = jax.tree_util.tree_leaves(hamiltonian.manifold.probe())
    numbers = sum(np.size(leaf) for leaf in leaves) + 2 * hamiltonian.levels
    if lanes == 1 or numbers > CACHE or (lanes < GROUPS and numbers > SMALL):
        return 1
    fitting = 2 ** int(np.log2(max(16, CACHE // numbers)))
    enough = 2 ** int(np.ceil(np.log2(max(16, lanes))))
    return int(min(256, fitting, enough))


def run_block(
    problem: Problem,
    plan: Plan,
    block: int,
    record: BlockRecord | None = None,
    report: Callable[[int, BlockRecord], bool] | None = None,
    until: int | None = None,
) -> BlockRecord:
    """Take one block from where `record` stands (None: from the start) to the end, or to segment `until`.

    `report` is called after each segment with the block's number and record; it returns False to stop.
    """
    if record is None:
        carry = _start(problem, np.asarray(block * plan.width), np.asarray(plan.lanes), plan.width)
        record = BlockRecord(0, carry, [])
    last = plan.segments if until is None else min(until, plan.segments)
    while record.segment < last and record.failure is None:
        first_save = record.segment * plan.segment
        first_step = np.asarray(max(0, first_save - 1) * plan.steps)
        steps = plan.steps_before_saves(record.segment)
        record.carry, sums = _advance(problem, record.carry, steps, first_step, np.asarray(plan.step))
        left = plan.saves + 1 - first_save
        record.saves.append({name: np.asarray(value)[:left] for name, value in sums.items()})
        record.segment += 1
        record.saves[-1]["changes"] = largest_of_lanes(
            record.saves[-1]["changes"], block * plan.width, plan.lanes
        )
        _note_failure(record, plan, block, first_save)
        if report is not None and not report(block, record):
            break
    return record


def _note_failure(record: BlockRecord, plan: Plan, block: int, first_save: int) -> None:
    status = record.saves[-1].pop("status")
    live = np.arange(block * plan.width, (block + 1) * plan.width) < plan.lanes
    failed = (status != Status.fine) & live[None]
    if failed.any():
        save = int(np.argmax(failed.any(axis=1)))
        lane = int(np.argmax(failed[save]))
        record.failure = (int(status[save, lane]), block * plan.width + lane, first_save + save)


class _Carry(eqx.Module):
    """A block on its way: states, weights (0 for lanes beyond the end), one random key for each lane, and what was
    promised to be kept.
    """

    state: Any
    weight: jax.Array
    key: jax.Array
    status: jax.Array
    kept: Kept


@eqx.filter_jit
def _start(problem: Problem, first_lane, lanes, width: int):
    lane = first_lane + jnp.arange(width)
    root = jax.random.key(problem.seed)
    keys = jax.vmap(jax.random.fold_in, in_axes=(None, 0))(root, lane)
    if problem.theory.coupled:
        indices = lane[:, None] * problem.ensemble_size + jnp.arange(problem.ensemble_size)[None, :]
        draw_keys = jax.vmap(jax.vmap(jax.random.fold_in, in_axes=(None, 0)), in_axes=(None, 0))(
            root, indices
        )
    else:
        indices, draw_keys = lane, keys
    # the draw and the motion take different keys
    draw_keys = _along_lanes(lambda key: jax.random.fold_in(key, 0), draw_keys)
    step_keys = jax.vmap(lambda key: jax.random.key_data(jax.random.fold_in(key, 1)))(keys)
    prepare = jax.vmap(problem.theory.prepare, in_axes=(None, None, 0, 0))
    state, weight = prepare(problem.hamiltonian, problem.preparation, indices, draw_keys)
    kept = nothing_kept(width, len(problem.promises))
    return _Carry(state, jnp.where(lane < lanes, weight, 0.0), step_keys, jnp.zeros(width, jnp.int32), kept)


def _along_lanes(function, keys):
    for _ in range(keys.ndim):
        function = jax.vmap(function)
    return function(keys)


@eqx.filter_jit
def _advance(problem: Problem, carry: _Carry, steps, first_step, step):
    relay = problem.integrator.relay(problem.theory, problem.hamiltonian, step)

    def one_step(number, inner):
        state, status = inner

        def one_lane(y, key):
            y, new = relay.step(number * step, y, StepDraws(key, number))
            # most integrators always do well; then there is nothing to keep
            return y, None if isinstance(new, Status) else jnp.asarray(new, jnp.int32)

        state, new = jax.vmap(one_lane)(state, carry.key)
        return state, status if new is None else jnp.where(status == 0, new, status)

    def walk(number, count, state, status):
        state = jax.vmap(relay.begin)(state)
        state, status = lax.fori_loop(number, number + count, one_step, (state, status))
        return jax.vmap(relay.finish)(state), status

    def one_save(inner, count):
        number, state, status, kept = inner
        stay = lambda number, count, state, status: (state, status)  # noqa: E731
        state, status = lax.cond(count > 0, walk, stay, number, count, state, status)
        here = _Carry(state, carry.weight, carry.key, status, kept)
        kept, sums = _record(problem, here, number + count == 0)
        return (number + count, state, status, kept), sums

    start = (jnp.asarray(first_step), carry.state, carry.status, carry.kept)
    (_, state, status, kept), sums = lax.scan(one_save, start, jnp.asarray(steps))
    return _Carry(state, carry.weight, carry.key, status, kept), sums


def _record(problem: Problem, carry: _Carry, at_start: jax.Array) -> tuple[Kept, dict[str, jax.Array]]:
    """What is kept of the start; and sums over the block of every observable and its square, a status and the changes
    of what was promised for each lane, and the followed trajectories.
    """
    theory, hamiltonian = problem.theory, problem.hamiltonian
    width = carry.weight.shape[0]
    groups = GROUPS if width % GROUPS == 0 else 1
    sums = {
        "weight": jnp.sum(carry.weight.reshape(-1, groups), axis=0),
        "weight_squared": jnp.sum(carry.weight**2),
    }

    def observe(y):
        return {o.name: jnp.asarray(o.function(theory, hamiltonian, y)) for o in problem.observables}

    observed = jax.vmap(observe)(carry.state)
    for name, values in observed.items():
        weight = carry.weight.reshape((width,) + (1,) * (values.ndim - 1))
        # a lane beyond the end may hold anything, also what is not a number
        weighted = jnp.where(weight > 0, weight * values, 0.0)
        parts = groups if values[0].size <= LARGEST_GROUPED else 1
        sums[name] = jnp.sum(weighted.reshape(-1, parts, *values.shape[1:]), axis=0)
        sums[name + "_squared_"] = jnp.sum(jnp.where(weight > 0, weight * jnp.abs(values) ** 2, 0.0), axis=0)
    checks = jax.vmap(theory.check, in_axes=(None, 0))(hamiltonian, carry.state)
    known = {o.function: observed[o.name] for o in problem.observables}
    kept, changes = compared(problem, carry.state, carry.weight > 0, carry.kept, at_start, known)
    sums["changes"] = changes
    sums["status"] = judged(problem.promises, jnp.where(carry.status == 0, checks, carry.status), changes)
    if problem.followed:
        sums.update(_followed(problem, carry))
    return kept, sums


def _followed(problem: Problem, carry: _Carry) -> dict[str, jax.Array]:
    points = jax.vmap(problem.theory.classical_points, in_axes=(None, 0))(problem.hamiltonian, carry.state)
    count = problem.followed
    flat = jax.tree_util.tree_map(lambda leaf: leaf.reshape(-1, *leaf.shape[2:])[:count], points)
    manifold, followed = problem.hamiltonian.manifold, {}
    if problem.hamiltonian.levels > 1 or not isinstance(manifold, Spheres):
        followed["trajectory_population"] = jnp.diagonal(flat.density, axis1=1, axis2=2).real
    if problem.hamiltonian.levels > 1:
        adiabatic = jax.vmap(adiabatic_populations_at, in_axes=(None, 0, 0))
        followed["trajectory_adiabatic_population"] = adiabatic(problem.hamiltonian, flat.point, flat.density)
    if isinstance(manifold, Canonical | Product):
        canonical = flat.point.canonical if isinstance(manifold, Product) else flat.point
        followed["trajectory_position"] = canonical.position[:, :FOLLOWED_COORDINATES]
        followed["trajectory_momentum"] = canonical.momentum[:, :FOLLOWED_COORDINATES]
    if not isinstance(manifold, Canonical):
        followed["trajectory_spin"] = flat.point.spheres if isinstance(manifold, Product) else flat.point
    return followed


def initial_shapes(problem: Problem, plan: Plan) -> Any:
    """The tree of a block's carry, as shapes alone."""
    start = np.asarray(0)
    return eqx.filter_eval_shape(_start, problem, start, np.asarray(plan.lanes), plan.width)
