r"""The four figures of Y. Liu et al., "Quantum Analog of Landau-Lifshitz-Gilbert Dynamics", Phys. Rev. Lett. 133,
266704 (2024): a dimer of spins 1/2, from product, Bell and Werner states.

Units: $B_0=1$ T and $|J|=\hbar\gamma B_0$, so that w = 1, and $1/\gamma B_0$ = 10 ps. (The paper's "1 $\mu_B$ = 6.58e-2
meV/T" is not the Bohr magneton, 5.788e-2 meV/T, but $\hbar\cdot10^{11}$/(s T); with it both of its printed numbers, the
energy and the time, come out.) All damping constants are 0.5.
"""

from collections.abc import Mapping
from typing import Any

import numpy as np

from brackish.models import (
    Antiferromagnetic,
    BohrMagnetons,
    DimerCoupling,
    Ferromagnetic,
    spin_dimer,
)
from brackish.observables import bell_nonlocality, correlation_matrix
from brackish.plot import correlations, nonlocality, spin_components
from brackish.preparations import Directions, Preparation, SpinState
from brackish.reproduce.figure import PaperFigure
from brackish.run.simulation import simulate
from brackish.run.time_grid import times
from brackish.theories import LLG, QuantumLLG
from brackish.theory import Theory

DAMPING = np.array(0.5)
"""Both kappa and alpha."""
PICOSECONDS = 10.0
"""The unit of time, 1/(gamma B_0), in picoseconds."""
FIRST, OTHERS = 8.0, 6.0
"""How long the first figure runs, and the others, in units of time."""
UP_DOWN = Directions(np.array([[0.0, 0.0, 1.0], [0.0, 0.0, -1.0]]))
ALONG_X = (1.0, 0.0, 0.0)
DIAGONAL = (3**-0.5, 3**-0.5, 3**-0.5)
MIXING = 0.9
"""p of the Werner states."""
COUPLINGS: tuple[tuple[str, DimerCoupling], ...] = (
    ("ferromagnetic, J < 0", Ferromagnetic()),
    ("antiferromagnetic, J > 0", Antiferromagnetic()),
)
BELL_STATES = {
    r"$\Psi^+$": 0.5**0.5 * np.array([0.0, 1.0, 1.0, 0.0]),
    r"$\Psi^-$": 0.5**0.5 * np.array([0.0, 1.0, -1.0, 0.0]),
    r"$\Phi^+$": 0.5**0.5 * np.array([1.0, 0.0, 0.0, 1.0]),
    r"$\Phi^-$": 0.5**0.5 * np.array([1.0, 0.0, 0.0, -1.0]),
}
"""In the basis of up-up, up-down, down-up, down-down."""
SUBTITLE = "two spins 1/2, q-LLG with κ = 0.5, B₀ = 1 T"
QUANTUM, PAPER, MATCHED = "q-LLG", "LLG, moments of the paper", "LLG, spins ħ/2"


def quantum_llg(saves: int = 800) -> tuple[PaperFigure, PaperFigure, PaperFigure, PaperFigure]:
    """The four figures, with `saves` points along each line. Seconds, most of them for compiling."""
    return bloch_vectors(saves), correlation_matrices(saves), growing_nonlocality(saves), revivals(saves)


def bloch_vectors(saves: int = 800) -> PaperFigure:
    """Figure 1: the Bloch vector of spin 1 under q-LLG, beside LLG, from antiparallel spins."""
    panels = {}
    letters = iter("abcd")
    for twist in (0.0, 0.6):
        for name, coupling in COUPLINGS:
            quantum = spin_dimer(coupling, twist, ALONG_X)
            paper = spin_dimer(coupling, twist, ALONG_X, BohrMagnetons())
            panels[f"({next(letters)})  {name}, D = {twist:g} |J|"] = {
                QUANTUM: _run(quantum, QuantumLLG(DAMPING), UP_DOWN, FIRST, saves),
                PAPER: _run(paper, LLG(DAMPING), UP_DOWN, FIRST, saves),
                MATCHED: _run(quantum, LLG(DAMPING), UP_DOWN, FIRST, saves),
            }
    first, second, third, fourth = (_first_spin(runs[QUANTUM]) for runs in panels.values())
    speeds = {name: _half_period(run) for name, run in next(iter(panels.values())).items()}
    late = {name: _time_above(run, 0.99) for name, run in next(iter(panels.values())).items()}
    lengths = [np.linalg.norm(line, axis=1) for line in (first, second, third, fourth)]
    caption = (
        "Spin 1 of a dimer that starts up, down; w = 1 along x, D along z, κ = α = 0.5. Solid: Bloch vector of "
        "q-LLG, grey its length; dashed: LLG with the paper's moments; dotted: LLG with spins of length ħ/2. To "
        f"be seen: (a) the spin saturates along x, but its length dips to {lengths[0].min():.3f} on the way; (b) "
        f"it is quenched (length {lengths[1][-1]:.1g} at the end), which no classical spin can be; (c) much like "
        f"LLG: it ends at {_vector(third[-1])}, length {lengths[2][-1]:.4f}; (d) a small, finite length, "
        f"{lengths[3][-1]:.4f}. The paper calls q-LLG faster than LLG in (a). By its equations z does swing "
        f"faster (half a period takes {speeds[QUANTUM]:.1f} ps, LLG {speeds[PAPER]:.1f}), but most of that is the "
        f"classical exchange, which is half the quantum one for its moments ({speeds[MATCHED]:.1f} ps with spins "
        f"ħ/2); and saturation is slower: x exceeds 0.99 after {late[QUANTUM]:.0f} ps, with LLG after "
        f"{late[PAPER]:.0f} ({late[MATCHED]:.0f})."
    )
    figure = spin_components(panels, 0, "A damped dimer from antiparallel spins", caption)
    return PaperFigure("figure1", caption, panels, figure)


