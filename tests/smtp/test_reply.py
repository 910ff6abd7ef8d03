"""A reply is one thing however its octets arrive, and everything else is refused (RFC 5321 section 4.2)."""

from __future__ import annotations

import copy
import pickle
import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sendkit._smtp.reply import MAX_REPLY, MalformedReply, Reply, ReplyReader

CODES = st.integers(200, 599)
TEXTS = st.text(st.characters(codec="utf-8", exclude_characters="\r\n"), max_size=40)
ENDS = st.sampled_from([b"\r\n", b"\n"])


@st.composite
def reply_octets(draw: st.DrawFn) -> bytes:
    """One well-formed reply as a server writes it."""
    code, lines = draw(CODES), draw(st.lists(TEXTS, min_size=1, max_size=4))
    octets = b""
    for number, line in enumerate(lines, 1):
        mark = " " if number == len(lines) else "-"
        octets += f"{code}{mark}{line}".encode() + draw(ENDS)
    return octets


def read(*pieces: bytes) -> list[Reply]:
    """All replies in these octets, read as they arrive."""
    reader, replies = ReplyReader(), []
    for piece in pieces:
        reader.feed(piece)
        while (reply := reader.next_reply()) is not None:
            replies.append(reply)
    assert not reader.unread
    return replies


@given(st.lists(reply_octets(), min_size=1, max_size=4), st.data())
def test_any_cut_of_the_same_octets_gives_the_same_replies(replies: list[bytes], data: st.DataObject) -> None:
    octets = b"".join(replies)
    cuts = sorted(data.draw(st.lists(st.integers(0, len(octets)), max_size=8)))
    pieces = [octets[start:end] for start, end in zip([0, *cuts], [*cuts, len(octets)], strict=True)]
    assert read(*pieces) == read(octets)
    assert len(read(octets)) == len(replies)


@given(reply_octets())
def test_octet_by_octet_is_as_good_as_at_once(octets: bytes) -> None:
    assert read(*(octets[i : i + 1] for i in range(len(octets)))) == read(octets)


@given(st.binary(max_size=200))
def test_whatever_comes_is_a_reply_or_malformed_and_nothing_else(octets: bytes) -> None:
    reader = ReplyReader()
    reader.feed(octets + b"\r\n")
    try:
        while (reply := reader.next_reply()) is not None:
            assert 200 <= reply.code <= 599
            str(reply).encode()
    except MalformedReply:
        pass


@given(st.binary(max_size=60), st.lists(reply_octets(), max_size=3))
def test_after_a_malformed_reply_the_reader_stays_broken(garbage: bytes, behind: list[bytes]) -> None:
    reader = ReplyReader()
    reader.feed(b"!" + garbage.replace(b"\n", b"") + b"\r\n")
    for more in (b"", *behind):
        reader.feed(more)
        with pytest.raises(MalformedReply):
            reader.next_reply()


@pytest.mark.parametrize(
    "line",
    [
        b"",
        b"2",
        b"25",
        b"250x",
        b"25 ok",
        b"2500 ok",
        b"150 ok",
        b"600 ok",
        b"999 ok",
        b"-25 ok",
        b" 250 ok",
        b"\xb2\xb5\xb0 ok",
        b"250\tok",
        b"abc ok",
        b"\x00250 ok",
    ],
)
def test_only_three_digits_from_200_to_599_begin_a_reply(line: bytes) -> None:
    reader = ReplyReader()
    reader.feed(line + b"\r\n")
    with pytest.raises(MalformedReply):
        reader.next_reply()


@pytest.mark.parametrize(
    ("octets", "reply"),
    [
        (b"250 2.1.0 ok\r\n", Reply(250, "2.1.0", "ok")),
        (b"250\r\n", Reply(250, None, "")),
        (b"250 \r\n", Reply(250, None, "")),
        (b"354 go on\n", Reply(354, None, "go on")),
        (b"250-2.1.0 one\r\n250 2.1.0 two\r\n", Reply(250, "2.1.0", "one\ntwo")),
        (b"250-one\n250-\n250 three\n", Reply(250, None, "one\n\nthree")),
        (b"550 5.7.1\r\n", Reply(550, "5.7.1", "")),
        (b"550 5.1.10 null MX\r\n", Reply(550, "5.1.10", "null MX")),
    ],
)
def test_a_reply_is_its_code_its_enhanced_code_and_its_text(octets: bytes, reply: Reply) -> None:
    assert read(octets) == [reply]


@pytest.mark.parametrize("blanks", ["", " ", "\t", " \t  "])
def test_more_blanks_than_one_in_front_of_code_or_text_change_nothing(blanks: str) -> None:
    """RFC 5321 section 4.2 and RFC 2034 section 4 ask for one; some servers indent what they say."""
    assert Reply.parse(f"250 {blanks}OK id=1") == Reply(250, None, "OK id=1")
    assert Reply.parse(f"550 {blanks}5.1.1 {blanks}no such user") == Reply(550, "5.1.1", "no such user")
    octets = f"250-{blanks}2.1.0 {blanks}one\r\n250 {blanks}2.1.0 {blanks}two\r\n".encode()
    assert read(octets) == [Reply(250, "2.1.0", "one\ntwo")]


