"""Damage to what is stored is told in one line; what is whole stays readable; what nobody damaged opens anywhere."""

import json
import shutil
import warnings
from importlib.util import module_from_spec, spec_from_file_location
from pathlib import Path

import h5py
import numpy as np
import pytest
import xarray

import brackish as bk
from brackish.io import read_checkpoint

specification = spec_from_file_location("damage_files", Path(__file__).with_name("damage_files.py"))
assert specification is not None
damage_files = module_from_spec(specification)
specification.loader.exec_module(damage_files)


@pytest.fixture(scope="module")
def originals(tmp_path_factory):
    return damage_files.Originals(tmp_path_factory.mktemp("originals"))


@pytest.fixture
def store(originals, tmp_path):
    return shutil.copytree(originals.folder / "run.zarr", tmp_path / "run.zarr")


@pytest.fixture
def netcdf(originals, tmp_path):
    return shutil.copy(originals.folder / "run.nc", tmp_path / "run.nc")


def refused(read, path, *words):
    with pytest.raises(bk.BrackishError) as caught:
        read(path)
    said = str(caught.value)
    assert "\n" not in said
    assert all(word in said for word in (path.name, *words)), said


def chunk(store, name):
    return next(path for path in sorted((store / name / "c").rglob("*")) if path.is_file())


def test_forty_damaged_files():
    """A short form of `python tests/io/damage_files.py --files 200`."""
    verdicts = damage_files.judge(40, seed=7)
    assert [verdict for verdict in verdicts if verdict[1] not in ("line", "right")] == []
    assert sum(verdict[1] == "line" for verdict in verdicts) > 20


def test_one_wrong_byte_in_the_results(store):
    path = chunk(store, "energy")
    content = bytearray(path.read_bytes())
    content[len(content) // 2] ^= 1
    path.write_bytes(content)
    refused(bk.read_store, store, "energy/c/0 is not what was written")
    # any program that reads it is told, by the checksum of the array
    with pytest.raises(Exception, match=r"(?i)checksum"):
        xarray.open_zarr(store, consolidated=False).load()


@pytest.mark.parametrize("name", ["energy", "zero"])
def test_a_chunk_that_is_gone_is_no_gap(store, name):
    """Zarr would read fill values, which is what an array of zeros was."""
    shutil.rmtree(store / name / "c") if (store / name / "c").exists() else (
        store / name / "zarr.json"
    ).unlink()
    refused(bk.read_store, store, name, "is missing")


def test_chunks_that_changed_places(store):
    first, second = chunk(store, "energy"), chunk(store, "potential")
    content = first.read_bytes()
    first.write_bytes(second.read_bytes())
    second.write_bytes(content)
    refused(bk.read_store, store, "energy/c/0", "1 more")


@pytest.mark.parametrize("key", ["seed", "theory"])
def test_an_attribute_that_was_changed(store, key):
    path = store / "zarr.json"
    written = json.loads(path.read_text())
    written["attributes"][key] = "7"
    path.write_text(json.dumps(written))
    refused(bk.read_store, store, "zarr.json is not what was written")
    rescued = bk.read_store(store, rescue=True)
    assert rescued.attrs == {"damaged": "attributes"}
    assert "energy" in rescued


def test_a_header_that_was_changed(store):
    """The number of blocks in the means is part of what a run goes on from."""
    path = store / "checkpoint" / "zarr.json"
    changed = path.read_text().replace('\\"blocks\\": 1', '\\"blocks\\": 3')
    assert changed != path.read_text()
    path.write_text(changed)
    refused(read_checkpoint, store, "checkpoint/zarr.json is not what was written")


def test_what_is_whole_stays_readable(store, netcdf, originals):
    path = chunk(store, "energy")
    path.write_bytes(path.read_bytes()[:-3])
    file = bytearray(netcdf.read_bytes())
    place = bytes(file).index(originals.dataset.energy.values.tobytes())
    file[place] ^= 1
    netcdf.write_bytes(file)
    refused(bk.read_netcdf, netcdf, "energy")
    for rescued in (bk.read_store(store, rescue=True), bk.read_netcdf(netcdf, rescue=True)):
        assert rescued.attrs.pop("damaged") == "energy"
        xarray.testing.assert_identical(rescued, originals.dataset.drop_vars("energy"))
    # damage to the results is none to the checkpoint
    assert read_checkpoint(store)[0] == originals.header


def test_without_the_list_of_digests_checksums_are_left(store, originals):
    (store / "checkpoint" / "zarr.json").unlink()
    refused(bk.read_store, store, "checkpoint/zarr.json is missing")
    path = chunk(store, "energy")
    path.write_bytes(path.read_bytes()[:-3])
    rescued = bk.read_store(store, rescue=True)
    assert rescued.attrs["damaged"] == "checkpoint, energy"
    assert rescued.potential.equals(originals.dataset.potential)


def test_files_of_older_versions_are_read_and_called_unverified(store, netcdf, originals):
    listed = store / "checkpoint" / "zarr.json"
    written = json.loads(listed.read_text())
    written["attributes"] = {"header": written["attributes"]["header"], "digests": "{}", "complete": True}
    listed.write_text(json.dumps(written))
    with h5py.File(netcdf, "r+") as file:
        del file.attrs["brackish_digests"]
    for read, path in ((bk.read_store, store), (bk.read_netcdf, netcdf)):
        with pytest.warns(UserWarning, match="cannot be verified"):
            xarray.testing.assert_identical(read(path), originals.dataset)
    with pytest.warns(UserWarning, match="cannot be verified"):
        assert read_checkpoint(store)[0] == originals.header


def test_plain_programs_read_both(store, netcdf, originals):
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        plain = xarray.open_zarr(store, consolidated=False).load()
        with xarray.open_dataset(netcdf, engine="h5netcdf") as opened:
            other = opened.load()
    for name in ("energy", "scattering"):
        np.testing.assert_array_equal(plain[name], originals.dataset[name])
        np.testing.assert_array_equal(other[name], originals.dataset[name])
    np.testing.assert_array_equal(plain.density_matrix, originals.dataset.density_matrix)
