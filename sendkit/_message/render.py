"""A Message as octets: 7-bit always, every line within its limit, the same octets for the same message.

Knows the MIME tree (RFC 2045, 2046, 2387) and the transfer encodings. Large attachments stay what they are until they
leave. Must not know envelopes, or what a server offers.
"""

from __future__ import annotations

import functools
import re
from binascii import b2a_qp
from datetime import datetime, timedelta
from email.utils import format_datetime
from hashlib import blake2b
from operator import itemgetter
from typing import TYPE_CHECKING, NamedTuple, TypeAlias

from sendkit._message.attachment import Attachment, parse_media_type, source_of
from sendkit._message.fields import header_field, mailbox_field, needs_value, parameter_field, plain_field, text_field
from sendkit._message.mailbox import author
from sendkit._message.octets import base64_lines, has_lone_cr, normalised, sendable
from sendkit._message.pieces import blocks_of, encoded, is_utf8, packed, whole
from sendkit._message.purpose import NAMES, purpose_fields

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from sendkit._message.message import Message
    from sendkit._message.pieces import Piece
    from sendkit._message.stored import StoredFile

_ANY_BOUNDARY = b"=_%b-x" % (b"0" * 32)
_ICS = "application/ics"
# What may go out as it is, octets and lines: two passes, where one pattern takes twice as long.
_SAFE = bytes((0x09, 0x0A, *range(0x20, 0x7F)))
_SHORT_LINES = re.compile(r"(?:.{0,78}\n)*+.{0,78}")


class Rendered(NamedTuple):
    """The content of a Message (see `sendkit._smtp.content.Content`).

    `pieces` are the content in order: octets, and large attachments, which several messages may share. `files` are
    those that are still to be read.
    """

    size: int
    utf8: bool
    pieces: tuple[Piece, ...]
    files: Sequence[StoredFile]
    source: tuple[Message, Part] | None
    attached: tuple[Attachment, ...] = ()

    def __repr__(self) -> str:
        return f"Rendered(size={self.size}, utf8={self.utf8})"  # and nothing of what is written

    @property
    def eight_bit(self) -> bool:
        return False

    @property
    def largest(self) -> tuple[str, int] | None:
        return max(((one.filename, _weight(one)) for one in self.attached), key=itemgetter(1), default=None)

    @property
    def stored(self) -> bool:
        return bool(self.files)

    def check(self) -> None:
        for file in self.files:
            file.check()

    def blocks(self) -> Iterator[bytes]:
        return blocks_of(self.pieces)

    def seven_bit(self) -> Rendered:
        return self

    def without_utf8(self) -> Rendered:
        return self if self.source is None else _rendered(*self.source, self.attached, utf8=False)


class _Forwarded(bytes):
    """Octets of others that are not encoded, so that a boundary might be in them."""

    __slots__ = ()


# The head of a part, which ends in an empty line, and then its body.
Part: TypeAlias = "Sequence[Piece]"
Parts: TypeAlias = dict[tuple[str | Attachment, str], Part]

# Where a merged message has the parts that it shares with others: beside its fields, as a cached property would be.
SHARED = "_parts"


class _Part(NamedTuple):  # pyright: ignore[reportUnusedClass] - unpickled by its name
    """What 0.1 pickled with a merged message, as `_shared_parts`: it must be loaded, and nothing reads it."""

    head: str
    body: Sequence[Piece]
    free: bytes = b""


def render(message: Message) -> Rendered:
    """Write a message out, except for large attachments. Raises MessageError for a file that cannot be read."""
    attached = (*message.attachments, *message.inline.values()) if message.attachments or message.inline else ()
    return _rendered(message, _tree(message, attached), attached, utf8=True)


def _rendered(message: Message, root: Part, attached: tuple[Attachment, ...], *, utf8: bool) -> Rendered:
    """Without `utf8`, mailboxes that would need it become empty groups (RFC 6857)."""
    head = _head(message, utf8=utf8)
    size, pieces, files = packed([head.encode(), *root])
    if head.isascii():
        return Rendered(size, False, pieces, files, None, attached)
    return Rendered(size, True, pieces, files, (message, root), attached)


