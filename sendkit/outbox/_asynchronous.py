"""The asynchronous face of the outbox: put, workers, questions and orders, each awaited."""

from __future__ import annotations

import asyncio
import os
from collections.abc import AsyncGenerator, AsyncIterable, AsyncIterator, Iterable, Sequence
from contextlib import asynccontextmanager
from datetime import datetime, timedelta
from types import TracebackType
from typing import TYPE_CHECKING, Self, Unpack

from sendkit._lifetime import threads
from sendkit.outbox._checks import check_timeout
from sendkit.outbox._core import Core, CoreOptions, Face, signing
from sendkit.outbox._cores import Cores
from sendkit.outbox._letter import FIVE_DAYS, Letter, Receipt
from sendkit.outbox._policy import shows_settings
from sendkit.outbox._questions import Search
from sendkit.outbox._states import LetterState
from sendkit.outbox._status import not_settled
from sendkit.outbox._waiting import awaiting

if TYPE_CHECKING:
    from sendkit._mailer import AsyncMailer
    from sendkit._message.compose import AnyMessage
    from sendkit._smtp.envelope import Envelope
    from sendkit._submission import SubmissionOptions
    from sendkit.outbox._engine import Engine
    from sendkit.outbox._health import Health
    from sendkit.outbox._orders import Purged
    from sendkit.outbox._policy import WorkerSettings
    from sendkit.outbox._status import Counts, LetterStatus
    from sendkit.outbox._worker import AsyncWorker
    from sendkit.signing import DKIM

_LOOK = 0.05  # seconds between two looks of `wait`


