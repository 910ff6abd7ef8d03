"""A Message takes what people write, refuses what cannot be sent by the name of its field, and stays as it was made."""

from __future__ import annotations

import io
import pickle
from datetime import UTC, datetime
from email.headerregistry import Address as StdlibAddress
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import BaseModel, ValidationError

from sendkit._message.attachment import Attachment
from sendkit._message.message import Message
from sendkit.errors import MessageError
from tests.message.readers import WILD

PNG = b"\x89PNG\r\n\x1a\n"


def message(**fields: Any) -> Message:
    return Message(**{"sender": "ana@example.com", **fields})


def test_mailboxes_are_accepted_in_every_form() -> None:
    made = message(
        sender=("Ana", "ana@example.com"),
        to="a@b.c, D <d@e.f>",
        cc=[StdlibAddress("G", "g", "h.i"), ("J", "j@k.l")],
        bcc={"m@n.o"},
        reply_to=None,
    )
    assert str(made.sender) == '"Ana" <ana@example.com>'
    assert [str(box) for box in (*made.to, *made.cc, *made.bcc)] == [
        "a@b.c", '"D" <d@e.f>', '"G" <g@h.i>', '"J" <j@k.l>', "m@n.o",
    ]  # fmt: skip
    assert made.reply_to == ()


@pytest.mark.parametrize(
    ("fields", "field", "advice"),
    [
        ({"sender": "ana"}, "sender", "no @"),
        ({"sender": "a@b.c, d@e.f"}, "sender", "exactly one"),
        ({"sender": 5}, "sender", "Mailbox"),
        ({"sender": ("Ana\r\nBcc: x@y.z", "a@b.c")}, "sender", "take it out"),
        ({"to": "a@b.c,,"}, "to", "extra comma"),
        ({"cc": ["a@b.c", 5]}, "cc", "Mailbox"),
        ({"bcc": "a@b_c.d"}, "bcc", "labels"),
        ({"reply_to": "a@b.c\n"}, "reply_to", "take it out"),
        ({"subject": "Hi\r\nBcc: x@y.z"}, "subject", "control"),
        ({"subject": "Hi\x85"}, "subject", "control"),
        ({"subject": "Hi\u2028"}, "subject", "control"),
        ({"subject": "Hi\ud800"}, "subject", "control"),
        ({"subject": 5}, "subject", "str"),
        ({"text": b"x"}, "text", "str"),
        ({"html": "\ud800"}, "html", "encoding"),
        ({"text": "\ud800", "html": ""}, "text", "encoding"),
        ({"attachments": ["report.pdf"]}, "attachments", 'Path("report.pdf")'),
        ({"attachments": "report.pdf"}, "attachments", 'Path("report.pdf")'),
        ({"attachments": [b"x"]}, "attachments", "from_bytes"),
        ({"attachments": b"x"}, "attachments", "from_bytes"),
        ({"attachments": [5]}, "attachments", "Path"),
        ({"attachments": 5}, "attachments", "Path"),
        ({"attachments": [Path("missing.pdf")]}, "attachments", "exists"),
        ({"inline": {"chart": PNG}}, "inline", "html"),
        ({"inline": [PNG], "html": "x"}, "inline", "chart"),
        ({"inline": {"chart": b"?"}, "html": "x"}, "inline", "from_bytes"),
        ({"inline": {"a chart": PNG}, "html": "x"}, "inline", "letters"),
        ({"inline": {"x": "chart.png"}, "html": "x"}, "inline", "Path"),
        ({"headers": {"Bcc": "x@y.z"}}, "headers", "bcc"),
        ({"headers": {"resent-bcc": "x@y.z"}}, "headers", "bcc"),
        ({"headers": {"subject": "x"}}, "headers", "subject"),
        ({"headers": {"Content-Type": "text/plain"}}, "headers", "attachments"),
        ({"headers": {"Return-Path": "x"}}, "headers", "envelope_from"),
        ({"headers": {"X Y": "1"}}, "headers", "letters"),
        ({"headers": {"X-Y:": "1"}}, "headers", "letters"),
        ({"headers": {"": "1"}}, "headers", "letters"),
        ({"headers": {"X-Y": "1\r\nBcc: x@y.z"}}, "headers", "control"),
        ({"headers": {"X-Y": 42}}, "headers", "str"),
        ({"headers": {"X-Y": "1", "x-y": "2"}}, "headers", "keep one"),
        ({"headers": {"References": "ñ"}}, "headers", "remove"),
        ({"headers": {"References": "<" + "x" * 1000 + "@y>"}}, "headers", "shorten"),
        ({"headers": {"Sender": "ana"}}, "headers", "no @"),
        ({"headers": ["X-Y"]}, "headers", "X-Report"),
        ({"message_id": "unique"}, "message_id", "<unique@example.com>"),
        ({"message_id": "<a@b>\r\nX: y"}, "message_id", "<unique@example.com>"),
        ({"date": datetime(2026, 11, 24)}, "date", "astimezone"),  # noqa: DTZ001 - the fault it is about
        ({"date": 5}, "date", "time zone"),
        ({"date": "tomorrow"}, "date", ""),
        ({"sendr": "x"}, "sendr", "sender"),
    ],
)
def test_what_cannot_be_sent_is_refused_by_the_name_of_its_field(
    fields: dict[str, object], field: str, advice: str
) -> None:
    with pytest.raises(MessageError) as caught:
        message(**fields)
    assert caught.value.field == field
    assert field in str(caught.value)
    assert caught.value.hint is not None
    assert advice in caught.value.hint


