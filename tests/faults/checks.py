"""Holds the evidence of one message against the truth, and against what the server itself has written down.

Knows: which finding counts as what. Must not know: how the evidence came about.
"""

from __future__ import annotations

import base64
from dataclasses import dataclass
from enum import StrEnum
from typing import TYPE_CHECKING

from .stage import PASSWORD, USER
from .truth import RECIPIENTS, Fate, Fates

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from sendkit import RecipientResult
    from tests.servers.scripted_records import Connection

    from .stage import Evidence


class Count(StrEnum):
    """The columns of the closing table, except for the number of scenarios and of those that are right."""

    WRONG = "wrong"
    DUPLICATES = "duplicates"
    LOST = "lost"
    LEAKS = "leaks"
    HANGS = "hangs"


@dataclass(frozen=True, slots=True)
class Finding:
    """One thing that is not as promised."""

    count: Count
    words: str


_FATES = {
    ("accepted", False): {Fate.ACCEPTED},
    ("rejected", False): {Fate.REJECTED},
    ("deferred", True): {Fate.AGAIN, Fate.ONCE},
    ("deferred", False): {Fate.FIX, Fate.ONCE},
    ("in_doubt", False): {Fate.DOUBT},
}
SECRETS = (
    PASSWORD.encode(),
    base64.b64encode(PASSWORD.encode()),
    base64.b64encode(f"\0{USER}\0{PASSWORD}".encode()),
)


def judge(evidence: Evidence, truth: Mapping[str, Fates] | None = None, *, tls: bool = True) -> list[Finding]:
    """All findings; without a `truth` only what the server's record says, which holds for any fault."""
    return [*_ending(evidence), *_left(evidence), *_on_the_wire(evidence, tls=tls), *_told(evidence, truth)]


def _ending(evidence: Evidence) -> Iterator[Finding]:
    if evidence.hung:
        yield Finding(Count.HANGS, "send() did not end in time")
    if evidence.error is not None:
        yield Finding(Count.WRONG, f"send(check=False) raised {evidence.error!r}")


def _left(evidence: Evidence) -> Iterator[Finding]:
    for words in evidence.left:
        yield Finding(Count.LEAKS, words)


def _on_the_wire(evidence: Evidence, *, tls: bool) -> Iterator[Finding]:
    for connection in evidence.connections:
        commands = connection.commands
        if commands.count("AUTH") > 1:
            yield Finding(Count.LEAKS, f"{commands.count('AUTH')} AUTH commands on one connection")
        if tls:
            yield from _in_the_clear(connection)


def _in_the_clear(connection: Connection) -> Iterator[Finding]:
    said = {line.text.partition(" ")[0].upper() for line in connection.lines if not line.tls}
    for verb in sorted(said & {"AUTH", "MAIL", "RCPT", "DATA", "BDAT"}):
        yield Finding(Count.LEAKS, f"{verb} before TLS")
    if any(secret in connection.octets(tls=False) for secret in SECRETS):
        yield Finding(Count.LEAKS, "the password went out before TLS")


def _told(evidence: Evidence, truth: Mapping[str, Fates] | None) -> Iterator[Finding]:
    result = evidence.result
    if result is None:
        return
    if set(result.recipients) != set(RECIPIENTS):
        yield Finding(Count.WRONG, f"recipients missing or made up: {sorted(result.recipients)}")
        return
    for to in RECIPIENTS:
        yield from _one(result.recipients[to], evidence.copies_for(to), truth[to] if truth else None)


def _one(told: RecipientResult, copies: int, truth: Fates | None) -> Iterator[Finding]:
    why = told.reply or told.reason
    words = f"{told.address}: {told.outcome.value}, retryable={told.retryable}, {copies} copies ({why})"
    if copies > 1:
        yield Finding(Count.DUPLICATES, words)
    if told.outcome == "accepted" and not copies:
        yield Finding(Count.LOST, words)
    if told.outcome in ("rejected", "deferred") and copies:
        yield Finding(Count.WRONG, f"{words}: the server has taken it")
    fates = _FATES.get((told.outcome.value, told.retryable), set[Fate]())
    if not fates or (truth is not None and not fates & truth):
        allowed = " or ".join(sorted(fate.value for fate in truth or ()))
        yield Finding(Count.WRONG, f"{words}: should be {allowed}")
