"""One theory on one Hamiltonian: `simulate`."""

import contextlib
import dataclasses
import math
import threading
import time
from concurrent.futures import Executor
from pathlib import Path
from typing import Annotated, Any

import jax
import numpy as np

from brackish.analysis.potentials import potential_curves, visited_positions
from brackish.arguments import reads_arguments
from brackish.errors import (
    CheckpointError,
    InvalidInput,
    PromiseBroken,
    RunFailed,
    UnsupportedHamiltonian,
    warn,
)
from brackish.hamiltonians import HybridHamiltonian, SeparableHamiltonian
from brackish.identity import programs_of
from brackish.integrators import Integrator
from brackish.io import build_dataset, read_checkpoint, store_exists, write_store, writer_of
from brackish.observables import Observable, derived_observables, drawn_nodes, standard_observables
from brackish.preparations import Preparation, evenly
from brackish.run.accumulate import Totals, means_and_errors
from brackish.run.block import (
    DEVIATION,
    BlockRecord,
    Plan,
    Problem,
    block_width,
    first_ensemble,
    initial_shapes,
)
from brackish.run.checkpoint import Identity, Reached, extended, names_of_leaves, pack, unpack
from brackish.run.executors import Desk, check_executor, records_in_order, worker_count
from brackish.run.followed import follow_hamiltonian, follow_observables, of_the_user
from brackish.run.programs import keep_by_default
from brackish.run.progress import Watch, progress_bar
from brackish.run.promises import Broken, broken
from brackish.run.provenance import describe, fingerprint, versions
from brackish.run.settings import pinned, require_settings
from brackish.run.signals import orderly_stop
from brackish.run.time_grid import Times
from brackish.theory import HasFit, HasJump, Status, Theory
from brackish.tracing import explained_if_untraceable
from brackish.units import require_units

LARGEST_COUNT = 2**32
"""Trajectories: keys are counted by numbers of 32 bits."""
LARGEST_DRAWN = 64
"""Levels whose potential curves are kept with a result."""


@reads_arguments
@pinned()
@explained_if_untraceable("A function of this run")
def simulate(
    hamiltonian: HybridHamiltonian,
    theory: Theory,
    preparation: Preparation,
    times: Times,
    *,
    trajectories: int | None = None,
    ensembles: int = 1,
    seed: int = 0,
    integrator: Integrator | None = None,
    observables: tuple[Observable, ...] = (),
    follow: int = 64,
    chunk: int | None = None,
    workers: int | None = None,
    executor: Executor | None = None,
    progress: bool | Watch = False,
    store: str | Path | None = None,
    resume: bool = False,
    extend: str | Path | None = None,
    keep_ends: bool = True,
    checkpoint_every: Annotated[float, "duration"] = 30.0,
    note: dict[str, Any] | None = None,
):
    """Run one theory and return a labelled dataset of means with standard errors.

    `trajectories`: how many (1000, or as many as the preparation lays out, or a multiple of it where the motion is
    random); theories of the whole
    wavefunction have none.
    `ensembles`: for coupled theories, how many independent ensembles of that size; from two on, means carry
    standard errors. A single one starts, in up to four coordinates, from `QuasiRandom` points of its packet or cloud,
    of which some hundred are as good as thousands that are drawn; the attribute `preparation` says so.
    `seed`: trajectory i draws from the key (seed, i) alone, so nothing below
    changes a result, not even in the last bit: `chunk` (trajectories a task), `workers` (threads; all processors by
    default), `executor` (any of
    `concurrent.futures`), a stop and a `resume`.
    `integrator`: by default the theory's own. `observables`: further ones, beside the standard ones.
    `follow`: how many trajectories to keep one by one.
    `store`: a Zarr store that is written as the run goes on, every `checkpoint_every` seconds; with `resume`
    the run goes on from there. `extend`: a finished store of the same run with fewer saves (at the same spacing and
    step) or fewer trajectories (or ensembles), from which this one goes on; what comes out is the same as if all had
    been asked for at once. It may be `store` itself. `keep_ends`: whether a finished store keeps the end of every
    trajectory, which that needs. `note`: more provenance for the attributes. `progress`: show a bar, or call
    this one.

    Raises `InvalidInput`, `UnsupportedHamiltonian` before anything is computed; `RunFailed` if numbers stop
    being numbers, a norm is lost or a packet reaches the edge of its box; `CheckpointError`.
    """
    require_settings()
    check_executor(executor)
    run = _planned(
        hamiltonian,
        theory,
        preparation,
        times,
        trajectories=trajectories,
        ensembles=ensembles,
        seed=seed,
        integrator=integrator,
        observables=observables,
        follow=follow,
        store=store,
        resume=resume,
        extend=extend,
        keep_ends=keep_ends,
        checkpoint_every=checkpoint_every,
        note=note,
    )
    width = run.plan.width
    chunk = width if chunk is None else _at_least_one("chunk", chunk)
    worker_count(workers)
    with orderly_stop(), contextlib.nullcontext() if store is None else writer_of(store):
        run.begin(resume, None if extend is None else Path(extend))
        return run.to_the_end(math.ceil(chunk / width), executor, workers, progress)


