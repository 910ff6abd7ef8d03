"""Fuzzes the reply reader (RFC 5321 section 4.2): any octets, cut anywhere.

The oracle reads the whole input at once, without a buffer, a regular expression or a state. The law: any split of the
same octets gives the same replies, then the same refusal or the same wait; only `[2-5]dd`, one code in all lines; no
other exception, and no more kept than one reply and what was just fed.
"""

# ruff: noqa: S101, S311 - an oracle asserts, and its dice need no secrecy

from __future__ import annotations

import random
import zlib
from collections.abc import Sequence
from dataclasses import dataclass

from fuzz.engine import Campaign, instrumented, main

(reply,) = instrumented(["sendkit._smtp.reply"])

_PADDING = 0x01  # this octet and the two behind it stand for a long stretch, so that 64 KB are within reach
_LIMIT = reply.MAX_REPLY
_LONG = 3_000
_TURNS = "\u061c\u200e\u200f\u2028\u2029\u202a\u202b\u202c\u202d\u202e\u2066\u2067\u2068\u2069\ufeff"


@dataclass(frozen=True, slots=True)
class Reading:
    """All replies, and whether what followed was refused."""

    replies: tuple[object, ...]
    refused: bool


def check(data: bytes) -> None:
    """Hold the reader against the oracle. Raises AssertionError."""
    octets = _expanded(data)
    dice = random.Random(zlib.crc32(data))
    expected = by_hand(octets)
    for pieces in ([octets], _cut(octets, dice, 3), _cut(octets, dice, 60), _by_one(octets)):
        assert read(pieces) == expected, f"{[len(piece) for piece in pieces][:80]}: {octets[:300]!r}"


def read(pieces: Sequence[bytes]) -> Reading:
    """What the reader makes of these pieces."""
    reader = reply.ReplyReader()
    found: list[object] = []
    for piece in pieces:
        reader.feed(piece)
        try:
            while (one := reader.next_reply()) is not None:
                found.append((one.code, one.enhanced, one.text))
        except reply.MalformedReply:
            assert _stays_broken(reader), "a broken reader reads on"
            return Reading(tuple(found), refused=True)
        assert reader.unread <= _LIMIT + 2, "more is kept than a reply may have"
    return Reading(tuple(found), refused=False)


def _stays_broken(reader: object) -> bool:
    reader.feed(b"250 ok\r\n")  # type: ignore[attr-defined]
    try:
        reader.next_reply()  # type: ignore[attr-defined]
    except reply.MalformedReply:
        return True
    return False


def by_hand(octets: bytes) -> Reading:
    """The oracle."""
    *lines, unfinished = octets.split(b"\n")
    replies: list[object] = []
    group: list[bytes] = []
    for line in lines:
        group.append(line[:-1] if line.endswith(b"\r") else line)
        if not _is_reply_line(group[-1]) or group[-1][:3] != group[0][:3] or _size(group) > _LIMIT:
            return Reading(tuple(replies), refused=True)
        if group[-1][3:4] != b"-":
            replies.append(_meaning(group))
            group = []
    return Reading(tuple(replies), refused=_size(group) + len(unfinished) > _LIMIT)


def _is_reply_line(line: bytes) -> bool:
    digits = len(line) >= 3 and line[0] in b"2345" and line[1] in b"0123456789" and line[2] in b"0123456789"
    return digits and line[3:4] in (b"", b" ", b"-")


def _size(group: list[bytes]) -> int:
    return sum(len(line) + 2 for line in group)


def _meaning(group: list[bytes]) -> object:
    texts = ["".join(map(_visible, line[4:].decode("utf-8", "replace"))).lstrip(" \t") for line in group]
    first = texts[0].replace("\t", " ").split(" ")[0]
    enhanced = first if _is_enhanced(first, group[0][:1].decode()) else None
    if enhanced:
        texts = [(text[len(enhanced) :] if text.startswith(enhanced) else text).lstrip(" \t") for text in texts]
    return int(group[0][:3]), enhanced, "\n".join(texts)


def _visible(char: str) -> str:
    return "\ufffd" if (ord(char) < 32 and char != "\t") or 0x7F <= ord(char) < 0xA0 or char in _TURNS else char


def _is_enhanced(word: str, kind: str) -> bool:
    parts = word.split(".")
    digits = all(part.isascii() and part.isdecimal() and len(part) <= 3 for part in parts)
    return len(parts) == 3 and digits and parts[0] == kind and kind in "245"


def _expanded(data: bytes) -> bytes:
    pieces: list[bytes] = []
    position = 0
    while (start := data.find(_PADDING, position)) >= 0 and len(pieces) < 40:
        pieces += [data[position:start], b"x" * (int.from_bytes(data[start + 1 : start + 3], "big") + 2)]
        position = start + 3
    return b"".join([*pieces, data[position:]])


def _cut(octets: bytes, dice: random.Random, most: int) -> list[bytes]:
    places = sorted(dice.randint(0, len(octets)) for _ in range(dice.randint(1, most)))
    return [octets[a:b] for a, b in zip([0, *places], [*places, len(octets)], strict=True)]


def _by_one(octets: bytes) -> list[bytes]:
    """One octet at a time; a long input in two pieces, parted at its last line end."""
    if len(octets) > _LONG:
        end = octets.rfind(b"\n")
        return [octets[:end], octets[end:]] if end > 0 else [octets]
    return [octets[place : place + 1] for place in range(len(octets))]


SEEDS = [
    b"220 mail.example.com ESMTP\r\n250-mail.example.com\r\n250-PIPELINING\r\n250 SIZE 0\r\n",
    b"250 2.0.0 Ok: queued as 4F2\r\n421 4.4.2 idle\r\n",
    b"450-4.2.0 grey\r\n450 4.2.0 listed\r\n",
    b"250  two blanks\r\n250-\t2.0.0\tok\r\n250  2.0.0  ok\r\n",
    b"550-5.1.1\r\n550 5.1.1 <x@y>: no\n",
    b"250\r\n250 \r\n250-\r\n250\r\n",
    b"250-one\r\n550 two\r\n",
    b"199 early\r\n600 late\r\n-25 x\r\n",
    b"250 \x01\xff\xf9\r\n250 \x01\x00\x10\r\n",
    b"250-\x01\x7f\xff\r\n250 \x01\x7f\xff\r\n",
    b"\x16\x03\x01\xff\x00\x80\xfe garbage \x1b[2J\r\n",
    "354 ñ\u2028 ¿qué?\r\n".encode(),
]
_TEXTS = [b"250 ", b"250-", b"550 ", b"421 4.4.2 ", b"2.0.0 ", b"5.1.1", b"354", b"999", b"\xd9\xa5", b"\xa0", b"\x00"]
TOKENS = [b"\r\n", b"\n", b"\r", b"\x01\xff\xf8", b"\x01\xff\xfa", b"\x01\x00\x00", *_TEXTS]

if __name__ == "__main__":
    main(Campaign(["sendkit._smtp.reply"], check, SEEDS, TOKENS))
