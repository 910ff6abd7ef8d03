"""Dot-stuffing: what keeps a line of the content from being taken for its end (RFC 5321 section 4.5.2)."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

END_OF_DATA = b".\r\n"


def dot_stuff(blocks: Iterable[bytes]) -> Iterator[bytes]:
    """Double the dot at the start of each line. The blocks have CRLF line ends, and none ends between CR and LF."""
    return map(DotStuffer(), blocks)


class DotStuffer:
    """The same, for blocks that come one by one."""

    def __init__(self) -> None:
        self._at_line_start = True

    def __call__(self, block: bytes) -> bytes:
        if not block:
            return block
        stuffed = block.replace(b"\r\n.", b"\r\n..")
        doubled = self._at_line_start and block.startswith(b".")
        self._at_line_start = block.endswith(b"\r\n")
        return b"." + stuffed if doubled else stuffed
