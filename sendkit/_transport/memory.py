"""The double: a transport without a wire that answers as a server would, or as a test has scripted it.

It runs the same transaction, the same validation and the same verdicts as the wire; only the replies come from here.
Its clock is its own: an hour of waiting takes no time, and stands in `result.attempts` anyway.
"""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import Generator
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING

from sendkit._lifetime.one_at_a_time import OneAtATime
from sendkit._message.letter import Letter, asked
from sendkit._reading.asked import read
from sendkit._reading.sent import Sent
from sendkit._seam.clock import Clock
from sendkit._seam.log import AttemptLog
from sendkit._seam.transport import Transport
from sendkit._server.time_limits import TimeLimits
from sendkit._smtp.address import Address
from sendkit._smtp.capabilities import Capabilities
from sendkit._smtp.content import Content
from sendkit._smtp.envelope import Envelope
from sendkit._smtp.phase import Phase
from sendkit._smtp.reply import Reply
from sendkit._smtp.screening import Screening, screen
from sendkit._smtp.shares import share
from sendkit._smtp.steps import Batch, BatchReplies, Command, Payload, Plan, Report, Step
from sendkit._smtp.transaction import transaction
from sendkit._smtp.verdict import Break, Failure, Verdict, judge_failure, judge_refusal
from sendkit._submission import SubmissionOptions
from sendkit._transport.rules import ActionKind
from sendkit._transport.script import Script
from sendkit.errors import MessageError

if TYPE_CHECKING:
    from sendkit._server.server import Timeouts

_USUAL = {
    Phase.GREETING: Reply(220, None, "memory ESMTP"),
    Phase.EHLO: Reply(250, None, "memory"),
    Phase.STARTTLS: Reply(220, "2.0.0", "go ahead"),
    Phase.TLS: Reply(220, None, ""),
    Phase.AUTH: Reply(235, "2.7.0", "welcome"),
    Phase.RSET: Reply(250, "2.0.0", "reset"),
    Phase.MAIL: Reply(250, "2.1.0", "sender ok"),
    Phase.RCPT: Reply(250, "2.1.5", "recipient ok"),
    Phase.DATA: Reply(354, None, "end with a dot"),
    Phase.END_OF_DATA: Reply(250, "2.0.0", "kept in memory"),
}


def _options(screening: Screening, recipient: Address) -> SubmissionOptions:
    """What the server was asked for, as it came over the wire."""
    further = () if screening.for_each is None else screening.for_each[recipient]
    return read((*screening.parameters, *further)).options


class VirtualClock:
    """A clock that stands still until somebody waits, and then jumps."""

    def __init__(self) -> None:
        self._began = datetime.now(UTC)
        self._passed = 0.0

    def now(self) -> datetime:
        """The time of day, in UTC."""
        return self._began + timedelta(seconds=self._passed)

    def monotonic(self) -> float:
        """Seconds that only go forward."""
        return self._passed

    async def sleep(self, seconds: float) -> None:
        """Let that many seconds pass, at once."""
        self.advance(seconds)
        await asyncio.sleep(0)

    def advance(self, seconds: float) -> None:
        """Jump forward."""
        self._passed += max(0.0, seconds)


@dataclass(slots=True)
class _Taken:
    """What the server has of a message so far."""

    content: Content
    recipients: list[Address] = field(default_factory=list[Address])
    octets: bytes = b""


class _Fault(Exception):
    def __init__(self, failure: Failure, phase: Phase | None = None) -> None:
        super().__init__(failure.reason)
        self.failure = failure
        self.phase = phase


