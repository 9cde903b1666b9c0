"""Explicit starting points."""

from typing import Annotated, ClassVar

import equinox as eqx
import jax.numpy as jnp
import numpy as np

from brackish.errors import InvalidInput
from brackish.manifolds import PhasePoint
from brackish.preparations.base import Draw, Preparation, require_canonical
from brackish.preparations.electronic import AmplitudesOfEach, ElectronicState, electronic_state
from brackish.typing import Array, Float


def _rows(value) -> np.ndarray:
    value = np.asarray(value, dtype=float)
    return value[:, None] if value.ndim == 1 else np.atleast_2d(value)


def _states(value) -> ElectronicState | AmplitudesOfEach:
    """One state for all points, or rows of amplitudes, one for each."""
    if isinstance(value, AmplitudesOfEach):
        return value
    if isinstance(value, list | tuple | np.ndarray | Array) and np.ndim(value) == 2:
        return AmplitudesOfEach(np.asarray(value))
    return electronic_state(value)


class Points(Preparation):
    """Given points of phase space with given weights.

    `positions`, `momenta`: (N, n), or (N,) for one coordinate. `weights`: (N,), not negative, scaled to sum
    to N; all equal by default. `state`: of all of them, or (N, d) complex amplitudes, one row of norm 1 for each. Means
    over laid-out points carry no standard error. `at_end` makes them from the end of a run.
    """

    positions: Annotated[Float[np.ndarray | Array, "N n"], "length"] = eqx.field(converter=_rows)
    momenta: Annotated[Float[np.ndarray | Array, "N n"], "momentum"] = eqx.field(converter=_rows)
    weights: Float[np.ndarray | Array, " N"] | None = eqx.field(
        converter=lambda w: None if w is None else np.asarray(w, dtype=float), default=None
    )
    state: ElectronicState | AmplitudesOfEach = eqx.field(converter=_states, default=0)
    random: ClassVar[bool] = False
    repeats: ClassVar[bool] = True

    def __check_init__(self):
        if not isinstance(self.positions, np.ndarray):
            return
        if self.positions.shape != self.momenta.shape or self.positions.size == 0:
            raise InvalidInput(
                "Arguments `positions` and `momenta` must have the same shape (points, coordinates), got "
                f"{self.positions.shape} and {self.momenta.shape}."
            )
        if not (np.all(np.isfinite(self.positions)) and np.all(np.isfinite(self.momenta))):
            raise InvalidInput("Arguments `positions` and `momenta` must be finite.")
        if isinstance(self.weights, np.ndarray) and (
            self.weights.shape != self.positions.shape[:1]
            or not np.all(np.isfinite(self.weights) & (self.weights >= 0))
            or self.weights.sum() == 0
        ):
            raise InvalidInput(
                f"Argument `weights` must be {self.positions.shape[0]} numbers, none negative and not all zero."
            )
        each = self.state if isinstance(self.state, AmplitudesOfEach) else None
        if each is not None and np.shape(each.values)[:1] != self.positions.shape[:1]:
            raise InvalidInput(
                f"Argument `state` of Points must be one state for all, or a row for each of "
                f"{self.positions.shape[0]} points, got shape {np.shape(each.values)}."
            )

    def check(self, hamiltonian):
        require_canonical(self, hamiltonian)
        if self.positions.shape[1] != hamiltonian.manifold.coordinates:
            raise InvalidInput(
                f"Argument `positions` has {self.positions.shape[1]} coordinates, the Hamiltonian has "
                f"{hamiltonian.manifold.coordinates}."
            )
        self.state.check(hamiltonian)

    def count(self):
        return self.positions.shape[0]

    def standard_deviations(self, hamiltonian):
        weights = np.ones(self.count()) if self.weights is None else np.asarray(self.weights)
        share = (weights / weights.sum())[:, None]

        def deviation(values):
            values = np.asarray(values)
            return np.sqrt(np.sum(share * (values - np.sum(share * values, axis=0)) ** 2, axis=0))

        return deviation(self.positions), deviation(self.momenta)

    def draw(self, hamiltonian, index, key):
        index = index % self.positions.shape[0]
        point = PhasePoint(jnp.asarray(self.positions)[index], jnp.asarray(self.momenta)[index])
        if self.weights is None:
            weight = jnp.ones(())
        else:
            weights = jnp.asarray(self.weights)
            weight = weights[index] * weights.shape[0] / jnp.sum(weights)
        if isinstance(self.state, AmplitudesOfEach):
            psi = self.state.spinor_of(index)
        else:
            psi = self.state.spinor(hamiltonian, point)
        return Draw(point, psi, weight)
