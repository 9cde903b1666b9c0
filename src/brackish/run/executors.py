"""Sharing blocks among workers of any `concurrent.futures` executor, and handing them back in order."""

import dataclasses
import os
import threading
from collections import deque
from collections.abc import Callable, Generator
from concurrent.futures import Executor, ProcessPoolExecutor, ThreadPoolExecutor, wait

from brackish.errors import InvalidInput
from brackish.run.block import BlockRecord, Pace, Plan, Problem, begin_block, compile_block, run_block

Report = Callable[[int, BlockRecord], bool]
LONGEST_WAIT = 1.0
"""Seconds after which whoever waits for a block is given the chance to write a store."""


def worker_count(workers: int | None) -> int:
    """The number of threads: as asked for, or one for each processor this process may use."""
    if workers is None:
        return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
    if isinstance(workers, bool) or not isinstance(workers, int) or workers < 1:
        raise InvalidInput(f"Argument `workers` must be a whole number of at least 1, got {workers!r}.")
    return workers


def check_executor(executor: Executor | None) -> None:
    """Raise `InvalidInput` for an executor whose processes would wait for ever: a fork takes none of JAX's threads with
    it, but the locks that they hold.
    """
    context = getattr(executor, "_mp_context", None)
    if (
        isinstance(executor, ProcessPoolExecutor)
        and context is not None
        and context.get_start_method() == "fork"
    ):
        raise InvalidInput(
            "Argument `executor` forks its processes, in which JAX would hang: give ProcessPoolExecutor(..., "
            "mp_context=multiprocessing.get_context('spawn'))."
        )


def records_in_order(
    problem: Problem,
    plan: Plan,
    first: int,
    begun: dict[int, BlockRecord],
    chunk: int,
    executor: Executor | None,
    workers: int | None,
    report: Report,
) -> Generator[BlockRecord | None, None, None]:
    """The finished records of blocks `first`, `first + 1`, ... in this order, whoever finishes first; None now and then
    while they are waited for.

    `begun`: records to go on from. `chunk`: blocks a task. Without an `executor`, threads; XLA lets go of the
    interpreter while it computes, so they run side by side. Only threads report on the way.
    """
    if first >= plan.blocks:
        return
    pace, leaving = Pace(), threading.Event()

    def told(block: int, record: BlockRecord) -> bool:
        """Report; whoever stops waiting for the workers also stops them."""
        return report(block, record) and not leaving.is_set()

    starts = range(first, plan.blocks, chunk)
    tasks = (range(start, min(start + chunk, plan.blocks)) for start in starts)
    if executor is None:
        count = min(worker_count(workers), len(starts))
        if count == 1:
            for task in tasks:
                yield from _run_task(problem, plan, task, begun, report, pace)
            return
        _compile(problem, plan, first, begun)
        with ThreadPoolExecutor(count) as threads:
            yield from _spread(threads, 2 * count, problem, plan, tasks, begun, told, pace, leaving)
        return
    shares_memory = isinstance(executor, ThreadPoolExecutor)
    # an executor that does not say how many workers it has, such as that of a cluster, is given everything
    known = getattr(executor, "_max_workers", None)
    ahead = len(starts) if known is None else 2 * known
    _compile(problem, plan, first, begun)
    yield from _spread(
        executor, ahead, problem, plan, tasks, begun, told if shares_memory else None, pace, leaving
    )


def _compile(problem, plan, first, begun) -> None:
    """Compile once, before several workers ask for the same programs."""
    record = begun.get(first)
    compile_block(problem, plan, begin_block(problem, plan, first) if record is None else record)


def _run_task(problem, plan, task, begun, report, pace) -> list[BlockRecord]:
    records = []
    for block in task:
        records.append(run_block(problem, plan, block, begun.get(block), report, pace))
        if not records[-1].finished(plan):
            break
    return records


def _spread(executor, ahead, problem, plan, tasks, begun, report, pace, leaving) -> Generator:
    waiting: deque = deque()
    remaining = iter(tasks)
    try:
        while True:
            while len(waiting) < ahead and (task := next(remaining, None)) is not None:
                known = {block: begun[block] for block in task if block in begun}
                waiting.append(executor.submit(_run_task, problem, plan, task, known, report, pace))
            if not waiting:
                return
            while wait([waiting[0]], timeout=LONGEST_WAIT).not_done:
                yield None
            yield from waiting.popleft().result()
    finally:
        leaving.set()
        for future in waiting:
            future.cancel()


class Desk:
    """Where workers leave their latest records, and where they are told to stop."""

    def __init__(self):
        self._lock = threading.Lock()
        self._latest: dict[int, BlockRecord] = {}
        self.on_report: Callable[[], None] = lambda: None
        self.stopping = False

    def report(self, block: int, record: BlockRecord) -> bool:
        """Take note of how far a block is; False asks the worker to stop."""
        with self._lock:
            self._latest[block] = dataclasses.replace(record, saves=list(record.saves))
        self.on_report()
        return not self.stopping

    def latest(self) -> dict[int, BlockRecord]:
        """The last reported records of the blocks that have begun."""
        with self._lock:
            return dict(self._latest)

    def knows(self, block: int) -> bool:
        """Whether a block has been reported."""
        return block in self._latest

    def forget(self, block: int) -> None:
        """A finished block has been added to the totals."""
        with self._lock:
            self._latest.pop(block, None)
