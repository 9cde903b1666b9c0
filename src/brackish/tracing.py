"""Users' functions are followed once by JAX before anything is computed: what JAX cannot follow is said in one line,
with the place in the user's code and what to write instead.
"""

import linecache
import os
import re
import sys
import types
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import jax
import jax.errors
import jax.numpy as jnp
from jax.extend.core import ClosedJaxpr, Jaxpr

from brackish.errors import BrackishError, InvalidInput
from brackish.identity import in_library, programs_of

_UNTRACEABLE = (
    jax.errors.ConcretizationTypeError,
    jax.errors.TracerArrayConversionError,
    jax.errors.TracerIntegerConversionError,
    jax.errors.NonConcreteBooleanIndexError,
    jax.errors.UnexpectedTracerError,
)
_HOME = str(Path(__file__).parent)
_LOOKS_UP = {"gather", "scatter", "scatter-add", "scatter-mul", "dynamic_slice", "dynamic_update_slice"}
"""Operations that take an index that may lie outside."""
_OF_NUMBERS = ("numpy", "math", "cmath", "numpy.linalg", "scipy.special", "scipy.linalg")
"""Modules whose functions take numbers alone."""
LONGEST_QUOTED = 80


def follow(what: str, function: Callable, *arguments: Any, entries: str = "entries of its argument") -> Any:
    """The shapes and types of what a user's `function` returns for such `arguments`, of which values are used only to
    see whether an index lies outside.

    `what` it is, and what the `entries` of its arguments are, as errors name them. Raises `InvalidInput`.
    """
    programs_of(function)  # what it reads may have changed since JAX followed it last
    arguments = jax.tree_util.tree_map(jnp.asarray, arguments)
    with explained(what):
        closed, shapes = jax.make_jaxpr(lambda *a: function(*a), return_shape=True)(*arguments)
    own = {leaf.shape for leaf in jax.tree_util.tree_leaves(arguments)}
    if _looks_up(closed.jaxpr, own):
        _check_indices(what, function, arguments, entries, own)
    return shapes


@contextmanager
def explained(what: str) -> Iterator[None]:
    """Inside, an error of a user's function becomes an `InvalidInput` of one line."""
    try:
        yield
    except BrackishError:
        raise
    except Exception as error:
        raise InvalidInput(f"{what} {_explanation(error)}") from None


@contextmanager
def explained_if_untraceable(what: str) -> Iterator[None]:
    """Inside, or around a function that it decorates, an error that says that JAX could not follow a user's function
    becomes an `InvalidInput` of one line.
    """
    try:
        yield
    except Exception as error:
        if not _is_untraceable(error):
            raise
        raise InvalidInput(f"{what} {_explanation(error)}") from None


# -- where it failed, and what to write instead ----------------------------------------------------------------


def _explanation(error: Exception) -> str:
    frame, line = _last_frame_of_the_user(error.__traceback__)
    place, text = _place(frame, line)
    if _is_untraceable(error):
        return f"cannot be compiled{place}: {_instead(error, text, frame)}."
    first = (str(error).splitlines() or [""])[0]
    returned = re.search(r"returned a value of type <class '(.+?)'>.*not a valid JAX type", first)
    if returned:
        return f"must return numbers, got a value of type {returned[1]}."
    return f"failed{place}: {type(error).__name__}: {first}"


def _place(frame: types.FrameType | None, line: int) -> tuple[str, str]:
    """Words for a place in the user's code, and the text of its line."""
    if frame is None:
        return "", ""
    file = frame.f_code.co_filename
    text = linecache.getline(file, line).strip()
    shown = text if len(text) <= LONGEST_QUOTED else text[:LONGEST_QUOTED] + "..."
    return f" at {_shown_path(file)}:{line}" + (f", `{shown}`" if shown else ""), text


