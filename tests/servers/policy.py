"""Postfix's access policy protocol (SMTPD_POLICY_README): the greylist, and a note of every envelope that was offered.

It sees each RCPT that a client was allowed to ask, with its sender and user. It decides about greylisting only.
"""

from __future__ import annotations

import re
import socketserver
import threading
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

GREYLISTED = re.compile(r"grey-(\d+)-[^@]*@")


@dataclass(slots=True, frozen=True)
class OfferedEnvelope:
    """One transaction as Postfix saw it: every recipient that was asked for, whatever the answer was."""

    username: str
    sender: str
    recipients: tuple[str, ...]


class PolicyService:
    """Answers Postfix on a UNIX socket at `path`: `grey-N-ANY@…` is refused with 450 the first N times it is asked."""

    def __init__(self, path: Path) -> None:
        self._seen: Counter[str] = Counter()
        self._envelopes: dict[str, OfferedEnvelope] = {}
        self._server = _Server(path, self._decide)
        path.chmod(0o666)
        threading.Thread(target=self._server.serve_forever, args=(0.05,), daemon=True).start()

    @property
    def envelopes(self) -> list[OfferedEnvelope]:
        """The transactions since the last `forget`, oldest first."""
        return list(self._envelopes.values())

    def forget(self) -> None:
        """Greylist every address afresh, and forget the envelopes."""
        self._seen.clear()
        self._envelopes.clear()

    def stop(self) -> None:
        """Stop answering and close the socket."""
        self._server.shutdown()
        self._server.server_close()

    def _decide(self, asked: dict[str, str]) -> str:
        recipient, instance = asked["recipient"], asked["instance"]
        before = self._envelopes.get(instance)
        recipients = (*before.recipients, recipient) if before else (recipient,)
        self._envelopes[instance] = OfferedEnvelope(asked["sasl_username"], asked["sender"], recipients)
        self._seen[recipient] += 1
        match = GREYLISTED.match(recipient)
        if match and self._seen[recipient] <= int(match.group(1)):
            return "450 4.2.0 Greylisted, try again later"
        return "DUNNO"


class _Handler(socketserver.StreamRequestHandler):
    def handle(self) -> None:
        assert isinstance(self.server, _Server)
        asked: dict[str, str] = {}
        for line in self.rfile:
            name, separator, value = line.decode().rstrip("\n").partition("=")
            if separator:
                asked[name] = value
                continue
            self.wfile.write(f"action={self.server.decide(asked)}\n\n".encode())
            asked = {}


class _Server(socketserver.ThreadingUnixStreamServer):
    daemon_threads = True

    def __init__(self, path: Path, decide: Callable[[dict[str, str]], str]) -> None:
        self.decide = decide
        super().__init__(str(path), _Handler)
