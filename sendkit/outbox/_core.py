"""What an outbox does, once for both faces: coroutines that wait for the ledger alone, by a `call` that a face gives.

The asynchronous face awaits the ledger; the synchronous one lets the same coroutines wait on the thread, so that they
end at the first step. Must not know: threads, loops.
"""

from __future__ import annotations

import os
import time
from collections.abc import AsyncIterable, AsyncIterator, Awaitable, Callable, Iterable, Sequence
from datetime import timedelta
from functools import partial
from typing import TYPE_CHECKING, NamedTuple, Protocol, TypeVar

from sendkit._accounts.account import Account
from sendkit._delivery.origin import traceparent
from sendkit._delivery.pace import parse_rate
from sendkit._message.compose import check_several
from sendkit._message.message import Message
from sendkit.errors import ConfigurationError, MessageError
from sendkit.outbox._borrowed import lender_of
from sendkit.outbox._checks import check_account, check_count, check_mailer, check_text, check_time, check_word
from sendkit.outbox._engine import Engine, PollingEngine
from sendkit.outbox._fence import Ledger
from sendkit.outbox._health import Health, healths
from sendkit.outbox._ledger import How, Task, Writer
from sendkit.outbox._letter import LARGEST, Letter, Receipt, Written, cut, shared, written
from sendkit.outbox._orders import Age, Lane, Order, Purged, flushes, lanes, orders, pauses, purges
from sendkit.outbox._place import Place
from sendkit.outbox._policy import Policy, WorkerSettings, policy_of
from sendkit.outbox._put import Piece, pieces, puts
from sendkit.outbox._questions import Page, Search, counts, searches, statuses
from sendkit.outbox._rows import Draft, Placed
from sendkit.outbox._schedule import Waits
from sendkit.outbox._schema import prepare
from sendkit.outbox._sender import usual_sender
from sendkit.outbox._states import LetterState, RecipientState
from sendkit.outbox._upkeep import next_dues
from sendkit.outbox._worker import AsyncWorker

if TYPE_CHECKING:
    from sendkit._mailer import AsyncMailer
    from sendkit._message.compose import AnyMessage
    from sendkit._message.dkim import Signer
    from sendkit._message.pieces import Piece as ContentPiece
    from sendkit.outbox._status import Counts, LetterStatus
    from sendkit.signing import DKIM

_AT_ONCE = 500  # letters in one commit
_LONG = 100_000  # characters of a text
_REMEMBERED = 16  # large pieces whose place is known without looking
_FRESH = 1800.0  # seconds; a piece that no letter needs is purged after twice as long

Item = TypeVar("Item")
Result = TypeVar("Result")


class Call(Protocol):
    """Runs work on the thread of the writer."""

    def __call__(self, task: Task[Item, Result], item: Item, how: How = How.AT_ONCE, /) -> Awaitable[Result]:
        """Wait until it is done."""
        ...


class Aside(Protocol):
    """Runs work that may wait for a disk, or take long."""

    def __call__(self, work: Callable[[], Result], /) -> Awaitable[Result]:
        """Wait until it is done."""
        ...


class Face(NamedTuple):
    """How a face of the outbox waits: for the writer, and for what may take long."""

    call: Callable[[Writer], Call]
    aside: Aside
    asynchronous: bool


class CoreOptions(NamedTuple):
    """The options of an outbox besides its place; `largest`: octets of one message; `signers` sign each message."""

    account: str | None
    engine: Engine | None
    largest: int | None
    settings: WorkerSettings
    signers: tuple[Signer, ...] = ()


def signing(keys: DKIM | Sequence[DKIM] | None) -> tuple[Signer, ...]:
    """What signs with these keys. Raises ConfigurationError."""
    if keys is None:
        return ()
    from sendkit.signing import signers_of  # noqa: PLC0415 - few outboxes sign

    return signers_of(keys)


