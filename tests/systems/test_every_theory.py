"""Every theory goes through `simulate`, with 2, 3, 4 and 12 levels where it allows them."""

import dataclasses
import inspect
from collections.abc import Callable

import jax.numpy as jnp
import numpy as np
import pytest

import brackish as bk
from brackish.errors import UnsupportedHamiltonian
from brackish.grids import FieldGrid
from brackish.run.catalogue import named_theories
from brackish.theory import Theory

LEVELS = (2, 3, 4, 12)
QUICK = ("Ehrenfest", "Koopmons", "LLG")
"""Theories whose runs at three levels belong to the quick tests; all others compile for longer."""

# -- tiny systems ----------------------------------------------------------------------------------------------------


def ladder(levels):
    """A chain of levels: their energies and the hops between neighbours."""
    return np.diag(np.linspace(-0.3, 0.3, levels)), np.eye(levels, k=1) + np.eye(levels, k=-1)


def line(levels):
    """One coordinate, with real couplings that differ from place to place."""
    energies, hops = ladder(levels)
    return bk.hamiltonian(
        lambda q: 0.2 * jnp.cos(q[0]) * hops + jnp.tanh(q[0]) * energies,
        masses=[1.0],
        frequencies=[1.0],
        step=0.05,
    )


def forces_of_one_basis(levels):
    """One coordinate, with forces that are diagonal in the same basis everywhere."""
    energies, hops = ladder(levels)
    return bk.hamiltonian(lambda q: 0.2 * hops + q[0] * energies, masses=[1.0], frequencies=[1.0], step=0.05)


def two_oscillators(levels):
    """Two coordinates and `levels` = 1: the quantum one is a coordinate, too."""
    return bk.hamiltonian(
        lambda q: jnp.reshape(0.5 * jnp.sum(q**2) + 0.1 * q[0] * q[1], (levels, levels)),
        masses=[1.0, 1.0],
        step=0.05,
    )


def sphere(levels):
    """A classical spin, with couplings that are complex."""
    energies, hops = ladder(levels)
    turned = 1j * (np.triu(hops) - np.tril(hops))
    return bk.hamiltonian(
        lambda n: n[0, 2] * energies + 0.2 * n[0, 0] * hops + 0.2 * n[0, 1] * turned,
        manifold=bk.Spheres(1),
        step=0.05,
    )


SPINS = {2: [0.5], 3: [1.0], 4: [0.5, 0.5], 12: [0.5, 0.5, 1.0]}
"""Quantum spins whose states are so many."""


def magnet(spins):
    """A chain of spins in a field."""
    first = np.arange(len(spins) - 1)
    bonds = bk.Bonds(first, first + 1, np.ones(len(first)), np.zeros((len(first), 3)))
    return bk.SpinSystem(spins, bonds, np.tile([0.3, 0.0, 0.5], (len(spins), 1)))


def beside_a_classical_spin(levels):
    """A cluster of so many levels, and one spin more."""
    return magnet([*SPINS[levels], 1.0])


def tilted(count):
    """Directions that differ from spin to spin."""
    angles = 0.5 + 0.4 * np.arange(count)
    return bk.Directions(np.stack([np.sin(angles), np.zeros(count), np.cos(angles)], axis=1))


# -- theories --------------------------------------------------------------------------------------------------------

PACKET = bk.GaussianPacket(0.2, 0.3, width=0.7)
PHASE_SPACE = bk.PhaseSpace([-6.0, -6.0], [6.0, 6.0], 32)
ELECTRONS = bk.ManyElectronStates(0.1)


@dataclasses.dataclass(frozen=True)
class Bench:
    """A theory with what it must be told, a system and a start for so many levels."""

    theory: Callable[[int], Theory]
    system: Callable = line
    start: Callable = lambda levels: PACKET
    has_levels: bool = False
    """Whether the system has so many levels although the Hamiltonian has one: they belong to quantum spins."""


def of_a_magnet(theory):
    return Bench(
        lambda levels: theory,
        lambda levels: magnet(SPINS[levels]),
        lambda levels: tilted(len(SPINS[levels])),
        has_levels=True,
    )


