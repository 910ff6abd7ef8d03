"""Log records that are made where nobody may log, and handed on where one may.

A logging handler may send mail: its thread then holds the handler's lock while it waits for a loop of ours, and a
record that the loop's thread handed to that handler would wait forever. So a thread that works for others holds back
what is logged on it, by us and by the libraries below, until a caller's thread, or one that nobody waits for, hands it
on. What is logged while a mail is sent from inside of `logging` goes nowhere: it could only make further mail.
"""

from __future__ import annotations

import logging
import sys
import threading

# Those below us that log on threads of ours.
_BELOW = ("asyncio", "keyring.core", "keyring.backend")


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
    if not logger.isEnabledFor(level):
        return
    path, line, function, _ = logger.findCaller(stacklevel=2)
    record = logger.makeRecord(logger.name, level, path, line, message, arguments, None, function)
    if _held.records is not None:
        _held.records.append(record)
    elif not inside_of_logging():
        logger.handle(record)


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
            logging.getLogger(record.name).handle(record)


def inside_of_logging() -> bool:
    """Whether a handler, a filter or the shutdown of `logging` stands above on this thread."""
    frame = sys._getframe(1)  # noqa: SLF001  # pyright: ignore[reportPrivateUsage] - there is no other way to see it
    while (caller := frame.f_back) is not None:
        frame = caller
        if frame.f_globals.get("__name__") in ("logging", "logging.handlers"):
            return True
    return False
