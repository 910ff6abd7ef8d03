"""The pictures that are drawn from tables show what these hold today."""

from __future__ import annotations

import pytest

from tests.docs.pictures.__main__ import DRAWN, FOLDER, RECORDED
from tests.docs.pictures.terminal import picture


@pytest.mark.parametrize("name", DRAWN)
def test_a_drawing_is_what_the_program_says_of_itself(name: str) -> None:
    drawn = (FOLDER / name).read_text(encoding="utf-8")
    assert drawn == DRAWN[name](), "draw it again: python -m tests.docs.pictures"


@pytest.mark.parametrize("name", RECORDED)
def test_a_recorded_terminal_shows_nothing_of_the_machine_that_it_was_recorded_on(name: str) -> None:
    recorded = (FOLDER / name).read_text(encoding="utf-8")
    assert "/tmp" not in recorded
    assert "/home" not in recorded


def test_a_terminal_keeps_colours_cuts_long_lines_and_escapes_what_svg_would_read() -> None:
    drawn = picture("a title", "\x1b[1;31mfailed\x1b[0m <here>\n" + "x" * 30, columns=20)
    assert "fill='#ff7b72' font-weight='bold'>failed</tspan>" in drawn
    assert "&lt;here&gt;" in drawn
    assert f"{'x' * 19}…" in drawn
