"""A rendered Message is 7-bit MIME that other readers parse back to exactly what was set, whatever was set."""

from __future__ import annotations

import email
from datetime import UTC, datetime
from email.message import MIMEPart
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sendkit._message.attachment import Attachment
from sendkit._message.compose import compose
from sendkit._message.mailbox import tidy_name
from sendkit._message.message import Message
from sendkit._message.render import render
from sendkit.errors import MessageError
from tests.message.readers import WILD, addresses, assert_wire_form, octets_of, read

PNG = b"\x89PNG\r\n\x1a\n"
HEAD = ["From", "To", "Subject", "Date", "Message-ID", "MIME-Version", "Content-Type", "Content-Transfer-Encoding"]


def rendered(**fields: Any) -> bytes:
    octets = octets_of(Message(**{"sender": "ana@example.com", "to": "luis@example.com", **fields}))
    assert octets.isascii()
    return octets


def tree(part: MIMEPart) -> Any:
    if not part.is_multipart():
        return part.get_content_type()
    return {part.get_content_subtype(): [tree(inner) for inner in part.iter_parts()]}


def lines_of(text: str) -> str:
    """The text with LF line ends and the last line ended."""
    text = text.replace("\r\n", "\n").replace("\r", "\n")
    return text if text.endswith("\n") else f"{text}\n"


@pytest.mark.parametrize(
    ("fields", "expected"),
    [
        ({}, "text/plain"),
        ({"text": "x"}, "text/plain"),
        ({"html": "x"}, {"alternative": ["text/plain", "text/html"]}),
        (
            {"html": "x", "inline": {"c": PNG}},
            {"alternative": ["text/plain", {"related": ["text/html", "image/png"]}]},
        ),
        (
            {"html": "x", "inline": {"c": PNG}, "attachments": [Attachment.from_bytes(b"x", filename="a.pdf")]},
            {
                "mixed": [
                    {"alternative": ["text/plain", {"related": ["text/html", "image/png"]}]},
                    "application/pdf",
                ]
            },
        ),
        (
            {"html": "x", "attachments": [Attachment.from_bytes(PNG, filename="a.png", content_id="c")]},
            {"alternative": ["text/plain", {"related": ["text/html", "image/png"]}]},
        ),
        (
            {"text": "x", "attachments": [Attachment.from_bytes(PNG, filename="a.png", content_id="c")]},
            {"mixed": ["text/plain", "image/png"]},
        ),
    ],
)
def test_the_tree_follows_from_what_is_there(fields: dict[str, Any], expected: Any) -> None:
    assert tree(read(rendered(**fields))) == expected


def test_an_inline_picture_is_found_by_its_content_id(tmp_path: Path) -> None:
    (tmp_path / "b.gif").write_bytes(b"GIF89a")
    octets = rendered(html='<img src="cid:a"><img src="cid:b">', inline={"a": PNG, "b": tmp_path / "b.gif"})
    found = {
        part["Content-ID"]: (part.get_content_disposition(), part.get_filename(), part.get_content())
        for part in read(octets).walk()
        if part["Content-ID"]
    }
    assert found == {"<a>": ("inline", "a.png", PNG), "<b>": ("inline", "b.gif", b"GIF89a")}


def test_the_same_message_gives_the_same_octets_each_time() -> None:
    message = Message(sender="ana@example.com", to="luis@example.com", html="ñ", inline={"c": PNG})
    assert octets_of(message) == octets_of(message)
    assert "luis" not in repr(render(message))


def test_head_fields_are_written_once_and_blind_ones_never() -> None:
    octets = rendered(
        cc=["c@d.e"],
        bcc="secret@example.com",
        reply_to="r@s.t",
        headers={"X-Report": "42", "Sender": "Ana Núñez <boss@straße.de>"},
        date=datetime(2026, 11, 24, 8, tzinfo=UTC),
        message_id="<one@example.com>",
    )
    message = read(octets)
    names = ["From", "To", "Cc", "Reply-To", "Subject", "Date", "Message-ID", "X-Report", "Sender"]
    assert message.keys() == names + HEAD[-3:]
    assert message["Date"] == "Tue, 24 Nov 2026 08:00:00 +0000"
    assert message["Message-ID"] == "<one@example.com>"
    assert addresses(octets, "Sender") == [("Ana Núñez", "boss@xn--strae-oqa.de")]
    assert b"secret" not in octets


