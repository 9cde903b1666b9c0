"""What users pass to the public functions and types, read in one place, by the annotation of each argument.

A quantity with a unit becomes a number of atomic units where the argument has a dimension, a number of numpy becomes a
plain one, and what is of a wrong type or not finite is refused in one line that names the argument. What the values
mean together is checked by whom they belong to.
"""

import collections.abc
import dataclasses
import functools
import inspect
import math
import os
import types
import typing
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np

from brackish.errors import InvalidInput, shortened
from brackish.identity import READS_ARGUMENTS
from brackish.units import EXAMPLES, UNITS, InUnit, holds_quantity, in_atomic_units, note_given

CONVERTS = "converts"
"""In the metadata of a field: what its converter takes besides numbers and the type of the field."""
Function = typing.TypeVar("Function", bound=Callable)
LARGEST_WHOLE = 2**63
"""Whole numbers stay below this: no array could hold them."""
LONGEST_NAME, LONGEST_PATH = 255, 4000
"""What file systems allow, in bytes."""


def read_arguments(names: dict[str, Any], public: Iterable[str]) -> None:
    """Let each public type and function in a namespace read its arguments."""
    for name in public:
        value = names[name]
        if inspect.isfunction(value):
            names[name] = reads_arguments(value)
        elif inspect.isclass(value) and dataclasses.is_dataclass(value) and not inspect.isabstract(value):
            value.__init__ = reads_arguments(value.__init__, value)  # type: ignore[method-assign]


def reads_arguments(function: Function, made: type | None = None) -> Function:
    """`function` behind a reading of its arguments; `made`: the type whose constructor it is.

    Raises `InvalidInput` for a value that no annotation allows.
    """
    if READS_ARGUMENTS in vars(function):
        return function
    signature = inspect.signature(function)
    expected = {
        name: _expected(f"Argument `{name}`", parameter, _fields(made).get(name))
        for name, parameter in signature.parameters.items()
        if name != "self" and parameter.kind not in (parameter.VAR_POSITIONAL, parameter.VAR_KEYWORD)
    }

    @functools.wraps(function)
    def reading(*given, **named):
        try:
            bound = signature.bind(*given, **named)
        except TypeError:
            # too few or too many: the call itself says it best
            return function(*given, **named)
        dimensions = {} if made is None else _dimensions(expected, bound.arguments)
        if dimensions:
            note_given(bound.args[0], dimensions)
        for name, value in bound.arguments.items():
            if name in expected:
                read = expected[name].read(value)
                keeps = made is not None and isinstance(value, jax.Array) and isinstance(read, float)
                bound.arguments[name] = value if keeps and expected[name].may_be_array else read
        return function(*bound.args, **bound.kwargs)

    setattr(reading, READS_ARGUMENTS, True)
    return typing.cast("Function", reading)


def _dimensions(expected: dict[str, "_Expected"], given: dict[str, Any]) -> dict[str, str]:
    """The dimensions of the arguments that are quantities."""
    dimensions = {name: entry.dimension for name, entry in expected.items() if name in given}
    return {
        name: dimension
        for name, dimension in dimensions.items()
        if dimension is not None and holds_quantity(given[name])
    }


def dimension_of(annotation: Any) -> str | None:
    """The dimension that an annotation states, as in `Annotated[float, "length"]`, one of `UNITS`."""
    if typing.get_origin(annotation) is typing.Annotated:
        inner, *notes = typing.get_args(annotation)
        return next((note for note in notes if note in UNITS), None) or dimension_of(inner)
    inside = (dimension_of(part) for part in typing.get_args(annotation) if part is not annotation)
    return next((dimension for dimension in inside if dimension), None)


def plain_members(annotation: Any) -> list[Any]:
    """The types of a union, without dimensions and without None; none of them where anything goes."""
    if annotation in (inspect.Parameter.empty, Any):
        return []
    origin = typing.get_origin(annotation)
    if origin is typing.Annotated:
        return plain_members(typing.get_args(annotation)[0])
    if origin in (typing.Union, types.UnionType):
        parts = [part for part in typing.get_args(annotation) if part is not type(None)]
        return [member for part in parts for member in plain_members(part)]
    return [annotation]


def _fields(made: type | None) -> dict[str, dataclasses.Field]:
    return {} if made is None else {field.name: field for field in dataclasses.fields(made)}


def annotation_of(parameter: inspect.Parameter, field: dataclasses.Field | None) -> Any:
    """What is said of an argument: where its field has a converter, or it says nothing, its field does."""
    silent = parameter.annotation in (inspect.Parameter.empty, Any)
    return (
        field.type
        if field is not None and (silent or "converter" in field.metadata)
        else parameter.annotation
    )


