"""A received message says what its author wrote, and says something whoever wrote it."""

from __future__ import annotations

import email.policy
import json
from email.message import EmailMessage

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from sendkit import Attachment, Envelope, Mailer, MemoryTransport, Message
from sendkit.testing import ReceivedMessage

ENVELOPE = Envelope("ana@example.com", ["luis@example.com"])
PNG = b"\x89PNG\r\n\x1a\n" + bytes(range(256))
TEXTS = ("subject", "message_id", "sender", "to", "cc", "text", "html")
EVERYTHING = (*TEXTS, "attachments", "inline", "links", "headers")


def received(content: bytes | str) -> ReceivedMessage:
    """These octets, as they arrived."""
    octets = content.encode() if isinstance(content, str) else content
    return ReceivedMessage(ENVELOPE, octets)


def report() -> ReceivedMessage:
    """A message with all there can be, sent and taken."""
    transport = MemoryTransport()
    message = Message(
        sender="Ana Núñez <ana@example.com>",
        to=["Luis <luis@example.com>", "ops@example.net"],
        cc="Eva <eva@example.org>",
        bcc="hidden@example.org",
        subject="Informe semanal — año 2026",
        text="Todo en https://example.com/ver?a=1&b=2.\n¿Qué tal?\n",
        html='<p>Todo <a href="https://example.com/html">aquí</a></p><img src="cid:chart">',
        inline={"chart": PNG},
        attachments=[Attachment.from_bytes(b"a;b\n1;2\n", filename="datos–1.csv")],
        headers={"X-Report": "42"},
    )
    with Mailer(transport=transport) as mailer:
        mailer.send(message)
    return ReceivedMessage(transport.sent[0].envelope, transport.sent[0].content)


def test_it_says_what_the_author_wrote() -> None:
    message = report()
    assert message.subject == "Informe semanal — año 2026"
    assert message.sender == "Ana Núñez <ana@example.com>"
    assert message.to == ("Luis <luis@example.com>", "ops@example.net")
    assert message.cc == ("Eva <eva@example.org>",)
    assert message.text.splitlines() == ["Todo en https://example.com/ver?a=1&b=2.", "¿Qué tal?"]
    assert "aquí" in message.html
    assert message.header("x-report") == "42"
    assert ("X-Report", "42") in message.headers


def test_the_envelope_says_who_got_it() -> None:
    message = report()
    assert "hidden@example.org" in message.envelope.recipients
    assert b"hidden@example.org" not in message.raw


def test_files_and_pictures_come_with_their_octets() -> None:
    message = report()
    (csv,) = message.attachments
    assert (csv.filename, csv.content_type, csv.data) == ("datos–1.csv", "text/csv", b"a;b\n1;2\n")
    chart = message.inline["chart"]
    assert (chart.content_type, chart.data, chart.size) == ("image/png", PNG, len(PNG))


def test_links_of_the_html_come_before_those_of_the_text_and_without_the_full_stop() -> None:
    assert report().links == ("https://example.com/html", "https://example.com/ver?a=1&b=2")


def test_an_enclosed_message_is_a_file() -> None:
    outer = EmailMessage(policy=email.policy.SMTP)
    outer["Subject"] = "Fwd"
    outer.set_content("see below")
    inner = EmailMessage(policy=email.policy.SMTP)
    inner["Subject"] = "the first one"
    inner.set_content("inside")
    outer.add_attachment(inner)
    message = received(outer.as_bytes())
    assert message.text == "see below\n"
    assert [part.content_type for part in message.attachments] == ["message/rfc822"]
    assert b"Subject: the first one" in message.attachments[0].data


def test_a_text_that_has_a_name_is_a_file() -> None:
    head = 'Content-Type: text/plain\r\nContent-Disposition: attachment; filename="log.txt"\r\n\r\nlines'
    assert [(part.filename, part.data) for part in received(head).attachments] == [("log.txt", b"lines")]
    assert received(head).text == ""


def test_headers_in_utf_8_are_read_as_such() -> None:
    message = received('Subject: año\r\nFrom: "Núñez" <ñuria@example.com>\r\n\r\nHola'.encode())
    assert (message.subject, message.sender) == ("año", "Núñez <ñuria@example.com>")


def test_a_folded_header_is_one_line() -> None:
    assert received("Subject: one\r\n two\r\n\r\n").subject == "one two"


def test_what_is_not_there_is_empty() -> None:
    message = received(b"\r\n")
    assert (message.subject, message.sender, message.to, message.cc) == ("", "", (), ())
    assert (message.text, message.html, message.attachments, dict(message.inline), message.links) == (
        "",
        "",
        (),
        {},
        (),
    )


HOSTILE = [
    b"",
    b"\0\xff\xfe",
    b"Subject: =?utf-8?b?////?=\r\n\r\n",
    b'Subject: =?x-unknown?q?a?=\r\nTo: <<>>,,;:"\r\nFrom: @\r\n\r\n',
    b"Content-Type: text/plain; charset=klingon\r\n\r\nnuqneH \xff",
    b"Content-Type: text/plain; charset*=x'y'%00\r\n\r\nhello",
    b"Content-Type: multipart/mixed\r\n\r\nno boundary",
    b"Content-Type: multipart/mixed; boundary=b\r\n\r\n--b\r\nContent-Type: text/html\r\n\r\n<a href",
    b"Content-Transfer-Encoding: base64\r\n\r\n!!!!",
    b"Content-Type: ; ;\r\nContent-Disposition: ;;=\r\nContent-ID: =?\r\n\r\n",
    b"To: undisclosed-recipients:;\r\n\r\n",
]


def nested(depth: int) -> bytes:
    """Parts within parts within parts."""
    heads = b"".join(b"Content-Type: multipart/mixed; boundary=b%d\r\n\r\n--b%d\r\n" % (i, i) for i in range(depth))
    return b"Subject: deep\r\n" + heads + b"\r\nbottom"


@pytest.mark.parametrize("content", [*HOSTILE, nested(2_000)], ids=lambda content: repr(content[:24]))
def test_hostile_octets_raise_nothing_and_every_text_can_be_encoded(content: bytes) -> None:
    message = received(content)
    json.dumps([str(getattr(message, name)) for name in EVERYTHING], ensure_ascii=False).encode()
    assert message.raw == content


def test_parts_nested_too_deeply_leave_the_head_readable() -> None:
    message = received(nested(2_000))
    assert message.subject == "deep"
    assert "bottom" in message.text


def test_a_charset_that_nobody_knows_is_read_as_utf_8() -> None:
    assert received(HOSTILE[4]).text == "nuqneH \N{REPLACEMENT CHARACTER}"


@given(st.binary(max_size=300))
@example(b"Content-Type: message/rfc822\r\n\r\n")
def test_any_octets_can_be_looked_at(content: bytes) -> None:
    for head in (b"", b"Subject: ", b"To: ", b"Content-Type: ", b"Content-Type: text/html\r\n\r\n"):
        message = received(head + content)
        for name in EVERYTHING:
            str(getattr(message, name)).encode()


def test_it_is_parsed_once_and_stays_as_it_is() -> None:
    message = report()
    assert message.message is message.message
    assert message == ReceivedMessage(message.envelope, message.content)
    with pytest.raises(AttributeError):
        message.content = b""  # type: ignore[misc]
