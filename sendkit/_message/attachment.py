"""Attachments: a name, a media type, and octets at hand or in a file (RFC 2183, RFC 2392 for inline ones).

A file is looked for when the attachment is made; a small one is read when the message is rendered, a large one when it
is sent. Must not know MIME trees.
"""

from __future__ import annotations

import inspect
import os
import re
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import TYPE_CHECKING, Protocol, cast, runtime_checkable

from sendkit._message.characters import check_text
from sendkit._message.foreign import cure_for
from sendkit._message.media_types import media_type_of
from sendkit._message.pieces import whole
from sendkit._message.portable import octets_of
from sendkit._message.stored import look_into
from sendkit.errors import MessageError

if TYPE_CHECKING:
    from sendkit._message.pieces import Octets

_MEDIA_TYPE = re.compile(r"[A-Za-z0-9][A-Za-z0-9!#$&^_.+-]{0,126}/[A-Za-z0-9][A-Za-z0-9!#$&^_.+-]{0,126}")
_TYPE_PARAMETER = re.compile(r'\s*([A-Za-z0-9!#$&^_.+-]+)\s*=\s*(?:"([^"\\]*)"|([^\s"\\;,()<>@:/\[\]?=]+))\s*')
_CONTENT_ID = re.compile(r"[A-Za-z0-9!#$&'*+/=?^_`{|}~.@-]{1,200}")
_MAGIC = ((b"\x89PNG\r\n\x1a\n", "png"), (b"\xff\xd8\xff", "jpeg"), (b"GIF87a", "gif"), (b"GIF89a", "gif"))
_PACKED = {".gz": b"\x1f\x8b", ".bz2": b"BZh", ".xz": b"\xfd7zXZ"}  # how each begins
_SVG = re.compile(rb"<svg[\s>]")
_SVG_STARTS = (b"<svg", b"<?xml", b"<!--", b"<!DOCTYPE svg")


@runtime_checkable
class Readable(Protocol):
    """An open binary file."""

    def read(self) -> bytes | str: ...


@dataclass(slots=True, frozen=True, kw_only=True)
class Attachment:
    """A file attached to a message. Create one with `from_path`, `from_bytes` or `from_file`.

    It has a `filename`, a `content_type` such as `text/csv; charset=utf-8`, and its octets as `data`, or in the file
    `path`. With a `content_id` it is an inline part, which html refers to as `src="cid:…"`. Raises MessageError for
    names and types that no header can carry.
    """

    filename: str
    content_type: str
    content_id: str | None = None
    data: bytes | None = field(default=None, repr=False)
    path: Path | None = None

    def __post_init__(self) -> None:
        _check_filename(self.filename)
        parse_media_type(self.content_type)
        if self.content_id is not None:
            check_content_id(self.content_id)
        if (self.data is None) == (self.path is None):
            raise _refuse("an Attachment needs either data or a path", "use from_bytes, from_path or from_file")
        if self.data is not None and type(self.data) is not bytes:
            object.__setattr__(self, "data", as_octets("attachments", self.data))  # nobody can change a copy

    @classmethod
    def from_bytes(
        cls,
        data: bytes | bytearray | memoryview,
        *,
        filename: str,
        content_type: str | None = None,
        content_id: str | None = None,
    ) -> Attachment:
        """Attach octets (`data`) as `filename`, from which the `content_type` follows unless it is given.

        `content_id` makes it an inline part.
        """
        kind = content_type or media_type_of(filename)
        return cls(filename=filename, content_type=kind, content_id=content_id, data=as_octets("attachments", data))

    @classmethod
    def from_path(
        cls,
        path: str | os.PathLike[str],
        filename: str | None = None,
        content_type: str | None = None,
        *,
        content_id: str | None = None,
    ) -> Attachment:
        """Attach the file `path`, which must exist and be readable now; it is read when the message is sent.

        `filename` is that of the path, and `content_type` follows from it, unless they are given; `content_id` makes it
        an inline part.

        A file over 64 KB is sent in blocks and never loaded whole, unless its type is `message/…`. If it has changed
        before a retry, nothing more is sent.
        """
        try:
            file = Path(path).absolute()  # the working directory may be another one by then
            there, readable = file.is_file(), os.access(file, os.R_OK)
        except (OSError, ValueError) as error:  # a folder that may not be read, a name that is too long
            what = error.strerror if isinstance(error, OSError) else str(error)
            raise _refuse(f"the file {str(path)!r} cannot be read: {what}", "give another path") from error
        if not there:
            raise _no_file(file, str(path))
        if not readable:
            raise _refuse(f"the file {str(path)!r} may not be read", "change its permissions")
        name = file.name if filename is None else filename
        return cls(filename=name, content_type=content_type or media_type_of(name), content_id=content_id, path=file)

    @classmethod
    def from_file(
        cls,
        file: Readable,
        filename: str | None = None,
        content_type: str | None = None,
        *,
        content_id: str | None = None,
    ) -> Attachment:
        """Attach the rest of an open binary `file`; it is read at once.

        `filename` is that of the file, and `content_type` follows from it, unless they are given; `content_id` makes it
        an inline part.

        A file that is decompressed as it is read, such as one of `gzip.open`, is attached without `.gz` in its name.
        """
        data = _read(file)
        name = _name_of(file, data) if filename is None else filename
        return cls.from_bytes(data, filename=name, content_type=content_type, content_id=content_id)

    def read(self) -> bytes:
        """The octets. Raises MessageError if the file no longer exists."""
        return whole(source_of(self))


