"""Every dependency once, in a few seconds: a run, its stores and files, a figure, the command line."""

import importlib.metadata
import subprocess
import sys
import tempfile
from pathlib import Path

import numpy as np

import brackish as bk


def main() -> None:
    """Run it; the last line is `done`."""
    names = (
        "jax",
        "equinox",
        "numpy",
        "numba",
        "llvmlite",
        "diffrax",
        "xarray",
        "zarr",
        "h5netcdf",
        "pint",
        "pydantic",
    )
    print(sys.version.split()[0], *(f"{name}={importlib.metadata.version(name)}" for name in names))
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        packet = bk.GaussianPacket(position=-2.0, momentum=10.0, width=0.5)
        when = bk.times(4.0, saves=2, step=1.0)
        for theory in (bk.Ehrenfest(), bk.SurfaceHopping(), bk.Koopmons()):
            run = bk.simulate(
                bk.models.tully(1), theory, packet, when, trajectories=20, store=folder / "run.zarr"
            )
            again = bk.simulate(
                bk.models.tully(1),
                theory,
                packet,
                when,
                trajectories=20,
                store=folder / "run.zarr",
                resume=True,
            )
            assert run.population.equals(again.population)
            assert np.all(np.isfinite(run.population))
            bk.write_netcdf(run, folder / "run.nc")
            assert bk.read_netcdf(folder / "run.nc").identical(run)
            assert bk.read_store(folder / "run.zarr").identical(run)
            (folder / "run.zarr").rename(folder / f"{type(theory).__name__}.zarr")
        bk.plot.save(bk.plot.compare(run), folder / "run.png")
        adaptive = bk.integrators.Adaptive()
        bk.simulate(bk.models.tully(1), bk.Ehrenfest(), packet, when, trajectories=2, integrator=adaptive)
        small = ("--trajectories", "8", "--theory", "Exact", "--theory", "Ehrenfest", "--no-progress")
        command = (sys.executable, "-c", "from brackish.cli import main; main()", "compare", "rabi", *small)
        subprocess.run(command, check=True, cwd=folder)
    print("done")


if __name__ == "__main__":
    main()