def _weight(attachment: Attachment) -> int:
    source = source_of(attachment)
    return len(source) if isinstance(source, bytes) else source.size


def _head(message: Message, *, utf8: bool) -> str:
    head = mailbox_field("From", (author(message.sender),), utf8=utf8)
    if message.to:
        head += mailbox_field("To", message.to, utf8=utf8)
    if message.cc:
        head += mailbox_field("Cc", message.cc, utf8=utf8)
    if message.reply_to:
        head += mailbox_field("Reply-To", message.reply_to, utf8=utf8)
    if not message.to and not message.cc:
        head += "To: undisclosed-recipients:;\r\n"
    head += text_field("Subject", message.subject)
    head += _date_field(message.date, message.date.utcoffset())
    head += f"Message-ID: {message.message_id}\r\n"  # one word, which no fold can shorten
    if not NAMES.isdisjoint(message.model_fields_set):
        head += purpose_fields(message)
    if message.headers:
        for name, text in message.headers.items():
            if text.strip() or not needs_value(name):
                head += header_field(name, text, utf8=utf8)
    return f"{head}MIME-Version: 1.0\r\n"


@functools.lru_cache(maxsize=16)
def _date_field(moment: datetime, _offset: timedelta | None) -> str:
    # Many messages are made in the same second; the same moment in two time zones is not the same text.
    return plain_field("Date", format_datetime(moment))


def _tree(message: Message, attached: Sequence[Attachment]) -> Part:
    shared: Parts | None = vars(message).get(SHARED)
    if not attached and message.calendar is None:
        return _alternative(message, shared, [], f"=_{message.boundary}", None)
    inline = list(message.inline.values())
    attached = message.attachments
    if message.html is not None:
        inline += [attachment for attachment in attached if attachment.content_id is not None]
        attached = [attachment for attachment in attached if attachment.content_id is None]
    pictures = [_part(shared, item, "inline") for item in inline]
    files = [_part(shared, item, "attachment") for item in attached]
    boundary = f"=_{message.boundary}"
    if free := [piece for part in (*pictures, *files) for piece in part if isinstance(piece, _Forwarded)]:
        boundary = f"=_{_found_in_none(message.boundary, free)}"
    event = _event(message)
    if event is not None:
        files.append(_file(Attachment.from_bytes(event[0], filename="invite.ics", content_type=_ICS), "attachment"))
    root = _alternative(message, shared, pictures, boundary, event)
    return _multipart("mixed", [root, *files], f"{boundary}-m") if files else root


def _found_in_none(boundary: str, parts: Sequence[bytes]) -> str:
    """What was drawn, or what follows from it where that is in a part already (RFC 2046 section 5.1.1).

    No encoded body holds "=_", and a plain text that does is encoded.
    """
    while any(boundary.encode() in octets for octets in parts):
        boundary = blake2b(boundary.encode(), digest_size=16).hexdigest()
    return boundary


def _alternative(
    message: Message, shared: Parts | None, pictures: list[Part], boundary: str, event: tuple[bytes, Part] | None
) -> Part:
    parts = [_part(shared, message.text or "", "plain")]
    if message.html is not None:
        html = _part(shared, message.html, "html")
        parts.append(_multipart("related", [html, *pictures], f"{boundary}-r") if pictures else html)
    if event is not None:
        parts.append(event[1])  # the last alternative is the one that readers with a calendar take
    return _multipart("alternative", parts, f"{boundary}-a") if len(parts) > 1 else parts[0]


def _event(message: Message) -> tuple[bytes, Part] | None:
    if message.calendar is None:
        return None
    text = message.calendar.ics(message)
    encoding, body = encoded_text(text)
    kind = parameter_field("Content-Type", "text/calendar", {"charset": "utf-8", "method": message.calendar.method})
    return text.encode(), (_head_of(kind, encoding), body)


