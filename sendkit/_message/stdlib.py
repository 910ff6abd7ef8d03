"""Messages of the standard library, taken as they are: EmailMessage, MIMEMultipart, any policy.

Works on a copy and ends with octets, which then go the way of every ready message. The fields of the head are written
by us, because stdlib folding breaks some of them (addresses in other scripts, long references) and lets others through
(a lone CR in a value); the parts are written by stdlib.
"""

from __future__ import annotations

import re
from collections import Counter
from copy import deepcopy
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from email.errors import HeaderMissingRequiredValue, MessageDefect, NonASCIILocalPartDefect, ObsoleteHeaderDefect
from email.errors import MessageError as StdlibMessageError
from email.generator import BytesGenerator
from email.message import Message as StdlibMessage
from email.policy import EmailPolicy
from email.utils import collapse_rfc2231_value, format_datetime, parsedate_to_datetime
from io import BytesIO
from typing import TYPE_CHECKING, cast

from sendkit._message.accept import new_message_id
from sendkit._message.characters import check_field_name, check_text
from sendkit._message.fields import (
    ADDRESS_FIELDS,
    STRUCTURED_FIELDS,
    encoded_words,
    mailbox_field,
    needs_value,
    parameter_field,
    plain_field,
    text_field,
)
from sendkit._message.head import SIGNATURES, HeaderField, refuse, reverse_path_in
from sendkit._message.header_list import mailboxes_in
from sendkit._message.octets import base64_lines
from sendkit._message.ready import ReadyMessage, ready_message
from sendkit._message.recode import is_sealed, survives, with_seals
from sendkit._reading.transfer import encoding_of
from sendkit._smtp.address import AddressError
from sendkit.errors import MessageError

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator
    from email.message import Message

    from sendkit._message.letter import Redirection

_FOLD = re.compile(r"\r?\n(?=[ \t])")
_LONG_ZONE = re.compile(r"([+-])[0-9]{4}([0-9]{2}(?:\.[0-9]+)?)$")
_RAW_OCTETS = re.compile("[\udc80-\udcff]")  # how stdlib keeps octets over 127 in a str
_ENCODING = "Content-Transfer-Encoding"


def ready_from_stdlib(message: Message, redirection: Redirection) -> ReadyMessage:
    """Write a copy of `message` out, with Message-ID and Date where they are missing. Raises MessageError."""
    try:
        return _ready(deepcopy(message), redirection)
    except MessageError:
        raise
    except (StdlibMessageError, ValueError, LookupError, TypeError, AttributeError, RecursionError) as error:
        charset = isinstance(error, UnicodeEncodeError)
        hint = 'name the charset of its text: set_payload(text, "utf-8")' if charset else "correct the message"
        raise refuse(f"the email package cannot write it out: {error}", hint) from error


def _ready(copy: Message, redirection: Redirection) -> ReadyMessage:
    if any(name.lower() in SIGNATURES for name in copy.keys()):  # noqa: SIM118 - a message is not a mapping of its own
        return ready_message(copy.as_bytes())  # which is what was signed; to add a field or to encode would undo it
    given = [(name, _text(name, value)) for name, value in copy.raw_items() if not _of_the_body(name)]
    texts = [(name, text) for name, text in given if text or not needs_value(name)]
    # The envelope keeps the spelling of the author, which the octets do not (A-labels, encoded words).
    written = tuple(HeaderField(name, f"{name}: {text}\r\n".encode()) for name, text in texts)
    head = [*(_field(name, text) for name, text in texts), *_missing(written, redirection)]
    _prepare(copy)
    ready = ready_message("".join(head).encode() + _body(copy))
    names = [*(field.partition(":")[0] for field in head if field), *(name for name, _ in copy.raw_items())]
    if [field.name for field in ready.fields] != names:
        raise refuse("the email package breaks a header of it when it folds", "shorten its Content fields")
    content = ready.content.seven_bit() or ready.content
    return replace(ready, fields=written, content=content)


def _of_the_body(name: str) -> bool:
    return name.lower().startswith("content-") or name.lower() == "mime-version"


def _text(name: str, value: object) -> str:
    check_field_name("headers", name)
    if name.lower() in ADDRESS_FIELDS:
        _check_defects(name, getattr(value, "defects", ()))
    text = _decoded(name, _FOLD.sub("", str(value)).strip(" \t"))
    if name.lower() in {"date", "resent-date"} and (found := _LONG_ZONE.search(text)):
        text = _with_short_zone(text, found)
    check_text(name, text.replace("\t", " "))
    return text


def _with_short_zone(text: str, found: re.Match[str]) -> str:
    """The same moment in a zone of whole minutes (RFC 5322 section 3.3), where `email` wrote seconds too."""
    try:
        moment = parsedate_to_datetime(text[: found.start(2)])
    except ValueError:
        return text
    odd = timedelta(seconds=float(found[2]))
    return format_datetime(moment + odd if found[1] == "-" else moment - odd)


def _check_defects(name: str, defects: Iterable[MessageDefect]) -> None:
    # stdlib cuts `a@b c@d` to its first half and only notes a defect.
    for defect in defects:
        if not isinstance(defect, ObsoleteHeaderDefect | NonASCIILocalPartDefect | HeaderMissingRequiredValue):
            raise MessageError(f"{name}: {defect}", field=name, hint="correct the addresses in it")


