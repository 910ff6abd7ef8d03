"""What each field of a Message takes. One function a field: the value as it is kept, or an error that says what to do.

Must not know pydantic.
"""

from __future__ import annotations

import functools
import os
import re
import time
from collections.abc import Callable, Iterable, Mapping
from datetime import UTC, datetime, timedelta, timezone
from typing import Any, TypeGuard, cast

from sendkit._lifetime import logs
from sendkit._lifetime.exits import refuse_when_gone
from sendkit._message import purpose
from sendkit._message.attachment import Attachment, Readable, attachment_of, inline_of
from sendkit._message.characters import check_field_name, check_text
from sendkit._message.drawn import drawn
from sendkit._message.fields import header_field, needs_value
from sendkit._message.foreign import is_table, text_for
from sendkit._message.invite import Invite
from sendkit._message.mailbox import Mailbox, mailbox_of
from sendkit._message.portable import without_header
from sendkit._message.read_only import ReadOnlyMapping
from sendkit.errors import MessageError

_FURTHER = frozenset({"calendar", "in_reply_to"})
_LONE_SURROGATE = re.compile("[\ud800-\udfff]")
_MESSAGE_ID = re.compile(r"<[!-;=?A-Z\[\]^-~\\]+@[!-;=?A-Z\[\]^-~\\]+>")
_BOUNDARY = re.compile(r"[0-9a-f]{32}")
_OWNED = {  # each with the field to use instead
    "from": "sender", "to": "to", "cc": "cc", "bcc": "bcc", "reply-to": "reply_to", "subject": "subject",
    "date": "date", "message-id": "message_id", "resent-bcc": "bcc", "return-path": "envelope_from of send()",
    "mime-version": "text or html (sendkit writes it)",
}  # fmt: skip

NOBODY = "sender.invalid"
"""The domain in the Message-ID of a message whose sender is not known yet."""

_NO_HEADERS: Mapping[str, str] = ReadOnlyMapping({})
_NO_PICTURES: Mapping[str, Attachment] = ReadOnlyMapping({})


def no_headers() -> Mapping[str, str]:
    """None at all; one value for all messages (as a plain default, pydantic would copy it for each)."""
    return _NO_HEADERS


def no_pictures() -> Mapping[str, Attachment]:
    """None at all, as above."""
    return _NO_PICTURES


def sender(value: object) -> Mailbox | None:
    """One mailbox, or nobody yet."""
    return None if value is None else mailbox_of(value)


def subject(value: object) -> str:
    """Any text that fits a header."""
    text = _text("subject", value)
    check_text("subject", text)
    return text


def body(field: str) -> Callable[[object], str | None]:
    """Any text at all, or None."""

    def check(value: object) -> str | None:
        if value is None:
            return None
        text = _text(field, value)
        if not text.isascii() and _LONE_SURROGATE.search(text):
            raise _refuse(field, "holds a lone surrogate", "decode it with the right encoding first")
        return text

    return check


def attachments(value: object) -> tuple[Attachment, ...]:
    """Paths, open binary files and Attachments; never a str."""
    if value is None:
        return ()
    # Whether something is an open file is a costly question, and to make a union another one.
    if isinstance(value, dict):
        raise _refuse("attachments", "dict is not a list", 'write [Attachment.from_bytes(data, filename="report.pdf")]')
    if isinstance(value, (list, tuple)) or _is_many(value):
        return tuple(map(attachment_of, cast("Iterable[object]", value)))
    return (attachment_of(value),)


def _is_many(value: object) -> TypeGuard[Iterable[object]]:
    alone = isinstance(value, str | bytes | bytearray | memoryview | Readable)
    return isinstance(value, Iterable) and not alone and not is_table(cast("object", value))


def inline(value: object) -> Mapping[str, Attachment]:
    """Pictures by the name that html calls them: bytes, Path, file or Attachment; or a list, as JSON has it."""
    if value is None:
        return _NO_PICTURES
    if (dicts := _list_of(dict, value)) is not None:
        listed = [attachment_of(item) for item in dicts]
        value = {item.content_id or "": item for item in listed}
        if len(value) < len(listed):
            raise _refuse("inline", "two pictures of one name", "give each a content_id of its own")
    if not isinstance(value, Mapping):
        raise _refuse("inline", f"{type(value).__name__} is not a mapping", 'write inline={"chart": png_bytes}')
    given = cast("Mapping[str, object]", value)
    return ReadOnlyMapping({name: inline_of(name, item) for name, item in given.items()})


