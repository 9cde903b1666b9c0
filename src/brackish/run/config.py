"""A run as a TOML file: tables [model], [preparation], [[theory]], [times] and [run].

    [model]
    name = "tully"
    mass = "2000 electron_mass"

    [preparation]
    kind = "GaussianPacket"
    position = -8.0
    momentum = 20.0
    width = 0.5
    state = { kind = "Adiabatic", level = 0 }

    [[theory]]
    kind = "SurfaceHopping"
    rescaling = "AlongMomentum"
    decoherence = { kind = "EnergyBasedDecoherence", parameter = 0.1 }

    [times]
    stop = "40 fs"

    [run]
    trajectories = 2000

The keys of a table are the parameters of what it names (see `catalogue`). A choice is a name, or a table
with a `kind`. Each table becomes a strict pydantic model made from those parameters; what pydantic has
passed is built, and what was built is held against each other. All mistakes are collected, each in one line
that says where. Nothing is computed or written here.
"""

import dataclasses
import functools
import math
import re
import sys
import tomllib
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Annotated, Any, ClassVar

from brackish.arguments import readable_path
from brackish.errors import LONGEST_GUESSED, BrackishError, InvalidInput, shortened, unknown_name
from brackish.hamiltonians import HybridHamiltonian
from brackish.integrators import StrangAroundJumps, WithJumps
from brackish.observables import Observable
from brackish.preparations import Preparation
from brackish.run.catalogue import (
    Parameter,
    call,
    named_integrators,
    named_models,
    named_observables,
    named_preparations,
    named_theories,
    parameters,
    table_of_run,
    table_of_times,
)
from brackish.run.comparison import theory_names
from brackish.run.presets import PRESETS, model_aliases
from brackish.run.simulation import check_observables, trajectory_count
from brackish.run.time_grid import Times, times
from brackish.theory import HasJump, Theory
from brackish.units import InUnit, begins_with_number, quantity, require_units

_LABEL = re.compile(r"[\w.+-][\w .+-]{0,59}")
REFUSED = object()
MISSING = "is missing"
LONGEST_LINE = 120
LARGEST_NUMBER = sys.float_info.max
TABLES = ("model", "preparation", "theory", "times", "run")


class InvalidDocument(InvalidInput):
    """A file with mistakes: one line for each in `mistakes`, each beginning with its place."""

    def __init__(self, mistakes: list[str]):
        self.mistakes = mistakes
        super().__init__("; ".join(mistakes))


@dataclasses.dataclass(frozen=True)
class Setup:
    """A run that can begin: everything is built and checked. `integrators`: None is the theory's own."""

    hamiltonian: HybridHamiltonian
    preparation: Preparation
    theories: tuple[Theory, ...]
    integrators: tuple[Any, ...]
    times: Times
    options: dict[str, Any]
    out: str | None
    labels: tuple[str | None, ...] = ()

    @property
    def names(self) -> list[str]:
        """One name for each theory: its label, or that of its class."""
        names = theory_names(self.theories)
        return [label or name for name, label in zip(names, self.labels or (None,) * len(names), strict=True)]

    def options_of(self, theory: Theory) -> dict[str, Any]:
        """The options that mean something to a theory: one of the whole wavefunction has no trajectories."""
        meaningless = () if theory.has_trajectories else ("trajectories", "ensembles")
        return {name: value for name, value in self.options.items() if name not in meaningless}


def with_theories(setup: Setup, theories: Iterable[Theory]) -> Setup:
    """The same run with other theories, each with its own integrator."""
    theories = tuple(theories)
    return dataclasses.replace(setup, theories=theories, integrators=(None,) * len(theories), labels=())


def with_some(setup: Setup, numbers: Iterable[int]) -> Setup:
    """The same run with some of its theories, under the same names."""
    numbers, names = tuple(numbers), setup.names
    return dataclasses.replace(
        setup,
        theories=tuple(setup.theories[number] for number in numbers),
        integrators=tuple(setup.integrators[number] for number in numbers),
        labels=tuple(names[number] for number in numbers),
    )


def natural_start(hamiltonian: HybridHamiltonian) -> tuple[Preparation, Times] | None:
    """The preparation and the times of the ready-made comparison on a Hamiltonian of this type, if there is one."""
    known = named_models()
    for name, preset in PRESETS.items():
        document = preset()
        model = dict(document["model"])
        make = known[model.pop("name")]
        # to make a model may take seconds; its type stands in the same file
        if make.__module__ == type(hamiltonian).__module__ and type(make(**model)) is type(hamiltonian):
            reader = _Reader(name)
            table = reader.component(document, "preparation", "kind", named_preparations())
            return reader.construct(table, "preparation"), times(**document["times"])
    return None


