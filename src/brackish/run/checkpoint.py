"""Checkpoints: everything that a run needs to go on as if it had never stopped."""

from typing import Any

import equinox as eqx
import jax
import numpy as np

from brackish.errors import CheckpointError
from brackish.run.accumulate import Totals
from brackish.run.block import BlockRecord, Plan, Problem, initial_shapes


def pack(
    totals: Totals, unfinished: dict[int, BlockRecord], fingerprint: str
) -> tuple[dict[str, Any], dict[str, np.ndarray]]:
    """Header and arrays of a checkpoint."""
    arrays: dict[str, np.ndarray] = {}
    for name, value in totals.sums.items():
        arrays[f"total.{name}"] = value
    for name, value in totals.followed.items():
        arrays[f"followed.{name}"] = value
    if totals.changes is not None:
        arrays["changes"] = totals.changes
    begun = {}
    for block, record in unfinished.items():
        begun[str(block)] = [record.saved, record.within, record.first]
        for number, leaf in enumerate(jax.tree_util.tree_leaves(record.carry)):
            arrays[f"block{block}.carry.{number:04d}"] = np.asarray(leaf)
        for name, value in record.merged().items():
            arrays[f"block{block}.saves.{name}"] = value
    header = {"fingerprint": fingerprint, "blocks": totals.blocks, "begun": begun, "arrays": sorted(arrays)}
    return header, arrays


def unpack(
    header: dict[str, Any],
    arrays: dict[str, np.ndarray],
    problem: Problem,
    plan: Plan,
    fingerprint: str,
    path: Any,
) -> tuple[Totals, dict[int, BlockRecord]]:
    """Totals and begun blocks of a checkpoint. Raises `CheckpointError` if it belongs to another run."""
    if header.get("fingerprint") != fingerprint:
        raise CheckpointError(
            f"The checkpoint in {path} belongs to another run: Hamiltonian, theory, preparation, times, seed and "
            "number of trajectories must be the same to resume."
        )
    sums = {name.removeprefix("total."): value for name, value in arrays.items() if name.startswith("total.")}
    if any(name.endswith("_squared_") for name in arrays):
        raise CheckpointError(f"The checkpoint in {path} does not fit this version of brackish.")
    followed = {
        name.removeprefix("followed."): value
        for name, value in arrays.items()
        if name.startswith("followed.")
    }
    begun = {}
    shapes, structure = jax.tree_util.tree_flatten(initial_shapes(problem, plan))
    for block, reached in header["begun"].items():
        prefix = f"block{block}.carry."
        leaves = [arrays[name] for name in sorted(arrays) if name.startswith(prefix)]
        prefix = f"block{block}.saves."
        saves = {
            name.removeprefix(prefix): value for name, value in arrays.items() if name.startswith(prefix)
        }
        if len(shapes) != len(leaves) or not isinstance(reached, list):
            raise CheckpointError(f"The checkpoint in {path} does not fit this version of brackish.")
        carry = jax.tree_util.tree_unflatten(structure, leaves)
        saved, within, first = reached
        begun[int(block)] = BlockRecord(saved, within, eqx.filter(carry, eqx.is_array), [saves], first=first)
    return Totals(header["blocks"], sums, followed, arrays.get("changes")), begun
