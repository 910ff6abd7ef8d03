"""What `sendkit send` sends, and what it says of it: content, envelope, reports, and what may never be in them."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from email import message_from_string, policy
from pathlib import Path
from typing import TYPE_CHECKING, TextIO

import pytest

from sendkit import DeliveryResult, MemoryTransport, Outcome
from sendkit._cli import main
from tests.servers.scripted import ScriptedServer
from tests.waiting import press_ctrl_c

from .shell import LETTER, Shell, Stdin, account, command, environment

if TYPE_CHECKING:
    from email.message import EmailMessage

    from sendkit.testing import LocalServer
    from tests.servers.authority import Authority

HEAD = LETTER[:-2]


def shown(text: str) -> EmailMessage:
    """The message that a dry run printed."""
    return message_from_string(text, policy=policy.default)


def test_a_dry_run_prints_the_message_as_it_would_go_out_and_needs_no_server(shell: Shell) -> None:
    answer = shell("send", "--dry-run", *LETTER, "--bcc", "eva@example.org", "--envelope-from", "bounces@example.com")
    message = shown(answer.out)
    assert answer.code == 0
    assert (message["Subject"], message.get_content().strip()) == ("Hola", "¿Qué tal?")
    assert "eva@example.org" not in answer.out
    assert "\r" not in answer.out
    assert answer.err == (
        "sendkit: nothing was sent; from <bounces@example.com> to luis@example.com, eva@example.org\n"
    )


def test_a_dry_run_prints_the_same_octets_that_are_sent(shell: Shell, server: LocalServer, tmp_path: Path) -> None:
    (tmp_path / "ready.eml").write_bytes(b"From: ana@example.com\nTo: luis@example.com\nSubject: x\n\n.dot \xc3\xb1\n")
    dry = shell("send", "--dry-run", "--message", tmp_path / "ready.eml")
    assert shell("send", "--message", tmp_path / "ready.eml", *account(server)).code == 0
    assert server.messages[0].content.decode().replace("\r\n", "\n") == dry.out


def test_the_text_comes_from_standard_input_when_nothing_else_gives_one(shell: Shell) -> None:
    answer = shell("send", "--dry-run", *HEAD, stdin="\ufeffuno\r\ndos\r\n".encode())
    assert shown(answer.out).get_content() == "uno\ndos\n"


def test_a_person_at_a_terminal_is_told_that_the_text_is_awaited(shell: Shell) -> None:
    answer = shell("send", "--dry-run", *HEAD, stdin=Stdin(b"typed\n", terminal=True))
    assert "reading the text from the terminal" in answer.err
    assert shown(answer.out).get_content() == "typed\n"


def test_standard_input_is_left_alone_when_a_text_is_given(shell: Shell, tmp_path: Path) -> None:
    (tmp_path / "report.html").write_text("<p>Hola</p>")
    for body in (("--text", "Hola"), ("--html", tmp_path / "report.html")):
        stdin = Stdin(b"not for this")
        assert shell("send", "--dry-run", *HEAD, *body, stdin=stdin).code == 0
        assert stdin.buffer.read() == b"not for this"


def test_a_text_that_is_no_utf8_is_refused(shell: Shell) -> None:
    answer = shell("send", "--dry-run", *HEAD, stdin="Núñez".encode("latin-1"))
    assert answer.code == 65
    assert answer.err.startswith("sendkit: text: it is not UTF-8\n  hint: ")


def test_html_attachments_and_headers_arrive(shell: Shell, server: LocalServer, tmp_path: Path) -> None:
    (tmp_path / "report.html").write_text("<h1>Ventas</h1>")
    (tmp_path / "año.csv").write_bytes(b"a;b\n")
    body = ("--html", tmp_path / "report.html", "-a", tmp_path / "año.csv", "-a", tmp_path / "report.html")
    more = ("--header", "X-Report: 42", "--reply-to", "help@example.com", "--cc", "Eva <eva@example.org>")
    assert shell("send", *account(server), *HEAD, *body, *more).code == 0
    (sent,) = server.messages
    assert sent.envelope.recipients == ("luis@example.com", "eva@example.org")
    message = sent.message
    assert [part.get_filename() for part in message.iter_attachments()] == ["año.csv", "report.html"]
    assert (message["X-Report"], message["Reply-To"], message["Cc"]) == (
        "42",
        "help@example.com",
        "Eva <eva@example.org>",
    )
    html, text = message.get_body(("html",)), message.get_body(("plain",))
    assert html is not None
    assert text is not None
    assert html.get_content().strip() == "<h1>Ventas</h1>"
    assert "Ventas" in text.get_content()


def test_a_ready_message_goes_to_whom_it_names_or_to_whom_it_is_told(shell: Shell, server: LocalServer) -> None:
    ready = b"From: ana@example.com\nTo: luis@example.com\nBcc: eva@example.org\nSubject: x\n\nHola\n"
    assert shell("send", "--message", "-", *account(server), stdin=ready).code == 0
    assert shell("send", "--message", "-", *account(server), "-t", "ops@example.net", stdin=ready).code == 0
    assert [sent.envelope.recipients for sent in server.messages] == [
        ("luis@example.com", "eva@example.org"),
        ("ops@example.net",),
    ]
    assert b"Bcc" not in server.messages[0].content


def test_json_is_the_result_whatever_the_outcome(shell: Shell, server: LocalServer) -> None:
    server.on_rcpt("nobody@example.org").reply("550 5.1.1 no such user here")
    answer = shell("send", "--json", *account(server), *LETTER, "--cc", "nobody@example.org")
    result = DeliveryResult.model_validate_json(answer.out)
    assert answer.code == 69
    assert {address: one.outcome for address, one in result.recipients.items()} == {
        "luis@example.com": Outcome.ACCEPTED,
        "nobody@example.org": Outcome.REJECTED,
    }
    assert "550 5.1.1" in answer.err


@pytest.mark.parametrize(
    ("arguments", "error"),
    [
        (("-f", "ana", "--host", "smtp.example.com"), "MessageError"),
        (("--host", "not a host"), "ConfigurationError"),
        (("--host", "smtp.example.com", "--user", "ana@example.com"), "KeyringUnavailable"),
    ],
)
def test_json_also_says_what_the_caller_must_mend(shell: Shell, arguments: tuple[str, ...], error: str) -> None:
    answer = shell("send", "--json", *LETTER, *arguments)
    assert json.loads(answer.out)["error"]["type"] == error
    assert answer.err.startswith("sendkit: ")


def test_server_account_and_sender_come_from_the_environment(
    shell: Shell, authority: Authority, monkeypatch: pytest.MonkeyPatch
) -> None:
    with ScriptedServer(users={"eva": "s3cret"}) as plain:
        monkeypatch.setenv("SENDKIT_FROM", "Eva <eva@example.org>")
        monkeypatch.setenv("SENDKIT_URL", f"smtp+none://eva@127.0.0.1:{plain.port}")
        monkeypatch.setenv("SENDKIT_PASSWORD", "s3cret")
        assert shell("send", *LETTER[2:]).code == 0
        assert (plain.accepted[0].reverse_path, plain.auth_commands) == ("eva@example.org", 1)


def test_an_option_stands_above_its_variable(
    shell: Shell, server: LocalServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name, value in {"HOST": "elsewhere.example", "PORT": "1", "SECURITY": "none", "USERNAME": "nobody"}.items():
        monkeypatch.setenv(f"SENDKIT_{name}", value)
    monkeypatch.setenv("SENDKIT_URL", "smtps://nobody@elsewhere.example")
    monkeypatch.setenv("SENDKIT_FROM", "nobody@example.org")
    assert shell("send", *account(server), *LETTER).code == 0
    assert server.messages[0].envelope.reverse_path == "ana@example.com"


def test_another_host_does_not_inherit_that_the_usual_one_needs_no_tls(
    shell: Shell, server: LocalServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("SENDKIT_SECURITY", "none")
    monkeypatch.setenv("SENDKIT_HOST", "localhost")
    shell("send", *account(server), *LETTER)
    assert "STARTTLS" in [line.text for line in server.conversations[0]]


def test_security_beside_a_url_from_the_environment_is_refused(shell: Shell, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SENDKIT_URL", "smtps://smtp.example.com")
    answer = shell("send", *LETTER, "--security", "none")
    assert answer.code == 78
    assert "SENDKIT_URL" in answer.err


def test_without_any_sender_the_option_is_named(shell: Shell) -> None:
    answer = shell("send", "--dry-run", *LETTER[2:])
    assert answer.code == 65
    assert "-f ADDR" in answer.err


def test_the_server_behind_the_first_is_asked_where_the_first_is_down(
    shell: Shell, server: LocalServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    user = server.username.replace("@", "%40")
    monkeypatch.setenv("SENDKIT_URL", f"smtp://{user}@127.0.0.1:1 smtp://{user}@{server.host}:{server.port}")
    monkeypatch.setenv("SENDKIT_PASSWORD", server.password)
    answer = shell("send", *LETTER, "--ca-file", server.ca_file)
    assert (answer.code, len(server.messages)) == (0, 1)


def test_a_staging_machine_sends_to_nobody_else(
    shell: Shell, server: LocalServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("SENDKIT_REDIRECT_ALL_TO", "dev@example.com")
    answer = shell("send", *account(server), *LETTER)
    assert answer.out.startswith("dev@example.com  accepted")
    assert [sent.envelope.recipients for sent in server.messages] == [("dev@example.com",)]
    monkeypatch.delenv("SENDKIT_REDIRECT_ALL_TO")
    monkeypatch.setenv("SENDKIT_ALLOW_ONLY", "dev@example.com")
    answer = shell("send", *account(server), *LETTER)
    assert (answer.code, len(server.messages)) == (69, 1)
    assert "may not write to that address" in answer.out + answer.err


def test_the_memory_transport_sends_nowhere(shell: Shell, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SENDKIT_TRANSPORT", "memory")
    answer = shell("send", *LETTER)
    assert answer.code == 0
    assert answer.out == "luis@example.com  accepted  250 2.0.0 kept in memory\n"


def test_more_retries_than_the_usual_are_made(shell: Shell, monkeypatch: pytest.MonkeyPatch) -> None:
    double = MemoryTransport()
    double.on_rcpt().reply("450 4.2.0 later", times=9)
    monkeypatch.setattr("sendkit._plan.plan.named_transport", lambda name: double)
    monkeypatch.setenv("SENDKIT_TRANSPORT", "memory")
    answer = shell("send", *LETTER, "--retries", "9")
    assert answer.out == "luis@example.com  accepted  250 2.0.0 kept in memory (10 tries)\n"


def test_verbose_shows_the_conversation_and_no_secret(shell: Shell, server: LocalServer) -> None:
    answer = shell("send", "-v", *account(server), *LETTER)
    assert answer.code == 0
    for said in ("STARTTLS", "AUTH PLAIN ***", "MAIL FROM:<ana@example.com>", "250 2.0.0 queued as 1"):
        assert said in answer.err
    assert server.password not in answer.out + answer.err
    assert shell("send", *account(server), *LETTER).err == ""


def test_no_option_takes_a_password_and_none_is_repeated(shell: Shell) -> None:
    for arguments in (("--password", "hunter2"), ("--password=hunter2",), ("-p", "hunter2"), ("-x", "--pass=hunter2")):
        answer = shell("send", *LETTER, *arguments)
        assert answer.code == 64
        assert "hunter2" not in answer.out + answer.err
        assert "sendkit login" in answer.err


def test_a_stray_word_is_named(shell: Shell) -> None:
    assert "'tal'" in shell("send", *HEAD, "--text", "¿Qué", "tal").err


def test_addresses_that_the_terminal_cannot_show_are_escaped(shell: Shell, server: LocalServer) -> None:
    arguments = ("send", *account(server), *LETTER[:2], "-t", "luis@españa.es", *LETTER[4:])
    answer = shell.apart(*arguments, PYTHONIOENCODING="ascii")
    assert (answer.code, answer.err) == (0, "")
    assert answer.out.startswith("luis@espa\\xf1a.es  accepted")


def test_a_reader_that_has_gone_does_not_change_the_exit_code(server: LocalServer) -> None:
    read, write = os.pipe()
    os.close(read)
    sending = subprocess.run(
        command("send", *account(server), *LETTER), stdout=write, stderr=subprocess.PIPE, env=environment(), check=False
    )
    os.close(write)
    assert (sending.returncode, sending.stderr) == (0, b"")
    assert len(server.messages) == 1


def test_ctrl_c_prints_the_result_so_far(authority: Authority) -> None:
    with ScriptedServer(tls=authority.server_context()) as slow:
        slow.after_data().silence()
        arguments = ("send", "--json", "--host", f"127.0.0.1:{slow.port}", "--ca-file", authority.ca_file, *LETTER)
        with subprocess.Popen(
            command(*arguments), stdout=subprocess.PIPE, stderr=subprocess.PIPE, env=environment()
        ) as sending:
            slow.wait_for(lambda: bool(slow.accepted))
            press_ctrl_c(sending)
            out, err = sending.communicate(timeout=300)
    assert sending.returncode == 130
    assert DeliveryResult.model_validate_json(out).recipients["luis@example.com"].outcome is Outcome.IN_DOUBT
    assert err == b"sendkit: interrupted\n"


def test_ctrl_c_before_anything_was_sent_prints_no_result(shell: Shell, monkeypatch: pytest.MonkeyPatch) -> None:
    class Interrupted(Stdin):
        def isatty(self) -> bool:
            raise KeyboardInterrupt

    answer = shell("send", *HEAD, stdin=Interrupted())
    assert (answer.code, answer.out, answer.err) == (130, "", "sendkit: interrupted\n")


def test_ctrl_c_during_the_good_bye_prints_the_whole_result(
    shell: Shell, server: LocalServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    def interrupted(mailer: object) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr("sendkit.Mailer.close", interrupted)
    answer = shell("send", *account(server), *LETTER)
    assert (answer.code, answer.out) == (130, "luis@example.com  accepted  250 2.0.0 queued as 1\n")


def test_python_dash_m_is_the_same_command(server: LocalServer) -> None:
    words = command("send", *account(server), *LETTER)
    sent = subprocess.run(words, capture_output=True, env=environment(), check=False, timeout=300)
    assert (sent.returncode, sent.stdout) == (0, b"luis@example.com  accepted  250 2.0.0 queued as 1\n")


@pytest.mark.parametrize("gone", [True, False])
def test_a_report_that_cannot_be_printed_does_not_change_the_exit_code(
    server: LocalServer, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch, gone: bool
) -> None:
    with closed_pipe() if gone else Path("/dev/full").open("w", encoding="utf-8") as stdout:
        monkeypatch.setattr(sys, "stdout", stdout)
        assert main(["send", *account(server), *LETTER]) == 0
    complaint = capsys.readouterr().err
    assert complaint == ("" if gone else "sendkit: cannot print the rest: No space left on device\n")


def closed_pipe() -> TextIO:
    """A pipe that nobody reads."""
    read, write = os.pipe()
    os.close(read)
    return os.fdopen(write, "w", encoding="utf-8")


def test_a_check_says_what_would_go_wrong_and_sends_nothing(shell: Shell, server: LocalServer) -> None:
    answer = shell("send", "--check", *LETTER, *account(server))
    assert (answer.code, answer.out) == (0, "")
    html = "<a href='http://x.org'>x</a>"
    answer = shell("send", "--check", *HEAD, *account(server), "--html", "-", stdin=html.encode())
    assert answer.code == 65
    assert answer.out.startswith("insecure-link: ")
    assert "hint:" in answer.out
    assert "nothing was sent" in answer.err
    assert not server.messages
