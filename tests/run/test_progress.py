"""Bars that show how far a run is."""

import sys
import types

import pytest

import brackish as bk
from brackish.run import progress


class Cell:
    """What a notebook shows below a cell: each look of the object that was displayed."""

    def __init__(self):
        self.looks = []

    def display(self, shown, display_id=False):
        assert display_id
        self.update(shown)
        return self

    def update(self, shown):
        self.looks.append(shown._repr_html_())


@pytest.fixture
def notebook(monkeypatch):
    """A notebook without ipywidgets: IPython alone, which a kernel has loaded."""
    cell = Cell()
    package = types.ModuleType("IPython")
    package.get_ipython = lambda: types.SimpleNamespace(kernel=object())
    package.display = types.ModuleType("IPython.display")
    package.display.display = cell.display
    monkeypatch.setitem(sys.modules, "IPython", package)
    monkeypatch.setitem(sys.modules, "IPython.display", package.display)
    monkeypatch.setitem(sys.modules, "ipywidgets", None)
    monkeypatch.setattr(progress, "PAUSE", 0.0)
    return cell


def test_a_run_in_a_notebook_has_a_bar(notebook, recwarn, capsys):
    packet = bk.GaussianPacket(-8.0, 20.0, 0.5, state=bk.Adiabatic(0))
    bk.simulate(
        bk.models.tully(1),
        bk.Ehrenfest(),
        packet,
        bk.times(100.0, 5, step=10.0),
        trajectories=8,
        progress=True,
    )
    assert "<progress" in notebook.looks[0]
    assert "Ehrenfest: 0 %" in notebook.looks[0]
    assert any("100 %" in look for look in notebook.looks)
    assert notebook.looks[-1] == ""
    assert not [warning for warning in recwarn if "ipywidgets" in str(warning.message)]
    assert capsys.readouterr() == ("", "")


def test_a_bar_says_how_long_it_takes(notebook, monkeypatch):
    clock = iter([0.0, 10.0])
    monkeypatch.setattr(progress.time, "monotonic", lambda: next(clock))
    done = iter([2, 4])
    with progress.progress_bar(True, "<b>", 10, lambda: next(done)) as tell:
        tell()
    assert notebook.looks[1].endswith("&lt;b&gt;: 40 %, 10 s, 30 s left</div>")
    assert '<progress max="10" value="4">' in notebook.looks[1]


def test_ipython_in_a_terminal_is_no_notebook(monkeypatch):
    package = types.ModuleType("IPython")
    package.get_ipython = lambda: types.SimpleNamespace()
    monkeypatch.setitem(sys.modules, "IPython", package)
    assert progress._shown_in_notebook() is None


def test_a_bar_of_ones_own_that_returns_nothing_is_refused():
    with (
        pytest.raises(bk.InvalidInput, match="`progress` must return a function"),
        progress.progress_bar(lambda title, total, done: None, "Ehrenfest", 10, lambda: 0),
    ):
        pass
