"""What a message says to programs stands in its header fields as the RFCs want it."""

from __future__ import annotations

import base64
import pickle
from datetime import UTC, date, datetime, timedelta, timezone
from email.message import EmailMessage
from typing import Any

import icalendar
import pytest

from sendkit import Invite, Message, Unsubscribe
from sendkit.errors import MessageError
from tests.message.readers import octets_of, read

START = datetime(2026, 12, 1, 10, tzinfo=timezone(timedelta(hours=1)))
EVENT = Invite(
    summary="Review; ñ, x", start=START, end=START + timedelta(hours=1), location="Sala 1", description="a\nb"
)
PNG = b"\x89PNG\r\n\x1a\n"


def message(**fields: Any) -> Message:
    return Message(**{"sender": "Ana Núñez <ana@example.com>", "to": "Luis <luis@example.com>", "text": "x", **fields})


def test_unsubscribing_takes_one_click_and_https() -> None:
    found = read(
        octets_of(message(unsubscribe=Unsubscribe("https://example.com/u?id=4F2A", mailto="leave@example.com")))
    )
    assert found["List-Unsubscribe"] == "<https://example.com/u?id=4F2A>, <mailto:leave@example.com>"
    assert found["List-Unsubscribe-Post"] == "List-Unsubscribe=One-Click"
    found = read(octets_of(message(unsubscribe=Unsubscribe(mailto="mailto:leave@example.com?subject=x"))))
    assert (found["List-Unsubscribe"], found["List-Unsubscribe-Post"]) == ("<mailto:leave@example.com?subject=x>", None)


@pytest.mark.parametrize(
    "fields",
    [{"url": "http://x.org"}, {"url": "https://"}, {"url": "x"}, {"url": "https://x.org/\r\nBcc: x"}, {"url": "https://x.org/ñ"},
     {"url": "https://x.org/>,<http://y"}, {"mailto": "x"}, {"mailto": "a@b.c,d@e.f"}, {}, {"url": "https://[x"}],
)  # fmt: skip
def test_what_no_reader_could_unsubscribe_by_is_refused(fields: dict[str, str]) -> None:
    with pytest.raises(MessageError) as failure:
        Unsubscribe(**fields)
    assert failure.value.field == "unsubscribe"


def test_each_reader_of_a_template_has_a_page_of_his_own() -> None:
    template = Message.template(
        sender="a@b.c", text="$name", unsubscribe=Unsubscribe("https://example.com/u/$code"), priority="low"
    )
    found = read(octets_of(template.merge(name="Luis", code="a/ñ&b", to="d@e.f")))
    assert found["List-Unsubscribe"] == "<https://example.com/u/a%2F%C3%B1%26b>"
    assert found["X-Priority"] == "5"


def test_an_answer_names_what_it_answers_and_all_before() -> None:
    first = message()
    second = message(in_reply_to=first)
    third = message(in_reply_to=second, auto_submitted="auto-replied")
    found = read(octets_of(third))
    assert found["In-Reply-To"] == second.message_id
    assert str(found["References"]).split() == [first.message_id, second.message_id]
    assert found["Auto-Submitted"] == "auto-replied"
    stdlib = EmailMessage()
    stdlib["Message-ID"], stdlib["References"] = "<3@x.y>", "<1@x.y> <2@x.y>"
    ready = Message.from_bytes(b"From: a@b.c\nTo: d@e.f\nMessage-ID: <3@x.y>\nReferences: <1@x.y>\n <2@x.y>\n\nx")
    received = read(octets_of(message(message_id="<3@x.y>", headers={"References": "<1@x.y> <2@x.y>"})))
    for answered in (stdlib, ready, received, message(message_id="<3@x.y>", references=["<1@x.y>", "<2@x.y>"])):
        answer = message(in_reply_to=answered)
        assert (answer.in_reply_to, answer.references) == ("<3@x.y>", ("<1@x.y>", "<2@x.y>", "<3@x.y>"))
    assert message(in_reply_to="<3@x.y>").references == ("<3@x.y>",)


def test_priority_and_origin_are_said_as_readers_know_them() -> None:
    found = read(octets_of(message(priority="high", auto_submitted=True)))
    assert (found["Importance"], found["X-Priority"], found["Auto-Submitted"]) == ("high", "1", "auto-generated")


@pytest.mark.parametrize(
    ("fields", "field"),
    [
        ({"priority": "urgent"}, "priority"),
        ({"auto_submitted": "no"}, "auto_submitted"),
        ({"in_reply_to": "x"}, "in_reply_to"),
        ({"in_reply_to": EmailMessage()}, "in_reply_to"),
        ({"references": "x"}, "references"),
        ({"unsubscribe": "https://x.org"}, "unsubscribe"),
        ({"calendar": "x"}, "calendar"),
        ({"priority": "high", "headers": {"Importance": "low"}}, "headers"),
        ({"in_reply_to": "<a@b>", "headers": {"References": "<c@d>"}}, "headers"),
    ],
)
def test_what_it_cannot_say_is_refused(fields: dict[str, Any], field: str) -> None:
    with pytest.raises(MessageError) as caught:
        message(**fields)
    assert caught.value.field == field


