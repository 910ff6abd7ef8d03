"""Every transport of ours keeps the contract that `sendkit.testing` offers to others, and it notices a lie."""

from __future__ import annotations

import asyncio
import io
import re
import sys
import unittest
from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path

import pytest

from sendkit import (
    ConsoleTransport,
    DeliveryResult,
    Envelope,
    FileTransport,
    MemoryTransport,
    Outcome,
    Phase,
    Reply,
)
from sendkit._credentials import explicit
from sendkit._seam.limits import Limits
from sendkit._transport.memory import Sent
from sendkit._transport.smtp import SMTPTransport
from sendkit.testing import LocalServer, MemoryMailbox, TransportContract
from sendkit.transports import AttemptLog, FailoverTransport, Letter, Transport, accepted
from tests.own_process import limit


class TestMemory(TransportContract):
    """The double."""

    def make_transport(self) -> MemoryTransport:
        return MemoryTransport()

    def received(self, transport: Transport) -> Iterator[tuple[Envelope, bytes]]:
        assert isinstance(transport, MemoryTransport)
        return ((sent.envelope, sent.content) for sent in transport.sent)

    def break_down(self, transport: Transport) -> None:
        assert isinstance(transport, MemoryTransport)
        transport.on_connect().refuse()


class TestMailbox(TestMemory):
    """The double that the fixture `mailbox` gives."""

    def make_transport(self) -> MemoryMailbox:
        return MemoryMailbox()


class TestFailover(TestMemory):
    """Two doubles, of which the first is down."""

    def make_transport(self) -> FailoverTransport:  # type: ignore[override]
        first, self.second = MemoryTransport(), MemoryTransport()
        first.on_connect().refuse()
        return FailoverTransport([first, self.second])

    def received(self, transport: Transport) -> Iterator[tuple[Envelope, bytes]]:
        return super().received(self.second)

    def break_down(self, transport: Transport) -> None:
        super().break_down(self.second)


class TestFile(TransportContract):
    """A folder of `.eml` files."""

    @pytest.fixture(autouse=True)
    def _folder(self, tmp_path: Path) -> None:
        self.folders = (tmp_path / str(number) / "outbox" for number in range(100))

    def make_transport(self) -> FileTransport:
        return FileTransport(next(self.folders))

    def received(self, transport: Transport) -> Iterator[tuple[Envelope, bytes]]:
        assert isinstance(transport, FileTransport)
        for path in transport.directory.glob("*.eml"):
            result = DeliveryResult.model_validate_json(path.with_suffix(".json").read_bytes())
            yield Envelope(result.reverse_path, result.recipients), path.read_bytes()

    def break_down(self, transport: Transport) -> None:
        limit("FSIZE", 0)

    @pytest.mark.skipif(sys.platform == "win32", reason="how large a file may grow is limited on POSIX systems only")
    @pytest.mark.own_process
    def test_where_nothing_can_be_delivered_nobody_is_accepted(self) -> None:
        super().test_where_nothing_can_be_delivered_nobody_is_accepted()


class TestConsole(TransportContract):
    """A terminal, whose reader sees no octets."""

    def make_transport(self) -> ConsoleTransport:
        self.stream = io.StringIO()
        return ConsoleTransport(self.stream)

    def received(self, transport: Transport) -> Iterator[tuple[Envelope, None]]:
        for path, recipients in re.findall(r"^----- from <(.*?)> to (.*)$", self.stream.getvalue(), re.MULTILINE):
            yield Envelope(path, re.findall(r"<(.*?)>", recipients)), None

    def break_down(self, transport: Transport) -> None:
        self.stream.close()


class TestSMTP(TransportContract):
    """The wire, with a real server at its other end."""

    @pytest.fixture(autouse=True)
    def _servers(self) -> Iterator[None]:
        with ExitStack() as self.stack:
            yield

    def make_transport(self) -> SMTPTransport:
        self.server = server = self.stack.enter_context(LocalServer())
        credentials = explicit(server.password, None)
        return SMTPTransport(server.server, username=server.username, credentials=credentials, limits=Limits(2))

    def received(self, transport: Transport) -> Iterator[tuple[Envelope, bytes]]:
        return ((sent.envelope, sent.content) for sent in self.server.messages)

    def break_down(self, transport: Transport) -> None:
        self.server.on_connect().reply("421 4.3.2 closing")