def require_extendable(
    hamiltonian: HybridHamiltonian,
    theory: Theory,
    preparation: Preparation,
    times: Times,
    extend: Path,
    **options: Any,
) -> None:
    """Raise what `simulate` would raise before it computed anything, if it were to go on from the store `extend`."""
    asked = {name: value for name, value in options.items() if name in _OF_A_PLAN}
    _planned(hamiltonian, theory, preparation, times, extend=extend, **asked).begin(False, extend)


_OF_A_PLAN = ("trajectories", "ensembles", "seed", "integrator", "observables", "follow", "keep_ends")
"""The options of `simulate` that decide what is computed."""


def _planned(
    hamiltonian: HybridHamiltonian,
    theory: Theory,
    preparation: Preparation,
    times: Times,
    *,
    trajectories: int | None = None,
    ensembles: int = 1,
    seed: int = 0,
    integrator: Integrator | None = None,
    observables: tuple[Observable, ...] = (),
    follow: int = 64,
    store: str | Path | None = None,
    resume: bool = False,
    extend: str | Path | None = None,
    keep_ends: bool = True,
    checkpoint_every: float = 30.0,
    note: dict[str, Any] | None = None,
) -> "_Run":
    """A run that is checked and cut into blocks; nothing is computed yet."""
    # also drops programs made of functions that have changed since, before anything below uses them
    code = programs_of((hamiltonian, theory, integrator, preparation, tuple(observables)))
    theory.requirements().check(type(theory).__name__, hamiltonian)
    follow_hamiltonian(hamiltonian)
    preparation.check(hamiltonian)
    for part in (theory, integrator, preparation):
        require_units(part, hamiltonian.labels, type(hamiltonian).__name__)
    times = times.on_clock_of(hamiltonian)
    if preparation.mixed() and not theory.mixed:
        raise UnsupportedHamiltonian(
            f"{type(theory).__name__} carries pure states; a Mixture is for theories that carry density operators, "
            "such as Koopmons. Runs from pure states may be mixed afterwards only in a linear theory such as Exact: in "
            "others the result depends on the pure states of which the mixture is made."
        )
    keep_by_default()
    theory = theory.resolve(hamiltonian, preparation, times)
    integrator = integrator if integrator is not None else theory.default_integrator(hamiltonian)
    integrator.check(theory, hamiltonian)
    if isinstance(theory, HasJump) and not integrator.jumps:
        name = type(integrator).__name__
        raise UnsupportedHamiltonian(
            f"{name} would leave out the jumps of {type(theory).__name__}; use WithJumps({name}())."
        )
    count = trajectory_count(theory, preparation, trajectories)
    ensembles = _at_least_one("ensembles", ensembles)
    if theory.coupled and theory.has_trajectories and ensembles == 1:
        preparation = evenly(preparation, hamiltonian)
    lanes = count if not theory.coupled else (ensembles if theory.has_trajectories else 1)
    steps = times.steps_for(theory, hamiltonian)
    standard = standard_observables(hamiltonian, theory) + theory.own_observables(hamiltonian)
    _check_names(standard, tuple(observables))
    kept = standard + tuple(observables)
    followed = min(_not_negative("follow", follow), count) if theory.has_trajectories else 0
    width = block_width(hamiltonian, theory, lanes)
    followed = followed if theory.coupled else min(followed, width)
    plan = Plan(lanes, width, times.saves, steps, times.spacing / steps)
    together = count if theory.coupled else 1
    problem = Problem(
        hamiltonian,
        theory,
        integrator,
        preparation,
        kept,
        theory.promises(hamiltonian) + hamiltonian.promises(),
        np.asarray(_seed(seed)),
        together,
        followed,
        code.digest,
    )
    problem, remarks = _fitted(problem, plan)
    theory = problem.theory
    provenance = {
        "title": f"{type(theory).__name__} on {type(hamiltonian).__name__}",
        "hamiltonian": describe(hamiltonian),
        "theory": describe(theory),
        "preparation": describe(preparation),
        "integrator": describe(integrator),
        "times": describe(times),
        "step": plan.step,
        **({} if times.rounding(plan.step) is None else {"step_rounded": times.rounding(plan.step)}),
        "seed": int(problem.seed),
        "trajectories": count if theory.has_trajectories else 0,
        "ensembles": ensembles if theory.coupled else 1,
        "versions": versions(),
        **remarks,
        **(note or {}),
    }
    if users := of_the_user(tuple(observables)):
        follow_observables(theory, hamiltonian, users, initial_shapes(problem, plan).state)
    if resume and code.unknown:
        raise CheckpointError(
            f"This run cannot be resumed: {code.unknown[0]} has no content that could be compared with that of the run "
            "in the store; give the function numbers, arrays and functions alone."
        )
    if resume and extend is not None:
        raise InvalidInput(
            "Arguments `resume` and `extend` exclude each other: an extension is resumed by `resume`."
        )
    return _Run(problem, plan, provenance, times, store, checkpoint_every, keep_ends)


