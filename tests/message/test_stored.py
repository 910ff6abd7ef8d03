"""A large file is read when it leaves, gives the same octets as if it had been held, and is refused once it changed."""

from __future__ import annotations

import os
import tracemalloc
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path
from random import Random
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from sendkit._message.attachment import Attachment
from sendkit._message.compose import compose
from sendkit._message.message import Message
from sendkit._message.octets import base64_lines, base64_size
from sendkit._message.render import render
from sendkit._message.stored import SMALL_FILE, StoredFile, look_into
from sendkit.errors import MessageError
from tests.message.readers import octets_of, read

LARGE = 1_000_000
CHANGES: dict[str, Callable[[Path], object]] = {
    "shrinks": lambda path: os.truncate(path, LARGE - 1),
    "shrinks to nothing": lambda path: path.write_bytes(b""),
    "grows": lambda path: os.truncate(path, LARGE + 1),
    "is written again": lambda path: os.utime(path, ns=(1, 1)),
    "is another one of that name": lambda path: path.with_suffix(".new").replace(path),
    "vanishes": Path.unlink,
    "is a pipe that nobody writes into": lambda path: (path.unlink(), os.mkfifo(path)),
}
every_change = pytest.mark.parametrize("change", CHANGES)


@pytest.fixture
def path(tmp_path: Path) -> Path:
    """A large file, and another one like it beside it."""
    path, dice = tmp_path / "large.bin", Random(1)
    for name in (path, path.with_suffix(".new")):
        name.write_bytes(dice.randbytes(LARGE))
        os.utime(name, ns=(10**18, 10**18))
    return path


def message(*attachments: Attachment | Path, **fields: Any) -> Message:
    return Message(
        sender="ana@example.com",
        to="luis@example.com",
        attachments=attachments,
        message_id="<1@example.com>",
        date=datetime(2026, 11, 24, tzinfo=UTC),
        boundary="0" * 32,
        **fields,
    )


@given(st.binary(max_size=300) | st.integers(0, 200_000).map(bytes))
def test_lines_of_base64_are_those_of_the_standard_library_and_their_size_is_known_before(data: bytes) -> None:
    import base64  # noqa: PLC0415 - the oracle of this test alone

    lines = base64_lines(data)
    assert lines == (base64.encodebytes(data).replace(b"\n", b"\r\n") or b"\r\n")
    assert len(lines) == base64_size(len(data))


@settings(max_examples=25)
@given(st.integers(SMALL_FILE - 2, 900_000), st.sampled_from(["application/pdf", "text/csv", "message/rfc822"]))
def test_a_file_gives_the_same_octets_as_its_bytes(
    tmp_path_factory: pytest.TempPathFactory, size: int, kind: str
) -> None:
    path = tmp_path_factory.mktemp("files") / "a"
    path.write_bytes((b"Subject: x\r\n\r\n" + b"line of text\r\n" * (size // 14 + 1))[:size])
    from_path = Attachment.from_path(path, content_type=kind)
    from_bytes = Attachment.from_bytes(path.read_bytes(), filename="a", content_type=kind)
    assert octets_of(message(from_path)) == octets_of(message(from_bytes))


def test_a_large_inline_picture_is_parsed_back_as_it_was(path: Path) -> None:
    octets = octets_of(
        message(html='<img src="cid:a">', inline={"a": Attachment.from_path(path, content_type="image/png")})
    )
    (part,) = [part for part in read(octets).walk() if part["Content-ID"]]
    assert part.get_content() == path.read_bytes()


@pytest.mark.parametrize(("octets", "charset"), [("ñ".encode() * LARGE, "utf-8"), (b"\xf1" * LARGE, None)])
def test_a_large_text_file_is_looked_through_for_its_charset(path: Path, octets: bytes, charset: str | None) -> None:
    path.write_bytes(octets)
    content = compose(message(Attachment.from_path(path, content_type="text/plain"))).content
    (part,) = read(b"".join(content.blocks())).iter_attachments()
    assert (part.get_param("charset"), content.stored) == (charset, True)


def test_a_character_that_two_blocks_share_does_not_hide_the_charset(path: Path) -> None:
    path.write_bytes(b"x" + "ñ".encode() * LARGE)
    (part,) = read(octets_of(message(Attachment.from_path(path, content_type="text/csv")))).iter_attachments()
    assert part.get_param("charset") == "utf-8"


def test_a_large_file_is_never_held_whole(tmp_path: Path) -> None:
    path = tmp_path / "huge.bin"
    path.write_bytes(bytes(20_000_000))
    tracemalloc.start()
    try:
        content = compose(message(path, Attachment.from_path(path, content_type="text/plain"))).content
        assert sum(map(len, content.blocks())) == content.size > 54_000_000
        _, peak = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert peak < 3_000_000


def test_large_bytes_are_not_held_a_second_time() -> None:
    attachment = Attachment.from_bytes(bytes(20_000_000), filename="zeros.bin")
    tracemalloc.start()
    try:
        content = compose(message(attachment)).content
        assert sum(map(len, content.blocks())) == content.size
        _, peak = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert (peak < 3_000_000, content.stored) == (True, False)


def test_a_small_file_is_read_when_the_message_is_written_out(tmp_path: Path) -> None:
    (tmp_path / "a.bin").write_bytes(b"x")
    content = compose(message(tmp_path / "a.bin")).content
    (tmp_path / "a.bin").unlink()
    content.check()
    assert (b"\r\neA==\r\n" in b"".join(content.blocks()), content.stored) == (True, False)


@every_change
def test_a_file_that_changes_after_the_message_was_written_out_gives_no_octet(path: Path, change: str) -> None:
    content = compose(message(path)).content
    CHANGES[change](path)
    for look in (content.check, lambda: next(content.blocks())):
        with pytest.raises(MessageError, match=r"large\.bin") as caught:
            look()
        assert (caught.value.field, bool(caught.value.hint)) == ("attachments", True)


@pytest.mark.parametrize("change", ["shrinks", "shrinks to nothing", "grows", "is written again"])
def test_a_file_that_changes_while_it_is_read_is_never_given_to_its_end(path: Path, change: str) -> None:
    stored = look_into(path)
    assert isinstance(stored, StoredFile)
    blocks = stored.blocks()
    given = [next(blocks)]
    CHANGES[change](path)
    with pytest.raises(MessageError, match="changed"):
        given.extend(blocks)
    assert sum(map(len, given)) < LARGE


@pytest.mark.parametrize("change", ["is another one of that name", "vanishes"])
def test_a_file_that_loses_its_name_while_it_is_read_is_read_to_its_end(path: Path, change: str) -> None:
    octets = path.read_bytes()
    blocks = look_into(path).blocks()  # type: ignore[union-attr]  # pyright: ignore[reportAttributeAccessIssue]
    first = next(blocks)
    CHANGES[change](path)
    assert first + b"".join(blocks) == octets


def test_without_smtputf8_the_files_are_still_those_of_the_first_look(path: Path) -> None:
    content = render(Message(sender="ñ@example.com", to="luis@example.com", attachments=[path]))
    os.truncate(path, LARGE + 1)
    with pytest.raises(MessageError, match="changed"):
        content.without_utf8().check()


def test_a_pipe_in_the_place_of_a_file_that_was_not_read_yet_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "small.txt"
    path.write_bytes(b"x")
    made = message(path)
    path.unlink()
    os.mkfifo(path)
    with pytest.raises(MessageError, match="has changed"):
        made.as_bytes()