def _converter_takes(field: dataclasses.Field | None) -> list[Any]:
    """The types that a field says its converter takes, besides those that it ends up with."""
    return [] if field is None else plain_members(field.metadata.get(CONVERTS, Any))


@dataclasses.dataclass(frozen=True)
class _Expected:
    """What one argument may be: the types of its annotation, sorted by how a value of theirs is read.

    `converted`: a converter follows, which reads numbers, and lists of them, that are none of these. `place`: how
    errors name the argument.
    """

    place: str
    members: tuple[Any, ...]
    default: Any
    optional: bool
    dimension: str | None
    converted: bool

    def read(self, value: Any) -> Any:
        """The value as the library takes it. Raises `InvalidInput`."""
        if value is self.default or (value is None and self.optional):
            return value
        if self.dimension is not None and holds_quantity(value):
            value = self._without_unit(value)
        if not self.members:
            return value
        # a path before a text, and a number with a unit before any, both of which it would be too
        for member in sorted(self.members, key=lambda member: (member is str) - (member is InUnit)):
            fits, read = _fit(member, value, self)
            if fits:
                return read
        if self.converted and self._may_be_converted(value):
            return value
        raise self.refusal(value)

    @property
    def may_be_array(self) -> bool:
        """Whether a number that is an array of JAX may stay one: an argument of compiled programs, no constant."""
        return self.converted or any(_is_array_type(member) for member in self.members)

    def _may_be_converted(self, value: Any) -> bool:
        """Whether a value is numbers that a converter reads where none of the members is an array or a plain number."""
        arrays = [member for member in self.members if _is_array_type(member)]
        modules = [
            member
            for member in self.members
            if inspect.isclass(member) and member not in (int, float, InUnit)
        ]
        if not _is_numeric(value) or len(modules) == len(arrays):
            return False
        return not np.iscomplexobj(value) or (not arrays and np.ndim(value) > 0)

    def refusal(self, value: Any) -> InvalidInput:
        """The line for a value that is none of what is expected."""
        words = " or ".join(
            dict.fromkeys(_words(member, self.dimension) for member in self.members if member is not InUnit)
        )
        if inspect.isclass(value):
            wanted = (member for member in self.members if inspect.isclass(member))
            cure = (
                f": write {value.__name__}()" if any(issubclass(value, member) for member in wanted) else ""
            )
            return InvalidInput(f"{self.place} must be {words}, got the class {value.__name__}{cure}.")
        return InvalidInput(f"{self.place} must be {words}, got {_what(value)}.")

    def _without_unit(self, value: Any) -> Any:
        assert self.dimension is not None
        try:
            read = in_atomic_units(value, self.dimension)
            return InUnit(read) if InUnit in self.members and isinstance(read, float) else read
        except ValueError as error:
            raise InvalidInput(f"{self.place}: {error}.") from None


def _expected(place: str, parameter: inspect.Parameter, field: dataclasses.Field | None) -> _Expected:
    annotation = annotation_of(parameter, field)
    members = tuple(plain_members(annotation)) + tuple(_converter_takes(field))
    # a constructor that is written out and says nothing of the type reads the value itself
    written_out = parameter.annotation is inspect.Parameter.empty
    converted = field is not None and ("converter" in field.metadata or written_out)
    return _Expected(
        place, members, parameter.default, _may_be_none(annotation), dimension_of(annotation), converted
    )


def _may_be_none(annotation: Any) -> bool:
    """Whether None is one of what an annotation allows."""
    if typing.get_origin(annotation) is typing.Annotated:
        return _may_be_none(typing.get_args(annotation)[0])
    return annotation in (None, type(None)) or type(None) in typing.get_args(annotation)


def _is_array_type(member: Any) -> bool:
    return hasattr(member, "dim_str") and hasattr(member, "dtypes")


def _takes_complex(member: Any) -> bool:
    return any("complex" in str(name) for name in member.dtypes)


def _takes_whole(member: Any) -> bool:
    return any("int" in str(name) for name in member.dtypes)


def _has_axes(member: Any, count: int, expected: _Expected) -> bool:
    """Whether an array has as many axes as its annotation says; a converter may add to them, but not to a number."""
    names = member.dim_str.split()
    fixed = [name for name in names if name != "..." and not name.startswith("*")]
    fits = count >= len(fixed) if len(fixed) < len(names) else count == len(fixed)
    return fits or (expected.converted and len(names) > 0 and count <= len(names))


