"""`sendkit catch` as a developer sees it, and what else shows a message in the browser."""

from __future__ import annotations

import re
import smtplib
import ssl
import subprocess
import tempfile
import webbrowser
from email.message import EmailMessage
from pathlib import Path
from typing import TYPE_CHECKING, Self
from urllib.request import urlopen

import pytest

from sendkit import Mailer, Message, Server
from sendkit.errors import MessageError
from sendkit.testing import preview
from tests.servers.redirect import target_of
from tests.waiting import press_ctrl_c

from .shell import LETTER, Shell, command, environment

if TYPE_CHECKING:
    from collections.abc import Iterator
    from types import TracebackType

MESSAGE = Message(sender="ana@example.com", to="luis@example.com", subject="Hola", html="<b>¿Qué tal?</b>")


@pytest.fixture(autouse=True)
def _temporary(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Let previews go with the test."""
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path))


@pytest.fixture
def opened(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """What a browser would have been asked to open."""
    addresses: list[str] = []
    monkeypatch.setattr(webbrowser, "open", addresses.append)
    return addresses


class Catching:
    """A `sendkit catch` in a process of its own, and what it has printed so far."""

    def __init__(self, *arguments: str | Path, **environ: str) -> None:
        self.process = subprocess.Popen(
            command("catch", *arguments),
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            encoding="utf-8",
            env=environment(PYTHONIOENCODING="utf-8", **environ),
        )
        self.out = ""

    def __enter__(self) -> Self:
        self.out = self.until("What comes\n")
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, _: TracebackType | None) -> None:
        if self.process.poll() is None:
            self.process.kill()
        self.process.communicate()

    def until(self, end: str) -> str:
        """What it prints up to a line that ends so."""
        assert self.process.stdout is not None
        lines: list[str] = []
        while not (lines and lines[-1].endswith(end)):
            lines.append(line := self.process.stdout.readline())
            assert line, "".join(lines) + (self.process.stderr.read() if self.process.stderr else "")
        return "".join(lines)

    def fact(self, name: str) -> str:
        """A fact that it told at its start."""
        (found,) = re.findall(rf"^   {name} +(.+)$", self.out, re.MULTILINE)
        return str(found)

    def interrupt(self) -> tuple[int, str, str]:
        """Ctrl-C, and what it comes to."""
        press_ctrl_c(self.process)
        out, err = self.process.communicate(timeout=300)
        return self.process.returncode, out, err


@pytest.fixture
def catching(tmp_path: Path) -> Iterator[Catching]:
    with Catching("--keep", tmp_path / "caught") as catching:
        yield catching


def test_a_program_that_sends_by_the_printed_environment_is_caught(
    catching: Catching, shell: Shell, tmp_path: Path
) -> None:
    settings = dict(re.findall(r"export (\w+)=(\S+)", catching.out))
    assert settings.keys() == {"SENDKIT_URL", "SENDKIT_PASSWORD", "SSL_CERT_FILE"}
    assert shell.apart("send", *LETTER, **settings).code == 0
    assert re.fullmatch(r"   \d\d:\d\d:\d\d  Hola  ana@example.com → luis@example.com\n", catching.until("\n"))
    with urlopen(catching.fact("page") + "messages.json") as answer:
        assert b'"subject": "Hola"' in answer.read()
    assert catching.interrupt() == (0, f"\n1 message caught, kept in {tmp_path / 'caught'}\n", "")
    assert (tmp_path / "caught" / "1.eml").exists()
    assert Path(catching.fact("CA file")).exists(), "it lasts, so that a client needs to be told once"


def test_the_standard_library_is_caught_too_and_what_it_brings_is_printable(catching: Catching) -> None:
    host, _, port = catching.fact("server").partition(",")[0].partition(":")
    with smtplib.SMTP(host, int(port)) as client:
        client.starttls(context=ssl.create_default_context(cafile=catching.fact("CA file")))
        client.login(catching.fact("username"), catching.fact("password"))
        client.sendmail("ana@example.com", "luis@example.com", b"Subject: =?utf-8?q?=1B[2J=1B]0;x?=\r\n\r\nx\r\n")
    assert "�[2J�]0;x" in catching.until("\n")


def test_lmtp_is_caught_without_tls_or_a_login(shell: Shell) -> None:
    with Catching("--lmtp") as catching:
        settings = dict(re.findall(r"export (\w+)=(\S+)", catching.out))
        assert settings.keys() == {"SENDKIT_URL"}
        assert "LMTP, without TLS or a login" in catching.fact("server")
        answer = shell.apart("send", *LETTER, SENDKIT_URL=settings["SENDKIT_URL"].strip("'"))
        assert (answer.code, answer.err) == (0, "")
        assert "Hola  ana@example.com → luis@example.com" in catching.until("\n")
        with urlopen(catching.fact("page") + "messages.json") as page:
            assert b'"security": "none (LMTP)"' in page.read()


def test_a_password_of_the_environment_is_used_and_not_shown() -> None:
    with Catching("--user", "app", SENDKIT_PASSWORD="kept-to-ourselves") as catching:
        assert "kept-to-ourselves" not in catching.out
        assert catching.fact("password") == "that of SENDKIT_PASSWORD"
        host, _, port = catching.fact("server").partition(",")[0].partition(":")
        server = Server(host, int(port), ca_file=Path(catching.fact("CA file")))
        with Mailer(server, username="app", password="kept-to-ourselves") as mailer:
            assert mailer.send(MESSAGE).ok
        assert catching.interrupt()[0] == 0


def test_it_opens_the_page_when_asked(shell: Shell, opened: list[str], monkeypatch: pytest.MonkeyPatch) -> None:
    """By a file that leads there, since its address holds a key, and a command line is everybody's to read."""
    led: list[str] = []

    def stop(_: object) -> None:
        led.append(target_of(opened[0]))
        raise KeyboardInterrupt

    monkeypatch.setattr("sendkit._cli.catch._follow", stop)
    answer = shell("catch", "--open")
    assert (answer.code, answer.err) == (0, "")
    assert led == re.findall(r"^   page +(.+)$", answer.out, re.MULTILINE)
    assert answer.out.endswith("\n0 messages caught\n")


@pytest.mark.parametrize("port", ["0", "65536", "http", "-1", "٣"])
def test_a_port_is_a_port(shell: Shell, port: str) -> None:
    assert shell("catch", f"--port={port}").code == 64


def test_send_preview_opens_the_message_and_sends_nothing(shell: Shell, opened: list[str]) -> None:
    answer = shell("send", "--preview", *LETTER)
    assert (answer.code, answer.err) == (0, "sendkit: nothing was sent; the page is open in the browser\n")
    assert opened == [Path(answer.out.strip()).as_uri()]


def test_send_preview_and_json_do_not_go_together(shell: Shell) -> None:
    assert shell("send", "--preview", "--json", *LETTER).code == 64
    assert shell("send", "--preview", "--dry-run", *LETTER).code == 64


def test_a_preview_is_a_file_that_only_its_user_may_read(opened: list[str]) -> None:
    page = MESSAGE.preview()
    assert opened == [page.as_uri()]
    assert page.parent.stat().st_mode & 0o777 == 0o700
    assert "Qué tal" in page.read_text(encoding="utf-8")


def test_a_preview_holds_no_markup_of_the_message() -> None:
    message = MESSAGE.model_copy(update={"subject": "</script><script>alert(1)</script>", "text": "<!--<script>"})
    page = preview(message, open_browser=False).read_text(encoding="utf-8")
    assert page.count("<script") == 2  # the data, and the page's own
    assert "alert(1)</script>" not in page


def test_any_message_can_be_previewed(opened: list[str]) -> None:
    message = EmailMessage()
    message["From"], message["To"], message["Subject"] = "ana@example.com", "luis@example.com", "From the library"
    message.set_content("Hola")
    assert "From the library" in preview(message, open_browser=False).read_text(encoding="utf-8")
    assert opened == []
    with pytest.raises(MessageError):
        preview(EmailMessage(), open_browser=False)


def test_a_folder_that_cannot_be_written_to_is_told_at_the_start(shell: Shell, tmp_path: Path) -> None:
    (tmp_path / "a-file").write_text("")
    answer = shell("catch", "--keep", tmp_path / "a-file" / "kept")
    assert answer.code == 78
    assert "messages cannot be kept in" in answer.err
