"""When two functions are the same: a digest of all that their values can depend on.

A user's function is more than its text. It reads constants of its module, entries of dictionaries, default
arguments, what it closes over, other functions. The digest covers all of that, recursively, arrays and objects by
content; file names, line numbers and comments do not count. What comes with Python or from an installed package is
known by name and version.

The record of a run, the right to resume it and the programs that JAX keeps all rest on this one notion. Some things
have no content that could be compared: an open file, a generator, a lock. They are listed by name, and a function that
reads one of them equals no other, not even itself a moment later.
"""

import dataclasses
import dis
import enum
import functools
import hashlib
import importlib.metadata
import importlib.util
import sys
import sysconfig
import types
import uuid
import weakref
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import equinox as eqx
import jax
import numpy as np

JITTED = type(jax.jit(abs))
"""What `jax.jit` returns."""
READS_ARGUMENTS = "__reads_arguments__"
"""Mark of a function that only reads its arguments, and calls what it wraps."""
_NAMED = types.BuiltinFunctionType | types.MethodDescriptorType | types.WrapperDescriptorType | np.ufunc
_PLAIN = (
    type(None) | bool | int | float | complex | str | bytes | types.EllipsisType | types.NotImplementedType
)
_NO_CONTENT = {
    "__dict__",
    "__weakref__",
    "__doc__",
    "__module__",
    "__qualname__",
    "__annotations__",
    "__annotate__",
    "__annotate_func__",
    "__annotations_cache__",
    "__firstlineno__",
    "__static_attributes__",
    "__abstractmethods__",
    "__dataclass_fields__",
    "__dataclass_params__",
    "__parameters__",
    "__type_params__",
    "__match_args__",
    "__slots__",
    "_abc_impl",
}
"""Attributes of classes that change no value."""
_SITES = [Path(sysconfig.get_path(name)).resolve() for name in ("stdlib", "platstdlib", "purelib", "platlib")]


@dataclasses.dataclass(frozen=True)
class Identity:
    """`digest`: equal for what is the same. `unknown`: what could not be described, in words; then no two digests are
    equal.
    """

    digest: str
    unknown: tuple[str, ...] = ()


def identity(value: Any) -> Identity:
    """Of a function, a class, or anything that holds some: everything that it depends on, arrays included."""
    reader = _Reader()
    reader.content(value)
    return reader.identity()


def programs_of(tree: Any) -> Identity:
    """What a program that is compiled for `tree` depends on: all of it but its arrays, which are the arguments.

    JAX keeps programs by which function object they were made of. Where one of these functions now reads something
    else than when it was last seen here, JAX is told to forget its programs, also those of functions inside it.
    """
    reader = _Reader()
    reader.argument(tree)
    if reader.changed() and not reader.tracing:
        jax.clear_caches()
    return reader.identity()


def jit_by_content(function: Callable) -> Callable:
    """`equinox.filter_jit` for a function that is given functions, or objects that hold some: a program is used again
    only for what is the same by content.
    """

    def with_digest(digest: str, arguments, keywords):
        return function(*arguments, **keywords)

    with_digest.__name__ = with_digest.__qualname__ = function.__name__
    program = eqx.filter_jit(with_digest)

    @functools.wraps(function)
    def call(*arguments, **keywords):
        return program(programs_of((arguments, keywords)).digest, arguments, keywords)

    return call


def is_library(module: str | None) -> bool:
    """Whether a module comes with Python, with an installed package or with brackish, not from the user."""
    if not module:
        return True
    top = module.partition(".")[0]
    if top == __name__.partition(".")[0]:
        return True
    if top == "__main__":
        return False
    file = getattr(sys.modules.get(top), "__file__", None) or getattr(
        sys.modules.get(module), "__file__", None
    )
    if file is None:
        return top in sys.stdlib_module_names
    return in_library(file)


@functools.lru_cache(maxsize=4096)
def in_library(file: str) -> bool:
    """Whether a file belongs to Python or to an installed package."""
    path = Path(file).resolve()
    return bool({"site-packages", "dist-packages"} & set(path.parts)) or any(
        path.is_relative_to(site) for site in _SITES
    )


