"""Every block of README.md and docs/ runs: Python against real servers, tests under pytest, commands in a shell.

The harness gives a block what its reader would have (files, a password, an account at smtp.example.com, a mailer) by
putting a local server in the place of that name, and patches nothing.
"""

from __future__ import annotations

import os
import re
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from sendkit import DeliveryError, Mailer, MemoryTransport, Message, Security, Server
from sendkit._cli import parser
from sendkit._plan.named import account_named
from sendkit.testing import LocalServer
from tests.docs.pages import BLOCKS, README, ROOT, Block, page
from tests.servers.authority import Authority
from tests.servers.proxies import microsocks
from tests.servers.scripted import ScriptedServer

PNG = b"\x89PNG\r\n\x1a\n" + bytes(32)
PYTHON = [block for block in BLOCKS if block.language == "python"]
SHELL = [block for block in BLOCKS if block.language == "sh"]
RECIPIENTS = re.compile(r"luis@example\.com|ops@example\.net")


def kind(block: Block) -> str:
    """Which of the tests below runs a block of Python."""
    if re.search(r"^(async )?def test_", block.text, re.MULTILINE):
        return "tests"
    if "OAuth2" in block.text:
        return "token"
    if "sendkit.report" in block.text or block.page == "docs/reports.md":
        return "report"  # tests/report/test_docs.py
    if block.page == "docs/connecting.md":
        return "way"
    if block.text.startswith("result."):
        return "result"
    return "sending" if "smtp.example.com" in block.text else "fragment"


def of_kind(wanted: str) -> list[Block]:
    """The blocks of Python of one kind."""
    return [block for block in PYTHON if kind(block) == wanted]


def environment(**more: str) -> dict[str, str]:
    """This process's environment, with the library on the path."""
    return {**os.environ, "PYTHONPATH": str(ROOT), "PYTHONIOENCODING": "utf-8", **more}


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The current folder, with the files that the blocks name."""
    for name, content in {"chart.png": PNG, "informe.pdf": b"%PDF-1.7", "backup.log": b"ok\n"}.items():
        (tmp_path / name).write_bytes(content)
    monkeypatch.chdir(tmp_path)
    return tmp_path


@pytest.fixture
def server(monkeypatch: pytest.MonkeyPatch) -> Iterator[LocalServer]:
    """The server that stands for smtp.example.com, with its password in the environment."""
    with LocalServer(username="ana@example.com") as server:
        monkeypatch.setenv("SENDKIT_PASSWORD", server.password)
        yield server


def execute(block: Block, **names: object) -> dict[str, object]:
    """Run a block; errors name its page and line."""
    code = "\n" * (block.line - 1) + block.text.replace('"smtp.example.com"', "smtp_example_com")
    exec(compile(code, str(ROOT / block.page), "exec"), names)
    return names


def said_by_pytest(folder: Path) -> str:
    """What pytest says of the tests in this folder, with sendkit's plugin and no other."""
    plugin = ["-p", "sendkit.testing.plugin", "-p", "no:cacheprovider", "-W", "error", "--rootdir", str(folder)]
    ran = subprocess.run(
        [sys.executable, "-m", "pytest", "-q", *plugin],
        cwd=folder,
        env=environment(PYTEST_DISABLE_PLUGIN_AUTOLOAD="1", PYTEST_ADDOPTS=""),
        capture_output=True,
        encoding="utf-8",
        check=False,
        timeout=300,
    )
    assert ran.stderr == ""
    return ran.stdout