def read(path: str | Path) -> tuple[str, Setup]:
    """The text of a TOML file, and what it asks for. Raises `InvalidDocument` or `InvalidInput`."""
    path = Path(path)
    try:
        # some editors put a mark before the text
        text = path.read_text(encoding="utf-8-sig")
    except UnicodeDecodeError:
        raise InvalidInput(f"{path} is not a text file (UTF-8).") from None
    except OSError as error:
        raise InvalidInput(f"Cannot read {path}: {error.strerror or error}.") from None
    return text, parse(text, str(path))


def parse(text: str, name: str) -> Setup:
    """What a TOML text asks for; `name` stands before each mistake."""
    try:
        document = tomllib.loads(text)
    except tomllib.TOMLDecodeError as error:
        raise InvalidDocument([f"{name}: not valid TOML: {_short_text(error)}"]) from None
    except RecursionError:
        raise InvalidDocument([f"{name}: not valid TOML: lists and tables are nested too deeply"]) from None
    except ValueError as error:
        # a whole number that Python does not read, for it has thousands of digits
        raise InvalidDocument([f"{name}: not valid TOML: {_short_text(error)}"]) from None
    return build(document, name)


def build(document: dict[str, Any], name: str) -> Setup:
    """What a document (the tables of a TOML file) asks for. Raises `InvalidDocument`."""
    reader = _Reader(name)
    for key in document:
        if key not in TABLES:
            reader.note(key, _unknown_key(key, TABLES, "table"))
    model = reader.component(document, "model", "name", {**model_aliases(), **named_models()})
    preparation = reader.component(document, "preparation", "kind", named_preparations())
    theories = reader.theories(document)
    when = reader.fixed(document, "times", table_of_times())
    options = reader.fixed({"run": {}, **document}, "run", table_of_run())

    labels = reader.labels(theories)

    hamiltonian = reader.construct(model, "model")
    start = reader.construct(preparation, "preparation")
    grid = None if when is None else reader.construct(_Table(times, when, {}), "times")
    built = [reader.theory(table, place) for place, table in theories]
    if hamiltonian is not None:
        grid = reader.on_clock(hamiltonian, grid)
        reader.check_units(
            hamiltonian, {"preparation": start, **{place: theory for place, theory, _ in built}}
        )
    out = None if options is None else reader.path(options.pop("out", None), "run.out")
    if options is not None:
        options["observables"] = reader.observables(options.pop("observables", None))
        reader.check_together(hamiltonian, start, grid, built, options)
    if reader.mistakes or hamiltonian is None or start is None or grid is None or options is None:
        raise InvalidDocument(reader.mistakes)
    return Setup(
        hamiltonian,
        start,
        tuple(theory for _, theory, _ in built),
        tuple(integrator for _, _, integrator in built),
        grid,
        options,
        out,
        labels,
    )


@dataclasses.dataclass(frozen=True)
class _Table:
    """A table that pydantic has passed: what to call, with which values; `nested` must be built first."""

    target: Any
    values: dict[str, Any]
    nested: dict[str, "_Table"]


