"""What the tests of the page show: a report, a plain note, and a letter that tries everything; and a canary.

Knows messages and a listening socket. Must not know the page.
"""

from __future__ import annotations

import socket
import threading
from pathlib import Path
from typing import TYPE_CHECKING, Self

from sendkit import Mailer, Message
from sendkit._cli.demo_report import report

if TYPE_CHECKING:
    from types import TracebackType

    from sendkit.testing import LocalServer

REPORT = report()
PLAIN = Message(
    sender="Ops <ops@example.net>",
    to="ana@example.com",
    bcc="audit@example.com",
    subject="Backup done",
    text="All went well.\n\n  412 files\n  3.2 GB\n",
)


def post(server: LocalServer, *messages: Message) -> None:
    """Send messages to a local server."""
    with Mailer(server.server, username=server.username, password=server.password) as mailer:
        for message in messages:
            mailer.send(message)


def hostile(canary: str) -> Message:
    """A letter whose html and head try to run scripts and to reach the canary (HOST:PORT)."""
    html = Path(__file__).with_name("hostile.html").read_text(encoding="utf-8").replace("CANARY", canary)
    subject = "<script>top.ran = true</script><img src=x onerror='top.ran = true'>"
    return Message(sender="Mallory <m@example.net>", to="luis@example.com", subject=subject, html=html, text="x")


class Canary:
    """A port on which nobody must ever connect; `visits` has what came anyway."""

    def __enter__(self) -> Self:
        self.visits: list[bytes] = []
        self._listener = socket.create_server(("127.0.0.1", 0))
        self.address = f"127.0.0.1:{self._listener.getsockname()[1]}"
        self._thread = threading.Thread(target=self._watch)
        self._thread.start()
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, _: TracebackType | None) -> None:
        self.knock(b"the end")
        self._thread.join()
        self._listener.close()

    def knock(self, words: bytes) -> None:
        """Connect, as a browser must not; all earlier connections have been noted when this one is."""
        with socket.create_connection(self._listener.getsockname()) as visitor:
            visitor.sendall(words)

    def _watch(self) -> None:
        while True:
            visitor, _ = self._listener.accept()
            with visitor:
                visitor.settimeout(30)
                try:
                    words = visitor.recv(200)
                except OSError:
                    words = b"(a connection, and no request)"
            if words == b"the end":
                return
            self.visits.append(words)
