"""Each fault that others had, and its nearest brothers, as three readers find them: Python's and two of JavaScript."""

from __future__ import annotations

import email
import gzip
import io
from collections.abc import Callable
from datetime import datetime, timedelta, timezone
from email import policy
from email.message import EmailMessage
from email.message import Message as StdlibMessage
from email.mime.application import MIMEApplication
from email.mime.multipart import MIMEMultipart
from email.utils import format_datetime
from typing import Any

import pytest

from sendkit._message.attachment import Attachment
from sendkit._message.compose import compose
from sendkit._message.message import Message
from tests.message.readers import PNG, Read, assert_wire_form, digest, lines, of_python
from tests.message.test_faults import HEAD, PICTURE, addressed, multipart

ENVELOPE: dict[str, Any] = {"envelope_from": "ana@example.com", "recipients": "luis@example.com"}
TEXT = "Content-Type: text/plain; charset=utf-8\r\nContent-Transfer-Encoding: 8bit\r\n\r\nñandú\r\n".encode()
LONG = b"\r\n" + b"x" * 1000
BINARY = b"Content-Type: image/png; name=a.png\r\nContent-Transfer-Encoding: binary\r\n\r\n"
ENCLOSED = (
    b"Content-Type: message/rfc822\r\nContent-Disposition: attachment; filename=inner.eml\r\n"
    b"Content-Transfer-Encoding: base64\r\n\r\nU3ViamVjdDogeA0KDQp4DQo="
)
FORGED = b'Subject: x\r\n\r\n--=_%b-m\r\nContent-Disposition: attachment; filename="forged"\r\n\r\nx\r\n'


def written(**fields: Any) -> Message:
    return Message(**{"sender": "ana@example.com", "to": "luis@example.com", **fields})


def merged(html: str, **values: Any) -> Message:
    return Message.template(sender="ana@example.com", html=html).merge(to="luis@example.com", **values)


def moment(offset: timedelta) -> datetime:
    return datetime(2026, 11, 24, 8, tzinfo=timezone(offset))


class Html:
    def __html__(self) -> str:
        return "<b>Ana &amp; co</b>"


def signed_by_dkim() -> EmailMessage:
    message: EmailMessage = addressed(EmailMessage(), Subject="Año", DKIM_Signature="v=1; b=x")
    message.set_content("ñandú\n", cte="8bit")
    return message


def with_raw_name() -> MIMEMultipart:
    part = MIMEApplication(b"x")
    del part["Content-Disposition"]
    part["Content-Disposition"] = 'attachment; filename="Año.pdf"'
    message: MIMEMultipart = addressed(MIMEMultipart(), Subject="x")
    message.attach(part)
    return message


def in_queue(message: Message) -> Message:
    return Message.from_json(message.to_json())


def zipped() -> Attachment:
    with gzip.open(octets := io.BytesIO(), "wb") as file:
        file.write(PNG)
    octets.seek(0)
    octets.name = "chart.png.gz"  # type: ignore[attr-defined]
    return Attachment.from_file(octets)


def wrapper() -> Message:
    """A message that reuses the Message-ID and the boundary of what it wraps."""
    inner = written(text="x", attachments=[Attachment.from_bytes(b"inner", filename="inner.bin")])
    around = [Attachment.from_bytes(FORGED % inner.boundary.encode(), filename="forged.eml"),
              Attachment.from_bytes(inner.as_bytes(), filename="inner.eml"),
              Attachment.from_bytes(b"real", filename="real.bin")]  # fmt: skip
    return written(text="See", attachments=around, message_id=inner.message_id, boundary=inner.boundary)


