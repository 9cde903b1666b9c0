"""What a theory needs of a Hamiltonian is said in numbers that are those asked for."""

import jax.numpy as jnp
import pytest

import brackish as bk
from brackish.theory import Requirements

THREE = bk.hamiltonian(lambda q: jnp.eye(3) * q[0], [1.0])


@pytest.mark.parametrize(
    ("needs", "words"),
    [
        ({"largest_levels": 2}, "Theory needs at most 2 quantum levels, got 3."),
        (
            {"largest_levels": 1},
            "Theory needs a Hamiltonian of 1 level, a function on the classical manifold, got one of 3 quantum levels.",
        ),
        ({"smallest_levels": 4}, "Theory needs at least 4 quantum levels, got 3."),
    ],
)
def test_numbers_of_levels_are_said_as_they_are_meant(needs, words):
    with pytest.raises(bk.UnsupportedHamiltonian) as caught:
        Requirements(**needs).check("Theory", THREE)
    assert str(caught.value) == words


def test_what_will_do_is_let_through():
    Requirements(smallest_levels=3, largest_levels=3).check("Theory", THREE)