class AsyncOutbox:
    """Keeps mail until a server has it, across restarts of the program, and for days if necessary.

    `url_or_path` is a file (SQLite) or a URL (`postgresql://…`, `sqlite:///PATH`); by default SENDKIT_OUTBOX, or else
    `$XDG_STATE_HOME/sendkit/outbox.db`. `account` is the account of each `put` that names none. `max_size` is the
    largest message in octets. With `dkim` each message is signed when it is put, and kept signed. The settings of
    workers (those of `WorkerSettings`) can be given here for all of them. `engine` is provisional.
    Opens when first needed; use `async with`, or call `aclose()`. Raises ConfigurationError.
    """

    @shows_settings
    def __init__(
        self,
        url_or_path: str | os.PathLike[str] | None = None,
        *,
        account: str | None = None,
        engine: Engine | None = None,
        max_size: int | None = None,
        dkim: DKIM | Sequence[DKIM] | None = None,
        **settings: Unpack[WorkerSettings],
    ) -> None:
        options = CoreOptions(account, engine, max_size, settings, signing(dkim))
        self._cores = Cores(url_or_path, Face(awaiting, threads.run, asynchronous=True), options)

    @property
    def _core(self) -> Core:
        return self._cores.current()

    @property
    def place(self) -> str:
        """Where it is: a path, or a URL without a password."""
        return self._core.place.name

    async def put(
        self,
        message: AnyMessage,
        *,
        key: str | None = None,
        send_at: datetime | None = None,
        expires_in: timedelta = FIVE_DAYS,
        lane: str = "",
        priority: int = 0,
        account: str | None = None,
        transaction: object | None = None,
        envelope_from: str | None = None,
        recipients: Iterable[str] | Envelope | str | None = None,
        options: SubmissionOptions | None = None,
    ) -> Receipt:
        """Put one message; when this returns, it is on the disk, and will be sent, returned, or reported in doubt.

        `key`: messages with the same key are sent once, whichever process puts them. `send_at` is also the Date of a
        `Message` that has none of its author's. After `expires_in` recipients that no server accepted expire. Letters
        of a `lane` have its rate and pauses; a smaller `priority` goes first within it. `account` is a name of the
        config, or `user@host:port`; by default that of the outbox or of the environment. `transaction` is a
        connection or a session of the outbox's own database: the letter is put if and only if that commits.
        `envelope_from`, `recipients` and `options` are as in `send`; `options.envid` is the letter's id. A Message
        without a sender is from the account. Raises MessageError, ConfigurationError and OutboxError; then nothing is
        stored.
        """
        letter = Letter(message, key, send_at, expires_in, lane, priority, account, envelope_from, recipients, options)
        return await self._core.put(letter, transaction)

    def put_many(
        self, messages: Iterable[AnyMessage | Letter] | AsyncIterable[AnyMessage | Letter]
    ) -> AsyncIterator[Receipt]:
        """Put many messages, or Letters with keys and more, and yield the receipts in their order.

        Up to 500 are rendered, and then committed together. An error of one, or of the source, is raised; messages with
        a receipt are kept, and with keys you can put all of them again.
        """
        return self._core.put_many(messages)

    @shows_settings
    @asynccontextmanager
    async def worker(
        self,
        mailer: AsyncMailer,
        *,
        account: str | None = None,
        finish: bool = True,
        **settings: Unpack[WorkerSettings],
    ) -> AsyncGenerator[AsyncWorker]:
        """Send through this mailer while the block runs.

        At its end, what is in progress ends and, with `finish`, what is due is tried, within `stop_within` seconds; the
        rest waits for the next worker. It takes letters of `account`, by default those of the mailer's own account.
        The others are the settings of a worker, those of `WorkerSettings`. Raises OutboxError and ConfigurationError
        where it cannot begin.
        """
        work = self._core.work(mailer, account, settings)
        await work.begin()
        running = asyncio.ensure_future(work.run())
        self._core.works.add(work)
        try:
            yield work
            work.finish = finish
        finally:
            self._core.works.discard(work)
            work.stop.set()
            await running

    @shows_settings
    async def run(self, mailer: AsyncMailer, *, account: str | None = None, **settings: Unpack[WorkerSettings]) -> None:
        """Send through this mailer until this is cancelled."""
        async with self.worker(mailer, account=account, **settings):
            await asyncio.Event().wait()

    @shows_settings
    async def drain(
        self, mailer: AsyncMailer | None = None, *, account: str | None = None, **settings: Unpack[WorkerSettings]
    ) -> int:
        """Work on what is due until nothing is; how many attempts were made.

        Without a mailer, through that of `account` in the config, or of the environment. The others are the settings of
        a worker, those of `WorkerSettings`.
        """
        if mailer is None:
            async with _mailer_for(account) as found:
                return await self.drain(found, account=account, **settings)
        work = self._core.work(mailer, account, settings)
        await work.begin()
        try:
            return await work.drain()
        finally:
            await work.end()

    async def status(self, letter: str | Receipt) -> LetterStatus:
        """One letter by its id or receipt: each recipient, and the whole history. Raises LetterNotFound."""
        return await self._core.status(letter)

    def letters(
        self,
        *,
        state: str | None = None,
        recipient_state: str | None = None,
        recipient: str | None = None,
        lane: str | None = None,
        key: str | None = None,
        account: str | None = None,
        limit: int = 1000,
    ) -> AsyncIterator[LetterStatus]:
        """Letters in the order in which they were put, without history; `limit` at most.

        By `state`, that of one recipient (`recipient_state`), `recipient`, `lane`, `key` or `account`.
        """
        return self._core.letters(Search(state, recipient_state, recipient, lane, key, account, 0, limit))

    async def counts(self) -> Counts:
        """How many letters are in each state, and how old the oldest is."""
        return await self._core.counts()

    async def health(self) -> Health:
        """The state of the outbox: tables, workers, clock, accounts that cannot log in, and problems for a person."""
        return await self._core.health()

    async def wait(
        self,
        letter: str | Receipt,
        *,
        timeout: float | None = None,  # noqa: ASYNC109 - as `subprocess.Popen.wait`
    ) -> LetterStatus:
        """Wait, for `timeout` seconds, until a `letter` is settled.

        Raises TimeoutError, LetterNotFound.
        """
        check_timeout(timeout)
        found = await self.status(letter)
        try:
            async with asyncio.timeout(timeout):
                while found.state is not LetterState.SETTLED:
                    await asyncio.sleep(_LOOK)
                    found = await self.status(letter)
        except TimeoutError:
            raise not_settled(found, timeout) from None
        return found

    async def cancel(self, letter: str | Receipt) -> bool:
        """Send this `letter` to no further recipient; returns whether anything changed. Raises LetterNotFound."""
        return await self._core.order("cancel", letter)

    async def hold(self, letter: str | Receipt) -> bool:
        """Suspend this `letter` until `release`; returns whether anything changed. Raises LetterNotFound."""
        return await self._core.order("hold", letter)

    async def release(self, letter: str | Receipt) -> bool:
        """Try a held letter now; returns whether anything changed. Raises LetterNotFound."""
        return await self._core.order("release", letter)

    async def retry(self, letter: str | Receipt) -> bool:
        """Send this `letter` again to recipients in doubt, which may create a duplicate, and now to those that wait.

        Raises LetterNotFound.
        """
        return await self._core.order("retry", letter)

    async def forget(self, letter: str | Receipt) -> bool:
        """Stop listing recipients of this `letter` in doubt; returns whether there were any. Raises LetterNotFound."""
        return await self._core.order("forget", letter)

    async def flush(self, *, account: str | None = None) -> int:
        """Try now the letters that wait for a retry, of one `account` or all; returns how many.

        Accounts that could not log in are tried too.
        """
        return await self._core.flush(account)

    async def pause(self, lane: str | None = None) -> None:
        """Stop sending a lane, or everything, until `resume`; what is in progress finishes."""
        await self._core.pause(lane, "a person said so")

    async def resume(self, lane: str | None = None) -> None:
        """Resume what `pause` or a copied database stopped, of one `lane` or all."""
        await self._core.pause(lane, None)

    async def rate(self, lane: str, rate: str | None) -> None:
        """Limit a `lane` to a `rate`, such as "30/minute"; None for no limit.

        It is a number per `second`, `minute`, `hour` or `day`.
        """
        await self._core.rate(lane, rate)

    async def purge(
        self, *, content_after: timedelta = timedelta(days=1), rows_after: timedelta = timedelta(days=30)
    ) -> Purged:
        """Delete the content (`content_after`) and the rows (`rows_after`) of letters that were settled that long ago.

        Workers do so automatically. Letters in doubt are kept.
        """
        return await self._core.purge(content_after, rows_after)

    async def aclose(self) -> None:
        """Close the database."""
        self._cores.close()

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        await self.aclose()


def _mailer_for(account: str | None) -> AsyncMailer:
    """The mailer of an account of the config, or of the environment. Raises ConfigurationError."""
    from sendkit._mailer import AsyncMailer  # noqa: PLC0415 - who only puts needs none

    return AsyncMailer.from_env() if account is None else AsyncMailer.from_config(account)