def is_users_class(kind: type) -> bool:
    """Whether a class is code of the user."""
    return not is_library(kind.__module__)


@functools.cache
def _version(top: str) -> str:
    if top in sys.stdlib_module_names:
        return f"{sys.version_info.major}.{sys.version_info.minor}"
    known = getattr(sys.modules.get(top), "__version__", None)
    if isinstance(known, str):
        return known
    try:
        return importlib.metadata.version(top)
    except importlib.metadata.PackageNotFoundError:
        return ""


@dataclasses.dataclass(frozen=True)
class _Reference:
    """In a record: another thing that has its own record."""

    key: int


_last_seen: "weakref.WeakKeyDictionary[Any, str]" = weakref.WeakKeyDictionary()
"""Of each function and class of the user, what it was and read when a program was last made or used."""


class _Reader:
    """Writes down what things depend on. Each function, class and module gets a record of its own, in the order in
    which they are met, so that a circle ends; everything else is written where it is met.
    """

    def __init__(self):
        self.records: dict[int, list[bytes | _Reference]] = {0: []}
        self.kept: list[Any] = []
        self.users: list[Any] = []
        self.record = self.records[0]
        self.open: list[int] = []
        self.path: list[str] = []
        self.missing: list[str] = []
        self.tracing = False

    # -- results -------------------------------------------------------------------------------------------------

    def identity(self) -> Identity:
        order = {key: number for number, key in enumerate(self.records)}
        digest = hashlib.sha256()
        for record in self.records.values():
            for token in record:
                _feed(digest, b"#%d" % order[token.key] if isinstance(token, _Reference) else token)
            _feed(digest, b"end")
        return Identity(digest.hexdigest(), tuple(dict.fromkeys(self.missing)))

    def changed(self) -> bool:
        """Whether a function or class of the user is no longer what it was when it was last seen here; takes note of
        what it is now.
        """
        changed = False
        for value in self.users:
            digest = hashlib.sha256()
            for token in self.records[id(value)]:
                _feed(digest, b"@%d" % token.key if isinstance(token, _Reference) else token)
            now = digest.hexdigest()
            try:
                changed |= _last_seen.get(value, now) != now
                _last_seen[value] = now
            except TypeError:  # neither hashable nor weakly referenced: a class of its own kind
                continue
        return changed

    # -- writing -------------------------------------------------------------------------------------------------

    def write(self, *tokens: str | bytes) -> None:
        self.record.extend(token.encode() if isinstance(token, str) else token for token in tokens)

    def not_known(self, value: Any) -> None:
        place = " of ".join(reversed(self.path)) or "it"
        self.missing.append(f"{place} ({type(value).__name__})")
        self.write("unknown", uuid.uuid4().bytes)

    @contextmanager
    def named(self, name: str) -> Iterator[None]:
        outer, name = self.path, f"`{name}`"
        if outer[-1:] != [name]:
            self.path = [*outer, name]
        try:
            yield
        finally:
            self.path = outer

    @contextmanager
    def own_record(self, value: Any) -> Iterator[bool]:
        """Inside, tokens go to the record of `value`; False if it has one already."""
        self.record.append(_Reference(id(value)))
        if id(value) in self.records:
            yield False
            return
        outer, self.record = self.record, []
        self.records[id(value)] = self.record
        self.kept.append(value)
        try:
            yield True
        finally:
            self.record = outer

    # -- trees of arguments ----------------------------------------------------------------------------------------

    def argument(self, value: Any) -> None:
        """A part of what a program is given: its arrays are arguments, all else is built into the program."""
        if eqx.is_array(value):
            self.tracing |= isinstance(value, jax.core.Tracer)
            self.write("array")
        elif type(value) in (tuple, list) or (isinstance(value, tuple) and hasattr(value, "_fields")):
            self.content(type(value))
            self.write(str(len(value)))
            for entry in value:
                self.argument(entry)
        elif type(value) is dict:
            self.write("dict", str(len(value)))
            for key, entry in value.items():
                self.content(key)
                self.argument(entry)
        elif isinstance(value, eqx.Module):
            self.content(type(value))
            for field in dataclasses.fields(value):
                part = getattr(value, field.name, None)
                with self.named(field.name):
                    (self.content if field.metadata.get("static") else self.argument)(part)
        elif type(value) is jax.tree_util.Partial:
            self.write("Partial")
            self.content(value.func)
            self.argument(value.args)
            self.argument(value.keywords)
        else:
            self.content(value)

    # -- anything ------------------------------------------------------------------------------------------------

    def content(self, value: Any) -> None:
        """Everything that `value` depends on."""
        if isinstance(value, _PLAIN) and type(value).__module__ == "builtins":
            self.write(type(value).__name__, value.hex() if type(value) is float else repr(value))
        elif isinstance(value, types.ModuleType):
            self.module(value)
        elif isinstance(value, type):
            self.class_(value)
        elif isinstance(value, types.FunctionType):
            self.function(value)
        elif isinstance(value, types.CodeType):
            self.code(value, {}, {}, None)
        elif isinstance(value, np.ndarray | np.generic | jax.Array):
            self.array(value)
        elif id(value) in self.open:
            self.write("circle", str(len(self.open) - self.open.index(id(value))))
        else:
            self.open.append(id(value))
            self.kept.append(value)
            try:
                self.composed(value)
            except RecursionError:
                self.not_known(value)
            finally:
                self.open.pop()

    def composed(self, value: Any) -> None:
        """What is made of other things."""
        if isinstance(value, _NAMED):
            self.builtin(value)
        elif isinstance(value, types.MethodType):
            self.parts("method", value.__func__, value.__self__)
        elif isinstance(value, functools.partial):
            self.parts(type(value).__name__, value.func, value.args, value.keywords)
        elif isinstance(value, property):
            self.parts("property", value.fget, value.fset, value.fdel)
        elif isinstance(value, staticmethod | classmethod):
            self.parts(type(value).__name__, value.__func__)
        elif isinstance(value, functools.cached_property):
            self.parts("cached property", value.func)
        elif isinstance(value, JITTED | functools._lru_cache_wrapper):
            self.wrapped(value)
        elif isinstance(value, enum.Enum):
            self.parts("enum", type(value), value.name, value.value)
        elif type(value) in (tuple, list):
            self.parts(type(value).__name__, *value)
        elif type(value) in (set, frozenset):
            self.write(type(value).__name__, *sorted(identity(entry).digest for entry in value))
        elif type(value) in (dict, types.MappingProxyType):
            self.entries(value)
        elif isinstance(value, types.MemberDescriptorType | types.GetSetDescriptorType | jax.dtypes.prng_key):
            self.write(repr(value))
        else:
            self.instance(value)

    def parts(self, kind: str, *parts: Any) -> None:
        self.write(kind, str(len(parts)))
        for part in parts:
            self.content(part)

    def entries(self, value: Any) -> None:
        self.write("dict", str(len(value)))
        for key, entry in value.items():
            self.content(key)
            with self.named(str(key)):
                self.content(entry)

    def array(self, value: Any) -> None:
        if isinstance(value, jax.core.Tracer):
            # a value inside a program that is being made: each has its own
            self.tracing = True
            self.write("tracer", uuid.uuid4().bytes)
            return
        if isinstance(value, jax.Array) and jax.dtypes.issubdtype(value.dtype, jax.dtypes.prng_key):
            self.write("key", str(value.dtype))
            value = jax.random.key_data(value)
        if isinstance(value, np.ndarray) and type(value) is not np.ndarray:
            self.instance(value)
            return
        host = np.asarray(value)
        self.write("array", str(host.dtype), str(host.shape))
        if host.dtype.hasobject:
            self.parts("objects", *host.ravel().tolist())
        else:
            self.write(np.ascontiguousarray(host).tobytes())

    def by_name(self, module: str | None, name: str) -> None:
        top = (module or "builtins").partition(".")[0]
        self.write("named", module or "builtins", name, _version(top))

    def builtin(self, value: Any) -> None:
        self.by_name(getattr(value, "__module__", None), getattr(value, "__qualname__", value.__name__))
        owner = getattr(value, "__self__", None)
        if owner is not None and not isinstance(owner, types.ModuleType):
            self.content(owner)

    def wrapped(self, value: Any) -> None:
        """A function behind the compiler or a cache."""
        inner = getattr(value, "__wrapped__", None)
        if _is_found_by_name(value):
            self.by_name(value.__module__, value.__qualname__)
        elif inner is None:
            self.not_known(value)
        else:
            with self.own_record(value) as is_new:
                if is_new:
                    self.parts("wrapped", inner)

    def instance(self, value: Any) -> None:
        """An object, by its class and by what it would be copied from."""
        if isinstance(value, weakref.ReferenceType):
            self.not_known(value)
            return
        if _is_found_by_name(value):
            self.by_name(value.__module__, value.__qualname__)
            return
        if isinstance(value, eqx.Module):
            # wrappers of functions among them name the function that they wrap as their own
            state: Any = (
                type(value),
                {field.name: getattr(value, field.name, None) for field in dataclasses.fields(value)},
            )
        else:
            try:
                state = value.__reduce_ex__(4)
            except Exception:
                self.not_known(value)
                return
        if isinstance(state, str):
            self.by_name(type(value).__module__, state)
            return
        maker, *rest = state
        self.write("instance")
        self.content(type(value))
        self.content(maker)
        for part in rest:
            if isinstance(part, Iterator):
                part = list(part)
            self.content(part)

    # -- code ----------------------------------------------------------------------------------------------------

    def function(self, value: types.FunctionType) -> None:
        if READS_ARGUMENTS in vars(value):
            value = vars(value)["__wrapped__"]
        home = value.__globals__.get("__name__")
        if _is_found_by_name(value) and is_library(home):
            self.by_name(home, value.__qualname__)
            return
        with self.own_record(value) as is_new, self.named(value.__name__):
            if not is_new:
                return
            library = is_library(home)
            if not library:
                self.users.append(value)
            self.write("function", _version(str(home).partition(".")[0]) if library else "")
            cells = {}
            for name, cell in zip(value.__code__.co_freevars, value.__closure__ or (), strict=True):
                try:
                    cells[name] = cell.cell_contents
                except ValueError:  # not yet filled
                    self.write("empty", name)
            self.code(value.__code__, {} if library else value.__globals__, cells, value.__doc__)
            for name, held in cells.items():
                if not isinstance(held, types.ModuleType):  # of a module, what is read
                    with self.named(name):
                        self.content(held)
            self.content(value.__defaults__)
            self.content(value.__kwdefaults__)
            self.content({name: held for name, held in vars(value).items() if name != "__wrapped__"})

    def code(
        self, code: types.CodeType, names: dict[str, Any], known: dict[str, Any], doc: str | None
    ) -> None:
        """Bytecode and constants, and what it reads by name: from `names`, the module, and from `known`, further names
        that may stand for modules.
        """
        sizes = (code.co_argcount, code.co_posonlyargcount, code.co_kwonlyargcount, code.co_flags)
        self.write("code", code.co_code, code.co_exceptiontable, repr(sizes), repr(code.co_freevars))
        reads = list(_reads(code, names, known))
        imported = {**known, **_imported(code, names)}
        self.write(repr(code.co_names))
        for number, constant in enumerate(code.co_consts):
            if isinstance(constant, types.CodeType):
                self.code(constant, names, imported, None)
            elif not (number == 0 and constant == doc):  # the docstring changes no value
                self.content(constant)
        for name, held in reads:
            self.write("reads", name)
            with self.named(name):
                self.content(held)

    def class_(self, value: type) -> None:
        if not is_users_class(value):
            self.by_name(value.__module__, value.__qualname__)
            return
        with self.own_record(value) as is_new, self.named(value.__name__):
            if not is_new:
                return
            self.users.append(value)
            self.write("class", value.__qualname__)
            self.parts("bases", *value.__bases__)
            for name, held in sorted(vars(value).items()):
                if name not in _NO_CONTENT:
                    self.write(name)
                    with self.named(name):
                        self.content(held)

    def module(self, value: types.ModuleType) -> None:
        if is_library(value.__name__):
            self.by_name(value.__name__, "")
            return
        with self.own_record(value) as is_new, self.named(value.__name__):
            if is_new:
                for name, held in sorted(vars(value).items()):
                    if not name.startswith("__"):
                        self.write(name)
                        with self.named(name):
                            self.content(held)


