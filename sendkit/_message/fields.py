"""Header fields as text: encoding (RFC 2047, 2231), folding (RFC 5322 section 2.2.3), mailbox lists (3.4).

Every function returns whole fields that end in CRLF. A fold goes only in front of white space that is there anyway, so
that unfolding gives back what was set. Must not know which fields a message has.
"""

from __future__ import annotations

import functools
import re
from binascii import b2a_base64
from typing import TYPE_CHECKING

from sendkit._message.characters import check_field_name, check_text
from sendkit._message.mailbox import Mailbox, parse_address_list
from sendkit._smtp.address import AddressError
from sendkit.errors import MessageError

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence

_LINE = 76  # RFC 2047 section 2, for a line with an encoded word in it
_WORD = 75  # the same section, for the encoded word
_MAX_LINE = 998  # RFC 5322 section 2.1.1, without CRLF
_CHARSET = "utf-8''"
_FRAME = len("=?utf-8?q??=")
_ATOMS = re.compile(r"[A-Za-z0-9!#$%&'*+/=?^_`{|}~-]+(?: [A-Za-z0-9!#$%&'*+/=?^_`{|}~-]+)*")
_PLAIN_PARAMETER = re.compile(r"[A-Za-z0-9 !#$&'()*+,./:;=?@\[\]^_`{|}~-]{1,55}")
_ALNUM = frozenset(b"0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz")
# RFC 2047 section 5, rule 3
_Q = {o: "_" if o == 32 else chr(o) if o in _ALNUM or o in b"!*+-/" else f"={o:02X}" for o in range(256)}
_PERCENT = [chr(o) if o in _ALNUM or o in b"!#$&+-.^_`|~" else f"%{o:02X}" for o in range(256)]  # RFC 5987's attr-char

ADDRESS_FIELDS = frozenset({
    "from", "sender", "reply-to", "to", "cc", "bcc", "resent-from", "resent-sender", "resent-to", "resent-cc",
    "resent-bcc", "resent-reply-to", "disposition-notification-to", "return-receipt-to", "errors-to",
    "mail-followup-to", "mail-reply-to",
})  # fmt: skip
STRUCTURED_FIELDS = frozenset({
    "date", "message-id", "in-reply-to", "references", "resent-date", "resent-message-id", "mime-version",
    "content-type", "content-transfer-encoding", "content-disposition", "content-id", "list-id", "list-unsubscribe",
    "list-unsubscribe-post", "list-post", "list-help", "list-subscribe", "list-owner", "list-archive",
    "auto-submitted", "autocrypt", "received", "return-path", "dkim-signature", "authentication-results", "arc-seal",
    "arc-message-signature", "arc-authentication-results", "precedence", "importance", "priority", "x-priority",
})  # fmt: skip
_FREE_TEXT = frozenset({"subject", "comments"})


def needs_value(name: str) -> bool:
    """Whether a field of that name says nothing without a value, and may not go out (RFC 5322 section 3.6)."""
    return name.lower() in ADDRESS_FIELDS | STRUCTURED_FIELDS


def header_field(name: str, text: str, *, utf8: bool = True) -> str:
    """A further header field as it goes out, encoded as its kind demands. Raises MessageError."""
    lower = name.lower()
    if lower in ADDRESS_FIELDS:
        try:
            return mailbox_field(name, parse_address_list(text), utf8=utf8)
        except AddressError as error:
            raise MessageError(f"{name}: {error.problem}", field=name, hint=error.hint) from error
    if lower not in STRUCTURED_FIELDS:
        return text_field(name, text)
    if not text.isascii():
        raise MessageError(f"{name}: only ASCII may stand in it", field=name, hint="remove the other characters")
    return plain_field(name, text)


def text_field(name: str, text: str) -> str:
    """An unstructured field; encoded when plain ASCII would not give `text` back (RFC 2047)."""
    check_text(name, text)
    room = _LINE - len(name) - 2
    if text.isascii() and "=?" not in text and text == text.strip(" "):
        if 0 < len(text) <= room:
            return _unfolded(name, text)
        if _longest_word(text) <= (room if name.lower() in _FREE_TEXT else _MAX_LINE - len(name) - 2):
            return plain_field(name, text)
    words = encoded_words(text, room)
    return _unfolded(name, words[0]) if len(words) == 1 else _fold(name, words)


def plain_field(name: str, text: str) -> str:
    """A field of ASCII text that must not be encoded: folded at its spaces, rid of outer ones, else left alone."""
    check_text(name, text.replace("\t", " "))
    text = text.strip(" \t")
    if not text:
        return _join(name, [])
    if len(name) + len(text) < _LINE - 1 or (" " not in text and "\t" not in text):
        return _unfolded(name, text)
    # With a word behind every run of spaces, each run is read once.
    return _join(name, re.findall(r"[ \t]*[^ \t]+", f" {text}"))


def mailbox_field(name: str, mailboxes: Sequence[Mailbox], *, utf8: bool = False) -> str:
    """A list of mailboxes. Without `utf8`, one with a non-ASCII local part becomes an empty group (RFC 6857)."""
    if len(mailboxes) == 1:
        (mailbox,) = mailboxes
        if mailbox.name or not (wire := mailbox.address.wire).isascii():
            return _named_mailbox_field(name, mailbox, utf8)
        return _unfolded(name, wire)
    return _mailbox_field(name, mailboxes, utf8=utf8)


