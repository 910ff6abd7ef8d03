"""Dot-stuffing can always be undone, and no line of the content is ever taken for its end (RFC 5321 section 4.5.2)."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from sendkit._smtp.framing import END_OF_DATA, dot_stuff

LINES = st.lists(st.text(".ab\r\u00f1", max_size=5).map(lambda line: line.replace("\r", "").encode()), max_size=8)


def blocks(content: bytes, cuts: list[int]) -> list[bytes]:
    """The content in blocks, none of which ends between CR and LF."""
    places = sorted({cut for cut in cuts if content[cut - 1 : cut + 1] != b"\r\n"})
    return [content[start:end] for start, end in zip([0, *places], [*places, len(content)], strict=True)]


@st.composite
def content_in_blocks(draw: st.DrawFn) -> tuple[bytes, list[bytes]]:
    """Lines with CRLF, and the same cut somewhere."""
    content = b"".join(line + b"\r\n" for line in draw(LINES))
    return content, blocks(content, draw(st.lists(st.integers(0, len(content)), max_size=6)))


def unstuffed(received: bytes) -> bytes:
    """What a server makes of it."""
    lines = received.split(b"\r\n")
    assert lines.pop() == b""
    return b"".join(line.removeprefix(b".") + b"\r\n" for line in lines)


@given(content_in_blocks())
def test_what_was_stuffed_can_be_had_back(case: tuple[bytes, list[bytes]]) -> None:
    content, pieces = case
    assert unstuffed(b"".join(dot_stuff(pieces))) == content


@given(content_in_blocks())
def test_no_line_of_the_content_is_the_end_of_data(case: tuple[bytes, list[bytes]]) -> None:
    _, pieces = case
    assert b"\r\n" + END_OF_DATA not in b"\r\n" + b"".join(dot_stuff(pieces))


@given(content_in_blocks())
def test_where_the_content_is_cut_makes_no_difference(case: tuple[bytes, list[bytes]]) -> None:
    content, pieces = case
    assert b"".join(dot_stuff(pieces)) == b"".join(dot_stuff([content]))


def test_empty_blocks_change_nothing() -> None:
    assert b"".join(dot_stuff([b"", b".a\r\n", b"", b".b\r\n", b"x", b"", b".c\r\n"])) == b"..a\r\n..b\r\nx.c\r\n"
