"""What a figure reads from a dataset: the theories in it, what it lacks, and words about the run."""

import dataclasses
import json
import math
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


@dataclasses.dataclass(frozen=True)
class Size:
    """How many entries a dimension must have, from `least` to `most`; one that is not there has none. `wanted`: what is
    needed, in words that may end with what there is, {size}.
    """

    dimension: str
    least: int
    most: int | float
    wanted: str


MANY = math.inf
ALONG_ONE = (
    Size("node_0", 1, MANY, "fields along one coordinate"),
    Size("node_1", 0, 0, "fields along one coordinate"),
)


@dataclasses.dataclass(frozen=True)
class Need:
    """What a figure needs of a dataset: `variables` that one of its theories has, beside the time, and `sizes`."""

    variables: tuple[str, ...]
    sizes: tuple[Size, ...] = ()

    def met_by(self, run: Run) -> bool:
        """Whether one theory has all the variables."""
        return all(run.has(variable) for variable in self.variables)

    def holders(self, dataset: Any) -> tuple[list[Run], str]:
        """The theories that have all of it; and where there are none, what the dataset lacks, in words."""
        runs = runs_of(dataset)
        for variable in (*self.variables, "time"):
            runs = [run for run in runs if run.has(variable)]
            if not runs:
                lack = (
                    "in which the dataset has no numbers"
                    if variable in dataset
                    else "which the dataset lacks"
                )
                return [], f"'{variable}', {lack}"
        for size in self.sizes:
            found = dataset.sizes.get(size.dimension, 0)
            if not size.least <= found <= size.most:
                return [], size.wanted.format(size=found)
        return runs, ""


def require(dataset: Any, figure: str, need: Need) -> list[Run]:
    """The theories that have what a figure needs. Raises `InvalidInput`, naming what is lacking."""
    runs, lack = need.holders(dataset)
    if lack:
        raise InvalidInput(f"The figure `{figure}` needs {lack}.")
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
