"""Files that are changed at random are read, or refused in lines of our own."""

import importlib.util
import re
from pathlib import Path

import numpy as np
import pytest
from typer.testing import CliRunner

import brackish as bk
from brackish.cli import app
from brackish.run import config


def test_mutated_files_end_well_or_in_lines_of_our_own():
    place = Path(__file__).with_name("mutated_files.py")
    description = importlib.util.spec_from_file_location("mutated_files", place)
    script = importlib.util.module_from_spec(description)
    description.loader.exec_module(script)
    badly = [end for end in script.endings(150, seed=3) if end is not None]
    assert not badly, "\n".join(badly)


def test_a_comparison_survives_a_theory_that_fails():
    system, packet = bk.models.tully(1), bk.GaussianPacket(-2.0, 20.0, 0.5)
    with pytest.warns(UserWarning, match="left out: LLG: LLG"):
        both = bk.compare(system, [bk.LLG(0.1), bk.Ehrenfest()], packet, bk.times(4.0, 2), trajectories=2)
    assert both.theory.values.tolist() == ["Ehrenfest"]
    assert both.attrs["failed"].startswith("LLG: ")
    with pytest.raises(bk.UnsupportedHamiltonian, match="LLG"):
        bk.compare(system, [bk.LLG(0.1)], packet, bk.times(4.0, 2), trajectories=2)


def test_the_table_of_a_comparison_shows_what_failed(tmp_path, monkeypatch):
    honest = bk.simulate

    def simulate(hamiltonian, theory, *rest, **options):
        if isinstance(theory, bk.MeanField):
            raise bk.RunFailed("MeanField: it fell over.")
        return honest(hamiltonian, theory, *rest, **options)

    monkeypatch.setattr(bk, "simulate", simulate)
    asked = ["compare", "tully1", "--trajectories", "2", "--out", str(tmp_path / "out"), "--no-progress"]
    result = CliRunner().invoke(app, [*asked, "--theory", "Ehrenfest", "--theory", "MeanField"])
    assert result.exit_code == 1
    assert re.search(r"MeanField +failed", result.output)
    assert "MeanField failed: MeanField: it fell over." in result.output
    assert (tmp_path / "out" / "dataset.nc").is_file()


LABELS = (
    '[model]\nname = "tully"\n[preparation]\nkind = "GaussianPacket"\nposition = -2.0\nmomentum = 20.0\nwidth = 0.5\n'
    '[[theory]]\nkind = "Koopmons"\nlabel = "narrow"\n[[theory]]\nkind = "Koopmons"\n[times]\nstop = 10.0\n'
)


def test_two_variants_of_a_theory_have_labels():
    assert config.parse(LABELS, "run.toml").names == ["narrow", "Koopmons 2"]
    for label, words in (("../up", "must be up to 60"), ("Narrow", "as that of another")):
        text = LABELS.replace("[times]", f'label = "{label}"\n[times]')
        with pytest.raises(bk.InvalidInput, match=words):
            config.parse(text, "run.toml")


def test_a_byte_order_mark_is_no_crime(tmp_path):
    text = (
        '[model]\nname = "tully"\n[preparation]\nkind = "GaussianPacket"\nposition = -2.0\nmomentum = 20.0\n'
        'width = 0.5\n[[theory]]\nkind = "Ehrenfest"\n[times]\nstop = 10.0\n'
    )
    path = tmp_path / "run.toml"
    path.write_text(text, encoding="utf-8-sig")
    _, setup = config.read(path)
    assert setup.times.stop == 10.0


@pytest.mark.parametrize(("asked", "steps"), [(0.7, 2), (0.5, 2), (3.0, 1), (0.3, 4), (1.0, 1)])
def test_a_step_that_does_not_divide_the_saves_is_rounded_down(asked, steps):
    assert bk.times(10.0, 10, step=asked).steps_between_saves(None) == steps


def test_the_record_says_what_became_of_a_step():
    system, packet = bk.models.tully(1), bk.GaussianPacket(-2.0, 20.0, 0.5)
    rounded, exact = (
        bk.simulate(system, bk.Ehrenfest(), packet, bk.times(4.0, 2, step=step), trajectories=2)
        for step in (0.75, 2 / 3)
    )
    assert rounded.attrs["step"] == exact.attrs["step"] == pytest.approx(2 / 3)
    assert rounded.attrs["step_rounded"].startswith("0.75 was asked for; 0.666667 is")
    assert "step_rounded" not in exact.attrs
    assert np.array_equal(rounded.population, exact.population)
