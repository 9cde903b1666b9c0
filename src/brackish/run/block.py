"""The compiled heart of a run: one block of trajectories, many steps, sums at each save.

A block has the same shape whatever the number of trajectories, workers or chunks, so one program is compiled
and each trajectory goes through identical arithmetic: results agree to the last bit however the work is cut.
Inside, the loop over time runs over a block that stays in the processor's cache.

A compiled call takes as many steps as the host asks for, from wherever the block stands: about a second of work,
so that progress, checkpoints and signals are seen between calls. It may end between two saves; the state then stays
inside the integrator's relay, and no bit depends on where calls end.
"""

import dataclasses
import time
from collections.abc import Callable
from typing import Any

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
from jax import lax

from brackish.hamiltonians import HybridHamiltonian
from brackish.manifolds import Canonical, Product, Spheres
from brackish.observables import Observable, adiabatic_populations_at
from brackish.promises import Promise
from brackish.randomness import StepDraws
from brackish.run.operators import acted_on
from brackish.run.promises import Kept, compared, judged, largest_of_lanes, nothing_kept
from brackish.run.settings import pinned, require_settings
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
ROWS = 50
"""Saves that a compiled call has room for."""
SECONDS_A_CALL = 1.0
"""The work of one compiled call; whoever watches is told between calls."""
GROWTH = 8
"""A call takes at most so many times the steps of the one before: a step is not yet known to be quick."""
DEVIATION = "_deviation_"
"""What the sum of squared distances from the mean of a group is called, after the name of the observable."""


