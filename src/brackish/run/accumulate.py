"""Sums of blocks into means, spreads and standard errors."""

import dataclasses
from collections.abc import Callable
from typing import Any

import numpy as np

from brackish.observables import Derived, Observable
from brackish.run.block import DEVIATION, GROUPS, BlockRecord
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
        followed = dict(self.followed)
        for name in [name for name in merged if name.startswith("trajectory_")]:
            value = merged.pop(name)
            if self.blocks == 0:
                followed[name] = _joined(followed.get(name), value, record.first, np.add)
        new = {
            name: value if _has_groups(name, merged) else _in_slots(value, self.blocks)
            for name, value in merged.items()
        }
        return Totals(self.blocks + 1, _summed(self.sums, new, record.first), followed, changes)

    def continued(self, longer: "Totals") -> "Totals":
        """These sums, and behind their last save those of `longer`."""

        def both(mine: dict[str, np.ndarray], other: dict[str, np.ndarray]) -> dict[str, np.ndarray]:
            return {name: _behind(mine[name], other[name]) for name in mine}

        changes = None
        if self.changes is not None and longer.changes is not None:
            changes = _behind(self.changes, longer.changes)
        return Totals(
            longer.blocks, both(self.sums, longer.sums), both(self.followed, longer.followed), changes
        )

    def cut(self, saves: int) -> "Totals":
        """The same up to a number of saves."""
        return Totals(
            self.blocks,
            {name: value[:saves] for name, value in self.sums.items()},
            {name: value[:saves] for name, value in self.followed.items()},
            None if self.changes is None else self.changes[:saves],
        )


def _behind(mine: np.ndarray, longer: np.ndarray) -> np.ndarray:
    """What one has of each save, and behind its last what the longer one has."""
    return np.concatenate([mine, longer[len(mine) :]])


def _joined(
    known: np.ndarray | None, value: np.ndarray, first: int, together: Callable[..., np.ndarray]
) -> np.ndarray:
    """What is known of each save, `together` with one more block, which begins at save `first` and may go on longer."""
    if known is None:
        return value
    both = len(known) - first
    return np.concatenate([known[:first], together(known[first:], value[:both]), value[both:]])


def _summed(known: dict[str, np.ndarray], new: dict[str, np.ndarray], first: int) -> dict[str, np.ndarray]:
    """All sums with those of one more block, which begins at save `first` and may go on longer."""
    if not known:
        return new
    mine = {name: value[first:] for name, value in known.items()}
    theirs = {name: value[: len(mine[name])] for name, value in new.items()}
    return {
        name: np.concatenate([known[name][:first], _together(name, mine, theirs), value[len(mine[name]) :]])
        for name, value in new.items()
    }


def _has_groups(name: str, merged: dict[str, np.ndarray]) -> bool:
    """Whether the lanes of a block are in groups already, or a sum has none (large observables)."""
    return name == "weight_squared" or merged["weight"].shape[1] == GROUPS


def _together(name: str, first: dict[str, np.ndarray], second: dict[str, np.ndarray]) -> np.ndarray:
    """One of the sums over two sets of blocks."""
    if not name.endswith(DEVIATION):
        return first[name] + second[name]
    observed = name.removesuffix(DEVIATION)
    (one, mine), (other, theirs) = (_centre(sums, observed) for sums in (first, second))
    # T. F. Chan, G. H. Golub and R. J. LeVeque, Am. Stat. 37, 242 (1983)
    both = np.where(mine + theirs > 0, mine * theirs / np.where(mine + theirs > 0, mine + theirs, 1.0), 0.0)
    return first[name] + second[name] + both * np.abs(one - other) ** 2


def _centre(sums: dict[str, np.ndarray], name: str) -> tuple[np.ndarray, np.ndarray]:
    """The mean of an observable over each group, (saves, groups, ...), and the weight of the group."""
    total, weight = sums[name], sums["weight"]
    if total.shape[1] == 1:
        weight = weight.sum(axis=1, keepdims=True)
    weight = weight.reshape(weight.shape + (1,) * (total.ndim - 2))
    return total / np.where(weight > 0, weight, 1.0), weight


def _variance(sums: dict[str, np.ndarray], name: str, groups: Any = slice(None)) -> np.ndarray:
    """The variance of an observable over all lanes, or over those of some of the groups; time leads."""
    (centre, weight), deviation = _centre(sums, name), sums[name + DEVIATION]
    centre, weight, deviation = (x[:, groups] for x in (centre, weight, deviation))
    whole = weight.sum(axis=1)
    share = weight / np.where(whole > 0, whole, 1.0)[:, None]
    among = np.abs(centre - (share * centre).sum(axis=1)[:, None]) ** 2
    return (share * among).sum(axis=1) + deviation.sum(axis=1) / np.where(whole > 0, whole, 1.0)


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
            variance = _variance(totals.sums, observable.name)
            independent = _like(np.maximum(lanes - 1, 0.0), variance)
            error = np.where(
                independent > 0, np.sqrt(variance / np.where(independent > 0, independent, 1)), np.nan
            )
        results[observable.name] = (mean, error)
    for quantity in derived:
        scatter = {f"{name}_scatter": _variance(totals.sums, name) for name in quantity.scatters}
        value = quantity.function({**{name: results[name][0] for name in quantity.needs}, **scatter})
        results[quantity.name] = (value, None)
        if sampled:
            results[quantity.name] = (value, _jackknife(totals, quantity, results, weights))
    return results


def _jackknife(totals, quantity, results, weights):
    filled = np.flatnonzero(weights[0] > 0)
    whole = weights.sum(axis=1)
    if filled.size < 2 or any(totals.sums[name].shape[1] != GROUPS for name in quantity.needs):
        return np.full(results[quantity.name][0].shape, np.nan)
    values = []
    for group in filled:
        rest = whole - weights[:, group]
        means = {}
        for name in quantity.needs:
            sums = totals.sums[name]
            remaining = sums.sum(axis=1) - sums[:, group]
            means[name] = remaining / _like(rest, remaining)
        others = np.arange(weights.shape[1]) != group
        scatter = {f"{name}_scatter": _variance(totals.sums, name, others) for name in quantity.scatters}
        values.append(quantity.function({**means, **scatter}))
    return np.sqrt((filled.size - 1) * np.var(np.stack(values), axis=0))


def _like(leading: np.ndarray, array: np.ndarray) -> np.ndarray:
    """`leading` (time,) with axes added to divide `array` (time, ...)."""
    return leading.reshape(leading.shape + (1,) * (array.ndim - 1))