def _fit(member: Any, value: Any, expected: _Expected) -> tuple[bool, Any]:
    """Whether a value is one of `member`, and what it is read as."""
    origin = typing.get_origin(member) or member
    if member in (None, type(None)):
        return value is None, value
    if member is Any or isinstance(member, typing.TypeVar):
        return True, value
    if _is_array_type(member):
        return _fit_array(member, value, expected)
    if origin is collections.abc.Callable:
        return _fit_callable(member, value, expected)
    if member is bool:
        return isinstance(value, bool | np.bool_), bool(value) if isinstance(value, np.bool_) else value
    if member is Path:
        return _fit_path(value, expected)
    if member is int:
        return _fit_whole(value, expected)
    if member is float:
        return _fit_number(value, expected)
    if origin in (tuple, list, collections.abc.Sequence):
        return _fit_sequence(member, origin, value, expected)
    if origin is collections.abc.Mapping:
        return _fit_mapping(member, value, expected)
    if inspect.isclass(origin):
        return isinstance(value, origin), value
    return True, value


def _fit_callable(member: Any, value: Any, expected: _Expected) -> tuple[bool, Any]:
    if not callable(value) or inspect.isclass(value):
        return False, value
    taken = typing.get_args(member)[:1]
    if taken and isinstance(taken[0], list | tuple):
        try:
            inspect.signature(value).bind(*taken[0])
        except TypeError:
            wanted = f"{len(taken[0])} argument{'' if len(taken[0]) == 1 else 's'}"
            raise InvalidInput(
                f"{expected.place} must be a function of {wanted}, got {_what(value)}."
            ) from None
        except ValueError:
            pass  # what is not written in Python does not say what it takes
    return True, value


def _fit_path(value: Any, expected: _Expected) -> tuple[bool, Any]:
    if not isinstance(value, str | Path):
        return False, value
    return True, readable_path(value, expected.place)


def readable_path(value: str | Path, place: str) -> Path:
    """A path, the home folder written out. Raises `InvalidInput` for what no file could be called."""
    text = os.fspath(value)
    if not text or "\0" in text:
        raise InvalidInput(f"{place} must be a path, got {shortened(text)}.")
    try:
        longest = max(len(os.fsencode(part)) for part in Path(text).parts or ("",))
        path = Path(text).expanduser()
    except UnicodeEncodeError:
        raise InvalidInput(f"{place} must be a path, got {shortened(text)}.") from None
    except RuntimeError:
        raise InvalidInput(f"{place} is {shortened(text)}, but there is no such home folder.") from None
    if longest > LONGEST_NAME or len(text) > LONGEST_PATH:
        raise InvalidInput(f"{place} is longer than the name of a file can be: {shortened(text)}.")
    return path


def _fit_whole(value: Any, expected: _Expected) -> tuple[bool, Any]:
    value = _scalar(value)
    if not isinstance(value, int) or isinstance(value, bool):
        return isinstance(value, jax.core.Tracer), value
    if abs(value) >= LARGEST_WHOLE:
        raise InvalidInput(f"{expected.place} must be below 2^63, got {shortened(value)}.")
    return True, value


def _fit_number(value: Any, expected: _Expected) -> tuple[bool, Any]:
    if isinstance(value, jax.core.Tracer):
        return True, value
    value = _scalar(value)
    if not isinstance(value, int | float) or isinstance(value, bool):
        return False, value
    if not math.isfinite(_as_float(value)):
        raise InvalidInput(f"{expected.place} must be finite, got {shortened(value)}.")
    # a whole number stays one where the argument may be one
    return True, value if int in expected.members and isinstance(value, int) else float(value)


def _fit_array(member: Any, value: Any, expected: _Expected) -> tuple[bool, Any]:
    if isinstance(value, jax.core.Tracer | jax.ShapeDtypeStruct):
        return True, value
    if isinstance(value, jax.Array):
        real = not jnp.iscomplexobj(value)
        if not _has_axes(member, value.ndim, expected):
            return False, value
        return jnp.issubdtype(value.dtype, jnp.number) and (real or _takes_complex(member)), value
    if isinstance(value, str | bytes | bool | np.bool_) or callable(value):
        return False, value
    if not isinstance(value, int | float | complex | list | tuple | np.ndarray | np.generic):
        return False, value
    try:
        array = np.asarray(value)
    except (ValueError, TypeError, OverflowError):
        return False, value
    if array.dtype.kind not in ("iufc" if _takes_complex(member) else "iuf") and array.size:
        if any(_holds_huge(entry) for entry in (value if isinstance(value, list | tuple) else [value])):
            raise InvalidInput(f"{expected.place} must hold numbers below 2^63, got {shortened(value)}.")
        return False, value
    if array.dtype.kind in "fc" and not np.all(np.isfinite(array)):
        raise InvalidInput(f"{expected.place} must be finite, got {shortened(value)}.")
    if not _has_axes(member, array.ndim, expected):
        return False, value
    if expected.converted:
        return True, value
    return True, array.astype(float) if array.dtype.kind in "iu" and not _takes_whole(member) else array


