"""The fields of a message as a model of pydantic's: their types, how each is dumped, and what is done by their names.

What checks them, and what they are where they are not given, is the table in `made.py`. Loads pydantic, which a program
that makes, renders and sends messages has no need of.
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
from sendkit._message.invite import Invite, invite_dump
from sendkit._message.late import become_model
from sendkit._message.made import CHECKS, DEFAULTS, MADE_HERE, given, message_error
from sendkit._message.mailbox import Mailbox
from sendkit._message.purpose import AutoSubmitted, Priority, Unsubscribe


def _as_json(info: SerializationInfo) -> bool:
    return info.mode == "json"


def _file_dump(attachment: Attachment, info: SerializationInfo) -> dict[str, object]:
    return portable.attachment_as_dict(attachment, as_json=_as_json(info), embed=info.context != portable.PATHS)


def _files_dump(attachments: tuple[Attachment, ...], info: SerializationInfo) -> list[dict[str, object]]:
    return [_file_dump(attachment, info) for attachment in attachments]


def _pictures_dump(pictures: Mapping[str, Attachment], info: SerializationInfo) -> object:
    found = {name: _file_dump(picture, info) for name, picture in pictures.items()}
    return list(found.values()) if _as_json(info) else found


def _headers_dump(headers: Mapping[str, str], info: SerializationInfo) -> object:
    return [list(pair) for pair in headers.items()] if _as_json(info) else dict(headers)


def _check(name: str) -> PlainValidator:
    return PlainValidator(CHECKS[name])


def _default(name: str) -> Any:
    if (make := _FACTORIES.get(name)) is None:
        return DEFAULTS[name]
    return Field(default_factory=make, repr=name != "boundary")


_FACTORIES: dict[str, Any] = {
    "inline": accept.no_pictures,  # a plain default would be copied for each
    "headers": accept.no_headers,
    "message_id": accept.message_id_for,
    "date": accept.now,
    "boundary": accept.new_boundary,
}
_MAILBOXES = PlainSerializer(lambda boxes: [str(box) for box in boxes], return_type=list[str])


class Fields(Checked, BaseModel):
    """What `Message` is a model of."""

    __slots__ = ()  # as the stand-in of this class (`late.py`)
    model_config: ClassVar[ConfigDict] = ConfigDict(
        frozen=True, extra="forbid", hide_input_in_errors=True, defer_build=True
    )

    sender: Annotated[
        Mailbox | None,
        _check("sender"),
        PlainSerializer(lambda box: None if box is None else str(box), return_type=str | None),
    ] = _default("sender")
    to: Annotated[tuple[Mailbox, ...], _check("to"), _MAILBOXES] = _default("to")
    cc: Annotated[tuple[Mailbox, ...], _check("cc"), _MAILBOXES] = _default("cc")
    bcc: Annotated[tuple[Mailbox, ...], _check("bcc"), _MAILBOXES] = _default("bcc")
    reply_to: Annotated[tuple[Mailbox, ...], _check("reply_to"), _MAILBOXES] = _default("reply_to")
    subject: Annotated[str, _check("subject")] = _default("subject")
    text: Annotated[str | None, _check("text")] = _default("text")
    html: Annotated[str | None, _check("html")] = _default("html")
    inline: Annotated[Mapping[str, Attachment], _check("inline"), PlainSerializer(_pictures_dump, return_type=Any)] = (
        _default("inline")
    )
    attachments: Annotated[
        tuple[Attachment, ...], _check("attachments"), PlainSerializer(_files_dump, return_type=Any)
    ] = _default("attachments")
    headers: Annotated[Mapping[str, str], _check("headers"), PlainSerializer(_headers_dump, return_type=Any)] = (
        _default("headers")
    )
    unsubscribe: Annotated[
        Unsubscribe | None, _check("unsubscribe"), PlainSerializer(purpose.unsubscribe_dump, return_type=Any)
    ] = _default("unsubscribe")
    auto_submitted: Annotated[AutoSubmitted | None, _check("auto_submitted")] = _default("auto_submitted")
    priority: Annotated[Priority | None, _check("priority")] = _default("priority")
    in_reply_to: Annotated[str | None, _check("in_reply_to")] = _default("in_reply_to")
    references: Annotated[tuple[str, ...], _check("references"), PlainSerializer(list, return_type=list[str])] = (
        _default("references")
    )
    calendar: Annotated[Invite | None, _check("calendar"), PlainSerializer(invite_dump, return_type=Any)] = _default(
        "calendar"
    )
    message_id: Annotated[str, _check("message_id")] = _default("message_id")
    date: Annotated[
        datetime, _check("date"), PlainSerializer(datetime.isoformat, return_type=str, when_used="json")
    ] = _default("date")
    boundary: Annotated[str, _check("boundary")] = _default("boundary")

    if not TYPE_CHECKING:

        def __init__(self, **data: Any) -> None:
            """For subclasses of Message, which may have further fields."""
            filled = accept.completed(data)
            try:
                # As BaseModel does, whose own way costs as much as a field.
                self.__pydantic_validator__.validate_python(filled, self_instance=self)
            except ValidationError as error:
                raise message_error(error) from error
            if self.inline or self.attachments or self.headers:
                accept.parts(vars(self))
            if filled is not data:
                self.__pydantic_fields_set__.intersection_update(given(data, filled))

    def __setstate__(self, state: dict[Any, Any]) -> None:
        # What an earlier release pickled has not every field of this one.
        for name, field in type(self).model_fields.items():
            if name not in state["__dict__"]:
                state["__dict__"][name] = field.get_default(call_default_factory=True, validated_data=state["__dict__"])
        super().__setstate__(state)

    def model_copy(self, *, update: Mapping[str, Any] | None = None, deep: bool = False) -> Self:
        """A copy, `deep` or not.

        With changes by `update` it is checked again, and what each message has of its own is new unless it is given.
        """
        if not update:
            return super().model_copy(deep=deep)
        kept = {name: getattr(self, name) for name in self.model_fields_set - MADE_HERE}
        return type(self)(**{**kept, **update})

    @model_serializer(mode="wrap")
    def _dump(self, fields: SerializerFunctionWrapHandler, info: SerializationInfo) -> dict[str, object]:
        found = cast("dict[str, Any]", fields(self))
        if self.html is not None and "text" in found and "text" not in self.model_fields_set:
            found["derived"] = ["text"]
        return {**portable.header_of("message"), **found} if _as_json(info) and info.include is None else found

    def model_dump(self, *, mode: str = "python", **options: Any) -> dict[str, Any]:
        """As pydantic's in this `mode` ("python", "json"), but raises MessageError for a file that cannot be read."""
        if mode == "json" and options.get("context") != portable.PATHS:
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
        become_model(cls)  # another thread may be in the middle of it
        try:
            return super().model_validate(obj, **options)
        except ValidationError as error:
            raise message_error(error) from error

    @classmethod
    def model_validate_json(cls, json_data: str | bytes | bytearray, **options: Any) -> Self:
        """The message of `json_data`. As pydantic's, but raises MessageError."""
        return cls.model_validate(portable.parsed(json_data), **options)

    @classmethod
    def model_validate_strings(cls, obj: Any, **options: Any) -> Self:
        """The message of `obj`, whose values are texts. As pydantic's."""
        become_model(cls)  # as above
        return super().model_validate_strings(obj, **options)

    @classmethod
    def model_json_schema(cls, *arguments: Any, **options: Any) -> dict[str, Any]:
        """The JSON schema. As pydantic's, with its `arguments`."""
        become_model(cls)  # as above
        return super().model_json_schema(*arguments, **options)
