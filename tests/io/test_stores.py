"""Stores survive crashes and notice damage; NetCDF brings every number back."""

import os
import shutil

import numpy as np
import pytest
import xarray

import brackish as bk
from brackish.io import build_dataset, read_checkpoint, store_exists, write_store

RNG = np.random.default_rng(0)
ARRAYS = {
    "total.population": RNG.normal(size=(5, 16, 2)),
    "block1.carry.0000": RNG.normal(size=(256, 3)) * 1j,
}
HEADER = {"fingerprint": "abc", "blocks": 1, "begun": {"1": 2}, "arrays": sorted(ARRAYS)}


def dataset(value=1.0):
    density = value * (RNG.normal(size=(3, 2, 2)) + 1j * RNG.normal(size=(3, 2, 2)))
    scattering = np.full((3, 2, 2), value)
    scattering[1] = np.nan
    variables = {
        "density_matrix": (
            ("time", "level", "level_"),
            density,
            {"units": "1", "long_name": "density operator"},
        ),
        "scattering": (("time", "side", "level"), scattering, {"units": "1"}),
        "energy": (("time",), np.full(3, value), {"units": "hartree"}),
    }
    return build_dataset(np.linspace(0, 1, 3), variables, {"seed": 3, "theory": {"type": "Ehrenfest"}})


def assert_same(first, second):
    xarray.testing.assert_identical(first, second)
    for name in first.variables:
        assert first[name].dtype == second[name].dtype, name


@pytest.fixture
def store(tmp_path):
    path = tmp_path / "run.zarr"
    write_store(path, dataset(), ARRAYS, HEADER)
    return path


def one_line(error):
    assert "\n" not in str(error.value)
    return str(error.value)


# -- NetCDF ---------------------------------------------------------------------------------------------


def test_netcdf_brings_everything_back(tmp_path):
    original = dataset()
    bk.write_netcdf(original, tmp_path / "run.nc")
    assert_same(bk.read_netcdf(tmp_path / "run.nc"), original)
    assert [path.name for path in tmp_path.iterdir()] == ["run.nc"]


def test_netcdf_of_a_run_brings_everything_back(tmp_path):
    packet = bk.GaussianPacket(position=-2.0, momentum=10.0, width=0.5)
    run = bk.simulate(
        bk.models.tully(1),
        bk.Ehrenfest(),
        packet,
        bk.times(4.0, saves=2, step=1.0),
        trajectories=20,
        workers=1,
    )
    bk.write_netcdf(run, tmp_path / "run.nc")
    assert_same(bk.read_netcdf(tmp_path / "run.nc"), run)
    write_store(tmp_path / "run.zarr", run, None, {})
    assert_same(bk.read_store(tmp_path / "run.zarr"), run)


def test_netcdf_opens_without_brackish(tmp_path):
    """Other programs see real and imaginary parts along an axis of that name."""
    bk.write_netcdf(dataset(), tmp_path / "run.nc")
    with xarray.open_dataset(tmp_path / "run.nc", engine="h5netcdf") as plain:
        assert plain.density_matrix.dims[-1] == "real_imaginary"
        assert plain.attrs["brackish_schema"] == 1


def test_a_failed_write_leaves_the_old_file(tmp_path, monkeypatch):
    path = tmp_path / "run.nc"
    original = dataset(1.0)
    bk.write_netcdf(original, path)

    def full(*arguments):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(os, "replace", full)
    with pytest.raises(bk.InvalidInput, match="No space left") as caught:
        bk.write_netcdf(dataset(2.0), path)
    one_line(caught)
    assert_same(bk.read_netcdf(path), original)
    assert [p.name for p in tmp_path.iterdir()] == ["run.nc"]


@pytest.mark.parametrize("size", [0, 10, 3000])
def test_a_truncated_netcdf_file_is_refused(tmp_path, size):
    path = tmp_path / "run.nc"
    bk.write_netcdf(dataset(), path)
    content = path.read_bytes()
    assert len(content) > 3000
    path.write_bytes(content[:size])
    with pytest.raises(bk.InvalidInput, match=r"run\.nc") as caught:
        bk.read_netcdf(path)
    one_line(caught)


def test_foreign_netcdf_files_are_refused(tmp_path):
    xarray.Dataset({"x": ("y", [1.0])}).to_netcdf(tmp_path / "other.nc", engine="h5netcdf")
    for name, words in (("other.nc", "not a dataset of brackish"), ("none.nc", "no file")):
        with pytest.raises(bk.InvalidInput, match=words) as caught:
            bk.read_netcdf(tmp_path / name)
        one_line(caught)


