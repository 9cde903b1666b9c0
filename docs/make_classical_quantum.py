"""The picture and the numbers of the page on classical-quantum diffusion: `python docs/make_classical_quantum.py`."""

import numpy as np
from make_gallery import keep

import brackish as bk
from brackish.analysis.oscillators import OscillatorPair, Spring
from brackish.plot.reading import Run
from brackish.plot.style import FAINT, INK, SMALL, TEXT, header, name_panel, new_figure, stack, time_axis
from brackish.quantum import expect

STRENGTH, FRICTION, DIFFUSION = 0.5, 0.5, 0.5
CLASSICAL, QUANTUM = "#0072B2", "#D55E00"

pair = bk.models.oscillator_pair(coupling=Spring(STRENGTH))
theory = bk.ClassicalQuantum(DIFFUSION, FRICTION, truncation_tolerance=0.02)
closed = np.asarray(
    OscillatorPair((1.0, 1.0), (1.0, 1.0), Spring(STRENGTH), FRICTION, DIFFUSION).steady_covariance()
)


def quantum_position(theory, hamiltonian, y):
    """The mean position of the quantum oscillator, given the trajectory."""
    return expect(hamiltonian.quantum_position, y.psi)


def quantum_square(theory, hamiltonian, y):
    """Its mean square."""
    return expect(hamiltonian.quantum_position @ hamiltonian.quantum_position, y.psi)


def quantum_momentum_square(theory, hamiltonian, y):
    """That of its momentum."""
    return expect(hamiltonian.quantum_momentum @ hamiltonian.quantum_momentum, y.psi)


def together(theory, hamiltonian, y):
    """The product of both positions."""
    return y.point.position[0] * quantum_position(theory, hamiltonian, y)


KEPT = tuple(
    bk.Observable(function.__name__, function)
    for function in (quantum_position, quantum_square, quantum_momentum_square, together)
)


def sample() -> None:
    """One trajectory from rest, with the state that it conditions, and where a share of all will be."""
    times = bk.times(60.0, 600, step=0.05)
    start = bk.Points([0.0], [0.0], state=pair.coherent_state())
    run = bk.simulate(pair, theory, start, times, trajectories=1, seed=3, observables=KEPT)
    time = run.time.values
    figure = new_figure(7.2, 4.9)
    panels = stack(figure, 0.75, 0.55, 6.75, 4.0, 2, 0.35)
    position, inner = run.position.values[:, 0], run.quantum_position.values
    own = np.sqrt(run.quantum_square.values - inner**2)
    for axes, spread, colour, line in (
        (panels[0], closed[0, 0] ** 0.5, CLASSICAL, position),
        (panels[1], closed[2, 2] ** 0.5, QUANTUM, inner),
    ):
        for wide in (2, 1):
            axes.axhspan(-wide * spread, wide * spread, color=INK, alpha=0.08, linewidth=0)
            axes.annotate(
                f"{wide} σ",
                (1, wide * spread),
                (4, 0),
                ("axes fraction", "data"),
                textcoords="offset points",
                fontsize=SMALL,
                color=FAINT,
                ha="left",
                va="center",
            )
        axes.plot(time, line, color=colour, linewidth=1.0)
        limit = 3.2 * float(closed[2, 2] ** 0.5)
        axes.set_ylim(-limit, limit)
        time_axis(axes, Run("ClassicalQuantum", run), label=axes is panels[1])
        axes.set_ylabel("position (bohr)", fontsize=TEXT, color=INK)
    panels[1].fill_between(time, inner - own, inner + own, color=QUANTUM, alpha=0.3, linewidth=0)
    name_panel(panels[0], "classical oscillator: its trajectory")
    name_panel(panels[1], "quantum oscillator: mean and spread of its state, given the trajectory")
    header(
        figure,
        0.75,
        "One trajectory of classical-quantum diffusion",
        "bands: one and two standard deviations of the steady state, from closed form",
    )
    keep(figure, "classical_quantum")


def numbers() -> None:
    """The steady state from many trajectories, beside the closed forms."""
    run = bk.simulate(
        pair,
        theory,
        bk.GaussianCloud(0.0, 0.0, closed[0, 0] ** 0.5, closed[1, 1] ** 0.5, pair.coherent_state()),
        bk.times(40.0, 1, step=0.1),
        trajectories=20000,
        seed=1,
        observables=KEPT,
        follow=0,
    ).isel(time=-1)
    for name, exact in (
        ("quantum_square", closed[2, 2]),
        ("quantum_momentum_square", closed[3, 3]),
        ("together", closed[0, 2]),
    ):
        print(f"{name}: {float(run[name]):.4f} +- {float(run[name + '_standard_error']):.4f}, {exact:.4f}")
    for name, exact in (("position_spread", closed[0, 0]), ("momentum_spread", closed[1, 1])):
        print(
            f"{name}: {float(run[name][0]):.4f} +- {float(run[name + '_standard_error'][0]):.4f}, {exact**0.5:.4f}"
        )
    print(
        f"purity of the mean state {float(run.purity):.4f}, last level {float(run.highest_level_population):.1e}"
    )


if __name__ == "__main__":
    sample()
    numbers()
