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


@pytest.mark.parametrize("terminal", [True, False])
def test_a_terminal_says_who_is_tried_again_why_and_when(
    shell: Shell, server: LocalServer, monkeypatch: pytest.MonkeyPatch, terminal: bool
) -> None:
    server.on_rcpt().reply("450 4.7.1 greylisted", times=1)
    monkeypatch.setattr(sys.stderr, "isatty", lambda: terminal)
    monkeypatch.setattr("sendkit._delivery.policy._PATIENT_WAITS", (0.01,))
    answer = shell("send", "--patient", *account(server), *LETTER)
    assert answer.code == 0
    told = "luis@example.com: deferred (450 4.7.1 greylisted); next try in 0 s (Ctrl-C leaves it deferred)\n"
    assert (told in answer.err) is terminal