def correlation_matrices(saves: int = 800) -> PaperFigure:
    """Figure 2: the correlation matrix of the antiferromagnetic dimer from antiparallel spins."""
    panels = {}
    for letter, twist in (("a", 0.0), ("b", 0.6)):
        dimer = spin_dimer(Antiferromagnetic(), twist, ALONG_X)
        run = _run(dimer, QuantumLLG(DAMPING), UP_DOWN, OTHERS, saves)
        panels[f"({letter})  antiferromagnetic, D = {twist:g} |J|"] = {QUANTUM: run}
    without, with_ = (runs[QUANTUM]["correlation_matrix"].values for runs in panels.values())
    apart = np.max(np.abs(without[:, 0, 1] - without[:, 1, 0]))
    opposite = max(np.max(np.abs(matrix[:, 0, 1] + matrix[:, 1, 0])) for matrix in (without, with_))
    caption = (
        "Correlations of the antiferromagnetic dimer from up, down; w = 1 along x, D along z, κ = 0.5. Diagonal "
        "elements solid, pairs of others dashed and dotted; those that stay zero are left out. To be seen: (a) T "
        f"goes to diag(−1, −1, −1), the singlet: {_diagonal(without[-1])} at the end; (b) T_xy and T_yx stay "
        f"apart: {_plain(with_[-1, 0, 1])} and {_plain(with_[-1, 1, 0])}. The paper names this splitting as the "
        "reason why the Bloch vector of figure 1d does not vanish. By symmetry T_xy = −T_yx at all times (to "
        f"{opposite:.0e}), and without D as well (they differ by up to {apart:.2f}, then both vanish); the "
        "splitting alone does not make a Bloch vector: with the field along D the split state has none."
    )
    figure = correlations(panels, "Correlations of a damped antiferromagnetic dimer", SUBTITLE, caption)
    return PaperFigure("figure2", caption, panels, figure)


def growing_nonlocality(saves: int = 800) -> PaperFigure:
    r"""Figure 3: nonlocality from the Bell state Psi+, for several Dzyaloshinskii-Moriya vectors."""
    start = werner_state(BELL_STATES[r"$\Psi^+$"], 1.0)
    runs = {
        f"D = {twist:g} |J|": _run(
            spin_dimer(Antiferromagnetic(), twist, ALONG_X), QuantumLLG(DAMPING), start, OTHERS, saves
        )
        for twist in (0.0, 0.2, 0.4, 0.6)
    }
    panels = {"antiferromagnetic, from Ψ⁺": runs}
    lines = [run["bell_nonlocality"].values for run in runs.values()]
    clock = next(iter(runs.values()))["time"].values / PICOSECONDS
    closed = 1 / np.cosh(2 * DAMPING * clock / (1 + DAMPING**2))
    caption = (
        "Nonlocality of the antiferromagnetic dimer from the Bell state Ψ⁺; w = 1 along x, D along z, κ = 0.5. "
        "To be seen: without D it falls steadily to zero, as 1/cosh(2κwt/(1 + κ²)) (to "
        f"{np.max(np.abs(lines[0] - closed)):.0e}); with D = 0.2, 0.4, 0.6 it dips to "
        f"{', '.join(f'{line.min():.3f}' for line in lines[1:])} and comes back, to "
        f"{', '.join(f'{line[-1]:.4f}' for line in lines[1:])} at the end. The paper calls this limit maximally "
        "nonlocal; by its equations it is nearly so: a pure state has B = √(1 − |r₁|²), and the Bloch vector "
        "that D leaves (figure 1d) is small but not zero."
    )
    figure = nonlocality(panels, "Nonlocality of a damped dimer", SUBTITLE, caption)
    return PaperFigure("figure3", caption, panels, figure)


