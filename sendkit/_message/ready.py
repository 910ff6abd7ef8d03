"""Ready messages: octets that somebody else wrote, sent as they are except for line ends and Bcc.

Knows what no server need take (long lines, NUL) and how to do without 8BITMIME and SMTPUTF8. Must not know who wrote
the octets.
"""

from __future__ import annotations

import re
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Self, cast

from sendkit._message.attachment import as_octets
from sendkit._message.fields import ADDRESS_FIELDS, STRUCTURED_FIELDS, mailbox_field, text_field
from sendkit._message.head import HeaderField, message_id_in, refuse, signed, split_message, without_bcc
from sendkit._message.header_list import mailboxes_in
from sendkit._message.letter import Redirection
from sendkit._message.octets import blocks, has_lone_cr, normalised, sendable
from sendkit._message.portable import Portable, base64_of, octets_of
from sendkit._smtp.address import AddressError
from sendkit.errors import MessageError

if TYPE_CHECKING:
    from collections.abc import Callable, Generator, Iterable, Iterator, Mapping

    from sendkit._reading.lint import Advice
    from sendkit._smtp.envelope import Envelope

_BINARY = re.compile(rb'^content-transfer-encoding[ \t]*:(?:\s|"|\([^)]*\))*binary', re.IGNORECASE | re.MULTILINE)


@dataclass(slots=True, frozen=True)
class ReadyContent:
    """The content of a ready message (see `sendkit._smtp.content.Content`): the head, and the rest."""

    head: bytes = field(repr=False)
    rest: bytes = field(repr=False)

    @property
    def size(self) -> int:
        return len(self.head) + len(self.rest)

    @property
    def eight_bit(self) -> bool:
        return not self.rest.isascii()

    @property
    def utf8(self) -> bool:
        return not self.head.isascii()

    @property
    def stored(self) -> bool:
        return False

    def check(self) -> None:
        """It holds its octets, which do not change."""

    def blocks(self) -> Iterator[bytes]:
        return blocks(self.head, self.rest)

    def seven_bit(self) -> ReadyContent | None:
        return _recode(self, bytes.isascii) if self.eight_bit else self

    def without_utf8(self) -> ReadyContent | None:
        fields, _ = split_message(self.head)
        if signed(fields):
            return None
        plain = [item.octets if item.octets.isascii() else _downgraded(item) for item in fields]
        return ReadyContent(b"".join(octets for octets in plain if octets), self.rest) if all(plain) else None


@dataclass(slots=True, frozen=True)
class ReadyMessage(Portable):
    """A message that goes out as it is. Make one with `Message.from_bytes`.

    `content` are the octets, `fields` those of the head, Bcc included; `redirection` is what the caller set instead of
    them; `message_id` is None where it has none.
    """

    _KIND = "ready"

    content: ReadyContent
    fields: tuple[HeaderField, ...] = field(repr=False)
    redirection: Redirection
    message_id: str | None

    def as_bytes(self) -> bytes:
        """The octets that would be sent: CRLF line ends, no Bcc."""
        return self.content.head + self.content.rest

    def lint(self) -> tuple[Advice, ...]:
        """The problems that mail readers would have with it, each with a fix."""
        from sendkit._reading.lint import lint  # noqa: PLC0415 - not for sending

        return lint(self.as_bytes())

    def _dump(self, *, as_json: bool, embed: bool) -> dict[str, object]:
        kept = base64_of if as_json else bytes
        return {
            "octets": kept(self.as_bytes()),
            "fields": [kept(item.octets) for item in self.fields],
            **self.redirection.as_dict(),
        }

    @classmethod
    def _load(cls, data: Mapping[str, Any]) -> Self:
        if _DUMPED.symmetric_difference(data):
            hint = "give what to_json() of a ready message wrote"
            raise MessageError(f"message: not the fields {', '.join(sorted(_DUMPED))}", field="message", hint=hint)
        sent = ready_message(octets_of("octets", data["octets"]))
        listed: object = data["fields"]
        if not isinstance(listed, list | tuple):
            raise MessageError("fields: not a list", field="fields", hint="give what to_json() wrote")
        fields = tuple(HeaderField.of(octets_of("fields", item)) for item in cast("list[object]", listed))
        envelope = Redirection.of(data["envelope_from"], data["recipients"])
        return cls(sent.content, fields, envelope, message_id_in(fields))


_DUMPED = frozenset({"octets", "fields", "envelope_from", "recipients"})


def ready_message(
    raw: bytes | bytearray | memoryview,
    *,
    envelope_from: str | None = None,
    recipients: Iterable[str] | Envelope | str | None = None,
) -> ReadyMessage:
    """Take octets as a message; see `Message.from_bytes`."""
    octets = as_octets("message", raw)
    if not octets:
        raise refuse("it is empty", "give a head, an empty line, and a body")
    redirection = Redirection.of(envelope_from, recipients)
    fields, rest = split_message(normalised(_without_binary(octets)))
    if signed(fields) and has_lone_cr(octets):
        raise refuse("it is signed, and holds a CR that ends no line", "sign it with CRLF line ends")
    content = ReadyContent(b"".join(item.octets for item in without_bcc(fields)), rest)
    return ReadyMessage(_sendable(content), tuple(fields), redirection, message_id_in(fields))


def _without_binary(octets: bytes) -> bytes:
    if _BINARY.search(octets) is None:
        return octets
    from sendkit._message.recode import without_binary  # noqa: PLC0415 - it brings the parser of `email`

    with _not_too_deep():
        found = without_binary(octets)
    if found is None or (found is not octets and signed(split_message(normalised(octets))[0])):
        problem = "a part without transfer encoding, and it is signed, or where the head ends is uncertain"
        raise refuse(problem, "encode that part as base64 (before signing it)")
    return found


def _sendable(content: ReadyContent) -> ReadyContent:
    if sendable(content.rest):
        return content
    if (recoded := _recode(content, sendable)) is not None:
        return recoded
    raise refuse(
        "a line of over 998 octets or a NUL octet in a part that may not be re-encoded",
        "encode that part as quoted-printable or base64 (before signing it)",
    )


def _recode(content: ReadyContent, fits: Callable[[bytes], bool]) -> ReadyContent | None:
    from sendkit._message.recode import recoded  # noqa: PLC0415 - it brings the parser of `email`

    if signed(split_message(content.head)[0]):
        return None
    with _not_too_deep():
        octets = recoded(content.head + content.rest, fits)
    if octets is None:
        return None
    fields, rest = split_message(normalised(octets))
    if not (fits(rest) and sendable(rest)):  # something outside the leaves: a preamble, the head of a part
        return None
    return ReadyContent(b"".join(item.octets for item in fields), rest)


@contextmanager
def _not_too_deep() -> Generator[None]:
    try:
        yield
    except RecursionError as error:
        raise refuse("its parts are nested too deeply to be re-encoded", "flatten it") from error


def _downgraded(item: HeaderField) -> bytes | None:
    """The field in ASCII (RFC 2047, RFC 6857), or None where its grammar cannot hold that."""
    text = item.text
    try:
        text.encode()
        if item.key in ADDRESS_FIELDS:
            return mailbox_field(item.name, mailboxes_in(text), utf8=False).encode()
        return None if item.key in STRUCTURED_FIELDS else text_field(item.name, text).encode()
    except (UnicodeEncodeError, AddressError, MessageError):  # the wire says that it needs SMTPUTF8
        return None