class MemoryTransport(Script, Transport):
    """Accepts every message and keeps it in `sent`; `on_rcpt(…)`, `after_data()` and similar script other replies.

    `sent` holds what the server took, also where its reply was then lost. `capabilities` is what it announces, and may
    be changed; `timeouts` are those that it keeps. Waits cost no time. Safe to share between tasks, threads and
    mailers.
    """

    tells_before_end = takes_options = True

    def __init__(self, *, capabilities: Capabilities | None = None, timeouts: Timeouts | None = None) -> None:
        super().__init__()
        self.sent: list[Sent] = []
        self.clock: Clock = (virtual := VirtualClock())
        self._virtual = virtual
        self.capabilities: Capabilities = capabilities or _ANNOUNCED
        self._timeouts = timeouts or TimeLimits()
        self._turns: OneAtATime[None] = OneAtATime()
        self._connections = 0
        self._connected = False
        self._rset_due = False

    async def deliver(self, letter: Letter, log: AttemptLog) -> None:
        """Run the letter's transactions against the script."""
        log.host = "memory"
        async with self._turns.turn(None):
            reused = self._connected
            if not reused and not self._connect(log):
                return
            if not await self._carry(letter, log, reused=reused) and self._connect(log):
                await self._carry(letter, log, reused=False)

    async def aclose(self) -> None:
        """Close the connection, as a mailer does when it is closed: the next letter comes on a new one."""
        async with self._turns.turn(None):
            if self._connected:
                with contextlib.suppress(_Fault):  # whatever the answer, it changes nothing (RFC 5321 section 4.1.1.10)
                    self._ask(Phase.QUIT, Phase.QUIT)
            self._connected = False

    async def _carry(self, letter: Letter, log: AttemptLog, *, reused: bool) -> bool:
        """False when a reused connection was dead before anything of the letter was taken."""
        screening = screen(letter.reverse_path, log.recipients, letter.content, self.capabilities, asked(letter))
        log.settle(screening.verdicts)
        log.ignored = screening.ignored
        left = screening.recipients
        while left:
            now, later = share(left, self.capabilities)
            report = await self._transact(letter, screening, now, log, reused=reused)
            if report is None:
                return False
            log.settle(report.verdicts)
            left, reused = (*report.carried, *later), False
        return True

    def _connect(self, log: AttemptLog) -> bool:
        self._connections += 1
        for phase in (Phase.GREETING, Phase.EHLO, Phase.STARTTLS, Phase.TLS, Phase.AUTH):
            log.phase = phase
            try:
                reply = self._ask(Phase.CONNECT if phase is Phase.GREETING else phase, phase)
            except _Fault as fault:
                log.phase = fault.phase or phase
                log.happened(fault.failure.reason)
                log.settle_all(judge_failure(log.phase, fault.failure))
                return False
            if phase is not Phase.TLS:  # a handshake has no reply
                log.answered(phase, reply)
            if reply.code != _USUAL[phase].code:
                log.settle_all(judge_refusal(phase, reply))
                return False
        self._connected, self._rset_due = True, False
        return True

    async def _transact(
        self, letter: Letter, screening: Screening, recipients: tuple[Address, ...], log: AttemptLog, *, reused: bool
    ) -> Report | None:
        plan = Plan(
            letter.reverse_path,
            recipients,
            screening.content.size,
            rset=self._rset_due,
            parameters=screening.parameters,
            utf8=screening.utf8,
            for_each=screening.for_each,
        )
        taken = _Taken(screening.content)
        steps = transaction(plan)
        batch = next(steps)
        try:
            while True:
                if isinstance(batch[0], Payload) and taken.recipients:
                    await self._before_end(log, taken)
                answers = self._answer(batch[0], log, taken)
                if reused and answers.gone:
                    return None
                reused = False
                if answers.ended and (answers.failure or answers.replies[0].positive):
                    sender = letter.reverse_path.written if letter.reverse_path else ""
                    to = Envelope(sender, [recipient.written for recipient in taken.recipients])
                    self._keep(Sent(to, taken.octets, _options(screening, taken.recipients[0])))
                batch = steps.send(answers)
        except StopIteration as stop:
            report: Report = stop.value
        except BaseException:  # a cancellation, or what a caller's function raised
            log.settle(_given_up(steps, log))
            raise
        self._rset_due, self._connected = not report.clean, not report.close
        return report

    async def _before_end(self, log: AttemptLog, taken: _Taken) -> None:
        log.phase = Phase.BODY
        self._connected = False  # unless nothing goes wrong
        await log.before_end(taken.recipients)
        self._connected = True

    def _keep(self, sent: Sent) -> None:
        self.sent.append(sent)

    def _answer(self, step: Step, log: AttemptLog, taken: _Taken) -> BatchReplies:
        recipient = step.recipient
        ended = step.phase is Phase.END_OF_DATA
        log.phase = Phase.BODY if ended else step.phase
        if log.recording:
            log.said(step.line.decode().rstrip() if isinstance(step, Command) else "(content, and the dot)")
        try:
            if ended:
                self._ask(Phase.BODY, Phase.BODY)
                self._take_body(log, taken)
                log.phase = Phase.END_OF_DATA
            reply = self._ask(step.phase, step.phase, recipient)
        except _Fault as fault:
            log.happened(fault.failure.reason)
            return BatchReplies((), fault.failure, ended=log.phase is Phase.END_OF_DATA)
        log.answered(step.phase, reply, recipient)
        if recipient is not None and reply.positive:
            taken.recipients.append(recipient)
        return BatchReplies((reply,), ended=ended)

    def _take_body(self, log: AttemptLog, taken: _Taken) -> None:
        connected, self._connected = self._connected, False  # unless nothing goes wrong
        log.progress(0, taken.content.size)
        try:
            taken.octets = b"".join(taken.content.blocks())
        except MessageError as error:
            raise _Fault(Failure(Break.WITHDRAWN, error.message)) from error
        log.progress(taken.content.size, taken.content.size)
        self._connected = connected

    def _ask(self, point: Phase, phase: Phase, recipient: Address | None = None) -> Reply:
        action = self.action(point, recipient=recipient.wire if recipient else None, connection=self._connections)
        if action is None:
            return _USUAL.get(phase, _OK)
        if action.reply is not None:
            return action.reply
        self._connected = False
        if action.kind is ActionKind.REFUSE:
            raise _Fault(Failure(Break.LOST, "the connection was refused"), Phase.CONNECT)
        if action.kind is not ActionKind.SILENCE:
            raise _Fault(Failure(Break.LOST, "the server closed the connection"))
        limit = _limit(self._timeouts, phase)
        self._virtual.advance(limit)
        raise _Fault(Failure(Break.TIMEOUT, f"no answer within {limit:g} s"))


def _given_up(steps: Generator[Batch, BatchReplies, Report], log: AttemptLog) -> dict[Address, Verdict]:
    try:
        steps.send(BatchReplies((), log.interrupted()))
    except StopIteration as stop:
        report: Report = stop.value
        return report.verdicts
    return {}


_OK = Reply(250, "2.0.0", "ok")
_ANNOUNCED = Capabilities(
    esmtp=True, eight_bit_mime=True, smtputf8=True, dsn=True, require_tls=True, future_release=True
)


def _limit(timeouts: Timeouts | TimeLimits, phase: Phase) -> float:
    by_phase = {
        Phase.GREETING: timeouts.greeting,
        Phase.DATA: timeouts.data,
        Phase.BODY: timeouts.body,
        Phase.END_OF_DATA: timeouts.end_of_data,
        Phase.QUIT: timeouts.quit,
    }
    return by_phase.get(phase, timeouts.command)