class _Reader:
    """Reads tables and collects mistakes."""

    def __init__(self, name: str):
        self.name = name
        self.mistakes: list[str] = []

    def note(self, place: str, message: str) -> None:
        """One more mistake, unless it is known already."""
        line = " ".join(f"{self.name}: {_short_text(place)}: {message}".split())
        if line not in self.mistakes:
            self.mistakes.append(line)

    def component(self, document, table: str, key: str, known: dict[str, Any]) -> _Table | None:
        """The table that names a model or a preparation."""
        if table not in document:
            self.note(table, f"the table [{table}] is missing")
            return None
        value = document[table]
        if isinstance(value, list):
            self.note(table, f"must be one table [{table}], got a list")
            return None
        return self.choice(value, table, key, known)

    def theories(self, document) -> list[tuple[str, _Table | None]]:
        """The tables [[theory]], numbered from 1."""
        entries = document.get("theory")
        if entries is None or entries == []:
            self.note("theory", "the table [[theory]] is missing")
            return []
        if not isinstance(entries, list) or not all(isinstance(entry, dict) for entry in entries):
            self.note("theory", "must be written [[theory]], once for each theory")
            return []
        further = (
            Parameter("integrator", None, "choice", choices=tuple(named_integrators().values())),
            Parameter("label", None, "text"),
        )
        places = [f"theory[{number}]" for number in range(1, len(entries) + 1)]
        known = named_theories()
        return [(p, self.choice(e, p, "kind", known, further)) for p, e in zip(places, entries, strict=True)]

    def choice(self, value, place: str, key: str, known: dict[str, Any], further=()) -> _Table | None:
        """A table whose `key` names one of the `known`."""
        if not isinstance(value, dict):
            self.note(place, f"must be a table, got {shortened(value)}")
            return None
        kind = value.get(key)
        if not isinstance(kind, str):
            got = "is missing" if kind is None else f"must be a name, got {shortened(kind)}"
            self.note(f"{place}.{key}", f"{got}; known: {', '.join(sorted(known))}")
            return None
        if kind not in known:
            self.note(f"{place}.{key}", _sentence(unknown_name(_noun(place), kind, known)))
            return None
        target = known[kind]
        if isinstance(target, dict):
            value, target = {**target, **value}, named_models()[target[key]]
        rest = {name: entry for name, entry in value.items() if name != key}
        return self.validated(_schema_of(target, further), rest, place)

    def labels(self, theories: Iterable[tuple[str, _Table | None]]) -> tuple[str | None, ...]:
        """What the theories are called in the results and in the names of their stores; taken out of their tables."""
        found: list[str | None] = []
        for place, table in theories:
            label = None if table is None else table.values.pop("label", None)
            if label is not None and not _LABEL.fullmatch(label):
                self.note(
                    f"{place}.label",
                    f"must be up to 60 letters, digits, blanks or _.+-, got {shortened(label)}",
                )
            if label is not None and label.lower() in [other.lower() for other in found if other is not None]:
                self.note(f"{place}.label", f"is {shortened(label)}, as that of another theory")
            found.append(label)
        return tuple(found)

    def observables(self, entries: Any) -> tuple[Observable, ...]:
        """What is to be kept beside the standard observables: names, and tables of those with parameters."""
        place, known = "run.observables", named_observables()
        found: list[Observable] = []
        if entries is None:
            return ()
        if not isinstance(entries, list):
            self.note(place, f"must be a list of names, got {shortened(entries)}; known: {', '.join(known)}")
            return ()
        for number, entry in enumerate(entries, 1):
            where = f"{place}[{number}]"
            table = self.choice({"kind": entry} if isinstance(entry, str) else entry, where, "kind", known)
            made = self.construct(table, where)
            if made is not None and any(made.name == other.name for other in found):
                self.note(where, f"is '{made.name}', as another one: give it a `name` of its own")
            elif made is not None:
                found.append(made)
        return tuple(found)

    def path(self, value: str | None, place: str) -> str | None:
        """A path that a file could be at, the home folder written out."""
        try:
            return None if value is None else str(readable_path(value, "it"))
        except InvalidInput as error:
            self.note(place, _sentence(error))
            return None

    def fixed(self, document, table: str, entries: tuple[Parameter, ...]) -> dict[str, Any] | None:
        """The values of a table with fixed keys."""
        if table not in document:
            self.note(table, f"the table [{table}] is missing")
            return None
        if not isinstance(document[table], dict):
            self.note(table, f"must be a table [{table}], got {shortened(document[table])}")
            return None
        checked = self.validated(_schema(table, None, entries), document[table], table)
        return None if checked is None else checked.values

    def validated(self, schema, value, place: str) -> _Table | None:
        """The table as `schema` has it, or None and its mistakes noted."""
        import pydantic

        try:
            return _table(schema.model_validate(value))
        except pydantic.ValidationError as error:
            told = [_in_words(complaint, schema, place) for complaint in error.errors(include_url=False)]
            meant = {message.partition("did you mean '")[2].partition("'")[0] for _, message in told}
            for where, message in told:
                # a key that is misspelt is not missing besides
                if message != MISSING or where.rpartition(".")[2] not in meant:
                    self.note(where, message)
            return None

    def construct(self, table: _Table | None, place: str):
        """What the table describes, or None and its mistakes noted.

        After each refusal that names a parameter which may be left out, the rest is tried without it: a file
        with three mistakes gets three lines.
        """
        if table is None:
            return None
        before = len(self.mistakes)
        values = dict(table.values)
        for name, nested in table.nested.items():
            values[name] = self.construct(nested, f"{place}.{name}")
        if len(self.mistakes) > before:
            return None
        optional = {parameter.name for parameter in parameters(table.target) if not parameter.required}
        while True:
            try:
                made = call(table.target, values)
            except (BrackishError, ValueError, TypeError, ArithmeticError, MemoryError) as error:
                blamed, message = _refusal(error, values)
                self.note(f"{place}.{blamed}" if blamed else place, message)
                if blamed not in optional:
                    return None
                del values[blamed]
            else:
                return made if len(self.mistakes) == before else None

    def theory(self, table: _Table | None, place: str):
        """A theory and its integrator, with their place."""
        if table is None:
            return place, None, None
        integrator = self.construct(table.nested.get("integrator"), f"{place}.integrator")
        nested = {name: entry for name, entry in table.nested.items() if name != "integrator"}
        theory = self.construct(_Table(table.target, table.values, nested), place)
        if (
            integrator is not None
            and isinstance(theory, HasJump)
            and not isinstance(integrator, WithJumps | StrangAroundJumps)
        ):
            # the jumps belong to the theory; the file chooses how the motion between them is cut
            integrator = WithJumps(integrator)
        return place, theory, integrator

    def check_together(self, hamiltonian, preparation, when, built, options) -> None:
        """Do the parts fit each other? Each pair is asked as soon as both are there."""
        if hamiltonian is None:
            return
        fits = (
            preparation is not None
            and self.ask("preparation", preparation, preparation.check, hamiltonian) is not REFUSED
        )
        for number, (place, theory, integrator) in enumerate(built):
            if theory is None:
                continue
            name = type(theory).__name__
            if self.ask(place, theory, theory.requirements().check, name, hamiltonian) is REFUSED:
                continue
            if fits and when is not None:
                resolved = self.ask(place, theory, theory.resolve, hamiltonian, preparation, when)
                theory = theory if resolved is REFUSED else resolved
                built[number] = (place, theory, integrator)
            self.ask(
                "run.observables", theory, check_observables, theory, hamiltonian, options["observables"]
            )
            if integrator is not None:
                self.ask(f"{place}.integrator", integrator, integrator.check, theory, hamiltonian)
            if when is not None:
                self.ask("times", when, when.steps_for, theory, hamiltonian)
            if preparation is not None and theory.has_trajectories:
                self.ask_for_trajectories(theory, preparation, options.get("trajectories"))

    def on_clock(self, hamiltonian: HybridHamiltonian, when: Times | None) -> Times | None:
        """The times in the unit of the system; a refusal is noted."""
        moved = None if when is None else self.ask("times", when, when.on_clock_of, hamiltonian)
        return None if moved is REFUSED else moved

    def check_units(self, hamiltonian: HybridHamiltonian, parts: dict[str, Any]) -> None:
        """Does each part, by its place, have units only where the system has such ones?"""
        for place, part in parts.items():
            if part is not None:
                self.ask(place, part, require_units, part, hamiltonian.labels, type(hamiltonian).__name__)

    def ask_for_trajectories(self, theory: Theory, preparation: Preparation, asked: int | None) -> None:
        """Can the theory have so many trajectories from there? A refusal is noted."""
        try:
            trajectory_count(theory, preparation, asked)
        except InvalidInput as error:
            self.note("run.trajectories", _refusal(error, ("trajectories",))[1])

    def ask(self, place: str, owner: Any, check: Callable, *arguments: Any) -> Any:
        """What a check of `owner` returns, or `REFUSED`; a refusal is noted."""
        try:
            return check(*arguments)
        except BrackishError as error:
            fields = [field.name for field in dataclasses.fields(owner)]
            name, message = _refusal(error, fields)
            self.note(f"{place}.{name}" if name else place, message)
            return REFUSED


