"""What a program writes to sendmail's standard input, made a message that can be sent (RFC 5322 sections 2.1, 3.6).

Such programs leave out From, Date, Message-ID, even the whole head, and write names without a domain. Fields that need
nothing stay octet by octet, and so does the body. Must not know argv, servers or accounts.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from email.utils import format_datetime

from sendkit._message.accept import NOBODY, new_message_id, now
from sendkit._message.fields import ADDRESS_FIELDS, mailbox_field
from sendkit._message.head import HeaderField
from sendkit._message.header_list import mailboxes_in
from sendkit._message.mailbox import Mailbox
from sendkit._message.octets import normalised
from sendkit._smtp.address import Address, AddressError
from sendkit.errors import MessageError

_FIELD = re.compile(rb"[!-9;-~]+[ \t]*:[^\r\n\0]*\r\n(?:[ \t][^\r\n\0]*\r\n)*")
# A byte order mark, and the first line of an mbox, which programs pass on.
_BEFORE = re.compile(rb"(?:\xef\xbb\xbf)?(?:>?From [^\r\n]*\r\n)?")
_DOT = re.compile(rb"^\.\r?(?:\n|\Z)", re.MULTILINE)
_LONGEST_LIST = 10_000  # characters of a list in which names without a domain are looked for
_LONGEST_HEAD = 1 << 20
_PIECE = re.compile(r'(?:"(?:[^"\\]|\\.)*"|\([^()]*\)|<[^<>]*>|[^",(<])+|.', re.DOTALL)
_LOCAL = re.compile(
    r'(?P<phrase>"(?:[^"\\]|\\.)*"[ \t]*|[^"<>@]*)<(?P<in_brackets>[\w.+-]{1,64})>'
    r"|(?P<bare>[\w.+-]{1,64})[ \t]*(?:\((?P<comment>[^()]*)\))?",
    re.ASCII | re.DOTALL,
)
_ADDRESSING = frozenset({"to", "cc", "bcc", "resent-to", "resent-cc", "resent-bcc"})
_OF_AUTHORS = frozenset({"from", "sender", "reply-to", "resent-from", "resent-sender", "resent-reply-to"})


class UnknownName(MessageError):
    """A name without a domain and without an alias."""


@dataclass(slots=True, frozen=True)
class Names:
    """Who is meant by a name without a domain: `sender` where it is the author, `alias(name)` where it is addressed."""

    sender: Mailbox | None
    alias: Callable[[str], str | None]

    def author(self, name: str) -> Mailbox:
        """The account's own address, under that display name."""
        if self.sender is None:
            hint = 'give -f ADDR, set SENDKIT_FROM, or write sender = "ADDR" for the account in config.toml'
            raise MessageError("From: no sender", field="From", hint=hint)
        return Mailbox(name or self.sender.name, self.sender.address)

    def recipient(self, local: str, name: str = "") -> list[Mailbox]:
        """Those who get the mail of that name."""
        if (told := self.alias(local)) is None:
            hint = f'write {local} = "ADDRESS" (or "*" for all others) below [sendmail.aliases] in sendkit/config.toml'
            raise UnknownName(f"{local!r} is a local name without an alias", field="To", hint=hint)
        return [Mailbox(one.name or name, one.address) for one in mailboxes_in(told)]


@dataclass(slots=True, frozen=True)
class Draft:
    """A head in fields, and the rest with the empty line before the body."""

    fields: tuple[HeaderField, ...]
    rest: bytes

    @property
    def octets(self) -> bytes:
        """All of it."""
        return b"".join(field.octets for field in self.fields) + self.rest


def up_to_dot(octets: bytes) -> bytes:
    """What stands before a line with a dot alone."""
    found = _DOT.search(octets)
    return octets if found is None else octets[: found.start()]


def draft(octets: bytes) -> Draft:
    """Divide head and body; a line that can be no header field begins the body, with or without an empty line.

    Raises MessageError for a head that no server would take.
    """
    text = normalised(octets) if octets else b"\r\n"
    position = found.end() if (found := _BEFORE.match(text)) else 0
    fields: list[HeaderField] = []
    while match := _FIELD.match(text, position):
        name = match.group().partition(b":")[0].rstrip(b" \t").decode("ascii")
        fields.append(HeaderField(name, match.group()))
        position = match.end()
        if position > _LONGEST_HEAD:
            hint = "a head has fields, and an empty line behind them"
            raise MessageError("message: its header is longer than 1 MB", field="message", hint=hint)
    body = text[position:]
    return Draft(tuple(fields), body if body.startswith(b"\r\n") or not body else b"\r\n" + body)


