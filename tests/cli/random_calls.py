"""Random calls of everything public, with arguments of every wrong kind: each must end well, or in one line of our own.

    python tests/cli/random_calls.py --calls 1000 --seed 0

A call is taken at random, filled with arguments that go together, and one or two of these are replaced by something
else: a text, a class, a function, a number of numpy, NaN, a number of hundreds of digits, an array of a wrong shape.
What it returns is held against a system. Every exception that is not of brackish, and every message of more than one
line, is printed; the exit code is 1 if there was one.
"""

import argparse
import collections
import contextlib
import dataclasses
import datetime
import inspect
import io
import random
import sys
import tempfile
import traceback
import warnings
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import jax.numpy as jnp
import numpy as np

import brackish as bk
from brackish import integrators, models, observables, spins

ROOMS = (bk, models, integrators, observables, spins)
SYSTEM = models.tully(1)
PACKET = bk.GaussianPacket(-2.0, 20.0, 0.5)
TIMES = bk.times(20.0, 2, step=10.0)
PAIR = spins.Bonds([0], [1], 1.0)
MAGNET = bk.SpinSystem([0.5, 0.5], PAIR, [0.0, 0.0, 1.0])
GRID = bk.Grid(-5.0, 5.0, 16)
PLANE = bk.PhaseSpace((-4.0, -4.0), (4.0, 4.0), 16)
FOLDER = Path(tempfile.mkdtemp())


def crossing(q: Any) -> Any:
    """A potential matrix of one coordinate."""
    return jnp.array([[0.01, 0.005], [0.005, -0.01]]) + 0.0 * q[0]


def first_population(theory: Any, hamiltonian: Any, state: Any) -> Any:
    """An observable."""
    return theory.quantum_density(hamiltonian, state)[0, 0].real


GOOD: dict[str, Any] = {
    "hamiltonian": SYSTEM, "system": SYSTEM, "first": SYSTEM, "second": SYSTEM, "theory": bk.Ehrenfest(),
    "theories": [bk.Ehrenfest()], "preparation": PACKET, "times": TIMES, "packet": PACKET, "start": PACKET,
    "packets": [PACKET, PACKET], "stop": 20.0, "saves": 2, "position": -2.0, "momentum": 20.0, "width": 0.5,
    "momentum_width": 1.0, "positions": [[0.0], [1.0]], "momenta": [[0.0], [1.0]], "directions": [[0.0, 0.0, 1.0]] * 2,
    "direction": [0.0, 0.0, 1.0], "concentration": 5.0, "state": 0, "level": 0, "density": np.eye(2) / 2,
    "number": 4, "temperature": 0.1, "purity_weight": 0.5, "states": [[1.0, 0.0, 0.0, 0.0]], "probabilities": [1.0],
    "quantum": None, "classical": None, "masses": [2000.0], "function": crossing, "factor": 0.5,
    "unitary": np.eye(2), "count": 4, "length": 1.0, "strength": 0.1, "lower": -5.0, "upper": 5.0, "points": 16,
    "diffusion": 0.1, "damping": 0.1, "grid": GRID, "rate": 0.1, "time": 10.0, "half_width": 1.0, "ratio": 2.0,
    "terms": 1, "values": [[0.1]], "electrons": bk.IndependentElectrons(0.1), "broadening": bk.Lorentzian(0.1),
    "energies": [0.0, 1.0], "frequencies": [1.0], "couplings": [1.0], "spins": 1, "constant": 0.1, "name": "first",
    "cell": np.eye(3), "exchange": 1.0, "canonical": bk.Canonical(1.0), "spheres": bk.Spheres(1), "posfile": "pos",
    "jfile": "j", "shape": (2, 2), "path": FOLDER / "nothing", "dataset": None, "vectors": np.eye(3),
    "largest_degree": 4, "cutoff": 1.0, "friction": 0.1, "point": 0.0, "order": 2.0, "store": FOLDER / "nothing",
}  # fmt: skip
OWN: dict[str, Any] = {
    "Bonds.first": [0], "Bonds.second": [1], "SpinSystem.spins": [0.5], "SpinState.state": [1.0, 0.0],
    "HybridMagnet.quantum": [0], "QuantumAndClassical.quantum": bk.Singlet(), "PhasePoint.position": [0.0],
    "QuantumAndClassical.classical": bk.Directions([[0.0, 0.0, 1.0]]), "PhasePoint.momentum": [0.0],
    "ProductPoint.canonical": bk.PhasePoint(np.zeros(1), np.zeros(1)), "ProductPoint.spheres": np.eye(3)[:1],
    "HybridMasterEquation.grid": PLANE, "HybridWigner.classical": PLANE, "HybridWigner.quantum": PLANE,
    "PhaseSpace.lower": (-4.0, -4.0), "PhaseSpace.upper": (4.0, 4.0), "FrictionFunction.function": lambda q: np.eye(1),
    "Observable.function": first_population, "write_ovf.positions": np.eye(3), "DiscreteBath.couplings": [1.0],
    "linear_vibronic_coupling.couplings": None, "read_uppasd.shape": 2, "simulate.trajectories": 2,
    "compare.trajectories": 2, "audit.trajectories": 2, "Uniaxial.constant": 0.1, "SphereGrid.length": 1.0,
    "MemoryFriction.memory": bk.analysis.MemoryKernel(np.eye(1), np.ones(1)), "SphereGrid.points": 8,
    "Amplitudes.values": [1.0, 0.0], "Shells.distance": [1.0], "Shells.coordination": [[1]], "Lattice.shape": 1,
    "wavefunction.grid": GRID,
}  # fmt: skip
LEFT_OUT = {
    # what is made by the library, not by users
    "Audit", "Draw", "NeighbourTable", "SpinOperator", "SpinSpace", "Status", "Derived", "require_magnet", "spin_space",
    "evenly", "Preparation", "drawn_nodes", "derived_observables", "standard_observables",
    # formulas of compiled code; an interface
    "adiabatic_populations_at", "MagneticUnits",
    # what functions make
    "ClassicalQuantumOscillators", "HybridSpins", "JahnTeller", "LinearVibronicCoupling", "NewnsAnderson",
    "PureDephasing", "Rabi", "ShinMetiu", "SpinBoson",
    # hours, not seconds, when the arguments are right
    "audit_table",
}  # fmt: skip


