"""Mail merge: a message with `$name` in it, written out once, and again only where a recipient makes a difference.

Knows placeholders (those of `string.Template`) and what a value must not bring into a header, or into html. What it
makes are Messages like any other; they share the parts that no value changes. Must not know to whom they go.
"""

from __future__ import annotations

import os
from dataclasses import asdict
from datetime import datetime
from hashlib import blake2b
from html import escape
from string import Template
from typing import TYPE_CHECKING, cast
from urllib.parse import quote

from sendkit._message import accept
from sendkit._message.derived import DerivedText
from sendkit._message.late import fill
from sendkit._message.mailbox import mailboxes_of
from sendkit._message.message import Message
from sendkit._message.plaintext import text_of
from sendkit._message.portable import PATHS, Portable, base64_of, octets_of
from sendkit._message.purpose import Unsubscribe
from sendkit._message.read_only import ReadOnlyMapping
from sendkit._message.render import SHARED, shared_parts
from sendkit._smtp.address import AddressError
from sendkit.errors import MessageError

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping
    from typing import Any, Self

    from sendkit._message.mailbox import Mailbox, MailboxLike

_FIELDS = frozenset(
    {
        "sender",
        "reply_to",
        "subject",
        "text",
        "html",
        "inline",
        "attachments",
        "headers",
        "boundary_key",
        "unsubscribe",
        "auto_submitted",
        "priority",
    }
)
_STAND_IN = "a@b.c"  # what every kind of header takes