# -- Zarr -----------------------------------------------------------------------------------------------


def test_a_store_brings_everything_back(store):
    original = dataset()
    write_store(store, original, ARRAYS, HEADER)
    assert_same(bk.read_store(store), original)
    header, arrays = read_checkpoint(store)
    assert header == HEADER
    assert set(arrays) == set(ARRAYS)
    for name, array in ARRAYS.items():
        np.testing.assert_array_equal(arrays[name], array)
        assert arrays[name].dtype == array.dtype


class Crash(BaseException):
    """The end of the process."""


@pytest.mark.parametrize("renames", [0, 1])
def test_a_crash_while_stores_are_exchanged_loses_nothing(store, monkeypatch, renames):
    """Before the first rename the old store has its name; between the two it is NAME.previous."""
    before = bk.read_store(store)
    original, done = os.rename, []

    def crashing(*arguments):
        if len(done) == renames:
            raise Crash
        done.append(arguments)
        original(*arguments)

    with monkeypatch.context() as patch:
        patch.setattr(os, "rename", crashing)
        with pytest.raises(Crash):
            write_store(store, dataset(2.0), {}, {"arrays": []})
    assert store.exists() == (renames == 0)
    assert store_exists(store)
    assert_same(bk.read_store(store), before)
    assert read_checkpoint(store)[0] == HEADER
    # the next write puts all in order
    after = dataset(3.0)
    write_store(store, after, ARRAYS, HEADER)
    assert_same(bk.read_store(store), after)
    assert [path.name for path in store.parent.iterdir()] == ["run.zarr"]


def test_a_crash_while_the_new_store_is_written_loses_nothing(store, monkeypatch):
    before = bk.read_store(store)

    def crashing(*arguments, **options):
        raise Crash

    with monkeypatch.context() as patch:
        patch.setattr("zarr.Group.create_array", crashing)
        with pytest.raises(Crash):
            write_store(store, dataset(2.0), ARRAYS, HEADER)
    assert_same(bk.read_store(store), before)
    assert read_checkpoint(store)[0] == HEADER


def test_a_store_that_cannot_be_written_says_so(tmp_path):
    (tmp_path / "file").write_text("in the way")
    with pytest.raises(bk.InvalidInput, match="Cannot write") as caught:
        write_store(tmp_path / "file" / "run.zarr", dataset(), {}, {})
    one_line(caught)


def files_of(store, name):
    return sorted(path for path in (store / "checkpoint" / name).rglob("*") if path.is_file())


@pytest.mark.parametrize("kind", ["zarr.json", "chunk"])
@pytest.mark.parametrize("harm", ["cut", "emptied", "removed", "altered"])
def test_a_damaged_checkpoint_is_refused(store, kind, harm):
    """Also a file that is gone, which Zarr would read as zeros."""
    files = files_of(store, "total.population")
    path = next(p for p in files if (p.name == "zarr.json") == (kind == "zarr.json"))
    content = path.read_bytes()
    if harm == "removed":
        path.unlink()
    elif harm == "altered":
        path.write_bytes(content[:-4] + bytes(255 - byte for byte in content[-4:]))
    else:
        path.write_bytes(content[: len(content) // 2] if harm == "cut" else b"")
    with pytest.raises(bk.CheckpointError, match=r"run\.zarr") as caught:
        read_checkpoint(store)
    one_line(caught)


def test_a_checkpoint_without_one_of_its_arrays_is_refused(store):
    shutil.rmtree(store / "checkpoint" / "block1.carry.0000")
    with pytest.raises(bk.CheckpointError, match=r"truncated: it lacks block1\.carry\.0000") as caught:
        read_checkpoint(store)
    one_line(caught)


def test_what_is_no_store_is_refused(tmp_path):
    (tmp_path / "empty.zarr").mkdir()
    (tmp_path / "file.zarr").write_text("words")
    xarray.Dataset({"x": ("y", [1.0])}).to_zarr(tmp_path / "foreign.zarr", consolidated=False)
    for name in ("empty.zarr", "file.zarr", "foreign.zarr", "none.zarr"):
        for read in (bk.read_store, read_checkpoint):
            with pytest.raises(bk.CheckpointError, match=name.replace(".", r"\.")) as caught:
                read(tmp_path / name)
            one_line(caught)
    assert not store_exists(tmp_path / "none.zarr")


def test_a_store_with_damaged_results_is_refused(store):
    path = store / "energy" / "zarr.json"
    path.write_bytes(path.read_bytes()[:20])
    with pytest.raises(bk.CheckpointError) as caught:
        bk.read_store(store)
    one_line(caught)
