"""What `merge` makes is the very Message that somebody would have made by hand, and costs less."""

from __future__ import annotations

import copy
import pickle
from collections.abc import Callable
from datetime import UTC, datetime
from html import escape
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sendkit import Mailer, MemoryTransport, Message, MessageTemplate, Unsubscribe
from sendkit._message import render
from sendkit._message.attachment import Attachment
from sendkit.errors import MessageError
from tests.message.readers import WILD, octets_of, read

PNG = b"\x89PNG\r\n\x1a\n"
SENDER = "Ana Núñez <ana@example.com>"
FIXED: dict[str, Any] = {"message_id": "<1@example.com>", "date": datetime(2026, 11, 24, 8, tzinfo=UTC)}
SHARED: dict[str, Any] = {
    "inline": {"chart": PNG},
    "attachments": [
        Attachment.from_bytes(bytes(range(256)) * 9, filename="ñ.bin"),
        Attachment.from_bytes(b"x", filename="a.csv"),
    ],
    "reply_to": "help@example.com",
}
TEMPLATE = Message.template(
    sender=SENDER,
    subject="News for $name",
    text="Dear $name,\n$$5 for ${thing}s",
    html="<p>Dear $name: $thing</p>",
    headers={"X-First": "1", "X-Name": "for $name", "X-Last": "2"},
    **SHARED,
)


def by_hand(name: str, thing: str, **fields: Any) -> Message:
    return Message(
        sender=SENDER,
        subject=f"News for {name}",
        text=f"Dear {name},\n$5 for {thing}s",
        html=f"<p>Dear {escape(name)}: {escape(thing)}</p>",
        headers={"X-First": "1", "X-Name": f"for {name}", "X-Last": "2"},
        **SHARED,
        **own(TEMPLATE),
        **fields,
    )


def own(template: MessageTemplate) -> dict[str, Any]:
    """What a message has for itself, with the boundary that the template gives to that Message-ID."""
    return {**FIXED, "boundary": template._boundary(FIXED["message_id"])}


def made_or_refused(make: Callable[[], Message]) -> Message | tuple[str, str | None]:
    """The message, or what is wrong with it and where."""
    try:
        return make()
    except MessageError as error:
        return error.message, error.field


@given(WILD, WILD)
def test_it_is_the_message_made_by_hand_octet_for_octet_or_the_same_refusal(name: str, thing: str) -> None:
    to: dict[str, Any] = {"to": "Luis <luis@example.com>", "cc": ["b@c.d"], "bcc": ["secret@example.com"]}
    expected = made_or_refused(lambda: by_hand(name, thing, **to))
    merged = made_or_refused(lambda: TEMPLATE.merge(name=name, thing=thing, **to, **FIXED))
    assert merged == expected
    if isinstance(merged, Message) and isinstance(expected, Message):
        assert octets_of(merged) == octets_of(expected)


@pytest.mark.parametrize(
    "fields",
    [
        {"text": "the same for all"},
        {"html": "<p>the same for all</p>"},
        {"html": "<p>$name &lt; you</p>"},
        {"html": "<p>the same</p>", "text": "for $name"},
        {"text": "$name", "attachments": [Attachment.from_bytes(PNG, filename="a.png", content_id="c")]},
        {"html": "$name", "attachments": [Attachment.from_bytes(PNG, filename="a.png", content_id="c")]},
        {"text": "$name", "attachments": [Attachment.from_bytes(b"Subject: x\r\n\r\n", filename="a.eml")]},
    ],
)
def test_whatever_is_shared_it_is_the_message_made_by_hand(fields: dict[str, Any]) -> None:
    template = Message.template(sender=SENDER, subject="$name", **fields)
    filled = {key: value.replace("$name", "Luis") if isinstance(value, str) else value for key, value in fields.items()}
    expected = Message(sender=SENDER, to="luis@example.com", subject="Luis", **filled, **own(template))
    merged = template.merge(name="Luis", to="luis@example.com", **FIXED)
    assert merged == expected
    assert octets_of(merged) == octets_of(expected)


def test_a_sender_beyond_ascii_is_written_as_the_server_can_take_it() -> None:
    template = Message.template(sender="Ana <ñoño@example.com>", text="$name")
    from sendkit._message.render import render  # noqa: PLC0415 - this test looks behind the face

    for utf8 in (True, False):
        contents = [
            render(message)
            for message in (
                template.merge(name="x", to="a@b.c", **FIXED),
                Message(sender="Ana <ñoño@example.com>", text="x", to="a@b.c", **own(template)),
            )
        ]
        one, two = (b"".join((content if utf8 else content.without_utf8()).blocks()) for content in contents)
        assert one == two


def test_each_has_a_message_id_of_its_own_and_so_another_boundary() -> None:
    one, two = (TEMPLATE.merge(name="x", thing="y", to="a@b.c") for _ in range(2))
    assert one.message_id != two.message_id
    assert read(octets_of(one)).get_boundary() != read(octets_of(two)).get_boundary()


