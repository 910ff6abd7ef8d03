"""Escape sequences: nothing that a server, a provider or a sender wrote steers the terminal or turns a text around.

The class is CWE-150 and CVE-2021-42574 (text that changes its direction). And what other users of this machine read: a
browser's command line (CWE-214), and the environment of programs that we start.
"""

from __future__ import annotations

import os
import stat
import subprocess
import sys
import webbrowser
from pathlib import Path
from urllib.parse import unquote, urlsplit

import pytest

from sendkit._cli.console import Style, complain, painted, printable, say
from sendkit._credentials.command import _run
from sendkit._credentials.environment import SECRETS
from sendkit._page.browser import opened
from sendkit._page.names import file_name, shown_name
from sendkit._smtp.reply import Reply
from tests.cli.shell import environment

ESCAPES = [
    "\x1b]0;owned\x07", "\x1b[2J", "\x1b[8m", "\x1b[1;1H", "\x9b2J", "\r", "\x08", "\x00", "\x7f", "\u202e", "\u2066",
    "\u200f", "\u2028", "\x1bc", "\x1b[31", "\x1b[31;8m", "\x1b[38;5;1m", "\x1b]8;;http://evil.example/\x1b\\",
]  # fmt: skip


@pytest.mark.parametrize("escape", ESCAPES)
def test_no_text_that_is_printed_steers_the_terminal(escape: str, capsys: pytest.CaptureFixture[str]) -> None:
    for write in (say, complain):
        write(f"a{escape}b\nc\td")
    printed = "".join(capsys.readouterr())
    assert escape not in printed
    assert "\x1b" not in printed
    assert "\ufffd" in printed
    assert printed.count("\n") == 4


@pytest.mark.parametrize("escape", ESCAPES)
def test_no_reply_turns_a_text_around(escape: str) -> None:
    assert escape not in str(Reply.build(550, f"a{escape}b"))


def test_the_styles_of_the_command_line_stay(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys.stdout, "isatty", lambda: True, raising=False)
    monkeypatch.delenv("NO_COLOR", raising=False)
    monkeypatch.setenv("TERM", "xterm")
    text = painted("yes", Style.GREEN, Style.BOLD) + "\tñ €\n" + painted("no", Style.RED)
    assert printable(text) == text


def _target(file_url: str) -> tuple[Path, str]:
    path = Path(unquote(urlsplit(file_url).path))
    return path, path.read_text(encoding="utf-8")


def test_a_browser_is_given_a_file_that_only_this_user_may_read_and_no_key(monkeypatch: pytest.MonkeyPatch) -> None:
    """Its command line is there for every local user to read."""
    given: list[tuple[str, Path, str]] = []
    monkeypatch.setattr(webbrowser, "open", lambda url: given.append((url, *_target(url))))
    before = os.umask(0)
    try:
        with opened("http://127.0.0.1:1/k3y-of-the-page/?state=s3cret&x='\"<>"):
            ((url, path, text),) = given
            modes = [stat.S_IMODE(one.stat().st_mode) for one in (path, path.parent)]
    finally:
        os.umask(before)
    assert "k3y-of-the-page" not in url
    assert "s3cret" not in url
    assert url.startswith("file:///")
    assert modes == [0o600, 0o700]
    assert "0;url=http://127.0.0.1:1/k3y-of-the-page/?state=s3cret&amp;x=&#x27;&quot;&lt;&gt;" in text
    assert not path.exists()


def test_a_browser_inherits_no_secret_and_we_keep_ours(monkeypatch: pytest.MonkeyPatch) -> None:
    seen: list[set[str]] = []
    monkeypatch.setattr(webbrowser, "open", lambda _: seen.append(set(os.environ)))
    for name in SECRETS:
        monkeypatch.setenv(name, "s3cret")
    with opened("http://127.0.0.1:1/"):
        pass
    assert not seen[0] & set(SECRETS)
    assert {os.environ[name] for name in SECRETS} == {"s3cret"}


def test_a_password_command_inherits_no_secret(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in SECRETS:
        monkeypatch.setenv(name, "s3cret-of-ours")
    code = "import os; print('|'.join(sorted(name for name in os.environ if name.startswith('SENDKIT_'))) or 'none')"
    found = _run([sys.executable, "-c", code], "a program", 60)
    assert found.secret.reveal() == "none"  # type: ignore[union-attr]


@pytest.mark.skipif(sys.platform != "linux", reason="only Linux says so in /proc")
def test_the_command_line_writes_no_core_and_shows_its_memory_to_nobody() -> None:
    code = (
        "import sys, resource\nsys.argv = ['sendkit', 'providers']\nfrom sendkit._cli import main\nmain()\n"
        "import ctypes\nprint('dumpable', ctypes.CDLL(None).prctl(3, 0, 0, 0, 0))\n"
        "print('core', resource.getrlimit(resource.RLIMIT_CORE)[0])"
    )
    done = subprocess.run(
        [sys.executable, "-c", code], env=environment(), capture_output=True, check=True, timeout=120, text=True
    )
    assert done.stdout.endswith("dumpable 0\ncore 0\n")


def test_a_program_that_calls_the_command_line_keeps_its_own_limits() -> None:
    code = (
        "from sendkit._cli import main\nimport resource\nbefore = resource.getrlimit(resource.RLIMIT_CORE)\n"
        "main(['providers'])\nassert resource.getrlimit(resource.RLIMIT_CORE) == before"
    )
    subprocess.run([sys.executable, "-c", code], env=environment(), capture_output=True, check=True, timeout=120)


@pytest.mark.parametrize(
    ("name", "shown", "kept"),
    [
        ("invoice\u202efdp.exe", "invoice\ufffdfdp.exe", "invoice\ufffdfdp.exe"),
        ("a\u2066b\u200f.txt", "a\ufffdb\ufffd.txt", "a\ufffdb\ufffd.txt"),
        ("report.pdf. . .", "report.pdf. . .", "report.pdf"),
        ("CON", "CON", "_CON"),
        ("nul.txt", "nul.txt", "_nul.txt"),
        ("LPT1 .html", "LPT1 .html", "_LPT1 .html"),
        ("../../.bashrc", "../../.bashrc", "_.._.bashrc"),
        ("C:\\windows\\x", "C:\\windows\\x", "C__windows_x"),
        (".htaccess", ".htaccess", "htaccess"),
        ("a\nb\tc\x00", "a\ufffdb\ufffdc\ufffd", "a\ufffdb\ufffdc\ufffd"),
        ("...", "...", "part-1"),
        ("", "", "part-1"),
        ("console.log", "console.log", "console.log"),
        ("año €.pdf", "año €.pdf", "año €.pdf"),
    ],
)
def test_a_file_name_is_shown_and_downloaded_as_what_it_is(name: str, shown: str, kept: str) -> None:
    assert shown_name(name) == shown
    assert file_name(name, "part-1") == kept


def test_a_long_file_name_keeps_its_kind() -> None:
    assert file_name("a" * 500 + ".pdf", "x") == "a" * 196 + ".pdf"
