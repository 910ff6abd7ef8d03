"""Which workers are alive. It decides only when a letter is taken over; the fence decides whether it may be sent.

On one machine each holds a lock on a file of its own, and no clock is asked. POSIX record locks are not inherited by a
forked child: whoever's lock can be taken has ended. Closing any descriptor of such a file gives the lock up, so that
nobody opens those of this very process.
"""

from __future__ import annotations

import contextlib
import os
import sys
from pathlib import Path
from typing import Protocol

from sendkit._lifetime import forks

if sys.platform == "win32":
    import msvcrt

    def _lock(descriptor: int) -> None:
        msvcrt.locking(descriptor, msvcrt.LK_NBLCK, 1)

else:
    import fcntl

    def _lock(descriptor: int) -> None:
        fcntl.lockf(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)


BEATS = "beats"
_guard = forks.Lock()
_ours: set[tuple[int, Path]] = set()


class Lock:
    """A file that is locked until `release`; gone with the process at the latest."""

    def __init__(self, path: Path, descriptor: int) -> None:
        self._path = path
        self._descriptor = descriptor
        self._pid = os.getpid()

    @classmethod
    def acquire(cls, folder: Path, owner: str) -> Lock | None:
        """Take the lock of this owner; None where a process that lives holds it."""
        folder.mkdir(mode=0o700, exist_ok=True)
        path = _file(folder, owner)
        with _guard:
            if (os.getpid(), path) in _ours:
                return None
            descriptor = os.open(path, os.O_CREAT | os.O_RDWR, 0o600)
            try:
                _lock(descriptor)
            except OSError:
                os.close(descriptor)
                return None
            _ours.add((os.getpid(), path))
        return cls(path, descriptor)

    def release(self) -> None:
        """Give it back, and remove the file."""
        if self._pid != os.getpid():  # it is the parent's
            return
        with _guard:
            _ours.discard((self._pid, self._path))
            self._path.unlink(missing_ok=True)
            os.close(self._descriptor)


def remembered(folder: Path) -> int:
    """How many signs of life the database in front of this folder counted last; 0 where nobody knows."""
    try:
        return int((folder / BEATS).read_text(encoding="ascii"))
    except (OSError, ValueError):
        return 0


def folder_of(path: Path) -> Path:
    """The folder of the workers of an outbox in a file."""
    return Path(f"{path}.workers")


def _file(folder: Path, owner: str) -> Path:
    return folder / owner.replace(":", "_").replace("/", "_")


class Liveness(Protocol):
    """How workers are known to be alive; `beat`: how often each says so in the database, in seconds (None: once)."""

    @property
    def beat(self) -> float | None:
        """Seconds between two signs of life."""
        ...

    def begin(self, owner: str) -> None:
        """This worker is alive from now on."""
        ...

    def has_ended(self, owner: str, silent: float | None) -> bool:
        """Whether another worker is gone, which was last heard of `silent` seconds ago (None: never)."""
        ...

    def remember(self, beats: int | None) -> None:
        """The database counts so many signs of life now (None: it does not count them)."""
        ...

    def end(self, owner: str) -> None:
        """This worker has ended."""
        ...


class FileLiveness:
    """By a locked file for each worker, in a folder beside the database."""

    beat: float | None = None

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._locks: dict[str, Lock] = {}

    def begin(self, owner: str) -> None:
        """Lock the worker's file."""
        lock = Lock.acquire(self._folder, owner)
        if lock is not None:
            self._locks[owner] = lock

    def has_ended(self, owner: str, silent: float | None) -> bool:
        """Whoever's lock can be taken."""
        lock = Lock.acquire(self._folder, owner)
        if lock is not None:
            lock.release()
        return lock is not None

    def remember(self, beats: int | None) -> None:
        """Keep it beside the database, where it stays when a backup is put in the database's place."""
        # One that cannot be written leaves an older count, which only notices less; nor need it survive the power.
        with contextlib.suppress(OSError):
            new = _file(self._folder, f"{os.getpid()}.{BEATS}")
            new.write_text(str(beats), encoding="ascii")
            new.replace(self._folder / BEATS)

    def end(self, owner: str) -> None:
        """Give the lock back."""
        if lock := self._locks.pop(owner, None):
            lock.release()


class HeartbeatLiveness:
    """By what each worker writes into the database from time to time, on the server's clock."""

    beat: float | None = 5.0
    _silence = 25.0  # seconds; a worker that only was slow finds itself fenced

    def begin(self, owner: str) -> None:
        """Its first sign of life is written with it."""

    def has_ended(self, owner: str, silent: float | None) -> bool:
        """Whoever was not heard of for 25 seconds."""
        return silent is None or silent > self._silence

    def remember(self, beats: int | None) -> None:
        """A restored database is another one to the server."""

    def end(self, owner: str) -> None:
        """Its row is deleted with its end."""


class ProcessLiveness:
    """Within one process: whoever has begun and not ended."""

    beat: float | None = None

    def __init__(self) -> None:
        self._alive: set[str] = set()

    def begin(self, owner: str) -> None:
        """It is alive."""
        self._alive.add(owner)

    def has_ended(self, owner: str, silent: float | None) -> bool:
        """Whoever is not known."""
        return owner not in self._alive

    def remember(self, beats: int | None) -> None:
        """What is in memory is not restored."""

    def end(self, owner: str) -> None:
        """It has ended."""
        self._alive.discard(owner)
