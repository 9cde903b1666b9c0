"""The command line: the nouns of the library, one command a verb.

Every error that brackish knows is one line on stderr; the exit code is 2 if the input was bad, 1 if a run
failed, 130 if it was stopped (143 by SIGTERM, 129 by SIGHUP). Results that exist are not touched before all input is
checked, then replaced as a whole.
"""

import contextlib
import math
import os
import re
import sys
import threading
import time
import warnings
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Annotated, Any

import typer
from typer.core import TyperGroup

import brackish as bk
from brackish.arguments import readable_path
from brackish.errors import (
    BrackishError,
    InvalidInput,
    PromiseBroken,
    RunFailed,
    UnsupportedHamiltonian,
    shortened,
    unknown_name,
)
from brackish.io.files import replacing
from brackish.run.programs import keep_by_default

UsageError: Any = typer.BadParameter.__mro__[1]
"""What typer raises when it cannot read the command line; its own home has moved between versions."""


class OneLineErrors(TyperGroup):
    """A group of commands whose errors are one line each, with the exit codes above."""

    def main(self, args: Sequence[str] | None = None, *rest: Any, **options: Any) -> Any:
        """Run a command and leave with its exit code."""
        from brackish.run.signals import orderly_stop

        given = list(sys.argv[1:] if args is None else args) or ["--help"]
        options["standalone_mode"] = False
        command = super().main
        with orderly_stop():
            code = _guarded(lambda: command(given, *rest, **options), "--debug" in given)
        sys.exit(code)


def _guarded(command: Callable[[], Any], debug: bool) -> int:
    """The exit code of a command; what it raises is put in one line."""
    from brackish.run.config import InvalidDocument
    from brackish.run.signals import Stopped

    try:
        with _warnings_in_one_line():
            code = command()
        return code if isinstance(code, int) else 0
    except InvalidDocument as error:
        lines, code = error.mistakes, 2
    except BrackishError as error:
        lines, code = [f"error: {_one_line(error)}"], 1 if isinstance(error, RunFailed) else 2
    except UsageError as error:
        message = _one_line(error.format_message()).rstrip(".")
        lines, code = [f"error: {message} (see brackish --help)"], 2
    except (KeyboardInterrupt, typer.Abort):
        lines, code = ["stopped"], 130
    except Stopped as error:
        lines, code = ["stopped"], error.code
    except BrokenPipeError:
        # whoever read our output has seen enough
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return 1
    except Exception as error:
        if debug:
            raise
        what = f"{type(error).__name__}: {_one_line(error)}"
        lines, code = [f"error: {what} (not foreseen; brackish --debug ... shows where)"], 1
    for line in lines:
        typer.echo(line, err=True)
    return code


@contextlib.contextmanager
def _warnings_in_one_line() -> Iterator[None]:
    """What a run says of its theory's promises, said as errors are."""

    def show(message: Warning | str, category: type[Warning], *where: Any) -> None:
        if issubclass(category, PromiseBroken):
            typer.echo(f"warning: {_one_line(message)}", err=True)
        else:
            otherwise(message, category, *where)

    with warnings.catch_warnings():
        warnings.simplefilter("always", PromiseBroken)
        otherwise, warnings.showwarning = warnings.showwarning, show  # type: ignore[assignment]
        yield


def _exit_code(stop: BaseException) -> int:
    """130 for Ctrl-C, 143 for SIGTERM, 129 for SIGHUP."""
    code = getattr(stop, "code", None)
    return code if isinstance(code, int) else 130


def _one_line(error: Any) -> str:
    return " ".join(str(error).split())


app = typer.Typer(
    cls=OneLineErrors, add_completion=False, pretty_exceptions_enable=False, rich_markup_mode=None
)


def main() -> None:
    """The entry of the program `brackish`."""
    for stream in (sys.stdout, sys.stderr):
        # what a terminal cannot show is no reason to lose a run
        if hasattr(stream, "reconfigure"):
            stream.reconfigure(errors="replace")
    app()


def _version(asked: bool) -> bool:
    if asked:
        typer.echo(f"brackish {bk.__version__}")
        raise typer.Exit
    return asked


