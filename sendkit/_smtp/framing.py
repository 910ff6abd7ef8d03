"""Dot-stuffing: what keeps a line of the content from being taken for its end (RFC 5321 section 4.5.2)."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

END_OF_DATA = b".\r\n"


def dot_stuff(blocks: Iterable[bytes]) -> Iterator[bytes]:
    """Double the dot at the start of each line. The blocks have CRLF line ends, and none ends between CR and LF."""
    at_line_start = True
    for block in blocks:
        if block:
            stuffed = block.replace(b"\r\n.", b"\r\n..")
            yield b"." + stuffed if at_line_start and block.startswith(b".") else stuffed
            at_line_start = block.endswith(b"\r\n")