# -- pydantic models from parameters -------------------------------------------------------------------------


@functools.cache
def _schema_of(target: Callable, further: tuple[Parameter, ...] = ()):
    return _schema(target.__name__, target, (*parameters(target), *further))


@functools.cache
def _base():
    """What all tables share: strict, and no unknown keys."""
    import pydantic

    class Table(pydantic.BaseModel):
        model_config = pydantic.ConfigDict(strict=True, extra="forbid", arbitrary_types_allowed=True)
        described: ClassVar[Any] = None

    return Table


def _schema(name: str, target: Callable | None, entries: tuple[Parameter, ...]):
    import pydantic

    fields: dict[str, Any] = {
        entry.name: (_annotation(entry), ... if entry.required else None) for entry in entries
    }
    schema = pydantic.create_model(name, __base__=_base(), **fields)
    schema.described = target
    return schema


def _annotation(entry: Parameter) -> Any:
    import pydantic

    if entry.kind == "table":
        return Any
    if entry.kind != "choice":
        return Annotated[Any, pydantic.BeforeValidator(functools.partial(_leaf, entry))]
    known = {choice.__name__: choice for choice in entry.choices}
    single = next(iter(known)) if len(known) == 1 and not entry.open else None

    def tag(value: Any) -> str | None:
        if isinstance(value, dict):
            kind = value.get("kind", single)
            return f"kind={kind}" if isinstance(kind, str) else None
        if isinstance(value, str) and not (entry.dimension and entry.open and begins_with_number(value)):
            return f"kind={value}"
        return "kind=" if entry.open else None

    rest = pydantic.BeforeValidator(_without_kind)
    members = [
        Annotated[_schema_of(choice), rest, pydantic.Tag(f"kind={name}")] for name, choice in known.items()
    ]
    read = _plain if entry.dimension is None else functools.partial(_dimensioned, entry)
    plain = Annotated[Any, pydantic.BeforeValidator(read), pydantic.Tag("kind=")]
    union: Any = plain
    for member in members:
        union = union | member
    context: Any = {"known": sorted(known)}
    return Annotated[union, pydantic.Discriminator(tag, "choice", "no such choice", context)]


