"""Mailboxes: an address with a display name, alone or in comma lists (RFC 5322 section 3.4).

Knows quoted strings, angle brackets and commas. Must not know header fields; what stands inside an address is judged
by `parse_address` alone. Linear time: one pass over the text, and the first fault ends it.
"""

from __future__ import annotations

import functools
import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, TypeAlias, cast

from sendkit._message.characters import forbidden
from sendkit._smtp.address import Address, AddressError, common_address, parse_address
from sendkit.errors import MessageError

if TYPE_CHECKING:
    from email.headerregistry import Address as StdlibAddress

_MAX_MAILBOX = 1_000  # characters: a name, an address, and some spare room
PIECE = re.compile(r'"(?:[^"\\]|\\.)*"|(?<=@)\[[^\[\]<>,;"()\s]*\]|[^"<>,();:\[]+|.', re.DOTALL)
_PHRASE = re.compile(r'"((?:[^"\\]|\\.)*)"|[^"]+', re.DOTALL)
_SPECIAL = re.compile(r'["<>,();:]')
_HINT = "write such as Ana Núñez <ana@example.com>, with a name that has special characters in double quotes"


@dataclass(slots=True, frozen=True, init=False)
class Mailbox:
    """A display name (may be empty) and a checked address.

    Raises AddressError for a name with control characters, or one that as printed would be too long to be read back.
    """

    name: str
    address: Address

    def __init__(self, name: str, address: Address) -> None:
        if type(name) is not str or name or type(address) is not Address:  # most have no name
            _check_types(name, address)
            check_name(name)
            name = tidy_name(name)
        _put_name(self, name)  # by the slots, as an Address
        _put_address(self, address)
        if name and len(str(self)) > _MAX_MAILBOX:
            raise AddressError(f"a mailbox of over {_MAX_MAILBOX} characters: {name[:60]!r}…", "shorten the name")

    def __hash__(self) -> int:
        # Of one field only: a program writes in the name of few, and what is made of one is looked up often.
        return hash(self.address.written)

    def __str__(self) -> str:
        if not self.name:
            return self.address.written
        quoted = self.name.replace("\\", "\\\\").replace('"', '\\"')
        return f'"{quoted}" <{self.address.written}>'


_put_name, _put_address = [vars(Mailbox)[name].__set__ for name in ("name", "address")]
MailboxLike: TypeAlias = "str | Mailbox | StdlibAddress | tuple[str, str]"


def _check_types(name: object, address: object) -> None:
    if not isinstance(name, str):
        raise AddressError(f"a display name that is {type(name).__name__}", "give a str")
    if not isinstance(address, Address):
        raise AddressError(f"an address that is {type(address).__name__}", 'write ("Name", "address") instead')


def check_name(name: str) -> None:
    """Refuse what would end a header line, or cannot be encoded."""
    if found := forbidden(name):
        raise AddressError(f"the display name {name[:80]!r} holds {found}", "take it out of the name")


def parse_address_list(text: str) -> list[Mailbox]:
    """Read mailboxes separated by commas: `Ana Núñez <ana@example.com>, ops@example.net, "Doe, J" <j@x.org>`.

    Raises AddressError for anything else: comments, groups, source routes, an empty entry between two commas.
    """
    if (common := common_address(text)) is not None:
        return [Mailbox("", common)]
    if _SPECIAL.search(text) is None and len(text) <= _MAX_MAILBOX:
        return [_bare(text.strip(" \t"))]
    return [mailbox_from(pieces) for pieces in _split(text)]


def mailbox_of(value: object) -> Mailbox:
    """Read one mailbox from any form that the public API takes. Raises AddressError."""
    if isinstance(value, Mailbox):
        return _checked(value)
    if isinstance(value, str):
        return _one_mailbox(value)
    match value:
        case (str(name), str(address)) if isinstance(value, tuple):
            return Mailbox(name, parse_address(address))
        case _:
            return _from_stdlib(value)


