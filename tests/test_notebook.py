"""In a notebook and in IPython the synchronous mailer sends without a warning, and results are shown as tables."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Callable, Iterator
from typing import Any

import pytest
from jupyter_client.manager import KernelManager

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
def run(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Run]:
    """Run a cell in a real kernel, and return what it shows."""
    folder = tmp_path_factory.mktemp("kernel")
    # By Unix sockets: a port that was free when it was chosen may be another server's when the kernel binds it.
    manager = KernelManager(transport="ipc", ip=str(folder / "ipc"), connection_file=str(folder / "kernel.json"))
    manager.start_kernel(stderr=subprocess.DEVNULL, env={**os.environ, "IPYTHONDIR": str(folder / "ipython")})
    client = manager.client()
    client.start_channels()
    client.wait_for_ready(timeout=300)

    def cell(code: str) -> list[dict[str, Any]]:
        shown: list[dict[str, Any]] = []

        def note(message: dict[str, Any]) -> None:
            if message["msg_type"] in {"stream", "error", "execute_result", "display_data"}:
                shown.append({"type": message["msg_type"], **message["content"]})

        client.execute_interactive(code, output_hook=note, timeout=300)
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
    ran = subprocess.run(command, capture_output=True, encoding="utf-8", check=False, timeout=300)
    assert (ran.returncode, ran.stderr) == (0, "")
    assert "Warning" not in ran.stdout
