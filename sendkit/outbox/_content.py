"""The content of a letter as it comes out of the ledger: the octets that were put, whole or block by block."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from sendkit._message.ready import ReadyContent
from sendkit.errors import MessageError, SendkitError

if TYPE_CHECKING:
    from sendkit._smtp.content import Content


def content_of(octets: bytes) -> ReadyContent:
    """A content that is at hand."""
    if octets.startswith(b"\r\n"):
        return ReadyContent(b"", octets)
    end = octets.find(b"\r\n\r\n") + 2
    return ReadyContent(octets[:end], octets[end:]) if end >= 2 else ReadyContent(octets, b"")


@dataclass(slots=True, frozen=True)
class LedgerContent:
    """A large content (see `sendkit._smtp.content.Content`), read from the ledger when it leaves."""

    size: int
    eight_bit: bool
    utf8: bool
    read: Callable[[int], bytes | None] = field(repr=False)

    @property
    def stored(self) -> bool:
        return True

    def check(self) -> None:
        """It cannot change; that it is whole is seen when it is read."""

    def blocks(self) -> Iterator[bytes]:
        left, number, held = self.size, 0, b""
        while left > 0:
            piece = self._piece(number)
            left -= len(piece)
            if left < 0 or not piece:
                raise _incomplete()
            # Neither does a block end between CR and LF, nor does a letter's own short piece leave by itself.
            held, number = held + piece, number + 1
            if left == 0 or (len(held) >= 65_536 and not held.endswith(b"\r")):
                yield held
                held = b""

    def _piece(self, number: int) -> bytes:
        try:
            piece = self.read(number)
        except SendkitError as error:
            raise MessageError(f"its content cannot be read: {error.message}", hint=error.hint) from error
        if piece is None:
            raise _incomplete()
        return piece

    def seven_bit(self) -> Content | None:
        return self._whole().seven_bit() if self.eight_bit else self

    def without_utf8(self) -> Content | None:
        return self._whole().without_utf8()

    def _whole(self) -> ReadyContent:
        return content_of(b"".join(self.blocks()))


def _incomplete() -> MessageError:
    return MessageError("its content is not complete in the outbox", hint="it was purged, or the database is damaged")
