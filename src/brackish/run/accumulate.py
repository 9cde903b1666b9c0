"""Sums of blocks into means, spreads and standard errors."""

import dataclasses
from collections.abc import Callable

import numpy as np

from brackish.observables import Derived, Observable
from brackish.run.block import GROUPS, BlockRecord
from brackish.run.promises import larger


@dataclasses.dataclass(frozen=True)
class Totals:
    """Running sums over all blocks so far, added in the order of the blocks so that rounding never differs, and the
    largest changes of what was promised, (saves, promises, 3).

    Nothing here changes in place: whatever interrupts an addition leaves the sums from before.
    """

    blocks: int = 0
    sums: dict[str, np.ndarray] = dataclasses.field(default_factory=dict)
    followed: dict[str, np.ndarray] = dataclasses.field(default_factory=dict)
    changes: np.ndarray | None = None

    def with_block(self, record: BlockRecord) -> "Totals":
        """The sums with the next block, complete up to the same save as the others."""
        merged = record.merged()
        changes = _joined(self.changes, merged.pop("changes"), record.first, larger)
        sums, followed = dict(self.sums), dict(self.followed)
        for name, value in merged.items():
            if name.startswith("trajectory_"):
                if self.blocks == 0:
                    followed[name] = _joined(followed.get(name), value, record.first, np.add)
                continue
            slots = value if _has_groups(name, merged) else _in_slots(value, self.blocks)
            sums[name] = _joined(sums.get(name), slots, record.first, np.add)
        return Totals(self.blocks + 1, sums, followed, changes)

    def cut(self, saves: int) -> "Totals":
        """The same up to a number of saves."""
        return Totals(
            self.blocks,
            {name: value[:saves] for name, value in self.sums.items()},
            {name: value[:saves] for name, value in self.followed.items()},
            None if self.changes is None else self.changes[:saves],
        )


def _joined(
    known: np.ndarray | None, value: np.ndarray, first: int, together: Callable[..., np.ndarray]
) -> np.ndarray:
    """What is known of each save, `together` with one more block, which begins at save `first` and may go on longer."""
    if known is None:
        return value
    both = len(known) - first
    return np.concatenate([known[:first], together(known[first:], value[:both]), value[both:]])


def _has_groups(name: str, merged: dict[str, np.ndarray]) -> bool:
    """Whether the lanes of a block are in groups already, or a sum has none (squares; large observables)."""
    return name == "weight_squared" or name.endswith("_squared_") or merged["weight"].shape[1] == GROUPS


def _in_slots(value: np.ndarray, block: int) -> np.ndarray:
    """A block that is one lane goes as a whole to the group of the block."""
    slots = np.zeros((value.shape[0], GROUPS, *value.shape[2:]), value.dtype)
    slots[:, block % GROUPS] = value[:, 0]
    return slots


def means_and_errors(
    totals: Totals, observables: tuple[Observable, ...], derived: tuple[Derived, ...], sampled: bool
) -> dict[str, tuple[np.ndarray, np.ndarray | None]]:
    """Mean and standard error of every observable, time as the leading axis.

    The error of a mean is that of independent lanes with their weights; the error of a derived quantity comes
    from leaving out one of 16 groups at a time. None where the spread over lanes is no statistical error
    (`sampled` false).
    """
    weights = totals.sums["weight"]
    whole = weights.sum(axis=1)
    lanes = whole**2 / np.maximum(totals.sums["weight_squared"], 1e-300)
    results: dict[str, tuple[np.ndarray, np.ndarray | None]] = {}
    for observable in observables:
        total = totals.sums[observable.name].sum(axis=1)
        mean = total / _like(whole, total)
        error = None
        if sampled:
            square = totals.sums[observable.name + "_squared_"]
            variance = np.maximum(square / _like(whole, square) - np.abs(mean) ** 2, 0.0)
            independent = _like(np.maximum(lanes - 1, 0.0), variance)
            error = np.where(
                independent > 0, np.sqrt(variance / np.where(independent > 0, independent, 1)), np.nan
            )
        results[observable.name] = (mean, error)
    for quantity in derived:
        value = quantity.function({name: results[name][0] for name in quantity.needs})
        error = _jackknife(totals, quantity, results, weights) if sampled else None
        results[quantity.name] = (value, error)
    return results


def _jackknife(totals, quantity, results, weights):
    filled = np.flatnonzero(weights[0] > 0)
    whole = weights.sum(axis=1)
    if filled.size < 2 or any(totals.sums[name].shape[1] != GROUPS for name in quantity.needs):
        return np.full(quantity.function({n: results[n][0] for n in quantity.needs}).shape, np.nan)
    values = []
    for group in filled:
        rest = whole - weights[:, group]
        means = {}
        for name in quantity.needs:
            sums = totals.sums[name]
            remaining = sums.sum(axis=1) - sums[:, group]
            means[name] = remaining / _like(rest, remaining)
        values.append(quantity.function(means))
    return np.sqrt((filled.size - 1) * np.var(np.stack(values), axis=0))


def _like(leading: np.ndarray, array: np.ndarray) -> np.ndarray:
    """`leading` (time,) with axes added to divide `array` (time, ...)."""
    return leading.reshape(leading.shape + (1,) * (array.ndim - 1))