class Problem(eqx.Module):
    """All that a block needs to know, resolved: it travels to workers and into compiled programs as one tree."""

    hamiltonian: HybridHamiltonian
    theory: Theory
    integrator: Any
    preparation: Any
    observables: tuple[Observable, ...]
    promises: tuple[Promise, ...]
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

    The start and `saves` saves after it; `steps` time steps of length `step` between two.
    """

    lanes: int
    width: int
    saves: int
    steps: int
    step: float

    @property
    def blocks(self) -> int:
        """The number of blocks."""
        return -(-self.lanes // self.width)

    @property
    def steps_of_block(self) -> int:
        """The number of steps that take a block to its end."""
        return self.saves * self.steps


@dataclasses.dataclass
class BlockRecord:
    """What a block has so far.

    `saved` saves are done, the start among them, and `within` steps on the way to the next; `carry` goes on from
    there. `saves` holds sums per save, piece by piece, from save `first` on.
    """

    saved: int
    within: int
    carry: Any
    saves: list[dict[str, np.ndarray]]
    failure: tuple[int, int, int] | None = None  # status, lane, save
    first: int = 0

    def finished(self, plan: Plan) -> bool:
        """Whether the block has reached its last save."""
        return self.saved == plan.saves + 1

    def steps_done(self, plan: Plan) -> int:
        """The number of steps since the start."""
        return max(0, self.saved - 1) * plan.steps + self.within

    def merged(self) -> dict[str, np.ndarray]:
        """The sums over all saves from `first` on."""
        names = self.saves[0] if self.saves else ()
        return {name: np.concatenate([piece[name] for piece in self.saves]) for name in names}


@dataclasses.dataclass
class Pace:
    """How long a step takes, measured as the work goes on; the next call takes `steps`."""

    steps: int = 1
    measured: bool = False

    def note(self, steps: int, seconds: float) -> None:
        """A call took `steps` steps in `seconds`. The first one may have been compiled, and says nothing."""
        if self.measured and steps > 0:
            affordable = int(SECONDS_A_CALL * steps / max(seconds, 1e-9))
            self.steps = max(1, min(affordable, GROWTH * max(steps, self.steps)))
        self.measured = True


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


@pinned()
def run_block(
    problem: Problem,
    plan: Plan,
    block: int,
    record: BlockRecord | None = None,
    report: Callable[[int, BlockRecord], bool] | None = None,
    pace: Pace | None = None,
) -> BlockRecord:
    """Take one block from where `record` stands (None: from the start) to the end.

    `report` is called every second or so with the block's number and record; it returns False to stop. `pace`: what
    other blocks have learnt about the length of a step.
    """
    require_settings()
    pace = Pace() if pace is None else pace
    if record is None:
        record = begin_block(problem, plan, block)
    # a copy: others may look at the record that was given, also while this one is half changed
    record = dataclasses.replace(record, saves=list(record.saves))
    while not record.finished(plan) and record.failure is None:
        _advance(problem, plan, block, record, pace)
        if report is not None and not report(block, record):
            break
    return record


def begin_block(problem: Problem, plan: Plan, block: int) -> BlockRecord:
    """A block at its start, nothing saved yet."""
    carry = _start(problem, np.asarray(block * plan.width), np.asarray(plan.lanes), plan.width)
    return BlockRecord(0, 0, carry, [])


def compile_block(problem: Problem, plan: Plan, record: BlockRecord) -> None:
    """Compile the program that takes a block forward, before several workers ask for it."""
    _call(problem, plan, 0, record, steps=0)


def _advance(problem: Problem, plan: Plan, block: int, record: BlockRecord, pace: Pace) -> None:
    """Take a block on until the room for saves is used up, or for about a second."""
    begun, room = time.perf_counter(), ROWS
    while room > 0 and not record.finished(plan) and record.failure is None:
        before, start = record.steps_done(plan), time.perf_counter()
        carry, sums, saved, within = _call(problem, plan, block, record, pace.steps, room)
        rows = saved - record.saved
        if rows:
            piece = {
                name: np.array(value[:rows]) for name, value in sums.items() if not _not_kept(name, block)
            }
            record.failure = _failure(piece.pop("status"), plan, block, record.saved)
            piece["changes"] = largest_of_lanes(piece["changes"], block * plan.width, plan.lanes)
            record.saves.append(piece)
        record.carry, record.saved, record.within = carry, saved, within
        room -= rows
        now = time.perf_counter()
        pace.note(record.steps_done(plan) - before, now - start)
        if now - begun > SECONDS_A_CALL:
            break


def _call(problem: Problem, plan: Plan, block: int, record: BlockRecord, steps: int, room: int = ROWS):
    """At most so many steps and saves: carry, sums over the block in ROWS rows, saves done, steps since the last."""
    rows = min(room, plan.saves + 1 - record.saved)
    known = (record.saved, record.within, steps, rows, plan.steps, block == 0, plan.step)
    cut = _Cut(*(np.asarray(number) for number in known))
    carry, sums, saved, within = _advance_steps(problem, record.carry, cut)
    return carry, {name: np.asarray(value) for name, value in sums.items()}, int(saved), int(within)


def _not_kept(name: str, block: int) -> bool:
    return block > 0 and name.startswith("trajectory_")


def _failure(status: np.ndarray, plan: Plan, block: int, first_save: int) -> tuple[int, int, int] | None:
    """Status, lane and save of the first failure in some saves, (saves, lanes)."""
    live = np.arange(block * plan.width, (block + 1) * plan.width) < plan.lanes
    failed = (status != Status.fine) & live[None]
    if not failed.any():
        return None
    save = int(np.argmax(failed.any(axis=1)))
    lane = int(np.argmax(failed[save]))
    return int(status[save, lane]), block * plan.width + lane, first_save + save


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


class _Cut(eqx.Module):
    """Where a call begins and ends: from `saved` saves and `within` steps on, at most `steps` steps and `rows` saves.

    `interval`: steps between two saves. `followed`: whether this block keeps single trajectories. `step`: the time of
    one.
    """

    saved: Any
    within: Any
    steps: Any
    rows: Any
    interval: Any
    followed: Any
    step: Any


@eqx.filter_jit
def _advance_steps(problem: Problem, carry: _Carry, cut: _Cut):
    cut = jax.tree_util.tree_map(jnp.asarray, cut)
    relay = problem.integrator.relay(problem.theory, problem.hamiltonian, cut.step)

    def one_step(number, inner):
        state, status = inner

        def one_lane(y, key):
            y, new = relay.step(number * cut.step, y, StepDraws(key, number))
            # most integrators always do well; then there is nothing to keep
            return y, None if isinstance(new, Status) else jnp.asarray(new, jnp.int32)

        state, new = jax.vmap(one_lane)(state, carry.key)
        return state, status if new is None else jnp.where(status == 0, new, status)

    def record(inner, at_start):
        kept, sums = _record(problem, inner, at_start, cut.followed)
        return dataclasses.replace(inner, kept=kept), sums

    def nothing(inner, at_start):
        return inner, jax.tree_util.tree_map(lambda all: jnp.zeros(all.shape[1:], all.dtype), empty)

    def same(state):
        return state

    def unfinished(walk):
        _, saved, _, left, row, _ = walk
        return (row < cut.rows) & ((left > 0) | (saved == 0))

    def towards_save(walk):
        """As many steps towards the next save as there are left, and the save if it is reached."""
        here, saved, within, left, row, sums = walk
        needed = jnp.where(saved == 0, 0, cut.interval - within)  # save 0 is the start
        count = jnp.minimum(needed, left)
        first = jnp.maximum(saved - 1, 0) * cut.interval + within
        state = lax.cond((within == 0) & (count > 0), jax.vmap(relay.begin), same, here.state)
        state, status = lax.fori_loop(first, first + count, one_step, (state, here.status))
        reached = count == needed
        state = lax.cond(reached & (saved > 0), jax.vmap(relay.finish), same, state)
        here = dataclasses.replace(here, state=state, status=status)
        # a row that is not reached yet is written again by the next round
        here, new = lax.cond(reached, record, nothing, here, saved == 0)
        sums = jax.tree_util.tree_map(
            lambda all, one: lax.dynamic_update_index_in_dim(all, one, row, 0), sums, new
        )
        done = reached.astype(saved.dtype)
        return here, saved + done, jnp.where(reached, 0, within + count), left - count, row + done, sums

    _, shapes = jax.eval_shape(record, carry, cut.saved == 0)
    empty = jax.tree_util.tree_map(lambda one: jnp.zeros((ROWS, *one.shape), one.dtype), shapes)
    walk = (carry, cut.saved, cut.within, cut.steps, jnp.zeros_like(cut.saved), empty)
    carry, saved, within, _, _, sums = lax.while_loop(unfinished, towards_save, walk)
    return carry, sums, saved, within


def _record(
    problem: Problem, carry: _Carry, at_start: jax.Array, keep_followed: jax.Array
) -> tuple[Kept, dict[str, jax.Array]]:
    """What is kept of the start; and sums over the block of every observable and its square, a status and the changes
    of what was promised for each lane, and the followed trajectories (zeros where they are not kept).
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
        sums[name + DEVIATION] = _deviation(sums[name], values, weight)
    checks = jax.vmap(theory.check, in_axes=(None, 0))(hamiltonian, carry.state)
    checks = acted_on(theory, hamiltonian, carry.state, checks)
    known = {o.function: observed[o.name] for o in problem.observables}
    kept, changes = compared(problem, carry.state, carry.weight > 0, carry.kept, at_start, known)
    sums["changes"] = changes
    sums["status"] = judged(problem.promises, jnp.where(carry.status == 0, checks, carry.status), changes)
    if problem.followed:
        shapes = jax.eval_shape(lambda: _followed(problem, carry))
        zeros = lambda: {name: jnp.zeros(s.shape, s.dtype) for name, s in shapes.items()}  # noqa: E731
        sums.update(lax.cond(keep_followed, lambda: _followed(problem, carry), zeros))
    return kept, sums


