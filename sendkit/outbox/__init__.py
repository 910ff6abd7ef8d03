"""The outbox: mail that survives the program, is tried for days, and comes back when it could not be delivered.

A ledger in a database is the queue of record (`_rules`: who may send; `_fence`, `_put`, `_claim`: the same many at a
time; `_sqlite_texts`: in one database's words). A worker claims a letter, marks it durably before the end of data may
leave (RFC 1047), and settles what came of it; whoever finds a worker gone takes its letters over, and what was being
sent is in doubt, never sent twice by itself. Must not know: sockets, SMTP, or when a mailer would try again.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from sendkit._lazy import attribute

if TYPE_CHECKING:
    from sendkit.errors import LetterNotFound, OutboxError
    from sendkit.outbox._asynchronous import AsyncOutbox
    from sendkit.outbox._engine import Desk, Engine, PollingEngine
    from sendkit.outbox._fence import Announced
    from sendkit.outbox._health import Health, HeldAccount, WorkerHealth
    from sendkit.outbox._letter import Letter, Receipt
    from sendkit.outbox._orders import Purged
    from sendkit.outbox._policy import WorkerSettings
    from sendkit.outbox._procrastinate import ProcrastinateEngine
    from sendkit.outbox._statements import Executor
    from sendkit.outbox._states import EventKind, LetterState, RecipientState
    from sendkit.outbox._status import AttemptRecord, Counts, Event, LetterStatus, RecipientStatus
    from sendkit.outbox._synchronous import Outbox
    from sendkit.outbox._worker import AsyncWorker
    from sendkit.outbox._worker_thread import Worker

__all__ = [
    "Announced",
    "AsyncOutbox",
    "AsyncWorker",
    "AttemptRecord",
    "Counts",
    "Desk",
    "Engine",
    "Event",
    "EventKind",
    "Executor",
    "Health",
    "HeldAccount",
    "Letter",
    "LetterNotFound",
    "LetterState",
    "LetterStatus",
    "Outbox",
    "OutboxError",
    "PollingEngine",
    "ProcrastinateEngine",
    "Purged",
    "Receipt",
    "RecipientState",
    "RecipientStatus",
    "Worker",
    "WorkerHealth",
    "WorkerSettings",
]

_HOMES = {
    "Announced": "outbox._fence",
    "AsyncOutbox": "outbox._asynchronous",
    "AsyncWorker": "outbox._worker",
    "AttemptRecord": "outbox._status",
    "Counts": "outbox._status",
    "Desk": "outbox._engine",
    "Engine": "outbox._engine",
    "Event": "outbox._status",
    "EventKind": "outbox._states",
    "Executor": "outbox._statements",
    "Health": "outbox._health",
    "HeldAccount": "outbox._health",
    "Letter": "outbox._letter",
    "LetterNotFound": "errors",
    "LetterState": "outbox._states",
    "LetterStatus": "outbox._status",
    "Outbox": "outbox._synchronous",
    "OutboxError": "errors",
    "PollingEngine": "outbox._engine",
    "ProcrastinateEngine": "outbox._procrastinate",
    "Purged": "outbox._orders",
    "Receipt": "outbox._letter",
    "RecipientState": "outbox._states",
    "RecipientStatus": "outbox._status",
    "Worker": "outbox._worker_thread",
    "WorkerHealth": "outbox._health",
    "WorkerSettings": "outbox._policy",
}


def __getattr__(name: str) -> object:
    return attribute(__name__, _HOMES, name)


def __dir__() -> list[str]:
    return __all__
