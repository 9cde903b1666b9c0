"""Running: the only room that knows of blocks, keys, threads, checkpoints and clocks."""

from brackish.run.compare import compare
from brackish.run.simulate import simulate
from brackish.run.times import Times, times

__all__ = ["Times", "compare", "simulate", "times"]
