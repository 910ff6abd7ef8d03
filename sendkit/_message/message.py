"""`Message`: what an author writes, checked as soon as it is made, and fixed from then on.

Knows every public field of a message and what it accepts; all that is wrong with one is a MessageError that names it.
Must not know how it is rendered, or to whom it goes in the end.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Self

from sendkit._message import late, portable
from sendkit._message.late import waiting
from sendkit._message.made import made, signature

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping
    from datetime import datetime
    from os import PathLike
    from pathlib import Path

    from sendkit._message.attachment import Attachment, Readable
    from sendkit._message.compose import AnyMessage
    from sendkit._message.invite import Invite
    from sendkit._message.mailbox import MailboxLike
    from sendkit._message.model import Fields
    from sendkit._message.purpose import AutoSubmitted, Priority, Unsubscribe
    from sendkit._message.ready import ReadyMessage
    from sendkit._message.template import MessageTemplate
    from sendkit._reading.lint import Advice
    from sendkit._smtp.envelope import Envelope

    Base = Fields
else:

    def _load() -> type:
        from sendkit._message.model import Fields  # noqa: PLC0415 - pydantic, 50 ms, and to send a message needs none

        return Fields

    Base = late.base(_load)


def _short(text: str) -> str:
    return text if len(text) <= 60 else f"{text[:59]}…"


class Message(Base):
    """A message to send: frozen, and checked when you create it.

    `sender`, `to`, `cc`, `bcc` and `reply_to` take mailboxes: strings (comma-separated lists too), `("Name",
    "address")` pairs in lists, or stdlib `Address` objects. `subject` is the subject, and `headers` are further
    header fields. If `text` is missing, it is made from `html` (a short note for html of over 512 Ki characters).
    `attachments` are paths, open binary files or `Attachment`s; `inline={"chart": png}` is shown by
    `<img src="cid:chart">`. `message_id`, `date` and `boundary` (of the parts) are fixed here; a copy with changes gets
    new ones. Without `sender`, it is SENDKIT_FROM of the environment, or, when the message is sent, the username of the
    account if that is an address; its Message-ID then gets that domain. Pickled, copied or as JSON, it keeps
    its octets.

    `unsubscribe` writes List-Unsubscribe (RFC 2369, RFC 8058); `auto_submitted=True` says that no person wrote it
    (RFC 3834); `priority` is "high", "normal" or "low"; `in_reply_to` is the message that it answers, or its
    Message-ID, and `references` the Message-IDs of its thread; `calendar` is an event to which it invites. Pictures
    in `data:` URIs of the html become inline parts.

    Raises MessageError, whose `.field` names what must change. Format: RFC 5322, RFC 2045.
    """

    if TYPE_CHECKING:

        def __init__(
            self,
            *,
            sender: MailboxLike | None = None,
            to: MailboxLike | Iterable[MailboxLike] | None = (),
            cc: MailboxLike | Iterable[MailboxLike] | None = (),
            bcc: MailboxLike | Iterable[MailboxLike] | None = (),
            reply_to: MailboxLike | Iterable[MailboxLike] | None = None,
            subject: str = "",
            text: str | None = None,
            html: str | None = None,
            inline: Mapping[str, bytes | PathLike[str] | Readable | Attachment] | None = None,
            attachments: Iterable[PathLike[str] | Readable | Attachment] | None = (),
            headers: Mapping[str, str] | None = None,
            unsubscribe: Unsubscribe | None = None,
            auto_submitted: AutoSubmitted | bool | None = None,
            priority: Priority | None = None,
            in_reply_to: str | AnyMessage | None = None,
            references: Iterable[str] | str | None = (),
            calendar: Invite | None = None,
            message_id: str = ...,
            date: datetime = ...,
            boundary: str = ...,
        ) -> None: ...
    else:

        def __init__(self, **data: Any) -> None:
            if type(self) is not Message:  # it may have further fields
                super().__init__(**data)
                return
            if waiting and late.is_loaded():
                late.become_model(Message)
            fields, given = made(data)
            late.fill(self, fields, given)

        __init__.__signature__ = signature()

    def __hash__(self) -> int:
        return hash(self.message_id)

    def __repr__(self) -> str:
        people = ", ".join(one.address.written for one in (*self.to, *self.cc, *self.bcc))
        files = ", ".join(one.filename for one in self.attachments)
        to, having = f" to {_short(people)}" if people else "", f" with {_short(files)}" if files else ""
        author = self.sender.address.written if self.sender else "(the account)"
        return f"<Message {_short(self.subject)!r} from {author}{to}{having}>"

    __str__ = __repr__

    def _repr_html_(self) -> str:
        from sendkit._message.preview import notebook_html  # noqa: PLC0415 - for notebooks, not for sending

        return notebook_html(self)

    def preview(self, *, open_browser: bool = True) -> Path:
        """Show the message in the browser, and send nothing; returns the path of the file, which `open_browser` opens.

        The file contains the whole message, and only this user can read it. Raises MessageError without a recipient.
        """
        from sendkit._message.preview import preview  # noqa: PLC0415 - for the author, not for sending

        return preview(self, open_browser=open_browser)

    def as_bytes(self) -> bytes:
        """The octets that would be sent: CRLF line ends, no Bcc, files read now. Raises MessageError."""
        from sendkit._message.render import render  # noqa: PLC0415 - which imports this module for its types

        return b"".join(render(self).blocks())

    def lint(self) -> tuple[Advice, ...]:
        """The problems that mail readers would have with it, each with a fix. Raises MessageError."""
        from sendkit._reading.lint import lint  # noqa: PLC0415 - for who writes the message, not for sending

        return lint(self.as_bytes())

    def to_json(self, *, embed_files: bool = True) -> str:
        """The message as JSON, with the files in it, or, without `embed_files`, their paths alone; it holds Bcc.

        Raises MessageError.
        The form is versioned (docs/messages.md), and that of `model_dump_json`.
        """
        return self.model_dump_json(context=None if embed_files else portable.PATHS)

    @classmethod
    def from_json(cls, text: str | bytes | bytearray, *, allow_paths: str | PathLike[str] | None = None) -> Self:
        """The message of the `text` that `to_json` wrote; it gives the same octets.

        A path in it is loaded only from the folder `allow_paths`, and refused without one: a person who writes to a
        queue must not choose files of the reader. Raises MessageError.
        """
        return cls(**portable.with_files(portable.parsed(text), allow_paths))

    @staticmethod
    def from_bytes(
        raw: bytes | bytearray | memoryview,
        *,
        envelope_from: str | None = None,
        recipients: Iterable[str] | Envelope | str | None = None,
    ) -> ReadyMessage:
        """Read a ready message (its octets, `raw`), unchanged except for line ends, Bcc and Resent-Bcc.

        The envelope is read from its headers (Resent-* first: RFC 5322 section 3.6.6) unless `envelope_from` and
        `recipients` give it. Raises
        MessageError for what no server would take.
        """
        from sendkit._message.ready import ready_message  # noqa: PLC0415 - most programs never need it

        return ready_message(raw, envelope_from=envelope_from, recipients=recipients)

    @staticmethod
    def template(
        *,
        sender: MailboxLike | None = None,
        reply_to: MailboxLike | Iterable[MailboxLike] | None = None,
        subject: str = "",
        text: str | None = None,
        html: str | None = None,
        inline: Mapping[str, bytes | PathLike[str] | Readable | Attachment] | None = None,
        attachments: Iterable[PathLike[str] | Readable | Attachment] | None = (),
        headers: Mapping[str, str] | None = None,
        unsubscribe: Unsubscribe | None = None,
        auto_submitted: AutoSubmitted | bool | None = None,
        priority: Priority | None = None,
    ) -> MessageTemplate:
        """Make a template for many messages: `$name` in `subject`, `text`, `html` and `headers` is filled by `merge`.

        In `unsubscribe` values are percent-encoded. `$$` is a dollar sign; everything else (`sender`, `reply_to`,
        `inline`, `attachments`, `auto_submitted`, `priority`) is as in a Message, read and written out once for all of
        them. Raises MessageError.
        """
        from sendkit._message.template import MessageTemplate  # noqa: PLC0415 - it is made of Messages

        return MessageTemplate(
            sender=sender,
            reply_to=reply_to,
            subject=subject,
            text=text,
            html=html,
            inline=inline,
            attachments=attachments,
            headers=headers,
            unsubscribe=unsubscribe,
            auto_submitted=auto_submitted,
            priority=priority,
        )
