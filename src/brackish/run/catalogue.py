"""What there is to choose from, and with which parameters: read off the rooms, so that new files need no
entry.

A room's `__all__` says what is public. The parameters of a model, theory or preparation are those of its
signature; a dimension is stated where the parameter is, as in `Annotated[float, "time"]`.
"""

import dataclasses
import inspect
import typing
from collections.abc import Callable
from pathlib import Path
from typing import Any

import equinox as eqx

from brackish import integrators, models, observables, preparations, theories
from brackish.arguments import dimension_of, plain_members
from brackish.hamiltonians import HybridHamiltonian
from brackish.integrators import Integrator
from brackish.preparations import Preparation
from brackish.run.simulation import simulate
from brackish.run.time_grid import times
from brackish.theory import Theory
from brackish.units import UNITS

ROOMS = (models, theories, preparations, integrators)

SMALLEST = {
    **dict.fromkeys(("mass", "masses", "width", "momentum_width", "stop", "step"), (0.0, False)),
    **dict.fromkeys(("temperature", "checkpoint_every", "seed", "follow"), (0.0, True)),
    **dict.fromkeys(("trajectories", "ensembles", "saves", "chunk", "workers"), (1.0, True)),
}
"""The smallest value of a parameter of this name, and whether it may be reached."""

NOT_IN_FILES = (
    *("hamiltonian", "theory", "preparation", "times", "integrator", "observables"),
    *("executor", "progress", "store", "resume", "extend", "note"),
)
"""Parameters of `simulate` that have their own tables, or none."""


@dataclasses.dataclass(frozen=True)
class Parameter:
    """One parameter: its `kind` is number, whole, flag, text, choice, or table, which has a reader of its own.

    `scalar`: one value, not a list. `choices`: the types to choose from. `open`: values that are no choice
    are passed on.
    `keeps_whole`: nothing says whether 1 means 1.0, so it stays what it is.
    """

    name: str
    default: Any
    kind: str
    scalar: bool = False
    dimension: str | None = None
    smallest: tuple[float, bool] | None = None
    choices: tuple[Callable, ...] = ()
    open: bool = False
    keeps_whole: bool = False

    @property
    def required(self) -> bool:
        """Whether there is no default."""
        return self.default is inspect.Parameter.empty

    @property
    def unit(self) -> str:
        """The unit of plain numbers, in words; empty where there is none."""
        return UNITS[self.dimension] if self.dimension else ""


def named_models() -> dict[str, Callable[..., HybridHamiltonian]]:
    """The functions that make a model, by name."""
    public = {name: getattr(models, name) for name in models.__all__}
    return {name: value for name, value in sorted(public.items()) if inspect.isfunction(value)}


def named_theories() -> dict[str, type[Theory]]:
    """The theories by name."""
    return {option.__name__: option for option in options(Theory)}


def named_preparations() -> dict[str, type[Preparation]]:
    """The preparations by name."""
    return {option.__name__: option for option in options(Preparation)}


def named_integrators() -> dict[str, type[Integrator]]:
    """The integrators by name."""
    return {option.__name__: option for option in options(Integrator)}


def named_observables() -> dict[str, Callable[..., observables.Observable]]:
    """What makes each observable that a run keeps only if it is asked for, by name."""
    public = {name: getattr(observables, name) for name in observables.__all__}
    kept_anyway = (*observables.SPIN_OBSERVABLES, observables.PURITY)
    found: dict[str, Callable[..., observables.Observable]] = {}
    for name, value in sorted(public.items()):
        if isinstance(value, observables.Observable) and value not in kept_anyway:
            found[name] = _maker_of(name, value)
        elif (
            inspect.isfunction(value) and inspect.signature(value).return_annotation is observables.Observable
        ):
            found[name] = value
    return found


def _maker_of(name: str, observable: observables.Observable) -> Callable[[], observables.Observable]:
    """A function without parameters that returns an observable, and says what it is."""

    def made() -> observables.Observable:
        return observable

    made.__name__, made.__doc__ = name, observable.long_name
    return made


def call(target: Callable, values: dict[str, Any]) -> Any:
    """`target` with arguments by name; a list for what takes any number of them one by one."""
    signature = inspect.signature(target).parameters
    many = next((name for name, entry in signature.items() if entry.kind is entry.VAR_POSITIONAL), None)
    if many is None or many not in values:
        return target(**values)
    entries = values[many] if isinstance(values[many], list) else [values[many]]
    before = list(signature)[: list(signature).index(many)]
    rest = {name: value for name, value in values.items() if name != many and name not in before}
    return target(*(values[name] for name in before), *entries, **rest)


