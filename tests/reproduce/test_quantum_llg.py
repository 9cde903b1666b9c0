"""The four figures of the quantum LLG paper: numbers of an independent solver, closed forms, and the files.

The numbers come from a run of the same equations outside this package, with matrix exponentials and an adaptive
Runge-Kutta rule of eighth order.
"""

import numpy as np
import pytest
from typer.testing import CliRunner

from brackish import reproduce
from brackish.cli import app
from brackish.reproduce._quantum_llg import MATCHED, PAPER, PICOSECONDS, QUANTUM

SPEEDS = {
    # when x first exceeds 0.5, 0.9 and 0.99, half a period of z, and the smallest length, in units of time
    QUANTUM: (0.755, 1.85, 3.31, 0.7516666667, 0.3279628538),
    PAPER: (0.94, 1.875, 2.88, 1.348333333, 1.0),
    MATCHED: (0.74, 1.33, 1.935, 0.815, 1.0),
}
GRID = 0.005
"""On which these times were read off."""
REVIVALS = {"a": [0, 1, 0, 0], "b": [1, 0, 2, 2]}
MEANS = {
    "a": [0.1683622961, 0.1807065369, 0.1953011682, 0.2336893419],
    "b": [0.7028656897, 0.7823677609, 0.5762098793, 0.5599401266],
}


@pytest.fixture(scope="module")
def figures():
    return {figure.name: figure for figure in reproduce.quantum_llg(saves=801)}


def panel(figure, letter):
    return next(runs for name, runs in figure.panels.items() if name.startswith(f"({letter})"))


def first_spin(run):
    return run["spin_direction"].isel(spin=0).transpose("time", "axis").values


@pytest.mark.parametrize("name", list(SPEEDS))
def test_figure_1a_saturates_as_fast_as_it_should(figures, name):
    run = panel(figures["figure1"], "a")[name]
    time, spin = run["time"].values / PICOSECONDS, first_spin(run)
    *times, half_period, shortest = SPEEDS[name]
    for level, expected in zip((0.5, 0.9, 0.99), times, strict=True):
        after = np.argmax(spin[:, 0] > level)
        found = np.interp(level, spin[after - 1 : after + 1, 0], time[after - 1 : after + 1])
        assert found == pytest.approx(expected, abs=GRID)
    zeros = time[:-1][np.diff(np.sign(spin[:, 2])) != 0]
    assert np.mean(np.diff(zeros[:4])) == pytest.approx(half_period, abs=GRID)
    assert np.linalg.norm(spin, axis=1).min() == pytest.approx(shortest, abs=3e-4)


@pytest.mark.parametrize(
    ("letter", "end", "length"),
    [
        ("a", (1.0, 0.0, 0.0), 1.0),
        ("b", (0.0, 0.0, 0.0), 0.0),
        ("c", (0.9607, 0.2239, 0.0), 0.9864),
        ("d", (0.0358, 0.1230, 0.0), 0.1281),
    ],
)
def test_figure_1_ends_where_it_should(figures, letter, end, length):
    """Limits for long times; the figure stops after 80 ps, not quite there."""
    last = first_spin(panel(figures["figure1"], letter)[QUANTUM])[-1]
    np.testing.assert_allclose(last, end, atol=1e-3)
    assert np.linalg.norm(last) == pytest.approx(length, abs=1e-3)


@pytest.mark.parametrize(("name", "factor"), [(PAPER, 1.0), (MATCHED, 2.0)])
@pytest.mark.parametrize(("letter", "exchange", "twist"), [("a", -1.0, 0.0), ("d", 1.0, 0.6)])
def test_classical_lines_solve_the_equation_of_the_paper(figures, letter, exchange, twist, name, factor):
    r"""$\dot m_1=m_1\times B_1-\alpha\,m_1\times\dot m_1$ with $B_1=w\mathbf b-f(Jm_2+m_2\times D)$, written out and
    solved by SciPy.
    """
    from scipy.integrate import solve_ivp

    def rate(_, y):
        m1, m2 = y.reshape(2, 3)
        d = np.array([0.0, 0.0, twist])
        b1 = np.array([1.0, 0.0, 0.0]) - factor * (exchange * m2 + np.cross(m2, d))
        b2 = np.array([1.0, 0.0, 0.0]) - factor * (exchange * m1 + np.cross(d, m1))
        pairs = [(m, np.cross(m, b)) for m, b in ((m1, b1), (m2, b2))]
        return np.concatenate([(turn - 0.5 * np.cross(m, turn)) / 1.25 for m, turn in pairs])

    run = panel(figures["figure1"], letter)[name]
    time = run["time"].values / PICOSECONDS
    exact = solve_ivp(rate, (0, 8), [0, 0, 1, 0, 0, -1.0], t_eval=time, rtol=1e-10, atol=1e-12).y[:3].T
    np.testing.assert_allclose(first_spin(run), exact, atol=5e-4)


