"""Octets as the wire wants them: CRLF line ends, base64, blocks, and what no server must take (RFC 5321 4.5.3.1.6)."""

from __future__ import annotations

import re
from binascii import b2a_base64
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator

MAX_LINE = 998
_BLOCK = 65_536
_LONE = re.compile(rb"\r(?!\n)|(?<!\r)\n")


def normalised(raw: bytes) -> bytes:
    """CRLF for every lone CR and lone LF, and at the end."""
    in_order = raw.count(b"\r") == raw.count(b"\n") == raw.count(b"\r\n")
    octets = raw if in_order else _LONE.sub(b"\r\n", raw)
    return octets if octets.endswith(b"\r\n") else octets + b"\r\n"


def sendable(octets: bytes) -> bool:
    """Whether no line is over 998 octets and no NUL is in them (RFC 5322 section 2.3, RFC 2045 section 2.8)."""
    if b"\0" in octets:
        return False
    start = 0
    while len(octets) - start > MAX_LINE + 2:
        end = octets.rfind(b"\n", start, start + MAX_LINE + 2)
        if end < 0:
            return False
        start = end + 1
    return True


def blocks(*pieces: bytes) -> Iterator[bytes]:
    """The octets in blocks of about 64 KB, none of which ends between CR and LF."""
    for piece in pieces:
        start = 0
        while start < len(piece):
            end = start + _BLOCK
            if piece[end - 1 : end + 1] == b"\r\n":
                end += 1
            yield piece[start:end]
            start = end


def base64_lines(octets: bytes, end: bytes = b"\r\n") -> bytes:
    """Base64 in lines of 76 characters (RFC 2045 section 6.8), each with its end; one empty line for nothing."""
    lines = [b2a_base64(octets[start : start + 57], newline=False) for start in range(0, len(octets), 57)]
    return end.join([*lines, b""]) or end