def test_a_line_end_in_a_header_is_refused_and_in_a_body_it_is_a_line_end() -> None:
    template = Message.template(sender=SENDER, subject="$name")
    with pytest.raises(MessageError, match=r"U\+000D") as caught:
        template.merge(name="x\r\nBcc: eve@example.org", to="a@b.c")
    assert caught.value.field == "subject"
    body = Message.template(sender=SENDER, text="$x").merge(x="a\nb", to="a@b.c")
    assert b"\r\n\r\na\r\nb\r\n" in octets_of(body)


def test_values_are_escaped_in_html_but_for_those_that_are_html() -> None:
    class Html:
        def __html__(self) -> str:
            return "<b>bold</b>"

        def __str__(self) -> str:
            return "bold"

    merged = Message.template(sender=SENDER, text="$x $y $z", html="$x $y $z").merge(
        x="<i>'\"&", y=Html(), z=7, to="a@b.c"
    )
    assert (merged.html, merged.text) == ("&lt;i&gt;&#x27;&quot;&amp; <b>bold</b> 7", "<i>'\"& bold 7")


def test_a_value_cannot_bring_a_placeholder_of_its_own() -> None:
    merged = TEMPLATE.merge(name="$thing", thing="$$", to="a@b.c")
    assert (merged.subject, merged.text) == ("News for $thing", "Dear $thing,\n$5 for $$s")


@pytest.mark.parametrize(
    ("values", "named"),
    [
        ({"name": "x"}, r"\$thing"),
        ({"name": "x", "thing": None}, r"\$thing"),
        ({"name": "x", "thing": "y", "nmae": "z"}, r"\$nmae"),
    ],
)
def test_a_value_that_is_missing_or_nowhere_asked_for_is_named(values: dict[str, Any], named: str) -> None:
    with pytest.raises(MessageError, match=named) as caught:
        TEMPLATE.merge(**values, to="a@b.c")
    assert caught.value.hint


def test_a_row_may_hold_more_than_is_asked_for_and_any_name() -> None:
    template = Message.template(sender=SENDER, text="$to $self $values")
    row = {"to": "one", "self": "two", "values": "three", "more": None}
    assert template.merge(row, to="a@b.c").text == "one two three"
    assert template.placeholders == {"to", "self", "values"}


@pytest.mark.parametrize("field", ["subject", "text", "html"])
@pytest.mark.parametrize("text", ["$5", "100 $", "${", "$ñ"])
def test_a_dollar_sign_that_begins_nothing_is_refused_when_the_template_is_made(field: str, text: str) -> None:
    with pytest.raises(MessageError, match=field) as caught:
        Message.template(sender=SENDER, **{field: text})
    assert "$$" in (caught.value.hint or "")


@pytest.mark.parametrize("fields", [{"headers": {"To": "$x"}}, {"headers": {"X-A": 7}}, {"inline": {"a": PNG}}])
def test_what_no_message_could_be_is_refused_when_the_template_is_made(fields: dict[str, Any]) -> None:
    with pytest.raises(MessageError):
        Message.template(sender=SENDER, **fields)


@pytest.mark.parametrize(("to", "field"), [("no address", "to"), ("a@b.c\r\nx", "to")])
def test_an_address_that_is_none_is_refused_as_a_message_does(to: str, field: str) -> None:
    with pytest.raises(MessageError) as caught:
        Message.template(sender=SENDER, text="x").merge(to=to)
    assert caught.value.field == field


def test_html_without_placeholders_may_have_any_text() -> None:
    assert Message.template(sender=SENDER, html="<p>&#36;5</p>").merge(to="a@b.c").text == "$5\n"


def test_html_whose_text_would_have_other_placeholders_makes_a_text_for_each() -> None:
    template = Message.template(sender=SENDER, html="<p>&#36;5 and &#36;name for $name</p>")
    merged = template.merge(name="Luis", to="a@b.c")
    assert (merged.text or "").strip() == "$5 and $name for Luis"


def test_a_merged_message_can_be_copied_pickled_and_changed(tmp_path: Path) -> None:
    (tmp_path / "a.bin").write_bytes(bytes(100_000))
    template = Message.template(sender=SENDER, html="<p>$name</p>", attachments=[tmp_path / "a.bin"])
    merged = template.merge(name="Luis", to="luis@example.com")
    for other in (copy.deepcopy(merged), pickle.loads(pickle.dumps(merged)), merged.model_copy()):
        assert other == merged
        assert octets_of(other) == octets_of(merged)
    changed = merged.model_copy(update={"html": "<p>Eva</p>"})
    assert ((changed.text or "").strip(), changed.message_id != merged.message_id) == ("Eva", True)
    assert b"Eva" in octets_of(changed)
    assert "shared" not in repr(merged)
    assert set(dict(merged)) == set(Message.model_fields)


