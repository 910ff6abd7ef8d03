"""One transaction that went out in one write, until it was answered: an object that is told, where no task waits.

RFC 3030 section 4.2 (written ahead), RFC 5321 section 4.5.3.2 (a time limit for each reply), RFC 1047 (what is in
doubt). Its end of data has left from the first moment on. What it came to is told by a call, on the event loop. Must
not know: the rest of the letter, other sessions, or who tries again.
"""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Sequence
from contextvars import Context, copy_context
from typing import TYPE_CHECKING

from sendkit._seam.log import AttemptLog, answered_at_once
from sendkit._smtp.content import Content
from sendkit._smtp.head import head_octets
from sendkit._smtp.phase import Phase
from sendkit._smtp.reply import Reply
from sendkit._smtp.steps import BatchReplies, Framing, Plan, Report
from sendkit._smtp.transaction import place, stepped_through, taken, whole
from sendkit._smtp.verdict import Break, Failure
from sendkit._wire.failure import Broken
from sendkit._wire.session import Session
from sendkit._wire.turns import Flying
from sendkit._wire.writing import chunk, limit_of, note_batch, with_measures

if TYPE_CHECKING:
    from sendkit._server.server import Timeouts
    from sendkit._wire.pool import Pool

# For every message: to take a member from its class takes 0.1 µs on Python 3.11.
_RSET, _MAIL, _LAST_CHUNK = Phase.RSET, Phase.MAIL, Framing.CHUNK_LAST


class Flight(Flying):
    """A transaction whose plan is to write all of it at once, on a session where nobody is in the middle of writing.

    When it has come to its end, `landed` is called with it, and the log has the verdicts. `over`: nobody is left; False
    where another one is to go on with the letter, for those who were too many, or since the connection proved dead
    before the server took any of it. `choked`: commands should go out one by one from now on. `pool` and `tell` are
    kept for `landed` alone: where the session goes back to, and who waits.
    """

    pool: Pool
    tell: Callable[[bool], None]

    __slots__ = (
        "_content", "_context", "_due", "_head", "_landed", "_log", "_plan", "_replies", "_reused", "_timeouts",
        "choked", "over", "pool", "session", "tell",
    )  # fmt: skip

    def __init__(
        self,
        session: Session,
        content: Content,
        log: AttemptLog,
        timeouts: Timeouts,
        plan: Plan,
        *,
        landed: Callable[[Flight], None],
    ) -> None:
        self.session = session
        self._content = content
        self._log = log
        self._timeouts = timeouts
        self._plan = plan
        self._landed = landed
        self._head, commands = head_octets(plan)
        self.steps = commands + 1
        self._reused = session.transactions > 0
        self._replies: Sequence[Reply] = ()
        self._due: float | None = None
        # Who logs has to do it where the message was sent, not where the connection is read.
        self._context: Context | None = copy_context() if log.recording else None
        self.ended = self.over = self.choked = False

    def write(self) -> None:
        """Begin: hand all of it to the connection."""
        session, log, plan = self.session, self._log, self._plan
        log.phase = _RSET if plan.rset else _MAIL
        if log.recording:
            note_batch(log, whole(plan), plan.size)
        session.begin(plan.mode)
        order = session.turns.order
        order.append(self)
        octets = (self._head, chunk(_LAST_CHUNK, plan.size), *self._content.blocks())
        session.channel.write(b"".join(octets), gather=session.shared)
        if order[0] is self:
            self._due = session.channel.look_in(self._timeouts.command)

    def cancel(self) -> None:
        """End it now, and cut the connection; what is known of it so far is in the log."""
        if self.ended:
            return
        self.session.channel.abort()
        if self.session.turns.order[0] is self:
            with contextlib.suppress(Broken):
                self._hear(self.session.channel.replies_here(self.steps - len(self._replies)))
        answers = BatchReplies(self._replies, self._log.interrupted(), ended=True)
        self._settle(stepped_through(self._plan, answers))
        self.over = True
        self._end()
        self.session.turns.call()

    def read(self) -> None:
        """All before it have read: take the replies that are there."""
        before = len(self._replies)
        try:
            found = self.session.channel.replies_here(self.steps - before)
            if len(found) == self.steps and self._context is None:  # as almost always
                self._replies = found
                answered_at_once(self._log, self._plan.recipients, found)
                self._answered(None)
                return
            self._hear(found)
        except Broken as broken:
            self._answered(broken.failure)
            return
        if len(self._replies) == self.steps:
            self._answered(None)
        elif (lost := self.session.channel.lost) is not None:
            self._answered(Failure(Break.LOST, lost))
        else:
            self._go_on_waiting(heard=len(self._replies) > before)

    def _hear(self, found: Sequence[Reply]) -> None:
        while found:
            if self._context is None:
                self._note(found)
            else:
                self._context.run(self._note, found)
            self._replies = (*self._replies, *found)
            # Once more behind the last one: what follows it may be no reply.
            left = self.steps - len(self._replies)
            found = self.session.channel.replies_here(left) if left else ()

    def _note(self, found: Sequence[Reply]) -> None:
        for nth, reply in enumerate(found, len(self._replies)):
            phase, recipient = place(self._plan, nth)
            self._log.answered(phase, reply, recipient)

    def _go_on_waiting(self, *, heard: bool) -> None:
        channel, (phase, _) = self.session.channel, place(self._plan, len(self._replies))
        limit = limit_of(self._timeouts, phase)
        if heard or self._due is None:
            self._log.phase, self._due = phase, channel.look_in(limit)
        elif channel.is_time(self._due):
            self._answered(Failure(Break.TIMEOUT, f"no answer within {limit:g} s"))

    def _answered(self, failure: Failure | None) -> None:
        """All has come that will come."""
        session = self.session
        unread = failure is None and session.channel.unread and session.turns.is_last(self)
        if failure is None and not unread and (verdict := taken(self._replies)) is not None:
            self._log.settle(dict.fromkeys(self._plan.recipients, verdict))
            self.over = True
        else:
            self._judge(failure, unread=unread)
        self._end()

    def _judge(self, failure: Failure | None, *, unread: bool) -> None:
        if failure is not None:
            (self._context or copy_context()).run(self._log.happened, failure.reason)
        answers = BatchReplies(self._replies, failure, ended=True, unread=unread)
        if self._reused and answers.gone:
            self.session.give_up()
            return
        report = with_measures(stepped_through(self._plan, answers), self._content)
        self.session.end(report)
        self._settle(report)

    def _settle(self, report: Report) -> None:
        self._log.settle(report.verdicts)
        self.choked, self.over = report.choked, not report.carried

    def _end(self) -> None:
        self.ended = True
        landed, self._landed = self._landed, _nobody  # or each would hold the other
        landed(self)


def _nobody(flight: Flight) -> None:
    """There is nobody to tell any more."""
