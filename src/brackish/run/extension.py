"""A finished run in a folder goes on: to longer times, with more trajectories, or both.

The file of the run is rewritten in the few values that change; everything else in it stays as the user wrote it.
"""

import contextlib
import copy
import dataclasses
import re
import tomllib
from pathlib import Path
from typing import Any

import numpy as np

from brackish.errors import CheckpointError, InvalidInput, shortened
from brackish.hamiltonians import HybridHamiltonian
from brackish.io import read_store
from brackish.run import folder
from brackish.run.comparison import store_of
from brackish.run.config import Setup, parse
from brackish.run.provenance import describe
from brackish.run.simulation import require_extendable
from brackish.run.time_grid import Times
from brackish.units import InUnit, quantity, unit_of, unit_refusal

Edits = dict[tuple[str, str], Any]
"""New values by table and key."""


def planned(path: Path, stop: str | None, trajectories: int | None) -> tuple[Path, str, Setup]:
    """The folder of a finished run, and the text and the setup of the one that goes on from it until `stop` and with so
    many trajectories. What the user has changed in the file of the run since it ended counts, too.

    Raises `InvalidInput` or `CheckpointError`, in one line that names what would fit. Nothing is written.
    """
    place, text, _ = folder.stopped(path)
    if folder.final(place) != place or not folder.is_complete(place):
        raise CheckpointError(f"{place} is not finished: go on with brackish resume {place}, then extend it.")
    file = place / folder.FILE
    before_text, before = _as_it_ran(place, text)
    edits: Edits = {}
    if stop is not None:
        edits |= _longer(stop, before)
    if trajectories is not None:
        edits["run", "trajectories"] = trajectories
    new_text = edited(text, edits, file)
    if tomllib.loads(new_text) == tomllib.loads(before_text):
        raise InvalidInput(f"{place} is there already: give a later --stop, or more --trajectories.")
    setup = parse(new_text, str(file))
    if setup.names != before.names:
        raise InvalidInput(
            f"{file} has other theories than the finished run, {', '.join(before.names)}: extend it with these."
        )
    _require_the_same_choices(before, setup, file)
    for name, theory, integrator in zip(setup.names, setup.theories, setup.integrators, strict=True):
        require_extendable(
            setup.hamiltonian,
            theory,
            setup.preparation,
            setup.times,
            store_of(place, name),
            integrator=integrator,
            **setup.options_of(theory),
        )
    return place, new_text, setup


def _as_it_ran(place: Path, text: str) -> tuple[str, Setup]:
    """The text from which the finished run was made, which its stores remember, and its setup."""
    names = parse(text, str(place / folder.FILE)).names
    made = read_store(store_of(place, names[0])).attrs.get("config")
    if made is None:
        raise CheckpointError(f"{place} does not say how it was made: it was not written by `brackish run`.")
    return made, parse(made, str(place / folder.FILE))


def _longer(stop: str, before: Setup) -> Edits:
    """Stop and saves of a run until `stop`, at the same spacing to the last digit."""
    times = before.times
    end, unit = _on_clock(stop, before.hamiltonian)
    saves = round(end / times.spacing)
    if end < times.stop * (1 - 1e-9):
        raise InvalidInput(f"Option --stop is {stop}, but the run went on until {times.stop:.10g} already.")
    if abs(saves * times.spacing - end) > 1e-9 * end:
        one, _ = _on_clock(f"1 {unit}", before.hamiltonian)
        below, above = (
            f"{count * times.spacing / one:.12g} {unit}".strip()
            for count in (int(end / times.spacing), int(end / times.spacing) + 1)
        )
        raise InvalidInput(
            f"Option --stop is {stop}, but the run saves every {times.spacing:.10g}: '{below}' or '{above}' would fit."
        )
    if Times(end, saves).spacing != times.spacing:
        return {("times", "stop"): float(f"{saves * times.spacing:.15g}"), ("times", "saves"): saves}
    return {("times", "stop"): stop if unit else end, ("times", "saves"): saves}


def _on_clock(stop: str, hamiltonian: HybridHamiltonian) -> tuple[float, str]:
    """A time, such as "4000" or "80 fs", as a plain number on the clock of the system, and its unit, if any.

    Raises `InvalidInput` for what is no time, and for one with a unit if the system is measured in units of its own.
    """
    asked: str | float = stop
    with contextlib.suppress(ValueError):
        asked = float(stop)
    try:
        end = quantity(asked, "time")
    except ValueError as error:
        raise InvalidInput(f"Option --stop: {error}.") from None
    if not isinstance(asked, str):
        return end, ""
    labels = hamiltonian.labels
    if not labels.physical:
        raise InvalidInput(f"Option --stop {unit_refusal(labels, type(hamiltonian).__name__)}")
    return labels.on_clock(InUnit(end)), unit_of(asked)


