"""A message crosses a queue as JSON, pickled or copied, and gives the same octets on the other side."""

from __future__ import annotations

import copy
import json
import math
import pickle
import warnings
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import BaseModel

from sendkit._message.attachment import Attachment
from sendkit._message.compose import compose
from sendkit._message.invite import Invite
from sendkit._message.mailbox import Mailbox
from sendkit._message.message import Message
from sendkit._message.purpose import Unsubscribe
from sendkit._message.ready import ReadyMessage
from sendkit._message.template import MessageTemplate
from sendkit._smtp.address import parse_address
from sendkit.errors import MessageError
from tests.message.readers import WILD, octets_of

PNG = b"\x89PNG\r\n\x1a\n\xff\x00"
RAW = (
    "From: Ana Núñez <ana@example.com>\nTo: luis@example.com\nBcc: secret@example.com\nSubject: ñ\n\nñ\n.\n"
).encode()


def rich(**fields: Any) -> Message:
    given: dict[str, Any] = {
        "sender": "Ana Núñez <ana@straße.de>",
        "to": ['"Doe, J." <luis@example.com>', Mailbox("a  b", parse_address("ops@example.net"))],
        "cc": "ñoño@example.com",
        "bcc": "secret@example.com",
        "reply_to": "r@s.t",
        "subject": "Año",
        "html": '<p>ñ<img src="cid:c"></p>',
        "inline": {"c": PNG},
        "attachments": [Attachment.from_bytes(PNG * 9, filename="日本.pdf")],
        "headers": {"X-Report": "42", "A-First": "x"},
        **fields,
    }
    return Message(**given)


WAYS: list[Callable[[Any], Any]] = [
    lambda message: type(message).model_validate_json(message.model_dump_json()),
    lambda message: type(message).model_validate(json.loads(message.model_dump_json())),
    lambda message: type(message).model_validate(json.loads(json.dumps(message.model_dump(mode="json")))),
    lambda message: type(message).model_validate_json(json.dumps(json.loads(message.to_json()), sort_keys=True)),
    lambda message: type(message).from_json(message.to_json()),
    lambda message: type(message).model_validate(message.model_dump()),
    lambda message: pickle.loads(pickle.dumps(message)),
    copy.copy,
    copy.deepcopy,
]
every_way = pytest.mark.parametrize("there_and_back", WAYS, ids=range(len(WAYS)))


def wire(message: Message | ReadyMessage) -> tuple[object, bytes]:
    return compose(message).envelope, octets_of(message)


@every_way
@pytest.mark.parametrize("fields", [{}, {"text": "x"}, {"html": None, "inline": None, "text": "x\0y"}])
def test_a_message_is_the_same_on_the_other_side(fields: dict[str, Any], there_and_back: Callable[[Any], Any]) -> None:
    message = rich(**fields)
    again = there_and_back(message)
    assert wire(again) == wire(message)
    assert again.as_bytes() == message.as_bytes()
    assert {**again.model_dump(), "date": ""} == {**message.model_dump(), "date": ""}
    # A text that was made from html is made again in a copy with another html.
    texts = {one.model_copy(update={"html": "<p>new", "inline": None}).text for one in (message, again)}
    assert len(texts) == 1


@every_way
@pytest.mark.parametrize("given", [{}, {"envelope_from": ""}, {"envelope_from": "b@c.d", "recipients": "e@f.g, h@i.j"}])
def test_a_ready_message_is_the_same_on_the_other_side(
    given: dict[str, str], there_and_back: Callable[[Any], Any]
) -> None:
    message = Message.from_bytes(RAW, **given)
    assert wire(there_and_back(message)) == wire(message)
    assert message.as_bytes() == octets_of(message)
    assert b"secret" not in message.as_bytes()


@every_way
@pytest.mark.parametrize("fields", [{}, {"text": "for $name"}, {"html": None, "text": "$name"}])
def test_a_template_is_the_same_on_the_other_side(fields: dict[str, Any], there_and_back: Callable[[Any], Any]) -> None:
    given: dict[str, Any] = {"html": "<p>$name</p>", "headers": {"X-For": "$name", "X-All": "1"}, **fields}
    pdf = Attachment.from_bytes(PNG, filename="a.pdf")
    template = Message.template(sender="Ana <ana@example.com>", subject="$name", attachments=[pdf], **given)
    again: MessageTemplate = there_and_back(template)
    assert again.placeholders == template.placeholders
    merged = template.merge(to="b@c.d", name="Luis", message_id="<1@b.c>", date=(date := rich().date))
    other = again.merge(to="b@c.d", name="Luis", message_id="<1@b.c>", date=date)
    assert wire(other) == wire(merged)
    assert wire(Message.from_json(merged.to_json())) == wire(merged)


