"""A transfer encoding is what mail readers take it for, and a part that nobody can decode is never encoded again."""

from __future__ import annotations

from base64 import b64encode

import pytest

from sendkit._message.message import Message
from sendkit._reading.parts import Parts, parsed
from sendkit.errors import MessageError
from tests.message.readers import octets_of, read

HEAD = b"From: ana@example.com\r\nTo: luis@example.com\r\n"


@pytest.mark.parametrize("around", ["%s", "%s ", "(c) %s", "%s (c)", "%s;", "%s; charset=utf-8", '"%s"', " \n %s\t"])
def test_an_encoding_is_known_whatever_stands_beside_its_word(around: str) -> None:
    """RFC 2045 section 6.1: mail readers decode such a part, so it must not be encoded as if it were not."""
    content = b"hola " * 300
    cases = {"base64": b64encode(content), "quoted-printable": b"hola=20" * 300, "binary": content}
    for encoding, encoded in cases.items():
        field = f"Content-Transfer-Encoding: {around % encoding}\n\n".encode()
        message = read(octets_of(Message.from_bytes(HEAD + b"Content-Type: text/plain\n" + field + encoded)))
        data = message.get_payload(decode=True)
        assert isinstance(data, bytes)
        assert data.removesuffix(b"\r\n") == content
        assert Parts.of(parsed(HEAD + field.replace(b"\n", b"\r\n") + encoded)).text.strip() == content.decode().strip()


@pytest.mark.parametrize(
    ("encoding", "body"), [("x-gzip64", "y" * 1200), ("x-uue", "y" * 1200), ("base64", "y" * 1201)]
)
def test_what_an_unknown_or_a_broken_encoding_holds_is_never_sent_as_something_else(encoding: str, body: str) -> None:
    """RFC 2045 section 6.4: nobody knows what is in it, so it is refused where it would have to be encoded again."""
    part = f"Content-Type: image/png\nContent-Transfer-Encoding: {encoding}\n\n".encode()
    with pytest.raises(MessageError, match="may not be re-encoded"):
        Message.from_bytes(HEAD + part + body.encode())
    short = HEAD + part.replace(b"\n", b"\r\n") + body[:900].encode() + b"\r\n"
    assert octets_of(Message.from_bytes(short)) == short