def _field(name: str, text: str) -> str:
    key = name.lower()
    if text.isascii() and (key in ADDRESS_FIELDS | STRUCTURED_FIELDS or "=?" in text or "\t" in text):
        return plain_field(name, text)  # encoded words that were there stay what they are
    if key in ADDRESS_FIELDS:
        try:
            mailboxes = mailboxes_in(text)
        except AddressError as error:
            raise MessageError(f"{name}: {error.problem}", field=name, hint=error.hint) from error
        return mailbox_field(name, mailboxes, utf8=True) if mailboxes else plain_field(name, _empty_group(text))
    if key in STRUCTURED_FIELDS:
        raise MessageError(f"{name}: only ASCII may stand in it", field=name, hint="remove the other characters")
    return text_field(name, text.replace("\t", " "))


def _empty_group(text: str) -> str:
    """A group without members, in ASCII (RFC 5322 section 3.4)."""
    name, _, rest = text.partition(":")
    known = rest.strip(" \t") == ";" and '"' not in name
    return f"{' '.join(encoded_words(name.strip(' ')))}:;" if known else "undisclosed-recipients:;"


def _decoded(name: str, text: str) -> str:
    if _RAW_OCTETS.search(text) is None:
        return text
    try:
        return text.encode("utf-8", "surrogateescape").decode()
    except UnicodeDecodeError as error:
        raise MessageError(f"{name}: octets that are not UTF-8", field=name, hint="decode it first") from error


def _missing(fields: tuple[HeaderField, ...], redirection: Redirection) -> list[str]:
    names = {field.key for field in fields}
    added: list[str] = []
    if "date" not in names:
        added.append(plain_field("Date", format_datetime(datetime.now(UTC).astimezone())))
    if "message-id" not in names:
        added.append(plain_field("Message-ID", new_message_id(_domain(fields, redirection))))
    return added


def _domain(fields: tuple[HeaderField, ...], redirection: Redirection) -> str:
    try:
        return reverse_path_in(fields).domain
    except MessageError:
        if redirection.reverse_path is None:
            raise
        return redirection.reverse_path[0].domain if redirection.reverse_path[0] else "localhost"


def _prepare(copy: Message) -> None:
    for part, sealed in with_seals(copy):
        for name, value in part.raw_items():
            check_field_name("headers", name)
            check_text(name, _RAW_OCTETS.sub("", _FOLD.sub("", str(value)).replace("\t", " ")))
        if not sealed:
            for name in [name for name, value in part.raw_items() if _of_the_body(name) and not str(value).strip()]:
                del part[name]
            _name_in_ascii(part)
        if not part.is_multipart() and encoding_of(part) == "binary":
            _encode(part, sealed=sealed)
    for name in {name for name, _ in copy.raw_items() if not _of_the_body(name)}:
        del copy[name]


def _name_in_ascii(part: Message) -> None:
    """File names and their like, of which stdlib makes encoded words that no reader decodes (RFC 2047 section 5)."""
    for name, raw in list(part.raw_items()):
        if name.lower() not in {"content-type", "content-disposition"} or str(raw).isascii():
            continue
        text = _decoded(name, _FOLD.sub("", str(raw)))
        reader = StdlibMessage()  # one that reads text as text
        reader[name] = text
        (value, _), *parameters = reader.get_params(header=name) or [("", "")]
        named = {key: collapse_rfc2231_value(content) for key, content in parameters}
        written = parameter_field(name, value, named)
        part.replace_header(name, _FOLD.sub("", written.partition(":")[2]).strip())


def _encode(part: Message, *, sealed: bool) -> None:
    """Base64 for octets that line ends would break (RFC 2045 section 6.2, RFC 3030 section 3)."""
    data = part.get_payload(decode=True)
    if sealed and isinstance(data, bytes) and not survives(data):
        raise refuse("a part without transfer encoding, and it is signed", "encode it as base64 before signing")
    if not isinstance(data, bytes):
        part.replace_header(_ENCODING, "7bit")
    elif not sealed:
        part.replace_header(_ENCODING, "base64")
        part.set_payload(base64_lines(data, b"\n").decode("ascii"))


def _body(copy: Message) -> bytes:
    """The parts, with other boundaries where one stands in a part as well (RFC 2046 section 5.1.1)."""
    octets = _flat(copy)
    parts = list(_own_parts(copy))
    expected = Counter[str]()
    for part in parts:
        expected[part.get_boundary() or ""] += max(1, len(cast("list[Message]", part.get_payload()))) + 1
    lines = Counter(line.rstrip(b" \t") for line in octets.split(b"\r\n") if line.startswith(b"--"))
    if all(_times(lines, boundary) == count for boundary, count in expected.items()):
        return octets
    if any(map(is_sealed, parts)):
        raise refuse("a part contains one of its boundaries, and it is signed", "sign it again, with other boundaries")
    for part in parts:
        part.del_param("boundary")  # the generator makes one that stands nowhere
    return _flat(copy)


def _own_parts(message: Message) -> Iterator[Message]:
    """The multiparts of a message, but not those of a message in it."""
    if message.get_content_maintype() == "multipart" and message.is_multipart():
        yield message
        for part in cast("list[Message]", message.get_payload()):
            yield from _own_parts(part)


def _times(lines: Counter[bytes], boundary: str) -> int:
    delimiter = f"--{boundary}".encode("utf-8", "surrogateescape")
    return lines[delimiter] + lines[delimiter + b"--"]


def _flat(message: Message) -> bytes:
    policy = message.policy.clone(linesep="\r\n", cte_type="8bit", raise_on_defect=False)
    if isinstance(policy, EmailPolicy):
        policy = policy.clone(refold_source="none", utf8=False, max_line_length=78)
    out = BytesIO()
    BytesGenerator(out, mangle_from_=False, policy=policy).flatten(message)
    return out.getvalue()
