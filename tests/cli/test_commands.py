"""The commands on good input, tiny sizes; a run that is killed goes on to the same result, bit for bit."""

import json
import os
import signal
import subprocess
import sys
import time

import numpy as np
import pytest
import xarray
from typer.testing import CliRunner

import brackish as bk
from brackish.cli import app
from brackish.run import catalogue, config
from brackish.run.presets import PRESETS

TOML = """\
[model]
name = "tully1"
mass = "2000 electron_mass"

[preparation]
kind = "GaussianPacket"
position = "-2 bohr"
momentum = 20
width = 0.5
state = { kind = "Adiabatic", level = 0 }

[[theory]]
kind = "Ehrenfest"
integrator = "TripleJump"

[[theory]]
kind = "SurfaceHopping"
rescaling = "AlongMomentum"
decoherence = { kind = "EnergyBasedDecoherence", parameter = "0.1 hartree" }

[times]
stop = "1 fs"
saves = 4

[run]
trajectories = 8
seed = 3
"""
LONG = """\
[model]
name = "tully"

[preparation]
kind = "GaussianPacket"
position = -4.0
momentum = 15.0
width = 0.7

[[theory]]
kind = "SurfaceHopping"

[[theory]]
kind = "Ehrenfest"

[times]
stop = 200.0
saves = 400
step = 0.5

[run]
trajectories = 40
checkpoint_every = 0
"""
# What a shell starts in the background ignores SIGINT, and so does all that it starts.
HEARING = "import signal; signal.signal(signal.SIGINT, signal.default_int_handler)"
PROGRAM = (sys.executable, "-c", f"{HEARING}; from brackish.cli import main; main()")


def invoke(*arguments):
    result = CliRunner().invoke(app, [str(argument) for argument in arguments])
    assert result.exit_code == 0, result.output
    assert "Traceback" not in result.output
    return result.stdout


