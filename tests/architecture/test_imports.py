"""The plan of the house, held against the source: who may import whom, and what nobody may import.

Only the text of the files is read, but for names of the front door and what importing it loads. Each rule is
a function from a package to its complaints, so that each is also tried on a small house that breaks it.
"""

import ast
import graphlib
import importlib.util
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path

import pytest

import brackish as bk

SOURCE = Path(__file__).parents[2] / "src" / "brackish"

# The floors, from the ground up. A room (a module or a folder of the package) may import rooms on lower
# floors and its own files; rooms on one floor do not know each other. A new room needs a place here before
# it may stand. The front door, `brackish/__init__.py`, names what lives inside and has no floor.
FLOORS = {
    "0": {"errors", "trigonometry"},
    "0a": {"units", "typing", "identity", "columns", "memory", "showing", "randomness", "compiled"},
    "0b": {"arguments", "tracing"},
    "0c": {"manifolds", "quantum"},
    "1": {"hamiltonians", "promises"},
    "2": {"theory", "grids", "spins"},
    "3": {"observables", "analysis", "preparations", "integrators"},
    "4": {"io", "theories", "models"},
    "5": {"run"},
    "6": {"plot", "auditing"},
    "7": {"reproduce"},
    "8": {"cli"},
}
HEIGHT = {room: height for height, rooms in enumerate(FLOORS.values()) for room in rooms}

# Start-up is what a newcomer feels: these are imported in the functions that use them, except in `cli`.
HEAVY = {"diffrax", "matplotlib", "numba", "pandas", "pint", "pydantic", "rich", "scipy", "typer"}
HEAVY |= {"dask", "distributed", "h5netcdf", "h5py", "xarray", "zarr"}

# Figures and files are made from labelled arrays alone.
WITHOUT_JAX = {"io", "plot"}
JAX = {"jax", "jaxlib", "equinox", "diffrax", "lineax", "optimistix"}

# What turns data into code.
UNSAFE_MODULES = {"pickle", "cPickle", "cloudpickle", "dill", "joblib", "marshal", "shelve"}
UNSAFE_CALLS = {"eval", "exec", "compile"}


@dataclass(frozen=True)
class Import:
    """One import: the module it reaches, its line, and whether importing the file runs it."""

    target: str
    line: int
    at_import: bool


class House:
    """A package read as text: its modules by dotted name, each with its syntax tree and its imports."""

    def __init__(self, root: Path):
        self.root, self.name = root, root.name
        self.paths = {self._dotted(path): path for path in sorted(root.rglob("*.py"))}
        self.trees = {name: ast.parse(path.read_text(), str(path)) for name, path in self.paths.items()}
        self.imports = {name: list(self._imports(name)) for name in self.paths}

    def _dotted(self, path: Path) -> str:
        parts = path.relative_to(self.root.parent).with_suffix("").parts
        return ".".join(parts[:-1] if parts[-1] == "__init__" else parts)

    def room(self, module: str) -> str | None:
        """The room a module lies in; None for the front door and for whatever lies outside the package."""
        parts = module.split(".")
        return parts[1] if parts[0] == self.name and len(parts) > 1 else None

    def inside(self, module: str) -> bool:
        return module.split(".")[0] == self.name

    def place(self, module: str, line: int) -> str:
        return f"{self.paths[module].relative_to(self.root.parent)}:{line}"

    def _imports(self, module):
        for node, at_import in visit(self.trees[module]):
            if isinstance(node, ast.Import):
                for alias in node.names:
                    yield Import(alias.name, node.lineno, at_import)
            elif isinstance(node, ast.ImportFrom):
                base = self._base(module, node)
                for alias in node.names:
                    whole = f"{base}.{alias.name}"
                    yield Import(whole if whole in self.paths else base, node.lineno, at_import)

    def _base(self, module: str, node: ast.ImportFrom) -> str:
        if not node.level:
            return node.module or ""
        package = module.split(".")
        if self.paths[module].name != "__init__.py":
            package = package[:-1]
        package = package[: len(package) - (node.level - 1)]
        return ".".join([*package, node.module] if node.module else package)


