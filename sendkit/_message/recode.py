"""Re-encoding the parts of a ready message for a server that takes only short lines of ASCII (RFC 6152 section 3).

Knows transfer encodings (RFC 2045 section 6), and that a signature forbids all this (RFC 1847 section 2.1).
"""

from __future__ import annotations

import re
from binascii import b2a_qp
from email import errors, message, policy
from email.generator import BytesGenerator
from email.parser import BytesParser
from io import BytesIO
from typing import TYPE_CHECKING, cast

from sendkit._message.head import SIGNATURES
from sendkit._message.octets import base64_lines, normalised, sendable
from sendkit._reading.transfer import FIELD, IDENTITY, can_be_undone, decoded, encoded, encoding_of, types_of

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator

_SEALED = frozenset({"multipart/signed", "multipart/encrypted"})


_EMPTY_LINE = re.compile(rb"\r?\n\r?\n|\r\r")
_BLANK_NAME = re.compile(rb"^([!-9;-~]+)[ \t]+:", re.MULTILINE)
_FIELD_LINE = re.compile(rb"^[!-9;-~]+[ \t]*:", re.MULTILINE)


class _Message(message.Message):
    """A part as it stands there.

    A leaf is each kind of `message/…` that is not a message, such as a report, of which `email` makes another one; and
    an enclosed message that is encoded, or may be (RFC 6532 section 3.7).
    """

    def get_content_type(self) -> str:
        kind = super().get_content_type()
        enclosed = kind == "message/rfc822" and encoding_of(self) in IDENTITY
        return "application/octet-stream" if kind.startswith("message/") and not enclosed else kind

    @property
    def may_be_encoded(self) -> bool:
        """Whether RFC 2046 section 5.2 and RFC 6533 allow it a transfer encoding."""
        kinds = (super().get_content_type(), *types_of(self))
        return not any(one.startswith("message/") and not one.startswith("message/global") for one in kinds)


def recoded(octets: bytes, fits: Callable[[bytes], bool]) -> bytes | None:
    """The message with each part that does not fit as quoted-printable or base64; None where a part is sealed."""
    whole = _parsed(octets)
    parts = list(with_seals(whole))
    boundaries = _boundaries(part for part, _ in parts)
    if any(is_sealed(part) or _is_misread(part) for part, _ in parts):
        return None
    for part, sealed in parts:
        if part.is_multipart():
            _relabel(part)
        elif fits(encoded(part)):
            continue
        elif sealed or _says_it_has_parts(part) or not _may_be_encoded(part):
            return None  # a multipart without any part in it: there is nothing that an encoding could be said of
        elif not _recode(part, boundaries, top=part is whole):
            return None
    return _flat(whole)


def without_binary(octets: bytes) -> bytes | None:
    """The message with each `binary` part encoded, before line ends are looked at; None where it may not change.

    `octets` have the line ends that they came with: those of such a part are not line ends (RFC 3030 section 3).
    """
    whole = _parsed(octets)
    boundaries = _boundaries(whole.walk())
    found = False
    for part, sealed in with_seals(whole):
        if part.get_content_maintype() == "multipart" or part.is_multipart() or encoding_of(part) != "binary":
            continue
        if not sealed:
            _recode(part, boundaries, top=part is whole)
            found = True
        elif not survives(decoded(part)):
            return None
    if found and any(map(_is_misread, whole.walk())):
        return None
    return _flat(whole) if found else octets


def survives(octets: bytes) -> bool:
    """Whether a `binary` part goes over the wire as it is, although it is not encoded."""
    return normalised(octets).removesuffix(b"\r\n") == octets.removesuffix(b"\r\n") and sendable(octets)


