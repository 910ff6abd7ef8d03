"""Servers, links and clients as processes of their own that talk in lines of JSON, and end with us at the latest."""

from __future__ import annotations

import contextlib
import json
import os
import subprocess
import threading
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Self

from benchmarks.install import ROOT

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence
    from pathlib import Path

    from benchmarks.install import Installation

LIMIT = 600.0
"""Seconds after which a client that still works is ended."""


class Ended(Exception):
    """A process ended, or was ended after its time, before it said what was expected of it."""


class Process:
    """A child that prints a line of JSON for each line that it is given; it ends when its stdin does.

    A server is there as long as we are; a client gets a `limit` in seconds.
    """

    def __init__(self, command: Sequence[str | Path], limit: float | None = None) -> None:
        self._command = [str(part) for part in command]
        self._child = subprocess.Popen(
            self._command,
            cwd=ROOT,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
            env={**os.environ, "PYTHONPATH": str(ROOT)},
        )
        # A reader that waits for a line has no time limit of its own.
        self._alarm = threading.Timer(limit or 0, self._child.kill)
        self._alarm.daemon = True
        if limit is not None:
            self._alarm.start()

    def hear(self) -> dict[str, Any]:
        """The next line. Raises Ended."""
        assert self._child.stdout is not None
        line = self._child.stdout.readline()
        if not line:
            raise Ended(f"{self._command} ended with status {self._child.wait()}")
        said: dict[str, Any] = json.loads(line)
        return said

    def ask(self) -> dict[str, Any]:
        """Say go on, and hear the answer."""
        self.go_on()
        return self.hear()

    def go_on(self) -> None:
        """Say go on."""
        assert self._child.stdin is not None
        self._child.stdin.write("\n")
        self._child.stdin.flush()

    def end(self) -> None:
        """Let it end, and make sure that it did."""
        self._alarm.cancel()
        assert self._child.stdin is not None
        assert self._child.stdout is not None
        with contextlib.suppress(OSError):
            self._child.stdin.close()
        try:
            self._child.wait(10)
        except subprocess.TimeoutExpired:
            self._child.kill()
            self._child.wait()
        self._child.stdout.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.end()


@dataclass(frozen=True, slots=True)
class Server:
    """A running sink and, before it, a link where there is one; `port` is where clients connect."""

    port: int
    sink: Process
    link: Process | None

    def counted(self) -> dict[str, int]:
        """What sink and link have counted so far."""
        return {**self.sink.ask(), **(self.link.ask() if self.link else {})}


@contextlib.contextmanager
def server(installed: Installation, extensions: Sequence[str], *, one_way: float | None) -> Iterator[Server]:
    """A sink with these ESMTP extensions; with `one_way` behind a link over which a byte takes so many seconds."""
    assert installed.node is not None
    folder = installed.certificates
    sink_file = ROOT / "benchmarks" / "sink.mjs"
    with contextlib.ExitStack() as stack:
        sink = stack.enter_context(
            Process([installed.node, sink_file, folder / "key.pem", folder / "cert.pem", *extensions])
        )
        port, link = sink.hear()["port"], None
        if one_way is not None:
            link = stack.enter_context(Process([installed.python, "-m", "benchmarks.link", str(port), str(one_way)]))
            port = link.hear()["port"]
        yield Server(port, sink, link)