def options(kind: type) -> tuple[Any, ...]:
    """The public types of all rooms that are a `kind` and can be built; `kind` itself too, public or not."""
    public = [getattr(room, name) for room in ROOMS for name in room.__all__]
    fitting = {value for value in public if inspect.isclass(value) and issubclass(value, kind)} | {kind}
    return tuple(sorted(filter(_is_whole, fitting), key=_name))


def _is_whole(value: type) -> bool:
    """Whether nothing of it is left to subclasses, neither methods nor fields."""
    return not inspect.isabstract(value) and not getattr(value, "__abstractvars__", ())


def _name(value: Any) -> str:
    return value.__name__


def parameters(target: Callable) -> tuple[Parameter, ...]:
    """The parameters of a model function, or of the type of a theory, preparation, integrator or option; without fields
    that are `settled` when a run starts, and by nobody else.
    """
    fields = dataclasses.fields(target) if dataclasses.is_dataclass(target) else ()
    stored = {field.name: field for field in fields}
    found = []
    for name, parameter in inspect.signature(target).parameters.items():
        field = stored.get(name)
        if field is not None and field.metadata.get("settled"):
            continue
        annotation = parameter.annotation if field is None else field.type
        if parameter.kind is parameter.VAR_POSITIONAL:
            found.append(Parameter(name, None, "whole", smallest=(0.0, True)))
            continue
        converted = field is not None and "converter" in field.metadata
        found.append(_parameter(target, name, parameter.default, annotation, converted))
    return tuple(found)


def summary(target: Callable) -> str:
    """The first line of its docstring."""
    return (inspect.getdoc(target) or "").split("\n")[0].strip()


def table_of_times() -> tuple[Parameter, ...]:
    """What a file may say about times."""
    return parameters(times)


def table_of_run() -> tuple[Parameter, ...]:
    """What a file may say about a run: options of `simulate` that are numbers, and where the results go."""
    kept = tuple(parameter for parameter in parameters(simulate) if parameter.name not in NOT_IN_FILES)
    return (*kept, Parameter("observables", None, "table"), Parameter("out", None, "text"))


def _parameter(target: Callable, name: str, default: Any, annotation: Any, converted: bool) -> Parameter:
    members, dimension = _members(annotation), dimension_of(annotation)
    interfaces = [member for member in members if inspect.isclass(member) and issubclass(member, eqx.Module)]
    interfaces = interfaces or _namesake(name, members)
    if interfaces:
        choices = {option for interface in interfaces for option in options(interface)} - {target}
        ordered = tuple(sorted(choices, key=_name))
        return Parameter(name, default, "choice", dimension=dimension, choices=ordered, open=converted)
    smallest = SMALLEST.get(name)
    if bool in members or isinstance(default, bool):
        return Parameter(name, default, "flag", scalar=True)
    if str in members or Path in members or isinstance(default, str):
        return Parameter(name, default, "text", scalar=True)
    if int in members and float not in members:
        return Parameter(name, default, "whole", scalar=not _is_tuple(annotation), smallest=smallest)
    scalar = float in members and not _is_tuple(annotation)
    scalar = scalar or any(getattr(member, "dim_str", None) == "" for member in members)
    return Parameter(name, default, "number", scalar, dimension, smallest, keeps_whole=not members)


def _members(annotation: Any) -> list[Any]:
    """The types in a union and in tuples and lists, without None."""
    found = []
    for member in plain_members(annotation):
        inside = typing.get_origin(member) in (tuple, list)
        parts = [part for part in typing.get_args(member) if part is not ...] if inside else []
        found += [entry for part in parts for entry in _members(part)] if inside else [member]
    return found


def _is_tuple(annotation: Any) -> bool:
    if typing.get_origin(annotation) in (tuple, list):
        return True
    return any(_is_tuple(part) for part in typing.get_args(annotation))


def _namesake(name: str, members: list[Any]) -> list[type]:
    """A parameter without annotation, named after a public type (`bath`, `Bath`), takes one of its kind."""
    wanted = "".join(part.capitalize() for part in name.split("_"))
    if members:
        return []
    public = [getattr(room, wanted) for room in ROOMS if wanted in room.__all__]
    return [value for value in public if inspect.isclass(value) and issubclass(value, eqx.Module)]