def _without_kind(value: Any) -> Any:
    """The entries of a choice, whose kind has been read already; a bare name is a table without entries."""
    if isinstance(value, dict):
        return {name: entry for name, entry in value.items() if name != "kind"}
    return {} if isinstance(value, str) else value


def _leaf(entry: Parameter, value: Any) -> Any:
    """The value of a parameter that is no choice. Raises `ValueError` with words that follow its place."""
    if entry.kind == "flag":
        if not isinstance(value, bool):
            raise ValueError(f"must be true or false, got {shortened(value)}")
        return value
    if entry.kind == "text":
        if not isinstance(value, str) or not value:
            raise ValueError(f"must be a text, got {shortened(value)}")
        return value
    if isinstance(value, list) and not entry.scalar:
        if not value:
            raise ValueError("must not be empty")
        return [_leaf(entry, item) for item in value]
    number = _whole(value) if entry.kind == "whole" else _number(entry, value)
    if entry.smallest is not None:
        _check_smallest(entry, value, number)
    return number


def _whole(value: Any) -> int:
    if isinstance(value, bool) or not isinstance(value, int):
        raise ValueError(f"must be a whole number, got {shortened(value)}")
    if abs(value) > 2**62:
        raise ValueError(f"must be less than 2^62, got {shortened(value)}")
    return value


def _number(entry: Parameter, value: Any) -> Any:
    if isinstance(value, str):
        if entry.dimension is None:
            raise ValueError(f"must be a plain number, got {shortened(value)}")
        return InUnit(quantity(value, entry.dimension))
    if isinstance(value, bool) or not isinstance(value, int | float):
        expected = "a number" if entry.dimension is None else "a number or a quantity with a unit"
        raise ValueError(f"must be {expected}, got {shortened(value)}")
    if not abs(value) <= LARGEST_NUMBER:
        raise ValueError(f"must be finite, got {shortened(value)}")
    return value if entry.keeps_whole and abs(value) < 2**62 else float(value)


def _check_smallest(entry: Parameter, value: Any, number: int | float) -> None:
    assert entry.smallest is not None
    smallest, reached = entry.smallest
    if number > smallest or (reached and number == smallest):
        return
    if entry.kind == "whole":
        raise ValueError(f"must be at least {smallest:g}, got {value}")
    raise ValueError(f"must {'not be negative' if reached else 'be positive'}, got {value}")


def _plain(value: Any) -> Any:
    """A value instead of a choice: a number, or numbers in lists, complex ones as text "0.6+0.8j"."""
    if isinstance(value, list):
        return [_plain(item) if isinstance(item, list) else _amplitude(item) for item in value]
    if isinstance(value, bool) or not isinstance(value, int | float) or not abs(value) <= LARGEST_NUMBER:
        raise ValueError(f"must be a finite number, got {shortened(value)}")
    return _whole(value) if isinstance(value, int) else value


