"""`sendkit login` and `sendkit logout` against a real Secret Service, and where there is none."""

from __future__ import annotations

import getpass
from typing import TYPE_CHECKING

import pytest

from .shell import LETTER, Shell, Stdin, account

if TYPE_CHECKING:
    from sendkit.testing import LocalServer
    from tests.servers.secretservice import SecretService

HOST, USER, PASSWORD = "smtp.example.com", "ana@example.com", "correct horse ñ"


def test_login_stores_one_line_from_standard_input(shell: Shell, secret_service: SecretService) -> None:
    answer = shell("login", "--no-test", HOST, USER, stdin=f"{PASSWORD}\nnot this\n".encode())
    assert (answer.code, answer.err) == (0, "")
    assert f"sendkit:{HOST}" in answer.out
    assert PASSWORD not in answer.out
    assert secret_service.get(f"sendkit:{HOST}", USER) == PASSWORD


def test_login_asks_at_a_terminal_without_showing_what_is_typed(
    shell: Shell, secret_service: SecretService, monkeypatch: pytest.MonkeyPatch
) -> None:
    prompts: list[str] = []

    def typed(prompt: str) -> str:
        prompts.append(prompt)
        return PASSWORD

    monkeypatch.setattr(getpass, "getpass", typed)
    assert shell("login", "--no-test", HOST, USER, stdin=Stdin(terminal=True)).code == 0
    assert prompts == [f"Password of {USER} on {HOST}: "]
    assert secret_service.get(f"sendkit:{HOST}", USER) == PASSWORD


@pytest.mark.parametrize("host", ["smtp.españa.es", "SMTP.xn--espaa-rta.es:465"])
def test_the_entry_has_the_name_under_which_a_mailer_looks(
    shell: Shell, secret_service: SecretService, host: str
) -> None:
    assert shell("login", "--no-test", host, USER, stdin=PASSWORD.encode()).code == 0
    assert secret_service.get("sendkit:smtp.xn--espaa-rta.es", USER) == PASSWORD


def test_logout_removes_the_entry(shell: Shell, secret_service: SecretService) -> None:
    secret_service.set(f"sendkit:{HOST}", USER, PASSWORD)
    answer = shell("logout", HOST, USER)
    assert (answer.code, answer.err) == (0, "")
    assert secret_service.get(f"sendkit:{HOST}", USER) is None


def test_logout_without_an_entry_is_77(shell: Shell, secret_service: SecretService) -> None:
    assert shell("logout", HOST, USER).code == 77


def test_login_without_a_keyring_is_77_and_says_what_else_there_is(shell: Shell) -> None:
    answer = shell("login", "--no-test", HOST, USER, stdin=b"secret\n")
    assert answer.code == 77
    assert "SENDKIT_PASSWORD" in answer.err
    assert "secret\n" not in answer.out + answer.err


def test_login_with_a_locked_keyring_is_77(shell: Shell, secret_service: SecretService) -> None:
    secret_service.lock()
    answer = shell.apart("login", "--no-test", HOST, USER, stdin=b"secret\n", PYTHONWARNINGS="ignore")
    assert answer.code == 77
    assert "locked" in answer.err


def test_login_without_a_password_is_77(shell: Shell, monkeypatch: pytest.MonkeyPatch) -> None:
    def end_of_file(prompt: str) -> str:
        raise EOFError

    monkeypatch.setattr(getpass, "getpass", end_of_file)
    for stdin in (Stdin(b""), Stdin(b"\n"), Stdin(terminal=True)):
        answer = shell("login", "--no-test", HOST, USER, stdin=stdin)
        assert (answer.code, answer.err.splitlines()[0]) == (77, "sendkit: no password was given")


def test_login_for_what_is_no_host_is_78(shell: Shell) -> None:
    assert shell("login", "--no-test", "not a host", USER, stdin=b"secret\n").code == 78


def test_what_login_stored_sends_and_what_logout_removed_does_not(
    shell: Shell, server: LocalServer, secret_service: SecretService, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("SENDKIT_PASSWORD")
    place = f"{server.host}:{server.port}"
    login = ("login", "--ca-file", server.ca_file, place, server.username)
    assert shell.apart(*login, stdin=f"{server.password}\n".encode()).code == 0
    assert shell.apart("send", *account(server), *LETTER).code == 0
    assert shell.apart("logout", server.host, server.username).code == 0
    assert shell.apart("send", *account(server), *LETTER).code == 77
    assert len(server.messages) == 1


def test_a_refused_password_is_to_be_corrected_where_it_came_from(
    shell: Shell, server: LocalServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("SENDKIT_PASSWORD", "not-that-one")
    for answer in (shell("send", *LETTER, *account(server)), shell("doctor", *account(server))):
        assert answer.code == 77
        said = " ".join((answer.out + answer.err).split())
        assert "the refused one came from SENDKIT_PASSWORD: correct it there, or leave it out and store" in said
