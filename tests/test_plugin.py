"""The pytest plugin gives a fresh mailbox to each test, and costs nothing to who does not ask for it."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
ASYNC = ("pytest_asyncio.plugin", "--asyncio-mode=auto", "--override-ini=asyncio_default_fixture_loop_scope=function")
HEAVY = {
    "pydantic",
    "aiosmtplib",
    "tenacity",
    "keyring",
    "idna",
    "sendkit.errors",
    "sendkit._mailer",
    "sendkit._transport",
}


def run(folder: Path, tests: str, *more: str, failed: bool = False) -> str:
    """Run these tests in a pytest of their own that has the plugin, and further plugins or options if named.

    Returns what it prints.
    """
    (folder / "test_it.py").write_text(tests)
    environment = {
        **os.environ,
        "PYTEST_ADDOPTS": "",
        "PYTEST_DISABLE_PLUGIN_AUTOLOAD": "1",
        "PYTHONPATH": str(ROOT),
        "PYTHONDONTWRITEBYTECODE": "1",
    }
    command = [
        sys.executable,
        "-m",
        "pytest",
        "-p",
        "sendkit.testing.plugin",
        "-q",
        "-W",
        "error",
        "-p",
        "no:cacheprovider",
        "--rootdir",
        str(folder),
        *(word for one in more for word in ([one] if one.startswith("-") else ["-p", one])),
    ]
    ran = subprocess.run(command, cwd=folder, env=environment, capture_output=True, text=True, check=False, timeout=300)
    assert ran.returncode == failed, ran.stdout + ran.stderr
    return ran.stdout


def test_each_test_has_a_mailbox_of_its_own(tmp_path: Path) -> None:
    tests = """
import pytest
from sendkit import Mailer, MemoryTransport, Message

@pytest.mark.parametrize("again", range(2))
def test_it(mailbox, again):
    assert isinstance(mailbox, MemoryTransport) and mailbox.sent == []
    mailbox.on_rcpt("luis@example.com").reply("450 4.2.0 greylisted", times=1)
    message = Message(sender="app@example.com", to="luis@example.com", subject="Welcome", text="Hello!")
    with Mailer(transport=mailbox) as mailer:
        assert mailer.send(message).recipients["luis@example.com"].attempts == 2
    assert mailbox.sent[0].message["Subject"] == "Welcome"
"""
    assert "2 passed" in run(tmp_path, tests)


def test_a_run_without_mail_loads_nothing_of_it(tmp_path: Path) -> None:
    tests = f"""
import sys

def test_it():
    assert "sendkit.testing.plugin" in sys.modules
    assert not {HEAVY!r} & set(sys.modules)
"""
    assert "1 passed" in run(tmp_path, tests)


def test_the_fixtures_say_what_they_are(pytestconfig: pytest.Config) -> None:
    from sendkit.testing import plugin  # noqa: PLC0415 - as pytest does, when it is needed

    assert plugin.__all__ == ["mailbox", "outbox", "smtp_server"]
    assert "MemoryMailbox" in (plugin.mailbox.__doc__ or "")
    assert "LocalServer" in (plugin.smtp_server.__doc__ or "")


def test_mail_of_the_application_goes_to_the_mailbox_of_its_test(tmp_path: Path) -> None:
    tests = """
import pytest, sendkit
from sendkit import Mailer, Message, errors

MESSAGE = Message(sender="app@example.com", to="luis@example.com", subject="Welcome", text="Hello!")

@pytest.mark.parametrize("again", range(2))
def test_it(mailbox, again):
    sendkit.send(MESSAGE)
    mailbox.assert_sent(to="luis@example.com", times=1)
    with pytest.raises(errors.ConfigurationError, match="a real server"):
        Mailer("smtp.example.com")

async def test_the_asynchronous_half(mailbox):
    await sendkit.send_async(MESSAGE)
    mailbox.assert_sent(subject="Welcome", times=1)
"""
    assert "3 passed" in run(tmp_path, tests, *ASYNC)


def test_processes_of_xdist_have_mailboxes_of_their_own(tmp_path: Path) -> None:
    tests = """
import pytest, sendkit
from sendkit import Message

@pytest.mark.parametrize("number", range(20))
def test_it(mailbox, number):
    sendkit.send(Message(sender="app@example.com", to="luis@example.com", subject=str(number), text="Hello!"))
    assert [sent.subject for sent in mailbox.messages] == [str(number)]
"""
    assert "20 passed" in run(tmp_path, tests, "xdist.plugin", "-n2")


def test_a_server_is_there_for_mail_of_any_library(tmp_path: Path) -> None:
    tests = """
import smtplib, ssl

def test_it(smtp_server):
    with smtplib.SMTP(smtp_server.host, smtp_server.port) as client:
        client.starttls(context=ssl.create_default_context(cafile=smtp_server.ca_file))
        client.login(smtp_server.username, smtp_server.password)
        client.sendmail("app@example.com", ["luis@example.com"], "Subject: Welcome\\n\\nHello!")
    assert smtp_server.messages[0].message["Subject"] == "Welcome"
"""
    assert "1 passed" in run(tmp_path, tests)


def test_a_failure_shows_the_line_of_the_test_and_not_the_inside_of_the_assertion(tmp_path: Path) -> None:
    tests = """
def test_it(mailbox):
    mailbox.assert_sent(to="luis@example.com")
"""
    shown = run(tmp_path, tests, failed=True)
    assert ">   mailbox.assert_sent" in shown.replace(">       mailbox", ">   mailbox")
    assert "E       AssertionError: no message like this was sent, nor any other:" in shown
    assert "_box.py" not in shown