def completed(made: Draft, names: Names, full_name: str, *, addressed_here: bool) -> Draft:
    """With From, Date and Message-ID, and names without a domain replaced.

    Raises MessageError; where somebody is `addressed_here`, also for a name without an alias.
    """
    fields = [_qualified(field, names, strict=addressed_here) for field in made.fields]
    present = {field.key for field in fields}
    if "from" not in present:
        fields.append(_field(mailbox_field("From", [names.author(full_name)])))
    if "date" not in present:
        fields.append(_field(f"Date: {format_datetime(now())}\r\n"))
    if "message-id" not in present:
        domain = names.sender.address.domain if names.sender else NOBODY
        fields.append(_field(f"Message-ID: {new_message_id(domain)}\r\n"))
    return Draft(tuple(fields), made.rest or b"\r\n")


def addressed(texts: tuple[str, ...], names: Names) -> list[Address]:
    """Whom the arguments name; each may be a comma list. Raises MessageError."""
    return [one.address for text in texts for one in _mailboxes(text, names, authors=False)]


def reverse_path(text: str | None, names: Names) -> str | None:
    """The envelope's sender: what -f says, where it has a domain, or else the account's own; "" is the null one."""
    if text is not None and text.strip() in ("", "<>"):
        return ""
    if text is None or is_local(text):
        return names.sender.address.written if names.sender else None
    return one_mailbox(text, "-f").address.written


def one_mailbox(text: str, where: str) -> Mailbox:
    """The one mailbox of a text. Raises MessageError."""
    try:
        found = mailboxes_in(text)
    except AddressError as error:
        raise MessageError(f"{where}: {error.problem}", field=where, hint=error.hint) from error
    if len(found) != 1:
        raise MessageError(f"{where}: {len(found)} addresses", field=where, hint="give one")
    return found[0]


def is_local(text: str) -> bool:
    """Whether a text is a name without a domain, with or without a display name."""
    return _LOCAL.fullmatch(text.strip()) is not None


def _field(text: str) -> HeaderField:
    return HeaderField.of(text.encode())


def _qualified(field: HeaderField, names: Names, *, strict: bool) -> HeaderField:
    """The field as it is, unless a name without a domain stands there."""
    if field.key not in ADDRESS_FIELDS or not _has_local(field.text):
        return field
    try:
        found = _mailboxes(field.text, names, authors=field.key in _OF_AUTHORS)
        return _field(mailbox_field(field.name, found)) if found else field
    except UnknownName:
        if strict and field.key in _ADDRESSING:
            raise
        return field
    except (AddressError, UnicodeEncodeError):
        return field  # it is judged where it counts


def _has_local(text: str) -> bool:
    return len(text) <= _LONGEST_LIST and any(map(is_local, _pieces(text)))


def _mailboxes(text: str, names: Names, *, authors: bool) -> list[Mailbox]:
    try:
        return mailboxes_in(text)
    except AddressError:
        if len(text) > _LONGEST_LIST or not _has_local(text):
            raise
    return [one for piece in _pieces(text) for one in _named(piece, names, authors=authors)]


def _pieces(text: str) -> Iterator[str]:
    """The entries between the commas outside of quotes, comments and brackets."""
    entry = ""
    for match in _PIECE.finditer(text):
        if match.group() == ",":
            yield entry
            entry = ""
        else:
            entry += match.group()
    yield entry


def _named(piece: str, names: Names, *, authors: bool) -> list[Mailbox]:
    match = _LOCAL.fullmatch(piece.strip())
    if match is None:
        return mailboxes_in(piece)
    name = _name(match["phrase"] or "") or (match["comment"] or "").strip()
    local: str = match["in_brackets"] or match["bare"]
    return [names.author(name or local)] if authors else names.recipient(local, name)


def _name(phrase: str) -> str:
    """A display name as it is read, also one in encoded words."""
    return mailboxes_in(f"{phrase}<{NOBODY.partition('.')[0]}@{NOBODY}>")[0].name if phrase.strip() else ""
