"""Two functions are the same if nothing that their values depend on differs; what has no content is named."""

import functools
import os
import subprocess
import sys
import types

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
import pytest

import brackish as bk
from brackish.identity import identity, is_library, programs_of

TEXT = '''
"""A model as a user would write it in a file of its own."""
import functools
import math

import jax
import jax.numpy as jnp
import numpy as np
import equinox as eqx

COUPLING = 0.005
PARAMETERS = {"coupling": 0.005, "deeper": {"slope": [1.0, 2.0]}}
TABLE = np.linspace(0.0, 1.0, 500)


def helper(q):
    return COUPLING * q


@jax.jit
def jitted(q):
    return COUPLING * q


def by_constant(q):
    return COUPLING * q


def by_entry(q):
    return PARAMETERS["deeper"]["slope"][1] * q


def by_default(q, coupling=COUPLING):
    return coupling * q


def by_keyword(q, *, coupling=COUPLING):
    return coupling * q


def by_helper(q):
    return helper(q)


def by_table(q):
    return jnp.interp(q, TABLE, TABLE)


def by_comprehension(q):
    return sum([COUPLING * q for _ in range(2)])


def factory(coupling):
    def inside(q):
        return coupling * q

    return inside


by_closure = factory(COUPLING)
by_helper_in_closure = factory(helper)
by_partial = functools.partial(by_default, coupling=COUPLING)
by_jax_partial = jax.tree_util.Partial(by_default, coupling=COUPLING)
by_lambda = lambda q: COUPLING * q
by_cache = functools.lru_cache(helper)
by_vmap = jax.vmap(helper)


class Model:
    def __init__(self):
        self.coupling = COUPLING

    def potential(self, q):
        return self.coupling * q

    def __call__(self, q):
        return math.pi * self.inner(q)

    def inner(self, q):
        return PARAMETERS["coupling"] * q


by_method = Model().potential
by_call = Model()


class Tree(eqx.Module):
    coupling: float = COUPLING

    def __call__(self, q):
        return helper(q)


by_module = Tree()


def by_class(q):
    return Model().inner(q)


def even(n):
    return n == 0 or odd(n - 1)


def odd(n):
    return n != 0 and even(n - COUPLING)


by_circle = even
'''

READS_THE_CONSTANT = [
    "by_constant",
    "by_default",
    "by_keyword",
    "by_helper",
    "by_comprehension",
    "by_closure",
    "by_helper_in_closure",
    "by_partial",
    "by_jax_partial",
    "by_lambda",
    "by_cache",
    "by_vmap",
    "by_method",
    "by_module",
    "jitted",
    "by_circle",
]


def written(text, name="users_model"):
    """A module of the user, as imported from a file with this text."""
    module = types.ModuleType(name)
    sys.modules[name] = module
    exec(compile(text, f"/home/user/{name}.py", "exec"), module.__dict__)
    return module


def digest(text, name):
    found = identity(getattr(written(text), name))
    assert not found.unknown, found.unknown
    return found.digest


@pytest.mark.parametrize("name", [*READS_THE_CONSTANT, "by_entry", "by_table", "by_call", "by_class"])
def test_the_same_text_is_the_same_function(name):
    moved_down = "# another comment\n\n" + TEXT
    assert digest(TEXT, name) == digest(TEXT, name) == digest(moved_down, name)


@pytest.mark.parametrize("name", READS_THE_CONSTANT)
def test_a_constant_is_seen_wherever_it_stands(name):
    assert digest(TEXT, name) != digest(TEXT.replace("COUPLING = 0.005", "COUPLING = 0.009"), name)


@pytest.mark.parametrize(
    ("name", "before", "after"),
    [
        ("by_entry", "[1.0, 2.0]", "[1.0, 2.5]"),
        ("by_table", "linspace(0.0, 1.0, 500)", "linspace(0.0, 1.0, 501)"),
        ("by_table", "linspace(0.0, 1.0, 500)", "linspace(0.0, 1.0, 500) + 1e-15"),
        ("by_call", '"coupling": 0.005', '"coupling": 0.009'),
        ("by_call", "math.pi", "math.e"),
        ("by_class", 'PARAMETERS["coupling"] * q\n', 'PARAMETERS["coupling"] - q\n'),
        ("by_helper", "return COUPLING * q", "return COUPLING - q"),
        ("by_constant", "COUPLING = 0.005", "COUPLING = -0.0"),
    ],
)
def test_a_change_is_seen(name, before, after):
    assert before in TEXT
    assert digest(TEXT, name) != digest(TEXT.replace(before, after), name)


@pytest.mark.parametrize("name", ["by_constant", "by_partial", "by_method", "by_class"])
def test_what_a_function_does_not_read_changes_nothing(name):
    """`even` and `by_table` are not read by any of these, nor are docstrings."""
    other = TEXT.replace("n == 0 or", "n == 1 or").replace("500", "400")
    other = other.replace("def by_constant(q):", 'def by_constant(q):\n    """In words."""')
    assert digest(TEXT, name) == digest(other, name)