NEWS = "<!DOCTYPE html><html><head><title>x</title><style>.p{display:none}</style><body><p>Code 4F2A"
CASES: dict[str, tuple[Callable[[], Any], dict[str, Any]]] = {
    "1 wrapped": (wrapper, {"text": "See", "names": ["forged.eml", "inner.eml", "real.bin"]}),
    "2 no </head>": (lambda: written(html=NEWS), {"text": "Code 4F2A"}),
    "2 preheader": (
        lambda: written(html='<p STYLE="Display:None">pre</p><div style="font-size:0">pre<b style="font:9px x">Hi'),
        {"text": "Hi"},
    ),
    "3 signed": (signed_by_dkim, {"text": "ñandú"}),
    "3 multipart/signed": (
        lambda: Message.from_bytes(multipart(b"signed", TEXT, b"Content-Type: application/pgp-signature\r\n\r\nx")),
        {"text": "ñandú"},
    ),
    "4 enclosed": (
        lambda: Message.from_bytes(multipart(b"mixed", LONG, ENCLOSED)),
        {"text": "x" * 1000, "files": [["inner.eml", digest(b"Subject: x\r\n\r\nx\r\n")]]},
    ),
    "5 last line": (lambda: Message.from_bytes(HEAD + b"\r\n" + b"x" * 999), {"text": "x" * 999}),
    "6 links": (
        lambda: written(html='<a href="https://e.com/?id=7&region=eu&currency=x">go</a>'),
        {"text": "go (https://e.com/?id=7&region=eu&currency=x)"},
    ),
    "7 merged": (
        lambda: merged('<p>Hi $x, <a href="mailto:$y">write</a>', x=Html(), y="a&b@example.com"),
        {"text": "Hi Ana & co, write (a&b@example.com)"},
    ),
    "8 headers": (lambda: written(text="x", headers={"X-A": "1"}), {"from": [["", "ana@example.com"]]}),
    "9 queue": (
        lambda: in_queue(written(html="<p>ñ", attachments=[Attachment.from_bytes(PICTURE, filename="a.png")])),
        {"text": "ñ", "html": "<p>ñ", "files": [["a.png", digest(PICTURE)]]},
    ),
    "10 empty fields": (
        lambda: addressed(EmailMessage(), Subject="x", Cc="", Reply_To="", Date="", Message_ID=""),
        {"subject": "x", "to": [["", "luis@example.com"]]},
    ),
    "11 raw name": (with_raw_name, {"files": [["Año.pdf", digest(b"x")]]}),
    "12 binary": (
        lambda: Message.from_bytes(multipart(b"mixed", BINARY + PICTURE)),
        {"files": [["a.png", digest(PICTURE)]]},
    ),
    "13 zone": (
        lambda: written(text="x", date=moment(timedelta(seconds=-1))),
        {"date": "2026-11-24T08:00:01.000Z"},
    ),
    "13 zone of a stdlib message": (
        lambda: addressed(EmailMessage(), Subject="x", Date=moment(timedelta(minutes=19, seconds=32))),
        {"date": "2026-11-24T07:40:28.000Z"},
    ),
    "14 literal": (lambda: written(to="Luis <luis@[192.0.2.1]>", text="x"), {"to": [["Luis", "luis@[192.0.2.1]"]]}),
    "15 lists": (
        lambda: written(html="<ol start=5><li><p>a<li value=9>b<ol type=a><li>c</ol></ol><pre>d\n\ne</pre>"),
        {"text": "5. a\n9. b\n  a. c\n\nd\n\ne"},
    ),
    "15 tables": (
        lambda: written(html="<table><tr><th rowspan=2>A<th>B<tr><td>C</table><table role=presentation><tr><td>D<td>E"),
        {"text": "A | B\n  | C\n\nD\nE"},
    ),
    "16 types": (
        lambda: written(text="x", attachments=[Attachment.from_bytes(PNG, filename="Data: Q1, Q2.pdf")]),
        {"files": [["Data: Q1, Q2.pdf", digest(PNG)]]},
    ),
    "17 packed": (lambda: written(text="x", attachments=[zipped()]), {"names": ["chart.png.gz"]}),
    "18 blanks": (lambda: written(text="x", subject="a" + " " * 1000 + "b"), {"subject": "a" + " " * 1000 + "b"}),
}  # fmt: skip

DEFECT_TO_PYTHON = {"4 enclosed"}  # an enclosed message that is encoded (RFC 6532 section 3.7)


@pytest.mark.parametrize("name", CASES)
def test_three_readers_find_what_was_meant(name: str, outside: Read) -> None:
    make, expected = CASES[name]
    octets = b"".join(compose(make(), **ENVELOPE).content.blocks())
    assert_wire_form(octets)
    found_by = {**outside(octets), **({} if name in DEFECT_TO_PYTHON else {"python": of_python(octets)})}
    for reader, said in found_by.items():
        found = {**said, "names": [name for name, _ in said["files"]]}
        for key, value in expected.items():
            got = lines(found[key]) if key in {"text", "html"} else found[key]
            assert (reader, key, got) == (reader, key, value)


REPORT = b"Content-Type: message/%b\r\n\r\nReporting-UA: x\r\n\r\nFinal-Recipient: rfc822; luis@example.com\r\n"
FORWARDED = b"DKIM-Signature: v=1; b=x\r\nSubject: x\r\n\r\n\xc3\xb1\r\n"


@pytest.mark.parametrize(
    "kind", [b"delivery-status", b"disposition-notification", b"feedback-report", b"http", b"partial"]
)
def test_a_report_is_left_as_it_is_when_another_part_is_re_encoded(kind: bytes) -> None:
    content = Message.from_bytes(multipart(b"report", TEXT, REPORT % kind)).content.seven_bit()
    assert content is not None
    assert REPORT % kind + b"\r\n--b--" in b"".join(content.blocks())


def test_a_forwarded_message_that_is_signed_is_not_re_encoded() -> None:
    forwarded = b"Content-Type: message/rfc822\r\nContent-Transfer-Encoding: 8bit\r\n\r\n" + FORWARDED
    assert Message.from_bytes(multipart(b"mixed", b"\r\nx", forwarded)).content.seven_bit() is None
    beside = forwarded.replace(b"\xc3\xb1", b"n")
    content = Message.from_bytes(multipart(b"mixed", TEXT, beside)).content.seven_bit()
    assert content is not None
    assert FORWARDED.replace(b"\xc3\xb1", b"n") in b"".join(content.blocks())


@pytest.mark.parametrize("offset", [10, -17_762, 0.00001], ids=str)
def test_a_stdlib_date_has_a_zone_of_four_digits(offset: float) -> None:
    when = moment(timedelta(seconds=offset))
    for message in (addressed(EmailMessage(), Date=when), addressed(StdlibMessage(), Date=format_datetime(when))):
        message.set_payload("x")
        found = email.message_from_bytes(b"".join(compose(message).content.blocks()), policy=policy.default)["Date"]
        assert len(found.rpartition(" ")[2]) == 5
        assert abs(found.datetime - when) < timedelta(seconds=1)
