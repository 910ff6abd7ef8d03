"""The head of a ready message, field by field and octet by octet (RFC 5322 sections 2.2 and 3.6).

Knows where a field begins and ends, which fields never leave (Bcc), and who is addressed. Must not know MIME.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING, Self

from sendkit._message.header_list import mailboxes_in
from sendkit._message.octets import MAX_LINE
from sendkit._smtp.address import Address, AddressError
from sendkit.errors import MessageError

if TYPE_CHECKING:
    from collections.abc import Iterable

_FIELD = re.compile(rb"([!-9;-~]+)[ \t]*:[^\n]*\n(?:[ \t][^\n]*\n)*")
_BLIND = frozenset({"bcc", "resent-bcc"})
SIGNATURES = frozenset({"dkim-signature", "domainkey-signature", "arc-message-signature", "arc-seal"})
_RESENT = frozenset({"resent-date", "resent-from", "resent-sender", "resent-to", "resent-cc"})


@dataclass(slots=True, frozen=True)
class HeaderField:
    """One header field: its name, and all its octets with the name, the folds and the last CRLF."""

    name: str
    octets: bytes

    @classmethod
    def of(cls, octets: bytes) -> Self:
        """One field alone. Raises MessageError for what is none, or more than one."""
        match = _FIELD.fullmatch(octets)
        if match is None or b"\0" in octets:
            raise refuse(f"{octets[:60]!r} is not a header field", "give one with all its lines")
        return cls(match[1].decode(), octets)

    @property
    def key(self) -> str:
        return self.name.lower()

    @property
    def text(self) -> str:
        """The value, unfolded; octets that are not UTF-8 become surrogates."""
        value = self.octets.partition(b":")[2].replace(b"\r\n", b"")
        return value.decode("utf-8", "surrogateescape").strip(" \t")


def split_message(octets: bytes) -> tuple[list[HeaderField], bytes]:
    """The fields of the head, and the rest with the empty line before the body. Raises MessageError.

    `octets` have CRLF line ends. A head that two readers could read differently is refused.
    """
    end = 0 if octets.startswith(b"\r\n") else octets.find(b"\r\n\r\n") + 2
    head = octets[:end] if end >= 2 or octets.startswith(b"\r\n") else octets
    if b"\0" in head:
        if head.startswith(_UTF_16) or b"\0" in head[:2]:
            raise _no_field(_UTF_16[0], first=True)
        raise refuse("a NUL octet in the head", "take it out, or give the file of a message (.eml)")
    fields: list[HeaderField] = []
    position = 0
    while position < len(head):
        match = _FIELD.match(head, position)
        if match is None:
            raise _no_field(head[position : position + 60].partition(b"\r\n")[0], first=position == 0)
        fields.append(HeaderField(match[1].decode(), _short(match.group())))
        position = match.end()
    return fields, octets[len(head) :]


_UTF_16 = (b"\xff\xfe", b"\xfe\xff")
# How files begin that are no message, or have something in front of one.
_BEGINNINGS = (
    (
        b"From ",
        "begins with the line of an mbox (From ADDRESS DATE)",
        "remove that line; mailbox.mbox reads such files",
    ),
    (
        b"\xef\xbb\xbf",
        "begins with a byte order mark (BOM)",
        "save it as UTF-8 without BOM, or remove its first 3 octets",
    ),
    (_UTF_16, "is UTF-16", "save it as UTF-8 without BOM"),
    (b"<", "is HTML or XML", "give it as html= of a Message (--html), or put header fields in front"),
    (b"\x1f\x8b", "is compressed (gzip)", "unpack it first"),
    (b"PK\3\4", "is a zip file", "unpack it first, or attach it (--attach)"),
    (b"\xd0\xcf\x11\xe0", "is a message of Outlook (.msg)", "save it as .eml"),
    (b"%PDF", "is a PDF", "attach it (--attach)"),
)


def _no_field(line: bytes, *, first: bool) -> MessageError:
    """The error for a line of the head that is none; where it is the first, for what the file is."""
    for beginning, what, cure in _BEGINNINGS if first else ():
        if line.startswith(beginning):
            return refuse(f"this {what}", cure)
    return refuse(f"{line!r} is not a header field", "write Name: value, then an empty line before the body")


def without_bcc(fields: Iterable[HeaderField]) -> list[HeaderField]:
    """The fields that go out: Bcc and Resent-Bcc never do (RFC 5322 section 3.6.3)."""
    return [field for field in fields if field.key not in _BLIND]


def signed(fields: Iterable[HeaderField]) -> bool:
    """Whether a signature over octets is among them, which ends when they change (RFC 6376, RFC 8617)."""
    return any(field.key in SIGNATURES for field in fields)


def message_id_in(fields: Iterable[HeaderField]) -> str | None:
    """The Message-ID as it stands there; None where there is none that could be quoted in a result."""
    text = next((field.text for field in fields if field.key == "message-id"), "")
    return text if text and text.isascii() and text.isprintable() else None


def reverse_path_in(fields: Iterable[HeaderField]) -> Address:
    """Sender, or else the one mailbox of From; the Resent fields come first. Raises MessageError."""
    listed = list(fields)
    names = ("resent-sender", "resent-from", "sender", "from") if _resent(listed) else ("sender", "from")
    present = {field.key for field in listed}
    name = next((name for name in names if name in present), "from")
    found = [address for field in listed if field.key == name for address in _addresses(field)]
    if len(found) != 1:
        hint = "give one From address, a Sender field, or envelope_from=…"
        if not listed:
            hint = f"there is no header field: did an empty line in front of the head end it? Remove it, or {hint}"
        name = name.title()
        raise MessageError(f"{name}: {len(found)} addresses where the reverse path needs one", field=name, hint=hint)
    return found[0]


def recipients_in(fields: Iterable[HeaderField]) -> tuple[Address, ...]:
    """Everybody in To, Cc and Bcc; in the Resent fields instead of them where there are some. Raises MessageError."""
    listed = list(fields)
    prefix = "resent-" if _resent(listed) else ""
    names = [f"{prefix}to", f"{prefix}cc", f"{prefix}bcc"]
    return tuple(address for name in names for field in listed if field.key == name for address in _addresses(field))


def _resent(fields: list[HeaderField]) -> bool:
    found = [field.key for field in fields if field.key in _RESENT]
    if len(found) != len(set(found)):
        # Which of several blocks is the newest cannot be told for sure (RFC 5322 section 3.6.6).
        raise refuse("the message was resent more than once", "give envelope_from=… and recipients=…")
    return bool(found)


def _addresses(field: HeaderField) -> list[Address]:
    try:
        return [mailbox.address for mailbox in mailboxes_in(field.text)]
    except AddressError as error:
        raise MessageError(f"{field.name}: {error.problem}", field=field.name, hint=error.hint) from error


def _short(octets: bytes) -> bytes:
    if len(octets) <= MAX_LINE:
        return octets
    lines = [short for line in octets.splitlines() for short in _folded(line)]
    if max(map(len, lines)) > MAX_LINE:
        raise refuse(f"a header line of over {MAX_LINE} octets that cannot be folded: {lines[0][:40]!r}", "shorten it")
    return b"\r\n".join(lines) + b"\r\n"


def _folded(line: bytes) -> list[bytes]:
    if len(line) <= MAX_LINE:
        return [line]
    lines = [b""]
    for chunk in re.findall(rb"[ \t]*[^ \t]+|[ \t]+$", line):
        if len(lines[-1]) + len(chunk) > MAX_LINE and not lines[-1].endswith(b":"):
            lines.append(b"")
        lines[-1] += chunk
    return lines


def refuse(problem: str, hint: str) -> MessageError:
    """The error for a head that cannot be sent as it is."""
    return MessageError(f"message: {problem}", field="message", hint=hint)