@app.callback()
def _root(
    version: Annotated[
        bool, typer.Option("--version", callback=_version, is_eager=True, help="Show the version.")
    ] = False,
    debug: Annotated[bool, typer.Option("--debug", help="Show where an error comes from.")] = False,
) -> None:
    """Mixed quantum-classical dynamics: one Hamiltonian, every theory, the exact answer beside them."""


def path(text: str) -> Path:
    """A path from the command line: the shell writes out the home folder in `--out ~/x`, but not in `--out=~/x`."""
    try:
        return readable_path(text, "It")
    except InvalidInput as error:
        raise typer.BadParameter(str(error)) from None


Trajectories = Annotated[int | None, typer.Option(min=1, help="How many trajectories.")]
Seed = Annotated[int | None, typer.Option(min=0, help="Seed of all random numbers.")]
Workers = Annotated[int | None, typer.Option(min=1, help="Threads; by default all processors.")]
Momentum = Annotated[float | None, typer.Option(help="Momentum of the packet, where one flies (hbar/bohr).")]
Overwrite = Annotated[
    bool, typer.Option("--overwrite", help="Replace the run that is there, once this one is over.")
]
Kind = Annotated[
    str | None,
    typer.Argument(help="models, theories, preparations, integrators, observables or comparisons."),
]
Quiet = Annotated[bool, typer.Option("--no-progress", help="Show no bars.")]


@app.command()
def compare(
    name: Annotated[str, typer.Argument(help="A ready-made comparison: see `brackish list comparisons`.")],
    out: Annotated[
        Path | None, typer.Option(parser=path, help="Folder for the figure and the dataset [results/NAME].")
    ] = None,
    trajectories: Trajectories = None,
    seed: Seed = None,
    workers: Workers = None,
    momentum: Momentum = None,
    theory: Annotated[
        list[str] | None,
        typer.Option(
            help="Only this theory, as KIND, LABEL=KIND or LABEL=KIND{parameter = value}; may be repeated."
        ),
    ] = None,
    observable: Annotated[
        list[str] | None,
        typer.Option(help="Keep this one too: see `brackish list observables`; may be repeated."),
    ] = None,
    no_progress: Quiet = False,
) -> None:
    """Compare all theories that fit, with the exact one where possible: a table, a figure, a dataset."""
    from brackish.io import netcdf
    from brackish.run import config, folder
    from brackish.run.comparison import side_by_side
    from brackish.run.signals import Stopped

    document = _preset(name, momentum)
    asked = {"trajectories": trajectories, "seed": seed}
    document["run"].update({key: value for key, value in asked.items() if value is not None})
    document["run"]["observables"] = list(observable or ())
    place = out if out is not None else Path("results") / name
    folder.check_writable(place)
    files = (place / folder.FIGURE, place / "dataset.nc")
    for path, ours in zip(files, (bk.plot.files.drew, netcdf.is_ours), strict=True):
        _require_replaceable(path, ours)
    keep_by_default()
    setup = _fitting(document, name, theory)
    _import_meanwhile(
        "xarray", "h5netcdf", "matplotlib.figure", "matplotlib.backends.backend_agg", "rich.table"
    )
    with _bars(not no_progress) as watch:
        try:
            results, seconds = _together(setup, watch, workers)
        except (KeyboardInterrupt, Stopped) as stop:
            typer.echo("stopped; nothing was written", err=True)
            raise typer.Exit(_exit_code(stop)) from None
    failed = {name: end for name, end in zip(setup.names, results, strict=True) if isinstance(end, Exception)}
    done = [number for number, end in enumerate(results) if not isinstance(end, Exception)]
    if not done:
        raise results[0]
    setup = config.with_some(setup, done)
    dataset = side_by_side(setup.names, [results[number] for number in done])
    dataset.attrs["title"] = f"comparison {name}"
    folder.make(place)
    figure = bk.plot.compare(dataset)
    with replacing(files[0]) as picture, replacing(files[1]) as numbers:
        bk.plot.files.draw(figure, picture, "png")
        bk.write_netcdf(dataset, numbers)
    _show_table(dataset, setup, [seconds[number] for number in done], name, tuple(failed))
    for path in files:
        typer.echo(str(path))
    for theory_name, error in failed.items():
        typer.echo(f"{theory_name} failed: {_one_line(error)}", err=True)
    if failed:
        raise typer.Exit(1)