class Core:
    """One outbox at one place, in this process."""

    def __init__(self, place: Place, face: Face, options: CoreOptions) -> None:
        self.place = place
        self.engine: Engine = _engine(options.engine)
        self._announce = None if isinstance(self.engine, PollingEngine) else self.engine.announce
        self.writer: Writer = place.writer or Writer(place.open, prepare, self._announce)
        self.policy: Policy = policy_of(options.settings, who="Outbox")
        self.works: set[AsyncWorker] = set()
        self._call = face.call(self.writer)
        self._aside: Aside = face.aside
        self._waits = face.asynchronous  # for what a program lends
        check_account(options.account)
        self._account = options.account
        self._signers = options.signers
        self._largest = LARGEST if options.largest is None else options.largest
        check_count("max_size", self._largest, "give octets: 25 * 1024 * 1024")
        self._known: dict[int, tuple[ContentPiece, tuple[int, ...], float]] = {}

    async def put(self, letter: Letter, transaction: object | None = None) -> Receipt:
        """Put one letter; it is on the disk when this returns."""
        ready = await self._written(letter)
        if transaction is not None:
            return await self._put_within(ready, transaction)
        draft = await self._stored(ready)
        (placed,) = await self._call(puts, (draft,))
        self.wake()
        return _receipt(placed)

    async def _put_within(self, letter: Written, transaction: object) -> Receipt:
        lender = lender_of(transaction, self.place, waits=self._waits)
        ledger = Ledger(lender.texts, self.place.now, self._announce)
        parts: list[bytes | int] = []
        for piece in letter.pieces:
            if isinstance(piece, bytes):
                parts += cut(piece)
                continue
            async for block in self._blocks(piece):
                parts += await lender.carry_out(pieces(ledger, (block,)))
        ((placed,),) = await lender.carry_out(puts(ledger, [(letter.draft._replace(pieces=tuple(parts)),)]))
        return _receipt(placed)

    async def put_many(
        self, letters: Iterable[AnyMessage | Letter] | AsyncIterable[AnyMessage | Letter]
    ) -> AsyncIterator[Receipt]:
        """Put letters, in commits of at most 500, each rendered before its transaction begins."""
        async for batch in _batches(letters):
            drafts = [await self._stored(await self._written(letter)) for letter in batch]
            placed = await self._call(puts, tuple(drafts))
            self.wake()
            for one in placed:
                yield _receipt(one)

    def work(self, mailer: AsyncMailer, account: str | None, settings: WorkerSettings) -> AsyncWorker:
        """A worker of this outbox, on the event loop that runs here."""
        from sendkit._mailer import AsyncMailer  # noqa: PLC0415 - who only puts needs none

        check_account(account)
        check_mailer(mailer, AsyncMailer, "Outbox")
        policy = policy_of(settings, who="worker", usual=self.policy)
        return AsyncWorker(self.writer, self.place, engine=self.engine, mailer=mailer, policy=policy, account=account)

    async def status(self, uid: str | Receipt) -> LetterStatus:
        """One letter, with all that is known of it."""
        return await self._call(statuses, uid.id if isinstance(uid, Receipt) else uid, How.READS)

    async def letters(self, search: Search) -> AsyncIterator[LetterStatus]:
        """Letters by what is asked for."""
        check_word("state", search.state, [*LetterState])
        check_word("recipient_state", search.recipient_state, [*RecipientState])
        for name in ("address", "lane", "key", "account"):
            check_text("recipient" if name == "address" else name, getattr(search, name), 1000)
        check_count("limit", search.limit, "give a whole number from 0 on", least=0)
        left = search.limit
        while left > 0:
            page: Page = await self._call(searches, search._replace(limit=min(left, 100)), How.READS)
            for letter in page.letters:
                yield letter
            if len(page.letters) < min(left, 100):
                return
            left -= len(page.letters)
            search = search._replace(after=page.last)

    async def upcoming(self) -> float | None:
        """When there is something to do: 0 for now, None for never."""
        return await self._call(next_dues, Waits(self.policy.schedule).longest, How.READS)

    async def counts(self) -> Counts:
        """The number of letters in each state."""
        return await self._call(counts, None, How.READS)

    async def order(self, what: str, letter: str | Receipt) -> bool:
        """Apply an order to one letter."""
        uid = letter.id if isinstance(letter, Receipt) else letter
        changed = await self._call(orders, Order(what, uid))
        self.wake()
        return changed

    async def flush(self, account: str | None) -> int:
        """Try now what waits for its next try."""
        count = await self._call(flushes, account)
        self.wake()
        return count

    async def pause(self, lane: str | None, why: str | None) -> None:
        """Pause a lane or all sending; without a reason, resume it."""
        if lane is None:
            await self._call(pauses, why)
        else:
            check_text("lane", lane)
            await self._call(lanes, Lane(lane, paused=why is not None))
        self.wake()

    async def rate(self, lane: str, rate: str | None) -> None:
        """Limit a lane."""
        check_text("lane", lane, wanted=True)
        limit = None if rate is None else parse_rate(rate)
        await self._call(lanes, Lane(lane, rate=limit, sets_rate=True))
        self.wake()

    async def purge(self, content_after: timedelta, rows_after: timedelta) -> Purged:
        """Delete what is kept no longer."""
        check_time("content_after", content_after)
        check_time("rows_after", rows_after)
        age = Age(content_after.total_seconds(), rows_after.total_seconds())
        total = Purged(0, 0)
        while any(some := await self._call(purges, age)):
            total = Purged(total.contents + some.contents, total.letters + some.letters)
        return total

    async def health(self) -> Health:
        """The state of the outbox."""
        return await self._call(healths, self.place, How.READS)

    def close(self) -> None:
        """Close the database."""
        self.writer.close()

    def wake(self) -> None:
        """Tell the workers of this process that there may be something to take."""
        for work in tuple(self.works):
            work.desk.wake()

    async def _written(self, letter: Letter) -> Written:
        account, message = self._account_of(letter), letter.message
        nameless = isinstance(message, Message) and message.sender is None
        write = partial(
            written,
            letter,
            account,
            largest=self._largest,
            signers=self._signers,
            usual_sender=usual_sender(account, self.works) if nameless else None,
            origin=traceparent(),
        )
        slow = self._signers or _is_slow(message)
        return await self._aside(write) if slow else write()

    def _account_of(self, letter: Letter) -> str:
        if account := letter.account or self._account:
            return account
        if os.environ.get("SENDKIT_URL") or os.environ.get("SENDKIT_HOST"):
            return Account.all_from_env(os.environ)[0].names[0]
        for work in self.works:
            if work.accounts:
                return work.accounts[0]
        if self.place.account is not None:
            return self.place.account
        hint = "give account= here or to the outbox: a name of the config, or user@host:port; or set SENDKIT_HOST"
        raise ConfigurationError("a letter needs an account to be sent through", hint=hint)

    async def _stored(self, letter: Written) -> Draft:
        """The letter as it is put: what letters may share is kept already."""
        parts: list[bytes | int] = []
        for piece in letter.pieces:
            parts += cut(piece) if isinstance(piece, bytes) else await self._kept(piece)
        return letter.draft._replace(pieces=tuple(parts))

    async def _kept(self, piece: ContentPiece) -> tuple[int, ...]:
        known = self._known.get(id(piece))
        if known is not None and known[0] is piece and time.monotonic() - known[2] < _FRESH:
            return known[1]
        numbers = tuple([await self._call(pieces, block) async for block in self._blocks(piece)])
        if len(self._known) >= _REMEMBERED:
            self._known.pop(next(iter(self._known)))
        self._known[id(piece)] = (piece, numbers, time.monotonic())
        return numbers

    async def _blocks(self, piece: ContentPiece) -> AsyncIterator[Piece]:
        """A large piece, read where nobody waits for a disk."""
        blocks = shared(piece)
        while (block := await self._aside(lambda: next(blocks, None))) is not None:
            yield block