def random_value(draw: random.Random) -> Any:
    """Something that is rarely meant."""
    return draw.choice(
        [
            "text", "", "3", "10 fs", "300 K", "−8 angstrom", "1 parsnip", "a" * 5000, "\0", b"bytes", None, True,
            False, -1, 0, 1, 2, 3, 10**400, -(10**400), 2**63, 0.0, -0.5, 1.5, 1e-300, 1e300, float("nan"),
            float("inf"), 1 + 2j, np.int64(2), np.int32(-1), np.uint8(3), np.float32(0.5), np.float64("nan"),
            np.bool_(True), np.array(2), np.array(0.5), np.array([1.0, 2.0]), np.zeros((0,)), np.eye(2), np.eye(3),
            np.zeros((2, 2, 2)), np.array(["a"]), np.array([None]), np.array([1e400]), jnp.asarray(0.5),
            jnp.asarray(2), jnp.ones(3), [], [1], [1.0, 2.0], ["a"], ["1 fs", "2 fs"], [None], [[1.0], [1.0, 2.0]],
            [10**400], (), (1, 2), {}, {"a": 1}, {1, 2}, range(3), object(), datetime.date(2000, 1, 1),
            Path("nowhere"), len, crossing, lambda: None, lambda *args: "text", bk, np, Exception, int,
            bk.Ehrenfest, bk.GaussianPacket, bk.Exact, integrators.Strang, bk.Ehrenfest(), bk.SurfaceHopping(),
            PACKET, SYSTEM, TIMES, MAGNET, GRID, PLANE, bk.Singlet(), bk.Directions([[0.0, 0.0, 1.0]]),
            bk.Adiabatic(0), bk.Adiabatic(7), PAIR, integrators.Strang(), bk.Canonical([1.0, 1.0]), bk.Spheres(2),
            spins.RealUnits(), models.DebyeBath(), [bk.Ehrenfest], [PACKET], [bk.Ehrenfest(), "Exact"],
            {"mine": bk.Ehrenfest()}, {"mine": 1}, [PAIR, 1], observables.magnetization, observables.PURITY,
            iter([1, 2]), ...,
        ]
    )  # fmt: skip