class TestPython:
    """Every block of Python runs, in the test of its kind."""

    @pytest.mark.parametrize("block", of_kind("sending"), ids=str)
    @pytest.mark.usefixtures("folder")
    def test_what_it_sends_arrives(self, block: Block, server: LocalServer, capsys: pytest.CaptureFixture[str]) -> None:
        execute(block, smtp_example_com=server.server)
        recipients = {recipient for sent in server.messages for recipient in sent.envelope.recipients}
        assert recipients == set(RECIPIENTS.findall(block.text))
        assert "error" not in capsys.readouterr().out

    @pytest.mark.parametrize("block", of_kind("token"), ids=str)
    def test_a_token_logs_in_as_it_says(
        self, block: Block, authority: Authority, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setenv("MAIL_TOKEN", "ya29.token-of-ana")
        with ScriptedServer(tls=authority.server_context(), capabilities_in_tls=["AUTH PLAIN XOAUTH2"]) as server:
            server.accounts.tokens.add("ya29.token-of-ana")
            place = Server(server.host, server.port, Security.STARTTLS, tls_context=authority.client_context())
            execute(block, smtp_example_com=place)
            assert [taken.recipients for taken in server.accepted] == [("luis@example.com",)]

    @pytest.mark.usefixtures("folder")
    def test_the_sixty_seconds_say_who_is_left(self, server: LocalServer, capsys: pytest.CaptureFixture[str]) -> None:
        server.on_starttls().reply("502 5.5.1 not today")
        block = next(block for block in of_kind("sending") if "unsettled" in block.text)
        execute(block, smtp_example_com=server.server)
        shown = capsys.readouterr().out
        assert "hint: " in shown
        assert "Envelope(" in shown
        assert server.messages == []

    @pytest.mark.parametrize("block", of_kind("fragment"), ids=str)
    @pytest.mark.usefixtures("folder")
    def test_a_fragment_does_with_a_mailer_and_a_message_what_it_shows(
        self, block: Block, capsys: pytest.CaptureFixture[str]
    ) -> None:
        mailbox = MemoryTransport()
        with Mailer(transport=mailbox) as mailer:
            execute(block, mailer=mailer, message=Message(sender="ana@example.com", to="luis@example.com", text="Hola"))
        assert bool(mailbox.sent) is bool(re.search(r"\bsend(_many|_async)?\(", block.text))
        assert "100%" not in block.text or capsys.readouterr().out.endswith("100%")

    @pytest.mark.parametrize("block", of_kind("way"), ids=str)
    def test_each_way_to_a_server_is_gone(self, block: Block, server: LocalServer, tmp_path: Path) -> None:
        message = Message(sender="ana@example.com", to="luis@example.com", text="Hola")
        lmtp = "lmtp" in block.text
        with microsocks() as proxy, ScriptedServer(path=tmp_path / "smtp.sock", lmtp=lmtp) as at_socket:
            named = {
                '"smtp.example.com"': f'"{server.host}", {server.port}, ca_file="{server.ca_file}"',
                '"socks5://proxy.example.net:1080"': f'"socks5://127.0.0.1:{proxy}"',
                '("127.0.0.1", 2525)': f'("127.0.0.1", {server.port})',
                '"unix:///run/smtp.sock"': f'"{at_socket.host}"',
                '"unix:///run/lmtp.sock"': f'"{at_socket.host}"',
            }
            text = block.text
            for told, real in named.items():
                text = text.replace(told, real)
            exec(compile(text, str(block), "exec"), {"message": message})
            assert len(server.messages) + len(at_socket.accepted) == 1

    @pytest.mark.parametrize("block", of_kind("result"), ids=str)
    def test_a_result_is_asked_as_it_says(self, block: Block) -> None:
        mailbox = MemoryTransport()
        message = Message(sender="ana@example.com", to=["luis@example.com", "ops@example.net"], text="Hola")
        execute(block, result=Mailer(transport=mailbox).send(message))
        mailbox.on_rcpt("luis@example.com").reply("550 5.1.1 no such user")
        with pytest.raises(DeliveryError):
            execute(block, result=Mailer(transport=mailbox).send(message, check=False))

    def test_the_tests_that_it_shows_pass(self, tmp_path: Path) -> None:
        blocks = of_kind("tests")
        for number, block in enumerate(blocks):
            (tmp_path / f"test_block_{number}.py").write_text(block.text, encoding="utf-8")
        shown = sum(len(re.findall(r"^(?:async )?def test_", block.text, re.MULTILINE)) for block in blocks)
        assert f"{shown} passed" in said_by_pytest(tmp_path)

    def test_an_assertion_that_fails_says_what_it_shows(self, tmp_path: Path) -> None:
        told = page("testing.md").blocks
        (shown,) = (block.text for block in told if block.text.startswith(">"))
        welcome = next(block.text for block in told if "def welcome" in block.text)
        assertion = shown.splitlines()[0].removeprefix(">").strip()
        test = f"\n\ndef test_it(mailbox):\n    welcome('luis@example.com')\n    {assertion}\n"
        (tmp_path / "test_block.py").write_text(welcome + test, encoding="utf-8")
        said = said_by_pytest(tmp_path)
        assert [line.split() for line in said.splitlines() if line[:1] in (">", "E")] == [
            line.split() for line in shown.splitlines()
        ]

    @pytest.mark.parametrize("block", [block for block in BLOCKS if block.language == "toml"], ids=str)
    def test_the_accounts_that_it_shows_can_be_read(self, block: Block, tmp_path: Path) -> None:
        (tmp_path / "config.toml").write_text(block.text, encoding="utf-8")
        names = re.findall(r"^\[accounts\.(\w+)\]", block.text, re.MULTILINE)
        assert [account_named(name, tmp_path / "config.toml").username for name in names]


class TestShell:
    """The commands of the documentation are those of the program."""

    def test_try_it_holds_two_blocks_of_one_line(self) -> None:
        blocks = [block for block in README.blocks if block.section == "Try it"]
        lines = [block.text.splitlines() for block in blocks]
        assert [len(each) for each in lines] == [1, 1]
        assert [block.language for block in blocks] == ["sh", "sh"]
        assert lines[0][0].endswith("sendkit demo")
        assert lines[1][0].endswith("pytest -n auto")

    def test_every_call_of_sendkit_can_be_read(self) -> None:
        calls = [call for block in SHELL for call in re.findall(r"(?:^|\| |/)sendkit (.+)$", block.text, re.MULTILINE)]
        assert len(calls) >= 4
        for call in calls:
            words = [word.strip("'") for word in re.findall(r"'[^']*'|\S+", call)]
            assert parser.read(words) is not None

    @pytest.mark.skipif(sys.platform == "win32", reason="needs a POSIX shell")
    @pytest.mark.usefixtures("folder")
    def test_the_piped_report_is_accepted(self) -> None:
        blocks = [block for block in page("command-line.md").blocks if block.language == "sh"]
        (line,) = (line for block in blocks for line in block.text.splitlines() if "| sendkit send" in line)
        script = line.replace("sendkit send", f'"{sys.executable}" -W error -m sendkit send')
        environ = environment(SENDKIT_TRANSPORT="memory")
        ran = subprocess.run(["sh", "-c", script], env=environ, capture_output=True, encoding="utf-8", check=False)
        told = "SENDKIT_TRANSPORT=memory: mail of this process does not go where it is addressed\n"
        assert (ran.returncode, ran.stderr) == (0, told)
        (shown,) = (block.text for block in page("command-line.md").blocks if not block.language)
        assert ran.stdout.split()[:3] == shown.split()[:3] == ["luis@example.com", "accepted", "250"]
