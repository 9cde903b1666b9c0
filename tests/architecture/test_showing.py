"""Packets, models and theories show their numbers."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest

import brackish as bk
from brackish.showing import in_text


@pytest.mark.parametrize(
    ("shown", "words"),
    [
        (bk.GaussianPacket(-8.0, 20.0, 0.5), ["GaussianPacket(position=[-8], momentum=[20], width=[0.5]"]),
        (bk.models.tully(1, mass=1836.5), ["SimpleAvoidedCrossing(", "masses=[1836.5]", "0.01"]),
        (bk.models.rabi(frequency=1.25), ["Rabi(", "frequencies=[1.25]", "splitting=1"]),
        (bk.LLG(0.1, temperature=300.0), ["LLG(damping=0.1, temperature=300)"]),
        (bk.SurfaceHopping(), ["SurfaceHopping(", "rescaling="]),
        (bk.PhaseSpace((-1, -2), (1, 2), 32), ["lower=(-1, -2)", "shape=(32, 32)"]),
        (
            bk.SpinSystem([0.5, 1.0], bk.Bonds([0], [1], 1.5), field=[0.0, 0.0, 3.0]),
            ["spins=[0.5, 1]", "exchange=[1.5]", "field=[0, 0, 3]"],
        ),
        (bk.Directions(np.ones((40, 3))), ["directions=f64[1,40,3]"]),
        (bk.times(10.0, 5), ["stop=10.0"]),
    ],
)
def test_numbers_are_shown(shown, words):
    assert [word for word in words if word not in repr(shown)] == []


def test_long_ones_have_a_line_for_each_entry():
    lines = repr(bk.SpinSystem([0.5, 1.0], bk.Bonds([0], [1], 1.5))).splitlines()
    assert max(map(len, lines)) <= 110
    assert lines[0] == "SpinSystem("
    assert not any("neighbours" in line for line in lines)


def test_what_jax_traces_shows_its_shape():
    seen = []

    @jax.jit
    def look(x):
        seen.append(in_text((x, 2.0)))
        return x

    look(jnp.ones(3))
    assert seen == ["(f64[3], 2)"]


def test_functions_are_named():
    def well(q):
        return jnp.array([[q[0] ** 2]])

    assert "well" in repr(bk.hamiltonian(well, masses=[1.0]))