def _last_frame_of_the_user(trace: types.TracebackType | None) -> tuple[types.FrameType | None, int]:
    found, line = None, 0
    while trace is not None:
        file = trace.tb_frame.f_code.co_filename
        if not (file.startswith(_HOME) or _is_between(file) or in_library(file)):
            found, line = trace.tb_frame, trace.tb_lineno
        trace = trace.tb_next
    return found, line


def _is_between(file: str) -> bool:
    """Code without a file, which Python or a checker of types writes itself."""
    return file.startswith(("<frozen", "<@beartype"))


def _shown_path(file: str) -> str:
    relative = os.path.relpath(file) if os.path.isabs(file) else file
    return file if relative.startswith("..") else relative


def _is_untraceable(error: BaseException) -> bool:
    return (
        isinstance(error, _UNTRACEABLE)
        or isinstance(error.__cause__, _UNTRACEABLE)
        or "do not support in-place item assignment" in str(error)
    )


def _instead(error: BaseException, text: str, frame: types.FrameType | None) -> str:
    assigned = re.search(r"(?:^|[;:]\s*)([\w.]+)\[(.+?)\]\s*(?:[-+*/@]|\*\*)?=(?!=)", text)
    if assigned:
        name, index = assigned.groups()
        return (
            f"arrays of JAX do not change; write {name} = {name}.at[{index}].set(...), "
            f"where {name} is an array of jax.numpy (jnp)"
        )
    if isinstance(error, jax.errors.NonConcreteBooleanIndexError):
        return "a selection by a condition has no fixed size; write jnp.where(condition, a, b)"
    if isinstance(error, jax.errors.TracerBoolConversionError):
        return _instead_of_a_decision(text)
    for alias, name in _calls(text):
        module = _module_behind(alias, frame)
        if module in _OF_NUMBERS:
            return f"write {_in_jax(module, name)} instead of {alias}.{name}"
    for name in re.findall(r"(?<![\w.])(\w+)\s*\(", text):
        function = _value_behind(name, frame)
        module = _of_numbers(function)
        if module is not None:
            return f"write {_in_jax(module, function.__name__)} instead of {name}"
    converted = re.search(r"\b(float|int|complex|bool|round)\(", text)
    if converted:
        return f"a position has no value yet while JAX follows the function; leave {converted[1]}() out"
    if re.search(r"\.(item|tolist)\(", text):
        return "a position has no value yet while JAX follows the function; leave .item() and .tolist() out"
    if _went_through("scipy", error):
        return (
            "SciPy takes numbers alone; write the interpolant in jax.numpy, such as jnp.interp or jnp.polyval"
        )
    if isinstance(error, jax.errors.TracerIntegerConversionError) or "[" in text:
        return "an index that depends on the configuration needs an array of JAX; write jnp.asarray(table)[index]"
    if isinstance(error, jax.errors.UnexpectedTracerError):
        return "it keeps a value from one call to the next; let it return all that it computes"
    return "it needs a number where JAX has none yet; write it with jax.numpy (jnp) alone"


def _instead_of_a_decision(text: str) -> str:
    if re.match(r"while\b", text):
        return "write jax.lax.while_loop instead of while"
    smaller = re.search(r"(?<![.\w])(min|max)\(", text)
    if smaller and not re.match(r"(if|elif)\b", text):
        return f"write jnp.{smaller[1]}imum instead of {smaller[1]}"
    if re.search(r"\bif\b", text):
        return "write jnp.where(condition, a, b) instead of if"
    if re.match(r"assert\b", text):
        return "leave assert out; brackish checks where the trajectories are"
    word = re.search(r"\b(and|or|not)\b", text)
    if word:
        return f"write jnp.logical_{word[1]} instead of {word[1]}"
    return "a decision by the configuration is written jnp.where(condition, a, b)"


def _calls(text: str) -> Iterator[tuple[str, str]]:
    """(what stands before the last dot, what after it) of every call in a line of code, innermost names first."""
    yield from re.findall(r"\b([A-Za-z_][\w.]*)\.(\w+)\s*\(", text)