def visit(node, at_import=True):
    """Every node below `node`; with each, whether importing the file runs it (bodies of functions wait)."""
    for child in ast.iter_child_nodes(node):
        is_body = isinstance(child, ast.FunctionDef | ast.AsyncFunctionDef | ast.Lambda)
        for_types = isinstance(child, ast.If) and "TYPE_CHECKING" in ast.unparse(child.test)
        inner = at_import and not is_body and not for_types
        yield child, inner
        yield from visit(child, inner)


def has_base(node: ast.ClassDef, name: str) -> bool:
    return any(ast.unparse(base).split(".")[-1] == name for base in node.bases)


def rooms_without_floor(house):
    rooms = {house.room(module) for module in house.paths} - {None}
    return [
        f"room '{room}' stands on no floor: give it one in FLOORS" for room in sorted(rooms - set(HEIGHT))
    ]


def arrows_not_downwards(house):
    for module, imports in house.imports.items():
        here = house.room(module)
        for arrow in imports:
            there = house.room(arrow.target)
            if here is None or not house.inside(arrow.target) or here == there:
                continue
            place = house.place(module, arrow.line)
            if there is None:
                # The command line is a user like any other and may come in by the front door.
                if here != "cli":
                    yield f"{place}: {here} imports the front door; import the room that is meant"
            elif here not in HEIGHT or there not in HEIGHT:
                yield f"{place}: {here} imports {there}, and one of them stands on no floor"
            elif HEIGHT[there] > HEIGHT[here]:
                yield f"{place}: {here} imports {there}, which stands above it"
            elif HEIGHT[there] == HEIGHT[here]:
                yield f"{place}: {here} imports {there}, its neighbour on one floor"


def circles(house):
    graph = {
        module: {arrow.target for arrow in imports if house.inside(arrow.target)} - {module, house.name}
        for module, imports in house.imports.items()
        if module != house.name
    }
    try:
        graphlib.TopologicalSorter(graph).prepare()
    except graphlib.CycleError as error:
        yield "circle: " + " <- ".join(error.args[1])


def jax_where_none_is_allowed(house):
    """Also by way of another room: a file that plots must not wait for a compiler."""
    for start in house.imports:
        if house.room(start) not in WITHOUT_JAX:
            continue
        seen, waiting = {start}, [start]
        while waiting:
            module = waiting.pop()
            for arrow in house.imports.get(module, []):
                if arrow.target.split(".")[0] in JAX:
                    way = "" if module == start else f" by way of {start}"
                    place = house.place(module, arrow.line)
                    yield f"{place}: {arrow.target} reaches {house.room(start)}{way}"
                elif house.room(arrow.target) and arrow.target not in seen:
                    seen.add(arrow.target)
                    waiting.append(arrow.target)


def compiled_modules(house):
    """Modules of functions for numba, which decorates them where they are written: imported inside functions alone."""
    return {
        module
        for module, imports in house.imports.items()
        if any(arrow.at_import and arrow.target.split(".")[0] == "numba" for arrow in imports)
    }


def heavy_at_import(house):
    compiled = compiled_modules(house)
    for module, imports in house.imports.items():
        for arrow in imports:
            heavy = (
                arrow.target.split(".")[0] in HEAVY and house.room(module) != "cli" and module not in compiled
            )
            loads_compiled = arrow.target in compiled and module not in compiled
            if arrow.at_import and (heavy or loads_compiled):
                yield f"{house.place(module, arrow.line)}: import {arrow.target} in the function that uses it"


def theories_that_know_each_other(house):
    theories = {
        module
        for module, tree in house.trees.items()
        if house.room(module) == "theories"
        for node in ast.walk(tree)
        if isinstance(node, ast.ClassDef) and has_base(node, "Theory")
    }
    for module in sorted(theories):
        for arrow in house.imports[module]:
            if arrow.target in theories - {module}:
                yield f"{house.place(module, arrow.line)}: one theory imports another ({arrow.target})"