def _fit_sequence(member: Any, origin: Any, value: Any, expected: _Expected) -> tuple[bool, Any]:
    inner = typing.get_args(member)
    if expected.converted and inner and _is_numeric(value) and np.ndim(value) == 0:
        # one number stands for as many as are wanted
        return _fit(inner[0], value, expected)
    if isinstance(value, str | bytes) or not isinstance(
        value, collections.abc.Sequence | np.ndarray | jax.Array
    ):
        return False, value
    if getattr(value, "ndim", 1) == 0:
        return False, value
    if inner == (Any,) and any(_is_array_type(other) for other in expected.members):
        # lists of numbers have been read as an array already
        return False, value
    if not inner:
        return True, value
    items = list(value)
    endless = origin is not tuple or inner[-1] is Ellipsis
    if not endless and len(items) != len(inner):
        raise InvalidInput(f"{expected.place} must have {len(inner)} entries, got {len(items)}.")
    each = [inner[0]] * len(items) if endless else inner
    read = [
        _entry(expected, number, part).read(item)
        for number, (item, part) in enumerate(zip(items, each, strict=True))
    ]
    return True, tuple(read) if origin is tuple else read


def _fit_mapping(member: Any, value: Any, expected: _Expected) -> tuple[bool, Any]:
    if not isinstance(value, collections.abc.Mapping):
        return False, value
    inner = typing.get_args(member)
    if not inner:
        return True, value
    return True, {name: _entry(expected, name, inner[1]).read(item) for name, item in value.items()}


def _entry(expected: _Expected, key: Any, annotation: Any) -> _Expected:
    """What one entry of a list or a dictionary may be."""
    place = f"Entry {key!r} of {expected.place[0].lower()}{expected.place[1:]}"
    members = tuple(plain_members(annotation))
    return _Expected(place, members, inspect.Parameter.empty, _may_be_none(annotation), None, False)


def _scalar(value: Any) -> Any:
    """A plain number for one of numpy or JAX, and for an array of no dimension; anything else as it is."""
    if isinstance(value, jax.core.Tracer):
        return value
    if isinstance(value, np.generic) or (isinstance(value, np.ndarray | jax.Array) and value.ndim == 0):
        return value.item()
    return value


def _as_float(value: int | float) -> float:
    try:
        return float(value)
    except OverflowError:
        return math.inf


def _holds_huge(value: Any) -> bool:
    return isinstance(value, int) and abs(value) >= LARGEST_WHOLE


def _is_numeric(value: Any) -> bool:
    """Whether a value is a number, or a list or an array of them."""
    if isinstance(value, list | tuple):
        try:
            value = np.asarray(value)
        except (ValueError, TypeError, OverflowError):
            return False
    if isinstance(value, np.ndarray):
        return value.dtype.kind in "iufc"
    if isinstance(value, bool | np.bool_):
        return False
    return isinstance(value, int | float | complex | np.number | jax.Array)


_NAMES = {
    bool: "True or False",
    int: "a whole number",
    str: "a text",
    collections.abc.Callable: "a function",
    collections.abc.Sequence: "a list",
    collections.abc.Mapping: "a dictionary",
    tuple: "a tuple",
    list: "a list",
}


def _words(member: Any, dimension: str | None) -> str:
    """What a type is called in an error."""
    unit = "" if dimension is None else f" (a quantity such as '{EXAMPLES[dimension]}' will do)"
    if member is float:
        return f"a number{unit}"
    if _is_array_type(member):
        return f"a number{unit}" if member.dim_str == "" else f"numbers in an array or a list{unit}"
    origin = typing.get_origin(member) or member
    if origin in _NAMES:
        return _NAMES[origin]
    if inspect.isclass(origin) and issubclass(origin, os.PathLike):
        return "a path"
    if origin is None:
        return "None"
    name = getattr(origin, "__name__", str(origin))
    return f"{'an' if name[0] in 'AEIOU' else 'a'} {name}"


def _what(value: Any) -> str:
    """A value as an error shows it."""
    if value is None or isinstance(
        value, bool | int | float | complex | str | list | tuple | dict | np.ndarray | np.generic
    ):
        return shortened(value)
    if inspect.isfunction(value) or inspect.ismethod(value):
        return f"the function {value.__name__}"
    if inspect.ismodule(value):
        return f"the module {value.__name__}"
    name = type(value).__name__
    return f"{'an' if name[0] in 'AEIOU' else 'a'} {name}"