def _fitted(problem: Problem, plan: Plan) -> tuple[Problem, dict[str, Any]]:
    """With the choices of a coupled theory that its ensemble decides, and what there is to say about them."""
    if not isinstance(problem.theory, HasFit):
        return problem, {}
    fitted, remarks = problem.theory.fit(problem.hamiltonian, first_ensemble(problem, plan))
    return dataclasses.replace(problem, theory=fitted), remarks


_FOLLOWED = {
    "trajectory_position": (("followed_coordinate",), "bohr", "position"),
    "trajectory_momentum": (("followed_coordinate",), "hbar/bohr", "momentum"),
    "trajectory_population": (("level",), "1", "diabatic population"),
    "trajectory_adiabatic_population": (("level",), "1", "adiabatic population"),
    "trajectory_spin": (("spin", "axis"), "1", "direction of the classical spins"),
}
"""Axes behind trajectory and time, units and meaning of what is kept of single trajectories."""


_NOT_OF_THE_STEP = (
    Status.reached_edge,
    Status.reached_largest_momentum,
    Status.highest_waves_grew,
    Status.left_table,
    Status.not_hermitian,
    Status.potential_not_finite,
)
"""Failures that no smaller time step would cure."""


class _Run:
    """The host's side of a run: totals, checkpoints, progress, readable errors."""

    def __init__(self, problem, plan, provenance, times, store, checkpoint_every, keep_ends):
        self.problem, self.plan, self.provenance, self.times = problem, plan, provenance, times
        self.store = None if store is None else Path(store)
        self.checkpoint_every, self.keep_ends = checkpoint_every, keep_ends
        named = (
            "hamiltonian",
            "theory",
            "preparation",
            "integrator",
            "times",
            "seed",
            "trajectories",
            "ensembles",
        )
        observed = [describe(observable) for observable in problem.observables]
        whole = fingerprint([{key: provenance[key] for key in named}, observed, problem.followed])
        shared = [key for key in named if key not in ("times", "ensembles", "trajectories")]
        shared += ["trajectories"] if problem.theory.coupled else []
        parts = {key: fingerprint(provenance[key]) for key in shared} | {"observables": fingerprint(observed)}
        self.identity = Identity(whole, parts, plan, problem.followed, names_of_leaves(problem, plan))
        self.reached = Reached()
        self.written = time.monotonic()
        self.thread = threading.get_ident()
        self.failed: BlockRecord | None = None
        self.warned = False

    @property
    def totals(self) -> Totals:
        """The sums over all blocks that are over."""
        return self.reached.totals

    @property
    def begun(self) -> dict[int, BlockRecord]:
        """Blocks that go on from a checkpoint."""
        return self.reached.begun

    def begin(self, resume: bool, extend: Path | None) -> None:
        """Read the checkpoint to go on from, or make sure that the store can be written."""
        if extend is not None:
            header, arrays = read_checkpoint(extend)
            self.reached = extended(header, arrays, self.problem, self.identity, extend)
        if self.store is None:
            if resume:
                raise InvalidInput("Argument `resume` needs a `store` to go on from.")
            return
        if resume:
            header, arrays = read_checkpoint(self.store)
            self.reached = unpack(header, arrays, self.problem, self.identity, self.store)
        elif store_exists(self.store) and (extend is None or extend.resolve() != self.store.resolve()):
            raise CheckpointError(
                f"{self.store} exists already: resume it, remove it, or choose another name."
            )

    def to_the_end(self, chunk: int, executor, workers, progress: bool | Watch):
        """Work through the blocks, add them in order, and return the dataset."""
        name = type(self.problem.theory).__name__
        desk = Desk()
        reached = lambda: self._steps_done(desk)  # noqa: E731
        total = self.plan.blocks * self.plan.steps_of_block
        with progress_bar(progress, name, total, reached) as desk.on_report:
            records = records_in_order(
                self.problem,
                self.plan,
                self.totals.blocks,
                self.begun,
                chunk,
                executor,
                workers,
                lambda block, record: self._look_in(desk, block, record),
            )
            try:
                for record in records:
                    if record is not None and record.failure is not None:
                        self.failed = record
                        raise self._failure(record, *record.failure)
                    if record is not None and record.finished(self.plan):
                        self._add(desk, record)
                    self._write(desk, only_when_due=True)
                return self._complete()
            except BaseException:
                # what was reached is worth keeping, whatever stopped the run
                desk.stopping = True
                records.close()
                self._write(desk)
                raise

    def _complete(self):
        """The finished dataset, stored if it has a store."""
        self._warn_of_broken_promises()
        dataset = self._dataset(self.totals, complete=True)
        if "remarks" in dataset.attrs:
            warn(dataset.attrs["remarks"])
        if self.store is not None:
            write_store(self.store, dataset, *reversed(pack(self.reached, self.identity)))
        return dataset

    def _add(self, desk: Desk, record: BlockRecord) -> None:
        block, heard = self.totals.blocks, desk.knows(self.totals.blocks)
        reached, totals = self.reached, self.totals.with_block(record)
        leaves = [np.asarray(leaf) for leaf in jax.tree_util.tree_leaves(record.carry)]
        ends = {**reached.ends, block: leaves} if self.keep_ends else {}
        before = reached.before
        if block > 0 and (block + 1) * self.plan.width > self.plan.lanes:
            before = self.totals if before is None else before.continued(self.totals)
        begun = {number: other for number, other in reached.begun.items() if number != block}
        # in one assignment: an interruption finds either all of it or nothing
        self.reached = Reached(totals, begun, ends, before)
        self._warn_of_broken_promises()
        desk.forget(block)
        if not heard:
            desk.on_report()

    def _steps_done(self, desk: Desk) -> int:
        """Over all blocks; those that go on from a checkpoint count from where they stand."""
        known = {**self.begun, **desk.latest()}
        under_way = (
            record.steps_done(self.plan) for block, record in known.items() if block >= self.totals.blocks
        )
        return self.totals.blocks * self.plan.steps_of_block + sum(under_way)

    def _look_in(self, desk: Desk, block: int, record: BlockRecord) -> bool:
        go_on = desk.report(block, record)
        # with several workers, the thread that waits for them writes
        if threading.get_ident() == self.thread:
            self._write(desk, only_when_due=True)
        return go_on

    def _write(self, desk: Desk, only_when_due: bool = False) -> None:
        if self.store is None or (only_when_due and time.monotonic() - self.written < self.checkpoint_every):
            return
        known = {**self.begun, **desk.latest()}
        unfinished = {
            block: record
            for block, record in sorted(known.items())
            if block >= self.totals.blocks and record.failure is None
        }
        reached = self.totals if self.totals.sums else self._first_block(unfinished)
        if reached is None:
            return
        header, arrays = pack(dataclasses.replace(self.reached, begun=unfinished), self.identity)
        write_store(self.store, self._dataset(reached, complete=False), arrays, header)
        self.written = time.monotonic()

    def _first_block(self, unfinished: dict[int, BlockRecord]) -> Totals | None:
        """What there is to look at before the first block is done; of a block that failed, the saves before it did."""
        record = self.failed if self.failed is not None else unfinished.get(0)
        saves = None if record is None or record.failure is None else record.failure[2]
        if record is None or saves == 0:
            return None
        reached = Totals().with_block(record)
        return reached if saves is None else reached.cut(saves)

    def _warn_of_broken_promises(self) -> None:
        """Warn of the first promise that is found broken, and of no other."""
        found = [] if self.warned else broken(self.problem.promises, self.totals.changes)
        if found:
            self.warned = True
            name = type(self.problem.theory).__name__
            warn(f"{name}: {self._sentence(found[0])}", PromiseBroken)

    def _sentence(self, promise: Broken) -> str:
        return promise.sentence(
            self._who(promise.lane),
            self.times.grid()[promise.save],
            self.plan.step,
            self.problem.integrator.order,
            self.problem.hamiltonian.labels.of(promise.promise.units),
        )

    def _who(self, lane: int) -> str:
        if not self.problem.theory.has_trajectories:
            return "the wavefunction"
        return f"ensemble {lane}" if self.problem.theory.coupled else f"trajectory {lane}"

    def _failure(self, record: BlockRecord, status: int, lane: int, save: int) -> RunFailed:
        name = type(self.problem.theory).__name__
        if status == Status.broke_promise:
            changes = record.merged()["changes"][: save + 1 - record.first]
            found = broken(self.problem.promises, changes)
            worst = max(found, key=lambda one: one.share / one.promise.limit)
            worst = dataclasses.replace(worst, save=worst.save + record.first)
            return RunFailed(f"{name}: {self._sentence(worst)}")
        what = {
            Status.not_finite: "is no longer a number: the step is too long, or on its way the Hamiltonian is infinite "
            "or no number",
            Status.lost_norm: "has lost its norm",
            Status.reached_edge: "has reached the edge of its box; give a larger grid or a stronger absorber",
            Status.reached_largest_momentum: "has reached the largest momentum of its grid; give more points",
            Status.did_not_converge: "needs a smaller step: the implicit or adaptive solution did not converge",
            Status.lattice_too_small: "has spread over more of its lattice than there is room for; give "
            "LatticeQuadrature more `tiles`, or wider kernels",
            Status.mesh_folded: "has folded: a fluid without a wavefunction cannot pass through itself, nor form a "
            "node; stop earlier, or take QuantumTrajectories",
            Status.highest_waves_grew: "has grown the highest waves of its grid, which the equations amplify fastest; "
            "stop earlier, or keep fewer waves",
            Status.reached_highest_level: "has reached the last of its levels; give more of them",
            Status.left_table: "has left its table; give it wider bounds",
            Status.not_hermitian: "is where the Hamiltonian is not Hermitian; H must equal its conjugate transpose "
            "there, with real numbers on the diagonal",
            Status.potential_not_finite: "is no longer a number: where it is, the Hamiltonian is infinite or no number",
            Status.not_resolved: "is no longer resolved by its grid; give more points, or a smaller step",
        }[Status(status)]
        moment = self.times.grid()[save]
        advice = "" if status in _NOT_OF_THE_STEP else (f" The time step is {self.plan.step:g}.")
        return RunFailed(f"{name}: {self._who(lane)} {what} (at or shortly before time {moment:g}).{advice}")

    def _dataset(self, totals: Totals, complete: bool):
        problem, plan = self.problem, self.plan
        sampled = (problem.preparation.random or problem.theory.random) and problem.theory.has_trajectories
        sampled = sampled and plan.lanes > 1
        derived = derived_observables(problem.observables)
        results = means_and_errors(totals, problem.observables, derived, sampled)
        variables: dict[str, Any] = {}
        grid = self.times.grid()
        for quantity in (*problem.observables, *derived):
            if isinstance(quantity, Observable) and quantity.hidden:
                continue
            mean, error = results[quantity.name]
            dims = ("time", *quantity.dims)
            units = problem.hamiltonian.labels.of(quantity.units)
            attributes = {"units": units, "long_name": quantity.long_name, "source": quantity.source}
            variables[quantity.name] = (dims, mean, attributes)
            if error is None:
                error = np.full(mean.shape, np.nan if problem.theory.has_trajectories else 0.0)
            label = {
                "units": units,
                "long_name": f"standard error of {quantity.long_name or quantity.name}",
            }
            attributes.update(_about_lost_numbers(mean, "the function of this observable gave none", grid))
            label.update(_about_lost_numbers(error, _about_errors(problem, sampled), grid))
            variables[quantity.name + "_standard_error"] = (dims, error, label)
        for name, values in totals.followed.items():
            axes, units, what = _FOLLOWED[name]
            label = {"units": units, "long_name": f"{what} of single trajectories"}
            variables[name] = (("trajectory", "time", *axes), np.swapaxes(values, 0, 1), label)
        for axis, (name, (values, units, what)) in zip(
            ("node_row", "node_column"), drawn_nodes(problem.theory).items(), strict=False
        ):
            variables[name] = ((axis,), values, {"units": units, "long_name": what})
        if complete:
            variables.update(_potentials(problem.hamiltonian, variables))
        saves = totals.sums["weight"].shape[0]
        provenance = {
            **self.provenance,
            "complete": int(complete),
            "lanes_done": min(totals.blocks * plan.width, plan.lanes),
            "standard_errors": _about_errors(problem, sampled),
        }
        if found := broken(problem.promises, totals.changes):
            provenance["broken_promises"] = [self._sentence(promise) for promise in found]
        means = {observable.name: results[observable.name][0] for observable in problem.observables}
        if complete and (remarks := problem.theory.remarks(means)):
            provenance["remarks"] = " ".join(remarks)
        return build_dataset(self.times.grid()[:saves], variables, provenance, problem.hamiltonian.labels)


