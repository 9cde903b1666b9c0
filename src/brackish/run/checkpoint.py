"""Checkpoints: everything that a run needs to go on as if it had never stopped, and to be extended once it is over."""

import dataclasses
from typing import Any

import equinox as eqx
import jax
import numpy as np

from brackish.errors import CheckpointError, InvalidInput
from brackish.run.accumulate import Totals
from brackish.run.block import BlockRecord, Plan, Problem, initial_shapes


@dataclasses.dataclass
class Reached:
    """How far a run is: sums over the blocks that are over, the begun ones, and the ends of those that are over.

    `ends`: leaves of a carry by block. `before`: the sums without the last block, if that one is not full; with more
    trajectories it is another one.
    """

    totals: Totals = dataclasses.field(default_factory=Totals)
    begun: dict[int, BlockRecord] = dataclasses.field(default_factory=dict)
    ends: dict[int, list[np.ndarray]] = dataclasses.field(default_factory=dict)
    before: Totals | None = None


@dataclasses.dataclass(frozen=True)
class Identity:
    """What a run is: a digest of everything, one of each part that an extension must share, how it is cut, and the
    names of the leaves of a carry.
    """

    fingerprint: str
    parts: dict[str, str]
    plan: Plan
    followed: int
    leaves: tuple[str, ...]


def pack(reached: Reached, identity: Identity) -> tuple[dict[str, Any], dict[str, np.ndarray]]:
    """Header and arrays of a checkpoint."""
    arrays = _arrays_of_totals("", reached.totals)
    if reached.before is not None:
        arrays |= _arrays_of_totals("before.", reached.before)
    begun = {}
    for block, record in reached.begun.items():
        begun[str(block)] = [record.saved, record.within, record.first]
        for number, leaf in enumerate(jax.tree_util.tree_leaves(record.carry)):
            arrays[f"block{block}.carry.{number:04d}"] = np.asarray(leaf)
        for name, value in record.merged().items():
            arrays[f"block{block}.saves.{name}"] = value
    for number, leaves in enumerate(
        zip(*(reached.ends[block] for block in sorted(reached.ends)), strict=True)
    ):
        arrays[f"ends.{number:04d}"] = np.stack(leaves)
    header = {
        "fingerprint": identity.fingerprint,
        "blocks": reached.totals.blocks,
        "blocks_before": 0 if reached.before is None else reached.before.blocks,
        "begun": begun,
        "ends": sorted(reached.ends),
        "leaves": list(identity.leaves),
        "parts": identity.parts,
        "plan": dataclasses.asdict(identity.plan),
        "followed": identity.followed,
        "arrays": sorted(arrays),
    }
    return header, arrays


def names_of_leaves(problem: Problem, plan: Plan) -> tuple[str, ...]:
    """The names of what a block carries, such as `state.point.position`, in the order in which it is stored."""
    shapes = initial_shapes(problem, plan)
    paths = (path for path, _ in jax.tree_util.tree_leaves_with_path(shapes))
    return tuple(jax.tree_util.keystr(path, simple=True, separator=".") for path in paths)


def unpack(
    header: dict[str, Any], arrays: dict[str, np.ndarray], problem: Problem, identity: Identity, path: Any
) -> Reached:
    """How far the run of a checkpoint is. Raises `CheckpointError` if it belongs to another run."""
    if header.get("fingerprint") != identity.fingerprint:
        raise CheckpointError(
            f"The checkpoint in {path} belongs to another run: Hamiltonian, theory, preparation, times, seed and "
            "number of trajectories must be the same to resume."
        )
    return _read(header, arrays, problem, identity.plan, path)


