"""The pytest plugin gives a fresh mailbox to each test, and costs nothing to who does not ask for it."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
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


def run(folder: Path, tests: str) -> str:
    """Run these tests in a pytest of their own that has the plugin and no other; returns what it prints."""
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
    ]
    ran = subprocess.run(command, cwd=folder, env=environment, capture_output=True, text=True, check=False, timeout=60)
    assert ran.returncode == 0, ran.stdout + ran.stderr
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


def test_the_fixture_says_what_it_is(pytestconfig: pytest.Config) -> None:
    from sendkit.testing import plugin  # noqa: PLC0415 - as pytest does, when it is needed

    assert plugin.__all__ == ["mailbox"]
    assert "MemoryTransport" in (plugin.mailbox.__doc__ or "")
