"""`sendkit sendmail`: what programs hand to /usr/sbin/sendmail goes out through an account, and never anywhere else."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING

import pytest

from sendkit import SubmissionOptions
from sendkit._cli import main

from .shell import Answer, Shell

if TYPE_CHECKING:
    from sendkit.testing import LocalServer
from .sendmail import HEAD, add, send, taken

pytestmark = pytest.mark.usefixtures("account_of_sendmail")


CRON = (  # what Debian's cron gives to it
    b"From: root (Cron Daemon)\nTo: root\nSubject: Cron <root@host> backup\nMIME-Version: 1.0\n"
    b"Content-Type: text/plain; charset=UTF-8\nContent-Transfer-Encoding: 8bit\nX-Cron-Env: <SHELL=/bin/sh>\n\n"
    b"\xc2\xa1listo!\n.\nend\n"
)


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


def test_a_closed_standard_input_is_66(shell: Shell, server: LocalServer, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "stdin", None)
    assert main(["sendmail", "luis@example.com"]) == 66
    assert server.messages == []


def test_v_shows_the_conversation(shell: Shell, server: LocalServer) -> None:
    answer = send(shell, "-v", "luis@example.com")
    assert "RCPT TO:<luis@example.com>" in answer.err
    assert server.password not in answer.err