def _module_behind(alias: str, frame: types.FrameType | None) -> str | None:
    value = _value_behind(alias, frame)
    return value.__name__ if isinstance(value, types.ModuleType) else None


def _value_behind(alias: str, frame: types.FrameType | None) -> Any:
    """What a name with dots stands for where a frame is."""
    if frame is None:
        return None
    first, *rest = alias.split(".")
    value = frame.f_locals.get(first, frame.f_globals.get(first))
    for part in rest:
        value = getattr(value, part, None)
    return value


def _of_numbers(function: Any) -> str | None:
    """The module of numbers that a function was imported from by its own name."""
    name = getattr(function, "__name__", None)
    held = (module for module in _OF_NUMBERS if getattr(sys.modules.get(module), str(name), None) is function)
    return None if function is None or name is None else next(held, None)


def _in_jax(module: str, name: str) -> str:
    """How a function of numpy, math or SciPy is called in JAX."""
    prefix, home = {
        "numpy.linalg": ("jnp.linalg", jnp.linalg),
        "scipy.special": ("jax.scipy.special", jax.scipy.special),
        "scipy.linalg": ("jax.scipy.linalg", jax.scipy.linalg),
    }.get(module, ("jnp", jnp))
    return f"{prefix}.{name}" if hasattr(home, name) else "functions of jax.numpy (jnp)"


def _went_through(package: str, error: BaseException) -> bool:
    trace = error.__traceback__
    while trace is not None:
        if package in Path(trace.tb_frame.f_code.co_filename).parts:
            return True
        trace = trace.tb_next
    return False


# -- indices that lie outside ------------------------------------------------------------------------------------


def _looks_up(jaxpr: Any, shapes: set[tuple[int, ...]]) -> bool:
    """Whether a program takes an entry of an array of one of these shapes by an index that is not known to fit."""
    for equation in jaxpr.eqns:
        if equation.primitive.name in _LOOKS_UP and equation.invars[0].aval.shape in shapes:
            return True
        if any(_looks_up(inner, shapes) for inner in _programs_in(equation.params)):
            return True
    return False


def _programs_in(parameters: dict[str, Any]) -> Iterator[Jaxpr]:
    """The programs that one operation calls, such as the body of a loop."""
    for value in parameters.values():
        for entry in value if isinstance(value, tuple | list) else (value,):
            if isinstance(entry, ClosedJaxpr):
                yield entry.jaxpr
            elif isinstance(entry, Jaxpr):
                yield entry


def _is_in_brackish(trace: types.TracebackType | None) -> bool:
    """Whether it was not the user's own line that led there, but something that it calls."""
    last = ""
    while trace is not None:
        file = trace.tb_frame.f_code.co_filename
        last = last if _is_between(file) or in_library(file) else file
        trace = trace.tb_next
    return last.startswith(_HOME) and last != __file__


def _check_indices(what: str, function: Callable, arguments: Any, entries: str, shapes) -> None:
    """JAX takes the last entry where an index is too large; here that is an error."""
    from jax.experimental import checkify

    checked = checkify.checkify(lambda *a: function(*a), errors=checkify.index_checks)
    with explained(what):
        found, _ = checked(*arguments)
    problem: Any = found.get_exception()  # None, or an exception with attributes that JAX does not declare
    outside = re.search(r"index (-?\d+) is out of bounds for axis \d+ with size (\d+)", str(problem or ""))
    if outside is None or problem.operand_shape not in shapes:
        return
    index, size = (int(number) for number in outside.groups())
    trace = problem.traceback_info.as_python_traceback()
    if _is_in_brackish(trace):
        return
    place, _ = _place(*_last_frame_of_the_user(trace))
    raise InvalidInput(
        f"{what} asks for number {index if index >= 0 else index - size} of the {entries}{place and ','}{place}: "
        f"there {'is' if size == 1 else 'are'} {size}, counted from 0."
    )
