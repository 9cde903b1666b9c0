"""A bar with the time left, for runs that someone watches."""

import contextlib
from collections.abc import Callable, Iterator

Watch = Callable[[str, int, int], Callable[[int], None]]
"""A bar of one's own: called with a title, the steps in all and those done; returns what is told, every second or so,
how many are done."""


@contextlib.contextmanager
def progress_bar(
    show: bool | Watch, title: str, total: int, reached: Callable[[], int]
) -> Iterator[Callable[[], None]]:
    """A context in which calling the given function brings the bar to where `reached` says that the run is, of `total`
    steps.
    """
    if not isinstance(show, bool):
        move = show(title, total, reached())
        yield lambda: move(reached())
        return
    if not show:
        yield lambda: None
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
