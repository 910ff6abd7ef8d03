"""`sendkit sendmail`: what programs hand to /usr/sbin/sendmail goes out through an account, and never anywhere else."""

from __future__ import annotations

import os
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from sendkit import Outbox, SubmissionOptions
from sendkit._accounts import config
from tests.accounts import write_account

from .shell import Answer, Shell

if TYPE_CHECKING:
    from collections.abc import Iterator

    from sendkit.testing import LocalServer
    from sendkit.testing import ReceivedMessage as Received

HEAD = b"From: Ana <ana@example.com>\nTo: luis@example.com\nSubject: Hola\n"
CRON = (  # what Debian's cron gives to it
    b"From: root (Cron Daemon)\nTo: root\nSubject: Cron <root@host> backup\nMIME-Version: 1.0\n"
    b"Content-Type: text/plain; charset=UTF-8\nContent-Transfer-Encoding: 8bit\nX-Cron-Env: <SHELL=/bin/sh>\n\n"
    b"\xc2\xa1listo!\n.\nend\n"
)


@pytest.fixture(autouse=True)
def _account(server: LocalServer) -> Iterator[None]:
    """An account in the user's file, and no file of the machine."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(config, "SYSTEM_FILE", Path("/nonexistent/sendkit/config.toml"))
        write_account(server)
        yield


def add(text: str) -> None:
    """Write more into the user's file of accounts."""
    with config.config_file().open("a", encoding="utf-8") as file:
        file.write(f"\n{text}\n")


def send(shell: Shell, *arguments: str, stdin: bytes = HEAD + b"\ntext\n") -> Answer:
    return shell("sendmail", *arguments, stdin=stdin)


def taken(server: LocalServer) -> Received:
    [message] = server.messages
    return message


def test_a_message_goes_to_its_recipients_and_nothing_is_printed(shell: Shell, server: LocalServer) -> None:
    assert send(shell, "luis@example.com", "ops@example.net") == Answer(0, "", "")
    assert taken(server).envelope.recipients == ("luis@example.com", "ops@example.net")
    assert taken(server).content.replace(b"\r\n", b"\n").startswith(HEAD)


def test_with_t_the_header_says_who_gets_it_and_bcc_is_not_told(shell: Shell, server: LocalServer) -> None:
    raw = b"To: luis@example.com, Friends: ops@example.net;, nobody:;\nCc:\nBcc: eva@example.org\nSubject: x\n\ny\n"
    assert send(shell, "-t", "more@example.com", stdin=raw).code == 0
    assert set(taken(server).envelope.recipients) == {
        "more@example.com", "luis@example.com", "ops@example.net", "eva@example.org",
    }  # fmt: skip
    assert b"eva@example.org" not in taken(server).content


def test_resent_fields_stand_above_the_others(shell: Shell, server: LocalServer) -> None:
    """RFC 5322 section 3.6.6."""
    assert (
        send(shell, "-t", stdin=b"Resent-To: ops@example.net\nResent-From: ana@example.com\n" + HEAD + b"\nx\n").code
        == 0
    )
    assert taken(server).envelope.recipients == ("ops@example.net",)


def test_what_is_missing_is_filled_in_and_what_is_there_stays(shell: Shell, server: LocalServer) -> None:
    given = HEAD + b"Date: Mon, 30 Nov 2026 10:00:00 +0000\nMessage-ID: <1@example.com>\n\nx\n"
    assert send(shell, "luis@example.com", stdin=given).code == 0
    assert send(shell, "-F", "Böb, Jr", "luis@example.com", stdin=b"Subject: x\n\ny\n").code == 0
    first, second = server.messages
    assert first.content.replace(b"\r\n", b"\n") == given
    assert second.message["From"] == '"Böb, Jr" <ana@example.com>'
    assert second.message["Message-ID"].endswith("@example.com>")
    assert second.message["Date"].datetime.tzinfo is not None


@pytest.mark.parametrize("stdin", [b"just text\nsecond\n", b"\njust text\nsecond\n", b"just text\r\nsecond\r\n"])
def test_an_input_without_a_head_is_a_body(shell: Shell, server: LocalServer, stdin: bytes) -> None:
    assert send(shell, "luis@example.com", stdin=stdin).code == 0
    assert taken(server).message.get_content() == "just text\nsecond\n"


