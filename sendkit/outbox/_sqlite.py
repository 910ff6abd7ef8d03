"""SQLite as the database of an outbox: one file, closed to others, durable at each commit, and no set-up.

Knows the file (owner, mode, links, network file systems), the pragmas and SQLite's errors. Must not know letters.
"""

from __future__ import annotations

import errno
import os
import random
import sqlite3
import stat
import sys
import time
from collections.abc import Callable, Generator
from contextlib import contextmanager, suppress
from functools import cache
from pathlib import Path

from sendkit.errors import ConfigurationError, OutboxError
from sendkit.outbox._liveness import folder_of, remembered
from sendkit.outbox._sqlite_texts import SQLITE
from sendkit.outbox._statements import Batch, Rows, Statement, Texts

_OLDEST = (3, 35, 0)  # RETURNING
_PATIENCE = 30.0  # seconds until who waits for the write lock is told that another program holds it
_PASSING = {errno.ENOSPC, errno.EDQUOT, errno.EIO, errno.EMFILE, errno.ENFILE}
_NETWORK = ("nfs", "cifs", "smb", "9p", "fuse.sshfs", "afs", "ceph")


class SQLiteDatabase:
    """One connection to the file, for one thread at a time."""

    texts: Texts = SQLITE

    def __init__(self, path: Path | None, now: Callable[[], float] = time.time) -> None:
        self.path = path
        self.now = now
        self._durable = True
        self._epoch = "memory" if path is None else _boot()
        if sqlite3.sqlite_version_info < _OLDEST:
            hint = "use a Python whose sqlite3 module is built with a newer one, or PostgreSQL"
            raise ConfigurationError(f"SQLite {sqlite3.sqlite_version} is too old: 3.35 is needed", hint=hint)
        if path is not None:
            _prepare(path)
        with self._translated():
            self._connection = sqlite3.connect(path or ":memory:", isolation_level=None, check_same_thread=False)
            try:
                self._set_up()
                if path is not None:
                    _close_to_others(path)
            except BaseException:
                self._connection.close()
                raise

    def _set_up(self) -> None:
        execute = self._connection.execute
        execute("pragma busy_timeout = 0")  # its own handler sleeps for up to 100 ms at a time; see `_begin`
        execute("pragma foreign_keys = on")
        execute("pragma secure_delete = on")
        self._connection.create_function("sendkit_epoch", 0, lambda: self._epoch, deterministic=True)
        if self.path is None:
            return
        self._patiently(lambda: execute("pragma journal_mode = wal"))
        execute("pragma synchronous = full")  # a receipt holds although the power goes
        execute("pragma fullfsync = on")  # on macOS, fsync alone leaves it in the disk's cache
        execute("pragma wal_autocheckpoint = 1000")
        found = execute("pragma quick_check(1)").fetchone()
        if found[0] != "ok":
            raise sqlite3.DatabaseError(found[0])

    def execute(self, batch: Batch) -> list[Rows]:
        """Carry out one batch, in the transaction that is open."""
        return [self._one(statement) for statement in batch]

    def _one(self, statement: Statement) -> Rows:
        return execute_on(self._connection, statement)

    @contextmanager
    def transaction(self, *, durable: bool = True) -> Generator[None]:
        """A writing transaction: it holds the write lock from its beginning, and is on the disk at its end.

        One that need not be durable is not waited for; the next durable one takes it along (the WAL is in order). Where
        it cannot be known whether the machine was started again, each one is.
        """
        durable = durable or self._epoch is None
        with self._translated():
            if durable is not self._durable:
                self._connection.execute(f"pragma synchronous = {'full' if durable else 'normal'}")
                self._durable = durable
            self._patiently(lambda: self._connection.execute("begin immediate"))
            try:
                yield
                self._connection.execute("commit")
            except BaseException:
                if self._connection.in_transaction:  # SQLite ends it by itself where the disk is full
                    self._connection.execute("rollback")
                raise

    def commit(self, batch: Batch, *, durable: bool = True) -> list[Rows]:
        """Carry out a batch in a transaction of its own."""
        with self.transaction(durable=durable):
            return self.execute(batch)

    @contextmanager
    def snapshot(self) -> Generator[None]:
        """A reading transaction, which waits for nobody."""
        with self._translated():
            self._connection.execute("begin")
            try:
                yield
            finally:
                if self._connection.in_transaction:
                    self._connection.execute("rollback")

    def changed(self) -> int:
        """A number that is another one after another connection has written."""
        with self._translated():
            version: int = self._connection.execute("pragma data_version").fetchone()[0]
            return version

    def identity(self) -> str | None:
        """The file's inode: a copy, and a restored backup, has another one."""
        return None if self.path is None else f"inode {self.path.stat().st_ino}"

    def beats(self) -> int:
        """How many signs of life it has counted at least, as what stands beside the file says."""
        return 0 if self.path is None else remembered(folder_of(self.path))

    def close(self) -> None:
        """Close the connection."""
        self._connection.close()

    def _patiently(self, attempt: Callable[[], object]) -> None:
        until = time.monotonic() + _PATIENCE
        while True:
            try:
                attempt()
            except sqlite3.OperationalError as error:
                if not _busy(error) or time.monotonic() > until:
                    raise
                time.sleep(random.uniform(0.0005, 0.002))  # noqa: S311 - no secret: it spreads those who wait
            else:
                return

    @contextmanager
    def _translated(self) -> Generator[None]:
        try:
            yield
        except sqlite3.Error as error:
            raise translated(error, self.path) from error


