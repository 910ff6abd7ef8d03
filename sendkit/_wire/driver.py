"""Runs transactions: writes each batch in one go, reads one reply for each step, and says what broke off.

RFC 5321 section 4.5.3.2 (a time limit for each phase), RFC 1047 (what is in doubt). The end of data of a large content
is written only after the rest has left, so that only its own round trip can be in doubt.
"""

from __future__ import annotations

import asyncio
from collections.abc import Generator, Iterable, Iterator
from dataclasses import dataclass, field

from sendkit._message.letter import Letter
from sendkit._settings import Timeouts
from sendkit._smtp.address import Address
from sendkit._smtp.capabilities import Capabilities
from sendkit._smtp.content import Content
from sendkit._smtp.framing import END_OF_DATA, dot_stuff
from sendkit._smtp.phase import Phase
from sendkit._smtp.reply import Reply
from sendkit._smtp.screening import Screening, screen
from sendkit._smtp.transaction import (
    SMALL,
    Answers,
    Batch,
    Command,
    Framing,
    Mode,
    Payload,
    Plan,
    Report,
    transaction,
)
from sendkit._smtp.verdict import Break, Failure, judge_failure
from sendkit._transport.base import AttemptLog
from sendkit._wire.channel import Channel
from sendkit._wire.failure import Broken
from sendkit._wire.session import Session


class Stale(Exception):
    """A reused connection was dead before the transaction began; nothing was sent. Only inside this room."""


async def carry(session: Session, letter: Letter, log: AttemptLog, *, timeouts: Timeouts, stepwise: bool) -> Report:
    """Run one letter's transactions on the session and note every verdict in the log; returns the last report.

    Recipients that were too many for one transaction go into the next at once, as long as each makes progress.
    Raises Stale when a reused connection turned out to be dead.
    """
    screening = screen(letter.reverse_path, log.recipients, letter.content, session.capabilities)
    log.settle(screening.verdicts)
    report, left = Report({}, (), close=False, clean=True, choked=False), screening.recipients
    reused, session.used = session.used, True
    while left and not report.close:
        now, later = _split(left, session.capabilities.max_recipients)
        plan = _plan(session, letter, screening, now, stepwise=stepwise)
        report = await _Run(session, screening.content, log, timeouts, reused).run(plan)
        log.settle(report.verdicts)
        left, reused = (*report.carried, *later), False
    log.settle(dict.fromkeys(left, _NOT_REACHED))
    return report


_NOT_REACHED = judge_failure(Phase.MAIL, Failure(Break.LOST, "the connection closed before this recipient's turn"))


def _split(recipients: tuple[Address, ...], most: int | None) -> tuple[tuple[Address, ...], tuple[Address, ...]]:
    return (recipients, ()) if most is None else (recipients[:most], recipients[most:])


def _plan(
    session: Session, letter: Letter, screening: Screening, recipients: tuple[Address, ...], *, stepwise: bool
) -> Plan:
    return Plan(
        reverse_path=letter.reverse_path,
        recipients=recipients,
        size=screening.content.size,
        mode=_mode(session.capabilities, stepwise=stepwise),
        rset=session.rset_due,
        stepwise=stepwise,
        parameters=screening.parameters,
        utf8=screening.utf8,
    )


def _mode(server: Capabilities, *, stepwise: bool) -> Mode:
    if stepwise or not server.pipelining:
        return Mode.STEPWISE
    return Mode.CHUNKING if server.chunking else Mode.PIPELINING


