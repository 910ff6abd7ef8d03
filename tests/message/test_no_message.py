"""A file that is no message, or has something in front of one, is named for what it is."""

from __future__ import annotations

import pytest

from sendkit._message.compose import compose
from sendkit._message.message import Message
from sendkit.errors import MessageError
from tests.each import each

_MESSAGE = b"From: ana@example.com\r\nTo: luis@example.com\r\n\r\nHola\r\n"


@each(
    [
        (b"From ana@example.com Mon Nov 30 21:00:00 2026\n" + _MESSAGE, "line of an mbox", "remove that line"),
        (b"\xef\xbb\xbf" + _MESSAGE, "byte order mark", "without BOM"),
        (_MESSAGE.decode().encode("utf-16"), "UTF-16", "UTF-8"),
        (_MESSAGE.decode().encode("utf-16-be"), "UTF-16", "UTF-8"),
        (_MESSAGE.decode().encode("utf-16-le"), "UTF-16", "UTF-8"),
        (b"<!DOCTYPE html><p>Hola", "HTML", "--html"),
        (b"\x1f\x8b\x08\x08" + _MESSAGE, "gzip", "unpack"),
        (b"PK\x03\x04" + _MESSAGE, "zip", "unpack"),
        (b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1", "Outlook", ".eml"),
        (b"%PDF-1.7\n", "PDF", "--attach"),
    ]
)
def test_a_file_that_is_no_message_is_named_for_what_it_is(octets: bytes, what: str, cure: str) -> None:
    with pytest.raises(MessageError) as caught:
        Message.from_bytes(octets)
    assert what in caught.value.message
    assert cure in (caught.value.hint or "")


def test_an_empty_line_in_front_of_the_head_is_named() -> None:
    with pytest.raises(MessageError, match="From: 0 addresses") as caught:
        compose(Message.from_bytes(b"\n" + _MESSAGE))
    assert "an empty line in front of the head" in (caught.value.hint or "")