@pytest.mark.parametrize(
    "text", ["4.2.0 of another class", "5.7 too short", "5.7.1x no", "5.1234.1 too long", "no code 5.7.1", "5.٧.1 no"]
)
def test_what_only_looks_like_an_enhanced_code_is_text(text: str) -> None:
    """RFC 2034 section 4: its class is that of the reply code."""
    assert Reply.build(550, text) == Reply(550, None, text)


@pytest.mark.parametrize(
    "lines", [(b"250-one", b"550 two"), (b"250-one", b"251-two"), (b"250-one", b"two"), (b"250-one", b"")]
)
def test_all_lines_of_a_reply_have_the_same_code(lines: tuple[bytes, bytes]) -> None:
    reader = ReplyReader()
    reader.feed(b"\r\n".join(lines) + b"\r\n")
    with pytest.raises(MalformedReply):
        reader.next_reply()


def test_a_reply_has_at_most_64_kb() -> None:
    line = b"250-" + b"x" * 994 + b"\r\n"
    assert len(read(line * 60 + b"250 end\r\n")) == 1
    reader = ReplyReader()
    reader.feed(line * 66)
    with pytest.raises(MalformedReply, match=str(MAX_REPLY)):
        reader.next_reply()


@pytest.mark.parametrize("end", [b"\n", b"\r\n"])
@pytest.mark.parametrize("before", [b"", b"250-one\r\n"])
def test_the_limit_is_the_same_however_lines_end_and_however_many_there_are(before: bytes, end: bytes) -> None:
    longest = b"250 " + b"x" * (MAX_REPLY - len(before) - len("250 \r\n"))
    assert len(read(before + longest + end)) == 1
    reader = ReplyReader()
    reader.feed(before + longest + b"x" + end)
    with pytest.raises(MalformedReply):
        reader.next_reply()


@pytest.mark.parametrize("end", [b"", b"\r\n"])
def test_a_line_that_never_ends_is_given_up_at_64_kb(end: bytes) -> None:
    reader = ReplyReader()
    reader.feed(b"250 " + b"x" * MAX_REPLY + end)
    with pytest.raises(MalformedReply):
        reader.next_reply()


def test_a_long_reply_is_counted_for_itself_alone() -> None:
    line = b"250 " + b"x" * 60_000 + b"\r\n"
    assert len(read(line, line, line)) == 3


def test_what_lies_behind_a_reply_is_unread() -> None:
    reader = ReplyReader()
    reader.feed(b"354 go on\r\n250 taken\r\n")
    assert reader.ready == 2
    assert reader.next_reply() == Reply(354, None, "go on")
    assert (reader.ready, reader.unread) == (1, len(b"250 taken\r\n"))


def test_half_a_reply_is_unread() -> None:
    reader = ReplyReader()
    reader.feed(b"250-one\r\n")
    assert reader.next_reply() is None
    assert (reader.ready, reader.unread) == (0, len(b"250-one\r\n"))


@given(st.text(max_size=60))
def test_a_text_never_brings_control_characters(text: str) -> None:
    assert not re.search(r"[\x00-\x08\x0b-\x1f\x7f-\x9f\u2028\u2029]", str(Reply.build(550, text)))


def test_octets_that_are_no_utf_8_are_replaced() -> None:
    assert read(b"550 caf\xe9\r\n") == [Reply(550, None, "caf\ufffd")]


@given(CODES, st.sampled_from(["", "4.2.0 ", "5.7.1 "]), st.text(st.characters(categories=["L", "N"]), max_size=20))
def test_a_reply_can_be_written_and_read_again(code: int, enhanced: str, text: str) -> None:
    reply = Reply.build(code, enhanced + text)
    assert Reply.parse(str(reply)) == reply


@pytest.mark.parametrize("line", ["", "ok", "1000 x", "250x"])
def test_what_is_no_reply_line_cannot_be_parsed(line: str) -> None:
    with pytest.raises(ValueError, match="not an SMTP reply"):
        Reply.parse(line)


@pytest.mark.parametrize(
    ("code", "flags"),
    [
        (200, (True, False, False)),
        (299, (True, False, False)),
        (354, (False, False, False)),
        (421, (False, True, False)),
        (599, (False, False, True)),
    ],
)
def test_the_first_digit_says_what_a_reply_means(code: int, flags: tuple[bool, bool, bool]) -> None:
    reply = Reply(code, None, "")
    assert (reply.positive, reply.transient, reply.permanent) == flags


def test_a_reply_is_a_frozen_value() -> None:
    reply = Reply(250, None, "ok")
    with pytest.raises(AttributeError):
        reply.code = 251  # type: ignore[misc]
    assert pickle.loads(pickle.dumps(reply)) == copy.deepcopy(reply) == reply
    assert len({reply, Reply(250, None, "ok")}) == 1