def test_a_message_to_nobody_in_sight_says_so() -> None:
    assert read(rendered(to=(), bcc="secret@example.com"))["To"] == "undisclosed-recipients:;"


def test_an_empty_subject_leaves_no_blank_behind() -> None:
    assert b"\r\nSubject:\r\n" in rendered(subject="")


@given(WILD)
def test_any_subject_comes_back_on_lines_of_76(text: str) -> None:
    try:
        octets = rendered(subject=text)
    except MessageError as error:
        if error.field != "subject":
            raise
        return
    message = read(octets)
    assert message["Subject"] == text
    assert message.keys() == HEAD
    assert max(map(len, octets.partition(b"\r\n\r\n")[0].split(b"\r\n"))) <= 76


@given(WILD, WILD)
def test_any_names_come_back_beside_their_addresses(one: str, two: str) -> None:
    try:
        octets = rendered(sender=(one, "a@b.c"), to=[(two, "d@e.f"), "x@y.z", (one, "q@r.s")])
    except MessageError as error:
        if error.field not in {"sender", "to"}:
            raise
        return
    assert addresses(octets, "From") == [(tidy_name(one), "a@b.c")]
    assert addresses(octets, "To") == [(tidy_name(two), "d@e.f"), ("", "x@y.z"), (tidy_name(one), "q@r.s")]
    assert [address.addr_spec for address in read(octets)["To"].addresses] == ["d@e.f", "x@y.z", "q@r.s"]


@given(WILD)
def test_any_header_value_comes_back(text: str) -> None:
    try:
        octets = rendered(headers={"X-Any": text})
    except MessageError as error:
        if error.field != "headers":
            raise
        return
    message = read(octets)
    assert message["X-Any"] == text
    assert message.keys() == [*HEAD[:5], "X-Any", *HEAD[5:]]


@given(WILD)
def test_any_file_name_comes_back_through_old_and_new_readers(text: str) -> None:
    try:
        octets = rendered(attachments=[Attachment.from_bytes(b"x", filename=text, content_type="a/b")])
    except MessageError as error:
        if error.field != "attachments":
            raise
        return
    (attached,) = read(octets).iter_attachments()
    assert attached.get_filename() == text
    assert list(email.message_from_bytes(octets).walk())[-1].get_filename() == text
    assert max(map(len, octets.split(b"\r\n"))) <= 78


@given(WILD | st.text(st.sampled_from("ñ a=\t\n\r\x0c\0.-"), max_size=2000), WILD)
def test_any_bodies_come_back_on_lines_of_78(text: str, html: str) -> None:
    try:
        octets = rendered(text=text, html=html)
    except MessageError as error:
        if error.field not in {"text", "html"}:
            raise
        return
    plain, rich = read(octets).iter_parts()
    assert lines_of(plain.get_content()) == lines_of(text)
    assert lines_of(rich.get_content()) == lines_of(html)
    assert max(map(len, octets.split(b"\r\n"))) <= 78


@given(st.binary(max_size=400))
def test_any_octets_come_back(data: bytes) -> None:
    for kind in ("application/octet-stream", "image/png"):
        (part,) = read(
            rendered(attachments=[Attachment.from_bytes(data, filename="a", content_type=kind)])
        ).iter_attachments()
        assert part.get_payload(decode=True) == data


@pytest.mark.parametrize(
    ("text", "encoding"),
    [
        ("plain", "7bit"),
        ("x" * 79, "quoted-printable"),
        ("mañana " * 20 + "and a lot of plain text " * 20, "quoted-printable"),
        ("日本語の本文です。" * 20, "base64"),
        ("plain text and a NUL \0", "quoted-printable"),
        ("--=_boundary", "quoted-printable"),
    ],
)
def test_the_shorter_encoding_is_taken_and_none_where_none_is_needed(text: str, encoding: str) -> None:
    message = read(rendered(text=text))
    assert message["Content-Transfer-Encoding"] == encoding
    assert lines_of(message.get_content()) == lines_of(text)


