"""`sendkit doctor` prints the fault first, with what to do, and ends with the code that `sendkit send` would."""

from __future__ import annotations

import json
from collections.abc import Iterator

import pytest

from sendkit.testing import LocalServer
from tests.accounts import write_account
from tests.servers.authority import Authority
from tests.servers.nameserver import NameServer
from tests.servers.scripted import ScriptedServer
from tests.servers.secretservice import SecretService

from .shell import Shell, account


@pytest.fixture(autouse=True)
def dns(monkeypatch: pytest.MonkeyPatch) -> Iterator[NameServer]:
    """The name server of the system: it knows nobody."""
    with NameServer({}) as server:
        monkeypatch.setattr("dns.asyncresolver.default_resolver", server.resolver)
        yield server


def first(text: str) -> str:
    """The first line, and what of it goes on below, with single spaces."""
    lines = text.splitlines()
    rest = [line for line in lines[1:] if line.startswith(" ")]
    return " ".join(" ".join(lines[:1] + rest).split())


def test_what_is_well_ends_with_0_and_sends_nothing(shell: Shell, server: LocalServer) -> None:
    answer = shell("doctor", *account(server))
    assert (answer.code, answer.err) == (0, "")
    assert "failure" not in answer.out
    assert "\nok       secret      from SENDKIT_PASSWORD\n" in answer.out
    assert server.messages == []


def test_a_wrong_password_is_the_first_line_and_77(
    shell: Shell, server: LocalServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("SENDKIT_PASSWORD", "wrong, and secret")
    answer = shell("doctor", *account(server))
    assert answer.code == 77
    assert answer.out.startswith("failure  login       535 5.7.8")
    assert "the secret came from SENDKIT_PASSWORD" in first(answer.out)
    assert "→ check the username and the password" in first(answer.out)
    assert "wrong, and secret" not in answer.out + answer.err


def test_a_server_that_cannot_be_verified_is_75(shell: Shell, server: LocalServer) -> None:
    answer = shell("doctor", *account(server)[:-2])
    assert (answer.code, answer.err) == (75, "")
    assert first(answer.out).startswith("failure tls the server's certificate was not accepted")


def test_a_recipient_who_is_refused_for_good_is_69(shell: Shell, server: LocalServer) -> None:
    server.on_rcpt("luis@example.com").reply("550 5.1.1 no such user here")
    answer = shell("doctor", *account(server), "--to", "luis@example.com")
    assert answer.code == 69
    assert answer.out.startswith("failure  rcpt        550 5.1.1 no such user here; to <luis@example.com>")


def test_a_keyring_that_nobody_unlocks_does_not_hold_up_the_command(
    shell: Shell, authority: Authority, unanswered_secret_service: SecretService
) -> None:
    with ScriptedServer(tls=authority.server_context()) as server:
        place = ("--host", f"localhost:{server.port}", "--user", "ana@[127.0.0.1]", "--ca-file", authority.ca_file)
        answer = shell.apart("doctor", *place, "--limit", "1")
    assert (answer.code, answer.err) == (75, "")
    assert answer.out.startswith("failure  secret      no answer within 1 s\n")


def test_an_account_of_the_file_is_named_and_brings_its_sender(shell: Shell, server: LocalServer) -> None:
    write_account(server)
    answer = shell("doctor", "work")
    assert (answer.code, answer.err) == (0, "")
    assert "\nok       mail        from <ana@example.com>" in answer.out
    assert shell("doctor", "work", "--host", "smtp.example.com").code == 64
    assert shell("doctor", "play").code == 78


def test_the_sender_of_the_environment_is_taken(
    shell: Shell, server: LocalServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("SENDKIT_FROM", "Eva <eva@example.org>")
    assert "mail        from <eva@example.org>" in shell("doctor", *account(server)).out
    assert "mail        from <ops@example.net>" in shell("doctor", *account(server), "--from", "ops@example.net").out


def test_json_is_the_whole_diagnosis(shell: Shell, server: LocalServer) -> None:
    answer = shell("doctor", *account(server), "--json", "--dkim-selector", "mine")
    told = json.loads(answer.out)
    assert (told["version"], told["ok"]) == (1, True)
    assert {finding["status"] for finding in told["findings"]} == {"ok", "warning"}
    assert any("mine._domainkey" in finding["text"] for finding in told["findings"])


def test_where_mail_goes_nowhere_there_is_nothing_to_examine(shell: Shell, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SENDKIT_TRANSPORT", "memory")
    answer = shell("doctor")
    assert (answer.code, "no server to examine" in answer.err) == (78, True)
