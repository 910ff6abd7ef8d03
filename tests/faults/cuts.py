"""One whole session, cut after every single octet that the client sends, and after every one that the server sends.

Knows: from which octet on the client may have sent the end of data, and from which on it knows the answer; both are
read off what the server had really said when the connection ended. Must not know: what sendkit makes of it.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from functools import cache
from typing import TYPE_CHECKING

from .checks import Finding, judge
from .stage import limits, play, scripted
from .truth import AGAIN, DOUBT, RECIPIENTS, YES, Fates, Mode

if TYPE_CHECKING:
    from collections.abc import Iterator

    from .stage import Evidence


class Direction(StrEnum):
    """Whose octets are counted, as the server sees it: the client's, or its own."""

    RECEIVED = "received"
    SENT = "sent"


@dataclass(frozen=True, slots=True)
class Cut:
    """The first connection ends when so many octets have passed; by RST where `reset`. `tries` are allowed."""

    mode: Mode
    direction: Direction
    octets: int
    tries: int
    reset: bool

    def __str__(self) -> str:
        ending = "RST" if self.reset else "FIN"
        return f"cut, {self.mode}, {ending} after {self.octets} octets {self.direction}, {self.tries} tries"


def cuts(step: int = 1) -> Iterator[Cut]:
    """All cuts, or every `step`-th and the ends of all lines, where one phase gives way to the next."""
    for mode in Mode:
        whole = session(mode)
        for direction, octets in whole.items():
            for count in range(len(octets) + 1):
                if count % step == 0 or octets[:count].endswith(b"\n"):
                    yield Cut(mode, direction, count, tries=1 + count % 2, reset=count % 5 == 3)


@cache
def session(mode: Mode) -> dict[Direction, bytes]:
    """The octets of a session that nothing happens to."""
    evidence = play(scripted(mode), limits())
    (connection,) = evidence.connections
    return {direction: connection.octets(direction) for direction in Direction}


def run(cut: Cut) -> list[Finding]:
    """Play the session with this cut, and say what is not as promised."""
    server = scripted(cut.mode)
    where = {cut.direction.value: cut.octets}
    server.on_cut().on_connection(1).cut(**where, rst=cut.reset)
    evidence = play(server, limits(), tries=cut.tries, transcript=cut.octets % 4 < 2)
    return judge(evidence, dict.fromkeys(RECIPIENTS, _truth(cut, evidence)))


def _truth(cut: Cut, evidence: Evidence) -> Fates:
    said = evidence.connections[0].octets("sent")
    return _after_retry(cut, _first_try(cut, said))


def _first_try(cut: Cut, said: bytes) -> Fates:
    go_ahead = b"\n235 " if cut.mode is Mode.CHUNKING else b"\n354 "
    _, found, behind = said.partition(go_ahead)
    if not (found and b"\n" in behind):
        return AGAIN
    if b" queued\r\n" in behind:
        # A reset may take the answer with it.
        return YES | DOUBT if cut.reset else YES
    # The client was free to send all of it; it may have seen the loss before.
    return DOUBT | AGAIN


def _after_retry(cut: Cut, fates: Fates) -> Fates:
    return (fates - AGAIN) | YES if cut.tries > 1 and fates >= AGAIN else fates
