"""Octets as the wire wants them: CRLF line ends, base64, blocks, and what no server must take (RFC 5321 4.5.3.1.6)."""

from __future__ import annotations

import re
import struct
from binascii import b2a_base64
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

MAX_LINE = 998
_BLOCK = 65_536
_RAW_LINE = 57  # octets that make a line of 76 characters
# As many lines as the processor's cache likes: cut by one call, they cost half of what slicing them one by one does.
_LINES = struct.Struct("76s" * 512)
_SLICE = _RAW_LINE * 512
_LONE = re.compile(rb"\r(?!\n)|(?<!\r)\n")


def has_lone_cr(raw: bytes) -> bool:
    """Whether a CR stands there that ends no line."""
    return raw.count(b"\r") != raw.count(b"\r\n")


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
    # The last line has its end still to come.
    return all(len(line) - line.endswith(b"\r") <= MAX_LINE for line in octets[start:].split(b"\n"))


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


def base64_lines(octets: bytes | memoryview, end: bytes = b"\r\n") -> bytes:
    """Base64 in lines of 76 characters (RFC 2045 section 6.8), each with its end; one empty line for nothing."""
    view = memoryview(octets)
    lines = [_base64(view[start : start + _SLICE], end) for start in range(0, len(view), _SLICE)]
    return b"".join(lines) or end


def base64_size(octets: int) -> int:
    """How many octets `base64_lines` makes of so many."""
    return -(-octets // 3) * 4 + 2 * (-(-octets // _RAW_LINE) or 1)


def _base64(octets: memoryview, end: bytes) -> bytes:
    text = b2a_base64(octets, newline=False)
    if len(text) == _LINES.size:
        lines: Iterable[bytes] = _LINES.unpack(text)
    else:
        lines = [text[start : start + 76] for start in range(0, len(text), 76)]
    return end.join(lines) + end
