"""Log records that are made where nobody may log, and handed on where one may.

A logging handler may send mail: its thread then holds the handler's lock while it waits for a loop of ours, and a
record that the loop's thread handed to that handler would wait forever. So a thread that works for others holds back
what is logged on it, by us and by the libraries below, until a caller's thread, or one that nobody waits for, hands it
on. What is logged while a mail is sent from inside of `logging` goes nowhere: it could only make further mail. The same
holds where a handler leaves the sending to a task or a thread (see `handlers`), for what it starts while it is given a
record of ours, for each message that was made within it, and for each that quotes what we have logged a moment ago.
"""

from __future__ import annotations

import logging
import threading
from collections import OrderedDict, deque
from collections.abc import Callable
from contextvars import ContextVar, Token
from types import TracebackType

from sendkit._lifetime.handlers import inside_of_logging, somebody_else_listens

# Those below us that log on threads of ours.
_BELOW = ("asyncio", "keyring.core", "keyring.backend")


# Whether this context, such as that of a task, was made by a handler while it was given a record of ours.
_for_a_handler: ContextVar[bool] = ContextVar("sendkit_for_a_handler", default=False)
# What stands before the @ in the Message-IDs of what was written inside of `logging`, the latest of them.
_written_inside: OrderedDict[str, None] = OrderedDict()
_KEPT = 10_000
# What those who may send mail were given, the latest of it; what is shorter may stand in any mail.
_given: deque[str] = deque(maxlen=200)
_TELLING = 12


class _Held(threading.local):
    records: list[logging.LogRecord] | None = None


_held = _Held()


class _HoldBack(logging.Filter):
    def filter(self, record: logging.LogRecord) -> bool:
        if _held.records is None:
            return True
        _held.records.append(record)
        return False


for _name in _BELOW:
    logging.getLogger(_name).addFilter(_HoldBack())


def log(logger: logging.Logger, level: int, message: str, *arguments: object) -> None:
    """Log as `logger.log` does, or hold it back."""
    if not logger.isEnabledFor(level) or _for_a_handler.get():
        return
    path, line, function, _ = logger.findCaller(stacklevel=2)
    record = logger.makeRecord(logger.name, level, path, line, message, arguments, None, function)
    if _held.records is not None:
        _held.records.append(record)
    elif not inside_of_logging():
        _give(record)


def hold() -> bool:
    """From now on this thread holds back what is logged on it; False when it did already."""
    if _held.records is not None:
        return False
    _held.records = []
    return True


def taken() -> list[logging.LogRecord]:
    """What this thread has held back so far; it goes on to hold back."""
    records = _held.records
    if not records:
        return []
    _held.records = []
    return records


def release() -> list[logging.LogRecord]:
    """This thread holds nothing back any more; what it held is for `hand_on`, outside of every lock."""
    records, _held.records = _held.records, None
    return records or []


def hand_on(records: list[logging.LogRecord]) -> None:
    """Give the records to the handlers of their loggers, unless this is inside of `logging` itself."""
    if records and not inside_of_logging():
        for record in records:
            _give(record)


def _give(record: logging.LogRecord) -> None:
    if somebody_else_listens() and len(text := record.getMessage()) >= _TELLING:
        _given.append(text)
    token = _for_a_handler.set(True)
    try:
        logging.getLogger(record.name).handle(record)
    finally:
        _for_a_handler.reset(token)


def written(message_id: str) -> str:
    """Note the message, if it is written inside of `logging`; what is logged while it is sent goes nowhere."""
    if somebody_else_listens() and inside_of_logging():
        _written_inside[message_id.partition("@")[0]] = None
        while len(_written_inside) > _KEPT:
            _written_inside.popitem(last=False)
    return message_id


def somebody_may_be_deaf() -> bool:
    """Whether there may be a message of which nothing is to be logged while it is sent (see `Unheard`)."""
    return bool(_written_inside or _given)


class Unheard:
    """Within `with`, and in all that begins there, nothing is logged of a message that `logging` made us send.

    It was written inside of it, or its `text` quotes what we have logged.
    """

    __slots__ = ("_message_id", "_text", "_token")

    def __init__(self, message_id: str | None, text: Callable[[], str]) -> None:
        self._message_id, self._text = message_id, text
        self._token: Token[bool] | None = None

    def __enter__(self) -> None:
        if (_written_inside and self._written_inside()) or (_given and self._quotes()):
            self._token = _for_a_handler.set(True)

    def _written_inside(self) -> bool:
        return self._message_id is not None and self._message_id.partition("@")[0] in _written_inside

    def _quotes(self) -> bool:
        text = self._text()
        return any(one in text for one in tuple(_given))

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        if self._token is not None:
            _for_a_handler.reset(self._token)