def test_figure_2_goes_to_the_singlet_and_splits_with_twist(figures):
    without, with_ = (
        panel(figures["figure2"], letter)[QUANTUM]["correlation_matrix"].values for letter in "ab"
    )
    np.testing.assert_allclose(without[-1], -np.eye(3), atol=1e-3)
    assert with_[-1, 0, 1] == pytest.approx(-0.535, abs=1e-3)
    for matrix in (without, with_):
        np.testing.assert_allclose(matrix[:, 0, 1], -matrix[:, 1, 0], atol=1e-10)


def test_figure_3_falls_as_a_hyperbolic_secant_or_comes_back(figures):
    runs = next(iter(figures["figure3"].panels.values()))
    lines = [run["bell_nonlocality"].values for run in runs.values()]
    time = next(iter(runs.values()))["time"].values / PICOSECONDS
    np.testing.assert_allclose(lines[0], 1 / np.cosh(0.8 * time), atol=1e-6)
    for line, lowest, limit in zip(
        lines[1:], (0.10424, 0.59459, 0.42402), (0.99866, 0.99540, 0.99177), strict=True
    ):
        assert line.min() == pytest.approx(lowest, abs=5e-4)
        assert line[-1] == pytest.approx(limit, abs=5e-4)
    # a pure state: what is not nonlocal is in the Bloch vector
    for run, line in zip(runs.values(), lines, strict=True):
        np.testing.assert_allclose(line**2 + np.sum(first_spin(run) ** 2, axis=1), 1, atol=1e-6)


@pytest.mark.parametrize(("letter", "limit"), [("a", 0.0), ("b", 0.7842302047)])
def test_figure_4_dies_and_revives(figures, letter, limit):
    for run, revivals, mean in zip(
        panel(figures["figure4"], letter).values(), REVIVALS[letter], MEANS[letter], strict=True
    ):
        line = run["bell_nonlocality"].values
        assert np.sum((line[:-1] == 0) & (line[1:] > 0)) == revivals
        assert np.mean(0.5 * (line[1:] + line[:-1])) == pytest.approx(mean, abs=1e-3)
        assert line[-1] == pytest.approx(limit, abs=2e-3)
        np.testing.assert_allclose(run["purity"], 0.25 * (1 + 3 * 0.9**2), atol=1e-12)


def test_captions_name_what_was_found(figures):
    """The captions are written from the runs: the numbers in them are those above."""
    assert "0.328 on the way" in figures["figure1"].caption
    assert "7.5 ps, LLG 13.5" in figures["figure1"].caption
    assert "(8.2 ps with spins ħ/2)" in figures["figure1"].caption
    assert "after 33 ps, with LLG after 29 (19)" in figures["figure1"].caption
    assert "−0.535 and 0.535" in figures["figure2"].caption
    assert "0.104, 0.595, 0.424" in figures["figure3"].caption
    assert "(revivals 0, 1, 0, 0)" in figures["figure4"].caption
    assert "zero 1, 0, 2, 2 times" in figures["figure4"].caption


def test_the_command_writes_figures_and_captions(figures, tmp_path, monkeypatch):
    monkeypatch.setitem(reproduce.PAPERS, "quantum-llg", lambda: (figures["figure1"], figures["figure3"]))
    done = CliRunner().invoke(app, ["reproduce", "quantum-llg", "--out", str(tmp_path / "new")])
    assert done.exit_code == 0, done.output
    assert sorted(path.name for path in (tmp_path / "new").iterdir()) == [
        *("figure1.png", "figure1.txt", "figure3.png", "figure3.txt")
    ]
    assert (tmp_path / "new" / "figure1.txt").read_text(encoding="utf-8").strip() == figures[
        "figure1"
    ].caption
    assert figures["figure3"].caption in done.output


def test_the_command_refuses(tmp_path):
    run = CliRunner().invoke
    assert run(app, ["reproduce", "quantum"]).exit_code == 2
    (tmp_path / "file").write_text("")
    assert run(app, ["reproduce", "quantum-llg", "--out", str(tmp_path / "file")]).exit_code == 2
