"""A start from the end of another run."""

import json
from pathlib import Path
from typing import Any

import numpy as np

from brackish.arguments import reads_arguments
from brackish.errors import CheckpointError, InvalidInput, UnsupportedHamiltonian, warn
from brackish.grids import Grid
from brackish.io import read_checkpoint, read_store
from brackish.preparations import Points, Preparation, Wavefunction

_OF_A_TRAJECTORY = {"point.position", "point.momentum", "psi", "weight"}
_DRAWN_ANEW = {"marked", "active", "frame", "key"}
"""What surface hopping knows beside them, and draws again from psi when it starts."""
_OF_A_WAVEFUNCTION = {"psi", "edge", "absorbed"}


@reads_arguments
def at_end(store: str | Path, ensemble: int | None = None) -> Preparation:
    """Where the run in a finished store ended, as a preparation for another one.

    `Points` with the position, the momentum, the weight and the quantum state of each trajectory; of `Exact`, its
    `Wavefunction` on its grid. Random numbers begin anew, and time begins at 0. Surface hopping draws the active
    surface of each trajectory anew from its quantum state, of which a warning tells. `ensemble`: which one, from 0,
    where a coupled theory ran several.

    Raises `CheckpointError` if the store is not finished, or kept no ends; `UnsupportedHamiltonian`, naming the theory,
    where a trajectory is more than these, or less.
    """
    header, arrays = read_checkpoint(store)
    attributes = read_store(store).attrs
    if not attributes.get("complete") or not header.get("ends") or "leaves" not in header:
        raise CheckpointError(
            f"{store} has no ends to start from: it is not finished, or was written with keep_ends=False or by an "
            "older version."
        )
    theory = json.loads(attributes["theory"])
    leaves = {name: arrays[f"ends.{number:04d}"] for number, name in enumerate(header["leaves"])}
    state = {
        name.removeprefix("state.").removeprefix("trajectory."): _of_lanes(values, header["plan"]["lanes"])
        for name, values in leaves.items()
        if name.startswith("state.")
    }
    if set(state) == _OF_A_WAVEFUNCTION:
        box = theory["grid"]
        return Wavefunction(state["psi"][0], Grid(box["lower"], box["upper"], box["points"]))
    if attributes["trajectories"] == 0 or not {*_OF_A_TRAJECTORY} - {"weight"} <= set(state):
        raise UnsupportedHamiltonian(
            f"Trajectories of {theory['type']} have no position, momentum and wavefunction of their own to start from."
        )
    more = set(state) - _OF_A_TRAJECTORY - _DRAWN_ANEW
    if more:
        raise UnsupportedHamiltonian(
            f"Trajectories of {theory['type']} carry more than Points hold ({', '.join(sorted(more))}): extend its run "
            "instead, by simulate(..., extend=STORE)."
        )
    if "weight" in state:
        state = {name: values[_number_of(ensemble, len(values), store)] for name, values in state.items()}
    else:
        if ensemble is not None:
            raise InvalidInput(
                f"Argument `ensemble` is {ensemble}, but {theory['type']} has independent trajectories: leave it out."
            )
        state["weight"] = _of_lanes(leaves["weight"], header["plan"]["lanes"])
    if "active" in state:
        warn(f"{theory['type']}: the active surface of each trajectory is drawn anew from its quantum state.")
    psi: Any = _states(theory, state)  # read by Points as one state for each point
    return Points(state["point.position"], state["point.momentum"], state["weight"], psi)


def _of_lanes(values: np.ndarray, lanes: int) -> np.ndarray:
    """Blocks one after the other, without what fills up the last one."""
    return values.reshape(-1, *values.shape[2:])[:lanes]


def _number_of(ensemble: int | None, count: int, store: Any) -> int:
    if ensemble is None and count > 1:
        raise InvalidInput(
            f"{store} holds {count} ensembles: say which one, as in at_end(store, ensemble=0)."
        )
    number = 0 if ensemble is None else ensemble
    if not 0 <= number < count:
        raise InvalidInput(f"Argument `ensemble` must be at least 0 and below {count}, got {number}.")
    return number


def _states(theory: dict[str, Any], state: dict[str, np.ndarray]) -> np.ndarray:
    """The quantum state of each trajectory in the basis of the Hamiltonian, (N, d)."""
    psi = state["psi"]
    if psi.ndim == 3 and psi.shape[2] > 1:
        raise UnsupportedHamiltonian(
            f"Trajectories of this run of {theory['type']} carry mixed states; Points hold pure ones."
        )
    psi = psi.reshape(psi.shape[:2])
    if "frame" in state:
        psi = np.sum(state["frame"] * psi[:, None, :], axis=2)
    # a step keeps norms to round-off or to its own order; a start has norm 1
    return psi / np.linalg.norm(psi, axis=1, keepdims=True)