def with_seals(part: message.Message, *, sealed: bool = False) -> Iterator[tuple[message.Message, bool]]:
    """All parts, and whether a signature covers them or they are encrypted, so that nothing in them may change.

    That of an enclosed message counts, for it is forwarded to be verified (RFC 6376, RFC 8617).
    """
    sealed = sealed or any(name.lower() in SIGNATURES for name in part)
    yield part, sealed
    if part.is_multipart():
        inside = sealed or is_sealed(part)
        for one in cast("list[message.Message]", part.get_payload()):
            yield from with_seals(one, sealed=inside)


def is_sealed(part: message.Message) -> bool:
    """Whether its parts are signed or encrypted."""
    return not _SEALED.isdisjoint(types_of(part))


def _says_it_has_parts(part: message.Message) -> bool:
    return any(one.startswith("multipart/") for one in (part.get_content_type(), *types_of(part)))


def _is_misread(part: message.Message) -> bool:
    """Whether `email` takes a line of the head for the end of it, or for none at all: to write it out would move it."""
    if not any(isinstance(one, errors.MissingHeaderBodySeparatorDefect) for one in part.defects):
        return part.get_unixfrom() is not None
    taken_for_body = _EMPTY_LINE.split(encoded(part), maxsplit=1)[0]
    return part.is_multipart() or _FIELD_LINE.search(taken_for_body) is not None


def _may_be_encoded(part: message.Message) -> bool:
    return not isinstance(part, _Message) or part.may_be_encoded


def _parsed(octets: bytes) -> message.Message:
    end = _EMPTY_LINE.search(octets)
    head = octets if end is None else octets[: end.start()]
    # `Name :` is obsolete (RFC 5322 section 4.5.8), and ends the head for `email`.
    return BytesParser(_Message, policy=policy.compat32).parsebytes(
        _BLANK_NAME.sub(rb"\1:", head) + octets[len(head) :]
    )


def _boundaries(parts: Iterable[message.Message]) -> tuple[bytes, ...]:
    found = (part.get_boundary() for part in parts)
    return tuple(f"--{boundary}".encode("utf-8", "surrogateescape") for boundary in found if boundary)


def _relabel(part: message.Message) -> None:
    if part[FIELD] is not None:
        part.replace_header(FIELD, "7bit")


def _recode(part: message.Message, boundaries: tuple[bytes, ...], *, top: bool) -> bool:
    """Encode a part again. False, and the part as it was, where its content cannot be known (RFC 2045 section 6.4)."""
    if not can_be_undone(part):
        return False
    data = decoded(part)
    text = part.get_content_maintype() == "text"
    lines = data.replace(b"\r\n", b"\n")
    if text:
        _name_charset(part, data)
    if top and "MIME-Version" not in part:
        part["MIME-Version"] = "1.0"
    body = b2a_qp(lines, istext=True).replace(b"\n", b"\r\n") if text and b"\r" not in lines else b""
    # A soft line break may put what stood within a line at the beginning of one.
    quoted = bool(body) and not any(boundary in body for boundary in boundaries)
    body = body if quoted else base64_lines(data)
    del part[FIELD]
    part[FIELD] = "quoted-printable" if quoted else "base64"
    part.set_payload(body.decode("ascii"))
    return True


def _name_charset(part: message.Message, data: bytes) -> None:
    if part.get_param("charset") is not None or data.isascii():
        return
    if not isinstance(cast("object", part.get("Content-Type", "")), str):
        return  # one with octets beyond ASCII, to which `email` adds nothing
    try:
        data.decode()
        charset = "utf-8"
    except UnicodeDecodeError:
        charset = "unknown-8bit"  # RFC 1428 section 3
    if "Content-Type" in part:
        part.set_param("charset", charset)
    else:
        part["Content-Type"] = f'text/plain; charset="{charset}"'


def _flat(whole: message.Message) -> bytes | None:
    out = BytesIO()
    plain = policy.compat32.clone(linesep="\r\n", max_line_length=None)
    try:
        BytesGenerator(out, mangle_from_=False, policy=plain).flatten(whole)
    except (ValueError, errors.MessageError):
        # A multipart without any part, which it does not write back as it was; a field that it takes for two.
        return None
    return out.getvalue()
