"""sendkit, in the ways that its users send: one by one, many, many written ahead, and without an event loop."""

from __future__ import annotations

import asyncio
import inspect
from typing import TYPE_CHECKING, Any, ClassVar

from benchmarks.clients.base import HOST, PASSWORD, USERNAME, Client, Target, Unable
from benchmarks.letter import HTML, SENDER, SENDER_NAME, TEXT
from sendkit import AsyncMailer, Mailer, Message, Server
from sendkit._message.compose import compose

if TYPE_CHECKING:
    from collections.abc import Iterable

    from benchmarks.letter import Letter

_IN_FLIGHT = 32


def message(letter: Letter) -> Message:
    return Message(
        sender=f"{SENDER_NAME} <{SENDER}>",
        to=letter.recipients,
        subject=letter.subject,
        text=TEXT,
        html=HTML,
        attachments=[] if letter.attachment is None else [letter.attachment],
    )


def settings(target: Target, connections: int) -> dict[str, Any]:
    server = Server(HOST, target.port, tls_context=target.context)
    return {"host_or_server": server, "username": USERNAME, "password": PASSWORD, "max_connections": connections}


class SendMany(Client):
    """`send_many`, with as many connections as there are to be."""

    options: ClassVar[dict[str, int]] = {}

    def open(self, target: Target, connections: int) -> None:
        self._runner = asyncio.Runner()
        self._mailer = AsyncMailer(**settings(target, connections))

    def send_all(self, letters: Iterable[Letter]) -> None:
        self._runner.run(self._send_all(letters))

    async def _send_all(self, letters: Iterable[Letter]) -> None:
        async for result in self._mailer.send_many(map(message, letters), **self.options):
            result.raise_for_failure()

    def close(self) -> None:
        self._runner.run(self._mailer.aclose())
        self._runner.close()

    def build(self, letter: Letter) -> bytes:
        return b"".join(compose(message(letter)).content.blocks())


class Sendkit(SendMany):
    """`send` in a loop, as a program does that wants each answer at once; with several connections, a task for each."""

    def open(self, target: Target, connections: int) -> None:
        super().open(target, connections)
        self._tasks = connections

    async def _send_all(self, letters: Iterable[Letter]) -> None:
        shared = iter(letters)

        async def work() -> None:
            for letter in shared:
                await self._mailer.send(message(letter))

        await asyncio.gather(*(work() for _ in range(self._tasks)))


class ThroughProxy(Sendkit):
    """`send` through a proxy, which the link is to whoever asks for one."""

    scheme: ClassVar[str]

    def open(self, target: Target, connections: int) -> None:
        super().open(target, connections)
        server = Server(HOST, target.port, tls_context=target.context, proxy=f"{self.scheme}://127.0.0.1:{target.port}")
        self._mailer = AsyncMailer(server, username=USERNAME, password=PASSWORD, max_connections=connections)


class ThroughHTTP(ThroughProxy):
    """By CONNECT: one round trip more."""

    scheme = "http"


class ThroughSOCKS(ThroughProxy):
    """By SOCKS 5 without a login: two round trips more."""

    scheme = "socks5"


class InFlight(SendMany):
    """`send_many(…, in_flight=32)`: transactions are written ahead."""

    options: ClassVar = {"in_flight": _IN_FLIGHT}

    def open(self, target: Target, connections: int) -> None:
        if "in_flight" not in inspect.signature(AsyncMailer.send_many).parameters:
            raise Unable("this version of sendkit has no in_flight=")
        super().open(target, connections)


class FarAhead(InFlight):
    """So many written ahead that a server which answers late is kept busy."""

    options: ClassVar = {"in_flight": 512}


class Merge(SendMany):
    """`Message.template` and `merge`: what all letters have in common is written out once."""

    def __init__(self) -> None:
        sender = f"{SENDER_NAME} <{SENDER}>"
        self._template = Message.template(sender=sender, subject="$subject", text=TEXT, html=HTML)

    def build(self, letter: Letter) -> bytes:
        merged = self._template.merge(to=letter.recipients, subject=letter.subject)
        return b"".join(compose(merged).content.blocks())


class SyncSendkit(Client):
    """The synchronous Mailer: `send` in a loop."""

    def open(self, target: Target, connections: int) -> None:
        self._mailer = Mailer(**settings(target, connections))

    def send_all(self, letters: Iterable[Letter]) -> None:
        for letter in letters:
            self._mailer.send(message(letter))

    def close(self) -> None:
        self._mailer.close()


class SyncSendMany(SyncSendkit):
    """The synchronous Mailer's `send_many`."""

    options: ClassVar[dict[str, int]] = {}

    def send_all(self, letters: Iterable[Letter]) -> None:
        for result in self._mailer.send_many(map(message, letters), **self.options):
            result.raise_for_failure()


class SyncInFlight(SyncSendMany):
    """The same, with transactions written ahead."""

    options: ClassVar = {"in_flight": _IN_FLIGHT}
