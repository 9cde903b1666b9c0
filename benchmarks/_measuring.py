"""How the benchmarks measure: sides taken in turn, medians, processor time.

On a shared machine a speed changes from minute to minute, so the sides of a ratio are run alternately and
each round gives one ratio; what is printed is the median ratio with its smallest and largest value.
"""

import statistics
import time
from collections.abc import Callable


def cpu_seconds(work: Callable[[], object]) -> float:
    """Processor seconds that `work()` takes in all threads of this process."""
    start = time.process_time()
    work()
    return time.process_time() - start


def wall_seconds(work: Callable[[], object]) -> float:
    """Seconds that pass while `work()` runs."""
    start = time.perf_counter()
    work()
    return time.perf_counter() - start


def alternate(rounds: int, *sides: Callable[[], float]) -> list[list[float]]:
    """Call every side once per round, A B A B ...; the numbers they return, one list a side."""
    results: list[list[float]] = [[] for _ in sides]
    for _ in range(rounds):
        for side, collected in zip(sides, results, strict=True):
            collected.append(side())
    return results


def ratio(numerators: list[float], denominators: list[float]) -> str:
    """The median of the round-by-round ratios, with the smallest and the largest."""
    ratios = [a / b for a, b in zip(numerators, denominators, strict=True)]
    return f"{statistics.median(ratios):.3g}x (from {min(ratios):.3g} to {max(ratios):.3g})"


def median(values: list[float]) -> str:
    """The median, to be printed."""
    return f"{statistics.median(values):.3g}"