def headers(value: object) -> Mapping[str, str]:
    """Further header fields; those that sendkit writes itself are refused with the name of the field to use."""
    if value is None:
        return _NO_HEADERS
    checked: dict[str, str] = {}
    for key, text in by_name(value).items():
        _check_header(key, content := _text("headers", text))
        checked[key] = content
    return ReadOnlyMapping(checked)


def by_name(value: object) -> dict[str, object]:
    """What a mapping says of each header field, or a list of pairs, as JSON has them; each name once."""
    found: dict[str, object] = {}
    for given, text in _pairs(value):
        name = _text("headers", given)
        if name.lower() in map(str.lower, found):
            raise _refuse("headers", f"{name[:80]!r} stands there twice", "keep one")
        found[name] = text
    return found


def _pairs(value: object) -> Iterable[tuple[object, object]]:
    if isinstance(value, Mapping):
        return cast("Mapping[object, object]", value).items()
    listed = _list_of(list, value)
    if listed is None or not all(len(cast("list[object]", pair)) == 2 for pair in listed):
        raise _refuse("headers", f"{type(value).__name__} is not a mapping", 'write headers={"X-Report": "42"}')
    return cast("list[tuple[object, object]]", listed)


def _list_of(kind: type, value: object) -> list[object] | None:
    """The value if it is a list of such, as JSON has them."""
    if not isinstance(value, list):
        return None
    items = cast("list[object]", value)
    return items if all(isinstance(item, kind) for item in items) else None


def message_id(value: object) -> str:
    """A Message-ID with its angle brackets (RFC 5322 section 3.6.4)."""
    text = _text("message_id", value)
    if _MESSAGE_ID.fullmatch(text) is None or len(text) > 250:
        raise _refuse("message_id", f"{text[:80]!r} is not a Message-ID", "write one such as <unique@example.com>")
    return text


def boundary(value: object) -> str:
    """What the boundaries of a message hold: hexadecimal digits that nobody can guess."""
    text = _text("boundary", value)
    if _BOUNDARY.fullmatch(text) is None:
        raise _refuse("boundary", f"{text[:80]!r} is not a boundary", "leave it out, or give 32 hexadecimal digits")
    return text


def date(value: object) -> datetime:
    """A moment with its time zone, to the second."""
    if isinstance(value, str):
        value = _moment(value)
    if not isinstance(value, datetime):
        raise _refuse("date", f"{type(value).__name__} is not a datetime", "give a datetime with a time zone")
    if (offset := value.utcoffset()) is None:
        raise _refuse("date", "a datetime without time zone", "write datetime.now().astimezone()")
    return _with_whole_minutes(value.replace(microsecond=0), offset)


def _with_whole_minutes(value: datetime, offset: timedelta) -> datetime:
    """The same moment with an offset that four digits can say (RFC 5322 section 3.3), as those before 1900 are not."""
    odd = offset % timedelta(minutes=1)
    try:
        value.astimezone(UTC)  # which signatures and invitations say it in
        return value.astimezone(timezone(offset - odd)) if odd else value
    except (OverflowError, ValueError) as error:  # an offset of -23:59:01 would become -24:00
        raise _refuse("date", "a moment out of all bounds", "give a date of these years") from error


def _moment(text: str) -> datetime:
    try:
        return datetime.fromisoformat(text)
    except ValueError as error:
        raise _refuse(
            "date", f"{text[:80]!r} is not a date with a time", "write one such as 2026-12-01T10:00:00+01:00"
        ) from error


def parts(fields: Mapping[str, Any]) -> None:
    """What only the fields together show: inline pictures need html, each content id and each header is there once."""
    inline, headers = fields["inline"], fields["headers"]
    if inline and fields["html"] is None:
        raise _refuse("inline", "inline pictures without html", 'give html with <img src="cid:…">, or attach them')
    seen = set(inline)
    for attachment in fields["attachments"]:
        if attachment.content_id in seen:
            raise _refuse("attachments", f"the content id {attachment.content_id!r} is there twice", "rename one")
        if attachment.content_id is not None:
            seen.add(attachment.content_id)
    if headers:
        purpose.check_once(fields, headers)


