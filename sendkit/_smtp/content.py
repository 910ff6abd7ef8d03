"""What the transaction needs to know of the octets that it carries, and nothing more."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Protocol, runtime_checkable


class Content(Protocol):
    """A message as it goes over the wire: CRLF line ends, the last line ended, no dot-stuffing, no Bcc.

    The same content gives the same octets each time that it is read, or a MessageError: a file that goes with it may
    have changed.
    """

    @property
    def size(self) -> int:
        """Octets in all (RFC 1870 section 5 counts them before dot-stuffing)."""
        ...

    @property
    def eight_bit(self) -> bool:
        """Whether an octet over 127 is in the body, so that it needs 8BITMIME (RFC 6152)."""
        ...

    @property
    def utf8(self) -> bool:
        """Whether an octet over 127 is in a header, so that it needs SMTPUTF8 (RFC 6531)."""
        ...

    @property
    def stored(self) -> bool:
        """Whether `blocks` reads files, which takes its time; such a content is larger than `SMALL`."""
        ...

    def check(self) -> None:
        """Raise MessageError when a file is not what it was."""
        ...

    def blocks(self) -> Iterator[bytes]:
        """The octets in order, in blocks of 64 to 300 KB; a block never ends between CR and LF.

        Raises MessageError, and then before the last block: what has left cannot be taken for the whole.
        """
        ...

    def seven_bit(self) -> Content | None:
        """The same message re-encoded for a server without 8BITMIME; None where that would break a signature."""
        ...

    def without_utf8(self) -> Content | None:
        """The same message for a server without SMTPUTF8 (RFC 6857); None where that is impossible."""
        ...


@runtime_checkable
class Weighed(Protocol):
    """A content that knows what makes it large."""

    @property
    def largest(self) -> tuple[str, int] | None:
        """The name of the largest file that goes with it, and its octets before they are encoded."""
        ...