def extended(
    header: dict[str, Any], arrays: dict[str, np.ndarray], problem: Problem, identity: Identity, path: Any
) -> Reached:
    """Where a longer run, or one of more trajectories, goes on from a finished one.

    Blocks that would be cut otherwise run again. Raises `CheckpointError` or `InvalidInput`, naming what would fit.
    """
    if not header.get("ends") or header.get("begun") or "parts" not in header:
        raise CheckpointError(
            f"{path} cannot be extended: it is not finished (resume it first), or was written with keep_ends=False."
        )
    old, new = Plan(**header["plan"]), identity.plan
    if header["blocks"] < old.blocks:
        raise CheckpointError(f"{path} cannot be extended: it is not finished; resume it first.")
    other = [name for name, digest in identity.parts.items() if header["parts"].get(name) != digest]
    if other:
        cure = "; give more `ensembles` instead" if other == ["trajectories"] else ""
        raise CheckpointError(
            f"{path} belongs to another run: its {' and '.join(other[:3])} must be the same to extend it{cure}."
        )
    if (old.steps, old.step) != (new.steps, new.step):
        raise InvalidInput(_what_fits(path, old, new))
    if new.saves < old.saves or new.lanes < old.lanes:
        raise InvalidInput(
            f"{path} holds {old.saves} saves and {old.lanes} trajectories (or ensembles); an extension has no fewer."
        )
    found = _read(header, arrays, problem, old, path)
    keeps_last = new.lanes == old.lanes or old.lanes % old.width == 0
    totals, blocks = (found.totals, old.blocks) if keeps_last else (found.before, old.blocks - 1)
    if totals is None or old.width != new.width or header["followed"] != identity.followed:
        return Reached()
    before = found.before if new.lanes == old.lanes else None
    ends = {block: found.ends[block] for block in range(blocks)}
    if new.saves == old.saves:
        return Reached(totals, {}, ends, before)
    structure = jax.tree_util.tree_structure(initial_shapes(problem, new))
    begun = {
        block: BlockRecord(
            old.saves + 1, 0, jax.tree_util.tree_unflatten(structure, leaves), [], first=old.saves + 1
        )
        for block, leaves in ends.items()
    }
    return Reached(dataclasses.replace(totals, blocks=0), begun, {}, before)


def _what_fits(path: Any, old: Plan, new: Plan) -> str:
    spacing = old.steps * old.step
    saves = max(old.saves, round(new.saves * new.steps * new.step / spacing))
    return (
        f"{path} has saves every {spacing:.17g} in {old.steps} steps, which a longer run must keep to the last digit; "
        f"times({saves * spacing:.17g}, {saves}, step={old.step:.17g}) would."
    )


def _arrays_of_totals(prefix: str, totals: Totals) -> dict[str, np.ndarray]:
    arrays = {f"{prefix}total.{name}": value for name, value in totals.sums.items()}
    arrays |= {f"{prefix}followed.{name}": value for name, value in totals.followed.items()}
    return arrays if totals.changes is None else {**arrays, f"{prefix}changes": totals.changes}


def _beginning(prefix: str, arrays: dict[str, np.ndarray]) -> dict[str, np.ndarray]:
    return {name.removeprefix(prefix): value for name, value in arrays.items() if name.startswith(prefix)}


def _totals_in(prefix: str, arrays: dict[str, np.ndarray], blocks: int) -> Totals:
    sums, followed = (_beginning(f"{prefix}{kind}.", arrays) for kind in ("total", "followed"))
    return Totals(blocks, sums, followed, arrays.get(f"{prefix}changes"))


def _read(header, arrays, problem: Problem, plan: Plan, path) -> Reached:
    unfit = CheckpointError(f"The checkpoint in {path} does not fit this version of brackish.")
    if any(name.endswith("_squared_") for name in arrays) or "ends" not in header:
        raise unfit
    shapes, structure = jax.tree_util.tree_flatten(initial_shapes(problem, plan))
    begun = {}
    for block, (saved, within, first) in header["begun"].items():
        carry = _beginning(f"block{block}.carry.", arrays)
        if len(shapes) != len(carry):
            raise unfit
        tree = jax.tree_util.tree_unflatten(structure, [carry[name] for name in sorted(carry)])
        saves = _beginning(f"block{block}.saves.", arrays)
        begun[int(block)] = BlockRecord(
            saved, within, eqx.filter(tree, eqx.is_array), [saves] if saves else [], first=first
        )
    leaves = _beginning("ends.", arrays)
    ends = {
        block: [leaves[name][place] for name in sorted(leaves)] for place, block in enumerate(header["ends"])
    }
    before = _totals_in("before.", arrays, header["blocks_before"]) if header["blocks_before"] else None
    return Reached(_totals_in("", arrays, header["blocks"]), begun, ends, before)
