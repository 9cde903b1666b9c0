"""Running: the only room that knows of blocks, keys, threads, checkpoints and clocks."""

from brackish.run.comparison import compare
from brackish.run.ends import at_end
from brackish.run.programs import keep_compiled_programs
from brackish.run.simulation import simulate
from brackish.run.time_grid import Times, times

__all__ = ["Times", "at_end", "compare", "keep_compiled_programs", "simulate", "times"]
