"""What somebody reads at a command line: each reason once, and what its reader would miss in a message."""

from __future__ import annotations

from typing import TYPE_CHECKING

from .shell import LETTER, account

if TYPE_CHECKING:
    from pathlib import Path

    from sendkit.testing import LocalServer

    from .shell import Shell

_NO_TEXT = LETTER[:-2]


def test_a_fault_of_the_account_is_said_once_and_counts_no_recipients(shell: Shell, server: LocalServer) -> None:
    server.on_auth().reply("535 5.7.8 not you")
    answer = shell("send", *account(server), *LETTER, "--retries", "0")
    assert answer.out.splitlines() == ["luis@example.com  deferred"]
    assert answer.err.count("535 5.7.8 not you") == 1
    assert "recipients not accepted" not in answer.err


def test_the_reason_of_a_recipient_is_said_once(shell: Shell, server: LocalServer) -> None:
    server.on_rcpt("luis@example.com").reply("550 5.1.1 nobody here")
    answer = shell("send", *account(server), *LETTER, "--retries", "0")
    assert (answer.out + answer.err).count("550 5.1.1 nobody here") == 1
    assert "1 of 1 recipients not accepted" in answer.err


def test_a_message_without_text_is_sent_with_a_warning(shell: Shell, server: LocalServer) -> None:
    answer = shell("send", *account(server), *_NO_TEXT)
    assert answer.err.startswith("warning: there is neither text nor html")
    assert len(server.messages) == 1


def test_a_picture_that_is_not_there_is_sent_with_a_warning(shell: Shell, server: LocalServer, tmp_path: Path) -> None:
    path = tmp_path / "hola.html"
    path.write_text('<p>Hola</p><img alt="" src="cid:chart">')
    answer = shell("send", *account(server), *_NO_TEXT, "--html", path)
    assert "warning: the html shows cid:chart, which is not there" in answer.err
    assert len(server.messages) == 1


def test_a_file_to_attach_may_be_standard_input(shell: Shell, server: LocalServer) -> None:
    shell("send", *account(server), *LETTER, "-a", "-", stdin=b"a,b\n1,2\n")
    (attached,) = server.messages[0].attachments
    assert (attached.filename, attached.data) == ("stdin", b"a,b\n1,2\n")


def test_a_list_with_a_semicolon_says_use_a_comma(shell: Shell) -> None:
    answer = shell("send", "-f", "ana@example.com", "-t", "luis@example.com; eva@example.org", *LETTER[4:])
    assert "use a comma" in answer.err
