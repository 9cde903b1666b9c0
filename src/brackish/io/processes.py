"""Who wrote something, and does that process still run? Temporary files and locks carry their maker.

A process is known by its host, its number and the moment it started: numbers come again, the three together do not.
"""

import contextlib
import dataclasses
import functools
import hashlib
import json
import os
import platform
import subprocess
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from brackish.errors import CheckpointError, InvalidInput

BOOT = Path("/proc/sys/kernel/random/boot_id")
NAMESPACE = "/proc/self/ns/pid"


@dataclasses.dataclass(frozen=True)
class Process:
    """One process: the name of its `host`; `system`, a digest of that name and of where its number counts (a container
    counts for itself); its `number`; and when it `started`, in words of the system that are compared and never read.
    """

    host: str
    system: str
    number: int
    started: str

    def runs(self) -> bool | None:
        """Whether it still runs; None if it is out of sight from here."""
        if self.system != this_process().system:
            return None
        return _started(self.number) == self.started


def this_process() -> Process:
    """The process that asks."""
    return _process(os.getpid())


@functools.cache
def _process(number: int) -> Process:
    host = platform.node()
    counts = ""
    with contextlib.suppress(OSError):
        counts = os.readlink(NAMESPACE)
    system = hashlib.sha256(f"{host} {counts}".encode()).hexdigest()[:8]
    return Process(host, system, number, _started(number) or "")


def _started(number: int) -> str | None:
    """When a process of this host started; None if there is none of this number, or only what is left of one."""
    if not BOOT.exists():
        return _started_by_ps(number)
    try:
        # the name of the program, in brackets, may hold anything
        fields = (
            Path(f"/proc/{number}/stat")
            .read_text(encoding="utf-8", errors="replace")
            .rpartition(")")[2]
            .split()
        )
        boot = BOOT.read_text(encoding="ascii").strip()
    except OSError:
        return None
    state, ticks = fields[0], fields[19]
    return None if state in "ZX" else hashlib.sha256(f"{boot} {ticks}".encode()).hexdigest()[:8]


def _started_by_ps(number: int) -> str | None:
    asked = ["ps", "-o", "lstart=", "-p", str(number)]
    said = subprocess.run(asked, capture_output=True, text=True, check=False).stdout.strip()
    return hashlib.sha256(said.encode()).hexdigest()[:8] if said else None


@contextlib.contextmanager
def only_writer(lock: Path, what: Path) -> Iterator[None]:
    """Within, no other process and no other thread is the writer of `what`: the file `lock` says so, and who it is.

    A lock whose process is dead is taken over. Raises `CheckpointError` if there is a writer already, or one that is
    out of sight, and `InvalidInput` if no lock can be written.
    """
    mine = {
        "lock": str(what),
        **dataclasses.asdict(this_process()),
        "since": time.strftime("%Y-%m-%d %H:%M:%S"),
        "token": os.urandom(8).hex(),
    }
    with _opened(lock, create=True) as file:
        _refuse(lock, what, file.read())
        file.seek(0)
        file.truncate()
        file.write(json.dumps(mine).encode())
    try:
        yield
    finally:
        with contextlib.suppress(OSError, InvalidInput), _opened(lock, create=False) as file:
            if _read(file.read()).get("token") == mine["token"]:
                lock.unlink()


@contextlib.contextmanager
def _opened(lock: Path, create: bool) -> Iterator[Any]:
    """The file of a lock, which nobody else has opened in this way."""
    import fcntl

    flags = os.O_RDWR | os.O_CLOEXEC | (os.O_CREAT if create else 0)
    while True:
        try:
            file = os.fdopen(os.open(lock, flags, 0o644), "r+b")
        except OSError as error:
            raise InvalidInput(f"Cannot write {lock}: {error.strerror or error}.") from error
        with file:
            with contextlib.suppress(OSError):  # some network file systems have no such locks
                fcntl.flock(file, fcntl.LOCK_EX)
            # whoever held it may have removed it meanwhile
            if lock.exists() and os.path.samestat(os.fstat(file.fileno()), lock.stat()):
                yield file
                return
        if not create:
            return


def _read(content: bytes) -> dict[str, Any]:
    try:
        found = json.loads(content)
    except ValueError:
        return {}
    return found if isinstance(found, dict) and "lock" in found else {}


def _refuse(lock: Path, what: Path, content: bytes) -> None:
    """Raise `CheckpointError` unless the lock with this content is free to take."""
    if not content:
        return
    found = _read(content)
    try:
        holder = Process(*(found[field.name] for field in dataclasses.fields(Process)))
        runs = holder.runs()
    except (KeyError, TypeError):
        raise CheckpointError(
            f"{lock} is in the way of {what}, and no lock of brackish: remove it."
        ) from None
    if runs is False:
        return
    who = f"process {holder.number} on {holder.host}, since {found.get('since')}"
    cure = "wait for it, or choose another name" if runs else f"if that one is no more, remove {lock}"
    raise CheckpointError(f"{what} is being written by {who}: {cure}.")