@app.command()
def run(
    file: Annotated[Path, typer.Argument(parser=path, help="A TOML file.")],
    out: Annotated[
        Path | None, typer.Option(parser=path, help="Folder for the results [run.out, or results/FILE].")
    ] = None,
    overwrite: Overwrite = False,
    workers: Workers = None,
    no_progress: Quiet = False,
) -> None:
    """Run what a TOML file asks for; it can be stopped at any time and resumed."""
    from brackish.run import config, folder

    keep_by_default()
    text, setup = config.read(file)
    goal = out or (Path(setup.out) if setup.out else Path("results") / file.stem)
    place = folder.claim(goal, overwrite)
    with folder.writer_of(place):
        folder.begin(place, text, goal, setup.names)
        _finish(setup, text, place, workers, not no_progress)


@app.command()
def resume(
    store: Annotated[Path, typer.Argument(parser=path, help="The folder of a run, or a Zarr store in it.")],
    workers: Workers = None,
    no_progress: Quiet = False,
) -> None:
    """Go on with a run that was stopped; the result is the same, bit for bit."""
    from brackish.run import folder

    keep_by_default()
    place, text, setup = folder.stopped(store)
    with folder.writer_of(place):
        if not folder.is_complete(place):
            _finish(setup, text, place, workers, not no_progress)
        elif folder.final(place) == place:
            folder.require_whole_stores(place, setup.names)
            typer.echo(f"{place / folder.RESULTS} is complete already.")
        else:
            typer.echo(str(folder.settle(place) / folder.RESULTS))


@app.command()
def extend(
    run: Annotated[Path, typer.Argument(parser=path, metavar="FOLDER", help="The folder of a finished run.")],
    stop: Annotated[
        str | None, typer.Option(help="The new end, such as 4000 or '80 fs'; saves keep their spacing.")
    ] = None,
    trajectories: Trajectories = None,
    workers: Workers = None,
    no_progress: Quiet = False,
) -> None:
    """Go on with a finished run, to longer times or with more trajectories; the same, bit for bit, as all at once."""
    from brackish.run import extension, folder

    keep_by_default()
    goal, text, setup = extension.planned(run, stop, trajectories)
    place = folder.claim(goal, overwrite=True)
    with folder.writer_of(place):
        folder.begin(place, text, goal, setup.names, extends=True)
        _finish(setup, text, place, workers, not no_progress)


@app.command()
def audit(
    theory: Annotated[str, typer.Argument(help="A theory: see `brackish list theories`.")],
    model: Annotated[
        str, typer.Argument(help="A ready-made system and start: see `brackish list comparisons`.")
    ],
    trajectories: Trajectories = None,
    seed: Seed = None,
    momentum: Momentum = None,
    json: Annotated[bool, typer.Option("--json", help="Print every number, for programs.")] = False,
) -> None:
    """Put five consistency properties of a theory to the test, by runs of it: verdicts with numbers."""
    from json import dumps

    from brackish.auditing.report import SAVES
    from brackish.run import catalogue, config

    document = _preset(model, momentum, "model")
    known = catalogue.named_theories()
    if theory not in known:
        raise unknown_name("theory", theory, known)
    keep_by_default()
    setup = config.build({**document, "theory": [{"kind": theory}]}, model)
    options: dict[str, Any] = {"trajectories": trajectories, "seed": seed}
    found = bk.audit(
        setup.theories[0],
        setup.hamiltonian,
        setup.preparation,
        bk.times(setup.times.stop, SAVES),
        **{key: value for key, value in options.items() if value is not None},
    )
    typer.echo(dumps(found.to_dict(), indent=2) if json else str(found))


@app.command()
def reproduce(
    paper: Annotated[str, typer.Argument(help="cq-oscillators or quantum-llg.")],
    out: Annotated[
        Path | None, typer.Option(parser=path, help="Folder for the figures and captions [results/PAPER].")
    ] = None,
) -> None:
    """Make the figures of a published paper anew, each with a caption that says what must be seen."""
    from brackish.reproduce import PAPERS
    from brackish.run import folder

    if paper not in PAPERS:
        raise unknown_name("paper", paper, PAPERS)
    place = out if out is not None else Path("results") / paper
    folder.check_writable(place)
    keep_by_default()
    for figure in PAPERS[paper]():
        typer.echo(f"{figure.save(place)}\n  {figure.caption}\n")


