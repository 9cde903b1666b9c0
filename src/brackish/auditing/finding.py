"""What an experiment of the audit found: numbers, each beside the limit that it must keep, and a verdict."""

import dataclasses
from typing import Any

PASS, FAIL, NOT_APPLICABLE = "pass", "fail", "not applicable"


@dataclasses.dataclass(frozen=True)
class Measurement:
    """One number and the limit that it must not pass.

    `what` was measured; `value`; `limit`; `at_most`: whether the value must stay at or below the limit, or above it;
    `why` the limit is where it is.
    """

    what: str
    value: float
    limit: float
    why: str
    at_most: bool = True

    @property
    def kept(self) -> bool:
        """Whether the limit is kept; what is not a number keeps none."""
        return self.value <= self.limit if self.at_most else self.value >= self.limit

    @property
    def bound(self) -> str:
        """The limit in words: `<= 1e-06`."""
        return f"{'<=' if self.at_most else '>='} {self.limit:.1e}"

    def to_dict(self) -> dict[str, Any]:
        """Plain values alone."""
        return {**dataclasses.asdict(self), "kept": self.kept}


@dataclasses.dataclass(frozen=True)
class Finding:
    """The verdict on one property: fail as soon as one measurement does not keep its limit.

    `number` and `name` of the property; `measurements`, none if there was nothing to measure; `done`: the experiment in
    one sentence; `notes`: what was left out, and why.
    """

    number: int
    name: str
    measurements: tuple[Measurement, ...]
    done: str
    notes: tuple[str, ...] = ()

    @property
    def verdict(self) -> str:
        """`pass`, `fail` or `not applicable`. A pass says that this experiment did not break the property."""
        if not self.measurements:
            return NOT_APPLICABLE
        return PASS if all(measurement.kept for measurement in self.measurements) else FAIL

    @property
    def decisive(self) -> Measurement | None:
        """The measurement to show in a table: the first that breaks its limit; if none does the one that comes nearest
        to it, or the first where limits are to be passed.
        """
        broken = [measurement for measurement in self.measurements if not measurement.kept]
        if broken or not self.measurements or not self.measurements[0].at_most:
            return next(iter(broken or self.measurements), None)
        return max(
            (measurement for measurement in self.measurements if measurement.at_most),
            key=lambda measurement: measurement.value / measurement.limit,
        )

    def to_dict(self) -> dict[str, Any]:
        """Plain values alone."""
        return {
            "number": self.number,
            "name": self.name,
            "verdict": self.verdict,
            "measurements": [measurement.to_dict() for measurement in self.measurements],
            "done": self.done,
            "notes": list(self.notes),
        }