def postponed_annotations(house):
    """`from __future__ import annotations` turns AbstractVar into text, which Equinox does not see."""
    for module, tree in house.trees.items():
        uses = any(
            (isinstance(node, ast.Name) and node.id in {"AbstractVar", "AbstractClassVar"})
            or (isinstance(node, ast.Attribute) and node.attr in {"AbstractVar", "AbstractClassVar"})
            or (isinstance(node, ast.ClassDef) and has_base(node, "Module"))
            for node in ast.walk(tree)
        )
        for node in ast.walk(tree):
            postpones = isinstance(node, ast.ImportFrom) and node.module == "__future__"
            if uses and postpones and any(alias.name == "annotations" for alias in node.names):
                yield f"{house.place(module, node.lineno)}: postponed annotations hide AbstractVar"


def data_as_code(house):
    for module, tree in house.trees.items():
        for arrow in house.imports[module]:
            if arrow.target.split(".")[0] in UNSAFE_MODULES:
                yield f"{house.place(module, arrow.line)}: {arrow.target} runs what it reads"
        for node in ast.walk(tree):
            if not isinstance(node, ast.Call):
                continue
            if isinstance(node.func, ast.Name) and node.func.id in UNSAFE_CALLS:
                yield f"{house.place(module, node.lineno)}: {node.func.id}() runs what it reads"
            for keyword in node.keywords:
                if keyword.arg == "allow_pickle" and getattr(keyword.value, "value", None) is not False:
                    yield f"{house.place(module, node.lineno)}: allow_pickle runs what it reads"


RULES = [
    rooms_without_floor,
    arrows_not_downwards,
    circles,
    jax_where_none_is_allowed,
    heavy_at_import,
    theories_that_know_each_other,
    postponed_annotations,
    data_as_code,
]


@pytest.fixture(scope="module")
def brackish_source():
    house = House(SOURCE)
    assert len(house.paths) > 1, f"no source under {SOURCE}"
    return house


@pytest.mark.parametrize("rule", RULES, ids=lambda rule: rule.__name__)
def test_the_house_keeps_the_rule(rule, brackish_source):
    complaints = list(rule(brackish_source))
    assert not complaints, "\n" + "\n".join(complaints)


# For each rule, small houses that break it: {file: text}, and a word of the complaint.
BROKEN = [
    (rooms_without_floor, {"attic.py": ""}, "attic"),
    (rooms_without_floor, {"cellar/wine.py": ""}, "cellar"),
    (arrows_not_downwards, {"errors.py": "from brackish.quantum import apply"}, "above"),
    (arrows_not_downwards, {"run/a.py": "def f():\n    from ..cli import main"}, "above"),
    (arrows_not_downwards, {"theory.py": "from . import run", "run/__init__.py": ""}, "above"),
    (arrows_not_downwards, {"models/a.py": "import brackish.theories.b"}, "neighbour"),
    (arrows_not_downwards, {"typing.py": "from .units import quantity"}, "neighbour"),
    (arrows_not_downwards, {"run/a.py": "import brackish as bk"}, "front door"),
    (arrows_not_downwards, {"run/a.py": "from .. import simulate"}, "front door"),
    (arrows_not_downwards, {"run/a.py": "import brackish.attic"}, "no floor"),
    (
        circles,
        {"run/a.py": "from .b import f", "run/b.py": "def g():\n    from brackish.run.a import h"},
        "circle",
    ),
    (circles, {"run/__init__.py": "from .a import f", "run/a.py": "from brackish.run import g"}, "circle"),
    (jax_where_none_is_allowed, {"plot/a.py": "def f():\n    import jax.numpy as jnp"}, "jax.numpy"),
    (
        jax_where_none_is_allowed,
        {"io/a.py": "from ..units import u", "units.py": "import equinox"},
        "by way of",
    ),
    (
        heavy_at_import,
        {"grids/fast.py": "import numba", "grids/a.py": "from brackish.grids.fast import f"},
        "fast",
    ),
    (heavy_at_import, {"io/a.py": "import xarray as xr"}, "xarray"),
    (
        heavy_at_import,
        {"plot/a.py": "try:\n    from matplotlib import pyplot\nexcept ImportError: ..."},
        "matplotlib",
    ),
    (heavy_at_import, {"integrators/a.py": "class A:\n    import diffrax"}, "diffrax"),
    (
        theories_that_know_each_other,
        {
            "theories/x/a.py": "class A(Theory): ...",
            "theories/b.py": "from .x.a import A\nclass B(bk.Theory): ...",
        },
        "another",
    ),
    (
        postponed_annotations,
        {"theory.py": "from __future__ import annotations\nx: eqx.AbstractVar[int]"},
        "AbstractVar",
    ),
    (
        postponed_annotations,
        {"run/a.py": "from __future__ import annotations\nclass A(eqx.Module): ..."},
        "AbstractVar",
    ),
    (data_as_code, {"run/a.py": "def f():\n    import pickle"}, "pickle"),
    (data_as_code, {"run/a.py": "eval('1')"}, "eval"),
    (data_as_code, {"run/a.py": "np.load(path, allow_pickle=True)"}, "allow_pickle"),
]