def test_attributes_of_modules_are_seen():
    written("coupling = 0.005\nother = open('/dev/null')", "users_parameters")
    users = written(
        "import users_parameters as named\n"
        "import users_parameters\n"
        "def f(q): return named.coupling * q\n"
        "def g(q):\n    import users_parameters as here\n    return here.coupling * q\n"
        "def h(q):\n    from users_parameters import coupling\n    return coupling * q\n"
        "def k(q): return (lambda: users_parameters.coupling)() * q\n"
    )
    before = [identity(f) for f in (users.f, users.g, users.h, users.k)]
    assert [found.unknown for found in before] == [()] * 4  # `other` is not read
    sys.modules["users_parameters"].coupling = 0.009
    for f, old in zip((users.f, users.g, users.h, users.k), before, strict=True):
        assert identity(f).digest != old.digest


def test_what_is_installed_goes_by_its_name():
    for value in (jnp.sin, np.sin, jnp.where, abs, jax.nn.relu, np.linalg.eigh, functools.reduce, bk.add):
        assert identity(value) == identity(value)
        assert not identity(value).unknown
    assert len({identity(f).digest for f in (jnp.sin, np.sin, jnp.cos, np.cos, abs, sum)}) == 6
    assert is_library("jax.numpy")
    assert is_library("json")
    assert is_library("brackish.models")
    assert not is_library(__name__)
    assert not is_library("__main__")


def test_what_has_no_content_is_named(tmp_path):
    opened = (tmp_path / "table.txt").open("w")
    users = written("TABLE = None\ndef read(q):\n    return TABLE\ndef outer(q): return read(q)")
    for value, kind in ((opened, "TextIOWrapper"), ((i for i in range(3)), "generator")):
        users.TABLE = value
        found = identity(users.outer)
        assert found.unknown == (f"`TABLE` of `read` of `outer` ({kind})",)
        assert identity(users.outer).digest != found.digest
    opened.close()


def test_arrays_that_are_arguments_make_no_new_program():
    def system(coupling, function):
        return bk.hamiltonian(function, [2000.0], quantum=np.diag([0.0, coupling]))

    function = written("import jax.numpy as jnp\ndef V(q): return jnp.diag(jnp.stack([q[0], -q[0]]))").V
    assert programs_of(system(1.0, function)) == programs_of(system(2.0, function))
    assert identity(system(1.0, function)) != identity(system(2.0, function))


def test_a_program_is_made_anew_when_a_constant_changes():
    """Also where the function goes through `scan` or `jit`, whose programs JAX keeps by the function object."""
    users = written(
        "import jax, jax.numpy as jnp\n"
        "C = 1.0\n"
        "def body(carry, x): return carry + C * x, None\n"
        "def by_scan(q): return jax.lax.scan(body, 0.0, q)[0]\n"
        "@jax.jit\n"
        "def by_jit(q): return C * jnp.sum(q)\n"
        "def plain(q): return C * jnp.sum(q)\n"
    )
    from brackish.identity import jit_by_content

    traced = []

    @jit_by_content
    def apply(functions, q):
        traced.append(1)
        return [f(q) for f in functions]

    functions, q = [users.by_scan, users.by_jit, users.plain], jnp.ones(3)
    assert [float(x) for x in apply(functions, q)] == [3.0, 3.0, 3.0]
    apply(functions, 2 * q)
    assert len(traced) == 1
    users.C = 2.0
    assert [float(x) for x in apply(functions, q)] == [6.0, 6.0, 6.0]


def test_another_process_finds_the_same(tmp_path):
    (tmp_path / "users_model.py").write_text(TEXT)
    program = (
        "import users_model as m; from brackish.identity import identity; import sys\n"
        "print(*(identity(getattr(m, name)).digest for name in sys.argv[1:]))"
    )
    found = set()
    for hash_seed in ("1", "2"):
        finished = subprocess.run(
            [sys.executable, "-c", program, *READS_THE_CONSTANT],
            cwd=tmp_path,
            env={**os.environ, "PYTHONHASHSEED": hash_seed},
            capture_output=True,
            text=True,
            check=True,
        )
        found.add(finished.stdout)
    here = [digest(TEXT, name) for name in READS_THE_CONSTANT]
    assert found == {" ".join(here) + "\n"}


def test_a_deep_nest_and_a_circle_end():
    circle = []
    circle.append(circle)
    users = written("LIST = None\ndef f(q): return LIST")
    users.LIST = circle
    assert identity(users.f) == identity(users.f)
    deep = []
    for _ in range(5000):
        deep = [deep]
    users.LIST = deep
    assert identity(users.f).unknown


def test_modules_of_equinox_are_read_with_their_methods():
    class Here(eqx.Module):
        table: jax.Array
        scale: float = 1.0

        def __call__(self, q):
            return self.scale * jnp.interp(q, self.table, self.table)

    assert identity(Here(jnp.arange(3.0))) == identity(Here(jnp.arange(3.0)))
    assert identity(Here(jnp.arange(3.0))) != identity(Here(jnp.arange(3.0), 2.0))
    assert identity(Here(jnp.arange(3.0))) != identity(Here(jnp.arange(3.0) + 1))
    assert programs_of(Here(jnp.arange(3.0))) == programs_of(Here(jnp.arange(3.0) + 1))
    assert not identity(Here(jnp.arange(3.0))).unknown
