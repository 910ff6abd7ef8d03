"""The first try of a message, begun without a task where that needs no wait; most messages need nothing else.

Knows the queue of the pace, the log, and the transport's `start`. Who is tried again, and when, is for `retry`.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING

from sendkit._seam.log import AttemptLog
from sendkit._seam.transport import carry

if TYPE_CHECKING:
    from sendkit._delivery.pace import Queue
    from sendkit._delivery.retry import Delivery


class FirstTry:
    """A try that goes on by itself; `ended` is called when it came to its end, or can only go on by `rest`."""

    __slots__ = ("_cut", "_delivery", "_ended", "_log", "_queue", "_slowdowns", "_stop", "_whole", "over")

    def __init__(self, delivery: Delivery, queue: Queue, ended: Callable[[], object]) -> None:
        self._delivery = delivery
        self._queue = queue
        self._ended = ended
        self._log = AttemptLog(delivery.letter.recipients, delivery.transport.clock, delivery.terms)
        self._slowdowns = delivery.pace.slowdowns
        self._stop: Callable[[], object] | None = None
        self._whole = self._cut = self.over = False

    @classmethod
    def begin(cls, delivery: Delivery, ended: Callable[[], object]) -> FirstTry | None:
        """Begin it; None where something must be waited for, and nothing has happened yet."""
        letter, transport, terms = delivery.letter, delivery.transport, delivery.terms
        if not transport.starts or not letter.recipients or letter.options is not None or delivery.signers:
            return None
        if terms.before_end is not None or terms.on_progress is not None:  # a transport starts no letter of these
            return None
        if letter.unread is not None or letter.content.stored:
            return None
        queue = delivery.pace.queue(transport.clock)
        if not queue.enter_at_once(terms.in_flight):
            return None
        try:
            self = cls(delivery, queue, ended)
            self._stop = transport.start(letter, self._log, self._has_ended)
        except BaseException:
            queue.leave()
            raise
        if self._stop is None:
            queue.leave()
            return None
        delivery.rounds.append(self._log)
        return self

    def cancel(self) -> None:
        """End it now; the log has what became of it, and nobody is tried again."""
        self._cut = True
        if self._stop is not None:
            self._stop()
        self.release()

    def release(self) -> None:
        """Nobody will call `rest`: it is under way no longer, if it was."""
        if not (self._whole or self.over):
            self._whole = True
            self._close()

    def _has_ended(self, whole: bool) -> None:
        self._whole = whole
        self.over = (whole and not self._close()) or self._cut
        self._stop, ended = None, self._ended
        del self._ended  # it leads back to this, and none of it is needed again
        ended()

    def _close(self) -> bool:
        """Whether anybody is to be tried again."""
        delivery, log = self._delivery, self._log
        now = log.close()
        if log.clean and not log.others:
            delivery.pace.went_well(now)
            self._queue.leave()
            return False
        delivery.learn(log, self._slowdowns, self._queue)
        self._queue.leave()
        return delivery.policy.max_attempts > 1 and bool(delivery.left())

    async def rest(self) -> None:
        """What is left to do, where it is not `over`."""
        delivery = self._delivery
        if not self._whole:
            try:
                await carry(delivery.transport, delivery.letter, self._log)
            finally:
                self._whole, again = True, self._close()
            if not again:
                return
        await delivery.try_again(delivery.left())
