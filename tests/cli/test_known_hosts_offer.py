"""`sendkit login` offers to remember what a server offers, for that account, and writes nothing unasked."""

from __future__ import annotations

import stat
from pathlib import Path

import pytest

from sendkit._cli.known_hosts import offer_known_hosts
from sendkit._plan.named import account_named
from sendkit._server.server import Server

from .shell import Stdin

SERVER = Server("smtp.example.com")
CONFIG = """# mine
[defaults]
deadline = 30

[accounts.work]  # at work
host = "smtp.example.com"
username = "ana@example.com"

[accounts.other]
host = "smtp.example.org"
username = "ana@example.com"
"""


@pytest.fixture
def config() -> Path:
    path = Path.home() / "sendkit" / "config.toml"
    path.parent.mkdir()
    path.write_text(CONFIG)
    path.chmod(0o640)
    return path


def _offered(
    monkeypatch: pytest.MonkeyPatch, said: bytes, *, terminal: bool = True, user: str = "ana@example.com"
) -> None:
    monkeypatch.setattr("sys.stdin", Stdin(said, terminal=terminal))
    offer_known_hosts(SERVER, user)


def test_a_yes_turns_it_on_for_that_account_and_changes_nothing_else(
    config: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    _offered(monkeypatch, b"y\n")
    assert config.read_text() == CONFIG.replace("# at work\n", "# at work\nknown_hosts = true\n")
    assert stat.S_IMODE(config.stat().st_mode) == 0o640
    assert account_named("work").server.known_hosts is not None
    assert account_named("other").server.known_hosts is None
    assert "work" in capsys.readouterr().out
    _offered(monkeypatch, b"y\n")
    assert capsys.readouterr().out == ""


@pytest.mark.parametrize("said", [b"n\n", b"\n", b""])
def test_anything_but_a_yes_changes_nothing(config: Path, monkeypatch: pytest.MonkeyPatch, said: bytes) -> None:
    _offered(monkeypatch, said)
    assert config.read_text() == CONFIG


def test_nobody_is_asked_without_a_terminal_or_for_another_account(
    config: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    _offered(monkeypatch, b"y\n", terminal=False)
    _offered(monkeypatch, b"y\n", user="luis@example.com")
    config.write_text("[")
    _offered(monkeypatch, b"y\n")
    config.unlink()
    _offered(monkeypatch, b"y\n")
    assert capsys.readouterr().out == ""
