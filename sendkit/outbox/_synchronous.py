"""The synchronous face of the outbox: the same coroutines as the asynchronous one, which wait on this thread.

They wait for nothing but the ledger, so that each ends at its first step. Workers have a thread of their own.
"""

from __future__ import annotations

import os
import time
from collections.abc import Generator, Iterable, Iterator, Sequence
from contextlib import contextmanager
from datetime import datetime, timedelta
from types import TracebackType
from typing import TYPE_CHECKING, Self, TypeVar, Unpack

from sendkit.outbox._checks import check_mailer, check_timeout
from sendkit.outbox._core import Core, CoreOptions, Face, signing
from sendkit.outbox._cores import Cores
from sendkit.outbox._letter import FIVE_DAYS, Letter, Receipt
from sendkit.outbox._policy import shows_settings
from sendkit.outbox._questions import Search
from sendkit.outbox._states import LetterState
from sendkit.outbox._status import not_settled
from sendkit.outbox._waiting import at_once, blocking, here, one_by_one
from sendkit.outbox._worker_thread import Worker, drained, mailer_for, type_of_mailer

if TYPE_CHECKING:
    from sendkit._message.compose import AnyMessage
    from sendkit._smtp.envelope import Envelope
    from sendkit._submission import SubmissionOptions
    from sendkit._sync import Mailer
    from sendkit.outbox._engine import Engine
    from sendkit.outbox._health import Health
    from sendkit.outbox._orders import Purged
    from sendkit.outbox._place import Place
    from sendkit.outbox._policy import WorkerSettings
    from sendkit.outbox._status import Counts, LetterStatus
    from sendkit.signing import DKIM

Item = TypeVar("Item")
Result = TypeVar("Result")
_LOOK = 0.05  # seconds between two looks of `wait`