def execute_on(connection: sqlite3.Connection, statement: Statement) -> Rows:
    """Carry out one statement on a connection, whoever's it is."""
    if statement.many:
        connection.executemany(statement.sql, statement.arguments)  # type: ignore[arg-type]  # rows, where `many` is set
        return []
    cursor = connection.cursor()
    cursor.row_factory = None  # a program's own may make anything of a row
    return cursor.execute(statement.sql, bound(statement)).fetchall()


def bound(statement: Statement) -> tuple[object, ...] | dict[str, object]:
    """Its arguments as sqlite3 takes them."""
    # To Python, `?1` is a name: from 3.12 on it warns of a sequence for names, and from 3.14 on it refuses one.
    if "?1" not in statement.sql:
        return tuple(statement.arguments)
    return {str(number): value for number, value in enumerate(statement.arguments, 1)}


def translated(error: sqlite3.Error, path: Path | None, *, waited: float | None = _PATIENCE) -> OutboxError:
    """SQLite's error in words that say what to do. Nothing that had a receipt is lost by any of them."""
    text, where = str(error), f"the outbox {path}" if path else "the outbox"
    if _busy(error):
        hint = (
            "another program holds its write lock: one that is stopped, or in a long transaction; end it; or your own "
            "transaction does: give it as transaction="
        )
        how_long = "" if waited is None else f" for more than {waited:g} s"
        return OutboxError(f"{where} is locked{how_long}", hint=hint, transient=True)
    if isinstance(error, sqlite3.ProgrammingError):
        hint = "use the connection while it is open, and on the thread that made it"
        return OutboxError(f"{where}: {text}", hint=hint)
    if _code(error) == sqlite3.SQLITE_FULL:
        hint = "make room on the disk; what has a receipt is kept, and what failed now is not"
        return OutboxError(f"{where} cannot grow: no space is left", hint=hint, transient=True)
    if _code(error) in (sqlite3.SQLITE_READONLY, sqlite3.SQLITE_CANTOPEN, sqlite3.SQLITE_PERM):
        hint = "give this user the right to write the file and its folder, or name another place: SENDKIT_OUTBOX"
        return OutboxError(f"{where} cannot be written ({text})", hint=hint)
    if type(error) is sqlite3.DatabaseError:
        hint = "move it away and restore a backup, or save what can be read: sqlite3 FILE .recover | sqlite3 NEW"
        return OutboxError(f"{where} is damaged, or no outbox at all ({text})", hint=hint)
    return OutboxError(f"{where}: {text}", hint="`sendkit outbox doctor` looks at the file", transient=True)


def _busy(error: sqlite3.Error) -> bool:
    return _code(error) in (sqlite3.SQLITE_BUSY, sqlite3.SQLITE_LOCKED)


def _code(error: sqlite3.Error) -> int:
    """SQLite's primary result code; that of an error without one, which Python's module raised itself."""
    found: int = getattr(error, "sqlite_errorcode", sqlite3.SQLITE_ERROR)
    return found & 0xFF


def _prepare(path: Path) -> None:
    """Make folder and file where there are none. Raises ConfigurationError where somebody else could swap the file."""
    with _opening(path):
        path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    _refuse_network(path)
    _check_folder(path)
    for suffix in ("", "-wal", "-shm"):
        _check(Path(f"{path}{suffix}"))
    with _opening(path):
        _make(path)


