"""Which account `sendkit sendmail` uses, which files it trusts, and how its outbox takes part."""

from __future__ import annotations

import os
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from sendkit import Outbox
from sendkit._accounts import config

from .shell import Shell

if TYPE_CHECKING:
    from sendkit.testing import LocalServer
from .sendmail import add, send, taken

pytestmark = pytest.mark.usefixtures("account_of_sendmail")


def test_no_account_is_78_and_says_what_to_write(shell: Shell) -> None:
    config.config_file().unlink()
    answer = send(shell, "luis@example.com")
    assert answer.code == 78
    assert "config.toml" in answer.err


def test_several_accounts_and_none_named_is_78(shell: Shell) -> None:
    add('[accounts.other]\nhost = "smtp.example.com"')
    assert "which account? there are work, other" in send(shell, "luis@example.com").err


def test_the_file_names_the_account(shell: Shell, server: LocalServer) -> None:
    add('[accounts.other]\nhost = "smtp.example.com"\n[sendmail]\naccount = "work"')
    assert send(shell, "luis@example.com").code == 0
    assert send(shell, "--account", "missing", "luis@example.com").code == 78
    assert len(server.messages) == 1


@pytest.mark.parametrize("text", ["[sendmail]\nacount = 'x'", "[sendmail]\naliases = 3", "sendmail = 1\n"])
def test_a_wrong_key_is_named_with_its_file(shell: Shell, text: str) -> None:
    path = config.config_file()
    path.write_text(f"{text}\n{path.read_text()}" if text.startswith("sendmail") else f"{path.read_text()}\n{text}")
    answer = send(shell, "luis@example.com")
    assert answer.code == 78
    assert str(path) in answer.err


def test_the_file_of_the_machine_stands_behind_the_users(
    shell: Shell, server: LocalServer, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    shared = tmp_path / "config.toml"
    monkeypatch.setattr(config, "SYSTEM_FILE", shared)
    config.config_file().rename(shared)
    assert send(shell, "luis@example.com").code == 0
    config.config_file().write_text('[sendmail.aliases]\nroot = "me@example.com"\n[accounts.mine]\ninherits = "work"')
    assert send(shell, "--account", "work", "root").code == 0
    assert [one.envelope.recipients for one in server.messages] == [("luis@example.com",), ("me@example.com",)]


@pytest.mark.skipif(os.name != "posix", reason="Windows has no such modes")
def test_a_password_that_every_user_can_read_is_refused(
    shell: Shell, server: LocalServer, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "password").write_text(server.password)
    (tmp_path / "password").chmod(0o644)
    monkeypatch.delenv("SENDKIT_PASSWORD")
    monkeypatch.setenv("SENDKIT_PASSWORD_FILE", str(tmp_path / "password"))
    text = config.config_file().read_text()
    config.config_file().write_text("\n".join(line for line in text.splitlines() if "password_command" not in line))
    answer = send(shell, "luis@example.com")
    assert (answer.code, server.messages) == (77, [])
    assert "chmod 600" in answer.err
    (tmp_path / "password").chmod(0o600)
    assert send(shell, "luis@example.com").code == 0


@pytest.mark.skipif(os.name != "posix", reason="Windows has no such modes")
def test_a_file_that_others_may_write_to_is_refused(shell: Shell) -> None:
    config.config_file().chmod(0o666)
    answer = send(shell, "luis@example.com")
    assert answer.code == 78
    assert "chmod" in answer.err


def test_through_the_outbox_the_message_waits_there(shell: Shell, server: LocalServer) -> None:
    assert send(shell, "--outbox", "luis@example.com").code == 0
    add("[sendmail]\noutbox = true")
    assert send(shell, "ops@example.net").code == 0
    with Outbox() as outbox:
        letters = list(outbox.letters())
    assert server.messages == []
    assert sorted(one.address for letter in letters for one in letter.recipients) == [
        "luis@example.com", "ops@example.net",
    ]  # fmt: skip
    assert {letter.account for letter in letters} == {"work"}


def test_a_worker_sends_what_waits_as_it_was_asked_for(shell: Shell, server: LocalServer) -> None:
    assert send(shell, "--outbox", "-N", "failure", "-R", "hdrs", "luis@example.com").code == 0
    assert shell("outbox", "run", "--once", "--account", "work").code == 0
    assert (taken(server).options.notify, taken(server).options.ret) == ({"failure"}, "headers")


def test_an_outbox_that_cannot_be_made_is_73(shell: Shell, tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    add(f'[sendmail]\noutbox = "{tmp_path}/file/outbox.db"')
    assert send(shell, "luis@example.com").code == 73


def test_the_environment_stands_above_the_files(
    shell: Shell, server: LocalServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name, value in server.environment.items():
        monkeypatch.setenv(name, value)
    config.config_file().unlink()
    assert send(shell, "luis@example.com").code == 0
    assert taken(server).envelope.reverse_path == server.username


@pytest.mark.skipif(not hasattr(os, "geteuid"), reason="Windows has no setuid")
def test_it_never_runs_for_another_user(shell: Shell, server: LocalServer, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(os, "getuid", lambda: os.geteuid() + 1)
    answer = send(shell, "luis@example.com")
    assert (answer.code, server.messages) == (77, [])
    assert "setuid" in answer.err