class Liar(MemoryTransport):
    """A transport with one fault; each subclass has another."""


class SaysYes(Liar):
    """Accepts what it throws away."""

    async def deliver(self, letter: Letter, log: AttemptLog) -> None:
        log.host, log.phase = "liar", Phase.END_OF_DATA
        log.settle_all(YES)


class SendsTwice(Liar):
    """Makes a second copy."""

    async def deliver(self, letter: Letter, log: AttemptLog) -> None:
        await super().deliver(letter, log)
        await super().deliver(letter, AttemptLog(log.recipients))


class SaysNo(Liar):
    """Takes a message, and says that it did not."""

    async def deliver(self, letter: Letter, log: AttemptLog) -> None:
        await super().deliver(letter, AttemptLog(log.recipients))
        log.host = "liar"


class NamesNobody(Liar):
    """Does not say who it is."""

    async def deliver(self, letter: Letter, log: AttemptLog) -> None:
        await super().deliver(letter, log)
        log.host = ""


class WritesThePortAsText(Liar):
    """Notes what cannot be read again."""

    async def deliver(self, letter: Letter, log: AttemptLog) -> None:
        await super().deliver(letter, log)
        log.port = "587"  # type: ignore[assignment]


class ShowsBcc(Liar):
    """Writes the envelope into the message."""

    async def deliver(self, letter: Letter, log: AttemptLog) -> None:
        await super().deliver(letter, log)
        self.sent = [
            Sent(one.envelope, f"Bcc: {', '.join(one.envelope.recipients)}\r\n".encode() + one.content)
            for one in self.sent
        ]


class Raises(Liar):
    """Lets the errors of its library out."""

    async def deliver(self, letter: Letter, log: AttemptLog) -> None:
        await super().deliver(letter, log)
        if any(verdict.outcome is Outcome.DEFERRED for verdict in log.verdicts.values()):
            raise RuntimeError("503 Service Unavailable")


class SwallowsCancellations(Liar):
    """Goes on when it is told to stop, and says that it did not send."""

    async def deliver(self, letter: Letter, log: AttemptLog) -> None:
        try:
            await asyncio.sleep(0)
            await asyncio.sleep(0)
        except asyncio.CancelledError:
            await super().deliver(letter, AttemptLog(log.recipients))
            raise
        await super().deliver(letter, log)


YES = accepted(Reply(250, "2.0.0", "yes"))
LAWS = [name for name in vars(TransportContract) if name.startswith("test_")]


@pytest.mark.parametrize(
    ("kind", "law"),
    [
        (SaysYes, "arrives_once"),
        (SaysYes, "nobody_is_accepted"),
        (SendsTwice, "arrives_once"),
        (SendsTwice, "many_messages"),
        (SaysNo, "arrives_once"),
        (SaysNo, "eight_bit"),
        (NamesNobody, "who_and_where"),
        (WritesThePortAsText, "written_and_read"),
        (ShowsBcc, "bcc"),
        (Raises, "nobody_is_accepted"),
        (SwallowsCancellations, "cancelled_delivery"),
    ],
)
def test_a_transport_that_lies_is_caught(kind: type[Liar], law: str) -> None:
    class Lying(TestMemory):
        __test__ = False

        def make_transport(self) -> MemoryTransport:
            return kind()

    (name,) = [name for name in LAWS if law in name]
    with pytest.raises((AssertionError, RuntimeError, UserWarning)):
        getattr(Lying(), name)()


def test_it_needs_no_test_framework() -> None:
    """`unittest` finds the laws by their names, as pytest does."""

    class WithUnittest(TestMemory, unittest.TestCase):
        __test__ = False

    suite = unittest.defaultTestLoader.loadTestsFromTestCase(WithUnittest)
    result = unittest.TestResult()
    suite.run(result)
    assert (result.testsRun, result.failures, result.errors) == (len(LAWS), [], [])