def test_the_first_line_of_an_mbox_is_no_part_of_the_message(shell: Shell, server: LocalServer) -> None:
    assert send(shell, "luis@example.com", stdin=b"From ana Mon Nov 30 10:00:00 2026\n" + HEAD + b"\nx\n").code == 0
    assert taken(server).message["Subject"] == "Hola"


@pytest.mark.parametrize(
    ("flags", "body"), [((), "a\n"), (("-i",), "a\n.\nb\n"), (("-oi",), "a\n.\nb\n"), (("-ti",), "a\n.\nb\n")]
)
def test_a_dot_alone_ends_the_message_unless_i_says_otherwise(
    shell: Shell, server: LocalServer, flags: tuple[str, ...], body: str
) -> None:
    assert send(shell, *flags, "luis@example.com", stdin=HEAD + b"\na\n.\nb\n").code == 0
    assert taken(server).message.get_content() == body


def test_octets_of_the_body_stay_as_they_are(shell: Shell, server: LocalServer) -> None:
    body = bytes(range(128, 256)) + b"\n..\n.x\nfin\n"
    assert send(shell, "-i", "luis@example.com", stdin=HEAD + b"\n" + body).code == 0
    assert taken(server).content.partition(b"\r\n\r\n")[2].replace(b"\r\n", b"\n") == body


def test_the_sender_of_the_envelope_is_that_of_f_or_the_accounts(shell: Shell, server: LocalServer) -> None:
    for flags in ((), ("-f", "bounces@example.com"), ("-f<>",), ("-f", ""), ("-froot",), ("-r", "B <b@example.com>")):
        assert send(shell, *flags, "luis@example.com").code == 0
    assert [one.envelope.reverse_path for one in server.messages] == [
        "ana@example.com", "bounces@example.com", "", "", "ana@example.com", "b@example.com",
    ]  # fmt: skip


def test_mail_of_cron_goes_to_whom_the_aliases_say(shell: Shell, server: LocalServer) -> None:
    add('[sendmail.aliases]\nroot = "ops@example.net"\n"*" = "Others <others@example.net>"')
    assert send(shell, "-i", "-FCronDaemon", "-B8BITMIME", "-oem", "root", stdin=CRON) == Answer(0, "", "")
    assert send(shell, "-t", "-i", stdin=b"From: Logwatch\nTo: postmaster, luis@example.com\n\nx\n").code == 0
    cron, logwatch = server.messages
    assert cron.envelope.recipients == ("ops@example.net",)
    assert (cron.message["From"], cron.message["To"]) == ("Cron Daemon <ana@example.com>", "ops@example.net")
    assert cron.message.get_content() == "¡listo!\n.\nend\n"
    assert logwatch.message["From"] == "Logwatch <ana@example.com>"
    assert logwatch.envelope.recipients == ("others@example.net", "luis@example.com")


@pytest.mark.parametrize(("flags", "stdin"), [(("root",), CRON), (("-t",), CRON)])
def test_a_local_name_without_an_alias_is_67_and_says_where_to_write_it(
    shell: Shell, server: LocalServer, flags: tuple[str, ...], stdin: bytes
) -> None:
    answer = send(shell, *flags, stdin=stdin)
    assert (answer.code, server.messages) == (67, [])
    assert "[sendmail.aliases]" in answer.err


def test_what_is_asked_for_reaches_the_server(shell: Shell, server: LocalServer) -> None:
    assert send(shell, "-N", "success,failure", "-R", "hdrs", "-V", "42", "luis@example.com").code == 0
    assert taken(server).options == SubmissionOptions(notify="success,failure", ret="headers", envid="42")


def test_flags_may_stand_behind_recipients_and_nothing_behind_two_dashes_is_one(
    shell: Shell, server: LocalServer
) -> None:
    assert send(shell, "luis@example.com", "-f", "b@example.com", "--", "-t@example.com").code == 0
    assert taken(server).envelope.reverse_path == "b@example.com"
    assert taken(server).envelope.recipients == ("luis@example.com", "-t@example.com")