def _part(shared: Parts | None, item: str | Attachment, role: str) -> Part:
    if shared is not None and (known := shared.get((item, role))) is not None:
        return known
    if not isinstance(item, str):
        return _file(item, role)
    encoding, body = encoded_text(item)
    return _text_head(role, encoding), body


def shared_parts(message: Message) -> Parts:
    """The parts of a message as they will stand in others that hold the same texts and attachments."""
    items: list[tuple[str | Attachment, str]] = [(message.text or "", "plain")]
    if message.html is not None:
        items.append((message.html, "html"))
    for item in (*message.inline.values(), *message.attachments):
        role = "inline" if message.html is not None and item.content_id is not None else "attachment"
        items.append((item, role))
    return {(item, role): _part(None, item, role) for item, role in items}


def _multipart(kind: str, parts: Sequence[Part], boundary: str) -> Part:
    octets = boundary.encode()
    start = b"--%b\r\n" % octets
    pieces: list[Piece] = [_multipart_head(kind).replace(_ANY_BOUNDARY, octets)]
    for part in parts:
        pieces += (start, *part, b"\r\n")  # the line end behind a part belongs to the boundary
    pieces.append(b"--%b--\r\n" % octets)
    return pieces


@functools.cache
def _multipart_head(kind: str) -> bytes:
    # All boundaries have one length, so that every field with one is folded alike.
    parameters = {"type": "text/html"} if kind == "related" else {}
    field = parameter_field("Content-Type", f"multipart/{kind}", {**parameters, "boundary": _ANY_BOUNDARY.decode()})
    return f"{field}\r\n".encode()


@functools.cache
def _text_head(kind: str, encoding: str) -> bytes:
    return _head_of(parameter_field("Content-Type", f"text/{kind}", {"charset": "utf-8"}), encoding)


def _head_of(fields: str, encoding: str, further: str = "") -> bytes:
    return f"{fields}Content-Transfer-Encoding: {encoding}\r\n{further}\r\n".encode()


def encoded_text(text: str) -> tuple[str, bytes]:
    """The transfer encoding that suits a text, and the text in it: ASCII, with CRLF line ends."""
    lines = text.replace("\r\n", "\n").replace("\r", "\n") if "\r" in text else text
    octets = (lines if lines.endswith("\n") else lines + "\n").encode()
    # Most texts have no "_", and one character is looked for in a tenth of the time.
    marked = "_" in lines and "--=_" in lines
    plain = not marked and not octets.translate(None, _SAFE) and _SHORT_LINES.fullmatch(lines)
    encoding, body = ("7bit", octets) if plain else _encoded(octets)
    return encoding, body.replace(b"\n", b"\r\n")


def _encoded(octets: bytes) -> tuple[str, bytes]:
    """Quoted-printable or base64, whichever is shorter. In and out with LF line ends."""
    quoted = b2a_qp(octets, istext=True)
    if len(quoted) <= len(octets) * 1.4:
        return "quoted-printable", quoted
    return "base64", base64_lines(octets.replace(b"\n", b"\r\n"), b"\n")


def _file(attachment: Attachment, disposition: str) -> Part:
    source = source_of(attachment)
    kind, parameters = parse_media_type(attachment.content_type)
    encoding, body = "base64", encoded(source)
    if kind.startswith("message/"):
        # RFC 2046 section 5.2.1 allows no encoding here; what would need one, or a change, travels as a plain file.
        raw = whole(source)
        forwarded = normalised(raw)
        if forwarded.isascii() and sendable(forwarded) and not has_lone_cr(raw):
            encoding, body = "7bit", _Forwarded(forwarded)
        else:
            kind, parameters = "application/octet-stream", {}
    if kind.startswith("text/") and "charset" not in parameters and is_utf8(source):
        parameters["charset"] = "utf-8"
    fields = parameter_field("Content-Type", kind, parameters)
    fields += parameter_field("Content-Disposition", disposition, {"filename": attachment.filename})
    name = "" if attachment.content_id is None else f"Content-ID: <{attachment.content_id}>\r\n"
    return _head_of(fields, encoding, name), body
