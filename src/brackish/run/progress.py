"""A bar with the time left, for runs that someone watches."""

import contextlib
import html
import sys
import time
from collections.abc import Callable, Iterator
from typing import Any

from brackish.errors import InvalidInput, shortened

Watch = Callable[[str, int, int], Callable[[int], None]]
"""A bar of one's own: called with a title, the steps in all and those done; returns what is told, every second or so,
how many are done."""
PAUSE = 0.2
"""Seconds, at least, from one look of a bar in a notebook to the next."""


class NotebookBar:
    """A bar as a cell of a notebook shows it, in HTML alone: no widgets are needed."""

    def __init__(self, title: str, total: int, done: int, now: float):
        self.title, self.total, self.begun, self.done = title, total, done, done
        self.started = self.told = now

    def tell(self, handle: Any, done: int) -> None:
        """Show on the handle of a display how many steps are done; not more often than eyes follow."""
        now, self.done = time.monotonic(), done
        if now - self.told >= PAUSE or done >= self.total:
            self.told = now
            handle.update(self)

    def __repr__(self) -> str:
        if not self.total:
            return ""
        spent, work = self.told - self.started, self.done - self.begun
        left = f", {spent * (self.total - self.done) / work:.0f} s left" if work else ""
        return f"{self.title}: {100 * self.done // self.total} %, {spent:.0f} s{left}"

    def _repr_html_(self) -> str:
        if not self.total:
            return ""
        bar = f'<progress max="{self.total}" value="{self.done}"></progress>'
        return f'<div style="font-family:sans-serif">{bar} {html.escape(repr(self))}</div>'


def _shown_in_notebook() -> Callable[..., Any] | None:
    """What displays an object below the cell that runs, if this is a notebook; IPython in a terminal has no kernel."""
    interactive = sys.modules.get("IPython")
    shell = interactive.get_ipython() if interactive is not None else None
    if not hasattr(shell, "kernel"):
        return None
    from IPython.display import display

    return display


@contextlib.contextmanager
def progress_bar(
    show: bool | Watch, title: str, total: int, reached: Callable[[], int]
) -> Iterator[Callable[[], None]]:
    """A context in which calling the given function brings the bar to where `reached` says that the run is, of `total`
    steps.
    """
    if not isinstance(show, bool):
        move = show(title, total, reached())
        if not callable(move):
            raise InvalidInput(
                "The function `progress` must return a function, which is told how many steps are done; got "
                f"{shortened(move)}."
            )
        yield lambda: move(reached())
        return
    if not show:
        yield lambda: None
        return
    shown = _shown_in_notebook()
    if shown is not None:
        bar = NotebookBar(title, total, reached(), time.monotonic())
        handle = shown(bar, display_id=True)
        yield lambda: bar.tell(handle, reached())
        # gone at the end, as in a terminal
        handle.update(NotebookBar("", 0, 0, 0.0))
        return
    from rich.console import Console
    from rich.progress import BarColumn, Progress, TextColumn, TimeElapsedColumn, TimeRemainingColumn

    columns = (
        TextColumn("{task.description:<20}"),
        BarColumn(),
        TextColumn("{task.percentage:>3.0f}%"),
        TimeElapsedColumn(),
        TextColumn("left"),
        TimeRemainingColumn(),
    )
    with Progress(*columns, console=Console(stderr=True), transient=True) as progress:
        task = progress.add_task(title, total=total, completed=reached())
        yield lambda: progress.update(task, completed=reached())