@pytest.fixture
def here(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    return tmp_path


def test_version():
    assert invoke("--version").split() == ["brackish", bk.__version__]


def test_no_command_is_a_cry_for_help():
    listed = invoke()
    assert all(command in listed for command in ("audit", "compare", "run", "resume", "list", "plot"))


def test_list_names_everything_that_is_public():
    listed = invoke("list")
    public = {*bk.models.__all__, *bk.integrators.__all__}
    functions = {name for name in public if callable(getattr(bk.models, name, None)) and name.islower()}
    assert functions <= set(catalogue.named_models())
    named = (catalogue.named_models(), catalogue.named_theories(), catalogue.named_preparations(), PRESETS)
    for names in named:
        assert names
        for name in names:
            assert f"  {name}: " in listed
    assert "mass = 2000 electron_mass" in invoke("list", "models")
    assert "tully" not in invoke("list", "theories")


def test_a_preset_is_a_run(here):
    for name, preset in PRESETS.items():
        if name != "shin_metiu":
            assert config.build({**preset(), "theory": [{"kind": "Ehrenfest"}]}, name).names == ["Ehrenfest"]


def test_compare_writes_a_table_a_figure_and_a_dataset(here):
    small = ("--trajectories", 8, "--theory", "Exact", "--theory", "Ehrenfest", "--no-progress", "--seed", 5)
    table = invoke("compare", "rabi", *small)
    assert "Exact" in table
    assert "Ehrenfest" in table
    dataset = bk.read_netcdf(here / "results" / "rabi" / "dataset.nc")
    assert list(dataset.theory.values) == ["Exact", "Ehrenfest"]
    assert (here / "results" / "rabi" / "figure.png").read_bytes().startswith(b"\x89PNG")
    first = (here / "results" / "rabi" / "dataset.nc").read_bytes()
    # once more: replaced, and the same numbers
    invoke("compare", "rabi", *small)
    again = bk.read_netcdf(here / "results" / "rabi" / "dataset.nc")
    xarray.testing.assert_identical(dataset, again)
    assert len(first) == len((here / "results" / "rabi" / "dataset.nc").read_bytes())
    assert sorted(path.name for path in (here / "results" / "rabi").iterdir()) == ["dataset.nc", "figure.png"]


def test_compare_takes_every_theory_that_fits(here):
    from brackish.cli import _fitting

    setup = _fitting(PRESETS["tully1"](10.0), "tully1", None)
    assert setup.names[0] == "Exact"
    assert {"Ehrenfest", "MeanField", "SurfaceHopping"} <= set(setup.names)
    assert set(setup.names) <= set(catalogue.named_theories())
    # a bath of 100 modes is too much for the exact wavefunction
    assert "Exact" not in _fitting(PRESETS["spin_boson"](), "spin_boson", None).names


def test_run_is_what_python_would_compute(here):
    (here / "mine.toml").write_text(TOML)
    said = invoke("run", "mine.toml", "--no-progress")
    assert "results/mine/results.nc" in said
    dataset = bk.read_netcdf(here / "results" / "mine" / "results.nc")
    assert dataset.attrs["config"] == TOML
    packet = bk.GaussianPacket(-2.0, 20.0, 0.5, bk.Adiabatic(0))
    femtosecond = 41.341373335171147
    expected = bk.simulate(
        bk.models.tully(1),
        bk.Ehrenfest(),
        packet,
        bk.times(femtosecond, 4),
        trajectories=8,
        seed=3,
        integrator=bk.integrators.TripleJump(),
    )
    got = dataset.sel(theory="Ehrenfest")
    np.testing.assert_allclose(got.time, expected.time, rtol=1e-9)
    np.testing.assert_allclose(got.population, expected.population, rtol=0, atol=1e-9)
    assert "EnergyBasedDecoherence" in dataset.attrs["theory"]
    # a finished run has nothing to go on with
    assert "complete already" in invoke("resume", "results/mine")
    assert "complete already" in invoke("resume", "results/mine/ehrenfest.zarr")


FRICTION = """\
[model]
name = "newns_anderson"
levels = { kind = "TrapezoidLevels", count = 4 }
band = { kind = "FlatBand", half_width = 0.1 }

[preparation]
kind = "Points"
positions = [0.1, 0.2]
momenta = [0.0, 1.0]

[[theory]]
kind = "MolecularDynamicsWithFriction"
electrons = { kind = "IndependentElectrons", temperature = "300 K" }
friction = { kind = "ConstantFriction", values = 0.1 }
table = { kind = "Table", lower = -3.0, upper = 3.0, nodes = 32 }

[times]
stop = 20.0
saves = 2
step = 10.0

[run]
trajectories = 6
"""


def test_a_run_without_populations_ends_well(here):
    """Nuclei on a tabulated surface have none. It is also one of several trajectories from each point that is given."""
    (here / "friction.toml").write_text(FRICTION)
    said = invoke("run", "friction.toml", "--no-progress")
    assert "<q0>" in said
    assert "heat" in bk.read_netcdf(here / "results" / "friction" / "results.nc")
    assert (here / "results" / "friction" / "figure.png").read_bytes().startswith(b"\x89PNG")
    assert bk.read_netcdf(here / "results" / "friction" / "results.nc").attrs["trajectories"] == 6


def test_a_run_of_one_theory_can_be_replaced(here):
    one = TOML.replace(TOML[TOML.index('[[theory]]\nkind = "SurfaceHopping"') : TOML.index("[times]")], "")
    (here / "one.toml").write_text(one)
    invoke("run", "one.toml", "--out", "out", "--no-progress")
    before = bk.read_netcdf(here / "out" / "results.nc")
    assert "theory" not in before.dims
    (here / "one.toml").write_text(one.replace("seed = 3", "seed = 4"))
    invoke("run", "one.toml", "--out", "out", "--overwrite", "--no-progress")
    after = bk.read_netcdf(here / "out" / "results.nc")
    assert after.attrs["seed"] == 4
    assert not before.population.equals(after.population)
    assert [path.name for path in here.iterdir() if path.name.startswith("out")] == ["out"]


def test_audit_prints_verdicts_and_numbers(here):
    small = ("--trajectories", 8, "--seed", 5)
    table = invoke("audit", "MeanField", "dephasing", *small)
    assert "MeanField on PureDephasing, from GaussianPacket" in table
    assert "5 decoherence" in table
    assert "not broken in this experiment" in table
    plain = json.loads(invoke("audit", "MeanField", "dephasing", *small, "--json"))
    assert [finding["verdict"] for finding in plain["findings"]] == ["pass"] * 4 + ["fail"]
    assert plain["seed"] == 5
    assert list(here.iterdir()) == []


def test_plot_draws_every_kind(here):
    (here / "mine.toml").write_text(TOML)
    invoke("run", "mine.toml", "--no-progress")
    for kind in ("compare", "populations", "coherence", "phase_space", "potentials"):
        invoke("plot", "results/mine", "--kind", kind, "--out", f"{kind}.png")
        assert (here / f"{kind}.png").read_bytes().startswith(b"\x89PNG")
    assert invoke("plot", "results/mine/results.nc").split() == ["results/mine/results_compare.png"]
    invoke("plot", "results/mine/ehrenfest.zarr", "--kind", "populations", "--out", "store.pdf")
    assert (here / "store.pdf").read_bytes().startswith(b"%PDF")


@pytest.fixture(scope="module")
def uninterrupted(tmp_path_factory):
    place = tmp_path_factory.mktemp("whole")
    # without checkpoints on the way, which must not matter
    (place / "long.toml").write_text(LONG.replace("checkpoint_every = 0\n", ""))
    invoke("run", place / "long.toml", "--out", place / "out", "--no-progress")
    return bk.read_netcdf(place / "out" / "results.nc").drop_attrs(deep=False)


@pytest.mark.parametrize("how", [signal.SIGKILL, signal.SIGINT])
def test_a_stopped_run_goes_on_to_the_same_bits(here, uninterrupted, how):
    (here / "long.toml").write_text(LONG)
    arguments = (*PROGRAM, "run", "long.toml", "--out", "out", "--no-progress")
    process = subprocess.Popen(arguments, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
    store = here / "out" / "surfacehopping.zarr"
    deadline = time.monotonic() + 120
    while not store.exists() and process.poll() is None and time.monotonic() < deadline:
        time.sleep(0.01)
    os.kill(process.pid, how)
    _, said = process.communicate(timeout=120)
    assert not (here / "out" / "results.nc").exists(), "the run was over before it could be stopped"
    if how == signal.SIGINT:
        assert process.returncode == 130, said
        assert "% of " in said
        assert "brackish resume out" in said
        assert len(said.splitlines()) == 1
    reached = bk.read_store(store)
    assert not reached.attrs["complete"]
    assert np.all(np.isfinite(reached.population))

    result = subprocess.run(
        (*PROGRAM, "resume", "out/surfacehopping.zarr", "--no-progress", "--workers", "1"),
        capture_output=True,
        text=True,
        check=False,
    )
    assert result.returncode == 0, result.stderr
    resumed = bk.read_netcdf(here / "out" / "results.nc").drop_attrs(deep=False)
    xarray.testing.assert_identical(resumed, uninterrupted)
