"""What JAX cannot follow in a user's function is refused at once, with the line of the user and what to write."""

import math
import re
from math import tanh
from pathlib import Path

import jax.numpy as jnp
import numpy as np
import pytest
from scipy.interpolate import CubicSpline

import brackish as bk

SPLINE = CubicSpline(np.linspace(-1, 1, 9), np.linspace(-1, 1, 9) ** 2)
TABLE = np.linspace(0.0, 1.0, 16)
KEPT = []


def by_numpy(q):
    return jnp.diag(jnp.stack([np.tanh(q[0]), 0.0]))  # jnp.tanh


def by_math(q):
    return jnp.diag(jnp.stack([math.exp(q[0]), 0.0]))  # jnp.exp


def by_if(q):
    if q[0] > 0:  # jnp.where
        return jnp.eye(2)
    return jnp.zeros((2, 2))


def by_conditional_expression(q):
    slope = 1.0 if q[0] > 0 else -1.0  # jnp.where
    return slope * jnp.eye(2)


def by_while(q):
    while q[0] > 0:  # while_loop
        q = q - 1
    return jnp.eye(2) * q[0]


def by_and(q):
    inside = q[0] > 0 and q[0] < 1  # jnp.logical_and
    return jnp.eye(2) * inside


def by_max(q):
    return jnp.eye(2) * max(q[0], 0.0)  # jnp.maximum


def by_float(q):
    return jnp.eye(2) * float(q[0])  # leave float() out


def by_item(q):
    return jnp.eye(2) * q[0].item()  # leave .item()


def by_spline(q):
    return jnp.eye(2) * SPLINE(q[0])  # interpolant in jax.numpy


def by_assignment(q):
    h = jnp.zeros((2, 2))
    h[0, 0] = q[0]  # h = h.at[0, 0].set(...)
    return h


def by_assignment_to_numpy(q):
    h = np.zeros((2, 2))
    h[0, 0] = q[0]  # h = h.at[0, 0].set(...)
    return h


def by_numpy_array(q):
    return np.array([[q[0], 0.0], [0.0, 1.0]])  # jnp.array


def by_eigenvalues(q):
    return jnp.diag(np.linalg.eigvalsh(jnp.eye(2) * q[0]))  # jnp.linalg.eigvalsh


def by_table(q):
    return jnp.eye(2) * TABLE[(8 * q[0]).astype(int)]  # jnp.asarray


def by_mask(q):
    return jnp.eye(2) * jnp.sum(q[q > 0])  # jnp.where


UNTRACEABLE = [value for name, value in list(globals().items()) if name.startswith("by_")]


def line_of(function):
    """The number and the cure of the line that is wrong."""
    first = function.__code__.co_firstlineno
    lines = Path(__file__).read_text().splitlines()[first - 1 : first + 6]
    number = next(k for k, line in enumerate(lines) if "  # " in line)
    return first + number, lines[number].split("  # ")[1]


def refusal(call):
    with pytest.raises(bk.InvalidInput) as caught:
        call()
    message = str(caught.value)
    assert "\n" not in message
    assert "racer" not in message
    assert caught.value.__suppress_context__ or caught.value.__context__ is None
    return message


@pytest.mark.parametrize("function", UNTRACEABLE, ids=lambda f: f.__name__)
def test_the_line_and_the_cure_are_named(function):
    message = refusal(lambda: bk.hamiltonian(function, [1.0]))
    line, cure = line_of(function)
    assert f"test_users_functions.py:{line}, `" in message
    assert cure in message.split("`:")[-1]


@pytest.mark.parametrize("function", [by_numpy, by_if, by_assignment, by_spline])
def test_external_potentials_too(function):
    message = refusal(
        lambda: bk.hamiltonian(lambda q: jnp.diag(q), [1.0], external=lambda q: function(q)[0, 0])
    )
    assert message.startswith("The function `external` cannot be compiled at ")
    assert f":{line_of(function)[0]}, `" in message


@pytest.mark.parametrize("function", [by_numpy, by_float])
def test_operators_on_other_manifolds_too(function):
    message = refusal(lambda: bk.hamiltonian(lambda n: function(n[0]), manifold=bk.Spheres(2)))
    assert f":{line_of(function)[0]}, `" in message


def test_a_plain_mistake_names_its_line():
    message = refusal(lambda: bk.hamiltonian(lambda q: undefined_name * q, [1.0]))
    assert re.search(
        r"failed at \S*test_users_functions.py:\d+, `.*`: NameError: name 'undefined_name'", message
    )