def _deviation(total, values, weight):
    """The sum over each group of the squared distance from the mean of the group, which no offset of the values spoils;
    `total`: the sums of the values over the groups, (groups, ...).
    """
    parts = total.shape[0]
    weight, values = (x.reshape(-1, parts, *x.shape[1:]) for x in (jnp.maximum(weight, 0.0), values))
    whole = jnp.sum(weight, axis=0)
    mean = total / jnp.where(whole > 0, whole, 1.0)
    return jnp.sum(jnp.where(weight > 0, weight * jnp.abs(values - mean[None]) ** 2, 0.0), axis=0)


def _followed(problem: Problem, carry: _Carry) -> dict[str, jax.Array]:
    """Single trajectories; those that are not followed are not looked at."""
    some = jax.tree_util.tree_map(lambda leaf: leaf[: problem.followed], carry.state)
    points = jax.vmap(problem.theory.classical_points, in_axes=(None, 0))(problem.hamiltonian, some)
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


def first_ensemble(problem: Problem, plan: Plan) -> Any:
    """The state of the first lane at the start."""
    carry = _start(problem, np.asarray(0), np.asarray(plan.lanes), plan.width)
    return jax.tree_util.tree_map(lambda leaf: leaf[0], carry.state)


def initial_shapes(problem: Problem, plan: Plan) -> Any:
    """The tree of a block's carry, as shapes alone."""
    start = np.asarray(0)
    return eqx.filter_eval_shape(_start, problem, start, np.asarray(plan.lanes), plan.width)
