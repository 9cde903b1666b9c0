"""What a figure reads from a dataset: the theories in it, what it lacks, and words about the run."""

import dataclasses
import json
import re
from collections.abc import Sequence
from typing import Any

import numpy as np

from brackish.errors import InvalidInput

PEOPLE = {
    "AleksandrovGerasimenko": "Aleksandrov–Gerasimenko",
    "BornOppenheimer": "Born–Oppenheimer",
    "JahnTeller": "Jahn–Teller",
    "KoopmanVanHove": "Koopman–van Hove",
    "KoopmanVonNeumann": "Koopman–von Neumann",
    "NewnsAnderson": "Newns–Anderson",
    "ShinMetiu": "Shin–Metiu",
    "VonMisesFisher": "von Mises–Fisher",
}
ATOMIC_TIME = "hbar/hartree"
NAMES = ("Ehrenfest", "Koopman", "Liouville")


@dataclasses.dataclass(frozen=True)
class Run:
    """The results of one theory.

    `name`: as in the dataset ("SurfaceHopping 2"); `data`: a dataset without a theory dimension.
    """

    name: str
    data: Any

    def has(self, variable: str) -> bool:
        """Whether this theory has the variable, with at least one number in it."""
        return variable in self.data and bool(np.isfinite(self.data[variable].values).any())

    def has_errors(self, variable: str) -> bool:
        """Whether a standard error is known and not zero everywhere."""
        name = variable + "_standard_error"
        return self.has(name) and bool(np.nanmax(self.data[name].values) > 0)

    @property
    def time(self) -> np.ndarray:
        """Times of the saves, (saves,)."""
        return self.data["time"].values

    @property
    def clock(self) -> str:
        """What stands on an axis of times."""
        units = self.data["time"].attrs.get("units", ATOMIC_TIME)
        if self.data["time"].attrs.get("reduced_units"):
            return "time (ħ / unit of energy)"
        return "time (atomic units)" if units == ATOMIC_TIME else f"time ({units})"

    @property
    def physical(self) -> bool:
        """Whether times are atomic units, so that they are so many femtoseconds too."""
        return self.clock == "time (atomic units)"


def runs_of(dataset: Any) -> list[Run]:
    """The theories in a dataset, in their order; one alone is named by the attribute `theory`."""
    if not hasattr(dataset, "data_vars"):
        raise InvalidInput(f"A figure is made from an xarray.Dataset, got {type(dataset).__name__}.")
    if "theory" not in dataset.dims:
        return [Run(_type_in(dataset.attrs.get("theory")) or "result", dataset)]
    names = dataset["theory"].values if "theory" in dataset.coords else range(dataset.sizes["theory"])
    return [Run(str(name), dataset.isel(theory=index)) for index, name in enumerate(names)]


def require(dataset: Any, figure: str, *variables: str) -> list[Run]:
    """The theories that have all these variables. Raises `InvalidInput` naming one that no theory has."""
    runs = runs_of(dataset)
    for variable in (*variables, *(("time",) if variables else ())):
        holders = [run for run in runs if run.has(variable)]
        if not holders:
            lack = "has no numbers in" if variable in dataset else "lacks"
            raise InvalidInput(
                f"The figure `{figure}` needs '{variable}', but the dataset {lack} that variable."
            )
        runs = holders
    return runs


def is_adiabatic(dataset: Any) -> bool:
    """Whether the run was prepared in an adiabatic state."""
    state = _decoded(dataset.attrs.get("preparation")).get("state")
    return isinstance(state, dict) and state.get("type") == "Adiabatic"


def first_level(run: Run, variable: str) -> int:
    """The level that has most of the population at the start."""
    return int(np.nanargmax(run.data[variable].transpose("time", "level").values[0]))


def title_of(dataset: Any) -> str:
    """What was run, in a few words: the Hamiltonian's name."""
    description = _decoded(dataset.attrs.get("hamiltonian"))
    kind = str(description.get("type", "")) or "Comparison of theories"
    if "Function" in kind:
        # a user's own function gives the name, if it has one
        written = description.get("coupling_function") or description.get("interaction_function") or {}
        name = str(written.get("function", "")).rsplit(".", 1)[-1] if isinstance(written, dict) else ""
        if not name.isidentifier():
            return "A Hamiltonian of your own"
        kind = name
    return in_words(kind)


def subtitle_of(dataset: Any, runs: Sequence[Run] = (), *variables: str) -> str:
    """How it was started, with how many trajectories, and what the bands of these variables are."""
    parts = []
    preparation = _decoded(dataset.attrs.get("preparation"))
    if preparation.get("type"):
        words = [in_words(str(preparation["type"]))]
        # what lays the points of a packet is named; the numbers are those of the packet
        inner = preparation.get("start", preparation.get("packet"))
        preparation = inner if isinstance(inner, dict) else preparation
        for key in ("position", "momentum", "width", "temperature"):
            value = preparation.get(key)
            value = value[0] if isinstance(value, list) and len(value) == 1 else value
            if isinstance(value, int | float):
                words.append(f"{key} {value:g}".replace("-", "−"))
        state = preparation.get("state")
        if isinstance(state, dict) and state.get("type") in ("Adiabatic", "Diabatic") and "level" in state:
            words.append(f"{state['type'].lower()} level {state['level']}")
        parts.append(", ".join(words))
    written = str(dataset.attrs.get("trajectories", "")).split()
    most = max((int(word) for word in written if word.isdigit()), default=0)
    if most:
        parts.append(f"{most} trajectories" if most > 1 else "1 trajectory")
    if any(run.has_errors(variable) for run in runs for variable in variables):
        parts.append("bands: ± one standard error")
    return "  ·  ".join(parts)


def in_words(name: str) -> str:
    """ "SurfaceHopping 2" -> "Surface hopping 2"; people keep their capitals, and names of two get a dash."""
    name = name.replace("_", " ")
    for joined, written in PEOPLE.items():
        if name.startswith(joined):
            return name.replace(joined, written, 1)
    words = re.sub(r"(?<=[a-z])(?=[A-Z])", " ", name).split()
    later = [word if word.isupper() or word in NAMES else word.lower() for word in words[1:]]
    return " ".join([words[0][:1].upper() + words[0][1:], *later])


def _decoded(text: Any) -> dict[str, Any]:
    try:
        value = json.loads(text)
    except (TypeError, ValueError):
        return {}
    return value if isinstance(value, dict) else {}


def _type_in(text: Any) -> str:
    return str(_decoded(text).get("type", ""))
