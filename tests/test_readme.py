"""The README is true: its blocks run against real servers, and nothing public is missing from it.

The harness gives a block what its reader would have (files, a password, an account at smtp.example.com) by putting a
local server in the place of that name, and patches nothing.
"""

from __future__ import annotations

import inspect
import os
import re
import subprocess
import sys
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest

import sendkit
from sendkit import (
    DeliveryError,
    DeliveryResult,
    Mailer,
    MemoryTransport,
    Message,
    RetryPolicy,
    Security,
    Server,
    Timeouts,
    errors,
)
from sendkit._accounts.config import KEYS, account_named
from sendkit._cli import parser
from sendkit._cli.exit_codes import MEANINGS
from sendkit._transport.script import Rule, Script
from sendkit.testing import LocalServer
from sendkit.testing._expected import Expected
from tests.servers.authority import Authority
from tests.servers.scripted import ScriptedServer

ROOT = Path(__file__).parents[1]
README = (ROOT / "README.md").read_text(encoding="utf-8")
SOURCE = "\n".join(path.read_text(encoding="utf-8") for path in sorted((ROOT / "sendkit").rglob("*.py")))
FENCED = re.compile(r"^```(\w*)\n(.*?)^```$", re.MULTILINE | re.DOTALL)
PNG = b"\x89PNG\r\n\x1a\n" + bytes(32)


@dataclass(frozen=True)
class Block:
    """A fenced block: the section that it stands in, its language, its text and its line."""

    section: str
    language: str
    text: str
    line: int

    def __str__(self) -> str:
        return f"{self.section}, line {self.line}"


def blocks() -> Iterator[Block]:
    """All fenced blocks of the README, in order."""
    for found in FENCED.finditer(README):
        before = README[: found.start()]
        headings = re.findall(r"^##? (.+)$", FENCED.sub("", before), re.MULTILINE)
        yield Block(headings[-1], found[1], found[2], before.count("\n") + 2)


BLOCKS = list(blocks())
PYTHON = [block for block in BLOCKS if block.language == "python"]
TOKENS = [block for block in PYTHON if "OAuth2" in block.text]
SENDING = [block for block in PYTHON if "smtp.example.com" in block.text and block not in TOKENS]
TESTING = [block for block in PYTHON if block.section == "Testing"]
MESSAGES = [block for block in PYTHON if block.section == "Messages"]
SHELL = [block for block in BLOCKS if block.language == "sh"]
SPANS = [" ".join(span.split()) for span in re.findall(r"`([^`]+)`", FENCED.sub("", README))]
CODE = "\n".join([*(block.text for block in BLOCKS), *SPANS])


def is_told(name: str) -> bool:
    """Whether a name stands in the README as code, by itself."""
    return re.search(rf"(?<![\w-]){re.escape(name)}(?![\w-])", CODE) is not None


def section(title: str) -> str:
    """The text of one section."""
    return README.split(f"\n## {title}\n", 1)[1].split("\n## ", 1)[0]


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
    """Run a block; errors name its line in the README."""
    code = "\n" * (block.line - 1) + block.text.replace('"smtp.example.com"', "smtp_example_com")
    exec(compile(code, str(ROOT / "README.md"), "exec"), names)
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
        timeout=60,
    )
    assert ran.stderr == ""
    return ran.stdout


