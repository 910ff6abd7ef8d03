"""Server replies: one value for each, and a reader that accepts nothing else (RFC 5321 sections 4.2 and 4.5.3)."""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, TypeAlias

if TYPE_CHECKING:
    from sendkit._smtp.explain import Explanation

MAX_REPLY = 65_536
_MANY_LINES, _SHORT_LINE = 64, 128
# More than any secret has, so that none is cut before it is found.
_SHOWN_WITHOUT_END = 20_000
_LINE = re.compile(rb"([2-5][0-9][0-9])(?:([ -])(.*))?", re.DOTALL)
_ENHANCED = re.compile(r"([245])\.\d{1,3}\.\d{1,3}(?=[ \t]|$)", re.ASCII)
_BLANKS = " \t"
Mask: TypeAlias = Callable[[str, Callable[[str], int] | None], str]
CONTROLS = r"\x00-\x08\x0b-\x1f\x7f-\x9f\u061c\u200e\u200f\u2028-\u202e\u2066-\u2069\ufeff"
"""What a terminal carries out instead of showing it, except tab and line feed; also marks that change the direction."""
_CONTROL = re.compile(f"[{CONTROLS}]")


def code_length(line: str) -> int:
    """How many characters at the beginning of a reply line are its code, the blank behind it and its enhanced code."""
    match = _ENHANCED.match(line, 4)
    return 4 if match is None else match.end()


def plain(text: str) -> str:
    """The text with its control characters replaced, so that a terminal takes none of it for a command."""
    return _CONTROL.sub("\ufffd", text)


@dataclass(slots=True, frozen=True)
class Reply:
    """A server's reply: its code, the enhanced status code if there is one, and the text without either.

    `text` joins the lines of a multi-line reply with line feeds, without the blanks in front of each; control
    characters in it are replaced.
    """

    code: int
    enhanced: str | None
    text: str

    @classmethod
    def build(cls, code: int, text: str) -> Reply:
        """Make a reply from its code and raw text, taking the enhanced code out of every line (RFC 2034 section 4)."""
        lines = plain(text).split("\n")
        match = _ENHANCED.match(lines[0].lstrip(_BLANKS))
        enhanced = match.group() if match and match.group(1) == str(code)[0] else None
        bare = [line.lstrip(_BLANKS).removeprefix(enhanced or "").lstrip(_BLANKS) for line in lines]
        return cls(code, enhanced, "\n".join(bare))

    @classmethod
    def parse(cls, line: str) -> Reply:
        """Make a reply from one line as a server writes it: `450 4.2.0 greylisted`. Raises ValueError."""
        match = _LINE.fullmatch(line.encode())
        if match is None:
            raise ValueError(f"not an SMTP reply (three digits from 200 to 599, then text): {line!r}")
        return cls.build(int(match.group(1)), (match.group(3) or b"").decode())

    def __str__(self) -> str:
        return " ".join(filter(None, (str(self.code), self.enhanced, self.text)))

    def explain(self, host: str | None = None) -> Explanation:
        """Say what the reply means and what fixes it; `host` is the server that gave it, for the provider's own words.

        RFC 5321 section 4.2, RFC 3463, and what single providers say of their replies.
        """
        from sendkit._smtp.explain import explain  # noqa: PLC0415 - the tables are long, and seldom needed

        return explain(self, host)

    @property
    def positive(self) -> bool:
        """A 2yz reply: the command was carried out."""
        return 200 <= self.code < 300

    @property
    def transient(self) -> bool:
        """A 4yz reply: refused temporarily."""
        return 400 <= self.code < 500

    @property
    def permanent(self) -> bool:
        """A 5yz reply: refused permanently."""
        return 500 <= self.code < 600


class MalformedReply(ValueError):
    """What came is not a reply; nothing that follows on this connection can be trusted."""


