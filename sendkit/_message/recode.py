"""Re-encoding the parts of a ready message for a server that takes only short lines of ASCII (RFC 6152 section 3).

Knows transfer encodings (RFC 2045 section 6) and that a signature forbids all this (RFC 1847 section 2.1).
"""

from __future__ import annotations

from binascii import b2a_qp
from email import policy
from email.generator import BytesGenerator
from email.parser import BytesParser
from io import BytesIO
from typing import TYPE_CHECKING

from sendkit._message.octets import base64_lines

if TYPE_CHECKING:
    from collections.abc import Callable
    from email.message import Message

SEALED = frozenset({"multipart/signed", "multipart/encrypted"})
_ENCODING = "Content-Transfer-Encoding"


def recoded(octets: bytes, fits: Callable[[bytes], bool]) -> bytes | None:
    """The message with each part that does not fit as quoted-printable or base64; None where a part is sealed."""
    message = BytesParser(policy=policy.compat32).parsebytes(octets)
    parts = list(message.walk())
    boundaries = tuple(f"--{boundary}".encode() for part in parts if (boundary := part.get_boundary()))
    if any(part.get_content_type() in SEALED for part in parts):
        return None
    for part in parts:
        if part.is_multipart():
            _relabel(part)
        elif fits(_payload(part)):
            continue
        elif part.get_content_maintype() == "multipart":
            return None  # without any part in it, there is nothing that an encoding could be said of
        else:
            _recode(part, boundaries, top=part is message)
    return _flat(message)


def _relabel(part: Message) -> None:
    if part[_ENCODING] is not None:
        part.replace_header(_ENCODING, "7bit")


def _payload(part: Message) -> bytes:
    """The octets as they stand in the message, still encoded."""
    if str(part.get(_ENCODING, "")).strip().lower() in {"", "7bit", "8bit", "binary"}:
        return _decoded(part)
    return str(part.get_payload()).encode("utf-8", "surrogateescape")


def _decoded(part: Message) -> bytes:
    data = part.get_payload(decode=True)
    return data if isinstance(data, bytes) else b""


def _recode(part: Message, boundaries: tuple[bytes, ...], *, top: bool) -> None:
    data = _decoded(part)
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
    del part[_ENCODING]
    part[_ENCODING] = "quoted-printable" if quoted else "base64"
    part.set_payload(body.decode("ascii"))


def _name_charset(part: Message, data: bytes) -> None:
    if part.get_param("charset") is not None or data.isascii():
        return
    try:
        data.decode()
        charset = "utf-8"
    except UnicodeDecodeError:
        charset = "unknown-8bit"  # RFC 1428 section 3
    if "Content-Type" in part:
        part.set_param("charset", charset)
    else:
        part["Content-Type"] = f'text/plain; charset="{charset}"'


def _flat(message: Message) -> bytes | None:
    out = BytesIO()
    plain = policy.compat32.clone(linesep="\r\n", max_line_length=None)
    try:
        BytesGenerator(out, mangle_from_=False, policy=plain).flatten(message)
    except ValueError:  # UnicodeEncodeError: a multipart without any part, which it does not write back as it was
        return None
    return out.getvalue()