def test_a_message_without_a_sender_cannot_be_written_out() -> None:
    with pytest.raises(MessageError, match="sender") as error:
        Message(to="luis@example.com", text="x").as_bytes()
    assert error.value.field == "sender"


def test_what_is_made_without_validation_has_a_message_id_too() -> None:
    assert Message.model_construct(to=()).message_id.endswith(".invalid>")


def test_validation_of_plain_data_raises_message_errors() -> None:
    assert Message.model_validate({"sender": "a@b.c", "to": ["d@e.f"]}).to[0].address.wire == "d@e.f"
    assert Message.model_validate_json('{"sender": "a@b.c", "date": "2026-11-24T08:00:00+01:00"}').date.hour == 8
    for faulty in ({"sender": "a"}, {"sender": "a@b.c", "sendr": 1}):
        with pytest.raises(MessageError):
            Message.model_validate(faulty)
    with pytest.raises(MessageError):
        Message.model_validate_json("{")


def test_inside_another_model_it_validates_as_pydantic_does() -> None:
    class Job(BaseModel):
        message: Message

    assert Job.model_validate({"message": {"sender": "a@b.c"}}).message.sender.address.wire == "a@b.c"
    with pytest.raises(ValidationError, match="no @"):
        Job.model_validate({"message": {"sender": "a"}})


def test_a_message_is_frozen() -> None:
    with pytest.raises(ValidationError):
        message().subject = "x"


def test_the_message_id_has_the_senders_domain_and_is_fixed() -> None:
    made = message(sender="ana@straße.de")
    assert made.message_id.endswith("@xn--strae-oqa.de>")
    assert made.message_id == made.model_copy().message_id
    assert made.message_id != message(sender="ana@straße.de").message_id


def test_a_copy_with_changes_has_its_own_message_id_and_date() -> None:
    made = message(html="<p>one", date=datetime(2020, 1, 1, tzinfo=UTC))
    copy = made.model_copy(update={"html": "<p>two"})
    assert (copy.html, copy.text) == ("<p>two", "two\n")
    assert copy.message_id != made.message_id
    assert copy.date > made.date
    kept = made.model_copy(update={"subject": "x", "message_id": made.message_id, "date": made.date})
    assert (kept.message_id, kept.date) == (made.message_id, made.date)


def test_a_copy_is_checked_like_any_message() -> None:
    with pytest.raises(MessageError, match="subject"):
        message().model_copy(update={"subject": "a\nb"})
    assert message(text="mine", html="<p>one").model_copy(update={"html": "<p>two"}).text == "mine"


def test_a_text_is_derived_only_where_it_is_missing() -> None:
    assert message(html="<p>Hola</p>").text == "Hola\n"
    assert message(html="<p>Hola</p>", text="Buenas").text == "Buenas"
    assert message().text is message(text=None).text is None


def test_attachments_come_from_paths_bytes_and_open_files(tmp_path: Path) -> None:
    path = tmp_path / "datos.csv"
    path.write_bytes(b"a;b")
    with path.open("rb") as file, io.FileIO(path) as raw:
        made = message(attachments=[path, Attachment.from_bytes(b"a;b", filename="datos.csv"), file, raw])
    assert [(item.filename, item.content_type, item.read()) for item in made.attachments] == [
        ("datos.csv", "text/csv", b"a;b")
    ] * 4
    assert len(message(attachments=path).attachments) == 1
    assert message(attachments=None, inline=None, headers=None).attachments == ()


def test_a_content_id_is_there_once() -> None:
    picture = Attachment.from_bytes(PNG, filename="a.png", content_id="chart")
    with pytest.raises(MessageError, match="twice"):
        message(html="x", inline={"chart": PNG}, attachments=[picture])


def test_the_repr_holds_no_octets_of_attachments() -> None:
    made = message(html="x", inline={"chart": PNG}, attachments=[Attachment.from_bytes(b"SECRET", filename="a.bin")])
    assert "SECRET" not in repr(made)
    assert "PNG" not in repr(made)
    assert "a.bin" in repr(made)


def test_messages_can_be_pickled_hashed_and_compared() -> None:
    made = message(to="a@b.c", headers={"X-Report": "42"})
    copy = pickle.loads(pickle.dumps(made))
    assert copy == made
    assert len({made, copy}) == 1


@given(st.sampled_from(["sender", "to", "subject", "headers", "message_id", "attachments", "inline", "date"]), WILD)
def test_any_text_in_any_field_is_taken_or_refused_by_name(field: str, text: str) -> None:
    try:
        message(**{"html": "x", field: {text: text} if field in {"headers", "inline"} else text})
    except MessageError as error:
        if error.field != field:
            raise
