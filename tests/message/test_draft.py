"""The plain form of a message is the same octets as the Message, and what is wrong with it is said by the Message."""

from __future__ import annotations

from typing import Any

import pytest

from sendkit import Attachment, Message, errors
from sendkit._message.compose import compose
from sendkit._message.draft import Draft, plain_message

FIELDS: dict[str, Any] = {
    "sender": "Ana Núñez <ana@example.com>",
    "to": ["Luis <luis@example.com>, ops@example.net"],
    "cc": ["eva@example.com"],
    "bcc": ["dana@example.com"],
    "reply_to": ["answers@example.com"],
    "subject": "¿Qué tal?",
    "text": "Hola, 😀\n.\n",
    "html": None,
    "attachments": [Attachment.from_bytes(b"a,b\n", filename="datos.csv")],
    "headers": {"X-Report": "42"},
}


def test_it_goes_out_as_the_message_would() -> None:
    plain = plain_message(**FIELDS)
    whole = Message(**FIELDS, message_id=plain.message_id, date=plain.date, boundary=plain.boundary)
    assert isinstance(plain, Draft)
    ours, theirs = compose(plain), compose(whole)
    assert b"".join(ours.content.blocks()) == b"".join(theirs.content.blocks())
    assert (ours.envelope, ours.message_id) == (theirs.envelope, theirs.message_id)


@pytest.mark.parametrize(
    "change",
    [
        {"to": ["nobody"]},
        {"sender": "Ana"},
        {"subject": "two\nlines"},
        {"text": "\ud800"},
        {"headers": {"Subject": "twice"}},
        {"headers": {"no name": "x"}},
        {"attachments": ["a.csv"]},
    ],
)
def test_what_is_wrong_with_it_is_said_in_the_same_words(change: dict[str, Any]) -> None:
    said = []
    for make in (plain_message, Message):
        with pytest.raises(errors.MessageError) as raised:
            make(**{**FIELDS, **change})
        said.append((str(raised.value), raised.value.field))
    assert said[0] == said[1]


@pytest.mark.parametrize("change", [{"html": "<p>Hola</p>"}, {"text": " "}, {"text": None}])
def test_what_has_to_be_looked_at_more_closely_is_a_message(change: dict[str, Any]) -> None:
    assert isinstance(plain_message(**{**FIELDS, **change}), Message)