def author(sender: Mailbox | None) -> Mailbox:
    """Whom a message is from. Raises MessageError where nobody is named."""
    if sender is None:
        hint = "give sender=…, or set SENDKIT_FROM; a mailer takes its username where that is a mail address"
        raise MessageError("sender: no sender", field="sender", hint=hint)
    return sender


@functools.lru_cache(maxsize=256)
def _one_mailbox(text: str) -> Mailbox:
    # A program writes in the name of few, and writes them the same way each time.
    found = parse_address_list(text)
    if len(found) != 1:
        raise AddressError(f"{text[:80]!r} is {len(found)} addresses", "give exactly one")
    return found[0]


def _checked(mailbox: Mailbox) -> Mailbox:
    # An Address that was put together by hand may hold anything.
    if parse_address(str(mailbox.address.written)) != mailbox.address:
        raise AddressError("a Mailbox whose address was not read from text", 'write ("Name", "address") instead')
    return mailbox


def mailboxes_of(value: object) -> tuple[Mailbox, ...]:
    """Read mailboxes from a comma list, from one mailbox, or from an iterable of either."""
    if value is None:
        return ()
    if isinstance(value, str):
        return tuple(parse_address_list(value)) if value.strip(" \t") else ()
    if not isinstance(value, (list, tuple)):  # to ask an ABC, or a union, takes as long as to read an address
        if isinstance(value, Mapping):
            hint = 'write [("Ana", "ana@example.com")]'
            raise AddressError("a mapping: which is the name, and which the address?", hint)
        if _are_octets(value) or not isinstance(value, Iterable):
            return (mailbox_of(value),)
    if isinstance(value, tuple):
        _refuse_pair(cast("tuple[object, ...]", value))
    found: list[Mailbox] = []
    for item in cast("Iterable[object]", value):
        found += parse_address_list(item) if isinstance(item, str) else [mailbox_of(item)]
    return tuple(found)


def _are_octets(value: object) -> bool:
    return isinstance(value, bytes | bytearray | memoryview)


def _refuse_pair(value: tuple[object, ...]) -> None:
    match value:
        case (str(name), str(address)) if "@" not in name and "@" in address:
            raise AddressError(
                f"{name[:80]!r} is not an address: there is no @ in it",
                'write one mailbox with a name as a pair in a list: [("Ana", "ana@example.com")]',
            )
        case _:
            pass


def tidy_name(name: str) -> str:
    """A display name as every reader shows it: without outer spaces, and with one space between words."""
    return re.sub(r" {2,}", " ", name.strip(" "))


def _from_stdlib(value: object) -> Mailbox:
    from email.headerregistry import Address as StdlibAddress  # noqa: PLC0415 - few programs need it

    if isinstance(value, StdlibAddress):
        return Mailbox(value.display_name, parse_address(value.addr_spec))
    raise AddressError(
        f"{type(value).__name__} is not a mailbox", 'give a str, a Mailbox or a ("Name", "address") pair'
    )


def _split(text: str) -> Iterator[list[str]]:
    pieces: list[str] = []
    length, many = 0, False
    for match in PIECE.finditer(text):
        piece = match.group()
        if piece == ",":
            _refuse_half_a_name(pieces)
            yield pieces
            pieces, length, many = [], 0, True
            continue
        length += len(piece)
        if length > _MAX_MAILBOX:
            raise AddressError(f"a mailbox of over {_MAX_MAILBOX} characters: {text[:60]!r}…", _HINT)
        _refuse_special(piece, text)
        pieces.append(piece)
    if many:
        _refuse_half_a_name(pieces)
    yield pieces


