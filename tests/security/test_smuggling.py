"""SMTP smuggling: whatever stands in a message, its end is the one that we write, and no line end is a lone one.

The class is CVE-2023-51764 (Postfix), CVE-2023-51765 (Sendmail), CVE-2023-51766 (Exim), CVE-2024-27305 (aiosmtpd); on
the client's side lettre had it (CVE-2021-38189, RUSTSEC-2021-0069: a dot behind an empty line; RUSTSEC-2026-0561: a dot
behind a lone LF or CR). RFC 5321 sections 2.3.8, 4.1.1.4 and 4.5.2.
"""

from __future__ import annotations

from email.message import EmailMessage
from email.mime.text import MIMEText

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sendkit import Attachment, Message
from sendkit._message.compose import AnyMessage
from tests.accounts import ANA, LUIS
from tests.servers.scripted import AUTH, BASE
from tests.wire.conftest import Account, Start

from .eyes import compose, ends_of_data, lone_line_ends, octets_of, on_the_wire

ENDS = ["\r\n", "\n", "\r", "\r\r\n", "\n\r", "\r\n\r\n", "\n\n", "\r\n\0", "\0\r\n"]
SMUGGLED = [f"{before}.{after}" for before in ENDS for after in ENDS]
EVIL = "MAIL FROM:<evil@evil.example>\r\nRCPT TO:<evil@evil.example>\r\nDATA\r\nx\r\n.\r\n"
BLOCK = 65_536


def _messages(text: str) -> list[AnyMessage]:
    """The text in every place where a message can hold it, and made by everything that can make one."""
    raw = text.encode()
    fields = {"sender": ANA, "to": LUIS}
    forwarded = b"From: x@y.example\r\n\r\n" + raw
    made = EmailMessage()
    made["From"], made["To"] = ANA, LUIS
    made.set_content(text.replace("\0", ""))
    old = MIMEText(text.replace("\0", ""), _charset="utf-8")
    old["From"], old["To"] = ANA, LUIS
    return [
        Message(**fields, text=text),  # type: ignore[arg-type]
        Message(**fields, html=text, text=""),  # type: ignore[arg-type]
        Message(**fields, text="x", html=text, inline={"a": b"\x89PNG\r\n\x1a\n" + raw}),  # type: ignore[arg-type]
        *(
            Message(**fields, text="x", attachments=[Attachment.from_bytes(octets, filename="a", content_type=kind)])  # type: ignore[arg-type]
            for octets, kind in ((raw, "text/plain"), (raw, "application/x-a"), (forwarded, "message/rfc822"))
        ),
        Message.from_bytes(b"From: ana@example.com\r\nTo: luis@example.com\r\n\r\n" + raw.replace(b"\0", b"")),
        Message.from_bytes(b"From: ana@example.com\nTo: luis@example.com\n\n" + raw.replace(b"\0", b"")),
        made,
        old,
    ]


def _check(message: AnyMessage) -> None:
    letter = compose(message)
    wire = on_the_wire(letter)
    assert wire.endswith(b"\r\n.\r\n")
    assert ends_of_data(wire) == [len(wire) + 2], wire
    for octets in (wire, octets_of(letter)):  # with BDAT the content goes out unstuffed
        assert lone_line_ends(octets) == 0
        assert b"\0" not in octets
        assert max(map(len, octets.split(b"\r\n"))) <= 999  # 998 and a stuffed dot
    assert len(octets_of(letter)) == letter.content.size


@pytest.mark.parametrize("end", SMUGGLED, ids=range(len(SMUGGLED)))
def test_smtp_smuggling_is_impossible_by_any_part_of_a_message(end: str) -> None:
    """CVE-2023-51764, CVE-2023-51765, CVE-2023-51766, CVE-2021-38189, RUSTSEC-2026-0561."""
    for message in _messages(f"x{end}{EVIL}"):
        _check(message)


@pytest.mark.parametrize("text", [".", "..", ".\r\n", "\r\n.", "\n.", "\r.", ".\n.\r.\r\n.", "", "\r", "\n"])
def test_smtp_smuggling_is_impossible_at_either_end_of_a_message(text: str) -> None:
    for message in _messages(text):
        _check(message)


@pytest.mark.parametrize("end", ["\r\n.\r\n", "\n.\n", "\r.\r", "\r\n.\n", "\n.\r\n"])
def test_smtp_smuggling_is_impossible_where_two_blocks_meet(end: str) -> None:
    """The content comes in blocks of 64 KB; each octet of the sequence stands once on the border."""
    head = b"From: ana@example.com\r\nTo: luis@example.com\r\n\r\n"
    line = b"x" * 76 + b"\r\n"
    for shift in range(10):
        start = BLOCK - shift - 3  # the head is a block of its own
        filler = (line * (start // len(line) + 1))[:start]
        _check(Message.from_bytes(head + filler + (end + EVIL).encode()))


@given(st.lists(st.sampled_from(["\r", "\n", ".", "x", "\r\n", "é", " "]), max_size=30).map("".join))
def test_no_text_made_of_dots_and_line_ends_ends_a_message(text: str) -> None:
    for message in _messages(text):
        _check(message)


@pytest.mark.parametrize(
    "capabilities", [[], ["PIPELINING"], ["PIPELINING", "CHUNKING"]], ids=["stepwise", "dot", "bdat"]
)
async def test_smtp_smuggling_is_impossible_on_the_wire(
    start: Start, account: Account, capabilities: list[str]
) -> None:
    """A server counts one message for each that was sent, to the right people, small and large, by DATA and BDAT."""
    base = [item for item in BASE if item not in ("PIPELINING", "CHUNKING")]
    server = start(capabilities_in_tls=[*base, *capabilities, AUTH])
    texts = [f"x{end}{EVIL}" for end in ("\r\n.\r\n", "\n.\r\n", "\r\n.\n", "\r.\r", "\n.\n")]
    messages = [message for text in [*texts, "x" * 70_000 + texts[0]] for message in _messages(text)]
    async with account(server) as mailer:
        for message in messages:
            await mailer.send(message)
    assert len(server.accepted) == len(messages)
    assert {item.recipients for item in server.accepted} == {(LUIS,)}
    assert {item.reverse_path for item in server.accepted} == {ANA}
    verbs = {verb for connection in server.connections for verb in connection.commands}
    assert verbs <= {"EHLO", "STARTTLS", "AUTH", "MAIL", "RCPT", "DATA", "BDAT", "RSET", "QUIT"}
    assert not any("evil" in line for line in server.lines())
