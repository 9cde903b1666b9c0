"""When a run is looked at, and in which steps it goes there."""

import dataclasses
import math
from typing import Annotated

import numpy as np

from brackish.arguments import reads_arguments
from brackish.errors import InvalidInput
from brackish.hamiltonians import HybridHamiltonian
from brackish.theory import Theory


@dataclasses.dataclass(frozen=True)
class Times:
    """Equally spaced saves from 0 to `stop`, in atomic units of time; made by `times`."""

    stop: float
    saves: int
    step: float | None = None

    @property
    def spacing(self) -> float:
        """The time between two saves."""
        return self.stop / self.saves

    def grid(self) -> np.ndarray:
        """All save times, 0 included, (saves + 1,)."""
        return np.linspace(0.0, self.stop, self.saves + 1)

    def steps_for(self, theory: Theory, hamiltonian: HybridHamiltonian) -> int:
        """A whole number of steps between saves; the theory is asked for one only if none is given."""
        if self.step is not None:
            return self.steps_between_saves(None)
        return self.steps_between_saves(theory.suggested_step(hamiltonian.fastest_until(self.stop)))

    def steps_between_saves(self, suggestion: float | None) -> int:
        """A whole number of steps: exactly `step` if it was given, else no longer than the `suggestion`."""
        if self.step is None:
            if suggestion is None:
                raise InvalidInput(
                    "This Hamiltonian does not suggest a time step: give one, as in times(stop, saves, step=1.0)."
                )
            return max(1, math.ceil(self.spacing / suggestion - 1e-9))
        steps = round(self.spacing / self.step)
        if steps < 1 or abs(steps * self.step - self.spacing) > 1e-9 * self.spacing:
            raise InvalidInput(
                f"Argument `step` must divide the spacing of the save times, but {self.step:g} does not divide "
                f"{self.spacing:g}. The nearest step that does is {self.spacing / max(steps, 1):.6g}."
            )
        return steps


@reads_arguments
def times(
    stop: Annotated[float | int, "time"],
    saves: int = 200,
    step: Annotated[float | int | None, "time"] = None,
) -> Times:
    """Save `saves` times at equal spacing until `stop` (and once at 0), all in atomic units of time.

    `step`: the time step; by default the Hamiltonian or the theory suggests one. Raises `InvalidInput`.
    """
    if not (isinstance(stop, int | float) and math.isfinite(stop) and stop > 0):
        raise InvalidInput(f"Argument `stop` must be a positive time, got {stop!r}.")
    if isinstance(saves, bool) or not isinstance(saves, int | np.integer) or saves < 1:
        raise InvalidInput(f"Argument `saves` must be a whole number of at least 1, got {saves!r}.")
    if step is not None and not (isinstance(step, int | float) and math.isfinite(step) and step > 0):
        raise InvalidInput(f"Argument `step` must be a positive time, got {step!r}.")
    return Times(float(stop), int(saves), None if step is None else float(step))
