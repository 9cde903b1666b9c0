"""When a run is looked at, and in which steps it goes there."""

import dataclasses
import math
from typing import Annotated

import numpy as np

from brackish.arguments import reads_arguments
from brackish.errors import InvalidInput
from brackish.hamiltonians import HybridHamiltonian
from brackish.theory import Theory
from brackish.units import InUnit, unit_refusal

LARGEST_STEPS = 10**12
"""Of one trajectory: a month of them, at a few microseconds each."""
LARGEST_SAVES = 10**7


@dataclasses.dataclass(frozen=True)
class Times:
    """Equally spaced saves from 0 to `stop`; made by `times`. A time that was given with a unit is in atomic units and
    an `InUnit`; a plain one is in the unit of the system, which is the atomic one for most.
    """

    stop: Annotated[float | InUnit, "time"]
    saves: int
    step: Annotated[float | InUnit | None, "time"] = None

    def on_clock_of(self, hamiltonian: HybridHamiltonian) -> "Times":
        """The same times in plain numbers of the unit that a system has for its time.

        Raises `InvalidInput` for a time with a unit, if the system is measured in units of its own.
        """
        labels = hamiltonian.labels
        for name, value in (("stop", self.stop), ("step", self.step)):
            if isinstance(value, InUnit) and not labels.physical:
                raise InvalidInput(
                    f"Argument `{name}` of times() {unit_refusal(labels, type(hamiltonian).__name__)}"
                )
        step = None if self.step is None else labels.on_clock(self.step)
        return Times(labels.on_clock(self.stop), self.saves, step)

    @property
    def spacing(self) -> float:
        """The time between two saves, to 14 digits: so that a longer run with the same spacing has the same one, where
        quotients differ by round-off.
        """
        return float(f"{self.stop / self.saves:.14g}")

    def grid(self) -> np.ndarray:
        """All save times, 0 included, (saves + 1,)."""
        return np.linspace(0.0, self.stop, self.saves + 1)

    def steps_for(self, theory: Theory, hamiltonian: HybridHamiltonian) -> int:
        """A whole number of steps between saves; the theory is asked for one only if none is given."""
        if self.step is not None:
            return self.steps_between_saves(None)
        return self.steps_between_saves(theory.suggested_step(hamiltonian.fastest_until(self.stop)))

    def steps_between_saves(self, suggestion: float | None) -> int:
        """A whole number of steps, none longer than `step` if it was given, else than the `suggestion`."""
        step = self.step if self.step is not None else suggestion
        if step is None:
            raise InvalidInput(
                "This Hamiltonian does not suggest a time step: give one, as in times(stop, saves, step=1.0)."
            )
        steps = self.spacing / step
        if not steps * self.saves <= LARGEST_STEPS:
            name = "stop" if self.step is None else "step"
            raise InvalidInput(
                f"Argument `{name}` asks for {steps * self.saves:.1g} steps of {step:g} until {self.stop:g}, more than "
                f"{LARGEST_STEPS:.0e}: take longer steps or stop earlier."
            )
        if self.step is None:
            return max(1, math.ceil(steps - 1e-9))
        nearest = round(steps)
        divides = abs(nearest * step - self.spacing) <= 1e-9 * self.spacing
        return nearest if divides else math.ceil(steps)

    def rounding(self, taken: float) -> str | None:
        """What became of a step that was asked for and does not divide the time between saves; None if it does."""
        if self.step is None or abs(taken - self.step) <= 1e-8 * self.step:
            return None
        return f"{self.step:g} was asked for; {taken:.6g} is the next shorter one that divides the time between saves"


@reads_arguments
def times(
    stop: Annotated[float | int | InUnit, "time"],
    saves: int = 200,
    step: Annotated[float | int | InUnit | None, "time"] = None,
) -> Times:
    """Save `saves` times at equal spacing until `stop` (and once at 0).

    Plain numbers are in the unit of the system: atomic units, picoseconds for a magnet in `RealUnits`, or units of its
    own. Texts with a unit are converted, and refused by a run of a system that has units of its own.

    `step`: the time step; by default the Hamiltonian or the theory suggests one. If it does not divide the time between
    saves, the next shorter one that does is taken, and the dataset says so. Raises `InvalidInput`.
    """
    if not (isinstance(stop, int | float) and math.isfinite(stop) and stop > 0):
        raise InvalidInput(f"Argument `stop` must be a positive time, got {stop!r}.")
    if isinstance(saves, bool) or not isinstance(saves, int | np.integer) or saves < 1:
        raise InvalidInput(f"Argument `saves` must be a whole number of at least 1, got {saves!r}.")
    if saves > LARGEST_SAVES:
        raise InvalidInput(f"Argument `saves` must be at most {LARGEST_SAVES}, got {saves}.")
    if step is not None and not (isinstance(step, int | float) and math.isfinite(step) and step > 0):
        raise InvalidInput(f"Argument `step` must be a positive time, got {step!r}.")
    return Times(_number(stop), int(saves), None if step is None else _number(step))


def _number(value: float | int) -> float:
    return value if isinstance(value, InUnit) else float(value)
