"""When the same message is tried again, and for whom: tenacity runs the loop, the verdicts say who is left.

A *round* asks the servers of a mailer once, one after the other; an *attempt* asks one of them. A round carries only
recipients that are provably not accepted, with the same octets and the same Message-ID. What was rejected, what a
person must fix, and what is in doubt is left alone. The one place that knows tenacity.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field, replace
from functools import partial
from typing import TYPE_CHECKING, TypeVar

from sendkit._delivery.first import FirstTry
from sendkit._delivery.made import delivery_result, recipient_result, stream_result
from sendkit._delivery.pace import Pace, Queue
from sendkit._delivery.quoted import text_of
from sendkit._delivery.retries import Retries
from sendkit._delivery.signed import check, read_and_signed
from sendkit._lifetime import logs as records
from sendkit._lifetime.by_itself import settle
from sendkit._lifetime.progress import Work
from sendkit._message.letter import Letter
from sendkit._message.read_only import ReadOnlyMapping, read_only
from sendkit._seam.log import AttemptLog
from sendkit._seam.terms import PLAIN, Stopped, Terms, cancelled
from sendkit._seam.transport import Transport, carry
from sendkit._smtp.address import Address
from sendkit._smtp.hints import tell
from sendkit._smtp.phase import Phase
from sendkit._smtp.verdict import Again, Break, Failure, Outcome, Verdict, judge_failure
from sendkit._unchecked import with_private
from sendkit.errors import SendkitError

if TYPE_CHECKING:
    import tenacity

    from sendkit._delivery.policy import RetryPolicy
    from sendkit._delivery.watch import Telling
    from sendkit._message.dkim import Signer
    from sendkit.results import Attempt, DeliveryResult, RecipientResult, StreamResult


_Result = TypeVar("_Result")

# For every message: to take a member from its class takes 0.1 µs on Python 3.11.
_IN_DOUBT, _LATER = Outcome.IN_DOUBT, Again.LATER

_logger = logging.getLogger("sendkit.delivery")


@dataclass(slots=True)
class Delivery:
    """One message on its way: the letter, and the log of each attempt so far.

    `withheld` are those whom nobody is asked for; `diverted`: it goes elsewhere than it is addressed. `telling`
    tells observers of each attempt. The truth about every recipient can be told at any moment.
    """

    letter: Letter
    transport: Transport
    policy: RetryPolicy | Retries
    pace: Pace = field(default_factory=Pace)
    terms: Terms = PLAIN
    withheld: tuple[RecipientResult, ...] = ()
    diverted: bool = False
    telling: Telling | None = None
    signers: tuple[Signer, ...] = ()
    rounds: list[AttemptLog] = field(init=False)
    _made: tuple[Attempt, ...] = field(default=(), init=False)

    def __post_init__(self) -> None:
        self.rounds = []

    @property
    def logs(self) -> list[AttemptLog]:
        """The log of every server that was asked, in order."""
        if len(self.rounds) == 1 and not self.rounds[0].others:  # as almost always
            return self.rounds
        return [log for first in self.rounds for log in (first, *first.others)]

    async def run(self) -> None:
        """Try until nobody is left who may be tried again, or the policy says enough."""
        if not self.letter.recipients:
            return
        ended: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        first = FirstTry.begin(self, partial(settle, ended))
        if first is not None:
            await self._await(first, ended)
        elif (left := await self._attempt()) and self.policy.max_attempts > 1:
            await self.try_again(left)

    async def _await(self, first: FirstTry, ended: asyncio.Future[None]) -> None:
        try:
            await ended
        except BaseException:  # a cancellation
            first.cancel()
            raise
        if not first.over:
            await first.rest()

    def under(self, work: Work) -> None:
        """From now on it is this piece of work, which is interrupted when its time is up, or its mailer is closed."""
        deadline = None if work.seconds is None else self.transport.clock.monotonic() + work.seconds
        self.terms = self.terms.until(deadline, partial(_why, work))

    async def see_through(self, work: Work, first: FirstTry | None = None) -> DeliveryResult:
        """As `run`, or go on with a first try that has ended, within the work; an error of others has `.result`."""
        try:
            with records.Unheard(self.letter.message_id, partial(text_of, self.letter.content)), work:
                if first is not None:
                    await first.rest()
                else:
                    if self.signers or self.letter.unread is not None:
                        await self._make_ready()
                    await self.run()
        except SendkitError:
            raise
        except Stopped as stopped:
            vars(stopped.error)["result"] = self.result()
            raise stopped.error from None
        except BaseException as ended:  # a cancellation
            vars(ended)["result"] = self.result()
            raise
        return self.result()

    async def try_again(self, left: tuple[Address, ...]) -> None:
        """Try until nobody is left who may be tried again, or the policy says enough."""
        self.tell()
        try:
            import tenacity  # noqa: PLC0415 - most messages need no second round, and it takes 70 ms to load
        except OSError:  # out of descriptors, which then is why the first round failed
            return

        clock = self.transport.clock
        started, last = self.logs[0].began, self.terms.deadline or float("inf")

        # The first round was made before tenacity was needed, which counts it as its own first one.
        known = [left]

        async def attempt() -> tuple[Address, ...]:
            if known:
                return known.pop()
            left = await self._attempt()
            self.tell()
            return left

        def enough(state: tenacity.RetryCallState) -> bool:
            resume = clock.monotonic() + state.upcoming_sleep
            late = resume > started + self.policy.max_elapsed or resume > last
            return late or state.attempt_number >= self.policy.max_attempts

        await tenacity.AsyncRetrying(
            sleep=clock.sleep,
            wait=self.policy.wait or tenacity.wait_random_exponential(multiplier=1, max=60),
            stop=enough,
            retry=tenacity.retry_if_result(bool),
            before_sleep=self._tell_of_wait,
            retry_error_callback=lambda _: None,
        )(attempt)

    def _tell_of_wait(self, state: tenacity.RetryCallState) -> None:
        """Say who is tried again, and when."""
        if self.policy.on_wait is None and not _logger.isEnabledFor(logging.INFO):
            return
        logs = self.logs
        left = tuple(self._result_for(recipient, logs) for recipient in self.left())
        records.log(_logger, logging.INFO, "%s; next try in %.0f s", "; ".join(map(str, left)), state.upcoming_sleep)
        if self.policy.on_wait is not None:
            try:
                from sendkit.results import Waiting  # noqa: PLC0415 - pydantic, 100 ms, and few wait

                self.policy.on_wait(Waiting(left, state.upcoming_sleep))
            except Exception as error:
                raise Stopped(error) from error

    async def _attempt(self) -> tuple[Address, ...]:
        letter = replace(self.letter, recipients=self.left()) if self.rounds else self.letter
        queue = self.pace.queue(self.transport.clock)
        if not queue.enter_at_once(self.terms.in_flight) and not await self._wait_in(queue, letter.recipients):
            return self.left()
        try:
            return await self._begin(letter, queue)
        finally:
            queue.leave()

    async def _wait_in(self, queue: Queue, recipients: tuple[Address, ...]) -> bool:
        """Wait for a turn, with a log, but as no part of a round; False when the deadline came first."""
        waiting = "while the message waited for its turn"
        terms = self.terms._replace(why_interrupted=lambda: f"{self.terms.why_interrupted()} {waiting}")
        log = AttemptLog(recipients, self.transport.clock, terms)
        self.rounds.append(log)
        try:
            if await queue.enter(self.transport.clock, self.terms.deadline, self.terms.in_flight):
                self.rounds.pop()
                return True
        finally:
            log.close()
        failure = Failure(Break.INTERRUPTED, f"the deadline ran out {waiting}")
        log.settle_all(judge_failure(Phase.RESOLVE, failure))
        return False

    async def _make_ready(self) -> None:
        """Read its files and sign it, with a log, but as no part of a round."""
        terms = self.terms._replace(why_interrupted=lambda: f"{self.terms.why_interrupted()} while files were read")
        log = AttemptLog(self.letter.recipients, self.transport.clock, terms)
        self.rounds.append(log)
        try:
            self.letter = await read_and_signed(self.letter, self.signers)
            self.rounds.pop()
        finally:
            log.close()

    async def _begin(self, letter: Letter, queue: Queue) -> tuple[Address, ...]:
        log = AttemptLog(letter.recipients, self.transport.clock, self.terms)
        self.rounds.append(log)
        slowdowns = self.pace.slowdowns
        try:
            await check(letter.content)
            await carry(self.transport, letter, log)
        except SendkitError as error:
            if len(self.rounds) == 1:
                raise
            # What earlier rounds have settled must not be lost with it.
            log.unable(error)
        finally:
            log.close()
        self.learn(log, slowdowns, queue)
        return self.left()

    def learn(self, log: AttemptLog, slowdowns: int, queue: Queue) -> None:
        """Slow down if a server complained in a round that is over."""
        verdicts: Iterable[Verdict] = log.verdicts.values()
        if log.others:
            verdicts = [verdict for one in (log, *log.others) for verdict in one.verdicts.values()]
        if self.pace.learn(verdicts, slowdowns, self.transport.clock.monotonic(), crowd=queue.crowded):
            log.happened("the server gets too much: slowing down")

    def left(self) -> tuple[Address, ...]:
        """Those who may be tried again."""
        return tuple([r for r in self.letter.recipients if self._may_try_again(self.verdict(r)[0])])

    def _may_try_again(self, verdict: Verdict) -> bool:
        if verdict.outcome is _IN_DOUBT:
            return self.policy.retry_in_doubt
        return verdict.again is _LATER

    def verdict(self, recipient: Address) -> tuple[Verdict, AttemptLog]:
        """What became of one recipient over all attempts, and the attempt that says so.

        Once in doubt, only an acceptance settles it: a later refusal says nothing about the earlier copy. Of several
        servers in one round, the one with the best prospects speaks, since all of them may be asked again.
        """
        if len(self.rounds) == 1 and not self.rounds[0].others:
            return self.rounds[0].verdict(recipient), self.rounds[0]
        verdicts = [entry for first in self.rounds if (entry := _of_one_round(first, recipient))]
        doubts = [entry for entry in verdicts if entry[0].outcome is Outcome.IN_DOUBT]
        return verdicts[-1] if not doubts or verdicts[-1][0].outcome is Outcome.ACCEPTED else doubts[-1]

    def tell(self) -> None:
        """Tell observers of the attempts that they were not told of; of the last ones they are told with the result."""
        if self.telling is not None:
            self.telling.attempts(self._attempts(self.logs))

    def _attempts(self, logs: list[AttemptLog]) -> tuple[Attempt, ...]:
        """A value for each attempt so far; they are made once, except for that which may still go on."""
        if len(self._made) < len(logs):
            self._made = (logs[0].summary(),) if len(logs) == 1 else tuple([log.summary() for log in logs])
        return self._made

    def result(self) -> DeliveryResult:
        """What has become of the message so far, as the value that callers get."""
        return self._told(delivery_result, None)

    def stream_result(self, index: int, message: object) -> StreamResult:
        """The same as the result of one of many."""
        return with_private(self._told(stream_result, index), _message=message)

    def _told(self, make: Callable[..., _Result], index: int | None) -> _Result:
        logs = self.logs
        return make(
            version=1,
            message_id=self.letter.message_id,
            reverse_path=self._sender,
            recipients=self._recipients(logs),
            attempts=self._attempts(logs),
            index=index,
            error=None,
            diverted=self.diverted,
        )

    def _recipients(self, logs: list[AttemptLog]) -> ReadOnlyMapping[RecipientResult]:
        recipients: dict[str, RecipientResult] = {}
        for recipient in self.letter.recipients:  # on Python 3.11 a comprehension is a call
            recipients[recipient.written] = self._result_for(recipient, logs)
        if self.withheld:
            recipients.update({one.address: one for one in self.withheld})
        return read_only(recipients)

    def _result_for(self, recipient: Address, logs: list[AttemptLog]) -> RecipientResult:
        if len(logs) == 1:  # as almost always
            log = logs[0]
            verdict = log.verdict(recipient)
        else:
            verdict, log = self.verdict(recipient)
        why = hint = None
        if verdict.cause is not None:
            why, hint = tell(verdict, log.facts._replace(sender=self._sender))
        return recipient_result(
            address=recipient.written,
            outcome=verdict.outcome,
            reply=verdict.reply,
            reason=verdict.reason,
            retryable=verdict.again is _LATER,
            attempts=len(logs) if len(logs) < 2 else sum(log.includes(recipient) for log in logs),
            server=log.server,
            phase=verdict.phase,
            cause=verdict.cause,
            hint=hint,
            why=why,
        )

    @property
    def _sender(self) -> str:
        return self.letter.reverse_path.written if self.letter.reverse_path else ""


def _why(work: Work) -> str:
    if work.closed:
        return "the mailer was closed"
    return f"the deadline of {work.seconds:g} s ran out" if work.late else cancelled()


def _of_one_round(first: AttemptLog, recipient: Address) -> tuple[Verdict, AttemptLog] | None:
    """The verdict of the last server, if that is final; else the one that allows most to be tried again."""
    verdicts = [(log.verdict(recipient), log) for log in (first, *first.others) if log.includes(recipient)]
    if not verdicts:
        return None
    last = verdicts[-1][0]
    if last.outcome is not Outcome.DEFERRED and last.again is Again.NO:
        return verdicts[-1]
    return max(reversed(verdicts), key=lambda entry: entry[0].again)
