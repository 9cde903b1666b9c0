"""Damages stored results, one file at a time, and looks whether anybody is told: `--files 200`.

Each damaged file must end in one line that names it, or in the numbers that were stored. What `rescue` brings back must
be what was stored, and what it does not bring back must be named.
"""

import argparse
import json
import shutil
import sys
import tempfile
import warnings
from pathlib import Path

import numpy as np

import brackish as bk
from brackish.io import build_dataset, read_checkpoint, write_store

KINDS = ("flip", "byte", "zeros", "cut", "emptied", "longer", "removed", "exchanged", "header", "list")


def dataset(random):
    """What a run might return: numbers, complex numbers, words along an axis, gaps."""
    density = random.normal(size=(40, 3, 3)) + 1j * random.normal(size=(40, 3, 3))
    scattering = random.normal(size=(40, 2, 3))
    scattering[1] = np.nan
    variables = {
        "density_matrix": (
            ("time", "level", "level_"),
            density,
            {"units": "1", "long_name": "density operator"},
        ),
        "density_matrix_standard_error": (("time", "level", "level_"), abs(density) / 10, {"units": "1"}),
        "scattering": (("time", "side", "level"), scattering, {"units": "1"}),
        "energy": (("time",), random.normal(size=40), {"units": "hartree"}),
        "potential": (("time",), random.normal(size=40), {"units": "hartree"}),
        "zero": (("time",), np.zeros(40), {"units": "1"}),
    }
    return build_dataset(np.linspace(0, 1, 40), variables, {"seed": 3, "theory": {"type": "Ehrenfest"}})


class Originals:
    """A store, a NetCDF file and an OVF file, what is in them, and a store of another run."""

    def __init__(self, folder: Path):
        random = np.random.default_rng(1)
        self.folder = folder
        self.dataset = dataset(random)
        self.arrays = {
            "total.energy": random.normal(size=(40, 16)),
            "total.zero": np.zeros((40, 16)),
            "block1.carry.0000": random.normal(size=(64, 3)) * 1j,
        }
        self.header = {"fingerprint": "abc", "blocks": 1, "begun": {"1": 2}, "arrays": sorted(self.arrays)}
        self.vectors, self.places = random.normal(size=(12, 3)), random.normal(size=(12, 3))
        write_store(folder / "run.zarr", self.dataset, self.arrays, self.header)
        other = {name: -array for name, array in self.arrays.items()}
        write_store(folder / "other.zarr", dataset(random), other, {**self.header, "blocks": 2})
        bk.write_netcdf(self.dataset, folder / "run.nc")
        bk.write_ovf(self.vectors, folder / "run.ovf", self.places)

    def numbers_of(self, path: Path) -> bool:
        """Whether what can be read from `path` is what was written. Raises what brackish raises."""
        if path.suffix == ".ovf":
            vectors, places = bk.read_ovf(path)
            return np.array_equal(vectors, self.vectors) and np.array_equal(places, self.places)
        if path.suffix == ".nc":
            return bk.read_netcdf(path).identical(self.dataset)
        # both are read, also if one of them is refused
        readers = (lambda: bk.read_store(path).identical(self.dataset), lambda: self._is_checkpoint(path))
        right, refused = [], None
        for read in readers:
            try:
                right.append(read())
            except bk.BrackishError as error:
                refused = error
        if refused is not None and all(right):
            raise refused
        return all(right)

    def _is_checkpoint(self, path: Path) -> bool:
        header, arrays = read_checkpoint(path)
        same = all(np.array_equal(arrays[name], array) for name, array in self.arrays.items())
        return header == self.header and set(arrays) == set(self.arrays) and same

    def rescued(self, path: Path) -> bool:
        """Whether everything that `rescue` brings back is right, and everything else is named."""
        read = bk.read_netcdf if path.suffix == ".nc" else bk.read_store
        try:
            found = read(path, rescue=True)
        except bk.BrackishError as error:
            # a NetCDF file is one file: of a broken frame nothing is left
            return path.suffix == ".nc" and "\n" not in str(error)
        lost = found.attrs.get("damaged", "").split(", ")
        kept = [name for name in self.dataset.variables if name not in lost]
        attributes = {key: value for key, value in found.attrs.items() if key != "damaged"}
        return all(
            name in found.variables
            and np.array_equal(found[name], self.dataset[name], equal_nan=found[name].dtype.kind in "fc")
            for name in kept
        ) and (attributes == self.dataset.attrs or any("attributes" in name for name in lost))


