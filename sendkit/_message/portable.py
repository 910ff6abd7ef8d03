"""Messages as JSON: for queues, archives and fixtures. What is loaded gives the same octets as what was dumped.

Knows the form (docs/messages.md): `kind` and `version` first; octets in base64; what has an order stands in a list,
because some stores sort the keys of an object. Files are embedded. A path in JSON is loaded only from a folder that
the reader names, since who writes to a queue must not choose files of who reads it.
Must not know what a message means.
"""

from __future__ import annotations

import json
from base64 import b64decode, b64encode
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any, ClassVar, Self, cast

from sendkit.errors import MessageError

if TYPE_CHECKING:
    from os import PathLike

    from pydantic_core import CoreSchema, core_schema

    from sendkit._message.attachment import Attachment

VERSION = 1
PATHS = {"embed_files": False}
"""The context of a dump by pydantic with the paths of files."""

_FORM = ("kind", "version")
_CLASSES = {"message": "Message", "ready": "ReadyMessage", "template": "MessageTemplate"}


def header_of(kind: str) -> dict[str, object]:
    """The first entries of every dump."""
    return {"kind": kind, "version": VERSION}


def without_header(kind: str, data: Mapping[str, Any]) -> dict[str, Any]:
    """The fields alone. Raises MessageError for another kind of message, or a version that is not known."""
    if (found := data.get("kind", kind)) != kind:
        named = str(found)[:80]
        hint = f"load it with {_CLASSES[named]}.from_json()" if named in _CLASSES else "give what to_json() wrote"
        raise MessageError(f"kind: {named!r} where {kind!r} is expected", field="kind", hint=hint)
    if (version := data.get("version", VERSION)) != VERSION:
        hint = "load it with the release of sendkit that wrote it, or a later one"
        raise MessageError(f"version: {str(version)[:80]!r} is not known", field="version", hint=hint)
    return {name: value for name, value in data.items() if name not in _FORM}


def parsed(text: str | bytes | bytearray) -> dict[str, Any]:
    """JSON as the fields of a message. Raises MessageError for what is not a JSON object."""
    try:
        data: object = json.loads(text)
    except (ValueError, TypeError, RecursionError) as error:
        raise MessageError(f"message: not JSON: {error}", field="message", hint="give what to_json() wrote") from error
    if not isinstance(data, dict):
        raise MessageError("message: JSON, but not an object", field="message", hint="give what to_json() wrote")
    return cast("dict[str, Any]", data)


def base64_of(octets: bytes) -> str:
    """Octets as JSON holds them."""
    return b64encode(octets).decode("ascii")


def octets_of(field: str, value: object) -> bytes:
    """Octets as they are, or from base64. Raises MessageError."""
    if isinstance(value, bytes | bytearray | memoryview):
        return bytes(cast("bytes", value))
    try:
        return b64decode(cast("str", value), validate=True)
    except (ValueError, TypeError) as error:
        raise MessageError(f"{field}: octets that are not base64", field=field, hint="give bytes, or base64") from error


def attachment_as_dict(attachment: Attachment, *, as_json: bool, embed: bool = True) -> dict[str, object]:
    """An attachment as plain values; in JSON a file is read now, unless `embed` is False. Raises MessageError."""
    found: dict[str, object] = {"filename": attachment.filename, "content_type": attachment.content_type}
    if attachment.content_id is not None:
        found["content_id"] = attachment.content_id
    if attachment.path is not None and not (as_json and embed):
        found["path"] = str(attachment.path) if as_json else attachment.path
    else:
        found["data"] = base64_of(attachment.read()) if as_json else attachment.data
    return found


def with_files(data: Mapping[str, Any], folder: str | PathLike[str] | None) -> dict[str, Any]:
    """The fields, with each path in them made a `Path` if it leads into the folder. Raises MessageError otherwise."""
    found = dict(data)
    for name in ("attachments", "inline"):
        if isinstance(entries := data.get(name), list):
            found[name] = [_with_file(name, entry, folder) for entry in cast("list[object]", entries)]
    return found


