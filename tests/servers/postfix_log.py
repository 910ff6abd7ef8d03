"""Postfix's log, read as facts: one `Session` for each connection that has ended. Text in, values out."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass

_LINE = re.compile(r" postfix/(?P<service>\S+)/smtpd\[(?P<pid>\d+)\]: (?P<event>(?:dis)?connect) from \S+(?P<rest>.*)")
_COUNT = re.compile(r"(\w+)=(?:(\d+)/)?(\d+)")


@dataclass(slots=True, frozen=True)
class Session:
    """One connection: the smtpd it came to, and how often each command (lower case) was tried and accepted."""

    service: str
    tried: Mapping[str, int]
    accepted: Mapping[str, int]


def ended_sessions(log: str) -> tuple[list[Session], int]:
    """The connections that began and ended in this log, in the order of their ends, and the number of those still open.

    Ends whose beginnings lie before this log are left out.
    """
    ended: list[Session] = []
    open_pids: set[str] = set()
    for match in _LINE.finditer(log):
        if match["event"] == "connect":
            open_pids.add(match["pid"])
        elif match["pid"] in open_pids:
            open_pids.remove(match["pid"])
            ended.append(_session(match["service"], match["rest"]))
    return ended, len(open_pids)


def _session(service: str, counts: str) -> Session:
    found = [(name, int(total), int(accepted or total)) for name, accepted, total in _COUNT.findall(counts)]
    return Session(service, {name: total for name, total, _ in found}, {name: accepted for name, _, accepted in found})
