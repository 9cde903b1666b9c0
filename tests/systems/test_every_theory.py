"""Every theory that a function V(q) and a packet suffice for goes through `simulate`, at any number of levels."""

import dataclasses
import inspect

import jax.numpy as jnp
import numpy as np
import pytest

import brackish as bk
from brackish.grids import FieldGrid
from brackish.run.catalogue import named_theories

QUICK = ("Ehrenfest", "Koopmons")
"""Theories whose runs at three levels belong to the quick tests; all others compile for long."""


def system(levels):
    """A chain of levels, with real couplings that differ from place to place."""
    ladder, hops = np.diag(np.linspace(-0.3, 0.3, levels)), np.eye(levels, k=1) + np.eye(levels, k=-1)
    return bk.hamiltonian(
        lambda q: 0.2 * jnp.cos(q[0]) * hops + jnp.tanh(q[0]) * ladder,
        masses=[1.0],
        frequencies=[1.0],
        step=0.05,
    )


def ready(theory):
    """A theory with nothing but its defaults, and a grid where it has fields; None if it needs more to be told."""
    if any(p.default is inspect.Parameter.empty for p in inspect.signature(theory).parameters.values()):
        return None
    made = theory()
    fields = {field.name: str(field.type) for field in dataclasses.fields(made)}
    if FieldGrid.__name__ in fields.get("grid", ""):
        made = dataclasses.replace(made, grid=bk.PhaseSpace([-6.0, -6.0], [6.0, 6.0], 32))
    return made


def runs(levels):
    """The theories whose requirements this Hamiltonian meets."""
    for name, theory in named_theories().items():
        made = ready(theory)
        if made is None:
            continue
        try:
            made.requirements().check(name, system(levels))
        except bk.UnsupportedHamiltonian:
            continue
        yield name, made


def cases():
    for levels in (2, 3, 4, 12):
        for name, theory in runs(levels):
            quick = levels == 3 and name in QUICK
            marks = () if quick else (pytest.mark.slow,)
            yield pytest.param(theory, levels, marks=marks, id=f"{name}-{levels}")


@pytest.mark.parametrize(("theory", "levels"), list(cases()))
def test_it_runs(theory, levels):
    packet = bk.GaussianPacket(0.2, 0.3, width=0.7)
    count = {"trajectories": 4} if theory.has_trajectories else {}
    data = bk.simulate(system(levels), theory, packet, bk.times(stop=0.02, saves=1, step=0.01), **count)
    assert np.all(np.isfinite(data.energy))
    assert np.allclose(data.norm, 1.0, atol=1e-6)
    assert data.population.shape == (2, levels)


def test_there_are_theories_at_every_number_of_levels():
    names = {levels: {name for name, _ in runs(levels)} for levels in (2, 3, 4, 12)}
    assert {"Exact", "Koopmons", "SurfaceHopping", "ExactFactorization", "MeanField"} <= names[12]
    assert names[2] >= names[12]