def _dimensioned(entry: Parameter, value: Any) -> Any:
    """A value instead of a choice where it has a dimension: quantities and numbers, or lists of them."""
    if isinstance(value, list):
        return [_dimensioned(entry, item) for item in value]
    return _number(entry, value)


def _amplitude(value: Any) -> float | complex:
    try:
        number = complex(value.replace(" ", "") if isinstance(value, str) else value)
    except (TypeError, ValueError, OverflowError):
        raise ValueError(f"must hold numbers, complex ones as '0.6+0.8j', got {shortened(value)}") from None
    if isinstance(value, bool) or not (math.isfinite(number.real) and math.isfinite(number.imag)):
        raise ValueError(f"must hold finite numbers, got {shortened(value)}")
    return number if number.imag else number.real


def _table(model) -> _Table:
    values, nested = {}, {}
    for name in model.model_fields_set:
        value = getattr(model, name)
        if isinstance(value, _base()):
            nested[name] = _table(value)
        else:
            values[name] = value
    return _Table(type(model).described, values, nested)


# -- mistakes in words ---------------------------------------------------------------------------------------


def _in_words(complaint: Any, schema, place: str) -> tuple[str, str]:
    """Place and message of one of pydantic's complaints."""
    field = ""
    for step in map(str, complaint["loc"]):
        if step.startswith("kind="):
            chosen = {choice.__name__: choice for choice in _schemas_of(schema, field)}
            schema = chosen.get(step.removeprefix("kind="), schema)
        else:
            field, place = step, f"{place}.{step}"
    value, kind = complaint["input"], complaint["type"]
    if kind == "value_error":
        return place, str(complaint["ctx"]["error"])
    if kind == "missing":
        return place, MISSING
    if kind == "extra_forbidden":
        return place, _unknown_key(str(complaint["loc"][-1]), schema.model_fields, "key")
    if kind == "choice":
        known = complaint["ctx"]["known"]
        named = value.get("kind") if isinstance(value, dict) else value
        if isinstance(named, str):
            return place, _sentence(unknown_name(field, named, known))
        if isinstance(value, dict) and named is None:
            return f"{place}.kind", f"is missing; known: {', '.join(known)}"
        return (
            place,
            f"must be a name or a table with a kind, got {shortened(value)}; known: {', '.join(known)}",
        )
    return place, f"must be a table, got {shortened(value)}"


def _noun(place: str) -> str:
    """What an entry of a list is called: that of `run.observables[1]` an observable."""
    return place.split("[")[0].rpartition(".")[2].removesuffix("s")


def _schemas_of(schema, field: str) -> Iterable[Any]:
    """The schemas of the choices of a field."""
    target = {entry.name: entry for entry in parameters(schema.described)} if schema.described else {}
    choices = target[field].choices if field in target else tuple(named_integrators().values())
    return [_schema_of(choice) for choice in choices]


def _unknown_key(key: str, known: Iterable[str], what: str) -> str:
    import difflib

    close = difflib.get_close_matches(key[:LONGEST_GUESSED], list(known), n=1)
    guess = f"; did you mean '{close[0]}'?" if close else ""
    listed = ", ".join(sorted(known)) or "none"
    return f"unknown {what}{guess or ';'} known: {listed}".replace("? known", "? Known")


_ARGUMENT = re.compile(r"Arguments? `(\w+)`(?: of \w+(?:\(\))?)?,? (.*)", re.DOTALL)


def _refusal(error: BaseException, names: Iterable[str]) -> tuple[str | None, str]:
    """The parameter that an error is about, if it says so and it is one of `names`; and what is wrong."""
    text = str(error).strip() or type(error).__name__
    first = text if isinstance(error, BrackishError) else f"{text.splitlines()[0]} ({type(error).__name__})"
    match = _ARGUMENT.fullmatch(first)
    if match and match[1] in names:
        return match[1], match[2].rstrip(".")
    return None, (f"`{match[1]}` {match[2]}" if match else first).rstrip(".")


def _sentence(error: BrackishError) -> str:
    """The message as it follows a place: without a capital and a full stop."""
    text = str(error).rstrip(".")
    return text[0].lower() + text[1:]


def _short_text(text: Any) -> str:
    """One line of it, not longer than a line of a file should be."""
    line = " ".join(str(text).split())
    return line if len(line) <= LONGEST_LINE else line[: LONGEST_LINE - 3] + "..."
