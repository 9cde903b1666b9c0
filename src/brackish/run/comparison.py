"""Several theories on one Hamiltonian, side by side: `compare`."""

import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from brackish.arguments import reads_arguments
from brackish.errors import CheckpointError, InvalidInput, warn
from brackish.hamiltonians import HybridHamiltonian
from brackish.io import store_exists
from brackish.io.schema import SCHEMA
from brackish.preparations import Preparation
from brackish.run.simulation import simulate
from brackish.run.time_grid import Times
from brackish.theory import Theory


@reads_arguments
def compare(
    hamiltonian: HybridHamiltonian,
    theories: Sequence[Theory] | Mapping[str, Theory],
    preparation: Preparation,
    times: Times,
    *,
    trajectories: int | None = None,
    seed: int = 0,
    store: str | Path | None = None,
    resume: bool = False,
    **options: Any,
):
    """Run every theory from the same start and return one dataset with a leading dimension `theory`.

    Options are those of `simulate`. With a `store` (a folder), each theory has its own Zarr store in it, and
    `resume` goes on from what is there. `theories`: a list, named by their classes, those of the same name numbered; or
    theories by names of your own. What a theory does not have
    (a wavefunction has no trajectories) is not a number. A theory that fails is left out, with a warning and a line in
    the attribute `failed`; if all fail, the first failure is raised.
    """
    if not theories:
        raise InvalidInput("Argument `theories` of compare() must name at least one theory.")
    named = (
        theories
        if isinstance(theories, Mapping)
        else dict(zip(theory_names(theories), theories, strict=True))
    )
    results, failed = {}, {}
    for name, theory in named.items():
        place = None if store is None else store_of(Path(store), name)
        try:
            results[name] = simulate(
                hamiltonian,
                theory,
                preparation,
                times,
                trajectories=trajectories,
                seed=seed,
                store=place,
                resume=resume and place is not None and store_exists(place),
                **options,
            )
        except CheckpointError:
            raise
        except Exception as error:  # whatever one theory meets, the others are worth having
            failed[name] = error
    if not results:
        raise next(iter(failed.values()))
    together = side_by_side(list(results), list(results.values()))
    if failed:
        lines = [f"{name}: {' '.join(str(error).split())}" for name, error in failed.items()]
        together.attrs["failed"] = "\n".join(lines)
        for line in lines:
            warn(f"A theory failed and is left out: {line}")
    return together


def side_by_side(names: Sequence[str], results: Sequence[Any]):
    """One dataset of several theories' datasets, with a leading dimension `theory`."""
    import xarray

    common = results[0].attrs
    shared = {key: common[key] for key in ("hamiltonian", "preparation", "times", "seed", "versions", SCHEMA)}
    own = {
        key: [str(result.attrs[key]) for result in results]
        for key in ("theory", "integrator", "step", "trajectories")
    }
    index = xarray.DataArray(names, dims="theory", name="theory")
    together = xarray.concat(
        results,
        index,
        join="outer",
        combine_attrs="drop",
        data_vars="all",
        coords="minimal",
        compat="override",
    )
    for name in together.data_vars:
        together[name].attrs = next(result[name].attrs for result in results if name in result)
    together.attrs = {
        **shared,
        **{key: "\n".join(values) for key, values in own.items()},
        "title": "comparison",
    }
    broken = {
        name: json.loads(result.attrs["broken_promises"])
        for name, result in zip(names, results, strict=True)
        if "broken_promises" in result.attrs
    }
    if broken:
        together.attrs["broken_promises"] = json.dumps(broken)
    return together


def store_of(folder: Path, name: str) -> Path:
    """The store of the theory called `name`, in the folder of several."""
    return folder / f"{name.lower().replace(' ', '_')}.zarr"


def theory_names(theories: Sequence[Theory]) -> list[str]:
    """Names by class; repeated classes are numbered from 2 on."""
    names: list[str] = []
    for theory in theories:
        name = type(theory).__name__
        repeats = sum(1 for other in names if other.split()[0] == name)
        names.append(name if repeats == 0 else f"{name} {repeats + 1}")
    return names
