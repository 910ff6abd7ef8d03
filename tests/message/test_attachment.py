"""Attachments: names, types and octets are judged when they are made; files are looked for then, and read later."""

from __future__ import annotations

import io
import os
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from typing import Any

import pytest

from sendkit._message.attachment import Attachment, attachment_of, parse_media_type, sniff
from sendkit._message.message import Message
from sendkit._message.purpose import Unsubscribe
from sendkit.errors import MessageError


def test_a_path_is_found_even_when_the_working_directory_changes(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "a.txt").write_bytes(b"x")
    monkeypatch.chdir(tmp_path)
    attachment = Attachment.from_path("a.txt", filename="b.pdf")
    monkeypatch.chdir("/")
    assert (attachment.read(), attachment.filename, attachment.content_type) == (b"x", "b.pdf", "application/pdf")


def test_a_file_that_went_away_is_a_message_error(tmp_path: Path) -> None:
    path = tmp_path / "a.txt"
    path.write_bytes(b"x")
    attachment = attachment_of(path)
    path.unlink()
    with pytest.raises(MessageError, match="cannot be read"):
        attachment.read()


def test_a_folder_or_an_unreadable_file_is_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with pytest.raises(MessageError, match="no file"):
        attachment_of(tmp_path)
    (tmp_path / "a.txt").write_bytes(b"x")
    monkeypatch.setattr(os, "access", lambda *_: False)  # root may read everything
    with pytest.raises(MessageError, match="permissions"):
        attachment_of(tmp_path / "a.txt")


@pytest.mark.parametrize(
    ("file", "advice"),
    [(io.StringIO("x"), '"rb"'), (io.BytesIO(b"x"), "filename=")],
)
def test_a_file_object_must_be_binary_and_have_a_name(file: io.IOBase, advice: str) -> None:
    with pytest.raises(MessageError, match=advice):
        attachment_of(file)


def test_a_file_object_is_read_at_once_under_its_base_name(tmp_path: Path) -> None:
    (tmp_path / "a.png").write_bytes(b"x")
    with (tmp_path / "a.png").open("rb") as file:
        attachment = attachment_of(file)
    assert (attachment.filename, attachment.content_type, attachment.read()) == ("a.png", "image/png", b"x")
    named = Attachment.from_file(io.BytesIO(b"y"), filename="b.bin", content_type="x/y", content_id="z")
    assert (named.read(), named.content_type, named.content_id) == (b"y", "x/y", "z")


@pytest.mark.parametrize("filename", ["", " ", "a\r\nb", "a\0b", "x" * 256, "a ", '"a"', "<a>", "a\u2028b", "a\ud800"])
def test_names_that_readers_would_see_otherwise_are_refused(filename: str) -> None:
    with pytest.raises(MessageError):
        Attachment.from_bytes(b"x", filename=filename)


@pytest.mark.parametrize(
    "content_type",
    ["text", "text/", "text/plain\r\nX: y", "text/plain; charset", "te xt/plain", "multipart/mixed", "text/plain; a=ñ"],
)
def test_types_that_are_none_are_refused(content_type: str) -> None:
    with pytest.raises(MessageError) as caught:
        Attachment.from_bytes(b"x", filename="a", content_type=content_type)
    assert caught.value.field == "attachments"


def test_a_media_type_is_read_with_its_parameters() -> None:
    assert parse_media_type('Text/CSV; Charset="utf-8" ; header=present') == (
        "text/csv",
        {"charset": "utf-8", "header": "present"},
    )


@pytest.mark.parametrize(
    ("filename", "content_type"),
    [("a.tar.gz", "application/gzip"), ("a.pdf.xz", "application/octet-stream"), ("a", "application/octet-stream")],
)
def test_the_type_follows_from_the_name(filename: str, content_type: str) -> None:
    assert Attachment.from_bytes(b"", filename=filename).content_type == content_type


@pytest.mark.parametrize(
    ("data", "kind"),
    [
        (b"\x89PNG\r\n\x1a\n", "image/png"),
        (b"\xff\xd8\xff\xe0", "image/jpeg"),
        (b"GIF89a", "image/gif"),
        (b"RIFF1234WEBPVP8 ", "image/webp"),
        (b'<?xml version="1.0"?>\n<!-- drawn -->\n<svg xmlns="x">', "image/svg+xml"),
        (b"<svg>", "image/svg+xml"),
    ],
)
def test_pictures_are_known_by_their_first_octets(data: bytes, kind: str) -> None:
    assert sniff(data) == kind


@pytest.mark.parametrize("data", [b"", b"<html><svg>", b"RIFF1234WAVE", b"<!--" * 100_000, b" " * 100_000])
def test_other_octets_are_no_picture(data: bytes) -> None:
    with pytest.raises(MessageError):
        sniff(data)


def test_octets_come_as_bytes_and_nothing_else() -> None:
    assert Attachment.from_bytes(bytearray(b"x"), filename="a").data == b"x"
    assert Attachment.from_bytes(memoryview(b"x"), filename="a").data == b"x"
    with pytest.raises(MessageError, match="bytes"):
        Attachment.from_bytes("x", filename="a")  # type: ignore[arg-type]  # pyright: ignore[reportArgumentType]
    with pytest.raises(MessageError, match="data or a path"):
        Attachment(filename="a", content_type="a/b")
    with pytest.raises(MessageError, match="content id"):
        Attachment.from_bytes(b"", filename="a", content_id="<x>")


OF_ANY_KIND: list[Any] = [0, -1, True, [], {}, [None], 1.5, b"x", object(), int, (1, 2), {1}, Path("x")]
TAKERS: dict[str, Callable[[Any], object]] = {
    "filename": lambda value: Attachment.from_bytes(b"x", filename=value),
    "content_type": lambda value: Attachment.from_bytes(b"x", filename="x", content_type=value),
    "content_id": lambda value: Attachment.from_bytes(b"x", filename="x", content_id=value),
    "unsubscribe": Unsubscribe,
    "mailto": lambda value: Unsubscribe(mailto=value),
    "merged values": lambda value: Message.template(sender="a@b.c", text="$v").merge(value, to="a@b.c"),
    "headers": lambda value: Message.template(sender="a@b.c", headers=value),
    "a header": lambda value: Message.template(sender="a@b.c", headers={"X-Report": value}),
}


@pytest.mark.parametrize("take", TAKERS.values(), ids=TAKERS)
def test_what_is_not_text_is_a_message_error(take: Callable[[Any], object]) -> None:
    for value in OF_ANY_KIND:
        with suppress(MessageError):
            take(value)