def targets() -> dict[str, Callable]:
    """Everything public that can be called, by name."""
    found = {}
    for room in ROOMS:
        for name in room.__all__:
            value = getattr(room, name)
            built = (
                inspect.isclass(value) and dataclasses.is_dataclass(value) and not inspect.isabstract(value)
            )
            if name not in LEFT_OUT and (inspect.isfunction(value) or built):
                found[name] = value
    for name in bk.lattices.__all__ if hasattr(bk.lattices, "__all__") else ():
        found[name] = getattr(bk.lattices, name)
    return dict(sorted(found.items()))


def arguments(name: str, target: Callable, draw: random.Random) -> dict[str, Any]:
    """Arguments that go together, with one or two of them replaced, or one more given."""
    known = {
        key: parameter
        for key, parameter in inspect.signature(target).parameters.items()
        if parameter.kind not in (parameter.VAR_POSITIONAL, parameter.VAR_KEYWORD)
    }
    given = {}
    for key, parameter in known.items():
        own = f"{name}.{key}"
        if own in OWN:
            given[key] = OWN[own]
        elif parameter.default is inspect.Parameter.empty:
            given[key] = GOOD[key]
    if known:
        for key in draw.sample(sorted(known), min(len(known), draw.choice([1, 1, 2]))):
            given[key] = random_value(draw)
    return given


def ask(made: Any) -> None:
    """Hold what was made against a system, as a run does before it computes anything."""
    for system, start in ((SYSTEM, PACKET), (MAGNET, bk.Directions([[0.0, 0.0, 1.0]] * 2))):
        with contextlib.suppress(bk.BrackishError):
            if isinstance(made, bk.preparations.Preparation):
                made.check(system)
                made.count()
            if isinstance(made, bk.theory.Theory):
                made.requirements().check(type(made).__name__, system)
                resolved = made.resolve(system, start, TIMES)
                TIMES.steps_between_saves(resolved.suggested_step(system))
                resolved.default_integrator(system).check(resolved, system)
            if isinstance(made, integrators.Integrator):
                made.check(bk.Ehrenfest(), system)
    if isinstance(made, bk.HybridHamiltonian):
        made.suggested_step()


@dataclasses.dataclass(frozen=True)
class Foreign:
    """A call that ended badly."""

    call: str
    error: str
    trace: str


def calls(count: int, seed: int) -> Iterator[Foreign | None]:
    """So many random calls; for each None, or how it ended badly."""
    draw = random.Random(seed)
    known = targets()
    often = [
        name for name in ("simulate", "compare", "times", "hamiltonian", "GaussianPacket") for _ in range(10)
    ]
    for _ in range(count):
        name = draw.choice([*known, *often])
        given = arguments(name, known[name], draw)
        shown = ", ".join(f"{key}={_shown(value)}" for key, value in given.items())
        try:
            with (
                warnings.catch_warnings(),
                contextlib.redirect_stdout(io.StringIO()),
                contextlib.chdir(FOLDER),
            ):
                warnings.simplefilter("ignore")
                ask(known[name](**given))
        except bk.BrackishError as error:
            lines = str(error).splitlines()
            long = len(lines) != 1 or len(lines[0]) > 600
            yield (
                Foreign(f"{name}({shown})", f"message of {len(lines)} lines: {error}"[:900], "")
                if long
                else None
            )
        except Exception as error:
            text = f"{type(error).__name__}: {' '.join(str(error).split())}"[:300]
            yield Foreign(f"{name}({shown})", text, traceback.format_exc())
        else:
            yield None


def _shown(value: Any) -> str:
    try:
        return " ".join(repr(value).split())[:60]
    except ValueError:
        return "a very long number"


def main() -> int:
    """The script."""
    reader = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    reader.add_argument("--calls", type=int, default=1000)
    reader.add_argument("--seed", type=int, default=0)
    reader.add_argument("--trace", action="store_true", help="show where each error comes from")
    asked = reader.parse_args()
    bad = [end for end in calls(asked.calls, asked.seed) if end is not None]
    for end in bad:
        print(f"{end.call}\n    {end.error}")
        if asked.trace:
            print(end.trace)
    kinds = collections.Counter(end.call.partition("(")[0] for end in bad)
    print(
        f"{asked.calls} calls, {len(bad)} ended in a foreign exception",
        dict(kinds.most_common()) if bad else "",
    )
    return 1 if bad else 0


if __name__ == "__main__":
    sys.exit(main())
