"""What a transport is: it carries a letter once, and keeps a log from which the truth can be told at any moment.

The log is written as things happen, so that it is right wherever the attempt ends: with a return, an error, or a
cancellation between two bytes.
"""

from __future__ import annotations

import asyncio
import logging
import time
from abc import ABC, abstractmethod
from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Literal, NamedTuple, Protocol

from sendkit._message.letter import Letter
from sendkit._server.endpoint import server_name
from sendkit._smtp.address import Address
from sendkit._smtp.hints import hint_for
from sendkit._smtp.phase import Phase
from sendkit._smtp.reply import Reply
from sendkit._smtp.verdict import Again, Break, Cause, Failure, Outcome, Verdict, judge_failure
from sendkit.errors import CredentialsError, MessageError, SendkitError
from sendkit.results import Answer, Attempt, AttemptError, TLSFacts, TranscriptLine, unchecked

_attempt = unchecked(Attempt)
_logger = logging.getLogger("sendkit.smtp")


class Stopped(BaseException):
    """A caller's function raised `error`. No trouble of a server's: nobody who waits for such may catch it."""

    def __init__(self, error: Exception) -> None:
        super().__init__(error)
        self.error = error


class Clock(Protocol):
    """Time as a transport lives it; a double has one that costs nothing."""

    def now(self) -> datetime:
        """The time of day, in UTC."""
        ...

    def monotonic(self) -> float:
        """Seconds that only go forward."""
        ...

    async def sleep(self, seconds: float) -> None:
        """Let that many seconds pass."""
        ...


class SystemClock:
    """The clock of this machine."""

    def now(self) -> datetime:
        """The time of day, in UTC."""
        return datetime.now(UTC)

    def monotonic(self) -> float:
        """Seconds that only go forward."""
        return time.monotonic()

    async def sleep(self, seconds: float) -> None:
        """Let that many seconds pass."""
        await asyncio.sleep(seconds)


def cancelled() -> str:
    """What mostly ends an attempt from outside, in words."""
    return "the call was cancelled"


class Terms(NamedTuple):
    """What holds for every attempt at one message.

    `in_flight`: how many letters may be on one connection at the same time, this one included. `on_progress(sent,
    total)` is told how many octets of the content have left. `deadline` is on the transport's clock. `why_interrupted`
    says in words what ended an attempt from outside (a cancellation, the deadline).

    `before_end(recipients)` is awaited before the end of data may leave, with those who may be accepted by it: the
    moment to note durably that they may be in doubt from now on. Where everything goes out in one write, that is before
    its first octet. What it raises ends the attempt with nobody accepted. It is called once for each transaction, and
    again where a connection proves dead before anything was written to it.
    """

    keep_transcript: bool = False
    in_flight: int = 1
    on_progress: Callable[[int, int], object] | None = None
    deadline: float | None = None
    why_interrupted: Callable[[], str] = cancelled
    before_end: Callable[[tuple[Address, ...]], Awaitable[object]] | None = None


PLAIN = Terms()


