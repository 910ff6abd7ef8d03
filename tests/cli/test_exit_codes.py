"""One exit code for each outcome and each error, from real conversations and in the order of `errors.py`."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from sendkit import DeliveryResult, Outcome, RecipientResult, errors
from sendkit._cli.exit_codes import MEANINGS, ExitCode, exit_code
from sendkit._smtp.verdict import Cause
from sendkit.results import failed_before_sending
from tests.servers.scripted import ScriptedServer

from .shell import LETTER, Shell, account

if TYPE_CHECKING:
    from pathlib import Path

    from sendkit.testing import LocalServer
    from tests.servers.authority import Authority


def test_0_when_every_recipient_was_accepted(shell: Shell, server: LocalServer) -> None:
    answer = shell("send", *account(server), *LETTER)
    assert (answer.code, answer.err) == (0, "")
    assert answer.out == "luis@example.com  accepted  250 2.0.0 queued as 1\n"
    assert [message.envelope.recipients for message in server.messages] == [("luis@example.com",)]


@pytest.mark.parametrize(
    "arguments",
    [
        (),
        ("fly",),
        ("send",),
        ("send", *LETTER, "--retries", "-1"),
        ("send", *LETTER, "--retries", "few"),
        ("send", *LETTER, "--deadline", "0"),
        ("send", *LETTER, "--deadline", "soon"),
        ("send", *LETTER, "--security", "maybe"),
        ("send", *LETTER, "--header", "no colon"),
        ("send", *LETTER, "--header", "X-A: 1", "--header", "x-a: 2"),
        ("send", *LETTER, "--host", "a.example", "--url", "smtps://b.example"),
        ("send", *LETTER, "--url", "smtps://b.example", "--security", "none"),
        ("send", *LETTER, "--dry-run", "--json"),
        ("send", *LETTER, "--message", "x.eml"),
        ("send", "-f", "ana@example.com", "-s", "to nobody"),
        ("send", "-f", "ana@example.com", "-t", "luis@example.com"),
        ("login", "smtp.example.com"),
    ],
)
def test_64_for_arguments_that_make_no_sense(shell: Shell, arguments: tuple[str, ...]) -> None:
    answer = shell(*arguments)
    assert (answer.code, answer.out) == (64, "")
    assert "sendkit" in answer.err


def test_65_for_an_address_that_is_none(shell: Shell) -> None:
    answer = shell("send", "--host", "smtp.example.com", "-f", "ana@example.com", "-t", "luis", "-s", "", "--text", "")
    assert answer.code == 65
    assert answer.err.startswith("sendkit: to: ")
    assert "hint: " in answer.err


@pytest.mark.parametrize("option", ["--attach", "--html", "--message"])
def test_65_for_a_file_that_is_not_there(shell: Shell, tmp_path: Path, option: str) -> None:
    letter = () if option == "--message" else LETTER
    answer = shell("send", "--host", "smtp.example.com", *letter, option, tmp_path / "missing.pdf")
    assert answer.code == 65
    assert "missing.pdf" in answer.err


def test_69_when_refused_for_good(shell: Shell, server: LocalServer) -> None:
    server.on_rcpt().reply("550 5.1.1 no such user here")
    answer = shell("send", *account(server), *LETTER)
    assert answer.code == 69
    assert answer.out == "luis@example.com  rejected  550 5.1.1 no such user here\n"
    assert "hint: " in answer.err


def test_75_when_deferred_with_the_recipients_that_are_left(shell: Shell, server: LocalServer) -> None:
    server.on_rcpt("luis@example.com").reply("450 4.2.0 greylisted")
    answer = shell("send", *account(server), *LETTER, "--cc", "eva@example.org", "--retries", "0")
    assert answer.code == 75
    assert "luis@example.com  deferred  450 4.2.0 greylisted" in answer.out
    assert "hint: send it again later, only to these recipients (luis@example.com)" in answer.err


def test_75_when_the_server_is_not_reached(shell: Shell, closed_port: int) -> None:
    answer = shell("send", "--host", f"127.0.0.1:{closed_port}", *LETTER, "--retries", "0")
    assert answer.code == 75
    assert f"127.0.0.1:{closed_port}" in answer.err


def test_75_when_the_server_cannot_be_verified(shell: Shell, server: LocalServer) -> None:
    answer = shell("send", *account(server)[:-2], *LETTER)
    assert answer.code == 75
    assert not any(line.text.startswith("AUTH") for line in server.conversations[0])


def test_75_when_the_server_offers_no_starttls(shell: Shell) -> None:
    with ScriptedServer(capabilities=["AUTH PLAIN"]) as bare:
        answer = shell("send", "--host", f"127.0.0.1:{bare.port}", *LETTER)
    assert answer.code == 75
    assert "STARTTLS" in answer.err


def test_75_when_the_server_speaks_no_smtp(shell: Shell, authority: Authority) -> None:
    with ScriptedServer(tls=authority.server_context()) as odd:
        odd.on_connect().garbage()
        host, ca_file = f"127.0.0.1:{odd.port}", authority.ca_file
        answer = shell("send", "--host", host, "--ca-file", ca_file, *LETTER, "--retries", "0")
    assert answer.code == 75


def test_75_when_a_login_failed_for_now(shell: Shell, server: LocalServer) -> None:
    server.on_auth().reply("454 4.7.0 the directory is down")
    answer = shell("send", *account(server), *LETTER, "--retries", "0")
    assert answer.code == 75


def test_76_when_the_server_may_have_it_and_there_is_one_copy(shell: Shell, server: LocalServer) -> None:
    server.after_data().drop()
    answer = shell("send", *account(server), *LETTER)
    assert answer.code == 76
    assert answer.out.startswith("luis@example.com  in doubt")
    message_id = server.messages[0].message["Message-ID"]
    assert f"hint: the server may have accepted it: look for {message_id}" in answer.err
    assert len(server.messages) == 1


def test_77_when_the_login_was_refused_after_one_auth_command(
    shell: Shell, server: LocalServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("SENDKIT_PASSWORD", "wrong, and secret")
    answer = shell("send", *account(server), *LETTER)
    assert answer.code == 77
    assert "sendkit login" in answer.err
    assert "wrong, and secret" not in answer.out + answer.err
    assert [line.text for line in server.conversations[0] if "AUTH" in line.text][-1] == "AUTH PLAIN ***"
    assert len(server.conversations) == 1


def test_77_when_no_password_is_found(shell: Shell, server: LocalServer, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("SENDKIT_PASSWORD")
    answer = shell("send", *account(server), *LETTER)
    assert answer.code == 77
    assert "SENDKIT_PASSWORD" in answer.err
    assert not any(line.text.startswith(("AUTH", "MAIL")) for said in server.conversations for line in said)


@pytest.mark.parametrize(
    "arguments",
    [
        (),
        ("--host", "not a host"),
        ("--host", "smtp.example.com:99999"),
        ("--url", "ftp://smtp.example.com"),
        ("--url", "smtps://ana:secret@smtp.example.com"),
        ("--host", "smtp.example.com", "--user", "ana@example.com", "--security", "none"),
        ("--host", "smtp.example.com", "--ca-file", "missing.pem"),
    ],
)
def test_78_for_a_setting_that_cannot_work(shell: Shell, arguments: tuple[str, ...]) -> None:
    answer = shell("send", *LETTER, *arguments)
    assert (answer.code, answer.out) == (78, "")
    assert answer.err.startswith("sendkit: ")
    assert "secret" not in answer.err


def result(*recipients: tuple[Outcome, Cause | None, bool]) -> DeliveryResult:
    return DeliveryResult(
        recipients={
            f"{number}@example.com": RecipientResult(
                address=f"{number}@example.com", outcome=outcome, cause=cause, retryable=retryable
            )
            for number, (outcome, cause, retryable) in enumerate(recipients)
        }
    )


ACCEPTED = (Outcome.ACCEPTED, None, False)
REJECTED = (Outcome.REJECTED, Cause.REJECTED, False)
DEFERRED = (Outcome.DEFERRED, Cause.DEFERRED, True)
REFUSED = (Outcome.DEFERRED, Cause.AUTHENTICATION, False)
IN_DOUBT = (Outcome.IN_DOUBT, Cause.IN_DOUBT, False)


@pytest.mark.parametrize(
    ("recipients", "code"),
    [
        ([ACCEPTED, ACCEPTED], ExitCode.ACCEPTED),
        ([ACCEPTED, REJECTED], ExitCode.REJECTED),
        ([ACCEPTED, REJECTED, DEFERRED], ExitCode.DEFERRED),
        ([ACCEPTED, REJECTED, DEFERRED, IN_DOUBT], ExitCode.IN_DOUBT),
        ([DEFERRED, REFUSED], ExitCode.AUTHENTICATION),
        ([REFUSED, IN_DOUBT], ExitCode.IN_DOUBT),
        ([REFUSED, (Outcome.DEFERRED, Cause.TLS, False)], ExitCode.DEFERRED),
        ([(Outcome.DEFERRED, Cause.AUTHENTICATION, True)], ExitCode.DEFERRED),
    ],
)
def test_mixed_outcomes_have_the_code_of_what_needs_most_care(
    recipients: list[tuple[Outcome, Cause | None, bool]], code: ExitCode
) -> None:
    mixed = result(*recipients)
    assert exit_code(mixed) is code
    if not mixed.ok:
        with pytest.raises(errors.DeliveryError) as raised:
            mixed.raise_for_failure()
        assert exit_code(raised.value) is code


@pytest.mark.parametrize(
    ("error", "code"),
    [
        (errors.MessageError("x"), ExitCode.MESSAGE),
        (errors.ConfigurationError("x"), ExitCode.CONFIGURATION),
        (errors.CredentialsNotFound("x"), ExitCode.AUTHENTICATION),
        (errors.KeyringLocked("x"), ExitCode.AUTHENTICATION),
        (errors.InDoubtError("x"), ExitCode.IN_DOUBT),
        (errors.TLSError("x"), ExitCode.DEFERRED),
        (errors.AuthenticationError("x"), ExitCode.AUTHENTICATION),
        (errors.AuthenticationError("x", transient=True), ExitCode.DEFERRED),
        (errors.ConnectError("x"), ExitCode.DEFERRED),
        (errors.ProtocolError("x"), ExitCode.DEFERRED),
        (errors.DeferredError("x"), ExitCode.DEFERRED),
        (errors.RejectedError("x"), ExitCode.REJECTED),
        (KeyboardInterrupt(), ExitCode.INTERRUPTED),
        (errors.SendkitError("x"), ExitCode.UNEXPECTED),
    ],
)
def test_each_error_has_its_code(error: BaseException, code: ExitCode) -> None:
    assert exit_code(error) is code


def test_an_error_before_sending_has_its_code_in_a_result_too() -> None:
    assert exit_code(failed_before_sending(errors.MessageError("x"))) is ExitCode.MESSAGE


@pytest.mark.parametrize("arguments", [("--help",), ("send", "--help")])
def test_the_help_explains_every_exit_code(
    capsys: pytest.CaptureFixture[str], shell: Shell, arguments: tuple[str, ...]
) -> None:
    with pytest.raises(SystemExit) as ended:
        shell(*arguments)
    shown = capsys.readouterr().out
    assert ended.value.code == 0
    for code, meaning in MEANINGS.items():
        assert f"{code.value:>3}  {meaning}" in shown
    assert set(MEANINGS) == set(ExitCode)