class Outbox:
    """Keeps mail until a server has it, across restarts of the program, and for days if necessary.

    The same as `AsyncOutbox`, for programs without an event loop: `url_or_path`, `account`, `max_size`, `dkim`,
    `engine` and the settings of workers (those of `WorkerSettings`) are described there. Safe to share between threads,
    and to use after a fork. Raises ConfigurationError.
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
        self._cores = Cores(url_or_path, Face(blocking, here, asynchronous=False), options)

    @property
    def _core(self) -> Core:
        return self._cores.current()

    @property
    def place(self) -> str:
        """Where it is: a path, or a URL without a password."""
        return self._core.place.name

    def put(
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
        return at_once(self._core.put(letter, transaction))

    def put_many(self, messages: Iterable[AnyMessage | Letter]) -> Iterator[Receipt]:
        """Put many messages, or Letters with keys and more, and yield the receipts in their order.

        Up to 500 are rendered, and then committed together. An error of one, or of the source, is raised; messages with
        a receipt are kept, and with keys you can put all of them again.
        """
        return one_by_one(self._core.put_many(messages))

    @shows_settings
    @contextmanager
    def worker(
        self,
        mailer: Mailer,
        *,
        account: str | None = None,
        finish: bool = True,
        **settings: Unpack[WorkerSettings],
    ) -> Generator[Worker]:
        """Send through this mailer, in the background, while the block runs.

        At its end, what is in progress ends and, with `finish`, what is due is tried, within `stop_within` seconds; the
        rest waits for the next worker. It takes letters of `account`, by default those of the mailer's own account.
        The others are the settings of a worker, those of `WorkerSettings`. Raises OutboxError and ConfigurationError
        where it cannot begin.
        """
        worker = Worker(self._core, mailer, account, settings)
        worker.start()
        undisturbed = False
        try:
            yield worker
            undisturbed = True
        finally:
            worker.stop(finish=finish and undisturbed)

    @shows_settings
    def run(self, mailer: Mailer, *, account: str | None = None, **settings: Unpack[WorkerSettings]) -> None:
        """Send through this mailer until interrupted.

        `account` is as in `worker`; the others are the settings of a worker, those of `WorkerSettings`.
        """
        with self.worker(mailer, account=account, **settings) as worker:
            worker.join()

    @shows_settings
    def drain(
        self, mailer: Mailer | None = None, *, account: str | None = None, **settings: Unpack[WorkerSettings]
    ) -> int:
        """Work on what is due until nothing is; how many attempts were made.

        Without a mailer, through that of `account` in the config, or of the environment. The others are the settings of
        a worker, those of `WorkerSettings`.
        """
        if mailer is None:
            with mailer_for(account) as found:
                return self.drain(found, account=account, **settings)
        check_mailer(mailer, type_of_mailer(), "AsyncOutbox")
        return mailer._portal.call(drained(self._core, mailer, account, settings))  # noqa: SLF001  # pyright: ignore[reportPrivateUsage] - one house

    def _upcoming(self) -> float | None:
        return at_once(self._core.upcoming())

    def status(self, letter: str | Receipt) -> LetterStatus:
        """One letter by its id or receipt: each recipient, and the whole history. Raises LetterNotFound."""
        return at_once(self._core.status(letter))

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
    ) -> Iterator[LetterStatus]:
        """Letters in the order in which they were put, without history; `limit` at most.

        By `state`, that of one recipient (`recipient_state`), `recipient`, `lane`, `key` or `account`.
        """
        return one_by_one(self._core.letters(Search(state, recipient_state, recipient, lane, key, account, 0, limit)))

    def counts(self) -> Counts:
        """How many letters are in each state, and how old the oldest is."""
        return at_once(self._core.counts())

    def health(self) -> Health:
        """The state of the outbox: tables, workers, clock, accounts that cannot log in, and problems for a person."""
        return at_once(self._core.health())

    def wait(self, letter: str | Receipt, *, timeout: float | None = None) -> LetterStatus:
        """Wait, for `timeout` seconds, until a `letter` is settled.

        Raises TimeoutError, LetterNotFound.
        """
        check_timeout(timeout)
        until = None if timeout is None else time.monotonic() + timeout
        while (found := self.status(letter)).state is not LetterState.SETTLED:
            if until is not None and time.monotonic() > until:
                raise not_settled(found, timeout)
            time.sleep(_LOOK)
        return found

    def cancel(self, letter: str | Receipt) -> bool:
        """Send this `letter` to no further recipient; returns whether anything changed. Raises LetterNotFound."""
        return at_once(self._core.order("cancel", letter))

    def hold(self, letter: str | Receipt) -> bool:
        """Suspend this `letter` until `release`; returns whether anything changed. Raises LetterNotFound."""
        return at_once(self._core.order("hold", letter))

    def release(self, letter: str | Receipt) -> bool:
        """Try a held letter now; returns whether anything changed. Raises LetterNotFound."""
        return at_once(self._core.order("release", letter))

    def retry(self, letter: str | Receipt) -> bool:
        """Send this `letter` again to recipients in doubt, which may create a duplicate, and now to those that wait.

        Raises LetterNotFound.
        """
        return at_once(self._core.order("retry", letter))

    def forget(self, letter: str | Receipt) -> bool:
        """Stop listing recipients of this `letter` in doubt; returns whether there were any. Raises LetterNotFound."""
        return at_once(self._core.order("forget", letter))

    def flush(self, *, account: str | None = None) -> int:
        """Try now the letters that wait for a retry, of one `account` or all; returns how many.

        Accounts that could not log in are tried too.
        """
        return at_once(self._core.flush(account))

    def pause(self, lane: str | None = None) -> None:
        """Stop sending a lane, or everything, until `resume`; what is in progress finishes."""
        at_once(self._core.pause(lane, "a person said so"))

    def resume(self, lane: str | None = None) -> None:
        """Resume what `pause` or a copied database stopped, of one `lane` or all."""
        at_once(self._core.pause(lane, None))

    def rate(self, lane: str, rate: str | None) -> None:
        """Limit a `lane` to a `rate`, such as "30/minute"; None for no limit.

        It is a number per `second`, `minute`, `hour` or `day`.
        """
        at_once(self._core.rate(lane, rate))

    def purge(
        self, *, content_after: timedelta = timedelta(days=1), rows_after: timedelta = timedelta(days=30)
    ) -> Purged:
        """Delete the content (`content_after`) and the rows (`rows_after`) of letters that were settled that long ago.

        Workers do so automatically. Letters in doubt are kept.
        """
        return at_once(self._core.purge(content_after, rows_after))

    def close(self) -> None:
        """Close the database."""
        self._cores.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        self.close()


def cores_at(place: Place, options: CoreOptions) -> Cores:
    """The cores of a synchronous outbox at a place that somebody else has made."""
    return Cores(place, Face(blocking, here, asynchronous=False), options)
