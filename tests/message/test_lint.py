"""Before it is sent, a message says what readers and servers would make of it that nobody meant."""

from __future__ import annotations

from typing import Any

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from sendkit import DKIM, Attachment, Envelope, Mailer, MemoryTransport, Message, Security, Server, Unsubscribe
from sendkit._page.view import view
from sendkit._reading.caught import CaughtMessage
from tests.servers.scripted import ScriptedServer

PNG = b"\x89PNG\r\n\x1a\n"
FINE: dict[str, Any] = {"sender": "ana@example.com", "to": "luis@example.com", "subject": "x", "text": "x"}


def codes(**fields: Any) -> list[str]:
    return [advice.code for advice in Message(**{**FINE, **fields}).lint()]


@pytest.mark.parametrize(
    ("fields", "expected"),
    [
        ({}, []),
        ({"html": "<p>x<img src='cid:c'>", "inline": {"c": PNG}}, []),
        ({"html": "x" * 102_401}, ["clipped"]),
        ({"html": "<p>x", "text": ""}, ["no-text"]),
        ({"text": ""}, ["empty"]),
        ({"subject": " "}, ["no-subject"]),
        ({"reply_to": "LUIS@example.com"}, ["reply-loop"]),
        ({"html": "<img src='cid:gone'>"}, ["cid-missing"]),
        ({"html": "<p style='background:url(cid:gone)'>"}, ["cid-missing"]),
        ({"html": "<p>x", "inline": {"c": PNG}}, ["cid-unused"]),
        ({"html": "<a href='http://x.org'>x</a>"}, ["insecure-link"]),
        ({"html": "<a href='https://x.org'><img src='cid:c'></a> x", "inline": {"c": PNG}}, ["link-without-text"]),
        ({"html": "<a href='https://x.org'> \n</a> x"}, ["link-without-text"]),
        ({"html": "<a href='https://x.org'><img src='cid:c' alt='x'></a>", "inline": {"c": PNG}}, []),
        ({"html": "<a name='here'></a><a href='https://x.org'><b>x</b></a>"}, []),
        ({"html": "<img src='https://x.org/a.png' alt='a'>x"}, ["remote-picture"]),
        ({"headers": {"Precedence": "bulk"}}, ["no-unsubscribe"]),
        ({"headers": {"List-Id": "<news.example.com>"}, "unsubscribe": Unsubscribe("https://example.com/u")}, []),
        ({"html": "<img src='data:image/png;base64,?'>"}, ["data-uri"]),
        ({"attachments": [Attachment.from_bytes(b"x", filename="a.EXE")]}, ["blocked-attachment"]),
        (
            {"attachments": [Attachment.from_bytes(b"\xf1", filename="a.csv", content_type="text/csv; charset=utf-8")]},
            ["charset"],
        ),
        ({"attachments": [Attachment.from_bytes(bytes(20_000_000), filename="a.bin")]}, ["large"]),
    ],
)
def test_each_fault_is_named_with_what_to_do(fields: dict[str, Any], expected: list[str]) -> None:
    assert codes(**fields) == expected
    assert all(advice.hint and advice.code in str(advice) for advice in Message(**{**FINE, **fields}).lint())


def test_a_ready_message_lacks_what_it_lacks() -> None:
    found = Message.from_bytes(b"From: ana@example.com\nTo: b@c.d\nSubject: x\n\nx").lint()
    assert [advice.code for advice in found] == ["no-date", "no-message-id"]


def test_one_click_without_a_signature_is_warned_of() -> None:
    message = Message(**FINE, unsubscribe=Unsubscribe("https://example.com/u"))
    key = DKIM(domain="example.com", selector="s", key=Ed25519PrivateKey.generate())
    for keys, expected in ((None, ["unsigned-one-click"]), (key, [])):
        with Mailer(transport=MemoryTransport(), dkim=keys) as mailer:
            assert [advice.code for advice in mailer.preflight(message)] == expected


def test_the_server_is_asked_what_it_takes_and_gets_nothing() -> None:
    message = Message(**{**FINE, "to": ["ñ@example.com", "luis@example.com"], "text": "x" * 5000})
    with ScriptedServer(capabilities=["SIZE 2000"]) as server:
        with Mailer(Server("127.0.0.1", port=server.port, security=Security.NONE)) as mailer:
            found = mailer.preflight(message)
        assert [advice.code for advice in found] == ["too-large", "smtputf8"]
        assert "ñ@example.com" in found[1].text
        assert not server.accepted
    with Mailer(Server("127.0.0.1", port=1)) as mailer:
        assert [advice.code for advice in mailer.preflight(Message(**FINE))] == ["server"]


def test_the_page_of_caught_mail_shows_the_same() -> None:
    message = Message(**{**FINE, "html": "<a href='http://x.org'>x</a>"})
    caught = CaughtMessage(Envelope("ana@example.com", ["luis@example.com"]), message.as_bytes())
    (advice,) = message.lint()
    assert view(1, caught, lambda *_: "")["checks"] == [(advice.text, advice.hint)]


def test_a_number_of_one_and_a_dot_at_the_end_of_a_name_are_said_right() -> None:
    one = Message(**{**FINE, "html": "<a href='http://x.org'>x</a>"}).lint()
    assert [advice.text for advice in one] == ["1 link is not https, such as http://x.org"]
    two = Message(**{**FINE, "html": "<a href='http://x.org'>x</a><a href='http://y.org'>y</a>"}).lint()
    assert [advice.text for advice in two] == ["2 links are not https, such as http://x.org"]
    dotted = Message(**FINE, attachments=[Attachment.from_bytes(b"MZ", filename="a.exe.")])
    assert [advice.code for advice in dotted.lint()] == ["blocked-attachment"], "Windows drops the last dot"