def revivals(saves: int = 800) -> PaperFigure:
    """Figure 4: nonlocality from Werner states, in a field along the diagonal."""
    panels = {
        f"({letter})  {name}": {
            state: _run(
                spin_dimer(coupling, 0.4, DIAGONAL),
                QuantumLLG(DAMPING),
                werner_state(bell, MIXING),
                OTHERS,
                saves,
            )
            for state, bell in BELL_STATES.items()
        }
        for letter, (name, coupling) in zip("ab", COUPLINGS, strict=True)
    }
    parallel, antiparallel = (
        {state: run["bell_nonlocality"].values for state, run in runs.items()} for runs in panels.values()
    )
    again = [_revivals(line) for line in antiparallel.values()]
    threshold = np.sqrt(1 / MIXING**2 - 1)
    caption = (
        "Nonlocality from Werner states with p = 0.9 around the four Bell states; w = 1 along (1, 1, 1), D = 0.4 "
        "|J| along z, κ = 0.5. To be seen: (a) ferromagnetic, it dies in all four, and comes back from zero "
        f"once, from Ψ⁻ (revivals {_list(_revivals(line) for line in parallel.values())}); (b) antiferromagnetic, "
        f"it returns from zero {_list(again)} times from Ψ⁺, Ψ⁻, Φ⁺, Φ⁻, and ends at "
        f"{antiparallel[next(iter(antiparallel))][-1]:.3f} from all. On average B is {_mean(antiparallel):.3f}, "
        f"ferromagnetic {_mean(parallel):.3f}. The paper speaks of a balance of entropy production and loss; by "
        "its equations every entropy is constant. A revival is an oscillation of the concurrence of the pure "
        f"part through √(1/p² − 1) = {threshold:.3f}: a Werner state moves as a pure state whose κ is p times as "
        "large, with B = √max(p²(1 + C²) − 1, 0)."
    )
    figure = nonlocality(panels, "Nonlocality of damped Werner states", SUBTITLE, caption)
    return PaperFigure("figure4", caption, panels, figure)


def werner_state(psi: np.ndarray, mixing: float) -> SpinState:
    """p |psi><psi| + (1 - p) / 4, with `mixing` p; a matrix for p = 1 too: one compiled program does for all."""
    return SpinState(mixing * np.outer(psi, psi) + 0.25 * (1 - mixing) * np.eye(4))


def _run(dimer, theory: Theory, start: Preparation, stop: float, saves: int) -> Any:
    """One run, with correlations if it is quantum, its time in picoseconds."""
    quantum = isinstance(theory, QuantumLLG)
    kept = (correlation_matrix(), bell_nonlocality()) if quantum else ()
    run = simulate(dimer, theory, start, times(stop, saves), observables=kept)
    return run.assign_coords(time=("time", PICOSECONDS * run["time"].values, {"units": "ps"}))


# -- what the captions say ---------------------------------------------------------------------------------------------


def _first_spin(run) -> np.ndarray:
    """The direction of spin 1, (saves, 3)."""
    return run["spin_direction"].isel(spin=0).transpose("time", "axis").values


def _half_period(run) -> float:
    """The mean time between the first four zeros of z, in ps."""
    zeros = _zeros(run["time"].values, _first_spin(run)[:, 2])[:4]
    return float((zeros[-1] - zeros[0]) / (len(zeros) - 1)) if len(zeros) > 1 else np.nan


def _time_above(run, level: float) -> float:
    """When x first exceeds a level, in ps."""
    zeros = _zeros(run["time"].values, _first_spin(run)[:, 0] - level)
    return float(zeros[0]) if len(zeros) else np.nan


def _zeros(time: np.ndarray, values: np.ndarray) -> np.ndarray:
    """Where a line crosses zero, by straight pieces."""
    here = np.flatnonzero(np.sign(values[:-1]) * np.sign(values[1:]) < 0)
    step = time[here + 1] - time[here]
    return time[here] + step * values[here] / (values[here] - values[here + 1])


def _revivals(line: np.ndarray) -> int:
    """How often a line that was positive once rises from zero again."""
    alive = line > 1e-6
    return int(np.sum(~alive[:-1] & alive[1:]))


def _mean(lines: Mapping[str, np.ndarray]) -> float:
    """Over time, by the trapezoid rule, and over all lines."""
    return float(np.mean([np.mean(0.5 * (line[1:] + line[:-1])) for line in lines.values()]))


def _list(values) -> str:
    return ", ".join(str(value) for value in values)


def _plain(value: float) -> str:
    return f"{value + 0.0:.3f}".replace("-", "−")


def _vector(values: np.ndarray) -> str:
    return f"({', '.join(f'{round(value, 4) + 0.0:.4f}' for value in values)})".replace("-", "−")


def _diagonal(matrix: np.ndarray) -> str:
    return f"({', '.join(_plain(value) for value in np.diag(matrix))})"
