"""Audits every theory of the library, and prints the tables of docs/audit.md.

    python docs/make_audit.py                     all of them, some ten minutes on two cores
    python docs/make_audit.py MeanField Exact     some of them, by name
    python docs/make_audit.py --long MeanField    every number

A theory that is not in `SETTINGS` is run as it comes on the first of the systems that it takes.
"""

import sys
import time
from typing import Any

import jax.numpy as jnp
import numpy as np

import brackish as bk
from brackish.grids import Grid
from brackish.run.catalogue import named_theories, parameters

PAULI_X = jnp.array([[0.0, 1.0], [1.0, 0.0]])
PAULI_Z = jnp.array([[1.0, 0.0], [0.0, -1.0]])


def linear_coupling(q):
    """0.7 q sigma_x."""
    return 0.7 * q[0] * PAULI_X


def spins_in_contact(n):
    """n_x sigma_x."""
    return n[0, 0] * PAULI_X


PLANE = bk.hamiltonian(
    linear_coupling, masses=[1.0], frequencies=[1.0], quantum=np.diag([1.0, -1.0]), step=0.05
)
"""H = (p^2 + q^2)/2 + 0.7 q sigma_x + sigma_z, hbar = 1."""
SPHERE = bk.hamiltonian(
    spins_in_contact,
    manifold=bk.Spheres(1),
    quantum=np.diag([0.7, -0.7]),
    external=lambda n: 0.5 * n[0, 2],
    step=0.05,
)
"""H = n_z/2 + n_x sigma_x + 0.7 sigma_z, hbar = 1/2."""

SPRING = bk.hamiltonian(
    lambda q: jnp.zeros((1, 1)),
    masses=[1.0],
    frequencies=[1.0],
    external=lambda q: 0.05 * q[0] ** 4,
    step=0.05,
)
"""H = (p^2 + q^2)/2 + q^4/20, one level: a classical system, for theories of such."""
TWIST = bk.hamiltonian(
    lambda n: jnp.zeros((1, 1)), manifold=bk.Spheres(1), external=lambda n: 0.5 * n[0, 2] ** 2, step=0.05
)
"""H = n_z^2/2, one level."""

NARROW = bk.GaussianCloud(0.0, 0.0, 0.3, 0.3, state=0)
"""Far below the uncertainty relation: a classical cloud."""
PACKET = bk.GaussianPacket(0.0, 0.0, np.sqrt(0.5), state=0)
"""For the exact wavefunction, which cannot begin in such a cloud; and, as it is smoother, for fields that must be."""
SLOW = bk.GaussianCloud(1.0, 0.0, 0.3, 0.3, state=1)
"""On the lower level, without the energy for all the hops that the amplitudes ask for."""
CAP = bk.VonMisesFisher([np.sqrt(0.75), 0.0, 0.5], 10.0, state=0)
"""A cloud of directions."""

BOX = bk.PhaseSpace((-6.0, -6.0), (6.0, 6.0), 96)
WIDE = bk.PhaseSpace((-9.0, -9.0), (9.0, 9.0), 144)
"""A box whose edges do not matter where motion is fast in its corners."""
GLOBE = bk.SphereGrid(24)
LINE = Grid(-4.0, 4.5, 96)

SYSTEMS = {
    "plane": (PLANE, NARROW, 4.8),
    "sphere": (SPHERE, CAP, 2.0),
    "plane, one level": (SPRING, bk.GaussianCloud(0.6, 0.0, 0.5, 0.5), 2.0),
    "sphere, one level": (TWIST, bk.VonMisesFisher([np.sqrt(0.75), 0.0, 0.5], 10.0), 2.0),
}
"""A Hamiltonian, a start and a time each."""

SETTINGS: dict[str, dict[str, Any]] = {
    "Exact": {"start": PACKET},
    "QuantumTrajectories": {"start": PACKET},
    "QuantumHydrodynamics": {"start": PACKET, "stop": 1.0, "step": 0.0125},
    "SurfaceHopping": {"trajectories": 4000, "start": SLOW},
    "AleksandrovGerasimenko": {"step": 0.0125},
    "HybridMeanField": {"step": 0.0125},
    "ContinuumEhrenfest": {"stop": 2.4, "step": 0.0125},
    "ExactFactorization": {"step": 0.002},
    "MomentHierarchy": {
        "options": {"grid": LINE, "closure": bk.Gaussian()},
        "stop": 0.6,
        "step": 0.005,
    },
    "Koopmons": {"trajectories": 256, "step": 0.025},
    "ClassicalQuantum": {"options": {"diffusion": 0.3, "friction": 0.2}},
    "HybridMasterEquation": {"options": {"diffusion": 0.3, "friction": 0.2}, "step": 0.0125},
    "SpinKoopmons": {"step": 0.0125},
    "HybridWigner": {"system": "none: its quantum side is no density matrix"},
    "NonlinearKoopman": {"system": "sphere", "stop": 0.2, "step": 0.004},
}


def prepared(name: str, system: str) -> bk.Ehrenfest:
    """The theory of this name, with a grid and with the hbar of the system where it wants them."""
    kind = named_theories()[name]
    wanted = {parameter.name for parameter in parameters(kind)}
    options: dict[str, Any] = dict(SETTINGS.get(name, {}).get("options", {}))
    if "grid" in wanted and kind.has_phase_space:
        options["grid"] = {"plane": BOX, "plane, one level": WIDE}.get(system, GLOBE)
    if "planck" in wanted and system.startswith("sphere"):
        options["planck"] = 0.5
    return kind(**options)


def takes(name: str, system: str) -> bool:
    """Whether a table has a row for the theory: it takes the Hamiltonian, and the others did not do for it."""
    hamiltonian, _, _ = SYSTEMS[system]
    needs = prepared(name, system).requirements()
    try:
        needs.check(name, hamiltonian)
    except bk.UnsupportedHamiltonian:
        return False
    return hamiltonian.levels > 1 or needs.largest_levels == 1


def row(name: str, system: str, long: bool) -> str:
    """A row of the table. Raises what the audit raises."""
    settings = SETTINGS.get(name, {})
    hamiltonian, start, stop = SYSTEMS[system]
    stop = settings.get("stop", stop)
    times = bk.times(stop, 6, step=stop / 6 / np.ceil(stop / 6 / settings.get("step", 0.05) - 1e-9))
    found = bk.audit(
        prepared(name, system),
        hamiltonian,
        settings.get("start", start),
        times,
        trajectories=settings.get("trajectories", 128),
    )
    if long:
        print(found, end="\n\n")
    return f"| `{name}` | {' | '.join(found.cells())} | {stop:g} |"


def main(names: list[str], long: bool) -> None:
    """Print the tables, and what went wrong."""
    failed: dict[str, str] = {}
    for system in SYSTEMS:
        print(f"\n{system}\n")
        print("| theory | 1 density | 2 operator | 3 covariance | 4 uncoupled | 5 decoherence | until |")
        print("| --- |" + " --- |" * 6)
        for name in sorted(named_theories()):
            unwanted = names and name not in names
            if unwanted or SETTINGS.get(name, {}).get("system", system) != system or not takes(name, system):
                continue
            begun = time.perf_counter()
            try:
                print(row(name, system, long), flush=True)
            except bk.BrackishError as error:
                failed[f"`{name}` on the {system}"] = str(error)
            print(f"{name} on the {system}: {time.perf_counter() - begun:.0f} s", file=sys.stderr)
    for name, reason in failed.items():
        print(f"- {name}: {reason}")


if __name__ == "__main__":
    main([name for name in sys.argv[1:] if name != "--long"], "--long" in sys.argv)