@app.command("list")
def list_(
    kind: Kind = None,
) -> None:
    """What there is, with parameters, defaults and units."""
    from brackish.run import catalogue
    from brackish.run.presets import PRESETS

    kinds: dict[str, Callable[[], dict[str, Any]]] = {
        "models": catalogue.named_models,
        "theories": catalogue.named_theories,
        "preparations": catalogue.named_preparations,
        "integrators": catalogue.named_integrators,
        "observables": catalogue.named_observables,
        "comparisons": lambda: PRESETS,
    }
    if kind is not None and kind not in kinds:
        raise unknown_name("list", kind, kinds)
    for title, entries in kinds.items():
        if kind in (None, title):
            _show_list(title, entries())


@app.command()
def plot(
    file: Annotated[
        Path, typer.Argument(parser=path, help="A dataset (.nc), a Zarr store, or the folder of a run.")
    ],
    kind: Annotated[
        str, typer.Option(help="compare, or another one of bk.plot for which the dataset has what is needed.")
    ] = "compare",
    out: Annotated[
        Path | None, typer.Option(parser=path, help="The figure: .png, .pdf or .svg [FILE_KIND.png].")
    ] = None,
) -> None:
    """Draw a figure from a dataset."""
    from brackish.plot import needs
    from brackish.run import folder

    if kind not in needs.NEEDS:
        raise unknown_name("kind of figure", kind, needs.NEEDS)
    goal = out or file.with_name(f"{file.stem}_{kind}.png")
    folder.check_writable(goal.parent)
    if goal.is_file() and not bk.plot.files.drew(goal):
        raise InvalidInput(f"{goal} is there, and no figure of brackish: choose another --out.")
    dataset = folder.read(file)
    lack = needs.lacking(kind, dataset)
    if lack:
        offered = ", ".join(needs.drawable(dataset)) or "nothing"
        raise InvalidInput(f"The figure `{kind}` needs {lack}; what can be drawn from {file}: {offered}.")
    folder.make(goal.parent)
    bk.plot.save(getattr(bk.plot, kind)(dataset), goal)
    typer.echo(str(goal))


# -- how the commands do it ----------------------------------------------------------------------------------


def _import_meanwhile(*modules: str) -> None:
    """Import what will be needed at the end, while programs are being compiled."""
    import importlib

    def imports() -> None:
        for module in modules:
            importlib.import_module(module)

    threading.Thread(target=imports, daemon=True).start()


def _preset(name: str, momentum: float | None, kind: str = "comparison") -> dict[str, Any]:
    from brackish.run.presets import PRESETS, takes_momentum

    if name not in PRESETS:
        raise unknown_name(kind, name, PRESETS)
    if momentum is None:
        return PRESETS[name]()
    if not takes_momentum(name):
        raise InvalidInput(f"Option --momentum does not go with {name}, whose packet does not fly.")
    if not 1 <= momentum <= 1000:
        raise InvalidInput(f"Option --momentum must be between 1 and 1000 hbar/bohr, got {momentum:g}.")
    return PRESETS[name](momentum)


def _require_replaceable(path: Path, ours: Callable[[Path], bool]) -> None:
    """Raise `InvalidInput` if there is something at `path` that brackish did not write."""
    if path.is_dir():
        raise InvalidInput(f"Cannot write {path}: it is a folder.")
    if path.exists() and not ours(path):
        raise InvalidInput(f"{path} is there, and nothing that brackish wrote: choose another --out.")


