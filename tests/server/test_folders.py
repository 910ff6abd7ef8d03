"""A user without a home (a container with a random uid) gets an error of ours, which says what to set."""

from __future__ import annotations

import pwd
from collections.abc import Callable
from pathlib import Path
from typing import NoReturn

import pytest

import sendkit
from sendkit import Server, errors
from sendkit.outbox import Outbox
from tests.cli.shell import LETTER, Shell

HOST = "smtp.example.com"


@pytest.fixture
def homeless(monkeypatch: pytest.MonkeyPatch) -> None:
    """No HOME, and no entry in passwd: a uid of that kind is not to be found by a test that may not become another."""

    def nobody(uid: int) -> NoReturn:
        raise KeyError(f"getpwuid(): uid not found: {uid}")

    for name in ("HOME", "XDG_CONFIG_HOME", "XDG_STATE_HOME", "XDG_DATA_HOME", "XDG_CACHE_HOME"):
        monkeypatch.delenv(name)
    monkeypatch.setattr(pwd, "getpwuid", nobody)


@pytest.fixture
def shell(capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> Shell:
    return Shell(capsys, monkeypatch)


WITHOUT_A_HOME: dict[str, Callable[[], object]] = {
    "known_hosts=True": lambda: Server(HOST, known_hosts=True),
    "known_hosts=~": lambda: Server(HOST, known_hosts="~/hosts"),
    "from_config": lambda: sendkit.Mailer.from_config("work"),
    "open": lambda: sendkit.open("work"),
    "Outbox()": Outbox,
    "Outbox(~)": lambda: Outbox("~/outbox.db"),
    "FileTransport(~)": lambda: sendkit.FileTransport("~/mail"),
}


@pytest.mark.usefixtures("homeless")
@pytest.mark.parametrize("what", WITHOUT_A_HOME)
def test_what_needs_a_home_says_what_to_set_where_there_is_none(what: str) -> None:
    with pytest.raises(errors.ConfigurationError, match="no home folder") as failure:
        WITHOUT_A_HOME[what]()
    assert "HOME" in (failure.value.hint or "")


@pytest.mark.usefixtures("homeless")
@pytest.mark.parametrize(
    "command",
    [
        ("send", "--account", "work", *LETTER),
        ("outbox", "list"),
        ("doctor", "work"),
        ("catch",),
    ],
    ids=lambda command: command[0],
)
def test_a_command_that_needs_a_home_ends_with_78(shell: Shell, command: tuple[str, ...]) -> None:
    answer = shell(*command)
    assert answer.code == 78
    assert "set HOME" in answer.err
    assert "Traceback" not in answer.err


@pytest.mark.parametrize("name", ["XDG_CONFIG_HOME", "XDG_STATE_HOME"])
@pytest.mark.usefixtures("homeless")
def test_the_variable_that_the_hint_names_is_enough(name: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(name, str(tmp_path))
    if name == "XDG_STATE_HOME":
        assert Server(HOST, known_hosts=True).known_hosts == tmp_path / "sendkit" / "known_hosts"
    else:
        with pytest.raises(errors.ConfigurationError, match=r"there is no .*config\.toml"):
            sendkit.Mailer.from_config("work")
