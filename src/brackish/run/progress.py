"""A bar with the time left, for runs that someone watches."""

import contextlib
from collections.abc import Callable, Iterator

Watch = Callable[[str, int, int], Callable[[], None]]
"""A bar of one's own: called with a title, the segments in all and those done; returns what moves it by one."""


@contextlib.contextmanager
def progress_bar(show: bool | Watch, title: str, total: int, done: int = 0) -> Iterator[Callable[[], None]]:
    """A context in which calling the given function moves the bar by one of `total` segments."""
    if not isinstance(show, bool):
        yield show(title, total, done)
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
        task = progress.add_task(title, total=total, completed=done)
        yield lambda: progress.advance(task)