def source_of(attachment: Attachment) -> Octets:
    """The octets, or the file where it is large. Raises MessageError when it is gone."""
    return look_into(attachment.path) if attachment.path is not None else attachment.data or b""


def attachment_of(value: object) -> Attachment:
    """Read one attachment from any form that `Message.attachments` takes. Raises MessageError."""
    if isinstance(value, Attachment):
        return value
    if isinstance(value, str):
        raise _refuse(
            f"the str {value[:80]!r} is not an attachment", f'write Path("{repr(value[:80])[1:-1]}") for a file'
        )
    if isinstance(value, bytes | bytearray | memoryview):
        raise _refuse("bytes have no file name", "use Attachment.from_bytes(data, filename=…)")
    if isinstance(value, os.PathLike):
        return Attachment.from_path(cast("os.PathLike[str]", value))
    if isinstance(value, tuple):
        raise _refuse("a tuple is not an attachment", 'write Attachment.from_bytes(data, filename="report.pdf")')
    if isinstance(value, dict):
        return _from_dict(cast("dict[str, object]", value))
    if isinstance(value, Readable):
        return Attachment.from_file(value)
    cure = cure_for(value, "give a Path, an open binary file or an Attachment")
    raise _refuse(f"{type(value).__name__} is not an attachment", cure)


def _from_dict(value: dict[str, object]) -> Attachment:
    """What `model_dump` made of an Attachment; a path must be a `Path`, which nobody can write in JSON."""
    names = ("filename", "content_type", "content_id")
    if unknown := value.keys() - {*names, "data", "path"}:
        raise _refuse(f"an attachment has no {min(unknown)!r}", "give what model_dump() gave")
    texts = {name: text for name in names if isinstance(text := value.get(name), str)}
    if missing := {"filename", "content_type"} - texts.keys():
        raise _refuse(f"an attachment without {min(missing)}", "give what model_dump() gave")
    path, data = value.get("path"), value.get("data")
    if path is None:
        return Attachment.from_bytes(octets_of("attachments", data), **texts)
    if not isinstance(path, Path):
        raise _refuse("a path that is a str", "give a Path; from JSON, use from_json(…, allow_paths=FOLDER)")
    return Attachment.from_path(path, **texts)


def inline_of(name: str, value: object) -> Attachment:
    """Read one entry of `Message.inline`: picture bytes, a Path, a file or an Attachment. Raises MessageError."""
    check_content_id(name, field="inline")
    try:
        if isinstance(value, bytes | bytearray | memoryview):
            return _picture(name, as_octets("inline", cast("bytes", value)))
        return replace(attachment_of(value), content_id=name)
    except MessageError as error:
        raise MessageError(
            error.message.replace("attachments:", f"inline: {name!r}:", 1), field="inline", hint=error.hint
        ) from error


def _picture(name: str, data: bytes) -> Attachment:
    kind = sniff(data)
    filename = f"{name}.{kind.partition('/')[2].removesuffix('+xml')}"
    return Attachment(filename=filename, content_type=kind, content_id=name, data=data)


def as_octets(field: str, data: object) -> bytes:
    """A copy of any kind of bytes. Raises MessageError for everything else."""
    if not isinstance(data, bytes | bytearray | memoryview):
        raise MessageError(f"{field}: {type(data).__name__} is not bytes", field=field, hint="encode text first")
    return bytes(cast("bytes", data))


