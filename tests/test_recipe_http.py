"""The recipe of a transport over an API of HTTP keeps the contract of transports."""

from __future__ import annotations

import base64
import json
import os
import subprocess
import sys
from collections.abc import Iterator, Mapping
from contextlib import ExitStack
from pathlib import Path

import pytest

from sendkit import (
    Envelope,
    Mailer,
    Outcome,
    RetryPolicy,
)
from sendkit.testing import TransportContract
from sendkit.transports import Transport
from tests.accounts import ANA, LUIS, message
from tests.recipes import recipe
from tests.servers.posted import Receiver


class MailAPI(Receiver):
    """A mail service that takes messages by HTTP, and answers with `status` (None: it hangs up)."""

    def __init__(self) -> None:
        super().__init__()
        self.status: int | None = 202
        self.taken: list[tuple[Envelope, bytes]] = []
        self.url += "/send"

    def take(self, path: str, headers: Mapping[str, str], body: bytes) -> tuple[int, bytes] | None:
        """Keep it, if the key is right and the status says so."""
        asked = json.loads(body)
        status = 401 if headers["Authorization"] != "Bearer key" else self.status
        if status in (202, None):
            self.taken.append((Envelope(asked["from"], asked["to"]), base64.b64decode(asked["message"])))
        return None if status is None else (status, b"as told")


class TestHTTP(TransportContract):
    """A transport of a third party, written with public names alone, keeps the contract."""

    @pytest.fixture(autouse=True)
    def _api(self) -> Iterator[None]:
        with ExitStack() as self.stack:
            yield

    def make_transport(self) -> Transport:
        self.api = self.stack.enter_context(MailAPI())
        transport: Transport = recipe("http_transport").HTTPTransport(self.api.url, "key")
        return transport

    def received(self, transport: Transport) -> list[tuple[Envelope, bytes]]:
        return self.api.taken

    def break_down(self, transport: Transport) -> None:
        self.stack.close()

    @pytest.mark.parametrize(
        ("status", "outcome", "retryable"),
        [
            (202, Outcome.ACCEPTED, False),
            (401, Outcome.DEFERRED, False),
            (422, Outcome.REJECTED, False),
            (429, Outcome.DEFERRED, True),
            (503, Outcome.DEFERRED, True),
            (None, Outcome.IN_DOUBT, False),
        ],
    )
    def test_each_answer_has_its_outcome(self, status: int | None, outcome: Outcome, retryable: bool) -> None:
        transport = self.make_transport()
        self.api.status = status
        with Mailer(transport=transport, retry=RetryPolicy(max_attempts=1)) as mailer:
            told = mailer.send(message(), check=False).recipients[LUIS]
        assert (told.outcome, told.retryable) == (outcome, retryable)

    def test_it_sends_from_a_shell(self) -> None:
        self.make_transport()
        environ = {**os.environ, "MAIL_API": self.api.url, "MAIL_API_KEY": "key", "SENDKIT_FROM": ANA}
        command = [sys.executable, "-W", "error", "examples/http_transport.py", LUIS]
        root = Path(__file__).parents[1]
        environ["PYTHONPATH"] = str(root)
        ran = subprocess.run(command, cwd=root, env=environ, capture_output=True, encoding="utf-8", check=False)
        assert (ran.returncode, ran.stdout, ran.stderr) == (0, f"{LUIS}: accepted (250 2.0.0 202 as told)\n", "")
