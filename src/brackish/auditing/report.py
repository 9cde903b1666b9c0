r"""The audit: five experiments, and a table of what they found.

The properties are those of C. Tronci and F. Gay-Balmaz, "Lagrangian trajectories and closure models in mixed
quantum-classical dynamics", section 1, and F. Gay-Balmaz and C. Tronci, "Dynamics of mixed quantum-classical spin
systems", section 1. Nothing is looked up: a verdict holds for one theory on one Hamiltonian from one start, and `pass`
says that this experiment did not break the property, not that none would.
"""

import dataclasses
from collections.abc import Sequence
from typing import Any

from brackish.auditing import classical_density, covariance, decoherence, decoupling, quantum_density
from brackish.auditing.bench import Bench
from brackish.auditing.finding import FAIL, NOT_APPLICABLE, Finding
from brackish.errors import BrackishError, InvalidInput, RunFailed, UnsupportedHamiltonian
from brackish.hamiltonians import HybridHamiltonian
from brackish.integrators import Integrator
from brackish.preparations import Preparation
from brackish.run import Times
from brackish.run.comparison import theory_names
from brackish.run.config import natural_start
from brackish.theory import Theory

PROPERTIES = (classical_density, quantum_density, covariance, decoupling, decoherence)
SAVES = 10
TRAJECTORIES = 128


@dataclasses.dataclass(frozen=True)
class Audit:
    """What the five experiments found for one theory on one Hamiltonian; print it, or index it by number, 1 to 5."""

    theory: str
    hamiltonian: str
    preparation: str
    stop: float
    seed: int
    findings: tuple[Finding, ...]

    def __getitem__(self, number: int) -> Finding:
        for finding in self.findings:
            if finding.number == number:
                return finding
        raise InvalidInput(f"An audit has the properties 1 to {len(self.findings)}, got {number!r}.")

    @property
    def verdicts(self) -> dict[str, str]:
        """Property -> `pass`, `fail` or `not applicable`."""
        return {finding.name: finding.verdict for finding in self.findings}

    @property
    def failed(self) -> tuple[int, ...]:
        """The numbers of the properties that were broken."""
        return tuple(finding.number for finding in self.findings if finding.verdict == FAIL)

    def __str__(self) -> str:
        rows = [("property", "verdict", "measured", "limit", "what")]
        for finding in self.findings:
            title = f"{finding.number} {finding.name}"
            if not finding.measurements:
                rows.append((title, finding.verdict, "", "", "; ".join(finding.notes)))
            for measured in finding.measurements:
                mark = "" if measured.kept else "  <-- broken"
                rows.append(
                    (title, finding.verdict, f"{measured.value:.1e}", measured.bound, measured.what + mark)
                )
                title = ""
        widths = [max(len(row[column]) for row in rows) for column in range(4)]
        lines = [self._heading(), ""]
        previous = ""
        for row in rows:
            verdict = row[1] if row[0] else ""
            previous = row[0] or previous
            cells = [row[0], verdict, row[2], row[3]]
            padded = "  ".join(cell.ljust(width) for cell, width in zip(cells, widths, strict=True))
            lines.append(f"{padded}  {row[4]}".rstrip())
        lines += ["", *self._explanations(), _CAVEAT]
        return "\n".join(lines)

    def _repr_markdown_(self) -> str:
        lines = [
            self._heading(),
            "",
            "| property | verdict | measured | limit | what |",
            "| --- |" + " --- |" * 4,
        ]
        for finding in self.findings:
            measured = finding.decisive
            cells = (
                ("", "", "; ".join(finding.notes))
                if measured is None
                else (f"{measured.value:.1e}", measured.bound, measured.what)
            )
            row = (f"{finding.number} {finding.name}", finding.verdict, *cells)
            lines.append("| " + " | ".join(cell.replace("|", "\\|") for cell in row) + " |")
        return "\n".join([*lines, "", _CAVEAT])

    def _heading(self) -> str:
        return f"{self.theory} on {self.hamiltonian}, from {self.preparation}, until {self.stop:g} (seed {self.seed})"

    def _explanations(self) -> list[str]:
        lines = []
        for finding in self.findings:
            if finding.measurements:
                why = "; ".join(dict.fromkeys(measured.why for measured in finding.measurements))
                notes = "".join(f" Note: {note}." for note in finding.notes)
                lines.append(f"{finding.number}: {finding.done}. Limits: {why}.{notes}")
        return lines

    def cells(self) -> list[str]:
        """One short text a property for a table: the verdict, and the number that decided."""
        texts = []
        for finding in self.findings:
            measured = finding.decisive
            word = f"**{finding.verdict}**" if finding.verdict == FAIL else finding.verdict
            texts.append("n/a" if measured is None else f"{word} ({measured.value:.1e})")
        return texts

    def to_dict(self) -> dict[str, Any]:
        """Plain values alone, as for JSON."""
        plain = {
            field.name: getattr(self, field.name)
            for field in dataclasses.fields(self)
            if field.name != "findings"
        }
        return {**plain, "findings": [finding.to_dict() for finding in self.findings]}