class ReplyReader:
    """Turns bytes into replies, however they are cut.

    Only `[2-5]dd` with a space, a hyphen or the end of the line behind it is a reply line, all lines of a reply have
    the same code, and a reply has at most 64 KB. A lone LF ends a line too: some servers send it, and it cannot be
    mistaken for anything else. `mask` takes out of a line what must not be shown, except for as many of its first
    characters as the function that it is given says. Anything else raises MalformedReply, and the reader stays broken.

    `unread` is how many octets came that belong to no reply which was handed out.
    """

    __slots__ = ("_begun", "_broken", "_code", "_known", "_mask", "_octets", "_parts", "_ready", "_size", "unread")

    def __init__(self, mask: Mask | None = None) -> None:
        self._mask = mask
        self._begun = bytearray()
        self.unread = 0
        # Whole replies, and of how many octets they were made.
        self._ready: list[tuple[Reply, int]] = []
        self._known: dict[bytes, tuple[Reply, int]] = {}
        self._parts: list[str] = []
        self._code: int | None = None
        self._size = self._octets = 0
        self._broken: str | None = None

    def feed(self, data: bytes) -> None:
        """Take in what arrived."""
        self.unread += len(data)
        if self._broken is not None:
            return
        lines = data.split(b"\n")
        rest = lines.pop()
        try:
            if lines:
                if self._begun:
                    lines[0] = bytes(self._begun) + lines[0]
                    self._begun.clear()
                self._read(lines)
            if rest or self._size:
                self._begun += rest
                self._measure(len(self._begun))
        except MalformedReply as error:
            self._broken = str(error)

    @property
    def ready(self) -> int:
        """How many whole replies there are that were not handed out."""
        return len(self._ready)

    def next_reply(self) -> Reply | None:
        """The next complete reply, or None until more octets come. Raises MalformedReply, from then on each time."""
        replies = self.next_replies(1)
        return replies[0] if replies else None

    def next_replies(self, most: int) -> Sequence[Reply]:
        """The next complete replies, so many at most. Raises as `next_reply`, where there is none before that."""
        if taken := self._ready[:most]:
            del self._ready[:most]
            replies: list[Reply] = []
            unread = self.unread
            for reply, octets in taken:
                replies.append(reply)
                unread -= octets
            self.unread = unread
            return replies
        if self._broken is not None:
            raise MalformedReply(self._broken)
        return ()

    def _read(self, lines: list[bytes]) -> None:
        ready, known = self._ready, self._known
        for line in lines:
            if (found := known.get(line)) is not None and self._code is None:
                ready.append(found)
                continue
            self._octets += len(line) + 1
            if self._code is not None or line[3:4] == b"-":
                reply = self._take(line.removesuffix(b"\r"))
            else:
                reply = self._single(line)
            if reply is not None:
                ready.append((reply, self._octets))
                self._octets = 0

    def _masked(self, line: bytes, *, code: bool = True) -> str:
        """A whole line, as it may be shown; its `code`, if it has one, stays: a password may look like it."""
        text = line.decode("utf-8", "replace")
        return text if self._mask is None else self._mask(text, code_length if code else None)

    def _single(self, line: bytes) -> Reply:
        text = line.removesuffix(b"\r")
        match = _LINE.fullmatch(text)
        if match is None or len(text) + 2 > MAX_REPLY:
            raise self._malformed(line)
        shown = self._masked(text)
        reply = Reply.build(int(match.group(1)), shown[4:])
        # A server says the same few lines all day; one that holds a secret is not kept.
        if len(line) <= _SHORT_LINE and len(self._known) < _MANY_LINES and shown.encode() == text:
            self._known[line] = reply, len(line) + 1
        return reply

    def _take(self, line: bytes) -> Reply | None:
        match = _LINE.fullmatch(line)
        code = int(match.group(1)) if match else None
        if match is None or (self._code is not None and code != self._code):
            raise self._malformed(line)
        self._size += len(line) + 2
        self._measure(0)
        self._code = code
        self._parts.append(self._masked(line)[4:])
        if match.group(2) == b"-":
            return None
        reply = Reply.build(int(match.group(1)), "\n".join(self._parts))
        self._parts, self._code, self._size = [], None, 0
        return reply

    def _measure(self, unread: int) -> None:
        if self._size + unread > MAX_REPLY:
            raise MalformedReply(f"a reply of more than {MAX_REPLY} octets")

    def _malformed(self, line: bytes) -> MalformedReply:
        shown = self._masked(line[:_SHOWN_WITHOUT_END].removesuffix(b"\r"), code=False)[:80]
        return MalformedReply(f"not an SMTP reply line: {shown!r}")
