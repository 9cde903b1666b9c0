"""Promises of theories, held against the start at every save, and what is said of those that are broken.

What was kept at the start travels with a block, so that a run that goes on from a checkpoint compares with the same
numbers. Only the lane that changed most is remembered.
"""

import dataclasses
import math
from typing import Any

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np

from brackish.promises import Empty, Promise
from brackish.theory import Status

ROUND_OFF = 1e-11
"""The share of a quantity by which no change is more than round-off."""
SMALLEST_STEP = 0.1
"""The shortest step that is suggested, in steps of the run: beyond that, the error follows no power of the step."""
ROOM = (
    Status.reached_edge,
    Status.reached_largest_momentum,
    Status.left_table,
    Status.lattice_too_small,
)
"""Failures that a step which is too long can cause."""

SHARE, CHANGE, LANE = range(3)
"""What is kept of the lane that changed most: its change as a share of the scale, the change itself, its number."""


class Kept(eqx.Module):
    """Of each lane and promise: its value at the start, and the largest scale since then."""

    start: jax.Array
    scale: jax.Array


def nothing_kept(lanes: int, promises: int) -> Kept:
    """What a block holds before the first save."""
    return Kept(jnp.zeros((lanes, promises)), jnp.zeros((lanes, promises)))


def compared(
    problem: Any, state: Any, live: jax.Array, kept: Kept, at_start: jax.Array, known: dict[Any, jax.Array]
) -> tuple[Kept, jax.Array]:
    """What is kept from here on; and the changes since the start, (lanes, promises, 2), each as a share of the scale
    and as it is. `live`: the lanes that are not empty. `known`: values of functions that have been computed already.
    """

    def of_all(function):
        if function in known:
            return known[function]
        return jax.vmap(function, in_axes=(None, None, 0))(problem.theory, problem.hamiltonian, state)

    starts, scales, changes = [], [], []
    for number, promise in enumerate(problem.promises):
        now = of_all(promise.function)
        start = jnp.where(at_start, now, kept.start[:, number])
        scale = jnp.maximum(kept.scale[:, number], of_all(promise.scale))
        counts = live & jnp.isfinite(scale)
        typical = jnp.sum(jnp.where(counts, scale, 0.0)) / jnp.maximum(jnp.sum(counts), 1)
        change = promise.change(start, now)
        smallest = ROUND_OFF / promise.tolerance * jnp.abs(start) + jnp.finfo(float).tiny
        starts.append(start)
        scales.append(scale)
        changes.append(
            jnp.stack([change / jnp.maximum(jnp.maximum(scale, typical), smallest), change], axis=-1)
        )
    if not changes:
        return kept, jnp.zeros((*kept.start.shape, 2))
    return Kept(jnp.stack(starts, axis=1), jnp.stack(scales, axis=1)), jnp.stack(changes, axis=1)


def judged(promises: tuple[Promise, ...], status: jax.Array, changes: jax.Array) -> jax.Array:
    """The status of each lane, given its changes. Where a promise is broken, the room of a grid is not to blame; what
    should be kept and is not a number is lost.
    """
    if not promises:
        return status
    share = changes[..., SHARE]
    # an infinite change is an infinite share of an infinite scale: not a number
    far = jnp.any(~(share <= jnp.asarray([[promise.limit for promise in promises]])), axis=-1)
    beyond = jnp.any(~(share <= jnp.asarray([[promise.tolerance for promise in promises]])), axis=-1)
    room = jnp.isin(status, jnp.asarray([int(name) for name in ROOM]))
    no_number = jnp.any(jnp.isnan(changes[..., CHANGE]), axis=-1)
    lost = (status == Status.fine) & no_number
    # a lattice without room has no energy, and is itself the cause
    broken = ((status == Status.fine) & far) | (room & beyond & ~no_number)
    return jnp.where(lost, int(Status.not_finite), jnp.where(broken, int(Status.broke_promise), status))


# -- on the host -----------------------------------------------------------------------------------------------------


def largest_of_lanes(changes: np.ndarray, first_lane: int, lanes: int) -> np.ndarray:
    """Of the changes of a block's lanes, (saves, lanes, promises, 2), those of the lane with the largest share,
    (saves, promises, 3). Lanes from `lanes` on are empty.
    """
    live = changes[:, : lanes - first_lane]
    share = np.where(np.isnan(live[..., SHARE]), np.inf, live[..., SHARE])
    lane = np.argmax(share, axis=1)
    there = np.take_along_axis(live, lane[:, None, :, None], axis=1)[:, 0]
    return np.concatenate([there, (first_lane + lane)[..., None]], axis=-1)


def larger(first: np.ndarray | None, second: np.ndarray) -> np.ndarray:
    """At each save, of two blocks the one that changed more; the first where they are alike."""
    if first is None:
        return second
    return np.where(second[..., SHARE, None] > first[..., SHARE, None], second, first)


@dataclasses.dataclass(frozen=True)
class Broken:
    """A promise that was not kept: by which lane, at which save it was broken most, and by how much."""

    promise: Promise
    save: int
    lane: int
    change: float
    share: float

    @property
    def allowed(self) -> float:
        """The change that would have been allowed."""
        return self.promise.tolerance * self.change / self.share if math.isfinite(self.share) else math.nan

    def step(self, step: float, order: int) -> float:
        """A step with which the promise would be kept, if errors fall as a power `order` of it; two digits."""
        share = self.share if math.isfinite(self.share) else math.inf
        factor = max((self.promise.tolerance / share) ** (1 / order), SMALLEST_STEP)
        digits = 1 - math.floor(math.log10(factor * step))
        return math.floor(factor * step * 10**digits * (1 + 1e-12)) / 10**digits

    def sentence(self, who: str, moment: float, step: float, order: int, units: str) -> str:
        """Who changed what by how much, and what would help."""
        if isinstance(self.promise, Empty):
            return (
                f"{who} has {self.change:.3g} as its {self.promise.quantity} (at or shortly before time {moment:g}), "
                f"where at most {self.promise.tolerance:g} is allowed; {self.promise.cure}."
            )
        what, unit = self.promise.quantity, "" if units == "1" else f" {units}"
        rise = "raised" if self.promise.may_fall else "changed"
        also = f" or {self.promise.also}" if self.promise.also else ""
        return (
            f"{who} {rise} its {what} by {self.change:.3g}{unit} (at or shortly before time {moment:g}), where at most "
            f"{self.allowed:.2g} is allowed. The time step is {step:g}; try step={self.step(step, order):g}{also}."
        )


def broken(promises: tuple[Promise, ...], worst: np.ndarray | None) -> list[Broken]:
    """All promises that were broken, each at the save where it was broken most; `worst`: (saves, promises, 3)."""
    found: list[Broken] = []
    if worst is None:
        return found
    for number, promise in enumerate(promises):
        share = np.where(np.isnan(worst[:, number, SHARE]), np.inf, worst[:, number, SHARE])
        save = int(np.argmax(share))
        if share[save] > promise.tolerance:
            _, change, lane = worst[save, number]
            found.append(Broken(promise, save, int(lane), float(change), float(share[save])))
    return found