def _fitting(document: dict[str, Any], name: str, wanted: list[str] | None) -> Any:
    """The preset with the theories that fit: all light ones that need no options, or those that are wanted."""
    from brackish.run import catalogue, config

    known = catalogue.named_theories()
    if wanted:
        tables = [_theory_table(text) for text in wanted]
        for table in tables:
            if table["kind"] not in known:
                raise unknown_name("theory", table["kind"], known)
        return config.build({**document, "theory": tables}, name)
    setup = config.build({**document, "theory": [{"kind": "Ehrenfest"}]}, name)
    theories = []
    for kind in sorted(known, key=lambda kind: (kind != "Exact", kind)):
        if (
            any(parameter.required for parameter in catalogue.parameters(known[kind]))
            or not known[kind].light
        ):
            continue
        theory = known[kind]()
        if hasattr(theory, "level"):
            # a theory that stays on one surface begins on the one of the packet
            state = getattr(setup.preparation, "state", None)
            if not isinstance(state, bk.Adiabatic):
                continue
            theory = known[kind](**{"level": state.level})
        with contextlib.suppress(UnsupportedHamiltonian):
            theory.requirements().check(kind, setup.hamiltonian)
            theories.append(theory.resolve(setup.hamiltonian, setup.preparation, setup.times))
    return config.with_theories(setup, theories)


_THEORY = re.compile(r"(?:([^={]+)=)?\s*([^={\s]+)\s*(\{.*\})?\s*", re.DOTALL)


def _theory_table(text: str) -> dict[str, Any]:
    """The table that KIND, LABEL=KIND or LABEL=KIND{parameter = value} stands for."""
    from tomllib import TOMLDecodeError, loads

    match = _THEORY.fullmatch(text)
    try:
        if match is None:
            raise ValueError
        entries = loads(f"table = {match[3] or '{}'}")["table"]
    except (TOMLDecodeError, ValueError, RecursionError):
        raise InvalidInput(
            f"Option --theory must be KIND, LABEL=KIND or LABEL=KIND{{parameter = value}}, got {shortened(text)}."
        ) from None
    label = {} if match[1] is None else {"label": match[1].strip()}
    return {**entries, "kind": match[2], **label}


def _ending(future: Any) -> tuple[Any, float]:
    """Dataset and seconds of a theory, or what it failed with."""
    try:
        return future.result()
    except Exception as error:  # whatever one theory meets, the others are worth having
        return error, math.nan


def _together(setup: Any, watch: Any, workers: int | None) -> tuple[list[Any], list[float]]:
    """All theories side by side, so that one is compiled while another one runs. Datasets, or failures, and seconds."""
    from concurrent.futures import ThreadPoolExecutor

    stop = threading.Event()

    def watched(title: str, total: int, done: int) -> Callable[[int], None]:
        advance = watch(title, total, done)

        def move(done: int) -> None:
            if stop.is_set():
                raise KeyboardInterrupt
            advance(done)

        return move

    def one(theory: Any, integrator: Any) -> tuple[Any, float]:
        start = time.perf_counter()
        dataset = bk.simulate(
            setup.hamiltonian,
            theory,
            setup.preparation,
            setup.times,
            integrator=integrator,
            workers=workers,
            progress=watched,
            **setup.options_of(theory),
        )
        return dataset, time.perf_counter() - start

    # all at once: nobody knows which one takes longest to compile, and the last one should not compile alone
    with ThreadPoolExecutor(workers or len(setup.theories)) as threads:
        futures = [threads.submit(one, *pair) for pair in zip(setup.theories, setup.integrators, strict=True)]
        try:
            pairs = [_ending(future) for future in futures]
        except BaseException:
            stop.set()
            threads.shutdown(wait=False, cancel_futures=True)
            raise
    return [dataset for dataset, _ in pairs], [seconds for _, seconds in pairs]


def _finish(setup: Any, text: str, place: Path, workers: int | None, progress: bool) -> None:
    """Run, write the results, show them."""
    from brackish.run import folder
    from brackish.run.signals import Stopped

    with _bars(progress) as watch:
        try:
            dataset = folder.go_on(setup, text, place, watch, workers)
        except (KeyboardInterrupt, Stopped) as stop:
            typer.echo(f"stopped at {watch.reached()}; go on with: brackish resume {place}", err=True)
            raise typer.Exit(_exit_code(stop)) from None
        except RunFailed as error:
            raise RunFailed(f"{_one_line(error)} What was reached is in {place}.") from error
    folder.keep(place, dataset)
    _draw(dataset, place)
    out = folder.settle(place)
    _show_table(dataset, setup, None, out.name)
    for name in (folder.FIGURE, folder.RESULTS):
        typer.echo(str(out / name))