def _potentials(hamiltonian: HybridHamiltonian, variables: dict[str, Any]) -> dict[str, Any]:
    """Potential curves over the stretch that was visited, so that they can be drawn without the Hamiltonian; not of
    a whole band of levels.
    """
    if not isinstance(hamiltonian, SeparableHamiltonian) or hamiltonian.manifold.coordinates != 1:
        return {}
    if hamiltonian.levels > LARGEST_DRAWN:
        return {}
    positions = visited_positions({name: values for name, (_, values, _) in variables.items()})
    diabatic, adiabatic = potential_curves(hamiltonian, positions)
    return {
        "potential_position": (
            ("point",),
            positions,
            {"units": "bohr", "long_name": "positions of the potential curves"},
        ),
        "diabatic_energy": (
            ("point", "level", "level_"),
            np.asarray(diabatic).real,
            {"units": "hartree", "long_name": "potential matrix in the diabatic basis, real part"},
        ),
        "adiabatic_energy": (
            ("point", "level"),
            np.asarray(adiabatic),
            {"units": "hartree", "long_name": "eigenvalues of the potential matrix"},
        ),
    }


def _about_lost_numbers(values: np.ndarray, why: str, grid: np.ndarray) -> dict[str, str]:
    """The attribute that explains where values, time first, are not numbers; nothing where all are."""
    lost = np.isnan(values).reshape(len(values), -1).any(axis=1)
    if not lost.any():
        return {}
    when = (
        "at every save" if lost.all() else f"at {lost.sum()} saves, first at time {grid[np.argmax(lost)]:g}"
    )
    return {"not_a_number": f"{when}: {why}"}


