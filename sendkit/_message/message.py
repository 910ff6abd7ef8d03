"""`Message`: what an author writes, checked as soon as it is made, and fixed from then on.

Knows every public field of a message and what it accepts; all that is wrong with one is a MessageError that names it.
Must not know how it is rendered, or to whom it goes in the end.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import TYPE_CHECKING, Annotated, Any, Self

from pydantic import (
    BaseModel,
    ConfigDict,
    Field,
    PlainSerializer,
    PlainValidator,
    ValidationError,
    model_validator,
)

from sendkit._message import accept
from sendkit._message.attachment import Attachment
from sendkit._message.mailbox import Mailbox, mailbox_of, mailboxes_of

if TYPE_CHECKING:
    from collections.abc import Iterable
    from os import PathLike
    from pathlib import Path

    from sendkit._message.attachment import Readable
    from sendkit._message.mailbox import MailboxLike
    from sendkit._message.ready import ReadyMessage
    from sendkit._message.template import MessageTemplate
    from sendkit._smtp.envelope import Envelope

_Mailboxes = Annotated[
    tuple[Mailbox, ...],
    PlainValidator(mailboxes_of),
    PlainSerializer(lambda boxes: [str(box) for box in boxes], return_type=list[str]),
]


class Message(BaseModel):
    """A message to send: frozen, and checked when it is made.

    Mailboxes may be strings (comma lists too), `("Name", "address")` pairs in lists, or stdlib `Address` objects. A
    text is made from `html` when `text` is missing (a short note from html of over 512 Ki characters).
    `attachments` are paths, open binary files or `Attachment`s; `inline={"chart": png}` is shown by
    `<img src="cid:chart">`. `message_id` and `date` are fixed here; a copy with changes gets new ones. A `sender` that
    is left out is SENDKIT_FROM of the environment.
    Raises MessageError, whose `.field` names what must change. Format: RFC 5322, RFC 2045.
    """

    model_config = ConfigDict(frozen=True, extra="forbid", hide_input_in_errors=True, defer_build=True)

    sender: Annotated[Mailbox, PlainValidator(mailbox_of), PlainSerializer(str, return_type=str)]
    to: _Mailboxes = ()
    cc: _Mailboxes = ()
    bcc: _Mailboxes = ()
    reply_to: _Mailboxes = ()
    subject: Annotated[str, PlainValidator(accept.subject)] = ""
    text: Annotated[str | None, PlainValidator(accept.body("text"))] = None
    html: Annotated[str | None, PlainValidator(accept.body("html"))] = None
    inline: Annotated[Mapping[str, Attachment], PlainValidator(accept.inline)] = Field(default_factory=dict)
    attachments: Annotated[tuple[Attachment, ...], PlainValidator(accept.attachments)] = ()
    headers: Annotated[Mapping[str, str], PlainValidator(accept.headers)] = Field(default_factory=dict)
    message_id: Annotated[str, PlainValidator(accept.message_id)] = Field(default_factory=accept.message_id_for)
    date: Annotated[datetime, PlainValidator(accept.date)] = Field(default_factory=accept.now)

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
            message_id: str = ...,
            date: datetime = ...,
        ) -> None: ...
    else:

        def __init__(self, **data: Any) -> None:
            try:
                super().__init__(**accept.completed(data))
            except ValidationError as error:
                raise accept.message_error(error) from error
            self.__pydantic_fields_set__.intersection_update(data)

    @model_validator(mode="after")
    def _check_parts(self) -> Self:
        if self.inline or self.attachments:
            accept.parts(self.html, self.inline, self.attachments)
        return self

    def __hash__(self) -> int:
        return hash(self.message_id)

    def model_copy(self, *, update: Mapping[str, Any] | None = None, deep: bool = False) -> Self:
        """A copy; with changes it is checked again, and has its own Message-ID and Date unless they are given."""
        if not update:
            return super().model_copy(deep=deep)
        kept = {name: getattr(self, name) for name in self.model_fields_set - {"message_id", "date"}}
        return type(self)(**{**kept, **update})

    def preview(self, *, open_browser: bool = True) -> Path:
        """Show the message in the browser, and send nothing; returns the file that was opened.

        The file holds all of it, and only this user may read it. Raises MessageError where there is no recipient.
        """
        from sendkit._message.preview import preview  # noqa: PLC0415 - for the author, not for sending

        return preview(self, open_browser=open_browser)

    @classmethod
    def model_validate(cls, obj: Any, **options: Any) -> Self:
        """As pydantic's, but raises MessageError."""
        try:
            return super().model_validate(obj, **options)
        except ValidationError as error:
            raise accept.message_error(error) from error

    @classmethod
    def model_validate_json(cls, json_data: str | bytes | bytearray, **options: Any) -> Self:
        """As pydantic's, but raises MessageError."""
        try:
            return super().model_validate_json(json_data, **options)
        except ValidationError as error:
            raise accept.message_error(error) from error

    @staticmethod
    def from_bytes(
        raw: bytes | bytearray | memoryview,
        *,
        envelope_from: str | None = None,
        recipients: Iterable[str] | Envelope | str | None = None,
    ) -> ReadyMessage:
        """Take a ready message as it is: line ends normalised, Bcc and Resent-Bcc taken out, else untouched.

        The envelope is read from its headers (Resent-* first: RFC 5322 section 3.6.6) unless it is given. Raises
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
    ) -> MessageTemplate:
        """Make a template for many messages: `$name` in subject, text, html and header values is filled by `merge`.

        `$$` is a dollar sign; everything else is as in a Message, read and written out once for all of them. Raises
        MessageError.
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
        )
