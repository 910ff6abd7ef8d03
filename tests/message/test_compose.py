"""One door: every kind of message becomes a letter, with one envelope and without duplicates."""

from __future__ import annotations

import subprocess
import sys
from email.message import EmailMessage
from typing import Any

import pytest

from sendkit._message.compose import AnyMessage, compose
from sendkit._message.message import Message
from sendkit._smtp.envelope import Envelope
from sendkit.errors import MessageError


def kinds(**fields: str) -> list[AnyMessage]:
    """The same headers as a Message, as a stdlib message and as octets."""
    stdlib = EmailMessage()
    for name, value in fields.items():
        stdlib[name] = value
    raw = "".join(f"{name}: {value}\n" for name, value in fields.items())
    ours: dict[str, Any] = {("sender" if name == "From" else name.lower()): value for name, value in fields.items()}
    return [Message(**ours), stdlib, Message.from_bytes(raw.encode())]


@pytest.mark.parametrize(
    "message", kinds(From="Ana <ana@example.com>", To="a@b.c, A@b.c, a@B.C", Cc="d@e.f", Bcc="A@B.C")
)
def test_each_mailbox_is_written_to_once_in_its_first_spelling(message: AnyMessage) -> None:
    letter = compose(message)
    assert letter.envelope == Envelope("ana@example.com", ["a@b.c", "A@b.c", "d@e.f"])
    assert b"Bcc" not in b"".join(letter.content.blocks())


@pytest.mark.parametrize("message", kinds(From="ana@example.com", To="a@b.c"))
@pytest.mark.parametrize(
    ("options", "expected"),
    [
        ({"recipients": "x@y.z, Q <q@r.s>"}, Envelope("ana@example.com", ["x@y.z", "q@r.s"])),
        ({"recipients": ("x@y.z",)}, Envelope("ana@example.com", ["x@y.z"])),
        ({"envelope_from": ""}, Envelope("", ["a@b.c"])),
        ({"envelope_from": "<>"}, Envelope("", ["a@b.c"])),
        ({"envelope_from": "Bounces <bounces@example.com>"}, Envelope("bounces@example.com", ["a@b.c"])),
        ({"recipients": Envelope("", ["x@y.z"])}, Envelope("", ["x@y.z"])),
        ({"recipients": Envelope("", ["x@y.z"]), "envelope_from": "b@c.d"}, Envelope("b@c.d", ["x@y.z"])),
    ],
)
def test_what_is_given_replaces_what_the_headers_say(
    message: AnyMessage, options: dict[str, Any], expected: Envelope
) -> None:
    assert compose(message, **options).envelope == expected


@pytest.mark.parametrize("message", kinds(From="ana@example.com"))
def test_emptiness_is_judged_after_the_recipients_were_replaced(message: AnyMessage) -> None:
    with pytest.raises(MessageError) as caught:
        compose(message)
    assert caught.value.field == "to"
    assert compose(message, recipients=["a@b.c"]).recipients[0].wire == "a@b.c"
    nobody: list[list[str] | str] = [[], "", " "]
    for empty in nobody:
        with pytest.raises(MessageError) as caught:
            compose(message, recipients=empty)
        assert caught.value.field == "recipients"


@pytest.mark.parametrize(
    ("options", "field"),
    [
        ({"envelope_from": "ana"}, "envelope_from"),
        ({"envelope_from": "a@b.c\r\nRSET"}, "envelope_from"),
        ({"envelope_from": ["a@b.c"]}, "envelope_from"),
        ({"recipients": "a@b.c,"}, "recipients"),
        ({"recipients": ["a@b.c> NOTIFY=NEVER <x@y.z"]}, "recipients"),
        ({"recipients": 5}, "recipients"),
        ({"recipients": [b"a@b.c"]}, "recipients"),
    ],
)
def test_a_faulty_argument_is_named(options: dict[str, Any], field: str) -> None:
    with pytest.raises(MessageError) as caught:
        compose(Message(sender="ana@example.com", to="a@b.c"), **options)
    assert caught.value.field == field


@pytest.mark.parametrize("message", [None, "text", b"octets", {"sender": "a@b.c"}, object()])
def test_anything_else_is_refused_with_what_is_taken(message: Any) -> None:
    with pytest.raises(MessageError, match="from_bytes") as caught:
        compose(message)
    assert caught.value.field == "message"


def test_the_null_reverse_path_is_none_in_a_letter() -> None:
    assert compose(Message(sender="ana@example.com", to="a@b.c"), envelope_from="").reverse_path is None


def test_the_message_id_is_that_of_the_message() -> None:
    message = Message(sender="ana@example.com", to="a@b.c")
    assert compose(message).message_id == message.message_id


def test_importing_the_room_loads_nothing_that_most_messages_do_not_need() -> None:
    seldom = ["idna", "mimetypes", "html.parser", "email.parser", "email.headerregistry", "email.generator", "difflib"]
    code = f"import sys, sendkit._message.compose; print([name for name in {seldom} if name in sys.modules])"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, check=True, text=True)
    assert done.stdout.strip() == "[]"