@dataclass(slots=True)
class _Run:
    """One transaction on the wire.

    `replies` and `ended` are right at every await, so that a cancellation can be judged; `reused`: the connection had
    been used before, and nothing was written to it since.
    """

    session: Session
    content: Content
    log: AttemptLog
    timeouts: Timeouts
    reused: bool
    replies: list[Reply] = field(default_factory=list[Reply])
    ended: bool = False

    async def run(self, plan: Plan) -> Report:
        steps = transaction(plan)
        batch = next(steps)
        try:
            while True:
                answers = await self._exchange(steps, batch)
                if self.reused and _dead(answers):
                    raise Stale
                self.reused = False
                batch = steps.send(answers)
        except StopIteration as stop:
            report: Report = stop.value
        self.session.rset_due = plan.mode is not Mode.STEPWISE or not report.clean
        return report

    async def _exchange(self, steps: Generator[Batch, Answers, Report], batch: Batch) -> Answers:
        self.replies, self.ended = [], False
        channel = self.session.channel
        try:
            channel.check_quiet()
            await self._write(channel, batch)
            await self._read(channel, batch)
        except Broken as broken:
            self.log.happened(broken.failure.reason)
            return Answers(self.replies, broken.failure, self.ended)
        except asyncio.CancelledError:
            channel.abort()
            self._give_up(steps)
            raise
        return Answers(self.replies)

    def _give_up(self, steps: Generator[Batch, Answers, Report]) -> None:
        try:
            steps.send(Answers(self.replies, self.log.interrupted(), self.ended))
        except StopIteration as stop:
            self.log.settle(stop.value.verdicts)

    async def _write(self, channel: Channel, batch: Batch) -> None:
        head = b"".join(step.line for step in batch if isinstance(step, Command))
        payloads = [step.framing for step in batch if isinstance(step, Payload)]
        self.log.phase = batch[0].phase
        if self.log.recording:
            self._note(batch)
        if not payloads:
            channel.write(head)
        elif self.content.size <= SMALL or payloads == [Framing.LONE_DOT]:
            self.ended = True
            channel.write(b"".join((head, *self._framed(payloads[0]))))
        else:
            await self._stream(channel, head, payloads[0])

    def _note(self, batch: Batch) -> None:
        for step in batch:
            if isinstance(step, Command):
                self.log.said(step.line.decode().rstrip())
            else:
                self.log.said(_described(step.framing, self.content.size))

    async def _stream(self, channel: Channel, head: bytes, framing: Framing) -> None:
        self.log.phase = Phase.BODY
        for block in self._framed(framing, end=False, head=head):
            channel.check_quiet()
            channel.write(block)
            await channel.drain(self.timeouts.body)
        await channel.flush(self.timeouts.body)
        channel.check_quiet()
        self.ended = True
        channel.write(END_OF_DATA if framing is Framing.DOT else _LAST)

    def _framed(self, framing: Framing, *, end: bool = True, head: bytes = b"") -> Iterator[bytes]:
        if head:
            yield head
        if framing in (Framing.CHUNK, Framing.CHUNK_LAST):
            yield b"BDAT %d%s\r\n" % (self.content.size, b" LAST" if framing is Framing.CHUNK_LAST else b"")
            yield from self.content.blocks()
            return
        if framing is Framing.DOT:
            yield from dot_stuff(self.content.blocks())
        if end:
            yield END_OF_DATA

    async def _read(self, channel: Channel, batch: Iterable[Command | Payload]) -> None:
        for step in batch:
            self.log.phase = step.phase
            reply = await channel.reply(self._limit(step.phase))
            self.replies.append(reply)
            recipient = step.recipient if isinstance(step, Command) else None
            self.log.answered(step.phase, reply, recipient)

    def _limit(self, phase: Phase) -> float:
        if phase in (Phase.END_OF_DATA, Phase.BODY):
            return self.timeouts.end_of_data
        return self.timeouts.data if phase is Phase.DATA else self.timeouts.command


_LAST = b"BDAT 0 LAST\r\n"


def _described(framing: Framing, size: int) -> str:
    return {
        Framing.DOT: f"(content: {size} octets, and the dot)",
        Framing.LONE_DOT: ".",
        Framing.CHUNK: f"BDAT {size} (content)",
        Framing.CHUNK_LAST: f"BDAT {size} LAST (content)",
        Framing.LAST: "BDAT 0 LAST",
    }[framing]


def _dead(answers: Answers) -> bool:
    """Whether the server was gone, or going, before it took the first command."""
    if answers.ended:
        return False
    if answers.replies:
        return answers.replies[0].code == 421
    failure = answers.failure
    farewell = failure is not None and failure.reply is not None
    return failure is not None and (farewell or failure.kind is Break.LOST)