def check_observables(theory: Theory, hamiltonian: HybridHamiltonian, asked: tuple[Observable, ...]) -> None:
    """Raise `InvalidInput` for a further observable whose name is that of something else in a dataset."""
    _check_names(standard_observables(hamiltonian, theory) + theory.own_observables(hamiltonian), asked)


def _check_names(standard: tuple[Observable, ...], asked: tuple[Observable, ...]) -> None:
    """Raise `InvalidInput` for a further observable whose name is that of something else in a dataset."""
    axes = {dim for observable in (*standard, *asked) for dim in observable.dims}
    taken = {observable.name for observable in standard} | {one.name for one in derived_observables(standard)}
    taken |= {
        "time",
        "trajectory",
        "theory",
        "weight",
        "weight_squared",
        "status",
        "changes",
        *_CURVES,
        *axes,
    }
    for observable in asked:
        name = observable.name
        if name in taken or name.startswith("trajectory_") or name.endswith(("_standard_error", DEVIATION)):
            raise InvalidInput(
                f"Argument `observables` has one called '{name}', but this name is taken in every dataset of this run; "
                "choose another one."
            )
        if sum(other.name == name for other in asked) > 1:
            raise InvalidInput(
                f"Argument `observables` has two called '{name}'; give each a name of its own."
            )


