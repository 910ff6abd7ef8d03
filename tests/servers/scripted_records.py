"""What the scripted server has seen and done, for tests to read: octets, lines, accepted messages.

Knows: when it was (time.monotonic) and whether it was inside TLS.
Must not know: anything that happens; the others write here.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import NamedTuple


class Octets(NamedTuple):
    """What came or went in one go: when (time.monotonic), whether inside TLS, and what."""

    time: float
    tls: bool
    data: bytes


class Line(NamedTuple):
    """One command, or one answer to a 334, as text; when, and whether inside TLS."""

    time: float
    tls: bool
    text: str


@dataclass(slots=True)
class Connection:
    """The record of one connection. `number` counts from 1; `ended` is set when the server is done with it."""

    number: int
    received: list[Octets] = field(default_factory=list[Octets])
    sent: list[Octets] = field(default_factory=list[Octets])
    lines: list[Line] = field(default_factory=list[Line])
    ended: bool = False

    @property
    def commands(self) -> list[str]:
        """The verbs in order."""
        return [line.text.partition(" ")[0].upper() for line in self.lines]

    def octets(self, direction: str = "received", *, tls: bool | None = None) -> bytes:
        """All octets of one direction, or only those inside or outside TLS."""
        chunks: list[Octets] = getattr(self, direction)
        return b"".join(chunk.data for chunk in chunks if tls in (None, chunk.tls))


class Accepted(NamedTuple):
    """A message that the server has taken responsibility for (RFC 5321 section 4.2.5)."""

    reverse_path: str
    recipients: tuple[str, ...]
    content: bytes
    message_id: str
