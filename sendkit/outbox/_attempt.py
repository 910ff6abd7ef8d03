"""One attempt at one letter under the fence: mark before the end of data may leave, then write down what came of it.

Whatever ends the attempt, what is known by then is settled. While the database cannot be written nothing leaves, and
verdicts that are known already are kept and written again.
"""

from __future__ import annotations

import asyncio
import json
import logging
from collections.abc import Callable, Coroutine
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, TypeVar

from sendkit._delivery.origin import put_within
from sendkit._message.letter import Letter
from sendkit._smtp.address import Address, parse_address
from sendkit._smtp.verdict import Cause, Outcome
from sendkit.errors import ConfigurationError, CredentialsError, OutboxError, SendkitError
from sendkit.outbox._accounts import Trouble, recoveries, troubles
from sendkit.outbox._claim import Block, blocks
from sendkit.outbox._content import LedgerContent, content_of
from sendkit.outbox._fence import Mark, Release, marks, releases, settles
from sendkit.outbox._kept_options import read_options
from sendkit.outbox._ledger import How
from sendkit.outbox._rows import Claim, RecipientVerdict, Settlement
from sendkit.outbox._rules import Fenced
from sendkit.outbox._schedule import Waits
from sendkit.outbox._states import RecipientState

if TYPE_CHECKING:
    from sendkit._delivery.watch import Watch
    from sendkit._mailer import AsyncMailer
    from sendkit._smtp.content import Content
    from sendkit.outbox._ledger import Writer
    from sendkit.results import DeliveryResult, RecipientResult

Written = TypeVar("Written")

_logger = logging.getLogger("sendkit.outbox")
_AGAIN = 0.5  # seconds until what could not be written is written again
_DIVERTED = "it went elsewhere than it is addressed, by SENDKIT_TRANSPORT or a redirection"
PROBE = 60.0  # seconds between two looks whether an account has another secret
_STATES = {
    Outcome.ACCEPTED: RecipientState.ACCEPTED,
    Outcome.REJECTED: RecipientState.REJECTED,
    Outcome.IN_DOUBT: RecipientState.IN_DOUBT,
    Outcome.DEFERRED: RecipientState.WAITING,
}


@dataclass(slots=True)
class Attempts:
    """Makes attempts through one mailer, and writes them down with one writer. `now` is the database's clock.

    `refused` are the accounts that were refused in this process, which remembers their secrets; `said` is what was
    settled and may be lost with a database that crashes.
    """

    writer: Writer
    owner: str
    mailer: AsyncMailer
    waits: Waits
    now: Callable[[], float]
    retry_doubt: bool = False
    warn_after: float | None = None
    watch: Watch | None = None
    refused: set[str] = field(default_factory=set[str])
    said: list[Settlement] = field(default_factory=list[Settlement])

    async def make(self, claim: Claim, *, held: bool) -> float | None:
        """Make one attempt, and settle it; when to try again, or None.

        `held`: the letter finds out whether its account can log in again.
        """
        attempt = _Attempt(self, claim)
        try:
            result = await attempt.deliver()
        except (Fenced, OutboxError) as error:
            _logger.warning("letter %s: stopped before the end of data: %s", claim.uid, error)
            return await attempt.stopped(error)
        except SendkitError as error:
            return await attempt.unable(error, held=held)
        except BaseException as ended:
            await asyncio.shield(asyncio.ensure_future(attempt.stopped(ended)))
            raise
        return await attempt.ended(result, held=held)