@dataclass(slots=True)
class AttemptLog:
    """What happened in one attempt so far: a transport writes it, the mailer reads it.

    `others` are the logs of further servers that were asked in the same try. `certificate` is the server's (DER).
    `recording`: whether anybody wants to know what is said.
    """

    recipients: tuple[Address, ...]
    clock: Clock = field(default_factory=SystemClock)
    terms: Terms = PLAIN
    host: str = ""
    port: int | None = None
    phase: Phase = Phase.RESOLVE
    tls: TLSFacts | None = None
    certificate: bytes | None = None
    others: tuple[AttemptLog, ...] = ()
    answers: list[Answer] = field(default_factory=list[Answer], init=False)
    verdicts: dict[Address, Verdict] = field(default_factory=dict[Address, Verdict], init=False)
    recording: bool = field(init=False)
    _lines: list[TranscriptLine] | None = field(init=False)
    _members: frozenset[Address] | None = field(default=None, init=False)
    _started: datetime = field(init=False)
    _start: float = field(init=False)
    _end: float | None = field(default=None, init=False)

    def __post_init__(self) -> None:
        self._lines = [] if self.terms.keep_transcript else None
        self.recording = self._lines is not None or _logger.isEnabledFor(logging.DEBUG)
        self._started, self._start = self.clock.now(), self.clock.monotonic()

    def another(self, recipients: tuple[Address, ...]) -> AttemptLog:
        """The log of one more server that is asked in the same try, for those who are left."""
        log = AttemptLog(recipients, self.clock, self.terms)
        self.others += (log,)
        return log

    @property
    def began(self) -> float:
        """When the attempt began, on its clock."""
        return self._start

    @property
    def server(self) -> str | None:
        """`host:port`, as soon as it is known."""
        return server_name(self.host, self.port) or None

    def answered(self, phase: Phase, reply: Reply, recipient: Address | None = None) -> None:
        """Note a reply."""
        self.phase = phase
        self.answers.append(Answer(phase, reply, recipient.written if recipient else None))
        if self.recording:
            for line in str(reply).split("\n"):
                self._line("S", line)

    def said(self, text: str) -> None:
        """Note what the client says; the caller has masked what is secret, and left out content."""
        if self.recording:
            self._line("C", text)

    def happened(self, text: str) -> None:
        """Note what was neither said nor answered: a handshake, a loss."""
        if self.recording:
            self._line("*", text)

    def _line(self, who: Literal["C", "S", "*"], text: str) -> None:
        _logger.debug("%s %s: %s", self.server, who, text)
        if self._lines is not None:
            self._lines.append(TranscriptLine(time=self.clock.now(), who=who, text=text))

    def progress(self, sent: int, total: int) -> None:
        """Tell how many octets of the content have left. Raises Stopped for whatever goes wrong there."""
        if self.terms.on_progress is None:
            return
        try:
            self.terms.on_progress(sent, total)
        except Exception as error:
            raise Stopped(error) from error

    async def before_end(self, recipients: Sequence[Address]) -> None:
        """Tell that the end of data is about to leave, for these. Raises Stopped for whatever goes wrong there."""
        if self.terms.before_end is None:
            return
        try:
            await self.terms.before_end(tuple(recipients))
        except Exception as error:
            raise Stopped(error) from error

    def includes(self, recipient: Address) -> bool:
        """Whether this attempt was made for that recipient too."""
        if self._members is None:
            self._members = frozenset(self.recipients)
        return recipient in self._members

    def settle(self, verdicts: Mapping[Address, Verdict]) -> None:
        """Note what became of some of the recipients."""
        self.verdicts.update(verdicts)

    def settle_all(self, verdict: Verdict) -> None:
        """Note one verdict for every recipient that has none yet."""
        self.settle({r: verdict for r in self.recipients if r not in self.verdicts})

    def unable(self, error: SendkitError) -> None:
        """Note an error that kept the transport from asking: a person must mend what it names."""
        cause = Cause.AUTHENTICATION if isinstance(error, CredentialsError) else Cause.DEFERRED
        # What is wrong with the message itself is wrong everywhere.
        again = Again.NO if isinstance(error, MessageError) else Again.NEXT_SERVER
        self.settle_all(Verdict(Outcome.DEFERRED, self.phase, cause, again, reason=error.message))

    def interrupted(self) -> Failure:
        """The failure of an attempt that was ended from outside."""
        return Failure(Break.INTERRUPTED, self.terms.why_interrupted())

    def verdict(self, recipient: Address) -> Verdict:
        """What became of one recipient; where nothing was noted, the attempt ended before it came that far."""
        return self.verdicts.get(recipient) or judge_failure(self.phase, self.interrupted())

    def close(self) -> None:
        """The attempt is over; its duration is fixed from the first time on."""
        if self._end is None:
            self._end = self.clock.monotonic()

    def summary(self) -> Attempt:
        """The attempt as a value."""
        end = self.clock.monotonic() if self._end is None else self._end
        return _attempt(
            host=self.host,
            port=self.port,
            started=self._started,
            duration=end - self._start,
            phase=self.phase,
            tls=self.tls,
            replies=tuple(self.answers),
            error=self._error(),
            transcript=None if self._lines is None else tuple(self._lines),
        )

    def _error(self) -> AttemptError | None:
        verdicts = map(self.verdict, self.recipients)
        failed = next((v for v in verdicts if v.outcome is not Outcome.ACCEPTED and v.cause), None)
        if failed is None or failed.cause is None:
            return None
        return AttemptError(
            cause=failed.cause,
            phase=failed.phase,
            message=failed.words,
            hint=hint_for(failed, self.host),
            transient=failed.again is Again.LATER,
        )


@dataclass(slots=True, frozen=True)
class Limits:
    """How many connections; how many letters on one in its lifetime, and how long it may sit idle (None: no limit).

    Times are in seconds; `quit` is how patient a good-bye is.
    """

    connections: int
    letters: int | None = None
    idle: float | None = None
    quit: float = 5


class Transport(ABC):
    """Carries letters. Raises CredentialsError or ConfigurationError before any byte goes out, and nothing else.

    Whatever a server or the network does is no exception, but a verdict in the log. `hosts` are the servers that it
    reaches over a network; a double reaches none.
    """

    clock: Clock = SystemClock()
    hosts: tuple[str, ...] = ()

    @abstractmethod
    async def deliver(self, letter: Letter, log: AttemptLog) -> None:
        """Carry the letter to its recipients, once, and note in the log what became of each."""

    async def aclose(self) -> None:  # noqa: B027 - most doubles have nothing to let go of
        """Let go of connections and files; the transport may not be used afterwards."""
