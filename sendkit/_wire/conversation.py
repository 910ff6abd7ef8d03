"""One transaction on the wire: each batch written in one go, one reply read for each step, and what broke off.

RFC 5321 section 4.5.3.2 (a time limit for each phase), RFC 1047 (what is in doubt). The end of data of a large content
is written only after the rest has left, so that only its own round trip can be in doubt; and never where a file turns
out not to be what was announced: then the connection is cut. Before it may leave, `Terms.before_end` is awaited.
Several conversations may have been written ahead on one session (RFC 3030 section 4.2); each reads its replies when its
turn comes.
"""

from __future__ import annotations

import asyncio
from collections.abc import Generator
from contextlib import aclosing
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from sendkit._seam.log import AttemptLog
from sendkit._smtp.address import Address
from sendkit._smtp.content import Content
from sendkit._smtp.framing import END_OF_DATA, DotStuffer, dot_stuff
from sendkit._smtp.phase import Phase
from sendkit._smtp.reply import Reply
from sendkit._smtp.steps import SMALL, Batch, BatchReplies, Command, Framing, Payload, Plan, Report, head_of
from sendkit._smtp.transaction import transaction
from sendkit._smtp.verdict import Break
from sendkit._wire.channel import Channel
from sendkit._wire.failure import Broken
from sendkit._wire.session import Session
from sendkit._wire.supply import supply
from sendkit._wire.turns import Turn
from sendkit._wire.writing import chunk, limit_of, note_batch, with_measures

if TYPE_CHECKING:
    from sendkit._server.server import Timeouts

_Steps = Generator[Batch, BatchReplies, Report]


class Stale(Exception):
    """The connection was dead, or given up, before anything of the transaction was written. Only inside this room."""


@dataclass(slots=True)
class Conversation:
    """One transaction of one letter.

    `replies`, `ended` and `begun` (something was written) are right at every await, so that a cancellation can be
    judged; `reused`: the connection had been used before, and nothing was written to it since; `taken`: whose RCPT was
    accepted.
    """

    session: Session
    content: Content
    log: AttemptLog
    timeouts: Timeouts
    reused: bool
    replies: list[Reply] = field(init=False)
    ended: bool = field(default=False, init=False)
    begun: bool = field(default=False, init=False)
    taken: list[Address] = field(init=False)

    def __post_init__(self) -> None:
        self.replies, self.taken = [], []

    async def hold(self, plan: Plan, turn: Turn) -> Report:
        """Carry out the plan; the caller has the right to write until `turn.written` is called. Raises Stale."""
        steps = transaction(plan)
        batch = next(steps)
        try:
            while True:
                answers = await self._exchange(steps, batch, turn, ahead=plan.ahead)
                if self.reused and answers.gone:
                    raise Stale
                self.reused = False
                batch = steps.send(answers)
        except StopIteration as stop:
            report: Report = stop.value
            return with_measures(report, self.content)

    async def _exchange(self, steps: _Steps, batch: Batch, turn: Turn, *, ahead: bool) -> BatchReplies:
        self.replies, self.ended = [], False
        channel = self.session.channel
        try:
            if not ahead:
                await turn.come()
            channel.check_quiet(awaited=not turn.has_come)
            await self._write(channel, batch, turn)
            if ahead:
                turn.written(len(batch))
                await turn.come()
            await self._read(channel, batch)
        except Broken as broken:
            if broken.failure.kind is Break.WITHDRAWN:
                channel.abort()
            self.log.happened(broken.failure.reason)
            return BatchReplies(self.replies, broken.failure, self.ended)
        except BaseException:  # a cancellation, or what a caller's function raised
            # Who wrote nothing leaves the connection to those before it.
            if self.begun:
                channel.abort()
            self._give_up(steps)
            raise
        unread = self.session.turns.is_last(turn) and channel.unread
        return BatchReplies(self.replies, ended=self.ended, unread=unread)

    def _give_up(self, steps: _Steps) -> None:
        try:
            steps.send(BatchReplies(self.replies, self.log.interrupted(), self.ended))
        except StopIteration as stop:
            self.log.settle(stop.value.verdicts)

    async def _write(self, channel: Channel, batch: Batch, turn: Turn) -> None:
        head = head_of(batch)
        last = batch[-1]
        if isinstance(last, Payload) and last.framing is Framing.ANOTHER:
            last = batch[0]  # LMTP: the end of data, and nothing more to write
        self.log.phase = batch[0].phase
        if self.log.recording:
            note_batch(self.log, batch, self.content.size)
        if channel.full:
            await channel.drain(self.timeouts.body)
        if isinstance(last, Command):
            self.begun = True
            channel.write(head)
        elif self.content.size <= SMALL or last.framing in (Framing.LONE_DOT, Framing.LAST):
            if self.log.terms.on_progress is not None and last.framing not in (Framing.LONE_DOT, Framing.LAST):
                self.log.progress(0, self.content.size)
                self.log.progress(self.content.size, self.content.size)
            if self.log.terms.before_end is not None:
                await self._before_end(channel, batch, turn)
            self.begun = self.ended = True
            channel.write(head + self._framed(last.framing), gather=self.session.shared)
        else:
            await self._stream(channel, last.framing)

    async def _stream(self, channel: Channel, framing: Framing) -> None:
        self.log.phase, self.begun = Phase.BODY, True
        sent, framed = 0, DotStuffer() if framing is Framing.DOT else bytes
        async with aclosing(supply(self.content)) as blocks:
            async for block in blocks:
                channel.check_quiet()
                if not sent:
                    self.log.progress(0, self.content.size)
                    channel.write(chunk(framing, self.content.size))
                channel.write(framed(block))
                # The kernel may take it all at once; without an iteration of the loop nobody would see that
                # the server has gone.
                await asyncio.sleep(0)
                await channel.drain(self.timeouts.body)
                self.log.progress(sent := sent + len(block), self.content.size)
        if framing is Framing.DOT:
            await channel.flush(self.timeouts.body)
            await self.log.before_end(self.taken)
            channel.check_quiet()
            self.ended = True
            channel.write(END_OF_DATA)

    async def _before_end(self, channel: Channel, batch: Batch, turn: Turn) -> None:
        """Tell of those who may be accepted: taken already, or asked in this very write."""
        asked = [step.recipient for step in batch if step.recipient is not None]
        if at_stake := (*self.taken, *asked):
            await self.log.before_end(at_stake)
            channel.check_quiet(awaited=not turn.has_come)

    def _framed(self, framing: Framing) -> bytes:
        if framing is Framing.LONE_DOT:
            return END_OF_DATA
        if framing is Framing.LAST:
            return b"BDAT 0 LAST\r\n"
        if framing is Framing.DOT:
            return b"".join((*dot_stuff(self.content.blocks()), END_OF_DATA))
        return b"".join((chunk(framing, self.content.size), *self.content.blocks()))

    async def _read(self, channel: Channel, batch: Batch) -> None:
        while open_steps := batch[len(self.replies) :]:
            self.log.phase = phase = open_steps[0].phase
            most = len(open_steps)
            found = channel.replies_here(most) or await channel.replies(most, limit_of(self.timeouts, phase))
            self.replies += found
            for step, reply in zip(open_steps, found, strict=False):
                self.log.answered(step.phase, reply, step.recipient)
                if reply.positive and step.phase is Phase.RCPT and step.recipient is not None:
                    self.taken.append(step.recipient)