def _draw(dataset: Any, place: Path) -> None:
    """The figure of a run; the numbers are worth more, so a run does not fail for want of one."""
    from brackish.run import folder, marks

    try:
        figure = bk.plot.compare(dataset)
    except InvalidInput as error:
        typer.echo(f"no figure: {_one_line(error)}", err=True)
        return
    with marks.writing(place, folder.FIGURE) as path:
        bk.plot.save(figure, path)


class _Watch:
    """Bars for several theories at once; remembers how far the last one got."""

    def __init__(self, progress: Any):
        self.progress = progress
        self.last = ("the start", 0, 1)
        self.lock = threading.Lock()

    def __call__(self, title: str, total: int, done: int) -> Callable[[int], None]:
        task = None if self.progress is None else self.progress.add_task(title, total=total, completed=done)

        def move(done: int) -> None:
            with self.lock:
                self.last = (title, done, total)
            if self.progress is not None:
                self.progress.update(task, completed=done)

        self.last = (title, done, total)
        return move

    def reached(self) -> str:
        """How far the run is, in words."""
        title, done, total = self.last
        return f"{100 * done // max(total, 1)} % of {title}"


@contextlib.contextmanager
def _bars(show: bool) -> Iterator[_Watch]:
    if not show or not sys.stderr.isatty():
        yield _Watch(None)
        return
    from rich.console import Console
    from rich.progress import BarColumn, Progress, TextColumn, TimeElapsedColumn, TimeRemainingColumn

    columns = (
        TextColumn("{task.description:<16}"),
        BarColumn(),
        TextColumn("{task.percentage:>3.0f}%"),
        TimeElapsedColumn(),
        TextColumn("left"),
        TimeRemainingColumn(),
    )
    with Progress(*columns, console=Console(stderr=True), transient=True) as progress:
        yield _Watch(progress)


def _show_table(
    dataset: Any, setup: Any, seconds: list[float] | None, title: str, failed: Sequence[str] = ()
) -> None:
    """Where each theory ends, how well it kept the energy, how far it is from the exact one."""
    from rich import box
    from rich.console import Console
    from rich.table import Table

    runs = {name: dataset.sel(theory=name) if "theory" in dataset.dims else dataset for name in setup.names}
    variable, quantities = _shown(dataset, setup)
    exact = runs.get("Exact") if len(runs) > 1 else None
    broken = _with_broken_promises(dataset, setup.names)
    plain = not _can_show("±─", sys.stdout)
    table = Table(
        title=f"{title}: {variable.replace('_', ' ')}s at time {dataset['time'].values[-1]:g}",
        caption="\n".join(_notes(dataset, plain, exact is not None, seconds is not None, bool(broken))),
        box=box.ASCII if plain else box.SIMPLE,
        title_style="bold",
        padding=(0, 0, 0, 1),
        pad_edge=False,
    )
    table.add_column("theory")
    further = ["drift", *(["error"] if exact is not None else []), *(["s"] if seconds is not None else [])]
    for column in (*(column for column, _, _ in quantities), *further):
        table.add_column(column, justify="right")
    for number, (name, run) in enumerate(runs.items()):
        cells = [_with_error(run, quantity, **where) for _, quantity, where in quantities]
        cells.append(_drift(run))
        if exact is not None:
            cells.append("" if name == "Exact" else _difference(run, exact, variable))
        if seconds is not None:
            cells.append(f"{seconds[number]:.1f}")
        table.add_row(f"{name} !" if name in broken else name, *cells)
    for name in failed:
        table.add_row(name, "failed")
    console = Console()
    console.width = max(console.width, 80)
    console.print(table)


def _shown(dataset: Any, setup: Any) -> tuple[str, list[tuple[str, str, dict[str, int]]]]:
    """The variable that tells most of a run; and what the table shows: column, variable, and which entry of it."""
    adiabatic = isinstance(getattr(setup.preparation, "state", None), bk.Adiabatic)
    variable = "adiabatic_population" if adiabatic and "adiabatic_population" in dataset else "population"
    if variable in dataset:
        dimension = "level"
        columns = [f"level {level}" for level in range(min(3, dataset.sizes["level"]))]
    elif "magnetization" in dataset:
        variable, dimension, columns = "magnetization", "axis", ["m_x", "m_y", "m_z"]
    else:
        # of nuclei alone
        variable, dimension = "position", "coordinate"
        columns = [f"<q{number}>" for number in range(min(3, dataset.sizes.get("coordinate", 0)))]
    quantities: list[tuple[str, str, dict[str, int]]] = [
        (column, variable, {dimension: number}) for number, column in enumerate(columns)
    ]
    if "purity" in dataset:
        quantities.append(("purity", "purity", {}))
    if dataset.sizes.get("coordinate") == 1 and "momentum" in dataset:
        quantities.append(("<p>", "momentum", {"coordinate": 0}))
    return variable, quantities