@given(st.fixed_dictionaries({}, optional={"subject": WILD, "text": WILD, "html": WILD, "reply_to": st.just("a@b.c")}))
def test_any_message_is_the_same_on_the_other_side(fields: dict[str, str]) -> None:
    try:
        message = Message(sender="ana@example.com", to="b@c.d", **fields)  # type: ignore[arg-type]
    except MessageError:
        return
    assert wire(Message.from_json(message.to_json())) == wire(message)


def test_a_dump_says_what_it_is_and_warns_of_nothing() -> None:
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        dumped = [
            json.loads(one.to_json())
            for one in (rich(), Message.from_bytes(RAW), Message.template(text="$x", sender="a@b.c"))
        ]
    assert [(one["kind"], one["version"]) for one in dumped] == [("message", 1), ("ready", 1), ("template", 1)]


@pytest.mark.parametrize(
    ("change", "field"),
    [
        ({"version": 2}, "version"),
        ({"kind": "ready"}, "kind"),
        ({"attachments": [{"filename": "x", "content_type": "a/b", "data": "?"}]}, "attachments"),
        ({"attachments": [{"filename": "x", "content_type": "a/b"}]}, "attachments"),
        ({"attachments": [{"filename": "x", "data": ""}]}, "attachments"),
        ({"attachments": [{"filename": "x", "content_type": "a/b", "data": "", "mode": "w"}]}, "attachments"),
        ({"boundary": "x"}, "boundary"),
        ({"headers": [["X-A", "1", "2"]]}, "headers"),
        ({"priority": []}, "priority"),
        ({"unsubscribe": {"url": 5}}, "unsubscribe"),
        ({"references": 5}, "references"),
        ({"derived": 5}, "derived"),
        ({"derived": ["html"]}, "derived"),
        ({"date": "today"}, "date"),
    ],
)
def test_what_was_not_dumped_here_is_refused(change: dict[str, Any], field: str) -> None:
    data = {**json.loads(rich().to_json()), **change}
    with pytest.raises(MessageError) as caught:
        Message.model_validate_json(json.dumps(data))
    assert caught.value.field == field
    assert caught.value.hint


@pytest.mark.parametrize("text", ["", "[]", "{", '"x"', b"\xff", "[" * 100_000, None])
@pytest.mark.parametrize("kind", [Message, ReadyMessage, MessageTemplate])
def test_what_is_no_json_object_is_refused(kind: type[Message], text: str) -> None:
    with pytest.raises(MessageError, match="JSON"):
        kind.from_json(text)


def test_a_file_is_embedded_so_that_it_may_be_gone_on_the_other_side(tmp_path: Path) -> None:
    path = tmp_path / "a.bin"
    path.write_bytes(PNG * 20_000)
    message = rich(attachments=[path])
    octets, dumped = octets_of(message), message.to_json()
    path.unlink()
    assert octets_of(Message.from_json(dumped)) == octets
    for dump in (message.to_json, message.model_dump_json):
        with pytest.raises(MessageError, match="cannot be read"):
            dump()


def test_a_path_in_json_is_loaded_from_the_folder_that_the_reader_names_alone(tmp_path: Path) -> None:
    inside, outside = tmp_path / "inside", tmp_path / "outside.txt"
    inside.mkdir()
    outside.write_text("secret")
    (inside / "a.txt").write_text("x")
    (inside / "link.txt").symlink_to(outside)
    dumped = rich(attachments=[inside / "a.txt"]).to_json(embed_files=False)
    with pytest.raises(MessageError, match="a path"):
        Message.from_json(dumped)
    with pytest.raises(MessageError, match="a path"):
        Message.model_validate_json(dumped)
    assert Message.from_json(dumped, allow_paths=inside).attachments[0].read() == b"x"
    for path in (outside, inside / "link.txt", inside / ".." / "outside.txt", "../outside.txt", "/etc/passwd"):
        data = json.loads(dumped)
        data["attachments"][0]["path"] = str(path)
        with pytest.raises(MessageError, match="outside the folder"):
            Message.from_json(json.dumps(data), allow_paths=inside)


def test_a_path_that_is_none_and_a_folder_that_is_not_named_are_refused(tmp_path: Path) -> None:
    (tmp_path / "a.txt").write_text("x")
    data = json.loads(rich(attachments=[tmp_path / "a.txt"]).to_json(embed_files=False))
    with pytest.raises(MessageError, match="contains a path"):
        Message.from_json(json.dumps(data), allow_paths="")  # an unset variable is not the working directory
    data["attachments"][0]["path"] = "a\0.txt"
    with pytest.raises(MessageError, match="not a path"):
        Message.from_json(json.dumps(data), allow_paths=tmp_path)


def test_octets_that_were_changed_in_the_queue_are_checked_as_new_ones() -> None:
    data = json.loads(Message.from_bytes(RAW).to_json())
    data["octets"] = "RnJvbTogYUBiLmMKCngALnk="  # a NUL, and bare line ends
    with pytest.raises(MessageError):
        ReadyMessage.from_json(json.dumps({**data, "fields": ["eA=="]}))
    assert b"\0" not in ReadyMessage.from_json(json.dumps(data)).as_bytes()


