"""Programs that call /usr/sbin/sendmail are given `sendkit sendmail` in its place: mutt, git, PHP, and a shell."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from tests.accounts import write_account

from .shell import environment

if TYPE_CHECKING:
    from sendkit.testing import LocalServer
    from sendkit.testing import ReceivedMessage as Received

_PROGRAM = f"#!{sys.executable}\nimport sys\nfrom sendkit._cli import main\nsys.exit(main())\n"
_IDENTITY = {
    f"GIT_{who}_{what}": value
    for who in ("AUTHOR", "COMMITTER")
    for what, value in (("NAME", "Ana"), ("EMAIL", "ana@example.com"))
}


@pytest.fixture
def program(server: LocalServer, tmp_path: Path) -> Path:
    """A link by the name of sendmail to what an installation calls `sendkit`, with an account in the user's file."""
    write_account(server)
    command, link = tmp_path / "sendkit", tmp_path / "sbin" / "sendmail"
    command.write_text(_PROGRAM)
    command.chmod(0o755)
    link.parent.mkdir()
    link.symlink_to(command)
    return link


def _run(*argv: str | Path, stdin: str = "", **environ: str) -> subprocess.CompletedProcess[str]:
    name = str(argv[0])
    if shutil.which(name) is None:
        pytest.skip(f"{name} is missing: apt-get install git-email mutt php-cli")
    return subprocess.run(
        argv, input=stdin, capture_output=True, text=True, env=environment(**environ), check=False, timeout=300
    )


def _taken(server: LocalServer) -> Received:
    [message] = server.messages
    return message


def test_the_name_it_is_called_by_is_enough(program: Path, server: LocalServer) -> None:
    done = _run(program, "-t", stdin="To: luis@example.com\nSubject: x\n\ny\n")
    assert (done.returncode, done.stdout, done.stderr) == (0, "", "")
    assert _taken(server).subject == "x"


def test_mutt_sends_with_an_attachment(program: Path, server: LocalServer, tmp_path: Path) -> None:
    (tmp_path / "muttrc").write_text(
        f'set sendmail="{program} -oem -oi"\nset from="ana@example.com"\nset use_envelope_from=yes\nset copy=no\n'
        "set realname='Ana Núñez'\nset charset=utf-8\nset config_charset=utf-8\n"
    )
    (tmp_path / "table.csv").write_text("a,b\n")
    done = _run(
        "mutt", "-n", "-F", tmp_path / "muttrc", "-s", "Über", "-a", tmp_path / "table.csv", "--",
        "luis@example.com", stdin="uno\n.\ndos\n", LC_ALL="C.UTF-8", HOME=str(tmp_path),
    )  # fmt: skip
    assert (done.returncode, done.stderr) == (0, "")
    message = _taken(server)
    assert message.envelope.reverse_path == "ana@example.com"
    assert (message.subject, message.text) == ("Über", "uno\n.\ndos\n")
    assert [one.filename for one in message.attachments] == ["table.csv"]


def test_git_sends_a_patch(program: Path, server: LocalServer, tmp_path: Path) -> None:
    patch = tmp_path / "0001-fix.patch"
    patch.write_text(
        "From 0123456789012345678901234567890123456789 Mon Sep 17 00:00:00 2001\n"
        "From: Eva <eva@example.org>\nDate: Mon, 30 Nov 2026 10:00:00 +0000\nSubject: [PATCH] Fix\n\n"
        "It was broken.\n---\n a | 1 +\n\ndiff --git a/a b/a\n--- a/a\n+++ b/a\n@@ -1 +1 @@\n-x\n+y\n-- \n2.39\n"
    )
    done = _run(
        "git", "-c", f"sendemail.smtpServer={program}", "send-email", "--quiet", "--confirm=never",
        "--suppress-cc=all", "--from=Ana <ana@example.com>", "--to=luis@example.com", "--bcc=ops@example.net", patch,
        HOME=str(tmp_path), GIT_CONFIG_NOSYSTEM="1", **_IDENTITY,
    )  # fmt: skip
    if "is not a git command" in done.stderr:
        pytest.skip("git send-email is missing: apt-get install git-email")
    assert done.returncode == 0, done.stderr
    message = _taken(server)
    assert set(message.envelope.recipients) == {"luis@example.com", "ops@example.net"}
    assert message.subject == "[PATCH] Fix"
    assert message.text.startswith("From: Eva <eva@example.org>\n")


def test_php_sends_with_mail(program: Path, server: LocalServer) -> None:
    code = (
        'exit(mail("luis@example.com", "Hola", "uno\\n.\\ndos", '
        '["From" => "Ana <ana@example.com>", "Bcc" => "eva@example.org"], "-fbounces@example.com") ? 0 : 1);'
    )
    done = _run("php", "-n", "-d", f"sendmail_path={program} -t -i", "-r", code)
    assert done.returncode == 0, done.stdout + done.stderr
    message = _taken(server)
    assert message.envelope.reverse_path == "bounces@example.com"
    assert set(message.envelope.recipients) == {"luis@example.com", "eva@example.org"}
    assert message.text == "uno\n.\ndos\n"
    assert b"eva@example.org" not in message.content


def test_php_of_a_web_form_cannot_be_made_to_write_a_file(program: Path, server: LocalServer, tmp_path: Path) -> None:
    """CVE-2016-10033: what a form says of the sender became a flag."""
    target = tmp_path / "shell.php"
    code = (
        f'exit(mail("luis@example.com", "x", "<?php", "", "-fa@example.com -OQueueDirectory=/tmp -X{target}") ? 0 : 1);'
    )
    done = _run("php", "-n", "-d", f"sendmail_path={program} -t -i", "-r", code)
    assert done.returncode == 1
    assert (target.exists(), server.messages) == (False, [])


def test_the_user_without_a_home_is_told_what_to_set(program: Path, server: LocalServer, tmp_path: Path) -> None:
    gone = {name: "" for name in os.environ if name.startswith("XDG_")}
    done = _run(program, "luis@example.com", stdin="x\n", HOME=str(tmp_path / "nowhere"), **gone)
    assert done.returncode == 78
    assert "sendkit/config.toml" in done.stderr


def test_closed_streams_do_not_change_what_is_told(program: Path, server: LocalServer) -> None:
    """A daemon may have closed them; who takes that for a failure sends the message again."""
    done = _run("sh", "-c", f'exec "{program}" luis@example.com >&- 2>&-', stdin="Subject: x\n\ny\n")
    assert (done.returncode, _taken(server).subject) == (0, "x")
    assert _run("sh", "-c", f'exec "{program}" luis@example.com <&- >&- 2>&-').returncode == 66