def _drift(run: Any) -> str:
    """How far the energy ever was from that at the start."""
    import numpy as np

    energy = run["energy"].values
    return f"{np.nanmax(np.abs(energy - energy[0])):.0e}"


def _difference(run: Any, exact: Any, variable: str) -> str:
    """The largest difference of a run from the exact one, at any time."""
    import numpy as np

    return f"{np.nanmax(np.abs(run[variable].values - exact[variable].values)):.4f}"


def _notes(dataset: Any, plain: bool, exact: bool, seconds: bool, broken: bool) -> list[str]:
    """What columns and marks mean, below the table; `plain`: in ASCII."""
    sign, unit = "+-" if plain else "±", dataset["energy"].attrs["units"]
    notes = [f"0.123(4) is 0.123 {sign} 0.004; drift: of the energy, in {unit}"]
    if seconds:
        notes[0] += "; s: seconds"
    if exact:
        notes.append("error: the largest difference from the exact populations at any time")
    if broken:
        notes.append("!: the run changed what its theory promises to keep; its step is too long")
    return notes


def _with_broken_promises(dataset: Any, names: Sequence[str]) -> Sequence[str]:
    """The theories whose runs changed what they promise to keep."""
    from json import loads

    if "broken_promises" not in dataset.attrs:
        return ()
    return list(loads(dataset.attrs["broken_promises"])) if "theory" in dataset.dims else names


def _can_show(text: str, stream: Any) -> bool:
    try:
        text.encode(getattr(stream, "encoding", None) or "utf-8")
    except UnicodeEncodeError:
        return False
    return True


def _with_error(run: Any, variable: str, **where: int) -> str:
    """The last value; its standard error, if there is one, in brackets, in units of the last digit. Empty for what the
    theory does not have.
    """
    if variable not in run:
        return ""
    value = float(run[variable].isel(**where).values[-1])
    if math.isnan(value):
        return ""
    error = float(run[f"{variable}_standard_error"].isel(**where).values[-1])
    if not (math.isfinite(error) and error >= 5e-5):
        return f"{value + 0.0:.4f}".replace("-0.0000", "0.0000")
    digits = max(0, -math.floor(math.log10(error)))
    if error * 10**digits >= 9.5:
        digits -= 1
    digits = min(max(digits, 0), 4)
    return f"{value:.{digits}f}({error * 10**digits:.0f})"


def _show_list(title: str, entries: dict[str, Any]) -> None:
    """Names with their first docstring line, and their parameters with defaults and units."""
    from brackish.run import catalogue

    typer.secho(title, bold=True)
    for name, target in entries.items():
        typer.echo(f"  {name}: {catalogue.summary(target)}")
        for parameter in catalogue.parameters(target):
            typer.echo(f"      {_parameter_line(parameter)}")
    typer.echo()


def _parameter_line(parameter: Any) -> str:
    from brackish.run import catalogue

    if parameter.kind == "choice":
        default = "" if parameter.required else f" = {_default_of(parameter.default)}"
        choices = []
        for choice in parameter.choices:
            inner = ", ".join(_parameter_line(entry) for entry in catalogue.parameters(choice))
            choices.append(f"{choice.__name__}({inner})" if inner else choice.__name__)
        return f"{parameter.name}{default}; one of: {', '.join(choices)}"
    unit = f" {parameter.unit}" if parameter.unit else ""
    if parameter.required:
        return f"{parameter.name}{f' in{unit}' if unit else ''}"
    return (
        f"{parameter.name} = {_default_of(parameter.default)}{unit if parameter.default is not None else ''}"
    )


def _default_of(value: Any) -> str:
    if value is None:
        return "(may be left out)"
    if isinstance(value, float):
        return f"{value:g}"
    return str(value).removesuffix("()")
