"""Returning: who gets a report of what, as a letter of the outbox itself, which never causes another.

A report goes out from the null reverse path (RFC 3464 section 2). Where a server refuses that, as some submission
servers do, it goes once more from the account's own address. It has a key, so that telling twice makes one report.
"""

from __future__ import annotations

import platform
from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from sendkit._message.ready import ReadyMessage, ready_message
from sendkit._smtp.phase import Phase
from sendkit.outbox._fence import Ledger
from sendkit.outbox._ledger import How
from sendkit.outbox._letter import Letter, cut, written
from sendkit.outbox._put import puts
from sendkit.outbox._questions import number_of, statuses
from sendkit.outbox._report import Sides, report
from sendkit.outbox._statements import Work, ask
from sendkit.outbox._states import EventKind

if TYPE_CHECKING:
    from sendkit.outbox._ledger import Writer
    from sendkit.outbox._status import Event, LetterStatus

REPORT = "report"
_TOLD_OF = frozenset({EventKind.REJECTED, EventKind.EXPIRED, EventKind.DELAYED})


def contents(ledger: Ledger, items: Sequence[str]) -> Work[list[bytes]]:
    """The content of letters from its beginning, at most 256 KiB of it; nothing where it was purged."""
    found: list[bytes] = []
    for uid in items:
        number = yield from number_of(ledger, uid)
        rows = yield from ask(ledger.texts.content_block, number, 0)
        found.append(bytes(rows[0][0]) if rows else b"")
    return found


@dataclass(slots=True, frozen=True)
class Returner:
    """Puts reports. `to` is "sender", or the address that gets all of them."""

    writer: Writer
    to: str

    async def __call__(self, event: Event) -> None:
        """Put the report of an event, if it is one that is reported."""
        if event.kind not in _TOLD_OF:
            return
        letter = await self.writer.acall(statuses, event.letter, How.READS)
        content = await self.writer.acall(contents, event.letter, How.READS)
        if letter.kind == REPORT:
            if event.kind is not EventKind.DELAYED:
                await self._from_own_address(letter, content)
            return
        to = letter.reverse_path if self.to == "sender" else self.to
        if not to:
            return
        head = content[: content.find(b"\r\n\r\n") + 2] if b"\r\n\r\n" in content else b""
        octets = report(letter, event, head, Sides(letter.reverse_path or to, to, platform.node() or "localhost"))
        await self._put(letter.account, ready_message(octets, envelope_from=""), f"report:{letter.id}:{event.id}")

    async def _from_own_address(self, letter: LetterStatus, content: bytes) -> None:
        """Once more where `<>` was refused: that says nothing of the recipient."""
        last = letter.history[-1].attempts[-1:] if letter.history else ()
        if letter.reverse_path or not last or last[0].phase is not Phase.MAIL:
            return
        recipients = [one.address for one in letter.recipients]
        await self._put(letter.account, ready_message(content, recipients=recipients), f"report:{letter.id}:own")

    async def _put(self, account: str, message: ReadyMessage, key: str) -> None:
        ready = written(Letter(message, key=key), account, kind=REPORT)
        pieces = tuple(part for piece in ready.pieces if isinstance(piece, bytes) for part in cut(piece))
        await self.writer.acall(puts, (ready.draft._replace(pieces=pieces),))