def test_what_an_earlier_release_pickled_gets_the_fields_of_this_one() -> None:
    message = Message(sender="ana@example.com", to="luis@example.com", text="x")
    state = copy.deepcopy(message.__getstate__())
    for name in ("calendar", "references", "inline", "priority"):
        del state["__dict__"][name]
    old = Message.__new__(Message)
    old.__setstate__(state)
    assert old.as_bytes() == message.as_bytes()
    assert (old.calendar, old.references, dict(old.inline)) == (None, (), {})


def test_they_are_fields_of_other_models() -> None:
    class Job(BaseModel):
        message: Message
        ready: ReadyMessage
        template: MessageTemplate

    job = Job(message=rich(), ready=Message.from_bytes(RAW), template=Message.template(sender="a@b.c", text="$x"))
    again = Job.model_validate_json(job.model_dump_json())
    assert (wire(again.message), wire(again.ready)) == (wire(job.message), wire(job.ready))
    assert again.template.placeholders == {"x"}


def test_nothing_in_a_message_can_be_changed() -> None:
    octets = bytearray(PNG)
    message = rich(attachments=[Attachment(filename="a", content_type="a/b", data=octets)])  # type: ignore[arg-type]
    before = octets_of(message)
    octets[0] = 0
    for mapping in (message.headers, message.inline, copy.copy(message).headers):
        with pytest.raises(TypeError):
            mapping["Bcc"] = "x"  # type: ignore[index]
    assert octets_of(message) == before
    template = Message.template(sender="a@b.c", text="$x", headers={"X-A": "$x", "X-B": "1"})
    merged = template.merge(x="1", to="b@c.d")
    with pytest.raises(TypeError):
        merged.headers["X-B"] = "2"  # type: ignore[index]
    assert template.merge(x="1", to="b@c.d").headers == {"X-A": "1", "X-B": "1"}


@pytest.mark.parametrize(("kind", "words"), [("ready", r"ReadyMessage\.from_json"), ("letter", "to_json")])
def test_a_dump_of_another_kind_is_told_who_loads_it(kind: str, words: str) -> None:
    with pytest.raises(MessageError, match=words):
        Message.from_json(json.dumps({"kind": kind, "version": 1}))


ODD: list[Any] = [
    None, True, -1, 1.5, math.inf, math.nan, 10**400, "", "x" * 1000, "\ud800", "\0", [], [[]], [[None, None]], {},
    {"a": 1}, "9999-12-31T23:59:59-14:00",
]  # fmt: skip


def _places(value: object, place: tuple[Any, ...] = ()) -> Iterator[tuple[Any, ...]]:
    yield place
    entries: Any = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    for key, entry in entries:
        yield from _places(entry, (*place, key))


def _with(value: Any, place: tuple[Any, ...], entry: object) -> Any:
    if not place:
        return entry
    changed = copy.copy(value)
    changed[place[0]] = _with(value[place[0]], place[1:], entry)
    return changed


def _all_kinds() -> list[Message | ReadyMessage | MessageTemplate]:
    hour = datetime(2026, 12, 1, 10, tzinfo=UTC)
    event = Invite(summary="Review", start=hour, end=hour + timedelta(hours=1))
    leave = Unsubscribe("https://example.com/u", mailto="leave@example.com")
    return [
        rich(calendar=event, unsubscribe=leave, priority="high", auto_submitted=True, in_reply_to="<a@b>"),
        Message.from_bytes(RAW, recipients=["luis@example.com"], envelope_from="ana@example.com"),
        Message.template(sender="ana@example.com", html="<p>$v", headers={"X-Report": "$v"}, unsubscribe=leave),
    ]


def _refused(kind: type[Message | ReadyMessage | MessageTemplate], text: str) -> str:
    try:
        loaded = kind.from_json(text)
        (loaded.merge(v="1", to="b@c.d") if isinstance(loaded, MessageTemplate) else loaded).as_bytes()
    except MessageError as error:
        return str(error)
    return ""


@pytest.mark.parametrize("message", _all_kinds(), ids=lambda message: type(message).__name__)
def test_no_json_raises_anything_but_a_message_error_of_a_few_words(
    message: Message | ReadyMessage | MessageTemplate,
) -> None:
    """Each value of the dump in turn is something else; what loads can be written out."""
    dumped = json.loads(message.to_json())
    for place in _places(dumped):
        for odd in ODD:
            assert len(_refused(type(message), json.dumps(_with(dumped, place, odd)))) < 600, place


def test_a_lone_surrogate_in_a_merged_value_is_a_message_error() -> None:
    for fields in ({"subject": "$v"}, {"html": "$v"}, {"unsubscribe": Unsubscribe("https://example.com/$v")}):
        with pytest.raises(MessageError, match=r"surrogate|U\+D800"):
            Message.template(sender="a@b.c", **fields).merge(v="\ud800", to="b@c.d").as_bytes()
