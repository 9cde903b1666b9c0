"""The signals by which batch systems and closing terminals end a process, turned into an orderly stop."""

import contextlib
import signal
import threading
from collections.abc import Iterator

SIGNALS = tuple(getattr(signal, name) for name in ("SIGTERM", "SIGHUP") if hasattr(signal, name))


class Stopped(SystemExit):
    """A signal asked the process to end; left alone, it ends with the usual exit code, 128 and the signal's number."""

    def __init__(self, number: int):
        super().__init__(128 + number)


@contextlib.contextmanager
def orderly_stop() -> Iterator[None]:
    """A context in which SIGTERM and SIGHUP raise `Stopped`, so that what was reached is written on the way out.

    Handlers of one's own stay, and what is ignored (as under nohup) stays ignored. Outside the main thread nothing is
    done: only there Python hears of signals.
    """
    if threading.current_thread() is not threading.main_thread():
        yield
        return
    before = {number: signal.getsignal(number) for number in SIGNALS}
    ours = [number for number, handler in before.items() if handler is signal.SIG_DFL]

    def stop(number: int, frame: object) -> None:
        # whoever asks twice must not interrupt the store that is being written
        for other in ours:
            signal.signal(other, signal.SIG_IGN)
        raise Stopped(number)

    for number in ours:
        signal.signal(number, stop)
    try:
        yield
    finally:
        for number in ours:
            signal.signal(number, signal.SIG_DFL)