def _require_the_same_choices(before: Setup, after: Setup, file: Path) -> None:
    """Raise `InvalidInput` where a theory would choose another grid, or another step, for the longer time."""
    pairs = list(zip(before.theories, after.theories, strict=True))
    for number, (old, new) in enumerate(pairs, start=1):
        if type(old) is not type(new):
            continue
        for field in dataclasses.fields(old):
            mine, other = getattr(old, field.name), getattr(new, field.name)
            if describe(mine) != describe(other):
                raise InvalidInput(
                    f"theory[{number}] ({type(old).__name__}) would take another {field.name} for this run; to keep "
                    f"that of the finished one, write {field.name} = {_in_toml(mine)} into its table in {file}, then "
                    "extend."
                )
    steps = [
        (before.times.steps_for(old, before.hamiltonian), after.times.steps_for(new, after.hamiltonian))
        for old, new in pairs
    ]
    for number, (old_steps, new_steps) in enumerate(steps, start=1):
        if old_steps == new_steps or before.times.spacing != after.times.spacing:
            continue
        step = before.times.spacing / old_steps
        cure = f"to keep that of the finished one, write step = {step!r} into [times] in {file}, then extend"
        if len({mine for mine, _ in steps}) > 1:
            cure = "the theories of this file have steps of their own: extend them in Python, by simulate(extend=...)"
        raise InvalidInput(
            f"theory[{number}] would take steps of {after.times.spacing / new_steps:.6g} here, not {step:.6g}; "
            f"{cure}."
        )


# -- the text of the file ------------------------------------------------------------------------------------

_HEADER = re.compile(r"\s*\[\s*([\w-]+)\s*\]\s*(#.*)?$")
_VALUE = r"""("[^"\\]*"|'[^']*'|[^\s#"'\[\]{}]+)"""


def edited(text: str, edits: Edits, file: Path) -> str:
    """The text with these values and nothing else changed.

    Raises `InvalidInput`, saying what to change by hand, where it is not written one key a line.
    """
    expected = copy.deepcopy(tomllib.loads(text))
    new = text
    for (table, key), value in edits.items():
        new = _with_value(new, table, key, _in_toml(value))
        entries = expected.setdefault(table, {})
        entries[key] = value
    try:
        if tomllib.loads(new) == expected:
            return new
    except tomllib.TOMLDecodeError:
        pass
    wanted = ", ".join(f"{table}.{key} = {_in_toml(value)}" for (table, key), value in edits.items())
    raise InvalidInput(
        f"{file} is written in a form that cannot be changed without touching more: set {wanted} by hand, then give "
        f"brackish extend {shortened(str(file.parent))} without options."
    )


def _with_value(text: str, table: str, key: str, value: str) -> str:
    lines = text.splitlines(keepends=True)
    if lines and not lines[-1].endswith("\n"):
        lines[-1] += "\n"
    inside, header = False, None
    written = re.compile(rf"(\s*{key}\s*=\s*){_VALUE}(\s*(#.*)?)$")
    for number, line in enumerate(lines):
        if line.lstrip().startswith("["):
            found = _HEADER.match(line)
            inside = found is not None and found[1] == table
            header = number if inside else header
        elif inside and (match := written.match(line)):
            lines[number] = f"{match[1]}{value}{line[match.end(2) :]}"
            return "".join(lines)
    if header is None:
        return "".join([*lines, f"\n[{table}]\n{key} = {value}\n"])
    return "".join([*lines[: header + 1], f"{key} = {value}\n", *lines[header + 1 :]])


def _in_toml(value: Any) -> str:
    """A value as a file has it: numbers to the last digit, and what is made of fields as a table."""
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, str):
        return '"' + value.replace("\\", "\\\\").replace('"', '\\"') + '"'
    if isinstance(value, int | float):
        return repr(value)
    if isinstance(value, tuple | list):
        return "[" + ", ".join(_in_toml(entry) for entry in value) + "]"
    if dataclasses.is_dataclass(value) and not isinstance(value, type):
        fields = ((field.name, getattr(value, field.name)) for field in dataclasses.fields(value))
        rest = [f"{name} = {_in_toml(entry)}" for name, entry in fields if entry is not None]
        return "{ " + ", ".join([f'kind = "{type(value).__name__}"', *rest]) + " }"
    return _in_toml(np.asarray(value).tolist())
