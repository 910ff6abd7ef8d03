"""`Message`: what an author writes, checked as soon as it is made, and fixed from then on.

Knows every public field of a message and what it accepts; all that is wrong with one is a MessageError that names it.
Must not know how it is rendered, or to whom it goes in the end.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from datetime import datetime
from typing import TYPE_CHECKING, Annotated, Any, ClassVar, Self, cast

from pydantic import (
    BaseModel,
    ConfigDict,
    Field,
    PlainSerializer,
    PlainValidator,
    SerializationInfo,
    SerializerFunctionWrapHandler,
    ValidationError,
    model_serializer,
)

from sendkit._frozen import Checked
from sendkit._message import accept, portable, purpose
from sendkit._message.attachment import Attachment
from sendkit._message.invite import Invite, invite, invite_dump
from sendkit._message.mailbox import Mailbox, mailboxes_of
from sendkit._message.purpose import AutoSubmitted, Priority, Unsubscribe
from sendkit._message.written import Written

if TYPE_CHECKING:
    from collections.abc import Iterable
    from os import PathLike
    from pathlib import Path

    from sendkit._message.attachment import Readable
    from sendkit._message.compose import AnyMessage
    from sendkit._message.mailbox import MailboxLike
    from sendkit._message.ready import ReadyMessage
    from sendkit._message.template import MessageTemplate
    from sendkit._reading.lint import Advice
    from sendkit._smtp.envelope import Envelope

_Mailboxes = Annotated[
    tuple[Mailbox, ...],
    PlainValidator(mailboxes_of),
    PlainSerializer(lambda boxes: [str(box) for box in boxes], return_type=list[str]),
]
_MADE_HERE = frozenset({"message_id", "date", "boundary"})  # by each message for itself
_PATHS = {"embed_files": False}  # the context of a dump


def _as_json(info: SerializationInfo) -> bool:
    return info.mode == "json"


def _file_dump(attachment: Attachment, info: SerializationInfo) -> dict[str, object]:
    return portable.attachment_as_dict(attachment, as_json=_as_json(info), embed=info.context != _PATHS)


def _files_dump(attachments: tuple[Attachment, ...], info: SerializationInfo) -> list[dict[str, object]]:
    return [_file_dump(attachment, info) for attachment in attachments]


def _pictures_dump(pictures: Mapping[str, Attachment], info: SerializationInfo) -> object:
    found = {name: _file_dump(picture, info) for name, picture in pictures.items()}
    return list(found.values()) if _as_json(info) else found


def _headers_dump(headers: Mapping[str, str], info: SerializationInfo) -> object:
    return [list(pair) for pair in headers.items()] if _as_json(info) else dict(headers)


def _short(text: str) -> str:
    return text if len(text) <= 60 else f"{text[:59]}…"


class Message(Written, Checked, BaseModel):
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

    model_config: ClassVar[ConfigDict] = ConfigDict(
        frozen=True, extra="forbid", hide_input_in_errors=True, defer_build=True
    )

    sender: Annotated[
        Mailbox | None,
        PlainValidator(accept.sender),
        PlainSerializer(lambda box: None if box is None else str(box), return_type=str | None),
    ] = None
    to: _Mailboxes = ()
    cc: _Mailboxes = ()
    bcc: _Mailboxes = ()
    reply_to: _Mailboxes = ()
    subject: Annotated[str, PlainValidator(accept.subject)] = ""
    text: Annotated[str | None, PlainValidator(accept.body("text"))] = None
    html: Annotated[str | None, PlainValidator(accept.body("html"))] = None
    inline: Annotated[
        Mapping[str, Attachment], PlainValidator(accept.inline), PlainSerializer(_pictures_dump, return_type=Any)
    ] = Field(default_factory=accept.no_pictures)
    attachments: Annotated[
        tuple[Attachment, ...], PlainValidator(accept.attachments), PlainSerializer(_files_dump, return_type=Any)
    ] = ()
    headers: Annotated[
        Mapping[str, str], PlainValidator(accept.headers), PlainSerializer(_headers_dump, return_type=Any)
    ] = Field(default_factory=accept.no_headers)
    unsubscribe: Annotated[
        Unsubscribe | None,
        PlainValidator(purpose.unsubscribe),
        PlainSerializer(purpose.unsubscribe_dump, return_type=Any),
    ] = None
    auto_submitted: Annotated[AutoSubmitted | None, PlainValidator(purpose.auto_submitted)] = None
    priority: Annotated[Priority | None, PlainValidator(purpose.priority)] = None
    in_reply_to: Annotated[str | None, PlainValidator(purpose.in_reply_to)] = None
    references: Annotated[
        tuple[str, ...], PlainValidator(purpose.references), PlainSerializer(list, return_type=list[str])
    ] = ()
    calendar: Annotated[Invite | None, PlainValidator(invite), PlainSerializer(invite_dump, return_type=Any)] = None
    message_id: Annotated[str, PlainValidator(accept.message_id)] = Field(default_factory=accept.message_id_for)
    date: Annotated[
        datetime, PlainValidator(accept.date), PlainSerializer(datetime.isoformat, return_type=str, when_used="json")
    ] = Field(default_factory=accept.now)
    boundary: Annotated[str, PlainValidator(accept.boundary)] = Field(default_factory=accept.new_boundary, repr=False)

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
            filled = accept.completed(data)
            try:
                # As BaseModel does, whose own way costs as much as a field.
                self.__pydantic_validator__.validate_python(filled, self_instance=self)
            except ValidationError as error:
                raise accept.message_error(error) from error
            if self.inline or self.attachments or self.headers:
                accept.parts(vars(self))
            if filled is not data:
                self.__pydantic_fields_set__.intersection_update(data)
                self.__pydantic_fields_set__.difference_update(accept.derived(data))

    def __setstate__(self, state: dict[Any, Any]) -> None:
        # What an earlier release pickled has not every field of this one.
        for name, field in type(self).model_fields.items():
            if name not in state["__dict__"]:
                state["__dict__"][name] = field.get_default(call_default_factory=True, validated_data=state["__dict__"])
        super().__setstate__(state)

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

    def model_copy(self, *, update: Mapping[str, Any] | None = None, deep: bool = False) -> Self:
        """A copy, `deep` or not.

        With changes by `update` it is checked again, and what each message has of its own is new unless it is given.
        """
        if not update:
            return super().model_copy(deep=deep)
        kept = {name: getattr(self, name) for name in self.model_fields_set - _MADE_HERE}
        return type(self)(**{**kept, **update})

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
        return self.model_dump_json(context=None if embed_files else _PATHS)

    @classmethod
    def from_json(cls, text: str | bytes | bytearray, *, allow_paths: str | PathLike[str] | None = None) -> Self:
        """The message of the `text` that `to_json` wrote; it gives the same octets.

        A path in it is loaded only from the folder `allow_paths`, and refused without one: a person who writes to a
        queue must not choose files of the reader. Raises MessageError.
        """
        return cls(**portable.with_files(portable.parsed(text), allow_paths))

    @model_serializer(mode="wrap")
    def _dump(self, fields: SerializerFunctionWrapHandler, info: SerializationInfo) -> dict[str, Any]:
        found = cast("dict[str, Any]", fields(self))
        if self.html is not None and "text" in found and "text" not in self.model_fields_set:
            found["derived"] = ["text"]
        return {**portable.header_of("message"), **found} if _as_json(info) and info.include is None else found

    def model_dump(self, *, mode: str = "python", **options: Any) -> dict[str, Any]:
        """As pydantic's in this `mode` ("python", "json"), but raises MessageError for a file that cannot be read."""
        if mode == "json" and options.get("context") != _PATHS:
            # Before pydantic asks for it, which would hide what was raised.
            with_octets = {name: portable.embedded(getattr(self, name)) for name in ("inline", "attachments")}
            return BaseModel.model_dump(BaseModel.model_copy(self, update=with_octets), mode=mode, **options)
        return super().model_dump(mode=mode, **options)

    def model_dump_json(self, *, indent: int | None = None, **options: Any) -> str:
        """As pydantic's, by `indent` blanks, but raises MessageError for a file that cannot be read."""
        return json.dumps(self.model_dump(mode="json", **options), indent=indent, ensure_ascii=False)

    @classmethod
    def model_validate(cls, obj: Any, **options: Any) -> Self:
        """The message of `obj`, a dump or a message. As pydantic's, but raises MessageError."""
        try:
            return super().model_validate(obj, **options)
        except ValidationError as error:
            raise accept.message_error(error) from error

    @classmethod
    def model_validate_json(cls, json_data: str | bytes | bytearray, **options: Any) -> Self:
        """The message of `json_data`. As pydantic's, but raises MessageError."""
        return cls.model_validate(portable.parsed(json_data), **options)

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
