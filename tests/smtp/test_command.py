"""A command line is one line, whatever is put into it (RFC 5321 section 2.3.8, RFC 6531 section 3.4)."""

from __future__ import annotations

from itertools import product

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sendkit._smtp.command import UnsafeCommand, command_line
from tests.each import each

CONTROLS = [chr(code) for code in (*range(0x20), *range(0x7F, 0xA0), 0x2028, 0x2029)]


@each(product(CONTROLS, (False, True)), called=ascii)
def test_every_control_character_is_refused(control: str, utf8: bool) -> None:
    with pytest.raises(UnsafeCommand):
        command_line("MAIL", f"FROM:<a{control}@example.com>", utf8=utf8)


def test_non_ascii_needs_smtputf8() -> None:
    with pytest.raises(UnsafeCommand):
        command_line("RCPT TO:<ñ@example.com>")
    assert command_line("RCPT TO:<ñ@example.com>", utf8=True) == "RCPT TO:<ñ@example.com>\r\n".encode()


def test_a_lone_surrogate_is_refused() -> None:
    with pytest.raises(UnsafeCommand):
        command_line("RCPT TO:<\udcf1@example.com>", utf8=True)


def test_the_parts_are_joined_by_single_spaces() -> None:
    assert command_line("MAIL FROM:<>", "SIZE=1", "SMTPUTF8") == b"MAIL FROM:<> SIZE=1 SMTPUTF8\r\n"


@given(st.lists(st.text(), min_size=1, max_size=4), st.booleans())
def test_what_is_written_is_exactly_one_line(parts: list[str], utf8: bool) -> None:
    try:
        line = command_line(*parts, utf8=utf8)
    except UnsafeCommand:
        return
    assert line.decode().splitlines() == [" ".join(parts)] or line == b"\r\n"
    assert line.endswith(b"\r\n")
    assert utf8 or line.isascii()