# Invitations


def calendars(octets: bytes) -> list[Any]:
    parts = [part for part in read(octets).walk() if part.get_content_type() in {"text/calendar", "application/ics"}]
    return [icalendar.Calendar.from_ical(part.get_payload(decode=True)) for part in parts]


def test_an_invitation_is_the_last_alternative_and_a_file_and_both_say_the_same() -> None:
    octets = octets_of(message(html="<p>x", calendar=EVENT))
    tree = read(octets)
    assert [part.get_content_type() for part in tree.walk()] == [
        "multipart/mixed", "multipart/alternative", "text/plain", "text/html", "text/calendar", "application/ics",
    ]  # fmt: skip
    (part,) = [part for part in tree.walk() if part.get_content_type() == "text/calendar"]
    assert part.get_param("method") == "REQUEST"
    one, other = calendars(octets)
    assert one == other
    (event,) = one.walk("VEVENT")
    assert (one["METHOD"], event["UID"], event["SEQUENCE"]) == ("REQUEST", EVENT.uid, 0)
    assert event["DTSTART"].dt == START
    assert event["DTSTART"].dt.tzinfo == UTC or event["DTSTART"].dt.utcoffset() == timedelta(0)
    assert (event["ORGANIZER"], event["ATTENDEE"]) == ("mailto:ana@example.com", "mailto:luis@example.com")
    assert event["ATTENDEE"].params["RSVP"] == "TRUE"
    assert (event["SUMMARY"], event["DESCRIPTION"]) == ("Review; ñ, x", "a\nb")


def test_a_change_and_a_cancellation_are_of_the_same_event() -> None:
    moved = EVENT.update(location="Sala 2")
    for event, method, sequence in ((moved, "REQUEST", 1), (moved.cancel(), "CANCEL", 2)):
        octets = octets_of(message(calendar=event))
        (one, _) = calendars(octets)
        (inner,) = one.walk("VEVENT")
        assert (one["METHOD"], inner["UID"], inner["SEQUENCE"]) == (method, EVENT.uid, sequence)
        assert f'method="{method}"'.encode() in octets
    assert inner["STATUS"] == "CANCELLED"


def test_an_invitation_has_a_text_keeps_its_octets_and_may_be_for_whole_days() -> None:
    days = Invite(summary="x", start=date(2026, 12, 1), end=date(2026, 12, 2))
    for event in (EVENT, days):
        invitation = message(text=None, calendar=event)
        assert event.summary in (invitation.text or "")
        for again in (Message.from_json(invitation.to_json()), pickle.loads(pickle.dumps(invitation))):
            assert octets_of(again) == octets_of(invitation)


@pytest.mark.parametrize(
    "change",
    [{"end": START}, {"start": datetime(2026, 12, 1)}, {"end": date(2026, 12, 2)}, {"summary": " "}, {"uid": ""},  # noqa: DTZ001
     {"uid": "a\nb"}, {"sequence": -1}, {"method": "PUBLISH"}],
)  # fmt: skip
def test_what_is_no_event_is_refused(change: dict[str, Any]) -> None:
    with pytest.raises(MessageError) as caught:
        EVENT.update(**change)
    assert caught.value.field == "calendar"


# Pictures within the html


def test_a_picture_within_the_html_becomes_an_inline_part() -> None:
    data = base64.b64encode(PNG).decode()
    svg = "%3Csvg xmlns=%27x%27%3E%3C/svg%3E"
    html = (
        f"<img src=\"data:image/png;base64,{data}\"><img src='data:image/png;base64,{data}'>"
        f'<p style="background:url(data:image/svg+xml,{svg})">x<img src="data:image/png;base64,?">'
        '<a href="data:text/html,x">x</a><img src="cid:own">'
    )
    found = message(text=None, html=html, inline={"own": PNG})
    names = [name for name in found.inline if name != "own"]
    assert [found.inline[name].content_type for name in names] == ["image/png", "image/svg+xml"]
    assert found.html is not None
    assert found.html.count(f"cid:{names[0]}") == 2
    assert f"url(cid:{names[1]})" in found.html
    assert "data:image/png;base64,?" in found.html
    assert "data:text/html,x" in found.html
    assert found.inline[names[0]].read() == PNG
    assert message(text=None, html=html, inline={"own": PNG}).html == found.html


@pytest.mark.parametrize(
    "change",
    [
        {"summary": "a\0b"},
        {"location": "a\x1b[1mb"},
        {"description": "\ud800"},
        {"url": "https://example.com/\r\nATTENDEE:mailto:eva@example.com"},
        {"uid": "a\r\nb"},
        {"summary": 5},
        {"start": "2026-12-01T10:00:00Z"},
        {"start": datetime(1, 1, 1, tzinfo=timezone(timedelta(hours=5)))},
    ],
    ids=str,
)
def test_what_a_calendar_has_no_place_for_is_refused(change: dict[str, Any]) -> None:
    with pytest.raises(MessageError) as caught:
        EVENT.update(**change)
    assert (caught.value.field, bool(caught.value.hint)) == ("calendar", True)