# -- coordinates that do not exist ---------------------------------------------------------------------------


OUTSIDE = {
    "q[1]": (lambda q: jnp.eye(2) * q[1], 1),
    "q[-2]": (lambda q: jnp.eye(2) * q[-2], -2),
    "q[..., 1]": (lambda q: jnp.eye(2) * q[..., 1], 1),
    "q[[0, 1]]": (lambda q: jnp.diag(q[jnp.array([0, 1])]), 1),
    "take": (lambda q: jnp.eye(2) * jnp.take(q, 3), 3),
    "set": (lambda q: jnp.eye(2) * jnp.sum(q.at[2].set(0.0)), 2),
    "depending on q": (lambda q: jnp.eye(2) * q[(q[0] + 5).astype(int)], 5),
    "inside a where": (lambda q: jnp.where(q[0] > 0, q[0], q[4]) * jnp.eye(2), 4),
}


@pytest.mark.parametrize("name", OUTSIDE)
def test_a_coordinate_that_does_not_exist_is_refused(name):
    function, index = OUTSIDE[name]
    message = refusal(lambda: bk.hamiltonian(function, [1.0]))
    assert f"asks for number {index} of the coordinates, one for each mass" in message
    assert message.endswith("there is 1, counted from 0.")
    # inside a function that JAX has compiled before, the place is no longer known
    assert ("test_users_functions.py:" in message) == (name != "take")


def test_a_coordinate_that_does_not_exist_is_refused_in_external_potentials():
    message = refusal(lambda: bk.hamiltonian(jnp.diag, [1.0, 1.0], external=lambda q: q[2]))
    assert message.startswith("The function `external` asks for number 2 of the coordinates")
    assert message.endswith("there are 2, counted from 0.")


def test_a_spin_that_does_not_exist_is_refused():
    message = refusal(lambda: bk.hamiltonian(lambda n: jnp.eye(2) * n[2, 0], manifold=bk.Spheres(2)))
    assert "number 2" in message
    assert "there are 2" in message


def test_what_fits_is_left_alone():
    table = jnp.asarray(TABLE)

    def looks_up(q):
        here = jnp.interp(q[-1], table, table**2)
        nearest = table[jnp.clip((100 * q[0]).astype(int), 0, 15)]
        beyond = table.at[(1000 * q[0]).astype(int)].get(mode="clip")
        return jnp.diag(q[jnp.array([1, 0])]) + (here + nearest + beyond) * jnp.eye(2)

    assert bk.hamiltonian(looks_up, [1.0, 1.0]).levels == 2


def by_an_imported_name(q):
    return jnp.eye(2) * tanh(q[0])


def by_two_statements_in_a_line(q):
    h = jnp.zeros((2, 2)); h[0, 0] = q[0]; return h  # fmt: skip  # noqa: E702


@pytest.mark.parametrize(
    ("function", "instead"),
    [
        (by_an_imported_name, "write jnp.tanh instead of tanh"),
        (by_two_statements_in_a_line, "write h = h.at[0, 0].set(...)"),
    ],
)
def test_advice_knows_imported_names_and_several_statements_in_a_line(function, instead):
    with pytest.raises(bk.InvalidInput, match=re.escape(instead)):
        bk.hamiltonian(function, masses=[1.0])


def test_what_returns_no_numbers_is_told_so_without_a_place_in_the_library():
    with pytest.raises(bk.InvalidInput, match="must return numbers, got a value of type str") as refused:
        bk.hamiltonian(lambda q: "a text", masses=[1.0])
    assert "tracing.py" not in str(refused.value)


def test_a_function_need_not_be_finite_where_no_trajectory_goes():
    system = bk.hamiltonian(
        lambda q: 0.001 * jnp.log(-q[0]) * jnp.diag(jnp.array([1.0, -1.0])),
        masses=[1500.0],
        step=10.0,
        external=lambda q: 0.001 * jnp.sqrt(-q[0]),
    )
    start = bk.GaussianPacket(position=-3.0, momentum=-1.0, width=0.3, state=bk.Diabatic(0))
    run = bk.simulate(system, bk.Ehrenfest(), start, bk.times(50.0, 2), trajectories=4)
    assert np.isclose(run.energy[-1], run.energy[0], rtol=1e-4)


def test_a_field_has_real_numbers():
    with pytest.raises(bk.InvalidInput, match="real numbers"):
        bk.SpinSystem([1.0], field=lambda t: jnp.array([0.0, 0.0, 1.0j]))