def test_a_text_attachment_in_utf8_says_so_and_another_one_does_not() -> None:
    attachments = [Attachment.from_bytes("ñ".encode(code), filename="a.csv") for code in ("utf-8", "latin-1")]
    parts = list(read(rendered(attachments=attachments)).iter_attachments())
    assert [part.get_param("charset") for part in parts] == ["utf-8", None]


def test_a_forwarded_message_is_not_encoded_or_travels_as_a_file() -> None:
    """RFC 2046 section 5.2.1 allows no base64 for message/rfc822."""
    inner = rendered(subject="inner", html="x")
    changed = [b"Subject: x\r\n\r\n\xf1\r\n", b"Subject: x\r\n\r\na\rb\r\n"]
    parts = list(
        read(
            rendered(attachments=[Attachment.from_bytes(data, filename="a.eml") for data in (inner, *changed)])
        ).iter_attachments()
    )
    assert [part.get_content_type() for part in parts] == ["message/rfc822", *["application/octet-stream"] * 2]
    assert parts[0].get_content()["Subject"] == "inner"
    assert [part.get_content() for part in parts[1:]] == changed


def test_utf8_stands_in_the_head_only_where_a_local_part_needs_it() -> None:
    message = Message(sender="Ana <ñoño@ñ.es>", to=["Luis <luis@ñ.es>", "日本@例え.jp"], subject="ñ")
    content = compose(message).content
    octets = b"".join(content.blocks())
    assert content.utf8
    assert not content.eight_bit
    assert "From: Ana <ñoño@xn--ida.es>\r\nTo: Luis <luis@xn--ida.es>, 日本@xn--r8jz45g.jp\r\n".encode() in octets
    assert octets.partition(b"Subject")[2].isascii()


def test_without_smtputf8_such_mailboxes_become_empty_groups() -> None:
    """RFC 6857 section 3.1.4: the reader sees who it was, and no mail program tries to answer there."""
    message = Message(sender="Ana <ñoño@ñ.es>", to=["Luis <luis@example.com>", "日本@example.jp"])
    plain = render(message).without_utf8()
    octets = b"".join(plain.blocks())
    assert_wire_form(octets)
    assert octets.isascii()
    assert not plain.utf8
    groups = read(octets)["From"].groups
    assert [(group.display_name, group.addresses) for group in groups] == [("Ana ñoño@xn--ida.es", ())]
    assert [address.addr_spec for address in read(octets)["To"].addresses] == ["luis@example.com"]


def test_what_needs_no_utf8_is_its_own_downgrade() -> None:
    content = render(Message(sender="ana@example.com"))
    assert content.without_utf8() is content.seven_bit() is content


@pytest.mark.parametrize("spaces", [" ", " " * 500_000])
def test_a_structured_field_goes_out_without_outer_spaces_however_many(spaces: str) -> None:
    octets = rendered(headers={"References": f"{spaces}<a@b> <c@d>{spaces}"})
    assert b"\r\nReferences: <a@b> <c@d>\r\n" in octets


def test_a_word_too_long_for_a_line_is_encoded_where_the_field_is_text() -> None:
    assert read(rendered(headers={"X-Token": "x" * 2000}))["X-Token"] == "x" * 2000


def test_a_file_that_is_gone_at_last_is_a_message_error(tmp_path: Path) -> None:
    (tmp_path / "a.pdf").write_bytes(b"x")
    message = Message(sender="ana@example.com", to="luis@example.com", attachments=[tmp_path / "a.pdf"])
    (tmp_path / "a.pdf").unlink()
    with pytest.raises(MessageError, match=r"a\.pdf"):
        compose(message)


def test_large_content_comes_in_blocks_that_never_part_cr_from_lf() -> None:
    attachment = Attachment.from_bytes(bytes(300_000), filename="a.bin")
    content = compose(Message(sender="ana@example.com", to="b@c.d", attachments=[attachment])).content
    blocks = list(content.blocks())
    assert len(blocks) >= 2
    assert max(map(len, blocks)) <= 300_000
    assert not [block for block in blocks if block.endswith(b"\r")]
    assert sum(map(len, blocks)) == content.size