@functools.lru_cache(maxsize=256)
def _named_mailbox_field(name: str, mailbox: Mailbox, utf8: bool) -> str:
    # A program writes in the name of few.
    return _mailbox_field(name, [mailbox], utf8=utf8)


def _mailbox_field(name: str, mailboxes: Iterable[Mailbox], *, utf8: bool) -> str:
    chunks: list[str] = []
    room = _LINE - len(name) - 2
    for mailbox in mailboxes:
        if chunks:
            chunks[-1] += ","
        chunks += [f" {chunk}" for chunk in _mailbox(mailbox, room, utf8=utf8)]
        room = _WORD
    return _join(name, chunks)


def parameter_field(name: str, value: str, parameters: Mapping[str, str]) -> str:
    """A value with parameters, such as Content-Disposition; encoded by RFC 2231 where plain quoting will not do."""
    words = [value]
    for key, text in parameters.items():
        check_text(name, text)
        for part in _parameter(key, text):
            words[-1] += ";"
            words.append(part)
    return _fold(name, words)


def encoded_words(text: str, first: int = _WORD) -> list[str]:
    """RFC 2047 encoded words of at most 75 characters (the first of `first`), each of whole characters, Q or B."""
    data = text.encode()
    first, rest = max(first, 28) - _FRAME, _WORD - _FRAME
    quoted = _quoted(data)
    if len(quoted) <= -(-len(data) // 3) * 4:
        if len(quoted) <= first:
            return [f"=?utf-8?q?{quoted}?="]
        pieces = _pieces(text, lambda char: len(_quoted(char.encode())), first, rest)
        return [f"=?utf-8?q?{_quoted(piece.encode())}?=" for piece in pieces]
    pieces = _pieces(text, lambda char: len(char.encode()), first // 4 * 3, rest // 4 * 3)
    return [f"=?utf-8?b?{b2a_base64(piece.encode(), newline=False).decode()}?=" for piece in pieces]


def _quoted(data: bytes) -> str:
    return data.decode("latin-1").translate(_Q)


def _pieces(text: str, cost: Callable[[str], int], first: int, rest: int) -> Iterator[str]:
    start, size, room = 0, 0, first
    for position, char in enumerate(text):
        added = cost(char)
        if size + added > room:
            yield text[start:position]
            start, size, room = position, 0, rest
        size += added
    yield text[start:]


def _longest_word(text: str) -> int:
    if "  " in text:  # a fold leaves blanks in front of their word
        return max(map(len, re.findall(r" *[^ ]*", text)))
    return max(map(len, text.split(" ")))


def _mailbox(mailbox: Mailbox, room: int, *, utf8: bool) -> list[str]:
    address = mailbox.address
    if address.utf8 and not utf8:
        return [*encoded_words(f"{mailbox.name} {address.wire}".strip(), room), ":;"]
    if not mailbox.name:
        return [address.wire]
    return [*_phrase(mailbox.name, room), f"<{address.wire}>"]


def _phrase(name: str, room: int) -> list[str]:
    if not name.isascii() or "=?" in name or max(map(len, name.split(" "))) > _MAX_LINE // 4:
        return encoded_words(name, room)
    if _ATOMS.fullmatch(name):
        return name.split(" ")
    quoted = name.replace("\\", "\\\\").replace('"', '\\"')
    return f'"{quoted}"'.split(" ")  # folding is allowed at a space inside quotes (RFC 5322 section 3.2.4)


def _parameter(key: str, text: str) -> list[str]:
    if _PLAIN_PARAMETER.fullmatch(text) and "=?" not in text and text == text.strip(" "):
        return [f'{key}="{text}"']
    pieces = list(_pieces(text, lambda char: sum(len(_PERCENT[octet]) for octet in char.encode()), 50, 50))
    encoded = ["".join(_PERCENT[octet] for octet in piece.encode()) for piece in pieces]
    if len(encoded) == 1:
        return [f"{key}*={_CHARSET}{encoded[0]}"]
    return [f"{key}*{index}*={part if index else _CHARSET + part}" for index, part in enumerate(encoded)]


def _unfolded(name: str, text: str) -> str:
    """A text that needs no fold, or has no place for one."""
    check_field_name(name, name)
    line = f"{name}: {text}"
    if len(line) > _MAX_LINE:
        raise _too_long(name)
    return f"{line}\r\n"


def _fold(name: str, words: list[str]) -> str:
    return _join(name, [f" {word}" for word in words])


def _join(name: str, chunks: list[str]) -> str:
    """Put chunks, each with its leading white space, on lines; the first beside the name, as some readers need it."""
    check_field_name(name, name)
    lines = [f"{name}:"]
    for chunk in chunks:
        if len(lines[-1]) + len(chunk) > _LINE and lines[-1] != f"{name}:":
            lines.append("")
        lines[-1] += chunk
    if max(map(len, lines)) > _MAX_LINE:
        raise _too_long(name)
    return "\r\n".join(lines) + "\r\n"


def _too_long(name: str) -> MessageError:
    hint = "no header line may be longer; shorten it"
    return MessageError(f"{name}: a word of over {_MAX_LINE} octets", field=name, hint=hint)
