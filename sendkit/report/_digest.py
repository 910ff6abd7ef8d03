"""Records of a log, gathered: each thing that was said once, with its count and its first occurrence in full.

Knows when a digest is due and what stands in it. Must not know threads, or how mail is sent.
"""

from __future__ import annotations

import logging
import platform
from collections import deque
from dataclasses import dataclass, field
from datetime import datetime
from typing import TYPE_CHECKING, TypeAlias

from sendkit.report._characters import one_line, shortened
from sendkit.report._code import Code
from sendkit.report._report import Report
from sendkit.report._table import Table

if TYPE_CHECKING:
    from collections.abc import Callable

    from sendkit.report._block import Block

_HOUR = 3600.0
_MOST_GROUPS = 200  # things said; of what is new beyond them, only the number is kept
_IN_FULL = 20
_LONGEST = 20_000  # characters of a first occurrence
Key: TypeAlias = tuple[str, int, str, int, str]


@dataclass(slots=True)
class Group:
    """One thing that was said: how often, when first and last, and its first occurrence with its traceback."""

    level: int
    logger: str
    message: str
    first_text: str
    first: float
    last: float
    count: int = 1


@dataclass(slots=True)
class Digest:
    """What was said since the last mail."""

    groups: dict[Key, Group] = field(default_factory=dict[Key, Group])
    others: int = 0
    records: int = 0

    def add(self, record: logging.LogRecord, write: Callable[[logging.LogRecord], str]) -> None:
        """Count a record; only what is new is written out."""
        # The text of the call, not of the record: "order %s failed" is one thing, whatever the order.
        key = (record.name, record.levelno, record.pathname, record.lineno, str(record.msg)[:500])
        group = self.groups.get(key)
        if group is not None:
            group.count, group.last = group.count + 1, record.created
        elif len(self.groups) >= _MOST_GROUPS:
            self.others += 1
        else:
            text = shortened(write(record), _LONGEST)
            message = shortened(one_line(record.getMessage()), 300)
            when = record.created
            self.groups[key] = Group(record.levelno, record.name, message, text, when, when)
        self.records += 1

    def merge(self, later: Digest) -> None:
        """Take in what was said while this one was not sent."""
        for key, group in later.groups.items():
            mine = self.groups.get(key)
            if mine is not None:
                mine.count, mine.last = mine.count + group.count, group.last
            elif len(self.groups) < _MOST_GROUPS:
                self.groups[key] = group
            else:
                self.others += group.count
        self.others += later.others
        self.records += later.records


@dataclass(slots=True)
class Schedule:
    """When a digest is due: so long after its first record, or with so many; and never more mails an hour."""

    interval: float
    count: int
    per_hour: int
    not_before: float = 0.0  # after a failure
    sent: deque[float] = field(default_factory=deque[float])

    def wait(self, records: int, since: float, now: float, *, hurried: bool = False) -> float:
        """The seconds until it is due; 0 where it is due now."""
        if hurried:
            return self.closed(now)
        due = now if records >= self.count else since + self.interval
        return max(0.0, due - now, self.not_before - now, self.closed(now))

    def closed(self, now: float) -> float:
        """The seconds for which the hour is full."""
        while self.sent and self.sent[0] <= now - _HOUR:
            self.sent.popleft()
        return self.sent[0] + _HOUR - now if len(self.sent) >= self.per_hour else 0.0


def report_of(digest: Digest, subject: str | None) -> Report:
    """The mail for a digest: a table of what was said where it is more than one thing, then each in full."""
    groups = sorted(digest.groups.values(), key=lambda group: (-group.level, group.first))
    body: list[Block] = []
    if len(groups) > 1 or groups[0].count > 1:
        body.append(_table(groups))
    body += [_in_full(group) for group in groups[:_IN_FULL]]
    left: list[str] = []
    if len(groups) > _IN_FULL:
        left.append(f"{len(groups) - _IN_FULL:,} more are in the table alone")
    if digest.others:
        left.append(f"{digest.others:,} further records of other kinds were only counted")
    return Report(
        one_line(subject) if subject else _title(digest, groups[0]),
        body,
        footer=". ".join([*left, f"{digest.records:,} records in all"]) + ".",
        preheader=shortened(groups[0].message, 200),
    )


def _title(digest: Digest, worst: Group) -> str:
    more = f" (and {digest.records - 1:,} more)" if digest.records > 1 else ""
    level = logging.getLevelName(worst.level).capitalize()
    return f"{level} on {platform.node() or 'this host'}: {shortened(worst.message, 90)}{more}"


def _table(groups: list[Group]) -> Table:
    rows = [
        {
            "count": group.count,
            "level": logging.getLevelName(group.level),
            "logger": group.logger,
            "message": group.message,
            "first": _time(group.first),
            "last": _time(group.last),
        }
        for group in groups
    ]
    return Table(rows, name="records", max_rows=_MOST_GROUPS, formats={"count": ","})


def _time(moment: float) -> str:
    return f"{datetime.fromtimestamp(moment).astimezone():%H:%M:%S}"


def _in_full(group: Group) -> Code:
    level = logging.getLevelName(group.level)
    when = f"{datetime.fromtimestamp(group.first).astimezone():%Y-%m-%d %H:%M:%S}"
    times = f", {group.count:,} times" if group.count > 1 else ""
    return Code(group.first_text, caption=f"{level} {group.logger}, {when}{times}", name="record.txt")