def _feed(digest, token: bytes) -> None:
    digest.update(b"%d:" % len(token))
    digest.update(token)


def _is_found_by_name(value: Any) -> bool:
    """Whether a library's module holds this very object under its own name."""
    module = getattr(value, "__module__", None)
    name = getattr(value, "__qualname__", None)
    if not isinstance(module, str) or not isinstance(name, str) or not is_library(module):
        return False
    held: Any = sys.modules.get(module)
    for part in name.split("."):
        held = getattr(held, part, None)
    return held is value


_MISSING = "a name that is not there"


def _reads(code: types.CodeType, names: dict[str, Any], known: dict[str, Any]) -> Iterator[tuple[str, Any]]:
    """Each name that the bytecode reads from its module, with what stands under it; through modules of the user down to
    the attribute that is meant.
    """
    imported = {**known, **_imported(code, names)}
    instructions = _instructions(code)
    for place, instruction in enumerate(instructions):
        operation = instruction.opname
        if operation in ("LOAD_GLOBAL", "LOAD_NAME"):
            name = str(instruction.argval)
            if name not in names:
                continue  # a builtin, or an error when it runs
            value = names[name]
        elif operation.startswith(("LOAD_FAST", "LOAD_DEREF", "LOAD_CLASSDEREF")):
            named = instruction.argval if isinstance(instruction.argval, tuple) else (instruction.argval,)
            modules = [n for n in named if isinstance(imported.get(n), types.ModuleType)]
            if not modules:
                continue
            for other in modules[:-1]:
                yield other, imported[other]
            name, value = modules[-1], imported[modules[-1]]
            if name != named[-1]:
                yield name, value
                continue
        else:
            continue
        following = place + 1
        while (
            isinstance(value, types.ModuleType)
            and following < len(instructions)
            and instructions[following].opname in ("LOAD_ATTR", "LOAD_METHOD")
        ):
            attribute = str(instructions[following].argval)
            if is_library(value.__name__):
                break
            value = getattr(value, attribute, _MISSING)
            name = f"{name}.{attribute}"
            following += 1
        yield name, value
    for name, value in _imported(code, names).items():
        if not isinstance(value, types.ModuleType):
            yield name, value


def _instructions(code: types.CodeType) -> list[dis.Instruction]:
    return [i for i in dis.get_instructions(code) if i.opname not in ("EXTENDED_ARG", "CACHE", "NOP")]


def _imported(code: types.CodeType, names: dict[str, Any]) -> dict[str, Any]:
    """What the bytecode itself imports, by the name that it gets, as far as it is loaded."""
    found: dict[str, Any] = {}
    module = None
    instructions = _instructions(code)
    for place, instruction in enumerate(instructions):
        following = instructions[min(place + 1, len(instructions) - 1)]
        stored = following.opname.startswith("STORE_")
        if instruction.opname == "IMPORT_NAME":
            level, wanted = (before.argval for before in instructions[place - 2 : place])
            name = str(instruction.argval)
            if level:
                package = names.get("__package__") or ""
                name = importlib.util.resolve_name("." * level + name, package) if package else name
            module = sys.modules.get(name if wanted else name.partition(".")[0])
            if stored and module is not None:
                found[str(following.argval)] = module
        elif instruction.opname == "IMPORT_FROM" and module is not None and stored:
            found[str(following.argval)] = getattr(module, str(instruction.argval), _MISSING)
    return found