class MessageTemplate(Portable):
    """A template for many messages with different values. Create one with `Message.template`."""

    _KIND = "template"

    def __init__(self, **fields: Any) -> None:
        self._key = octets_of("boundary_key", fields.pop("boundary_key", None) or os.urandom(16))
        fields = {name: value for name, value in fields.items() if value is not None}
        given = cast("dict[str, str]", accept.by_name(fields.pop("headers", {})))  # Message judges the values
        headers = {name: _template("headers", value) for name, value in given.items()}
        self._headers = {name: template for name, template in headers.items() if template is not None}
        self._prototype = Message(**fields, headers={**given, **dict.fromkeys(self._headers, _STAND_IN)})
        self._subject = _template("subject", self._prototype.subject)
        self._html = _template("html", self._prototype.html)
        self._derived = "text" not in self._prototype.model_fields_set
        self._text = None if self._derived else _template("text", self._prototype.text)
        self._text_of = DerivedText(self._html) if self._derived and self._html is not None else None
        leave = asdict(self._prototype.unsubscribe) if self._prototype.unsubscribe else {}
        self._unsubscribe = {name: Template(text) for name, text in leave.items() if text and "$" in text}
        own = (self._subject, self._text, self._html, *self._headers.values(), *self._unsubscribe.values())
        self._names = frozenset(name for template in own if template for name in template.get_identifiers())
        self._shared = shared_parts(self._prototype)
        self._given_headers = given
        self._common = {**vars(self._prototype), SHARED: self._shared}
        self._given = self._prototype.model_fields_set

    def _dump(self, *, as_json: bool, embed: bool) -> dict[str, object]:
        context = None if embed else PATHS
        names = set(_FIELDS - {"headers", "boundary_key"})
        if self._derived:
            names.remove("text")
        found = self._prototype.model_dump(mode="json" if as_json else "python", include=names, context=context)
        found["headers"] = [[name, text] for name, text in self._given_headers.items()]
        return {**found, "boundary_key": base64_of(self._key) if as_json else self._key}

    @classmethod
    def _load(cls, data: Mapping[str, Any]) -> Self:
        if unknown := data.keys() - _FIELDS:
            hint = "give what to_json() of a template wrote"
            raise MessageError(f"a template has no field {min(unknown)!r}", field=min(unknown), hint=hint)
        return cls(**{**data, "headers": accept.by_name(data.get("headers") or {})})

    @property
    def placeholders(self) -> frozenset[str]:
        """The names that `merge` needs values for."""
        return self._names

    def merge(
        self,
        values: Mapping[str, object] | None = None,
        /,
        *,
        to: MailboxLike | Iterable[MailboxLike] | None = (),
        cc: MailboxLike | Iterable[MailboxLike] | None = (),
        bcc: MailboxLike | Iterable[MailboxLike] | None = (),
        message_id: str | None = None,
        date: datetime | None = None,
        **more: object,
    ) -> Message:
        """Make the message for one recipient, with its own Message-ID and Date.

        `to`, `cc` and `bcc` are as in a Message; `message_id` and `date` are new unless they are given. The values come
        by keyword, or as a mapping `values` (a row of a table), which may hold more than is asked for. In html they
        are escaped, except those with an `__html__` method, whose text stands everywhere else. Raises MessageError
        for a value that is missing or None, for a keyword that is not a placeholder, and for what `Message` would not
        take.
        """
        if values is not None and not hasattr(values, "keys"):
            hint = 'write merge({"name": "Ana"}, to=…), or merge(name="Ana", to=…)'
            raise _refuse(f"{type(values).__name__} is not a mapping of values", hint)
        filled = self._filled({**values, **more} if values else more, more)
        update: dict[str, Any] = {
            "to": _mailboxes("to", to),
            "cc": _mailboxes("cc", cc),
            "bcc": _mailboxes("bcc", bcc),
            "message_id": accept.message_id(message_id) if message_id else accept.message_id_for(vars(self._prototype)),
            "boundary": self._boundary(message_id) if message_id else accept.new_boundary(),
            "date": accept.date(date) if date else accept.now(),
            **self._own(filled),
        }
        # Not by the validators once more: all of it was checked just now, or when the template was made.
        given = self._given | update.keys()
        if self._derived:
            given.discard("text")
        return fill(Message.__new__(Message), {**self._common, **update}, given)

    def _boundary(self, message_id: str) -> str:
        """For one message, here and where the template was loaded from JSON, the same; for everybody else a secret."""
        return blake2b(message_id.encode(), key=self._key, digest_size=16).hexdigest()

    def _filled(self, values: Mapping[str, object], keywords: Mapping[str, object]) -> dict[str, object]:
        if unknown := keywords.keys() - self._names:
            hint = f"it has {', '.join(f'${name}' for name in sorted(self._names)) or 'none'}"
            raise _refuse(f"the template has no placeholder ${min(unknown)}", hint)
        found = {name: values[name] for name in self._names if values.get(name) is not None}
        if missing := self._names - found.keys():
            raise _refuse(f"there is no value for ${min(missing)}", f"write merge(…, {min(missing)}=…)")
        return found

    def _own(self, values: Mapping[str, object]) -> dict[str, Any]:
        """The fields that the values make a difference in."""
        own: dict[str, Any] = {}
        given, values = values, {name: _plain(value) for name, value in values.items()}
        if self._subject is not None:
            own["subject"] = accept.subject(self._subject.substitute(values))
        if self._text is not None:
            own["text"] = _text(self._text.substitute(values))
        if self._html is not None:
            html = self._html.substitute({name: _escaped(value) for name, value in given.items()})
            own["html"] = _html(html)
            if self._text_of is not None:
                own["text"] = self._text_of.of(html, given)
        if self._headers:
            checked = accept.headers({name: template.substitute(values) for name, template in self._headers.items()})
            own["headers"] = ReadOnlyMapping({**self._prototype.headers, **checked})
        if self._unsubscribe:
            quoted = {name: _quoted(value) for name, value in values.items()}
            own["unsubscribe"] = Unsubscribe(
                **{name: template.substitute(quoted) for name, template in self._unsubscribe.items()}
            )
        return own


_text, _html = accept.body("text"), accept.body("html")


def _template(field: str, value: object) -> Template | None:
    """A template, or None for what has no `$` in it or is not text, which Message judges."""
    if not isinstance(value, str) or "$" not in value:
        return None
    template = Template(value)
    if not template.is_valid():
        raise MessageError(f"{field}: a $ that begins no placeholder", field=field, hint="write $$ for a dollar sign")
    return template


def _escaped(value: object) -> str:
    # The usual sign of text that is html already, as `markupsafe.Markup` gives it.
    html = getattr(value, "__html__", None)
    return escape(str(value)) if html is None else str(html())


def _quoted(value: object) -> str:
    try:
        return quote(str(value), safe="")
    except UnicodeEncodeError as error:
        problem = "a value for unsubscribe holds a lone surrogate"
        raise _refuse(problem, "decode it with the right encoding first") from error


def _plain(value: object) -> object:
    """What stands where there is no html: of a value that is html, its text."""
    html = getattr(value, "__html__", None)
    return value if html is None else text_of(str(html())).strip("\n")


def _mailboxes(field: str, value: object) -> tuple[Mailbox, ...]:
    try:
        return mailboxes_of(value)
    except AddressError as error:
        raise MessageError(f"{field}: {error.problem}", field=field, hint=error.hint) from error


def _refuse(problem: str, hint: str) -> MessageError:
    return MessageError(f"merge: {problem}", field="merge", hint=hint)