_CURVES = ("potential_position", "diabatic_energy", "adiabatic_energy", "point")
"""What is kept so that the potential can be drawn."""


def _about_errors(problem: Problem, sampled: bool) -> str:
    if sampled:
        return "spread over independent trajectories or ensembles; purities and spreads by leaving out one of 16 groups"
    if not problem.theory.has_trajectories:
        return "none: the theory has no statistics"
    return "not known: points are laid out, or there is a single coupled ensemble (see `ensembles`)"


def trajectory_count(theory: Theory, preparation: Preparation, asked: int | None) -> int:
    """How many trajectories a run has when so many are `asked` for. Raises `InvalidInput` if that cannot be."""
    if not theory.has_trajectories:
        return 1
    fixed = preparation.count()
    if fixed is None:
        return 1000 if asked is None else _key_for_each(asked)
    if asked is None or asked == fixed:
        return fixed
    again = theory.random and preparation.repeats
    if again and _key_for_each(asked) % fixed == 0:
        return asked
    raise InvalidInput(
        f"Argument `trajectories` is {asked}, but {type(preparation).__name__} lays out {fixed}; "
        + ("give a multiple of that." if again else "leave it out.")
    )


def _key_for_each(asked: int) -> int:
    """A number of trajectories, each with a random key of its own."""
    if _at_least_one("trajectories", asked) > LARGEST_COUNT:
        raise InvalidInput(
            f"Argument `trajectories` must be at most 2^32, for each has a random key of its own, got {asked}."
        )
    return int(asked)


def _at_least_one(name: str, value: Any) -> int:
    if isinstance(value, bool) or not isinstance(value, int | np.integer) or value < 1:
        raise InvalidInput(f"Argument `{name}` must be a whole number of at least 1, got {value!r}.")
    return int(value)


def _not_negative(name: str, value: Any) -> int:
    if isinstance(value, bool) or not isinstance(value, int | np.integer) or value < 0:
        raise InvalidInput(f"Argument `{name}` must be a whole number, 0 or more, got {value!r}.")
    return int(value)


def _seed(value: Any) -> int:
    if _not_negative("seed", value) >= 2**63:
        raise InvalidInput(f"Argument `seed` must be below 2^63, got {value}.")
    return int(value)