class TestPython:
    """Every block of Python runs."""

    def test_every_block_is_run_by_one_of_these_tests(self) -> None:
        results = [block for block in PYTHON if block.section == "Results"]
        assert (len(SENDING), len(TESTING), len(MESSAGES), len(results), len(TOKENS)) == (3, 3, 2, 1, 1)
        assert len(PYTHON) == 10

    @pytest.mark.parametrize("block", SENDING, ids=str)
    @pytest.mark.usefixtures("folder")
    def test_what_it_sends_arrives(self, block: Block, server: LocalServer, capsys: pytest.CaptureFixture[str]) -> None:
        execute(block, smtp_example_com=server.server)
        recipients = {recipient for sent in server.messages for recipient in sent.envelope.recipients}
        assert recipients == set(re.findall(r"luis@example\.com|ops@example\.net", block.text))
        assert "error" not in capsys.readouterr().out

    def test_a_token_logs_in_as_it_says(self, authority: Authority, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setenv("MAIL_TOKEN", "ya29.token-of-ana")
        (block,) = TOKENS
        with ScriptedServer(tls=authority.server_context(), capabilities_in_tls=["AUTH PLAIN XOAUTH2"]) as server:
            server.accounts.tokens.add("ya29.token-of-ana")
            place = Server(server.host, server.port, Security.STARTTLS, tls_context=authority.client_context())
            execute(block, smtp_example_com=place)
            assert [taken.recipients for taken in server.accepted] == [("luis@example.com",)]

    @pytest.mark.usefixtures("folder")
    def test_the_sixty_seconds_say_who_is_left(self, server: LocalServer, capsys: pytest.CaptureFixture[str]) -> None:
        server.on_starttls().reply("502 5.5.1 not today")
        execute(next(block for block in SENDING if "unsettled" in block.text), smtp_example_com=server.server)
        shown = capsys.readouterr().out
        assert "hint: " in shown
        assert "Envelope(" in shown
        assert server.messages == []

    @pytest.mark.parametrize("block", MESSAGES, ids=str)
    @pytest.mark.usefixtures("folder")
    def test_messages_are_sent_as_it_shows(self, block: Block, capsys: pytest.CaptureFixture[str]) -> None:
        mailbox = MemoryTransport()
        with Mailer(transport=mailbox) as mailer:
            execute(block, mailer=mailer, message=Message(sender="ana@example.com", to="luis@example.com", text="Hola"))
        assert mailbox.sent
        assert capsys.readouterr().out.endswith("100%")

    def test_a_result_is_asked_as_it_says(self) -> None:
        (block,) = (block for block in PYTHON if block.section == "Results")
        mailbox = MemoryTransport()
        message = Message(sender="ana@example.com", to=["luis@example.com", "ops@example.net"], text="Hola")
        execute(block, result=Mailer(transport=mailbox).send(message))
        mailbox.on_rcpt("luis@example.com").reply("550 5.1.1 no such user")
        with pytest.raises(DeliveryError):
            execute(block, result=Mailer(transport=mailbox).send(message, check=False))

    def test_the_tests_that_it_shows_pass(self, tmp_path: Path) -> None:
        for number, block in enumerate(TESTING):
            (tmp_path / f"test_block_{number}.py").write_text(block.text, encoding="utf-8")
        assert "4 passed" in said_by_pytest(tmp_path)

    def test_an_assertion_that_fails_says_what_it_shows(self, tmp_path: Path) -> None:
        (shown,) = (block.text for block in BLOCKS if block.section == "Testing" and not block.language)
        assertion = shown.splitlines()[0].removeprefix(">").strip()
        test = f"\n\ndef test_it(mailbox):\n    welcome('luis@example.com')\n    {assertion}\n"
        (tmp_path / "test_block.py").write_text(TESTING[0].text + test, encoding="utf-8")
        said = said_by_pytest(tmp_path)
        assert [line.split() for line in said.splitlines() if line[:1] in (">", "E")] == [
            line.split() for line in shown.splitlines()
        ]

    @pytest.mark.parametrize("setting", [RetryPolicy(), Timeouts()], ids=lambda setting: type(setting).__name__)
    def test_the_defaults_that_it_names_are_the_defaults(self, setting: RetryPolicy | Timeouts) -> None:
        kind = type(setting)
        full = max((span for span in SPANS if re.fullmatch(rf"{kind.__name__}\(.*=.*\)", span)), key=len)
        told = eval(full.replace("wait=…", "wait=None"), {kind.__name__: kind})
        assert told == setting
        assert told.model_fields_set == set(kind.model_fields)

    def test_the_accounts_that_it_shows_can_be_read(self, tmp_path: Path) -> None:
        (block,) = (block for block in BLOCKS if block.language == "toml")
        (tmp_path / "config.toml").write_text(block.text, encoding="utf-8")
        for name in re.findall(r"^\[accounts\.(\w+)\]", block.text, re.MULTILINE):
            assert account_named(name, tmp_path / "config.toml").username == "ana@example.com"

    @pytest.mark.parametrize("call", [span for span in SPANS if re.match(r"Mailer(\.from_url)?\([\[\"].*\)$", span)])
    def test_the_servers_that_it_shows_are_taken(self, call: str) -> None:
        eval(call, {"Mailer": Mailer}).close()


class TestShell:
    """The commands of the README are those of the program."""

    def test_try_it_holds_two_blocks_of_one_line(self) -> None:
        lines = [block.text.splitlines() for block in BLOCKS if block.section == "Try it"]
        assert [len(each) for each in lines] == [1, 1]
        assert [block.language for block in BLOCKS if block.section == "Try it"] == ["sh", "sh"]
        assert lines[0][0].endswith("sendkit demo")
        assert lines[1][0].endswith("pytest")

    def test_every_call_of_sendkit_can_be_read(self) -> None:
        calls = [call for block in SHELL for call in re.findall(r"(?:^|\| |/)sendkit (.+)$", block.text, re.MULTILINE)]
        assert len(calls) >= 4
        for call in calls:
            words = [word.strip("'") for word in re.findall(r"'[^']*'|\S+", call)]
            assert parser.read(words) is not None

    @pytest.mark.skipif(sys.platform == "win32", reason="needs a POSIX shell")
    @pytest.mark.usefixtures("folder")
    def test_the_piped_report_is_accepted(self) -> None:
        (line,) = (line for block in SHELL for line in block.text.splitlines() if "sendkit send" in line)
        script = line.replace("sendkit send", f'"{sys.executable}" -W error -m sendkit send')
        environ = environment(SENDKIT_TRANSPORT="memory")
        ran = subprocess.run(["sh", "-c", script], env=environ, capture_output=True, encoding="utf-8", check=False)
        assert (ran.returncode, ran.stderr) == (0, "")
        (shown,) = (b.text for b in BLOCKS if b.section == "Command line" and not b.language)
        assert ran.stdout.split()[:3] == shown.split()[:3] == ["luis@example.com", "accepted", "250"]

    def test_the_exit_codes_are_those_of_the_program(self) -> None:
        told = re.findall(r"^\| (\d+) \|", section("Command line"), re.MULTILINE)
        assert [int(code) for code in told] == [code.value for code in MEANINGS]


def flags() -> set[str]:
    """Every long flag of the command line."""
    main, commands = parser._parsers()
    actions = [action for each in (main, *commands.values()) for action in each._actions]
    return {flag for action in actions for flag in action.option_strings if flag.startswith("--")}


def settings(made: Callable[..., object]) -> list[str]:
    """The settings that a public class or method takes, beside what it is about."""
    names = inspect.signature(made).parameters.keys() - {
        "self",
        "host_or_server",
        "message",
        "messages",
        "address",
        "settings",
    }
    return [f"{made.__name__}.{name}" for name in sorted(names)]


SETTABLE = (Server, Timeouts, RetryPolicy, Mailer, Mailer.send, Mailer.send_many, Mailer.discover, Mailer.diagnose)
VARIABLES = set(re.findall(r"SENDKIT_[A-Z]+(?:_[A-Z]+)*", SOURCE))
FAULTS = [f"{name}()" for name in vars(Script) if name.startswith(("on_", "after_")) and name != "on_rcpt"]
ACTIONS = [name for name in vars(Rule) if name in ("reply", "drop", "silence", "refuse")]


class TestNothingIsMissing:
    """Whatever is public stands in the README, as code."""

    @pytest.mark.parametrize("name", [name for name in sendkit.__all__ if not name.startswith("__")])
    def test_every_public_name(self, name: str) -> None:
        assert is_told(name) or is_told(f"sendkit.{name}")

    @pytest.mark.parametrize("name", sendkit.testing.__all__)
    def test_every_public_name_of_the_testing_kit(self, name: str) -> None:
        assert is_told(name) or is_told(f"sendkit.testing.{name}")

    @pytest.mark.parametrize("name", [*Expected.__annotations__, "times"])
    def test_every_field_that_can_be_expected(self, name: str) -> None:
        assert f"{name}=" in CODE

    @pytest.mark.parametrize("name", errors.__all__)
    def test_every_error(self, name: str) -> None:
        assert is_told(name)

    @pytest.mark.parametrize("command", [*parser._parsers()[1]])
    def test_every_command(self, command: str) -> None:
        assert f"sendkit {command}" in CODE

    @pytest.mark.parametrize("flag", sorted(flags()))
    def test_every_long_flag(self, flag: str) -> None:
        assert is_told(flag)

    @pytest.mark.parametrize("variable", sorted(VARIABLES))
    def test_every_variable(self, variable: str) -> None:
        assert is_told(variable)

    @pytest.mark.parametrize("setting", [setting for made in SETTABLE for setting in settings(made)])
    def test_every_setting(self, setting: str) -> None:
        kind, _, name = setting.partition(".")
        assert re.search(rf"(?<!\w){name}=", CODE) or re.search(rf"\b{kind}\([^)]*\b{name}\b", CODE)

    @pytest.mark.parametrize("key", KEYS)
    def test_every_key_of_an_account(self, key: str) -> None:
        assert re.search(rf"^\| .*`{key}`.* \|", section("Servers"), re.MULTILINE)

    @pytest.mark.parametrize("place", FAULTS + ACTIONS)
    def test_every_place_and_action_of_the_fault_language(self, place: str) -> None:
        assert place in CODE

    @pytest.mark.parametrize("name", [*DeliveryResult.model_fields.keys() - {"version", "reverse_path"}])
    def test_every_answer_of_a_result(self, name: str) -> None:
        assert f"result.{name}" in CODE


class TestNothingIsMadeUp:
    """What the README names is there."""

    @pytest.mark.parametrize("flag", sorted(set(re.findall(r"(?<![\w-])--[a-z][a-z-]+", section("Command line")))))
    def test_every_flag_is_one_of_the_program(self, flag: str) -> None:
        assert flag in flags()

    @pytest.mark.parametrize("variable", sorted(set(re.findall(r"SENDKIT_[A-Z_]+[A-Z]", README))))
    def test_every_variable_is_read(self, variable: str) -> None:
        assert variable in VARIABLES

    @pytest.mark.parametrize("target", sorted(set(re.findall(r"\]\(([^):]+)\)", README))))
    def test_every_link_within_the_project_leads_somewhere(self, target: str) -> None:
        path, _, anchor = target.partition("#")
        assert not path or (ROOT / path).exists()
        assert not anchor or f"\n## {anchor.replace('-', ' ').capitalize()}\n" in README