def completed(data: Mapping[str, object]) -> Mapping[str, object]:
    """The given fields, and beside them what follows from them or is usual: a text made from html, a sender."""
    if "version" in data or "derived" in data:
        data = {name: value for name, value in without_header("message", data).items() if name != "derived"}
    html, text = data.get("html"), data.get("text")
    if isinstance(html, str) and "data:image/" in html:
        data = _with_pictures(data, html)
    if text is None and isinstance(html, str) and (html.isascii() or not _LONE_SURROGATE.search(html)):
        from sendkit._message.plaintext import text_of  # noqa: PLC0415 - most authors write both

        data = {**data, "text": text_of(html)}
    if data.get("sender") is None and (usual := os.environ.get("SENDKIT_FROM")):
        data = {**data, "sender": usual}
    return data if _FURTHER.isdisjoint(data) else _with_further(data)


def derived(data: Mapping[str, object]) -> Iterable[str]:
    """The fields of a dump that were made from others."""
    named: Any = data.get("derived", ())
    if not isinstance(named, list | tuple) or any(one != "text" for one in cast("list[object]", named)):
        raise _refuse("derived", f"{str(cast('object', named))[:80]!r} is not known", "give what to_json() wrote")
    return cast("Iterable[str]", named)


def _with_pictures(data: Mapping[str, object], html: str) -> Mapping[str, object]:
    from sendkit._message.data_uris import with_parts  # noqa: PLC0415 - seldom needed

    html, pictures = with_parts(html)
    return {**data, "html": html, "inline": {**pictures, **inline(data.get("inline"))}}


def _with_further(data: Mapping[str, object]) -> Mapping[str, object]:
    """What follows from an invitation, and from a message that is answered."""
    calendar, answered = data.get("calendar"), data.get("in_reply_to")
    if isinstance(calendar, Invite) and data.get("text") is None:
        data = {**data, "text": calendar.text()}
    if answered is not None:
        named = data.get("references") or purpose.references_of(answered)
        data = {**data, "in_reply_to": purpose.in_reply_to(answered), "references": named}
    return data


def message_id_for(fields: Mapping[str, Any]) -> str:
    """A Message-ID for the checked fields of a message; a sender that is wrong is not among them, and refused later."""
    author = fields.get("sender")
    return logs.written(new_message_id(author.address.domain if author else NOBODY))


def now() -> datetime:
    """This moment, as a Date has it: to the second, with the local offset."""
    return _in_second(int(time.time()), (time.tzname, time.timezone, time.altzone))


@functools.lru_cache(maxsize=1)
def _in_second(second: int, _place: object) -> datetime:
    refuse_when_gone()  # Python 3.13.0 crashes here then
    # Many messages are made in the same second, and to ask for the local offset takes longer than all the rest.
    return date(datetime.fromtimestamp(second, UTC).astimezone())


def new_message_id(domain: str) -> str:
    """A Message-ID that nobody has had (RFC 5322 section 3.6.4)."""
    return f"<{drawn()}@{domain}>"


def new_boundary() -> str:
    """What nobody can foresee (RFC 2046 section 5.1.1), so that a stranger cannot write what ends a part."""
    return drawn()


def _check_header(name: str, text: str) -> None:
    check_field_name("headers", name)
    lower = name.lower()
    if lower in _OWNED or lower.startswith("content-"):
        raise _refuse(
            "headers", f"{name} is not set here", f"use the field {_OWNED.get(lower, 'attachments, text or html')}"
        )
    check_text("headers", text)
    if not text.strip() and needs_value(name):
        return  # it does not go out
    try:
        header_field(name, text)
    except MessageError as error:
        raise _refuse("headers", error.message, error.hint or "") from error


def _text(field: str, value: object) -> str:
    if not isinstance(value, str):
        raise _refuse(field, f"{type(value).__name__} is not text", text_for(value))
    return value


def _refuse(field: str, problem: str, hint: str) -> MessageError:
    return MessageError(f"{field}: {problem}", field=field, hint=hint)