_CAVEAT = "pass: not broken in this experiment; another system or start may break it."


def audit(
    theory: Theory,
    hamiltonian: HybridHamiltonian,
    preparation: Preparation | None = None,
    times: Times | None = None,
    *,
    trajectories: int = TRAJECTORIES,
    seed: int = 0,
    integrator: Integrator | None = None,
) -> Audit:
    """Put the five consistency properties of a theory to the test, by runs of it on this Hamiltonian.

    `preparation`, `times`: for the library's models there are ready-made ones. `trajectories`: how many, where the
    preparation does not fix it. `integrator`: by default the theory's own.

    Raises `InvalidInput`, `UnsupportedHamiltonian` before anything is computed; `RunFailed` if the undisturbed run
    itself stops.

        print(bk.audit(bk.Ehrenfest(), bk.models.tully(1)))
    """
    preparation, times = _start(hamiltonian, preparation, times)
    times = times.on_clock_of(hamiltonian)
    bench = Bench.of(theory, hamiltonian, preparation, times, trajectories, seed, integrator)
    _ = bench.record
    findings = tuple(_examined(number, prop, bench) for number, prop in enumerate(PROPERTIES, 1))
    return Audit(
        type(theory).__name__,
        type(hamiltonian).__name__,
        type(preparation).__name__,
        times.stop,
        seed,
        findings,
    )


def _examined(number: int, prop: Any, bench: Bench) -> Finding:
    """The finding of one experiment; one that could not be done to its end has no verdict, and says why."""
    try:
        return prop.examine(bench)
    except (RunFailed, UnsupportedHamiltonian) as error:
        return Finding(number, prop.NAME, (), "nothing", (f"the experiment could not be done: {error}",))


def _start(
    hamiltonian: HybridHamiltonian, preparation: Preparation | None, times: Times | None
) -> tuple[Preparation, Times]:
    """The preparation and the times, ready-made where they were left out and the Hamiltonian is known."""
    if preparation is not None and times is not None:
        return preparation, times
    known = natural_start(hamiltonian)
    if known is None:
        missing = [name for name, value in (("preparation", preparation), ("times", times)) if value is None]
        raise InvalidInput(
            f"audit() knows no ready-made start for {type(hamiltonian).__name__} on "
            f"{hamiltonian.manifold.describe()}; give it {' and '.join(f'`{name}`' for name in missing)}."
        )
    ready, ready_times = known
    when = times if times is not None else Times(ready_times.stop, SAVES, ready_times.step)
    return preparation if preparation is not None else ready, when


def audit_table(
    theories: Sequence[Theory],
    hamiltonian: HybridHamiltonian,
    preparation: Preparation | None = None,
    times: Times | None = None,
    **options: Any,
) -> str:
    """A table in Markdown: a row a theory, a column a property, each cell with its verdict and decisive number.

    A theory that does not fit the Hamiltonian has a row that says so. Options are those of `audit`.
    """
    head = [f"{number} {prop.NAME}" for number, prop in enumerate(PROPERTIES, 1)]
    lines = ["| theory | " + " | ".join(head) + " |", "| --- |" + " --- |" * len(head)]
    for name, theory in zip(theory_names(theories), theories, strict=True):
        try:
            cells = audit(theory, hamiltonian, preparation, times, **options).cells()
        except BrackishError as error:
            cells = [f"{NOT_APPLICABLE}: {str(error).replace('|', ' ')}"] + [""] * (len(head) - 1)
        lines.append(f"| `{name}` | " + " | ".join(cells) + " |")
    return "\n".join(lines)
