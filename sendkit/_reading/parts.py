"""The inside of a received message: its head, its texts, its files and its links, whoever wrote them.

The one place that asks `email` for something, and expects an error for an answer: its parser was written for
messages, and is given octets. Header fields with raw UTF-8 (RFC 6532) are read as such. Must not know who asks.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from email import message_from_bytes, policy
from email.message import EmailMessage
from types import MappingProxyType
from typing import TYPE_CHECKING, Self, TypeVar, cast

from sendkit._reading.html import Element, events_of
from sendkit._reading.transfer import decoded

if TYPE_CHECKING:
    from collections.abc import Mapping

Value = TypeVar("Value")

_WEB_ADDRESS = re.compile(r"https?://[^\s<>\"'`]+", re.IGNORECASE)
_EMPTY_LINE = re.compile(rb"(?:\A|\r?\n)\r?\n")
_BEHIND_A_LINK = ".,;:!?)]}"
_MAX_HTML = 512 * 1024  # characters, as in `_message/plaintext`


@dataclass(slots=True, frozen=True)
class ReceivedPart:
    """A file in a message: `filename` ("" where it has none), `content_type` (as `image/png`) and its octets."""

    filename: str
    content_type: str
    data: bytes = field(repr=False)
    content_id: str | None = None

    @property
    def size(self) -> int:
        """How many octets it has."""
        return len(self.data)


def parsed(content: bytes) -> EmailMessage:
    """The content as the standard library reads it; the head alone where its parts are nested too deeply for that."""
    octets = content.replace(b"\r\n", b"\n")
    try:
        return message_from_bytes(octets, policy=policy.default)
    except Exception:  # noqa: BLE001 - RecursionError, and whatever else a stranger's octets make the parser raise
        head, _, body = octets.partition(b"\n\n")
        kept = [line for line in re.split(rb"\n(?![ \t])", head) if not line.lower().startswith(b"content-")]
        return message_from_bytes(b"\n".join(kept) + b"\n\n" + body, policy=policy.default)


def head_of(content: bytes) -> bytes:
    """The header section: everything before the first empty line (RFC 5322 section 2.1)."""
    found = _EMPTY_LINE.search(content)
    return content if found is None else content[: found.end()]


class Headers:
    """The header fields of a message, each decoded when it is asked for."""

    def __init__(self, message: EmailMessage) -> None:
        self._fields = [(name, _unfolded(str(value))) for name, value in message.raw_items()]

    @property
    def fields(self) -> tuple[tuple[str, str], ...]:
        """Names and values, in order."""
        return tuple((_printable(name), _decoded(name, text)) for name, text in self._fields)

    def first(self, name: str) -> str:
        """The first value under that name, or ""."""
        return next((_decoded(name, text) for text in self._named(name)), "")

    def mailboxes(self, name: str) -> tuple[str, ...]:
        """The mailboxes of an address field, as they are written to people."""
        return tuple(_printable(str(one)) for text in self._named(name) for one in _addresses(name, text))

    def _named(self, name: str) -> Iterator[str]:
        return (text for key, text in self._fields if key.lower() == name.lower())


def _unfolded(value: str) -> str:
    # `email` keeps octets beyond ASCII as surrogates; in a header field they are UTF-8, or nothing (RFC 6532).
    return value.encode("utf-8", "surrogateescape").decode("utf-8", "replace").replace("\r", "").replace("\n", "")


def _decoded(name: str, text: str) -> str:
    return _printable(_safely(lambda: str(policy.default.header_factory(name, text)), text))


def _addresses(name: str, text: str) -> tuple[object, ...]:
    return _safely(lambda: tuple(policy.default.header_factory(name, text).addresses), ())


@dataclass(slots=True, frozen=True)
class Parts:
    """The bodies and the files of a message."""

    text: str
    html: str
    attachments: tuple[ReceivedPart, ...]
    inline: Mapping[str, ReceivedPart]

    @classmethod
    def of(cls, message: EmailMessage) -> Self:
        """Sort the parts; the first text that is not an attachment is the text, the first html the html."""
        bodies: dict[str, str] = {}
        files: list[ReceivedPart] = []
        inline: dict[str, ReceivedPart] = {}
        for part in _leaves(message):
            kind = _kind(part)
            if kind in ("text/plain", "text/html") and kind not in bodies and not _is_file(part):
                bodies[kind] = _text(part)
                continue
            found = _part(part, kind)
            if found.content_id and not _is_attachment(part):
                inline.setdefault(found.content_id, found)
            else:
                files.append(found)
        text, html = bodies.get("text/plain", ""), bodies.get("text/html", "")
        return cls(text, html, tuple(files), MappingProxyType(inline))


def _leaves(message: EmailMessage) -> Iterator[EmailMessage]:
    """The parts that hold something themselves, in order; an enclosed message is one of them."""
    left: list[EmailMessage] = [message]
    while left:
        part = left.pop()
        inside = part.get_payload()
        if isinstance(inside, list) and _safely(part.get_content_maintype, "") != "message":
            left.extend(reversed(cast("list[EmailMessage]", inside)))
        else:
            yield part


def _kind(part: EmailMessage) -> str:
    kind = _safely(part.get_content_type, "application/octet-stream")
    # What claims to have parts, and has none that could be found, is read as the text that it is.
    return "text/plain" if kind.startswith("multipart/") else kind


def _is_attachment(part: EmailMessage) -> bool:
    return _safely(part.get_content_disposition, None) == "attachment"


def _is_file(part: EmailMessage) -> bool:
    return _is_attachment(part) or bool(_safely(part.get_filename, None))


def _part(part: EmailMessage, kind: str) -> ReceivedPart:
    name = _printable(_safely(part.get_filename, None) or "")
    identity = _printable(_safely(lambda: str(part["Content-ID"] or ""), "")).strip()
    return ReceivedPart(name, _printable(kind), _data(part), identity.removeprefix("<").removesuffix(">") or None)


def _data(part: EmailMessage) -> bytes:
    inside = part.get_payload()
    if isinstance(inside, list):  # message/rfc822 and its kin
        return b"".join(_safely(one.as_bytes, b"") for one in cast("list[EmailMessage]", inside))
    return _safely(lambda: decoded(part), b"")


def _text(part: EmailMessage) -> str:
    charset = _safely(part.get_content_charset, None) or "utf-8"
    data = _data(part)
    text = _safely(lambda: data.decode("utf-8" if charset == "us-ascii" else charset, "replace"), None)
    return _printable(data.decode("utf-8", "replace") if text is None else text).replace("\r\n", "\n")


def links_in(html: str, text: str) -> tuple[str, ...]:
    """The targets of the html's links, and the web addresses in the text; each once, in order."""
    found = [
        address
        for event in events_of(html[:_MAX_HTML])
        if isinstance(event, Element) and event.name in ("a", "area")
        if (address := event.attributes().get("href", "").strip())
    ]
    found.extend(address.rstrip(_BEHIND_A_LINK) for address in _WEB_ADDRESS.findall(text))
    return tuple(dict.fromkeys(map(_printable, found)))


def _safely(ask: Callable[[], Value], otherwise: Value) -> Value:
    try:
        return ask()
    except Exception:  # noqa: BLE001 - AttributeError, IndexError, LookupError …: `email` has no list of what it raises
        return otherwise


def _printable(text: str) -> str:
    """The text without surrogates, which no page and no file could hold."""
    return text.encode("utf-8", "replace").decode()