def _refuse_special(piece: str, text: str) -> None:
    shown = _shown(text)
    if piece in {"(", ")"}:
        raise AddressError(f"{shown} holds a comment", "remove the round brackets, or put the name in double quotes")
    if piece in {":", ";"} and (found := forbidden(text)):
        raise AddressError(f"{shown} holds {found}", "take control characters and line ends out")
    if piece == ":" and text.strip(" \t").lower().startswith("mailto:"):
        raise AddressError(f"{shown} is a URL", "write the address without mailto:")
    if piece == ";" and ":" not in text:
        raise AddressError(f"{shown} holds a semicolon", "use a comma between the addresses, or give them as a list")
    if piece in {":", ";"}:
        raise AddressError(f"{shown} holds a group or a source route", _HINT)
    refuse_open_quote(piece, text)


def refuse_open_quote(piece: str, text: str) -> None:
    """Refuse a piece that is a double quote alone: one reader ends its string where another reads an address."""
    if piece == '"':
        raise AddressError(f"{_shown(text)} holds a double quote that is not closed", _HINT)


def _shown(text: str) -> str:
    return repr(text if len(text) <= 80 else text[:77] + "…")


def mailbox_from(pieces: list[str], *, encoded: bool = False) -> Mailbox:
    """Read one mailbox from its pieces; `encoded` forgives a display name that cannot be decoded, or holds an @."""
    text = "".join(pieces).strip(" \t")
    if "<" not in pieces and ">" not in pieces:
        return _bare(text)
    if pieces.count("<") != 1 or pieces.count(">") != 1 or not text.endswith(">"):
        raise AddressError(f"{text[:80]!r} is not a mailbox", _HINT)
    start = pieces.index("<")
    address = "".join(pieces[start + 1 : pieces.index(">")])
    phrase = "".join(pieces[:start])
    if encoded:
        return Mailbox(_lenient_name(phrase), parse_address(address.strip(" \t")))
    found = Mailbox(_name(phrase), parse_address(address))
    if "@" in phrase:
        _refuse_second_address(phrase, found)
    return found


def _refuse_half_a_name(pieces: list[str]) -> None:
    """Refuse what stands before the comma in `Doe, John <john@example.com>`."""
    text = "".join(pieces).strip(" \t")
    if text and "@" not in text:
        hint = 'write local-part@domain; a name with a comma goes in double quotes: "Doe, John" <john@example.com>'
        raise AddressError(f"{text[:80]!r} is not an address: there is no @ in it", hint)


def _bare(text: str) -> Mailbox:
    if not text:
        raise AddressError("an empty entry in a list of addresses", "remove the extra comma")
    return Mailbox("", parse_address(text))


def _refuse_second_address(phrase: str, found: Mailbox) -> None:
    """RFC 5322 section 3.2.5: a name without quotes holds no @, and some readers take such a name for the address."""
    bare = any("@" in match.group() for match in _PHRASE.finditer(phrase) if match.group(1) is None)
    if bare and found.name.casefold() != found.address.written.casefold():
        hint = f'if {found.address.written} is meant, put the name in double quotes: "Ana @ Work" <ana@example.com>'
        raise AddressError(f"the display name {found.name[:80]!r} holds an @ without quotes", hint)


def _lenient_name(phrase: str) -> str:
    try:
        return _name(phrase)
    except AddressError:  # mail goes to the address; a name that nobody can read does not change where
        return phrase


def _name(phrase: str) -> str:
    return "".join(_word(match) for match in _PHRASE.finditer(phrase.strip(" \t")))


def _word(match: re.Match[str]) -> str:
    quoted: str | None = match.group(1)
    if quoted is not None:
        return re.sub(r"\\(.)", r"\1", quoted, flags=re.DOTALL)
    text = re.sub(r"[ \t]+", " ", match.group())
    return _decoded(text) if "=?" in text else text


def _decoded(text: str) -> str:
    from email.errors import MessageError as Undecodable  # noqa: PLC0415 - few programs hand us encoded words
    from email.header import decode_header, make_header  # noqa: PLC0415 - as above

    try:
        # `email.utils.formataddr` writes such words.
        return str(make_header(decode_header(text)))
    except (Undecodable, LookupError, ValueError) as error:
        raise AddressError(f"{text[:80]!r} is a broken encoded word", "give the name as plain text") from error
