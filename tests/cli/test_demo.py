"""`sendkit demo` as a stranger sees it: with a keyring and without, on a terminal and in a pipe."""

from __future__ import annotations

import contextlib
import os
import pty
import subprocess
import sys
from email import message_from_bytes, policy
from typing import TYPE_CHECKING, cast

import pytest

from sendkit.errors import KeyringLocked

from .shell import Shell, command, environment

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from tests.servers.secretservice import SecretService

TOLD = (
    "C  AUTH PLAIN ***",
    "S  450 4.2.0 greylisted",
    "S  550 5.1.1 no such user here",
    "luis@example.com    accepted  250 2.0.0 queued as 1",
    "mia@example.net     accepted  250 2.0.0 queued as 2 (2 tries)",
    "nobody@example.org  rejected  550 5.1.1 no such user here",
)


def test_the_demo_shows_the_conversation_the_results_and_the_message(shell: Shell, tmp_path: Path) -> None:
    answer = shell.apart("demo", "--keep", tmp_path / "received")
    assert (answer.code, answer.err) == (0, "")
    for line in TOLD:
        assert line in answer.out
    assert str(tmp_path / "received" / "1.eml") in answer.out
    assert len(answer.out.splitlines()) <= 60
    assert "\x1b" not in answer.out


def test_the_greylisted_recipient_is_alone_in_the_second_envelope(shell: Shell, tmp_path: Path) -> None:
    said = [line.strip() for line in shell("demo", "--keep", tmp_path).out.splitlines() if "C  " in line]
    second = [line for line in said if line.startswith("C  MAIL")][1]
    again = said[len(said) - said[::-1].index(second) :]
    assert [line for line in again if line.startswith("C  RCPT")] == ["C  RCPT TO:<mia@example.net>"]
    assert (tmp_path / "1.eml").read_bytes() == (tmp_path / "2.eml").read_bytes()


def test_the_message_is_a_report_with_a_table_a_picture_and_an_attachment(shell: Shell, tmp_path: Path) -> None:
    shell("demo", "--keep", tmp_path)
    octets = (tmp_path / "1.eml").read_bytes()
    message = message_from_bytes(octets, policy=policy.default)
    html = message.get_body(("html",))
    assert html is not None
    assert "<table" in html.get_content()
    (picture,) = [part for part in message.walk() if part.get_content_type() == "image/png"]
    assert cast("bytes", picture.get_content()).startswith(b"\x89PNG\r\n\x1a\n")
    assert [part.get_filename() for part in message.iter_attachments()][-1] == "ventas-España.csv"


def test_without_a_keyring_it_says_so(shell: Shell, tmp_path: Path) -> None:
    assert "no usable keyring here" in shell("demo", "--keep", tmp_path).out


def test_with_a_keyring_the_password_passes_through_it_and_leaves_no_trace(
    shell: Shell, tmp_path: Path, secret_service: SecretService, monkeypatch: pytest.MonkeyPatch
) -> None:
    secret_service.set("sendkit:127.0.0.1", "ana@example.com", "the user's own")
    monkeypatch.setattr("sendkit._cli.demo.secrets.token_hex", lambda octets: "abcdef")
    monkeypatch.setenv("SENDKIT_PASSWORD", "the user's real one, which is not for the demo")
    answer = shell("demo", "--keep", tmp_path)
    assert answer.code == 0
    assert "in the keyring of this machine" in answer.out
    assert secret_service.get("sendkit:127.0.0.1", "demo-abcdef") is None
    assert secret_service.get("sendkit:127.0.0.1", "ana@example.com") == "the user's own"


def test_a_password_that_stays_in_the_keyring_is_reported(
    shell: Shell, tmp_path: Path, secret_service: SecretService, monkeypatch: pytest.MonkeyPatch
) -> None:
    def locked_meanwhile(*account: str, limit: float) -> None:
        raise KeyringLocked("keyring service sendkit:127.0.0.1: the keyring is locked")

    monkeypatch.setattr("sendkit._cli.demo.delete_password", locked_meanwhile)
    monkeypatch.setattr("sendkit._cli.demo.secrets.token_hex", lambda octets: "abcdef")
    answer = shell("demo", "--keep", tmp_path)
    assert answer.code == 0
    assert "the keyring is locked\n  hint: sendkit logout 127.0.0.1 demo-abcdef\n" in answer.err


def test_a_demo_that_goes_wrong_is_70(shell: Shell, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("sendkit._cli.demo.REJECTED", "another@example.org")
    answer = shell("demo", "--keep", tmp_path)
    assert answer.code == 70
    assert "the demo failed" in answer.err


def test_without_its_extra_it_says_how_to_get_it(shell: Shell, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "trustme", None)
    answer = shell("demo")
    assert (answer.code, answer.out) == (78, "")
    assert answer.err.endswith("hint: from a checkout of sendkit: pip install '.[demo]'\n")


def chunks(terminal: int) -> Iterator[bytes]:
    """What is written to a terminal, until nobody writes any more: then Linux says EIO, others end the file."""
    with contextlib.suppress(OSError):
        while chunk := os.read(terminal, 4096):
            yield chunk


@pytest.mark.parametrize(("environ", "colourful"), [({"TERM": "xterm"}, True), ({"NO_COLOR": "1"}, False)])
def test_colour_is_for_terminals_that_want_it(tmp_path: Path, environ: dict[str, str], colourful: bool) -> None:
    ours, theirs = pty.openpty()
    with subprocess.Popen(command("demo", "--keep", tmp_path), stdout=theirs, env=environment(**environ)) as demo:
        os.close(theirs)
        shown = b"".join(chunks(ours))
    os.close(ours)
    assert demo.returncode == 0
    assert (b"\x1b[32maccepted" in shown, b"\x1b" in shown) == (colourful, colourful)