def build(folder: Path, files: dict[str, str]) -> House:
    for name, text in {"__init__.py": "", **files}.items():
        path = folder / "brackish" / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)
    return House(folder / "brackish")


@pytest.mark.parametrize(
    ("rule", "files", "word"), BROKEN, ids=lambda value: getattr(value, "__name__", None)
)
def test_a_broken_house_is_noticed(rule, files, word, tmp_path):
    complaints = list(rule(build(tmp_path, files)))
    assert len(complaints) == 1, complaints
    assert word in complaints[0]


def test_a_sound_house_is_left_alone(tmp_path):
    files = {
        "__init__.py": "from .cli import main\nfrom .run import simulate",
        "errors.py": "from __future__ import annotations",
        "theory.py": "if TYPE_CHECKING:\n    import xarray\nclass Theory(eqx.Module): ...",
        "run/__init__.py": "from .simulation import simulate",
        "run/simulation.py": "from ..errors import E\nfrom . import chunks\ndef f():\n    import xarray",
        "run/chunks.py": "from brackish.theories import a\njax.jit(f).lower().compile()",
        "theories/_shared.py": "import jax",
        "theories/a.py": "from . import _shared\nfrom brackish.theory import Theory\nclass A(Theory): ...",
        "cli.py": "import rich\nimport brackish as bk",
    }
    house = build(tmp_path, files)
    assert [complaint for rule in RULES for complaint in rule(house)] == []


def test_no_function_hides_a_module(brackish_source):
    """`import brackish.x as x` would give a function in place of the module."""
    names = [name for name in brackish_source.paths if name.startswith("brackish.")]
    hidden = []
    for name in names:
        room, _, member = name.rpartition(".")
        importlib.import_module(name)
        if getattr(importlib.import_module(room), member) is not sys.modules[name]:
            hidden.append(name)
    assert len(names) > 100
    assert not hidden
    for name in ("hamiltonian", "audit"):
        assert callable(getattr(bk, name))
        assert importlib.util.find_spec(f"brackish.{name}") is None


def modules_after(statement: str) -> set[str]:
    """The top-level names in `sys.modules` of a fresh interpreter after `statement`."""
    program = f"import sys; {statement}; print(*sorted({{name.split('.')[0] for name in sys.modules}}))"
    finished = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=False)
    assert finished.returncode == 0, finished.stderr
    return set(finished.stdout.split())


def test_importing_brackish_imports_nothing_heavy():
    loaded = modules_after("import brackish")
    assert "brackish" in loaded
    assert not loaded & HEAVY
