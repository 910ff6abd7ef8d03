"""In a notebook and in IPython the synchronous mailer sends without a warning, and results are shown as tables."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Callable, Iterator
from typing import Any

import pytest
from jupyter_client.manager import start_new_kernel

Run = Callable[[str], list[dict[str, Any]]]
SEND = """
import warnings
warnings.simplefilter("always")
from sendkit import Mailer, Message
from sendkit.testing import LocalServer
with LocalServer() as server, Mailer(server.server, username=server.username, password=server.password) as mailer:
    message = Message(sender=server.username, to="luis@example.com", subject="Hola", text="Hola")
    result = mailer.send(message)
    assert len(server.messages) == 1
"""


@pytest.fixture(scope="module")
def run() -> Iterator[Run]:
    """Run a cell in a real kernel, and return what it shows."""
    manager, client = start_new_kernel(startup_timeout=120, stderr=subprocess.DEVNULL)

    def cell(code: str) -> list[dict[str, Any]]:
        shown: list[dict[str, Any]] = []

        def note(message: dict[str, Any]) -> None:
            if message["msg_type"] in {"stream", "error", "execute_result", "display_data"}:
                shown.append({"type": message["msg_type"], **message["content"]})

        client.execute_interactive(code, output_hook=note, timeout=120)
        return shown

    yield cell
    client.stop_channels()
    manager.shutdown_kernel(now=True)


def test_a_cell_that_sends_warns_of_nothing(run: Run) -> None:
    assert run(SEND) == []


def test_a_result_and_a_message_are_shown_as_html(run: Run) -> None:
    run(SEND)
    (shown,) = run("result")
    assert "<table" in shown["data"]["text/html"]
    assert "luis@example.com" in shown["data"]["text/html"]
    (shown,) = run("message")
    assert "<table" in shown["data"]["text/html"]
    (shown,) = run("mailer")
    assert shown["data"]["text/plain"].startswith("<Mailer ")


def test_a_cell_may_await(run: Run) -> None:
    code = """
from sendkit import AsyncMailer, MemoryTransport, Message
async with AsyncMailer(transport=MemoryTransport()) as mailer:
    assert (await mailer.send(Message(sender="ana@example.com", to="luis@example.com", text="Hola"))).ok
"""
    assert run(code) == []


def test_ipython_warns_of_nothing() -> None:
    command = [sys.executable, "-m", "IPython", "--no-banner", "--quick", "--colors=NoColor", "-c", SEND]
    ran = subprocess.run(command, capture_output=True, encoding="utf-8", check=False, timeout=120)
    assert (ran.returncode, ran.stderr) == (0, "")
    assert "Warning" not in ran.stdout