def _with_file(field: str, entry: object, folder: str | PathLike[str] | None) -> object:
    if not isinstance(entry, dict) or not isinstance(path := cast("dict[str, Any]", entry).get("path"), str):
        return entry  # pyright: ignore[reportUnknownVariableType] - it is an object
    if folder is None or folder == "":  # an unset variable is not the working directory
        hint = "load it with allow_paths=FOLDER, or dump it with its files embedded"
        raise MessageError(f"{field}: the JSON contains a path", field=field, hint=hint)
    try:
        root = Path(folder).resolve()
        found = (root / path).resolve()  # where links lead counts
    except (OSError, ValueError, RuntimeError) as error:  # a NUL in it; links in a circle, until Python 3.13
        raise MessageError(f"{field}: {path[:80]!r} is not a path", field=field, hint="give another one") from error
    if not found.is_relative_to(root):
        raise MessageError(f"{field}: {path[:80]!r} is outside the folder", field=field, hint="move the file into it")
    return {**cast("dict[str, Any]", entry), "path": found}


def embedded(attachments: Mapping[str, Attachment] | tuple[Attachment, ...]) -> object:
    """The same attachments, with the octets of their files in them. Raises MessageError."""
    if isinstance(attachments, Mapping):
        return {name: _embedded(attachment) for name, attachment in attachments.items()}
    return tuple(map(_embedded, attachments))


def _embedded(attachment: Attachment) -> Attachment:
    return attachment if attachment.path is None else replace(attachment, path=None, data=attachment.read())


class Portable:
    """`to_json` and `from_json` for classes that are not pydantic models, and what pydantic asks of a field's type."""

    __slots__ = ()
    _KIND: ClassVar[str]

    def _dump(self, *, as_json: bool, embed: bool) -> dict[str, object]:
        """The fields as plain values."""
        raise NotImplementedError

    @classmethod
    def _load(cls, data: Mapping[str, Any]) -> Self:
        """Made again from what `_dump` gave, and checked like everything that comes from outside."""
        raise NotImplementedError

    def to_json(self, *, embed_files: bool = True) -> str:
        """The message as JSON: versioned, its files in it (`embed_files`) or their paths alone. Raises MessageError."""
        return json.dumps({**header_of(self._KIND), **self._dump(as_json=True, embed=embed_files)})

    @classmethod
    def from_json(cls, text: str | bytes | bytearray, *, allow_paths: str | PathLike[str] | None = None) -> Self:
        """What `to_json` wrote (`text`); paths in it are loaded from the folder `allow_paths` alone.

        Raises MessageError.
        """
        return cls._load(with_files(without_header(cls._KIND, parsed(text)), allow_paths))

    def model_dump(self, *, mode: str = "python") -> dict[str, object]:
        """The fields as plain values; with `mode="json"` those of `to_json`."""
        if mode != "json":
            return self._dump(as_json=False, embed=True)
        return {**header_of(self._KIND), **self._dump(as_json=True, embed=True)}

    def model_dump_json(self) -> str:
        """As `to_json`."""
        return self.to_json()

    @classmethod
    def model_validate(cls, obj: object) -> Self:
        """The message of `obj`: what `model_dump` gave, or the message itself. Raises MessageError."""
        if isinstance(obj, cls):
            return obj
        if not isinstance(obj, Mapping):
            hint = f"give what model_dump() of a {cls.__name__} gave"
            raise MessageError(f"message: {type(obj).__name__} is not a {cls.__name__}", field="message", hint=hint)
        return cls._load(without_header(cls._KIND, cast("Mapping[str, Any]", obj)))

    @classmethod
    def model_validate_json(cls, json_data: str | bytes | bytearray) -> Self:
        """The message of `json_data`, as `from_json` without any path."""
        return cls.from_json(json_data)

    @classmethod
    def __get_pydantic_core_schema__(cls, _source: object, _handler: object) -> CoreSchema:
        from pydantic_core import core_schema  # noqa: PLC0415 - a part of pydantic, which asks for it

        dump = core_schema.plain_serializer_function_ser_schema(_dumped, info_arg=True)
        return core_schema.no_info_plain_validator_function(cls.model_validate, serialization=dump)


def _dumped(value: Portable, info: core_schema.SerializationInfo) -> dict[str, object]:
    return value.model_dump(mode=info.mode)