@pytest.mark.parametrize(
    ("flags", "words"),
    [
        *((flags, "refused") for flags in (
            ("-C/tmp/x",), ("-C", "/tmp/x"), ("-X/tmp/log",), ("-OQueueDirectory=/tmp",), ("-be",), ("-bd",), ("-bD",),
            ("-bs",), ("-bp",), ("-bi",), ("-bv",), ("-bt",), ("-bh",), ("-D", "/tmp/x"), ("-d0.1",), ("-I",),
            ("-tiC/tmp/x",), ("-f", "ana@example.com", "-X/var/www/shell.php"),
        )),
        (("-Z",), "not recognized"),
        (("--config=/tmp/x",), "not recognized"),
        (("-N", "sometimes"), "-N: 'sometimes'"),
        (("-R", "body"), "-R:"),
        (("-F", "Eve\nBcc: eve@example.com"), "control character"),
        (("-f", "ana@example.com\nBcc: eve@example.com"), "control character"),
        (("-f",), "requires argument"),
    ],
)  # fmt: skip
def test_what_is_not_known_or_would_read_run_or_write_something_is_refused(
    shell: Shell, server: LocalServer, flags: tuple[str, ...], words: str
) -> None:
    answer = send(shell, "luis@example.com", *flags)
    assert (answer.code, server.messages) == (64, [])
    assert words in answer.err


@pytest.mark.parametrize("flags", [(), ("-i",), ("--",)])
def test_without_anybody_to_send_to_it_is_64(shell: Shell, flags: tuple[str, ...]) -> None:
    assert send(shell, *flags).code == 64


@pytest.mark.parametrize(
    ("flags", "stdin"),
    [
        (("-t",), b"Subject: x\n\ny\n"),
        (("-t",), b"To: undisclosed-recipients:;\n\ny\n"),
        (("-t",), b"To: <ana@@example.com>\n\ny\n"),
        (("-t",), b"Resent-To: a@example.com\nResent-To: b@example.com\n\nx\n"),
        (("a b@example.com",), b"x\n"),
        (("-f", "not an address", "luis@example.com"), b"x\n"),
    ],
)
def test_a_message_that_nobody_could_send_is_65(
    shell: Shell, server: LocalServer, flags: tuple[str, ...], stdin: bytes
) -> None:
    assert (send(shell, *flags, stdin=stdin).code, server.messages) == (65, [])


@pytest.mark.parametrize("stdin", [b"", b"\0", b"\xff\xfe\0" * 999, b":\n", b" \n", b"a" * 5_000, b"\r\r\n\n\r"])
def test_garbage_is_a_body_like_any_other(shell: Shell, server: LocalServer, stdin: bytes) -> None:
    assert send(shell, "-i", "luis@example.com", stdin=stdin).code == 0
    assert taken(server).message["From"] == "Ana <ana@example.com>"


def test_q_reads_and_does_nothing(shell: Shell, server: LocalServer) -> None:
    assert [send(shell, flag) for flag in ("-q", "-q30m")] == [Answer(0, "", "")] * 2
    assert server.messages == []


@pytest.mark.parametrize(
    ("reply", "code"),
    [
        ("550 5.1.1 no such user", 67),
        ("550 5.1.2 no such domain", 68),
        ("550 5.7.1 not from you", 69),
        ("451 4.3.0 later", 75),
    ],
)
def test_the_code_says_what_became_of_it(shell: Shell, server: LocalServer, reply: str, code: int) -> None:
    server.on_rcpt().reply(reply)
    add('[accounts.default]\ninherits = "work"\ndeadline = 5')
    answer = send(shell, "luis@example.com")
    assert answer.code == code
    assert reply[4:9] in answer.err


def test_a_doubt_is_76_and_never_tried_again(shell: Shell, server: LocalServer) -> None:
    server.after_data().drop()
    assert send(shell, "luis@example.com").code == 76
    assert len(server.messages) == 1


def test_a_refused_login_is_77(shell: Shell, server: LocalServer) -> None:
    server.password = "another one"
    assert send(shell, "luis@example.com").code == 77


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


def test_a_closed_standard_input_is_66(shell: Shell, server: LocalServer, monkeypatch: pytest.MonkeyPatch) -> None:
    import sys  # noqa: PLC0415

    from sendkit._cli import main  # noqa: PLC0415

    monkeypatch.setattr(sys, "stdin", None)
    assert main(["sendmail", "luis@example.com"]) == 66
    assert server.messages == []


def test_v_shows_the_conversation(shell: Shell, server: LocalServer) -> None:
    answer = send(shell, "-v", "luis@example.com")
    assert "RCPT TO:<luis@example.com>" in answer.err
    assert server.password not in answer.err