def _make(path: Path) -> None:
    """Make the file, readable by its user alone, where there is none; one that is there is not opened.

    Whoever closes a descriptor of a file gives up all locks of its process on it (POSIX), also those of connections
    that are open. Another process would then delete the WAL under them, with what they put.
    """
    try:
        os.close(os.open(path, os.O_CREAT | os.O_EXCL | os.O_RDWR, 0o600))
    except FileExistsError:
        if not os.access(path, os.R_OK | os.W_OK, effective_ids=os.access in os.supports_effective_ids):
            raise PermissionError(errno.EACCES, os.strerror(errno.EACCES)) from None


@contextmanager
def _opening(path: Path) -> Generator[None]:
    try:
        yield
    except OSError as error:
        problem = f"the outbox {path} cannot be opened ({error.strerror})"
        if error.errno in _PASSING:
            hint = "make room on the disk, or close what is open; what has a receipt is kept"
            raise OutboxError(problem, hint=hint, transient=True) from error
        hint = "give this user the right to write the file and its folder, or name another place: SENDKIT_OUTBOX"
        raise ConfigurationError(problem, hint=hint) from error


def _check_folder(path: Path) -> None:
    """Whoever may change the folder can put another file in the place of this one."""
    if path.parent.is_symlink():
        hint = f"name the folder itself: {path.parent.resolve() / path.name}; a link could be turned to another one"
        raise ConfigurationError(f"the folder of the outbox {path} is a link", hint=hint)
    if not hasattr(os, "getuid"):
        return
    found = path.parent.stat()
    for_all = bool(found.st_mode & stat.S_IWOTH) and not found.st_mode & stat.S_ISVTX
    if for_all or found.st_uid not in {os.getuid(), 0}:
        whose = "may be written by everybody" if for_all else "belongs to another user"
        hint = "give it a folder of its own that only its user may write: chmod 700"
        raise ConfigurationError(f"the folder of the outbox {path} {whose}", hint=hint)


def _check(path: Path) -> None:
    try:
        found = path.lstat()
    except FileNotFoundError:  # it will be made
        return
    except OSError as error:
        hint = "name another place: SENDKIT_OUTBOX"
        raise ConfigurationError(f"the outbox {path} cannot be looked at ({error.strerror})", hint=hint) from error
    if not stat.S_ISREG(found.st_mode):
        hint = "name the file itself; a link could be turned to another one"
        raise ConfigurationError(f"the outbox {path} is not a regular file", hint=hint)
    if hasattr(os, "getuid") and found.st_uid not in {os.getuid(), 0}:
        hint = "run as the user that owns it, or name another place: SENDKIT_OUTBOX"
        raise ConfigurationError(f"the outbox {path} belongs to another user", hint=hint)


def _close_to_others(path: Path) -> None:
    """Leave the files to their user alone. They are open by then: a file that is no database is not ours to change."""
    if os.name != "posix":
        return
    for suffix in ("", "-wal", "-shm"):
        with _opening(path), suppress(FileNotFoundError):  # another process may just have ended with the WAL
            file = Path(f"{path}{suffix}")
            if stat.S_IMODE(file.stat().st_mode) & 0o077:
                file.chmod(0o600)


@cache
def _boot() -> str | None:
    """What tells this run of the machine from every other one, where the system says so (Linux)."""
    try:
        return Path("/proc/sys/kernel/random/boot_id").read_text(encoding="ascii").strip() or None
    except (OSError, UnicodeError):
        return None


def _refuse_network(path: Path) -> None:
    if (kind := _file_system(path)) is not None and kind.startswith(_NETWORK):
        hint = "put it on a local disk, or use PostgreSQL: its locks hold between machines"
        raise ConfigurationError(f"the outbox {path} would be on a network file system ({kind})", hint=hint)


def _file_system(path: Path) -> str | None:
    """The kind of file system that a path is on, where the system tells (Linux)."""
    if not sys.platform.startswith("linux"):
        return None
    try:
        mounts = Path("/proc/self/mounts").read_text(encoding="utf-8", errors="replace").splitlines()
    except OSError:
        return None
    folder, best, kind = str(path.parent.resolve()), "", None
    for line in mounts:
        _, mounted, found, *_ = line.split(" ")
        mounted = mounted.replace("\\040", " ")
        if (folder == mounted or folder.startswith(mounted.rstrip("/") + "/")) and len(mounted) >= len(best):
            best, kind = mounted, found
    return kind
