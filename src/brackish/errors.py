"""Everything that brackish refuses, by name.

Each message is one line: what is wrong, where, and what would be right. The command line prints the message
alone; in Python the same text arrives as an exception.
"""

import contextlib
import os
import sys
import types
import warnings

LONGEST_GUESSED = 60
_NOT_OF_THE_USER = (os.path.dirname(__file__), contextlib.__file__)
"""Where frames between the user and a warning belong: this library, and the decorators that it uses."""


class BrackishError(Exception):
    """The root of all errors that brackish raises on purpose."""


class InvalidInput(BrackishError, ValueError):
    """A value that the user gave is wrong; the message names the argument and the cure."""


class UnknownName(InvalidInput):
    """No model, theory, preparation or observable goes by this name."""


class UnsupportedHamiltonian(BrackishError, TypeError):
    """A theory cannot run on this Hamiltonian; the message says what it needs and what it got."""


class RunFailed(BrackishError, RuntimeError):
    """A run stopped on its way (not a number, lost norm, packet at the edge): theory, trajectory and time are
    named.
    """


class PromiseBroken(UserWarning):
    """A run changed what its theory promises to keep, by more than the promise allows: the step is too long."""


class DiskFull(RunFailed, InvalidInput):
    """There is no room left at the place that was given; what was written before stays."""


class CheckpointError(BrackishError, RuntimeError):
    """A checkpoint is truncated, foreign, or belongs to another run."""


class UnresolvedCorrelation(UserWarning):
    """The nodes of a quadrature miss a share of the energy that trajectories have of each other."""


def warn(message: str, category: type[Warning] = UserWarning) -> None:
    """Warn at the line of the user that led here, whatever stands between."""
    frame: types.FrameType | None = sys._getframe(1)
    level = 2
    while frame is not None and frame.f_code.co_filename.startswith(_NOT_OF_THE_USER):
        frame, level = frame.f_back, level + 1
    warnings.warn(message, category, stacklevel=level)


def unknown_name(kind: str, name: str, known) -> UnknownName:
    """An `UnknownName` that lists what is known and guesses what was meant."""
    import difflib

    known = sorted(known)
    # nobody mistypes a name beyond its length, and to compare long ones takes long
    close = difflib.get_close_matches(name[:LONGEST_GUESSED], known, n=1)
    guess = f" Did you mean '{close[0]}'?" if close else ""
    return UnknownName(f"Unknown {kind} {shortened(name)}.{guess} Known: {', '.join(known)}.")


def shortened(value, longest: int = 60) -> str:
    """A value as an error may show it: one line of it, not longer than so many characters."""
    try:
        text = " ".join(repr(value).split())
    except ValueError:
        # Python writes no whole number of thousands of digits
        return f"a whole number of {value.bit_length()} bits"
    return text if len(text) <= longest else text[: longest - 3] + "..."