def sniff(data: bytes) -> str:
    """The media type of a picture by its first octets: PNG, JPEG, GIF, WebP or SVG. Raises MessageError."""
    for magic, kind in _MAGIC:
        if data.startswith(magic):
            return f"image/{kind}"
    if data[:4] == b"RIFF" and data[8:12] == b"WEBP":
        return "image/webp"
    if (start := data[:4096].removeprefix(b"\xef\xbb\xbf").lstrip()).startswith(_SVG_STARTS) and _SVG.search(start):
        return "image/svg+xml"
    raise _refuse("these bytes are not a picture of a known kind", "name it: Attachment.from_bytes(data, filename=…)")


def parse_media_type(text: str) -> tuple[str, dict[str, str]]:
    """Read `type/subtype; name=value` (RFC 2045 section 5.1). Raises MessageError; multipart types are refused."""
    if not isinstance(cast("object", text), str):
        raise _refuse(f"a content type must be text, not {type(text).__name__}", "write one such as application/pdf")
    check_text("attachments", text)
    kind, *parameters = text.split(";")
    found: dict[str, str] = {}
    for parameter in parameters:
        match = _TYPE_PARAMETER.fullmatch(parameter)
        if match is None or not text.isascii():
            raise _refuse(f"{text[:80]!r} is not a content type", "write one such as text/csv; charset=utf-8")
        found[match[1].lower()] = match[2] or match[3] or ""
    if _MEDIA_TYPE.fullmatch(kind.strip()) is None or kind.strip().lower().startswith("multipart/"):
        raise _refuse(f"{text[:80]!r} is not the content type of a file", "write one such as application/pdf")
    return kind.strip().lower(), found


def check_content_id(text: str, *, field: str = "attachments") -> None:
    """Refuse a name that cannot stand in `cid:` (RFC 2392). Raises MessageError."""
    if not isinstance(cast("object", text), str) or _CONTENT_ID.fullmatch(text) is None:
        raise MessageError(
            f"{field}: {str(text)[:80]!r} is not a content id", field=field, hint="letters, digits, dots and hyphens"
        )


def _no_file(file: Path, path: str) -> MessageError:
    if file.is_dir():
        return _refuse(
            f"there is no file {path!r}: it is a folder",
            "attach its files one by one, or a zip file of it (shutil.make_archive)",
        )
    if file.exists():
        return _refuse(
            f"there is no file {path!r}: it is a pipe or a device", "read it: Attachment.from_bytes(…, filename=…)"
        )
    return _refuse(f"there is no file {path!r}", "give the path of a file that exists")


def _read(file: Readable) -> bytes:
    try:
        data: object = file.read()
    except Exception as error:  # closed files, those opened for writing, broken archives, whatever it is made of
        raise _refuse(
            f"a file object that cannot be read: {error or type(error).__name__}",
            "open it for reading, and close it later",
        ) from error
    if inspect.isawaitable(data):
        if inspect.iscoroutine(data):
            data.close()
        raise _refuse("a file object that is read with await", "use Attachment.from_bytes(await file.read(), …)")
    if isinstance(data, str):
        raise _refuse("a file opened as text", 'open it in binary mode: open(…, "rb")')
    return as_octets("attachments", data)


def _name_of(file: object, data: bytes) -> str:
    name = getattr(file, "name", None)  # a descriptor's number for files that have none
    if not isinstance(name, str | os.PathLike):
        raise _refuse("a file object without a name", "use Attachment.from_file(file, filename=…)")
    found = Path(cast("str | os.PathLike[str]", name)).name
    packed = next((ending for ending in _PACKED if found.lower().endswith(ending)), None)
    return found if packed is None or data.startswith(_PACKED[packed]) else found[: -len(packed)] or found


def _check_filename(name: object) -> None:
    if not isinstance(name, str):
        raise _refuse(f"a file name must be text, not {type(name).__name__}", "of a path, give path.name")
    if not name:
        raise _refuse("an attachment without a file name", "give filename=…")
    if name != name.strip():
        raise _refuse(f"the file name {name[:80]!r} begins or ends with white space", "readers drop it; take it out")
    if len(name) > 1 and name[0] + name[-1] in {'""', "<>"}:
        raise _refuse(f"the file name {name[:80]!r} is in quotes", "readers drop them; take them out")
    if len(name) > 255:
        raise _refuse(f"a file name of {len(name)} characters", "255 at most; no file system takes longer ones")
    check_text("attachments", name)


def _refuse(problem: str, hint: str) -> MessageError:
    return MessageError(f"attachments: {problem}", field="attachments", hint=hint)
