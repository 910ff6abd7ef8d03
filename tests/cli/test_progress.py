"""The bar of a large message is for a terminal alone, and leaves nothing of itself behind."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from .shell import LETTER, Shell, account

if TYPE_CHECKING:
    from sendkit.testing import LocalServer


@pytest.mark.parametrize(
    ("octets", "terminal", "drawn"), [(2_000_000, True, True), (2_000_000, False, False), (9, True, False)]
)
def test_a_bar_is_drawn_for_a_large_message_on_a_terminal(
    shell: Shell, server: LocalServer, tmp_path: Path, monkeypatch: pytest.MonkeyPatch,
    octets: int, terminal: bool, drawn: bool,
) -> None:  # fmt: skip
    (tmp_path / "a.bin").write_bytes(bytes(octets))
    monkeypatch.setattr(sys.stderr, "isatty", lambda: terminal)
    answer = shell("send", *account(server), *LETTER, "-a", tmp_path / "a.bin")
    assert (answer.code, answer.out.split()[:2]) == (0, ["luis@example.com", "accepted"])
    assert ("[" in answer.err, "0 % of 2.7 MB" in answer.err) == (drawn, drawn)
    assert not drawn or not answer.err.split("\r")[-2].strip()


def test_the_bar_does_not_disturb_a_conversation_that_is_shown(
    shell: Shell, server: LocalServer, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "a.bin").write_bytes(bytes(2_000_000))
    monkeypatch.setattr(sys.stderr, "isatty", lambda: True)
    assert "\r" not in shell("send", "-v", *account(server), *LETTER, "-a", tmp_path / "a.bin").err