def damage(path: Path, kind: str, originals: Originals, random) -> str:
    """Damage one file of what lies at `path`. Returns its name."""
    store = path if path.is_dir() else None
    files = [path] if store is None else sorted(p for p in store.rglob("*") if p.is_file())
    victim = files[random.integers(len(files))]
    if kind == "list" and store is not None:
        victim = store / "checkpoint" / "zarr.json"
    content = bytearray(victim.read_bytes())
    place = int(random.integers(len(content)))
    if kind in ("flip", "list"):
        content[place] ^= 1 << int(random.integers(8))
    elif kind == "byte":
        content[place] = int(random.integers(256))
    elif kind == "zeros":
        content[place : place + 64] = bytes(len(content[place : place + 64]))
    elif kind == "cut":
        del content[place:]
    elif kind == "emptied":
        content.clear()
    elif kind == "longer":
        content[place:place] = random.bytes(7)
    elif kind == "removed" and store is not None:
        victim.unlink()
        return str(victim.relative_to(path.parent))
    elif kind == "exchanged" and store is not None:
        other = originals.folder / "other.zarr" / victim.relative_to(store)
        content = bytearray(other.read_bytes())
    elif kind == "header" and store is not None:
        victim = store / "checkpoint" / "zarr.json"
        content = bytearray(victim.read_bytes().replace(b'\\"blocks\\": 1', b'\\"blocks\\": 3'))
    else:
        content[place] ^= 255
    victim.write_bytes(content)
    return str(victim.relative_to(path.parent))


def judge(count: int, seed: int = 0) -> list[tuple[str, str, str]]:
    """For each damaged file: what was done to it, the verdict (line, right, wrong, foreign), and the words."""
    random = np.random.default_rng(seed)
    verdicts = []
    with tempfile.TemporaryDirectory() as folder:
        originals = Originals(Path(folder))
        for number in range(count):
            kind = KINDS[number % len(KINDS)]
            source = originals.folder / random.choice(["run.zarr", "run.zarr", "run.nc", "run.ovf"])
            path = originals.folder / f"damaged{source.suffix}"
            (shutil.copytree if source.is_dir() else shutil.copy)(source, path)
            done = f"{kind} {damage(path, kind, originals, random)}"
            verdicts.append((done, *verdict(originals, path)))
            shutil.rmtree(path) if path.is_dir() else path.unlink()
    return verdicts


def verdict(originals: Originals, path: Path) -> tuple[str, str]:
    """What reading the damaged file comes to."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        try:
            if path.suffix != ".ovf" and not originals.rescued(path):
                return "wrong", "the rescued numbers are not what was written"
            return ("right", "") if originals.numbers_of(path) else ("wrong", "numbers that nobody wrote")
        except bk.BrackishError as error:
            said = str(error)
            return ("line" if "\n" not in said and path.name in said else "foreign"), said
        except Exception as error:
            return "foreign", repr(error)


def main() -> int:
    """Print a line for each file; fail if one of them was not noticed."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--files", type=int, default=200)
    parser.add_argument("--seed", type=int, default=0)
    asked = parser.parse_args()
    verdicts = judge(asked.files, asked.seed)
    for done, found, said in verdicts:
        print(f"{found:8}{done:60}{said}")
    counts = {found: sum(v[1] == found for v in verdicts) for found in ("line", "right", "wrong", "foreign")}
    print(json.dumps(counts))
    return 1 if counts["wrong"] or counts["foreign"] else 0


if __name__ == "__main__":
    sys.exit(main())
