"""What an outbox may be run on: a file, PostgreSQL, or PostgreSQL with procrastinate as the engine."""

from __future__ import annotations

import contextlib
import queue
import uuid
from collections.abc import Iterator
from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING

from sendkit.outbox._liveness import HeartbeatLiveness
from tests.servers.postgresql import PostgreSQL

if TYPE_CHECKING:
    from sendkit.outbox import Engine


class Kind(StrEnum):
    """A database, and who looks at which letter."""

    SQLITE = "sqlite"
    POSTGRESQL = "postgresql"
    PROCRASTINATE = "procrastinate"


def engine(kind: Kind, where: str) -> Engine | None:
    """The engine of an outbox that is there; None for its own."""
    if kind is not Kind.PROCRASTINATE:
        return None
    import procrastinate  # noqa: PLC0415 - an extra

    from sendkit.outbox import ProcrastinateEngine  # noqa: PLC0415 - as above

    return ProcrastinateEngine(procrastinate.App(connector=procrastinate.PsycopgConnector(conninfo=where)))


def prepared(kind: Kind, url: str) -> str:
    """The URL of an empty database, in which procrastinate has its tables if need be."""
    if kind is Kind.PROCRASTINATE:
        import procrastinate  # noqa: PLC0415 - an extra
        import psycopg  # noqa: PLC0415 - an extra

        with psycopg.connect(url) as connection:
            connection.execute(procrastinate.schema.SchemaManager.get_schema().encode())
    return url


def new_place(kind: Kind, server: PostgreSQL | None, folder: Path, name: str) -> str:
    """A place for one outbox."""
    if kind is Kind.SQLITE:
        return str(folder / name / "outbox.db")
    assert server is not None
    return prepared(kind, server.new_database())


class Places:
    """Empty places, one after the other; a database is used again, since to make and to drop one takes a second."""

    def __init__(self, kind: Kind, server: PostgreSQL | None, folder: Path) -> None:
        self._new = lambda: new_place(kind, server, folder, uuid.uuid4().hex)
        self._kind = kind
        self._free: queue.SimpleQueue[str] = queue.SimpleQueue()

    @contextlib.contextmanager
    def lent(self) -> Iterator[str]:
        """An empty one, for the length of the block."""
        try:
            place = self._free.get_nowait()
        except queue.Empty:
            place = self._new()
        else:
            _empty(place)
            prepared(self._kind, place)
        yield place
        if self._kind is not Kind.SQLITE:
            self._free.put(place)


def _empty(url: str) -> None:
    import psycopg  # noqa: PLC0415 - an extra

    with psycopg.connect(url) as connection:
        connection.execute("drop schema public cascade")
        connection.execute("create schema public")


@contextlib.contextmanager
def soon_taken_over(seconds: float = 1.0) -> Iterator[None]:
    """A worker counts as gone after so many seconds in this process, instead of after 25."""
    usual = HeartbeatLiveness._silence  # no program may set it
    HeartbeatLiveness._silence = seconds  # as above
    try:
        yield
    finally:
        HeartbeatLiveness._silence = usual  # as above
