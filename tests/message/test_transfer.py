"""A type and a transfer encoding are what mail readers take them for; what nobody can decode is not encoded again."""

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


LONG = b"y" * 1200
PARTS = b"\n--b\n%bContent-Type: text/html\n\n%b\n--b\nContent-Type: application/pgp-signature\n\nx\n--b--\n"


@pytest.mark.parametrize(
    "kind",
    ["multipart/signed (c)", "(c) multipart/signed", "multipart / Signed", "multipart/(c)encrypted",
     "text/plain\nContent-Type: multipart/signed"],
)  # fmt: skip
def test_what_is_signed_is_known_however_its_type_is_written(kind: str) -> None:
    """RFC 5322 section 3.2.2: comments and blanks may stand in it, and readers verify it all the same."""
    head = HEAD + f"Content-Type: {kind}; boundary=b\n".encode()
    with pytest.raises(MessageError, match="may not be re-encoded"):
        Message.from_bytes(head + PARTS % (b"", LONG))
    eight_bit = Message.from_bytes(head + PARTS % (b"", "ñ".encode()))
    assert eight_bit.content.seven_bit() is None


def test_parts_that_only_readers_find_are_not_encoded_as_one_text() -> None:
    with pytest.raises(MessageError, match="may not be re-encoded"):
        Message.from_bytes(HEAD + b"Content-Type: (c) multipart/mixed; boundary=b\n" + PARTS % (b"", LONG))


def test_a_blank_in_front_of_a_colon_does_not_end_the_head() -> None:
    """RFC 5322 section 4.5.8: a field of old, behind which `email` would look for the body."""
    made = read(octets_of(Message.from_bytes(HEAD + b"X-Old : 1\nContent-Type: text/html\n\n" + LONG)))
    assert (made["X-Old"], made.get_content_type(), made.get_payload(decode=True)) == ("1", "text/html", LONG + b"\r\n")


@pytest.mark.parametrize("line", [b"X-Old : 1\n", b"no field\n", b"From ana Mon Nov 30\n"])
def test_a_part_whose_head_would_move_into_its_body_is_not_encoded(line: bytes) -> None:
    with pytest.raises(MessageError, match="may not be re-encoded"):
        Message.from_bytes(HEAD + b"Content-Type: multipart/mixed; boundary=b\n" + PARTS % (line, LONG))
    binary = line + b"Content-Transfer-Encoding: binary\n"
    with pytest.raises(MessageError, match=r"uncertain|may not be re-encoded"):
        Message.from_bytes(HEAD + b"Content-Type: multipart/mixed; boundary=b\n" + PARTS % (binary, b"y\n" + LONG))