TOLD = {
    "ClassicalQuantum": Bench(lambda levels: bk.ClassicalQuantum(1.0, 0.1), forces_of_one_basis),
    "HybridMagnet": Bench(
        lambda levels: bk.HybridMagnet(range(len(SPINS[levels])), 0.1),
        beside_a_classical_spin,
        lambda levels: tilted(len(SPINS[levels]) + 1),
        has_levels=True,
    ),
    "HybridMasterEquation": Bench(lambda levels: bk.HybridMasterEquation(1.0, PHASE_SPACE, 0.1)),
    "HybridWigner": Bench(
        lambda levels: bk.HybridWigner(0.3, PHASE_SPACE, PHASE_SPACE, 0.1),
        two_oscillators,
        lambda levels: bk.GaussianCloud([0.2, 0.0], [0.0, 0.3], [0.7, 0.7], [0.7, 0.7]),
    ),
    "LL": of_a_magnet(bk.LL(0.1)),
    "LLG": of_a_magnet(bk.LLG(0.1)),
    "MixedStateEhrenfest": Bench(lambda levels: bk.MixedStateEhrenfest(ELECTRONS)),
    "MolecularDynamicsWithFriction": Bench(
        lambda levels: bk.MolecularDynamicsWithFriction(
            ELECTRONS, bk.FrictionFromElectrons(bk.Lorentzian(0.8))
        )
    ),
    "MomentHierarchy": Bench(lambda levels: bk.MomentHierarchy(bk.Grid(-4.5, 4.5, 64))),
    "QuantumLL": of_a_magnet(bk.QuantumLL(0.1)),
    "QuantumLLG": of_a_magnet(bk.QuantumLLG(0.1)),
    "SpinKoopmons": Bench(
        lambda levels: bk.SpinKoopmons(), sphere, lambda levels: bk.VonMisesFisher([0.3, 0.0, 1.0], 4.0)
    ),
}
"""Theories that need arguments, or another system than a coordinate."""


def needs(theory):
    """Arguments that have no default."""
    parameters = inspect.signature(theory).parameters.values()
    return [parameter.name for parameter in parameters if parameter.default is inspect.Parameter.empty]


def with_defaults(theory):
    """A theory as it is made without arguments, and with a grid where its fields need one."""
    made = theory()
    fields = {field.name: str(field.type) for field in dataclasses.fields(made)}
    on_grid = FieldGrid.__name__ in fields.get("grid", "")
    return dataclasses.replace(made, grid=PHASE_SPACE) if on_grid else made


def bench_of(name):
    """None where nobody said how this theory is made."""
    theory = named_theories()[name]
    if name in TOLD or needs(theory):
        return TOLD.get(name)
    return Bench(lambda levels: with_defaults(theory))


BENCHES = {name: bench for name in named_theories() if (bench := bench_of(name)) is not None}


def levels_of(name):
    """Those of LEVELS that its requirements allow, or the largest that they allow."""
    bench = BENCHES[name]
    if bench.has_levels:
        return LEVELS
    needed = bench.theory(LEVELS[0]).requirements()
    most = needed.largest_levels or max(LEVELS)
    return tuple(levels for levels in LEVELS if needed.smallest_levels <= levels <= most) or (most,)


def cases():
    for name in BENCHES:
        for levels in levels_of(name):
            quick = name in QUICK and levels in (1, 3)
            yield pytest.param(name, levels, marks=() if quick else pytest.mark.slow, id=f"{name}-{levels}")


# -- tests -----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(("name", "levels"), list(cases()))
def test_it_runs(name, levels):
    bench = BENCHES[name]
    theory, system, start = bench.theory(levels), bench.system(levels), bench.start(levels)
    count = {"trajectories": 4} if theory.has_trajectories and start.random else {}
    data = bk.simulate(system, theory, start, bk.times(stop=0.02, saves=1, step=0.01), **count)
    for variable in data.data_vars.values():
        assert np.all(np.isfinite(variable)) or "not_a_number" in variable.attrs, variable.name
    assert np.all(np.isfinite(data.energy))
    if "norm" in data:
        assert np.allclose(data.norm, 1.0, atol=1e-6)
    if "population" in data:
        assert data.population.shape == (2, system.levels)


def test_no_theory_is_left_out():
    assert set(named_theories()) == set(BENCHES), "say in TOLD how these are made"


@pytest.mark.parametrize("name", [name for name in BENCHES if max(levels_of(name)) < max(LEVELS)])
def test_a_theory_that_is_not_run_at_all_levels_refuses_them(name):
    bench, most = BENCHES[name], max(levels_of(name))
    with pytest.raises(
        UnsupportedHamiltonian, match=rf"{name} needs (at most {most}|a Hamiltonian of {most}) "
    ):
        bench.theory(most + 1).requirements().check(name, line(most + 1))
