"""A user without a home (a container with a random uid) gets an error of ours, which says what to set."""

from __future__ import annotations

import pwd
from collections.abc import Callable
from pathlib import Path
from typing import NoReturn

import pytest

import sendkit
from sendkit import AsyncMailer, Server, errors
from sendkit.outbox import Outbox
from tests.accounts import message
from tests.cli.shell import LETTER, Shell
from tests.servers.authority import Authority
from tests.servers.scripted import ScriptedServer

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


@pytest.mark.parametrize("command", [("outbox", "list"), ("catch",)], ids=lambda command: command[0])
def test_a_home_that_cannot_be_written_to_is_an_error_of_ours_with_what_to_do(
    shell: Shell, command: tuple[str, ...], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """In the place of a folder stands a file: also a test that runs as root cannot write into it."""
    (tmp_path / "file").touch()
    monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path / "file"))
    answer = shell(*command)
    assert (answer.code != 0, "Traceback" in answer.err) == (True, False)
    assert "hint: " in answer.err
    assert "cannot be" in answer.err


async def test_known_hosts_in_a_home_that_cannot_be_written_to_says_what_to_do(
    authority: Authority, tmp_path: Path
) -> None:
    (tmp_path / "file").touch()
    with ScriptedServer(tls=authority.server_context()) as server:
        known = tmp_path / "file" / "known_hosts"
        place = Server("localhost", server.port, ca_file=authority.ca_file, known_hosts=known)
        async with AsyncMailer(place, username="ana@example.com", password="correct horse") as mailer:
            with pytest.raises(errors.ConfigurationError) as failure:
                await mailer.send(message())
    assert failure.value.hint