def test_a_merged_message_that_an_earlier_release_pickled_gives_the_same_octets() -> None:
    merged = Message.template(sender=SENDER, subject="$name", text="Hi\n").merge(name="Luis", to="luis@example.com")
    earlier = copy.copy(merged)
    vars(earlier)["_shared_parts"] = {("Hi\n", "plain"): render._Part("Content-Type: text/plain\r\n", [b"Hi\r\n"])}
    assert octets_of(pickle.loads(pickle.dumps(earlier))) == octets_of(merged)


def test_what_is_shared_is_read_once_and_a_change_of_it_stops_the_merge(tmp_path: Path) -> None:
    path = tmp_path / "a.bin"
    path.write_bytes(bytes(100_000))
    template = Message.template(sender=SENDER, text="$name", attachments=[path])
    with Mailer(transport=(mailbox := MemoryTransport())) as mailer:
        first = mailer.send(template.merge(name="Luis", to="luis@example.com"))
        path.write_bytes(bytes(100_001))
        later = [*mailer.send_many(template.merge(name=name, to="eva@example.com") for name in "ab")]
    assert first.ok
    assert all("a.bin" in str(result.error) for result in later)
    assert len(mailbox.sent) == 1


@given(st.lists(st.sampled_from(["Luis", "Eva <b>", "日本"]), max_size=4))
def test_send_many_takes_what_merge_makes(names: list[str]) -> None:
    template: MessageTemplate = Message.template(sender=SENDER, subject="$name", text="Hola")
    with Mailer(transport=(mailbox := MemoryTransport()), max_connections=1) as mailer:
        results = list(mailer.send_many(template.merge(name=name, to="a@b.c") for name in names))
    assert all(result.ok for result in results)
    assert [sent.message["Subject"] for sent in mailbox.sent] == names


class Bold:
    def __html__(self) -> str:
        return "<b>Luis</b> &amp; Ana"


def test_a_value_that_is_html_is_its_text_where_there_is_no_html() -> None:
    template = Message.template(
        sender=SENDER,
        subject="To $x",
        text="Hola $x",
        html="<p>Hola $x",
        headers={"X-Who": "$x"},
        unsubscribe=Unsubscribe("https://example.com/$x"),
    )
    message = template.merge(x=Bold(), to="a@b.c")
    assert (message.subject, message.text, message.headers["X-Who"]) == (
        "To Luis & Ana",
        "Hola Luis & Ana",
        "Luis & Ana",
    )
    assert message.html == "<p>Hola <b>Luis</b> &amp; Ana"
    assert message.unsubscribe == Unsubscribe("https://example.com/Luis%20%26%20Ana")


VALUES = st.sampled_from(
    ["Luis", "a b", "a  b", " a", "a\nb", "", "<b>", "&amp;", "&lt", "x@y.z", "mailto:x@y.z", "#top", "javascript:x",
     Bold(), "https://x.org", "日本" * 30, "Wort\xadtrennung", "\u034f" * 5, "$x", 42, "-->", "</p>"]
)  # fmt: skip


@pytest.mark.parametrize(
    "html",
    [
        "<p>Dear $x,</p><p>$y</p>",
        "<p>$x$y",
        "$x<br>$y &amp;$x",
        '<a href="$x">$y</a>',
        '<a href="mailto:$x">$y</a>',
        '<a href="https://x.org">$x</a>$y',
        '<a href="https://x.org"><!-- </a> -->$x</a>$y',
        "<table><tr><td>$x<td>$y<tr><td>1<td>2</table>",
        "<pre>$x\n\n\n$y</pre>",
        "<style>.$x{display:none}</style><p class=Luis>$y",
        "<style>.p{display:none}</style><p class=$x>$y</p><p class=p>$y",
        '<div style="white-space:pre-wrap">$x\n\n$y</div><ol type=a reversed><li>$x<li>$y',
        "<table><tr><td rowspan=2>$x<td>$y<tr><td colspan=2>$y</table>",
        "<ul><li>$x<li>$y</ul>",
        "<$x>$y",
        "&$x;$y",
        "<xmp>$x</xmp>$y",
        "<!-- $x -->$y<style>$x</style><title>$x</title>",
        "<p>$$5 for $x</p>$y<img alt='$x'>",
        '<ol start="$x"><li>$y</ol>',
        '<p style="$x">$y',
    ],
)
@given(VALUES, VALUES)
def test_a_text_that_is_derived_is_that_of_the_merged_html(html: str, x: object, y: object) -> None:
    merged = Message.template(sender=SENDER, html=html).merge(x=x, y=y, to="a@b.c")
    assert merged.text == Message(sender=SENDER, html=merged.html).text


def test_a_value_that_is_html_leaves_no_tags_in_the_derived_text() -> None:
    template = Message.template(sender=SENDER, html="<p>Dear $name</p>")
    assert template.merge(name=Bold(), to="a@b.c").text == "Dear Luis & Ana\n"
