"""What all transactions on the wire have in common: how content is set off, what is noted, how long a reply may take.

RFC 3030 section 2 (BDAT), RFC 5321 section 4.5.3.2. Pure functions.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from sendkit._seam.log import AttemptLog
from sendkit._smtp.content import Content
from sendkit._smtp.phase import Phase
from sendkit._smtp.reason import Reason
from sendkit._smtp.screening import measured
from sendkit._smtp.steps import Batch, Command, Framing, Report

if TYPE_CHECKING:
    from sendkit._server.server import Timeouts


_LAST_CHUNK = Framing.CHUNK_LAST  # for every message: to take a member from its class takes 0.1 µs on Python 3.11


def chunk(framing: Framing, size: int) -> bytes:
    """What goes before the content; nothing where a dot ends it."""
    if framing is _LAST_CHUNK:
        return b"BDAT %d LAST\r\n" % size
    return b"" if framing is Framing.DOT else b"BDAT %d\r\n" % size


def limit_of(timeouts: Timeouts, phase: Phase) -> float:
    """How many seconds a reply in this phase may take."""
    if phase in (Phase.END_OF_DATA, Phase.BODY):
        return timeouts.end_of_data
    return timeouts.data if phase is Phase.DATA else timeouts.command


def note_batch(log: AttemptLog, batch: Batch, size: int) -> None:
    """Note what is about to be said, without the content."""
    for step in batch:
        if isinstance(step, Command):
            log.said(step.line.decode().rstrip())
        elif step.framing is not Framing.ANOTHER:
            log.said(_described(step.framing, size))


def with_measures(report: Report, content: Content) -> Report:
    """The report, where a refusal for its size says how large the message is."""
    for verdict in report.verdicts.values():
        if verdict.why is not None and verdict.why is Reason.TOO_LARGE:
            break
    else:
        return report
    words = measured(content)
    told = {
        recipient: verdict._replace(reason=words) if verdict.why is Reason.TOO_LARGE and verdict.reply else verdict
        for recipient, verdict in report.verdicts.items()
    }
    return report._replace(verdicts=told)


def _described(framing: Framing, size: int) -> str:
    return {
        Framing.DOT: f"(content: {size} octets, and the dot)",
        Framing.LONE_DOT: ".",
        Framing.CHUNK: f"BDAT {size} (content)",
        Framing.CHUNK_LAST: f"BDAT {size} LAST (content)",
        Framing.LAST: "BDAT 0 LAST",
    }[framing]