class _Attempt:
    def __init__(self, by: Attempts, claim: Claim) -> None:
        self._by = by
        self._claim = claim
        self._numbers = {address: n for n, address in claim.recipients}
        self._marked = False
        self._blind = False  # the transport does not tell when the end of data is about to leave

    async def deliver(self) -> DeliveryResult:
        self._blind = not self._by.mailer._plan.transport_now().tells_before_end  # noqa: SLF001  # pyright: ignore[reportPrivateUsage] - the outbox and the mailer are one house
        if self._blind:
            await self._mark(())
        letter, origin = self._letter()
        with put_within(origin):
            return await self._by.mailer._try_once(letter, self._mark, self._by.watch)  # noqa: SLF001  # pyright: ignore[reportPrivateUsage] - as above

    async def ended(self, result: DeliveryResult, *, held: bool) -> float | None:
        """Settle what the mailer says."""
        why = _trouble(result)
        if why is not None:
            await self._in_trouble(why, held=held)
            if held and self._by.now() < self._claim.expires:  # a look whether it is over costs the letter no attempt
                return await self._release(self._by.now() + PROBE)
        elif held and result.attempts:
            await self._persist(lambda: self._by.writer.acall(recoveries, self._claim.account))
            self._by.refused.discard(self._claim.account)
        return await self._settle(self._verdicts(result), _summary(result))

    async def unable(self, error: SendkitError, *, held: bool) -> float | None:
        """Nothing went out, and a person must do something first."""
        if isinstance(error, ConfigurationError):  # nothing of the letter's: a mailer that is closed, a setting
            _logger.error("letter %s: %s", self._claim.uid, error)
            return await self._release(self._by.now() + PROBE)
        if isinstance(error, CredentialsError) and not error.transient:
            await self._in_trouble(str(error), held=held)
            if held and self._by.now() < self._claim.expires:
                return await self._release(self._by.now() + PROBE)
        verdicts = [RecipientVerdict(n, RecipientState.WAITING, None, error.message) for n in self._numbers.values()]
        return await self._settle(verdicts, json.dumps({"note": str(error)}))

    async def stopped(self, error: BaseException) -> float | None:
        """Settle what is known when the attempt was ended from outside; what was never marked cannot have left."""
        if not self._marked:
            return await self._release(0.0 if isinstance(error, Fenced) else self._by.now() + _AGAIN)
        result: DeliveryResult | None = getattr(error, "result", None)
        if result is None:  # what was marked is in doubt
            return await self._settle(
                [], json.dumps({"note": f"the attempt ended with {type(error).__name__}: {error}"})
            )
        verdicts = self._verdicts(result)
        if self._blind:  # whoever has no reply may have the message nevertheless
            verdicts = [one for one in verdicts if one.state != RecipientState.WAITING or one.reply is not None]
        return await self._settle(verdicts, _summary(result))

    async def _mark(self, recipients: tuple[Address, ...]) -> None:
        named = [self._numbers.get(recipient.written) for recipient in recipients]
        # A redirection writes to others than the letter says: then all of the letter's own are at stake.
        numbers = [n for n in named if n is not None]
        at_stake = numbers if numbers and None not in named else list(self._numbers.values())
        await self._by.writer.acall(marks, Mark(self._claim.id, self._claim.token, tuple(at_stake)), How.LIGHT)
        self._marked = True

    async def _in_trouble(self, why: str, *, held: bool) -> None:
        account = self._claim.account
        self._by.refused.add(account)
        if held:
            return
        trouble = Trouble(account, self._claim.id, why)
        if await self._persist(lambda: self._by.writer.acall(troubles, trouble)):
            _logger.error("account %s cannot log in, and its letters are held: %s", account, why)

    async def _settle(self, verdicts: list[RecipientVerdict], summary: str) -> float | None:
        claim, by, now = self._claim, self._by, self._by.now()
        due = by.waits.next(claim.attempts, now, claim.expires)
        said = Settlement(claim.id, claim.token, by.owner, tuple(verdicts), summary, due, by.retry_doubt, by.warn_after)
        again = await self._persist(lambda: by.writer.acall(settles, said, How.PATIENT))
        by.said.append(said)
        return again

    async def _release(self, due: float) -> float:
        wish = Release(self._claim.id, self._claim.token, due)
        await self._persist(lambda: self._by.writer.acall(releases, wish))
        return due

    async def _persist(self, write: Callable[[], Coroutine[Any, Any, Written]]) -> Written:
        """Write, as often as it takes: what is known must not be lost while this process lives."""
        said = False
        while True:
            try:
                return await write()
            except OutboxError as error:
                if not said:
                    said = True
                    _logger.error("letter %s: %s", self._claim.uid, error)  # noqa: TRY400 - the text says it all
                await asyncio.sleep(_AGAIN)

    def _verdicts(self, result: DeliveryResult) -> list[RecipientVerdict]:
        found = {self._numbers[address]: one for address, one in result.recipients.items() if address in self._numbers}
        others = [one for address, one in result.recipients.items() if address not in self._numbers]
        if others:  # a redirection: what became of its copy is what became of all who are not named themselves
            worst = min(others, key=lambda one: _BY_CARE.index(one.outcome))
            found |= {n: worst for n in self._numbers.values() if n not in found}
        return [_verdict(n, one, diverted=result.diverted) for n, one in found.items()]

    def _letter(self) -> tuple[Letter, str | None]:
        """The letter, and the trace in which it was put."""
        claim = self._claim
        large = LedgerContent(claim.size, claim.eight_bit, claim.utf8, self._read)
        content: Content = large if claim.content is None else content_of(claim.content)
        reverse_path = parse_address(claim.reverse_path) if claim.reverse_path else None
        options, origin = read_options(claim.options, claim.uid)
        recipients = tuple(map(parse_address, self._numbers))
        return Letter(reverse_path, recipients, content, claim.message_id, options=options), origin

    def _read(self, number: int) -> bytes | None:
        return self._by.writer.call(blocks, Block(self._claim.id, number), How.READS)


_BY_CARE = (Outcome.IN_DOUBT, Outcome.DEFERRED, Outcome.REJECTED, Outcome.ACCEPTED)


def _verdict(n: int, one: RecipientResult, *, diverted: bool) -> RecipientVerdict:
    state = _STATES[one.outcome]
    if diverted and state is RecipientState.ACCEPTED:
        state = RecipientState.DIVERTED
    return RecipientVerdict(n, state, None if one.reply is None else str(one.reply), one.reason)


def _trouble(result: DeliveryResult) -> str | None:
    """Why the account cannot be used until a person does something, if that is so."""
    for one in result.recipients.values():
        if one.outcome is Outcome.DEFERRED and one.cause is Cause.AUTHENTICATION and not one.retryable:
            return "; ".join(filter(None, (str(one.reply) if one.reply else None, one.reason, one.hint)))
    return None


def _summary(result: DeliveryResult) -> str:
    attempts = [attempt.model_dump_json(exclude={"server"}, exclude_defaults=True) for attempt in result.attempts]
    note = f', "note": "{_DIVERTED}"' if result.diverted else ""
    return f'{{"attempts": [{",".join(attempts)}]{note}}}'
