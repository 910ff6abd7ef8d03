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

from sendkit._seam.log import AttemptLog, answered_all, answered_at_once
from sendkit._smtp.content import Content
from sendkit._smtp.head import head_octets
from sendkit._smtp.phase import Phase
from sendkit._smtp.reply import Reply
from sendkit._smtp.steps import Batch, BatchReplies, Framing, Plan, Report
from sendkit._smtp.transaction import stepped_through, taken, whole
from sendkit._smtp.verdict import Break, Failure
from sendkit._wire.failure import Broken
from sendkit._wire.session import Session
from sendkit._wire.turns import Flying
from sendkit._wire.writing import chunk, limit_of, note_batch, with_measures

if TYPE_CHECKING:
    from sendkit._server.server import Timeouts


# For every message: to take a member from its class takes 0.1 µs on Python 3.11.
_RSET, _MAIL, _LAST_CHUNK = Phase.RSET, Phase.MAIL, Framing.CHUNK_LAST


class Flight(Flying):
    """A transaction whose plan is to write all of it at once, on a session where nobody is in the middle of writing.

    When it is over, `landed` is called with it: `report` is what it came to, or None where the connection proved dead
    before the server took any of it. `cut`: it was ended from outside.
    """

    __slots__ = (
        "_content", "_context", "_due", "_head", "_landed", "_log", "_plan", "_replies", "_reused", "_steps",
        "_timeouts", "cut", "report", "session",
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
        self._steps: Batch | None = None
        self._reused = session.transactions > 0
        self._replies: list[Reply] = []
        self._due: float | None = None
        # Who logs has to do it where the message was sent, not where the connection is read.
        self._context: Context | None = copy_context() if log.recording else None
        self.ended = self.cut = False
        self.report: Report | None = None

    def write(self) -> None:
        """Begin: hand all of it to the connection."""
        session, log, plan = self.session, self._log, self._plan
        log.phase = self._phase
        if log.recording:
            note_batch(log, self._batch, plan.size)
        session.begin(plan.mode)
        order = session.turns.order
        order.append(self)
        octets = (self._head, chunk(_LAST_CHUNK, plan.size), *self._content.blocks())
        session.channel.write(b"".join(octets), gather=session.shared)
        if order[0] is self:
            self._due = session.channel.look_in(limit_of(self._timeouts, log.phase))

    def cancel(self) -> None:
        """End it now, and cut the connection; what is known of it so far is in the log."""
        if self.ended:
            return
        self.session.channel.abort()
        if self.session.turns.order[0] is self:
            with contextlib.suppress(Broken):
                self._hear()
        answers = BatchReplies(self._replies, self._log.interrupted(), ended=True)
        self.cut, self.report = True, stepped_through(self._plan, answers)
        self._end()
        self.session.turns.call()

    def read(self) -> None:
        """All before it have read: take the replies that are there."""
        before = len(self._replies)
        try:
            self._hear()
        except Broken as broken:
            self._answered(broken.failure)
            return
        if len(self._replies) == self.steps:
            self._answered(None)
        elif (lost := self.session.channel.lost) is not None:
            self._answered(Failure(Break.LOST, lost))
        else:
            self._go_on_waiting(heard=len(self._replies) > before)

    def _hear(self) -> None:
        replies, replies_here = self._replies, self.session.channel.replies_here
        # Once more behind the last one: what follows it may be no reply.
        while (left := self.steps - len(replies)) and (found := replies_here(left)):
            if left == len(found) == self.steps and self._context is None:
                answered_at_once(self._log, self._plan.recipients, found)
            else:
                self._note(self._batch[len(replies) :], found)
            replies += found

    def _note(self, steps: Batch, found: Sequence[Reply]) -> None:
        if self._context is None:
            answered_all(self._log, steps, found)
        else:
            self._context.run(answered_all, self._log, steps, found)

    @property
    def _batch(self) -> Batch:
        """Made only where the steps are to be told apart."""
        if self._steps is None:
            self._steps = whole(self._plan)
        return self._steps

    @property
    def _phase(self) -> Phase:
        """That of the reply that comes next."""
        if self._replies:
            return self._batch[len(self._replies)].phase
        return _RSET if self._plan.rset else _MAIL

    def _go_on_waiting(self, *, heard: bool) -> None:
        channel, phase = self.session.channel, self._phase
        limit = limit_of(self._timeouts, phase)
        if heard or self._due is None:
            self._log.phase, self._due = phase, channel.look_in(limit)
        elif channel.is_time(self._due):
            self._answered(Failure(Break.TIMEOUT, f"no answer within {limit:g} s"))

    def _answered(self, failure: Failure | None) -> None:
        """All has come that will come."""
        session = self.session
        unread = failure is None and session.channel.unread and session.turns.is_last(self)
        if failure is None and not unread:
            self.report = taken(self._plan, self._replies)  # a clean one, which changes nothing at the session
        if self.report is None:
            self._judge(failure, unread=unread)
        self._end()

    def _judge(self, failure: Failure | None, *, unread: bool) -> None:
        if failure is not None:
            (self._context or copy_context()).run(self._log.happened, failure.reason)
        answers = BatchReplies(self._replies, failure, ended=True, unread=unread)
        if not (self._reused and answers.gone):
            self.report = with_measures(stepped_through(self._plan, answers), self._content)
            self.session.end(self.report)

    def _end(self) -> None:
        self.ended = True
        landed, self._landed = self._landed, _nobody  # or each would hold the other
        landed(self)


def _nobody(flight: Flight) -> None:
    """There is nobody to tell any more."""