def _is_slow(message: object) -> bool:
    """Whether writing a message out may read files, or take long."""
    if not isinstance(message, Message):
        return True
    return bool(message.attachments or message.inline) or len(message.text or "") + len(message.html or "") > _LONG


async def _batches(
    letters: Iterable[AnyMessage | Letter] | AsyncIterable[AnyMessage | Letter],
) -> AsyncIterator[Sequence[Letter]]:
    batch: list[Letter] = []
    async for item in _each(letters):
        batch.append(item if isinstance(item, Letter) else Letter(item))
        if len(batch) == _AT_ONCE:
            yield batch
            batch = []
    if batch:
        yield batch


async def _each(items: Iterable[Item] | AsyncIterable[Item]) -> AsyncIterator[Item]:
    if isinstance(items, Message | Letter):
        raise MessageError("put_many takes many messages, and this is one", hint="call put, or give a list")
    check_several(items)
    if isinstance(items, AsyncIterable):
        async for item in items:
            yield item
    else:
        for item in items:
            yield item


def _engine(told: Engine | None) -> Engine:
    if told is None:
        return PollingEngine()
    if not callable(getattr(told, "announce", None)) or not callable(getattr(told, "run", None)):
        raise ConfigurationError(f"engine= cannot be {told!r}", hint="give a ProcrastinateEngine, or leave it out")
    return told


def _receipt(placed: Placed) -> Receipt:
    return Receipt(placed.uid, placed.duplicate, placed.message_id)
