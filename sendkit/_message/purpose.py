"""Header fields for programs: how to unsubscribe, what a message answers, that it was sent automatically, its priority.

Knows RFC 2369 and RFC 8058 (List-Unsubscribe), RFC 5322 section 3.6.4 (In-Reply-To), RFC 3834 (Auto-Submitted), RFC
2156 (Importance). Each field of a Message here becomes header fields. Must not know MIME.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING, Final, Literal, Protocol, TypeAlias, cast, runtime_checkable

from sendkit._message.characters import check_text
from sendkit._message.fields import plain_field
from sendkit._message.mailbox import mailbox_of
from sendkit._smtp.address import AddressError
from sendkit.errors import MessageError

if TYPE_CHECKING:
    from sendkit._message.message import Message

AutoSubmitted: TypeAlias = Literal["auto-generated", "auto-replied"]
Priority: TypeAlias = Literal["high", "normal", "low"]

NAMES: Final = frozenset({"unsubscribe", "auto_submitted", "priority", "in_reply_to", "references"})
_HEADERS: Final = {  # which the fields write, so that nobody else may
    "unsubscribe": ("list-unsubscribe", "list-unsubscribe-post"), "auto_submitted": ("auto-submitted",),
    "priority": ("importance", "x-priority", "priority"), "in_reply_to": ("in-reply-to",),
    "references": ("references",),
}  # fmt: skip
_LEVELS: Final = {"high": "1", "normal": "3", "low": "5"}
_ID = re.compile(r"<[^<>\s]+>")


@dataclass(slots=True, frozen=True)
class Unsubscribe:
    """How a recipient unsubscribes: `url`, an https page that takes one click (RFC 8058), `mailto`, a mailbox, or both.

    `Unsubscribe("https://example.com/u/4F2A", mailto="leave@example.com")`. The page must unsubscribe on POST with the
    body `List-Unsubscribe=One-Click`, without further questions. In a template both can contain placeholders.
    Raises MessageError for what is not an https URL, and for what is not an address.
    """

    url: str | None = None
    mailto: str | None = None

    def __post_init__(self) -> None:
        for text in (self.url, self.mailto):
            if not isinstance(cast("object", text), str | None):
                raise _refuse("unsubscribe", f"{type(text).__name__} is not text", "give str")
        if self.url is None and self.mailto is None:
            raise _refuse("unsubscribe", "neither url nor mailto", 'give Unsubscribe("https://…", mailto="…")')
        if self.url is not None:
            _check_url(self.url)
        if self.mailto is not None:
            _check_uri(self.mailto)
            _check_mailbox(self.mailto.removeprefix("mailto:").partition("?")[0])

    def fields(self) -> str:
        """The header fields."""
        mailto = "" if self.mailto is None else f"mailto:{self.mailto.removeprefix('mailto:')}"
        targets = ", ".join(f"<{target}>" for target in (self.url, mailto) if target)
        found = plain_field("List-Unsubscribe", targets)
        return found if self.url is None else f"{found}List-Unsubscribe-Post: List-Unsubscribe=One-Click\r\n"


def _check_url(url: str) -> None:
    from urllib.parse import urlsplit  # noqa: PLC0415 - few messages go to lists

    try:
        parts = urlsplit(url)
    except ValueError as error:
        raise _refuse("unsubscribe", f"{url[:80]!r} is not a URL", "write https://…") from error
    if parts.scheme.lower() != "https" or not parts.hostname:
        raise _refuse(
            "unsubscribe", f"{url[:80]!r} is not an https URL", "one click needs https (RFC 8058 section 3.1)"
        )
    _check_uri(url)


def _check_mailbox(address: str) -> None:
    if "$" in address:  # it is filled in by each message of a template
        return
    try:
        mailbox_of(address)
    except AddressError as error:
        raise _refuse("unsubscribe", error.problem, error.hint) from error


def _check_uri(uri: str) -> None:
    check_text("unsubscribe", uri)
    if not uri.isascii() or re.search(r'[\s<>"]', uri):
        raise _refuse("unsubscribe", f"{uri[:80]!r} is not a URI", "percent-encode what is not ASCII, and blanks")


def unsubscribe(value: object) -> Unsubscribe | None:
    """An Unsubscribe, or what its dump gave."""
    if value is None or isinstance(value, Unsubscribe):
        return value
    fields = cast("Mapping[str, object]", value) if isinstance(value, Mapping) else {"": None}
    if not fields.keys() <= {"url", "mailto"} or not all(isinstance(text, str | None) for text in fields.values()):
        raise _refuse("unsubscribe", "this is not an Unsubscribe", 'write Unsubscribe("https://…")')
    return Unsubscribe(**cast("dict[str, str | None]", dict(fields)))


def unsubscribe_dump(value: Unsubscribe | None) -> dict[str, str | None] | None:
    """Its plain values."""
    return None if value is None else asdict(value)


def auto_submitted(value: object) -> AutoSubmitted | None:
    """One of the two words of RFC 3834, or True for the first."""
    if value in (None, False):
        return None
    if value is True:
        return "auto-generated"
    if value in ("auto-generated", "auto-replied"):
        return value
    hint = 'give "auto-generated", or "auto-replied" to an answer'
    raise _refuse("auto_submitted", f"{str(value)[:80]!r} is not known", hint)


def priority(value: object) -> Priority | None:
    """One of three words."""
    if value is None or (isinstance(value, str) and value in _LEVELS):
        return cast("Priority | None", value)
    raise _refuse("priority", f"{str(value)[:80]!r} is not known", 'give "high", "normal" or "low"')


@runtime_checkable
class _HasMessageID(Protocol):
    @property
    def message_id(self) -> str | None: ...


def in_reply_to(value: object) -> str | None:
    """The Message-ID of what is answered: of a message of any kind, or as text."""
    if value is None:
        return None
    found = value if isinstance(value, str) else _first(value, "Message-ID")
    if found is None or _ID.fullmatch(found.strip()) is None:
        hint = "give the message that is answered, or its Message-ID: <…@…>"
        raise _refuse("in_reply_to", "there is no Message-ID in it", hint)
    return found.strip()


def references(value: object) -> tuple[str, ...]:
    """Message-IDs, the oldest first: as text, or in a list."""
    if value is None:
        return ()
    if not isinstance(value, Iterable):
        raise _refuse("references", f"{type(value).__name__} is not a Message-ID", "give such as <…@…>")
    listed = [value] if isinstance(value, str) else list(cast("Iterable[object]", value))
    found = [match for text in listed for match in _ID.findall(str(text))]
    if not found and any(str(text).strip() for text in listed):
        raise _refuse("references", "there is no Message-ID in it", "give such as <…@…>")
    return tuple(dict.fromkeys(found))


def references_of(answered: object) -> tuple[str, ...]:
    """What an answer refers to (RFC 5322 section 3.6.4): the references of what it answers, and that itself."""
    own = in_reply_to(answered)
    if isinstance(answered, str) or own is None:
        return () if own is None else (own,)
    before = getattr(answered, "references", None)
    text = " ".join(cast("tuple[str, ...]", before)) if before else _first(answered, "References") or ""
    if not text:
        text = _first(answered, "In-Reply-To") or ""
    return references([text, own])


def _first(message: object, name: str) -> str | None:
    """The value of a header field of a message of any kind."""
    if name == "Message-ID" and isinstance(message, _HasMessageID):
        return message.message_id
    fields: object = getattr(message, "fields", None)
    if isinstance(fields, tuple):  # a ready message
        listed = cast("tuple[_Field, ...]", fields)
        return next((item.text for item in listed if item.key == name.lower()), None)
    headers: object = getattr(message, "headers", message)
    if isinstance(headers, Mapping):
        found = {key.lower(): text for key, text in cast("Mapping[str, str]", headers).items()}
        return found.get(name.lower())
    get: object = getattr(message, "header", None) or getattr(message, "get", None)
    value: object = get(name) if callable(get) else None
    return None if value is None else re.sub(r"\r?\n(?=[ \t])", "", str(value)).strip()


class _Field(Protocol):
    @property
    def key(self) -> str: ...
    @property
    def text(self) -> str: ...


def check_once(fields: Mapping[str, object], headers: Mapping[str, str]) -> None:
    """Refuse a header field that another field of the message writes."""
    given = {key.lower() for key in headers}
    for name, written in _HEADERS.items():
        if fields.get(name) and (twice := given.intersection(written)):
            raise _refuse("headers", f"{min(twice)} is there twice", f"give it by {name}= or by headers=")


def purpose_fields(message: Message) -> str:
    """The header fields of all these options."""
    found = ""
    if message.in_reply_to is not None:
        found += plain_field("In-Reply-To", message.in_reply_to)
    if message.references:
        found += plain_field("References", " ".join(message.references))
    if message.auto_submitted is not None:
        found += f"Auto-Submitted: {message.auto_submitted}\r\n"
    if message.priority is not None:
        found += f"Importance: {message.priority}\r\nX-Priority: {_LEVELS[message.priority]}\r\n"
    if message.unsubscribe is not None:
        found += message.unsubscribe.fields()
    return found


def _refuse(field: str, problem: str, hint: str) -> MessageError:
    return MessageError(f"{field}: {problem}", field=field, hint=hint)
